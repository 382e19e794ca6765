//! Log drivers and their options (docs/ecs.md §4.3).

use crate::shape::{Name, Tree};

use super::super::super::Fault;
use super::{Draft, Rule, Verdict, each_container, refuse_if};

/// What awslogs needs, in the order in which ECS lists what is missing.
const REQUIRED: &[&str] = &["awslogs-region", "awslogs-group"];

/// What awslogs takes. ECS refuses others, `awslogs-endpoint` among them.
const ALLOWED: &[&str] = &[
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
    Rule { name: "awslogs: required options", check: required },
    Rule { name: "awslogs: allowed options", check: allowed },
    Rule { name: "firelens has a router", check: firelens_has_a_router },
];

fn each_awslogs(draft: &Draft, mut check: impl FnMut(&Tree) -> Verdict) -> Verdict {
    each_container(draft, |container| match container.get("logConfiguration") {
        Some(log) if log.text("logDriver") == Some("awslogs") => check(log),
        _ => Ok(()),
    })
}

fn required(draft: &Draft) -> Verdict {
    each_awslogs(draft, |log| {
        let missing = |name: &&&str| log.at(&["options", name]).is_none();
        let missing: Vec<&str> = REQUIRED.iter().filter(missing).copied().collect();
        refuse_if(!missing.is_empty(), format!("Log driver awslogs requires options: {}", missing.join(", ")))
    })
}

fn allowed(draft: &Draft) -> Verdict {
    each_awslogs(draft, |log| {
        let options = log.get("options").and_then(Tree::as_map);
        let names = options.into_iter().flat_map(|options| options.keys().map(Name::as_str));
        let strange: Vec<&str> = names.filter(|name| !ALLOWED.contains(name)).collect();
        refuse_if(!strange.is_empty(), format!("Log driver awslogs disallows options: {}", strange.join(", ")))
    })
}

fn firelens_has_a_router(draft: &Draft) -> Verdict {
    let driver = |container: &Tree| container.at(&["logConfiguration", "logDriver"]).cloned();
    let used = draft.containers().iter().any(|one| driver(one) == Some("awsfirelens".into()));
    let routed = draft.containers().iter().any(|container| container.get("firelensConfiguration").is_some());
    if used && !routed {
        return Err(Fault::client(
            "When awsfirelens log driver is specified in log configuration, a firelens configuration object must be \
             specified.",
        ));
    }
    Ok(())
}
