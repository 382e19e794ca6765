//! Where a task goes: constraints, resources, strategies (ecs-semantics §3.5). Must not know: services, launches.
//!
//! `place` finds the best instance for one task, `place_on` tries one instance by name, `distribute` splits a number of
//! tasks by a capacity provider strategy. None of them changes the world, but for the chance that `random` draws.

pub mod check;
pub mod query;
mod split;
mod strategy;
#[cfg(test)]
mod tests;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use crate::shape::Tree;
use crate::tree;

use super::super::world::World;
use super::Ecs;
use super::instance::{Claim, Held, Instance, Lack, Status, in_cluster};
use super::instance::{free, lack, set_aside, take};
use super::task::zone_of;

pub use split::distribute;
pub use words::{event, no_instances};

/// What kind of machine a task runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launch {
    Ec2,
    External,
}

/// One task that looks for a place.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The task definition's body.
    pub definition: &'a Tree,
    /// The task's overrides, or an empty tree.
    pub overrides: &'a Tree,
    pub launch: Launch,
    /// Only instances of this capacity provider.
    pub provider: Option<&'a str>,
    /// `service:NAME` or `family:FAMILY`: what strategies and distinctInstance count by.
    pub group: &'a str,
    /// The subnets of an awsvpc task: its instance must stand in the zone of one.
    pub subnets: &'a [Tree],
    /// The request's own; the definition's are added.
    pub constraints: &'a [Tree],
    pub strategy: &'a [Tree],
    /// Instances (ids) that are not to be thought of: a DAEMON service has its task there already.
    pub except: &'a BTreeSet<String>,
    /// By instance (id), what is kept there for daemons: see `service::kept_for_daemons`.
    pub kept: &'a BTreeMap<String, Vec<Claim>>,
}

/// A place for one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The instance's id.
    pub instance: String,
    pub arn: String,
    pub zone: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    pub external: bool,
    pub held: Held,
    /// Of the subnets asked for, those in its zone.
    pub subnets: Vec<String>,
}

/// Why one instance can't take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The instance's ARN, and its id.
    pub arn: String,
    pub instance: String,
    pub lack: Lack,
}

impl Failure {
    /// As an item of `failures[]`.
    pub fn shown(&self) -> Tree {
        tree! { "arn" => &self.arn, "reason" => self.lack.reason() }
    }
}

/// Finds a place for one task.
///
/// # Errors
/// Why each of the instances that come into question can't take it; none where there is no such instance (RunTask
/// answers that with `No Container Instances were found in your cluster.`).
pub fn place(world: &mut World, cluster: &str, request: &Request<'_>) -> Result<Placed, Vec<Failure>> {
    let (mut fit, mut failures) = (Vec::new(), Vec::new());
    let wants = Wants::of(request);
    for instance in candidates(&world.ecs, cluster, request) {
        match try_one(world, instance, request, &wants) {
            Ok(placed) => fit.push(placed),
            Err(lack) => failures.push(failure(instance, lack)),
        }
    }
    strategy::best(world, cluster, request, fit).ok_or(failures)
}

/// Tries an instance by its id, as StartTask and DAEMON services do: no strategy, and constraints all the same.
///
/// # Errors
/// What it lacks.
pub fn place_on(world: &World, instance: &Instance, request: &Request<'_>) -> Result<Placed, Failure> {
    try_one(world, instance, request, &Wants::of(request)).map_err(|lack| failure(instance, lack))
}

fn failure(instance: &Instance, lack: Lack) -> Failure {
    Failure { arn: instance.arn.clone(), instance: instance.id.clone(), lack }
}

/// Instances that come into question at all: ACTIVE ones of the right kind and capacity provider.
pub fn candidates<'a>(ecs: &'a Ecs, cluster: &'a str, request: &'a Request<'_>) -> impl Iterator<Item = &'a Instance> {
    in_cluster(ecs, cluster).filter(|one| {
        one.status == Status::Active
            && one.external == (request.launch == Launch::External)
            && request.provider.is_none_or(|provider| one.capacity_provider.as_deref() == Some(provider))
            && !request.except.contains(&one.id)
    })
}

/// Tells of an instance whether a DAEMON service means to be on it, with room or without (§2.16).
pub fn eligibility<'a>(ecs: &'a Ecs, request: &'a Request<'a>) -> impl Fn(&Instance) -> bool + 'a {
    let wants = Wants::of(request);
    move |instance| unsuited(ecs, instance, request, &wants).is_none()
}

/// What a request wants, read once for all instances.
struct Wants<'a> {
    claim: Claim,
    constraints: Vec<Constraint>,
    capabilities: Vec<&'a str>,
    windows: bool,
    arm: bool,
}

enum Constraint {
    Distinct,
    MemberOf(query::Query),
    /// An expression that can't be read holds nowhere; services are not created with one.
    Never,
}

impl<'a> Wants<'a> {
    fn of(request: &Request<'a>) -> Self {
        let of_both = request.constraints.iter().chain(request.definition.list("placementConstraints"));
        let constraints = of_both.map(|one| match one.text("type") {
            Some("distinctInstance") => Constraint::Distinct,
            _ => {
                query::read(one.text("expression").unwrap_or_default()).map_or(Constraint::Never, Constraint::MemberOf)
            }
        });
        let needs = request.definition.list("requiresAttributes").iter().filter_map(|one| one.text("name"));
        let platform = |name| request.definition.at(&["runtimePlatform", name]).and_then(Tree::as_text);
        Self {
            claim: Claim::of(request.definition, request.overrides),
            constraints: constraints.collect(),
            capabilities: needs.collect(),
            windows: platform("operatingSystemFamily").is_some_and(|os| os.starts_with("WINDOWS")),
            arm: platform("cpuArchitecture") == Some("ARM64"),
        }
    }
}

/// Filters in ECS's order: resources, attributes, constraints (§3.5); an agent that is away comes first, since nothing
/// can be asked of it.
fn try_one(world: &World, instance: &Instance, request: &Request<'_>, wants: &Wants<'_>) -> Result<Placed, Lack> {
    let ecs = &world.ecs;
    if !instance.connected {
        return Err(Lack::Agent);
    }
    let kept = request.kept.get(&instance.id).into_iter().flatten();
    let left = kept.fold(free(ecs, instance), set_aside);
    if let Some(lack) = lack(&left, &wants.claim).or_else(|| unsuited(ecs, instance, request, wants)) {
        return Err(lack);
    }
    let zone = |subnet: &&str| zone_of(world, subnet) == instance.zone;
    let names = request.subnets.iter().filter_map(Tree::as_text);
    let subnets = names.filter(zone).map(str::to_owned).collect::<Vec<_>>();
    if wants.claim.interface && subnets.is_empty() {
        return Err(Lack::Location);
    }
    Ok(Placed {
        instance: instance.id.clone(),
        arn: instance.arn.clone(),
        zone: instance.zone.clone(),
        architecture: instance.attributes.get("ecs.cpu-architecture").cloned().flatten().unwrap_or_default(),
        external: instance.external,
        held: take(&left, &wants.claim, instance.is_windows()).ok_or(Lack::Ports)?,
        subnets,
    })
}

/// Attributes and constraints. A definition for Windows or ARM64 needs such a machine (inferred).
fn unsuited(ecs: &Ecs, instance: &Instance, request: &Request<'_>, wants: &Wants<'_>) -> Option<Lack> {
    let has = |name: &str, value: &str| instance.attributes.get(name).and_then(Option::as_deref) == Some(value);
    let able = wants.capabilities.iter().all(|name| instance.attributes.contains_key(*name));
    if !able || wants.windows != instance.is_windows() || wants.arm && !has("ecs.cpu-architecture", "arm64") {
        return Some(Lack::Attribute);
    }
    wants.constraints.iter().find_map(|one| match one {
        Constraint::Distinct => strategy::has_of(ecs, instance, request.group).then_some(Lack::Distinct),
        Constraint::MemberOf(query) => (!query.holds(ecs, instance)).then_some(Lack::MemberOf),
        Constraint::Never => Some(Lack::MemberOf),
    })
}
