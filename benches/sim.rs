//! How fast the embedded ECS rolls out a fleet: events and tasks a second, by real time. `cargo bench --bench sim`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a measurement may fail by panicking, and is made in real time"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use ecs_operator::shape::{Time, Tree};
use ecs_operator::sim::Sim;
use ecs_operator::sim::world::Settings;
use ecs_operator::tree;

const TASKS_EACH: usize = 3;
const FLEETS: [usize; 3] = [10, 100, 1_000];
const HOUR_MS: i64 = 3_600_000;

struct Fleet {
    sim: Sim,
    clock: Arc<AtomicI64>,
    services: usize,
}

impl Fleet {
    /// Services of [`TASKS_EACH`] tasks on Fargate, steady.
    fn steady(services: usize) -> Self {
        let clock = Arc::new(AtomicI64::new(0));
        let shown = clock.clone();
        let sim = Sim::new(Settings::default(), move || Time(shown.load(Ordering::Relaxed)));
        let fleet = Self { sim, clock, services };
        fleet.call("CreateCluster", tree! {});
        fleet.register("nginx:1");
        for number in 0..services {
            let network =
                tree! { "awsvpcConfiguration" => tree! { "subnets" => vec![format!("subnet-{}", number / 100)] } };
            let service = tree! {
                "serviceName" => format!("s{number}"), "taskDefinition" => "web", "desiredCount" => TASKS_EACH,
                "launchType" => "FARGATE", "networkConfiguration" => network,
            };
            fleet.call("CreateService", service);
        }
        fleet.pass();
        fleet
    }

    fn call(&self, operation: &str, input: Tree) {
        self.sim.call("ecs", operation, input).unwrap();
    }

    fn register(&self, image: &str) {
        let definition = tree! {
            "family" => "web", "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
            "requiresCompatibilities" => vec!["FARGATE"],
            "containerDefinitions" => vec![tree! { "name" => "web", "image" => image }],
        };
        self.call("RegisterTaskDefinition", definition);
    }

    fn pass(&self) {
        self.clock.fetch_add(HOUR_MS, Ordering::Relaxed);
        drop(self.sim.world());
    }

    /// Replaces every task once.
    fn roll(&self) {
        self.register("nginx:2");
        for number in 0..self.services {
            self.call("UpdateService", tree! { "service" => format!("s{number}"), "taskDefinition" => "web" });
        }
        self.pass();
        let world = self.sim.world();
        let rolled = world.ecs.services.values().all(|one| one.deployments.len() == 1);
        assert!(rolled, "every rollout has ended");
    }
}

fn main() {
    println!("services   tasks   events  seconds  events/s  tasks/s");
    for services in FLEETS {
        let fleet = Fleet::steady(services);
        let before = fleet.sim.world().put_down();
        let began = Instant::now();
        fleet.roll();
        let secs = began.elapsed().as_secs_f64();
        let (events, tasks) = ((fleet.sim.world().put_down() - before) as f64, (services * TASKS_EACH) as f64);
        let (events_per_sec, tasks_per_sec) = (events / secs, tasks / secs);
        println!("{services:8} {tasks:7} {events:8} {secs:8.3} {events_per_sec:9.0} {tasks_per_sec:8.0}");
    }
}
