//! StartTask: tasks on instances that the caller names (ecs-semantics §3.5). Must not know: strategies.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::instance::{self, Instance};
use super::super::placement::{self, Launch, Request};
use super::super::service::{self, cluster_of};
use super::super::task_definition::{TaskDefinition, resolve};
use super::super::{Answer, Fault, tag};
use super::{Order, behaviour, launch_on, show};

/// Instances of one request; letters of `startedBy` (§1.2, §7.2).
const MOST: usize = 10;
const MOST_STARTED_BY: usize = 36;

pub(super) fn start(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let named = input.list("containerInstances");
    if named.is_empty() || named.len() > MOST {
        return Err(Fault::invalid(format!("Specify 1 to {MOST} container instances.")));
    }
    let definition = definition(world, input)?;
    judge(input, &definition)?;
    let ids = named.iter().filter_map(Tree::as_text).map(|one| instance::id_of(world, &cluster, one));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for id in ids {
        match start_on(world, &cluster, &id, input, &definition) {
            Ok(task) => tasks.push(task),
            Err(failure) => failures.push(failure),
        }
    }
    Ok(tree! { "tasks" => tasks, "failures" => failures })
}

fn definition(world: &World, input: &Tree) -> Result<Arc<TaskDefinition>, Fault> {
    let found = resolve(&world.ecs, input.text("taskDefinition").unwrap_or_default())?;
    if !found.active {
        return Err(Fault::invalid("TaskDefinition is inactive"));
    }
    Ok(Arc::new(found.clone()))
}

/// What a task that is named its instance may say (§3.5; the container's text from memory).
fn judge(input: &Tree, definition: &TaskDefinition) -> Result<(), Fault> {
    let refuse = |text: &str| Err(Fault::invalid(text));
    let body = &definition.body;
    tag::check_new(input.list("tags"))?;
    if input.text("startedBy").is_some_and(|text| text.chars().count() > MOST_STARTED_BY) {
        return Err(Fault::invalid(format!("startedBy can have at most {MOST_STARTED_BY} characters.")));
    }
    if input.text("propagateTags") == Some("SERVICE") {
        return refuse("SERVICE is not a valid value for propagateTags when a task is started.");
    }
    if !input.list("volumeConfigurations").is_empty() {
        return Err(Fault::unsupported("volumeConfigurations of StartTask"));
    }
    let network = input.at(&["networkConfiguration", "awsvpcConfiguration"]);
    match (body.text("networkMode") == Some("awsvpc"), network) {
        (true, None) => {
            return refuse("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
        }
        (true, Some(vpc)) if vpc.list("subnets").is_empty() => return refuse("subnets can not be empty."),
        (true, Some(vpc)) if vpc.text("assignPublicIp") == Some("ENABLED") => {
            return refuse("Assign public IP is not supported for this launch type.");
        }
        (false, Some(_)) => {
            return refuse("Network Configuration is not valid for the given networkMode of this task definition.");
        }
        _ => {}
    }
    let containers = body.list("containerDefinitions");
    for one in input.at(&["overrides", "containerOverrides"]).and_then(Tree::as_list).unwrap_or_default() {
        if !containers.iter().any(|container| container.text("name") == one.text("name")) {
            let name = one.text("name").unwrap_or_default();
            return Err(Fault::invalid(format!(
                "Override for container named {name} is not a container in the TaskDefinition."
            )));
        }
    }
    behaviour::judge(body, false)
}

/// The task as it is shown, or an item of `failures[]`.
fn start_on(
    world: &mut World,
    cluster: &str,
    id: &str,
    input: &Tree,
    definition: &Arc<TaskDefinition>,
) -> Result<Tree, Tree> {
    let arn = world.arn(&format!("container-instance/{cluster}/{id}"));
    let failure = |reason: &str| tree! { "arn" => &arn, "reason" => reason };
    let instance = world.ecs.instances.get(&(cluster.to_owned(), id.to_owned()));
    let instance = instance.ok_or_else(|| failure("MISSING"))?;
    if !instance.is_registered() {
        return Err(failure("INACTIVE"));
    }
    let family = format!("family:{}", definition.family);
    let group = input.text("group").filter(|text| !text.is_empty()).unwrap_or(&family);
    let placed = placed(world, instance, input, definition, group).map_err(|failed| failed.shown())?;
    let order = Order {
        cluster: cluster.to_owned(),
        group: group.to_owned(),
        started_by: input.text("startedBy").map(str::to_owned),
        service: None,
        definition: Arc::clone(definition),
        capacity_provider: None,
        platform_version: String::new(),
        subnet: String::new(),
        targets: Vec::new(),
        in_registry: false,
        execute_command: input.bool("enableExecuteCommand") == Some(true),
        tags: tags(cluster, input, definition),
    };
    let key = (cluster.to_owned(), launch_on(world, order, placed));
    override_with(world, &key, input.get("overrides"));
    let task = world.ecs.tasks.get(&key).ok_or_else(|| failure("MISSING"))?;
    Ok(show(world, task, true))
}

fn placed(
    world: &World,
    instance: &Instance,
    input: &Tree,
    definition: &TaskDefinition,
    group: &str,
) -> Result<placement::Placed, placement::Failure> {
    let vpc = input.at(&["networkConfiguration", "awsvpcConfiguration"]);
    let request = Request {
        definition: &definition.body,
        overrides: input.get("overrides").unwrap_or(&Tree::Null),
        launch: if instance.external { Launch::External } else { Launch::Ec2 },
        provider: None,
        group,
        subnets: vpc.map_or(&[], |vpc| vpc.list("subnets")),
        constraints: &[],
        strategy: &[],
        except: &BTreeSet::new(),
        kept: &service::kept_for_daemons(world, &instance.cluster),
    };
    placement::place_on(world, instance, &request)
}

/// Managed and propagated tags, and the request's own (§1.4).
fn tags(cluster: &str, input: &Tree, definition: &TaskDefinition) -> Vec<Tree> {
    let mut tags = input.list("tags").to_vec();
    if input.text("propagateTags") == Some("TASK_DEFINITION") {
        let new = |tag: &&Tree| !tags.iter().any(|own| own.get("key") == tag.get("key"));
        let inherited = definition.tags.iter().filter(new).cloned().collect::<Vec<_>>();
        tags.extend(inherited);
    }
    if input.bool("enableECSManagedTags") == Some(true) {
        tags.push(tree! { "key" => "aws:ecs:clusterName", "value" => cluster });
    }
    tags
}

/// Overrides as they are shown: one entry a container, overridden or not (§3.2).
fn override_with(world: &mut World, key: &(String, String), given: Option<&Tree>) {
    let Some((task, given)) = world.ecs.tasks.get_mut(key).zip(given) else { return };
    let mut shown = task.body.get("overrides").cloned().unwrap_or_default();
    for (name, value) in given.as_map().into_iter().flatten() {
        shown.set(name, value);
    }
    let containers = task.containers.iter().map(|container| {
        let own = given.list("containerOverrides").iter().find(|one| one.text("name") == Some(&container.name));
        own.cloned().unwrap_or_else(|| tree! { "name" => &container.name })
    });
    shown.set("containerOverrides", containers.collect::<Vec<_>>());
    for name in ["cpu", "memory"] {
        if let Some(size) = given.text(name) {
            task.body.set(name, size);
        }
    }
    task.body.set("overrides", shown);
}
