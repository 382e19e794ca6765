//! What ECS does, by operation and over time. Must not know: protocols, the operator.

pub mod capacity_provider;
pub mod cluster;
pub mod fault;
pub mod input;
pub mod instance;
pub mod page;
pub mod service;
pub mod setting;
pub mod tag;
pub mod task;
pub mod task_definition;

use std::collections::{BTreeMap, BTreeSet};

use crate::shape::Tree;

use super::world::World;
pub use fault::Fault;

/// What one operation answers.
pub type Answer = Result<Tree, Fault>;

/// All ECS resources of the account and region.
#[derive(Debug, Default)]
pub struct Ecs {
    /// By name; INACTIVE ones stay describable.
    pub clusters: BTreeMap<String, cluster::Cluster>,
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
    /// How many addresses each subnet has given out.
    pub addresses: BTreeMap<String, u32>,
    /// What schedulers decided, while `watched`; the oldest go first.
    pub decisions: Vec<service::Decision>,
    /// Whether decisions are recorded.
    pub watched: bool,
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
}

/// Lets one event happen.
pub fn fire(world: &mut World, event: Event) {
    match event {
        Event::Pass { cluster, service } => service::pass(world, &cluster, &service),
        Event::Task { cluster, task, step } => task::step(world, &cluster, &task, step),
    }
}

/// An operation's function: it sees its input, already checked against the shape table.
pub type Operation = fn(&mut World, &Tree) -> Answer;

/// One row an operation that the embedded ECS answers, kept in the room that answers it.
const OPERATIONS: &[&[(&str, Operation)]] = &[
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
    let input = input::checked(operation, input)?;
    match OPERATIONS.iter().copied().flatten().find(|(name, _)| *name == operation) {
        Some((_, answer)) => answer(world, &input),
        None => Err(Fault::unsupported(operation)),
    }
}
