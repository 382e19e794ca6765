//! Fargate taking Spot capacity back (docs/ecs.md §3.3). Must not know: how a service replaces what it loses.
//!
//! The warning is one thing in two forms: the task shows `desiredStatus` STOPPED and `stopCode` SpotInterruption while
//! its `lastStatus` is RUNNING still, and its containers get SIGTERM. From then on they have their `stopTimeout`, and
//! all is over after two minutes: the target groups' draining is cut short for it.
//!
//! Three things interrupt a task: the label `ecs-operator.sim/interrupt-after`; the world's setting `spot_life`, with
//! the world's own chance; and a person, by `POST /_sim/interrupt`.

use std::time::Duration;

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::service;
use super::life::put_down;
use super::{LastStatus, Step, Stop, Task, begin_stop};

/// From the warning to the end (§3.3).
const WARNING: Duration = Duration::from_secs(120);
const CODE: &str = "SpotInterruption";
const REASON: &str = "Your Spot Task was interrupted.";

/// Whether its capacity can be taken back.
pub fn is_on_spot(task: &Task) -> bool {
    task.capacity_provider.as_deref() == Some("FARGATE_SPOT")
}

/// Draws how long a new Spot task will live, where the world says that Spot tasks don't live for ever: anything from
/// nothing to twice the mean, in whole milliseconds, so that a seed means the same on every machine.
pub fn foretell(world: &mut World, task: &Task) {
    let Some(mean) = world.settings.spot_life.filter(|_| is_on_spot(task)) else { return };
    let most = u64::try_from(mean.as_millis()).unwrap_or(u64::MAX).saturating_mul(2);
    let life = Duration::from_millis(world.below(most));
    put_down(world, &task.key(), life, Step::Interrupt);
}

/// The warning. A task that is stopping already is left alone.
pub fn interrupt(world: &mut World, key: &(String, String)) {
    let Some(task) = world.ecs.tasks.get(key).filter(|task| task.wanted && task.last <= LastStatus::Running) else {
        return;
    };
    let service = task.service.clone();
    begin_stop(world, key, Stop { code: CODE, reason: REASON.to_owned() });
    if let Some(service) = service {
        service::poke(world, &key.0, &service);
    }
}

/// How long an interrupted task may drain at most, so that its slowest container still has its time.
pub fn most_draining(task: &Task) -> Option<Duration> {
    task.stop.as_ref().filter(|stop| stop.code == CODE)?;
    let slowest = task.containers.iter().map(|one| one.stop_timeout_secs).max().unwrap_or(0);
    Some(WARNING.saturating_sub(Duration::from_secs(u64::try_from(slowest).unwrap_or(0))))
}

/// A person interrupts a task, by its ARN or id.
///
/// # Errors
/// Why that can't be.
pub fn by_hand(world: &mut World, reference: &str) -> Result<Tree, String> {
    let found = world.ecs.tasks.values().find(|task| task.arn == reference || task.id == reference);
    let Some(task) = found else { return Err(format!("There is no task {reference}.")) };
    if !is_on_spot(task) {
        return Err(format!("The task {reference} does not run on FARGATE_SPOT."));
    }
    if !task.wanted {
        return Err(format!("The task {reference} is stopping already."));
    }
    let (key, arn) = (task.key(), task.arn.clone());
    interrupt(world, &key);
    Ok(tree! { "interrupted" => arn })
}
