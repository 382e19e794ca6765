//! What manifests may be, as JSON Schema (draft 7, which editors know best), from the shape table. Must not know: files.
//!
//! It says what the shapes say and no more: relations between members are the rules' business. Where a member is no
//! text, a variable may stand for it, as in the manifests.

use crate::kinds::drift::POINTERS_MAX;
use crate::kinds::{Adopt, Definition, Drift, Keep, Kind, Policy, Prune, ReplaceHow, definition, lookup};
use crate::manifest::{API_VERSION, DEFAULTS_KIND, KEEP_MAX};
use crate::shape::table::{self, Member, Range, Shape, Structure, Table};
use crate::shape::{Map, Tree};
use crate::tree;

/// What there are schemas of: the kinds, and the settings file.
pub const NAMES: &[&str] = &["Cluster", "SecurityGroup", "TaskDefinition", "Service", DEFAULTS_KIND, SETTINGS];
const SETTINGS: &str = "Settings";

/// The schema of a kind, or, without one, of whatever a manifest may be. `None` for what there is no schema of.
pub fn schema(name: Option<&str>) -> Option<Tree> {
    let mut known = Known { table: table::ecs(), shapes: Map::new() };
    let schema = match name {
        None => any(&mut known),
        Some(SETTINGS) => settings(),
        Some(name) => one(name, &mut known)?,
    };
    let title = match name {
        None => "A manifest of ecs-operator".to_owned(),
        Some(SETTINGS) => "The settings of a directory: ecs-operator.yaml".to_owned(),
        Some(name) => format!("{name}, a manifest of ecs-operator"),
    };
    let schema = schema.with("$schema", "http://json-schema.org/draft-07/schema#").with("title", title);
    Some(if known.shapes.is_empty() { schema } else { schema.with("definitions", known.shapes) })
}

/// Every kind, told apart by `kind`.
fn any(known: &mut Known) -> Tree {
    let kinds: Vec<&str> = NAMES.iter().copied().filter(|name| *name != SETTINGS).collect();
    let mut each = Vec::new();
    for name in &kinds {
        let Some(schema) = one(name, known) else { continue };
        known.shapes.insert((*name).to_owned(), schema);
        let is = tree! { "properties" => tree! { "kind" => tree! { "const" => *name } }, "required" => vec!["kind"] };
        each.push(tree! { "if" => is, "then" => reference(name) });
    }
    tree! {
        "type" => "object",
        "required" => vec!["apiVersion", "kind"],
        "properties" => tree! { "apiVersion" => version(), "kind" => tree! { "enum" => kinds } },
        "allOf" => each,
    }
}

fn one(name: &str, known: &mut Known) -> Option<Tree> {
    if name == DEFAULTS_KIND {
        return Some(defaults());
    }
    let kind = Kind::parse(name)?;
    let spec = known.spec(definition(kind));
    if kind == Kind::Service {
        known.selector_terms();
    }
    let members = tree! {
        "apiVersion" => version(),
        "kind" => tree! { "const" => name },
        "metadata" => metadata(definition(kind).in_cluster),
        "reconcile" => reconcile(kind),
        "spec" => spec,
    };
    Some(closed(members).with("required", vec!["apiVersion", "kind", "metadata"]))
}

fn version() -> Tree {
    tree! { "const" => API_VERSION }
}

fn defaults() -> Tree {
    let value = tree! { "type" => vec!["string", "integer", "boolean"] };
    let vars = tree! {
        "type" => "object", "additionalProperties" => value,
        "description" => "Values of ${var.NAME}, for this directory and below; the nearest wins.",
    };
    closed(tree! { "apiVersion" => version(), "kind" => tree! { "const" => DEFAULTS_KIND }, "vars" => vars })
        .with("required", vec!["apiVersion", "kind"])
}

fn settings() -> Tree {
    closed(tree! {
        "owner" => text().with("description", "Who owns what is made from the directory."),
        "source" => text().with("description", "Which of the owner's directories this is."),
        "clusters" => list(text()).with("description", "The clusters that belong to the directory; none: any."),
        "keep" => keep(Vec::new()),
    })
}

fn metadata(in_cluster: bool) -> Tree {
    let mut members = tree! {
        "name" => text(), "region" => text(), "account" => text(),
        "labels" => tree! { "type" => "object", "additionalProperties" => text() },
    };
    if in_cluster {
        members.set("cluster", text());
    }
    closed(members).with("required", vec!["name"])
}

/// Members of the block that a kind can't have.
fn left_out(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::SecurityGroup => &["drift", "ignore"],
        Kind::TaskDefinition => &["drift", "ignore", "prune"],
        Kind::Cluster | Kind::Service => &["prune"],
    }
}

fn reconcile(kind: Kind) -> Tree {
    let ways = Adopt::ALL.into_iter().filter(|adopt| adopt.fault(kind).is_none()).map(Adopt::as_str);
    let adopt = tree! { "enum" => ways.collect::<Vec<_>>() };
    let adopt = adopt.with(
        "description",
        "What becomes of an object that is there and is not ours: it is left alone (Never), it becomes ours by its tags \
         alone (IfUnowned), or it stays another's and only what is declared is changed (Shared).",
    );
    let deadline = text().with("pattern", "^([0-9]+[smh]|\\$\\{.*\\})$");
    let deadline =
        deadline.with("description", "How long a rollout may take before it counts as failed: 90s, 15m, 2h.");
    let on_failure = tree! { "enum" => vec!["Hold"] };
    let drift = tree! { "enum" => Drift::ALL.map(Drift::as_str).to_vec() };
    let drift = drift.with("description", "What becomes of drift; Heal unless said.");
    let ignore = list(text().with("pattern", "^(/[^/]+)+$"));
    let ignore = ignore
        .with("maxItems", POINTERS_MAX)
        .with("description", "JSON pointers into spec, whose drift is left; items of lists go by their keys.");
    let preflight = tree! { "enum" => Policy::ALL.map(Policy::as_str).to_vec() };
    let preflight = preflight.with(
        "description",
        "What a finding of preflight does to a rollout: hold it (Block), have it wait (Wait), or be told (Warn).",
    );
    let prune = tree! { "enum" => Prune::ALL.map(Prune::as_str).to_vec() };
    let prune = prune.with(
        "description",
        "What becomes of the object when no manifest declares it any more: it is left (Orphan, unless said) or deleted.",
    );
    let replace = list(text()).with(
        "description",
        "The members ECS can't change for whose sake the service may be replaced: launchType, schedulingStrategy, …",
    );
    let replace_how = tree! { "enum" => ReplaceHow::ALL.map(ReplaceHow::as_str).to_vec() };
    let replace_how = replace_how.with(
        "description",
        "StartFirst: under another spec.serviceName, and the old one goes when the new one is Ready. StopFirst: under \
         the same name, with no task in between.",
    );
    let mut members = tree! {
        "adopt" => adopt,
        "drift" => drift,
        "ignore" => ignore,
        "preflight" => preflight,
        "prune" => prune,
        "replace" => replace,
        "replaceHow" => replace_how,
        "restartedAt" => text().with("description", "Any text; another one asks for a restart, or for another try."),
        "rollout" => closed(tree! { "progressDeadline" => deadline, "onFailure" => on_failure }),
    };
    left_out(kind).iter().for_each(|name| drop(members.remove(name)));
    if kind == Kind::TaskDefinition {
        members.set("keep", keep(vec![tree! { "const" => Keep::ALL_WORD }]));
    }
    closed(members).with("description", "How the operator treats the object; never sent to AWS.")
}

fn keep(or: Vec<Tree>) -> Tree {
    let count = tree! { "type" => "integer", "minimum" => 1, "maximum" => KEEP_MAX };
    let any = std::iter::once(count).chain(or).collect::<Vec<_>>();
    tree! { "anyOf" => any, "description" => "How many of our own revisions stay; older ones that nothing uses are deregistered." }
}

fn text() -> Tree {
    tree! { "type" => "string" }
}

fn list(items: Tree) -> Tree {
    tree! { "type" => "array", "items" => items }
}

/// An object with these members and no others.
fn closed(members: Tree) -> Tree {
    tree! { "type" => "object", "additionalProperties" => false, "properties" => members }
}

fn reference(name: &str) -> Tree {
    tree! { "$ref" => format!("#/definitions/{name}") }
}

/// What may stand for a value that is no text.
const VARIABLE: &str = "Variable";

/// Shapes that are referred to, each once.
struct Known {
    /// The service whose shapes are being told.
    table: &'static Table,
    shapes: Map,
}

impl Known {
    fn spec(&mut self, definition: &Definition) -> Tree {
        let structure = definition.structure();
        self.table = definition.table();
        let reserved = |name: &str| definition.reserved.iter().any(|(reserved, _)| *reserved == name);
        let named = |name: &str| name == definition.name_member;
        let mut members = Map::new();
        for (name, member) in structure.members.iter().filter(|(name, _)| !reserved(name)) {
            if definition.assigned.contains(name) {
                continue;
            }
            members.insert((*name).to_owned(), self.shape(member.shape));
        }
        // What `describe` shows besides may be pasted, and is skipped.
        let shown = definition.shown_as.first().and_then(|name| self.table.structure(name));
        for name in
            shown.into_iter().flat_map(|shape| shape.members.keys()).filter(|name| definition.is_read_only(name))
        {
            members.insert((*name).to_owned(), tree! { "description" => "Shown by AWS, skipped in a manifest." });
        }
        let required = |(name, member): &(&&'static str, &Member)| member.required && !named(name) && !reserved(name);
        let mut required: Vec<&str> = structure.members.iter().filter(required).map(|(name, _)| *name).collect();
        required.extend(definition.required);
        let schema = closed(Tree::Map(members));
        if required.is_empty() { schema } else { schema.with("required", required) }
    }

    /// Beside what AWS knows: terms, and with them subnets are not asked for.
    fn selector_terms(&mut self) {
        if let Some(members) = self.shapes.get_mut("NetworkConfiguration").and_then(|shape| member(shape, "properties"))
        {
            for sort in lookup::SORTS {
                members.set(sort.terms, selector_terms(sort.noun));
            }
        }
        if let Some(network) = self.shapes.get_mut("AwsVpcConfiguration") {
            network.remove("required");
        }
    }

    fn shape(&mut self, name: &'static str) -> Tree {
        let Some(shape) = self.table.shapes.get(name) else { return tree! {} };
        let whole = |range: &Range| bounded(tree! { "type" => "integer" }, range);
        match shape {
            Shape::Text(rule) if rule.values.is_empty() => text(),
            Shape::Text(rule) => self.or_variable(tree! { "enum" => rule.values.clone() }),
            Shape::Integer(range) | Shape::Long(range) => self.or_variable(whole(range)),
            Shape::Float(range) => self.or_variable(bounded(tree! { "type" => "number" }, range)),
            Shape::Boolean => self.or_variable(tree! { "type" => "boolean" }),
            Shape::Timestamp => tree! { "type" => "number" },
            Shape::Blob => text(),
            Shape::Document => tree! {},
            Shape::List { item } => list(self.shape(item)),
            Shape::Map { value, .. } => tree! { "type" => "object", "additionalProperties" => self.shape(value) },
            Shape::Structure(structure) => {
                // Services have structures of the same name.
                let name = match self.table.service {
                    "ecs" => name.to_owned(),
                    service => format!("{service}.{name}"),
                };
                if !self.shapes.contains_key(&name) {
                    // Taken before it is filled: a structure may hold itself.
                    self.shapes.insert(name.clone(), tree! {});
                    let schema = self.structure(structure);
                    self.shapes.insert(name.clone(), schema);
                }
                reference(&name)
            }
        }
    }

    fn structure(&mut self, structure: &Structure) -> Tree {
        let members: Map =
            structure.members.iter().map(|(name, member)| ((*name).to_owned(), self.shape(member.shape))).collect();
        let schema = closed(Tree::Map(members));
        let required: Vec<&str> =
            structure.members.iter().filter(|(_, member)| member.required).map(|(name, _)| *name).collect();
        let schema = if required.is_empty() { schema } else { schema.with("required", required) };
        if structure.union { schema.with("minProperties", 1).with("maxProperties", 1) } else { schema }
    }

    fn or_variable(&mut self, schema: Tree) -> Tree {
        let variable = || text().with("pattern", "^\\$\\{(var|aws)\\.[A-Za-z0-9_-]+\\}$");
        self.shapes.insert_if_absent(VARIABLE, variable);
        tree! { "anyOf" => vec![schema, reference(VARIABLE)] }
    }
}

fn member<'a>(tree: &'a mut Tree, name: &str) -> Option<&'a mut Tree> {
    tree.as_map_mut()?.get_mut(name)
}

fn selector_terms(noun: &str) -> Tree {
    let filled = text().with("minLength", 1);
    let tags = tree! { "type" => "object", "additionalProperties" => text(), "minProperties" => 1 };
    let tags = tags.with("description", "All of these; the value * stands for any.");
    let by_id = closed(tree! { "id" => filled.clone() }).with("required", vec!["id"]);
    let by_rest = closed(tree! { "name" => filled, "tags" => tags }).with("minProperties", 1);
    list(tree! { "anyOf" => vec![by_id, by_rest] })
        .with("minItems", 1)
        .with("description", format!("Every {noun} that any of the terms matches, asked for in EC2."))
}

fn bounded(mut schema: Tree, range: &Range) -> Tree {
    for (name, bound) in [("minimum", range.min), ("maximum", range.max)] {
        match bound {
            Some(bound) if bound.fract() == 0.0 => schema.set(name, bound as i64),
            Some(bound) => schema.set(name, bound),
            None => {}
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        for name in NAMES.iter().map(|name| Some(*name)).chain([None]) {
            let schema = schema(name).unwrap();
            let mut references = Vec::new();
            collect(&schema, &mut references);
            for reference in references {
                let name = reference.strip_prefix("#/definitions/").unwrap();
                let found = schema.get("definitions").and_then(|all| all.get(name)).and_then(Tree::as_map);
                assert!(found.is_some_and(|found| !found.is_empty()), "{name}");
            }
        }
        assert_eq!(schema(Some("Pod")), None);
    }

    fn collect(tree: &Tree, references: &mut Vec<String>) {
        match tree {
            Tree::Map(map) => map.iter().for_each(|(name, value)| match value {
                Tree::Text(text) if name == "$ref" => references.push(text.to_string()),
                value => collect(value, references),
            }),
            Tree::List(items) => items.iter().for_each(|item| collect(item, references)),
            _ => {}
        }
    }

    #[test]
    fn a_service_has_what_people_write_and_not_what_is_ours() {
        let schema = schema(Some("Service")).unwrap();
        let spec = schema.at(&["properties", "spec", "properties"]).unwrap();
        assert!(spec.get("desiredCount").is_some() && spec.get("serviceArn").is_some());
        assert!(spec.get("cluster").is_none() && spec.get("clientToken").is_none());
        assert_eq!(schema.at(&["properties", "spec", "required"]), None);
    }
}
