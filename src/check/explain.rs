//! What `explain RULE` tells, in parts. Must not know: how it is printed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::kinds::Place;
use crate::manifest::{self, Finding, Input, SETTINGS_FILE, Severity, Variables};

use super::{Rule, desired};

/// A rule, told by its example.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    pub name: &'static str,
    pub severity: Severity,
    pub summary: &'static str,
    /// Absent where no short text could show the rule.
    pub example: Option<Shown>,
}

/// An example, with what is said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The name that the findings have for the text.
    pub file: &'static str,
    pub broken: &'static str,
    pub findings: Vec<Finding>,
    pub mended: &'static str,
}

/// Where the examples are at home; in this region even the rule about regions can be shown.
const ACCOUNT: &str = "123456789012";
const REGION: &str = "ap-northeast-1";

/// Tells of a rule.
pub fn explain(rule: &Rule) -> Explanation {
    let example = rule.example.as_ref().map(|example| {
        let (broken, mended) = example.halves();
        Shown { file: example.file, broken, findings: findings_of(example.file, broken), mended }
    });
    Explanation { name: rule.name, severity: rule.severity, summary: rule.summary, example }
}

/// Everything that is said of one text, in the order of places.
pub fn findings_of(file: &str, text: &str) -> Vec<Finding> {
    let text: Arc<str> = Arc::from(text);
    let settings = (file == SETTINGS_FILE).then_some(&text);
    let files = match settings {
        Some(_) => BTreeMap::new(),
        None => BTreeMap::from([(file.to_owned(), Arc::clone(&text))]),
    };
    let variables = Variables { region: Some(REGION.into()), account: Some(ACCOUNT.into()), ..Variables::default() };
    let input = Input { files: &files, settings, unreadable: &BTreeMap::new(), variables: &variables };
    let place = Place { account: ACCOUNT.into(), region: REGION.into() };
    let desired = desired(&manifest::read(&input), &place, "", None);
    let mut all: Vec<Finding> = desired.findings.into_iter().chain(desired.warnings).collect();
    all.sort();
    all
}
