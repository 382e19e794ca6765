//! Trees drawn from the shape table: valid ones, and valid ones with one thing wrong.

use ecs_operator::shape::table::{Range, Shape, Structure, Table, Text};
use ecs_operator::shape::{Map, Path, Segment, Tree};
use ecs_operator::tree;

/// Deeper than any shape of ECS; ends a recursive one.
const DEPTH_MAX: usize = 24;

/// A seeded source of valid trees.
pub struct Draw<'a> {
    pub table: &'a Table,
    pub rng: fastrand::Rng,
}

impl Draw<'_> {
    /// A valid tree of the structure, with each optional member present or absent by chance.
    pub fn structure(&mut self, structure: &Structure, depth: usize) -> Tree {
        let names: Vec<&str> = structure.members.keys().copied().collect();
        let only = structure.union.then(|| self.rng.choice(&names).copied()).flatten();
        let mut map = Map::new();
        for (name, member) in &structure.members {
            let wanted = match only {
                Some(only) => only == *name,
                None => member.required || (depth < DEPTH_MAX && self.rng.u8(0..10) < 4),
            };
            if wanted {
                map.insert((*name).to_owned(), self.value(member.shape, depth + 1));
            }
        }
        Tree::Map(map)
    }

    fn value(&mut self, shape: &str, depth: usize) -> Tree {
        match &self.table.shapes[shape] {
            Shape::Structure(structure) => self.structure(structure, depth),
            Shape::List { item } => {
                let count = self.rng.usize(0..3);
                Tree::List((0..count).map(|_| self.value(item, depth)).collect())
            }
            Shape::Map { key, value } => {
                let count = self.rng.usize(0..3);
                let entry = |draw: &mut Self| {
                    let name = draw.value(key, depth).as_text().unwrap_or("k").to_owned();
                    (name, draw.value(value, depth))
                };
                Tree::Map((0..count).map(|_| entry(self)).collect())
            }
            Shape::Text(text) => self.text(text),
            Shape::Integer(range) => Tree::Int(self.int(*range, i64::from(i32::MIN), i64::from(i32::MAX))),
            // Beyond 2^53 JSON readers of other languages round; ours must not.
            Shape::Long(range) => Tree::Int(self.int(*range, i64::MIN, i64::MAX)),
            Shape::Float(range) => Tree::Float(
                self.int(*range, -1_000_000, 1_000_000) as f64 + 0.5 - 0.5 * f64::from(u8::from(range.max.is_some())),
            ),
            Shape::Boolean => Tree::Bool(self.rng.bool()),
            Shape::Timestamp => Tree::Float(self.rng.i64(0..4_000_000_000_000) as f64 / 1000.0),
            Shape::Blob => Tree::Text("aGk=".into()),
            Shape::Document => {
                tree! { "any" => vec![Tree::Int(-1), Tree::Float(0.5), Tree::Bool(true)], "text" => "x" }
            }
        }
    }

    fn text(&mut self, rule: &Text) -> Tree {
        if let Some(value) = self.rng.choice(&rule.values) {
            return (*value).into();
        }
        let least = rule.length.min.unwrap_or(0.0) as usize;
        let most = rule.length.max.map_or(least + 12, |max| (max as usize).min(least + 12));
        let length = self.rng.usize(least..=most);
        let alphabet: Vec<char> = "abcXYZ019-_ /:.,\"\\{}$é☃\n\t".chars().collect();
        Tree::Text((0..length).map(|_| alphabet[self.rng.usize(0..alphabet.len())]).collect())
    }

    fn int(&mut self, range: Range, least: i64, most: i64) -> i64 {
        let least = range.min.map_or(least, |min| min as i64);
        let most = range.max.map_or(most, |max| max as i64);
        match self.rng.u8(0..4) {
            0 => least,
            1 => most,
            _ => self.rng.i64(least..=most),
        }
    }
}

/// One thing made wrong, and where.
#[derive(Debug)]
pub struct Mutation {
    pub tree: Tree,
    pub at: Path,
    pub kind: &'static str,
}

/// Every place of the tree, with each thing that can be made wrong there: one mutation each.
pub fn mutations(table: &Table, structure: &Structure, tree: &Tree) -> Vec<Mutation> {
    let mut found = Vec::new();
    in_structure(table, structure, tree, &Path::root(), &mut |at, kind, value| {
        found.push(Mutation { tree: replaced(tree, &at.0, value), at, kind });
    });
    found
}

type Report<'r> = &'r mut dyn FnMut(Path, &'static str, Option<Tree>);

fn in_structure(table: &Table, structure: &Structure, tree: &Tree, at: &Path, report: Report<'_>) {
    let map = tree.as_map().unwrap();
    if !structure.union {
        let known = structure.members.keys().next().map_or("x".to_owned(), |name| format!("{name}x"));
        report(at.name(&known), "unknown", Some(Tree::Int(1)));
    }
    for (name, value) in map {
        let member = structure.members[name.as_str()];
        if member.required && !structure.union {
            report(at.name(name), "missing", None);
        }
        in_value(table, &table.shapes[member.shape], value, &at.name(name), report);
    }
}

fn in_value(table: &Table, shape: &Shape, value: &Tree, at: &Path, report: Report<'_>) {
    if *shape == Shape::Document {
        return;
    }
    report(at.clone(), "null", Some(Tree::Null));
    let wrong = match shape {
        Shape::Text(_) | Shape::Blob => Tree::Int(7),
        Shape::Structure(_) | Shape::Map { .. } => Tree::List(vec![]),
        Shape::List { .. } => Tree::map(),
        _ => Tree::Text("seven".into()),
    };
    report(at.clone(), "wrong type", Some(wrong));
    match (shape, value) {
        (Shape::Structure(structure), value) => in_structure(table, structure, value, at, report),
        (Shape::List { item }, Tree::List(items)) => {
            for (index, value) in items.iter().enumerate() {
                in_value(table, &table.shapes[item], value, &at.index(index), report);
            }
        }
        (Shape::Map { value: shape, .. }, Tree::Map(entries)) => {
            for (name, value) in entries {
                in_value(table, &table.shapes[shape], value, &at.name(name), report);
            }
        }
        (Shape::Text(text), Tree::Text(found)) if !text.values.is_empty() => {
            report(at.clone(), "enum", Some(format!("{found}_").into()));
        }
        _ => {}
    }
}

fn replaced(tree: &Tree, path: &[Segment], value: Option<Tree>) -> Tree {
    let Some((first, rest)) = path.split_first() else { return value.unwrap_or_default() };
    let mut tree = tree.clone();
    match (&mut tree, first) {
        (Tree::Map(map), Segment::Name(name)) if rest.is_empty() && value.is_none() => drop(map.remove(name)),
        (Tree::Map(map), Segment::Name(name)) => {
            let below = map.get(name).cloned().unwrap_or_default();
            map.insert(name.clone(), replaced(&below, rest, value));
        }
        (Tree::List(items), Segment::Index(index)) => items[*index] = replaced(&items[*index].clone(), rest, value),
        _ => panic!("no such path"),
    }
    tree
}
