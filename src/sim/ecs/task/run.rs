//! RunTask and StartTask (ecs-semantics §3.2, §3.5). Must not know: how a task lives on, which instance is best.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::shape::Tree;
use crate::tree;

use super::super::super::neighbours::ec2::named;
use super::super::super::world::World;
use super::super::capacity_provider::{brings_machines, fargate};
use super::super::instance::{self, Claim};
use super::super::placement::{self, Failure, Launch, Placed, distribute};
use super::super::service::{choose_capacity, cluster_of, kept_for_daemons, set_launch_type};
use super::super::{Answer, Fault, throttle};
use super::request::{self, Door, Request};
use super::waiting::{self, FULL, Wait};
use super::{Order, launch, launch_on, show, tokens};

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
        Some("EXTERNAL") => set_launch_type(spec, "EXTERNAL"),
        _ => choose_capacity(world, &cluster, input, spec),
    };
    let request = request::read(world, &cluster, input, Door::Run, choose)?;
    named::learn(world, &request.network());
    let answer = if request.is_on_fargate() {
        // Weak: that RunTask is refused as a whole.
        if !throttle::launches(world, u32::try_from(count).unwrap_or(0)) {
            return Err(throttle::exceeded());
        }
        on_fargate(world, &cluster, &request, count)
    } else {
        on_instances(world, &cluster, &request, input, count)?
    };
    tokens::remember(world, &cluster, input, &answer);
    Ok(answer)
}

/// The provider of each task: by the strategy's bases and weights, or none without one.
fn providers(strategy: &[Tree], count: i64) -> Vec<Option<String>> {
    let times = |count: i64| usize::try_from(count).unwrap_or(0);
    if strategy.is_empty() {
        return vec![None; times(count)];
    }
    let shares = distribute(strategy, count, &BTreeMap::new()).into_iter();
    shares.flat_map(|(name, share)| std::iter::repeat_n(Some(name), times(share))).collect()
}

fn order(cluster: &str, request: &Request, capacity_provider: Option<String>, subnet: &str) -> Order {
    Order {
        cluster: cluster.to_owned(),
        group: request.group.clone(),
        started_by: request.started_by.clone(),
        service: None,
        definition: Arc::clone(&request.definition),
        capacity_provider,
        platform_version: request.platform_version().to_owned(),
        subnet: subnet.to_owned(),
        groups: request.groups(),
        public: request.is_public(),
        targets: Vec::new(),
        in_registry: false,
        execute_command: request.execute_command,
        tags: request.tags.clone(),
        overrides: request.overrides.clone(),
        volumes: request.volumes.clone(),
    }
}

fn on_fargate(world: &mut World, cluster: &str, request: &Request, count: i64) -> Tree {
    let subnets = request.subnets();
    let cpu = fargate::units(&request.definition.body, &request.overrides);
    // Fargate takes the subnets in turn, from any one on, and leaves out those where it has no capacity.
    let first = usize::try_from(world.below(subnets.len() as u64)).unwrap_or(0);
    let mut turn = subnets.iter().copied().cycle().skip(first);
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for provider in providers(request.spec.list("capacityProviderStrategy"), count) {
        let next = turn.next().unwrap_or_default();
        let mut round = std::iter::once(next).chain(turn.clone().take(subnets.len()));
        let subnet = round.find(|subnet| fargate::is_open(world, provider.as_deref(), subnet)).unwrap_or(next);
        match fargate::shortage(world, provider.as_deref(), subnet, cpu) {
            // No instance, no ARN (inferred).
            Some(shortage) => failures.push(tree! { "reason" => shortage.text() }),
            None => {
                let id = launch(world, order(cluster, request, provider, subnet));
                tasks.extend(shown(world, cluster, &id));
            }
        }
    }
    tree! { "tasks" => tasks, "failures" => failures }
}

fn shown(world: &World, cluster: &str, id: &str) -> Option<Tree> {
    world.ecs.tasks.get(&(cluster.to_owned(), id.to_owned())).map(|task| show(world, task, true))
}

/// Each task where it fits best; what fits nowhere is an item of `failures[]` for each instance that was looked at.
fn on_instances(world: &mut World, cluster: &str, request: &Request, input: &Tree, count: i64) -> Result<Tree, Fault> {
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for provider in providers(request.spec.list("capacityProviderStrategy"), count) {
        let kept = kept_for_daemons(world, cluster);
        let asks = placed_request(request, provider.as_deref(), input, &kept);
        match placement::place(world, cluster, &asks) {
            Ok(placed) => tasks.extend(begin(world, cluster, request, provider, placed)),
            Err(_) if provider.as_deref().is_some_and(|name| brings_machines(world, name)) => {
                match wait(world, cluster, request, input, provider) {
                    Some(task) => tasks.push(task),
                    // Wording is ours, as far as it is not the service event's.
                    None if tasks.is_empty() => return Err(Fault::client(format!("Unable to run a task: {FULL}."))),
                    None => failures.push(tree! { "reason" => FULL }),
                }
            }
            Err(why) if why.is_empty() && tasks.is_empty() => return Err(Fault::invalid(NO_INSTANCES)),
            Err(why) => failures.extend(why.iter().map(Failure::shown)),
        }
    }
    Ok(tree! { "tasks" => tasks, "failures" => failures })
}

fn placed_request<'a>(
    request: &'a Request,
    provider: Option<&'a str>,
    input: &'a Tree,
    kept: &'a BTreeMap<String, Vec<Claim>>,
) -> placement::Request<'a> {
    static NOWHERE: BTreeSet<String> = BTreeSet::new();
    let vpc = request.spec.at(&["networkConfiguration", "awsvpcConfiguration"]);
    let external = request.spec.text("launchType") == Some("EXTERNAL");
    placement::Request {
        definition: &request.definition.body,
        overrides: &request.overrides,
        launch: if external { Launch::External } else { Launch::Ec2 },
        provider,
        group: &request.group,
        subnets: vpc.map_or(&[], |vpc| vpc.list("subnets")),
        constraints: input.list("placementConstraints"),
        strategy: input.list("placementStrategy"),
        except: &NOWHERE,
        kept,
    }
}

fn begin(
    world: &mut World,
    cluster: &str,
    request: &Request,
    provider: Option<String>,
    placed: Placed,
) -> Option<Tree> {
    let id = launch_on(world, order(cluster, request, provider, ""), placed);
    shown(world, cluster, &id)
}

/// A task that waits for its capacity provider; none where too many do.
fn wait(world: &mut World, cluster: &str, request: &Request, input: &Tree, provider: Option<String>) -> Option<Tree> {
    if waiting::is_full(&world.ecs, cluster) {
        return None;
    }
    let none = BTreeMap::new();
    let asks = placed_request(request, None, input, &none);
    let wait = Wait {
        definition: Arc::clone(&request.definition),
        overrides: request.overrides.clone(),
        subnets: asks.subnets.to_vec(),
        constraints: asks.constraints.to_vec(),
        strategy: asks.strategy.to_vec(),
        volumes: Vec::new(),
        groups: Vec::new(),
    };
    let id = waiting::begin(world, order(cluster, request, provider, ""), wait);
    shown(world, cluster, &id)
}

/// Tasks on instances that the caller names.
pub(super) fn start(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let instances = input.list("containerInstances");
    if instances.is_empty() || instances.len() > usize::try_from(MOST).unwrap_or(0) {
        return Err(Fault::invalid(format!("Specify 1 to {MOST} container instances.")));
    }
    let request = request::read(world, &cluster, input, Door::Start, |spec| set_launch_type(spec, "EC2"))?;
    if request.is_public() {
        return Err(Fault::invalid("Assign public IP is not supported for this launch type."));
    }
    named::learn(world, &request.network());
    let ids = instances.iter().filter_map(Tree::as_text).map(|one| instance::id_of(world, &cluster, one));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for id in ids {
        match place_on(world, &cluster, &id, &request, input) {
            Ok(placed) => tasks.extend(begin(world, &cluster, &request, None, placed)),
            Err(failure) => failures.push(failure),
        }
    }
    Ok(tree! { "tasks" => tasks, "failures" => failures })
}

/// The place on an instance by its id, or an item of `failures[]`.
fn place_on(world: &World, cluster: &str, id: &str, request: &Request, input: &Tree) -> Result<Placed, Tree> {
    let arn = world.arn(&format!("container-instance/{cluster}/{id}"));
    let failure = |reason: &str| tree! { "arn" => &arn, "reason" => reason };
    let instance = world.ecs.instances.get(&(cluster.to_owned(), id.to_owned()));
    let instance = instance.ok_or_else(|| failure("MISSING"))?;
    if !instance.is_registered() {
        return Err(failure("INACTIVE"));
    }
    let kept = kept_for_daemons(world, cluster);
    let asks = placed_request(request, None, input, &kept);
    let launch = if instance.external { Launch::External } else { Launch::Ec2 };
    let asks = placement::Request { launch, constraints: &[], strategy: &[], ..asks };
    placement::place_on(world, instance, &asks).map_err(|failed| failed.shown())
}
