"""One call of every operation that the embedded ECS offers, by the AWS CLI's own code. Arguments: what is offered.

The endpoint and the credentials are in the environment, as for `aws`.
"""

import contextlib
import io
import json
import sys

from awscli.clidriver import create_clidriver
from botocore import xform_name

NETWORK = "awsvpcConfiguration={subnets=[subnet-0123456789abcdef0]}"
CONTAINERS = json.dumps([{"name": "app", "image": "app:1", "memory": 64}])
GROUP = "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:0f:autoScalingGroupName/web"
PROVIDER = json.dumps({"autoScalingGroupArn": GROUP, "managedScaling": {"status": "ENABLED", "targetCapacity": 90}})
FARGATE = "--requires-compatibilities FARGATE --network-mode awsvpc --cpu 256 --memory 512"
SERVICE = "--cluster c --service s"


def aws(operation, arguments):
    """What `aws ecs OPERATION …` prints, as data."""
    words = [word for part in arguments for word in (part.split() if part.startswith("--") else [part])]
    command = ["ecs", xform_name(operation, "-"), "--output", "json", *words]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = create_clidriver().main(command)
    return code, out.getvalue(), err.getvalue()


def answer(operation, *arguments):
    code, out, err = aws(operation, arguments)
    assert code == 0, (operation, arguments, err)
    return json.loads(out) if out.strip() else {}


def task():
    return answer("ListTasks", "--cluster c --service-name s")["taskArns"][0]


def some_task():
    """One that runs, or none at all: where that will do."""
    tasks = answer("ListTasks", "--cluster c --service-name s")["taskArns"]
    return tasks[0] if tasks else "0" * 32


def deployment():
    return answer("ListServiceDeployments", SERVICE)["serviceDeployments"][0]


# In an order in which each has what it needs.
CALLS = {
    "CreateCluster": lambda: ["--cluster-name c --tags key=a,value=b"],
    "DescribeClusters": lambda: ["--clusters c --include TAGS SETTINGS STATISTICS ATTACHMENTS CONFIGURATIONS"],
    "ListClusters": lambda: ["--max-items 1"],
    "UpdateCluster": lambda: ["--cluster c --service-connect-defaults namespace=shop"],
    "UpdateClusterSettings": lambda: ["--cluster c --settings name=containerInsights,value=enabled"],
    "CreateCapacityProvider": lambda: ["--name p --auto-scaling-group-provider", PROVIDER],
    "DescribeCapacityProviders": lambda: ["--capacity-providers p FARGATE --include TAGS"],
    "UpdateCapacityProvider": lambda: ["--name p --auto-scaling-group-provider", '{"managedDraining": "DISABLED"}'],
    "DeleteCapacityProvider": lambda: ["--capacity-provider p"],
    "PutClusterCapacityProviders": lambda: [
        "--cluster c --capacity-providers FARGATE FARGATE_SPOT --default-capacity-provider-strategy",
        "capacityProvider=FARGATE,weight=1",
    ],
    "PutAccountSetting": lambda: ["--name awsvpcTrunking --value enabled"],
    "PutAccountSettingDefault": lambda: ["--name fargateTaskRetirementWaitPeriod --value 14"],
    "ListAccountSettings": lambda: ["--effective-settings"],
    "DeleteAccountSetting": lambda: ["--name awsvpcTrunking"],
    "RegisterTaskDefinition": lambda: ["--family f " + FARGATE, "--container-definitions", CONTAINERS],
    "DescribeTaskDefinition": lambda: ["--task-definition f --include TAGS"],
    "ListTaskDefinitions": lambda: ["--family-prefix f --sort DESC"],
    "ListTaskDefinitionFamilies": lambda: ["--status ACTIVE"],
    "CreateService": lambda: [
        "--cluster c --service-name s --task-definition f --desired-count 1 --launch-type FARGATE",
        "--service-connect-configuration enabled=true --network-configuration",
        NETWORK,
    ],
    "ListServices": lambda: ["--cluster c --launch-type FARGATE"],
    "ListServicesByNamespace": lambda: ["--namespace shop"],
    "DescribeServices": lambda: ["--cluster c --services s none --include TAGS"],
    "UpdateService": lambda: [SERVICE, "--desired-count 2 --force-new-deployment"],
    # Before the deployment is over, however slow this machine is.
    "StopServiceDeployment": lambda: ["--service-deployment-arn", deployment()["serviceDeploymentArn"]],
    "ListServiceDeployments": lambda: [SERVICE],
    "DescribeServiceDeployments": lambda: ["--service-deployment-arns", deployment()["serviceDeploymentArn"]],
    "DescribeServiceRevisions": lambda: ["--service-revision-arns", deployment()["targetServiceRevisionArn"]],
    "ListTasks": lambda: ["--cluster c --desired-status RUNNING"],
    "DescribeTasks": lambda: ["--cluster c --tasks", task(), "--include TAGS"],
    "TagResource": lambda: ["--resource-arn", task(), "--tags key=team,value=shop"],
    "ListTagsForResource": lambda: ["--resource-arn", task()],
    "UntagResource": lambda: ["--resource-arn", task(), "--tag-keys team"],
    "StopTask": lambda: ["--cluster c --reason test --task", task()],
    "ListContainerInstances": lambda: ["--cluster c --status ACTIVE"],
    "DescribeContainerInstances": lambda: ["--cluster c --container-instances 0123456789abcdef0123456789abcdef"],
    "ListAttributes": lambda: ["--cluster c --target-type container-instance"],
    "DeregisterTaskDefinition": lambda: ["--task-definition f:1"],
    "DeleteTaskDefinitions": lambda: ["--task-definitions f:1"],
    "DeleteService": lambda: [SERVICE, "--force"],
    "DeleteCluster": lambda: ["--cluster other"],
}

# Calls for what is not offered everywhere yet: answered, or refused with an error that names what is wrong with them.
PREPARED = {
    "RunTask": lambda: ["--cluster c --task-definition f --launch-type FARGATE --network-configuration", NETWORK],
    "StartTask": lambda: ["--cluster c --task-definition f --container-instances i"],
    "GetTaskProtection": lambda: ["--cluster c --tasks", some_task()],
    "UpdateTaskProtection": lambda: ["--cluster c --protection-enabled --expires-in-minutes 5 --tasks", some_task()],
    "RegisterContainerInstance": lambda: ["--cluster c"],
    "DeregisterContainerInstance": lambda: ["--cluster c --force --container-instance i"],
    "UpdateContainerInstancesState": lambda: ["--cluster c --status DRAINING --container-instances i"],
    "UpdateContainerAgent": lambda: ["--cluster c --container-instance i"],
    "PutAttributes": lambda: ["--cluster c --attributes name=rack,value=1,targetType=container-instance,targetId=i"],
    "DeleteAttributes": lambda: ["--cluster c --attributes name=rack,targetType=container-instance,targetId=i"],
    "CreateTaskSet": lambda: [SERVICE, "--task-definition f"],
    "DescribeTaskSets": lambda: [SERVICE],
    "UpdateTaskSet": lambda: [SERVICE, "--task-set x --scale value=50,unit=PERCENT"],
    "UpdateServicePrimaryTaskSet": lambda: [SERVICE, "--primary-task-set x"],
    "DeleteTaskSet": lambda: [SERVICE, "--task-set x"],
    "ContinueServiceDeployment": lambda: ["--hook-id x --service-deployment-arn", deployment()["serviceDeploymentArn"]],
    "DiscoverPollEndpoint": lambda: ["--cluster c"],
    "SubmitTaskStateChange": lambda: ["--cluster c --status RUNNING --task", some_task()],
    "SubmitContainerStateChange": lambda: ["--cluster c --container-name app --status RUNNING --task", some_task()],
    "SubmitAttachmentStateChanges": lambda: ["--cluster c --attachments attachmentArn=x,status=ATTACHED"],
}
# `aws ecs execute-command` goes on to start a session, which needs a plugin and a container.
NOT_BY_CLI = {"ExecuteCommand"}


def prepared(operation):
    code, _, err = aws(operation, PREPARED[operation]())
    refused = "(ServerException)" not in err and "Exception) when calling" in err
    assert code == 0 or refused and "does not have" not in err, (operation, code, err)


offered = sys.argv[1:]
strange = [name for name in offered if name not in {*CALLS, *PREPARED, *NOT_BY_CLI}]
assert not strange, f"no call for {strange}"
answer("CreateCluster", "--cluster-name other")
for operation, call in CALLS.items():
    if operation == "DeregisterTaskDefinition":
        for name in offered:
            if name in PREPARED:
                prepared(name)
    if operation in offered:
        answer(operation, *call())
print(f"all {len(offered)} were asked")
