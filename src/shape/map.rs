//! `Map`: named values in one piece of memory, since a tree of many small maps is what most of ours is kept in.

use std::collections::BTreeMap;
use std::fmt;

use super::{Name, Tree};

/// The members of a structure, or the entries of a map, in the order of their names.
#[derive(Clone, Default, PartialEq)]
pub struct Map {
    /// Sorted by name, each name once; no more memory than they need.
    entries: Box<[(Name, Tree)]>,
}

impl Map {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        // What is read or copied comes in order.
        match self.entries.last() {
            Some((last, _)) if last.as_str() < name => Err(self.entries.len()),
            _ => self.entries.binary_search_by(|(one, _)| one.as_str().cmp(name)),
        }
    }

    pub fn get(&self, name: &str) -> Option<&Tree> {
        self.entries.get(self.place(name).ok()?).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut Tree> {
        let place = self.place(name).ok()?;
        self.entries.get_mut(place).map(|(_, value)| value)
    }

    pub fn contains_key(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    /// Changes which entries there are.
    fn alter<T>(&mut self, change: impl FnOnce(&mut Vec<(Name, Tree)>) -> T) -> T {
        let mut entries = std::mem::take(&mut self.entries).into_vec();
        let result = change(&mut entries);
        self.entries = entries.into();
        result
    }

    /// Sets a value, and gives back the one that was there.
    pub fn insert(&mut self, name: impl Into<Name> + AsRef<str>, value: Tree) -> Option<Tree> {
        match self.place(name.as_ref()) {
            Ok(place) => self.entries.get_mut(place).map(|(_, there)| std::mem::replace(there, value)),
            Err(place) => {
                self.alter(|entries| {
                    // Room for this one alone: there is to be none to give back.
                    entries.reserve_exact(1);
                    entries.insert(place, (name.into(), value));
                });
                None
            }
        }
    }

    /// Sets a value where there is none.
    pub fn insert_if_absent(&mut self, name: &str, value: impl FnOnce() -> Tree) {
        if !self.contains_key(name) {
            self.insert(name, value());
        }
    }

    pub fn remove(&mut self, name: &str) -> Option<Tree> {
        let place = self.place(name).ok()?;
        Some(self.alter(|entries| entries.remove(place)).1)
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&Name, &mut Tree) -> bool) {
        self.alter(|entries| entries.retain_mut(|(name, value)| keep(name, value)));
    }

    pub fn iter(&self) -> Iter<'_> {
        self.entries.iter().map(|(name, value)| (name, value))
    }

    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&Name, &mut Tree)> {
        self.entries.iter_mut().map(|(name, value)| (&*name, value))
    }

    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Name> + DoubleEndedIterator + Clone {
        self.entries.iter().map(|(name, _)| name)
    }

    pub fn values(&self) -> impl ExactSizeIterator<Item = &Tree> + DoubleEndedIterator + Clone {
        self.entries.iter().map(|(_, value)| value)
    }

    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Tree> {
        self.entries.iter_mut().map(|(_, value)| value)
    }
}

pub type Iter<'a> = std::iter::Map<std::slice::Iter<'a, (Name, Tree)>, fn(&'a (Name, Tree)) -> (&'a Name, &'a Tree)>;

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Name, &'a Tree);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl IntoIterator for Map {
    type Item = (Name, Tree);
    type IntoIter = std::vec::IntoIter<(Name, Tree)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_vec().into_iter()
    }
}

/// Of two values of a name the later stays.
impl<N: Into<Name>> FromIterator<(N, Tree)> for Map {
    fn from_iter<I: IntoIterator<Item = (N, Tree)>>(entries: I) -> Self {
        let mut entries: Vec<(Name, Tree)> = entries.into_iter().map(|(name, value)| (name.into(), value)).collect();
        if !entries.is_sorted_by(|(a, _), (b, _)| a < b) {
            // The later stand before the earlier ones, of which only the first is left.
            entries.reverse();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            entries.dedup_by(|(a, _), (b, _)| a == b);
        }
        Self { entries: entries.into() }
    }
}

impl<N: Into<Name>> Extend<(N, Tree)> for Map {
    fn extend<I: IntoIterator<Item = (N, Tree)>>(&mut self, more: I) {
        for (name, value) in more {
            self.insert(name.into(), value);
        }
    }
}

/// For entries that come one by one in any order, however many.
impl<N: Into<Name>> From<BTreeMap<N, Tree>> for Map {
    fn from(entries: BTreeMap<N, Tree>) -> Self {
        entries.into_iter().collect()
    }
}

impl<N: Into<Name>, const LEN: usize> From<[(N, Tree); LEN]> for Map {
    fn from(entries: [(N, Tree); LEN]) -> Self {
        entries.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(String, i64),
        Remove(String),
        Retain(i64),
        Extend(Vec<(String, i64)>),
    }

    fn step() -> impl Strategy<Value = Step> {
        let name = "[a-d]{0,2}";
        prop_oneof![
            (name, any::<i64>()).prop_map(|(name, value)| Step::Insert(name, value)),
            name.prop_map(Step::Remove),
            any::<i64>().prop_map(Step::Retain),
            prop::collection::vec((name, any::<i64>()), 0..6).prop_map(Step::Extend),
        ]
    }

    proptest! {
        #[test]
        fn it_is_an_ordered_map(begin in prop::collection::vec(("[a-d]{0,2}", any::<i64>()), 0..12), steps in prop::collection::vec(step(), 0..20)) {
            let tree = |(name, value): (String, i64)| (name, Tree::Int(value));
            let mut map: Map = begin.iter().cloned().map(tree).collect();
            let mut model: BTreeMap<String, Tree> = begin.into_iter().map(tree).collect();
            for step in steps {
                match step {
                    Step::Insert(name, value) => {
                        let was = map.insert(name.clone(), Tree::Int(value));
                        prop_assert_eq!(was, model.insert(name, Tree::Int(value)));
                    }
                    Step::Remove(name) => prop_assert_eq!(map.remove(&name), model.remove(&name)),
                    Step::Retain(least) => {
                        map.retain(|_, value| value.as_int() >= Some(least));
                        model.retain(|_, value| value.as_int() >= Some(least));
                    }
                    Step::Extend(more) => {
                        map.extend(more.iter().cloned().map(tree));
                        model.extend(more.into_iter().map(tree));
                    }
                }
                let modelled = model.iter().map(|(name, value)| (name.as_str(), value));
                prop_assert!(map.iter().map(|(name, value)| (name.as_str(), value)).eq(modelled));
                prop_assert!(model.iter().all(|(name, value)| map.get(name) == Some(value)));
                prop_assert!(map.contains_key("aa") == model.contains_key("aa") && map.len() == model.len());
            }
        }
    }
}
