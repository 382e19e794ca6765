//! Services on container instances: EC2, EXTERNAL, DAEMON (ecs-semantics §2.8, §2.16, §2.17, §3.5, §6.6).

use super::*;
use crate::sim::ecs::instance::{self, End, Wish};
use crate::sim::ecs::service::Status;

impl Rig {
    /// A cluster with machines of one type, one in each of these zones.
    fn with_machines(kind: &str, zones: &[&str]) -> Self {
        let mut rig = Self::new(7);
        for zone in zones {
            rig.join(kind, zone);
        }
        rig
    }

    fn join(&mut self, kind: &str, zone: &str) -> String {
        let zone = Some(format!("us-east-1{zone}"));
        let wish = Wish { kind: Some(kind.into()), zone, ..Wish::default() };
        instance::add(&mut self.world, "default", wish).unwrap().1
    }

    fn join_with(&mut self, wish: Wish) -> String {
        instance::add(&mut self.world, "default", wish).unwrap().1
    }

    /// A definition for EC2: one container in bridge mode with these members, no task sizes.
    fn define_for_ec2(&mut self, container: Tree, more: Tree) -> String {
        let reference = self.define_with(&[], tree! { "portMappings" => Vec::<Tree>::new() });
        let revision = self.world.ecs.families["web"].last;
        let family = self.world.ecs.families.get_mut("web").unwrap();
        let body = &mut family.revisions.get_mut(&revision).unwrap().body;
        for name in ["cpu", "memory", "requiresCompatibilities", "networkMode"] {
            body.remove(name);
        }
        let mut only = body.list("containerDefinitions")[0].clone();
        for (name, value) in container.as_map().unwrap() {
            only.set(name, value);
        }
        body.set("containerDefinitions", vec![only]);
        for (name, value) in more.as_map().unwrap() {
            body.set(name, value);
        }
        reference
    }

    fn small(&mut self) -> String {
        self.define_for_ec2(tree! { "cpu" => 512, "memory" => 256 }, Tree::map())
    }

    fn drain(&mut self, id: &str) {
        let ask = tree! { "containerInstances" => vec![id], "status" => "DRAINING" };
        assert_eq!(self.call("UpdateContainerInstancesState", &ask).unwrap().list("failures").len(), 0);
    }

    /// Wanted tasks by instance, in the order of the instances' ids.
    fn spread(&self) -> Vec<usize> {
        let wanted = |id: &String| self.world.ecs.tasks[&("default".to_owned(), id.clone())].wanted;
        self.world.ecs.instances.values().map(|one| one.tasks.iter().filter(|id| wanted(id)).count()).collect()
    }

    fn on(&self, id: &str) -> usize {
        let wanted = |task: &&String| self.world.ecs.tasks[&("default".to_owned(), (*task).clone())].wanted;
        self.world.ecs.instances[&("default".to_owned(), id.to_owned())].tasks.iter().filter(wanted).count()
    }

    fn halt(&mut self, id: &str, end: End) {
        instance::halt(&mut self.world, &("default".into(), id.into()), end);
    }

    fn connect(&mut self, id: &str, connected: bool) {
        instance::connect(&mut self.world, &("default".into(), id.into()), connected);
    }
}

fn on_ec2(definition: &str, desired: i64) -> Tree {
    tree! { "serviceName" => "web", "taskDefinition" => definition, "desiredCount" => desired, "launchType" => "EC2" }
}

fn daemon(definition: &str) -> Tree {
    tree! {
        "serviceName" => "web", "taskDefinition" => definition, "launchType" => "EC2",
        "schedulingStrategy" => "DAEMON",
    }
}

fn settled(rig: &mut Rig, tasks: i64) {
    rig.run(600);
    assert_eq!(rig.counts(), (tasks, tasks), "{:#?}", rig.messages());
    assert!(is_steady(rig.service()), "{:#?}", rig.messages());
    rig.judge();
}

#[test]
fn a_service_rolls_over_instances_and_spreads_by_zone() {
    let mut rig = Rig::with_machines("m5.large", &["a", "b", "c"]);
    let web = rig.small();
    rig.call("CreateService", &on_ec2(&web, 3)).unwrap();
    settled(&mut rig, 3);
    assert_eq!(rig.spread(), [1, 1, 1]);
    let next = rig.small();
    rig.update(tree! { "taskDefinition" => &next });
    settled(&mut rig, 3);
    assert_eq!((rig.service().deployments.len(), rig.spread()), (1, vec![1, 1, 1]));
    let shown = rig.call("DescribeTasks", &tree! { "tasks" => vec![rig.service().tasks.first().unwrap().as_str()] });
    let task = shown.unwrap().list("tasks")[0].clone();
    assert_eq!(
        (task.text("launchType"), task.text("cpu"), task.text("memory")),
        (Some("EC2"), Some("512"), Some("256"))
    );
    assert!(task.text("containerInstanceArn").unwrap().contains(":container-instance/default/"));
    assert_eq!((task.list("attachments").len(), task.get("platformVersion")), (0, None));
}

#[test]
fn a_service_waits_for_room_and_says_what_is_lacking() {
    let mut rig = Rig::with_machines("t3.small", &["a"]);
    let id = rig.world.ecs.instances.values().next().unwrap().id.clone();
    let web = rig.define_for_ec2(tree! { "cpu" => 1024, "memory" => 128 }, Tree::map());
    rig.call("CreateService", &on_ec2(&web, 3)).unwrap();
    rig.run(600);
    assert_eq!(rig.counts(), (2, 2));
    let text = format!(
        "was unable to place a task because no container instance met all of its requirements. The closest matching \
         (container-instance {id}) has insufficient CPU units available. For more information, see the Troubleshooting \
         section of the Amazon ECS Developer Guide."
    );
    assert_eq!(rig.messages().iter().filter(|one| **one == text).count(), 1, "{:#?}", rig.messages());
    rig.join("t3.small", "b");
    settled(&mut rig, 3);
}

#[test]
fn each_lack_has_its_words() {
    let port = |host: i64| tree! { "containerPort" => 80, "hostPort" => host, "protocol" => "tcp" };
    let mapped = tree! { "memory" => 64, "portMappings" => vec![port(8080)] };
    let gpu = vec![tree! { "type" => "GPU", "value" => "1" }];
    let expression = tree! { "type" => "memberOf", "expression" => "attribute:stack == prod" };
    for (container, more, words) in [
        (tree! { "memory" => 99_999 }, tree! {}, "has insufficient memory available"),
        (mapped, tree! {}, "is already using a port required by your task"),
        (
            tree! { "memory" => 64 },
            tree! { "requiresAttributes" => vec![tree! { "name" => "x" }] },
            "is missing an attribute required by your task",
        ),
        (tree! { "memory" => 64, "resourceRequirements" => gpu }, tree! {}, "encountered error \"RESOURCE:GPU\""),
        (
            tree! { "memory" => 64 },
            tree! { "placementConstraints" => vec![expression] },
            "encountered error \"MemberOf placement constraint unsatisfied.\"",
        ),
    ] {
        let mut rig = Rig::with_machines("m5.large", &["a"]);
        let web = rig.define_for_ec2(container, more);
        rig.call("CreateService", &on_ec2(&web, 2)).unwrap();
        rig.run(600);
        assert!(rig.messages().iter().any(|one| one.contains(words)), "{words}: {:#?}", rig.messages());
    }
    let mut rig = Rig::with_machines("m5.large", &["a"]);
    let web = rig.small();
    let id = rig.world.ecs.instances.values().next().unwrap().id.clone();
    rig.connect(&id, false);
    rig.call("CreateService", &on_ec2(&web, 1)).unwrap();
    rig.run(60);
    assert!(rig.messages()[0].contains("encountered error \"AGENT\""), "{:#?}", rig.messages());
    rig.connect(&id, true);
    settled(&mut rig, 1);
}

#[test]
fn awsvpc_tasks_need_interfaces_in_the_right_zone() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    let zone = crate::sim::ecs::task::zone_by_name("us-east-1", "subnet-a");
    rig.join_with(Wish { zone: Some(zone), ..Wish::default() });
    let mut given = input(&web, 3).with("launchType", "EC2");
    let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-a"] } };
    given.set("networkConfiguration", network);
    rig.call("CreateService", &given).unwrap();
    rig.run(600);
    assert_eq!(rig.counts(), (2, 2), "an m5.large has three interfaces, one its own");
    assert!(rig.messages().iter().any(|one| one.contains("\"RESOURCE:ENI\"")), "{:#?}", rig.messages());
    let setting = tree! { "name" => "awsvpcTrunking", "value" => "enabled" };
    rig.call("PutAccountSetting", &setting).unwrap();
    let elsewhere = rig.join_with(Wish { zone: Some("us-east-1z".into()), ..Wish::default() });
    rig.run(60);
    assert_eq!((rig.on(&elsewhere), rig.counts().0), (0, 2), "it is in another zone");
    let zone = crate::sim::ecs::task::zone_by_name("us-east-1", "subnet-a");
    let trunk = rig.join_with(Wish { zone: Some(zone), ..Wish::default() });
    rig.update(tree! { "desiredCount" => 9 });
    settled(&mut rig, 9);
    assert_eq!(rig.on(&trunk), 7);
}

#[test]
fn static_ports_collide_and_dynamic_ones_do_not() {
    let port = |host: i64| vec![tree! { "containerPort" => 80, "hostPort" => host, "protocol" => "tcp" }];
    let mut rig = Rig::with_machines("m5.large", &["a"]);
    let web = rig.define_for_ec2(tree! { "memory" => 64, "portMappings" => port(0) }, Tree::map());
    rig.call("CreateService", &on_ec2(&web, 3)).unwrap();
    settled(&mut rig, 3);
    let tasks = rig.service().tasks.iter().map(String::as_str).collect::<Vec<_>>();
    let shown = rig.call("DescribeTasks", &tree! { "tasks" => tasks }).unwrap();
    let binding = |task: &Tree| task.list("containers")[0].list("networkBindings")[0].clone();
    let mut ports = shown.list("tasks").iter().map(|task| binding(task).int("hostPort").unwrap()).collect::<Vec<_>>();
    ports.sort_unstable();
    assert_eq!(ports, [32_768, 32_769, 32_770]);
    // A static port: one task an instance, and a rollout at 100/200 has no way (§2.1).
    let fixed = rig.define_for_ec2(tree! { "memory" => 64, "portMappings" => port(8080) }, Tree::map());
    rig.update(tree! { "desiredCount" => 1 });
    settled(&mut rig, 1);
    rig.update(tree! { "taskDefinition" => &fixed });
    settled(&mut rig, 1);
    rig.update(tree! { "forceNewDeployment" => true });
    rig.run(3600);
    assert_eq!((rig.counts(), rig.service().deployments.len()), ((1, 1), 2));
    assert!(rig.messages().last().unwrap().contains("is already using a port"), "{:#?}", rig.messages());
    let allowing = percents(0, 100);
    rig.update(tree! { "deploymentConfiguration" => allowing, "availabilityZoneRebalancing" => "DISABLED" });
    settled(&mut rig, 1);
    assert_eq!(rig.service().deployments.len(), 1, "stopping first makes room");
}

#[test]
fn strategies_choose_in_their_order() {
    let strategy = |kind: &str, field: &str| tree! { "type" => kind, "field" => field };
    let zone = "attribute:ecs.availability-zone";
    for (strategies, expected) in [
        (vec![strategy("binpack", "memory")], vec![0, 0, 4]),
        (vec![strategy("binpack", "cpu")], vec![0, 0, 4]),
        (vec![strategy("spread", "instanceId")], vec![1, 1, 2]),
        (vec![strategy("spread", zone), strategy("binpack", "memory")], vec![0, 2, 2]),
        (vec![strategy("spread", zone), strategy("spread", "host")], vec![1, 1, 2]),
    ] {
        let mut rig = Rig::with_machines("m5.large", &["a", "a", "b"]);
        let web = rig.small();
        let given = on_ec2(&web, 4).with("placementStrategy", strategies.clone());
        rig.call("CreateService", &given).unwrap();
        settled(&mut rig, 4);
        let mut spread = rig.spread();
        spread.sort_unstable();
        assert_eq!(spread, expected, "{strategies:?}");
    }
    let mut rig = Rig::with_machines("m5.large", &["a", "b"]);
    let web = rig.small();
    let constraint = tree! { "type" => "distinctInstance" };
    rig.call("CreateService", &on_ec2(&web, 3).with("placementConstraints", vec![constraint])).unwrap();
    rig.run(600);
    assert_eq!((rig.counts().0, rig.spread()), (2, vec![1, 1]));
    assert!(rig.messages().iter().any(|one| one.contains("DistinctInstance")), "{:#?}", rig.messages());
}

#[test]
fn draining_replaces_service_tasks_within_the_percentages() {
    for (minimum, maximum) in [(100, 200), (50, 100), (50, 200)] {
        let mut rig = Rig::with_machines("m5.large", &["a", "b"]);
        let web = rig.small();
        let given = on_ec2(&web, 2).with("deploymentConfiguration", percents(minimum, maximum));
        rig.call("CreateService", &given).unwrap();
        settled(&mut rig, 2);
        let id = rig.world.ecs.instances.values().next().unwrap().id.clone();
        rig.drain(&id);
        let bounds = rig.service().bounds();
        for _ in 0..300 {
            rig.run(1);
            let (total, healthy) = rig.counts();
            assert!(total <= bounds.upper && healthy >= bounds.lower, "{total} {healthy} {bounds:?}");
        }
        settled(&mut rig, 2);
        assert_eq!((rig.on(&id), rig.service().journal.len()), (0, 1), "no deployment came of it");
    }
}

#[test]
fn draining_stops_what_is_pending_and_leaves_standalone_tasks() {
    let mut rig = Rig::with_machines("m5.large", &["a"]);
    let id = rig.world.ecs.instances.values().next().unwrap().id.clone();
    let web = rig.small();
    let started = rig.call("StartTask", &tree! { "taskDefinition" => &web, "containerInstances" => vec![id.as_str()] });
    assert_eq!(started.unwrap().list("tasks").len(), 1);
    rig.run(60);
    rig.call("CreateService", &on_ec2(&web, 2)).unwrap();
    rig.run(2);
    assert_eq!(rig.counts().0, 3);
    rig.drain(&id);
    rig.run(120);
    assert_eq!((rig.counts().0, rig.on(&id)), (1, 1), "{:#?}", rig.messages());
    assert!(rig.messages().contains(&"stopped 2 pending tasks.".to_owned()), "{:#?}", rig.messages());
}

#[test]
fn a_lost_machine_takes_its_tasks_along() {
    for deregistered in [false, true] {
        let mut rig = Rig::with_machines("m5.large", &["a", "b"]);
        let web = rig.small();
        rig.call("CreateService", &on_ec2(&web, 2)).unwrap();
        settled(&mut rig, 2);
        let id = rig.world.ecs.instances.values().next().unwrap().id.clone();
        let lost = rig.world.ecs.instances[&("default".to_owned(), id.clone())].tasks.first().unwrap().clone();
        if deregistered {
            let ask = tree! { "containerInstance" => id.as_str() };
            assert_eq!(
                rig.call("DeregisterContainerInstance", &ask).unwrap_err().message,
                "Found running tasks on the instance."
            );
            rig.call("DeregisterContainerInstance", &ask.with("force", true)).unwrap();
        } else {
            rig.halt(&id, End::Terminated);
        }
        let shown = rig.call("DescribeTasks", &tree! { "tasks" => vec![lost.as_str()] }).unwrap();
        let task = &shown.list("tasks")[0];
        assert_eq!((task.text("lastStatus"), task.text("desiredStatus")), (Some("STOPPED"), Some("STOPPED")));
        assert!(deregistered || task.text("stoppedReason").unwrap().ends_with(" terminated."), "{task:?}");
        settled(&mut rig, 2);
        assert_eq!(rig.on(&id), 0);
    }
}

#[test]
fn an_agent_that_is_away_is_heard_when_it_is_back() {
    let mut rig = Rig::with_machines("m5.large", &["a"]);
    let id = rig.world.ecs.instances.values().next().unwrap().id.clone();
    let web = rig.small();
    rig.call("CreateService", &on_ec2(&web, 2)).unwrap();
    settled(&mut rig, 2);
    rig.connect(&id, false);
    let task = rig.service().tasks.first().unwrap().clone();
    rig.call("StopTask", &tree! { "task" => task.as_str() }).unwrap();
    rig.run(3600);
    let shown = rig.call("DescribeTasks", &tree! { "tasks" => vec![task.as_str()] }).unwrap();
    let shown = &shown.list("tasks")[0];
    let words = ["lastStatus", "desiredStatus", "connectivity"].map(|name| shown.text(name).unwrap());
    assert_eq!(words, ["RUNNING", "STOPPED", "DISCONNECTED"]);
    assert!(rig.messages().iter().any(|one| one.contains("\"AGENT\"")), "{:#?}", rig.messages());
    rig.connect(&id, true);
    settled(&mut rig, 2);
    assert!(!rig.service().tasks.contains(&task));
}

#[test]
fn images_are_pulled_once_an_instance() {
    let mut rig = Rig::with_machines("m5.large", &["a"]);
    let id = rig.world.ecs.instances.values().next().unwrap().id.clone();
    let web = rig.small();
    let mut pulls = Vec::new();
    for _ in 0..2 {
        let ask = tree! { "taskDefinition" => &web, "containerInstances" => vec![id.as_str()] };
        let started = rig.call("StartTask", &ask).unwrap();
        let arn = started.list("tasks")[0].text("taskArn").unwrap().to_owned();
        rig.run(60);
        let times = rig.world.ecs.tasks.values().find(|task| task.arn == arn).unwrap().times.clone();
        pulls.push(times.pull_stopped.unwrap().since(times.pull_started.unwrap()));
    }
    assert_eq!(pulls, [Duration::from_millis(3_900), Duration::from_millis(300)]);
}

#[test]
fn external_machines_run_external_services_only() {
    let mut rig = Rig::new(7);
    let id = rig.join_with(Wish { external: true, ..Wish::default() });
    let web = rig.small();
    rig.call("CreateService", &on_ec2(&web, 1)).unwrap();
    rig.run(60);
    assert!(rig.messages()[0].ends_with("No Container Instances were found in your cluster."));
    let given = on_ec2(&web, 2).with("launchType", "EXTERNAL").with("serviceName", "away");
    let shown = rig.call("CreateService", &given).unwrap();
    assert_eq!(shown.at(&["service", "availabilityZoneRebalancing"]), Some(&Tree::from("DISABLED")));
    rig.run(300);
    assert_eq!(rig.on(&id), 2);
    let task = rig.world.ecs.tasks.values().next().unwrap().arn.clone();
    let shown = rig.call("DescribeTasks", &tree! { "tasks" => vec![task] }).unwrap();
    let task = &shown.list("tasks")[0];
    assert_eq!((task.text("launchType"), task.get("availabilityZone")), (Some("EXTERNAL"), None));
    let awsvpc = rig.define(&[]);
    let given = input(&awsvpc, 1).with("launchType", "EXTERNAL").with("serviceName", "own");
    assert!(rig.call("CreateService", &given).unwrap_err().message.contains("awsvpc"));
}

#[test]
fn a_daemon_is_on_every_instance() {
    let mut rig = Rig::with_machines("m5.large", &["a", "b"]);
    let web = rig.small();
    let shown = rig.call("CreateService", &daemon(&web)).unwrap();
    let service = shown.get("service").unwrap();
    assert_eq!((service.int("desiredCount"), service.text("schedulingStrategy")), (Some(2), Some("DAEMON")));
    let configuration = service.get("deploymentConfiguration").unwrap();
    let percents = (configuration.int("minimumHealthyPercent"), configuration.int("maximumPercent"));
    assert_eq!(percents, (Some(0), Some(100)));
    settled(&mut rig, 2);
    let third = rig.join("m5.large", "c");
    settled(&mut rig, 3);
    assert_eq!((rig.spread(), rig.service().desired), (vec![1, 1, 1], 3));
    // A rollout stops before it starts, instance by instance.
    let next = rig.small();
    rig.update(tree! { "taskDefinition" => &next });
    for _ in 0..300 {
        rig.run(2);
        assert!(rig.spread().iter().all(|tasks| *tasks <= 1) && rig.counts().0 <= 3);
    }
    settled(&mut rig, 3);
    assert_eq!((rig.spread(), rig.service().deployments.len()), (vec![1, 1, 1], 1));
    rig.halt(&third, End::Terminated);
    settled(&mut rig, 2);
    assert_eq!(rig.service().desired, 2);
    let listed = rig.call("ListServices", &tree! { "schedulingStrategy" => "DAEMON" }).unwrap();
    assert_eq!(listed.list("serviceArns").len(), 1);
    rig.call("DeleteService", &tree! { "service" => "web" }).unwrap();
    rig.run_until("inactive", |service| service.status == Status::Inactive);
}

#[test]
fn a_daemon_leaves_a_draining_instance_last() {
    let mut rig = Rig::with_machines("m5.large", &["a"]);
    let id = rig.world.ecs.instances.values().next().unwrap().id.clone();
    let web = rig.small();
    rig.call("CreateService", &daemon(&web)).unwrap();
    let ask = tree! { "taskDefinition" => &web, "containerInstances" => vec![id.as_str()] };
    let started = rig.call("StartTask", &ask).unwrap();
    let other = started.list("tasks")[0].text("taskArn").unwrap().to_owned();
    settled(&mut rig, 2);
    rig.drain(&id);
    settled(&mut rig, 2);
    rig.call("StopTask", &tree! { "task" => other }).unwrap();
    rig.run(300);
    assert_eq!((rig.counts().0, rig.service().desired), (0, 0), "{:#?}", rig.messages());
}

#[test]
fn a_daemon_is_refused_what_it_cannot_have() {
    let mut rig = Rig::with_machines("m5.large", &["a"]);
    let web = rig.small();
    let strategy = vec![tree! { "type" => "random" }];
    for (given, words) in [
        (daemon(&web).with("desiredCount", 0), "does not support a desired count"),
        (daemon(&web).with("placementStrategy", strategy), "placement strategies"),
        (daemon(&web).with("deploymentConfiguration", percents(0, 200)), "values above 100 for maximumPercent"),
        (daemon(&web).with("availabilityZoneRebalancing", "ENABLED"), "Availability Zone Rebalancing"),
    ] {
        let fault = rig.call("CreateService", &given).unwrap_err();
        assert!(fault.message.contains(words), "{}", fault.message);
    }
    rig.call("CreateService", &daemon(&web).with("deploymentConfiguration", percents(100, 100))).unwrap();
    let fault = rig.call("UpdateService", &tree! { "service" => "web", "desiredCount" => 1 }).unwrap_err();
    assert!(fault.message.contains("does not support a desired count"));
}

#[test]
fn strategies_place_on_their_providers_instances() {
    let mut rig = Rig::new(7);
    let cluster = rig.world.ecs.clusters.get_mut("default").unwrap();
    cluster.body.set("capacityProviders", vec!["one", "two"]);
    let web = rig.small();
    let item = |name: &str, base: i64, weight: i64| {
        tree! { "capacityProvider" => name, "base" => base, "weight" => weight }
    };
    let mut given = on_ec2(&web, 6).with("capacityProviderStrategy", vec![item("one", 2, 1), item("two", 0, 1)]);
    given.remove("launchType");
    // The providers' instances stand in two zones, and the strategy splits unevenly.
    given.set("availabilityZoneRebalancing", "DISABLED");
    rig.call("CreateService", &given).unwrap();
    rig.run(60);
    assert!(rig.messages()[0].ends_with("No Container Instances were found in your capacity provider."));
    let mut ids = Vec::new();
    for provider in ["one", "two"] {
        let wish = Wish { kind: Some("m5.xlarge".into()), capacity_provider: Some(provider.into()), ..Wish::default() };
        ids.push(rig.join_with(wish));
    }
    settled(&mut rig, 6);
    assert_eq!((rig.on(&ids[0]), rig.on(&ids[1])), (4, 2));
}

#[test]
fn rebalancing_moves_a_task_only_where_its_zone_has_room() {
    let mut rig = Rig::with_machines("m5.xlarge", &["a"]);
    let small = rig.join("t3.small", "b");
    let web = rig.define_for_ec2(tree! { "cpu" => 1024, "memory" => 1200 }, Tree::map());
    rig.call("CreateService", &on_ec2(&web, 4)).unwrap();
    settled(&mut rig, 4);
    assert_eq!(rig.on(&small), 1, "the other zone has room for one");
    rig.run(86_400);
    assert_eq!(rig.world.ecs.tasks.len(), 4, "{:#?}", rig.messages());
    rig.join("t3.small", "b");
    rig.run(86_400);
    assert_eq!((rig.counts(), rig.on(&small)), ((4, 4), 1));
    let zone =
        |zone: &str| rig.world.ecs.tasks.values().filter(|task| task.wanted && task.zone.ends_with(zone)).count();
    assert_eq!((zone("a"), zone("b")), (2, 2), "{:#?}", rig.messages());
}
