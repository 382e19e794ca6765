//! TaskDefinition: immutable revisions of a family; a change registers another. Must not know: who runs it.

mod rows;

use crate::shape::{Call, Tree};
use crate::tree;

use super::hash;
use super::normalise;
use super::tags::{self, Ownership};
use super::{Definition, Describe, Difference, Effect, Kind, Object};

pub static DEFINITION: Definition = Definition {
    kind: Kind::TaskDefinition,
    service: "ecs",
    spec: "RegisterTaskDefinitionRequest",
    create: "RegisterTaskDefinition",
    name_member: "family",
    shown_as: &["TaskDefinition"],
    assigned: &[],
    required: &[],
    in_cluster: false,
    reserved: &[],
    tags: &tags::ECS,
    rows: rows::ROWS,
    effects: &[("tags", Effect::Tags)],
    describe: Describe {
        operation: "DescribeTaskDefinition",
        names: "taskDefinition",
        limit: 1,
        include: &["TAGS"],
        answer: "taskDefinition",
        shortened: &[],
    },
    list: None,
};

/// The hash that tells contents apart; tags are no part of it.
pub fn content_hash(object: &Object) -> String {
    let mut spec = object.spec.clone();
    spec.remove("tags");
    hash::hash(&normalise::canonical_alone(rows::ROWS, &spec))
}

/// Registers a revision that carries its owner and content hash.
pub fn register(object: &Object, us: &Ownership) -> Call {
    let mut all = object.tags().to_vec();
    all.push(tags::tag(tags::OWNER, &us.to_string()));
    all.push(tags::tag(tags::CONTENT, &content_hash(object)));
    Call::ecs("RegisterTaskDefinition", object.spec.clone().with("tags", all))
}

/// Reads one revision, or the newest ACTIVE one of a family, with its tags.
pub fn describe(reference: &str) -> Call {
    Call::ecs("DescribeTaskDefinition", tree! { "taskDefinition" => reference, "include" => vec!["TAGS"] })
}

/// Whether a described revision is what the manifest says. `shown` is DescribeTaskDefinition's whole answer.
pub fn equals(object: &Object, shown: &Tree) -> bool {
    shown.get("taskDefinition").is_some() && differences(object, shown).is_empty()
}

/// What differs between the manifest and a described revision, tags aside.
pub fn differences(object: &Object, shown: &Tree) -> Vec<Difference> {
    let mut spec = object.spec.clone();
    spec.remove("tags");
    shown.get("taskDefinition").map(|live| DEFINITION.differences(&spec, live)).unwrap_or_default()
}

/// `family:revision` of an ARN, or of what is short already.
pub fn short(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

/// Family and revision number of a reference that has both.
pub fn parts(reference: &str) -> Option<(&str, i64)> {
    let (family, revision) = short(reference).split_once(':')?;
    Some((family, revision.parse().ok()?))
}
