//! The fate of a deployment: begun, completed, failed, rolled back (§2.6, §2.9, §2.15). Must not know: which tasks
//! are started and stopped on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::shape::{Time, Tree};
use crate::tree;

use super::super::super::neighbours::ec2::named;
use super::super::super::world::World;
use super::journal::{self, State};
use super::{Backoff, Deployment, Revision, RolloutState, Service, alarms, early, events, threshold, traffic};

/// The breaker is judged so long after the start that follows the decisive failure: in the trace of §2.6 a fourth
/// task had been started 3 s before FAILED was declared (one observation).
const VERDICT_WAIT: Duration = Duration::from_secs(3);

/// Why a deployment fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Breaker,
    /// StopServiceDeployment asked for a rollback.
    Requested,
    Alarm,
    /// A lifecycle hook said no, or nobody answered it (§2.14).
    Hook,
    /// A lifecycle stage took longer than a day (§2.14).
    Stage,
}

impl Failure {
    /// `rolloutStateReason` of what failed (alarms and what follows: wording inferred, §2.6).
    fn reason(self, id: &str) -> String {
        match self {
            Self::Breaker => "ECS deployment circuit breaker: task failed to start.".to_owned(),
            Self::Requested => format!("ECS deployment {id} was stopped."),
            Self::Alarm => "ECS deployment failed: alarm detected.".to_owned(),
            Self::Hook => "ECS deployment failed: lifecycle hook failed.".to_owned(),
            Self::Stage => "ECS deployment failed: lifecycle stage timed out.".to_owned(),
        }
    }

    /// The event that tells it, where one does (§2.8).
    fn event(self) -> Option<&'static str> {
        match self {
            Self::Breaker => Some("tasks failed to start."),
            Self::Alarm => Some("alarm detected."),
            // Observed: aws/containers-roadmap#2664.
            Self::Hook => Some("hook execution failure(s) detected."),
            Self::Stage => Some("lifecycle stage timed out."),
            Self::Requested => None,
        }
    }

    /// `rolloutStateReason` of what is gone back to.
    fn rolling_back(self, id: &str) -> String {
        match self {
            Self::Breaker => format!("ECS deployment circuit breaker: rolling back to deploymentId {id}."),
            Self::Requested => format!("ECS deployment stopped: rolling back to deploymentId {id}."),
            Self::Alarm => format!("ECS deployment alarm detected: rolling back to deploymentId {id}."),
            Self::Hook | Self::Stage => format!("ECS deployment failed: rolling back to deploymentId {id}."),
        }
    }

    /// `rollback.reason` of the service deployment.
    fn rolled_back(self) -> &'static str {
        match self {
            Self::Breaker => "Service deployment rolled back because the circuit breaker threshold was exceeded.",
            Self::Requested => "Service deployment rolled back because of a customer request.",
            Self::Alarm => "Service deployment rolled back because an alarm was detected.",
            Self::Hook => "Service deployment rolled back because a lifecycle hook failed.",
            Self::Stage => "Service deployment rolled back because a lifecycle stage timed out.",
        }
    }
}

/// A deployment as it begins: nothing desired until the scheduler looks (§2.6).
pub(super) fn fresh(now: Time, id: String, revision: String, wanted: super::input::Wanted) -> Deployment {
    Deployment {
        reason: format!("ECS deployment {id} in progress."),
        id,
        primary: true,
        created: now,
        updated: now,
        desired: 0,
        rollout: RolloutState::InProgress,
        failed_tasks: 0,
        spec: wanted.spec,
        definition: wanted.definition,
        revision,
        established: false,
        ran: false,
        failures: 0,
        verdict: None,
        backoff: Backoff::default(),
        baked: None,
        task_set: None,
        shift: None,
        alternate: false,
        digests: BTreeMap::new(),
        deaf: false,
    }
}

/// Begins a deployment: it becomes PRIMARY, with nothing desired until the scheduler looks (§2.6).
pub(super) fn deploy(world: &mut World, service: &mut Service, wanted: super::input::Wanted) {
    named::learn_of(world, &wanted.spec);
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
        digests: BTreeMap::new(),
    });
    let spec = wanted.spec.clone();
    let mut deployment = fresh(now, id, revision, wanted);
    deployment.shift = traffic::begin(now, service);
    deployment.alternate = traffic::stands_in_alternate(service, &deployment);
    deployment.deaf = !alarms::firing(&world.ecs, service).is_empty();
    for former in &mut service.deployments {
        former.established |= traffic::took_over(former);
        former.primary = false;
        former.shift = None;
    }
    service.deployments.insert(0, deployment);
    service.spec = spec;
    service.rebalancing = false;
    service.steady_since = None;
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
    let entry = service.journal.last().map(|entry| (entry.status, entry.deployment.clone()));
    let requested = entry.as_ref().is_some_and(|(state, _)| *state == State::RollbackRequested);
    // Stopped by a person, without a way back; a superseded one is not the last.
    let aborted = entry.filter(|(state, _)| matches!(state, State::StopRequested | State::Stopped));
    let alarmed = alarms::end(&world.ecs, service);
    let desired = service.desired;
    let limit = service.breaker().map(|breaker| threshold(desired, breaker));
    let Some(primary) = service.primary_mut().filter(|one| one.rollout == RolloutState::InProgress) else {
        return Judgement::Unchanged;
    };
    if aborted.is_some_and(|(_, id)| id == primary.id) {
        primary.rollout = RolloutState::Failed;
        primary.updated = now;
        primary.reason = Failure::Requested.reason(&primary.id);
        return Judgement::Failed;
    }
    if requested || alarmed {
        fail(world, service, if requested { Failure::Requested } else { Failure::Alarm });
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
pub(super) fn fail(world: &mut World, service: &mut Service, failure: Failure) {
    let now = world.now();
    let rolls_back = match failure {
        Failure::Breaker => service.breaker().is_some_and(|breaker| breaker.bool("rollback") == Some(true)),
        Failure::Alarm => alarms::roll_back(service),
        Failure::Requested | Failure::Hook | Failure::Stage => true,
    };
    let Some(primary) = service.primary_mut() else { return };
    let failed = primary.id.clone();
    primary.rollout = RolloutState::Failed;
    primary.updated = now;
    primary.verdict = None;
    primary.reason = failure.reason(&failed);
    if let Some(why) = failure.event() {
        events::tell(world, service, &format!("(deployment {failed}) deployment failed: {why}"));
    }
    if rolls_back && traffic::turn_back(world, service, failure) {
        return;
    }
    let target = service.completed.take_if(|_| rolls_back).filter(|target| target.id != failed);
    match target {
        Some(target) => roll_back(world, service, target, failure),
        None => journal::ended_badly(world, service, rolls_back, failure),
    }
}

/// `rollback` of a service deployment.
pub(super) fn rollback(now: Time, failure: Failure, revision: &str) -> Tree {
    tree! { "reason" => failure.rolled_back(), "startedAt" => now, "serviceRevisionArn" => revision }
}

/// Re-promotes the old deployment: the same object, id and createdAt (§2.6).
pub(super) fn roll_back(world: &mut World, service: &mut Service, remembered: Deployment, failure: Failure) {
    let now = world.now();
    let id = remembered.id.clone();
    events::tell(world, service, &format!("rolling back to deployment {id}."));
    let place = service.deployments.iter().position(|one| one.id == id);
    let mut target = place.map_or(remembered, |place| service.deployments.remove(place));
    for other in &mut service.deployments {
        other.primary = false;
        other.established = false;
        other.shift = None;
    }
    let counts = super::show::counts(world, service, &id);
    target.primary = true;
    target.updated = now;
    target.rollout = RolloutState::InProgress;
    target.reason = failure.rolling_back(&id);
    target.ran = counts.running > 0;
    target.failures = 0;
    target.failed_tasks = 0;
    target.verdict = None;
    target.baked = None;
    // What ended the new one must not end the way back (inferred).
    target.deaf = true;
    target.backoff = Backoff::default();
    service.spec = target.spec.clone();
    let rollback = rollback(now, failure, &target.revision);
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
    // Where traffic is shifted, the bake lies before the old tasks are stopped.
    let bake = if traffic::is_chosen(service) { Duration::ZERO } else { alarms::bake(service) };
    let whole = standing.healthy == desired && standing.live == desired && standing.others == 0;
    let early = early::criteria(service).is_some_and(|one| one.are_met(desired, standing.healthy, standing.others));
    let primary = service.primary_mut().filter(|one| one.rollout == RolloutState::InProgress)?;
    if !whole && !early {
        primary.baked = None;
        return None;
    }
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
    if standing.others == 0 {
        service.deployments.truncate(1);
    }
    events::tell(world, service, &text);
    journal::ended_well(world, service);
    None
}
