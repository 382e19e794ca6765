//! What is told of an object's past: its rollout as a timeline, its drift, what was in its way. Must not know: what a
//! pass does, who reads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::kinds::Key;
use crate::plan::{Plan, Reason, Verdict};
use crate::rollout::{RolloutStatus, Timeline};
use crate::shape::Time;
use crate::status::{ConditionType, DRIFT_MAX, Happening, ObjectStatus, TIMELINES_MAX, What};

/// The members that drift, by the newest plan; `before` are those by the plan before, `drifted` says that something
/// differs that was as it should be.
pub fn drift(plan: &Plan, drifted: bool, before: &[String]) -> Vec<String> {
    let asked_for_by_nobody = drifted
        || plan.drift
        || matches!(plan.verdict, Verdict::Blocked(Reason::DriftKept | Reason::DriftPersists | Reason::Overridden, _));
    let paths = plan.differences.iter().map(|one| one.path.to_string());
    paths.filter(|path| asked_for_by_nobody || before.contains(path)).take(DRIFT_MAX).collect()
}

/// Takes a look at a service into the timeline of its rollout; `status` shows the look before. Whether it is a new one.
pub fn follow(status: &mut ObjectStatus, rollout: &RolloutStatus) -> bool {
    match &mut status.timeline {
        Some(timeline) if !timeline.over => {
            // Copies of the status that people read keep what they have.
            Arc::make_mut(timeline).see(rollout);
            false
        }
        _ if rollout.is_rolling() => {
            status.timeline = Some(Arc::new(Timeline::begin(status.rollout.as_deref(), rollout)));
            true
        }
        _ => false,
    }
}

/// Forgets the timelines that ended first, until there are no more than may be.
pub fn forget_old(objects: &mut BTreeMap<Key, Arc<ObjectStatus>>) {
    let mut ended: Vec<(bool, Time, Key)> = objects
        .iter()
        .filter_map(|(key, one)| one.timeline.as_ref().map(|timeline| (!timeline.over, timeline.until, key.clone())))
        .collect();
    let surplus = ended.len().saturating_sub(TIMELINES_MAX);
    ended.sort();
    for (_, _, key) in ended.into_iter().take(surplus) {
        if let Some(one) = objects.get_mut(&key) {
            Arc::make_mut(one).timeline = None;
        }
    }
}

/// The story of an object is another than before: whether something came in its way, or went.
pub fn turn(status: &mut ObjectStatus, now: Time) {
    let Some(ready) = status.conditions.ready() else { return };
    let bad = |what: What| status.history.newest().is_some_and(|newest| newest.what == what);
    let happening = if status.conditions.holds(ConditionType::Stalled) {
        // How a rollout failed has been told when it did.
        let failed = [Reason::RolledBack, Reason::RolloutFailed, Reason::RolloutTimedOut];
        let told = failed.iter().any(|reason| ready.reason == reason.as_str())
            && status.history.newest().is_some_and(|newest| newest.what.is_bad());
        let said = if ready.message.is_empty() {
            ready.reason.to_string()
        } else {
            format!("{}: {}", ready.reason, ready.message)
        };
        (!told).then(|| Happening::new(now, What::Troubled, said))
    } else {
        let recovered = status.conditions.holds(ConditionType::Ready) && bad(What::Troubled);
        recovered.then(|| Happening::new(now, What::Recovered, ""))
    };
    if let Some(happening) = happening {
        status.history.add(happening);
    }
}

/// Adds why its tasks stopped to the end of the rollout that began at `since`, as far as that end has been told.
pub fn because(status: &mut ObjectStatus, since: Time, said: &str) {
    let failed = [Reason::RolledBack, Reason::RolloutFailed, Reason::RolloutTimedOut];
    let tells_of_it = |happening: &Happening| {
        let reason = happening.detail.split(':').next().unwrap_or_default();
        happening.at >= since
            && match happening.what {
                What::RolloutRolledBack | What::RolloutFailed | What::RolloutTimedOut => true,
                What::Troubled => failed.iter().any(|one| one.as_str() == reason),
                _ => false,
            }
    };
    status.history.because(tells_of_it, said);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::{Difference, Kind, Place};
    use crate::rollout::{Bounds, DeploymentStatus};
    use crate::shape::Path;
    use crate::status::Condition;

    fn rollout(at: i64, state: &str) -> RolloutStatus {
        let deployment = DeploymentStatus {
            status: "PRIMARY".into(),
            task_definition: "web:1".into(),
            state: state.into(),
            desired: 2,
            running: at % 3,
            pending: 0,
            failed: 0,
        };
        RolloutStatus {
            bounds: Bounds { lower: 2, upper: 4 },
            desired: 2,
            running: at % 3,
            pending: 0,
            deployments: vec![deployment],
            since: Time(1),
            at: Time(at),
            event: None,
        }
    }

    #[test]
    fn a_rollout_has_one_timeline_and_the_next_another() {
        let mut status = ObjectStatus::default();
        assert!(!follow(&mut status, &rollout(1, "COMPLETED")) && status.timeline.is_none());
        assert!(follow(&mut status, &rollout(2, "IN_PROGRESS")));
        let shown = status.clone();
        assert!(!follow(&mut status, &rollout(3, "IN_PROGRESS")));
        assert!(!follow(&mut status, &rollout(4, "COMPLETED")));
        let timeline = status.timeline.clone().unwrap();
        assert!(timeline.over && timeline.samples.len() == 3);
        assert_eq!(shown.timeline.unwrap().samples.len(), 1, "what was published does not change");
        assert!(!follow(&mut status, &rollout(5, "COMPLETED")));
        assert_eq!(status.timeline.clone().unwrap(), timeline);
        assert!(follow(&mut status, &rollout(6, "IN_PROGRESS")));
    }

    #[test]
    fn only_the_newest_timelines_are_kept_and_all_that_go_on() {
        let key = |number: i64| {
            Key::new(
                Place { account: "1".into(), region: "r".into() },
                Some("c".into()),
                Kind::Service,
                format!("s{number:04}"),
            )
        };
        let timeline = |number: i64| Timeline { until: Time(number), over: number > 0, ..Timeline::default() };
        let status = |number: i64| ObjectStatus { timeline: Some(Arc::new(timeline(number))), ..Default::default() };
        let count = i64::try_from(TIMELINES_MAX).unwrap();
        let mut objects: BTreeMap<Key, Arc<ObjectStatus>> =
            (0..count + 10).map(|n| (key(n), Arc::new(status(n)))).collect();
        forget_old(&mut objects);
        let kept: Vec<&Key> = objects.iter().filter(|(_, one)| one.timeline.is_some()).map(|(key, _)| key).collect();
        assert_eq!(kept.len(), TIMELINES_MAX);
        assert_eq!((kept[0], kept[1]), (&key(0), &key(11)));
    }

    #[test]
    fn drift_is_what_git_did_not_ask_for_until_it_is_gone() {
        let differences = |paths: &[&str]| {
            let one = |path: &&str| Difference { path: Path::from(*path), observed: None, desired: None };
            paths.iter().map(one).collect::<Vec<_>>()
        };
        let plan = |paths: &[&str], drift: bool, verdict: Verdict| Plan {
            steps: Vec::new(),
            differences: differences(paths),
            verdict,
            realised: None,
            drift,
            preflight: None,
            replacement: None,
        };
        let asked = plan(&["taskDefinition"], false, Verdict::Due);
        assert_eq!(drift(&asked, false, &[]), Vec::<String>::new());
        assert_eq!(drift(&asked, true, &[]), ["taskDefinition"]);
        assert_eq!(drift(&asked, false, &["desiredCount".into()]), Vec::<String>::new());
        let kept = plan(&["desiredCount"], false, Verdict::Blocked(Reason::DriftKept, String::new()));
        assert_eq!(drift(&kept, false, &[]), ["desiredCount"]);
        let still = plan(&["a", "b"], false, Verdict::Due);
        assert_eq!(drift(&still, false, &["b".into()]), ["b"]);
        assert_eq!(drift(&plan(&["a"], true, Verdict::Due), false, &[]), ["a"]);
        let many: Vec<String> = (0..100).map(|number| format!("member{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(drift(&plan(&many, true, Verdict::Due), false, &[]).len(), DRIFT_MAX);
    }

    fn story(status: &mut ObjectStatus, ready: bool, stalled: bool, message: &str, now: i64) {
        let reason = if message.contains("failed") { "RolledBack" } else { "Because" };
        for (kind, holds) in [(ConditionType::Ready, ready), (ConditionType::Stalled, stalled)] {
            let condition =
                Condition { status: Some(holds), reason: reason.into(), message: message.into(), since: Time(now) };
            status.conditions.insert(kind, condition);
        }
        turn(status, Time(now));
    }

    #[test]
    fn what_comes_in_the_way_is_told_once_and_so_is_its_going() {
        let mut status = ObjectStatus::default();
        story(&mut status, true, false, "", 1);
        story(&mut status, false, false, "busy", 2);
        assert_eq!(status.history.newest(), None);
        story(&mut status, false, true, "denied", 3);
        assert_eq!(status.history.newest().unwrap().detail, "Because: denied");
        story(&mut status, true, false, "", 4);
        story(&mut status, true, false, "", 5);
        let all: Vec<What> = status.history.iter().map(|one| one.what).collect();
        assert_eq!(all, [What::Troubled, What::Recovered]);
        status.history.add(Happening::new(Time(6), What::RolloutRolledBack, "web:2"));
        story(&mut status, false, true, "web:2 failed", 7);
        assert_eq!(status.history.newest().unwrap().what, What::RolloutRolledBack, "not told twice");
    }

    #[test]
    fn why_tasks_stopped_is_told_with_the_end_of_their_rollout_alone() {
        let mut status = ObjectStatus::default();
        let causes = |status: &ObjectStatus| -> Vec<_> { status.history.iter().map(|one| one.cause.clone()).collect() };
        status.history.add(Happening::new(Time(10), What::RolloutRolledBack, "web:2"));
        because(&mut status, Time(11), "of a later one");
        assert_eq!(causes(&status), [None]);
        because(&mut status, Time(5), "early");
        because(&mut status, Time(5), "gone");
        status.history.add(Happening::new(Time(12), What::Troubled, "Suspended: by a tag"));
        because(&mut status, Time(5), "gone");
        assert_eq!(causes(&status), [Some("gone".to_owned()), None]);
        status.history.add(Happening::new(Time(13), What::Troubled, "RolledBack: web:3"));
        because(&mut status, Time(13), "mute");
        assert_eq!(causes(&status)[2].as_deref(), Some("mute"));
    }
}
