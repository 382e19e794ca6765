//! EC2 asked through its operations; every answer fits the shape table.

mod groups;
mod network;
mod physics;
mod random;

use super::*;
use crate::shape::Time;
use crate::shape::ec2_query::{read_form, read_xml, write_form, write_xml};
use crate::sim::ecs;
use crate::sim::world::Settings;

/// Values that EC2 answers though its own model does not have them.
const BEYOND_THE_MODEL: &[&str] = &["\"available\"", "\"nat_gateway\"", "\"pending\""];

pub struct Rig {
    pub world: World,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    pub fn with(settings: Settings) -> Self {
        Self { world: World::new(settings, Time(1_780_000_000_000)) }
    }

    /// Through both codecs, as a client's request and its answer go.
    pub fn call(&mut self, operation: &str, input: Tree) -> Answer {
        let table = table::ec2();
        let shape = table.input(operation).unwrap();
        let input = read_form(table, shape, &write_form(table, shape, &input)).unwrap();
        let answer = super::call(&mut self.world, operation, &input)?;
        let Some(shape) = table.output(operation) else {
            assert_eq!(answer, Tree::map(), "{operation} has no output");
            return Ok(answer);
        };
        let beyond = |one: &Mismatch| BEYOND_THE_MODEL.iter().any(|value| one.to_string().ends_with(value));
        let wrong = check(table, shape, &answer, Strictness::Full);
        let wrong = wrong.iter().filter(|one| !beyond(one)).map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(wrong, Vec::<String>::new(), "{operation}");
        let xml = format!("<Answer>{}</Answer>", write_xml(table, shape, &answer));
        Ok(read_xml(table, shape, &xml).unwrap())
    }

    pub fn ask(&mut self, operation: &str, input: Tree) -> Tree {
        self.call(operation, input).unwrap_or_else(|fault| panic!("{operation}: {fault:?}"))
    }

    /// The code of a refusal, and what it says.
    pub fn refused(&mut self, operation: &str, input: Tree) -> (&'static str, String) {
        let fault = self.call(operation, input).expect_err(operation);
        (fault.code, fault.message)
    }

    pub fn code(&mut self, operation: &str, input: Tree) -> &'static str {
        self.refused(operation, input).0
    }

    /// The text at a path of an operation's answer.
    pub fn id(&mut self, operation: &str, input: Tree, path: &[&str]) -> String {
        let answer = self.ask(operation, input);
        answer.at(path).and_then(Tree::as_text).unwrap_or_else(|| panic!("{operation}: {answer:?}")).to_owned()
    }

    /// The only row that a filter leaves.
    pub fn only(&mut self, operation: &str, list: &str, filter: (&str, &str)) -> Tree {
        let answer = self.ask(operation, filtered(filter.0, filter.1));
        let [row] = answer.list(list) else { panic!("{operation} {filter:?}: {answer:?}") };
        row.clone()
    }

    pub fn ecs(&mut self, operation: &str, input: Tree) -> Tree {
        ecs::call(&mut self.world, "ecs", operation, &input).unwrap_or_else(|fault| panic!("{operation}: {fault:?}"))
    }

    pub fn wait(&mut self, secs: u64) {
        self.world.skip(std::time::Duration::from_secs(secs));
    }

    /// A VPC with one subnet of that block; returns both ids.
    pub fn vpc(&mut self, block: &str) -> (String, String) {
        let vpc = self.id("CreateVpc", tree! { "CidrBlock" => "10.0.0.0/16" }, &["Vpc", "VpcId"]);
        let subnet = tree! { "VpcId" => &vpc, "CidrBlock" => block, "AvailabilityZone" => "us-east-1b" };
        let subnet = self.id("CreateSubnet", subnet, &["Subnet", "SubnetId"]);
        (vpc, subnet)
    }
}

pub fn filtered(name: &str, value: &str) -> Tree {
    tree! { "Filters" => vec![tree! { "Name" => name, "Values" => vec![value] }] }
}

#[test]
fn every_operation_of_the_table_has_one_row() {
    let mut named = coverage().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    named.sort_unstable();
    assert_eq!(named, table::ec2().operations.keys().copied().collect::<Vec<_>>());
    assert!(coverage().iter().all(|(_, one)| *one == Coverage::Full || one.words().len() > 5));
}

#[test]
fn a_new_account_has_a_default_vpc_and_a_reset_repeats_it() {
    let mut rig = Rig::new();
    let vpc = rig.only("DescribeVpcs", "Vpcs", ("is-default", "true"));
    assert_eq!(vpc.text("CidrBlock"), Some("172.31.0.0/16"));
    let subnets = rig.ask("DescribeSubnets", filtered("default-for-az", "true"));
    let shown = subnets.list("Subnets").iter().map(|one| {
        let zone = one.text("AvailabilityZone").unwrap().to_owned();
        (zone, one.text("CidrBlock").unwrap().to_owned(), one.int("AvailableIpAddressCount").unwrap())
    });
    let mut shown = shown.collect::<Vec<_>>();
    shown.sort();
    let expected = [("a", "0"), ("b", "16"), ("c", "32")];
    let expected = expected.map(|(zone, third)| (format!("us-east-1{zone}"), format!("172.31.{third}.0/20"), 4091));
    assert_eq!(shown, expected);
    let table = rig.only("DescribeRouteTables", "RouteTables", ("association.main", "true"));
    assert_eq!(table.list("Routes").len(), 2);
    assert_eq!(
        rig.only("DescribeSecurityGroups", "SecurityGroups", ("group-name", "default")).get("VpcId"),
        vpc.get("VpcId")
    );
    assert_eq!(rig.only("DescribeNetworkAcls", "NetworkAcls", ("default", "true")).list("Associations").len(), 3);
    rig.id("CreateVpc", tree! { "CidrBlock" => "10.0.0.0/16" }, &["Vpc", "VpcId"]);
    rig.world.reset();
    assert_eq!(rig.ask("DescribeVpcs", tree! {}).list("Vpcs"), [vpc]);
    assert_eq!(rig.ask("DescribeSubnets", filtered("default-for-az", "true")), subnets);
}

#[test]
fn what_is_made_here_does_not_change_what_ecs_does() {
    let (mut one, mut other) = (Rig::new(), Rig::new());
    other.vpc("10.0.0.0/24");
    assert_eq!(one.world.hex32(), other.world.hex32());
}

#[test]
fn refusals_are_ec2s() {
    let mut rig = Rig::new();
    for (operation, input, code, message) in [
        (
            "DescribeSubnets",
            tree! { "SubnetIds" => vec!["subnet-1"] },
            "InvalidSubnetID.NotFound",
            "The subnet ID 'subnet-1' does not exist",
        ),
        ("DescribeVpcs", filtered("colour", "red"), "InvalidParameterValue", "The filter 'colour' is invalid"),
        ("CreateSubnet", tree! {}, "MissingParameter", "The request must contain the parameter vpcId"),
        (
            "DescribeVpcs",
            tree! { "MaxResults" => 3 },
            "InvalidParameterValue",
            "Value (3) for parameter MaxResults is invalid. Expecting from 5 to 1000.",
        ),
        ("DescribeVpcs", tree! { "NextToken" => "x" }, "InvalidParameterValue", "Unable to parse pagination token"),
        (
            "CreateTags",
            tree! { "Resources" => vec!["vpc-1"], "Tags" => vec![tree! { "Key" => "a", "Value" => "b" }] },
            "InvalidVpcID.NotFound",
            "The vpc ID 'vpc-1' does not exist",
        ),
    ] {
        assert_eq!(rig.refused(operation, input), (code, message.to_owned()));
    }
    let dry = rig.call("CreateVpc", tree! { "CidrBlock" => "10.0.0.0/16", "DryRun" => true }).unwrap_err();
    assert_eq!((dry.status, dry.code), (412, "DryRunOperation"));
    assert_eq!(rig.ask("DescribeVpcs", tree! {}).list("Vpcs").len(), 1);
    let unknown = super::call(&mut rig.world, "CreateDinner", &tree! {}).unwrap_err();
    assert_eq!(unknown.code, "InvalidAction");
}

#[test]
fn a_request_that_comes_again_makes_nothing() {
    let mut rig = Rig::new();
    let (vpc, subnet) = rig.vpc("10.0.0.0/24");
    let input = tree! { "SubnetId" => &subnet, "ConnectivityType" => "private", "ClientToken" => "once" };
    let nat = rig.ask("CreateNatGateway", input.clone());
    assert_eq!(rig.ask("CreateNatGateway", input.clone()), nat);
    assert_eq!(rig.ask("DescribeNatGateways", tree! {}).list("NatGateways").len(), 1);
    let other = input.with("PrivateIpAddress", "10.0.0.9");
    assert_eq!(rig.code("CreateNatGateway", other), "IdempotentParameterMismatch");
    // A token is its operation's own.
    rig.ask("CreateRouteTable", tree! { "VpcId" => vpc, "ClientToken" => "once" });
}

#[test]
fn tags_are_put_on_and_taken_off_and_filter() {
    let mut rig = Rig::new();
    let tag = |key: &str, value: &str| tree! { "Key" => key, "Value" => value };
    let tags = tree! { "ResourceType" => "vpc", "Tags" => vec![tag("team", "shop"), tag("env", "prod")] };
    let input = tree! { "CidrBlock" => "10.0.0.0/16", "TagSpecifications" => vec![tags.clone()] };
    let vpc = rig.id("CreateVpc", input, &["Vpc", "VpcId"]);
    for (name, value) in [("tag:team", "sh*"), ("tag-key", "env"), ("tag:env", "pro?")] {
        assert_eq!(rig.only("DescribeVpcs", "Vpcs", (name, value)).text("VpcId"), Some(vpc.as_str()));
    }
    assert_eq!(rig.ask("DescribeVpcs", filtered("tag:team", "SHOP")).list("Vpcs").len(), 0);
    rig.ask("CreateTags", tree! { "Resources" => vec![&vpc], "Tags" => vec![tag("env", "test")] });
    let described = rig.ask("DescribeTags", filtered("resource-id", &vpc));
    assert_eq!(described.list("Tags").len(), 2);
    assert_eq!(described.list("Tags")[0].text("ResourceType"), Some("vpc"));
    rig.ask(
        "DeleteTags",
        tree! { "Resources" => vec![&vpc], "Tags" => vec![tag("env", "other"), tree! { "Key" => "team" }] },
    );
    let left = rig.only("DescribeVpcs", "Vpcs", ("vpc-id", &vpc));
    assert_eq!(left.list("Tags"), [tag("env", "test")]);
    let wrong = tree! { "CidrBlock" => "10.0.0.0/16", "VpcId" => &vpc, "TagSpecifications" => vec![tags] };
    assert_eq!(rig.code("CreateSubnet", wrong), "InvalidParameterValue");
    let many = (0..50).map(|number| tag(&number.to_string(), "")).collect::<Vec<_>>();
    let many = tree! { "Resources" => vec![&vpc], "Tags" => many };
    assert_eq!(rig.code("CreateTags", many), "TagLimitExceeded");
    let reserved = tree! { "Resources" => vec![&vpc], "Tags" => vec![tag("aws:x", "")] };
    assert_eq!(rig.code("CreateTags", reserved), "InvalidParameterValue");
}
