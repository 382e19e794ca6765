//! A file's text → its documents, each with the places of all that stands in it.
//!
//! Must not know: what may be shown of it. For text that is shown to people; a document is read at its text's word, and
//! has no pieces where that can't be done.

use std::collections::BTreeMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, Span};

use super::split::Chunk;
use super::{limits, locate, reader};
use crate::shape::{Path, Segment};

/// One document of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// In bytes of the file.
    pub range: Range<usize>,
    /// In the order of the text; absent where it is broken, or no map.
    pub pieces: Option<Vec<Piece>>,
}

/// A key or a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// From the document's root; a key's is that of its value.
    pub path: Path,
    pub what: What,
    /// In characters of the document.
    pub range: Range<usize>,
    /// How many pieces stand before what comes after it and all that is in it.
    pub next: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Its value is the piece after it.
    Key,
    Scalar(String),
    /// A list or a map.
    Branch,
    /// The piece that the anchor stands at.
    Alias(Option<usize>),
}

/// A longer name is no member's: paths repeat it, so that only its beginning stands in them.
const NAME_CHARS: usize = 100;

/// The documents of a file; the ending of its name says whether it is JSON.
pub fn outline(file: &str, text: &str) -> Vec<Outline> {
    if text.len() > limits::FILE_BYTES {
        return vec![Outline { range: 0..text.len(), pieces: None }];
    }
    let json = file.ends_with(".json");
    let one = |Chunk { range, .. }: Chunk| {
        let pieces = pieces(text.get(range.clone()).unwrap_or_default(), json);
        Outline { range, pieces }
    };
    let all: Vec<Outline> = reader::chunks(file, text).into_iter().map(one).collect();
    // Where a JSON value is broken, nobody knows where the next one begins.
    if json && all.iter().any(|one| one.pieces.is_none()) {
        return vec![Outline { range: 0..text.len(), pieces: None }];
    }
    all
}

fn pieces(text: &str, json: bool) -> Option<Vec<Piece>> {
    let text = locate::readable(text, json);
    let mut growing = Growing::default();
    let mut documents = 0;
    for event in Parser::new_from_str(&text) {
        let (event, span) = event.ok()?;
        documents += usize::from(matches!(event, Event::DocumentStart(_)));
        growing.take(event, span)?;
        if documents > 1 || growing.open.len() > limits::DEPTH || growing.pieces.len() > limits::FILE_NODES {
            return None;
        }
    }
    let is_map = growing.pieces.first().is_some_and(|root| root.what == What::Branch);
    (is_map && growing.open.is_empty()).then_some(growing.pieces)
}

/// The pieces while events come in.
#[derive(Default)]
struct Growing {
    pieces: Vec<Piece>,
    open: Vec<Open>,
    /// Anchor number → piece.
    anchors: BTreeMap<usize, usize>,
}

/// A list or map that is not complete yet.
struct Open {
    piece: usize,
    holds: Holds,
}

enum Holds {
    /// So many items.
    Items(usize),
    /// The member whose value comes next.
    Members(Option<String>),
}

impl Growing {
    /// None for what no manifest has: a key that is no scalar.
    fn take(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        match event {
            Event::Scalar(text, _, anchor, _) => self.scalar(&text, anchor, span),
            Event::Alias(id) => {
                let target = self.anchors.get(&id).copied();
                self.value(What::Alias(target), 0, span).map(drop)
            }
            Event::SequenceStart(anchor, _) => self.branch(Holds::Items(0), anchor, span),
            Event::MappingStart(anchor, _) => self.branch(Holds::Members(None), anchor, span),
            Event::SequenceEnd | Event::MappingEnd => {
                let closed = self.open.pop()?.piece;
                let next = self.pieces.len();
                self.pieces.get_mut(closed)?.next = next;
                Some(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Some(())
            }
        }
    }

    fn scalar(&mut self, text: &str, anchor: usize, span: Span) -> Option<()> {
        let parent = self.open.last().and_then(|open| self.pieces.get(open.piece)).map(|parent| parent.path.clone());
        if let Some(Open { holds: Holds::Members(key @ None), .. }) = self.open.last_mut() {
            *key = Some(text.to_owned());
            let path = parent?.name(&text.chars().take(NAME_CHARS).collect::<String>());
            self.push(path, What::Key, span);
            return Some(());
        }
        self.value(What::Scalar(text.to_owned()), anchor, span).map(drop)
    }

    fn branch(&mut self, holds: Holds, anchor: usize, span: Span) -> Option<()> {
        let piece = self.value(What::Branch, anchor, span)?;
        self.open.push(Open { piece, holds });
        Some(())
    }

    /// Adds a value where the innermost open list or map expects one.
    fn value(&mut self, what: What, anchor: usize, span: Span) -> Option<usize> {
        let path = match self.open.last_mut() {
            None => Path::root(),
            Some(Open { piece, holds }) => {
                let segment = match holds {
                    Holds::Items(count) => {
                        *count += 1;
                        Segment::Index(*count - 1)
                    }
                    Holds::Members(key) => Segment::Name(key.take()?.chars().take(NAME_CHARS).collect()),
                };
                let above = &self.pieces.get(*piece)?.path;
                Path(above.0.iter().cloned().chain([segment]).collect())
            }
        };
        let at = self.push(path, what, span);
        if anchor > 0 {
            self.anchors.insert(anchor, at);
        }
        Some(at)
    }

    fn push(&mut self, path: Path, what: What, span: Span) -> usize {
        let at = self.pieces.len();
        self.pieces.push(Piece { path, what, range: span.start.index()..span.end.index(), next: at + 1 });
        at
    }
}
