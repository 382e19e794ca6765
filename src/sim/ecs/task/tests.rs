//! The life of single tasks (ecs-semantics §3).

mod fate;
mod random;
mod report;
mod rig;
mod run;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::sim::ecs::task_definition::TaskDefinition;
use crate::sim::neighbours::ec2::named;
use crate::sim::world::{Settings, World};
use crate::tree;

fn container(name: &str, labels: &[(&str, &str)]) -> Tree {
    let labels = labels.iter().map(|(name, value)| (format!("{}{name}", behaviour::PREFIX), Tree::from(*value)));
    tree! { "name" => name, "image" => "nginx:1", "dockerLabels" => Tree::Map(labels.collect()) }
}

fn started(containers: Vec<Tree>) -> (World, (String, String)) {
    let mut world = World::new(Settings::default(), Time(1_780_000_000_000));
    let definition = TaskDefinition {
        arn: world.arn("task-definition/web:1"),
        family: "web".into(),
        revision: 1,
        active: true,
        body: tree! { "containerDefinitions" => containers, "cpu" => "256", "memory" => "512" },
        tags: Vec::new(),
    };
    let order = Order {
        cluster: "default".into(),
        group: "family:web".into(),
        started_by: None,
        service: None,
        definition: Arc::new(definition),
        capacity_provider: None,
        platform_version: "1.4.0".into(),
        subnet: "subnet-a".into(),
        groups: Vec::new(),
        public: false,
        targets: Vec::new(),
        in_registry: false,
        execute_command: false,
        tags: Vec::new(),
        overrides: Tree::map(),
        volumes: Vec::new(),
    };
    named::learn(&mut world, &tree! { "subnets" => vec!["subnet-a"] });
    let id = launch(&mut world, order);
    (world, ("default".into(), id))
}

fn run(world: &mut World, secs: u64) {
    let until = world.now().after(Duration::from_secs(secs));
    world.advance_to(until);
}

fn stop(world: &mut World, key: &(String, String)) {
    begin_stop(world, key, Stop { code: "UserInitiated", reason: "enough".into() });
}

#[test]
fn a_task_lives_through_its_states_in_order() {
    let (mut world, key) = started(vec![container("web", &[])]);
    let mut seen = Vec::new();
    for second in 0..4000 {
        run(&mut world, 1);
        if second == 120 {
            stop(&mut world, &key);
        }
        let Some(task) = world.ecs.tasks.get(&key) else { break };
        if seen.last() != Some(&task.last) {
            seen.push(task.last);
        }
    }
    use LastStatus::*;
    assert_eq!(seen, [Provisioning, Pending, Running, Stopping, Deprovisioning, Stopped, Deleted]);
    assert!(world.ecs.tasks.is_empty());
}

#[test]
fn its_timestamps_are_in_order_and_its_exit_is_clean() {
    let (mut world, key) = started(vec![container("web", &[])]);
    run(&mut world, 120);
    stop(&mut world, &key);
    run(&mut world, 120);
    let task = &world.ecs.tasks[&key];
    let times = &task.times;
    let order = [
        Some(task.created),
        times.connectivity,
        times.pull_started,
        times.pull_stopped,
        times.started,
        times.stopping,
        times.execution_stopped,
        times.stopped,
    ];
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?}");
    assert_eq!(task.containers[0].exit_code, Some(0));
    let shown = show(&world, task, true);
    assert_eq!((shown.text("stopCode"), shown.text("stoppedReason")), (Some("UserInitiated"), Some("enough")));
}

#[test]
fn an_essential_exit_stops_the_task_and_another_does_not() {
    let sidecar = container("log", &[("exit-after", "5"), ("exit-code", "3")]).with("essential", false);
    let (mut world, key) = started(vec![container("web", &[("exit-after", "1m"), ("exit-code", "1")]), sidecar]);
    run(&mut world, 45);
    let task = &world.ecs.tasks[&key];
    assert!(task.is_running());
    assert_eq!(task.containers[1].exit_code, Some(3));
    run(&mut world, 120);
    let task = &world.ecs.tasks[&key];
    assert_eq!(task.stop.as_ref().unwrap().code, "EssentialContainerExited");
    assert_eq!(task.containers[0].exit_code, Some(1));
    assert!(!task.wanted);
}

#[test]
fn what_outlasts_the_stop_timeout_is_killed() {
    let (mut world, key) = started(vec![container("web", &[("stop-takes", "5m")]).with("stopTimeout", 60)]);
    run(&mut world, 60);
    stop(&mut world, &key);
    run(&mut world, 55);
    assert_eq!(world.ecs.tasks[&key].last, LastStatus::Stopping);
    run(&mut world, 30);
    assert_eq!(world.ecs.tasks[&key].containers[0].exit_code, Some(137));
}

#[test]
fn a_task_that_cannot_start_says_why() {
    let (mut world, key) = started(vec![container("web", &[("fail-to-start", "CannotPullContainerError: gone")])]);
    run(&mut world, 60);
    let task = &world.ecs.tasks[&key];
    assert_eq!((task.last, task.times.started), (LastStatus::Stopped, None));
    let shown = show(&world, task, false);
    assert_eq!(shown.text("stopCode"), Some("TaskFailedToStart"));
    assert_eq!(shown.text("stoppedReason"), Some("CannotPullContainerError: gone"));
    let container = &shown.list("containers")[0];
    assert_eq!(container.text("reason"), Some("CannotPullContainerError: gone"));
    assert_eq!((container.get("exitCode"), container.get("imageDigest")), (None, None));
}

#[test]
fn health_is_unknown_without_a_check() {
    let check = tree! { "command" => vec!["CMD", "true"], "interval" => 5 };
    let with = container("web", &[("unhealthy-after", "60")]).with("healthCheck", check);
    for (container, early, late) in
        [(with, Health::Healthy, Health::Unhealthy), (container("web", &[]), Health::Unknown, Health::Unknown)]
    {
        let (mut world, key) = started(vec![container]);
        run(&mut world, 45);
        assert_eq!(world.ecs.tasks[&key].health, early);
        run(&mut world, 60);
        assert_eq!(world.ecs.tasks[&key].health, late);
        assert!(world.ecs.tasks[&key].is_running(), "a standalone task isn't stopped for it");
    }
}

#[test]
fn addresses_fit_their_subnet() {
    let (mut world, key) = started(vec![container("web", &[])]);
    let first = world.ecs.tasks[&key].interface.as_ref().unwrap().address.clone();
    let (other, other_key) = started(vec![container("web", &[])]);
    assert_eq!(first, other.ecs.tasks[&other_key].interface.as_ref().unwrap().address, "the same in every world");
    run(&mut world, 60);
    let shown = show(&world, &world.ecs.tasks[&key], false);
    assert_eq!(shown.list("attachments")[0].text("status"), Some("ATTACHED"));
    assert_eq!(shown.text("availabilityZone"), Some(zone_by_name("us-east-1", "subnet-a").as_str()));
}
