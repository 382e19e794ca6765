//! Reading task definitions: DescribeTaskDefinition, ListTaskDefinitions, ListTaskDefinitionFamilies (docs/ecs.md
//! §1.3, §1.4, §7.2).

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::Answer;
use super::super::page::{HUNDRED, Order, Row, page};
use super::{Family, resolve, retire};

pub fn describe(world: &mut World, input: &Tree) -> Answer {
    retire::sweep(world);
    let found = resolve(&world.ecs, input.text("taskDefinition").unwrap_or_default())?;
    let answer = tree! { "taskDefinition" => &found.body };
    let wants_tags = input.list("include").iter().any(|part| part.as_text() == Some("TAGS"));
    Ok(if wants_tags { answer.with("tags", found.tags.clone()) } else { answer })
}

pub fn definitions(world: &mut World, input: &Tree) -> Answer {
    retire::sweep(world);
    // Despite its name, an exact family (§7.2).
    let family = input.text("familyPrefix");
    let status = input.text("status").unwrap_or("ACTIVE");
    let all = world.ecs.families.iter().filter(|(name, _)| family.is_none_or(|family| family == *name));
    let rows = all.flat_map(|(_, family)| family.revisions.values()).filter(|one| one.status() == status);
    // A space sorts before every character of a name, so a family's revisions stay together.
    let rows = rows.map(|one| Row { key: format!("{} {:010}", one.family, one.revision), shown: one.arn.clone() });
    let order = if input.text("sort") == Some("DESC") { Order::Descending } else { Order::Ascending };
    page(rows.collect(), order, input, "taskDefinitionArns", HUNDRED)
}

pub fn families(world: &mut World, input: &Tree) -> Answer {
    retire::sweep(world);
    let prefix = input.text("familyPrefix").unwrap_or_default();
    let asked = input.text("status").unwrap_or("ALL");
    let has_status = |family: &Family| {
        let active = family.revisions.values().any(|one| one.active);
        asked == "ALL" || (asked == "ACTIVE") == active
    };
    let all = world.ecs.families.iter().filter(|(_, family)| !family.revisions.is_empty());
    let found = all.filter(|(name, family)| name.starts_with(prefix) && has_status(family));
    let rows = found.map(|(name, _)| Row { key: name.clone(), shown: name.clone() });
    page(rows.collect(), Order::Ascending, input, "families", HUNDRED)
}
