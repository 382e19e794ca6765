//! A rollout within its bounds, as a picture. Must not know: who wants it.

use std::collections::BTreeMap;

use crate::rollout::Bounds;

/// How a service stood at one second of an act.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub act: usize,
    /// Seconds since it was followed.
    pub at: u64,
    /// Healthy tasks by revision.
    pub healthy: BTreeMap<String, i64>,
    /// All tasks that take up room below the upper bound.
    pub total: i64,
    pub bounds: Bounds,
}

impl Sample {
    /// Enough healthy tasks, and not too many in all.
    pub fn is_inside(&self) -> bool {
        self.healthy.values().sum::<i64>() >= self.bounds.lower && self.total <= self.bounds.upper
    }
}

/// The picture; empty samples make an empty one.
pub fn picture(_samples: &[Sample]) -> String {
    String::new()
}
