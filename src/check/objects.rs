//! Documents into objects: spec against shape, identities, references.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::service;
use crate::kinds::{Definition, Key, Kind, Object, Origin, definition};
use crate::manifest::{At, Document, Finding, Reading};
use crate::shape::check::{Mismatch, Strictness, What, check, retype};
use crate::shape::{Path, Tree, table};

use super::Context;
use super::{reconcile, rules};

/// What came of the documents so far.
#[derive(Default)]
pub struct Found<'a> {
    pub objects: BTreeMap<Key, (Object, &'a Document)>,
    pub findings: Vec<Finding>,
    /// Kind and name of documents that are not in force.
    pub rejected: BTreeSet<(String, String)>,
    pub skipped: usize,
    /// Who was first to claim an object's name in AWS; two keys may lead to one.
    claimed: BTreeMap<(Kind, Option<String>, String), (Key, &'a Document)>,
}

impl<'a> Found<'a> {
    /// Takes one document in, or the reasons why not.
    pub fn take(&mut self, context: &Context<'a>) {
        let document = context.document;
        if elsewhere(context) {
            self.skipped += 1;
            return;
        }
        let mut findings = Vec::new();
        for rule in rules::RULES {
            let before = findings.len();
            (rule.look)(context, &mut findings);
            findings.iter_mut().skip(before).for_each(|finding| finding.rule = rule.name);
        }
        let object = context.kind().map(|kind| object(context, definition(kind), &mut findings));
        let Some(object) = object.filter(|_| findings.is_empty()) else {
            self.reject(document, findings);
            return;
        };
        let claim = (object.key.kind, object.key.cluster.clone(), object.aws_name().to_owned());
        if let Some((key, first)) = self.claimed.get(&claim).cloned() {
            self.twice(&key, first, document);
            return;
        }
        self.claimed.insert(claim, (object.key.clone(), document));
        self.objects.insert(object.key.clone(), (object, document));
    }

    /// Whether there is a document of the object, or may be one, that can't be used.
    pub fn is_broken(&self, reading: &Reading, key: &Key) -> bool {
        let kind = key.kind.as_str();
        self.rejected.contains(&(kind.to_owned(), key.name.clone())) || reading.may_describe(kind, &key.name)
    }

    /// Services whose task definition is nowhere are not in force. One that broken text may hold is somewhere: what was
    /// last read of it holds, and the text has a finding of its own.
    pub fn resolve(&mut self, reading: &Reading) {
        let gone = |(object, document): &(Object, &'a Document)| {
            let wanted = (object.key.kind == Kind::Service).then(|| service::task_definition(object))?;
            let key = wanted.manifest()?;
            (!self.is_broken(reading, &key) && !self.objects.contains_key(&key))
                .then(|| (object.key.clone(), key.name, *document))
        };
        let gone: Vec<_> = self.objects.values().filter_map(gone).collect();
        for (key, name, document) in gone {
            self.objects.remove(&key);
            let message = format!("there is no TaskDefinition {name:?} in the manifests");
            let at = Path::from("spec.taskDefinition");
            let mut finding = document.finding(at, At::Value, "reference", message);
            finding.remedy = Some("declare it, or name a live one as family:revision".to_owned());
            self.reject(document, vec![finding]);
        }
    }

    fn reject(&mut self, document: &Document, findings: Vec<Finding>) {
        self.rejected.insert((document.kind.clone(), document.name().to_owned()));
        self.findings.extend(findings);
    }

    /// Two documents for one object: which one was meant can't be known, so neither is in force.
    fn twice(&mut self, key: &Key, first: &Document, second: &Document) {
        self.objects.remove(key);
        for (here, there) in [(first, second), (second, first)] {
            let place = there.finding(Path::from("metadata.name"), At::Value, "duplicate-object", "");
            let message =
                format!("{} is declared a second time at {}:{}:{}", key.short(), place.file, place.line, place.column);
            let finding = here.finding(Path::from("metadata.name"), At::Value, "duplicate-object", message);
            self.reject(here, vec![finding]);
        }
    }
}

fn elsewhere(context: &Context<'_>) -> bool {
    let other = |member: &str, ours: &str| context.document.metadata.text(member).is_some_and(|theirs| theirs != ours);
    other("region", &context.place.region) || other("account", &context.place.account)
}

fn object(context: &Context<'_>, definition: &Definition, findings: &mut Vec<Finding>) -> Object {
    let document = context.document;
    let spec = spec(context, definition, findings);
    let cluster =
        definition.in_cluster.then(|| document.metadata.text("cluster").unwrap_or(service::CLUSTER_DEFAULT).to_owned());
    Object {
        key: Key { place: context.place.clone(), cluster, kind: definition.kind, name: document.name().to_owned() },
        spec,
        reconcile: reconcile::read(context, findings),
        origin: Origin { file: document.file.clone(), document: document.index },
    }
}

/// The spec as AWS's API takes it: read-only members of a pasted description left out, variables typed, the name
/// filled in, everything checked against the shape.
fn spec(context: &Context<'_>, definition: &Definition, findings: &mut Vec<Finding>) -> Tree {
    let document = context.document;
    let pasted = document.spec.as_map().into_iter().flatten();
    let kept = pasted.filter(|(name, _)| !definition.is_read_only(name));
    let mut spec = Tree::Map(kept.map(|(name, value)| (name.clone(), value.clone())).collect());
    let below = |path: &Path| match path.0.split_first() {
        Some((crate::shape::Segment::Name(first), rest)) if first == "spec" => Some(Path(rest.to_vec())),
        _ => None,
    };
    let variables: Vec<Path> = document.variables.keys().filter_map(below).collect();
    retype(table::ecs(), definition.structure(), &mut spec, &variables);
    if spec.get(definition.name_member).is_none() {
        spec.set(definition.name_member, document.name());
    }
    let reserved = |mismatch: &Mismatch| definition.reserved.iter().any(|(name, _)| mismatch.path == Path::from(*name));
    for mismatch in check(table::ecs(), definition.structure(), &spec, Strictness::Full) {
        if !reserved(&mismatch) {
            findings.push(shape_finding(context, &mismatch));
        }
    }
    spec
}

fn shape_finding(context: &Context<'_>, mismatch: &Mismatch) -> Finding {
    let (at, rule) = match mismatch.what {
        What::Unknown { .. } => (At::Key, "unknown-member"),
        What::Missing { .. } => (At::Value, "missing-member"),
        What::Null => (At::Value, "null"),
        What::WrongType { .. } | What::NotOneMember { .. } => (At::Value, "type"),
        What::NotOneOf { .. } | What::OutOfRange { .. } => (At::Value, "value"),
    };
    let path = mismatch.path.below(&Path::from("spec"));
    let whole = Mismatch { path: path.clone(), ..mismatch.clone() };
    let mut finding = context.finding(path, at, rule, whole.to_string());
    finding.remedy = mismatch.remedy();
    finding
}
