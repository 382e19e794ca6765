//! Clusters (ecs-semantics §1.3, §6.1).

use crate::shape::{Time, Tree};

/// A cluster, ACTIVE or INACTIVE.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub name: String,
    pub arn: String,
    pub active: bool,
    pub created_at: Time,
    /// The members that CreateCluster and UpdateCluster set: settings, configuration, strategies, …
    pub body: Tree,
    pub tags: Vec<Tree>,
}

/// The operations answered here.
pub const OPERATIONS: &[(&str, super::Operation)] = &[];
