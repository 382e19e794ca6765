//! Desired × observed → ordered steps with reasons. Pure: what is not known yet is asked for as a [`Need`].
//! Must not know: clients, tokio, the clock.

mod adopt;
mod approved;
pub mod brake;
mod cluster;
pub mod file;
pub mod known;
pub mod prune;
pub mod replacement;
pub mod retention;
mod security_group;
mod service;
mod task_definition;

use std::sync::Arc;
use std::time::Duration;

use crate::check::preflight::{Due, Preflight};
use crate::kinds::adopt::Former;
use crate::kinds::{Difference, Effect, Key, Kind, Object, Observed, Policy, tags::Ownership};
use crate::rollout::Journal;
use crate::shape::{Call, Path, Time, Tree};

pub use crate::kinds::adopt::effective;
pub use approved::Approved;
pub use replacement::{Before, Replacement};
pub use service::HELD;

/// One intended call.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub call: Call,
    pub effect: StepEffect,
    /// Why, in words for people.
    pub reason: String,
    /// Places of the input that an earlier step's answer will fill: "(known after apply)".
    pub late: Vec<Path>,
}

/// What a step does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepEffect {
    /// Our memory alone: nothing that anybody declared or could see at work.
    Memory,
    /// A new object.
    Create,
    /// A new task definition revision.
    Register,
    /// Tags that people declared, and our memory of a deployment that follows.
    Tags,
    /// What is there becomes ours, by its tags alone.
    Adopt,
    InPlace,
    /// ECS starts a deployment.
    Deploys,
    /// A service that is replaced has no tasks any more.
    Drains,
    Deletes,
}

/// Where an object stands, and what is to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub steps: Vec<Step>,
    pub differences: Vec<Difference>,
    pub verdict: Verdict,
    /// The task definition revision (`family:revision`) that was found to be what the manifest says.
    pub realised: Option<String>,
    /// The rollout is not asked for by a change in Git: live state moved.
    pub drift: bool,
    /// What was found before anything is rolled, created or scaled out; whatever then is planned has heeded it.
    pub preflight: Option<Preflight>,
    /// How one service takes the place of another, where that is what is planned.
    pub replacement: Option<Replacement>,
}

/// Where an object stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Live state is the desired state, and healthy.
    Converged,
    /// The steps are due.
    Due,
    /// ECS deploys: no step is due, look again soon.
    Rolling(String),
    /// ECS replaces, adds or takes away tasks, or gets the object ready.
    Settling(String),
    /// Something else has to happen first.
    Waiting(Reason, String),
    /// Nothing more will be done until the input changes or a person acts; steps in place may still be due.
    Blocked(Reason, String),
}

/// Why an object is not simply converged; the words of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    Adopted,
    ClusterAbsent,
    Contended,
    DependencyNotReady,
    Draining,
    DriftKept,
    DriftPersists,
    ForeignController,
    LegacyArn,
    LookupUnobserved,
    LookupUnresolved,
    MassChange,
    NotInPlan,
    NotOwned,
    Overridden,
    PreflightBlocked,
    PreflightWaiting,
    ReplacementNeeded,
    Replacing,
    RolledBack,
    RolloutFailed,
    RolloutLimit,
    RolloutTimedOut,
    SharedAbsent,
    Standby,
    Suspended,
    Unobserved,
}

impl Reason {
    pub const ALL: [Self; 27] = [
        Self::Adopted,
        Self::ClusterAbsent,
        Self::Contended,
        Self::DependencyNotReady,
        Self::Draining,
        Self::DriftKept,
        Self::DriftPersists,
        Self::ForeignController,
        Self::LegacyArn,
        Self::LookupUnobserved,
        Self::LookupUnresolved,
        Self::MassChange,
        Self::NotInPlan,
        Self::NotOwned,
        Self::Overridden,
        Self::PreflightBlocked,
        Self::PreflightWaiting,
        Self::ReplacementNeeded,
        Self::Replacing,
        Self::RolledBack,
        Self::RolloutFailed,
        Self::RolloutLimit,
        Self::RolloutTimedOut,
        Self::SharedAbsent,
        Self::Standby,
        Self::Suspended,
        Self::Unobserved,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adopted => "Adopted",
            Self::ClusterAbsent => "ClusterAbsent",
            Self::Contended => "Contended",
            Self::DependencyNotReady => "DependencyNotReady",
            Self::Draining => "Draining",
            Self::DriftKept => "DriftKept",
            Self::DriftPersists => "DriftPersists",
            Self::ForeignController => "ForeignController",
            Self::LegacyArn => "LegacyArn",
            Self::LookupUnobserved => "LookupUnobserved",
            Self::LookupUnresolved => "LookupUnresolved",
            Self::MassChange => "MassChange",
            Self::NotInPlan => "NotInPlan",
            Self::NotOwned => "NotOwned",
            Self::Overridden => "Overridden",
            Self::PreflightBlocked => "PreflightBlocked",
            Self::PreflightWaiting => "PreflightWaiting",
            Self::ReplacementNeeded => "ReplacementNeeded",
            Self::Replacing => "Replacing",
            Self::RolledBack => "RolledBack",
            Self::RolloutFailed => "RolloutFailed",
            Self::RolloutLimit => "RolloutLimit",
            Self::RolloutTimedOut => "RolloutTimedOut",
            Self::SharedAbsent => "SharedAbsent",
            Self::Standby => "Standby",
            Self::Suspended => "Suspended",
            Self::Unobserved => "Unobserved",
        }
    }
}

/// What a plan needs to know before it can be made; asked for only when it matters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// A task definition revision with its tags, by `family`, `family:revision` or ARN.
    TaskDefinition(String),
    /// The service's deployments since then.
    Journal(Time),
    /// A service deployment that shifts traffic, by its ARN.
    Deployment(String),
    /// What preflight says of what is due.
    Preflight(Due),
}

/// What is known, for one object.
#[derive(Debug)]
pub struct Facts<'a> {
    pub us: &'a Ownership,
    /// An owner whose objects become ours.
    pub former: Option<&'a Former>,
    /// The object itself, and AWS's time when it was observed.
    pub observed: &'a Observed,
    pub date: Time,
    /// The cluster it lives in; `Absent` for kinds that live in none.
    pub cluster: &'a Observed,
    /// Whether the cluster has a manifest, and so will come.
    pub cluster_declared: bool,
    /// The task definition a service is to run.
    pub task_definition: Resolution,
    /// Why nothing may be created or deployed, where what the object is made of in EC2 is not known.
    pub held: Option<&'a Verdict>,
    /// How long someone else's deployment is left alone.
    pub grace: Duration,
    /// Answers to needs.
    pub answers: &'a Answers,
    /// Services that may be this object's under other names.
    pub before: &'a Before,
}

impl Facts<'_> {
    /// Whether what happened then is still left alone.
    fn in_grace(&self, at: Time) -> bool {
        self.date.since(at) < self.grace
    }

    /// What preflight says of what is due, and the verdict where that may not be done now.
    fn preflight(&self, due: Due) -> Result<(&Preflight, Option<Verdict>), Need> {
        let said = self.answers.preflight.get(&due).ok_or(Need::Preflight(due))?;
        let verdict = said.hold().map(|hold| match hold.policy {
            Policy::Block => Verdict::Blocked(Reason::PreflightBlocked, hold.message),
            Policy::Wait | Policy::Warn => Verdict::Waiting(Reason::PreflightWaiting, hold.message),
        });
        Ok((said, verdict))
    }

    /// What happened before this is not left alone any more.
    fn grace_began(&self) -> Time {
        Time(self.date.0.saturating_sub(Time(0).after(self.grace).0))
    }
}

/// Answers to [`Need`]s, as they came in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// DescribeTaskDefinition's whole answers, by what was asked for.
    pub task_definitions: std::collections::BTreeMap<String, Observed>,
    pub journal: Option<Journal>,
    /// The service deployment that was asked for, as DescribeServiceDeployments shows it.
    pub deployment: Option<Observed>,
    pub preflight: std::collections::BTreeMap<Due, Preflight>,
}

/// The task definition a service is to run.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolution {
    /// Kinds that run none.
    NotNeeded,
    /// `family:revision`, with the content that stands for it in the deploy hash, and the manifest if it is one.
    Realised { reference: String, content: String, object: Option<Arc<Object>> },
    /// Its manifest is not registered yet.
    Late { content: String, object: Arc<Object> },
    /// There is no such manifest, or it is broken.
    Missing(String),
}

/// Plans one object.
///
/// # Errors
/// The [`Need`] to answer first.
pub fn plan(object: &Object, facts: &Facts<'_>) -> Result<Plan, Need> {
    if let Observed::Unknown(why) = facts.observed {
        return Ok(Plan::of(Verdict::Waiting(Reason::Unobserved, why.clone())));
    }
    let alive = facts.observed.present().filter(|shown| shown.text("status") != Some("INACTIVE"));
    let Some(shown) = alive.filter(|_| object.key.kind != Kind::TaskDefinition) else {
        return adopt::absent(object).map_or_else(|| of_kind(object, object, facts), Ok);
    };
    if let Some(plan) = adopt::stands_apart(object, facts, shown)? {
        return Ok(plan);
    }
    let effective = effective(object, shown);
    let plan = of_kind(&effective, object, facts)?;
    Ok(adopt::with_left(plan, object, &effective, shown))
}

/// `object` is what is to be brought about, `declared` what the manifest says of it.
fn of_kind(object: &Object, declared: &Object, facts: &Facts<'_>) -> Result<Plan, Need> {
    match object.key.kind {
        Kind::Cluster => Ok(cluster::plan(object, facts)),
        Kind::SecurityGroup => Ok(security_group::plan(object, facts)),
        Kind::TaskDefinition => task_definition::plan(object, facts),
        Kind::Service => service::plan(object, declared, facts),
    }
}

impl Plan {
    /// A plan without steps.
    fn of(verdict: Verdict) -> Self {
        Self {
            steps: Vec::new(),
            differences: Vec::new(),
            verdict,
            realised: None,
            drift: false,
            preflight: None,
            replacement: None,
        }
    }

    /// A plan whose steps are due.
    fn due(steps: Vec<Step>, differences: Vec<Difference>) -> Self {
        Self { steps, differences, ..Self::of(Verdict::Due) }
    }

    /// What an earlier step of another object has to provide first.
    pub fn is_late(&self) -> bool {
        self.steps.iter().any(|step| !step.late.is_empty())
    }

    /// Whether its steps have to wait.
    pub fn waits(&self) -> bool {
        // Without an answer of EC2's nothing is deployed, and a plan has only what can be done in place.
        let in_place = [Reason::LookupUnobserved, Reason::PreflightWaiting];
        matches!(&self.verdict, Verdict::Waiting(reason, _) if !in_place.contains(reason))
    }

    /// Whether a step starts a deployment, or one of a replacement.
    pub fn deploys(&self) -> bool {
        let replaces = self.replacement.is_some() && !self.steps.is_empty();
        replaces || self.steps.iter().any(|step| step.effect == StepEffect::Deploys)
    }

    fn with(self, replacement: Replacement) -> Self {
        Self { replacement: Some(replacement), ..self }
    }
}

impl Step {
    fn new(call: Call, effect: StepEffect, reason: impl Into<String>) -> Self {
        Self { call, effect, reason: reason.into(), late: Vec::new() }
    }
}

/// The step that adds or changes tags of an object.
fn tag_step(arn: &str, tags: Vec<Tree>, reason: &str) -> Step {
    let input = crate::tree! { "resourceArn" => arn, "tags" => tags };
    Step::new(Call::ecs("TagResource", input), StepEffect::Tags, reason)
}

/// The step that notes what is for us alone.
fn memory_step(arn: &str, tags: Vec<Tree>, reason: &str) -> Step {
    Step { effect: StepEffect::Memory, ..tag_step(arn, tags, reason) }
}

/// The step that notes what Git says of members whose drift is left.
fn said_step(arn: &str, said: Tree) -> Step {
    memory_step(arn, vec![said], "what Git says of members whose drift is left is noted")
}

/// The members that differ, each once, with one of the effects.
fn members(key: &Key, differences: &[Difference], effect: Effect) -> Vec<String> {
    let definition = crate::kinds::definition(key.kind);
    let does =
        |one: &&Difference| definition.effect_of(one.member(), one.observed.as_ref(), one.desired.as_ref()) == effect;
    let names: std::collections::BTreeSet<&str> = differences.iter().filter(does).map(Difference::member).collect();
    names.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
