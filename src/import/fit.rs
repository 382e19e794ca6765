//! A spec against the shape table: what no member of this version's API is named, and left out. Must not know: sources.

use crate::kinds::Definition;
use crate::shape::check::{Strictness, What, check};
use crate::shape::{Path, Segment, Tree, table};

/// Takes out members that are not known, and texts that are empty where a skeleton left them so; the paths of each.
pub fn fit(definition: &Definition, spec: &mut Tree) -> Unfit {
    let mut unfit = Unfit::default();
    for mismatch in check(table::ecs(), definition.structure(), spec, Strictness::Full) {
        if matches!(mismatch.what, What::Unknown { .. }) {
            unfit.unknown.push(mismatch.path);
        }
    }
    for path in &unfit.unknown {
        remove(spec, &path.0);
    }
    let mut blank = Vec::new();
    texts(spec, &mut Path::root(), &mut |at, text| {
        let may_be_empty = crate::kinds::secrets::is_secret(at);
        if text.is_empty() && !may_be_empty && matches!(at.0.last(), Some(Segment::Name(_))) {
            blank.push(at.clone());
        }
    });
    for path in &blank {
        remove(spec, &path.0);
    }
    unfit.blank = blank;
    unfit
}

/// What was taken out.
#[derive(Debug, Default)]
pub struct Unfit {
    pub unknown: Vec<Path>,
    pub blank: Vec<Path>,
}

fn remove(tree: &mut Tree, path: &[Segment]) {
    match (tree, path) {
        (Tree::Map(map), [Segment::Name(name)]) => drop(map.remove(name)),
        (Tree::Map(map), [Segment::Name(name), rest @ ..]) => {
            if let Some(tree) = map.get_mut(name) {
                remove(tree, rest);
            }
        }
        (Tree::List(items), [Segment::Index(index), rest @ ..]) => {
            if let Some(tree) = items.get_mut(*index) {
                remove(tree, rest);
            }
        }
        _ => {}
    }
}

/// Shows every text with its path.
pub fn texts(tree: &Tree, here: &mut Path, each: &mut dyn FnMut(&Path, &str)) {
    let mut below = |segment: Segment, value: &Tree| {
        here.0.push(segment);
        texts(value, here, each);
        here.0.pop();
    };
    match tree {
        Tree::Text(text) => each(here, text),
        Tree::List(items) => items.iter().enumerate().for_each(|(index, value)| below(Segment::Index(index), value)),
        Tree::Map(map) => map.iter().for_each(|(name, value)| below(Segment::Name(name.to_string()), value)),
        _ => {}
    }
}
