//! What a task costs in memory: a bounded number of bytes, the same however many there are, and given back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

use std::alloc::System;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cap::Cap;
use ecs_operator::shape::{Time, Tree};
use ecs_operator::sim::Sim;
use ecs_operator::sim::world::Settings;
use ecs_operator::tree;

/// Counts the bytes that are allocated at present.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Bytes of one RUNNING task on Fargate: itself, its events to come, its part of its service and of the
/// call log. It is 7,700 as this is written.
const PER_TASK_MAX: f64 = 8_500.0;
const TASKS: usize = 1_000;
/// Tasks of one service.
const EACH: usize = 100;

struct Fleet {
    sim: Sim,
    clock: Arc<AtomicI64>,
    services: usize,
}

impl Fleet {
    fn new() -> Self {
        let clock = Arc::new(AtomicI64::new(0));
        let shown = clock.clone();
        let sim = Sim::new(Settings::default(), move || Time(shown.load(Ordering::Relaxed)));
        let fleet = Self { sim, clock, services: 0 };
        fleet.call("CreateCluster", tree! {});
        let definition = tree! {
            "family" => "web", "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
            "requiresCompatibilities" => vec!["FARGATE"],
            "containerDefinitions" => vec![tree! { "name" => "web", "image" => "nginx:1" }],
        };
        fleet.call("RegisterTaskDefinition", definition);
        fleet
    }

    fn call(&self, operation: &str, input: Tree) {
        self.sim.call("ecs", operation, input).unwrap();
    }

    fn pass(&self, hours: i64) {
        self.clock.fetch_add(hours * 3_600_000, Ordering::Relaxed);
        drop(self.sim.world());
    }

    /// So many tasks more, RUNNING; how many bytes they take.
    fn grow(&mut self, tasks: usize) -> f64 {
        let before = ALLOCATOR.allocated();
        for _ in 0..tasks / EACH {
            let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-1"] } };
            let service = tree! {
                "serviceName" => format!("s{}", self.services), "taskDefinition" => "web", "desiredCount" => EACH,
                "launchType" => "FARGATE", "networkConfiguration" => network,
            };
            self.call("CreateService", service);
            self.services += 1;
        }
        self.pass(3);
        let world = self.sim.world();
        let running = world.ecs.tasks.values().filter(|task| task.is_running()).count();
        assert_eq!(running, self.services * EACH);
        drop(world);
        (ALLOCATOR.allocated() - before) as f64
    }
}

// One test only: others of this process would count, too.
#[test]
fn a_task_takes_its_bytes_and_gives_them_back() {
    let mut fleet = Fleet::new();
    let empty = ALLOCATOR.allocated();
    let first = fleet.grow(TASKS);
    let second = fleet.grow(TASKS);
    println!("{:.0} and {:.0} bytes a task", first / TASKS as f64, second / TASKS as f64);
    assert!(first / TASKS as f64 <= PER_TASK_MAX && second / TASKS as f64 <= PER_TASK_MAX);
    let ratio = (first + second) / first;
    assert!((1.8..=2.2).contains(&ratio), "twice the tasks take {ratio} times the bytes");
    for number in 0..fleet.services {
        fleet.call("UpdateService", tree! { "service" => format!("s{number}"), "desiredCount" => 0 });
    }
    fleet.pass(4);
    assert!(fleet.sim.world().ecs.tasks.is_empty());
    let kept = (ALLOCATOR.allocated() - empty) as f64;
    println!("{kept} bytes are kept of {}", first + second);
    // The services themselves, and the call log.
    assert!(kept <= (first + second) / 4.0, "{kept}");
}
