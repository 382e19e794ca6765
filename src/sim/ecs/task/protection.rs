//! Task scale-in protection (ecs-semantics §2.18). Must not know: how a scheduler heeds it.

use std::time::Duration;

use crate::shape::{Time, Tree};
use crate::tree;

use super::super::super::world::World;
use super::super::service::{self, cluster_of};
use super::super::{Answer, Fault};
use super::Task;
use super::operations::task_id;

/// Tasks of one call (§7.2).
const MOST_TO_UPDATE: usize = 10;
const MOST_TO_GET: usize = 100;
const MINUTES: std::ops::RangeInclusive<i64> = 1..=2_880;
const USUAL_MINUTES: i64 = 120;

pub(super) fn get(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    let asked = match input.get("tasks") {
        Some(_) => named(world, &cluster, input, MOST_TO_GET)?,
        None => protected(world, &cluster),
    };
    for id in asked {
        match valid(world, &cluster, &id) {
            Ok(task) => found.push(shown(task, world.now())),
            Err(failure) => failures.push(failure),
        }
    }
    Ok(tree! { "protectedTasks" => found, "failures" => failures })
}

pub(super) fn update(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let enabled = input.bool("protectionEnabled") == Some(true);
    let minutes = input.int("expiresInMinutes");
    if minutes.is_some_and(|minutes| !MINUTES.contains(&minutes)) {
        return Err(Fault::invalid("expiresInMinutes must be between 1 and 2880."));
    }
    if minutes.is_some() && !enabled {
        return Err(Fault::invalid("expiresInMinutes can only be set when protectionEnabled is true."));
    }
    let span = Duration::from_secs(u64::try_from(minutes.unwrap_or(USUAL_MINUTES)).unwrap_or(0) * 60);
    let now = world.now();
    let (mut changed, mut failures) = (Vec::new(), Vec::new());
    for id in named(world, &cluster, input, MOST_TO_UPDATE)? {
        let task = match valid(world, &cluster, &id) {
            Ok(task) => task,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        let (key, service) = (task.key(), task.service.clone().unwrap_or_default());
        // More protection would only hold up longer what protected tasks hold up already.
        if enabled && !task.is_protected(now) && service::is_held_up(world, task) {
            failures.push(tree! { "arn" => &task.arn, "reason" => "DEPLOYMENT_BLOCKED" });
            continue;
        }
        if let Some(task) = world.ecs.tasks.get_mut(&key) {
            task.protected_until = enabled.then(|| now.after(span));
            changed.push(shown(task, now));
        }
        service::poke(world, &cluster, &service);
    }
    Ok(tree! { "protectedTasks" => changed, "failures" => failures })
}

/// The ids of a cluster's protected tasks: what is asked for when no task is named (weak: the API lets `tasks` be left
/// out, and does not say what that means).
fn protected(world: &World, cluster: &str) -> Vec<String> {
    let now = world.now();
    let tasks =
        world.ecs.tasks.values().filter(|task| task.cluster == cluster && task.wanted && task.is_protected(now));
    tasks.map(|task| task.id.clone()).collect()
}

/// The ids of the tasks that the request names. Wordings are ours.
fn named(world: &World, cluster: &str, input: &Tree, most: usize) -> Result<Vec<String>, Fault> {
    let tasks = input.list("tasks");
    if tasks.is_empty() {
        return Err(Fault::invalid("Tasks cannot be empty."));
    }
    if tasks.len() > most {
        return Err(Fault::invalid(format!("Tasks cannot exceed {most} elements.")));
    }
    tasks.iter().filter_map(Tree::as_text).map(|reference| task_id(world, cluster, reference)).collect()
}

/// Only a service's task that is to run can be protected; what can't be comes with its reason.
fn valid<'a>(world: &'a World, cluster: &str, id: &str) -> Result<&'a Task, Tree> {
    let failure = |arn: &str, reason: &str| tree! { "arn" => arn, "reason" => reason };
    let Some(task) = world.ecs.tasks.get(&(cluster.to_owned(), id.to_owned())) else {
        return Err(failure(&world.arn(&format!("task/{cluster}/{id}")), "MISSING"));
    };
    match task.service.is_some() && task.wanted {
        true => Ok(task),
        false => Err(failure(&task.arn, "TASK_NOT_VALID")),
    }
}

fn shown(task: &Task, now: Time) -> Tree {
    let protected = task.is_protected(now);
    tree! { "taskArn" => &task.arn, "protectionEnabled" => protected }
        .with_some("expirationDate", task.protected_until.filter(|_| protected))
}
