//! Whatever is asked of the embedded ECS over the whole of what it offers, in whatever order, and whatever machines do
//! meanwhile: after every step what it shows adds up, and its schedulers keep the bounds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use common::world as held;
use ecs_operator::shape::check::{Strictness, check};
use ecs_operator::shape::table::ecs;
use ecs_operator::shape::{Time, Tree};
use ecs_operator::sim::Sim;
use ecs_operator::sim::ecs::instance::{self, End, Wish};
use ecs_operator::sim::ecs::task::interruption;
use ecs_operator::sim::world::Settings;
use ecs_operator::tree;

/// Worlds, unless the environment's SEEDS says how many.
const SEEDS: u64 = 40;
const STEPS: usize = 120;

const CLUSTERS: &[&str] = &["default", "other", "none"];
const SERVICES: &[&str] = &["web", "api", "every", "sets", "none"];
const MODES: &[&str] = &["awsvpc", "bridge", "host", "none"];
const SUBNETS: &[&str] = &["subnet-1", "subnet-2", "subnet-3"];
const BEHAVIOURS: &[&[(&str, &str)]] = &[
    &[],
    &[],
    &[("exit-after", "60"), ("exit-code", "1")],
    &[("fail-to-start", "CannotPullContainerError: gone")],
    &[("unhealthy-after", "90")],
    &[("slow-start", "120")],
    &[("stop-takes", "100")],
];
/// Errors that were seen from an operation though it does not declare them (ecs-semantics §1.5).
const OBSERVED: &[(&str, &str)] = &[("DeleteService", "ServiceNotActiveException")];

struct Story {
    sim: Sim,
    clock: Arc<AtomicI64>,
    rng: fastrand::Rng,
    answered: BTreeSet<&'static str>,
    refused: usize,
    /// What was done last, for whoever reads of a failure.
    last: String,
}

impl Story {
    fn new(seed: u64) -> Self {
        let clock = Arc::new(AtomicI64::new(0));
        let shown = clock.clone();
        let sim = Sim::new(Settings { seed, ..Settings::default() }, move || Time(shown.load(Ordering::Relaxed)));
        sim.world().ecs.watched = true;
        let rng = fastrand::Rng::with_seed(seed);
        Self { sim, clock, rng, answered: BTreeSet::new(), refused: 0, last: String::new() }
    }

    /// Asks; an answer has its operation's shape, and an error is one that the operation declares.
    fn ask(&mut self, operation: &'static str, input: Tree) -> Option<Tree> {
        self.last = format!("{operation} {input:?}");
        let row = &ecs().operations[operation];
        match self.sim.call("ecs", operation, input) {
            Ok(answer) => {
                let wrong = check(ecs(), ecs().output(operation).unwrap(), &answer, Strictness::Full);
                let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
                assert_eq!(wrong, Vec::<String>::new(), "{}", self.last);
                self.answered.insert(operation);
                Some(answer)
            }
            Err(fault) => {
                let known = row.errors.contains(&fault.code) || OBSERVED.contains(&(operation, fault.code));
                assert!(known && fault.status == 400 && !fault.message.is_empty(), "{}: {fault:?}", self.last);
                self.refused += 1;
                None
            }
        }
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(0..from.len())]
    }

    fn odds(&mut self, of_ten: u32) -> bool {
        self.rng.u32(0..10) < of_ten
    }

    fn wait(&mut self, secs: i64) {
        self.last = format!("{secs} seconds");
        self.clock.fetch_add(secs * 1000, Ordering::Relaxed);
    }

    /// A cluster: mostly one that is there.
    fn cluster(&mut self) -> &'static str {
        self.pick(&["default", "default", "default", "default", "other", "other", "none"])
    }

    /// A task, a machine, a task set: one of those there are in the cluster, or a name of nothing.
    fn one_of(&mut self, all: Vec<String>) -> String {
        if all.is_empty() || self.odds(1) { "none".to_owned() } else { self.rng.choice(all).unwrap() }
    }

    fn task(&mut self, cluster: &str) -> String {
        let arns = self
            .sim
            .world()
            .ecs
            .tasks
            .values()
            .filter(|one| one.cluster == cluster)
            .map(|one| one.arn.clone())
            .collect();
        self.one_of(arns)
    }

    fn machine(&mut self, cluster: &str) -> String {
        let world = self.sim.world();
        let arns =
            world.ecs.instances.values().filter(|one| one.cluster == cluster).map(|one| one.arn.clone()).collect();
        drop(world);
        self.one_of(arns)
    }

    fn network(&mut self) -> Tree {
        let first = self.rng.usize(0..SUBNETS.len());
        let subnets = SUBNETS[first..].to_vec();
        let security = if self.odds(5) { vec!["sg-1"] } else { vec![] };
        tree! { "awsvpcConfiguration" => tree! { "subnets" => subnets, "securityGroups" => security } }
    }

    fn family(&mut self) -> String {
        let mode = self.pick(MODES);
        format!("{}-{mode}", self.pick(&["plain", "plain", "large"]))
    }

    fn define(&mut self, family: &str, labels: &[(&str, &str)]) {
        let (size, mode) = family.split_once('-').unwrap();
        let labels = labels.iter().map(|(name, value)| (format!("ecs-operator.sim/{name}"), Tree::from(*value)));
        let labels = Tree::Map(labels.collect());
        let large = size == "large";
        let mut container = tree! {
            "name" => "web", "image" => "nginx:1", "cpu" => if large { 900 } else { 64 }, "memory" => 128,
            "dockerLabels" => labels,
        };
        let mapping = match mode {
            "bridge" if large => Some(tree! { "containerPort" => 80, "hostPort" => 8080 }),
            "bridge" => Some(tree! { "containerPort" => 80 }),
            "host" => Some(tree! { "containerPort" => 9000, "protocol" => "udp" }),
            "awsvpc" => Some(tree! { "containerPort" => 80 }),
            _ => None,
        };
        if let Some(mapping) = mapping {
            container.set("portMappings", vec![mapping]);
        }
        if large && mode != "awsvpc" {
            container.set("resourceRequirements", vec![tree! { "type" => "GPU", "value" => "1" }]);
        }
        if self.odds(3) {
            let check = tree! { "command" => vec!["CMD", "true"], "interval" => 10 };
            container.set("healthCheck", check);
        }
        let mut definition =
            tree! { "family" => family, "networkMode" => mode, "containerDefinitions" => vec![container] };
        if mode == "awsvpc" {
            definition = definition.with("cpu", "1024").with("memory", "2048");
            definition.set("requiresCompatibilities", vec!["EC2", "FARGATE"]);
        }
        if self.odds(1) {
            definition.set("family", "not a name");
        }
        self.ask("RegisterTaskDefinition", definition);
    }

    fn register(&mut self) {
        let (family, labels) = (self.family(), self.pick(BEHAVIOURS));
        self.define(&family, labels);
    }

    /// Where things are to run, with what that needs; sometimes it does not fit.
    fn placed(&mut self, family: &str, mut input: Tree) -> Tree {
        let vpc = family.ends_with("awsvpc");
        match self.rng.u32(0..6) {
            0 | 1 if vpc => input.set("launchType", "FARGATE"),
            2 if vpc => input
                .set("capacityProviderStrategy", vec![tree! { "capacityProvider" => "FARGATE_SPOT", "weight" => 1 }]),
            0 => input.set("launchType", "EXTERNAL"),
            1 => input.set("capacityProviderStrategy", vec![tree! { "capacityProvider" => "mine", "weight" => 1 }]),
            _ => input.set("launchType", "EC2"),
        }
        if vpc != self.odds(1) {
            input.set("networkConfiguration", self.network());
        }
        input
    }

    fn create_service(&mut self) {
        let (cluster, family) = (self.cluster(), self.family());
        let name = self.pick(SERVICES);
        let (minimum, maximum) = (self.rng.i64(0..=10) * 10, 100 + self.rng.i64(0..=10) * 10);
        let percents = tree! { "minimumHealthyPercent" => minimum, "maximumPercent" => maximum };
        let desired = self.rng.i64(-1..7);
        let mut input = tree! { "cluster" => cluster, "serviceName" => name, "taskDefinition" => &family };
        match name {
            "every" => {
                input.set("schedulingStrategy", "DAEMON");
                input.set("launchType", self.pick(&["EC2", "EC2", "EXTERNAL"]));
                if family.ends_with("awsvpc") {
                    input.set("networkConfiguration", self.network());
                }
            }
            "sets" => {
                input = tree! { "cluster" => cluster, "serviceName" => name, "desiredCount" => desired };
                input.set("deploymentController", tree! { "type" => "EXTERNAL" });
            }
            _ => {
                let breaker = tree! { "enable" => self.odds(5), "rollback" => self.odds(5) };
                input.set("desiredCount", desired);
                input.set("deploymentConfiguration", percents.with("deploymentCircuitBreaker", breaker));
                input.set("availabilityZoneRebalancing", self.pick(&["ENABLED", "DISABLED", "DISABLED"]));
                input = self.placed(&family, input);
            }
        }
        self.ask("CreateService", input);
    }

    fn update_service(&mut self) {
        let mut input = tree! { "cluster" => self.cluster(), "service" => self.pick(SERVICES) };
        match self.rng.u32(0..5) {
            0 => input.set("desiredCount", self.rng.i64(-1..8)),
            1 => input.set("forceNewDeployment", true),
            2 => {
                let (minimum, maximum) = (self.rng.i64(0..=100), 100 + self.rng.i64(0..=100));
                let percents = tree! { "minimumHealthyPercent" => minimum, "maximumPercent" => maximum };
                input.set("deploymentConfiguration", percents);
            }
            _ => input.set("taskDefinition", self.family()),
        }
        self.ask("UpdateService", input);
    }

    fn run_task(&mut self) {
        let (cluster, family) = (self.cluster(), self.family());
        let input = tree! { "cluster" => cluster, "taskDefinition" => &family };
        if self.odds(2) {
            let mut input = input.with("containerInstances", vec![self.machine(cluster)]);
            if family.ends_with("awsvpc") {
                input.set("networkConfiguration", self.network());
            }
            self.ask("StartTask", input);
        } else {
            let input = input.with("count", self.rng.i64(0..5));
            let input = self.placed(&family, input);
            self.ask("RunTask", input);
        }
    }

    fn task_sets(&mut self) {
        let cluster = self.cluster();
        let input = tree! { "cluster" => cluster, "service" => "sets" };
        let found = self.sim.world().ecs.services.get(&(cluster.to_owned(), "sets".to_owned())).map(|service| {
            service.deployments.iter().filter_map(|one| one.task_set.as_ref()).map(|set| set.arn.clone()).collect()
        });
        let set = self.one_of(found.unwrap_or_default());
        let scale = tree! { "value" => Tree::Float(f64::from(self.rng.i32(-1..=10)) * 10.0), "unit" => "PERCENT" };
        match self.rng.u32(0..6) {
            0 | 1 => {
                let family = self.family();
                let input = input.with("taskDefinition", &family).with("scale", scale);
                let input = self.placed(&family, input);
                self.ask("CreateTaskSet", input);
            }
            2 => drop(self.ask("UpdateTaskSet", input.with("taskSet", set).with("scale", scale))),
            3 | 4 => drop(self.ask("UpdateServicePrimaryTaskSet", input.with("primaryTaskSet", set))),
            _ => {
                let input = input.with("taskSet", set).with("force", self.rng.bool());
                self.ask("DeleteTaskSet", input);
            }
        }
    }

    fn touch_task(&mut self) {
        let cluster = self.cluster();
        let task = self.task(cluster);
        match self.rng.u32(0..5) {
            0 => drop(self.ask("StopTask", tree! { "cluster" => cluster, "task" => task })),
            1 => {
                let on = tree! { "cluster" => cluster, "tasks" => vec![task], "protectionEnabled" => self.rng.bool() };
                self.ask("UpdateTaskProtection", on);
            }
            2 => drop(interruption::by_hand(&mut self.sim.world(), &task)),
            _ => {
                let status = self.pick(&["RUNNING", "STOPPED", "PENDING"]);
                let report = tree! { "cluster" => cluster, "task" => task, "status" => status };
                self.ask("SubmitTaskStateChange", report);
            }
        }
    }

    fn machines(&mut self) {
        let cluster = self.cluster();
        let reference = self.machine(cluster);
        let key = (cluster.to_owned(), reference.rsplit('/').next().unwrap().to_owned());
        match self.rng.u32(0..9) {
            0..=3 => {
                let external = self.odds(2);
                let kind = self.pick(&["t3.micro", "t3.medium", "m5.large", "g4dn.xlarge"]);
                let provider = (!external && self.odds(3)).then(|| "mine".to_owned());
                let wish = Wish { kind: Some(kind.into()), external, capacity_provider: provider, ..Wish::default() };
                if cluster != "none" {
                    self.last = format!("a machine for {cluster}: {wish:?}");
                    drop(instance::add(&mut self.sim.world(), cluster, wish));
                }
            }
            4 => {
                let status = self.pick(&["DRAINING", "ACTIVE", "INACTIVE"]);
                let asked = tree! { "cluster" => cluster, "containerInstances" => vec![reference], "status" => status };
                self.ask("UpdateContainerInstancesState", asked);
            }
            5 => {
                let force = self.rng.bool();
                let asked = tree! { "cluster" => cluster, "containerInstance" => reference, "force" => force };
                self.ask("DeregisterContainerInstance", asked);
            }
            6 => {
                self.last = format!("{reference} ends");
                let end = self.pick(&[End::Terminated, End::Stopped]);
                instance::halt(&mut self.sim.world(), &key, end);
            }
            _ => {
                let connected = self.rng.bool();
                self.last = format!("{reference} is connected: {connected}");
                instance::connect(&mut self.sim.world(), &key, connected);
            }
        }
    }

    fn wider(&mut self) {
        let name = self.pick(CLUSTERS);
        match self.rng.u32(0..7) {
            0 => {
                let name = self.pick(&["default", "other", "no good"]);
                self.ask("CreateCluster", tree! { "clusterName" => name });
            }
            1 if self.odds(3) => drop(self.ask("DeleteCluster", tree! { "cluster" => name })),
            2 => {
                let group = tree! { "autoScalingGroupArn" => "web" };
                self.ask("CreateCapacityProvider", tree! { "name" => "mine", "autoScalingGroupProvider" => group });
            }
            3 => {
                let providers = vec!["FARGATE", "FARGATE_SPOT", "mine"];
                let strategy = Vec::<Tree>::new();
                let all = tree! { "capacityProviders" => providers, "defaultCapacityProviderStrategy" => strategy };
                self.ask("PutClusterCapacityProviders", all.with("cluster", name));
            }
            4 => {
                let family = self.family();
                let revision = self.rng.u32(1..4);
                self.ask("DeregisterTaskDefinition", tree! { "taskDefinition" => format!("{family}:{revision}") });
            }
            5 => {
                let arn = format!("arn:aws:ecs:us-east-1:123456789012:service/{name}/{}", self.pick(SERVICES));
                let tags = vec![tree! { "key" => self.pick(&["a", "aws:x"]), "value" => "1" }];
                self.ask("TagResource", tree! { "resourceArn" => arn, "tags" => tags });
            }
            _ => {
                let asked = tree! { "cluster" => name, "service" => self.pick(SERVICES), "force" => self.odds(7) };
                self.ask("DeleteService", asked);
            }
        }
    }

    fn step(&mut self) {
        match self.rng.u32(0..26) {
            0..=6 => {
                let most = self.pick(&[5, 60, 900]);
                let secs = self.rng.i64(1..=most);
                self.wait(secs);
            }
            7..=8 => self.register(),
            9..=11 => self.create_service(),
            12..=14 => self.update_service(),
            15..=16 => self.run_task(),
            17..=19 => self.task_sets(),
            20..=21 => self.touch_task(),
            22..=23 => self.machines(),
            _ => self.wider(),
        }
    }

    /// All of something, as it is described.
    fn described(
        &self,
        cluster: &str,
        operation: &'static str,
        member: &str,
        names: &[String],
        most: usize,
    ) -> Vec<Tree> {
        let mut found = Vec::new();
        for some in names.chunks(most) {
            let input = tree! { "cluster" => cluster }.with(member, some.to_vec());
            let answer = self.sim.call("ecs", operation, input).unwrap();
            let wrong = check(ecs(), ecs().output(operation).unwrap(), &answer, Strictness::Full);
            assert!(wrong.is_empty(), "{operation}: {}", wrong[0]);
            found.extend(answer.list(member).to_vec());
        }
        found
    }

    /// What is shown is what is there.
    fn judge(&self) {
        held::addresses(&self.sim.world().ecs);
        let clusters: Vec<String> = {
            let world = self.sim.world();
            world.ecs.clusters.values().filter(|one| one.active).map(|one| one.name.clone()).collect()
        };
        for cluster in &clusters {
            let (tasks, services, machines) = {
                let world = self.sim.world();
                let tasks: Vec<String> = world
                    .ecs
                    .tasks
                    .values()
                    .filter(|one| one.cluster == *cluster && one.last.as_str() != "DELETED")
                    .map(|one| one.arn.clone())
                    .collect();
                let services = world.ecs.services.keys().filter(|(of, _)| of == cluster).map(|(_, name)| name.clone());
                let machines = world.ecs.instances.keys().filter(|(of, _)| of == cluster).map(|(_, id)| id.clone());
                (tasks, services.collect::<Vec<_>>(), machines.collect::<Vec<_>>())
            };
            let tasks = self.described(cluster, "DescribeTasks", "tasks", &tasks, 100);
            let services = self.described(cluster, "DescribeServices", "services", &services, 10);
            let machines = self.described(cluster, "DescribeContainerInstances", "containerInstances", &machines, 100);
            for service in &services {
                service_adds_up(service, &tasks);
            }
            for machine in &machines {
                held::machine(machine, &tasks, &self.sim.world().ecs);
            }
            self.cluster_adds_up(cluster, &tasks, &services, &machines);
        }
        let mut world = self.sim.world();
        let broken: Vec<_> = world.ecs.decisions.iter().filter(|one| !one.is_lawful()).collect();
        assert!(broken.is_empty(), "{broken:#?}");
        world.ecs.decisions.clear();
    }

    fn cluster_adds_up(&self, name: &str, tasks: &[Tree], services: &[Tree], machines: &[Tree]) {
        let asked = tree! { "clusters" => vec![name], "include" => vec!["STATISTICS"] };
        let cluster = self.sim.call("ecs", "DescribeClusters", asked).unwrap().list("clusters")[0].clone();
        let active = services.iter().filter(|one| one.text("status") == Some("ACTIVE")).count() as i64;
        let registered = machines.iter().filter(|one| one.text("status") != Some("INACTIVE")).count() as i64;
        let (running, pending) = counted(tasks.iter());
        let shown = |name: &str| cluster.int(name).unwrap();
        assert_eq!((shown("runningTasksCount"), shown("pendingTasksCount")), (running, pending));
        assert_eq!((shown("activeServicesCount"), shown("registeredContainerInstancesCount")), (active, registered));
        let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
        for row in cluster.list("statistics") {
            let (name, value) = (row.text("name").unwrap(), row.text("value").unwrap().parse::<i64>().unwrap());
            *sums.entry(name.get(..6).unwrap()).or_default() += value;
            for (kind, launch) in [("EC2", "EC2"), ("Fargate", "FARGATE"), ("External", "EXTERNAL")] {
                let here = counted(tasks.iter().filter(|one| one.text("launchType") == Some(launch)));
                for (state, count) in [("running", here.0), ("pending", here.1)] {
                    assert!(name != format!("{state}{kind}TasksCount") || value == count, "{name} {value} {count}");
                }
            }
        }
        assert_eq!(sums, [("runnin", running), ("pendin", pending), ("active", active)].into());
    }
}

/// RUNNING tasks, and those on their way there.
fn counted<'a>(tasks: impl Iterator<Item = &'a Tree>) -> (i64, i64) {
    tasks.fold((0, 0), |(running, pending), task| match task.text("lastStatus").unwrap() {
        "RUNNING" => (running + 1, pending),
        "PROVISIONING" | "PENDING" | "ACTIVATING" => (running, pending + 1),
        _ => (running, pending),
    })
}

fn service_adds_up(service: &Tree, tasks: &[Tree]) {
    let parts = [service.list("deployments"), service.list("taskSets")].concat();
    let shown = |tree: &Tree| (tree.int("runningCount").unwrap(), tree.int("pendingCount").unwrap());
    let sum = parts.iter().map(shown).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let group = format!("service:{}", service.text("serviceName").unwrap());
    let arn = service.text("serviceArn").unwrap();
    // A service of the same name may have been there before: its last tasks are not this one's.
    let own = |task: &&Tree| task.text("group") == Some(&group);
    let of_part = |part: &Tree| {
        let id = part.text("id").unwrap();
        let started = tasks.iter().filter(own).filter(|task| task.text("startedBy") == Some(id));
        (shown(part), counted(started))
    };
    assert_eq!(shown(service), sum, "{arn}: {service:?}");
    for (shown, there) in parts.iter().map(of_part) {
        assert_eq!(shown, there, "{arn}: {service:?}");
    }
    if service.text("status") == Some("INACTIVE") {
        assert_eq!(shown(service), (0, 0), "{arn}");
    } else {
        assert_eq!(shown(service), counted(tasks.iter().filter(own)), "{arn}: {service:?}");
    }
    let stray = parts.iter().any(|part| {
        ["desiredCount", "computedDesiredCount"].iter().any(|name| part.int(name).is_some_and(|count| count < 0))
    });
    assert!(!stray && service.int("desiredCount").unwrap() >= 0, "{service:?}");
}

#[test]
fn whatever_is_asked_it_adds_up() {
    let seeds = std::env::var("SEEDS").map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let first = std::env::var("SEED").map_or(0, |seed| seed.parse().unwrap());
    let (mut answered, mut refused) = (BTreeSet::new(), 0);
    for seed in first..first + seeds {
        let mut story = Story::new(seed);
        story.ask("CreateCluster", tree! {});
        for mode in MODES {
            for size in ["plain", "large"] {
                story.define(&format!("{size}-{mode}"), &[]);
            }
        }
        let mut told = Vec::new();
        for step in 0..STEPS {
            story.step();
            told.push(story.last.clone());
            let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| story.judge()));
            if let Err(why) = judged {
                println!("seed {seed}, step {step}, after:\n{}", told[told.len().saturating_sub(12)..].join("\n"));
                std::panic::resume_unwind(why);
            }
        }
        // Everything that stops has stopped, and is forgotten.
        story.wait(4 * 3600);
        story.judge();
        answered.extend(story.answered);
        refused += story.refused;
    }
    assert!(refused > 100 && answered.len() >= 20, "{refused} refused; answered: {answered:?}");
}
