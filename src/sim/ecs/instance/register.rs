//! How instances come into a cluster: RegisterContainerInstance, and the simulation's own door (ecs-semantics §6.4,
//! §6.6, §9.1). Must not know: HTTP.

use std::collections::BTreeSet;

use crate::shape::{Tree, json};
use crate::tree;

use super::super::super::neighbours::ec2;
use super::super::super::world::World;
use super::super::service::{self, cluster_of};
use super::super::{Answer, Fault, setting, tag};
use super::operations::AGENT_VERSION;
use super::types::{self, Type};
use super::{Capacity, Instance, Status, attributes, id_of, in_cluster, show, state};

/// Instances of one cluster (§7.5).
const MOST: usize = 5_000;
/// Ports that a machine keeps for itself: ssh, Docker, the agent.
const RESERVED: &[i64] = &[22, 2375, 2376, 51_678, 51_679];
/// Network interfaces of a type that isn't in the table, the machine's own left out.
const USUAL_INTERFACES: i64 = 2;

/// A machine that is to join a cluster.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// A type's name; of an external machine, the type it is as large as.
    pub kind: Option<String>,
    pub zone: Option<String>,
    pub capacity_provider: Option<String>,
    pub external: bool,
    pub machine: Option<String>,
    pub arm: Option<bool>,
    /// `totalResources`, `versionInfo`, `attributes`, `platformDevices`, `tags` of a registration.
    pub told: Tree,
}

/// RegisterContainerInstance. The identity document is read as far as it can be, its signature not at all.
pub(super) fn register(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    tag::check_new(input.list("tags"))?;
    if let Some(reference) = input.text("containerInstanceArn").filter(|text| !text.is_empty()) {
        return again(world, &cluster, reference, input);
    }
    let document = input.text("instanceIdentityDocument").and_then(|text| json::read(text.as_bytes()).ok());
    let document = document.unwrap_or_default();
    let said = |name: &str| document.text(name).map(str::to_owned);
    let is_external = |one: &Tree| one.text("name") == Some("ecs.capability.external");
    let wish = Wish {
        kind: said("instanceType"),
        zone: said("availabilityZone"),
        capacity_provider: None,
        external: input.list("attributes").iter().any(is_external)
            || document.text("instanceId").is_some_and(|id| id.starts_with("mi-")),
        machine: said("instanceId"),
        arm: document.text("architecture").map(|text| text == "arm64"),
        told: input.clone(),
    };
    let key = add(world, &cluster, wish)?;
    shown(world, &key)
}

fn shown(world: &World, key: &(String, String)) -> Answer {
    let instance = world.ecs.instances.get(key).ok_or_else(|| Fault::server("The instance is gone."))?;
    Ok(tree! { "containerInstance" => show(world, instance, &["TAGS"]) })
}

/// An agent that was away registers with the ARN it had.
fn again(world: &mut World, cluster: &str, reference: &str, input: &Tree) -> Answer {
    let key = (cluster.to_owned(), id_of(world, cluster, reference)?);
    let Some(mut instance) = world.ecs.instances.get(&key).filter(|one| one.is_registered()).cloned() else {
        return Err(Fault::invalid("The referenced container instance was not found."));
    };
    attributes::overlay(&mut instance, input.list("attributes"))?;
    if let Some(agent) = input.get("versionInfo") {
        instance.agent = agent.clone();
    }
    instance.version += 1;
    world.ecs.instances.insert(key.clone(), instance);
    state::connect(world, &key, true);
    shown(world, &key)
}

/// Puts a machine into a cluster, ACTIVE at once; returns its key.
///
/// # Errors
/// `InvalidParameterException` for a type that is not known, or a cluster that is full.
pub fn add(world: &mut World, cluster: &str, wish: Wish) -> Result<(String, String), Fault> {
    let here = in_cluster(&world.ecs, cluster).filter(|one| one.is_registered()).count();
    if here >= MOST {
        return Err(Fault::new("LimitExceededException", format!("A cluster can have {MOST} container instances.")));
    }
    let name = wish.kind.as_deref().unwrap_or(types::USUAL);
    let sized = !wish.told.list("totalResources").is_empty();
    if types::find(name).is_none() && !sized {
        return Err(Fault::invalid(format!("The embedded ECS does not know the instance type {name}.")));
    }
    let id = world.hex32();
    let machine = wish.machine.clone().unwrap_or_else(|| {
        let digits = world.chars(16, b"0123456789abcdef");
        if wish.external { format!("mi-0{digits}") } else { format!("i-0{digits}") }
    });
    let zone = wish.zone.clone().unwrap_or_else(|| next_zone(world, here));
    if !wish.external {
        ec2::adopt(world, &machine, name, &zone, arm(&wish));
    }
    let instance = form(world, cluster, (id, machine), &zone, wish)?;
    let key = instance.key();
    world.ecs.instances.insert(key.clone(), instance);
    service::capacity_changed(world, cluster);
    Ok(key)
}

fn arm(wish: &Wish) -> bool {
    let kind = types::find(wish.kind.as_deref().unwrap_or(types::USUAL));
    wish.arm.unwrap_or_else(|| kind.is_some_and(|kind| kind.arm))
}

/// A machine as it would join a cluster in that zone, to try placements on: it is nowhere, and has no id.
///
/// # Errors
/// `InvalidParameterException` for attributes that can't be.
pub fn imagine(world: &World, cluster: &str, zone: &str, wish: Wish) -> Result<Instance, Fault> {
    form(world, cluster, (String::new(), String::new()), zone, wish)
}

fn form(
    world: &World,
    cluster: &str,
    (id, machine): (String, String),
    zone: &str,
    wish: Wish,
) -> Result<Instance, Fault> {
    let name = wish.kind.as_deref().unwrap_or(types::USUAL);
    let kind = types::find(name);
    let trunking = setting::is_enabled(world, "awsvpcTrunking");
    let arm = arm(&wish);
    let network = ec2::stands(world, &machine);
    let nature = attributes::Nature {
        kind: name,
        zone,
        arm,
        network: network.as_ref().map(|(subnet, vpc)| (subnet.as_str(), vpc.as_str())),
        external: wish.external,
        trunk: (trunking && kind.is_some_and(|kind| kind.trunked.is_some())).then_some(id.as_str()),
    };
    let attributes = attributes::usual(&nature);
    let mut instance = Instance {
        arn: world.arn(&format!("container-instance/{cluster}/{id}")),
        cluster: cluster.to_owned(),
        machine,
        status: Status::Active,
        connected: true,
        external: wish.external,
        // Somebody's own machine is in no zone of AWS's.
        zone: if wish.external { String::new() } else { zone.to_owned() },
        capacity_provider: wish.capacity_provider,
        registered: world.now(),
        capacity: capacity(kind, &id, &wish.told, wish.external, trunking),
        attributes,
        custom: BTreeSet::new(),
        agent: wish.told.get("versionInfo").cloned().unwrap_or_else(usual_agent),
        agent_update: None,
        images: BTreeSet::new(),
        tasks: BTreeSet::new(),
        put_by: Vec::new(),
        tags: wish.told.list("tags").to_vec(),
        version: 1,
        retired: None,
        id,
    };
    attributes::overlay(&mut instance, wish.told.list("attributes"))?;
    Ok(instance)
}

/// Instances that don't say where they are go round the zones, as an Auto Scaling group's do.
fn next_zone(world: &World, number: usize) -> String {
    let letter = ["a", "b", "c"].get(number % 3).copied().unwrap_or("a");
    format!("{}{letter}", world.settings.region)
}

fn usual_agent() -> Tree {
    tree! { "agentVersion" => AGENT_VERSION, "agentHash" => "ec500000", "dockerVersion" => "DockerVersion: 25.0.14" }
}

/// What the registration says, over what the type has.
fn capacity(kind: Option<&Type>, id: &str, told: &Tree, external: bool, trunking: bool) -> Capacity {
    let resource = |name: &str| told.list("totalResources").iter().find(|one| one.text("name") == Some(name));
    let number = |name: &str| resource(name).and_then(|one| one.int("integerValue").or_else(|| one.int("longValue")));
    let texts = |name: &str| {
        let texts = resource(name).map(|one| one.list("stringSetValue"));
        texts.map(|texts| texts.iter().filter_map(Tree::as_text).map(str::to_owned).collect::<BTreeSet<_>>())
    };
    let ports = |name: &str| texts(name).map(|texts| texts.iter().filter_map(|text| text.parse().ok()).collect());
    let devices = told.list("platformDevices").iter().filter(|one| one.text("type") == Some("GPU"));
    let devices = devices.filter_map(|one| one.text("id")).map(str::to_owned).collect::<BTreeSet<_>>();
    let short = id.get(..8).unwrap_or(id);
    let own = || (0..kind.map_or(0, |kind| kind.gpus)).map(|number| format!("GPU-{short}-{number:04x}")).collect();
    Capacity {
        cpu: number("CPU").or_else(|| kind.map(Type::cpu)).unwrap_or(0),
        memory: number("MEMORY").or_else(|| kind.map(Type::memory)).unwrap_or(0),
        tcp: ports("PORTS").unwrap_or_else(|| RESERVED.iter().copied().collect()),
        udp: ports("PORTS_UDP").unwrap_or_default(),
        gpus: if devices.is_empty() { texts("GPU").unwrap_or_else(own) } else { devices },
        interfaces: match kind {
            _ if external => 0,
            Some(kind) => kind.task_interfaces(trunking),
            None => USUAL_INTERFACES,
        },
    }
}
