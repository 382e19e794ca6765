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

use common::process::{Said, Sim, World, clean, have, hello, image, program, said, skipped};
use ecs_operator::sim::ecs::coverage::{self, Coverage};
use ecs_operator::sim::neighbours::ec2;
use serde_json::Value;

/// Waiters look every 15 seconds of real time, so rollouts are over before they look first.
const SCALE: &str = "60";
/// A deployment lasts longer than the next command takes to start, however busy the machine.
const UNHURRIED: &str = "2";

fn aws(world: World, arguments: &[&str]) -> Said {
    let mut command = Command::new("aws");
    client(&mut command, world);
    said(command.args(["ecs", "--output", "json"]).args(arguments))
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
    assert!(plan.out.contains("    ~ desiredCount: 5 -> 2  # in place, "), "{}", plan.out);

    let none = aws(sim.world, &["describe-task-definition", "--task-definition", "none"]);
    assert!(none.code > 1 && none.err.contains("(ClientException)"), "{none:?}");
}

#[test]
fn the_aws_cli_runs_a_task_and_waits_for_it() {
    if !have("the_aws_cli_runs_a_task_and_waits_for_it", "the AWS CLI", Command::new("aws").arg("--version")) {
        return;
    }
    let sim = Sim::start(SCALE);
    json(&aws(sim.world, &["create-cluster"]));
    let container = r#"[{"name":"app","image":"app:1","dockerLabels":{"ecs-operator.sim/exit-after":"20m"}}]"#;
    let definition = ["register-task-definition", "--family", "app", "--network-mode", "awsvpc", "--cpu", "256"];
    let rest = ["--memory", "512", "--requires-compatibilities", "FARGATE", "--container-definitions", container];
    json(&aws(sim.world, &[&definition[..], &rest].concat()));
    let run =
        ["run-task", "--task-definition", "app", "--launch-type", "FARGATE", "--count", "2", "--started-by", "cli"];
    let network = ["--network-configuration", "awsvpcConfiguration={subnets=[subnet-1]}"];
    let ran = json(&aws(sim.world, &[&run[..], &network].concat()));
    let arns: Vec<&str> =
        ran["tasks"].as_array().unwrap().iter().map(|task| task["taskArn"].as_str().unwrap()).collect();
    assert_eq!((arns.len(), ran["failures"].as_array().unwrap().len()), (2, 0), "{ran}");
    for waiter in ["tasks-running", "tasks-stopped"] {
        let waited = aws(sim.world, &[&["wait", waiter, "--tasks"], &arns[..]].concat());
        assert_eq!(waited.code, 0, "{waiter}: {waited:?}");
    }
    let ended = json(&aws(sim.world, &[&["describe-tasks", "--tasks"], &arns[..]].concat()));
    assert_eq!(ended["tasks"][0]["stopCode"], "EssentialContainerExited");
    let refused = aws(sim.world, &["run-task", "--task-definition", "app", "--launch-type", "FARGATE"]);
    assert!(refused.err.contains("Network Configuration must be provided when networkMode 'awsvpc'"), "{refused:?}");
}

#[test]
fn boto3_pages_waits_and_knows_its_errors() {
    boto3("boto3_pages_waits_and_knows_its_errors", "boto3_client.py");
}

#[test]
fn boto3_runs_protects_interrupts_and_retires_tasks() {
    boto3("boto3_runs_protects_interrupts_and_retires_tasks", "boto3_tasks.py");
}

#[test]
fn boto3_places_tasks_on_machines() {
    boto3("boto3_places_tasks_on_machines", "instances.py");
}

#[test]
fn boto3_deploys_in_every_way() {
    boto3("boto3_deploys_in_every_way", "deployments.py");
}

/// The operations that the embedded EC2 answers.
fn offered_by_ec2() -> Vec<&'static str> {
    ec2::coverage().into_iter().map(|(name, _)| name).collect()
}

#[test]
fn boto3_uses_every_operation_of_ec2() {
    boto3_with("boto3_uses_every_operation_of_ec2", "ec2.py", &offered_by_ec2());
}

fn boto3(test: &str, script: &str) {
    boto3_with(test, script, &[]);
}

fn boto3_with(test: &str, script: &str, arguments: &[&str]) {
    let mut probe = Command::new("python3");
    if !have(test, "boto3", probe.args(["-c", "import boto3"])) {
        return;
    }
    let sim = Sim::start(SCALE);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_clients").join(script);
    let mut python = Command::new("python3");
    clean(&mut python);
    let said = said(python.arg(script).arg(sim.world.url()).args(arguments));
    assert_eq!((said.code, said.out.as_str()), (0, "all as boto3 expects\n"), "{said:?}");
}

/// A script of `tests/real_clients`, asked of a world that runs so fast; where a module is missing it is skipped.
fn script(test: &str, name: &str, module: &str, scale: &str, arguments: &[&str]) -> Option<Said> {
    let mut probe = Command::new("python3");
    if !have(test, module, probe.args(["-c", &format!("import {module}")])) {
        return None;
    }
    let sim = Sim::start(scale);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_clients").join(name);
    let mut python = Command::new("python3");
    client(&mut python, sim.world);
    let url = sim.world.url();
    let arguments = arguments.iter().map(|one| if *one == "ENDPOINT" { url.as_str() } else { one });
    Some(said(python.arg(script).args(arguments)))
}

/// Where a client finds the embedded ECS, and what it signs with.
fn client(command: &mut Command, world: World) {
    clean(command);
    command.env("AWS_ENDPOINT_URL", world.url()).env("AWS_REGION", "us-east-1").env("AWS_DEFAULT_REGION", "us-east-1");
    command.env("AWS_PAGER", "").env("AWS_ACCESS_KEY_ID", "x").env("AWS_SECRET_ACCESS_KEY", "x");
}

#[test]
fn botocores_paginators_and_waiters_are_all_served() {
    let test = "botocores_paginators_and_waiters_are_all_served";
    if let Some(said) = script(test, "paginators_and_waiters.py", "boto3", SCALE, &["ENDPOINT"]) {
        assert_eq!((said.code, said.out.as_str()), (0, "all paginators and waiters were used\n"), "{said:?}");
    }
}

/// The operations that the embedded ECS answers.
fn offered() -> Vec<&'static str> {
    let lacking = |rows: &[Coverage]| rows.iter().any(|row| matches!(row, Coverage::Lacking(_)));
    coverage::all().into_iter().filter(|(_, rows)| !lacking(rows)).map(|(name, _)| name).collect()
}

#[test]
fn the_aws_cli_asks_every_operation_that_is_offered() {
    let (test, offered) = ("the_aws_cli_asks_every_operation_that_is_offered", offered());
    if let Some(said) = script(test, "every_operation.py", "awscli", UNHURRIED, &offered) {
        assert_eq!((said.code, said.out), (0, format!("all {} were asked\n", offered.len())), "{}", said.err);
    }
}

#[test]
fn the_aws_cli_uses_every_operation_of_ec2() {
    let (test, offered) = ("the_aws_cli_uses_every_operation_of_ec2", offered_by_ec2());
    if let Some(said) = script(test, "ec2_cli.py", "awscli", SCALE, &offered) {
        assert_eq!((said.code, said.out), (0, format!("all {} were asked\n", offered.len())), "{}", said.err);
    }
}

/// fabfuel's ecs-deploy, unchanged.
#[test]
fn ecs_deploy_deploys_scales_and_runs() {
    let test = "ecs_deploy_deploys_scales_and_runs";
    let mut probe = Command::new("python3");
    if !have(test, "ecs-deploy", probe.args(["-c", "import ecs_deploy"])) {
        return;
    }
    let sim = Sim::start(SCALE);
    let mut apply = program();
    apply.arg("apply").arg(hello()).args(["--wait", "--endpoint-url", &sim.world.url()]);
    assert_eq!(said(&mut apply).code, 0);
    let deploy = |arguments: &[&str]| {
        let mut command = Command::new("python3");
        client(&mut command, sim.world);
        said(command.args(["-c", "from ecs_deploy.cli import ecs; ecs()"]).args(arguments))
    };
    let deployed = deploy(&["deploy", "hello", "hello-world", "--image", "web", "nginx:1.99", "--timeout", "50"]);
    assert!(deployed.code == 0 && deployed.out.contains("Deployment successful"), "{deployed:?}");
    assert!(deployed.out.contains("Successfully deregistered revision: 1"), "{deployed:?}");
    let of = ["--cluster", "hello", "--services", "hello-world"];
    let described = json(&aws(sim.world, &[&["describe-services"], &of[..]].concat()));
    let runs = described["services"][0]["taskDefinition"].as_str().unwrap();
    let shown = json(&aws(sim.world, &["describe-task-definition", "--task-definition", runs]));
    assert_eq!(shown["taskDefinition"]["containerDefinitions"][0]["image"], "nginx:1.99");

    let scaled = deploy(&["scale", "hello", "hello-world", "3", "--timeout", "50"]);
    assert!(scaled.code == 0 && scaled.out.contains("Scaling successful"), "{scaled:?}");

    if !offered().contains(&"RunTask") {
        return skipped(&format!("{test}: a task"), "the embedded ECS does not offer RunTask");
    }
    let network = ["--launchtype", "FARGATE", "--subnet", "subnet-1", "--securitygroup", "sg-1"];
    let family = runs.rsplit('/').next().unwrap().split(':').next().unwrap();
    let ran = deploy(&[&["run", "hello", family, "1"], &network[..]].concat());
    assert!(ran.code == 0 && ran.out.contains("Successfully started 1 instances"), "{ran:?}");
}

/// botocore's shapes against every answer. The tool lies beside the checkout, where there is one.
#[test]
fn a_stranger_finds_every_answer_in_shape() {
    let test = "a_stranger_finds_every_answer_in_shape";
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/tools/shape_check.py");
    if !tool.exists() {
        return skipped(test, &format!("there is no {}", tool.display()));
    }
    let mut probe = Command::new("python3");
    if !have(test, "boto3", probe.args(["-c", "import boto3"])) {
        return;
    }
    let sim = Sim::start(SCALE);
    let mut python = Command::new("python3");
    client(&mut python, sim.world);
    let said = said(python.arg(tool).args(["drive", &sim.world.url(), "--only", "ecs,sts,ec2"]));
    assert!(said.code == 0 && said.out.contains(" findings 0\n"), "{said:?}");
}
