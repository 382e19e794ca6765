//! Lists the files of interest below a pinned directory, with what tells whether they change.
//!
//! Must not know: what is in them (ignore files excepted).

use std::fs::{self, DirEntry, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::ignore::Ignore;
use super::read::{self, Trouble};
use super::{FileProblem, IGNORE_FILE, SETTINGS_FILE, SourceError, limits};

/// A regular file, and the state it was in when it was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Relative to the root.
    pub path: String,
    /// Without a link in it.
    pub real: PathBuf,
    pub stamp: Stamp,
}

/// What changes whenever a file's content does. The status-change time, unlike mtime, cannot be set by a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub device: u64,
    pub inode: u64,
    pub size: u64,
    pub changed_secs: i64,
    pub changed_nanos: i64,
}

impl From<&Metadata> for Stamp {
    fn from(seen: &Metadata) -> Self {
        Self {
            device: seen.dev(),
            inode: seen.ino(),
            size: seen.len(),
            changed_secs: seen.ctime(),
            changed_nanos: seen.ctime_nsec(),
        }
    }
}

/// Everything of interest below the root, ordered by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    pub files: Vec<Entry>,
    pub settings: Option<Entry>,
    pub ignores: Vec<Entry>,
    pub problems: Vec<FileProblem>,
}

impl Listing {
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.files.iter().chain(&self.settings).chain(&self.ignores)
    }
}

/// A folder that is still to be listed.
struct Folder {
    real: PathBuf,
    /// Relative to the root with a slash at its end; empty for the root.
    prefix: String,
    depth: usize,
    /// Itself and the folders above: a link to one of them would never end.
    above: Vec<(u64, u64)>,
    /// The ignore files that hold here, each with the prefix of its folder.
    ignores: Vec<(String, Ignore)>,
}

struct Walk<'a> {
    root: &'a Path,
    listing: Listing,
    ahead: Vec<Folder>,
    seen: usize,
}

/// Lists what lies below `root`, which must be free of links.
pub(super) fn list(root: &Path) -> Result<Listing, Trouble> {
    let top = fs::metadata(root).map_err(|error| Trouble::Changed(format!("{}: {error}", root.display())))?;
    let folder = Folder {
        real: root.to_owned(),
        prefix: String::new(),
        depth: 1,
        above: vec![(top.dev(), top.ino())],
        ignores: Vec::new(),
    };
    let mut walk = Walk { root, listing: Listing::default(), ahead: vec![folder], seen: 0 };
    while let Some(folder) = walk.ahead.pop() {
        walk.folder(folder)?;
    }
    let mut listing = walk.listing;
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    listing.problems.sort();
    listing.ignores.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(listing)
}

impl Walk<'_> {
    fn folder(&mut self, mut folder: Folder) -> Result<(), Trouble> {
        let listed = match fs::read_dir(&folder.real) {
            Ok(listed) => listed,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(vanished(&folder.real)),
            Err(error) if folder.prefix.is_empty() => {
                return Err(self.fatal(|path| SourceError::Unreadable { path, what: error.to_string() }));
            }
            Err(error) => {
                self.problem(folder.prefix.trim_end_matches('/').to_owned(), error.to_string());
                return Ok(());
            }
        };
        let mut entries = listed.collect::<Result<Vec<_>, _>>().map_err(|_| vanished(&folder.real))?;
        entries.sort_by_key(DirEntry::file_name);
        self.seen += entries.len();
        if self.seen > limits::ENTRIES {
            let what = format!("more than {} names (is this the right folder?)", limits::ENTRIES);
            return Err(self.fatal(|path| SourceError::TooLarge { path, what }));
        }
        if entries.iter().any(|entry| entry.file_name() == IGNORE_FILE) {
            self.ignore_file(&mut folder)?;
        }
        entries.iter().try_for_each(|entry| self.entry(&folder, entry))
    }

    fn ignore_file(&mut self, folder: &mut Folder) -> Result<(), Trouble> {
        let real = folder.real.join(IGNORE_FILE);
        let seen = fs::symlink_metadata(&real).map_err(|_| vanished(&real))?;
        let path = format!("{}{IGNORE_FILE}", folder.prefix);
        let entry = Entry { path: path.clone(), real, stamp: Stamp::from(&seen) };
        // What it excludes is unknown, so nothing at all can be said about this directory.
        let unreadable = |what: String| SourceError::Unreadable { path, what };
        let text = match read::text(&entry) {
            Ok(text) => text,
            Err(read::FileTrouble::Problem(what) | read::FileTrouble::Busy(what)) => {
                return Err(Trouble::Fatal(unreadable(what)));
            }
            Err(read::FileTrouble::Changed(what)) => return Err(Trouble::Changed(what)),
        };
        folder.ignores.push((folder.prefix.clone(), Ignore::parse(&text)));
        self.listing.ignores.push(entry);
        Ok(())
    }

    fn entry(&mut self, folder: &Folder, entry: &DirEntry) -> Result<(), Trouble> {
        let raw = entry.file_name();
        if raw.as_bytes().starts_with(b".") {
            return Ok(());
        }
        let real = entry.path();
        let seen = fs::symlink_metadata(&real).map_err(|_| vanished(&real))?;
        let wanted = is_manifest(raw.as_bytes());
        let Some(name) = plain_name(&raw) else {
            if wanted || seen.is_dir() {
                let path = format!("{}{}", folder.prefix, raw.to_string_lossy().escape_debug());
                self.problem(path, "its name is not plain UTF-8 text: rename it".to_owned());
            }
            return Ok(());
        };
        let path = format!("{}{name}", folder.prefix);
        if !seen.is_symlink() {
            return self.resolved(folder, path, real, &seen, wanted);
        }
        let is_folder = fs::metadata(&real).is_ok_and(|seen| seen.is_dir());
        if (!wanted && !is_folder) || excluded(folder, &path, is_folder) {
            return Ok(());
        }
        match self.follow(&real) {
            Ok((target, seen)) => self.resolved(folder, path, target, &seen, wanted),
            Err(what) => {
                self.problem(path, what);
                Ok(())
            }
        }
    }

    /// Where a symbolic link leads, provided that it stays inside.
    fn follow(&self, link: &Path) -> Result<(PathBuf, Metadata), String> {
        let target = fs::canonicalize(link).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "a symbolic link to nothing".to_owned(),
            _ => format!("a symbolic link that cannot be followed: {error}"),
        })?;
        if !target.starts_with(self.root) {
            return Err("a symbolic link that leaves the directory; copy the file instead".to_owned());
        }
        let seen = fs::symlink_metadata(&target).map_err(|error| error.to_string())?;
        Ok((target, seen))
    }

    /// Takes in what is no link (any more).
    fn resolved(
        &mut self,
        folder: &Folder,
        path: String,
        real: PathBuf,
        seen: &Metadata,
        wanted: bool,
    ) -> Result<(), Trouble> {
        let settings = path == SETTINGS_FILE;
        if !settings && excluded(folder, &path, seen.is_dir()) {
            return Ok(());
        }
        if seen.is_dir() {
            self.descend(folder, path, real, seen);
        } else if wanted && !seen.is_file() {
            self.problem(path, format!("{}, not a file", special(seen)));
        } else if wanted && seen.len() > limits::FILE_BYTES {
            self.problem(path, format!("{} bytes; a file may have {}", seen.len(), limits::FILE_BYTES));
        } else if settings {
            self.listing.settings = Some(Entry { path, real, stamp: Stamp::from(seen) });
        } else if wanted {
            self.listing.files.push(Entry { path, real, stamp: Stamp::from(seen) });
            if self.listing.files.len() > limits::FILES {
                let what = format!("more than {} manifest files", limits::FILES);
                return Err(self.fatal(|path| SourceError::TooLarge { path, what }));
            }
        }
        Ok(())
    }

    fn descend(&mut self, folder: &Folder, path: String, real: PathBuf, seen: &Metadata) {
        let identity = (seen.dev(), seen.ino());
        if folder.above.contains(&identity) {
            self.problem(path, "a symbolic link to a folder it lies in".to_owned());
        } else if folder.depth >= limits::DEPTH {
            self.problem(path, format!("more than {} folders deep", limits::DEPTH));
        } else {
            let mut above = folder.above.clone();
            above.push(identity);
            let (prefix, depth) = (format!("{path}/"), folder.depth + 1);
            self.ahead.push(Folder { real, prefix, depth, above, ignores: folder.ignores.clone() });
        }
    }

    fn problem(&mut self, path: String, what: String) {
        self.listing.problems.push(FileProblem { path, what });
    }

    fn fatal(&self, error: impl FnOnce(String) -> SourceError) -> Trouble {
        Trouble::Fatal(error(self.root.display().to_string()))
    }
}

/// The innermost ignore file with an opinion decides.
fn excluded(folder: &Folder, path: &str, is_folder: bool) -> bool {
    let decided = folder.ignores.iter().rev().find_map(|(prefix, ignore)| {
        let below = path.strip_prefix(prefix.as_str())?;
        ignore.excludes(below, is_folder)
    });
    decided.unwrap_or(false)
}

fn is_manifest(name: &[u8]) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|suffix| name.len() > suffix.len() && name.ends_with(suffix.as_bytes()))
}

/// A name that can stand in a message without a surprise: no line breaks, no terminal escapes, no reordering.
fn plain_name(name: &std::ffi::OsStr) -> Option<&str> {
    let odd = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    name.to_str().filter(|name| !name.chars().any(odd))
}

fn special(seen: &Metadata) -> &'static str {
    let kind = seen.file_type();
    match () {
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () if kind.is_block_device() || kind.is_char_device() => "a device",
        () => "something special",
    }
}

fn vanished(at: &Path) -> Trouble {
    Trouble::Changed(format!("{} vanished", at.display()))
}
