//! Environment variables, secrets and environment files. Values may be secret: no message repeats one.

use std::collections::BTreeMap;

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{TaskDefinition, items};

use super::row;

const FILES_MAX: usize = 10;

pub const RULES: &[Rule] = &[
    row!(
        "environment-name",
        Error,
        Look::TaskDefinition(name),
        "An environment variable has a name; no program could find it under none."
    ),
    row!(
        "environment-equals",
        Warning,
        Look::TaskDefinition(equals),
        "An environment variable has a name without =: programs look for the letters before it."
    ),
    row!(
        "environment-twice",
        Warning,
        Look::TaskDefinition(twice),
        "A variable that is set twice in one container has one of the two values, and AWS does not say which."
    ),
    row!(
        "secret-twice",
        Error,
        Look::TaskDefinition(secret_twice),
        "A secret has a name of its own among the container's secrets and environment variables (ECS: The secret name \
         must be unique and not shared with any new or existing environment variables)."
    ),
    row!(
        "environment-file-count",
        Error,
        Look::TaskDefinition(file_count),
        "A container has at most 10 environment files (ECS: The maximum number of environment files was exceeded)."
    ),
    row!(
        "environment-file-arn",
        Error,
        Look::TaskDefinition(file_arn),
        "An environment file is an object in S3, named by its ARN, arn:aws:s3:::BUCKET/KEY.env (ECS: Invalid arn \
         syntax)."
    ),
    row!(
        "environment-file-name",
        Warning,
        Look::TaskDefinition(file_name),
        "ECS reads environment files whose name ends in .env (ECS: task definition parameters)."
    ),
];

fn name(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        for list in ["environment", "secrets"] {
            for (at, variable) in items(container, &at, list) {
                if variable.text("name").is_none_or(str::is_empty) {
                    report.value(at, "an environment variable without a name", "give it one");
                }
            }
        }
    }
}

fn equals(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        for list in ["environment", "secrets"] {
            for (at, variable) in items(container, &at, list) {
                // What follows the = may be secret.
                if let Some((before, _)) = variable.text("name").and_then(|name| name.split_once('=')) {
                    let message = format!("after {before:?} there is a = in the name; a variable's name ends there");
                    report.value(at.name("name"), message, "put what follows into value");
                }
            }
        }
    }
}

fn twice(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        let mut seen = BTreeMap::new();
        for (at, variable) in items(container, &at, "environment") {
            let Some(name) = variable.text("name").filter(|name| !name.is_empty()) else { continue };
            if let Some(first) = seen.insert(name, at.clone()) {
                report.value(at.name("name"), format!("{name} is also set at {first}"), "keep one of them");
            }
        }
    }
}

fn secret_twice(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        let plain = items(container, &at, "environment").filter_map(|(at, one)| Some((one.text("name")?, at)));
        let mut seen: BTreeMap<_, _> = plain.collect();
        for (at, secret) in items(container, &at, "secrets") {
            let Some(name) = secret.text("name").filter(|name| !name.is_empty()) else { continue };
            if let Some(first) = seen.insert(name, at.clone()) {
                report.value(at.name("name"), format!("{name} is also set at {first}"), "keep one of them");
            }
        }
    }
}

fn file_count(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        let count = container.list("environmentFiles").len();
        if count > FILES_MAX {
            let message = format!("{count} environment files; a container has at most {FILES_MAX}");
            report.key(at.name("environmentFiles"), message, "merge some of them");
        }
    }
}

fn file_arn(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        for (at, file) in items(container, &at, "environmentFiles") {
            let Some(value) = file.text("value") else { continue };
            if !value.starts_with("arn:") || !value.contains(":s3:::") {
                let message = format!("{value:?} is not the ARN of an object in S3");
                report.value(at.name("value"), message, "write arn:aws:s3:::BUCKET/KEY.env");
            }
        }
    }
}

fn file_name(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        for (at, file) in items(container, &at, "environmentFiles") {
            let Some(value) = file.text("value").filter(|value| value.contains(":s3:::")) else { continue };
            if !value.ends_with(".env") {
                report.value(at.name("value"), "the file's name does not end in .env", "rename it");
            }
        }
    }
}
