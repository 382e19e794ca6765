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
    Member(&'static Member),
    Other(Box<str>),
}

/// A name that is a member's, and its place among all of them.
struct Member {
    name: &'static str,
    number: usize,
}

/// In the order of their names.
static MEMBERS: LazyLock<Vec<Member>> = LazyLock::new(|| {
    let members = table::ecs().shapes.values().filter_map(|shape| match shape {
        Shape::Structure(structure) => Some(structure.members.keys().copied()),
        _ => None,
    });
    let names: BTreeSet<&'static str> = members.flatten().collect();
    names.into_iter().enumerate().map(|(number, name)| Member { name, number }).collect()
});

fn member(name: &str) -> Option<&'static Member> {
    MEMBERS.get(MEMBERS.binary_search_by_key(&name, |member| member.name).ok()?)
}

impl Name {
    /// What stands for it where names are packed; only a member of ECS has one.
    pub(super) fn number(&self) -> Option<usize> {
        match &self.0 {
            Kept::Member(member) => Some(member.number),
            Kept::Other(_) => None,
        }
    }

    /// The name that has this number.
    pub(super) fn of_number(number: usize) -> Option<Self> {
        MEMBERS.get(number).map(|member| Self(Kept::Member(member)))
    }

    pub fn as_str(&self) -> &str {
        match &self.0 {
            Kept::Member(member) => member.name,
            Kept::Other(name) => name,
        }
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self(member(name).map_or_else(|| Kept::Other(name.into()), Kept::Member))
    }
}

impl From<String> for Name {
    fn from(name: String) -> Self {
        Self(member(&name).map_or_else(|| Kept::Other(name.into()), Kept::Member))
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
        assert_eq!(member.number().and_then(Name::of_number), Some(member.clone()));
        assert!(first < member && member < last);
    }
}
