//! The real AWS CLI and boto3 against `ecs-operator sim`. Skipped by name where they are not installed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::path::Path;
use std::process::Command;

use common::process::{Said, Sim, World, clean, have, hello, image, program, said};
use serde_json::Value;

/// Waiters look every 15 seconds of real time, so rollouts are over before they look first.
const SCALE: &str = "60";

fn aws(world: World, arguments: &[&str]) -> Said {
    let mut command = Command::new("aws");
    clean(&mut command);
    command.args(["ecs", "--output", "json"]).args(arguments);
    command.env("AWS_ENDPOINT_URL", world.url()).env("AWS_REGION", "us-east-1").env("AWS_DEFAULT_REGION", "us-east-1");
    command.env("AWS_PAGER", "").env("AWS_ACCESS_KEY_ID", "x").env("AWS_SECRET_ACCESS_KEY", "x");
    said(&mut command)
}

fn json(said: &Said) -> Value {
    assert_eq!(said.code, 0, "{said:?}");
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

#[test]
fn the_aws_cli_agrees_that_an_apply_is_done() {
    if !have("the_aws_cli_agrees_that_an_apply_is_done", "the AWS CLI", Command::new("aws").arg("--version")) {
        return;
    }
    let sim = Sim::start(SCALE);
    let mut apply = program();
    apply.arg("apply").arg(hello()).args(["--wait", "--endpoint-url", &sim.world.url()]);
    assert_eq!(said(&mut apply).code, 0);

    let of = ["--cluster", "hello", "--services", "hello-world"];
    let stable = aws(sim.world, &[&["wait", "services-stable"], &of[..]].concat());
    assert_eq!((stable.code, stable.err.as_str()), (0, ""), "{stable:?}");
    let described = json(&aws(sim.world, &[&["describe-services"], &of[..], &["--include", "TAGS"]].concat()));
    let service = &described["services"][0];
    assert_eq!((&service["status"], &service["runningCount"]), (&"ACTIVE".into(), &2.into()), "{service}");
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    let owner = service["tags"].as_array().unwrap().iter().find(|tag| tag["key"] == "ecs-operator/owner");
    assert_eq!(owner.unwrap()["value"], "hello/hello-world");

    let runs = service["taskDefinition"].as_str().unwrap();
    let shown = json(&aws(sim.world, &["describe-task-definition", "--task-definition", runs]));
    assert_eq!(shown["taskDefinition"]["containerDefinitions"][0]["image"], image("1.28"));
    let of = ["--cluster", "hello", "--service", "hello-world"];
    let history = json(&aws(sim.world, &[&["list-service-deployments"], &of[..]].concat()));
    let history = history["serviceDeployments"].as_array().unwrap().clone();
    assert_eq!((history.len(), &history[0]["status"]), (1, &"SUCCESSFUL".into()), "{history:?}");

    // What the CLI does to the service, the operator sees as drift.
    let changed =
        aws(sim.world, &["update-service", "--cluster", "hello", "--service", "hello-world", "--desired-count", "5"]);
    assert_eq!(json(&changed)["service"]["desiredCount"], 5);
    let mut plan = program();
    plan.arg("plan").arg(hello()).args(["--detailed-exitcode", "--endpoint-url", &sim.world.url()]);
    let plan = said(&mut plan);
    assert_eq!(plan.code, 2, "{plan:?}");
    assert!(plan.out.contains("    ~ desiredCount: 5 → 2\n"), "{}", plan.out);

    let none = aws(sim.world, &["describe-task-definition", "--task-definition", "none"]);
    assert!(none.code > 1 && none.err.contains("(ClientException)"), "{none:?}");
}

/// Lets a script of tests/real_clients talk to a simulator of its own.
fn boto3(test: &str, script: &str) {
    let mut probe = Command::new("python3");
    if !have(test, "boto3", probe.args(["-c", "import boto3"])) {
        return;
    }
    let sim = Sim::start(SCALE);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_clients").join(script);
    let mut python = Command::new("python3");
    clean(&mut python);
    let said = said(python.arg(script).arg(sim.world.url()));
    assert_eq!((said.code, said.out.as_str()), (0, "all as boto3 expects\n"), "{said:?}");
}

#[test]
fn boto3_pages_waits_and_knows_its_errors() {
    boto3("boto3_pages_waits_and_knows_its_errors", "boto3_client.py");
}

#[test]
fn boto3_deploys_in_every_way() {
    boto3("boto3_deploys_in_every_way", "deployments.py");
}
