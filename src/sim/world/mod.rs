//! Time, chance and the agenda: what every simulated service shares.
//!
//! The world is a discrete-event machine: it jumps from one event on its agenda to the next, never ticks, and
//! orders events of one instant by when they were put down. Must not know: protocols.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::shape::{Time, Tree};

use super::ecs::{self, Ecs, Event};
use super::neighbours::ec2::{self, Ec2};

/// Who and where the simulated account is, and what its chance is seeded with.
#[derive(Clone, Debug)]
pub struct Settings {
    pub account: String,
    pub region: String,
    pub seed: u64,
    /// How long a request takes, there and back. Zero: it is answered in the same virtual instant.
    pub latency: Duration,
    /// How long a task on FARGATE_SPOT lives on average until it is interrupted. None: no chance interrupts one.
    pub spot_life: Option<Duration>,
    /// How many vCPUs tasks on FARGATE may have at once, and on FARGATE_SPOT. None: no quota counts.
    pub fargate_vcpus: Option<u32>,
    pub fargate_spot_vcpus: Option<u32>,
    /// A subnet or security group that nobody made is refused. Otherwise one that ECS is told of comes into being.
    pub networks_must_exist: bool,
    /// Throttles ECS's API and Fargate's launches, by the published buckets times this factor. None: nothing is.
    pub throttle: Option<f64>,
    pub pace: Pace,
}

/// How long each task takes, whatever its images and checks are: what a forecast assumes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// From its creation to RUNNING. None: as the embedded ECS has it.
    pub start: Option<Duration>,
    /// From RUNNING until it counts as healthy. None: as its checks say.
    pub healthy: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            account: "123456789012".into(),
            region: "us-east-1".into(),
            seed: 1,
            latency: Duration::ZERO,
            spot_life: None,
            fargate_vcpus: None,
            fargate_spot_vcpus: None,
            networks_must_exist: false,
            throttle: None,
            pace: Pace::default(),
        }
    }
}

/// How many requests the call log keeps. When it is full, the oldest tenth goes.
pub const CALL_LOG_LIMIT: usize = 100_000;

/// Sets the request ids' chance apart from the world's.
const REQUEST_ID_SALT: u64 = 0x7265_7175_6573_7473;

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
    pub ec2: Ec2,
    now: Time,
    /// How far `/_sim/advance` has put the world ahead of its clock.
    ahead: Duration,
    agenda: BTreeMap<(Time, u64), Event>,
    put_down: u64,
    rng: fastrand::Rng,
    /// Request ids have a chance of their own: how often someone looks must not change what happens.
    request_ids: fastrand::Rng,
    calls: Vec<LoggedCall>,
}

impl World {
    pub fn new(settings: Settings, start: Time) -> Self {
        let rng = fastrand::Rng::with_seed(settings.seed);
        let request_ids = fastrand::Rng::with_seed(settings.seed ^ REQUEST_ID_SALT);
        Self {
            ec2: ec2::new(&settings),
            settings,
            ecs: Ecs::default(),
            now: start,
            ahead: Duration::ZERO,
            agenda: BTreeMap::new(),
            put_down: 0,
            rng,
            request_ids,
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

    /// How many events were ever put on the agenda: what a world costs.
    pub fn put_down(&self) -> u64 {
        self.put_down
    }

    /// How many events are still to come.
    pub fn waiting(&self) -> usize {
        self.agenda.len()
    }

    /// Empties the world: no resources, no agenda, no log, and chance begins anew. Time runs on.
    pub fn reset(&mut self) {
        let (now, ahead) = (self.now, self.ahead);
        *self = Self { ahead, ..Self::new(self.settings.clone(), now) };
    }

    /// Writes a call into the log.
    pub fn log(&mut self, call: LoggedCall) {
        if self.calls.len() >= CALL_LOG_LIMIT {
            self.calls.drain(..CALL_LOG_LIMIT / 10);
        }
        self.calls.push(call);
    }

    /// The calls so far, oldest first, as many as the log keeps.
    pub fn calls(&self) -> &[LoggedCall] {
        &self.calls
    }

    /// `arn:aws:ecs:REGION:ACCOUNT:` + `resource`, as docs/ecs.md §1.1 lists them.
    pub fn arn(&self, resource: &str) -> String {
        format!("arn:aws:ecs:{}:{}:{resource}", self.settings.region, self.settings.account)
    }

    /// Who every caller is, whatever credentials it has.
    pub fn caller(&self) -> String {
        format!("arn:aws:iam::{}:user/simulation", self.settings.account)
    }

    /// The next request's id: a UUID.
    pub fn request_id(&mut self) -> String {
        uuid(|len, alphabet| chars(&mut self.request_ids, len, alphabet))
    }

    /// A whole number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.rng.u64(0..bound.max(1))
    }

    /// `len` characters drawn from `alphabet`.
    pub fn chars(&mut self, len: usize, alphabet: &[u8]) -> String {
        chars(&mut self.rng, len, alphabet)
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
        uuid(|len, alphabet| chars(&mut self.rng, len, alphabet))
    }

    /// The same items in an order of chance.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        self.rng.shuffle(items);
    }
}

fn chars(rng: &mut fastrand::Rng, len: usize, alphabet: &[u8]) -> String {
    (0..len).filter_map(|_| rng.choice(alphabet).map(|byte| char::from(*byte))).collect()
}

fn uuid(mut draw: impl FnMut(usize, &[u8]) -> String) -> String {
    let hex = b"0123456789abcdef";
    let (a, b, c, d, e) = (draw(8, hex), draw(4, hex), draw(3, hex), draw(3, hex), draw(12, hex));
    let variant = draw(1, b"89ab");
    format!("{a}-{b}-4{c}-{variant}{d}-{e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new(Settings::default(), Time(1_000))
    }

    fn pass(service: &str) -> Event {
        Event::Pass { cluster: "c".into(), service: service.into() }
    }

    fn call(status: u16) -> LoggedCall {
        let (service, operation) = ("ecs".to_owned(), "ListClusters".to_owned());
        LoggedCall { at: Time(0), service, operation, input: Tree::map(), status }
    }

    #[test]
    fn events_happen_when_they_are_due_and_not_before() {
        let mut world = world();
        world.after(Duration::from_secs(5), pass("late"));
        world.after(Duration::from_secs(2), pass("early"));
        world.advance_to(Time(4_000));
        assert_eq!((world.now(), world.agenda.len()), (Time(4_000), 1));
        world.advance_to(Time(6_000));
        assert_eq!(world.agenda.len(), 0);
    }

    #[test]
    fn events_of_one_instant_keep_the_order_they_were_put_down_in() {
        let mut world = world();
        for name in ["b", "a", "c"] {
            world.after(Duration::from_secs(1), pass(name));
        }
        let order: Vec<&Event> = world.agenda.values().collect();
        assert_eq!(order, [&pass("b"), &pass("a"), &pass("c")]);
    }

    #[test]
    fn time_never_runs_backwards() {
        let mut world = world();
        world.advance_to(Time(9_000));
        world.advance_to(Time(3_000));
        assert_eq!(world.now(), Time(9_000));
    }

    #[test]
    fn skipping_puts_the_world_ahead_for_good() {
        let mut world = world();
        world.after(Duration::from_secs(30), pass("due"));
        world.skip(Duration::from_secs(60));
        assert_eq!((world.now(), world.agenda.len()), (Time(61_000), 0));
        world.advance_to(Time(2_000));
        assert_eq!(world.now(), Time(62_000));
        world.skip(Duration::from_secs(1));
        assert_eq!(world.now(), Time(63_000));
    }

    #[test]
    fn a_reset_keeps_the_time_and_repeats_the_chance() {
        let mut world = world();
        world.skip(Duration::from_secs(60));
        let (id, request) = (world.uuid(), world.request_id());
        world.log(call(200));
        world.reset();
        assert_eq!((world.now(), world.calls().len()), (Time(61_000), 0));
        assert_eq!((world.uuid(), world.request_id()), (id, request));
        world.advance_to(Time(2_000));
        assert_eq!(world.now(), Time(62_000));
    }

    #[test]
    fn looking_does_not_change_what_happens() {
        let (mut one, mut other) = (world(), world());
        other.request_id();
        assert_eq!(one.hex32(), other.hex32());
    }

    #[test]
    fn the_log_drops_the_oldest() {
        let mut world = world();
        world.log(call(400));
        for _ in 0..CALL_LOG_LIMIT {
            world.log(call(200));
        }
        assert!(world.calls().len() <= CALL_LOG_LIMIT);
        assert!(world.calls().iter().all(|call| call.status == 200));
    }

    #[test]
    fn ids_have_their_forms() {
        let mut world = world();
        assert_eq!((world.hex32().len(), world.digits19().len()), (32, 19));
        let uuid = world.uuid();
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(uuid.as_bytes()[14], b'4');
    }
}
