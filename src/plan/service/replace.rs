//! Replacing a service by another where ECS can't change it: what has to be permitted, what is due, and what is waited
//! for. All of it is read from the services and their tags: a new operator goes on where another stopped.

use crate::check::preflight::{Due, Preflight};
use crate::kinds::drift::Drift;
use crate::kinds::service::succession::{self, Succession};
use crate::kinds::{Adopt, Difference, Effect, Object, Policy, ReplaceHow, definition, service};
use crate::rollout::Outcome;
use crate::shape::{Time, Tree, json};

use super::super::replacement::{Act, Dip, Replacement};
use super::super::{Facts, Need, Plan, Reason, Resolution, Step, StepEffect, Verdict, members, memory_step};
use super::{Change, DESIRED_COUNT, Wanted, held, settle, suspended};

const SERVICE_NAME: &str = "serviceName";

/// What becomes of a live service that ECS can't change to what is declared.
pub enum Itself {
    Plan(Box<Plan>),
    /// It is drift, and left: the rest is planned as ever.
    Left(Box<Change>),
}

/// Plans for a service that differs in `replaced` members under the name that is declared.
pub fn itself(
    object: &Object,
    facts: &Facts<'_>,
    shown: &Tree,
    wanted: &Wanted<'_>,
    mut change: Change,
    replaced: Vec<String>,
) -> Result<Itself, Need> {
    let note = note(wanted, ReplaceHow::StopFirst, object.aws_name());
    let begun = Succession::read(shown.list("tags")).as_ref() == Some(&note);
    let tried = change.attempt.clone().filter(|tried| tried.hash == wanted.hash && !begun);
    if tried.is_some() && object.reconcile.drift != Drift::Heal {
        leave(object, &mut change, &replaced);
        return Ok(Itself::Left(Box::new(change)));
    }
    let plan = |plan: Plan| Ok(Itself::Plan(Box::new(plan)));
    if let Some(why) = suspended(shown.list("tags"), facts) {
        return plan(super::blocked(change.all(), Reason::Suspended, why));
    }
    if let Some(message) = refusal(object, shown, &replaced, begun) {
        return plan(not_permitted(object, facts, shown, change, message)?);
    }
    if let Some(tried) = &tried {
        let created = shown.get("createdAt").and_then(Time::from_tree).unwrap_or_default();
        if facts.in_grace(created) {
            let message = format!("someone made it anew at {created}; left alone for a while, or until Git changes");
            return plan(super::blocked(change.all(), Reason::Overridden, message));
        }
        let journal = facts.answers.journal.as_ref().ok_or(Need::Journal(tried.at))?;
        if let Outcome::Failed { reason } = journal.outcome(&tried.task_definition) {
            return plan(held(object, facts, shown, change, tried, &reason)?);
        }
    }
    let (preflight, hold) = if begun { (None, None) } else { stop_first(facts)? };
    if let Some(hold) = facts.held.cloned().or(hold) {
        return plan(Plan { preflight, differences: change.all(), ..Plan::of(hold) });
    }
    let down = Down::of(object, shown, (!begun).then_some(&note));
    let replacement = Replacement {
        how: ReplaceHow::StopFirst,
        members: replaced,
        old: vec![object.aws_name().to_owned()],
        new: object.aws_name().to_owned(),
        at: down.act(),
        dip: Some(Dip::of(shown, definition_of(facts))),
    };
    let drift = tried.is_some();
    let downs = down.plan(&replacement, wanted);
    plan(Plan { differences: change.all(), drift, preflight, replacement: Some(replacement), ..downs })
}

/// What is due where no service of the declared name is there.
pub fn create(object: &Object, facts: &Facts<'_>, wanted: &Wanted<'_>) -> Result<Plan, Need> {
    let others = predecessors(object, facts);
    let renamed = object.aws_name() != object.key.name || !object.reconcile.replace.is_empty();
    if let Some(why) = facts.before.unknown.as_ref().filter(|_| renamed) {
        let message = format!("whether it takes the place of another service is not known: {why}");
        return Ok(Plan::of(Verdict::Waiting(Reason::Unobserved, message)));
    }
    let Some(first) = others.first() else { return again(object, facts, wanted) };
    let (differences, changed) = differing(object, &others);
    if let Some(message) = refusal(object, first, &changed, false) {
        // What somebody deletes already is in nobody's way.
        let going = others.iter().all(|other| is(other, "DRAINING"));
        return if going { super::create(object, facts, wanted, None) } else { Ok(blocked(differences, message)) };
    }
    if let Some(why) = others.iter().find_map(|other| suspended(other.list("tags"), facts)) {
        return Ok(super::blocked(differences, Reason::Suspended, why));
    }
    let how = object.reconcile.replace_how;
    let mut replacement = replacement(object, how, changed, &others, Act::Create);
    if how == ReplaceHow::StartFirst {
        let desired_count = first.int(DESIRED_COUNT).filter(|_| !service::is_daemon(first));
        let succession = Succession { desired_count, ..note(wanted, how, name(first)) };
        let plan = super::create(object, facts, wanted, Some(&succession))?;
        return Ok(Plan { differences, replacement: Some(replacement), ..plan });
    }
    let note = note(wanted, how, object.aws_name());
    let begun = |other: &&&Tree| Succession::read(other.list("tags")).as_ref() == Some(&note);
    let (preflight, hold) = if others.iter().any(|other| begun(&other)) { (None, None) } else { stop_first(facts)? };
    if let Some(hold) = facts.held.cloned().or(hold) {
        return Ok(Plan { preflight, differences, ..Plan::of(hold) });
    }
    let downs = others.iter().map(|other| Down::of(object, other, (!begun(&other)).then_some(&note)));
    let down = Down::next(downs.collect());
    (replacement.at, replacement.dip) = (down.act(), Some(Dip::of(first, definition_of(facts))));
    Ok(Plan { differences, preflight, ..down.plan(&replacement, wanted) }.with(replacement))
}

/// Creates, where nothing is in the way; a service that was stopped for this shows how far it is.
fn again(object: &Object, facts: &Facts<'_>, wanted: &Wanted<'_>) -> Result<Plan, Need> {
    let plan = super::create(object, facts, wanted, None)?;
    let note = note(wanted, ReplaceHow::StopFirst, object.aws_name());
    let gone = facts.observed.present().filter(|gone| Succession::read(gone.list("tags")).as_ref() == Some(&note));
    Ok(match gone {
        Some(gone) => {
            let (_, changed) = differing(object, &[gone]);
            plan.with(replacement(object, ReplaceHow::StopFirst, changed, &[gone], Act::Create))
        }
        None => plan,
    })
}

/// What follows once the declared service is there: when it is Ready, those whose place it takes go.
pub fn finish(object: &Object, facts: &Facts<'_>, shown: &Tree, wanted: &Wanted<'_>, plan: Plan) -> Plan {
    let others = predecessors(object, facts);
    let Some(first) = others.first() else { return plan };
    let (_, changed) = differing(object, &others);
    // Without permission they stay, and are told of as nobody's.
    if changed.iter().any(|member| !object.reconcile.replace.contains(member)) {
        return plan;
    }
    let how = object.reconcile.replace_how;
    let mut replacement = replacement(object, how, changed, &others, Act::Ready);
    let ready = matches!(plan.verdict, Verdict::Converged | Verdict::Blocked(Reason::DriftKept, _));
    if !ready || !plan.steps.is_empty() {
        return match plan.verdict.clone() {
            Verdict::Rolling(story) | Verdict::Settling(story) if plan.steps.is_empty() => {
                let message = format!("{}; {story}", replacement.story());
                Plan { verdict: Verdict::Waiting(Reason::Replacing, message), ..plan }.with(replacement)
            }
            _ => plan.with(replacement),
        };
    }
    if let Some(why) = others.iter().find_map(|other| suspended(other.list("tags"), facts)) {
        let message = format!("{} is to go, and {why}", name(first));
        return super::blocked(plan.differences, Reason::Suspended, message).with(replacement);
    }
    let down = Down::next(others.iter().map(|other| Down::of(object, other, None)).collect());
    replacement.at = down.act();
    if how == ReplaceHow::StopFirst {
        // Both are there: nothing dips any more, and the new one is Ready.
        replacement.how = ReplaceHow::StartFirst;
    }
    let related = |other: &&Tree| {
        let names = |one: &Tree, other: &Tree| {
            Succession::read(one.list("tags")).is_some_and(|note| note.other == succession::mark(name(other)))
        };
        names(shown, other) || names(other, shown)
    };
    let drift = !others.iter().all(related);
    let downs = down.plan(&replacement, wanted);
    Plan { drift, differences: plan.differences, ..downs }.with(replacement)
}

/// Other services of ours that are of this object and not gone.
fn predecessors<'a>(object: &Object, facts: &Facts<'a>) -> Vec<&'a Tree> {
    let of_it = |shown: &&Tree| {
        let other = name(shown) != object.aws_name() && !is(shown, "INACTIVE");
        other && succession::object_of(shown, facts.us) == Some(&object.key.name)
    };
    facts.before.services.iter().filter(of_it).collect()
}

fn name(shown: &Tree) -> &str {
    shown.text(SERVICE_NAME).unwrap_or_default()
}

fn is(shown: &Tree, status: &str) -> bool {
    shown.text("status") == Some(status)
}

/// How the declared service differs from those whose place it takes, and which members ask for that: the name, where
/// nothing else does.
fn differing(object: &Object, others: &[&Tree]) -> (Vec<Difference>, Vec<String>) {
    let kind = definition(object.key.kind);
    let mut all = Vec::new();
    for other in others {
        let found = kind.differences(&object.spec, &service::shown(other));
        all.extend(found.into_iter().filter(|one| !all.contains(one)).collect::<Vec<_>>());
    }
    let mut changed = members(&object.key, &all, Effect::Replaces);
    if changed.iter().any(|member| member != SERVICE_NAME) {
        changed.retain(|member| member != SERVICE_NAME);
    }
    (all, changed)
}

fn replacement(object: &Object, how: ReplaceHow, members: Vec<String>, others: &[&Tree], at: Act) -> Replacement {
    let old = others.iter().map(|other| name(other).to_owned()).collect();
    Replacement { how, members, old, new: object.aws_name().to_owned(), at, dip: None }
}

/// What is noted on the service that is taken down first, or that is started first.
fn note(wanted: &Wanted<'_>, how: ReplaceHow, other: &str) -> Succession {
    Succession { hash: wanted.hash.clone(), how, other: succession::mark(other), desired_count: None }
}

/// The manifest of what is to run, where there is one.
fn definition_of<'a>(facts: &'a Facts<'_>) -> Option<&'a Tree> {
    match &facts.task_definition {
        Resolution::Realised { object: Some(runs), .. } | Resolution::Late { object: runs, .. } => Some(&runs.spec),
        Resolution::Realised { object: None, .. } | Resolution::NotNeeded | Resolution::Missing(_) => None,
    }
}

/// What preflight says of creating a service in the room that another leaves: what waits for room does not count.
fn stop_first(facts: &Facts<'_>) -> Result<(Option<Preflight>, Option<Verdict>), Need> {
    let (said, hold) = facts.preflight(Due::Create)?;
    let waits = said.hold().is_some_and(|hold| hold.policy != Policy::Block);
    Ok((Some(said.clone()), hold.filter(|_| !waits)))
}

/// Why the live service may not be replaced, with what would let it be; `None` where it may.
fn refusal(object: &Object, live: &Tree, changed: &[String], begun: bool) -> Option<String> {
    let permitted = &object.reconcile.replace;
    let missing: Vec<&str> = changed.iter().filter(|member| !permitted.contains(member)).map(String::as_str).collect();
    let (old, new) = (name(live), object.aws_name());
    let values: Vec<String> = changed.iter().map(|member| values(object, live, member)).collect();
    let what = format!("ECS can't change {} of a service in place", values.join(", "));
    let by_hand = format!("or delete the service {old} by hand; or take the change back");
    let renamed = old != new;
    if object.reconcile.adopt == Adopt::Shared {
        return Some(format!(
            "{what}, and reconcile.adopt is Shared: whoever keeps it replaces it; or take the change back"
        ));
    }
    if !missing.is_empty() {
        let all = changed.join(", ");
        let start = if renamed { String::new() } else { format!(" and spec.serviceName: {}", next_name(new)) };
        return Some(format!(
            "{what}: to have another service take its place, write reconcile: {{ replace: [{all}], replaceHow: \
             StartFirst }}{start} (both run for a while, and the old one goes when the new one is Ready), or \
             replaceHow: StopFirst (no task runs in between); {by_hand}"
        ));
    }
    match object.reconcile.replace_how {
        ReplaceHow::StartFirst if !renamed => Some(format!(
            "{what}: replaceHow: StartFirst, which needs another spec.serviceName than the live service's, such as {}; \
             replaceHow: StopFirst keeps the name, with no task in between; {by_hand}",
            next_name(new)
        )),
        ReplaceHow::StopFirst if !begun && counts_by_others(object) => Some(format!(
            "{what}: replaceHow: StopFirst, and with the service the count of its tasks is lost, which the manifest \
             leaves to others: declare spec.desiredCount (live: {}); {by_hand}",
            live.int(DESIRED_COUNT).unwrap_or(0)
        )),
        ReplaceHow::StartFirst | ReplaceHow::StopFirst => None,
    }
}

fn counts_by_others(object: &Object) -> bool {
    object.spec.get(DESIRED_COUNT).is_none() && !service::is_daemon(&object.spec)
}

/// `launchType (live "FARGATE", in Git "EC2")`.
fn values(object: &Object, live: &Tree, member: &str) -> String {
    let value = |tree: &Tree| tree.get(member).map_or_else(|| "absent".to_owned(), json::write);
    format!("{member} (live {}, in Git {})", value(live), value(&object.spec))
}

/// `web-2` after `web`, `web-3` after `web-2`.
fn next_name(name: &str) -> String {
    let counted = name.rsplit_once('-').and_then(|(stem, number)| Some((stem, number.parse::<u32>().ok()?)));
    match counted {
        Some((stem, number)) => format!("{stem}-{}", number.saturating_add(1)),
        None => format!("{name}-2"),
    }
}

/// It is not to be replaced: what people scale meanwhile is scaled all the same.
fn not_permitted(
    object: &Object,
    facts: &Facts<'_>,
    shown: &Tree,
    mut change: Change,
    message: String,
) -> Result<Plan, Need> {
    let scales = !service::is_daemon(shown) && !service::is_daemon(&object.spec);
    change.in_place.retain(|member| scales && member == DESIRED_COUNT);
    (change.missing_tags, change.said) = (Vec::new(), None);
    settle(object, facts, shown, change, Some(Verdict::Blocked(Reason::ReplacementNeeded, message)))
}

fn blocked(differences: Vec<Difference>, message: String) -> Plan {
    super::blocked(differences, Reason::ReplacementNeeded, message)
}

/// Takes the members out of what is to be brought about; told of where drift is.
fn leave(object: &Object, change: &mut Change, replaced: &[String]) {
    let is_left = |one: &Difference| replaced.iter().any(|member| member == one.member());
    let (left, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut change.differences).into_iter().partition(is_left);
    change.differences = rest;
    if object.reconcile.drift == Drift::Warn {
        change.told.extend(left);
    }
}

/// How far a service is on its way down.
enum Down {
    Drain(Vec<Step>),
    /// So many tasks have not stopped yet.
    Stopping(String, i64),
    Delete(Step),
    /// ECS has it DRAINING.
    Going(String),
}

impl Down {
    /// What is due to take the service down, with a note before the first call.
    fn of(object: &Object, shown: &Tree, note: Option<&Succession>) -> Self {
        let (old, count) = (name(shown), |member: &str| shown.int(member).unwrap_or(0));
        if is(shown, "DRAINING") {
            return Self::Going(old.to_owned());
        }
        if !service::is_daemon(shown) {
            if count(DESIRED_COUNT) > 0 {
                let drain = Step::new(
                    succession::drain(object, old),
                    StepEffect::Drains,
                    format!("{old} goes, and its tasks with it"),
                );
                let noted = note.zip(shown.text("serviceArn"));
                let noted =
                    noted.map(|(note, arn)| memory_step(arn, vec![note.tag()], "the replacement is written down"));
                return Self::Drain(noted.into_iter().chain([drain]).collect());
            }
            let left = count("runningCount") + count("pendingCount");
            if left > 0 {
                return Self::Stopping(old.to_owned(), left);
            }
        }
        let why = format!("another service takes the place of {old}");
        Self::Delete(Step::new(succession::delete(object, old), StepEffect::Deletes, why))
    }

    /// Of several, the first with something to do; else one that is waited for.
    fn next(mut all: Vec<Self>) -> Self {
        let due = all.iter().position(|down| matches!(down, Self::Drain(_) | Self::Delete(_)));
        let place = due.unwrap_or(0);
        if place < all.len() { all.swap_remove(place) } else { Self::Going(String::new()) }
    }

    fn act(&self) -> Act {
        match self {
            Self::Drain(_) => Act::Drain,
            Self::Stopping(..) => Act::Stopped,
            Self::Delete(_) => Act::Delete,
            Self::Going(_) => Act::Gone,
        }
    }

    /// The plan for this, as far as what is to run is registered.
    fn plan(self, replacement: &Replacement, wanted: &Wanted<'_>) -> Plan {
        let waits = |what: String| {
            let message = format!("{}; {what}", replacement.story());
            Plan::of(Verdict::Waiting(Reason::Replacing, message))
        };
        let steps = match self {
            Self::Stopping(old, left) => return waits(format!("{left} tasks of {old} have not stopped yet")),
            Self::Going(old) => return waits(format!("{old} is being deleted")),
            Self::Drain(steps) => steps,
            Self::Delete(step) => vec![step],
        };
        let late = wanted.late();
        let steps = steps.into_iter().map(|step| Step { late: late.clone(), ..step }).collect();
        Plan::due(steps, Vec::new())
    }
}
