//! Log drivers and their options (docs/ecs.md §4.3). Options may hold tokens: no message repeats a value.

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Launch, TaskDefinition};
use crate::shape::near::nearest;
use crate::shape::{Path, Tree};

use super::row;

/// What awslogs can't do without.
const REQUIRED: &[&str] = &["awslogs-group", "awslogs-region"];
/// What awslogs is known to take.
const KNOWN: &[&str] = &[
    "awslogs-create-group",
    "awslogs-datetime-format",
    "awslogs-group",
    "awslogs-multiline-pattern",
    "awslogs-region",
    "awslogs-stream-prefix",
    "max-buffer-size",
    "mode",
];

pub const RULES: &[Rule] = &[
    row!(
        "awslogs-options",
        Error,
        Look::TaskDefinition(required),
        "awslogs is told where to write: awslogs-group and awslogs-region (ECS: Log driver awslogs requires options)."
    ),
    row!(
        "awslogs-unknown-option",
        Warning,
        Look::TaskDefinition(unknown),
        "ECS lets only certain options through to awslogs, and refuses others (ECS: Log driver awslogs disallows \
         options)."
    ),
    row!(
        "awslogs-stream-prefix",
        Error,
        Look::TaskDefinition(prefix),
        "On Fargate awslogs needs awslogs-stream-prefix, from which the streams have their names (ECS: Fargate \
         requires log configuration options to include awslogs-stream-prefix)."
    ),
    row!(
        "firelens-missing",
        Error,
        Look::TaskDefinition(firelens),
        "awsfirelens hands logs to a container of the task that has a firelensConfiguration (ECS: When awsfirelens log \
         driver is specified, a firelens configuration object must be specified)."
    ),
    row!(
        "fargate-firelens-file",
        Warning,
        Look::TaskDefinition(firelens_file),
        "On Fargate a log router reads its configuration from a file of its image, not from S3: ECS registers such a \
         definition, and has no platform for its tasks (ECS: FireLens)."
    ),
];

fn firelens_file(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers().filter(|_| definition.runs_on(Launch::Fargate)) {
        let kind = container.at(&["firelensConfiguration", "options", "config-file-type"]).and_then(Tree::as_text);
        if kind == Some("s3") {
            let at = at.name("firelensConfiguration").name("options").name("config-file-type");
            report.value(
                at,
                "a configuration from S3 is not available on FARGATE",
                "use file, and put it in the image",
            );
        }
    }
}

fn each_awslogs<'a>(definition: &TaskDefinition<'a>) -> impl Iterator<Item = (Path, &'a Tree)> + use<'a> {
    let member = "logConfiguration";
    let logs = definition.containers().filter_map(move |(at, one)| Some((at.name(member), one.get(member)?)));
    logs.filter(|(_, log)| log.text("logDriver") == Some("awslogs"))
}

/// Whether an option is there, in plain text or as a secret.
fn gives(log: &Tree, option: &str) -> bool {
    let secret = |one: &Tree| one.text("name") == Some(option);
    log.at(&["options", option]).is_some() || log.list("secretOptions").iter().any(secret)
}

fn required(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, log) in each_awslogs(definition) {
        let missing: Vec<&str> = REQUIRED.iter().copied().filter(|name| !gives(log, name)).collect();
        if !missing.is_empty() {
            let at = if log.get("options").is_some() { at.name("options") } else { at };
            report.key(at, format!("awslogs lacks {}", missing.join(" and ")), "add it under options");
        }
    }
}

fn unknown(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, log) in each_awslogs(definition) {
        for name in log.get("options").and_then(Tree::as_map).into_iter().flat_map(|options| options.keys()) {
            if report.is_full() {
                return;
            }
            if !KNOWN.contains(&name.as_str()) {
                let near = nearest(name, KNOWN.iter().copied()).map(|near| format!("did you mean {near}?"));
                let remedy = near.unwrap_or_else(|| "remove it".to_owned());
                report.key(at.name("options").name(name), format!("awslogs is not known to take {name}"), remedy);
            }
        }
    }
}

fn prefix(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, log) in each_awslogs(definition).filter(|_| definition.runs_on(Launch::Fargate)) {
        if !gives(log, "awslogs-stream-prefix") {
            let at = if log.get("options").is_some() { at.name("options") } else { at };
            report.key(at, "awslogs lacks awslogs-stream-prefix, which FARGATE needs", "add it under options");
        }
    }
}

fn firelens(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    if definition.containers().any(|(_, container)| container.get("firelensConfiguration").is_some()) {
        return;
    }
    for (at, container) in definition.containers() {
        if container.at(&["logConfiguration", "logDriver"]).and_then(Tree::as_text) == Some("awsfirelens") {
            let remedy = "add a log router: a container with firelensConfiguration";
            let at = at.name("logConfiguration").name("logDriver");
            report.value(at, "awsfirelens, and no container has a firelensConfiguration", remedy);
        }
    }
}
