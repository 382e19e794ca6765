//! The scheduler under test: a world with one cluster, and definitions whose containers behave as told.

mod controllers;
mod early;
mod images;
mod machines;
mod operations;
mod random;
mod rollouts;
mod task_sets;
mod traffic;

use std::time::Duration;

use crate::shape::{Time, Tree};
use crate::sim::ecs::cluster::Cluster;
use crate::sim::ecs::task_definition::TaskDefinition;
use crate::sim::ecs::{self, Answer};
use crate::sim::world::{Settings, World};
use crate::tree;

use super::{Deployment, Service};

/// A world to try things in.
pub struct Rig {
    pub world: World,
}

impl Rig {
    pub fn new(seed: u64) -> Self {
        let mut world = World::new(Settings { seed, ..Settings::default() }, Time(1_780_000_000_000));
        world.ecs.watched = true;
        let cluster = Cluster {
            name: "default".into(),
            arn: world.arn("cluster/default"),
            active: true,
            created_at: world.now(),
            body: tree! { "capacityProviders" => vec!["FARGATE", "FARGATE_SPOT"] },
            tags: Vec::new(),
        };
        world.ecs.clusters.insert("default".into(), cluster);
        Self { world }
    }

    /// Registers the next revision of `web`, whose one container has these labels; returns `web:N`.
    pub fn define(&mut self, labels: &[(&str, &str)]) -> String {
        self.define_with(labels, Tree::map())
    }

    pub fn define_with(&mut self, labels: &[(&str, &str)], more: Tree) -> String {
        let labels = labels.iter().map(|(name, value)| (format!("ecs-operator.sim/{name}"), Tree::from(*value)));
        let mut container = tree! {
            "name" => "web", "image" => "nginx:1", "essential" => true, "cpu" => 0,
            "portMappings" => vec![tree! { "containerPort" => 80, "hostPort" => 80, "protocol" => "tcp" }],
            "dockerLabels" => Tree::Map(labels.collect()),
        };
        for (name, value) in more.as_map().unwrap() {
            container.set(name, value);
        }
        let revision = self.world.ecs.families.entry("web".into()).or_default().last + 1;
        let arn = self.world.arn(&format!("task-definition/web:{revision}"));
        let body = tree! {
            "taskDefinitionArn" => &arn, "family" => "web", "revision" => revision, "status" => "ACTIVE",
            "networkMode" => "awsvpc", "requiresCompatibilities" => vec!["FARGATE"], "cpu" => "256", "memory" => "512",
            "containerDefinitions" => vec![container],
        };
        let definition = TaskDefinition { arn, family: "web".into(), revision, active: true, body, tags: Vec::new() };
        let family = self.world.ecs.families.get_mut("web").unwrap();
        family.revisions.insert(revision, definition);
        family.last = revision;
        format!("web:{revision}")
    }

    /// A definition whose container has a health check, too.
    pub fn define_checked(&mut self, labels: &[(&str, &str)]) -> String {
        let check = tree! { "command" => vec!["CMD-SHELL", "true"], "interval" => 10 };
        self.define_with(labels, tree! { "healthCheck" => check })
    }

    pub fn call(&mut self, operation: &str, input: &Tree) -> Answer {
        ecs::call(&mut self.world, "ecs", operation, input)
    }

    pub fn create(&mut self, definition: &str, desired: i64, configuration: Tree) -> Tree {
        let input = input(definition, desired).with("deploymentConfiguration", configuration);
        self.call("CreateService", &input).unwrap().get("service").unwrap().clone()
    }

    pub fn update(&mut self, input: Tree) -> Tree {
        let input = input.with("service", "web");
        self.call("UpdateService", &input).unwrap().get("service").unwrap().clone()
    }

    pub fn run(&mut self, secs: u64) {
        let until = self.world.now().after(Duration::from_secs(secs));
        self.world.advance_to(until);
    }

    /// Runs second by second until it holds; fails after a virtual day.
    pub fn run_until(&mut self, what: &str, holds: impl Fn(&Service) -> bool) {
        for _ in 0..86_400 {
            if holds(self.service()) {
                return;
            }
            self.run(1);
        }
        panic!("never: {what}\n{:#?}", self.messages());
    }

    pub fn service(&self) -> &Service {
        &self.world.ecs.services[&("default".into(), "web".into())]
    }

    pub fn primary(&self) -> &Deployment {
        self.service().primary().unwrap()
    }

    /// As DescribeServices shows it.
    pub fn shown(&mut self) -> Tree {
        let answer = self.call("DescribeServices", &tree! { "services" => vec!["web"] }).unwrap();
        answer.list("services")[0].clone()
    }

    /// Event messages without the service's name, task ids and deployment ids; oldest first.
    pub fn messages(&self) -> Vec<String> {
        let service = self.service();
        let names =
            service.journal.iter().enumerate().map(|(n, entry)| (entry.deployment.clone(), format!("D{}", n + 1)));
        let names = names.collect::<Vec<_>>();
        let clean = |message: &str| {
            let mut text = message.trim_start_matches("(service web) ").to_owned();
            for (id, name) in &names {
                text = text.replace(id, name);
            }
            while let Some(at) = text.find("(task ") {
                text.replace_range(at..at + "(task ".len() + 33, "T");
            }
            text
        };
        service.events.iter().rev().map(|told| clean(&told.message)).collect()
    }

    /// Counts tasks: (total up to STOPPING, healthy).
    pub fn counts(&self) -> (i64, i64) {
        let tasks = || self.world.ecs.tasks.values();
        let count = |number: usize| i64::try_from(number).unwrap();
        (
            count(tasks().filter(|task| task.is_counted()).count()),
            count(tasks().filter(|task| task.is_healthy()).count()),
        )
    }

    /// Every decision so far was lawful.
    pub fn judge(&self) {
        for decision in &self.world.ecs.decisions {
            assert!(decision.is_lawful(), "{decision:?}");
        }
    }
}

/// CreateService's input.
pub fn input(definition: &str, desired: i64) -> Tree {
    tree! {
        "serviceName" => "web", "taskDefinition" => definition, "desiredCount" => desired, "launchType" => "FARGATE",
        "networkConfiguration" => tree! {
            "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-a", "subnet-b"], "securityGroups" => vec!["sg-1"] },
        },
    }
}

pub fn percents(minimum: i64, maximum: i64) -> Tree {
    tree! { "minimumHealthyPercent" => minimum, "maximumPercent" => maximum }
}

pub fn breaker(rollback: bool) -> Tree {
    tree! { "deploymentCircuitBreaker" => tree! { "enable" => true, "rollback" => rollback } }
}

pub fn is_steady(service: &Service) -> bool {
    service.steady_again.is_some()
}

/// The newest service deployment as DescribeServiceDeployments shows it.
fn entry(rig: &mut Rig) -> Tree {
    let arn = rig.service().journal.last().unwrap().arn.clone();
    let answer = rig.call("DescribeServiceDeployments", &tree! { "serviceDeploymentArns" => vec![arn] }).unwrap();
    answer.list("serviceDeployments")[0].clone()
}
