//! Findings for a person: place and words on a line of their own, then the source line with a caret.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::manifest::{Finding, Severity};
use crate::shape::plain;

use super::Sources;
use super::mask::Masked;
use crate::cli::ink::{Ink, paint, wrap};
use crate::cli::terminal::Terminal;

/// All findings, one block each.
pub fn text(findings: &[Finding], sources: &Sources, terminal: &Terminal) -> String {
    let mut masked = Masked::new(sources);
    findings.iter().map(|finding| one(finding, &mut masked, terminal)).collect()
}

fn one(finding: &Finding, sources: &mut Masked<'_>, terminal: &Terminal) -> String {
    let Finding { file, line, column, rule, .. } = finding;
    let ink = match finding.severity {
        Severity::Error => Ink::Bad,
        Severity::Warning | Severity::Unknown => Ink::Change,
    };
    let kind = paint(terminal, ink, &format!("{}[{rule}]", finding.severity));
    let said = paint(terminal, Ink::Bold, &plain(&finding.short()));
    let mut text = format!("{}:{line}:{column}: {kind}: {said}\n", plain(file));
    for line in &finding.evidence {
        text.push_str(&format!("    {}\n", plain(line)));
    }
    let remedy = plain(finding.remedy.as_deref().unwrap_or_default());
    // A tab is drawn as blanks, and the caret moves along.
    let shown = sources.line(file, *line).split('\t').map(plain).collect::<Vec<_>>().join("\t");
    if !shown.trim().is_empty() {
        text.push_str(&snippet(finding, &shown, &remedy, terminal));
    } else if !remedy.is_empty() {
        text.push_str(&format!("  = {remedy}\n"));
    }
    text
}

/// The line with a caret below the place, and what to do behind the caret.
fn snippet(finding: &Finding, shown: &str, remedy: &str, terminal: &Terminal) -> String {
    let start = shown.char_indices().nth(finding.column.saturating_sub(1)).map_or(shown.len(), |(at, _)| at);
    let end = start + word(shown.get(start..).unwrap_or_default());
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning | Severity::Unknown => Level::WARNING,
    };
    let mark = AnnotationKind::Primary.span(start..end.max(start));
    // Behind the caret where it fits; a long one on a line of its own, where it may wrap.
    let fits = remedy.chars().count() + finding.column + MARGIN <= terminal.width;
    let mark = if fits && !remedy.is_empty() { mark.label(remedy.to_owned()) } else { mark };
    let snippet = Snippet::source(shown.to_owned()).line_start(finding.line).annotation(mark);
    let decor = if terminal.unicode { DecorStyle::Unicode } else { DecorStyle::Ascii };
    let renderer = if terminal.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(decor).term_width(terminal.width);
    let mut text = renderer.render(&[Group::with_level(level).element(snippet)]);
    text.push('\n');
    if !fits {
        let pad = " ".repeat(finding.line.to_string().len());
        let room = terminal.width.saturating_sub(pad.len() + 3);
        for (line, words) in wrap(remedy, room).into_iter().enumerate() {
            text.push_str(&format!("{pad} {} {words}\n", if line == 0 { "=" } else { " " }));
        }
    }
    text
}

/// What the line number and its rule take of a line.
const MARGIN: usize = 16;

/// How far the word at the start of `text` goes, in bytes: a quoted one to its quote, a variable to its brace.
fn word(text: &str) -> usize {
    if text.starts_with("${") {
        return text.find('}').map_or(text.len(), |at| at + 1);
    }
    let mut letters = text.char_indices();
    match letters.next() {
        None => 0,
        Some((_, quote @ ('"' | '\''))) => {
            letters.find(|(_, letter)| *letter == quote).map_or(text.len(), |(at, letter)| at + letter.len_utf8())
        }
        Some((_, first)) => {
            let ends = |letter: char| letter.is_whitespace() || "{}[],:".contains(letter);
            if ends(first) { first.len_utf8() } else { text.find(ends).unwrap_or(text.len()) }
        }
    }
}
