//! CPU, memory and storage: of the task, of its containers, and the one against the other (ecs-semantics §4.1).

use crate::shape::Tree;

use super::super::super::Fault;
use super::{Draft, Rule, Verdict, each_container, name, refuse_if};

/// CPU units of a task on instances.
const INSTANCE_CPU: (i64, i64) = (128, 196_608);
/// MiB. Newer Docker starts no container with less than 6, which is for the instance to find out.
const CONTAINER_MEMORY_MIN: i64 = 4;
/// GiB of a task's own disk on Fargate; 20 is what every task has, and can't be asked for.
const EPHEMERAL_GIB: (i64, i64) = (21, 200);

/// Fargate's sizes: CPU units, then least and most memory in GiB, and the step between.
const FARGATE_ROWS: &[(i64, i64, i64, i64)] =
    &[(512, 1, 4, 1), (1024, 2, 8, 1), (2048, 4, 16, 1), (4096, 8, 30, 1), (8192, 16, 60, 4), (16_384, 32, 120, 8)];
/// The smallest CPU, and its memory in MiB: not a row of whole GiB.
const FARGATE_SMALLEST: (i64, [i64; 3]) = (256, [512, 1024, 2048]);
/// 32 vCPU, documented but refused where it was probed (§4.1).
const FARGATE_LARGEST: (i64, [i64; 3]) = (32_768, [60, 120, 244]);
const REGIONS_WITHOUT_LARGEST: &[&str] = &["ap-northeast-1"];
/// The CPU that Windows can have on Fargate; more than that is for Linux on the platform 1.4.0.
const FARGATE_WINDOWS_CPU: std::ops::RangeInclusive<i64> = 1024..=FARGATE_EVERYWHERE_CPU_MAX;
/// What every platform of Fargate can give a task.
pub const FARGATE_EVERYWHERE_CPU_MAX: i64 = 4096;

const GIB: i64 = 1024;

pub const RULES: &[Rule] = &[
    Rule { name: "task size is readable", check: task_size_is_readable },
    Rule { name: "task size fits instances", check: task_size_fits_instances },
    Rule { name: "containers have memory", check: containers_have_memory },
    Rule { name: "container memory is enough", check: container_memory_is_enough },
    Rule { name: "reservation is not above memory", check: reservation_is_not_above_memory },
    Rule { name: "container memory fits the task", check: container_memory_fits_the_task },
    Rule { name: "container cpu is not negative", check: container_cpu_is_not_negative },
    Rule { name: "container cpu fits the task", check: container_cpu_fits_the_task },
    Rule { name: "ephemeral storage is in range", check: ephemeral_storage_is_in_range },
];

/// CPU units: `"256"`, `"1 vCPU"`, `".25 vcpu"`.
pub fn cpu_units(text: &str) -> Option<i64> {
    quantity(text, &["vcpu"], 1024.0)
}

/// MiB: `"512"`, `"1GB"`, `"1 GB"`.
pub fn memory_mib(text: &str) -> Option<i64> {
    quantity(text, &["gb"], 1024.0)
}

fn quantity(text: &str, units: &[&str], factor: f64) -> Option<i64> {
    let lower = text.trim().to_ascii_lowercase();
    if let Some(number) = units.iter().find_map(|unit| lower.strip_suffix(unit)) {
        let number = number.trim();
        let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let parsed = number.parse::<f64>().ok().filter(|_| plain)?;
        return Some((parsed * factor).round() as i64);
    }
    let digits = !lower.is_empty() && lower.bytes().all(|byte| byte.is_ascii_digit());
    lower.parse().ok().filter(|_| digits)
}

/// The task's CPU units, where it says any.
pub fn task_cpu(input: &Tree) -> Option<i64> {
    input.text("cpu").and_then(cpu_units)
}

/// The task's MiB, where it says any.
pub fn task_memory(input: &Tree) -> Option<i64> {
    input.text("memory").and_then(memory_mib)
}

/// Whether Fargate has that size.
pub fn fargate_has(cpu: i64, memory: i64, region: &str, windows: bool) -> bool {
    if windows && !FARGATE_WINDOWS_CPU.contains(&cpu) {
        return false;
    }
    let (smallest, largest) = (FARGATE_SMALLEST, FARGATE_LARGEST);
    if cpu == largest.0 {
        return !REGIONS_WITHOUT_LARGEST.contains(&region) && largest.1.iter().any(|gib| gib * GIB == memory);
    }
    let in_row = |(units, least, most, step): &(i64, i64, i64, i64)| {
        let (least, most, step) = (least * GIB, most * GIB, step * GIB);
        *units == cpu && (least..=most).contains(&memory) && (memory - least) % step == 0
    };
    cpu == smallest.0 && smallest.1.contains(&memory) || FARGATE_ROWS.iter().any(in_row)
}

fn task_size_is_readable(draft: &Draft) -> Verdict {
    let readable = |member: &str, read: fn(&str) -> Option<i64>| match draft.input.text(member) {
        Some(text) if read(text).is_none() => Err(Fault::client(format!("Invalid '{member}' setting for task."))),
        _ => Ok(()),
    };
    readable("cpu", cpu_units)?;
    readable("memory", memory_mib)
}

fn task_size_fits_instances(draft: &Draft) -> Verdict {
    let (min, max) = INSTANCE_CPU;
    let bad = task_cpu(draft.input).is_some_and(|cpu| !(min..=max).contains(&cpu));
    refuse_if(bad, "Invalid 'cpu' setting for task.")
}

fn containers_have_memory(draft: &Draft) -> Verdict {
    if task_memory(draft.input).is_some() {
        return Ok(());
    }
    each_container(draft, |container| {
        let none = container.int("memory").is_none() && container.int("memoryReservation").is_none();
        let text = format!(
            "Invalid setting for container '{}'. At least one of 'memory' or 'memoryReservation' must be specified.",
            name(container)
        );
        refuse_if(none, text)
    })
}

/// Wording is ours.
fn container_memory_is_enough(draft: &Draft) -> Verdict {
    each_container(draft, |container| {
        ["memory", "memoryReservation"].iter().try_for_each(|member| {
            let little = container.int(member).is_some_and(|mib| mib < CONTAINER_MEMORY_MIN);
            let at = name(container);
            let least = CONTAINER_MEMORY_MIN;
            refuse_if(little, format!("Invalid '{member}' setting for container '{at}'. It must be at least {least}."))
        })
    })
}

fn reservation_is_not_above_memory(draft: &Draft) -> Verdict {
    each_container(draft, |container| {
        let above = match (container.int("memory"), container.int("memoryReservation")) {
            (Some(memory), Some(reservation)) => reservation > memory,
            _ => false,
        };
        let text = "'memory' must be greater than or equal to 'memoryReservation'";
        refuse_if(above, format!("Invalid setting for container '{}'. {text}", name(container)))
    })
}

/// The size that containers have to fit into; on instances ECS ignores that of a task of Windows containers (task
/// definition parameters).
fn held_to(draft: &Draft, size: fn(&Tree) -> Option<i64>) -> Option<i64> {
    size(draft.input).filter(|_| draft.fargate || !draft.is_windows())
}

fn container_memory_fits_the_task(draft: &Draft) -> Verdict {
    let Some(task) = held_to(draft, task_memory) else { return Ok(()) };
    each_container(draft, |container| {
        let above = container.int("memory").or(container.int("memoryReservation")).is_some_and(|mib| mib > task);
        let text = format!("The 'memory' setting for container '{}' is greater than for the task", name(container));
        refuse_if(above, text)
    })
}

/// Wording is ours.
fn container_cpu_is_not_negative(draft: &Draft) -> Verdict {
    each_container(draft, |container| {
        let negative = container.int("cpu").is_some_and(|units| units < 0);
        refuse_if(negative, format!("Invalid 'cpu' setting for container '{}'.", name(container)))
    })
}

fn container_cpu_fits_the_task(draft: &Draft) -> Verdict {
    let Some(task) = held_to(draft, task_cpu) else { return Ok(()) };
    let sum = draft.containers().iter().filter_map(|container| container.int("cpu")).fold(0, i64::saturating_add);
    let text = "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.";
    refuse_if(sum > task, text)
}

fn ephemeral_storage_is_in_range(draft: &Draft) -> Verdict {
    let Some(size) = draft.input.at(&["ephemeralStorage", "sizeInGiB"]).and_then(Tree::as_int) else { return Ok(()) };
    let (min, max) = EPHEMERAL_GIB;
    refuse_if(size < min, format!("EphemeralStorage size should be at least {min}"))?;
    refuse_if(size > max, format!("EphemeralStorage size should be at most {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_spelling() {
        for (text, units) in [("256", 256), ("1 vCPU", 1024), (".25 vcpu", 256), ("0.5vCPU", 512), (" 2 VCPU ", 2048)] {
            assert_eq!(cpu_units(text), Some(units), "{text}");
        }
        for (text, mib) in [("512", 512), ("1GB", 1024), ("1 GB", 1024), ("0.5 gb", 512), ("30 gb", 30_720)] {
            assert_eq!(memory_mib(text), Some(mib), "{text}");
        }
        for text in ["", "x", "-1", "1.5", "1 GB", "inf vcpu", "vcpu"] {
            assert_eq!(cpu_units(text), None, "{text}");
        }
    }

    #[test]
    fn has_the_sizes_that_were_probed() {
        let cpus = [256, 512, 1024, 2048, 4096, 8192, 16_384];
        let sizes = cpus.iter().flat_map(|cpu| (1..=240).map(move |half_gib| (*cpu, half_gib * 512)));
        let accepted = sizes.filter(|(cpu, memory)| fargate_has(*cpu, *memory, "eu-west-1", false)).count();
        assert_eq!(accepted, 74);
        assert!(fargate_has(32_768, 60 * GIB, "eu-west-1", false));
        assert!(!fargate_has(32_768, 60 * GIB, "ap-northeast-1", false));
        assert!(!fargate_has(512, 1024, "eu-west-1", true));
        assert!(fargate_has(4096, 8 * GIB, "eu-west-1", true));
        assert!(!fargate_has(8192, 16 * GIB, "eu-west-1", true));
    }
}
