//! Equal means equal: whatever ECS fills in, reorders or respells, what was made from a manifest shows no difference to
//! it, before and after a rollout, and a pasted description is the manifest.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::cell::Cell;
use std::sync::Arc;

use common::harness::{HOUR, MINUTE, Rig, cluster, key};
use ecs_operator::kinds::{Kind, Object, definition, normalise, service, task_definition};
use ecs_operator::shape::{Tree, json};
use ecs_operator::tree;
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::test_runner::TestRunner;

/// Members of a container, as people write them; where one comes twice, the last counts.
const CONTAINER: &[&str] = &[
    r#""cpu": 64"#,
    r#""memory": 256"#,
    r#""memoryReservation": 128"#,
    r#""essential": true"#,
    r#""environment": [{"name": "B", "value": "2"}, {"name": "A", "value": ""}]"#,
    r#""environment": []"#,
    r#""environmentFiles": [{"value": "arn:aws:s3:::bucket/a.env", "type": "s3"}]"#,
    r#""secrets": [{"name": "S", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/s"}, {"name": "R", "valueFrom": "r"}]"#,
    r#""portMappings": [{"containerPort": 8080}, {"containerPort": 80}]"#,
    r#""portMappings": [{"containerPort": 80, "protocol": "tcp", "name": "http", "appProtocol": "http"}]"#,
    r#""portMappings": [{"containerPort": 53, "hostPort": 53, "protocol": "udp"}]"#,
    r#""healthCheck": {"command": ["CMD-SHELL", "exit 0"], "startPeriod": 5}"#,
    r#""healthCheck": {"command": ["CMD", "true"], "interval": 10, "retries": 5}"#,
    r#""mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]"#,
    r#""ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}]"#,
    r#""systemControls": [{"namespace": "net.core.somaxconn", "value": "1024"}]"#,
    r#""entryPoint": ["sh", "-c"]"#,
    r#""command": ["b", "a"]"#,
    r#""workingDirectory": "/srv""#,
    r#""dockerLabels": {"com.example/x": "y"}"#,
    r#""dockerLabels": {}"#,
    r#""logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}}"#,
    r#""readonlyRootFilesystem": true"#,
    r#""readonlyRootFilesystem": false"#,
    r#""privileged": false"#,
    r#""user": "1000:1000""#,
    r#""stopTimeout": 30"#,
    r#""startTimeout": 60"#,
    r#""linuxParameters": {"initProcessEnabled": true}"#,
    r#""linuxParameters": {"capabilities": {"drop": ["ALL"]}}"#,
    r#""restartPolicy": {"enabled": true}"#,
    r#""restartPolicy": {"enabled": true, "ignoredExitCodes": [1, 0], "restartAttemptPeriod": 60}"#,
    r#""pseudoTerminal": true"#,
    r#""interactive": false"#,
    r#""versionConsistency": "disabled""#,
    r#""dependsOn": [{"containerName": "side", "condition": "START"}]"#,
    r#""repositoryCredentials": {"credentialsParameter": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s"}"#,
];

const DEFINITION: &[&str] = &[
    r#""cpu": "512", "memory": "1024""#,
    r#""cpu": ".5 vCPU", "memory": "1 GB""#,
    r#""cpu": "1 vCPU", "memory": "2GB""#,
    r#""requiresCompatibilities": ["EC2", "FARGATE"]"#,
    r#""runtimePlatform": {}"#,
    r#""runtimePlatform": {"cpuArchitecture": "ARM64"}"#,
    r#""runtimePlatform": {"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"}"#,
    r#""ephemeralStorage": {"sizeInGiB": 30}"#,
    r#""executionRoleArn": "arn:aws:iam::123456789012:role/execution""#,
    r#""taskRoleArn": "arn:aws:iam::123456789012:role/task""#,
    r#""pidMode": "task""#,
    r#""placementConstraints": []"#,
    r#""enableFaultInjection": false"#,
    r#""volumes": [{"name": "data"}, {"name": "cache", "host": {}}]"#,
    r#""volumes": [{"name": "shared", "efsVolumeConfiguration": {"fileSystemId": "fs-12345678"}}, {"name": "data"}]"#,
    r#""tags": [{"key": "team", "value": "shop"}]"#,
];

const SERVICE: &[&str] = &[
    r#""desiredCount": 2"#,
    r#""desiredCount": 0"#,
    r#""deploymentConfiguration": {}"#,
    r#""deploymentConfiguration": {"maximumPercent": 250}"#,
    r#""deploymentConfiguration": {"minimumHealthyPercent": 50, "deploymentCircuitBreaker": {"enable": true, "rollback": true}}"#,
    r#""deploymentConfiguration": {"strategy": "ROLLING", "bakeTimeInMinutes": 0, "deploymentCircuitBreaker": {"enable": false, "rollback": false}}"#,
    r#""deploymentConfiguration": {"alarms": {"alarmNames": ["b", "a"], "enable": true, "rollback": true}}"#,
    r#""enableECSManagedTags": true"#,
    r#""enableECSManagedTags": false"#,
    r#""propagateTags": "SERVICE""#,
    r#""propagateTags": "NONE""#,
    r#""enableExecuteCommand": true"#,
    r#""healthCheckGracePeriodSeconds": 0"#,
    r#""platformVersion": "LATEST""#,
    r#""platformVersion": "1.4.0""#,
    r#""placementConstraints": []"#,
    r#""placementStrategy": []"#,
    r#""schedulingStrategy": "REPLICA""#,
    r#""deploymentController": {"type": "ECS"}"#,
    r#""availabilityZoneRebalancing": "DISABLED""#,
    r#""availabilityZoneRebalancing": "ENABLED""#,
    r#""loadBalancers": []"#,
    r#""serviceRegistries": []"#,
    r#""serviceConnectConfiguration": {"enabled": false}"#,
    r#""volumeConfigurations": []"#,
    r#""loadBalancers": [{"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/0123456789abcdef", "containerName": "web", "containerPort": 80}], "healthCheckGracePeriodSeconds": 30"#,
    r#""tags": [{"key": "team", "value": "shop"}, {"key": "stage", "value": ""}]"#,
    r#""networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef1", "subnet-0123456789abcdef0"], "assignPublicIp": "ENABLED"}}"#,
    r#""networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef1"], "securityGroups": ["sg-0123456789abcdef1", "sg-0123456789abcdef0"]}}"#,
    r#""launchType": null, "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]"#,
];

/// Base members and then some of the menu, later ones over earlier ones.
fn laid(base: &str, chosen: &[&str]) -> Tree {
    let mut laid = json::read(base.as_bytes()).unwrap();
    for members in chosen {
        for (name, value) in json::read(format!("{{{members}}}").as_bytes()).unwrap().as_map().unwrap() {
            match value {
                Tree::Null => drop(laid.remove(name)),
                value => laid.set(name, value.clone()),
            }
        }
    }
    laid
}

fn some(menu: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(menu.to_vec(), 0..=menu.len().min(12)).prop_shuffle()
}

fn definition_of(image: &str, members: &[&str], container: &[&str]) -> Tree {
    let base = r#"{"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"}"#;
    let container = laid(&format!(r#"{{"name": "web", "image": "{image}"}}"#), container);
    let side = laid(r#"{"name": "side", "image": "busybox", "essential": false}"#, &[]);
    laid(base, members).with("containerDefinitions", vec![container, side])
}

fn service_of(members: &[&str]) -> Tree {
    let base = r#"{"taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration":
        {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}}"#;
    laid(base, members)
}

/// JSON is YAML.
fn document(kind: Kind, metadata: &str, spec: &Tree) -> String {
    let spec = json::write(spec);
    format!("apiVersion: ecs-operator.io/v1\nkind: {kind}\nmetadata: {metadata}\nspec: {spec}\n")
}

fn object(rig: &Rig, kind: Kind) -> Arc<Object> {
    let desired = rig.desired();
    desired.objects.values().find(|object| object.key.kind == kind).unwrap().clone()
}

fn virtually<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(work)
}

/// The paths at which a described object is not what the manifest says.
fn differing(object: &Object, shown: &Tree) -> Vec<String> {
    let mut spec = object.spec.clone();
    spec.remove("tags");
    let found = definition(object.key.kind).differences(&spec, shown);
    found.iter().map(|one| format!("{}: {:?} live {:?}", one.path, one.desired, one.observed)).collect()
}

fn described(rig: &Rig, operation: &str, input: Tree) -> Tree {
    rig.sim.call("ecs", operation, input).unwrap()
}

#[test]
fn a_task_definition_reads_back_as_it_was_written() {
    let refused = Cell::new(0);
    let all = (some(DEFINITION), some(CONTAINER));
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) });
    let result = runner.run(&all, |(members, container)| {
        virtually(async {
            let mut rig = Rig::new(1);
            let spec = definition_of("nginx:1", &members, &container);
            rig.write("task.yaml", document(Kind::TaskDefinition, "{ name: web }", &spec)).commit();
            if !rig.judged().findings.is_empty() {
                refused.set(refused.get() + 1);
                return Ok(());
            }
            let object = object(&rig, Kind::TaskDefinition);
            let us = ecs_operator::kinds::tags::Ownership { owner: "us".into(), source: "test".into() };
            let call = task_definition::register(&object, &us);
            if rig.sim.call("ecs", call.operation, call.input).is_err() {
                refused.set(refused.get() + 1);
                return Ok(());
            }
            let answer = described(&rig, "DescribeTaskDefinition", tree! { "taskDefinition" => "web" });
            let shown = answer.get("taskDefinition").unwrap();
            prop_assert_eq!(differing(&object, shown), Vec::<String>::new());

            // What is pasted is the same, in content and in hash.
            rig.write("task.yaml", document(Kind::TaskDefinition, "{ name: web }", shown)).commit();
            let pasted = self::object(&rig, Kind::TaskDefinition);
            prop_assert_eq!(differing(&pasted, shown), Vec::<String>::new());
            prop_assert_eq!(task_definition::content_hash(&pasted), task_definition::content_hash(&object));

            let rows = definition(Kind::TaskDefinition).rows;
            let once = normalise::filled(rows, &object.spec);
            prop_assert_eq!(&normalise::filled(rows, &once), &once);
            Ok(())
        })
    });
    println!("{} of 400 were refused", refused.get());
    result.unwrap();
    assert!(refused.get() < 200, "most of what is drawn is refused: {}", refused.get());
}

#[test]
fn a_service_reads_back_as_it_was_written_before_and_after_a_rollout() {
    const CASES: u32 = 60;
    let refused = Cell::new(0);
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) });
    let result = runner.run(&some(SERVICE), |members| {
        virtually(async {
            let mut rig = Rig::new(1);
            let container = [r#""portMappings": [{"containerPort": 80}]"#];
            let task =
                |image: &str| document(Kind::TaskDefinition, "{ name: web }", &definition_of(image, &[], &container));
            let strategy = r#"{"capacityProviders": ["FARGATE"]}"#;
            rig.write("cluster.yaml", cluster("prod") + "spec: " + strategy + "\n").write("task.yaml", task("nginx:1"));
            let metadata = "{ name: web, cluster: prod }";
            rig.write("service.yaml", document(Kind::Service, metadata, &service_of(&members))).commit();
            rig.start();
            let done = |rig: &Rig| ["Converged", "Invalid"].contains(&rig.reason(&key("web")).as_str());
            prop_assert!(rig.until(HOUR, done).await, "{:?}", rig.stories());
            if rig.reason(&key("web")) == "Invalid" {
                refused.set(refused.get() + 1);
                return Ok(());
            }
            for image in ["nginx:1", "nginx:2"] {
                rig.write("task.yaml", task(image)).commit();
                rig.run(MINUTE / 30).await;
                prop_assert!(rig.until(HOUR, done).await, "{:?}", rig.stories());
                rig.run(MINUTE).await;
                prop_assert_eq!(rig.live("web"), if image == "nginx:1" { "web:1" } else { "web:2" });
                let input = tree! { "cluster" => "prod", "services" => vec!["web"] };
                let answer = described(&rig, "DescribeServices", input);
                let shown = service::shown(&answer.list("services")[0]);
                let object = object(&rig, Kind::Service);
                prop_assert_eq!(differing(&object, &shown), Vec::<String>::new());
                let mark = rig.mark();
                rig.start();
                rig.run(3 * MINUTE).await;
                prop_assert_eq!(rig.operations_since(mark), Vec::<String>::new());
            }
            Ok(())
        })
    });
    println!("{} of {CASES} were refused", refused.get());
    result.unwrap();
    assert!(refused.get() < CASES / 2, "most of what is drawn is refused: {}", refused.get());
}

#[test]
fn any_spec_can_become_any_other_and_then_shows_no_difference() {
    const CASES: u32 = 60;
    let (refused, replaced) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) });
    let result = runner.run(&(some(SERVICE), some(SERVICE)), |(before, after)| {
        virtually(async {
            let mut rig = Rig::new(1);
            let container = [r#""portMappings": [{"containerPort": 80}]"#];
            let task = definition_of("nginx:1", &[], &container);
            let strategy = "spec: {capacityProviders: [FARGATE]}\n";
            rig.write("cluster.yaml", cluster("prod") + strategy);
            rig.write("task.yaml", document(Kind::TaskDefinition, "{ name: web }", &task));
            let metadata = "{ name: web, cluster: prod }";
            rig.write("service.yaml", document(Kind::Service, metadata, &service_of(&before))).commit();
            rig.start();
            rig.converge(HOUR).await;
            rig.write("service.yaml", document(Kind::Service, metadata, &service_of(&after))).commit();
            rig.run(MINUTE / 30).await;
            let done =
                |rig: &Rig| ["Converged", "Invalid", "ReplacementNeeded"].contains(&rig.reason(&key("web")).as_str());
            prop_assert!(rig.until(HOUR, done).await, "{:?}", rig.stories());
            match rig.reason(&key("web")).as_str() {
                "Invalid" => refused.set(refused.get() + 1),
                "ReplacementNeeded" => replaced.set(replaced.get() + 1),
                _ => {
                    let input = tree! { "cluster" => "prod", "services" => vec!["web"] };
                    let answer = described(&rig, "DescribeServices", input);
                    let shown = service::shown(&answer.list("services")[0]);
                    prop_assert_eq!(differing(&object(&rig, Kind::Service), &shown), Vec::<String>::new());
                    rig.run(2 * MINUTE).await;
                    let mark = rig.mark();
                    rig.start();
                    rig.run(3 * MINUTE).await;
                    prop_assert_eq!(rig.operations_since(mark), Vec::<String>::new());
                }
            }
            Ok(())
        })
    });
    println!("{} of {CASES} were refused, {} need another service", refused.get(), replaced.get());
    result.unwrap();
    assert!(refused.get() + replaced.get() < CASES / 2);
}
