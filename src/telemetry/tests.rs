//! Every fact told, every object shown: what a scrape gets, and how much of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::*;
use crate::kinds::{Key, Kind, Place};
use crate::rollout::{Bounds, RolloutStatus};
use crate::shape::Time;
use crate::status::{Condition, ConditionType, Conditions, ObjectStatus, SourceStatus, Status, TaskCounts};

/// The budget: what Prometheus is asked to keep.
const SERIES_A_SERVICE: usize = 14;
const SERIES_BESIDES: usize = 400;

fn key(kind: Kind, name: &str) -> Key {
    let place = Place { account: "123456789012".into(), region: "us-east-1".into() };
    Key::new(place, (kind != Kind::Cluster).then(|| "prod".into()), kind, name.into())
}

fn object() -> ObjectStatus {
    let condition = |holds, reason: &'static str| Condition {
        status: holds,
        reason: reason.into(),
        message: "secret".into(),
        since: Time(1_500),
    };
    ObjectStatus {
        generation: 3,
        observed_generation: 2,
        conditions: Conditions::from_iter([
            (ConditionType::Ready, condition(Some(false), "RolloutInProgress")),
            (ConditionType::Reconciling, condition(Some(true), "RolloutInProgress")),
            (ConditionType::Stalled, condition(Some(false), "NotStalled")),
            (ConditionType::Degraded, condition(None, "Unobserved")),
        ]),
        tasks: Some(TaskCounts { desired: 4, running: 3, pending: 1 }),
        rollout: Some(Box::new(RolloutStatus {
            bounds: Bounds { lower: 3, upper: 6 },
            desired: 4,
            running: 3,
            pending: 1,
            deployments: Vec::new(),
            since: Time(1_500),
            at: Time(2_250),
            event: None,
        })),
        last_reconcile: Some(Time(2_250)),
        ..ObjectStatus::default()
    }
}

fn status(services: usize) -> Status {
    let mut objects: BTreeMap<Key, Arc<ObjectStatus>> =
        (0..services).map(|n| (key(Kind::Service, &format!("web-{n}")), object().into())).collect();
    objects.insert(key(Kind::Cluster, "prod"), Arc::default());
    objects.insert(key(Kind::TaskDefinition, "web"), object().into());
    let source = SourceStatus {
        revision: "5e1f0c".into(),
        last_success: Some(Time(1_000)),
        revision_since: Some(Time(1_000)),
        accepted: services + 2,
        skipped: 0,
        rejected: 1,
        problems: vec!["a.yaml:1:1: secret".into()],
    };
    Status { source, objects, orphans: Default::default(), synced: true, lease: None }
}

fn metrics(services: usize) -> (watch::Sender<Arc<Status>>, Metrics) {
    let (sender, receiver) = watch::channel(Arc::new(status(services)));
    (sender, Metrics::new(receiver, MAX_SERVICES_DEFAULT).unwrap())
}

/// Tells every fact with every label value, and as many operations and categories as an operator can have.
fn tell_everything(metrics: &Metrics) {
    let (web, second) = (key(Kind::Service, "web-0"), Duration::from_secs(1));
    let (revision, message) = ("5e1f0c", "message");
    metrics.workers(8);
    metrics.lease_won("ecs/it", "a");
    metrics.lease_failed("ecs/it", true, false, "error", "");
    SourceEvent::ALL.iter().for_each(|event| metrics.source_event(*event));
    for result in LoadResult::ALL {
        let load = SourceLoaded { result: *result, revision, accepted: 2, rejected: 1, duration: second, message };
        metrics.source_loaded(&load);
    }
    Reason::ALL.iter().for_each(|reason| metrics.queued(&web, *reason));
    Stage::ALL.iter().for_each(|stage| metrics.stage_ended(*stage, second));
    for priority in Priority::ALL {
        metrics.queue_depth(*priority, 7);
    }
    for (n, result) in PassResult::ALL.iter().enumerate() {
        metrics.pass_began(&web, Priority::ALL[n % 3], second);
        let pass = PassEnded {
            key: &web,
            reason: Reason::ALL[n % 6],
            result: *result,
            category: (n % 2 == 0).then_some("Throttled"),
            message,
            changes: 1,
            revision,
            duration: second,
        };
        metrics.pass_ended(&pass);
    }
    for category in CATEGORIES {
        crate::telemetry::metrics::count(&metrics.reconcile_errors, &[category]);
    }
    for (n, operation) in OPERATIONS.iter().enumerate() {
        for outcome in [CallOutcome::Ok, CallOutcome::ALL[n % 9]] {
            let service = if n == 0 { "sts" } else { "ecs" };
            let (duration, waited) = (second, second);
            metrics.call_ended(&CallEnded { service, operation, outcome, code: "Code", duration, waited });
        }
    }
    metrics.batch_sent(10);
    CacheResult::ALL.iter().for_each(|result| metrics.cache_asked(*result));
    PreflightResult::ALL.iter().for_each(|result| metrics.preflight_ended(&web, *result));
    metrics.preflight_blind("DescribeSubnets", "UnauthorizedOperation");
    Action::ALL.iter().for_each(|action| metrics.change_applied(&web, *action));
    metrics.drift_detected(&web, &["/desiredCount".into()]);
    for result in RolloutResult::ALL {
        metrics.rollout_ended(&RolloutEnded { key: &web, result: *result, cause: "cause", duration: second });
    }
}

const CATEGORIES: [&str; 12] = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L"];
const OPERATIONS: [&str; 24] = [
    "GetCallerIdentity",
    "B",
    "C",
    "D",
    "E",
    "F",
    "G",
    "H",
    "I",
    "J",
    "K",
    "L",
    "M",
    "N",
    "O",
    "P",
    "Q",
    "R",
    "S",
    "T",
    "U",
    "V",
    "W",
    "X",
];

fn series(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

#[test]
fn the_budget_holds_for_fifty_services() {
    let (_status, metrics) = metrics(50);
    tell_everything(&metrics);
    let text = metrics.render().unwrap();
    let (of_services, besides): (Vec<_>, Vec<_>) = series(&text).partition(|line| line.contains("service=\"web-"));
    assert!(of_services.len() <= 50 * SERIES_A_SERVICE, "{} series of 50 services", of_services.len());
    assert!(besides.len() <= SERIES_BESIDES, "{} series besides", besides.len());
}

#[test]
fn every_metric_is_in_the_catalogue_and_the_other_way_round() {
    let (_status, metrics) = metrics(1);
    tell_everything(&metrics);
    let text = metrics.render().unwrap();
    let shown: BTreeSet<(&str, &str)> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ecs_operator_")?.split_once(' ')).collect();
    let listed: BTreeSet<(&str, &str)> =
        catalogue().iter().map(|row| (row.name.trim_start_matches("ecs_operator_"), row.kind.as_str())).collect();
    assert_eq!(shown, listed);
    for row in catalogue() {
        assert!(text.contains(&format!("# HELP {} {}", row.name, row.help)), "{} has no help", row.name);
        assert!(row.help.ends_with('.') && row.help.len() > 10, "{}: {}", row.name, row.help);
        assert_eq!(row.kind == RowKind::Histogram, !row.buckets.is_empty(), "{}", row.name);
        for label in row.labels {
            let labelled = |line: &str| line.starts_with(row.name) && line.contains(&format!("{label}=\""));
            assert!(series(&text).any(labelled), "{} has no label {label}", row.name);
        }
    }
}

#[test]
fn every_fact_is_counted() {
    let (_status, metrics) = metrics(1);
    let before = metrics.render().unwrap();
    tell_everything(&metrics);
    let after = metrics.render().unwrap();
    for row in catalogue().iter().filter(|row| row.kind != RowKind::Gauge) {
        let told = |text: &str| -> Vec<String> {
            let name = if row.kind == RowKind::Histogram { format!("{}_count", row.name) } else { row.name.to_owned() };
            series(text).filter(|line| line.starts_with(&name)).map(ToOwned::to_owned).collect()
        };
        let (before, after) = (told(&before), told(&after));
        assert!(after.iter().all(|line| !line.ends_with(" 0")), "{}: {after:?}", row.name);
        assert!(before.iter().all(|line| line.ends_with(" 0")), "{}: {before:?}", row.name);
    }
    assert!(after.contains("ecs_operator_workers_active 0\n") && after.contains("ecs_operator_workers_max 8\n"));
    assert!(after.contains("ecs_operator_queue_depth{priority=\"low\"} 7\n"));
}

#[test]
fn a_service_is_shown_as_it_is() {
    let (_status, metrics) = metrics(1);
    let text = metrics.render().unwrap();
    let names = "cluster=\"prod\",service=\"web-0\"";
    for line in [
        format!("service_info{{{names},ready=\"false\",reason=\"RolloutInProgress\",suspended=\"false\"}} 1"),
        format!("service_desired_tasks{{{names}}} 4"),
        format!("service_running_tasks{{{names}}} 3"),
        format!("service_pending_tasks{{{names}}} 1"),
        format!("service_generation{{{names}}} 3"),
        format!("service_observed_generation{{{names}}} 2"),
        format!("service_condition{{{names},type=\"Reconciling\"}} 1"),
        format!("service_condition{{{names},type=\"Stalled\"}} 0"),
        format!("service_condition{{{names},type=\"Degraded\"}} -1"),
        format!("service_ready_transition_timestamp_seconds{{{names}}} 1.5"),
        format!("service_last_reconcile_timestamp_seconds{{{names}}} 2.25"),
        "source_info{revision=\"5e1f0c\"} 1".into(),
        "manifests{state=\"rejected\"} 1".into(),
        "objects{kind=\"Cluster\",ready=\"unknown\"} 1".into(),
        "object_conditions{type=\"Reconciling\",reason=\"RolloutInProgress\"} 2".into(),
        "synced 1".into(),
    ] {
        assert!(text.contains(&format!("\necs_operator_{line}\n")), "no {line} in\n{text}");
    }
    assert!(!text.contains("secret"), "messages are no labels");
}

#[test]
fn what_is_gone_leaves_no_series() {
    let (sender, metrics) = metrics(3);
    assert!(metrics.render().unwrap().contains("web-2"));
    sender.send_replace(Arc::new(status(2)));
    let text = metrics.render().unwrap();
    assert!(text.contains("web-1") && !text.contains("web-2"));
    sender.send_modify(|status| {
        let mut next = Status::clone(status);
        next.source.revision = "77aa".into();
        *status = Arc::new(next);
    });
    assert_eq!(metrics.render().unwrap().matches("\necs_operator_source_info{").count(), 1);
}

#[test]
fn above_the_cap_no_service_has_series() {
    let (_sender, receiver) = watch::channel(Arc::new(status(5)));
    let text = Metrics::new(receiver.clone(), 4).unwrap().render().unwrap();
    assert!(text.contains("\necs_operator_metrics_services_dropped 5\n") && !text.contains("service=\"web-"), "{text}");
    assert!(text.contains("ecs_operator_objects{kind=\"Service\",ready=\"false\"} 5\n"), "totals stay");
    let text = Metrics::new(receiver, 5).unwrap().render().unwrap();
    assert!(
        text.contains("\necs_operator_metrics_services_dropped 0\n") && text.contains("service=\"web-4\""),
        "{text}"
    );
}

#[test]
fn a_pass_is_one_line() {
    let (_status, metrics) = metrics(1);
    let pass = PassEnded {
        key: &key(Kind::Service, "web"),
        reason: Reason::Revision,
        result: PassResult::Changed,
        category: None,
        message: "",
        changes: 2,
        revision: "5e1f0c",
        duration: Duration::from_millis(120),
    };
    let text = logs::tests::logged(LogFormat::Text, "info", || metrics.pass_ended(&pass));
    let line = "2000-02-29T00:00:00.000Z  INFO ecs_operator::reconcile: pass ended key=\"prod/Service/web\" \
        reason=\"revision\" result=\"changed\" changes=2 revision=\"5e1f0c\" duration_ms=120\n";
    assert_eq!(text, line);
    let unchanged = PassEnded { result: PassResult::Unchanged, ..pass };
    assert_eq!(logs::tests::logged(LogFormat::Text, "info", || metrics.pass_ended(&unchanged)), "");
}

#[test]
fn why_tasks_stopped_is_a_line_and_that_they_can_not_be_asked_is_none() {
    let (_status, metrics) = metrics(1);
    let web = key(Kind::Service, "web");
    let text =
        logs::tests::logged(LogFormat::Text, "info", || metrics.tasks_stopped(&web, "web:2", "web: exited with 3"));
    let line = "2000-02-29T00:00:00.000Z  WARN ecs_operator::rollout: its tasks stopped key=\"prod/Service/web\" \
        task_definition=\"web:2\" why=\"web: exited with 3\"\n";
    assert_eq!(text, line);
    assert_eq!(logs::tests::logged(LogFormat::Text, "info", || metrics.tasks_unread(&web, "AccessDenied")), "");
    let text = logs::tests::logged(LogFormat::Text, "debug", || metrics.tasks_unread(&web, "AccessDenied"));
    assert!(text.contains("DEBUG") && text.contains("AccessDenied"), "{text}");
}

#[test]
fn an_error_category_is_an_outcome() {
    assert_eq!(CallOutcome::of(None), CallOutcome::Ok);
    for (category, outcome) in
        ["Throttled", "AccessDenied", "NotFound", "Invalid", "Conflict", "Server", "Timeout", "Network"]
            .iter()
            .zip(&CallOutcome::ALL[1..])
    {
        assert_eq!(CallOutcome::of(Some(category)), *outcome, "{category}");
    }
}

/// The real promtool, where it is installed; REAL_PARTS=1 (as CI has it) makes its absence a failure.
#[test]
fn promtool_finds_nothing() {
    let (_status, metrics) = metrics(2);
    tell_everything(&metrics);
    let text = metrics.render().unwrap();
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = started else {
        assert!(std::env::var_os("REAL_PARTS").is_none_or(|value| value != "1"), "REAL_PARTS=1, and no promtool");
        eprintln!("promtool_finds_nothing: SKIPPED, since promtool is not installed (apt install prometheus)");
        return;
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    let lines = [said.stdout, said.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    let ours: Vec<&str> = lines.lines().filter(|line| !line.starts_with("process_")).collect();
    assert!(ours.is_empty(), "{ours:#?}");
}
