//! Whether an instance answers a query (docs/ecs.md §3.5). Must not know: how queries are written.

use std::cmp::Ordering;

use crate::shape::Time;

use super::super::super::Ecs;
use super::super::super::instance::Instance;
use super::{Comparison, Query, Subject, Test};

impl Query {
    /// Whether it holds for an instance.
    pub fn holds(&self, ecs: &Ecs, instance: &Instance) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(ecs, instance)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(ecs, instance)),
            Self::Not(part) => !part.holds(ecs, instance),
            Self::Test { subject, test } => passes(ecs, instance, subject, test),
        }
    }
}

/// What has several values passes when one of them does; what has none passes nothing.
fn passes(ecs: &Ecs, instance: &Instance, subject: &Subject, test: &Test) -> bool {
    let values = values(ecs, instance, subject);
    match test {
        Test::Exists => match subject {
            Subject::Attribute(name) => instance.attributes.contains_key(name),
            _ => !values.is_empty(),
        },
        Test::Compare(comparison, argument) => {
            values.iter().any(|value| agrees(*comparison, compare(subject, value, argument)))
        }
        Test::In(items) => values.iter().any(|value| items.contains(value)),
        Test::Matches(pattern) => values.iter().any(|value| pattern.is_match(value)),
    }
}

fn values(ecs: &Ecs, instance: &Instance, subject: &Subject) -> Vec<String> {
    let tasks = || instance.tasks.iter().filter_map(|id| ecs.tasks.get(&(instance.cluster.clone(), id.clone())));
    match subject {
        Subject::AgentConnected => vec![instance.connected.to_string()],
        Subject::AgentVersion => instance.agent.text("agentVersion").map(str::to_owned).into_iter().collect(),
        Subject::Attribute(name) => instance.attributes.get(name).cloned().flatten().into_iter().collect(),
        Subject::MachineId => vec![instance.machine.clone()],
        Subject::RegisteredAt => vec![instance.registered.to_string()],
        Subject::RunningTasks => vec![tasks().filter(|task| task.is_running()).count().to_string()],
        Subject::TaskGroup => tasks().map(|task| task.group.clone()).collect(),
    }
}

/// Numbers as numbers, versions part by part, times as times, all else as text.
fn compare(subject: &Subject, value: &str, argument: &str) -> Option<Ordering> {
    match subject {
        Subject::RegisteredAt => Some(moment(value)?.cmp(&moment(argument)?)),
        Subject::AgentVersion => Some(version(value).cmp(&version(argument))),
        Subject::RunningTasks => value.parse::<f64>().ok()?.partial_cmp(&argument.parse::<f64>().ok()?),
        _ => match (value.parse::<f64>(), argument.parse::<f64>()) {
            (Ok(value), Ok(argument)) => value.partial_cmp(&argument),
            _ => Some(value.cmp(argument)),
        },
    }
}

/// A time as people write it: UTC, as `Z` or `+00:00`, or a day.
pub(super) fn moment(text: &str) -> Option<Time> {
    let text = text.strip_suffix("+00:00").map_or_else(|| text.to_owned(), |start| format!("{start}Z"));
    let text = if text.len() == "2026-11-22".len() { format!("{text}T00:00:00Z") } else { text };
    text.parse().ok()
}

fn version(text: &str) -> Vec<u64> {
    text.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn agrees(comparison: Comparison, ordering: Option<Ordering>) -> bool {
    let Some(ordering) = ordering else { return false };
    match comparison {
        Comparison::Equal => ordering.is_eq(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterOrEqual => ordering.is_ge(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessOrEqual => ordering.is_le(),
    }
}
