//! What `terraform show -json` prints, of a state or a plan. Must not know: how AWS's members are made of snake_case; that
//! is a general rule with exceptions.

use crate::kinds::{Kind, definition, task_definition};
use crate::manifest::Foreign;
use crate::shape::{Path, Tree, json};

use super::convert::{Converter, Exception, Step};
use super::{Claim, Found, Note, Remarks, Spot, What, limits, redact};

const KINDS: [(&str, Kind); 3] = [
    ("aws_ecs_cluster", Kind::Cluster),
    ("aws_ecs_task_definition", Kind::TaskDefinition),
    ("aws_ecs_service", Kind::Service),
];

/// Names that differ from the API's by more than case and underscores.
const EXCEPTIONS: &[Exception] = &[
    ("loadbalancer", &["loadBalancers"]),
    ("orderedplacementstrategy", &["placementStrategy"]),
    ("deploymentmaximumpercent", &["deploymentConfiguration", "maximumPercent"]),
    ("deploymentminimumhealthypercent", &["deploymentConfiguration", "minimumHealthyPercent"]),
    ("deploymentcircuitbreaker", &["deploymentConfiguration", "deploymentCircuitBreaker"]),
    ("alarms", &["deploymentConfiguration", "alarms"]),
    ("subnets", &["awsvpcConfiguration", "subnets"]),
    ("securitygroups", &["awsvpcConfiguration", "securityGroups"]),
    ("assignpublicip", &["awsvpcConfiguration", "assignPublicIp"]),
    ("volume", &["volumes"]),
    ("hostpath", &["host", "sourcePath"]),
    ("setting", &["settings"]),
    ("iamrole", &["role"]),
    ("service", &["services"]),
    ("clientalias", &["clientAliases"]),
    ("volumeconfiguration", &["volumeConfigurations"]),
];

/// What only the provider has: computed, or how it goes about things.
const DROPPED: &[&str] = &[
    "id",
    "arn",
    "arnwithoutrevision",
    "tagsall",
    "region",
    "timeouts",
    "revision",
    "skipdestroy",
    "tracklatest",
    "waitforsteadystate",
    "forcenewdeployment",
    "forcedelete",
    "triggers",
    "sigintrollback",
];

fn module(tree: &Tree) -> Option<(&'static str, &Tree)> {
    let of = |name: &'static str| Some((name, tree.get(name)?.get("root_module")?));
    of("values").or_else(|| of("planned_values"))
}

pub fn is(tree: &Tree) -> bool {
    module(tree).is_some() || (tree.get("terraform_version").is_some() && tree.get("format_version").is_some())
}

/// The ECS resources of all modules.
pub fn found(document: &Foreign, notes: &mut Vec<Note>) -> Vec<Found> {
    let mut all = Vec::new();
    if let Some((name, root)) = module(&document.tree) {
        let places = document.places();
        let spot = |path: &Path| Spot::new(&document.file, places.find(path));
        let mut others = 0;
        let at = Path::from(name).name("root_module");
        modules(root, &at, 0, &mut |resource, at| match kind(resource) {
            Some(kind) => all.push(one(resource, at, kind, &spot, notes)),
            None if resource.text("type").is_some_and(|name| name.starts_with("aws_ecs_")) && is_managed(resource) => {
                let address = resource.text("address").unwrap_or_default();
                let message = format!("{address}: there is no kind of manifest for it");
                notes.push(Note::new(What::LeftOut, message).at(spot(at)));
            }
            None => others += 1,
        });
        if others > 0 {
            let message = format!("what is not ECS's stays with Terraform: {others} of its resources");
            notes.push(Note::new(What::Warning, message).at(spot(&Path::root())));
        }
    }
    all
}

fn is_managed(resource: &Tree) -> bool {
    resource.text("mode") != Some("data")
}

fn kind(resource: &Tree) -> Option<Kind> {
    let name = resource.text("type").filter(|_| is_managed(resource))?;
    KINDS.iter().find(|(one, _)| *one == name).map(|(_, kind)| *kind)
}

fn modules(module: &Tree, at: &Path, depth: usize, each: &mut dyn FnMut(&Tree, &Path)) {
    for (index, resource) in module.list("resources").iter().enumerate() {
        each(resource, &at.name("resources").index(index));
    }
    for (index, child) in module.list("child_modules").iter().enumerate().filter(|_| depth < limits::MODULES_DEPTH) {
        modules(child, &at.name("child_modules").index(index), depth + 1, each);
    }
}

fn one(resource: &Tree, at: &Path, kind: Kind, spot: &dyn Fn(&Path) -> Spot, notes: &mut Vec<Note>) -> Found {
    let definition = definition(kind);
    let address = resource.text("address").unwrap_or_default();
    let mut values = resource.get("values").cloned().unwrap_or_else(Tree::map);
    if let Some(name) = values.remove("name") {
        values.set(definition.name_member, name);
    }
    let id = resource.text("name").unwrap_or("unnamed");
    let own = values.text(definition.name_member).or_else(|| values.text("family")).unwrap_or(id).to_owned();
    let mut found = Found::new(kind, own, Tree::map(), format!("{} ({address})", spot(at)));
    found.claim = Some(Claim::Terraform { address: address.split('[').next().unwrap_or(address).to_owned() });
    if let Some(Tree::Text(text)) = values.remove("container_definitions") {
        match json::read(text.as_bytes()) {
            Ok(containers) => values.set("container_definitions", containers),
            // The parser's words may hold what it read.
            Err(error) => {
                found.refused = Some(format!("container_definitions is no JSON at line {}", error.line()));
            }
        }
    }
    let cluster = values.remove("cluster");
    if let Some(cluster) = cluster.as_ref().and_then(Tree::as_text).filter(|name| !name.is_empty()) {
        found.cluster = Some(task_definition::short(cluster).to_owned());
    }
    let mut resolve = |tree: &Tree, at: &Path| match tree {
        // Absent members of blocks.
        Tree::Null => Step::Absent,
        Tree::Text(text) if text.is_empty() && !crate::kinds::secrets::is_secret(at) => Step::Absent,
        other => Step::Value(other.clone(), at.clone(), None),
    };
    let mut converter = Converter {
        exceptions: EXCEPTIONS,
        dropped: DROPPED,
        resolve: &mut resolve,
        unknown: Vec::new(),
        remarks: Remarks::new(),
    };
    let mut spec = converter.structure(definition.structure(), &values, &at.name("values"), &Path::root());
    for (source, target) in std::mem::take(&mut converter.unknown) {
        let message = format!("{target} is not known to this version");
        found.remarks.entry(target.parent()).or_default().push(format!("Left out: {message}."));
        notes.push(Note::new(What::LeftOut, message).at(spot(&source)).of(&found));
    }
    if kind == Kind::Service && spec.text("schedulingStrategy") == Some("DAEMON") {
        spec.remove("desiredCount");
    }
    // The provider writes the role of the service into it; ECS takes it only where it chose none itself.
    if spec.text("role").is_some_and(|role| role.contains("AWSServiceRoleForECS")) {
        spec.remove("role");
    }
    redact::literal(&mut spec, &mut found.variables);
    found.spec = spec;
    found
}
