//! `status`: how a running operator is asked, and what it tells.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::fs;
use std::process::Stdio;

use common::process::{Child, Operator, Said, get, image, program, said, tagged, until, write_hello};
use serde_json::Value;
use tempfile::TempDir;

fn status(operator: &Operator, more: &[&str]) -> Said {
    said(program().arg("status").args(["--server", &format!("http://{}", operator.face)]).args(more))
}

fn running(root: &TempDir) -> Operator {
    write_hello(root.path(), tagged("1.1"));
    let operator = Operator::start(root.path(), &["--time-scale", "30"]);
    operator.until_runs("hello-world", &image("1.1"));
    until("everything Ready", || (status(&operator, &[]).out.matches("Converged").count() == 3).then_some(()));
    operator
}

#[test]
fn all_objects_are_told_in_a_line_each_and_one_in_full() {
    let root = TempDir::new().unwrap();
    let operator = running(&root);
    let all = status(&operator, &[]);
    assert_eq!((all.code, all.err.as_str()), (0, ""), "{all:?}");
    assert!(all.out.starts_with("revision ") && all.out.contains("3 documents in force"), "{}", all.out);
    for (object, tasks) in
        [("+ Cluster/hello", ""), ("+ TaskDefinition/hello-world", ""), ("+ hello/Service/hello-world", "2/2")]
    {
        let line = all.out.lines().find(|line| line.starts_with(object)).unwrap_or_else(|| panic!("{}", all.out));
        assert!(line.contains("Converged") && line.contains(tasks), "{line}");
    }
    let one = status(&operator, &["hello/Service/hello-world"]);
    assert_eq!(one.code, 0, "{one:?}");
    for words in [
        "PRIMARY  hello-world:1  completed",
        "at least 2",
        "at most 4",
        "Stalled      false",
        "generation 1",
        "rollout completed after",
    ] {
        assert!(one.out.contains(words), "no {words:?} in\n{}", one.out);
    }
    assert_eq!(status(&operator, &["Service/hello"]).out.lines().next(), one.out.lines().next(), "a part is enough");
    let unclear = status(&operator, &["hello-world"]);
    assert_eq!(unclear.code, 1);
    assert!(unclear.err.contains("TaskDefinition/hello-world, hello/Service/hello-world"), "{unclear:?}");
    let none = status(&operator, &["hello/Service/hello-wrld"]);
    assert_eq!(none.code, 1);
    assert!(none.err.contains("did you mean hello/Service/hello-world?"), "{none:?}");
}

#[test]
fn a_broken_document_and_a_failure_are_told() {
    let root = TempDir::new().unwrap();
    let operator = running(&root);
    fs::write(root.path().join("broken.yaml"), "kind: [").unwrap();
    until("the broken document", || status(&operator, &[]).out.contains("broken.yaml:").then_some(()));
    write_hello(root.path(), |text| {
        let label = "dockerLabels: { ecs-operator.sim/fail-to-start: 'no such image' }\n      portMappings:";
        tagged("1.2")(text).replace("portMappings:", label)
    });
    let told = until("the rollback", || Some(status(&operator, &[])).filter(|told| told.out.contains("RolledBack")));
    assert!(told.out.contains("! hello/Service/hello-world"), "{}", told.out);
    assert!(told.out.contains("circuit breaker"), "the reason stands below its line: {}", told.out);
}

#[test]
fn as_json_it_is_what_the_operator_serves() {
    let root = TempDir::new().unwrap();
    let operator = running(&root);
    let json = status(&operator, &["-o", "json"]);
    assert_eq!(json.code, 0, "{json:?}");
    let mut asked: Value = serde_json::from_str(&json.out).unwrap();
    let mut served: Value = serde_json::from_str(&get(operator.face, "/api/v1/status").unwrap().body).unwrap();
    let service = &asked["objects"]["123456789012/us-east-1/hello/Service/hello-world"];
    assert_eq!(service["conditions"]["Ready"]["status"], true);
    assert_eq!((&service["rollout"]["bounds"]["lower"], &service["tasks"]["running"]), (&2.into(), &2.into()));
    let happened: Vec<&Value> = service["history"].as_array().unwrap().iter().map(|one| &one["what"]).collect();
    assert_eq!(happened, ["RolloutBegan", "RolloutCompleted"]);
    assert_eq!((&service["timeline"]["over"], &service["drift"]), (&true.into(), &Value::Array(Vec::new())));
    for moving in [&mut asked, &mut served] {
        moving.as_object_mut().unwrap().remove("now");
        let objects = moving["objects"].as_object_mut().unwrap();
        objects
            .values_mut()
            .for_each(|one| ["lastReconcile", "rollout"].iter().for_each(|name| one[*name] = Value::Null));
        moving["source"]["lastSuccess"] = Value::Null;
    }
    assert_eq!(asked, served);
}

#[test]
fn watched_it_tells_what_changes_until_it_is_stopped() {
    let root = TempDir::new().unwrap();
    let operator = running(&root);
    let server = format!("http://{}", operator.face);
    let mut watching = Child::start(program().args(["status", "--watch", "--server", &server]).stdin(Stdio::null()));
    until("the first picture", || watching.out().contains("hello/Service/hello-world  Converged").then_some(()));
    write_hello(root.path(), tagged("1.2"));
    until("the rollout", || watching.out().contains("PRIMARY hello-world:2").then_some(()));
    watching.signal("INT");
    assert_eq!(watching.ended_within(common::process::PATIENCE).code(), Some(0), "{}", watching.err());
}

#[test]
fn where_no_operator_is_that_is_said() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = said(program().args(["status", "--server", &format!("http://{free}")]));
    assert_eq!((nobody.code, nobody.out.as_str(), nobody.err.lines().count()), (1, "", 1), "{nobody:?}");
    assert!(nobody.err.contains("no operator answers") && nobody.err.contains("--listen"), "{}", nobody.err);
    let sim = common::process::Sim::start("1");
    let other = said(program().args(["status", "--server", &sim.world.url()]));
    assert_eq!(other.code, 1);
    assert!(other.err.contains("no operator of this version"), "{}", other.err);
    let wrong = said(program().args(["status", "--server", "ftp://x/y"]));
    assert!(wrong.code == 1 && wrong.err.contains("http://HOST:PORT"), "{wrong:?}");
}
