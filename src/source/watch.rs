//! Looks at the directory again whenever there is a hint, and at least every few seconds.
//!
//! Must not know: what a file event means. inotify loses its object at every flip, is silent on network volumes, and
//! overflows; so an event is a reason to look, never news in itself, and polling alone is enough.
#![allow(clippy::disallowed_methods, reason = "real files change in real time, however fast the operator's clock runs")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::pin::{self, Layout};
use super::read::{self, Mark};
use super::{Snapshot, SourceError, limits};

/// How to watch.
#[derive(Clone, Debug)]
pub struct Options {
    /// How often to look without a hint.
    pub poll: Duration,
    /// Whether to ask the kernel for hints; polling goes on either way.
    pub inotify: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { poll: limits::POLL, inotify: true }
    }
}

/// What is known about the directory. Before the first look both are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The newest good read, until [`Watching::let_go`]; it stays while newer ones fail.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Why the newest look failed. While there is an error, absence from `snapshot` is no reason to delete.
    pub error: Option<SourceError>,
    /// How long the look that brought this took.
    pub took: Duration,
}

/// What happened so far, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    pub events_inotify: u64,
    pub events_poll: u64,
    pub loads_loaded: u64,
    pub loads_unchanged: u64,
    pub loads_unreadable: u64,
    /// Whether the kernel gives hints at present; false when switched off or refused (instance limits).
    pub inotify_armed: bool,
}

#[derive(Debug, Default)]
struct Counters {
    inotify: AtomicU64,
    poll: AtomicU64,
    loaded: AtomicU64,
    unchanged: AtomicU64,
    unreadable: AtomicU64,
    armed: AtomicBool,
}

/// A watched directory; watching ends when this is dropped.
#[derive(Debug)]
pub struct Watching {
    states: Sender<State>,
    counters: Arc<Counters>,
    task: JoinHandle<()>,
}

/// Starts to watch; must be called inside a tokio runtime. Files are read on the runtime's blocking threads.
pub fn watch(root: impl Into<PathBuf>, options: Options) -> Watching {
    let states = channel(State::default()).0;
    let hints = Arc::new(Notify::new());
    let counters = Arc::new(Counters::default());
    let eye = Eye {
        root: root.into(),
        inotify: options.inotify,
        hints: Arc::clone(&hints),
        counters: Arc::clone(&counters),
        watcher: None,
        armed: BTreeMap::new(),
        last: None,
        doubted: None,
    };
    let task = tokio::spawn(run(eye, states.clone(), options.poll, Arc::clone(&hints), Arc::clone(&counters)));
    Watching { states, counters, task }
}

impl Watching {
    /// Follows the newest state; nothing queues up.
    pub fn subscribe(&self) -> Receiver<State> {
        self.states.subscribe()
    }

    /// Forgets a snapshot that was taken over, for nobody needs its texts again. That is no news.
    pub fn let_go(&self, taken: &Arc<Snapshot>) {
        self.states.send_if_modified(|state| {
            state.snapshot.take_if(|newest| Arc::ptr_eq(newest, taken));
            false
        });
    }

    pub fn counts(&self) -> SourceCounts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SourceCounts {
            events_inotify: count(&self.counters.inotify),
            events_poll: count(&self.counters.poll),
            loads_loaded: count(&self.counters.loaded),
            loads_unchanged: count(&self.counters.unchanged),
            loads_unreadable: count(&self.counters.unreadable),
            inotify_armed: self.counters.armed.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(mut eye: Eye, sender: Sender<State>, poll: Duration, hints: Arc<Notify>, counters: Arc<Counters>) {
    let mut polled = true;
    loop {
        let began = Instant::now();
        let looking = tokio::task::spawn_blocking(move || {
            let seen = eye.look(polled);
            (eye, seen)
        });
        // An error here is the runtime's end.
        let Ok((back, seen)) = looking.await else { return };
        eye = back;
        publish(&sender, seen, began.elapsed());
        let due = Instant::now() + poll;
        tokio::select! {
            biased;
            () = hints.notified() => settle(&hints).await,
            () = sleep_until(due) => drop(counters.poll.fetch_add(1, Ordering::Relaxed)),
        }
        polled = Instant::now() >= due;
    }
}

/// Waits until a burst of hints is over, but not for ever.
async fn settle(hints: &Notify) {
    let end = Instant::now() + limits::DEBOUNCE_CAP;
    loop {
        let idle = (Instant::now() + limits::DEBOUNCE_IDLE).min(end);
        tokio::select! {
            biased;
            () = sleep_until(idle) => return,
            () = hints.notified() => {}
        }
    }
}

fn publish(sender: &Sender<State>, seen: Result<Option<Arc<Snapshot>>, SourceError>, took: Duration) {
    sender.send_if_modified(|state| {
        let (snapshot, error) = match seen {
            Ok(snapshot) => (snapshot, None),
            Err(error) => (None, Some(error)),
        };
        let news = snapshot.is_some() || error != state.error;
        *state = State { snapshot: snapshot.or(state.snapshot.take()), error, took };
        news
    });
}

/// What a kernel watch is really on: the object, not its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    device: u64,
    inode: u64,
    recursive: bool,
}

/// The blocking half: it touches files and kernel watches, on a thread where that may take its time.
struct Eye {
    root: PathBuf,
    inotify: bool,
    hints: Arc<Notify>,
    counters: Arc<Counters>,
    watcher: Option<RecommendedWatcher>,
    armed: BTreeMap<PathBuf, Target>,
    last: Option<Mark>,
    /// The content that a known commit was once seen with, and that no later look has confirmed yet.
    doubted: Option<String>,
}

impl Eye {
    /// Looks once: a new snapshot, or nothing new, or why it cannot be told.
    fn look(&mut self, polled: bool) -> Result<Option<Arc<Snapshot>>, SourceError> {
        // Before reading, so that no change can fall between the two.
        self.arm();
        let seen = self.read(polled);
        let counter = match &seen {
            Ok(Some(_)) => &self.counters.loaded,
            Ok(None) => &self.counters.unchanged,
            Err(_) => &self.counters.unreadable,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        seen
    }

    fn read(&mut self, polled: bool) -> Result<Option<Arc<Snapshot>>, SourceError> {
        if self.last.as_ref().is_some_and(|last| last.is_current(&self.root)) {
            return Ok(None);
        }
        let (snapshot, mark) = read::load(&self.root)?;
        let mut news = true;
        if let Some(last) = &self.last {
            if mark.files == 0 && last.files > 0 {
                return Err(SourceError::Emptied { path: self.root.display().to_string(), before: last.files });
            }
            if let Some(error) = self.doubt(last, &mark, polled) {
                self.doubted = Some(mark.content);
                return Err(error);
            }
            news = !mark.says_the_same(last);
        }
        self.doubted = None;
        self.last = Some(mark);
        Ok(news.then(|| Arc::new(snapshot)))
    }

    /// A commit has one content for ever. When it reads differently, git-sync is most likely checking it out anew in
    /// place (it does after a failed sanity check), so that some files are missing: believed when a later poll agrees.
    fn doubt(&self, before: &Mark, now: &Mark, polled: bool) -> Option<SourceError> {
        let confirmed = polled && self.doubted.as_ref() == Some(&now.content);
        if !now.is_commit() || before.revision != now.revision || confirmed || now.says_the_same(before) {
            return None;
        }
        let what = format!("commit {} reads differently than before; waiting until it stays so", now.revision);
        Some(SourceError::Unreadable { path: self.root.display().to_string(), what })
    }

    /// Puts the kernel watches where they belong by now. Re-creating the watcher is the only way to get rid of watches
    /// on objects that have lost their names.
    fn arm(&mut self) {
        let wanted = if self.inotify { wanted(&self.root) } else { BTreeMap::new() };
        if wanted == self.armed && (self.watcher.is_some() || wanted.is_empty()) {
            return;
        }
        self.armed.clear();
        self.watcher = None;
        if let Ok(watcher) = self.watcher(&wanted) {
            self.watcher = watcher;
            self.armed = wanted;
        }
        self.counters.armed.store(self.watcher.is_some(), Ordering::Relaxed);
    }

    fn watcher(&self, wanted: &BTreeMap<PathBuf, Target>) -> notify::Result<Option<RecommendedWatcher>> {
        if wanted.is_empty() {
            return Ok(None);
        }
        let (hints, counters) = (Arc::clone(&self.hints), Arc::clone(&self.counters));
        let on_event = move |event: notify::Result<notify::Event>| {
            // Our own reads are Access events; errors and overflows are hints like any other.
            if event.is_ok_and(|event| event.kind.is_access()) {
                return;
            }
            counters.inotify.fetch_add(1, Ordering::Relaxed);
            hints.notify_one();
        };
        // A link that leads out of the directory must not put watches on half the machine.
        let config = notify::Config::default().with_follow_symlinks(false);
        let mut watcher = RecommendedWatcher::new(on_event, config)?;
        for (path, target) in wanted {
            let mode = if target.recursive { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            watcher.watch(path, mode)?;
        }
        Ok(Some(watcher))
    }
}

/// The folders that contain the links on the way, for there the flips happen; the directory itself only when it is
/// written in place.
fn wanted(root: &Path) -> BTreeMap<PathBuf, Target> {
    let mut wanted = BTreeMap::new();
    let mut add = |path: &Path, recursive: bool| {
        if let Ok(seen) = fs::metadata(path) {
            wanted.insert(path.to_owned(), Target { device: seen.dev(), inode: seen.ino(), recursive });
        }
    };
    match pin::resolve(root) {
        Ok(pin) => {
            pin.links.keys().filter_map(|link| link.parent()).for_each(|folder| add(folder, false));
            if pin.layout == Layout::Plain {
                add(&pin.dir, true);
            }
        }
        // What is missing will appear below the nearest folder that exists.
        Err(_) => {
            let absolute = std::path::absolute(root).unwrap_or_default();
            if let Some(folder) = absolute.ancestors().skip(1).find(|folder| folder.is_dir()) {
                add(folder, false);
            }
        }
    }
    wanted
}
