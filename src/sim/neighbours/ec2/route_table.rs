//! Route tables: where traffic of a subnet goes. Must not know: what is at a route's end but for whether it is there.

use crate::shape::Tree;
use crate::sim::ecs::coverage::{Entry, full, partial};
use crate::sim::ecs::{Answer, Fault};
use crate::sim::world::World;
use crate::tree;

use super::cidr::{Block, canonical_v6};
use super::listing::Listing;
use super::store::{ENDPOINT, Ec2, INSTANCE, INTERFACE, INTERNET_GATEWAY, Kind, NAT_GATEWAY, ROUTE_TABLE, SUBNET, VPC};
use super::{
    dependency, done, endpoint, interface, internet_gateway, invalid, nat_gateway, refuse_unsupported, required, tag,
    vpc,
};

const TARGETS: &str = "transit, local, carrier and virtual private gateways, peerings and prefix lists";

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    partial("AssociateRouteTable", associate, "gateways as what is associated"),
    partial("CreateRoute", create_route, TARGETS),
    full("CreateRouteTable", create),
    full("DeleteRoute", delete_route),
    full("DeleteRouteTable", delete),
    full("DescribeRouteTables", |world, input| LISTING.answer(world, input)),
    full("DisassociateRouteTable", disassociate),
    partial("ReplaceRoute", replace_route, TARGETS),
    full("ReplaceRouteTableAssociation", replace_association),
];

const LISTING: Listing = Listing {
    ids: "RouteTableIds",
    missing: |id| ROUTE_TABLE.missing(id),
    id: "RouteTableId",
    filter: "Filters",
    list: "RouteTables",
    filters: &[
        ("association.gateway-id", "Associations.GatewayId"),
        ("association.main", "Associations.Main"),
        ("association.route-table-association-id", "Associations.RouteTableAssociationId"),
        ("association.route-table-id", "Associations.RouteTableId"),
        ("association.subnet-id", "Associations.SubnetId"),
        ("owner-id", "OwnerId"),
        ("route-table-id", "RouteTableId"),
        ("route.destination-cidr-block", "Routes.DestinationCidrBlock"),
        ("route.destination-ipv6-cidr-block", "Routes.DestinationIpv6CidrBlock"),
        ("route.destination-prefix-list-id", "Routes.DestinationPrefixListId"),
        ("route.gateway-id", "Routes.GatewayId"),
        ("route.instance-id", "Routes.InstanceId"),
        ("route.nat-gateway-id", "Routes.NatGatewayId"),
        ("route.origin", "Routes.Origin"),
        ("route.state", "Routes.State"),
        ("vpc-id", "VpcId"),
    ],
    all: |world| world.ec2.all(&ROUTE_TABLE).map(|(id, table)| show(world, id, table)).collect(),
};

/// What a route can lead to: the member, and the kind.
const WAYS: &[(&str, &Kind)] = &[
    ("GatewayId", &INTERNET_GATEWAY),
    ("NatGatewayId", &NAT_GATEWAY),
    ("InstanceId", &INSTANCE),
    ("NetworkInterfaceId", &INTERFACE),
    ("VpcEndpointId", &ENDPOINT),
];
const NO_WAYS: &[&str] = &[
    "TransitGatewayId",
    "LocalGatewayId",
    "CarrierGatewayId",
    "CoreNetworkArn",
    "OdbNetworkArn",
    "EgressOnlyInternetGatewayId",
    "VpcPeeringConnectionId",
    "DestinationPrefixListId",
    "LocalTarget",
];
const DESTINATIONS: &[&str] = &["DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"];

fn show(world: &World, id: &str, table: &Tree) -> Tree {
    let ec2 = &world.ec2;
    let routes = routes(world, id, table);
    let association =
        |one: &Tree| one.clone().with("RouteTableId", id).with("AssociationState", tree! { "State" => "associated" });
    let associations = table.list("Associations").iter().map(association).collect::<Vec<_>>();
    table
        .clone()
        .with("Routes", routes)
        .with("Associations", associations)
        .with("PropagatingVgws", Vec::<Tree>::new())
        .with("OwnerId", &ec2.account)
        .with("Tags", ec2.tags_of(id))
}

/// The routes of a table: the VPC's own, those made, those of gateway endpoints.
pub fn routes(world: &World, id: &str, table: &Tree) -> Vec<Tree> {
    let ec2 = &world.ec2;
    let of = table.text("VpcId").unwrap_or_default();
    let local = |block: Block| {
        tree! {
            "DestinationCidrBlock" => block.to_string(),
            "GatewayId" => "local",
            "Origin" => "CreateRouteTable",
            "State" => "active",
        }
    };
    let mut routes: Vec<Tree> =
        ec2.find(&VPC, of).map(vpc::blocks).unwrap_or_default().into_iter().map(local).collect();
    for route in table.list("Routes") {
        let state = if leads(world, of, route) { "active" } else { "blackhole" };
        routes.push(route.clone().with("Origin", "CreateRoute").with("State", state));
    }
    routes.extend(endpoint::routes_of(world, id));
    routes
}

/// Whether what a route leads to is there, and attached.
fn leads(world: &World, vpc: &str, route: &Tree) -> bool {
    let gateway = route.text("GatewayId").map(|id| internet_gateway::is_attached(&world.ec2, id, vpc));
    let nat = route.text("NatGatewayId").map(|id| nat_gateway::is_alive(world, id));
    let instance = route.text("InstanceId").map(|id| world.ec2.find(&INSTANCE, id).is_some());
    let interface = route.text("NetworkInterfaceId").map(|id| interface::find(world, id).is_some());
    gateway.or(nat).or(instance).or(interface).unwrap_or(true)
}

/// A route table of a VPC; returns its id.
pub fn make(ec2: &mut Ec2, vpc: &str, main: bool) -> String {
    let id = ec2.id("rtb");
    let mut associations = Vec::new();
    if main {
        associations.push(tree! { "Main" => true, "RouteTableAssociationId" => ec2.id("rtbassoc") });
    }
    let table = tree! { "VpcId" => vpc, "Routes" => Vec::<Tree>::new(), "Associations" => associations };
    ec2.keep(&ROUTE_TABLE, &id, table);
    id
}

/// Puts one more route into a table.
pub fn add(ec2: &mut Ec2, table: &str, route: Tree) {
    change(ec2, table, "Routes", |routes| routes.push(route));
}

fn change(ec2: &mut Ec2, table: &str, member: &str, change: impl FnOnce(&mut Vec<Tree>)) {
    if let Ok(table) = ec2.get_mut(&ROUTE_TABLE, table) {
        let mut items = table.list(member).to_vec();
        change(&mut items);
        table.set(member, items);
    }
}

/// The main table of a VPC.
pub fn main_of<'a>(ec2: &'a Ec2, vpc: &str) -> Option<&'a str> {
    let is_main = |table: &Tree| table.list("Associations").iter().any(|one| one.bool("Main") == Some(true));
    let mut tables = ec2.all(&ROUTE_TABLE);
    tables.find(|(_, table)| table.text("VpcId") == Some(vpc) && is_main(table)).map(|(id, _)| id.as_str())
}

/// The table that a subnet's traffic follows: its own, or the main one.
pub fn table_of<'a>(ec2: &'a Ec2, subnet: &str) -> Option<&'a str> {
    let of = |table: &Tree| table.list("Associations").iter().any(|one| one.text("SubnetId") == Some(subnet));
    let own = ec2.all(&ROUTE_TABLE).find(|(_, table)| of(table)).map(|(id, _)| id.as_str());
    own.or_else(|| main_of(ec2, ec2.find(&SUBNET, subnet)?.text("VpcId")?))
}

/// A subnet is gone: no table knows it any more.
pub fn forget_subnet(ec2: &mut Ec2, table: &str, subnet: &str) {
    change(ec2, table, "Associations", |all| all.retain(|one| one.text("SubnetId") != Some(subnet)));
}

fn create(world: &mut World, input: &Tree) -> Answer {
    let tags = tag::on_create(input, &ROUTE_TABLE)?;
    let vpc = required(input, "VpcId")?;
    world.ec2.get(&VPC, vpc)?;
    let id = make(&mut world.ec2, vpc, false);
    tag::put(&mut world.ec2, &id, tags);
    let shown = show(world, &id, world.ec2.get(&ROUTE_TABLE, &id)?);
    Ok(tree! { "RouteTable" => shown }.with_some("ClientToken", input.get("ClientToken")))
}

fn delete(world: &mut World, input: &Tree) -> Answer {
    let id = required(input, "RouteTableId")?;
    if !world.ec2.get(&ROUTE_TABLE, id)?.list("Associations").is_empty() {
        return Err(dependency(format!("The routeTable '{id}' has dependencies and cannot be deleted.")));
    }
    world.ec2.drop(&ROUTE_TABLE, id);
    done()
}

/// The destination that a request names, in canonical form.
fn destination(input: &Tree) -> Result<(&'static str, String), Fault> {
    let given = DESTINATIONS.iter().filter_map(|name| Some((*name, input.text(name)?))).collect::<Vec<_>>();
    let [(name, text)] = given.as_slice() else {
        return Err(Fault::new("MissingParameter", "Exactly one destination must be specified."));
    };
    let canonical = match *name {
        "DestinationCidrBlock" => Block::read(text).map(|block| block.to_string()),
        "DestinationIpv6CidrBlock" => canonical_v6(text),
        _ => Some((*text).to_owned()),
    };
    let text = canonical.ok_or_else(|| {
        invalid(format!(
            "Value ({text}) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block."
        ))
    })?;
    Ok((*name, text))
}

/// The route that a request asks for.
fn read_route(world: &World, vpc: &str, input: &Tree) -> Result<Tree, Fault> {
    refuse_unsupported(input, NO_WAYS)?;
    let (name, destination) = destination(input)?;
    let given = WAYS.iter().filter_map(|(name, kind)| Some((*name, *kind, input.text(name)?))).collect::<Vec<_>>();
    let [(member, kind, id)] = given.as_slice() else {
        let text = "Exactly one of the targets of a route must be specified.";
        return Err(Fault::new("InvalidParameterCombination", text));
    };
    match kind.prefix {
        "eni" => interface::find(world, id).map(drop).ok_or_else(|| kind.missing(id))?,
        "nat" if !nat_gateway::is_alive(world, id) => {
            return Err(Fault::new("InvalidNatGatewayID.NotFound", format!("The natGateway ID '{id}' does not exist")));
        }
        _ => world.ec2.get(kind, id).map(drop)?,
    }
    if kind.prefix == "igw" && !internet_gateway::is_attached(&world.ec2, id, vpc) {
        let table = input.text("RouteTableId").unwrap_or_default();
        return Err(invalid(format!("route table {table} and network gateway {id} belong to different networks")));
    }
    Ok(tree! { name => destination, *member => *id })
}

fn at(routes: &[Tree], name: &str, destination: &str) -> Option<usize> {
    routes.iter().position(|route| route.text(name) == Some(destination))
}

fn create_route(world: &mut World, input: &Tree) -> Answer {
    let id = required(input, "RouteTableId")?;
    let table = world.ec2.get(&ROUTE_TABLE, id)?.clone();
    let route = read_route(world, table.text("VpcId").unwrap_or_default(), input)?;
    let (name, destination) = destination(input)?;
    if at(&routes(world, id, &table), name, &destination).is_some() {
        let text = format!("The route identified by {destination} already exists.");
        return Err(Fault::new("RouteAlreadyExists", text));
    }
    add(&mut world.ec2, id, route);
    super::returned()
}

fn replace_route(world: &mut World, input: &Tree) -> Answer {
    let id = required(input, "RouteTableId")?;
    let table = world.ec2.get(&ROUTE_TABLE, id)?.clone();
    let (name, destination) = destination(input)?;
    let Some(place) = at(table.list("Routes"), name, &destination) else {
        let text =
            format!("There is no route defined for '{destination}' in the route table. Use CreateRoute instead.");
        return Err(Fault::new("InvalidParameterValue", text));
    };
    let route = read_route(world, table.text("VpcId").unwrap_or_default(), input)?;
    change(&mut world.ec2, id, "Routes", |routes| {
        if let Some(old) = routes.get_mut(place) {
            *old = route;
        }
    });
    done()
}

fn delete_route(world: &mut World, input: &Tree) -> Answer {
    let id = required(input, "RouteTableId")?;
    let table = world.ec2.get(&ROUTE_TABLE, id)?.clone();
    let (name, destination) = destination(input)?;
    let Some(place) = at(table.list("Routes"), name, &destination) else {
        if at(&routes(world, id, &table), name, &destination).is_some() {
            return Err(invalid(format!("cannot remove local route {destination} in route table {id}")));
        }
        let text = format!("no route with destination-cidr-block {destination} in route table {id}");
        return Err(Fault::new("InvalidRoute.NotFound", text));
    };
    change(&mut world.ec2, id, "Routes", |routes| drop(routes.remove(place)));
    done()
}

fn associate(world: &mut World, input: &Tree) -> Answer {
    refuse_unsupported(input, &["GatewayId", "PublicIpv4Pool"])?;
    let ec2 = &mut world.ec2;
    let (id, subnet) = (required(input, "RouteTableId")?.to_owned(), required(input, "SubnetId")?.to_owned());
    let vpc = ec2.get(&ROUTE_TABLE, &id)?.text("VpcId").map(str::to_owned);
    if ec2.get(&SUBNET, &subnet)?.text("VpcId").map(str::to_owned) != vpc {
        return Err(invalid(format!("route table {id} and subnet {subnet} belong to different networks")));
    }
    let of = |table: &Tree| table.list("Associations").iter().any(|one| one.text("SubnetId") == Some(&subnet));
    if ec2.all(&ROUTE_TABLE).any(|(_, table)| of(table)) {
        let text = format!("the specified association for route table {id} conflicts with an existing association");
        return Err(Fault::new("Resource.AlreadyAssociated", text));
    }
    let association = ec2.id("rtbassoc");
    let one = tree! { "Main" => false, "RouteTableAssociationId" => &association, "SubnetId" => subnet };
    change(ec2, &id, "Associations", |all| all.push(one));
    Ok(tree! { "AssociationId" => association, "AssociationState" => tree! { "State" => "associated" } })
}

/// The table of an association, and the association.
fn association(ec2: &Ec2, id: &str) -> Result<(String, Tree), Fault> {
    let of = |table: &Tree| {
        table.list("Associations").iter().find(|one| one.text("RouteTableAssociationId") == Some(id)).cloned()
    };
    let found = ec2.all(&ROUTE_TABLE).find_map(|(table, tree)| of(tree).map(|one| (table.clone(), one)));
    found
        .ok_or_else(|| Fault::new("InvalidAssociationID.NotFound", format!("The association ID '{id}' does not exist")))
}

fn take_out(ec2: &mut Ec2, table: &str, id: &str) {
    change(ec2, table, "Associations", |all| all.retain(|one| one.text("RouteTableAssociationId") != Some(id)));
}

fn disassociate(world: &mut World, input: &Tree) -> Answer {
    let id = required(input, "AssociationId")?;
    let (table, one) = association(&world.ec2, id)?;
    if one.bool("Main") == Some(true) {
        return Err(invalid(format!("cannot disassociate the main route table association {id}")));
    }
    take_out(&mut world.ec2, &table, id);
    done()
}

fn replace_association(world: &mut World, input: &Tree) -> Answer {
    let (id, to) = (required(input, "AssociationId")?, required(input, "RouteTableId")?);
    let ec2 = &mut world.ec2;
    let (from, one) = association(ec2, id)?;
    let vpc = |table: &str| ec2.get(&ROUTE_TABLE, table).map(|table| table.text("VpcId").map(str::to_owned));
    if vpc(to)? != vpc(&from)? {
        return Err(invalid(format!("route table {to} and association {id} belong to different networks")));
    }
    take_out(ec2, &from, id);
    let new = ec2.id("rtbassoc");
    change(ec2, to, "Associations", |all| all.push(one.with("RouteTableAssociationId", &new)));
    Ok(tree! { "NewAssociationId" => new, "AssociationState" => tree! { "State" => "associated" } })
}
