//! The first look at a request: does it fit the operation's shape? Must not know: what the operation does.

use crate::shape::check::{Mismatch, Strictness, What, check};
use crate::shape::table::{self, Shape, Structure, Table};
use crate::shape::{Map, Tree};

use super::Fault;

/// Operations whose own rules say better than a shape can which member at the top is missing.
const MISSING_TOLD_BY_RULES: &[&str] = &["RegisterTaskDefinition"];

/// The input without members that its shape does not have: ECS ignores what it does not know (docs/ecs.md §7.1).
///
/// # Errors
/// `SerializationException` for a value of the wrong type; for a value that is missing, or outside its enum or
/// range, the exception that the operation has for bad input.
pub fn checked(operation: &str, input: &Tree) -> Result<Tree, Fault> {
    let table = table::ecs();
    let Some(shape) = table.input(operation) else { return Err(Fault::unknown_operation()) };
    let input = without_nulls(input.clone());
    if let Some(first) = check(table, shape, &input, Strictness::Types).first() {
        return Err(Fault::new("SerializationException", first.to_string()));
    }
    let known = known_members(table, shape, &input);
    let told_by_rules = MISSING_TOLD_BY_RULES.contains(&operation);
    let told = |one: &Mismatch| told_by_rules && matches!(one.what, What::Missing { .. }) && one.path.0.len() == 1;
    match check(table, shape, &known, Strictness::Full).into_iter().find(|one| !told(one)) {
        Some(first) => Err(bad_input(operation, &first)),
        None => Ok(known),
    }
}

/// A member that is null counts as absent, as in all of AWS's JSON protocols.
fn without_nulls(tree: Tree) -> Tree {
    match tree {
        Tree::Map(members) => {
            let kept = members.into_iter().filter(|(_, value)| *value != Tree::Null);
            Tree::Map(kept.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Tree::List(items) => Tree::List(items.into_iter().map(without_nulls).collect()),
        plain => plain,
    }
}

/// Operations on task definitions blame the client, all others the parameter (§7.1), and so does whoever reads tags.
fn bad_input(operation: &str, first: &Mismatch) -> Fault {
    let in_tags = first.path.to_string().starts_with("tags");
    let client = operation.contains("TaskDefinition") && !in_tags;
    if client { Fault::client(first.to_string()) } else { Fault::invalid(first.to_string()) }
}

fn known_members(table: &Table, shape: &Structure, tree: &Tree) -> Tree {
    let Tree::Map(members) = tree else { return tree.clone() };
    let known = members.iter().filter_map(|(name, value)| {
        let member = shape.members.get(name.as_str())?;
        Some((name.clone(), known_below(table, member.shape, value)))
    });
    Tree::Map(known.collect::<Map>())
}

fn known_below(table: &Table, shape: &str, tree: &Tree) -> Tree {
    match (table.shapes.get(shape), tree) {
        (Some(Shape::Structure(structure)), _) => known_members(table, structure, tree),
        (Some(Shape::List { item }), Tree::List(items)) => {
            Tree::List(items.iter().map(|value| known_below(table, item, value)).collect())
        }
        (Some(Shape::Map { value, .. }), Tree::Map(entries)) => {
            let entries = entries.iter().map(|(name, entry)| (name.clone(), known_below(table, value, entry)));
            Tree::Map(entries.collect())
        }
        (_, plain) => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn ignores_unknown_members() {
        let input = tree! { "cluster" => "a", "new" => 1, "settings" => vec![tree! { "name" => "containerInsights", "x" => 1 }] };
        let known = tree! { "cluster" => "a", "settings" => vec![tree! { "name" => "containerInsights" }] };
        assert_eq!(checked("UpdateClusterSettings", &input), Ok(known));
    }

    #[test]
    fn takes_null_for_absent() {
        let input = tree! { "clusterName" => Tree::Null, "settings" => vec![tree! { "name" => Tree::Null }] };
        assert_eq!(checked("CreateCluster", &input), Ok(tree! { "settings" => vec![tree! {}] }));
    }

    #[test]
    fn blames_in_ecss_classes() {
        let code = |operation, input| checked(operation, &input).unwrap_err().code;
        assert_eq!(code("CreateCluster", tree! { "clusterName" => 1 }), "SerializationException");
        assert_eq!(code("TagResource", tree! {}), "InvalidParameterException");
        assert_eq!(code("RegisterTaskDefinition", tree! { "networkMode" => "bus" }), "ClientException");
        assert_eq!(code("NoSuchThing", tree! {}), "UnknownOperationException");
        assert!(checked("RegisterTaskDefinition", &tree! {}).is_ok());
        let nameless = tree! { "ulimits" => vec![tree! { "softLimit" => 1, "hardLimit" => 1 }] };
        let nameless = tree! { "family" => "f", "containerDefinitions" => vec![nameless] };
        assert_eq!(code("RegisterTaskDefinition", nameless), "ClientException");
    }
}
