//! A VPC in the embedded EC2, made as people make one: beside the operator.

use ecs_operator::shape::Tree;
use ecs_operator::sim::Sim;
use ecs_operator::tree;

use super::harness::Rig;

/// A VPC of a rig's world.
pub struct Network {
    sim: Sim,
    pub vpc: String,
}

impl Network {
    pub fn new(rig: &Rig) -> Self {
        let sim = rig.sim.clone();
        let vpc = called(&sim, "CreateVpc", tree! { "CidrBlock" => "10.0.0.0/16" });
        let vpc = vpc.at(&["Vpc", "VpcId"]).and_then(Tree::as_text).unwrap().to_owned();
        Self { sim, vpc }
    }

    /// The subnet of that number, in one of three zones.
    pub fn subnet(&self, number: usize, tags: &[(&str, &str)]) -> String {
        let (high, low) = (number / 16, number % 16 * 16);
        let zone = format!("us-east-1{}", ["a", "b", "c"][number % 3]);
        let input = tree! {
            "VpcId" => self.vpc.as_str(), "CidrBlock" => format!("10.0.{high}.{low}/28"), "AvailabilityZone" => zone,
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
