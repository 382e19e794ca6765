//! Internet gateways: a VPC's door. Must not know: routes.

use crate::shape::Tree;
use crate::sim::ecs::coverage::{Entry, full};
use crate::sim::ecs::{Answer, Fault};
use crate::sim::world::World;
use crate::tree;

use super::listing::Listing;
use super::store::{Ec2, INTERNET_GATEWAY, VPC};
use super::{dependency, done, interface, invalid, required, tag};

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    full("AttachInternetGateway", attach),
    full("CreateInternetGateway", create),
    full("DeleteInternetGateway", delete),
    full("DescribeInternetGateways", |world, input| LISTING.answer(world, input)),
    full("DetachInternetGateway", detach),
];

const LISTING: Listing = Listing {
    ids: "InternetGatewayIds",
    missing: |id| INTERNET_GATEWAY.missing(id),
    id: "InternetGatewayId",
    filter: "Filters",
    list: "InternetGateways",
    filters: &[
        ("attachment.state", "Attachments.State"),
        ("attachment.vpc-id", "Attachments.VpcId"),
        ("internet-gateway-id", "InternetGatewayId"),
        ("owner-id", "OwnerId"),
    ],
    all: |world| world.ec2.all(&INTERNET_GATEWAY).map(|(id, one)| show(&world.ec2, id, one)).collect(),
};

fn show(ec2: &Ec2, id: &str, gateway: &Tree) -> Tree {
    gateway.clone().with("OwnerId", &ec2.account).with("Tags", ec2.tags_of(id))
}

/// A gateway that leads nowhere yet; returns its id.
pub fn make(ec2: &mut Ec2) -> String {
    let id = ec2.id("igw");
    ec2.keep(&INTERNET_GATEWAY, &id, tree! { "Attachments" => Vec::<Tree>::new() });
    id
}

/// Opens a VPC's door.
pub fn attach_to(ec2: &mut Ec2, id: &str, vpc: &str) {
    if let Ok(gateway) = ec2.get_mut(&INTERNET_GATEWAY, id) {
        // EC2 shows `available` here, whatever it calls the states of other attachments.
        gateway.set("Attachments", vec![tree! { "State" => "available", "VpcId" => vpc }]);
    }
}

/// The VPC that a gateway is attached to.
fn vpc_of(gateway: &Tree) -> Option<&str> {
    gateway.list("Attachments").first()?.text("VpcId")
}

/// Whether a gateway is the door of that VPC.
pub fn is_attached(ec2: &Ec2, id: &str, vpc: &str) -> bool {
    ec2.find(&INTERNET_GATEWAY, id).and_then(vpc_of) == Some(vpc)
}

/// The gateway of a VPC.
pub fn of_vpc<'a>(ec2: &'a Ec2, vpc: &str) -> Option<&'a str> {
    ec2.all(&INTERNET_GATEWAY).find(|(_, one)| vpc_of(one) == Some(vpc)).map(|(id, _)| id.as_str())
}

fn create(world: &mut World, input: &Tree) -> Answer {
    let tags = tag::on_create(input, &INTERNET_GATEWAY)?;
    let id = make(&mut world.ec2);
    tag::put(&mut world.ec2, &id, tags);
    let gateway = show(&world.ec2, &id, world.ec2.get(&INTERNET_GATEWAY, &id)?);
    Ok(tree! { "InternetGateway" => gateway })
}

fn attach(world: &mut World, input: &Tree) -> Answer {
    let (id, vpc) = (required(input, "InternetGatewayId")?, required(input, "VpcId")?);
    let ec2 = &mut world.ec2;
    if let Some(other) = vpc_of(ec2.get(&INTERNET_GATEWAY, id)?) {
        let text = format!("resource {id} is already attached to network {other}");
        return Err(Fault::new("Resource.AlreadyAssociated", text));
    }
    ec2.get(&VPC, vpc)?;
    if of_vpc(ec2, vpc).is_some() {
        return Err(invalid(format!("Network {vpc} already has an internet gateway attached")));
    }
    attach_to(ec2, id, vpc);
    done()
}

fn detach(world: &mut World, input: &Tree) -> Answer {
    let (id, vpc) = (required(input, "InternetGatewayId")?, required(input, "VpcId")?);
    if vpc_of(world.ec2.get(&INTERNET_GATEWAY, id)?) != Some(vpc) {
        let text = format!("resource {id} is not attached to network {vpc}");
        return Err(Fault::new("Gateway.NotAttached", text));
    }
    let mapped = |one: &Tree| one.text("VpcId") == Some(vpc) && one.get("Association").is_some();
    if interface::all(world).iter().any(mapped) {
        return Err(dependency(format!(
            "Network {vpc} has some mapped public address(es). Please unmap those public address(es) before \
             detaching the gateway."
        )));
    }
    world.ec2.get_mut(&INTERNET_GATEWAY, id)?.set("Attachments", Vec::<Tree>::new());
    done()
}

fn delete(world: &mut World, input: &Tree) -> Answer {
    let id = required(input, "InternetGatewayId")?;
    if vpc_of(world.ec2.get(&INTERNET_GATEWAY, id)?).is_some() {
        return Err(dependency(format!("The internetGateway '{id}' has dependencies and cannot be deleted.")));
    }
    world.ec2.drop(&INTERNET_GATEWAY, id);
    done()
}
