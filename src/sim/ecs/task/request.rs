//! What RunTask and StartTask ask for, read and judged (ecs-semantics §1.2, §3.5, §5.1). Must not know: what is
//! launched where.

use std::sync::Arc;

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::service::{is_fargate, judge_fargate, judge_network, network_defaults};
use super::super::task_definition::{TaskDefinition, resolve};
use super::super::{Fault, tag};
use super::{behaviour, overrides, platform, volumes};

const LONGEST_GROUP: usize = 255;
const LONGEST_REFERENCE_ID: usize = 1_024;
/// Groups that are ECS's to give.
const SERVICE_GROUP: &str = "service:";

/// Which of the two operations asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Run,
    Start,
}

impl Door {
    /// How long `startedBy` may be (§1.2).
    fn longest_started_by(self) -> usize {
        match self {
            Self::Run => 128,
            Self::Start => 36,
        }
    }
}

/// A request that is right.
pub(super) struct Request {
    pub definition: Arc<TaskDefinition>,
    /// `launchType` or `capacityProviderStrategy`, `networkConfiguration`, `platformVersion`.
    pub spec: Tree,
    pub group: String,
    pub started_by: Option<String>,
    pub overrides: Tree,
    pub volumes: Vec<Tree>,
    pub execute_command: bool,
    pub tags: Vec<Tree>,
}

impl Request {
    pub fn is_on_fargate(&self) -> bool {
        is_fargate(&self.spec)
    }

    /// `awsvpcConfiguration`; empty where there is none.
    pub fn network(&self) -> Tree {
        self.spec.at(&["networkConfiguration", "awsvpcConfiguration"]).cloned().unwrap_or_default()
    }

    pub fn groups(&self) -> Vec<String> {
        self.network().list("securityGroups").iter().filter_map(Tree::as_text).map(str::to_owned).collect()
    }

    pub fn is_public(&self) -> bool {
        self.network().text("assignPublicIp") == Some("ENABLED")
    }

    pub fn subnets(&self) -> Vec<&str> {
        let subnets = self.spec.at(&["networkConfiguration", "awsvpcConfiguration", "subnets"]);
        subnets.and_then(Tree::as_list).unwrap_or_default().iter().filter_map(Tree::as_text).collect()
    }

    /// LATEST, resolved.
    pub fn platform_version(&self) -> &str {
        match self.spec.text("platformVersion").unwrap_or("LATEST") {
            "LATEST" if overrides::is_windows(&self.definition.body) => "1.0.0",
            "LATEST" => "1.4.0",
            version => version,
        }
    }
}

/// Reads and judges one request; `choose` says where it runs.
pub(super) fn read(
    world: &World,
    cluster: &str,
    input: &Tree,
    door: Door,
    choose: impl Fn(&mut Tree) -> Result<(), Fault>,
) -> Result<Request, Fault> {
    let definition = definition(world, input.text("taskDefinition").unwrap_or_default())?;
    let mut spec = Tree::map();
    choose(&mut spec)?;
    judge_names(input, door)?;
    let tags = tags(cluster, input, &definition)?;
    if let Some(network) = input.get("networkConfiguration") {
        spec.set("networkConfiguration", network_defaults(network));
    }
    if let Some(version) = input.get("platformVersion") {
        spec.set("platformVersion", version);
    }
    let group = input.text("group").map_or_else(|| format!("family:{}", definition.family), str::to_owned);
    let request = Request {
        group,
        started_by: input.text("startedBy").map(str::to_owned),
        overrides: input.get("overrides").cloned().unwrap_or_else(Tree::map),
        volumes: input.list("volumeConfigurations").to_vec(),
        execute_command: input.bool("enableExecuteCommand") == Some(true),
        tags,
        spec,
        definition,
    };
    judge(world, &request, input)?;
    Ok(request)
}

/// RunTask's own code for an INACTIVE one (§1.3).
fn definition(world: &World, reference: &str) -> Result<Arc<TaskDefinition>, Fault> {
    let found = resolve(&world.ecs, reference).map_err(|_| Fault::client("TaskDefinition not found."))?;
    match found.active {
        true => Ok(Arc::new(found.clone())),
        false => Err(Fault::invalid("TaskDefinition is inactive")),
    }
}

/// Wordings are ours.
fn judge_names(input: &Tree, door: Door) -> Result<(), Fault> {
    let started_by = input.text("startedBy").unwrap_or_default();
    let longest = door.longest_started_by();
    // ECS documents no space, and takes it all the same: published clients start tasks as "ECS Deploy".
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/ ".contains(&byte);
    if started_by.len() > longest || !started_by.bytes().all(allowed) {
        return Err(Fault::invalid(format!(
            "startedBy can have at most {longest} letters, digits, hyphens, underscores and slashes."
        )));
    }
    let group = input.text("group").unwrap_or("family");
    if group.is_empty() || group.chars().count() > LONGEST_GROUP {
        return Err(Fault::invalid(format!("group must have 1 to {LONGEST_GROUP} characters.")));
    }
    if group.starts_with(SERVICE_GROUP) {
        return Err(Fault::invalid("Invalid namespace for group."));
    }
    if input.text("referenceId").is_some_and(|id| id.chars().count() > LONGEST_REFERENCE_ID) {
        return Err(Fault::invalid(format!("referenceId can have at most {LONGEST_REFERENCE_ID} characters.")));
    }
    Ok(())
}

/// A task's tags at its launch (§1.4): its own, those of its definition that it has not itself, and ECS's.
fn tags(cluster: &str, input: &Tree, definition: &TaskDefinition) -> Result<Vec<Tree>, Fault> {
    let mut tags = input.list("tags").to_vec();
    tag::check_new(&tags)?;
    match input.text("propagateTags") {
        Some("SERVICE") => {
            return Err(Fault::invalid("The task is not part of a service: propagateTags can't be SERVICE."));
        }
        Some("TASK_DEFINITION") => {
            let missing = |one: &&Tree| !tags.iter().any(|own| own.get("key") == one.get("key"));
            let missing = definition.tags.iter().filter(missing).cloned().collect::<Vec<_>>();
            tags.extend(missing);
            tag::check_new(&tags)?;
        }
        _ => {}
    }
    if input.bool("enableECSManagedTags") == Some(true) {
        tags.push(tree! { "key" => "aws:ecs:clusterName", "value" => cluster });
    }
    Ok(tags)
}

fn judge(world: &World, request: &Request, input: &Tree) -> Result<(), Fault> {
    let (body, fargate) = (&request.definition.body, request.is_on_fargate());
    if fargate {
        judge_fargate(&request.spec, body, input)?;
    } else if input.get("platformVersion").is_some() {
        return Err(Fault::invalid("The platform version must be null when specifying an EC2 launch type."));
    }
    judge_network(world, &request.spec, body)?;
    overrides::judge(&request.overrides, body, &world.settings.region, fargate)?;
    volumes::judge(&request.volumes, body, fargate)?;
    behaviour::judge(body, false)?;
    let role = request.overrides.text("taskRoleArn").or(body.text("taskRoleArn"));
    if request.execute_command && role.is_none_or(str::is_empty) {
        return Err(Fault::invalid(
            "The task couldn't be started because a valid taskRoleArn is not being used. Specify a valid task role in \
             your task definition and try again.",
        ));
    }
    if !fargate {
        return Ok(());
    }
    let version = request.platform_version();
    platform::judge_storage(version, body, request.overrides.get("ephemeralStorage").is_some())?;
    platform::judge(version, body, !request.volumes.is_empty(), request.execute_command)
}
