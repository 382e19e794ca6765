//! One seed, one history: ten new processes make equal call logs, with calls that go wrong and operators that are lost on
//! the way.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail by panicking, and seeds the SDK's jitter as the composition does"
)]

mod common;

use std::collections::BTreeSet;
use std::process::Command;

use common::harness::{HOUR, MINUTE, Rig, Wanted, cluster, task};
use common::lossy::Faults;
use ecs_operator::shape::json;
use sha2::{Digest, Sha256};

/// Set in the processes that only tell their log's hash.
const CHILD: &str = "ECS_OPERATOR_TEST_CHILD";

/// Several services, a rollout, a bad image, faults, and an operator lost; the canonical call log, line by line.
async fn log(seed: u64) -> String {
    fastrand::seed(seed);
    let mut rig = Rig::new(seed);
    rig.write("cluster.yaml", cluster("prod"));
    for name in ["api", "web", "worker"] {
        rig.write(&format!("{name}-task.yaml"), task(name, "nginx:1", &[]));
        rig.write(&format!("{name}.yaml"), Wanted::of(name, 2).text(name));
    }
    rig.commit();
    let faults = |salt: u64| Faults { rng: fastrand::Rng::with_seed(seed ^ salt), per_mille: 100 };
    rig.start().way().faults = Some(faults(1));
    rig.run(5 * MINUTE).await;
    rig.write("web-task.yaml", task("web", "nginx:2", &[]));
    rig.write("api-task.yaml", task("api", "nginx:2", &[("fail-to-start", "CannotPullContainerError: gone")])).commit();
    rig.run(MINUTE).await;
    rig.start().way().faults = Some(faults(2));
    rig.run(HOUR / 2).await;
    let world = rig.sim.world();
    let line = |call: &ecs_operator::sim::world::LoggedCall| {
        format!("{} {} {} {} {}\n", call.at, call.service, call.operation, json::write(&call.input), call.status)
    };
    world.calls().iter().map(line).collect()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn ten_processes_make_one_log() {
    if let Ok(seed) = std::env::var(CHILD) {
        let log = log(seed.parse().unwrap()).await;
        let hash: String = Sha256::digest(log.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        println!("\nlog of {} calls: {hash}", log.lines().count());
        return;
    }
    let tell = |seed: u64| {
        let this = std::env::current_exe().unwrap();
        let mut child = Command::new(this);
        child.args(["--exact", "ten_processes_make_one_log", "--nocapture"]).env(CHILD, seed.to_string());
        let output = String::from_utf8(child.output().unwrap().stdout).unwrap();
        let line = output.lines().find(|line| line.starts_with("log of"));
        line.unwrap_or_else(|| panic!("{output}")).to_owned()
    };
    let one: BTreeSet<String> = (0..10).map(|_| tell(11)).collect();
    assert_eq!(one.len(), 1, "{one:#?}");
    println!("{one:?}");
    assert!(!one.contains(&tell(12)), "another seed, another log");
}
