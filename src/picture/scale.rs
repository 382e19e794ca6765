//! From times and counts to the paper. Must not know: what is drawn.

use std::time::Duration;

use crate::rollout::{Sample, Timeline};

use super::Paper;

/// Ticks stand at multiples of one of these, in seconds.
const STEPS: [i64; 17] =
    [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 604_800];

/// What one paper shows of one timeline.
pub struct Scale<'a> {
    paper: &'a Paper,
    /// From the beginning to the right edge.
    pub seconds: i64,
    /// From the bottom to the top.
    pub tasks: i64,
    step: i64,
    /// Where what is drawn ends: at the newest look, or, of what is over, at the edge.
    end: i64,
}

impl<'a> Scale<'a> {
    pub fn of(paper: &'a Paper, timeline: &Timeline) -> Self {
        let most = timeline.samples.iter().map(|one| one.total.max(one.bounds.upper).max(one.all())).max();
        let took = seconds(timeline.until.since(timeline.began));
        let fits = |step: &&i64| took / **step < paper.ticks;
        let step = STEPS.iter().find(fits).copied().unwrap_or(took.max(1));
        let whole = (took + step - 1) / step * step;
        let seconds = whole.max(step);
        Self {
            paper,
            seconds,
            tasks: most.unwrap_or(0).max(1) + 1,
            step,
            end: if timeline.over { seconds } else { took },
        }
    }

    pub fn x(&self, at: i64) -> i64 {
        let Paper { left, right, .. } = *self.paper;
        left + (right - left) * at.clamp(0, self.seconds) / self.seconds
    }

    pub fn y(&self, tasks: i64) -> i64 {
        let Paper { top, bottom, .. } = *self.paper;
        let share = i128::from(bottom - top) * i128::from(tasks.clamp(0, self.tasks)) / i128::from(self.tasks);
        bottom - i64::try_from(share).unwrap_or(0)
    }

    /// How many tasks from one line to the next.
    pub fn every(&self) -> usize {
        let lines = if self.paper.words { 6 } else { 4 };
        usize::try_from(((self.tasks + lines - 1) / lines).max(1)).unwrap_or(usize::MAX)
    }

    /// Seconds and words of each tick.
    pub fn ticks(&self) -> impl Iterator<Item = (i64, String)> + '_ {
        let (unit, name) = match self.step {
            ..60 => (1, "s"),
            60..3600 => (60, "min"),
            3600..86_400 => (3600, "h"),
            _ => (86_400, "d"),
        };
        let step = usize::try_from(self.step).unwrap_or(usize::MAX);
        (0..=self.seconds).step_by(step).map(move |at| (at, format!("{} {name}", at / unit)))
    }

    /// A count over time: it holds until it changes.
    pub fn path(&self, timeline: &Timeline, count: impl Fn(&Sample) -> i64) -> String {
        let corner = |(place, (x, y)): (usize, (i64, i64))| format!("{}{x} {y}", if place == 0 { "M" } else { "L" });
        self.corners(timeline, count).into_iter().enumerate().map(corner).collect()
    }

    pub fn corners(&self, timeline: &Timeline, count: impl Fn(&Sample) -> i64) -> Vec<(i64, i64)> {
        let mut corners: Vec<(i64, i64)> = Vec::new();
        for sample in &timeline.samples {
            let (x, y) = (self.x(seconds(sample.at.since(timeline.began))), self.y(count(sample)));
            match corners.last().copied() {
                Some((_, before)) if before == y => {}
                Some((_, before)) => corners.extend([(x, before), (x, y)]),
                None => corners.push((x, y)),
            }
        }
        if let Some((_, y)) = corners.last().copied() {
            corners.push((self.x(self.end), y));
        }
        corners
    }
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::{NARROW, WIDE};
    use super::*;
    use crate::rollout::Bounds;
    use crate::shape::Time;

    fn took(seconds: i64, over: bool) -> Timeline {
        let mut timeline = Timeline { over, ..Timeline::default() };
        for (at, total) in [(0, 2), (seconds / 2, 3), (seconds, 2)] {
            timeline.take(Time(at * 1000), &[("web:1", total)], total, Bounds { lower: 2, upper: 3 });
        }
        timeline
    }

    #[test]
    fn a_count_holds_until_it_changes() {
        let timeline = took(30, true);
        let scale = Scale::of(&WIDE, &timeline);
        let (high, low) = (scale.y(3), scale.y(2));
        let wanted = [(56, low), (330, low), (330, high), (604, high), (604, low), (604, low)];
        assert_eq!(scale.corners(&timeline, |sample| sample.total), wanted);
    }

    #[test]
    fn what_goes_on_ends_at_the_newest_look() {
        let mut timeline = took(40, false);
        timeline.until = Time(43_000);
        let scale = Scale::of(&NARROW, &timeline);
        let last = scale.corners(&timeline, |sample| sample.total).pop().unwrap();
        assert_eq!((scale.seconds, last.0), (50, scale.x(43)));
        assert!(last.0 < NARROW.right);
    }

    #[test]
    fn ticks_are_few_whatever_it_takes() {
        for (seconds, last) in [(0, "5 s"), (20, "20 s"), (170, "3 min"), (3500, "60 min"), (90_000, "1 d")] {
            let timeline = took(seconds, true);
            let ticks: Vec<String> = Scale::of(&NARROW, &timeline).ticks().map(|(_, label)| label).collect();
            assert!((2..=6).contains(&ticks.len()), "{ticks:?}");
            if seconds < 90_000 {
                assert_eq!(ticks.last().unwrap(), last, "{ticks:?}");
            }
        }
        assert_eq!(Scale::of(&WIDE, &took(170, true)).ticks().last().unwrap().1, "180 s");
    }
}
