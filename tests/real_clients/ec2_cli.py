"""Every operation of EC2 that is offered, by the AWS CLI's own code.

Arguments: what is offered. The endpoint and the credentials are in the environment, as for `aws`.
"""

import contextlib
import io
import json
import sys
import time

from awscli.clidriver import create_clidriver
from botocore import xform_name

OFFERED, asked = set(sys.argv[1:]), set()
# One for all: reading EC2's description takes most of a call's time.
loader = create_clidriver().session.get_component("data_loader")


def said(operation, words="", form="json"):
    """What `aws ec2 OPERATION …` prints."""
    asked.add(operation)
    command = ["ec2", xform_name(operation, "-"), "--output", form, *words.split()]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        driver = create_clidriver()
        driver.session.register_component("data_loader", loader)
        code = driver.main(command)
    return code, out.getvalue(), err.getvalue()


def aws(operation, words="", form="json"):
    code, out, err = said(operation, words, form)
    assert (code, err) == (0, ""), (operation, words, code, err)
    return out if form != "json" else json.loads(out) if out.strip() else {}


def refused(code, operation, words):
    left, _, err = said(operation, words)
    assert left > 1 and f"({code})" in err, (operation, words, left, err)


def until(what, state, operation, words):
    """Waits until a query prints a state."""
    for _ in range(600):
        if aws(operation, f"{words} --query {what}", "text").split() == [state]:
            return
        time.sleep(0.1)
    raise AssertionError(f"{operation} {words} never came to {state}")


# Everything there is, in the forms that people read; with operations that need to be told what of.
TOLD = {"DescribeVpcAttribute"}
for operation in sorted(name for name in OFFERED - TOLD if name.startswith("Describe")):
    rows = aws(operation)
    assert rows and all(isinstance(value, list) for value in rows.values()), rows
aws("DescribeRouteTables", form="table")
aws("DescribeSecurityGroups", form="text")

# A network of one's own.
TAGS = "--tag-specifications ResourceType=vpc,Tags=[{Key=a,Value=b}]"
vpc = aws("CreateVpc", f"--cidr-block 10.0.0.0/16 {TAGS}")["Vpc"]["VpcId"]
assert aws("DescribeVpcs", "--filters Name=tag:a,Values=b --query Vpcs[].VpcId", "text").strip() == vpc
aws("ModifyVpcAttribute", f"--vpc-id {vpc} --enable-dns-hostnames")
names = aws("DescribeVpcAttribute", f"--vpc-id {vpc} --attribute enableDnsHostnames")
assert names["EnableDnsHostnames"] == {"Value": True}, names
subnet = aws("CreateSubnet", f"--vpc-id {vpc} --cidr-block 10.0.0.0/24 --availability-zone us-east-1b")["Subnet"]
assert subnet["AvailableIpAddressCount"] == 251, subnet
subnet = subnet["SubnetId"]
aws("ModifySubnetAttribute", f"--subnet-id {subnet} --map-public-ip-on-launch")
refused("InvalidSubnet.Conflict", "CreateSubnet", f"--vpc-id {vpc} --cidr-block 10.0.0.0/20")
refused("DefaultVpcAlreadyExists", "CreateDefaultVpc", "")

# Ways out.
gateway = aws("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
aws("AttachInternetGateway", f"--internet-gateway-id {gateway} --vpc-id {vpc}")
table = aws("CreateRouteTable", f"--vpc-id {vpc}")["RouteTable"]["RouteTableId"]
ROUTE = f"--route-table-id {table} --destination-cidr-block 0.0.0.0/0"
aws("CreateRoute", f"{ROUTE} --gateway-id {gateway}")
aws("ReplaceRoute", f"{ROUTE} --gateway-id {gateway}")
association = aws("AssociateRouteTable", f"--route-table-id {table} --subnet-id {subnet}")["AssociationId"]
main = f"--filters Name=vpc-id,Values={vpc} Name=association.main,Values=true --query RouteTables[].RouteTableId"
main = aws("DescribeRouteTables", main, "text").strip()
moved = aws("ReplaceRouteTableAssociation", f"--association-id {association} --route-table-id {main}")
aws("DisassociateRouteTable", f"--association-id {moved['NewAssociationId']}")
aws("CreateRoute", f"--route-table-id {main} --destination-cidr-block 0.0.0.0/0 --gateway-id {gateway}")
address = aws("AllocateAddress", "--domain vpc")["AllocationId"]
nat = aws("CreateNatGateway", f"--subnet-id {subnet} --allocation-id {address}")["NatGateway"]["NatGatewayId"]
endpoint = f"--vpc-id {vpc} --service-name com.amazonaws.us-east-1.s3 --route-table-ids {table}"
endpoint = aws("CreateVpcEndpoint", endpoint)["VpcEndpoint"]["VpcEndpointId"]
aws("ModifyVpcEndpoint", f"--vpc-endpoint-id {endpoint} --add-route-table-ids {main}")

# Security groups.
group = aws("CreateSecurityGroup", f"--group-name web --description x --vpc-id {vpc}")["GroupId"]
WEB = f"--group-id {group} --protocol tcp --port 443 --cidr 10.0.0.0/8"
rule = aws("AuthorizeSecurityGroupIngress", WEB)["SecurityGroupRules"][0]["SecurityGroupRuleId"]
refused("InvalidPermission.Duplicate", "AuthorizeSecurityGroupIngress", WEB)
shown = aws("DescribeSecurityGroups", f"--group-ids {group}")["SecurityGroups"][0]
assert shown["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "10.0.0.0/8"}], shown
TOLD_RULE = "IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=10.0.0.0/8,Description=office}]"
aws("UpdateSecurityGroupRuleDescriptionsIngress", f"--group-id {group} --ip-permissions {TOLD_RULE}")
CHANGED = "SecurityGroupRule={IpProtocol=tcp,FromPort=80,ToPort=80,CidrIpv4=10.0.0.0/8}"
aws("ModifySecurityGroupRules", f"--group-id {group} --security-group-rules SecurityGroupRuleId={rule},{CHANGED}")
aws("RevokeSecurityGroupIngress", f"--group-id {group} --security-group-rule-ids {rule}")
PERMISSIONS = f"--group-id {group} --ip-permissions {TOLD_RULE}"
aws("AuthorizeSecurityGroupEgress", PERMISSIONS)
aws("UpdateSecurityGroupRuleDescriptionsEgress", PERMISSIONS)
aws("RevokeSecurityGroupEgress", PERMISSIONS)

# Interfaces and machines.
interface = aws("CreateNetworkInterface", f"--subnet-id {subnet} --groups {group}")["NetworkInterface"]
refused("DependencyViolation", "DeleteSecurityGroup", f"--group-id {group}")
aws("DeleteNetworkInterface", f"--network-interface-id {interface['NetworkInterfaceId']}")
machine = f"--image-id ami-12345678 --instance-type m5.large --subnet-id {subnet} --count 1"
machine = aws("RunInstances", machine)["Instances"][0]["InstanceId"]
OF, STATE = f"--instance-ids {machine}", "Reservations[].Instances[].State.Name"
until(STATE, "running", "DescribeInstances", OF)
aws("StopInstances", OF)
until(STATE, "stopped", "DescribeInstances", OF)
aws("StartInstances", OF)
until(STATE, "running", "DescribeInstances", OF)
aws("TerminateInstances", OF)

# Tags.
aws("CreateTags", f"--resources {vpc} {group} --tags Key=team,Value=shop")
assert len(aws("DescribeTags", "--filters Name=key,Values=team")["Tags"]) == 2
aws("DeleteTags", f"--resources {group} --tags Key=team")

# Everything goes, in the order in which it can.
aws("DeleteVpcEndpoints", f"--vpc-endpoint-ids {endpoint}")
until("NatGateways[].State", "available", "DescribeNatGateways", f"--nat-gateway-ids {nat}")
aws("DeleteNatGateway", f"--nat-gateway-id {nat}")
until("NatGateways[].State", "deleted", "DescribeNatGateways", f"--nat-gateway-ids {nat}")
aws("ReleaseAddress", f"--allocation-id {address}")
until(STATE, "terminated", "DescribeInstances", OF)
aws("DeleteSecurityGroup", f"--group-id {group}")
aws("DeleteRoute", ROUTE)
aws("DeleteRouteTable", f"--route-table-id {table}")
aws("DeleteSubnet", f"--subnet-id {subnet}")
refused("DependencyViolation", "DeleteVpc", f"--vpc-id {vpc}")
aws("DetachInternetGateway", f"--internet-gateway-id {gateway} --vpc-id {vpc}")
aws("DeleteInternetGateway", f"--internet-gateway-id {gateway}")
aws("DeleteVpc", f"--vpc-id {vpc}")

assert OFFERED == asked, OFFERED ^ asked
print(f"all {len(asked)} were asked")
