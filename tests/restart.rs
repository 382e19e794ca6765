//! The operator killed at any moment, started again, and started twice: what it remembers lies on the AWS objects.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail by panicking, and a process that is killed dies in real time"
)]

mod common;

use std::path::Path;
use std::time::Duration;

use common::process::{Child, PATIENCE, Sim, World, image, program, tagged, until, write_hello};
use tempfile::TempDir;

const SERVICE: &str = "hello-world";

/// An operator of a world that outlives it. Both clocks run at their own speed: it looks often instead.
fn operator(dir: &Path, world: World) -> Child {
    let mut command = program();
    command.arg("run").arg(dir).args(["--endpoint-url", &world.url(), "--listen", "127.0.0.1:0"]);
    Child::start(command.args(["--resync", "1s", "--active", "1s"]))
}

fn until_runs(world: World, tag: &str, operator: &Child) {
    let runs = || world.stable_image(SERVICE).filter(|runs| *runs == image(tag));
    let began = std::time::Instant::now();
    while runs().is_none() {
        assert!(began.elapsed() < PATIENCE, "{:?}, not {tag}:\n{}", world.stable_image(SERVICE), operator.err());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn killed_at_any_moment_it_does_nothing_twice() {
    let root = TempDir::new().unwrap();
    write_hello(root.path(), tagged("1.1"));
    let sim = Sim::start("60");
    // Through the first few hundred milliseconds in small steps: reading, observing, each of the writes.
    for step in 0..25 {
        let victim = operator(root.path(), sim.world);
        std::thread::sleep(Duration::from_millis(20 + step * 15));
        drop(victim);
    }
    let last = operator(root.path(), sim.world);
    until_runs(sim.world, "1.1", &last);
    drop(last);
    for (operation, most) in [("CreateCluster", 1), ("RegisterTaskDefinition", 1), ("CreateService", 1)] {
        assert_eq!(sim.world.asked(operation), most, "{operation}");
    }
    write_hello(root.path(), tagged("1.2"));
    for step in 0..25 {
        let victim = operator(root.path(), sim.world);
        std::thread::sleep(Duration::from_millis(20 + step * 15));
        drop(victim);
    }
    let last = operator(root.path(), sim.world);
    until_runs(sim.world, "1.2", &last);
    assert_eq!(sim.world.asked("RegisterTaskDefinition"), 2);
    assert_eq!(sim.world.asked("UpdateService"), 1, "one change, one deployment");
}

#[test]
fn two_at_once_end_where_one_does() {
    let root = TempDir::new().unwrap();
    write_hello(root.path(), tagged("1.0"));
    let sim = Sim::start("60");
    let both = [operator(root.path(), sim.world), operator(root.path(), sim.world)];
    until_runs(sim.world, "1.0", &both[0]);
    for number in 1..4 {
        let tag = format!("1.{number}");
        write_hello(root.path(), tagged(&tag));
        until_runs(sim.world, &tag, &both[0]);
    }
    // Converged, neither writes again, however often it looks.
    let rounds = |more: usize| {
        let before = sim.world.asked("ListServices");
        until("more rounds", || (sim.world.asked("ListServices") >= before + more).then_some(()));
    };
    rounds(4);
    let before = sim.world.writes().len();
    rounds(10);
    assert_eq!(sim.world.writes().len(), before);
    assert_eq!(sim.world.state()["services"].as_array().unwrap().len(), 1);
}
