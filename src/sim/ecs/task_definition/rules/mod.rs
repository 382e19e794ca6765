//! ECS's rules for registering a task definition (docs/ecs.md §4.1 to §4.3), as a table of named functions.
//!
//! One file a theme. Rules run in the table's order and the first that fails speaks, in ECS's own words where they
//! are known. Must not know: what becomes of an accepted definition.

mod containers;
mod dependencies;
mod fargate;
mod logging;
mod network;
mod ports;
mod roles;
pub mod sizes;
mod volumes;

use crate::shape::Tree;

use super::super::Fault;

/// What a rule finds.
pub type Verdict = Result<(), Fault>;

/// One rule: its name, for tests and readers, and its check.
pub struct Rule {
    pub name: &'static str,
    pub check: fn(&Draft) -> Verdict,
}

/// All themes, in the order in which they are looked at.
const RULES: &[&[Rule]] = &[
    containers::RULES,
    fargate::RULES,
    sizes::RULES,
    ports::RULES,
    network::RULES,
    volumes::RULES,
    logging::RULES,
    roles::RULES,
    dependencies::RULES,
];

/// A definition on its way in, seen as one launch type would see it.
#[derive(Clone, Copy)]
pub struct Draft<'a> {
    pub input: &'a Tree,
    pub region: &'a str,
    /// Fargate's rules apply.
    pub fargate: bool,
    /// The rules of instances outside AWS apply.
    pub external: bool,
}

impl<'a> Draft<'a> {
    /// Seen by the launch types that it says it requires.
    pub fn new(input: &'a Tree, region: &'a str) -> Self {
        let requires = |name: &str| input.list("requiresCompatibilities").iter().any(|one| one.as_text() == Some(name));
        Self { input, region, fargate: requires("FARGATE"), external: requires("EXTERNAL") }
    }

    pub fn containers(&self) -> &'a [Tree] {
        self.input.list("containerDefinitions")
    }

    /// Bridge unless said otherwise (§4.2).
    pub fn network_mode(&self) -> &'a str {
        self.input.text("networkMode").unwrap_or("bridge")
    }

    pub fn is_windows(&self) -> bool {
        let family = self.input.at(&["runtimePlatform", "operatingSystemFamily"]).and_then(Tree::as_text);
        family.is_some_and(|family| family.starts_with("WINDOWS"))
    }

    pub fn has_execution_role(&self) -> bool {
        self.input.text("executionRoleArn").is_some_and(|role| !role.is_empty())
    }

    pub fn container(&self, name: &str) -> Option<&'a Tree> {
        self.containers().iter().find(|container| container.text("name") == Some(name))
    }
}

/// Whether ECS would take the definition.
///
/// # Errors
/// `ClientException` with the words of the first rule that fails.
pub fn check(draft: &Draft) -> Verdict {
    first_failure(draft).map_or(Ok(()), |(_, fault)| Err(fault))
}

/// The first rule that fails, and what it says.
pub fn first_failure(draft: &Draft) -> Option<(&'static str, Fault)> {
    RULES.iter().copied().flatten().find_map(|rule| Some((rule.name, (rule.check)(draft).err()?)))
}

/// Fails with `ClientException` where `bad` holds.
fn refuse_if(bad: bool, message: impl Into<String>) -> Verdict {
    if bad { Err(Fault::client(message)) } else { Ok(()) }
}

/// A container's name, for messages.
fn name(container: &Tree) -> &str {
    container.text("name").unwrap_or_default()
}

/// Whether the member is there and not empty.
fn has(tree: &Tree, member: &str) -> bool {
    tree.get(member).is_some_and(|value| !value.is_empty())
}

/// Runs a check over all containers.
fn each_container(draft: &Draft, check: impl FnMut(&Tree) -> Verdict) -> Verdict {
    draft.containers().iter().try_for_each(check)
}

#[cfg(test)]
mod tests;
