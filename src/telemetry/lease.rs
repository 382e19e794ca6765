//! What is told of the election. Must not know: how it is held.

use tracing::{debug, info, warn};

use super::metrics::Metrics;

/// Who leads.
impl Metrics {
    /// This replica is the only one, and writes.
    pub fn leads_alone(&self) {
        self.leader.set(1);
    }

    /// This replica leads from now on.
    pub fn lease_won(&self, lease: &str, identity: &str) {
        info!(target: "ecs_operator::lease", lease, identity, "this replica leads");
        self.leader.set(1);
        self.lease_transitions.inc();
    }

    /// It leads no more.
    pub fn lease_lost(&self, lease: &str, identity: &str, why: &str) {
        warn!(target: "ecs_operator::lease", lease, identity, why, "this replica leads no more and writes nothing");
        self.leader.set(0);
    }

    /// Another leads, or nobody that is known.
    pub fn leader_seen(&self, lease: &str, leader: Option<&str>) {
        info!(target: "ecs_operator::lease", lease, leader = leader.unwrap_or("nobody"), "this replica is a standby");
    }

    /// The API server did not do what was asked of it; `again` when that was told already.
    pub fn lease_failed(&self, lease: &str, leading: bool, again: bool, error: &str, remedy: &str) {
        if again {
            debug!(target: "ecs_operator::lease", lease, leading, error, remedy, "the lease can't be had");
        } else {
            warn!(target: "ecs_operator::lease", lease, leading, error, remedy, "the lease can't be had; tried again");
        }
        self.lease_failures.inc();
    }

    /// The lease was given back: another replica need not wait for it to run out.
    pub fn lease_released(&self, lease: &str) {
        info!(target: "ecs_operator::lease", lease, "the lease is given back");
    }
}
