//! Findings: what is wrong with manifests, before any call. Must not know: clients.
//!
//! Documents become desired objects here. A broken one keeps its last good state in force: it is neither applied half
//! nor taken for gone.

mod explain;
mod objects;
pub mod preflight;
mod reconcile;
mod report;
mod rule;
mod rules;
pub mod schema;
mod subject;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::kinds::{Keep, Key, Kind, Object, Place, Reconcile};
use crate::manifest::{Document, Finding, Reading, Severity};

pub use explain::{Explanation, Shown, explain, findings_of};
pub use reconcile::duration;
pub use report::Report;
pub use rule::{Example, INSTEAD, Look, Rule};
pub use rules::{rule, rules};

/// The desired state of one revision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desired {
    pub revision: String,
    /// Shared with the revision before, as far as they say the same.
    pub objects: BTreeMap<Key, Arc<Object>>,
    /// Errors: what keeps documents out of force. In the order of places.
    pub findings: Vec<Finding>,
    /// What is in force and will not do what people expect. In the order of places.
    pub warnings: Vec<Finding>,
    /// Objects whose document is broken now: what is in force was read from an earlier revision.
    pub kept: BTreeSet<Key>,
    /// Documents that are not in force as they stand.
    pub rejected: usize,
    /// Documents of other accounts and regions.
    pub skipped: usize,
    /// Nothing is missing from it that the directory declares: the settings name its owner, and no document, file or
    /// setting is broken. What then is not in it is declared no more.
    pub is_whole: bool,
}

/// What a rule may look at.
pub struct Context<'a> {
    pub place: &'a Place,
    /// The clusters that the settings name; empty: any.
    pub clusters: &'a [String],
    pub document: &'a Document,
}

/// So many ways of treating objects are shared.
const TREATMENTS: usize = 8;

/// Most objects are treated as most others are.
fn share(known: &mut Vec<Arc<Reconcile>>, ours: &mut Arc<Reconcile>) {
    match known.iter().find(|one| *one == ours) {
        Some(one) => *ours = Arc::clone(one),
        None if known.len() < TREATMENTS => known.push(Arc::clone(ours)),
        None => {}
    }
}

/// Turns documents into the desired state, keeping of `previous` what is broken now.
pub fn desired(reading: &Reading, place: &Place, revision: &str, previous: Option<&Desired>) -> Desired {
    let clusters = reading.settings.as_ref().map(|settings| settings.clusters.as_slice()).unwrap_or_default();
    let mut found = objects::Found::default();
    for document in &reading.documents {
        found.take(&Context { place, clusters, document });
    }
    found.resolve(reading);
    let all = reading.findings.iter().cloned().chain(std::mem::take(&mut found.findings));
    let (mut findings, mut warnings): (Vec<_>, Vec<_>) = all.partition(|one| one.severity == Severity::Error);
    findings.sort();
    warnings.sort();
    let keep = reading.settings.as_ref().and_then(|settings| settings.keep).map(Keep::Newest);
    let mut treatments = Vec::new();
    let shared = |(key, (mut object, _)): (Key, (Object, &Document))| {
        if key.kind == Kind::TaskDefinition {
            let reconcile = Arc::make_mut(&mut object.reconcile);
            reconcile.keep = reconcile.keep.or(keep);
        }
        share(&mut treatments, &mut object.reconcile);
        let before = previous.and_then(|previous| previous.objects.get_key_value(&key));
        let same = before.filter(|(_, before)| ***before == object);
        same.map_or_else(|| (key, Arc::new(object)), |(key, before)| (key.clone(), Arc::clone(before)))
    };
    let mut desired = Desired {
        revision: revision.to_owned(),
        objects: std::mem::take(&mut found.objects).into_iter().map(shared).collect(),
        findings,
        warnings,
        kept: BTreeSet::new(),
        rejected: found.rejected + reading.broken.len(),
        skipped: found.skipped,
        is_whole: false,
    };
    // What another document has taken over is not kept: the two would fight for one object.
    let taken: BTreeSet<_> = desired.objects.values().map(|object| objects::claim(object)).collect();
    for (key, object) in previous.into_iter().flat_map(|previous| &previous.objects) {
        let free = !desired.objects.contains_key(key) && !taken.contains(&objects::claim(object));
        if free && found.is_broken(reading, key) {
            desired.objects.insert(key.clone(), object.clone());
            desired.kept.insert(key.clone());
        }
    }
    // A part of a directory, given by itself, has no settings that name an owner.
    let owned = reading.settings.as_ref().is_some_and(|settings| settings.owner.is_some());
    let broken = desired.rejected > 0 || !desired.kept.is_empty() || !desired.findings.is_empty();
    desired.is_whole = owned && !broken && !reading.documents.is_empty();
    desired
}

impl Desired {
    /// The declared clusters: keys without a cluster come first, and of these those of the first kind.
    pub fn clusters(&self) -> impl Iterator<Item = &Object> {
        self.objects.values().map(Arc::as_ref).take_while(|object| object.key.kind == Kind::Cluster)
    }

    pub fn security_groups(&self) -> impl Iterator<Item = &Object> {
        self.objects.values().map(Arc::as_ref).filter(|object| object.key.kind == Kind::SecurityGroup)
    }

    pub fn services(&self) -> impl Iterator<Item = &Object> {
        self.objects.values().map(Arc::as_ref).filter(|object| object.key.kind == Kind::Service)
    }
}

impl Context<'_> {
    fn kind(&self) -> Option<Kind> {
        Kind::parse(&self.document.kind)
    }
}

#[cfg(test)]
mod tests;
