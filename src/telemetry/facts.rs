//! What happens, told once: each function writes the log line and the counters of one fact. Must not know: why.
//!
//! Durations are arguments, measured by whoever has the clock. Nothing here takes a spec, a diff or an answer of AWS:
//! those can hold secrets.

use std::time::Duration;

use tracing::{debug, error, info, warn};

use super::labels::{
    Action, CacheResult, CallOutcome, LoadResult, PassResult, PreflightResult, Priority, Reason, RolloutResult,
    SourceEvent, Stage,
};
use super::metrics::{Metrics, count, set, set_one, time};
use crate::kinds::Key;

/// A read of the directory has ended.
#[derive(Clone, Copy, Debug)]
pub struct SourceLoaded<'a> {
    pub result: LoadResult,
    /// Of the snapshot read; empty when there is none.
    pub revision: &'a str,
    pub accepted: usize,
    pub rejected: usize,
    pub duration: Duration,
    /// What was wrong; empty when nothing was.
    pub message: &'a str,
}

/// A pass over one object has ended.
#[derive(Clone, Copy, Debug)]
pub struct PassEnded<'a> {
    pub key: &'a Key,
    pub reason: Reason,
    pub result: PassResult,
    /// The category of the error, where there was one.
    pub category: Option<&'static str>,
    /// What people should know; empty when nothing.
    pub message: &'a str,
    /// Calls made that change something.
    pub changes: usize,
    pub revision: &'a str,
    pub duration: Duration,
}

/// A call to AWS has ended.
#[derive(Clone, Copy, Debug)]
pub struct CallEnded<'a> {
    pub service: &'static str,
    pub operation: &'static str,
    pub outcome: CallOutcome,
    /// AWS's name of the error; empty when there is none. Never its message, which can repeat what was sent.
    pub code: &'a str,
    pub duration: Duration,
    /// How long it waited for the operator's own API budget before.
    pub waited: Duration,
}

/// A rollout has ended.
#[derive(Clone, Copy, Debug)]
pub struct RolloutEnded<'a> {
    pub key: &'a Key,
    pub result: RolloutResult,
    /// Why it failed; empty when it did not.
    pub cause: &'a str,
    pub duration: Duration,
}

/// The source.
impl Metrics {
    /// Something made the directory be looked at.
    pub fn source_event(&self, event: SourceEvent) {
        debug!(target: "ecs_operator::source", kind = event.as_str(), "the directory may have changed");
        count(&self.source_events, &[event.as_str()]);
    }

    /// A read of the directory has ended.
    pub fn source_loaded(&self, load: &SourceLoaded<'_>) {
        let SourceLoaded { result, revision, accepted, rejected, duration, message } = *load;
        let (label, duration_ms) = (result.as_str(), millis(duration));
        match result {
            LoadResult::Loaded => {
                info!(target: "ecs_operator::source", revision, accepted, rejected, duration_ms, "a revision is in force");
            }
            LoadResult::Unchanged => {
                debug!(target: "ecs_operator::source", revision, duration_ms, "the revision in force is the newest");
            }
            LoadResult::Invalid | LoadResult::Unreadable => warn!(
                target: "ecs_operator::source",
                result = label, revision, accepted, rejected, duration_ms, problem = message,
                "the directory has problems; what was good stays in force"
            ),
        }
        count(&self.source_loads, &[label]);
        self.source_load_duration.observe(duration.as_secs_f64());
    }
}

/// The loop.
impl Metrics {
    /// How many workers there are.
    pub fn workers(&self, max: usize) {
        info!(target: "ecs_operator::reconcile", workers = max, "the loop begins");
        set_one(&self.workers_max, max);
    }

    /// A worker has taken a pass in hand; the key had been due for `wait`.
    pub fn pass_began(&self, key: &Key, priority: Priority, wait: Duration) {
        debug!(target: "ecs_operator::reconcile", key = %key.short(), wait_ms = millis(wait), "pass begins");
        time(&self.queue_wait, &[priority.as_str()], wait);
        self.workers_active.inc();
    }

    /// A pass that had begun has ended, however.
    pub fn pass_ended(&self, pass: &PassEnded<'_>) {
        let PassEnded { key, reason, result, category, message, changes, revision, duration } = *pass;
        let (key, label, reason, duration_ms) = (key.short(), result.as_str(), reason.as_str(), millis(duration));
        macro_rules! line {
            ($level:ident) => {
                $level!(
                    target: "ecs_operator::reconcile",
                    key, reason, result = label, category, changes, revision, duration_ms, detail = message, "pass ended"
                )
            };
        }
        match result {
            PassResult::Unchanged | PassResult::Waiting | PassResult::Suspended | PassResult::Blocked => line!(debug),
            PassResult::Changed => line!(info),
            PassResult::Retry | PassResult::Timeout => line!(warn),
            PassResult::Terminal | PassResult::Panic => line!(error),
        }
        count(&self.reconcile, &[label]);
        self.reconcile_duration.observe(duration.as_secs_f64());
        if let Some(category) = category {
            count(&self.reconcile_errors, &[category]);
        }
        self.workers_active.dec();
    }

    /// A service of ours, as `cluster/name`, has no manifest any more.
    pub fn orphan_found(&self, service: &str) {
        warn!(target: "ecs_operator::reconcile", service, "no manifest declares this service of ours; it is left as it is");
    }

    /// An object has another story than before: told once, however often it is looked at.
    pub fn story_changed(&self, key: &Key, ready: bool, degraded: bool, reason: &str, message: &str) {
        let key = key.short();
        if degraded {
            warn!(target: "ecs_operator::reconcile", key, ready, reason, detail = message, "not as it should be");
        } else {
            info!(target: "ecs_operator::reconcile", key, ready, reason, detail = message, "object");
        }
    }

    /// One stage of a pass has ended.
    pub fn stage_ended(&self, stage: Stage, duration: Duration) {
        time(&self.reconcile_stage_duration, &[stage.as_str()], duration);
    }

    /// A key was queued.
    pub fn queued(&self, key: &Key, reason: Reason) {
        debug!(target: "ecs_operator::reconcile", key = %key.short(), reason = reason.as_str(), "queued");
        count(&self.queue_adds, &[reason.as_str()]);
    }

    /// So many keys of that lane are due now.
    pub fn queue_depth(&self, priority: Priority, depth: usize) {
        set(&self.queue_depth, &[priority.as_str()], depth);
    }
}

/// What is asked of AWS.
impl Metrics {
    /// A call to AWS has ended.
    pub fn call_ended(&self, call: &CallEnded<'_>) {
        let CallEnded { service, operation, outcome, code, duration, waited } = *call;
        let (label, duration_ms, waited_ms) = (outcome.as_str(), millis(duration), millis(waited));
        macro_rules! line {
            ($level:ident) => {
                $level!(
                    target: "ecs_operator::aws",
                    service, operation, outcome = label, code, duration_ms, waited_ms, "call ended"
                )
            };
        }
        // That something is not there is an answer like any other.
        if matches!(outcome, CallOutcome::Ok | CallOutcome::NotFound) {
            line!(debug)
        } else {
            line!(info)
        }
        count(&self.aws_calls, &[service, operation, label]);
        time(&self.aws_call_duration, &[service], duration);
        self.aws_wait.inc_by(waited.as_secs_f64());
    }

    /// One describing call asks for so many objects.
    pub fn batch_sent(&self, size: usize) {
        self.batch_size.observe(size as f64);
    }

    /// The cache of observations was asked.
    pub fn cache_asked(&self, result: CacheResult) {
        count(&self.cache_requests, &[result.as_str()]);
    }
}

/// What becomes of objects.
impl Metrics {
    /// It was looked at whether what is due for an object can work.
    pub fn preflight_ended(&self, key: &Key, result: PreflightResult) {
        debug!(target: "ecs_operator::preflight", key = %key.short(), result = result.as_str(), "looked ahead");
        count(&self.preflights, &[result.as_str()]);
    }

    /// AWS does not let us look at what rollouts stand on: they go on, and what is not known is told as such.
    pub fn preflight_blind(&self, operation: &str, code: &str) {
        warn!(target: "ecs_operator::preflight", operation, code, "preflight can't look; rollouts go on without");
        self.preflight_blind.inc();
    }

    /// AWS has taken a change.
    pub fn change_applied(&self, key: &Key, action: Action) {
        info!(target: "ecs_operator::reconcile", key = %key.short(), action = action.as_str(), "applied");
        count(&self.changes, &[action.as_str()]);
    }

    /// It could not be seen what uses a task definition's revisions, or one could not be deregistered: all stay for now.
    pub fn retention_failed(&self, key: &Key, error: &str) {
        warn!(target: "ecs_operator::reconcile", key = %key.short(), error, "old revisions stay for now");
    }

    /// An object was found changed by someone else; `paths` are names of fields, never their values.
    pub fn drift_detected(&self, key: &Key, paths: &[String]) {
        info!(target: "ecs_operator::reconcile", key = %key.short(), paths = %paths.join(","), "drift");
        self.drift.inc();
    }

    /// Tasks of a rollout that fails, or has failed, were asked why they stopped; `why` is what they say, without secrets.
    pub fn tasks_stopped(&self, key: &Key, task_definition: &str, why: &str) {
        let key = key.short();
        warn!(target: "ecs_operator::rollout", key, task_definition, why, "its tasks stopped");
    }

    /// They could not be asked; ECS's own words are told without.
    pub fn tasks_unread(&self, key: &Key, category: &str) {
        debug!(target: "ecs_operator::rollout", key = %key.short(), category, "stopped tasks can't be read");
    }

    /// A rollout has ended.
    pub fn rollout_ended(&self, rollout: &RolloutEnded<'_>) {
        let RolloutEnded { key, result, cause, duration } = *rollout;
        let (key, label, duration_ms) = (key.short(), result.as_str(), millis(duration));
        match result {
            RolloutResult::Completed | RolloutResult::Superseded => {
                info!(target: "ecs_operator::rollout", key, result = label, duration_ms, "rollout ended");
            }
            RolloutResult::Failed | RolloutResult::RolledBack | RolloutResult::TimedOut => {
                warn!(target: "ecs_operator::rollout", key, result = label, cause, duration_ms, "rollout ended");
            }
        }
        count(&self.rollouts, &[label]);
        self.rollout_duration.observe(duration.as_secs_f64());
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
