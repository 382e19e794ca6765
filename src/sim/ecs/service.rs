//! Services.

use super::super::world::World;

/// A service.
#[derive(Clone, Debug)]
pub struct Service {}

/// One look of the scheduler at a service.
pub fn pass(_world: &mut World, _cluster: &str, _service: &str) {}

/// The operations answered here.
pub const OPERATIONS: &[(&str, super::Operation)] = &[];
