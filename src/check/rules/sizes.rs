//! CPU and memory: of the task, of its containers, and the one against the other (docs/ecs.md §4.1, §4.3).

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Launch, TaskDefinition, has};
use crate::shape::Tree;

use super::row;

/// CPU units of a task on instances.
const INSTANCE_CPU: (i64, i64) = (128, 196_608);
/// MiB; newer Dockers want two more.
const CONTAINER_MEMORY_MIN_MIB: i64 = 4;

pub const RULES: &[Rule] = &[
    row!(
        "task-size",
        Error,
        Look::TaskDefinition(readable),
        "A task's cpu is CPU units or vCPUs (\"256\", \".25 vCPU\"), its memory MiB or GB (\"512\", \"0.5 GB\") (ECS: \
         task size)."
    ),
    row!(
        "task-cpu-range",
        Error,
        Look::TaskDefinition(cpu_range),
        "On instances a task has from 128 CPU units to 192 vCPUs (ECS: task size)."
    ),
    row!(
        "container-memory-missing",
        Error,
        Look::TaskDefinition(memory_missing),
        "Where the task has no memory, each container has memory or memoryReservation (ECS: At least one of 'memory' \
         or 'memoryReservation' must be specified)."
    ),
    row!(
        "container-memory-least",
        Error,
        Look::TaskDefinition(memory_least),
        "Docker starts no container with less than 4 MiB, newer ones none with less than 6 (ECS: task definition \
         parameters)."
    ),
    row!(
        "memory-reservation",
        Error,
        Look::TaskDefinition(reservation),
        "A container's memory is where it is killed, its memoryReservation what is kept for it: the first is not \
         smaller than the second (ECS: 'memory' must be greater than or equal to 'memoryReservation')."
    ),
    row!(
        "container-memory-above-task",
        Error,
        Look::TaskDefinition(memory_above_task),
        "No container has more memory than its task (ECS: The 'memory' setting for container is greater than for the \
         task)."
    ),
    row!(
        "container-memory-sum",
        Warning,
        Look::TaskDefinition(memory_sum),
        "What the containers reserve has room in the task's memory (ECS: task definition parameters)."
    ),
    row!(
        "container-cpu-sum",
        Error,
        Look::TaskDefinition(cpu_sum),
        "The containers' CPU units together are not more than the task's (ECS: The sum of all container 'cpu' values \
         cannot be greater than the value of the task 'cpu')."
    ),
];

fn readable(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let rows = [
        ("cpu", definition.cpu(), "\"256\" or \".25 vCPU\""),
        ("memory", definition.memory(), "\"512\" or \"0.5 GB\""),
    ];
    for (member, read, instead) in rows {
        if let Some(text) = definition.spec.text(member).filter(|_| read.is_none()) {
            report.value(member, format!("{text:?} is no size for {member}"), format!("write it as {instead}"));
        }
    }
}

fn cpu_range(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let (min, max) = INSTANCE_CPU;
    // Fargate's sizes are a table of their own.
    let cpu = definition.cpu().filter(|cpu| !definition.runs_on(Launch::Fargate) && !(min..=max).contains(cpu));
    if let Some(cpu) = cpu {
        report.value("cpu", format!("{cpu} CPU units; ECS takes {min} to {max}"), "1 vCPU is 1024 units");
    }
}

fn memory_missing(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    // Fargate's own rule says it for the task.
    if has(definition.spec, "memory") || definition.runs_on(Launch::Fargate) {
        return;
    }
    for (at, container) in definition.containers() {
        if container.int("memory").is_none() && container.int("memoryReservation").is_none() {
            let name = container.text("name").unwrap_or("?");
            let message = format!("neither the task nor the container {name} has memory");
            report.value(at, message, "give the container memory or memoryReservation, or the task memory");
        }
    }
}

fn memory_least(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        for member in ["memory", "memoryReservation"] {
            if let Some(mib) = container.int(member).filter(|mib| *mib < CONTAINER_MEMORY_MIN_MIB) {
                let message = format!("{mib} MiB; a container has at least {CONTAINER_MEMORY_MIN_MIB}");
                report.value(at.name(member), message, "the unit is MiB: 512 is half a gibibyte");
            }
        }
    }
}

fn reservation(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        let (Some(memory), Some(kept)) = (container.int("memory"), container.int("memoryReservation")) else {
            continue;
        };
        if kept > memory {
            let message = format!("memoryReservation {kept} is more than memory {memory}");
            report.value(at.name("memoryReservation"), message, "raise memory, or reserve less");
        }
    }
}

/// ECS ignores a task's size for Windows containers on instances.
fn has_own_size(definition: &TaskDefinition<'_>) -> bool {
    !definition.is_windows() || definition.runs_on(Launch::Fargate)
}

fn memory_above_task(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let Some(task) = definition.memory().filter(|_| has_own_size(definition)) else { return };
    for (at, container) in definition.containers() {
        let member = if container.int("memory").is_some() { "memory" } else { "memoryReservation" };
        if let Some(mib) = container.int(member).filter(|mib| *mib > task) {
            let message = format!("the container's {mib} MiB are more than the task's {task}");
            report.value(at.name(member), message, "raise the task's memory, or lower the container's");
        }
    }
}

fn memory_sum(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let Some(task) = definition.memory().filter(|_| has_own_size(definition)) else { return };
    let kept = |container: &Tree| container.int("memoryReservation").or(container.int("memory")).unwrap_or(0);
    let each: Vec<i64> = definition.containers().map(|(_, container)| kept(container)).collect();
    let sum = each.iter().fold(0_i64, |sum, mib| sum.saturating_add(*mib));
    // One container that alone has too much has a finding of its own.
    if sum > task && each.iter().all(|mib| *mib <= task) {
        let message = format!("the containers reserve {sum} MiB together, and the task has {task}");
        report.value("memory", message, "raise the task's memory, or give containers less memoryReservation");
    }
}

fn cpu_sum(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let Some(task) = definition.cpu().filter(|_| has_own_size(definition)) else { return };
    let each = definition.containers().filter_map(|(_, container)| container.int("cpu"));
    let sum = each.fold(0_i64, i64::saturating_add);
    if sum > task {
        let message = format!("the containers have {sum} CPU units together, and the task has {task}");
        report.value("cpu", message, "raise the task's cpu, or lower the containers'");
    }
}
