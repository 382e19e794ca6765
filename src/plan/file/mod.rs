//! A plan as a file: the steps with their calls, and for each object what it was planned on. Pure: texts in and out.
//!
//! What may be secret is never in it: its place holds a word, and one keyed hash stands for all such values of a call.
//! So the file does not stand for itself; the calls are made from the manifests anew and have to be those in the file.
//! Must not know: where files are, who applies them.

mod evidence;
mod moved;
mod seal;

use std::collections::BTreeMap;

use crate::kinds::{Key, Object, Observed, Place, hash};
use crate::shape::{Map, Name, Path, Tree, json};
use crate::tree;

use super::approved::settled;
use super::{Plan, Step, StepEffect};

pub use moved::Move;
pub use seal::Seal;

/// What a plan file begins with; no manifest does.
pub const MARK: &str = "{\"ecsOperatorPlan\":";
const VERSION_MEMBER: &str = "ecsOperatorPlan";
/// Of the layout: it grows when an older program could not read it.
const VERSION: i64 = 1;
/// A plan of 10,000 services has about half of it.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Why a file can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("it is damaged: {0}")]
    Damaged(String),
    #[error("it is too big: more than {BYTES_MAX} bytes")]
    TooBig,
    #[error("it was made by {0}, and this is {1}: plan anew")]
    OtherVersion(String, String),
}

/// All that is kept of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanFile {
    /// The version of the program: another one may read live state in another form.
    pub program: String,
    /// Where the manifests were.
    pub manifests: String,
    /// Of the source.
    pub revision: String,
    pub place: Place,
    /// `OWNER/SOURCE`.
    pub owner: String,
    pub seal: Seal,
    /// By `CLUSTER/Kind/NAME`.
    objects: BTreeMap<String, Entry>,
}

/// One object.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    /// Of everything declared.
    declared: String,
    /// What of live state the plan rests on, by path.
    evidence: Map,
    steps: Vec<Tree>,
}

/// What a plan was made of, for one object.
#[derive(Debug)]
pub struct Planned<'a> {
    pub key: &'a Key,
    pub object: &'a Object,
    pub observed: &'a Observed,
    /// The newest revision of a task definition's family (`family:revision`), where one is to be registered.
    pub newest: Option<&'a str>,
    pub plan: &'a Plan,
}

impl PlanFile {
    /// The same with this object's plan.
    pub fn add(&mut self, planned: &Planned<'_>) {
        let Planned { key, object, observed, newest, plan } = planned;
        let declared = self.seal.hash(&object.fingerprint());
        let evidence = evidence::of(object, observed, *newest, &self.seal);
        let steps = plan.steps.iter().map(|step| shown(step, &self.seal)).collect();
        self.objects.insert(key.short(), Entry { declared, evidence, steps });
    }

    /// A file without objects.
    pub fn new(program: &str, manifests: &str, revision: &str, place: &Place, owner: &str, seal: Seal) -> Self {
        Self {
            program: program.into(),
            manifests: manifests.into(),
            revision: revision.into(),
            place: place.clone(),
            owner: owner.into(),
            seal,
            objects: BTreeMap::new(),
        }
    }

    /// How many calls it holds.
    pub fn calls(&self) -> usize {
        self.objects.values().map(|entry| entry.steps.len()).sum()
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let object = |(key, entry): (&String, &Entry)| {
            let Entry { declared, evidence, steps } = entry;
            let entry = tree! { "declared" => declared, "evidence" => evidence.clone(), "steps" => steps.clone() };
            (key.clone(), entry)
        };
        let objects: Map = self.objects.iter().map(object).collect();
        let plan = json::write(&tree! {
            "account" => &self.place.account,
            "key" => self.seal.key(),
            "manifests" => &self.manifests,
            "objects" => objects,
            "owner" => &self.owner,
            "program" => &self.program,
            "region" => &self.place.region,
            "revision" => &self.revision,
        });
        format!("{MARK}{VERSION},\"sum\":\"{}\",\n\"plan\":{plan}}}\n", sum(&plan))
    }

    /// Reads what [`Self::text`] wrote; `program` is the version of this one.
    ///
    /// # Errors
    /// A file that is damaged, too big, or of another version.
    pub fn read(text: &[u8], program: &str) -> Result<Self, FileError> {
        if text.len() > BYTES_MAX {
            return Err(FileError::TooBig);
        }
        let damaged = |what: &str| FileError::Damaged(what.to_owned());
        let whole = json::read(text).map_err(|error| FileError::Damaged(error.to_string()))?;
        match whole.int(VERSION_MEMBER) {
            Some(VERSION) => {}
            Some(other) => {
                let other = format!("a program that writes version {other} of plan files");
                return Err(FileError::OtherVersion(other, format!("one that reads version {VERSION}")));
            }
            None => return Err(damaged("it does not say of which version it is")),
        }
        let plan = whole.get("plan").ok_or_else(|| damaged("there is no plan in it"))?;
        if whole.text("sum") != Some(sum(&json::write(plan)).as_str()) {
            return Err(damaged("its sum is another than the one it was written with"));
        }
        let read = Self::from_tree(plan).ok_or_else(|| damaged("members are missing"))?;
        if read.program != program {
            let name = |version: &str| format!("ecs-operator {version}");
            return Err(FileError::OtherVersion(name(&read.program), name(program)));
        }
        Ok(read)
    }

    fn from_tree(plan: &Tree) -> Option<Self> {
        let text = |name: &str| plan.text(name).map(str::to_owned);
        let entry = |(key, entry): (&Name, &Tree)| {
            let declared = entry.text("declared")?.to_owned();
            let evidence = entry.get("evidence")?.as_map()?.clone();
            Some((key.to_string(), Entry { declared, evidence, steps: entry.get("steps")?.as_list()?.to_vec() }))
        };
        Some(Self {
            program: text("program")?,
            manifests: text("manifests")?,
            revision: text("revision")?,
            place: Place { account: text("account")?, region: text("region")? },
            owner: text("owner")?,
            seal: Seal::of_key(plan.text("key")?)?,
            objects: plan.get("objects")?.as_map()?.iter().map(entry).collect::<Option<_>>()?,
        })
    }
}

fn sum(text: &str) -> String {
    hash::short(text, 64)
}

/// One step as it is kept and compared: late values are named by their paths, secret ones sealed.
fn shown(step: &Step, seal: &Seal) -> Tree {
    let (input, sealed) = seal.input(&settled(&step.call, &step.late));
    let late: Vec<String> = step.late.iter().map(Path::to_string).collect();
    tree! {
        "service" => step.call.service, "operation" => step.call.operation, "effect" => effect(step.effect),
        "reason" => &step.reason, "input" => input, "late" => late,
    }
    .with_some("sealed", sealed)
}

fn effect(effect: StepEffect) -> &'static str {
    match effect {
        StepEffect::Create => "create",
        StepEffect::Register => "register",
        StepEffect::Tags => "tag",
        StepEffect::Memory => "memory",
        StepEffect::Adopt => "adopt",
        StepEffect::InPlace => "in-place",
        StepEffect::Deploys => "deploy",
        StepEffect::Drains => "drain",
        StepEffect::Deletes => "delete",
    }
}

#[cfg(test)]
mod tests;
