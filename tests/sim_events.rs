//! What the embedded ECS costs: so many events a task that is replaced, and no more for each the more there are; and when
//! all is quiet, next to nothing, in time and in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ecs_operator::shape::{Time, Tree};
use ecs_operator::sim::Sim;
use ecs_operator::sim::ecs::instance::{Wish, add};
use ecs_operator::sim::world::Settings;
use ecs_operator::tree;

const TASKS: usize = 3;
const HOUR: Duration = Duration::from_secs(3600);

/// Events for the replacement of one task: the steps of the one that goes and of the one that comes, and the looks of the
/// scheduler that they cause; as measured, and how far chance may move it.
const PER_REPLACEMENT: [(Kind, f64); 4] = [
    (USUAL, 11.5),
    (Kind { launch: "FARGATE", minimum: 50, maximum: 100 }, 12.7),
    (Kind { launch: "EC2", minimum: 100, maximum: 200 }, 11.2),
    (Kind { launch: "EC2", minimum: 50, maximum: 100 }, 12.7),
];
const PER_REPLACEMENT_OFF: f64 = 0.7;
/// Events of a service in an hour in which nothing happens to it: the steady state is told every six hours.
const PER_QUIET_HOUR_MAX: f64 = 0.2;

struct Fleet {
    sim: Sim,
    clock: Arc<AtomicI64>,
    services: usize,
    kind: Kind,
}

/// Where a fleet runs, and how much room its rollouts have.
#[derive(Clone, Copy, Debug)]
struct Kind {
    launch: &'static str,
    minimum: i64,
    maximum: i64,
}

const USUAL: Kind = Kind { launch: "FARGATE", minimum: 100, maximum: 200 };

impl Fleet {
    /// So many services of [`TASKS`] tasks each, steady.
    fn new(services: usize) -> Self {
        Self::of(services, USUAL)
    }

    fn of(services: usize, kind: Kind) -> Self {
        let clock = Arc::new(AtomicI64::new(0));
        let shown = clock.clone();
        let sim = Sim::new(Settings::default(), move || Time(shown.load(Ordering::Relaxed)));
        let fleet = Self { sim, clock, services, kind };
        fleet.call("CreateCluster", tree! {});
        if kind.launch == "EC2" {
            for _ in 0..services {
                let wish = Wish { kind: Some("m5.2xlarge".to_owned()), ..Wish::default() };
                add(&mut fleet.sim.world(), "default", wish).unwrap();
            }
        }
        fleet.register("a:1");
        for number in 0..services {
            let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-1"] } };
            let percents = tree! { "minimumHealthyPercent" => kind.minimum, "maximumPercent" => kind.maximum };
            let service = tree! {
                "serviceName" => format!("s{number}"), "taskDefinition" => "web", "desiredCount" => TASKS,
                "launchType" => kind.launch, "deploymentConfiguration" => percents,
                "availabilityZoneRebalancing" => "DISABLED",
            };
            let network = (kind.launch == "FARGATE").then_some(network);
            fleet.call("CreateService", service.with_some("networkConfiguration", network));
        }
        fleet.pass(HOUR);
        fleet
    }

    fn call(&self, operation: &str, input: Tree) -> Tree {
        self.sim.call("ecs", operation, input).unwrap()
    }

    fn register(&self, image: &str) {
        let container = tree! { "name" => "web", "image" => image };
        let mode = if self.kind.launch == "FARGATE" { "awsvpc" } else { "bridge" };
        let definition = tree! {
            "family" => "web", "networkMode" => mode, "cpu" => "256", "memory" => "512",
            "requiresCompatibilities" => vec![self.kind.launch], "containerDefinitions" => vec![container],
        };
        self.call("RegisterTaskDefinition", definition);
    }

    /// Lets time pass, and tells how many events that put down.
    fn pass(&self, span: Duration) -> u64 {
        let before = self.sim.world().put_down();
        self.clock.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::Relaxed);
        self.sim.world().put_down() - before
    }

    /// Replaces every task once; events until all is steady.
    fn roll(&self) -> u64 {
        let before = self.sim.world().put_down();
        self.register("a:2");
        for number in 0..self.services {
            self.call("UpdateService", tree! { "service" => format!("s{number}"), "taskDefinition" => "web" });
        }
        self.pass(HOUR);
        for number in 0..self.services {
            let service = self.call("DescribeServices", tree! { "services" => vec![format!("s{number}")] });
            let service = &service.list("services")[0];
            assert_eq!((service.list("deployments").len(), service.int("runningCount")), (1, Some(TASKS as i64)));
        }
        self.sim.world().put_down() - before
    }
}

#[test]
fn replacing_a_task_takes_a_bounded_number_of_events() {
    for (kind, expected) in PER_REPLACEMENT {
        let fleet = Fleet::of(20, kind);
        let each = fleet.roll() as f64 / (fleet.services * TASKS) as f64;
        println!("{each:.2} events a task replaced, {kind:?}");
        assert!((each - expected).abs() <= PER_REPLACEMENT_OFF, "{each} of {expected}, {kind:?}");
    }
}

#[test]
fn twice_the_services_are_twice_the_events() {
    let (one, two) = (Fleet::new(25), Fleet::new(50));
    let ratio = two.roll() as f64 / one.roll() as f64;
    println!("{ratio:.3} times the events");
    assert!((1.94..=2.06).contains(&ratio), "{ratio}");
}

#[test]
fn a_quiet_world_costs_next_to_nothing() {
    let fleet = Fleet::new(20);
    fleet.roll();
    // What has stopped is forgotten an hour and a bit later.
    fleet.pass(3 * HOUR);
    let hours = 24_u32;
    let each = fleet.pass(hours * HOUR) as f64 / f64::from(hours) / fleet.services as f64;
    println!("{each:.2} events a service in a quiet hour");
    assert!(each <= PER_QUIET_HOUR_MAX, "{each}");
    let world = fleet.sim.world();
    assert_eq!(world.ecs.tasks.len(), fleet.services * TASKS, "no stopped task is kept for ever");
    assert!(world.waiting() <= fleet.services * 2, "{} events wait", world.waiting());
}

/// Services tell their steady state every six hours; nothing else has anything to tell.
#[test]
fn without_services_nothing_happens_at_all() {
    let fleet = Fleet::of(1, Kind { launch: "EC2", ..USUAL });
    fleet.call("DeleteService", tree! { "service" => "s0", "force" => true });
    fleet.call("RunTask", tree! { "taskDefinition" => "web", "launchType" => "EC2", "count" => 3 });
    fleet.pass(3 * HOUR);
    assert_eq!(fleet.pass(24 * HOUR), 0);
    let world = fleet.sim.world();
    assert_eq!((world.ecs.tasks.len(), world.waiting()), (3, 0));
}
