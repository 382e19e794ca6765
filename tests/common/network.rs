//! A VPC in the embedded EC2, made as people make one: beside the operator.

use ecs_operator::shape::Tree;
use ecs_operator::sim::Sim;
use ecs_operator::tree;

use super::harness::Rig;

/// A VPC of a rig's world.
pub struct Network {
    sim: Sim,
    pub vpc: String,
    /// The length of its subnets' prefixes: 24 to 28.
    bits: usize,
}

impl Network {
    /// One whose subnets are public, and have room for 251 tasks.
    pub fn new(rig: &Rig) -> Self {
        Self::of(rig, 24)
    }

    /// One of subnets with prefixes of that length.
    pub fn of(rig: &Rig, bits: usize) -> Self {
        let sim = rig.sim.clone();
        let id = |made: &Tree, path: [&str; 2]| made.at(&path).and_then(Tree::as_text).unwrap().to_owned();
        let vpc = id(&called(&sim, "CreateVpc", tree! { "CidrBlock" => "10.0.0.0/16" }), ["Vpc", "VpcId"]);
        let gateway = called(&sim, "CreateInternetGateway", tree! {});
        let gateway = id(&gateway, ["InternetGateway", "InternetGatewayId"]);
        let both = tree! { "InternetGatewayId" => gateway.as_str(), "VpcId" => vpc.as_str() };
        called(&sim, "AttachInternetGateway", both);
        let tables = called(&sim, "DescribeRouteTables", tree! {});
        let table = tables.list("RouteTables").iter().find(|one| one.text("VpcId") == Some(&vpc)).unwrap().clone();
        let route = tree! {
            "RouteTableId" => table.text("RouteTableId").unwrap(), "GatewayId" => gateway.as_str(),
            "DestinationCidrBlock" => "0.0.0.0/0",
        };
        called(&sim, "CreateRoute", route);
        Self { sim, vpc, bits }
    }

    /// The subnet of that number, in one of three zones.
    pub fn subnet(&self, number: usize, tags: &[(&str, &str)]) -> String {
        let (each, size) = (1 << (self.bits - 24), 1 << (32 - self.bits));
        let (high, low) = (number / each, number % each * size);
        let zone = format!("us-east-1{}", ["a", "b", "c"][number % 3]);
        let input = tree! {
            "VpcId" => self.vpc.as_str(), "CidrBlock" => format!("10.0.{high}.{low}/{}", self.bits), "AvailabilityZone" => zone,
        };
        let made = called(&self.sim, "CreateSubnet", input);
        let id = made.at(&["Subnet", "SubnetId"]).and_then(Tree::as_text).unwrap().to_owned();
        tags.iter().for_each(|(key, value)| self.tag(&id, key, value));
        id
    }

    /// A security group of that name.
    pub fn group(&self, name: &str) -> String {
        let input = tree! { "VpcId" => self.vpc.as_str(), "GroupName" => name, "Description" => name };
        called(&self.sim, "CreateSecurityGroup", input).text("GroupId").unwrap().to_owned()
    }

    pub fn tag(&self, id: &str, key: &str, value: &str) {
        let tags = vec![tree! { "Key" => key, "Value" => value }];
        called(&self.sim, "CreateTags", tree! { "Resources" => vec![id], "Tags" => tags });
    }

    /// What EC2 answers.
    pub fn call(&self, operation: &str, input: Tree) -> Tree {
        called(&self.sim, operation, input)
    }
}

fn called(sim: &Sim, operation: &str, input: Tree) -> Tree {
    sim.call("ec2", operation, input).unwrap_or_else(|fault| panic!("{operation}: {fault:?}"))
}

/// The subnets that a service of `prod` is in.
pub fn subnets_of(rig: &Rig, name: &str) -> Vec<String> {
    network_of(rig, name).list("subnets").iter().filter_map(Tree::as_text).map(str::to_owned).collect()
}

/// The `awsvpcConfiguration` of a service of `prod`.
pub fn network_of(rig: &Rig, name: &str) -> Tree {
    let input = tree! { "cluster" => "prod", "services" => vec![name] };
    let shown = rig.sim.call("ecs", "DescribeServices", input).unwrap();
    shown.list("services")[0].at(&["networkConfiguration", "awsvpcConfiguration"]).unwrap().clone()
}

/// A service's text with another network than all tests have; each line of `network` is indented by four.
pub fn with_network(text: &str, network: &str) -> String {
    let (head, _) = text.split_once("    awsvpcConfiguration:\n").unwrap();
    format!("{head}{network}")
}
