//! What ECS does, by operation and over time. Must not know: protocols, the operator.

pub mod capacity_provider;
pub mod cluster;
pub mod coverage;
pub mod fault;
pub mod input;
pub mod instance;
pub mod page;
pub mod placement;
pub mod service;
pub mod setting;
pub mod status;
pub mod tag;
pub mod task;
pub mod task_definition;
pub mod throttle;

use std::collections::{BTreeMap, BTreeSet};

use crate::shape::{Tree, table};

use super::neighbours::ec2;
use super::world::World;
use coverage::Entry;
pub use fault::Fault;
pub use task::spread;

/// What one operation answers.
pub type Answer = Result<Tree, Fault>;

/// All ECS resources of the account and region.
#[derive(Debug, Default)]
pub struct Ecs {
    /// By name; INACTIVE ones stay describable.
    pub clusters: BTreeMap<String, cluster::Cluster>,
    /// Of Auto Scaling groups, by name; INACTIVE ones stay describable.
    pub providers: BTreeMap<String, capacity_provider::Provider>,
    /// The Auto Scaling groups that providers name, by name.
    pub groups: BTreeMap<String, capacity_provider::auto_scaling::Group>,
    /// Clusters whose capacity changed, until that is heard of.
    pub stirred: BTreeSet<String>,
    /// What stands behind a cluster's providers of Auto Scaling groups, by the cluster's name.
    pub attachments: BTreeMap<String, capacity_provider::association::Attachments>,
    /// By family.
    pub families: BTreeMap<String, task_definition::Family>,
    /// Account settings, by name and principal.
    pub settings: BTreeMap<(String, String), String>,
    /// ARNs of task definitions that go as soon as nothing uses them.
    pub deleting: BTreeSet<String>,
    /// By (cluster name, service name); INACTIVE ones stay describable for a while.
    pub services: BTreeMap<(String, String), service::Service>,
    /// By (cluster name, task id); STOPPED ones stay for an hour.
    pub tasks: BTreeMap<(String, String), task::Task>,
    /// By (cluster name, instance id); INACTIVE ones stay describable for a while.
    pub instances: BTreeMap<(String, String), instance::Instance>,
    /// EBS volumes that ECS made for tasks, by id: attached ones, and those kept when their tasks stopped.
    pub volumes: BTreeMap<String, task::volumes::Volume>,
    /// What RunTask started, by client token.
    pub run_tokens: BTreeMap<String, task::Remembered>,
    /// What schedulers decided, while `watched`; the oldest go first.
    pub decisions: Vec<service::Decision>,
    /// Whether decisions are recorded.
    pub watched: bool,
    /// How full the API's buckets are, where it is throttled.
    pub levels: throttle::Levels,
    /// What the outside has said: alarms, hooks' answers, pushed images.
    pub outside: service::Outside,
}

/// Something on the agenda.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The scheduler looks at a service.
    Pass { cluster: String, service: String },
    /// A task takes its next step.
    Task { cluster: String, task: String, step: task::Step },
    /// A container agent has updated itself.
    AgentUpdated { cluster: String, instance: String },
    /// A machine of an Auto Scaling group has booted.
    Launched { group: String, number: u64 },
    /// Managed scaling looks at a group.
    Scaling { group: String },
    /// A cluster's groups are seen to, and the tasks that wait for machines.
    Capacity { cluster: String },
    /// A machine of EC2 has started up.
    Machine { id: String },
}

/// Lets one event happen.
pub fn fire(world: &mut World, event: Event) {
    match event {
        Event::Pass { cluster, service } => service::pass(world, &cluster, &service),
        Event::Task { cluster, task, step } => task::step(world, &cluster, &task, step),
        Event::AgentUpdated { cluster, instance } => instance::agent_updated(world, &cluster, &instance),
        Event::Launched { group, number } => capacity_provider::auto_scaling::launched(world, &group, number),
        Event::Scaling { group } => capacity_provider::scaling::look(world, &group),
        Event::Capacity { cluster } => capacity_provider::see_to(world, &cluster),
        Event::Machine { id } => ec2::boot(world, &id),
    }
}

/// An operation's function: it sees its input, already checked against the shape table.
pub type Operation = fn(&mut World, &Tree) -> Answer;

/// One row an operation that the embedded ECS answers, kept in the room that answers it; the others stand in
/// [`coverage`].
const OPERATIONS: &[&[Entry]] = &[
    capacity_provider::OPERATIONS,
    cluster::OPERATIONS,
    instance::OPERATIONS,
    setting::OPERATIONS,
    task_definition::OPERATIONS,
    tag::OPERATIONS,
    service::OPERATIONS,
    task::OPERATIONS,
];

/// Answers one request.
///
/// # Errors
/// What ECS would answer.
pub fn call(world: &mut World, _service: &str, operation: &str, input: &Tree) -> Answer {
    let table = table::ecs();
    if !table.operations.contains_key(operation) {
        return Err(Fault::unknown_operation());
    }
    // What is lacking is said first: no other input would help.
    let entry = OPERATIONS.iter().copied().flatten().find(|entry| entry.name == operation);
    let Some(entry) = entry else { return Err(coverage::refusal(table, operation)) };
    let now = world.now();
    let input = page::unbound(operation, input::checked(operation, input)?, now)?;
    (entry.answer)(world, &input).map(|answer| page::bound(operation, &input, now, answer))
}
