//! Managed scaling: how many machines an Auto Scaling group is to have for the tasks that use its capacity provider
//! (ecs-semantics §6.3, and what ECS documents of its managed scaling behavior). Must not know: how machines come and go.
//!
//! ECS publishes CapacityProviderReservation = M ÷ N × 100 each minute: N machines there are, M are needed. A target
//! tracking policy holds it at `targetCapacity`: above it for a minute, the group grows; below it for 15, it shrinks.
//! Here nobody looks while nothing changes: a change has one look put down, a minute later, and only a group that is about
//! to shrink is looked at again by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::shape::{Time, Tree};

use super::super::super::world::World;
use super::super::instance::{self, Capacity, Claim, Instance};
use super::super::task::{Task, waiting};
use super::super::{Event, placement};
use super::Provider;
use super::auto_scaling::{is_idle, resize, served};

/// Percent.
const HUNDRED: i64 = 100;
/// One data point of the metric.
const MINUTE: Duration = Duration::from_secs(60);
/// So many data points below the target let the group shrink.
const LOW_POINTS: u32 = 15;
/// The metric of a group without machines that needs some: with a target of 100, two come.
const FROM_NOTHING: i64 = 200;

/// What was seen of a group's metric.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watch {
    /// When it is looked at next.
    next: Option<Time>,
    /// Data points below the target in a row.
    low: u32,
}

/// A group's provider as managed scaling sees it.
struct Policy {
    target: i64,
    least_step: i64,
    most_step: i64,
    warmup: Duration,
}

impl Policy {
    fn of(provider: &Provider) -> Self {
        let scaling = provider.group.get("managedScaling").cloned().unwrap_or_default();
        let number = |name: &str, default| scaling.int(name).unwrap_or(default);
        Self {
            target: number("targetCapacity", HUNDRED).clamp(1, HUNDRED),
            least_step: number("minimumScalingStepSize", 1),
            most_step: number("maximumScalingStepSize", 10_000),
            warmup: Duration::from_secs(u64::try_from(number("instanceWarmupPeriod", 300)).unwrap_or(0)),
        }
    }

    /// How many machines hold the metric at the target. A group without any is left alone until a task waits: the
    /// metric is 100 then, whatever the target (that it does not start a spare one is inferred).
    fn wanted(&self, there: i64, busy: i64, lacking: i64) -> i64 {
        if lacking == 0 {
            return share(busy.saturating_mul(HUNDRED), self.target);
        }
        if there == 0 {
            return share(FROM_NOTHING, self.target);
        }
        let needed = there.saturating_add(lacking.min(self.most_step).max(self.least_step));
        share(needed.saturating_mul(HUNDRED), self.target)
    }
}

fn share(of: i64, by: i64) -> i64 {
    of.saturating_add(by - 1) / by
}

/// Has a group looked at in a minute, unless that is to happen sooner.
pub(super) fn wake(world: &mut World, name: &str) {
    if !served(world, name).is_some_and(|(provider, _)| provider.is_managed()) {
        return;
    }
    let due = world.now().after(MINUTE);
    if let Some(group) = world.ecs.groups.get_mut(name).filter(|group| group.watch.next.is_none()) {
        group.watch.next = Some(due);
        world.after(MINUTE, Event::Scaling { group: name.to_owned() });
    }
}

/// One data point, and what the policy makes of it.
pub fn look(world: &mut World, name: &str) {
    let now = world.now();
    match world.ecs.groups.get_mut(name) {
        Some(group) if group.watch.next == Some(now) => group.watch.next = None,
        _ => return,
    }
    let Some((provider, cluster)) = served(world, name).filter(|(provider, _)| provider.is_managed()) else { return };
    waiting::place_all(world, &cluster);
    let policy = Policy::of(&provider);
    let Some(group) = world.ecs.groups.get(name) else { return };
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let there = number(group.staying(&world.ecs).count());
    let busy = number(group.staying(&world.ecs).filter(|one| !is_idle(&world.ecs, one)).count());
    let lacking = lacking(world, name, &provider.name, &cluster);
    let wanted = policy.wanted(there, busy, lacking);
    let warming = group.is_warming(now, policy.warmup);
    let Some(group) = world.ecs.groups.get_mut(name) else { return };
    let shrunk = shrunk(there, wanted).max(group.min);
    group.watch.low = if shrunk < there { group.watch.low.saturating_add(1) } else { 0 };
    if wanted > there {
        group.desired = group.desired.max(wanted.min(group.max));
    } else if group.watch.low >= LOW_POINTS && !warming {
        group.desired = group.desired.min(shrunk);
    }
    let again = group.watch.low > 0;
    resize(world, name);
    if again {
        wake(world, name);
    }
}

/// Of more machines than are wanted, at least one goes each minute, and no more than half of them.
fn shrunk(there: i64, wanted: i64) -> i64 {
    wanted.max(there - (there / 2).max(1)).min(there)
}

/// A machine that there is not yet, with tasks on it in thought.
struct Bin {
    zone: usize,
    left: Capacity,
    /// Whose tasks it has.
    groups: BTreeSet<String>,
}

/// How many machines more the tasks that wait need, by first fit. Those that no machine of the group can ever take don't
/// count, or it would grow for nothing.
fn lacking(world: &World, name: &str, provider: &str, cluster: &str) -> i64 {
    let Some(group) = world.ecs.groups.get(name) else { return 0 };
    let imagine = |zone: &String| instance::imagine(world, cluster, zone, group.wish(zone, provider)).ok();
    let fresh = group.zones.iter().filter_map(imagine).collect::<Vec<_>>();
    let mut bins: Vec<Bin> = Vec::new();
    for task in waiting::all(&world.ecs, cluster) {
        if task.capacity_provider.as_deref() == Some(provider) {
            fill(world, task, &fresh, &mut bins);
        }
    }
    i64::try_from(bins.len()).unwrap_or(i64::MAX)
}

/// Puts one task onto the first machine in thought that takes it, or onto a further one.
fn fill(world: &World, task: &Task, fresh: &[Instance], bins: &mut Vec<Bin>) {
    let Some(wait) = &task.waits else { return };
    let none = BTreeMap::new();
    let request = wait.request(task, &none);
    let suits = fresh.iter().map(|one| placement::place_on(world, one, &request).is_ok()).collect::<Vec<_>>();
    let suits = |zone: usize| suits.get(zone).copied().unwrap_or(false);
    let claim = Claim::of(&wait.definition.body, &wait.overrides);
    let alone = is_alone(&wait.constraints) || is_alone(wait.definition.body.list("placementConstraints"));
    let takes = |bin: &&mut Bin| {
        let met = alone && bin.groups.contains(&task.group);
        suits(bin.zone) && !met && instance::lack(&bin.left, &claim).is_none()
    };
    if let Some(bin) = bins.iter_mut().find(takes) {
        bin.left = instance::set_aside(std::mem::take(&mut bin.left), &claim);
        bin.groups.insert(task.group.clone());
        return;
    }
    let first = fresh.iter().enumerate().find(|(zone, _)| suits(*zone));
    if let Some((zone, one)) = first {
        let left = instance::set_aside(one.capacity.clone(), &claim);
        bins.push(Bin { zone, left, groups: BTreeSet::from([task.group.clone()]) });
    }
}

fn is_alone(constraints: &[Tree]) -> bool {
    constraints.iter().any(|one| one.text("type") == Some("distinctInstance"))
}
