//! One service in another's place: what tells that two services are one object's, what is noted of a replacement, and
//! the calls that take a service down. Must not know: why, or in which order.

use crate::kinds::tags::{self, Owner, Ownership};
use crate::kinds::{Object, ReplaceHow, hash};
use crate::shape::{Call, Tree};
use crate::tree;

use super::cluster;

/// The name of the object that a service is of, where it is ours: a tag says so where AWS's name is another.
pub fn object_of<'a>(shown: &'a Tree, us: &Ownership) -> Option<&'a str> {
    let all = shown.list("tags");
    let named = || tags::read(all).get(tags::OBJECT).copied().or_else(|| shown.text("serviceName"));
    (tags::owner(all, us) == Owner::Us).then(named).flatten()
}

/// The tag of a service whose name in AWS is not its object's.
pub fn object_tag(object: &Object) -> Option<Tree> {
    (object.aws_name() != object.key.name).then(|| tags::tag(tags::OBJECT, &object.key.name))
}

/// What is noted on a service of a replacement: on the one that is taken down first, or on the one that was started
/// first: `v1:HASH:HOW:OTHER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    /// The deploy hash of what is wanted in the end.
    pub hash: String,
    pub how: ReplaceHow,
    /// The other service, by [`mark`].
    pub other: String,
    /// How many tasks the other was to run: what a new one begins with where the manifest does not say.
    pub desired_count: Option<i64>,
}

/// Notes of other versions can't be read.
const VERSION: &str = "v1";

impl Succession {
    /// What these tags tell; nothing where there is none, or another version wrote it.
    pub fn read(all: &[Tree]) -> Option<Self> {
        let all = tags::read(all);
        let parts: Vec<&str> = all.get(tags::REPLACE)?.split(':').collect();
        let [VERSION, hash, how, other] = parts.as_slice() else { return None };
        let (hash, how, other) = ((*hash).to_owned(), ReplaceHow::parse(how)?, (*other).to_owned());
        Some(Self { hash, how, other, desired_count: None })
    }

    pub fn tag(&self) -> Tree {
        let Self { hash, how, other, desired_count: _ } = self;
        tags::tag(tags::REPLACE, &format!("{VERSION}:{hash}:{}:{other}", how.as_str()))
    }
}

/// A name of at most 200 characters is its own mark; of longer ones a hash has room in the tag.
pub fn mark(name: &str) -> String {
    if name.len() <= MARK_MAX { name.to_owned() } else { hash::short(name, 32) }
}

const MARK_MAX: usize = 200;

/// No task is to run any more.
pub fn drain(object: &Object, name: &str) -> Call {
    Call::ecs("UpdateService", tree! { "cluster" => cluster(object), "service" => name, "desiredCount" => 0 })
}

/// Deletes a service that has been drained; forced, since somebody may scale it out in the same moment, or ECS may
/// still count a deployment of it.
pub fn delete(object: &Object, name: &str) -> Call {
    Call::ecs("DeleteService", tree! { "cluster" => cluster(object), "service" => name, "force" => true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_survives_its_tag() {
        let noted = Succession {
            hash: "0123456789abcdef".into(),
            how: ReplaceHow::StopFirst,
            other: "web".into(),
            desired_count: None,
        };
        assert_eq!(Succession::read(&[noted.tag()]), Some(noted));
        assert_eq!(Succession::read(&[tags::tag(tags::REPLACE, "v0:a:StopFirst:web")]), None);
        assert_eq!(Succession::read(&[]), None);
    }

    #[test]
    fn a_service_is_the_object_of_its_name_unless_a_tag_says_otherwise() {
        let us = Ownership { owner: "acme".into(), source: "prod".into() };
        let ours = tags::tag(tags::OWNER, "acme/prod");
        let named = |tags: Vec<Tree>| tree! { "serviceName" => "web-2", "tags" => tags };
        assert_eq!(object_of(&named(vec![ours.clone()]), &us), Some("web-2"));
        assert_eq!(object_of(&named(vec![ours, tags::tag(tags::OBJECT, "web")]), &us), Some("web"));
        assert_eq!(object_of(&named(vec![tags::tag(tags::OBJECT, "web")]), &us), None);
    }
}
