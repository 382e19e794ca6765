//! What container agents report of tasks on their instances: SubmitTaskStateChange, SubmitContainerStateChange,
//! SubmitAttachmentStateChanges. Must not know: requests for tasks, schedulers.
//!
//! The embedded ECS plays an agent for each of its instances; a report overtakes it. Statuses only go forward: a report
//! of what is over already is acknowledged and changes nothing. Which texts ECS refuses reports with is weak.

use crate::shape::{Time, Tree};
use crate::tree;

use super::super::super::world::World;
use super::super::instance::{Port, held};
use super::super::service::cluster_of;
use super::super::{Answer, Fault};
use super::life::{self, Next};
use super::operations::task_id;
use super::{LastStatus, Stop, Task};

type Key = (String, String);

/// What agents send of tasks and of containers, in the order of a life.
const STATUSES: &[&str] =
    &["MANIFEST_PULLED", "PULLED", "CREATED", "PENDING", "RESOURCES_PROVISIONED", "ACTIVATING", "RUNNING", "STOPPED"];
const EXITED: &str = "Essential container in task exited";

fn acknowledged() -> Answer {
    Ok(tree! { "acknowledgment" => "ACK" })
}

/// The task that a report is of: one on a container instance, since Fargate's agents report to nobody else.
fn reported(world: &World, input: &Tree) -> Result<Key, Fault> {
    let cluster = cluster_of(world, input)?;
    let id = task_id(world, &cluster, input.text("task").unwrap_or_default())?;
    let key = (cluster, id);
    match world.ecs.tasks.get(&key) {
        None => Err(Fault::invalid("The referenced task was not found.")),
        Some(task) if task.host.is_none() => Err(Fault::client("The task does not run on a container instance.")),
        Some(_) => Ok(key),
    }
}

fn status(report: &Tree) -> Result<Option<&str>, Fault> {
    match report.text("status") {
        Some(text) if !STATUSES.contains(&text) => Err(Fault::invalid(format!("Invalid status: {text}"))),
        status => Ok(status),
    }
}

pub(super) fn task(world: &mut World, input: &Tree) -> Answer {
    let key = reported(world, input)?;
    let status = status(input)?;
    let containers = input.list("containers");
    let attachments = input.list("attachments");
    let found = attachments.iter().map(|one| Ok((attached(world, &key.0, one)?, one.text("status"))));
    let found = found.collect::<Result<Vec<_>, Fault>>()?;
    for one in containers {
        named(world, &key, one)?;
    }
    for (of, status) in found {
        attach(world, &of, status);
    }
    times(world, &key, input);
    for one in containers {
        change(world, &key, one);
    }
    match status {
        Some("RUNNING") => run(world, &key),
        Some("STOPPED") => end(world, &key, input),
        _ => {}
    }
    acknowledged()
}

pub(super) fn container(world: &mut World, input: &Tree) -> Answer {
    let key = reported(world, input)?;
    named(world, &key, input)?;
    change(world, &key, input);
    acknowledged()
}

pub(super) fn attachments(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let all = input.list("attachments").iter().map(|one| Ok((attached(world, &cluster, one)?, one.text("status"))));
    for (key, status) in all.collect::<Result<Vec<_>, Fault>>()? {
        attach(world, &key, status);
    }
    acknowledged()
}

/// The task whose network interface an attachment is.
fn attached(world: &World, cluster: &str, report: &Tree) -> Result<Key, Fault> {
    let id = report.text("attachmentArn").and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
    let mine = |task: &&Task| {
        task.cluster == cluster
            && task.host.is_some()
            && task.interface.as_ref().is_some_and(|one| one.attachment_id == id)
    };
    let found = world.ecs.tasks.values().find(mine).map(Task::key);
    let key = found.ok_or_else(|| Fault::invalid("The referenced attachment was not found."))?;
    match report.text("status") {
        Some("ATTACHED" | "DETACHED") => Ok(key),
        other => Err(Fault::invalid(format!("Invalid status: {}", other.unwrap_or_default()))),
    }
}

/// The interface is there: PENDING. That it is gone is for ECS to say, which detaches it.
fn attach(world: &mut World, key: &Key, status: Option<&str>) {
    let (now, pull) = (world.now(), life::pull(&world.ecs, key));
    let Some(task) = world.ecs.tasks.get_mut(key).filter(|task| task.wanted && status == Some("ATTACHED")) else {
        return;
    };
    if task.last <= LastStatus::Pending
        && let Next::Later(steps) = life::attach(task, now, pull)
    {
        life::go_on(world, key, steps, false);
    }
}

/// Where the report's container stands in the task.
fn named(world: &World, key: &Key, report: &Tree) -> Result<usize, Fault> {
    status(report)?;
    let name = report.text("containerName").unwrap_or_default();
    let place = world.ecs.tasks.get(key).and_then(|task| task.containers.iter().position(|one| one.name == name));
    place.ok_or_else(|| Fault::invalid("The referenced container was not found."))
}

fn change(world: &mut World, key: &Key, report: &Tree) {
    let Ok(place) = named(world, key, report) else { return };
    let now = world.now();
    bind(world, key, place, report.list("networkBindings"));
    let Some(task) = world.ecs.tasks.get_mut(key) else { return };
    let last = task.last;
    let Some(one) = task.containers.get_mut(place).filter(|one| one.last_status != "STOPPED") else { return };
    for (told, kept) in
        [("runtimeId", &mut one.runtime_id), ("imageDigest", &mut one.digest), ("reason", &mut one.reason)]
    {
        if let Some(text) = report.text(told) {
            *kept = Some(text.to_owned());
        }
    }
    let (essential, reason) = (one.essential, one.reason.clone());
    let code = report.int("exitCode");
    match report.text("status") {
        Some("RUNNING") if last < LastStatus::Deactivating => one.last_status = "RUNNING",
        Some("STOPPED") if last == LastStatus::Running => {
            if let Next::Later(steps) = life::exit(task, place, code, now) {
                life::go_on(world, key, steps, true);
            }
        }
        Some("STOPPED") => {
            one.last_status = "STOPPED";
            one.exit_code = code;
            if essential && last < LastStatus::Running {
                fail(world, key, reason.unwrap_or_else(|| EXITED.to_owned()));
            }
        }
        _ => {}
    }
}

/// Docker gave a container other dynamic ports than were set aside for it.
fn bind(world: &mut World, key: &Key, container: usize, bindings: &[Tree]) {
    let host = world.ecs.tasks.get(key).and_then(|task| task.host.as_ref());
    let machine = host.and_then(|host| world.ecs.instances.get(&(key.0.clone(), host.instance.clone())));
    let Some(mut used) = machine.map(|one| held(&world.ecs, one)) else { return };
    if let Some(all) = machine.map(|one| &one.capacity) {
        used.tcp.extend(&all.tcp);
        used.udp.extend(&all.udp);
    }
    let Some(host) = world.ecs.tasks.get_mut(key).and_then(|task| task.host.as_mut()) else { return };
    for binding in bindings {
        let (inside, outside) = (binding.int("containerPort"), binding.int("hostPort").unwrap_or(0));
        let udp = binding.text("protocol") == Some("udp");
        let taken = if udp { &mut used.udp } else { &mut used.tcp };
        let meant = |port: &&mut Port| port.container == container && Some(port.inside) == inside && port.udp == udp;
        let port = host.held.ports.iter_mut().find(meant).filter(|port| port.outside >= Port::DYNAMIC_FROM);
        if let Some(port) =
            port.filter(|_| (Port::DYNAMIC_FROM..=65_535).contains(&outside) && !taken.contains(&outside))
        {
            taken.remove(&port.outside);
            taken.insert(outside);
            port.outside = outside;
        }
    }
}

/// When what happened, as the agent saw it; never later than now, and never told twice.
fn times(world: &mut World, key: &Key, report: &Tree) {
    let now = world.now();
    let Some(task) = world.ecs.tasks.get_mut(key).filter(|task| task.last < LastStatus::Running) else { return };
    let at = |name: &str| seconds(report.get(name)?).map(|at| at.min(now));
    let times = &mut task.times;
    times.pull_started = at("pullStartedAt").or(times.pull_started);
    times.pull_stopped = at("pullStoppedAt").or(times.pull_stopped);
}

fn seconds(value: &Tree) -> Option<Time> {
    let secs = match value {
        Tree::Float(secs) => *secs,
        other => other.as_int()? as f64,
    };
    let span = std::time::Duration::try_from_secs_f64(secs).ok()?;
    Some(Time(0).after(span))
}

/// All of it runs, sooner than the embedded agent would have told.
fn run(world: &mut World, key: &Key) {
    attach(world, key, Some("ATTACHED"));
    let now = world.now();
    let Some(task) = world.ecs.tasks.get_mut(key).filter(|task| task.wanted && task.last < LastStatus::Running) else {
        return;
    };
    for one in &mut task.containers {
        one.behaviour.fail_to_start = None;
    }
    let stopped = task.times.pull_stopped;
    let ids = task.containers.iter().map(|one| (one.runtime_id.clone(), one.digest.clone())).collect::<Vec<_>>();
    // Only Fargate's containers have ids of chance.
    drop(life::pulled(&mut world.ecs, key, now, 0, world.settings.pace));
    if let Some(task) = world.ecs.tasks.get_mut(key) {
        task.times.pull_started = task.times.pull_started.map(|at| at.min(now));
        task.times.pull_stopped = stopped.or(task.times.pull_stopped);
        for (one, (id, digest)) in task.containers.iter_mut().zip(ids) {
            one.runtime_id = id.or(one.runtime_id.take());
            one.digest = digest.or(one.digest.take());
        }
    }
    if let Next::Later(steps) = life::start(&mut world.ecs, key, now, world.settings.pace) {
        life::go_on(world, key, steps, true);
    }
}

/// It will never run.
fn fail(world: &mut World, key: &Key, reason: String) {
    let now = world.now();
    let wanted = world.ecs.tasks.get(key).is_some_and(|task| task.wanted);
    let next = match world.ecs.tasks.get_mut(key) {
        Some(_) if wanted => life::fail_to_start(&mut world.ecs, key, reason, now),
        // Someone has stopped it: it was not to run.
        Some(task) => life::release(task, now),
        None => Next::Nothing,
    };
    if let Next::Later(steps) = next {
        life::go_on(world, key, steps, true);
    }
}

/// All its containers are gone.
fn end(world: &mut World, key: &Key, report: &Tree) {
    let now = world.now();
    let Some(task) = world.ecs.tasks.get_mut(key).filter(|task| task.last < LastStatus::Deprovisioning) else { return };
    let reason = report.text("reason").filter(|text| !text.is_empty()).unwrap_or(EXITED).to_owned();
    if task.last < LastStatus::Running {
        return fail(world, key, reason);
    }
    task.wanted = false;
    task.stop.get_or_insert(Stop { code: "EssentialContainerExited", reason });
    let next = life::release(task, now);
    if let Some(at) = report.get("executionStoppedAt").and_then(seconds) {
        task.times.execution_stopped = Some(at.min(now));
    }
    if let Next::Later(steps) = next {
        life::go_on(world, key, steps, true);
    }
}
