//! Text → documents whose values know where they stand; variables; the settings file.
//!
//! Must not know: any kind, AWS, files, tokio, the clock. The same texts always give the same [`Reading`].
//!
//! A document with any finding is not among the documents. It is not gone either: [`Reading::broken`] says whose text
//! could not be read, and until it can be, what was last read of it stays in force.

pub mod limits;

mod envelope;
mod finding;
mod foreign;
mod identity;
mod locate;
mod outline;
mod parse;
mod reader;
mod settings;
mod split;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

pub use envelope::API_VERSION;
pub use finding::{At, Fault, Finding, Severity};
pub use foreign::{Foreign, Places, foreign};
pub use identity::Identity;
pub use locate::{Locator, Place};
pub use outline::{Outline, Piece, What, outline};
pub use settings::{KEEP_MAX, Settings};
pub use variables::Variables;

use crate::shape::{Path, Tree};

/// The name that the settings file has in findings.
pub const SETTINGS_FILE: &str = "ecs-operator.yaml";
/// The kind of documents that define variables; they are consumed here.
pub const DEFAULTS_KIND: &str = "Defaults";

/// What there is to read.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Text by path; the path's last letters say whether it is JSON.
    pub files: &'a BTreeMap<String, Arc<str>>,
    /// The settings file, where there is one.
    pub settings: Option<&'a Arc<str>>,
    /// Files and folders that are there and could not be read, and why.
    pub unreadable: &'a BTreeMap<String, String>,
    pub variables: &'a Variables,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// In the order of files, and in a file in the order of its text.
    pub documents: Vec<Document>,
    /// In the order of places.
    pub findings: Vec<Finding>,
    /// Text that is there and could not be turned into documents.
    pub broken: Vec<Broken>,
    /// The files (and unreadable folders) of `broken`: what was last read from them still holds.
    pub broken_files: BTreeSet<String>,
    /// Absent when the settings file cannot be read: the last settings hold. Without such a file, all defaults.
    pub settings: Option<Settings>,
}

/// A document that could not be read, or a file of which not even its documents are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub file: String,
    /// Which document of the file; absent for the file as a whole.
    pub index: Option<usize>,
    /// Absent when it could be any, and any number of them.
    pub identity: Option<Identity>,
}

impl Reading {
    /// Whether an object of that kind and name may be described by text that could not be read. While it may, its
    /// absence from `documents` means nothing.
    pub fn may_describe(&self, kind: &str, name: &str) -> bool {
        self.broken.iter().any(|broken| match &broken.identity {
            Some(identity) => identity.kind == kind && identity.name == name,
            None => true,
        })
    }

    /// Whether a file, or a folder above it, could not be read completely.
    pub fn is_broken(&self, file: &str) -> bool {
        let above = |broken: &String| file.strip_prefix(broken.as_str()).is_some_and(|rest| rest.starts_with('/'));
        self.broken_files.contains(file) || self.broken_files.iter().any(above)
    }
}

/// One manifest, with its variables replaced.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub file: String,
    /// Which of the file's documents, from 0; empty ones do not count.
    pub index: usize,
    pub api_version: String,
    /// Not yet known to be a kind that exists.
    pub kind: String,
    /// A map with a `name`.
    pub metadata: Tree,
    /// A map, empty when absent.
    pub reconcile: Tree,
    /// A map, empty when absent.
    pub spec: Tree,
    /// The values that were one variable and nothing else (`"${var.COUNT}"`), by path from the document's root, with
    /// the variable's name. They are text here; where the shape asks for something else, [`crate::shape::check::retype`] reads them again.
    pub variables: BTreeMap<Path, String>,
    /// Where its text begins, from 1.
    pub start: Place,
    text: Arc<str>,
    range: Range<usize>,
}

impl Document {
    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.metadata.text("name").unwrap_or_default()
    }

    pub fn identity(&self) -> Identity {
        Identity { kind: self.kind.clone(), name: self.name().to_owned() }
    }

    /// Where everything stands. Parses the text again: meant for when there is a finding to show.
    pub fn locator(&self) -> Locator {
        let text = self.text.get(self.range.clone()).unwrap_or_default();
        Locator::new(text, self.start, self.file.ends_with(".json"))
    }

    /// The findings that these faults are. The text is parsed once more, for all their places together.
    pub fn findings(&self, mut faults: Vec<Fault>) -> Vec<Finding> {
        if faults.is_empty() {
            return Vec::new();
        }
        // Should there be too many to show, no warning takes an error's place.
        faults.sort_by_key(|fault| fault.severity);
        let locator = self.locator();
        let placed = |fault: Fault| {
            let place = locator.find(&fault.path, fault.at);
            fault.placed(&self.file, place)
        };
        faults.into_iter().take(limits::FINDINGS).map(placed).collect()
    }
}

/// Turns all texts into documents.
pub fn read(input: &Input<'_>) -> Reading {
    reader::read(input)
}
