"""EC2 by boto3: every operation that is offered, paginators, waiters and errors. botocore logs what it can't parse.

Arguments: the endpoint, and the operations that are offered.
"""

import logging
import sys

from botocore import xform_name
from botocore.exceptions import ClientError

from client import client


class Complaints(logging.Handler):
    """What botocore says about answers."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.said = []

    def emit(self, record):
        self.said.append(record.getMessage())


complaints = Complaints()
logging.getLogger("botocore").addHandler(complaints)

OFFERED, asked = sys.argv[2:], set()
ec2, ecs = client("ec2"), client("ecs")


def ask(operation, **given):
    asked.add(operation)
    return getattr(ec2, xform_name(operation))(**given)


def refused(code, operation, **given):
    try:
        ask(operation, **given)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, (operation, error.response)
        assert error.response["ResponseMetadata"]["RequestId"], error.response
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError(f"{operation} was not refused with {code}")


def tags(kind, **named):
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in named.items()]}]


def by(name, *values):
    return [{"Name": name, "Values": list(values)}]


zones = [zone["ZoneName"] for zone in ask("DescribeAvailabilityZones")["AvailabilityZones"]]
assert zones == ["us-east-1a", "us-east-1b", "us-east-1c"], zones

# A network of one's own.
vpc = ask("CreateVpc", CidrBlock="10.0.0.0/16", TagSpecifications=tags("vpc", Name="shop"))["Vpc"]["VpcId"]
ec2.get_waiter("vpc_available").wait(VpcIds=[vpc])
assert ask("DescribeVpcs", Filters=by("tag:Name", "sh*"))["Vpcs"][0]["VpcId"] == vpc
ask("ModifyVpcAttribute", VpcId=vpc, EnableDnsHostnames={"Value": True})
assert ask("DescribeVpcAttribute", VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]
subnets = [
    ask("CreateSubnet", VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
    for number, zone in enumerate(zones)
]
ec2.get_waiter("subnet_available").wait(SubnetIds=subnets)
ask("ModifySubnetAttribute", SubnetId=subnets[0], MapPublicIpOnLaunch={"Value": True})
described = ask("DescribeSubnets", SubnetIds=subnets)["Subnets"]
assert {subnet["AvailableIpAddressCount"] for subnet in described} == {251}
refused("InvalidSubnet.Conflict", "CreateSubnet", VpcId=vpc, CidrBlock="10.0.0.0/20")
refused("InvalidSubnetID.NotFound", "DescribeSubnets", SubnetIds=["subnet-none"])
assert refused("DryRunOperation", "CreateVpc", CidrBlock="10.0.0.0/16", DryRun=True) == 412

# Ways out.
gateway = ask("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
ask("AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
assert ask("DescribeInternetGateways", Filters=by("attachment.vpc-id", vpc))["InternetGateways"]
public = ask("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
ask("CreateRoute", RouteTableId=public, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
ask("ReplaceRoute", RouteTableId=public, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
association = ask("AssociateRouteTable", RouteTableId=public, SubnetId=subnets[0])["AssociationId"]
address = ask("AllocateAddress", Domain="vpc")["AllocationId"]
nat = ask("CreateNatGateway", SubnetId=subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
assert ask("DescribeAddresses", AllocationIds=[address])["Addresses"][0]["AssociationId"]
ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat], WaiterConfig={"Delay": 1})
assert ask("DescribeNatGateways", Filter=by("vpc-id", vpc))["NatGateways"][0]["CreateTime"].year > 2020
main = ask("DescribeRouteTables", Filters=by("vpc-id", vpc) + by("association.main", "true"))["RouteTables"][0]
ask("CreateRoute", RouteTableId=main["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
assert len(ask("DescribeNetworkAcls", Filters=by("vpc-id", vpc))["NetworkAcls"][0]["Entries"]) == 4
names = [f"com.amazonaws.us-east-1.{name}" for name in ("s3", "logs")]
bucket = ask("CreateVpcEndpoint", VpcId=vpc, ServiceName=names[0], RouteTableIds=[public])["VpcEndpoint"]
logs = ask("CreateVpcEndpoint", VpcId=vpc, ServiceName=names[1], VpcEndpointType="Interface", SubnetIds=subnets[:1])
logs = logs["VpcEndpoint"]["VpcEndpointId"]
ask("ModifyVpcEndpoint", VpcEndpointId=logs, AddSubnetIds=subnets[1:2])
assert len(ask("DescribeVpcEndpoints", VpcEndpointIds=[logs])["VpcEndpoints"][0]["SubnetIds"]) == 2

# Security groups.
group = ask("CreateSecurityGroup", GroupName="web", Description="for web", VpcId=vpc)["GroupId"]
web = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.1/8"}]}
rule = ask("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[web])["SecurityGroupRules"][0]
assert rule["CidrIpv4"] == "10.0.0.0/8", rule
refused("InvalidPermission.Duplicate", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[web])
told = {**web, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "office"}]}
ask("UpdateSecurityGroupRuleDescriptionsIngress", GroupId=group, IpPermissions=[told])
new = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIpv4": "10.0.0.0/8"}
update = [{"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "SecurityGroupRule": new}]
ask("ModifySecurityGroupRules", GroupId=group, SecurityGroupRules=update)
ask("RevokeSecurityGroupIngress", GroupId=group, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
ask("AuthorizeSecurityGroupEgress", GroupId=group, IpPermissions=[web])
ask("UpdateSecurityGroupRuleDescriptionsEgress", GroupId=group, IpPermissions=[told])
ask("RevokeSecurityGroupEgress", GroupId=group, IpPermissions=[web])
assert len(ask("DescribeSecurityGroupRules", Filters=by("group-id", group))["SecurityGroupRules"]) == 1
assert ask("DescribeSecurityGroups", GroupIds=[group])["SecurityGroups"][0]["IpPermissions"] == []
refused("InvalidGroup.Duplicate", "CreateSecurityGroup", GroupName="web", Description="x", VpcId=vpc)

# Interfaces, machines, types.
interface = ask("CreateNetworkInterface", SubnetId=subnets[2], Groups=[group])["NetworkInterface"]
interface = interface["NetworkInterfaceId"]
refused("DependencyViolation", "DeleteSecurityGroup", GroupId=group)
ecs.create_cluster(clusterName="shop")
data = "#!/bin/sh\necho ECS_CLUSTER=shop >> /etc/ecs/ecs.config\n"
wish = {"ImageId": "ami-12345678", "InstanceType": "m5.large", "MinCount": 1, "MaxCount": 2, "UserData": data}
ran = ask("RunInstances", SubnetId=subnets[2], **wish)
machines = [machine["InstanceId"] for machine in ran["Instances"]]
ec2.get_waiter("instance_running").wait(InstanceIds=machines, WaiterConfig={"Delay": 1})
assert len(ask("DescribeInstances", Filters=by("instance-state-name", "running"))["Reservations"][0]["Instances"]) == 2
ask("StopInstances", InstanceIds=machines)
ec2.get_waiter("instance_stopped").wait(InstanceIds=machines, WaiterConfig={"Delay": 1})
ask("StartInstances", InstanceIds=machines)
ec2.get_waiter("instance_running").wait(InstanceIds=machines, WaiterConfig={"Delay": 1})
for _ in range(1000):
    if len(ecs.list_container_instances(cluster="shop")["containerInstanceArns"]) == 2:
        break
else:
    raise AssertionError("the machines did not join their cluster")
assert ask("DescribeInstanceTypes", InstanceTypes=["m5.large"])["InstanceTypes"][0]["MemoryInfo"]["SizeInMiB"] == 8192
ask("TerminateInstances", InstanceIds=machines)
ec2.get_waiter("instance_terminated").wait(InstanceIds=machines, WaiterConfig={"Delay": 1})

# Tags, pages.
ask("CreateTags", Resources=[vpc, group], Tags=[{"Key": "team", "Value": "shop & co <1>"}])
assert len(ask("DescribeTags", Filters=by("key", "team"))["Tags"]) == 2
ask("DeleteTags", Resources=[group], Tags=[{"Key": "team"}])
for operation, member in [
    ("describe_subnets", "Subnets"),
    ("describe_network_interfaces", "NetworkInterfaces"),
    ("describe_instance_types", "InstanceTypes"),
]:
    rows = getattr(ec2, operation)()[member]
    pages = list(ec2.get_paginator(operation).paginate(PaginationConfig={"PageSize": 5}))
    assert [row for page in pages for row in page[member]] == rows and len(pages) == -(-len(rows) // 5), operation

# Everything goes, in the order in which it can.
refused("DependencyViolation", "DeleteVpc", VpcId=vpc)
assert ask("DescribeNetworkInterfaces", NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]["Groups"]
ask("DeleteNetworkInterface", NetworkInterfaceId=interface)
assert ask("DeleteVpcEndpoints", VpcEndpointIds=[logs, bucket["VpcEndpointId"]])["Unsuccessful"] == []
ask("DeleteNatGateway", NatGatewayId=nat)
ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[nat], WaiterConfig={"Delay": 1})
ask("ReleaseAddress", AllocationId=address)
ask("DeleteSecurityGroup", GroupId=group)
ask("DeleteRoute", RouteTableId=public, DestinationCidrBlock="0.0.0.0/0")
moved = ask("ReplaceRouteTableAssociation", AssociationId=association, RouteTableId=main["RouteTableId"])
ask("DisassociateRouteTable", AssociationId=moved["NewAssociationId"])
ask("DeleteRouteTable", RouteTableId=public)
for subnet in subnets:
    ask("DeleteSubnet", SubnetId=subnet)
ask("DetachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
ask("DeleteInternetGateway", InternetGatewayId=gateway)
ask("DeleteVpc", VpcId=vpc)
refused("DefaultVpcAlreadyExists", "CreateDefaultVpc")

assert set(OFFERED) == asked, (set(OFFERED) ^ asked)
assert complaints.said == [], complaints.said
print("all as boto3 expects")
