//! Two judges of the same definition: the rules of `check`, and the embedded ECS with rules of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use ecs_operator::check::{self, Desired};
use ecs_operator::kinds::Place;
use ecs_operator::manifest::{self, Input, Reading, Variables};
use ecs_operator::shape::{Time, Tree, json};
use ecs_operator::sim::Sim;
use ecs_operator::sim::world::Settings;
use ecs_operator::tree;

pub fn home() -> Place {
    Place { account: "123456789012".into(), region: "ap-northeast-1".into() }
}

/// What becomes of texts at [`home`].
pub fn desired(files: &[(&str, &str)]) -> Desired {
    desired_at(&home(), files)
}

/// What becomes of texts in an account and region.
pub fn desired_at(place: &Place, files: &[(&str, &str)]) -> Desired {
    check::desired(&read(place, files), place, "r1", None)
}

/// The documents of texts.
pub fn read(place: &Place, files: &[(&str, &str)]) -> Reading {
    let files: BTreeMap<String, Arc<str>> =
        files.iter().map(|(name, text)| ((*name).to_owned(), Arc::from(*text))).collect();
    let Place { account, region } = place.clone();
    let variables = Variables { region: Some(region), account: Some(account), ..Variables::default() };
    manifest::read(&Input { files: &files, settings: None, unreadable: &BTreeMap::new(), variables: &variables })
}

/// A spec as the one document of `it.json`.
pub fn document(kind: &str, spec: &Tree) -> String {
    let metadata = tree! { "name" => "it" };
    json::write(
        &tree! { "apiVersion" => manifest::API_VERSION, "kind" => kind, "metadata" => metadata, "spec" => spec },
    )
}

/// What the embedded ECS answers to the registration of a definition; without a family it is called `it`.
///
/// # Errors
/// Its words.
pub fn registers(spec: &Tree) -> Result<(), String> {
    let (sim, spec) = (sim(), named(spec));
    sim.call("ecs", "RegisterTaskDefinition", spec).map(drop).map_err(|fault| fault.message)
}

/// A definition as it was given, and as DescribeTaskDefinition shows it with its tags; nothing where it is refused.
pub fn describes(spec: &Tree) -> Option<(Tree, Tree)> {
    let (sim, spec) = (sim(), named(spec));
    sim.call("ecs", "RegisterTaskDefinition", spec.clone()).ok()?;
    let ask = tree! { "taskDefinition" => spec.text("family").unwrap_or_default(), "include" => vec!["TAGS"] };
    Some((spec, sim.call("ecs", "DescribeTaskDefinition", ask).unwrap()))
}

/// An embedded ECS of [`home`] in which nothing is.
pub fn sim() -> Sim {
    let Place { account, region } = home();
    Sim::new(Settings { account, region, ..Settings::default() }, || Time(0))
}

fn named(spec: &Tree) -> Tree {
    let mut spec = spec.clone();
    if spec.get("family").is_none() {
        spec.set("family", "it");
    }
    spec
}
