//! The four questions asked of every object, and their answers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::shape::Time;

/// The four questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConditionType {
    /// Live state is the desired state, and healthy.
    Ready,
    /// Work is under way: a write was made, or a rollout is in progress.
    Reconciling,
    /// Nothing more will be tried until the input changes or a person acts.
    Stalled,
    /// It runs, but not as it should: undeclared drift, a held deploy hash, fewer tasks than wanted.
    Degraded,
}

impl ConditionType {
    pub const ALL: [Self; 4] = [Self::Ready, Self::Reconciling, Self::Stalled, Self::Degraded];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::Degraded => "Degraded",
        }
    }
}

/// One answer, with the reason (PascalCase, a closed set) and since when it holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// `None` while nothing is known yet.
    pub status: Option<bool>,
    pub reason: Cow<'static, str>,
    pub message: String,
    pub since: Time,
}

/// The answers so far, in the order of the questions. There are many objects, and each has a few: a list is a third of
/// what a tree would be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conditions(Vec<(ConditionType, Condition)>);

impl Conditions {
    pub fn get(&self, kind: ConditionType) -> Option<&Condition> {
        self.0.iter().find(|(one, _)| *one == kind).map(|(_, condition)| condition)
    }

    pub fn ready(&self) -> Option<&Condition> {
        self.get(ConditionType::Ready)
    }

    /// It is answered, and with yes.
    pub fn holds(&self, kind: ConditionType) -> bool {
        self.get(kind).and_then(|condition| condition.status) == Some(true)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn insert(&mut self, kind: ConditionType, condition: Condition) {
        match self.0.binary_search_by_key(&kind, |(one, _)| *one) {
            Ok(place) => self.0.get_mut(place).map(|(_, there)| *there = condition).unwrap_or_default(),
            Err(place) => self.0.insert(place, (kind, condition)),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (ConditionType, &Condition)> {
        self.0.iter().map(|(kind, condition)| (*kind, condition))
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Condition> {
        self.0.iter_mut().map(|(_, condition)| condition)
    }
}

impl FromIterator<(ConditionType, Condition)> for Conditions {
    fn from_iter<I: IntoIterator<Item = (ConditionType, Condition)>>(all: I) -> Self {
        let mut conditions = Self::default();
        all.into_iter().for_each(|(kind, condition)| conditions.insert(kind, condition));
        conditions
    }
}

impl Serialize for Conditions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Conditions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::deserialize(deserializer)?.into_iter().collect())
    }
}
