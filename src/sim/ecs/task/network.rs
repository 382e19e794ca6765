//! What a task's start takes from its network: an address of its subnet, and a way to its images, secrets and logs
//! (ecs-semantics §9). Must not know: subnets.

use std::time::Duration;

use super::super::super::neighbours::ec2::{self, reach};
use super::super::super::world::World;
use super::{LastStatus, Task};

/// A pull that leads nowhere is given up after several minutes (§9.2; how many is weak).
const GIVEN_UP: Duration = Duration::from_secs(180);

/// EC2 did not make its interface when it was provisioned.
pub(super) fn lacks_address(task: &Task) -> bool {
    task.interface.as_ref().is_some_and(|one| one.refused.is_some())
}

/// The stopped reason of such a task (§3.3, §9.1).
pub(super) fn no_address(task: &Task) -> String {
    let Some(interface) = &task.interface else { return String::new() };
    let public = if interface.public.is_some() { " with public IP assignment enabled" } else { "" };
    let (subnet, code) = (&interface.subnet, interface.refused.unwrap_or_default());
    format!("Unexpected EC2 error while attempting to Create Network Interface{public} in subnet '{subnet}': {code}")
}

/// Sees whether a task on Fargate that is about to pull reaches what it takes; if not, its start is doomed, and this is
/// how long it tries. Tasks on an instance pull through the instance's own network.
pub(super) fn hindered(world: &mut World, key: &(String, String)) -> Option<Duration> {
    let task = world.ecs.tasks.get(key).filter(|task| task.host.is_none() && task.last == LastStatus::Provisioning)?;
    let interface = task.interface.as_ref()?;
    let place = reach::Place { subnet: &interface.subnet, public: interface.public.is_some() };
    let images = task.containers.iter().map(|one| one.image.as_str()).collect::<Vec<_>>();
    let reason = reach::problem(world, place, &images, &task.needs)?;
    let container = world.ecs.tasks.get_mut(key)?.containers.first_mut()?;
    container.behaviour.fail_to_start = Some(reason);
    Some(GIVEN_UP)
}

/// A STOPPED task's address goes back to its subnet.
pub(super) fn give_back(world: &mut World, key: &(String, String)) {
    let task = world.ecs.tasks.get(key).filter(|task| task.last >= LastStatus::Stopped);
    if let Some(interface) = task.and_then(|task| task.interface.as_ref()) {
        ec2::give_back(&mut world.ec2, &interface.subnet, &interface.address, &interface.id);
    }
}
