//! For each check a world in which it fires, and its nearest neighbour in which it does not: applied all the same, the
//! first gets stuck as foretold, the second completes.

use ecs_operator::check::preflight::{Due, Preflight};
use ecs_operator::shape::Tree;
use ecs_operator::sim::ecs::instance::{self, add};
use ecs_operator::tree;

use crate::world::{Outcome, STUCK_SECONDS, Wish, World};

/// One check: its rule, what ECS says where it was right, and the two worlds, each made with `true` for the one in
/// which it fires.
struct Pair {
    rule: &'static str,
    words: &'static str,
    due: Due,
    make: fn(&World, bool) -> Wish,
}

const PAIRS: &[Pair] = &[
    Pair { rule: "preflight-percent", words: "", due: Due::Rollout, make: percents },
    Pair { rule: "preflight-addresses", words: "InsufficientFreeAddresses", due: Due::Rollout, make: addresses },
    Pair { rule: "preflight-addresses", words: "InsufficientFreeAddresses", due: Due::Create, make: one_zone },
    Pair { rule: "preflight-capacity", words: "insufficient CPU units", due: Due::Rollout, make: cpu },
    Pair { rule: "preflight-capacity", words: "insufficient memory", due: Due::Rollout, make: memory },
    Pair { rule: "preflight-capacity", words: "insufficient CPU units", due: Due::Create, make: creation },
    Pair { rule: "preflight-capacity", words: "already using a port", due: Due::Rollout, make: ports },
    Pair { rule: "preflight-capacity", words: "RESOURCE:ENI", due: Due::Create, make: interfaces },
    Pair { rule: "preflight-capacity", words: "RESOURCE:GPU", due: Due::Create, make: gpus },
    Pair { rule: "preflight-capacity", words: "missing an attribute", due: Due::Create, make: architecture },
    Pair { rule: "preflight-capacity", words: "unable to place a task", due: Due::Create, make: distinct },
    Pair { rule: "preflight-capacity", words: "unable to place a task", due: Due::Create, make: zones },
    Pair { rule: "preflight-no-way-out", words: "CannotPullContainer", due: Due::Create, make: public },
    Pair { rule: "preflight-no-way-out", words: "CannotPullContainer", due: Due::Create, make: gateway },
    Pair {
        rule: "preflight-no-way-out",
        words: "ecr registry auth",
        due: Due::Create,
        make: |world, fires| endpoint(world, fires, "ecr.api"),
    },
    Pair {
        rule: "preflight-no-way-out",
        words: "CannotPullContainer",
        due: Due::Create,
        make: |world, fires| endpoint(world, fires, "ecr.dkr"),
    },
    Pair {
        rule: "preflight-no-way-out",
        words: "CannotPullContainer",
        due: Due::Create,
        make: |world, fires| endpoint(world, fires, "s3"),
    },
    Pair {
        rule: "preflight-no-way-out",
        words: "logger args",
        due: Due::Create,
        make: |world, fires| endpoint(world, fires, "logs"),
    },
    Pair {
        rule: "preflight-no-way-out",
        words: "secret from asm",
        due: Due::Create,
        make: |world, fires| endpoint(world, fires, "secretsmanager"),
    },
    Pair {
        rule: "preflight-no-way-out",
        words: "secrets from ssm",
        due: Due::Create,
        make: |world, fires| endpoint(world, fires, "ssm"),
    },
];

fn fargate(desired: i64, subnets: &[&str], public: &str) -> Wish {
    let container = tree! { "name" => "web", "image" => "nginx:1" };
    let network =
        tree! { "awsvpcConfiguration" => tree! { "subnets" => subnets.to_vec(), "assignPublicIp" => public } };
    Wish {
        spec: tree! { "desiredCount" => desired, "launchType" => "FARGATE", "networkConfiguration" => network },
        definition: tree! {
            "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512", "requiresCompatibilities" => vec!["FARGATE"],
            "executionRoleArn" => "arn:aws:iam::123456789012:role/execution", "containerDefinitions" => vec![container],
        },
    }
}

/// A public subnet of eleven addresses in each of these zones.
fn small(world: &World, zones: &[&str]) -> Vec<String> {
    let [vpc, table, gateway] = world.network();
    world.default_route(&table, "GatewayId", &gateway);
    zones.iter().enumerate().map(|(at, zone)| world.subnet(&vpc, &format!("10.0.{at}.0/28"), zone)).collect()
}

fn percents(world: &World, fires: bool) -> Wish {
    let subnets = small(world, &["a"]);
    let percents = tree! { "minimumHealthyPercent" => 100, "maximumPercent" => if fires { 133 } else { 134 } };
    let wish = fargate(3, &[&subnets[0]], "ENABLED");
    Wish { spec: wish.spec.with("deploymentConfiguration", percents), ..wish }
}

/// Eleven addresses: five tasks and five more, or six and six.
fn addresses(world: &World, fires: bool) -> Wish {
    let subnets = small(world, &["a"]);
    fargate(if fires { 6 } else { 5 }, &[&subnets[0]], "ENABLED")
}

/// Half of the tasks go to each zone, whichever has more room: 11 and 27.
fn one_zone(world: &World, fires: bool) -> Wish {
    let [vpc, table, gateway] = world.network();
    world.default_route(&table, "GatewayId", &gateway);
    let (a, b) = (world.subnet(&vpc, "10.0.0.0/28", "a"), world.subnet(&vpc, "10.0.1.0/27", "b"));
    fargate(if fires { 24 } else { 22 }, &[&a, &b], "ENABLED")
}

/// Machines of a type, all in one zone.
fn machines(world: &World, count: usize, kind: &str) {
    for _ in 0..count {
        let wish = instance::Wish { kind: Some(kind.into()), zone: Some("us-east-1a".into()), ..Default::default() };
        add(&mut world.sim.world(), "default", wish).unwrap();
    }
}

fn on_ec2(desired: i64, mode: &str, container: Tree) -> Wish {
    let container = container.with("name", "web").with("image", "nginx:1");
    let container = if container.get("memory").is_some() { container } else { container.with("memory", 128) };
    Wish {
        spec: tree! { "desiredCount" => desired, "launchType" => "EC2", "availabilityZoneRebalancing" => "DISABLED" },
        definition: tree! { "networkMode" => mode, "containerDefinitions" => vec![container] },
    }
}

/// Of 2,048 units two tasks leave none for a third, or just enough.
fn cpu(world: &World, fires: bool) -> Wish {
    machines(world, 1, "m5.large");
    on_ec2(2, "bridge", tree! { "cpu" => if fires { 683 } else { 682 } })
}

fn memory(world: &World, fires: bool) -> Wish {
    machines(world, 1, "m5.large");
    let whole = world.ecs("ListContainerInstances", tree! {}).list("containerInstanceArns").to_vec();
    let shown = world.ecs("DescribeContainerInstances", tree! { "containerInstances" => whole });
    let left = shown.list("containerInstances")[0].list("remainingResources").iter();
    let left = left.filter(|one| one.text("name") == Some("MEMORY")).find_map(|one| one.int("integerValue")).unwrap();
    on_ec2(2, "bridge", tree! { "memory" => left / 3 + i64::from(fires) })
}

fn creation(world: &World, fires: bool) -> Wish {
    machines(world, 2, "m5.large");
    on_ec2(if fires { 5 } else { 4 }, "bridge", tree! { "cpu" => 1024 })
}

/// The port of the machine, or one that it finds.
fn ports(world: &World, fires: bool) -> Wish {
    machines(world, 1, "m5.large");
    let mapping = tree! { "containerPort" => 80, "hostPort" => if fires { 8080 } else { 0 } };
    on_ec2(1, "bridge", tree! { "portMappings" => vec![mapping] })
}

fn in_subnet(world: &World, wish: Wish, zone: &str) -> Wish {
    let [vpc, _, _] = world.network();
    let subnet = world.subnet(&vpc, "10.0.0.0/24", zone);
    let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec![subnet] } };
    Wish { spec: wish.spec.with("networkConfiguration", network), ..wish }
}

/// An m5.large has three interfaces, one of them its own.
fn interfaces(world: &World, fires: bool) -> Wish {
    machines(world, 1, "m5.large");
    in_subnet(world, on_ec2(if fires { 3 } else { 2 }, "awsvpc", tree! {}), "a")
}

fn gpus(world: &World, fires: bool) -> Wish {
    machines(world, 1, "g4dn.xlarge");
    let gpu = tree! { "type" => "GPU", "value" => "1" };
    on_ec2(if fires { 2 } else { 1 }, "bridge", tree! { "resourceRequirements" => vec![gpu] })
}

fn architecture(world: &World, fires: bool) -> Wish {
    machines(world, 1, "m5.large");
    let wish = on_ec2(1, "bridge", tree! {});
    let platform =
        tree! { "cpuArchitecture" => if fires { "ARM64" } else { "X86_64" }, "operatingSystemFamily" => "LINUX" };
    Wish { definition: wish.definition.with("runtimePlatform", platform), ..wish }
}

fn distinct(world: &World, fires: bool) -> Wish {
    machines(world, 2, "m5.large");
    let wish = on_ec2(if fires { 3 } else { 2 }, "bridge", tree! {});
    Wish { spec: wish.spec.with("placementConstraints", vec![tree! { "type" => "distinctInstance" }]), ..wish }
}

fn zones(world: &World, fires: bool) -> Wish {
    machines(world, 1, "m5.large");
    in_subnet(world, on_ec2(1, "awsvpc", tree! {}), if fires { "b" } else { "a" })
}

fn public(world: &World, fires: bool) -> Wish {
    let subnets = small(world, &["a"]);
    fargate(1, &[&subnets[0]], if fires { "DISABLED" } else { "ENABLED" })
}

/// A route to the internet gateway, or none.
fn gateway(world: &World, fires: bool) -> Wish {
    let [vpc, table, gateway] = world.network();
    if !fires {
        world.default_route(&table, "GatewayId", &gateway);
    }
    let subnet = world.subnet(&vpc, "10.0.0.0/24", "a");
    fargate(1, &[&subnet], "ENABLED")
}

/// An isolated subnet with all endpoints that a task needs, or all but one.
fn endpoint(world: &World, fires: bool, left_out: &str) -> Wish {
    let [vpc, table, _] = world.network();
    let subnet = world.subnet(&vpc, "10.0.0.0/24", "a");
    let all = ["ecr.api", "ecr.dkr", "s3", "logs", "secretsmanager", "ssm"];
    for service in all.into_iter().filter(|service| !fires || *service != left_out) {
        let input = tree! { "VpcId" => &vpc, "ServiceName" => format!("com.amazonaws.us-east-1.{service}") };
        let kind = if service == "s3" { "Gateway" } else { "Interface" };
        let input = input.with("VpcEndpointType", kind);
        let input = match service {
            "s3" => input.with("RouteTableIds", vec![&table]),
            _ => input.with("SubnetIds", vec![&subnet]).with("PrivateDnsEnabled", true),
        };
        world.ec2("CreateVpcEndpoint", input);
    }
    world.wait(600);
    let options = tree! { "awslogs-group" => "web", "awslogs-region" => "us-east-1", "awslogs-stream-prefix" => "web" };
    let secret = |name: &str, from: &str| tree! { "name" => name, "valueFrom" => from };
    let secrets = vec![
        secret("ONE", "arn:aws:secretsmanager:us-east-1:123456789012:secret:key-AbCdEf"),
        secret("TWO", "arn:aws:ssm:us-east-1:123456789012:parameter/key"),
    ];
    let container = tree! {
        "name" => "web", "image" => "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1", "secrets" => secrets,
        "logConfiguration" => tree! { "logDriver" => "awslogs", "options" => options },
    };
    let wish = fargate(1, &[&subnet], "DISABLED");
    Wish { definition: wish.definition.with("containerDefinitions", vec![container]), ..wish }
}

/// What was said, what came of it, and all that ECS says of it.
fn played(pair: &Pair, fires: bool) -> (Preflight, Outcome, String) {
    let world = World::new(1);
    let wish = (pair.make)(&world, fires);
    let said = match pair.due {
        Due::Create => world.foretell(Due::Create, &wish, None, &[]),
        Due::Rollout | Due::ScaleOut => {
            world.create("web", &wish);
            assert_eq!(
                world.outcome("web", STUCK_SECONDS),
                Outcome::Completed,
                "{}: {:?}",
                pair.rule,
                world.events("web")
            );
            let shown = world.service("web");
            world.foretell(pair.due, &wish, Some(&shown), &[])
        }
    };
    match pair.due {
        Due::Create => world.create("web", &wish),
        Due::Rollout | Due::ScaleOut => world.roll("web", &wish),
    }
    let outcome = world.outcome("web", STUCK_SECONDS);
    let told = world.events("web").into_iter().chain(world.failures("web").into_iter().map(|(_, why)| why));
    let told = told.collect::<Vec<_>>().join("\n");
    (said, outcome, told)
}

#[test]
fn each_check_fires_where_it_is_right_and_not_next_to_it() {
    for (number, pair) in PAIRS.iter().enumerate() {
        let at = format!("{} ({number}, {})", pair.rule, pair.words);
        let held = |said: &Preflight| said.hold().map(|hold| hold.message).unwrap_or_default();
        let (said, outcome, told) = played(pair, true);
        assert!(held(&said).starts_with(pair.rule) && !held(&said).contains("; preflight"), "{at}: {said:#?}");
        assert_ne!(outcome, Outcome::Completed, "{at}: {said:#?}");
        assert!(told.contains(pair.words), "{at}: {told}");
        let (said, outcome, told) = played(pair, false);
        assert_eq!((held(&said), outcome), (String::new(), Outcome::Completed), "{at}: {said:#?}\n{told}");
    }
}
