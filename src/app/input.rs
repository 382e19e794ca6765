//! What a command is to read: a directory, single files, or standard input.

use std::path::{Path, PathBuf};

use crate::cli::findings::Sources;
use crate::manifest::Finding;
use crate::source::{self, SETTINGS_FILE, STDIN, Snapshot};

use super::Trouble;

/// Texts that are read together, and where they are from.
pub struct Given {
    pub snapshot: Snapshot,
    /// What stands before the snapshot's names for people to find the files.
    prefix: String,
}

impl Given {
    /// One path: a directory, a file, or `-`.
    pub fn at(path: &Path) -> Result<Self, Trouble> {
        if is_single(path) { Self::files(&[path.to_owned()]) } else { Self::directory(path) }
    }

    /// Many paths: each directory by itself, and all single files together.
    pub fn all(paths: &[PathBuf]) -> Result<Vec<Self>, Trouble> {
        let (single, directories): (Vec<_>, Vec<_>) = paths.iter().cloned().partition(|path| is_single(path));
        let mut all = directories.iter().map(|path| Self::directory(path)).collect::<Result<Vec<_>, _>>()?;
        if !single.is_empty() {
            all.push(Self::files(&single)?);
        }
        Ok(all)
    }

    fn directory(path: &Path) -> Result<Self, Trouble> {
        let snapshot = source::load(path).map_err(|error| Trouble::Input(error.to_string()))?;
        if snapshot.files.is_empty() && snapshot.problems.is_empty() {
            let path = path.display();
            let message = format!("{path}: holds no manifest; there should be files that end in .yaml, .yml or .json");
            return Err(Trouble::Input(message));
        }
        let prefix = match path.display().to_string() {
            here if here == "." => String::new(),
            path => format!("{}/", path.trim_end_matches('/')),
        };
        Ok(Self { snapshot, prefix })
    }

    fn files(paths: &[PathBuf]) -> Result<Self, Trouble> {
        let snapshot =
            source::load_given(paths, source::limits::FILE_BYTES).map_err(|error| Trouble::Input(error.to_string()))?;
        if snapshot.problems.is_empty() && snapshot.files.values().all(|text| text.trim().is_empty()) {
            let names: Vec<&str> = snapshot.files.keys().map(String::as_str).collect();
            return Err(Trouble::Input(format!("{}: holds no manifest", names.join(", "))));
        }
        Ok(Self { snapshot, prefix: String::new() })
    }

    /// A file's name as the person who typed the command finds it.
    pub fn name(&self, file: &str) -> String {
        format!("{}{file}", self.prefix)
    }

    /// Findings under the names that people find their files by.
    pub fn named(&self, findings: impl IntoIterator<Item = Finding>) -> Vec<Finding> {
        findings.into_iter().map(|finding| Finding { file: self.name(&finding.file), ..finding }).collect()
    }

    /// The texts under the same names.
    pub fn sources(&self) -> Sources {
        let settings = self.snapshot.settings.iter().map(|text| (SETTINGS_FILE, text));
        let files = self.snapshot.files.iter().map(|(name, text)| (name.as_str(), text));
        files.chain(settings).map(|(name, text)| (self.name(name), text.clone())).collect()
    }
}

/// Standard input, a file, or what can be read like one: a pipe that a shell makes of a command's output.
pub fn is_single(path: &Path) -> bool {
    path.as_os_str() == STDIN || (path.exists() && !path.is_dir())
}
