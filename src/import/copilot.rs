//! Copilot manifests: a task definition and a service, as far as a manifest tells; the roles, subnets and load balancers
//! that Copilot makes besides are variables, or told of. Must not know: other tools.

use crate::kinds::Kind;
use crate::manifest::{Foreign, Places};
use crate::shape::{Path, Tree};
use crate::tree;

use super::names::placeholder;
use super::{Claim, Found, Note, Spot, Variable, What};

/// Types that are a service of tasks.
const SERVICES: [&str; 3] = ["Load Balanced Web Service", "Backend Service", "Worker Service"];
/// Other types that Copilot has.
const OTHERS: [&str; 4] = ["Request-Driven Web Service", "Static Site", "Scheduled Job", "Pipeline"];
/// What is read; everything else is told.
const READ: [&str; 16] = [
    "name",
    "type",
    "image",
    "cpu",
    "memory",
    "platform",
    "count",
    "exec",
    "variables",
    "secrets",
    "command",
    "entrypoint",
    "sidecars",
    "storage",
    "network",
    "environments",
];

pub fn is(tree: &Tree) -> bool {
    let known = |name: &str| SERVICES.contains(&name) || OTHERS.contains(&name);
    tree.text("type").is_some_and(known) && tree.text("name").is_some()
}

struct Reader<'a> {
    file: &'a str,
    places: Places,
    notes: Vec<Note>,
    object: String,
    variables: std::collections::BTreeMap<String, Variable>,
}

impl Reader<'_> {
    fn note(&mut self, what: What, at: &Path, message: impl Into<String>) {
        let note = Note { object: Some(self.object.clone()), ..Note::new(what, message) };
        self.notes.push(note.at(Spot::new(self.file, self.places.find(at))));
    }

    fn open(&mut self, name: &str, at: &Path, why: &str) -> String {
        let variable = Variable { why: why.to_owned(), default: None, hidden: None };
        if self.variables.insert(name.to_owned(), variable).is_none() {
            self.note(What::Placeholder, at, format!("{why}; ${{var.{name}}} stands for it"));
        }
        placeholder(name)
    }
}

/// The task definition and the service of a manifest.
pub fn found(document: &Foreign, notes: &mut Vec<Note>) -> Vec<Found> {
    let tree = &document.tree;
    let name = tree.text("name").unwrap_or_default();
    let object = format!("Service/{name}");
    let places = document.places();
    let mut reader = Reader { file: &document.file, places, notes: Vec::new(), object, variables: Default::default() };
    let mut all = Vec::new();
    let kind = tree.text("type").unwrap_or_default();
    if SERVICES.contains(&kind) {
        for member in tree.as_map().into_iter().flatten().map(|(member, _)| member) {
            if !READ.contains(&member.as_str()) {
                let message = format!("{member} is not brought along: {}", hint(member));
                reader.note(What::LeftOut, &Path::from("").name(member), message);
            }
        }
        for environment in tree.get("environments").and_then(Tree::as_map).into_iter().flatten().map(|(name, _)| name) {
            let message =
                format!("what differs in {environment} is not brought along; a directory is an environment here");
            reader.note(What::LeftOut, &Path::from("environments").name(environment), message);
        }
        let from = format!("{}:{}", document.file, reader.places.find(&Path::root()).line);
        let definition = Found::new(Kind::TaskDefinition, name, definition(&mut reader, tree, name), from.clone());
        let service = Found::new(Kind::Service, name, service(&mut reader, tree, name), from);
        let cluster = reader.open("Cluster", &Path::root(), "the cluster of the Copilot environment");
        let claim = Claim::Copilot { application: String::new(), environment: String::new(), service: name.to_owned() };
        for one in [definition, Found { cluster: Some(cluster), ..service }] {
            all.push(Found { variables: reader.variables.clone(), claim: Some(claim.clone()), ..one });
        }
    } else {
        reader.note(What::Refused, &Path::from("type"), format!("a {kind} is no service of ECS tasks"));
    }
    notes.append(&mut reader.notes);
    all
}

fn hint(member: &str) -> &'static str {
    match member {
        "http" | "nlb" | "alias" => "name the target group that Copilot made under spec.loadBalancers",
        "env_file" => "upload it, and name its ARN under environmentFiles",
        "taskdef_overrides" => "change the task definition's manifest itself",
        _ => "there is no such member in ECS's API",
    }
}

fn definition(reader: &mut Reader<'_>, tree: &Tree, name: &str) -> Tree {
    let number = |member: &str, default: i64| tree.int(member).unwrap_or(default).to_string();
    let role = |reader: &mut Reader<'_>, name: &str| reader.open(name, &Path::root(), "a role that Copilot made");
    let mut spec = tree! {
        "family" => name, "networkMode" => "awsvpc", "requiresCompatibilities" => vec!["FARGATE"],
        "cpu" => number("cpu", 256), "memory" => number("memory", 512),
        "executionRoleArn" => role(reader, "ExecutionRole"), "taskRoleArn" => role(reader, "TaskRole"),
    };
    match tree.get("platform") {
        Some(Tree::Text(platform)) => {
            let chip = if platform.ends_with("arm64") { "ARM64" } else { "X86_64" };
            if platform.starts_with("linux/") {
                spec.set("runtimePlatform", tree! { "cpuArchitecture" => chip, "operatingSystemFamily" => "LINUX" });
            } else {
                reader.note(What::LeftOut, &Path::from("platform"), format!("the platform {platform}"));
            }
        }
        Some(_) => reader.note(What::LeftOut, &Path::from("platform"), "a platform by its parts"),
        None => {}
    }
    let mut containers = vec![container(reader, tree, tree.get("image"), &Path::root(), name)];
    for (sidecar, one) in tree.get("sidecars").and_then(Tree::as_map).into_iter().flatten() {
        let at = Path::from("sidecars").name(sidecar);
        let mut container = container(reader, one, one.get("image"), &at, sidecar);
        if let Some(port) = one.get("port").map(crate::shape::json::write) {
            let port = port.trim_matches('"').split('/').next().and_then(|port| port.parse::<i64>().ok());
            container = container.with_some("portMappings", port.map(|port| vec![tree! { "containerPort" => port }]));
        }
        container = container.with_some("essential", one.bool("essential").filter(|essential| !essential));
        containers.push(container);
    }
    spec.set("containerDefinitions", containers);
    if let Some(size) = tree.at(&["storage", "ephemeral"]).and_then(Tree::as_int).filter(|size| *size > 20) {
        spec.set("ephemeralStorage", tree! { "sizeInGiB" => size });
    }
    for member in tree.get("storage").and_then(Tree::as_map).into_iter().flatten().map(|(name, _)| name) {
        if member != "ephemeral" {
            let message = format!("storage.{member} is not brought along");
            reader.note(What::LeftOut, &Path::from("storage").name(member), message);
        }
    }
    spec
}

fn container(reader: &mut Reader<'_>, tree: &Tree, image: Option<&Tree>, at: &Path, name: &str) -> Tree {
    let location = match image {
        Some(Tree::Text(text)) => text.clone(),
        image => match image.and_then(|image| image.text("location")) {
            Some(text) => text.to_owned(),
            None => reader.open(&format!("Image-{name}"), &at.name("image"), "an image that Copilot builds"),
        }
        .into(),
    };
    let mut one = tree! { "name" => name, "image" => location };
    if let Some(port) = image.and_then(|image| image.int("port")) {
        one.set("portMappings", vec![tree! { "containerPort" => port }]);
    }
    if image.and_then(|image| image.get("healthcheck")).is_some() {
        let message = "image.healthcheck is not brought along: write it as healthCheck";
        reader.note(What::LeftOut, &at.name("image").name("healthcheck"), message);
    }
    for (member, named) in [("command", "command"), ("entrypoint", "entryPoint")] {
        match tree.get(member) {
            Some(Tree::List(words)) => one.set(named, words.clone()),
            Some(Tree::Text(words)) => one.set(named, words.split_whitespace().collect::<Vec<_>>()),
            _ => {}
        }
    }
    let mut pairs = |member: &str, value_member: &str| {
        let mut list = Vec::new();
        for (name, value) in tree.get(member).and_then(Tree::as_map).into_iter().flatten() {
            let value = match value {
                Tree::Map(_) | Tree::List(_) | Tree::Null => {
                    let message = format!("{member}.{name} comes from elsewhere, and is not brought along");
                    reader.note(What::LeftOut, &at.name(member).name(name), message);
                    continue;
                }
                Tree::Text(text) => text.clone(),
                other => crate::shape::json::write(other).into(),
            };
            list.push(tree! { "name" => name, value_member => value });
        }
        list
    };
    let (variables, secrets) = (pairs("variables", "value"), pairs("secrets", "valueFrom"));
    for (member, list) in [("environment", variables), ("secrets", secrets)] {
        if !list.is_empty() {
            one.set(member, list);
        }
    }
    one
}

fn service(reader: &mut Reader<'_>, tree: &Tree, name: &str) -> Tree {
    let root = Path::root();
    let placement = tree.at(&["network", "vpc", "placement"]).and_then(Tree::as_text).unwrap_or("public");
    let network = tree! { "awsvpcConfiguration" => tree! {
        "subnets" => vec![reader.open("Subnet", &root, "a subnet of the Copilot environment")],
        "securityGroups" => vec![reader.open("SecurityGroup", &root, "the security group that Copilot made")],
        "assignPublicIp" => if placement == "private" { "DISABLED" } else { "ENABLED" },
    } };
    // What Copilot gives a service of its own accord.
    let breaker = tree! { "enable" => true, "rollback" => true };
    let mut spec = tree! {
        "serviceName" => name, "taskDefinition" => name, "launchType" => "FARGATE", "networkConfiguration" => network,
        "deploymentConfiguration" => tree! { "deploymentCircuitBreaker" => breaker },
    };
    match tree.get("count") {
        Some(Tree::Int(count)) => spec.set("desiredCount", *count),
        Some(_) => reader.note(
            What::LeftOut,
            &Path::from("count"),
            "a count that something else scales; desiredCount is left to it",
        ),
        None => spec.set("desiredCount", 1),
    }
    spec.with_some("enableExecuteCommand", tree.bool("exec").filter(|exec| *exec))
}
