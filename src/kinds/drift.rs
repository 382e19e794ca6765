//! Drift that is left: which members of a spec are other people's once Git has said them, and what Git said last.
//!
//! A change in Git is applied all the same. So what it last said of such a member, seen in effect, stands in a tag: with
//! another value there now, the difference is Git's; with the same, it is drift. Must not know: what is done about it.

use std::collections::BTreeMap;

use crate::shape::table::Shape;
use crate::shape::{Tree, json};

use super::normalise::Rule;
use super::{Definition, Difference, Effect, Object, definition, hash, tags};

/// What becomes of drift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drift {
    #[default]
    Heal,
    /// It is told of, and left.
    Warn,
    /// It is left.
    Ignore,
}

impl Drift {
    pub const ALL: [Self; 3] = [Self::Heal, Self::Warn, Self::Ignore];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heal => "Heal",
            Self::Warn => "Warn",
            Self::Ignore => "Ignore",
        }
    }
}

/// More would not fit into the tag.
pub const POINTERS_MAX: usize = 12;

/// A JSON pointer into a spec; items of keyed lists go by their keys: `/loadBalancers/KEY`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pointer(Vec<String>);

impl Pointer {
    /// Reads `/a/b~1c`; `None` for what is no pointer, or points at the whole.
    pub fn parse(text: &str) -> Option<Self> {
        let names = text.strip_prefix('/')?.split('/').map(|name| name.replace("~1", "/").replace("~0", "~"));
        let names: Vec<String> = names.collect();
        names.iter().all(|name| !name.is_empty()).then_some(Self(names))
    }

    fn member(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    fn find<'a>(&self, tree: &'a Tree) -> Option<&'a Tree> {
        self.0.iter().try_fold(tree, |tree, name| tree.get(name))
    }

    /// Takes what it points at out of a tree, with what would be empty without.
    fn take(&self, tree: &mut Tree) {
        take(&self.0, tree);
    }

    /// Why there can be no drift where it points; `None` where there can.
    pub fn fault(&self, definition: &Definition) -> Option<String> {
        let first = self.first();
        let shows =
            |shape: &&str| definition.table().structure(shape).is_some_and(|shape| shape.members.contains_key(first));
        let owned = definition.rows.iter().any(|row| row.at == first && matches!(row.rule, Rule::Owned));
        if first != "tags" && definition.structure().members.contains_key(first) {
            if first == "taskDefinition" {
                return Some(
                    "what a service runs is rolled back or left by reconcile.drift, not by a pointer".to_owned(),
                );
            }
            if owned || !definition.shown_as.iter().any(shows) {
                return Some(format!("AWS does not show {first}, so that it can't drift"));
            }
        }
        self.unknown(definition).map(|name| format!("there is no {name:?} in a {}'s spec", definition.kind))
    }

    /// The first name on the way that no spec has.
    fn unknown(&self, definition: &Definition) -> Option<&str> {
        let mut names = self.0.iter();
        let mut at = String::new();
        let mut shape = definition.structure().members.get(names.next()?.as_str()).map(|member| member.shape);
        at.push_str(self.first());
        if shape.is_none() {
            return Some(self.first());
        }
        for name in names {
            shape = match shape.and_then(|shape| definition.table().shapes.get(shape)) {
                Some(Shape::Structure(structure)) => {
                    at.push_str(&format!(".{name}"));
                    structure.members.get(name.as_str()).map(|member| member.shape)
                }
                Some(Shape::Map { value, .. }) => Some(*value),
                // Lists that are no sets are compared as wholes.
                Some(Shape::List { item })
                    if at == "tags" || super::normalise::set_keys(definition.rows, &at).is_some() =>
                {
                    at.push_str("[]");
                    Some(*item)
                }
                _ => None,
            };
            if shape.is_none() {
                return Some(name);
            }
        }
        None
    }
}

impl std::fmt::Display for Pointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|name| write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")))
    }
}

fn take(names: &[String], tree: &mut Tree) {
    let (Some((first, rest)), Some(map)) = (names.split_first(), tree.as_map_mut()) else { return };
    let emptied = map.get_mut(first).is_some_and(|inner| {
        take(rest, inner);
        rest.is_empty() || inner.is_empty()
    });
    if emptied {
        map.remove(first);
    }
}

/// How a live object differs from what is declared, by what is to be done about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sorted {
    /// To be brought about.
    pub due: Vec<Difference>,
    /// Drift that is told of and left.
    pub told: Vec<Difference>,
    /// Declared tags to be set.
    pub missing_tags: Vec<Tree>,
    /// The tag that says what Git says now, where that is news.
    pub said: Option<Tree>,
}

/// Sorts the differences of an object from `shown`, the part of AWS's answer that a spec can be compared with.
pub fn sort(object: &Object, shown: &Tree) -> Sorted {
    let definition = definition(object.key.kind);
    let missing_tags = tags::missing(object.tags(), shown.list("tags"));
    let pointers = pointers(object);
    if pointers.is_empty() && definition.is_same(&object.spec, shown) {
        return Sorted { missing_tags, ..Sorted::default() };
    }
    let (mut desired, mut observed) = definition.sides(&object.spec, shown);
    if pointers.is_empty() {
        let due = definition.differing(&desired, &observed);
        return Sorted { due, missing_tags, ..Sorted::default() };
    }
    desired.set("tags", by_key(object.tags().iter()));
    let ours = tags::read(object.tags());
    let live = shown.list("tags").iter().filter(|tag| tag.text("key").is_some_and(|key| ours.contains_key(key)));
    observed.set("tags", by_key(live));
    let ignored: Vec<&Pointer> = object.reconcile.ignore.iter().collect();
    let said = Said::read(shown.list("tags"));
    let mut now = Said::default();
    let (all_desired, all_observed) = (desired.clone(), observed.clone());
    let mut told = (desired.clone(), observed.clone());
    for pointer in &pointers {
        let (id, value) = (id(pointer), value(pointer, &all_desired));
        let same = pointer.find(&all_desired) == pointer.find(&all_observed);
        let before = said.0.get(&id);
        let is_drift = before.is_none_or(|before| *before == value);
        // What Git says is noted when it is in effect, so that an attempt that fails is no drift.
        let noted = before.filter(|_| !is_drift && !same).cloned().unwrap_or(value);
        now.0.insert(id, noted);
        if is_drift && !same {
            pointer.take(&mut desired);
            pointer.take(&mut observed);
            if ignored.contains(&pointer) {
                pointer.take(&mut told.0);
                pointer.take(&mut told.1);
            }
        }
    }
    let left_tags = desired.get("tags").cloned().unwrap_or_default();
    let missing_tags = missing_tags
        .into_iter()
        .filter(|tag| tag.text("key").is_some_and(|key| left_tags.get(key).is_some()))
        .collect();
    for tree in [&mut desired, &mut observed, &mut told.0, &mut told.1] {
        tree.remove("tags");
    }
    let due = definition.differing(&desired, &observed);
    let mut all = definition.differing(&told.0, &told.1);
    all.retain(|one| !due.contains(one));
    let told = if object.reconcile.drift == Drift::Warn { all } else { Vec::new() };
    Sorted { due, told, missing_tags, said: (now != said).then(|| now.tag()) }
}

/// The tag of a new object: what Git says is what is made.
pub fn said_at_creation(object: &Object) -> Option<Tree> {
    let (mut desired, _) = definition(object.key.kind).sides(&object.spec, &Tree::map());
    desired.set("tags", by_key(object.tags().iter()));
    let all = pointers(object);
    let said = Said(all.iter().map(|pointer| (id(pointer), value(pointer, &desired))).collect());
    (!all.is_empty()).then(|| said.tag())
}

fn by_key<'a>(tags: impl Iterator<Item = &'a Tree>) -> Tree {
    let pair = |tag: &'a Tree| Some((tag.text("key")?.to_owned(), tag.text("value").unwrap_or_default().into()));
    Tree::Map(tags.filter_map(pair).collect())
}

/// Where drift is left: at the pointers, and, unless drift is healed, in all that needs no deployment. What does need
/// one is told by the attempt that was made, and left by that.
fn pointers(object: &Object) -> Vec<Pointer> {
    let definition = definition(object.key.kind);
    let mut all = object.reconcile.ignore.clone();
    if object.reconcile.drift != Drift::Heal {
        let in_place = |name: &&&str| matches!(definition.effect(name), Effect::InPlace | Effect::Tags);
        let seen = |name: &&&str| **name == "tags" || Pointer::member(name).fault(definition).is_none();
        all.extend(
            definition.structure().members.keys().filter(in_place).filter(seen).map(|name| Pointer::member(name)),
        );
    }
    all.sort();
    all.dedup();
    all
}

/// What Git said of each pointer when it was last seen in effect: `v1:IDVALUE.IDVALUE`.
#[derive(Clone, Debug, Default, PartialEq)]
struct Said(BTreeMap<String, String>);

/// Hashes made by other rules can't be compared.
const VERSION: &str = "v1:";
const ID_DIGITS: usize = 4;
const VALUE_DIGITS: usize = 6;

fn id(pointer: &Pointer) -> String {
    hash::short(&pointer.to_string(), ID_DIGITS)
}

fn value(pointer: &Pointer, desired: &Tree) -> String {
    hash::short(&pointer.find(desired).map_or_else(String::new, json::write), VALUE_DIGITS)
}

impl Said {
    fn read(tags: &[Tree]) -> Self {
        let all = tags::read(tags);
        let text = all.get(tags::SAID).and_then(|text| text.strip_prefix(VERSION)).unwrap_or_default();
        let one = |part: &str| part.split_at_checked(ID_DIGITS).map(|(id, value)| (id.to_owned(), value.to_owned()));
        Self(text.split('.').filter_map(one).collect())
    }

    fn tag(&self) -> Tree {
        let parts: Vec<String> = self.0.iter().map(|(id, value)| format!("{id}{value}")).collect();
        tags::tag(tags::SAID, &format!("{VERSION}{}", parts.join(".")))
    }
}

/// What is told of drift that is left.
pub fn story(told: &[Difference]) -> String {
    let paths: Vec<String> = told.iter().map(|one| one.path.to_string()).collect();
    format!("{} differ from Git, and reconcile.drift leaves it so", paths.join(", "))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kinds::{Key, Kind, Lookup, Origin, Place, Reconcile};
    use crate::tree;

    fn object(kind: Kind, drift: Drift, ignore: &[&str]) -> Object {
        let place = Place { account: "1".into(), region: "r".into() };
        let key = Key::new(place, Some("c".into()), kind, "web".into());
        let ignore = ignore.iter().map(|text| Pointer::parse(text).unwrap()).collect();
        let spec = tree! { "serviceName" => "web", "desiredCount" => 2, "loadBalancers" => vec![
            tree! { "targetGroupArn" => "a/b", "containerName" => "c", "containerPort" => 80 },
        ] };
        let reconcile = Arc::new(Reconcile { drift, ignore, ..Reconcile::default() });
        Object { key, spec, lookup: Lookup::default(), reconcile, origin: Origin::default() }
    }

    fn paths(all: &[Difference]) -> Vec<String> {
        all.iter().map(|one| one.path.to_string()).collect()
    }

    #[test]
    fn pointers_are_read_and_written_and_lead_somewhere() {
        for text in ["/desiredCount", "/loadBalancers/a~1b~1c~180/containerName", "/tags/a~0b"] {
            let pointer = Pointer::parse(text).unwrap();
            assert_eq!(pointer.to_string(), text);
            assert_eq!(pointer.fault(definition(Kind::Service)), None, "{text}");
        }
        for text in ["", "/", "desiredCount", "/a//b"] {
            assert_eq!(Pointer::parse(text), None, "{text:?}");
        }
        for (text, said) in [
            ("/desiredCuont", "there is no \"desiredCuont\""),
            ("/desiredCount/x", "there is no \"x\""),
            ("/deploymentConfiguration/alarm", "there is no \"alarm\""),
            ("/placementStrategy/0/field", "there is no \"0\""),
            ("/role", "AWS does not show role"),
            ("/taskDefinition", "what a service runs"),
        ] {
            let fault = Pointer::parse(text).unwrap().fault(definition(Kind::Service)).unwrap();
            assert!(fault.contains(said), "{text}: {fault}");
        }
    }

    #[test]
    fn what_git_said_decides_what_is_drift() {
        let ignoring = object(Kind::Service, Drift::Heal, &["/desiredCount"]);
        let noted = |object: &Object| vec![said_at_creation(object).unwrap()];
        let live = ignoring.spec.clone().with("desiredCount", 7).with("enableExecuteCommand", true);
        let sorted = sort(&ignoring, &live.clone().with("tags", noted(&ignoring)));
        assert_eq!((paths(&sorted.due), sorted.said), (vec!["enableExecuteCommand".to_owned()], None));
        // Never noted: it is drift, and what Git says now is noted.
        let sorted = sort(&ignoring, &live);
        assert_eq!(paths(&sorted.due), ["enableExecuteCommand"]);
        assert_eq!(sorted.said, said_at_creation(&ignoring));
        // Git says something else: it is due, and noted when it is seen.
        let mut changed = ignoring.clone();
        changed.spec.set("desiredCount", 3);
        let sorted = sort(&changed, &live.clone().with("tags", noted(&ignoring)));
        assert_eq!(
            (paths(&sorted.due), sorted.said),
            (vec!["desiredCount".into(), "enableExecuteCommand".into()], None)
        );
        let sorted = sort(&changed, &live.with("desiredCount", 3).with("tags", noted(&ignoring)));
        assert_eq!((paths(&sorted.due).len(), sorted.said), (1, said_at_creation(&changed)));
    }

    #[test]
    fn what_is_warned_of_is_told_but_for_what_is_ignored() {
        let warned = object(Kind::Service, Drift::Warn, &["/deploymentConfiguration/maximumPercent"]);
        let configuration = tree! { "maximumPercent" => 150, "minimumHealthyPercent" => 50 };
        let live = warned.spec.clone().with("desiredCount", 7).with("deploymentConfiguration", configuration);
        let sorted = sort(&warned, &live);
        assert_eq!(paths(&sorted.due), Vec::<String>::new());
        assert_eq!(paths(&sorted.told), ["deploymentConfiguration.minimumHealthyPercent", "desiredCount"]);
        let reconcile = Reconcile { drift: Drift::Ignore, ..(*warned.reconcile).clone() };
        let silent = Object { reconcile: Arc::new(reconcile), ..warned };
        assert_eq!(sort(&silent, &live).told, []);
    }

    #[test]
    fn the_tag_has_room_for_all_there_can_be() {
        let names: Vec<String> = (0..POINTERS_MAX).map(|number| format!("/tags/{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for kind in [Kind::Cluster, Kind::Service] {
            let tag = said_at_creation(&object(kind, Drift::Warn, &names)).unwrap();
            let value = tag.text("value").unwrap();
            assert!(value.len() <= 256 && value.matches('.').count() >= POINTERS_MAX, "{} {value}", value.len());
        }
    }
}
