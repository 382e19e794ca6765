//! A plan for a pull request: a table of objects, and their changes as a diff that can be folded.

use crate::cli::Terminal;
use crate::shape::plain;

use super::{Action, Forecast, Planned, Simulation, View};

/// What GitHub takes as a comment, less some room for what others put around it.
const LENGTH_MAX: usize = 60_000;
/// What the table of objects may take of it; with a longer one, no changes are shown.
const TABLE_MAX: usize = 50_000;
/// What a page can show.
const PAGE: Terminal = Terminal { unicode: true, ..Terminal::PLAIN };
/// Values in a pull request are read on a wide page.
const VALUE_MOST: usize = 80;

/// The whole plan; what is too long for a comment is cut, and told of.
pub fn markdown(view: &View) -> String {
    let told: Vec<&Planned> = view.objects.iter().filter(|object| object.action != Action::None).collect();
    let mut text = format!("### ecs-operator: {}\n", view.summary.line().trim_start_matches("Plan: "));
    text.push_str(&format!(
        "\n{} in {}, revision `{}`\n",
        inline(&view.account),
        inline(&view.region),
        inline(&view.revision)
    ));
    if told.is_empty() {
        return text;
    }
    text.push_str("\n| | object | |\n|---|---|---|\n");
    for (index, object) in told.iter().enumerate() {
        if text.len() > TABLE_MAX {
            let left = crate::cli::print::counted(told.len() - index, "object");
            text.push_str(&format!("\n{left} more are too many for a comment.\n"));
            return text;
        }
        let (symbol, key, words) = (object.symbol(), inline(&object.key), cell(&object.headline()));
        text.push_str(&format!("| `{symbol}` | `{key}` | {words} |\n"));
    }
    text.push_str(&rollouts(&told, LENGTH_MAX.saturating_sub(text.len())));
    for line in view.simulation.iter().flat_map(Simulation::lines) {
        let mark = if line.starts_with(' ') { "- " } else { "\n" };
        text.push_str(&format!("{mark}{}\n", cell(line.trim_start())));
    }
    text.push_str(&replacements(&told, LENGTH_MAX.saturating_sub(text.len())));
    let blocks: Vec<String> =
        told.iter().filter(|object| !object.changes.is_empty()).map(|object| changes(object)).collect();
    for (index, block) in blocks.iter().enumerate() {
        if text.len() + block.len() > LENGTH_MAX {
            let left = crate::cli::print::counted(blocks.len() - index, "object");
            text.push_str(&format!("\nThe changes of {left} more are too long for a comment.\n"));
            break;
        }
        text.push_str(block);
    }
    text
}

/// A list of what rolls: how it goes, and what is found to be in its way.
fn rollouts(told: &[&Planned], room: usize) -> String {
    let one = |object: &&Planned| {
        let ahead = object.preflight.as_ref()?;
        let forecast = object.forecast.iter().flat_map(Forecast::lines);
        let lines = ahead.lines().chain(forecast);
        let found: String = lines.map(|line| format!("  - {}\n", cell(line.trim_start()))).collect();
        Some(format!("- `{}`: {}\n{found}", inline(&object.key), cell(&ahead.headline())))
    };
    let mut text = String::new();
    for one in told.iter().filter_map(one) {
        if text.len() + one.len() + ROLLOUTS_HEAD.len() > room {
            break;
        }
        text.push_str(&one);
    }
    if text.is_empty() { text } else { format!("{ROLLOUTS_HEAD}{text}") }
}

/// What takes the place of what, step by step.
fn replacements(told: &[&Planned], room: usize) -> String {
    let one = |object: &&Planned| {
        let replaced = object.replacement.as_ref()?;
        let lines: String = replaced.lines().map(|line| format!("  - {}\n", cell(line.trim_start()))).collect();
        Some(format!("- `{}`\n{lines}", inline(&object.key)))
    };
    let mut text = String::new();
    for one in told.iter().filter_map(one) {
        if text.len() + one.len() + REPLACEMENTS_HEAD.len() > room {
            break;
        }
        text.push_str(&one);
    }
    if text.is_empty() { text } else { format!("{REPLACEMENTS_HEAD}{text}") }
}

const REPLACEMENTS_HEAD: &str = "\n#### Replacements\n\n";

const ROLLOUTS_HEAD: &str = "\n#### Rollouts\n\n";

fn changes(object: &Planned) -> String {
    let lines: String = object
        .changes
        .iter()
        .map(|change| {
            // A diff knows + and -; what changes is marked as GitHub colours it.
            let symbol = match change.symbol() {
                "~" => "!",
                symbol => symbol,
            };
            let values = change.values(&PAGE, VALUE_MOST);
            let values = if values.is_empty() { values } else { format!(": {values}") };
            let hint = change.hint().map_or(String::new(), |hint| format!("#   {hint}\n"));
            format!("{symbol} {}{values}  # {}\n{hint}", change.path, change.note())
        })
        .collect();
    let looked_up = object.lookups.iter().map(|found| format!("  {}  # from {}\n", found.line('…'), found.from));
    let lines: String = looked_up.chain([lines]).collect();
    let fence = "`".repeat(longest_run(&lines).max(2) + 1);
    let summary = html(&object.key);
    format!("\n<details><summary>{summary}</summary>\n\n{fence}diff\n{lines}{fence}\n\n</details>\n")
}

/// The longest run of backticks: a fence has to be longer.
fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0)
}

/// Text in a table's cell: what would end the cell, or be taken for markup, is escaped.
fn cell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' => escaped.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '@' | '#' => escaped.extend(['\\', letter]),
            letter => escaped.push(letter),
        }
    }
    escaped
}

fn inline(text: &str) -> String {
    plain(text).replace(['`', '|'], "'")
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
