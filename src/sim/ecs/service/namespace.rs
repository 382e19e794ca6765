//! ListServicesByNamespace (§7.2). Must not know: Cloud Map. A namespace is there when a cluster or a service names it.

use std::collections::BTreeSet;

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::{Answer, Fault};
use super::{Service, names};

/// Default and greatest page (§7.2).
const DEFAULT_PAGE: usize = 10;
const MOST_PAGE: usize = 100;

/// The namespace a service is in: its own, or its cluster's default.
fn of<'a>(world: &'a World, service: &'a Service) -> Option<&'a str> {
    let connect = service.spec.get("serviceConnectConfiguration")?;
    if connect.bool("enabled") != Some(true) {
        return None;
    }
    let cluster = || world.ecs.clusters.get(&service.cluster)?.body.at(&["serviceConnectDefaults", "namespace"]);
    connect.get("namespace").filter(|name| !name.is_empty()).or_else(cluster)?.as_text()
}

pub(super) fn list(world: &mut World, input: &Tree) -> Answer {
    let wanted = input.text("namespace").unwrap_or_default();
    let world = &*world;
    let active = || world.ecs.services.values().filter(|one| one.is_active());
    let clusters = world.ecs.clusters.values().filter(|cluster| cluster.active);
    let defaults = clusters.filter_map(|cluster| cluster.body.at(&["serviceConnectDefaults", "namespace"])?.as_text());
    let known: BTreeSet<&str> = active().filter_map(|one| of(world, one)).chain(defaults).collect();
    if !known.contains(wanted) {
        return Err(Fault::new("NamespaceNotFoundException", "The specified namespace was not found."));
    }
    let inside = active().filter(|one| of(world, one) == Some(wanted));
    let rows = inside.map(|one| (one.arn.clone(), Tree::from(&one.arn))).collect();
    let (arns, next) = names::page(rows, input, DEFAULT_PAGE, MOST_PAGE)?;
    Ok(tree! { "serviceArns" => arns }.with_some("nextToken", next))
}
