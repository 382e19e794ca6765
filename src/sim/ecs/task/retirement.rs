//! Fargate task retirement: a platform that is replaced under its tasks (docs/ecs.md §8). Must not know: how a
//! service's scheduler makes way.
//!
//! A notice names a date. On it a standalone task is stopped, and nobody replaces it. A service's task is replaced by
//! its scheduler within the service's percentages: with room above, the new one starts first; without, the old one is
//! stopped first. What its service could not replace within [`PATIENCE`] is stopped all the same.

use std::time::Duration;

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::{service, setting};
use super::life::put_down;
use super::{LastStatus, Step, Stop, Task, begin_stop};

/// A day, as notices count.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// The longest wait a person may ask for, in days.
const LONGEST_WAIT_DAYS: u64 = 366;
/// How long after the date a service's task may still be there (§8.2 says only "after the date"; inferred).
pub const PATIENCE: Duration = Duration::from_secs(2 * 3600);

/// The stopped reason of a retired task, in a service or not (§3.3).
pub const REASON: &str = "ECS is performing maintenance on the underlying infrastructure hosting the task";

/// Whose tasks are to be retired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// `CLUSTER/NAME`, or a service's ARN.
    Service(String),
    /// A task's id or ARN.
    Task(String),
}

/// Gives notice to tasks that run on Fargate now, in so many days; without a number, as the account's setting says.
/// The answer has the members of AWS's own notice (§8.4) that matter here, and the tasks it is for.
///
/// # Errors
/// Why there is nothing to retire.
pub fn announce(world: &mut World, whose: &Whose, wait_days: Option<u64>) -> Result<Tree, String> {
    let days = wait_days.unwrap_or_else(|| setting::retirement_wait_days(world));
    if days > LONGEST_WAIT_DAYS {
        return Err(format!("`wait` can be at most {LONGEST_WAIT_DAYS} days."));
    }
    let tasks = world.ecs.tasks.values().filter(|task| is_live(task));
    let keys: Vec<(String, String)> = match whose {
        Whose::Service(name) => {
            let name = name.split_once(":service/").map_or(name.as_str(), |(_, name)| name);
            let (cluster, service) = name.split_once('/').unwrap_or(("default", name));
            if !world.ecs.services.contains_key(&(cluster.to_owned(), service.to_owned())) {
                return Err(format!("There is no service {cluster}/{service}."));
            }
            let own = tasks.filter(|task| task.cluster == cluster && task.service.as_deref() == Some(service));
            own.map(Task::key).collect()
        }
        Whose::Task(name) => tasks.filter(|task| task.arn == *name || task.id == *name).map(Task::key).collect(),
    };
    if keys.is_empty() {
        return Err("No task on Fargate is there to retire.".to_owned());
    }
    let wait = DAY.saturating_mul(u32::try_from(days).unwrap_or(u32::MAX));
    for key in &keys {
        put_down(world, key, wait, Step::Retire);
    }
    let tasks = keys.iter().filter_map(|key| world.ecs.tasks.get(key)).collect::<Vec<_>>();
    // The notice of a service's task names the service (§8.4).
    let mut entities = tasks.iter().map(|task| entity(task)).collect::<Vec<_>>();
    entities.dedup();
    let entities = entities.into_iter().map(|entity| tree! { "entityValue" => entity, "status" => "PENDING" });
    let entities = entities.collect::<Vec<_>>();
    let arns = tasks.iter().map(|task| task.arn.as_str()).collect::<Vec<_>>();
    Ok(tree! {
        "service" => "ECS",
        "eventTypeCode" => "AWS_ECS_TASK_PATCHING_RETIREMENT",
        "startTime" => world.now().after(wait).to_string(),
        "affectedEntities" => entities,
        "tasks" => arns,
    })
}

fn is_live(task: &Task) -> bool {
    task.wanted && task.last <= LastStatus::Running && task.body.text("launchType") == Some("FARGATE")
}

fn entity(task: &Task) -> String {
    match &task.service {
        Some(service) => format!("{}|{service}", task.cluster),
        None => task.arn.clone(),
    }
}

/// The date has come.
pub(super) fn due(world: &mut World, key: &(String, String)) {
    let Some(task) = world.ecs.tasks.get_mut(key).filter(|task| is_live(task)) else { return };
    match task.service.clone() {
        Some(service) => {
            task.retiring = true;
            put_down(world, key, PATIENCE, Step::Overdue);
            service::poke(world, &key.0, &service);
        }
        // Its code is inferred (§8.2).
        None => begin_stop(world, key, Stop { code: "TerminationNotice", reason: REASON.to_owned() }),
    }
}

/// The service had its time: now the task goes.
pub(super) fn overdue(world: &mut World, key: &(String, String)) {
    let Some(service) = world.ecs.tasks.get(key).filter(|task| task.wanted).and_then(|task| task.service.clone())
    else {
        return;
    };
    begin_stop(world, key, Stop { code: "ServiceSchedulerInitiated", reason: REASON.to_owned() });
    service::poke(world, &key.0, &service);
}
