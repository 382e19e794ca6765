//! The loop: what changed, what is due, who works on it, what is shown. The one owner of queue and memory.
//! Must not know: what a pass does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::check::Desired;
use crate::kinds::service::{self, Reference};
use crate::kinds::{Key, Kind};
use crate::plan::{Reason as Why, Verdict, brake};
use crate::shape::Time;
use crate::telemetry::{PassEnded, PassResult, Priority, Reason};

use super::backoff::Schedule;
use super::conditions;
use super::pass::{self, Ended, Memory, Shared};
use super::queue::{Entry, Queue};
use super::status::{ConditionType, SourceStatus, Status, TaskCounts};
use super::sweep;

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

impl Default for Settings {
    fn default() -> Self {
        Self { workers: 10, resync: Duration::from_secs(60), active: Duration::from_secs(5), seed: 1 }
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

/// After this, even what can't work before somebody does something is tried again: somebody may have.
const HOPELESS_AGAIN: Duration = Duration::from_secs(3600);
/// Permissions are mended outside of Git, so sooner.
const FORBIDDEN_AGAIN: Duration = Duration::from_secs(300);

/// How long passes in hand may take to end after a stop.
pub const DRAIN: Duration = Duration::from_secs(25);

/// The loop's state.
pub struct Controller {
    shared: Arc<Shared>,
    settings: Settings,
    until: Until,
    desired: watch::Receiver<Arc<Desired>>,
    source: watch::Receiver<SourceStatus>,
    published: watch::Sender<Arc<Status>>,
    now_desired: Arc<Desired>,
    queue: Queue<Key>,
    memory: BTreeMap<Key, Memory>,
    status: Status,
    last: BTreeMap<Key, Ended>,
    /// Which services build on a cluster or a task definition.
    dependents: BTreeMap<Key, Vec<Key>>,
    wait_for_room: BTreeSet<Key>,
    passes: JoinSet<Passed>,
    in_hand: BTreeMap<tokio::task::Id, (Key, Entry, Time)>,
    /// Keys of the present round that have not been passed yet, and those found drifting in it.
    round: BTreeSet<Key>,
    drifting: BTreeSet<Key>,
    /// The revision at which the brake holds drift back: another one lets it go.
    braked_at: Option<String>,
    next_resync: Time,
    sweeping: Option<JoinHandle<()>>,
    /// A first sweep has ended: until then passes would ask one by one for what it reads at once.
    swept: bool,
    changed: bool,
    next_picture: Time,
}

/// How often the picture is replaced while there is much to do: it is copied whole.
const PICTURE_EVERY: Duration = Duration::from_secs(1);

struct Passed {
    key: Key,
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
        let next_resync = shared.clock.now();
        let status = Status { source: source.borrow().clone(), ..Status::default() };
        Self {
            shared,
            settings,
            until,
            desired,
            source,
            published,
            now_desired: Arc::default(),
            queue: Queue::default(),
            memory: BTreeMap::new(),
            status,
            last: BTreeMap::new(),
            dependents: BTreeMap::new(),
            wait_for_room: BTreeSet::new(),
            passes: JoinSet::new(),
            in_hand: BTreeMap::new(),
            round: BTreeSet::new(),
            drifting: BTreeSet::new(),
            braked_at: None,
            next_resync,
            sweeping: None,
            swept: false,
            changed: true,
            next_picture: next_resync,
        }
    }

    /// Runs until stopped, or until settled; returns how each object's last pass ended.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> BTreeMap<Key, Ended> {
        self.shared.metrics.workers(self.settings.workers);
        tokio::pin!(stop);
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
                Some(passed) = self.passes.join_next_with_id() => self.ended(passed),
                Ok(()) = self.desired.changed() => self.absorb(),
                Ok(()) = self.source.changed() => self.take_source(),
                () = ended(&mut self.sweeping) => self.begin_round(),
                () = async { clock.sleep_until(wake.unwrap_or_default()).await }, if wake.is_some() => {}
            }
        }
        self.drain().await;
        self.next_picture = self.shared.clock.now();
        self.publish();
        self.last
    }

    /// When there is something to do without anybody saying so.
    fn wake(&self) -> Option<Time> {
        let sweep = self.sweeping.is_none().then_some(self.next_resync);
        let pass = self.queue.next_due().filter(|_| self.swept && self.passes.len() < self.settings.workers);
        sweep.into_iter().chain(pass).min()
    }

    /// Ends what is in hand; what takes too long is dropped where it stands.
    async fn drain(&mut self) {
        if let Some(sweeping) = self.sweeping.take() {
            sweeping.abort();
        }
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

    /// Takes the newest desired state over: what changed is due now.
    fn absorb(&mut self) {
        let new = self.desired.borrow_and_update().clone();
        let old = std::mem::replace(&mut self.now_desired, new);
        let new_revision = old.revision != self.now_desired.revision;
        for key in old.objects.keys().filter(|key| !self.now_desired.objects.contains_key(*key)) {
            self.queue.forget(key);
            self.memory.remove(key);
            self.status.objects.remove(key);
            self.last.remove(key);
            self.round.remove(key);
            self.wait_for_room.remove(key);
            self.shared.known().rolling.remove(key);
        }
        let mut due = Vec::new();
        for (key, object) in &self.now_desired.objects {
            let before = old.objects.get(key);
            let same = before.is_some_and(|before| before.fingerprint() == object.fingerprint());
            let status = self.status.objects.entry(key.clone()).or_default();
            if !same {
                status.generation += 1;
                due.push(key.clone());
            }
        }
        // A task definition's change is its services' change.
        self.dependents = dependents(&self.now_desired);
        let built_on = due.iter().filter(|key| key.kind == Kind::TaskDefinition);
        let also: Vec<Key> = built_on.filter_map(|key| self.dependents.get(key)).flatten().cloned().collect();
        for key in due.into_iter().chain(also) {
            let memory = self.memory.entry(key.clone()).or_default();
            memory.failures = 0;
            memory.converged = false;
            memory.fresh_after = self.shared.clock.now();
            self.add(key, Duration::ZERO, Priority::High, Reason::Revision);
        }
        let braked = |ended: &Ended| matches!(ended, Ended::Stands(Verdict::Blocked(Why::MassChange, _)));
        let held: Vec<Key> = self.last.iter().filter(|(_, ended)| braked(ended)).map(|(key, _)| key.clone()).collect();
        if new_revision {
            // Whatever the brake held back, somebody has looked at the directory since.
            for key in held {
                self.memory.entry(key.clone()).or_default().may_drift = true;
                self.add(key, Duration::ZERO, Priority::High, Reason::Revision);
            }
        }
        self.changed = true;
    }

    /// Reads everything anew beside the passes.
    fn sweep_if_due(&mut self) {
        let now = self.shared.clock.now();
        if self.sweeping.is_some() || now < self.next_resync || self.now_desired.revision.is_empty() {
            return;
        }
        self.next_resync = now.after(self.settings.resync);
        let (shared, desired) = (Arc::clone(&self.shared), Arc::clone(&self.now_desired));
        self.sweeping = Some(tokio::spawn(async move { sweep::sweep(&shared, &desired).await }));
    }

    /// After a sweep every object is passed, with nothing to ask for what the sweep saw.
    fn begin_round(&mut self) {
        self.swept = true;
        self.drifting.clear();
        // What failed and waits for its next try waits on: looking at everything is no reason to hurry.
        let waits = |key: &Key| self.queue.waits(key) && self.memory.get(key).is_some_and(|memory| memory.failures > 0);
        self.round = self.now_desired.objects.keys().filter(|key| !waits(key)).cloned().collect();
        for key in self.round.clone() {
            self.add(key, Duration::ZERO, Priority::Low, Reason::Resync);
        }
        if self.round.is_empty() {
            self.status.synced = true;
            self.changed = true;
        }
    }

    fn add(&mut self, key: Key, after: Duration, priority: Priority, reason: Reason) {
        let now = self.shared.clock.now();
        self.shared.metrics.queued(&key, reason);
        self.queue.add(key, Entry { due: now.after(after), priority, reason, since: now });
    }

    fn start_passes(&mut self) {
        while self.swept && self.passes.len() < self.settings.workers {
            let now = self.shared.clock.now();
            let Some((key, entry)) = self.queue.take(now) else { break };
            let Some(object) = self.now_desired.objects.get(&key).cloned() else {
                self.queue.done(&key);
                continue;
            };
            self.shared.metrics.pass_began(&key, entry.priority, now.since(entry.due));
            let mut memory = self.memory.get(&key).cloned().unwrap_or_default();
            let (shared, desired) = (Arc::clone(&self.shared), Arc::clone(&self.now_desired));
            let of = key.clone();
            let handle = self.passes.spawn(async move {
                let ended = pass::pass(&shared, &desired, &object, &mut memory).await;
                Passed { key: of, memory, ended }
            });
            self.in_hand.insert(handle.id(), (key, entry, now));
        }
    }

    fn ended(&mut self, passed: Result<(tokio::task::Id, Passed), tokio::task::JoinError>) {
        let id = match &passed {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some((key, entry, began)) = self.in_hand.remove(&id) else { return };
        self.queue.done(&key);
        let (ended, result) = match passed {
            Ok((_, passed)) => {
                if self.now_desired.objects.contains_key(&passed.key) {
                    self.memory.insert(passed.key.clone(), passed.memory);
                }
                let result = result(&passed.ended);
                (passed.ended, result)
            }
            Err(_) => (panicked(), PassResult::Panic),
        };
        self.tell(&key, entry, began, &ended, result);
        if self.now_desired.objects.contains_key(&key) {
            self.requeue(&key, &ended);
            self.show(&key, &ended);
            self.last.insert(key.clone(), ended);
            if self.waits_for(&key, Why::RolloutLimit) {
                self.wait_for_room.insert(key.clone());
            }
        }
        self.wake_for_room();
        self.round_ended(&key);
    }

    fn tell(&self, key: &Key, entry: Entry, began: Time, ended: &Ended, result: PassResult) {
        let (category, message, changes) = match ended {
            Ended::Failed(failure) => (Some(failure.category), failure.message.as_str(), 0),
            Ended::Applied { changes, .. } => (None, "", *changes),
            Ended::Drifted => (None, "", 0),
            Ended::Stands(verdict) => (None, message(verdict), 0),
        };
        self.shared.metrics.pass_ended(&PassEnded {
            key,
            reason: entry.reason,
            result,
            category,
            message,
            changes,
            revision: &self.now_desired.revision,
            duration: self.shared.clock.now().since(began),
        });
    }

    /// When to look at the key again.
    fn requeue(&mut self, key: &Key, ended: &Ended) {
        let now = self.shared.clock.now();
        let active = self.settings.active;
        let seed = self.settings.seed;
        // The longer it has been at it, the less often it is worth a look.
        let since = self.status.objects.get(key).and_then(|status| status.conditions.get(&ConditionType::Ready));
        let at_it =
            since.filter(|ready| ready.status == Some(false)).map_or(Duration::ZERO, |ready| now.since(ready.since));
        let patience = (at_it / 10).clamp(active, self.settings.resync.max(active));
        let memory = self.memory.entry(key.clone()).or_default();
        let again = match ended {
            Ended::Failed(failure) => {
                memory.failures += 1;
                memory.fresh_after = now;
                let scheduled = Schedule::after(failure.class, seed, memory.failures - 1).filter(|_| failure.retried);
                let hopeless = if failure.category == "AccessDenied" { FORBIDDEN_AGAIN } else { HOPELESS_AGAIN };
                Some((scheduled.unwrap_or(hopeless), Reason::Retry))
            }
            Ended::Applied { .. } if key.kind == Kind::TaskDefinition => Some((Duration::ZERO, Reason::Revision)),
            Ended::Applied { .. } => Some((active, Reason::Rollout)),
            // Woken when that has happened; until then nothing needs to be asked.
            Ended::Stands(Verdict::Waiting(Why::DependencyNotReady | Why::RolloutLimit, _)) => None,
            Ended::Stands(Verdict::Rolling(_) | Verdict::Settling(_) | Verdict::Waiting(..) | Verdict::Due) => {
                memory.fresh_after = now;
                Some((patience, Reason::Rollout))
            }
            Ended::Drifted => {
                self.drifting.insert(key.clone());
                None
            }
            Ended::Stands(Verdict::Converged | Verdict::Blocked(..)) => None,
        };
        if !matches!(ended, Ended::Failed(_)) {
            memory.failures = 0;
        }
        if let Some((wait, reason)) = again {
            self.add(key.clone(), wait, Priority::Normal, reason);
        }
        if let Ended::Stands(Verdict::Converged) = ended {
            self.wake_dependents(key);
        }
    }

    /// What waits for this object is due now, and so is what is just finding out that it would have to wait.
    fn wake_dependents(&mut self, key: &Key) {
        let waits = |of: &&Key| self.waits_for(of, Why::DependencyNotReady) || self.queue.is_in_hand(of);
        let due: Vec<Key> = self.dependents.get(key).into_iter().flatten().filter(waits).cloned().collect();
        for key in due {
            self.add(key, Duration::ZERO, Priority::Normal, Reason::Revision);
        }
    }

    /// As many of those that wait for room as there is room for.
    fn wake_for_room(&mut self) {
        let room = self.shared.rollouts_max.saturating_sub(self.shared.known().rolling.len());
        for _ in 0..room {
            let Some(key) = self.wait_for_room.pop_first() else { return };
            self.add(key, Duration::ZERO, Priority::Normal, Reason::Rollout);
        }
    }

    fn waits_for(&self, key: &Key, why: Why) -> bool {
        matches!(self.last.get(key), Some(Ended::Stands(Verdict::Waiting(reason, _))) if *reason == why)
    }

    /// At the end of a round the brake looks at all that drifted: few may roll, many may not.
    fn round_ended(&mut self, key: &Key) {
        if !self.round.remove(key) || !self.round.is_empty() {
            return;
        }
        if !self.status.synced && !self.last.is_empty() {
            self.status.synced = true;
            self.changed = true;
        }
        let drifting = std::mem::take(&mut self.drifting);
        if drifting.is_empty() {
            return;
        }
        let all = self.now_desired.objects.keys().filter(|key| key.kind == Kind::Service).count();
        let revision = &self.now_desired.revision;
        let acknowledged = self.braked_at.as_ref().is_some_and(|at| at != revision);
        let mass = brake::is_mass_change(drifting.len(), all) && !acknowledged;
        self.braked_at = mass.then(|| revision.clone());
        for key in drifting {
            if mass {
                let message = format!("drift would redeploy many of {all} services at once; commit anything to let it");
                let ended = Ended::Stands(Verdict::Blocked(Why::MassChange, message));
                self.show(&key, &ended);
                self.last.insert(key, ended);
            } else {
                self.memory.entry(key.clone()).or_default().may_drift = true;
                self.add(key, Duration::ZERO, Priority::Normal, Reason::Drift);
            }
        }
    }

    fn show(&mut self, key: &Key, ended: &Ended) {
        let now = self.shared.clock.now();
        let counts = self.shared.known().seen.get(key).and_then(|seen| seen.observed.present().and_then(counts));
        let status = self.status.objects.entry(key.clone()).or_default();
        let before = status.conditions.get(&ConditionType::Ready).map(|ready| ready.reason);
        conditions::update(status, ended, now);
        let holds = |kind: ConditionType| status.conditions.get(&kind).and_then(|one| one.status) == Some(true);
        if let Some(ready) = status.conditions.get(&ConditionType::Ready).filter(|ready| before != Some(ready.reason)) {
            let troubled = holds(ConditionType::Degraded) || holds(ConditionType::Stalled);
            self.shared.metrics.story_changed(key, holds(ConditionType::Ready), troubled, ready.reason, &ready.message);
        }
        status.tasks = if key.kind == Kind::Service { counts } else { None };
        if !matches!(ended, Ended::Failed(_) | Ended::Drifted) {
            status.observed_generation = status.generation;
        }
        self.changed = true;
    }

    /// Shows the newest picture; while passes end one after the other, not after each.
    fn publish(&mut self) {
        let now = self.shared.clock.now();
        if !self.changed || (now < self.next_picture && self.queue.next_due().is_some_and(|due| due <= now)) {
            return;
        }
        if std::mem::take(&mut self.changed) {
            self.next_picture = now.after(PICTURE_EVERY);
            for priority in Priority::ALL {
                self.shared.metrics.queue_depth(*priority, self.queue.depth(*priority));
            }
            self.published.send_replace(Arc::new(self.status.clone()));
        }
    }

    fn is_settled(&self) -> bool {
        let Until::Settled { rolled_out } = self.until else { return false };
        if !self.passes.is_empty() || !self.round.is_empty() || !self.drifting.is_empty() {
            return false;
        }
        let done = |key: &Key| match self.last.get(key) {
            None | Some(Ended::Applied { .. } | Ended::Drifted) => false,
            Some(Ended::Failed(failure)) => !failure.retried,
            Some(Ended::Stands(Verdict::Rolling(_) | Verdict::Settling(_))) => !rolled_out,
            Some(Ended::Stands(Verdict::Waiting(Why::DependencyNotReady, _))) => self.waits_in_vain(key),
            Some(Ended::Stands(Verdict::Waiting(..) | Verdict::Due)) => false,
            Some(Ended::Stands(Verdict::Converged | Verdict::Blocked(..))) => true,
        };
        self.now_desired.objects.keys().all(done)
    }

    /// What it depends on will not come.
    fn waits_in_vain(&self, key: &Key) -> bool {
        let Some(object) = self.now_desired.objects.get(key) else { return true };
        let given_up = |key: &Key| match self.last.get(key) {
            Some(Ended::Failed(failure)) => !failure.retried,
            Some(Ended::Stands(Verdict::Blocked(..))) => true,
            _ => false,
        };
        let task_definition = match service::task_definition(object) {
            Reference::Manifest(key) => given_up(&key),
            Reference::Literal(_) => false,
        };
        let of_cluster = |other: &&crate::kinds::Object| {
            other.key.kind == Kind::Cluster && Some(other.aws_name()) == key.cluster.as_deref()
        };
        let cluster = self.now_desired.objects.values().find(of_cluster);
        task_definition || cluster.is_some_and(|cluster| given_up(&cluster.key))
    }
}

fn dependents(desired: &Desired) -> BTreeMap<Key, Vec<Key>> {
    let mut dependents: BTreeMap<Key, Vec<Key>> = BTreeMap::new();
    let declared = desired.objects.values().filter(|object| object.key.kind == Kind::Cluster);
    let clusters: BTreeMap<&str, &Key> = declared.map(|object| (object.aws_name(), &object.key)).collect();
    for object in desired.objects.values().filter(|object| object.key.kind == Kind::Service) {
        if let Reference::Manifest(key) = service::task_definition(object) {
            dependents.entry(key).or_default().push(object.key.clone());
        }
        if let Some(cluster) = clusters.get(service::cluster(object)) {
            dependents.entry((*cluster).clone()).or_default().push(object.key.clone());
        }
    }
    dependents
}

/// Ends when the sweep does; never, when there is none.
async fn ended(sweeping: &mut Option<JoinHandle<()>>) {
    match sweeping {
        // A sweep that fell over is followed by the next; what it did see is there.
        Some(handle) => drop(handle.await),
        None => std::future::pending().await,
    }
    *sweeping = None;
}

fn counts(shown: &crate::shape::Tree) -> Option<TaskCounts> {
    Some(TaskCounts {
        desired: shown.int("desiredCount")?,
        running: shown.int("runningCount")?,
        pending: shown.int("pendingCount")?,
    })
}

fn panicked() -> Ended {
    Ended::Failed(pass::Failure {
        class: crate::aws::Class::Transient,
        category: "Panic",
        message: "the pass ended by a fault of the program; please report it".into(),
        retried: true,
    })
}

fn result(ended: &Ended) -> PassResult {
    match ended {
        Ended::Failed(failure) if failure.category == "Timeout" => PassResult::Timeout,
        Ended::Failed(failure) if failure.retried => PassResult::Retry,
        Ended::Failed(_) => PassResult::Terminal,
        Ended::Applied { .. } => PassResult::Changed,
        Ended::Stands(Verdict::Converged) => PassResult::Unchanged,
        Ended::Stands(Verdict::Blocked(Why::Suspended, _)) => PassResult::Suspended,
        Ended::Stands(Verdict::Blocked(..)) => PassResult::Blocked,
        Ended::Drifted
        | Ended::Stands(Verdict::Rolling(_) | Verdict::Settling(_) | Verdict::Waiting(..) | Verdict::Due) => {
            PassResult::Waiting
        }
    }
}

fn message(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Converged | Verdict::Due => "",
        Verdict::Rolling(message)
        | Verdict::Settling(message)
        | Verdict::Waiting(_, message)
        | Verdict::Blocked(_, message) => message,
    }
}
