//! How it is told where a service stands, and why something is not done. Must not know: what is done.

use super::super::{Facts, Need, Plan, Reason, Resolution, Verdict};
use super::{Change, settle};
use crate::kinds::drift::Drift;
use crate::kinds::tags::Attempt;
use crate::kinds::{Difference, Object, Observed, secrets};
use crate::rollout::{self, Entry, Progress, shift};
use crate::shape::{Path, Tree};

/// How a failed attempt is told of, in the end.
pub const HELD: &str =
    "It is not tried again until Git asks for something else, or for the same with another reconcile.restartedAt";

pub(super) fn held(
    object: &Object,
    facts: &Facts<'_>,
    shown: &Tree,
    change: Change,
    tried: &Attempt,
    reason: &str,
) -> Result<Plan, Need> {
    let parts = [Some(reason.to_owned()), rollout::telling_event(shown)].into_iter().flatten();
    let told: Vec<String> = parts.map(|part| redacted(object, facts, part.trim_end_matches('.'))).collect();
    let message = format!("{} failed: {}. {HELD}", tried.task_definition, told.join("; "));
    settle(object, facts, shown, change, Some(Verdict::Blocked(Reason::RolledBack, message)))
}

/// Someone else's deployment is told of and not reverted.
pub(super) fn left_alone(
    object: &Object,
    facts: &Facts<'_>,
    shown: &Tree,
    change: Change,
    by: &Entry,
) -> Result<Plan, Need> {
    let left = facts.grace.saturating_sub(facts.date.since(by.created_at)).as_secs().div_ceil(60);
    let message = format!(
        "someone deployed {} at {}; left alone for {left} more minutes, or until Git changes",
        by.task_definition, by.created_at
    );
    settle(object, facts, shown, change, Some(Verdict::Blocked(Reason::Overridden, message)))
}

/// What would have to be deployed is drift, and left: told of, or not even that.
pub(super) fn drift_left(object: &Object, facts: &Facts<'_>, shown: &Tree, mut change: Change) -> Result<Plan, Need> {
    let deploys = |one: &Difference| {
        one.path == Path::from("taskDefinition") || change.deploying.iter().any(|name| name == one.member())
    };
    let (deploying, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut change.differences).into_iter().partition(deploys);
    change.differences = rest;
    if object.reconcile.drift == Drift::Warn {
        change.told.extend(deploying);
    }
    settle(object, facts, shown, change, None)
}

/// What ECS says of a rollout, without what it may repeat of the task definition: "exec: \"COMMAND\": not found".
fn redacted(object: &Object, facts: &Facts<'_>, said: &str) -> String {
    let said = secrets::redact(&object.spec, said);
    match &facts.task_definition {
        Resolution::Realised { object: Some(runs), .. } | Resolution::Late { object: runs, .. } => {
            secrets::redact(&runs.spec, &said)
        }
        Resolution::Realised { object: None, .. } | Resolution::NotNeeded | Resolution::Missing(_) => said,
    }
}

/// Where the live deployment stands.
pub(super) fn stands(object: &Object, facts: &Facts<'_>, shown: &Tree) -> Result<Verdict, Need> {
    let verdict = match rollout::progress(shown, object.reconcile.progress_deadline, facts.date) {
        Progress::Steady => facts.held.cloned().unwrap_or(Verdict::Converged),
        Progress::Settling { running, desired } => Verdict::Settling(format!("{running} of {desired} tasks run")),
        Progress::Rolling { running, desired } => {
            let stage = stage(facts, shown)?.map_or(String::new(), |stage| format!("; {stage}"));
            Verdict::Rolling(format!("deploying: {running} of {desired} new tasks run{stage}"))
        }
        Progress::Failed { cause, timed_out: true } => {
            Verdict::Blocked(Reason::RolloutTimedOut, redacted(object, facts, &cause))
        }
        Progress::Failed { cause, timed_out: false } => {
            Verdict::Blocked(Reason::RolloutFailed, redacted(object, facts, &cause))
        }
    };
    Ok(verdict)
}

/// At which stage a deployment is that shifts traffic; none with other strategies.
fn stage(facts: &Facts<'_>, shown: &Tree) -> Result<Option<String>, Need> {
    let current = shown.text("currentServiceDeployment").filter(|_| shift::is_chosen(shown));
    let Some(arn) = current else { return Ok(None) };
    match facts.answers.deployment.as_ref().ok_or_else(|| Need::Deployment(arn.to_owned()))? {
        Observed::Present(deployment) => Ok(shift::story(deployment)),
        Observed::Absent => Ok(None),
        Observed::Unknown(why) => Ok(Some(format!("its stage is not known: {why}"))),
    }
}
