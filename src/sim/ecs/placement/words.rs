//! A placement that failed, as service events tell it (docs/ecs.md §2.8). Must not know: services.

use super::super::instance::Lack;
use super::Failure;

const START: &str = "was unable to place a task because no container instance met all of its requirements.";
const END: &str = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";

/// No instance to place a task on, in the cluster or in its capacity provider.
pub fn no_instances(in_provider: bool) -> String {
    let place = if in_provider { "capacity provider" } else { "cluster" };
    format!("{START} Reason: No Container Instances were found in your {place}.")
}

/// The event about failures, and what is lacking where it came closest. `None` without any failure.
pub fn event(failures: &[Failure]) -> Option<(Lack, String)> {
    // Closest is what passed the most filters (inferred); among equals the first.
    let closest = failures.iter().min_by_key(|one| order(one.lack))?;
    let what = match closest.lack {
        Lack::Cpu => "has insufficient CPU units available".to_owned(),
        Lack::Memory => "has insufficient memory available".to_owned(),
        Lack::Ports => "is already using a port required by your task".to_owned(),
        Lack::Attribute => "is missing an attribute required by your task".to_owned(),
        lack => format!("encountered error \"{}\"", lack.reason()),
    };
    Some((
        closest.lack,
        format!("{START} The closest matching (container-instance {}) {what}. {END}", closest.instance),
    ))
}

fn order(lack: Lack) -> u8 {
    match lack {
        Lack::Distinct => 0,
        Lack::MemberOf => 1,
        Lack::Location => 2,
        Lack::Ports => 3,
        Lack::Cpu => 4,
        Lack::Memory => 5,
        Lack::Gpu => 6,
        Lack::Eni => 7,
        Lack::Attribute => 8,
        Lack::Agent => 9,
    }
}
