//! Port mappings: alone, within a task, and against the network mode (ecs-semantics §4.2, §4.3).

use std::collections::BTreeSet;

use crate::shape::Tree;

use super::super::super::Fault;
use super::{Draft, Rule, Verdict, has, name, refuse_if};

const PORTS: std::ops::RangeInclusive<i64> = 1..=65_535;
/// Of one `containerPortRange`.
const RANGE_LIMIT: i64 = 100;
const NAME_LIMIT: usize = 64;

pub const RULES: &[Rule] = &[
    Rule { name: "ports have a network", check: have_a_network },
    Rule { name: "ports or ranges", check: single_or_range },
    Rule { name: "ports are in range", check: are_in_range },
    Rule { name: "port ranges are in form", check: ranges_are_in_form },
    Rule { name: "host ports match", check: host_ports_match },
    Rule { name: "ports are used once", check: are_used_once },
    Rule { name: "host ports are bound once", check: host_ports_are_bound_once },
    Rule { name: "port names are in form", check: names_are_in_form },
    Rule { name: "port names are unique", check: names_are_unique },
];

fn each_port(draft: &Draft, mut check: impl FnMut(&Tree, &Tree) -> Verdict) -> Verdict {
    let pairs = draft.containers().iter().flat_map(|one| one.list("portMappings").iter().map(move |port| (one, port)));
    pairs.into_iter().try_for_each(|(container, port)| check(container, port))
}

/// Wording is ours.
fn have_a_network(draft: &Draft) -> Verdict {
    let ports = draft.containers().iter().any(|container| has(container, "portMappings"));
    refuse_if(ports && draft.network_mode() == "none", "Port mappings are not supported when networkMode=none.")
}

fn single_or_range(draft: &Draft) -> Verdict {
    each_port(draft, |_, port| {
        let both = port.get("containerPort").is_some() && port.get("containerPortRange").is_some();
        refuse_if(both, "cannot specify both single port and port range")
    })
}

fn are_in_range(draft: &Draft) -> Verdict {
    each_port(draft, |container, port| {
        let at = name(container);
        let bad = match port.int("containerPort") {
            Some(number) => !PORTS.contains(&number),
            None => port.get("containerPortRange").is_none(),
        };
        refuse_if(bad, format!("Invalid 'containerPort' setting for container '{at}'."))?;
        let bad = port.int("hostPort").is_some_and(|number| number != 0 && !PORTS.contains(&number));
        refuse_if(bad, format!("Invalid 'hostPort' setting for container '{at}'."))
    })
}

/// The first and the last port of a range.
fn ends(range: &str) -> Option<(i64, i64)> {
    let (from, to) = range.split_once('-')?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

fn ranges_are_in_form(draft: &Draft) -> Verdict {
    each_port(draft, |container, port| {
        let Some(range) = port.text("containerPortRange") else { return Ok(()) };
        let good = ends(range).is_some_and(|(from, to)| {
            PORTS.contains(&from) && PORTS.contains(&to) && from <= to && to - from < RANGE_LIMIT
        });
        let bridged = ["awsvpc", "bridge"].contains(&draft.network_mode());
        let bad = !good || !bridged || port.get("hostPort").is_some();
        refuse_if(bad, format!("Invalid 'containerPortRange' setting for container '{}'.", name(container)))
    })
}

fn host_ports_match(draft: &Draft) -> Verdict {
    let mode = draft.network_mode();
    if !["awsvpc", "host"].contains(&mode) {
        return Ok(());
    }
    each_port(draft, |_, port| {
        // 0 counts as left out.
        let host = port.int("hostPort").filter(|number| *number != 0);
        let bad = host.is_some() && host != port.int("containerPort");
        refuse_if(
            bad,
            format!("When networkMode={mode}, the host ports and container ports in port mappings must match."),
        )
    })
}

/// Under awsvpc containers share one interface, and with it their ports, one by one or in ranges. Under host they share
/// them too, but no refusal of a port that is only implied is known.
fn are_used_once(draft: &Draft) -> Verdict {
    if draft.network_mode() != "awsvpc" {
        return Ok(());
    }
    let mut seen: Vec<(i64, i64, String)> = Vec::new();
    each_port(draft, |_, port| {
        let single = port.int("containerPort").map(|number| (number, number));
        let Some((from, to)) = single.or_else(|| ends(port.text("containerPortRange")?)) else { return Ok(()) };
        let protocol = port.text("protocol").unwrap_or("tcp").to_owned();
        let twice = seen.iter().any(|(first, last, of)| *of == protocol && *first <= to && from <= *last);
        seen.push((from, to, protocol));
        refuse_if(twice, "container port is used multiple times in task")
    })
}

/// A host port that two mappings ask for by number; 0 asks for none.
fn host_ports_are_bound_once(draft: &Draft) -> Verdict {
    if !["bridge", "host"].contains(&draft.network_mode()) {
        return Ok(());
    }
    let mut seen = BTreeSet::new();
    each_port(draft, |_, port| {
        let Some(host) = port.int("hostPort").filter(|number| *number != 0) else { return Ok(()) };
        let protocol = port.text("protocol").unwrap_or("tcp").to_ascii_uppercase();
        let text = format!("{protocol} host port '{host}' is mapped multiple times in task");
        refuse_if(!seen.insert((host, protocol)), text)
    })
}

/// Wording is ours.
fn names_are_in_form(draft: &Draft) -> Verdict {
    each_port(draft, |_, port| {
        let Some(label) = port.text("name") else { return Ok(()) };
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        let good = (1..=NAME_LIMIT).contains(&label.len()) && label.bytes().all(allowed) && !label.starts_with('-');
        refuse_if(!good, format!("Invalid port mapping name '{label}'."))
    })
}

fn names_are_unique(draft: &Draft) -> Verdict {
    let mut seen = BTreeSet::new();
    each_port(draft, |_, port| match port.text("name") {
        Some(label) if !seen.insert(label.to_owned()) => Err(Fault::client("port mapping name is already used")),
        _ => Ok(()),
    })
}
