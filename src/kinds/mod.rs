//! What each kind of object means: its shape, how it is observed, what makes two of them equal, what a change of it
//! does, and which calls realise that. Static, no state, no await. Must not know: files, HTTP, the queue, clients.

pub mod adopt;
pub mod claims;
pub mod cluster;
pub mod diff;
pub mod drift;
#[cfg(test)]
mod examples;
pub mod hash;
pub mod key;
pub mod leaf;
pub mod lookup;
pub mod normalise;
pub mod object;
mod same;
pub mod secrets;
pub mod security_group;
pub mod service;
pub mod tags;
pub mod task_definition;

use crate::shape::Tree;
use crate::shape::table::{self, Structure, Table};

pub use adopt::Adopt;
pub use diff::{Difference, diff};
pub use drift::{Drift, Pointer};
pub use key::{Key, KeyParts, Kind, Place};
pub use leaf::Leaf;
pub use lookup::Lookup;
pub use normalise::Row;
pub use object::{Keep, Object, Observed, Origin, Policy, Prune, Reconcile, ReplaceHow};

/// A kind as data.
#[derive(Debug)]
pub struct Definition {
    pub kind: Kind,
    /// Whose shapes it is made of, as in the shape tables: `ecs`.
    pub service: &'static str,
    /// The structure that a `spec` has to fit.
    pub spec: &'static str,
    /// The operation that makes one.
    pub create: &'static str,
    /// The member of the input that carries the name.
    pub name_member: &'static str,
    /// The structures in which AWS shows it; what is pasted from the first is understood.
    pub shown_as: &'static [&'static str],
    /// Members of that structure that are AWS's to say.
    pub assigned: &'static [&'static str],
    /// What the operation needs and the structure does not require.
    pub required: &'static [&'static str],
    pub in_cluster: bool,
    /// Members of the input that a `spec` must leave to the envelope, and what to write instead.
    pub reserved: &'static [(&'static str, &'static str)],
    pub tags: &'static tags::Words,
    pub rows: &'static [Row],
    /// What changing a member does; members not named change in place.
    pub effects: &'static [(&'static str, Effect)],
    pub describe: Describe,
    pub list: Option<List>,
}

/// How objects of a kind are described, many at a time.
#[derive(Debug)]
pub struct Describe {
    pub operation: &'static str,
    /// The input member that takes the names.
    pub names: &'static str,
    /// How many names AWS takes in one call.
    pub limit: usize,
    pub include: &'static [&'static str],
    /// The output member that holds the objects.
    pub answer: &'static str,
    /// Long lists of which only the first so many items are kept.
    pub shortened: &'static [(&'static str, usize)],
}

/// How the objects of one cluster are listed.
#[derive(Debug)]
pub struct List {
    pub operation: &'static str,
    /// The output member that holds the ARNs.
    pub answer: &'static str,
    /// The largest page AWS gives.
    pub page: i64,
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Tags only.
    Tags,
    InPlace,
    /// ECS starts a deployment: tasks are replaced within the service's bounds.
    Deploys,
    /// ECS can't change it: another object would have to take its place.
    Replaces,
}

/// An effect that a change has by what it changes from and to, observed and desired.
#[derive(Debug)]
pub struct Closer {
    pub member: &'static str,
    pub when: fn(Option<&Tree>, Option<&Tree>) -> bool,
    pub effect: Effect,
}

/// The definition of a kind.
pub fn definition(kind: Kind) -> &'static Definition {
    match kind {
        Kind::Cluster => &cluster::DEFINITION,
        Kind::SecurityGroup => &security_group::DEFINITION,
        Kind::TaskDefinition => &task_definition::DEFINITION,
        Kind::Service => &service::DEFINITION,
    }
}

impl Definition {
    /// The shapes of its service.
    pub fn table(&self) -> &'static Table {
        table::table(self.service).unwrap_or_else(|| table::ecs())
    }

    /// The structure that a `spec` has to fit.
    pub fn structure(&self) -> &'static Structure {
        static NONE: Structure = Structure { union: false, error: false, members: std::collections::BTreeMap::new() };
        self.table().structure(self.spec).unwrap_or(&NONE)
    }

    /// Whether a member of a pasted description is one that only AWS writes.
    pub fn is_read_only(&self, member: &str) -> bool {
        let shown = self.shown_as.first().and_then(|name| self.table().structure(name));
        let ours = self.structure().members.contains_key(member) && !self.assigned.contains(&member);
        !ours && shown.is_some_and(|shape| shape.members.contains_key(member))
    }

    /// What changing this member does.
    pub fn effect(&self, member: &str) -> Effect {
        let row = self.effects.iter().find(|(name, _)| *name == member);
        row.map_or(Effect::InPlace, |(_, effect)| *effect)
    }

    /// What this change of a member does.
    pub fn effect_of(&self, member: &str, observed: Option<&Tree>, desired: Option<&Tree>) -> Effect {
        let closer: &[Closer] = match self.kind {
            Kind::Service => service::rows::CLOSER,
            Kind::Cluster | Kind::SecurityGroup | Kind::TaskDefinition => &[],
        };
        let closer = closer.iter().find(|closer| closer.member == member && (closer.when)(observed, desired));
        closer.map_or_else(|| self.effect(member), |closer| closer.effect)
    }

    /// Whether there are no differences, at a glance: a no may be wrong, a yes is not.
    pub fn is_same(&self, spec: &Tree, shown: &Tree) -> bool {
        same::is_same(self.kind, spec, shown)
    }

    /// The differences between a spec and what AWS shows, our tags aside. What AWS never shows can't differ.
    pub fn differences(&self, spec: &Tree, shown: &Tree) -> Vec<Difference> {
        let (desired, observed) = self.sides(spec, shown);
        self.differing(&desired, &observed)
    }

    /// A spec and what AWS shows, in the form in which equal means equal.
    pub fn sides(&self, spec: &Tree, shown: &Tree) -> (Tree, Tree) {
        let spec = self.table().with_zeros(self.structure(), spec);
        normalise::canonical(self.rows, &spec, shown)
    }

    /// The differences between [`Definition::sides`].
    pub fn differing(&self, desired: &Tree, observed: &Tree) -> Vec<Difference> {
        let shows = |name: &&str, member: &str| {
            self.table().structure(name).is_some_and(|shape| shape.members.contains_key(member))
        };
        let comparable = |one: &Difference| self.shown_as.iter().any(|name| shows(name, one.member()));
        diff(desired, observed).into_iter().filter(comparable).collect()
    }
}
