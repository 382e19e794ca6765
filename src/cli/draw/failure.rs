//! A rollout that failed, in one block: what, why, what runs now, what to do. Must not know: how that was found out.

use crate::cli::Terminal;
use crate::kinds::Key;
use crate::plan::HELD;
use crate::rollout::RolloutStatus;

use super::{INDENT, word};
use crate::cli::ink::{Ink, paint, shorten, signs, without_ids, wrap};

/// What is known of a rollout that failed.
#[derive(Clone, Debug)]
pub struct Failure<'a> {
    pub key: &'a Key,
    /// `RolledBack`, `RolloutFailed`, `RolloutTimedOut`.
    pub reason: &'a str,
    /// What the operator says of it.
    pub message: &'a str,
    /// The revision that failed, `family:revision`.
    pub task_definition: Option<&'a str>,
    /// Why its tasks stopped, in their own words.
    pub cause: Option<&'a str>,
    pub rollout: Option<&'a RolloutStatus>,
}

/// As wide as the longest name of a row, and a gap.
const NAME: usize = 10;

/// The block, a title and its rows.
pub fn failure(terminal: &Terminal, failure: &Failure<'_>) -> Vec<String> {
    let sign = paint(terminal, Ink::Bad, signs(terminal).bad);
    let room = terminal.width.saturating_sub(4 + failure.reason.len());
    let name = paint(terminal, Ink::Bold, &shorten(terminal, &failure.key.short(), room));
    let mut lines = vec![format!("{sign} {name}  {}", paint(terminal, Ink::Bad, failure.reason))];
    let failed = failure.task_definition.unwrap_or("the newest deployment");
    row(terminal, &mut lines, "failed", failed);
    if let Some(cause) = failure.cause {
        row(terminal, &mut lines, "cause", cause);
    }
    let said = failure.message.strip_suffix(HELD).unwrap_or(failure.message).trim_end_matches([' ', '.']);
    let said = said.strip_prefix(&format!("{failed} failed: ")).unwrap_or(said);
    row(terminal, &mut lines, "ECS says", said);
    if let Some(rollout) = failure.rollout {
        row(terminal, &mut lines, "runs now", &runs(rollout));
    }
    row(terminal, &mut lines, "next", &next(failure));
    lines
}

fn row(terminal: &Terminal, lines: &mut Vec<String>, name: &str, text: &str) {
    let text = without_ids(terminal, text);
    let mut name = name;
    for part in wrap(&text, terminal.width.saturating_sub(INDENT + NAME)) {
        lines.push(format!("{:INDENT$}{}{part}", "", paint(terminal, Ink::Dim, &format!("{name:NAME$}"))));
        name = "";
    }
}

fn runs(rollout: &RolloutStatus) -> String {
    let one = rollout.primary();
    let name = one.map_or("nothing", |one| one.task_definition.as_str());
    let state = one.map(word).unwrap_or_default();
    format!("{name}, {state}, {} of {} tasks", rollout.running, rollout.desired)
}

fn next(failure: &Failure<'_>) -> String {
    let what = failure.task_definition.unwrap_or("it");
    match failure.reason {
        "RolloutTimedOut" => {
            format!("ECS still tries {what}: commit a mend, or the revision before; `apply --wait` follows it")
        }
        _ => format!(
            "commit a mend, or the revision before, and apply again; {what} as it is, is not tried again (another \
             reconcile.restartedAt asks for it)"
        ),
    }
}
