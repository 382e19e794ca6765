//! Which key is due when: deduplicated, delayed, by priority. Must not know: what a key means.
//!
//! Equal keys are never in hand twice at once; the earliest time wins; a later request never delays an earlier one; a
//! request for a key in hand is kept until that is done. Every key has at most one entry, so the queue is bounded by
//! the number of keys.

use std::collections::{BTreeMap, BTreeSet};

use crate::shape::Time;
use crate::telemetry::{Priority, Reason};

/// When a key is due, how urgently, and why it was put down; the reason is for people, and no part of the order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    pub due: Time,
    pub priority: Priority,
    pub reason: Reason,
}

/// The queue.
#[derive(Debug)]
pub struct Queue<K> {
    waiting: BTreeMap<K, (Entry, Place)>,
    /// The same, in the order in which keys become due; keys of one instant in the order they were put down.
    order: BTreeMap<Place, K>,
    put_down: u64,
    in_hand: BTreeSet<K>,
    /// Asked for while in hand.
    again: BTreeMap<K, Entry>,
}

/// Where a key stands in the order.
type Place = (Priority, Time, u64);

impl<K: Ord + Clone> Default for Queue<K> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            order: BTreeMap::new(),
            put_down: 0,
            in_hand: BTreeSet::new(),
            again: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone> Queue<K> {
    /// Puts a key down.
    pub fn add(&mut self, key: K, entry: Entry) {
        if self.in_hand.contains(&key) {
            let kept = self.again.get(&key).map_or(entry, |kept| sooner(*kept, entry));
            self.again.insert(key, kept);
            return;
        }
        let entry = match self.waiting.remove(&key) {
            Some((kept, place)) => {
                self.order.remove(&place);
                sooner(kept, entry)
            }
            None => entry,
        };
        self.put_down += 1;
        let place = (entry.priority, entry.due, self.put_down);
        self.order.insert(place, key.clone());
        self.waiting.insert(key, (entry, place));
    }

    /// Takes the most urgent of the keys that are due, the longest due first.
    pub fn take(&mut self, now: Time) -> Option<(K, Entry)> {
        let (_, place) = self.firsts().find(|(due, _)| *due <= now)?;
        let key = self.order.remove(&place)?;
        let (entry, _) = self.waiting.remove(&key)?;
        self.in_hand.insert(key.clone());
        Some((key, entry))
    }

    /// The first of each priority, most urgent first.
    fn firsts(&self) -> impl Iterator<Item = (Time, Place)> + '_ {
        let first = |priority: &Priority| {
            let (place, _) = self.order.range((*priority, Time(i64::MIN), 0)..).next()?;
            (place.0 == *priority).then_some((place.1, *place))
        };
        Priority::ALL.iter().filter_map(first)
    }

    /// The key is no longer in hand.
    pub fn done(&mut self, key: &K) {
        self.in_hand.remove(key);
        if let Some(entry) = self.again.remove(key) {
            self.add(key.clone(), entry);
        }
    }

    /// Forgets a key that is not in hand.
    pub fn forget(&mut self, key: &K) {
        if let Some((_, place)) = self.waiting.remove(key) {
            self.order.remove(&place);
        }
        self.again.remove(key);
    }

    /// Whether somebody works on the key.
    pub fn is_in_hand(&self, key: &K) -> bool {
        self.in_hand.contains(key)
    }

    /// Whether the key has an entry that waits for its time.
    pub fn waits(&self, key: &K) -> bool {
        self.waiting.contains_key(key)
    }

    /// When the next key is due.
    pub fn next_due(&self) -> Option<Time> {
        self.firsts().map(|(due, _)| due).min()
    }

    /// How many keys of a priority wait.
    pub fn depth(&self, priority: Priority) -> usize {
        self.waiting.values().filter(|(entry, _)| entry.priority == priority).count()
    }
}

/// Two requests for one key are one: the earlier time, the higher priority.
fn sooner(kept: Entry, new: Entry) -> Entry {
    let (due, reason) = if new.due < kept.due { (new.due, new.reason) } else { (kept.due, kept.reason) };
    Entry { due, reason, priority: kept.priority.min(new.priority) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(due: i64, priority: Priority) -> Entry {
        Entry { due: Time(due), priority, reason: Reason::Resync }
    }

    #[test]
    fn the_earliest_time_wins_and_a_later_request_delays_nothing() {
        let mut queue = Queue::default();
        queue.add("a", at(10, Priority::Low));
        queue.add("a", at(5, Priority::Low));
        queue.add("a", at(20, Priority::Low));
        assert_eq!(queue.next_due(), Some(Time(5)));
        assert_eq!(queue.take(Time(4)), None);
        assert_eq!(queue.take(Time(5)).map(|(key, _)| key), Some("a"));
        assert_eq!(queue.take(Time(99)), None, "one entry a key");
    }

    #[test]
    fn a_key_in_hand_is_never_taken_again_and_never_forgotten() {
        let mut queue = Queue::default();
        queue.add("a", at(0, Priority::Low));
        assert!(queue.take(Time(0)).is_some());
        queue.add("a", at(1, Priority::High));
        assert_eq!(queue.take(Time(9)), None);
        queue.done(&"a");
        assert_eq!(queue.take(Time(9)).map(|(_, entry)| entry.priority), Some(Priority::High));
        queue.done(&"a");
        assert_eq!(queue.next_due(), None);
    }

    #[test]
    fn what_people_wait_for_overtakes_a_resync() {
        let mut queue = Queue::default();
        queue.add("old", at(0, Priority::Low));
        queue.add("new", at(5, Priority::High));
        assert_eq!(queue.take(Time(5)).map(|(key, _)| key), Some("new"));
        assert_eq!(queue.take(Time(5)).map(|(key, _)| key), Some("old"));
    }

    #[test]
    fn a_request_raises_the_priority_of_one_that_waits() {
        let mut queue = Queue::default();
        queue.add("a", at(0, Priority::Low));
        queue.add("a", at(5, Priority::High));
        assert_eq!((queue.depth(Priority::High), queue.depth(Priority::Low)), (1, 0));
    }
}
