//! Container instances: the machines that EC2 and EXTERNAL tasks run on (ecs-semantics §6.4, §6.6, §9.1).
//! Must not know: which task goes where (`placement/`), protocols.
//!
//! An instance owns a list of the tasks that hold its resources; what remains is computed from them, never kept
//! beside them. While its agent is away, what its tasks do is put by and told when it returns.

mod agent;
mod attributes;
mod operations;
mod register;
mod resources;
mod show;
mod state;
#[cfg(test)]
mod tests;
pub mod types;

use std::collections::{BTreeMap, BTreeSet};

use crate::shape::{Time, Tree};

use super::super::world::World;
use super::coverage::{Entry, full};
use super::task::Step;
use super::{Ecs, Fault};

pub use super::status::Status;
pub use operations::agent_updated;
pub use register::{Wish, add, imagine};
pub use resources::{Claim, Held, Lack, Port, held, lack, remaining as free, set_aside, take};
pub use show::show;
pub use state::{End, connect, halt, puts_by, release, seat, set_status};

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    full("DeleteAttributes", attributes::delete),
    full("DeregisterContainerInstance", operations::deregister),
    full("DescribeContainerInstances", operations::describe),
    full("DiscoverPollEndpoint", agent::discover),
    full("ListAttributes", attributes::list),
    full("ListContainerInstances", operations::list),
    full("PutAttributes", attributes::put),
    full("RegisterContainerInstance", register::register),
    full("UpdateContainerAgent", operations::update_agent),
    full("UpdateContainerInstancesState", operations::update_state),
];

/// What an instance has to give away, as its agent registered it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    pub cpu: i64,
    pub memory: i64,
    /// Ports that the machine keeps for itself.
    pub tcp: BTreeSet<i64>,
    pub udp: BTreeSet<i64>,
    /// The ids of its GPUs.
    pub gpus: BTreeSet<String>,
    /// How many tasks can have a network interface of their own (§9.1).
    pub interfaces: i64,
}

/// A container instance.
#[derive(Clone, Debug)]
pub struct Instance {
    pub id: String,
    pub arn: String,
    /// The cluster's name.
    pub cluster: String,
    /// `i-…`, or `mi-…` of an external one.
    pub machine: String,
    pub status: Status,
    pub connected: bool,
    /// Somebody's own machine: ECS Anywhere.
    pub external: bool,
    pub zone: String,
    pub capacity_provider: Option<String>,
    pub registered: Time,
    pub capacity: Capacity,
    /// By name; an attribute can do without a value.
    pub attributes: BTreeMap<String, Option<String>>,
    /// The custom ones among them, which have a limit of their own.
    pub custom: BTreeSet<String>,
    pub agent: Tree,
    pub agent_update: Option<&'static str>,
    /// Images that were pulled once.
    pub images: BTreeSet<String>,
    /// The ids of the tasks that hold something of it: everything up to STOPPED.
    pub tasks: BTreeSet<String>,
    /// What its tasks would have done while its agent was away.
    put_by: Vec<(String, Step)>,
    pub tags: Vec<Tree>,
    pub version: i64,
    /// When it became INACTIVE.
    retired: Option<Time>,
}

impl Instance {
    /// The key it is kept under.
    pub fn key(&self) -> (String, String) {
        (self.cluster.clone(), self.id.clone())
    }

    /// ACTIVE or DRAINING.
    pub fn is_registered(&self) -> bool {
        self.status != Status::Inactive
    }

    /// Windows has its own range of ephemeral ports.
    pub fn is_windows(&self) -> bool {
        self.attributes.get("ecs.os-type").and_then(Option::as_deref) == Some("windows")
    }
}

/// All instances of a cluster, in the order of their ids.
pub fn in_cluster<'a>(ecs: &'a Ecs, cluster: &'a str) -> impl Iterator<Item = &'a Instance> {
    let from = (cluster.to_owned(), String::new());
    ecs.instances.range(from..).take_while(move |((of, _), _)| of == cluster).map(|(_, one)| one)
}

/// The id in an id or ARN; an ARN of another cluster is refused (§1.1).
///
/// # Errors
/// `InvalidParameterException`.
pub fn id_of(world: &World, cluster: &str, reference: &str) -> Result<String, Fault> {
    let Some((_, path)) = reference.split_once(":container-instance/") else { return Ok(reference.to_owned()) };
    match path.split_once('/') {
        Some((other, id)) if other == cluster && reference == world.arn(&format!("container-instance/{path}")) => {
            Ok(id.to_owned())
        }
        Some((other, _)) if other != cluster => {
            Err(Fault::invalid(format!("Identifier is for cluster {other}. Your cluster is {cluster}")))
        }
        _ => Err(Fault::invalid(format!("Invalid identifier: {reference}"))),
    }
}
