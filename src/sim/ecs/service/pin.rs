//! Image digests, held for as long as a deployment lasts (ecs-semantics §2.11). Must not know: when tasks start.

use std::collections::{BTreeMap, BTreeSet};

use crate::shape::Tree;

use super::super::super::world::World;
use super::super::task::{behaviour::Behaviour, digest};
use super::Service;

/// What the world outside ECS has said; it is empty until someone tells the world otherwise.
#[derive(Debug, Default)]
pub struct Outside {
    /// Names of alarms, and whether they are in ALARM (§2.10).
    pub alarms: BTreeMap<String, bool>,
    /// What a lifecycle hook's function answers, by its ARN (§2.14).
    pub hooks: BTreeMap<String, super::traffic::HookAnswer>,
    /// Images pushed anew (§2.11).
    pub pushes: super::super::task::Pushes,
    /// Zones where Fargate has no capacity, and FARGATE_SPOT where Spot has none.
    pub closed: BTreeSet<String>,
}

/// A task of a deployment was started: the first one finds out what the tags stand for, all use that.
pub(super) fn hold(world: &mut World, service: &mut Service, deployment: usize, task: &str) {
    let Some(deployment) = service.deployments.get_mut(deployment) else { return };
    if deployment.digests.is_empty() {
        let containers = deployment.definition.body.list("containerDefinitions").iter();
        let resolved = containers.filter(|one| is_held(one)).map(|one| {
            let text = |name| one.text(name).unwrap_or_default();
            (text("name").to_owned(), digest(&world.ecs.outside.pushes, text("image")))
        });
        deployment.digests = resolved.collect();
        if let Some(revision) = service.revisions.iter_mut().find(|one| one.arn == deployment.revision) {
            revision.digests.clone_from(&deployment.digests);
        }
    }
    let Some(task) = world.ecs.tasks.get_mut(&(service.cluster.clone(), task.to_owned())) else { return };
    for container in &mut task.containers {
        container.pinned = deployment.digests.get(&container.name).cloned();
    }
}

/// Not where the definition opts out, nor where the image can't be pulled.
fn is_held(container: &Tree) -> bool {
    let failing = Behaviour::of(container).ok().and_then(|behaviour| behaviour.fail_to_start);
    container.text("versionConsistency") != Some("disabled") && failing.is_none_or(|why| !why.starts_with("CannotPull"))
}
