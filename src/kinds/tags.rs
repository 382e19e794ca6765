//! Our memory on AWS's objects: tags under one prefix (design D3). They are in no diff and no content hash.

use std::collections::BTreeMap;

use crate::shape::{Time, Tree};

/// What all our tags begin with.
pub const PREFIX: &str = "ecs-operator/";
/// Who owns the object: `OWNER/SOURCE`.
pub const OWNER: &str = "ecs-operator/owner";
/// The content hash of a task definition revision.
pub const CONTENT: &str = "ecs-operator/content";
/// Which object of the manifests it is, by its name, where AWS's name may be another.
pub const OBJECT: &str = "ecs-operator/object";
/// The last deployment we set out to make.
pub const ATTEMPT: &str = "ecs-operator/attempt";
/// What was left as it was found when the object was adopted.
pub const ADOPTED: &str = "ecs-operator/adopted";
/// What becomes of the object when no manifest declares it any more; without it, it is left.
pub const PRUNE: &str = "ecs-operator/prune";
/// Which tags a manifest has declared, by hashes of their keys.
pub const DECLARED: &str = "ecs-operator/tags";
/// What Git said of members whose drift is left.
pub const SAID: &str = "ecs-operator/said";
/// The replacement that a service goes through, or came from.
pub const REPLACE: &str = "ecs-operator/replace";
/// Set by people, on a service or cluster: we keep our hands off.
pub const SUSPEND: &str = "ecs-operator/suspend";
/// Set by people, on a revision of a task definition: it is not deregistered.
pub const KEEP: &str = "ecs-operator/keep";

/// What a service calls tags and their parts.
#[derive(Debug)]
pub struct Words {
    pub list: &'static str,
    pub key: &'static str,
    pub value: &'static str,
}

pub static ECS: Words = Words { list: "tags", key: "key", value: "value" };
pub static EC2: Words = Words { list: "Tags", key: "Key", value: "Value" };

/// Who we are: owner and source id, in one tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    pub owner: String,
    pub source: String,
}

impl std::fmt::Display for Ownership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.owner, self.source)
    }
}

/// Whose an object is, by its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    Us,
    Nobody,
    Other(String),
}

/// Tags by key, from the list form of AWS, in the words of either service.
pub fn read(tags: &[Tree]) -> BTreeMap<&str, &str> {
    fn text(tag: &Tree, of: fn(&Words) -> &'static str) -> Option<&str> {
        tag.text(of(&ECS)).or_else(|| tag.text(of(&EC2)))
    }
    let one = |tag| Some((text(tag, |words| words.key)?, text(tag, |words| words.value).unwrap_or_default()));
    tags.iter().filter_map(one).collect()
}

/// One tag in AWS's form.
pub fn tag(key: &str, value: &str) -> Tree {
    crate::tree! { "key" => key, "value" => value }
}

/// Whose the object with these tags is.
pub fn owner(tags: &[Tree], us: &Ownership) -> Owner {
    match read(tags).get(OWNER) {
        None => Owner::Nobody,
        Some(value) if *value == us.to_string() => Owner::Us,
        Some(value) => Owner::Other((*value).to_owned()),
    }
}

/// The tags that a manifest declares and the object does not have so.
pub fn missing(declared: &[Tree], live: &[Tree]) -> Vec<Tree> {
    let live = read(live);
    let differs = |(key, value): &(&&str, &&str)| live.get(**key) != Some(value);
    read(declared).iter().filter(differs).map(|(key, value)| tag(key, value)).collect()
}

/// So many hashes of keys fit into a tag's value; the tags of further keys are left when Git takes them away.
const DECLARED_MOST: usize = 28;
/// Hex digits of each. Another's tag whose key has the hash of one that was declared would be taken for that.
const DECLARED_DIGITS: usize = 8;

/// The memory of the tags that a manifest declares; none where it declares none.
pub fn declared(tags: &[Tree]) -> Option<String> {
    let hashes: Vec<String> =
        read(tags).keys().take(DECLARED_MOST).map(|key| super::hash::short(key, DECLARED_DIGITS)).collect();
    (!hashes.is_empty()).then(|| hashes.join(" "))
}

/// The keys of live tags that a manifest has declared and does not declare any more.
pub fn dropped<'a>(declared: &[Tree], live: &'a [Tree]) -> Vec<&'a str> {
    let (declared, live) = (read(declared), read(live));
    let remembered: Vec<&str> = live.get(DECLARED).map(|value| value.split(' ').collect()).unwrap_or_default();
    let was_ours = |key: &&str| remembered.contains(&super::hash::short(key, DECLARED_DIGITS).as_str());
    let ours = |key: &&str| !key.starts_with(PREFIX) && !declared.contains_key(key);
    live.into_keys().filter(ours).filter(was_ours).collect()
}

/// The deployment we set out to make, written down before it is made: `v1:HASH:FAMILY:REVISION:MILLISECONDS:RESTART`,
/// and `:NETWORK` where selector terms are resolved.
///
/// The outcome is not in it; ECS's own journal tells that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The deploy hash.
    pub hash: String,
    /// `family:revision`.
    pub task_definition: String,
    /// When, by AWS's clock, in milliseconds: after all that the observation that led to it had seen.
    pub at: Time,
    /// A hash of `reconcile.restartedAt`, `-` without one.
    pub restart: String,
    /// A hash of what the selector terms stood for; none without terms.
    pub network: Option<String>,
}

/// Hashes made by another version of this program's rules can't be compared.
const VERSION: &str = "v1";
/// Of the tag of a service without selector terms.
const PARTS: usize = 6;

impl Attempt {
    /// The attempt these tags tell of; `None` when there is none, or it was written by another version.
    pub fn read(tags: &[Tree]) -> Option<Self> {
        let tags = read(tags);
        let parts: Vec<&str> = tags.get(ATTEMPT)?.split(':').collect();
        let (restart, network, head) = match parts.as_slice() {
            [head @ .., restart] if parts.len() == PARTS => (restart, None, head),
            [head @ .., restart, network] if parts.len() == PARTS + 1 => (restart, Some(*network), head),
            _ => return None,
        };
        let [VERSION, hash, family, revision, epoch] = head else { return None };
        Some(Self {
            hash: (*hash).to_owned(),
            task_definition: format!("{family}:{revision}"),
            at: Time(epoch.parse().ok()?),
            restart: (*restart).to_owned(),
            network: network.map(str::to_owned),
        })
    }

    pub fn tag(&self) -> Tree {
        tag(ATTEMPT, &self.to_string())
    }
}

impl std::fmt::Display for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { hash, task_definition, at, restart, network } = self;
        write!(f, "{VERSION}:{hash}:{task_definition}:{}:{restart}", at.0)?;
        network.as_ref().map_or(Ok(()), |network| write!(f, ":{network}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_survives_its_tag() {
        let attempt = Attempt {
            hash: "0123456789abcdef".into(),
            task_definition: "web:42".into(),
            at: Time(1_700_000_000_123),
            restart: "-".into(),
            network: None,
        };
        assert_eq!(Attempt::read(&[attempt.tag()]), Some(attempt.clone()));
        let finer = Attempt { at: Time(1_700_000_000_031), ..attempt.clone() };
        assert_eq!(Attempt::read(&[finer.tag()]), Some(finer));
        let looked_up = Attempt { network: Some("01234567".into()), ..attempt.clone() };
        assert_eq!(Attempt::read(&[looked_up.tag()]), Some(looked_up));
        assert!(attempt.to_string().len() <= 256);
        let other = tag(ATTEMPT, "v0:x:web:42:1700000000000:-");
        assert_eq!(Attempt::read(&[other]), None, "another version is no attempt of ours");
    }

    #[test]
    fn tells_whose_it_is() {
        let us = Ownership { owner: "acme".into(), source: "prod".into() };
        assert_eq!(owner(&[], &us), Owner::Nobody);
        assert_eq!(owner(&[tag(OWNER, "acme/prod")], &us), Owner::Us);
        assert_eq!(owner(&[tag(OWNER, "acme/test")], &us), Owner::Other("acme/test".into()));
    }

    #[test]
    fn only_tags_that_were_declared_are_dropped() {
        let before = [tag("team", "shop"), tag("stage", "prod")];
        let memory = tag(DECLARED, &declared(&before).unwrap());
        let live = [&before[..], &[tag("cost", "42"), tag(OWNER, "acme/prod"), memory]].concat();
        assert_eq!(dropped(&before, &live), Vec::<&str>::new());
        assert_eq!(dropped(&before[..1], &live), ["stage"]);
        assert_eq!(dropped(&[], &live), ["stage", "team"]);
        assert_eq!(dropped(&[], &before), Vec::<&str>::new(), "what nobody remembers was never declared");
        assert_eq!(declared(&[]), None);
        let many: Vec<Tree> = (0..50).map(|at| tag(&format!("key-{at}"), "")).collect();
        assert!(declared(&many).unwrap().len() <= 256);
    }

    #[test]
    fn only_declared_tags_can_be_missing() {
        let declared = [tag("team", "shop"), tag("stage", "prod")];
        let live = [tag("team", "shop"), tag("stage", "test"), tag("cost", "42")];
        assert_eq!(missing(&declared, &live), [tag("stage", "prod")]);
    }
}
