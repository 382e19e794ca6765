//! Subnets and security groups that ECS is told of and that nobody made. Users run their real manifests here, so such
//! ids come into being, in the default VPC and with a way to everywhere; or, if the settings say so, ECS refuses them.
//! Must not know: services, tasks.

use crate::shape::Tree;
use crate::sim::ecs::{Fault, task};
use crate::sim::world::World;

use super::cidr::Block;
use super::store::{Ec2, GROUP, SUBNET, VPC};
use super::{security_group, subnet, texts, vpc};

/// What `awsvpcConfiguration` names must be there, where the settings want that, and lie in one VPC
/// (docs/ecs.md §5.1).
///
/// # Errors
/// `InvalidParameterException`, in ECS's words.
pub fn judge(world: &World, network: &Tree) -> Result<(), Fault> {
    let (ec2, strict) = (&world.ec2, world.settings.networks_must_exist);
    let mut vpcs = Vec::new();
    for id in texts(network, "subnets") {
        match ec2.find(&SUBNET, id) {
            Some(subnet) => vpcs.extend(subnet.text("VpcId")),
            None if strict => return Err(unknown("subnet", id, &SUBNET.missing(id))),
            None => {}
        }
    }
    for id in texts(network, "securityGroups") {
        let Some(group) = ec2.find(&GROUP, id) else {
            if strict {
                return Err(unknown("security group", id, &GROUP.missing(id)));
            }
            continue;
        };
        let elsewhere = group.text("VpcId").is_some_and(|vpc| vpcs.iter().any(|other| *other != vpc));
        if elsewhere && !ec2.named.contains(id) {
            return Err(Fault::invalid(format!(
                "Security Group {id} does not appear to belong to the same VPC as the input subnets."
            )));
        }
    }
    Ok(())
}

fn unknown(noun: &str, id: &str, fault: &Fault) -> Fault {
    let (words, code) = (&fault.message, fault.code);
    Fault::invalid(format!("Error retrieving {noun} information for [{id}]: {words} (ErrorCode: {code})"))
}

/// What `awsvpcConfiguration` names comes into being where it is not there.
pub fn learn(world: &mut World, network: &Tree) {
    let ec2 = &mut world.ec2;
    for id in texts(network, "subnets") {
        learn_subnet(ec2, id);
    }
    let first = texts(network, "subnets").first().and_then(|id| ec2.find(&SUBNET, id));
    let home = first.and_then(|subnet| subnet.text("VpcId")).map(str::to_owned);
    for id in texts(network, "securityGroups") {
        if ec2.find(&GROUP, id).is_none() {
            let vpc = home.clone().unwrap_or_else(|| self::home(ec2));
            security_group::make(ec2, id, &vpc, id, "Taken as named");
            ec2.named.insert(id.to_owned());
        }
    }
}

/// What a service's or task's `networkConfiguration` names comes into being.
pub fn learn_of(world: &mut World, spec: &Tree) {
    if let Some(network) = spec.at(&["networkConfiguration", "awsvpcConfiguration"]) {
        learn(world, network);
    }
}

/// A subnet that ECS was told of, as large as a default one, in the zone that its name is good for.
fn learn_subnet(ec2: &mut Ec2, id: &str) {
    if id.is_empty() || ec2.find(&SUBNET, id).is_some() {
        return;
    }
    let vpc = home(ec2);
    let block = free_block(ec2, &vpc);
    let zone = task::zone_by_name(&ec2.region, id);
    subnet::make(ec2, id, &vpc, block, &zone, false);
    ec2.named.insert(id.to_owned());
}

/// A subnet of another world comes into being under its own id and in its own zone, given as DescribeSubnets shows it.
pub fn take_in(world: &mut World, shown: &Tree) {
    let ec2 = &mut world.ec2;
    let (Some(id), Some(zone)) = (shown.text("SubnetId"), shown.text("AvailabilityZone")) else { return };
    if ec2.find(&SUBNET, id).is_none() {
        let vpc = home(ec2);
        let block = free_block(ec2, &vpc);
        subnet::make(ec2, id, &vpc, block, zone, false);
        ec2.named.insert(id.to_owned());
    }
}

/// Others hold what the subnet has beyond `free` addresses.
pub fn leave_free(world: &mut World, id: &str, free: u64) {
    let Some(pool) = world.ec2.pools.get_mut(id) else { return };
    while pool.free() > free && pool.take(OTHERS).is_some() {}
}

/// Whoever holds an address that is none of this world's business.
const OTHERS: &str = "others";

/// Whether nobody made it.
pub fn is_named(ec2: &Ec2, id: &str) -> bool {
    ec2.named.contains(id)
}

/// The default VPC; where it was deleted, a new one.
fn home(ec2: &mut Ec2) -> String {
    ec2.default_vpc().unwrap_or_else(|_| vpc::furnish(ec2))
}

/// A block that no other subnet has; where the VPC is full, it gets a further block of its own.
fn free_block(ec2: &mut Ec2, home: &str) -> Block {
    let bits = vpc::DEFAULT_SUBNET_BITS;
    let blocks = ec2.find(&VPC, home).map(vpc::blocks).unwrap_or_default();
    let taken: Vec<Block> = subnet::taken(ec2, home).collect();
    let free = |part: &Block| !taken.iter().any(|other| other.overlaps(*part));
    // Those of the last block come one after the other: what lies before it is full.
    let last = blocks.last().copied();
    if let Some(part) = last.and_then(|block| block.parts(bits).find(free)) {
        return part;
    }
    let ten = Block { first: 10 << 24, bits: 8 };
    let more = ten.parts(16).find(|block| !blocks.iter().any(|other| other.overlaps(*block)));
    let more = more.unwrap_or(ten);
    vpc::add_block(ec2, home, more);
    Block { first: more.first, bits }
}
