//! DeleteService (§1.3, §5.3). Must not know: how tasks stop.

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::{Answer, Fault};
use super::{Status, hooks, names, show};

pub(super) fn delete(world: &mut World, given: &Tree) -> Answer {
    let cluster = names::cluster_of(world, given)?;
    let name = names::service_name(world, &cluster, given.text("service").unwrap_or_default())?;
    let key = (cluster, name);
    let Some(service) = world.ecs.services.get_mut(&key) else {
        return Err(Fault::new("ServiceNotFoundException", "Service not found."));
    };
    match service.status {
        Status::Inactive => return Err(Fault::new("ServiceNotActiveException", "Service was not ACTIVE.")),
        Status::Active if service.desired > 0 && !service.is_daemon() && given.bool("force") != Some(true) => {
            return Err(Fault::invalid("The service cannot be stopped while it is scaled above 0."));
        }
        Status::Active => {
            service.status = Status::Draining;
            service.desired = 0;
        }
        // Asked again, it answers the same (§1.5).
        Status::Draining => {}
    }
    hooks::poke(world, &key.0, &key.1);
    let service = world.ecs.services.get(&key);
    Ok(tree! {}.with_some("service", service.map(|service| show::service(world, service, true))))
}
