//! Documents into objects: spec against shape, identities, references; then the rules on what fits.
//!
//! Rules on specs look only at what fits its shape: what they would say of half a structure misleads.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::kinds::service;
use crate::kinds::{Adopt, Definition, Key, Kind, Lookup, Object, Origin, definition, lookup, secrets};
use crate::manifest::{At, DEFAULTS_KIND, Document, Fault, Finding, Identity, Reading, Severity, limits};
use crate::shape::check::{Mismatch, Strictness, What, check, retype};
use crate::shape::near::nearest;
use crate::shape::{Path, Segment, Tree};

use super::Context;
use super::subject::{Launches, Service, TaskDefinition};
use super::{reconcile, rules};

/// What came of the documents so far.
#[derive(Default)]
pub struct Found<'a> {
    pub objects: BTreeMap<Key, (Object, &'a Document)>,
    pub findings: Vec<Finding>,
    /// Documents that are not in force.
    pub rejected: usize,
    pub skipped: usize,
    /// What the rejected documents are of.
    broken: Vec<Identity>,
    /// What fits its shape, before it is known whether it is declared once.
    candidates: Vec<(Object, &'a Document)>,
    launches: Launches,
}

/// An object as AWS knows it: two keys may lead to one.
type Claim = (Kind, Option<String>, String);

pub fn claim(object: &Object) -> Claim {
    // A security group's name is its VPC's affair.
    let within = object.key.cluster.clone().or_else(|| object.spec.text("VpcId").map(str::to_owned));
    (object.key.kind, within, object.aws_name().to_owned())
}

impl<'a> Found<'a> {
    /// Takes one document in, or the reasons why not.
    pub fn take(&mut self, context: &Context<'a>) {
        let document = context.document;
        if elsewhere(context) {
            self.skipped += 1;
            return;
        }
        let mut faults = rules::on_document(context);
        let object = context.kind().map(|kind| object(context, definition(kind), &mut faults));
        let Some(object) = object.filter(|_| faults.is_empty()) else {
            self.reject(document, faults);
            return;
        };
        self.candidates.push((object, document));
    }

    /// Whether there is a document of the object, or may be one, that can't be used.
    pub fn is_broken(&self, reading: &Reading, key: &Key) -> bool {
        // A misspelt kind could be any.
        let may_be = |kind: &str| Kind::parse(kind).is_none_or(|kind| kind == key.kind) && kind != DEFAULTS_KIND;
        let unread = reading.broken.iter().filter_map(|broken| broken.identity.as_ref());
        let of = |identity: &Identity| identity.name == key.name && may_be(&identity.kind);
        self.broken.iter().chain(unread).any(of) || reading.may_describe(key.kind.as_str(), &key.name)
    }

    /// The rules on specs: services last, since they look at their task definitions too.
    pub fn resolve(&mut self, reading: &Reading) {
        self.declare();
        for kind in Kind::ALL {
            let of_kind = |key: &&Key| key.kind == kind;
            for key in self.objects.keys().filter(of_kind).cloned().collect::<Vec<_>>() {
                let Some((object, document)) = self.objects.get(&key) else { continue };
                let (faults, document) = (self.faults(object, reading), *document);
                if faults.iter().any(|fault| fault.severity == Severity::Error) {
                    self.objects.remove(&key);
                    self.reject(document, faults);
                } else {
                    self.findings.extend(document.findings(faults));
                }
            }
        }
    }

    fn faults(&self, object: &Object, reading: &Reading) -> Vec<Fault> {
        match object.key.kind {
            Kind::Cluster => rules::on_spec(object),
            Kind::SecurityGroup => rules::on_security_group(object),
            Kind::TaskDefinition => rules::on_task_definition(object, &TaskDefinition::of(object)),
            Kind::Service => {
                let (definition, gone) = self.task_definition(object, reading);
                // What goes with it is in another's hands.
                let definition = definition.filter(|_| object.reconcile.adopt != Adopt::Shared);
                let (spec, place) = (&object.spec, &object.key.place);
                let (lookup, launches) = (&object.lookup, &self.launches);
                let service = Service { spec, lookup, place, definition, launches };
                let gone = gone.into_iter().chain(self.security_groups(object, reading));
                let said = rules::on_service(object, &service).into_iter();
                gone.chain(said.filter(|fault| is_said(object, fault))).collect()
            }
        }
    }

    /// The task definition of a service, or that it is nowhere. One that broken text may hold is somewhere: what was
    /// last read of it holds, and the text has a finding of its own.
    fn task_definition(&self, object: &Object, reading: &Reading) -> (Option<TaskDefinition<'_>>, Option<Fault>) {
        let Some(key) = service::task_definition(object).manifest() else { return (None, None) };
        if let Some((definition, _)) = self.objects.get(&key) {
            return (Some(TaskDefinition::of(definition)), None);
        }
        if self.is_broken(reading, &key) {
            return (None, None);
        }
        // With many wrong references and many names, looking takes time.
        let told = self.findings.iter().filter(|finding| finding.rule == "reference").count();
        let few = told < limits::FINDINGS;
        let others =
            self.objects.keys().filter(|key| few && key.kind == Kind::TaskDefinition).map(|key| key.name.as_str());
        let remedy = match nearest(&key.name, others) {
            Some(near) => format!("did you mean {near}?"),
            None => "declare it, or name a live one as family:revision".to_owned(),
        };
        let message = format!("there is no TaskDefinition {:?} in the manifests", key.name);
        let fault = Fault::new(Path::from("spec.taskDefinition"), At::Value, "reference", message).remedy(remedy);
        (None, Some(fault))
    }

    /// The security groups that a service names and that are nowhere.
    fn security_groups(&self, object: &Object, reading: &Reading) -> Vec<Fault> {
        let at = Path::from("spec.networkConfiguration.awsvpcConfiguration.securityGroups");
        let all = object.lookup.named.as_deref().and_then(Tree::as_list).unwrap_or_default().iter().enumerate();
        let named = all.filter_map(|(index, name)| Some((index, name.as_text()?)));
        let fault = |(index, name): (usize, &str)| {
            let key = service::security_group(object, name);
            if lookup::is_id(name) || self.objects.contains_key(&key) || self.is_broken(reading, &key) {
                return None;
            }
            let others = self.objects.keys().filter(|key| key.kind == Kind::SecurityGroup).map(|key| key.name.as_str());
            let remedy = match nearest(name, others) {
                Some(near) => format!("did you mean {near}?"),
                None => "declare it, or name a live one by its id, sg-…".to_owned(),
            };
            let message = format!("there is no SecurityGroup {name:?} in the manifests");
            Some(Fault::new(at.index(index), At::Value, "reference", message).remedy(remedy))
        };
        named.filter_map(fault).collect()
    }

    fn reject(&mut self, document: &Document, faults: Vec<Fault>) {
        self.rejected += 1;
        self.broken.push(document.identity());
        self.findings.extend(document.findings(faults));
    }

    /// Several documents for one name, here or in AWS: which one was meant can't be known, so none is in force.
    fn declare(&mut self) {
        let candidates = std::mem::take(&mut self.candidates);
        let (mut keys, mut claims) = (BTreeMap::<_, Vec<usize>>::new(), BTreeMap::<_, Vec<usize>>::new());
        for (index, (object, _)) in candidates.iter().enumerate() {
            keys.entry(object.key.clone()).or_default().push(index);
            claims.entry(claim(object)).or_default().push(index);
        }
        let mut twice = Vec::new();
        for (index, (object, document)) in candidates.iter().enumerate() {
            // The first of the others; each document is told of one.
            let other = |all: Option<&Vec<usize>>| all?.iter().find(|other| **other != index).copied();
            let other = other(keys.get(&object.key)).or_else(|| other(claims.get(&claim(object))));
            if let Some((other, there)) = other.and_then(|other| candidates.get(other)) {
                twice.push((*document, again(object, other, there)));
            }
        }
        for (object, document) in candidates {
            self.objects.insert(object.key.clone(), (object, document));
        }
        for (document, fault) in twice {
            self.objects.retain(|_, (_, other)| !std::ptr::eq(*other, document));
            self.reject(document, vec![fault]);
        }
    }
}

/// Whether a finding is of what the manifest says: of a service that is shared it says a part, and what is missing there is
/// said elsewhere.
fn is_said(object: &Object, fault: &Fault) -> bool {
    let below = Path(fault.path.0.iter().skip(1).cloned().collect());
    object.reconcile.adopt != Adopt::Shared || object.spec.find(&below).is_some()
}

/// What to say of an object at the place of its name, when it is declared elsewhere too.
fn again(object: &Object, other: &Object, there: &Document) -> Fault {
    let name = Path::from("metadata.name");
    let place = there.locator().find(&name, At::Value);
    let place = format!("{}:{}:{}", there.file, place.line, place.column);
    let message = match object.key == other.key {
        true => format!("{} is declared a second time at {place}", object.key.short()),
        false => format!("the {} {} is also declared at {place}", object.key.kind, object.aws_name()),
    };
    let fault = Fault::new(name, At::Value, "duplicate-object", message);
    fault.remedy("keep one of them, or give the others another name")
}

fn elsewhere(context: &Context<'_>) -> bool {
    let other = |member: &str, ours: &str| context.document.metadata.text(member).is_some_and(|theirs| theirs != ours);
    other("region", &context.place.region) || other("account", &context.place.account)
}

fn object(context: &Context<'_>, definition: &Definition, faults: &mut Vec<Fault>) -> Object {
    let document = context.document;
    let (spec, lookup) = spec(context, definition, faults);
    let cluster =
        definition.in_cluster.then(|| document.metadata.text("cluster").unwrap_or(service::CLUSTER_DEFAULT).to_owned());
    Object {
        key: Key::new(context.place.clone(), cluster, definition.kind, document.name().to_owned()),
        spec,
        lookup,
        reconcile: Arc::new(reconcile::read(context, faults)),
        origin: Origin { file: document.file.clone(), document: document.index },
    }
}

/// The spec as AWS's API takes it: read-only members of a pasted description left out, variables typed, the name
/// filled in, everything checked against the shape.
fn spec(context: &Context<'_>, definition: &Definition, faults: &mut Vec<Fault>) -> (Tree, Lookup) {
    let document = context.document;
    let pasted = document.spec.as_map().into_iter().flatten();
    let kept = pasted.filter(|(name, _)| !definition.is_read_only(name));
    let mut spec = Tree::Map(kept.map(|(name, value)| (name.clone(), value.clone())).collect());
    let below = |path: &Path| match path.0.split_first() {
        Some((Segment::Name(first), rest)) if first == "spec" => Some(Path(rest.to_vec())),
        _ => None,
    };
    let variables: Vec<Path> = document.variables.keys().filter_map(below).collect();
    retype(definition.table(), definition.structure(), &mut spec, &variables);
    if spec.get(definition.name_member).is_none() {
        spec.set(definition.name_member, document.name());
    }
    let lookup = if definition.kind == Kind::Service { Lookup::take_from(&mut spec) } else { Lookup::default() };
    let reserved = |mismatch: &Mismatch| definition.reserved.iter().any(|(name, _)| mismatch.path == Path::from(*name));
    for mismatch in check(definition.table(), definition.structure(), &spec, Strictness::Full) {
        if !reserved(&mismatch) && !stands_for(&lookup, &mismatch) {
            faults.push(shape_fault(mismatch));
        }
    }
    for name in definition.required.iter().filter(|name| spec.get(name).is_none()) {
        faults.push(shape_fault(Mismatch { path: Path::root().name(name), what: What::Missing { name } }));
    }
    (spec, lookup)
}

/// Whether terms stand for what is missing.
fn stands_for(lookup: &Lookup, mismatch: &Mismatch) -> bool {
    let What::Missing { name } = mismatch.what else { return false };
    let network = Path::from("networkConfiguration.awsvpcConfiguration");
    let stands = |sort: &&lookup::Sort| sort.list == name && lookup.of(sort).is_some();
    mismatch.path == network.name(name) && lookup::SORTS.iter().any(stands)
}

fn shape_fault(mismatch: Mismatch) -> Fault {
    let (at, rule) = match mismatch.what {
        What::Unknown { .. } => (At::Key, "unknown-member"),
        What::Missing { .. } => (At::Value, "missing-member"),
        What::Null => (At::Value, "null"),
        What::WrongType { .. } | What::NotOneMember { .. } => (At::Value, "type"),
        What::NotOneOf { .. } | What::OutOfRange { .. } => (At::Value, "value"),
    };
    let whole = Mismatch { path: mismatch.path.below(&Path::from("spec")), ..mismatch };
    if matches!(whole.what, What::Unknown { near: None, .. }) && secrets::is_secret(&whole.path.parent()) {
        // `value: a,b` within braces makes a member of what stands behind the comma.
        let parent = whole.path.parent();
        let message = format!("{parent} has a member that is not known");
        return Fault::new(parent, At::Value, rule, message).remedy("write a value that has a comma in quotes");
    }
    let fault = Fault::new(whole.path.clone(), at, rule, whole.to_string());
    let remedy = match whole.what {
        // The remedy repeats the value, which may be secret.
        What::WrongType { expected, ref found } if secrets::is_secret(&whole.path) => {
            let scalar = !matches!(found, Tree::Null | Tree::List(_) | Tree::Map(_));
            (scalar && expected == "a string").then(|| "write it in quotes".to_owned())
        }
        _ => whole.remedy(),
    };
    Fault { remedy, ..fault }
}
