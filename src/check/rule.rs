//! A rule as data: its stable name, what it wants and why, who looks, and an example of it broken and mended.
//!
//! Must not know: what any single rule says.

use crate::kinds::Policy;
use crate::manifest::Severity;

use super::preflight::Case;
use super::subject::{Service, Subject, TaskDefinition};
use super::{Context, Report};

/// One rule. `explain NAME` is made of nothing else.
#[derive(Debug)]
pub struct Rule {
    /// Stable: people write it in scripts and talk about it.
    pub name: &'static str,
    pub severity: Severity,
    /// What is wanted and why, in a sentence or two; in brackets where the rule comes from.
    pub summary: &'static str,
    pub look: Look,
    /// Absent where no short text could show it.
    pub example: Option<Example>,
}

/// Who looks whether a rule is kept.
#[derive(Clone, Copy, Debug)]
pub enum Look {
    /// The reader of the text.
    Reading,
    /// The comparison of a spec with its shape.
    Shape,
    /// The making of objects from documents: names and references.
    Objects,
    Document(fn(&Context<'_>, &mut Report<'_>)),
    /// At a spec of whatever kind.
    Spec(fn(&Subject<'_>, &mut Report<'_>)),
    SecurityGroup(fn(&Subject<'_>, &mut Report<'_>)),
    TaskDefinition(fn(&TaskDefinition<'_>, &mut Report<'_>)),
    /// At a service, together with its task definition where that is a manifest too.
    Service(fn(&Service<'_>, &mut Report<'_>)),
    /// At a service that is about to roll, and at what AWS shows of where it would; what it finds for sure does what
    /// the policy says, where the manifest says nothing else.
    Preflight(Policy, fn(&Case<'_>, &mut Report<'_>)),
}

/// A manifest that breaks the rule, a line [`INSTEAD`], and the manifest mended.
#[derive(Debug)]
pub struct Example {
    /// The name that the text has: it says whether it is JSON, or the settings.
    pub file: &'static str,
    pub text: &'static str,
}

/// What stands between the two halves of an example.
pub const INSTEAD: &str = "# instead:";

impl Example {
    /// The text that breaks the rule, and the one that keeps it.
    pub fn halves(&self) -> (&'static str, &'static str) {
        let marked = self.text.split_once(INSTEAD).unwrap_or((self.text, ""));
        (marked.0, marked.1.trim_start_matches(['\r', '\n']))
    }
}
