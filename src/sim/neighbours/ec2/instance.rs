//! Machines: run, stopped, started, terminated; some of them join an ECS cluster. Must not know: tasks.
//!
//! A machine joins a cluster if its user data says `ECS_CLUSTER=NAME`, or if its image is ECS's own: one of
//! `user_data::IMAGES`, or `resolve:ssm:/aws/service/ecs/optimized-ami/…`, whose agent joins `default` unless it is
//! told otherwise.

use std::time::Duration;

use crate::shape::{Time, Tree};
use crate::sim::ecs::coverage::{Entry, full, partial};
use crate::sim::ecs::instance::{self as container_instance, End, Wish, types};
use crate::sim::ecs::{Answer, Event, Fault};
use crate::sim::world::World;
use crate::tree;

use super::interface::{self, New};
use super::listing::{Listing, missing_parameter, page};
use super::store::{Ec2, INSTANCE, INTERFACE, SUBNET};
use super::{address, invalid, refuse_unsupported, required, security_group, subnet, tag, texts, user_data};

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    full("DescribeInstances", describe),
    partial("RunInstances", run, "launch templates, disks, several interfaces and what goes on within a machine"),
    full("StartInstances", start),
    partial("StopInstances", stop, "hibernation"),
    full("TerminateInstances", terminate),
];

/// Machines of one request; weak, quotas of an account count CPUs.
const MOST: i64 = 1_000;
/// From pending to running, and from one order to its end (weak).
const TURNING: Duration = Duration::from_secs(20);
/// From the order to run until the agent registers (weak).
const BOOT: Duration = Duration::from_secs(60);
/// A terminated one can be described so long.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html>
const RETENTION: Duration = Duration::from_secs(3600);

/// Members that are kept here and not shown.
const OWN: &[&str] = &["Wanted", "Since", "InterfaceId", "Cluster", "ReservationId", "Groups"];

const LISTING: Listing = Listing {
    ids: "InstanceIds",
    missing: |id| INSTANCE.missing(id),
    id: "InstanceId",
    filter: "Filters",
    list: "Instances",
    filters: &[
        ("architecture", "Architecture"),
        ("availability-zone", "Placement.AvailabilityZone"),
        ("group-id", "SecurityGroups.GroupId"),
        ("group-name", "SecurityGroups.GroupName"),
        ("image-id", "ImageId"),
        ("instance-id", "InstanceId"),
        ("instance-state-code", "State.Code"),
        ("instance-state-name", "State.Name"),
        ("instance-type", "InstanceType"),
        ("instance.group-id", "SecurityGroups.GroupId"),
        ("instance.group-name", "SecurityGroups.GroupName"),
        ("ip-address", "PublicIpAddress"),
        ("key-name", "KeyName"),
        ("launch-time", "LaunchTime"),
        ("network-interface.network-interface-id", "NetworkInterfaces.NetworkInterfaceId"),
        ("network-interface.subnet-id", "NetworkInterfaces.SubnetId"),
        ("network-interface.vpc-id", "NetworkInterfaces.VpcId"),
        ("owner-id", "OwnerId"),
        ("private-dns-name", "PrivateDnsName"),
        ("private-ip-address", "PrivateIpAddress"),
        ("reservation-id", "ReservationId"),
        ("root-device-type", "RootDeviceType"),
        ("subnet-id", "SubnetId"),
        ("tenancy", "Placement.Tenancy"),
        ("virtualization-type", "VirtualizationType"),
        ("vpc-id", "VpcId"),
    ],
    all: |world| {
        let there = |(_, one): &(&String, &Tree)| !is_forgotten(world, one);
        world.ec2.all(&INSTANCE).filter(there).map(|(id, one)| show(world, id, one)).collect()
    },
};

fn since(one: &Tree) -> Time {
    one.get("Since").and_then(Time::from_tree).unwrap_or_default()
}

fn is_forgotten(world: &World, one: &Tree) -> bool {
    one.text("Wanted") == Some("terminated") && world.now() >= since(one).after(RETENTION)
}

/// Its state, which time alone brings on, and the number that goes with it.
fn state(world: &World, one: &Tree) -> Tree {
    let turned = world.now() >= since(one).after(TURNING);
    let (code, name) = match (one.text("Wanted"), turned) {
        (Some("terminated"), true) => (48, "terminated"),
        (Some("terminated"), false) => (32, "shutting-down"),
        (Some("stopped"), true) => (80, "stopped"),
        (Some("stopped"), false) => (64, "stopping"),
        (_, true) => (16, "running"),
        (_, false) => (0, "pending"),
    };
    tree! { "Code" => code, "Name" => name }
}

fn show(world: &World, id: &str, one: &Tree) -> Tree {
    let ec2 = &world.ec2;
    let text = |name: &str| one.text(name).unwrap_or_default();
    let groups: Vec<String> = texts(one, "Groups").into_iter().map(str::to_owned).collect();
    let groups = security_group::identifiers(ec2, &groups);
    let held = one.text("InterfaceId").and_then(|id| interface::find(world, id));
    let arm = types::find(text("InstanceType")).is_some_and(|kind| kind.arm);
    let mut shown = one.clone();
    OWN.iter().for_each(|name| drop(shown.remove(name)));
    let shown = shown
        .with("State", state(world, one))
        .with("Architecture", if arm { "arm64" } else { "x86_64" })
        .with("EbsOptimized", false)
        .with("EnaSupport", true)
        .with("Hypervisor", "xen")
        .with("Monitoring", tree! { "State" => "disabled" })
        .with("Placement", tree! { "AvailabilityZone" => text("Zone"), "GroupName" => "", "Tenancy" => "default" })
        .with("ProductCodes", Vec::<Tree>::new())
        .with("RootDeviceName", "/dev/xvda")
        .with("RootDeviceType", "ebs")
        .with("SecurityGroups", groups)
        .with("SourceDestCheck", true)
        .with("VirtualizationType", "hvm")
        .with("BlockDeviceMappings", Vec::<Tree>::new())
        .with("NetworkInterfaces", held.iter().map(attached).collect::<Vec<_>>())
        .with("Tags", ec2.tags_of(id));
    let mut shown = shown;
    shown.remove("Zone");
    let Some(held) = held else { return shown };
    shown
        .with_some("SubnetId", held.get("SubnetId"))
        .with_some("VpcId", held.get("VpcId"))
        .with_some("PrivateIpAddress", held.get("PrivateIpAddress"))
        .with_some("PrivateDnsName", held.get("PrivateDnsName"))
        .with_some("PublicIpAddress", held.at(&["Association", "PublicIp"]))
}

/// An interface as its machine shows it.
fn attached(interface: &Tree) -> Tree {
    const SAME: &[&str] = &[
        "NetworkInterfaceId",
        "SubnetId",
        "VpcId",
        "PrivateIpAddress",
        "PrivateDnsName",
        "MacAddress",
        "Description",
        "Groups",
        "InterfaceType",
        "OwnerId",
        "SourceDestCheck",
        "Status",
    ];
    SAME.iter().fold(Tree::map(), |shown, name| shown.with_some(name, interface.get(name)))
}

fn describe(world: &mut World, input: &Tree) -> Answer {
    let rows = LISTING.matching(world, input)?;
    let mut reservations: Vec<(String, Vec<Tree>)> = Vec::new();
    for row in rows {
        let id = row.text("InstanceId").unwrap_or_default();
        let kept = world.ec2.find(&INSTANCE, id).and_then(|one| one.text("ReservationId"));
        let of = kept.unwrap_or_default().to_owned();
        match reservations.iter_mut().find(|(other, _)| *other == of) {
            Some((_, instances)) => instances.push(row),
            None => reservations.push((of, vec![row])),
        }
    }
    let shown = reservations.into_iter().map(|(id, instances)| reservation(&world.ec2, &id, instances));
    page(shown.collect(), "Reservations", input)
}

fn reservation(ec2: &Ec2, id: &str, instances: Vec<Tree>) -> Tree {
    tree! { "ReservationId" => id, "OwnerId" => &ec2.account, "Groups" => Vec::<Tree>::new(), "Instances" => instances }
}

/// A machine that is to be.
struct Machine<'a> {
    id: &'a str,
    reservation: &'a str,
    kind: &'a str,
    image: &'a str,
    subnet: &'a str,
    groups: &'a [String],
    index: i64,
    /// The cluster that its agent joins.
    cluster: Option<&'a str>,
    key: Option<&'a str>,
}

fn keep(world: &mut World, machine: &Machine, address: Option<&str>) -> Result<(), Fault> {
    let now = world.now();
    let ec2 = &mut world.ec2;
    let subnet = ec2.get(&SUBNET, machine.subnet)?.clone();
    let new = New { subnet: machine.subnet, groups: machine.groups, address, ..New::default() };
    let interface = interface::make(ec2, new)?;
    let attachment = tree! {
        "AttachmentId" => ec2.id("eni-attach"),
        "AttachTime" => now,
        "DeleteOnTermination" => true,
        "DeviceIndex" => 0,
        "NetworkCardIndex" => 0,
        "InstanceId" => machine.id,
        "InstanceOwnerId" => &ec2.account,
        "Status" => "attached",
    };
    let public = subnet.bool("MapPublicIpOnLaunch") == Some(true);
    let public = public.then(|| tree! { "IpOwnerId" => "amazon", "PublicIp" => address::public(&interface) });
    if let Ok(kept) = ec2.get_mut(&INTERFACE, &interface) {
        *kept = kept.clone().with("Attachment", attachment).with_some("Association", public);
    }
    let kept = tree! {
        "ReservationId" => machine.reservation,
        "InstanceType" => machine.kind,
        "ImageId" => machine.image,
        "AmiLaunchIndex" => machine.index,
        "LaunchTime" => now,
        "Since" => now,
        "Wanted" => "running",
        "InterfaceId" => interface,
        "Groups" => machine.groups.iter().collect::<Vec<_>>(),
        "Zone" => subnet.text("AvailabilityZone").unwrap_or_default(),
    };
    let kept = kept.with_some("Cluster", machine.cluster).with_some("KeyName", machine.key);
    ec2.keep(&INSTANCE, machine.id, kept);
    Ok(())
}

fn run(world: &mut World, input: &Tree) -> Answer {
    refuse_unsupported(
        input,
        &["LaunchTemplate", "NetworkInterfaces", "Ipv6AddressCount", "Ipv6Addresses", "SecondaryInterfaces"],
    )?;
    let tags = instance_tags(input)?;
    let image = input.text("ImageId").ok_or_else(|| missing_parameter("ImageId"))?;
    let kind = input.text("InstanceType").unwrap_or("m1.small");
    let kind = types::find(kind).ok_or_else(|| {
        Fault::new("Unsupported", format!("The embedded EC2 does not have the instance type {kind}."))
    })?;
    let (least, most) = (input.int("MinCount").unwrap_or(1), input.int("MaxCount").unwrap_or(1));
    if !(1..=most).contains(&least) || most > MOST {
        return Err(invalid(format!(
            "Value ({least}) for parameter minCount is invalid. It must be between 1 and maxCount, which is at most {MOST}."
        )));
    }
    let cluster = user_data::cluster_of(image, input.text("UserData"))?;
    let (subnet, groups) = place(&world.ec2, input)?;
    let free = world.ec2.pools.get(&subnet).map_or(0, super::pool::Pool::free);
    let count = most.min(i64::try_from(free).unwrap_or(i64::MAX));
    if count < least {
        let text = format!(
            "There are not enough free addresses in subnet '{subnet}' to satisfy the requested number of instances."
        );
        return Err(Fault::new("InsufficientFreeAddressesInSubnet", text));
    }
    let reservation_id = world.ec2.id("r");
    let image = if image.starts_with(user_data::PARAMETER) { user_data::image(kind.arm) } else { image };
    let mut shown = Vec::new();
    for index in 0..count {
        let id = world.ec2.id("i");
        let machine = Machine {
            id: &id,
            reservation: &reservation_id,
            kind: kind.name,
            image,
            subnet: &subnet,
            groups: &groups,
            index,
            cluster: cluster.as_deref(),
            key: input.text("KeyName"),
        };
        keep(world, &machine, input.text("PrivateIpAddress"))?;
        tag::put(&mut world.ec2, &id, tags.clone());
        if cluster.is_some() {
            world.after(BOOT, Event::Machine { id: id.clone() });
        }
        shown.push(show(world, &id, world.ec2.get(&INSTANCE, &id)?));
    }
    Ok(reservation(&world.ec2, &reservation_id, shown))
}

/// Disks, interfaces and the like can be given tags with the machine; those are read and not kept.
fn instance_tags(input: &Tree) -> Result<std::collections::BTreeMap<String, String>, Fault> {
    let own = input.list("TagSpecifications").iter().filter(|one| one.text("ResourceType") == Some(INSTANCE.name));
    tag::on_create(&tree! { "TagSpecifications" => own.cloned().collect::<Vec<_>>() }, &INSTANCE)
}

/// The subnet and the groups that a request asks for.
fn place(ec2: &Ec2, input: &Tree) -> Result<(String, Vec<String>), Fault> {
    let subnet = match input.text("SubnetId") {
        Some(id) => id.to_owned(),
        None => {
            let asked = input.at(&["Placement", "AvailabilityZone"]).and_then(Tree::as_text);
            let zone = asked.map_or_else(|| format!("{}a", ec2.region), str::to_owned);
            let found = ec2.default_vpc().ok().and_then(|_| subnet::in_zone(ec2, &zone));
            found.ok_or_else(|| {
                Fault::new("MissingInput", format!("No default subnet for availability zone: '{zone}'."))
            })?
        }
    };
    let vpc = ec2.get(&SUBNET, &subnet)?.text("VpcId").unwrap_or_default();
    let mut named: Vec<String> = texts(input, "SecurityGroupIds").into_iter().map(str::to_owned).collect();
    for name in texts(input, "SecurityGroups") {
        named.push(security_group::named_in(ec2, vpc, name)?);
    }
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    Ok((subnet, security_group::for_interface(ec2, vpc, &named)?))
}

/// A machine has started up: its agent registers, or is back. A cluster that is not there has nobody to join.
pub fn boot(world: &mut World, id: &str) {
    let Some(one) = world.ec2.find(&INSTANCE, id).filter(|one| one.text("Wanted") == Some("running")).cloned() else {
        return;
    };
    if let Some(key) = registered(world, id) {
        return container_instance::connect(world, &key, true);
    }
    let cluster = one.text("Cluster").unwrap_or_default().to_owned();
    if world.ecs.clusters.get(&cluster).is_none_or(|cluster| !cluster.active) {
        return;
    }
    let wish = Wish {
        kind: one.text("InstanceType").map(str::to_owned),
        zone: one.text("Zone").map(str::to_owned),
        machine: Some(id.to_owned()),
        ..Wish::default()
    };
    // A cluster that is full takes no more; the machine runs all the same.
    drop(container_instance::add(world, &cluster, wish));
}

fn registered(world: &World, machine: &str) -> Option<(String, String)> {
    let mut all = world.ecs.instances.values();
    all.find(|one| one.machine == machine && one.is_registered()).map(container_instance::Instance::key)
}

/// A machine that came without RunInstances is here, too.
pub fn adopt(world: &mut World, id: &str, kind: &str, zone: &str, arm: bool) {
    if world.ec2.find(&INSTANCE, id).is_some() {
        return;
    }
    let Some(subnet) = subnet::in_zone(&world.ec2, zone) else { return };
    let vpc = world.ec2.find(&SUBNET, &subnet).and_then(|one| one.text("VpcId")).unwrap_or_default();
    let groups: Vec<String> = security_group::default_of(&world.ec2, vpc).into_iter().collect();
    let reservation = world.ec2.id("r");
    let machine = Machine {
        id,
        reservation: &reservation,
        kind,
        image: user_data::image(arm),
        subnet: &subnet,
        groups: &groups,
        index: 0,
        cluster: None,
        key: None,
    };
    // Where its subnet is full, EC2 does not know it; its cluster does.
    drop(keep(world, &machine, None));
    if let Ok(one) = world.ec2.get_mut(&INSTANCE, id) {
        // It has been there for long enough to register.
        let since = Time(since(one).0.saturating_sub(Time(0).after(BOOT).0));
        one.set("Since", since);
        one.set("LaunchTime", since);
    }
}

/// The subnet and the VPC of a machine.
pub fn stands(world: &World, id: &str) -> Option<(String, String)> {
    let interface = world.ec2.find(&INSTANCE, id)?.text("InterfaceId")?;
    let subnet = world.ec2.find(&INTERFACE, interface)?.text("SubnetId")?;
    let vpc = world.ec2.find(&SUBNET, subnet)?.text("VpcId")?;
    Some((subnet.to_owned(), vpc.to_owned()))
}

/// Something became of a machine: it stops, or goes with its interface and addresses.
pub fn went(world: &mut World, id: &str, end: End) {
    let word = if end == End::Terminated { "terminated" } else { "stopped" };
    turn(world, id, word);
    if end == End::Terminated {
        let held = world.ec2.find(&INSTANCE, id).and_then(|one| one.text("InterfaceId")).map(str::to_owned);
        if let Some(held) = held {
            interface::unmake(&mut world.ec2, &held);
        }
    }
}

fn turn(world: &mut World, id: &str, word: &str) {
    let now = world.now();
    if let Ok(one) = world.ec2.get_mut(&INSTANCE, id)
        && one.text("Wanted") != Some(word)
    {
        one.set("Wanted", word);
        one.set("Since", now);
    }
}

/// Does to each machine what is asked, and tells its states before and after.
fn each(
    world: &mut World,
    input: &Tree,
    member: &str,
    word: &str,
    from: &[&str],
    act: impl Fn(&mut World, &str),
) -> Answer {
    let ids: Vec<String> = texts(input, "InstanceIds").into_iter().map(str::to_owned).collect();
    if ids.is_empty() {
        required(input, "InstanceId")?;
    }
    for id in &ids {
        let one = world.ec2.get(&INSTANCE, id).ok().filter(|one| !is_forgotten(world, one));
        let one = one.ok_or_else(|| INSTANCE.missing(id))?;
        let state = state(world, one);
        let name = state.text("Name").unwrap_or_default();
        if !from.contains(&name) {
            let text = format!("The instance '{id}' is not in a state from which it can be {word}.");
            return Err(Fault::new("IncorrectInstanceState", text));
        }
    }
    let mut changes = Vec::new();
    for id in &ids {
        let before = state(world, world.ec2.get(&INSTANCE, id)?);
        act(world, id);
        let after = state(world, world.ec2.get(&INSTANCE, id)?);
        changes.push(tree! { "InstanceId" => id, "PreviousState" => before, "CurrentState" => after });
    }
    Ok(tree! { member => changes })
}

fn end(world: &mut World, id: &str, end: End) {
    match registered(world, id) {
        Some(key) => container_instance::halt(world, &key, end),
        None => went(world, id, end),
    }
}

fn terminate(world: &mut World, input: &Tree) -> Answer {
    let from = ["pending", "running", "stopping", "stopped", "shutting-down", "terminated"];
    each(world, input, "TerminatingInstances", "terminated", &from, |world, id| end(world, id, End::Terminated))
}

fn stop(world: &mut World, input: &Tree) -> Answer {
    let from = ["running", "stopping", "stopped"];
    each(world, input, "StoppingInstances", "stopped", &from, |world, id| end(world, id, End::Stopped))
}

fn start(world: &mut World, input: &Tree) -> Answer {
    let from = ["stopped", "pending", "running"];
    each(world, input, "StartingInstances", "started", &from, |world, id| {
        let running = world.ec2.find(&INSTANCE, id).and_then(|one| one.text("Wanted")) == Some("running");
        if !running {
            turn(world, id, "running");
            world.after(BOOT, Event::Machine { id: id.to_owned() });
        }
    })
}

/// Its agent is back without anybody having started it: the page of the simulation did.
pub fn came_back(world: &mut World, id: &str) {
    turn(world, id, "running");
}
