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
use super::auto_scaling::{Group, is_idle, resize, served};

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

    /// M: the machines that tasks need, those that wait included, within a step of those there are.
    fn needed(&self, seen: Seen) -> i64 {
        match seen.lacking {
            0 => seen.busy,
            lacking => seen.there.saturating_add(lacking.min(self.most_step).max(self.least_step)),
        }
    }

    /// How many machines hold the metric at the target. A group without any is left alone until a task waits: the
    /// metric is 100 then, whatever the target (that it does not start a spare one is inferred).
    fn wanted(&self, seen: Seen) -> i64 {
        match seen {
            Seen { there: 0, lacking: 0, .. } => 0,
            // The policy takes a group without machines for one of one.
            Seen { there: 0, .. } => share(FROM_NOTHING, self.target),
            seen => share(self.needed(seen).saturating_mul(HUNDRED), self.target),
        }
    }

    /// CapacityProviderReservation, in whole percent.
    fn reservation(&self, seen: Seen) -> i64 {
        match seen {
            Seen { there: 0, lacking: 0, .. } => HUNDRED,
            Seen { there: 0, .. } => FROM_NOTHING,
            seen => self.needed(seen).saturating_mul(HUNDRED) / seen.there,
        }
    }
}

/// A group as it is seen in one instant.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// N.
    there: i64,
    /// Those with tasks that are no daemons'.
    busy: i64,
    /// How many more the tasks that wait need.
    lacking: i64,
}

impl Seen {
    fn of(world: &World, group: &Group, provider: &Provider, cluster: &str) -> Self {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            there: number(group.staying(&world.ecs).count()),
            busy: number(group.staying(&world.ecs).filter(|one| !is_idle(&world.ecs, one)).count()),
            lacking: lacking(world, group, &provider.name, cluster),
        }
    }
}

fn share(of: i64, by: i64) -> i64 {
    of.saturating_add(by - 1) / by
}

/// What a group's metric is now, in percent; none without managed scaling.
pub fn reservation(world: &World, group: &Group) -> Option<i64> {
    let (provider, cluster) = served(world, &group.name).filter(|(provider, _)| provider.is_managed())?;
    Some(Policy::of(&provider).reservation(Seen::of(world, group, &provider, &cluster)))
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
    let seen = Seen::of(world, group, &provider, &cluster);
    let (there, wanted) = (seen.there, policy.wanted(seen));
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
fn lacking(world: &World, group: &Group, provider: &str, cluster: &str) -> i64 {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Target, least and most step; machines there, busy, lacking; the metric, and the machines wanted.
    type Row = ([i64; 3], [i64; 3], i64, i64);

    const ROWS: &[Row] = &[
        ([100, 1, 10_000], [0, 0, 0], 100, 0),
        ([50, 1, 10_000], [0, 0, 0], 100, 0),
        ([100, 1, 10_000], [0, 0, 7], 200, 2),
        ([50, 1, 10_000], [0, 0, 1], 200, 4),
        ([100, 1, 10_000], [4, 4, 0], 100, 4),
        ([100, 1, 10_000], [4, 1, 0], 25, 1),
        ([100, 1, 10_000], [4, 4, 2], 150, 6),
        ([100, 1, 10_000], [4, 3, 2], 150, 6),
        ([100, 3, 10_000], [4, 4, 2], 175, 7),
        ([100, 1, 2], [4, 4, 9], 150, 6),
        ([80, 1, 10_000], [5, 4, 0], 80, 5),
        ([80, 1, 10_000], [4, 4, 0], 100, 5),
        ([90, 1, 10_000], [5, 4, 0], 80, 5),
        ([1, 1, 10_000], [2, 1, 0], 50, 100),
    ];

    #[test]
    fn the_metric_is_needed_machines_by_those_there() {
        for (numbers, machines, metric, wanted) in ROWS {
            let ([target, least_step, most_step], [there, busy, lacking]) = (*numbers, *machines);
            let policy = Policy { target, least_step, most_step, warmup: Duration::ZERO };
            let seen = Seen { there, busy, lacking };
            let found = (policy.reservation(seen), policy.wanted(seen));
            assert_eq!(found, (*metric, *wanted), "{numbers:?} {machines:?}");
        }
    }

    #[test]
    fn a_group_shrinks_by_half_at_most_and_by_one_at_least() {
        let sizes = [(9, 0), (5, 0), (4, 3), (1, 0), (0, 0), (3, 5)];
        assert_eq!(sizes.map(|(there, wanted)| shrunk(there, wanted)), [5, 3, 3, 0, 0, 3]);
    }
}
