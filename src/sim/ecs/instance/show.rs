//! A container instance as DescribeContainerInstances shows it (docs/ecs.md §6.4). Must not know: operations.

use std::collections::BTreeSet;

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::{Capacity, Instance, resources};

/// The instance as a tree; `tags` and `healthStatus` only when asked for (§1.4).
pub fn show(world: &World, instance: &Instance, include: &[&str]) -> Tree {
    let asked = |part: &str| include.contains(&part);
    let tasks = instance.tasks.iter().filter_map(|id| world.ecs.tasks.get(&(instance.cluster.clone(), id.clone())));
    let (mut running, mut pending) = (0_usize, 0_usize);
    for task in tasks {
        running += usize::from(task.is_running());
        pending += usize::from(task.is_pending());
    }
    let attributes = instance.attributes.iter();
    let attributes =
        attributes.map(|(name, value)| tree! { "name" => name }.with_some("value", value.as_ref())).collect::<Vec<_>>();
    let none = Vec::<Tree>::new;
    tree! {
        "containerInstanceArn" => &instance.arn,
        "ec2InstanceId" => &instance.machine,
        "version" => instance.version,
        "versionInfo" => &instance.agent,
        "registeredResources" => listed(&instance.capacity, &instance.capacity),
        "remainingResources" => listed(&resources::remaining(&world.ecs, instance), &instance.capacity),
        "status" => instance.status.as_str(),
        "agentConnected" => instance.connected,
        "runningTasksCount" => running,
        "pendingTasksCount" => pending,
        "attributes" => attributes,
        "attachments" => none(),
        "registeredAt" => instance.registered,
        "tags" => if asked("TAGS") { instance.tags.clone() } else { none() },
    }
    .with_some("capacityProviderName", instance.capacity_provider.as_ref())
    .with_some("agentUpdateStatus", instance.agent_update)
    .with_some("healthStatus", asked("CONTAINER_INSTANCE_HEALTH").then(|| health(instance)))
}

fn health(instance: &Instance) -> Tree {
    let status = if instance.connected { "OK" } else { "INSUFFICIENT_DATA" };
    let detail = tree! {
        "type" => "CONTAINER_RUNTIME", "status" => status,
        "lastUpdated" => instance.registered, "lastStatusChange" => instance.registered,
    };
    tree! { "overallStatus" => status, "details" => vec![detail] }
}

/// The resource arrays; GPU only where there are any.
fn listed(capacity: &Capacity, all: &Capacity) -> Vec<Tree> {
    let plain = |name: &str, kind: &str, integer: i64| {
        tree! {
            "name" => name, "type" => kind, "doubleValue" => 0.0, "longValue" => 0, "integerValue" => integer,
        }
    };
    let set = |name: &str, items: Vec<String>| plain(name, "STRINGSET", 0).with("stringSetValue", items);
    let numbers = |ports: &BTreeSet<i64>| ports.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut rows = vec![
        plain("CPU", "INTEGER", capacity.cpu),
        plain("MEMORY", "INTEGER", capacity.memory),
        set("PORTS", numbers(&capacity.tcp)),
        set("PORTS_UDP", numbers(&capacity.udp)),
    ];
    if !all.gpus.is_empty() {
        rows.push(set("GPU", capacity.gpus.iter().cloned().collect()));
    }
    rows
}
