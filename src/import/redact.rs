//! Values that are not written as they are: those that a manifest would take for variables, and those that nobody shall
//! read. Must not know: sources.

use std::collections::BTreeMap;

use crate::shape::Tree;

use super::names::{placeholder, variable};
use super::{Found, Variable};

/// A variable that is a dollar sign: what it makes is not looked at again.
const DOLLAR: &str = "DOLLAR";

/// Escapes what a manifest would take for a variable.
pub fn literal(tree: &mut Tree, variables: &mut BTreeMap<String, Variable>) {
    match tree {
        Tree::Text(text) if text.contains("${var.") || text.contains("${aws.") => {
            *text = text.replace("${", &format!("{}{{", placeholder(DOLLAR))).into();
            let why = "a dollar sign that begins no variable".to_owned();
            variables.insert(DOLLAR.to_owned(), Variable { why, default: Some("$".to_owned()), hidden: None });
        }
        Tree::List(items) => items.iter_mut().for_each(|item| literal(item, variables)),
        Tree::Map(map) => map.values_mut().for_each(|value| literal(value, variables)),
        _ => {}
    }
}

/// How many environment variables have a value that is written down.
pub fn count(spec: &Tree) -> usize {
    let containers = spec.list("containerDefinitions").iter().flat_map(|container| container.list("environment"));
    containers.filter(|one| one.text("value").is_some_and(|value| !value.is_empty() && !is_variable(value))).count()
}

fn is_variable(value: &str) -> bool {
    value.starts_with("${var.") && value.ends_with('}') && value != placeholder(DOLLAR)
}

/// Puts variables in place of the values of environment variables; equal values of one name share one.
pub fn environment(found: &mut Found, taken: &mut BTreeMap<String, String>) {
    let family = found.name.clone();
    let Some(Tree::List(containers)) = found.spec.as_map_mut().and_then(|spec| spec.get_mut("containerDefinitions"))
    else {
        return;
    };
    for container in containers {
        let container_name = container.text("name").unwrap_or_default().to_owned();
        let Some(Tree::List(list)) = container.as_map_mut().and_then(|map| map.get_mut("environment")) else {
            continue;
        };
        for one in list {
            let name = one.text("name").unwrap_or_default().to_owned();
            let escaped = format!("{}{{", placeholder(DOLLAR));
            let Some(value) = one.text("value").map(|value| value.replace(&escaped, "${")) else { continue };
            let is_placeholder = found.variables.keys().any(|name| one.text("value") == Some(&placeholder(name)));
            if value.is_empty() || is_placeholder {
                continue;
            }
            let (longer, longest) = (format!("{family}-{name}"), format!("{family}-{container_name}-{name}"));
            let named = free(&value, taken, &[&name, &longer, &longest]);
            one.set("value", placeholder(&named));
            let why = format!("the value of {name} in container {container_name} of {family}");
            found.variables.insert(named, Variable { why, default: None, hidden: Some(value) });
        }
    }
}

/// The first of the names that is free, or stands for the same value.
fn free(value: &str, taken: &mut BTreeMap<String, String>, names: &[&str]) -> String {
    let numbered = (2..).map(|nth| format!("{}-{nth}", names.last().copied().unwrap_or_default()));
    let mut all = names.iter().map(|name| (*name).to_owned()).chain(numbered).map(|name| variable(&name));
    let fits = |name: &String| taken.get(name).is_none_or(|other| other == value);
    let name = all.find(fits).unwrap_or_default();
    taken.insert(name.clone(), value.to_owned());
    name
}
