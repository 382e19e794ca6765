//! What is to be done for a security group.

use crate::kinds::security_group::{self as group, Moves};
use crate::kinds::{Effect, Object, definition, tags};
use crate::shape::{Path, Tree};

use super::{Facts, Plan, Reason, Step, StepEffect, Verdict, members};

pub fn plan(object: &Object, facts: &Facts<'_>) -> Plan {
    let Some(shown) = facts.observed.present() else { return create(object, facts) };
    let spec = group::filled(&object.spec, shown);
    let differences = definition(object.key.kind).differences(&spec, shown);
    let replaced = members(&object.key, &differences, Effect::Replaces);
    if !replaced.is_empty() {
        let message = format!("EC2 can't change {} of a security group", replaced.join(", "));
        return Plan { differences, ..Plan::of(Verdict::Blocked(Reason::ReplacementNeeded, message)) };
    }
    if tags::read(shown.list("Tags")).contains_key(tags::SUSPEND) {
        let message = format!("the tag {} is set", tags::SUSPEND);
        return Plan { differences, ..Plan::of(Verdict::Blocked(Reason::Suspended, message)) };
    }
    let id = shown.text("GroupId").unwrap_or_default();
    let mut steps = Vec::new();
    steps.extend(tagging(object, shown.list("Tags"), id));
    let (rules, unknown) = rules(&spec, shown, id);
    steps.extend(rules);
    let verdict = match (steps.is_empty(), unknown.as_slice()) {
        (false, _) => Verdict::Due,
        (true, []) => Verdict::Converged,
        (true, unknown) => {
            let message = format!("its rules name groups that are not in its VPC: {}", unknown.join(", "));
            Verdict::Waiting(Reason::DependencyNotReady, message)
        }
    };
    Plan { steps, differences, ..Plan::of(verdict) }
}

/// The steps that change tags: what is declared no more goes first, and what is remembered follows what is so.
fn tagging(object: &Object, live: &[Tree], id: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut missing = tags::missing(object.tags(), live);
    let mut dropped = tags::dropped(object.tags(), live);
    let why = match (missing.is_empty(), dropped.is_empty()) {
        (false, _) => "declared tags are missing",
        (true, false) => "tags are not declared any more",
        (true, true) => "what the manifest says of tags and of prune is noted",
    };
    for (key, value) in group::memory(object) {
        let now = tags::read(live).get(key).copied();
        match value {
            Some(value) if now != Some(value.as_str()) => missing.push(tags::tag(key, &value)),
            None if now.is_some() => dropped.push(key),
            Some(_) | None => {}
        }
    }
    if !dropped.is_empty() {
        steps.push(Step::new(group::untag(id, &dropped), StepEffect::Tags, why));
    }
    if !missing.is_empty() {
        steps.push(Step::new(group::tag(id, &missing), StepEffect::Tags, why));
    }
    steps
}

/// The steps that change rules, both ways, and the groups that are named in vain.
fn rules(spec: &Tree, shown: &Tree, id: &str) -> (Vec<Step>, Vec<String>) {
    let (mut steps, mut unknown) = (Vec::new(), Vec::new());
    for direction in [&group::INGRESS, &group::EGRESS] {
        let moves = Moves::between(direction, spec, shown);
        let reason = format!("{} differ", direction.list);
        let calls = moves.calls(direction, id).into_iter();
        steps.extend(calls.map(|call| Step::new(call, StepEffect::InPlace, reason.clone())));
        unknown.extend(moves.unknown);
    }
    unknown.sort();
    unknown.dedup();
    (steps, unknown)
}

/// The group first; its rules when its id is known. A new one lets all out, so what it has of that is taken away.
fn create(object: &Object, facts: &Facts<'_>) -> Plan {
    let mut steps = vec![Step::new(group::create(object, facts.us), StepEffect::Create, "does not exist")];
    let new = group::filled(&Tree::map(), &Tree::Null);
    let spec = group::filled(&object.spec, &Tree::Null);
    let (rules, _) = rules(&spec, &new, "");
    let late = |step: Step| Step { late: vec![Path::from("GroupId")], ..step };
    steps.extend(rules.into_iter().map(late));
    Plan::due(steps, Vec::new())
}

#[cfg(test)]
mod tests;
