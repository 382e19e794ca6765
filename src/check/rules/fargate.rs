//! What Fargate asks of a task definition by arithmetic (ecs-semantics §4.1, §4.2); what it lacks is in `launch`.

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Launch, TaskDefinition, has, items, one_of};

use super::row;

const GIB: i64 = 1024;

/// The memory that goes with a number of CPU units, in MiB.
enum Memory {
    Of(&'static [i64]),
    /// Least, most, and the step between.
    Steps(i64, i64, i64),
}

const SIZES: &[(i64, Memory)] = &[
    (256, Memory::Of(&[512, 1024, 2048])),
    (512, Memory::Steps(GIB, 4 * GIB, GIB)),
    (1024, Memory::Steps(2 * GIB, 8 * GIB, GIB)),
    (2048, Memory::Steps(4 * GIB, 16 * GIB, GIB)),
    (4096, Memory::Steps(8 * GIB, 30 * GIB, GIB)),
    (8192, Memory::Steps(16 * GIB, 60 * GIB, 4 * GIB)),
    (16_384, Memory::Steps(32 * GIB, 120 * GIB, 8 * GIB)),
    (LARGEST, Memory::Of(&[60 * GIB, 120 * GIB, 244 * GIB])),
];
/// Documented, and not everywhere.
const LARGEST: i64 = 32_768;
/// Where it was refused when it was tried.
const REGIONS_WITHOUT_LARGEST: &[&str] = &["ap-northeast-1"];
/// Windows has neither the smallest sizes nor the largest.
const WINDOWS_CPU: std::ops::RangeInclusive<i64> = 1024..=4096;
const TIMEOUT_SECS: (i64, i64) = (2, 120);
const OPEN_FILES_MAX: i64 = 1_048_576;
const EPHEMERAL_GIB: (i64, i64) = (21, 200);

pub const RULES: &[Rule] = &[
    row!(
        "fargate-size-missing",
        Error,
        Look::TaskDefinition(size_missing),
        "On Fargate the task's size is the machine it gets, so cpu and memory are both said (ECS: Fargate requires \
         that 'cpu' be defined at the task level)."
    ),
    row!(
        "fargate-size",
        Error,
        Look::TaskDefinition(size),
        "Fargate has machines of certain sizes: to each number of CPU units belong certain amounts of memory (ECS: No \
         Fargate configuration exists for given values)."
    ),
    row!(
        "fargate-32-vcpu",
        Warning,
        Look::TaskDefinition(largest),
        "Fargate's largest size, 32 vCPUs, is not in every region (ECS: task size; refused where it was tried)."
    ),
    row!(
        "fargate-network-mode",
        Error,
        Look::TaskDefinition(network_mode),
        "A task on Fargate has a network interface of its own (ECS: Fargate only supports network mode 'awsvpc')."
    ),
    row!(
        "fargate-timeout",
        Error,
        Look::TaskDefinition(timeout),
        "On Fargate a container has 2 to 120 seconds to start, and as many to stop (ECS: task definition parameters)."
    ),
    row!(
        "fargate-open-files",
        Error,
        Look::TaskDefinition(open_files),
        "On Fargate a container has at most 1,048,576 files open (ECS: Fargate task definition differences)."
    ),
    row!(
        "ephemeral-storage",
        Error,
        Look::TaskDefinition(ephemeral),
        "A task on Fargate has 20 GiB of disk, and can be given 21 to 200 (ECS: EphemeralStorage size should be at \
         least 21)."
    ),
    row!(
        "windows-arm64",
        Warning,
        Look::TaskDefinition(windows_arm),
        "Windows containers run on X86_64 only (ECS: task definition parameters)."
    ),
];

fn size_missing(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for member in ["cpu", "memory"] {
        if definition.runs_on(Launch::Fargate) && !has(definition.spec, member) {
            let remedy = match member {
                "cpu" => "write cpu: \"256\", which is a quarter of a vCPU, or more",
                _ => "write memory: \"512\", which is MiB, or more",
            };
            report.key("", format!("{member} is missing, and Fargate needs it"), remedy);
        }
    }
}

fn size(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let (true, Some(cpu), Some(memory)) = (definition.runs_on(Launch::Fargate), definition.cpu(), definition.memory())
    else {
        return;
    };
    let rows = || SIZES.iter().filter(|(units, _)| !definition.is_windows() || WINDOWS_CPU.contains(units));
    let Some((_, fits)) = rows().find(|(units, _)| *units == cpu) else {
        let all: Vec<String> = rows().map(|(units, _)| units.to_string()).collect();
        let all = one_of(&all.iter().map(String::as_str).collect::<Vec<_>>());
        let what = if definition.is_windows() { "Fargate for Windows" } else { "Fargate" };
        report.value("cpu", format!("{what} has no size of {cpu} CPU units"), format!("cpu can be {all}"));
        return;
    };
    if !fits.has(memory) {
        let message = format!("Fargate has no size of {cpu} CPU units and {memory} MiB");
        let mut remedy = format!("with cpu {cpu}, memory can be {fits} MiB");
        let others: Vec<String> =
            rows().filter(|(_, fits)| fits.has(memory)).map(|(units, _)| units.to_string()).collect();
        if !others.is_empty() {
            let others = one_of(&others.iter().map(String::as_str).collect::<Vec<_>>());
            remedy += &format!("; with memory {memory}, cpu can be {others}");
        }
        report.value("memory", message, remedy);
    }
}

impl Memory {
    fn has(&self, mib: i64) -> bool {
        match self {
            Self::Of(all) => all.contains(&mib),
            Self::Steps(min, max, step) => (*min..=*max).contains(&mib) && (mib - min) % step == 0,
        }
    }
}

impl std::fmt::Display for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Of(all) => {
                let all: Vec<String> = all.iter().map(i64::to_string).collect();
                f.write_str(&one_of(&all.iter().map(String::as_str).collect::<Vec<_>>()))
            }
            Self::Steps(min, max, step) => write!(f, "{min} to {max} in steps of {step}"),
        }
    }
}

fn largest(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let region = definition.place.region.as_str();
    let asked = definition.runs_on(Launch::Fargate) && definition.cpu() == Some(LARGEST);
    if asked && REGIONS_WITHOUT_LARGEST.contains(&region) {
        report.value("cpu", format!("32 vCPUs were refused in {region}"), "use 16384 CPU units, or another region");
    }
}

fn network_mode(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let mode = definition.network_mode();
    if !definition.runs_on(Launch::Fargate) || mode == "awsvpc" {
        return;
    }
    if has(definition.spec, "networkMode") {
        report.value("networkMode", format!("the network mode {mode} is not available on FARGATE"), "use awsvpc");
    } else {
        report.key(
            "",
            "networkMode is missing, which means bridge; FARGATE has only awsvpc",
            "write networkMode: awsvpc",
        );
    }
}

fn timeout(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let (min, max) = TIMEOUT_SECS;
    for (at, container) in definition.containers().filter(|_| definition.runs_on(Launch::Fargate)) {
        for member in ["startTimeout", "stopTimeout"] {
            if let Some(seconds) = container.int(member).filter(|seconds| !(min..=max).contains(seconds)) {
                let message = format!("{member} is {seconds} seconds; on FARGATE it is {min} to {max}");
                let nearest = if seconds < min { min } else { max };
                report.value(at.name(member), message, format!("write {nearest}"));
            }
        }
    }
}

fn open_files(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers().filter(|_| definition.runs_on(Launch::Fargate)) {
        for (at, limit) in items(container, &at, "ulimits").filter(|(_, one)| one.text("name") == Some("nofile")) {
            if let Some(files) = limit.int("hardLimit").filter(|files| *files > OPEN_FILES_MAX) {
                let message = format!("{files} open files; on FARGATE there are at most {OPEN_FILES_MAX}");
                report.value(at.name("hardLimit"), message, format!("write {OPEN_FILES_MAX}"));
            }
        }
    }
}

fn ephemeral(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let (min, max) = EPHEMERAL_GIB;
    let size = definition.spec.get("ephemeralStorage").and_then(|storage| storage.int("sizeInGiB"));
    if let Some(gib) = size.filter(|gib| !(min..=max).contains(gib)) {
        let remedy = match gib {
            _ if gib > max => "keep more on EFS or EBS",
            _ => "leave it out: 20 GiB is what every task has",
        };
        let message = format!("{gib} GiB of ephemeral storage; it can be {min} to {max}");
        report.value("ephemeralStorage.sizeInGiB", message, remedy);
    }
}

fn windows_arm(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let arm = definition.spec.get("runtimePlatform").and_then(|it| it.text("cpuArchitecture")) == Some("ARM64");
    if arm && definition.is_windows() {
        report.value("runtimePlatform.cpuArchitecture", "there is no Windows on ARM64", "use X86_64");
    }
}
