//! Create-, Update-, Delete- and DescribeCapacityProviders (ecs-semantics §1.2, §6.3, §7.2).

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::service::{asks_for_tags, page};
use super::super::{Answer, Fault, cluster, tag};
use super::{Change, FARGATE, Provider, active, arn, association, auto_scaling, changed, group, name_of};

/// How many names one DescribeCapacityProviders takes, and how many a page shows (§7.2).
const DESCRIBE_LIMIT: usize = 100;
const PAGE: usize = 10;

/// What a name must not begin with, in any case (§1.2).
const RESERVED: &[&str] = &["aws", "ecs", "fargate"];

fn check_name(name: &str) -> Result<(), Fault> {
    let lower = name.to_ascii_lowercase();
    if cluster::is_name(name) && !RESERVED.iter().any(|start| lower.starts_with(start)) {
        return Ok(());
    }
    Err(Fault::client(
        "The specified capacity provider name is invalid. Up to 255 characters are allowed, including letters (upper \
         and lowercase), numbers, underscores, and hyphens. The name cannot be prefixed with \"aws\", \"ecs\", or \
         \"fargate\". Specify a valid name and try again.",
    ))
}

fn managed_instances() -> Fault {
    Fault::unsupported("managed instances as a capacity provider")
}

pub fn create(world: &mut World, input: &Tree) -> Answer {
    let name = input.text("name").unwrap_or_default();
    check_name(name)?;
    if input.get("managedInstancesProvider").is_some() {
        return Err(managed_instances());
    }
    let Some(given) = input.get("autoScalingGroupProvider") else {
        return Err(Fault::client("A capacity provider must have an autoScalingGroupProvider.")); // our wording
    };
    if input.text("cluster").is_some() {
        // Our wording: only managed instances are a cluster's own (§6.3).
        return Err(Fault::client("The cluster of an Auto Scaling group capacity provider cannot be specified."));
    }
    tag::check_new(input.list("tags"))?;
    let group = group::new(given)?;
    auto_scaling::check_protection(&world.ecs, &group)?;
    let now = world.now();
    if active(&world.ecs, name, now).is_some() {
        return Err(Fault::client(
            "The specified capacity provider already exists. To change the configuration of an existing capacity \
             provider, update the capacity provider.",
        ));
    }
    let same = |one: &Provider| one.group.get("autoScalingGroupArn") == group.get("autoScalingGroupArn");
    if world.ecs.providers.values().any(|one| one.is_active(now) && same(one)) {
        return Err(Fault::client(
            "The specified Auto Scaling group ARN is already being used by another capacity provider. Specify a unique \
             Auto Scaling group ARN and try again.",
        ));
    }
    auto_scaling::named(world, group.text("autoScalingGroupArn").unwrap_or_default());
    let tags = input.list("tags").to_vec();
    let provider = Provider { name: name.to_owned(), group, tags, change: Change::None, changed: now };
    let shown = provider.show(world, true);
    world.ecs.providers.insert(name.to_owned(), provider);
    Ok(tree! { "capacityProvider" => shown })
}

/// The provider that a request may change: ACTIVE, and no other change going on.
fn find_to_change(world: &World, reference: &str) -> Result<Provider, Fault> {
    let missing =
        || Fault::client("The specified capacity provider does not exist. Specify a valid name or ARN and try again.");
    let name = name_of(world, reference).ok_or_else(missing)?;
    if FARGATE.contains(&name) {
        return Err(Fault::client(
            "The specified capacity provider is reserved and cannot be updated or deleted. Specify a capacity provider \
             that you created and try again.",
        ));
    }
    active(&world.ecs, name, world.now()).cloned().ok_or_else(missing)
}

pub fn update(world: &mut World, input: &Tree) -> Answer {
    if input.get("managedInstancesProvider").is_some() {
        return Err(managed_instances());
    }
    let mut provider = find_to_change(world, input.text("name").unwrap_or_default())?;
    let Some(given) = input.get("autoScalingGroupProvider") else {
        return Err(Fault::client("Specify the autoScalingGroupProvider to update.")); // our wording
    };
    let now = world.now();
    if provider.change == Change::Delete || !provider.is_settled(now) && provider.change != Change::None {
        // The operation does not declare UpdateInProgressException. Wording is ours.
        return Err(Fault::client("The specified capacity provider is being changed. Wait and try again."));
    }
    provider.group = group::changed(provider.group, given)?;
    auto_scaling::check_protection(&world.ecs, &provider.group)?;
    (provider.change, provider.changed) = (Change::Update, now);
    let (shown, cluster) = (provider.show(world, true), association::cluster_of(&world.ecs, &provider.name));
    let cluster = cluster.map(str::to_owned);
    world.ecs.providers.insert(provider.name.clone(), provider);
    if let Some(cluster) = cluster {
        changed(world, &cluster);
    }
    Ok(tree! { "capacityProvider" => shown })
}

/// ACTIVE with DELETE_IN_PROGRESS for a moment, then INACTIVE. A cluster must have let go of it before.
pub fn delete(world: &mut World, input: &Tree) -> Answer {
    let mut provider = find_to_change(world, input.text("capacityProvider").unwrap_or_default())?;
    if let Some(cluster) = association::cluster_of(&world.ecs, &provider.name) {
        // Wording is ours.
        return Err(Fault::client(format!(
            "The specified capacity provider is in use and cannot be deleted: it is associated with the cluster \
             {cluster}. Remove it from the cluster and try again."
        )));
    }
    if provider.change != Change::Delete {
        (provider.change, provider.changed) = (Change::Delete, world.now());
    }
    let shown = provider.show(world, true);
    world.ecs.providers.insert(provider.name.clone(), provider);
    Ok(tree! { "capacityProvider" => shown })
}

fn fargate(world: &World, name: &str) -> Tree {
    let none: Vec<Tree> = Vec::new();
    tree! {
        "capacityProviderArn" => arn(world, name),
        "name" => name,
        "status" => "ACTIVE",
        "tags" => none,
        "type" => name,
    }
}

/// No names means all that are ACTIVE; a cluster means its own only.
pub fn describe(world: &mut World, input: &Tree) -> Answer {
    let asked: Vec<&str> = input.list("capacityProviders").iter().filter_map(Tree::as_text).collect();
    if asked.len() > DESCRIBE_LIMIT {
        return Err(Fault::invalid(format!("Capacity providers cannot exceed {DESCRIBE_LIMIT} elements.")));
    }
    let (world, tags, now) = (&*world, asks_for_tags(input), world.now());
    let own = match input.text("cluster") {
        Some(reference) => Some(cluster::find(&world.ecs, Some(reference))?.body.list("capacityProviders")),
        None => None,
    };
    let here = |name: &str| own.is_none_or(|own| own.iter().any(|one| one.as_text() == Some(name)));
    let found = |name: &str| match FARGATE.contains(&name) {
        true => Some(fargate(world, name)),
        false => world.ecs.providers.get(name).map(|one| one.show(world, tags)),
    };
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    if asked.is_empty() {
        let made = world.ecs.providers.values().filter(|one| one.is_active(now)).map(|one| one.name.as_str());
        let names = FARGATE.iter().copied().chain(made).filter(|name| here(name));
        rows.extend(names.filter_map(|name| Some((name.to_owned(), found(name)?))));
    }
    for reference in asked {
        let name = name_of(world, reference).filter(|name| here(name));
        match name.and_then(|name| Some((name.to_owned(), found(name)?))) {
            Some(row) => rows.push(row),
            None => {
                let arn = if reference.starts_with("arn:") { reference.to_owned() } else { arn(world, reference) };
                failures.push(tree! { "arn" => arn, "reason" => "MISSING" });
            }
        }
    }
    rows.dedup_by(|a, b| a.0 == b.0);
    let (shown, next) = page(rows, input, PAGE, PAGE)?;
    Ok(tree! { "capacityProviders" => shown, "failures" => failures }.with_some("nextToken", next))
}
