//! Task definitions: registration with ECS's rules and defaults, families, revisions (ecs-semantics §1.3, §4).

use std::collections::BTreeMap;

use crate::shape::Tree;

use super::{Ecs, Fault};

/// All revisions of one name. The counter never goes back, whatever is deregistered or deleted.
#[derive(Clone, Debug, Default)]
pub struct Family {
    pub revisions: BTreeMap<i64, TaskDefinition>,
    pub last: i64,
}

/// One immutable revision.
#[derive(Clone, Debug)]
pub struct TaskDefinition {
    pub arn: String,
    pub family: String,
    pub revision: i64,
    pub active: bool,
    /// As DescribeTaskDefinition shows it under `taskDefinition`, defaults filled in.
    pub body: Tree,
    pub tags: Vec<Tree>,
}

/// Finds `family` (its latest ACTIVE revision), `family:revision` or an ARN.
///
/// # Errors
/// `ClientException: Unable to describe task definition.` when there is none (§1.3).
pub fn resolve<'a>(ecs: &'a Ecs, reference: &str) -> Result<&'a TaskDefinition, Fault> {
    let short = reference.rsplit('/').next().unwrap_or(reference);
    let (family, revision) = match short.split_once(':') {
        Some((family, revision)) => (family, Some(revision)),
        None => (short, None),
    };
    let found = ecs.families.get(family).and_then(|family| match revision {
        Some(revision) => family.revisions.get(&revision.parse().ok()?),
        None => family.revisions.values().rev().find(|one| one.active),
    });
    found.ok_or_else(|| Fault::client("Unable to describe task definition."))
}

/// The operations answered here.
pub const OPERATIONS: &[(&str, super::Operation)] = &[];
