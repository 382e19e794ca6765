//! A plan for a terminal, in terraform's symbols.

use crate::cli::ink::{Ink, paint, wrap_after};
use crate::cli::preflight::Ahead;
use crate::cli::terminal::Terminal;

use crate::shape::plain;

use super::{Action, Change, Forecast, LookedUp, Planned, Simulation, View};

/// The plan of all objects with something to tell, and a last line that counts.
pub fn text(view: &View, terminal: &Terminal) -> String {
    let told = view.objects.iter().filter(|object| object.action != Action::None);
    let mut text: String = told.map(|object| one(object, terminal)).collect();
    for line in view.simulation.iter().flat_map(Simulation::lines) {
        text.push_str(&(wrap_after(0, &line, terminal.width.saturating_sub(4)).join("\n    ") + "\n"));
    }
    text.push_str(&view.summary.line());
    text.push('\n');
    text
}

fn one(object: &Planned, terminal: &Terminal) -> String {
    let symbol = object.symbol();
    let before = symbol.len() + 1 + object.key.chars().count() + 2;
    let room = |columns: usize| columns.saturating_sub(DEEPER.len());
    let words = wrap_after(room(before), &object.headline(), room(terminal.width)).join(&format!("\n{DEEPER}"));
    let mut text = format!("{} {}  {words}\n", marked(terminal, symbol), paint(terminal, Ink::Bold, &object.key));
    for found in &object.lookups {
        text.push_str(&looked_up(found, terminal));
    }
    let lines: Vec<Line> = object.changes.iter().map(|change| Line::of(change, terminal)).collect();
    if let Some(ahead) = &object.preflight {
        text.push_str(&ahead_of(ahead, terminal));
    }
    for line in object.forecast.iter().flat_map(Forecast::lines) {
        text.push_str(&(indented(&line, terminal) + "\n"));
    }
    if let Some(replaced) = &object.replacement {
        for line in replaced.lines() {
            text.push_str(&(indented(&plain(&line), terminal) + "\n"));
        }
    }
    // Notes stand below one another as far as they fit.
    let fits = |line: &&Line| !line.below && line.width + line.note() <= terminal.width;
    let column = lines.iter().filter(fits).map(|line| line.width).max().unwrap_or(0);
    for line in &lines {
        let column = if line.below { line.width } else { column.max(line.width) };
        let gap = match column + line.note() <= terminal.width {
            true => " ".repeat(column - line.width + 2),
            false => format!("\n{DEEPER}"),
        };
        let note = format!("# {}", line.note);
        let note = if line.note.is_empty() { String::new() } else { gap + &paint(terminal, Ink::Dim, &note) };
        text.push_str(&format!("{}{note}\n", line.text));
        if let Some(hint) = &line.hint {
            let hint = wrap_after(0, hint, room(terminal.width)).join(&format!("\n{DEEPER}"));
            text.push_str(&format!("{DEEPER}{}\n", paint(terminal, Ink::Dim, &hint)));
        }
    }
    text.push('\n');
    text
}

/// What terms stand for, with where it is from at its end.
fn looked_up(found: &LookedUp, terminal: &Terminal) -> String {
    let ellipsis = if terminal.unicode { '…' } else { '~' };
    let note = paint(terminal, Ink::Dim, &format!("# from {}", found.from));
    let line = indented(&found.line(ellipsis), terminal);
    let last = line.lines().last().map_or(0, |line| line.chars().count());
    match last + 4 + "from ".len() + found.from.len() <= terminal.width {
        true => format!("{line}  {note}\n"),
        false => format!("{line}\n{DEEPER}{note}\n"),
    }
}

/// How it goes, and what is found to be in its way.
fn ahead_of(ahead: &Ahead, terminal: &Terminal) -> String {
    let line = |words: &str| indented(&plain(words), terminal) + "\n";
    let mut text = paint(terminal, Ink::Dim, line(&ahead.headline()).trim_end()) + "\n";
    for found in ahead.lines() {
        text.push_str(&line(&found));
    }
    text
}

/// Words below a headline, broken between words where the line ends.
fn indented(words: &str, terminal: &Terminal) -> String {
    let indent = " ".repeat(FRAME + words.len() - words.trim_start().len());
    let taken = indent.len().saturating_sub(DEEPER.len());
    let width = terminal.width.saturating_sub(DEEPER.len());
    indent + &wrap_after(taken, words, width).join(&format!("\n{DEEPER}"))
}

const DEEPER: &str = "        ";
/// What stands before a path: the indent and the symbol.
const FRAME: usize = 6;
/// A value cut shorter than this tells nothing; one longer is not read to its end.
const VALUE: std::ops::RangeInclusive<usize> = 16..=80;

/// One change, laid out.
struct Line {
    text: String,
    /// Of its last row, in columns.
    width: usize,
    /// The values stand below the path, which leaves them no room.
    below: bool,
    note: String,
    /// What to do about it.
    hint: Option<String>,
}

impl Line {
    fn of(change: &Change, terminal: &Terminal) -> Self {
        let symbol = change.symbol();
        let whole = change.values(terminal, *VALUE.end());
        let hint = change.hint();
        let (path, note) = (change.path.chars().count(), change.note());
        let head = format!("    {} {}", marked(terminal, symbol), change.path);
        if whole.is_empty() {
            return Self { text: head, width: FRAME + path, below: false, note, hint };
        }
        let width = FRAME + path + 2 + whole.chars().count();
        if width <= terminal.width {
            return Self { text: format!("{head}: {whole}"), width, below: false, note, hint };
        }
        let sides = if change.before.is_some() && (change.after.is_some() || change.known_after_apply) { 2 } else { 1 };
        let room = terminal.width.saturating_sub(DEEPER.len() + 2 + change.frame(terminal)) / sides;
        let values = change.values(terminal, room.clamp(*VALUE.start(), *VALUE.end()));
        let width = DEEPER.len() + 2 + values.chars().count();
        Self { text: format!("{head}:\n{DEEPER}  {values}"), width, below: true, note, hint }
    }

    /// How much room its note takes, in columns.
    fn note(&self) -> usize {
        2 + 2 + self.note.chars().count()
    }
}

/// The symbol in the colour of what it means.
fn marked(terminal: &Terminal, symbol: &str) -> String {
    let ink = match symbol {
        "+" => Ink::Good,
        "~" => Ink::Change,
        "-" | "!" => Ink::Bad,
        "=" => Ink::Good,
        "-/+" => Ink::Replace,
        _ => return symbol.to_owned(),
    };
    paint(terminal, ink, symbol)
}
