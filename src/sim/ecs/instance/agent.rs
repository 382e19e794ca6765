//! What a container agent asks besides registering (ecs-semantics §6.4). Must not know: tasks, of which it reports in
//! `task/report`.

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::service::cluster_of;
use super::super::{Answer, Fault};
use super::id_of;

/// Where an agent polls; names as AWS gives them, though nothing listens there.
pub(super) fn discover(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input).map_err(|fault| Fault::client(fault.message))?;
    if let Some(reference) = input.text("containerInstance") {
        let id = id_of(world, &cluster, reference)?;
        if !world.ecs.instances.contains_key(&(cluster, id)) {
            return Err(Fault::client("The referenced container instance was not found."));
        }
    }
    let region = &world.settings.region;
    Ok(tree! {
        "endpoint" => format!("https://ecs-a-1.{region}.amazonaws.com/"),
        "telemetryEndpoint" => format!("https://ecs-t-1.{region}.amazonaws.com/"),
        "serviceConnectEndpoint" => format!("https://ecs-sc.{region}.api.aws"),
    })
}
