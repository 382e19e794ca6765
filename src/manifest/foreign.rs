//! Text that is no manifest: trees whose values know where they stand, for who brings other tools' files here.
//!
//! Must not know: any of those tools. Tags are kept: `!Ref x` is the map `{"!Ref": x}`.

use std::ops::Range;
use std::sync::Arc;

use super::finding::{At, Finding};
use super::locate::{Locator, Place};
use super::reader;
use crate::shape::{Path, Segment, Tree};

/// One document of another tool's file.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreign {
    pub file: String,
    pub tree: Tree,
    pub(super) text: Arc<str>,
    pub(super) range: Range<usize>,
    pub(super) start: Place,
}

/// The documents of a text, within the budgets that manifests have; a file's name that ends in `.json` says that it is
/// JSON. What can't be read is told in the findings.
pub fn foreign(file: &str, text: &Arc<str>) -> (Vec<Foreign>, Vec<Finding>) {
    reader::foreign(file, text)
}

impl Foreign {
    /// Where everything stands. Parses the text again.
    pub fn places(&self) -> Places {
        let text = self.text.get(self.range.clone()).unwrap_or_default();
        Places(Locator::new(text, self.start, self.file.ends_with(".json")))
    }
}

/// Where the values of a document stand, by their paths in its tree.
#[derive(Debug)]
pub struct Places(Locator);

impl Places {
    /// The place of the value at the path, or of the nearest one above it.
    pub fn find(&self, path: &Path) -> Place {
        let tag = |segment: &&Segment| !matches!(segment, Segment::Name(name) if name.starts_with('!'));
        self.0.find(&Path(path.0.iter().filter(tag).cloned().collect()), At::Key)
    }
}
