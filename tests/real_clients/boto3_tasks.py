"""boto3 runs, protects, interrupts and retires tasks of the embedded ECS. Argument: the endpoint."""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from botocore.exceptions import ClientError, WaiterError

from client import PATIENT, client

ecs = client(config=PATIENT)
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"], "assignPublicIp": "ENABLED"}}
PRIVATE = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}
ROLE = "arn:aws:iam::123456789012:role/task"
SOON = {"Delay": 1, "MaxAttempts": 60}


def world(page, **query):
    """One of the world's own pages, by POST."""
    url = f"{sys.argv[1].rstrip('/')}/_sim/{page}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(urllib.request.Request(url, method="POST")) as answer:
        return json.load(answer)


def run(**more):
    """RunTask on Fargate; the tasks' ARNs."""
    where = {} if "capacityProviderStrategy" in more else {"launchType": "FARGATE"}
    answer = ecs.run_task(**{"taskDefinition": "app", "networkConfiguration": NETWORK, **where, **more})
    assert answer["failures"] == [], answer
    return [task["taskArn"] for task in answer["tasks"]]


def described(*arns):
    """The tasks, in the order asked for."""
    found = {task["taskArn"]: task for task in ecs.describe_tasks(tasks=list(arns), include=["TAGS"])["tasks"]}
    return [found[arn] for arn in arns]


def refused(error, call, **arguments):
    """The call is answered with that error; the answer."""
    try:
        call(**arguments)
    except ClientError as answer:
        assert answer.response["Error"]["Code"] == error, answer
        return answer.response
    raise AssertionError(f"{error} did not come")


def until(what, holds):
    """Waits for it."""
    for _ in range(300):
        if holds():
            return
        time.sleep(0.2)
    raise AssertionError(f"never: {what}")


ecs.create_cluster(capacityProviders=["FARGATE", "FARGATE_SPOT"])
ecs.register_task_definition(
    family="app",
    requiresCompatibilities=["FARGATE"],
    networkMode="awsvpc",
    cpu="256",
    memory="512",
    taskRoleArn=ROLE,
    containerDefinitions=[{"name": "app", "image": "app:1"}],
)

# RunTask, both waiters, StopTask.
tasks = run(count=3, startedBy="boto3", tags=[{"key": "team", "value": "shop"}], enableExecuteCommand=True)
ecs.get_waiter("tasks_running").wait(tasks=tasks, WaiterConfig=SOON)
task = described(tasks[0])[0]
assert task["lastStatus"] == "RUNNING" and task["startedBy"] == "boto3" and task["group"] == "family:app", task
assert task["tags"] == [{"key": "team", "value": "shop"}], task
assert task["containers"][0]["managedAgents"][0]["lastStatus"] == "RUNNING", task
assert sorted(ecs.list_tasks(startedBy="boto3")["taskArns"]) == sorted(tasks)
pages = list(ecs.get_paginator("list_tasks").paginate(family="app", PaginationConfig={"PageSize": 2}))
assert [len(page["taskArns"]) for page in pages] == [2, 1], pages
session = ecs.execute_command(task=tasks[0], command="/bin/sh", interactive=True)["session"]
assert session["sessionId"] and session["streamUrl"].startswith("wss://") and session["tokenValue"], session
for arn in tasks:
    ecs.stop_task(task=arn, reason="enough")
ecs.get_waiter("tasks_stopped").wait(tasks=tasks, WaiterConfig=SOON)
for task in described(*tasks):
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "enough"), task
try:
    ecs.get_waiter("tasks_running").wait(tasks=tasks, WaiterConfig={"Delay": 1, "MaxAttempts": 2})
except WaiterError as answer:
    assert "STOPPED" in str(answer), answer
else:
    raise AssertionError("a stopped task never runs")
refused("InvalidParameterException", ecs.execute_command, task=tasks[0], command="ls", interactive=True)

# Overrides, tokens, refusals.
override = {"name": "app", "command": ["migrate"], "environment": [{"name": "A", "value": "1"}]}
arn = run(overrides={"containerOverrides": [override], "cpu": "512", "memory": "1024"}, clientToken="one")
assert run(overrides={"containerOverrides": [override], "cpu": "512", "memory": "1024"}, clientToken="one") == arn
task = described(*arn)[0]
assert (task["cpu"], task["memory"], task["overrides"]["containerOverrides"]) == ("512", "1024", [override]), task
plain = {"taskDefinition": "app", "launchType": "FARGATE", "networkConfiguration": NETWORK}
conflict = refused("ConflictException", ecs.run_task, clientToken="one", **plain)
assert conflict["resourceIds"] == arn, conflict
refused("InvalidParameterException", ecs.run_task, **{**plain, "launchType": "EC2"})
refused("InvalidParameterException", ecs.run_task, **{**plain, "count": 11})
refused("PlatformUnknownException", ecs.run_task, **{**plain, "platformVersion": "9.9.9"})
refused("ClientException", ecs.run_task, **{**plain, "taskDefinition": "none"})
missing = ecs.start_task(taskDefinition="app", containerInstances=["abc"], networkConfiguration=PRIVATE)
assert (missing["tasks"], missing["failures"][0]["reason"]) == ([], "MISSING"), missing

# A managed volume that outlives its task.
ecs.register_task_definition(
    family="disk",
    requiresCompatibilities=["FARGATE"],
    networkMode="awsvpc",
    cpu="256",
    memory="512",
    volumes=[{"name": "data", "configuredAtLaunch": True}],
    containerDefinitions=[
        {"name": "app", "image": "app:1", "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]}
    ],
)
volume = {"roleArn": ROLE, "sizeInGiB": 20, "terminationPolicy": {"deleteOnTermination": False}}
disk = run(taskDefinition="disk", volumeConfigurations=[{"name": "data", "managedEBSVolume": volume}])
ecs.get_waiter("tasks_running").wait(tasks=disk, WaiterConfig=SOON)
kinds = {one["type"]: one["status"] for one in described(*disk)[0]["attachments"]}
assert kinds == {"ElasticNetworkInterface": "ATTACHED", "AmazonElasticBlockStorage": "ATTACHED"}, kinds

# Spot, interrupted by hand.
spot = run(capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 1}])
ecs.get_waiter("tasks_running").wait(tasks=spot, WaiterConfig=SOON)
world("interrupt", task=spot[0])
ecs.get_waiter("tasks_stopped").wait(tasks=spot, WaiterConfig=SOON)
task = described(*spot)[0]
assert (task["stopCode"], task["stoppedReason"]) == ("SpotInterruption", "Your Spot Task was interrupted."), task

# Protection against scaling in; retirement of a service's tasks.
ecs.create_service(
    serviceName="web", taskDefinition="app", desiredCount=2, launchType="FARGATE", networkConfiguration=NETWORK
)
ecs.get_waiter("services_stable").wait(services=["web"], WaiterConfig=SOON)
serving = ecs.list_tasks(serviceName="web")["taskArns"]
answer = ecs.update_task_protection(cluster="default", tasks=[serving[1], disk[0]], protectionEnabled=True)
assert [one["taskArn"] for one in answer["protectedTasks"]] == [serving[1]], answer
assert [one["reason"] for one in answer["failures"]] == ["TASK_NOT_VALID"], answer
ecs.update_service(service="web", desiredCount=1)
until("one is left", lambda: ecs.list_tasks(serviceName="web")["taskArns"] == [serving[1]])
shown = ecs.get_task_protection(cluster="default", tasks=[serving[1]])["protectedTasks"][0]
assert shown["protectionEnabled"] and shown["expirationDate"], shown
ecs.update_task_protection(cluster="default", tasks=[serving[1]], protectionEnabled=False)
notice = world("retire", service="default/web", wait=1)
assert notice["affectedEntities"][0]["entityValue"] == "default|web", notice
world("advance", seconds=86400)
until("the retired one is gone", lambda: described(serving[1])[0]["desiredStatus"] == "STOPPED")
task = described(serving[1])[0]
assert task["stoppedReason"].startswith("ECS is performing maintenance on the underlying infrastructure"), task
for page in ("interrupt", "retire"):
    try:
        world(page, task="none")
    except urllib.error.HTTPError as answer:
        assert answer.code == 400, answer
    else:
        raise AssertionError("there is no such task")
print("all as boto3 expects")
