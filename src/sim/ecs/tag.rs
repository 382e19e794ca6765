//! Tags of ECS resources: TagResource, UntagResource, ListTagsForResource (docs/ecs.md §1.4).

use crate::shape::Tree;
use crate::tree;

use super::super::world::World;
use super::coverage::{Entry, full};
use super::service::Status;
use super::task::LastStatus;
use super::{Answer, Ecs, Fault, capacity_provider};

/// How many tags a resource may have, and how long a key and a value may be, in characters (§1.2).
pub const TAGS_LIMIT: usize = 50;
const KEY_LIMIT: usize = 128;
const VALUE_LIMIT: usize = 256;

/// Besides letters, digits and spaces.
const SIGNS: &str = "_.:/=+-@";

/// The operations answered here.
pub const OPERATIONS: &[Entry] =
    &[full("ListTagsForResource", list), full("TagResource", tag), full("UntagResource", untag)];

/// Whether ECS takes these tags on something new (§1.2; wordings weak).
///
/// # Errors
/// `InvalidParameterException`.
pub fn check_new(tags: &[Tree]) -> Result<(), Fault> {
    if tags.len() > TAGS_LIMIT {
        return Err(Fault::invalid(format!("Tags can not exceed {TAGS_LIMIT} entries.")));
    }
    for (at, tag) in tags.iter().enumerate() {
        let key = tag.text("key").unwrap_or_default();
        check_key(key)?;
        check_value(key, tag.text("value").unwrap_or_default())?;
        if tags.iter().take(at).any(|other| other.text("key") == Some(key)) {
            return Err(Fault::invalid(format!("Duplicate tag keys found: {key}.")));
        }
    }
    Ok(())
}

fn check_key(key: &str) -> Result<(), Fault> {
    if !(1..=KEY_LIMIT).contains(&key.chars().count()) {
        return Err(Fault::invalid(format!("Tag key must have between 1 and {KEY_LIMIT} characters: {key}")));
    }
    if is_reserved(key) {
        return Err(Fault::invalid(format!("Tag key can not begin with aws: as it is reserved: {key}")));
    }
    check_characters("key", key)
}

fn check_value(key: &str, value: &str) -> Result<(), Fault> {
    if value.chars().count() > VALUE_LIMIT {
        return Err(Fault::invalid(format!("Tag value must have at most {VALUE_LIMIT} characters: the one of {key}")));
    }
    check_characters("value", value)
}

fn check_characters(part: &str, text: &str) -> Result<(), Fault> {
    let allowed = |c: char| c.is_alphanumeric() || c.is_whitespace() && !c.is_control() || SIGNS.contains(c);
    match text.chars().find(|c| !allowed(*c)) {
        Some(c) => Err(Fault::invalid(format!("Tag {part} contains an invalid character, {c:?}: {text}"))),
        None => Ok(()),
    }
}

/// AWS's own tags, in any case.
fn is_reserved(key: &str) -> bool {
    key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

/// The tags of the resource that an ARN names.
fn find<'a>(world: &'a mut World, arn: &str) -> Result<&'a mut Vec<Tree>, Fault> {
    let (own, now) = (world.arn(""), world.now());
    let resource = arn.strip_prefix(&own).ok_or_else(|| Fault::invalid(format!("Invalid arn: {arn}")))?.to_owned();
    let parts: Vec<&str> = resource.split('/').collect();
    let ecs: &'a mut Ecs = &mut world.ecs;
    match parts.as_slice() {
        ["cluster", name] => {
            let found = ecs.clusters.get_mut(*name).ok_or_else(missing)?;
            if found.active { Ok(&mut found.tags) } else { Err(over("cluster", "inactive")) }
        }
        ["service", cluster, name] => {
            let found = ecs.services.get_mut(&key(cluster, name)).ok_or_else(missing)?;
            if found.status == Status::Inactive { Err(over("service", "inactive")) } else { Ok(&mut found.tags) }
        }
        ["task", cluster, id] => {
            let found = ecs.tasks.get_mut(&key(cluster, id)).ok_or_else(missing)?;
            if found.last >= LastStatus::Stopped { Err(over("task", "stopped")) } else { Ok(&mut found.tags) }
        }
        ["container-instance", cluster, id] => {
            let found = ecs.instances.get_mut(&key(cluster, id)).ok_or_else(missing)?;
            if found.is_registered() { Ok(&mut found.tags) } else { Err(over("container instance", "inactive")) }
        }
        ["task-set", cluster, name, prefix, id] => {
            let wanted = format!("{prefix}/{id}");
            let service = ecs.services.get_mut(&key(cluster, name)).ok_or_else(missing)?;
            let found = service.deployments.iter_mut().find(|one| one.id == wanted);
            found.and_then(|one| one.task_set.as_mut()).map(|set| &mut set.tags).ok_or_else(missing)
        }
        ["task-definition", name] => {
            let (family, revision) = name.split_once(':').ok_or_else(missing)?;
            let revision: i64 = revision.parse().map_err(|_| missing())?;
            let found = ecs.families.get_mut(family).and_then(|family| family.revisions.get_mut(&revision));
            found.map(|definition| &mut definition.tags).ok_or_else(missing)
        }
        ["capacity-provider", name] if !capacity_provider::FARGATE.contains(name) => {
            let found = ecs.providers.get_mut(*name).ok_or_else(missing)?;
            if found.is_active(now) { Ok(&mut found.tags) } else { Err(over("capacity provider", "inactive")) }
        }
        ["service" | "task" | "container-instance", _] => {
            Err(Fault::invalid("Long arn format must be used for tagging operations"))
        }
        _ => Err(Fault::invalid(format!("Invalid arn: {arn}"))),
    }
}

fn key(cluster: &str, name: &str) -> (String, String) {
    (cluster.to_owned(), name.to_owned())
}

/// Wording from memory.
fn over(kind: &str, state: &str) -> Fault {
    let wanted = if state == "stopped" { "a running" } else { "an active" };
    Fault::invalid(format!("The specified {kind} is {state}. Specify {wanted} {kind} and try again."))
}

fn missing() -> Fault {
    Fault::invalid("The specified resource was not found. Specify a valid resource ARN and try again.")
}

fn tag(world: &mut World, input: &Tree) -> Answer {
    let new = input.list("tags");
    check_new(new)?;
    let tags = find(world, input.text("resourceArn").unwrap_or_default())?;
    let mut merged = tags.clone();
    for one in new {
        let one =
            tree! { "key" => one.text("key").unwrap_or_default(), "value" => one.text("value").unwrap_or_default() };
        match merged.iter_mut().find(|old| old.get("key") == one.get("key")) {
            Some(old) => *old = one,
            None => merged.push(one),
        }
    }
    // AWS's own tags do not count (§1.2).
    if merged.iter().filter(|tag| !is_reserved(tag.text("key").unwrap_or_default())).count() > TAGS_LIMIT {
        return Err(Fault::invalid(format!("Tags can not exceed {TAGS_LIMIT} entries.")));
    }
    *tags = merged;
    Ok(Tree::map())
}

fn untag(world: &mut World, input: &Tree) -> Answer {
    let keys = input.list("tagKeys");
    for key in keys.iter().filter_map(Tree::as_text) {
        check_key(key)?;
    }
    let tags = find(world, input.text("resourceArn").unwrap_or_default())?;
    tags.retain(|tag| !tag.get("key").is_some_and(|key| keys.contains(key)));
    Ok(Tree::map())
}

fn list(world: &mut World, input: &Tree) -> Answer {
    let tags = find(world, input.text("resourceArn").unwrap_or_default())?;
    Ok(tree! { "tags" => tags.clone() })
}

#[cfg(test)]
mod tests {
    use super::super::call;
    use super::*;
    use crate::shape::Time;
    use crate::sim::world::Settings;

    const ARN: &str = "arn:aws:ecs:us-east-1:123456789012:cluster/default";

    fn world() -> World {
        let mut world = World::new(Settings::default(), Time(0));
        call(&mut world, "ecs", "CreateCluster", &tree! {}).unwrap();
        world
    }

    fn pair(key: &str, value: &str) -> Tree {
        tree! { "key" => key, "value" => value }
    }

    fn set(world: &mut World, arn: &str, tags: Vec<Tree>) -> Answer {
        call(world, "ecs", "TagResource", &tree! { "resourceArn" => arn, "tags" => tags })
    }

    #[test]
    fn tags_are_set_over_one_another_and_taken_away() {
        let mut world = world();
        set(&mut world, ARN, vec![pair("a", "1"), pair("b", "1")]).unwrap();
        set(&mut world, ARN, vec![pair("b", "2"), pair("c", "")]).unwrap();
        let ask = tree! { "resourceArn" => ARN, "tagKeys" => vec!["a", "none"] };
        call(&mut world, "ecs", "UntagResource", &ask).unwrap();
        let left = call(&mut world, "ecs", "ListTagsForResource", &tree! { "resourceArn" => ARN }).unwrap();
        assert_eq!(left, tree! { "tags" => vec![pair("b", "2"), pair("c", "")] });
    }

    #[test]
    fn task_definitions_have_tags_too() {
        let mut world = world();
        let container = tree! { "name" => "a", "image" => "i", "memory" => 64 };
        let input =
            tree! { "family" => "f", "containerDefinitions" => vec![container], "tags" => vec![pair("a", "1")] };
        let made = call(&mut world, "ecs", "RegisterTaskDefinition", &input).unwrap();
        let arn = made.at(&["taskDefinition", "taskDefinitionArn"]).and_then(Tree::as_text).unwrap();
        set(&mut world, arn, vec![pair("b", "2")]).unwrap();
        let left = call(&mut world, "ecs", "ListTagsForResource", &tree! { "resourceArn" => arn }).unwrap();
        assert_eq!(left.list("tags").len(), 2);
    }

    #[test]
    fn the_limits_are_ecss() {
        let numbered = |count: usize| (0..count).map(|number| pair(&format!("k{number}"), "v")).collect::<Vec<_>>();
        assert!(check_new(&numbered(TAGS_LIMIT)).is_ok());
        for (good, bad) in [
            ("k".repeat(KEY_LIMIT), "k".repeat(KEY_LIMIT + 1)),
            ("é".repeat(KEY_LIMIT), String::new()),
            ("a/b c:d=e+f-g@h.i_j".into(), "a,b".into()),
            ("awsome:x".into(), "AWS:x".into()),
            ("a".into(), "a\nb".into()),
        ] {
            assert!(check_new(&[pair(&good, "")]).is_ok(), "{good}");
            assert_eq!(check_new(&[pair(&bad, "")]).unwrap_err().code, "InvalidParameterException", "{bad}");
        }
        assert!(check_new(&[pair("k", &"v".repeat(VALUE_LIMIT))]).is_ok());
        assert!(check_new(&[pair("k", &"v".repeat(VALUE_LIMIT + 1))]).is_err());
        assert!(check_new(&[pair("k", "{}")]).is_err());
        assert!(check_new(&[pair("k", "1"), pair("k", "2")]).is_err());
        assert!(check_new(&numbered(TAGS_LIMIT + 1)).is_err());
        let mut world = world();
        set(&mut world, ARN, numbered(TAGS_LIMIT)).unwrap();
        assert!(set(&mut world, ARN, vec![pair("k0", "new")]).is_ok());
        assert!(set(&mut world, ARN, vec![pair("one more", "")]).is_err());
    }

    #[test]
    fn not_every_arn_can_be_tagged() {
        let mut world = world();
        for (resource, words) in [
            ("service/web", "Long arn format must be used for tagging operations"),
            ("cluster/none", "not found"),
            ("task-definition/f:1", "not found"),
            ("capacity-provider/FARGATE", "Invalid arn"),
        ] {
            let arn = world.arn(resource);
            let fault = set(&mut world, &arn, Vec::new()).unwrap_err();
            assert!(fault.code == "InvalidParameterException" && fault.message.contains(words), "{fault:?}");
        }
        let elsewhere = ARN.replace("us-east-1", "eu-west-1");
        assert!(set(&mut world, &elsewhere, Vec::new()).is_err());
    }
}
