//! What every container must have, and how many there may be.

use std::collections::BTreeSet;

use crate::shape::{Tree, json};

use super::super::super::Fault;
use super::super::super::cluster::is_name;
use super::{Draft, Rule, Verdict, each_container, has, name, refuse_if};

/// Containers of one definition, and its size (docs/ecs.md §4.2, §7.5).
const CONTAINERS_LIMIT: usize = 10;
const DEFINITION_LIMIT_BYTES: usize = 64 * 1024;
/// Of an image reference, without its digest (§1.2).
const IMAGE_LIMIT: usize = 255;
const ENVIRONMENT_FILES_LIMIT: usize = 10;
const PLACEMENT_CONSTRAINTS_LIMIT: usize = 10;
const CREDENTIAL_SPECS_LIMIT: usize = 1;
const IGNORED_EXIT_CODES_LIMIT: usize = 50;

/// Inclusive ranges of a health check's numbers (§4.2).
const HEALTH_CHECK: &[(&str, i64, i64)] =
    &[("interval", 5, 300), ("timeout", 2, 60), ("retries", 1, 10), ("startPeriod", 0, 300)];
const RESTART_PERIOD: (i64, i64) = (60, 1800);

pub const RULES: &[Rule] = &[
    Rule { name: "family is a name", check: family_is_a_name },
    Rule { name: "has containers", check: has_containers },
    Rule { name: "not too many containers", check: not_too_many },
    Rule { name: "not too large", check: not_too_large },
    Rule { name: "containers have names", check: have_names },
    Rule { name: "containers have images", check: have_images },
    Rule { name: "container names are unique", check: names_are_unique },
    Rule { name: "one container is essential", check: one_is_essential },
    Rule { name: "health checks are in range", check: health_checks_are_in_range },
    Rule { name: "restart policies are in range", check: restart_policies_are_in_range },
    Rule { name: "few environment files", check: few_environment_files },
    Rule { name: "environment files are ARNs", check: environment_files_are_arns },
    Rule { name: "few placement constraints", check: few_placement_constraints },
    Rule { name: "one credential spec", check: one_credential_spec },
];

fn family_is_a_name(draft: &Draft) -> Verdict {
    match draft.input.text("family").unwrap_or_default() {
        "" => Err(Fault::client("Family should not be null or empty.")),
        family => refuse_if(!is_name(family), "Family contains invalid characters."),
    }
}

fn has_containers(draft: &Draft) -> Verdict {
    refuse_if(draft.containers().is_empty(), "Container list cannot be empty.")
}

fn not_too_many(draft: &Draft) -> Verdict {
    refuse_if(draft.containers().len() > CONTAINERS_LIMIT, "Too many containers.")
}

/// Wording from memory.
fn not_too_large(draft: &Draft) -> Verdict {
    let bytes = json::write(draft.input).len();
    let text = format!("Actual length: '{bytes}'. Max allowed length is '{DEFINITION_LIMIT_BYTES}' bytes.");
    refuse_if(bytes > DEFINITION_LIMIT_BYTES, text)
}

fn have_names(draft: &Draft) -> Verdict {
    each_container(draft, |container| {
        refuse_if(!has(container, "name"), "Container.name should not be null or empty.")?;
        refuse_if(!is_name(name(container)), "Container.name contains invalid characters.")
    })
}

fn have_images(draft: &Draft) -> Verdict {
    each_container(draft, |container| {
        refuse_if(!has(container, "image"), "Container.image should not be null or empty.")?;
        let image = container.text("image").unwrap_or_default();
        let (reference, digest) = image.split_once('@').map_or((image, None), |(left, right)| (left, Some(right)));
        let hex = digest.map(|digest| digest.strip_prefix("sha256:").unwrap_or_default());
        let good_digest = hex.is_none_or(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let blank = image.contains(char::is_whitespace);
        let bad = blank || !good_digest || reference.chars().count() > IMAGE_LIMIT;
        refuse_if(bad, "Container.image contains invalid characters.")
    })
}

fn names_are_unique(draft: &Draft) -> Verdict {
    let names: BTreeSet<&str> = draft.containers().iter().map(name).collect();
    let text = "Container names must be unique within a task definition.";
    refuse_if(names.len() < draft.containers().len(), text)
}

fn one_is_essential(draft: &Draft) -> Verdict {
    let essential = |container: &Tree| container.bool("essential").unwrap_or(true);
    let text = "Task definition doesn't have any essential container.";
    refuse_if(!draft.containers().iter().any(essential), text)
}

/// Wordings are ours.
fn health_checks_are_in_range(draft: &Draft) -> Verdict {
    each_container(draft, |container| {
        let Some(check) = container.get("healthCheck") else { return Ok(()) };
        let at = name(container);
        refuse_if(!has(check, "command"), format!("Health check command of container '{at}' should not be empty."))?;
        HEALTH_CHECK.iter().try_for_each(|(member, min, max)| {
            let bad = check.int(member).is_some_and(|value| !(*min..=*max).contains(&value));
            let text = format!("Health check {member} of container '{at}' must be between {min} and {max}.");
            refuse_if(bad, text)
        })
    })
}

/// Wordings are ours.
fn restart_policies_are_in_range(draft: &Draft) -> Verdict {
    each_container(draft, |container| {
        let Some(policy) = container.get("restartPolicy") else { return Ok(()) };
        let (at, (min, max)) = (name(container), RESTART_PERIOD);
        let bad = policy.int("restartAttemptPeriod").is_some_and(|period| !(min..=max).contains(&period));
        refuse_if(bad, format!("restartAttemptPeriod of container '{at}' must be between {min} and {max}."))?;
        let many = policy.list("ignoredExitCodes").len() > IGNORED_EXIT_CODES_LIMIT;
        let text = format!("Container '{at}' can have at most {IGNORED_EXIT_CODES_LIMIT} ignoredExitCodes.");
        refuse_if(many, text)
    })
}

fn few_environment_files(draft: &Draft) -> Verdict {
    let text = "The maximum number of environment files was exceeded. Specify ten or less and try again";
    each_container(draft, |container| {
        refuse_if(container.list("environmentFiles").len() > ENVIRONMENT_FILES_LIMIT, text)
    })
}

fn environment_files_are_arns(draft: &Draft) -> Verdict {
    each_container(draft, |container| {
        let files = container.list("environmentFiles").iter().filter_map(|file| file.text("value"));
        let bad = |value: &str| !value.starts_with("arn:") || !value.contains(":s3:::");
        refuse_if(files.into_iter().any(bad), "Invalid arn syntax")
    })
}

/// Wording is ours.
fn one_credential_spec(draft: &Draft) -> Verdict {
    each_container(draft, |container| {
        let many = container.list("credentialSpecs").len() > CREDENTIAL_SPECS_LIMIT;
        refuse_if(many, format!("Container '{}' can have only one credentialSpec.", name(container)))
    })
}

/// Wording is ours.
fn few_placement_constraints(draft: &Draft) -> Verdict {
    let many = draft.input.list("placementConstraints").len() > PLACEMENT_CONSTRAINTS_LIMIT;
    refuse_if(many, format!("A task definition can have at most {PLACEMENT_CONSTRAINTS_LIMIT} placementConstraints."))
}
