//! The end of a task definition: DeregisterTaskDefinition makes it INACTIVE, DeleteTaskDefinitions takes it away as soon
//! as nothing uses it (docs/ecs.md §1.3). ECS may take an INACTIVE revision for ten minutes more; here it never does.

use std::collections::BTreeSet;

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::service::Status;
use super::super::task::LastStatus;
use super::super::{Answer, Ecs, Fault};
use super::{TaskDefinition, resolve, split};

/// How many definitions one DeleteTaskDefinitions takes.
const DELETE_LIMIT: usize = 10;

const NO_NAME: &str = "The specified task definition identifier is invalid. Specify a valid name or ARN and try again.";
const NOT_THERE: &str =
    "The specified task definition does not exist. Specify a valid account, family, revision and try again.";
const STILL_ACTIVE: &str =
    "The specified task definition is still in ACTIVE status. Please deregister the target and try again.";

/// An INACTIVE revision stays INACTIVE, with the same answer.
pub fn deregister(world: &mut World, input: &Tree) -> Answer {
    let reference = input.text("taskDefinition").unwrap_or_default();
    let (_, revision) = split(reference);
    let revision = revision.ok_or_else(|| Fault::client("Revision is missing."))?;
    if revision.parse::<i64>().is_err() {
        return Err(Fault::client(format!("Invalid revision number. Number: {revision}")));
    }
    let now = world.now();
    let (family, revision) = resolve(&world.ecs, reference).map(|one| (one.family.clone(), one.revision))?;
    let definition = find(&mut world.ecs, &family, revision).ok_or_else(|| Fault::client(NOT_THERE))?;
    if definition.active {
        definition.active = false;
        definition.body.set("status", "INACTIVE");
        definition.body.set("deregisteredAt", now);
    }
    Ok(tree! { "taskDefinition" => &definition.body })
}

fn find<'a>(ecs: &'a mut Ecs, family: &str, revision: i64) -> Option<&'a mut TaskDefinition> {
    ecs.families.get_mut(family)?.revisions.get_mut(&revision)
}

pub fn delete(world: &mut World, input: &Tree) -> Answer {
    let references: Vec<&str> = input.list("taskDefinitions").iter().filter_map(Tree::as_text).collect();
    if references.is_empty() || references.len() > DELETE_LIMIT {
        return Err(Fault::invalid(format!("Specify 1 to {DELETE_LIMIT} task definitions.")));
    }
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for reference in references {
        match delete_one(world, reference) {
            Ok(body) => deleted.push(body),
            Err(reason) => failures.push(tree! { "arn" => reference, "reason" => reason }),
        }
    }
    sweep(world);
    Ok(tree! { "taskDefinitions" => deleted, "failures" => failures })
}

fn delete_one(world: &mut World, reference: &str) -> Result<Tree, &'static str> {
    let now = world.now();
    let (family, revision) = split(reference);
    let revision: i64 = revision.and_then(|revision| revision.parse().ok()).ok_or(NO_NAME)?;
    let definition = find(&mut world.ecs, family, revision).ok_or(NOT_THERE)?;
    if definition.active {
        return Err(STILL_ACTIVE);
    }
    if definition.status() != DELETING {
        definition.body.set("status", DELETING);
        definition.body.set("deleteRequestedAt", now);
    }
    let (arn, body) = (definition.arn.clone(), definition.body.clone());
    world.ecs.deleting.insert(arn);
    Ok(body)
}

/// Shown until nothing uses the revision any more.
pub const DELETING: &str = "DELETE_IN_PROGRESS";

/// Takes away every revision that is to be deleted and that nothing uses. Its number is never given again.
pub fn sweep(world: &mut World) {
    if world.ecs.deleting.is_empty() {
        return;
    }
    let used = in_use(&world.ecs);
    let gone: BTreeSet<String> = world.ecs.deleting.difference(&used).cloned().collect();
    world.ecs.deleting.retain(|arn| !gone.contains(arn));
    for family in world.ecs.families.values_mut() {
        family.revisions.retain(|_, one| !gone.contains(&one.arn));
    }
}

/// ARNs that services, by their deployments, and tasks refer to.
fn in_use(ecs: &Ecs) -> BTreeSet<String> {
    let services = ecs.services.values().filter(|service| service.status != Status::Inactive);
    let deployed =
        services.flat_map(|service| &service.deployments).map(|deployment| deployment.definition.arn.clone());
    let running = ecs.tasks.values().filter(|task| task.last < LastStatus::Stopped).map(|task| task.definition.clone());
    deployed.chain(running).collect()
}
