//! A spec without what its kind's own rows say is there anyway. Must not know: any default itself.

use crate::kinds::Definition;
use crate::kinds::normalise::{Rule, canonical_alone, pattern};
use crate::shape::check::{Strictness, check};
use crate::shape::{Path, Segment, Tree, table};

/// Leaves out every member without which the spec still means the same, as the kind's rows compare it, and still fits
/// its shape.
pub fn minimal(definition: &Definition, spec: &Tree) -> Tree {
    let means = |spec: &Tree| canonical_alone(definition.rows, &table::ecs().with_zeros(definition.structure(), spec));
    let misfits = |spec: &Tree| check(table::ecs(), definition.structure(), spec, Strictness::Full);
    let mut spec = spec.clone();
    let (meaning, fits) = (means(&spec), misfits(&spec));
    // What has become empty may go in its turn.
    for _ in 0..ROUNDS {
        let mut paths = Vec::new();
        candidates(definition, &spec, &mut Path::root(), &mut paths);
        // What is around others goes before them: half of a structure may not be what ECS takes.
        paths.sort_by_key(|path| path.0.len());
        let before = spec.clone();
        let empty = |path: &Path| spec.find(path).is_some_and(is_empty);
        let (empties, others): (Vec<Path>, Vec<Path>) = paths.into_iter().partition(empty);
        // There are many, and all may go at once unless ECS insists on one.
        let mut bare = spec.clone();
        for path in &empties {
            remove(&mut bare, &path.0);
        }
        let all_go = misfits(&bare).iter().all(|one| fits.contains(one));
        if all_go {
            spec = bare;
        }
        for path in empties.into_iter().filter(|_| !all_go).chain(others) {
            let mut without = spec.clone();
            let there = remove(&mut without, &path.0);
            if there && means(&without) == meaning && misfits(&without).iter().all(|one| fits.contains(one)) {
                spec = without;
            }
        }
        if spec == before {
            break;
        }
    }
    spec
}

/// No structure of ECS is deeper.
const ROUNDS: usize = 12;

/// Whether a row gives a member a meaning where it is absent.
fn is_defaulted(rule: Rule) -> bool {
    match rule {
        Rule::Absent(_) | Rule::Derived(_) | Rule::Present | Rule::Unsaid(_) => true,
        Rule::Owned | Rule::Unmanaged | Rule::Spelling(_) | Rule::Set(_) | Rule::Alike(_) | Rule::Named(_) => false,
    }
}

/// The paths of what may be left out. What is compared otherwise than as a member is not among them.
fn candidates(definition: &Definition, tree: &Tree, here: &mut Path, found: &mut Vec<Path>) {
    match tree {
        Tree::Map(map) => {
            for (name, value) in map {
                here.0.push(Segment::Name(name.to_string()));
                let at = pattern(here);
                let rules = || definition.rows.iter().filter(|row| row.at == at).map(|row| row.rule);
                let zero = matches!(value, Tree::Int(0) | Tree::Bool(false));
                if is_empty(value) {
                    found.push(here.clone());
                } else if !rules().any(|rule| matches!(rule, Rule::Owned)) {
                    if zero || rules().any(is_defaulted) {
                        found.push(here.clone());
                    }
                    candidates(definition, value, here, found);
                }
                here.0.pop();
            }
        }
        Tree::List(items) => {
            for (index, value) in items.iter().enumerate() {
                here.0.push(Segment::Index(index));
                candidates(definition, value, here, found);
                here.0.pop();
            }
        }
        _ => {}
    }
}

/// AWS shows what is not there as null, `[]` or `{}`.
fn is_empty(tree: &Tree) -> bool {
    !matches!(tree, Tree::Text(_)) && tree.is_empty()
}

fn remove(tree: &mut Tree, path: &[Segment]) -> bool {
    match (tree, path) {
        (Tree::Map(map), [Segment::Name(name)]) => map.remove(name).is_some(),
        (Tree::Map(map), [Segment::Name(name), rest @ ..]) => map.get_mut(name).is_some_and(|tree| remove(tree, rest)),
        (Tree::List(items), [Segment::Index(index), rest @ ..]) => {
            items.get_mut(*index).is_some_and(|tree| remove(tree, rest))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::{Kind, definition};
    use crate::tree;

    #[test]
    fn what_ecs_fills_in_is_left_out_and_what_was_chosen_stays() {
        let container = tree! {
            "name" => "web", "image" => "nginx", "cpu" => 0, "essential" => true, "mountPoints" => Tree::List(vec![]),
            "environment" => vec![tree! { "name" => "EMPTY", "value" => "" }],
            "portMappings" => vec![tree! { "containerPort" => 80, "hostPort" => 80, "protocol" => "tcp" }],
        };
        let spec = tree! { "family" => "web", "networkMode" => "awsvpc", "containerDefinitions" => vec![container] };
        let container = tree! {
            "name" => "web", "image" => "nginx", "environment" => vec![tree! { "name" => "EMPTY", "value" => "" }],
            "portMappings" => vec![tree! { "containerPort" => 80 }],
        };
        let wanted = tree! { "family" => "web", "networkMode" => "awsvpc", "containerDefinitions" => vec![container] };
        assert_eq!(minimal(definition(Kind::TaskDefinition), &spec), wanted);
    }

    #[test]
    fn half_of_a_structure_that_ecs_wants_whole_stays_whole() {
        let alarms = tree! { "alarmNames" => vec!["a"], "enable" => true, "rollback" => false };
        let spec = tree! {
            "serviceName" => "web", "propagateTags" => "NONE",
            "deploymentConfiguration" => tree! {
                "maximumPercent" => 200, "minimumHealthyPercent" => 50, "alarms" => alarms.clone(),
                "deploymentCircuitBreaker" => tree! { "enable" => false, "rollback" => false },
            },
        };
        let wanted = tree! {
            "serviceName" => "web",
            "deploymentConfiguration" => tree! { "minimumHealthyPercent" => 50, "alarms" => alarms },
        };
        assert_eq!(minimal(definition(Kind::Service), &spec), wanted);
    }
}
