//! Another tool's spelling of an object as AWS's API has it: names are found by their letters alone, whatever their case
//! and underscores, and values become what the shape asks for. Must not know: any tool; their exceptions are data.

use crate::shape::table::{Shape, Structure};
use crate::shape::{Name, Path, Tree, table};

use super::yaml::Remarks;

/// A name, by its letters, and where its value belongs instead.
pub type Exception = (&'static str, &'static [&'static str]);

/// What a value of the source comes to.
pub enum Step {
    /// The value, where it stands, and what is to be said of it in the manifest.
    Value(Tree, Path, Option<String>),
    Absent,
}

/// The way from one spelling to the other.
pub struct Converter<'a> {
    pub exceptions: &'a [Exception],
    /// Names of which nothing is to be said.
    pub dropped: &'a [&'a str],
    pub resolve: &'a mut dyn FnMut(&Tree, &Path) -> Step,
    /// What has no place, by where it stands in the source.
    pub unknown: Vec<(Path, Path)>,
    pub remarks: Remarks,
}

impl Converter<'_> {
    /// The members of a map as those of the structure; `at` is where it stands in the source.
    pub fn structure(&mut self, structure: &Structure, tree: &Tree, at: &Path, target: &Path) -> Tree {
        let mut spec = Tree::map();
        let Tree::Map(map) = tree else { return spec };
        for (name, value) in map {
            let here = at.name(name);
            let letters = letters(name);
            if self.dropped.contains(&letters.as_str()) {
                continue;
            }
            let known = structure.members.iter().find(|(member, _)| self::letters(member) == letters);
            let exception = self.exceptions.iter().find(|(from, to)| {
                *from == letters && to.first().is_some_and(|first| structure.members.contains_key(*first))
            });
            let way: Vec<&str> = match (known, exception) {
                (Some((member, _)), _) => vec![*member],
                (None, Some((_, to))) => to.to_vec(),
                // It says nothing.
                (None, None) if value.is_empty() => continue,
                (None, None) => {
                    self.unknown.push((here, target.name(name)));
                    continue;
                }
            };
            let below = way.iter().fold(target.clone(), |path, name| path.name(name));
            let Some(shape) = shape_of(structure, &way) else { continue };
            if let Some(value) = self.value(shape, value, &here, &below) {
                set(&mut spec, &way, value);
            }
        }
        spec
    }

    fn value(&mut self, shape: &'static Shape, tree: &Tree, at: &Path, target: &Path) -> Option<Tree> {
        let (tree, at, remark) = match (self.resolve)(tree, at) {
            Step::Value(tree, at, remark) => (tree, at, remark),
            Step::Absent => return None,
        };
        if let Some(remark) = remark {
            self.remarks.entry(target.clone()).or_default().push(remark);
        }
        let ecs = table::ecs();
        Some(match (shape, &tree) {
            (Shape::Structure(structure), Tree::Map(_)) => self.structure(structure, &tree, &at, target),
            // Terraform's blocks.
            (Shape::Structure(structure), Tree::List(items)) => match items.as_slice() {
                [] => return None,
                [one] => self.structure(structure, one, &at.index(0), target),
                _ => tree,
            },
            (Shape::List { item }, Tree::List(items)) => {
                let shape = ecs.shapes.get(item)?;
                let mut all = Vec::new();
                for (index, value) in items.iter().enumerate() {
                    let below = target.index(all.len());
                    all.extend(self.value(shape, value, &at.index(index), &below));
                }
                Tree::List(all)
            }
            (Shape::List { item }, Tree::Map(map)) => pairs(item, map).unwrap_or(Tree::List(vec![tree.clone()])),
            // A variable that stands for a list is one of its items.
            (Shape::List { .. }, Tree::Text(text)) if !text.is_empty() => Tree::List(vec![tree.clone()]),
            (Shape::Map { value: shape, .. }, Tree::Map(map)) => {
                let shape = ecs.shapes.get(shape)?;
                let mut entries = Tree::map();
                for (name, value) in map {
                    if let Some(value) = self.value(shape, value, &at.name(name), &target.name(name)) {
                        entries.set(name, value);
                    }
                }
                entries
            }
            _ => scalar(shape, tree),
        })
    }
}

/// A name without what spellings differ in.
pub fn letters(name: &str) -> String {
    name.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect()
}

fn shape_of(structure: &Structure, way: &[&str]) -> Option<&'static Shape> {
    let (first, rest) = way.split_first()?;
    let shape = table::ecs().shapes.get(structure.members.get(first)?.shape)?;
    match shape {
        Shape::Structure(inner) if !rest.is_empty() => shape_of(inner, rest),
        shape => Some(shape),
    }
}

fn set(spec: &mut Tree, way: &[&str], value: Tree) {
    match way {
        [name] => spec.set(name, value),
        [name, rest @ ..] => {
            let mut inner = spec.remove(name).unwrap_or_else(Tree::map);
            set(&mut inner, rest, value);
            spec.set(name, inner);
        }
        [] => {}
    }
}

/// A map where AWS has a list of pairs.
fn pairs(item: &str, map: &crate::shape::Map) -> Option<Tree> {
    let structure = table::ecs().structure(item)?;
    let key = ["key", "name"].into_iter().find(|name| structure.members.contains_key(name))?;
    structure.members.get("value")?;
    let pair = |(name, value): (&Name, &Tree)| {
        crate::tree! { key => name, "value" => scalar(&Shape::Text(table::Text::default()), value.clone()) }
    };
    Some(Tree::List(map.iter().map(pair).collect()))
}

/// A number written as a text, a text written as a number, a switch written as a word.
fn scalar(shape: &Shape, tree: Tree) -> Tree {
    match (shape, &tree) {
        (Shape::Text(rule), Tree::Bool(on)) if rule.values.contains(&"ENABLED") => {
            Tree::from(if *on { "ENABLED" } else { "DISABLED" })
        }
        (Shape::Text(_), Tree::Int(_) | Tree::Bool(_) | Tree::Float(_)) => Tree::from(crate::shape::json::write(&tree)),
        (Shape::Integer(_) | Shape::Long(_), Tree::Text(text)) => text.trim().parse().map(Tree::Int).unwrap_or(tree),
        (Shape::Integer(_) | Shape::Long(_), Tree::Float(float)) if float.fract() == 0.0 => Tree::Int(*float as i64),
        (Shape::Boolean, Tree::Text(text)) => text.trim().to_lowercase().parse().map(Tree::Bool).unwrap_or(tree),
        _ => tree,
    }
}
