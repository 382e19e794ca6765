//! What ECS computes from a definition: where it can run, and what an instance must be able to do (docs/ecs.md §4.4).

use std::collections::BTreeSet;

use crate::shape::Tree;
use crate::tree;

use super::images::is_private_ecr;
use super::rules::{Draft, first_failure};

/// The launch types the definition could run on, required or not.
pub fn compatibilities(draft: &Draft) -> Vec<String> {
    let fits = |draft: &Draft| first_failure(draft).is_none();
    let mut found = BTreeSet::from(["EC2".to_owned()]);
    // A definition is seen as a launch type would see it, without what it says it requires.
    let mut free = draft.input.clone();
    free.remove("requiresCompatibilities");
    let seen = Draft { input: &free, fargate: false, external: false, ..*draft };
    if fits(&Draft { fargate: true, ..seen }) {
        found.insert("FARGATE".to_owned());
    }
    if fits(&Draft { external: true, ..seen }) {
        found.insert("EXTERNAL".to_owned());
    }
    found.extend(draft.input.list("requiresCompatibilities").iter().filter_map(Tree::as_text).map(str::to_owned));
    // ECS shows EXTERNAL before EC2.
    let mut found: Vec<String> = found.into_iter().collect();
    found.sort_by_key(|name| name != "EXTERNAL");
    found
}

/// A capability that instances offer, and whether a definition needs it.
type Row = (&'static str, fn(&Draft) -> bool);

const OFFICIAL: &str = "com.amazonaws.ecs.capability.";

/// Capabilities by what needs them. Weak: which Docker API each member needs is from memory.
const ROWS: &[Row] = &[
    ("com.amazonaws.ecs.capability.docker-remote-api.1.18", |_| true),
    ("com.amazonaws.ecs.capability.docker-remote-api.1.19", |draft| logs_to(draft, "awslogs") || from_ecr(draft)),
    ("com.amazonaws.ecs.capability.docker-remote-api.1.21", |draft| any(draft, &["memoryReservation"])),
    ("com.amazonaws.ecs.capability.docker-remote-api.1.24", |draft| checked(draft, false)),
    ("com.amazonaws.ecs.capability.docker-remote-api.1.25", |draft| {
        any(draft, &["linuxParameters", "initProcessEnabled"])
    }),
    ("com.amazonaws.ecs.capability.docker-remote-api.1.29", |draft| checked(draft, true)),
    ("com.amazonaws.ecs.capability.ecr-auth", from_ecr),
    ("com.amazonaws.ecs.capability.privileged-container", |draft| {
        draft.containers().iter().any(|container| container.bool("privileged") == Some(true))
    }),
    ("com.amazonaws.ecs.capability.task-iam-role", |draft| task_role(draft) && draft.network_mode() != "host"),
    ("com.amazonaws.ecs.capability.task-iam-role-network-host", |draft| {
        task_role(draft) && draft.network_mode() == "host"
    }),
    ("ecs.capability.aws-appmesh", |draft| draft.input.get("proxyConfiguration").is_some()),
    ("ecs.capability.container-health-check", |draft| any(draft, &["healthCheck"])),
    ("ecs.capability.container-ordering", |draft| any(draft, &["dependsOn"])),
    ("ecs.capability.docker-plugin.local", |draft| volume(draft, &["dockerVolumeConfiguration"])),
    ("ecs.capability.efs", |draft| volume(draft, &["efsVolumeConfiguration"])),
    ("ecs.capability.efsAuth", |draft| volume(draft, &["efsVolumeConfiguration", "authorizationConfig"])),
    ("ecs.capability.env-files.s3", |draft| any(draft, &["environmentFiles"])),
    ("ecs.capability.execution-role-awslogs", |draft| draft.has_execution_role() && logs_to(draft, "awslogs")),
    ("ecs.capability.execution-role-ecr-pull", |draft| draft.has_execution_role() && from_ecr(draft)),
    ("ecs.capability.firelens.fluentbit", |draft| router(draft, "fluentbit")),
    ("ecs.capability.firelens.fluentd", |draft| router(draft, "fluentd")),
    ("ecs.capability.pid-ipc-namespace-sharing", |draft| {
        draft.input.get("pidMode").is_some() || draft.input.get("ipcMode").is_some()
    }),
    ("ecs.capability.private-registry-authentication.secretsmanager", |draft| any(draft, &["repositoryCredentials"])),
    ("ecs.capability.secrets.asm.environment-variables", |draft| secret(draft, true)),
    ("ecs.capability.secrets.ssm.environment-variables", |draft| secret(draft, false)),
    ("ecs.capability.task-eni", |draft| draft.network_mode() == "awsvpc"),
];

/// Whether a container has something at that place.
fn any(draft: &Draft, place: &[&str]) -> bool {
    draft.containers().iter().any(|container| container.at(place).is_some_and(|value| !value.is_empty()))
}

/// Whether a container has a health check, with a start period or without; recordings show the one Docker API or the other.
fn checked(draft: &Draft, with_start: bool) -> bool {
    let checks = draft.containers().iter().filter_map(|container| container.get("healthCheck"));
    checks.into_iter().any(|check| check.get("startPeriod").is_some() == with_start)
}

fn volume(draft: &Draft, place: &[&str]) -> bool {
    draft.input.list("volumes").iter().any(|volume| volume.at(place).is_some())
}

fn task_role(draft: &Draft) -> bool {
    draft.input.text("taskRoleArn").is_some_and(|role| !role.is_empty())
}

fn from_ecr(draft: &Draft) -> bool {
    draft.containers().iter().any(|container| container.text("image").is_some_and(is_private_ecr))
}

fn log_driver(container: &Tree) -> Option<&str> {
    container.at(&["logConfiguration", "logDriver"])?.as_text()
}

fn logs_to(draft: &Draft, driver: &str) -> bool {
    draft.containers().iter().any(|container| log_driver(container) == Some(driver))
}

fn router(draft: &Draft, kind: &str) -> bool {
    let is = |container: &Tree| container.at(&["firelensConfiguration", "type"]).and_then(Tree::as_text) == Some(kind);
    draft.containers().iter().any(is)
}

/// Secrets Manager's ARNs say so; everything else is a parameter of Systems Manager.
fn secret(draft: &Draft, manager: bool) -> bool {
    let secrets = draft.containers().iter().flat_map(|container| container.list("secrets"));
    let mut sources = secrets.filter_map(|secret| secret.text("valueFrom"));
    sources.any(|source| source.contains(":secretsmanager:") == manager)
}

/// `requiresAttributes`, in the order of their names; ECS gives them in any.
pub fn required(draft: &Draft) -> Vec<Tree> {
    let mut names: BTreeSet<String> =
        ROWS.iter().filter(|(_, needs)| needs(draft)).map(|(name, _)| (*name).to_owned()).collect();
    let drivers = draft.containers().iter().filter_map(log_driver);
    names.extend(drivers.map(|driver| format!("{OFFICIAL}logging-driver.{driver}")));
    names.into_iter().map(|name| tree! { "name" => name }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::json;

    fn read(text: &str) -> Tree {
        json::read(text.as_bytes()).unwrap()
    }

    fn compatible(text: &str) -> String {
        compatibilities(&Draft::new(&read(text), "us-east-1")).join(",")
    }

    #[test]
    fn sees_where_a_definition_can_run() {
        let container = r#""family":"a","containerDefinitions":[{"name":"c","image":"i","memory":64}]"#;
        for (rest, expected) in [
            ("", "EXTERNAL,EC2"),
            (r#","networkMode":"awsvpc""#, "EC2"),
            (r#","networkMode":"awsvpc","cpu":"256","memory":"512""#, "EC2,FARGATE"),
            (r#","networkMode":"awsvpc","cpu":"256","memory":"513""#, "EC2"),
            (r#","requiresCompatibilities":["EC2"]"#, "EXTERNAL,EC2"),
            (r#","requiresCompatibilities":["MANAGED_INSTANCES"]"#, "EXTERNAL,EC2,MANAGED_INSTANCES"),
        ] {
            assert_eq!(compatible(&format!("{{{container}{rest}}}")), expected, "{rest}");
        }
    }

    #[test]
    fn needs_what_the_definition_uses() {
        let definition = read(
            r#"{"family":"a","networkMode":"awsvpc","executionRoleArn":"r","taskRoleArn":"t","containerDefinitions":[
            {"name":"c","image":"123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1","healthCheck":{"command":["x"]},
            "logConfiguration":{"logDriver":"awslogs"},"secrets":[
            {"name":"A","valueFrom":"arn:aws:secretsmanager:us-east-1:1:secret:a"},{"name":"B","valueFrom":"/b"}]}]}"#,
        );
        let attributes = required(&Draft::new(&definition, "us-east-1"));
        let names: Vec<&str> = attributes.iter().filter_map(|one| one.text("name")).collect();
        assert_eq!(
            names,
            [
                "com.amazonaws.ecs.capability.docker-remote-api.1.18",
                "com.amazonaws.ecs.capability.docker-remote-api.1.19",
                "com.amazonaws.ecs.capability.docker-remote-api.1.24",
                "com.amazonaws.ecs.capability.ecr-auth",
                "com.amazonaws.ecs.capability.logging-driver.awslogs",
                "com.amazonaws.ecs.capability.task-iam-role",
                "ecs.capability.container-health-check",
                "ecs.capability.execution-role-awslogs",
                "ecs.capability.execution-role-ecr-pull",
                "ecs.capability.secrets.asm.environment-variables",
                "ecs.capability.secrets.ssm.environment-variables",
                "ecs.capability.task-eni",
            ]
        );
    }
}
