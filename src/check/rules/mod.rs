//! All rules, one file a theme: each file has its rows in a table, and below it the functions that look.
//!
//! A rule refuses only what ECS surely refuses or what can never work; what is merely doubtful, or known from weak
//! sources, is a warning. Must not know: how a finding gets its line.

mod arns;
mod cluster;
mod containers;
mod controller;
mod dependencies;
mod document;
mod environment;
mod fargate;
mod images;
mod launch;
mod logging;
mod lookups;
mod pairs;
mod percent;
mod placement;
mod ports;
mod reading;
mod risks;
mod roles;
mod security_group;
mod service;
mod sizes;
mod storage;
mod strategy;
mod tags;
mod volumes;

use crate::kinds::{Object, definition};
use crate::manifest::Fault;

use super::preflight;
use super::rule::{Look, Rule};
use super::subject::{Service, Subject, TaskDefinition};
use super::{Context, Report};

/// A row of a theme's table; its example is `examples/NAME.yaml`.
macro_rules! row {
    ($name:literal, $severity:ident, $look:expr, $summary:expr $(,)?) => {
        $crate::check::rule::Rule {
            name: $name,
            severity: $crate::manifest::Severity::$severity,
            summary: $summary,
            look: $look,
            example: Some($crate::check::rule::Example {
                file: concat!($name, ".yaml"),
                text: include_str!(concat!("../examples/", $name, ".yaml")),
            }),
        }
    };
}
use row;

/// All themes, in the order of a document's life: read, recognised, judged.
const THEMES: &[&[Rule]] = &[
    reading::RULES,
    document::RULES,
    tags::RULES,
    arns::RULES,
    cluster::RULES,
    security_group::RULES,
    containers::RULES,
    images::RULES,
    environment::RULES,
    sizes::RULES,
    fargate::RULES,
    launch::RULES,
    ports::RULES,
    dependencies::RULES,
    volumes::RULES,
    logging::RULES,
    roles::RULES,
    risks::RULES,
    service::RULES,
    controller::RULES,
    lookups::RULES,
    percent::RULES,
    placement::RULES,
    strategy::RULES,
    storage::RULES,
    pairs::RULES,
    preflight::percent::RULES,
    preflight::addresses::RULES,
    preflight::way_out::RULES,
    preflight::network::RULES,
    preflight::capacity::RULES,
];

/// Every rule that a finding can name, theme by theme.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    THEMES.iter().copied().flatten()
}

/// The rule of that name.
pub fn rule(name: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.name == name)
}

/// What the rules on documents say, before it is known whether the spec fits its shape.
pub fn on_document(context: &Context<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for rule in rules() {
        if let Look::Document(look) = rule.look {
            look(context, &mut Report::on_document(rule, &mut faults));
        }
    }
    faults
}

/// What the rules on specs of any kind say.
pub fn on_spec(object: &Object) -> Vec<Fault> {
    let mut faults = Vec::new();
    let subject = subject(object);
    for rule in rules() {
        if let Look::Spec(look) = rule.look {
            look(&subject, &mut Report::on_spec(rule, &mut faults));
        }
    }
    faults
}

fn subject(object: &Object) -> Subject<'_> {
    Subject { spec: &object.spec, tags: definition(object.key.kind).tags, place: &object.key.place }
}

pub fn on_security_group(object: &Object) -> Vec<Fault> {
    let mut faults = on_spec(object);
    for rule in rules() {
        if let Look::SecurityGroup(look) = rule.look {
            look(&subject(object), &mut Report::on_spec(rule, &mut faults));
        }
    }
    faults
}

pub fn on_task_definition(object: &Object, definition: &TaskDefinition<'_>) -> Vec<Fault> {
    let mut faults = on_spec(object);
    faults.extend(of_task_definition(definition));
    faults
}

/// What has to be kept before other rules look: they compare containers with containers and ports with ports, which
/// takes time in the square of their number.
const BOUNDS: &[&str] = &["container-count", "definition-size"];

/// What the rules on task definitions alone say.
fn of_task_definition(definition: &TaskDefinition<'_>) -> Vec<Fault> {
    #[cfg(test)]
    work::DONE.set(work::DONE.get() + 1);
    let mut faults = Vec::new();
    for bounds in [true, false] {
        for rule in rules().filter(|rule| BOUNDS.contains(&rule.name) == bounds) {
            if let Look::TaskDefinition(look) = rule.look {
                look(definition, &mut Report::on_spec(rule, &mut faults));
            }
        }
        if !faults.is_empty() {
            break;
        }
    }
    faults
}

pub fn on_service(object: &Object, service: &Service<'_>) -> Vec<Fault> {
    let mut faults = on_spec(object);
    for rule in rules() {
        if let Look::Service(look) = rule.look {
            look(service, &mut Report::on_spec(rule, &mut faults));
        }
    }
    faults
}

/// How often the rules on task definitions looked, on this thread: tests count it.
#[cfg(test)]
pub mod work {
    use std::cell::Cell;

    thread_local! {
        pub static DONE: Cell<usize> = const { Cell::new(0) };
    }
}
