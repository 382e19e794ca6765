//! The pages that stand for what EC2 does: machines that join a cluster, lose their connection, stop and end.
//! Must not know: how tasks are placed.
//!
//! | page | what it does |
//! |---|---|
//! | `POST /_sim/instances?cluster=C&type=m5.large&count=2` | container instances join a cluster; also `zone=us-east-1a`, `provider=NAME` (their capacity provider), `external=true` (ECS Anywhere) |
//! | `POST /_sim/instances/ID?connected=false` | its agent loses its connection; `connected=true` brings it back |
//! | `POST /_sim/instances/ID?state=terminated` | the machine is gone; `state=stopped` can come back with `connected=true` |

use crate::shape::Tree;
use crate::tree;

use super::super::ecs::instance::{self, End, Wish};
use super::super::ecs::service::cluster_of;
use super::super::world::World;

/// Machines of one request.
const MOST: usize = 1_000;

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
        keys.push(instance::add(world, &cluster, wish).map_err(|fault| fault.message)?);
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
}
