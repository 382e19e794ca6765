//! What needs an execution role on every launch type, and where secrets come from (docs/ecs.md §4.2, §4.3).

use std::collections::BTreeSet;

use crate::shape::Tree;

use super::{Draft, Rule, Verdict, each_container, has, refuse_if};

pub const RULES: &[Rule] = &[
    Rule { name: "secrets need a role", check: secrets_need_a_role },
    Rule { name: "private registries need a role", check: registries_need_a_role },
    Rule { name: "secrets have names of their own", check: secrets_have_names_of_their_own },
];

fn log_secrets(container: &Tree) -> bool {
    container.get("logConfiguration").is_some_and(|log| has(log, "secretOptions"))
}

fn secrets_need_a_role(draft: &Draft) -> Verdict {
    let text = "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.";
    let used = draft.containers().iter().any(|container| has(container, "secrets") || log_secrets(container));
    refuse_if(used && !draft.has_execution_role(), text)
}

/// Wording is ours.
fn registries_need_a_role(draft: &Draft) -> Verdict {
    let used = draft.containers().iter().any(|container| has(container, "repositoryCredentials"));
    let text = "When you are specifying repositoryCredentials, you must also specify a value for 'executionRoleArn'.";
    refuse_if(used && !draft.has_execution_role(), text)
}

/// Wording from memory.
fn secrets_have_names_of_their_own(draft: &Draft) -> Verdict {
    each_container(draft, |container| {
        let names = |list: &str| container.list(list).iter().filter_map(|one| one.text("name")).collect::<Vec<_>>();
        let mut seen: BTreeSet<&str> = names("environment").into_iter().collect();
        names("secrets").into_iter().try_for_each(|secret| {
            let text = format!(
                "The secret name must be unique and not shared with any new or existing environment variables set on \
                 the container, such as '{secret}'."
            );
            refuse_if(!seen.insert(secret), text)
        })
    })
}
