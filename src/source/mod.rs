//! One consistent, immutable read of the directory that git-sync, a ConfigMap or a person changes under us.
//!
//! Must not know: YAML, or anything of ECS. A file is text with a name.
//!
//! Files ending in `.yaml`, `.yml` or `.json` below the root are read, except names that begin with a dot and what
//! `.ecs-operator-ignore` (gitignore's syntax) excludes. A file that cannot be read is a [`FileProblem`]; the rest
//! goes on. A directory that cannot be read as a whole is a [`SourceError`], and **an error never means "delete
//! everything"**: who receives one keeps what was read last.
//!
//! A directory that exists and holds no manifest is a valid snapshot with no files for [`load`], which has no memory.
//! [`watch`] has one: there an empty directory after a full one is [`SourceError::Emptied`].

pub mod limits;

mod given;
mod ignore;
mod pin;
mod read;
mod walk;
mod watch;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub use given::{STDIN, STDIN_NAME, load_given};
pub use watch::{Options, SourceCounts, State, Watching, watch};

/// The name of the settings file at the root.
pub const SETTINGS_FILE: &str = "ecs-operator.yaml";
/// The name of the files that exclude others, with gitignore's syntax.
pub const IGNORE_FILE: &str = ".ecs-operator-ignore";

/// One consistent read of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The commit that git-sync's link names, else the hash of the contents.
    pub revision: String,
    /// SHA-256 (hex) of all names and contents, whatever the layout.
    pub content: String,
    /// Text by path; paths are relative to the root and separated by `/`.
    pub files: BTreeMap<String, Arc<str>>,
    /// The settings file at the root, which is not among `files`.
    pub settings: Option<Arc<str>>,
    /// What could not be read, by path.
    pub problems: Vec<FileProblem>,
}

/// A file (or folder) that was skipped because it could not be read. It is there: what it said before still holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileProblem {
    pub path: String,
    pub what: String,
}

/// Why the directory as a whole could not be read. Never a reason to delete anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    #[error("{path}: not there: {what}; has the first sync finished, and is the volume mounted here?")]
    Missing { path: String, what: String },
    #[error("{path}: cannot be read: {what}")]
    Unreadable { path: String, what: String },
    #[error("{path}: too much to read: {what}")]
    TooLarge { path: String, what: String },
    #[error("{path}: holds no manifest any more, where there were {before}; what was read last stays in force")]
    Emptied { path: String, before: usize },
}

impl SourceError {
    /// A stable word for labels.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::Unreadable { .. } => "unreadable",
            Self::TooLarge { .. } => "too_large",
            Self::Emptied { .. } => "emptied",
        }
    }
}

/// Reads the directory once. Blocks on files; not for async code.
pub fn load(root: &Path) -> Result<Snapshot, SourceError> {
    read::load(root).map(|(snapshot, _)| snapshot)
}
