//! Preflight against the embedded cloud: in many random worlds what it foretells comes true.
//!
//! Subnets of random sizes in random zones, filled by other services, some of them rolling at the same moment; then a
//! service is created and rolled with random percentages. Preflight says that it fits if and only if it completes
//! within its deadline and no task fails to start for want of an address. Where it says that it may be tight, it claims
//! nothing; how often it may do so is bounded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ecs_operator::check::preflight::{Case, Claim, Due, Fact, Facts, Preflight, look};
use ecs_operator::kinds::Place;
use ecs_operator::manifest::Severity;
use ecs_operator::shape::{Time, Tree};
use ecs_operator::sim::Sim;
use ecs_operator::sim::world::Settings;
use ecs_operator::tree;

/// How many worlds; `PREFLIGHT_WORLDS` says another number, up to [`MOST`].
const WORLDS: u64 = 250;
const MOST: u64 = 10_000;
/// Of what is foretold, at most so much may be left open.
const OPEN_PERCENT: usize = 30;

const START: i64 = 1_790_000_000_000;
const STEP_SECONDS: i64 = 5;
/// Twelve tasks one by one, each 40 s until it is healthy and a minute until the old one is gone, and some.
const DEADLINE_SECONDS: i64 = 2 * 3600;
/// What can't move has not moved by then.
const STUCK_SECONDS: i64 = 20 * 60;

/// A world of its own, and its clock.
struct World {
    sim: Sim,
    now: Arc<AtomicI64>,
    rng: fastrand::Rng,
    subnets: Vec<String>,
}

/// What came of a creation or a rollout.
#[derive(Debug, PartialEq)]
enum Outcome {
    Completed,
    /// A task found no address.
    Failed,
    /// Not done when the deadline was over.
    Stuck,
}

impl World {
    fn new(seed: u64) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let clock = Arc::clone(&now);
        let settings = Settings { seed, networks_must_exist: true, ..Settings::default() };
        let sim = Sim::new(settings, move || Time(clock.load(Ordering::Relaxed)));
        let mut world = Self { sim, now, rng: fastrand::Rng::with_seed(seed), subnets: Vec::new() };
        world.ecs("CreateCluster", tree! {});
        for image in ["nginx:1", "nginx:2"] {
            let container = tree! { "name" => "web", "image" => image };
            world.ecs(
                "RegisterTaskDefinition",
                tree! {
                    "family" => "web", "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
                    "requiresCompatibilities" => vec!["FARGATE"], "containerDefinitions" => vec![container],
                },
            );
        }
        world.build();
        world
    }

    fn call(&self, service: &str, operation: &str, input: Tree) -> Tree {
        self.sim.call(service, operation, input).unwrap_or_else(|fault| panic!("{operation}: {fault:?}"))
    }

    fn ecs(&self, operation: &str, input: Tree) -> Tree {
        self.call("ecs", operation, input)
    }

    fn ec2(&self, operation: &str, input: Tree) -> Tree {
        self.call("ec2", operation, input)
    }

    fn id(&self, operation: &str, input: Tree, path: &[&str]) -> String {
        self.ec2(operation, input).at(path).and_then(Tree::as_text).unwrap().to_owned()
    }

    /// A VPC with an internet gateway and one or two small subnets in each of one to three zones.
    fn build(&mut self) {
        let vpc = self.id("CreateVpc", tree! { "CidrBlock" => "10.0.0.0/16" }, &["Vpc", "VpcId"]);
        let gateway = self.id("CreateInternetGateway", tree! {}, &["InternetGateway", "InternetGatewayId"]);
        self.ec2("AttachInternetGateway", tree! { "InternetGatewayId" => &gateway, "VpcId" => &vpc });
        let tables = self.ec2("DescribeRouteTables", filter("vpc-id", &vpc));
        let table = tables.list("RouteTables")[0].text("RouteTableId").unwrap().to_owned();
        let route = tree! { "RouteTableId" => table, "DestinationCidrBlock" => "0.0.0.0/0", "GatewayId" => gateway };
        self.ec2("CreateRoute", route);
        let mut block = 0;
        for zone in ["a", "b", "c"].into_iter().take(self.rng.usize(1..=3)) {
            for _ in 0..if self.rng.u8(0..4) == 0 { 2 } else { 1 } {
                let bits = if self.rng.bool() { 28 } else { 27 };
                let cidr = format!("10.0.{block}.0/{bits}");
                block += 1;
                let input = tree! {
                    "VpcId" => &vpc, "CidrBlock" => cidr, "AvailabilityZone" => format!("us-east-1{zone}"),
                };
                self.subnets.push(self.id("CreateSubnet", input, &["Subnet", "SubnetId"]));
            }
        }
    }

    fn spec(&self, wish: &Wish) -> Tree {
        tree! {
            "desiredCount" => wish.desired, "launchType" => "FARGATE",
            "availabilityZoneRebalancing" => "DISABLED",
            "deploymentConfiguration" => tree! {
                "minimumHealthyPercent" => wish.minimum, "maximumPercent" => wish.maximum,
            },
            "networkConfiguration" => tree! { "awsvpcConfiguration" => tree! {
                "subnets" => wish.subnets.clone(), "assignPublicIp" => "ENABLED",
            } },
        }
    }

    fn create(&self, name: &str, wish: &Wish) {
        self.ecs("CreateService", self.spec(wish).with("serviceName", name).with("taskDefinition", "web:1"));
    }

    fn roll(&self, name: &str) {
        self.ecs("UpdateService", tree! { "service" => name, "taskDefinition" => "web:2" });
    }

    fn service(&self, name: &str) -> Tree {
        self.ecs("DescribeServices", tree! { "services" => vec![name] }).list("services")[0].clone()
    }

    fn wait(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// Lets time pass until a service has what it wants, or can be seen not to get it.
    fn outcome(&self, name: &str, deadline_seconds: i64) -> Outcome {
        for _ in 0..deadline_seconds / STEP_SECONDS {
            self.wait(STEP_SECONDS);
            let shown = self.service(name);
            let deployments = shown.list("deployments");
            if self.lacked_an_address(name) {
                return Outcome::Failed;
            }
            let completed = deployments[0].text("rolloutState") == Some("COMPLETED");
            if deployments.len() == 1 && completed && shown.int("runningCount") == shown.int("desiredCount") {
                return Outcome::Completed;
            }
        }
        Outcome::Stuck
    }

    fn lacked_an_address(&self, name: &str) -> bool {
        let world = self.sim.world();
        let mut own = world.ecs.tasks.values().filter(|task| task.service.as_deref() == Some(name));
        own.any(|task| task.stop.as_ref().is_some_and(|stop| stop.reason.contains("InsufficientFreeAddresses")))
    }

    fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        let all = |operation: &str, list: &str| Fact::Known(self.ec2(operation, tree! {}).list(list).to_vec());
        facts.network.subnets = all("DescribeSubnets", "Subnets");
        facts.network.groups = all("DescribeSecurityGroups", "SecurityGroups");
        facts.network.route_tables = all("DescribeRouteTables", "RouteTables");
        facts.network.internet_gateways = all("DescribeInternetGateways", "InternetGateways");
        facts
    }

    /// What preflight says, with what others are about to take.
    fn foretell(&self, due: Due, wish: &Wish, shown: Option<&Tree>, claims: &[Claim]) -> Preflight {
        let definition = self.ecs("DescribeTaskDefinition", tree! { "taskDefinition" => "web:2" });
        let definition = Fact::Known(definition.get("taskDefinition").unwrap().clone());
        let place = Place { account: "123456789012".into(), region: "us-east-1".into() };
        let (spec, facts) = (self.spec(wish), self.facts());
        let case = Case {
            due,
            spec: &spec,
            place: &place,
            cluster_name: "default",
            shown,
            cluster: None,
            definition: &definition,
            facts: &facts,
            claims,
        };
        look(&case, None)
    }

    fn wish(&mut self, most: i64) -> Wish {
        let minimum = [0, 25, 50, 75, 100][self.rng.usize(0..5)];
        let maximum = [100, 110, 125, 150, 175, 200][self.rng.usize(0..6)];
        let maximum = if minimum == 100 { maximum.max(110) } else { maximum };
        let mut subnets = self.subnets.clone();
        self.rng.shuffle(&mut subnets);
        subnets.truncate(self.rng.usize(1..=subnets.len()));
        Wish { desired: self.rng.i64(1..=most), minimum, maximum, subnets }
    }
}

fn filter(name: &str, value: &str) -> Tree {
    tree! { "Filters" => vec![tree! { "Name" => name, "Values" => vec![value] }] }
}

/// What a service is to be like.
#[derive(Clone, Debug)]
struct Wish {
    desired: i64,
    minimum: i64,
    maximum: i64,
    subnets: Vec<String>,
}

/// What preflight foretells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Fits,
    Open,
    Held,
}

impl Told {
    fn of(said: &Preflight) -> Self {
        match said.hold() {
            Some(_) => Self::Held,
            None if said.judged.is_empty() => Self::Fits,
            None => Self::Open,
        }
    }
}

/// Percentages that leave no room fail no task, and nothing moves; addresses that are short fail some.
fn as_foretold(said: &Preflight, outcome: &Outcome) -> bool {
    let holds = |rule: &str| said.judged.iter().any(|one| one.fault.rule == rule);
    match (holds("preflight-percent"), holds("preflight-addresses")) {
        (true, false) => *outcome == Outcome::Stuck,
        (false, true) => *outcome == Outcome::Failed,
        _ => *outcome != Outcome::Completed,
    }
}

/// Counts what was foretold and what came of it.
#[derive(Default)]
struct Tally(BTreeMap<(&'static str, Told), usize>);

impl Tally {
    /// Holds what was foretold against what comes.
    fn judge(&mut self, seed: u64, due: Due, world: &World, wish: &Wish, said: &Preflight) -> Outcome {
        let told = Told::of(said);
        *self.0.entry((due.as_str(), told)).or_default() += 1;
        let unknown = said.judged.iter().any(|one| one.fault.severity == Severity::Unknown);
        assert!(!unknown, "{said:#?}");
        let deadline = if told == Told::Held { STUCK_SECONDS } else { DEADLINE_SECONDS };
        let outcome = world.outcome("web", deadline);
        let right = match told {
            Told::Fits => outcome == Outcome::Completed,
            Told::Held => as_foretold(said, &outcome),
            Told::Open => true,
        };
        assert!(right, "world {seed}, {}, {wish:?}: {outcome:?}, and it was said: {said:#?}", due.as_str());
        outcome
    }
}

/// One world, from its subnets to the end of a rollout.
fn play(seed: u64, tally: &mut Tally) {
    let mut world = World::new(seed);
    let mut others = Vec::new();
    for number in 0..world.rng.usize(0..=2) {
        let (name, wish) = (format!("other-{number}"), world.wish(9));
        world.create(&name, &wish);
        others.push((name, wish));
    }
    world.wait(300);
    let wish = world.wish(12);
    let said = world.foretell(Due::Create, &wish, None, &[]);
    world.create("web", &wish);
    if tally.judge(seed, Due::Create, &world, &wish, &said) != Outcome::Completed {
        return;
    }
    // Whoever lacks addresses goes on trying, and takes them when it may; that is not foretold.
    let steady = |name: &String| {
        let shown = world.service(name);
        shown.int("runningCount") == shown.int("desiredCount") && shown.list("deployments").len() == 1
    };
    if !others.iter().all(|(name, _)| steady(name)) {
        return;
    }
    let mut claims = Vec::new();
    for (name, other) in others.iter().filter(|(_, other)| other.desired % 3 == 0) {
        let shown = world.service(name);
        let ahead = world.foretell(Due::Rollout, other, Some(&shown), &[]);
        if Told::of(&ahead) != Told::Fits {
            continue;
        }
        world.roll(name);
        let course = ahead.course.unwrap();
        let (tasks, held) = (course.surge(), course.surge_held());
        let subnets = other.subnets.clone();
        claims.push(Claim { of: name.clone(), cluster: "default".into(), tasks, held, subnets, size: None });
    }
    let shown = world.service("web");
    let said = world.foretell(Due::Rollout, &wish, Some(&shown), &claims);
    world.roll("web");
    tally.judge(seed, Due::Rollout, &world, &wish, &said);
}

#[test]
fn what_is_foretold_comes_true() {
    let asked = std::env::var("PREFLIGHT_WORLDS").ok().and_then(|text| text.parse::<u64>().ok());
    let worlds = asked.map_or(WORLDS, |asked| asked.min(MOST));
    let mut tally = Tally::default();
    for seed in 0..worlds {
        play(seed, &mut tally);
    }
    println!("{worlds} worlds: {:?}", tally.0);
    for due in [Due::Create, Due::Rollout] {
        let of = |told: Told| tally.0.get(&(due.as_str(), told)).copied().unwrap_or(0);
        let all = of(Told::Fits) + of(Told::Open) + of(Told::Held);
        assert!(of(Told::Fits) > 0 && of(Told::Held) > 0, "{:?}", tally.0);
        assert!(of(Told::Open) * 100 <= all * OPEN_PERCENT, "too much is left open: {:?}", tally.0);
    }
}
