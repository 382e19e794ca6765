//! A service's tasks as a bar, with marks at the bounds that ECS keeps. Must not know: tables, events.

use crate::cli::Terminal;
use crate::rollout::RolloutStatus;

use super::{INDENT, LABEL};
use crate::cli::ink::{Ink, paint, signs};

/// What stands before the cells.
pub const BEGIN: usize = INDENT + LABEL;
/// The bar is no longer than this, and no shorter.
const MOST: usize = 40;
const LEAST: usize = 10;
/// What is said beside it.
const BESIDE: usize = "  100 running, 100 starting".len();

/// The bar, its marks, and what it is called.
pub fn bar(terminal: &Terminal, rollout: &RolloutStatus) -> Vec<String> {
    let Some(bar) = Bar::of(terminal, rollout) else { return Vec::new() };
    let first = format!("{:INDENT$}{:LABEL$}{}  {}", "", "tasks", bar.cells, bar.said);
    vec![first, bar.marks]
}

/// A service's tasks in one line.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Old tasks, new ones, those that are starting, and the room there is.
    pub cells: String,
    /// The line below, where the cells begin in column 13: where the bounds are.
    pub marks: String,
    /// In words.
    pub said: String,
}

impl Bar {
    /// None where no task is wanted and none is there.
    pub fn of(terminal: &Terminal, rollout: &RolloutStatus) -> Option<Self> {
        let whole = rollout.bounds.upper.max(rollout.total()).max(rollout.desired);
        if whole <= 0 {
            return None;
        }
        let scale = Scale::new(terminal, whole);
        let signs = signs(terminal);
        let cells = |from: i64, to: i64, ink: Ink, sign: &str| {
            paint(terminal, ink, &sign.repeat(scale.at(to).saturating_sub(scale.at(from))))
        };
        // Tasks of neither deployment are on their way out.
        let old = rollout.running - rollout.primary().map_or(0, |one| one.running);
        let bar = [
            cells(0, old, Ink::Old, signs.old),
            cells(old, rollout.running, Ink::New, signs.new),
            cells(rollout.running, rollout.total(), Ink::Busy, signs.pending),
            cells(rollout.total(), whole, Ink::Dim, signs.free),
        ];
        let said = match rollout.pending {
            0 => format!("{} running", rollout.running),
            pending => format!("{} running, {pending} starting", rollout.running),
        };
        Some(Self { cells: bar.concat(), marks: marks(terminal, &scale, rollout), said })
    }
}

/// `at least 2 ▲        ▲ at most 4`, each sign below the last cell that it counts.
fn marks(terminal: &Terminal, scale: &Scale, rollout: &RolloutStatus) -> String {
    let (lower, upper) = (rollout.bounds.lower, rollout.bounds.upper);
    let (least, most) = (format!("at least {lower}"), format!("at most {upper}"));
    let mark = signs(terminal).mark;
    let column = |count: i64| BEGIN + scale.at(count).saturating_sub(1);
    let (at, to) = (column(lower), column(upper));
    let (first, end) = match at.checked_sub(least.chars().count() + 1) {
        Some(before) => (format!("{:before$}{least} {mark}", ""), at + 1),
        None => (format!("{:at$}{mark} {least}", ""), at + 2 + least.chars().count()),
    };
    let second = if to < end { format!(" {most}") } else { format!("{:gap$}{mark} {most}", "", gap = to - end) };
    paint(terminal, Ink::Dim, &(first + &second))
}

/// From counts to cells.
struct Scale {
    whole: i64,
    cells: usize,
}

impl Scale {
    /// Few tasks have the same number of cells each, many share what there is.
    fn new(terminal: &Terminal, whole: i64) -> Self {
        let room = terminal.width.saturating_sub(BEGIN + BESIDE).clamp(LEAST, MOST);
        let tasks = usize::try_from(whole).unwrap_or(usize::MAX);
        let cells = if tasks <= room { room / tasks * tasks } else { room };
        Self { whole, cells }
    }

    fn at(&self, count: i64) -> usize {
        let cells = i64::try_from(self.cells).unwrap_or(i64::MAX);
        let at = count.clamp(0, self.whole).saturating_mul(cells).div_euclid(self.whole.max(1));
        usize::try_from(at).unwrap_or(0)
    }
}
