//! Capacity that is short for a while: the operator waits for ECS, says what ECS says, and writes nothing meanwhile.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use common::harness::{HOUR, MINUTE, Rig, Wanted, cluster, key, task};
use ecs_operator::sim::ecs::capacity_provider::{auto_scaling, fargate};
use ecs_operator::tree;

fn running(rig: &Rig) -> usize {
    rig.sim.world().ecs.tasks.values().filter(|task| task.is_running()).count()
}

fn lift_quota(rig: &Rig) {
    let mut world = rig.sim.world();
    world.settings.fargate_vcpus = None;
    fargate::changed(&mut world);
}

/// Six tasks of a quarter vCPU, and a quota of one.
fn short_of_quota(rig: &mut Rig) {
    rig.sim.world().settings.fargate_vcpus = Some(1);
    rig.write("cluster.yaml", cluster("prod"));
    rig.write("task.yaml", task("web", "nginx:1", &[]));
    rig.write("service.yaml", Wanted::of("web", 6).text("web"));
    rig.commit();
    rig.start();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_rollout_goes_on_when_the_quota_does() {
    let mut rig = Rig::new(5);
    short_of_quota(&mut rig);
    rig.run(10 * MINUTE).await;
    assert_eq!((running(&rig), rig.reason(&key("web")).as_str()), (4, "RolloutInProgress"), "{:#?}", rig.stories());
    let mark = rig.mark();
    rig.run(2 * MINUTE).await;
    lift_quota(&rig);
    rig.converge(HOUR).await;
    assert_eq!((running(&rig), rig.operations_since(mark)), (6, Vec::new()));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_rollout_that_misses_its_deadline_for_lack_of_quota_says_so() {
    let mut rig = Rig::new(5);
    short_of_quota(&mut rig);
    rig.run(HOUR).await;
    let (reason, message) = rig.stories().remove(&key("web")).unwrap();
    assert!(message.contains("limit on the number of vCPUs"), "{reason}: {message}");
    let mark = rig.mark();
    rig.run(HOUR).await;
    lift_quota(&rig);
    rig.run(HOUR).await;
    assert_eq!((running(&rig), rig.operations_since(mark)), (6, Vec::new()));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_service_on_an_empty_group_converges() {
    let mut rig = Rig::new(5);
    let group = tree! {
        "autoScalingGroupArn" =>
            "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:0f:autoScalingGroupName/web",
        "managedScaling" => tree! { "status" => "ENABLED" },
        // Without it the group would take machines with tasks as readily as the one whose zone has no subnet for them.
        "managedTerminationProtection" => "ENABLED",
    };
    rig.by_hand("CreateCapacityProvider", tree! { "name" => "web", "autoScalingGroupProvider" => group }).await;
    rig.write("cluster.yaml", cluster("prod") + "spec: { capacityProviders: [web] }\n");
    rig.write("task.yaml", task("web", "nginx:1", &[]).replace("FARGATE", "EC2"));
    let service = Wanted::of("web", 5).text("web");
    let strategy = "capacityProviderStrategy: [{ capacityProvider: web, weight: 1 }]";
    rig.write("service.yaml", service.replace("launchType: FARGATE", strategy));
    rig.commit();
    rig.start();
    assert!(rig.until(10 * MINUTE, |rig| !rig.sim.world().ecs.tasks.is_empty()).await, "{:#?}", rig.stories());
    let mark = rig.mark();
    rig.converge(HOUR).await;
    assert_eq!((running(&rig), rig.operations_since(mark)), (5, Vec::new()));
    rig.run(2 * HOUR).await;
    let world = rig.sim.world();
    let shown = auto_scaling::show(&world, &world.ecs.groups["web"]);
    assert_eq!((shown.int("desiredCapacity"), shown.int("capacityProviderReservation")), (Some(3), Some(100)));
    drop(world);
    rig.assert_lawful();
}
