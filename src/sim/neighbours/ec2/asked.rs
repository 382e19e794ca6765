//! Subnets and security groups that somebody asks for by id and that nobody made come into being as if ECS had been told
//! of them: whoever looks before a service is created sees what the service will find. Must not know: who asks.

use crate::shape::{Time, Tree};
use crate::sim::ecs::Fault;
use crate::sim::world::World;
use crate::tree;

use super::named;
use super::store::{NAT_GATEWAY, ROUTE_TABLE, SUBNET};
use super::{reach, route_table};

/// What is asked for by a filter; who lists ids as such wants to be told of those that are not there.
const ASKED: &[(&str, &str, &str, &str)] = &[
    ("DescribeSubnets", "subnet-id", "subnet-", "subnets"),
    ("DescribeSecurityGroups", "group-id", "sg-", "securityGroups"),
];

/// Learns of the ids in a request, unless networks must exist.
pub fn learn(world: &mut World, operation: &str, input: &Tree) {
    let row = ASKED.iter().find(|(name, ..)| *name == operation && !world.settings.networks_must_exist);
    let Some((_, filter, prefix, list)) = row else { return };
    let named = input.list("Filters").iter().filter(|one| one.text("Name") == Some(filter));
    let is_id = |id: &&str| id.strip_prefix(prefix).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_alphanumeric()));
    let ids: Vec<&str> = named.flat_map(|one| one.list("Values")).filter_map(Tree::as_text).filter(is_id).collect();
    named::learn(world, &tree! { *list => ids.clone() });
    for id in ids.into_iter().filter(|id| named::is_named(&world.ec2, id)).collect::<Vec<_>>() {
        // Where people have taken the default VPC apart, it has no way out to show.
        drop(lead_out(world, id));
    }
}

/// The name of the route table that named subnets go by.
const NAME: &str = "Taken as named";

/// Named subnets have a way to everywhere: what shows of it is a NAT gateway.
fn lead_out(world: &mut World, subnet: &str) -> Result<(), Fault> {
    let Some(vpc) = world.ec2.find(&SUBNET, subnet).and_then(|one| one.text("VpcId")).map(str::to_owned) else {
        return Ok(());
    };
    let associated = |one: &Tree| one.list("Associations").iter().any(|it| it.text("SubnetId") == Some(subnet));
    if world.ec2.all(&ROUTE_TABLE).any(|(_, table)| associated(table)) {
        return Ok(());
    }
    let ours = |id: &str| world.ec2.tags.get(id).and_then(|tags| tags.get("Name")).is_some_and(|name| name == NAME);
    let here = |table: &Tree| table.text("VpcId") == Some(vpc.as_str());
    let known = world.ec2.all(&ROUTE_TABLE).find(|(id, table)| here(table) && ours(id)).map(|(id, _)| id.clone());
    let table = match known {
        Some(table) => table,
        None => new_table(world, &vpc)?,
    };
    super::call(world, "AssociateRouteTable", &tree! { "RouteTableId" => table, "SubnetId" => subnet }).map(drop)
}

fn new_table(world: &mut World, vpc: &str) -> Result<String, Fault> {
    let public = |(id, one): &(&String, &Tree)| {
        one.text("VpcId") == Some(vpc) && !named::is_named(&world.ec2, id) && reach::has_gateway(world, id)
    };
    let public = world.ec2.all(&SUBNET).find(public).map(|(id, _)| id.clone());
    let public = public.ok_or_else(|| super::dependency("The VPC has no public subnet."))?;
    let text = |answer: &Tree, path: &[&str]| answer.at(path).and_then(Tree::as_text).unwrap_or_default().to_owned();
    let address = super::call(world, "AllocateAddress", &tree! { "Domain" => "vpc" })?;
    let address = text(&address, &["AllocationId"]);
    let nat = super::call(world, "CreateNatGateway", &tree! { "SubnetId" => public, "AllocationId" => address })?;
    let nat = text(&nat, &["NatGateway", "NatGatewayId"]);
    // It has always been there.
    world.ec2.get_mut(&NAT_GATEWAY, &nat)?.set("CreateTime", Time::default());
    let tags = vec![tree! { "Key" => "Name", "Value" => NAME }];
    let tags = vec![tree! { "ResourceType" => ROUTE_TABLE.name, "Tags" => tags }];
    let table = super::call(world, "CreateRouteTable", &tree! { "VpcId" => vpc, "TagSpecifications" => tags })?;
    let table = text(&table, &["RouteTable", "RouteTableId"]);
    let route = tree! { "DestinationCidrBlock" => "0.0.0.0/0", "NatGatewayId" => nat };
    route_table::add(&mut world.ec2, &table, route);
    Ok(table)
}
