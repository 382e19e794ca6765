//! Operations of container instances (ecs-semantics §1.2, §1.3, §6.4, §6.6).

use super::*;
use crate::sim::ecs::{Answer, call};
use crate::sim::world::{Settings, World};
use crate::tree;

fn world() -> World {
    let mut world = World::new(Settings::default(), Time(1_780_000_000_000));
    ask(&mut world, "CreateCluster", tree! {}).unwrap();
    world
}

fn ask(world: &mut World, operation: &str, input: Tree) -> Answer {
    call(world, "ecs", operation, &input)
}

fn join(world: &mut World, kind: &str) -> String {
    add(world, "default", Wish { kind: Some(kind.into()), ..Wish::default() }).unwrap().1
}

fn described(world: &mut World, id: &str) -> Tree {
    let answer = ask(world, "DescribeContainerInstances", tree! { "containerInstances" => vec![id] }).unwrap();
    answer.list("containerInstances")[0].clone()
}

fn resource<'a>(instance: &'a Tree, list: &str, name: &str) -> &'a Tree {
    instance.list(list).iter().find(|one| one.text("name") == Some(name)).unwrap()
}

/// A definition that claims 256 CPU units, 128 MiB, port 8080 and a dynamic one.
fn define(world: &mut World) {
    let port = |host: i64| tree! { "containerPort" => 80, "hostPort" => host, "protocol" => "udp" };
    let container = tree! {
        "name" => "web", "image" => "nginx:1", "cpu" => 256, "memory" => 128,
        "portMappings" => vec![tree! { "containerPort" => 8080, "hostPort" => 8080 }, port(0)],
    };
    let input = tree! { "family" => "web", "networkMode" => "bridge", "containerDefinitions" => vec![container] };
    ask(world, "RegisterTaskDefinition", input).unwrap();
}

fn start(world: &mut World, ids: &[&str]) -> Tree {
    ask(world, "StartTask", tree! { "taskDefinition" => "web", "containerInstances" => ids.to_vec() }).unwrap()
}

fn run(world: &mut World, secs: u64) {
    let until = world.now().after(std::time::Duration::from_secs(secs));
    world.advance_to(until);
}

#[test]
fn an_instance_shows_what_it_has_and_what_is_left() {
    let mut world = world();
    define(&mut world);
    let id = join(&mut world, "m5.large");
    let fresh = described(&mut world, &id);
    assert_eq!((fresh.text("status"), fresh.bool("agentConnected")), (Some("ACTIVE"), Some(true)));
    assert_eq!(resource(&fresh, "registeredResources", "CPU").int("integerValue"), Some(2048));
    assert_eq!(resource(&fresh, "registeredResources", "PORTS").list("stringSetValue").len(), 5);
    let names = fresh.list("attributes").iter().filter_map(|one| one.text("name")).collect::<Vec<_>>();
    for name in ["ecs.instance-type", "ecs.availability-zone", "ecs.os-type", "ecs.cpu-architecture", "ecs.vpc-id"] {
        assert!(names.contains(&name), "{name}");
    }
    let started = start(&mut world, &[&id]);
    let task = started.list("tasks")[0].text("taskArn").unwrap().to_owned();
    run(&mut world, 60);
    let busy = described(&mut world, &id);
    let left = |name: &str| resource(&busy, "remainingResources", name);
    assert_eq!((left("CPU").int("integerValue"), busy.int("runningTasksCount")), (Some(1792), Some(1)));
    let memory = resource(&fresh, "registeredResources", "MEMORY").int("integerValue").unwrap();
    assert_eq!(left("MEMORY").int("integerValue"), Some(memory - 128));
    assert!(left("PORTS").list("stringSetValue").contains(&"8080".into()));
    assert_eq!(left("PORTS_UDP").list("stringSetValue"), ["32768".into()]);
    let second = start(&mut world, &[&id, "none"]);
    let reasons = second.list("failures").iter().filter_map(|one| one.text("reason")).collect::<Vec<_>>();
    assert_eq!(reasons, ["RESOURCE:PORTS", "MISSING"]);
    ask(&mut world, "StopTask", tree! { "task" => task }).unwrap();
    run(&mut world, 60);
    assert_eq!(described(&mut world, &id).get("remainingResources"), fresh.get("remainingResources"));
}

#[test]
fn agents_register_with_what_they_tell() {
    let mut world = world();
    let number = |name: &str, value: i64| tree! { "name" => name, "type" => "INTEGER", "integerValue" => value };
    let ports = tree! { "name" => "PORTS", "type" => "STRINGSET", "stringSetValue" => vec!["22"] };
    let document = r#"{"instanceId":"i-0abc","instanceType":"x9.huge","availabilityZone":"us-east-1f","more":[1]}"#;
    let input = tree! {
        "instanceIdentityDocument" => document,
        "instanceIdentityDocumentSignature" => "whatever",
        "totalResources" => vec![number("CPU", 1000), number("MEMORY", 2000), ports],
        "attributes" => vec![tree! { "name" => "stack", "value" => "prod" }],
        "versionInfo" => tree! { "agentVersion" => "1.2.3" },
    };
    let answer = ask(&mut world, "RegisterContainerInstance", input).unwrap();
    let made = answer.get("containerInstance").unwrap();
    assert_eq!((made.text("ec2InstanceId"), made.int("version")), (Some("i-0abc"), Some(1)));
    assert_eq!(resource(made, "remainingResources", "MEMORY").int("integerValue"), Some(2000));
    let arn = made.text("containerInstanceArn").unwrap().to_owned();
    let again = tree! { "containerInstanceArn" => &arn, "versionInfo" => tree! { "agentVersion" => "1.3.0" } };
    let answer = ask(&mut world, "RegisterContainerInstance", again).unwrap();
    let again = answer.get("containerInstance").unwrap();
    assert_eq!(again.text("containerInstanceArn"), Some(arn.as_str()));
    assert_eq!(again.at(&["versionInfo", "agentVersion"]), Some(&Tree::from("1.3.0")));
    let lenient = tree! { "instanceIdentityDocument" => "no json" };
    let answer = ask(&mut world, "RegisterContainerInstance", lenient).unwrap();
    let made = answer.get("containerInstance").unwrap();
    assert_eq!(resource(made, "registeredResources", "CPU").int("integerValue"), Some(2048));
    let unknown = tree! { "instanceIdentityDocument" => r#"{"instanceType":"x9.huge"}"# };
    let fault = ask(&mut world, "RegisterContainerInstance", unknown).unwrap_err();
    assert!(fault.message.contains("x9.huge"));
    assert!(add(&mut world, "default", Wish { external: true, ..Wish::default() }).unwrap().1.len() == 32);
}

#[test]
fn instances_are_listed_drained_and_let_go() {
    let mut world = world();
    let ids = [join(&mut world, "m5.large"), join(&mut world, "c5.large")];
    let listed = |world: &mut World, input: Tree| {
        ask(world, "ListContainerInstances", input).unwrap().list("containerInstanceArns").len()
    };
    let drain = tree! { "containerInstances" => vec![ids[0].as_str(), "none"], "status" => "DRAINING" };
    let answer = ask(&mut world, "UpdateContainerInstancesState", drain).unwrap();
    assert_eq!((answer.list("containerInstances").len(), answer.list("failures").len()), (1, 1));
    assert_eq!(listed(&mut world, tree! { "status" => "DRAINING" }), 1);
    assert_eq!(listed(&mut world, tree! {}), 2);
    assert_eq!(listed(&mut world, tree! { "filter" => "attribute:ecs.instance-type =~ c5.*" }), 1);
    let bad = tree! { "containerInstances" => vec![ids[0].as_str()], "status" => "REGISTERING" };
    assert!(ask(&mut world, "UpdateContainerInstancesState", bad).is_err());
    let refused = ask(&mut world, "DeleteCluster", tree! { "cluster" => "default" }).unwrap_err();
    assert_eq!(refused.code, "ClusterContainsContainerInstancesException");
    let shown = ask(&mut world, "DescribeClusters", tree! {}).unwrap();
    assert_eq!(shown.list("clusters")[0].int("registeredContainerInstancesCount"), Some(2));
    for id in &ids {
        let gone = ask(&mut world, "DeregisterContainerInstance", tree! { "containerInstance" => id }).unwrap();
        assert_eq!(gone.at(&["containerInstance", "status"]), Some(&Tree::from("INACTIVE")));
    }
    assert_eq!(listed(&mut world, tree! {}), 0);
    assert_eq!(described(&mut world, &ids[0]).text("status"), Some("INACTIVE"));
    assert_eq!(start_failure(&mut world, &ids[0]), "INACTIVE");
    run(&mut world, 3600);
    let ask_later = tree! { "containerInstances" => vec![ids[0].as_str()] };
    let later = ask(&mut world, "DescribeContainerInstances", ask_later).unwrap();
    assert_eq!(later.list("failures")[0].text("reason"), Some("MISSING"));
    ask(&mut world, "DeleteCluster", tree! { "cluster" => "default" }).unwrap();
}

fn start_failure(world: &mut World, id: &str) -> String {
    define(world);
    start(world, &[id]).list("failures")[0].text("reason").unwrap().to_owned()
}

#[test]
fn attributes_are_put_found_and_taken_away() {
    let mut world = world();
    let id = join(&mut world, "m5.large");
    let attribute = |name: &str, value: &str| {
        tree! { "name" => name, "value" => value, "targetType" => "container-instance", "targetId" => &id }
    };
    let put = |world: &mut World, given: Vec<Tree>| ask(world, "PutAttributes", tree! { "attributes" => given });
    put(&mut world, vec![attribute("stack", "prod"), attribute("rank", "1")]).unwrap();
    put(&mut world, vec![attribute("rank", "2")]).unwrap();
    let list = |world: &mut World, name: &str| {
        let input = tree! { "targetType" => "container-instance", "attributeName" => name };
        ask(world, "ListAttributes", input).unwrap().list("attributes").to_vec()
    };
    assert_eq!(list(&mut world, "rank")[0].text("value"), Some("2"));
    assert_eq!(list(&mut world, "ecs.os-type")[0].text("value"), Some("linux"));
    let ask_away = tree! { "attributes" => vec![attribute("rank", "9"), attribute("stack", "prod")] };
    ask(&mut world, "DeleteAttributes", ask_away).unwrap();
    assert_eq!((list(&mut world, "rank").len(), list(&mut world, "stack").len()), (1, 0));
    for (given, code) in [
        (vec![attribute("a b", "x")], "InvalidParameterException"),
        (vec![attribute("a", " x")], "InvalidParameterException"),
        (vec![attribute("ecs.os-type", "windows")], "InvalidParameterException"),
        (vec![attribute("a", "x").with("targetId", "none")], "TargetNotFoundException"),
        (Vec::new(), "InvalidParameterException"),
    ] {
        assert_eq!(put(&mut world, given).unwrap_err().code, code);
    }
    let many = |from: usize| (from..from + 9).map(|n| attribute(&format!("n{n}"), "x")).collect::<Vec<_>>();
    put(&mut world, many(0)).unwrap();
    assert_eq!(put(&mut world, many(20)).unwrap_err().code, "AttributeLimitExceededException");
    assert!(list(&mut world, "n20").is_empty(), "all or none");
}

#[test]
fn agents_are_updated_and_told_where_to_poll() {
    let mut world = world();
    let new = join(&mut world, "m5.large");
    let told = tree! { "versionInfo" => tree! { "agentVersion" => "1.2.3" } };
    let old = add(&mut world, "default", Wish { told, ..Wish::default() }).unwrap().1;
    let away = add(&mut world, "default", Wish { external: true, ..Wish::default() }).unwrap().1;
    let update = |world: &mut World, id: &str| ask(world, "UpdateContainerAgent", tree! { "containerInstance" => id });
    assert_eq!(update(&mut world, &new).unwrap_err().code, "NoUpdateAvailableException");
    assert_eq!(update(&mut world, &away).unwrap_err().code, "InvalidParameterException");
    let answer = update(&mut world, &old).unwrap();
    assert_eq!(answer.at(&["containerInstance", "agentUpdateStatus"]), Some(&Tree::from("PENDING")));
    assert_eq!(update(&mut world, &old).unwrap_err().code, "UpdateInProgressException");
    run(&mut world, 120);
    assert_eq!(described(&mut world, &old).text("agentUpdateStatus"), Some("UPDATED"));
    assert_eq!(update(&mut world, &old).unwrap_err().code, "NoUpdateAvailableException");
    let endpoint = ask(&mut world, "DiscoverPollEndpoint", tree! {}).unwrap();
    assert_eq!(endpoint.text("endpoint"), Some("https://ecs-a-1.us-east-1.amazonaws.com/"));
    let tagged = tree! { "resourceArn" => world.arn(&format!("container-instance/default/{new}")) };
    let tags = vec![tree! { "key" => "team", "value" => "shop" }];
    ask(&mut world, "TagResource", tagged.with("tags", tags)).unwrap();
    assert_eq!(world.ecs.instances[&("default".into(), new)].tags.len(), 1);
}
