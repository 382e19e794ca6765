//! ExecuteCommand, and the agent it needs (docs/ecs.md §6.7). Must not know: how a task starts.
//!
//! A session is opened on paper only: nothing listens at its `streamUrl`, whose host can't exist, so that a client on a
//! laptop fails to connect instead of reaching AWS.

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::service::cluster_of;
use super::super::{Answer, Fault};
use super::operations::task_id;
use super::{Container, LastStatus, Task};

const NOT_ENABLED: &str = "The execute command failed because execute command was not enabled when the task was run or \
     the execute command agent isn’t running. Wait and try again or run a new task with execute command enabled and try \
     again.";
const AGENT: &str = "ExecuteCommandAgent";

pub(super) fn execute(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let id = task_id(world, &cluster, input.text("task").unwrap_or_default())?;
    if input.bool("interactive") != Some(true) {
        return Err(Fault::invalid("Interactive is the only mode supported currently."));
    }
    if input.text("command").unwrap_or_default().is_empty() {
        return Err(Fault::invalid("command cannot be blank."));
    }
    let task = world.ecs.tasks.get(&(cluster, id));
    let task = task.ok_or_else(|| Fault::invalid("The referenced task was not found."))?;
    if !is_enabled(task) || task.last != LastStatus::Running {
        return Err(Fault::invalid(NOT_ENABLED));
    }
    let container = container_of(task, input.text("container"))?;
    if container.last_status != "RUNNING" {
        return Err(Fault::new(
            "TargetNotConnectedException",
            "The execute command failed because the container is not running.",
        ));
    }
    let answer = tree! {
        "clusterArn" => world.arn(&format!("cluster/{}", task.cluster)),
        "containerArn" => &container.arn,
        "containerName" => &container.name,
        "interactive" => true,
        "taskArn" => &task.arn,
    };
    let session = format!("ecs-execute-command-{}", world.chars(25, b"abcdefghijklmnopqrstuvwxyz0123456789"));
    let region = &world.settings.region;
    let url = format!("wss://ssmmessages.{region}.sim.invalid/v1/data-channel/{session}?role=publish_subscribe");
    let token = world.chars(64, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    Ok(answer.with("session", tree! { "sessionId" => session, "streamUrl" => url, "tokenValue" => token }))
}

/// The one that is named; a name is needed only among several. Wordings are ours.
fn container_of<'a>(task: &'a Task, name: Option<&str>) -> Result<&'a Container, Fault> {
    match (name.filter(|name| !name.is_empty()), task.containers.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => Err(Fault::invalid("A container name must be specified for a task with several containers.")),
        (Some(name), all) => all
            .iter()
            .find(|one| one.name == name)
            .ok_or_else(|| Fault::invalid(format!("The container {name} does not exist in the task."))),
    }
}

fn is_enabled(task: &Task) -> bool {
    task.body.bool("enableExecuteCommand") == Some(true)
}

/// `managedAgents` of a container, where its task was started with ExecuteCommand enabled.
pub(super) fn agents(task: &Task, container: &Container) -> Option<Vec<Tree>> {
    if !is_enabled(task) {
        return None;
    }
    let started = task.times.started.filter(|_| container.last_status == "RUNNING");
    let agent = tree! { "name" => AGENT, "lastStatus" => container.last_status };
    Some(vec![agent.with_some("lastStartedAt", started)])
}
