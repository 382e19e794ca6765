//! Subnets that lead to an internet gateway, to a NAT gateway that works or does not, or nowhere, with some of the VPC
//! endpoints there are; then a service on Fargate whose image, logs and secrets lie here or there is created. What is
//! said of a subnet happens to the tasks in it, and to no others.

use std::collections::BTreeSet;

use ecs_operator::check::preflight::{Due, Preflight};
use ecs_operator::tree;

use crate::world::{STUCK_SECONDS, Tally, Told, Wish, World};

const ECR: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1";
const ENDPOINTS: [&str; 6] = ["ecr.api", "ecr.dkr", "s3", "logs", "ssm", "secretsmanager"];

/// A route table of its own for a subnet.
fn table(world: &World, vpc: &str, subnet: &str) -> String {
    let table = world.id("CreateRouteTable", tree! { "VpcId" => vpc }, &["RouteTable", "RouteTableId"]);
    world.ec2("AssociateRouteTable", tree! { "RouteTableId" => &table, "SubnetId" => subnet });
    table
}

/// A NAT gateway, in a subnet that leads out or not.
fn nat(world: &World, vpc: &str, cidr: &str, gateway: Option<&str>) -> String {
    let subnet = world.subnet(vpc, cidr, "a");
    let own = table(world, vpc, &subnet);
    if let Some(gateway) = gateway {
        world.default_route(&own, "GatewayId", gateway);
    }
    let address = world.id("AllocateAddress", tree! { "Domain" => "vpc" }, &["AllocationId"]);
    let input = tree! { "SubnetId" => subnet, "AllocationId" => address };
    world.id("CreateNatGateway", input, &["NatGateway", "NatGatewayId"])
}

/// One to three subnets, each with a way of its own.
fn build(world: &mut World) -> Vec<String> {
    let [vpc, _, gateway] = world.network();
    let (works, fails) = (nat(world, &vpc, "10.0.100.0/24", Some(&gateway)), nat(world, &vpc, "10.0.101.0/24", None));
    let (mut subnets, mut tables) = (Vec::new(), Vec::new());
    for (number, zone) in ["a", "b", "c"].into_iter().take(world.rng.usize(1..=3)).enumerate() {
        let subnet = world.subnet(&vpc, &format!("10.0.{number}.0/24"), zone);
        let own = table(world, &vpc, &subnet);
        match world.rng.u8(0..6) {
            0 | 1 => world.default_route(&own, "GatewayId", &gateway),
            2 => world.default_route(&own, "NatGatewayId", &works),
            3 => world.default_route(&own, "NatGatewayId", &fails),
            _ => {}
        }
        subnets.push(subnet);
        tables.push(own);
    }
    let few = world.rng.bool();
    for service in ENDPOINTS {
        if world.rng.u8(0..12) >= if few { 3 } else { 11 } {
            continue;
        }
        let input = tree! { "VpcId" => &vpc, "ServiceName" => format!("com.amazonaws.us-east-1.{service}") };
        let input = match service {
            // A gateway stands in the tables that name it.
            "s3" => input
                .with("VpcEndpointType", "Gateway")
                .with("RouteTableIds", tables[..world.rng.usize(0..=tables.len())].to_vec()),
            _ => input
                .with("VpcEndpointType", "Interface")
                .with("SubnetIds", subnets[..1].to_vec())
                .with("PrivateDnsEnabled", true),
        };
        world.ec2("CreateVpcEndpoint", input);
    }
    // Until gateways and endpoints are available.
    world.wait(600);
    subnets
}

fn wish(world: &mut World, subnets: &[String]) -> Wish {
    let rng = &mut world.rng;
    let mut container = tree! { "name" => "web", "image" => if rng.u8(0..4) == 0 { "nginx:1" } else { ECR } };
    if rng.bool() {
        let options = tree! {
            "awslogs-group" => "web", "awslogs-region" => "us-east-1", "awslogs-stream-prefix" => "web",
        };
        container.set("logConfiguration", tree! { "logDriver" => "awslogs", "options" => options });
    }
    let from = match rng.u8(0..4) {
        0 => Some("arn:aws:secretsmanager:us-east-1:123456789012:secret:key-AbCdEf"),
        1 => Some("arn:aws:ssm:us-east-1:123456789012:parameter/key"),
        _ => None,
    };
    if let Some(from) = from {
        container.set("secrets", vec![tree! { "name" => "KEY", "valueFrom" => from }]);
    }
    let public = if rng.bool() { "ENABLED" } else { "DISABLED" };
    let network =
        tree! { "awsvpcConfiguration" => tree! { "subnets" => subnets.to_vec(), "assignPublicIp" => public } };
    Wish {
        spec: tree! {
            "desiredCount" => rng.i64(1..=4), "launchType" => "FARGATE", "networkConfiguration" => network,
            "availabilityZoneRebalancing" => "DISABLED",
        },
        definition: tree! {
            "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512", "requiresCompatibilities" => vec!["FARGATE"],
            "executionRoleArn" => "arn:aws:iam::123456789012:role/execution", "containerDefinitions" => vec![container],
        },
    }
}

/// The subnets from which it was said that tasks don't get out.
fn named(said: &Preflight, subnets: &[String]) -> BTreeSet<String> {
    let found = said.judged.iter().filter(|one| one.fault.rule == "preflight-no-way-out");
    let of = |message: &str| subnets.iter().find(|subnet| message.contains(subnet.as_str())).cloned();
    found.filter_map(|one| of(&one.fault.message)).collect()
}

/// The subnets in which tasks of the service run.
fn running(world: &World) -> BTreeSet<String> {
    let world = world.sim.world();
    let own = world.ecs.tasks.values().filter(|task| task.service.as_deref() == Some("web") && task.is_running());
    own.filter_map(|task| Some(task.interface.as_ref()?.subnet.clone())).collect()
}

/// One world, from its routes to the end of a creation.
pub fn play(seed: u64, tally: &mut Tally) {
    let mut world = World::new(seed);
    let subnets = build(&mut world);
    let wish = wish(&mut world, &subnets);
    let said = world.foretell(Due::Create, &wish, None, &[]);
    world.create("web", &wish);
    let dead = named(&said, &subnets);
    if Told::of(&said) != Told::Held || dead.len() == subnets.len() {
        tally.judge(seed, Due::Create, &world, &wish, &said);
    } else {
        // Some get out: it depends on where tasks are put.
        world.outcome("web", STUCK_SECONDS);
        world.wait(300);
    }
    let failed: BTreeSet<String> = world.failures("web").into_iter().map(|(subnet, _)| subnet).collect();
    assert!(failed.is_subset(&dead), "world {seed}: {:?}, and it was said: {said:#?}", world.failures("web"));
    assert!(running(&world).is_disjoint(&dead), "world {seed}: tasks run, and it was said: {said:#?}");
    let placed = failed.union(&running(&world)).count();
    assert!(placed > 0, "world {seed}: {:?}", world.events("web"));
}
