//! Files named one by one, and standard input, as a snapshot of their own. Must not know: directories.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::read::{self, FileTrouble};
use super::walk::{Entry, Stamp};
use super::{FileProblem, SETTINGS_FILE, Snapshot, SourceError};

/// What stands for standard input.
pub const STDIN: &str = "-";
/// The name that standard input has in findings.
pub const STDIN_NAME: &str = "<stdin>";

/// Reads the named files, `-` being standard input; each may have `bytes_max` bytes. Blocks; not for async code.
///
/// # Errors
/// A file that is not there, or standard input that can't be read.
pub fn load_given(paths: &[PathBuf], bytes_max: u64) -> Result<Snapshot, SourceError> {
    let (mut files, mut settings, mut problems) = (BTreeMap::new(), None, Vec::new());
    let mut known = BTreeSet::new();
    for path in paths {
        // One file by two names is one file.
        if !known.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())) {
            continue;
        }
        let name = if path.as_os_str() == STDIN { STDIN_NAME.to_owned() } else { path.display().to_string() };
        let text = if name == STDIN_NAME { stdin(bytes_max) } else { file(path, &name, bytes_max)? };
        match text {
            Ok(text) if path.file_name().is_some_and(|name| name == SETTINGS_FILE) => settings = Some(text),
            Ok(text) => drop(files.insert(name, text)),
            Err(what) => problems.push(FileProblem { path: name, what }),
        }
    }
    let content = read::content_hash(&files, settings.as_deref(), &problems);
    Ok(Snapshot { revision: content.clone(), content, files, settings, problems })
}

fn file(path: &Path, name: &str, bytes_max: u64) -> Result<Result<Arc<str>, String>, SourceError> {
    let missing = |error: std::io::Error| SourceError::Unreadable { path: name.to_owned(), what: error.to_string() };
    // A pipe's link leads nowhere that could be opened by name.
    if fs::metadata(path).map_err(missing)?.is_file() {
        return regular(path, name, bytes_max).map_err(missing);
    }
    fs::File::open(path).map_err(missing).map(|file| stream(file, bytes_max))
}

fn regular(path: &Path, name: &str, bytes_max: u64) -> std::io::Result<Result<Arc<str>, String>> {
    let real = fs::canonicalize(path)?;
    let stamp = Stamp::from(&fs::metadata(&real)?);
    let entry = Entry { path: name.to_owned(), real, stamp };
    Ok(read::text_within(&entry, bytes_max).map_err(|trouble| match trouble {
        FileTrouble::Problem(what) | FileTrouble::Busy(what) | FileTrouble::Changed(what) => what,
    }))
}

fn stdin(bytes_max: u64) -> Result<Arc<str>, String> {
    stream(std::io::stdin().lock(), bytes_max)
}

/// The whole of what comes, as far as a file may go.
fn stream(source: impl Read, bytes_max: u64) -> Result<Arc<str>, String> {
    let mut bytes = Vec::new();
    source.take(bytes_max + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("more than {bytes_max} bytes"));
    }
    read::decode(bytes).map(Arc::from)
}
