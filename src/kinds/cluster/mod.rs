//! Cluster: a name with settings. Must not know: what runs in it.

use crate::shape::{Call, Tree};
use crate::tree;

use super::drift;
use super::normalise::{Row, int, owned, set, unmanaged};
use super::tags::{self, Ownership};
use super::{Definition, Describe, Effect, Kind, Object};

pub static DEFINITION: Definition = Definition {
    kind: Kind::Cluster,
    service: "ecs",
    spec: "CreateClusterRequest",
    create: "CreateCluster",
    name_member: "clusterName",
    shown_as: &["Cluster"],
    assigned: &[],
    required: &[],
    in_cluster: false,
    reserved: &[],
    tags: &tags::ECS,
    rows: ROWS,
    effects: &[("clusterName", Effect::Replaces), ("tags", Effect::Tags)],
    describe: Describe {
        operation: "DescribeClusters",
        names: "clusters",
        limit: 100,
        include: &["CONFIGURATIONS", "SETTINGS", "TAGS"],
        answer: "clusters",
        shortened: &[],
    },
    list: None,
};

/// What makes two clusters equal (peers' read-backs: everything undeclared depends on account defaults).
const ROWS: &[Row] = &[
    owned("clusterArn"),
    owned("status"),
    owned("registeredContainerInstancesCount"),
    owned("runningTasksCount"),
    owned("pendingTasksCount"),
    owned("activeServicesCount"),
    owned("statistics"),
    owned("attachments"),
    owned("attachmentsStatus"),
    owned("tags"),
    unmanaged("settings"),
    unmanaged("configuration"),
    unmanaged("capacityProviders"),
    unmanaged("defaultCapacityProviderStrategy"),
    unmanaged("serviceConnectDefaults"),
    int("defaultCapacityProviderStrategy[].base", 0),
    int("defaultCapacityProviderStrategy[].weight", 0),
    set("settings", &["name"]),
    set("capacityProviders", &[]),
    set("defaultCapacityProviderStrategy", &["capacityProvider"]),
];

/// Creates it, tags included, in one call.
pub fn create(object: &Object, us: &Ownership) -> Call {
    let mut all = object.tags().to_vec();
    all.push(tags::tag(tags::OWNER, &us.to_string()));
    all.extend(drift::said_at_creation(object));
    Call::ecs("CreateCluster", object.spec.clone().with("tags", all))
}

/// The members that PutClusterCapacityProviders writes, always both.
const CAPACITY: [&str; 2] = ["capacityProviders", "defaultCapacityProviderStrategy"];

/// The calls that bring the named members to what the manifest says.
pub fn update(object: &Object, shown: &Tree, members: &[&str]) -> Vec<Call> {
    let (capacity, settings): (Vec<&str>, Vec<&str>) = members.iter().partition(|name| CAPACITY.contains(name));
    let mut calls = Vec::new();
    if !settings.is_empty() {
        let mut input = tree! { "cluster" => object.aws_name() };
        for name in settings {
            input.set(name, object.spec.get(name).cloned().unwrap_or_default());
        }
        calls.push(Call::ecs("UpdateCluster", input));
    }
    if !capacity.is_empty() {
        let mut input = tree! { "cluster" => object.aws_name() };
        for name in CAPACITY {
            let value = object.spec.get(name).or_else(|| shown.get(name)).cloned();
            input.set(name, value.unwrap_or(Tree::List(vec![])));
        }
        calls.push(Call::ecs("PutClusterCapacityProviders", input));
    }
    calls
}
