//! Which container waits for which (docs/ecs.md §4.2, §4.3).

use std::collections::BTreeSet;

use crate::shape::Tree;

use super::super::super::Fault;
use super::{Draft, Rule, Verdict, each_container, has, name, refuse_if};

pub const RULES: &[Rule] = &[
    Rule { name: "dependencies exist", check: exist },
    Rule { name: "dependencies can complete", check: can_complete },
    Rule { name: "dependencies can be healthy", check: can_be_healthy },
    Rule { name: "dependencies have no cycle", check: have_no_cycle },
    Rule { name: "links exist", check: links_exist },
];

fn targets(container: &Tree) -> impl Iterator<Item = (&str, &str)> {
    container
        .list("dependsOn")
        .iter()
        .map(|one| (one.text("containerName").unwrap_or_default(), one.text("condition").unwrap_or_default()))
}

fn each_target<'a>(draft: &Draft<'a>, check: impl Fn(&'a Tree, &str) -> Verdict) -> Verdict {
    draft.containers().iter().try_for_each(|container| {
        targets(container).try_for_each(|(target, condition)| match draft.container(target) {
            Some(found) => check(found, condition),
            None => Err(Fault::client(format!("Cannot depend on container {target} because it does not exist"))),
        })
    })
}

fn exist(draft: &Draft) -> Verdict {
    each_target(draft, |_, _| Ok(()))
}

fn can_complete(draft: &Draft) -> Verdict {
    each_target(draft, |target, condition| {
        let waits = ["SUCCESS", "COMPLETE"].contains(&condition);
        let text = "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container";
        refuse_if(waits && target.bool("essential").unwrap_or(true), text)
    })
}

fn can_be_healthy(draft: &Draft) -> Verdict {
    each_target(draft, |target, condition| {
        let text = "A dependency container with HEALTHY condition must have health check configured";
        refuse_if(condition == "HEALTHY" && !has(target, "healthCheck"), text)
    })
}

/// Wording is ours.
fn have_no_cycle(draft: &Draft) -> Verdict {
    // Takes away what waits for nothing that is left, until nothing changes: a cycle stays.
    let mut left: BTreeSet<&str> = draft.containers().iter().map(name).collect();
    loop {
        let waits = |one: &&str| draft.container(one).is_some_and(|it| targets(it).any(|(on, _)| left.contains(on)));
        let waiting: BTreeSet<&str> = left.iter().copied().filter(waits).collect();
        if waiting.is_empty() {
            return Ok(());
        }
        if waiting.len() == left.len() {
            let names = waiting.into_iter().collect::<Vec<_>>().join(", ");
            return Err(Fault::client(format!("Container dependencies have a cycle: {names}.")));
        }
        left = waiting;
    }
}

/// Wording is ours.
fn links_exist(draft: &Draft) -> Verdict {
    each_container(draft, |container| {
        container.list("links").iter().filter_map(Tree::as_text).try_for_each(|link| {
            let target = link.split(':').next().unwrap_or(link);
            refuse_if(draft.container(target).is_none(), format!("Unknown link '{target}'."))
        })
    })
}
