"""boto3 against the embedded ECS: paginators, waiters, and errors by their own classes. Argument: the endpoint."""

from botocore.exceptions import ClientError, WaiterError

from client import PATIENT, client

ecs = client(config=PATIENT)
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}


def pages(operation, member, **arguments):
    """All of a paginator's items, and how many pages they came in."""
    answers = list(ecs.get_paginator(operation).paginate(**arguments))
    return [item for answer in answers for item in answer[member]], len(answers)


def refused(error, call, **arguments):
    """The call is answered with that error, as a class of the client's own or as a code."""
    try:
        call(**arguments)
    except ClientError as answer:
        assert answer.response["Error"]["Code"] == error, answer
        assert answer.response["Error"]["Message"], answer
        modelled = getattr(ecs.exceptions, error, None)
        assert modelled is None or isinstance(answer, modelled), answer
        return
    raise AssertionError(f"{error} did not come")


identity = client("sts").get_caller_identity()
assert identity["Account"] == "123456789012", identity

ecs.create_cluster(clusterName="many")
for number in range(3):
    for _ in range(4):
        ecs.register_task_definition(
            family=f"family-{number}",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            containerDefinitions=[{"name": "app", "image": "app:1"}],
        )
found, count = pages("list_task_definitions", "taskDefinitionArns", PaginationConfig={"PageSize": 5})
assert (len(found), len(set(found)), count) == (12, 12, 3), (found, count)
found, _ = pages("list_task_definitions", "taskDefinitionArns", familyPrefix="family-1", sort="DESC")
assert [arn.rsplit(":", 1)[1] for arn in found] == ["4", "3", "2", "1"], found
found, count = pages("list_task_definition_families", "families", PaginationConfig={"PageSize": 2})
assert (found, count) == (["family-0", "family-1", "family-2"], 2), (found, count)

names = [f"web-{number:02}" for number in range(23)]
for name in names:
    ecs.create_service(
        cluster="many",
        serviceName=name,
        taskDefinition="family-0",
        desiredCount=1,
        launchType="FARGATE",
        networkConfiguration=NETWORK,
    )
found, count = pages("list_services", "serviceArns", cluster="many")
assert (len(set(found)), count) == (23, 3), (found, count)
for at in range(0, 23, 10):
    ecs.get_waiter("services_stable").wait(
        cluster="many", services=names[at : at + 10], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
described = ecs.describe_services(cluster="many", services=names[:9] + ["none"])
assert [service["runningCount"] for service in described["services"]] == [1] * 9, described
assert [failure["reason"] for failure in described["failures"]] == ["MISSING"], described["failures"]
tasks, _ = pages("list_tasks", "taskArns", cluster="many")
assert len(tasks) == 23, tasks
ecs.get_waiter("tasks_running").wait(cluster="many", tasks=tasks[:20], WaiterConfig={"Delay": 1, "MaxAttempts": 60})

refused("ClusterNotFoundException", ecs.list_services, cluster="none")
refused("ServiceNotFoundException", ecs.update_service, cluster="many", service="none", desiredCount=1)
refused("ClientException", ecs.describe_task_definition, taskDefinition="none")
refused("InvalidParameterException", ecs.describe_services, cluster="many", services=names[:11])
refused("InvalidParameterException", ecs.delete_service, cluster="many", service="web-00")
refused("ClusterContainsServicesException", ecs.delete_cluster, cluster="many")
refused("InvalidParameterException", ecs.list_services, cluster="many", nextToken="made-up")

ecs.delete_service(cluster="many", service="web-00", force=True)
ecs.get_waiter("services_inactive").wait(
    cluster="many", services=["web-00"], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
)
try:
    ecs.get_waiter("services_stable").wait(
        cluster="many", services=["web-00"], WaiterConfig={"Delay": 1, "MaxAttempts": 2}
    )
except WaiterError as answer:
    assert "INACTIVE" in str(answer) or "terminal failure" in str(answer), answer
else:
    raise AssertionError("an inactive service is not stable")
print("all as boto3 expects")
