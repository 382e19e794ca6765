//! What ECS does in the task's name before it starts, for which it needs the execution role (docs/ecs.md §4.2, §4.3).

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Launch, TaskDefinition, has};
use crate::shape::{Path, Tree};

use super::images::is_private_ecr;
use super::row;

pub const RULES: &[Rule] = &[
    row!(
        "secrets-role",
        Error,
        Look::TaskDefinition(secrets),
        "Secrets are read before the task starts, by its execution role (ECS: When you are specifying container \
         secrets, you must also specify a value for 'executionRoleArn')."
    ),
    row!(
        "registry-role",
        Error,
        Look::TaskDefinition(registry),
        "The password of a private registry is read by the execution role (ECS: private registry authentication)."
    ),
    row!(
        "fargate-ecr-role",
        Error,
        Look::TaskDefinition(ecr),
        "On Fargate no instance lends its role: images from a private ECR repository are pulled by the execution role \
         (ECS: Fargate requires task definition to have execution role ARN to support ECR images)."
    ),
    row!(
        "fargate-logs-role",
        Error,
        Look::TaskDefinition(logs),
        "On Fargate no instance lends its role: logs are written to CloudWatch by the execution role (ECS: Fargate \
         requires task definition to have execution role ARN to support log driver awslogs)."
    ),
    row!(
        "environment-file-role",
        Warning,
        Look::TaskDefinition(files),
        "Environment files are read from S3 by the execution role (ECS: task definition parameters)."
    ),
];

const REMEDY: &str = "add executionRoleArn";

/// Says it at each container that needs the role, where there is none.
fn needs(
    definition: &TaskDefinition<'_>,
    report: &mut Report<'_>,
    what: &str,
    place: impl Fn(&Path, &Tree) -> Option<Path>,
) {
    for (at, container) in definition.containers().filter(|_| !definition.has_execution_role()) {
        if let Some(place) = place(&at, container) {
            report.key(place, format!("{what}, and there is no execution role to do it"), REMEDY);
        }
    }
}

fn secrets(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    needs(definition, report, "secrets have to be read", |at, container| {
        let of_logs = container.get("logConfiguration").is_some_and(|log| has(log, "secretOptions"));
        match has(container, "secrets") {
            true => Some(at.name("secrets")),
            false => of_logs.then(|| at.name("logConfiguration").name("secretOptions")),
        }
    });
}

fn registry(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    needs(definition, report, "the registry's password has to be read", |at, container| {
        has(container, "repositoryCredentials").then(|| at.name("repositoryCredentials"))
    });
}

fn ecr(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    if definition.runs_on(Launch::Fargate) {
        needs(definition, report, "the image has to be pulled from ECR", |at, container| {
            container.text("image").is_some_and(is_private_ecr).then(|| at.name("image"))
        });
    }
}

fn logs(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    if definition.runs_on(Launch::Fargate) {
        needs(definition, report, "logs have to be written to CloudWatch", |at, container| {
            let driver = container.at(&["logConfiguration", "logDriver"]).and_then(Tree::as_text);
            (driver == Some("awslogs")).then(|| at.name("logConfiguration"))
        });
    }
}

fn files(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    needs(definition, report, "environment files have to be read from S3", |at, container| {
        has(container, "environmentFiles").then(|| at.name("environmentFiles"))
    });
}
