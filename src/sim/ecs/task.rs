//! Tasks.

use super::super::world::World;

/// A task.
#[derive(Clone, Debug)]
pub struct Task {}

/// What a task does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {}

/// Lets a task take a step.
pub fn step(_world: &mut World, _cluster: &str, _task: &str, _step: Step) {}

/// The operations answered here.
pub const OPERATIONS: &[(&str, super::Operation)] = &[];
