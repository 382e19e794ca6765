//! Auto Scaling groups, as far as ECS sees them: machines that are launched, join a cluster, drain and are terminated
//! (ecs-semantics §6.3). Must not know: why a group is to have so many.
//!
//! A group is there as soon as a capacity provider names it, or a page; its machines join the cluster that the provider
//! is associated with.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::shape::{Time, Tree};
use crate::tree;

use super::super::super::world::World;
use super::super::instance::{self, End, Instance, Status, Wish, types};
use super::super::{Ecs, Event, Fault};
use super::scaling::{self, Watch};
use super::{Provider, association};

/// A group that nobody said more about has no machine, and may have so many. Ours.
const MOST: i64 = 100;
/// From the order until a machine has joined its cluster. Weak: it varies by image and type.
const LAUNCH_TIME: Duration = Duration::from_secs(90);
/// A machine that drains is terminated after so long, empty or not: the lifecycle hook's longest wait. From memory.
const DRAIN_TIME: Duration = Duration::from_secs(48 * 3600);
/// The zones of a group that nobody said more about.
const ZONES: &[char] = &['a', 'b', 'c'];

type Key = (String, String);

/// An Auto Scaling group.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    /// The instance type.
    pub kind: String,
    pub min: i64,
    pub max: i64,
    pub desired: i64,
    pub zones: Vec<String>,
    pub launch_time: Duration,
    /// New machines are protected from scale-in: without it, ECS can't have machines with tasks spared.
    pub protected: bool,
    /// By their number, the zones of machines that have not joined yet.
    launching: BTreeMap<u64, String>,
    launched: u64,
    /// Those that joined.
    machines: BTreeSet<Key>,
    /// Those of them that drain, and until when at most.
    leaving: BTreeMap<Key, Time>,
    /// When the last one joined.
    joined: Option<Time>,
    pub(super) watch: Watch,
}

/// What a page says of a group; what it leaves out stays.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub kind: Option<String>,
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub desired: Option<i64>,
    pub zones: Option<Vec<String>>,
    pub launch_time: Option<Duration>,
    pub protected: Option<bool>,
}

impl Group {
    fn new(region: &str, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: types::USUAL.to_owned(),
            min: 0,
            max: MOST,
            desired: 0,
            zones: ZONES.iter().map(|letter| format!("{region}{letter}")).collect(),
            launch_time: LAUNCH_TIME,
            protected: true,
            launching: BTreeMap::new(),
            launched: 0,
            machines: BTreeSet::new(),
            leaving: BTreeMap::new(),
            joined: None,
            watch: Watch::default(),
        }
    }

    /// Machines that joined and are to stay.
    pub(super) fn staying<'a>(&'a self, ecs: &'a Ecs) -> impl Iterator<Item = &'a Instance> {
        let here = self.machines.iter().filter(|key| !self.leaving.contains_key(*key));
        here.filter_map(|key| ecs.instances.get(key)).filter(|one| one.is_registered())
    }

    /// Whether machines are on their way, or joined less than that ago.
    pub(super) fn is_warming(&self, now: Time, warmup: Duration) -> bool {
        !self.launching.is_empty() || self.joined.is_some_and(|joined| now < joined.after(warmup))
    }

    /// A machine of it, as it would join in that zone.
    pub(super) fn wish(&self, zone: &str, provider: &str) -> Wish {
        Wish {
            kind: Some(self.kind.clone()),
            zone: Some(zone.to_owned()),
            capacity_provider: Some(provider.to_owned()),
            ..Wish::default()
        }
    }
}

/// A group as pages show it, in Auto Scaling's own words, and the metric that it is scaled by.
pub fn show(world: &World, group: &Group) -> Tree {
    let row = |one: &Instance, state: &str| {
        tree! { "instanceId" => &one.machine, "availabilityZone" => &one.zone, "lifecycleState" => state }
    };
    let here = group.machines.iter().filter_map(|key| Some((key, world.ecs.instances.get(key)?)));
    let joined = here
        .filter(|(_, one)| one.is_registered())
        .map(|(key, one)| row(one, if group.leaving.contains_key(key) { "Terminating:Wait" } else { "InService" }));
    tree! {
        "autoScalingGroupName" => &group.name,
        "instanceType" => &group.kind,
        "minSize" => group.min,
        "maxSize" => group.max,
        "desiredCapacity" => group.desired,
        "availabilityZones" => group.zones.clone(),
        "newInstancesProtectedFromScaleIn" => group.protected,
        "instances" => joined.collect::<Vec<_>>(),
        "launching" => i64::try_from(group.launching.len()).unwrap_or(i64::MAX),
    }
    .with_some("capacityProviderReservation", scaling::reservation(world, group))
}

/// The group's name in an ARN, or in a name.
pub fn name_in(reference: &str) -> &str {
    reference.rsplit_once(":autoScalingGroupName/").map_or(reference, |(_, name)| name)
}

/// Managed termination protection needs the group's own (§6.3).
///
/// # Errors
/// `ClientException`.
pub(super) fn check_protection(ecs: &Ecs, provider: &Tree) -> Result<(), Fault> {
    let name = name_in(provider.text("autoScalingGroupArn").unwrap_or_default());
    let asked = provider.text("managedTerminationProtection") == Some("ENABLED");
    if !asked || ecs.groups.get(name).is_none_or(|group| group.protected) {
        return Ok(());
    }
    Err(Fault::client(
        "The managed termination protection setting for the capacity provider is invalid. To enable managed \
         termination protection for a capacity provider, the Auto Scaling group must have instance protection from \
         scale in enabled.",
    ))
}

/// A group is named: it is there from now on.
pub fn named(world: &mut World, reference: &str) {
    let name = name_in(reference);
    if !world.ecs.groups.contains_key(name) {
        let group = Group::new(&world.settings.region, name);
        world.ecs.groups.insert(name.to_owned(), group);
    }
}

/// A page says what a group is like.
///
/// # Errors
/// What is wrong with it.
pub fn set(world: &mut World, name: &str, said: Said) -> Result<Tree, String> {
    let known = world.ecs.groups.get(name).cloned();
    let mut group = known.unwrap_or_else(|| Group::new(&world.settings.region, name));
    if let Some(kind) = said.kind {
        types::find(&kind).ok_or_else(|| format!("The embedded ECS does not know the instance type {kind}."))?;
        group.kind = kind;
    }
    group.min = said.min.unwrap_or(group.min);
    // A size that is said pulls the limits along, unless they are said as well.
    group.max = said.max.unwrap_or_else(|| group.max.max(said.desired.unwrap_or(0)).max(group.min));
    group.desired = said.desired.unwrap_or_else(|| group.desired.clamp(group.min, group.max.max(group.min)));
    if !(group.min <= group.desired && group.desired <= group.max) {
        return Err(format!(
            "Desired capacity must lie between the minimum and the maximum: {} ≤ {} ≤ {} does not hold.",
            group.min, group.desired, group.max
        ));
    }
    group.zones = said.zones.unwrap_or(group.zones);
    group.launch_time = said.launch_time.unwrap_or(group.launch_time);
    group.protected = said.protected.unwrap_or(group.protected);
    world.ecs.groups.insert(name.to_owned(), group);
    resize(world, name);
    if let Some((_, cluster)) = served(world, name) {
        super::changed(world, &cluster);
    }
    Ok(world.ecs.groups.get(name).map(|group| show(world, group)).unwrap_or_default())
}

/// The capacity provider of a group, and the cluster it is associated with.
pub(super) fn served(world: &World, group: &str) -> Option<(Provider, String)> {
    let now = world.now();
    let of = |one: &&Provider| one.is_active(now) && one.group_name() == group;
    let provider = world.ecs.providers.values().find(of)?;
    let cluster = association::cluster_of(&world.ecs, &provider.name)?;
    Some((provider.clone(), cluster.to_owned()))
}

/// A machine that somebody brought joins its provider's group, which is one larger for it.
pub fn attach(world: &mut World, key: &Key) {
    let Some(instance) = world.ecs.instances.get(key) else { return };
    let provider = instance.capacity_provider.as_ref().and_then(|name| world.ecs.providers.get(name));
    let Some(name) = provider.map(|one| one.group_name().to_owned()) else { return };
    let Some(group) = world.ecs.groups.get_mut(&name) else { return };
    group.machines.insert(key.clone());
    group.desired += 1;
    group.max = group.max.max(group.desired);
}

/// Looks after a group: what is gone is replaced, what has drained is terminated.
pub(super) fn tend(world: &mut World, name: &str) {
    let now = world.now();
    let Some(mut group) = world.ecs.groups.remove(name) else { return };
    let there = |key: &Key| world.ecs.instances.get(key).is_some_and(Instance::is_registered);
    group.machines.retain(there);
    group.leaving.retain(|key, _| there(key));
    let empty = |key: &Key| world.ecs.instances.get(key).is_some_and(|one| one.tasks.is_empty());
    let over = group.leaving.iter().filter(|(key, until)| empty(key) || now >= **until).map(|(key, _)| key.clone());
    let over = over.collect::<Vec<_>>();
    world.ecs.groups.insert(name.to_owned(), group);
    for key in over {
        instance::halt(world, &key, End::Terminated);
    }
    resize(world, name);
}

/// Launches and terminates machines, so that there are as many as desired. Without a cluster to join there are none.
pub(super) fn resize(world: &mut World, name: &str) {
    let Some((provider, _)) = served(world, name) else { return };
    let Some(group) = world.ecs.groups.get(name) else { return };
    let staying = group.staying(&world.ecs).count() + group.launching.len();
    let desired = usize::try_from(group.desired).unwrap_or(0);
    for _ in staying..desired {
        launch(world, name);
    }
    for _ in desired..staying {
        let Some(group) = world.ecs.groups.get_mut(name) else { return };
        if group.launching.pop_last().is_some() {
            continue;
        }
        let Some(key) = victim(world, name, &provider) else { break };
        terminate(world, name, &provider, key);
    }
}

/// Machines go where the fewest are; ties in the order of the zones.
fn launch(world: &mut World, name: &str) {
    let Some(group) = world.ecs.groups.get(name) else { return };
    let here = |zone: &String| {
        let launching = group.launching.values().filter(|one| *one == zone).count();
        group.staying(&world.ecs).filter(|one| one.zone == *zone).count() + launching
    };
    let Some(zone) = group.zones.iter().min_by_key(|zone| here(zone)).cloned() else { return };
    let Some(group) = world.ecs.groups.get_mut(name) else { return };
    group.launched += 1;
    let (number, wait) = (group.launched, group.launch_time);
    group.launching.insert(number, zone);
    world.after(wait, Event::Launched { group: name.to_owned(), number });
}

/// A machine has booted, and its agent registers it. One that is not wanted any more never comes.
pub fn launched(world: &mut World, name: &str, number: u64) {
    let Some(group) = world.ecs.groups.get_mut(name) else { return };
    let Some(zone) = group.launching.remove(&number) else { return };
    let Some((provider, cluster)) = served(world, name) else { return };
    let Some(wish) = world.ecs.groups.get(name).map(|group| group.wish(&zone, &provider.name)) else { return };
    // A cluster that is full takes no more: the machine runs, and ECS does not know of it.
    let Ok(key) = instance::add(world, &cluster, wish) else { return };
    let now = world.now();
    if let Some(group) = world.ecs.groups.get_mut(name) {
        group.machines.insert(key);
        group.joined = Some(now);
    }
}

/// Which machine goes next: of the zone with the most, the oldest (the default termination policy, as far as one launch
/// template goes); but before all others one that drains already, or the group would never be done. ECS protects those
/// with tasks where managed termination protection is on (§6.3).
fn victim(world: &World, name: &str, provider: &Provider) -> Option<Key> {
    let group = world.ecs.groups.get(name)?;
    let mut zones: BTreeMap<&str, usize> = BTreeMap::new();
    for one in group.staying(&world.ecs) {
        *zones.entry(&one.zone).or_default() += 1;
    }
    let may = |one: &&Instance| !provider.protects() || is_idle(&world.ecs, one);
    let crowd = |one: &Instance| zones.get(one.zone.as_str()).copied().unwrap_or(0);
    let order = |one: &&Instance| {
        (one.status != Status::Draining, std::cmp::Reverse(crowd(one)), one.registered, one.id.clone())
    };
    group.staying(&world.ecs).filter(may).min_by_key(order).map(Instance::key)
}

/// Whether a machine has no task but those of daemons.
pub(super) fn is_idle(ecs: &Ecs, instance: &Instance) -> bool {
    let of_daemon = |id: &String| {
        let service = ecs.tasks.get(&(instance.cluster.clone(), id.clone())).and_then(|task| task.service.clone());
        let service = service.and_then(|name| ecs.services.get(&(instance.cluster.clone(), name)));
        service.is_some_and(super::super::service::Service::is_daemon)
    };
    instance.tasks.iter().all(of_daemon)
}

/// With managed draining a machine drains first; without it, its tasks go with it.
fn terminate(world: &mut World, name: &str, provider: &Provider, key: Key) {
    let idle = world.ecs.instances.get(&key).is_none_or(|one| one.tasks.is_empty());
    if !provider.is_drained() {
        return instance::halt(world, &key, End::Terminated);
    }
    let until = world.now().after(DRAIN_TIME);
    if let Some(group) = world.ecs.groups.get_mut(name) {
        group.leaving.insert(key.clone(), until);
    }
    if !idle {
        world.after(DRAIN_TIME, Event::Capacity { cluster: key.0.clone() });
    }
    instance::set_status(world, &key, Status::Draining);
    super::changed(world, &key.0);
}
