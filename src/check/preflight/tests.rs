//! Each check by a world in which it fires, and the nearest one in which it does not.

mod capacity;

use std::collections::BTreeSet;

use super::{Case, Claim, Due, Fact, Facts, Preflight, Size, look};
use crate::kinds::{Place, Policy};
use crate::manifest::Severity;
use crate::shape::Tree;
use crate::tree;

const VPC: &str = "vpc-1";
const IMAGE: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1";

/// One service and where it would run; tests change a thing at a time.
#[derive(Clone)]
struct World {
    due: Due,
    spec: Tree,
    shown: Option<Tree>,
    definition: Fact<Tree>,
    facts: Facts,
    claims: Vec<Claim>,
    policy: Option<Policy>,
}

fn subnet(id: &str, zone: &str, free: i64) -> Tree {
    tree! {
        "SubnetId" => id, "VpcId" => VPC, "AvailabilityZone" => zone, "AvailableIpAddressCount" => free,
        "State" => "available", "CidrBlock" => "10.0.0.0/24",
    }
}

fn table(id: &str, associations: Vec<Tree>, routes: Vec<Tree>) -> Tree {
    tree! { "RouteTableId" => id, "VpcId" => VPC, "Associations" => associations, "Routes" => routes }
}

fn default_route(member: &str, target: &str) -> Tree {
    tree! { "DestinationCidrBlock" => "0.0.0.0/0", "State" => "active" }.with(member, target)
}

fn network(public: &str) -> Tree {
    tree! { "awsvpcConfiguration" => tree! {
        "subnets" => vec!["subnet-a", "subnet-b"], "securityGroups" => vec!["sg-1"], "assignPublicIp" => public,
    } }
}

/// Four tasks on Fargate in two private subnets behind a NAT gateway, with room to spare.
fn fargate() -> World {
    let mut facts = Facts::default();
    facts.network.subnets = Fact::Known(vec![subnet("subnet-a", "a", 100), subnet("subnet-b", "b", 100)]);
    facts.network.groups = Fact::Known(vec![tree! { "GroupId" => "sg-1", "VpcId" => VPC }]);
    let main = vec![tree! { "Main" => true }];
    facts.network.route_tables = Fact::Known(vec![table("rtb-1", main, vec![default_route("NatGatewayId", "nat-1")])]);
    facts.network.nat_gateways = Fact::Known(vec![tree! { "NatGatewayId" => "nat-1", "State" => "available" }]);
    let attached = vec![tree! { "VpcId" => VPC, "State" => "available" }];
    facts.network.internet_gateways =
        Fact::Known(vec![tree! { "InternetGatewayId" => "igw-1", "Attachments" => attached }]);
    World {
        due: Due::Rollout,
        spec: tree! {
            "desiredCount" => 4, "launchType" => "FARGATE", "networkConfiguration" => network("DISABLED"),
            "deploymentConfiguration" => tree! { "minimumHealthyPercent" => 100, "maximumPercent" => 200 },
        },
        shown: Some(tree! { "runningCount" => 4, "pendingCount" => 0, "desiredCount" => 4 }),
        definition: Fact::Known(tree! {
            "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
            "containerDefinitions" => vec![tree! {
                "name" => "web", "image" => IMAGE, "logConfiguration" => tree! { "logDriver" => "awslogs" },
            }],
        }),
        facts,
        claims: Vec::new(),
        policy: None,
    }
}

impl World {
    fn look(&self) -> Preflight {
        let place = Place { account: "123456789012".into(), region: "eu-west-1".into() };
        let case = Case {
            due: self.due,
            spec: &self.spec,
            place: &place,
            cluster_name: "prod",
            shown: self.shown.as_ref(),
            cluster: None,
            definition: &self.definition,
            facts: &self.facts,
            claims: &self.claims,
        };
        look(&case, self.policy)
    }

    /// The rules that fire, with what they say of how sure they are.
    fn fires(&self) -> BTreeSet<(&'static str, Severity)> {
        self.look().judged.iter().map(|one| (one.fault.rule, one.fault.severity)).collect()
    }

    fn percents(mut self, desired: i64, minimum: i64, maximum: i64) -> Self {
        self.spec.set("desiredCount", desired);
        let percents = tree! { "minimumHealthyPercent" => minimum, "maximumPercent" => maximum };
        self.spec.set("deploymentConfiguration", percents);
        self.shown = Some(tree! { "runningCount" => desired, "desiredCount" => desired });
        self
    }

    fn free(mut self, a: i64, b: i64) -> Self {
        self.facts.network.subnets = Fact::Known(vec![subnet("subnet-a", "a", a), subnet("subnet-b", "b", b)]);
        self
    }

    fn route(mut self, route: Option<Tree>) -> Self {
        let main = vec![tree! { "Main" => true }];
        self.facts.network.route_tables = Fact::Known(vec![table("rtb-1", main, route.into_iter().collect())]);
        self
    }

    fn public(self, assigned: &str) -> Self {
        let mut world = self.route(Some(default_route("GatewayId", "igw-1")));
        world.spec.set("networkConfiguration", network(assigned));
        world
    }

    fn endpoints(mut self, names: &[&str]) -> Self {
        let one = |name: &&str| {
            let gateway = *name == "s3";
            tree! {
                "VpcEndpointId" => format!("vpce-{name}"), "VpcId" => VPC, "State" => "available",
                "ServiceName" => format!("com.amazonaws.eu-west-1.{name}"), "PrivateDnsEnabled" => true,
                "VpcEndpointType" => if gateway { "Gateway" } else { "Interface" },
                "RouteTableIds" => if gateway { vec!["rtb-1"] } else { vec![] },
            }
        };
        self.facts.network.endpoints = Fact::Known(names.iter().map(one).collect());
        self
    }

    fn define(mut self, member: &str, value: impl Into<Tree>) -> Self {
        if let Fact::Known(definition) = &mut self.definition {
            definition.set(member, value);
        }
        self
    }

    fn spec(mut self, member: &str, value: impl Into<Tree>) -> Self {
        self.spec.set(member, value);
        self
    }
}

const ERROR: Severity = Severity::Error;
const WARNING: Severity = Severity::Warning;
const UNKNOWN: Severity = Severity::Unknown;

#[track_caller]
fn says(world: &World, expected: &[(&'static str, Severity)]) {
    let fired = world.fires();
    assert_eq!(fired, expected.iter().copied().collect(), "{:#?}", world.look().judged);
}

#[test]
fn where_all_is_well_nothing_is_said() {
    says(&fargate(), &[]);
    assert_eq!(fargate().look().hold(), None);
    says(&capacity::on_ec2(4, 1024, 2048), &[]);
}

#[test]
fn percentages_that_leave_no_room_hold_a_rollout_and_only_that() {
    let stuck = fargate().percents(3, 100, 125);
    says(&stuck, &[("preflight-percent", ERROR)]);
    let hold = stuck.look().hold().unwrap();
    assert_eq!(hold.policy, Policy::Block);
    assert!(hold.message.contains("raise maximumPercent to 134"), "{}", hold.message);
    says(&fargate().percents(3, 100, 134), &[]);
    says(&World { due: Due::ScaleOut, ..stuck }, &[]);
    says(&fargate().percents(1, 50, 150), &[("preflight-percent", ERROR)]);
    says(&fargate().percents(1, 0, 100), &[]);
}

#[test]
fn addresses_are_counted_against_the_surge_in_all_and_zone_by_zone() {
    says(&fargate().free(2, 2), &[]);
    let short = fargate().free(1, 2);
    says(&short, &[("preflight-addresses", ERROR)]);
    let judged = short.look().judged.remove(0);
    assert_eq!(judged.does, Policy::Wait);
    assert_eq!(judged.fault.message, "the rollout starts 4 tasks more, and 3 addresses are free");
    assert!(judged.fault.remedy.unwrap().ends_with("lower maximumPercent to 199"));
    assert_eq!(judged.fault.evidence, ["a: 2 needed, 1 free (subnet-a 1)", "b: 2 needed, 2 free (subnet-b 2)"]);
    // Enough in all, and none where half of the tasks start.
    says(&fargate().free(0, 9), &[("preflight-addresses", ERROR)]);
    // 150 % starts two, and then two more while the first two stopped still hold theirs, which may be in one zone.
    says(&fargate().percents(4, 100, 150).free(1, 1), &[("preflight-addresses-tight", WARNING)]);
    says(&fargate().percents(4, 100, 150).free(2, 3), &[("preflight-addresses-tight", WARNING)]);
    says(&fargate().percents(4, 100, 150).free(3, 3), &[]);
    // Stopping first takes no more than there are, and two for a while.
    says(&fargate().percents(4, 50, 100).free(2, 2), &[]);
    says(&fargate().percents(4, 50, 100).free(1, 1), &[("preflight-addresses-tight", WARNING)]);
    says(&fargate().percents(4, 50, 100).free(0, 0), &[("preflight-addresses-tight", WARNING)]);
}

#[test]
fn a_remedy_for_addresses_fits_and_moves() {
    let short = fargate().percents(10, 100, 200).free(2, 2);
    let remedy = short.look().judged.remove(0).fault.remedy.unwrap();
    assert!(remedy.ends_with("lower maximumPercent to 119, to 149 at the most"), "{remedy}");
    for (percent, expected) in [
        (119, [].as_slice()),
        (120, &[("preflight-addresses-tight", WARNING)]),
        (149, &[("preflight-addresses-tight", WARNING)]),
        (150, &[("preflight-addresses", ERROR)]),
    ] {
        says(&short.clone().percents(10, 100, percent), expected);
    }
    let none = fargate().free(0, 0).look().judged.remove(0).fault.remedy.unwrap();
    assert!(none.contains("minimumHealthyPercent 75, maximumPercent 100"), "{none}");
}

#[test]
fn a_creation_a_scale_out_and_a_traffic_shift_are_counted_in_full() {
    let create = World { due: Due::Create, shown: None, ..fargate() };
    says(&create.clone().free(2, 2), &[]);
    says(&create.free(2, 1), &[("preflight-addresses", ERROR)]);
    let out = World { due: Due::ScaleOut, ..fargate() }.spec("desiredCount", 6);
    says(&out.clone().free(1, 1), &[]);
    says(&out.free(1, 0), &[("preflight-addresses", ERROR)]);
    let shift =
        fargate().spec("deploymentConfiguration", tree! { "strategy" => "BLUE_GREEN", "maximumPercent" => 150 });
    says(&shift.clone().free(2, 2), &[]);
    says(&shift.free(2, 1), &[("preflight-addresses", ERROR)]);
}

#[test]
fn what_other_rollouts_are_about_to_take_is_not_free() {
    let claim = |tasks: i64, subnets: &[&str]| Claim {
        of: "prod/other".into(),
        cluster: "prod".into(),
        tasks,
        held: tasks,
        subnets: subnets.iter().map(|one| (*one).to_owned()).collect(),
        size: None,
    };
    let with = |claim: Claim| World { claims: vec![claim], ..fargate().free(4, 4) };
    says(&with(claim(4, &["subnet-a", "subnet-b"])), &[]);
    let short = with(claim(5, &["subnet-a", "subnet-b"]));
    says(&short, &[("preflight-addresses-claimed", WARNING)]);
    says(&with(claim(3, &["subnet-a"])), &[("preflight-addresses-claimed", WARNING)]);
    // What others will take is an estimate: it is waited for, whatever the manifest wants of sure findings.
    let does = |policy: Option<Policy>| World { policy, ..short.clone() }.look().hold();
    assert!(does(None).unwrap().message.ends_with("(wait until the rollouts of prod/other are over)"));
    assert_eq!(does(None).unwrap().policy, Policy::Wait);
    assert_eq!(does(Some(Policy::Block)).unwrap().policy, Policy::Wait);
    assert_eq!(does(Some(Policy::Warn)), None);
    // What is short without them is surely so, and not for their sake.
    says(&World { claims: vec![claim(5, &["subnet-a"])], ..fargate().free(1, 1) }, &[("preflight-addresses", ERROR)]);
    says(&with(claim(9, &["subnet-c"])), &[]);
    // One that stops first takes none more, and for a while holds both.
    let stopping = |held: i64| with(Claim { held, ..claim(0, &["subnet-a", "subnet-b"]) });
    says(&stopping(2), &[]);
    // All in one zone.
    says(&stopping(4), &[("preflight-addresses-tight", WARNING)]);
    says(&stopping(6), &[("preflight-addresses-tight", WARNING)]);
}

#[test]
fn what_could_not_be_looked_at_is_unknown_and_never_sound() {
    let mut blind = fargate();
    for fact in [
        &mut blind.facts.network.subnets,
        &mut blind.facts.network.groups,
        &mut blind.facts.network.route_tables,
        &mut blind.facts.network.nat_gateways,
    ] {
        *fact = Fact::Unknown("UnauthorizedOperation".into());
    }
    let expected = [
        ("preflight-addresses", UNKNOWN),
        ("preflight-group-missing", UNKNOWN),
        ("preflight-no-way-out", UNKNOWN),
        ("preflight-subnet-missing", UNKNOWN),
    ];
    says(&blind, &expected);
    assert_eq!(blind.look().hold(), None, "what nobody knows keeps nothing back");
    let strict = World { policy: Some(Policy::Block), ..blind };
    assert_eq!(strict.look().hold(), None);
    let gateways = Fact::Unknown("Throttled".into());
    let mut world = fargate();
    world.facts.network.nat_gateways = gateways;
    says(&world, &[("preflight-no-way-out", UNKNOWN)]);
    let undefined = World { definition: Fact::Unknown("gone".into()), ..fargate() };
    says(&undefined, &[("preflight-no-way-out", UNKNOWN)]);
}

#[test]
fn the_manifest_says_what_a_sure_finding_does() {
    let does = |policy: Option<Policy>| World { policy, ..fargate().free(0, 0) }.look().hold().map(|hold| hold.policy);
    assert_eq!(does(None), Some(Policy::Wait));
    assert_eq!(does(Some(Policy::Block)), Some(Policy::Block));
    assert_eq!(does(Some(Policy::Warn)), None);
}

#[test]
fn subnets_and_groups_are_there_and_in_one_vpc() {
    let mut gone = fargate();
    gone.facts.network.subnets = Fact::Known(vec![subnet("subnet-a", "a", 100)]);
    says(&gone, &[("preflight-subnet-missing", ERROR)]);
    let mut strange = fargate();
    strange.facts.network.subnets =
        Fact::Known(vec![subnet("subnet-a", "a", 100), subnet("subnet-b", "b", 100).with("VpcId", "vpc-2")]);
    assert!(strange.fires().contains(&("preflight-one-vpc", ERROR)));
    let mut group = fargate();
    group.facts.network.groups = Fact::Known(vec![]);
    says(&group, &[("preflight-group-missing", ERROR)]);
    group.facts.network.groups = Fact::Known(vec![tree! { "GroupId" => "sg-1", "VpcId" => "vpc-2" }]);
    says(&group, &[("preflight-one-vpc", ERROR)]);
    let mut pending = fargate();
    pending.facts.network.subnets =
        Fact::Known(vec![subnet("subnet-a", "a", 100), subnet("subnet-b", "b", 100).with("State", "pending")]);
    says(&pending, &[("preflight-subnet-state", ERROR)]);
}

const NO_WAY: &[(&str, Severity)] = &[("preflight-no-way-out", ERROR)];
const ALL: [&str; 4] = ["ecr.api", "ecr.dkr", "s3", "logs"];

#[test]
fn a_task_on_fargate_needs_a_way_out() {
    says(&fargate().public("ENABLED"), &[]);
    says(&fargate().public("DISABLED"), NO_WAY);
    says(&fargate().public("DISABLED").endpoints(&ALL), &[]);
    says(&fargate().route(None), NO_WAY);
    says(&fargate().route(None).endpoints(&ALL), &[]);
    for left_out in ALL {
        let some: Vec<&str> = ALL.into_iter().filter(|name| *name != left_out).collect();
        let world = fargate().route(None).endpoints(&some);
        says(&world, NO_WAY);
        let message = &world.look().judged[0].fault.message;
        assert!(message.contains(left_out), "{message}");
    }
    let mut detached = fargate().public("ENABLED");
    detached.facts.network.internet_gateways = Fact::Known(vec![]);
    says(&detached, NO_WAY);
    // A public address is no way where no route leads to a gateway.
    says(&fargate().route(None).spec("networkConfiguration", network("ENABLED")), NO_WAY);
}

#[test]
fn each_subnet_goes_by_its_own_table_and_by_the_main_one_only_without() {
    let own = |subnet: &str, route: Tree| table("rtb-2", vec![tree! { "SubnetId" => subnet }], vec![route]);
    let with = |table: Tree| {
        let mut world = fargate();
        if let Fact::Known(tables) = &mut world.facts.network.route_tables {
            tables.push(table);
        }
        world
    };
    says(&with(own("subnet-b", default_route("NatGatewayId", "nat-1"))), &[]);
    let gone = with(own("subnet-b", default_route("NatGatewayId", "nat-2")));
    says(&gone, NO_WAY);
    let judged = gone.look().judged;
    assert_eq!(judged.len(), 1, "subnet-a goes by the main table: {judged:#?}");
    assert!(judged[0].fault.message.contains("subnet-b") && judged[0].fault.message.contains("nat-2 does not exist"));
}

#[test]
fn a_nat_gateway_that_is_on_its_way_is_waited_for_and_a_dead_one_is_not() {
    let with = |state: &str| {
        let mut world = fargate();
        world.facts.network.nat_gateways = Fact::Known(vec![tree! { "NatGatewayId" => "nat-1", "State" => state }]);
        world
    };
    says(&with("pending"), &[("preflight-way-out-pending", ERROR)]);
    assert_eq!(with("pending").look().hold().unwrap().policy, Policy::Wait);
    says(&with("failed"), NO_WAY);
    assert_eq!(with("failed").look().hold().unwrap().policy, Policy::Block);
}

#[test]
fn a_nat_gateway_leads_out_where_it_is_public_itself() {
    let with = |more: Tree, route: Tree| {
        let mut world = fargate();
        let nat = more.with("NatGatewayId", "nat-1").with("State", "available").with("VpcId", VPC);
        world.facts.network.nat_gateways = Fact::Known(vec![nat.with("SubnetId", "subnet-p")]);
        if let Fact::Known(tables) = &mut world.facts.network.route_tables {
            tables.push(table("rtb-2", vec![tree! { "SubnetId" => "subnet-p" }], vec![route]));
        }
        world
    };
    let gateway = || default_route("GatewayId", "igw-1");
    says(&with(tree! { "ConnectivityType" => "public" }, gateway()), &[]);
    says(&with(tree! { "ConnectivityType" => "private" }, gateway()), NO_WAY);
    says(&with(tree! {}, default_route("NatGatewayId", "nat-1")), NO_WAY);
    says(&with(tree! {}, gateway().with("State", "blackhole")), NO_WAY);
}

#[test]
fn only_a_way_to_the_internet_leads_to_other_registries() {
    let hub =
        |world: World| world.define("containerDefinitions", vec![tree! { "name" => "web", "image" => "nginx:1" }]);
    says(&hub(fargate()), &[]);
    says(&hub(fargate().public("ENABLED")), &[]);
    let closed = hub(fargate().route(None).endpoints(&ALL));
    says(&closed, NO_WAY);
    assert!(closed.look().judged[0].fault.remedy.as_ref().unwrap().contains("no VPC endpoint leads"));
}

#[test]
fn secrets_and_execute_command_need_their_endpoints() {
    let secret = |arn: &str| {
        let secrets = vec![tree! { "name" => "KEY", "valueFrom" => arn }];
        let container = tree! { "name" => "web", "image" => IMAGE, "secrets" => secrets };
        fargate().route(None).define("containerDefinitions", vec![container])
    };
    for (arn, endpoint) in [
        ("arn:aws:secretsmanager:eu-west-1:1:secret:a", "secretsmanager"),
        ("arn:aws:ssm:eu-west-1:1:parameter/a", "ssm"),
        ("a-parameter", "ssm"),
    ] {
        says(&secret(arn).endpoints(&ALL), NO_WAY);
        says(&secret(arn).endpoints(&["ecr.api", "ecr.dkr", "s3", endpoint]), &[]);
    }
    let exec = fargate().route(None).endpoints(&ALL).spec("enableExecuteCommand", true);
    says(&exec, &[("preflight-execute-command", WARNING)]);
    says(&exec.endpoints(&["ecr.api", "ecr.dkr", "s3", "logs", "ssmmessages"]), &[]);
}

#[test]
fn a_way_that_leads_elsewhere_is_not_judged() {
    let world = fargate().route(Some(default_route("TransitGatewayId", "tgw-1")));
    says(&world, &[("preflight-way-out-elsewhere", UNKNOWN)]);
    says(&world.endpoints(&ALL), &[]);
}

#[test]
fn an_endpoint_is_named_by_its_service_and_lets_tasks_in() {
    let with = |change: &dyn Fn(&mut Tree)| {
        let mut world = fargate().route(None).endpoints(&ALL);
        if let Fact::Known(endpoints) = &mut world.facts.network.endpoints {
            change(endpoints.first_mut().unwrap());
        }
        world
    };
    says(&with(&|one| one.set("PrivateDnsEnabled", false)), &[("preflight-endpoint", WARNING)]);
    says(&with(&|one| one.set("State", "pending")), &[("preflight-way-out-pending", ERROR)]);
    says(&with(&|one| one.set("VpcId", "vpc-2")), NO_WAY);
    let guarded = |rule: Tree| {
        let mut world = with(&|one| one.set("Groups", vec![tree! { "GroupId" => "sg-9" }]));
        if let Fact::Known(groups) = &mut world.facts.network.groups {
            groups.push(tree! { "GroupId" => "sg-9", "VpcId" => VPC, "IpPermissions" => vec![rule] });
        }
        world
    };
    let tcp = |from: i64, to: i64| tree! { "IpProtocol" => "tcp", "FromPort" => from, "ToPort" => to };
    let range = |cidr: &str| vec![tree! { "CidrIp" => cidr }];
    says(&guarded(tcp(443, 443).with("IpRanges", range("10.0.0.0/16"))), &[]);
    says(&guarded(tcp(443, 443).with("IpRanges", range("10.1.0.0/16"))), &[("preflight-endpoint", WARNING)]);
    says(&guarded(tcp(80, 80).with("IpRanges", range("0.0.0.0/0"))), &[("preflight-endpoint", WARNING)]);
    says(&guarded(tcp(0, 65_535).with("UserIdGroupPairs", vec![tree! { "GroupId" => "sg-1" }])), &[]);
    says(
        &guarded(tcp(443, 443).with("UserIdGroupPairs", vec![tree! { "GroupId" => "sg-2" }])),
        &[("preflight-endpoint", WARNING)],
    );
}

#[test]
fn a_deployment_that_is_not_ecs_own_is_left_to_its_controller() {
    let other = tree! { "type" => "EXTERNAL" };
    says(&fargate().percents(3, 100, 125).free(0, 0).spec("deploymentController", other), &[]);
}
