//! Managed scaling in virtual time: groups that grow for the tasks that wait, and shrink when those are gone.

use super::*;
use crate::sim::ecs::capacity_provider::auto_scaling::{self, Said};
use crate::sim::ecs::instance::{End, Instance, Status, Wish, add, halt};
use crate::sim::ecs::task::{LastStatus, Task};

/// A cluster whose default strategy is the managed provider `web`, on a group of the same name.
pub struct Rig {
    pub world: World,
}

impl Rig {
    pub fn new(scaling: Tree, more: Tree) -> Self {
        let mut rig = Self { world: world() };
        let scaling = scaling.merged(&tree! { "status" => "ENABLED" });
        create(&mut rig.world, "web", tree! { "managedScaling" => scaling }.merged(&more)).unwrap();
        let item = tree! { "capacityProvider" => "web", "weight" => 1 };
        let cluster = tree! { "capacityProviders" => vec!["web"], "defaultCapacityProviderStrategy" => vec![item] };
        rig.ask("CreateCluster", cluster);
        rig.define("whole", 2048, Tree::map());
        rig.define("half", 1024, Tree::map());
        rig
    }

    pub fn plain() -> Self {
        Self::new(Tree::map(), Tree::map())
    }

    pub fn protected() -> Self {
        Self::new(Tree::map(), tree! { "managedTerminationProtection" => "ENABLED" })
    }

    pub fn ask(&mut self, operation: &str, input: Tree) -> Tree {
        ask(&mut self.world, operation, input).unwrap()
    }

    /// A definition with one container of that many CPU units; an m5.large has 2048.
    pub fn define(&mut self, family: &str, cpu: i64, more: Tree) {
        let container = tree! { "name" => "app", "image" => "app:1", "cpu" => cpu, "memory" => 128 };
        let container = container.merged(&more);
        self.ask("RegisterTaskDefinition", tree! { "family" => family, "containerDefinitions" => vec![container] });
    }

    pub fn serve(&mut self, definition: &str, desired: i64) {
        let input = tree! { "serviceName" => "web", "taskDefinition" => definition, "desiredCount" => desired };
        self.ask("CreateService", input);
    }

    pub fn scale(&mut self, desired: i64) {
        self.ask("UpdateService", tree! { "service" => "web", "desiredCount" => desired });
    }

    pub fn run(&mut self, definition: &str, count: i64) -> Tree {
        self.ask("RunTask", tree! { "taskDefinition" => definition, "count" => count })
    }

    pub fn group(&mut self, said: Said) {
        auto_scaling::set(&mut self.world, "web", said).unwrap();
    }

    pub fn pass(&mut self, secs: u64) {
        let until = self.world.now().after(Duration::from_secs(secs));
        self.world.advance_to(until);
    }

    pub fn desired(&self) -> i64 {
        self.world.ecs.groups["web"].desired
    }

    pub fn machines(&self) -> Vec<&Instance> {
        self.world.ecs.instances.values().filter(|one| one.is_registered()).collect()
    }

    pub fn tasks(&self, last: LastStatus) -> Vec<&Task> {
        self.world.ecs.tasks.values().filter(|task| task.last == last).collect()
    }

    pub fn running(&self) -> usize {
        self.tasks(LastStatus::Running).len()
    }

    /// Passes minutes, and tells how many machines there were after each, as far as that changed.
    pub fn trace(&mut self, minutes: u64) -> Vec<usize> {
        let mut seen = vec![self.machines().len()];
        for _ in 0..minutes * 6 {
            self.pass(10);
            let now = self.machines().len();
            if seen.last() != Some(&now) {
                seen.push(now);
            }
        }
        seen
    }

    pub fn messages(&self) -> Vec<String> {
        let service = &self.world.ecs.services[&("default".to_owned(), "web".to_owned())];
        service.events.iter().rev().map(|told| told.message.clone()).collect()
    }

    /// In three hours nothing happens but the service's event of every six, and nobody looks.
    pub fn is_quiet(&mut self) -> bool {
        let before = self.world.put_down();
        self.pass(3 * 3_600);
        self.world.put_down() <= before + 1
    }
}

#[test]
fn a_service_on_an_empty_group_gets_its_machines() {
    let mut rig = Rig::plain();
    rig.serve("whole", 5);
    rig.pass(30);
    let waiting = rig.tasks(LastStatus::Provisioning);
    assert_eq!(waiting.len(), 5);
    assert!(waiting.iter().all(|task| task.host.is_none() && task.interface.is_none()));
    let arn = waiting[0].arn.clone();
    let shown = rig.ask("DescribeTasks", tree! { "tasks" => vec![arn] });
    let shown = &shown.list("tasks")[0];
    let words = ["lastStatus", "desiredStatus", "launchType", "capacityProviderName", "cpu"];
    let expected = ["PROVISIONING", "RUNNING", "EC2", "web", "2048"];
    assert_eq!(words.map(|name| shown.text(name).unwrap()), expected);
    assert_eq!((shown.get("availabilityZone"), shown.get("containerInstanceArn")), (None, None));
    rig.pass(60);
    assert_eq!((rig.desired(), rig.machines().len()), (2, 0), "two come first, whatever is needed");
    let trace = rig.trace(30);
    assert_eq!((trace.last(), rig.running(), rig.desired()), (Some(&5), 5, 5), "{trace:?} {:#?}", rig.messages());
    assert!(rig.machines().iter().all(|one| one.capacity_provider.as_deref() == Some("web")));
    assert!(rig.messages().last().unwrap().ends_with("has reached a steady state."), "{:#?}", rig.messages());
    rig.pass(7_200);
    assert!(rig.is_quiet());
    assert_eq!((rig.machines().len(), rig.tasks(LastStatus::Stopped).len()), (5, 0));
}

#[test]
fn tasks_share_machines_as_far_as_they_fit() {
    for (definition, tasks, machines) in [("half", 5, 3), ("half", 4, 2), ("whole", 3, 3)] {
        let mut rig = Rig::plain();
        rig.serve(definition, tasks);
        rig.pass(3_600);
        let running = i64::try_from(rig.running()).unwrap();
        assert_eq!((running, rig.machines().len()), (tasks, machines), "{definition} × {tasks}");
    }
    // One alone on each, and one port on each.
    let mut rig = Rig::plain();
    let port = tree! { "containerPort" => 80, "hostPort" => 8080 };
    rig.define("port", 64, tree! { "portMappings" => vec![port] });
    rig.run("port", 4);
    rig.pass(3_600);
    assert_eq!((rig.running(), rig.machines().len()), (4, 4));
    let mut rig = Rig::plain();
    let alone = vec![tree! { "type" => "distinctInstance" }];
    rig.define("small", 64, Tree::map());
    rig.ask("RunTask", tree! { "taskDefinition" => "small", "count" => 4, "placementConstraints" => alone });
    rig.pass(3_600);
    assert_eq!((rig.running(), rig.machines().len()), (4, 4));
}

#[test]
fn steps_bound_how_far_a_group_grows_at_once() {
    let mut rig = Rig::new(tree! { "minimumScalingStepSize" => 3 }, Tree::map());
    rig.group(Said { desired: Some(1), ..Said::default() });
    rig.pass(100);
    rig.serve("whole", 2);
    let trace = rig.trace(10);
    assert_eq!((trace.last(), rig.desired(), rig.running()), (Some(&4), 4, 2), "{trace:?}");
    let mut rig = Rig::new(tree! { "maximumScalingStepSize" => 2 }, Tree::map());
    rig.group(Said { desired: Some(1), ..Said::default() });
    rig.pass(100);
    rig.serve("whole", 7);
    let mut sizes = Vec::new();
    for _ in 0..180 {
        rig.pass(10);
        if sizes.last() != Some(&rig.desired()) {
            sizes.push(rig.desired());
        }
    }
    assert_eq!((sizes, rig.running()), (vec![1, 3, 5, 7], 7));
}

#[test]
fn a_group_shrinks_after_fifteen_minutes_by_half_at_most() {
    let mut rig = Rig::protected();
    rig.serve("whole", 8);
    rig.pass(3_600);
    assert_eq!((rig.running(), rig.machines().len()), (8, 8));
    rig.scale(1);
    let before = rig.world.now();
    while rig.desired() == 8 {
        rig.pass(1);
    }
    let took = rig.world.now().since(before);
    assert!((Duration::from_secs(900)..Duration::from_secs(1_000)).contains(&took), "{took:?}");
    let trace = rig.trace(10);
    assert_eq!(trace.last(), Some(&1), "{trace:?}");
    assert!(trace.windows(2).all(|pair| pair[1] * 2 >= pair[0]), "{trace:?}");
    assert_eq!((rig.running(), rig.desired()), (1, 1), "the machine with the task stays");
    assert!(rig.tasks(LastStatus::Stopped).iter().all(|task| {
        task.stop
            .as_ref()
            .is_some_and(|stop| stop.code == "ServiceSchedulerInitiated" && stop.reason.contains("Scaling"))
    }));
    rig.pass(7_200);
    assert!(rig.is_quiet());
    // And to nothing.
    rig.scale(0);
    rig.pass(3_600);
    assert_eq!((rig.machines().len(), rig.desired()), (0, 0));
    rig.pass(7_200);
    assert!(rig.is_quiet());
}

#[test]
fn a_group_does_not_shrink_while_machines_warm_up() {
    let mut rig = Rig::new(tree! { "instanceWarmupPeriod" => 3_600 }, Tree::map());
    let started = rig.run("whole", 1);
    rig.pass(300);
    let joined = rig.machines().iter().map(|one| one.registered).max().unwrap();
    assert_eq!(rig.machines().len(), 2);
    let arn = started.list("tasks")[0].text("taskArn").unwrap();
    rig.ask("StopTask", tree! { "task" => arn });
    while !rig.machines().is_empty() {
        rig.pass(10);
    }
    let lasted = rig.world.now().since(joined);
    assert!((Duration::from_secs(3_600)..Duration::from_secs(3_900)).contains(&lasted), "{lasted:?}");
}

#[test]
fn a_group_keeps_its_minimum() {
    let mut rig = Rig::plain();
    rig.group(Said { min: Some(2), ..Said::default() });
    rig.pass(7_200);
    assert_eq!(rig.machines().len(), 2);
    assert!(rig.is_quiet());
}

#[test]
fn protected_machines_with_tasks_stay() {
    for protected in [true, false] {
        let mut rig = if protected { Rig::protected() } else { Rig::plain() };
        rig.serve("whole", 4);
        rig.pass(3_600);
        // Nobody's policy: a person wants fewer machines than the tasks need.
        rig.group(Said { desired: Some(2), ..Said::default() });
        rig.pass(30);
        let leaving = rig.machines().iter().filter(|one| one.status == Status::Draining).count();
        assert_eq!(leaving, if protected { 0 } else { 2 });
        rig.pass(3_600);
        assert_eq!(rig.running(), 4, "{protected}");
        let lost = rig.tasks(LastStatus::Stopped).iter().filter(|task| was_lost(task)).count();
        assert_eq!((lost, rig.machines().len()), (0, 4), "draining moves tasks before their machines go");
    }
}

pub fn was_lost(task: &Task) -> bool {
    task.stop.as_ref().is_some_and(|stop| stop.code == "TerminationNotice")
}

#[test]
fn without_draining_tasks_go_with_their_machines() {
    let mut rig = Rig::new(Tree::map(), tree! { "managedDraining" => "DISABLED" });
    rig.serve("whole", 2);
    rig.pass(3_600);
    rig.group(Said { desired: Some(1), ..Said::default() });
    assert_eq!((rig.machines().len(), rig.running()), (1, 1));
    let lost = rig.tasks(LastStatus::Stopped);
    assert!(lost.len() == 1 && was_lost(lost[0]));
    rig.pass(3_600);
    assert_eq!((rig.running(), rig.machines().len()), (2, 2), "the service and its provider see to it");
}

#[test]
fn a_machine_drains_until_its_standalone_task_is_over() {
    let mut rig = Rig::plain();
    rig.run("whole", 1);
    rig.pass(600);
    let arn = rig.tasks(LastStatus::Running)[0].arn.clone();
    rig.pass(3_600);
    assert_eq!(rig.machines().len(), 1);
    rig.group(Said { desired: Some(0), ..Said::default() });
    rig.pass(3_600);
    assert_eq!((rig.machines().len(), rig.running()), (1, 1), "it waits for the task");
    rig.ask("StopTask", tree! { "task" => arn });
    rig.pass(120);
    assert_eq!(rig.machines().len(), 0);
    // Two days at most.
    rig.run("whole", 1);
    rig.pass(3_600);
    rig.group(Said { desired: Some(0), ..Said::default() });
    rig.pass(47 * 3_600);
    assert_eq!(rig.running(), 1);
    rig.pass(2 * 3_600);
    assert_eq!((rig.machines().len(), rig.running()), (0, 0));
}

#[test]
fn a_target_below_100_leaves_spare_machines() {
    for (target, machines) in [(100, 3), (75, 4), (50, 6), (34, 9)] {
        let mut rig = Rig::new(tree! { "targetCapacity" => target }, Tree::map());
        rig.serve("whole", 3);
        rig.pass(7_200);
        assert_eq!((rig.running(), rig.machines().len()), (3, machines), "{target}");
        // A further task starts at once where there is a spare machine, and the spare one is replaced.
        rig.scale(4);
        rig.pass(40);
        assert_eq!(rig.running(), if target == 100 { 3 } else { 4 }, "{target}");
        rig.pass(7_200);
        let more = usize::try_from((400 + target - 1) / target).unwrap();
        assert_eq!((rig.running(), rig.machines().len()), (4, more), "{target}");
        rig.pass(7_200);
        assert!(rig.is_quiet(), "{target}");
    }
}

#[test]
fn a_group_at_its_maximum_leaves_tasks_waiting_until_they_give_up() {
    let mut rig = Rig::plain();
    rig.group(Said { max: Some(2), ..Said::default() });
    let begun = rig.world.now();
    rig.run("whole", 4);
    rig.pass(599);
    assert_eq!((rig.running(), rig.tasks(LastStatus::Provisioning).len(), rig.machines().len()), (2, 2, 2));
    rig.pass(1_300);
    assert_eq!(rig.tasks(LastStatus::Provisioning).len(), 0);
    for task in rig.tasks(LastStatus::Stopped) {
        let stop = task.stop.as_ref().unwrap();
        assert_eq!((stop.code, stop.reason.as_str()), ("TaskFailedToStart", "RESOURCE:CPU"));
        let waited = task.times.stopped.unwrap().since(begun);
        assert!((Duration::from_secs(600)..Duration::from_secs(1_810)).contains(&waited), "{waited:?}");
    }
    assert_eq!(rig.tasks(LastStatus::Stopped).len(), 2);
    // A service keeps trying, and a larger group helps it.
    rig.serve("whole", 2);
    rig.pass(7_200);
    assert_eq!(rig.running(), 2);
    rig.group(Said { max: Some(9), ..Said::default() });
    rig.pass(3_600);
    assert_eq!((rig.running(), rig.machines().len()), (4, 4), "{:#?}", rig.messages());
}

#[test]
fn a_provider_without_machines_says_so() {
    let mut rig = Rig::plain();
    rig.group(Said { max: Some(0), ..Said::default() });
    rig.run("whole", 1);
    rig.pass(1_900);
    let stopped = rig.tasks(LastStatus::Stopped);
    assert_eq!(stopped[0].stop.as_ref().unwrap().reason, "EMPTY CAPACITY PROVIDER");
}

#[test]
fn what_no_machine_of_the_group_can_take_does_not_make_it_grow() {
    let mut rig = Rig::plain();
    rig.define("giant", 4096, Tree::map());
    rig.run("giant", 1);
    let expression = tree! { "type" => "memberOf", "expression" => "attribute:ecs.instance-type == t3.small" };
    rig.ask("RunTask", tree! { "taskDefinition" => "half", "placementConstraints" => vec![expression] });
    rig.pass(7_200);
    assert_eq!((rig.desired(), rig.tasks(LastStatus::Stopped).len(), rig.world.waiting()), (0, 0, 0));
    assert_eq!(rig.world.ecs.tasks.len(), 0, "they gave up, and are forgotten");
    rig.group(Said { kind: Some("m5.xlarge".into()), ..Said::default() });
    rig.run("giant", 1);
    rig.pass(600);
    assert_eq!(rig.running(), 1);
}

#[test]
fn no_more_than_500_tasks_wait_in_a_cluster() {
    let mut rig = Rig::plain();
    rig.group(Said { max: Some(0), ..Said::default() });
    for _ in 0..50 {
        assert_eq!(rig.run("whole", 10).list("failures").len(), 0);
    }
    let refused = ask(&mut rig.world, "RunTask", tree! { "taskDefinition" => "whole" }).unwrap_err();
    assert_eq!(refused.code, "ClientException");
    rig.serve("half", 1);
    rig.pass(60);
    let told = "(service web) was unable to place a task. Reason: tasks provisioning capacity limit was exceeded.";
    assert_eq!(rig.messages(), [told]);
    rig.pass(1_900);
    rig.group(Said { max: Some(9), ..Said::default() });
    rig.pass(600);
    assert_eq!(rig.running(), 1, "{:#?}", rig.messages());
}

#[test]
fn waiting_tasks_can_be_stopped_and_get_interfaces_when_they_are_placed() {
    let mut rig = Rig::plain();
    let container = tree! { "name" => "app", "image" => "app:1", "cpu" => 64, "memory" => 64 };
    let own = tree! { "family" => "own", "networkMode" => "awsvpc", "containerDefinitions" => vec![container] };
    rig.ask("RegisterTaskDefinition", own);
    let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-a"] } };
    let run = tree! { "taskDefinition" => "own", "count" => 2, "networkConfiguration" => network };
    let started = rig.ask("RunTask", run);
    assert_eq!(started.list("tasks")[0].list("attachments").len(), 0);
    let arn = started.list("tasks")[0].text("taskArn").unwrap();
    rig.ask("StopTask", tree! { "task" => arn });
    rig.pass(900);
    let zone = crate::sim::ecs::task::zone_by_name("us-east-1", "subnet-a");
    let running = rig.tasks(LastStatus::Running);
    let interface = running[0].interface.as_ref().unwrap();
    assert_eq!((running.len(), interface.subnet.as_str(), &running[0].zone), (1, "subnet-a", &zone));
    let stopped = rig.tasks(LastStatus::Stopped);
    assert_eq!(stopped[0].stop.as_ref().unwrap().code, "UserInitiated");
}

#[test]
fn without_managed_scaling_nothing_waits_and_nothing_grows() {
    let mut rig = Rig::plain();
    let off = tree! { "managedScaling" => tree! { "status" => "DISABLED" } };
    rig.ask("UpdateCapacityProvider", tree! { "name" => "web", "autoScalingGroupProvider" => off });
    let refused = ask(&mut rig.world, "RunTask", tree! { "taskDefinition" => "half" }).unwrap_err();
    assert_eq!(refused.message, "No Container Instances were found in your cluster.");
    rig.serve("half", 1);
    rig.pass(3_600);
    assert_eq!(rig.desired(), 0);
    rig.group(Said { desired: Some(1), ..Said::default() });
    rig.pass(300);
    assert_eq!((rig.running(), rig.machines().len()), (1, 1), "people scale it");
}

#[test]
fn a_lost_machine_is_replaced() {
    let mut rig = Rig::plain();
    rig.serve("whole", 2);
    rig.pass(3_600);
    let key = rig.machines()[0].key();
    halt(&mut rig.world, &key, End::Terminated);
    rig.pass(20);
    assert_eq!(rig.tasks(LastStatus::Provisioning).len(), 1, "its task waits for another");
    rig.pass(600);
    assert_eq!((rig.running(), rig.machines().len(), rig.desired()), (2, 2, 2));
}

#[test]
fn daemons_neither_hold_nor_bring_machines() {
    let mut rig = Rig::protected();
    rig.define("small", 64, Tree::map());
    let daemon = tree! { "serviceName" => "all", "taskDefinition" => "small", "schedulingStrategy" => "DAEMON" };
    rig.ask("CreateService", daemon);
    rig.pass(600);
    assert_eq!(rig.desired(), 0);
    let started = rig.run("half", 1);
    rig.pass(600);
    assert_eq!((rig.running(), rig.machines().len()), (3, 2), "the daemon is on both");
    let arn = started.list("tasks")[0].text("taskArn").unwrap();
    rig.ask("StopTask", tree! { "task" => arn });
    rig.pass(3_600);
    assert_eq!((rig.running(), rig.machines().len()), (0, 0));
}

#[test]
fn a_rollout_on_a_full_group_borrows_machines_and_gives_them_back() {
    let mut rig = Rig::protected();
    rig.serve("whole", 3);
    rig.pass(3_600);
    rig.define("whole", 2048, Tree::map());
    rig.ask("UpdateService", tree! { "service" => "web", "taskDefinition" => "whole" });
    let trace = rig.trace(60);
    assert_eq!((trace.iter().max(), trace.last(), rig.running()), (Some(&6), Some(&3), 3), "{trace:?}");
    assert!(rig.tasks(LastStatus::Running).iter().all(|task| task.definition.ends_with(":2")));
}

#[test]
fn a_group_that_is_there_before_its_cluster_waits_for_it() {
    let mut world = world();
    auto_scaling::set(&mut world, "early", Said { desired: Some(2), ..Said::default() }).unwrap();
    create(&mut world, "early", tree! {}).unwrap();
    world.skip(Duration::from_secs(600));
    assert_eq!(world.ecs.instances.len(), 0);
    ask(&mut world, "CreateCluster", tree! { "capacityProviders" => vec!["early"] }).unwrap();
    world.skip(Duration::from_secs(100));
    assert_eq!(world.ecs.instances.len(), 2);
    ask(&mut world, "CreateCluster", tree! { "clusterName" => "late" }).unwrap();
    create(&mut world, "later", managed()).unwrap();
    auto_scaling::set(&mut world, "later", Said { min: Some(1), ..Said::default() }).unwrap();
    put(&mut world, "late", vec!["later"]).unwrap();
    world.skip(Duration::from_secs(100));
    assert_eq!(world.ecs.instances.len(), 3);
}

#[test]
fn a_machine_that_somebody_brings_is_the_groups() {
    let mut rig = Rig::plain();
    rig.run("whole", 1);
    let wish = Wish { capacity_provider: Some("web".into()), ..Wish::default() };
    let key = add(&mut rig.world, "default", wish).unwrap();
    auto_scaling::attach(&mut rig.world, &key);
    rig.pass(30);
    assert_eq!((rig.running(), rig.desired()), (1, 1), "the task that waited has it");
    rig.pass(3_600);
    assert_eq!(rig.machines().len(), 1);
}

#[test]
fn protecting_machines_with_tasks_needs_the_groups_own_protection() {
    let mut world = world();
    auto_scaling::set(&mut world, "web", Said { protected: Some(false), ..Said::default() }).unwrap();
    let protected = tree! { "managedTerminationProtection" => "ENABLED" };
    let refused = create(&mut world, "web", managed().merged(&protected)).unwrap_err();
    assert!(refused.message.ends_with("must have instance protection from scale in enabled."), "{}", refused.message);
    create(&mut world, "web", managed()).unwrap();
    let change = tree! { "name" => "web", "autoScalingGroupProvider" => protected };
    assert_eq!(ask(&mut world, "UpdateCapacityProvider", change.clone()).unwrap_err(), refused);
    auto_scaling::set(&mut world, "web", Said { protected: Some(true), ..Said::default() }).unwrap();
    ask(&mut world, "UpdateCapacityProvider", change).unwrap();
}
