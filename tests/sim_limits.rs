//! Pages, batches, tags and repetitions: what all of ECS's operations have in common (docs/ecs.md §1.4, §1.5, §7.2).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ecs_operator::shape::{Time, Tree};
use ecs_operator::sim::Sim;
use ecs_operator::sim::ecs::Fault;
use ecs_operator::sim::world::Settings;
use ecs_operator::tree;

const DAY_MS: i64 = 24 * 3600 * 1000;

fn world() -> (Sim, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(0));
    let shown = clock.clone();
    (Sim::new(Settings::default(), move || Time(shown.load(Ordering::Relaxed))), clock)
}

fn ask(sim: &Sim, operation: &str, input: Tree) -> Tree {
    sim.call("ecs", operation, input).unwrap_or_else(|fault| panic!("{operation}: {fault:?}"))
}

fn refused(sim: &Sim, operation: &str, input: Tree) -> Fault {
    sim.call("ecs", operation, input).expect_err(operation)
}

fn container() -> Tree {
    tree! { "name" => "web", "image" => "nginx:1", "portMappings" => vec![tree! { "name" => "http", "containerPort" => 80 }] }
}

fn definition(family: &str) -> Tree {
    tree! {
        "family" => family, "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
        "requiresCompatibilities" => vec!["FARGATE"], "containerDefinitions" => vec![container()],
    }
}

fn service(name: &str) -> Tree {
    let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-1"] } };
    tree! {
        "cluster" => "c", "serviceName" => name, "taskDefinition" => "f", "desiredCount" => 1, "launchType" => "FARGATE",
        "networkConfiguration" => network, "serviceConnectConfiguration" => tree! { "enabled" => true },
    }
}

/// Something for every list to show.
fn furnished() -> (Sim, Arc<AtomicI64>) {
    let (sim, clock) = world();
    ask(
        &sim,
        "CreateCluster",
        tree! { "clusterName" => "c", "serviceConnectDefaults" => tree! { "namespace" => "n" } },
    );
    for number in 0..101 {
        ask(&sim, "CreateCluster", tree! { "clusterName" => format!("c{number}") });
        ask(&sim, "RegisterTaskDefinition", definition(&format!("f{number}")));
    }
    ask(&sim, "RegisterTaskDefinition", definition("f"));
    for number in 0..11 {
        ask(&sim, "CreateService", service(&format!("s{number}")));
    }
    for number in 0..20 {
        let more = tree! { "cluster" => "c", "service" => "s0", "forceNewDeployment" => true };
        ask(&sim, "UpdateService", more.with("desiredCount", number));
    }
    ask(&sim, "UpdateService", tree! { "cluster" => "c", "service" => "s1", "desiredCount" => 101 });
    clock.fetch_add(600_000, Ordering::Relaxed);
    (sim, clock)
}

/// An operation, what it is asked, the member that it lists, and how many rows a page has unless asked, and at most.
type Listing = (&'static str, fn() -> Tree, &'static str, usize, usize);

const LISTINGS: &[Listing] = &[
    ("DescribeCapacityProviders", Tree::map, "capacityProviders", 10, 10),
    ("ListAccountSettings", || tree! { "effectiveSettings" => true }, "settings", 10, 10),
    ("ListAttributes", || tree! { "cluster" => "c", "targetType" => "container-instance" }, "attributes", 100, 100),
    ("ListClusters", Tree::map, "clusterArns", 100, 100),
    ("ListContainerInstances", || tree! { "cluster" => "c" }, "containerInstanceArns", 100, 100),
    ("ListServiceDeployments", || tree! { "cluster" => "c", "service" => "s0" }, "serviceDeployments", 20, 100),
    ("ListServices", || tree! { "cluster" => "c" }, "serviceArns", 10, 100),
    ("ListServicesByNamespace", || tree! { "namespace" => "n" }, "serviceArns", 10, 100),
    ("ListTaskDefinitionFamilies", Tree::map, "families", 100, 100),
    ("ListTaskDefinitions", Tree::map, "taskDefinitionArns", 100, 100),
    ("ListTasks", || tree! { "cluster" => "c" }, "taskArns", 100, 100),
];
/// Lists that have nothing to show here, or too little for a second page.
const SHORT: &[&str] = &["DescribeCapacityProviders", "ListAttributes", "ListContainerInstances"];

#[test]
fn pages_have_ecss_sizes() {
    let (sim, _) = furnished();
    for (operation, input, member, usual, most) in LISTINGS {
        let page = ask(&sim, operation, input());
        if !SHORT.contains(operation) {
            assert_eq!(page.list(member).len(), *usual, "{operation}");
            assert!(page.text("nextToken").is_some(), "{operation} has more");
        }
        let sized = |size: usize| input().with("maxResults", size);
        assert!(ask(&sim, operation, sized(*most)).list(member).len() <= *most, "{operation}");
        for size in [0, most + 1] {
            assert_eq!(refused(&sim, operation, sized(size)).code, "InvalidParameterException", "{operation} {size}");
        }
    }
}

#[test]
fn a_token_is_good_for_its_own_list_and_for_a_day() {
    let (sim, clock) = furnished();
    let token = |operation: &str, input: Tree| ask(&sim, operation, input).text("nextToken").unwrap().to_owned();
    let clusters = token("ListClusters", Tree::map());
    for (operation, input, _, usual, _) in LISTINGS {
        let with = |token: &str| input().with("nextToken", token);
        let code = |token: &str| refused(&sim, operation, with(token)).code;
        for wrong in ["x", "616263", "é", &"f".repeat(5_000)] {
            assert_eq!(code(wrong), "InvalidParameterException", "{operation} {wrong}");
        }
        if *operation != "ListClusters" {
            assert_eq!(code(&clusters), "InvalidParameterException", "{operation}: of another call");
        }
        if !SHORT.contains(operation) {
            let own = token(operation, input());
            let rest = ask(&sim, operation, with(&own).with("maxResults", *usual));
            assert!(rest.as_map().unwrap().values().any(|list| !list.is_empty()), "{operation}: there is more");
        }
    }
    let elsewhere = tree! { "familyPrefix" => "f", "nextToken" => token("ListTaskDefinitionFamilies", Tree::map()) };
    assert_eq!(refused(&sim, "ListTaskDefinitionFamilies", elsewhere).code, "InvalidParameterException");
    clock.fetch_add(DAY_MS, Ordering::Relaxed);
    let late = refused(&sim, "ListClusters", tree! { "nextToken" => clusters });
    assert!(late.message.contains("expired"), "{late:?}");
}

#[test]
fn batches_have_ecss_sizes() {
    let (sim, _) = furnished();
    let of = |member: &'static str| move |names: Vec<String>| tree! { "cluster" => "c" }.with(member, names);
    let of_all = |member: &'static str| move |names: Vec<String>| Tree::map().with(member, names);
    type Input = Box<dyn Fn(Vec<String>) -> Tree>;
    let batches: Vec<(&str, Input, usize)> = vec![
        ("DescribeServices", Box::new(of("services")), 10),
        ("DescribeTasks", Box::new(of("tasks")), 100),
        ("DescribeContainerInstances", Box::new(of("containerInstances")), 100),
        ("DescribeClusters", Box::new(of_all("clusters")), 100),
        ("DescribeCapacityProviders", Box::new(of_all("capacityProviders")), 100),
        ("DescribeServiceDeployments", Box::new(of_all("serviceDeploymentArns")), 20),
        ("DescribeServiceRevisions", Box::new(of_all("serviceRevisionArns")), 20),
        ("DeleteTaskDefinitions", Box::new(of_all("taskDefinitions")), 10),
    ];
    for (operation, input, most) in batches {
        let names = |count: usize| (0..count).map(|number| format!("none{number}")).collect::<Vec<_>>();
        let answer = ask(&sim, operation, input(names(most)));
        assert_eq!(answer.list("failures").len(), most, "{operation}: each is missing by itself");
        assert_eq!(refused(&sim, operation, input(names(most + 1))).code, "InvalidParameterException", "{operation}");
    }
}

/// What is made with tags, and the ARN in its answer.
#[test]
fn everything_that_is_made_takes_tags_and_their_rules() {
    let (sim, _) = world();
    ask(&sim, "CreateCluster", tree! { "clusterName" => "c" });
    ask(&sim, "RegisterTaskDefinition", definition("f"));
    let group = tree! { "autoScalingGroupArn" => "web" };
    let makers = [
        ("CreateCluster", tree! { "clusterName" => "tagged" }, ["cluster", "clusterArn"]),
        ("RegisterTaskDefinition", definition("tagged"), ["taskDefinition", "taskDefinitionArn"]),
        (
            "CreateService",
            service("tagged").with("serviceConnectConfiguration", tree! { "enabled" => false }),
            ["service", "serviceArn"],
        ),
        (
            "CreateCapacityProvider",
            tree! { "name" => "tagged", "autoScalingGroupProvider" => group },
            ["capacityProvider", "capacityProviderArn"],
        ),
    ];
    let tag = |key: &str, value: &str| tree! { "key" => key, "value" => value };
    let many: Vec<Tree> = (0..51).map(|number| tag(&format!("k{number}"), "")).collect();
    for (operation, input, arn) in makers {
        for bad in [
            many.clone(),
            vec![tag("aws:x", "")],
            vec![tag("AWS:x", "")],
            vec![tag("a", "1"), tag("a", "2")],
            vec![tag(&"k".repeat(129), "")],
            vec![tag("k", &"v".repeat(257))],
            vec![tag("k", "{}")],
        ] {
            let fault = refused(&sim, operation, input.clone().with("tags", bad));
            assert_eq!(fault.code, "InvalidParameterException", "{operation} {fault:?}");
        }
        let made = ask(&sim, operation, input.with("tags", vec![tag("a", "1")]));
        let arn = made.at(&arn).and_then(Tree::as_text).unwrap();
        ask(&sim, "TagResource", tree! { "resourceArn" => arn, "tags" => many[..49].to_vec() });
        let over = tree! { "resourceArn" => arn, "tags" => vec![tag("one more", "")] };
        assert_eq!(refused(&sim, "TagResource", over).code, "InvalidParameterException", "{operation}");
        let keys: Vec<String> = (0..49).map(|number| format!("k{number}")).collect();
        ask(&sim, "UntagResource", tree! { "resourceArn" => arn, "tagKeys" => keys });
        let left = ask(&sim, "ListTagsForResource", tree! { "resourceArn" => arn });
        assert_eq!(left.list("tags"), [tag("a", "1")], "{operation}");
    }
}

#[test]
fn repetitions_are_answered_as_ecs_answers_them() {
    let (sim, clock) = world();
    ask(&sim, "CreateCluster", tree! { "clusterName" => "c" });
    ask(&sim, "RegisterTaskDefinition", definition("f"));
    let plain = service("s").with("serviceConnectConfiguration", tree! { "enabled" => false }).with("clientToken", "t");
    let made = ask(&sim, "CreateService", plain.clone());
    let again = ask(&sim, "CreateService", plain.clone());
    let arn = |answer: &Tree| answer.at(&["service", "serviceArn"]).cloned().unwrap();
    assert_eq!(arn(&made), arn(&again));
    let other = refused(&sim, "CreateService", plain.clone().with("desiredCount", 2));
    assert_eq!(other.message, "Creation of service was not idempotent.");
    let revision = |answer: Tree| answer.at(&["taskDefinition", "revision"]).and_then(Tree::as_int);
    assert_eq!(revision(ask(&sim, "RegisterTaskDefinition", definition("f"))), Some(2), "never idempotent");
    for _ in 0..2 {
        let gone = ask(&sim, "DeregisterTaskDefinition", tree! { "taskDefinition" => "f:2" });
        assert_eq!(gone.at(&["taskDefinition", "status"]), Some(&"INACTIVE".into()));
    }
    let by_name = tree! { "cluster" => "c", "service" => "s", "force" => true };
    for _ in 0..2 {
        let draining = ask(&sim, "DeleteService", by_name.clone());
        assert_eq!(draining.at(&["service", "status"]), Some(&"DRAINING".into()));
    }
    let name = refused(&sim, "CreateService", plain.clone().with("clientToken", "u"));
    assert_eq!(name.message, "Unable to Start a service that is still Draining.");
    clock.fetch_add(300_000, Ordering::Relaxed);
    let over = refused(&sim, "DeleteService", by_name);
    assert_eq!(over.code, "ServiceNotActiveException");
    ask(&sim, "CreateService", plain.with("clientToken", "u"));
}
