//! RunTask and StartTask (ecs-semantics §3.2, §3.5). Must not know: how a task lives on.

use std::sync::Arc;

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::service::{choose_capacity, cluster_of};
use super::super::{Answer, Fault};
use super::request::{self, Door, Request};
use super::{Order, launch, shares, show, tokens};

/// Tasks of one RunTask, instances of one StartTask.
const MOST: i64 = 10;
const NO_INSTANCES: &str = "No Container Instances were found in your cluster.";

pub(super) fn run(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    if let Some(answer) = tokens::repeated(world, &cluster, input)? {
        return Ok(answer);
    }
    let count = input.int("count").unwrap_or(1);
    if !(1..=MOST).contains(&count) {
        return Err(Fault::invalid(format!("count must be between 1 and {MOST}.")));
    }
    let choose = |spec: &mut Tree| match input.text("launchType") {
        // Instances outside AWS: there are none either.
        Some("EXTERNAL") => Err(Fault::invalid(NO_INSTANCES)),
        _ => choose_capacity(world, &cluster, input, spec),
    };
    let request = request::read(world, &cluster, input, Door::Run, choose)?;
    if !request.is_on_fargate() {
        return Err(Fault::invalid(NO_INSTANCES));
    }
    let answer = on_fargate(world, &cluster, &request, usize::try_from(count).unwrap_or(1));
    tokens::remember(world, &cluster, input, &answer);
    Ok(answer)
}

fn on_fargate(world: &mut World, cluster: &str, request: &Request, count: usize) -> Tree {
    let subnets = request.subnets();
    // Fargate takes the subnets in turn, from any one on.
    let first = usize::try_from(world.below(subnets.len() as u64)).unwrap_or(0);
    let mut turn = subnets.iter().cycle().skip(first);
    let mut tasks = Vec::new();
    for provider in shares::providers(request.spec.list("capacityProviderStrategy"), count) {
        let order = Order {
            cluster: cluster.to_owned(),
            group: request.group.clone(),
            started_by: request.started_by.clone(),
            service: None,
            definition: Arc::clone(&request.definition),
            capacity_provider: provider,
            platform_version: request.platform_version().to_owned(),
            subnet: (*turn.next().unwrap_or(&"")).to_owned(),
            targets: Vec::new(),
            in_registry: false,
            execute_command: request.execute_command,
            tags: request.tags.clone(),
            overrides: request.overrides.clone(),
            volumes: request.volumes.clone(),
        };
        let id = launch(world, order);
        if let Some(task) = world.ecs.tasks.get(&(cluster.to_owned(), id)) {
            tasks.push(show(world, task, true));
        }
    }
    tree! { "tasks" => tasks, "failures" => Vec::<Tree>::new() }
}

/// Every instance that is named is missing, since the cluster has none.
pub(super) fn start(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let instances = input.list("containerInstances").iter().filter_map(Tree::as_text).collect::<Vec<_>>();
    if instances.is_empty() {
        return Err(Fault::invalid("Container instances cannot be empty."));
    }
    if instances.len() > usize::try_from(MOST).unwrap_or(0) {
        return Err(Fault::invalid(format!("Container instances cannot exceed {MOST} elements.")));
    }
    request::read(world, &cluster, input, Door::Start, request::on_instances)?;
    let failures = instances.into_iter().map(|instance| {
        let long = world.arn(&format!("container-instance/{cluster}/{instance}"));
        let arn = if instance.starts_with("arn:") { instance.to_owned() } else { long };
        tree! { "arn" => arn, "reason" => "MISSING" }
    });
    let failures = failures.collect::<Vec<_>>();
    Ok(tree! { "tasks" => Vec::<Tree>::new(), "failures" => failures })
}
