//! Port mappings: alone, within a task, and against the network mode (docs/ecs.md §4.2, §4.3).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{TaskDefinition, items};
use crate::shape::{Path, Tree};

use super::row;

const PORTS: RangeInclusive<i64> = 1..=65_535;
/// Ports of one `containerPortRange`.
const RANGE_MAX: i64 = 100;
const NAME_MAX: usize = 64;
/// Ports of an instance that ECS gives to no task: SSH, Docker, the agent.
const RESERVED: &[i64] = &[22, 2375, 2376, 51_678, 51_679, 51_680];

pub const RULES: &[Rule] = &[
    row!(
        "port-missing",
        Error,
        Look::TaskDefinition(missing),
        "A port mapping names one port, by containerPort, or several, by containerPortRange, and not both (ECS: cannot \
         specify both single port and port range)."
    ),
    row!(
        "port-number",
        Error,
        Look::TaskDefinition(number),
        "Ports are numbers from 1 to 65535; a hostPort of 0 leaves the choice to ECS (ECS: Invalid 'containerPort' \
         setting)."
    ),
    row!(
        "port-range",
        Error,
        Look::TaskDefinition(range),
        "A range is two ports with a - between, the smaller first, at most 100 of them; it works under awsvpc and \
         bridge, and its host ports are ECS's to choose (ECS: Invalid 'containerPortRange' setting)."
    ),
    row!(
        "host-port",
        Error,
        Look::TaskDefinition(host_port),
        "Under awsvpc and host a container's port is the host's: hostPort is the same, or left out (ECS: the host \
         ports and container ports in port mappings must match)."
    ),
    row!(
        "port-twice",
        Error,
        Look::TaskDefinition(twice),
        "Under awsvpc the containers of a task share one network interface, so each port and protocol is there once \
         (ECS: container port is used multiple times in task)."
    ),
    row!(
        "host-port-twice",
        Error,
        Look::TaskDefinition(host_port_twice),
        "A port of the host is bound once (ECS: TCP host port is mapped multiple times in task)."
    ),
    row!(
        "host-network-port-twice",
        Warning,
        Look::TaskDefinition(host_network_port_twice),
        "Under host a container's port is the host's, said or not; the second container of a task that wants it doesn't \
         start."
    ),
    row!(
        "reserved-host-port",
        Warning,
        Look::TaskDefinition(reserved),
        "The ports 22, 2375, 2376 and 51678 to 51680 of an instance are those of SSH, Docker and the ECS agent: tasks \
         that want them find no place (ECS: task definition parameters)."
    ),
    row!(
        "port-name",
        Error,
        Look::TaskDefinition(name),
        "A port's name has at most 64 lower-case letters, digits, _ and -, and doesn't begin with - (ECS: task \
         definition parameters)."
    ),
    row!(
        "port-name-twice",
        Error,
        Look::TaskDefinition(name_twice),
        "A port's name is there once in a task definition (ECS: port mapping name is already used)."
    ),
];

fn each_port<'a>(definition: &TaskDefinition<'a>) -> impl Iterator<Item = (Path, &'a Tree)> + use<'a> {
    definition.containers().flat_map(|(at, container)| items(container, &at, "portMappings"))
}

fn missing(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, port) in each_port(definition) {
        match (port.get("containerPort"), port.get("containerPortRange")) {
            (None, None) => report.value(at, "a port mapping without a port", "give it a containerPort"),
            (Some(_), Some(_)) => {
                let message = "containerPort and containerPortRange in one port mapping";
                report.key(at.name("containerPortRange"), message, "keep one, or write two port mappings");
            }
            _ => {}
        }
    }
}

fn number(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, port) in each_port(definition) {
        for (member, chosen_by_ecs) in [("containerPort", false), ("hostPort", true)] {
            let Some(number) = port.int(member) else { continue };
            let fine = PORTS.contains(&number) || chosen_by_ecs && number == 0;
            if !fine {
                report.value(
                    at.name(member),
                    format!("{member} is {number}; ports are 1 to 65535"),
                    "write the port itself",
                );
            }
        }
    }
}

fn range(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, port) in each_port(definition) {
        let (Some(range), place) = (port.text("containerPortRange"), at.name("containerPortRange")) else { continue };
        let Some((from, to)) =
            ends(range).filter(|(from, to)| PORTS.contains(from) && PORTS.contains(to) && from <= to)
        else {
            report.value(place, format!("{range:?} is no range of ports"), "write it as 8000-8099");
            continue;
        };
        let mode = definition.network_mode();
        if to - from >= RANGE_MAX {
            let message = format!("{range} has {} ports; a range has at most {RANGE_MAX}", to - from + 1);
            report.value(place, message, "write several ranges");
        } else if !["awsvpc", "bridge"].contains(&mode) {
            let message = format!("a range of ports is not available with networkMode: {mode}");
            report.value(place, message, "use awsvpc or bridge, or single ports");
        } else if port.int("hostPort").is_some_and(|host| host != 0) {
            report.key(at.name("hostPort"), "hostPort beside a containerPortRange", "leave it out: ECS chooses them");
        }
    }
}

/// First and last port of `8000-8099`.
fn ends(range: &str) -> Option<(i64, i64)> {
    let (from, to) = range.split_once('-')?;
    Some((from.trim().parse().ok()?, to.trim().parse().ok()?))
}

fn host_port(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let mode = definition.network_mode();
    if !["awsvpc", "host"].contains(&mode) {
        return;
    }
    for (at, port) in each_port(definition) {
        let (Some(container), Some(host)) = (port.int("containerPort"), port.int("hostPort")) else { continue };
        if host != 0 && host != container {
            let message = format!("hostPort {host} is not containerPort {container}, as networkMode: {mode} wants it");
            report.value(at.name("hostPort"), message, "leave it out");
        }
    }
}

/// First and last port and the protocol of a mapping.
fn span(port: &Tree) -> Option<(i64, i64, &str)> {
    let (from, to) = match port.int("containerPort") {
        Some(single) => (single, single),
        None => ends(port.text("containerPortRange")?)?,
    };
    Some((from, to, port.text("protocol").unwrap_or("tcp")))
}

fn twice(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    if definition.network_mode() != "awsvpc" {
        return;
    }
    let mut seen: Vec<(i64, i64, &str, Path)> = Vec::new();
    for (at, port) in each_port(definition) {
        let Some((from, to, protocol)) = span(port) else { continue };
        let same = |one: &&(i64, i64, &str, Path)| one.2 == protocol && one.0 <= to && from <= one.1;
        if let Some((_, _, _, first)) = seen.iter().find(same) {
            let message = format!("port {from} ({protocol}) is also used at {first}");
            report.value(at.clone(), message, "let one container listen on another port, or remove one mapping");
        }
        seen.push((from, to, protocol, at));
    }
}

/// The host's port of each mapping that has a certain one, and whether the mapping says so itself.
fn host_ports<'a>(definition: &TaskDefinition<'a>) -> impl Iterator<Item = (Path, &'a Tree, i64, bool)> + use<'a> {
    let mode = definition.network_mode();
    let ports = each_port(definition).filter(move |_| ["bridge", "host"].contains(&mode));
    ports.filter_map(move |(at, port)| {
        let said = port.int("hostPort").filter(|host| *host != 0);
        let implied = port.int("containerPort").filter(|_| mode == "host");
        Some((at, port, said.or(implied)?, said.is_some()))
    })
}

fn host_port_twice(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    shared_host_ports(definition, report, true);
}

fn host_network_port_twice(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    shared_host_ports(definition, report, false);
}

/// Mappings that share a port of the host: those that all say so, or the others.
fn shared_host_ports(definition: &TaskDefinition<'_>, report: &mut Report<'_>, all_said: bool) {
    let mut seen: BTreeMap<_, (Path, bool)> = BTreeMap::new();
    for (at, port, host, said) in host_ports(definition) {
        let protocol = port.text("protocol").unwrap_or("tcp");
        let first = seen.entry((host, protocol)).or_insert_with(|| (at.clone(), said));
        if first.0 == at {
            continue;
        }
        if (first.1 && said) == all_said {
            let message = format!("the host's port {host} ({protocol}) is also used at {}", first.0);
            report.value(at.clone(), message, "use another");
        }
        if said && !first.1 {
            *first = (at, said);
        }
    }
}

fn reserved(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, _, host, said) in host_ports(definition) {
        if RESERVED.contains(&host) {
            let at = at.name(if said { "hostPort" } else { "containerPort" });
            report.value(at, format!("the host's port {host} is taken on every instance"), "use another");
        }
    }
}

fn name(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    for (at, port) in each_port(definition) {
        let Some(name) = port.text("name") else { continue };
        if !(1..=NAME_MAX).contains(&name.len()) || !name.bytes().all(allowed) || name.starts_with('-') {
            let message = format!("{name:?} is no name of a port");
            let remedy = format!("use lower-case letters, digits, _ and -, at most {NAME_MAX}, not beginning with -");
            report.value(at.name("name"), message, remedy);
        }
    }
}

fn name_twice(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let mut seen = BTreeMap::new();
    for (at, port) in each_port(definition) {
        let Some(name) = port.text("name") else { continue };
        if let Some(first) = seen.insert(name, at.clone()) {
            report.value(at.name("name"), format!("{first} is also called {name}"), "give one of them another name");
        }
    }
}
