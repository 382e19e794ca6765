//! The election against a simulated API server, in virtual time: two never write at a time, a successor comes in time.
//!
//! `SEEDS=10000 cargo test --release --test election` runs all of them; a failure names its seed, and `SEED=7` runs it.
#![cfg(feature = "kubernetes")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::api_server::{ApiServer, Way};
use ecs_operator::clock::Clock;
use ecs_operator::lease::kubernetes::Leases;
use ecs_operator::lease::{Elector, Event, Leadership, Settings, Standing};
use ecs_operator::shape::Time;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const START: Time = Time(1_790_000_000_000);
const SECOND: Duration = Duration::from_secs(1);
/// 15 s after the record was last seen to change, and a poll before that.
const TAKE_OVER: Duration = Duration::from_millis(17_400);
/// One poll: 2 s and jitter, and its two requests.
const HAND_OVER: Duration = Duration::from_millis(2_400);

/// What is seen of all candidates from outside, in true time.
struct Witness {
    clock: Clock,
    /// Clocks run so much alike that even the ends of writes may not overlap.
    strict: bool,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Candidates that are writing now.
    writing: BTreeMap<String, usize>,
    leaders: BTreeMap<String, Leadership>,
    writes: usize,
    won: Vec<(Time, String)>,
    faults: Vec<String>,
}

impl Witness {
    fn fault(&self, what: String) {
        let at = self.clock.now().since(START);
        self.seen.lock().unwrap().faults.push(format!("{at:?}: {what}"));
    }

    /// A write begins: nobody else may begin one now, and nobody else is at one.
    fn enter(&self, name: &str) {
        let mut seen = self.seen.lock().unwrap();
        let others = |other: &String| *other != name;
        let may: Vec<_> = seen.leaders.iter().filter(|(other, one)| others(other) && one.claim().is_ok()).collect();
        let mut wrong: Vec<String> = may.iter().map(|(other, _)| format!("{name} writes, and {other} may")).collect();
        let at_it = seen.writing.iter().filter(|(other, count)| self.strict && others(other) && **count > 0);
        wrong.extend(at_it.map(|(other, _)| format!("{name} writes, and {other} is at it")));
        *seen.writing.entry(name.to_owned()).or_default() += 1;
        seen.writes += 1;
        drop(seen);
        wrong.into_iter().for_each(|what| self.fault(what));
    }

    fn leave(&self, name: &str) {
        *self.seen.lock().unwrap().writing.get_mut(name).unwrap() -= 1;
    }

    fn won(&self, name: &str) {
        let mut seen = self.seen.lock().unwrap();
        let at_it = seen.writing.iter().any(|(other, count)| other != name && *count > 0);
        let now = self.clock.now();
        seen.won.push((now, name.to_owned()));
        drop(seen);
        if at_it && self.strict {
            self.fault(format!("{name} leads, and another's write is under way"));
        }
    }

    fn leaders(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.leaders.iter().filter(|(_, one)| one.claim().is_ok()).map(|(name, _)| name.clone()).collect()
    }

    /// The first to win after then.
    fn won_after(&self, then: Time) -> Option<(Time, String)> {
        self.seen.lock().unwrap().won.iter().find(|(at, _)| *at >= then).cloned()
    }
}

/// One replica: an elector, and one that writes whenever it may.
struct Candidate {
    name: String,
    way: Way,
    witness: Arc<Witness>,
    stop: watch::Sender<bool>,
    electing: JoinHandle<()>,
    working: JoinHandle<()>,
}

impl Candidate {
    fn start(server: &ApiServer, witness: &Arc<Witness>, name: &str, clock: Clock, way: Way, seed: u64) -> Self {
        let (standing, leadership) = Leadership::elected();
        let leases = Leases::new(server.client(&way), clock.clone(), "ecs", "ecs-operator").unwrap();
        witness.seen.lock().unwrap().leaders.insert(name.to_owned(), leadership.clone());
        let (told, who) = (Arc::clone(witness), name.to_owned());
        let settings = Settings { identity: name.to_owned(), seed };
        let elector = Elector::new(leases, clock.clone(), settings, standing, move |event| {
            if event == Event::Won {
                told.won(&who);
            }
        });
        let (stop, stopped) = watch::channel(false);
        let electing = tokio::spawn(elector.run(asked(stopped)));
        let working = tokio::spawn(work(leadership, clock.clone(), Arc::clone(witness), name.to_owned(), seed));
        Self { name: name.to_owned(), way, witness: Arc::clone(witness), stop, electing, working }
    }

    /// Without a word, as a process ends that is killed.
    fn crash(self) {
        self.electing.abort();
        self.working.abort();
        let mut seen = self.witness.seen.lock().unwrap();
        seen.leaders.remove(&self.name);
        seen.writing.remove(&self.name);
    }

    /// As a process ends that is asked to.
    async fn end(self) {
        self.stop.send_replace(true);
        self.electing.await.unwrap();
        self.working.abort();
        let mut seen = self.witness.seen.lock().unwrap();
        seen.leaders.remove(&self.name);
        seen.writing.remove(&self.name);
    }
}

async fn asked(mut stopped: watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await);
}

/// Writes whenever it may, each as long as it may take at most.
async fn work(leadership: Leadership, clock: Clock, witness: Arc<Witness>, name: String, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    loop {
        clock.sleep(Duration::from_millis(rng.u64(50..1500))).await;
        let Ok(claim) = leadership.claim() else { continue };
        // What is looked at before a write takes time, in which the claim may be lost.
        clock.sleep(Duration::from_millis(rng.u64(0..3000))).await;
        let Some((within, writing)) = claim.enter() else { continue };
        witness.enter(&name);
        let most = u64::try_from(within.as_millis()).unwrap().min(9_000);
        clock.sleep(Duration::from_millis(rng.u64(0..=most))).await;
        witness.leave(&name);
        drop(writing);
    }
}

/// A runtime of its own for each seed: nothing is left over.
fn virtually<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

struct World {
    rng: fastrand::Rng,
    clock: Clock,
    server: ApiServer,
    witness: Arc<Witness>,
    candidates: Vec<Candidate>,
    born: usize,
    /// How differently clocks may run.
    skew: f64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let clock = Clock::simulated(START, 1.0);
        // Half of the worlds have clocks as real ones are, half such as client-go can just bear.
        let strict = rng.bool();
        let witness = Arc::new(Witness { clock: clock.clone(), strict, seen: Mutex::default() });
        let server = ApiServer::new(&clock);
        let skew = if strict { 0.03 } else { 0.19 };
        Self { rng, clock, server, witness, candidates: Vec::new(), born: 0, skew }
    }

    /// A candidate whose clock is wrong by up to ten minutes, and goes wrong.
    fn add(&mut self, per_mille: u32) {
        self.born += 1;
        let name = format!("replica-{}", self.born);
        let wrong = self.rng.i64(-600_000..600_000);
        let rate = 1.0 + self.skew * (2.0 * self.rng.f64() - 1.0);
        let clock = Clock::simulated(Time(self.clock.now().0 + wrong), rate);
        let way = Way::new(self.rng.u64(..));
        way.weather().per_mille = per_mille;
        way.weather().latency = Duration::from_millis(self.rng.u64(1..20));
        let seed = self.rng.u64(..);
        self.candidates.push(Candidate::start(&self.server, &self.witness, &name, clock, way, seed));
    }

    fn any(&mut self) -> usize {
        self.rng.usize(0..self.candidates.len())
    }

    /// Something goes wrong.
    async fn disturb(&mut self) {
        let at = self.any();
        match self.rng.u32(0..12) {
            0 => self.candidates.swap_remove(at).crash(),
            1 => self.candidates.swap_remove(at).end().await,
            2..4 => {
                let cut = self.rng.bool();
                self.candidates[at].way.weather().cut = cut;
            }
            4 => self.candidates[at].way.weather().per_mille = self.rng.u32(0..900),
            5 => self.candidates[at].way.weather().latency = Duration::from_millis(self.rng.u64(1..6_000)),
            6 => self.server.delete(),
            7 => self.server.edit(nonsense(&mut self.rng, &self.candidates[at].name)),
            8 => {
                let away = self.rng.bool();
                self.server.state().away = away;
            }
            // A process that is stopped for a while, clock and all, is one whose timers are late: nothing turns.
            _ => {}
        }
        while self.candidates.len() < 3 {
            let per_mille = self.rng.u32(0..300);
            self.add(per_mille);
        }
    }

    /// All is well from now on.
    fn calm(&mut self) {
        self.server.state().away = false;
        for candidate in &self.candidates {
            let mut weather = candidate.way.weather();
            (weather.cut, weather.per_mille, weather.latency) = (false, 0, Duration::from_millis(10));
        }
    }
}

/// What a hand may leave in a Lease.
fn nonsense(rng: &mut fastrand::Rng, name: &str) -> serde_json::Value {
    let specs = [
        json!({ "holderIdentity": name, "leaseDurationSeconds": 15, "leaseTransitions": 1 }),
        json!({ "holderIdentity": "somebody-else", "leaseDurationSeconds": i32::MAX, "leaseTransitions": i32::MAX }),
        json!({ "holderIdentity": "", "leaseDurationSeconds": 15 }),
        json!({ "holderIdentity": "x".repeat(5_000), "renewTime": "9999-12-31T23:59:59.000000Z" }),
        json!({}),
        json!(null),
        json!("text"),
        json!({ "holderIdentity": 7, "leaseDurationSeconds": -1, "leaseTransitions": -5 }),
    ];
    rng.choice(&specs).unwrap().clone()
}

async fn storm(seed: u64) -> (usize, usize) {
    let mut world = World::new(seed);
    for _ in 0..3 {
        let per_mille = world.rng.u32(0..200);
        world.add(per_mille);
    }
    for _ in 0..60 {
        let span = Duration::from_millis(world.rng.u64(100..12_000));
        world.clock.sleep(span).await;
        world.disturb().await;
    }
    world.calm();
    // Requests that are late by forty seconds, a believed nonsense of a minute, and one lease.
    world.clock.sleep(Duration::from_secs(180)).await;
    let leaders = world.witness.leaders();
    assert_eq!(leaders.len(), 1, "seed {seed}: {leaders:?} lead when all is well again");
    assert_eq!(world.server.holder().as_ref(), leaders.first(), "seed {seed}");
    let seen = world.witness.seen.lock().unwrap();
    assert!(seen.faults.is_empty(), "seed {seed}: {:#?}", seen.faults);
    (seen.writes, seen.won.len())
}

fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("SEED") {
        Some(seed) => vec![seed],
        None => (0..number("SEEDS").unwrap_or(100)).collect(),
    }
}

#[test]
fn two_never_write_at_a_time() {
    let (mut writes, mut won) = (0, 0);
    let seeds = seeds();
    for seed in &seeds {
        let (more, wins) = virtually(storm(*seed));
        writes += more;
        won += wins;
    }
    println!("{} seeds: {writes} writes by {won} leaders", seeds.len());
    assert!(writes > 20 * seeds.len() && won > 2 * seeds.len(), "{writes} writes by {won} leaders: a storm stops all");
}

/// A calm world with one leader of three; some time after it won.
async fn settled(seed: u64) -> (World, usize) {
    let mut world = World::new(seed);
    world.skew = 0.0;
    for _ in 0..3 {
        world.add(0);
    }
    let span = Duration::from_millis(world.rng.u64(25_000..60_000));
    world.clock.sleep(span).await;
    let leaders = world.witness.leaders();
    assert_eq!(leaders.len(), 1, "seed {seed}: {leaders:?}");
    let at = world.candidates.iter().position(|one| one.name == leaders[0]).unwrap();
    (world, at)
}

#[test]
fn after_a_crash_another_leads_within_17_4_seconds() {
    let mut longest = Duration::ZERO;
    for seed in seeds() {
        let took = virtually(async {
            let (mut world, leader) = settled(seed).await;
            let then = world.clock.now();
            world.candidates.swap_remove(leader).crash();
            world.clock.sleep(TAKE_OVER * 2).await;
            assert_eq!(world.witness.leaders().len(), 1, "seed {seed}");
            world.witness.won_after(then).unwrap().0.since(then)
        });
        assert!(took <= TAKE_OVER, "seed {seed}: {took:?}");
        longest = longest.max(took);
    }
    println!("longest: {longest:?}");
    assert!(longest > 15 * SECOND, "nobody waited for the lease to run out");
}

#[test]
fn after_a_clean_stop_another_leads_within_one_poll() {
    for seed in seeds() {
        virtually(async {
            let (mut world, leader) = settled(seed).await;
            world.candidates.swap_remove(leader).end().await;
            let then = world.clock.now();
            assert_eq!(world.server.holder().as_deref(), Some(""), "seed {seed}: it was not given back");
            world.clock.sleep(HAND_OVER).await;
            let (at, _) = world.witness.won_after(Time(then.0 - 100)).expect("nobody leads");
            assert!(at.since(then) <= HAND_OVER, "seed {seed}");
            let seen = world.witness.seen.lock().unwrap();
            assert!(seen.faults.is_empty(), "seed {seed}: {:#?}", seen.faults);
        });
    }
}

#[test]
fn an_api_server_away_for_an_hour_stops_all_writes_and_one_begins_again() {
    virtually(async {
        let (mut world, _) = settled(3).await;
        world.server.state().away = true;
        world.clock.sleep(20 * SECOND).await;
        let writes = || world.witness.seen.lock().unwrap().writes;
        let before = writes();
        world.clock.sleep(3600 * SECOND).await;
        assert!(world.witness.leaders().is_empty());
        assert_eq!(writes(), before, "written without a lease");
        let _ = writes;
        world.server.state().away = false;
        let back = world.clock.now();
        world.clock.sleep(10 * SECOND).await;
        assert_eq!(world.witness.leaders().len(), 1, "nobody took up a lease that ran out an hour ago");
        assert!(world.witness.won_after(back).is_some());
        world.calm();
        assert!(world.witness.seen.lock().unwrap().faults.is_empty());
    });
}

#[test]
fn a_lease_that_is_deleted_is_made_again_by_its_leader_alone() {
    for seed in seeds().into_iter().take(50) {
        virtually(async {
            let (world, leader) = settled(seed).await;
            let name = world.candidates[leader].name.clone();
            let won = world.witness.seen.lock().unwrap().won.len();
            world.server.delete();
            world.clock.sleep(60 * SECOND).await;
            assert_eq!(world.server.holder(), Some(name), "seed {seed}");
            assert_eq!(world.witness.seen.lock().unwrap().won.len(), won, "seed {seed}: another led meanwhile");
        });
    }
}

#[test]
fn a_leader_that_is_cut_off_stops_before_another_begins() {
    for seed in seeds().into_iter().take(50) {
        virtually(async {
            let (world, leader) = settled(seed).await;
            let cut = world.clock.now();
            world.candidates[leader].way.weather().cut = true;
            world.clock.sleep(11 * SECOND).await;
            assert!(world.witness.leaders().is_empty(), "seed {seed}: it writes on after its renew deadline");
            world.clock.sleep(10 * SECOND).await;
            let (_, next) = world.witness.won_after(cut).unwrap();
            assert_ne!(next, world.candidates[leader].name);
            // It comes back as a standby, and says who leads.
            world.candidates[leader].way.weather().cut = false;
            world.clock.sleep(5 * SECOND).await;
            let seen = world.witness.seen.lock().unwrap();
            let standing = seen.leaders[&world.candidates[leader].name].standing();
            let Standing::Standby { leader } = &standing else { panic!("seed {seed}: {standing:?}") };
            assert_eq!(leader.as_deref(), Some(next.as_str()));
            assert!(seen.faults.is_empty(), "seed {seed}: {:#?}", seen.faults);
        });
    }
}

#[test]
fn one_seed_is_one_history() {
    let history = |seed| {
        virtually(async {
            let mut world = World::new(seed);
            for _ in 0..3 {
                world.add(100);
            }
            for _ in 0..20 {
                world.clock.sleep(5 * SECOND).await;
                world.disturb().await;
            }
            let seen = world.witness.seen.lock().unwrap();
            (seen.won.clone(), seen.writes)
        })
    };
    assert_eq!(history(5), history(5));
    assert_ne!(history(5), history(6));
}

/// The check itself: with a clock that runs twice as fast as the leader's, two would write.
#[test]
fn a_clock_beyond_all_bounds_is_found() {
    let found = (0..20).any(|seed| {
        virtually(async {
            let mut world = World::new(seed);
            world.skew = 0.0;
            world.add(0);
            world.clock.sleep(20 * SECOND).await;
            let clock = Clock::simulated(START, 4.0);
            let (server, witness) = (world.server.clone(), Arc::clone(&world.witness));
            world.candidates.push(Candidate::start(&server, &witness, "hasty", clock, Way::new(seed), seed));
            world.clock.sleep(5 * SECOND).await;
            world.candidates[0].way.weather().cut = true;
            world.clock.sleep(30 * SECOND).await;
            !world.witness.seen.lock().unwrap().faults.is_empty()
        })
    });
    assert!(found, "the witness sees nothing");
}
