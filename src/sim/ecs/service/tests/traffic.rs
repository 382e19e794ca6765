//! BLUE_GREEN, LINEAR and CANARY, one story a test (docs/ecs.md §2.14).

use proptest::prelude::*;

use super::*;
use crate::sim::ecs::service::traffic::HookAnswer;
use crate::sim::ecs::service::{RolloutState, State, alarms};

const LAMBDA: &str = "arn:aws:lambda:us-east-1:123456789012:function:check";

fn blue_green(bake: i64) -> Tree {
    tree! { "strategy" => "BLUE_GREEN", "bakeTimeInMinutes" => bake }
}

fn hook(stages: &[&str]) -> Tree {
    tree! {
        "targetType" => "AWS_LAMBDA", "hookTargetArn" => LAMBDA, "roleArn" => "arn:aws:iam::123456789012:role/hooks",
        "lifecycleStages" => stages.to_vec(),
    }
}

fn steady(desired: i64, configuration: Tree) -> Rig {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    rig.create(&web, desired, configuration);
    rig.run_until("steady", is_steady);
    rig
}

/// How many healthy tasks the deployment of that id has.
fn healthy(rig: &Rig, id: &str) -> i64 {
    let of_it = rig.world.ecs.tasks.values().filter(|task| task.started_by.as_deref() == Some(id) && task.is_healthy());
    i64::try_from(of_it.count()).unwrap()
}

fn production(entry: &Tree) -> Option<Tree> {
    entry.at(&["targetServiceRevision", "requestedProductionTrafficWeight"]).cloned()
}

/// Runs until the deployment ends, and returns (stage, green's share, old healthy tasks, seconds) as they changed.
fn watch(rig: &mut Rig, old: &str) -> Vec<(String, f64, i64, u64)> {
    let begun = rig.world.now();
    let mut seen: Vec<(String, f64, i64, u64)> = Vec::new();
    while rig.service().journal.last().unwrap().finished.is_none() {
        let shown = entry(rig);
        let stage = shown.text("lifecycleStage").unwrap_or_default().to_owned();
        let Some(Tree::Float(share)) = production(&shown) else { panic!("{shown:?}") };
        let row = (stage, share, healthy(rig, old), rig.world.now().since(begun).as_secs());
        if seen.last().is_none_or(|last| (&last.0, last.1) != (&row.0, row.1)) {
            seen.push(row);
        }
        rig.run(1);
        assert!(seen.len() < 100 && rig.world.now().since(begun).as_secs() < 200_000, "{seen:?}");
    }
    seen
}

#[test]
fn blue_green_brings_up_green_shifts_bakes_and_cleans_up() {
    let mut rig = steady(3, blue_green(10));
    let old = rig.primary().id.clone();
    let next = rig.define(&[]);
    rig.update(tree! { "taskDefinition" => &next });
    let seen = watch(&mut rig, &old);
    let stages = seen.iter().map(|row| row.0.as_str()).collect::<Vec<_>>();
    assert_eq!(
        stages,
        ["RECONCILE_SERVICE", "SCALE_UP", "TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP",]
    );
    assert_eq!(seen.iter().map(|row| row.1).collect::<Vec<_>>(), [0.0, 0.0, 0.0, 100.0, 100.0, 100.0]);
    assert!(seen.iter().all(|row| row.2 == 3), "the old one keeps all its tasks until the bake is over: {seen:?}");
    assert!(seen[5].3 - seen[4].3 >= 600, "{seen:?}");
    let shown = entry(&mut rig);
    assert_eq!(shown.text("status"), Some("SUCCESSFUL"));
    let source = &shown.list("sourceServiceRevisions")[0];
    assert_eq!(source.int("runningTaskCount"), Some(0), "the old ones are gone when it is over");
    rig.run_until("steady", is_steady);
    let deployments = rig.shown().list("deployments").to_vec();
    assert_eq!((deployments.len(), deployments[0].text("rolloutState")), (1, Some("COMPLETED")));
    assert!(deployments[0].text("taskDefinition").unwrap().ends_with(&next));
    assert_eq!(rig.counts(), (3, 3));
    rig.judge();
}

#[test]
fn linear_and_canary_go_step_by_step() {
    let linear = tree! { "stepPercent" => 30.0, "stepBakeTimeInMinutes" => 2 };
    let linear = tree! { "strategy" => "LINEAR", "linearConfiguration" => linear };
    let canary = tree! { "strategy" => "CANARY", "canaryConfiguration" => tree! { "canaryPercent" => 2.5 } };
    for (configuration, shares, bake) in [(linear, vec![30.0, 60.0, 90.0, 100.0], 120), (canary, vec![2.5, 100.0], 600)]
    {
        let mut rig = steady(2, configuration);
        let old = rig.primary().id.clone();
        rig.update(tree! { "forceNewDeployment" => true });
        let seen = watch(&mut rig, &old);
        let steps = seen.iter().filter(|row| row.0 == "PRODUCTION_TRAFFIC_SHIFT").collect::<Vec<_>>();
        assert_eq!(steps.iter().map(|row| row.1).collect::<Vec<_>>(), [&[0.0], &*shares].concat()[1..], "{seen:?}");
        for pair in steps.windows(2) {
            assert!(pair[1].3 - pair[0].3 >= bake, "{seen:?}");
        }
        assert!(seen.iter().all(|row| row.2 == 2), "{seen:?}");
        rig.judge();
    }
}

#[test]
fn a_strategys_defaults_are_echoed_and_its_rules_kept() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    let make = |configuration: Tree| input(&web, 1).with("deploymentConfiguration", configuration);
    let with_hook = |hook: Tree| blue_green(1).with("lifecycleHooks", vec![hook]);
    let pause = |stage: &str| tree! { "targetType" => "PAUSE", "lifecycleStages" => vec![stage] };
    let linear = |percent: f64| {
        tree! { "strategy" => "LINEAR", "linearConfiguration" => tree! { "stepPercent" => percent } }
    };
    let breaking = blue_green(1).with("deploymentCircuitBreaker", tree! { "enable" => true, "rollback" => true });
    for (configuration, text) in [
        (tree! { "strategy" => "BLUE_GREEN" }, "bakeTimeInMinutes"),
        (linear(2.9), "stepPercent"),
        (linear(3.05), "stepPercent"),
        (tree! { "linearConfiguration" => tree! { "stepPercent" => 5.0 } }, "LINEAR"),
        (with_hook(hook(&["SCALE_UP"])), "SCALE_UP"),
        (with_hook(hook(&["BAKE_TIME"])), "BAKE_TIME"),
        (with_hook(pause("TEST_TRAFFIC_SHIFT")), "PAUSE"),
        (breaking, "circuit breaker"),
        (
            tree! { "alarms" => tree! { "enable" => true, "rollback" => true, "alarmNames" => Tree::List(vec![]) } },
            "alarmNames",
        ),
    ] {
        let fault = rig.call("CreateService", &make(configuration)).unwrap_err();
        assert!(fault.message.contains(text), "{} / {text}", fault.message);
    }
    let shown = rig.create(&web, 1, tree! { "strategy" => "LINEAR" });
    let echoed = shown.at(&["deploymentConfiguration", "linearConfiguration"]).unwrap();
    assert_eq!(*echoed, tree! { "stepPercent" => 10.0, "stepBakeTimeInMinutes" => 6 });
    let group = tree! { "targetGroupArn" => "arn:blue", "containerName" => "web", "containerPort" => 80 };
    let fault = rig.call("UpdateService", &tree! { "service" => "web", "loadBalancers" => vec![group] }).unwrap_err();
    assert!(fault.message.contains("alternateTargetGroupArn"), "{}", fault.message);
}

#[test]
fn tasks_of_one_revision_after_the_other_change_target_groups() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    let advanced = tree! {
        "alternateTargetGroupArn" => "arn:green", "productionListenerRule" => "arn:rule/app/x", "roleArn" => "arn:role",
    };
    let group = tree! {
        "targetGroupArn" => "arn:blue", "containerName" => "web", "containerPort" => 80,
        "advancedConfiguration" => advanced,
    };
    let given = input(&web, 1).with("deploymentConfiguration", blue_green(0)).with("loadBalancers", vec![group]);
    rig.call("CreateService", &given).unwrap();
    for expected in ["arn:blue", "arn:green", "arn:blue"] {
        rig.run_until("steady", is_steady);
        let groups =
            rig.world.ecs.tasks.values().filter(|task| task.is_healthy()).flat_map(|task| task.targets.clone());
        assert_eq!(groups.collect::<Vec<_>>(), [expected]);
        rig.update(tree! { "forceNewDeployment" => true });
        rig.run(1);
    }
}

#[test]
fn a_hook_that_says_no_brings_traffic_back() {
    let mut rig = steady(2, blue_green(5).with("lifecycleHooks", vec![hook(&["POST_PRODUCTION_TRAFFIC_SHIFT"])]));
    let old = rig.primary().id.clone();
    rig.world.ecs.outside.hooks.insert(LAMBDA.into(), HookAnswer::Failed);
    let next = rig.define(&[]);
    rig.update(tree! { "taskDefinition" => next });
    rig.run_until("turning back", |service| service.journal.last().unwrap().status == State::RollbackInProgress);
    assert_eq!(healthy(&rig, &old), 2);
    assert_eq!(rig.primary().reason, "ECS deployment failed: lifecycle hook failed.");
    rig.run_until("steady", is_steady);
    assert_eq!(rig.primary().id, old);
    let shown = entry(&mut rig);
    assert_eq!(shown.text("status"), Some("ROLLBACK_SUCCESSFUL"));
    assert_eq!(production(&shown), Some(Tree::Float(0.0)));
    let revision = shown.at(&["rollback", "serviceRevisionArn"]).and_then(Tree::as_text);
    assert_eq!(revision, Some(rig.primary().revision.as_str()));
    assert_eq!(rig.counts(), (2, 2));
    rig.judge();
}

#[test]
fn a_pause_waits_for_a_person() {
    let pause = tree! { "targetType" => "PAUSE", "lifecycleStages" => vec!["POST_SCALE_UP"] };
    for (action, status) in [("CONTINUE", "SUCCESSFUL"), ("ROLLBACK", "ROLLBACK_SUCCESSFUL")] {
        let mut rig = steady(1, blue_green(0));
        let paused = blue_green(0).with("lifecycleHooks", vec![pause.clone()]);
        rig.update(tree! { "deploymentConfiguration" => paused, "forceNewDeployment" => true });
        rig.run(3 * 24 * 3600);
        let shown = entry(&mut rig);
        assert_eq!((shown.text("status"), shown.text("lifecycleStage")), (Some("IN_PROGRESS"), Some("POST_SCALE_UP")));
        let waiting = &shown.list("lifecycleHookDetails")[0];
        assert_eq!((waiting.text("status"), waiting.text("targetType")), (Some("AWAITING_ACTION"), Some("PAUSE")));
        let arn = shown.text("serviceDeploymentArn").unwrap();
        let go =
            tree! { "serviceDeploymentArn" => arn, "hookId" => waiting.text("hookId").unwrap(), "action" => action };
        let other = go.clone().with("hookId", "none");
        assert_eq!(rig.call("ContinueServiceDeployment", &other).unwrap_err().code, "InvalidParameterException");
        rig.call("ContinueServiceDeployment", &go).unwrap();
        rig.run_until("steady", is_steady);
        assert_eq!(entry(&mut rig).text("status"), Some(status));
    }
}

#[test]
fn a_deployment_is_stopped_with_a_way_back_or_without() {
    for (kind, status) in [("ROLLBACK", State::RollbackSuccessful), ("ABORT", State::Stopped)] {
        let mut rig = steady(2, blue_green(60));
        let old = rig.primary().id.clone();
        rig.update(tree! { "forceNewDeployment" => true });
        rig.run(600);
        let arn = rig.service().journal.last().unwrap().arn.clone();
        let stop = tree! { "serviceDeploymentArn" => arn, "stopType" => kind };
        rig.call("StopServiceDeployment", &stop).unwrap();
        assert_eq!(rig.call("StopServiceDeployment", &stop).unwrap_err().code, "ConflictException");
        rig.run(2 * 3600);
        assert_eq!(rig.service().journal.last().unwrap().status, status, "{kind}");
        assert_eq!(healthy(&rig, &old), 2, "{kind}");
        assert_eq!(rig.primary().id == old, kind == "ROLLBACK");
        rig.judge();
    }
}

#[test]
fn an_alarm_ends_a_deployment_unless_it_rang_before() {
    let heeded = |rollback: bool| {
        tree! { "alarms" => tree! { "enable" => true, "rollback" => rollback, "alarmNames" => vec!["errors"] } }
    };
    for strategy in ["ROLLING", "BLUE_GREEN"] {
        let configuration = heeded(true).with("strategy", strategy).with("bakeTimeInMinutes", 5);
        let mut rig = steady(2, configuration);
        let old = rig.primary().id.clone();
        let before = rig.messages().len();
        let next = rig.define(&[]);
        rig.update(tree! { "taskDefinition" => next });
        rig.run(150);
        assert_eq!(entry(&mut rig).at(&["alarms", "status"]).and_then(Tree::as_text), Some("MONITORING"));
        assert_eq!(rig.primary().rollout, RolloutState::InProgress, "it bakes");
        alarms::set(&mut rig.world, "errors", true);
        rig.run_until("rolled back", |service| service.journal.last().unwrap().status == State::RollbackSuccessful);
        assert_eq!(rig.primary().id, old);
        let shown = entry(&mut rig);
        assert_eq!(shown.at(&["alarms", "status"]).and_then(Tree::as_text), Some("TRIGGERED"), "{shown:?}");
        let told = rig.messages()[before..].to_vec();
        assert!(told.contains(&"(deployment D2) deployment failed: alarm detected.".to_owned()), "{told:?}");
        assert!(told.contains(&"rolling back to deployment D1.".to_owned()), "{told:?}");

        // In ALARM at the start, it is not heeded.
        let next = rig.define(&[]);
        rig.update(tree! { "taskDefinition" => next });
        rig.run_until("completed", |service| service.journal.last().unwrap().status == State::Successful);
        rig.judge();
    }
    let mut rig = steady(1, heeded(false));
    rig.update(tree! { "forceNewDeployment" => true });
    rig.run(30);
    alarms::set(&mut rig.world, "errors", true);
    rig.run(600);
    assert_eq!(rig.primary().reason, "ECS deployment failed: alarm detected.");
    assert_eq!(rig.service().journal.last().unwrap().status, State::Stopped);
}

fn act() -> impl Strategy<Value = (u8, u64)> {
    (0..8u8, 1..900u64)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_old_revision_keeps_every_task_until_the_bake_is_over(
        seed in any::<u64>(),
        desired in 1..6i64,
        strategy in prop_oneof![Just("BLUE_GREEN"), Just("LINEAR"), Just("CANARY")],
        superseded_after in 1..400u64,
    ) {
        let mut rig = Rig::new(seed);
        let web = rig.define(&[]);
        rig.create(&web, desired, tree! { "strategy" => strategy, "bakeTimeInMinutes" => 2 });
        rig.run_until("steady", is_steady);
        let old = rig.primary().id.clone();
        rig.update(tree! { "forceNewDeployment" => true });
        rig.run(superseded_after);
        // Later, the old one may be gone already, and the new one is what must stay whole.
        let taken_over = entry(&mut rig).text("lifecycleStage") == Some("CLEAN_UP");
        let old = if taken_over { rig.primary().id.clone() } else { old };
        let fast = tree! { "strategy" => "BLUE_GREEN", "bakeTimeInMinutes" => 1 };
        rig.update(tree! { "forceNewDeployment" => true, "deploymentConfiguration" => fast });
        for _ in 0..3600 {
            rig.run(1);
            let stage = entry(&mut rig).text("lifecycleStage").unwrap_or_default().to_owned();
            let (total, whole) = (rig.counts().0, healthy(&rig, &old));
            prop_assert!(stage == "CLEAN_UP" || whole == desired, "{stage} {whole}");
            prop_assert!(total <= 3 * desired, "{total}");
            if rig.service().journal.last().unwrap().finished.is_some() {
                break;
            }
        }
        prop_assert_eq!(rig.service().journal.last().unwrap().status, State::Successful);
        rig.judge();
    }

    #[test]
    fn whatever_happens_the_old_revision_stays_whole_and_a_good_one_arrives(
        seed in any::<u64>(),
        desired in 1..6i64,
        acts in prop::collection::vec(act(), 1..8),
    ) {
        let strategies = [
            blue_green(3),
            tree! { "strategy" => "CANARY" },
            tree! { "strategy" => "LINEAR", "linearConfiguration" => tree! { "stepPercent" => 50.0 } },
            tree! { "strategy" => "ROLLING" },
        ];
        let mut rig = Rig::new(seed);
        let web = rig.define(&[]);
        rig.create(&web, desired, blue_green(3));
        rig.run_until("steady", is_steady);
        for (act, span) in acts {
            match act {
                0 | 1 => drop(rig.update(tree! { "forceNewDeployment" => true })),
                2 => {
                    let bad = rig.define(&[("fail-to-start", "CannotPullContainerError: gone")]);
                    rig.update(tree! { "taskDefinition" => bad });
                }
                3 => drop(rig.update(tree! { "desiredCount" => i64::try_from(span % 6).unwrap() })),
                4 => {
                    let arn = rig.service().journal.last().unwrap().arn.clone();
                    let kind = if span % 2 == 0 { "ABORT" } else { "ROLLBACK" };
                    drop(rig.call("StopServiceDeployment", &tree! { "serviceDeploymentArn" => arn, "stopType" => kind }));
                }
                5 => {
                    let place = usize::try_from(span % 4).unwrap();
                    rig.update(tree! { "deploymentConfiguration" => &strategies[place] });
                }
                6 => if let Some(id) = rig.service().tasks.first().cloned() {
                    rig.call("StopTask", &tree! { "task" => id }).unwrap();
                },
                _ => {}
            }
            rig.run(span);
            let shown = rig.shown();
            let sum = |name: &str| shown.list("deployments").iter().filter_map(|one| one.int(name)).sum::<i64>();
            prop_assert_eq!(shown.int("runningCount"), Some(sum("runningCount")));
            prop_assert_eq!(shown.int("pendingCount"), Some(sum("pendingCount")));
        }
        let good = rig.define(&[]);
        rig.update(tree! { "taskDefinition" => &good, "deploymentConfiguration" => blue_green(3) });
        rig.run(7200);
        rig.judge();
        let service = rig.service();
        prop_assert!(is_steady(service), "{:#?}\n{:#?}", rig.messages(), service.deployments);
        prop_assert!(service.spec.text("taskDefinition").unwrap().ends_with(&good));
        prop_assert_eq!(rig.counts(), (service.desired, service.desired));
        prop_assert!(service.journal.iter().all(|entry| entry.finished.is_some()), "{:#?}", service.journal);
    }
}
