//! From the watched directory to desired state, revision by revision.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::check::Desired;
use crate::cli::args;
use crate::clock::Clock;
use crate::kinds::{Place, tags::Ownership};
use crate::manifest::Settings;
use crate::source::{SETTINGS_FILE, Snapshot, SourceCounts, State, Watching};
use crate::status::{SourceStatus, Status};
use crate::telemetry::{LoadResult, Metrics, SourceEvent, SourceLoaded};

use super::Trouble;
use super::desired::{ownership, reading};

/// How many problems a status repeats.
const PROBLEMS_SHOWN: usize = 20;

/// Reads what the watch sees and hands it on; keeps what was good of what is broken now.
pub struct Feed {
    flags: args::Place,
    place: Place,
    clock: Clock,
    metrics: Arc<Metrics>,
    watching: Watching,
    states: watch::Receiver<State>,
    poll: Duration,
    counted: SourceCounts,
    /// The last that could be read: while the file is broken, they hold.
    settings: Option<Settings>,
    /// Whose objects these are, since the start.
    us: Option<Ownership>,
    desired: watch::Sender<Arc<Desired>>,
    source: watch::Sender<SourceStatus>,
    shown: SourceStatus,
    /// What is wrong with the snapshot that was read last, once there was one.
    problems: Option<Vec<String>>,
}

impl Feed {
    pub fn new(
        flags: args::Place,
        poll: Duration,
        place: Place,
        clock: Clock,
        metrics: Arc<Metrics>,
        watching: Watching,
    ) -> Self {
        Self {
            states: watching.subscribe(),
            flags,
            place,
            clock,
            metrics,
            watching,
            poll,
            counted: SourceCounts::default(),
            settings: None,
            us: None,
            desired: watch::channel(Arc::default()).0,
            source: watch::channel(SourceStatus::default()).0,
            shown: SourceStatus::default(),
            problems: None,
        }
    }

    /// What has been read so far, and what will be: the first of it is news to whoever follows.
    pub fn subscribe(&self) -> (watch::Receiver<Arc<Desired>>, watch::Receiver<SourceStatus>) {
        let (mut desired, mut source) = (self.desired.subscribe(), self.source.subscribe());
        desired.mark_changed();
        source.mark_changed();
        (desired, source)
    }

    /// Waits for the first read whose settings are good, and says whose objects these are.
    ///
    /// # Errors
    /// Nobody owns them.
    pub async fn begin(&mut self, published: &watch::Sender<Arc<Status>>) -> Result<Ownership, Trouble> {
        loop {
            let state = self.states.borrow_and_update().clone();
            self.take(&state);
            let source = self.shown.clone();
            published.send_modify(|status| Arc::make_mut(status).source = source);
            if self.settings.is_some() {
                let us = self.owner()?;
                self.us = Some(us.clone());
                return Ok(us);
            }
            if self.states.changed().await.is_err() {
                return Err(Trouble::Input("the directory is no longer watched".into()));
            }
        }
    }

    fn owner(&self) -> Result<Ownership, Trouble> {
        ownership(&self.flags, self.settings.as_ref(), self.flags.cloud.sim.then_some("sim"))
    }

    /// The settings name another owner than they did. Objects do not change hands in passing.
    fn other_owner(&self) -> Option<String> {
        let us = self.us.as_ref()?;
        let now = match self.owner() {
            Ok(now) if now == *us => return None,
            Ok(now) => now.to_string(),
            Err(_) => "nobody".to_owned(),
        };
        Some(format!("{SETTINGS_FILE}: the owner is now {now}; acting for {us} until a restart"))
    }

    /// Follows the directory until dropped.
    pub async fn run(mut self) {
        loop {
            let clock = self.clock.clone();
            let poll = self.poll;
            tokio::select! {
                biased;
                changed = self.states.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let state = self.states.borrow_and_update().clone();
                    self.take(&state);
                }
                () = clock.sleep(poll) => {}
            }
            self.count();
        }
    }

    /// Takes over what was read, or why it was not.
    fn take(&mut self, state: &State) {
        match (&state.error, &state.snapshot) {
            (Some(error), _) => {
                self.shown.problems = vec![error.to_string()];
                self.tell(LoadResult::Unreadable, &error.to_string(), state.took);
            }
            (None, Some(snapshot)) => {
                self.read(snapshot, state.took);
                self.watching.let_go(snapshot);
            }
            // What was read before holds again, with what was wrong with it.
            (None, None) => {
                if let Some(problems) = self.problems.take() {
                    self.judged(problems, state.took);
                }
            }
        }
        self.source.send_replace(self.shown.clone());
    }

    fn read(&mut self, snapshot: &Snapshot, took: Duration) {
        let now = self.clock.now();
        let previous = self.desired.borrow().clone();
        let mut read = reading(snapshot, &self.flags, &self.place);
        self.settings = read.settings.take().or(self.settings.take());
        read.settings = self.settings.clone();
        if read.settings.is_none() {
            // Whose objects these are, and in which clusters, was never known: then there are none.
            self.judged(read.findings.iter().take(PROBLEMS_SHOWN).map(ToString::to_string).collect(), took);
            return;
        }
        let desired = crate::check::desired(&read, &self.place, &snapshot.revision, Some(&previous));
        let mut problems: Vec<String> = desired.findings.iter().take(PROBLEMS_SHOWN).map(ToString::to_string).collect();
        problems.extend(self.other_owner());
        if snapshot.files.is_empty() {
            problems.push("the directory holds no manifest".to_owned());
        }
        if self.shown.revision != desired.revision {
            self.shown.revision_since = Some(now);
        }
        self.shown = SourceStatus {
            revision: desired.revision.clone(),
            last_success: Some(now),
            accepted: desired.objects.len() - desired.kept.len(),
            skipped: desired.skipped,
            rejected: desired.rejected,
            ..self.shown.clone()
        };
        self.judged(problems, took);
        self.desired.send_replace(Arc::new(desired));
    }

    /// Shows what is wrong with what was read last.
    fn judged(&mut self, problems: Vec<String>, took: Duration) {
        let result = if problems.is_empty() { LoadResult::Loaded } else { LoadResult::Invalid };
        self.tell(result, &problems.join("; "), took);
        self.shown.problems.clone_from(&problems);
        self.problems = Some(problems);
    }

    fn tell(&self, result: LoadResult, message: &str, duration: Duration) {
        let SourceStatus { revision, accepted, rejected, .. } = &self.shown;
        self.metrics.source_loaded(&SourceLoaded {
            result,
            revision,
            accepted: *accepted,
            rejected: *rejected,
            duration,
            message,
        });
    }

    /// Brings the counters of the watch into the metrics, and the age of the last good look up to date.
    fn count(&mut self) {
        let now = self.watching.counts();
        let before = std::mem::replace(&mut self.counted, now);
        for _ in before.events_inotify..now.events_inotify {
            self.metrics.source_event(SourceEvent::Inotify);
        }
        for _ in before.events_poll..now.events_poll {
            self.metrics.source_event(SourceEvent::Poll);
        }
        for _ in before.loads_unchanged..now.loads_unchanged {
            self.tell(LoadResult::Unchanged, "", Duration::ZERO);
        }
        let good = |counts: SourceCounts| counts.loads_loaded + counts.loads_unchanged;
        if good(now) > good(before) {
            self.shown.last_success = Some(self.clock.now());
            self.source.send_replace(self.shown.clone());
        }
    }
}
