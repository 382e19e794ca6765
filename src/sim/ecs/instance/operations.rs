//! Describe, List, Deregister and the updates of container instances (docs/ecs.md §2.17, §6.4, §7.2).
//! Must not know: how tasks are placed.

use std::time::Duration;

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::service::{cluster_of, page};
use super::super::{Answer, Event, Fault, placement::query};
use super::{Instance, Status, id_of, in_cluster, show, state};

/// How many instances one request may name (§7.2).
const MOST_DESCRIBED: usize = 100;
const MOST_UPDATED: usize = 10;
/// One page of ListContainerInstances.
const MOST_PAGE: usize = 100;
/// The agent that instances come with, and that an update brings.
pub(super) const AGENT_VERSION: &str = "1.102.0";
/// How long an agent takes to update itself (inferred).
const AGENT_UPDATE: Duration = Duration::from_secs(60);

pub(super) fn describe(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let include: Vec<&str> = input.list("include").iter().filter_map(Tree::as_text).collect();
    each(world, &cluster, input, MOST_DESCRIBED, |world, instance| Ok(show(world, &instance, &include)))
}

/// Answers for every instance that a request names, and the failures for those that there are not.
fn each(
    world: &mut World,
    cluster: &str,
    input: &Tree,
    most: usize,
    mut answer: impl FnMut(&mut World, Instance) -> Result<Tree, &'static str>,
) -> Answer {
    let named = input.list("containerInstances");
    if named.is_empty() || named.len() > most {
        return Err(Fault::invalid(format!("Specify 1 to {most} container instances.")));
    }
    state::forget(world);
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for reference in named.iter().filter_map(Tree::as_text) {
        let id = id_of(world, cluster, reference)?;
        let known = world.ecs.instances.get(&(cluster.to_owned(), id.clone())).cloned();
        match known.ok_or("MISSING").and_then(|instance| answer(world, instance)) {
            Ok(shown) => found.push(shown),
            Err(reason) => {
                let arn = world.arn(&format!("container-instance/{cluster}/{id}"));
                failures.push(tree! { "arn" => arn, "reason" => reason });
            }
        }
    }
    Ok(tree! { "containerInstances" => found, "failures" => failures })
}

pub(super) fn list(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let filter = match input.text("filter").filter(|text| !text.is_empty()) {
        Some(text) => Some(query::read(text).map_err(|why| Fault::invalid(format!("Invalid filter: {why}")))?),
        None => None,
    };
    let status = input.text("status");
    let matches = |one: &&Instance| {
        status.map_or(one.is_registered(), |status| one.status.as_str() == status)
            && filter.as_ref().is_none_or(|filter| filter.holds(&world.ecs, one))
    };
    let rows = in_cluster(&world.ecs, &cluster).filter(matches);
    let rows = rows.map(|one| (one.id.clone(), Tree::from(&one.arn))).collect();
    let (arns, next) = page(rows, input, MOST_PAGE, MOST_PAGE)?;
    Ok(tree! { "containerInstanceArns" => arns }.with_some("nextToken", next))
}

/// The registered instance that a request is about; wording weak.
fn one(world: &World, cluster: &str, input: &Tree) -> Result<Instance, Fault> {
    let id = id_of(world, cluster, input.text("containerInstance").unwrap_or_default())?;
    let found = world.ecs.instances.get(&(cluster.to_owned(), id)).filter(|one| one.is_registered());
    found.cloned().ok_or_else(|| Fault::invalid("The referenced container instance was not found."))
}

pub(super) fn deregister(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let instance = one(world, &cluster, input)?;
    let task = |id: &String| world.ecs.tasks.get(&(cluster.clone(), id.clone()));
    let busy = instance.tasks.iter().filter_map(task).any(|task| task.is_running());
    if busy && input.bool("force") != Some(true) {
        return Err(Fault::invalid("Found running tasks on the instance."));
    }
    state::deregister(world, &instance.key());
    let gone = world.ecs.instances.get(&instance.key()).unwrap_or(&instance);
    Ok(tree! { "containerInstance" => show(world, gone, &["TAGS"]) })
}

pub(super) fn update_state(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let status = match input.text("status") {
        Some("ACTIVE") => Status::Active,
        Some("DRAINING") => Status::Draining,
        _ => return Err(Fault::invalid("Container instance status should be one of [ACTIVE, DRAINING].")),
    };
    each(world, &cluster, input, MOST_UPDATED, |world, instance| {
        if !instance.is_registered() {
            return Err("INACTIVE");
        }
        state::set_status(world, &instance.key(), status);
        world.ecs.instances.get(&instance.key()).map(|one| show(world, one, &["TAGS"])).ok_or("MISSING")
    })
}

/// Wordings weak; not for external instances (§6.6).
pub(super) fn update_agent(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let mut instance = one(world, &cluster, input)?;
    if instance.external {
        return Err(Fault::invalid("The container agent of an external instance can not be updated by Amazon ECS."));
    }
    if instance.agent_update == Some("PENDING") {
        let text = "There is already a current Amazon ECS container agent update in progress.";
        return Err(Fault::new("UpdateInProgressException", text));
    }
    match instance.agent.text("agentVersion") {
        None => {
            let text = "Amazon ECS can't determine the current version of the container agent.";
            return Err(Fault::new("MissingVersionException", text));
        }
        Some(AGENT_VERSION) => {
            let text = "There is no update available for your container agent.";
            return Err(Fault::new("NoUpdateAvailableException", text));
        }
        Some(_) => {}
    }
    instance.agent_update = Some("PENDING");
    instance.version += 1;
    let shown = show(world, &instance, &[]);
    world.after(AGENT_UPDATE, Event::AgentUpdated { cluster, instance: instance.id.clone() });
    world.ecs.instances.insert(instance.key(), instance);
    Ok(tree! { "containerInstance" => shown })
}

/// The agent is a new one.
pub fn agent_updated(world: &mut World, cluster: &str, id: &str) {
    if let Some(instance) = world.ecs.instances.get_mut(&(cluster.to_owned(), id.to_owned())) {
        instance.agent.set("agentVersion", AGENT_VERSION);
        instance.agent_update = Some("UPDATED");
        instance.version += 1;
    }
}
