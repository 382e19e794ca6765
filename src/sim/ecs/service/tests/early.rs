//! Early success, hooks beside ROLLING, and what service deployments tell as time goes on (docs/ecs.md §2.10, §2.14,
//! §2.15).

use super::*;
use crate::sim::ecs::service::{RolloutState, State};

fn early(percent: i64, cleanup: &str) -> Tree {
    let criteria = tree! { "enable" => true, "healthyPercent" => percent, "sourceServiceRevisionCleanup" => cleanup };
    percents(50, 200).with("earlySuccessCriteria", criteria)
}

fn steady(desired: i64, configuration: Tree, more: Tree) -> Rig {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    let given = input(&web, desired).with("deploymentConfiguration", configuration);
    let given = more.as_map().unwrap().iter().fold(given, |given, (name, value)| given.with(name, value));
    rig.call("CreateService", &given).unwrap();
    rig.run_until("steady", is_steady);
    rig
}

/// requested, running and pending of a revision in a service deployment.
fn counts(revision: &Tree) -> [i64; 3] {
    ["requestedTaskCount", "runningTaskCount", "pendingTaskCount"].map(|name| revision.int(name).unwrap())
}

/// Tasks of the PRIMARY that are RUNNING, and all others that are not STOPPED.
fn running(rig: &Rig) -> (i64, i64) {
    let primary = &rig.primary().id;
    let (mine, others): (Vec<_>, Vec<_>) =
        rig.world.ecs.tasks.values().partition(|task| task.started_by.as_deref() == Some(primary));
    let count = |number: usize| i64::try_from(number).unwrap();
    (
        count(mine.iter().filter(|task| task.is_running()).count()),
        count(others.iter().filter(|task| task.is_counted()).count()),
    )
}

#[test]
fn a_deferred_cleanup_lets_a_rollout_succeed_while_old_tasks_drain() {
    let mut rig = Rig::new(7);
    let slow = rig.define(&[("stop-takes", "110s")]);
    rig.create(&slow, 2, early(50, "DEFERRED"));
    rig.run_until("steady", is_steady);
    let before = rig.primary().id.clone();
    let next = rig.define(&[]);
    rig.update(tree! { "taskDefinition" => next });
    rig.run_until("succeeded", |service| service.journal.last().unwrap().status == State::Successful);
    assert_ne!(rig.primary().id, before);
    assert_eq!(rig.primary().rollout, RolloutState::Completed);
    let (mine, others) = running(&rig);
    assert!(mine >= 1 && others >= 1, "{mine} new ones run, {others} old ones are there");
    assert_eq!(rig.shown().list("deployments").len(), 2, "the old one is still being cleaned up");
    rig.run_until("steady", is_steady);
    assert_eq!((running(&rig), rig.shown().list("deployments").len()), ((2, 0), 1));
    rig.judge();
}

#[test]
fn a_blocking_cleanup_needs_the_old_tasks_gone_and_not_all_new_ones_there() {
    let story = |cleanup: &str, percent: i64| {
        let mut rig = Rig::new(7);
        let web = rig.define(&[]);
        rig.create(&web, 4, early(percent, cleanup));
        rig.run_until("steady", is_steady);
        let next = rig.define(&[]);
        rig.update(tree! { "taskDefinition" => next });
        rig.run(4);
        // Half of the new tasks find no capacity for an hour.
        let primary = rig.primary().id.clone();
        let mut lost = 0;
        for _ in 0..3_600 {
            let ids = rig
                .world
                .ecs
                .tasks
                .values()
                .filter(|task| task.started_by.as_deref() == Some(&primary) && task.is_pending());
            let ids = ids.map(|task| task.id.clone()).collect::<Vec<_>>();
            for id in ids.into_iter().skip(2usize.saturating_sub(usize::try_from(running(&rig).0).unwrap())) {
                rig.call("StopTask", &tree! { "task" => id }).unwrap();
                lost += 1;
            }
            rig.run(1);
            if rig.primary().rollout == RolloutState::Completed {
                break;
            }
        }
        assert!(lost > 0);
        let seen = (rig.primary().rollout, running(&rig));
        rig.judge();
        (rig, seen)
    };
    let (mut rig, seen) = story("BLOCKING", 50);
    assert_eq!(seen, (RolloutState::Completed, (2, 0)));
    assert_eq!(entry(&mut rig).text("status"), Some("SUCCESSFUL"));
    rig.run_until("steady", is_steady);
    assert_eq!(running(&rig), (4, 0), "the missing ones follow");
    let (_, seen) = story("BLOCKING", 100);
    assert_eq!(seen.0, RolloutState::InProgress);
}

#[test]
fn criteria_are_judged_and_echoed() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    let refused = |rig: &mut Rig, configuration: Tree| {
        let given = input(&web, 1).with("deploymentConfiguration", configuration);
        rig.call("CreateService", &given).unwrap_err().message
    };
    let bare = percents(50, 200).with("earlySuccessCriteria", tree! { "enable" => true, "healthyPercent" => 60 });
    assert!(refused(&mut rig, bare).contains("sourceServiceRevisionCleanup"));
    assert!(refused(&mut rig, early(40, "BLOCKING")).contains("between minimumHealthyPercent (50) and 100"));
    let shifting = early(60, "BLOCKING").with("strategy", "BLUE_GREEN").with("bakeTimeInMinutes", 1);
    assert!(refused(&mut rig, shifting).contains("ROLLING"));
    let given = early(60, "BLOCKING");
    let shown = rig.create(&web, 1, given.clone());
    let echoed = shown.at(&["deploymentConfiguration", "earlySuccessCriteria"]);
    assert_eq!(echoed, given.get("earlySuccessCriteria"));
    let off = percents(50, 200).with("earlySuccessCriteria", tree! { "enable" => false });
    rig.update(tree! { "deploymentConfiguration" => off });
}

#[test]
fn hooks_are_kept_beside_rolling_and_never_called() {
    let hook = |stage: &str| {
        tree! {
            "targetType" => "AWS_LAMBDA", "roleArn" => "arn:aws:iam::123456789012:role/hooks",
            "hookTargetArn" => "arn:aws:lambda:us-east-1:123456789012:function:no", "lifecycleStages" => vec![stage],
        }
    };
    let with = |stage: &str| percents(100, 200).with("lifecycleHooks", vec![hook(stage)]);
    let mut rig = steady(2, with("PRE_SCALE_UP").with("strategy", "ROLLING"), Tree::map());
    let no = crate::sim::ecs::service::traffic::HookAnswer::Failed;
    rig.world.ecs.outside.hooks.insert("arn:aws:lambda:us-east-1:123456789012:function:no".into(), no);
    rig.update(tree! { "forceNewDeployment" => true });
    rig.run_until("steady", is_steady);
    assert_eq!(entry(&mut rig).text("status"), Some("SUCCESSFUL"));
    let fault = rig.call("UpdateService", &tree! { "service" => "web", "deploymentConfiguration" => with("SCALE_UP") });
    assert!(fault.unwrap_err().message.contains("SCALE_UP"));
}

#[test]
fn a_service_deployment_counts_its_tasks_to_its_end() {
    let mut rig = steady(2, breaker(true).with("minimumHealthyPercent", 50), Tree::map());
    let bad = rig.define(&[("fail-to-start", "CannotPullContainerError: gone")]);
    rig.update(tree! { "taskDefinition" => bad });
    rig.run(10);
    let shown = entry(&mut rig);
    let [_, running, _] = counts(&shown.list("sourceServiceRevisions")[0]);
    assert!(counts(shown.get("targetServiceRevision").unwrap())[0] > 0 && running > 0, "{shown:?}");
    rig.run_until("turning back", |service| service.journal.last().unwrap().status == State::RollbackInProgress);
    while rig.service().journal.last().unwrap().finished.is_none() {
        let shown = entry(&mut rig);
        for (revision, of) in [
            (shown.get("targetServiceRevision").unwrap().clone(), rig.service().journal.last().unwrap().target.clone()),
            (shown.list("sourceServiceRevisions")[0].clone(), rig.primary().revision.clone()),
        ] {
            let service = rig.shown();
            let now = service.list("currentServiceRevisions").iter().find(|one| one.text("arn") == Some(&of)).cloned();
            assert_eq!(counts(&revision), now.map_or([0; 3], |now| counts(&now)));
        }
        rig.run(1);
    }
    let shown = entry(&mut rig);
    assert_eq!(shown.text("status"), Some("ROLLBACK_SUCCESSFUL"));
    assert_eq!(counts(shown.get("targetServiceRevision").unwrap()), [0, 0, 0]);
    assert_eq!(counts(&shown.list("sourceServiceRevisions")[0]), [2, 2, 0]);
    assert_eq!(shown.at(&["deploymentCircuitBreaker", "status"]).and_then(Tree::as_text), Some("TRIGGERED"));
    // What comes later does not change what was.
    rig.update(tree! { "desiredCount" => 5 });
    rig.run(300);
    assert_eq!(counts(&entry(&mut rig).list("sourceServiceRevisions")[0]), [2, 2, 0]);
}

#[test]
fn events_name_the_target_group_that_a_task_stands_in() {
    let advanced = tree! {
        "alternateTargetGroupArn" => "arn:green", "productionListenerRule" => "arn:rule/app/x", "roleArn" => "arn:role",
    };
    let group = tree! {
        "targetGroupArn" => "arn:blue", "containerName" => "web", "containerPort" => 80,
        "advancedConfiguration" => advanced,
    };
    let shifting = tree! { "strategy" => "BLUE_GREEN", "bakeTimeInMinutes" => 0 };
    let mut rig = steady(1, shifting, tree! { "loadBalancers" => vec![group] });
    let sick = rig.define_checked(&[("unhealthy-after", "10m")]);
    rig.update(tree! { "taskDefinition" => sick });
    rig.run_until("steady", is_steady);
    let told = rig.messages();
    assert!(told.contains(&"deregistered 1 targets in (target-group arn:blue)".to_owned()), "{told:?}");
    assert!(!told.contains(&"deregistered 1 targets in (target-group arn:green)".to_owned()), "{told:?}");
    rig.run(1_200);
    let unhealthy = rig.messages().into_iter().find(|text| text.contains("is unhealthy in")).unwrap();
    assert_eq!(unhealthy, "T (port 80) is unhealthy in (target-group arn:green) due to (reason Health checks failed).");
}
