//! `ecs-operator run` as a process, on real directories that change under it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail by panicking, and real files change in real time"
)]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use common::git_sync::Repo;
use common::process::{
    Child, Operator, PATIENCE, Sim, World, get, image, odd_aws, program, said, tagged, until, write_hello,
};
use serde_json::Value;
use tempfile::TempDir;

/// A rollout of the shipped manifests takes a minute or two of ECS's time.
const FAST: &[&str] = &["--time-scale", "200"];
const POLLED: &[&str] = &["--time-scale", "200", "--poll-only", "--poll", "1s"];
const SERVICE: &str = "hello-world";

fn publish(repo: &Repo, number: usize, tag: &str) {
    repo.publish(&format!("{number:040x}"), |tree| write_hello(tree, tagged(tag)));
}

fn registrations(world: World) -> usize {
    world.writes().iter().filter(|(operation, _)| operation == "RegisterTaskDefinition").count()
}

fn deletions(world: World) -> usize {
    let deletes = |operation: &str| operation.starts_with("Delete") || operation.starts_with("Deregister");
    world.writes().iter().filter(|(operation, _)| deletes(operation)).count()
}

#[test]
fn each_flip_of_git_sync_rolls_out() {
    for keep_old in [false, true] {
        let repo = Repo::new(keep_old);
        publish(&repo, 1, "1.1");
        let operator = Operator::start(&repo.link(), FAST);
        operator.until_runs(SERVICE, &image("1.1"));
        for number in 2..5 {
            publish(&repo, number, &format!("1.{number}"));
            operator.until_runs(SERVICE, &image(&format!("1.{number}")));
            let line = operator.until_logged(&["a revision is in force", &format!("{number:040x}")]);
            assert_eq!((line["accepted"].as_u64(), line["rejected"].as_u64()), (Some(3), Some(0)), "{line}");
        }
        assert_eq!((registrations(operator.world), deletions(operator.world)), (4, 0));
    }
}

#[test]
fn a_hundred_flips_in_a_second_end_on_the_last() {
    for (keep_old, flags) in [(false, FAST), (true, FAST), (false, POLLED), (true, POLLED)] {
        let repo = Repo::new(keep_old);
        publish(&repo, 0, "start");
        let operator = Operator::start(&repo.link(), flags);
        operator.until_runs(SERVICE, &image("start"));
        for number in 1..=100 {
            publish(&repo, number, &format!("flip-{number}"));
            std::thread::sleep(Duration::from_millis(5));
        }
        operator.until_runs(SERVICE, &image("flip-100"));
        let world = operator.world;
        assert!(registrations(world) < 100, "every flip was rolled out: {}", registrations(world));
        assert_eq!(deletions(world), 0);
        operator.until_metric(&format!("ecs_operator_source_info{{revision=\"{:040x}\"}}", 100), "1");
    }
}

#[test]
fn a_config_map_swap_rolls_out() {
    let root = TempDir::new().unwrap();
    let swap = |stamp: &str, tag: &str| {
        let at = |name: &str| root.path().join(name);
        let old = fs::read_link(at("..data")).ok();
        write_hello(&at(stamp), tagged(tag));
        for file in fs::read_dir(at(stamp)).unwrap() {
            let name = file.unwrap().file_name();
            drop(symlink(Path::new("..data").join(&name), root.path().join(&name)));
        }
        symlink(stamp, at("..data_tmp")).unwrap();
        fs::rename(at("..data_tmp"), at("..data")).unwrap();
        if let Some(old) = old {
            fs::remove_dir_all(root.path().join(old)).unwrap();
        }
    };
    swap("..2026_11_22_01", "1.1");
    let operator = Operator::start(root.path(), FAST);
    operator.until_runs(SERVICE, &image("1.1"));
    for number in 2..5 {
        swap(&format!("..2026_11_22_0{number}"), &format!("1.{number}"));
        operator.until_runs(SERVICE, &image(&format!("1.{number}")));
    }
    assert_eq!(deletions(operator.world), 0);
}

#[test]
fn a_directory_edited_in_place_rolls_out() {
    for flags in [FAST, POLLED] {
        let root = TempDir::new().unwrap();
        let dir = root.path().join("manifests");
        write_hello(&dir, tagged("1.1"));
        let operator = Operator::start(&dir, flags);
        operator.until_runs(SERVICE, &image("1.1"));
        write_hello(&dir, tagged("1.2"));
        operator.until_runs(SERVICE, &image("1.2"));
        // As editors save: a new file over the old one.
        let text = fs::read_to_string(dir.join("task-definition.yaml")).unwrap().replace("1.2", "1.3");
        fs::write(dir.join(".task-definition.yaml.swp"), text).unwrap();
        fs::rename(dir.join(".task-definition.yaml.swp"), dir.join("task-definition.yaml")).unwrap();
        operator.until_runs(SERVICE, &image("1.3"));
        assert_eq!(registrations(operator.world), 3);
    }
}

#[test]
fn a_directory_that_goes_and_comes_back_deletes_nothing() {
    let root = TempDir::new().unwrap();
    let dir = root.path().join("manifests");
    write_hello(&dir, tagged("1.1"));
    let mut operator = Operator::start(&dir, FAST);
    operator.until_runs(SERVICE, &image("1.1"));
    let before = operator.world.writes().len();

    fs::remove_dir_all(&dir).unwrap();
    // Half of a removal may be seen as an empty directory.
    operator.until_logged(&["unreadable", "not there", "has the first sync finished"]);
    fs::create_dir(&dir).unwrap();
    operator.until_logged(&["unreadable", "holds no manifest any more", "stays in force"]);
    looked_again(&operator);
    assert_eq!(operator.world.writes().len(), before);
    assert_eq!(operator.world.stable_image(SERVICE), Some(image("1.1")));
    assert!(operator.child.is_running());
    assert_eq!(get(operator.face, "/readyz").unwrap().status, 200, "what was read last is in force");

    write_hello(&dir, tagged("1.2"));
    operator.until_runs(SERVICE, &image("1.2"));
    assert_eq!(deletions(operator.world), 0);
}

#[test]
fn a_directory_that_comes_back_as_it_was_still_has_what_was_wrong_with_it() {
    let root = TempDir::new().unwrap();
    let (dir, away) = (root.path().join("manifests"), root.path().join("away"));
    write_hello(&dir, tagged("1.1"));
    fs::write(dir.join("broken.yaml"), "kind: [\n").unwrap();
    let operator = Operator::start(&dir, FAST);
    operator.until_runs(SERVICE, &image("1.1"));
    let problem = || -> String {
        let status: Value = serde_json::from_str(&get(operator.face, "/api/v1/status").unwrap().body).unwrap();
        status["source"]["problems"][0].as_str().unwrap_or_default().to_owned()
    };
    let broken = problem();
    assert!(broken.starts_with("broken.yaml:"), "{broken}");

    fs::rename(&dir, &away).unwrap();
    until("nothing there", || problem().contains("not there").then_some(()));
    fs::rename(&away, &dir).unwrap();
    until("as it was", || (problem() == broken).then_some(()));
    fs::remove_file(dir.join("broken.yaml")).unwrap();
    until("mended", || problem().is_empty().then_some(()));
}

/// Waits until everything has been looked at again: what would be done about the directory would be done by now.
fn looked_again(operator: &Operator) {
    let rounds = || {
        let calls = operator.metrics();
        let line = calls.lines().find(|line| line.starts_with("ecs_operator_queue_adds_total{reason=\"resync\"}"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    let before = rounds();
    until("another round", || (rounds() >= before + 6).then_some(()));
}

const OTHER: &str = "apiVersion: ecs-operator.io/v1
kind: Service
metadata: { name: other, cluster: hello }
spec:
  taskDefinition: hello-world
  launchType: FARGATE
  desiredCount: 1
  networkConfiguration: { awsvpcConfiguration: { subnets: ['${var.SUBNET_A}'] } }
";

#[test]
fn a_broken_document_keeps_its_last_good_state_and_the_others_go_on() {
    let root = TempDir::new().unwrap();
    write_hello(root.path(), tagged("1.1"));
    let other = root.path().join("other.yaml");
    fs::write(&other, OTHER).unwrap();
    let operator = Operator::start(root.path(), FAST);
    operator.until_runs(SERVICE, &image("1.1"));
    operator.until_metric("ecs_operator_manifests{state=\"accepted\"}", "4");
    operator.until_metric("ecs_operator_manifests{state=\"rejected\"}", "0");

    // One file is no YAML at all; what refers to it goes on with what was read of it before.
    let broken = root.path().join("task-definition.yaml");
    let good = fs::read_to_string(&broken).unwrap();
    fs::write(&broken, good.replace("containerDefinitions:", "containerDefinitions: [")).unwrap();
    operator.until_metric("ecs_operator_manifests{state=\"rejected\"}", "1");
    operator.until_metric("ecs_operator_manifests{state=\"accepted\"}", "3");
    let told = operator.until_logged(&["what was good stays in force", "task-definition.yaml:"]);
    let problem = told["problem"].as_str().unwrap();
    let place: Vec<&str> = problem.split(':').take(3).collect();
    assert_eq!(place[0], "task-definition.yaml", "only the file that is broken is named: {problem}");
    assert!(place[1].parse::<usize>().is_ok() && place[2].parse::<usize>().is_ok(), "{problem}");
    assert!(!problem.contains("service.yaml"), "{problem}");

    // The others follow their texts, the service of the broken task definition among them.
    fs::write(&other, OTHER.replace("desiredCount: 1", "desiredCount: 3")).unwrap();
    until("three tasks", || (operator.world.service("other")?["runningCount"] == 3).then_some(()));
    assert_eq!(operator.world.stable_image(SERVICE), Some(image("1.1")));
    assert_eq!((registrations(operator.world), deletions(operator.world)), (1, 0));

    fs::write(&broken, good.replace("1.1", "1.2")).unwrap();
    operator.until_runs(SERVICE, &image("1.2"));
    operator.until_metric("ecs_operator_manifests{state=\"rejected\"}", "0");
    assert_eq!(deletions(operator.world), 0);
}

#[test]
fn a_start_on_nothing_is_not_ready_and_mends_itself() {
    let root = TempDir::new().unwrap();
    let dir = root.path().join("manifests");
    let operator = Operator::start(&dir, FAST);
    operator.until_logged(&["unreadable", "not there"]);
    assert_eq!(get(operator.face, "/livez").unwrap().status, 200);
    let ready = get(operator.face, "/readyz").unwrap();
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("the directory has not been read yet"), "{}", ready.body);
    assert!(operator.world.writes().is_empty());

    write_hello(&dir, tagged("1.1"));
    operator.until_runs(SERVICE, &image("1.1"));
    assert_eq!(get(operator.face, "/readyz").unwrap().status, 200);
}

#[test]
fn a_broken_settings_file_gives_nobody_more_than_it_did() {
    let root = TempDir::new().unwrap();
    write_hello(root.path(), tagged("1.1"));
    let settings = root.path().join("ecs-operator.yaml");
    fs::write(&settings, "owner: [me\n").unwrap();
    fs::write(root.path().join("elsewhere.yaml"), OTHER.replace("cluster: hello", "cluster: elsewhere")).unwrap();
    // Whose objects these would be is not known, so there are none.
    let operator = Operator::start(root.path(), FAST);
    operator.until_logged(&["what was good stays in force", "ecs-operator.yaml:"]);
    assert_eq!(get(operator.face, "/readyz").unwrap().status, 503);
    assert!(operator.world.writes().is_empty());

    fs::write(&settings, "owner: me\nclusters: [hello]\n").unwrap();
    operator.until_runs(SERVICE, &image("1.1"));
    operator.until_metric("ecs_operator_manifests{state=\"accepted\"}", "3");
    operator.until_metric("ecs_operator_manifests{state=\"rejected\"}", "1");
    let service = operator.world.service(SERVICE).unwrap();
    let owner = service["tags"].as_array().unwrap().iter().find(|tag| tag["key"] == "ecs-operator/owner").unwrap();
    assert_eq!(owner["value"], "me/default");

    // While the settings can't be read, the last ones hold.
    fs::write(&settings, "clusters: [\n").unwrap();
    let count = operator.child.err().matches("ecs-operator.yaml:2:1").count();
    until("the problem", || (operator.child.err().matches("ecs-operator.yaml:2:1").count() > count).then_some(()));
    operator.until_metric("ecs_operator_manifests{state=\"accepted\"}", "3");
    looked_again(&operator);
    assert!(operator.metrics().contains("ecs_operator_manifests{state=\"accepted\"} 3"));
    assert!(operator.world.service("other").is_none());
}

#[test]
fn another_owner_in_the_settings_waits_for_a_restart() {
    let root = TempDir::new().unwrap();
    write_hello(root.path(), tagged("1.1"));
    let operator = Operator::start(root.path(), FAST);
    operator.until_runs(SERVICE, &image("1.1"));
    write_hello(root.path(), |text| tagged("1.2")(text).replace("owner: hello", "owner: other"));
    operator.until_logged(&["the owner is now other/hello-world", "restart"]);
    operator.until_runs(SERVICE, &image("1.2"));
    let service = operator.world.service(SERVICE).unwrap();
    let owner = service["tags"].as_array().unwrap().iter().find(|tag| tag["key"] == "ecs-operator/owner").unwrap();
    assert_eq!(owner["value"], "hello/hello-world");
}

#[test]
fn what_was_read_first_is_told_at_once() {
    let root = TempDir::new().unwrap();
    write_hello(root.path(), tagged("1.1"));
    // No second look at the directory within this test.
    let operator = Operator::start(root.path(), &["--poll", "24h", "--poll-only"]);
    until("ready", || get(operator.face, "/readyz").filter(|answer| answer.status == 200));
    operator.until_metric("ecs_operator_manifests{state=\"accepted\"}", "3");
    operator.until_metric("ecs_operator_object_conditions{type=\"Ready\",reason=\"Converged\"}", "1");
    assert!(operator.metrics().contains("ecs_operator_source_info{revision="), "{}", operator.metrics());
    assert_eq!(get(operator.face, "/readyz").unwrap().status, 200);
}

#[test]
fn asked_to_stop_it_ends_and_writes_no_more() {
    for signal in ["TERM", "INT"] {
        let root = TempDir::new().unwrap();
        write_hello(root.path(), tagged("1.1"));
        // The world outlives the operator, so that it can tell what was asked of it to the end.
        let sim = Sim::start("100");
        let mut command = program();
        command.arg("run").arg(root.path()).args(["--endpoint-url", &sim.world.url(), "--listen", "127.0.0.1:0"]);
        let mut operator = Child::start(&mut command);
        until("the service", || sim.world.service(SERVICE));
        // In the middle of its rollout, with another change just made.
        write_hello(root.path(), tagged("1.2"));
        operator.signal(signal);
        let status = operator.ended_within(PATIENCE);
        assert_eq!(status.code(), Some(0), "{}", operator.err());
        let writes = sim.world.writes().len();
        until("the rollout to end", || sim.world.stable_image(SERVICE));
        assert_eq!(sim.world.writes().len(), writes, "a write after the end");
    }
}

#[test]
fn it_goes_on_when_nobody_reads_its_log() {
    let root = TempDir::new().unwrap();
    write_hello(root.path(), tagged("1.1"));
    let sim = Sim::start("200");
    let mut command = program();
    command.arg("run").arg(root.path()).args(["--endpoint-url", &sim.world.url(), "--listen", "127.0.0.1:0"]);
    command.args(["--resync", "1s", "--active", "1s", "--log", "trace"]);
    let mut operator = Child::start(&mut command);
    until("the first rollout", || sim.world.stable_image(SERVICE));
    operator.close();
    write_hello(root.path(), tagged("1.2"));
    until("the second rollout", || sim.world.stable_image(SERVICE).filter(|runs| *runs == image("1.2")));
    operator.signal("TERM");
    assert_eq!(operator.ended_within(PATIENCE).code(), Some(0));
}

#[test]
fn asked_twice_it_ends_at_once() {
    let root = TempDir::new().unwrap();
    write_hello(root.path(), str::to_owned);
    let url = format!("http://{}", odd_aws(None));
    let mut command = program();
    command.arg("run").arg(root.path()).args(["--endpoint-url", &url, "--listen", "127.0.0.1:0", "--log", "debug"]);
    let mut operator = Child::start(&mut command);
    until("the loop", || operator.err().contains("the loop begins").then_some(()));
    until("a pass", || operator.err().contains("pass begins").then_some(()));
    operator.signal("TERM");
    until("its answer", || operator.err().contains("once more to stop at once").then_some(()));
    assert!(operator.is_running(), "a pass is in hand, and may end");
    operator.signal("TERM");
    assert_eq!(operator.ended_within(PATIENCE).code(), Some(130), "{}", operator.err());
}

#[test]
fn observing_writes_nothing() {
    let root = TempDir::new().unwrap();
    write_hello(root.path(), tagged("1.1"));
    let operator = Operator::start(root.path(), &["--time-scale", "200", "--observe"]);
    operator.until_metric("ecs_operator_synced", "1");
    looked_again(&operator);
    write_hello(root.path(), tagged("1.2"));
    looked_again(&operator);
    assert_eq!(operator.world.writes(), vec![]);
}

#[test]
fn the_owner_is_the_flag_the_environment_or_the_settings_file() {
    let owner = |world: World| {
        let service = until("the service", || world.service(SERVICE));
        let tags = service["tags"].as_array().unwrap().clone();
        tags.iter().find(|tag| tag["key"] == "ecs-operator/owner").unwrap()["value"].as_str().unwrap().to_owned()
    };
    let root = TempDir::new().unwrap();
    write_hello(root.path(), str::to_owned);
    assert_eq!(owner(Operator::start(root.path(), FAST).world), "hello/hello-world");
    assert_eq!(
        owner(Operator::start(root.path(), &["--owner", "flag", "--time-scale", "200"]).world),
        "flag/hello-world"
    );
    let mut named = program();
    named.env("ECS_OPERATOR_OWNER", "env").env("ECS_OPERATOR_TIME_SCALE", "200");
    assert_eq!(owner(Operator::starting(named.arg("run").arg(root.path())).world), "env/hello-world");

    fs::remove_file(root.path().join("ecs-operator.yaml")).unwrap();
    assert_eq!(owner(Operator::start(root.path(), FAST).world), "sim/default");
    // Without an embedded ECS nobody is assumed.
    let sim = Sim::start("1");
    for command in ["run", "plan", "apply"] {
        let mut asked = program();
        asked.arg(command).arg(root.path()).args(["--endpoint-url", &sim.world.url()]);
        if command == "run" {
            asked.args(["--listen", "127.0.0.1:0"]);
        }
        let said = said(&mut asked);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains("--owner NAME") && said.err.contains("ecs-operator.yaml"), "{}", said.err);
    }
    assert_eq!(sim.world.writes(), vec![]);
}
