//! A rollout within its bounds, drawn as SVG: time from left to right, tasks of the old and the new revision on top of
//! each other, all tasks as a line, and the bounds. Must not know: who wants it.
//!
//! Colours are of middling lightness, and the background is nobody's: it is read on white paper and on dark screens.
//! Everything drawn also has a class, for pages that have colours of their own.

mod scale;

use crate::rollout::{Sample, Timeline};

use scale::Scale;

/// What is drawn, on which paper, and what it is called.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    pub title: &'a str,
    pub timeline: &'a Timeline,
    pub paper: &'a Paper,
    /// What is counted of a revision: `healthy`, `running`.
    pub counted: &'a str,
    /// What the time is measured from.
    pub after: &'a str,
}

/// The paper's size and the plot's edges.
#[derive(Clone, Copy, Debug)]
pub struct Paper {
    width: i64,
    height: i64,
    left: i64,
    right: i64,
    top: i64,
    bottom: i64,
    font: i64,
    /// So many ticks have room below.
    ticks: i64,
    /// There is room for a title, a legend, and words beside the bounds.
    words: bool,
}

/// For documents: it stands alone.
pub const WIDE: Paper =
    Paper { width: 760, height: 380, left: 56, right: 604, top: 64, bottom: 306, font: 13, ticks: 8, words: true };
/// For pages that say in words of their own what is to be seen; still legible on a phone.
pub const NARROW: Paper =
    Paper { width: 360, height: 176, left: 28, right: 318, top: 14, bottom: 150, font: 11, ticks: 5, words: false };

/// What is counted at a look.
type Count = fn(&Sample) -> i64;

/// One sort of line or area: its class, and the colour it has unless a page says otherwise.
struct Pen {
    class: &'static str,
    colour: &'static str,
}

const INK: &str = "#7d8590";
const OLD: Pen = Pen { class: "old", colour: "#4c8dd6" };
const BETWEEN: Pen = Pen { class: "between", colour: "#8a6fc4" };
const NEW: Pen = Pen { class: "new", colour: "#2ea36a" };
const ALL: Pen = Pen { class: "all", colour: "#b58900" };
const BOUND: Pen = Pen { class: "bound", colour: "#d9534f" };

/// The class of a revision's colour: the last that came is the new one.
pub fn class(timeline: &Timeline, revision: usize) -> &'static str {
    pen(timeline, revision).class
}

fn pen(timeline: &Timeline, revision: usize) -> &'static Pen {
    match (revision, timeline.revisions.len()) {
        (place, count) if place + 1 >= count => &NEW,
        (0, _) => &OLD,
        _ => &BETWEEN,
    }
}

impl Picture<'_> {
    /// The drawing; empty where nothing was seen.
    pub fn draw(&self) -> String {
        let Some(last) = self.timeline.samples.last() else { return String::new() };
        let scale = Scale::of(self.paper, self.timeline);
        let mut svg = self.head();
        self.grid(&mut svg, &scale);
        for place in 0..self.timeline.revisions.len() {
            let pen = pen(self.timeline, place);
            // Each lies on those before: all together are what the lower bound counts.
            let below = |sample: &Sample| sample.tasks.iter().take(place).sum();
            let above = |sample: &Sample| sample.tasks.iter().take(place + 1).sum();
            self.area(&mut svg, &scale, (pen, "0.8"), below, above);
        }
        self.area(&mut svg, &scale, (&ALL, "0.12"), Sample::all, |sample| sample.total);
        let all = scale.path(self.timeline, |sample| sample.total);
        svg += &format!(
            "<path class=\"{}\" d=\"{all}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n",
            ALL.class, ALL.colour
        );
        self.bounds(&mut svg, &scale, last);
        if self.paper.words {
            self.legend(&mut svg);
        }
        svg + "</svg>\n"
    }

    fn head(&self) -> String {
        let Paper { width, height, left, font, words, .. } = *self.paper;
        let title = escape(self.title);
        let mut head = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" font-family=\"system-ui, -apple-system, Segoe UI, Helvetica, Arial, \
             sans-serif\" font-size=\"{font}\" fill=\"{INK}\">\n<title>{title}</title>\n"
        );
        if words {
            head += &format!("<text x=\"{left}\" y=\"34\" font-size=\"17\" font-weight=\"600\">{title}</text>\n");
        }
        head
    }

    /// Lines for every so many tasks, and the axes.
    fn grid(&self, svg: &mut String, scale: &Scale<'_>) {
        let Paper { left, right, top, bottom, words, .. } = *self.paper;
        for tasks in (0..=scale.tasks).step_by(scale.every()) {
            let y = scale.y(tasks);
            let width = if tasks == 0 { "1" } else { "0.35" };
            *svg += &format!("<path d=\"M{left} {y}H{right}\" stroke=\"{INK}\" stroke-width=\"{width}\"/>\n");
            *svg += &text(left - 10, y + 4, "end", &tasks.to_string());
        }
        for (at, label) in scale.ticks() {
            let x = scale.x(at);
            *svg += &format!("<path d=\"M{x} {bottom}v5\" stroke=\"{INK}\"/>\n");
            *svg += &text(x, bottom + if words { 20 } else { 18 }, "middle", &label);
        }
        if words {
            *svg += &text(left - 10, top + 4, "end", "tasks");
            *svg += &text(right + 24, bottom + 20, "start", self.after);
        }
    }

    /// What lies between two counts.
    fn area(
        &self,
        svg: &mut String,
        scale: &Scale<'_>,
        (pen, opacity): (&Pen, &str),
        below: impl Fn(&Sample) -> i64,
        above: impl Fn(&Sample) -> i64,
    ) {
        let there = scale.path(self.timeline, above);
        let back = scale.corners(self.timeline, below);
        let back: Vec<String> = back.iter().rev().map(|(x, y)| format!("L{x} {y}")).collect();
        *svg += &format!(
            "<path class=\"{}\" d=\"{there}{}Z\" fill=\"{}\" fill-opacity=\"{opacity}\"/>\n",
            pen.class,
            back.concat(),
            pen.colour
        );
    }

    fn bounds(&self, svg: &mut String, scale: &Scale<'_>, last: &Sample) {
        let Paper { right, words, font, .. } = *self.paper;
        let (lower, upper) = (last.bounds.lower, last.bounds.upper);
        let (least, most) = match words {
            true => (format!("at least {lower} {}", self.counted), format!("at most {upper}")),
            false => (format!("≥ {lower}"), format!("≤ {upper}")),
        };
        // Words that would lie on each other are moved apart.
        let apart = (font + 1 - (scale.y(lower) - scale.y(upper))).max(0) / 2;
        let rows: [(Count, i64, String); 2] = [
            (|sample| sample.bounds.upper, scale.y(upper) - apart, most),
            (|sample| sample.bounds.lower, scale.y(lower) + apart, least),
        ];
        for (count, y, said) in rows {
            let path = scale.path(self.timeline, count);
            *svg += &format!(
                "<path class=\"{0}\" d=\"{path}\" fill=\"none\" stroke=\"{1}\" stroke-width=\"1.5\" \
                 stroke-dasharray=\"6 4\"/>\n<text class=\"{0}\" x=\"{2}\" y=\"{3}\" fill=\"{1}\">{4}</text>\n",
                BOUND.class,
                BOUND.colour,
                right + if words { 14 } else { 6 },
                y + 4,
                escape(&said)
            );
        }
    }

    fn legend(&self, svg: &mut String) {
        let y = self.paper.height - 18;
        let mut x = self.paper.left;
        for (place, name) in self.timeline.revisions.iter().enumerate() {
            let Pen { class, colour } = pen(self.timeline, place);
            *svg += &format!(
                "<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{colour}\" \
                 fill-opacity=\"0.8\"/>\n",
                y - 10
            );
            *svg += &text(x + 18, y, "start", &format!("{name}, {}", self.counted));
            x += 190;
        }
        *svg += &format!(
            "<path class=\"{}\" d=\"M{x} {}h16\" stroke=\"{}\" stroke-width=\"2\"/>\n",
            ALL.class,
            y - 4,
            ALL.colour
        );
        *svg += &text(x + 22, y, "start", "all tasks, starting and stopping ones too");
    }
}

fn text(x: i64, y: i64, anchor: &str, words: &str) -> String {
    format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>\n", escape(words))
}

/// Text as it stands in markup and in attributes: nothing in it is markup, nothing acts.
pub fn escape(text: &str) -> String {
    let text = crate::shape::plain(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::Bounds;
    use crate::shape::Time;

    fn rolled(over: bool) -> Timeline {
        let mut timeline = Timeline::default();
        for (at, old, new, total) in [(0, 2, 0, 2), (1, 2, 0, 2), (15, 2, 1, 3), (30, 0, 2, 2)] {
            timeline.take(Time(at * 1000), &[("web:1", old), ("web:2", new)], total, Bounds { lower: 2, upper: 4 });
        }
        Timeline { over, ..timeline }
    }

    #[test]
    fn it_is_svg_with_everything_escaped() {
        let timeline = rolled(true);
        let title = "web <1> & \"2\" 'x' \u{202e}";
        for paper in [&WIDE, &NARROW] {
            let svg = Picture { title, timeline: &timeline, paper, counted: "healthy", after: "later" }.draw();
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
            assert!(svg.contains("<title>web &lt;1&gt; &amp; &quot;2&quot; &#39;x&#39; \u{fffd}</title>"), "{svg}");
            assert!(!svg.contains("style"), "a strict content security policy takes no styles: {svg}");
            for class in ["old", "new", "all", "bound"] {
                assert!(svg.contains(&format!("<path class=\"{class}\"")), "{class}");
            }
        }
        let nothing = Timeline::default();
        assert_eq!(Picture { title, timeline: &nothing, paper: &WIDE, counted: "", after: "" }.draw(), "");
    }

    #[test]
    fn words_on_close_bounds_do_not_lie_on_each_other() {
        let mut timeline = Timeline::default();
        timeline.take(Time(0), &[("web:1", 100)], 100, Bounds { lower: 100, upper: 101 });
        let svg = Picture { title: "", timeline: &timeline, paper: &NARROW, counted: "", after: "" }.draw();
        let at = |said: &str| {
            let (before, _) = svg.split_once(said).unwrap();
            before.rsplit_once("y=\"").unwrap().1.split_once('"').unwrap().0.parse::<i64>().unwrap()
        };
        assert!(at(">≥ 100<") - at(">≤ 101<") >= NARROW.font, "{svg}");
    }

    #[test]
    fn revisions_have_the_colours_of_their_age() {
        let classes = |names: &[&str]| {
            let timeline = Timeline { revisions: names.iter().map(|name| (*name).into()).collect(), ..rolled(true) };
            (0..names.len()).map(|place| class(&timeline, place)).collect::<Vec<_>>()
        };
        assert_eq!(classes(&["a"]), ["new"]);
        assert_eq!(classes(&["a", "b"]), ["old", "new"]);
        assert_eq!(classes(&["a", "b", "c"]), ["old", "between", "new"]);
    }
}
