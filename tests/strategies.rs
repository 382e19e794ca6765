//! Deployments that shift traffic are followed to their end: their stages are told, what waits on purpose is not late, and
//! what a hook, an alarm or a person ended is held.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeSet;

use common::harness::{HOUR, MINUTE, Rig, Wanted, cluster, key, task};
use common::lossy::{Position, mutates};
use ecs_operator::sim::ecs::service::State;
use ecs_operator::sim::ecs::service::traffic::HookAnswer;
use ecs_operator::tree;

const LAMBDA: &str = "arn:aws:lambda:us-east-1:123456789012:function:check";

/// A service of so many tasks with this deployment configuration.
fn service(count: u32, configuration: &str) -> String {
    let text = Wanted::of("web", count).text("web");
    let (before, rest) = text.split_once("  deploymentConfiguration:\n").unwrap();
    let (_, after) = rest.split_once("  availabilityZoneRebalancing").unwrap();
    format!("{before}  deploymentConfiguration: {configuration}\n  availabilityZoneRebalancing{after}")
}

fn blue_green(bake: u32, more: &str) -> String {
    format!("{{ strategy: BLUE_GREEN, bakeTimeInMinutes: {bake}{more} }}")
}

fn hook(stage: &str) -> String {
    format!(
        ", lifecycleHooks: [{{ targetType: AWS_LAMBDA, hookTargetArn: \"{LAMBDA}\", roleArn: \
         \"arn:aws:iam::123456789012:role/hooks\", lifecycleStages: [{stage}] }}]"
    )
}

async fn converged(seed: u64, configuration: &str) -> Rig {
    let mut rig = Rig::new(seed);
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    rig.write("service.yaml", service(2, configuration)).commit();
    rig.start();
    rig.converge(2 * HOUR).await;
    rig
}

fn state(rig: &Rig) -> State {
    rig.service("web", |service| service.journal.last().unwrap().status)
}

/// Waits until it is so, and collects what is told meanwhile.
async fn told(rig: &Rig, so: impl Fn(&Rig) -> bool) -> BTreeSet<(String, String)> {
    let mut told = BTreeSet::new();
    for _ in 0..12 * 3600 {
        told.extend(rig.stories().remove(&key("web")));
        if so(rig) {
            return told;
        }
        rig.run(MINUTE / 60).await;
    }
    panic!("{told:#?}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn each_strategy_is_followed_through_its_stages_and_is_ready_when_it_is_over() {
    let linear = "{ strategy: LINEAR, linearConfiguration: { stepPercent: 50, stepBakeTimeInMinutes: 20 } }";
    let canary = "{ strategy: CANARY, canaryConfiguration: { canaryPercent: 5 }, bakeTimeInMinutes: 9 }";
    for configuration in [&blue_green(40, ""), linear, canary] {
        let mut rig = converged(1, configuration).await;
        let mark = rig.mark();
        let before = rig.clock.now();
        rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
        let over = |rig: &Rig| rig.is_ready(before) && rig.live("web") == "web:2" && state(rig) == State::Successful;
        let told = told(&rig, over).await;
        // Longer than the deadline, and not late; never Ready before its end.
        assert!(rig.clock.now().since(before) > 18 * MINUTE, "{configuration}");
        let reasons: BTreeSet<&str> = told.iter().map(|(reason, _)| reason.as_str()).collect();
        assert!(!reasons.contains("RolloutTimedOut"), "{told:#?}");
        for part in ["SCALE_UP", "PRODUCTION_TRAFFIC_SHIFT", "% of production traffic"] {
            assert!(told.iter().any(|(_, message)| message.contains(part)), "{part}: {told:#?}");
        }
        assert_eq!(rig.operations_since(mark), ["RegisterTaskDefinition", "TagResource", "UpdateService"]);
        let mark = rig.mark();
        rig.start();
        rig.run(3 * HOUR).await;
        assert_eq!(rig.operations_since(mark), Vec::<String>::new(), "{configuration}");
        assert_eq!(rig.reason(&key("web")), "Converged");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_hook_that_says_no_is_a_failure_and_held_and_another_image_goes_through() {
    let configuration = blue_green(5, &hook("POST_TEST_TRAFFIC_SHIFT"));
    let mut rig = converged(2, &configuration).await;
    rig.sim.world().ecs.outside.hooks.insert(LAMBDA.into(), HookAnswer::Failed);
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    assert!(rig.until(2 * HOUR, |rig| rig.reason(&key("web")) == "RolledBack").await, "{:#?}", rig.stories());
    rig.run(30 * MINUTE).await;
    assert_eq!((state(&rig), rig.live("web").as_str()), (State::RollbackSuccessful, "web:1"));
    let (reason, message) = rig.stories().remove(&key("web")).unwrap();
    assert!(reason == "RolledBack" && message.contains("hook"), "{reason}: {message}");
    let mark = rig.mark();
    rig.run(3 * HOUR).await;
    rig.start();
    rig.run(3 * HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    // A scale-out still goes to what runs.
    rig.write("service.yaml", service(3, &configuration)).commit();
    rig.run(10 * MINUTE).await;
    assert_eq!(rig.operations_since(mark), ["UpdateService"]);
    assert_eq!(rig.live("web"), "web:1");
    rig.sim.world().ecs.outside.hooks.insert(LAMBDA.into(), HookAnswer::Succeeded);
    rig.write("task.yaml", task("web", "nginx:3", &[])).commit();
    rig.converge(2 * HOUR).await;
    assert_eq!((rig.live("web").as_str(), state(&rig)), ("web:3", State::Successful));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_person_who_stops_it_while_it_bakes_is_heeded() {
    let mut rig = converged(3, &blue_green(60, "")).await;
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    let bakes = |rig: &Rig| rig.stories()[&key("web")].1.contains("BAKE_TIME");
    assert!(rig.until(HOUR, bakes).await, "{:#?}", rig.stories());
    let arn = rig.service("web", |service| service.journal.last().unwrap().arn.clone());
    rig.by_hand("StopServiceDeployment", tree! { "serviceDeploymentArn" => arn, "stopType" => "ROLLBACK" }).await;
    let mark = rig.mark();
    rig.run(3 * HOUR).await;
    rig.start();
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert_eq!((rig.live("web").as_str(), rig.reason(&key("web")).as_str()), ("web:1", "RolledBack"));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_pause_says_how_a_person_lets_it_go_on() {
    let pause = ", lifecycleHooks: [{ targetType: PAUSE, lifecycleStages: [POST_SCALE_UP] }]";
    let mut rig = converged(4, &blue_green(0, "")).await;
    rig.write("service.yaml", service(2, &blue_green(0, pause))).commit();
    rig.converge(HOUR).await;
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    rig.run(3 * HOUR).await;
    let (reason, message) = rig.stories().remove(&key("web")).unwrap();
    assert!(reason == "RolloutInProgress" && message.contains("continue-service-deployment"), "{reason}: {message}");
    let arn = message.split("--service-deployment-arn ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let id = message.split("--hook-id ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let input = tree! { "serviceDeploymentArn" => arn, "hookId" => id, "action" => "CONTINUE" };
    rig.by_hand("ContinueServiceDeployment", input).await;
    rig.converge(HOUR).await;
    assert_eq!(rig.live("web"), "web:2");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_permission_to_ask_for_the_stage_it_is_followed_all_the_same() {
    let mut rig = converged(5, &blue_green(5, "")).await;
    let way = rig.start();
    way.way().refused.insert("DescribeServiceDeployments", (400, "AccessDeniedException"));
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    rig.run(5 * MINUTE).await;
    let message = rig.stories().remove(&key("web")).unwrap().1;
    assert!(message.contains("its stage is not known"), "{message}");
    rig.converge(HOUR).await;
}

/// The picture after a change to another image, with the operator lost at one of its calls or not.
async fn tell(lose_at: Option<(usize, Position)>) -> (ecs_operator::shape::Tree, Vec<String>) {
    let mut rig = converged(6, &blue_green(2, "")).await;
    rig.settings.active = MINUTE;
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    let first = rig.start();
    first.way().lose_at = lose_at;
    let since = rig.clock.now();
    assert!(rig.until(HOUR, |rig| first.way().lost || rig.is_ready(since)).await, "{:#?}", rig.stories());
    let calls = first.way().calls.clone();
    if first.way().lost {
        rig.start();
    }
    rig.converge(HOUR).await;
    let mark = rig.mark();
    rig.run(5 * MINUTE).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    (rig.picture(), calls)
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_operator_may_be_lost_at_any_call() {
    let (picture, calls) = tell(None).await;
    for (k, call) in calls.iter().enumerate() {
        let positions = if mutates(call) { &Position::ALL[..] } else { &[Position::AfterReply] };
        for position in positions {
            assert_eq!(tell(Some((k, *position))).await.0, picture, "{k} {call} {position:?}");
        }
    }
}
