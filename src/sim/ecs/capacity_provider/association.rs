//! Clusters and their capacity providers: which may be associated, and what ECS builds for those of Auto Scaling groups
//! meanwhile (docs/ecs.md §6.1, §6.2). Must not know: what runs on them.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::shape::{Time, Tree};
use crate::tree;

use super::super::super::world::World;
use super::super::{Ecs, Fault};
use super::{FARGATE, active, name_of};

/// How many capacity providers a cluster may have (§6.2).
const PROVIDERS_LIMIT: usize = 20;
/// How long attachments take. Inferred.
const ATTACH_TIME: Duration = Duration::from_secs(10);
/// Policies end in so many hex digits.
const POLICY_ID: usize = 8;

/// What stands behind a cluster's providers of Auto Scaling groups: scaling policies and draining hooks.
#[derive(Clone, Debug, Default)]
pub struct Attachments {
    rows: Vec<Tree>,
    until: Option<Time>,
}

/// The cluster that has a provider.
pub fn cluster_of<'a>(ecs: &'a Ecs, provider: &str) -> Option<&'a str> {
    let has = |list: &[Tree]| list.iter().any(|one| one.as_text() == Some(provider));
    let mut clusters = ecs.clusters.values().filter(|cluster| cluster.active);
    clusters.find(|cluster| has(cluster.body.list("capacityProviders"))).map(|cluster| cluster.name.as_str())
}

/// The names of a request's providers, which must be there and free.
///
/// # Errors
/// `InvalidParameterException`.
pub fn checked(world: &World, cluster: &str, providers: &[Tree]) -> Result<Vec<Tree>, Fault> {
    if providers.len() > PROVIDERS_LIMIT {
        let text = format!("A cluster can have at most {PROVIDERS_LIMIT} capacity providers.");
        return Err(Fault::invalid(text));
    }
    let mut names: Vec<Tree> = Vec::new();
    for reference in providers.iter().filter_map(Tree::as_text) {
        let name = name_of(world, reference).filter(|name| FARGATE.contains(name) || is_there(world, name));
        let Some(name) = name else {
            return Err(Fault::invalid(format!(
                "The specified capacity provider '{reference}' was not found. Specify a valid name or ARN and try again."
            )));
        };
        if let Some(other) = owner(world, cluster, name) {
            // Wording is ours.
            return Err(Fault::invalid(format!(
                "The specified capacity provider '{name}' uses managed scaling and is associated with the cluster {other}."
            )));
        }
        if !names.iter().any(|one| one.as_text() == Some(name)) {
            names.push(name.into());
        }
    }
    Ok(names)
}

/// There, and not on its way out.
fn is_there(world: &World, name: &str) -> bool {
    active(&world.ecs, name, world.now()).is_some_and(|one| one.change != super::Change::Delete)
}

/// The other cluster that has a provider with managed scaling for itself (§6.2).
fn owner<'a>(world: &'a World, cluster: &str, name: &str) -> Option<&'a str> {
    active(&world.ecs, name, world.now()).filter(|one| one.is_managed())?;
    cluster_of(&world.ecs, name).filter(|other| *other != cluster)
}

/// A default strategy uses the cluster's own providers, all of one sort, at most one with a base (§6.1, §3.5).
///
/// # Errors
/// `InvalidParameterException`.
pub fn check_strategy(providers: &[Tree], strategy: &[Tree]) -> Result<(), Fault> {
    if strategy.len() > PROVIDERS_LIMIT {
        let text = "The capacity provider strategy cannot contain more than 20 capacity providers.";
        return Err(Fault::invalid(text));
    }
    let foreign = |item: &&Tree| !item.get("capacityProvider").is_some_and(|name| providers.contains(name));
    if let Some(item) = strategy.iter().find(foreign) {
        let name = item.text("capacityProvider").unwrap_or_default();
        return Err(Fault::invalid(format!(
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with \
             the cluster: {name}. Associate the capacity provider with the cluster and try again."
        )));
    }
    if strategy.iter().filter(|item| item.int("base").unwrap_or(0) > 0).count() > 1 {
        return Err(Fault::invalid("A capacity provider strategy can have only one base value greater than 0."));
    }
    let names: Vec<&str> = strategy.iter().filter_map(|item| item.text("capacityProvider")).collect();
    if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
        // Wording is ours.
        return Err(Fault::invalid("A capacity provider can be in a capacity provider strategy only once."));
    }
    let on_fargate = names.iter().filter(|name| FARGATE.contains(*name)).count();
    if on_fargate > 0 && on_fargate < names.len() {
        return Err(Fault::invalid(
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and \
             Fargate providers.",
        ));
    }
    Ok(())
}

/// Builds what a cluster's new providers need, and takes down what the old ones had. Fargate's need nothing.
pub fn attach(world: &mut World, cluster: &str, providers: &[Tree]) {
    let before = world.ecs.attachments.get(cluster).map(|one| one.rows.clone()).unwrap_or_default();
    let mut rows = Vec::new();
    for name in providers.iter().filter_map(Tree::as_text) {
        let Some(provider) = world.ecs.providers.get(name) else { continue };
        let kinds = [("as_policy", provider.is_managed()), ("managed_draining", provider.is_drained())];
        for (kind, _) in kinds.into_iter().filter(|(_, wanted)| *wanted) {
            let known = before.iter().find(|row| is_of(row, kind, name));
            rows.push(known.cloned().unwrap_or_else(|| attachment(world, kind, name)));
        }
    }
    if rows == before {
        return;
    }
    let until = Some(world.now().after(ATTACH_TIME));
    world.ecs.attachments.insert(cluster.to_owned(), Attachments { rows, until });
}

fn is_of(row: &Tree, kind: &str, provider: &str) -> bool {
    let named = |detail: &Tree| detail.text("value") == Some(provider);
    row.text("type") == Some(kind) && row.list("details").first().is_some_and(named)
}

fn attachment(world: &mut World, kind: &str, provider: &str) -> Tree {
    let mut details = vec![tree! { "name" => "capacityProviderName", "value" => provider }];
    if kind == "as_policy" {
        let policy = format!("ECSManagedAutoScalingPolicy-{}", world.chars(POLICY_ID, b"0123456789abcdef"));
        details.push(tree! { "name" => "scalingPolicyName", "value" => policy });
    }
    tree! { "id" => world.uuid(), "type" => kind, "status" => "PRECREATED", "details" => details }
}

/// A cluster whose attachments are under way can't get others, or be deleted (§6.2).
///
/// # Errors
/// `UpdateInProgressException`.
pub fn check_settled(world: &World, cluster: &str) -> Result<(), Fault> {
    let until = world.ecs.attachments.get(cluster).and_then(|one| one.until);
    if until.is_none_or(|until| world.now() >= until) {
        return Ok(());
    }
    Err(Fault::new(
        "UpdateInProgressException",
        "The specified cluster is in a busy state. Cluster attachments must be in UPDATE_COMPLETE or UPDATE_FAILED state \
         before they can be updated. Wait and try again.",
    ))
}

/// Brings attachments up to the present: there is nothing on the agenda for them.
pub fn settle(world: &mut World) {
    let now = world.now();
    for one in world.ecs.attachments.values_mut().filter(|one| one.until.is_some_and(|until| now >= until)) {
        one.until = None;
        one.rows.iter_mut().for_each(|row| row.set("status", "CREATED"));
    }
}

/// A cluster as answers show it, with its attachments; of a cluster that never had any, nothing.
pub fn shown(ecs: &Ecs, cluster: &str, shown: Tree, asked: bool) -> Tree {
    let Some(one) = ecs.attachments.get(cluster).filter(|_| asked) else { return shown };
    let status = if one.until.is_some() { "UPDATE_IN_PROGRESS" } else { "UPDATE_COMPLETE" };
    shown.with("attachments", one.rows.clone()).with("attachmentsStatus", status)
}
