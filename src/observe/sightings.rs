//! The newest observation of each thing.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use crate::aws::CallError;
use crate::kinds::Observed;
use crate::shape::{Packed, Time, Tree};

use super::Seen;

/// Observations by what they are of. There may be ten thousand, and each is looked into once in a while.
#[derive(Debug)]
pub struct Sightings<K>(BTreeMap<K, Sighting>);

/// An observation, packed.
#[derive(Debug)]
struct Sighting {
    shown: Shown,
    date: Time,
    begun: Time,
    failure: Option<Box<CallError>>,
}

#[derive(Debug, PartialEq)]
enum Shown {
    Absent,
    Present(Packed),
    Unknown(Box<str>),
}

impl<K> Default for Sightings<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone> Sightings<K> {
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<Seen>
    where
        K: Borrow<Q>,
    {
        self.0.get(key).map(Sighting::seen)
    }

    /// What AWS showed, if there was something.
    pub fn shown<Q: Ord + ?Sized>(&self, key: &Q) -> Option<Tree>
    where
        K: Borrow<Q>,
    {
        self.0.get(key)?.tree()
    }

    /// When the look at it was begun.
    pub fn begun<Q: Ord + ?Sized>(&self, key: &Q) -> Option<Time>
    where
        K: Borrow<Q>,
    {
        self.0.get(key).map(|sighting| sighting.begun)
    }

    /// All that there is, one by one.
    pub fn all_shown(&self) -> impl Iterator<Item = (&K, Tree)> {
        self.0.iter().filter_map(|(key, sighting)| Some((key, sighting.tree()?)))
    }

    /// AWS's time of its newest answer.
    pub fn newest(&self) -> Option<Time> {
        self.0.values().map(|sighting| sighting.date).max()
    }

    /// Takes an observation in, unless a newer one is there: a sweep takes longer than a look. Whether it did.
    pub fn see<Q: Ord + ToOwned<Owned = K> + ?Sized>(&mut self, key: &Q, seen: &Seen) -> bool
    where
        K: Borrow<Q>,
    {
        match self.0.get_mut(key) {
            None => {
                self.0.insert(key.to_owned(), Sighting::of(seen));
                true
            }
            Some(newest) => newest.follow(seen),
        }
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&K) -> bool) {
        self.0.retain(|key, _| keep(key));
    }
}

impl Sighting {
    fn of(seen: &Seen) -> Self {
        let Seen { observed, date, begun, failure } = seen;
        let shown = match observed {
            Observed::Absent => Shown::Absent,
            Observed::Present(tree) => Shown::Present(Packed::of(tree)),
            Observed::Unknown(why) => Shown::Unknown(why.as_str().into()),
        };
        Self { shown, date: *date, begun: *begun, failure: failure.clone().map(Box::new) }
    }

    fn follow(&mut self, seen: &Seen) -> bool {
        if seen.begun < self.begun {
            return false;
        }
        let later = Self::of(seen);
        let same = self.shown == later.shown;
        // What says the same stays where it is: memory that is given back piece by piece is little use to anyone.
        let shown = std::mem::replace(&mut self.shown, Shown::Absent);
        *self = if same { Self { shown, ..later } } else { later };
        true
    }

    fn tree(&self) -> Option<Tree> {
        match &self.shown {
            Shown::Present(packed) => Some(packed.tree()),
            Shown::Absent | Shown::Unknown(_) => None,
        }
    }

    fn seen(&self) -> Seen {
        let observed = match &self.shown {
            Shown::Absent => Observed::Absent,
            Shown::Present(packed) => Observed::Present(packed.tree()),
            Shown::Unknown(why) => Observed::Unknown(why.to_string()),
        };
        Seen { observed, date: self.date, begun: self.begun, failure: self.failure.as_deref().cloned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn the_later_look_stays_whichever_ends_first() {
        let seen =
            |observed: Observed, begun: i64| Seen { observed, date: Time(begun), begun: Time(begun), failure: None };
        let shown = || Observed::Present(tree! { "status" => "ACTIVE" });
        let mut all = Sightings::<String>::default();
        assert!(all.see("web", &seen(Observed::Absent, 1)) && all.shown("web").is_none());
        assert!(all.see("web", &seen(shown(), 3)));
        assert!(!all.see("web", &seen(Observed::Absent, 2)));
        assert_eq!(all.get("web"), Some(seen(shown(), 3)));
        assert!(all.see("web", &seen(shown(), 4)));
        assert_eq!(all.get("web").map(|seen| seen.begun), Some(Time(4)));
        let why = Observed::Unknown("denied".to_owned());
        let failure = Some(CallError::bad_input("DescribeServices", "denied"));
        let failed = Seen { failure, ..seen(why, 5) };
        assert!(all.see("web", &failed) && all.get("web") == Some(failed));
        assert_eq!(all.all_shown().count(), 0);
        all.retain(|_| false);
        assert_eq!(all.get("web"), None);
    }
}
