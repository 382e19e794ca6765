//! Plans that are made now and applied later, as a person types it: what is applied is what was looked at, and whatever
//! moves in between is told and stops all of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail by panicking, and processes run in real time"
)]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use common::harness::{HOUR, Rig, Wanted, converged, key, task, web};
use common::process::{Said, Sim, World, image, program, said, tagged, write_hello};
use ecs_operator::tree;
use serde_json::{Value, json};
use tempfile::TempDir;

const SCALE: &str = "30";
const CANARY: &str = "hunter2secret";

/// A directory, a file for the plan beside it, and an AWS.
struct Stage {
    root: TempDir,
    sim: Sim,
}

impl Stage {
    /// With the shipped manifests applied and another image declared.
    fn rolled_out() -> Self {
        let stage = Self::new();
        let applied = stage.run(&["apply", &stage.dir(), "--wait"]);
        assert_eq!(applied.code, 0, "{applied:?}");
        write_hello(&stage.manifests(), tagged("1.29"));
        stage
    }

    fn new() -> Self {
        let stage = Self { root: TempDir::new().unwrap(), sim: Sim::start(SCALE) };
        write_hello(&stage.manifests(), str::to_owned);
        stage
    }

    fn manifests(&self) -> PathBuf {
        self.root.path().join("shop")
    }

    fn dir(&self) -> String {
        self.manifests().display().to_string()
    }

    fn file(&self) -> PathBuf {
        self.root.path().join("shop.plan")
    }

    fn world(&self) -> World {
        self.sim.world
    }

    fn run(&self, words: &[&str]) -> Said {
        said(program().args(words).args(["--endpoint-url", &self.world().url()]))
    }

    fn plan(&self, more: &[&str]) -> Said {
        let (dir, file) = (self.dir(), self.file());
        let words = [&["plan", &dir, "--out", file.to_str().unwrap()], more].concat();
        self.run(&words)
    }

    fn apply(&self, more: &[&str]) -> Said {
        let file = self.file();
        self.run(&[&["apply", file.to_str().unwrap()], more].concat())
    }

    fn writes(&self) -> usize {
        self.world().writes().len()
    }

    /// A call by somebody else.
    fn somebody(&self, operation: &str, input: &Value) -> Value {
        let body = input.to_string();
        let mut stream = TcpStream::connect(self.world().0).unwrap();
        let scope = "Credential=x/20261122/us-east-1/ecs/aws4_request, SignedHeaders=host, Signature=0";
        let head = format!(
            "POST / HTTP/1.1\r\nHost: sim\r\nContent-Type: application/x-amz-json-1.1\r\nConnection: close\r\n\
             X-Amz-Target: AmazonEC2ContainerServiceV20141113.{operation}\r\nAuthorization: AWS4-HMAC-SHA256 {scope}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    fn update(&self, input: Value) {
        let mut input = input;
        input["cluster"] = "hello".into();
        input["service"] = "hello-world".into();
        self.somebody("UpdateService", &input);
    }

    fn tag(&self, key: &str, value: &str) {
        let arn = self.world().service("hello-world").unwrap()["serviceArn"].clone();
        self.somebody("TagResource", &json!({ "resourceArn": arn, "tags": [{ "key": key, "value": value }] }));
    }

    /// The file is refused with these words, and nothing was written.
    fn is_refused(&self, words: &[&str]) {
        let before = self.writes();
        let refused = self.apply(&["--wait"]);
        assert_eq!(refused.code, 6, "{refused:?}");
        for word in words.iter().chain(&["nothing was changed"]) {
            assert!(refused.err.contains(word), "no {word:?} in {}", refused.err);
        }
        assert_eq!(self.writes(), before, "a plan that is out of date changes nothing");
    }
}

#[test]
fn a_plan_is_written_looked_at_and_applied_exactly() {
    let stage = Stage::new();
    let planned = stage.plan(&[]);
    assert_eq!(planned.code, 0, "{planned:?}");
    assert!(planned.out.ends_with("Plan: 2 to create, 1 to register.\n"), "{}", planned.out);
    assert!(planned.err.contains("this applies it: ecs-operator apply "), "{}", planned.err);
    assert_eq!(stage.writes(), 0, "plan writes nothing");
    let mode = fs::metadata(stage.file()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let file: Value = serde_json::from_str(&fs::read_to_string(stage.file()).unwrap()).unwrap();
    let service = &file["plan"]["objects"]["hello/Service/hello-world"];
    assert_eq!(service["steps"][0]["operation"], "CreateService");
    assert_eq!(service["steps"][0]["late"], json!(["taskDefinition"]));
    assert_eq!(service["evidence"], json!({ "there": false }));

    let applied = stage.apply(&["--wait"]);
    assert_eq!((applied.code, applied.err.as_str()), (0, ""), "{applied:?}");
    let made: Vec<String> = stage.world().writes().into_iter().map(|(operation, _)| operation).collect();
    assert_eq!(made, ["CreateCluster", "RegisterTaskDefinition", "CreateService"]);
    assert_eq!(stage.world().stable_image("hello-world"), Some(image("1.28")));
    // What has been applied is not there to be applied again.
    stage.is_refused(&["Cluster/hello  is there now"]);
}

#[test]
fn a_rollout_by_a_file_is_followed_like_any_other() {
    let stage = Stage::rolled_out();
    let before = stage.writes();
    assert_eq!(stage.plan(&["--detailed-exitcode", "-o", "json"]).code, 2);
    let applied = stage.apply(&["--wait"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    let made: Vec<String> = stage.world().writes().into_iter().skip(before).map(|(operation, _)| operation).collect();
    assert_eq!(made, ["RegisterTaskDefinition", "TagResource", "UpdateService"]);
    assert_eq!(stage.world().stable_image("hello-world"), Some(image("1.29")));
    assert!(applied.out.ends_with("Done: 3 objects, all as the manifests say.\n"), "{}", applied.out);

    // A rollout that fails ends as with manifests.
    write_hello(&stage.manifests(), |text| {
        let label = "      dockerLabels: { ecs-operator.sim/fail-to-start: no such image }\n      portMappings:";
        tagged("1.30")(text).replace("      portMappings:", label)
    });
    assert_eq!(stage.plan(&[]).code, 0);
    let failed = stage.apply(&["--wait"]);
    assert_eq!(failed.code, 3, "{failed:?}");
}

#[test]
fn whatever_moves_in_between_stops_all_of_it() {
    let stage = Stage::rolled_out();
    let anew = || assert_eq!(stage.plan(&[]).code, 0);
    anew();
    stage.update(json!({ "desiredCount": 5 }));
    stage.is_refused(&["moved: hello/Service/hello-world  desiredCount: 2 -> 5"]);
    anew();
    stage.tag("ecs-operator/suspend", "by hand");
    stage.is_refused(&["hello/Service/hello-world  tags[ecs-operator/suspend]: nothing -> by hand"]);
    let arn = stage.world().service("hello-world").unwrap()["serviceArn"].clone();
    stage.somebody("UntagResource", &json!({ "resourceArn": arn, "tagKeys": ["ecs-operator/suspend"] }));
    anew();
    stage.update(json!({ "forceNewDeployment": true }));
    stage.is_refused(&["hello/Service/hello-world  deployment: ecs-svc/"]);
    anew();
    let family = json!({
        "family": "hello-world", "containerDefinitions": [{ "name": "web", "image": "x", "memory": 64 }],
    });
    stage.somebody("RegisterTaskDefinition", &family);
    stage.is_refused(&["TaskDefinition/hello-world  newest: hello-world:1 -> hello-world:2"]);
    anew();
    stage.tag("ecs-operator/owner", "somebody/else");
    stage.is_refused(&["tags[ecs-operator/owner]: ", " -> somebody/else"]);
    anew();
    stage.somebody("DeleteService", &json!({ "cluster": "hello", "service": "hello-world", "force": true }));
    stage.is_refused(&["hello/Service/hello-world  status: ACTIVE -> "]);
}

#[test]
fn when_git_moves_the_file_is_of_yesterday() {
    let stage = Stage::rolled_out();
    assert_eq!(stage.plan(&[]).code, 0);
    write_hello(&stage.manifests(), tagged("1.31"));
    stage.is_refused(&["moved: TaskDefinition/hello-world  is declared otherwise"]);
    // What says the same in other words is the same.
    write_hello(&stage.manifests(), |text| format!("# of today\n{}", tagged("1.29")(text)));
    let more = "apiVersion: ecs-operator.io/v1\nkind: Cluster\nmetadata: { name: other }\n";
    fs::write(stage.manifests().join("more.yaml"), more).unwrap();
    stage.is_refused(&["moved: Cluster/other  is declared now"]);
    fs::remove_file(stage.manifests().join("more.yaml")).unwrap();
    // Manifests may be elsewhere when the plan is applied.
    let elsewhere = stage.root.path().join("checkout");
    fs::rename(stage.manifests(), &elsewhere).unwrap();
    let lost = stage.apply(&[]);
    assert_eq!(lost.code, 1, "{lost:?}");
    let applied = stage.apply(&["--manifests", elsewhere.to_str().unwrap()]);
    assert_eq!(applied.code, 0, "{applied:?}");
}

#[test]
fn another_owner_account_or_region_is_told_and_nothing_done() {
    let stage = Stage::rolled_out();
    assert_eq!(stage.plan(&[]).code, 0);
    let refused = stage.apply(&["--owner", "them"]);
    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.err.contains("moved: owner: ") && refused.err.contains(" -> them/"), "{}", refused.err);
    let other = Sim::told(&["--region", "eu-west-1"]);
    let file = stage.file();
    let words = ["apply", file.to_str().unwrap(), "--region", "eu-west-1", "--endpoint-url", &other.world.url()];
    let refused = said(program().args(words));
    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.err.contains("moved: region: us-east-1 -> eu-west-1"), "{}", refused.err);
    assert_eq!(other.world.writes(), vec![]);
}

#[test]
fn what_is_no_plan_or_no_longer_one_is_told_apart() {
    let stage = Stage::rolled_out();
    assert_eq!(stage.plan(&[]).code, 0);
    let good = fs::read_to_string(stage.file()).unwrap();
    let before = stage.writes();
    let refused = |text: &str, word: &str| {
        fs::write(stage.file(), text).unwrap();
        let refused = stage.apply(&["--wait"]);
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.err.contains(word), "no {word:?} in {}", refused.err);
    };
    refused(good.split_at(good.len() / 2).0, "it is damaged");
    refused(&good.replace("1.29", "1.92"), "it is damaged: its sum is another");
    refused(&good.replacen("Plan\":1", "Plan\":7", 1), "version 7 of plan files");
    // Manifests by the same words, and a plan where manifests are wanted.
    refused("{\"ecsOperatorPlans\": 1}", "not a manifest");
    fs::write(stage.file(), &good).unwrap();
    for command in ["plan", "preflight"] {
        let refused = stage.run(&[command, stage.file().to_str().unwrap()]);
        assert!(refused.code == 1 && refused.err.contains("is a plan"), "{refused:?}");
    }
    let refused = stage.run(&["apply", &stage.dir(), "--manifests", &stage.dir()]);
    assert!(refused.code == 1 && refused.err.contains("--manifests is for plan files"), "{refused:?}");
    assert_eq!(stage.writes(), before);
    // A single manifest is applied as ever.
    let cluster = stage.root.path().join("cluster.json");
    fs::write(&cluster, "{\"apiVersion\":\"ecs-operator.io/v1\",\"kind\":\"Cluster\",\"metadata\":{\"name\":\"one\"}}")
        .unwrap();
    let applied = stage.run(&["apply", cluster.to_str().unwrap(), "--owner", "us"]);
    assert_eq!(applied.code, 0, "{applied:?}");
}

#[test]
fn nothing_is_lost_to_a_plan_file() {
    let stage = Stage::new();
    let refused = |out: &Path, word: &str| {
        let refused = stage.run(&["plan", &stage.dir(), "--out", out.to_str().unwrap()]);
        assert!(refused.code == 1 && refused.err.contains(word), "{refused:?}");
    };
    let manifest = fs::read_dir(stage.manifests()).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&manifest).unwrap();
    refused(&manifest, "is no plan; it is left alone");
    assert_eq!(fs::read_to_string(&manifest).unwrap(), text);
    refused(&stage.manifests().join("plan.json"), "would be read as one of the manifests");
    refused(&stage.root.path().join("none/shop.plan"), "No such file");
    // An older plan gives way, whatever its mode was.
    assert_eq!(stage.plan(&[]).code, 0);
    fs::set_permissions(stage.file(), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(stage.plan(&[]).code, 0);
    assert_eq!(fs::metadata(stage.file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(stage.root.path()).unwrap().count(), 2, "nothing is left beside it");
}

#[test]
fn no_secret_is_in_a_plan_file_nor_in_what_is_said_of_one() {
    let stage = Stage::rolled_out();
    let secret = |value: &str| {
        let lines = format!("      environment: [{{ name: TOKEN, value: {value} }}]\n      portMappings:");
        move |text: &str| tagged("1.29")(text).replace("      portMappings:", &lines)
    };
    write_hello(&stage.manifests(), secret(CANARY));
    let planned = stage.plan(&["-o", "json"]);
    assert!(planned.out.contains("environment[TOKEN]"), "{}", planned.out);
    let file = fs::read_to_string(stage.file()).unwrap();
    assert!(file.contains("(sealed)"), "{file}");
    write_hello(&stage.manifests(), secret("another"));
    let refused = stage.apply(&["--wait"]);
    assert_eq!(refused.code, 6, "{refused:?}");
    write_hello(&stage.manifests(), secret(CANARY));
    let applied = stage.apply(&["--wait"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    for text in [planned.out, planned.err, file, refused.out, refused.err, applied.out, applied.err] {
        assert!(!text.contains(CANARY), "{text}");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_moves_while_a_plan_is_applied_is_not_acted_on() {
    let mut rig = converged(1).await;
    rig.lose_operator();
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    rig.approve().await;
    // After the look that found all as it was, and before the first pass.
    rig.update_by_hand("web", tree! { "desiredCount" => 5 }).await;
    let mark = rig.mark();
    rig.start();
    assert!(rig.until(HOUR, |rig| rig.reason(&key("web")) == "NotInPlan").await, "{:?}", rig.stories());
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark), ["RegisterTaskDefinition"], "what the plan has of others is made");
    assert_eq!(rig.service("web", |service| service.desired), 5);
    // The same without the file heals it.
    rig.approved = None;
    rig.start();
    rig.converge(HOUR).await;
    assert_eq!((rig.service("web", |service| service.desired), rig.live("web").as_str()), (2, "web:2"));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn all_that_a_plan_leads_to_is_made_and_what_comes_later_is_not() {
    let mut rig = Rig::new(2);
    web(&mut rig);
    rig.write("more.yaml", Wanted::of("web", 1).text("more")).commit();
    rig.approve().await;
    rig.start();
    rig.converge(HOUR).await;
    let mark = rig.mark();
    rig.update_by_hand("more", tree! { "desiredCount" => 0 }).await;
    let by_hand = rig.operations_since(mark).len();
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark).len(), by_hand, "an applied plan heals nothing");
    assert_eq!(rig.reason(&key("more")), "NotInPlan");
}
