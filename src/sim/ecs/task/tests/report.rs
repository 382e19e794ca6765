//! What agents report of tasks on their instances.

use std::time::Duration;

use crate::shape::{Time, Tree};
use crate::sim::ecs::instance::{Wish, add, free};
use crate::sim::ecs::task::{LastStatus, Task};
use crate::sim::ecs::{Answer, call};
use crate::sim::world::{Settings, World};
use crate::tree;

struct Machine {
    world: World,
}

impl Machine {
    fn new() -> Self {
        let mut world = World::new(Settings::default(), Time(1_780_000_000_000));
        call(&mut world, "ecs", "CreateCluster", &tree! {}).unwrap();
        add(&mut world, "default", Wish::default()).unwrap();
        let mut machine = Self { world };
        for mode in ["bridge", "awsvpc"] {
            let one = |name: &str, essential: bool| {
                tree! {
                    "name" => name, "image" => "nginx:1", "memory" => 64, "essential" => essential,
                    "portMappings" => vec![tree! { "containerPort" => 80 }; usize::from(mode == "bridge")],
                }
            };
            let definition = tree! {
                "family" => mode, "networkMode" => mode,
                "containerDefinitions" => vec![one("web", true), one("side", false)],
            };
            machine.ask("RegisterTaskDefinition", definition).unwrap();
        }
        machine
    }

    fn ask(&mut self, operation: &str, input: Tree) -> Answer {
        call(&mut self.world, "ecs", operation, &input)
    }

    fn start(&mut self, family: &str) -> (String, String) {
        let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-1"] } };
        let input = tree! { "taskDefinition" => family, "launchType" => "EC2" };
        let answer =
            self.ask("RunTask", input.with_some("networkConfiguration", (family == "awsvpc").then_some(network)));
        let arn = answer.unwrap().list("tasks")[0].text("taskArn").unwrap().to_owned();
        ("default".to_owned(), arn.rsplit('/').next().unwrap().to_owned())
    }

    fn report(&mut self, key: &(String, String), report: Tree) {
        let answer = self.ask("SubmitTaskStateChange", report.with("task", &key.1)).unwrap();
        assert_eq!(answer, tree! { "acknowledgment" => "ACK" });
    }

    fn report_container(&mut self, key: &(String, String), report: Tree) {
        self.ask("SubmitContainerStateChange", report.with("task", &key.1)).unwrap();
    }

    fn task(&self, key: &(String, String)) -> &Task {
        &self.world.ecs.tasks[key]
    }

    fn wait(&mut self, secs: u64) {
        let until = self.world.now().after(Duration::from_secs(secs));
        self.world.advance_to(until);
    }
}

#[test]
fn a_task_that_is_reported_running_runs_and_runs_once() {
    let mut machine = Machine::new();
    let key = machine.start("awsvpc");
    assert_eq!(machine.task(&key).last, LastStatus::Provisioning);
    machine.report(&key, tree! { "status" => "RUNNING" });
    let now = machine.world.now();
    let task = machine.task(&key);
    assert_eq!((task.last, task.times.started), (LastStatus::Running, Some(now)));
    assert_eq!(task.interface.as_ref().unwrap().status, "ATTACHED");
    assert!(task.containers.iter().all(|one| one.last_status == "RUNNING" && one.digest.is_some()));
    machine.wait(3600);
    assert_eq!(machine.task(&key).times.started, Some(now), "what the embedded agent would have told is over");
    assert!(machine.task(&key).settled);
}

#[test]
fn a_task_that_is_reported_stopped_stops_with_its_reason_and_codes() {
    let mut machine = Machine::new();
    let key = machine.start("bridge");
    machine.wait(600);
    let web =
        tree! { "containerName" => "web", "status" => "STOPPED", "exitCode" => 3, "reason" => "OutOfMemoryError" };
    machine.report(&key, tree! { "status" => "STOPPED", "reason" => "It is over", "containers" => vec![web] });
    machine.wait(1);
    let task = machine.task(&key);
    assert_eq!((task.last, task.wanted), (LastStatus::Stopped, false));
    assert_eq!(task.stop.as_ref().unwrap().code, "EssentialContainerExited");
    let web = &task.containers[0];
    assert_eq!((web.exit_code, web.reason.as_deref()), (Some(3), Some("OutOfMemoryError")));
    let instance = machine.world.ecs.instances.values().next().unwrap();
    assert!(instance.tasks.is_empty());
    assert_eq!(free(&machine.world.ecs, instance), instance.capacity);
}

#[test]
fn a_task_that_never_ran_has_failed_to_start() {
    let mut machine = Machine::new();
    let key = machine.start("bridge");
    machine.report(&key, tree! { "status" => "STOPPED", "reason" => "CannotPullContainerError: gone" });
    machine.wait(1);
    let stop = machine.task(&key).stop.clone().unwrap();
    assert_eq!((stop.code, stop.reason.as_str()), ("TaskFailedToStart", "CannotPullContainerError: gone"));
    assert_eq!(machine.task(&key).last, LastStatus::Stopped);
}

#[test]
fn an_essential_container_takes_its_task_with_it_and_another_does_not() {
    let mut machine = Machine::new();
    let key = machine.start("bridge");
    machine.wait(600);
    let over = |name: &str| tree! { "containerName" => name, "status" => "STOPPED", "exitCode" => 7 };
    machine.report_container(&key, over("side"));
    assert_eq!(machine.task(&key).containers[1].exit_code, Some(7));
    machine.wait(60);
    assert_eq!(machine.task(&key).last, LastStatus::Running);
    machine.report_container(&key, over("web"));
    assert_eq!(machine.task(&key).last, LastStatus::Stopping);
    machine.wait(60);
    let task = machine.task(&key);
    assert_eq!((task.last, task.containers[0].exit_code), (LastStatus::Stopped, Some(7)));
}

#[test]
fn ports_are_those_that_docker_gave() {
    let mut machine = Machine::new();
    let (key, other) = (machine.start("bridge"), machine.start("bridge"));
    machine.wait(600);
    let ports = |machine: &Machine, key| {
        let held = &machine.task(key).host.as_ref().unwrap().held;
        held.ports.iter().map(|port| port.outside).collect::<Vec<_>>()
    };
    let (before, taken) = (ports(&machine, &key), ports(&machine, &other));
    let bound = |port: i64| {
        let binding = tree! { "containerPort" => 80, "hostPort" => port, "protocol" => "tcp" };
        tree! { "containerName" => "web", "status" => "RUNNING", "networkBindings" => vec![binding] }
    };
    for port in [taken[0], 22, 70_000] {
        machine.report_container(&key, bound(port));
        assert_eq!(ports(&machine, &key), before, "{port} is not to be had");
    }
    machine.report_container(&key, bound(40_000));
    assert_eq!(ports(&machine, &key), [40_000, before[1]]);
    let instance = machine.world.ecs.instances.values().next().unwrap();
    let used = free(&machine.world.ecs, instance).tcp;
    assert!(used.contains(&40_000) && !used.contains(&before[0]));
}

#[test]
fn an_interface_that_is_attached_lets_the_task_go_on() {
    let mut machine = Machine::new();
    let key = machine.start("awsvpc");
    let attachment = machine.task(&key).interface.as_ref().unwrap().attachment_id.clone();
    let told = |id: &str, status: &str| {
        let arn = format!("arn:aws:ecs:us-east-1:123456789012:attachment/{id}");
        tree! { "attachments" => vec![tree! { "attachmentArn" => arn, "status" => status }] }
    };
    assert!(machine.ask("SubmitAttachmentStateChanges", told("none", "ATTACHED")).is_err());
    assert!(machine.ask("SubmitAttachmentStateChanges", told(&attachment, "SOMEWHERE")).is_err());
    machine.ask("SubmitAttachmentStateChanges", told(&attachment, "ATTACHED")).unwrap();
    let at = machine.world.now();
    assert_eq!((machine.task(&key).last, machine.task(&key).times.connectivity), (LastStatus::Pending, Some(at)));
    machine.wait(600);
    assert_eq!((machine.task(&key).last, machine.task(&key).times.connectivity), (LastStatus::Running, Some(at)));
}

#[test]
fn what_is_over_is_over() {
    let mut machine = Machine::new();
    let key = machine.start("bridge");
    machine.wait(600);
    machine.report(&key, tree! { "status" => "STOPPED", "reason" => "first" });
    machine.wait(10);
    let before = format!("{:?}", machine.task(&key));
    let web = tree! { "containerName" => "web", "status" => "RUNNING", "exitCode" => 9, "reason" => "late" };
    machine.report(&key, tree! { "status" => "RUNNING", "containers" => vec![web.clone()] });
    machine.report(&key, tree! { "status" => "PENDING", "pullStartedAt" => 5, "reason" => "late" });
    machine.report(&key, tree! { "status" => "STOPPED", "reason" => "second" });
    machine.report_container(&key, web);
    assert_eq!(format!("{:?}", machine.task(&key)), before);
}

#[test]
fn reports_of_nothing_are_refused() {
    let mut machine = Machine::new();
    let key = machine.start("bridge");
    let code = |machine: &mut Machine, input: Tree| machine.ask("SubmitTaskStateChange", input).unwrap_err().code;
    let of = |task: &str| tree! { "task" => task, "status" => "RUNNING" };
    assert_eq!(code(&mut machine, of("none")), "InvalidParameterException");
    assert_eq!(code(&mut machine, of(&key.1).with("cluster", "none")), "ClusterNotFoundException");
    assert_eq!(code(&mut machine, of(&key.1).with("status", "FLYING")), "InvalidParameterException");
    let stranger = vec![tree! { "containerName" => "none", "status" => "STOPPED" }];
    assert_eq!(code(&mut machine, of(&key.1).with("containers", stranger)), "InvalidParameterException");
    assert_eq!(machine.task(&key).last, LastStatus::Pending, "a report counts as a whole or not at all");
    let mut rig = super::rig::Rig::new(Settings::default());
    rig.define("app", &[], tree! {});
    let run = rig.call("RunTask", super::rig::running(tree! {})).unwrap();
    let fargates = run.list("tasks")[0].text("taskArn").unwrap().to_owned();
    assert_eq!(rig.call("SubmitTaskStateChange", of(&fargates)).unwrap_err().code, "ClientException");
}
