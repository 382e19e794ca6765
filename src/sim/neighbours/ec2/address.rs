//! Elastic IP addresses. Must not know: what an address is associated with but for its interface.

use std::net::Ipv4Addr;

use crate::shape::Tree;
use crate::sim::ecs::coverage::{Entry, full, partial};
use crate::sim::ecs::{Answer, Fault, spread};
use crate::sim::world::World;
use crate::tree;

use super::listing::{Listing, missing_parameter};
use super::store::{ADDRESS, Ec2, INTERFACE};
use super::{done, refuse_unsupported, tag};

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    partial("AllocateAddress", allocate, "pools of one's own"),
    full("DescribeAddresses", describe),
    full("ReleaseAddress", release),
];

const LISTING: Listing = Listing {
    ids: "AllocationIds",
    missing: |id| ADDRESS.missing(id),
    id: "AllocationId",
    filter: "Filters",
    list: "Addresses",
    filters: &[
        ("allocation-id", "AllocationId"),
        ("association-id", "AssociationId"),
        ("instance-id", "InstanceId"),
        ("network-border-group", "NetworkBorderGroup"),
        ("network-interface-id", "NetworkInterfaceId"),
        ("network-interface-owner-id", "NetworkInterfaceOwnerId"),
        ("private-ip-address", "PrivateIpAddress"),
        ("public-ip", "PublicIp"),
    ],
    all: |world| world.ec2.all(&ADDRESS).map(|(id, one)| show(&world.ec2, id, one)).collect(),
};

/// Addresses of an account in a region, unless more were asked for.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html>
const MOST: usize = 5;

fn show(ec2: &Ec2, id: &str, address: &Tree) -> Tree {
    let private = address.text("NetworkInterfaceId").map(|interface| super::interface::address_of(ec2, interface));
    let owner = private.as_ref().map(|_| &ec2.account);
    address
        .clone()
        .with("Domain", "vpc")
        .with("PublicIpv4Pool", "amazon")
        .with("NetworkBorderGroup", &ec2.region)
        .with("Tags", ec2.tags_of(id))
        .with_some("NetworkInterfaceOwnerId", owner)
        .with_some("PrivateIpAddress", private)
}

/// A public address for whatever has that id: always the same one.
pub fn public(id: &str) -> String {
    let [.., a, b, c] = spread(id).to_be_bytes();
    Ipv4Addr::new(3, a, b, c).to_string()
}

fn allocate(world: &mut World, input: &Tree) -> Answer {
    refuse_unsupported(input, &["Address", "CustomerOwnedIpv4Pool", "IpamPoolId"])?;
    let tags = tag::on_create(input, &ADDRESS)?;
    let ec2 = &mut world.ec2;
    if ec2.all(&ADDRESS).count() >= MOST {
        let text = "The maximum number of addresses has been reached.";
        return Err(Fault::new("AddressLimitExceeded", text));
    }
    let id = ec2.id("eipalloc");
    ec2.keep(&ADDRESS, &id, tree! { "PublicIp" => public(&id) });
    tag::put(ec2, &id, tags);
    let mut shown = show(ec2, &id, ec2.get(&ADDRESS, &id)?);
    shown.remove("Tags");
    Ok(shown)
}

fn describe(world: &mut World, input: &Tree) -> Answer {
    let known: Vec<&str> = world.ec2.all(&ADDRESS).filter_map(|(_, one)| one.text("PublicIp")).collect();
    let asked = input.list("PublicIps");
    if let Some(unknown) = asked.iter().filter_map(Tree::as_text).find(|ip| !known.contains(ip)) {
        return Err(Fault::new("InvalidAddress.NotFound", format!("Address '{unknown}' not found.")));
    }
    let mut input = input.clone();
    input.remove("PublicIps");
    let mut rows = LISTING.matching(world, &input)?;
    rows.retain(|row| asked.is_empty() || asked.iter().any(|ip| row.get("PublicIp") == Some(ip)));
    Ok(tree! { "Addresses" => rows })
}

/// The address is there, and nobody uses it.
pub fn judge_free(ec2: &Ec2, id: &str) -> Result<(), Fault> {
    if ec2.get(&ADDRESS, id)?.get("AssociationId").is_some() {
        return Err(Fault::new("Resource.AlreadyAssociated", format!("resource {id} is already associated")));
    }
    Ok(())
}

/// Gives an interface a public address; returns the association's id.
pub fn associate(ec2: &mut Ec2, id: &str, interface: &str) -> Result<String, Fault> {
    let association = ec2.id("eipassoc");
    let address = ec2.get_mut(&ADDRESS, id)?;
    address.set("AssociationId", &association);
    address.set("NetworkInterfaceId", interface);
    let shown = tree! {
        "AllocationId" => id,
        "AssociationId" => &association,
        "PublicIp" => address.text("PublicIp").unwrap_or_default(),
        "IpOwnerId" => &ec2.account,
    };
    ec2.get_mut(&INTERFACE, interface)?.set("Association", shown);
    Ok(association)
}

/// An interface is gone: its addresses are free.
pub fn dissociate(ec2: &mut Ec2, interface: &str) {
    let of = |one: &Tree| one.text("NetworkInterfaceId") == Some(interface);
    let held = ec2.all(&ADDRESS).filter(|(_, one)| of(one)).map(|(id, _)| id.clone()).collect::<Vec<_>>();
    for id in held {
        if let Ok(address) = ec2.get_mut(&ADDRESS, &id) {
            address.remove("AssociationId");
            address.remove("NetworkInterfaceId");
        }
    }
}

fn release(world: &mut World, input: &Tree) -> Answer {
    let id = match (input.text("AllocationId"), input.text("PublicIp")) {
        (Some(id), _) => id.to_owned(),
        (None, Some(ip)) => {
            let found = world.ec2.all(&ADDRESS).find(|(_, one)| one.text("PublicIp") == Some(ip));
            let missing = || Fault::new("InvalidAddress.NotFound", format!("Address '{ip}' not found."));
            found.map(|(id, _)| id.clone()).ok_or_else(missing)?
        }
        (None, None) => return Err(missing_parameter("AllocationId")),
    };
    let address = world.ec2.get(&ADDRESS, &id)?;
    if address.get("AssociationId").is_some() {
        let ip = address.text("PublicIp").unwrap_or_default();
        return Err(Fault::new("InvalidIPAddress.InUse", format!("Address {ip} is in use.")));
    }
    world.ec2.drop(&ADDRESS, &id);
    done()
}
