//! UpdateService (§2.7, §5.2). Must not know: when tasks start.

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::{Answer, Fault};
use super::{
    Deployment, RolloutState, Service, configuration, controller, create, extras, hooks, input, names, places, rollout,
    show, task_set,
};

pub(super) fn update(world: &mut World, given: &Tree) -> Answer {
    let cluster = names::cluster_of(world, given)?;
    let name = names::service_name(world, &cluster, given.text("service").unwrap_or_default())?;
    let key = (cluster, name);
    // Taken out and put back, so that the world can be changed beside it.
    let Some(mut service) = world.ecs.services.remove(&key) else {
        return Err(Fault::new("ServiceNotFoundException", "Service not found."));
    };
    let answer = change(world, &mut service, given);
    world.ecs.services.insert(key.clone(), service);
    if answer.is_ok() {
        hooks::poke(world, &key.0, &key.1);
    }
    answer
}

/// Changes everything or, when something is wrong, nothing.
fn change(world: &mut World, service: &mut Service, given: &Tree) -> Answer {
    if !service.is_active() {
        return Err(Fault::new("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    let kind = service.controller().to_owned();
    let to = controller::asked(given).unwrap_or(&kind);
    if to == kind {
        controller::of_update(&kind, given)?;
    } else {
        controller::switch(&kind, to)?;
        let in_progress = |one: &Deployment| one.task_set.is_none() && one.rollout == RolloutState::InProgress;
        if service.primary().is_some_and(in_progress) {
            return Err(Fault::invalid(
                "The deployment controller of a service cannot be changed while a deployment is in progress.",
            ));
        }
    }
    let desired = given.int("desiredCount");
    if service.is_daemon() && desired.is_some() {
        return Err(create::no_daemons_count());
    }
    let mut settings = configuration::of_update(&service.settings, given)?;
    let count = desired.unwrap_or(service.desired);
    if to != "ECS" {
        create::judge_desired(count, &service.spec)?;
        configuration::judge_together(&settings, &service.spec)?;
        service.settings = settings;
        service.desired = count;
        if kind == "ECS" {
            task_set::take_over(world, service);
        }
        return Ok(tree! { "service" => show::service(world, service, true) });
    }
    let current = service.primary().map(|primary| primary.definition.clone());
    let wanted = input::of_update(world, service, current.as_ref(), given)?;
    create::judge_desired(count, &wanted.spec)?;
    judge_change(service, &wanted.spec)?;
    extras::judge_endpoints(service, &wanted)?;
    configuration::judge_together(&settings, &wanted.spec)?;
    places::judge(&wanted.spec, &settings, &wanted.definition.body)?;
    extras::judge_platform(&wanted.spec, &settings, &wanted.definition.body)?;
    let behind_balancer = !wanted.spec.list("loadBalancers").is_empty();
    if behind_balancer && settings.int("healthCheckGracePeriodSeconds").is_none() {
        settings.set("healthCheckGracePeriodSeconds", 0);
    }
    service.settings = settings;
    service.desired = count;
    if kind != "ECS" {
        task_set::hand_over(service);
    }
    if wanted.spec != service.spec || given.bool("forceNewDeployment") == Some(true) || kind != "ECS" {
        rollout::deploy(world, service, wanted);
    }
    Ok(tree! { "service" => show::service(world, service, true) })
}

/// What can't be changed in place (§5.2; wordings weak).
fn judge_change(service: &Service, spec: &Tree) -> Result<(), Fault> {
    let family = |spec: &Tree| spec.text("platformFamily").map(str::to_owned);
    if let (Some(from), Some(to)) = (family(&service.spec), family(spec))
        && from != to
    {
        return Err(Fault::invalid(format!("The platform family of a service cannot be changed from {from} to {to}.")));
    }
    let same = |name: &str| spec.get(name) == service.spec.get(name);
    let own_role = service.created_with.text("role").is_some();
    if own_role && !(same("loadBalancers") && same("serviceRegistries")) {
        return Err(Fault::invalid(
            "Load balancers and service registries can only be updated for services that use the service-linked role.",
        ));
    }
    Ok(())
}
