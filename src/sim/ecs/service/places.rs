//! Where a service's tasks can run, and where they can't stay (ecs-semantics §2.16, §2.17, §3.5). Must not know: when
//! tasks start and stop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::Fault;
use super::super::capacity_provider::{brings_machines, fargate};
use super::super::instance::{Claim, Instance, Status, in_cluster};
use super::super::placement::{self, Launch, Placed, Request};
use super::super::task::waiting::{self, Wait};
use super::super::task::{LastStatus, Order};
use super::{Deployment, Service, capacity, events};

/// Why a task has no place.
#[derive(Clone, Debug)]
pub(super) enum Unplaced {
    /// It is an event, told once as long as the cause is the same.
    Because(&'static str, String),
    /// Every instance that a DAEMON service could be on has its task still: nobody's fault.
    Wait,
}

/// Where a task goes.
#[derive(Debug)]
pub(super) enum Place {
    Fargate,
    Instance(Placed),
    /// Nowhere yet: its capacity provider is to bring an instance.
    Provisioning(Wait),
}

/// What a service asks of an instance, for the tasks of one deployment.
struct Asks<'a> {
    service: &'a Service,
    deployment: &'a Deployment,
    except: BTreeSet<String>,
    kept: BTreeMap<String, Vec<Claim>>,
    constraints: Vec<Tree>,
}

impl<'a> Asks<'a> {
    fn new(service: &'a Service, deployment: &'a Deployment) -> Self {
        let constraints = service.settings.list("placementConstraints").to_vec();
        Self { service, deployment, except: BTreeSet::new(), kept: BTreeMap::new(), constraints }
    }

    /// Only instances of that zone will do.
    fn within(mut self, zone: Option<&str>) -> Self {
        self.constraints.extend(zone.map(|zone| {
            tree! { "type" => "memberOf", "expression" => format!("attribute:ecs.availability-zone == {zone}") }
        }));
        self
    }

    fn request<'b>(&'b self, provider: Option<&'b str>, group: &'b str) -> Request<'b> {
        let spec = &self.deployment.spec;
        let external = spec.text("launchType") == Some("EXTERNAL");
        Request {
            definition: &self.deployment.definition.body,
            overrides: &Tree::Null,
            launch: if external { Launch::External } else { Launch::Ec2 },
            provider,
            group,
            subnets: spec.at(&["networkConfiguration", "awsvpcConfiguration"]).map_or(&[], |vpc| vpc.list("subnets")),
            constraints: &self.constraints,
            strategy: self.service.settings.list("placementStrategy"),
            except: &self.except,
            kept: &self.kept,
        }
    }

    fn wait(&self) -> Wait {
        let request = self.request(None, "");
        Wait {
            definition: Arc::clone(&self.deployment.definition),
            overrides: Tree::map(),
            subnets: request.subnets.to_vec(),
            constraints: request.constraints.to_vec(),
            strategy: request.strategy.to_vec(),
            volumes: Vec::new(),
            groups: Vec::new(),
        }
    }
}

/// The providers that a strategy names; none without one.
fn providers(spec: &Tree) -> Vec<&str> {
    spec.list("capacityProviderStrategy").iter().filter_map(|item| item.text("capacityProvider")).collect()
}

/// Asks for a place for a task; on Fargate there is one as long as it has capacity, and none has a name. A DAEMON's task
/// belongs to the capacity provider of its instance. A task that is to be in a zone doesn't wait for an instance there:
/// it is only for the balance (§2.12).
pub(super) fn find(
    world: &mut World,
    service: &Service,
    deployment: &Deployment,
    order: &mut Order,
    zone: Option<&str>,
) -> Result<Place, Unplaced> {
    if capacity::is_fargate(&deployment.spec) {
        return on_fargate(world, order);
    }
    let (daemon, strategy) = (service.is_daemon(), providers(&deployment.spec));
    let except = if daemon { taken(world, service, &strategy) } else { BTreeSet::new() };
    let kept = if daemon { BTreeMap::new() } else { kept_for_daemons(world, &service.cluster) };
    let asks = Asks { except, kept, ..Asks::new(service, deployment) }.within(zone);
    let group = order.group.clone();
    let provider = order.capacity_provider.clone().filter(|_| !daemon);
    match placement::place(world, &service.cluster, &asks.request(provider.as_deref(), &group)) {
        Ok(placed) => {
            if daemon && !strategy.is_empty() {
                let key = (service.cluster.clone(), placed.instance.clone());
                order.capacity_provider = world.ecs.instances.get(&key).and_then(|one| one.capacity_provider.clone());
            }
            Ok(Place::Instance(placed))
        }
        Err(_) if zone.is_none() && provider.as_deref().is_some_and(|name| brings_machines(world, name)) => {
            if waiting::is_full(&world.ecs, &service.cluster) {
                return Err(Unplaced::Because(events::PROVISIONING, unplaced(waiting::FULL)));
            }
            Ok(Place::Provisioning(asks.wait()))
        }
        Err(failures) => match placement::event(&failures) {
            Some((lack, text)) => Err(Unplaced::Because(events::unfit(lack), text)),
            None if daemon => Err(Unplaced::Wait),
            None => Err(Unplaced::Because(events::PLACEMENT, placement::no_instances(!strategy.is_empty()))),
        },
    }
}

fn unplaced(why: &str) -> String {
    format!("was unable to place a task. Reason: {why}.")
}

fn on_fargate(world: &World, order: &Order) -> Result<Place, Unplaced> {
    let cpu = fargate::units(&order.definition.body, &order.overrides);
    match fargate::shortage(world, order.capacity_provider.as_deref(), &order.subnet, cpu) {
        None => Ok(Place::Fargate),
        Some(shortage) => Err(Unplaced::Because(shortage.text(), unplaced(shortage.text()))),
    }
}

/// Instances that a DAEMON service has a task on, or is not meant for by its strategy.
fn taken(world: &World, service: &Service, strategy: &[&str]) -> BTreeSet<String> {
    let group = format!("service:{}", service.name);
    let here = in_cluster(&world.ecs, &service.cluster).filter(|one| {
        let key = |id: &String| (service.cluster.clone(), id.clone());
        let has = one.tasks.iter().any(|id| world.ecs.tasks.get(&key(id)).is_some_and(|task| task.group == group));
        has || !is_of(one, strategy)
    });
    here.map(|one| one.id.clone()).collect()
}

fn is_of(instance: &Instance, strategy: &[&str]) -> bool {
    strategy.is_empty() || instance.capacity_provider.as_deref().is_some_and(|name| strategy.contains(&name))
}

/// The instances that a DAEMON service means to have a task on: ACTIVE ones that its constraints allow, and DRAINING
/// ones that others have not left yet, since its tasks are the last to go (§2.16).
fn meant(world: &World, service: &Service) -> BTreeSet<String> {
    let Some(primary) = service.primary() else { return BTreeSet::new() };
    let asks = Asks::new(service, primary);
    let group = format!("service:{}", service.name);
    let request = asks.request(None, &group);
    // Its own task must not count against distinctInstance.
    let request = Request { group: "", ..request };
    let strategy = providers(&primary.spec);
    let suits = placement::eligibility(&world.ecs, &request);
    let here = in_cluster(&world.ecs, &service.cluster).filter(|one| is_of(one, &strategy));
    let here = here.filter(|one| one.external == (request.launch == Launch::External));
    let meant = here.filter(|one| match one.status {
        Status::Active => suits(one),
        Status::Draining => waits(world, service, one),
        Status::Inactive => false,
    });
    meant.map(|one| one.id.clone()).collect()
}

/// Whether a DAEMON's task on a DRAINING instance has others beside it that are no daemons' tasks.
fn waits(world: &World, service: &Service, instance: &Instance) -> bool {
    let tasks = instance.tasks.iter().filter_map(|id| world.ecs.tasks.get(&(instance.cluster.clone(), id.clone())));
    let (mut own, mut others) = (false, false);
    for task in tasks.filter(|task| task.last < LastStatus::Stopped) {
        match &task.service {
            Some(name) if *name == service.name => own |= task.wanted,
            Some(name) => {
                let key = (instance.cluster.clone(), name.clone());
                others |= !world.ecs.services.get(&key).is_some_and(Service::is_daemon);
            }
            None => others = true,
        }
    }
    own && others
}

/// What is kept for daemons that are not there yet, by instance: ECS sees to them before all others (§2.16).
pub fn kept_for_daemons(world: &World, cluster: &str) -> BTreeMap<String, Vec<Claim>> {
    let from = (cluster.to_owned(), String::new());
    let here = world.ecs.services.range(from..).take_while(|((of, _), _)| of == cluster).map(|(_, one)| one);
    let mut kept: BTreeMap<String, Vec<Claim>> = BTreeMap::new();
    for daemon in here.filter(|one| one.is_active() && one.is_daemon()) {
        let Some(primary) = daemon.primary() else { continue };
        let taken = taken(world, daemon, &providers(&primary.spec));
        for id in meant(world, daemon).difference(&taken) {
            kept.entry(id.clone()).or_default().push(Claim::of(&primary.definition.body, &Tree::Null));
        }
    }
    kept
}

/// How many tasks a DAEMON service is to have now.
pub(super) fn recount(world: &World, service: &Service) -> i64 {
    i64::try_from(meant(world, service).len()).unwrap_or(i64::MAX)
}

/// Instances that the service's tasks have to leave: DRAINING ones (§2.17), and for a DAEMON all that it is not meant to
/// be on.
pub(super) fn unfit(world: &World, service: &Service) -> BTreeSet<String> {
    let here = in_cluster(&world.ecs, &service.cluster);
    if service.is_daemon() {
        let meant = meant(world, service);
        return here.map(|one| one.id.clone()).filter(|id| !meant.contains(id)).collect();
    }
    here.filter(|one| one.status == Status::Draining).map(|one| one.id.clone()).collect()
}

/// What launch types and scheduling strategies do not go together (§2.12, §2.16, §5.1, §6.6; wordings weak).
pub(super) fn judge(spec: &Tree, settings: &Tree, definition: &Tree) -> Result<(), Fault> {
    let daemon = settings.text("schedulingStrategy") == Some("DAEMON");
    let refuse = |text: &str| Err(Fault::invalid(text));
    if daemon && capacity::is_fargate(spec) {
        return refuse("The DAEMON scheduling strategy is not supported with the FARGATE launch type.");
    }
    let launch = spec.text("launchType");
    let compatible = definition.list("compatibilities");
    if let Some(launch) = launch.filter(|_| !compatible.is_empty())
        && !compatible.iter().any(|one| one.as_text() == Some(launch))
    {
        return Err(Fault::invalid(format!("Task definition does not support launch_type {launch}.")));
    }
    if launch != Some("EXTERNAL") {
        return Ok(());
    }
    if definition.text("networkMode") == Some("awsvpc") {
        return refuse("The awsvpc network mode is not supported with the EXTERNAL launch type.");
    }
    for (name, noun) in [("loadBalancers", "Load balancers"), ("serviceRegistries", "Service registries")] {
        if !spec.list(name).is_empty() {
            return Err(Fault::invalid(format!("{noun} are not supported with the EXTERNAL launch type.")));
        }
    }
    if settings.text("availabilityZoneRebalancing") == Some("ENABLED") {
        return refuse("Availability Zone Rebalancing is not supported with the EXTERNAL launch type.");
    }
    Ok(())
}
