//! Task sets: what a service with the controller EXTERNAL or CODE_DEPLOY has in place of deployments (§2.13).
//! Must not know: who decides about them; no percentages bind them.
//!
//! A task set is a [`Deployment`] whose count is a share of the service's: its tasks are started and stopped as all
//! tasks are, and are known by its id.

mod operations;

use crate::shape::{Time, Tree};
use crate::tree;

use super::super::super::neighbours::ec2::named;
use super::super::super::world::World;
use super::round::{Round, Stand};
use super::{Bounds, Deployment, RolloutState, Service, events, input, rollout, schedule, show};

pub(super) use operations::{create, delete, describe, promote, update};

/// A service may have so many (§2.13).
const MOST: usize = 5;

/// What makes a deployment a task set.
#[derive(Clone, Debug)]
pub struct TaskSet {
    pub arn: String,
    pub external_id: Option<String>,
    pub started_by: Option<&'static str>,
    /// Percent of the service's desired count.
    pub scale: f64,
    /// STEADY_STATE; otherwise STABILIZING.
    pub stable: bool,
    pub stable_at: Time,
    /// DeleteTaskSet was called: it goes as soon as its tasks have.
    pub draining: bool,
    pub tags: Vec<Tree>,
    /// CreateTaskSet's input, where it had a token.
    pub created_with: Option<Tree>,
    steady_again: Option<Time>,
}

impl TaskSet {
    /// The task set that a deployment of a service becomes, stabilising and with nothing said of it yet.
    fn new(world: &World, path: &str, deployment: &str, scale: f64) -> Self {
        Self {
            arn: world.arn(&format!("task-set/{path}/{deployment}")),
            external_id: None,
            started_by: None,
            scale,
            stable: false,
            stable_at: world.now(),
            draining: false,
            tags: Vec::new(),
            created_with: None,
            steady_again: None,
        }
    }
}

/// Whether a service's rollouts are left to others.
pub(super) fn governs(service: &Service) -> bool {
    service.controller() != "ECS"
}

/// `ceil(desired × scale / 100)` (§2.13). The scale has two decimals at most that matter.
pub(super) fn computed(desired: i64, scale: f64) -> i64 {
    // A scale lies between 0 and 100, so its hundredths fit with room to spare.
    let hundredths = (scale * 100.0).round() as i64;
    (desired.max(0).saturating_mul(hundredths).saturating_add(9_999)) / 10_000
}

/// Begins a task set of what is wanted; it is not PRIMARY before someone says so.
pub(super) fn begin(world: &mut World, service: &mut Service, wanted: input::Wanted, scale: f64) -> usize {
    named::learn_of(world, &wanted.spec);
    let id = format!("ecs-svc/{}", world.digits19());
    let mut deployment = rollout::fresh(world.now(), id, String::new(), wanted);
    let path = format!("{}/{}", service.cluster, service.name);
    deployment.desired = computed(service.desired, scale);
    deployment.task_set = Some(TaskSet::new(world, &path, &deployment.id, scale));
    deployment.established = true;
    deployment.primary = false;
    // After the PRIMARY, newer before older.
    let place = service.deployments.iter().take_while(|one| one.primary).count();
    service.deployments.insert(place, deployment);
    place
}

/// Makes one task set PRIMARY, and first of all; the service takes over what it runs.
pub(super) fn make_primary(world: &World, service: &mut Service, place: usize) {
    let now = world.now();
    for one in &mut service.deployments {
        one.primary = false;
    }
    if place >= service.deployments.len() {
        return;
    }
    let mut chosen = service.deployments.remove(place);
    chosen.primary = true;
    chosen.updated = now;
    service.spec = chosen.spec.clone();
    service.deployments.insert(0, chosen);
}

/// A service comes over from the ECS controller: what it runs is its task sets from now on (inferred).
pub(super) fn take_over(world: &World, service: &mut Service) {
    let path = format!("{}/{}", service.cluster, service.name);
    for one in &mut service.deployments {
        one.established = true;
        one.shift = None;
        one.task_set = Some(TaskSet::new(world, &path, &one.id, if one.primary { 100.0 } else { 0.0 }));
    }
}

/// A service goes over to the ECS controller: its task sets are deployments to be replaced.
pub(super) fn hand_over(service: &mut Service) {
    for one in &mut service.deployments {
        one.task_set = None;
        one.established = true;
        one.rollout = RolloutState::Completed;
        one.reason = format!("ECS deployment {} completed.", one.id);
    }
    service.completed = service.primary().cloned();
}

/// A task set as AWS shows it; `tags` only when asked for.
pub(super) fn shown(world: &World, service: &Service, deployment: &Deployment, with_tags: bool) -> Tree {
    let counts = show::counts(world, service, &deployment.id);
    let Some(set) = &deployment.task_set else { return Tree::map() };
    let status = match (set.draining, deployment.primary) {
        (true, _) => "DRAINING",
        (false, true) => "PRIMARY",
        (false, false) => "ACTIVE",
    };
    let mut shown = tree! {
        "id" => &deployment.id,
        "taskSetArn" => &set.arn,
        "serviceArn" => &service.arn,
        "clusterArn" => world.arn(&format!("cluster/{}", service.cluster)),
        "status" => status,
        "computedDesiredCount" => deployment.desired,
        "pendingCount" => counts.pending,
        "runningCount" => counts.running,
        "createdAt" => deployment.created,
        "updatedAt" => deployment.updated,
        "scale" => tree! { "value" => set.scale, "unit" => "PERCENT" },
        "stabilityStatus" => if set.stable { "STEADY_STATE" } else { "STABILIZING" },
        "stabilityStatusAt" => set.stable_at,
        "tags" => if with_tags { set.tags.clone() } else { Vec::new() },
    };
    show::of_task_set(&deployment.spec, &mut shown);
    shown.with_some("externalId", set.external_id.as_ref()).with_some("startedBy", set.started_by)
}

/// One look at a service of task sets: each is brought to its computed count, bound by nothing else.
pub(super) fn active(world: &mut World, service: &mut Service) -> Option<Time> {
    let desired = service.desired;
    for one in &mut service.deployments {
        if let Some(set) = &one.task_set {
            one.desired = if set.draining { 0 } else { computed(desired, set.scale) };
        }
    }
    let mut round = Round::new(world, service);
    round.bounds = Bounds { lower: 0, upper: i64::MAX };
    round.register();
    for place in (0..round.service.deployments.len()).rev() {
        round.service.speaker = round.service.deployments.get(place).map(|one| one.id.clone());
        schedule::trim(&mut round, place);
        let sick = round.of(place, &[Stand::Sick]);
        let replaced = schedule::start(&mut round, place).min(sick);
        round.tell(replaced);
        settle(&mut round, place);
    }
    round.service.speaker = None;
    let gone = |round: &Round<'_>, place: usize, one: &Deployment| {
        let left = round.live(place) + round.of(place, &[Stand::Leaving]);
        one.task_set.as_ref().is_some_and(|set| set.draining) && left == 0
    };
    let places = round.service.deployments.iter().enumerate();
    let over = places.filter(|(place, one)| gone(&round, *place, one)).map(|(_, one)| one.id.clone());
    let over = over.collect::<Vec<_>>();
    round.service.deployments.retain(|one| !over.contains(&one.id));
    round.wake
}

/// Judges and tells a task set's stability: as many RUNNING as computed, none pending, all of them healthy.
fn settle(round: &mut Round<'_>, place: usize) {
    let now = round.world.now();
    let healthy = round.of(place, &[Stand::Healthy]);
    let all = round.live(place) + round.of(place, &[Stand::Leaving]);
    let Some(deployment) = round.service.deployments.get_mut(place) else { return };
    let desired = deployment.desired;
    let Some(set) = deployment.task_set.as_mut().filter(|set| !set.draining) else { return };
    let stable = healthy == desired && all == desired;
    if stable != set.stable {
        set.stable = stable;
        set.stable_at = now;
    }
    if !stable {
        set.steady_again = None;
        return;
    }
    let again = match set.steady_again.filter(|due| now < *due) {
        Some(due) => due,
        None => {
            let due = now.after(events::QUIET);
            set.steady_again = Some(due);
            events::tell(round.world, round.service, events::STEADY_STATE);
            due
        }
    };
    round.wake_at(Some(again));
}

#[cfg(test)]
mod tests {
    use super::computed;

    #[test]
    fn the_computed_count_is_rounded_up() {
        for (desired, scale, expected) in [
            (4, 100.0, 4),
            (4, 50.0, 2),
            (3, 50.0, 2),
            (5, 20.0, 1),
            (5, 20.1, 2),
            (1, 0.5, 1),
            (10, 0.0, 0),
            (0, 100.0, 0),
        ] {
            assert_eq!(computed(desired, scale), expected, "{desired} × {scale} %");
        }
    }
}
