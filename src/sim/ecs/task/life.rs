//! What each step of a task's life does, and what it leads to (§3.1, §3.3). Must not know: how a service decides.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::shape::Time;

use super::super::super::world::{Pace, World};
use super::super::capacity_provider::fargate;
use super::super::service;
use super::super::{Ecs, Event, instance};
use super::launch::spread;
use super::{Container, Health, LastStatus, Step, Stop, Task, interruption, network, retirement, volumes, waiting};

/// From connectivity to the start of the pull (§3.1's sample).
const PULL_WAIT: Duration = Duration::from_millis(4_800);
/// On an instance the agent sees to it sooner, and Docker keeps what was pulled once (inferred).
const PULL_WAIT_ON_HOST: Duration = Duration::from_secs(1);
const PULL_CACHED: Duration = Duration::from_millis(300);
/// From the pull to RUNNING.
const START: Duration = Duration::from_millis(1_600);
/// Registration with a registry, or with several target groups (inferred).
const ACTIVATION: Duration = Duration::from_secs(2);
/// A task without any check counts as healthy so long after RUNNING (§2.2).
const SETTLE: Duration = Duration::from_secs(40);
/// A new target's first passed health check: the default interval of a target group.
const TARGET_SETTLE: Duration = Duration::from_secs(30);
/// Until the agent hears of an order to stop.
const STOP_WAIT: Duration = Duration::from_secs(1);
/// From SIGTERM to the exit, for a container that doesn't say. A stop-before-start rollout showed 27 s from one
/// event to the next (§2.3).
const STOP_TAKES: Duration = Duration::from_secs(20);
/// A task stopped before it ran (§2.6's trace: 51 s until its deployment was gone).
const PENDING_STOP: Duration = Duration::from_secs(45);
/// Default `deregistration_delay.timeout_seconds` of a target group.
const DEREGISTRATION: Duration = Duration::from_secs(300);
/// Detaching the network interface (appendix B).
const DEPROVISIONING: Duration = Duration::from_secs(10);
/// A stopped task can be described so long (§3.3).
const RETENTION: Duration = Duration::from_secs(3600);
/// DELETED is transient.
const DELETED: Duration = Duration::from_secs(60);

/// What a step wants next.
pub(super) enum Next {
    Nothing,
    Later(Vec<(Duration, Step)>),
}

/// Lets a task take a step. A step that its state has overtaken does nothing.
pub fn step(world: &mut World, cluster: &str, id: &str, step: Step) {
    let now = world.now();
    let key = (cluster.to_owned(), id.to_owned());
    match step {
        Step::Purge => {
            world.ecs.tasks.remove(&key);
            return;
        }
        Step::Interrupt => return interruption::interrupt(world, &key),
        Step::Retire => return retirement::due(world, &key),
        Step::Overdue => return retirement::overdue(world, &key),
        Step::GiveUp => return waiting::give_up(world, &key),
        _ => {}
    }
    if instance::puts_by(world, &key, &step) {
        return;
    }
    let runtime = world.below(9_000_000_000) + 1_000_000_000;
    let pace = world.settings.pace;
    let pull = if pace.start.is_some() { (Duration::ZERO, Duration::ZERO) } else { pull(&world.ecs, &key) };
    let (concerns_service, frees) = (matters(&step), step == Step::End);
    let attaches = step == Step::Attach;
    let pull = if attaches { network::hindered(world, &key).map_or(pull, |after| (pull.0, after)) } else { pull };
    let concerns_service =
        concerns_service || attaches && world.ecs.tasks.get(&key).is_some_and(network::lacks_address);
    let Some(task) = world.ecs.tasks.get_mut(&key) else { return };
    let next = match (step, task.last) {
        (Step::Attach, LastStatus::Provisioning) if task.wanted && network::lacks_address(task) => {
            let reason = network::no_address(task);
            fail_to_start(&mut world.ecs, &key, reason, now)
        }
        (Step::Attach, LastStatus::Provisioning | LastStatus::Pending) if task.wanted => attach(task, now, pull),
        (Step::Pulled, LastStatus::Pending) if task.wanted => pulled(&mut world.ecs, &key, now, runtime, pace),
        (Step::Start, LastStatus::Pending) if task.wanted && task.activates && !task.fails_to_start() => {
            task.enter(LastStatus::Activating);
            Next::Later(vec![(ACTIVATION, Step::Start)])
        }
        (Step::Start, LastStatus::Pending | LastStatus::Activating) if task.wanted => {
            start(&mut world.ecs, &key, now, pace)
        }
        (Step::Settle, LastStatus::Running) => settle(&mut world.ecs, &key),
        (Step::Sicken, LastStatus::Running) => sicken(task),
        (Step::Exit { container }, LastStatus::Running) => {
            let code = task.containers.get(container).and_then(|one| one.behaviour.exit_code);
            exit(task, container, Some(code.unwrap_or(0)), now)
        }
        (Step::Stop, LastStatus::Running) if !task.targets.is_empty() => {
            task.enter(LastStatus::Deactivating);
            let spot = interruption::most_draining(task);
            Next::Later(vec![(spot.map_or(DEREGISTRATION, |most| most.min(DEREGISTRATION)), Step::Quit)])
        }
        (Step::Stop, LastStatus::Running) | (Step::Quit, LastStatus::Deactivating) => quit(task, now),
        (Step::Release, last) if last < LastStatus::Deprovisioning && !task.wanted => release(task, now),
        (Step::End, LastStatus::Stopping | LastStatus::Deprovisioning) => end(&mut world.ecs, &key, now),
        (Step::Delete, LastStatus::Stopped) => {
            task.enter(LastStatus::Deleted);
            Next::Later(vec![(DELETED, Step::Purge)])
        }
        _ => Next::Nothing,
    };
    let Next::Later(steps) = next else { return };
    go_on(world, &key, steps, concerns_service);
    if frees {
        free(world, &key);
    }
}

/// Puts down the steps to come, and tells the service where it could decide otherwise.
pub(super) fn go_on(world: &mut World, key: &(String, String), steps: Vec<(Duration, Step)>, concerns_service: bool) {
    for (wait, step) in steps {
        put_down(world, key, wait, step);
    }
    let service = world.ecs.tasks.get(key).and_then(|task| task.service.clone());
    if let Some(service) = service.filter(|_| concerns_service) {
        service::poke(world, &key.0, &service);
    }
}

/// What a STOPPED task held of its subnet, and of its instance or of Fargate, is free again.
fn free(world: &mut World, key: &(String, String)) {
    network::give_back(world, key);
    let host = world.ecs.tasks.get(key).and_then(|task| task.host.as_ref());
    match host.map(|host| host.instance.clone()) {
        Some(instance) => instance::release(world, &(key.0.clone(), instance), &key.1),
        None => fargate::stopped(world),
    }
}

/// A task that waited for a place in vain: TaskFailedToStart (§3.3).
pub(super) fn fail_waiting(world: &mut World, key: &(String, String), reason: String) {
    let now = world.now();
    if let Next::Later(steps) = fail_to_start(&mut world.ecs, key, reason, now) {
        for (wait, step) in steps {
            put_down(world, key, wait, step);
        }
    }
    if let Some(service) = world.ecs.tasks.get(key).and_then(|task| task.service.clone()) {
        service::poke(world, &key.0, &service);
    }
}

/// The machine is gone, and the task with it: STOPPED at once (§3.3).
pub fn lose(world: &mut World, key: &(String, String), stop: Stop) {
    let now = world.now();
    let Some(task) = world.ecs.tasks.get_mut(key).filter(|task| task.last < LastStatus::Stopped) else { return };
    task.wanted = false;
    task.stop.get_or_insert(stop);
    task.times.stopping = task.times.stopping.or(Some(now));
    task.times.execution_stopped = task.times.started.map(|_| now);
    for container in &mut task.containers {
        container.last_status = "STOPPED";
    }
    let service = task.service.clone();
    if let Next::Later(steps) = end(&mut world.ecs, key, now) {
        for (wait, step) in steps {
            put_down(world, key, wait, step);
        }
    }
    free(world, key);
    if let Some(service) = service {
        service::poke(world, &key.0, &service);
    }
}

/// Whether a scheduler could decide otherwise after it.
fn matters(step: &Step) -> bool {
    match step {
        Step::Start | Step::Settle | Step::Sicken | Step::Exit { .. } | Step::Stop | Step::Quit | Step::Release => true,
        Step::Attach | Step::Pulled | Step::End | Step::Delete | Step::Purge => false,
        Step::Interrupt | Step::Retire | Step::Overdue | Step::GiveUp => false,
    }
}

pub(super) fn put_down(world: &mut World, key: &(String, String), wait: Duration, step: Step) {
    world.after(wait, Event::Task { cluster: key.0.clone(), task: key.1.clone(), step });
}

/// Orders a task to stop; an order already given stands.
pub fn begin_stop(world: &mut World, key: &(String, String), stop: Stop) {
    let Some(task) = world.ecs.tasks.get_mut(key).filter(|task| task.wanted) else { return };
    task.wanted = false;
    task.stop = Some(stop);
    task.version += 1;
    match task.last {
        LastStatus::Provisioning | LastStatus::Pending | LastStatus::Activating => {
            put_down(world, key, PENDING_STOP, Step::Release);
        }
        LastStatus::Running => put_down(world, key, STOP_WAIT, Step::Stop),
        LastStatus::Deactivating
        | LastStatus::Stopping
        | LastStatus::Deprovisioning
        | LastStatus::Stopped
        | LastStatus::Deleted => {}
    }
}

/// How long a task waits for its pull, and for the pull itself. Fargate keeps no images; an instance does.
pub(super) fn pull(ecs: &Ecs, key: &(String, String)) -> (Duration, Duration) {
    let Some(task) = ecs.tasks.get(key) else { return (PULL_WAIT, Duration::ZERO) };
    let Some(host) = &task.host else { return (PULL_WAIT, task.pull) };
    let instance = ecs.instances.get(&(key.0.clone(), host.instance.clone()));
    let cached = instance.is_some_and(|one| task.containers.iter().all(|it| one.images.contains(&it.image)));
    (PULL_WAIT_ON_HOST, if cached { PULL_CACHED } else { task.pull })
}

pub(super) fn attach(task: &mut Task, now: Time, (wait, pull): (Duration, Duration)) -> Next {
    if task.times.connectivity.is_some() {
        return Next::Nothing;
    }
    task.enter(LastStatus::Pending);
    task.set_interface("ATTACHED");
    volumes::turn(task, "ATTACHED");
    task.times.connectivity = Some(now);
    task.times.pull_started = Some(now.after(wait));
    Next::Later(vec![(wait + pull, Step::Pulled)])
}

pub(super) fn pulled(ecs: &mut Ecs, key: &(String, String), now: Time, runtime: u64, pace: Pace) -> Next {
    let Some(task) = ecs.tasks.get_mut(key) else { return Next::Nothing };
    task.times.pull_stopped = Some(now);
    let unpullable =
        |one: &Container| one.behaviour.fail_to_start.as_deref().is_some_and(|why| why.starts_with("CannotPull"));
    let mut pulled = Vec::new();
    for container in task.containers.iter_mut().filter(|one| !unpullable(one)) {
        container.digest = container.pinned.clone().or_else(|| Some(digest(&ecs.outside.pushes, &container.image)));
        container.runtime_id = Some(match &task.host {
            Some(_) => docker_id(&container.arn),
            None => format!("{}-{runtime}", task.id),
        });
        pulled.push(container.image.clone());
    }
    let host = task.host.as_ref().map(|host| (key.0.clone(), host.instance.clone()));
    if let Some(instance) = host.and_then(|host| ecs.instances.get_mut(&host)) {
        instance.images.extend(pulled);
    }
    let Some(task) = ecs.tasks.get(key) else { return Next::Nothing };
    let slowest = task.containers.iter().filter_map(|one| one.behaviour.slow_start).max();
    let paced = pace.start.map(|start| task.created.after(start).since(now));
    Next::Later(vec![(paced.or(slowest).unwrap_or(START), Step::Start)])
}

/// Docker's id of a container: 64 hex digits.
fn docker_id(arn: &str) -> String {
    ["a", "b", "c", "d"].map(|salt| format!("{:016x}", spread(&format!("{salt}{arn}")))).concat()
}

/// How often each image was pushed anew, by its reference with the tag.
pub type Pushes = BTreeMap<String, u32>;

/// An image by its tag; one without has `latest`.
fn tagged(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or_default();
    if name.contains(':') { image.to_owned() } else { format!("{image}:latest") }
}

/// Someone pushes an image: from now on its tag stands for another digest.
pub fn push(pushes: &mut Pushes, image: &str) {
    let count = pushes.entry(tagged(image)).or_default();
    *count = count.wrapping_add(1);
}

/// The digest an image's tag stands for at present.
pub fn digest(pushes: &Pushes, image: &str) -> String {
    if let Some((_, digest)) = image.split_once('@') {
        return digest.to_owned();
    }
    let content = match pushes.get(&tagged(image)) {
        None | Some(0) => image.to_owned(),
        Some(count) => format!("{image}#{count}"),
    };
    let words = ["a", "b", "c", "d"].map(|salt| format!("{:016x}", spread(&format!("{salt}{content}"))));
    format!("sha256:{}", words.concat())
}

pub(super) fn start(ecs: &mut Ecs, key: &(String, String), now: Time, pace: Pace) -> Next {
    let Some(task) = ecs.tasks.get_mut(key) else { return Next::Nothing };
    let failing = task.containers.iter().find_map(|one| one.behaviour.fail_to_start.clone());
    if let Some(reason) = failing {
        return fail_to_start(ecs, key, reason, now);
    }
    task.enter(LastStatus::Running);
    task.times.started = Some(now);
    let mut steps = vec![(pace.healthy.unwrap_or_else(|| settling(task)), Step::Settle)];
    for (index, container) in task.containers.iter_mut().enumerate() {
        // An agent may have told already that one is over.
        if container.last_status == "STOPPED" {
            continue;
        }
        container.last_status = "RUNNING";
        if let Some(span) = container.behaviour.exit_after {
            steps.push((span, Step::Exit { container: index }));
        }
    }
    if interruption::is_on_spot(task) {
        let taken = task.containers.iter().filter_map(|one| one.behaviour.interrupt_after).min();
        steps.extend(taken.map(|span| (span, Step::Interrupt)));
    }
    let sickening = task.containers.iter().filter_map(|one| one.behaviour.unhealthy_after).min();
    steps.extend(sickening.map(|span| (span, Step::Sicken)));
    service::task_runs(ecs, key);
    Next::Later(steps)
}

/// From RUNNING to healthy: the slowest of its checks, or 40 s where it has none (§2.2).
fn settling(task: &Task) -> Duration {
    let checks = task.containers.iter().filter(|one| one.essential).filter_map(|one| one.check_interval_secs);
    let checked = checks.max().map(|secs| Duration::from_secs(u64::try_from(secs).unwrap_or(0)));
    let targets = (!task.targets.is_empty()).then_some(TARGET_SETTLE);
    checked.max(targets).unwrap_or(SETTLE)
}

pub(super) fn fail_to_start(ecs: &mut Ecs, key: &(String, String), reason: String, now: Time) -> Next {
    let Some(task) = ecs.tasks.get_mut(key) else { return Next::Nothing };
    for container in &mut task.containers {
        if container.behaviour.fail_to_start.is_some() {
            container.reason.clone_from(&container.behaviour.fail_to_start);
        }
        container.last_status = "STOPPED";
    }
    task.wanted = false;
    task.stop = Some(Stop { code: "TaskFailedToStart", reason });
    task.times.stopping = Some(now);
    task.set_interface("DETACHING");
    volumes::turn(task, "DETACHING");
    let next = deprovision(task);
    service::task_failed_to_start(ecs, key, now);
    next
}

fn settle(ecs: &mut Ecs, key: &(String, String)) -> Next {
    let Some(task) = ecs.tasks.get_mut(key).filter(|task| task.wanted && !task.sick) else { return Next::Nothing };
    task.settled = true;
    if task.is_checked() {
        task.health = Health::Healthy;
    }
    service::task_is_healthy(ecs, key);
    Next::Later(Vec::new())
}

fn sicken(task: &mut Task) -> Next {
    task.sick = true;
    task.settled = false;
    if task.is_checked() {
        task.health = Health::Unhealthy;
    }
    Next::Later(Vec::new())
}

pub(super) fn exit(task: &mut Task, index: usize, code: Option<i64>, now: Time) -> Next {
    let Some(container) = task.containers.get_mut(index).filter(|one| one.last_status == "RUNNING") else {
        return Next::Nothing;
    };
    container.last_status = "STOPPED";
    container.exit_code = code;
    if !container.essential {
        return Next::Nothing;
    }
    if task.stop.is_none() {
        let reason = "Essential container in task exited".to_owned();
        task.stop = Some(Stop { code: "EssentialContainerExited", reason });
    }
    task.wanted = false;
    quit(task, now)
}

fn quit(task: &mut Task, now: Time) -> Next {
    task.enter(LastStatus::Stopping);
    task.times.stopping = Some(now);
    let running = task.containers.iter().filter(|one| one.last_status == "RUNNING");
    let longest = running.map(|one| stopping(one).0).max().unwrap_or_default();
    Next::Later(vec![(longest, Step::Release)])
}

/// How long a container takes to stop, and what it exits with.
fn stopping(container: &Container) -> (Duration, i64) {
    let limit = Duration::from_secs(u64::try_from(container.stop_timeout_secs).unwrap_or(0));
    let wish = container.behaviour.stop_takes.unwrap_or(STOP_TAKES.min(limit));
    if wish > limit { (limit, 137) } else { (wish, container.behaviour.exit_code.unwrap_or(0)) }
}

pub(super) fn release(task: &mut Task, now: Time) -> Next {
    task.times.stopping = task.times.stopping.or(Some(now));
    task.times.execution_stopped = task.times.started.map(|_| now);
    for container in &mut task.containers {
        if container.last_status == "RUNNING" {
            container.exit_code = Some(stopping(container).1);
        }
        container.last_status = "STOPPED";
    }
    task.set_interface("DETACHING");
    volumes::turn(task, "DETACHING");
    deprovision(task)
}

/// Without an interface to detach, it is STOPPED at once (§3.1).
fn deprovision(task: &mut Task) -> Next {
    if task.interface.is_none() {
        task.enter(LastStatus::Stopping);
        return Next::Later(vec![(Duration::ZERO, Step::End)]);
    }
    task.enter(LastStatus::Deprovisioning);
    Next::Later(vec![(DEPROVISIONING, Step::End)])
}

fn end(ecs: &mut Ecs, key: &(String, String), now: Time) -> Next {
    let Some(task) = ecs.tasks.get_mut(key) else { return Next::Nothing };
    task.enter(LastStatus::Stopped);
    task.times.stopped = Some(now);
    task.set_interface("DELETED");
    // A task's tags go when it stops (§1.4).
    task.tags.clear();
    task.protected_until = None;
    volumes::release(ecs, key);
    service::task_is_gone(ecs, key);
    Next::Later(vec![(RETENTION, Step::Delete)])
}
