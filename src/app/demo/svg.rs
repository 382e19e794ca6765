//! A rollout within its bounds, as a picture: time from left to right, healthy tasks of the old and the new revision on
//! top of each other, all tasks as a line, and the bounds. Must not know: who wants it.
//!
//! Colours are of middling lightness, and the background is nobody's: it is read on white paper and on dark screens.

use std::collections::BTreeMap;

use crate::rollout::Bounds;

/// How a service stood at one second of an act.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub act: usize,
    /// Seconds since it was followed.
    pub at: u64,
    /// Healthy tasks by revision.
    pub healthy: BTreeMap<String, i64>,
    /// All tasks that take up room below the upper bound.
    pub total: i64,
    pub bounds: Bounds,
}

impl Sample {
    /// Enough healthy tasks, and not too many in all.
    pub fn is_inside(&self) -> bool {
        self.all_healthy() >= self.bounds.lower && self.total <= self.bounds.upper
    }

    fn all_healthy(&self) -> i64 {
        self.healthy.values().sum()
    }
}

const WIDTH: i64 = 760;
const HEIGHT: i64 = 380;
/// The plot's edges.
const LEFT: i64 = 56;
const RIGHT: i64 = 604;
const TOP: i64 = 64;
const BOTTOM: i64 = 306;

const INK: &str = "#7d8590";
const OLD: &str = "#4c8dd6";
const NEW: &str = "#2ea36a";
const ALL: &str = "#b58900";
const BOUND: &str = "#d9534f";

/// From seconds and tasks to the paper.
struct Scale {
    seconds: i64,
    tasks: i64,
}

impl Scale {
    fn x(&self, at: i64) -> i64 {
        LEFT + (RIGHT - LEFT) * at / self.seconds.max(1)
    }

    fn y(&self, tasks: i64) -> i64 {
        BOTTOM - (BOTTOM - TOP) * tasks / self.tasks.max(1)
    }
}

/// The picture of one rollout under a title.
pub fn picture(title: &str, samples: &[Sample]) -> String {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return String::new() };
    let most = samples.iter().map(|sample| sample.total.max(sample.bounds.upper)).max().unwrap_or(1);
    let scale = Scale { seconds: whole(last.at), tasks: most + 1 };
    let revisions: Vec<&String> = {
        let all = samples.iter().flat_map(|sample| sample.healthy.keys());
        let mut names: Vec<&String> = all.collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let old = revisions.first().map(|name| name.as_str()).unwrap_or_default();
    let new = revisions.last().map(|name| name.as_str()).filter(|new| *new != old).unwrap_or_default();
    let of = |sample: &Sample, name: &str| sample.healthy.get(name).copied().unwrap_or(0);
    let mut svg = head(title);
    grid(&mut svg, &scale);
    // The new revision lies on the old one: both together are what the lower bound counts.
    let nothing = |_: &Sample| 0;
    area(&mut svg, &scale, samples, (OLD, "0.8"), nothing, |sample| of(sample, old));
    area(&mut svg, &scale, samples, (NEW, "0.8"), |sample| of(sample, old), Sample::all_healthy);
    area(&mut svg, &scale, samples, (ALL, "0.12"), Sample::all_healthy, |sample| sample.total);
    let all = steps(&scale, samples, |sample| sample.total, "M");
    svg += &format!("<path d=\"{all}\" fill=\"none\" stroke=\"{ALL}\" stroke-width=\"2\"/>\n");
    for (tasks, words) in [
        (first.bounds.upper, format!("at most {}", first.bounds.upper)),
        (first.bounds.lower, format!("at least {} healthy", first.bounds.lower)),
    ] {
        bound(&mut svg, scale.y(tasks), &words);
    }
    legend(&mut svg, &[(OLD, old), (NEW, new)]);
    svg + "</svg>\n"
}

fn head(title: &str) -> String {
    let title = escape(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         role=\"img\" font-family=\"system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif\" font-size=\"13\" \
         fill=\"{INK}\">\n<title>{title}</title>\n<text x=\"{LEFT}\" y=\"34\" font-size=\"17\" \
         font-weight=\"600\">{title}</text>\n"
    )
}

/// Lines for every other task, and the axes.
fn grid(svg: &mut String, scale: &Scale) {
    let step = ((scale.tasks + 5) / 6).max(1);
    for tasks in (0..=scale.tasks).step_by(usize::try_from(step).unwrap_or(1)) {
        let y = scale.y(tasks);
        let width = if tasks == 0 { "1" } else { "0.35" };
        *svg += &format!("<path d=\"M{LEFT} {y}H{RIGHT}\" stroke=\"{INK}\" stroke-width=\"{width}\"/>\n");
        *svg += &text(LEFT - 10, y + 4, "end", &tasks.to_string());
    }
    for at in (0..=scale.seconds).step_by(30) {
        let x = scale.x(at);
        *svg += &format!("<path d=\"M{x} {BOTTOM}v5\" stroke=\"{INK}\"/>\n");
        *svg += &text(x, BOTTOM + 20, "middle", &format!("{at} s"));
    }
    *svg += &text(LEFT - 10, TOP + 4, "end", "tasks");
    *svg += &text(RIGHT + 24, BOTTOM + 20, "start", "after the commit");
}

/// The next half minute that is whole.
fn whole(seconds: u64) -> i64 {
    i64::try_from(seconds.div_ceil(30).max(1) * 30).unwrap_or(i64::MAX)
}

/// What lies between two counts.
fn area(
    svg: &mut String,
    scale: &Scale,
    samples: &[Sample],
    (colour, opacity): (&str, &str),
    below: impl Fn(&Sample) -> i64,
    above: impl Fn(&Sample) -> i64,
) {
    let there = steps(scale, samples, above, "M");
    let back: Vec<String> = corners(scale, samples, below).iter().rev().map(|(x, y)| format!("L{x} {y}")).collect();
    *svg += &format!("<path d=\"{there}{}Z\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>\n", back.concat());
}

/// A count over time: it holds until it changes.
fn steps(scale: &Scale, samples: &[Sample], count: impl Fn(&Sample) -> i64, begin: &str) -> String {
    let mut path = String::new();
    for (index, (x, y)) in corners(scale, samples, count).iter().enumerate() {
        let sign = if index == 0 { begin } else { "L" };
        path += &format!("{sign}{x} {y}");
    }
    path
}

fn corners(scale: &Scale, samples: &[Sample], count: impl Fn(&Sample) -> i64) -> Vec<(i64, i64)> {
    let mut corners: Vec<(i64, i64)> = Vec::new();
    for sample in samples {
        let (x, y) = (scale.x(i64::try_from(sample.at).unwrap_or(0)), scale.y(count(sample)));
        match corners.last().copied() {
            Some((_, before)) if before == y => {}
            Some((_, before)) => corners.extend([(x, before), (x, y)]),
            None => corners.push((x, y)),
        }
    }
    // It stays as it ended.
    if let Some((_, y)) = corners.last().copied() {
        corners.push((scale.x(scale.seconds), y));
    }
    corners
}

fn bound(svg: &mut String, y: i64, words: &str) {
    *svg += &format!(
        "<path d=\"M{LEFT} {y}H{}\" stroke=\"{BOUND}\" stroke-width=\"1.5\" stroke-dasharray=\"6 4\"/>\n",
        RIGHT + 8
    );
    *svg += &format!("<text x=\"{}\" y=\"{}\" fill=\"{BOUND}\">{}</text>\n", RIGHT + 14, y + 4, escape(words));
}

fn legend(svg: &mut String, revisions: &[(&str, &str)]) {
    let y = HEIGHT - 18;
    let mut x = LEFT;
    for (colour, name) in revisions {
        let words = format!("{name}, healthy");
        *svg += &format!(
            "<rect x=\"{x}\" y=\"{}\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{colour}\" fill-opacity=\"0.8\"/>\n",
            y - 10
        );
        *svg += &text(x + 18, y, "start", &words);
        x += 190;
    }
    *svg += &format!("<path d=\"M{x} {}h16\" stroke=\"{ALL}\" stroke-width=\"2\"/>\n", y - 4);
    *svg += &text(x + 22, y, "start", "all tasks, starting and stopping ones too");
}

fn text(x: i64, y: i64, anchor: &str, words: &str) -> String {
    format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>\n", escape(words))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: u64, old: i64, new: i64, total: i64) -> Sample {
        let healthy = [("web:1".to_owned(), old), ("web:2".to_owned(), new)].into();
        Sample { act: 1, at, healthy, total, bounds: Bounds { lower: 2, upper: 4 } }
    }

    #[test]
    fn a_sample_is_inside_or_not() {
        assert!(sample(0, 2, 0, 4).is_inside());
        assert!(!sample(0, 1, 0, 4).is_inside() && !sample(0, 2, 0, 5).is_inside());
    }

    #[test]
    fn a_count_holds_until_it_changes() {
        let samples = [sample(0, 2, 0, 2), sample(1, 2, 0, 2), sample(15, 2, 1, 3), sample(30, 0, 2, 2)];
        let scale = Scale { seconds: 30, tasks: 4 };
        let (high, low) = (scale.y(3), scale.y(2));
        let wanted = [(LEFT, low), (330, low), (330, high), (RIGHT, high), (RIGHT, low), (RIGHT, low)];
        assert_eq!(corners(&scale, &samples, |sample| sample.total), wanted);
        let svg = picture("web <1> & 2", &samples);
        assert!(
            svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && svg.contains("web &lt;1&gt; &amp; 2"),
            "{svg}"
        );
        assert_eq!(picture("nothing", &[]), "");
    }
}
