//! The members that all documents have in common: apiVersion, kind, metadata, reconcile, spec.
//!
//! Must not know: any kind.

use super::finding::{At, Fault};
use super::limits;
use crate::shape::{Map, Path, Tree};

/// The one version there is.
pub const API_VERSION: &str = "ecs-operator.io/v1";

const MEMBERS: [&str; 5] = ["apiVersion", "kind", "metadata", "reconcile", "spec"];
const METADATA: [&str; 5] = ["name", "cluster", "region", "account", "labels"];
const DEFAULTS: [&str; 7] = ["apiVersion", "kind", "vars", "include", "metadata", "images", "defaults"];

/// A document's parts.
#[derive(Debug)]
pub(super) struct Envelope {
    pub kind: String,
    pub metadata: Tree,
    pub reconcile: Tree,
    pub spec: Tree,
}

/// Takes a document apart, or says everything that is wrong with its envelope.
pub(super) fn open(tree: Tree) -> Result<Envelope, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut map = members(tree, &MEMBERS, &mut faults)?;
    for name in ["metadata", "reconcile", "spec"] {
        if let Some(wrong) = map.get(name).filter(|value| value.as_map().is_none()) {
            let fault = Fault::new(
                Path::from(name),
                At::Key,
                "envelope",
                format!("{name} is {}; it takes a map", wrong.noun()),
            );
            let fault = if *wrong == Tree::Null { fault.remedy("remove it, or give it members") } else { fault };
            faults.push(fault);
        }
    }
    let metadata = match map.remove("metadata") {
        Some(Tree::Map(metadata)) => Tree::Map(check_metadata(metadata, &mut faults)),
        Some(_) => Tree::map(),
        None => {
            faults.push(
                Fault::new(Path::root(), At::Value, "envelope", "metadata is missing").remedy("metadata: { name: … }"),
            );
            Tree::map()
        }
    };
    if !faults.is_empty() {
        return Err(faults);
    }
    let kind = map.get("kind").and_then(Tree::as_text).unwrap_or_default().to_owned();
    let mut part = |name: &str| map.remove(name).unwrap_or_else(Tree::map);
    Ok(Envelope { kind, metadata, reconcile: part("reconcile"), spec: part("spec") })
}

/// The variables of a `Defaults` document.
pub(super) fn open_defaults(tree: Tree) -> Result<Tree, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut map = members(tree, &DEFAULTS, &mut faults)?;
    for name in ["include", "metadata", "images", "defaults"] {
        if map.contains_key(name) {
            let message = format!("{name} in a Defaults document is not supported yet; vars is");
            faults.push(Fault::new(Path::from(name), At::Key, "not-supported-yet", message));
        }
    }
    if faults.is_empty() { Ok(map.remove("vars").unwrap_or_else(Tree::map)) } else { Err(faults) }
}

/// The map at the root, its apiVersion and kind looked at, with no member it should not have.
fn members(tree: Tree, known: &[&str], faults: &mut Vec<Fault>) -> Result<Map, Vec<Fault>> {
    let Tree::Map(map) = tree else {
        let message =
            format!("the document is {}; it takes a map with apiVersion, kind, metadata and spec", tree.noun());
        return Err(vec![Fault::new(Path::root(), At::Value, "envelope", message)]);
    };
    if !map.contains_key("apiVersion") && !map.contains_key("kind") {
        let message = format!("not a manifest: apiVersion: {API_VERSION} and kind are missing");
        let remedy = "exclude files that are something else in .ecs-operator-ignore";
        return Err(vec![Fault::new(Path::root(), At::Value, "envelope", message).remedy(remedy)]);
    }
    unknown(&map, &Path::root(), known, faults);
    match map.get("apiVersion") {
        Some(Tree::Text(version)) if **version == *API_VERSION => {}
        Some(Tree::Text(version)) => {
            let message = format!("apiVersion {version} is not known");
            faults
                .push(Fault::new(Path::from("apiVersion"), At::Value, "api-version", message).remedy(wanted_version()));
        }
        Some(other) => {
            let message = format!("apiVersion is {}; it takes a string", other.noun());
            faults
                .push(Fault::new(Path::from("apiVersion"), At::Value, "api-version", message).remedy(wanted_version()));
        }
        None => {
            let fault = Fault::new(Path::root(), At::Value, "api-version", "apiVersion is missing");
            faults.push(fault.remedy(wanted_version()));
        }
    }
    match map.get("kind") {
        Some(Tree::Text(kind)) if !kind.is_empty() => {}
        Some(other) => {
            let noun = if other.is_empty() { "empty" } else { other.noun() };
            faults.push(Fault::new(
                Path::from("kind"),
                At::Value,
                "envelope",
                format!("kind is {noun}; it takes a name"),
            ));
        }
        None => faults.push(Fault::new(Path::root(), At::Value, "envelope", "kind is missing")),
    }
    Ok(map)
}

fn wanted_version() -> String {
    format!("write apiVersion: {API_VERSION}")
}

/// Members that are none: a slip, or something that belongs a level deeper.
pub(super) fn unknown(map: &Map, path: &Path, known: &[&str], faults: &mut Vec<Fault>) {
    for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
        let at = path.name(name);
        let message = format!("{at} is not known here");
        let all = format!("known are {}", known.join(", "));
        let known = known.iter().copied().filter(|_| faults.len() < limits::FINDINGS);
        faults.push(Fault::new(at, At::Key, "unknown-member", message).remedy(all).near(name, known));
    }
}

fn check_metadata(mut metadata: Map, faults: &mut Vec<Fault>) -> Map {
    let at = Path::from("metadata");
    unknown(&metadata, &at, &METADATA, faults);
    // Twelve digits without a leading zero look like a number to YAML and lose nothing by it.
    if let Some(Tree::Int(account @ 100_000_000_000..=999_999_999_999)) = metadata.get("account") {
        let account = Tree::from(account.to_string());
        metadata.insert("account".to_owned(), account);
    }
    if !metadata.contains_key("name") {
        faults.push(Fault::new(at.clone(), At::Key, "envelope", "metadata.name is missing"));
    }
    for name in ["name", "cluster", "region", "account"] {
        if let Some(value) = metadata.get(name) {
            text(value, &at.name(name), false, faults);
        }
    }
    match metadata.get("labels") {
        Some(Tree::Map(labels)) => {
            for (name, value) in labels {
                text(value, &at.name("labels").name(name), true, faults);
            }
        }
        Some(other) => {
            let message = format!("metadata.labels is {}; it takes a map of strings", other.noun());
            faults.push(Fault::new(at.name("labels"), At::Key, "envelope", message));
        }
        None => {}
    }
    metadata
}

fn text(value: &Tree, path: &Path, may_be_empty: bool, faults: &mut Vec<Fault>) {
    let fault = |message: String| Fault::new(path.clone(), At::Value, "envelope", message);
    match value {
        Tree::Text(text) if text.is_empty() && !may_be_empty => faults.push(fault(format!("{path} is empty"))),
        Tree::Text(_) => {}
        other => {
            let fault = fault(format!("{path} is {}; it takes a string", other.noun()));
            let scalar = !matches!(other, Tree::Null | Tree::List(_) | Tree::Map(_));
            faults.push(if scalar { fault.remedy("write it in quotes") } else { fault });
        }
    }
}
