//! What Fargate asks of a definition, or does not offer it (docs/ecs.md §4.2, §4.3).

use crate::shape::Tree;

use super::super::super::Fault;
use super::super::images::is_private_ecr;
use super::sizes::{fargate_has, task_cpu, task_memory};
use super::{Draft, Rule, Verdict, each_container, has, name, refuse_if};

/// The only capability that may be added (platform version 1.4.0).
const CAPABILITY: &str = "SYS_PTRACE";
const LOG_DRIVERS: &[&str] = &["awslogs", "splunk", "awsfirelens"];
/// The only limit that may be set, and how high.
const ULIMIT: (&str, i64) = ("nofile", 1_048_576);
/// Seconds a container may take to start or to stop.
const TIMEOUT_SECONDS: (i64, i64) = (2, 120);

/// Members of a container's linuxParameters that Fargate has no use for. It takes `tmpfs` since January 2026.
const LINUX_PARAMETERS: &[&str] = &["devices", "sharedMemorySize", "maxSwap", "swappiness"];

pub const RULES: &[Rule] = &[
    Rule { name: "fargate: network mode", check: network_mode },
    Rule { name: "fargate: size is given", check: size_is_given },
    Rule { name: "fargate: size exists", check: size_exists },
    Rule { name: "fargate: privileged", check: privileged },
    Rule { name: "fargate: capabilities", check: capabilities },
    Rule { name: "fargate: linux parameters", check: linux_parameters },
    Rule { name: "fargate: security options", check: security_options },
    Rule { name: "fargate: links", check: links },
    Rule { name: "fargate: resources", check: resources },
    Rule { name: "fargate: volumes", check: volumes },
    Rule { name: "fargate: placement constraints", check: constraints },
    Rule { name: "fargate: pid mode", check: pid_mode },
    Rule { name: "fargate: ipc mode", check: ipc_mode },
    Rule { name: "fargate: log drivers", check: log_drivers },
    Rule { name: "fargate: log stream prefix", check: log_stream_prefix },
    Rule { name: "fargate: ulimits", check: ulimits },
    Rule { name: "fargate: timeouts", check: timeouts },
    Rule { name: "fargate: role for images", check: role_for_images },
    Rule { name: "fargate: role for logs", check: role_for_logs },
    Rule { name: "only fargate: ephemeral storage", check: ephemeral_storage },
];

/// The common refusal.
fn lacks(draft: &Draft, present: bool, what: &str) -> Verdict {
    refuse_if(draft.fargate && present, format!("Fargate compatible task definitions do not support {what}"))
}

fn any(draft: &Draft, bad: impl Fn(&Tree) -> bool) -> bool {
    draft.containers().iter().any(bad)
}

fn network_mode(draft: &Draft) -> Verdict {
    let text = "Fargate only supports network mode ‘awsvpc’.";
    refuse_if(draft.fargate && draft.network_mode() != "awsvpc", text)
}

fn size_is_given(draft: &Draft) -> Verdict {
    ["cpu", "memory"].iter().try_for_each(|member| {
        let text = format!("Fargate requires that '{member}' be defined at the task level.");
        refuse_if(draft.fargate && !has(draft.input, member), text)
    })
}

fn size_exists(draft: &Draft) -> Verdict {
    let (Some(cpu), Some(memory)) = (task_cpu(draft.input), task_memory(draft.input)) else { return Ok(()) };
    let text = format!(
        "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See the Amazon ECS \
         documentation for the valid values."
    );
    refuse_if(draft.fargate && !fargate_has(cpu, memory, draft.region, draft.is_windows()), text)
}

fn privileged(draft: &Draft) -> Verdict {
    let bad = any(draft, |container| container.bool("privileged") == Some(true));
    refuse_if(draft.fargate && bad, "Fargate requires that the 'privileged' setting be 'false'")
}

fn capabilities(draft: &Draft) -> Verdict {
    each_container(draft, |container| {
        let capabilities = container.at(&["linuxParameters", "capabilities"]);
        let added = capabilities.map(|all| all.list("add")).unwrap_or_default();
        match added.iter().filter_map(Tree::as_text).find(|one| *one != CAPABILITY) {
            Some(one) => refuse_if(draft.fargate, format!("{one} is not allowed on Fargate.")),
            None => Ok(()),
        }
    })
}

fn linux_parameters(draft: &Draft) -> Verdict {
    LINUX_PARAMETERS.iter().try_for_each(|member| {
        let present = any(draft, |container| container.get("linuxParameters").is_some_and(|it| has(it, member)));
        lacks(draft, present, member)
    })
}

fn security_options(draft: &Draft) -> Verdict {
    lacks(draft, any(draft, |container| has(container, "dockerSecurityOptions")), "dockerSecurityOptions")
}

fn links(draft: &Draft) -> Verdict {
    lacks(draft, any(draft, |container| has(container, "links")), "links")
}

fn resources(draft: &Draft) -> Verdict {
    lacks(draft, any(draft, |container| has(container, "resourceRequirements")), "resourceRequirements")?;
    lacks(draft, has(draft.input, "inferenceAccelerators"), "inferenceAccelerators")
}

fn volumes(draft: &Draft) -> Verdict {
    let volumes = draft.input.list("volumes");
    let has_source = |volume: &Tree| volume.get("host").is_some_and(|host| has(host, "sourcePath"));
    lacks(draft, volumes.iter().any(has_source), "sourcePath")?;
    ["dockerVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration"].iter().try_for_each(|member| {
        let present = volumes.iter().any(|volume| volume.get(member).is_some());
        lacks(draft, present, member)
    })
}

fn constraints(draft: &Draft) -> Verdict {
    lacks(draft, has(draft.input, "placementConstraints"), "constraints")
}

fn pid_mode(draft: &Draft) -> Verdict {
    let text = "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is \
                'task'.";
    refuse_if(draft.fargate && draft.input.text("pidMode") == Some("host"), text)
}

fn ipc_mode(draft: &Draft) -> Verdict {
    lacks(draft, has(draft.input, "ipcMode"), "ipcMode")
}

/// Wording is ours.
fn log_drivers(draft: &Draft) -> Verdict {
    each_container(draft, |container| {
        let driver = container.at(&["logConfiguration", "logDriver"]).and_then(Tree::as_text);
        match driver.filter(|driver| !LOG_DRIVERS.contains(driver)) {
            Some(driver) => lacks(draft, true, &format!("the log driver {driver}")),
            None => Ok(()),
        }
    })
}

fn log_stream_prefix(draft: &Draft) -> Verdict {
    each_container(draft, |container| {
        let Some(log) = container.get("logConfiguration") else { return Ok(()) };
        let bad = log.text("logDriver") == Some("awslogs") && log.at(&["options", "awslogs-stream-prefix"]).is_none();
        let text = "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver \
                    awslogs.";
        refuse_if(draft.fargate && bad, text)
    })
}

/// Wordings are ours.
fn ulimits(draft: &Draft) -> Verdict {
    let (only, max) = ULIMIT;
    each_container(draft, |container| {
        container.list("ulimits").iter().try_for_each(|limit| {
            let kind = limit.text("name").unwrap_or_default();
            lacks(draft, kind != only, &format!("the ulimit {kind}"))?;
            let high = limit.int("hardLimit").is_some_and(|hard| hard > max);
            lacks(draft, high, &format!("more than {max} for the ulimit {kind}"))
        })
    })
}

/// Wording is ours.
fn timeouts(draft: &Draft) -> Verdict {
    let (min, max) = TIMEOUT_SECONDS;
    each_container(draft, |container| {
        ["startTimeout", "stopTimeout"].iter().try_for_each(|member| {
            let bad = container.int(member).is_some_and(|seconds| !(min..=max).contains(&seconds));
            let at = name(container);
            let text = format!("Fargate requires that the '{member}' of container '{at}' be between {min} and {max}.");
            refuse_if(draft.fargate && bad, text)
        })
    })
}

fn role_for_images(draft: &Draft) -> Verdict {
    let from_ecr = any(draft, |container| container.text("image").is_some_and(is_private_ecr));
    let text = "Fargate requires task definition to have execution role ARN to support ECR images.";
    refuse_if(draft.fargate && from_ecr && !draft.has_execution_role(), text)
}

fn role_for_logs(draft: &Draft) -> Verdict {
    let awslogs =
        |container: &Tree| container.at(&["logConfiguration", "logDriver"]).and_then(Tree::as_text) == Some("awslogs");
    let text = "Fargate requires task definition to have execution role ARN to support log driver awslogs.";
    refuse_if(draft.fargate && any(draft, awslogs) && !draft.has_execution_role(), text)
}

/// Fargate's own member; what instances answer to it was not captured, so the wording is ours.
fn ephemeral_storage(draft: &Draft) -> Verdict {
    let required = draft.input.list("requiresCompatibilities");
    let elsewhere = !required.is_empty() && !draft.fargate;
    if elsewhere && has(draft.input, "ephemeralStorage") {
        return Err(Fault::client("ephemeralStorage is only supported by Fargate compatible task definitions."));
    }
    Ok(())
}
