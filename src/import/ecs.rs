//! ECS's own JSON: what describes, registers and creates, told apart by its members. Must not know: other tools.

use crate::kinds::claims::{self, Claim};
use crate::kinds::{Kind, definition, service, task_definition};
use crate::manifest::{Foreign, Places};
use crate::shape::{Path, Tree};

use super::{Found, Note, Spot, What, fit, redact};

/// Lists of descriptions, and the kind of their items.
const LISTS: [(&str, Kind); 2] = [("services", Kind::Service), ("clusters", Kind::Cluster)];

/// The kind of one object, by its members.
fn kind(tree: &Tree) -> Option<Kind> {
    let has = |name: &str| tree.get(name).is_some();
    match () {
        () if has("containerDefinitions") => Some(Kind::TaskDefinition),
        () if has("serviceName") || has("taskDefinition") && tree.text("taskDefinition").is_some() => {
            Some(Kind::Service)
        }
        () if has("desiredCount") || has("launchType") || has("deploymentConfiguration") => Some(Kind::Service),
        () if has("clusterName") => Some(Kind::Cluster),
        () => None,
    }
}

/// Whether it is any of these.
pub fn is(tree: &Tree) -> bool {
    let inside = || tree.as_list().and_then(<[Tree]>::first).is_some_and(|one| kind(one).is_some());
    !objects(tree).is_empty() || inside()
}

/// The objects of a document with their paths; a described task definition's tags stand beside it.
fn objects(tree: &Tree) -> Vec<(Path, Kind, Tree)> {
    let root = Path::root();
    if let Some(described) = tree.get("taskDefinition").filter(|one| one.as_map().is_some()) {
        let tags = tree.get("tags").filter(|tags| !tags.is_empty());
        return vec![(root.name("taskDefinition"), Kind::TaskDefinition, described.clone().with_some("tags", tags))];
    }
    for (name, kind) in LISTS {
        if let Some(items) = tree.get(name).and_then(Tree::as_list) {
            let items = items.iter().enumerate().filter(|(_, item)| item.as_map().is_some());
            return items.map(|(index, item)| (root.name(name).index(index), kind, item.clone())).collect();
        }
    }
    if let Some(items) = tree.as_list() {
        let one = |(index, item): (usize, &Tree)| Some((root.index(index), kind(item)?, item.clone()));
        return items.iter().enumerate().filter_map(one).collect();
    }
    kind(tree).map(|kind| (root, kind, tree.clone())).into_iter().collect()
}

/// The objects of a document.
pub fn found(document: &Foreign, notes: &mut Vec<Note>) -> Vec<Found> {
    let places = document.places();
    let mut all = Vec::new();
    for (at, kind, tree) in objects(&document.tree) {
        let mut found = one(&document.file, &places, &at, kind, tree, notes);
        redact::literal(&mut found.spec, &mut found.variables);
        all.push(found);
    }
    all
}

/// One object as it is given.
pub fn one(file: &str, places: &Places, at: &Path, kind: Kind, mut tree: Tree, notes: &mut Vec<Note>) -> Found {
    let definition = definition(kind);
    let spot = |path: &Path| Spot::new(file, places.find(&path.below(at)));
    if kind == Kind::Service && tree.get("deployments").is_some() {
        tree = service::shown(&tree).into_owned();
    }
    let members = tree.as_map().into_iter().flatten().filter(|(name, _)| !definition.is_read_only(name));
    let mut spec = Tree::Map(members.map(|(name, value)| (name.clone(), value.clone())).collect());
    let name = spec.text(definition.name_member).filter(|name| !name.is_empty()).map(str::to_owned);
    let stem = file.rsplit('/').next().and_then(|file| file.split('.').next()).unwrap_or(file);
    let from = spot(&Path::root()).to_string();
    let mut found = Found::new(kind, name.clone().unwrap_or_else(|| stem.to_owned()), Tree::map(), from);
    if name.is_none() {
        let message = format!("it has no {}; here it is called {stem}, after its file", definition.name_member);
        notes.push(Note::new(What::Warning, message).at(spot(&Path::root())).of(&found));
    }
    if let Some(cluster) = spec.remove("cluster").as_ref().and_then(Tree::as_text).filter(|name| !name.is_empty()) {
        found.cluster = Some(task_definition::short(cluster).to_owned());
    } else if let Some(arn) = tree.text("clusterArn") {
        found.cluster = Some(task_definition::short(arn).to_owned());
    }
    if kind == Kind::Service && spec.text("schedulingStrategy") == Some("DAEMON") {
        spec.remove("desiredCount");
    }
    spec.remove("clientToken");
    found.claim = Claim::of(spec.list("tags"));
    let own = claims::own_tags(spec.list("tags"));
    if own.is_empty() {
        drop(spec.remove("tags"))
    } else {
        spec.set("tags", own)
    }
    let unfit = fit::fit(definition, &mut spec);
    for path in &unfit.unknown {
        let message = format!("{path} is not known to this version");
        found.remarks.entry(path.parent()).or_default().push(format!("Left out: {message}."));
        notes.push(Note::new(What::LeftOut, message).at(spot(path)).of(&found));
    }
    for path in &unfit.blank {
        notes.push(Note::new(What::Warning, format!("{path} is empty, and left out")).at(spot(path)).of(&found));
    }
    found.spec = spec;
    found
}

/// Names the task definitions that are here too by their families.
pub fn join(all: &mut [Found]) {
    let families: Vec<(String, Option<String>)> = all
        .iter()
        .filter(|one| one.kind == Kind::TaskDefinition)
        .map(|one| (one.name.clone(), one.runs.clone()))
        .collect();
    for one in all.iter_mut().filter(|one| one.kind == Kind::Service) {
        let Some(named) = one.spec.text("taskDefinition").map(task_definition::short).map(str::to_owned) else {
            continue;
        };
        let family = task_definition::parts(&named).map_or(named.as_str(), |(family, _)| family);
        if families.iter().any(|(name, _)| name == family) {
            one.spec.set("taskDefinition", family);
            one.runs = task_definition::parts(&named).map(|_| named.clone());
        }
    }
}
