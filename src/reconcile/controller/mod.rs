//! The loop: what changed, what is due, who works on it, what is shown. The one owner of queues and memory.
//! Must not know: what a pass does.

mod absorb;
mod care;
mod causes;
mod ended;
mod retain;
mod round;
mod settled;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::check::Desired;
use crate::kinds::{Key, Kind};
use crate::shape::Time;
use crate::telemetry::{Priority, Reason};

use super::pass::{self, Ended, Memory, Shared};
use super::queue::{Entry, Queue};
use crate::status::{SourceStatus, Status};
use care::Care;
use causes::Causes;

/// How the loop runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Passes at a time.
    pub workers: usize,
    /// Everything is looked at again after so long.
    pub resync: Duration,
    /// A rollout in progress is looked at after so long.
    pub active: Duration,
    pub seed: u64,
}

/// As many as ECS describes in one call.
pub const WORKERS_DEFAULT: u16 = 10;

impl Default for Settings {
    fn default() -> Self {
        Self {
            workers: WORKERS_DEFAULT.into(),
            resync: Duration::from_secs(60),
            active: Duration::from_secs(5),
            seed: 1,
        }
    }
}

impl Settings {
    /// How long until the next look at what has been going on for so long.
    pub fn patience(&self, spent: Duration) -> Duration {
        (spent / 10).clamp(self.active, self.resync.max(self.active))
    }
}

/// When the loop ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Never: only when it is stopped.
    Stopped,
    /// When nothing is left to write, or, with `rolled_out`, to wait for either.
    Settled { rolled_out: bool },
}

/// How long passes in hand may take to end after a stop.
pub const DRAIN: Duration = Duration::from_secs(25);
/// How often the picture is replaced while there is much to do: it is copied whole.
const PICTURE_EVERY: Duration = Duration::from_secs(1);

/// The loop's state.
pub struct Controller {
    shared: Arc<Shared>,
    settings: Settings,
    until: Until,
    desired: watch::Receiver<Arc<Desired>>,
    source: watch::Receiver<SourceStatus>,
    published: watch::Sender<Arc<Status>>,
    now_desired: Arc<Desired>,
    /// Task definitions have a lane of their own: registration is so scarce that its queue would hold all workers.
    lanes: [Lane; 2],
    passes: JoinSet<Passed>,
    in_hand: BTreeMap<tokio::task::Id, InHand>,
    care: BTreeMap<Key, Box<Care>>,
    /// Which services build on a cluster or a task definition.
    dependents: BTreeMap<Key, Vec<Key>>,
    wait_for_room: BTreeSet<Key>,
    /// Keys of the present round that have not been passed yet, and those found drifting.
    round: BTreeSet<Key>,
    drifting: BTreeSet<Key>,
    /// Drift that was let go, and when: it counts for the brake for a while.
    let_go: BTreeMap<Key, Time>,
    next_resync: Time,
    sweeping: Option<JoinHandle<()>>,
    retaining: Option<JoinHandle<()>>,
    causes: Causes,
    /// A first sweep has ended: until then passes would ask one by one for what it reads at once.
    swept: bool,
    status: Status,
    changed: bool,
    next_picture: Time,
}

/// What was begun ends with the loop, however that ends: a sweep by itself would go on asking AWS.
impl Drop for Controller {
    fn drop(&mut self) {
        for begun in [self.sweeping.take(), self.retaining.take()].into_iter().flatten() {
            begun.abort();
        }
    }
}

/// A queue and those who work on it.
#[derive(Debug)]
struct Lane {
    queue: Queue<Key>,
    workers: usize,
    busy: usize,
}

impl Lane {
    fn new(workers: usize) -> Self {
        Self { queue: Queue::default(), workers, busy: 0 }
    }

    fn next_due(&self) -> Option<Time> {
        self.queue.next_due().filter(|_| self.busy < self.workers)
    }
}

/// A pass that is being made.
struct InHand {
    key: Key,
    entry: Entry,
    began: Time,
    generation: u64,
    desired: Arc<Desired>,
}

struct Passed {
    memory: Memory,
    ended: Ended,
}

impl Controller {
    pub fn new(
        shared: Arc<Shared>,
        settings: Settings,
        until: Until,
        desired: watch::Receiver<Arc<Desired>>,
        source: watch::Receiver<SourceStatus>,
        published: watch::Sender<Arc<Status>>,
    ) -> Self {
        let now = shared.clock.now();
        let status = Status { source: source.borrow().clone(), ..Status::default() };
        let lanes = [Lane::new(settings.workers), Lane::new(settings.workers.div_ceil(2))];
        Self {
            shared,
            settings,
            until,
            desired,
            source,
            published,
            now_desired: Arc::default(),
            lanes,
            passes: JoinSet::new(),
            in_hand: BTreeMap::new(),
            care: BTreeMap::new(),
            dependents: BTreeMap::new(),
            wait_for_room: BTreeSet::new(),
            round: BTreeSet::new(),
            drifting: BTreeSet::new(),
            let_go: BTreeMap::new(),
            next_resync: now,
            sweeping: None,
            retaining: None,
            causes: Causes::default(),
            swept: false,
            status,
            changed: true,
            next_picture: now,
        }
    }

    /// Runs until stopped, or until settled; returns how each object's last pass ended.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> BTreeMap<Key, Ended> {
        self.shared.metrics.workers(self.settings.workers);
        tokio::pin!(stop);
        let mut leadership = self.shared.leadership.clone();
        self.take_standing();
        self.absorb();
        loop {
            self.sweep_if_due();
            self.start_passes();
            self.publish();
            if self.is_settled() {
                break;
            }
            let clock = self.shared.clock.clone();
            let wake = self.wake();
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = leadership.changed() => self.take_standing(),
                Some(passed) = self.passes.join_next_with_id() => self.ended(passed),
                Some(answer) = self.causes.asking.join_next() => self.answered(answer),
                Ok(()) = self.desired.changed() => self.absorb(),
                Ok(()) = self.source.changed() => self.take_source(),
                () = round::swept(&mut self.sweeping) => self.begin_round(),
                () = async { clock.sleep_until(wake.unwrap_or_default()).await }, if wake.is_some() => {}
            }
        }
        self.drain().await;
        self.next_picture = self.shared.clock.now();
        self.publish();
        let all = std::mem::take(&mut self.care);
        all.into_iter().filter_map(|(key, care)| Some((key, care.last?))).collect()
    }

    /// When there is something to do without anybody saying so.
    fn wake(&self) -> Option<Time> {
        let nothing_to_see = self.sweeping.is_some() || self.now_desired.revision.is_empty();
        let sweep = (!nothing_to_see).then_some(self.next_resync);
        let passes = self.lanes.iter().filter_map(Lane::next_due).filter(|_| self.swept);
        passes.chain(sweep).min()
    }

    /// Ends what is in hand; what takes too long is dropped where it stands.
    async fn drain(&mut self) {
        for begun in [self.sweeping.take(), self.retaining.take()].into_iter().flatten() {
            begun.abort();
        }
        self.causes.asking.abort_all();
        let clock = self.shared.clock.clone();
        let drained = clock
            .timeout(DRAIN, async {
                while let Some(passed) = self.passes.join_next_with_id().await {
                    self.ended(passed);
                }
            })
            .await;
        if drained.is_err() {
            self.passes.abort_all();
        }
    }

    fn take_source(&mut self) {
        self.status.source = self.source.borrow_and_update().clone();
        self.changed = true;
    }

    fn lane(&mut self, key: &Key) -> &mut Lane {
        let [main, registering] = &mut self.lanes;
        if key.kind == Kind::TaskDefinition { registering } else { main }
    }

    fn add(&mut self, key: Key, after: Duration, priority: Priority, reason: Reason) {
        let now = self.shared.clock.now();
        self.shared.metrics.queued(&key, reason);
        self.lane(&key).queue.add(key, Entry { due: now.after(after), priority, reason });
    }

    fn care(&mut self, key: &Key) -> &mut Care {
        self.care.entry(key.clone()).or_default()
    }

    /// How a key's last pass ended.
    fn last(&self, key: &Key) -> Option<&Ended> {
        self.care.get(key)?.last.as_ref()
    }

    fn lasts(&self) -> impl Iterator<Item = (&Key, &Ended)> {
        self.care.iter().filter_map(|(key, care)| Some((key, care.last.as_ref()?)))
    }

    fn start_passes(&mut self) {
        let now = self.shared.clock.now();
        for index in 0..self.lanes.len() {
            while let Some(lane) = self.lanes.get_mut(index).filter(|lane| self.swept && lane.busy < lane.workers) {
                let Some((key, entry)) = lane.queue.take(now) else { break };
                self.start(key, entry, now);
            }
        }
    }

    fn start(&mut self, key: Key, entry: Entry, now: Time) {
        let Some(object) = self.now_desired.objects.get(&key).cloned() else {
            self.lane(&key).queue.done(&key);
            return;
        };
        self.shared.metrics.pass_began(&key, entry.priority, now.since(entry.due));
        self.lane(&key).busy += 1;
        let go_alone = self.waits_in_vain(&key);
        let care = self.care(&key);
        let (order, mut memory) = (care.order(now, go_alone), care.memory.clone());
        let generation = self.status.objects.get(&key).map_or(0, |status| status.generation);
        let desired = Arc::clone(&self.now_desired);
        let (shared, of) = (Arc::clone(&self.shared), Arc::clone(&desired));
        let handle = self.passes.spawn(async move {
            let ended = pass::pass(&shared, &of, &object, &order, &mut memory).await;
            Passed { memory, ended }
        });
        self.in_hand.insert(handle.id(), InHand { key, entry, began: now, generation, desired });
    }

    /// Shows the newest picture; while passes end one after the other, not after each.
    fn publish(&mut self) {
        let now = self.shared.clock.now();
        let more = self.lanes.iter().any(|lane| lane.queue.next_due().is_some_and(|due| due <= now));
        if !self.changed || (more && now < self.next_picture) {
            return;
        }
        self.changed = false;
        self.next_picture = now.after(PICTURE_EVERY);
        for priority in Priority::ALL {
            let depth = self.lanes.iter().map(|lane| lane.queue.depth(*priority)).sum();
            self.shared.metrics.queue_depth(*priority, depth);
        }
        self.published.send_replace(Arc::new(self.status.clone()));
    }
}
