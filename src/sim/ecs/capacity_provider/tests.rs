//! Capacity providers, alone and in clusters.

mod fargate;
mod random;
mod scaling;

use super::super::{Answer, call};
use super::*;
use crate::sim::world::Settings;

const GROUP: &str = "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:0f:autoScalingGroupName/web";

fn world() -> World {
    World::new(Settings::default(), Time(0))
}

fn ask(world: &mut World, operation: &str, input: Tree) -> Answer {
    call(world, "ecs", operation, &input)
}

fn create(world: &mut World, name: &str, group: Tree) -> Answer {
    let group = tree! { "autoScalingGroupArn" => GROUP.replace("/web", &format!("/{name}")) }.merged(&group);
    ask(world, "CreateCapacityProvider", tree! { "name" => name, "autoScalingGroupProvider" => group })
}

trait Merged {
    fn merged(self, other: &Tree) -> Tree;
}

impl Merged for Tree {
    fn merged(mut self, other: &Tree) -> Tree {
        other.as_map().unwrap().iter().for_each(|(name, value)| self.set(name, value));
        self
    }
}

fn managed() -> Tree {
    tree! { "managedScaling" => tree! { "status" => "ENABLED" } }
}

fn put(world: &mut World, cluster: &str, providers: Vec<&str>) -> Answer {
    let none: Vec<Tree> = Vec::new();
    let input =
        tree! { "cluster" => cluster, "capacityProviders" => providers, "defaultCapacityProviderStrategy" => none };
    ask(world, "PutClusterCapacityProviders", input)
}

fn shown(world: &mut World, name: &str) -> Tree {
    let found = ask(world, "DescribeCapacityProviders", tree! { "capacityProviders" => vec![name] }).unwrap();
    found.list("capacityProviders").first().cloned().unwrap_or_default()
}

fn names(answer: &Tree) -> Vec<String> {
    let names = answer.list("capacityProviders").iter().filter_map(|one| one.text("name"));
    names.map(str::to_owned).collect()
}

#[test]
fn fargate_is_there_from_the_start_and_for_good() {
    let mut world = world();
    let all = ask(&mut world, "DescribeCapacityProviders", tree! {}).unwrap();
    assert_eq!(names(&all), FARGATE);
    let some = tree! { "capacityProviders" => vec!["FARGATE_SPOT", "mine"] };
    let some = ask(&mut world, "DescribeCapacityProviders", some).unwrap();
    assert_eq!((names(&some), some.list("failures").len()), (vec!["FARGATE_SPOT".to_owned()], 1));
    let refused = ask(&mut world, "DeleteCapacityProvider", tree! { "capacityProvider" => "FARGATE" });
    assert_eq!(refused.unwrap_err().code, "ClientException");
}

#[test]
fn a_group_reads_back_with_its_defaults() {
    let mut world = world();
    create(&mut world, "web", managed()).unwrap();
    let group = shown(&mut world, "web").get("autoScalingGroupProvider").cloned().unwrap();
    let scaling = tree! {
        "status" => "ENABLED", "targetCapacity" => 100, "minimumScalingStepSize" => 1,
        "maximumScalingStepSize" => 10_000, "instanceWarmupPeriod" => 300,
    };
    let protection = group.text("managedTerminationProtection");
    assert_eq!((group.get("managedScaling"), protection), (Some(&scaling), Some("DISABLED")));
    assert_eq!(group.text("managedDraining"), Some("ENABLED"));
}

#[test]
fn changes_take_a_moment() {
    let mut world = world();
    create(&mut world, "web", managed()).unwrap();
    assert_eq!(shown(&mut world, "web").text("updateStatus"), None);
    let group = tree! { "managedScaling" => tree! { "targetCapacity" => 80 } };
    let change = tree! { "name" => "web", "autoScalingGroupProvider" => group };
    let changed = ask(&mut world, "UpdateCapacityProvider", change.clone()).unwrap();
    let scaling = changed.at(&["capacityProvider", "autoScalingGroupProvider", "managedScaling"]).unwrap();
    assert_eq!((scaling.int("targetCapacity"), scaling.text("status")), (Some(80), Some("ENABLED")));
    assert!(ask(&mut world, "UpdateCapacityProvider", change).is_err(), "one at a time");
    world.skip(CHANGE_TIME);
    assert_eq!(shown(&mut world, "web").text("updateStatus"), Some("UPDATE_COMPLETE"));
    ask(&mut world, "DeleteCapacityProvider", tree! { "capacityProvider" => "web" }).unwrap();
    let going = shown(&mut world, "web");
    assert_eq!((going.text("status"), going.text("updateStatus")), (Some("ACTIVE"), Some("DELETE_IN_PROGRESS")));
    world.skip(CHANGE_TIME);
    assert_eq!(shown(&mut world, "web").text("status"), Some("INACTIVE"));
    assert_eq!(names(&ask(&mut world, "DescribeCapacityProviders", tree! {}).unwrap()), FARGATE);
    create(&mut world, "web", managed()).expect("the name is free again");
}

#[test]
fn refuses_what_ecs_refuses() {
    let mut world = world();
    create(&mut world, "web", managed()).unwrap();
    let step = tree! { "minimumScalingStepSize" => 5, "maximumScalingStepSize" => 4 };
    for (name, group, words) in [
        ("awsome", tree! {}, "name is invalid"),
        ("ECS1", tree! {}, "name is invalid"),
        ("Fargate-2", tree! {}, "name is invalid"),
        ("a b", tree! {}, "name is invalid"),
        ("web", tree! { "autoScalingGroupArn" => "other" }, "already exists"),
        ("two", tree! { "autoScalingGroupArn" => GROUP }, "already being used"),
        ("two", tree! { "autoScalingGroupArn" => "arn:aws:ec2:x" }, "ARN is invalid"),
        ("two", tree! { "managedScaling" => step }, "scaling step size value is invalid"),
        ("two", tree! { "managedTerminationProtection" => "ENABLED" }, "must enable managed scaling"),
    ] {
        let fault = create(&mut world, name, group).unwrap_err();
        assert!(fault.code == "ClientException" && fault.message.contains(words), "{name}: {fault:?}");
    }
    let instances = tree! { "name" => "two", "managedInstancesProvider" => tree! {
    "infrastructureRoleArn" => "r", "instanceLaunchTemplate" => tree! {
        "ec2InstanceProfileArn" => "p", "networkConfiguration" => tree! { "subnets" => vec!["s"] } } } };
    let fault = ask(&mut world, "CreateCapacityProvider", instances).unwrap_err();
    assert!(fault.code == "UnsupportedFeatureException" && fault.message.contains("managed instances"), "{fault:?}");
    let over = tree! { "managedScaling" => tree! { "targetCapacity" => 101 } };
    assert_eq!(create(&mut world, "two", over).unwrap_err().code, "InvalidParameterException");
}

#[test]
fn clusters_attach_what_groups_need() {
    let mut world = world();
    for name in ["one", "two"] {
        create(&mut world, name, managed()).unwrap();
    }
    ask(&mut world, "CreateCluster", tree! { "clusterName" => "a" }).unwrap();
    ask(&mut world, "CreateCluster", tree! { "clusterName" => "b" }).unwrap();
    let busy = put(&mut world, "a", vec!["one", "FARGATE"]).unwrap();
    let cluster = busy.get("cluster").unwrap();
    assert_eq!(cluster.text("attachmentsStatus"), Some("UPDATE_IN_PROGRESS"));
    let kinds: Vec<_> = cluster.list("attachments").iter().filter_map(|one| one.text("type")).collect();
    assert_eq!(kinds, ["as_policy", "managed_draining"]);
    assert_eq!(put(&mut world, "a", vec!["two"]).unwrap_err().code, "UpdateInProgressException");
    assert_eq!(
        ask(&mut world, "DeleteCluster", tree! { "cluster" => "a" }).unwrap_err().code,
        "UpdateInProgressException"
    );
    world.skip(Duration::from_secs(60));
    let ask_shown = tree! { "clusters" => vec!["a"], "include" => vec!["ATTACHMENTS"] };
    let settled = ask(&mut world, "DescribeClusters", ask_shown).unwrap();
    assert_eq!(settled.list("clusters")[0].text("attachmentsStatus"), Some("UPDATE_COMPLETE"));
    assert!(put(&mut world, "b", vec!["one"]).unwrap_err().message.contains("managed scaling"));
    let in_use = ask(&mut world, "DeleteCapacityProvider", tree! { "capacityProvider" => "one" });
    assert!(in_use.unwrap_err().message.contains("in use"));
    let own = ask(&mut world, "DescribeCapacityProviders", tree! { "cluster" => "a" }).unwrap();
    assert_eq!(names(&own), ["FARGATE", "one"]);
    put(&mut world, "a", vec!["FARGATE"]).unwrap();
    ask(&mut world, "DeleteCapacityProvider", tree! { "capacityProvider" => "one" }).unwrap();
    assert!(put(&mut world, "b", vec!["one"]).unwrap_err().message.contains("was not found"), "it is on its way out");
}

#[test]
fn a_strategy_is_of_one_sort_and_a_provider_in_use_stays() {
    let mut world = world();
    create(&mut world, "one", managed()).unwrap();
    let item = |name: &str| tree! { "capacityProvider" => name, "weight" => 1 };
    let both = tree! {
        "clusterName" => "a", "capacityProviders" => vec!["FARGATE", "one"],
        "defaultCapacityProviderStrategy" => vec![item("FARGATE"), item("one")],
    };
    assert!(ask(&mut world, "CreateCluster", both.clone()).unwrap_err().message.contains("mix"));
    let twice = both.with("defaultCapacityProviderStrategy", vec![item("one"), item("one")]);
    assert!(ask(&mut world, "CreateCluster", twice.clone()).unwrap_err().message.contains("only once"));
    ask(&mut world, "CreateCluster", twice.with("defaultCapacityProviderStrategy", vec![item("one")])).unwrap();
    let container = tree! { "name" => "c", "image" => "i", "memory" => 64 };
    let definition = tree! { "family" => "f", "containerDefinitions" => vec![container] };
    ask(&mut world, "RegisterTaskDefinition", definition).unwrap();
    let service = tree! { "cluster" => "a", "serviceName" => "s", "taskDefinition" => "f", "desiredCount" => 1 };
    let made = ask(&mut world, "CreateService", service).unwrap();
    let strategy = made.at(&["service", "capacityProviderStrategy"]).and_then(Tree::as_list).unwrap();
    assert_eq!(strategy[0].text("capacityProvider"), Some("one"));
    world.skip(Duration::from_secs(60));
    assert_eq!(put(&mut world, "a", vec!["FARGATE"]).unwrap_err().code, "ResourceInUseException");
}

#[test]
fn providers_come_in_pages_and_have_tags() {
    let mut world = world();
    for number in 0..11 {
        create(&mut world, &format!("p{number:02}"), tree! {}).unwrap();
    }
    let first = ask(&mut world, "DescribeCapacityProviders", tree! {}).unwrap();
    let token = first.text("nextToken").unwrap();
    let second = ask(&mut world, "DescribeCapacityProviders", tree! { "nextToken" => token }).unwrap();
    assert_eq!((names(&first).len(), names(&second).len()), (10, 3));
    let arn = shown(&mut world, "p00").text("capacityProviderArn").unwrap().to_owned();
    let tags = vec![tree! { "key" => "team", "value" => "shop" }];
    ask(&mut world, "TagResource", tree! { "resourceArn" => &arn, "tags" => tags.clone() }).unwrap();
    assert_eq!(shown(&mut world, "p00").list("tags").len(), 0, "tags only when asked for");
    let with_tags = tree! { "capacityProviders" => vec![arn], "include" => vec!["TAGS"] };
    let found = ask(&mut world, "DescribeCapacityProviders", with_tags).unwrap();
    assert_eq!(found.list("capacityProviders")[0].list("tags"), tags);
}
