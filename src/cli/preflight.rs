//! What preflight says of services, as people and machines read it. Must not know: how it was found out.

use serde::Serialize;

use crate::check::preflight::{Preflight, Zone};
use crate::kinds::{Key, Policy};
use crate::manifest::{Fault, Finding, Severity};
use crate::rollout::Course;
use crate::shape::plain;

use super::findings::{self, One, Sources};
use super::ink::{Ink, paint, signs};
use super::print;
use super::terminal::Terminal;

/// One service, ready to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Ahead {
    due: &'static str,
    course: Option<Course>,
    zones: Vec<Zone>,
    /// What the strictest finding does, where it does anything.
    does: Option<Policy>,
    /// The rules that do it.
    holding: Vec<&'static str>,
    findings: Vec<Finding>,
}

impl Ahead {
    /// `place` finds the line of a finding.
    pub fn of(said: &Preflight, place: impl Fn(&Fault) -> Finding) -> Self {
        Self {
            due: said.due.as_str(),
            course: said.course.clone(),
            zones: said.zones.clone(),
            does: said.hold().map(|hold| hold.policy),
            holding: said.judged.iter().filter(|one| one.does != Policy::Warn).map(|one| one.fault.rule).collect(),
            findings: said.judged.iter().map(|one| place(&one.fault)).collect(),
        }
    }

    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether what is due would not be made now.
    pub fn is_held(&self) -> bool {
        self.does.is_some()
    }

    /// `rollout of 4 tasks, 100-150 %: +2, -2, +2, -2`.
    pub fn headline(&self) -> String {
        match &self.course {
            Some(course) => format!("{} of {course}", self.due),
            None => format!("{} by another controller than ECS's", self.due),
        }
    }

    /// Each finding that holds nothing in a line, with its rule; what was seen, below each; those that nobody knows by
    /// what they lack.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let mut lacking: Vec<(&[String], Vec<&str>)> = Vec::new();
        let mut lines = Vec::new();
        for one in &self.findings {
            let (rule, remedy) = (one.rule, one.remedy.as_ref().map(|remedy| format!(" ({remedy})")));
            if one.severity == Severity::Unknown {
                match lacking.iter_mut().find(|(why, _)| *why == one.evidence) {
                    Some((_, rules)) => rules.push(rule),
                    None => lacking.push((&one.evidence, vec![rule])),
                }
                continue;
            }
            // What holds it is told where it is said that it is held.
            if !self.holding.contains(&rule) {
                lines.push(format!("{}[{rule}]: {}{}", one.severity, one.message, remedy.unwrap_or_default()));
            }
            lines.extend(one.evidence.iter().map(|line| format!("  {line}")));
        }
        let unknown =
            lacking.into_iter().map(|(why, rules)| format!("unknown[{}]: {}", rules.join(", "), why.join("; ")));
        lines.extend(unknown);
        lines.into_iter()
    }
}

impl Serialize for Ahead {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { due, course, zones, does, holding: _, findings } = self;
        Shown {
            due,
            steps: course.as_ref().map(ToString::to_string),
            course: course.as_ref(),
            zones: zones.iter().map(|zone| ShownZone { zone, free: zone.free().max(0) }).collect(),
            does: does.map_or(Policy::Warn.as_str(), Policy::as_str),
            findings: findings.iter().map(One::of).collect(),
        }
        .serialize(serializer)
    }
}

/// As JSON; members are only ever added.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    due: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    course: Option<&'a Course>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<String>,
    zones: Vec<ShownZone<'a>>,
    does: &'static str,
    findings: Vec<One<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownZone<'a> {
    #[serde(flatten)]
    zone: &'a Zone,
    free: i64,
}

/// What `preflight -o json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    format_version: u32,
    held: usize,
    services: Vec<Service<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Service<'a> {
    key: String,
    #[serde(flatten)]
    ahead: &'a Ahead,
}

/// One JSON object, over several lines.
pub fn json(all: &[(Key, Ahead)]) -> String {
    let services = all.iter().map(|(key, ahead)| Service { key: key.short(), ahead }).collect();
    let held = all.iter().filter(|(_, ahead)| ahead.is_held()).count();
    serde_json::to_string_pretty(&Report { format_version: 1, held, services }).unwrap_or_default()
}

/// Every service with its zones and findings, and a last line that counts.
pub fn text(all: &[(Key, Ahead)], sources: &Sources, terminal: &Terminal) -> String {
    let mut text = String::new();
    for (key, ahead) in all {
        let signs = signs(terminal);
        let (sign, ink) = match (ahead.does, ahead.findings.is_empty()) {
            (Some(_), _) => (signs.bad, Ink::Bad),
            (None, false) => (signs.busy, Ink::Change),
            (None, true) => (signs.good, Ink::Good),
        };
        let (sign, name) = (paint(terminal, ink, sign), paint(terminal, Ink::Bold, &plain(&key.short())));
        text.push_str(&format!("{sign} {name}  {}\n", ahead.headline()));
        // Where they are evidence, they stand below the finding.
        let zones = ahead.zones.iter().map(ToString::to_string);
        for zone in zones.filter(|zone| !ahead.findings.iter().any(|one| one.evidence.contains(zone))) {
            text.push_str(&format!("    {}\n", plain(&zone)));
        }
        text.push_str(&findings::text(&ahead.findings, sources, terminal));
        text.push('\n');
    }
    text + &summary(all)
}

fn summary(all: &[(Key, Ahead)]) -> String {
    let services = print::counted(all.len(), "service");
    let held = all.iter().filter(|(_, ahead)| ahead.is_held()).count();
    let found: Vec<Finding> = all.iter().flat_map(|(_, ahead)| ahead.findings.clone()).collect();
    match (held, found.is_empty()) {
        (0, true) => format!("{services}, nothing in the way."),
        (0, false) => format!("{services}, {}; nothing would be held.", findings::counted(&found)),
        (held, _) => format!("{services}, {}; {held} would be held.", findings::counted(&found)),
    }
}
