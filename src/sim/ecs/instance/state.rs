//! What becomes of an instance, and what that means for the tasks on it (ecs-semantics §2.17, §3.3, §6.4, §6.6).
//! Must not know: requests.

use std::time::Duration;

use super::super::super::neighbours::ec2;
use super::super::super::world::World;
use super::super::task::{self, Step, Stop};
use super::super::{Event, capacity_provider, service};
use super::{Instance, Status};

/// An INACTIVE instance can be described so long (§1.3, inferred).
const RETENTION: Duration = Duration::from_secs(3600);
/// Until an agent that is back has told what happened meanwhile.
const CATCHING_UP: Duration = Duration::from_secs(1);

type Key = (String, String);

fn change(world: &mut World, key: &Key, change: impl FnOnce(&mut Instance)) {
    if let Some(instance) = world.ecs.instances.get_mut(key) {
        change(instance);
        instance.version += 1;
    }
}

/// A task has its place here from now on.
pub fn seat(world: &mut World, key: &Key, task: &str) {
    if let Some(instance) = world.ecs.instances.get_mut(key) {
        instance.tasks.insert(task.to_owned());
    }
    capacity_provider::changed(world, &key.0);
}

/// A task holds nothing any more: whoever waits for room is told.
pub fn release(world: &mut World, key: &Key, task: &str) {
    if let Some(instance) = world.ecs.instances.get_mut(key) {
        instance.tasks.remove(task);
    }
    service::capacity_changed(world, &key.0);
}

/// ACTIVE ⇄ DRAINING.
pub fn set_status(world: &mut World, key: &Key, status: Status) {
    if world.ecs.instances.get(key).is_none_or(|one| one.status == status) {
        return;
    }
    change(world, key, |one| one.status = status);
    tell(world, key);
}

/// The services that have tasks on an instance, and those that might want to, look again.
fn tell(world: &mut World, key: &Key) {
    let tasks = world.ecs.instances.get(key).map(|one| one.tasks.clone()).unwrap_or_default();
    let of = |id: &String| world.ecs.tasks.get(&(key.0.clone(), id.clone()))?.service.clone();
    let services = tasks.iter().filter_map(of).collect::<std::collections::BTreeSet<_>>();
    for service in services {
        service::poke(world, &key.0, &service);
    }
    service::capacity_changed(world, &key.0);
}

/// The agent loses its connection, or is back and tells what happened meanwhile.
pub fn connect(world: &mut World, key: &Key, connected: bool) {
    if world.ecs.instances.get(key).is_none_or(|one| one.connected == connected || !one.is_registered()) {
        return;
    }
    change(world, key, |one| one.connected = connected);
    if !connected {
        return;
    }
    if let Some(machine) = world.ecs.instances.get(key).map(|one| one.machine.clone()) {
        ec2::came_back(world, &machine);
    }
    let put_by = world.ecs.instances.get_mut(key).map(|one| std::mem::take(&mut one.put_by)).unwrap_or_default();
    for (task, step) in put_by {
        world.after(CATCHING_UP, Event::Task { cluster: key.0.clone(), task, step });
    }
    service::capacity_changed(world, &key.0);
}

/// Whether a task's step has to wait for its agent; then it is put by. STOPPED tasks are ECS's own business.
pub fn puts_by(world: &mut World, task: &Key, step: &Step) -> bool {
    if matches!(step, Step::Delete | Step::Purge) {
        return false;
    }
    let Some(host) = world.ecs.tasks.get(task).and_then(|task| task.host.as_ref()) else { return false };
    let key = (task.0.clone(), host.instance.clone());
    let Some(instance) = world.ecs.instances.get_mut(&key).filter(|one| !one.connected) else { return false };
    instance.put_by.push((task.1.clone(), step.clone()));
    true
}

/// How a machine goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// EC2 terminated it: INACTIVE, since ECS hears of that.
    Terminated,
    /// EC2 stopped it: ACTIVE still, with its agent away (§6.4).
    Stopped,
}

/// The machine goes, and its tasks with it (§3.3).
pub fn halt(world: &mut World, key: &Key, end: End) {
    let Some(instance) = world.ecs.instances.get(key).filter(|one| one.is_registered()) else { return };
    let word = if end == End::Terminated { "terminated" } else { "stopped" };
    let machine = instance.machine.clone();
    let reason = format!("Host EC2 (instance {machine}) {word}.");
    ec2::went(world, &machine, end);
    lose_all(world, key, &Stop { code: "TerminationNotice", reason });
    match end {
        End::Terminated => retire(world, key),
        End::Stopped => change(world, key, |one| {
            one.connected = false;
            one.images.clear();
        }),
    }
    service::capacity_changed(world, &key.0);
}

/// Takes an instance out of its cluster; its tasks are ECS's no more (§6.4). Code and reason inferred.
pub fn deregister(world: &mut World, key: &Key) {
    let Some(instance) = world.ecs.instances.get(key) else { return };
    let reason = format!("Container instance {} was deregistered.", instance.arn);
    lose_all(world, key, &Stop { code: "TerminationNotice", reason });
    retire(world, key);
    service::capacity_changed(world, &key.0);
}

fn lose_all(world: &mut World, key: &Key, stop: &Stop) {
    let tasks = world.ecs.instances.get_mut(key).map(|one| {
        one.put_by.clear();
        std::mem::take(&mut one.tasks)
    });
    for id in tasks.unwrap_or_default() {
        task::lose(world, &(key.0.clone(), id), stop.clone());
    }
}

fn retire(world: &mut World, key: &Key) {
    let now = world.now();
    change(world, key, |one| {
        one.status = Status::Inactive;
        one.connected = false;
        one.retired = Some(now);
    });
    forget(world);
}

/// Drops what nobody can describe any more.
pub fn forget(world: &mut World) {
    let now = world.now();
    world.ecs.instances.retain(|_, one| one.retired.is_none_or(|retired| now < retired.after(RETENTION)));
}
