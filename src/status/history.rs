//! What became of an object lately: rollouts, drift, changes, troubles. Kept in memory, a few of each object, since all
//! that matters for decisions lies in AWS. Must not know: who tells it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::shape::Time;

/// Happenings that are kept of one object; the oldest goes first.
pub const HAPPENINGS_MAX: usize = 10;
/// Characters of what is said of one.
pub const DETAIL_CHARS: usize = 600;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// It was made.
    Created,
    /// A task definition revision was registered.
    Registered,
    /// It was changed in place, as Git asked.
    Changed,
    /// What somebody else had changed in place was changed back.
    DriftHealed,
    /// It was deleted, or its deletion was begun.
    Deleted,
    RolloutBegan,
    RolloutCompleted,
    RolloutRolledBack,
    /// ECS gave it up, and there was nothing to roll back to.
    RolloutFailed,
    /// It missed its deadline; ECS may still be at it.
    RolloutTimedOut,
    /// Another deployment came before it was done.
    RolloutSuperseded,
    /// Something is in the way, and is not tried again before somebody acts.
    Troubled,
    /// What was in the way is gone.
    Recovered,
}

impl What {
    /// As people say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Registered => "registered",
            Self::Changed => "changed in place",
            Self::DriftHealed => "drift healed",
            Self::Deleted => "deleted",
            Self::RolloutBegan => "rollout began",
            Self::RolloutCompleted => "rollout completed",
            Self::RolloutRolledBack => "rollout rolled back",
            Self::RolloutFailed => "rollout failed",
            Self::RolloutTimedOut => "rollout missed its deadline",
            Self::RolloutSuperseded => "rollout superseded",
            Self::Troubled => "held up",
            Self::Recovered => "as Git says again",
        }
    }

    /// Somebody should look at it.
    pub fn is_bad(self) -> bool {
        match self {
            Self::RolloutRolledBack | Self::RolloutFailed | Self::RolloutTimedOut | Self::Troubled => true,
            Self::Created
            | Self::Registered
            | Self::Changed
            | Self::DriftHealed
            | Self::Deleted
            | Self::RolloutBegan
            | Self::RolloutCompleted
            | Self::RolloutSuperseded
            | Self::Recovered => false,
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Happening {
    /// The operator's time; of what happened several times in a row, the last.
    pub at: Time,
    pub what: What,
    /// Why, how, what of; empty where there is nothing to say. Without secrets, as all of the status.
    pub detail: String,
    /// Of a rollout that failed, why its tasks stopped, as far as they say. Without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Whole seconds that a rollout took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_seconds: Option<u64>,
    /// How often in a row.
    pub times: u32,
}

impl Happening {
    pub fn new(at: Time, what: What, detail: impl Into<String>) -> Self {
        Self { at, what, detail: detail.into(), cause: None, took_seconds: None, times: 1 }
    }
}

/// The newest happenings of one object, oldest first. Copies share them until one changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History(Arc<Vec<Happening>>);

impl History {
    /// Takes one more in; one that repeats the newest is counted with it.
    pub fn add(&mut self, mut happening: Happening) {
        happening.detail = shortened(happening.detail);
        let all = Arc::make_mut(&mut self.0);
        match all.last_mut() {
            Some(last) if (last.what, &last.detail) == (happening.what, &happening.detail) => {
                *last = Happening { times: last.times.saturating_add(1), ..happening };
            }
            _ => all.push(happening),
        }
        let surplus = all.len().saturating_sub(HAPPENINGS_MAX);
        all.drain(..surplus);
    }

    /// Sets the cause of the newest happening that is meant, where there is one.
    pub fn because(&mut self, is_meant: impl Fn(&Happening) -> bool, said: &str) {
        let said = Some(shortened(said.to_owned()));
        let Some(place) = self.0.iter().rposition(is_meant) else { return };
        // Copies that people read are shared while nothing changes.
        if self.0.get(place).is_some_and(|happening| happening.cause != said)
            && let Some(happening) = Arc::make_mut(&mut self.0).get_mut(place)
        {
            happening.cause = said;
        }
    }

    pub fn newest(&self) -> Option<&Happening> {
        self.0.last()
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Happening> {
        self.0.iter()
    }
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(DETAIL_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_short_and_counts_what_repeats() {
        let mut history = History::default();
        for at in 0..100 {
            history.add(Happening::new(Time(at), What::DriftHealed, "desiredCount"));
        }
        assert_eq!((history.iter().count(), history.newest().unwrap().times), (1, 100));
        assert_eq!(history.newest().unwrap().at, Time(99));
        for at in 100..200 {
            history.add(Happening::new(Time(at), What::Changed, format!("{at}{}", "ä".repeat(5000))));
        }
        assert_eq!(history.iter().count(), HAPPENINGS_MAX);
        assert!(history.iter().all(|one| one.detail.chars().count() == DETAIL_CHARS + 1 && one.times == 1));
        assert_eq!(history.iter().next().unwrap().at, Time(190));
    }

    #[test]
    fn copies_share_what_does_not_change() {
        let mut history = History::default();
        history.add(Happening::new(Time(1), What::Created, ""));
        let copy = history.clone();
        assert!(Arc::ptr_eq(&copy.0, &history.0));
        history.add(Happening::new(Time(2), What::RolloutBegan, "web:1"));
        assert_eq!((copy.iter().count(), history.iter().count()), (1, 2));
        let json = serde_json::to_string(&history).unwrap();
        assert_eq!(serde_json::from_str::<History>(&json).unwrap(), history, "{json}");
    }
}
