//! What a document says before its spec is looked at: kind, name, cluster, and what is not for manifests.

use crate::check::rule::{Look, Rule};
use crate::check::{Context, Report};
use crate::kinds::{Kind, definition, service, tags, task_definition};
use crate::shape::near::nearest;
use crate::shape::{Path, Tree};

use super::row;

pub const RULES: &[Rule] = &[
    row!("kind", Error, Look::Document(kind), "A document's kind is one that this version knows."),
    row!(
        "cluster",
        Error,
        Look::Document(cluster),
        "A service lives in a cluster that is named as ECS names it and that belongs to this directory; other kinds \
         live in none."
    ),
    row!(
        "name",
        Error,
        Look::Document(name),
        "ECS names have 1 to 255 letters, digits, _ and - (ECS: names); a family has at most 180, since the operator \
         writes it into a tag."
    ),
    row!(
        "revision",
        Error,
        Look::Document(revision),
        "A live task definition is named with its revision: AWS's newest is nobody's decision."
    ),
    row!(
        "reserved-member",
        Error,
        Look::Document(reserved),
        "Some members of the AWS API belong to the envelope, or are the operator's to fill in."
    ),
    row!(
        "reserved-tag",
        Error,
        Look::Document(reserved_tags),
        "Tags under ecs-operator/ are the operator's memory; a manifest that set them would change what it believes."
    ),
];

fn kind(context: &Context<'_>, report: &mut Report<'_>) {
    if context.kind().is_some() {
        return;
    }
    let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    let message = format!("unknown kind {:?}; there are {}", context.document.kind, known.join(", "));
    let near = nearest(&context.document.kind, known.into_iter()).map(|near| format!("did you mean {near}?"));
    report.value("kind", message, near.unwrap_or_default());
}

/// Which cluster: one that ECS can have, and that belongs to this directory.
fn cluster(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(kind) = context.kind() else { return };
    let (named, at) = match kind {
        Kind::Cluster => (aws_name(context, kind), Path::from("metadata.name")),
        Kind::SecurityGroup | Kind::TaskDefinition | Kind::Service => (
            context.document.metadata.text("cluster").unwrap_or(service::CLUSTER_DEFAULT),
            Path::from("metadata.cluster"),
        ),
    };
    if kind != Kind::Service && context.document.metadata.get("cluster").is_some() {
        report.value(at, format!("a {kind} lives in no cluster"), "leave metadata.cluster out");
    } else if kind == Kind::Service && !is_name(named) {
        let message =
            format!("{named:?} is no name of a cluster: letters, digits, _ and -, at most {NAME_MAX} of them");
        let of_an_arn = named.rsplit_once(":cluster/").filter(|(arn, _)| arn.starts_with("arn:"));
        let remedy =
            of_an_arn.map(|(_, name)| format!("write its name alone, {name}; account and region are the operator's"));
        report.value(at, message, remedy.unwrap_or_default());
    } else if matches!(kind, Kind::Cluster | Kind::Service) && !is_ours(context, named) {
        let message = format!("the settings name the clusters {}, not {named}", context.clusters.join(", "));
        report.value(at, message, "add it to clusters in ecs-operator.yaml, or move the manifest");
    }
}

fn is_ours(context: &Context<'_>, cluster: &str) -> bool {
    context.clusters.is_empty() || context.clusters.iter().any(|known| known == cluster)
}

/// The name that AWS will know it by.
fn aws_name<'a>(context: &Context<'a>, kind: Kind) -> &'a str {
    context.document.spec.text(definition(kind).name_member).unwrap_or(context.document.name())
}

/// In characters (docs/ecs.md §1.2).
const NAME_MAX: usize = 255;
/// A family's name goes into the attempt tag of its services, beside 70 other characters.
const FAMILY_MAX: usize = 180;

pub fn is_name(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !name.is_empty() && name.len() <= NAME_MAX && name.chars().all(letters)
}

fn name(context: &Context<'_>, report: &mut Report<'_>) {
    // EC2 has other names than ECS; what they may be says their own rule.
    let Some(kind) = context.kind().filter(|kind| *kind != Kind::SecurityGroup) else { return };
    let member = definition(kind).name_member;
    let name = aws_name(context, kind);
    let at = match context.document.spec.get(member) {
        Some(_) => Path::from("spec").name(member),
        None => Path::from("metadata.name"),
    };
    if !is_name(name) {
        let message = format!("{name:?} is no name ECS takes: letters, digits, _ and -, at most {NAME_MAX} of them");
        report.value(at, message, "give it another name");
    } else if kind == Kind::TaskDefinition && name.len() > FAMILY_MAX {
        let message =
            format!("the family's name has {} characters; the operator's tags have room for {FAMILY_MAX}", name.len());
        report.value(at, message, "give it a shorter name");
    }
}

/// A live task definition is named with its revision: AWS's newest is nobody's decision.
fn revision(context: &Context<'_>, report: &mut Report<'_>) {
    let named = context.document.spec.text("taskDefinition").filter(|_| context.kind() == Some(Kind::Service));
    if let Some(named) = named.filter(|named| named.contains(':') && task_definition::parts(named).is_none()) {
        let message = format!("{named:?} names no revision");
        report.value("spec.taskDefinition", message, "write family:revision, or the name of a TaskDefinition");
    }
}

fn reserved(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(kind) = context.kind() else { return };
    for (member, instead) in definition(kind).reserved {
        if context.document.spec.get(member).is_some() {
            let at = Path::from("spec").name(member);
            report.key(at, format!("spec.{member} is not for manifests"), format!("write {instead}"));
        }
    }
}

fn reserved_tags(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(words) = context.kind().map(|kind| definition(kind).tags) else { return };
    for (index, tag) in context.document.spec.list(words.list).iter().enumerate() {
        let key = tag.get(words.key).and_then(Tree::as_text).unwrap_or_default();
        if key.starts_with(tags::PREFIX) {
            let at = Path::from("spec").name(words.list).index(index).name(words.key);
            let message = format!("tags under {} are the operator's memory", tags::PREFIX);
            report.value(at, message, "give the tag another key");
        }
    }
}
