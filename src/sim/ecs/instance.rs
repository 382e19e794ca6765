//! Container instances: there are none, since everything runs on Fargate. Asked about them, ECS says so.

use crate::shape::Tree;
use crate::tree;

use super::super::world::World;
use super::coverage::{Entry, partial};
use super::page::{HUNDRED, Order, page};
use super::{Answer, Fault, cluster};

/// How many names one DescribeContainerInstances takes (ecs-semantics §7.2).
const DESCRIBE_LIMIT: usize = 100;

const NONE: &str = "there are no container instances";

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    partial("DescribeContainerInstances", describe, NONE),
    partial("ListAttributes", list_attributes, NONE),
    partial("ListContainerInstances", list, NONE),
];

fn list(world: &mut World, input: &Tree) -> Answer {
    cluster::find(&world.ecs, input.text("cluster"))?;
    page(Vec::new(), Order::Ascending, input, "containerInstanceArns", HUNDRED)
}

fn list_attributes(world: &mut World, input: &Tree) -> Answer {
    cluster::find(&world.ecs, input.text("cluster"))?;
    page(Vec::new(), Order::Ascending, input, "attributes", HUNDRED)
}

fn describe(world: &mut World, input: &Tree) -> Answer {
    let name = cluster::find(&world.ecs, input.text("cluster"))?.name.clone();
    let asked: Vec<&str> = input.list("containerInstances").iter().filter_map(Tree::as_text).collect();
    if asked.is_empty() || asked.len() > DESCRIBE_LIMIT {
        return Err(Fault::invalid(format!("Specify 1 to {DESCRIBE_LIMIT} container instances.")));
    }
    let missing = asked.into_iter().map(|reference| {
        let long = world.arn(&format!("container-instance/{name}/{reference}"));
        let arn = if reference.starts_with("arn:") { reference.to_owned() } else { long };
        tree! { "arn" => arn, "reason" => "MISSING" }
    });
    let failures: Vec<Tree> = missing.collect();
    Ok(tree! { "containerInstances" => Tree::List(Vec::new()), "failures" => failures })
}

#[cfg(test)]
mod tests {
    use super::super::call;
    use super::*;
    use crate::shape::Time;
    use crate::sim::world::Settings;

    #[test]
    fn there_are_none() {
        let mut world = World::new(Settings::default(), Time(0));
        let missing = call(&mut world, "ecs", "ListContainerInstances", &tree! {}).unwrap_err();
        assert_eq!(missing.code, "ClusterNotFoundException");
        call(&mut world, "ecs", "CreateCluster", &tree! {}).unwrap();
        let none = call(&mut world, "ecs", "ListContainerInstances", &tree! {}).unwrap();
        assert_eq!(none.list("containerInstanceArns").len(), 0);
        let ask = tree! { "containerInstances" => vec!["abc"] };
        let described = call(&mut world, "ecs", "DescribeContainerInstances", &ask).unwrap();
        assert_eq!(described.list("failures")[0].text("reason"), Some("MISSING"));
    }
}
