//! How an act is played: its headline, what is followed on the way, what it had to come to, and what it cost.
//! Must not know: which acts there are.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::app::Trouble;
use crate::cli::ink::{Ink, paint};
use crate::cli::{draw, ink};
use crate::rollout::{RolloutStatus, Timeline};
use crate::shape::Time;

use super::screen::Screen;
use super::stage::{Stage, Tally};

/// What can be played otherwise than usual.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    pub seed: u64,
    /// The bad image really is bad. Without, the second act has to fail: that is how it is known that acts can.
    pub crash: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self { seed: 1, crash: true }
    }
}

/// One act, as it went.
#[derive(Clone, Debug)]
pub struct Act {
    pub number: usize,
    pub passed: bool,
    /// The operator's calls, from the log.
    pub tally: Tally,
    /// Those without which it cannot be done.
    pub least: Tally,
}

/// The stage, what is told of it, and the acts so far.
pub struct Play {
    pub stage: Stage,
    pub screen: Screen,
    pub script: Script,
    pub acts: Vec<Act>,
    /// What was followed, by act.
    pub timelines: BTreeMap<usize, Timeline>,
    /// Where in the call log the present act began, when, and whether it went well so far.
    mark: usize,
    began: Time,
    good: bool,
}

/// How often the rollout is looked at while it is followed.
const STEP: Duration = Duration::from_secs(1);
/// How often, while nothing is to happen.
const STRIDE: Duration = Duration::from_secs(60);
/// While nothing happens, so much goes by as fast as one step of a rollout.
const STRIDES_A_STEP: u32 = 30;

impl Play {
    pub fn new(stage: Stage, screen: Screen, script: Script) -> Self {
        let began = stage.clock.now();
        Self { stage, screen, script, acts: Vec::new(), timelines: BTreeMap::new(), mark: 0, began, good: true }
    }

    /// The headline of the next act, and what must come of it.
    pub fn begin(&mut self, title: &str, must: &str) {
        self.mark = self.stage.mark();
        self.began = self.stage.clock.now();
        self.good = true;
        let number = self.acts.len();
        let title = if number == 0 { title.to_owned() } else { format!("{number}. {title}") };
        self.screen.say("");
        for line in ink::wrap(&title, self.screen.terminal.width) {
            let line = paint(&self.screen.terminal, Ink::Bold, &line);
            self.screen.say(line);
        }
        self.screen.say_wrapped("   ", 3, must);
        self.screen.linger(Duration::from_secs(20));
    }

    /// Something the act had to come to.
    pub fn check(&mut self, holds: bool, words: &str) {
        self.good &= holds;
        self.screen.check(holds, words);
    }

    /// The end of the act: its calls against the least that would do.
    pub fn end(&mut self, writes: usize, registrations: usize) {
        let tally = self.stage.tally_since(self.mark);
        let least = Tally { reads: self.least_reads(), writes, registrations };
        let passed = self.good && tally.writes == writes && tally.registrations == registrations;
        let terminal = self.screen.terminal;
        let (word, ink) = if passed { ("PASS", Ink::Good) } else { ("FAIL", Ink::Bad) };
        let took = ink::span(self.stage.clock.now().since(self.began));
        let sign = format!("    {}  ", paint(&terminal, ink, word));
        self.screen.say_wrapped(&sign, 10, &format!("{}, {took} simulated", counts(&tally, &least)));
        self.acts.push(Act { number: self.acts.len(), passed, tally, least });
        self.screen.linger(Duration::from_secs(60));
    }

    /// One look a minute at everything: clusters, the list of services, the services.
    fn least_reads(&self) -> usize {
        const A_LOOK: u64 = 3;
        let rounds = self.stage.clock.now().since(self.began).as_secs() / 60;
        usize::try_from(rounds * A_LOOK).unwrap_or(usize::MAX)
    }

    /// Since the act began.
    pub fn mark(&self) -> usize {
        self.mark
    }

    /// Follows the service second by second until it is so, telling each change of its tasks; whether it came to be.
    pub async fn follow(&mut self, most: Duration, so: impl Fn(&Stage) -> bool) -> bool {
        let began = self.stage.clock.now();
        let mut told = String::new();
        loop {
            let passed = self.stage.clock.now().since(began);
            self.tell(passed, &mut told);
            if so(&self.stage) {
                self.mark_bounds();
                return true;
            }
            if passed >= most {
                return false;
            }
            self.screen.linger(STEP);
            self.stage.sleep(STEP).await;
        }
    }

    fn tell(&mut self, passed: Duration, told: &mut String) {
        let Some(rollout) = self.stage.look() else { return };
        let (healthy, total) = self.stage.tasks();
        let healthy: Vec<(&str, i64)> = healthy.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        let timeline = self.timelines.entry(self.acts.len()).or_default();
        timeline.take(Time::default().after(passed), &healthy, total, rollout.bounds);
        timeline.over = !rollout.is_rolling();
        let Some(bar) = draw::Bar::of(&self.screen.terminal, &rollout) else { return };
        let now = format!("{}  {}", bar.cells, words(&rollout));
        if now != *told {
            self.screen.say(format!("    {:>7}  {now}", ink::span(passed)));
            *told = now;
        }
        if let Some((key, status)) = self.stage.service() {
            let status = crate::status::ObjectStatus { rollout: Some(Box::new(rollout)), ..status };
            let frame = draw::service(&self.screen.terminal, &key, &status);
            self.screen.frame(&frame);
        }
    }

    fn mark_bounds(&mut self) {
        let bar = self.stage.look().and_then(|rollout| draw::Bar::of(&self.screen.terminal, &rollout));
        if let Some(bar) = bar {
            self.screen.say(bar.marks);
        }
    }

    /// Lets time pass until it is so, minute by minute; whether it came to be.
    pub async fn pass(&mut self, most: Duration, so: impl Fn(&Stage) -> bool) -> bool {
        let began = self.stage.clock.now();
        while !so(&self.stage) {
            let passed = self.stage.clock.now().since(began);
            if passed >= most {
                return false;
            }
            let line = format!("    {:>7} of {}", ink::span(passed), ink::span(most));
            self.screen.frame(&[line]);
            self.screen.linger(STEP / STRIDES_A_STEP);
            self.stage.sleep(STRIDE).await;
        }
        true
    }

    /// Waits until the operator has brought a commit about; whether it did.
    pub async fn converge(&mut self, commit: &str) -> bool {
        let since = self.stage.clock.now();
        self.follow(ROLLOUT_MOST, |stage| stage.is_ready(commit, since)).await
    }

    /// The simulated time since the curtain went up.
    pub fn simulated(&self) -> Duration {
        self.stage.clock.now().since(self.stage.began)
    }

    /// Publishes the shipped manifests, edited, and says so.
    pub fn commit(&mut self, words: &str, edit: impl Fn(&str) -> String) -> Result<String, Trouble> {
        let sha = self.stage.publish(edit)?;
        self.committed(&sha, words);
        Ok(sha)
    }

    pub fn committed(&mut self, sha: &str, words: &str) {
        let short: String = sha.chars().take(7).collect();
        self.screen.say_wrapped("    ", 4, &format!("git-sync publishes {short}: {words}"));
    }
}

/// `8 old, 2 new, 2 starting`.
fn words(rollout: &RolloutStatus) -> String {
    let wanted = rollout.primary().map_or(0, |one| one.running);
    let other = rollout.running - wanted;
    let back = rollout.deployments.iter().any(|one| one.state == "FAILED");
    let mut parts = match (rollout.deployments.len(), back) {
        (0 | 1, _) => vec![format!("{wanted} running")],
        (_, true) => vec![format!("rollback: {wanted}")],
        (_, false) => vec![format!("{other} old"), format!("{wanted} new")],
    };
    if rollout.pending > 0 {
        parts.push(format!("{} starting", rollout.pending));
    }
    parts.join(", ")
}

/// No rollout takes longer.
const ROLLOUT_MOST: Duration = Duration::from_secs(1800);

/// `33 reads (least 12), 3 writes (least 3), 1 registration (least 1)`.
pub fn counts(tally: &Tally, least: &Tally) -> String {
    let one =
        |count: usize, least: usize, what: &str| format!("{} (least {least})", crate::cli::print::counted(count, what));
    [
        one(tally.reads, least.reads, "read"),
        one(tally.writes, least.writes, "write"),
        one(tally.registrations, least.registrations, "registration"),
    ]
    .join(", ")
}
