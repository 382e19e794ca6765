"""Every paginator and every waiter that botocore has for ECS, used once. Argument: the endpoint.

Those of operations that the embedded ECS lacks must meet an error that says so.
"""

import botocore.session
from botocore.exceptions import ClientError, WaiterError

from client import client

ecs = client()
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}
QUICK = {"Delay": 1, "MaxAttempts": 60}
LACKING = "The embedded ECS does not have "


def furnish():
    ecs.create_cluster(clusterName="one", serviceConnectDefaults={"namespace": "shop"})
    ecs.create_cluster(clusterName="two")
    for family in ["a", "b"]:
        ecs.register_task_definition(
            family=family,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            containerDefinitions=[
                {"name": "app", "image": "app:1", "portMappings": [{"name": "http", "containerPort": 80}]}
            ],
        )
    for name in ["s", "t"]:
        ecs.create_service(
            cluster="one",
            serviceName=name,
            taskDefinition="a",
            desiredCount=1,
            launchType="FARGATE",
            networkConfiguration=NETWORK,
            serviceConnectConfiguration={"enabled": True},
        )
    for name in ["awsvpcTrunking", "containerInsights"]:
        ecs.put_account_setting(name=name, value="enabled")
    ecs.get_waiter("services_stable").wait(cluster="one", services=["s", "t"], WaiterConfig=QUICK)


# Arguments, the member that is listed, and how many there must be at least. Two a page where the page's size can be said.
PAGINATORS = {
    "ListAccountSettings": ({}, "settings", 2),
    "ListAttributes": ({"cluster": "one", "targetType": "container-instance"}, "attributes", 0),
    "ListClusters": ({}, "clusterArns", 2),
    "ListContainerInstances": ({"cluster": "one"}, "containerInstanceArns", 0),
    "ListGatewayClusterAssociations": ({"cluster": "one"}, "gatewayClusterAssociations", 0),
    "ListGatewayRoutes": ({}, "gatewayRoutes", 0),
    "ListGateways": ({}, "gateways", 0),
    "ListServices": ({"cluster": "one"}, "serviceArns", 2),
    "ListServicesByNamespace": ({"namespace": "shop"}, "serviceArns", 2),
    "ListTaskDefinitionFamilies": ({}, "families", 2),
    "ListTaskDefinitions": ({}, "taskDefinitionArns", 2),
    "ListTasks": ({"cluster": "one"}, "taskArns", 2),
}


def paginator(operation):
    arguments, member, least = PAGINATORS[operation]
    method = next(name for name, it in ecs.meta.method_to_api_mapping.items() if it == operation)
    shape = ecs.meta.service_model.operation_model(operation).input_shape
    given = {name: arguments.get(name, "x") for name in {*arguments, *shape.required_members}}
    pages = list(ecs.get_paginator(method).paginate(**given, PaginationConfig={"PageSize": 1}))
    items = [item for page in pages for item in page[member]]
    assert len(items) >= least and len(pages) >= least, (operation, pages)


def task():
    return ecs.list_tasks(cluster="one", serviceName="s")["taskArns"][0]


# What brings the waiter its success, and what it is asked.
WAITERS = {
    "ServicesStable": lambda: {"cluster": "one", "services": ["s", "t"]},
    "TasksRunning": lambda: {"cluster": "one", "tasks": ecs.list_tasks(cluster="one")["taskArns"]},
    "TasksStopped": lambda: {"cluster": "one", "tasks": [stopped()]},
    "ServicesInactive": lambda: {"cluster": "one", "services": [deleted()]},
    "DaemonActive": lambda: {"daemonArn": "x"},
    "DaemonDeploymentStopped": lambda: {"daemonDeploymentArns": ["x"]},
    "DaemonDeploymentSuccessful": lambda: {"daemonDeploymentArns": ["x"]},
    "DaemonTaskDefinitionActive": lambda: {"daemonTaskDefinition": "x"},
    "DaemonTaskDefinitionDeleted": lambda: {"daemonTaskDefinition": "x"},
}


def stopped():
    one = task()
    ecs.stop_task(cluster="one", task=one)
    return one


def deleted():
    ecs.delete_service(cluster="one", service="t", force=True)
    return "t"


def waiter(name):
    method = next(it for it in ecs.waiter_names if it.replace("_", "") == name.lower())
    ecs.get_waiter(method).wait(**WAITERS[name](), WaiterConfig=QUICK)


def or_lacking(use, name, lacking):
    """Uses it; an operation that is lacking must say so, and counts as such."""
    try:
        use(name)
    except (ClientError, WaiterError) as answer:
        assert LACKING in str(answer), (name, answer)
        lacking.append(name)


furnish()
loader = botocore.session.get_session().get_component("data_loader")
known = loader.load_service_model("ecs", "paginators-1")["pagination"]
waiters = loader.load_service_model("ecs", "waiters-2")["waiters"]
unknown = sorted({*known} - {*PAGINATORS} | {*waiters} - {*WAITERS})
assert not unknown, f"botocore has more: {unknown}"
lacking = []
for name in sorted(known):
    or_lacking(paginator, name, lacking)
for name in [name for name in WAITERS if name in waiters]:
    or_lacking(waiter, name, lacking)
unexpected = [name for name in lacking if "Daemon" not in name and "Gateway" not in name]
assert not unexpected, unexpected
print("all paginators and waiters were used")
