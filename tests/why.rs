//! Why the tasks of a rollout stopped is told where the rollout is told of: read beside the passes, once for each way in
//! which it goes wrong, never again for what is held, and without secrets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;

use common::harness::{HOUR, MINUTE, Rig, Wanted, cluster, converged, key, task};
use common::lossy::Lossy;
use ecs_operator::cli::draw;
use ecs_operator::cli::terminal::Terminal;
use ecs_operator::shape::Time;
use ecs_operator::status::{ObjectStatus, What};

const GONE: &str = "CannotPullContainerError: gone";
const CRASHING: &[(&str, &str)] = &[("exit-after", "6s"), ("exit-code", "3")];
const CRASHED: &str = "Essential container in task exited; web: exited with 3";

fn broken(why: &str) -> Vec<(&str, &str)> {
    vec![("fail-to-start", why)]
}

/// How often it has asked ECS for stopped tasks, and then what became of them.
fn asked(way: &Lossy) -> (usize, usize) {
    let way = way.way();
    let count = |operation: &str| way.calls.iter().filter(|one| *one == operation).count();
    (count("ListTasks"), count("DescribeTasks"))
}

fn status_of(rig: &Rig, name: &str) -> Arc<ObjectStatus> {
    let status = rig.operator.as_ref().unwrap().status.borrow().clone();
    status.objects.iter().find(|(one, _)| one.short() == key(name)).unwrap().1.clone()
}

fn message(rig: &Rig, name: &str) -> String {
    rig.stories().remove(&key(name)).unwrap().1
}

/// Of how many stopped tasks it is told.
fn counted(message: &str) -> usize {
    let (before, _) = message.split_once(" stopped tasks say so)").unwrap_or_else(|| panic!("{message}"));
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

async fn until_told(rig: &Rig, reason: &str, words: &str) {
    let told = |rig: &Rig| rig.reason(&key("web")) == reason && message(rig, "web").contains(words);
    assert!(rig.until(2 * HOUR, told).await, "{:#?}", rig.stories());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_the_breaker_stopped_says_why_wherever_it_is_told_and_is_read_once() {
    let mut rig = converged(3).await;
    let way = rig.start();
    rig.write("task.yaml", task("web", "nginx:broken", &broken(GONE))).commit();
    until_told(&rig, "RolloutInProgress", &format!("; the tasks: {GONE} (")).await;
    assert_eq!(asked(&way), (1, 1), "before the breaker trips");
    until_told(&rig, "RolledBack", "circuit breaker threshold").await;
    rig.run(MINUTE).await;
    let told = message(&rig, "web");
    let (ecs, tasks) = told.split_once("; the tasks: ").unwrap_or_else(|| panic!("{told}"));
    assert!(ecs.starts_with("web:2 failed: "), "{told}");
    assert!(tasks.starts_with(&format!("{GONE} (4 of 4 stopped tasks say so). It is not tried again")), "{told}");

    let one = status_of(&rig, "web");
    let json = serde_json::to_value(&one).unwrap();
    let why = format!("{GONE} (4 of 4 stopped tasks say so)");
    assert_eq!(json["tasksStopped"], serde_json::json!({ "taskDefinition": "web:2", "why": why }));
    assert_eq!(serde_json::from_value::<ObjectStatus>(json).unwrap(), *one);
    let end = one.history.iter().rev().find(|one| one.what == What::RolloutRolledBack).unwrap();
    assert_eq!(end.cause.as_ref(), Some(&why));
    let name = rig.desired().services().next().unwrap().key.clone();
    let lines = draw::object(&Terminal { width: 900, ..Terminal::PLAIN }, &name, &one, Time(0)).join("\n");
    assert_eq!(lines.matches(&why).count(), 2, "once in the message, once in what happened:\n{lines}");

    let mark = rig.mark();
    rig.run(8 * HOUR).await;
    assert_eq!(asked(&way), (2, 2), "nothing is read of what is held");
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert_eq!(message(&rig, "web"), told, "what was read is remembered");
    assert_eq!(status_of(&rig, "web").tasks_stopped, one.tasks_stopped);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_new_operator_reads_it_once_and_finds_it_within_the_hour() {
    let mut rig = converged(3).await;
    rig.write("task.yaml", task("web", "nginx:broken", &broken(GONE))).commit();
    until_told(&rig, "RolledBack", GONE).await;
    let way = rig.start();
    until_told(&rig, "RolledBack", &format!("; the tasks: {GONE} (4 of 4")).await;
    let begun = status_of(&rig, "web").history.newest().cloned().unwrap();
    assert_eq!((begun.what, begun.cause.unwrap().starts_with(GONE)), (What::Troubled, true));
    rig.run(6 * HOUR).await;
    assert_eq!(asked(&way), (1, 1));
    // ECS has forgotten the tasks by now.
    let way = rig.start();
    until_told(&rig, "RolledBack", "web:2 failed").await;
    rig.run(6 * HOUR).await;
    assert_eq!(asked(&way), (1, 0));
    assert!(!message(&rig, "web").contains("the tasks:") && status_of(&rig, "web").tasks_stopped.is_none());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn tasks_that_exit_say_so_long_before_the_deadline_and_after_it() {
    let mut rig = Rig::new(5);
    let wanted = Wanted { breaker: false, deadline: "20m", ..Wanted::of("web", 2) };
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    rig.write("service.yaml", wanted.text("web")).commit();
    let way = rig.start();
    rig.converge(HOUR).await;
    assert_eq!(asked(&way), (0, 0), "nothing is asked of what goes well");
    rig.write("task.yaml", task("web", "nginx:crashing", CRASHING)).commit();
    let began = rig.clock.now();
    until_told(&rig, "RolloutInProgress", &format!("new tasks run; the tasks: {CRASHED} (")).await;
    assert!(rig.clock.now().since(began) < 5 * MINUTE);
    assert!(status_of(&rig, "web").history.iter().all(|one| one.cause.is_none()), "it has not ended yet");
    let early = counted(&message(&rig, "web"));
    until_told(&rig, "RolloutTimedOut", CRASHED).await;
    rig.run(MINUTE).await;
    assert!(counted(&message(&rig, "web")) > early, "{early}: {}", message(&rig, "web"));
    rig.run(3 * HOUR).await;
    assert_eq!(asked(&way), (2, 2));
    let end = status_of(&rig, "web").history.newest().cloned().unwrap();
    assert_eq!((end.what, end.cause.unwrap().starts_with(CRASHED)), (What::RolloutTimedOut, true));
    rig.write("task.yaml", task("web", "nginx:good", &[])).commit();
    rig.converge(HOUR).await;
    assert_eq!(status_of(&rig, "web").tasks_stopped, None);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_task_that_fails_its_health_check_says_so() {
    let mut rig = converged(3).await;
    rig.write("task.yaml", task("web", "nginx:ill", &[("unhealthy-after", "1s")])).commit();
    until_told(&rig, "RolledBack", "; the tasks: Task failed container health checks").await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn each_attempt_has_its_own_cause_even_of_the_same_revision() {
    let mut rig = converged(3).await;
    let way = rig.start();
    rig.write("task.yaml", task("web", "nginx:broken", &broken(GONE))).commit();
    until_told(&rig, "RolledBack", &format!("{GONE} (4 of 4")).await;
    // Only what ECS has completed can be gone back to.
    rig.run(10 * MINUTE).await;
    let wanted = Wanted { restarted_at: Some("again".into()), ..Wanted::of("web", 2) };
    rig.write("service.yaml", wanted.text("web")).commit();
    rig.run(MINUTE / 6).await;
    assert_eq!(status_of(&rig, "web").tasks_stopped, None, "what the one before said is not of this one");
    until_told(&rig, "RolledBack", &format!("{GONE} (4 of 4")).await;
    assert_eq!(asked(&way), (4, 4));
    rig.run(10 * MINUTE).await;
    let other = "ResourceInitializationError: no secret";
    rig.write("task.yaml", task("web", "nginx:worse", &broken(other))).commit();
    until_told(&rig, "RolledBack", &format!("; the tasks: {other} (4 of 4")).await;
    rig.run(6 * HOUR).await;
    assert_eq!(asked(&way), (6, 6));
    let causes: Vec<_> = status_of(&rig, "web").history.iter().filter_map(|one| one.cause.clone()).collect();
    assert_eq!(causes.len(), 3, "{causes:#?}");
    assert!(causes[1].starts_with(GONE) && causes[2].starts_with(other), "{causes:#?}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn who_may_not_read_tasks_works_on_and_asks_once_an_attempt() {
    for operation in ["ListTasks", "DescribeTasks"] {
        let mut rig = converged(3).await;
        let way = rig.start();
        way.way().refused.insert(operation, (400, "AccessDeniedException"));
        rig.write("task.yaml", task("web", "nginx:broken", &broken(GONE))).commit();
        until_told(&rig, "RolledBack", "circuit breaker threshold").await;
        rig.run(3 * HOUR).await;
        assert_eq!(asked(&way).0, 1, "{operation}");
        assert!(!message(&rig, "web").contains("the tasks:"), "{}", message(&rig, "web"));
        rig.write("task.yaml", task("web", "nginx:worse", &broken(GONE))).commit();
        until_told(&rig, "RolledBack", "web:3 failed").await;
        rig.run(3 * HOUR).await;
        assert_eq!(asked(&way).0, 2, "{operation}");
        rig.write("task.yaml", task("web", "nginx:good", &[])).commit();
        rig.converge(HOUR).await;
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_does_not_answer_holds_nothing_up_and_is_not_asked_for_ever() {
    let mut rig = converged(3).await;
    let way = rig.start();
    way.way().refused.insert("ListTasks", (500, "ServerException"));
    rig.write("task.yaml", task("web", "nginx:broken", &broken(GONE))).commit();
    until_told(&rig, "RolledBack", "circuit breaker threshold").await;
    rig.run(MINUTE / 6).await;
    way.way().refused.clear();
    until_told(&rig, "RolledBack", GONE).await;
    let way = rig.start();
    way.way().refused.insert("ListTasks", (500, "ServerException"));
    rig.run(3 * HOUR).await;
    assert_eq!(asked(&way), (3, 0));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn many_that_fail_together_are_all_told_of() {
    let mut rig = Rig::new(6);
    rig.options.rollouts_max = 100;
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    let names: Vec<String> = (0..20).map(|at| format!("s{at:02}")).collect();
    for name in &names {
        rig.write(&format!("{name}.yaml"), Wanted::of("web", 1).text(name));
    }
    rig.commit();
    let way = rig.start();
    rig.converge(HOUR).await;
    rig.write("task.yaml", task("web", "nginx:broken", &broken(GONE))).commit();
    let all = |rig: &Rig| {
        let told = |name: &String| message(rig, name).contains("(3 of 3 stopped tasks");
        names.iter().all(|name| rig.reason(&key(name)) == "RolledBack" && told(name))
    };
    assert!(rig.until(2 * HOUR, all).await, "{:#?}", rig.stories());
    assert_eq!(asked(&way), (40, 40));
    // One after the other: no list is asked for before what the list before named is known.
    let calls = way.way().calls.clone();
    let reads: Vec<&String> =
        calls.iter().filter(|one| ["ListTasks", "DescribeTasks"].contains(&one.as_str())).collect();
    assert!(reads.chunks(2).all(|pair| pair == ["ListTasks", "DescribeTasks"]), "{reads:?}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_tasks_repeat_of_a_secret_is_not_told() {
    const CANARY: &str = "hunter2secret";
    let mut rig = converged(1).await;
    let why = format!("exec: '{CANARY}': executable file not found");
    let text = task("web", "nginx:bad", &broken(&why)) + &format!("      command: [{CANARY}]\n");
    rig.write("task.yaml", text).commit();
    until_told(&rig, "RolledBack", "; the tasks: exec: '(redacted)': executable file not found (4 of 4").await;
    let status = rig.operator.as_ref().unwrap().status.borrow().clone();
    for shown in [format!("{status:?}"), serde_json::to_string(&status).unwrap()] {
        assert!(!shown.contains(CANARY), "{shown}");
    }
}
