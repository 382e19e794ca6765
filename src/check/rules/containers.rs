//! What every container has, and how many there are (docs/ecs.md §4.2, §4.3).

use std::collections::BTreeMap;

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{TaskDefinition, has, items, one_of};
use crate::shape::near::nearest;
use crate::shape::{Tree, json};

use super::document::is_name;
use super::row;

const CONTAINERS_MAX: usize = 10;
const DEFINITION_MAX_BYTES: usize = 64 * 1024;
const CREDENTIAL_SPECS_MAX: usize = 1;
const IGNORED_EXIT_CODES_MAX: usize = 50;
const RESTART_PERIOD_SECS: (i64, i64) = (60, 1800);
/// Inclusive ranges of a health check's numbers.
const HEALTH_CHECK: &[(&str, i64, i64)] =
    &[("interval", 5, 300), ("timeout", 2, 60), ("retries", 1, 10), ("startPeriod", 0, 300)];

pub const RULES: &[Rule] = &[
    row!(
        "no-containers",
        Error,
        Look::TaskDefinition(no_containers),
        "A task definition has at least one container (ECS: Container list cannot be empty)."
    ),
    row!(
        "container-count",
        Error,
        Look::TaskDefinition(count),
        "A task definition has at most 10 containers (ECS: quotas)."
    ),
    row!(
        "definition-size",
        Error,
        Look::TaskDefinition(size),
        "A task definition is at most 64 KiB as JSON (ECS: quotas)."
    ),
    row!(
        "container-name",
        Error,
        Look::TaskDefinition(name),
        "Every container has a name of letters, digits, _ and - (ECS: task definition parameters)."
    ),
    row!(
        "container-twice",
        Error,
        Look::TaskDefinition(twice),
        "Containers are told apart by their names (ECS: Container names must be unique within a task definition)."
    ),
    row!(
        "no-essential-container",
        Error,
        Look::TaskDefinition(essential),
        "A task ends when an essential container does, so one at least is essential (ECS: Task definition doesn't have \
         any essential container)."
    ),
    row!(
        "health-check",
        Error,
        Look::TaskDefinition(health_check),
        "A health check has a command; its interval is 5 to 300 seconds, its timeout 2 to 60, its retries 1 to 10 and \
         its startPeriod 0 to 300 (ECS: task definition parameters)."
    ),
    row!(
        "health-check-form",
        Warning,
        Look::TaskDefinition(health_check_form),
        "A health check's command begins with CMD, to run a program, or CMD-SHELL, to run a line in the container's \
         shell; with anything else the container never becomes healthy (ECS: task definition parameters)."
    ),
    row!(
        "restart-policy",
        Error,
        Look::TaskDefinition(restart_policy),
        "A restart policy's restartAttemptPeriod is 60 to 1800 seconds, and it has at most 50 ignoredExitCodes (ECS: \
         task definition parameters)."
    ),
    row!(
        "credential-specs",
        Error,
        Look::TaskDefinition(credential_specs),
        "A container has at most one credential spec (ECS: task definition parameters)."
    ),
    row!(
        "proxy-container",
        Error,
        Look::TaskDefinition(proxy),
        "The proxy of a task is one of its containers (ECS: Proxy container does not exist)."
    ),
    row!(
        "proxy-properties",
        Error,
        Look::TaskDefinition(proxy_properties),
        "An App Mesh proxy is told which ports are its own, which the application's, and which addresses it leaves alone \
         (ECS: App ports not found)."
    ),
    row!(
        "ulimit-order",
        Warning,
        Look::TaskDefinition(ulimit),
        "A soft limit above its hard limit is refused when the container starts, not before."
    ),
    row!(
        "system-control-scope",
        Warning,
        Look::TaskDefinition(system_control),
        "Kernel settings under net. belong to the container's own network, and those for IPC to its own IPC namespace: \
         a task that uses the host's can't set them (ECS: task definition parameters)."
    ),
];

fn no_containers(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    if definition.containers().next().is_none() {
        report.key("containerDefinitions", "there is no container", "give it one");
    }
}

fn count(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let count = definition.containers().count();
    if count > CONTAINERS_MAX {
        let message = format!("{count} containers; a task definition has at most {CONTAINERS_MAX}");
        report.key("containerDefinitions", message, "divide it into several task definitions");
    }
}

fn size(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let mut spec = definition.spec.clone();
    // They are kept beside it.
    spec.remove("tags");
    let bytes = json::write(&spec).len();
    if bytes > DEFINITION_MAX_BYTES {
        let message = format!("{bytes} bytes as JSON; a task definition has at most {DEFINITION_MAX_BYTES}");
        report.key("", message, "move long values to environmentFiles, secrets or the image");
    }
}

fn name(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        match container.text("name") {
            None => report.value(at, "this container has no name", "give it one"),
            Some(name) if !is_name(name) => {
                let message = format!("{name:?} is no name of a container");
                report.value(at.name("name"), message, "use letters, digits, _ and -, at most 255 of them");
            }
            Some(_) => {}
        }
    }
}

fn twice(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let mut seen = BTreeMap::new();
    for (at, container) in definition.containers() {
        let Some(name) = container.text("name") else { continue };
        if let Some(first) = seen.insert(name, at.clone()) {
            report.value(at.name("name"), format!("{first} is also called {name}"), "give one of them another name");
        }
    }
}

fn essential(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let essential = |container: &Tree| container.bool("essential").unwrap_or(true);
    let mut containers = definition.containers().map(|(_, container)| container).peekable();
    if containers.peek().is_some() && !containers.any(essential) {
        let remedy = "leave essential out where a container's end is to be the task's";
        report.key("containerDefinitions", "no container is essential", remedy);
    }
}

fn health_check(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        let (Some(check), at) = (container.get("healthCheck"), at.name("healthCheck")) else { continue };
        if !has(check, "command") {
            report.key(at.clone(), "the health check has no command", "give it one that begins with CMD or CMD-SHELL");
        }
        for (member, min, max) in HEALTH_CHECK {
            if let Some(value) = check.int(member).filter(|value| !(*min..=*max).contains(value)) {
                let message = format!("the health check's {member} is {value}; ECS takes {min} to {max}");
                let nearest = if value < *min { min } else { max };
                report.value(at.name(member), message, format!("write {nearest}"));
            }
        }
    }
}

fn health_check_form(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        let command = container.get("healthCheck").map(|check| check.list("command")).unwrap_or_default();
        // What stands there instead may be secret, and is not repeated.
        let good = command.first().is_none_or(|first| matches!(first.as_text(), Some("CMD" | "CMD-SHELL" | "NONE")));
        if !good {
            let remedy = "put CMD first, or CMD-SHELL before a line for the shell";
            let at = at.name("healthCheck").name("command").index(0);
            report.value(at, "the health check's command begins with neither CMD nor CMD-SHELL", remedy);
        }
    }
}

fn restart_policy(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let (min, max) = RESTART_PERIOD_SECS;
    for (at, container) in definition.containers() {
        let (Some(policy), at) = (container.get("restartPolicy"), at.name("restartPolicy")) else { continue };
        if let Some(period) = policy.int("restartAttemptPeriod").filter(|period| !(min..=max).contains(period)) {
            let message = format!("restartAttemptPeriod is {period} seconds; ECS takes {min} to {max}");
            let nearest = if period < min { min } else { max };
            report.value(at.name("restartAttemptPeriod"), message, format!("write {nearest}"));
        }
        let codes = policy.list("ignoredExitCodes").len();
        if codes > IGNORED_EXIT_CODES_MAX {
            let message = format!("{codes} ignoredExitCodes; ECS takes {IGNORED_EXIT_CODES_MAX}");
            report.key(at.name("ignoredExitCodes"), message, "remove some");
        }
    }
}

fn credential_specs(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        let count = container.list("credentialSpecs").len();
        if count > CREDENTIAL_SPECS_MAX {
            report.key(
                at.name("credentialSpecs"),
                format!("{count} credential specs; a container has one"),
                "keep one",
            );
        }
    }
}

fn proxy(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let proxy = definition.spec.at(&["proxyConfiguration", "containerName"]).and_then(Tree::as_text);
    if let Some(name) = proxy.filter(|name| definition.container(name).is_none()) {
        let message = format!("there is no container {name} that could be the proxy");
        report.value("proxyConfiguration.containerName", message, which(definition, name));
    }
}

/// What a proxy can't do without.
const PROXY_PROPERTIES: &[&str] = &["ProxyIngressPort", "ProxyEgressPort", "AppPorts", "EgressIgnoredIPs"];

fn proxy_properties(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let Some(proxy) = definition.spec.get("proxyConfiguration") else { return };
    let given = |name: &str| proxy.list("properties").iter().any(|property| property.text("name") == Some(name));
    let missing: Vec<&str> = PROXY_PROPERTIES.iter().copied().filter(|name| !given(name)).collect();
    if !missing.is_empty() {
        let message = format!("the proxy lacks {}", missing.join(", "));
        report.key("proxyConfiguration", message, "add them under properties, as name and value");
    }
}

/// "did you mean", or all there are.
pub fn which(definition: &TaskDefinition<'_>, name: &str) -> String {
    match nearest(name, definition.names()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("the containers are {}", definition.names().collect::<Vec<_>>().join(", ")),
    }
}

fn ulimit(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        for (at, limit) in items(container, &at, "ulimits") {
            let (Some(soft), Some(hard)) = (limit.int("softLimit"), limit.int("hardLimit")) else { continue };
            // -1 stands for no limit.
            if hard >= 0 && (soft > hard || soft < 0) {
                let message = format!("the soft limit {soft} is above the hard limit {hard}");
                report.value(at.name("softLimit"), message, "lower the one or raise the other");
            }
        }
    }
}

const IPC: &[&str] = &[
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

fn system_control(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let shares_ipc = definition.spec.text("ipcMode") == Some("host");
    for (at, container) in definition.containers() {
        for (at, control) in items(container, &at, "systemControls") {
            let Some(name) = control.text("namespace") else { continue };
            let of_network = name.starts_with("net.") && definition.network_mode() == "host";
            let of_ipc = shares_ipc && (IPC.contains(&name) || name.starts_with("fs.mqueue."));
            if of_network || of_ipc {
                let whose = if of_network { "networkMode: host" } else { "ipcMode: host" };
                let message = format!("{name} can't be set with {whose}");
                let remedy = format!("set it on the host, or use networkMode {}", one_of(&["awsvpc", "bridge"]));
                report.value(
                    at.name("namespace"),
                    message,
                    if of_network { remedy } else { "set it on the host".into() },
                );
            }
        }
    }
}
