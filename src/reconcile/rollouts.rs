//! Tells the metrics and the log of drift, and of rollouts that ended. Must not know: what is done about them.

use crate::kinds::{Kind, Object};
use crate::plan::{Plan, Reason, StepEffect, Verdict};
use crate::telemetry::{RolloutEnded, RolloutResult};

use super::pass::{Memory, Shared};

/// What this plan says that the last one did not.
pub fn tell(shared: &Shared, object: &Object, plan: &Plan, memory: &mut Memory) {
    if memory.drifted {
        let paths: Vec<String> = plan.differences.iter().map(|one| one.path.to_string()).collect();
        shared.metrics.drift_detected(&object.key, &paths);
    }
    memory.converged = plan.verdict == Verdict::Converged;
    if object.key.kind == Kind::Service {
        follow(shared, object, plan, memory);
    }
}

/// A step that starts a rollout was made.
pub fn started(shared: &Shared, object: &Object, plan: &Plan, memory: &mut Memory) {
    let starts = |effect: StepEffect| match effect {
        StepEffect::Deploys => true,
        StepEffect::Create => object.key.kind == Kind::Service,
        StepEffect::Register | StepEffect::Tags | StepEffect::InPlace | StepEffect::Drains | StepEffect::Deletes => {
            false
        }
    };
    if plan.steps.iter().any(|step| starts(step.effect)) {
        ended(shared, object, memory, RolloutResult::Superseded, "");
        memory.rolling_since = Some(shared.clock.now());
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
        let duration = shared.clock.now().since(since);
        shared.metrics.rollout_ended(&RolloutEnded { key: &object.key, result, cause, duration });
    }
}
