//! One pass for one key: observe, plan, apply. Must not know: when it runs, what is shown of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::aws::{Aws, CallError, Class};
use crate::check::Desired;
use crate::clock::Clock;
use crate::kinds::service::{self, Reference};
use crate::kinds::{Key, Kind, Object, Observed, Place, tags, task_definition};
use crate::observe::{Observer, Seen};
use crate::plan::{self, Answers, Facts, Need, Plan, Reason, Resolution, StepEffect, Verdict};
use crate::rollout::Journal;
use crate::shape::{Time, Tree};
use crate::telemetry::{Action, CacheResult, Metrics, Stage};

use super::rollouts;
use super::witness::Witness;

/// What all passes share.
pub struct Shared {
    pub aws: Aws,
    pub observer: Observer,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub us: tags::Ownership,
    pub place: Place,
    /// Look and plan, but write nothing.
    pub observe_only: bool,
    /// How long someone else's deployment is left alone.
    pub grace: Duration,
    /// So many services roll at once.
    pub rollouts_max: usize,
    pub known: Mutex<Known>,
}

/// What passes have found out and need not ask again. A cache: all of it can be read again.
#[derive(Debug, Default)]
pub struct Known {
    /// The newest observation of each object.
    pub seen: BTreeMap<Key, Seen>,
    /// Clusters by name, declared or not.
    pub clusters: BTreeMap<String, Seen>,
    /// The revision (`family:revision`) that has a task definition's content.
    pub revisions: BTreeMap<(Key, String), String>,
    /// Services whose deployment we follow.
    pub rolling: BTreeSet<Key>,
}

impl Known {
    /// Takes an observation in, unless a newer one is there: a sweep takes longer than a look.
    pub fn see(&mut self, key: &Key, seen: Seen) {
        if self.seen.get(key).is_none_or(|newest| newest.begun <= seen.begun) {
            self.seen.insert(key.clone(), seen);
        }
    }

    /// The same for clusters by name.
    pub fn see_cluster(&mut self, name: &str, seen: Seen) {
        if self.clusters.get(name).is_none_or(|newest| newest.begun <= seen.begun) {
            self.clusters.insert(name.to_owned(), seen);
        }
    }
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
    /// Failures in a row.
    pub failures: u32,
    /// The journal of a deployment that is over, and what it was read for: it says the same for ever.
    pub journal: Option<(String, Journal)>,
    /// The round has been looked at as a whole, and this rollout may go on.
    pub may_drift: bool,
    /// It was converged, and nothing has been asked for since: what differs now is drift.
    pub converged: bool,
    /// Since when we follow a rollout of ours.
    pub rolling_since: Option<Time>,
    /// What our last write left in the service: an answer without it is an old one.
    pub witness: Option<Witness>,
}

/// How a pass ended.
#[derive(Clone, Debug)]
pub enum Ended {
    /// Nothing was written.
    Stands(Verdict),
    /// Steps were made; so many calls.
    Applied {
        changes: usize,
        then: Verdict,
    },
    /// A rollout is due that no change in Git asks for: the brake looks at all of them first.
    Drifted,
    Failed(Failure),
}

/// Why a pass failed.
#[derive(Clone, Debug)]
pub struct Failure {
    pub class: Class,
    pub category: &'static str,
    pub message: String,
    pub retried: bool,
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let retried = error.class() != Class::Terminal;
        Self { class: error.class(), category: error.category(), message: error.to_string(), retried }
    }
}

/// One pass over one object.
pub async fn pass(shared: &Shared, desired: &Desired, object: &Object, memory: &mut Memory) -> Ended {
    match go(shared, desired, object, memory).await {
        Ok(ended) => ended,
        Err(error) => Ended::Failed(error.into()),
    }
}

async fn go(shared: &Shared, desired: &Desired, object: &Object, memory: &mut Memory) -> Result<Ended, CallError> {
    let began = shared.clock.now();
    let seen = observe(shared, object, memory).await;
    if memory.witness.as_ref().is_some_and(|witness| witness.is_missing_from(&seen.observed, shared.clock.now())) {
        let message = "AWS's answer does not show our last write yet".to_owned();
        return Ok(Ended::Stands(Verdict::Waiting(Reason::Unobserved, message)));
    }
    let cluster = cluster(shared, object).await;
    shared.metrics.stage_ended(Stage::Observe, shared.clock.now().since(began));
    let observed_at = shared.clock.now();
    let mut plan = planned(shared, desired, object, &seen, &cluster, memory).await?;
    shared.metrics.stage_ended(Stage::Plan, shared.clock.now().since(observed_at));
    rollouts::tell(shared, object, &plan, memory);
    remember(shared, object, &plan);
    if plan.is_late() && plan.verdict == Verdict::Due {
        return Ok(Ended::Stands(not_registered(object)));
    }
    if shared.observe_only || matches!(plan.verdict, Verdict::Waiting(..)) {
        plan.steps.clear();
    }
    let drifted = plan.deploys() && plan.drift && !memory.may_drift;
    if let Some(verdict) = follow(shared, &object.key, &seen, &plan, drifted) {
        return Ok(Ended::Stands(verdict));
    }
    if drifted {
        return Ok(Ended::Drifted);
    }
    if plan.steps.is_empty() {
        return Ok(Ended::Stands(plan.verdict));
    }
    memory.may_drift = false;
    let result = apply(shared, object, &plan, memory).await;
    memory.fresh_after = shared.clock.now();
    match &result {
        Ok(_) => rollouts::started(shared, object, &plan, memory),
        Err(error) => gave_back(shared, object, error),
    }
    result.map(|changes| Ended::Applied { changes, then: plan.verdict })
}

/// What a pass would do, from what a sweep has seen.
///
/// # Errors
/// A read that failed.
pub async fn preview(shared: &Shared, desired: &Desired, object: &Object) -> Result<Plan, CallError> {
    let mut memory = Memory::default();
    let seen = observe(shared, object, &memory).await;
    let cluster = cluster(shared, object).await;
    let plan = planned(shared, desired, object, &seen, &cluster, &mut memory).await?;
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
    };
    Verdict::Waiting(Reason::DependencyNotReady, message)
}

/// The newest observation, if it can know of our last write; else a new one.
async fn observe(shared: &Shared, object: &Object, memory: &Memory) -> Seen {
    let cached = shared.known().seen.get(&object.key).cloned();
    let forced = cached.is_some();
    if let Some(seen) = cached.filter(|seen| seen.begun >= memory.fresh_after) {
        shared.metrics.cache_asked(CacheResult::Hit);
        return seen;
    }
    shared.metrics.cache_asked(if forced { CacheResult::Forced } else { CacheResult::Miss });
    let seen = shared.observer.look(object).await;
    shared.known().see(&object.key, seen.clone());
    if object.key.kind == Kind::Cluster {
        shared.known().see_cluster(object.aws_name(), seen.clone());
    }
    seen
}

/// Only whether the cluster is there matters: seen ACTIVE once, the next sweep tells; until then it is looked at anew.
async fn cluster(shared: &Shared, object: &Object) -> Observed {
    let Some(name) = object.key.cluster.as_deref() else { return Observed::Absent };
    let active = |seen: &&Seen| seen.observed.present().is_some_and(|shown| shown.text("status") == Some("ACTIVE"));
    let cached = shared.known().clusters.get(name).filter(active).cloned();
    if let Some(seen) = cached {
        return seen.observed;
    }
    let seen = shared.observer.cluster(name).await;
    shared.known().see_cluster(name, seen.clone());
    seen.observed
}

/// More needs than any plan has.
const NEEDS_MAX: usize = 8;

/// Plans, answering needs as they come up.
async fn planned(
    shared: &Shared,
    desired: &Desired,
    object: &Object,
    seen: &Seen,
    cluster: &Observed,
    memory: &mut Memory,
) -> Result<Plan, CallError> {
    let mut answers = Answers::default();
    let cluster_declared = object.key.cluster.as_deref().is_some_and(|name| {
        desired.objects.values().any(|other| other.key.kind == Kind::Cluster && other.aws_name() == name)
    });
    for _ in 0..NEEDS_MAX {
        let facts = Facts {
            us: &shared.us,
            observed: &seen.observed,
            date: seen.date,
            cluster,
            cluster_declared,
            task_definition: resolution(shared, desired, object),
            grace: shared.grace,
            answers: &answers,
        };
        let need = match plan::plan(object, &facts) {
            Ok(plan) => return Ok(plan),
            Err(need) => need,
        };
        answer(shared, object, seen, memory, need, &mut answers).await?;
    }
    Err(CallError::bad_input("plan", "it asks for more than there is"))
}

async fn answer(
    shared: &Shared,
    object: &Object,
    seen: &Seen,
    memory: &mut Memory,
    need: Need,
    answers: &mut Answers,
) -> Result<(), CallError> {
    match need {
        Need::TaskDefinition(reference) => {
            let fresh = object.key.kind == Kind::TaskDefinition;
            let observed = shared.observer.task_definition(&reference, fresh).await?;
            answers.task_definitions.insert(reference, observed);
        }
        Need::Journal(at) => {
            let mark = journal_mark(seen);
            let remembered = memory.journal.as_ref().filter(|(of, _)| *of == mark).map(|(_, journal)| journal.clone());
            let journal = match remembered {
                Some(journal) => journal,
                None => shared.observer.journal(object, at).await?,
            };
            // What still rolls may end otherwise than it looks now.
            let over = !journal.entries.iter().any(|entry| ["PENDING", "IN_PROGRESS"].contains(&entry.status.as_str()));
            memory.journal = (over && !journal.entries.is_empty()).then(|| (mark, journal.clone()));
            answers.journal = Some(journal);
        }
    }
    Ok(())
}

/// What a journal was read for: another attempt, or another deployment in the service, and it is read again.
fn journal_mark(seen: &Seen) -> String {
    let Some(shown) = seen.observed.present() else { return String::new() };
    let attempt = tags::read(shown.list("tags")).get(tags::ATTEMPT).copied().unwrap_or_default();
    let deployments: Vec<&str> = shown.list("deployments").iter().filter_map(|one| one.text("id")).collect();
    let state = crate::rollout::primary(shown).and_then(|primary| primary.text("rolloutState")).unwrap_or_default();
    format!("{attempt} {} {state}", deployments.join(" "))
}

fn resolution(shared: &Shared, desired: &Desired, object: &Object) -> Resolution {
    let revision = |object: &Object, content: &str| {
        shared.known().revisions.get(&(object.key.clone(), content.to_owned())).cloned()
    };
    match object.key.kind {
        Kind::Cluster => Resolution::NotNeeded,
        Kind::TaskDefinition => {
            let content = task_definition::content_hash(object);
            match revision(object, &content) {
                Some(reference) => Resolution::Realised { reference, content, object: None },
                None => Resolution::NotNeeded,
            }
        }
        Kind::Service => match service::task_definition(object) {
            Reference::Literal(reference) => {
                Resolution::Realised { content: reference.clone(), reference, object: None }
            }
            Reference::Manifest(key) => match desired.objects.get(&key) {
                None => Resolution::Missing(format!("{} is not in the manifests, or broken", key.short())),
                Some(declared) => {
                    let content = task_definition::content_hash(declared);
                    let object = Box::new(declared.clone());
                    match revision(declared, &content) {
                        Some(reference) => Resolution::Realised { reference, content, object: Some(object) },
                        None => Resolution::Late { content, object },
                    }
                }
            },
        },
    }
}

/// Takes a place among the rollouts in progress for a plan that deploys, and gives it back when the rollout is over; the
/// verdict says that all are taken. A service that rolls already may go on.
fn follow(shared: &Shared, key: &Key, seen: &Seen, plan: &Plan, drifted: bool) -> Option<Verdict> {
    let several = seen.observed.present().is_some_and(|shown| shown.list("deployments").len() > 1);
    let deploys = plan.deploys() && !drifted;
    let mut known = shared.known();
    if several && matches!(plan.verdict, Verdict::Rolling(_)) {
        known.rolling.insert(key.clone());
    } else if !(several && deploys) {
        known.rolling.remove(key);
    }
    if !deploys || known.rolling.contains(key) {
        return None;
    }
    let rolling = known.rolling.len();
    if rolling < shared.rollouts_max {
        known.rolling.insert(key.clone());
        return None;
    }
    let message = format!("{rolling} rollouts are in progress, and no more than {} at once", shared.rollouts_max);
    Some(Verdict::Waiting(Reason::RolloutLimit, message))
}

/// A refused call starts no rollout, so it keeps no place; and the revision it named is looked for anew, should that be
/// why. After an ambiguous one the next observation tells.
fn gave_back(shared: &Shared, object: &Object, error: &CallError) {
    let mut known = shared.known();
    if !error.ambiguous {
        known.rolling.remove(&object.key);
    }
    if error.class() == Class::Terminal
        && object.key.kind == Kind::Service
        && let Reference::Manifest(named) = service::task_definition(object)
    {
        known.revisions.retain(|(of, _), _| *of != named);
    }
}

/// Makes the steps in their order, up to the first that fails; returns how many calls changed something.
async fn apply(shared: &Shared, object: &Object, plan: &Plan, memory: &mut Memory) -> Result<usize, CallError> {
    let began = shared.clock.now();
    let mut changes = 0;
    for step in &plan.steps {
        let reply = shared.aws.call(&step.call).await?;
        changes += 1;
        if object.key.kind == Kind::Service {
            memory.witness.get_or_insert_default().take(&step.call, &reply.tree, shared.clock.now());
        }
        if step.effect == StepEffect::Register {
            registered(shared, object, &reply.tree);
        }
        shared.metrics.change_applied(&object.key, action(step.effect));
    }
    shared.metrics.stage_ended(Stage::Apply, shared.clock.now().since(began));
    Ok(changes)
}

fn registered(shared: &Shared, object: &Object, answer: &Tree) {
    let arn = answer.at(&["taskDefinition", "taskDefinitionArn"]).and_then(Tree::as_text);
    if let Some(arn) = arn {
        let content = task_definition::content_hash(object);
        let reference = task_definition::short(arn).to_owned();
        shared.known().revisions.insert((object.key.clone(), content), reference);
    }
}

fn action(effect: StepEffect) -> Action {
    match effect {
        StepEffect::Create => Action::Created,
        StepEffect::Register => Action::Registered,
        StepEffect::Tags | StepEffect::InPlace | StepEffect::Deploys => Action::Updated,
    }
}
