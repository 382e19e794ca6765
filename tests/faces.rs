//! What `ecs-operator run` shows of itself: metrics, probes and logs, and what must be in none of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use common::process::{
    Operator, ask, get, have, image, logged_address, odd_aws, program, said, tagged, until, write_hello,
};
use serde_json::Value;
use tempfile::TempDir;

/// README: what a service may cost in series, and everything else together.
const SERIES_PER_SERVICE: usize = 14;
const SERIES_BESIDES: usize = 400;

/// A service with a task definition of its own.
fn pair(name: &str) -> String {
    format!(
        "apiVersion: ecs-operator.io/v1
kind: TaskDefinition
metadata: {{ name: {name} }}
spec:
  requiresCompatibilities: [FARGATE]
  networkMode: awsvpc
  cpu: '256'
  memory: '512'
  containerDefinitions: [{{ name: app, image: app:1 }}]
---
apiVersion: ecs-operator.io/v1
kind: Service
metadata: {{ name: {name}, cluster: hello }}
spec:
  desiredCount: 1
  launchType: FARGATE
  networkConfiguration: {{ awsvpcConfiguration: {{ subnets: [subnet-0123456789abcdef0] }} }}
---
"
    )
}

/// Series by the service they are about; those about none under "".
fn series(metrics: &str) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for line in metrics.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let service = line.split_once(",service=\"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
        *count.entry(service.to_owned()).or_default() += 1;
    }
    count
}

#[test]
fn sixty_services_cost_what_is_promised() {
    let services: Vec<String> = (0..60).map(|number| format!("web-{number:02}")).collect();
    let root = TempDir::new().unwrap();
    write_hello(root.path(), str::to_owned);
    fs::write(root.path().join("many.yaml"), services.iter().map(|name| pair(name)).collect::<String>()).unwrap();
    let operator = Operator::start(root.path(), &["--time-scale", "60", "--rollouts", "60"]);
    until("all services are ready", || {
        let metrics = operator.metrics();
        let line = "ecs_operator_objects{kind=\"Service\",ready=\"true\"} 61";
        metrics.lines().any(|one| one == line).then_some(())
    });
    let count = series(&operator.metrics());
    for name in &services {
        assert!(count[name] <= SERIES_PER_SERVICE, "{name}: {}", count[name]);
    }
    let besides = count.get("").copied().unwrap_or(0);
    eprintln!("{} series a service, {besides} besides", count[&services[0]]);
    assert!(besides <= SERIES_BESIDES, "{besides} series are about no service");
}

#[test]
fn beyond_the_limit_no_service_has_series_of_its_own() {
    let root = TempDir::new().unwrap();
    write_hello(root.path(), str::to_owned);
    fs::write(root.path().join("two.yaml"), pair("second")).unwrap();
    let operator = Operator::start(root.path(), &["--metrics-max-services", "1"]);
    operator.until_metric("ecs_operator_metrics_services_dropped", "2");
    assert!(!operator.metrics().contains("service=\"second\""));
}

#[test]
fn metrics_are_as_promtool_wants_them() {
    if !have("metrics_are_as_promtool_wants_them", "promtool", Command::new("promtool").arg("--version")) {
        return;
    }
    let root = TempDir::new().unwrap();
    write_hello(root.path(), tagged("1.1"));
    let operator = Operator::start(root.path(), &["--time-scale", "200"]);
    operator.until_runs("hello-world", &image("1.1"));
    fs::write(root.path().join("broken.yaml"), "kind: [").unwrap();
    operator.until_metric("ecs_operator_manifests{state=\"rejected\"}", "1");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(operator.metrics().as_bytes()).unwrap();
    let checked = promtool.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&checked.stdout).into_owned() + &String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success() && words.is_empty(), "{words}");
}

#[test]
fn probes_and_metrics_are_read_only() {
    let root = TempDir::new().unwrap();
    write_hello(root.path(), str::to_owned);
    let operator = Operator::start(root.path(), &["--probe-listen", "127.0.0.1:0"]);
    let apart = logged_address(&operator.child, "\"probes listen\"");
    for face in [operator.face, apart] {
        until("ready", || get(face, "/readyz").filter(|answer| answer.status == 200));
        assert_eq!(get(face, "/livez").unwrap().status, 200);
    }
    assert_eq!(get(apart, "/metrics").unwrap().status, 404);
    let livez = get(operator.face, "/livez").unwrap();
    assert_eq!((livez.status, livez.body.as_str()), (200, "ok\n"));
    let lost = get(operator.face, "/nothing").unwrap();
    assert_eq!(lost.status, 404);
    assert!(lost.body.contains("/metrics, /livez, /readyz and /api/v1/status"), "{}", lost.body);
    for path in ["/metrics", "/livez", "/readyz", "/api/v1/status"] {
        assert_eq!(ask(operator.face, "POST", path).unwrap().status, 405, "{path}");
    }
}

/// What nobody may read anywhere but in the manifest and in ECS.
const CANARIES: [&str; 6] = ["CANARYENV", "CANARYCOMMAND", "CANARYENTRY", "CANARYOPTION", "CANARYLABEL", "CANARYCHECK"];

/// The shipped manifests with something secret wherever people put that; `n` makes each a new one.
fn write_canaries(root: &std::path::Path, n: u32) {
    write_hello(root, |text| {
        let mut members = String::new();
        write!(
            members,
            "\n      environment: [{{ name: TOKEN, value: CANARYENV{n} }}]\n      command: [serve, CANARYCOMMAND{n}]\n      \
             entryPoint: [sh, CANARYENTRY{n}]\n      dockerLabels: {{ token: CANARYLABEL{n} }}\n      \
             healthCheck: {{ command: [CMD-SHELL, 'echo CANARYCHECK{n}'] }}\n      portMappings:"
        )
        .unwrap();
        text.replace("\n      portMappings:", &members)
            .replace("awslogs-stream-prefix: web", &format!("awslogs-stream-prefix: CANARYOPTION{n}"))
    });
}

fn assert_silent(what: &str, text: &str) {
    for canary in CANARIES {
        let line = text.lines().find(|line| line.contains(canary));
        assert!(line.is_none(), "{what} tells {canary}: {}", line.unwrap_or_default());
    }
}

#[test]
fn secrets_are_in_no_log_no_metric_and_no_plan() {
    let root = TempDir::new().unwrap();
    write_canaries(root.path(), 1);
    let operator = Operator::start(root.path(), &["--time-scale", "100", "--log", "trace"]);
    until("the service", || operator.world.stable_image("hello-world"));
    // A change of each, a document that is broken right there, and a live change to heal.
    write_canaries(root.path(), 2);
    until("the second revision", || {
        let runs = operator.world.service("hello-world")?["taskDefinition"].as_str()?.ends_with(":2");
        runs.then_some(())
    });
    let file = root.path().join("task-definition.yaml");
    let good = fs::read_to_string(&file).unwrap();
    for wrong in [
        good.replace("value: CANARYENV2", "value: [CANARYENV2]"),
        good.replace("value: CANARYENV2", "value: CANARYENV2, valueFrom: CANARYENV2"),
        good.replace("value: CANARYENV2", "value: \"CANARYENV2"),
        good.replace("[serve, CANARYCOMMAND2]", "CANARYCOMMAND2"),
        good.replace("{ token: CANARYLABEL2 }", "[CANARYLABEL2]"),
        good.replace("TOKEN, value: CANARYENV2", "TOKEN, value: '${var.CANARYLESS}CANARYENV2'"),
    ] {
        assert_ne!(wrong, good);
        fs::write(&file, wrong).unwrap();
        operator.until_metric("ecs_operator_manifests{state=\"rejected\"}", "1");
        assert_silent("/metrics", &operator.metrics());
        let plan = said(program().arg("plan").arg(root.path()).arg("--sim"));
        assert_eq!(plan.code, 1, "{plan:?}");
        assert_silent("plan", &(plan.out + &plan.err));
        fs::write(&file, &good).unwrap();
        operator.until_metric("ecs_operator_manifests{state=\"rejected\"}", "0");
    }
    // What is there differs from what is wanted in every secret; the operator does not see this directory.
    let next = TempDir::new().unwrap();
    write_canaries(next.path(), 3);
    let url = operator.world.url();
    let plan = said(program().arg("plan").arg(next.path()).args(["--endpoint-url", &url, "--log", "trace"]));
    assert_eq!(plan.code, 0, "{plan:?}");
    assert!(plan.out.contains("[TOKEN].value: changed sha256:"), "the change is shown: {}", plan.out);
    assert_silent("plan", &(plan.out + &plan.err));
    assert_silent("/metrics", &operator.metrics());
    assert_silent("the log", &operator.child.err());
}

#[test]
fn an_answer_that_makes_no_sense_is_not_repeated() {
    // A describing answer holds what the manifests hold; cut off on the way it is not to be read.
    for body in [
        "{\"clusters\":[{\"clusterName\":\"CANARYENV",
        "{\"clusters\":\"CANARYENV\"}",
        "{\"clusters\":[{\"status\":{\"CANARYENV\":1}}]}",
        "CANARYENV",
    ] {
        let url = format!("http://{}", odd_aws(Some(body)));
        let hello = common::process::hello();
        let mut apply = program();
        apply.arg("apply").arg(hello).args(["--endpoint-url", &url, "--timeout", "1s", "--log", "trace"]);
        let said = said(&mut apply);
        assert_ne!(said.code, 0, "{said:?}");
        assert!((said.out.clone() + &said.err).contains("DescribeClusters"), "{said:?}");
        assert_silent("apply", &(said.out + &said.err));
    }
}

#[test]
fn logs_are_one_object_a_line() {
    let root = TempDir::new().unwrap();
    write_hello(root.path(), tagged("1.1"));
    let operator = Operator::start(root.path(), &["--time-scale", "200", "--log", "debug"]);
    operator.until_runs("hello-world", &image("1.1"));
    fs::write(root.path().join("odd.yaml"), "kind: \"a\\nb\\e[31m\"\n").unwrap();
    operator.until_metric("ecs_operator_manifests{state=\"rejected\"}", "1");
    let log = operator.child.err();
    let mut levels = BTreeSet::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        levels.insert(line["level"].as_str().unwrap().to_owned());
        assert!(line["timestamp"].is_string() && line["message"].is_string() && line["target"].is_string(), "{line}");
    }
    assert!(levels.contains("DEBUG") && levels.contains("INFO"), "{levels:?}");
}
