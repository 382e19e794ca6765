//! What a task claims of an instance, what it holds of one, and what an instance has left (ecs-semantics §3.5, §6.4).
//! Must not know: which instance is the best.

use std::collections::BTreeSet;

use crate::shape::Tree;

use super::super::Ecs;
use super::{Capacity, Instance};

/// Docker gives dynamic host ports out of these.
const EPHEMERAL: std::ops::RangeInclusive<i64> = 32_768..=60_999;
const EPHEMERAL_WINDOWS: std::ops::RangeInclusive<i64> = 49_153..=65_535;

/// More than any machine has.
const MOST_GPUS: usize = 64;

/// One port that a container publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Which of the definition's containers.
    pub container: usize,
    pub inside: i64,
    /// The host's; 0 for any.
    pub outside: i64,
    pub udp: bool,
}

impl Port {
    /// Dynamic ports are never lower (§3.1).
    pub const DYNAMIC_FROM: i64 = *EPHEMERAL.start();
}

/// What a task needs of whichever instance it runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    pub cpu: i64,
    pub memory: i64,
    /// For each GPU it needs: which of the definition's containers.
    pub gpus: Vec<usize>,
    /// Published on the host: none in awsvpc and none mode.
    pub ports: Vec<Port>,
    /// It has a network interface of its own: awsvpc mode.
    pub interface: bool,
}

/// What a task holds of its instance, from its placement until it is STOPPED.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub cpu: i64,
    pub memory: i64,
    /// The GPUs' ids, and the containers that have them.
    pub gpus: Vec<(usize, String)>,
    /// With the host's ports as they were given out.
    pub ports: Vec<Port>,
    pub interface: bool,
}

/// What an instance does not have for a task (§3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    Cpu,
    Memory,
    Ports,
    Gpu,
    Eni,
    Attribute,
    Location,
    Agent,
    MemberOf,
    Distinct,
}

impl Lack {
    pub const ALL: [Self; 10] = [
        Self::Cpu,
        Self::Memory,
        Self::Ports,
        Self::Gpu,
        Self::Eni,
        Self::Attribute,
        Self::Location,
        Self::Agent,
        Self::MemberOf,
        Self::Distinct,
    ];

    /// As `failures[].reason` has it; DistinctInstance after MemberOf's model.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Cpu => "RESOURCE:CPU",
            Self::Memory => "RESOURCE:MEMORY",
            Self::Ports => "RESOURCE:PORTS",
            Self::Gpu => "RESOURCE:GPU",
            Self::Eni => "RESOURCE:ENI",
            Self::Attribute => "ATTRIBUTE",
            Self::Location => "LOCATION",
            Self::Agent => "AGENT",
            Self::MemberOf => "MemberOf placement constraint unsatisfied.",
            Self::Distinct => "DistinctInstance placement constraint unsatisfied.",
        }
    }
}

impl Claim {
    /// What a definition claims, with the overrides of RunTask and StartTask where there are any. Task sizes go before
    /// the sum of the containers'; a container counts with its reservation, where it has one (§3.1, §3.5).
    pub fn of(definition: &Tree, overrides: &Tree) -> Self {
        let containers = definition.list("containerDefinitions");
        let changed = |container: &Tree, name: &str| {
            let mut all = overrides.list("containerOverrides").iter();
            all.find(|one| one.text("name") == container.text("name")).and_then(|one| one.int(name))
        };
        let size = |container: &Tree, name: &str| changed(container, name).or_else(|| container.int(name));
        let task = |name: &str| {
            let text = overrides.text(name).or_else(|| definition.text(name));
            text.and_then(|text| text.parse::<i64>().ok())
        };
        let cpu = || containers.iter().map(|one| size(one, "cpu").unwrap_or(0)).sum();
        let memory = || {
            let of = |one: &Tree| size(one, "memoryReservation").or_else(|| size(one, "memory")).unwrap_or(0);
            containers.iter().map(of).sum()
        };
        let mode = definition.text("networkMode").unwrap_or("bridge");
        Self {
            cpu: task("cpu").unwrap_or_else(cpu),
            memory: task("memory").unwrap_or_else(memory),
            gpus: containers.iter().enumerate().flat_map(|(at, one)| vec![at; gpus(one)]).collect(),
            ports: if matches!(mode, "awsvpc" | "none") { Vec::new() } else { ports(containers, mode == "host") },
            interface: mode == "awsvpc",
        }
    }
}

fn gpus(container: &Tree) -> usize {
    let needs = container.list("resourceRequirements").iter().filter(|one| one.text("type") == Some("GPU"));
    // No machine has more than a few; a definition can say any number.
    needs.filter_map(|one| one.text("value")?.parse::<usize>().ok()).map(|one| one.min(MOST_GPUS)).sum()
}

/// In host mode the container's port is the host's.
fn ports(containers: &[Tree], host: bool) -> Vec<Port> {
    let mut found = Vec::new();
    for (container, definition) in containers.iter().enumerate() {
        for mapping in definition.list("portMappings") {
            let udp = mapping.text("protocol") == Some("udp");
            let outside = |inside: i64| if host { inside } else { mapping.int("hostPort").unwrap_or(0) };
            match (mapping.int("containerPort"), mapping.text("containerPortRange")) {
                (Some(inside), _) => found.push(Port { container, inside, outside: outside(inside), udp }),
                (None, Some(range)) => found.extend(span(range).into_iter().flatten().map(|inside| {
                    // Ranges get dynamic ports, except in host mode.
                    Port { container, inside, outside: if host { inside } else { 0 }, udp }
                })),
                (None, None) => {}
            }
        }
    }
    found
}

fn span(range: &str) -> Option<std::ops::RangeInclusive<i64>> {
    let (from, to) = range.split_once('-')?;
    Some(from.parse().ok()?..=to.parse().ok()?)
}

/// What the tasks on an instance hold, all together.
pub fn held(ecs: &Ecs, instance: &Instance) -> Capacity {
    let mut sum = Capacity::default();
    for id in &instance.tasks {
        let Some(task) = ecs.tasks.get(&(instance.cluster.clone(), id.clone())) else { continue };
        let Some(held) = task.host.as_ref().map(|host| &host.held) else { continue };
        sum.cpu += held.cpu;
        sum.memory += held.memory;
        sum.interfaces += i64::from(held.interface);
        sum.gpus.extend(held.gpus.iter().map(|(_, gpu)| gpu.clone()));
        for port in &held.ports {
            if port.udp {
                sum.udp.insert(port.outside)
            } else {
                sum.tcp.insert(port.outside)
            };
        }
    }
    sum
}

/// What an instance has left; its ports are those in use.
pub fn remaining(ecs: &Ecs, instance: &Instance) -> Capacity {
    let (all, held) = (&instance.capacity, held(ecs, instance));
    Capacity {
        cpu: all.cpu - held.cpu,
        memory: all.memory - held.memory,
        tcp: all.tcp.union(&held.tcp).copied().collect(),
        udp: all.udp.union(&held.udp).copied().collect(),
        gpus: all.gpus.difference(&held.gpus).cloned().collect(),
        interfaces: all.interfaces - held.interfaces,
    }
}

/// What `left` lacks for a claim: the first thing, in ECS's order (§3.5).
pub fn lack(left: &Capacity, claim: &Claim) -> Option<Lack> {
    let taken =
        |port: &Port| if port.udp { left.udp.contains(&port.outside) } else { left.tcp.contains(&port.outside) };
    if left.cpu < claim.cpu {
        Some(Lack::Cpu)
    } else if left.memory < claim.memory {
        Some(Lack::Memory)
    } else if claim.ports.iter().any(|port| port.outside != 0 && taken(port)) {
        Some(Lack::Ports)
    } else if left.gpus.len() < claim.gpus.len() {
        Some(Lack::Gpu)
    } else if claim.interface && left.interfaces < 1 {
        Some(Lack::Eni)
    } else {
        None
    }
}

/// What is left when a claim is kept for someone who is to come.
pub fn set_aside(mut left: Capacity, claim: &Claim) -> Capacity {
    left.cpu -= claim.cpu;
    left.memory -= claim.memory;
    left.interfaces -= i64::from(claim.interface);
    for _ in &claim.gpus {
        left.gpus.pop_last();
    }
    for port in claim.ports.iter().filter(|port| port.outside != 0) {
        if port.udp {
            left.udp.insert(port.outside)
        } else {
            left.tcp.insert(port.outside)
        };
    }
    left
}

/// Gives out what was claimed: which GPUs, and which of the dynamic ports. `None` when the ports are used up.
pub fn take(left: &Capacity, claim: &Claim, windows: bool) -> Option<Held> {
    let range = if windows { EPHEMERAL_WINDOWS } else { EPHEMERAL };
    let mut used: [BTreeSet<i64>; 2] = [left.tcp.clone(), left.udp.clone()];
    let mut given = Vec::new();
    for port in &claim.ports {
        let [tcp, udp] = &mut used;
        let used = if port.udp { udp } else { tcp };
        let outside = match port.outside {
            0 => range.clone().find(|number| !used.contains(number))?,
            fixed => fixed,
        };
        used.insert(outside);
        given.push(Port { outside, ..port.clone() });
    }
    let gpus = claim.gpus.iter().copied().zip(left.gpus.iter().cloned()).collect();
    Some(Held { cpu: claim.cpu, memory: claim.memory, gpus, ports: given, interface: claim.interface })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn web(mode: &str) -> Tree {
        let mapping = |inside: i64, outside: i64| {
            tree! { "containerPort" => inside, "hostPort" => outside, "protocol" => "tcp" }
        };
        let gpu = tree! { "type" => "GPU", "value" => "2" };
        let web = tree! {
            "name" => "web", "cpu" => 100, "memory" => 512, "memoryReservation" => 128,
            "portMappings" => vec![mapping(80, 0), mapping(443, 8443)], "resourceRequirements" => vec![gpu],
        };
        let side = tree! {
            "name" => "side", "cpu" => 28, "memory" => 64,
            "portMappings" => vec![tree! { "containerPortRange" => "9000-9002", "protocol" => "udp" }],
        };
        tree! { "networkMode" => mode, "containerDefinitions" => vec![web, side] }
    }

    #[test]
    fn a_claim_is_the_sum_of_the_containers_unless_the_task_has_sizes() {
        let claim = Claim::of(&web("bridge"), &Tree::map());
        assert_eq!((claim.cpu, claim.memory, claim.gpus.len(), claim.ports.len()), (128, 192, 2, 5));
        let sized = Claim::of(&web("awsvpc").with("cpu", "256").with("memory", "1024"), &Tree::map());
        assert_eq!((sized.cpu, sized.memory, sized.ports.len(), sized.interface), (256, 1024, 0, true));
        let overrides = tree! {
            "memory" => "2048",
            "containerOverrides" => vec![tree! { "name" => "side", "cpu" => 1 }],
        };
        let changed = Claim::of(&web("host"), &overrides);
        assert_eq!((changed.cpu, changed.memory), (101, 2048));
        assert!(changed.ports.iter().all(|port| port.inside == port.outside));
    }

    #[test]
    fn each_resource_can_be_what_is_lacking() {
        let gpus = ["GPU-0", "GPU-1"].map(str::to_owned);
        let left = Capacity { cpu: 128, memory: 192, gpus: gpus.into(), interfaces: 1, ..Capacity::default() };
        let claim = Claim::of(&web("bridge"), &Tree::map());
        assert_eq!(lack(&left, &claim), None);
        for (left, expected) in [
            (Capacity { cpu: 127, ..left.clone() }, Lack::Cpu),
            (Capacity { memory: 191, ..left.clone() }, Lack::Memory),
            (Capacity { tcp: [8443].into(), ..left.clone() }, Lack::Ports),
            (Capacity { gpus: ["GPU-0".to_owned()].into(), ..left.clone() }, Lack::Gpu),
        ] {
            assert_eq!(lack(&left, &claim), Some(expected));
        }
        let own = Claim { interface: true, ..Claim::default() };
        assert_eq!(lack(&Capacity { interfaces: 0, ..left }, &own), Some(Lack::Eni));
    }

    #[test]
    fn dynamic_ports_are_the_lowest_free_ones() {
        let left = Capacity { tcp: [32_768].into(), ..Capacity::default() };
        let claim = Claim::of(&web("bridge"), &Tree::map());
        let outside = |held: Held| held.ports.iter().map(|port| port.outside).collect::<Vec<_>>();
        assert_eq!(outside(take(&left, &claim, false).unwrap()), [32_769, 8443, 32_768, 32_769, 32_770]);
        assert_eq!(outside(take(&left, &claim, true).unwrap())[0], 49_153);
        let full = Capacity { tcp: EPHEMERAL.collect(), ..Capacity::default() };
        assert_eq!(take(&full, &claim, false), None);
    }
}
