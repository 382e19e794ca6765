//! What a plan needs to know, from caches or from AWS. Must not know: what is done with the plan.

use std::borrow::Cow;
use std::sync::Arc;

use crate::aws::CallError;
use crate::check::Desired;
use crate::kinds::service::{self, Reference};
use crate::kinds::{Kind, Object, Observed, tags, task_definition};
use crate::observe::Seen;
use crate::plan::{self, Answers, Before, Facts, Need, Plan, Resolution};
use crate::shape::Time;
use crate::telemetry::CacheResult;

use super::lookups;
use super::pass::{Memory, Shared};
use super::preflight::{self, Standing};

/// The newest observation, if it can know of our last write; else a new one.
pub async fn observe(shared: &Shared, object: &Object, fresh_after: Time) -> Seen {
    let cached = shared.known().seen.get(&object.key);
    let forced = cached.is_some();
    if let Some(seen) = cached.filter(|seen| seen.begun >= fresh_after) {
        shared.metrics.cache_asked(CacheResult::Hit);
        return seen;
    }
    shared.metrics.cache_asked(if forced { CacheResult::Forced } else { CacheResult::Miss });
    let seen = match object.key.kind {
        Kind::SecurityGroup => lookups::security_group(shared, object, false).await,
        Kind::Cluster | Kind::TaskDefinition | Kind::Service => shared.observer.look(object).await,
    };
    shared.known().seen.see(&object.key, &seen);
    if object.key.kind == Kind::Cluster {
        shared.known().clusters.see(object.aws_name(), &seen);
    }
    seen
}

/// The cluster as the last sweep has seen it, whatever it saw: what is only shown need not be newer.
pub async fn swept_cluster(shared: &Shared, object: &Object) -> Observed {
    let name = object.key.cluster.as_deref();
    let cached = name.and_then(|name| shared.known().clusters.get(name));
    match cached {
        Some(seen) => seen.observed,
        None => cluster(shared, object).await,
    }
}

/// Only whether the cluster is there matters: seen ACTIVE once, the next sweep tells; until then it is looked at anew.
pub async fn cluster(shared: &Shared, object: &Object) -> Observed {
    let Some(name) = object.key.cluster.as_deref() else { return Observed::Absent };
    let active = |seen: &Seen| seen.observed.present().is_some_and(|shown| shown.text("status") == Some("ACTIVE"));
    let cached = shared.known().clusters.get(name).filter(active);
    if let Some(seen) = cached {
        return seen.observed;
    }
    let seen = shared.observer.cluster(name).await;
    shared.known().clusters.see(name, &seen);
    seen.observed
}

/// More needs than any plan has.
pub const NEEDS_MAX: usize = 8;

/// Where an object stands, among what.
pub struct Scene<'a> {
    pub seen: &'a Seen,
    pub cluster: &'a Observed,
    pub before: &'a Before,
}

/// Plans, answering needs as they come up.
pub async fn planned(
    shared: &Shared,
    desired: &Desired,
    object: &Object,
    scene: &Scene<'_>,
    memory: &mut Memory,
) -> Result<Plan, CallError> {
    let Scene { seen, cluster, before } = *scene;
    let (object, held) = lookups::looked_up(shared, desired, object, seen).await;
    let object = object.as_ref();
    let mut answers = Answers::default();
    let declared = |name: &str| desired.clusters().any(|cluster| cluster.aws_name() == name);
    let cluster_declared = object.key.cluster.as_deref().is_some_and(declared);
    for _ in 0..NEEDS_MAX {
        let facts = Facts {
            held: held.as_ref(),
            us: &shared.us,
            former: shared.former.as_ref(),
            observed: &seen.observed,
            date: seen.date,
            cluster,
            cluster_declared,
            task_definition: resolution(shared, desired, object, seen),
            grace: shared.grace,
            answers: &answers,
            before,
        };
        let need = match plan::plan(object, &facts) {
            Ok(plan) => return Ok(plan),
            Err(need) => need,
        };
        let standing = Standing { seen, cluster };
        answer(shared, desired, object, &standing, memory, need, &mut answers).await?;
    }
    Err(CallError::bad_input("plan", "it asks for more than there is"))
}

async fn answer(
    shared: &Shared,
    desired: &Desired,
    object: &Object,
    standing: &Standing<'_>,
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
            let mark = journal_mark(standing.seen);
            let remembered =
                memory.journal.as_deref().filter(|(of, _)| *of == mark).map(|(_, journal)| journal.clone());
            let journal = match remembered {
                Some(journal) => journal,
                None => shared.observer.journal(object, at).await?,
            };
            // What still rolls may end otherwise than it looks now.
            let over = !journal.entries.iter().any(|entry| ["PENDING", "IN_PROGRESS"].contains(&entry.status.as_str()));
            memory.journal = (over && !journal.entries.is_empty()).then(|| Box::new((mark, journal.clone())));
            answers.journal = Some(journal);
        }
        Need::Deployment(arn) => answers.deployment = Some(shared.observer.deployment(&arn).await),
        Need::Preflight(due) => {
            let shown = standing.seen.observed.present();
            let object = shown.map_or(Cow::Borrowed(object), |shown| plan::effective(object, shown));
            let said = preflight::judge(shared, desired, &object, due, standing).await;
            answers.preflight.insert(due, said);
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

/// What stands for the content of what is another's to say.
const LIVE: &str = "live";
const NOTHING_RUNS: &str = "nothing runs yet, and spec.taskDefinition does not say what to begin with: name a \
                            TaskDefinition, or a revision as family:revision";

/// What the object is to run, as far as it is known to be registered.
pub fn resolution(shared: &Shared, desired: &Desired, object: &Object, seen: &Seen) -> Resolution {
    let revision = |object: &Object, content: &str| {
        shared.known().revisions.get(&(object.key.clone(), content.to_owned())).cloned()
    };
    match object.key.kind {
        Kind::Cluster | Kind::SecurityGroup => Resolution::NotNeeded,
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
            Reference::TaskSets => Resolution::NotNeeded,
            Reference::Live => {
                let shown = seen.observed.present().filter(|shown| shown.text("status") != Some("INACTIVE"));
                match shown.and_then(|shown| shown.text("taskDefinition")).map(task_definition::short) {
                    Some(live) => {
                        Resolution::Realised { content: LIVE.to_owned(), reference: live.to_owned(), object: None }
                    }
                    None => Resolution::Missing(NOTHING_RUNS.to_owned()),
                }
            }
            Reference::Manifest(key) => match desired.objects.get(&key) {
                None => Resolution::Missing(format!("{} is not in the manifests, or broken", key.short())),
                Some(declared) => {
                    let content = task_definition::content_hash(declared);
                    let object = Arc::clone(declared);
                    match revision(declared, &content) {
                        Some(reference) => Resolution::Realised { reference, content, object: Some(object) },
                        None => Resolution::Late { content, object },
                    }
                }
            },
        },
    }
}
