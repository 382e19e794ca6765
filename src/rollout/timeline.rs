//! How a rollout went so far: tasks by revision, at each look that saw others than the one before. Bounded, whatever
//! happens and however long it takes. Must not know: who looks, how it is drawn.

use serde::{Deserialize, Serialize};

use crate::shape::Time;

use super::{Bounds, RolloutStatus};

/// Looks that are kept of one rollout; of more, those that held the shortest go.
pub const SAMPLES_MAX: usize = 96;
/// Revisions told apart in one rollout; further ones are counted with the newest.
pub const REVISIONS_MAX: usize = 6;

/// One rollout, from its beginning to its end or to the newest look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// AWS's time, as all times here.
    pub began: Time,
    /// The newest look.
    pub until: Time,
    /// The newest look saw it over.
    pub over: bool,
    /// `family:revision`, in the order in which they came.
    pub revisions: Vec<String>,
    /// Oldest first; each holds until the next.
    pub samples: Vec<Sample>,
}

/// How a service's tasks were at one look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub at: Time,
    /// Tasks by revision, in the timeline's order; those at the end that had none are left out.
    pub tasks: Vec<i64>,
    /// All tasks, those that start or stop too, as far as the upper bound counts them.
    pub total: i64,
    pub bounds: Bounds,
}

impl Sample {
    /// Tasks of the revision at that place in the timeline.
    pub fn of(&self, revision: usize) -> i64 {
        self.tasks.get(revision).copied().unwrap_or(0)
    }

    /// Tasks of all revisions.
    pub fn all(&self) -> i64 {
        self.tasks.iter().sum()
    }

    /// As many tasks as the lower bound asks for, and no more in all than the upper one allows.
    pub fn is_inside(&self) -> bool {
        self.all() >= self.bounds.lower && self.total <= self.bounds.upper
    }
}

impl Timeline {
    /// A rollout that is seen for the first time; `before` is how the service stood at the last look before.
    pub fn begin(before: Option<&RolloutStatus>, now: &RolloutStatus) -> Self {
        let began = now.since.min(now.at);
        let mut timeline = Self { began, until: began, ..Self::default() };
        if let Some(before) = before {
            timeline.see(&RolloutStatus { at: began, ..before.clone() });
        }
        timeline.see(now);
        timeline
    }

    /// Takes a look at the service in.
    pub fn see(&mut self, now: &RolloutStatus) {
        // PRIMARY comes first, and is the newest.
        let mut tasks: Vec<(&str, i64)> =
            now.deployments.iter().rev().map(|one| (one.task_definition.as_str(), one.running)).collect();
        // Tasks of no deployment any more are on their way out.
        let rest = now.running - tasks.iter().map(|(_, running)| running).sum::<i64>();
        if let Some((_, running)) = tasks.first_mut() {
            *running += rest.max(0);
        }
        self.over = !now.is_rolling();
        self.take(now.at, &tasks, now.total(), now.bounds);
    }

    /// Takes counts by revision in, older revisions first.
    pub fn take(&mut self, at: Time, tasks: &[(&str, i64)], total: i64, bounds: Bounds) {
        let mut sample = Sample { at, tasks: vec![0; self.revisions.len()], total, bounds };
        for (revision, count) in tasks {
            let place = self.place(revision);
            sample.tasks.resize(sample.tasks.len().max(place + 1), 0);
            if let Some(here) = sample.tasks.get_mut(place) {
                *here += count;
            }
        }
        while sample.tasks.last() == Some(&0) {
            sample.tasks.pop();
        }
        self.until = self.until.max(at);
        let same = |last: &&Sample| (&last.tasks, last.total, last.bounds) == (&sample.tasks, total, bounds);
        if self.samples.last().filter(same).is_some() {
            return;
        }
        if self.samples.len() >= SAMPLES_MAX {
            self.thin();
        }
        self.samples.push(sample);
    }

    fn place(&mut self, revision: &str) -> usize {
        if let Some(place) = self.revisions.iter().position(|known| known == revision) {
            return place;
        }
        if self.revisions.len() < REVISIONS_MAX {
            self.revisions.push(revision.to_owned());
        }
        self.revisions.len() - 1
    }

    /// Forgets the sample that held the shortest, but for the first.
    fn thin(&mut self) {
        let held = self.samples.iter().zip(self.samples.iter().skip(1)).map(|(one, next)| next.at.since(one.at));
        let shortest = held.enumerate().skip(1).min_by_key(|(_, held)| *held);
        if let Some((place, _)) = shortest {
            self.samples.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::DeploymentStatus;

    fn deployment(status: &str, revision: &str, state: &str, running: i64) -> DeploymentStatus {
        DeploymentStatus {
            status: status.into(),
            task_definition: revision.into(),
            state: state.into(),
            desired: 4,
            running,
            pending: 0,
            failed: 0,
        }
    }

    fn look(at: i64, deployments: Vec<DeploymentStatus>, running: i64, pending: i64) -> RolloutStatus {
        let bounds = Bounds { lower: 2, upper: 6 };
        RolloutStatus {
            bounds,
            desired: 4,
            running,
            pending,
            deployments,
            since: Time(1000),
            at: Time(at),
            event: None,
        }
    }

    #[test]
    fn a_rollout_is_followed_from_what_was_before_to_its_end() {
        let before = look(500, vec![deployment("PRIMARY", "web:1", "COMPLETED", 4)], 4, 0);
        let two = |new, old| {
            vec![deployment("PRIMARY", "web:2", "IN_PROGRESS", new), deployment("ACTIVE", "web:1", "COMPLETED", old)]
        };
        let mut timeline = Timeline::begin(Some(&before), &look(6000, two(0, 4), 4, 2));
        timeline.see(&look(8000, two(0, 4), 4, 2));
        // One old task is of no deployment any more, and has not stopped yet.
        timeline.see(&look(11_000, two(2, 1), 4, 1));
        assert!(!timeline.over);
        timeline.see(&look(20_000, vec![deployment("PRIMARY", "web:2", "COMPLETED", 4)], 4, 0));
        assert_eq!((timeline.began, timeline.until, timeline.over), (Time(1000), Time(20_000), true));
        assert_eq!(timeline.revisions, ["web:1", "web:2"]);
        let told: Vec<_> = timeline.samples.iter().map(|one| (one.at.0, one.tasks.clone(), one.total)).collect();
        let wanted = [(1000, vec![4], 4), (6000, vec![4], 6), (11_000, vec![2, 2], 5), (20_000, vec![0, 4], 4)];
        assert_eq!(told, wanted);
        assert!(timeline.samples.iter().all(Sample::is_inside));
    }

    #[test]
    fn it_stays_small_however_long_it_takes() {
        let mut timeline = Timeline::default();
        for at in 0..10_000_i64 {
            let name = format!("web:{}", at / 100);
            timeline.take(Time(at * 1000), &[(name.as_str(), at % 7)], at % 7, Bounds { lower: 0, upper: 9 });
        }
        assert_eq!((timeline.samples.len(), timeline.revisions.len()), (SAMPLES_MAX, REVISIONS_MAX));
        assert_eq!((timeline.samples[0].at, timeline.until), (Time(0), Time(9_999_000)));
        assert!(timeline.samples.iter().all(|one| one.tasks.len() <= REVISIONS_MAX && one.all() == one.total));
    }
}
