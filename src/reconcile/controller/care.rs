//! What the loop keeps of each key.

use std::time::Duration;

use crate::shape::Time;

use super::super::heals::Heals;
use super::super::pass::{Ended, Failure, Memory, Order};
use super::Settings;

/// After this, even what can't work before somebody does something is tried again: somebody may have.
const HOPELESS_AGAIN: Duration = Duration::from_secs(3600);
/// Permissions are mended outside of Git, so sooner.
const FORBIDDEN_AGAIN: Duration = Duration::from_secs(300);

/// One key's.
#[derive(Clone, Debug, Default)]
pub struct Care {
    /// What passes keep for themselves.
    pub memory: Memory,
    /// How the last pass ended.
    pub last: Option<Ended>,
    /// Failures in a row.
    pub failures: u32,
    /// Observations begun before this are not news.
    pub fresh_after: Time,
    /// The round has been looked at as a whole, and this drift may be healed.
    pub may_drift: bool,
    /// A write that was refused for good, and until when it is not asked for again.
    refused: Option<Box<(Failure, Time)>>,
    /// Since when it is at what it is at: the longer, the less often it is worth a look.
    at_it_since: Option<Time>,
}

impl Care {
    /// It was declared, or declared otherwise, just now.
    pub fn declared(&mut self, now: Time) {
        let mut memory = std::mem::take(&mut self.memory);
        memory.converged = false;
        memory.drift.clear();
        memory.in_place = None;
        memory.heals = Heals::default();
        *self = Self { memory, last: self.last.take(), fresh_after: now, ..Self::default() };
    }

    /// What the next pass is told.
    pub fn order(&self, now: Time, go_alone: bool) -> Order {
        let resting = self.refused.as_deref().filter(|(_, until)| now < *until);
        Order {
            fresh_after: self.fresh_after,
            may_drift: self.may_drift,
            go_alone,
            resting: resting.map(|(failure, _)| failure.clone()),
        }
    }

    /// A write was refused, and would be again.
    pub fn refuse(&mut self, failure: &Failure, now: Time) {
        let again = if failure.category == "AccessDenied" { FORBIDDEN_AGAIN } else { HOPELESS_AGAIN };
        self.refused = Some(Box::new((failure.clone(), now.after(again))));
    }

    /// Drift may be healed, as a new look finds it: somebody may have deployed since.
    pub fn let_drift(&mut self, now: Time) {
        self.may_drift = true;
        self.fresh_after = now;
    }

    /// It is as it should be: what was refused before has been mended.
    pub fn converged(&mut self) {
        self.refused = None;
    }

    /// Something was done, or is over: what follows is looked at closely.
    pub fn anew(&mut self) {
        self.at_it_since = None;
    }

    /// How long until the next look.
    pub fn patience(&mut self, now: Time, settings: &Settings) -> Duration {
        settings.patience(now.since(*self.at_it_since.get_or_insert(now)))
    }
}
