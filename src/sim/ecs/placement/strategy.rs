//! Which of the places is the best: spread, binpack, random, in their order (docs/ecs.md §3.5).
//! Must not know: what made them possible.

use std::collections::BTreeMap;

use crate::shape::Tree;

use super::super::super::world::World;
use super::super::Ecs;
use super::super::instance::{Instance, free, in_cluster};
use super::super::task::Task;
use super::{Placed, Request};

/// The tasks of a group on an instance that are to stay.
fn of_group<'a>(ecs: &'a Ecs, instance: &'a Instance, group: &'a str) -> impl Iterator<Item = &'a Task> {
    let tasks = instance.tasks.iter().filter_map(|id| ecs.tasks.get(&(instance.cluster.clone(), id.clone())));
    tasks.filter(move |task| task.group == group)
}

/// Whether a task of the group holds a place on an instance: what distinctInstance forbids.
pub(super) fn has_of(ecs: &Ecs, instance: &Instance, group: &str) -> bool {
    of_group(ecs, instance, group).next().is_some()
}

/// The best place: each strategy in turn keeps those that are best by it. Ties go by the instances' ids, which are
/// chance enough.
pub(super) fn best(world: &mut World, cluster: &str, request: &Request<'_>, mut fit: Vec<Placed>) -> Option<Placed> {
    // Without a strategy: over the zones, then over the instances (§3.5).
    let usual = ["attribute:ecs.availability-zone", "instanceId"]
        .map(|field| crate::tree! { "type" => "spread", "field" => field });
    let strategies = if request.strategy.is_empty() { &usual[..] } else { request.strategy };
    for strategy in strategies {
        if fit.len() < 2 {
            break;
        }
        match strategy.text("type") {
            Some("random") => {
                let chosen = usize::try_from(world.below(fit.len() as u64)).unwrap_or(0);
                return fit.into_iter().nth(chosen);
            }
            Some("binpack") => {
                let memory = strategy.text("field").is_some_and(|field| field.eq_ignore_ascii_case("memory"));
                keep(&mut fit, &|place| packed(&world.ecs, cluster, place, memory));
            }
            _ => {
                let field = strategy.text("field").unwrap_or("instanceId");
                let counts = counts(&world.ecs, cluster, request.group, field);
                keep(&mut fit, &|place| {
                    let instance = at(&world.ecs, cluster, place);
                    instance.and_then(|one| counts.get(&value(one, field))).copied().unwrap_or(0)
                });
            }
        }
    }
    fit.into_iter().next()
}

fn at<'a>(ecs: &'a Ecs, cluster: &str, place: &Placed) -> Option<&'a Instance> {
    ecs.instances.get(&(cluster.to_owned(), place.instance.clone()))
}

/// Keeps the places with the least of something.
fn keep(fit: &mut Vec<Placed>, measure: &dyn Fn(&Placed) -> i64) {
    let Some(least) = fit.iter().map(measure).min() else { return };
    fit.retain(|place| measure(place) == least);
}

/// What an instance has left: the least is packed first.
fn packed(ecs: &Ecs, cluster: &str, place: &Placed, memory: bool) -> i64 {
    let left = at(ecs, cluster, place).map(|one| free(ecs, one)).unwrap_or_default();
    if memory { left.memory } else { left.cpu }
}

/// How many tasks of a group there are by the value of a field, over the whole cluster.
fn counts(ecs: &Ecs, cluster: &str, group: &str, field: &str) -> BTreeMap<Option<String>, i64> {
    let mut counts = BTreeMap::new();
    for instance in in_cluster(ecs, cluster) {
        let tasks = of_group(ecs, instance, group).filter(|task| task.wanted).count();
        *counts.entry(value(instance, field)).or_default() += i64::try_from(tasks).unwrap_or(i64::MAX);
    }
    counts
}

/// The value that a spread goes by; instances without the attribute are as one.
fn value(instance: &Instance, field: &str) -> Option<String> {
    match field.strip_prefix("attribute:") {
        Some(name) => instance.attributes.get(name).cloned().flatten(),
        // `instanceId` and `host`.
        None => Some(instance.id.clone()),
    }
}

/// A strategy as ECS echoes it: `cpu` → `CPU`, `memory` → `MEMORY`, `host` → `instanceId` (§5.2).
pub fn echoed(strategy: &Tree) -> Tree {
    let field = strategy.text("field").map(|field| match field.to_ascii_lowercase().as_str() {
        "cpu" => "CPU".to_owned(),
        "memory" => "MEMORY".to_owned(),
        "host" | "instanceid" => "instanceId".to_owned(),
        _ => field.to_owned(),
    });
    strategy.clone().with_some("field", field)
}
