//! What RunTask and StartTask may override, and how it is applied and echoed (docs/ecs.md §1.2, §3.2, §3.5).
//! Must not know: the rest of the request.
//!
//! What a simulated container does is said by its labels, so a command or an environment is echoed and changes nothing.

use crate::shape::{Tree, json};
use crate::tree;

use super::super::Fault;
use super::super::task_definition::sizes;

/// Of the overrides as JSON (§1.2).
const LONGEST: usize = 8_192;
/// Docker's least, in MiB (§4.2).
const LEAST_MEMORY_MIB: i64 = 6;
/// GiB (§4.1).
const STORAGE_GIB: std::ops::RangeInclusive<i64> = 21..=200;
/// Of a task, and what takes their place in its definition.
const OF_TASK: &[&str] = &["cpu", "memory", "executionRoleArn", "taskRoleArn", "ephemeralStorage"];
const OF_CONTAINER: &[&str] = &["cpu", "memory", "memoryReservation"];

/// Whether ECS takes them for a task on Fargate, or on an instance.
///
/// # Errors
/// `InvalidParameterException`; `UnsupportedFeatureException` for what the embedded ECS can't do.
pub fn judge(overrides: &Tree, definition: &Tree, region: &str, fargate: bool) -> Result<(), Fault> {
    let refuse = |text: &str| Err(Fault::invalid(text));
    if json::write(overrides).len() > LONGEST {
        return refuse("Container Overrides length must be at most 8192");
    }
    if !overrides.list("inferenceAcceleratorOverrides").is_empty() {
        return Err(Fault::unsupported("overrides of inference accelerators"));
    }
    for one in overrides.list("containerOverrides") {
        judge_container(one, definition, fargate)?;
    }
    if let Some(size) = overrides.at(&["ephemeralStorage", "sizeInGiB"]).and_then(Tree::as_int) {
        if !fargate {
            return refuse("ephemeralStorage is only supported by tasks on Fargate.");
        }
        if size < *STORAGE_GIB.start() {
            return refuse("EphemeralStorage size should be at least 21");
        }
        if size > *STORAGE_GIB.end() {
            return refuse("EphemeralStorage size should be at most 200");
        }
    }
    judge_sizes(overrides, definition, region, fargate)
}

fn judge_container(one: &Tree, definition: &Tree, fargate: bool) -> Result<(), Fault> {
    let name = one.text("name").unwrap_or_default();
    let known = definition.list("containerDefinitions").iter().any(|container| container.text("name") == Some(name));
    if !known {
        let text = format!("Override for container named {name} is not a container in the TaskDefinition.");
        return Err(Fault::invalid(text));
    }
    if fargate && !one.list("resourceRequirements").is_empty() {
        return Err(Fault::invalid("Resource requirements can't be overridden on Fargate."));
    }
    let little = |member: &&&str| one.int(member).is_some_and(|mib| mib < LEAST_MEMORY_MIB);
    if let Some(member) = ["memory", "memoryReservation"].iter().find(little) {
        let text = format!("Invalid '{member}' setting for container '{name}'. It must be at least 6.");
        return Err(Fault::invalid(text));
    }
    if one.int("cpu").is_some_and(|cpu| cpu < 0) {
        return Err(Fault::invalid(format!("Invalid 'cpu' setting for container '{name}'.")));
    }
    Ok(())
}

/// The sizes that come of it must be ones that Fargate has, and the containers must fit in (§4.1).
fn judge_sizes(overrides: &Tree, definition: &Tree, region: &str, fargate: bool) -> Result<(), Fault> {
    let applied = applied(definition, overrides);
    let read = |member: &str, of: fn(&str) -> Option<i64>| match applied.text(member) {
        Some(text) => of(text).map(Some).ok_or_else(|| Fault::invalid(format!("Invalid '{member}' setting for task."))),
        None => Ok(None),
    };
    let (cpu, memory) = (read("cpu", sizes::cpu_units)?, read("memory", sizes::memory_mib)?);
    let windows = is_windows(definition);
    if fargate
        && let (Some(cpu), Some(memory)) = (cpu, memory)
        && !sizes::fargate_has(cpu, memory, region, windows)
    {
        let text = format!("No Fargate configuration exists for given values: {cpu} CPU, {memory} memory.");
        return Err(Fault::invalid(text));
    }
    let containers = applied.list("containerDefinitions");
    let sum = containers.iter().filter_map(|one| one.int("cpu")).fold(0, i64::saturating_add);
    if cpu.is_some_and(|cpu| sum > cpu) {
        return Err(Fault::invalid(
            "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
        ));
    }
    for one in containers {
        let name = one.text("name").unwrap_or_default();
        let (hard, soft) = (one.int("memory"), one.int("memoryReservation"));
        if let (Some(memory), Some(own)) = (memory, hard.or(soft))
            && own > memory
        {
            let text = format!("The 'memory' setting for container '{name}' is greater than for the task");
            return Err(Fault::invalid(text));
        }
        if let (Some(hard), Some(soft)) = (hard, soft)
            && soft > hard
        {
            let text = "'memory' must be greater than or equal to 'memoryReservation'";
            return Err(Fault::invalid(format!("Invalid setting for container '{name}'. {text}")));
        }
    }
    Ok(())
}

/// Whether the definition is for Windows.
pub fn is_windows(definition: &Tree) -> bool {
    let family = definition.at(&["runtimePlatform", "operatingSystemFamily"]).and_then(Tree::as_text);
    family.is_some_and(|family| family.starts_with("WINDOWS"))
}

/// The definition as the task runs it. Sizes are brought to ECS's form: `1 vCPU` reads back as `1024`.
pub fn applied(definition: &Tree, overrides: &Tree) -> Tree {
    let mut applied = definition.clone();
    for name in OF_TASK {
        let Some(value) = overrides.get(name) else { continue };
        let plain = match *name {
            "cpu" => value.as_text().and_then(sizes::cpu_units),
            "memory" => value.as_text().and_then(sizes::memory_mib),
            _ => None,
        };
        match plain {
            Some(number) => applied.set(name, number.to_string()),
            None => applied.set(name, value),
        }
    }
    let others = overrides.list("containerOverrides");
    if others.is_empty() {
        return applied;
    }
    let containers = definition.list("containerDefinitions").iter().map(|container| {
        let mut container = container.clone();
        for one in others.iter().filter(|one| one.get("name") == container.get("name")).cloned().collect::<Vec<_>>() {
            for name in OF_CONTAINER {
                if let Some(value) = one.get(name) {
                    container.set(name, value);
                }
            }
        }
        container
    });
    let containers = containers.collect::<Vec<_>>();
    applied.set("containerDefinitions", containers);
    applied
}

/// As a task shows them: one entry a container, even where nothing is overridden (§3.2).
pub fn shown<'a>(overrides: &Tree, containers: impl Iterator<Item = &'a str>) -> Tree {
    let given = overrides.list("containerOverrides");
    let entries = containers.map(|name| {
        let own = given.iter().filter(|one| one.text("name") == Some(name));
        own.fold(tree! { "name" => name }, |mut entry, one| {
            for (member, value) in one.as_map().into_iter().flatten() {
                entry.set(member, value);
            }
            entry
        })
    });
    let entries = entries.collect::<Vec<_>>();
    let shown = tree! { "containerOverrides" => entries, "inferenceAcceleratorOverrides" => Vec::<Tree>::new() };
    OF_TASK.iter().fold(shown, |shown, name| shown.with_some(name, overrides.get(name)))
}
