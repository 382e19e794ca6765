//! Service events: their texts, their order, and what is not told twice (§2.8). Must not know: why they happen.

use std::time::Duration;

use crate::shape::Time;

use super::super::super::world::World;
use super::super::capacity_provider::fargate::Shortage;
use super::super::instance::Lack;
use super::{Service, Told};

/// `events[]` holds so many.
const MOST: usize = 100;
/// An unchanged cause is told again after so long.
pub(super) const QUIET: Duration = Duration::from_secs(6 * 3600);
/// The steady state is told again a little later than that: 6:00:00 to 6:00:40 were observed.
const STEADY_JITTER_SECS: u64 = 40;

/// Persistent causes, told once and then every six hours while they last.
pub(super) const PLACEMENT: &str = "placement";
pub(super) const PROVISIONING: &str = "provisioning";
pub(super) const MISPLACED: &str = "misplaced";
pub(super) const BLOCKED: &str = "blocked";
pub(super) const IMPAIRED: &str = "impaired";
pub(super) const PROTECTED: &str = "protected";
pub(super) const THROTTLED: &str = "throttled";

pub(super) const STEADY_STATE: &str = "has reached a steady state.";
pub(super) const BLOCKED_TEXT: &str = "was unable to stop or start tasks during a deployment because of the service \
     deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.";
pub(super) const IMPAIRED_TEXT: &str = "is unable to consistently start tasks successfully. For more information, see \
     the Troubleshooting section of the Amazon ECS Developer Guide.";

pub(super) const THROTTLED_TEXT: &str = "operations are being throttled. Will try again later.";

/// Tasks that a deployment would stop if they were not protected.
pub(super) fn protected_text(deployment: &str, tasks: i64) -> String {
    format!(
        "was unable to reach steady state because (taskSet {deployment}) was unable to scale in due to (reason {tasks} \
         tasks under protection)"
    )
}

/// `(task ID) (task ID)`.
pub(super) fn task_list(ids: &[String]) -> String {
    ids.iter().map(|id| format!("(task {id})")).collect::<Vec<_>>().join(" ")
}

/// Adds an event. Two of one instant are a millisecond apart, as ECS's are, so that sorting keeps their order.
pub(super) fn tell(world: &mut World, service: &mut Service, text: &str) {
    let soonest = service.events.front().map_or(Time(0), |last| Time(last.at.0.saturating_add(1)));
    let message = match &service.speaker {
        Some(set) => format!("(service {}, taskSet {set}) {text}", service.name),
        None => format!("(service {}) {text}", service.name),
    };
    let told = Told { id: world.uuid(), at: world.now().max(soonest), message };
    service.events.push_front(told);
    service.events.truncate(MOST);
}

/// Adds an event about a cause that lasts, unless it was told within six hours. Returns when to tell it again.
pub(super) fn tell_once(world: &mut World, service: &mut Service, cause: &'static str, text: &str) -> Time {
    let now = world.now();
    match service.notices.get(cause) {
        Some(told) if now < told.after(QUIET) => told.after(QUIET),
        _ => {
            service.notices.insert(cause, now);
            tell(world, service, text);
            now.after(QUIET)
        }
    }
}

/// What is lacking is a cause of its own, so that the next one is told as well.
pub(super) fn unfit(lack: Lack) -> &'static str {
    lack.reason()
}

/// Whatever keeps a task from having a place.
fn placements() -> impl Iterator<Item = &'static str> {
    let lacks = Lack::ALL.into_iter().map(Lack::reason);
    [PLACEMENT, PROVISIONING].into_iter().chain(lacks).chain(Shortage::ALL.into_iter().map(Shortage::text))
}

/// Whether it waits for a place.
pub(super) fn is_unplaced(service: &Service) -> bool {
    placements().any(|cause| service.notices.contains_key(cause))
}

/// A place was found: the next lack is news again.
pub(super) fn clear_placement(service: &mut Service) {
    for cause in placements() {
        clear(service, cause);
    }
}

/// The cause is gone: next time it is news again.
pub(super) fn clear(service: &mut Service, cause: &'static str) {
    service.notices.remove(cause);
}

/// Tells the steady state when it is news, or due again; returns when that will be.
pub(super) fn tell_steady(world: &mut World, service: &mut Service) -> Time {
    let now = world.now();
    match service.steady_again {
        Some(due) if now < due => due,
        _ => {
            tell(world, service, STEADY_STATE);
            let due = now.after(QUIET + Duration::from_secs(world.below(STEADY_JITTER_SECS + 1)));
            service.steady_again = Some(due);
            due
        }
    }
}
