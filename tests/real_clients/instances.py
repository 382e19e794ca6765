"""boto3 against the embedded ECS's machines: instances, attributes, placement, daemons. Argument: the endpoint."""

import json
import sys
import time
import urllib.request

from botocore.exceptions import ClientError

from client import PATIENT, client

ENDPOINT = sys.argv[1]
ecs = client(config=PATIENT)


def sim(page):
    """What happens to machines is no AWS call: the simulation has pages for it."""
    request = urllib.request.Request(f"{ENDPOINT}/_sim/{page}", method="POST", data=b"")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def refused(error, call, **arguments):
    """The call is answered with that error, as a class of the client's own."""
    try:
        call(**arguments)
    except ClientError as answer:
        assert answer.response["Error"]["Code"] == error, answer
        return answer.response["Error"]["Message"]
    raise AssertionError(f"{error} did not come")


def until(what, holds):
    """Waits for something that no waiter of botocore's waits for."""
    for _ in range(150):
        if holds():
            return
        time.sleep(0.2)
    raise AssertionError(f"never: {what}")


def number(instance, name, of="remainingResources"):
    return next(one for one in instance[of] if one["name"] == name)["integerValue"]


def stable(*services):
    ecs.get_waiter("services_stable").wait(
        cluster="machines", services=list(services), WaiterConfig={"Delay": 2, "MaxAttempts": 30}
    )
    return ecs.describe_services(cluster="machines", services=list(services))["services"]


ecs.create_cluster(clusterName="machines")
joined = sim("instances?cluster=machines&type=m5.large&count=2")["containerInstances"]
assert [one["status"] for one in joined] == ["ACTIVE", "ACTIVE"], joined
third = sim("instances?cluster=machines&type=c5.xlarge&zone=us-east-1c")["containerInstances"][0]["containerInstanceArn"]

paginator = ecs.get_paginator("list_container_instances")
arns = [arn for page in paginator.paginate(cluster="machines", PaginationConfig={"PageSize": 2}) for arn in page["containerInstanceArns"]]
assert len(set(arns)) == 3, arns
large = ecs.list_container_instances(cluster="machines", filter="attribute:ecs.instance-type =~ m5.*")
assert sorted(large["containerInstanceArns"]) == sorted(one["containerInstanceArn"] for one in joined), large
refused("InvalidParameterException", ecs.list_container_instances, cluster="machines", filter="stack = x")

# A registration by hand, as an agent does it.
document = {"instanceId": "i-0123456789abcdef0", "instanceType": "t3.small", "availabilityZone": "us-east-1a"}
made = ecs.register_container_instance(
    cluster="machines", instanceIdentityDocument=json.dumps(document), instanceIdentityDocumentSignature="x"
)["containerInstance"]
assert (made["ec2InstanceId"], number(made, "CPU")) == ("i-0123456789abcdef0", 2048), made

# Attributes, and a service that is placed by them.
first = joined[0]["containerInstanceArn"]
ecs.put_attributes(cluster="machines", attributes=[{"name": "stack", "value": "prod", "targetId": first}])
listed = ecs.list_attributes(cluster="machines", targetType="container-instance", attributeName="stack")["attributes"]
assert listed == [{"name": "stack", "value": "prod", "targetId": first}], listed
refused(
    "TargetNotFoundException",
    ecs.put_attributes,
    cluster="machines",
    attributes=[{"name": "a", "targetType": "container-instance", "targetId": "none"}],
)
ecs.register_task_definition(
    family="web",
    networkMode="bridge",
    containerDefinitions=[
        {"name": "web", "image": "nginx:1", "cpu": 256, "memory": 128, "portMappings": [{"containerPort": 80}]}
    ],
)
ecs.create_service(
    cluster="machines",
    serviceName="web",
    taskDefinition="web",
    desiredCount=2,
    placementConstraints=[{"type": "memberOf", "expression": "attribute:stack == prod"}],
    placementStrategy=[{"type": "binpack", "field": "memory"}],
)
service = stable("web")[0]
assert (service["launchType"], service["placementStrategy"]) == ("EC2", [{"type": "binpack", "field": "MEMORY"}])
tasks = ecs.list_tasks(cluster="machines", containerInstance=first)["taskArns"]
assert len(tasks) == 2, tasks
tasks = ecs.describe_tasks(cluster="machines", tasks=tasks)["tasks"]
ports = sorted(task["containers"][0]["networkBindings"][0]["hostPort"] for task in tasks)
assert ports == [32768, 32769], ports
instance = ecs.describe_container_instances(cluster="machines", containerInstances=[first])["containerInstances"][0]
assert (number(instance, "CPU"), instance["runningTasksCount"]) == (1536, 2), instance

# Tasks on named instances, one of which there is not.
started = ecs.start_task(cluster="machines", taskDefinition="web", containerInstances=[third, "none"], startedBy="me")
assert (len(started["tasks"]), started["failures"][0]["reason"]) == (1, "MISSING"), started
ecs.get_waiter("tasks_running").wait(
    cluster="machines", tasks=[started["tasks"][0]["taskArn"]], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
)

# Draining: the constraint has no other instance, so the tasks stay until it has.
ecs.update_container_instances_state(cluster="machines", containerInstances=[first], status="DRAINING")
second = joined[1]["containerInstanceArn"]
ecs.put_attributes(cluster="machines", attributes=[{"name": "stack", "value": "prod", "targetId": second}])
until("drained", lambda: not ecs.list_tasks(cluster="machines", containerInstance=first)["taskArns"])
assert len(ecs.list_tasks(cluster="machines", containerInstance=second, serviceName="web")["taskArns"]) == 2
stable("web")

# A daemon is on every ACTIVE instance, and follows them.
ecs.create_service(
    cluster="machines", serviceName="all", taskDefinition="web", launchType="EC2", schedulingStrategy="DAEMON"
)
assert stable("all")[0]["desiredCount"] == 3
refused(
    "InvalidParameterException", ecs.update_service, cluster="machines", service="all", desiredCount=1
)
refused("InvalidParameterException", ecs.deregister_container_instance, cluster="machines", containerInstance=second)
sim(f"instances/{second.rsplit('/', 1)[1]}?state=terminated")
until("one less", lambda: stable("all")[0]["desiredCount"] == 2)
events = lambda: " ".join(one["message"] for one in ecs.describe_services(cluster="machines", services=["web"])["services"][0]["events"])
until("told", lambda: "MemberOf placement constraint unsatisfied." in events())

refused("ClusterContainsServicesException", ecs.delete_cluster, cluster="machines")
for name in ["web", "all"]:
    ecs.delete_service(cluster="machines", service=name, force=True)
ecs.get_waiter("services_inactive").wait(
    cluster="machines", services=["web", "all"], WaiterConfig={"Delay": 2, "MaxAttempts": 30}
)
assert refused("NoUpdateAvailableException", ecs.update_container_agent, cluster="machines", containerInstance=third)
for arn in ecs.list_container_instances(cluster="machines")["containerInstanceArns"]:
    gone = ecs.deregister_container_instance(cluster="machines", containerInstance=arn, force=True)
    assert gone["containerInstance"]["status"] == "INACTIVE", gone

# A group that grows for the tasks that wait, and shrinks when they are gone.
def group(cluster="grown"):
    found = ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]
    return ecs.describe_container_instances(cluster=cluster, containerInstances=found)["containerInstances"] if found else []


sim("groups?name=workers&type=m5.large&max=3&zones=us-east-1a,us-east-1b&launch=30")
arn = "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:0f:autoScalingGroupName/workers"
provider = ecs.create_capacity_provider(
    name="workers",
    autoScalingGroupProvider={
        "autoScalingGroupArn": arn,
        "managedScaling": {"status": "ENABLED", "targetCapacity": 100},
        "managedTerminationProtection": "ENABLED",
    },
)["capacityProvider"]
assert provider["autoScalingGroupProvider"]["managedDraining"] == "ENABLED", provider
strategy = [{"capacityProvider": "workers", "weight": 1}]
ecs.create_cluster(clusterName="grown", capacityProviders=["workers"], defaultCapacityProviderStrategy=strategy)
ecs.register_task_definition(
    family="whole", containerDefinitions=[{"name": "app", "image": "app:1", "cpu": 2048, "memory": 128}]
)
started = ecs.run_task(cluster="grown", taskDefinition="whole", count=3)
assert (len(started["tasks"]), started["failures"]) == (3, []), started
assert {task["lastStatus"] for task in started["tasks"]} == {"PROVISIONING"}, started
arns = [task["taskArn"] for task in started["tasks"]]
sim("advance?seconds=400")
tasks = ecs.describe_tasks(cluster="grown", tasks=arns)["tasks"]
assert {task["lastStatus"] for task in tasks} == {"RUNNING"}, tasks
assert len({task["containerInstanceArn"] for task in tasks}) == 3, tasks
assert {one["capacityProviderName"] for one in group()} == {"workers"}, group()
fourth = ecs.run_task(cluster="grown", taskDefinition="whole")["tasks"][0]["taskArn"]
sim("advance?seconds=1900")
task = ecs.describe_tasks(cluster="grown", tasks=[fourth])["tasks"][0]
assert (task["stopCode"], task["stoppedReason"]) == ("TaskFailedToStart", "RESOURCE:CPU"), task
for arn in arns[1:]:
    ecs.stop_task(cluster="grown", task=arn)
sim("advance?seconds=1200")
assert len(group()) == 1 and group()[0]["runningTasksCount"] == 1, group()
state = json.load(urllib.request.urlopen(f"{ENDPOINT}/_sim/state"))["autoScalingGroups"]
assert [(one["desiredCapacity"], one["capacityProviderReservation"]) for one in state] == [(1, 100)], state

# Fargate without capacity, and with a quota.
ecs.create_cluster(clusterName="fargate", capacityProviders=["FARGATE", "FARGATE_SPOT"])
ecs.register_task_definition(
    family="away",
    networkMode="awsvpc",
    requiresCompatibilities=["FARGATE"],
    cpu="1024",
    memory="2048",
    containerDefinitions=[{"name": "app", "image": "app:1"}],
)


def away(count):
    answer = ecs.run_task(
        cluster="fargate",
        taskDefinition="away",
        launchType="FARGATE",
        count=count,
        networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-a"]}},
    )
    return len(answer["tasks"]), [one["reason"] for one in answer["failures"]]


sim("fargate?vcpus=2")
assert away(3) == (2, ["You've reached the limit on the number of vCPUs you can run concurrently"])
sim("fargate?vcpus=none")
for letter in "abc":
    sim(f"fargate?zone=us-east-1{letter}&capacity=off")
number, reasons = away(1)
assert number == 0 and reasons[0].startswith("Capacity is unavailable at this time."), reasons
print("all as boto3 expects")
