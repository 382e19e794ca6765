//! Everything there is, as one tree: what `/_sim/state` and `/_sim/calls` show. Must not know: HTTP.
//!
//! Resources are shown by the Describe operations themselves, outside the call log, so that the page can't
//! disagree with what a client reads.

use std::collections::BTreeMap;

use crate::shape::Tree;
use crate::tree;

use super::super::ecs;
use super::super::ecs::capacity_provider::auto_scaling;
use super::super::neighbours::ec2;
use super::super::world::World;

/// How many names one DescribeServices takes, and one DescribeTasks or DescribeClusters (ecs-semantics §7.2).
const SERVICES_AT_ONCE: usize = 10;
const OTHERS_AT_ONCE: usize = 100;
/// How many capacity providers a page shows.
const PROVIDERS_AT_ONCE: usize = 10;

/// What is shown of EC2: its first thousand of each.
const BENEATH: &[&str] = &[
    "DescribeAddresses",
    "DescribeInstances",
    "DescribeInternetGateways",
    "DescribeNatGateways",
    "DescribeNetworkInterfaces",
    "DescribeRouteTables",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeVpcEndpoints",
    "DescribeVpcs",
];

fn beneath(world: &mut World) -> Tree {
    let answers = BENEATH.iter().filter_map(|operation| ec2::call(world, operation, &Tree::map()).ok());
    let members = answers.filter_map(|answer| answer.as_map().cloned()).flatten();
    Tree::Map(members.filter(|(name, _)| name != "NextToken").collect())
}

/// All resources, in a stable order.
pub fn all(world: &mut World) -> Tree {
    let clusters: Vec<String> = world.ecs.clusters.keys().cloned().collect();
    let services = by_cluster(world.ecs.services.keys());
    let tasks = by_cluster(world.ecs.tasks.keys());
    let instances = by_cluster(world.ecs.instances.keys());
    let definitions: Vec<Tree> = world
        .ecs
        .families
        .values()
        .flat_map(|family| family.revisions.values())
        .map(|one| one.body.clone().with("tags", one.tags.clone()))
        .collect();
    let include = vec!["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"];
    let ask = tree! { "include" => include };
    let clusters = describe(world, "DescribeClusters", "clusters", &clusters, OTHERS_AT_ONCE, &ask);
    let services = services.iter().flat_map(|(cluster, names)| {
        let ask = tree! { "cluster" => cluster, "include" => vec!["TAGS"] };
        describe(world, "DescribeServices", "services", names, SERVICES_AT_ONCE, &ask)
    });
    let services: Vec<Tree> = services.collect();
    let providers: Vec<String> = world.ecs.providers.keys().cloned().collect();
    let ask = tree! { "include" => vec!["TAGS"] };
    let providers =
        describe(world, "DescribeCapacityProviders", "capacityProviders", &providers, PROVIDERS_AT_ONCE, &ask);
    let tasks = tasks.iter().flat_map(|(cluster, ids)| {
        let ask = tree! { "cluster" => cluster, "include" => vec!["TAGS"] };
        describe(world, "DescribeTasks", "tasks", ids, OTHERS_AT_ONCE, &ask)
    });
    let tasks: Vec<Tree> = tasks.collect();
    let instances = instances.iter().flat_map(|(cluster, ids)| {
        let ask = tree! { "cluster" => cluster, "include" => vec!["TAGS"] };
        describe(world, "DescribeContainerInstances", "containerInstances", ids, OTHERS_AT_ONCE, &ask)
    });
    let instances: Vec<Tree> = instances.collect();
    let beneath = beneath(world);
    tree! {
        "ec2" => beneath,
        "now" => world.now().to_string(),
        "account" => &world.settings.account,
        "region" => &world.settings.region,
        "clusters" => clusters,
        "capacityProviders" => providers,
        "autoScalingGroups" => groups(world),
        "containerInstances" => instances,
        "services" => services,
        "tasks" => tasks,
        "volumes" => volumes(world),
        "taskDefinitions" => definitions,
    }
}

fn groups(world: &World) -> Vec<Tree> {
    world.ecs.groups.values().map(|group| auto_scaling::show(world, group)).collect()
}

/// The EBS volumes that ECS made, attached or kept.
fn volumes(world: &World) -> Vec<Tree> {
    let shown = world.ecs.volumes.values().map(|volume| {
        let task = volume.attached_to.as_ref().map(|(cluster, id)| world.arn(&format!("task/{cluster}/{id}")));
        tree! {
            "volumeId" => &volume.id,
            "volumeType" => &volume.kind,
            "size" => volume.size_gib,
            "availabilityZone" => &volume.zone,
            "createTime" => volume.created.to_string(),
            "state" => if task.is_some() { "in-use" } else { "available" },
        }
        .with_some("taskArn", task)
    });
    shown.collect()
}

fn by_cluster<'a>(keys: impl Iterator<Item = &'a (String, String)>) -> BTreeMap<String, Vec<String>> {
    let mut grouped: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (cluster, name) in keys {
        grouped.entry(cluster.clone()).or_default().push(name.clone());
    }
    grouped
}

fn describe(
    world: &mut World,
    operation: &str,
    member: &str,
    names: &[String],
    at_once: usize,
    ask: &Tree,
) -> Vec<Tree> {
    let mut found = Vec::new();
    for some in names.chunks(at_once) {
        let ask = ask.clone().with(member, some.to_vec());
        if let Ok(answer) = ecs::call(world, "ecs", operation, &ask) {
            found.extend_from_slice(answer.list(member));
        }
    }
    found
}

/// The call log, oldest first.
pub fn calls(world: &World) -> Tree {
    let rows = world.calls().iter().map(|call| {
        tree! {
            "at" => call.at.to_string(),
            "service" => &call.service,
            "operation" => &call.operation,
            "input" => &call.input,
            "status" => i64::from(call.status),
        }
    });
    Tree::List(rows.collect())
}
