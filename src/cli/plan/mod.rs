//! Plans as people and machines read them. Must not know: how a plan is made, or how it is carried out.
//!
//! One [`View`] holds all that is shown, in the order in which it is shown; what may be secret is in it by a keyed hash
//! alone, unless the values were asked for.
//! `text` is for terminals, `markdown` for pull requests, `json` for programs.

mod change;
mod forecast;
mod lookups;
mod markdown;
mod replacement;
mod secret;
mod summary;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::preflight::Ahead;
use crate::kinds::leaf::{self, Leaf};
use crate::kinds::lookup::{self, Resolved};
use crate::kinds::{Effect, Key, Kind, Object, definition, secrets, service, tags};
use crate::plan::prune::Undeclared;
use crate::plan::{Plan, Reason, Step, StepEffect, Verdict};
use crate::shape::{Path, Tree, plain};

pub use forecast::{Forecast, Gap, Outcome, Played, Simulation};
use lookups::LookedUp;
pub use markdown::markdown;
use replacement::Replaced;
pub use secret::Secrets;
use summary::Summary;
pub use text::text;

/// All that a plan shows. Members of its JSON are only ever added; `docs/plan.md` describes them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    format_version: u32,
    /// Of the source: a commit, or a hash of the texts.
    revision: String,
    account: String,
    region: String,
    /// `OWNER/SOURCE`.
    owner: String,
    summary: Summary,
    objects: Vec<Planned>,
    /// What was assumed, where the plan was played on a copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulation: Option<Simulation>,
}

/// One object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned {
    /// `prod/Service/web`.
    key: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
    name: String,
    action: Action,
    /// Where it stands, in the words of conditions.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Why, in words for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    /// Live state moved; nothing in Git asks for this.
    drift: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Place>,
    /// What its selector terms stand for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lookups: Vec<LookedUp>,
    changes: Vec<Change>,
    /// Whether what is due can work; absent where nothing is rolled, created or scaled out.
    #[serde(skip_serializing_if = "Option::is_none")]
    preflight: Option<Ahead>,
    /// How it goes on a copy, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast: Option<Forecast>,
    /// How one service takes the place of another.
    #[serde(skip_serializing_if = "Option::is_none")]
    replacement: Option<Replaced>,
    /// The calls that would be made, in their order.
    calls: Vec<&'static str>,
}

/// The most that happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing.
    None,
    /// Something else comes first, or is under way.
    Wait,
    /// Nothing, until a person or the manifest changes something.
    Blocked,
    /// ECS can't change it: another object would have to take its place.
    Replace,
    /// What is there becomes ours, by its tags alone.
    Adopt,
    InPlace,
    /// ECS starts a deployment.
    Deploy,
    /// A new task definition revision.
    Register,
    Create,
    /// No manifest declares it any more.
    Delete,
}

/// One leaf.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    /// Lists by the keys of their items.
    path: String,
    #[serde(skip_serializing_if = "Value::is_kept_back")]
    before: Option<Value>,
    #[serde(skip_serializing_if = "Value::is_kept_back")]
    after: Option<Value>,
    change: Sort,
    /// Of values that are not shown, by a key that no other plan has: another value has another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    before_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_hash: Option<String>,
    /// An earlier step's answer tells the value.
    known_after_apply: bool,
    /// Values are only shown where they were asked for.
    secret: bool,
    effect: What,
    /// A call brings it about; else it is held back.
    planned: bool,
    /// The manifest says so; else it is AWS's default.
    declared: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Place>,
    /// How the manifest could say what is live and it leaves out.
    #[serde(skip_serializing_if = "Option::is_none")]
    accept: Option<Accept>,
}

/// A line that makes what is live what is declared.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Accept {
    line: String,
    /// The path it goes below.
    below: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Place>,
}

/// A value as it may be shown.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Value {
    Shown(Tree),
    Secret,
}

/// Which of the two sides has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Sort {
    Added,
    Changed,
    Removed,
}

/// What changing the leaf does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    Tag,
    Adopt,
    InPlace,
    Deploy,
    Replace,
    Register,
    Create,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    pub file: String,
    pub line: usize,
    pub column: usize,
}

/// What a view is made of.
pub struct Input<'a> {
    pub revision: &'a str,
    pub owner: &'a tags::Ownership,
    pub place: &'a crate::kinds::Place,
    pub objects: &'a BTreeMap<Key, Arc<Object>>,
    pub plans: &'a [(Key, Plan)],
    /// Objects of ours that nobody declares any more.
    pub undeclared: &'a [Undeclared],
    /// What selector terms stand for, of objects whose specs are filled with it.
    pub lookups: &'a BTreeMap<Key, Resolved>,
    /// What preflight says of those that are due.
    pub aheads: &'a BTreeMap<Key, Ahead>,
    /// An object's tags as they are.
    pub tags: &'a dyn Fn(&Key) -> Vec<Tree>,
    pub secrets: &'a Secrets,
    /// Where a value of an object's document stands, by its path from the document's root.
    pub locate: &'a dyn Fn(&Object, &Path) -> Option<Place>,
}

impl View {
    pub fn new(input: &Input<'_>) -> Self {
        let mut objects: Vec<Planned> =
            input.plans.iter().filter_map(|(key, plan)| Some(planned(input, input.objects.get(key)?, plan))).collect();
        objects.extend(input.undeclared.iter().filter(|one| one.deletes).map(Planned::deleted));
        let mut summary = Summary::default();
        for object in &objects {
            let count = match object.action {
                Action::None => &mut summary.unchanged,
                Action::Wait => &mut summary.waiting,
                Action::Blocked => &mut summary.blocked,
                Action::Replace => &mut summary.replace,
                Action::Adopt => &mut summary.adopt,
                Action::InPlace => &mut summary.in_place,
                Action::Deploy => &mut summary.deploy,
                Action::Register => &mut summary.register,
                Action::Create => &mut summary.create,
                Action::Delete => &mut summary.delete,
            };
            *count += 1;
        }
        Self {
            format_version: 1,
            revision: input.revision.to_owned(),
            account: input.place.account.clone(),
            region: input.place.region.clone(),
            owner: input.owner.to_string(),
            summary,
            objects,
            simulation: None,
        }
    }

    /// The same with what a simulation foretells.
    #[must_use]
    pub fn with(mut self, simulation: Simulation) -> Self {
        for object in &mut self.objects {
            object.forecast = simulation.forecasts.get(&object.key).cloned();
        }
        Self { simulation: Some(simulation), ..self }
    }

    /// What a simulation foretells of an object, by its short key.
    pub fn forecast(&self, key: &str) -> Option<&Forecast> {
        self.objects.iter().find(|object| object.key == key)?.forecast.as_ref()
    }

    /// Whether there is anything to do, or in the way of it.
    pub fn is_something(&self) -> bool {
        let idle = |object: &Planned| match object.action {
            Action::None => true,
            Action::Wait => object.calls.is_empty(),
            _ => false,
        };
        !self.objects.iter().all(idle)
    }

    /// One JSON object, over several lines.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl Value {
    fn is_kept_back(side: &Option<Self>) -> bool {
        !matches!(side, Some(Self::Shown(_)))
    }

    fn shown(&self) -> Option<&Tree> {
        match self {
            Self::Shown(value) => Some(value),
            Self::Secret => None,
        }
    }
}

fn planned(input: &Input<'_>, object: &Object, plan: &Plan) -> Planned {
    let (action, reason, message) = story(plan);
    let key = &object.key;
    Planned {
        key: plain(&key.short()).into_owned(),
        kind: key.kind.as_str(),
        cluster: key.cluster.clone(),
        name: key.name.clone(),
        action,
        reason,
        message: plain(&message).into_owned(),
        drift: plan.drift,
        origin: (input.locate)(object, &Path::root()),
        lookups: LookedUp::of(input.lookups.get(&object.key)),
        changes: changes(input, object, plan),
        preflight: input.aheads.get(&object.key).cloned(),
        forecast: None,
        replacement: plan.replacement.as_ref().map(Replaced::of),
        calls: plan.steps.iter().map(|step| step.call.operation).collect(),
    }
}

fn story(plan: &Plan) -> (Action, Option<&'static str>, String) {
    let steps = || {
        // What is for our memory alone is no change.
        let seen = plan.steps.iter().filter(|step| step.effect != StepEffect::Memory);
        let most = seen.max_by_key(|step| step.effect);
        most.map(|step| (step_action(step.effect), step.reason.clone()))
    };
    match &plan.verdict {
        Verdict::Due | Verdict::Waiting(crate::plan::Reason::Replacing, _) if plan.replacement.is_some() => {
            let told = plan.replacement.as_ref().map(crate::plan::Replacement::story);
            (Action::Replace, None, told.unwrap_or_default())
        }
        Verdict::Blocked(crate::plan::Reason::ReplacementNeeded, message) => {
            (Action::Replace, Some(crate::plan::Reason::ReplacementNeeded.as_str()), message.clone())
        }
        // What can be done in place is done all the same.
        Verdict::Blocked(reason, message) => (Action::Blocked, Some(reason.as_str()), message.clone()),
        Verdict::Waiting(reason, message) => match steps() {
            Some((action, why)) => (action, Some(reason.as_str()), format!("{why}; {message}")),
            None => (Action::Wait, Some(reason.as_str()), message.clone()),
        },
        Verdict::Rolling(message) | Verdict::Settling(message) => match steps() {
            Some((action, why)) => (action, None, why),
            None => (Action::Wait, None, message.clone()),
        },
        Verdict::Converged | Verdict::Due => {
            steps().map_or((Action::None, None, String::new()), |(action, why)| (action, None, why))
        }
    }
}

fn step_action(effect: StepEffect) -> Action {
    match effect {
        StepEffect::Memory => Action::None,
        StepEffect::Adopt => Action::Adopt,
        StepEffect::Create => Action::Create,
        StepEffect::Register => Action::Register,
        StepEffect::Tags | StepEffect::InPlace => Action::InPlace,
        StepEffect::Deploys => Action::Deploy,
        StepEffect::Drains | StepEffect::Deletes => Action::Replace,
    }
}

/// The leaves that differ, the ones that a new object has, and tags.
fn changes(input: &Input<'_>, object: &Object, plan: &Plan) -> Vec<Change> {
    let definition = definition(object.key.kind);
    let makes = |effect: StepEffect| plan.steps.iter().find(|step| step.effect == effect);
    let new = makes(StepEffect::Create).or_else(|| makes(StepEffect::Register).filter(|_| plan.differences.is_empty()));
    let late = plan.steps.iter().any(|step| step.late.contains(&Path::from(TASK_DEFINITION)));
    let leaves = match new.filter(|_| plan.replacement.is_none()) {
        Some(step) => {
            let mut leaves = leaf::declared(definition.rows, &object.spec);
            // Its name stands in the headline.
            leaves.retain(|leaf| member(leaf) != definition.name_member);
            leaves.splice(0..0, runs(object, step));
            leaves
        }
        None => leaf::leaves(definition.rows, &object.spec, &plan.differences),
    };
    let whole = match plan.steps.iter().map(|step| step.effect).max() {
        Some(StepEffect::Create) if plan.replacement.is_none() => Some(What::Create),
        Some(StepEffect::Register) => Some(What::Register),
        _ => None,
    };
    let effect = |leaf: &Leaf| match definition.effect_of(member(leaf), leaf.observed.as_ref(), leaf.desired.as_ref()) {
        Effect::Tags => What::Tag,
        Effect::InPlace => What::InPlace,
        Effect::Deploys => What::Deploy,
        Effect::Replaces => What::Replace,
    };
    let one = |leaf: Leaf| {
        // A service always runs one: without a name for it, it is to be registered.
        let late = member(&leaf) == TASK_DEFINITION && (late || leaf.desired.is_none());
        // EC2 changes rules by calls of their own.
        let by_a_call = |step: &Step| step.call.service == "ec2" && step.effect == StepEffect::InPlace;
        let is_in = |step: &Step| step.call.input.get(service::rows::sent_as(member(&leaf))).is_some();
        let sent = |step: &Step| whole.is_some() || by_a_call(step) || is_in(step);
        // All of it comes with the service that comes.
        let planned = plan.replacement.is_some() || plan.steps.iter().any(sent);
        let what = whole.unwrap_or_else(|| effect(&leaf));
        Change { planned, ..change(input, object, leaf, what, late) }
    };
    leaves.into_iter().map(one).chain(tag_changes(input, object, plan)).collect()
}

const TASK_DEFINITION: &str = "taskDefinition";

fn member(leaf: &Leaf) -> &str {
    match leaf.path.0.first() {
        Some(crate::shape::Segment::Name(name)) => name,
        _ => "",
    }
}

/// What a new service is to run.
fn runs(object: &Object, step: &Step) -> Option<Leaf> {
    let desired = step.call.input.get(TASK_DEFINITION)?.clone();
    let path = Path::from(TASK_DEFINITION);
    let declared_at = object.spec.get(TASK_DEFINITION).map(|_| path.clone());
    let name = TASK_DEFINITION.to_owned();
    Some(Leaf { name, path, declared_at, addition: None, observed: None, desired: Some(desired) })
}

fn change(input: &Input<'_>, object: &Object, leaf: Leaf, effect: What, known_after_apply: bool) -> Change {
    let secret =
        secrets::is_secret(&leaf.path) || [&leaf.observed, &leaf.desired].into_iter().flatten().any(secrets::holds);
    let kept_back = secret && !input.secrets.are_shown();
    let shown = |value: Tree| if kept_back { Value::Secret } else { Value::Shown(value) };
    let name = format!("{} {}", object.key, leaf.name);
    let hash =
        |value: &Option<Tree>| value.as_ref().filter(|_| kept_back).and_then(|value| input.secrets.hash(&name, value));
    let sort = match (&leaf.observed, &leaf.desired) {
        (None, _) => Sort::Added,
        (Some(_), None) if !known_after_apply => Sort::Removed,
        (Some(_), _) => Sort::Changed,
    };
    let terms = lookup::terms_of(&object.lookup, &leaf.path);
    let place = |at: &Path| (input.locate)(object, &at.below(&Path::from("spec")));
    let is_drift = !kept_back && !matches!(effect, What::Create | What::Register) && member(&leaf) != TASK_DEFINITION;
    // What terms stand for is not declared beside them.
    let live = leaf.observed.as_ref().filter(|_| is_drift && terms.is_none());
    let accept = leaf.addition.as_ref().zip(live).map(|(addition, live)| Accept {
        line: plain(&addition.line(live)).into_owned(),
        below: addition.below.below(&Path::from("spec")).to_string(),
        origin: place(&addition.below),
    });
    let declared_at = terms.as_ref().or(leaf.declared_at.as_ref());
    Change {
        path: plain(&leaf.name).into_owned(),
        change: sort,
        before_hash: hash(&leaf.observed),
        after_hash: hash(&leaf.desired),
        before: leaf.observed.map(shown),
        after: leaf.desired.filter(|_| !known_after_apply).map(shown),
        known_after_apply,
        secret,
        effect,
        planned: true,
        declared: declared_at.is_some(),
        origin: declared_at.and_then(place),
        accept,
    }
}

/// Declared tags that are sent; the operator's own are not shown.
fn tag_changes(input: &Input<'_>, object: &Object, plan: &Plan) -> Vec<Change> {
    let sent: Vec<Tree> = plan.steps.iter().flat_map(|step| tags_of(&step.call.input)).cloned().collect();
    let sent = tags::read(&sent);
    let live = (input.tags)(&object.key);
    let live = tags::read(&live);
    let declared = object.tags().iter().enumerate();
    let one = |(index, tag): (usize, &Tree)| {
        let (key, value) = tags::read(std::slice::from_ref(tag)).pop_first()?;
        let at = Path::from(definition(object.key.kind).tags.list).index(index);
        (sent.get(key) == Some(&value)).then(|| Leaf {
            name: format!("tags[{key}]"),
            path: at.clone(),
            declared_at: Some(at),
            addition: None,
            observed: live.get(key).map(|value| Tree::from(*value)),
            desired: Some(value.into()),
        })
    };
    let untagged = plan.steps.iter().filter(|step| step.call.operation == "DeleteTags");
    let untagged = untagged.flat_map(|step| step.call.input.list("Tags")).filter_map(|tag| tag.text("Key"));
    let gone = untagged.filter(|key| !key.starts_with(tags::PREFIX)).map(|key| Leaf {
        name: format!("tags[{key}]"),
        path: Path::from(definition(object.key.kind).tags.list),
        declared_at: None,
        addition: None,
        observed: live.get(key).map(|value| Tree::from(*value)),
        desired: None,
    });
    let declared = declared.filter_map(one).chain(gone).map(|leaf| change(input, object, leaf, What::Tag, false));
    adopted(plan, &live)
        .into_iter()
        .map(|leaf| change(input, object, leaf, What::Adopt, false))
        .chain(declared)
        .collect()
}

/// The owner's tag, where it makes an object ours.
fn adopted(plan: &Plan, live: &BTreeMap<&str, &str>) -> Option<Leaf> {
    let step = plan.steps.iter().find(|step| step.effect == StepEffect::Adopt)?;
    let sent: Vec<Tree> = tags_of(&step.call.input).cloned().collect();
    let owner = (*tags::read(&sent).get(tags::OWNER)?).into();
    let name = format!("tags[{}]", tags::OWNER);
    let observed = live.get(tags::OWNER).map(|before| Tree::from(*before));
    let path = Path::from("tags").name(tags::OWNER);
    Some(Leaf { name, path: path.clone(), declared_at: Some(path), addition: None, observed, desired: Some(owner) })
}

/// The tags that a call sends, wherever its service wants them.
fn tags_of(input: &Tree) -> impl Iterator<Item = &Tree> {
    let specified = input.list("TagSpecifications").iter().flat_map(|one| one.list("Tags"));
    input.list("tags").iter().chain(input.list("Tags")).chain(specified)
}

impl Planned {
    /// An object that nobody declares any more, and whose tag asks for its deletion.
    fn deleted(one: &Undeclared) -> Self {
        let (action, reason, message) = match &one.held {
            None => (Action::Delete, None, format!("{} is declared no more, and its prune is Delete", one.id)),
            Some((reason @ (Reason::MassChange | Reason::Suspended), why)) => {
                (Action::Blocked, Some(reason.as_str()), why.clone())
            }
            Some((reason, why)) => (Action::Wait, Some(reason.as_str()), format!("to be deleted, and {why}")),
        };
        let calls = if one.is_due() { vec!["DeleteSecurityGroup"] } else { Vec::new() };
        Self {
            key: plain(&one.key()).into_owned(),
            kind: Kind::SecurityGroup.as_str(),
            cluster: None,
            name: one.name.clone(),
            action,
            reason,
            message: plain(&message).into_owned(),
            drift: false,
            origin: None,
            lookups: Vec::new(),
            changes: Vec::new(),
            preflight: None,
            forecast: None,
            replacement: None,
            calls,
        }
    }

    fn symbol(&self) -> &'static str {
        match self.action {
            Action::None | Action::Wait => " ",
            Action::Blocked => "!",
            Action::Replace => "-/+",
            Action::Adopt => "=",
            Action::InPlace | Action::Deploy => "~",
            Action::Register | Action::Create => "+",
            Action::Delete => "-",
        }
    }

    fn headline(&self) -> String {
        let does = match self.action {
            Action::None | Action::Wait => "waits",
            Action::Blocked => "blocked",
            Action::Replace if self.reason.is_some() => "would have to be replaced",
            Action::Replace => "is replaced",
            Action::Adopt => "is adopted",
            Action::InPlace => "changes in place",
            Action::Deploy => "starts a deployment",
            Action::Register => "registers a revision",
            Action::Create => "is created",
            Action::Delete => "is deleted",
        };
        let drift = if self.drift { "drift, " } else { "" };
        match (self.action, self.reason) {
            (Action::Blocked | Action::Wait, Some(reason)) => format!("{does}, {reason}: {}", self.message),
            _ => format!("{does}: {drift}{}", self.message),
        }
    }
}
