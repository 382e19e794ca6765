//! VPCs, subnets, ways out, endpoints, interfaces.

use super::*;

#[test]
fn subnets_lie_within_their_vpc_and_apart() {
    let mut rig = Rig::new();
    let (vpc, subnet) = rig.vpc("10.0.0.0/28");
    let shown = rig.only("DescribeSubnets", "Subnets", ("subnet-id", &subnet));
    assert_eq!((shown.int("AvailableIpAddressCount"), shown.text("AvailabilityZoneId")), (Some(11), Some("use1-az2")));
    for (block, code) in [
        ("10.0.0.0/24", "InvalidSubnet.Conflict"),
        ("10.1.0.0/24", "InvalidSubnet.Range"),
        ("10.0.1.0/30", "InvalidSubnet.Range"),
        ("10.0.1.0", "InvalidParameterValue"),
    ] {
        assert_eq!(rig.code("CreateSubnet", tree! { "VpcId" => &vpc, "CidrBlock" => block }), code, "{block}");
    }
    assert_eq!(rig.code("DeleteVpc", tree! { "VpcId" => &vpc }), "DependencyViolation");
    let input = tree! { "SubnetId" => &subnet, "MapPublicIpOnLaunch" => tree! { "Value" => true } };
    rig.ask("ModifySubnetAttribute", input);
    let shown = rig.only("DescribeSubnets", "Subnets", ("subnet-id", &subnet));
    assert_eq!(shown.bool("MapPublicIpOnLaunch"), Some(true));
    rig.ask("DeleteSubnet", tree! { "SubnetId" => &subnet });
    rig.ask("DeleteVpc", tree! { "VpcId" => &vpc });
    assert_eq!(rig.ask("DescribeVpcs", tree! {}).list("Vpcs").len(), 1);
    assert!(rig.ask("DescribeSecurityGroups", filtered("vpc-id", &vpc)).list("SecurityGroups").is_empty());
}

#[test]
fn a_default_vpc_can_go_and_come_back() {
    let mut rig = Rig::new();
    assert_eq!(rig.code("CreateDefaultVpc", tree! {}), "DefaultVpcAlreadyExists");
    let vpc = rig.only("DescribeVpcs", "Vpcs", ("is-default", "true")).text("VpcId").unwrap().to_owned();
    for subnet in rig.ask("DescribeSubnets", tree! {}).list("Subnets") {
        rig.ask("DeleteSubnet", tree! { "SubnetId" => subnet.text("SubnetId").unwrap() });
    }
    let gateway = rig.only("DescribeInternetGateways", "InternetGateways", ("attachment.vpc-id", &vpc));
    let gateway = gateway.text("InternetGatewayId").unwrap();
    let both = tree! { "InternetGatewayId" => gateway, "VpcId" => &vpc };
    assert_eq!(rig.code("DeleteInternetGateway", tree! { "InternetGatewayId" => gateway }), "DependencyViolation");
    rig.ask("DetachInternetGateway", both.clone());
    let table = rig.only("DescribeRouteTables", "RouteTables", ("route.state", "blackhole"));
    assert_eq!(table.text("VpcId"), Some(vpc.as_str()));
    assert_eq!(rig.code("DetachInternetGateway", both), "Gateway.NotAttached");
    rig.ask("DeleteInternetGateway", tree! { "InternetGatewayId" => gateway });
    rig.ask("DeleteVpc", tree! { "VpcId" => &vpc });
    let group = tree! { "GroupName" => "x", "Description" => "y" };
    assert_eq!(rig.code("CreateSecurityGroup", group), "VPCIdNotSpecified");
    let new = rig.id("CreateDefaultVpc", tree! {}, &["Vpc", "VpcId"]);
    assert_ne!(new, vpc);
    assert_eq!(rig.ask("DescribeSubnets", tree! {}).list("Subnets").len(), 3);
}

#[test]
fn attributes_of_a_vpc_are_asked_one_by_one() {
    let mut rig = Rig::new();
    let (vpc, _) = rig.vpc("10.0.0.0/24");
    let asked = tree! { "VpcId" => &vpc, "Attribute" => "enableDnsHostnames" };
    let on =
        |rig: &mut Rig| rig.ask("DescribeVpcAttribute", asked.clone()).at(&["EnableDnsHostnames", "Value"]).cloned();
    assert_eq!(on(&mut rig), Some(Tree::Bool(false)));
    rig.ask("ModifyVpcAttribute", tree! { "VpcId" => &vpc, "EnableDnsHostnames" => tree! { "Value" => true } });
    assert_eq!(on(&mut rig), Some(Tree::Bool(true)));
    assert_eq!(rig.code("ModifyVpcAttribute", tree! { "VpcId" => &vpc }), "InvalidParameterCombination");
}

#[test]
fn routes_and_associations() {
    let mut rig = Rig::new();
    let (vpc, subnet) = rig.vpc("10.0.0.0/24");
    let table = rig.id("CreateRouteTable", tree! { "VpcId" => &vpc }, &["RouteTable", "RouteTableId"]);
    let pair = tree! { "RouteTableId" => &table, "SubnetId" => &subnet };
    let association = rig.id("AssociateRouteTable", pair.clone(), &["AssociationId"]);
    assert_eq!(rig.code("AssociateRouteTable", pair), "Resource.AlreadyAssociated");
    let gateway = rig.id("CreateInternetGateway", tree! {}, &["InternetGateway", "InternetGatewayId"]);
    let route = |more: Tree| {
        let base = tree! { "RouteTableId" => &table, "DestinationCidrBlock" => "0.0.0.0/0" };
        more.as_map().unwrap().iter().fold(base, |base, (name, value)| base.with(name, value))
    };
    let through = || route(tree! { "GatewayId" => &gateway });
    assert_eq!(rig.code("CreateRoute", through()), "InvalidParameterValue", "it is not attached");
    rig.ask("AttachInternetGateway", tree! { "InternetGatewayId" => &gateway, "VpcId" => &vpc });
    assert_eq!(rig.code("ReplaceRoute", through()), "InvalidParameterValue");
    rig.ask("CreateRoute", through());
    assert_eq!(rig.code("CreateRoute", through()), "RouteAlreadyExists");
    let peering = route(tree! { "VpcPeeringConnectionId" => "pcx-1" });
    assert_eq!(rig.code("ReplaceRoute", peering), "UnsupportedOperation");
    rig.ask("ReplaceRoute", through());
    let local = tree! { "RouteTableId" => &table, "DestinationCidrBlock" => "10.0.0.0/16" };
    assert_eq!(rig.code("DeleteRoute", local), "InvalidParameterValue");
    assert_eq!(rig.code("DeleteRouteTable", tree! { "RouteTableId" => &table }), "DependencyViolation");
    let shown = rig.only("DescribeRouteTables", "RouteTables", ("association.subnet-id", &subnet));
    assert_eq!((shown.text("RouteTableId"), shown.list("Routes").len()), (Some(table.as_str()), 2));
    let other = rig.id("CreateRouteTable", tree! { "VpcId" => &vpc }, &["RouteTable", "RouteTableId"]);
    let input = tree! { "AssociationId" => &association, "RouteTableId" => &other };
    let association = rig.id("ReplaceRouteTableAssociation", input, &["NewAssociationId"]);
    rig.ask("DisassociateRouteTable", tree! { "AssociationId" => &association });
    assert_eq!(
        rig.code("DisassociateRouteTable", tree! { "AssociationId" => &association }),
        "InvalidAssociationID.NotFound"
    );
    rig.ask("DeleteRoute", route(tree! {}));
    assert_eq!(rig.code("DeleteRoute", route(tree! {})), "InvalidRoute.NotFound");
    rig.ask("DeleteRouteTable", tree! { "RouteTableId" => &table });
}

#[test]
fn a_nat_gateway_takes_an_address_and_gives_it_back() {
    let mut rig = Rig::new();
    let subnets = rig.ask("DescribeSubnets", tree! {});
    let subnet = subnets.list("Subnets")[0].text("SubnetId").unwrap();
    let address = rig.id("AllocateAddress", tree! { "Domain" => "vpc" }, &["AllocationId"]);
    let input = tree! { "SubnetId" => subnet, "AllocationId" => &address };
    let nat = rig.id("CreateNatGateway", input.clone(), &["NatGateway", "NatGatewayId"]);
    assert_eq!(rig.code("CreateNatGateway", input), "Resource.AlreadyAssociated");
    assert_eq!(rig.code("CreateNatGateway", tree! { "SubnetId" => subnet }), "MissingParameter");
    let state = |rig: &mut Rig| {
        let answer = rig.ask("DescribeNatGateways", tree! { "NatGatewayIds" => vec![&nat] });
        answer.list("NatGateways")[0].text("State").unwrap().to_owned()
    };
    let free =
        |rig: &mut Rig| rig.only("DescribeSubnets", "Subnets", ("subnet-id", subnet)).int("AvailableIpAddressCount");
    assert_eq!((state(&mut rig).as_str(), free(&mut rig)), ("pending", Some(4090)));
    rig.wait(120);
    assert_eq!(state(&mut rig), "available");
    assert_eq!(rig.code("ReleaseAddress", tree! { "AllocationId" => &address }), "InvalidIPAddress.InUse");
    let interface = rig.only("DescribeNetworkInterfaces", "NetworkInterfaces", ("interface-type", "nat_gateway"));
    assert_eq!(interface.at(&["Association", "AllocationId"]).and_then(Tree::as_text), Some(address.as_str()));
    assert_eq!(rig.code("DeleteSubnet", tree! { "SubnetId" => subnet }), "DependencyViolation");
    rig.ask("DeleteNatGateway", tree! { "NatGatewayId" => &nat });
    assert_eq!((state(&mut rig).as_str(), free(&mut rig)), ("deleting", Some(4091)));
    rig.wait(120);
    assert_eq!(state(&mut rig), "deleted");
    rig.ask("ReleaseAddress", tree! { "AllocationId" => &address });
    rig.wait(3600);
    assert_eq!(rig.code("DescribeNatGateways", tree! { "NatGatewayIds" => vec![&nat] }), "NatGatewayNotFound");
    for _ in 0..5 {
        rig.ask("AllocateAddress", tree! {});
    }
    assert_eq!(rig.code("AllocateAddress", tree! {}), "AddressLimitExceeded");
}

#[test]
fn endpoints_stand_in_subnets_or_in_route_tables() {
    let mut rig = Rig::new();
    let vpc = rig.only("DescribeVpcs", "Vpcs", ("is-default", "true")).text("VpcId").unwrap().to_owned();
    let subnets = rig.ask("DescribeSubnets", tree! {});
    let [one, two, _] = subnets.list("Subnets") else { panic!() };
    let [one, two] = [one, two].map(|subnet| subnet.text("SubnetId").unwrap());
    let table = rig.only("DescribeRouteTables", "RouteTables", ("association.main", "true"));
    let table = table.text("RouteTableId").unwrap();
    let gateway =
        tree! { "VpcId" => &vpc, "ServiceName" => "com.amazonaws.us-east-1.s3", "RouteTableIds" => vec![table] };
    let gateway = rig.id("CreateVpcEndpoint", gateway, &["VpcEndpoint", "VpcEndpointId"]);
    let routed = rig.only("DescribeRouteTables", "RouteTables", ("route.gateway-id", "vpce-*"));
    assert_eq!(routed.list("Routes").len(), 3);
    let input = tree! {
        "VpcId" => &vpc, "ServiceName" => "com.amazonaws.us-east-1.ecr.api", "VpcEndpointType" => "Interface",
        "SubnetIds" => vec![one],
    };
    let endpoint = rig.id("CreateVpcEndpoint", input.clone(), &["VpcEndpoint", "VpcEndpointId"]);
    assert_eq!(rig.code("CreateVpcEndpoint", input.clone()), "InvalidParameter");
    assert_eq!(
        rig.code("CreateVpcEndpoint", input.with("ServiceName", "com.amazonaws.us-east-1.tea")),
        "InvalidServiceName"
    );
    rig.ask(
        "ModifyVpcEndpoint",
        tree! { "VpcEndpointId" => &endpoint, "AddSubnetIds" => vec![two], "RemoveSubnetIds" => vec![one] },
    );
    let shown = rig.only("DescribeVpcEndpoints", "VpcEndpoints", ("service-name", "*.ecr.api"));
    assert_eq!(shown.list("SubnetIds"), [Tree::from(two)]);
    assert_eq!((shown.list("NetworkInterfaceIds").len(), shown.list("Groups").len()), (1, 1));
    let interface = rig.only("DescribeNetworkInterfaces", "NetworkInterfaces", ("interface-type", "vpc_endpoint"));
    assert_eq!(interface.text("SubnetId"), Some(two));
    let gone = rig.ask("DeleteVpcEndpoints", tree! { "VpcEndpointIds" => vec![&gateway, &endpoint, "vpce-none"] });
    assert_eq!(gone.list("Unsuccessful").len(), 1);
    assert!(rig.ask("DescribeNetworkInterfaces", tree! {}).list("NetworkInterfaces").is_empty());
}

#[test]
fn interfaces_hold_addresses() {
    let mut rig = Rig::new();
    let (_, subnet) = rig.vpc("10.0.0.0/28");
    let input = tree! { "SubnetId" => &subnet, "Description" => "mine" };
    let mut ids = Vec::new();
    for _ in 0..11 {
        ids.push(rig.id("CreateNetworkInterface", input.clone(), &["NetworkInterface", "NetworkInterfaceId"]));
    }
    assert_eq!(rig.code("CreateNetworkInterface", input.clone()), "InsufficientFreeAddressesInSubnet");
    assert_eq!(
        rig.ask("DescribeNetworkInterfaces", filtered("description", "mine")).list("NetworkInterfaces").len(),
        11
    );
    rig.ask("DeleteNetworkInterface", tree! { "NetworkInterfaceId" => &ids[0] });
    let taken = input.clone().with("PrivateIpAddress", "10.0.0.5");
    assert_eq!(rig.code("CreateNetworkInterface", taken), "InvalidIPAddress.InUse");
    rig.ask("CreateNetworkInterface", input.with("PrivateIpAddress", "10.0.0.4"));
    let page = tree! { "MaxResults" => 5 };
    let first = rig.ask("DescribeNetworkInterfaces", page.clone());
    let token = first.text("NextToken").unwrap();
    let second = rig.ask("DescribeNetworkInterfaces", page.with("NextToken", token));
    assert_eq!((first.list("NetworkInterfaces").len(), second.list("NetworkInterfaces").len()), (5, 5));
}

#[test]
fn zones_and_types_agree_with_ecs() {
    let mut rig = Rig::new();
    let zones = rig.ask("DescribeAvailabilityZones", tree! {});
    assert_eq!(zones.list("AvailabilityZones").len(), 3);
    let one = rig.ask("DescribeAvailabilityZones", tree! { "ZoneIds" => vec!["use1-az3"] });
    assert_eq!(one.list("AvailabilityZones")[0].text("ZoneName"), Some("us-east-1c"));
    let types = rig.ask("DescribeInstanceTypes", tree! { "InstanceTypes" => vec!["c5.large"] });
    let info = &types.list("InstanceTypes")[0];
    assert_eq!(info.at(&["NetworkInfo", "MaximumNetworkInterfaces"]), Some(&Tree::Int(3)));
    assert_eq!(info.at(&["VCpuInfo", "DefaultVCpus"]), Some(&Tree::Int(2)));
    let unknown = tree! { "InstanceTypes" => vec!["u-24tb1.metal"] };
    assert_eq!(rig.code("DescribeInstanceTypes", unknown), "InvalidInstanceType");
    let arm = rig.ask("DescribeInstanceTypes", filtered("processor-info.supported-architecture", "arm64"));
    assert!(arm.list("InstanceTypes").iter().all(|one| one.text("InstanceType").unwrap().contains('g')));
}
