"""boto3 against the embedded ECS: every way to deploy besides rolling. Argument: the endpoint."""

import sys
import urllib.parse
import urllib.request

from botocore.exceptions import ClientError

from client import PATIENT, client

ENDPOINT = sys.argv[1]
ecs = client(config=PATIENT)
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:check"
ROLE = "arn:aws:iam::123456789012:role/hooks"


def world(page, **query):
    """Something that the world outside says, or that its clock does."""
    url = f"{ENDPOINT}/_sim/{page}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=30) as answer:
        assert answer.status == 200, answer.status


def refused(error, words, call, **arguments):
    """The call is answered with that error, as a class of the client's own, in those words."""
    try:
        call(**arguments)
    except ClientError as answer:
        assert answer.response["Error"]["Code"] == error, answer
        assert words in answer.response["Error"]["Message"], answer
        assert isinstance(answer, getattr(ecs.exceptions, error)), answer
        return
    raise AssertionError(f"{error} did not come")


def service(name):
    return ecs.describe_services(services=[name])["services"][0]


def deployment(name):
    """The newest service deployment."""
    newest = ecs.list_service_deployments(service=name)["serviceDeployments"][0]["serviceDeploymentArn"]
    return ecs.describe_service_deployments(serviceDeploymentArns=[newest])["serviceDeployments"][0]


def until(what, holds):
    """Lets the world's time pass until it holds, and returns what held."""
    for _ in range(600):
        held = holds()
        if held:
            return held
        world("advance", seconds=10)
    raise AssertionError(f"never: {what}")


def ended(name, status):
    found = until(f"{name} {status}", lambda: (lambda one: one.get("finishedAt") and one)(deployment(name)))
    assert found["status"] == status, found
    return found


def create(name, **more):
    return ecs.create_service(
        serviceName=name,
        taskDefinition="web",
        desiredCount=2,
        launchType="FARGATE",
        networkConfiguration=NETWORK,
        **more,
    )["service"]


ecs.create_cluster()
for _ in range(2):
    ecs.register_task_definition(
        family="web",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[
            {"name": "web", "image": "shop/web:1", "portMappings": [{"containerPort": 80, "name": "http"}]}
        ],
    )

# Task sets.
made = ecs.create_service(serviceName="sets", desiredCount=3, deploymentController={"type": "EXTERNAL"})["service"]
assert (made["taskSets"], made["deployments"]) == ([], []), made
of_sets = {"cluster": "default", "service": "sets"}
sets = [
    ecs.create_task_set(
        **of_sets,
        taskDefinition=f"web:{number}",
        launchType="FARGATE",
        networkConfiguration=NETWORK,
        scale={"value": 50, "unit": "PERCENT"},
        externalId=f"release-{number}",
    )["taskSet"]
    for number in (1, 2)
]
assert [one["computedDesiredCount"] for one in sets] == [2, 2], sets
until("stable", lambda: all(one["stabilityStatus"] == "STEADY_STATE" for one in service("sets")["taskSets"]))
primary = ecs.update_service_primary_task_set(**of_sets, primaryTaskSet=sets[1]["taskSetArn"])["taskSet"]
assert (primary["status"], service("sets")["taskDefinition"]) == ("PRIMARY", sets[1]["taskDefinition"])
ecs.update_task_set(**of_sets, taskSet=sets[1]["id"], scale={"value": 100, "unit": "PERCENT"})
refused("InvalidParameterException", "scaled above 0", ecs.delete_task_set, **of_sets, taskSet=sets[0]["id"])
refused("TaskSetNotFoundException", "not found", ecs.delete_task_set, **of_sets, taskSet="ecs-svc/1")
ecs.delete_task_set(**of_sets, taskSet=sets[0]["id"], force=True)
until("one set of three", lambda: [one["runningCount"] for one in service("sets")["taskSets"]] == [3])
described = ecs.describe_task_sets(**of_sets, taskSets=[sets[1]["id"], "ecs-svc/1"])
assert [one["externalId"] for one in described["taskSets"]] == ["release-2"], described
assert [one["reason"] for one in described["failures"]] == ["MISSING"], described
refused("InvalidParameterException", "EXTERNAL", ecs.update_service, service="sets", taskDefinition="web:1")

# Blue/green: a hook, a pause, a bake.
hooks = [
    {"hookTargetArn": LAMBDA, "roleArn": ROLE, "lifecycleStages": ["POST_SCALE_UP"]},
]
create("blue", deploymentConfiguration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5, "lifecycleHooks": hooks})
ended("blue", "SUCCESSFUL")
old = service("blue")["deployments"][0]["id"]
ecs.update_service(service="blue", forceNewDeployment=True)
stages, whole = [], True


def followed():
    one = deployment("blue")
    if one["lifecycleStage"] not in stages:
        stages.append(one["lifecycleStage"])
    if one["lifecycleStage"] != "CLEAN_UP":
        counts = {each["id"]: each["runningCount"] for each in service("blue")["deployments"]}
        assert counts[old] == 2, counts
    return one.get("finishedAt") and one


found = until("followed", followed)
assert found["status"] == "SUCCESSFUL", found
assert stages[0] == "RECONCILE_SERVICE" and stages[-2:] == ["BAKE_TIME", "CLEAN_UP"], stages
assert found["targetServiceRevision"]["requestedProductionTrafficWeight"] == 100.0, found
world("hook", target=LAMBDA, answer="FAILED")
ecs.update_service(service="blue", forceNewDeployment=True)
found = ended("blue", "ROLLBACK_SUCCESSFUL")
assert "lifecycle hook" in found["rollback"]["reason"], found
world("hook", target=LAMBDA, answer="SUCCEEDED")

ecs.update_service(service="blue", forceNewDeployment=True)
until("baking", lambda: deployment("blue")["lifecycleStage"] == "BAKE_TIME")
arn = deployment("blue")["serviceDeploymentArn"]
ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
refused("ConflictException", "can't be stopped", ecs.stop_service_deployment, serviceDeploymentArn=arn)
ended("blue", "ROLLBACK_SUCCESSFUL")

# Canary, with an alarm.
create(
    "canary",
    deploymentConfiguration={
        "strategy": "CANARY",
        "canaryConfiguration": {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": 30},
        "alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True},
    },
)
ended("canary", "SUCCESSFUL")
ecs.update_service(service="canary", forceNewDeployment=True)
until(
    "a small share",
    lambda: deployment("canary")["targetServiceRevision"]["requestedProductionTrafficWeight"] == 2.5,
)
world("alarm", name="errors", state="ALARM")
found = ended("canary", "ROLLBACK_SUCCESSFUL")
assert found["alarms"]["status"] == "TRIGGERED" and found["alarms"]["triggeredAlarmNames"] == ["errors"], found
refused(
    "InvalidParameterException",
    "bakeTimeInMinutes",
    ecs.update_service,
    service="canary",
    deploymentConfiguration={"strategy": "BLUE_GREEN"},
)

# Digests: held while the deployment lasts.


def digests(name):
    tasks = ecs.list_tasks(serviceName=name)["taskArns"]
    found = ecs.describe_tasks(tasks=tasks)["tasks"] if tasks else []
    return {one.get("imageDigest") for task in found for one in task["containers"] if task["lastStatus"] == "RUNNING"}


create("rolling")
ended("rolling", "SUCCESSFUL")
before = digests("rolling")
assert len(before) == 1, before
world("push", image="shop/web:1")
ecs.update_service(service="rolling", desiredCount=4)
until("four", lambda: service("rolling")["runningCount"] == 4)
assert digests("rolling") == before
ecs.update_service(service="rolling", forceNewDeployment=True)
ended("rolling", "SUCCESSFUL")
assert len(digests("rolling") | before) == 2
print("all as boto3 expects")
