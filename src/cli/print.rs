//! Plans and progress in plain words. Values that may hold secrets are shown as hashes.

use std::fmt::{Display, Write as _};
use std::io::{self, Write as _};

use crate::kinds::{Difference, Key, hash, secrets};
use crate::plan::{Plan, StepEffect, Verdict};
use crate::shape::{Path, Segment, Tree, json};
use crate::status::{ConditionType, Status};

/// A line on standard output. `println!` would panic, in the middle of an apply, when whoever reads it has gone away.
pub fn out(line: impl Display) {
    drop(writeln!(io::stdout().lock(), "{line}"));
}

/// The same on standard error.
pub fn err(line: impl Display) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// The plans of all objects, and a last line that counts.
pub fn plans(plans: &[(Key, Plan)]) -> String {
    let mut text = String::new();
    for (key, plan) in plans {
        one(&mut text, key, plan);
    }
    let count = |effect: StepEffect| {
        let has = |plan: &&Plan| plan.steps.iter().any(|step| step.effect == effect);
        plans.iter().map(|(_, plan)| plan).filter(has).count()
    };
    let blocked = plans.iter().filter(|(_, plan)| matches!(plan.verdict, Verdict::Blocked(..))).count();
    let changed = plans.iter().filter(|(_, plan)| changes(plan)).count();
    if changed == 0 && blocked == 0 {
        line(&mut text, format_args!("Nothing to do: {} objects are as the manifests say.", plans.len()));
        return text;
    }
    let (created, registered) = (count(StepEffect::Create), count(StepEffect::Register));
    let deploys = count(StepEffect::Deploys);
    let in_place = changed - created - registered - deploys;
    line(
        &mut text,
        format_args!(
            "{created} to create, {registered} to register, {deploys} to deploy, {in_place} to change in place, {blocked} blocked."
        ),
    );
    text
}

/// `1 problem`, `2 problems`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Whether there is something to do.
pub fn changes(plan: &Plan) -> bool {
    !plan.steps.is_empty()
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    if text.write_fmt(words).is_ok() {
        text.push('\n');
    }
}

fn one(text: &mut String, key: &Key, plan: &Plan) {
    let symbol = match plan.steps.iter().map(|step| step.effect).max() {
        Some(StepEffect::Create | StepEffect::Register) => '+',
        Some(_) => '~',
        None => ' ',
    };
    let words = match (plan.steps.last(), &plan.verdict) {
        (_, Verdict::Blocked(reason, message)) => format!("blocked, {}: {message}", reason.as_str()),
        (Some(step), _) => format!("{}: {}", effect(step.effect), step.reason),
        (None, Verdict::Waiting(reason, message)) => format!("waits, {}: {message}", reason.as_str()),
        (None, Verdict::Rolling(message) | Verdict::Settling(message)) => format!("no change; {message}"),
        (None, Verdict::Converged | Verdict::Due) => return,
    };
    line(text, format_args!("{symbol} {}  {words}", key.short()));
    for difference in &plan.differences {
        line(text, format_args!("    {}", leaf(difference)));
    }
}

fn effect(effect: StepEffect) -> &'static str {
    match effect {
        StepEffect::Create => "create",
        StepEffect::Register => "register a revision",
        StepEffect::Tags => "tag",
        StepEffect::InPlace => "change in place",
        StepEffect::Deploys => "starts a deployment",
    }
}

fn leaf(difference: &Difference) -> String {
    let Difference { path, observed, desired } = difference;
    match (observed, desired) {
        (Some(observed), Some(desired)) => format!("~ {path}: {} → {}", value(path, observed), value(path, desired)),
        (None, Some(desired)) => format!("+ {path}: {}", value(path, desired)),
        (Some(observed), None) if *path == Path::from("taskDefinition") => {
            format!("~ {path}: {} → (known after apply)", value(path, observed))
        }
        (Some(observed), None) => format!("- {path}: {}", value(path, observed)),
        (None, None) => format!("~ {path}: (known after apply)"),
    }
}

/// Longer values are shown by both their ends.
const LENGTH_MAX: usize = 80;

fn value(path: &Path, tree: &Tree) -> String {
    let secret =
        |segment: &Segment| matches!(segment, Segment::Name(name) if secrets::MEMBERS.contains(&name.as_str()));
    let json = json::write(tree);
    if path.0.iter().any(secret) || holds_secret(tree) {
        return format!("sha256:{}…", hash::short(&json, 8));
    }
    let chars: Vec<char> = json.chars().collect();
    if chars.len() <= LENGTH_MAX {
        return json;
    }
    let half = LENGTH_MAX / 2;
    let (head, tail) = (chars.iter().take(half), chars.iter().skip(chars.len() - half));
    head.chain(&['…']).chain(tail).collect()
}

fn holds_secret(tree: &Tree) -> bool {
    match tree {
        Tree::Map(map) => {
            map.iter().any(|(name, value)| secrets::MEMBERS.contains(&name.as_str()) || holds_secret(value))
        }
        Tree::List(items) => items.iter().any(holds_secret),
        _ => false,
    }
}

/// One line for each object whose story has changed since the last picture.
pub fn progress(before: &Status, now: &Status) -> Vec<String> {
    let story = |status: &Status, key: &Key| {
        let ready = status.objects.get(key)?.conditions.get(&ConditionType::Ready)?.clone();
        let said = if ready.message.is_empty() { String::new() } else { format!(": {}", ready.message) };
        Some(format!("{}  {}{said}", key.short(), ready.reason))
    };
    now.objects.keys().filter(|key| story(before, key) != story(now, key)).filter_map(|key| story(now, key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_shown_as_hashes_and_long_values_by_their_ends() {
        let path = Path::from("containerDefinitions.web.environment.TOKEN.value");
        assert!(value(&path, &"hunter2".into()).starts_with("sha256:"));
        let whole = crate::tree! { "environment" => vec!["hunter2"] };
        assert!(!value(&Path::from("containerDefinitions.web"), &whole).contains("hunter2"));
        let long = value(&Path::from("image"), &"x".repeat(300).into());
        assert!(long.chars().count() == LENGTH_MAX + 1 && long.contains('…'), "{long}");
    }
}
