//! What a rule hands its findings to. Must not know: where text stands; a finding has a path here, and gets its line
//! when all rules have looked.

use crate::manifest::{At, Fault, Severity, limits};
use crate::shape::Path;

use super::Rule;

/// The findings of one rule on one object.
pub struct Report<'a> {
    rule: &'static Rule,
    /// What the paths are counted from.
    root: Path,
    faults: &'a mut Vec<Fault>,
    /// How many there were before this rule.
    before: usize,
}

impl<'a> Report<'a> {
    /// For a rule that looks at whole documents.
    pub fn on_document(rule: &'static Rule, faults: &'a mut Vec<Fault>) -> Self {
        let before = faults.len();
        Self { rule, root: Path::root(), faults, before }
    }

    /// For a rule that looks at a spec; paths begin below it.
    pub fn on_spec(rule: &'static Rule, faults: &'a mut Vec<Fault>) -> Self {
        let before = faults.len();
        Self { rule, root: Path::from("spec"), faults, before }
    }

    /// Something is wrong with a value.
    pub fn value(&mut self, path: impl Into<Path>, message: impl Into<String>, remedy: impl Into<String>) {
        self.say(At::Value, &path.into(), message.into(), remedy.into());
    }

    /// A name is wrong, or something is missing in the structure of that name.
    pub fn key(&mut self, path: impl Into<Path>, message: impl Into<String>, remedy: impl Into<String>) {
        self.say(At::Key, &path.into(), message.into(), remedy.into());
    }

    /// The last finding gets what was seen that says so.
    pub fn evidence(&mut self, lines: Vec<String>) {
        if let Some(fault) = self.faults.get_mut(self.before..).and_then(<[Fault]>::last_mut) {
            fault.evidence = lines;
        }
    }

    /// Nobody knows whether the rule is kept, and why.
    pub fn unknown(&mut self, path: impl Into<Path>, message: impl Into<String>, why: &str) {
        let before = self.faults.len();
        self.say(At::Value, &path.into(), message.into(), String::new());
        if let Some(fault) = self.faults.get_mut(before) {
            fault.severity = Severity::Unknown;
            fault.evidence = vec![why.to_owned()];
        }
    }

    /// The name of the rule that is looking.
    pub fn rule(&self) -> &'static str {
        self.rule.name
    }

    /// Whether nothing more will be shown of this rule; who finds remedies at some expense may stop.
    pub fn is_full(&self) -> bool {
        self.faults.len() - self.before >= limits::FINDINGS
    }

    fn say(&mut self, at: At, path: &Path, message: String, remedy: String) {
        if self.is_full() {
            return;
        }
        let fault = Fault::new(path.below(&self.root), at, self.rule.name, message);
        let remedy = Some(remedy).filter(|remedy| !remedy.is_empty());
        self.faults.push(Fault { severity: self.rule.severity, remedy, ..fault });
    }
}
