//! Fargate that is short of capacity, or of quota.

use super::*;
use crate::sim::ecs::capacity_provider::fargate;
use crate::sim::ecs::task::zone_by_name;

const CAPACITY: &str =
    "Capacity is unavailable at this time. Please try again later or in a different availability zone";
const VCPUS: &str = "You've reached the limit on the number of vCPUs you can run concurrently";

/// A cluster with a definition of one vCPU.
fn fargate_world(settings: Settings) -> World {
    let mut world = World::new(settings, Time(0));
    ask(&mut world, "CreateCluster", tree! { "capacityProviders" => FARGATE.to_vec() }).unwrap();
    let container = tree! { "name" => "app", "image" => "app:1" };
    let definition = tree! {
        "family" => "app", "networkMode" => "awsvpc", "requiresCompatibilities" => vec!["FARGATE"],
        "cpu" => "1024", "memory" => "2048", "containerDefinitions" => vec![container],
    };
    ask(&mut world, "RegisterTaskDefinition", definition).unwrap();
    world
}

fn network(subnets: &[&str]) -> Tree {
    tree! { "awsvpcConfiguration" => tree! { "subnets" => subnets.to_vec() } }
}

fn run(world: &mut World, subnets: &[&str], count: i64, provider: &str) -> Tree {
    let item = tree! { "capacityProvider" => provider, "weight" => 1 };
    let input = tree! {
        "taskDefinition" => "app", "count" => count, "networkConfiguration" => network(subnets),
        "capacityProviderStrategy" => vec![item],
    };
    ask(world, "RunTask", input).unwrap()
}

/// How many were started, and why the others were not.
fn outcome(answer: &Tree) -> (usize, Vec<&str>) {
    let reasons = answer.list("failures").iter().filter_map(|one| one.text("reason")).collect();
    (answer.list("tasks").len(), reasons)
}

fn pass(world: &mut World, secs: u64) {
    let until = world.now().after(Duration::from_secs(secs));
    world.advance_to(until);
}

fn serve(world: &mut World, desired: i64, subnets: &[&str]) {
    let input = tree! {
        "serviceName" => "web", "taskDefinition" => "app", "desiredCount" => desired, "launchType" => "FARGATE",
        "networkConfiguration" => network(subnets),
    };
    ask(world, "CreateService", input).unwrap();
}

fn service(world: &mut World) -> Tree {
    let shown = ask(world, "DescribeServices", tree! { "services" => vec!["web"] }).unwrap();
    shown.list("services")[0].clone()
}

fn told(world: &mut World, text: &str) -> usize {
    let message = format!("(service web) was unable to place a task. Reason: {text}.");
    service(world).list("events").iter().filter(|one| one.text("message") == Some(&message)).count()
}

#[test]
fn a_quota_counts_vcpus_and_spot_has_its_own() {
    let settings = Settings { fargate_vcpus: Some(3), fargate_spot_vcpus: Some(1), ..Settings::default() };
    let mut world = fargate_world(settings);
    let answer = run(&mut world, &["subnet-a"], 5, "FARGATE");
    assert_eq!(outcome(&answer), (3, vec![VCPUS, VCPUS]));
    assert_eq!(outcome(&run(&mut world, &["subnet-a"], 2, "FARGATE_SPOT")), (1, vec![VCPUS]));
    let arn = answer.list("tasks")[0].text("taskArn").unwrap();
    ask(&mut world, "StopTask", tree! { "task" => arn }).unwrap();
    assert_eq!(outcome(&run(&mut world, &["subnet-a"], 1, "FARGATE")).0, 0, "it is stopping still");
    pass(&mut world, 300);
    assert_eq!(outcome(&run(&mut world, &["subnet-a"], 1, "FARGATE")).0, 1);
}

#[test]
fn a_service_waits_for_quota_and_keeps_trying() {
    let mut world = fargate_world(Settings { fargate_vcpus: Some(2), ..Settings::default() });
    let other = run(&mut world, &["subnet-a"], 1, "FARGATE");
    serve(&mut world, 3, &["subnet-a"]);
    pass(&mut world, 300);
    assert_eq!((service(&mut world).int("runningCount"), told(&mut world, VCPUS)), (Some(1), 1));
    let arn = other.list("tasks")[0].text("taskArn").unwrap();
    ask(&mut world, "StopTask", tree! { "task" => arn }).unwrap();
    pass(&mut world, 300);
    assert_eq!(service(&mut world).int("runningCount"), Some(2), "what others gave back");
    world.settings.fargate_vcpus = Some(6);
    fargate::changed(&mut world);
    pass(&mut world, 300);
    let shown = service(&mut world);
    assert_eq!(shown.int("runningCount"), Some(3));
    assert!(shown.list("events")[0].text("message").unwrap().ends_with("has reached a steady state."));
}

#[test]
fn tasks_go_where_there_is_capacity() {
    let names = ["subnet-1", "subnet-2", "subnet-3", "subnet-4", "subnet-5", "subnet-6"];
    let zone = |name: &str| zone_by_name("us-east-1", name);
    let first = names[0];
    let elsewhere = *names.iter().find(|name| zone(name) != zone(first)).unwrap();
    let mut world = fargate_world(Settings::default());
    world.ecs.outside.closed.insert(zone(first));
    assert_eq!(outcome(&run(&mut world, &[first], 2, "FARGATE")), (0, vec![CAPACITY, CAPACITY]));
    let started = run(&mut world, &[first, elsewhere], 4, "FARGATE");
    assert_eq!(outcome(&started), (4, vec![]));
    let zones = started.list("tasks").iter().map(|task| task.text("availabilityZone").unwrap());
    assert!(zones.into_iter().all(|found| found == zone(elsewhere)));
    serve(&mut world, 2, &[first]);
    pass(&mut world, 300);
    assert_eq!((service(&mut world).int("runningCount"), told(&mut world, CAPACITY)), (Some(0), 1));
    world.ecs.outside.closed.clear();
    fargate::changed(&mut world);
    pass(&mut world, 300);
    assert_eq!(service(&mut world).int("runningCount"), Some(2));
}

#[test]
fn spot_can_be_short_alone() {
    let mut world = fargate_world(Settings::default());
    world.ecs.outside.closed.insert("FARGATE_SPOT".into());
    assert_eq!(outcome(&run(&mut world, &["subnet-a"], 1, "FARGATE_SPOT")), (0, vec![CAPACITY]));
    assert_eq!(outcome(&run(&mut world, &["subnet-a"], 1, "FARGATE")).0, 1);
}
