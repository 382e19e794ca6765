//! Network interfaces: those that are kept here, and those that tasks hold. Must not know: why someone wants one.

use std::net::Ipv4Addr;

use crate::shape::Tree;
use crate::sim::ecs::coverage::{Entry, full, partial};
use crate::sim::ecs::task::{LastStatus, Task};
use crate::sim::ecs::{Answer, Fault, task};
use crate::sim::world::World;
use crate::tree;

use super::listing::Listing;
use super::store::{Ec2, GROUP, INTERFACE, SUBNET, VPC};
use super::{address, done, invalid, refuse_unsupported, required, security_group, tag, texts, zone};

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    partial("CreateNetworkInterface", create, "IPv6, prefixes and secondary addresses"),
    full("DeleteNetworkInterface", delete),
    full("DescribeNetworkInterfaces", |world, input| LISTING.answer(world, input)),
];

const LISTING: Listing = Listing {
    ids: "NetworkInterfaceIds",
    missing: |id| INTERFACE.missing(id),
    id: "NetworkInterfaceId",
    filter: "Filters",
    list: "NetworkInterfaces",
    filters: &[
        ("addresses.association.public-ip", "PrivateIpAddresses.Association.PublicIp"),
        ("addresses.primary", "PrivateIpAddresses.Primary"),
        ("addresses.private-ip-address", "PrivateIpAddresses.PrivateIpAddress"),
        ("association.allocation-id", "Association.AllocationId"),
        ("association.association-id", "Association.AssociationId"),
        ("association.ip-owner-id", "Association.IpOwnerId"),
        ("association.public-dns-name", "Association.PublicDnsName"),
        ("association.public-ip", "Association.PublicIp"),
        ("attachment.attach-time", "Attachment.AttachTime"),
        ("attachment.attachment-id", "Attachment.AttachmentId"),
        ("attachment.delete-on-termination", "Attachment.DeleteOnTermination"),
        ("attachment.device-index", "Attachment.DeviceIndex"),
        ("attachment.instance-id", "Attachment.InstanceId"),
        ("attachment.instance-owner-id", "Attachment.InstanceOwnerId"),
        ("attachment.status", "Attachment.Status"),
        ("availability-zone", "AvailabilityZone"),
        ("availability-zone-id", "AvailabilityZoneId"),
        ("description", "Description"),
        ("group-id", "Groups.GroupId"),
        ("group-name", "Groups.GroupName"),
        ("interface-type", "InterfaceType"),
        ("mac-address", "MacAddress"),
        ("network-interface-id", "NetworkInterfaceId"),
        ("owner-id", "OwnerId"),
        ("private-dns-name", "PrivateDnsName"),
        ("private-ip-address", "PrivateIpAddress"),
        ("requester-id", "RequesterId"),
        ("requester-managed", "RequesterManaged"),
        ("source-dest-check", "SourceDestCheck"),
        ("status", "Status"),
        ("subnet-id", "SubnetId"),
        ("vpc-id", "VpcId"),
    ],
    all,
};

/// Who asks for the interfaces of tasks (weak: the id of an AWS account that differs by region).
const ECS: &str = "578734482556";

/// What a new interface is to be.
#[derive(Clone, Copy, Default)]
pub struct New<'a> {
    pub subnet: &'a str,
    pub description: &'a str,
    /// `InterfaceType`; empty for a plain one.
    pub kind: &'a str,
    pub groups: &'a [String],
    pub requester: Option<&'a str>,
    /// The private address, where it must be that one.
    pub address: Option<&'a str>,
}

/// An address of a subnet, for an interface; none where the subnet is full.
fn take(ec2: &mut Ec2, subnet: &str, interface: &str) -> Option<String> {
    ec2.pools.get_mut(subnet)?.take(interface).map(|address| address.to_string())
}

/// An address for a task's interface: its subnet has one left, and its security groups are there.
///
/// # Errors
/// `InvalidSubnetID.NotFound`, `InvalidGroup.NotFound`, `InsufficientFreeAddressesInSubnet`.
pub fn take_for_task(ec2: &mut Ec2, subnet: &str, groups: &[String], interface: &str) -> Result<String, Fault> {
    ec2.get(&SUBNET, subnet)?;
    groups.iter().try_for_each(|group| ec2.get(&GROUP, group).map(drop))?;
    take(ec2, subnet, interface).ok_or_else(|| full_subnet(subnet))
}

/// The address goes back to its subnet, if that interface holds it.
pub fn give_back(ec2: &mut Ec2, subnet: &str, address: &str, interface: &str) {
    if let (Some(pool), Ok(address)) = (ec2.pools.get_mut(subnet), address.parse::<Ipv4Addr>()) {
        pool.give_back(address, interface);
    }
}

/// Makes an interface; returns its id.
///
/// # Errors
/// `InsufficientFreeAddressesInSubnet`, `InvalidIPAddress.InUse`.
pub fn make(ec2: &mut Ec2, new: New) -> Result<String, Fault> {
    let (id, mac) = (ec2.id("eni"), ec2.mac());
    let address = match new.address {
        None => take(ec2, new.subnet, &id).ok_or_else(|| full_subnet(new.subnet))?,
        Some(text) => {
            let wanted = text
                .parse::<Ipv4Addr>()
                .map_err(|_| invalid(format!("invalid value for parameter address: {text}")))?;
            let taken = ec2.pools.get_mut(new.subnet).is_some_and(|pool| pool.take_this(wanted, &id));
            if !taken {
                return Err(Fault::new(
                    "InvalidIPAddress.InUse",
                    format!("Address {text} is in use or not of the subnet."),
                ));
            }
            text.to_owned()
        }
    };
    let kept = tree! {
        "SubnetId" => new.subnet,
        "Description" => new.description,
        "InterfaceType" => if new.kind.is_empty() { "interface" } else { new.kind },
        "MacAddress" => mac,
        "PrivateIpAddress" => address,
        "Groups" => security_group::identifiers(ec2, new.groups),
        "RequesterManaged" => new.requester.is_some(),
        "SourceDestCheck" => new.kind != "nat_gateway",
    };
    ec2.keep(&INTERFACE, &id, kept.with_some("RequesterId", new.requester));
    Ok(id)
}

fn full_subnet(subnet: &str) -> Fault {
    let text = format!("The specified subnet '{subnet}' does not have enough free addresses to satisfy the request.");
    Fault::new("InsufficientFreeAddressesInSubnet", text)
}

/// An interface goes, and its addresses are free.
pub fn unmake(ec2: &mut Ec2, id: &str) {
    if let Some(interface) = ec2.find(&INTERFACE, id).cloned() {
        let text = |name| interface.text(name).unwrap_or_default();
        give_back(ec2, text("SubnetId"), text("PrivateIpAddress"), id);
        address::dissociate(ec2, id);
        ec2.drop(&INTERFACE, id);
    }
}

/// The private address of an interface.
pub fn address_of(ec2: &Ec2, id: &str) -> String {
    let address = ec2.find(&INTERFACE, id).and_then(|one| one.text("PrivateIpAddress"));
    address.unwrap_or_default().to_owned()
}

/// All interfaces, those of tasks too.
pub fn all(world: &World) -> Vec<Tree> {
    let kept = world.ec2.all(&INTERFACE).map(|(id, one)| show(&world.ec2, id, one.clone()));
    let of_tasks = world.ecs.tasks.values().filter_map(|task| of_task(world, task));
    let mut all = kept.chain(of_tasks).collect::<Vec<_>>();
    all.sort_by(|a, b| a.text("NetworkInterfaceId").cmp(&b.text("NetworkInterfaceId")));
    all
}

/// One interface, a task's or another.
pub fn find(world: &World, id: &str) -> Option<Tree> {
    let kept = world.ec2.find(&INTERFACE, id).map(|one| show(&world.ec2, id, one.clone()));
    kept.or_else(|| {
        let mut tasks = world.ecs.tasks.values();
        let task = tasks.find(|task| task.interface.as_ref().is_some_and(|one| one.id == id))?;
        of_task(world, task)
    })
}

fn show(ec2: &Ec2, id: &str, interface: Tree) -> Tree {
    let text = |name: &str| interface.text(name).unwrap_or_default().to_owned();
    let (subnet, address) = (text("SubnetId"), text("PrivateIpAddress"));
    let kept = ec2.find(&SUBNET, &subnet).cloned().unwrap_or_default();
    let zone = kept.text("AvailabilityZone").unwrap_or_default();
    let vpc = kept.text("VpcId").unwrap_or_default();
    let domain = task::zone_domain(&ec2.region);
    let name = format!("ip-{}.{domain}", address.replace('.', "-"));
    let named = ec2.find(&VPC, vpc).and_then(|vpc| vpc.bool("EnableDnsSupport")) != Some(false);
    let primary = tree! { "Primary" => true, "PrivateIpAddress" => &address }
        .with_some("PrivateDnsName", named.then_some(&name))
        .with_some("Association", interface.get("Association"));
    let used = interface.get("Attachment").is_some() || interface.bool("RequesterManaged") == Some(true);
    let status = interface.text("Status").unwrap_or(if used { "in-use" } else { "available" }).to_owned();
    interface
        .with("NetworkInterfaceId", id)
        .with("AvailabilityZone", zone)
        .with("AvailabilityZoneId", zone::id(&ec2.region, zone))
        .with("VpcId", vpc)
        .with("OwnerId", &ec2.account)
        .with("Ipv6Addresses", Vec::<Tree>::new())
        .with("PrivateIpAddresses", vec![primary])
        .with("Status", status)
        .with("TagSet", ec2.tags_of(id))
        .with_some("PrivateDnsName", named.then_some(name))
}

/// A task's interface as EC2 shows it (ecs-semantics §9.4).
fn of_task(world: &World, task: &Task) -> Option<Tree> {
    let (ec2, one) = (&world.ec2, task.interface.as_ref()?);
    if one.address.is_empty() || one.status == "DELETED" {
        return None;
    }
    let host = task.host.as_ref().map(|host| (task.cluster.clone(), host.instance.clone()));
    let machine = host.and_then(|key| world.ecs.instances.get(&key)).map(|instance| &instance.machine);
    let attached = task.times.connectivity.is_some() && task.last < LastStatus::Stopped;
    let attachment = attached.then(|| {
        tree! {
            "AttachmentId" => format!("ela-attach-{}", one.id.trim_start_matches("eni-")),
            "AttachTime" => task.times.connectivity.unwrap_or_default(),
            "DeleteOnTermination" => false,
            "DeviceIndex" => 1,
            "InstanceOwnerId" => if machine.is_some() { ec2.account.as_str() } else { "amazon-aws" },
            "NetworkCardIndex" => 0,
            "Status" => if one.status == "DETACHING" { "detaching" } else { "attached" },
        }
        .with_some("InstanceId", machine)
    });
    let association = one.public.as_ref().map(|public| tree! { "IpOwnerId" => "amazon", "PublicIp" => public });
    let kept = tree! {
        "SubnetId" => &one.subnet,
        "Description" => world.arn(&format!("attachment/{}", one.attachment_id)),
        "InterfaceType" => "interface",
        "MacAddress" => &one.mac,
        "PrivateIpAddress" => &one.address,
        "Groups" => security_group::identifiers(ec2, &one.groups),
        "RequesterId" => ECS,
        "RequesterManaged" => true,
        "SourceDestCheck" => true,
        "Status" => if attached { "in-use" } else { "attaching" },
    };
    let kept = kept.with_some("Attachment", attachment).with_some("Association", association);
    let shown = show(ec2, &one.id, kept);
    let managed = task.tags.iter().filter(|tag| tag.text("key").is_some_and(|key| key.starts_with("aws:ecs:")));
    let managed = managed.map(|tag| {
        tree! { "Key" => tag.text("key").unwrap_or_default(), "Value" => tag.text("value").unwrap_or_default() }
    });
    let tags = ec2.tags_of(&one.id).into_iter().chain(managed).collect::<Vec<_>>();
    Some(shown.with("TagSet", tags))
}

fn create(world: &mut World, input: &Tree) -> Answer {
    refuse_unsupported(
        input,
        &[
            "Ipv4Prefixes",
            "Ipv4PrefixCount",
            "Ipv6Prefixes",
            "Ipv6PrefixCount",
            "Ipv6Addresses",
            "Ipv6AddressCount",
            "PrivateIpAddresses",
            "SecondaryPrivateIpAddressCount",
        ],
    )?;
    let tags = tag::on_create(input, &INTERFACE)?;
    let subnet = required(input, "SubnetId")?;
    let ec2 = &mut world.ec2;
    let vpc = ec2.get(&SUBNET, subnet)?.text("VpcId").unwrap_or_default().to_owned();
    let groups = security_group::for_interface(ec2, &vpc, &texts(input, "Groups"))?;
    let description = input.text("Description").unwrap_or_default();
    let kind = input.text("InterfaceType").unwrap_or_default();
    let address = input.text("PrivateIpAddress");
    let new = New { subnet, description, kind, groups: &groups, requester: None, address };
    let id = make(ec2, new)?;
    tag::put(ec2, &id, tags);
    let kept = ec2.get(&INTERFACE, &id)?.clone().with("Status", "pending");
    let shown = show(ec2, &id, kept);
    Ok(tree! { "NetworkInterface" => shown }.with_some("ClientToken", input.get("ClientToken")))
}

fn delete(world: &mut World, input: &Tree) -> Answer {
    let id = required(input, "NetworkInterfaceId")?;
    let shown = find(world, id).ok_or_else(|| INTERFACE.missing(id))?;
    if shown.text("Status") != Some("available") {
        let text = format!("Network interface '{id}' is currently in use.");
        return Err(Fault::new("InvalidParameterValue", text));
    }
    unmake(&mut world.ec2, id);
    done()
}
