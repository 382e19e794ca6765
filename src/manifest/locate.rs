//! A path into a document → line and column, by parsing its text again with a parser that keeps positions.
//!
//! Must not know: values. Made only when there is a finding to show; where the parsers disagree or the text ends in an
//! error, the nearest place before it is given.

use std::borrow::Cow;
use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, Span, Tag};

use super::finding::At;
use super::limits;
use crate::shape::{Path, Segment};

/// Line and column, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl Place {
    /// The place in the file of a mark in a text that begins here.
    fn of(self, mark: Marker) -> Self {
        match mark.line() {
            0 | 1 => Self { line: self.line, column: mark.col() + self.column },
            line => Self { line: line + self.line - 1, column: mark.col() + 1 },
        }
    }
}

/// Where everything stands in one document.
#[derive(Debug)]
pub struct Locator {
    nodes: Vec<Node>,
    start: Place,
}

#[derive(Debug)]
struct Node {
    at: Place,
    tag: Option<String>,
    holds: Holds,
}

#[derive(Debug)]
enum Holds {
    Scalar,
    List(Vec<usize>),
    Map(Vec<Entry>),
    /// The node that the anchor stands at.
    Alias(Option<usize>),
}

#[derive(Debug)]
struct Entry {
    name: String,
    key: Place,
    value: usize,
}

impl Locator {
    /// Reads one document's text, which begins at `start` of its file.
    pub fn new(text: &str, start: Place, json: bool) -> Self {
        let text = readable(text, json);
        let mut growing = Growing { nodes: Vec::new(), open: Vec::new(), anchors: BTreeMap::new(), start };
        for event in Parser::new_from_str(&text) {
            let Ok((event, span)) = event else { break };
            if matches!(event, Event::DocumentEnd) || !growing.take(event, span) {
                break;
            }
        }
        Self { nodes: growing.nodes, start }
    }

    /// The place of the node at `path`, or of the nearest node above it.
    pub fn find(&self, path: &Path, at: At) -> Place {
        let mut here = Found { node: 0, key: None };
        let mut place = self.nodes.first().map_or(self.start, |root| root.at);
        for (depth, segment) in path.0.iter().enumerate() {
            let last = depth + 1 == path.0.len();
            let which = if last { at } else { At::Value };
            let Some(next) = self.step(here.node, segment, which == At::SecondKey) else { return place };
            let value = self.nodes.get(next.node).map_or(place, |node| node.at);
            // On the way down the key is the better place to point at, should the next step fail.
            place = match (which, last) {
                (At::Value, true) => value,
                _ => next.key.unwrap_or(value),
            };
            here = next;
        }
        place
    }

    /// Tags that are not YAML's own, with their places.
    pub(super) fn foreign_tags(&self) -> impl Iterator<Item = (&str, Place)> {
        self.nodes.iter().filter_map(|node| Some((node.tag.as_deref()?, node.at)))
    }

    fn step(&self, node: usize, segment: &Segment, second: bool) -> Option<Found> {
        match (&self.nodes.get(self.behind(node)?)?.holds, segment) {
            (Holds::List(items), Segment::Index(index)) => Some(Found { node: *items.get(*index)?, key: None }),
            (Holds::Map(_), Segment::Name(name)) => {
                let mut left = limits::MERGES;
                self.member(node, name, second, &mut left)
            }
            _ => None,
        }
    }

    /// A member of a map, its own or one that `<<` brings along. Merges may lead in circles: at most `left` are tried.
    fn member(&self, node: usize, name: &str, second: bool, left: &mut usize) -> Option<Found> {
        *left = left.checked_sub(1)?;
        let Holds::Map(entries) = &self.nodes.get(self.behind(node)?)?.holds else { return None };
        let mut own = entries.iter().filter(|entry| entry.name == name);
        let first = own.next();
        if let Some(entry) = if second { own.next().or(first) } else { first } {
            return Some(Found { node: entry.value, key: Some(entry.key) });
        }
        let merged = entries.iter().filter(|entry| entry.name == "<<").map(|entry| entry.value);
        merged.flat_map(|value| self.sources(value)).find_map(|map| self.member(map, name, false, left))
    }

    /// The maps behind a merge key: one, or a list of them.
    fn sources(&self, value: usize) -> Vec<usize> {
        let behind = self.behind(value).and_then(|node| self.nodes.get(node));
        match behind.map(|node| &node.holds) {
            Some(Holds::List(items)) => items.clone(),
            _ => vec![value],
        }
    }

    /// An alias's target; any other node itself.
    fn behind(&self, node: usize) -> Option<usize> {
        match self.nodes.get(node)?.holds {
            Holds::Alias(target) => target,
            _ => Some(node),
        }
    }
}

struct Found {
    node: usize,
    key: Option<Place>,
}

/// The nodes while events come in.
struct Growing {
    nodes: Vec<Node>,
    open: Vec<Open>,
    /// Anchor number → node.
    anchors: BTreeMap<usize, usize>,
    start: Place,
}

/// A list or map that is not complete yet.
struct Open {
    node: usize,
    /// In a map: whether a key comes next, and the key that waits for its value.
    wants_key: bool,
    key: Option<(String, Place)>,
}

impl Growing {
    /// False when there is nothing more to learn.
    fn take(&mut self, event: Event<'_>, span: Span) -> bool {
        match event {
            Event::Scalar(text, _, anchor, tag) => {
                self.add(&text, anchor, span, foreign(tag.as_deref()), Holds::Scalar);
            }
            Event::Alias(id) => {
                let target = self.anchors.get(&id).copied();
                self.add("", 0, span, None, Holds::Alias(target));
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(anchor, span, foreign(tag.as_deref()), Holds::List(Vec::new()));
            }
            Event::MappingStart(anchor, tag) => {
                self.open(anchor, span, foreign(tag.as_deref()), Holds::Map(Vec::new()));
            }
            Event::SequenceEnd | Event::MappingEnd => drop(self.open.pop()),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
        self.nodes.len() <= limits::FOREIGN_NODES
    }

    fn open(&mut self, anchor: usize, span: Span, tag: Option<String>, holds: Holds) {
        let wants_key = matches!(holds, Holds::Map(_));
        let node = self.add("", anchor, span, tag, holds);
        self.open.push(Open { node, wants_key, key: None });
    }

    /// Adds a node where the innermost open list or map expects one.
    fn add(&mut self, text: &str, anchor: usize, span: Span, tag: Option<String>, holds: Holds) -> usize {
        let at = self.start.of(span.start);
        let node = self.nodes.len();
        self.nodes.push(Node { at, tag, holds });
        if anchor > 0 {
            self.anchors.insert(anchor, node);
        }
        let Some(open) = self.open.last_mut() else { return node };
        match self.nodes.get_mut(open.node).map(|parent| &mut parent.holds) {
            Some(Holds::List(items)) => items.push(node),
            Some(Holds::Map(_)) if open.wants_key => {
                open.key = Some((text.to_owned(), at));
                open.wants_key = false;
            }
            Some(Holds::Map(entries)) => {
                if let Some((name, key)) = open.key.take() {
                    entries.push(Entry { name, key, value: node });
                }
                open.wants_key = true;
            }
            _ => {}
        }
        node
    }
}

/// Where brackets are nested too deeply for a document, or where the text ends in an error before that can be told. Made
/// for text with very many brackets, for which the other parser takes time in the square of their depth.
pub(super) fn too_deep(text: &str, start: Place) -> Option<(Place, String)> {
    let limit = || format!("more than {} lists and maps inside each other", limits::DEPTH);
    let mut depth = 0_usize;
    for event in Parser::new_from_str(text) {
        match event {
            Ok((Event::SequenceStart(..) | Event::MappingStart(..), span)) => {
                depth += 1;
                if depth > limits::DEPTH {
                    return Some((start.of(span.start), limit()));
                }
            }
            Ok((Event::SequenceEnd | Event::MappingEnd, _)) => depth = depth.saturating_sub(1),
            Ok(_) => {}
            Err(error) => {
                // It reads ahead, and has a limit of its own that may come first.
                let what = if error.info().contains("recursion") { limit() } else { error.info().to_owned() };
                return Some((start.of(*error.marker()), what));
            }
        }
    }
    None
}

/// The text as this parser reads it, each character where it was.
pub(super) fn readable(text: &str, json: bool) -> Cow<'_, str> {
    if json { as_yaml(text) } else { Cow::Borrowed(text) }
}

/// What JSON allows and this YAML parser does not, written so that nothing moves: tabs between values, and characters
/// beyond 16 bits as two escapes.
fn as_yaml(text: &str) -> Cow<'_, str> {
    if !text.contains(['\t', '\\']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let half = rest.get(..4).is_some_and(|start| {
            let start = start.to_ascii_lowercase();
            ["\\ud8", "\\ud9", "\\uda", "\\udb", "\\udc", "\\udd", "\\ude", "\\udf"].contains(&start.as_str())
        });
        let (taken, written) = match letter {
            '\t' => (1, " "),
            '\\' if half && rest.is_char_boundary(6) => (6, "______"),
            // An escaped backslash must not lend itself to what follows it.
            '\\' if rest.starts_with("\\\\") => (2, "\\\\"),
            _ => (letter.len_utf8(), rest.get(..letter.len_utf8()).unwrap_or_default()),
        };
        out.push_str(written);
        rest = rest.get(taken..).unwrap_or_default();
    }
    Cow::Owned(out)
}

fn foreign(tag: Option<&Tag>) -> Option<String> {
    let tag = tag?;
    let own = ["str", "int", "float", "bool", "null", "map", "seq"];
    let known = tag.is_yaml_core_schema() && own.contains(&tag.suffix.as_str());
    // The other parser tells of `!name`.
    (!known && tag.handle != "!")
        .then(|| if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() })
}
