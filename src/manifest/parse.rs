//! The text of one document → a tree, within a budget, with every fault that can be told.
//!
//! Must not know: what the members mean.
//!
//! The tree is built while the budget is spent, value by value, so that text which expands (aliases are visited anew at
//! each use) is stopped before it costs memory.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny};
use serde::de::{MapAccess, SeqAccess, VariantAccess, Visitor};

use super::finding::{At, Fault};
use super::limits;
use crate::shape::{Path, Segment, Tree};

/// What may still be spent: by this document, by its file, by this reading.
#[derive(Debug)]
pub(super) struct Budget {
    document: Left,
    file: Left,
    reading: Left,
}

/// What is left of a limit.
#[derive(Debug)]
struct Left {
    limit: usize,
    left: Cell<usize>,
}

impl Left {
    fn of(limit: usize) -> Self {
        Self { limit, left: Cell::new(limit) }
    }

    fn refill(&self) {
        self.left.set(self.limit);
    }
}

impl Budget {
    /// For manifests.
    pub fn new() -> Self {
        let [document, file, reading] =
            [limits::DOCUMENT_NODES, limits::FILE_NODES, limits::READING_NODES].map(Left::of);
        Self { document, file, reading }
    }

    /// For one file of another tool.
    pub fn foreign() -> Self {
        let [document, file, reading] = [limits::FOREIGN_NODES; 3].map(Left::of);
        Self { document, file, reading }
    }

    pub fn next_file(&self) {
        self.file.refill();
    }

    pub fn next_document(&self) {
        self.document.refill();
    }

    /// Takes `nodes` from all three, or names the limit that is met.
    fn spend(&self, nodes: usize) -> Result<(), String> {
        for (Left { limit, left }, whose) in [
            (&self.document, "this document"),
            (&self.file, "the documents of this file"),
            (&self.reading, "all files together"),
        ] {
            let rest = left.get().checked_sub(nodes);
            left.set(rest.ok_or_else(|| format!("more than {limit} values in {whose}"))?);
        }
        Ok(())
    }
}

/// A syntax error, with its place from 1 within the text.
#[derive(Debug)]
pub(super) struct Syntax {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

/// What came of one document.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// Absent when the parser could not get through.
    pub tree: Option<Tree>,
    pub faults: Vec<Fault>,
    pub syntax: Option<Syntax>,
}

/// What becomes of a tag that is not YAML's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tags {
    /// It means nothing here.
    Refused,
    /// `!Ref x` is read as a map of one member, `"!Ref": x`.
    Kept,
}

/// Reads one YAML document.
pub(super) fn yaml(text: &str, budget: &Budget, tags: Tags) -> Parsed {
    let building = Building { tags, ..Building::new(budget, true) };
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let first = match documents.next() {
        Some(first) => (Node { building: &building, depth: 0 }).deserialize(first),
        None => Ok(Tree::Null),
    };
    let read = first.and_then(|tree| match documents.next() {
        Some(more) => IgnoredAny::deserialize(more)
            .and_then(|_| Err(serde_yaml::Error::custom("something follows where the document should end"))),
        None => Ok(tree),
    });
    // The parser has a limit of its own for aliases within aliases.
    if read.as_ref().is_err_and(|error| error.to_string().starts_with("repetition limit")) {
        let fault = Fault::new(Path::root(), At::Value, "too-many-values", "its aliases stand for far too many values");
        building.faults.borrow_mut().push(fault.remedy("write what is meant without aliases inside aliases"));
        building.stopped.set(true);
    }
    building.finish(read, |error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        Syntax { line, column, message: error.to_string() }
    })
}

/// Reads one JSON document.
pub(super) fn json(text: &str, budget: &Budget) -> Parsed {
    let building = Building::new(budget, false);
    let mut document = serde_json::Deserializer::from_str(text);
    let first = Node { building: &building, depth: 0 }.deserialize(&mut document);
    let read = first.and_then(|tree| document.end().map(|()| tree));
    building.finish(read, |error| {
        let message = error.to_string();
        let bare = message.rsplit_once(" at line ").map_or(message.as_str(), |(bare, _)| bare);
        Syntax { line: error.line().max(1), column: error.column().max(1), message: bare.to_owned() }
    })
}

/// What one document's tree is built with.
struct Building<'a> {
    budget: &'a Budget,
    yaml: bool,
    tags: Tags,
    path: RefCell<Vec<Segment>>,
    faults: RefCell<Vec<Fault>>,
    /// Set when a fault ended the reading, so that the parser's error is only its echo.
    stopped: Cell<bool>,
}

impl<'a> Building<'a> {
    fn new(budget: &'a Budget, yaml: bool) -> Self {
        let (path, faults) = (RefCell::default(), RefCell::default());
        Self { budget, yaml, tags: Tags::Refused, path, faults, stopped: Cell::new(false) }
    }

    fn finish<E>(self, read: Result<Tree, E>, syntax: impl FnOnce(E) -> Syntax) -> Parsed {
        let faults = self.faults.into_inner();
        match read {
            Ok(tree) => Parsed { tree: Some(tree), faults, syntax: None },
            Err(_) if self.stopped.get() => Parsed { tree: None, faults, syntax: None },
            Err(error) => Parsed { tree: None, faults, syntax: Some(syntax(error)) },
        }
    }

    fn here(&self) -> Path {
        Path(self.path.borrow().clone())
    }

    fn fault<E: serde::de::Error>(&self, fault: Fault) -> Result<(), E> {
        self.faults.borrow_mut().push(fault);
        if self.faults.borrow().len() >= limits::FINDINGS { self.stop() } else { Ok(()) }
    }

    fn stop<T, E: serde::de::Error>(&self) -> Result<T, E> {
        self.stopped.set(true);
        Err(E::custom("stopped"))
    }

    fn spend<E: serde::de::Error>(&self, nodes: usize) -> Result<(), E> {
        let Err(limit) = self.budget.spend(nodes) else { return Ok(()) };
        let remedy = "an alias counts each time it is used; split the document, or write less of it";
        self.faults.borrow_mut().push(Fault::new(self.here(), At::Value, "too-many-values", limit).remedy(remedy));
        self.stop()
    }

    fn text<E: serde::de::Error>(&self, text: &str) -> Result<String, E> {
        self.spend(1 + text.len() / 64)?;
        Ok(text.to_owned())
    }

    /// The number is not repeated: it may be somebody's secret.
    fn number_fault<E: serde::de::Error>(&self) -> Result<Tree, E> {
        let fault = Fault::new(self.here(), At::Value, "number-range", "this is no number that AWS knows");
        self.fault(fault.remedy("write it in quotes if it is meant as text"))?;
        Ok(Tree::Null)
    }

    fn below<T>(&self, segment: Segment, read: impl FnOnce() -> T) -> T {
        self.path.borrow_mut().push(segment);
        let value = read();
        self.path.borrow_mut().pop();
        value
    }
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Node<'a> {
    building: &'a Building<'a>,
    depth: usize,
}

impl Node<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        self.building.spend(1)?;
        if self.depth >= limits::DEPTH {
            let message = format!("more than {} lists and maps inside each other", limits::DEPTH);
            self.building.faults.borrow_mut().push(Fault::new(self.building.here(), At::Value, "too-deep", message));
            return self.building.stop();
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    /// Adds what `<<` brings along; what is there already, and what came first, wins.
    fn merge<E: serde::de::Error>(self, map: &mut BTreeMap<String, Tree>, merged: Tree) -> Result<(), E> {
        let sources = match merged {
            Tree::List(sources) => sources,
            one => vec![one],
        };
        for source in sources {
            match source {
                Tree::Map(source) => {
                    for (name, value) in source {
                        map.entry(name.into()).or_insert(value);
                    }
                }
                other => {
                    let message = format!("the merge key << takes maps, not {}", other.noun());
                    let path = self.building.here().name("<<");
                    self.building.fault(Fault::new(path, At::Value, "merge-key", message))?;
                }
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Tree, E> {
        self.building.spend(1)?;
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Tree, E> {
        self.building.spend(1)?;
        Ok(Tree::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Tree, E> {
        self.building.spend(1)?;
        i64::try_from(value).map(Tree::Int).or_else(|_| self.building.number_fault())
    }

    fn visit_i128<E: serde::de::Error>(self, _: i128) -> Result<Tree, E> {
        self.building.number_fault()
    }

    fn visit_u128<E: serde::de::Error>(self, _: u128) -> Result<Tree, E> {
        self.building.number_fault()
    }

    /// Beyond 2^63 a float is most likely an integer that did not fit.
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Tree, E> {
        self.building.spend(1)?;
        if value.is_finite() && value.abs() < 9.2e18 {
            return Ok(Tree::Float(value));
        }
        self.building.number_fault()
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Tree, E> {
        self.building.text(value).map(Tree::from)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Tree, E> {
        self.building.spend(1)?;
        Ok(Tree::Null)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Tree, E> {
        self.visit_unit()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let below = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = self.building.below(Segment::Index(items.len()), || access.next_element_seed(below))? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let below = self.deeper()?;
        let mut map = BTreeMap::new();
        let mut merged = None;
        while let Some(name) = access.next_key_seed(Key(self.building))? {
            let value = self.building.below(Segment::Name(name.clone()), || access.next_value_seed(below))?;
            let merges = self.building.yaml && name == "<<";
            if (merges && merged.is_some()) || map.contains_key(&name) {
                let message = format!("{name} is here twice");
                let fault = Fault::new(self.building.here().name(&name), At::SecondKey, "duplicate-key", message);
                self.building.fault(fault.remedy("remove one of them"))?;
            } else if merges {
                merged = Some(value);
            } else {
                map.insert(name, value);
            }
        }
        if let Some(merged) = merged {
            self.merge(&mut map, merged)?;
        }
        Ok(Tree::Map(map.into()))
    }

    /// Only YAML's own tags arrive untagged; all others look like enums.
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Tree, A::Error> {
        let (tag, contents) = access.variant::<String>()?;
        if self.building.tags == Tags::Kept {
            let name = format!("!{tag}");
            let below = self.deeper()?;
            let value = self.building.below(Segment::Name(name.clone()), || contents.newtype_variant_seed(below))?;
            return Ok(Tree::Map([(name, value)].into()));
        }
        let fault =
            Fault::new(self.building.here(), At::Value, "unknown-tag", format!("the tag !{tag} means nothing here"));
        self.building.fault(fault.remedy("write the value itself; variables are written ${var.NAME}"))?;
        contents.newtype_variant_seed(self)
    }
}

/// Reads a key, which must be a string.
struct Key<'a>(&'a Building<'a>);

impl Key<'_> {
    fn odd<E: serde::de::Error>(self, text: String, noun: &str) -> Result<String, E> {
        let message = format!("the key {text} is {noun}; keys are strings");
        let fault = Fault::new(self.0.here().name(&text), At::Key, "key-not-a-string", message);
        self.0.fault(fault.remedy(format!("write \"{text}\"")))?;
        Ok(text)
    }

    fn complex<E: serde::de::Error>(self, noun: &str) -> Result<String, E> {
        let message = format!("a key is {noun}; keys are strings");
        self.0.fault(Fault::new(self.0.here(), At::Value, "key-not-a-string", message))?;
        self.0.stop()
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<String, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<String, E> {
        self.0.text(key)
    }

    fn visit_bool<E: serde::de::Error>(self, key: bool) -> Result<String, E> {
        self.odd(key.to_string(), "a boolean")
    }

    fn visit_i64<E: serde::de::Error>(self, key: i64) -> Result<String, E> {
        self.odd(key.to_string(), "a number")
    }

    fn visit_u64<E: serde::de::Error>(self, key: u64) -> Result<String, E> {
        self.odd(key.to_string(), "a number")
    }

    fn visit_i128<E: serde::de::Error>(self, key: i128) -> Result<String, E> {
        self.odd(key.to_string(), "a number")
    }

    fn visit_u128<E: serde::de::Error>(self, key: u128) -> Result<String, E> {
        self.odd(key.to_string(), "a number")
    }

    fn visit_f64<E: serde::de::Error>(self, key: f64) -> Result<String, E> {
        self.odd(key.to_string(), "a number")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<String, E> {
        self.odd("null".to_owned(), "null")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        self.complex("a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        self.complex("a map")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        self.complex("tagged")
    }
}
