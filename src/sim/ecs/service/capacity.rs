//! Where a service's tasks run: launch types and capacity provider strategies (§3.5, §5.1, §5.2). Must not know: when.

use std::collections::BTreeMap;

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::Fault;

/// A strategy has so many items at most.
const MOST_ITEMS: usize = 20;
const BASE_RANGE: std::ops::RangeInclusive<i64> = 0..=100_000;
const WEIGHT_RANGE: std::ops::RangeInclusive<i64> = 0..=1_000;

/// Sets `launchType` or `capacityProviderStrategy` as a new service gets them: what is asked for, else the cluster's
/// default strategy, else EC2 (§5.1).
pub fn choose(world: &World, cluster: &str, input: &Tree, spec: &mut Tree) -> Result<(), Fault> {
    let asked = input.get("capacityProviderStrategy").filter(|one| !one.is_empty());
    let launch = input.text("launchType");
    match (launch, asked) {
        (Some(_), Some(_)) => Err(Fault::invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        )),
        (Some(launch), None) => {
            set_launch_type(spec, launch)?;
            Ok(())
        }
        (None, Some(strategy)) => set_strategy(world, cluster, strategy, spec),
        (None, None) => {
            let default =
                world.ecs.clusters.get(cluster).and_then(|one| one.body.get("defaultCapacityProviderStrategy"));
            match default.filter(|one| !one.is_empty()).cloned() {
                Some(strategy) => set_strategy(world, cluster, &strategy, spec),
                None => set_launch_type(spec, "EC2"),
            }
        }
    }
}

pub(super) fn set_launch_type(spec: &mut Tree, launch: &str) -> Result<(), Fault> {
    if !matches!(launch, "FARGATE" | "EC2" | "EXTERNAL") {
        return Err(Fault::unsupported(&format!("the launch type {launch}")));
    }
    spec.remove("capacityProviderStrategy");
    spec.set("launchType", launch);
    Ok(())
}

pub(super) fn set_strategy(world: &World, cluster: &str, strategy: &Tree, spec: &mut Tree) -> Result<(), Fault> {
    let items = strategy.as_list().unwrap_or_default().iter().map(item).collect::<Vec<_>>();
    judge(world, cluster, &items)?;
    spec.remove("launchType");
    spec.set("capacityProviderStrategy", items);
    Ok(())
}

/// One item with its defaults, as it is echoed.
fn item(given: &Tree) -> Tree {
    tree! {
        "capacityProvider" => given.text("capacityProvider").unwrap_or_default(),
        "weight" => given.int("weight").unwrap_or(0),
        "base" => given.int("base").unwrap_or(0),
    }
}

fn judge(world: &World, cluster: &str, items: &[Tree]) -> Result<(), Fault> {
    let refuse = |text: &str| Err(Fault::invalid(text));
    if items.len() > MOST_ITEMS {
        return refuse("The capacity provider strategy cannot contain more than 20 capacity providers.");
    }
    let number = |item: &Tree, name| item.int(name).unwrap_or(0);
    let in_range =
        |item: &&Tree| BASE_RANGE.contains(&number(item, "base")) && WEIGHT_RANGE.contains(&number(item, "weight"));
    if !items.iter().all(|item| in_range(&item)) {
        return refuse("The base must be between 0 and 100000 and the weight between 0 and 1000.");
    }
    if items.iter().filter(|item| number(item, "base") > 0).count() > 1 {
        return refuse(
            "There are multiple capacity providers in the specified capacity provider strategy with a base value \
             defined. Remove all but one base value and try again.",
        );
    }
    if items.iter().all(|item| number(item, "weight") == 0) {
        return refuse(
            "There are no capacity providers in the capacity provider strategy with a weight value greater than zero. \
             Specify a non-zero weight value and try again.",
        );
    }
    let body = world.ecs.clusters.get(cluster).map(|one| &one.body);
    let associated = body.map(|body| body.list("capacityProviders")).unwrap_or_default();
    let known = |item: &Tree| associated.iter().any(|one| one.as_text() == item.text("capacityProvider"));
    if !items.iter().all(known) {
        return refuse(
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with \
             the cluster. Associate the capacity provider with the cluster and try again.",
        );
    }
    let on_fargate = items.iter().filter(|item| is_fargate_provider(item)).count();
    if on_fargate > 0 && on_fargate < items.len() {
        return refuse(
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and \
             Fargate providers.",
        );
    }
    Ok(())
}

fn is_fargate_provider(item: &Tree) -> bool {
    matches!(item.text("capacityProvider"), Some("FARGATE" | "FARGATE_SPOT"))
}

/// Whether tasks run on Fargate; otherwise they need container instances.
pub fn is_fargate(spec: &Tree) -> bool {
    let strategy = spec.list("capacityProviderStrategy");
    spec.text("launchType") == Some("FARGATE") || (!strategy.is_empty() && strategy.iter().all(is_fargate_provider))
}

/// The provider of the next task, given how many tasks each has: first the base, then whoever is furthest behind its
/// weight, ties in the order of the list (§3.5; the rounding is inferred). `None` without a strategy.
pub(super) fn next_provider(spec: &Tree, running: &BTreeMap<String, i64>) -> Option<String> {
    let strategy = spec.list("capacityProviderStrategy");
    let name = |item: &Tree| item.text("capacityProvider").unwrap_or_default().to_owned();
    let has = |item: &Tree| running.get(&name(item)).copied().unwrap_or(0);
    if let Some(short) = strategy.iter().find(|item| has(item) < item.int("base").unwrap_or(0)) {
        return Some(name(short));
    }
    let share = |item: &&Tree| {
        let weight = item.int("weight").unwrap_or(0).max(1);
        // Compared at a common scale: tasks above the base, each worth 1/weight.
        (has(item) - item.int("base").unwrap_or(0)).saturating_mul(1_000_000) / weight
    };
    strategy.iter().filter(|item| item.int("weight").unwrap_or(0) > 0).min_by_key(share).map(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_first_then_by_weight() {
        let items = vec![
            tree! { "capacityProvider" => "FARGATE", "base" => 2, "weight" => 1 },
            tree! { "capacityProvider" => "FARGATE_SPOT", "base" => 0, "weight" => 3 },
        ];
        let spec = tree! { "capacityProviderStrategy" => items };
        let mut running = BTreeMap::new();
        for _ in 0..10 {
            *running.entry(next_provider(&spec, &running).unwrap()).or_default() += 1;
        }
        assert_eq!(running, BTreeMap::from([("FARGATE".into(), 4), ("FARGATE_SPOT".into(), 6)]));
    }
}
