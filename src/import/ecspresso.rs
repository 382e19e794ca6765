//! ecspresso: a configuration that names a service definition and a task definition, in which `{{ env }}` and
//! `{{ must_env }}` stand for the environment. Must not know: how files are read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::kinds::Kind;
use crate::manifest::Foreign;
use crate::shape::{Path, Tree};

use super::files::{Texts, documents};
use super::names::{placeholder, variable};
use super::{Found, Note, Spot, Variable, What, ecs, limits};

/// The members that name other files, and what these hold.
const PARTS: [(&str, Kind); 2] = [("task_definition", Kind::TaskDefinition), ("service_definition", Kind::Service)];

pub fn is(tree: &Tree) -> bool {
    PARTS.iter().any(|(name, _)| tree.text(name).is_some())
}

/// Whether a text is such a configuration, templates and all.
fn looks(text: &str) -> bool {
    let names = |line: &str| PARTS.iter().any(|(name, _)| line.trim_start_matches(['"', ' ']).starts_with(name));
    text.len() < limits::CONFIGURATION_BYTES && text.lines().any(names)
}

/// The files that configurations among these name, and that are to be read with them.
pub fn parts(texts: &Texts) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (file, text) in texts.iter().filter(|(_, text)| looks(text)) {
        for document in documents(file, &prepared(text), &mut Vec::new()).iter().filter(|one| is(&one.tree)) {
            let named = PARTS.iter().filter_map(|(name, _)| document.tree.text(name));
            all.extend(named.map(|name| beside(file, name)));
        }
    }
    all
}

/// A text as it can be parsed: templates have become variables.
pub fn prepared(text: &Arc<str>) -> Arc<str> {
    if looks(text) { Arc::from(templates(text).0) } else { Arc::clone(text) }
}

fn beside(file: &str, name: &str) -> String {
    match file.rsplit_once('/') {
        Some((folder, _)) if !name.starts_with('/') => format!("{folder}/{}", name.trim_start_matches("./")),
        _ => name.trim_start_matches("./").to_owned(),
    }
}

/// The objects that a configuration deploys.
pub fn found(document: &Foreign, texts: &Texts, notes: &mut Vec<Note>) -> Vec<Found> {
    let places = document.places();
    let mut all = Vec::new();
    for (member, kind) in PARTS {
        let Some(name) = document.tree.text(member) else { continue };
        let at = Spot::new(&document.file, places.find(&Path::from(member)));
        let path = beside(&document.file, name);
        if name.ends_with("jsonnet") {
            let message = format!("{path} is jsonnet: write what it evaluates to, `jsonnet {path} > {member}.json`");
            notes.push(Note::new(What::Refused, message).at(at));
            continue;
        }
        let Some(text) = texts.get(&path) else {
            notes.push(Note::new(What::Refused, format!("{path} is not there, or can't be read")).at(at));
            continue;
        };
        all.extend(part(document, &path, text, kind, notes));
    }
    // Which task definition the service runs stands in the configuration alone.
    let family = all.iter().find(|one| one.kind == Kind::TaskDefinition).map(|one| one.name.clone());
    for one in all.iter_mut().filter(|one| one.kind == Kind::Service) {
        if let Some(family) = &family {
            one.spec.set("taskDefinition", family);
        }
    }
    all
}

fn part(document: &Foreign, file: &str, text: &Arc<str>, kind: Kind, notes: &mut Vec<Note>) -> Vec<Found> {
    let (text, variables, odd) = templates(text);
    for (line, what) in odd {
        let spot = Spot { file: file.to_owned(), line, column: 1 };
        notes.push(Note::new(What::Placeholder, format!("{{{{ {what} }}}} is not known here")).at(spot));
    }
    let mut all = Vec::new();
    for one in documents(file, &Arc::from(text), notes) {
        let inner = (kind == Kind::TaskDefinition).then(|| one.tree.get("taskDefinition")).flatten();
        let (at, mut tree) = match inner.filter(|tree| tree.as_map().is_some()) {
            Some(tree) => (Path::from("taskDefinition"), tree.clone()),
            None => (Path::root(), one.tree.clone()),
        };
        if tree.as_map().is_none() {
            let spot = Spot::new(file, one.places().find(&at));
            notes.push(Note::new(What::Refused, format!("this is {}, no definition", tree.noun())).at(spot));
            continue;
        }
        if let Some(name) = document.tree.text("service").filter(|_| kind == Kind::Service) {
            tree.set("serviceName", name);
        }
        let mut found = ecs::one(file, &one.places(), &at, kind, tree, notes);
        if let Some(cluster) = document.tree.text("cluster").filter(|_| kind == Kind::Service) {
            found.cluster = Some(cluster.to_owned());
        }
        let used = |name: &String| {
            let mut any = false;
            super::fit::texts(&found.spec, &mut Path::root(), &mut |_, text| any |= text.contains(&placeholder(name)));
            any
        };
        found.variables =
            variables.iter().filter(|(name, _)| used(name)).map(|(a, b)| (a.clone(), b.clone())).collect();
        all.push(found);
    }
    all
}

type Templated = (String, BTreeMap<String, Variable>, Vec<(usize, String)>);

/// Templates as variables: in quotes where they stand in JSON as a value of their own.
fn templates(text: &str) -> Templated {
    let (mut out, mut variables, mut odd) = (String::new(), BTreeMap::new(), Vec::new());
    let json = text.trim_start().starts_with('{');
    let mut quoted = false;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        quoted ^= before.replace("\\\\", "").replace("\\\"", "").matches('"').count() % 2 == 1;
        let Some((inside, after)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        let inside = inside.trim_matches('-').trim();
        let line = out.matches('\n').count() + 1;
        let (name, one) = template(inside, line);
        if one.why.is_empty() {
            odd.push((line, inside.to_owned()));
        }
        let bare = json && !quoted;
        out.push_str(&if bare { format!("\"{}\"", placeholder(&name)) } else { placeholder(&name) });
        let why = if one.why.is_empty() { format!("{{{{ {inside} }}}}") } else { one.why };
        variables.insert(name, Variable { why, ..one });
        rest = after;
    }
    out.push_str(rest);
    (out, variables, odd)
}

/// `must_env "NAME"`, `env "NAME" "default"`; anything else has a name of its own and no reason.
fn template(inside: &str, line: usize) -> (String, Variable) {
    let command = inside.split('|').next().unwrap_or_default();
    let words: Vec<&str> = command.split_whitespace().map(|word| word.trim_matches(['`', '"', '\\', '\''])).collect();
    match words.as_slice() {
        ["must_env", name] => {
            (variable(name), Variable { why: format!("the environment's {name}"), ..Variable::default() })
        }
        ["env", name, default @ ..] => {
            let default = (!default.is_empty()).then(|| default.join(" "));
            (variable(name), Variable { why: format!("the environment's {name}"), default, hidden: None })
        }
        _ => (variable(&format!("{}-{line}", words.join("-"))), Variable::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_become_variables_in_text_and_as_values() {
        let text =
            "{\"image\": \"nginx:{{ must_env `TAG` }}\", \"n\": {{ env \"COUNT\" \"2\" }}, \"x\": \"{{ ssm `/a` }}\"}";
        let (out, variables, odd) = templates(text);
        assert_eq!(out, "{\"image\": \"nginx:${var.TAG}\", \"n\": \"${var.COUNT}\", \"x\": \"${var.ssm--a-1}\"}");
        assert_eq!(variables["COUNT"].default.as_deref(), Some("2"));
        assert_eq!(odd, [(1, "ssm `/a`".to_owned())]);
    }
}
