//! A replacement as a plan shows it. Must not know: when its steps are due.

use serde::Serialize;

use crate::plan::Replacement;

/// How one service takes the place of another.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Replaced {
    /// `StartFirst`, `StopFirst`.
    how: &'static str,
    /// The members for whose sake.
    members: Vec<String>,
    /// Names in AWS.
    old: Vec<String>,
    new: String,
    steps: Vec<Step>,
    /// How long no task serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    dip: Option<Dip>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    does: String,
    /// The operation; absent where something is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<&'static str>,
    /// `done`, `now`, `later`.
    state: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Dip {
    seconds: u64,
    /// What it is made of, with what is assumed.
    parts: Vec<Part>,
    #[serde(skip)]
    story: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    what: &'static str,
    seconds: u64,
}

impl Replaced {
    pub(super) fn of(replacement: &Replacement) -> Self {
        let step = |(act, standing): (crate::plan::replacement::Act, crate::plan::replacement::Standing)| Step {
            does: replacement.words(act),
            call: act.operation(),
            state: standing.as_str(),
        };
        let dip = replacement.dip.as_ref().map(|dip| Dip {
            seconds: dip.seconds(),
            parts: dip.parts.iter().map(|(what, seconds)| Part { what, seconds: *seconds }).collect(),
            story: dip.story(),
        });
        Self {
            how: replacement.how.as_str(),
            members: replacement.members.clone(),
            old: replacement.old.clone(),
            new: replacement.new.clone(),
            steps: replacement.acts().map(step).collect(),
            dip,
        }
    }

    /// The steps in their order, and the dip.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        let one = |(index, step): (usize, &Step)| {
            let call = step.call.map_or(String::new(), |call| format!(" ({call})"));
            let state = if step.state == "later" { String::new() } else { format!(": {}", step.state) };
            format!("  {}. {}{call}{state}", index + 1, step.does)
        };
        let dip = self.dip.as_ref().map(|dip| format!("  {}", dip.story));
        self.steps.iter().enumerate().map(one).chain(dip)
    }
}
