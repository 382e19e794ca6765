//! Whether what is due can work: gathers the facts, counts what others are about to take, and lets the checks look.
//! Must not know: what is planned with the answer.

use std::sync::Arc;

use crate::aws::CallError;
use crate::check::Desired;
use crate::check::preflight::{Case, Claim, Due, Fact, Facts, Judged, Network, Platform, Preflight, Size, look};
use crate::kinds::service::{self, Reference};
use crate::kinds::{Key, Object, Observed, task_definition};
use crate::observe::{Ground, Machines, Named, Seen};
use crate::plan::Verdict;
use crate::rollout;
use crate::shape::{Time, Tree};
use crate::telemetry::PreflightResult;

use super::pass::{Known, Shared};
use super::{facts, lookups};

/// What a service of ours was let start a moment ago, and when: the next look at it may not show that yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Started {
    pub at: Time,
    claim: Claim,
}

/// Looks whether what is due can work; where it may go on, others count it from now on.
pub async fn judge(shared: &Shared, desired: &Desired, object: &Object, due: Due, place: &Standing<'_>) -> Preflight {
    let definition = definition(shared, desired, object).await;
    let mut facts = Facts::default();
    let (on_ec2, has_network) = {
        let case = case(object, due, place, &definition, &facts);
        (case.platform() == Platform::Ec2, case.vpc().is_some())
    };
    if has_network {
        facts.network = network(shared, desired, object).await;
    }
    if on_ec2 {
        let cluster = service::cluster(object);
        let machines = shared.observer.machines(cluster, place.cluster).await;
        let Machines { instances, providers, interfaces } = machines.as_ref();
        facts.instances.insert(cluster.to_owned(), fact(instances));
        facts.providers.insert(cluster.to_owned(), fact(providers));
        facts.interfaces = fact(interfaces);
    }
    // Nothing else is let start between the count and the entry.
    let mut known = shared.known();
    let claims = claims(&known, desired, &object.key);
    let case = Case { claims: &claims, ..self::case(object, due, place, &definition, &facts) };
    let preflight = look(&case, object.reconcile.preflight);
    match preflight.hold() {
        None => {
            let (tasks, held) = case.course().map_or((0, 0), |course| (course.surge(), course.surge_held()));
            let claim = claim(&case, object, tasks, held);
            known.started.insert(object.key.clone(), Started { at: shared.clock.now(), claim });
        }
        Some(_) => drop(known.started.remove(&object.key)),
    }
    drop(known);
    shared.metrics.preflight_ended(&object.key, result(&preflight));
    preflight
}

/// What stands in the way of a service as it is declared, whether or not something is due: of its creation where it is
/// not there, else of a rollout.
///
/// # Errors
/// A read that failed.
pub async fn ahead(shared: &Shared, desired: &Desired, object: &Object) -> Result<Preflight, CallError> {
    let seen = facts::observe(shared, object, Time::default()).await;
    if let Some(error) = seen.failure {
        return Err(error);
    }
    let cluster = facts::swept_cluster(shared, object).await;
    let (resolved, held) = lookups::looked_up(shared, desired, object, &seen).await;
    let is_there = seen.observed.present().is_some_and(|shown| shown.text("status") != Some("INACTIVE"));
    let due = if is_there { Due::Rollout } else { Due::Create };
    let started = shared.known().started.get(&object.key).cloned();
    let standing = Standing { seen: &seen, cluster: &cluster };
    let mut said = judge(shared, desired, &resolved, due, &standing).await;
    given_up(shared, &object.key, started);
    if let Some(Verdict::Blocked(_, why) | Verdict::Waiting(_, why)) = held {
        said.judged.push(Judged::unresolved(why));
    }
    Ok(said)
}

/// Where the object stands: as it is seen, and its cluster.
pub struct Standing<'a> {
    pub seen: &'a Seen,
    pub cluster: &'a Observed,
}

fn result(preflight: &Preflight) -> PreflightResult {
    use crate::kinds::Policy;
    match preflight.hold().map(|hold| hold.policy) {
        Some(Policy::Block) => PreflightResult::Blocked,
        Some(Policy::Wait | Policy::Warn) => PreflightResult::Waiting,
        None if preflight.unknown().next().is_some() => PreflightResult::Unknown,
        None if !preflight.judged.is_empty() => PreflightResult::Warned,
        None => PreflightResult::Passed,
    }
}

fn case<'a>(
    object: &'a Object,
    due: Due,
    place: &Standing<'a>,
    definition: &'a Fact<Tree>,
    facts: &'a Facts,
) -> Case<'a> {
    let shown = place.seen.observed.present().filter(|shown| shown.text("status") != Some("INACTIVE"));
    Case { shown, cluster: place.cluster.present(), ..Case::of(object, due, definition, facts) }
}

fn fact<T: Clone>(answer: &Result<T, CallError>) -> Fact<T> {
    match answer {
        Ok(known) => Fact::Known(known.clone()),
        Err(error) => Fact::Unknown(error.told()),
    }
}

/// The task definition that is to run: its manifest, or the revision that is named.
async fn definition(shared: &Shared, desired: &Desired, object: &Object) -> Fact<Tree> {
    match service::task_definition(object) {
        Reference::Manifest(key) => match desired.objects.get(&key) {
            Some(declared) => Fact::Known(declared.spec.clone()),
            None => Fact::Unknown(format!("{} is not in the manifests", key.short())),
        },
        Reference::Literal(reference) => named(shared, &reference).await,
        Reference::TaskSets => Fact::Unknown("each task set has its own".to_owned()),
        Reference::Live => {
            let live = |known: &Known| Some(known.seen.shown(&object.key)?.text("taskDefinition")?.to_owned());
            let reference = live(&shared.known());
            match reference {
                Some(reference) => named(shared, task_definition::short(&reference)).await,
                None => Fact::Unknown("what it runs is not known yet".to_owned()),
            }
        }
    }
}

/// A revision by its name.
async fn named(shared: &Shared, reference: &str) -> Fact<Tree> {
    match shared.observer.task_definition(reference, false).await {
        Ok(Observed::Present(answer)) => match answer.get(task_definition::DEFINITION.describe.answer) {
            Some(shown) => Fact::Known(shown.clone()),
            None => Fact::Unknown(format!("AWS does not show {reference}")),
        },
        Ok(Observed::Absent | Observed::Unknown(_)) => Fact::Unknown(format!("there is no {reference}")),
        Err(error) => Fact::Unknown(error.to_string()),
    }
}

async fn network(shared: &Shared, desired: &Desired, object: &Object) -> Network {
    let mut needed = Named::default();
    needed.take(&object.spec);
    let everyone = || {
        let mut named = Named::default();
        let known = shared.known();
        for service in desired.services() {
            named.take(&service.spec);
            // What selector terms come to is known only where it runs already.
            if let Some(shown) = (!service.lookup.is_empty()).then(|| known.seen.shown(&service.key)).flatten() {
                named.take(&shown);
            }
        }
        named
    };
    let (ground, asked): (Arc<Ground>, bool) = shared.observer.ground(&needed, everyone).await;
    if let Some(error) = ground.failure().filter(|_| asked) {
        shared.metrics.preflight_blind(error.operation, &error.code);
    }
    Network {
        subnets: fact(&ground.subnets),
        groups: fact(&ground.groups),
        route_tables: fact(&ground.route_tables),
        nat_gateways: fact(&ground.nat_gateways),
        internet_gateways: fact(&ground.internet_gateways),
        endpoints: fact(&ground.endpoints),
    }
}

fn claim(case: &Case<'_>, object: &Object, tasks: i64, held: i64) -> Claim {
    let definition = case.definition.known().ok();
    Claim {
        of: format!("{}/{}", service::cluster(object), object.aws_name()),
        cluster: service::cluster(object).to_owned(),
        tasks,
        held,
        subnets: case.subnets().map(|(_, id)| id.to_owned()).collect(),
        size: definition.filter(|_| case.platform() == Platform::Ec2).map(Size::of),
    }
}

/// What the other services that roll, or have just begun to, will start beyond what is seen of them; those that only
/// have tasks to stop give something back.
fn claims(known: &Known, desired: &Desired, ours: &Key) -> Vec<Claim> {
    let keys = known.rolling.iter().chain(known.started.keys().filter(|key| !known.rolling.contains(*key)));
    keys.filter(|key| *key != ours)
        .filter_map(|key| Some((key, remaining(known, desired, key)?)))
        .filter(|(key, claim)| claim.held > 0 || known.rolling.contains(*key))
        .map(|(_, claim)| claim)
        .collect()
}

fn remaining(known: &Known, desired: &Desired, key: &Key) -> Option<Claim> {
    let started = known.started.get(key);
    if let Some(started) = started.filter(|started| known.seen.begun(key).is_none_or(|begun| begun <= started.at)) {
        return Some(started.claim.clone());
    }
    let (object, shown) = (desired.objects.get(key)?, known.seen.shown(key)?);
    let shown = &shown;
    let (definition, facts) = (Fact::Unknown(String::new()), Facts::default());
    let rolls = shown.list("deployments").len() > 1;
    let due = if rolls { Due::Rollout } else { Due::ScaleOut };
    let case = Case { shown: Some(shown), ..Case::of(object, due, &definition, &facts) };
    let count = |tree: &Tree, name: &str| tree.int(name).unwrap_or(0);
    let primary = rollout::primary(shown);
    let there = primary.map_or(0, |primary| count(primary, "runningCount") + count(primary, "pendingCount"));
    // No more than are still to come, and no more than there may be at a time.
    let to_come = case.desired() - there;
    let room = case.course().map_or(to_come, |course| course.bounds.upper - case.present());
    let tasks = to_come.min(room).max(0);
    let held = to_come.max(0);
    let from = started.map(|started| started.claim.clone()).unwrap_or_else(|| claim(&case, object, tasks, held));
    Some(Claim { tasks, held, ..from })
}

/// A service that has what it wants takes nothing more.
pub fn settled(known: &mut Known, object: &Object, seen: &Seen) {
    let settled = |started: &Started| {
        let shown = seen.observed.present().filter(|_| seen.begun > started.at);
        shown.is_some_and(|shown| {
            let count = |name: &str| shown.int(name).unwrap_or(0);
            let alone = shown.list("deployments").len() <= 1;
            alone && count("runningCount") + count("pendingCount") >= count("desiredCount")
        })
    };
    if known.started.get(&object.key).is_some_and(settled) {
        known.started.remove(&object.key);
    }
}

/// What was let start in this pass and is not made after all: it is as it was before.
pub fn given_up(shared: &Shared, key: &Key, before: Option<Started>) {
    let mut known = shared.known();
    if known.started.get(key).is_some_and(|now| Some(now) != before.as_ref()) {
        match before {
            Some(before) => drop(known.started.insert(key.clone(), before)),
            None => drop(known.started.remove(key)),
        }
    }
}
