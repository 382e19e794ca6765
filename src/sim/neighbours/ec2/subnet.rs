//! Subnets: their blocks, zones and free addresses. Must not know: who takes an address.

use crate::shape::Tree;
use crate::sim::ecs::coverage::{Entry, full, partial};
use crate::sim::ecs::{Answer, Fault};
use crate::sim::world::World;
use crate::tree;

use super::cidr::Block;
use super::listing::{Listing, missing_parameter};
use super::pool::Pool;
use super::store::{Ec2, ROUTE_TABLE, SUBNET, VPC};
use super::{dependency, done, interface, invalid, refuse_unsupported, required, route_table, tag, vpc, zone};

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    partial("CreateSubnet", create, "IPv6, IPAM and Outposts"),
    full("DeleteSubnet", delete),
    full("DescribeSubnets", |world, input| LISTING.answer(world, input)),
    partial("ModifySubnetAttribute", modify, "IPv6, Outposts and names of hosts"),
];

const LISTING: Listing = Listing {
    ids: "SubnetIds",
    missing: |id| SUBNET.missing(id),
    id: "SubnetId",
    filter: "Filters",
    list: "Subnets",
    filters: &[
        ("availability-zone", "AvailabilityZone"),
        ("availabilityZone", "AvailabilityZone"),
        ("availability-zone-id", "AvailabilityZoneId"),
        ("availabilityZoneId", "AvailabilityZoneId"),
        ("available-ip-address-count", "AvailableIpAddressCount"),
        ("cidr-block", "CidrBlock"),
        ("cidr", "CidrBlock"),
        ("cidrBlock", "CidrBlock"),
        ("default-for-az", "DefaultForAz"),
        ("defaultForAz", "DefaultForAz"),
        ("map-public-ip-on-launch", "MapPublicIpOnLaunch"),
        ("owner-id", "OwnerId"),
        ("state", "State"),
        ("subnet-arn", "SubnetArn"),
        ("subnet-id", "SubnetId"),
        ("vpc-id", "VpcId"),
    ],
    all: |world| world.ec2.all(&SUBNET).map(|(id, subnet)| show(&world.ec2, id, subnet)).collect(),
};

fn show(ec2: &Ec2, id: &str, subnet: &Tree) -> Tree {
    let free = ec2.pools.get(id).map_or(0, Pool::free);
    let zone = subnet.text("AvailabilityZone").unwrap_or_default();
    let names = tree! {
        "HostnameType" => "ip-name",
        "EnableResourceNameDnsARecord" => false,
        "EnableResourceNameDnsAAAARecord" => false,
    };
    subnet
        .clone()
        .with("AvailabilityZoneId", zone::id(&ec2.region, zone))
        .with("AvailableIpAddressCount", i64::try_from(free).unwrap_or(i64::MAX))
        .with("OwnerId", &ec2.account)
        .with("SubnetArn", ec2.arn(&format!("subnet/{id}")))
        .with("State", "available")
        .with("AssignIpv6AddressOnCreation", false)
        .with("Ipv6CidrBlockAssociationSet", Vec::<Tree>::new())
        .with("Ipv6Native", false)
        .with("EnableDns64", false)
        .with("MapCustomerOwnedIpOnLaunch", false)
        .with("PrivateDnsNameOptionsOnLaunch", names)
        .with("Tags", ec2.tags_of(id))
}

/// A subnet with an address pool of its own.
pub fn make(ec2: &mut Ec2, id: &str, vpc: &str, block: Block, zone: &str, default: bool) {
    let subnet = tree! {
        "VpcId" => vpc,
        "CidrBlock" => block.to_string(),
        "AvailabilityZone" => zone,
        "DefaultForAz" => default,
        "MapPublicIpOnLaunch" => default,
    };
    ec2.keep(&SUBNET, id, subnet);
    ec2.pools.insert(id.to_owned(), Pool::new(block));
}

/// The blocks that a VPC's subnets have taken.
pub fn taken<'a>(ec2: &'a Ec2, vpc: &'a str) -> impl Iterator<Item = Block> + 'a {
    let own = ec2.all(&SUBNET).filter(move |(_, one)| one.text("VpcId") == Some(vpc));
    own.filter_map(|(id, _)| ec2.pools.get(id).map(Pool::block))
}

/// The zone that a subnet lies in.
pub fn zone_of(ec2: &Ec2, subnet: &str) -> Option<String> {
    ec2.find(&SUBNET, subnet)?.text("AvailabilityZone").map(str::to_owned)
}

/// The default subnet of a zone, or any one of it.
pub fn in_zone(ec2: &Ec2, zone: &str) -> Option<String> {
    let of = |one: &Tree| one.text("AvailabilityZone") == Some(zone);
    let default = ec2.all(&SUBNET).find(|(_, one)| of(one) && one.bool("DefaultForAz") == Some(true));
    default.or_else(|| ec2.all(&SUBNET).find(|(_, one)| of(one))).map(|(id, _)| id.clone())
}

fn create(world: &mut World, input: &Tree) -> Answer {
    refuse_unsupported(
        input,
        &["Ipv6CidrBlock", "OutpostArn", "Ipv6Native", "Ipv4IpamPoolId", "Ipv6IpamPoolId", "Ipv4NetmaskLength"],
    )?;
    let tags = tag::on_create(input, &SUBNET)?;
    let region = world.settings.region.clone();
    let ec2 = &mut world.ec2;
    let of = required(input, "VpcId")?.to_owned();
    let blocks = vpc::blocks(ec2.get(&VPC, &of)?);
    let text = input.text("CidrBlock").ok_or_else(|| missing_parameter("CidrBlock"))?;
    let block = vpc::block(text, "InvalidSubnet.Range")?;
    if !blocks.iter().any(|whole| block.is_within(*whole)) {
        return Err(Fault::new("InvalidSubnet.Range", format!("The CIDR '{text}' is invalid.")));
    }
    if taken(ec2, &of).any(|other| other.overlaps(block)) {
        return Err(Fault::new("InvalidSubnet.Conflict", format!("The CIDR '{text}' conflicts with another subnet")));
    }
    let zone = zone::read(&region, input.text("AvailabilityZone"), input.text("AvailabilityZoneId"))?;
    let zone = zone.unwrap_or_else(|| format!("{region}{}", zone::LETTERS.first().unwrap_or(&"a")));
    let id = ec2.id("subnet");
    make(ec2, &id, &of, block, &zone, false);
    tag::put(ec2, &id, tags);
    Ok(tree! { "Subnet" => show(ec2, &id, ec2.get(&SUBNET, &id)?) })
}

fn delete(world: &mut World, input: &Tree) -> Answer {
    let id = required(input, "SubnetId")?.to_owned();
    world.ec2.get(&SUBNET, &id)?;
    if interface::all(world).iter().any(|one| one.text("SubnetId") == Some(id.as_str())) {
        return Err(dependency(format!("The subnet '{id}' has dependencies and cannot be deleted.")));
    }
    let tables = world.ec2.all(&ROUTE_TABLE).map(|(table, _)| table.clone()).collect::<Vec<_>>();
    for table in tables {
        route_table::forget_subnet(&mut world.ec2, &table, &id);
    }
    world.ec2.drop(&SUBNET, &id);
    done()
}

fn modify(world: &mut World, input: &Tree) -> Answer {
    let id = required(input, "SubnetId")?.to_owned();
    refuse_unsupported(
        input,
        &[
            "AssignIpv6AddressOnCreation",
            "MapCustomerOwnedIpOnLaunch",
            "CustomerOwnedIpv4Pool",
            "EnableDns64",
            "PrivateDnsHostnameTypeOnLaunch",
            "EnableResourceNameDnsARecordOnLaunch",
            "EnableResourceNameDnsAAAARecordOnLaunch",
            "EnableLniAtDeviceIndex",
            "DisableLniAtDeviceIndex",
        ],
    )?;
    let subnet = world.ec2.get_mut(&SUBNET, &id)?;
    let value = input.get("MapPublicIpOnLaunch").and_then(|value| value.bool("Value"));
    let value = value.ok_or_else(|| invalid("Exactly one attribute must be specified."))?;
    subnet.set("MapPublicIpOnLaunch", value);
    done()
}
