//! The pages that stand for what EC2 does: machines that join a cluster, lose their connection, stop and end.
//! Must not know: how tasks are placed.
//!
//! | page | what it does |
//! |---|---|
//! | `POST /_sim/instances?cluster=C&type=m5.large&count=2` | container instances join a cluster; also `zone=us-east-1a`, `provider=NAME` (their capacity provider), `external=true` (ECS Anywhere) |
//! | `POST /_sim/instances/ID?connected=false` | its agent loses its connection; `connected=true` brings it back |
//! | `POST /_sim/instances/ID?state=terminated` | the machine is gone; `state=stopped` can come back with `connected=true` |
//! | `POST /_sim/groups?name=X&type=m5.large&min=0&max=10&desired=2` | an Auto Scaling group is like that from now on; also `zones=us-east-1a,us-east-1b`, `launch=SECONDS` (until a machine has joined), `protected=false` (no protection from scale-in) |

use std::time::Duration;

use crate::shape::Tree;
use crate::tree;

use super::super::ecs::capacity_provider::auto_scaling::{self, Said};
use super::super::ecs::instance::{self, End, Wish};
use super::super::ecs::service::cluster_of;
use super::super::world::World;

/// Machines of one request.
const MOST: usize = 1_000;
/// Machines of a group, and how long one may take to join.
const MOST_OF_GROUP: i64 = 5_000;
const LONGEST_LAUNCH_SECS: i64 = 3_600;

/// The parameters of a query; none is known twice.
fn read<'a>(query: &'a str, known: &[&str]) -> Result<Vec<(&'a str, &'a str)>, String> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !known.contains(&name) {
            return Err(format!("There is no parameter `{name}`; there are {}.", known.join(", ")));
        }
        if found.iter().any(|(other, _)| *other == name) {
            return Err(format!("`{name}` is there twice."));
        }
        if value.contains(['%', '+']) || value.is_empty() {
            return Err(format!("`{name}` must be plain letters and digits, not `{value}`."));
        }
        found.push((name, value));
    }
    Ok(found)
}

fn one<'a>(pairs: &[(&'a str, &'a str)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(found, _)| *found == name).map(|(_, value)| *value)
}

fn switch(pairs: &[(&str, &str)], name: &str) -> Result<Option<bool>, String> {
    match one(pairs, name) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(other) => Err(format!("`{name}` is true or false, not `{other}`.")),
    }
}

/// Machines join a cluster.
pub fn join(world: &mut World, query: &str) -> Result<Tree, String> {
    let pairs = read(query, &["cluster", "type", "count", "zone", "provider", "external"])?;
    let named = one(&pairs, "cluster").map_or_else(Tree::map, |name| tree! { "cluster" => name });
    let cluster = cluster_of(world, &named).map_err(|fault| fault.message)?;
    let count = match one(&pairs, "count") {
        None => 1,
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|count| (1..=MOST).contains(count))
            .ok_or_else(|| format!("`count` must be a number from 1 to {MOST}, not `{text}`."))?,
    };
    let external = switch(&pairs, "external")? == Some(true);
    let text = |name| one(&pairs, name).map(str::to_owned);
    if external && (text("provider").is_some() || text("zone").is_some()) {
        return Err("An external machine has no zone and no capacity provider.".to_owned());
    }
    let mut keys = Vec::new();
    for _ in 0..count {
        let wish = Wish {
            kind: text("type"),
            zone: text("zone"),
            capacity_provider: text("provider"),
            external,
            ..Wish::default()
        };
        let key = instance::add(world, &cluster, wish).map_err(|fault| fault.message)?;
        auto_scaling::attach(world, &key);
        keys.push(key);
    }
    let shown = keys.iter().filter_map(|key| world.ecs.instances.get(key));
    let shown = shown.map(|one| instance::show(world, one, &["TAGS"])).collect::<Vec<_>>();
    Ok(tree! { "containerInstances" => shown })
}

/// Something happens to one machine, by its container instance's id or ARN, or its own id.
pub fn change(world: &mut World, id: &str, query: &str) -> Result<Tree, String> {
    let pairs = read(query, &["connected", "state"])?;
    let short = id.rsplit('/').next().unwrap_or(id);
    let meant = |one: &&instance::Instance| one.is_registered() && (one.id == short || one.machine == short);
    let found = world.ecs.instances.values().find(meant);
    let key = found.map(instance::Instance::key).ok_or_else(|| format!("There is no instance {id}."))?;
    match (switch(&pairs, "connected")?, one(&pairs, "state")) {
        (Some(connected), None) => instance::connect(world, &key, connected),
        (None, Some("terminated")) => instance::halt(world, &key, End::Terminated),
        (None, Some("stopped")) => instance::halt(world, &key, End::Stopped),
        (None, Some(other)) => return Err(format!("`state` is terminated or stopped, not `{other}`.")),
        _ => return Err("Say either `connected` or `state`.".to_owned()),
    }
    let shown = world.ecs.instances.get(&key).map(|one| instance::show(world, one, &["TAGS"]));
    Ok(Tree::map().with_some("containerInstance", shown))
}

/// A number that a group has.
fn size(pairs: &[(&str, &str)], name: &str, most: i64) -> Result<Option<i64>, String> {
    let Some(text) = one(pairs, name) else { return Ok(None) };
    let number = text.parse::<i64>().ok().filter(|number| (0..=most).contains(number));
    number.map(Some).ok_or_else(|| format!("`{name}` must be a number from 0 to {most}, not `{text}`."))
}

/// What an Auto Scaling group is like.
pub fn group(world: &mut World, query: &str) -> Result<Tree, String> {
    let pairs = read(query, &["name", "type", "min", "max", "desired", "zones", "launch", "protected"])?;
    let name = one(&pairs, "name").ok_or("Say which: `?name=X`.")?;
    let zones = one(&pairs, "zones").map(|zones| zones.split(',').map(str::to_owned).collect::<Vec<_>>());
    let region = &world.settings.region;
    let known = |zone: &String| zone.strip_prefix(region.as_str()).is_some_and(|letter| letter.len() == 1);
    if let Some(zone) = zones.iter().flatten().find(|zone| !known(zone)) {
        return Err(format!("`zones` must be of {region}, such as {region}a, not `{zone}`."));
    }
    let launch = size(&pairs, "launch", LONGEST_LAUNCH_SECS)?.and_then(|secs| u64::try_from(secs).ok());
    let said = Said {
        kind: one(&pairs, "type").map(str::to_owned),
        min: size(&pairs, "min", MOST_OF_GROUP)?,
        max: size(&pairs, "max", MOST_OF_GROUP)?,
        desired: size(&pairs, "desired", MOST_OF_GROUP)?,
        zones,
        launch_time: launch.map(Duration::from_secs),
        protected: switch(&pairs, "protected")?,
    };
    Ok(tree! { "autoScalingGroup" => auto_scaling::set(world, name, said)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Time;
    use crate::sim::ecs::call;
    use crate::sim::world::Settings;

    #[test]
    fn machines_come_and_go() {
        let mut world = World::new(Settings::default(), Time(0));
        assert_eq!(join(&mut world, "").unwrap_err(), "Cluster not found.");
        call(&mut world, "ecs", "CreateCluster", &tree! {}).unwrap();
        let joined = join(&mut world, "type=g4dn.xlarge&count=2&zone=us-east-1b&provider=gpus").unwrap();
        let first = joined.list("containerInstances")[0].clone();
        assert_eq!((first.text("capacityProviderName"), joined.list("containerInstances").len()), (Some("gpus"), 2));
        let id = first.text("ec2InstanceId").unwrap();
        let away = change(&mut world, id, "connected=false").unwrap();
        assert_eq!(away.at(&["containerInstance", "agentConnected"]), Some(&Tree::Bool(false)));
        let gone = change(&mut world, id, "state=terminated").unwrap();
        assert_eq!(gone.at(&["containerInstance", "status"]), Some(&Tree::from("INACTIVE")));
        for query in
            ["count=0", "count=x", "kind=x", "type=t9.mega", "external=maybe", "external=true&zone=a", "zone=%20"]
        {
            assert!(join(&mut world, query).is_err(), "{query}");
        }
        let id = joined.list("containerInstances")[1].text("containerInstanceArn").unwrap().to_owned();
        for query in ["", "connected=1", "state=asleep", "connected=true&state=stopped"] {
            assert!(change(&mut world, &id, query).is_err(), "{query}");
        }
        assert!(change(&mut world, "none", "connected=true").is_err());
    }

    #[test]
    fn a_group_is_as_it_was_said_to_be() {
        let mut world = World::new(Settings::default(), Time(0));
        let shown = group(&mut world, "name=web&type=t3.small&min=1&max=4&zones=us-east-1b,us-east-1c").unwrap();
        let shown = shown.get("autoScalingGroup").unwrap();
        let sizes = ["minSize", "desiredCapacity", "maxSize"].map(|name| shown.int(name).unwrap());
        assert_eq!((sizes, shown.text("instanceType")), ([1, 1, 4], Some("t3.small")));
        let larger = group(&mut world, "name=web&desired=9").unwrap();
        assert_eq!(
            larger.at(&["autoScalingGroup", "maxSize"]).and_then(Tree::as_int),
            Some(9),
            "it pulls the limit along"
        );
        assert_eq!(larger.at(&["autoScalingGroup", "launching"]).and_then(Tree::as_int), Some(0), "no cluster to join");
        for query in
            ["", "name=", "name=web&min=x", "name=web&max=0&desired=1", "name=web&type=t9.mega", "name=web&zones=mars"]
        {
            assert!(group(&mut world, query).is_err(), "{query}");
        }
        assert_eq!(world.ecs.groups["web"].desired, 9, "what was refused has changed nothing");
    }
}
