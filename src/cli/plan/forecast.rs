//! What a simulation foretells, as people and machines read it. Must not know: how it was found out.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::cli::ink;
use crate::shape::plain;

/// What was assumed, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Simulation {
    /// What chance was drawn from.
    pub seed: u64,
    /// In seconds, from a task's creation to RUNNING; absent where the embedded ECS's own times counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<u64>,
    /// In seconds, from RUNNING until a task counts as healthy; absent where its checks said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy_after: Option<u64>,
    /// What the copy lacks, or has otherwise.
    pub not_copied: Vec<Gap>,
    /// By the objects' short keys.
    #[serde(skip)]
    pub forecasts: BTreeMap<String, Forecast>,
}

/// Something that could not be copied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Gap {
    pub of: String,
    pub what: String,
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Done,
    /// It is done, after its progress deadline.
    Late,
    /// ECS gives it up, or takes it back.
    Failed,
    /// It goes no further.
    Stuck,
    /// Preflight keeps it back.
    Held,
    /// It could not be played.
    Unknown,
}

/// One service's.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    pub outcome: Outcome,
    /// Why, where it is not done.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub course: Option<Played>,
}

/// What was seen while it was played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Played {
    /// Tasks before.
    pub before: i64,
    /// The fewest that counted as healthy, and the bound that they must not go below.
    pub lowest: i64,
    pub lower: i64,
    /// The most that counted, and the bound that they must not go above.
    pub peak: i64,
    pub upper: i64,
    /// Looks of the scheduler that started or stopped tasks.
    pub steps: usize,
    /// Until it was done, or went no further.
    pub seconds: u64,
    /// In seconds, how long no task was healthy; absent where none was before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dip_seconds: Option<u64>,
    /// The same as the plan of a replacement estimates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dip_estimate: Option<u64>,
    /// Beyond what was there before, at the most: addresses, CPU units, MiB.
    pub more_addresses: i64,
    pub more_cpu: i64,
    pub more_memory: i64,
    /// The shortest and the longest time that tasks took to RUNNING, and from there until they counted as healthy.
    pub start_seconds: Option<(u64, u64)>,
    pub healthy_seconds: Option<(u64, u64)>,
}

impl Forecast {
    /// Without anything that was played.
    pub fn only(outcome: Outcome, message: impl Into<String>) -> Self {
        Self { outcome, message: plain(&message.into()).into_owned(), course: None }
    }

    /// In lines, the first of which says how it ends.
    pub fn lines(&self) -> Vec<String> {
        let message = &self.message;
        let whole = |seconds: u64| ink::span(Duration::from_secs(seconds));
        let after = |played: &Played| whole(played.seconds);
        let end = match (self.outcome, &self.course) {
            (Outcome::Done, Some(played)) => format!("done after {}", after(played)),
            (Outcome::Late, Some(played)) => format!("done after {}, too late: {message}", after(played)),
            (Outcome::Failed, Some(played)) => format!("fails after {}: {message}", after(played)),
            (Outcome::Stuck, Some(played)) => format!("gets no further after {}: {message}", after(played)),
            (Outcome::Held, _) => format!("held by preflight: {message}"),
            (_, None) | (Outcome::Unknown, _) => format!("not known: {message}"),
        };
        let mut lines = vec![format!("forecast: {end}")];
        let Some(played) = &self.course else { return lines };
        let Played { before, lowest, lower, peak, upper, steps, .. } = played;
        let noun = if *steps == 1 { "step" } else { "steps" };
        lines.push(format!(
            "  {before} tasks before, {lowest} to {peak} meanwhile (bounds {lower} to {upper}), {steps} {noun}"
        ));
        let estimate = played.dip_estimate.map(|seconds| format!(" (the plan's estimate: {})", whole(seconds)));
        let dip = played.dip_seconds.filter(|dip| *dip > 0 || estimate.is_some());
        let dip = dip.map(|dip| format!("  no task is healthy for {}{}", whole(dip), estimate.unwrap_or_default()));
        lines.extend(dip);
        let Played { more_addresses, more_cpu, more_memory, .. } = played;
        lines.push(format!(
            "  at the peak {more_addresses:+} addresses, {more_cpu:+} CPU units, {more_memory:+} MiB of memory"
        ));
        let span = |(least, most): (u64, u64)| match least == most {
            true => format!("{most}s"),
            false => format!("{least}-{most}s"),
        };
        if let (Some(start), Some(healthy)) = (played.start_seconds, played.healthy_seconds) {
            lines.push(format!("  a task runs after {}, and counts as healthy {} later", span(start), span(healthy)));
        }
        lines
    }
}

impl Simulation {
    /// What is said below the plan: on what assumption, and what is missing.
    pub fn lines(&self) -> Vec<String> {
        let said = |what: &str, seconds: Option<u64>, flag: &str| match seconds {
            Some(seconds) => format!("{what} after {seconds}s ({flag})"),
            None => format!("{what} as the embedded ECS has it ({flag} sets a time)"),
        };
        let start = said("tasks run", self.start_time, "--start-time");
        let healthy = said("count as healthy", self.healthy_after, "--healthy-after");
        let mut lines = vec![format!("Simulated on a copy; it is assumed that {start}, and {healthy}.")];
        lines.extend(
            self.not_copied.iter().map(|gap| plain(&format!("  not copied: {}: {}", gap.of, gap.what)).into_owned()),
        );
        lines
    }
}
