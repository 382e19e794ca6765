//! The rules that look at one document, one named function each.

use crate::kinds::{Kind, definition, service, tags, task_definition};
use crate::manifest::{At, Finding};
use crate::shape::near::nearest;
use crate::shape::{Path, Tree};

use super::Context;

/// A rule by its stable name.
pub struct Rule {
    pub name: &'static str,
    pub look: fn(&Context<'_>, &mut Vec<Finding>),
}

/// All rules on single documents, in the order in which their findings are most telling.
pub const RULES: &[Rule] = &[
    Rule { name: "kind", look: kind },
    Rule { name: "cluster", look: cluster },
    Rule { name: "name", look: name },
    Rule { name: "not-supported-yet", look: unsupported },
    Rule { name: "revision", look: revision },
    Rule { name: "reserved-member", look: reserved },
    Rule { name: "reserved-tag", look: reserved_tags },
];

fn kind(context: &Context<'_>, found: &mut Vec<Finding>) {
    if context.kind().is_some() {
        return;
    }
    let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    let message = format!("unknown kind {:?}; there are {}", context.document.kind, known.join(", "));
    let mut finding = context.said(Path::from("kind"), At::Value, message);
    finding.remedy = nearest(&context.document.kind, known.into_iter()).map(|near| format!("did you mean {near}?"));
    found.push(finding);
}

/// Which cluster: one that ECS can have, and that belongs to this directory.
fn cluster(context: &Context<'_>, found: &mut Vec<Finding>) {
    let Some(kind) = context.kind() else { return };
    let (named, at) = match kind {
        Kind::Cluster => (aws_name(context, kind), Path::from("metadata.name")),
        Kind::TaskDefinition | Kind::Service => (
            context.document.metadata.text("cluster").unwrap_or(service::CLUSTER_DEFAULT),
            Path::from("metadata.cluster"),
        ),
    };
    let mut say = |message: String| found.push(context.said(at.clone(), At::Value, message));
    if kind != Kind::Service && context.document.metadata.get("cluster").is_some() {
        say(format!("a {kind} lives in no cluster; leave metadata.cluster out"));
    } else if kind == Kind::Service && !is_name(named) {
        say(format!("{named:?} is no name of a cluster: letters, digits, _ and -, at most {NAME_MAX} of them"));
    } else if kind != Kind::TaskDefinition && !is_ours(context, named) {
        say(format!("the settings name the clusters {}, not {named}", context.clusters.join(", ")));
    }
}

fn is_ours(context: &Context<'_>, cluster: &str) -> bool {
    context.clusters.is_empty() || context.clusters.iter().any(|known| known == cluster)
}

/// The name that AWS will know it by.
fn aws_name<'a>(context: &Context<'a>, kind: Kind) -> &'a str {
    context.document.spec.text(definition(kind).name_member).unwrap_or(context.document.name())
}

/// In characters (ecs-semantics §1.2).
const NAME_MAX: usize = 255;
/// A family's name goes into the attempt tag of its services, beside 70 other characters.
const FAMILY_MAX: usize = 180;

fn is_name(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !name.is_empty() && name.len() <= NAME_MAX && name.chars().all(letters)
}

fn name(context: &Context<'_>, found: &mut Vec<Finding>) {
    let Some(kind) = context.kind() else { return };
    let member = definition(kind).name_member;
    let name = aws_name(context, kind);
    let at = match context.document.spec.get(member) {
        Some(_) => Path::from("spec").name(member),
        None => Path::from("metadata.name"),
    };
    if !is_name(name) {
        let message = format!("{name:?} is no name ECS takes: letters, digits, _ and -, at most {NAME_MAX} of them");
        found.push(context.said(at, At::Value, message));
    } else if kind == Kind::TaskDefinition && name.len() > FAMILY_MAX {
        let message =
            format!("the family's name has {} characters; the operator's tags have room for {FAMILY_MAX}", name.len());
        found.push(context.said(at, At::Value, message));
    }
}

/// A live task definition is named with its revision: AWS's newest is nobody's decision.
fn revision(context: &Context<'_>, found: &mut Vec<Finding>) {
    let named = context.document.spec.text("taskDefinition").filter(|_| context.kind() == Some(Kind::Service));
    if let Some(named) = named.filter(|named| named.contains(':') && task_definition::parts(named).is_none()) {
        let message = format!("{named:?} names no revision; write family:revision, or the name of a TaskDefinition");
        found.push(context.said(Path::from("spec.taskDefinition"), At::Value, message));
    }
}

/// What ECS has and this version does not handle: refused here, not by a call an hour.
fn unsupported(context: &Context<'_>, found: &mut Vec<Finding>) {
    if context.kind() != Some(Kind::Service) {
        return;
    }
    let spec = &context.document.spec;
    let mut say = |at: &str, message: String| found.push(context.said(Path::from(at), At::Value, message));
    let controller = spec.at(&["deploymentController", "type"]).and_then(Tree::as_text);
    if let Some(controller) = controller.filter(|controller| *controller != "ECS") {
        say("spec.deploymentController.type", format!("the deployment controller {controller} is not supported yet"));
    }
    let strategy = spec.at(&["deploymentConfiguration", "strategy"]).and_then(Tree::as_text);
    if let Some(strategy) = strategy.filter(|strategy| *strategy != "ROLLING") {
        say("spec.deploymentConfiguration.strategy", format!("the strategy {strategy} is not supported yet"));
    }
    if spec.text("schedulingStrategy") == Some("DAEMON") && spec.get("desiredCount").is_some() {
        say("spec.desiredCount", "ECS counts a DAEMON service's tasks itself; leave desiredCount out".to_owned());
    }
}

fn reserved(context: &Context<'_>, found: &mut Vec<Finding>) {
    let Some(kind) = context.kind() else { return };
    for (member, instead) in definition(kind).reserved {
        if context.document.spec.get(member).is_some() {
            let at = Path::from("spec").name(member);
            let mut finding = context.said(at, At::Key, format!("spec.{member} is not for manifests"));
            finding.remedy = Some(format!("write {instead}"));
            found.push(finding);
        }
    }
}

fn reserved_tags(context: &Context<'_>, found: &mut Vec<Finding>) {
    for (index, tag) in context.document.spec.list("tags").iter().enumerate() {
        let key = tag.get("key").and_then(Tree::as_text).unwrap_or_default();
        if key.starts_with(tags::PREFIX) {
            let at = Path::from("spec.tags").index(index).name("key");
            let message = format!("tags under {} are the operator's memory", tags::PREFIX);
            found.push(context.said(at, At::Value, message));
        }
    }
}
