//! All checks on one case, and what follows. Must not know: any single check.

use crate::check::report::Report;
use crate::check::rule::Look;
use crate::check::rules;
use crate::kinds::{Policy, service};
use crate::manifest::{At, Fault, Severity};
use crate::rollout::Course;
use crate::shape::Path;

use super::addresses::{self, Zone};
use super::{Case, Due, Platform};

/// What preflight says of one service.
#[derive(Clone, Debug, PartialEq)]
pub struct Preflight {
    pub due: Due,
    /// Absent where another controller than ECS's own decides how it goes.
    pub course: Option<Course>,
    /// Free addresses against those that are needed; empty where tasks have none of their own.
    pub zones: Vec<Zone>,
    pub judged: Vec<Judged>,
}

/// A finding, and what it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    pub fault: Fault,
    pub does: Policy,
}

impl Judged {
    /// What selector terms stand for is not known: nothing could be looked at.
    pub fn unresolved(why: String) -> Self {
        let fault = Fault::new(Path::from("spec.networkConfiguration"), At::Value, "preflight-subnet-missing", why);
        Self { fault: Fault { severity: Severity::Unknown, ..fault }, does: Policy::Warn }
    }
}

/// Why a rollout is not made now.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    pub policy: Policy,
    pub message: String,
}

/// Lets all checks look; `policy` is the manifest's, where it has one.
pub fn look(case: &Case<'_>, policy: Option<Policy>) -> Preflight {
    if case.controller() == service::EXTERNAL {
        // What runs, and where, each task set says for itself.
        return Preflight::none(case.due);
    }
    let mut judged = Vec::new();
    for rule in rules() {
        let Look::Preflight(usual, check) = rule.look else { continue };
        let mut faults = Vec::new();
        check(case, &mut Report::on_spec(rule, &mut faults));
        judged.extend(faults.into_iter().map(|fault| {
            let does = match fault.severity {
                Severity::Error => policy.unwrap_or(usual),
                // What is not sure is never held harder than its rule has it.
                Severity::Warning => policy.unwrap_or(usual).min(usual),
                // What nobody knows keeps nothing back.
                Severity::Unknown => Policy::Warn,
            };
            Judged { does, fault }
        }));
    }
    let zones = if case.platform() == Platform::External { Vec::new() } else { addresses::zones(case) };
    Preflight { due: case.due, course: case.course(), zones, judged }
}

impl Preflight {
    /// Nothing was looked at: whatever is due goes on.
    pub fn none(due: Due) -> Self {
        Self { due, course: None, zones: Vec::new(), judged: Vec::new() }
    }

    /// The strictest thing that a finding asks for, with all findings that do so; `None` where it may go on.
    pub fn hold(&self) -> Option<Hold> {
        let policy = self.judged.iter().map(|one| one.does).max().filter(|does| *does != Policy::Warn)?;
        let told = self.judged.iter().filter(|one| one.does != Policy::Warn).map(|one| {
            let Fault { message, remedy, rule, .. } = &one.fault;
            match remedy {
                Some(remedy) => format!("{rule}: {message} ({remedy})"),
                None => format!("{rule}: {message}"),
            }
        });
        Some(Hold { policy, message: told.collect::<Vec<_>>().join("; ") })
    }

    /// Whether a check could not look.
    pub fn unknown(&self) -> impl Iterator<Item = &Fault> {
        self.judged.iter().map(|one| &one.fault).filter(|fault| fault.severity == Severity::Unknown)
    }
}
