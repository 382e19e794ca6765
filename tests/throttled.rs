//! ECS's API has limits, as the embedded one keeps them: the operator leaves half of each bucket to others, is not
//! throttled while it has that half, and gets there all the same when it has less.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeMap;

use common::harness::{HOUR, Rig, Wanted, cluster, task};
use ecs_operator::shape::Time;
use ecs_operator::sim::ecs::throttle::{Bucket, bucket_of};
use ecs_operator::sim::world::LoggedCall;

const SERVICES: usize = 30;

/// Each service with a task definition of its own: registrations are the scarcest calls.
fn write(rig: &mut Rig, image: &str) {
    for at in 0..SERVICES {
        let name = format!("s{at:03}");
        rig.write(&format!("{name}-task.yaml"), task(&name, image, &[]));
        rig.write(&format!("{name}.yaml"), Wanted::of(&name, 1).text(&name));
    }
    rig.commit();
}

/// The most that a call log ever overdraws a part of a bucket by, in calls, and the bucket's name.
fn overdrawn(calls: &[LoggedCall], share: f64) -> (f64, &'static str) {
    let mut levels: BTreeMap<&str, (f64, Time)> = BTreeMap::new();
    let mut worst = (f64::NEG_INFINITY, "");
    for call in calls.iter().filter(|call| call.service == "ecs") {
        let Bucket { name, burst, per_second, .. } = *bucket_of(&call.operation).unwrap();
        let (tokens, at) = levels.entry(name).or_insert((burst * share, call.at));
        *tokens = (*tokens + call.at.since(*at).as_secs_f64() * per_second * share).min(burst * share) - 1.0;
        *at = call.at;
        worst = if -*tokens > worst.0 { (-*tokens, name) } else { worst };
    }
    worst
}

/// Calls that were refused, but for the question whether a family is there already.
fn refused(calls: &[LoggedCall]) -> Vec<&str> {
    let in_vain = calls.iter().filter(|call| call.status != 200 && call.operation != "DescribeTaskDefinition");
    in_vain.map(|call| call.operation.as_str()).collect()
}

async fn rolled_out(factor: f64) -> Rig {
    let mut rig = Rig::new(7);
    rig.sim.world().settings.throttle = Some(factor);
    rig.write("cluster.yaml", cluster("prod"));
    write(&mut rig, "nginx:1");
    rig.start();
    rig.converge(2 * HOUR).await;
    write(&mut rig, "nginx:2");
    rig.converge(2 * HOUR).await;
    for at in 0..SERVICES {
        assert_eq!(rig.live(&format!("s{at:03}")), format!("s{at:03}:2"));
    }
    rig.assert_lawful();
    rig
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn half_of_each_bucket_is_left_to_others() {
    let rig = rolled_out(1.0).await;
    let world = rig.sim.world();
    assert_eq!(refused(world.calls()), Vec::<&str>::new(), "nothing is throttled");
    let (by, bucket) = overdrawn(world.calls(), 0.5);
    println!("at worst {by:.2} calls over half of {bucket}");
    // A call is counted when it arrives: two that were sent half a second apart may come a rounding nearer.
    assert!(by <= 0.1, "half of {bucket} is overdrawn by {by} calls");
    // It does make use of what it has.
    assert!(overdrawn(world.calls(), 0.25).0 > 1.0, "half is a limit that is reached");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn with_less_than_its_half_it_gets_there_more_slowly() {
    let rig = rolled_out(0.2).await;
    assert!(rig.registrations().values().all(|count| *count == 1), "one registration for each content");
    let world = rig.sim.world();
    let refused = refused(world.calls()).len();
    println!("{refused} of {} calls were throttled", world.calls().len());
    assert!(refused > 0, "there is less than it takes for granted");
    assert!(refused * 4 < world.calls().len(), "{refused} of {} calls were in vain", world.calls().len());
}
