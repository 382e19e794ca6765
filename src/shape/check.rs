//! A tree against its shape: every problem, each at its path.

use super::near::nearest;
use super::table::{Member, Range, Shape, Structure, Table, Text};
use super::{Path, Tree};

/// One place where a tree does not fit its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// The offending value; for a missing member, where it should be.
    pub path: Path,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    WrongType {
        expected: &'static str,
        found: Tree,
    },
    Unknown {
        name: String,
        near: Option<&'static str>,
    },
    Null,
    Missing {
        name: &'static str,
    },
    NotOneOf {
        found: String,
        values: Vec<&'static str>,
        near: Option<&'static str>,
    },
    OutOfRange {
        found: String,
        range: Range,
    },
    /// A union has this many members set instead of one.
    NotOneMember {
        set: usize,
    },
}

impl Mismatch {
    /// What to do about it, where that is not plain from the message.
    pub fn remedy(&self) -> Option<String> {
        match &self.what {
            What::Unknown { near: Some(near), .. } | What::NotOneOf { near: Some(near), .. } => {
                Some(format!("did you mean {near}?"))
            }
            What::WrongType { expected: "a string", found: Tree::Int(int) } => Some(format!("write \"{int}\"")),
            What::WrongType { expected: "a string", found: Tree::Bool(bool) } => Some(format!("write \"{bool}\"")),
            What::WrongType { expected, found: Tree::Text(text) } if expected.contains("integer") => {
                text.parse::<i64>().is_ok().then(|| format!("write {text} without quotes"))
            }
            What::Null => Some("leave the member out, or give it a value".into()),
            _ => None,
        }
    }
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = &self.path;
        match &self.what {
            What::WrongType { expected, found } => write!(f, "{path} must be {expected}, but is {}", found.noun()),
            What::Unknown { name, .. } => write!(f, "unknown member {name:?} in {}", place(&path.parent())),
            What::Null => write!(f, "{path} is null"),
            What::Missing { name } => write!(f, "{name} is missing in {}", place(&path.parent())),
            What::NotOneOf { found, values, .. } => {
                write!(f, "{path} must be one of {}, but is {found:?}", values.join(", "))
            }
            What::OutOfRange { found, range } => write!(f, "{path} must be {range}, but is {found}"),
            What::NotOneMember { set } => write!(f, "{path} must have exactly one member, but has {set}"),
        }
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.min, self.max) {
            (Some(min), Some(max)) => write!(f, "from {min} to {max}"),
            (Some(min), None) => write!(f, "at least {min}"),
            (None, Some(max)) => write!(f, "at most {max}"),
            (None, None) => f.write_str("any number"),
        }
    }
}

fn place(path: &Path) -> String {
    if path.0.is_empty() { "the top level".into() } else { path.to_string() }
}

/// How strictly the values of enums and ranges are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Types, names, required members, enums, lengths and ranges.
    Full,
    /// Types only: what a protocol can carry, whatever it means.
    Types,
}

/// Mismatches that come with the word that was likely meant; who has more has seen enough, and looking takes time.
const SUGGESTIONS: usize = 50;

/// Every mismatch of `tree` with the structure, in the tree's order.
pub fn check(table: &Table, structure: &Structure, tree: &Tree, strictness: Strictness) -> Vec<Mismatch> {
    let mut check = Check { table, strictness, path: Path::root(), found: Vec::new() };
    check.structure(structure, tree);
    check.found
}

struct Check<'a> {
    table: &'a Table,
    strictness: Strictness,
    path: Path,
    found: Vec<Mismatch>,
}

impl Check<'_> {
    fn report(&mut self, what: What) {
        self.found.push(Mismatch { path: self.path.clone(), what });
    }

    fn below(&mut self, segment: super::Segment, visit: impl FnOnce(&mut Self)) {
        self.path.0.push(segment);
        visit(self);
        self.path.0.pop();
    }

    fn full(&self) -> bool {
        self.strictness == Strictness::Full
    }

    fn near(&self, word: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
        if self.found.len() < SUGGESTIONS { nearest(word, known) } else { None }
    }

    fn wrong(&mut self, expected: &'static str, found: &Tree) {
        match found {
            Tree::Null => self.report(What::Null),
            found => self.report(What::WrongType { expected, found: found.clone() }),
        }
    }

    fn structure(&mut self, structure: &Structure, tree: &Tree) {
        let Tree::Map(map) = tree else { return self.wrong("a map", tree) };
        for (name, value) in map {
            self.below(super::Segment::Name(name.to_string()), |check| match structure.members.get(name.as_str()) {
                Some(member) => check.value(member.shape, value),
                None if check.full() => {
                    let near = check.near(name, structure.members.keys().copied());
                    check.report(What::Unknown { name: name.to_string(), near });
                }
                None => {}
            });
        }
        if !self.full() {
            return;
        }
        let absent = |(name, member): &(&&'static str, &Member)| member.required && !map.contains_key(name);
        for (name, _) in structure.members.iter().filter(absent) {
            self.below(super::Segment::Name((*name).to_owned()), |check| check.report(What::Missing { name }));
        }
        if structure.union && map.len() != 1 {
            self.report(What::NotOneMember { set: map.len() });
        }
    }

    fn value(&mut self, shape: &str, tree: &Tree) {
        match (self.table.shapes.get(shape), tree) {
            (None | Some(Shape::Document), _) => {}
            (_, Tree::Null) => self.report(What::Null),
            (Some(Shape::Structure(structure)), _) => self.structure(structure, tree),
            (Some(Shape::List { item }), Tree::List(items)) => {
                for (index, value) in items.iter().enumerate() {
                    self.below(super::Segment::Index(index), |check| check.value(item, value));
                }
            }
            (Some(Shape::List { .. }), _) => self.wrong("a list", tree),
            (Some(Shape::Map { value, .. }), Tree::Map(entries)) => {
                for (name, entry) in entries {
                    self.below(super::Segment::Name(name.to_string()), |check| check.value(value, entry));
                }
            }
            (Some(Shape::Map { .. }), _) => self.wrong("a map", tree),
            (Some(Shape::Text(rule)), Tree::Text(text)) => self.text(rule, text),
            (Some(Shape::Blob), Tree::Text(_)) | (Some(Shape::Boolean), Tree::Bool(_)) => {}
            (Some(Shape::Text(_) | Shape::Blob), _) => self.wrong("a string", tree),
            (Some(Shape::Boolean), _) => self.wrong("true or false", tree),
            (Some(Shape::Integer(range)), Tree::Int(int)) if i32::try_from(*int).is_ok() => {
                self.range(*range, *int as f64, tree);
            }
            (Some(Shape::Integer(_)), Tree::Int(_)) => self.wrong("a 32-bit integer", tree),
            (Some(Shape::Integer(_)), _) => self.wrong("an integer", tree),
            (Some(Shape::Long(range)), Tree::Int(int)) => self.range(*range, *int as f64, tree),
            (Some(Shape::Long(_)), _) => self.wrong("an integer", tree),
            (Some(Shape::Float(range)), Tree::Int(int)) => self.range(*range, *int as f64, tree),
            (Some(Shape::Float(range)), Tree::Float(float)) => self.range(*range, *float, tree),
            (Some(Shape::Timestamp), Tree::Int(_) | Tree::Float(_)) => {}
            (Some(Shape::Float(_)), _) => self.wrong("a number", tree),
            (Some(Shape::Timestamp), _) => self.wrong("epoch seconds", tree),
        }
    }

    fn text(&mut self, rule: &Text, text: &str) {
        if !self.full() {
            return;
        }
        if !rule.values.is_empty() && !rule.values.contains(&text) {
            let near = self.near(text, rule.values.iter().copied());
            return self.report(What::NotOneOf { found: text.to_owned(), values: rule.values.clone(), near });
        }
        let length = text.chars().count();
        if outside(rule.length, length as f64) {
            self.report(What::OutOfRange { found: format!("{length} characters long"), range: rule.length });
        }
    }

    fn range(&mut self, range: Range, number: f64, tree: &Tree) {
        if self.full() && outside(range, number) {
            let found = match tree {
                Tree::Int(int) => int.to_string(),
                _ => number.to_string(),
            };
            self.report(What::OutOfRange { found, range });
        }
    }
}

fn outside(range: Range, number: f64) -> bool {
    range.min.is_some_and(|min| number < min) || range.max.is_some_and(|max| number > max)
}

/// Texts that came from variables, read as what the shape wants: `"3"` becomes 3 where an integer is due.
///
/// Only the texts at the given paths are touched; what does not parse stays as it is, for [`check`] to name.
pub fn retype(table: &Table, structure: &Structure, tree: &mut Tree, paths: &[Path]) {
    for path in paths {
        let Some(shape) = shape_at(table, structure, path) else { continue };
        let Some(node) = find_mut(tree, path) else { continue };
        let Tree::Text(text) = &*node else { continue };
        let typed = match shape {
            Shape::Integer(_) | Shape::Long(_) => text.parse().ok().map(Tree::Int),
            Shape::Float(_) => text.parse().ok().map(Tree::Float),
            Shape::Boolean => text.parse().ok().map(Tree::Bool),
            _ => None,
        };
        if let Some(typed) = typed {
            *node = typed;
        }
    }
}

/// The shape of the value that a path leads to.
pub fn shape_at<'a>(table: &'a Table, structure: &'a Structure, path: &Path) -> Option<&'a Shape> {
    use super::Segment;
    let (first, rest) = path.0.split_first()?;
    let Segment::Name(name) = first else { return None };
    let mut shape = table.shapes.get(structure.members.get(name.as_str())?.shape)?;
    for segment in rest {
        let next = match (shape, segment) {
            (Shape::Structure(structure), Segment::Name(name)) => structure.members.get(name.as_str())?.shape,
            (Shape::List { item }, Segment::Index(_)) => item,
            (Shape::Map { value, .. }, Segment::Name(_)) => value,
            _ => return None,
        };
        shape = table.shapes.get(next)?;
    }
    Some(shape)
}

fn find_mut<'a>(tree: &'a mut Tree, path: &Path) -> Option<&'a mut Tree> {
    path.0.iter().try_fold(tree, |tree, segment| match (tree, segment) {
        (Tree::Map(map), super::Segment::Name(name)) => map.get_mut(name),
        (Tree::List(items), super::Segment::Index(index)) => items.get_mut(*index),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::near::work;
    use super::super::table::ecs;
    use super::*;
    use crate::tree;

    fn problems(operation: &str, tree: &Tree) -> Vec<String> {
        let table = ecs();
        check(table, table.input(operation).unwrap(), tree, Strictness::Full)
            .into_iter()
            .map(|one| format!("{one}{}", one.remedy().map(|remedy| format!("; {remedy}")).unwrap_or_default()))
            .collect()
    }

    #[test]
    fn names_every_problem_at_its_path() {
        let tree = tree! {
            "family" => 1,
            "containerDefinitions" => vec![
                tree! { "name" => "a", "imgae" => "x", "cpu" => "1", "essential" => "yes" },
                tree! { "name" => Tree::Null },
            ],
            "runtimePlatform" => tree! { "cpuArchitecture" => "ARM" },
        };
        assert_eq!(
            problems("RegisterTaskDefinition", &tree),
            [
                "containerDefinitions[0].cpu must be an integer, but is a string; write 1 without quotes",
                "containerDefinitions[0].essential must be true or false, but is a string",
                "unknown member \"imgae\" in containerDefinitions[0]; did you mean image?",
                "containerDefinitions[1].name is null; leave the member out, or give it a value",
                "family must be a string, but is an integer; write \"1\"",
                "runtimePlatform.cpuArchitecture must be one of X86_64, ARM64, but is \"ARM\"",
            ]
        );
    }

    #[test]
    fn names_what_is_missing_and_what_is_out_of_range() {
        assert_eq!(problems("CreateService", &tree! {}), ["serviceName is missing in the top level"]);
        let weight = tree! {
            "serviceName" => "a",
            "capacityProviderStrategy" => vec![tree! { "capacityProvider" => "FARGATE", "weight" => 1001 }],
        };
        let found = problems("CreateService", &weight);
        assert_eq!(found, ["capacityProviderStrategy[0].weight must be from 0 to 1000, but is 1001"]);
        let huge = tree! { "serviceName" => "a", "desiredCount" => 1_i64 << 31 };
        assert_eq!(problems("CreateService", &huge), ["desiredCount must be a 32-bit integer, but is an integer"]);
    }

    #[test]
    fn looks_for_what_was_meant_only_as_often_as_someone_reads_it() {
        let table = ecs();
        let structure = table.input("CreateService").unwrap();
        let of = |count: usize| {
            let members = (0..count).map(|number| (format!("desiredCoun{number:05}"), Tree::Int(1)));
            let tree = Tree::Map(members.collect());
            let mut found = 0;
            let rows = work::of(|| found = check(table, structure, &tree, Strictness::Full).len());
            (rows, found)
        };
        let ((few, _), (many, found)) = (of(SUGGESTIONS), of(20_000));
        assert!(found >= 20_000 && few > 0, "{found} {few}");
        assert_eq!(few, many);
    }

    #[test]
    fn types_what_variables_gave() {
        let table = ecs();
        let structure = table.input("CreateService").unwrap();
        let mut tree = tree! { "serviceName" => "12", "desiredCount" => "3", "enableExecuteCommand" => "maybe" };
        let paths = ["serviceName", "desiredCount", "enableExecuteCommand"].map(Path::from);
        retype(table, structure, &mut tree, &paths);
        assert_eq!(tree.int("desiredCount"), Some(3));
        assert_eq!(tree.text("serviceName"), Some("12"));
        assert_eq!(tree.text("enableExecuteCommand"), Some("maybe"));
    }
}
