//! All objects as a table, and one object in full. Must not know: where the lines go.

use std::time::Duration;

use crate::kinds::Key;
use crate::shape::{Time, plain};
use crate::status::{ConditionType, ObjectStatus, Status};

use super::super::Terminal;
use super::super::ink::{Ink, paint, shorten, span, wrap};
use super::super::print::counted;
use super::{service, state};

const HEAD: [&str; 4] = ["OBJECT", "REASON", "TASKS", "SINCE"];
/// What stands before a message, and how narrow one may become.
const INDENT: usize = 4;

/// The source, a line an object, and what those say that are not Ready.
pub fn table(terminal: &Terminal, status: &Status, now: Time) -> Vec<String> {
    let mut lines = source(terminal, status, now);
    let rows: Vec<[String; 4]> = status.objects.iter().map(|(key, one)| row(key, one, now)).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(HEAD.get(column).map(|head| head.len())).max().unwrap_or(0)
    };
    let others: usize = (1..HEAD.len()).map(|column| width(column) + 2).sum();
    let first = width(0).min(terminal.width.saturating_sub(2 + others).max(HEAD[0].len()));
    let widths = [first, width(1), width(2), width(3)];
    lines.push(paint(terminal, Ink::Dim, format!("  {}", joined(&HEAD.map(str::to_owned), &widths)).trim_end()));
    for ((_, one), row) in status.objects.iter().zip(rows) {
        let (sign, ink) = state(terminal, one);
        let [name, reason, tasks, since] = row;
        let cells = joined(&[shorten(terminal, &name, first), reason, tasks, since], &widths);
        lines.push(format!("{} {}", paint(terminal, ink, sign), cells.trim_end()));
        lines.extend(message(terminal, one));
    }
    for orphan in &status.orphans {
        let told = format!("! {orphan}: ours, and no manifest declares it any more; nothing deletes it");
        lines.extend(wrap(&told, terminal.width));
    }
    if !status.synced {
        lines.push("Not everything has been looked at yet.".to_owned());
    }
    lines
}

fn joined(cells: &[String; 4], widths: &[usize; 4]) -> String {
    cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}  ")).collect()
}

fn source(terminal: &Terminal, status: &Status, now: Time) -> Vec<String> {
    let source = &status.source;
    let age = |at: Option<Time>| at.map(|at| format!(", {} ago", span(now.since(at)))).unwrap_or_default();
    let revision = if source.revision.is_empty() { "none read yet" } else { &source.revision };
    let mut counts = format!("{} in force", counted(source.accepted, "document"));
    for (count, what) in [(source.rejected, "rejected"), (source.skipped, "for other places")] {
        if count > 0 {
            counts += &format!(", {count} {what}");
        }
    }
    let revision = shorten(terminal, revision, 16);
    let mut lines = wrap(&format!("revision {revision}{}: {counts}", age(source.revision_since)), terminal.width);
    if let Some(lease) = &status.lease {
        let since = span(now.since(lease.since));
        let told = match (lease.leads, &lease.leader) {
            (true, _) => format!("this replica leads, since {since}"),
            (false, Some(leader)) => format!("this replica is a standby, since {since}; {} leads", plain(leader)),
            (false, None) => format!("this replica is a standby, since {since}; nobody is known to lead"),
        };
        lines.extend(wrap(&told, terminal.width));
    }
    for problem in &source.problems {
        lines.extend(indented(terminal, problem).into_iter().map(|line| paint(terminal, Ink::Bad, &line)));
    }
    lines.push(String::new());
    lines
}

fn row(key: &Key, one: &ObjectStatus, now: Time) -> [String; 4] {
    let ready = one.conditions.ready();
    let reason = ready.map_or("Pending", |ready| ready.reason.as_ref());
    let reason = plain(reason).into_owned();
    let tasks = one.tasks.map(|tasks| format!("{}/{}", tasks.running, tasks.desired)).unwrap_or_default();
    let since = ready.map(|ready| span(now.since(ready.since))).unwrap_or_default();
    [plain(&key.short()).into_owned(), reason, tasks, since]
}

fn message(terminal: &Terminal, one: &ObjectStatus) -> Vec<String> {
    let ready = one.conditions.ready();
    let told = ready.filter(|ready| ready.status != Some(true) && !ready.message.is_empty());
    told.map(|ready| indented(terminal, &ready.message)).unwrap_or_default()
}

fn indented(terminal: &Terminal, text: &str) -> Vec<String> {
    let lines = wrap(text, terminal.width.saturating_sub(INDENT));
    lines.into_iter().map(|line| format!("{:INDENT$}{line}", "")).collect()
}

/// One object: its rollout where it has one, its conditions, what it says.
pub fn object(terminal: &Terminal, key: &Key, one: &ObjectStatus, now: Time) -> Vec<String> {
    let mut lines = service(terminal, key, one);
    let width = ConditionType::ALL.iter().map(|kind| kind.as_str().len()).max().unwrap_or(0);
    for (kind, condition) in one.conditions.iter() {
        let (value, ink) = match condition.status {
            Some(true) if kind == ConditionType::Ready => ("true", Ink::Good),
            Some(true) if kind == ConditionType::Reconciling => ("true", Ink::Busy),
            Some(true) => ("true", Ink::Bad),
            Some(false) => ("false", Ink::Dim),
            None => ("unknown", Ink::Dim),
        };
        let value = paint(terminal, ink, &format!("{value:7}"));
        lines.push(format!(
            "{:INDENT$}{:width$}  {value}  for {}",
            "",
            kind.as_str(),
            span(now.since(condition.since))
        ));
    }
    lines.extend(message(terminal, one));
    let (seen, wanted) = (one.observed_generation, one.generation);
    let behind = if seen < wanted { format!(", {seen} acted on") } else { String::new() };
    let looked = one.last_reconcile.map(|at| format!(", looked at {} ago", span(now.since(at)))).unwrap_or_default();
    lines.push(format!("{:INDENT$}generation {wanted}{behind}{looked}", ""));
    lines.extend(past(terminal, one, now));
    lines
}

/// What drifts, and what became of the object lately, the newest first.
fn past(terminal: &Terminal, one: &ObjectStatus, now: Time) -> Vec<String> {
    let mut lines = Vec::new();
    if !one.drift.is_empty() {
        lines.extend(indented(terminal, &format!("drift: {}", one.drift.join(", "))));
    }
    for happening in one.history.iter().rev() {
        let took = happening.took_seconds.map(Duration::from_secs).map(|took| format!(" after {}", span(took)));
        let times = if happening.times > 1 { format!(", {} times", happening.times) } else { String::new() };
        let detail = if happening.detail.is_empty() { String::new() } else { format!(": {}", happening.detail) };
        let cause = happening.cause.as_ref().map(|cause| format!("; the tasks: {cause}")).unwrap_or_default();
        let said = format!("{}{}{times}{detail}{cause}", happening.what.words(), took.unwrap_or_default());
        let mut ago = format!("{} ago", span(now.since(happening.at)));
        for line in wrap(&said, terminal.width.saturating_sub(INDENT + AGO)) {
            lines.push(format!("{:INDENT$}{}{line}", "", paint(terminal, Ink::Dim, &format!("{ago:AGO$}"))));
            ago.clear();
        }
    }
    lines
}

/// As wide as `59m 59s ago`, and a gap.
const AGO: usize = 13;
