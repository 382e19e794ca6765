//! What tasks tell their service, and how a service asks for a look. Must not know: what the look decides.

use std::time::Duration;

use crate::shape::Time;

use super::super::super::world::World;
use super::super::task::Task;
use super::super::{Ecs, Event, capacity_provider};
use super::{Backoff, Deployment, Service, events};

/// The scheduler is asynchronous: it looks 1 to 3 s after something changed (§2.6).
const LOOK_MS: u64 = 1_000;
const LOOK_JITTER_MS: u64 = 2_000;

/// Waits between starts that fail, one step a wave (§2.5: "up to 27 minutes"; the trace showed 41, 30 and 297 s).
const BACKOFF_SECS: &[u64] = &[30, 30, 300, 600, 900, 1620];
/// From this step on the service tells that it can't start tasks consistently; the trace's first three were silent.
pub(super) const IMPAIRED_LEVEL: usize = 4;

/// Asks for a look at a service, soon.
pub fn poke(world: &mut World, cluster: &str, service: &str) {
    let wait = Duration::from_millis(LOOK_MS + world.below(LOOK_JITTER_MS));
    let due = world.now().after(wait);
    let key = (cluster.to_owned(), service.to_owned());
    if let Some(mut service) = world.ecs.services.remove(&key) {
        look_at(world, &mut service, due);
        world.ecs.services.insert(key, service);
    }
}

/// Instances came, went or have room: services that wait for a place look again, and those that want to be on every
/// instance.
pub fn capacity_changed(world: &mut World, cluster: &str) {
    let from = (cluster.to_owned(), String::new());
    let here = world.ecs.services.range(from..).take_while(|((of, _), _)| of == cluster).map(|(_, one)| one);
    let waiting = here.filter(|one| one.is_active() && (one.is_daemon() || events::is_unplaced(one)));
    let waiting = waiting.map(|one| one.name.clone()).collect::<Vec<_>>();
    for service in waiting {
        poke(world, cluster, &service);
    }
    capacity_provider::changed(world, cluster);
}

/// Puts a pass on the agenda, unless one is due no later. A service has one pass to come at most: a later one that
/// was put down before finds that it is not expected any more.
pub(super) fn look_at(world: &mut World, service: &mut Service, due: Time) {
    if service.next_pass.is_some_and(|next| next <= due) {
        return;
    }
    service.next_pass = Some(due);
    let wait = due.since(world.now());
    world.after(wait, Event::Pass { cluster: service.cluster.clone(), service: service.name.clone() });
}

fn service_of<'a>(ecs: &'a mut Ecs, key: &(String, String)) -> Option<&'a mut Service> {
    let task = ecs.tasks.get(key)?;
    ecs.services.get_mut(&(task.cluster.clone(), task.service.clone()?))
}

fn deployment_of<'a>(ecs: &'a mut Ecs, key: &(String, String)) -> Option<&'a mut Deployment> {
    let started_by = ecs.tasks.get(key)?.started_by.clone()?;
    service_of(ecs, key)?.deployment_mut(&started_by)
}

/// Whether protected tasks hold up the deployment that is to replace this task (§2.18).
pub fn is_held_up(world: &World, task: &Task) -> bool {
    let of = task.service.clone().and_then(|service| world.ecs.services.get(&(task.cluster.clone(), service)));
    of.is_some_and(|service| {
        let old = service.primary().is_some_and(|primary| Some(&primary.id) != task.started_by.as_ref());
        old && service.notices.contains_key(events::PROTECTED)
    })
}

/// A task reached RUNNING: the breaker's second stage begins, and starts are not held back any more (§2.5, §2.9).
pub fn task_runs(ecs: &mut Ecs, key: &(String, String)) {
    let Some(deployment) = deployment_of(ecs, key) else { return };
    if !deployment.ran {
        deployment.ran = true;
        deployment.failures = 0;
        deployment.verdict = None;
    }
    deployment.failed_tasks = 0;
    deployment.backoff = Backoff::default();
}

/// What Fargate reports as a placement failure, beside the task that stopped (§2.8).
const PLACEMENT_FAILURES: &[&str] = &["ResourceInitializationError", "Unexpected EC2 error"];

/// A task never reached RUNNING.
pub fn task_failed_to_start(ecs: &mut Ecs, key: &(String, String), now: Time) {
    let reason = ecs.tasks.get(key).and_then(|task| task.stop.as_ref()).map(|stop| stop.reason.clone());
    if let Some(reason) = reason.filter(|reason| PLACEMENT_FAILURES.iter().any(|one| reason.starts_with(one)))
        && let Some(service) = service_of(ecs, key)
    {
        service.misplaced = Some(reason);
    }
    let Some(deployment) = deployment_of(ecs, key) else { return };
    if !deployment.ran {
        deployment.failed_tasks += 1;
        deployment.failures += 1;
    }
    let backoff = &mut deployment.backoff;
    if backoff.until.is_none_or(|until| until <= now) {
        let secs = BACKOFF_SECS.get(backoff.level).or(BACKOFF_SECS.last()).copied().unwrap_or_default();
        backoff.until = Some(now.after(Duration::from_secs(secs)));
        backoff.level = (backoff.level + 1).min(BACKOFF_SECS.len());
    }
}

/// A task began to count as healthy: the breaker forgets, unless it is told not to (`resetOnHealthyTask`, §2.9).
pub fn task_is_healthy(ecs: &mut Ecs, key: &(String, String)) {
    let resets = service_of(ecs, key).is_some_and(|service| {
        service.breaker().and_then(|breaker| breaker.bool("resetOnHealthyTask")).unwrap_or(true)
    });
    if let Some(deployment) = deployment_of(ecs, key).filter(|_| resets) {
        deployment.failures = 0;
        deployment.verdict = None;
    }
}

/// A task is STOPPED: the service forgets it.
pub fn task_is_gone(ecs: &mut Ecs, key: &(String, String)) {
    if let Some(service) = service_of(ecs, key) {
        service.tasks.remove(&key.1);
    }
}
