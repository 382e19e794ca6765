//! What Fargate has to give: capacity, by zone and for Spot, and the account's quotas (ecs-semantics §2.8, §3.5, §7.5).
//! Must not know: who asks for it.
//!
//! There is capacity everywhere, and no quota counts, until a page or the world's settings say otherwise.

use crate::shape::Tree;

use super::super::super::world::World;
use super::super::service;
use super::super::task::{LastStatus, Task, zone_of};

/// CPU units of one vCPU.
const UNITS: i64 = 1_024;
const SPOT: &str = "FARGATE_SPOT";

/// Why Fargate does not take a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    Capacity,
    Vcpus,
}

impl Shortage {
    pub const ALL: [Self; 2] = [Self::Capacity, Self::Vcpus];

    /// As `failures[].reason` and service events have it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Capacity => {
                "Capacity is unavailable at this time. Please try again later or in a different availability zone"
            }
            Self::Vcpus => "You've reached the limit on the number of vCPUs you can run concurrently",
        }
    }
}

/// Whether Fargate has capacity for a provider's tasks in the zone of a subnet.
pub fn is_open(world: &World, provider: Option<&str>, subnet: &str) -> bool {
    let closed = &world.ecs.outside.closed;
    let spot = provider == Some(SPOT) && closed.contains(SPOT);
    closed.is_empty() || !spot && !closed.contains(&zone_of(world, subnet))
}

/// What keeps Fargate from taking a task of that size, in CPU units.
pub fn shortage(world: &World, provider: Option<&str>, subnet: &str, cpu: i64) -> Option<Shortage> {
    if !is_open(world, provider, subnet) {
        return Some(Shortage::Capacity);
    }
    let spot = provider == Some(SPOT);
    let quota = if spot { world.settings.fargate_spot_vcpus } else { world.settings.fargate_vcpus }?;
    let used = world.ecs.tasks.values().filter(|task| counts(task, spot)).map(size).sum::<i64>();
    (used.saturating_add(cpu) > i64::from(quota) * UNITS).then_some(Shortage::Vcpus)
}

/// A task counts until it is STOPPED (inferred); Spot has a quota of its own.
fn counts(task: &Task, spot: bool) -> bool {
    let here = task.body.text("launchType") == Some("FARGATE") && task.last < LastStatus::Stopped;
    here && (task.capacity_provider.as_deref() == Some(SPOT)) == spot
}

fn size(task: &Task) -> i64 {
    units(&task.body, &Tree::Null)
}

/// The CPU units of a definition with its overrides.
pub fn units(definition: &Tree, overrides: &Tree) -> i64 {
    overrides.text("cpu").or(definition.text("cpu")).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// A task on Fargate has stopped: where a quota counts, there is room again.
pub fn stopped(world: &mut World) {
    if world.settings.fargate_vcpus.is_some() || world.settings.fargate_spot_vcpus.is_some() {
        changed(world);
    }
}

/// Fargate may have more to give than before: services that wait look again.
pub fn changed(world: &mut World) {
    let clusters = world.ecs.clusters.keys().cloned().collect::<Vec<_>>();
    for cluster in clusters {
        service::capacity_changed(world, &cluster);
    }
}
