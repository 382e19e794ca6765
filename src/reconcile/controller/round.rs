//! Rounds: everything is read at once, every object is passed, and the brake looks at all that drifted.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::kinds::{Key, service};
use crate::plan::{Reason as Why, Verdict, brake};
use crate::telemetry::{Priority, Reason};

use super::super::pass::Ended;
use super::super::{prune, sweep};
use super::Controller;

/// Drift that was let go counts for the brake so long: what drifts bit by bit is one mass drift all the same.
const LET_GO_COUNTS: Duration = Duration::from_secs(3600);

impl Controller {
    /// Reads everything anew beside the passes.
    pub(super) fn sweep_if_due(&mut self) {
        let now = self.shared.clock.now();
        if self.sweeping.is_some() || now < self.next_resync || self.now_desired.revision.is_empty() {
            return;
        }
        self.next_resync = now.after(self.settings.resync);
        let (shared, desired) = (Arc::clone(&self.shared), Arc::clone(&self.now_desired));
        self.sweeping = Some(tokio::spawn(async move {
            sweep::sweep(&shared, &desired).await;
            prune::prune(&shared, &desired).await;
        }));
    }

    /// After a sweep every object is passed, with nothing to ask for what the sweep saw.
    pub(super) fn begin_round(&mut self) {
        self.swept = true;
        let mut left = self.shared.known().pruning.left.clone();
        let mut orphans = self.shared.known().orphans.clone();
        // What was declared while the sweep was on its way is no orphan.
        for object in self.now_desired.services() {
            orphans.remove(&format!("{}/{}", service::cluster(object), object.aws_name()));
        }
        for object in self.now_desired.security_groups() {
            left.remove(&object.key.name);
        }
        orphans.extend(left.into_values());
        for orphan in orphans.difference(&self.status.orphans) {
            self.shared.metrics.orphan_found(orphan);
        }
        self.changed |= orphans != self.status.orphans;
        self.status.orphans = orphans;
        // What failed and waits for its next try waits on: looking at everything is no reason to hurry.
        let failed = |key: &Key| self.care.get(key).is_some_and(|care| care.failures > 0);
        let waits = |key: &Key| failed(key) && self.lanes.iter().any(|lane| lane.queue.waits(key));
        self.round = self.now_desired.objects.keys().filter(|key| !waits(key)).cloned().collect();
        for key in self.round.clone() {
            self.add(key, Duration::ZERO, Priority::Low, Reason::Resync);
        }
        if self.round.is_empty() {
            self.status.synced = true;
            self.changed = true;
        }
    }

    /// At the end of a round the brake looks at all that drifted: few may roll, many may not.
    pub(super) fn passed_in_round(&mut self, key: &Key) {
        if !self.round.remove(key) || !self.round.is_empty() {
            return;
        }
        if !self.status.synced && self.lasts().next().is_some() {
            self.status.synced = true;
            self.changed = true;
        }
        self.retain_if_idle();
        let now = self.shared.clock.now();
        self.let_go.retain(|_, at| now.since(*at) < LET_GO_COUNTS);
        let drifting = std::mem::take(&mut self.drifting);
        let drifted = drifting.iter().filter(|key| !self.let_go.contains_key(key)).count() + self.let_go.len();
        let all = self.now_desired.services().count();
        let mass = brake::is_mass_change(drifted, all);
        for key in drifting {
            if mass {
                let message =
                    format!("drift would redeploy or replace {drifted} of {all} services; commit anything to let it");
                let ended = Ended::Stands(Verdict::Blocked(Why::MassChange, message));
                let generation = self.status.objects.get(&key).map_or(0, |status| status.generation);
                self.show(&key, &ended, generation);
                self.care(&key).last = Some(ended);
            } else {
                self.care(&key).let_drift(now);
                self.let_go.insert(key.clone(), now);
                self.add(key, Duration::ZERO, Priority::Normal, Reason::Drift);
            }
        }
    }
}

/// Ends when the sweep does; never, when there is none.
pub(super) async fn swept(sweeping: &mut Option<JoinHandle<()>>) {
    match sweeping {
        // A sweep that fell over is followed by the next; what it did see is there.
        Some(handle) => drop(handle.await),
        None => std::future::pending().await,
    }
    *sweeping = None;
}
