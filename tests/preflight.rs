//! Preflight in the operator: what it holds is not written, what was foretold happens to whoever insists, and the nearest
//! world without the fault rolls.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::time::Duration;

use common::golden;
use common::harness::{HOUR, MINUTE, Rig, Wanted, cluster, task};
use ecs_operator::cli::findings::github;
use ecs_operator::cli::preflight::{json, text};
use ecs_operator::cli::terminal::Terminal;
use ecs_operator::manifest::Finding;
use ecs_operator::shape::Tree;
use ecs_operator::sim::ecs::instance::{Wish, add};
use ecs_operator::tree;

const WEB: &str = "prod/Service/web";
const ECR: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/web";

/// A VPC with an internet gateway, and what is built in it.
struct Net {
    vpc: String,
    table: String,
    gateway: String,
}

fn ec2(rig: &Rig, operation: &str, input: Tree) -> Tree {
    rig.sim.call("ec2", operation, input).unwrap_or_else(|fault| panic!("{operation}: {fault:?}"))
}

fn id(rig: &Rig, operation: &str, input: Tree, path: &[&str]) -> String {
    ec2(rig, operation, input).at(path).and_then(Tree::as_text).unwrap().to_owned()
}

impl Net {
    fn new(rig: &Rig, number: u8) -> Self {
        let vpc = id(rig, "CreateVpc", tree! { "CidrBlock" => format!("10.{number}.0.0/16") }, &["Vpc", "VpcId"]);
        let gateway = id(rig, "CreateInternetGateway", tree! {}, &["InternetGateway", "InternetGatewayId"]);
        ec2(rig, "AttachInternetGateway", tree! { "InternetGatewayId" => &gateway, "VpcId" => &vpc });
        // What private DNS of endpoints takes.
        let names = tree! { "VpcId" => &vpc, "EnableDnsHostnames" => tree! { "Value" => true } };
        ec2(rig, "ModifyVpcAttribute", names);
        let tables = ec2(
            rig,
            "DescribeRouteTables",
            tree! { "Filters" => vec![tree! { "Name" => "vpc-id", "Values" => vec![&vpc] }] },
        );
        let table = tables.list("RouteTables")[0].text("RouteTableId").unwrap().to_owned();
        Self { vpc, table, gateway }
    }

    fn subnet(&self, rig: &Rig, cidr: &str, zone: &str) -> String {
        let zone = format!("us-east-1{zone}");
        let input = tree! { "VpcId" => &self.vpc, "CidrBlock" => cidr, "AvailabilityZone" => zone };
        id(rig, "CreateSubnet", input, &["Subnet", "SubnetId"])
    }

    fn group(&self, rig: &Rig) -> String {
        let input = tree! { "GroupName" => "web", "Description" => "web", "VpcId" => &self.vpc };
        id(rig, "CreateSecurityGroup", input, &["GroupId"])
    }

    fn route(&self, rig: &Rig, table: &str, member: &str, target: &str) {
        let route = tree! { "RouteTableId" => table, "DestinationCidrBlock" => "0.0.0.0/0" };
        ec2(rig, "CreateRoute", route.with(member, target));
    }

    /// All subnets without a table of their own are public.
    fn open(&self, rig: &Rig) {
        self.route(rig, &self.table, "GatewayId", &self.gateway);
    }

    /// A NAT gateway in a public subnet of its own.
    fn nat(&self, rig: &Rig, cidr: &str) -> String {
        let subnet = self.subnet(rig, cidr, "a");
        let table = id(rig, "CreateRouteTable", tree! { "VpcId" => &self.vpc }, &["RouteTable", "RouteTableId"]);
        self.route(rig, &table, "GatewayId", &self.gateway);
        ec2(rig, "AssociateRouteTable", tree! { "RouteTableId" => table, "SubnetId" => &subnet });
        let address = id(rig, "AllocateAddress", tree! { "Domain" => "vpc" }, &["AllocationId"]);
        let input = tree! { "SubnetId" => subnet, "AllocationId" => address };
        id(rig, "CreateNatGateway", input, &["NatGateway", "NatGatewayId"])
    }

    fn endpoint(&self, rig: &Rig, service: &str, subnet: &str) {
        let name = format!("com.amazonaws.us-east-1.{service}");
        let input = tree! { "VpcId" => &self.vpc, "ServiceName" => name };
        let input = match service {
            "s3" => input.with("VpcEndpointType", "Gateway").with("RouteTableIds", vec![&self.table]),
            _ => input
                .with("VpcEndpointType", "Interface")
                .with("SubnetIds", vec![subnet])
                .with("PrivateDnsEnabled", true),
        };
        ec2(rig, "CreateVpcEndpoint", input);
    }
}

/// The text of a service in these subnets, in the default group of their VPC.
fn service(name: &str, wanted: &Wanted, subnets: &[&str], public: &str) -> String {
    let text = wanted.text(name);
    let (head, _) = text.split_once("      subnets: ").unwrap();
    format!("{head}      subnets: [{}]\n      assignPublicIp: {public}\n{}", subnets.join(", "), wanted.more)
}

/// The same for a person who insists.
fn insists(text: &str) -> String {
    text.replace("reconcile: { ", "reconcile: { preflight: Warn, ")
}

fn message(rig: &Rig, key: &str) -> String {
    rig.stories().remove(key).map(|(_, message)| message).unwrap_or_default()
}

/// Waits until a key's story has this reason.
async fn becomes(rig: &Rig, key: &str, reason: &str, within: Duration) {
    let so = rig.until(within, |rig| rig.reason(key) == reason).await;
    assert!(so, "{key} is not {reason}: {:#?}", rig.stories());
}

/// What the stopped tasks of `prod` say.
fn stopped(rig: &Rig) -> Vec<String> {
    let world = rig.sim.world();
    world.ecs.tasks.values().filter_map(|task| Some(task.stop.as_ref()?.reason.clone())).collect()
}

/// A cluster, the revision `nginx:1`, and a service of twelve tasks in two public subnets of eleven addresses each.
async fn twelve(rig: &mut Rig) -> (Net, [String; 2]) {
    let net = Net::new(rig, 1);
    net.open(rig);
    let subnets = [net.subnet(rig, "10.1.0.0/28", "a"), net.subnet(rig, "10.1.0.16/28", "b")];
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    let text = service("web", &Wanted::of("web", 12), &[&subnets[0], &subnets[1]], "ENABLED");
    rig.write("service.yaml", text).commit();
    rig.start();
    rig.converge(HOUR).await;
    (net, subnets)
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_rollout_without_addresses_waits_and_the_remedy_lets_it_go() {
    let mut rig = Rig::new(1);
    let (_, [a, b]) = twelve(&mut rig).await;
    let mark = rig.mark();
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    becomes(&rig, WEB, "PreflightWaiting", 5 * MINUTE).await;
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark), ["RegisterTaskDefinition"]);
    let told = message(&rig, WEB);
    assert!(told.contains("the rollout starts 12 tasks more, and 10 addresses are free"), "{told}");
    golden::check("preflight/addresses.txt", &shown(&rig).await);
    golden::check("preflight/addresses.json", &(json(&rig.ahead().await) + "\n"));
    let found: Vec<Finding> = rig.ahead().await.iter().flat_map(|(_, ahead)| ahead.findings().to_vec()).collect();
    golden::check("preflight/addresses.github.txt", &github(&found));
    // Fewer tasks, as any other remedy, let it go on.
    let fewer = Wanted { maximum: 200, ..Wanted::of("web", 8) };
    rig.write("service.yaml", service("web", &fewer, &[&a, &b], "ENABLED")).commit();
    rig.converge(HOUR).await;
    assert_eq!((rig.live("web"), rig.service("web", |web| web.desired)), ("web:2".into(), 8));
    assert_eq!(stopped(&rig).iter().filter(|reason| reason.contains("InsufficientFree")).count(), 0);
    rig.assert_lawful();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn whoever_insists_without_addresses_is_rolled_back_as_foretold() {
    let mut rig = Rig::new(2);
    let (_, [a, b]) = twelve(&mut rig).await;
    let text = service("web", &Wanted::of("web", 12), &[&a, &b], "ENABLED");
    rig.write("task.yaml", task("web", "nginx:2", &[])).write("service.yaml", insists(&text)).commit();
    rig.run(2 * MINUTE).await;
    let lacking = stopped(&rig).into_iter().filter(|reason| reason.contains("InsufficientFreeAddressesInSubnet"));
    assert!(lacking.count() > 0, "{:?}", rig.stories());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_waits_goes_on_when_others_have_left_room() {
    let mut rig = Rig::new(3);
    let (_, [a, b]) = twelve(&mut rig).await;
    // The least that has no room: twelve tasks, of which seven more may start where ten places are free, and six gone.
    let other = Wanted { task: "web".into(), ..Wanted::of("web", 6) };
    let small = Wanted { maximum: 150, ..Wanted::of("web", 12) };
    rig.write("other.yaml", service("other", &other, &[&a, &b], "ENABLED")).commit();
    rig.converge(HOUR).await;
    rig.write("service.yaml", service("web", &small, &[&a, &b], "ENABLED"));
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    becomes(&rig, WEB, "PreflightWaiting", 5 * MINUTE).await;
    rig.write("other.yaml", service("other", &Wanted { count: 1, ..other }, &[&a, &b], "ENABLED")).commit();
    rig.converge(2 * HOUR).await;
    assert_eq!((rig.live("web"), rig.live("other")), ("web:2".into(), "web:2".into()));
    rig.assert_lawful();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn two_that_have_room_for_one_roll_one_after_the_other() {
    let mut rig = Rig::new(4);
    let net = Net::new(&rig, 1);
    net.open(&rig);
    let (a, b) = (net.subnet(&rig, "10.1.0.0/28", "a"), net.subnet(&rig, "10.1.0.16/28", "b"));
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    for name in ["one", "two"] {
        rig.write(&format!("{name}.yaml"), service(name, &Wanted::of("web", 6), &[&a, &b], "ENABLED"));
    }
    rig.commit();
    rig.start();
    rig.converge(HOUR).await;
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    let waited = rig
        .until(10 * MINUTE, |rig| {
            ["one", "two"].iter().any(|name| rig.reason(&format!("prod/Service/{name}")) == "PreflightWaiting")
        })
        .await;
    assert!(waited, "{:#?}", rig.stories());
    rig.converge(2 * HOUR).await;
    assert_eq!((rig.live("one"), rig.live("two")), ("web:2".into(), "web:2".into()));
    assert_eq!(stopped(&rig).iter().filter(|reason| reason.contains("InsufficientFree")).count(), 0);
}

/// A service of two tasks in one subnet, its way out being what a test makes of it.
fn alone(rig: &mut Rig, subnet: &str, public: &str, image: &str) -> String {
    let text = service("web", &Wanted { deadline: "10m", ..Wanted::of("web", 2) }, &[subnet], public);
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", image, &[]));
    rig.write("service.yaml", text.clone()).commit();
    text
}

/// Nothing is created, and the message says why.
async fn is_kept_back(rig: &Rig, reason: &str, words: &str) {
    becomes(rig, WEB, reason, 5 * MINUTE).await;
    rig.run(10 * MINUTE).await;
    assert!(message(rig, WEB).contains(words), "{:#?}", rig.stories());
    assert!(!rig.operations_since(0).contains(&"CreateService".to_owned()));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_public_subnet_needs_public_addresses() {
    let mut rig = Rig::new(5);
    let net = Net::new(&rig, 1);
    net.open(&rig);
    let subnet = net.subnet(&rig, "10.1.0.0/24", "a");
    let text = alone(&mut rig, &subnet, "DISABLED", "nginx:1");
    rig.start();
    is_kept_back(&rig, "PreflightBlocked", "assignPublicIp is not ENABLED").await;
    golden::check("preflight/no-way-out.txt", &shown(&rig).await);
    rig.write("service.yaml", insists(&text)).commit();
    rig.run(30 * MINUTE).await;
    assert!(["RolloutFailed", "RolloutTimedOut"].contains(&rig.reason(WEB).as_str()), "{:#?}", rig.stories());
    assert!(stopped(&rig).iter().all(|reason| reason.contains("CannotPullContainerError")), "{:?}", stopped(&rig));
    let mut rig = Rig::new(5);
    let net = Net::new(&rig, 1);
    net.open(&rig);
    let subnet = net.subnet(&rig, "10.1.0.0/24", "a");
    alone(&mut rig, &subnet, "ENABLED", "nginx:1");
    rig.start();
    rig.converge(HOUR).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_isolated_subnet_waits_for_its_nat_gateway() {
    let mut rig = Rig::new(6);
    let net = Net::new(&rig, 1);
    let subnet = net.subnet(&rig, "10.1.0.0/24", "a");
    alone(&mut rig, &subnet, "DISABLED", "nginx:1");
    rig.start();
    is_kept_back(&rig, "PreflightBlocked", "has no default route").await;
    let nat = net.nat(&rig, "10.1.1.0/24");
    net.route(&rig, &net.table, "NatGatewayId", &nat);
    becomes(&rig, WEB, "PreflightWaiting", 80 * Duration::from_secs(1)).await;
    rig.converge(HOUR).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_isolated_subnet_needs_every_endpoint() {
    for left_out in ["ecr.api", "ecr.dkr", "s3"] {
        let mut rig = Rig::new(7);
        let net = Net::new(&rig, 1);
        let subnet = net.subnet(&rig, "10.1.0.0/24", "a");
        for service in ["ecr.api", "ecr.dkr", "s3"].into_iter().filter(|service| *service != left_out) {
            net.endpoint(&rig, service, &subnet);
        }
        let definition = task("web", &format!("{ECR}:1"), &[]);
        let role = "executionRoleArn: arn:aws:iam::123456789012:role/x\n  containerDefinitions";
        let text = alone(&mut rig, &subnet, "DISABLED", "nginx:1");
        rig.write("task.yaml", definition.replace("containerDefinitions", role)).commit();
        rig.start();
        is_kept_back(&rig, "PreflightBlocked", &format!("can't reach {left_out} (the image {ECR}:1)")).await;
        rig.write("service.yaml", insists(&text)).commit();
        rig.run(20 * MINUTE).await;
        let fails = |reason: &String| reason.contains("CannotPull") || reason.contains("unable to pull secrets");
        assert!(!stopped(&rig).is_empty() && stopped(&rig).iter().all(fails), "{left_out}: {:?}", stopped(&rig));
        net.endpoint(&rig, left_out, &subnet);
        rig.write("service.yaml", text.replace("rollout: {", "restartedAt: again, rollout: {")).commit();
        rig.converge(HOUR).await;
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_not_there_or_elsewhere_is_known_before_ecs_refuses_it() {
    let mut rig = Rig::new(8);
    rig.sim.world().settings.networks_must_exist = true;
    let (net, other) = (Net::new(&rig, 1), Net::new(&rig, 2));
    net.open(&rig);
    let subnet = net.subnet(&rig, "10.1.0.0/24", "a");
    let foreign = other.group(&rig);
    let text = alone(&mut rig, &subnet, "ENABLED", "nginx:1");
    let missing = text.replace(&subnet, "subnet-0123456789abcdef0");
    let mixed = text.replace("assignPublicIp", &format!("securityGroups: [{foreign}]\n      assignPublicIp"));
    rig.write("service.yaml", &missing).commit();
    rig.start();
    is_kept_back(&rig, "PreflightBlocked", "the subnet subnet-0123456789abcdef0 does not exist").await;
    rig.write("service.yaml", &mixed).commit();
    rig.run(MINUTE).await;
    is_kept_back(&rig, "PreflightBlocked", &format!("the security group {foreign} is in {}", other.vpc)).await;
    for wrong in [&missing, &mixed] {
        rig.write("service.yaml", insists(wrong)).commit();
        becomes(&rig, WEB, "Invalid", 5 * MINUTE).await;
    }
    rig.write("service.yaml", mixed.replace(&foreign, &net.group(&rig))).commit();
    rig.converge(HOUR).await;
}

/// Four tasks of half an m5.large each.
fn on_ec2(image: &str) -> String {
    format!(
        "apiVersion: ecs-operator.io/v1\nkind: TaskDefinition\nmetadata: {{ name: web }}\nspec:\n  \
         requiresCompatibilities: [EC2]\n  networkMode: bridge\n  containerDefinitions:\n    - name: web\n      \
         image: {image}\n      cpu: 1024\n      memory: 2048\n"
    )
}

fn on_machines(wanted: &Wanted) -> String {
    let text = wanted.text("web").replace("launchType: FARGATE", "launchType: EC2");
    text.split_once("  networkConfiguration:").unwrap().0.to_owned()
}

fn machines(rig: &Rig, count: usize) {
    for _ in 0..count {
        let wish = Wish { kind: Some("m5.large".into()), ..Wish::default() };
        add(&mut rig.sim.world(), "prod", wish).unwrap();
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_full_cluster_waits_for_a_machine_and_stopping_first_needs_none() {
    for stops_first in [false, true] {
        let mut rig = Rig::new(9);
        rig.write("cluster.yaml", cluster("prod")).commit();
        rig.start();
        rig.converge(HOUR).await;
        machines(&rig, 2);
        let all = Wanted { deadline: "10m", ..Wanted::of("web", 4) };
        rig.write("task.yaml", on_ec2("nginx:1")).write("service.yaml", on_machines(&all)).commit();
        rig.converge(HOUR).await;
        if stops_first {
            let first = Wanted { minimum: 50, maximum: 100, ..all };
            rig.write("service.yaml", on_machines(&first)).write("task.yaml", on_ec2("nginx:2")).commit();
            rig.converge(HOUR).await;
            continue;
        }
        rig.write("task.yaml", on_ec2("nginx:2")).commit();
        becomes(&rig, WEB, "PreflightWaiting", 5 * MINUTE).await;
        assert!(message(&rig, WEB).contains("there is room for 0"), "{:#?}", rig.stories());
        golden::check("preflight/capacity.txt", &shown(&rig).await);
        rig.write("service.yaml", insists(&on_machines(&all))).commit();
        becomes(&rig, WEB, "RolloutTimedOut", 20 * MINUTE).await;
        assert!(message(&rig, WEB).contains("unable to place a task"), "{:#?}", rig.stories());
        machines(&rig, 1);
        rig.converge(HOUR).await;
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_a_look_at_ec2_rollouts_go_on_and_it_is_told() {
    let mut rig = Rig::new(10);
    common::harness::web(&mut rig);
    let way = rig.start();
    way.way().refused.insert("DescribeSubnets", (403, "UnauthorizedOperation"));
    rig.converge(HOUR).await;
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    rig.converge(HOUR).await;
    assert_eq!(rig.live("web"), "web:2");
    // One refused question a look, and the others are not asked.
    let asked = |name: &str| way.way().calls.iter().filter(|call| *call == name).count();
    assert!((1..=2).contains(&asked("DescribeSubnets")), "{}", asked("DescribeSubnets"));
    assert_eq!((asked("DescribeRouteTables"), asked("DescribeVpcEndpoints")), (0, 0));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_questions_do_not_grow_with_the_services() {
    let mut costs = Vec::new();
    for services in [1, 20] {
        let mut rig = Rig::new(11);
        rig.options.rollouts_max = services;
        rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
        for number in 0..services {
            rig.write(&format!("{number}.yaml"), Wanted::of("web", 1).text(&format!("web-{number}")));
        }
        rig.commit();
        let way = rig.start();
        rig.converge(HOUR).await;
        rig.run(MINUTE).await;
        let from = way.way().calls.len();
        rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
        rig.run(5 * Duration::from_secs(1)).await;
        let ec2 = ["Subnets", "RouteTables", "NatGateways", "InternetGateways", "VpcEndpoints", "SecurityGroups"];
        let is_ec2 = |call: &&String| ec2.iter().any(|what| **call == format!("Describe{what}"));
        costs.push(way.way().calls.iter().skip(from).filter(is_ec2).count());
        rig.converge(HOUR).await;
    }
    assert_eq!(costs, [6, 6]);
}

/// What `preflight` prints.
async fn shown(rig: &Rig) -> String {
    let terminal = Terminal { unicode: true, ..Terminal::PLAIN };
    let shown = text(&rig.ahead().await, &rig.sources(), &terminal);
    // Ids are drawn by chance; their order is their creation's.
    anonymous(&shown) + "\n"
}

/// Ids of this world's making by a number each, in the order in which they are told of.
fn anonymous(text: &str) -> String {
    let mut known: Vec<String> = Vec::new();
    let mut told = String::new();
    let mut rest = text;
    while let Some(at) = ["subnet-0", "vpc-0", "igw-0", "i-0"].iter().filter_map(|prefix| rest.find(prefix)).min() {
        let (before, found) = rest.split_at(at);
        let end = found.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(found.len());
        let (name, after) = found.split_at(end);
        let number = known.iter().position(|one| one == name).unwrap_or_else(|| {
            known.push(name.to_owned());
            known.len() - 1
        });
        told.push_str(&format!("{before}{}-{}", name.split('-').next().unwrap(), number + 1));
        rest = after;
    }
    told + rest
}
