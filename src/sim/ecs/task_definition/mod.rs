//! Task definitions: registration with ECS's rules and defaults, families, revisions (docs/ecs.md §1.3, §4).

mod attributes;
mod fill;
mod images;
mod list;
mod register;
mod retire;
mod rules;

use std::collections::BTreeMap;

use crate::shape::Tree;

use super::coverage::{Entry, full};
use super::{Ecs, Fault};
pub use rules::sizes;

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

impl TaskDefinition {
    /// ACTIVE, INACTIVE or DELETE_IN_PROGRESS.
    pub fn status(&self) -> &str {
        self.body.text("status").unwrap_or_default()
    }
}

/// The family in a reference, and the revision if it says one: `web`, `web:3`, `arn:…:task-definition/web:3`.
fn split(reference: &str) -> (&str, Option<&str>) {
    let short = reference.rsplit('/').next().unwrap_or(reference);
    short.split_once(':').map_or((short, None), |(family, revision)| (family, Some(revision)))
}

/// Finds `family` (its latest ACTIVE revision), `family:revision` or an ARN.
///
/// # Errors
/// `ClientException: Unable to describe task definition.` when there is none (§1.3).
pub fn resolve<'a>(ecs: &'a Ecs, reference: &str) -> Result<&'a TaskDefinition, Fault> {
    let (family, revision) = split(reference);
    let found = ecs.families.get(family).and_then(|family| match revision {
        Some(revision) => family.revisions.get(&revision.parse().ok()?),
        None => family.revisions.values().rev().find(|one| one.active),
    });
    // An ARN of another account or region names nothing here.
    let found = found.filter(|one| !reference.starts_with("arn:") || one.arn == reference);
    found.ok_or_else(|| Fault::client("Unable to describe task definition."))
}

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    full("DeleteTaskDefinitions", retire::delete),
    full("DeregisterTaskDefinition", retire::deregister),
    full("DescribeTaskDefinition", list::describe),
    full("ListTaskDefinitionFamilies", list::families),
    full("ListTaskDefinitions", list::definitions),
    full("RegisterTaskDefinition", register::register),
];
