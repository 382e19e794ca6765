//! What works and should not be done lightly: secrets in plain text, and containers that own their host.

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Launch, TaskDefinition, items};
use crate::shape::Tree;

use super::row;

pub const RULES: &[Rule] = &[
    row!(
        "plain-secret",
        Warning,
        Look::TaskDefinition(plain_secret),
        "What stands in environment or in a log driver's options is read by everyone who may describe the task \
         definition, and by everyone who reads the Git repository; secrets and secretOptions fetch it from Secrets \
         Manager or Parameter Store instead."
    ),
    row!(
        "privileged",
        Warning,
        Look::TaskDefinition(privileged),
        "A privileged container, or one with SYS_ADMIN, can do on its instance whatever root can, and so with all \
         other tasks there."
    ),
    row!(
        "host-root",
        Warning,
        Look::TaskDefinition(host_root),
        "A container that mounts the host's / or Docker's socket can take over the instance and all tasks on it."
    ),
];

/// Parts of names that hold something secret, in capitals.
const WORDS: &[&str] = &[
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "API_KEY",
    "APIKEY",
    "PRIVATE_KEY",
    "ACCESS_KEY",
    "CREDENTIALS",
];
/// Ends of names that only tell where a secret is, or how one is used.
const HARMLESS: &[&str] = &[
    "FILE",
    "PATH",
    "ARN",
    "NAME",
    "URL",
    "URI",
    "_ID",
    "TTL",
    "EXPIRY",
    "EXPIRATION",
    "EXPIRES_IN",
    "TIMEOUT",
    "LENGTH",
    "HEADER",
    "ENABLED",
    "TYPE",
    "REGION",
    "SSMKEY",
    "SSM_KEY",
];
/// Signs that a value only leads to a secret, or is filled in by someone else.
const REFERENCES: &[&str] = &["arn:", "{{", "${", "$("];
/// Values that are no secrets, whatever the name says.
const SWITCHES: &[&str] = &["true", "false", "yes", "no", "on", "off", "none", "enabled", "disabled"];

fn looks_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    let named = WORDS.iter().any(|word| name.contains(word)) && !HARMLESS.iter().any(|end| name.ends_with(end));
    let number = value.bytes().all(|byte| byte.is_ascii_digit());
    let reference = REFERENCES.iter().any(|sign| value.contains(sign));
    let plain = value.len() < 4 || number || reference || SWITCHES.contains(&value.to_ascii_lowercase().as_str());
    named && !plain || has_access_key(value)
}

/// AKIA or ASIA and sixteen capitals or digits: the public half of a key pair, whose other half is seldom far.
fn has_access_key(value: &str) -> bool {
    value.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| {
        let key = word.len() == 20 && (word.starts_with("AKIA") || word.starts_with("ASIA"));
        key && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    })
}

fn plain_secret(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, container) in definition.containers() {
        for (at, variable) in items(container, &at, "environment") {
            let (Some(name), Some(value)) = (variable.text("name"), variable.text("value")) else { continue };
            if looks_secret(name, value) {
                let message = format!("{name} looks like a secret in plain text");
                report.value(at.name("value"), message, "keep it in Secrets Manager and name it under secrets");
            }
        }
        let options = container.at(&["logConfiguration", "options"]).and_then(Tree::as_map);
        for (name, value) in options.into_iter().flatten() {
            if value.as_text().is_some_and(|value| looks_secret(name, value)) {
                let message = format!("the log option {name} looks like a secret in plain text");
                let at = at.name("logConfiguration").name("options").name(name);
                report.value(at, message, "keep it in Secrets Manager and name it under secretOptions");
            }
        }
    }
}

fn privileged(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    // Fargate refuses it.
    for (at, container) in definition.containers().filter(|_| !definition.runs_on(Launch::Fargate)) {
        let remedy = "leave it out, or add only the capabilities that are needed";
        if container.bool("privileged") == Some(true) {
            report.value(at.name("privileged"), "a privileged container owns its instance", remedy);
        }
        let Some(capabilities) = container.at(&["linuxParameters", "capabilities"]) else { continue };
        let at = at.name("linuxParameters").name("capabilities");
        for (at, capability) in items(capabilities, &at, "add") {
            if let Some(name @ ("SYS_ADMIN" | "ALL")) = capability.as_text() {
                report.value(at, format!("with {name} a container owns its instance"), remedy);
            }
        }
    }
}

fn host_root(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    for (at, volume) in definition.volumes().filter(|_| !definition.runs_on(Launch::Fargate)) {
        let path = volume.at(&["host", "sourcePath"]).and_then(Tree::as_text);
        if let Some(path @ ("/" | "/var/run/docker.sock" | "/run/docker.sock")) = path {
            let message = format!("who can mount the host's {path} owns the instance");
            report.value(at.name("host").name("sourcePath"), message, "mount the directory that is needed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::looks_secret;

    #[test]
    fn tells_secrets_from_what_only_speaks_of_them() {
        for (name, value) in [
            ("DB_PASSWORD", "hunter2"),
            ("github-token", "ghp_abcdef"),
            ("splunk.token", "1234-abcd"),
            ("KEY", "AKIAIOSFODNN7EXAMPLE"),
            ("URL", "https://AKIAIOSFODNN7EXAMPLE:x@host/"),
        ] {
            assert!(looks_secret(name, value), "{name}");
        }
        for (name, value) in [
            ("DB_PASSWORD_FILE", "/run/secrets/db"),
            ("TOKEN_TTL", "3600s"),
            ("SECRET_ROTATION", "true"),
            ("MAX_TOKENS", "4096"),
            ("DB_PASSWORD_SECRET", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db"),
            ("DB_HOST", "db.internal"),
            ("PASSWORD", ""),
        ] {
            assert!(!looks_secret(name, value), "{name}");
        }
    }
}
