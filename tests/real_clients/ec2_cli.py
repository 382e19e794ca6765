"""Every Describe operation of EC2 by the AWS CLI's own code, and a few that make and take away.

Arguments: what is offered. The endpoint and the credentials are in the environment, as for `aws`.
"""

import contextlib
import io
import json
import sys

from awscli.clidriver import create_clidriver
from botocore import xform_name


def aws(operation, words="", form="json"):
    """What `aws ec2 OPERATION …` prints."""
    command = ["ec2", xform_name(operation, "-"), "--output", form, *words.split()]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = create_clidriver().main(command)
    assert (code, err.getvalue()) == (0, ""), (command, code, err.getvalue())
    return out.getvalue()


described = [name for name in sys.argv[1:] if name.startswith("Describe") and name != "DescribeVpcAttribute"]
assert len(described) >= 15, described
for operation in described:
    rows = json.loads(aws(operation))
    assert rows and all(isinstance(value, list) for value in rows.values()), rows
aws("DescribeRouteTables", form="table")
aws("DescribeSecurityGroups", form="text")
TAGS = "--tag-specifications ResourceType=vpc,Tags=[{Key=a,Value=b}]"
vpc = json.loads(aws("CreateVpc", f"--cidr-block 10.0.0.0/16 {TAGS}"))
vpc = vpc["Vpc"]["VpcId"]
assert aws("DescribeVpcs", "--filters Name=tag:a,Values=b --query Vpcs[].VpcId", "text").strip() == vpc
group = json.loads(aws("CreateSecurityGroup", f"--group-name web --description x --vpc-id {vpc}"))["GroupId"]
aws("AuthorizeSecurityGroupIngress", f"--group-id {group} --protocol tcp --port 443 --cidr 10.0.0.0/8")
shown = json.loads(aws("DescribeSecurityGroups", f"--group-ids {group}"))["SecurityGroups"][0]
assert shown["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "10.0.0.0/8"}], shown
aws("RevokeSecurityGroupIngress", f"--group-id {group} --protocol tcp --port 443 --cidr 10.0.0.0/8")
aws("DeleteSecurityGroup", f"--group-id {group}")
aws("DeleteVpc", f"--vpc-id {vpc}")
print(f"all {len(described)} were described")
