//! The journal of a service: its service deployments and revisions, and their operations (§2.15). Must not know: tasks.

use std::time::Duration;

use crate::shape::{Time, Tree};
use crate::tree;

use super::super::super::world::World;
use super::super::{Answer, Fault};
use super::rollout::Failure;
use super::{RolloutState, Service, ServiceDeployment, alarms, hooks, names, show, threshold, traffic};

/// How many ARNs one Describe may name; default and greatest page of ListServiceDeployments (§7.2).
const MOST_DESCRIBED: usize = 20;
const DEFAULT_PAGE: usize = 20;
const MOST_PAGE: usize = 100;
/// The history goes back so far.
const HISTORY: Duration = Duration::from_secs(90 * 24 * 3600);
const ID_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The state machine of a service deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    InProgress,
    Successful,
    StopRequested,
    Stopped,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Successful => "SUCCESSFUL",
            Self::StopRequested => "STOP_REQUESTED",
            Self::Stopped => "STOPPED",
            Self::RollbackRequested => "ROLLBACK_REQUESTED",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackSuccessful => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed => "ROLLBACK_FAILED",
        }
    }

    fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::InProgress | Self::RollbackRequested | Self::RollbackInProgress)
    }
}

/// Opens an entry for a deployment that begins; the one it supersedes is asked to stop (§2.7).
pub(super) fn open(world: &mut World, service: &mut Service, deployment: &str, revision: &str) {
    let now = world.now();
    if service.current_entry_mut().is_some_and(|entry| entry.status.is_open()) {
        close(world, service, State::StopRequested, Some("Superseded by a newer service deployment.".to_owned()));
    }
    let sources = service.deployments.iter().filter(|one| {
        let counts = show::counts(world, service, &one.id);
        counts.running + counts.pending > 0
    });
    let sources = sources.map(|one| show::revision_counts(world, service, one)).collect();
    let horizon = Time(now.0.saturating_sub(Time(0).after(HISTORY).0));
    service.journal.retain(|entry| entry.created >= horizon);
    let id = world.chars(21, ID_LETTERS);
    let entry = ServiceDeployment {
        arn: world.arn(&format!("service-deployment/{}/{}/{id}", service.cluster, service.name)),
        deployment: deployment.to_owned(),
        status: State::Pending,
        status_reason: None,
        created: now,
        started: None,
        stopped: None,
        finished: None,
        updated: now,
        sources,
        target: revision.to_owned(),
        configuration: service.settings.get("deploymentConfiguration").cloned().unwrap_or_default(),
        rollback: None,
        ended_with: None,
    };
    service.journal.push(entry);
}

/// What a look of the scheduler moves on: requests become facts.
pub(super) fn advance(world: &World, service: &mut Service) {
    let now = world.now();
    for place in 0..service.journal.len() {
        let Some(entry) = service.journal.get_mut(place) else { continue };
        match entry.status {
            State::Pending => {
                entry.status = State::InProgress;
                entry.started = Some(now);
                entry.updated = now;
            }
            State::StopRequested => {
                entry.status = State::Stopped;
                entry.stopped = Some(now);
                entry.updated = now;
                finish(world, service, place);
            }
            _ => {}
        }
    }
}

/// The entry is over: its counts stay from now on what they are.
fn finish(world: &World, service: &mut Service, place: usize) {
    let Some(entry) = service.journal.get(place) else { return };
    let verdict = entry.ended_with.clone().unwrap_or_else(|| counts_of(world, service, entry));
    let (sources, shown) = counted(world, service, entry, verdict);
    if let Some(entry) = service.journal.get_mut(place) {
        entry.sources = sources;
        entry.ended_with = Some(shown);
        entry.finished = Some(world.now());
    }
}

/// Sets the current entry's state; what the breaker and the alarms had come to is kept for ever.
fn close(world: &World, service: &mut Service, state: State, reason: Option<String>) {
    let now = world.now();
    let ended_with = service.journal.last().map(|entry| counts_of(world, service, entry));
    let Some(entry) = service.current_entry_mut() else { return };
    entry.status = state;
    entry.updated = now;
    // A rollback's verdict on the new revision stands, whatever becomes of the old one.
    entry.ended_with = entry.ended_with.take().or(ended_with);
    if reason.is_some() {
        entry.status_reason = reason;
    }
    if matches!(state, State::Successful | State::RollbackSuccessful | State::RollbackFailed) {
        finish(world, service, service.journal.len().saturating_sub(1));
    }
}

/// The PRIMARY completed: the new one, or the old one after a rollback.
pub(super) fn ended_well(world: &World, service: &mut Service) {
    let status = service.journal.last().map(|entry| entry.status);
    match status {
        Some(State::RollbackInProgress) => close(world, service, State::RollbackSuccessful, None),
        Some(State::Pending | State::InProgress) => close(world, service, State::Successful, None),
        _ => {}
    }
}

/// The PRIMARY failed, and there is nothing to go back to, or nobody wants that.
pub(super) fn ended_badly(world: &World, service: &mut Service, rolls_back: bool, failure: Failure) {
    let within_rollback = service.journal.last().is_some_and(|entry| entry.status == State::RollbackInProgress);
    let text = match failure {
        Failure::Breaker => "Service deployment failed: the circuit breaker threshold was exceeded.",
        Failure::Requested => "Service deployment was stopped; there is no completed deployment to roll back to.",
        Failure::Alarm => "Service deployment failed: an alarm was detected.",
        Failure::Hook => "Service deployment failed: a lifecycle hook failed.",
        Failure::Stage => "Service deployment failed: a lifecycle stage timed out.",
    };
    let state = match (within_rollback, rolls_back, failure) {
        (true, ..) | (_, _, Failure::Requested) => State::RollbackFailed,
        _ => State::StopRequested,
    };
    close(world, service, state, Some(text.to_owned()));
}

/// The current entry goes back to an older revision.
pub(super) fn rolls_back(world: &World, service: &mut Service, rollback: Tree) {
    let reason = rollback.text("reason").map(str::to_owned);
    close(world, service, State::RollbackInProgress, reason);
    if let Some(entry) = service.current_entry_mut() {
        // Where traffic goes back first, the rollback began with that.
        entry.rollback.get_or_insert(rollback);
    }
}

/// The members that go on changing while a deployment is in progress.
fn counts_of(world: &World, service: &Service, entry: &ServiceDeployment) -> Tree {
    let deployment = service.deployments.iter().find(|one| one.id == entry.deployment);
    let target = match deployment {
        Some(deployment) => show::revision_counts(world, service, deployment),
        None => tree! {
            "arn" => &entry.target, "requestedTaskCount" => 0, "runningTaskCount" => 0, "pendingTaskCount" => 0,
        },
    };
    let breaker = match (service.breaker(), deployment) {
        (None, _) => tree! { "status" => "DISABLED", "failureCount" => 0, "threshold" => 0 },
        (Some(breaker), deployment) => {
            let status = match deployment.map(|one| one.rollout) {
                Some(_) if matches!(entry.status, State::RollbackRequested | State::StopRequested | State::Stopped) => {
                    "MONITORING_COMPLETE"
                }
                Some(RolloutState::Failed) => "TRIGGERED",
                Some(RolloutState::InProgress) => "MONITORING",
                Some(RolloutState::Completed) | None => "MONITORING_COMPLETE",
            };
            tree! {
                "status" => status,
                "failureCount" => deployment.map_or(0, |one| one.failures),
                "threshold" => threshold(service.desired, breaker),
            }
        }
    };
    let alarms = alarms::shown(&world.ecs, service, deployment);
    let shown = tree! { "targetServiceRevision" => target, "deploymentCircuitBreaker" => breaker, "alarms" => alarms };
    match deployment {
        Some(deployment) => traffic::shown(deployment, shown),
        None => shown,
    }
}

fn brief(world: &World, service: &Service, entry: &ServiceDeployment) -> Tree {
    tree! {
        "serviceDeploymentArn" => &entry.arn,
        "serviceArn" => &service.arn,
        "clusterArn" => world.arn(&format!("cluster/{}", service.cluster)),
        "createdAt" => entry.created,
        "status" => entry.status.as_str(),
    }
    .with_some("statusReason", entry.status_reason.as_ref())
    .with_some("startedAt", entry.started)
    .with_some("finishedAt", entry.finished)
}

/// The sources of an entry that goes on and its other members, with the tasks that there are now. A rollback's verdict
/// has been spoken before, its tasks come and go until it is over.
fn counted(world: &World, service: &Service, entry: &ServiceDeployment, mut shown: Tree) -> (Vec<Tree>, Tree) {
    let has_ended = entry.ended_with.is_some();
    let sources =
        entry.sources.iter().map(|one| if has_ended { one.clone() } else { traffic::of_source(service, one) });
    let sources = sources.map(|one| show::recounted(world, service, &one)).collect();
    if let Some(target) = shown.get("targetServiceRevision").map(|one| show::recounted(world, service, one)) {
        shown.set("targetServiceRevision", target);
    }
    (sources, shown)
}

fn full(world: &World, service: &Service, entry: &ServiceDeployment) -> Tree {
    let shown = entry.ended_with.clone().unwrap_or_else(|| counts_of(world, service, entry));
    let (sources, counts) = match entry.finished {
        Some(_) => (entry.sources.clone(), shown),
        None => counted(world, service, entry, shown),
    };
    let shown = brief(world, service, entry)
        .with("updatedAt", entry.updated)
        .with("sourceServiceRevisions", sources)
        .with("deploymentConfiguration", &entry.configuration)
        .with_some("stoppedAt", entry.stopped)
        .with_some("rollback", entry.rollback.as_ref());
    counts.as_map().into_iter().flatten().fold(shown, |shown, (name, value)| shown.with(name, value))
}

pub(super) fn list(world: &mut World, input: &Tree) -> Answer {
    let cluster = names::cluster_of(world, input)?;
    let name = names::service_name(world, &cluster, input.text("service").unwrap_or_default())?;
    let Some(service) = world.ecs.services.get(&(cluster, name)) else {
        return Err(Fault::new("ServiceNotFoundException", "Service not found."));
    };
    let wanted = input.list("status");
    let bound = |name| input.at(&["createdAt", name]).and_then(Time::from_tree);
    let rows = service.journal.iter().filter(|entry| {
        (wanted.is_empty() || wanted.iter().any(|one| one.as_text() == Some(entry.status.as_str())))
            && bound("before").is_none_or(|before| entry.created < before)
            && bound("after").is_none_or(|after| entry.created > after)
    });
    // Newest first.
    let rows = rows.map(|entry| {
        let row = brief(world, service, entry).with("targetServiceRevisionArn", &entry.target);
        (format!("{:020}{}", i64::MAX.saturating_sub(entry.created.0), entry.arn), row)
    });
    let (rows, next) = names::page(rows.collect(), input, DEFAULT_PAGE, MOST_PAGE)?;
    Ok(tree! { "serviceDeployments" => rows }.with_some("nextToken", next))
}

pub(super) fn describe(world: &mut World, input: &Tree) -> Answer {
    let (found, failures) = described(world, input.list("serviceDeploymentArns"), |service, arn| {
        service.journal.iter().find(|entry| entry.arn == arn).map(|entry| full(world, service, entry))
    })?;
    Ok(tree! { "serviceDeployments" => found, "failures" => failures })
}

pub(super) fn describe_revisions(world: &mut World, input: &Tree) -> Answer {
    let (found, failures) = described(world, input.list("serviceRevisionArns"), |service, arn| {
        service.revisions.iter().find(|one| one.arn == arn).map(|one| show::revision(world, service, one))
    })?;
    Ok(tree! { "serviceRevisions" => found, "failures" => failures })
}

fn described(
    world: &World,
    arns: &[Tree],
    find: impl Fn(&Service, &str) -> Option<Tree>,
) -> Result<(Vec<Tree>, Vec<Tree>), Fault> {
    if arns.is_empty() || arns.len() > MOST_DESCRIBED {
        return Err(Fault::invalid(format!("The number of ARNs must be between 1 and {MOST_DESCRIBED}.")));
    }
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in arns.iter().filter_map(Tree::as_text) {
        match service_of(world, arn).and_then(|service| find(service, arn)) {
            Some(tree) => found.push(tree),
            None => failures.push(tree! { "arn" => arn, "reason" => "MISSING" }),
        }
    }
    Ok((found, failures))
}

/// `…:service-deployment/CLUSTER/SERVICE/ID` and `…:service-revision/CLUSTER/SERVICE/ID` name their service.
pub(super) fn service_of<'a>(world: &'a World, arn: &str) -> Option<&'a Service> {
    let mut parts = arn.split('/').skip(1);
    let (cluster, name) = (parts.next()?, parts.next()?);
    world.ecs.services.get(&(cluster.to_owned(), name.to_owned()))
}

pub(super) fn stop(world: &mut World, input: &Tree) -> Answer {
    let aborts = input.text("stopType") == Some("ABORT");
    let arn = input.text("serviceDeploymentArn").unwrap_or_default();
    let now = world.now();
    let missing = || Fault::new("ServiceDeploymentNotFoundException", "Service deployment not found.");
    let key = service_of(world, arn).map(Service::key).ok_or_else(missing)?;
    let service = world.ecs.services.get_mut(&key).ok_or_else(missing)?;
    let entry = service.journal.iter_mut().find(|entry| entry.arn == arn).ok_or_else(missing)?;
    if !matches!(entry.status, State::Pending | State::InProgress) {
        let text = format!("The service deployment is {} and can't be stopped.", entry.status.as_str());
        return Err(Fault::new("ConflictException", text).with("resourceIds", vec![arn]));
    }
    entry.status = if aborts { State::StopRequested } else { State::RollbackRequested };
    if aborts {
        entry.status_reason = Some("Service deployment was stopped because of a customer request.".to_owned());
    }
    entry.updated = now;
    hooks::poke(world, &key.0, &key.1);
    Ok(tree! { "serviceDeploymentArn" => arn })
}
