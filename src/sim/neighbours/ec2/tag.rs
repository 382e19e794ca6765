//! Tags: on create, and their own operations. Must not know: what a tagged thing is.

use std::collections::BTreeMap;

use crate::shape::Tree;
use crate::sim::ecs::coverage::{Entry, full};
use crate::sim::ecs::{Answer, Fault};
use crate::sim::world::World;
use crate::tree;

use super::listing::Listing;
use super::store::{Ec2, INTERFACE, Kind};
use super::{done, interface};

const MOST: usize = 50;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    full("CreateTags", create),
    full("DeleteTags", delete),
    full("DescribeTags", |world, input| LISTING.answer(world, input)),
];

const LISTING: Listing = Listing {
    ids: "",
    missing: |id| INTERFACE.missing(id),
    id: "",
    filter: "Filters",
    list: "Tags",
    filters: &[("key", "Key"), ("value", "Value"), ("resource-id", "ResourceId"), ("resource-type", "ResourceType")],
    all: |world| {
        let one = |(id, tags): (&String, &BTreeMap<String, String>)| {
            let kind = Kind::of(id).map_or("", |kind| kind.name);
            let rows = tags.iter().map(|(key, value)| {
                tree! { "Key" => key, "Value" => value, "ResourceId" => id, "ResourceType" => kind }
            });
            rows.collect::<Vec<_>>()
        };
        world.ec2.tags.iter().flat_map(one).collect()
    },
};

/// Reads and judges `Tags`; a key can be there once.
fn read(tags: &[Tree]) -> Result<BTreeMap<String, String>, Fault> {
    let invalid = |text: String| Fault::new("InvalidParameterValue", text);
    let mut read = BTreeMap::new();
    for tag in tags {
        let (key, value) = (tag.text("Key").unwrap_or_default(), tag.text("Value").unwrap_or_default());
        if key.is_empty() || key.chars().count() > LONGEST_KEY {
            return Err(invalid(format!(
                "Tag key exceeds the maximum length of {LONGEST_KEY} characters, or is empty"
            )));
        }
        if value.chars().count() > LONGEST_VALUE {
            return Err(invalid(format!("Tag value exceeds the maximum length of {LONGEST_VALUE} characters")));
        }
        if key.to_lowercase().starts_with("aws:") {
            return Err(invalid("Tag keys starting with 'aws:' are reserved for internal use".to_owned()));
        }
        if read.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid(format!("Duplicate tag key '{key}' specified.")));
        }
    }
    if read.len() > MOST { Err(too_many()) } else { Ok(read) }
}

fn too_many() -> Fault {
    Fault::new("TagLimitExceeded", format!("The maximum number of {MOST} tags has been reached."))
}

/// The tags that a create operation is to put on what it makes.
///
/// # Errors
/// `InvalidParameterValue` for tags that are not right, or are for another kind.
pub fn on_create(input: &Tree, kind: &Kind) -> Result<BTreeMap<String, String>, Fault> {
    let specifications = input.list("TagSpecifications");
    let other = specifications.iter().filter_map(|one| one.text("ResourceType")).find(|name| *name != kind.name);
    if let Some(other) = other {
        let text = format!("'{other}' is not a valid taggable resource type for this operation.");
        return Err(Fault::new("InvalidParameterValue", text));
    }
    let tags = specifications.iter().flat_map(|one| one.list("Tags")).cloned().collect::<Vec<_>>();
    read(&tags)
}

/// Puts tags on a new resource.
pub fn put(ec2: &mut Ec2, id: &str, tags: BTreeMap<String, String>) {
    if !tags.is_empty() {
        ec2.tags.insert(id.to_owned(), tags);
    }
}

fn is_there(world: &World, id: &str) -> Result<(), Fault> {
    let unknown = || Fault::new("InvalidID", format!("The ID '{id}' is not valid"));
    let kind = Kind::of(id).ok_or_else(unknown)?;
    match world.ec2.find(kind, id) {
        Some(_) => Ok(()),
        None if kind.name == INTERFACE.name && interface::find(world, id).is_some() => Ok(()),
        None => Err(kind.missing(id)),
    }
}

fn resources(world: &World, input: &Tree) -> Result<Vec<String>, Fault> {
    let ids: Vec<&str> = input.list("Resources").iter().filter_map(Tree::as_text).collect();
    ids.iter().try_for_each(|id| is_there(world, id))?;
    Ok(ids.into_iter().map(str::to_owned).collect())
}

fn create(world: &mut World, input: &Tree) -> Answer {
    let (ids, tags) = (resources(world, input)?, read(input.list("Tags"))?);
    let after = |id: &String| {
        let mut own = world.ec2.tags.get(id).cloned().unwrap_or_default();
        own.extend(tags.clone());
        if own.len() > MOST { Err(too_many()) } else { Ok((id.clone(), own)) }
    };
    let changed = ids.iter().map(after).collect::<Result<Vec<_>, _>>()?;
    world.ec2.tags.extend(changed);
    done()
}

/// A tag goes whatever its value, unless a value is said; without tags, all go.
fn delete(world: &mut World, input: &Tree) -> Answer {
    let tags = input.list("Tags");
    for id in resources(world, input)? {
        let Some(own) = world.ec2.tags.get_mut(&id) else { continue };
        let named = |key: &str, value: &str| {
            let of = |tag: &Tree| tag.text("Key") == Some(key) && tag.text("Value").is_none_or(|said| said == value);
            tags.is_empty() || tags.iter().any(of)
        };
        own.retain(|key, value| !named(key, value));
        if own.is_empty() {
            world.ec2.tags.remove(&id);
        }
    }
    done()
}

#[cfg(test)]
mod tests {
    use super::super::store::KINDS;
    use super::*;

    #[test]
    fn every_kind_is_told_by_its_prefix() {
        for kind in KINDS {
            assert_eq!(Kind::of(&format!("{}-0a", kind.prefix)).map(|found| found.name), Some(kind.name));
        }
    }
}
