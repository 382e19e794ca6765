//! Where an object stands, as conditions: one function, so that no two tell different stories.

use crate::plan::{Reason, Verdict};
use crate::shape::Time;

use super::pass::Ended;
use crate::status::{Condition, ConditionType, ObjectStatus};

/// Brings the conditions up to date; what does not change keeps the time since when it holds.
pub fn update(status: &mut ObjectStatus, ended: &Ended, now: Time) {
    let story = Story::of(ended);
    for kind in ConditionType::ALL {
        let (value, reason, message) = story.tell(kind);
        let old = status.conditions.get(&kind);
        let since = old.filter(|old| old.status == Some(value)).map_or(now, |old| old.since);
        status.conditions.insert(kind, Condition { status: Some(value), reason: reason.into(), message, since });
    }
    status.suspended = story.reason == Reason::Suspended.as_str();
    status.last_reconcile = Some(now);
}

struct Story {
    ready: bool,
    reconciling: bool,
    stalled: bool,
    degraded: bool,
    reason: &'static str,
    message: String,
}

impl Story {
    fn of(ended: &Ended) -> Self {
        let plain = |reason, message: &str| Self {
            ready: false,
            reconciling: true,
            stalled: false,
            degraded: false,
            reason,
            message: message.to_owned(),
        };
        match ended {
            Ended::Stands(Verdict::Converged) => Self { ready: true, reconciling: false, ..plain("Converged", "") },
            Ended::Applied { .. } => plain("Applying", "changes were made"),
            Ended::Stands(Verdict::Due) => Self { reconciling: false, ..plain("Pending", "changes are due") },
            Ended::Stands(Verdict::Rolling(message)) => plain("RolloutInProgress", message),
            // Fewer tasks than wanted is not as it should be, even if ECS is at it.
            Ended::Stands(Verdict::Settling(message)) => Self { degraded: true, ..plain("Settling", message) },
            Ended::Stands(Verdict::Waiting(reason, message)) => plain(reason.as_str(), message),
            Ended::Drifted => {
                plain("DriftSeen", "a rollout is due that nobody asked for; the round is looked at as a whole")
            }
            Ended::Stands(Verdict::Blocked(reason, message)) => {
                let degraded = DEGRADING.contains(reason);
                Self { reconciling: false, stalled: true, degraded, ..plain(reason.as_str(), message) }
            }
            Ended::Resting(failure) => {
                Self { reconciling: false, stalled: true, ..plain(failure.category, &failure.message) }
            }
            Ended::Failed(failure) if failure.retried => plain(failure.category, &failure.message),
            Ended::Failed(failure) => {
                Self { reconciling: false, stalled: true, ..plain(failure.category, &failure.message) }
            }
        }
    }

    fn tell(&self, kind: ConditionType) -> (bool, &'static str, String) {
        let value = match kind {
            ConditionType::Ready => self.ready,
            ConditionType::Reconciling => self.reconciling,
            ConditionType::Stalled => self.stalled,
            ConditionType::Degraded => self.degraded,
        };
        (value, self.reason, self.message.clone())
    }
}

/// It runs, but not what Git says.
const DEGRADING: [Reason; 6] = [
    Reason::RolledBack,
    Reason::RolloutFailed,
    Reason::RolloutTimedOut,
    Reason::Overridden,
    Reason::DriftPersists,
    Reason::MassChange,
];
