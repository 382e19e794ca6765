//! NAT gateways: how those without a public address reach the internet. Must not know: routes.

use std::time::Duration;

use crate::shape::{Time, Tree};
use crate::sim::ecs::coverage::{Entry, full, partial};
use crate::sim::ecs::{Answer, Fault};
use crate::sim::world::World;
use crate::tree;

use super::interface::{self, New};
use super::listing::Listing;
use super::store::{ADDRESS, NAT_GATEWAY, SUBNET};
use super::{address, internet_gateway, refuse_unsupported, required, tag};

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    partial("CreateNatGateway", create, "regional gateways and secondary addresses"),
    full("DeleteNatGateway", delete),
    full("DescribeNatGateways", |world, input| LISTING.answer(world, input)),
];

const LISTING: Listing = Listing {
    ids: "NatGatewayIds",
    missing: |id| NAT_GATEWAY.missing(id),
    id: "NatGatewayId",
    filter: "Filter",
    list: "NatGateways",
    filters: &[("nat-gateway-id", "NatGatewayId"), ("state", "State"), ("subnet-id", "SubnetId"), ("vpc-id", "VpcId")],
    all: |world| {
        let there = |(_, nat): &(&String, &Tree)| !is_forgotten(world, nat);
        world.ec2.all(&NAT_GATEWAY).filter(there).map(|(id, nat)| show(world, id, nat)).collect()
    },
};

/// From pending to available, and from deleting to deleted (weak: EC2 says "some minutes").
const TURNING: Duration = Duration::from_secs(90);
/// A deleted one can be described for about an hour.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html>
const RETENTION: Duration = Duration::from_secs(3600);

fn at(nat: &Tree, name: &str) -> Option<Time> {
    nat.get(name).and_then(Time::from_tree)
}

fn is_forgotten(world: &World, nat: &Tree) -> bool {
    at(nat, "DeleteTime").is_some_and(|deleted| world.now() >= deleted.after(RETENTION))
}

/// Its state, which time alone brings on.
fn state(world: &World, nat: &Tree) -> &'static str {
    let turned = |since: Time| world.now() >= since.after(TURNING);
    match (nat.get("FailureCode"), at(nat, "DeleteTime"), at(nat, "CreateTime")) {
        (_, Some(deleted), _) if turned(deleted) => "deleted",
        (_, Some(_), _) => "deleting",
        (Some(_), None, _) => "failed",
        (None, None, Some(created)) if !turned(created) => "pending",
        (None, None, _) => "available",
    }
}

/// Whether one can be routed to.
pub fn is_alive(world: &World, id: &str) -> bool {
    world.ec2.find(&NAT_GATEWAY, id).is_some_and(|nat| matches!(state(world, nat), "pending" | "available"))
}

/// Whether what is sent to one reaches the internet: it is public, available, and its own subnet leads out.
pub fn reaches_out(world: &World, id: &str) -> bool {
    let Some(nat) = world.ec2.find(&NAT_GATEWAY, id) else { return false };
    let public = nat.text("ConnectivityType") == Some("public") && state(world, nat) == "available";
    public && nat.text("SubnetId").is_some_and(|subnet| super::reach::has_gateway(world, subnet))
}

fn show(world: &World, id: &str, nat: &Tree) -> Tree {
    let ec2 = &world.ec2;
    nat.clone().with("State", state(world, nat)).with("AvailabilityMode", "zonal").with("Tags", ec2.tags_of(id))
}

fn create(world: &mut World, input: &Tree) -> Answer {
    refuse_unsupported(
        input,
        &["VpcId", "AvailabilityZoneAddresses", "SecondaryAllocationIds", "SecondaryPrivateIpAddresses"],
    )?;
    let tags = tag::on_create(input, &NAT_GATEWAY)?;
    let subnet = required(input, "SubnetId")?.to_owned();
    let vpc = world.ec2.get(&SUBNET, &subnet)?.text("VpcId").unwrap_or_default().to_owned();
    let kind = input.text("ConnectivityType").unwrap_or("public");
    let allocation = match (kind, input.text("AllocationId")) {
        ("public", None) => {
            return Err(Fault::new("MissingParameter", "The request must contain the parameter AllocationId"));
        }
        ("private", Some(_)) => {
            let text = "AllocationId cannot be specified for a private NAT gateway.";
            return Err(Fault::new("InvalidParameterCombination", text));
        }
        (_, allocation) => allocation.map(str::to_owned),
    };
    if let Some(allocation) = &allocation {
        address::judge_free(&world.ec2, allocation)?;
    }
    let id = world.ec2.id("nat");
    let new = New { subnet: &subnet, kind: "nat_gateway", address: input.text("PrivateIpAddress"), ..New::default() };
    let text = format!("Interface for NAT Gateway {id}");
    let interface = interface::make(&mut world.ec2, New { description: &text, requester: Some("amazon-aws"), ..new })?;
    let private = interface::address_of(&world.ec2, &interface);
    let mut shown = tree! { "NetworkInterfaceId" => &interface, "PrivateIp" => private, "IsPrimary" => true, "Status" => "succeeded" };
    if let Some(allocation) = &allocation {
        let association = address::associate(&mut world.ec2, allocation, &interface)?;
        let public = world.ec2.get(&ADDRESS, allocation)?.get("PublicIp").cloned();
        shown = shown.with("AllocationId", allocation).with("AssociationId", association).with_some("PublicIp", public);
    }
    let doorless = kind == "public" && internet_gateway::of_vpc(&world.ec2, &vpc).is_none();
    let why = format!("Network {vpc} has no Internet gateway attached");
    let nat = tree! {
        "SubnetId" => subnet,
        "VpcId" => vpc,
        "ConnectivityType" => kind,
        "CreateTime" => world.now(),
        "NatGatewayAddresses" => vec![shown],
    }
    .with_some("FailureCode", doorless.then_some("Gateway.NotAttached"))
    .with_some("FailureMessage", doorless.then_some(why));
    world.ec2.keep(&NAT_GATEWAY, &id, nat);
    tag::put(&mut world.ec2, &id, tags);
    let shown = show(world, &id, world.ec2.get(&NAT_GATEWAY, &id)?);
    Ok(tree! { "NatGateway" => shown }.with_some("ClientToken", input.get("ClientToken")))
}

fn delete(world: &mut World, input: &Tree) -> Answer {
    let id = required(input, "NatGatewayId")?;
    let now = world.now();
    let nat = world.ec2.get_mut(&NAT_GATEWAY, id)?;
    if nat.get("DeleteTime").is_none() {
        nat.set("DeleteTime", now);
        for one in nat.list("NatGatewayAddresses").to_vec() {
            if let Some(interface) = one.text("NetworkInterfaceId") {
                interface::unmake(&mut world.ec2, interface);
            }
        }
    }
    Ok(tree! { "NatGatewayId" => id })
}
