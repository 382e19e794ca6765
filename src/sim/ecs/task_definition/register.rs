//! RegisterTaskDefinition: rules, defaults, and the next revision. Never idempotent (docs/ecs.md §1.3, §1.5).

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::{Answer, tag};
use super::fill::{UNORDERED, each_item, filled};
use super::rules::{self, Draft};
use super::{TaskDefinition, attributes};

pub fn register(world: &mut World, input: &Tree) -> Answer {
    let region = world.settings.region.clone();
    let draft = Draft::new(input, &region);
    rules::check(&draft)?;
    tag::check_new(input.list("tags"))?;
    let mut body = filled(input);
    body.set("compatibilities", attributes::compatibilities(&draft));
    body.set("requiresAttributes", attributes::required(&draft));
    each_item(&mut body, "containerDefinitions", |container| {
        UNORDERED.iter().for_each(|list| shuffle(world, container, list));
    });
    let family = input.text("family").unwrap_or_default().to_owned();
    let revision = world.ecs.families.get(&family).map_or(0, |family| family.last) + 1;
    let arn = world.arn(&format!("task-definition/{family}:{revision}"));
    body.set("taskDefinitionArn", &arn);
    body.set("revision", revision);
    body.set("status", "ACTIVE");
    body.set("registeredAt", world.now());
    body.set("registeredBy", world.caller());
    let tags = input.list("tags").to_vec();
    let answer = tree! { "taskDefinition" => &body, "tags" => tags.clone() };
    let definition = TaskDefinition { arn, family: family.clone(), revision, active: true, body, tags };
    let family = world.ecs.families.entry(family).or_default();
    family.last = revision;
    family.revisions.insert(revision, definition);
    Ok(answer)
}

/// ECS does not keep the order of these lists; chance stands for its reasons.
fn shuffle(world: &mut World, container: &mut Tree, list: &str) {
    let Some(Tree::List(items)) = container.as_map_mut().and_then(|members| members.get_mut(list)) else { return };
    if items.len() > 1 {
        world.shuffle(items);
    }
}
