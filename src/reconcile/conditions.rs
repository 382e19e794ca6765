//! Where an object stands, as conditions: one function, so that no two tell different stories.

use crate::plan::{HELD, Reason, Verdict};
use crate::shape::Time;

use super::pass::Ended;
use crate::status::{Condition, ConditionType, ObjectStatus};

/// Brings the conditions up to date; what does not change keeps the time since when it holds.
pub fn update(status: &mut ObjectStatus, ended: &Ended, now: Time) {
    let story = Story::of(ended);
    for kind in ConditionType::ALL {
        let (value, reason, message) = story.tell(kind);
        let old = status.conditions.get(kind);
        let since = old.filter(|old| old.status == Some(value)).map_or(now, |old| old.since);
        status.conditions.insert(kind, Condition { status: Some(value), reason: reason.into(), message, since });
    }
    status.suspended = story.reason == Reason::Suspended.as_str();
}

/// Adds what the tasks say to what ECS says.
pub fn because(status: &mut ObjectStatus, said: &str) {
    for condition in status.conditions.values_mut() {
        let (message, end) = match condition.message.strip_suffix(HELD) {
            Some(message) => (message.trim_end_matches([' ', '.']), format!(". {HELD}")),
            None => (condition.message.as_str(), String::new()),
        };
        let gap = if message.is_empty() { "" } else { "; " };
        condition.message = format!("{message}{gap}the tasks: {said}{end}");
    }
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
            Ended::Applied { adopted: true, .. } => {
                plain(Reason::Adopted.as_str(), "it became ours, by its tags alone; it is looked at again")
            }
            Ended::Applied { adopted: false, .. } => plain("Applying", "changes were made"),
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

/// Every reason a condition can have: what it means, and what to do where something is to be done.
pub const REASONS: &[(&str, &str)] = &[
    (
        "AccessDenied",
        "AWS refuses: grant the operator's role the action that the message names. Writing is tried again after 5 minutes.",
    ),
    (
        "Adopted",
        "It became ours as it was found. Where the message names members: they have left their defaults and no manifest declares them, so they stay; declare them, either way.",
    ),
    ("Applying", "Changes were made; their effect is not seen yet."),
    ("ClusterAbsent", "The service's cluster does not exist and has no manifest: declare it, or create it."),
    ("Conflict", "Somebody else is at it, or AWS has not caught up with itself: looked at again."),
    (
        "Contended",
        "Somebody changes a member back each time it is healed: healed ever more seldom, at most every 5 minutes, until the other stops or Git says who it belongs to (reconcile.ignore).",
    ),
    ("Converged", "Live state is the desired state, and healthy."),
    ("DependencyNotReady", "The cluster or task definition it builds on is not there yet."),
    ("Draining", "It is being deleted and its tasks still drain; it is created anew afterwards."),
    ("DriftKept", "Live state differs from Git, and reconcile.drift is Warn: it is told of and left."),
    (
        "DriftPersists",
        "What was written does not last, or does not show: not written again. Somebody else may be writing, or AWS shows it in another form.",
    ),
    ("DriftSeen", "A rollout is due that no change in Git asks for; the round is looked at as a whole first."),
    (
        "ForeignController",
        "CodeDeploy, or task sets, deploy the service, and the message says what differs: deploy it there, or declare deploymentController: { type: ECS } to take over.",
    ),
    ("Invalid", "AWS refuses the call as it is: mend the manifest. Writing is tried again after an hour."),
    ("LegacyArn", "The service has the old short ARN, which can't be tagged: recreate it."),
    (
        "LookupUnobserved",
        "EC2 could not be asked what the selector terms match: nothing is created or deployed before it can; what runs is left alone, and changes in place are made.",
    ),
    (
        "LookupUnresolved",
        "The selector terms match nothing that ECS would take: nothing is created or deployed. The message says what there is.",
    ),
    ("MassChange", "Drift would redeploy too many services at once: any commit lets it go on."),
    ("Network", "AWS was not reached; tried again."),
    ("NotFound", "Something that the call names is not there."),
    (
        "NotInPlan",
        "Something moved while a plan file was applied: what follows from that is not in the file, and not made. Plan anew.",
    ),
    (
        "NotOwned",
        "It belongs to another owner, or to nobody: it is not touched. The message says what hands it over: reconcile.adopt, --take-over, or a tag.",
    ),
    ("Overridden", "Someone else deployed: left alone for an hour (--grace), or until Git changes."),
    ("Panic", "The pass ended by a fault of the program; please report it."),
    ("Pending", "Changes are due, and not made: with --observe they never are."),
    (
        "PreflightBlocked",
        "What is due can't work as it stands: the message says why, and what would; `ecs-operator preflight` shows all. Nothing is written but what changes in place. reconcile.preflight: Warn lets it go on.",
    ),
    (
        "PreflightWaiting",
        "What is due has no room now: addresses or instances are short, or a gateway is not available yet. Looked at again until it has. reconcile.preflight: Warn lets it go on.",
    ),
    (
        "ReplacementNeeded",
        "AWS can't change this in place, and Git does not permit what could: the message says which member it is, what to write under reconcile.replace, and what to do by hand. Scaling goes on meanwhile.",
    ),
    (
        "Replacing",
        "One service takes the place of another, step by step, as reconcile.replace permits; `plan` shows how far it is.",
    ),
    (
        "RolledBack",
        "The deployment failed and is held: not tried again until Git asks for something else, or for the same with another reconcile.restartedAt.",
    ),
    ("RolloutFailed", "ECS gave the deployment up, and there was nothing to roll back to. Held like RolledBack."),
    ("RolloutInProgress", "ECS deploys, within the bounds."),
    ("RolloutLimit", "As many services roll as may at once (--rollouts); it is next."),
    ("RolloutTimedOut", "The rollout is not done within reconcile.rollout.progressDeadline; ECS may still be at it."),
    ("Server", "AWS had a fault of its own; tried again."),
    ("Settling", "ECS replaces, adds or takes away tasks, or gets the object ready."),
    ("SharedAbsent", "It does not exist, and reconcile.adopt is Shared: whoever keeps it creates it."),
    (
        "Standby",
        "Changes are due, and another replica leads: it makes them. A standby looks again once a round (--resync).",
    ),
    ("Suspended", "The tag ecs-operator/suspend is set on the service or its cluster: nothing is written."),
    ("Throttled", "AWS asks for fewer calls; tried again, slower."),
    ("Timeout", "AWS did not answer in time; looked at again before anything is decided."),
    ("Unobserved", "It could not be looked at, or the answer is older than our last write: nothing is planned on it."),
];

/// It runs, but not what Git says.
const DEGRADING: [Reason; 9] = [
    Reason::Adopted,
    Reason::Contended,
    Reason::DriftKept,
    Reason::RolledBack,
    Reason::RolloutFailed,
    Reason::RolloutTimedOut,
    Reason::Overridden,
    Reason::DriftPersists,
    Reason::MassChange,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Reason;

    #[test]
    fn what_the_tasks_say_stands_between_what_ecs_says_and_what_follows() {
        for (message, expected) in [
            (format!("web:2 failed: breaker. {HELD}"), format!("web:2 failed: breaker; the tasks: gone. {HELD}")),
            ("not done in time; late".to_owned(), "not done in time; late; the tasks: gone".to_owned()),
            (String::new(), "the tasks: gone".to_owned()),
        ] {
            let mut status = ObjectStatus::default();
            update(&mut status, &Ended::Stands(Verdict::Blocked(Reason::RolledBack, message)), Time(1));
            because(&mut status, "gone");
            assert!(status.conditions.iter().all(|(_, one)| one.message == expected), "{:?}", status.conditions);
        }
    }

    #[test]
    fn every_reason_is_explained_and_in_order() {
        let told: Vec<&str> = REASONS.iter().map(|(reason, _)| *reason).collect();
        assert!(told.is_sorted(), "{told:?}");
        for reason in Reason::ALL.map(Reason::as_str) {
            assert!(told.contains(&reason), "{reason}");
        }
        for plain in ["Converged", "Applying", "Pending", "RolloutInProgress", "Settling", "DriftSeen", "Panic"] {
            assert!(told.contains(&plain), "{plain}");
        }
        for category in crate::aws::CATEGORIES {
            assert!(told.contains(&category), "{category}");
        }
    }
}
