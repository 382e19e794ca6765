//! DescribeServices and ListServices (§1.3, §7.2). Must not know: how services change.

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::{Answer, Fault};
use super::{Service, names, show};

/// How many services one DescribeServices may name; default and greatest page of ListServices (§7.2).
const MOST_DESCRIBED: usize = 10;
const DEFAULT_PAGE: usize = 10;
const MOST_PAGE: usize = 100;

pub(super) fn describe(world: &mut World, input: &Tree) -> Answer {
    let cluster = names::cluster_of(world, input)?;
    let wanted = input.list("services");
    if wanted.is_empty() {
        return Err(Fault::invalid("Services cannot be empty."));
    }
    if wanted.len() > MOST_DESCRIBED {
        return Err(Fault::invalid("Services cannot exceed 10 elements"));
    }
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for reference in wanted.iter().filter_map(Tree::as_text) {
        let name = names::service_name(world, &cluster, reference)?;
        match world.ecs.services.get(&(cluster.clone(), name.clone())) {
            Some(service) => services.push(show::service(world, service, names::asks_for_tags(input))),
            None => {
                let arn = world.arn(&format!("service/{cluster}/{name}"));
                failures.push(tree! { "arn" => arn, "reason" => "MISSING" });
            }
        }
    }
    Ok(tree! { "services" => services, "failures" => failures })
}

pub(super) fn list(world: &mut World, input: &Tree) -> Answer {
    let cluster = names::cluster_of(world, input)?;
    let from = (cluster.clone(), String::new());
    let here = world.ecs.services.range(from..).map(|(_, one)| one).take_while(|one| one.cluster == cluster);
    let matches = |one: &&Service| {
        one.is_active()
            && input.text("launchType").is_none_or(|wanted| one.spec.text("launchType") == Some(wanted))
            && input
                .text("schedulingStrategy")
                .is_none_or(|wanted| one.settings.text("schedulingStrategy") == Some(wanted))
            && input.text("resourceManagementType").is_none_or(|wanted| wanted == "CUSTOMER")
    };
    let rows = here.filter(matches).map(|one| (one.name.clone(), Tree::from(&one.arn))).collect();
    let (arns, next) = names::page(rows, input, DEFAULT_PAGE, MOST_PAGE)?;
    Ok(tree! { "serviceArns" => arns }.with_some("nextToken", next))
}
