//! Time, chance and the agenda: what every simulated service shares.
//!
//! The world is a discrete-event machine: it jumps from one event on its agenda to the next, never ticks, and
//! orders events of one instant by when they were put down. Must not know: protocols.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::shape::{Time, Tree};

use super::ecs::{self, Ecs, Event};

/// Who and where the simulated account is, and what its chance is seeded with.
#[derive(Clone, Debug)]
pub struct Settings {
    pub account: String,
    pub region: String,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { account: "123456789012".into(), region: "us-east-1".into(), seed: 1 }
    }
}

/// One request as the call log keeps it. Equal logs are what "reproducible" means.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedCall {
    pub at: Time,
    pub service: String,
    pub operation: String,
    pub input: Tree,
    pub status: u16,
}

/// Everything there is in one account and region.
#[derive(Debug)]
pub struct World {
    pub settings: Settings,
    pub ecs: Ecs,
    now: Time,
    /// How far `/_sim/advance` has put the world ahead of its clock.
    ahead: Duration,
    agenda: BTreeMap<(Time, u64), Event>,
    put_down: u64,
    rng: fastrand::Rng,
    calls: Vec<LoggedCall>,
}

impl World {
    pub fn new(settings: Settings, start: Time) -> Self {
        let rng = fastrand::Rng::with_seed(settings.seed);
        Self {
            settings,
            ecs: Ecs::default(),
            now: start,
            ahead: Duration::ZERO,
            agenda: BTreeMap::new(),
            put_down: 0,
            rng,
            calls: Vec::new(),
        }
    }

    /// The present: the instant of the event in hand, or of the call.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Lets everything happen that is due by `clock`. Time never runs backwards.
    pub fn advance_to(&mut self, clock: Time) {
        let until = clock.after(self.ahead);
        while let Some(next) = self.agenda.first_entry().filter(|next| next.key().0 <= until) {
            let ((at, _), event) = next.remove_entry();
            self.now = self.now.max(at);
            ecs::fire(self, event);
        }
        self.now = self.now.max(until);
    }

    /// Puts the world ahead of its clock, for good.
    pub fn skip(&mut self, span: Duration) {
        let clock = Time(self.now.0.saturating_sub(Time(0).after(self.ahead).0));
        self.ahead += span;
        self.advance_to(clock);
    }

    /// Puts an event on the agenda, `span` from now.
    pub fn after(&mut self, span: Duration, event: Event) {
        self.put_down += 1;
        self.agenda.insert((self.now.after(span), self.put_down), event);
    }

    /// Writes a call into the log.
    pub fn log(&mut self, call: LoggedCall) {
        self.calls.push(call);
    }

    /// All calls so far, oldest first.
    pub fn calls(&self) -> &[LoggedCall] {
        &self.calls
    }

    /// `arn:aws:ecs:REGION:ACCOUNT:` + `resource`, as ecs-semantics §1.1 lists them.
    pub fn arn(&self, resource: &str) -> String {
        format!("arn:aws:ecs:{}:{}:{resource}", self.settings.region, self.settings.account)
    }

    /// A whole number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.rng.u64(0..bound.max(1))
    }

    /// `len` characters drawn from `alphabet`.
    pub fn chars(&mut self, len: usize, alphabet: &[u8]) -> String {
        (0..len).filter_map(|_| self.rng.choice(alphabet).map(|byte| char::from(*byte))).collect()
    }

    /// 32 hex digits: a task's id.
    pub fn hex32(&mut self) -> String {
        self.chars(32, b"0123456789abcdef")
    }

    /// 19 digits, the first not zero: ids of deployments and service revisions.
    pub fn digits19(&mut self) -> String {
        self.chars(1, b"123456789") + &self.chars(18, b"0123456789")
    }

    /// A random UUID (version 4): ids of events, attachments, containers.
    pub fn uuid(&mut self) -> String {
        let hex = |world: &mut Self, len| world.chars(len, b"0123456789abcdef");
        let (a, b, c, d, e) = (hex(self, 8), hex(self, 4), hex(self, 3), hex(self, 3), hex(self, 12));
        let variant = self.chars(1, b"89ab");
        format!("{a}-{b}-4{c}-{variant}{d}-{e}")
    }
}
