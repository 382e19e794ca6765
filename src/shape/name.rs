//! `Name`: what a member or an entry is called. There are far more of them than there are names.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::sync::LazyLock;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use super::table::{self, Shape};

/// A name. Those of ECS's own members take no memory of their own.
#[derive(Clone)]
pub struct Name(Kept);

#[derive(Clone)]
enum Kept {
    /// Twice indirect, so that a name takes two words.
    Member(&'static &'static str),
    Other(Box<str>),
}

/// In their order: each has its number.
static MEMBERS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let members = table::ecs().shapes.values().filter_map(|shape| match shape {
        Shape::Structure(structure) => Some(structure.members.keys().copied()),
        _ => None,
    });
    members.flatten().collect::<BTreeSet<_>>().into_iter().collect()
});

/// The number of a member of ECS.
fn number(name: &str) -> Option<usize> {
    MEMBERS.binary_search(&name).ok()
}

fn member(number: usize) -> Option<Kept> {
    MEMBERS.get(number).map(Kept::Member)
}

/// The name that has this number.
pub(super) fn of_number(number: usize) -> Option<Name> {
    member(number).map(Name)
}

impl Name {
    /// What stands for it where names are packed; only a member of ECS has one.
    pub(super) fn number(&self) -> Option<usize> {
        match &self.0 {
            Kept::Member(name) => number(name),
            Kept::Other(_) => None,
        }
    }

    pub fn as_str(&self) -> &str {
        match &self.0 {
            Kept::Member(name) => name,
            Kept::Other(name) => name,
        }
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self(number(name).and_then(member).unwrap_or_else(|| Kept::Other(name.into())))
    }
}

impl From<String> for Name {
    fn from(name: String) -> Self {
        Self(number(&name).and_then(member).unwrap_or_else(|| Kept::Other(name.into())))
    }
}

impl From<&String> for Name {
    fn from(name: &String) -> Self {
        name.as_str().into()
    }
}

impl From<&Name> for Name {
    fn from(name: &Name) -> Self {
        name.clone()
    }
}

impl From<&Name> for String {
    fn from(name: &Name) -> Self {
        name.as_str().to_owned()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.as_str().to_owned()
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Name {}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Reader)
    }
}

struct Reader;

impl Visitor<'_> for Reader {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
        Ok(name.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_its_text_wherever_it_is_kept() {
        for text in ["desiredCount", "com.example/team", ""] {
            let (name, owned) = (Name::from(text), Name::from(text.to_owned()));
            assert!(name == owned && name == text);
            assert_eq!(format!("{name} {name:?}"), format!("{text} {text:?}"));
        }
        let [first, member, last] = ["a", "desiredCount", "z"].map(Name::from);
        assert!(member.number().is_some() && first.number().is_none());
        assert_eq!(member.number().and_then(of_number), Some(member.clone()));
        assert!(first < member && member < last);
    }
}
