//! Where EC2 and ECS meet: tasks' interfaces, full subnets, ways out, machines that join clusters.

use super::*;

impl Rig {
    fn cluster(&mut self) {
        self.ecs("CreateCluster", tree! {});
    }

    fn define(&mut self, image: &str, more: Tree) {
        let container = tree! { "name" => "app", "image" => image };
        let container = more.as_map().unwrap().iter().fold(container, |one, (name, value)| one.with(name, value));
        let input = tree! {
            "family" => "app", "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
            "executionRoleArn" => "arn:aws:iam::123456789012:role/x",
            "requiresCompatibilities" => vec!["FARGATE"], "containerDefinitions" => vec![container],
        };
        self.ecs("RegisterTaskDefinition", input);
    }

    fn serve(&mut self, desired: i64, network: Tree) {
        let input = tree! {
            "serviceName" => "web", "taskDefinition" => "app", "desiredCount" => desired, "launchType" => "FARGATE",
            "networkConfiguration" => tree! { "awsvpcConfiguration" => network },
        };
        self.ecs("CreateService", input);
    }

    fn running(&mut self) -> i64 {
        self.service().int("runningCount").unwrap()
    }

    fn service(&mut self) -> Tree {
        self.ecs("DescribeServices", tree! { "services" => vec!["web"] }).list("services")[0].clone()
    }

    fn says(&mut self, words: &str) -> bool {
        self.service().list("events").iter().any(|event| event.text("message").unwrap().contains(words))
    }

    fn free(&mut self, subnet: &str) -> i64 {
        self.only("DescribeSubnets", "Subnets", ("subnet-id", subnet)).int("AvailableIpAddressCount").unwrap()
    }

    /// The reason of a stopped task.
    fn stopped(&mut self) -> String {
        let stopped = self.ecs("ListTasks", tree! { "desiredStatus" => "STOPPED" });
        if stopped.list("taskArns").is_empty() {
            return String::new();
        }
        let described = self.ecs("DescribeTasks", tree! { "tasks" => stopped.list("taskArns").to_vec() });
        described.list("tasks").iter().find_map(|task| task.text("stoppedReason")).unwrap_or_default().to_owned()
    }
}

#[test]
fn a_task_holds_an_interface_of_its_subnet() {
    let mut rig = Rig::new();
    rig.cluster();
    rig.define("nginx", tree! {});
    let subnets = rig.ask("DescribeSubnets", filtered("availability-zone", "us-east-1b"));
    let subnet = subnets.list("Subnets")[0].text("SubnetId").unwrap().to_owned();
    let group = rig.id("CreateSecurityGroup", tree! { "GroupName" => "web", "Description" => "x" }, &["GroupId"]);
    let network = tree! { "subnets" => vec![&subnet], "securityGroups" => vec![&group], "assignPublicIp" => "ENABLED" };
    rig.serve(3, network);
    rig.wait(120);
    assert_eq!((rig.running(), rig.free(&subnet)), (3, 4088));
    let tasks = rig.ecs("ListTasks", tree! {});
    let tasks = rig.ecs("DescribeTasks", tree! { "tasks" => tasks.list("taskArns").to_vec() });
    for task in tasks.list("tasks") {
        assert_eq!(task.text("availabilityZone"), Some("us-east-1b"));
        let attachment = &task.list("attachments")[0];
        let details = attachment.list("details").iter();
        let detail =
            |name: &str| details.clone().find(|one| one.text("name") == Some(name)).unwrap().text("value").unwrap();
        let interface = rig.only(
            "DescribeNetworkInterfaces",
            "NetworkInterfaces",
            ("network-interface-id", detail("networkInterfaceId")),
        );
        let description = format!("arn:aws:ecs:us-east-1:123456789012:attachment/{}", attachment.text("id").unwrap());
        for (member, expected) in [
            ("Description", description.as_str()),
            ("PrivateIpAddress", detail("privateIPv4Address")),
            ("MacAddress", detail("macAddress")),
            ("PrivateDnsName", detail("privateDnsName")),
            ("SubnetId", &subnet),
            ("AvailabilityZone", "us-east-1b"),
            ("Status", "in-use"),
        ] {
            assert_eq!(interface.text(member), Some(expected), "{member}");
        }
        assert!(
            interface.bool("RequesterManaged") == Some(true) && interface.at(&["Association", "PublicIp"]).is_some()
        );
        assert_eq!(interface.list("Groups")[0].text("GroupId"), Some(group.as_str()));
    }
    assert_eq!(rig.code("DeleteSecurityGroup", tree! { "GroupId" => &group }), "DependencyViolation");
    rig.ecs("UpdateService", tree! { "service" => "web", "desiredCount" => 0 });
    rig.wait(300);
    assert_eq!((rig.running(), rig.free(&subnet)), (0, 4091));
    rig.ask("DeleteSecurityGroup", tree! { "GroupId" => &group });
}

#[test]
fn a_full_subnet_stops_a_service_from_growing_until_there_is_room() {
    let mut rig = Rig::new();
    rig.cluster();
    rig.define("nginx", tree! {});
    let vpc = rig.only("DescribeVpcs", "Vpcs", ("is-default", "true")).text("VpcId").unwrap().to_owned();
    let subnet = tree! { "VpcId" => vpc, "CidrBlock" => "172.31.255.0/28" };
    let subnet = rig.id("CreateSubnet", subnet, &["Subnet", "SubnetId"]);
    rig.serve(13, tree! { "subnets" => vec![&subnet], "assignPublicIp" => "ENABLED" });
    rig.wait(300);
    assert_eq!((rig.running(), rig.free(&subnet)), (11, 0));
    let reason = format!(
        "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled in subnet \
         '{subnet}': InsufficientFreeAddressesInSubnet"
    );
    assert_eq!(rig.stopped(), reason);
    assert!(rig.says(&format!("was unable to place a task. Reason: {reason}")));
    rig.ecs("UpdateService", tree! { "service" => "web", "desiredCount" => 11 });
    rig.wait(1800);
    assert!(rig.says("has reached a steady state"));
}

#[test]
fn a_subnet_or_group_that_is_gone_is_missed_by_the_next_task() {
    let mut rig = Rig::new();
    rig.cluster();
    rig.define("nginx", tree! {});
    let (_, subnet) = rig.vpc("10.0.0.0/24");
    rig.serve(0, tree! { "subnets" => vec![&subnet], "assignPublicIp" => "ENABLED" });
    rig.ask("DeleteSubnet", tree! { "SubnetId" => &subnet });
    rig.ecs("UpdateService", tree! { "service" => "web", "desiredCount" => 1 });
    rig.wait(120);
    assert!(rig.stopped().ends_with(&format!("in subnet '{subnet}': InvalidSubnetID.NotFound")), "{}", rig.stopped());
    assert_eq!(rig.code("DescribeSubnets", tree! { "SubnetIds" => vec![&subnet] }), "InvalidSubnetID.NotFound");
}

#[test]
fn a_task_without_a_way_to_its_image_never_starts() {
    let mut rig = Rig::new();
    rig.cluster();
    rig.define("123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:1", tree! {});
    let (vpc, subnet) = rig.vpc("10.0.0.0/24");
    rig.serve(1, tree! { "subnets" => vec![&subnet] });
    rig.wait(150);
    assert_eq!(rig.stopped(), "", "it tries for minutes");
    rig.wait(150);
    assert!(
        rig.stopped().starts_with("ResourceInitializationError: unable to pull secrets or registry auth"),
        "{}",
        rig.stopped()
    );
    assert!(rig.says("was unable to place a task. Reason: ResourceInitializationError"));
    rig.ask("ModifyVpcAttribute", tree! { "VpcId" => &vpc, "EnableDnsHostnames" => tree! { "Value" => true } });
    let table =
        rig.only("DescribeRouteTables", "RouteTables", ("vpc-id", &vpc)).text("RouteTableId").unwrap().to_owned();
    for service in ["ecr.api", "ecr.dkr"] {
        let name = format!("com.amazonaws.us-east-1.{service}");
        let input = tree! { "VpcId" => &vpc, "ServiceName" => name, "VpcEndpointType" => "Interface", "SubnetIds" => vec![&subnet] };
        rig.ask("CreateVpcEndpoint", input);
    }
    rig.wait(3600);
    assert_eq!(rig.running(), 0, "the layers come from S3");
    rig.ask(
        "CreateVpcEndpoint",
        tree! { "VpcId" => &vpc, "ServiceName" => "com.amazonaws.us-east-1.s3", "RouteTableIds" => vec![table] },
    );
    rig.wait(3600);
    assert_eq!(rig.running(), 1);
}

#[test]
fn nat_gateways_lead_out_and_public_subnets_want_public_addresses() {
    let needs = reach::Needs::default();
    let mut rig = Rig::new();
    let (vpc, private) = rig.vpc("10.0.0.0/24");
    let public = tree! { "VpcId" => &vpc, "CidrBlock" => "10.0.1.0/24" };
    let public = rig.id("CreateSubnet", public, &["Subnet", "SubnetId"]);
    let gateway = rig.id("CreateInternetGateway", tree! {}, &["InternetGateway", "InternetGatewayId"]);
    rig.ask("AttachInternetGateway", tree! { "InternetGatewayId" => &gateway, "VpcId" => &vpc });
    let table = rig.id("CreateRouteTable", tree! { "VpcId" => &vpc }, &["RouteTable", "RouteTableId"]);
    rig.ask("AssociateRouteTable", tree! { "RouteTableId" => &table, "SubnetId" => &public });
    rig.ask(
        "CreateRoute",
        tree! { "RouteTableId" => &table, "DestinationCidrBlock" => "0.0.0.0/0", "GatewayId" => gateway },
    );
    let problem = |rig: &Rig, subnet: &str, public: bool| {
        reach::problem(&rig.world, reach::Place { subnet, public }, &["nginx"], &needs)
    };
    assert_eq!(problem(&rig, &public, true), None);
    let timeout = problem(&rig, &public, false).unwrap();
    assert!(
        timeout.starts_with("CannotPullContainerError") && timeout.contains("docker.io/library/nginx:latest"),
        "{timeout}"
    );
    assert!(problem(&rig, &private, true).is_some());
    let address = rig.id("AllocateAddress", tree! {}, &["AllocationId"]);
    let nat = tree! { "SubnetId" => &public, "AllocationId" => address };
    let nat = rig.id("CreateNatGateway", nat, &["NatGateway", "NatGatewayId"]);
    let main =
        rig.ask("DescribeRouteTables", filtered("association.main", "true").with("RouteTableIds", Vec::<Tree>::new()));
    let main = main.list("RouteTables").iter().find(|one| one.text("VpcId") == Some(&vpc)).unwrap().clone();
    let main = main.text("RouteTableId").unwrap();
    rig.ask(
        "CreateRoute",
        tree! { "RouteTableId" => main, "DestinationCidrBlock" => "0.0.0.0/0", "NatGatewayId" => &nat },
    );
    assert!(problem(&rig, &private, false).is_some(), "it is pending");
    rig.wait(120);
    assert_eq!(problem(&rig, &private, false), None);
    rig.ask("DeleteNatGateway", tree! { "NatGatewayId" => &nat });
    assert!(problem(&rig, &private, false).is_some());
}

#[test]
fn secrets_and_logs_want_a_way_too() {
    let mut rig = Rig::new();
    let (vpc, subnet) = rig.vpc("10.0.0.0/24");
    rig.ask("ModifyVpcAttribute", tree! { "VpcId" => &vpc, "EnableDnsHostnames" => tree! { "Value" => true } });
    let container = tree! {
        "logConfiguration" => tree! { "logDriver" => "awslogs" },
        "secrets" => vec![tree! { "name" => "A", "valueFrom" => "arn:aws:secretsmanager:us-east-1:123456789012:secret:a" }],
    };
    let needs = reach::Needs::of(&tree! { "containerDefinitions" => vec![container] });
    let table =
        rig.only("DescribeRouteTables", "RouteTables", ("vpc-id", &vpc)).text("RouteTableId").unwrap().to_owned();
    rig.ask(
        "CreateVpcEndpoint",
        tree! { "VpcId" => &vpc, "ServiceName" => "com.amazonaws.us-east-1.s3", "RouteTableIds" => vec![table] },
    );
    let image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:1";
    let mut reasons = Vec::new();
    for service in ["ecr.api", "ecr.dkr", "secretsmanager", "logs"] {
        let place = reach::Place { subnet: &subnet, public: false };
        reasons.push(reach::problem(&rig.world, place, &[image], &needs).unwrap());
        let name = format!("com.amazonaws.us-east-1.{service}");
        let input = tree! { "VpcId" => &vpc, "ServiceName" => name, "VpcEndpointType" => "Interface", "SubnetIds" => vec![&subnet] };
        rig.ask("CreateVpcEndpoint", input);
    }
    let words = ["ecr registry auth", "secret from asm", "secret from asm", "validate logger args"];
    assert!(reasons.iter().zip(words).all(|(reason, words)| reason.contains(words)), "{reasons:?}");
    let place = reach::Place { subnet: &subnet, public: false };
    assert_eq!(reach::problem(&rig.world, place, &[image], &needs), None);
}

#[test]
fn ids_that_nobody_made_come_into_being_unless_they_must_exist() {
    let mut rig = Rig::new();
    rig.cluster();
    rig.define("nginx", tree! {});
    let names = (0..14).map(|number| format!("subnet-{number}")).collect::<Vec<_>>();
    rig.serve(1, tree! { "subnets" => names.clone(), "securityGroups" => vec!["sg-mine"] });
    rig.wait(120);
    assert_eq!(rig.running(), 1);
    let shown = rig.ask("DescribeSubnets", tree! { "SubnetIds" => names });
    assert_eq!(shown.list("Subnets").len(), 14);
    let vpc = rig.only("DescribeVpcs", "Vpcs", ("is-default", "true"));
    assert_eq!(vpc.list("CidrBlockAssociationSet").len(), 2, "fourteen more do not fit beside the default ones");
    assert_eq!(
        rig.only("DescribeSecurityGroups", "SecurityGroups", ("group-id", "sg-mine")).get("VpcId"),
        vpc.get("VpcId")
    );

    let mut rig = Rig::with(Settings { networks_must_exist: true, ..Settings::default() });
    rig.cluster();
    rig.define("nginx", tree! {});
    let own = rig.ask("DescribeSubnets", tree! {}).list("Subnets")[0].text("SubnetId").unwrap().to_owned();
    for (subnet, group, message) in [
        (
            "subnet-1",
            "sg-1",
            "Error retrieving subnet information for [subnet-1]: The subnet ID 'subnet-1' does not exist (ErrorCode: \
             InvalidSubnetID.NotFound)",
        ),
        (
            own.as_str(),
            "sg-1",
            "Error retrieving security group information for [sg-1]: The security group 'sg-1' does not exist (ErrorCode: \
             InvalidGroup.NotFound)",
        ),
    ] {
        let network =
            tree! { "awsvpcConfiguration" => tree! { "subnets" => vec![subnet], "securityGroups" => vec![group] } };
        let base = tree! { "taskDefinition" => "app", "launchType" => "FARGATE", "networkConfiguration" => network };
        for (operation, input) in [("RunTask", base.clone()), ("CreateService", base.with("serviceName", "web"))] {
            let fault = ecs::call(&mut rig.world, "ecs", operation, &input).unwrap_err();
            assert_eq!((fault.code, fault.message.as_str()), ("InvalidParameterException", message), "{operation}");
        }
    }
}

#[test]
fn a_group_of_another_vpc_is_refused() {
    let mut rig = Rig::new();
    rig.cluster();
    rig.define("nginx", tree! {});
    let (_, subnet) = rig.vpc("10.0.0.0/24");
    let group = rig.id("CreateSecurityGroup", tree! { "GroupName" => "web", "Description" => "x" }, &["GroupId"]);
    let network =
        tree! { "awsvpcConfiguration" => tree! { "subnets" => vec![subnet], "securityGroups" => vec![&group] } };
    let input = tree! { "taskDefinition" => "app", "launchType" => "FARGATE", "networkConfiguration" => network };
    let fault = ecs::call(&mut rig.world, "ecs", "RunTask", &input).unwrap_err();
    assert_eq!(
        fault.message,
        format!("Security Group {group} does not appear to belong to the same VPC as the input subnets.")
    );
}

fn machines(rig: &mut Rig) -> Vec<Tree> {
    let answer = rig.ask("DescribeInstances", tree! {});
    answer.list("Reservations").iter().flat_map(|one| one.list("Instances")).cloned().collect()
}

fn state(rig: &mut Rig) -> String {
    machines(rig)[0].at(&["State", "Name"]).unwrap().as_text().unwrap().to_owned()
}

fn in_cluster(rig: &mut Rig) -> Vec<Tree> {
    let listed = rig.ecs("ListContainerInstances", tree! {});
    if listed.list("containerInstanceArns").is_empty() {
        return Vec::new();
    }
    let input = tree! { "containerInstances" => listed.list("containerInstanceArns").to_vec() };
    rig.ecs("DescribeContainerInstances", input).list("containerInstances").to_vec()
}

#[test]
fn a_machine_with_ecss_image_joins_the_cluster_stops_and_ends() {
    let mut rig = Rig::new();
    rig.cluster();
    let input =
        tree! { "ImageId" => user_data::IMAGES[0], "InstanceType" => "c5.large", "MinCount" => 1, "MaxCount" => 1 };
    let started = rig.ask("RunInstances", input.clone());
    let id = started.list("Instances")[0].text("InstanceId").unwrap().to_owned();
    assert_eq!((state(&mut rig).as_str(), in_cluster(&mut rig).len()), ("pending", 0));
    rig.wait(90);
    let [joined] = in_cluster(&mut rig).try_into().unwrap();
    assert_eq!((state(&mut rig).as_str(), joined.text("ec2InstanceId")), ("running", Some(id.as_str())));
    let attribute = |name: &str| {
        let one = joined.list("attributes").iter().find(|one| one.text("name") == Some(name));
        one.and_then(|one| one.text("value")).map(str::to_owned)
    };
    let machine = machines(&mut rig)[0].clone();
    assert_eq!(attribute("ecs.subnet-id").as_deref(), machine.text("SubnetId"));
    assert_eq!(attribute("ecs.vpc-id").as_deref(), machine.text("VpcId"));
    let ids = || tree! { "InstanceIds" => vec![&id] };
    rig.ask("StopInstances", ids());
    rig.wait(60);
    let connected = |rig: &mut Rig| in_cluster(rig)[0].bool("agentConnected");
    assert_eq!((state(&mut rig).as_str(), connected(&mut rig)), ("stopped", Some(false)));
    rig.ask("StartInstances", ids());
    rig.wait(90);
    assert_eq!((state(&mut rig).as_str(), connected(&mut rig)), ("running", Some(true)));
    let ended = rig.ask("TerminateInstances", ids());
    let current = ended.list("TerminatingInstances")[0].at(&["CurrentState", "Name"]).unwrap().clone();
    assert_eq!((current, in_cluster(&mut rig).len()), (Tree::from("shutting-down"), 0));
    assert!(rig.ask("DescribeNetworkInterfaces", tree! {}).list("NetworkInterfaces").is_empty());
    rig.wait(3700);
    assert!(machines(&mut rig).is_empty());
    assert_eq!(rig.code("TerminateInstances", ids()), "InvalidInstanceID.NotFound");
    rig.ask("RunInstances", input.with("ImageId", "ami-12345678"));
    rig.wait(300);
    assert!(in_cluster(&mut rig).is_empty(), "another image has no agent");
}

#[test]
fn machines_of_the_cluster_are_machines_of_ec2() {
    let mut rig = Rig::new();
    rig.cluster();
    rig.ecs("RegisterContainerInstance", tree! {});
    let machine = machines(&mut rig)[0].clone();
    assert_eq!(in_cluster(&mut rig)[0].text("ec2InstanceId"), machine.text("InstanceId"));
    assert_eq!((state(&mut rig).as_str(), machine.text("InstanceType")), ("running", Some("m5.large")));
    let subnet = machine.text("SubnetId").unwrap();
    assert_eq!(rig.free(subnet), 4090);
}

#[test]
fn a_task_on_a_machine_has_its_interface_attached_there() {
    let mut rig = Rig::new();
    rig.cluster();
    rig.ecs("RegisterContainerInstance", tree! {});
    let machine = machines(&mut rig)[0].clone();
    let container = tree! { "name" => "app", "image" => "nginx", "memory" => 64 };
    let input = tree! { "family" => "app", "networkMode" => "awsvpc", "containerDefinitions" => vec![container] };
    rig.ecs("RegisterTaskDefinition", input);
    let subnet = machine.text("SubnetId").unwrap().to_owned();
    let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec![&subnet] } };
    let input = tree! { "taskDefinition" => "app", "launchType" => "EC2", "networkConfiguration" => network };
    assert_eq!(rig.ecs("RunTask", input).list("tasks").len(), 1);
    rig.wait(120);
    let interface = rig.only("DescribeNetworkInterfaces", "NetworkInterfaces", ("requester-managed", "true"));
    assert_eq!(interface.at(&["Attachment", "InstanceId"]), machine.get("InstanceId"));
    assert_eq!((interface.get("Association"), interface.text("Status")), (None, Some("in-use")));
    assert_eq!(rig.free(&subnet), 4089, "the machine's own, and the task's");
    rig.ask("TerminateInstances", tree! { "InstanceIds" => vec![machine.get("InstanceId").unwrap().clone()] });
    assert_eq!(rig.free(&subnet), 4091);
}
