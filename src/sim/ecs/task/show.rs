//! A task as DescribeTasks shows it (§3.1, §3.2). Must not know: operations.

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::instance::Port;
use super::{Container, Health, Interface, LastStatus, Task, exec, volumes};

/// The task as a tree; `tags` only when asked for (§1.4).
pub fn show(world: &World, task: &Task, with_tags: bool) -> Tree {
    let containers = task.containers.iter().map(|one| container(task, one)).collect::<Vec<_>>();
    let tags = if with_tags { task.tags.clone() } else { Vec::new() };
    let mut attachments = task.interface.iter().map(|one| attachment(world, task, one)).collect::<Vec<_>>();
    attachments.extend(volumes::attachments(&world.ecs, task));
    let connected = task.times.connectivity.map(|_| if is_away(world, task) { "DISCONNECTED" } else { "CONNECTED" });
    let times = &task.times;
    task.body
        .clone()
        .with("taskArn", &task.arn)
        .with("clusterArn", world.arn(&format!("cluster/{}", task.cluster)))
        .with("taskDefinitionArn", &task.definition)
        .with("group", &task.group)
        .with("lastStatus", task.last.as_str())
        .with("desiredStatus", if task.wanted { "RUNNING" } else { "STOPPED" })
        .with("attachments", attachments)
        .with("containers", containers)
        .with("createdAt", task.created)
        .with("tags", tags)
        .with("version", task.version)
        .with_some("availabilityZone", Some(&task.zone).filter(|zone| !zone.is_empty()))
        .with_some("containerInstanceArn", task.host.as_ref().map(|host| &host.arn))
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

/// Whether the agent of its instance has lost its connection.
fn is_away(world: &World, task: &Task) -> bool {
    let instance = task.host.as_ref().map(|host| (task.cluster.clone(), host.instance.clone()));
    instance.is_some_and(|key| world.ecs.instances.get(&key).is_some_and(|one| !one.connected))
}

/// Which of the host's ports lead to a container: known once it runs (§3.1). `None` on Fargate.
fn bindings(task: &Task, container: &Container) -> Option<Vec<Tree>> {
    let host = task.host.as_ref()?;
    if !host.binds || container.runtime_id.is_none() || task.last < LastStatus::Running {
        return Some(Vec::new());
    }
    let at = task.containers.iter().position(|one| one.arn == container.arn);
    let own = host.held.ports.iter().filter(|port| Some(port.container) == at);
    let row = |port: &Port| {
        tree! {
            "bindIP" => "0.0.0.0",
            "containerPort" => port.inside,
            "hostPort" => port.outside,
            "protocol" => if port.udp { "udp" } else { "tcp" },
        }
    };
    Some(own.map(row).collect())
}

fn container(task: &Task, container: &Container) -> Tree {
    let attached = task.interface.as_ref().filter(|_| task.times.connectivity.is_some());
    let interfaces = attached.map(|interface| {
        tree! { "attachmentId" => &interface.attachment_id, "privateIpv4Address" => &interface.address }
    });
    let interfaces = interfaces.into_iter().collect::<Vec<_>>();
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
        .with_some("networkBindings", bindings(task, container))
        .with_some("gpuIds", gpus(task, container))
        .with_some("healthStatus", (task.last >= LastStatus::Running).then(|| health.as_str()))
        .with_some("managedAgents", exec::agents(task, container))
        .with_some("imageDigest", container.digest.as_ref())
        .with_some("runtimeId", container.runtime_id.as_ref())
        .with_some("exitCode", container.exit_code)
        .with_some("reason", container.reason.as_ref())
}

/// The ids of a container's GPUs, where it has some.
fn gpus(task: &Task, container: &Container) -> Option<Vec<String>> {
    let at = task.containers.iter().position(|one| one.arn == container.arn)?;
    let own = task.host.as_ref()?.held.gpus.iter().filter(|(of, _)| *of == at);
    let own = own.map(|(_, gpu)| gpu.clone()).collect::<Vec<_>>();
    Some(own).filter(|own| !own.is_empty())
}

fn attachment(world: &World, task: &Task, interface: &Interface) -> Tree {
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
pub fn zone_domain(region: &str) -> String {
    match region {
        "us-east-1" => "ec2.internal".to_owned(),
        region => format!("{region}.compute.internal"),
    }
}
