//! The cluster query language, expression by expression.

use super::super::super::instance::{self, Wish};
use super::*;
use crate::shape::{Time, Tree};
use crate::sim::ecs::call;
use crate::sim::world::{Settings, World};
use crate::tree;

/// One m5.large in us-east-1b with a few attributes of its own, registered on 2026-05-28, with no tasks.
fn world() -> (World, (String, String)) {
    let mut world = World::new(Settings::default(), Time(1_780_000_000_000));
    call(&mut world, "ecs", "CreateCluster", &tree! {}).unwrap();
    let attribute = |name: &str, value: &str| tree! { "name" => name, "value" => value };
    let attributes = vec![
        attribute("stack", "prod"),
        attribute("rank", "12"),
        attribute("in", "x"),
        tree! { "name" => "ssd" },
        attribute("odd", "a b"),
    ];
    let wish = Wish {
        zone: Some("us-east-1b".into()),
        machine: Some("i-0123".into()),
        told: tree! { "attributes" => attributes, "versionInfo" => tree! { "agentVersion" => "1.40.0" } },
        ..Wish::default()
    };
    let key = instance::add(&mut world, "default", wish).unwrap();
    (world, key)
}

const TRUE: &[&str] = &[
    "attribute:stack == prod",
    "attribute:stack==prod",
    "attribute:stack equals prod",
    "attribute:stack == \"prod\"",
    "attribute:odd == 'a b'",
    "attribute:stack != test",
    "attribute:none != test",
    "attribute:rank > 9",
    "attribute:rank >= 12",
    "attribute:rank < 100",
    "attribute:rank <= 12.0",
    "attribute:stack exists",
    "attribute:ssd exists",
    "attribute:none !exists",
    "attribute:none not_exists",
    "attribute:stack in [test, prod]",
    "attribute:stack in [prod]",
    "attribute:stack !in [test, dev]",
    "attribute:stack not_in [test]",
    "attribute:in in [x]",
    "attribute:ecs.instance-type =~ m5.*",
    "attribute:ecs.instance-type =~ (m|c)5\\.(large|xlarge)",
    "(attribute:ecs.instance-type =~ (m|c)5.*)",
    "attribute:ecs.instance-type !~ m5",
    "attribute:ecs.instance-type matches m5.+",
    "attribute:ecs.availability-zone in [us-east-1a, us-east-1b]",
    "attribute:ecs.capability.task-eni exists",
    "attribute:ecs.os-type == linux and attribute:ecs.cpu-architecture == x86_64",
    "attribute:stack == test or attribute:stack == prod",
    "attribute:stack == test || attribute:rank == 12 && attribute:ssd exists",
    "not attribute:stack == test",
    "not(attribute:stack == test)",
    "!(attribute:stack == test)",
    "not (attribute:stack == test or attribute:rank < 3)",
    "((attribute:stack == prod) and (not attribute:rank == 3))",
    "agentConnected == true",
    "agentVersion >= 1.9.0",
    "agentVersion < 1.100.0",
    "ec2InstanceId in ['i-0123', 'i-abcd']",
    "registeredAt >= 2026-05-01T00:00:00+00:00",
    "registeredAt < 2026-12-31",
    "runningTasksCount == 0",
    "task:group !exists",
    "not(task:group == database)",
    "task:group != service:web",
];

const FALSE: &[&str] = &[
    "attribute:stack == test",
    "attribute:ssd == true",
    "attribute:rank == 9",
    "attribute:none == test",
    "attribute:none < test",
    "attribute:ecs.instance-type =~ m5",
    "attribute:stack in [test]",
    "attribute:stack == test or attribute:rank == 3 and attribute:ssd exists",
    "agentConnected == false",
    "agentVersion > 1.40.0",
    "runningTasksCount > 1",
    "task:group == service:web",
    "attribute:ecs.capability.external exists",
];

const WRONG: &[&str] = &[
    "",
    "   ",
    "attribute:stack",
    "attribute: == x",
    "stack == prod",
    "attribute:stack = prod",
    "attribute:stack ==",
    "attribute:stack == prod and",
    "attribute:stack == prod attribute:rank == 1",
    "(attribute:stack == prod",
    "attribute:stack == prod)",
    "attribute:stack in prod",
    "attribute:stack in [prod",
    "attribute:stack in []",
    "attribute:stack =~ [",
    "attribute:stack == 'prod",
    "attribute:stack ! prod",
    "attribute:stack & prod",
    "not",
    "registeredAt > yesterday",
    "é == ü",
];

#[test]
fn expressions_hold_or_not() {
    let (world, key) = world();
    let instance = &world.ecs.instances[&key];
    for (expressions, expected) in [(TRUE, true), (FALSE, false)] {
        for text in expressions {
            let query = read(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!(query.holds(&world.ecs, instance), expected, "{text}: {query:?}");
        }
    }
}

#[test]
fn what_is_no_expression_is_refused() {
    for text in WRONG {
        assert!(read(text).is_err(), "{text}");
    }
    assert!(read(&format!("{}attribute:a exists", "(".repeat(900))).unwrap_err().contains("nested"));
    assert!(read(&"x".repeat(LONGEST + 1)).unwrap_err().contains("2000"));
}

#[test]
fn lists_can_be_filtered() {
    let (mut world, key) = world();
    let ask = |world: &mut World, filter: &str| {
        call(world, "ecs", "ListContainerInstances", &tree! { "filter" => filter }).map(|answer| {
            answer.list("containerInstanceArns").iter().filter_map(Tree::as_text).map(str::to_owned).collect::<Vec<_>>()
        })
    };
    assert_eq!(ask(&mut world, "attribute:stack == prod").unwrap(), [world.ecs.instances[&key].arn.clone()]);
    assert!(ask(&mut world, "attribute:stack == test").unwrap().is_empty());
    assert_eq!(ask(&mut world, "stack").unwrap_err().code, "InvalidParameterException");
}
