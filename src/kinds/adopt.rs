//! Taking over what is there: whether a manifest asks for it, and what of it is left as it was found. Must not know: what
//! is done about it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::shape::Tree;

use super::{Definition, Difference, Kind, Object, definition, hash, normalise, security_group, service, tags};

/// What becomes of an object that is there and is not ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Adopt {
    /// It is left alone.
    #[default]
    Never,
    /// It becomes ours, by its tags alone, where nobody else keeps it.
    IfUnowned,
    /// It stays another's: what is declared is changed in place or deployed, and nothing else.
    Shared,
}

impl Adopt {
    pub const ALL: [Self; 3] = [Self::Never, Self::IfUnowned, Self::Shared];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "Never",
            Self::IfUnowned => "IfUnowned",
            Self::Shared => "Shared",
        }
    }

    /// Why this makes no sense for a kind, and what to do instead; `None` where it does.
    pub fn fault(self, kind: Kind) -> Option<(&'static str, &'static str)> {
        match (self, kind) {
            (Self::Shared, Kind::TaskDefinition) => Some((
                "a revision of a task definition is registered as a whole, and so can't be shared",
                "let the service name the revision as family:revision, or leave spec.taskDefinition out of a shared one",
            )),
            (Self::Shared, Kind::SecurityGroup) => Some((
                "the rules of a security group are declared as a whole: those of others would be taken away",
                "name the group by its id where it is used, and declare none",
            )),
            (Self::Shared, Kind::Cluster | Kind::Service) | (Self::Never | Self::IfUnowned, _) => None,
        }
    }
}

/// An owner whose objects become ours: `OWNER`, or `OWNER/SOURCE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former(pub String);

impl Former {
    /// Whether an owner's tag is theirs.
    pub fn is(&self, tag: &str) -> bool {
        tag == self.0 || tag.strip_prefix(self.0.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// What no manifest declared of an object when it was adopted, and what had left its default then: left until a manifest
/// says something of it. By the hashes of members' names: `v1:ID.ID`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left(BTreeSet<String>);

const VERSION: &str = "v1:";
const ID_DIGITS: usize = 4;

impl Left {
    pub fn of<'a>(members: impl IntoIterator<Item = &'a str>) -> Self {
        Self(members.into_iter().map(|member| hash::short(member, ID_DIGITS)).collect())
    }

    pub fn read(live: &[Tree]) -> Self {
        let all = tags::read(live);
        let text = all.get(tags::ADOPTED).and_then(|text| text.strip_prefix(VERSION)).unwrap_or_default();
        Self(text.split('.').filter(|id| id.len() == ID_DIGITS).map(str::to_owned).collect())
    }

    pub fn tag(&self) -> Tree {
        let ids: Vec<&str> = self.0.iter().map(String::as_str).collect();
        tags::tag(tags::ADOPTED, &format!("{VERSION}{}", ids.join(".")))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn holds(&self, member: &str) -> bool {
        self.0.contains(&hash::short(member, ID_DIGITS))
    }
}

/// The object as it may be brought about: one that is shared, or was adopted with what nobody declared, has what is live
/// in place of what it leaves out. `shown` is AWS's answer.
pub fn effective<'a>(object: &'a Object, shown: &Tree) -> Cow<'a, Object> {
    let left = Left::read(shown.list(definition(object.key.kind).tags.list));
    match object.reconcile.adopt {
        Adopt::Shared => Cow::Owned(over_live(object, shown, |_| true)),
        Adopt::Never | Adopt::IfUnowned if left.is_empty() => Cow::Borrowed(object),
        Adopt::Never | Adopt::IfUnowned => Cow::Owned(over_live(object, shown, |member| left.holds(member))),
    }
}

/// The object with what it declares laid over what is live.
pub fn over_live(object: &Object, shown: &Tree, of: impl Fn(&str) -> bool) -> Object {
    let definition = definition(object.key.kind);
    let shown = comparable(object.key.kind, shown);
    let mut whole = object.clone();
    let ours = [definition.name_member, definition.tags.list];
    let members = definition.structure().members.keys().filter(|name| !ours.contains(name) && !APART.contains(name));
    for name in members.filter(|name| of(name)) {
        let Some(live) = shown.get(name) else { continue };
        let laid = match object.spec.get(name) {
            Some(declared) => laid(definition, name, declared, live),
            None => live.clone(),
        };
        whole.spec.set(name, laid);
    }
    whole
}

/// Who deploys a service, and what it runs, is asked for or not, and never filled in.
const APART: [&str; 2] = ["deploymentController", "taskDefinition"];

fn laid(definition: &Definition, at: &str, declared: &Tree, live: &Tree) -> Tree {
    match (declared, live) {
        (Tree::Map(members), Tree::Map(_)) => {
            let mut whole = live.clone();
            for (name, value) in members {
                let below = live.get(name).map(|live| laid(definition, &format!("{at}.{name}"), value, live));
                whole.set(name, below.unwrap_or_else(|| value.clone()));
            }
            whole
        }
        (Tree::List(items), Tree::List(there)) => {
            let Some(keys) = normalise::set_keys(definition.rows, at).filter(|keys| !keys.is_empty()) else {
                return declared.clone();
            };
            let same = |a: &Tree, b: &Tree| keys.iter().all(|key| a.get(key) == b.get(key));
            let one = |item: &Tree| match there.iter().find(|live| same(item, live)) {
                Some(live) => laid(definition, &format!("{at}[]"), item, live),
                None => item.clone(),
            };
            Tree::List(items.iter().map(one).collect())
        }
        _ => declared.clone(),
    }
}

/// The part of AWS's answer that a spec can be compared with.
fn comparable(kind: Kind, shown: &Tree) -> Cow<'_, Tree> {
    match kind {
        Kind::Service => service::shown(shown),
        Kind::Cluster | Kind::SecurityGroup | Kind::TaskDefinition => Cow::Borrowed(shown),
    }
}

/// The differences of an object from what is live, tags aside.
pub fn differences(object: &Object, shown: &Tree) -> Vec<Difference> {
    let spec = match object.key.kind {
        Kind::SecurityGroup => Cow::Owned(security_group::filled(&object.spec, shown)),
        Kind::Cluster | Kind::Service | Kind::TaskDefinition => Cow::Borrowed(&object.spec),
    };
    definition(object.key.kind).differences(&spec, &comparable(object.key.kind, shown))
}

/// Those of an object's differences that `effective` does not have: nobody declared them.
pub fn undeclared(object: &Object, effective: &Object, shown: &Tree) -> Vec<Difference> {
    let declared = differences(effective, shown);
    let mut all = differences(object, shown);
    all.retain(|one| !declared.contains(one));
    all
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kinds::{Key, Lookup, Origin, Place};
    use crate::tree;

    fn object(kind: Kind, spec: Tree) -> Object {
        let place = Place { account: "1".into(), region: "r".into() };
        let key = Key::new(place, Some("c".into()), kind, "web".into());
        Object { key, spec, lookup: Lookup::default(), reconcile: Arc::default(), origin: Origin::default() }
    }

    fn paths(all: &[Difference]) -> Vec<String> {
        all.iter().map(|one| one.path.to_string()).collect()
    }

    fn live() -> Tree {
        let strategy = vec![
            tree! { "capacityProvider" => "FARGATE", "base" => 1, "weight" => 2 },
            tree! { "capacityProvider" => "FARGATE_SPOT", "base" => 0, "weight" => 1 },
        ];
        tree! {
            "serviceName" => "web", "desiredCount" => 3, "enableExecuteCommand" => true, "propagateTags" => "SERVICE",
            "deploymentController" => tree! { "type" => "CODE_DEPLOY" }, "taskDefinition" => "web:7",
            "deploymentConfiguration" => tree! { "maximumPercent" => 150, "minimumHealthyPercent" => 50 },
            "capacityProviderStrategy" => strategy,
        }
    }

    #[test]
    fn what_is_declared_lies_over_what_is_live_leaf_by_leaf() {
        let declared = tree! {
            "serviceName" => "web", "desiredCount" => 5, "deploymentConfiguration" => tree! { "maximumPercent" => 200 },
            "capacityProviderStrategy" => vec![tree! { "capacityProvider" => "FARGATE", "weight" => 1 }],
        };
        let object = object(Kind::Service, declared);
        let whole = over_live(&object, &live(), |_| true);
        assert_eq!(whole.spec.at(&["deploymentConfiguration", "minimumHealthyPercent"]), Some(&Tree::Int(50)));
        assert_eq!(
            paths(&differences(&whole, &live())),
            [
                "capacityProviderStrategy.FARGATE.weight",
                "capacityProviderStrategy.FARGATE_SPOT",
                "deploymentConfiguration.maximumPercent",
                "deploymentController.type",
                "desiredCount",
            ]
        );
        assert_eq!(whole.spec.get("taskDefinition"), None, "what runs is asked for or not");
        assert_eq!(
            paths(&undeclared(&object, &whole, &live())),
            [
                "capacityProviderStrategy.FARGATE.base",
                "deploymentConfiguration.minimumHealthyPercent",
                "enableExecuteCommand",
                "propagateTags",
            ]
        );
    }

    #[test]
    fn what_was_left_at_adoption_is_left_member_by_member() {
        let object = object(Kind::Service, tree! { "serviceName" => "web" });
        let left = Left::of(["propagateTags"]);
        let shown = live().with("tags", vec![left.tag()]);
        assert_eq!(Left::read(shown.list("tags")), left);
        let paths = paths(&undeclared(&object, &effective(&object, &shown), &shown));
        assert_eq!(paths, ["propagateTags"]);
        let all: Vec<&str> = definition(Kind::Service).structure().members.keys().copied().collect();
        assert!(Left::of(all).tag().text("value").unwrap().len() <= 256);
    }

    #[test]
    fn a_former_owner_is_one_or_one_of_its_sources() {
        for (former, tag, is) in [
            ("shop", "shop/prod", true),
            ("shop/prod", "shop/prod", true),
            ("shop/prod", "shop/test", false),
            ("shop", "shopper/prod", false),
        ] {
            assert_eq!(Former(former.to_owned()).is(tag), is, "{former} {tag}");
        }
    }
}
