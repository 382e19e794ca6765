//! Which container waits for which (docs/ecs.md §4.2, §4.3).

use std::collections::BTreeSet;

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{TaskDefinition, has, items};
use crate::shape::{Path, Tree};

use super::containers::which;
use super::row;

pub const RULES: &[Rule] = &[
    row!(
        "depends-on-unknown",
        Error,
        Look::TaskDefinition(unknown),
        "A container waits for another of its task definition (ECS: Cannot depend on container X because it does not \
         exist)."
    ),
    row!(
        "depends-on-cycle",
        Error,
        Look::TaskDefinition(cycle),
        "Containers that wait for each other in a circle never start (ECS refuses them)."
    ),
    row!(
        "depends-on-health",
        Error,
        Look::TaskDefinition(health),
        "To wait until a container is HEALTHY, it needs a healthCheck (ECS: A dependency container with HEALTHY \
         condition must have health check configured)."
    ),
    row!(
        "depends-on-essential",
        Error,
        Look::TaskDefinition(essential),
        "A container that others wait for to end can't be essential: its end would be the task's (ECS: A dependency \
         container with SUCCESS or COMPLETE condition cannot be an essential container)."
    ),
    row!(
        "link-unknown",
        Error,
        Look::TaskDefinition(link),
        "A link leads to a container of the same task definition (ECS: task definition parameters)."
    ),
];

/// Path, the container that is waited for, and until when.
fn waits<'a>(definition: &TaskDefinition<'a>) -> impl Iterator<Item = (Path, &'a str, &'a str)> + use<'a> {
    definition
        .containers()
        .flat_map(|(at, container)| items(container, &at, "dependsOn"))
        .filter_map(|(at, one)| Some((at, one.text("containerName")?, one.text("condition").unwrap_or_default())))
}

fn unknown(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, target, _) in waits(definition) {
        if report.is_full() {
            return;
        }
        if definition.container(target).is_none() {
            let message = format!("there is no container {target} to wait for");
            report.value(at.name("containerName"), message, which(definition, target));
        }
    }
}

fn health(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, target, condition) in waits(definition) {
        let without = definition.container(target).is_some_and(|container| !has(container, "healthCheck"));
        if condition == "HEALTHY" && without {
            let message = format!("{target} has no healthCheck, so it never becomes HEALTHY");
            report.value(at.name("condition"), message, format!("give {target} a healthCheck, or wait for START"));
        }
    }
}

fn essential(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, target, condition) in waits(definition) {
        let essential =
            definition.container(target).is_some_and(|container| container.bool("essential").unwrap_or(true));
        if ["SUCCESS", "COMPLETE"].contains(&condition) && essential {
            let message = format!("{target} is essential: when it ends, so does the task");
            report.value(at.name("condition"), message, format!("write essential: false for {target}"));
        }
    }
}

/// Each circle once, told from its first container on.
fn cycle(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let mut told = BTreeSet::new();
    for (at, container) in definition.containers() {
        let Some(start) = container.text("name").filter(|name| !told.contains(name)) else { continue };
        let mut found = Search { definition, start, seen: BTreeSet::new(), way: vec![start] };
        if let Some(first) = found.closes(container) {
            let way = found.way;
            let message = format!("the containers wait for each other: {} → {start}", way.join(" → "));
            report.value(at.name("dependsOn").index(first), message, "let one of them start without waiting");
            told.extend(way);
        }
    }
}

/// A way back to where it began.
struct Search<'s, 'a> {
    definition: &'s TaskDefinition<'a>,
    start: &'a str,
    seen: BTreeSet<&'a str>,
    way: Vec<&'a str>,
}

impl<'a> Search<'_, 'a> {
    /// Which of the container's dependencies leads back, if one does; `way` then tells how.
    fn closes(&mut self, container: &'a Tree) -> Option<usize> {
        for (index, one) in container.list("dependsOn").iter().enumerate() {
            let Some(target) = one.text("containerName") else { continue };
            if target == self.start {
                return Some(index);
            }
            if !self.seen.insert(target) {
                continue;
            }
            let Some(next) = self.definition.container(target) else { continue };
            self.way.push(target);
            if self.closes(next).is_some() {
                return Some(index);
            }
            self.way.pop();
        }
        None
    }
}

fn link(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        for (at, link) in items(container, &at, "links") {
            if report.is_full() {
                return;
            }
            let target = link.as_text().and_then(|link| link.split(':').next()).unwrap_or_default();
            if definition.container(target).is_none() {
                report.value(at, format!("there is no container {target} to link to"), which(definition, target));
            }
        }
    }
}
