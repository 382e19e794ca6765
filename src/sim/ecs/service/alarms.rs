//! Alarms that end a deployment (§2.10). Must not know: CloudWatch; the world says which alarm is in ALARM.

use std::time::Duration;

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::Ecs;
use super::{Deployment, RolloutState, Service, hooks};

/// How long a deployment with alarms bakes where nobody says: ECS computes it from the alarms, below 5 minutes
/// (inferred).
const BAKE: Duration = Duration::from_secs(180);

/// Someone says that an alarm goes to ALARM, or leaves it; the services that heed it look.
pub fn set(world: &mut World, name: &str, in_alarm: bool) {
    world.ecs.outside.alarms.insert(name.to_owned(), in_alarm);
    let heeds = |service: &&Service| service.is_active() && names(service).any(|one| one == name);
    let concerned = world.ecs.services.values().filter(heeds).map(Service::key).collect::<Vec<_>>();
    for (cluster, service) in concerned {
        hooks::poke(world, &cluster, &service);
    }
}

/// The alarms of a service that has them enabled.
fn names(service: &Service) -> impl Iterator<Item = &str> {
    let configured = service.deployment_configuration("alarms").filter(|one| one.bool("enable") == Some(true));
    configured.map(|one| one.list("alarmNames")).unwrap_or_default().iter().filter_map(Tree::as_text)
}

/// Those of its alarms that are in ALARM.
pub(super) fn firing(ecs: &Ecs, service: &Service) -> Vec<String> {
    let fires = |name: &&str| ecs.outside.alarms.get(*name) == Some(&true);
    names(service).filter(fires).map(str::to_owned).collect()
}

/// Whether an alarm ends the PRIMARY now: one that was in ALARM at the start is not heeded.
pub(super) fn end(ecs: &Ecs, service: &Service) -> bool {
    service.primary().is_some_and(|one| !one.deaf) && !firing(ecs, service).is_empty()
}

/// Whether a failure by alarm is rolled back.
pub(super) fn roll_back(service: &Service) -> bool {
    service.deployment_configuration("alarms").and_then(|one| one.bool("rollback")) == Some(true)
}

/// How long a deployment bakes: what is configured; else what the alarms need; else not at all.
pub(super) fn bake(service: &Service) -> Duration {
    let minutes = service.deployment_configuration("bakeTimeInMinutes").and_then(Tree::as_int).unwrap_or(0);
    let heeded = service.primary().is_some_and(|one| !one.deaf) && names(service).next().is_some();
    match u64::try_from(minutes).unwrap_or(0) {
        0 if heeded => BAKE,
        minutes => Duration::from_secs(minutes.saturating_mul(60)),
    }
}

/// `alarms` of a service deployment.
pub(super) fn shown(ecs: &Ecs, service: &Service, deployment: Option<&Deployment>) -> Tree {
    let all = names(service).collect::<Vec<_>>();
    if all.is_empty() || deployment.is_some_and(|one| one.deaf) {
        return tree! { "status" => "DISABLED" };
    }
    let firing = firing(ecs, service);
    let status = match deployment.map(|one| one.rollout) {
        Some(RolloutState::InProgress) if firing.is_empty() => "MONITORING",
        Some(RolloutState::Failed | RolloutState::InProgress) if !firing.is_empty() => "TRIGGERED",
        _ => "MONITORING_COMPLETE",
    };
    let triggered = (status == "TRIGGERED").then_some(firing);
    tree! { "status" => status, "alarmNames" => all }.with_some("triggeredAlarmNames", triggered)
}
