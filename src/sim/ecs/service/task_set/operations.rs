//! CreateTaskSet, UpdateTaskSet, DeleteTaskSet, DescribeTaskSets, UpdateServicePrimaryTaskSet (§2.13).
//! Must not know: when tasks start.

use crate::shape::Tree;
use crate::tree;

use super::super::super::super::world::World;
use super::super::super::{Answer, Fault, tag};
use super::super::{Service, extras, hooks, input, names};
use super::{MOST, begin, computed, governs, make_primary, shown};

const LONGEST_TOKEN: usize = 36;

/// Does something to the service that a request is for, and lets its scheduler look afterwards.
fn with_service(
    world: &mut World,
    given: &Tree,
    act: impl FnOnce(&mut World, &mut Service) -> Result<Tree, Fault>,
) -> Answer {
    let cluster = names::cluster_of(world, given)?;
    let name = names::service_name(world, &cluster, given.text("service").unwrap_or_default())?;
    let key = (cluster, name);
    // Taken out and put back, so that the world can be changed beside it.
    let Some(mut service) = world.ecs.services.remove(&key) else {
        return Err(Fault::new("ServiceNotFoundException", "Service not found."));
    };
    let answer = match (service.is_active(), governs(&service)) {
        (false, _) => Err(Fault::new("ServiceNotActiveException", "Service was not ACTIVE.")),
        (true, false) => Err(Fault::invalid(
            "Amazon ECS only supports task sets for services with the EXTERNAL or CODE_DEPLOY deployment controller.",
        )),
        (true, true) => act(world, &mut service),
    };
    world.ecs.services.insert(key.clone(), service);
    let answer = answer?;
    hooks::poke(world, &key.0, &key.1);
    Ok(tree! { "taskSet" => answer })
}

/// Where the task set stands that an id or an ARN names.
fn place(service: &Service, reference: &str) -> Option<usize> {
    service.deployments.iter().position(|one| {
        let arn = one.task_set.as_ref().map(|set| set.arn.as_str());
        arn.is_some() && (one.id == reference || arn == Some(reference))
    })
}

fn found(service: &Service, reference: &str) -> Result<usize, Fault> {
    place(service, reference)
        .ok_or_else(|| Fault::new("TaskSetNotFoundException", "The specified task set was not found."))
}

fn show_at(world: &World, service: &Service, place: usize) -> Tree {
    service.deployments.get(place).map(|one| shown(world, service, one, true)).unwrap_or_default()
}

/// `scale`: a percentage from 0 to 100; the whole where it is not said (weak).
fn scale(given: &Tree) -> Result<f64, Fault> {
    let value = match given.at(&["scale", "value"]) {
        None => 100.0,
        Some(Tree::Float(value)) => *value,
        Some(other) => other.as_int().and_then(|whole| u32::try_from(whole).ok()).map_or(-1.0, f64::from),
    };
    if (0.0..=100.0).contains(&value) {
        return Ok(value);
    }
    Err(Fault::invalid("The scale of a task set must be a percentage between 0.0 and 100.0."))
}

pub(in super::super) fn create(world: &mut World, given: &Tree) -> Answer {
    tag::check_new(given.list("tags"))?;
    if given.text("clientToken").is_some_and(|token| token.len() > LONGEST_TOKEN) {
        return Err(Fault::invalid("clientToken can have at most 36 characters."));
    }
    let scale = scale(given)?;
    with_service(world, given, |world, service| {
        let remembered = given.text("clientToken").and_then(|token| {
            let with_token = |set: &super::TaskSet| set.created_with.as_ref()?.text("clientToken").map(str::to_owned);
            let same = |one: &super::Deployment| one.task_set.as_ref().and_then(with_token).as_deref() == Some(token);
            service.deployments.iter().position(same)
        });
        if let Some(place) = remembered {
            let set = service.deployments.get(place).and_then(|one| one.task_set.as_ref());
            return match set.and_then(|set| set.created_with.as_ref()) == Some(given) {
                true => Ok(show_at(world, service, place)),
                false => Err(Fault::invalid("Creation of task set was not idempotent.")),
            };
        }
        if service.deployments.len() >= MOST {
            return Err(Fault::new(
                "LimitExceededException",
                format!("The service already has {MOST} task sets, which is the most it can have."),
            ));
        }
        let wanted = input::of_create(world, &service.cluster, given)?;
        extras::judge_platform(&wanted.spec, &service.settings, &wanted.definition.body)?;
        let place = begin(world, service, wanted, scale);
        let by_code_deploy = service.controller() == "CODE_DEPLOY";
        if let Some(set) = service.deployments.get_mut(place).and_then(|one| one.task_set.as_mut()) {
            set.external_id = given.text("externalId").map(str::to_owned);
            set.started_by = by_code_deploy.then_some("CODE_DEPLOY");
            set.tags = given.list("tags").to_vec();
            set.created_with = given.get("clientToken").map(|_| given.clone());
        }
        Ok(show_at(world, service, place))
    })
}

pub(in super::super) fn update(world: &mut World, given: &Tree) -> Answer {
    let scale = scale(given)?;
    with_service(world, given, |world, service| {
        let place = found(service, given.text("taskSet").unwrap_or_default())?;
        let (desired, now) = (service.desired, world.now());
        if let Some(one) = service.deployments.get_mut(place)
            && let Some(set) = one.task_set.as_mut()
        {
            if set.draining {
                return Err(Fault::invalid("The task set is DRAINING and can't be scaled."));
            }
            set.scale = scale;
            one.updated = now;
            if one.desired != computed(desired, scale) {
                one.desired = computed(desired, scale);
                set.stable = false;
                set.stable_at = now;
            }
        }
        Ok(show_at(world, service, place))
    })
}

pub(in super::super) fn delete(world: &mut World, given: &Tree) -> Answer {
    with_service(world, given, |world, service| {
        let place = found(service, given.text("taskSet").unwrap_or_default())?;
        let now = world.now();
        if let Some(one) = service.deployments.get_mut(place)
            && let Some(set) = one.task_set.as_mut()
        {
            if set.scale > 0.0 && !set.draining && given.bool("force") != Some(true) {
                return Err(Fault::invalid(
                    "The task set cannot be deleted while it is scaled above 0. Scale it to 0, or use force.",
                ));
            }
            set.draining = true;
            one.desired = 0;
            one.updated = now;
        }
        Ok(show_at(world, service, place))
    })
}

pub(in super::super) fn promote(world: &mut World, given: &Tree) -> Answer {
    with_service(world, given, |world, service| {
        let place = found(service, given.text("primaryTaskSet").unwrap_or_default())?;
        let set = service.deployments.get(place).and_then(|one| one.task_set.as_ref());
        if set.is_some_and(|set| set.draining) {
            return Err(Fault::invalid("The task set is DRAINING and can't be the primary one."));
        }
        make_primary(world, service, place);
        Ok(show_at(world, service, 0))
    })
}

pub(in super::super) fn describe(world: &mut World, given: &Tree) -> Answer {
    let cluster = names::cluster_of(world, given)?;
    let name = names::service_name(world, &cluster, given.text("service").unwrap_or_default())?;
    let Some(service) = world.ecs.services.get(&(cluster.clone(), name.clone())) else {
        return Err(Fault::new("ServiceNotFoundException", "Service not found."));
    };
    if !service.is_active() {
        return Err(Fault::new("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    let with_tags = names::asks_for_tags(given);
    let (mut sets, mut failures) = (Vec::new(), Vec::new());
    let wanted = given.list("taskSets");
    if wanted.is_empty() {
        let all = service.deployments.iter().filter(|one| one.task_set.is_some());
        sets.extend(all.map(|one| shown(world, service, one, with_tags)));
    }
    for reference in wanted.iter().filter_map(Tree::as_text) {
        match place(service, reference).and_then(|place| service.deployments.get(place)) {
            Some(one) => sets.push(shown(world, service, one, with_tags)),
            None => {
                let arn = match reference.starts_with("arn:") {
                    true => reference.to_owned(),
                    false => world.arn(&format!("task-set/{cluster}/{name}/{reference}")),
                };
                failures.push(tree! { "arn" => arn, "reason" => "MISSING" });
            }
        }
    }
    Ok(tree! { "taskSets" => sets, "failures" => failures })
}
