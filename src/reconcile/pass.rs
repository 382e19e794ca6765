//! One pass for one key: observe, plan, apply. Must not know: when it runs, what is shown of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::aws::{Aws, CallError, Class};
use crate::check::Desired;
use crate::clock::Clock;
use crate::kinds::adopt::Former;
use crate::kinds::service::{self, Reference};
use crate::kinds::{Key, Kind, Object, Place, hash, secrets, tags, task_definition};
use crate::lease::{Claim, Leadership};
use crate::observe::{Names, Observer, Seen, Sightings};
use crate::plan::{Approved, Plan, Reason, Replacement, StepEffect, Verdict};
use crate::rollout::{self, Journal, Progress};
use crate::shape::{Time, Tree};
use crate::status::Happening;
use crate::telemetry::{Metrics, Stage};

use super::facts::Scene;
use super::heals::Heals;
use super::preflight::{self, Started};
use super::prune::Pruning;
use super::witness::Witness;
use super::{apply, before, facts, rollouts};

/// What all passes share.
pub struct Shared {
    pub aws: Aws,
    pub observer: Observer,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub us: tags::Ownership,
    /// Whose objects become ours.
    pub former: Option<Former>,
    pub place: Place,
    /// Look and plan, but write nothing.
    pub observe_only: bool,
    /// Whether it is ours to write.
    pub leadership: Leadership,
    /// How long someone else's deployment is left alone.
    pub grace: Duration,
    /// So many services roll at once.
    pub rollouts_max: usize,
    /// The steps of a plan file, where one is applied: nothing else is written.
    pub approved: Option<Approved>,
    pub known: Mutex<Known>,
}

/// What passes have found out and need not ask again. A cache: all of it can be read again.
#[derive(Debug, Default)]
pub struct Known {
    /// The newest observation of each object.
    pub seen: Sightings<Key>,
    /// Clusters by name, declared or not.
    pub clusters: Sightings<String>,
    /// The revision (`family:revision`) that has a task definition's content.
    pub revisions: BTreeMap<(Key, String), String>,
    /// When retention looks at a task definition's revisions again; not there: as soon as it may.
    pub retained: BTreeMap<Key, Time>,
    /// Services whose deployment we follow.
    pub rolling: BTreeSet<Key>,
    /// What preflight let start, until it is seen to be there: others count it.
    pub started: BTreeMap<Key, Started>,
    /// Services' tags have told what they know of revisions; what is found out later is newer.
    pub seeded: bool,
    /// Services of ours that nobody declares any more, as `cluster/name`.
    pub orphans: BTreeSet<String>,
    /// Security groups of ours that nobody declares any more.
    pub pruning: Pruning,
    /// Other services that are of declared objects, by their names.
    pub before: BTreeMap<Key, before::Names>,
    /// Clusters whose services could not be listed, and why.
    pub unlisted: BTreeMap<String, String>,
    /// Services in whose place another comes, or that come in another's: they count among the rollouts.
    pub replacing: BTreeSet<Key>,
    /// Services of other owners, or of nobody: not described again.
    pub foreign: Names,
    /// Keys that are declared no more: a pass that is still at one of them writes nothing.
    pub gone: BTreeSet<Key>,
}

impl Shared {
    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is remembered of a key between passes.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Observations begun before this may not know of our last write.
    pub fresh_after: Time,
    /// The journal of a deployment that is over, and what it was read for: it says the same for ever.
    pub journal: Option<Box<(String, Journal)>>,
    /// The differences that the last write in place was for, and when that was.
    pub in_place: Option<Box<(String, Time)>>,
    /// It was converged, and nothing has been asked for since: what differs now is drift.
    pub converged: bool,
    /// What the newest plan is about is drift.
    pub drifted: bool,
    /// What was healed in place, and how often.
    pub heals: Heals,
    /// Since when we follow a rollout of ours.
    pub rolling_since: Option<Time>,
    /// What our last write left in the service: an answer without it is an old one.
    pub witness: Option<Box<Witness>>,
    /// Members that differ, and not because Git asked for it.
    pub drift: Vec<String>,
    /// What has happened and the loop has not been told of yet.
    pub happened: Vec<Happening>,
}

/// What a pass is told by the loop.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// Observations begun before this are not news.
    pub fresh_after: Time,
    /// The round has been looked at as a whole, and drift may be healed by a rollout.
    pub may_drift: bool,
    /// What it builds on will not come: what can be done without goes ahead.
    pub go_alone: bool,
    /// A write was refused for good not long ago, and is not asked for again.
    pub resting: Option<Failure>,
}

/// How a pass ended.
#[derive(Clone, Debug)]
pub enum Ended {
    /// Nothing was written.
    Stands(Verdict),
    /// Steps were made; so many calls.
    Applied {
        changes: usize,
        /// It became ours, and nothing else was done.
        adopted: bool,
    },
    /// A rollout is due that no change in Git asks for: the brake looks at all of them first.
    Drifted,
    Failed(Failure),
    /// Steps are due that were refused for good not long ago.
    Resting(Failure),
}

/// Why a pass failed.
#[derive(Clone, Debug)]
pub struct Failure {
    pub class: Class,
    pub category: &'static str,
    pub message: String,
    pub retried: bool,
    /// AWS refused to write, and would again.
    pub refused: bool,
}

impl Failure {
    /// What AWS said, without what it may repeat of the object's secrets.
    fn of(object: &Object, error: &CallError, of_write: bool) -> Self {
        let retried = error.class() != Class::Terminal;
        Self {
            class: error.class(),
            category: error.category(),
            message: secrets::redact(&object.spec, &error.to_string()),
            retried,
            refused: of_write && !retried,
        }
    }
}

/// One pass over one object.
pub async fn pass(shared: &Shared, desired: &Desired, object: &Object, order: &Order, memory: &mut Memory) -> Ended {
    let started = shared.known().started.get(&object.key).cloned();
    // Asked for before anything is looked at: a claim that is won later needs a later look.
    let claim = shared.leadership.claim();
    let looked = look_and_plan(shared, desired, object, order, memory, &claim).await;
    if !matches!(looked, Ok(Looked::Plan(_))) {
        preflight::given_up(shared, &object.key, started);
    }
    let (plan, claim) = match (looked, claim) {
        (Ok(Looked::Plan(plan)), Ok(claim)) => (*plan, claim),
        (Ok(Looked::Plan(_)), Err(leader)) => return Ended::Stands(standby(leader.as_deref())),
        (Ok(Looked::Ended(ended)), _) => return ended,
        (Err(error), _) => return Ended::Failed(Failure::of(object, &error, false)),
    };
    if shared.known().gone.contains(&object.key) {
        return Ended::Stands(Verdict::Waiting(Reason::Unobserved, "it is no longer declared".into()));
    }
    let result = apply::apply(shared, object, &plan, memory, &claim).await;
    let now = shared.clock.now();
    memory.fresh_after = now;
    match result {
        Ok(changes) => {
            rollouts::made(shared, object, &plan, memory);
            memory.heals.made(&plan, memory.drifted, now);
            memory.in_place = in_place_mark(&plan).map(|mark| Box::new((mark, now)));
            let adopted = plan.steps.iter().any(|step| step.effect == StepEffect::Adopt);
            Ended::Applied { changes, adopted }
        }
        Err(error) => {
            apply::gave_back(shared, object, &error);
            if error.is_fenced() {
                return Ended::Stands(standby(shared.leadership.standing().leader()));
            }
            Ended::Failed(Failure::of(object, &error, true))
        }
    }
}

/// What looking and planning come to.
enum Looked {
    /// Steps are due.
    Plan(Box<Plan>),
    Ended(Ended),
}

async fn look_and_plan(
    shared: &Shared,
    desired: &Desired,
    object: &Object,
    order: &Order,
    memory: &mut Memory,
    claim: &Result<Claim, Option<String>>,
) -> Result<Looked, CallError> {
    let began = shared.clock.now();
    let stands = |verdict: Verdict| Ok(Looked::Ended(Ended::Stands(verdict)));
    let ours_since = claim.as_ref().map(Claim::since).unwrap_or_default();
    let fresh_after = memory.fresh_after.max(order.fresh_after).max(ours_since);
    let seen = facts::observe(shared, object, fresh_after).await;
    if let Some(error) = seen.failure {
        return Err(error);
    }
    if memory.witness.as_ref().is_some_and(|witness| witness.is_missing_from(&seen.observed, shared.clock.now())) {
        return stands(not_shown_yet());
    }
    count(shared, object, &seen);
    let cluster = facts::cluster(shared, object).await;
    let observed_at = shared.clock.now();
    shared.metrics.stage_ended(Stage::Observe, observed_at.since(began));
    let before = before::of(shared, desired, object, fresh_after).await;
    let scene = Scene { seen: &seen, cluster: &cluster, before: &before };
    let mut plan = facts::planned(shared, desired, object, &scene, memory).await?;
    replaces(shared, object, &plan);
    shared.metrics.stage_ended(Stage::Plan, shared.clock.now().since(observed_at));
    memory.drifted = memory.converged && !plan.differences.is_empty();
    match claim {
        Ok(_) => rollouts::tell(shared, object, &plan, memory),
        Err(_) => rollouts::watched(&plan, memory),
    }
    remember(shared, object, &plan);
    if plan.is_late() && plan.verdict == Verdict::Due {
        // A security group comes before its rules, whatever they wait for.
        let goes = order.go_alone || object.key.kind == Kind::SecurityGroup;
        plan.steps.retain(|step| goes && step.late.is_empty());
        if plan.steps.is_empty() {
            return stands(not_registered(object));
        }
    }
    if shared.observe_only || plan.waits() {
        plan.steps.clear();
    }
    if let Some(leader) = claim.as_ref().err().filter(|_| !plan.steps.is_empty()) {
        return stands(standby(leader.as_deref()));
    }
    if let Some(verdict) = shared.approved.as_ref().and_then(|approved| approved.refusal(&object.key, &plan)) {
        return stands(verdict);
    }
    if let Some(verdict) = memory.heals.hold(object, seen.observed.present(), &mut plan, shared.clock.now()) {
        return stands(verdict);
    }
    if let Some(verdict) = persists(&mut plan, memory, shared.clock.now()) {
        return stands(verdict);
    }
    if plan.deploys() && plan.drift && !order.may_drift {
        return Ok(Looked::Ended(Ended::Drifted));
    }
    if let Some(failure) = order.resting.as_ref().filter(|_| !plan.steps.is_empty()) {
        return Ok(Looked::Ended(Ended::Resting(failure.clone())));
    }
    if let Some(verdict) = plan.deploys().then(|| take_room(shared, &object.key)).flatten() {
        return stands(verdict);
    }
    if plan.steps.is_empty() { stands(plan.verdict) } else { Ok(Looked::Plan(Box::new(plan))) }
}

fn standby(leader: Option<&str>) -> Verdict {
    let leader = leader.map_or_else(|| "nobody leads now".to_owned(), |leader| format!("{leader} leads"));
    Verdict::Waiting(Reason::Standby, format!("changes are due; this replica is a standby, and {leader}"))
}

fn not_shown_yet() -> Verdict {
    Verdict::Waiting(Reason::Unobserved, "AWS's answer does not show our last write yet".to_owned())
}

/// What a write in place is for; none where nothing is changed in place.
fn in_place_mark(plan: &Plan) -> Option<String> {
    let in_place = plan.steps.iter().any(|step| step.effect == StepEffect::InPlace);
    let differences =
        || plan.differences.iter().map(|one| format!("{} {:?} {:?}", one.path, one.observed, one.desired));
    in_place.then(|| hash::short(&differences().collect::<Vec<_>>().join(" "), 32))
}

/// How long a change in place may take to show; what then still differs in the same way is not written again.
const SHOWN_WITHIN: Duration = Duration::from_secs(30);

/// A change in place that was made and does not last is not made for ever.
fn persists(plan: &mut Plan, memory: &mut Memory, now: Time) -> Option<Verdict> {
    let Some(mark) = in_place_mark(plan) else {
        memory.in_place = None;
        return None;
    };
    let (_, at) = memory.in_place.as_deref().filter(|(made, _)| *made == mark)?;
    if now.since(*at) < SHOWN_WITHIN {
        return Some(not_shown_yet());
    }
    let paths: Vec<String> = plan.differences.iter().map(|one| one.path.to_string()).collect();
    let message = format!("changed in place, and yet {} differ; not changed again", paths.join(", "));
    plan.steps.retain(|step| step.effect != StepEffect::InPlace);
    if plan.steps.is_empty() {
        return Some(Verdict::Blocked(Reason::DriftPersists, message));
    }
    None
}

/// What a pass would do, from what a sweep has seen.
///
/// # Errors
/// A read that failed.
pub async fn preview(shared: &Shared, desired: &Desired, object: &Object) -> Result<Plan, CallError> {
    let mut memory = Memory::default();
    let seen = facts::observe(shared, object, Time::default()).await;
    if let Some(error) = seen.failure {
        return Err(error);
    }
    let cluster = facts::swept_cluster(shared, object).await;
    let started = shared.known().started.get(&object.key).cloned();
    let before = before::of(shared, desired, object, Time::default()).await;
    let scene = Scene { seen: &seen, cluster: &cluster, before: &before };
    let plan = facts::planned(shared, desired, object, &scene, &mut memory).await?;
    // Each is shown as if it came alone: what is planned is not begun.
    preflight::given_up(shared, &object.key, started);
    remember(shared, object, &plan);
    Ok(plan)
}

/// A revision that was found need not be looked for again.
fn remember(shared: &Shared, object: &Object, plan: &Plan) {
    if let Some(reference) = &plan.realised {
        let content = task_definition::content_hash(object);
        shared.known().revisions.insert((object.key.clone(), content), reference.clone());
    }
}

fn not_registered(object: &Object) -> Verdict {
    let message = match service::task_definition(object) {
        Reference::Manifest(key) => format!("{} is not registered yet", key.short()),
        Reference::Literal(reference) => format!("{reference} is not registered yet"),
        Reference::Live | Reference::TaskSets => "what it runs is not known yet".to_owned(),
    };
    Verdict::Waiting(Reason::DependencyNotReady, message)
}

/// Whether the service rolls, by what is seen of it.
pub fn rolls(object: &Object, seen: &Seen) -> bool {
    let several = |shown: &&Tree| shown.list("deployments").len() > 1;
    seen.observed.present().filter(several).is_some_and(|shown| {
        let progress = rollout::progress(shown, object.reconcile.progress_deadline, seen.date);
        matches!(progress, Progress::Rolling { .. } | Progress::Settling { .. })
    })
}

/// A replacement that has begun keeps its place among the rollouts until it is over.
fn replaces(shared: &Shared, object: &Object, plan: &Plan) {
    let mut known = shared.known();
    if plan.replacement.as_ref().is_some_and(Replacement::is_begun) {
        known.replacing.insert(object.key.clone());
        known.rolling.insert(object.key.clone());
    } else {
        known.replacing.remove(&object.key);
    }
}

/// Brings the list of rollouts in progress up to date with what is seen.
fn count(shared: &Shared, object: &Object, seen: &Seen) {
    let mut known = shared.known();
    if rolls(object, seen) || known.replacing.contains(&object.key) {
        known.rolling.insert(object.key.clone());
    } else {
        known.rolling.remove(&object.key);
    }
    preflight::settled(&mut known, object, seen);
}

/// Takes a place among the rollouts in progress; the verdict says that all are taken. A service that rolls already may
/// go on.
fn take_room(shared: &Shared, key: &Key) -> Option<Verdict> {
    let mut known = shared.known();
    let rolling = known.rolling.len();
    if known.rolling.contains(key) || rolling < shared.rollouts_max {
        known.rolling.insert(key.clone());
        return None;
    }
    let message = format!("{rolling} rollouts are in progress, and no more than {} at once", shared.rollouts_max);
    Some(Verdict::Waiting(Reason::RolloutLimit, message))
}
