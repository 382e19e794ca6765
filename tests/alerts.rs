//! The chart's alerts: rules that Prometheus takes, each seen firing and not firing, each with a runbook.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::process::{have, said};
use common::promql;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rules_file() -> PathBuf {
    root().join("charts/ecs-operator/files/alerts.yaml")
}

fn yaml(file: &Path) -> Value {
    serde_yaml::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn rules() -> Vec<Value> {
    let file = yaml(&rules_file());
    file["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

fn name(rule: &Value) -> &str {
    rule["alert"].as_str().unwrap()
}

fn promtool(test: &str, arguments: &[&Path], verb: [&str; 2]) {
    if !have(test, "promtool", Command::new("promtool").arg("--version")) {
        return;
    }
    let told = said(Command::new("promtool").args(verb).args(arguments));
    assert_eq!(told.code, 0, "{}\n{}", told.out, told.err);
}

#[test]
fn prometheus_takes_the_rules() {
    promtool("prometheus_takes_the_rules", &[&rules_file()], ["check", "rules"]);
}

#[test]
fn every_alert_fires_when_it_should_and_only_then() {
    let cases = root().join("tests/alerts/cases.yaml");
    promtool("every_alert_fires_when_it_should_and_only_then", &[&cases], ["test", "rules"]);
}

/// What promtool would not miss: an alert without a case.
#[test]
fn every_alert_has_a_case_of_both_kinds() {
    let cases = yaml(&root().join("tests/alerts/cases.yaml"));
    let mut seen: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for test in cases["tests"].as_array().unwrap() {
        for case in test["alert_rule_test"].as_array().unwrap() {
            let fires = case["exp_alerts"].as_array().is_some_and(|alerts| !alerts.is_empty());
            seen.entry(case["alertname"].as_str().unwrap().to_owned()).or_default()[usize::from(fires)] += 1;
        }
    }
    for rule in rules() {
        let [quiet, fires] = seen.remove(name(&rule)).unwrap_or_default();
        assert!(
            quiet > 0 && fires > 0,
            "{}: {quiet} cases in which it is quiet, {fires} in which it fires",
            name(&rule)
        );
    }
    assert!(seen.is_empty(), "cases of alerts that are not there: {seen:?}");
}

#[test]
fn alerts_ask_for_metrics_and_labels_that_are_there() {
    for rule in rules() {
        let expression = rule["expr"].as_str().unwrap();
        assert!(promql::metrics(expression) > 0, "{}: {expression}", name(&rule));
        let problems = promql::problems(expression);
        assert!(problems.is_empty(), "{}: {problems:?}", name(&rule));
    }
}

/// The check itself: it finds what is not there.
#[test]
fn what_is_not_there_is_found() {
    for wrong in [
        "ecs_operator_service_runing_tasks",
        "ecs_operator_queue_wait_seconds",
        "ecs_operator_workers_max{cluster=\"a\"}",
        "sum by (operation) (ecs_operator_changes_total)",
    ] {
        assert_eq!(promql::problems(wrong).len(), 1, "{wrong}: {:?}", promql::problems(wrong));
    }
}

#[test]
fn every_alert_says_what_it_is_and_has_a_runbook() {
    let folder = root().join("docs/runbooks");
    let mut pages: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    let index = fs::read_to_string(folder.join("README.md")).unwrap();
    for rule in rules() {
        let name = name(&rule);
        assert!(name.starts_with("EcsOperator"), "{name}");
        assert!(["critical", "warning", "info"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{name}");
        for words in ["summary", "description"] {
            assert!(rule["annotations"][words].as_str().is_some_and(|text| text.ends_with('.')), "{name}: {words}");
        }
        let page = format!("{name}.md");
        let at = pages.iter().position(|one| *one == page).unwrap_or_else(|| panic!("{name} has no runbook"));
        pages.remove(at);
        let text = fs::read_to_string(folder.join(&page)).unwrap();
        assert!(text.starts_with(&format!("# {name}\n")), "{page}");
        for heading in ["## Meaning", "## How to see it", "## What to do"] {
            assert!(text.contains(&format!("\n{heading}\n\n")), "{page}: {heading}");
        }
        assert!(index.contains(&format!("[{name}]({page})")), "docs/runbooks/README.md does not lead to {page}");
    }
    assert!(pages.is_empty(), "runbooks of no alert: {pages:?}");
}
