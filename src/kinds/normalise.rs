//! The canonical form, in which equal means equal (design D6): rows of data say what absent means, which lists are
//! sets, which units are one, and what only AWS writes. Must not know: which kind a row belongs to.

use std::collections::BTreeSet;

use crate::shape::{Path, Segment, Tree};

/// One rule at one place.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Names joined by dots; `[]` after a list's name means each of its items.
    pub at: &'static str,
    pub rule: Rule,
}

/// What a row says.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Only AWS writes it; no part of any comparison, and skipped when pasted into a manifest.
    Owned,
    /// Not ours while the manifest leaves it out; an explicit value, `[]` and `{}` included, is.
    Unmanaged,
    /// The structure is always there, if only to hold defaults.
    Present,
    /// What absent means, where the structure around it is there.
    Absent(Default),
    /// What absent means where it depends: on the whole (first) and on the structure around it (second).
    Derived(fn(&Tree, &Tree) -> Option<Tree>),
    /// Another spelling becomes the one ECS returns.
    Spelling(fn(&Tree) -> Option<Tree>),
    /// Order means nothing; items are told apart by these members, or as wholes.
    Set(&'static [&'static str]),
    /// Values that mean the same; each is sent as it is written.
    Alike(&'static [&'static str]),
    /// Values that mean the same as saying nothing; none is sent unless it is written.
    Unsaid(&'static [&'static str]),
    /// A list that may say one thing in several ways: it stands for what the function makes of it.
    Named(fn(&[Tree]) -> Vec<Named>),
}

impl Rule {
    /// The word for the rule in tables of examples.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Owned => "owned",
            Self::Unmanaged => "unmanaged",
            Self::Present => "present",
            Self::Absent(_) => "absent",
            Self::Derived(_) => "derived",
            Self::Spelling(_) => "spelling",
            Self::Set(_) => "set",
            Self::Alike(_) => "alike",
            Self::Unsaid(_) => "unsaid",
            Self::Named(_) => "named",
        }
    }
}

/// One of the things that a list stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    pub name: String,
    /// The item of the list that says so.
    pub index: usize,
    pub value: Tree,
}

/// A default as a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    Bool(bool),
    Int(i64),
    Text(&'static str),
    /// Said out loud where ECS wants the member in any update.
    EmptyList,
}

impl From<Default> for Tree {
    fn from(default: Default) -> Self {
        match default {
            Default::Bool(bool) => Self::Bool(bool),
            Default::Int(int) => Self::Int(int),
            Default::Text(text) => text.into(),
            Default::EmptyList => Self::List(Vec::new()),
        }
    }
}

/// Shorthands, so that a table of rows reads as one.
pub const fn owned(at: &'static str) -> Row {
    Row { at, rule: Rule::Owned }
}

pub const fn unmanaged(at: &'static str) -> Row {
    Row { at, rule: Rule::Unmanaged }
}

pub const fn present(at: &'static str) -> Row {
    Row { at, rule: Rule::Present }
}

pub const fn int(at: &'static str, absent: i64) -> Row {
    Row { at, rule: Rule::Absent(Default::Int(absent)) }
}

pub const fn bool(at: &'static str, absent: bool) -> Row {
    Row { at, rule: Rule::Absent(Default::Bool(absent)) }
}

pub const fn text(at: &'static str, absent: &'static str) -> Row {
    Row { at, rule: Rule::Absent(Default::Text(absent)) }
}

pub const fn list(at: &'static str) -> Row {
    Row { at, rule: Rule::Absent(Default::EmptyList) }
}

pub const fn derived(at: &'static str, rule: fn(&Tree, &Tree) -> Option<Tree>) -> Row {
    Row { at, rule: Rule::Derived(rule) }
}

pub const fn spelling(at: &'static str, rule: fn(&Tree) -> Option<Tree>) -> Row {
    Row { at, rule: Rule::Spelling(rule) }
}

pub const fn set(at: &'static str, keys: &'static [&'static str]) -> Row {
    Row { at, rule: Rule::Set(keys) }
}

pub const fn alike(at: &'static str, values: &'static [&'static str]) -> Row {
    Row { at, rule: Rule::Alike(values) }
}

pub const fn unsaid(at: &'static str, values: &'static [&'static str]) -> Row {
    Row { at, rule: Rule::Unsaid(values) }
}

pub const fn named(at: &'static str, rule: fn(&[Tree]) -> Vec<Named>) -> Row {
    Row { at, rule: Rule::Named(rule) }
}

/// A path as rows have it: `containerDefinitions[].cpu`.
pub fn pattern(path: &Path) -> String {
    let mut text = String::new();
    for segment in &path.0 {
        match segment {
            Segment::Name(name) if text.is_empty() => text.push_str(name),
            Segment::Name(name) => text.push_str(&format!(".{name}")),
            Segment::Index(_) => text.push_str("[]"),
        }
    }
    text
}

/// Both sides in canonical form, ready to be compared: sets are maps, defaults are filled in, empties are gone, and
/// what the manifest leaves unmanaged is on neither side.
pub fn canonical(rows: &[Row], desired: &Tree, observed: &Tree) -> (Tree, Tree) {
    let said = |at: &str| at.split('.').try_fold(desired, |tree, name| tree.get(name));
    let ours = |row: &&Row| matches!(row.rule, Rule::Unmanaged) && said(row.at).is_none_or(|tree| *tree == Tree::Null);
    let leave: Vec<&str> = rows.iter().filter(ours).map(|row| row.at).collect();
    let side = |tree: &Tree| {
        let mut tree = filled(rows, tree);
        for at in &leave {
            let (parent, name) = at.rsplit_once('.').unwrap_or(("", at));
            each(&mut tree, parent, &mut |around| drop(around.remove(name)));
        }
        compact(rows, tree)
    };
    (side(desired), side(observed))
}

/// One side alone in canonical form: what hashes are made of.
pub fn canonical_alone(rows: &[Row], desired: &Tree) -> Tree {
    compact(rows, filled(rows, desired))
}

/// The tree with defaults filled in and units unified, but still of AWS's shape: what an update sends.
pub fn filled(rows: &[Row], tree: &Tree) -> Tree {
    let mut tree = without_nulls(tree);
    for row in rows {
        let (parent, name) = row.at.rsplit_once('.').unwrap_or(("", row.at));
        let whole = match row.rule {
            Rule::Derived(_) if lacks(&tree, parent, name) => Some(tree.clone()),
            Rule::Derived(_) | Rule::Unmanaged | Rule::Set(_) => continue,
            Rule::Alike(_) | Rule::Unsaid(_) | Rule::Named(_) => continue,
            Rule::Owned | Rule::Present | Rule::Absent(_) | Rule::Spelling(_) => None,
        };
        each(&mut tree, parent, &mut |around| fill(row, name, whole.as_ref(), around));
    }
    tree
}

fn fill(row: &Row, name: &str, whole: Option<&Tree>, around: &mut Tree) {
    if !matches!(around, Tree::Map(_)) {
        return;
    }
    let absent = around.get(name).is_none();
    match row.rule {
        Rule::Owned => drop(around.remove(name)),
        Rule::Present if absent => around.set(name, Tree::map()),
        Rule::Absent(default) if absent => around.set(name, default),
        Rule::Derived(derive) if absent => {
            if let Some(value) = whole.and_then(|whole| derive(whole, around)) {
                around.set(name, value);
            }
        }
        Rule::Spelling(respell) => {
            if let Some(value) = around.get(name).and_then(respell) {
                around.set(name, value);
            }
        }
        Rule::Present | Rule::Absent(_) | Rule::Derived(_) | Rule::Unmanaged => {}
        Rule::Set(_) | Rule::Alike(_) | Rule::Unsaid(_) | Rule::Named(_) => {}
    }
}

/// What is written in several ways is written in one; for comparing only.
fn unify(rows: &[Row], tree: &mut Tree) {
    for row in rows.iter().filter(|row| matches!(row.rule, Rule::Alike(_) | Rule::Unsaid(_))) {
        let (parent, name) = row.at.rsplit_once('.').unwrap_or(("", row.at));
        each(tree, parent, &mut |around| {
            let found = |values: &[&str]| around.text(name).is_some_and(|value| values.contains(&value));
            match row.rule {
                Rule::Alike(values) if found(values) => values.iter().take(1).for_each(|one| around.set(name, *one)),
                Rule::Unsaid(values) if found(values) => drop(around.remove(name)),
                _ => {}
            }
        });
    }
}

/// What a list stands for, in its place.
fn name_items(row: &Row, tree: &mut Tree) {
    let Rule::Named(rule) = row.rule else { return };
    each(tree, row.at, &mut |list| {
        if let Tree::List(items) = list {
            *list = Tree::Map(rule(items).into_iter().map(|one| (one.name, one.value)).collect());
        }
    });
}

/// Sets become maps, deepest first, and empties go.
fn compact(rows: &[Row], mut tree: Tree) -> Tree {
    unify(rows, &mut tree);
    rows.iter().for_each(|row| name_items(row, &mut tree));
    let mut sets: Vec<(&str, &[&str])> = rows
        .iter()
        .filter_map(|row| match row.rule {
            Rule::Set(keys) => Some((row.at, keys)),
            _ => None,
        })
        .collect();
    sets.sort_by_key(|(at, _)| std::cmp::Reverse(at.matches('.').count()));
    for (at, keys) in sets {
        each(&mut tree, at, &mut |list| {
            if let Tree::List(items) = list {
                *list = keyed(std::mem::take(items), keys);
            }
        });
    }
    if is_empty_without_empties(&mut tree) { Tree::map() } else { tree }
}

/// A set as a map, by the names of its items.
fn keyed(items: Vec<Tree>, keys: &[&str]) -> Tree {
    let names = item_names(&items, keys);
    Tree::Map(names.into_iter().zip(items).collect())
}

/// What a set's items are called: by the values of the key members, or by the item itself; equal names are numbered.
pub fn item_names(items: &[Tree], keys: &[&str]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let name = |item: &Tree| {
        let parts: Vec<String> = keys.iter().filter_map(|key| item.get(key)).map(plain).collect();
        let base = if parts.is_empty() { plain(item) } else { parts.join("/") };
        let mut name = base.clone();
        let mut nth = 1;
        while !taken.insert(name.clone()) {
            nth += 1;
            name = format!("{base}#{nth}");
        }
        name
    };
    items.iter().map(name).collect()
}

/// The key members of the set at `at`, if it is one.
pub fn set_keys(rows: &[Row], at: &str) -> Option<&'static [&'static str]> {
    rows.iter().filter(|row| row.at == at).find_map(|row| match row.rule {
        Rule::Set(keys) => Some(keys),
        _ => None,
    })
}

/// What a list at `at` stands for, if it is one that may say one thing in several ways.
pub fn named_items(rows: &[Row], at: &str, items: &[Tree]) -> Option<Vec<Named>> {
    rows.iter().filter(|row| row.at == at).find_map(|row| match row.rule {
        Rule::Named(rule) => Some(rule(items)),
        _ => None,
    })
}

fn plain(tree: &Tree) -> String {
    match tree {
        Tree::Text(text) => text.to_string(),
        other => crate::shape::json::write(other),
    }
}

/// Visits the node at `at` (dots and `[]`), where it exists; every item where a list is on the way.
fn each(tree: &mut Tree, at: &str, visit: &mut dyn FnMut(&mut Tree)) {
    let Some((first, rest)) = at.split_once('.').or((!at.is_empty()).then_some((at, ""))) else { return visit(tree) };
    let (name, items) = match first.strip_suffix("[]") {
        Some(name) => (name, true),
        None => (first, false),
    };
    match tree.as_map_mut().and_then(|map| map.get_mut(name)) {
        Some(Tree::List(list)) if items => list.iter_mut().for_each(|item| each(item, rest, visit)),
        Some(inner) if !items => each(inner, rest, visit),
        _ => {}
    }
}

/// Whether a structure at `at`, where it exists, lacks the member.
fn lacks(tree: &Tree, at: &str, member: &str) -> bool {
    let Some((first, rest)) = at.split_once('.').or((!at.is_empty()).then_some((at, ""))) else {
        return tree.as_map().is_some_and(|map| !map.contains_key(member));
    };
    match first.strip_suffix("[]") {
        Some(name) => tree.list(name).iter().any(|item| lacks(item, rest, member)),
        None => tree.get(first).is_some_and(|inner| lacks(inner, rest, member)),
    }
}

fn without_nulls(tree: &Tree) -> Tree {
    match tree {
        Tree::Map(map) => {
            let kept = map.iter().filter(|(_, value)| **value != Tree::Null);
            Tree::Map(kept.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        Tree::List(items) => Tree::List(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// AWS does not tell null, `[]` and `{}` from absent; "" it does (an empty environment variable is one). Takes them out,
/// and says whether nothing is left.
fn is_empty_without_empties(tree: &mut Tree) -> bool {
    match tree {
        Tree::Null => true,
        Tree::Map(map) => {
            map.retain(|_, value| !is_empty_without_empties(value));
            map.is_empty()
        }
        Tree::List(items) => {
            items.retain_mut(|item| !is_empty_without_empties(item));
            items.is_empty()
        }
        Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) | Tree::Text(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    const ROWS: &[Row] = &[
        owned("status"),
        unmanaged("count"),
        unmanaged("balancers"),
        present("config"),
        int("config.percent", 100),
        text("items[].protocol", "tcp"),
        set("items", &["name"]),
        set("items[].tags", &[]),
    ];

    #[test]
    fn order_defaults_empties_and_what_is_not_ours_make_no_difference() {
        let desired = tree! {
            "items" => vec![
                tree! { "name" => "b", "tags" => vec!["y", "x"] },
                tree! { "name" => "a", "protocol" => "udp", "extra" => Tree::Null },
            ],
        };
        let observed = tree! {
            "status" => "ACTIVE", "count" => 7, "config" => tree! { "percent" => 100 }, "balancers" => vec!["lb"],
            "items" => vec![
                tree! { "name" => "a", "protocol" => "udp", "extra" => Tree::List(vec![]) },
                tree! { "name" => "b", "protocol" => "tcp", "tags" => vec!["x", "y"] },
            ],
        };
        let (left, right) = canonical(ROWS, &desired, &observed);
        assert_eq!(left, right);
        assert_eq!(left.at(&["items", "b", "protocol"]), Some(&"tcp".into()));
    }

    #[test]
    fn what_is_explicitly_empty_is_ours() {
        let observed = tree! { "balancers" => vec!["lb"] };
        let (left, right) = canonical(ROWS, &tree! { "balancers" => Tree::List(vec![]) }, &observed);
        assert_ne!(left, right);
    }
}
