//! Rollouts as lines of text: pure functions from the status, whatever the terminal. Must not know: where the lines go.
//!
//! ```text
//! ◌ hello/Service/hello-world  RolloutInProgress  38s
//!              REVISION       STATE        DESIRED  RUNNING  PENDING  FAILED
//!     PRIMARY  hello-world:2  in progress        2        0        2       0
//!     ACTIVE   hello-world:1  completed          2        2        0       0
//!     tasks    ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓░░░░░░░░░░░░░░░░░░░░  2 running, 2 starting
//!                       at least 2 ▲                   ▲ at most 4
//!     ECS      12s ago: has started 2 tasks: (task 0b1c9d2e…) (task 7f3a55d0…).
//! ```

mod bar;
mod failure;
mod table;

use std::sync::Arc;

use crate::kinds::{Key, Kind};
use crate::rollout::{DeploymentStatus, RolloutStatus};
use crate::shape::plain;
use crate::status::{ConditionType, ObjectStatus, Status};

use super::Terminal;
use super::print::counted;
use crate::cli::ink::{Ink, paint, shorten, signs, span, without_ids};
pub use bar::Bar;
pub use failure::{Failure, failure};
pub use table::{object, table};

/// What stands before the lines of a block, and before what a line says.
const INDENT: usize = 4;
const LABEL: usize = 9;

/// One service with all that is known of its rollout.
pub fn service(terminal: &Terminal, key: &Key, status: &ObjectStatus) -> Vec<String> {
    let mut lines = vec![title(terminal, key, status)];
    if let Some(rollout) = &status.rollout {
        lines.extend(deployments(terminal, rollout));
        lines.extend(bar::bar(terminal, rollout));
        lines.extend(event(terminal, key, rollout));
    }
    lines
}

/// The key, a word for its state, and since when.
fn title(terminal: &Terminal, key: &Key, status: &ObjectStatus) -> String {
    let (sign, ink) = state(terminal, status);
    let reason = plain(status.conditions.ready().map_or("Pending", |ready| ready.reason.as_ref()));
    let since = status.rollout.as_ref().filter(|rollout| rollout.is_rolling());
    let since = since.map(|rollout| span(rollout.at.since(rollout.since))).unwrap_or_default();
    let room = terminal.width.saturating_sub(6 + reason.len() + since.len());
    let name = paint(terminal, Ink::Bold, &shorten(terminal, &key.short(), room));
    let line = format!("{} {name}  {}", paint(terminal, ink, sign), paint(terminal, ink, &reason));
    if since.is_empty() { line } else { format!("{line}  {}", paint(terminal, Ink::Dim, &since)) }
}

fn state(terminal: &Terminal, status: &ObjectStatus) -> (&'static str, Ink) {
    let signs = signs(terminal);
    match (
        status.conditions.holds(ConditionType::Ready),
        status.conditions.holds(ConditionType::Stalled) || status.conditions.holds(ConditionType::Degraded),
    ) {
        (true, _) => (signs.good, Ink::Good),
        (false, true) => (signs.bad, Ink::Bad),
        (false, false) => (signs.busy, Ink::Busy),
    }
}

/// The deployments as a table, PRIMARY first.
fn deployments(terminal: &Terminal, rollout: &RolloutStatus) -> Vec<String> {
    let narrow = terminal.width < 80;
    let columns = if narrow { ["WANT", "RUN", "PEND", "FAIL"] } else { ["DESIRED", "RUNNING", "PENDING", "FAILED"] };
    let numbers: usize = columns.iter().map(|name| name.len() + 2).sum();
    let room = terminal.width.saturating_sub(INDENT + LABEL + 2 + STATE + numbers);
    let longest = rollout.deployments.iter().map(|one| one.task_definition.chars().count()).max().unwrap_or(0);
    let revision = longest.clamp("REVISION".len(), room.max("REVISION".len()));
    let head: String = columns.iter().map(|name| format!("  {name}")).collect();
    let head = format!("{:INDENT$}{:LABEL$}{:revision$}  {:STATE$}{head}", "", "", "REVISION", "STATE");
    let mut lines = vec![paint(terminal, Ink::Dim, head.trim_end())];
    for one in &rollout.deployments {
        let name = shorten(terminal, &one.task_definition, revision);
        let counts = [one.desired, one.running, one.pending, one.failed];
        let mut cells = String::new();
        for (index, (count, column)) in counts.iter().zip(columns).enumerate() {
            let cell = format!("  {count:>width$}", width = column.len());
            let failed = index + 1 == columns.len() && *count > 0;
            cells += &if failed { paint(terminal, Ink::Bad, &cell) } else { cell };
        }
        let status = shorten(terminal, &one.status, LABEL - 1);
        let word = paint(terminal, ink_of(one), &format!("{:STATE$}", plain(word(one))));
        lines.push(format!("{:INDENT$}{status:LABEL$}{name:revision$}  {word}{cells}", ""));
    }
    lines
}

/// As wide as the longest word for a state.
const STATE: usize = "in progress".len();

fn word(deployment: &DeploymentStatus) -> &str {
    match deployment.state.as_str() {
        "IN_PROGRESS" => "in progress",
        "COMPLETED" => "completed",
        "FAILED" => "failed",
        other => other,
    }
}

fn ink_of(deployment: &DeploymentStatus) -> Ink {
    match deployment.state.as_str() {
        "COMPLETED" => Ink::Good,
        "FAILED" => Ink::Bad,
        _ => Ink::Busy,
    }
}

/// ECS's newest event, and its age. Where there is no room for all of it, the list of tasks goes first.
fn event(terminal: &Terminal, key: &Key, rollout: &RolloutStatus) -> Option<String> {
    let event = rollout.event.as_ref()?;
    let said = event.message.strip_prefix(&format!("(service {}) ", key.name)).unwrap_or(&event.message);
    let ago = |said: &str| format!("{} ago: {said}", span(rollout.at.since(event.at)));
    let room = terminal.width.saturating_sub(INDENT + LABEL);
    let whole = ago(&without_ids(terminal, said));
    let text = match said.split_once(": (task ") {
        Some((before, _)) if whole.chars().count() > room => ago(&format!("{before}.")),
        _ => whole,
    };
    Some(format!("{:INDENT$}{:LABEL$}{}", "", "ECS", paint(terminal, Ink::Dim, &shorten(terminal, &text, room))))
}

/// One service in one line, for pipes and for screens that are full.
pub fn line(terminal: &Terminal, key: &Key, rollout: &RolloutStatus) -> String {
    let mut text = format!("{}  {}", key.short(), bounds(rollout));
    for one in &rollout.deployments {
        text += &format!("  {} {} {} {}/{}", one.status, one.task_definition, word(one), one.running, one.desired);
        if one.pending > 0 {
            text += &format!(" +{} pending", one.pending);
        }
        if one.failed > 0 {
            text += &format!(" {} failed", one.failed);
        }
    }
    if terminal.live { shorten(terminal, &text, terminal.width) } else { plain(&text).into_owned() }
}

/// `[2..4]`: as many tasks ECS keeps, at least and at most.
fn bounds(rollout: &RolloutStatus) -> String {
    format!("[{}..{}]", rollout.bounds.lower, rollout.bounds.upper)
}

/// All services that roll, as far as the screen has lines, and how many there are besides. Services that fit with all
/// their lines are shown so, else one line each.
pub fn screen(terminal: &Terminal, status: &Status) -> Vec<String> {
    let room = terminal.height.saturating_sub(2).max(1);
    let rolls = |(key, one): &(&Key, &Arc<ObjectStatus>)| {
        key.kind == Kind::Service && one.rollout.as_deref().is_some_and(RolloutStatus::is_rolling)
    };
    let rolling: Vec<_> = status.objects.iter().filter(rolls).collect();
    let whole: Vec<String> = rolling.iter().flat_map(|(key, one)| service(terminal, key, one)).collect();
    let (mut lines, shown) = if whole.len() < room {
        (whole, rolling.len())
    } else {
        let short = rolling.iter().filter_map(|(key, one)| Some(line(terminal, key, one.rollout.as_ref()?)));
        (short.take(room - 1).collect(), rolling.len().min(room - 1))
    };
    let ready = |one: &&Arc<ObjectStatus>| one.conditions.holds(ConditionType::Ready);
    let ready = status.objects.values().filter(ready).count();
    let mut last = format!("{ready} of {} as the manifests say", counted(status.objects.len(), "object"));
    if shown < rolling.len() {
        last += &format!(", {} more in progress", counted(rolling.len() - shown, "rollout"));
    }
    lines.push(paint(terminal, Ink::Dim, &last));
    lines
}

/// What is new since the last picture, in lines that stay: each object whose story changed, and each service whose
/// deployments did.
pub fn news(terminal: &Terminal, before: &Status, now: &Status) -> Vec<String> {
    let mut lines = super::print::progress(before, now);
    for (key, one) in &now.objects {
        let Some(rollout) = one.rollout.as_ref().filter(|rollout| rollout.is_rolling()) else { continue };
        let old = before.objects.get(key).and_then(|old| old.rollout.as_ref());
        if old.is_none_or(|old| old.deployments != rollout.deployments || old.bounds != rollout.bounds) {
            lines.push(line(terminal, key, rollout));
        }
    }
    lines
}
