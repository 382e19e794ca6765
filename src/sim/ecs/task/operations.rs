//! ListTasks, DescribeTasks and StopTask (§3.3, §3.5, §7.2). Must not know: protocols.

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::service::{asks_for_tags, cluster_of, page, poke, service_name};
use super::super::{Answer, Fault, instance};
use super::{LastStatus, Stop, Task, begin_stop, show};

/// The operations answered here.
pub const OPERATIONS: &[(&str, super::super::Operation)] =
    &[("ListTasks", list), ("DescribeTasks", describe), ("StartTask", super::start::start), ("StopTask", stop)];

/// How many tasks one DescribeTasks may name, and how many ARNs one page of ListTasks holds (§7.2).
const MOST: usize = 100;
/// StopTask without a reason (§3.3).
const DEFAULT_REASON: &str = "Task stopped by user";

fn list(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let service = match input.text("serviceName") {
        Some(reference) => {
            let name = service_name(world, &cluster, reference)?;
            if !world.ecs.services.contains_key(&(cluster.clone(), name.clone())) {
                return Err(Fault::new("ServiceNotFoundException", "Service not found."));
            }
            Some(name)
        }
        None => None,
    };
    let instance = input.text("containerInstance").map(|one| instance::id_of(world, &cluster, one)).transpose()?;
    let started_by = input.text("startedBy");
    if started_by.is_some() && (service.is_some() || input.get("family").is_some()) {
        return Err(Fault::invalid("startedBy cannot be combined with other filters."));
    }
    let stopped = input.text("desiredStatus") == Some("STOPPED");
    let matches = |task: &Task| {
        let family = task.definition.rsplit('/').next().and_then(|short| short.split(':').next());
        let launch = task.body.text("launchType");
        task.wanted != stopped
            && task.last != LastStatus::Deleted
            && service.as_ref().is_none_or(|name| task.service.as_ref() == Some(name))
            && started_by.is_none_or(|wanted| task.started_by.as_deref() == Some(wanted))
            && input.text("family").is_none_or(|wanted| family == Some(wanted))
            && input.text("launchType").is_none_or(|wanted| launch == Some(wanted))
            && instance.as_ref().is_none_or(|id| task.host.as_ref().is_some_and(|host| host.instance == *id))
            // No task runs for a managed daemon.
            && input.get("daemonName").is_none()
    };
    let tasks = in_cluster(world, &cluster).filter(|task| matches(task));
    let rows = tasks.map(|task| (task.id.clone(), Tree::from(&task.arn))).collect();
    let (arns, next) = page(rows, input, MOST, MOST)?;
    Ok(tree! { "taskArns" => arns }.with_some("nextToken", next))
}

fn in_cluster<'a>(world: &'a World, cluster: &str) -> impl Iterator<Item = &'a Task> {
    let name = cluster.to_owned();
    let from = (name.clone(), String::new());
    world.ecs.tasks.range(from..).map(|(_, task)| task).take_while(move |task| task.cluster == name)
}

fn describe(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let wanted = input.list("tasks");
    if wanted.is_empty() {
        return Err(Fault::invalid("Tasks cannot be empty."));
    }
    if wanted.len() > MOST {
        return Err(Fault::invalid(format!("Tasks cannot exceed {MOST} elements.")));
    }
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for reference in wanted.iter().filter_map(Tree::as_text) {
        let id = task_id(world, &cluster, reference)?;
        match world.ecs.tasks.get(&(cluster.clone(), id.clone())) {
            Some(task) => tasks.push(show(world, task, asks_for_tags(input))),
            None => {
                let arn = world.arn(&format!("task/{cluster}/{id}"));
                failures.push(tree! { "arn" => arn, "reason" => "MISSING" });
            }
        }
    }
    Ok(tree! { "tasks" => tasks, "failures" => failures })
}

fn stop(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let id = task_id(world, &cluster, input.text("task").unwrap_or_default())?;
    let key = (cluster, id);
    let missing = || Fault::invalid("The referenced task was not found.");
    if !world.ecs.tasks.contains_key(&key) {
        return Err(missing());
    }
    let reason = input.text("reason").unwrap_or(DEFAULT_REASON).to_owned();
    begin_stop(world, &key, Stop { code: "UserInitiated", reason });
    let task = world.ecs.tasks.get(&key).ok_or_else(missing)?;
    let (service, shown) = (task.service.clone(), show(world, task, false));
    if let Some(service) = service {
        poke(world, &key.0, &service);
    }
    Ok(tree! { "task" => shown })
}

/// The id in an id or ARN; an ARN of another cluster is refused (§1.1).
fn task_id(world: &World, cluster: &str, reference: &str) -> Result<String, Fault> {
    let Some((_, path)) = reference.split_once(":task/") else { return Ok(reference.to_owned()) };
    match path.split_once('/') {
        Some((other, id)) if other == cluster && reference == world.arn(&format!("task/{path}")) => Ok(id.to_owned()),
        Some((other, _)) if other != cluster => {
            Err(Fault::invalid(format!("Identifier is for cluster {other}. Your cluster is {cluster}")))
        }
        _ => Err(Fault::invalid(format!("Invalid identifier: {reference}"))),
    }
}
