//! Capacity providers: FARGATE and FARGATE_SPOT, which every account has (ecs-semantics §6.3).

use crate::shape::Tree;
use crate::tree;

use super::super::world::World;
use super::{Answer, Fault};

/// The capacity providers there are.
pub const ALL: &[&str] = &["FARGATE", "FARGATE_SPOT"];

/// How many names one DescribeCapacityProviders takes (§7.2).
const DESCRIBE_LIMIT: usize = 100;

/// The operations answered here.
pub const OPERATIONS: &[(&str, super::Operation)] = &[("DescribeCapacityProviders", describe)];

/// No names means all of them; so few that there is never a second page.
fn describe(world: &mut World, input: &Tree) -> Answer {
    let asked: Vec<&str> = input.list("capacityProviders").iter().filter_map(Tree::as_text).collect();
    if asked.len() > DESCRIBE_LIMIT {
        return Err(Fault::invalid(format!("Capacity providers cannot exceed {DESCRIBE_LIMIT} elements.")));
    }
    let asked = if asked.is_empty() { ALL.to_vec() } else { asked };
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for reference in asked {
        let name = reference.split_once(":capacity-provider/").map_or(reference, |(_, name)| name);
        let arn = world.arn(&format!("capacity-provider/{name}"));
        if ALL.contains(&name) && (reference == name || reference == arn) {
            let none: Vec<Tree> = Vec::new();
            found.push(tree! { "capacityProviderArn" => arn, "name" => name, "status" => "ACTIVE", "tags" => none });
        } else {
            let arn = if reference == name { arn } else { reference.to_owned() };
            failures.push(tree! { "arn" => arn, "reason" => "MISSING" });
        }
    }
    Ok(tree! { "capacityProviders" => found, "failures" => failures })
}

#[cfg(test)]
mod tests {
    use super::super::call;
    use super::*;
    use crate::shape::Time;
    use crate::sim::world::Settings;

    #[test]
    fn fargate_is_there_and_nothing_else() {
        let mut world = World::new(Settings::default(), Time(0));
        let names = |answer: &Tree| -> Vec<String> {
            let names = answer.list("capacityProviders").iter().filter_map(|one| one.text("name"));
            names.map(str::to_owned).collect()
        };
        let all = call(&mut world, "ecs", "DescribeCapacityProviders", &tree! {}).unwrap();
        assert_eq!(names(&all), ALL);
        let ask = tree! { "capacityProviders" => vec!["FARGATE_SPOT", "mine"] };
        let some = call(&mut world, "ecs", "DescribeCapacityProviders", &ask).unwrap();
        assert_eq!((names(&some), some.list("failures").len()), (vec!["FARGATE_SPOT".to_owned()], 1));
    }
}
