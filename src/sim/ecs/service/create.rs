//! CreateService (§1.3, §1.5, §5.1). Must not know: when tasks start.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::{Answer, Fault, setting, tag};
use super::{Service, Status, configuration, controller, extras, hooks, input, names, places, rollout, show, task_set};

const LONGEST_NAME: usize = 255;
const LONGEST_TOKEN: usize = 36;
/// Tasks of one service (§7.5).
const MOST_TASKS: i64 = 5_000;
/// Tasks of one that uses Service Connect or service discovery (§5.1).
const MOST_DISCOVERED: i64 = 1_000;
/// How long a client token is remembered (§1.5, inferred).
const TOKEN_MEMORY: Duration = Duration::from_secs(24 * 3600);

pub(super) fn create(world: &mut World, given: &Tree) -> Answer {
    let cluster = names::cluster_of(world, given)?;
    let name = given.text("serviceName").unwrap_or_default().to_owned();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(allowed) {
        return Err(Fault::invalid(
            "Invalid service name. It must have 1 to 255 letters, digits, underscores and hyphens.",
        ));
    }
    if given.text("clientToken").is_some_and(|token| token.len() > LONGEST_TOKEN) {
        return Err(Fault::invalid("clientToken can have at most 36 characters."));
    }
    if let Some(existing) = repeated(world, &cluster, &name, given)? {
        return Ok(tree! { "service" => existing });
    }
    tag::check_new(given.list("tags"))?;
    setting::check_taggable(world, setting::Kind::Service, given)?;
    controller::of_create(given)?;
    let kind = controller::asked(given).unwrap_or("ECS");
    let wanted = if kind == "EXTERNAL" { None } else { Some(input::of_create(world, &cluster, given)?) };
    let spec = wanted.as_ref().map_or_else(|| input::of_external(given), |wanted| wanted.spec.clone());
    let settings = configuration::of_create(given, !spec.list("loadBalancers").is_empty())?;
    configuration::judge_together(&settings, &spec)?;
    if wanted.is_none() {
        // What its spec has no use for is refused all the same.
        controller::judge(&settings, given)?;
    }
    if let Some(wanted) = &wanted {
        places::judge(&wanted.spec, &settings, &wanted.definition.body)?;
        extras::judge_platform(&wanted.spec, &settings, &wanted.definition.body)?;
    }
    let desired = desired_count(kind, &settings, given)?;
    judge_desired(desired, &spec)?;
    let mut service = new(world, cluster, name, given, desired, spec, settings);
    match wanted {
        None => {}
        // CodeDeploy's first deployment is there at once (§2.13).
        Some(wanted) if kind == "CODE_DEPLOY" => {
            let place = task_set::begin(world, &mut service, wanted, 100.0);
            task_set::make_primary(world, &mut service, place);
        }
        Some(wanted) => rollout::deploy(world, &mut service, wanted),
    }
    if service.is_daemon() {
        service.desired = places::recount(world, &service);
    }
    let shown = show::service(world, &service, true);
    let (cluster, name) = service.key();
    world.ecs.services.insert(service.key(), service);
    hooks::poke(world, &cluster, &name);
    Ok(tree! { "service" => shown })
}

/// How many tasks a service begins with: ECS's own rolling asks for a number, a DAEMON's is not for people to say.
fn desired_count(controller: &str, settings: &Tree, given: &Tree) -> Result<i64, Fault> {
    match (settings.text("schedulingStrategy"), given.int("desiredCount")) {
        (Some("DAEMON"), None) => Ok(0),
        (Some("DAEMON"), Some(_)) => Err(no_daemons_count()),
        (_, None) if controller == "ECS" => {
            Err(Fault::invalid("The desired count must be specified with the REPLICA scheduling strategy."))
        }
        (_, desired) => Ok(desired.unwrap_or(0)),
    }
}

fn new(
    world: &World,
    cluster: String,
    name: String,
    given: &Tree,
    desired: i64,
    spec: Tree,
    settings: Tree,
) -> Service {
    Service {
        arn: setting::new_arn(world, setting::Kind::Service, &cluster, &name).1,
        original_launch: spec.text("launchType").map(str::to_owned),
        name,
        cluster,
        status: Status::Active,
        desired,
        created: world.now(),
        tags: given.list("tags").to_vec(),
        spec,
        settings,
        deployments: Vec::new(),
        events: VecDeque::new(),
        journal: Vec::new(),
        revisions: Vec::new(),
        tasks: BTreeSet::new(),
        created_with: given.clone(),
        completed: None,
        misplaced: None,
        next_pass: None,
        notices: BTreeMap::new(),
        steady_again: None,
        retired: None,
        speaker: None,
        rebalancing: false,
        steady_since: None,
    }
}

/// Not even 0 (§2.16).
pub(super) fn no_daemons_count() -> Fault {
    Fault::invalid("The daemon scheduling strategy does not support a desired count for services")
}

/// The range of `desiredCount`; the wordings are ours.
pub(super) fn judge_desired(desired: i64, spec: &Tree) -> Result<(), Fault> {
    let connected = spec.at(&["serviceConnectConfiguration", "enabled"]).and_then(Tree::as_bool) == Some(true);
    let (most, whose) = match connected || !spec.list("serviceRegistries").is_empty() {
        true => (MOST_DISCOVERED, " that uses Service Connect or service discovery"),
        false => (MOST_TASKS, ""),
    };
    match desired {
        ..0 => Err(Fault::invalid("desiredCount cannot be negative.")),
        _ if desired > most => {
            Err(Fault::invalid(format!("The desired count exceeds the limit of {most} tasks per service{whose}.")))
        }
        _ => Ok(()),
    }
}

/// The existing service, when this is a repetition; an error when the name or the token is taken by another one.
fn repeated(world: &World, cluster: &str, name: &str, given: &Tree) -> Result<Option<Tree>, Fault> {
    let different = || Err(Fault::invalid("Creation of service was not idempotent."));
    let token = given.text("clientToken");
    let remembered = token.and_then(|token| {
        let by_token = |one: &&Service| one.created_with.text("clientToken") == Some(token);
        let mut known = world.ecs.services.values().filter(by_token);
        known.find(|one| world.now() < one.created.after(TOKEN_MEMORY))
    });
    if remembered.is_some_and(|one| one.cluster != cluster || without_token(&one.created_with) != without_token(given))
    {
        return different();
    }
    match world.ecs.services.get(&(cluster.to_owned(), name.to_owned())) {
        None => Ok(None),
        Some(existing) => match existing.status {
            Status::Draining => Err(Fault::invalid("Unable to Start a service that is still Draining.")),
            Status::Inactive => Ok(None),
            Status::Active if without_token(&existing.created_with) == without_token(given) => {
                Ok(Some(show::service(world, existing, true)))
            }
            Status::Active => different(),
        },
    }
}

/// Names of a cluster in either form are one.
fn without_token(given: &Tree) -> Tree {
    let mut rest = given.clone();
    rest.remove("clientToken");
    rest.remove("cluster");
    rest
}
