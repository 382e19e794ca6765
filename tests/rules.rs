//! Every rule by its example: broken, it is named at its place and nothing else is; mended, nothing is.
//!
//! What is said stands in `golden/rules/NAME.txt`; `UPDATE_GOLDEN=1` writes it anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::{golden, judge};
use ecs_operator::check::{self, Look};
use ecs_operator::manifest::Severity;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn each_example_breaks_its_rule_and_no_other_and_is_mended() {
    let mut wrong = Vec::new();
    for rule in check::rules() {
        let told = check::explain(rule);
        let Some(shown) = told.example else { continue };
        let names: BTreeSet<&str> = shown.findings.iter().map(|finding| finding.rule).collect();
        if names != BTreeSet::from([rule.name]) {
            let said: Vec<String> = shown.findings.iter().map(golden::line).collect();
            wrong.push(format!("{}: broken, it says\n    {}", rule.name, said.join("\n    ")));
        }
        if shown.findings.iter().any(|finding| finding.severity != rule.severity) {
            wrong.push(format!("{}: a finding of another severity", rule.name));
        }
        let still: Vec<String> = check::findings_of(shown.file, shown.mended).iter().map(golden::line).collect();
        if shown.mended.is_empty() || !still.is_empty() {
            wrong.push(format!("{}: mended, it says\n    {}", rule.name, still.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_said_and_where_is_as_it_was() {
    let rows = check::rules().filter_map(|rule| {
        let shown = check::explain(rule).example?;
        Some((rule.name.to_owned(), shown.findings.iter().map(|one| golden::line(one) + "\n").collect::<String>()))
    });
    golden::compare(&root().join("tests/golden/rules"), rows);
}

#[test]
fn rules_are_told_apart_and_told_well() {
    let mut seen = BTreeSet::new();
    for rule in check::rules() {
        let name = rule.name;
        assert!(seen.insert(name), "{name} is there twice");
        assert!(name.split('-').all(|part| !part.is_empty() && part.bytes().all(|it| it.is_ascii_alphanumeric())));
        assert_eq!(check::rule(name).map(|found| found.name), Some(name));
        assert!(rule.summary.ends_with('.') && rule.summary.len() > 20, "{name}: {}", rule.summary);
        assert!(!rule.summary.contains("  "), "{name}");
    }
    assert!(check::rule("no-such-rule").is_none());
    // What AWS shows decides about these, and no text alone.
    let by_text = |rule: &&check::Rule| !matches!(rule.look, Look::Preflight(..));
    let without = check::rules().filter(by_text).filter(|rule| rule.example.is_none());
    let without: Vec<&str> = without.map(|rule| rule.name).collect();
    assert_eq!(without, ["unreadable-file", "file-too-large", "too-many-documents"], "every other rule has an example");
}

/// What stands before the name of a rule where a finding is made.
const BEFORE: &[&str] =
    &["At::Key,", "At::Value,", "At::SecondKey,", "in_file(path,", "whole_file(path,", "finding(place,"];

/// Names of rules in source text: a quoted word after one of these, and all words of `let rule = …;`.
fn names(text: &str) -> BTreeSet<String> {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut names = BTreeSet::new();
    for rest in BEFORE.iter().flat_map(|before| text.split(before).skip(1)) {
        names.extend(rest.trim_start().strip_prefix('"').and_then(|word| word.split('"').next()).map(str::to_owned));
    }
    for rest in text.split("let rule =").skip(1) {
        let statement = rest.split(';').next().unwrap_or_default();
        names.extend(statement.split('"').skip(1).step_by(2).map(str::to_owned));
    }
    names
}

#[test]
fn every_rule_that_a_finding_names_has_a_row() {
    let known: BTreeSet<&str> = check::rules().map(|rule| rule.name).collect();
    let mut named = BTreeSet::new();
    let mut folders = vec![root().join("src/manifest"), root().join("src/check")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                named.extend(names(&fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let strangers: Vec<&String> = named.iter().filter(|name| !known.contains(name.as_str())).collect();
    assert!(strangers.is_empty(), "without a row: {strangers:?}");
    let looks = |look: Look| matches!(look, Look::Reading | Look::Shape | Look::Objects);
    let unused: Vec<&str> =
        check::rules().filter(|rule| looks(rule.look) && !named.contains(rule.name)).map(|rule| rule.name).collect();
    assert!(unused.is_empty(), "no finding names these: {unused:?}");
}

#[test]
fn warnings_leave_documents_in_force_and_errors_do_not() {
    for rule in check::rules() {
        let Some(example) = &rule.example else { continue };
        if !matches!(rule.look, Look::TaskDefinition(_) | Look::Service(_) | Look::Spec(_)) {
            continue;
        }
        let (broken, _) = example.halves();
        let desired = judge::desired(&[(example.file, broken)]);
        let documents = broken.matches("\nkind:").count();
        let kept = desired.objects.len();
        match rule.severity {
            Severity::Error => assert!(kept < documents && !desired.findings.is_empty(), "{}", rule.name),
            Severity::Warning | Severity::Unknown => {
                assert!(kept == documents && desired.findings.is_empty(), "{}", rule.name)
            }
        }
    }
}
