//! The shape table: what AWS's structures are made of, for every service, as data.
//!
//! `tables/*.txt` is written by `tables/generate.py`, which also documents the format. One table serves the reader of
//! manifests, the bridge to the SDK, the codecs and the embedded cloud.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{Name, Tree};

/// All shapes and operations of one service.
#[derive(Debug, Default)]
pub struct Table {
    /// The name as in signatures and SDK crates: `ecs`.
    pub service: &'static str,
    /// `json1.1`, `query`, …
    pub protocol: &'static str,
    /// What precedes the operation in `X-Amz-Target`.
    pub target: &'static str,
    pub operations: BTreeMap<&'static str, Operation>,
    pub shapes: BTreeMap<&'static str, Shape>,
}

/// Names of an operation's shapes.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub name: &'static str,
    pub input: &'static str,
    pub output: &'static str,
    pub errors: Vec<&'static str>,
}

/// What a value must look like.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Structure(Structure),
    List {
        item: &'static str,
    },
    Map {
        key: &'static str,
        value: &'static str,
    },
    Text(Text),
    /// Whole numbers of 32 bits.
    Integer(Range),
    /// Whole numbers of 64 bits.
    Long(Range),
    /// Single or double precision.
    Float(Range),
    Boolean,
    /// Epoch seconds.
    Timestamp,
    /// Base64 text.
    Blob,
    /// Anything.
    Document,
}

/// A structure, a union (exactly one member is set) or an error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Structure {
    pub union: bool,
    pub error: bool,
    /// By name.
    pub members: BTreeMap<&'static str, Member>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Member {
    pub shape: &'static str,
    pub required: bool,
    pub sensitive: bool,
    /// Named in `tables/*.zero.txt`.
    pub zero_filled: bool,
    /// What a request's form calls it, where that is not its name (EC2).
    form: Option<&'static str>,
    /// What an answer calls it, where that is not its name with a small first letter (EC2).
    xml: Option<&'static str>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    pub sensitive: bool,
    /// The allowed values; empty where any text is.
    pub values: Vec<&'static str>,
    /// In characters.
    pub length: Range,
}

/// Inclusive bounds; absent ones do not bind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Range {
    pub min: Option<f64>,
    pub max: Option<f64>,
}

impl Member {
    /// What EC2 calls the member `name` in a request's form.
    pub fn in_form<'a>(&self, name: &'a str) -> &'a str
    where
        'static: 'a,
    {
        self.form.unwrap_or(name)
    }

    /// What EC2 calls the member `name` in an answer.
    pub fn in_xml(&self, name: &str) -> Cow<'static, str> {
        let small = || {
            let mut letters = name.chars();
            letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
        };
        self.xml.map_or_else(|| Cow::Owned(small()), Cow::Borrowed)
    }
}

static ECS: LazyLock<Table> = LazyLock::new(|| {
    let table = parse(include_str!("tables/ecs.txt"));
    table.and_then(|table| mark_zero_filled(table, include_str!("tables/ecs.zero.txt"))).unwrap_or_default()
});

static EC2: LazyLock<Table> = LazyLock::new(|| parse(include_str!("tables/ec2.txt")).unwrap_or_default());

/// Where the tables are from: `botocore 1.43.126, ecs 2014-11-13`.
pub fn source() -> &'static str {
    let first = include_str!("tables/ecs.txt").lines().next().unwrap_or_default();
    first.trim_start_matches("# From ").split(';').next().unwrap_or_default()
}

/// The table of a service, by the name its requests are signed for.
pub fn table(service: &str) -> Option<&'static Table> {
    match service {
        "ecs" => Some(ecs()),
        "ec2" => Some(ec2()),
        _ => None,
    }
}

/// Amazon ECS.
pub fn ecs() -> &'static Table {
    &ECS
}

/// Amazon EC2: the operations named in `tables/ec2.operations.txt`.
pub fn ec2() -> &'static Table {
    &EC2
}

impl Table {
    /// The input structure of an operation.
    pub fn input(&self, operation: &str) -> Option<&Structure> {
        self.structure(self.operations.get(operation)?.input)
    }

    /// The output structure of an operation.
    pub fn output(&self, operation: &str) -> Option<&Structure> {
        self.structure(self.operations.get(operation)?.output)
    }

    /// The members that the SDK sends as zero when they are absent: absent equals its zero there, in both directions.
    pub fn zero_filled<'a>(&'a self, structure: &'a str) -> impl Iterator<Item = (&'static str, Tree)> + 'a {
        let members = self.structure(structure).into_iter().flat_map(|structure| &structure.members);
        members.filter(|(_, member)| member.zero_filled).filter_map(|(name, member)| {
            let zero = match self.shapes.get(member.shape)? {
                Shape::Integer(_) | Shape::Long(_) => Tree::Int(0),
                Shape::Float(_) => Tree::Float(0.0),
                Shape::Boolean => Tree::Bool(false),
                Shape::Text(_) => Tree::Text(Box::default()),
                _ => return None,
            };
            Some((*name, zero))
        })
    }

    /// A tree of the structure with the zeros that the SDK fills in, at every depth.
    pub fn with_zeros(&self, structure: &Structure, tree: &Tree) -> Tree {
        let Tree::Map(map) = tree else { return tree.clone() };
        let member = |(name, value): (&Name, &Tree)| {
            let shape = structure.members.get(name.as_str()).map(|member| member.shape);
            (name.clone(), shape.map_or_else(|| value.clone(), |shape| self.value_with_zeros(shape, value)))
        };
        Tree::Map(map.iter().map(member).collect())
    }

    fn value_with_zeros(&self, shape: &str, value: &Tree) -> Tree {
        match (self.shapes.get(shape), value) {
            (Some(Shape::Structure(structure)), Tree::Map(_)) => {
                let mut filled = self.with_zeros(structure, value);
                for (name, zero) in self.zero_filled(shape) {
                    if filled.get(name).is_none() {
                        filled.set(name, zero);
                    }
                }
                filled
            }
            (Some(Shape::List { item }), Tree::List(items)) => {
                Tree::List(items.iter().map(|value| self.value_with_zeros(item, value)).collect())
            }
            (Some(Shape::Map { value: shape, .. }), Tree::Map(entries)) => {
                let entry = |(name, value): (&Name, &Tree)| (name.clone(), self.value_with_zeros(shape, value));
                Tree::Map(entries.iter().map(entry).collect())
            }
            (_, value) => value.clone(),
        }
    }

    /// The structure of that name.
    pub fn structure(&self, name: &str) -> Option<&Structure> {
        match self.shapes.get(name)? {
            Shape::Structure(structure) => Some(structure),
            _ => None,
        }
    }
}

/// Reads the format that `tables/generate.py` writes; `None` at the first line that is not in it.
fn parse(text: &'static str) -> Option<Table> {
    let mut table = Table::default();
    let mut open: Option<&'static str> = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&'static str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        if line.starts_with(' ') {
            let Shape::Structure(structure) = table.shapes.get_mut(open?)? else { return None };
            let (name, member) = member(&words)?;
            structure.members.insert(name, member);
            continue;
        }
        let (head, rest) = words.split_first()?;
        match (*head, rest) {
            ("service", [service, protocol, target]) => {
                (table.service, table.protocol, table.target) = (service, protocol, target);
            }
            ("operation", [name, input, output, errors @ ..]) => {
                let operation = Operation { name, input, output, errors: errors.to_vec() };
                table.operations.insert(name, operation);
            }
            (kind, [name, rest @ ..]) => {
                open = Some(name);
                table.shapes.insert(name, shape(kind, rest)?);
            }
            _ => return None,
        }
    }
    Some(table)
}

/// Reads lines of `STRUCTURE MEMBER`, as a test derives them from the SDK.
fn mark_zero_filled(mut table: Table, text: &str) -> Option<Table> {
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (structure, member) = line.split_once(' ')?;
        let Shape::Structure(structure) = table.shapes.get_mut(structure)? else { return None };
        structure.members.get_mut(member)?.zero_filled = true;
    }
    Some(table)
}

fn member(words: &[&'static str]) -> Option<(&'static str, Member)> {
    let [name, shape, flags @ ..] = words else { return None };
    let member = Member {
        shape,
        required: flags.contains(&"required"),
        sensitive: flags.contains(&"sensitive"),
        zero_filled: false,
        form: after("form", flags),
        xml: after("xml", flags),
    };
    Some((name, member))
}

fn shape(kind: &str, words: &[&'static str]) -> Option<Shape> {
    Some(match (kind, words) {
        ("structure" | "union", flags) => Shape::Structure(Structure {
            union: kind == "union",
            error: flags.contains(&"error"),
            members: BTreeMap::new(),
        }),
        ("list", [item]) => Shape::List { item },
        ("map", [key, value]) => Shape::Map { key, value },
        ("string", rest) => Shape::Text(Text {
            sensitive: rest.contains(&"sensitive"),
            values: after("enum", rest).map(|values| values.split('|').collect()).unwrap_or_default(),
            length: range("length", rest),
        }),
        ("integer", rest) => Shape::Integer(range("range", rest)),
        ("long", rest) => Shape::Long(range("range", rest)),
        ("float" | "double", rest) => Shape::Float(range("range", rest)),
        ("boolean", []) => Shape::Boolean,
        ("timestamp", []) => Shape::Timestamp,
        ("blob", []) => Shape::Blob,
        ("document", []) => Shape::Document,
        _ => return None,
    })
}

/// The word that follows `word`.
fn after(word: &str, words: &[&'static str]) -> Option<&'static str> {
    let at = words.iter().position(|candidate| *candidate == word)?;
    words.get(at + 1).copied()
}

fn range(word: &str, words: &[&'static str]) -> Range {
    let Some(at) = words.iter().position(|candidate| *candidate == word) else { return Range::default() };
    let bound = |offset: usize| words.get(at + offset).and_then(|text| text.parse().ok());
    Range { min: bound(1), max: bound(2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_ecs_is_whole() {
        let table = ecs();
        assert_eq!((table.service, table.protocol), ("ecs", "json1.1"));
        assert_eq!(table.operations.len(), 88);
        for operation in table.operations.values() {
            for name in [operation.input, operation.output].iter().chain(&operation.errors) {
                assert!(table.structure(name).is_some(), "{}: {name}", operation.name);
            }
        }
    }

    #[test]
    fn ec2_names_its_members_in_three_ways() {
        let table = ec2();
        assert_eq!((table.service, table.protocol), ("ec2", "ec2"));
        let asked = include_str!("tables/ec2.operations.txt").split_whitespace().count();
        assert_eq!((table.operations.len(), asked), (59, 59));
        let filters = table.input("DescribeSubnets").unwrap().members["Filters"];
        let subnets = table.output("DescribeSubnets").unwrap().members["Subnets"];
        let pairs = table.structure("IpPermission").unwrap().members["UserIdGroupPairs"];
        assert_eq!((filters.in_form("Filters"), subnets.in_xml("Subnets")), ("Filter", "subnetSet".into()));
        assert_eq!((pairs.in_form("UserIdGroupPairs"), pairs.in_xml("UserIdGroupPairs")), ("Groups", "groups".into()));
        let port = table.structure("IpPermission").unwrap().members["FromPort"];
        assert_eq!((port.in_form("FromPort"), port.in_xml("FromPort")), ("FromPort", "fromPort".into()));
    }

    #[test]
    fn every_name_leads_somewhere() {
        for (name, shape) in ecs().shapes.iter().chain(&ec2().shapes) {
            let targets: Vec<&str> = match shape {
                Shape::Structure(structure) => structure.members.values().map(|member| member.shape).collect(),
                Shape::List { item } => vec![item],
                Shape::Map { key, value } => vec![key, value],
                _ => vec![],
            };
            let known = |target: &&str| ecs().shapes.contains_key(target) || ec2().shapes.contains_key(target);
            assert!(targets.iter().all(known), "{name}");
        }
    }

    #[test]
    fn keeps_required_enum_and_range() {
        let table = ecs();
        let create = table.input("CreateService").unwrap();
        assert!(create.members["serviceName"].required);
        assert!(!create.members["cluster"].required);
        let Shape::Text(launch) = &table.shapes["LaunchType"] else { panic!("LaunchType is text") };
        assert!(launch.values.contains(&"FARGATE"));
        assert_eq!(table.shapes["PortNumber"], Shape::Integer(Range { min: Some(0.0), max: Some(65535.0) }));
    }
}
