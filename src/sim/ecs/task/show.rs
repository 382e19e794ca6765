//! A task as DescribeTasks shows it (§3.1, §3.2). Must not know: operations.

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::{Container, Health, LastStatus, Task, exec, volumes};

/// The task as a tree; `tags` only when asked for (§1.4).
pub fn show(world: &World, task: &Task, with_tags: bool) -> Tree {
    let containers = task.containers.iter().map(|one| container(task, one)).collect::<Vec<_>>();
    let tags = if with_tags { task.tags.clone() } else { Vec::new() };
    let connected = task.times.connectivity.map(|_| "CONNECTED");
    let times = &task.times;
    let mut attachments = vec![attachment(world, task)];
    attachments.extend(volumes::attachments(&world.ecs, task));
    task.body
        .clone()
        .with("taskArn", &task.arn)
        .with("clusterArn", world.arn(&format!("cluster/{}", task.cluster)))
        .with("taskDefinitionArn", &task.definition)
        .with("group", &task.group)
        .with("lastStatus", task.last.as_str())
        .with("desiredStatus", if task.wanted { "RUNNING" } else { "STOPPED" })
        .with("availabilityZone", &task.zone)
        .with("attachments", attachments)
        .with("containers", containers)
        .with("createdAt", task.created)
        .with("tags", tags)
        .with("version", task.version)
        .with_some("healthStatus", (task.last >= LastStatus::Running).then(|| task.health.as_str()))
        .with_some("startedBy", task.started_by.as_ref())
        .with_some("capacityProviderName", task.capacity_provider.as_ref())
        .with_some("connectivity", connected)
        .with_some("connectivityAt", times.connectivity)
        .with_some("pullStartedAt", times.pull_started.filter(|at| *at <= world.now()))
        .with_some("pullStoppedAt", times.pull_stopped)
        .with_some("startedAt", times.started)
        .with_some("stoppingAt", times.stopping)
        .with_some("executionStoppedAt", times.execution_stopped)
        .with_some("stoppedAt", times.stopped)
        .with_some("stopCode", task.stop.as_ref().map(|stop| stop.code))
        .with_some("stoppedReason", task.stop.as_ref().map(|stop| stop.reason.as_str()))
}

fn container(task: &Task, container: &Container) -> Tree {
    let interfaces = match (container.last_status, task.times.connectivity) {
        (_, None) => Vec::new(),
        _ => vec![tree! {
            "attachmentId" => &task.interface.attachment_id,
            "privateIpv4Address" => &task.interface.address,
        }],
    };
    let health = match container.check_interval_secs {
        Some(_) => task.health,
        None => Health::Unknown,
    };
    container
        .sizes
        .clone()
        .with("containerArn", &container.arn)
        .with("taskArn", &task.arn)
        .with("name", &container.name)
        .with("image", &container.image)
        .with("lastStatus", container.last_status)
        .with("networkInterfaces", interfaces)
        .with_some("healthStatus", (task.last >= LastStatus::Running).then(|| health.as_str()))
        .with_some("managedAgents", exec::agents(task, container))
        .with_some("imageDigest", container.digest.as_ref())
        .with_some("runtimeId", container.runtime_id.as_ref())
        .with_some("exitCode", container.exit_code)
        .with_some("reason", container.reason.as_ref())
}

fn attachment(world: &World, task: &Task) -> Tree {
    let interface = &task.interface;
    let detail = |name: &str, value: &str| tree! { "name" => name, "value" => value };
    let mut details = vec![detail("subnetId", &interface.subnet)];
    if task.times.connectivity.is_some() {
        let host = format!("ip-{}.{}", interface.address.replace('.', "-"), zone_domain(&world.settings.region));
        details.push(detail("networkInterfaceId", &interface.id));
        details.push(detail("macAddress", &interface.mac));
        details.push(detail("privateDnsName", &host));
        details.push(detail("privateIPv4Address", &interface.address));
    }
    tree! {
        "id" => &interface.attachment_id,
        "type" => "ElasticNetworkInterface",
        "status" => interface.status,
        "details" => details,
    }
}

/// The private DNS domain of a region; us-east-1 has its own.
fn zone_domain(region: &str) -> String {
    match region {
        "us-east-1" => "ec2.internal".to_owned(),
        region => format!("{region}.compute.internal"),
    }
}
