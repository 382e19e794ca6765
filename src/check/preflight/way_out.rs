//! Whether tasks can reach what they need to start: image, logs, secrets, through the internet or VPC endpoints
//! (ecs-semantics §9.2, §9.3). Must not know: counts.

use std::collections::BTreeSet;

use crate::check::Report;
use crate::check::rule::Rule;
use crate::shape::{Path, Tree};

use super::needs::{self, GATEWAY, Reach};
use super::{Case, Fact, Network, PUBLIC, Platform, SUBNETS, row};

pub const RULES: &[Rule] = &[
    row!(
        "preflight-no-way-out",
        Error,
        Block,
        no_way,
        "A Fargate task fetches its image and its secrets, and sends its logs, through its own interface: from a subnet \
         with a route to an internet gateway and assignPublicIp ENABLED, through a NAT gateway, or through VPC endpoints \
         (ecr.api, ecr.dkr and S3's gateway for an image in ECR, logs, secretsmanager, ssm); else it never starts (ECS: \
         ResourceInitializationError: unable to pull secrets or registry auth, or CannotPullContainerError)."
    ),
    row!(
        "preflight-way-out-pending",
        Error,
        Wait,
        pending,
        "The NAT gateway or VPC endpoint that leads out is available before tasks need it."
    ),
    row!(
        "preflight-way-out-elsewhere",
        Warning,
        Warn,
        elsewhere,
        "Where a default route leads to a transit gateway, a peering or an instance, whether tasks reach what they need \
         is decided elsewhere and can't be seen from here."
    ),
    row!(
        "preflight-ec2-public-subnet",
        Warning,
        Warn,
        on_ec2,
        "On EC2 a task in awsvpc mode never gets a public address: in a subnet whose default route is an internet \
         gateway it can't reach the internet. Tasks belong into a private subnet with a NAT gateway."
    ),
    row!(
        "preflight-execute-command",
        Warning,
        Warn,
        execute_command,
        "Execute command needs a way from the task to ssmmessages: the internet, or a VPC endpoint. Without it tasks run, \
         and no session can be opened."
    ),
    row!(
        "preflight-endpoint",
        Warning,
        Warn,
        endpoint,
        "A VPC endpoint that tasks go by has private DNS on, and lets them in on port 443; else they find, or reach, \
         the public address of the service or none."
    ),
];

/// Where a subnet's default route leads.
#[derive(Clone, Debug, PartialEq)]
enum Way<'a> {
    /// To an internet gateway: out with a public address only.
    Public(&'a str),
    Nat(&'a str),
    NatPending(&'a str),
    /// To something that is not there, or does not work.
    Dead(String),
    /// To something whose other side can't be seen.
    Elsewhere(&'a str),
    /// There is no default route.
    Isolated,
}

impl Way<'_> {
    /// In words, after "the subnet".
    fn told(&self) -> String {
        match self {
            Way::Public(gateway) => format!("leads to the internet gateway {gateway}"),
            Way::Nat(gateway) => format!("leads to the NAT gateway {gateway}"),
            Way::NatPending(gateway) => format!("leads to the NAT gateway {gateway}, which is pending"),
            Way::Dead(why) => format!("leads nowhere: {why}"),
            Way::Elsewhere(target) => format!("leads to {target}"),
            Way::Isolated => "has no default route".to_owned(),
        }
    }
}

/// Members of a route that name a target whose other side can't be seen.
const ELSEWHERE: &[&str] = &[
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "InstanceId",
    "NetworkInterfaceId",
    "LocalGatewayId",
    "CarrierGatewayId",
    "CoreNetworkArn",
    "GatewayId",
];

fn way<'a>(network: &'a Network, subnet: &'a Tree) -> Result<Way<'a>, &'a str> {
    let text = |name: &str| subnet.text(name).unwrap_or_default();
    let Some(table) = network.route_table(text("SubnetId"), text("VpcId"))? else { return Ok(Way::Isolated) };
    let default = |route: &&Tree| route.text("DestinationCidrBlock") == Some("0.0.0.0/0");
    let Some(route) = table.list("Routes").iter().find(default) else { return Ok(Way::Isolated) };
    if let Some(id) = route.text("GatewayId").filter(|id| id.starts_with("igw-")) {
        let gateways = network.internet_gateways.known()?;
        let attached = |gateway: &&Tree| {
            gateway.text("InternetGatewayId") == Some(id)
                && gateway.list("Attachments").iter().any(|one| one.text("VpcId") == Some(text("VpcId")))
        };
        let works = route.text("State") != Some("blackhole") && gateways.iter().any(|one| attached(&one));
        return Ok(if works { Way::Public(id) } else { Way::Dead(format!("{id} is not attached to the VPC")) });
    }
    if let Some(id) = route.text("NatGatewayId") {
        let gateways = network.nat_gateways.known()?;
        let Some(gateway) = gateways.iter().find(|one| one.text("NatGatewayId") == Some(id)) else {
            return Ok(Way::Dead(format!("the NAT gateway {id} does not exist")));
        };
        return Ok(match (through(network, gateway)?, gateway.text("State")) {
            (Some(why), _) => Way::Dead(format!("the NAT gateway {id} {why}")),
            (None, Some("available")) => Way::Nat(id),
            (None, Some("pending")) => Way::NatPending(id),
            (None, state) => Way::Dead(format!("the NAT gateway {id} is {}", state.unwrap_or("in no state"))),
        });
    }
    if route.text("State") == Some("blackhole") {
        return Ok(Way::Dead("its target is gone".to_owned()));
    }
    Ok(ELSEWHERE.iter().find_map(|name| route.text(name)).map_or(Way::Isolated, Way::Elsewhere))
}

/// Why a NAT gateway, whatever its state, leads to no internet: it has no public address, or stands in a subnet that is
/// not public itself.
fn through<'a>(network: &'a Network, gateway: &Tree) -> Result<Option<&'static str>, &'a str> {
    if gateway.text("ConnectivityType") == Some("private") {
        return Ok(Some("is private"));
    }
    let Some(subnet) = gateway.text("SubnetId") else { return Ok(None) };
    let table = network.route_table(subnet, gateway.text("VpcId").unwrap_or_default())?;
    let out = |route: &Tree| {
        let leads = route.text("GatewayId").is_some_and(|id| id.starts_with("igw-"));
        leads && route.text("DestinationCidrBlock") == Some("0.0.0.0/0") && route.text("State") != Some("blackhole")
    };
    let public = table.is_some_and(|table| table.list("Routes").iter().any(out));
    Ok((!public).then_some("stands in a subnet without an internet gateway"))
}

/// Whether a VPC endpoint leads from a subnet to an AWS service.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Door<'a> {
    Open(&'a Tree),
    Pending(&'a str),
    None,
}

fn door<'a>(network: &'a Network, subnet: &Tree, region: &str, service: &str) -> Result<Door<'a>, &'a str> {
    let vpc = subnet.text("VpcId");
    let name = format!(".{region}.{service}");
    let fits = |one: &&Tree| {
        one.text("VpcId") == vpc && one.text("ServiceName").is_some_and(|service| service.ends_with(&name))
    };
    let table = match service {
        GATEWAY => network.route_table(subnet.text("SubnetId").unwrap_or_default(), vpc.unwrap_or_default())?,
        _ => None,
    };
    // Layers come through S3's gateway alone, and it must be in the subnet's route table.
    let here = |one: &&Tree| match service {
        GATEWAY => {
            let tables = one.list("RouteTableIds");
            one.text("VpcEndpointType") == Some("Gateway")
                && table.and_then(|table| table.get("RouteTableId")).is_some_and(|table| tables.contains(table))
        }
        _ => one.text("VpcEndpointType") == Some("Interface"),
    };
    let state = |one: &Tree| one.text("State").unwrap_or_default().to_lowercase();
    let mut doors = network.endpoints.known()?.iter().filter(fits).filter(here).collect::<Vec<_>>();
    doors.sort_by_key(|one| state(one) != "available");
    Ok(match doors.first() {
        Some(first) if state(first) == "available" => Door::Open(first),
        Some(first) if state(first).starts_with("pending") => {
            Door::Pending(first.text("VpcEndpointId").unwrap_or("the endpoint"))
        }
        _ => Door::None,
    })
}

/// One subnet, with what its tasks can't reach.
struct Stand<'a> {
    index: usize,
    id: &'a str,
    subnet: &'a Tree,
    way: Way<'a>,
    missing: Vec<&'a Reach>,
    /// What will lead there once it is available.
    pending: Vec<String>,
    doors: Vec<&'a Tree>,
}

/// Each subnet that there is, judged for what is to be reached; a fact that is missing counts only where it is needed.
fn stands<'a>(case: &'a Case<'_>, reached: &'a BTreeSet<Reach>) -> Result<Vec<Stand<'a>>, &'a str> {
    let network = &case.facts.network;
    let fargate = case.platform() == Platform::Fargate;
    let public = fargate && case.vpc().and_then(|vpc| vpc.text("assignPublicIp")) == Some("ENABLED");
    let mut all = Vec::new();
    for (index, id) in case.subnets() {
        // Whether it exists is another check's business.
        let Some(subnet) = network.subnet(id)? else { continue };
        let way = way(network, subnet)?;
        let out = match &way {
            Way::Public(_) => public,
            Way::Nat(_) | Way::NatPending(_) | Way::Elsewhere(_) => true,
            Way::Dead(_) | Way::Isolated => false,
        };
        let mut stand = Stand { index, id, subnet, way, missing: Vec::new(), pending: Vec::new(), doors: Vec::new() };
        for reach in reached {
            let door = match reach.endpoint {
                // Known endpoints are gone by even where the internet is open; unknown ones are not needed there.
                Some(service) => match door(network, subnet, &case.place.region, service) {
                    Err(_) if out => Door::None,
                    door => door?,
                },
                None => Door::None,
            };
            match door {
                Door::Open(endpoint) => stand.doors.push(endpoint),
                Door::Pending(id) if !out => stand.pending.push(id.to_owned()),
                Door::Pending(_) | Door::None if !out => stand.missing.push(reach),
                Door::Pending(_) | Door::None => {
                    if let Way::NatPending(gateway) = &stand.way {
                        stand.pending.push((*gateway).to_owned());
                    }
                }
            }
        }
        all.push(stand);
    }
    Ok(all)
}

/// What the tasks reach to start; `None` where there is nothing to judge.
fn reached(case: &Case<'_>) -> Option<BTreeSet<Reach>> {
    let definition = case.definition.known().ok()?;
    let own = case.subnets().next().is_some() && case.platform() == Platform::Fargate;
    own.then(|| needs::reached_on_fargate(definition)).filter(|all| !all.is_empty())
}

fn no_way(case: &Case<'_>, report: &mut Report<'_>) {
    if let (Fact::Unknown(why), Platform::Fargate) = (case.definition, case.platform()) {
        return report.unknown(SUBNETS, "what the tasks have to reach is not known", why);
    }
    let Some(reached) = reached(case) else { return };
    let stands = match stands(case, &reached) {
        Ok(stands) => stands,
        Err(why) => return report.unknown(SUBNETS, "whether tasks find a way out is not known", why),
    };
    for stand in stands.iter().filter(|stand| !stand.missing.is_empty()) {
        let public = matches!(stand.way, Way::Public(_));
        let closed = if public { ", and assignPublicIp is not ENABLED" } else { "" };
        let message = format!(
            "tasks in {} ({}) can't reach {}: the subnet {}{closed}",
            stand.id,
            stand.subnet.text("AvailabilityZone").unwrap_or("no zone"),
            listed(&stand.missing),
            stand.way.told()
        );
        let path = if public { Path::from(PUBLIC) } else { Path::from(SUBNETS).index(stand.index) };
        report.value(path, message, remedy(stand, &case.place.region, public));
    }
}

/// `ecr.api and ecr.dkr (the image …), logs (the log driver awslogs)`, in the order of what they are for.
fn listed(missing: &[&Reach]) -> String {
    let mut told: Vec<(String, Vec<&str>)> = Vec::new();
    for reach in missing {
        let name = reach.endpoint.unwrap_or("the internet");
        match told.iter_mut().find(|(what, _)| *what == reach.what) {
            Some((_, names)) => names.push(name),
            None => told.push((reach.what.clone(), vec![name])),
        }
    }
    told.into_iter().map(|(what, names)| format!("{} ({what})", names.join(", "))).collect::<Vec<_>>().join("; ")
}

fn remedy(stand: &Stand<'_>, region: &str, public: bool) -> String {
    let first = if public { "set assignPublicIp to ENABLED" } else { "route 0.0.0.0/0 to a NAT gateway" };
    if stand.missing.iter().any(|reach| reach.endpoint.is_none()) {
        return format!("{first}; no VPC endpoint leads to the internet");
    }
    let names: BTreeSet<String> = stand
        .missing
        .iter()
        .filter_map(|reach| reach.endpoint)
        .map(|name| {
            let kind = if name == GATEWAY { ", a gateway in the subnet's route table" } else { "" };
            format!("com.amazonaws.{region}.{name}{kind}")
        })
        .collect();
    format!("{first}, or create VPC endpoints: {}", names.into_iter().collect::<Vec<_>>().join("; "))
}

fn pending(case: &Case<'_>, report: &mut Report<'_>) {
    let Some(reached) = reached(case) else { return };
    for stand in stands(case, &reached).unwrap_or_default() {
        let waits: BTreeSet<String> = stand.pending.iter().cloned().collect();
        if !waits.is_empty() && stand.missing.is_empty() {
            let waits = waits.into_iter().collect::<Vec<_>>().join(", ");
            let message = format!("tasks in {} go out by {waits}, which is not available yet", stand.id);
            report.value(Path::from(SUBNETS).index(stand.index), message, "wait until it is available");
        }
    }
}

fn elsewhere(case: &Case<'_>, report: &mut Report<'_>) {
    let Some(reached) = reached(case) else { return };
    for stand in stands(case, &reached).unwrap_or_default() {
        let Way::Elsewhere(target) = stand.way else { continue };
        if stand.doors.len() < reached.len() {
            let message = format!("whether tasks in {} find a way out is not known", stand.id);
            let why = format!("they go out by {target}, and where that leads can't be seen");
            report.unknown(Path::from(SUBNETS).index(stand.index), message, &why);
        }
    }
}

fn on_ec2(case: &Case<'_>, report: &mut Report<'_>) {
    if case.platform() != Platform::Ec2 || case.subnets().next().is_none() {
        return;
    }
    let nothing = BTreeSet::new();
    let stands = match stands(case, &nothing) {
        Ok(stands) => stands,
        Err(why) => return report.unknown(SUBNETS, "whether tasks find a way out is not known", why),
    };
    for stand in stands {
        if let Way::Public(gateway) = stand.way {
            let message = format!("{} leads to {gateway}, and tasks on EC2 get no public address", stand.id);
            report.value(Path::from(SUBNETS).index(stand.index), message, "name private subnets with a NAT gateway");
        }
    }
}

fn execute_command(case: &Case<'_>, report: &mut Report<'_>) {
    if case.spec.bool("enableExecuteCommand") != Some(true) || case.platform() == Platform::External {
        return;
    }
    let reached = BTreeSet::from([needs::session()]);
    match stands(case, &reached) {
        Err(why) => report.unknown(SUBNETS, "whether execute command finds a way out is not known", why),
        Ok(stands) => {
            for stand in stands.iter().filter(|stand| !stand.missing.is_empty()) {
                let message = format!("execute command can't reach ssmmessages from {}", stand.id);
                let remedy = format!("create the VPC endpoint com.amazonaws.{}.ssmmessages", case.place.region);
                report.value(Path::from(SUBNETS).index(stand.index), message, remedy);
            }
        }
    }
}

fn endpoint(case: &Case<'_>, report: &mut Report<'_>) {
    let Some(reached) = reached(case) else { return };
    let mut told = BTreeSet::new();
    for stand in stands(case, &reached).unwrap_or_default() {
        for door in stand.doors.iter().filter(|door| door.text("VpcEndpointType") == Some("Interface")) {
            let id = door.text("VpcEndpointId").unwrap_or_default();
            let service = door.text("ServiceName").unwrap_or_default();
            if door.bool("PrivateDnsEnabled") == Some(false) && told.insert((id.to_owned(), "dns")) {
                let message = format!("{id} ({service}) has no private DNS: tasks resolve the public address");
                report.value(SUBNETS, message, "switch private DNS of the endpoint on");
            }
            if !lets_in(case, door, stand.subnet) && told.insert((id.to_owned(), "port")) {
                let message = format!("the security groups of {id} ({service}) let no task of {} in on 443", stand.id);
                report.value(SUBNETS, message, "allow TCP 443 from the tasks' security groups or the VPC's addresses");
            }
        }
    }
}

/// Whether a group of the endpoint lets tasks of the subnet in; what is not known is not held against it.
fn lets_in(case: &Case<'_>, endpoint: &Tree, subnet: &Tree) -> bool {
    let Ok(groups) = case.facts.network.groups.known() else { return true };
    let own = endpoint.list("Groups").iter().filter_map(|group| group.text("GroupId"));
    let own: Vec<&Tree> = own.filter_map(|id| groups.iter().find(|group| group.text("GroupId") == Some(id))).collect();
    let tasks = case.vpc().map(|vpc| vpc.list("securityGroups")).unwrap_or_default();
    let cidr = subnet.text("CidrBlock").unwrap_or_default();
    own.is_empty() || own.iter().flat_map(|group| group.list("IpPermissions")).any(|rule| admits(rule, tasks, cidr))
}

/// The port of TLS.
const TLS: i64 = 443;

fn admits(rule: &Tree, tasks: &[Tree], cidr: &str) -> bool {
    let port = match rule.text("IpProtocol") {
        Some("-1") => true,
        Some("tcp" | "6") => {
            let ends = (rule.int("FromPort").unwrap_or(0), rule.int("ToPort").unwrap_or(65_535));
            (ends.0..=ends.1).contains(&TLS)
        }
        _ => false,
    };
    let from_group = |pair: &Tree| tasks.is_empty() || pair.get("GroupId").is_some_and(|group| tasks.contains(group));
    let from_cidr = |range: &Tree| range.text("CidrIp").is_some_and(|range| overlaps(range, cidr));
    // What a prefix list holds can't be seen.
    port && (rule.list("UserIdGroupPairs").iter().any(from_group)
        || rule.list("IpRanges").iter().any(from_cidr)
        || !rule.list("PrefixListIds").is_empty())
}

/// Whether two IPv4 blocks share an address; what is no block is taken to.
fn overlaps(one: &str, other: &str) -> bool {
    let read = |text: &str| {
        let (address, bits) = text.split_once('/')?;
        let address = u32::from(address.parse::<std::net::Ipv4Addr>().ok()?);
        Some((address, bits.parse::<u32>().ok().filter(|bits| *bits <= 32)?))
    };
    let (Some((one, a)), Some((other, b))) = (read(one), read(other)) else { return true };
    let shift = 32 - a.min(b);
    shift == 32 || one >> shift == other >> shift
}
