//! What differs between two canonical trees. Must not know: which kind they are of.

use crate::shape::{Name, Path, Tree};

/// One leaf that differs, or one branch that one side does not have.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// In canonical form: items of sets are found by their names.
    pub path: Path,
    pub observed: Option<Tree>,
    pub desired: Option<Tree>,
}

impl Difference {
    /// The member of the spec that has to be sent.
    pub fn member(&self) -> &str {
        match self.path.0.first() {
            Some(crate::shape::Segment::Name(name)) => name,
            _ => "",
        }
    }
}

/// All differences, in the order of their paths.
pub fn diff(desired: &Tree, observed: &Tree) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(Path::root(), Some(desired), Some(observed), &mut found);
    found
}

fn compare(path: Path, desired: Option<&Tree>, observed: Option<&Tree>, found: &mut Vec<Difference>) {
    match (desired, observed) {
        (Some(Tree::Map(desired)), Some(Tree::Map(observed))) => {
            let names: std::collections::BTreeSet<&Name> = desired.keys().chain(observed.keys()).collect();
            for name in names {
                compare(path.name(name), desired.get(name), observed.get(name), found);
            }
        }
        (desired, observed) if same(desired, observed) => {}
        (desired, observed) => {
            found.push(Difference { path, observed: observed.cloned(), desired: desired.cloned() });
        }
    }
}

/// 5 and 5.0 are one number.
pub(super) fn same(a: Option<&Tree>, b: Option<&Tree>) -> bool {
    match (a, b) {
        (Some(Tree::Int(int)), Some(Tree::Float(float))) | (Some(Tree::Float(float)), Some(Tree::Int(int))) => {
            *int as f64 == *float
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn one_changed_leaf_is_one_difference() {
        let desired = tree! { "a" => tree! { "x" => 1, "y" => 2 }, "b" => vec![1] };
        let observed = tree! { "a" => tree! { "x" => 1, "y" => 3 }, "c" => "gone" };
        let found: Vec<(String, bool, bool)> = diff(&desired, &observed)
            .into_iter()
            .map(|one| (one.path.to_string(), one.desired.is_some(), one.observed.is_some()))
            .collect();
        assert_eq!(found, [("a.y".into(), true, true), ("b".into(), true, false), ("c".into(), false, true)]);
        assert!(diff(&desired, &desired).is_empty());
    }
}
