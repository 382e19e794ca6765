//! The pinned read: all files as they were at one moment, or an error.
//!
//! Must not know: when to read again.
#![allow(
    clippy::disallowed_methods,
    reason = "real files change in real time, and this runs on a thread that may wait"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::pin::{self, Layout, Pin};
use super::walk::{self, Entry, Listing, Stamp};
use super::{FileProblem, SETTINGS_FILE, Snapshot, SourceError, limits};

const BUSY: &str = "it is written to all the time; put a finished file here with a rename";

/// Why a read was given up.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Something changed on the way: worth another attempt.
    Changed(String),
    Fatal(SourceError),
}

/// Why one file could not be read.
#[derive(Debug)]
pub(super) enum FileTrouble {
    Problem(String),
    /// Written to again and again while we read.
    Busy(String),
    /// No longer the file that was listed.
    Changed(String),
}

/// What is remembered of a read when its texts are gone.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub revision: String,
    pub content: String,
    /// How many files there were, without the settings.
    pub files: usize,
    problems: Vec<FileProblem>,
    pin: Pin,
    listing: Listing,
    /// False when a file changed so shortly before the read that it could change again unseen.
    settled: bool,
}

impl Mark {
    /// Whether the other read says the same, if from other inodes.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.content == other.content && self.revision == other.revision && self.problems == other.problems
    }

    /// Whether the revision is a name that stands for one content for ever.
    pub(super) fn is_commit(&self) -> bool {
        matches!(self.pin.layout, Layout::Commit(_))
    }

    /// Whether nothing has changed since, by names, inodes, sizes and times alone.
    pub(super) fn is_current(&self, root: &Path) -> bool {
        self.settled
            && pin::resolve(root).is_ok_and(|pin| pin == self.pin)
            && walk::list(&self.pin.dir).is_ok_and(|listing| listing == self.listing)
    }
}

/// Reads everything; repeats the read while the directory changes under it.
pub(super) fn load(root: &Path) -> Result<(Snapshot, Mark), SourceError> {
    let mut what = String::new();
    for attempt in 0..limits::ATTEMPTS {
        if attempt > 0 {
            std::thread::sleep(limits::ATTEMPT_PAUSE);
        }
        match load_once(root, attempt + 1 == limits::ATTEMPTS) {
            Ok(loaded) => return Ok(loaded),
            Err(Trouble::Fatal(SourceError::Missing { what: missing, .. })) if attempt > 0 => what = missing,
            Err(Trouble::Fatal(error)) => return Err(error),
            Err(Trouble::Changed(change)) => what = change,
        }
    }
    let what = format!("it kept changing during {} reads; the last time: {what}", limits::ATTEMPTS);
    Err(SourceError::Unreadable { path: root.display().to_string(), what })
}

fn load_once(root: &Path, last: bool) -> Result<(Snapshot, Mark), Trouble> {
    let started = SystemTime::now();
    let pin = pin::resolve(root).map_err(Trouble::Fatal)?;
    let listing = walk::list(&pin.dir)?;
    let total: u64 = listing.entries().map(|entry| entry.stamp.size).sum();
    if total > limits::TOTAL_BYTES {
        let what = format!("{total} bytes of manifests; the limit is {}", limits::TOTAL_BYTES);
        return Err(Trouble::Fatal(SourceError::TooLarge { path: root.display().to_string(), what }));
    }
    let (mut files, mut settings) = (BTreeMap::new(), None);
    let mut problems = listing.problems.clone();
    let mut busy = BTreeSet::new();
    for entry in listing.files.iter().chain(&listing.settings) {
        match text(entry) {
            Ok(text) if listing.settings.as_ref() == Some(entry) => settings = Some(text),
            Ok(text) => drop(files.insert(entry.path.clone(), text)),
            Err(FileTrouble::Changed(what)) => return Err(Trouble::Changed(what)),
            Err(FileTrouble::Problem(what)) => problems.push(FileProblem { path: entry.path.clone(), what }),
            Err(FileTrouble::Busy(what)) => {
                busy.insert(entry.path.clone());
                problems.push(FileProblem { path: entry.path.clone(), what });
            }
        }
    }
    for path in verify(root, &pin, &listing, &busy, last)? {
        settings = settings.filter(|_| path != SETTINGS_FILE);
        files.remove(&path);
        problems.push(FileProblem { path: path.clone(), what: BUSY.to_owned() });
        busy.insert(path);
    }
    problems.sort();
    let content = content_hash(&files, settings.as_deref(), &problems);
    let revision = match &pin.layout {
        Layout::Commit(commit) => commit.clone(),
        Layout::Volume | Layout::Plain => content.clone(),
    };
    let settled = busy.is_empty() && listing.entries().all(|entry| is_settled(&entry.stamp, started));
    let mark = Mark {
        revision: revision.clone(),
        content: content.clone(),
        files: files.len(),
        problems: problems.clone(),
        pin,
        listing,
        settled,
    };
    Ok((Snapshot { revision, content, files, settings, problems }, mark))
}

/// The link must still lead where it led, and every file must still be as it was listed. In a directory that is written
/// in place one busy file must not hide the others for ever: the last attempt gives up on such files alone, and names
/// them.
fn verify(
    root: &Path,
    pin: &Pin,
    listing: &Listing,
    busy: &BTreeSet<String>,
    last: bool,
) -> Result<Vec<String>, Trouble> {
    let now = pin::resolve(root).map_err(Trouble::Fatal)?;
    if now != *pin {
        return Err(Trouble::Changed(format!("{} now leads to {}", root.display(), now.dir.display())));
    }
    let again = walk::list(&pin.dir)?;
    let same_names = listing.entries().map(|entry| &entry.path).eq(again.entries().map(|entry| &entry.path));
    if !same_names || listing.problems != again.problems {
        return Err(Trouble::Changed("files came or went".to_owned()));
    }
    let pairs = listing.entries().zip(again.entries());
    let changed = pairs.filter(|(before, after)| before != after && !busy.contains(&before.path));
    let changed: Vec<String> = changed.map(|(before, _)| before.path.clone()).collect();
    let ignores = listing.ignores.iter().any(|ignore| changed.contains(&ignore.path));
    match changed.first() {
        Some(first) if !last || ignores || pin.layout != Layout::Plain => {
            Err(Trouble::Changed(format!("{first} changed")))
        }
        _ => Ok(changed),
    }
}

/// The text of a listed file. Never blocks on a pipe, never follows a link.
pub(super) fn text(entry: &Entry) -> Result<Arc<str>, FileTrouble> {
    text_within(entry, limits::FILE_BYTES)
}

/// The same, of a file that may have so many bytes.
pub(super) fn text_within(entry: &Entry, bytes_max: u64) -> Result<Arc<str>, FileTrouble> {
    for attempt in 0..limits::FILE_ATTEMPTS {
        if attempt > 0 {
            std::thread::sleep(limits::ATTEMPT_PAUSE);
        }
        if let Some(bytes) = bytes(entry, bytes_max)? {
            return decode(bytes).map(Arc::from).map_err(FileTrouble::Problem);
        }
    }
    Err(FileTrouble::Busy(BUSY.to_owned()))
}

/// The bytes of a file, or nothing when it was written to meanwhile.
fn bytes(entry: &Entry, bytes_max: u64) -> Result<Option<Vec<u8>>, FileTrouble> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::StaleNetworkFileHandle => {
            FileTrouble::Changed(format!("{} vanished", entry.path))
        }
        _ => FileTrouble::Problem(error.to_string()),
    };
    let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW;
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(&entry.real).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    if !before.is_file() {
        return Err(FileTrouble::Problem("not a file".to_owned()));
    }
    let before = Stamp::from(&before);
    if (before.device, before.inode) != (entry.stamp.device, entry.stamp.inode) {
        return Err(FileTrouble::Changed(format!("{} was replaced", entry.path)));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(before.size.min(bytes_max)).unwrap_or(0));
    Read::take(&mut file, bytes_max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        return Err(FileTrouble::Problem(format!("more than {bytes_max} bytes")));
    }
    let after = Stamp::from(&file.metadata().map_err(failed)?);
    Ok((before == after && bytes.len() as u64 == after.size).then_some(bytes))
}

pub(super) fn decode(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("it is UTF-16: save it as UTF-8".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        format!("it is not UTF-8 text (line {line}, byte {at} of the file): save it as UTF-8")
    })
}

fn is_settled(stamp: &Stamp, read_at: SystemTime) -> bool {
    let secs = u64::try_from(stamp.changed_secs).unwrap_or(0);
    let nanos = u32::try_from(stamp.changed_nanos).unwrap_or(0);
    UNIX_EPOCH + Duration::new(secs, nanos) + limits::RACY <= read_at
}

/// Lengths stand before names and contents, so that no two snapshots run into one another.
pub(super) fn content_hash(
    files: &BTreeMap<String, Arc<str>>,
    settings: Option<&str>,
    problems: &[FileProblem],
) -> String {
    let mut hash = Sha256::new();
    let mut add = |tag: u8, text: &str| {
        hash.update([tag]);
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    for (path, text) in files {
        add(b'p', path);
        add(b'f', text);
    }
    settings.into_iter().for_each(|text| add(b's', text));
    problems.iter().for_each(|problem| add(b'x', &problem.path));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
