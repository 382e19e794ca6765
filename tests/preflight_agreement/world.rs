//! A world of its own with a clock of its own, what preflight foretells in it, and what comes of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ecs_operator::check::preflight::{Case, Claim, Due, Fact, Facts, Preflight, Size, look};
use ecs_operator::kinds::Place;
use ecs_operator::manifest::Severity;
use ecs_operator::shape::{Time, Tree};
use ecs_operator::sim::Sim;
use ecs_operator::sim::world::Settings;
use ecs_operator::tree;

const START: i64 = 1_790_000_000_000;
const STEP_SECONDS: i64 = 5;
/// Twelve tasks one by one, each 40 s until it is healthy and a minute until the old one is gone, and some.
const DEADLINE_SECONDS: i64 = 2 * 3600;
/// What can't move has not moved by then.
pub const STUCK_SECONDS: i64 = 20 * 60;

pub struct World {
    pub sim: Sim,
    now: Arc<AtomicI64>,
    pub rng: fastrand::Rng,
}

/// What came of a creation or a rollout.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    Completed,
    /// A task did not start, for want of an address or a way out.
    Failed,
    /// Not done when the deadline was over.
    Stuck,
}

/// What a service is to be like: its input of CreateService, and its task definition's.
#[derive(Clone, Debug)]
pub struct Wish {
    pub spec: Tree,
    pub definition: Tree,
}

/// Percentages that may or may not move a rollout.
#[derive(Clone, Copy, Debug)]
pub struct Percents {
    pub minimum: i64,
    pub maximum: i64,
}

impl Percents {
    pub fn draw(rng: &mut fastrand::Rng) -> Self {
        let minimum = [0, 25, 50, 75, 100][rng.usize(0..5)];
        let maximum = [100, 110, 125, 150, 175, 200][rng.usize(0..6)];
        Self { minimum, maximum: if minimum == 100 { maximum.max(110) } else { maximum } }
    }

    pub fn tree(self) -> Tree {
        tree! { "minimumHealthyPercent" => self.minimum, "maximumPercent" => self.maximum }
    }
}

impl World {
    /// With an empty cluster, and none of the networks that nobody made.
    pub fn new(seed: u64) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let clock = Arc::clone(&now);
        let settings = Settings { seed, networks_must_exist: true, ..Settings::default() };
        let sim = Sim::new(settings, move || Time(clock.load(Ordering::Relaxed)));
        let world = Self { sim, now, rng: fastrand::Rng::with_seed(seed) };
        world.ecs("CreateCluster", tree! {});
        world
    }

    fn call(&self, service: &str, operation: &str, input: Tree) -> Tree {
        self.sim.call(service, operation, input).unwrap_or_else(|fault| panic!("{operation}: {fault:?}"))
    }

    pub fn ecs(&self, operation: &str, input: Tree) -> Tree {
        self.call("ecs", operation, input)
    }

    pub fn ec2(&self, operation: &str, input: Tree) -> Tree {
        self.call("ec2", operation, input)
    }

    pub fn id(&self, operation: &str, input: Tree, path: &[&str]) -> String {
        self.ec2(operation, input).at(path).and_then(Tree::as_text).unwrap().to_owned()
    }

    pub fn wait(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// A VPC with an internet gateway to which nothing leads yet: its id, its main route table's, and the gateway's.
    pub fn network(&self) -> [String; 3] {
        let vpc = self.id("CreateVpc", tree! { "CidrBlock" => "10.0.0.0/16" }, &["Vpc", "VpcId"]);
        let gateway = self.id("CreateInternetGateway", tree! {}, &["InternetGateway", "InternetGatewayId"]);
        self.ec2("AttachInternetGateway", tree! { "InternetGatewayId" => &gateway, "VpcId" => &vpc });
        // What private DNS of endpoints takes.
        self.ec2("ModifyVpcAttribute", tree! { "VpcId" => &vpc, "EnableDnsHostnames" => tree! { "Value" => true } });
        let tables = self.ec2("DescribeRouteTables", filter("vpc-id", &vpc));
        let table = tables.list("RouteTables")[0].text("RouteTableId").unwrap().to_owned();
        [vpc, table, gateway]
    }

    pub fn subnet(&self, vpc: &str, cidr: &str, zone: &str) -> String {
        let zone = format!("us-east-1{zone}");
        let input = tree! { "VpcId" => vpc, "CidrBlock" => cidr, "AvailabilityZone" => zone };
        self.id("CreateSubnet", input, &["Subnet", "SubnetId"])
    }

    pub fn default_route(&self, table: &str, member: &str, target: &str) {
        let route = tree! { "RouteTableId" => table, "DestinationCidrBlock" => "0.0.0.0/0" };
        self.ec2("CreateRoute", route.with(member, target));
    }

    fn register(&self, name: &str, wish: &Wish) {
        self.ecs("RegisterTaskDefinition", wish.definition.clone().with("family", name));
    }

    pub fn create(&self, name: &str, wish: &Wish) {
        self.register(name, wish);
        self.ecs("CreateService", wish.spec.clone().with("serviceName", name).with("taskDefinition", name));
    }

    /// Another revision of what it runs.
    pub fn roll(&self, name: &str, wish: &Wish) {
        self.register(name, wish);
        self.ecs("UpdateService", tree! { "service" => name, "taskDefinition" => name });
    }

    pub fn service(&self, name: &str) -> Tree {
        self.ecs("DescribeServices", tree! { "services" => vec![name] }).list("services")[0].clone()
    }

    /// It has what it wants, and nothing rolls.
    pub fn is_steady(&self, name: &str) -> bool {
        let shown = self.service(name);
        shown.int("runningCount") == shown.int("desiredCount") && shown.list("deployments").len() == 1
    }

    /// Lets time pass until a service has what it wants, or can be seen not to get it.
    pub fn outcome(&self, name: &str, deadline_seconds: i64) -> Outcome {
        for _ in 0..deadline_seconds / STEP_SECONDS {
            self.wait(STEP_SECONDS);
            let shown = self.service(name);
            let deployments = shown.list("deployments");
            if !self.failures(name).is_empty() {
                return Outcome::Failed;
            }
            let completed = deployments[0].text("rolloutState") == Some("COMPLETED");
            if deployments.len() == 1 && completed && shown.int("runningCount") == shown.int("desiredCount") {
                return Outcome::Completed;
            }
        }
        Outcome::Stuck
    }

    /// What its stopped tasks say that did not start: of which subnet, and why.
    pub fn failures(&self, name: &str) -> Vec<(String, String)> {
        const WORDS: [&str; 3] = ["InsufficientFreeAddresses", "CannotPullContainer", "ResourceInitialization"];
        let world = self.sim.world();
        let own = world.ecs.tasks.values().filter(|task| task.service.as_deref() == Some(name));
        let failed = own.filter_map(|task| {
            let reason = task.stop.as_ref().map(|stop| stop.reason.clone())?;
            let subnet = task.interface.as_ref().map(|one| one.subnet.clone())?;
            WORDS.iter().any(|word| reason.contains(word)).then_some((subnet, reason))
        });
        failed.collect()
    }

    /// What ECS says of a service, newest first.
    pub fn events(&self, name: &str) -> Vec<String> {
        let shown = self.service(name);
        shown.list("events").iter().filter_map(|event| event.text("message")).map(str::to_owned).collect()
    }

    fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        let all = |operation: &str, list: &str| Fact::Known(self.ec2(operation, tree! {}).list(list).to_vec());
        facts.network.subnets = all("DescribeSubnets", "Subnets");
        facts.network.groups = all("DescribeSecurityGroups", "SecurityGroups");
        facts.network.route_tables = all("DescribeRouteTables", "RouteTables");
        facts.network.internet_gateways = all("DescribeInternetGateways", "InternetGateways");
        facts.network.nat_gateways = all("DescribeNatGateways", "NatGateways");
        facts.network.endpoints = all("DescribeVpcEndpoints", "VpcEndpoints");
        let listed = self.ecs("ListContainerInstances", tree! {});
        let arns = listed.list("containerInstanceArns").to_vec();
        if !arns.is_empty() {
            let described = self.ecs("DescribeContainerInstances", tree! { "containerInstances" => arns });
            let instances = described.list("containerInstances").to_vec();
            facts.interfaces = Fact::Known(self.interfaces(&instances));
            facts.instances.insert("default".into(), Fact::Known(instances));
        }
        facts
    }

    fn interfaces(&self, instances: &[Tree]) -> BTreeMap<String, i64> {
        let kind = |one: &Tree| {
            let attribute = one.list("attributes").iter().find(|it| it.text("name") == Some("ecs.instance-type"));
            attribute.and_then(|it| it.text("value")).map(str::to_owned)
        };
        let kinds: std::collections::BTreeSet<String> = instances.iter().filter_map(kind).collect();
        let kinds = kinds.into_iter().collect::<Vec<_>>();
        let types = self.ec2("DescribeInstanceTypes", tree! { "InstanceTypes" => kinds });
        let most = |one: &Tree| one.at(&["NetworkInfo", "MaximumNetworkInterfaces"]).and_then(Tree::as_int);
        let one = |kind: &Tree| Some((kind.text("InstanceType")?.to_owned(), most(kind)?));
        types.list("InstanceTypes").iter().filter_map(one).collect()
    }

    /// What preflight says, with what others are about to take.
    pub fn foretell(&self, due: Due, wish: &Wish, shown: Option<&Tree>, claims: &[Claim]) -> Preflight {
        let place = Place { account: "123456789012".into(), region: "us-east-1".into() };
        let (definition, facts) = (Fact::Known(wish.definition.clone()), self.facts());
        let case = Case {
            due,
            spec: &wish.spec,
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

    /// Rolls those of the others that surely can, and tells what they are about to take.
    pub fn roll_others(&self, others: &[(String, Wish)], pick: impl Fn(&Wish) -> bool) -> Vec<Claim> {
        let mut claims = Vec::new();
        for (name, other) in others.iter().filter(|(_, other)| pick(other)) {
            let shown = self.service(name);
            let ahead = self.foretell(Due::Rollout, other, Some(&shown), &claims);
            if Told::of(&ahead) != Told::Fits {
                continue;
            }
            self.roll(name, other);
            let course = ahead.course.unwrap();
            let subnets = other.spec.at(&["networkConfiguration", "awsvpcConfiguration"]);
            let subnets = subnets.map(|vpc| vpc.list("subnets")).unwrap_or_default().iter();
            claims.push(Claim {
                of: name.clone(),
                cluster: "default".into(),
                tasks: course.surge(),
                held: course.surge_held(),
                subnets: subnets.filter_map(Tree::as_text).map(str::to_owned).collect(),
                size: (other.spec.text("launchType") == Some("EC2")).then(|| Size::of(&other.definition)),
            });
        }
        claims
    }
}

fn filter(name: &str, value: &str) -> Tree {
    tree! { "Filters" => vec![tree! { "Name" => name, "Values" => vec![value] }] }
}

/// What preflight foretells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    Fits,
    Open,
    /// A sure finding holds it.
    Held,
}

impl Told {
    pub fn of(said: &Preflight) -> Self {
        let sure = said.judged.iter().any(|one| one.fault.severity == Severity::Error);
        match sure {
            true => Self::Held,
            false if said.judged.is_empty() => Self::Fits,
            false => Self::Open,
        }
    }
}

/// Counts what was foretold and what came of it.
#[derive(Default)]
pub struct Tally(pub BTreeMap<(&'static str, Told), usize>);

impl Tally {
    /// Holds what was foretold against what comes.
    pub fn judge(&mut self, seed: u64, due: Due, world: &World, wish: &Wish, said: &Preflight) -> Outcome {
        let told = Told::of(said);
        *self.0.entry((due.as_str(), told)).or_default() += 1;
        let unknown = said.judged.iter().any(|one| one.fault.severity == Severity::Unknown);
        assert!(!unknown, "{said:#?}");
        let outcome = world.outcome("web", if told == Told::Held { STUCK_SECONDS } else { DEADLINE_SECONDS });
        let right = match told {
            Told::Fits => outcome == Outcome::Completed,
            Told::Held => as_foretold(world, said, &outcome),
            Told::Open => true,
        };
        let due = due.as_str();
        assert!(
            right,
            "world {seed}, {due}, {wish:?}: {outcome:?}, and it was said: {said:#?}\n{:?}",
            world.events("web")
        );
        outcome
    }
}

/// What ECS says where no instance has room.
pub const UNPLACED: &str = "was unable to place a task because no container instance met all of its requirements";

/// Percentages that leave no room, and instances that have none, fail no task: nothing moves. Addresses that are short,
/// and ways that lead nowhere, fail some.
pub fn as_foretold(world: &World, said: &Preflight, outcome: &Outcome) -> bool {
    let holds = |rule: &str| said.judged.iter().any(|one| one.fault.rule == rule);
    let comes = |rule: &str| match rule {
        "preflight-percent" => *outcome == Outcome::Stuck,
        "preflight-capacity" => {
            *outcome == Outcome::Stuck && world.events("web").iter().any(|event| event.contains(UNPLACED))
        }
        _ => *outcome == Outcome::Failed,
    };
    let all = ["preflight-percent", "preflight-capacity", "preflight-addresses", "preflight-no-way-out"];
    let held: Vec<&str> = all.into_iter().filter(|rule| holds(rule)).collect();
    match held.as_slice() {
        [only] => comes(only),
        // One comes before the other can be seen.
        _ => *outcome != Outcome::Completed && !held.is_empty(),
    }
}
