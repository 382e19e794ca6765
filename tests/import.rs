//! `import`: what comes of a cluster is as it was, and its plan is empty; what comes of other tools' files is told where it
//! falls short.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;
#[path = "import/draw.rs"]
mod draw;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::golden;
use common::harness::Rig;
use common::process::{Said, Sim, program, said, skipped};
use draw::Draw;
use ecs_operator::app::live;
use ecs_operator::cli::import as cli;
use ecs_operator::import::{self, Imported, Ways, What};
use ecs_operator::kinds::{Adopt, Definition, Kind, Place, definition};
use ecs_operator::manifest;
use ecs_operator::observe::Observer;
use ecs_operator::shape::{Tree, json, table};
use ecs_operator::tree;

fn ways(rig: &Rig) -> Ways {
    let world = rig.sim.world();
    let place = Place { account: world.settings.account.clone(), region: world.settings.region.clone() };
    Ways { redact_env: false, adopt: Adopt::Never, place }
}

async fn imported(rig: &Rig, clusters: &[&str], ways: &Ways) -> Imported {
    let observer = Observer::new(rig.person(), rig.clock.clone(), |_| ());
    let clusters: Vec<String> = clusters.iter().map(|name| (*name).to_owned()).collect();
    let (live, mut notes) = live(&observer, &clusters).await.unwrap();
    let (found, more) = import::from_live(&live);
    notes.extend(more);
    import::compose(found, notes, ways)
}

/// Puts the files into the directory and hands everything that was imported over to us.
async fn adopt(rig: &mut Rig, imported: &Imported) {
    for file in &imported.files {
        rig.write(&file.path, file.text.clone());
    }
    rig.commit();
    let arns: Vec<String> = {
        let world = rig.sim.world();
        let clusters = world.ecs.clusters.values().map(|one| one.arn.clone());
        let services = world.ecs.services.values().map(|one| one.arn.clone());
        let revisions =
            world.ecs.families.values().flat_map(|family| family.revisions.values()).map(|one| one.arn.clone());
        clusters.chain(services).chain(revisions).collect()
    };
    for arn in arns {
        rig.tag_by_hand(&arn, "ecs-operator/owner", "us/test").await;
    }
}

/// What a plan would do; what it would only note for itself is nothing.
async fn planned(rig: &Rig) -> Vec<String> {
    let view = json::read(rig.view().await.json().as_bytes()).unwrap();
    let idle = |one: &&Tree| match one.text("action") {
        Some("none") => one.list("changes").is_empty(),
        Some("wait") => one.list("calls").is_empty(),
        _ => false,
    };
    view.list("objects").iter().filter(|one| !idle(one)).map(json::write).collect()
}

fn call(rig: &Rig, operation: &str, input: Tree) -> Result<Tree, String> {
    rig.sim.call("ecs", operation, input).map_err(|fault| fault.message)
}

/// The property that counts.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_plan_of_what_was_imported_is_empty_whatever_lives_there() {
    let (mut accepted, mut refused) = (0, Vec::new());
    for seed in 0..25 {
        let mut rig = Rig::new(seed);
        let mut draw = Draw { rng: fastrand::Rng::with_seed(seed) };
        call(&rig, "CreateCluster", tree! { "clusterName" => "prod" }).unwrap();
        for nth in 0..6 {
            let family = format!("app{nth}");
            let definition = draw.definition(&family);
            let service = draw.service(&format!("web{nth}"), &definition);
            if let Err(error) = call(&rig, "RegisterTaskDefinition", definition.clone()) {
                refused.push(error);
                continue;
            }
            let service = service.with("cluster", "prod").with("taskDefinition", family.as_str());
            match call(&rig, "CreateService", service) {
                Ok(_) => accepted += 1,
                Err(error) => refused.push(error),
            }
        }
        rig.run(std::time::Duration::from_secs(600)).await;
        let ways = ways(&rig);
        let made = imported(&rig, &["prod"], &ways).await;
        let errors: Vec<_> = made.notes.iter().filter(|note| note.what != What::Warning).collect();
        assert!(errors.is_empty(), "seed {seed}: {errors:#?}");
        adopt(&mut rig, &made).await;
        let planned = planned(&rig).await;
        assert!(planned.is_empty(), "seed {seed}: {planned:#?}\n{}", texts(&made));
        is_minimal(&made);
    }
    assert!(accepted > 75, "{accepted} services; refused: {refused:#?}");
}

fn texts(imported: &Imported) -> String {
    imported.files.iter().map(|file| format!("--- {}\n{}", file.path, file.text)).collect()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_was_imported_is_adopted_where_that_is_asked_for_and_then_the_plan_is_empty() {
    let mut rig = Rig::new(1);
    call(&rig, "CreateCluster", tree! { "clusterName" => "prod" }).unwrap();
    register(&rig, "web", "nginx:1");
    create(&rig, "prod", "web", "web:1", tree! { "enableExecuteCommand" => true });
    rig.run(std::time::Duration::from_secs(600)).await;
    let made = imported(&rig, &["prod"], &Ways { adopt: Adopt::IfUnowned, ..ways(&rig) }).await;
    for file in &made.files {
        rig.write(&file.path, file.text.clone());
    }
    rig.commit();
    let view = json::read(rig.view().await.json().as_bytes()).unwrap();
    let actions: Vec<_> = view.list("objects").iter().map(|one| one.text("action")).collect();
    assert_eq!(actions, [Some("adopt"); 3]);
    assert_eq!(view.at(&["summary", "adopt"]).and_then(Tree::as_int), Some(3));
    let mark = rig.mark();
    rig.start();
    rig.converge(std::time::Duration::from_secs(3600)).await;
    let writes = rig.operations_since(mark);
    assert!(writes.iter().all(|one| one == "TagResource"), "{writes:?}");
    assert!(!rig.view().await.is_something());
}

/// No member could be left out of any manifest without changing what it means.
fn is_minimal(imported: &Imported) {
    for file in imported.files.iter().filter(|file| file.object.is_some()) {
        let (documents, findings) = ecs_operator::manifest::foreign(&file.path, &Arc::from(file.text.as_str()));
        assert!(findings.is_empty(), "{findings:?}");
        let kind = Kind::parse(documents[0].tree.text("kind").unwrap()).unwrap();
        let definition = definition(kind);
        let spec = documents[0].tree.get("spec").cloned().unwrap_or_else(Tree::map);
        for (name, value) in spec.as_map().unwrap() {
            let mut without = spec.clone();
            without.remove(name);
            let same = canonical(definition, &without) == canonical(definition, &spec);
            assert!(
                !same || name == "taskDefinition" || name == "tags",
                "{}: {name}: {}",
                file.path,
                json::write(value)
            );
        }
    }
}

fn canonical(definition: &Definition, spec: &Tree) -> Tree {
    let spec = table::ecs().with_zeros(definition.structure(), spec);
    ecs_operator::kinds::normalise::canonical_alone(definition.rows, &spec)
}

/// A task definition of Fargate, registered by hand.
fn register(rig: &Rig, family: &str, image: &str) {
    let ports = vec![tree! { "containerPort" => 80 }];
    let container = tree! { "name" => "web", "image" => image, "portMappings" => ports };
    let input = tree! {
        "family" => family, "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
        "requiresCompatibilities" => vec!["FARGATE"], "containerDefinitions" => vec![container],
    };
    call(rig, "RegisterTaskDefinition", input).unwrap();
}

fn create(rig: &Rig, cluster: &str, name: &str, definition: &str, more: Tree) {
    let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-0123456789abcdef0"] } };
    let mut input = tree! {
        "cluster" => cluster, "serviceName" => name, "taskDefinition" => definition, "desiredCount" => 1,
        "launchType" => "FARGATE", "networkConfiguration" => network,
    };
    for (name, value) in more.as_map().unwrap() {
        input.set(name, value.clone());
    }
    call(rig, "CreateService", input).unwrap();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn clusters_share_what_they_share_and_name_what_cannot_be_kept() {
    let mut rig = Rig::new(1);
    for cluster in ["prod", "test"] {
        call(&rig, "CreateCluster", tree! { "clusterName" => cluster }).unwrap();
    }
    for image in ["nginx:1", "nginx:2", "nginx:3"] {
        register(&rig, "web", image);
    }
    register(&rig, "old", "old:1");
    create(&rig, "prod", "web", "web:3", Tree::map());
    create(&rig, "test", "web", "web:3", Tree::map());
    create(&rig, "test", "Web", "web:1", Tree::map());
    create(&rig, "prod", "old", "old:1", Tree::map());
    ["old:2", "old:3"].iter().for_each(|image| register(&rig, "old", image));
    let tags = vec![tree! { "key" => "copilot-application", "value" => "shop" }];
    create(&rig, "prod", "theirs", "web:3", tree! { "tags" => tags });
    let external = tree! { "deploymentController" => tree! { "type" => "CODE_DEPLOY" } };
    create(&rig, "prod", "other", "web:3", external.with("loadBalancers", balancer()));
    let external = tree! { "deploymentController" => tree! { "type" => "EXTERNAL" }, "desiredCount" => 1 };
    call(&rig, "CreateService", external.with("cluster", "prod").with("serviceName", "sets")).unwrap();
    let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-0123456789abcdef0"] } };
    let of_sets = |input: Tree| input.with("cluster", "prod").with("service", "sets");
    let set = tree! { "taskDefinition" => "web:2", "launchType" => "FARGATE", "networkConfiguration" => network };
    let set = call(&rig, "CreateTaskSet", of_sets(set.with("loadBalancers", balancer()))).unwrap();
    let id = set.at(&["taskSet", "id"]).unwrap().clone();
    call(&rig, "UpdateServicePrimaryTaskSet", of_sets(tree! { "primaryTaskSet" => id })).unwrap();
    rig.run(std::time::Duration::from_secs(600)).await;
    let ways = ways(&rig);
    let made = imported(&rig, &["prod", "test"], &ways).await;
    keep("clusters", &made);
    for file in &made.files {
        rig.write(&file.path, file.text.clone());
    }
    let foreign = json::read(rig.view().await.json().as_bytes()).unwrap();
    assert!(foreign.list("objects").iter().any(|one| one.text("reason") == Some("NotOwned")), "{foreign:?}");
    adopt(&mut rig, &made).await;
    assert_eq!(planned(&rig).await, Vec::<String>::new());
    assert!(!rig.view().await.is_something(), "a plan that only notes what runs is no difference");
    let none = live(&Observer::new(rig.person(), rig.clock.clone(), |_| ()), &["gone".to_owned()]).await;
    assert_eq!(none.unwrap_err().to_string(), "there is no cluster gone");
}

fn balancer() -> Tree {
    let arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef";
    vec![tree! { "targetGroupArn" => arn, "containerName" => "web", "containerPort" => 80 }].into()
}

// ── Files ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const NOWHERE: Ways =
    Ways { redact_env: false, adopt: Adopt::Never, place: Place { account: String::new(), region: String::new() } };

fn from_files(files: &[(&str, &str)], parameters: &[(&str, &str)], ways: &Ways) -> Imported {
    let texts = files.iter().map(|(name, text)| ((*name).to_owned(), Arc::from(*text))).collect();
    let parameters: Vec<(String, String)> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (found, notes) = import::from_files(&texts, &parameters);
    import::compose(found, notes, ways)
}

/// The whole of what comes of a source, to the letter.
fn keep(name: &str, imported: &Imported) {
    let text = cli::stream(imported) + "\n" + &cli::text(imported, Some("shop"));
    golden::check(&format!("import/{name}.txt"), &text);
}

const TASK: &str = r#"{"taskDefinition": {"taskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:7",
  "family": "web", "revision": 7, "status": "ACTIVE", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
  "requiresCompatibilities": ["FARGATE"], "fromTheFuture": {"a": 1},
  "containerDefinitions": [{"name": "web", "image": "nginx:1.29", "cpu": 0, "essential": true,
    "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
    "environment": [{"name": "LEVEL", "value": "info"}, {"name": "DB_PASSWORD", "value": "hunter2-canary"}]}]},
  "tags": [{"key": "team", "value": "shop"}, {"key": "aws:cloudformation:stack-name", "value": "shop"}]}"#;
const SERVICE: &str = r#"{"services": [{"serviceName": "web", "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/prod",
  "serviceArn": "arn:aws:ecs:us-east-1:123456789012:service/prod/web", "status": "ACTIVE", "desiredCount": 2,
  "launchType": "FARGATE", "taskDefinition": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:7",
  "deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 50}, "propagateTags": "NONE",
  "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"], "securityGroups": [],
    "assignPublicIp": "DISABLED"}}}], "failures": []}"#;

#[test]
fn what_the_aws_cli_prints_becomes_manifests() {
    keep("ecs", &from_files(&[("task.json", TASK), ("service.json", SERVICE)], &[], &NOWHERE));
}

#[test]
fn an_ecspresso_configuration_leads_to_its_files() {
    let config = "region: us-east-1\ncluster: prod\nservice: web\nservice_definition: ecs-service-def.json\n\
                  task_definition: ecs-task-def.json\n";
    let task = r#"{"family": "web", "networkMode": "awsvpc", "cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"],
  "containerDefinitions": [{"name": "web", "image": "nginx:{{ must_env `TAG` }}", "essential": true,
    "environment": [{"name": "LEVEL", "value": "{{ env `LEVEL` `info` }}"}]}]}"#;
    let service = r#"{"launchType": "FARGATE", "desiredCount": {{ env `COUNT` `2` }},
  "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["{{ tfstate `aws_subnet.a.id` }}"]}}}"#;
    let files = [("app/ecspresso.yml", config), ("app/ecs-task-def.json", task), ("app/ecs-service-def.json", service)];
    keep("ecspresso", &from_files(&files, &[], &NOWHERE));
    let jsonnet = config.replace("ecs-task-def.json", "ecs-task-def.jsonnet");
    let made = from_files(&[("ecspresso.yml", &jsonnet), ("ecs-service-def.json", service)], &[], &NOWHERE);
    let note = made.notes.iter().find(|note| note.message.contains("jsonnet")).unwrap();
    assert_eq!((note.what, note.at.as_ref().unwrap().line), (What::Refused, 5));
}

const TEMPLATE: &str = "\
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  Stage: { Type: String }
  Count: { Type: Number, Default: 2 }
  Subnets: { Type: 'List<AWS::EC2::Subnet::Id>' }
  Tag: { Type: String }
Mappings:
  Sizes: { prod: { Cpu: 512 }, dev: { Cpu: 256 } }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  NotProd: !Not [!Condition IsProd]
Resources:
  Cluster:
    Type: AWS::ECS::Cluster
    Properties: { ClusterName: !Sub 'shop-${Stage}' }
  LogGroup: { Type: 'AWS::Logs::LogGroup' }
  Hook: { Type: 'Custom::Hook' }
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: !Join ['-', [web, !Ref Stage]]
      NetworkMode: awsvpc
      RequiresCompatibilities: [FARGATE]
      Cpu: !FindInMap [Sizes, !Ref Stage, Cpu]
      Memory: 1024
      ExecutionRoleArn: !GetAtt Role.Arn
      ContainerDefinitions:
        - Name: web
          Image: !Sub '${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/web:${Tag}'
          Essential: !If [IsProd, true, false]
          Command: !If [NotProd, [sleep, '1'], !Ref 'AWS::NoValue']
          Surprise: 1
          LogConfiguration:
            LogDriver: awslogs
            Options: { awslogs-group: !Ref LogGroup, awslogs-region: !Ref 'AWS::Region' }
          PortMappings: [{ ContainerPort: '80' }]
  Service:
    Type: AWS::ECS::Service
    Properties:
      ServiceName: web
      Cluster: !Ref Cluster
      TaskDefinition: !Ref Task
      DesiredCount: !Ref Count
      LaunchType: FARGATE
      NetworkConfiguration:
        AwsvpcConfiguration: { Subnets: !Ref Subnets }
";

#[test]
fn a_template_is_resolved_as_far_as_it_tells() {
    let parameters = [("Stage", "prod"), ("Subnets", "subnet-0123456789abcdef0,subnet-0123456789abcdef1")];
    keep("cloudformation", &from_files(&[("template.yaml", TEMPLATE)], &parameters, &NOWHERE));
}

#[test]
fn circles_missing_parameters_and_macros_are_told_at_their_place() {
    let circle = "Transform: AWS::Serverless-2016-10-31\nConditions:\n  A: !Not [!Condition B]\n  B: !Not [!Condition A]\n\
                  Resources:\n  S:\n    Type: AWS::ECS::Service\n    Properties:\n      ServiceName: !Ref S\n      \
                  DesiredCount: !If [A, 1, 2]\n      TaskDefinition: 'web:1'\n      LaunchType: FARGATE\n";
    let made = from_files(&[("t.yaml", circle)], &[], &NOWHERE);
    let told: Vec<String> = made
        .notes
        .iter()
        .map(|note| format!("{} {} {}", note.at.as_ref().map_or(0, |at| at.line), note.what.as_str(), note.message))
        .collect();
    assert!(told.iter().any(|note| note.starts_with("1 left-out a macro")), "{told:#?}");
    assert!(told.iter().any(|note| note.starts_with("9 placeholder it leads in a circle")), "{told:#?}");
    assert!(told.iter().any(|note| note.starts_with("10 placeholder !If A")), "{told:#?}");
}

#[test]
fn a_terraform_state_becomes_manifests() {
    let state = r#"{"format_version": "1.0", "terraform_version": "1.9.0", "values": {"root_module": {"resources": [
 {"address": "aws_vpc.main", "mode": "managed", "type": "aws_vpc", "name": "main", "values": {}}], "child_modules": [{"resources": [
 {"address": "module.web.aws_ecs_task_definition.web", "mode": "managed", "type": "aws_ecs_task_definition", "name": "web", "values": {
  "family": "web", "arn": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:3", "cpu": "256", "memory": "512", "revision": 3,
  "network_mode": "awsvpc", "requires_compatibilities": ["FARGATE"], "task_role_arn": "", "skip_destroy": false, "pid_mode": "",
  "tags": {"team": "shop"}, "tags_all": {"team": "shop"}, "runtime_platform": [{"cpu_architecture": "ARM64", "operating_system_family": ""}],
  "volume": [{"name": "data", "host_path": "", "efs_volume_configuration": [{"file_system_id": "fs-0123456789abcdef0", "root_directory": "/", "transit_encryption": "ENABLED", "transit_encryption_port": null, "authorization_config": []}], "docker_volume_configuration": []}],
  "container_definitions": "[{\"name\":\"web\",\"image\":\"nginx:1\",\"essential\":true,\"portMappings\":[{\"containerPort\":80}],\"environment\":[{\"name\":\"A\",\"value\":\"\"}],\"mountPoints\":[{\"sourceVolume\":\"data\",\"containerPath\":\"/data\"}]}]"}},
 {"address": "module.web.aws_ecs_service.web[0]", "mode": "managed", "type": "aws_ecs_service", "name": "web", "values": {
  "name": "web", "cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/prod", "desired_count": 2, "launch_type": "FARGATE",
  "deployment_maximum_percent": 150, "deployment_minimum_healthy_percent": 100, "enable_ecs_managed_tags": true,
  "deployment_circuit_breaker": [{"enable": true, "rollback": true}], "wait_for_steady_state": false, "iam_role": "/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
  "load_balancer": [{"container_name": "web", "container_port": 80, "elb_name": "", "target_group_arn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef"}],
  "network_configuration": [{"assign_public_ip": true, "security_groups": [], "subnets": ["subnet-0123456789abcdef0"]}],
  "some_new_block": [{"a": 1}], "task_definition": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:3"}},
 {"address": "module.web.aws_ecs_task_set.x", "mode": "managed", "type": "aws_ecs_task_set", "name": "x", "values": {}}]}]}}}"#;
    keep("terraform", &from_files(&[("state.json", state)], &[], &NOWHERE));
}

#[test]
fn a_copilot_manifest_becomes_what_ecs_runs() {
    let manifest = "name: api\ntype: Load Balanced Web Service\nimage:\n  location: nginx:1.29\n  port: 8080\nhttp:\n  path: /\n\
                    cpu: 256\nmemory: 512\nplatform: linux/arm64\ncount:\n  range: 1-4\nexec: true\nvariables:\n  LEVEL: info\n  \
                    PORT: 8080\n  TABLE:\n    from_cfn: x\nsecrets:\n  TOKEN: /shop/token\nsidecars:\n  envoy:\n    image: envoy:1\n    \
                    port: 9901/tcp\nenvironments:\n  test:\n    count: 1\n";
    keep("copilot", &from_files(&[("manifest.yml", manifest)], &[], &NOWHERE));
    let other = from_files(&[("m.yml", "name: a\ntype: Static Site\n")], &[], &NOWHERE);
    assert!(other.files.is_empty() && other.notes[0].what == What::Refused, "{:?}", other.notes);
}

#[test]
fn bad_input_is_told_where_it_is_and_breaks_nothing() {
    let deep = "[".repeat(50_000);
    let rows: &[(&str, &str, &str)] = &[
        ("a.json", "{\"a\": 1,}", "a.json:1:"),
        ("a.yaml", "a: [1", "a.yaml:"),
        ("a.json", "[1, 2]", "this is a list"),
        ("a.json", "{\"a\": 1, \"a\": 2}", "a.json:1:"),
        ("a.yaml", "a: \u{0}", "a.yaml:1:"),
        ("a.yaml", &deep, "a.yaml:1:"),
        ("a.json", "{\"Resources\": {\"a\": 7}, \"AWSTemplateFormatVersion\": 1}", ""),
        ("a.json", "{\"values\": {\"root_module\": {\"resources\": [7, {\"type\": \"aws_ecs_service\"}]}}}", ""),
        ("a.json", "{\"services\": [{\"serviceName\": 7}, 8]}", ""),
        ("a.json", "{\"containerDefinitions\": \"x\"}", ""),
        ("a.yml", "service_definition: gone.json\ntask_definition: gone.jsonnet\n", "gone.json is not there"),
    ];
    for (file, text, wanted) in rows {
        let made = from_files(&[(file, text)], &[], &NOWHERE);
        let told = cli::text(&made, None);
        assert!(told.contains(wanted), "{text:.40}: {told}");
        assert!(!made.files.iter().any(|file| file.managed && file.object.is_some()), "{text:.40}: {}", texts(&made));
    }
}

#[test]
fn published_definitions_become_manifests_or_are_refused_with_the_member() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/definitions");
    let folder = std::env::var_os("DEFINITIONS").map_or_else(beside, PathBuf::from);
    if !folder.is_dir() {
        skipped("published_definitions_become_manifests_or_are_refused_with_the_member", "there are no definitions");
        return;
    }
    let (mut managed, mut refused) = (0, 0);
    for kind in ["taskdef", "from-cfn-taskdef", "servicedef", "from-cfn-service", "cfn"] {
        let mut paths: Vec<PathBuf> = fs::read_dir(folder.join(kind)).unwrap().map(|one| one.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // The values of templates' parameters are not published; where any is not as good as another, here is one.
            let text = fs::read_to_string(&path).unwrap();
            let text = [("taskDefinition", "it:1"), ("cpu", "1024"), ("memory", "2048")].iter().fold(
                text,
                |text, (name, value)| {
                    text.replace(&format!("\"{name}\": \"placeholder\""), &format!("\"{name}\": \"{value}\""))
                },
            );
            // A group that is no id would be the name of a manifest.
            let groups = |part: &str| match part.split_once(']') {
                Some((groups, rest)) => format!("{}]{rest}", groups.replace("\"placeholder\"", "\"sg-0\"")),
                None => part.to_owned(),
            };
            let text = text.split("\"securityGroups\"").map(groups).collect::<Vec<_>>().join("\"securityGroups\"");
            let made = from_files(&[(&name, &text)], &[], &NOWHERE);
            assert!(!made.files.is_empty() || !made.notes.is_empty(), "{kind}/{name}: nothing is said");
            for file in made.files.iter().filter(|file| file.object.is_some()) {
                managed += usize::from(file.managed);
                refused += usize::from(!file.managed);
                let mut of = made.notes.iter().filter(|note| note.what == What::Refused && note.object == file.object);
                assert!(file.managed || of.any(|note| note.message.contains('[')), "{kind}/{name}: {:?}", made.notes);
            }
        }
    }
    eprintln!("{managed} objects are managed, {refused} refused");
    assert!(managed > 200 && refused < managed / 3, "{managed} managed, {refused} refused");
}

fn program_says(args: &[&str]) -> Said {
    said(program().arg("import").args(args))
}

#[test]
fn the_command_writes_into_an_empty_directory_and_keeps_secrets_out_of_sight() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("task.json"), TASK.replace("\"fromTheFuture\": {\"a\": 1},", "")).unwrap();
    fs::write(path("future.json"), TASK).unwrap();
    let (task, out) = (path("task.json"), path("out"));
    let said = program_says(&["--from", &task, "--out", &out]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    assert!(!said.out.contains("hunter2") && said.out.contains("1 object, in"), "{}", said.out);
    let written = fs::read_to_string(path("out/task-definitions/web.yaml")).unwrap();
    assert!(written.contains("hunter2-canary"));
    let again = program_says(&["--from", &task, "--out", &out]);
    assert!(again.code == 1 && again.err.contains("has files already"), "{again:?}");
    let future =
        program_says(&["--from", &path("future.json"), "--out", &out, "--force", "--redact-env", "-o", "json"]);
    assert_eq!(future.code, 5, "something was left out: {future:?}");
    let report = json::read(future.out.as_bytes()).unwrap();
    assert_eq!(report.list("notes")[0].text("what"), Some("left-out"));
    assert!(!fs::read_to_string(path("out/task-definitions/web.yaml")).unwrap().contains("hunter2"));
    let printed = program_says(&["--from", &task, "--out", "-", "--redact-env"]);
    assert!(
        printed.out.starts_with("---\n# task-definitions/web.yaml\n") && printed.err.contains("1 object."),
        "{printed:?}"
    );
    fs::write(path("binary.json"), [0x7f, b'E', 0xff, 0xfe, 0]).unwrap();
    let huge = fs::File::create(path("huge.json")).unwrap();
    huge.set_len(manifest::limits::FOREIGN_BYTES as u64 + 1).unwrap();
    for bad in ["binary.json", "huge.json", "gone.json"] {
        let said = program_says(&["--from", &path(bad), "--out", &path("none")]);
        assert!(said.code == 1 && said.err.contains(bad) && !path("none").is_empty(), "{said:?}");
        assert!(!Path::new(&path("none")).exists());
    }
    let neither = program_says(&["--out", "-"]);
    assert!(neither.code == 1 && neither.err.contains("--cluster"), "{neither:?}");
}

/// A state of so many bytes of others' resources, with one of ECS's behind them.
fn state(bytes: usize) -> String {
    let mut text = r#"{"format_version": "1.0", "values": {"root_module": {"resources": ["#.to_owned();
    for nth in 0.. {
        if text.len() >= bytes {
            break;
        }
        let values = r#"{"id": "subnet-0", "cidr": "10.0.0.0/24", "tags": {"a": "b", "n": null}, "ports": [1, 2, 3]}"#;
        let address = format!("aws_subnet.s[{nth}]");
        text.push_str(&format!(
            r#"{{"address": "{address}", "mode": "managed", "type": "aws_subnet", "values": {values}}},"#
        ));
    }
    text + r#"{"address": "aws_ecs_cluster.c", "mode": "managed", "type": "aws_ecs_cluster", "values": {"name": "prod"}}]}}}"#
}

#[test]
fn what_other_tools_write_may_be_larger_than_a_manifest() {
    let text = state(2 * manifest::limits::FILE_BYTES);
    assert!(
        text.matches([',', ':']).count() > manifest::limits::DOCUMENT_NODES,
        "more values than a document may have"
    );
    let made = from_files(&[("state.json", &text)], &[], &NOWHERE);
    let written: Vec<&str> = made.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!((written, made.notes.len()), (vec!["cluster.yaml"], 1), "{:?}", made.notes);
}

#[test]
fn the_command_reads_a_cluster_over_the_wire() {
    let sim = Sim::start("60");
    let url = sim.world.url();
    let applied = said(program().arg("apply").arg(common::process::hello()).args(["--wait", "--endpoint-url", &url]));
    assert_eq!(applied.code, 0, "{applied:?}");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").to_str().unwrap().to_owned();
    let said = program_says(&["--cluster", "hello", "--endpoint-url", &url, "--out", &out]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    assert!(said.out.contains("services/hello-world.yaml  hello/Service/hello-world"), "{}", said.out);
    let owner = fs::read_to_string(common::process::hello().join("ecs-operator.yaml")).unwrap();
    fs::write(Path::new(&out).join("ecs-operator.yaml"), owner).unwrap();
    let plan = || common::process::said(program().args(["plan", &out, "--endpoint-url", &url, "--detailed-exitcode"]));
    let nothing = "Nothing to do: 3 objects are as the manifests say.\n";
    let first = plan();
    assert_eq!((first.out.as_str(), first.code), (nothing, 0), "{first:?}");
    // The live service's attempt was noted for another text; that what runs is wanted is noted anew, and nothing else.
    let before = sim.world.writes().len();
    assert_eq!(common::process::said(program().args(["apply", &out, "--endpoint-url", &url])).code, 0);
    let writes: Vec<String> =
        sim.world.writes().split_off(before).into_iter().map(|(operation, _)| operation).collect();
    assert_eq!(writes, ["TagResource"]);
    let second = plan();
    assert_eq!((second.out.as_str(), second.code), (nothing, 0), "{second:?}");
    let gone = program_says(&["--cluster", "gone", "--endpoint-url", &url, "--out", "-"]);
    assert!(gone.code == 1 && gone.err.contains("there is no cluster gone"), "{gone:?}");
    let asking = program_says(&["--cluster", "hello", "--endpoint-url", &url, "--out", "-", "--adopt"]);
    assert_eq!(asking.out.matches("adopt: IfUnowned").count(), 3, "{}", asking.out);
}

#[test]
fn secrets_are_in_the_files_alone() {
    let made = from_files(&[("task.json", TASK)], &[], &NOWHERE);
    assert!(texts(&made).contains("hunter2-canary"));
    assert_eq!((made.environment, made.secrets), (2, 1));
    for told in [cli::text(&made, Some("x")), cli::json(&made, Some("x"))] {
        assert!(!told.contains("hunter2"), "{told}");
    }
    let made = from_files(&[("task.json", TASK)], &[], &Ways { redact_env: true, ..NOWHERE });
    assert!(!texts(&made).contains("hunter2") && texts(&made).contains("${var.DB_PASSWORD}"), "{}", texts(&made));
    assert!(made.variables.contains_key("LEVEL") && !cli::text(&made, None).contains("hunter2"));
    assert!(made.files.iter().all(|file| file.managed), "{:?}", made.notes);
}
