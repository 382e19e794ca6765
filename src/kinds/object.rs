//! A desired object: what a manifest declares, checked and completed. Must not know: where text comes from.

use std::sync::Arc;
use std::time::Duration;

use crate::manifest::KEEP_MAX;
use crate::shape::Tree;

use super::{Adopt, Drift, Key, Lookup, Pointer, definition, hash};

/// Where an object was declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Relative to the root of the directory.
    pub file: String,
    /// Which document of the file, from 0.
    pub document: usize,
}

/// One object of the desired state.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub key: Key,
    /// As AWS's API takes it, with its name filled in.
    pub spec: Tree,
    /// What of the spec stands in EC2 and not in the manifest: until it is resolved, it is missing from `spec`.
    pub lookup: Lookup,
    /// Shared by those that are treated alike.
    pub reconcile: Arc<Reconcile>,
    pub origin: Origin,
}

/// How the operator treats the object; never sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconcile {
    /// Any text: another one asks for a restart, or for another try.
    pub restarted_at: Option<String>,
    /// How long a rollout may take before it counts as failed.
    pub progress_deadline: Duration,
    /// What becomes of drift.
    pub drift: Drift,
    /// Where drift is left, and not told of.
    pub ignore: Vec<Pointer>,
    /// What keeps a rollout back that preflight finds can't work; each check's own way where nothing is said.
    pub preflight: Option<Policy>,
    /// What becomes of an object that is there and is not ours.
    pub adopt: Adopt,
    /// How many revisions of a task definition stay; what the settings say where nothing is said.
    pub keep: Option<Keep>,
    /// What becomes of the object when no manifest declares it any more.
    pub prune: Prune,
    /// The members that ECS can't change and for whose sake the service may be replaced.
    pub replace: Vec<String>,
    pub replace_how: ReplaceHow,
}

/// How many of our own ACTIVE revisions of a task definition stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    All,
    Newest(usize),
}

impl Keep {
    /// Where all are kept.
    pub const ALL_WORD: &'static str = "All";
    /// Reads a number of revisions, or `All`.
    pub fn read(tree: &Tree) -> Option<Self> {
        match tree {
            Tree::Text(word) if **word == *Self::ALL_WORD => Some(Self::All),
            Tree::Int(count) => {
                usize::try_from(*count).ok().filter(|count| (1..=KEEP_MAX).contains(count)).map(Self::Newest)
            }
            _ => None,
        }
    }
}

/// What becomes of an object that no manifest declares any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prune {
    /// It is left, and told of.
    #[default]
    Orphan,
    Delete,
}

impl Prune {
    pub const ALL: [Self; 2] = [Self::Orphan, Self::Delete];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Orphan => "Orphan",
            Self::Delete => "Delete",
        }
    }
}

/// Which of two services comes first when one takes the other's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplaceHow {
    /// The new one, under another name; the old one goes when the new one is Ready.
    #[default]
    StartFirst,
    /// The old one goes first; no task runs in between.
    StopFirst,
}

impl ReplaceHow {
    pub const ALL: [Self; 2] = [Self::StartFirst, Self::StopFirst];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::StartFirst => "StartFirst",
            Self::StopFirst => "StopFirst",
        }
    }

    /// The way of that name, exactly spelled.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|how| how.as_str() == name)
    }
}

/// What a finding of preflight does to a rollout, a creation or a scale-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    /// It is told, and the rollout goes on.
    Warn,
    /// The rollout waits, and is looked at again.
    Wait,
    /// The rollout is not made before the input changes.
    Block,
}

impl Policy {
    pub const ALL: [Self; 3] = [Self::Block, Self::Wait, Self::Warn];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "Warn",
            Self::Wait => "Wait",
            Self::Block => "Block",
        }
    }

    /// The policy of that name, exactly spelled.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == name)
    }
}

/// What ECS needs for a dozen slow starts, and people's patience.
pub const PROGRESS_DEADLINE_DEFAULT: Duration = Duration::from_secs(15 * 60);

impl Default for Reconcile {
    fn default() -> Self {
        Self {
            restarted_at: None,
            progress_deadline: PROGRESS_DEADLINE_DEFAULT,
            drift: Drift::default(),
            ignore: Vec::new(),
            preflight: None,
            adopt: Adopt::default(),
            keep: None,
            prune: Prune::default(),
            replace: Vec::new(),
            replace_how: ReplaceHow::default(),
        }
    }
}

impl Object {
    /// The name AWS knows it by.
    pub fn aws_name(&self) -> &str {
        self.spec.text(definition(self.key.kind).name_member).unwrap_or(&self.key.name)
    }

    /// The tags the manifest declares.
    pub fn tags(&self) -> &[Tree] {
        self.spec.list(definition(self.key.kind).tags.list)
    }

    /// A hash of everything declared: another hash, another generation.
    pub fn fingerprint(&self) -> String {
        let restarted_at = self.reconcile.restarted_at.as_deref().unwrap_or_default();
        let deadline = self.reconcile.progress_deadline.as_secs().to_string();
        let ignored: Vec<String> = self.reconcile.ignore.iter().map(Pointer::to_string).collect();
        let drift = format!("{} {}", self.reconcile.drift.as_str(), ignored.join(" "));
        let preflight = self.reconcile.preflight.map(Policy::as_str);
        let keep = match self.reconcile.keep {
            None | Some(Keep::All) => 0,
            Some(Keep::Newest(count)) => i64::try_from(count).unwrap_or(i64::MAX),
        };
        let declared = self.spec.clone().with("lookup", self.lookup.canonical()).with_some("preflight", preflight);
        let declared = declared.with("restartedAt", restarted_at).with("progressDeadline", deadline);
        let replace = format!("{} {}", self.reconcile.replace_how.as_str(), self.reconcile.replace.join(" "));
        let prune = Some(self.reconcile.prune).filter(|prune| *prune != Prune::default()).map(Prune::as_str);
        let declared = declared.with("drift", drift).with("replace", replace).with_some("prune", prune);
        hash::hash(&declared.with("adopt", self.reconcile.adopt.as_str()).with("keep", keep))
    }
}

/// What AWS shows of an object. What could not be observed is never taken for absent.
#[derive(Clone, Debug, PartialEq)]
pub enum Observed {
    Absent,
    Present(Tree),
    Unknown(String),
}

impl Observed {
    pub fn present(&self) -> Option<&Tree> {
        match self {
            Self::Present(tree) => Some(tree),
            Self::Absent | Self::Unknown(_) => None,
        }
    }
}
