//! Rules, told: one with its example, or all in a list.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::Explanation;
use crate::cli::ink::{Ink, paint, wrap};
use crate::cli::terminal::Terminal;
use crate::manifest::Severity;

use super::text;

/// One rule: what it asks for, what breaks it and what is said then, and what keeps it.
pub fn explanation(told: &Explanation, terminal: &Terminal) -> String {
    let Explanation { name, severity, summary, example } = told;
    let mut out = format!("{}\n", title(name, *severity, terminal));
    for line in wrap(summary, terminal.width) {
        out.push_str(&format!("{line}\n"));
    }
    let Some(example) = example else { return out };
    let head = |words: &str| format!("\n{}\n\n", paint(terminal, Ink::Bold, words));
    out.push_str(&head("This breaks it:"));
    out.push_str(&indented(example.broken));
    out.push_str(&head("and is told so:"));
    let sources = BTreeMap::from([(example.file.to_owned(), Arc::from(example.broken))]);
    out.push_str(&text(&example.findings, &sources, terminal));
    out.push_str(&head("This keeps it:"));
    out.push_str(&indented(example.mended));
    out
}

/// All rules, with the first sentence of what each asks for.
pub fn rules<'a>(rules: impl Iterator<Item = (&'a str, Severity, &'a str)>, terminal: &Terminal) -> String {
    let mut out = String::new();
    for (name, severity, summary) in rules {
        out.push_str(&format!("{}\n", title(name, severity, terminal)));
        for line in wrap(summary, terminal.width.saturating_sub(INDENT.len())) {
            out.push_str(&format!("{INDENT}{line}\n"));
        }
    }
    out
}

const INDENT: &str = "    ";

fn title(name: &str, severity: Severity, terminal: &Terminal) -> String {
    let ink = match severity {
        Severity::Error => Ink::Bad,
        Severity::Warning | Severity::Unknown => Ink::Change,
    };
    paint(terminal, ink, &format!("{severity}[{name}]"))
}

fn indented(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("{}\n", format!("{INDENT}{line}").trim_end())).collect()
}
