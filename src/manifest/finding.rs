//! What is wrong with a manifest, and where.
//!
//! Must not know: how it is shown.

use std::borrow::Cow;
use std::fmt;

use super::locate::Place;
use crate::shape::Path;

/// Something wrong at a place. Sorts by place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// From the document's root.
    pub path: Path,
    pub message: String,
    /// What was seen that says so, a line each; empty where the message is all there is.
    pub evidence: Vec<String>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// The name of the rule that is broken; `explain RULE` tells more.
    pub rule: &'static str,
    pub severity: Severity,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The document is not in force.
    #[default]
    Error,
    /// It is in force, and will not do what people expect.
    Warning,
    /// Nobody knows: what it takes to tell could not be looked at.
    Unknown,
}

impl Finding {
    /// A finding of a file as a whole.
    pub fn in_file(file: &str, rule: &'static str, message: impl Into<String>) -> Self {
        Fault::new(Path::root(), At::Value, rule, message).placed(file, Place { line: 1, column: 1 })
    }

    /// The message, at most so long as a person reads.
    pub fn short(&self) -> Cow<'_, str> {
        shortened(&self.message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.short())?;
        match &self.remedy {
            Some(remedy) => write!(f, " ({remedy})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
        })
    }
}

/// A message may repeat a value, and a value may be a megabyte: both its ends are enough.
const MESSAGE_CHARS: usize = 400;

fn shortened(message: &str) -> Cow<'_, str> {
    let count = message.chars().count();
    if count <= MESSAGE_CHARS {
        return Cow::Borrowed(message);
    }
    let (head, tail) = (message.chars().take(MESSAGE_CHARS / 2), message.chars().skip(count - MESSAGE_CHARS / 2));
    Cow::Owned(head.chain(['…']).chain(tail).collect())
}

/// A finding that knows its path and not yet its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// From the document's root.
    pub path: Path,
    pub at: At,
    pub rule: &'static str,
    pub severity: Severity,
    pub message: String,
    pub evidence: Vec<String>,
    pub remedy: Option<String>,
}

/// Which part of the node at a path is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Its name, where it has one.
    Key,
    Value,
    /// Its name where it is written a second time.
    SecondKey,
}

impl Fault {
    pub fn new(path: Path, at: At, rule: &'static str, message: impl Into<String>) -> Self {
        let (message, evidence) = (message.into(), Vec::new());
        Self { path, at, rule, severity: Severity::Error, message, evidence, remedy: None }
    }

    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The finding, once its place is known.
    pub fn placed(self, file: &str, Place { line, column }: Place) -> Finding {
        let Self { path, at: _, rule, severity, message, evidence, remedy } = self;
        Finding { file: file.to_owned(), line, column, path, message, evidence, remedy, rule, severity }
    }

    /// "did you mean" when there is something near.
    #[must_use]
    pub fn near<'a>(mut self, word: &str, among: impl Iterator<Item = &'a str>) -> Self {
        if let Some(near) = crate::shape::near::nearest(word, among) {
            self.remedy = Some(format!("did you mean {near}?"));
        }
        self
    }
}
