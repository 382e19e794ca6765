//! How a rollout goes if all goes well: which tasks ECS starts and stops, batch by batch (ecs-semantics §2.1, §2.3).
//! Must not know: whether there is room for them.

use std::fmt;

use serde::Serialize;

use super::Bounds;

/// More batches than a service within ECS's quota of 5,000 tasks needs, one task at a time.
const BATCHES_MAX: usize = 20_000;

/// The ordered batches of a rollout, a creation or a scale-out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Course {
    /// Tasks that are there before.
    pub from: i64,
    /// Tasks that are wanted.
    pub desired: i64,
    /// The percentages in force, minimum and maximum; absent where none are: a creation, a scale-out, a traffic shift.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percents: Option<(i64, i64)>,
    pub bounds: Bounds,
    pub batches: Vec<Batch>,
    /// The percentages leave no room: the batches end before all tasks are replaced.
    pub blocked: bool,
}

/// What ECS does at once. The next batch comes when the started tasks are healthy and the stopped ones are stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Batch {
    pub start: i64,
    pub stop: i64,
}

impl Course {
    /// A rolling update of `from` tasks. A DAEMON's desired count is its number of instances, its maximum 100 %.
    pub fn rolling(from: i64, desired: i64, minimum_healthy_percent: i64, maximum_percent: i64) -> Self {
        let bounds = Bounds::new(desired, minimum_healthy_percent, maximum_percent);
        let (mut old, mut new, mut batches) = (from.max(0), 0, Vec::new());
        while (old > 0 || new < desired) && batches.len() < BATCHES_MAX {
            let total = old + new;
            let batch = Batch {
                start: (desired - new).min(bounds.upper - total).max(0),
                stop: old.min(total - bounds.lower).max(0),
            };
            if batch == Batch::default() {
                break;
            }
            (old, new) = (old - batch.stop, new + batch.start);
            batches.push(batch);
        }
        let blocked = (old > 0 || new < desired) && batches.len() < BATCHES_MAX;
        let percents = Some((minimum_healthy_percent, maximum_percent));
        Self { from, desired, percents, bounds, batches, blocked }
    }

    /// BLUE_GREEN, LINEAR and CANARY: a whole second set is started, and the first stopped when traffic has left it
    /// (ecs-semantics §2.14).
    pub fn shifting(from: i64, desired: i64) -> Self {
        let batches = vec![Batch { start: desired, stop: 0 }, Batch { start: 0, stop: from }];
        let bounds = Bounds { lower: desired, upper: from + desired };
        Self { from, desired, percents: None, bounds, batches, blocked: false }
    }

    /// A creation, or a scale-out: nothing is stopped.
    pub fn adding(from: i64, desired: i64) -> Self {
        let batches = vec![Batch { start: (desired - from).max(0), stop: 0 }];
        let bounds = Bounds { lower: from.min(desired), upper: desired };
        Self { from, desired, percents: None, bounds, batches, blocked: false }
    }

    /// The most tasks that count at a time, beyond those that are there before.
    pub fn surge(&self) -> i64 {
        self.most(|_| 0)
    }

    /// Tasks that are started before any is stopped: they go where the fewest are, which is everywhere alike.
    pub fn first_started(&self) -> i64 {
        self.batches.first().filter(|batch| batch.stop == 0).map_or(0, |batch| batch.start)
    }

    /// The most tasks among which those that are started even the zones out. Before anything is stopped that is those
    /// that are started; afterwards all there are, since those that are stopped may all have been in one zone.
    pub fn spread(&self) -> i64 {
        let (mut total, mut most, mut stopped) = (self.from, 0, false);
        for batch in &self.batches {
            stopped |= batch.stop > 0;
            if batch.start > 0 {
                most = most.max(if stopped { total + batch.start } else { batch.start });
            }
            total += batch.start - batch.stop;
        }
        most
    }

    /// [`Self::surge`] with those that have stopped a moment ago: they keep their interface for some seconds (§9.1), while ECS
    /// starts others in their place already.
    pub fn surge_held(&self) -> i64 {
        self.most(|before| before.stop)
    }

    fn most(&self, lingers: impl Fn(&Batch) -> i64) -> i64 {
        let (mut total, mut most, mut before) = (self.from, self.from, Batch::default());
        for batch in &self.batches {
            if batch.start > 0 {
                most = most.max(total + batch.start + lingers(&before));
            }
            total += batch.start - batch.stop;
            before = *batch;
        }
        most - self.from
    }
}

/// `4 tasks, 100-150 %: +2, -2, +2, -2`.
impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from > 0 && self.from != self.desired {
            write!(f, "{} to ", self.from)?;
        }
        write!(f, "{} {}", self.desired, if self.desired == 1 { "task" } else { "tasks" })?;
        if let Some((minimum, maximum)) = self.percents {
            write!(f, ", {minimum}-{maximum} %")?;
        }
        write!(f, ": {}", steps(&self.batches))?;
        if self.blocked {
            f.write_str(if self.batches.is_empty() {
                "nothing can be started or stopped"
            } else {
                ", and no further"
            })?;
        }
        Ok(())
    }
}

/// Batches shown one by one; longer courses are told by what repeats in them.
const BATCHES_SHOWN: usize = 8;

fn steps(batches: &[Batch]) -> String {
    let told = |batches: &[Batch]| batches.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if batches.len() <= BATCHES_SHOWN {
        return told(batches);
    }
    let pairs: Vec<&[Batch]> = batches.chunks(2).collect();
    let runs = pairs.chunk_by(|one, next| one == next);
    let run = |run: &[&[Batch]]| match run {
        [only] => told(only),
        [first, ..] => format!("{} times ({})", run.len(), told(first)),
        [] => String::new(),
    };
    let runs: Vec<String> = runs.map(run).collect();
    match runs.as_slice() {
        few if few.len() <= BATCHES_SHOWN => few.join(", "),
        [first, .., last] => format!("{first}, and so on to {last}, {} in all", batches.len()),
        few => few.join(", "),
    }
}

/// `+2`, `-2`, or `+2/-1` where both happen at once.
impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.start, self.stop) {
            (start, 0) => write!(f, "+{start}"),
            (0, stop) => write!(f, "-{stop}"),
            (start, stop) => write!(f, "+{start}/-{stop}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn courses_read_as_people_would_count_them() {
        for (desired, min, max, told) in [
            (4, 100, 150, "4 tasks, 100-150 %: +2, -2, +2, -2"),
            (4, 100, 200, "4 tasks, 100-200 %: +4, -4"),
            (4, 50, 100, "4 tasks, 50-100 %: -2, +2, -2, +2"),
            (4, 50, 150, "4 tasks, 50-150 %: +2/-2, +2/-2"),
            (1, 0, 100, "1 task, 0-100 %: -1, +1"),
            (1, 50, 150, "1 task, 50-150 %: nothing can be started or stopped"),
            (3, 100, 125, "3 tasks, 100-125 %: nothing can be started or stopped"),
            (0, 100, 200, "0 tasks, 100-200 %: "),
            (100, 100, 101, "100 tasks, 100-101 %: 100 times (+1, -1)"),
        ] {
            assert_eq!(Course::rolling(desired, desired, min, max).to_string(), told);
        }
        assert_eq!(Course::shifting(3, 3).to_string(), "3 tasks: +3, -3");
        assert_eq!(Course::adding(0, 2).to_string(), "2 tasks: +2");
        assert_eq!(Course::adding(2, 5).to_string(), "2 to 5 tasks: +3");
        assert_eq!(Course::rolling(8, 4, 100, 200).to_string(), "8 to 4 tasks, 100-200 %: -4, +4, -4");
    }

    #[test]
    fn the_surge_is_what_the_bounds_allow_and_what_lingers_comes_on_top() {
        for (desired, min, max, surge, held) in
            [(4, 100, 200, 4, 4), (4, 100, 150, 2, 4), (4, 50, 100, 0, 2), (4, 0, 100, 0, 4), (1, 50, 150, 0, 0)]
        {
            let course = Course::rolling(desired, desired, min, max);
            assert_eq!((course.surge(), course.surge_held()), (surge, held), "{desired} at {min}/{max}");
        }
        assert_eq!(Course::shifting(3, 5).surge(), 5);
        assert_eq!(Course::adding(2, 5).surge(), 3);
        // A scale-in in the same breath leaves more room.
        assert_eq!(Course::rolling(8, 4, 100, 200).surge(), 0);
    }

    /// Whatever the percentages: within the bounds at each batch, and all tasks are replaced or it says that they aren't.
    #[test]
    fn no_course_leaves_the_bounds_and_none_ends_halfway_in_silence() {
        for desired in 0..12 {
            for min in (0..=100).step_by(5) {
                for max in (100..=250).step_by(5) {
                    let course = Course::rolling(desired, desired, min, max);
                    let (mut total, mut started) = (desired, 0);
                    for batch in &course.batches {
                        assert!(
                            total + batch.start <= course.bounds.upper && total - batch.stop >= course.bounds.lower
                        );
                        total += batch.start - batch.stop;
                        started += batch.start;
                    }
                    assert_eq!(course.blocked, course.bounds.lower >= course.bounds.upper && desired > 0);
                    assert!(course.blocked || (started == desired && total == desired), "{course}");
                }
            }
        }
    }
}
