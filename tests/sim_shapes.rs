//! Whatever a client sends, the embedded ECS answers in its shapes: no panic, no member that AWS does not have, no
//! error that the operation does not declare; and what it shows adds up, whatever was asked of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ecs_operator::shape::check::{Strictness, check};
use ecs_operator::shape::table::{Shape, Structure, Table, ecs};
use ecs_operator::shape::{Time, Tree};
use ecs_operator::sim::Sim;
use ecs_operator::sim::world::Settings;
use ecs_operator::tree;

use common::trees;

/// Worlds, unless the environment's SEEDS says how many.
const SEEDS: u64 = 60;
const CALLS: usize = 150;
const DEPTH: usize = 7;

/// Texts that name something, or nearly.
const TEXTS: &[&str] = &[
    "default",
    "web",
    "web",
    "web:1",
    "web:x",
    "mine",
    "team",
    "enabled",
    "FARGATE",
    "",
    "x y",
    "é",
    "256",
    "512",
    "subnet-1",
    "arn:aws:ecs:us-east-1:123456789012:cluster/default",
    "arn:aws:ecs:us-east-1:123456789012:service/default/web",
    "arn:aws:ecs:us-east-1:123456789012:service/web",
    "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1",
    "arn:aws:ecs:us-east-1:123456789012:capacity-provider/mine",
    "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:0f:autoScalingGroupName/web",
    "arn:aws:iam::123456789012:root",
    "arn:",
    "bridge",
    "daemon",
    "attribute:ecs.os-type == linux",
];

/// Errors that any operation may answer, declared or not (docs/ecs.md §7.1).
const COMMON: &[&str] = &["SerializationException"];

/// Errors that were seen from an operation though it does not declare them (§1.5).
const OBSERVED: &[(&str, &str)] = &[("DeleteService", "ServiceNotActiveException")];

struct Draw<'a> {
    rng: fastrand::Rng,
    table: &'a Table,
}

impl Draw<'_> {
    fn structure(&mut self, structure: &Structure, depth: usize) -> Tree {
        let mut tree = Tree::map();
        for (name, member) in &structure.members {
            // Rarely without what is required, rarely with what is not.
            let odds = if member.required { 19 } else { 5 };
            if depth > 0 && self.rng.u32(0..20) < odds {
                tree.set(name, self.value(member.shape, depth - 1));
            }
        }
        tree
    }

    fn value(&mut self, shape: &str, depth: usize) -> Tree {
        if self.rng.u32(0..200) == 0 {
            return [Tree::Null, Tree::Int(-1), Tree::from("x"), Tree::map(), Tree::List(vec![])][self.rng.usize(0..5)]
                .clone();
        }
        match &self.table.shapes[shape] {
            Shape::Structure(structure) => self.structure(structure, depth),
            Shape::List { item } => Tree::List((0..self.rng.usize(0..3)).map(|_| self.value(item, depth)).collect()),
            Shape::Map { value, .. } => tree! { TEXTS[self.rng.usize(0..TEXTS.len())] => self.value(value, depth) },
            Shape::Text(text) if !text.values.is_empty() => self.pick(&text.values),
            Shape::Text(_) | Shape::Blob | Shape::Document => self.pick(TEXTS),
            Shape::Boolean => Tree::Bool(self.rng.bool()),
            Shape::Integer(_) => {
                Tree::Int([0, 1, 2, 80, 100, 200, -1, i64::from(i32::MAX), i64::from(i32::MIN)][self.rng.usize(0..9)])
            }
            Shape::Long(_) => Tree::Int([0, 1, i64::MAX, i64::MIN][self.rng.usize(0..4)]),
            Shape::Float(_) | Shape::Timestamp => Tree::Float(self.rng.f64()),
        }
    }

    fn pick(&mut self, from: &[&str]) -> Tree {
        from[self.rng.usize(0..from.len())].into()
    }
}

/// Something for the calls to find.
fn furnish(sim: &Sim) {
    let container =
        tree! { "name" => "web", "image" => "nginx", "portMappings" => vec![tree! { "containerPort" => 80 }] };
    let definition = tree! {
        "family" => "web", "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
        "requiresCompatibilities" => vec!["FARGATE"], "containerDefinitions" => vec![container],
    };
    let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-1"] } };
    let service = tree! {
        "serviceName" => "web", "taskDefinition" => "web", "desiredCount" => 2, "launchType" => "FARGATE",
        "networkConfiguration" => network,
    };
    let on_machines = tree! {
        "family" => "bridge",
        "containerDefinitions" => vec![tree! { "name" => "web", "image" => "nginx", "memory" => 64 }],
    };
    let daemon = tree! {
        "serviceName" => "daemon", "taskDefinition" => "bridge", "launchType" => "EC2",
        "schedulingStrategy" => "DAEMON",
    };
    for (operation, input) in [
        ("CreateCluster", tree! {}),
        ("RegisterContainerInstance", tree! {}),
        ("RegisterTaskDefinition", definition),
        ("RegisterTaskDefinition", on_machines),
        ("CreateService", service),
        ("CreateService", daemon),
    ] {
        let answer = sim.call("ecs", operation, input).unwrap();
        assert_eq!(misfits(operation, &answer), Vec::<String>::new(), "{operation}");
    }
}

/// Where an answer does not fit the operation's output.
fn misfits(operation: &str, answer: &Tree) -> Vec<String> {
    let wrong = check(ecs(), ecs().output(operation).unwrap(), answer, Strictness::Full);
    wrong.iter().map(ToString::to_string).collect()
}

/// All pages of a list.
fn listed(sim: &Sim, operation: &str, member: &str, input: &Tree) -> Vec<String> {
    let (mut input, mut all) = (input.clone(), Vec::new());
    loop {
        let page = sim.call("ecs", operation, input.clone()).unwrap();
        all.extend(page.list(member).iter().filter_map(Tree::as_text).map(str::to_owned));
        let Some(token) = page.text("nextToken") else { return all };
        input.set("nextToken", token);
    }
}

/// What is listed is there, and the counts of clusters, services, deployments and tasks are the same ones.
fn adds_up(sim: &Sim) {
    let describe = |operation: &str, member: &str, input: Tree, at_once: usize| -> Vec<Tree> {
        let names = input.list(member).to_vec();
        let answers = names.chunks(at_once).map(|some| {
            let answer = sim.call("ecs", operation, input.clone().with(member, some.to_vec())).unwrap();
            assert_eq!(answer.list("failures"), [], "{operation}: what is listed is there");
            answer.list(member).to_vec()
        });
        answers.collect::<Vec<_>>().concat()
    };
    for arn in listed(sim, "ListClusters", "clusterArns", &tree! {}) {
        let cluster = describe("DescribeClusters", "clusters", tree! { "clusters" => vec![&arn] }, 1).remove(0);
        let here = tree! { "cluster" => &arn };
        let mut tasks = listed(sim, "ListTasks", "taskArns", &here);
        tasks.extend(listed(sim, "ListTasks", "taskArns", &here.clone().with("desiredStatus", "STOPPED")));
        let tasks = describe("DescribeTasks", "tasks", here.clone().with("tasks", tasks), 100);
        let of = |group: Option<&str>, running: bool| {
            let is = |task: &Tree| match task.text("lastStatus").unwrap() {
                "RUNNING" => running,
                "PROVISIONING" | "PENDING" | "ACTIVATING" => !running,
                _ => false,
            };
            let of_group = |task: &Tree| group.is_none_or(|group| task.text("group") == Some(group));
            tasks.iter().filter(|task| is(task) && of_group(task)).count() as i64
        };
        let counts = (cluster.int("runningTasksCount").unwrap(), cluster.int("pendingTasksCount").unwrap());
        assert_eq!(counts, (of(None, true), of(None, false)), "{cluster:?}");
        let services = listed(sim, "ListServices", "serviceArns", &here);
        assert_eq!(cluster.int("activeServicesCount"), Some(services.len() as i64));
        for service in describe("DescribeServices", "services", here.with("services", services), 10) {
            let group = format!("service:{}", service.text("serviceName").unwrap());
            let counts = (service.int("runningCount").unwrap(), service.int("pendingCount").unwrap());
            assert_eq!(counts, (of(Some(&group), true), of(Some(&group), false)), "{service:?}");
            let parts = [service.list("deployments"), service.list("taskSets")].concat();
            let sum = |name: &str| parts.iter().filter_map(|one| one.int(name)).sum::<i64>();
            assert_eq!(counts, (sum("runningCount"), sum("pendingCount")), "{service:?}");
        }
    }
    for arn in listed(sim, "ListTaskDefinitions", "taskDefinitionArns", &tree! {}) {
        sim.call("ecs", "DescribeTaskDefinition", tree! { "taskDefinition" => arn }).unwrap();
    }
}

/// A valid input, or one with a single thing wrong, drawn from the shape table alone.
fn drawn(table: &Table, seed: u64, number: usize, operation: &str) -> Tree {
    let structure = table.input(operation).unwrap();
    let rng = fastrand::Rng::with_seed(seed * CALLS as u64 + number as u64);
    let mut draw = trees::Draw { table, rng };
    let valid = draw.structure(structure, 0);
    if draw.rng.bool() {
        return valid;
    }
    let mut mutations = trees::mutations(table, structure, &valid);
    if mutations.is_empty() { valid } else { mutations.swap_remove(draw.rng.usize(0..mutations.len())).tree }
}

#[test]
fn answers_have_their_shapes_whatever_is_asked() {
    let table = ecs();
    let operations: Vec<&str> = table.operations.keys().copied().collect();
    let mut answered = BTreeSet::new();
    let seeds = std::env::var("SEEDS").map_or(SEEDS, |seeds| seeds.parse().unwrap());
    for seed in 0..seeds {
        let clock = Arc::new(AtomicI64::new(0));
        let shown = clock.clone();
        let sim = Sim::new(Settings { seed, ..Settings::default() }, move || Time(shown.load(Ordering::Relaxed)));
        furnish(&sim);
        let mut draw = Draw { rng: fastrand::Rng::with_seed(seed), table };
        for number in 0..CALLS {
            if number % 25 == 0 {
                adds_up(&sim);
            }
            clock.fetch_add(draw.rng.i64(0..120_000), Ordering::Relaxed);
            let operation = operations[draw.rng.usize(0..operations.len())];
            let input = match number % 4 {
                0 => drawn(table, seed, number, operation),
                _ => draw.structure(table.input(operation).unwrap(), DEPTH),
            };
            match sim.call("ecs", operation, input.clone()) {
                Ok(answer) => {
                    answered.insert(operation);
                    assert_eq!(misfits(operation, &answer), Vec::<String>::new(), "seed {seed}, {operation} {input:?}");
                }
                Err(fault) => {
                    let declared = &table.operations[operation].errors;
                    let known = COMMON.contains(&fault.code) || declared.contains(&fault.code);
                    let known = known || OBSERVED.contains(&(operation, fault.code));
                    assert!(known, "seed {seed}, {operation} must not answer {}: {}", fault.code, fault.message);
                    assert!(fault.status == 400 && !fault.message.is_empty(), "{fault:?}");
                }
            }
        }
        adds_up(&sim);
    }
    assert!(answered.len() > 30, "too few operations ever succeed: {answered:?}");
}
