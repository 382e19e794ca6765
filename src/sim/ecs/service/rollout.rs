//! The fate of a deployment: begun, completed, failed, rolled back (§2.6, §2.9, §2.15). Must not know: which tasks
//! are started and stopped on the way.

use std::time::Duration;

use crate::shape::{Time, Tree};
use crate::tree;

use super::super::super::world::World;
use super::journal::{self, State};
use super::{Backoff, Deployment, Revision, RolloutState, Service, events, threshold};

/// The breaker is judged so long after the start that follows the decisive failure: in the trace of §2.6 a fourth
/// task had been started 3 s before FAILED was declared (one observation).
const VERDICT_WAIT: Duration = Duration::from_secs(3);

/// Why a deployment fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Breaker,
    /// StopServiceDeployment asked for a rollback.
    Requested,
}

/// Begins a deployment: it becomes PRIMARY, with nothing desired until the scheduler looks (§2.6).
pub(super) fn deploy(world: &mut World, service: &mut Service, wanted: super::input::Wanted) {
    let now = world.now();
    let path = format!("{}/{}", service.cluster, service.name);
    let id = format!("ecs-svc/{}", world.digits19());
    let number = world.digits19();
    let revision = world.arn(&format!("service-revision/{path}/{number}"));
    journal::open(world, service, &id, &revision);
    service.revisions.push(Revision {
        arn: revision.clone(),
        created: now,
        spec: wanted.spec.clone(),
        definition: wanted.definition.clone(),
    });
    for former in &mut service.deployments {
        former.primary = false;
    }
    let deployment = Deployment {
        reason: format!("ECS deployment {id} in progress."),
        id,
        primary: true,
        created: now,
        updated: now,
        desired: 0,
        rollout: RolloutState::InProgress,
        failed_tasks: 0,
        spec: wanted.spec.clone(),
        definition: wanted.definition,
        revision,
        established: false,
        ran: false,
        failures: 0,
        verdict: None,
        backoff: Backoff::default(),
        baked: None,
    };
    service.deployments.insert(0, deployment);
    service.spec = wanted.spec;
    service.steady_again = None;
    events::clear_placement(service);
    for cause in [events::MISPLACED, events::BLOCKED, events::IMPAIRED] {
        events::clear(service, cause);
    }
}

/// What the breaker, or a person, has to say about the PRIMARY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Unchanged,
    /// It will be judged then.
    Pending(Time),
    Failed,
}

/// Judges the PRIMARY while it is in progress.
pub(super) fn judge(world: &mut World, service: &mut Service) -> Judgement {
    let now = world.now();
    let requested = service.current_entry_mut().is_some_and(|entry| entry.status == State::RollbackRequested);
    let desired = service.desired;
    let limit = service.breaker().map(|breaker| threshold(desired, breaker));
    let Some(primary) = service.primary_mut().filter(|one| one.rollout == RolloutState::InProgress) else {
        return Judgement::Unchanged;
    };
    if requested {
        fail(world, service, Failure::Requested);
        return Judgement::Failed;
    }
    if limit.is_none_or(|limit| primary.failures < limit) {
        primary.verdict = None;
        return Judgement::Unchanged;
    }
    let next_start = primary.backoff.until.unwrap_or(now).max(now);
    let verdict = *primary.verdict.get_or_insert(next_start.after(VERDICT_WAIT));
    if now < verdict {
        return Judgement::Pending(verdict);
    }
    fail(world, service, Failure::Breaker);
    Judgement::Failed
}

/// Declares the PRIMARY failed, and goes back to the newest COMPLETED deployment where that is wanted and possible.
fn fail(world: &mut World, service: &mut Service, failure: Failure) {
    let now = world.now();
    let configured = service.breaker().is_some_and(|breaker| breaker.bool("rollback") == Some(true));
    let rolls_back = configured || failure == Failure::Requested;
    let Some(primary) = service.primary_mut() else { return };
    let failed = primary.id.clone();
    primary.rollout = RolloutState::Failed;
    primary.updated = now;
    primary.verdict = None;
    primary.reason = match failure {
        Failure::Breaker => "ECS deployment circuit breaker: task failed to start.".to_owned(),
        Failure::Requested => format!("ECS deployment {failed} was stopped."),
    };
    if failure == Failure::Breaker {
        events::tell(world, service, &format!("(deployment {failed}) deployment failed: tasks failed to start."));
    }
    let target = service.completed.take_if(|_| rolls_back).filter(|target| target.id != failed);
    match target {
        Some(target) => roll_back(world, service, target, failure),
        None => journal::ended_badly(world, service, rolls_back, failure),
    }
}

/// Re-promotes the old deployment: the same object, id and createdAt (§2.6).
fn roll_back(world: &mut World, service: &mut Service, remembered: Deployment, failure: Failure) {
    let now = world.now();
    let id = remembered.id.clone();
    events::tell(world, service, &format!("rolling back to deployment {id}."));
    let place = service.deployments.iter().position(|one| one.id == id);
    let mut target = place.map_or(remembered, |place| service.deployments.remove(place));
    for other in &mut service.deployments {
        other.primary = false;
        other.established = false;
    }
    let counts = super::show::counts(world, service, &id);
    target.primary = true;
    target.updated = now;
    target.rollout = RolloutState::InProgress;
    target.reason = match failure {
        Failure::Breaker => format!("ECS deployment circuit breaker: rolling back to deploymentId {id}."),
        Failure::Requested => format!("ECS deployment stopped: rolling back to deploymentId {id}."),
    };
    target.ran = counts.running > 0;
    target.failures = 0;
    target.failed_tasks = 0;
    target.verdict = None;
    target.baked = None;
    target.backoff = Backoff::default();
    service.spec = target.spec.clone();
    let rollback = tree! {
        "reason" => match failure {
            Failure::Breaker => "Service deployment rolled back because the circuit breaker threshold was exceeded.",
            Failure::Requested => "Service deployment rolled back because of a customer request.",
        },
        "startedAt" => now,
        "serviceRevisionArn" => &target.revision,
    };
    service.deployments.insert(0, target);
    journal::rolls_back(world, service, rollback);
}

/// What a look has counted: is the PRIMARY all there is, and all that is wanted?
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub healthy: i64,
    pub live: i64,
    /// Tasks of other deployments, up to STOPPING.
    pub others: i64,
}

/// Completes the PRIMARY when it has everything; returns when its bake time will be over, if that is what it waits for.
pub(super) fn complete(world: &mut World, service: &mut Service, standing: Standing) -> Option<Time> {
    let now = world.now();
    let desired = service.desired;
    let minutes = service.deployment_configuration("bakeTimeInMinutes").and_then(Tree::as_int).unwrap_or(0);
    let primary = service.primary_mut().filter(|one| one.rollout == RolloutState::InProgress)?;
    if standing.healthy != desired || standing.live != desired || standing.others > 0 {
        primary.baked = None;
        return None;
    }
    let bake = Duration::from_secs(u64::try_from(minutes).unwrap_or(0) * 60);
    let baked = *primary.baked.get_or_insert(now.after(bake));
    if now < baked {
        return Some(baked);
    }
    primary.rollout = RolloutState::Completed;
    primary.updated = now;
    primary.established = true;
    primary.reason = format!("ECS deployment {} completed.", primary.id);
    let completed = primary.clone();
    let text = format!("(deployment {}) deployment completed.", completed.id);
    service.completed = Some(completed);
    service.deployments.truncate(1);
    events::tell(world, service, &text);
    journal::ended_well(world, service);
    None
}
