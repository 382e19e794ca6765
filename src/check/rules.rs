//! The rules that look at one document, one named function each.

use crate::kinds::{Kind, definition, tags};
use crate::manifest::{At, Problem};
use crate::shape::near::nearest;
use crate::shape::{Path, Tree};

use super::Context;

/// A rule by its stable name.
pub struct Rule {
    pub name: &'static str,
    pub look: fn(&Context<'_>, &mut Vec<Problem>),
}

/// All rules on single documents, in the order in which their problems are most telling.
pub const RULES: &[Rule] = &[
    Rule { name: "kind", look: kind },
    Rule { name: "cluster", look: cluster },
    Rule { name: "name", look: name },
    Rule { name: "reserved-member", look: reserved },
    Rule { name: "reserved-tag", look: reserved_tags },
];

fn kind(context: &Context<'_>, found: &mut Vec<Problem>) {
    if context.kind().is_some() {
        return;
    }
    let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    let message = format!("unknown kind {:?}; there are {}", context.document.kind, known.join(", "));
    let mut problem = context.said(Path::from("kind"), At::Value, message);
    problem.hint = nearest(&context.document.kind, known.into_iter()).map(|near| format!("did you mean {near}?"));
    found.push(problem);
}

fn cluster(context: &Context<'_>, found: &mut Vec<Problem>) {
    let Some(kind) = context.kind() else { return };
    let at = Path::from("metadata.cluster");
    let mut say = |message: String| found.push(context.said(at.clone(), At::Value, message));
    match (definition(kind).in_cluster, context.document.metadata.text("cluster")) {
        (false, Some(_)) => say(format!("a {kind} lives in no cluster; leave metadata.cluster out")),
        (true, Some(name)) if !context.clusters.is_empty() && !context.clusters.iter().any(|known| known == name) => {
            say(format!("the settings name the clusters {}, not {name}", context.clusters.join(", ")));
        }
        _ => {}
    }
}

/// Letters, digits, `_` and `-`, 1 to 255 of them (ecs-semantics §1.2).
fn name(context: &Context<'_>, found: &mut Vec<Problem>) {
    let Some(kind) = context.kind() else { return };
    let member = definition(kind).name_member;
    let given = context.document.spec.text(member);
    let (name, at) = match given {
        Some(name) => (name, Path::from("spec").name(member)),
        None => (context.document.name(), Path::from("metadata.name")),
    };
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.chars().all(letters) || name.is_empty() || name.len() > 255 {
        let message = format!("{name:?} is no name ECS takes: letters, digits, _ and -, at most 255 of them");
        found.push(context.said(at, At::Value, message));
    }
}

fn reserved(context: &Context<'_>, found: &mut Vec<Problem>) {
    let Some(kind) = context.kind() else { return };
    for (member, instead) in definition(kind).reserved {
        if context.document.spec.get(member).is_some() {
            let at = Path::from("spec").name(member);
            let mut problem = context.said(at, At::Key, format!("spec.{member} is not for manifests"));
            problem.hint = Some(format!("write {instead}"));
            found.push(problem);
        }
    }
}

fn reserved_tags(context: &Context<'_>, found: &mut Vec<Problem>) {
    for (index, tag) in context.document.spec.list("tags").iter().enumerate() {
        let key = tag.get("key").and_then(Tree::as_text).unwrap_or_default();
        if key.starts_with(tags::PREFIX) {
            let at = Path::from("spec.tags").index(index).name("key");
            let message = format!("tags under {} are the operator's memory", tags::PREFIX);
            found.push(context.said(at, At::Value, message));
        }
    }
}
