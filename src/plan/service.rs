//! What is to be done for a service: create, change in place, deploy, hold, or keep our hands off (design D7, D7a).

mod foreign;
mod replace;
mod told;

use std::time::Duration;

use crate::check::preflight::Due;
use crate::kinds::drift::{self, Drift, Sorted};
use crate::kinds::service::succession::{self, Succession};
use crate::kinds::tags::{self, Attempt};
use crate::kinds::{Adopt, Difference, Effect, Object, Observed, lookup, service, task_definition};
use crate::rollout::{self, Outcome};
use crate::shape::{Path, Time, Tree};

use super::{
    Facts, Need, Plan, Reason, Resolution, Step, StepEffect, Verdict, members, memory_step, said_step, tag_step,
};
pub use told::HELD;
use told::{drift_left, held, left_alone, stands};

/// `object` is what is to be brought about, `declared` what the manifest says of it.
pub fn plan(object: &Object, declared: &Object, facts: &Facts<'_>) -> Result<Plan, Need> {
    let wanted = match Wanted::of(declared, facts) {
        Ok(wanted) => wanted,
        Err(why) => return Ok(Plan::of(Verdict::Blocked(Reason::DependencyNotReady, why))),
    };
    if let Some(verdict) = cluster_in_the_way(object, facts) {
        // The service comes after its cluster: the step can be shown, and not yet be made.
        let comes = matches!(verdict, Verdict::Waiting(Reason::DependencyNotReady, _));
        let shown = if comes { create(object, facts, &wanted, None)? } else { Plan::of(verdict.clone()) };
        return Ok(Plan { verdict, ..shown });
    }
    let Some(shown) = facts.observed.present().filter(|shown| shown.text("status") != Some("INACTIVE")) else {
        return replace::create(object, facts, &wanted);
    };
    if let Some(verdict) = hands_off(shown) {
        return Ok(Plan::of(verdict));
    }
    let mut change = Change::between(object, facts, shown, &wanted)?;
    let replaced = members(&object.key, &change.differences, Effect::Replaces);
    if !replaced.is_empty() {
        match replace::itself(object, facts, shown, &wanted, change, replaced)? {
            replace::Itself::Plan(plan) => return Ok(*plan),
            replace::Itself::Left(rest) => change = *rest,
        }
    }
    if let Some(why) = suspended(shown.list("tags"), facts) {
        return Ok(blocked(change.all(), Reason::Suspended, why));
    }
    let plan = match foreign::hands(object, shown, &change) {
        Some(hands) => foreign::plan(hands, object, facts, shown, &wanted, change)?,
        None => decide(object, facts, shown, &wanted, change)?,
    };
    Ok(replace::finish(object, facts, shown, &wanted, plan))
}

const DESIRED_COUNT: &str = "desiredCount";

/// The task definition to run, and what stands for it in the deploy hash.
struct Wanted<'a> {
    /// `family:revision`; `None` until its manifest is registered.
    reference: Option<&'a str>,
    object: Option<&'a Object>,
    hash: String,
    /// Whether it runs one: with task sets each has its own.
    runs: bool,
}

/// What the memory of an attempt has in place of a task definition, where there is none.
const NO_REVISION: &str = "-:0";

impl<'a> Wanted<'a> {
    fn of(object: &Object, facts: &'a Facts<'_>) -> Result<Self, String> {
        match &facts.task_definition {
            Resolution::Realised { reference, content, object: declared } => Ok(Self {
                reference: Some(task_definition::short(reference)),
                object: declared.as_deref(),
                hash: service::deploy_hash(object, content),
                runs: true,
            }),
            Resolution::Late { content, object: declared } => {
                let hash = service::deploy_hash(object, content);
                Ok(Self { reference: None, object: Some(declared), hash, runs: true })
            }
            Resolution::Missing(why) => Err(why.clone()),
            Resolution::NotNeeded => {
                Ok(Self { reference: None, object: None, hash: service::deploy_hash(object, "-"), runs: false })
            }
        }
    }

    /// What it runs by name, as far as that is known; what is not stands under [`Wanted::late`].
    fn named<'b>(&'b self, object: &'b Object) -> Option<&'b str> {
        self.runs.then(|| self.reference.unwrap_or(object.aws_name()))
    }

    /// The places of an input that wait for its manifest to be registered.
    fn late(&self) -> Vec<Path> {
        if self.runs && self.reference.is_none() { vec![Path::from("taskDefinition")] } else { vec![] }
    }
}

fn cluster_in_the_way(object: &Object, facts: &Facts<'_>) -> Option<Verdict> {
    let name = service::cluster(object);
    match facts.cluster {
        Observed::Unknown(why) => Some(Verdict::Waiting(Reason::Unobserved, why.clone())),
        Observed::Present(shown) if shown.text("status") == Some("ACTIVE") => None,
        Observed::Present(_) | Observed::Absent if facts.cluster_declared => {
            Some(Verdict::Waiting(Reason::DependencyNotReady, format!("Cluster/{name} is not ACTIVE yet")))
        }
        Observed::Present(_) | Observed::Absent => {
            let message = format!("the cluster {name} does not exist; declare it as a Cluster, or create it");
            Some(Verdict::Blocked(Reason::ClusterAbsent, message))
        }
    }
}

/// Creates the service; `succeeds` is noted, where it comes in the place of another.
fn create(
    object: &Object,
    facts: &Facts<'_>,
    wanted: &Wanted<'_>,
    succeeds: Option<&Succession>,
) -> Result<Plan, Need> {
    let waits_for_group = match facts.held {
        Some(Verdict::Waiting(Reason::DependencyNotReady, _)) => true,
        Some(held) => return Ok(Plan::of(held.clone())),
        None => false,
    };
    // What waits anyway is looked at when it does no more; and without a task definition no task is started.
    let (preflight, hold) = match waits_for_group || !wanted.runs {
        true => (None, None),
        false => facts.preflight(Due::Create).map(|(said, hold)| (Some(said.clone()), hold))?,
    };
    if let Some(hold) = hold {
        return Ok(Plan { preflight, ..Plan::of(hold) });
    }
    let mut late = wanted.late();
    late.extend(waits_for_group.then(|| Path::from("networkConfiguration.awsvpcConfiguration.securityGroups")));
    let runs = wanted.named(object);
    // "Since ever", so that the same creation is the same call, and a repeat finds the first.
    let attempt = Attempt { at: Time::default(), ..attempt(object, facts, wanted, runs.unwrap_or(NO_REVISION)) };
    let before = facts.observed.present().and_then(|gone| gone.get("createdAt")).and_then(Time::from_tree);
    let call = service::create(object, runs, facts.us, &attempt, before, succeeds);
    let step = Step { late, ..Step::new(call, StepEffect::Create, "does not exist") };
    let verdict = facts.held.cloned().unwrap_or(Verdict::Due);
    Ok(Plan { preflight, verdict, ..Plan::due(vec![step], vec![]) })
}

fn attempt(object: &Object, facts: &Facts<'_>, wanted: &Wanted<'_>, reference: &str) -> Attempt {
    Attempt {
        hash: wanted.hash.clone(),
        task_definition: reference.to_owned(),
        at: facts.date.max(after_all_seen(facts)),
        restart: service::restart_hash(object),
        network: lookup::hash(&object.lookup, &object.spec),
    }
}

/// The `Date` of an answer is a second wide; what it shows of deployments is finer, and older than any we make.
fn after_all_seen(facts: &Facts<'_>) -> Time {
    let deployments = facts.observed.present().map(|shown| shown.list("deployments")).unwrap_or_default();
    let newest = deployments.iter().filter_map(|one| one.get("createdAt").and_then(Time::from_tree)).max();
    newest.map_or(facts.date, |newest| newest.after(Duration::from_millis(1)))
}

/// Services that can't be written, or not now.
pub(super) fn hands_off(shown: &Tree) -> Option<Verdict> {
    let arn = shown.text("serviceArn").unwrap_or_default();
    if arn.matches('/').count() < 2 {
        let message = format!("{arn} has the old short form, which can't be tagged; recreate the service");
        return Some(Verdict::Blocked(Reason::LegacyArn, message));
    }
    let draining = shown.text("status") == Some("DRAINING");
    draining.then(|| Verdict::Waiting(Reason::Draining, "it is being deleted and still drains".into()))
}

/// Why an object with these tags is not written to: it is suspended, or its cluster is.
pub(super) fn suspended(live: &[Tree], facts: &Facts<'_>) -> Option<String> {
    let has = |all: &[Tree]| tags::read(all).contains_key(tags::SUSPEND);
    let on = |what: &str| format!("the tag {} is set on {what}", tags::SUSPEND);
    match (has(live), facts.cluster.present().is_some_and(|cluster| has(cluster.list("tags")))) {
        (true, _) => Some(on("it")),
        (false, true) => Some(on("its cluster")),
        (false, false) => None,
    }
}

fn blocked(differences: Vec<Difference>, reason: Reason, message: String) -> Plan {
    Plan { differences, ..Plan::of(Verdict::Blocked(reason, message)) }
}

/// What differs, told apart by what it would do.
struct Change {
    /// What is to be brought about.
    differences: Vec<Difference>,
    /// Drift that is told of and left.
    told: Vec<Difference>,
    /// The tag that notes what Git says of members whose drift is left.
    said: Option<Tree>,
    in_place: Vec<String>,
    deploying: Vec<String>,
    task_definition: bool,
    restart: bool,
    missing_tags: Vec<Tree>,
    attempt: Option<Attempt>,
}

impl Change {
    fn between(object: &Object, facts: &Facts<'_>, shown: &Tree, wanted: &Wanted<'_>) -> Result<Self, Need> {
        let Sorted { due: mut differences, told, missing_tags, said } = drift::sort(object, &service::shown(shown));
        let other = other_than(wanted, facts, shown)?;
        let task_definition = other.is_some();
        differences.splice(0..0, other);
        let attempt = Attempt::read(shown.list("tags"));
        let restart_hash = service::restart_hash(object);
        let restart = restart_hash != "-" && attempt.as_ref().is_some_and(|attempt| attempt.restart != restart_hash);
        Ok(Self {
            in_place: members(&object.key, &differences, Effect::InPlace),
            deploying: members(&object.key, &differences, Effect::Deploys),
            differences,
            told,
            said,
            task_definition,
            restart,
            missing_tags,
            attempt,
        })
    }

    /// All that differs and is told of.
    fn all(self) -> Vec<Difference> {
        let mut all = self.differences;
        all.extend(self.told);
        all
    }

    fn deploys(&self) -> bool {
        self.task_definition || self.restart || !self.deploying.is_empty()
    }

    /// More tasks are wanted than ECS has been asked for, and that is changed in place.
    fn scales_out(&self, object: &Object, shown: &Tree) -> bool {
        let more = object.spec.int(DESIRED_COUNT) > shown.int(DESIRED_COUNT);
        more && self.in_place.iter().any(|name| name == DESIRED_COUNT)
    }

    fn why(&self) -> String {
        let mut parts: Vec<&str> = self.deploying.iter().map(String::as_str).collect();
        if self.restart {
            parts.push("reconcile.restartedAt");
        }
        format!("{} changed", parts.join(", "))
    }
}

/// What is to run, where that is not what runs, of a service that is not ours yet.
pub(super) fn other_definition(object: &Object, facts: &Facts<'_>, shown: &Tree) -> Result<Option<Difference>, Need> {
    Wanted::of(object, facts).ok().map_or(Ok(None), |wanted| other_than(&wanted, facts, shown))
}

fn other_than(wanted: &Wanted<'_>, facts: &Facts<'_>, shown: &Tree) -> Result<Option<Difference>, Need> {
    if !wanted.runs {
        return Ok(None);
    }
    let live = shown.text("taskDefinition").map(task_definition::short).unwrap_or_default();
    let desired = wanted.reference.map(Tree::from);
    let other = Difference { path: Path::from("taskDefinition"), observed: Some(live.into()), desired };
    Ok((!runs(live, wanted, facts)?).then_some(other))
}

/// Whether the live revision is what is wanted: by name, or by content, described once and for all.
fn runs(live: &str, wanted: &Wanted<'_>, facts: &Facts<'_>) -> Result<bool, Need> {
    if wanted.reference == Some(live) {
        return Ok(true);
    }
    let Some(declared) = wanted.object else { return Ok(false) };
    match facts.answers.task_definitions.get(live) {
        Some(Observed::Present(answer)) => Ok(task_definition::equals(declared, answer)),
        Some(Observed::Absent | Observed::Unknown(_)) => Ok(false),
        None => Err(Need::TaskDefinition(live.to_owned())),
    }
}

fn decide(object: &Object, facts: &Facts<'_>, shown: &Tree, wanted: &Wanted<'_>, change: Change) -> Result<Plan, Need> {
    match change.attempt.clone() {
        Some(tried) if tried.hash == wanted.hash => again(object, facts, shown, wanted, change, &tried),
        Some(_) if change.deploys() => deploy(object, facts, shown, wanted, change, Remembered::No),
        None if change.deploys() && object.reconcile.drift != Drift::Heal => {
            let left = drift_left(object, facts, shown, change)?;
            Ok(remember(object, facts, shown, wanted, left))
        }
        None if change.deploys() => {
            // Ours without a memory: what happened within the grace is all there is to go by.
            let journal = facts.answers.journal.as_ref().ok_or(Need::Journal(facts.grace_began()))?;
            match journal.entries.last() {
                Some(by) if facts.in_grace(by.created_at) => left_alone(object, facts, shown, change, by),
                _ => drifted(deploy(object, facts, shown, wanted, change, Remembered::No)),
            }
        }
        Some(_) | None => settle_and_remember(object, facts, shown, wanted, change),
    }
}

/// What is wanted was set out for before: what became of that decides.
fn again(
    object: &Object,
    facts: &Facts<'_>,
    shown: &Tree,
    wanted: &Wanted<'_>,
    change: Change,
    tried: &Attempt,
) -> Result<Plan, Need> {
    if !change.deploys() && !may_not_have_been_made(shown, tried) {
        let known = facts.held.is_some() || lookup::hash(&object.lookup, &object.spec) == tried.network;
        return match known {
            true => settle(object, facts, shown, change, None),
            false => settle_and_remember(object, facts, shown, wanted, change),
        };
    }
    let journal = facts.answers.journal.as_ref().ok_or(Need::Journal(tried.at))?;
    let leaves_drift = object.reconcile.drift != Drift::Heal;
    let (is_old, moved) = (facts.date.since(tried.at) > JOURNAL_MEMORY, moved(object, shown, tried));
    match journal.outcome(&tried.task_definition) {
        // What is asked for is there, and what it leads to in EC2 has moved: that is drift.
        Outcome::Succeeded if change.deploys() && moved && !leaves_drift => {
            drifted(deploy(object, facts, shown, wanted, change, Remembered::No))
        }
        Outcome::NotMade if is_old && moved && leaves_drift => drift_left(object, facts, shown, change),
        Outcome::NotMade if is_old && moved => drifted(deploy(object, facts, shown, wanted, change, Remembered::No)),
        Outcome::NotMade if is_old => {
            held(object, facts, shown, change, tried, "what became of it is no longer in ECS's journal")
        }
        Outcome::NotMade => {
            let network = lookup::hash(&object.lookup, &object.spec);
            let same = wanted.reference == Some(tried.task_definition.as_str()) && network == tried.network;
            let remembered = if same { Remembered::Yes } else { Remembered::No };
            deploy(object, facts, shown, wanted, change, remembered)
        }
        Outcome::Failed { reason } => held(object, facts, shown, change, tried, &reason),
        Outcome::Overridden { ours_failed: Some(reason), .. } if change.deploys() && leaves_drift => {
            held(object, facts, shown, change, tried, &reason)
        }
        Outcome::Succeeded | Outcome::Overridden { .. } if change.deploys() && leaves_drift => {
            drift_left(object, facts, shown, change)
        }
        Outcome::Overridden { by, .. } if change.deploys() && facts.in_grace(by.created_at) => {
            left_alone(object, facts, shown, change, &by)
        }
        Outcome::Overridden { ours_failed: Some(reason), .. } if change.deploys() => {
            held(object, facts, shown, change, tried, &reason)
        }
        Outcome::Overridden { .. } if change.deploys() => {
            drifted(deploy(object, facts, shown, wanted, change, Remembered::No))
        }
        Outcome::Succeeded if change.deploys() => {
            let paths: Vec<String> = change.differences.iter().map(|one| one.path.to_string()).collect();
            let message = format!("deployed, and yet {} differ; not deployed again", paths.join(", "));
            settle(object, facts, shown, change, Some(Verdict::Blocked(Reason::DriftPersists, message)))
        }
        Outcome::Rolling if change.deploys() => {
            let begun = Verdict::Rolling("the deployment has begun".to_owned());
            settle(object, facts, shown, change, Some(begun))
        }
        Outcome::Unclear => {
            let message = "ECS does not tell yet what its newest deployment brings".to_owned();
            settle(object, facts, shown, change, Some(Verdict::Waiting(Reason::Unobserved, message)))
        }
        Outcome::Rolling | Outcome::Succeeded | Outcome::Overridden { .. } => {
            settle(object, facts, shown, change, None)
        }
    }
}

/// The same, as nothing in Git asks for it.
fn drifted(plan: Result<Plan, Need>) -> Result<Plan, Need> {
    plan.map(|plan| Plan { drift: true, ..plan })
}

/// Whether the selector terms stand for something else than they did for the attempt, which is what runs.
fn moved(object: &Object, shown: &Tree, tried: &Attempt) -> bool {
    let runs = shown.text("taskDefinition").map(task_definition::short) == Some(tried.task_definition.as_str());
    let network = lookup::hash(&object.lookup, &object.spec);
    runs && network.is_some() && tried.network.is_some() && network != tried.network
}

/// ECS forgets service deployments after 90 days (docs/ecs.md §1.3); some days before that its silence says nothing.
const JOURNAL_MEMORY: Duration = Duration::from_secs(80 * 24 * 3600);

/// Nothing is to be deployed, and the attempt that is noted is another one (or none): live state is what is wanted all
/// the same, and that is noted, so that what differs later is known for drift.
fn settle_and_remember(
    object: &Object,
    facts: &Facts<'_>,
    shown: &Tree,
    wanted: &Wanted<'_>,
    change: Change,
) -> Result<Plan, Need> {
    let plan = settle(object, facts, shown, change, None)?;
    Ok(remember(object, facts, shown, wanted, plan))
}

/// Notes what is wanted now together with what runs.
fn remember(object: &Object, facts: &Facts<'_>, shown: &Tree, wanted: &Wanted<'_>, mut plan: Plan) -> Plan {
    let primary = rollout::primary(shown);
    let since = primary.and_then(|primary| primary.get("createdAt")).and_then(Time::from_tree);
    let live = shown.text("taskDefinition").map(task_definition::short);
    let settled = matches!(plan.verdict, Verdict::Converged | Verdict::Blocked(Reason::DriftKept, _));
    // What is another's is not written to for our memory alone, but for what only that can tell.
    let needless = object.reconcile.adopt == Adopt::Shared && object.reconcile.restarted_at.is_none();
    if let (true, Some(at), Some(live), Some(arn)) = (settled && !needless, since, live, shown.text("serviceArn")) {
        let noted = Attempt { at, ..attempt(object, facts, wanted, live) };
        plan.steps.push(memory_step(arn, vec![noted.tag()], "what runs is what is wanted"));
        plan.verdict = Verdict::Due;
    }
    plan
}

/// The PRIMARY deployment is older than the attempt: we may have stopped before making it. A forced deployment leaves
/// no other trace in the service.
fn may_not_have_been_made(shown: &Tree, attempt: &Attempt) -> bool {
    let began = rollout::primary(shown).and_then(|primary| primary.get("createdAt")).and_then(Time::from_tree);
    attempt.restart != "-" && began.is_some_and(|began| began < attempt.at)
}

/// Whether the attempt tag is already on the service.
#[derive(PartialEq)]
enum Remembered {
    Yes,
    No,
}

/// Starts a deployment: memory first, then one UpdateService for all that differs.
fn deploy(
    object: &Object,
    facts: &Facts<'_>,
    shown: &Tree,
    wanted: &Wanted<'_>,
    change: Change,
    remembered: Remembered,
) -> Result<Plan, Need> {
    if let Some(held) = facts.held {
        return settle(object, facts, shown, change, Some(held.clone()));
    }
    let (preflight, hold) = facts.preflight(Due::Rollout)?;
    let preflight = Some(preflight.clone());
    if let Some(hold) = hold {
        return Ok(Plan { preflight, ..settle(object, facts, shown, change, Some(hold))? });
    }
    // A restart is a deployment that nothing but the asking starts.
    let asked_only = change.restart || !change.deploys();
    let why = if change.deploys() { change.why() } else { "reconcile.restartedAt changed".to_owned() };
    let names: Vec<&str> = change.in_place.iter().chain(&change.deploying).map(String::as_str).collect();
    let forced = asked_only || names.iter().any(|name| service::rows::FORCED.contains(name));
    let reference = wanted.reference.unwrap_or(object.aws_name());
    let update = service::update(object, &names, change.task_definition.then_some(reference), forced);
    let update = Step::new(update, StepEffect::Deploys, why);
    if wanted.reference.is_none() {
        // A task definition that can't be registered must not keep a scale-out waiting.
        let mut plan = Plan { preflight, ..settle(object, facts, shown, change, Some(Verdict::Due))? };
        plan.steps.push(Step { late: vec![Path::from("taskDefinition")], ..update });
        return Ok(plan);
    }
    let mut steps = Vec::new();
    let mut tags = change.missing_tags;
    tags.extend(change.said);
    if remembered == Remembered::No {
        tags.push(attempt(object, facts, wanted, reference).tag());
        let named = |tag: &Tree| !tags::missing(std::slice::from_ref(tag), shown.list("tags")).is_empty();
        tags.extend(succession::object_tag(object).filter(named));
    }
    if let Some(arn) = shown.text("serviceArn").filter(|_| !tags.is_empty()) {
        steps.push(tag_step(arn, tags, "the attempt is written down before it is made"));
    }
    steps.push(update);
    let differences = change.differences.into_iter().chain(change.told).collect();
    Ok(Plan { preflight, ..Plan::due(steps, differences) })
}

/// Does what can be done in place, and says where the live deployment stands, or why no other is made.
fn settle(
    object: &Object,
    facts: &Facts<'_>,
    shown: &Tree,
    mut change: Change,
    mut verdict: Option<Verdict>,
) -> Result<Plan, Need> {
    let (mut steps, mut preflight) = (Vec::new(), None);
    foreign::keep(&mut change, shown);
    if change.scales_out(object, shown) {
        let (said, hold) = facts.preflight(Due::ScaleOut)?;
        preflight = Some(said.clone());
        if hold.is_some() {
            change.in_place.retain(|name| name != DESIRED_COUNT);
            verdict = verdict.or(hold);
        }
    }
    if let Some(arn) = shown.text("serviceArn").filter(|_| !change.missing_tags.is_empty()) {
        steps.push(tag_step(arn, change.missing_tags, "tags are missing, or out of date"));
    }
    if !change.in_place.is_empty() {
        let names: Vec<&str> = change.in_place.iter().map(String::as_str).collect();
        let why = format!("{} changed", names.join(", "));
        steps.push(Step::new(service::update(object, &names, None, false), StepEffect::InPlace, why));
    }
    steps.extend(shown.text("serviceArn").zip(change.said).map(|(arn, said)| said_step(arn, said)));
    let verdict = match verdict {
        Some(verdict) => verdict,
        None if !steps.is_empty() => Verdict::Due,
        None => match stands(object, facts, shown)? {
            Verdict::Converged if !change.told.is_empty() => {
                Verdict::Blocked(Reason::DriftKept, drift::story(&change.told))
            }
            verdict => verdict,
        },
    };
    let differences = change.differences.into_iter().chain(change.told).collect();
    Ok(Plan { steps, differences, preflight, ..Plan::of(verdict) })
}
