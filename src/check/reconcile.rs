//! The `reconcile` block: how the operator treats an object.

use std::time::Duration;

use crate::kinds::drift::POINTERS_MAX;
use crate::kinds::{Adopt, Drift, Effect, Keep, Kind, Pointer, Policy, Prune, Reconcile, ReplaceHow, definition};
use crate::manifest::{At, Fault, KEEP_MAX};
use crate::shape::{Path, Tree};

use super::Context;

/// What the block may hold today.
const MEMBERS: [&str; 9] =
    ["adopt", "drift", "ignore", "keep", "preflight", "replace", "replaceHow", "restartedAt", "rollout"];
const ROLLOUT: [&str; 2] = ["onFailure", "progressDeadline"];
/// What the design has and this version does not; said as such, so that nobody takes it for a slip.
const LATER: [&str; 2] = ["dependsOn", "prune"];

/// Reads the block; all findings at once.
pub fn read(context: &Context<'_>, found: &mut Vec<Fault>) -> Reconcile {
    let mut reconcile = Reconcile::default();
    let root = Path::from("reconcile");
    for (name, value) in context.document.reconcile.as_map().into_iter().flatten() {
        let at = root.name(name);
        match (name.as_str(), value) {
            ("adopt", value) => reconcile.adopt = adopt(context, value, at, found),
            ("keep", value) => reconcile.keep = keep(context, value, at, found),
            ("restartedAt", Tree::Text(text)) => reconcile.restarted_at = Some(text.to_string()),
            ("restartedAt", _) => found.push(wrong(at, "restartedAt takes any text, in quotes")),
            ("drift" | "ignore", _) if context.kind() == Some(Kind::TaskDefinition) => {
                found.push(wrong(at, "a revision of a task definition never changes, and so can't drift"));
            }
            ("drift" | "ignore", _) if context.kind() == Some(Kind::SecurityGroup) => {
                found.push(wrong(
                    at,
                    "drift of a SecurityGroup is always healed; let no manifest declare one to leave it",
                ));
            }
            ("drift", value) => match Drift::ALL.into_iter().find(|drift| value.as_text() == Some(drift.as_str())) {
                Some(drift) => reconcile.drift = drift,
                None => found.push(wrong(at, "drift takes Heal, Warn or Ignore")),
            },
            ("ignore", Tree::List(items)) => reconcile.ignore = ignore(context, items, &at, found),
            ("ignore", _) => found.push(wrong(at, "ignore takes a list of JSON pointers, such as /desiredCount")),
            ("prune", value) if context.kind() == Some(Kind::SecurityGroup) => {
                match Prune::ALL.into_iter().find(|prune| value.as_text() == Some(prune.as_str())) {
                    Some(prune) => reconcile.prune = prune,
                    None => found.push(wrong(at, "prune takes Orphan or Delete")),
                }
            }
            ("preflight", Tree::Text(text)) if Policy::parse(text).is_some() => {
                reconcile.preflight = Policy::parse(text)
            }
            ("preflight", _) => found.push(wrong(at, "preflight takes Block, Wait or Warn")),
            ("replace" | "replaceHow", _) if context.kind() != Some(Kind::Service) => {
                found.push(wrong(at, "only a Service can be replaced"));
            }
            ("replace", Tree::List(items)) => reconcile.replace = replace(items, &at, found),
            ("replace", _) => found.push(wrong(at, "replace takes a list of members, such as [launchType]")),
            ("replaceHow", value) => match value.as_text().and_then(ReplaceHow::parse) {
                Some(how) => reconcile.replace_how = how,
                None => found.push(wrong(at, "replaceHow takes StartFirst or StopFirst")),
            },
            ("rollout", Tree::Map(_)) => rollout(value, &at, &mut reconcile, found),
            ("rollout", _) => found.push(wrong(at, "rollout takes a map")),
            (name, _) => found.push(unknown(at, name, &MEMBERS)),
        }
    }
    reconcile
}

fn adopt(context: &Context<'_>, value: &Tree, at: Path, found: &mut Vec<Fault>) -> Adopt {
    let adopt = Adopt::ALL.into_iter().find(|adopt| value.as_text() == Some(adopt.as_str()));
    let Some(adopt) = adopt else {
        found.push(wrong(at, "adopt takes Never, IfUnowned or Shared"));
        return Adopt::default();
    };
    if let Some((message, remedy)) = context.kind().and_then(|kind| adopt.fault(kind)) {
        found.push(wrong(at, message).remedy(remedy));
    }
    adopt
}

fn keep(context: &Context<'_>, value: &Tree, at: Path, found: &mut Vec<Fault>) -> Option<Keep> {
    if context.kind() != Some(Kind::TaskDefinition) {
        found.push(wrong(at, "keep is for the revisions of a TaskDefinition"));
        return None;
    }
    let keep = Keep::read(value);
    if keep.is_none() {
        let message = format!("keep takes a number of revisions from 1 to {KEEP_MAX}, or {}", Keep::ALL_WORD);
        found.push(wrong(at, &message));
    }
    keep
}

/// The members of a service that ECS can't change, each named once.
fn replace(items: &[Tree], at: &Path, found: &mut Vec<Fault>) -> Vec<String> {
    let effects = definition(Kind::Service).effects.iter();
    let known: Vec<&str> =
        effects.filter(|(_, effect)| *effect == Effect::Replaces).map(|(member, _)| *member).collect();
    let mut members = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let name = item.as_text().unwrap_or_default();
        if !known.contains(&name) {
            let message =
                format!("ECS changes no service by replacing it for {name:?}; there are {}", known.join(", "));
            let fault = Fault::new(at.index(index), At::Value, "reconcile", message);
            found.push(fault.near(name, known.iter().copied()));
        } else if !members.iter().any(|member| member == name) {
            members.push(name.to_owned());
        }
    }
    members
}

/// The pointers, each into a member that can drift.
fn ignore(context: &Context<'_>, items: &[Tree], at: &Path, found: &mut Vec<Fault>) -> Vec<Pointer> {
    if items.len() > POINTERS_MAX {
        let message = format!("{} pointers; there is room for {POINTERS_MAX}", items.len());
        found.push(wrong(at.clone(), &message));
    }
    let mut pointers = Vec::new();
    for (index, item) in items.iter().enumerate().take(POINTERS_MAX) {
        let fault = |message: String| Fault::new(at.index(index), At::Value, "ignore-pointer", message);
        let Some(pointer) = item.as_text().and_then(Pointer::parse) else {
            let remedy = "begin with / and separate names by /, as in /deploymentConfiguration/alarms";
            found.push(fault("this is no JSON pointer into the spec".to_owned()).remedy(remedy));
            continue;
        };
        match context.kind().and_then(|kind| pointer.fault(definition(kind))) {
            Some(message) => {
                found.push(fault(message).remedy("point at a member of spec; items of lists go by their keys"))
            }
            None => pointers.push(pointer),
        }
    }
    pointers
}

fn rollout(tree: &Tree, root: &Path, reconcile: &mut Reconcile, found: &mut Vec<Fault>) {
    for (name, value) in tree.as_map().into_iter().flatten() {
        let at = root.name(name);
        match (name.as_str(), value.as_text()) {
            ("progressDeadline", Some(text)) => match duration(text) {
                Some(span) => reconcile.progress_deadline = span,
                None => found.push(wrong(at, "progressDeadline takes a time such as 90s, 15m or 2h")),
            },
            ("onFailure", Some("Hold")) => {}
            ("onFailure", Some("Rollback")) => {
                let message = "onFailure: Rollback is not supported yet; ECS rolls back by deploymentCircuitBreaker";
                found.push(wrong(at, message));
            }
            ("progressDeadline" | "onFailure", _) => {
                found.push(wrong(at, "progressDeadline takes a time such as 15m, onFailure takes Hold"));
            }
            (name, _) => found.push(unknown(at, name, &ROLLOUT)),
        }
    }
}

fn wrong(at: Path, message: &str) -> Fault {
    Fault::new(at, At::Value, "reconcile", message)
}

fn unknown(at: Path, name: &str, known: &'static [&'static str]) -> Fault {
    if LATER.contains(&name) {
        let but = if name == "prune" { ", except on a SecurityGroup" } else { "" };
        return Fault::new(at, At::Key, "reconcile", format!("reconcile.{name} is not supported yet{but}"));
    }
    let message = format!("unknown member {name:?}; there are {}", known.join(", "));
    Fault::new(at, At::Key, "reconcile", message).near(name, known.iter().copied())
}

/// `90s`, `15m`, `2h`; at least a second, at most a day.
pub fn duration(text: &str) -> Option<Duration> {
    let (number, seconds) = match text.split_at_checked(text.len().checked_sub(1)?)? {
        (number, "s") => (number, 1),
        (number, "m") => (number, 60),
        (number, "h") => (number, 3600),
        _ => return None,
    };
    let span = number.parse::<u64>().ok()?.checked_mul(seconds)?;
    (1..=86_400).contains(&span).then(|| Duration::from_secs(span))
}
