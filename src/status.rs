//! What is known about every object: conditions, generations, counts. The one picture that people and Prometheus
//! see, replaced as a whole. Must not know: HTTP, Prometheus.
//!
//! Its JSON is what `/api/v1/status` answers; docs/status.md describes it, and members are only ever added.

mod conditions;
mod history;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::kinds::Key;
use crate::rollout::{RolloutStatus, Timeline};
use crate::shape::Time;

pub use conditions::{Condition, ConditionType, Conditions};
pub use history::{DETAIL_CHARS, HAPPENINGS_MAX, Happening, History, What};

/// Services whose newest rollout is kept as a timeline; of more, those that ended first go.
pub const TIMELINES_MAX: usize = 256;
/// Drifting members that are named of one object.
pub const DRIFT_MAX: usize = 20;

/// Task counts as ECS reports them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskCounts {
    pub desired: i64,
    pub running: i64,
    pub pending: i64,
}

/// Why the tasks of a rollout stopped that fails, or has failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TasksStopped {
    /// `family:revision` of the tasks.
    pub task_definition: String,
    /// What most of them say, and how many. Without secrets.
    pub why: String,
}

/// What is known about one object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStatus {
    /// Grows when the object's desired spec changes.
    pub generation: u64,
    /// The generation that was last acted on.
    pub observed_generation: u64,
    pub conditions: Conditions,
    /// Services only.
    pub tasks: Option<TaskCounts>,
    /// Services only: deployments, bounds and the newest event.
    pub rollout: Option<Box<RolloutStatus>>,
    pub last_reconcile: Option<Time>,
    pub suspended: bool,
    /// Members that differ from Git, which did not ask for it: names, never values. At most [`DRIFT_MAX`].
    #[serde(default)]
    pub drift: Vec<String>,
    /// What became of it since this operator began.
    #[serde(default)]
    pub history: History,
    /// Services only: the rollout in progress, or the last one, as far as it is remembered.
    #[serde(default)]
    pub timeline: Option<Arc<Timeline>>,
    /// Services only: told while the object's reason tells of that rollout, and as long as ECS remembers its tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks_stopped: Option<Box<TasksStopped>>,
}

/// What is known about the directory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    /// Revision of the snapshot in force; empty before the first.
    pub revision: String,
    /// When a read of the directory last succeeded, changed or not.
    pub last_success: Option<Time>,
    /// When the revision in force was taken over.
    pub revision_since: Option<Time>,
    /// Documents in force.
    pub accepted: usize,
    /// Documents with problems; their last good state is in force.
    pub rejected: usize,
    /// Documents of other accounts and regions.
    pub skipped: usize,
    /// The problems, as people read them: `file:line:column: what`.
    pub problems: Vec<String>,
}

/// What this replica is, where an election is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeaseStatus {
    /// It leads; otherwise it is a standby, which writes nothing.
    pub leads: bool,
    /// Who leads, as far as that is known.
    pub leader: Option<String>,
    /// Since when it is what it is.
    pub since: Time,
}

/// The whole picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub source: SourceStatus,
    /// Shared with earlier pictures, as far as they are the same.
    pub objects: BTreeMap<Key, Arc<ObjectStatus>>,
    /// Services of ours that no manifest declares any more, as `cluster/name`; nothing deletes them.
    pub orphans: BTreeSet<String>,
    /// A first pass over every object has ended.
    pub synced: bool,
    /// Only where an election is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseStatus>,
}

impl Status {
    /// What is known of an object, to be changed; earlier pictures keep what they have.
    pub fn object_mut(&mut self, key: &Key) -> &mut ObjectStatus {
        Arc::make_mut(self.objects.entry(key.clone()).or_default())
    }
}
