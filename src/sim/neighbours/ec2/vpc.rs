//! VPCs, and what every VPC comes with: a main route table, a default security group, a network ACL. Must not know:
//! requests to other rooms.

use crate::shape::Tree;
use crate::sim::ecs::coverage::{Entry, full, partial};
use crate::sim::ecs::{Answer, Fault};
use crate::sim::world::World;
use crate::tree;

use super::cidr::Block;
use super::listing::{Listing, missing_parameter};
use super::store::{ENDPOINT, Ec2, GROUP, INTERNET_GATEWAY, NAT_GATEWAY, NETWORK_ACL, ROUTE_TABLE, SUBNET, VPC};
use super::{
    dependency, done, internet_gateway, invalid, network_acl, refuse_unsupported, required, route_table,
    security_group, subnet, tag, zone,
};

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    full("CreateDefaultVpc", create_default),
    partial("CreateVpc", create, "IPv6, IPAM and encryption controls"),
    full("DeleteVpc", delete),
    full("DescribeVpcAttribute", describe_attribute),
    full("DescribeVpcs", |world, input| LISTING.answer(world, input)),
    full("ModifyVpcAttribute", modify_attribute),
];

const LISTING: Listing = Listing {
    ids: "VpcIds",
    missing: |id| VPC.missing(id),
    id: "VpcId",
    filter: "Filters",
    list: "Vpcs",
    filters: &[
        ("cidr", "CidrBlock"),
        ("cidr-block-association.association-id", "CidrBlockAssociationSet.AssociationId"),
        ("cidr-block-association.cidr-block", "CidrBlockAssociationSet.CidrBlock"),
        ("cidr-block-association.state", "CidrBlockAssociationSet.CidrBlockState.State"),
        ("dhcp-options-id", "DhcpOptionsId"),
        ("is-default", "IsDefault"),
        ("isDefault", "IsDefault"),
        ("owner-id", "OwnerId"),
        ("state", "State"),
        ("vpc-id", "VpcId"),
    ],
    all: |world| world.ec2.all(&VPC).map(|(id, vpc)| show(&world.ec2, id, vpc)).collect(),
};

/// The default VPC's block, and how long the prefixes of its subnets are.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html>
const DEFAULT_BLOCK: &str = "172.31.0.0/16";
pub const DEFAULT_SUBNET_BITS: u32 = 20;
/// Members that are kept, and asked for one by one.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("enableDnsSupport", "EnableDnsSupport"),
    ("enableDnsHostnames", "EnableDnsHostnames"),
    ("enableNetworkAddressUsageMetrics", "EnableNetworkAddressUsageMetrics"),
];

fn show(ec2: &Ec2, id: &str, vpc: &Tree) -> Tree {
    let mut shown = vpc.clone();
    for (_, attribute) in ATTRIBUTES {
        shown.remove(attribute);
    }
    shown
        .with("OwnerId", &ec2.account)
        .with("State", "available")
        .with("InstanceTenancy", "default")
        .with("DhcpOptionsId", "dopt-0d0c0b0a090807060")
        .with("BlockPublicAccessStates", tree! { "InternetGatewayBlockMode" => "off" })
        .with("Tags", ec2.tags_of(id))
}

/// A VPC with all that comes with one; returns its id.
pub fn make(ec2: &mut Ec2, block: Block, default: bool) -> String {
    let id = ec2.id("vpc");
    let association = association(ec2, block);
    let vpc = tree! {
        "CidrBlock" => block.to_string(),
        "CidrBlockAssociationSet" => vec![association],
        "IsDefault" => default,
        "EnableDnsSupport" => true,
        "EnableDnsHostnames" => default,
        "EnableNetworkAddressUsageMetrics" => false,
    };
    ec2.keep(&VPC, &id, vpc);
    route_table::make(ec2, &id, true);
    security_group::make_default(ec2, &id);
    network_acl::make(ec2, &id);
    id
}

fn association(ec2: &mut Ec2, block: Block) -> Tree {
    tree! {
        "AssociationId" => ec2.id("vpc-cidr-assoc"),
        "CidrBlock" => block.to_string(),
        "CidrBlockState" => tree! { "State" => "associated" },
    }
}

/// The blocks of a VPC, its first one first.
pub fn blocks(vpc: &Tree) -> Vec<Block> {
    let blocks = vpc.list("CidrBlockAssociationSet").iter();
    blocks.filter_map(|one| one.text("CidrBlock").and_then(Block::read)).collect()
}

/// Gives a VPC one more block.
pub fn add_block(ec2: &mut Ec2, id: &str, block: Block) {
    let association = association(ec2, block);
    if let Ok(vpc) = ec2.get_mut(&VPC, id) {
        let mut all = vpc.list("CidrBlockAssociationSet").to_vec();
        all.push(association);
        vpc.set("CidrBlockAssociationSet", all);
    }
}

/// The default VPC: a subnet in each zone, and a way to the internet.
pub fn furnish(ec2: &mut Ec2) -> String {
    let block = Block::read(DEFAULT_BLOCK).unwrap_or(Block { first: 0, bits: 16 });
    let vpc = make(ec2, block, true);
    for (letter, part) in zone::LETTERS.iter().zip(block.parts(DEFAULT_SUBNET_BITS)) {
        let (id, zone) = (ec2.id("subnet"), format!("{}{letter}", ec2.region));
        subnet::make(ec2, &id, &vpc, part, &zone, true);
    }
    let gateway = internet_gateway::make(ec2);
    internet_gateway::attach_to(ec2, &gateway, &vpc);
    let table = route_table::main_of(ec2, &vpc).map(str::to_owned);
    if let Some(table) = table {
        route_table::add(ec2, &table, tree! { "DestinationCidrBlock" => "0.0.0.0/0", "GatewayId" => gateway });
    }
    vpc
}

fn create_default(world: &mut World, _input: &Tree) -> Answer {
    if world.ec2.default_vpc().is_ok() {
        let text = "A Default VPC already exists for this account in this region.";
        return Err(Fault::new("DefaultVpcAlreadyExists", text));
    }
    let id = furnish(&mut world.ec2);
    world.ec2.get(&VPC, &id).map(|vpc| tree! { "Vpc" => show(&world.ec2, &id, vpc) })
}

fn create(world: &mut World, input: &Tree) -> Answer {
    refuse_unsupported(
        input,
        &["Ipv6Pool", "Ipv6CidrBlock", "Ipv4IpamPoolId", "Ipv6IpamPoolId", "AmazonProvidedIpv6CidrBlock"],
    )?;
    let tags = tag::on_create(input, &VPC)?;
    let text = input.text("CidrBlock").ok_or_else(|| missing_parameter("CidrBlock"))?;
    let block = block(text, "InvalidVpc.Range")?;
    let id = make(&mut world.ec2, block, false);
    tag::put(&mut world.ec2, &id, tags);
    let shown = show(&world.ec2, &id, world.ec2.get(&VPC, &id)?);
    Ok(tree! { "Vpc" => shown.with("State", "pending") })
}

/// A block that a VPC or subnet can have: /16 to /28, its host bits cleared as EC2 clears them.
pub fn block(text: &str, out_of_range: &'static str) -> Result<Block, Fault> {
    let malformed =
        || invalid(format!("Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."));
    let block = Block::read(text).ok_or_else(malformed)?;
    if (16..=28).contains(&block.bits) {
        Ok(block)
    } else {
        Err(Fault::new(out_of_range, format!("The CIDR '{text}' is invalid.")))
    }
}

fn delete(world: &mut World, input: &Tree) -> Answer {
    let id = required(input, "VpcId")?.to_owned();
    let ec2 = &mut world.ec2;
    ec2.get(&VPC, &id)?;
    let of = |tree: &Tree| tree.text("VpcId") == Some(id.as_str());
    let default_group = |tree: &Tree| tree.text("GroupName") == Some(security_group::DEFAULT);
    let main = route_table::main_of(ec2, &id).map(str::to_owned);
    let attached = |tree: &Tree| tree.list("Attachments").iter().any(of);
    let in_way = ec2.all(&SUBNET).any(|(_, one)| of(one))
        || ec2.all(&GROUP).any(|(_, one)| of(one) && !default_group(one))
        || ec2.all(&ROUTE_TABLE).any(|(table, one)| of(one) && Some(table) != main.as_ref())
        || ec2.all(&INTERNET_GATEWAY).any(|(_, one)| attached(one))
        || ec2.all(&ENDPOINT).any(|(_, one)| of(one));
    if in_way {
        return Err(dependency(format!("The vpc '{id}' has dependencies and cannot be deleted.")));
    }
    for kind in [&GROUP, &ROUTE_TABLE, &NETWORK_ACL, &NAT_GATEWAY] {
        let own = ec2.all(kind).filter(|(_, one)| of(one)).map(|(own, _)| own.clone()).collect::<Vec<_>>();
        for own in own {
            security_group::drop_rules(ec2, &own);
            ec2.drop(kind, &own);
        }
    }
    ec2.drop(&VPC, &id);
    done()
}

fn describe_attribute(world: &mut World, input: &Tree) -> Answer {
    let id = required(input, "VpcId")?;
    let vpc = world.ec2.get(&VPC, id)?;
    let asked = required(input, "Attribute")?;
    let (_, member) = ATTRIBUTES
        .iter()
        .find(|(name, _)| *name == asked)
        .ok_or_else(|| invalid(format!("Value ({asked}) for parameter attribute is invalid. Unknown attribute.")))?;
    let value = vpc.bool(member).unwrap_or(false);
    Ok(tree! { "VpcId" => id, *member => tree! { "Value" => value } })
}

fn modify_attribute(world: &mut World, input: &Tree) -> Answer {
    let id = required(input, "VpcId")?.to_owned();
    world.ec2.get(&VPC, &id)?;
    let given = ATTRIBUTES.iter().filter_map(|(_, member)| Some((*member, input.get(member)?.bool("Value")?)));
    let given = given.collect::<Vec<_>>();
    let [(member, value)] = given.as_slice() else {
        return Err(Fault::new("InvalidParameterCombination", "Exactly one attribute must be specified."));
    };
    world.ec2.get_mut(&VPC, &id)?.set(member, *value);
    done()
}
