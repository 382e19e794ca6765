//! A world with one cluster and definitions to run, asked through ECS's operations.

use std::time::Duration;

use crate::shape::{Time, Tree};
use crate::sim::ecs::service::Service;
use crate::sim::ecs::task::Task;
use crate::sim::ecs::{self, Answer, Fault};
use crate::sim::world::{Settings, World};
use crate::tree;

pub struct Rig {
    pub world: World,
}

/// Where tasks go.
pub fn network() -> Tree {
    tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-a", "subnet-b", "subnet-c"] } }
}

pub fn labels(of: &[(&str, &str)]) -> Tree {
    Tree::Map(of.iter().map(|(name, value)| (format!("ecs-operator.sim/{name}"), Tree::from(*value))).collect())
}

impl Rig {
    pub fn new(settings: Settings) -> Self {
        let mut rig = Self { world: World::new(settings, Time(1_780_000_000_000)) };
        rig.world.ecs.watched = true;
        rig.ask("CreateCluster", tree! { "capacityProviders" => vec!["FARGATE", "FARGATE_SPOT"] });
        rig
    }

    /// With a definition `app` whose one container behaves as told.
    pub fn with(of: &[(&str, &str)]) -> Self {
        let mut rig = Self::new(Settings::default());
        rig.define("app", of, Tree::map());
        rig
    }

    pub fn define(&mut self, family: &str, of: &[(&str, &str)], more: Tree) {
        let container = tree! { "name" => "app", "image" => "app:1", "dockerLabels" => labels(of) };
        let input = tree! {
            "family" => family, "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
            "requiresCompatibilities" => vec!["FARGATE"], "containerDefinitions" => vec![container],
        };
        let input = more.as_map().unwrap().iter().fold(input, |input, (name, value)| input.with(name, value));
        self.ask("RegisterTaskDefinition", input);
    }

    pub fn call(&mut self, operation: &str, input: Tree) -> Answer {
        ecs::call(&mut self.world, "ecs", operation, &input)
    }

    pub fn ask(&mut self, operation: &str, input: Tree) -> Tree {
        self.call(operation, input).unwrap()
    }

    pub fn refused(&mut self, operation: &str, input: Tree) -> Fault {
        self.call(operation, input).unwrap_err()
    }

    /// Runs tasks of `app` on Fargate; their ARNs.
    pub fn run_tasks(&mut self, more: Tree) -> Vec<String> {
        let answer = self.ask("RunTask", running(more));
        answer.list("tasks").iter().map(|task| task.text("taskArn").unwrap().to_owned()).collect()
    }

    /// A service of `app` that has reached its steady state.
    pub fn serve(&mut self, desired: i64, percents: (i64, i64), more: Tree) {
        let configuration = tree! { "minimumHealthyPercent" => percents.0, "maximumPercent" => percents.1 };
        let input = tree! {
            "serviceName" => "web", "taskDefinition" => "app", "desiredCount" => desired,
            "networkConfiguration" => network(), "deploymentConfiguration" => configuration,
            "availabilityZoneRebalancing" => "DISABLED",
        };
        let launch = if more.get("capacityProviderStrategy").is_some() { Tree::map() } else { fargate() };
        let input = launch
            .as_map()
            .unwrap()
            .iter()
            .chain(more.as_map().unwrap())
            .fold(input, |input, (name, value)| input.with(name, value));
        self.ask("CreateService", input);
        self.wait(300);
    }

    pub fn update(&mut self, input: Tree) {
        self.ask("UpdateService", input.with("service", "web"));
    }

    pub fn wait(&mut self, secs: u64) {
        let until = self.world.now().after(Duration::from_secs(secs));
        self.world.advance_to(until);
    }

    pub fn describe(&mut self, arn: &str) -> Tree {
        let answer = self.ask("DescribeTasks", tree! { "tasks" => vec![arn], "include" => vec!["TAGS"] });
        answer.list("tasks").first().cloned().unwrap_or_default()
    }

    pub fn task(&self, arn: &str) -> &Task {
        self.world.ecs.tasks.values().find(|task| task.arn == arn).unwrap()
    }

    pub fn service(&self) -> &Service {
        &self.world.ecs.services[&("default".into(), "web".into())]
    }

    /// The service's tasks that are to run, and RUNNING ones that are healthy.
    pub fn counts(&self) -> (usize, usize) {
        let own = || self.world.ecs.tasks.values().filter(|task| task.service.is_some() && task.wanted);
        (own().count(), own().filter(|task| task.is_healthy()).count())
    }

    /// The ARNs of the service's tasks that are to run.
    pub fn serving(&self) -> Vec<String> {
        let own = self.world.ecs.tasks.values().filter(|task| task.service.is_some() && task.wanted);
        own.map(|task| task.arn.clone()).collect()
    }

    /// Newest first, without the service's name.
    pub fn messages(&self) -> Vec<String> {
        self.service().events.iter().map(|told| told.message.replace("(service web) ", "")).collect()
    }
}

fn fargate() -> Tree {
    tree! { "launchType" => "FARGATE" }
}

/// RunTask's input for `app`; what `more` has takes the place of what is here.
pub fn running(more: Tree) -> Tree {
    let input = tree! { "taskDefinition" => "app", "networkConfiguration" => network() };
    let input =
        if more.get("capacityProviderStrategy").is_some() { input } else { input.with("launchType", "FARGATE") };
    more.as_map().unwrap().iter().fold(input, |input, (name, value)| input.with(name, value))
}
