//! The rules of `check` and those of the embedded ECS share no code, and say the same: what ECS refuses is an error, and
//! what is an error ECS refuses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod common;

use std::collections::BTreeSet;

use common::{golden, judge};
use ecs_operator::check::{self, Look};
use ecs_operator::manifest::{Finding, Severity};
use ecs_operator::shape::{self, Tree};
use proptest::prelude::*;
use proptest::sample::select;

/// Rules that ECS, as it is embedded, does not have, or has where `check` only warns; and why that is right.
const DISAGREE: &[(&str, &str)] = &[
    ("foreign-arn", "ECS finds out when it assumes the role"),
    ("role-arn", "ECS finds out when it assumes the role"),
    ("environment-name", "no program finds such a variable; ECS does not look"),
    ("fargate-ulimit", "the documentation names nofile, and no refusal of others is known"),
    ("fargate-32-vcpu", "ECS may take it tomorrow"),
    ("awslogs-unknown-option", "the list of options is from observation, and may have grown"),
];

/// Our errors on a task definition alone, and what ECS says.
fn verdicts(spec: &Tree) -> (Vec<Finding>, Result<(), String>) {
    let desired = judge::desired(&[("it.json", &judge::document("TaskDefinition", spec))]);
    (desired.findings, judge::registers(spec))
}

/// The specs of a text's task definitions, as they would be registered.
fn specs(text: &str) -> Vec<Tree> {
    let reading = judge::read(&judge::home(), &[("it.yaml", text)]);
    let ours = reading.documents.iter().filter(|document| document.kind == "TaskDefinition");
    ours.map(|document| document.spec.clone()).collect()
}

#[test]
fn ecs_agrees_on_every_example() {
    let mut wrong = Vec::new();
    for rule in check::rules().filter(|rule| matches!(rule.look, Look::TaskDefinition(_) | Look::Spec(_))) {
        let (broken, mended) = rule.example.as_ref().unwrap().halves();
        let known = DISAGREE.iter().any(|(name, _)| *name == rule.name);
        for spec in specs(broken) {
            let answer = judge::registers(&spec);
            let refuses = rule.severity == Severity::Error;
            if (answer.is_err() == refuses) == known {
                wrong.push(format!("{} ({}), broken: {answer:?}", rule.name, rule.severity));
            }
        }
        for answer in specs(mended).iter().map(judge::registers).filter(Result::is_err) {
            wrong.push(format!("{}, mended: {answer:?}", rule.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Sound definitions, one for each launch type, with a second container and a volume for the edits to play with.
fn bases() -> Vec<Tree> {
    let base = |rest: &str| {
        json(&format!(
            r#"{{{rest}, "executionRoleArn": "arn:aws:iam::123456789012:role/x", "volumes": [{{"name": "data"}}],
            "containerDefinitions": [
                {{"name": "a", "image": "nginx:1", "memory": 128, "portMappings": [{{"containerPort": 80}}]}},
                {{"name": "b", "image": "log:1", "memory": 128, "essential": false}}
            ]}}"#
        ))
    };
    vec![
        base(r#""requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512""#),
        base(r#""requiresCompatibilities": ["EC2"], "networkMode": "bridge""#),
        base(r#""requiresCompatibilities": ["EC2"], "networkMode": "awsvpc", "cpu": "1 vCPU", "memory": "2 GB""#),
        base(r#""requiresCompatibilities": ["EXTERNAL"], "networkMode": "host""#),
        base(
            r#""requiresCompatibilities": ["EC2", "FARGATE"], "networkMode": "awsvpc", "cpu": "512", "memory": "1GB""#,
        ),
        base(r#""memory": "512""#),
    ]
}

/// Members of the whole, and the values they are given; null takes a member away.
const WHOLE: &[(&str, &[&str])] = &[
    ("networkMode", &["null", r#""awsvpc""#, r#""bridge""#, r#""host""#, r#""none""#]),
    ("requiresCompatibilities", &["null", "[]", r#"["FARGATE"]"#, r#"["EXTERNAL"]"#, r#"["EC2", "EXTERNAL"]"#]),
    (
        "cpu",
        &[
            "null",
            r#""64""#,
            r#""128""#,
            r#""1024""#,
            r#"".5 vcpu""#,
            r#""x""#,
            r#""0""#,
            r#""200000""#,
            r#""""#,
            r#""8192""#,
        ],
    ),
    (
        "memory",
        &[
            "null",
            r#""512""#,
            r#""1024""#,
            r#""0.5 GB""#,
            r#""3000""#,
            r#""64""#,
            r#""x""#,
            r#""8 GB""#,
            r#""16 GB""#,
            r#""""#,
        ],
    ),
    ("executionRoleArn", &["null", r#""""#]),
    ("pidMode", &[r#""host""#, r#""task""#]),
    ("ipcMode", &[r#""host""#, r#""task""#]),
    (
        "ephemeralStorage",
        &[r#"{"sizeInGiB": 20}"#, r#"{"sizeInGiB": 21}"#, r#"{"sizeInGiB": 200}"#, r#"{"sizeInGiB": 201}"#],
    ),
    ("placementConstraints", &["[]", r#"[{"type": "memberOf", "expression": "x"}]"#]),
    ("inferenceAccelerators", &[r#"[{"deviceName": "d", "deviceType": "eia1.medium"}]"#]),
    (
        "proxyConfiguration",
        &[
            r#"{"containerName": "b"}"#,
            r#"{"containerName": "z"}"#,
            r#"{"containerName": "b", "properties": [{"name": "ProxyIngressPort", "value": "15000"},
            {"name": "ProxyEgressPort", "value": "15001"}, {"name": "AppPorts", "value": "80"},
            {"name": "EgressIgnoredIPs", "value": "169.254.170.2"}]}"#,
        ],
    ),
    (
        "runtimePlatform",
        &[r#"{"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}"#, r#"{"cpuArchitecture": "ARM64"}"#],
    ),
    ("containerDefinitions", &["[]"]),
    (
        "volumes",
        &[
            "null",
            r#"[{}]"#,
            r#"[{"name": "data"}, {"name": "data"}]"#,
            r#"[{"name": "data", "host": {}}]"#,
            r#"[{"name": "data", "host": {"sourcePath": "/x"}}]"#,
            r#"[{"name": "data", "configuredAtLaunch": false, "host": {"sourcePath": "/x"}}]"#,
            r#"[{"name": "data", "configuredAtLaunch": true}]"#,
            r#"[{"name": "data", "configuredAtLaunch": true}, {"name": "more", "configuredAtLaunch": true}]"#,
            r#"[{"name": "data", "dockerVolumeConfiguration": {"scope": "task"}}]"#,
            r#"[{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]"#,
            r#"[{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}, "host": {"sourcePath": "/x"}}]"#,
            r#"[{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryptionPort": 2049}}]"#,
            r#"[{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryption": "ENABLED",
            "rootDirectory": "/x", "authorizationConfig": {"accessPointId": "fsap-1"}}}]"#,
            r#"[{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryption": "ENABLED",
            "rootDirectory": "/", "authorizationConfig": {"accessPointId": "fsap-1", "iam": "ENABLED"}}}]"#,
            r#"[{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "authorizationConfig": {"iam": "ENABLED"}}}]"#,
        ],
    ),
];

/// Members of the first container.
const FIRST: &[(&str, &[&str])] = &[
    ("name", &["null", r#""b""#, r#""x.y""#, r#""""#]),
    (
        "image",
        &["null", r#""""#, r#""a b""#, r#""web@sha256:12""#, r#""123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1""#],
    ),
    ("memory", &["null", "3", "4", "5", "512", "513", "4096"]),
    ("memoryReservation", &["64", "128", "129"]),
    ("cpu", &["0", "256", "257", "2000"]),
    ("essential", &["false", "true"]),
    ("privileged", &["false", "true"]),
    ("hostname", &[r#""x""#]),
    ("links", &["[]", r#"["b"]"#, r#"["z:y"]"#]),
    ("extraHosts", &[r#"[{"hostname": "x", "ipAddress": "10.0.0.1"}]"#]),
    ("dnsServers", &[r#"["10.0.0.2"]"#]),
    ("dnsSearchDomains", &[r#"["x.org"]"#]),
    ("disableNetworking", &["false", "true"]),
    ("dockerSecurityOptions", &["[]", r#"["no-new-privileges"]"#]),
    (
        "linuxParameters",
        &[
            "{}",
            r#"{"capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}}"#,
            r#"{"capabilities": {"add": ["NET_ADMIN"]}}"#,
            r#"{"sharedMemorySize": 64}"#,
            r#"{"devices": [{"hostPath": "/dev/x"}]}"#,
            r#"{"maxSwap": 1, "swappiness": 1}"#,
            r#"{"initProcessEnabled": true}"#,
            r#"{"tmpfs": [{"containerPath": "/t", "size": 64}]}"#,
        ],
    ),
    ("resourceRequirements", &[r#"[{"type": "GPU", "value": "1"}]"#]),
    (
        "ulimits",
        &[
            r#"[{"name": "nofile", "softLimit": 1, "hardLimit": 1048576}]"#,
            r#"[{"name": "nofile", "softLimit": 1, "hardLimit": 1048577}]"#,
            r#"[{"name": "nproc", "softLimit": 1, "hardLimit": 1}]"#,
        ],
    ),
    ("startTimeout", &["1", "2", "120", "121"]),
    ("stopTimeout", &["1", "2", "120", "121"]),
    (
        "healthCheck",
        &[
            r#"{"command": ["CMD", "true"]}"#,
            r#"{"command": []}"#,
            r#"{"command": ["CMD", "true"], "interval": 4}"#,
            r#"{"command": ["CMD", "true"], "timeout": 61}"#,
            r#"{"command": ["CMD", "true"], "retries": 0}"#,
            r#"{"command": ["CMD", "true"], "startPeriod": 301}"#,
        ],
    ),
    (
        "restartPolicy",
        &[
            r#"{"enabled": true}"#,
            r#"{"enabled": true, "restartAttemptPeriod": 59}"#,
            r#"{"enabled": true, "restartAttemptPeriod": 1800}"#,
        ],
    ),
    (
        "dependsOn",
        &[
            r#"[{"containerName": "b", "condition": "START"}]"#,
            r#"[{"containerName": "b", "condition": "HEALTHY"}]"#,
            r#"[{"containerName": "b", "condition": "SUCCESS"}]"#,
            r#"[{"containerName": "a", "condition": "START"}]"#,
            r#"[{"containerName": "z", "condition": "START"}]"#,
        ],
    ),
    ("secrets", &["[]", r#"[{"name": "S", "valueFrom": "s"}]"#]),
    ("environment", &[r#"[{"name": "S", "value": "x"}]"#]),
    ("repositoryCredentials", &[r#"{"credentialsParameter": "x"}"#]),
    (
        "environmentFiles",
        &[r#"[{"value": "x", "type": "s3"}]"#, r#"[{"value": "arn:aws:s3:::b/k.env", "type": "s3"}]"#],
    ),
    ("credentialSpecs", &[r#"["credentialspec:x"]"#, r#"["credentialspec:x", "credentialspec:y"]"#]),
    (
        "mountPoints",
        &[
            r#"[{"sourceVolume": "data", "containerPath": "/d"}]"#,
            r#"[{"sourceVolume": "more", "containerPath": "/d"}]"#,
        ],
    ),
    ("volumesFrom", &[r#"[{"sourceContainer": "b"}]"#, r#"[{"sourceContainer": "z"}]"#]),
    (
        "logConfiguration",
        &[
            r#"{"logDriver": "json-file"}"#,
            r#"{"logDriver": "splunk"}"#,
            r#"{"logDriver": "awsfirelens"}"#,
            r#"{"logDriver": "awslogs"}"#,
            r#"{"logDriver": "awslogs", "options": {"awslogs-group": "x", "awslogs-region": "x"}}"#,
            r#"{"logDriver": "awslogs", "options": {"awslogs-group": "x", "awslogs-region": "x", "awslogs-stream-prefix": "x"}}"#,
            r#"{"logDriver": "splunk", "secretOptions": [{"name": "splunk-token", "valueFrom": "s"}]}"#,
        ],
    ),
    ("firelensConfiguration", &[r#"{"type": "fluentbit"}"#]),
    (
        "portMappings",
        &[
            "[]",
            r#"[{}]"#,
            r#"[{"containerPort": 0}]"#,
            r#"[{"containerPort": 65536}]"#,
            r#"[{"containerPort": 80, "hostPort": 0}]"#,
            r#"[{"containerPort": 80, "hostPort": 80}]"#,
            r#"[{"containerPort": 80, "hostPort": 8080}]"#,
            r#"[{"containerPort": 80, "hostPort": 70000}]"#,
            r#"[{"containerPort": 80}, {"containerPort": 80, "protocol": "udp"}]"#,
            r#"[{"containerPort": 80}, {"containerPort": 80}]"#,
            r#"[{"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80}]"#,
            r#"[{"containerPort": 80, "hostPort": 80}, {"containerPort": 80, "hostPort": 80}]"#,
            r#"[{"containerPort": 80, "hostPort": 80}, {"containerPort": 80, "hostPort": 80, "protocol": "udp"}]"#,
            r#"[{"containerPort": 80, "containerPortRange": "80-90"}]"#,
            r#"[{"containerPortRange": "80-90"}]"#,
            r#"[{"containerPortRange": "80-90"}, {"containerPort": 85}]"#,
            r#"[{"containerPortRange": "80-90"}, {"containerPort": 85, "protocol": "udp"}]"#,
            r#"[{"containerPortRange": "90-80"}]"#,
            r#"[{"containerPortRange": "1-100"}]"#,
            r#"[{"containerPortRange": "1-101"}]"#,
            r#"[{"containerPortRange": "80-90", "hostPort": 80}]"#,
            r#"[{"containerPort": 80, "name": "a_b-1"}]"#,
            r#"[{"containerPort": 80, "name": "HTTP"}]"#,
            r#"[{"containerPort": 80, "name": "-a"}]"#,
            r#"[{"containerPort": 80, "name": "a"}, {"containerPort": 81, "name": "a"}]"#,
        ],
    ),
];

/// Members of the second container, which is not essential.
const SECOND: &[(&str, &[&str])] = &[
    ("essential", &["true"]),
    ("memory", &["null"]),
    ("portMappings", &[r#"[{"containerPort": 80}]"#, r#"[{"containerPort": 81, "name": "a"}]"#]),
    ("healthCheck", &[r#"{"command": ["CMD", "true"]}"#]),
    ("dependsOn", &[r#"[{"containerName": "a", "condition": "START"}]"#]),
    ("firelensConfiguration", &[r#"{"type": "fluentbit"}"#]),
];

fn json(text: &str) -> Tree {
    shape::json::read(text.as_bytes()).unwrap()
}

/// A member given another value: of the whole, or of the first or second container.
#[derive(Clone, Debug)]
struct Edit {
    container: Option<usize>,
    member: &'static str,
    value: &'static str,
}

fn edits() -> Vec<Edit> {
    let tables = [(None, WHOLE), (Some(0), FIRST), (Some(1), SECOND)];
    let members = tables.into_iter().flat_map(|(container, table)| table.iter().map(move |row| (container, row)));
    let edit = |(container, (member, values)): (_, &(&'static str, &'static [&'static str]))| {
        let member = *member;
        values.iter().map(move |value| Edit { container, member, value })
    };
    members.flat_map(edit).collect()
}

impl Edit {
    fn apply(&self, spec: &mut Tree) {
        let target = match self.container {
            None => Some(spec),
            Some(index) => match spec.as_map_mut().and_then(|map| map.get_mut("containerDefinitions")) {
                Some(Tree::List(containers)) => containers.get_mut(index),
                _ => None,
            },
        };
        match (target, self.value) {
            (Some(target), "null") => drop(target.remove(self.member)),
            (Some(target), value) => target.set(self.member, json(value)),
            (None, _) => {}
        }
    }
}

/// What services of the three controllers have, and edits of it; null takes a member away.
const OF_SERVICES: &[(&str, &[&str])] = &[
    ("deploymentController", &[r#"{"type": "ECS"}"#, r#"{"type": "CODE_DEPLOY"}"#, r#"{"type": "EXTERNAL"}"#, "null"]),
    ("taskDefinition", &[r#""it:1""#]),
    ("loadBalancers", &["null", "[]", BALANCERS]),
    (
        "serviceRegistries",
        &[
            "[]",
            r#"[{"registryArn": "arn:aws:servicediscovery:ap-northeast-1:123456789012:service/srv-0123456789abcdef"}]"#,
        ],
    ),
    ("networkConfiguration", &[NETWORK, "null"]),
    ("platformVersion", &[r#""LATEST""#]),
    ("capacityProviderStrategy", &["[]", r#"[{"capacityProvider": "FARGATE", "weight": 1}]"#]),
    ("launchType", &["null", r#""FARGATE""#]),
    (
        "deploymentConfiguration",
        &[
            r#"{"deploymentCircuitBreaker": {"enable": true, "rollback": true}}"#,
            r#"{"deploymentCircuitBreaker": {"enable": false, "rollback": false}}"#,
            r#"{"alarms": {"enable": true, "rollback": true, "alarmNames": ["a"]}}"#,
            r#"{"alarms": {"enable": false, "rollback": false, "alarmNames": ["a"]}}"#,
            r#"{"strategy": "ROLLING"}"#,
            r#"{"strategy": "CANARY"}"#,
            r#"{"maximumPercent": 150}"#,
        ],
    ),
    (
        "serviceConnectConfiguration",
        &[
            r#"{"enabled": false}"#,
            r#"{"enabled": true, "namespace": "arn:aws:servicediscovery:ap-northeast-1:123456789012:namespace/ns-1"}"#,
        ],
    ),
    ("vpcLatticeConfigurations", &["[]"]),
    ("schedulingStrategy", &[r#""REPLICA""#, r#""DAEMON""#]),
    ("availabilityZoneRebalancing", &[r#""ENABLED""#, r#""DISABLED""#]),
    ("enableECSManagedTags", &["true"]),
];
const BALANCERS: &str = r#"[{"targetGroupArn": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/t/0",
    "containerName": "it", "containerPort": 80}]"#;
const NETWORK: &str = r#"{"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}"#;

/// What the embedded ECS says of a service of the definition `it:1`.
fn creates(spec: &Tree) -> Result<(), String> {
    let sim = judge::sim();
    let call = |operation: &str, input: Tree| sim.call("ecs", operation, input).map_err(|fault| fault.message);
    call("CreateCluster", json(r#"{"capacityProviders": ["FARGATE", "FARGATE_SPOT"]}"#))?;
    let definition = r#"{"family": "it", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "containerDefinitions": [{"name": "it", "image": "nginx:1", "portMappings": [{"containerPort": 80}]}]}"#;
    call("RegisterTaskDefinition", json(definition))?;
    let spec = spec.clone().with("serviceName", "it");
    let count = (spec.text("schedulingStrategy") != Some("DAEMON")).then_some(1);
    call("CreateService", spec.with_some("desiredCount", count)).map(drop)
}

/// Whatever the controller, every member by itself and with every other: what it does not go with, both say.
#[test]
fn ecs_agrees_on_what_goes_with_a_controller() {
    let bases = [
        json(&format!(r#"{{"taskDefinition": "it:1", "networkConfiguration": {NETWORK}, "launchType": "FARGATE"}}"#)),
        json(&format!(
            r#"{{"taskDefinition": "it:1", "networkConfiguration": {NETWORK}, "launchType": "FARGATE",
            "loadBalancers": {BALANCERS}, "deploymentController": {{"type": "CODE_DEPLOY"}}}}"#
        )),
        json(r#"{"deploymentController": {"type": "EXTERNAL"}}"#),
    ];
    let edits: Vec<Edit> = OF_SERVICES
        .iter()
        .flat_map(|(member, values)| values.iter().map(move |value| Edit { container: None, member, value }))
        .collect();
    let (mut wrong, mut sound, mut broken) = (Vec::new(), 0, 0);
    for base in &bases {
        assert_eq!(creates(base), Ok(()));
        let second = |one: &Edit| edits.iter().filter(|two| two.member > one.member).cloned().collect::<Vec<_>>();
        for one in &edits {
            for two in std::iter::once(None).chain(second(one).into_iter().map(Some)) {
                let mut spec = base.clone();
                one.apply(&mut spec);
                two.iter().for_each(|two| two.apply(&mut spec));
                let controller = spec.at(&["deploymentController", "type"]).and_then(Tree::as_text);
                if spec.get("taskDefinition").is_none() && controller != Some("EXTERNAL") {
                    // Then it is the definition of the service's own name, or CodeDeploy's to say.
                    continue;
                }
                let ours = judge::desired(&[("it.json", &judge::document("Service", &spec))]).findings;
                let answer = creates(&spec);
                sound += usize::from(answer.is_ok());
                broken += usize::from(ours.iter().any(|one| one.rule == "deployment-controller"));
                if ours.is_empty() != answer.is_ok() && !is_known_elsewhere(&answer) {
                    let ours: Vec<String> = ours.iter().map(golden::line).collect();
                    wrong.push(format!("{}: ECS {answer:?}, we {ours:?}", shape::json::write(&spec)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
    eprintln!("{sound} were sound, {broken} broke the rule");
    assert!(sound > 300 && broken > 500, "{sound} {broken}");
}

/// Known only together with the definition, which is no manifest here, or with the cluster and its default strategy.
fn is_known_elsewhere(answer: &Result<(), String>) -> bool {
    let elsewhere = ["Network Configuration must be provided", "must be null when specifying an EC2 launch type"];
    answer.as_ref().is_err_and(|said| elsewhere.iter().any(|part| said.contains(part)))
}

/// Where the two are known to differ: the refusals of other limits than nofile are the embedded ECS's own.
fn is_known(answer: &Result<(), String>) -> bool {
    answer.as_ref().is_err_and(|said| said.contains("do not support the ulimit"))
}

/// Every member by itself, on every launch type: where one rule is broken, both see it.
#[test]
fn ecs_agrees_on_every_single_edit() {
    let (mut wrong, mut sound, mut broken) = (Vec::new(), 0, BTreeSet::new());
    for base in bases() {
        assert_eq!(judge::registers(&base), Ok(()));
        for edit in edits() {
            let mut spec = base.clone();
            edit.apply(&mut spec);
            let (ours, answer) = verdicts(&spec);
            sound += usize::from(answer.is_ok());
            broken.extend(ours.iter().map(|finding| finding.rule));
            if ours.is_empty() != answer.is_ok() && !is_known(&answer) {
                let ours: Vec<String> = ours.iter().map(golden::line).collect();
                let on = base.get("requiresCompatibilities");
                wrong.push(format!("{on:?} {edit:?}: ECS {answer:?}, we {ours:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    eprintln!("{sound} were sound; the others broke {} rules", broken.len());
    assert!(sound > 300 && broken.len() > 60, "{sound} {broken:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What two or three changes make together.
    #[test]
    fn ecs_agrees_on_edits_drawn_at_random(
        base in select(bases()),
        edits in prop::collection::vec(select(edits()), 2..4),
    ) {
        let mut spec = base;
        edits.iter().for_each(|edit| edit.apply(&mut spec));
        let (ours, answer) = verdicts(&spec);
        let agree = ours.is_empty() == answer.is_ok() || is_known(&answer);
        let ours: Vec<String> = ours.iter().map(golden::line).collect();
        prop_assert!(agree, "ECS {answer:?}, we {ours:#?}");
    }
}
