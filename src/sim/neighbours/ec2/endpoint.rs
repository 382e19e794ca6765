//! VPC endpoints: how AWS's services are reached without the internet. Must not know: who reaches them.

use crate::shape::Tree;
use crate::sim::ecs::coverage::{Entry, partial};
use crate::sim::ecs::{Answer, Fault, spread};
use crate::sim::world::World;
use crate::tree;

use super::interface::{self, New};
use super::listing::Listing;
use super::store::{ENDPOINT, Ec2, ROUTE_TABLE, SUBNET, VPC};
use super::{invalid, refuse_unsupported, required, returned, security_group, tag, texts};

const LACKS: &str = "load balancers' endpoints, resources, service networks, policies and IPv6";

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    partial("CreateVpcEndpoint", create, LACKS),
    partial("DeleteVpcEndpoints", delete, LACKS),
    partial("DescribeVpcEndpoints", |world, input| LISTING.answer(world, input), LACKS),
    partial("ModifyVpcEndpoint", modify, LACKS),
];

const LISTING: Listing = Listing {
    ids: "VpcEndpointIds",
    missing: |id| ENDPOINT.missing(id),
    id: "VpcEndpointId",
    filter: "Filters",
    list: "VpcEndpoints",
    filters: &[
        ("ip-address-type", "IpAddressType"),
        ("service-name", "ServiceName"),
        ("vpc-endpoint-id", "VpcEndpointId"),
        ("vpc-endpoint-state", "State"),
        ("vpc-endpoint-type", "VpcEndpointType"),
        ("vpc-id", "VpcId"),
    ],
    all: |world| world.ec2.all(&ENDPOINT).map(|(id, one)| show(&world.ec2, id, one)).collect(),
};

/// Services that have a gateway endpoint, and the prefix lists of their addresses (ids weak: they differ by region).
const GATEWAYS: &[(&str, &str)] = &[("s3", "pl-63a5400a"), ("dynamodb", "pl-02cd2c6b")];
/// Services that have interface endpoints, of those that tasks and their agents use (ecs-semantics §9.3).
const INTERFACES: &[&str] = &[
    "autoscaling",
    "dynamodb",
    "ec2",
    "ec2messages",
    "ecr.api",
    "ecr.dkr",
    "ecs",
    "ecs-agent",
    "ecs-telemetry",
    "elasticfilesystem",
    "elasticloadbalancing",
    "events",
    "guardduty-data",
    "kinesis-firehose",
    "kinesis-streams",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "s3",
    "secretsmanager",
    "servicediscovery",
    "sns",
    "sqs",
    "ssm",
    "ssmmessages",
    "states",
    "sts",
    "xray",
];
const NOT_OFFERED: &[&str] =
    &["PolicyDocument", "DnsOptions", "SubnetConfigurations", "ServiceNetworkArn", "ServiceRegion"];

fn show(ec2: &Ec2, id: &str, endpoint: &Tree) -> Tree {
    let service = endpoint.text("ServiceName").unwrap_or_default();
    let groups: Vec<String> = texts(endpoint, "SecurityGroupIds").into_iter().map(str::to_owned).collect();
    let mut shown = endpoint.clone();
    shown.remove("SecurityGroupIds");
    let names = match endpoint.text("VpcEndpointType") {
        Some("Interface") => vec![tree! {
            "DnsName" => format!("{id}-{:08x}.{}.{}.vpce.amazonaws.com", spread(id) >> 32, short(ec2, service), ec2.region),
            "HostedZoneId" => "Z7HUB22UULQXV",
        }],
        _ => Vec::new(),
    };
    shown
        .with("Groups", security_group::identifiers(ec2, &groups))
        .with("DnsEntries", names)
        .with("IpAddressType", "ipv4")
        .with("OwnerId", &ec2.account)
        .with("RequesterManaged", false)
        // So it stands in EC2's answers, whatever its model says.
        .with("State", "available")
        .with("Tags", ec2.tags_of(id))
}

fn short<'a>(ec2: &Ec2, service: &'a str) -> &'a str {
    service.strip_prefix(&format!("com.amazonaws.{}.", ec2.region)).unwrap_or(service)
}

/// The endpoints' routes in a table.
pub fn routes_of(world: &World, table: &str) -> Vec<Tree> {
    let through = |(id, one): (&String, &Tree)| {
        let service = short(&world.ec2, one.text("ServiceName").unwrap_or_default());
        let (_, list) = GATEWAYS.iter().find(|(name, _)| *name == service)?;
        texts(one, "RouteTableIds").contains(&table).then(|| {
            tree! {
                "DestinationPrefixListId" => *list,
                "GatewayId" => id,
                "Origin" => "CreateRoute",
                "State" => "active",
            }
        })
    };
    world.ec2.all(&ENDPOINT).filter_map(through).collect()
}

/// Whether a service is reached from a subnet through an endpoint: a gateway in its route table, or an interface with
/// private names in its VPC. The layers of ECR's images come through the gateway only (ecs-semantics §9.3).
pub fn reaches(world: &World, vpc: &str, table: &str, service: &str) -> bool {
    let ec2 = &world.ec2;
    let through = |one: &Tree| {
        let this = one.text("VpcId") == Some(vpc) && short(ec2, one.text("ServiceName").unwrap_or_default()) == service;
        let opens = match one.text("VpcEndpointType") {
            Some("Gateway") => texts(one, "RouteTableIds").contains(&table),
            _ => service != "s3" && one.bool("PrivateDnsEnabled") == Some(true) && !one.list("SubnetIds").is_empty(),
        };
        this && opens
    };
    ec2.all(&ENDPOINT).any(|(_, one)| through(one))
}

fn create(world: &mut World, input: &Tree) -> Answer {
    refuse_unsupported(input, NOT_OFFERED)?;
    let tags = tag::on_create(input, &ENDPOINT)?;
    let now = world.now();
    let ec2 = &mut world.ec2;
    let vpc = required(input, "VpcId")?;
    ec2.get(&VPC, vpc)?;
    let name = required(input, "ServiceName")?;
    let kind = input.text("VpcEndpointType").unwrap_or("Gateway");
    let service = name.strip_prefix(&format!("com.amazonaws.{}.", ec2.region)).unwrap_or_default().to_owned();
    let offered = match kind {
        "Gateway" => GATEWAYS.iter().any(|(name, _)| *name == service),
        "Interface" => INTERFACES.contains(&service.as_str()),
        other => return Err(invalid(format!("The embedded EC2 does not have endpoints of type {other}."))),
    };
    if !offered {
        let text = format!("The Vpc Endpoint Service '{name}' does not exist");
        return Err(Fault::new("InvalidServiceName", text));
    }
    let private = kind == "Interface" && input.bool("PrivateDnsEnabled") != Some(false);
    judge_private(ec2, vpc, name, private)?;
    let id = ec2.id("vpce");
    let endpoint = tree! {
        "VpcEndpointType" => kind,
        "VpcId" => vpc,
        "ServiceName" => name,
        "CreationTimestamp" => now,
        "PrivateDnsEnabled" => private,
        "RouteTableIds" => Vec::<Tree>::new(),
        "SubnetIds" => Vec::<Tree>::new(),
        "NetworkInterfaceIds" => Vec::<Tree>::new(),
        "SecurityGroupIds" => Vec::<Tree>::new(),
    };
    let endpoint = changed(ec2, &id, endpoint, input, "")?;
    ec2.keep(&ENDPOINT, &id, endpoint);
    tag::put(ec2, &id, tags);
    let shown = show(ec2, &id, ec2.get(&ENDPOINT, &id)?);
    Ok(tree! { "VpcEndpoint" => shown }.with_some("ClientToken", input.get("ClientToken")))
}

/// Only one endpoint of a VPC can take a service's own name, and only where the VPC has names.
fn judge_private(ec2: &Ec2, vpc: &str, name: &str, private: bool) -> Result<(), Fault> {
    let same = |one: &Tree| {
        one.text("VpcId") == Some(vpc)
            && one.text("ServiceName") == Some(name)
            && one.bool("PrivateDnsEnabled") == Some(true)
    };
    if private && ec2.all(&ENDPOINT).any(|(_, one)| same(one)) {
        return Err(Fault::new(
            "InvalidParameter",
            format!(
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for {name} in \
                     the VPC {vpc}"
            ),
        ));
    }
    let on = |name: &str| ec2.find(&VPC, vpc).and_then(|vpc| vpc.bool(name)) == Some(true);
    if private && !(on("EnableDnsSupport") && on("EnableDnsHostnames")) {
        return Err(Fault::new(
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for \
             the VPC",
        ));
    }
    Ok(())
}

/// The endpoint with the tables, subnets and groups that a request adds and removes; their members begin with `add`.
fn changed(ec2: &mut Ec2, id: &str, mut endpoint: Tree, input: &Tree, add: &str) -> Result<Tree, Fault> {
    let vpc = endpoint.text("VpcId").unwrap_or_default().to_owned();
    let gateway = endpoint.text("VpcEndpointType") == Some("Gateway");
    let (tables, subnets) = (texts(input, &format!("{add}RouteTableIds")), texts(input, &format!("{add}SubnetIds")));
    let groups = texts(input, &format!("{add}SecurityGroupIds"));
    let others = if gateway { [&subnets, &groups] } else { [&tables, &tables] };
    if others.iter().any(|ids| !ids.is_empty()) {
        let text = "Route tables are for gateway endpoints; subnets and security groups are for interface endpoints.";
        return Err(Fault::new("InvalidParameter", text));
    }
    let mut own: Vec<Tree> = endpoint.list("RouteTableIds").to_vec();
    for table in tables {
        if ec2.get(&ROUTE_TABLE, table)?.text("VpcId") != Some(&vpc) {
            return Err(Fault::new("InvalidParameter", format!("The route table {table} is not of the VPC {vpc}.")));
        }
        own.push(Tree::from(table));
    }
    own.dedup();
    endpoint.set("RouteTableIds", own);
    if !gateway {
        let mut all: Vec<String> = texts(&endpoint, "SecurityGroupIds").into_iter().map(str::to_owned).collect();
        let more = security_group::for_interface(ec2, &vpc, &groups)?;
        all.extend(more.into_iter().filter(|_| add.is_empty() || !groups.is_empty()));
        for subnet in subnets {
            if ec2.get(&SUBNET, subnet)?.text("VpcId") != Some(&vpc) {
                return Err(Fault::new("InvalidParameter", format!("The subnet {subnet} is not of the VPC {vpc}.")));
            }
            stand(ec2, id, &mut endpoint, subnet, &all)?;
        }
        endpoint.set("SecurityGroupIds", all);
    }
    Ok(endpoint)
}

/// The endpoint gets an interface in one more subnet.
fn stand(ec2: &mut Ec2, id: &str, endpoint: &mut Tree, subnet: &str, groups: &[String]) -> Result<(), Fault> {
    let push = |endpoint: &mut Tree, name: &str, value: &str| {
        let mut all = endpoint.list(name).to_vec();
        all.push(Tree::from(value));
        endpoint.set(name, all);
    };
    if texts(endpoint, "SubnetIds").contains(&subnet) {
        return Ok(());
    }
    let description = format!("VPC Endpoint Interface {id}");
    let new = New { subnet, description: &description, kind: "vpc_endpoint", groups, ..New::default() };
    let interface = interface::make(ec2, New { requester: Some("727180483921"), ..new })?;
    push(endpoint, "SubnetIds", subnet);
    push(endpoint, "NetworkInterfaceIds", &interface);
    Ok(())
}

fn modify(world: &mut World, input: &Tree) -> Answer {
    refuse_unsupported(input, NOT_OFFERED)?;
    let id = required(input, "VpcEndpointId")?;
    let ec2 = &mut world.ec2;
    let endpoint = ec2.get(&ENDPOINT, id)?.clone();
    let (vpc, name) = (endpoint.text("VpcId").unwrap_or_default(), endpoint.text("ServiceName").unwrap_or_default());
    let private = input.bool("PrivateDnsEnabled");
    if endpoint.bool("PrivateDnsEnabled") != Some(true) {
        judge_private(ec2, vpc, name, private == Some(true))?;
    }
    let mut endpoint = changed(ec2, id, endpoint.clone(), input, "Add")?;
    if let Some(private) = private {
        endpoint.set("PrivateDnsEnabled", private);
    }
    for (member, removed) in [("RouteTableIds", "RemoveRouteTableIds"), ("SecurityGroupIds", "RemoveSecurityGroupIds")]
    {
        let gone = input.list(removed);
        let kept = endpoint.list(member).iter().filter(|one| !gone.contains(one)).cloned().collect::<Vec<_>>();
        endpoint.set(member, kept);
    }
    let subnets = texts(input, "RemoveSubnetIds");
    for interface in texts(&endpoint.clone(), "NetworkInterfaceIds") {
        let of = ec2.find(&super::store::INTERFACE, interface).and_then(|one| one.text("SubnetId"));
        if !of.is_some_and(|of| subnets.contains(&of)) {
            continue;
        }
        interface::unmake(ec2, interface);
        let kept = endpoint.list("NetworkInterfaceIds").iter().filter(|one| one.as_text() != Some(interface));
        let kept = kept.cloned().collect::<Vec<_>>();
        endpoint.set("NetworkInterfaceIds", kept);
    }
    let kept = endpoint.list("SubnetIds").iter().filter(|one| !one.as_text().is_some_and(|one| subnets.contains(&one)));
    let kept = kept.cloned().collect::<Vec<_>>();
    endpoint.set("SubnetIds", kept);
    ec2.keep(&ENDPOINT, id, endpoint);
    returned()
}

fn delete(world: &mut World, input: &Tree) -> Answer {
    let ec2 = &mut world.ec2;
    let mut unsuccessful = Vec::new();
    for id in texts(input, "VpcEndpointIds") {
        let Ok(endpoint) = ec2.get(&ENDPOINT, id).cloned() else {
            let fault = ENDPOINT.missing(id);
            let error = tree! { "Code" => fault.code, "Message" => fault.message };
            unsuccessful.push(tree! { "ResourceId" => id, "Error" => error });
            continue;
        };
        for interface in texts(&endpoint, "NetworkInterfaceIds") {
            interface::unmake(ec2, interface);
        }
        ec2.drop(&ENDPOINT, id);
    }
    Ok(tree! { "Unsuccessful" => unsuccessful })
}
