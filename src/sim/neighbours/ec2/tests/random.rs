//! Whatever is asked, answers fit, nothing falls over, and every address is either free or held by an interface that
//! can be seen.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::cidr::Block;
use super::*;
use crate::shape::Map;
use crate::shape::table::{Shape, Structure};

/// Requests drawn from numbers; what earlier answers told is asked for again.
struct Draw {
    rng: fastrand::Rng,
    seen: Vec<String>,
}

const TEXTS: &[&str] = &[
    "10.0.0.0/16",
    "10.0.0.0/24",
    "10.0.0.32/28",
    "0.0.0.0/0",
    "::/0",
    "tcp",
    "-1",
    "icmp",
    "web",
    "*",
    "enableDnsSupport",
    "com.amazonaws.us-east-1.s3",
    "com.amazonaws.us-east-1.ecr.api",
    "Interface",
    "Gateway",
    "us-east-1a",
    "vpc-id",
    "é<&",
    "",
    "c5.large",
    "ami-0f64000000000ec50",
    "RUNTX0NMVVNURVI9ZGVmYXVsdA==",
    "10.0.0.5",
];

impl Draw {
    fn structure(&mut self, structure: &Structure, depth: usize) -> Tree {
        let mut members = Map::new();
        for (name, member) in &structure.members {
            let odds = if member.required { 19 } else { 4 };
            if depth > 0 && *name != "DryRun" && self.rng.u32(0..20) < odds {
                members.insert((*name).to_owned(), self.value(name, member.shape, depth - 1));
            }
        }
        Tree::Map(members)
    }

    fn value(&mut self, name: &str, shape: &str, depth: usize) -> Tree {
        match &table::ec2().shapes[shape] {
            Shape::Structure(structure) => self.structure(structure, depth),
            Shape::List { item } => {
                Tree::List((0..self.rng.usize(1..3)).map(|_| self.value(name, item, depth)).collect())
            }
            Shape::Text(text) if !text.values.is_empty() && self.rng.u32(0..9) > 0 => {
                Tree::from(text.values[self.rng.usize(0..text.values.len())])
            }
            Shape::Integer(_) | Shape::Long(_) => Tree::Int([1, 2, 5, 80, 443, -1, 0, 65_536][self.rng.usize(0..8)]),
            Shape::Boolean => Tree::Bool(self.rng.bool()),
            Shape::Float(_) | Shape::Timestamp => Tree::Float(self.rng.f64()),
            _ => self.text(name),
        }
    }

    /// An id of the right kind, where one was seen.
    fn text(&mut self, name: &str) -> Tree {
        let kind = store::KINDS.iter().find(|kind| name.contains(kind.id) || name.trim_end_matches('s') == kind.id);
        let fits = |id: &&String| kind.is_none_or(|kind| Kind::of(id).is_some_and(|of| of.name == kind.name));
        let ids = self.seen.iter().filter(fits).cloned().collect::<Vec<_>>();
        match self.rng.u32(0..10) {
            0..7 if kind.is_some() && !ids.is_empty() => Tree::from(&ids[self.rng.usize(0..ids.len())]),
            0 if !self.seen.is_empty() => Tree::from(&self.seen[self.rng.usize(0..self.seen.len())]),
            _ => Tree::from(TEXTS[self.rng.usize(0..TEXTS.len())]),
        }
    }

    /// An id that begins so, of whatever was seen, gone or not.
    fn pick(&mut self, prefix: &str) -> Tree {
        let begins = |id: &&String| id.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('-'));
        let ids = self.seen.iter().filter(begins).collect::<Vec<_>>();
        Tree::from(if ids.is_empty() { "none" } else { ids[self.rng.usize(0..ids.len())].as_str() })
    }

    fn block(&mut self) -> String {
        format!("10.0.{}.{}/28", self.rng.u32(0..2), self.rng.u32(0..3) * 16)
    }

    fn permission(&mut self) -> Tree {
        let port = self.rng.i64(79..82);
        let base = tree! { "IpProtocol" => "tcp", "FromPort" => port, "ToPort" => port };
        if self.rng.bool() {
            return base.with("UserIdGroupPairs", vec![tree! { "GroupId" => self.pick("sg") }]);
        }
        base.with("IpRanges", vec![tree! { "CidrIp" => "10.0.0.0/8" }])
    }

    /// A request that could be meant.
    fn meant(&mut self) -> (&'static str, Tree) {
        let (vpc, subnet, group, table) = (self.pick("vpc"), self.pick("subnet"), self.pick("sg"), self.pick("rtb"));
        let (gateway, nat, address) = (self.pick("igw"), self.pick("nat"), self.pick("eipalloc"));
        let (one, block, machines) = (vec![subnet.clone()], self.block(), vec![self.pick("i")]);
        let rules = tree! { "GroupId" => &group, "IpPermissions" => vec![self.permission()] };
        let way = if self.rng.bool() { ("GatewayId", &gateway) } else { ("NatGatewayId", &nat) };
        let route = tree! { "RouteTableId" => &table, "DestinationCidrBlock" => "0.0.0.0/0" };
        let service = format!("com.amazonaws.us-east-1.{}", ["ecr.api", "logs"][self.rng.usize(0..2)]);
        match self.rng.u32(0..29) {
            0 => ("CreateVpc", tree! { "CidrBlock" => "10.0.0.0/16" }),
            1 | 2 => ("CreateSubnet", tree! { "VpcId" => vpc, "CidrBlock" => block }),
            3 => ("DeleteSubnet", tree! { "SubnetId" => subnet }),
            4 => ("DeleteVpc", tree! { "VpcId" => vpc }),
            5 => ("CreateSecurityGroup", tree! { "GroupName" => "g", "Description" => "d", "VpcId" => vpc }),
            6 | 7 => ("AuthorizeSecurityGroupIngress", rules),
            8 => ("RevokeSecurityGroupIngress", rules),
            9 => ("AuthorizeSecurityGroupEgress", rules),
            10 => ("DeleteSecurityGroup", tree! { "GroupId" => group }),
            11 => ("AllocateAddress", tree! {}),
            12 | 13 => ("CreateNatGateway", tree! { "SubnetId" => subnet, "AllocationId" => address }),
            14 => ("DeleteNatGateway", tree! { "NatGatewayId" => nat }),
            15 => ("ReleaseAddress", tree! { "AllocationId" => address }),
            16 => ("CreateNetworkInterface", tree! { "SubnetId" => subnet }),
            17 => ("DeleteNetworkInterface", tree! { "NetworkInterfaceId" => self.pick("eni") }),
            18 => ("CreateRoute", route.with(way.0, way.1)),
            19 => ("ReplaceRoute", route.with(way.0, way.1)),
            20 => ("AttachInternetGateway", tree! { "InternetGatewayId" => gateway, "VpcId" => vpc }),
            21 => ("DetachInternetGateway", tree! { "InternetGatewayId" => gateway, "VpcId" => vpc }),
            22 => ("AssociateRouteTable", tree! { "RouteTableId" => table, "SubnetId" => subnet }),
            23 => ("DisassociateRouteTable", tree! { "AssociationId" => self.pick("rtbassoc") }),
            24 => (
                "CreateVpcEndpoint",
                tree! { "VpcId" => vpc, "ServiceName" => service, "VpcEndpointType" => "Interface", "SubnetIds" => one },
            ),
            25 => ("ModifyVpcEndpoint", tree! { "VpcEndpointId" => self.pick("vpce"), "AddSubnetIds" => one }),
            26 => ("DeleteVpcEndpoints", tree! { "VpcEndpointIds" => vec![self.pick("vpce")] }),
            27 => (
                "RunInstances",
                tree! { "ImageId" => user_data::IMAGES[0], "InstanceType" => "c5.large", "MinCount" => 1, "MaxCount" => 3, "SubnetId" => subnet },
            ),
            _ => (
                ["StartInstances", "StopInstances", "TerminateInstances"][self.rng.usize(0..3)],
                tree! { "InstanceIds" => machines },
            ),
        }
    }

    fn see(&mut self, answer: &Tree) {
        match answer {
            Tree::Text(text) if text.contains("-0") && !self.seen.iter().any(|one| **one == **text) => {
                self.seen.push(text.to_string())
            }
            Tree::List(items) => items.iter().for_each(|item| self.see(item)),
            Tree::Map(members) => members.values().for_each(|member| self.see(member)),
            _ => {}
        }
    }
}

/// Of every subnet: the addresses that are free, and those of its interfaces, are all there are.
fn adds_up(rig: &mut Rig) {
    let mut held: BTreeMap<String, u64> = BTreeMap::new();
    for interface in interface::all(&rig.world) {
        *held.entry(interface.text("SubnetId").unwrap().to_owned()).or_default() += 1;
    }
    for subnet in rig.ask("DescribeSubnets", tree! {}).list("Subnets") {
        let size = Block::read(subnet.text("CidrBlock").unwrap()).unwrap().size();
        let free = u64::try_from(subnet.int("AvailableIpAddressCount").unwrap()).unwrap();
        let held = held.remove(subnet.text("SubnetId").unwrap()).unwrap_or_default();
        assert_eq!(free + held, size - 5, "{subnet:?}");
    }
    assert!(held.is_empty(), "interfaces without a subnet: {held:?}");
}

fn play(seed: u64) {
    let mut rig = Rig::new();
    let mut draw = Draw { rng: fastrand::Rng::with_seed(seed), seen: Vec::new() };
    let operations = table::ec2().operations.keys().copied().collect::<Vec<_>>();
    rig.ecs("CreateCluster", tree! {});
    let container = tree! { "name" => "app", "image" => "nginx" };
    rig.ecs(
        "RegisterTaskDefinition",
        tree! {
            "family" => "app", "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
            "requiresCompatibilities" => vec!["FARGATE"], "containerDefinitions" => vec![container],
        },
    );
    for operation in operations.iter().filter(|name| name.starts_with("Describe") && !name.ends_with("Attribute")) {
        let answer = rig.ask(operation, tree! {});
        draw.see(&answer);
    }
    for _ in 0..120 {
        let (operation, input) = if draw.rng.u32(0..10) < 7 {
            draw.meant()
        } else {
            let operation = operations[draw.rng.usize(0..operations.len())];
            (operation, draw.structure(table::ec2().input(operation).unwrap(), 6))
        };
        if let Ok(answer) = rig.call(operation, input) {
            draw.see(&answer);
        }
        if draw.rng.u32(0..4) == 0 {
            let subnet = draw.pick("subnet");
            let network =
                tree! { "awsvpcConfiguration" => tree! { "subnets" => vec![subnet], "assignPublicIp" => "ENABLED" } };
            let input = tree! { "taskDefinition" => "app", "launchType" => "FARGATE", "count" => 3, "networkConfiguration" => network };
            let _refused = ecs::call(&mut rig.world, "ecs", "RunTask", &input).is_err();
        }
        rig.wait(draw.rng.u64(0..200));
        adds_up(&mut rig);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_answers_fit_and_addresses_add_up(seed: u64) {
        play(seed);
    }
}
