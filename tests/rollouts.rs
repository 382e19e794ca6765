//! Rollouts, scales and supersedes by chance, through the operator, with the operator lost at times and calls going
//! wrong at times: every decision of the scheduler keeps the bounds, nothing is registered twice, and when Git ends at a
//! good image it converges.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::time::Duration;

use common::harness::{DAY, HOUR, MINUTE, Rig, Wanted, cluster, task};
use common::lossy::{Faults, Position};

const BEHAVIOURS: &[&[(&str, &str)]] = &[
    &[],
    &[],
    &[("exit-after", "20"), ("exit-code", "1")],
    &[("fail-to-start", "CannotPullContainerError: gone")],
    &[("unhealthy-after", "5")],
    &[("unhealthy-after", "90")],
    &[("slow-start", "200")],
    &[("stop-takes", "100")],
];

/// The percentages of a rollout; some of them leave no room for any step.
const PERCENTS: &[(u32, u32)] =
    &[(100, 200), (0, 100), (50, 150), (50, 200), (100, 150), (66, 133), (90, 110), (100, 125), (75, 101), (0, 300)];

/// One history of a directory, drawn from a seed.
struct History {
    rng: fastrand::Rng,
    images: usize,
    wanted: Wanted,
}

impl History {
    fn new(seed: u64) -> Self {
        Self { rng: fastrand::Rng::with_seed(seed), images: 0, wanted: Wanted::of("web", 2) }
    }

    fn image(&mut self, rig: &mut Rig, behaviour: usize) {
        self.images += 1;
        let image = format!("nginx:{}", self.images);
        rig.write("task.yaml", task("web", &image, BEHAVIOURS[behaviour]));
    }

    fn percents(&mut self) {
        let (minimum, maximum) = PERCENTS[self.rng.usize(0..PERCENTS.len())];
        (self.wanted.minimum, self.wanted.maximum) = (minimum, maximum);
    }

    /// One to three things change in one commit.
    fn change(&mut self, rig: &mut Rig) {
        for _ in 0..self.rng.usize(1..=3) {
            match self.rng.u8(0..8) {
                0..=2 => {
                    let behaviour = self.rng.usize(0..BEHAVIOURS.len());
                    self.image(rig, behaviour);
                }
                3 | 4 => self.wanted.count = self.rng.u32(0..9),
                5 => self.percents(),
                6 => self.wanted.restarted_at = Some(format!("{}", self.rng.u32(0..1000))),
                _ => self.wanted.breaker = self.rng.bool(),
            }
        }
        rig.write("service.yaml", self.wanted.text("web")).commit();
    }

    /// Git ends at a good image, with room to roll.
    fn end(&mut self, rig: &mut Rig) {
        self.image(rig, 0);
        self.wanted = Wanted { count: 3, minimum: 50, maximum: 200, breaker: true, ..self.wanted.clone() };
        rig.write("service.yaml", self.wanted.text("web")).commit();
    }
}

/// Runs a history; returns how many decisions were judged, and how many replies were lost.
async fn live_through(seed: u64, per_mille: u32) -> (usize, usize) {
    let mut rig = Rig::new(seed);
    let mut history = History::new(seed);
    rig.write("cluster.yaml", cluster("prod"));
    history.image(&mut rig, 0);
    rig.write("service.yaml", history.wanted.text("web")).commit();
    let mut ambiguous = 0;
    let mut way = rig.start();
    for step in 0..8 {
        history.change(&mut rig);
        let fault_seed = history.rng.u64(..);
        let faults = Faults { rng: fastrand::Rng::with_seed(fault_seed), per_mille };
        way.way().faults = Some(faults).filter(|_| per_mille > 0);
        if history.rng.u8(0..3) == 0 {
            let position = Position::ALL[history.rng.usize(0..3)];
            let call = way.way().calls.len() + history.rng.usize(0..12);
            way.way().lose_at = Some((call, position));
        }
        let wait = Duration::from_secs(history.rng.u64(1..1200));
        rig.until(wait, |_| way.way().lost).await;
        if way.way().lost {
            // The write whose reply is lost with the operator.
            ambiguous += way.way().ambiguous + 1;
            way = rig.start();
        }
        let broken = rig.sim.world().ecs.decisions.iter().filter(|one| !one.is_lawful()).count();
        assert_eq!(broken, 0, "seed {seed}, step {step}");
    }
    way.way().faults = None;
    way.way().lose_at = None;
    history.end(&mut rig);
    let since = rig.clock.now();
    let done = rig.until(2 * HOUR, |rig| rig.is_ready(since)).await;
    assert!(done, "seed {seed}: {:#?}", rig.stories());
    rig.assert_lawful();
    ambiguous += way.way().ambiguous;
    let twice: usize = rig.registrations().values().map(|times| times - 1).sum();
    assert!(twice <= ambiguous, "seed {seed}: {:?} with {ambiguous} lost replies", rig.registrations());
    let mark = rig.mark();
    rig.run(HOUR / 2).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new(), "seed {seed} is not quiet");
    (rig.sim.world().ecs.decisions.len(), ambiguous)
}

/// How many seeds a test takes; `SEEDS` asks for more.
const SEEDS: u64 = 10;

async fn seeds(first: u64, per_mille: u32) {
    let count = std::env::var("SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(SEEDS);
    let seeds = first..first + count;
    let (mut decisions, mut ambiguous) = (0, 0);
    for seed in seeds.clone() {
        let (judged, lost) = live_through(seed, per_mille).await;
        decisions += judged;
        ambiguous += lost;
    }
    println!("{seeds:?} at {per_mille}/1000: {decisions} decisions, {ambiguous} replies lost");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn every_decision_keeps_the_bounds_and_a_good_end_is_reached() {
    seeds(0, 0).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn so_it_does_when_one_call_in_five_goes_wrong() {
    seeds(100_000, 200).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn answers_that_lag_behind_start_no_second_deployment() {
    for seed in 0..12 {
        let mut rig = Rig::new(seed);
        common::harness::web(&mut rig);
        let way = rig.start();
        way.way().stale = Some((fastrand::Rng::with_seed(seed), Duration::from_secs(20)));
        rig.converge(HOUR).await;
        rig.run(MINUTE).await;
        let restarted_at = (seed % 2 == 0).then(|| "now".to_owned());
        rig.write("service.yaml", Wanted { restarted_at, ..Wanted::of("web", 3) }.text("web"));
        rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
        rig.run(MINUTE).await;
        rig.converge(HOUR).await;
        rig.run(MINUTE).await;
        let writes = rig.operations_since(0);
        rig.service("web", |service| assert_eq!(service.journal.len(), 2, "seed {seed}: {writes:?}"));
        assert_eq!(rig.registrations().values().max(), Some(&1));
        println!("seed {seed}: {writes:?}");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_rollout_without_room_waits_and_is_told() {
    let mut rig = Rig::new(9);
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    let blocked = Wanted { maximum: 125, minimum: 100, ..Wanted::of("web", 3) };
    rig.write("service.yaml", blocked.text("web")).commit();
    rig.start();
    rig.converge(HOUR).await;
    let mark = rig.mark();
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    rig.run(20 * MINUTE).await;
    assert_eq!(rig.reason("prod/Service/web"), "PreflightBlocked");
    assert_eq!(rig.operations_since(mark), ["RegisterTaskDefinition"]);
    // Whoever wants it all the same sees what was foretold.
    let insists = blocked.text("web").replace("reconcile: { ", "reconcile: { preflight: Warn, ");
    rig.write("service.yaml", insists).commit();
    rig.run(20 * MINUTE).await;
    assert_eq!(rig.reason("prod/Service/web"), "RolloutTimedOut");
    let mark = rig.mark();
    rig.run(DAY).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    rig.write("service.yaml", Wanted { maximum: 200, ..blocked }.text("web")).commit();
    rig.converge(HOUR).await;
    assert_eq!(rig.live("web"), "web:2");
    rig.assert_lawful();
}
