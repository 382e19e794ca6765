//! UpdateService (§2.7, §5.2). Must not know: when tasks start.

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::{Answer, Fault};
use super::{Service, configuration, create, hooks, input, names, places, rollout, show};

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
    let Some(current) = service.primary().map(|primary| primary.definition.clone()) else {
        return Err(Fault { status: 500, ..Fault::new("ServerException", "The service has no PRIMARY deployment.") });
    };
    let desired = given.int("desiredCount");
    desired.map_or(Ok(()), create::judge_desired)?;
    if service.is_daemon() && desired.is_some() {
        return Err(create::no_daemons_count());
    }
    let mut settings = configuration::of_update(&service.settings, given)?;
    let wanted = input::of_update(world, service, &current, given)?;
    places::judge(&wanted.spec, &settings, &wanted.definition.body)?;
    let behind_balancer = !wanted.spec.list("loadBalancers").is_empty();
    if behind_balancer && settings.int("healthCheckGracePeriodSeconds").is_none() {
        settings.set("healthCheckGracePeriodSeconds", 0);
    }
    service.settings = settings;
    service.desired = desired.unwrap_or(service.desired);
    if wanted.spec != service.spec || given.bool("forceNewDeployment") == Some(true) {
        rollout::deploy(world, service, wanted);
    }
    Ok(tree! { "service" => show::service(world, service, true) })
}
