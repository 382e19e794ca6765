//! The order in which members are written: what a thing is called first, then what it is, then what it does.
//! Must not know: kinds.

use crate::shape::{Map, Name, Tree};

/// Members that stand before all others, in this order; the rest follows by name.
const FIRST: &[&str] = &[
    "apiVersion",
    "kind",
    "metadata",
    "reconcile",
    "spec",
    "name",
    "key",
    "type",
    "cluster",
    "family",
    "serviceName",
    "clusterName",
    "containerName",
    "capacityProvider",
    "taskDefinition",
    "desiredCount",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "schedulingStrategy",
    "deploymentController",
    "deploymentConfiguration",
    "healthCheckGracePeriodSeconds",
    "networkConfiguration",
    "loadBalancers",
    "requiresCompatibilities",
    "networkMode",
    "runtimePlatform",
    "cpu",
    "memory",
    "memoryReservation",
    "executionRoleArn",
    "taskRoleArn",
    "image",
    "containerDefinitions",
    "essential",
    "portMappings",
    "containerPort",
    "hostPort",
    "protocol",
    "entryPoint",
    "command",
    "environment",
    "environmentFiles",
    "secrets",
    "healthCheck",
    "logConfiguration",
    "logDriver",
    "strategy",
    "maximumPercent",
    "minimumHealthyPercent",
    "subnets",
    "securityGroups",
    "assignPublicIp",
    "enable",
];

/// Members that stand behind all others.
const LAST: &[&str] = &["tags"];

fn rank(name: &str) -> usize {
    let at = |list: &[&str]| list.iter().position(|one| *one == name);
    at(FIRST).or_else(|| at(LAST).map(|at| FIRST.len() + 1 + at)).unwrap_or(FIRST.len())
}

/// The members of a map in the order in which they are written.
pub fn members(map: &Map) -> Vec<(&Name, &Tree)> {
    let mut members: Vec<(&Name, &Tree)> = map.iter().collect();
    members.sort_by_key(|(name, _)| (rank(name), name.as_str()));
    members
}
