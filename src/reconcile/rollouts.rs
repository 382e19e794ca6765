//! Tells the metrics, the log and the history of drift, of what was made, and of rollouts that ended. Must not know: what
//! is done about them.

use crate::kinds::{Kind, Object, service, task_definition};
use crate::plan::{HELD, Plan, Reason, Step, StepEffect, Verdict};
use crate::shape::Tree;
use crate::status::{Happening, What};
use crate::telemetry::{RolloutEnded, RolloutResult};

use super::history;
use super::pass::{Memory, Shared};

/// What this plan says that the last one did not.
pub fn tell(shared: &Shared, object: &Object, plan: &Plan, memory: &mut Memory) {
    if memory.drifted {
        let paths: Vec<String> = plan.differences.iter().map(|one| one.path.to_string()).collect();
        shared.metrics.drift_detected(&object.key, &paths);
    }
    memory.drift = history::drift(plan, memory.drifted, &memory.drift);
    memory.converged = plan.verdict == Verdict::Converged;
    if object.key.kind == Kind::Service {
        follow(shared, object, plan, memory);
    }
}

/// What a standby sees, and the leader tells.
pub fn watched(plan: &Plan, memory: &mut Memory) {
    memory.converged = plan.verdict == Verdict::Converged;
    memory.rolling_since = None;
}

/// The plan's steps were made.
pub fn made(shared: &Shared, object: &Object, plan: &Plan, memory: &mut Memory) {
    if plan.steps.iter().any(|step| starts_rollout(object, step)) {
        ended(shared, object, memory, RolloutResult::Superseded, "");
        memory.rolling_since = Some(shared.clock.now());
    }
    let now = shared.clock.now();
    let happened = plan.steps.iter().filter_map(|step| told(shared, object, plan, step, &memory.drift));
    let happened: Vec<Happening> = happened.map(|(what, detail)| Happening::new(now, what, detail)).collect();
    memory.happened.extend(happened);
    if plan.steps.iter().any(|step| matches!(step.effect, StepEffect::InPlace | StepEffect::Deploys)) {
        memory.drift.clear();
    }
}

fn starts_rollout(object: &Object, step: &Step) -> bool {
    match step.effect {
        StepEffect::Deploys => true,
        // What others deploy is no rollout of ours.
        StepEffect::Create => object.key.kind == Kind::Service && service::controller(&object.spec) == service::ECS,
        StepEffect::Register
        | StepEffect::Tags
        | StepEffect::Memory
        | StepEffect::Adopt
        | StepEffect::InPlace
        | StepEffect::Drains
        | StepEffect::Deletes => false,
    }
}

/// What a step that was made means to people; our own notes mean nothing to them.
fn told(shared: &Shared, object: &Object, plan: &Plan, step: &Step, drift: &[String]) -> Option<(What, String)> {
    if starts_rollout(object, step) {
        let runs = step.call.input.get("taskDefinition").and_then(Tree::as_text);
        let why = match step.effect {
            StepEffect::Create => "created".to_owned(),
            _ if plan.drift => format!("drift of {}", drift.join(", ")),
            _ => step.reason.clone(),
        };
        let detail = runs.map_or(why.clone(), |runs| format!("{}: {why}", runs.rsplit('/').next().unwrap_or(runs)));
        return Some((What::RolloutBegan, detail));
    }
    match step.effect {
        StepEffect::Create => Some((What::Created, String::new())),
        StepEffect::Register => {
            let content = (object.key.clone(), task_definition::content_hash(object));
            Some((What::Registered, shared.known().revisions.get(&content).cloned().unwrap_or_default()))
        }
        StepEffect::InPlace if !drift.is_empty() => Some((What::DriftHealed, drift.join(", "))),
        StepEffect::InPlace => Some((What::Changed, step.reason.clone())),
        StepEffect::Adopt => Some((What::Changed, step.reason.clone())),
        StepEffect::Tags | StepEffect::Memory | StepEffect::Deploys => None,
        StepEffect::Drains | StepEffect::Deletes => Some((What::Deleted, step.reason.clone())),
    }
}

fn follow(shared: &Shared, object: &Object, plan: &Plan, memory: &mut Memory) {
    let (result, cause) = match &plan.verdict {
        Verdict::Converged | Verdict::Settling(_) => (RolloutResult::Completed, ""),
        Verdict::Blocked(Reason::RolledBack, cause) => (RolloutResult::RolledBack, cause.as_str()),
        Verdict::Blocked(Reason::RolloutFailed, cause) => (RolloutResult::Failed, cause.as_str()),
        Verdict::Blocked(Reason::RolloutTimedOut, cause) => (RolloutResult::TimedOut, cause.as_str()),
        Verdict::Blocked(Reason::Overridden, cause) => (RolloutResult::Superseded, cause.as_str()),
        Verdict::Rolling(_) => {
            // Begun before this process was.
            memory.rolling_since.get_or_insert(shared.clock.now());
            return;
        }
        Verdict::Due | Verdict::Waiting(..) | Verdict::Blocked(..) => return,
    };
    ended(shared, object, memory, result, cause);
}

fn ended(shared: &Shared, object: &Object, memory: &mut Memory, result: RolloutResult, cause: &str) {
    if let Some(since) = memory.rolling_since.take() {
        let now = shared.clock.now();
        let duration = now.since(since);
        shared.metrics.rollout_ended(&RolloutEnded { key: &object.key, result, cause, duration });
        let what = match result {
            RolloutResult::Completed => What::RolloutCompleted,
            RolloutResult::RolledBack => What::RolloutRolledBack,
            RolloutResult::Failed => What::RolloutFailed,
            RolloutResult::TimedOut => What::RolloutTimedOut,
            RolloutResult::Superseded => What::RolloutSuperseded,
        };
        let detail = cause.strip_suffix(HELD).unwrap_or(cause).trim_end_matches([' ', '.']);
        let took_seconds = Some(duration.as_secs());
        memory.happened.push(Happening { took_seconds, ..Happening::new(now, what, detail) });
    }
}
