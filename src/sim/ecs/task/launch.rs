//! How a task comes into being, on Fargate or on an instance. Must not know: who asked for it.

use std::sync::Arc;
use std::time::Duration;

use crate::shape::Tree;
use crate::tree;

use super::super::super::neighbours::ec2::{self, reach::Needs};
use super::super::super::world::World;
use super::super::instance::{self, Claim};
use super::super::placement::Placed;
use super::super::task_definition::TaskDefinition;
use super::super::{Event, setting};
use super::behaviour::Behaviour;
use super::waiting::Wait;
use super::{
    Container, Health, Host, Interface, LastStatus, Step, Task, Times, interruption, overrides, pull, volumes,
};

/// PROVISIONING takes so long at least, and up to [`ATTACH_JITTER_MS`] more (§3.1's sample: 17.6 s).
const ATTACH_MS: u64 = 10_000;
const ATTACH_JITTER_MS: u64 = 8_000;
/// SIGKILL follows SIGTERM so long after, where the definition doesn't say (§3.3).
const STOP_TIMEOUT_SECS: i64 = 30;
/// Docker's time between health checks, where the definition doesn't say.
const CHECK_INTERVAL_SECS: i64 = 30;

/// What is asked for when a task is to start.
#[derive(Clone, Debug)]
pub struct Order {
    /// The cluster's name.
    pub cluster: String,
    pub group: String,
    pub started_by: Option<String>,
    pub service: Option<String>,
    pub definition: Arc<TaskDefinition>,
    pub capacity_provider: Option<String>,
    /// The platform version, resolved.
    pub platform_version: String,
    pub subnet: String,
    /// Security groups of its interface; none for the default one of the subnet's VPC.
    pub groups: Vec<String>,
    /// Its interface gets a public address: `assignPublicIp`.
    pub public: bool,
    /// Target groups it will be registered with.
    pub targets: Vec<String>,
    /// It is registered with a service registry, too.
    pub in_registry: bool,
    pub execute_command: bool,
    pub tags: Vec<Tree>,
    /// `overrides`, as RunTask gives them and as a task shows them; an empty map for a service's task.
    pub overrides: Tree,
    /// `volumeConfigurations`, of RunTask or of the service.
    pub volumes: Vec<Tree>,
}

/// Attaching an interface to an instance (appendix B), and until an agent hears of a task that needs none.
const ATTACH_ON_HOST_MS: u64 = 4_000;
const HEARD_MS: u64 = 500;

/// Starts a task on Fargate and returns its id.
pub fn launch(world: &mut World, order: Order) -> String {
    let cluster = order.cluster.clone();
    let task = new(world, order, true);
    let id = task.id.clone();
    interruption::foretell(world, &task);
    world.ecs.tasks.insert(task.key(), task);
    let drawn = ATTACH_MS + world.below(ATTACH_JITTER_MS);
    let wait = attaching(world, drawn);
    world.after(wait, Event::Task { cluster, task: id.clone(), step: Step::Attach });
    id
}

/// Starts a task at a place on an instance, which it holds from now on, and returns its id. Of the order, the platform
/// version plays no part, and the subnet only in awsvpc mode; without one, the place's first counts.
pub fn launch_on(world: &mut World, mut order: Order, placed: Placed) -> String {
    if !placed.subnets.contains(&order.subnet) {
        order.subnet = placed.subnets.first().cloned().unwrap_or_default();
    }
    let mut task = new(world, order, placed.held.interface);
    if !placed.held.interface {
        task.last = LastStatus::Pending;
    }
    leave_fargate(&mut task, placed.external, placed.held.cpu, placed.held.memory);
    seat(world, task, placed)
}

/// Starts a task that has no place yet: it waits in PROVISIONING for its capacity provider (§3.1). Returns its id.
pub(super) fn launch_waiting(world: &mut World, mut order: Order, wait: Wait) -> String {
    order.subnet.clear();
    let claim = Claim::of(&wait.definition.body, &wait.overrides);
    let mut task = new(world, order, false);
    task.zone.clear();
    leave_fargate(&mut task, false, claim.cpu, claim.memory);
    task.waits = Some(Arc::new(wait));
    let id = task.id.clone();
    world.ecs.tasks.insert(task.key(), task);
    id
}

/// A waiting task has a place: on it goes as any other on an instance.
pub(super) fn launch_at_last(world: &mut World, key: &(String, String), wait: &Wait, placed: Placed) {
    let Some(mut task) = world.ecs.tasks.remove(key) else { return };
    task.waits = None;
    if placed.held.interface {
        let subnet = placed.subnets.first().cloned().unwrap_or_default();
        task.interface = Some(interface(world, subnet, wait.groups.clone(), false));
    } else {
        task.enter(LastStatus::Pending);
    }
    task.disks = volumes::create(world, key, &placed.zone, task.service.is_some(), &wait.volumes);
    seat(world, task, placed);
}

/// What tasks on instances show otherwise than those on Fargate: no platform, and sizes even if only containers have any.
fn leave_fargate(task: &mut Task, external: bool, cpu: i64, memory: i64) {
    for fargates in ["platformVersion", "platformFamily", "ephemeralStorage", "fargateEphemeralStorage"] {
        task.body.remove(fargates);
    }
    task.body.set("launchType", if external { "EXTERNAL" } else { "EC2" });
    for (name, size) in [("cpu", cpu), ("memory", memory)] {
        if task.body.text(name).is_none() {
            task.body.set(name, size.to_string());
        }
    }
}

/// The task holds its place from now on, and its agent will hear of it.
fn seat(world: &mut World, mut task: Task, placed: Placed) -> String {
    let (cluster, id) = task.key();
    task.zone = placed.zone;
    task.body.set("attributes", vec![tree! { "name" => "ecs.cpu-architecture", "value" => placed.architecture }]);
    let instance = placed.instance.clone();
    let attaches = placed.held.interface;
    let binds = !attaches && !placed.held.ports.is_empty();
    task.host = Some(Host { instance: placed.instance, arn: placed.arn, held: placed.held, binds });
    world.ecs.tasks.insert(task.key(), task);
    instance::seat(world, &(cluster.clone(), instance), &id);
    let wait = attaching(world, if attaches { ATTACH_ON_HOST_MS } else { HEARD_MS });
    world.after(wait, Event::Task { cluster, task: id.clone(), step: Step::Attach });
    id
}

/// How long it takes to attach; where all of a start takes a set time, half of that at most.
fn attaching(world: &World, usual_ms: u64) -> Duration {
    let usual = Duration::from_millis(usual_ms);
    world.settings.pace.start.map_or(usual, |start| usual.min(start / 2))
}

fn new(world: &mut World, order: Order, attaches: bool) -> Task {
    let id = world.hex32();
    let (id, arn) = setting::new_arn(world, setting::Kind::Task, &order.cluster, &id);
    let definition = &overrides::applied(&order.definition.body, &order.overrides);
    let containers = definition
        .list("containerDefinitions")
        .iter()
        .map(|one| container(world, &order.cluster, &id, one))
        .collect::<Vec<_>>();
    let body = unchanging(definition, &containers, &order.overrides)
        .with("platformVersion", order.platform_version)
        .with("enableExecuteCommand", order.execute_command);
    let zone = zone_of(world, &order.subnet);
    let key = (order.cluster.clone(), id.clone());
    let disks = volumes::create(world, &key, &zone, order.service.is_some(), &order.volumes);
    Task {
        arn,
        group: order.group,
        started_by: order.started_by,
        service: order.service,
        definition: order.definition.arn.clone(),
        capacity_provider: order.capacity_provider,
        last: LastStatus::Provisioning,
        wanted: true,
        health: Health::Unknown,
        settled: false,
        sick: false,
        activates: order.in_registry || order.targets.len() > 1,
        targets: order.targets,
        registered: false,
        created: world.now(),
        times: Times::default(),
        stop: None,
        containers,
        zone,
        pull: pull::span(definition, &world.settings.region),
        disks,
        protected_until: None,
        retiring: false,
        needs: Needs::of(definition),
        interface: attaches.then(|| interface(world, order.subnet, order.groups, order.public)),
        host: None,
        waits: None,
        tags: order.tags,
        version: 1,
        body,
        cluster: order.cluster,
        id,
    }
}

fn container(world: &mut World, cluster: &str, task: &str, definition: &Tree) -> Container {
    let mut sizes = tree! { "cpu" => definition.int("cpu").unwrap_or(0).to_string() };
    for name in ["memory", "memoryReservation"] {
        if let Some(size) = definition.int(name) {
            sizes.set(name, size.to_string());
        }
    }
    let check = definition.get("healthCheck").filter(|check| !check.is_empty());
    let id = world.uuid();
    Container {
        name: definition.text("name").unwrap_or_default().to_owned(),
        arn: world.arn(&format!("container/{cluster}/{task}/{id}")),
        image: definition.text("image").unwrap_or_default().to_owned(),
        pinned: None,
        digest: None,
        runtime_id: None,
        essential: definition.bool("essential").unwrap_or(true),
        check_interval_secs: check.map(|check| check.int("interval").unwrap_or(CHECK_INTERVAL_SECS)),
        stop_timeout_secs: definition.int("stopTimeout").unwrap_or(STOP_TIMEOUT_SECS),
        last_status: "PENDING",
        exit_code: None,
        reason: None,
        // A service is never created with labels that can't be read.
        behaviour: Behaviour::of(definition).unwrap_or_default(),
        sizes,
    }
}

/// The members a task keeps all its life (§3.2).
fn unchanging(definition: &Tree, containers: &[Container], overrides: &Tree) -> Tree {
    let storage = definition.at(&["ephemeralStorage", "sizeInGiB"]).and_then(Tree::as_int).unwrap_or(20);
    let platform = |name| definition.at(&["runtimePlatform", name]).and_then(Tree::as_text);
    let windows = platform("operatingSystemFamily").is_some_and(|os| os.starts_with("WINDOWS"));
    let architecture = if platform("cpuArchitecture") == Some("ARM64") { "arm64" } else { "x86_64" };
    tree! {
        "launchType" => "FARGATE",
        "platformFamily" => if windows { "Windows" } else { "Linux" },
        "attributes" => vec![tree! { "name" => "ecs.cpu-architecture", "value" => architecture }],
        "ephemeralStorage" => tree! { "sizeInGiB" => storage },
        "fargateEphemeralStorage" => tree! { "sizeInGiB" => storage },
        "overrides" => overrides::shown(overrides, containers.iter().map(|one| one.name.as_str())),
    }
    .with_some("cpu", definition.text("cpu"))
    .with_some("memory", definition.text("memory"))
}

/// An interface in a subnet. Where EC2 refuses it, it has no address: attaching it will fail.
fn interface(world: &mut World, subnet: String, groups: Vec<String>, public: bool) -> Interface {
    const HEX: &[u8] = b"0123456789abcdef";
    let pairs = (0..5).map(|_| world.chars(2, HEX)).collect::<Vec<_>>();
    let attachment_id = world.uuid();
    let id = format!("eni-0{}", world.chars(16, HEX));
    let (address, refused) = match ec2::take_for_task(&mut world.ec2, &subnet, &groups, &id) {
        Ok(address) => (address, None),
        Err(fault) => (String::new(), Some(fault.code)),
    };
    Interface {
        attachment_id,
        mac: format!("0e:{}", pairs.join(":")),
        address,
        refused,
        public: public.then(|| ec2::public_address(&id)),
        groups: ec2::groups_of_interface(&world.ec2, &subnet, groups),
        subnet,
        id,
        status: "PRECREATED",
    }
}

/// The availability zone of a subnet.
pub fn zone_of(world: &World, subnet: &str) -> String {
    ec2::zone_of(&world.ec2, subnet).unwrap_or_else(|| zone_by_name(&world.settings.region, subnet))
}

/// The zone that a subnet which nobody made lies in: always the same one.
pub fn zone_by_name(region: &str, subnet: &str) -> String {
    let letter = match spread(subnet) % 3 {
        0 => 'a',
        1 => 'b',
        _ => 'c',
    };
    format!("{region}{letter}")
}

/// FNV-1a: the same number for the same text, in every process.
pub fn spread(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
