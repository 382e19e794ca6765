//! CloudFormation templates: the ECS resources of one, as far as their values can be known. Must not know: files.

mod resolve;

use crate::kinds::{Definition, Kind, definition};
use crate::manifest::{Foreign, Places};
use crate::shape::{Path, Tree};

use super::convert::{Converter, Exception};
use super::{Claim, Found, Note, Spot, What, names};
use resolve::Resolver;

/// Names that differ from the API's by more than case.
const EXCEPTIONS: &[Exception] = &[
    ("placementstrategies", &["placementStrategy"]),
    ("proxyconfigurationproperties", &["properties"]),
    ("clustersettings", &["settings"]),
];

const KINDS: [(&str, Kind); 3] = [
    ("AWS::ECS::Cluster", Kind::Cluster),
    ("AWS::ECS::TaskDefinition", Kind::TaskDefinition),
    ("AWS::ECS::Service", Kind::Service),
];

/// Whether a document is a template.
pub fn is(tree: &Tree) -> bool {
    let typed = |one: &Tree| one.text("Type").is_some_and(|name| name.contains("::"));
    tree.get("AWSTemplateFormatVersion").is_some()
        || tree.get("Resources").and_then(Tree::as_map).is_some_and(|all| all.values().any(typed))
}

pub(super) fn kind(resource: &Tree) -> Option<Kind> {
    let name = resource.text("Type")?;
    KINDS.iter().find(|(one, _)| *one == name).map(|(_, kind)| *kind)
}

/// The objects of a template.
pub fn found(document: &Foreign, parameters: &[(String, String)], notes: &mut Vec<Note>) -> Vec<Found> {
    let places = document.places();
    let spot = |path: &Path| Spot::new(&document.file, places.find(path));
    let root = Path::root();
    if document.tree.get("Transform").is_some() {
        let message = "a macro changes the template before it is used; what it would make is not known";
        notes.push(Note::new(What::LeftOut, message).at(spot(&root.name("Transform"))));
    }
    let mut all = Vec::new();
    let mut others = 0;
    for (id, resource) in document.tree.get("Resources").and_then(Tree::as_map).into_iter().flatten() {
        let at = root.name("Resources").name(id);
        let name = resource.text("Type").unwrap_or_default();
        match kind(resource) {
            Some(kind) => all.extend(one(document, &places, id, kind, parameters, notes)),
            None if name.starts_with("AWS::ECS::") || is_custom(name) => {
                let message = format!("{id} is a {name}, for which there is no kind of manifest");
                notes.push(Note::new(What::LeftOut, message).at(spot(&at)));
            }
            None => others += 1,
        }
    }
    if others > 0 {
        let message = format!("what is not ECS's stays with the stack: {others} of its resources");
        notes.push(Note::new(What::Warning, message).at(spot(&root.name("Resources"))));
    }
    all
}

fn is_custom(name: &str) -> bool {
    name.starts_with("Custom::")
        || name == "AWS::CloudFormation::CustomResource"
        || name == "AWS::CloudFormation::Stack"
}

fn one(
    document: &Foreign,
    places: &Places,
    id: &str,
    kind: Kind,
    parameters: &[(String, String)],
    notes: &mut Vec<Note>,
) -> Option<Found> {
    let at = Path::from("Resources").name(id);
    let resource = document.tree.find(&at)?;
    let mut resolver = Resolver::new(&document.tree, parameters);
    let spot = |path: &Path| Spot::new(&document.file, places.find(path));
    if resource.text("Condition").and_then(|name| resolver.condition(name)) == Some(false) {
        notes.push(Note::new(What::Warning, format!("{id} is not made: its condition does not hold")).at(spot(&at)));
        return None;
    }
    let definition = definition(kind);
    let (mut spec, unknown, remarks) = spec(definition, &mut resolver, resource, &at);
    let from = format!("{} ({id})", spot(&at));
    let name = spec.text(definition.name_member).map(str::to_owned);
    let mut found = Found::new(kind, name.clone().unwrap_or_else(|| id.to_owned()), Tree::map(), from);
    if name.is_none() {
        let message =
            format!("{id} has no {} of its own; the stack made one up, here it is {id}", definition.name_member);
        notes.push(Note::new(What::Warning, message).at(spot(&at)).of(&found));
    }
    if let Some(cluster) = spec.remove("cluster").as_ref().and_then(Tree::as_text).filter(|_| kind == Kind::Service) {
        found.cluster = Some(cluster.rsplit('/').next().unwrap_or(cluster).to_owned());
    }
    found.remarks = remarks;
    for (source, target) in unknown {
        let message = format!("{target} is not known to this version");
        found.remarks.entry(target.parent()).or_default().push(format!("Left out: {message}."));
        notes.push(Note::new(What::LeftOut, message).at(spot(&source)).of(&found));
    }
    let stack = parameters.iter().find(|(name, _)| name == "AWS::StackName").map(|(_, value)| value.clone());
    found.claim = Some(Claim::CloudFormation { stack: stack.unwrap_or_default(), resource: id.to_owned() });
    found.spec = spec;
    for open in resolver.opened {
        let message = format!("{}; ${{var.{}}} stands for it", open.variable.why, open.name);
        notes.push(Note::new(What::Placeholder, message).at(spot(&open.at)).of(&found));
        found.variables.insert(open.name, open.variable);
    }
    Some(found)
}

fn spec(
    definition: &Definition,
    resolver: &mut Resolver<'_>,
    resource: &Tree,
    at: &Path,
) -> (Tree, Vec<(Path, Path)>, super::Remarks) {
    let empty = Tree::map();
    let properties = resource.get("Properties").unwrap_or(&empty);
    let mut resolve = |tree: &Tree, path: &Path| resolver.step(tree, path);
    let mut converter = Converter {
        exceptions: EXCEPTIONS,
        dropped: &[],
        resolve: &mut resolve,
        unknown: Vec::new(),
        remarks: super::Remarks::new(),
    };
    let spec = converter.structure(definition.structure(), properties, &at.name("Properties"), &Path::root());
    (spec, converter.unknown, converter.remarks)
}

/// The variable that stands for what a function would give.
fn variable_of(what: &str) -> String {
    names::variable(what)
}
