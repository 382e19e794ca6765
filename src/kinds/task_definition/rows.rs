//! What makes two task definitions equal (docs/ecs.md §4.4; what ECS fills in and which order it does not keep).

use crate::kinds::normalise::{Row, derived, int, owned, set, spelling, text};
use crate::kinds::normalise::{bool, present};
use crate::shape::Tree;

pub const ROWS: &[Row] = &[
    owned("taskDefinitionArn"),
    owned("revision"),
    owned("status"),
    owned("requiresAttributes"),
    owned("compatibilities"),
    owned("registeredAt"),
    owned("registeredBy"),
    owned("deregisteredAt"),
    owned("deleteRequestedAt"),
    spelling("cpu", cpu_units),
    spelling("memory", mebibytes),
    text("networkMode", "bridge"),
    bool("enableFaultInjection", false),
    int("containerDefinitions[].cpu", 0),
    bool("containerDefinitions[].essential", true),
    text("containerDefinitions[].versionConsistency", "enabled"),
    text("containerDefinitions[].portMappings[].protocol", "tcp"),
    derived("containerDefinitions[].portMappings[].hostPort", host_port),
    int("containerDefinitions[].healthCheck.interval", 30),
    int("containerDefinitions[].healthCheck.timeout", 5),
    int("containerDefinitions[].healthCheck.retries", 3),
    int("containerDefinitions[].restartPolicy.restartAttemptPeriod", 300),
    bool("containerDefinitions[].mountPoints[].readOnly", false),
    bool("containerDefinitions[].volumesFrom[].readOnly", false),
    text("volumes[].efsVolumeConfiguration.rootDirectory", "/"),
    text("volumes[].efsVolumeConfiguration.transitEncryption", "DISABLED"),
    present("volumes[].efsVolumeConfiguration.authorizationConfig"),
    text("volumes[].efsVolumeConfiguration.authorizationConfig.iam", "DISABLED"),
    bool("volumes[].configuredAtLaunch", false),
    present("runtimePlatform"),
    text("runtimePlatform.cpuArchitecture", "X86_64"),
    text("runtimePlatform.operatingSystemFamily", "LINUX"),
    set("containerDefinitions", &["name"]),
    set("containerDefinitions[].environment", &["name"]),
    set("containerDefinitions[].environmentFiles", &["value"]),
    set("containerDefinitions[].secrets", &["name"]),
    set("containerDefinitions[].portMappings", &["containerPort", "containerPortRange", "protocol"]),
    set("containerDefinitions[].mountPoints", &["containerPath"]),
    set("containerDefinitions[].volumesFrom", &["sourceContainer"]),
    set("containerDefinitions[].ulimits", &["name"]),
    set("containerDefinitions[].systemControls", &["namespace"]),
    set("containerDefinitions[].resourceRequirements", &["type", "value"]),
    set("containerDefinitions[].dependsOn", &["containerName", "condition"]),
    set("containerDefinitions[].links", &[]),
    set("containerDefinitions[].extraHosts", &["hostname", "ipAddress"]),
    set("containerDefinitions[].dockerSecurityOptions", &[]),
    set("containerDefinitions[].credentialSpecs", &[]),
    set("containerDefinitions[].logConfiguration.secretOptions", &["name"]),
    set("containerDefinitions[].linuxParameters.devices", &["hostPath"]),
    set("containerDefinitions[].linuxParameters.tmpfs", &["containerPath"]),
    set("containerDefinitions[].linuxParameters.capabilities.add", &[]),
    set("containerDefinitions[].linuxParameters.capabilities.drop", &[]),
    set("volumes", &["name"]),
    set("placementConstraints", &["type", "expression"]),
    set("requiresCompatibilities", &[]),
    set("inferenceAccelerators", &["deviceName"]),
    set("proxyConfiguration.properties", &["name"]),
];

/// Absent, a host port is the container's under awsvpc and host, and 0 (chosen by ECS) under bridge.
fn host_port(whole: &Tree, mapping: &Tree) -> Option<Tree> {
    if mapping.get("containerPortRange").is_some() {
        return None;
    }
    match whole.text("networkMode") {
        Some("awsvpc" | "host") => mapping.get("containerPort").cloned(),
        _ => Some(Tree::Int(0)),
    }
}

/// `1 vCPU`, `.25 vcpu` and `1024` as CPU units.
fn cpu_units(tree: &Tree) -> Option<Tree> {
    with_unit(tree.as_text()?, "vcpu", 1024.0)
}

/// `2 GB` and `2048` as MiB.
fn mebibytes(tree: &Tree) -> Option<Tree> {
    with_unit(tree.as_text()?, "gb", 1024.0)
}

fn with_unit(text: &str, unit: &str, factor: f64) -> Option<Tree> {
    let folded = text.trim().to_lowercase();
    let number: f64 = folded.strip_suffix(unit)?.trim_end().parse().ok()?;
    let units = number * factor;
    (units.is_finite() && units >= 0.0 && units.fract() == 0.0).then(|| format!("{units:.0}").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::task_definition::DEFINITION;
    use crate::tree;

    #[test]
    fn what_ecs_fills_in_is_no_difference() {
        let desired = tree! {
            "family" => "web", "networkMode" => "awsvpc", "cpu" => ".25 vCPU", "memory" => "0.5 GB",
            "requiresCompatibilities" => vec!["FARGATE"],
            "containerDefinitions" => vec![tree! {
                "name" => "web", "image" => "nginx",
                "portMappings" => vec![tree! { "containerPort" => 80 }],
                "environment" => vec![tree! { "name" => "B", "value" => "" }, tree! { "name" => "A", "value" => "1" }],
                "healthCheck" => tree! { "command" => vec!["CMD", "true"] },
            }],
        };
        let shown = tree! {
            "family" => "web", "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512", "revision" => 3,
            "requiresCompatibilities" => vec!["FARGATE"], "compatibilities" => vec!["EC2", "FARGATE"],
            "status" => "ACTIVE", "volumes" => Tree::List(vec![]), "placementConstraints" => Tree::List(vec![]),
            "containerDefinitions" => vec![tree! {
                "name" => "web", "image" => "nginx", "cpu" => 0, "essential" => true,
                "portMappings" => vec![tree! { "containerPort" => 80, "hostPort" => 80, "protocol" => "tcp" }],
                "environment" => vec![tree! { "name" => "A", "value" => "1" }, tree! { "name" => "B", "value" => "" }],
                "healthCheck" => tree! { "command" => vec!["CMD", "true"], "interval" => 30, "timeout" => 5, "retries" => 3 },
                "mountPoints" => Tree::List(vec![]), "volumesFrom" => Tree::List(vec![]),
                "systemControls" => Tree::List(vec![]),
            }],
        };
        assert_eq!(DEFINITION.differences(&desired, &shown), []);
    }

    #[test]
    fn an_empty_environment_variable_is_not_an_absent_one() {
        let with = |value: &str| {
            tree! { "containerDefinitions" => vec![
                tree! { "name" => "a", "environment" => vec![tree! { "name" => "A", "value" => value }] },
            ] }
        };
        let found = DEFINITION.differences(&with(""), &with("x"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path.to_string(), "containerDefinitions.a.environment.A.value");
    }

    #[test]
    fn a_file_system_without_authorization_is_one_with_iam_disabled() {
        let with = |efs: Tree| {
            tree! { "volumes" => vec![tree! { "name" => "a", "efsVolumeConfiguration" => efs.with("fileSystemId", "fs-1") }] }
        };
        let disabled = tree! { "authorizationConfig" => tree! { "iam" => "DISABLED" } };
        assert_eq!(DEFINITION.differences(&with(Tree::map()), &with(disabled)), []);
    }

    #[test]
    fn units_are_one() {
        for (given, units) in [("1 vCPU", Some("1024")), (".5vcpu", Some("512")), ("256", None), ("x vCPU", None)] {
            assert_eq!(cpu_units(&given.into()), units.map(Tree::from), "{given}");
        }
    }
}
