//! What a launch type or a network mode lacks, as a table (docs/ecs.md §4.2): one row a member, one function for all.
//!
//! Several rows may be one rule. tmpfs is on no row of Fargate's, which takes it since January 2026.

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Launch, TaskDefinition, each, one_of};
use crate::shape::{Path, Segment, Tree};

use super::row;

/// A member that some tasks can't have.
struct Row {
    rule: &'static str,
    /// Names joined by dots; `[]` stands for each item of a list.
    at: &'static str,
    counts: Counts,
    lacking: Lacking,
    instead: &'static str,
}

/// When a member is the one that is lacked.
enum Counts {
    /// It says anything at all.
    Set,
    True,
    /// Any text but these.
    OtherThan(&'static [&'static str]),
}

/// Who lacks it.
enum Lacking {
    On(Launch),
    /// Task definitions that say what they require, and none of it has it.
    Except(Launch),
    With(&'static str),
    ExceptWith(&'static str),
}

use Counts::{OtherThan, Set, True};
use Lacking::{Except, ExceptWith, On, With};

const fn row(rule: &'static str, at: &'static str, counts: Counts, lacking: Lacking, instead: &'static str) -> Row {
    Row { rule, at, counts, lacking, instead }
}

const FARGATE: Lacking = On(Launch::Fargate);
const EXTERNAL: Lacking = On(Launch::External);

const OWN_DISK: &str = "use a volume of its own disk, without sourcePath, or efsVolumeConfiguration";
const ON_EC2: &str = "leave it out, or run the task on EC2";
const OWN_NAMES: &str = "leave it out: the task's network interface has the VPC's names and addresses";
const ON_HOST: &str = "use host or dockerVolumeConfiguration";

const ROWS: &[Row] = &[
    row("fargate-privileged", "containerDefinitions[].privileged", True, FARGATE, ON_EC2),
    row(
        "fargate-capability",
        "containerDefinitions[].linuxParameters.capabilities.add[]",
        OtherThan(&["SYS_PTRACE"]),
        FARGATE,
        ON_EC2,
    ),
    row("fargate-linux-parameters", "containerDefinitions[].linuxParameters.devices", Set, FARGATE, ON_EC2),
    row("fargate-linux-parameters", "containerDefinitions[].linuxParameters.sharedMemorySize", Set, FARGATE, ON_EC2),
    row("fargate-linux-parameters", "containerDefinitions[].linuxParameters.maxSwap", Set, FARGATE, ON_EC2),
    row("fargate-linux-parameters", "containerDefinitions[].linuxParameters.swappiness", Set, FARGATE, ON_EC2),
    row("fargate-security-options", "containerDefinitions[].dockerSecurityOptions", Set, FARGATE, ON_EC2),
    row("fargate-accelerator", "containerDefinitions[].resourceRequirements", Set, FARGATE, ON_EC2),
    row("fargate-accelerator", "inferenceAccelerators", Set, FARGATE, ON_EC2),
    row("fargate-ulimit", "containerDefinitions[].ulimits[].name", OtherThan(&["nofile"]), FARGATE, ON_EC2),
    row(
        "fargate-log-driver",
        "containerDefinitions[].logConfiguration.logDriver",
        OtherThan(&["awslogs", "splunk", "awsfirelens"]),
        FARGATE,
        "use one of these",
    ),
    row("fargate-ipc-mode", "ipcMode", Set, FARGATE, ON_EC2),
    row("fargate-pid-mode", "pidMode", OtherThan(&["task"]), FARGATE, "use task, or leave it out"),
    row(
        "fargate-placement",
        "placementConstraints",
        Set,
        FARGATE,
        "leave it out: Fargate spreads tasks over the subnets' zones",
    ),
    row("fargate-volume", "volumes[].host.sourcePath", Set, FARGATE, OWN_DISK),
    row("fargate-volume", "volumes[].dockerVolumeConfiguration", Set, FARGATE, OWN_DISK),
    row("fargate-volume", "volumes[].fsxWindowsFileServerVolumeConfiguration", Set, FARGATE, OWN_DISK),
    row(
        "only-fargate-storage",
        "ephemeralStorage",
        Set,
        Except(Launch::Fargate),
        "leave it out: on instances the disk is the instance's",
    ),
    row("external-network-mode", "networkMode", OtherThan(&["bridge", "host", "none"]), EXTERNAL, "use one of these"),
    row("external-volume", "volumes[].efsVolumeConfiguration", Set, EXTERNAL, ON_HOST),
    row("external-volume", "volumes[].configuredAtLaunch", True, EXTERNAL, ON_HOST),
    row("external-volume", "volumes[].s3filesVolumeConfiguration", Set, EXTERNAL, ON_HOST),
    row("external-volume", "volumes[].fsxWindowsFileServerVolumeConfiguration", Set, EXTERNAL, ON_HOST),
    row("awsvpc-names", "containerDefinitions[].hostname", Set, With("awsvpc"), OWN_NAMES),
    row("awsvpc-names", "containerDefinitions[].extraHosts", Set, With("awsvpc"), OWN_NAMES),
    row("awsvpc-names", "containerDefinitions[].dnsServers", Set, With("awsvpc"), OWN_NAMES),
    row("awsvpc-names", "containerDefinitions[].dnsSearchDomains", Set, With("awsvpc"), OWN_NAMES),
    row(
        "awsvpc-networking",
        "containerDefinitions[].disableNetworking",
        True,
        With("awsvpc"),
        "leave it out, or use networkMode: none",
    ),
    row(
        "links-network-mode",
        "containerDefinitions[].links",
        Set,
        ExceptWith("bridge"),
        "leave it out: under awsvpc the task's containers reach each other at localhost",
    ),
    row("proxy-network-mode", "proxyConfiguration", Set, ExceptWith("awsvpc"), "write networkMode: awsvpc"),
    row(
        "ports-network-mode",
        "containerDefinitions[].portMappings",
        Set,
        With("none"),
        "leave it out, or use another networkMode",
    ),
];

const LOOK: Look = Look::TaskDefinition(look);

pub const RULES: &[Rule] = &[
    row!(
        "fargate-privileged",
        Error,
        LOOK,
        "Nobody is root of a Fargate host (ECS: Fargate requires that the 'privileged' setting be 'false')."
    ),
    row!(
        "fargate-capability",
        Error,
        LOOK,
        "SYS_PTRACE is the one capability that can be added on Fargate; dropping works for all (ECS: X is not allowed \
         on Fargate)."
    ),
    row!(
        "fargate-linux-parameters",
        Error,
        LOOK,
        "Devices, shared memory and swap are the host's, which on Fargate is not yours (ECS: Fargate compatible task \
         definitions do not support devices)."
    ),
    row!(
        "fargate-security-options",
        Error,
        LOOK,
        "Fargate takes no dockerSecurityOptions (ECS: task definition parameters)."
    ),
    row!(
        "fargate-accelerator",
        Error,
        LOOK,
        "Fargate has neither GPUs nor inference accelerators (ECS: task definition parameters)."
    ),
    row!(
        "fargate-ulimit",
        Warning,
        LOOK,
        "nofile is the one limit that is known to be set on Fargate; others may be ignored (ECS: Fargate task \
         definition differences)."
    ),
    row!(
        "fargate-log-driver",
        Error,
        LOOK,
        "On Fargate logs go to CloudWatch by awslogs, to Splunk by splunk, or anywhere by awsfirelens (ECS: task \
         definition parameters)."
    ),
    row!("fargate-ipc-mode", Error, LOOK, "Fargate takes no ipcMode (ECS: task definition parameters)."),
    row!(
        "fargate-pid-mode",
        Error,
        LOOK,
        "On Fargate containers can share the task's processes, not the host's (ECS: The supported value for pidMode is \
         'task')."
    ),
    row!(
        "fargate-placement",
        Error,
        LOOK,
        "There are no instances to choose from on Fargate (ECS: Fargate compatible task definitions do not support \
         constraints)."
    ),
    row!(
        "fargate-volume",
        Error,
        LOOK,
        "A volume on Fargate is of the task's own disk, EFS, S3 or EBS: a path of the host, a Docker volume and FSx for \
         Windows are not available (ECS: Fargate compatible task definitions do not support sourcePath)."
    ),
    row!(
        "only-fargate-storage",
        Error,
        LOOK,
        "ephemeralStorage enlarges the disk of a task on Fargate; tasks on instances have none of their own (ECS: task \
         definition parameters)."
    ),
    row!("external-network-mode", Error, LOOK, "Outside AWS there is no VPC for awsvpc (ECS: ECS Anywhere)."),
    row!(
        "external-volume",
        Error,
        LOOK,
        "Outside AWS neither EFS, EBS, S3 nor FSx can be mounted (ECS: ECS Anywhere)."
    ),
    row!(
        "awsvpc-names",
        Error,
        LOOK,
        "Under awsvpc the task's network interface has its names from the VPC: hostname, extraHosts and DNS can't be \
         set (ECS: hostname is not supported on container when networkMode=awsvpc)."
    ),
    row!(
        "awsvpc-networking",
        Error,
        LOOK,
        "Under awsvpc all containers share the task's network interface; none can be without (ECS: Disable Networking \
         is not supported on container when networkMode=awsvpc)."
    ),
    row!(
        "links-network-mode",
        Error,
        LOOK,
        "Links are names in Docker's bridge network (ECS: task definition parameters)."
    ),
    row!(
        "proxy-network-mode",
        Error,
        LOOK,
        "A proxy stands before a network interface of the task's own (ECS: APPMESH proxy configuration is only \
         supported in networkMode=awsvpc)."
    ),
    row!("ports-network-mode", Error, LOOK, "Without a network there are no ports (ECS: task definition parameters)."),
];

/// Looks at the rows of the rule in hand.
fn look(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let rule = report.rule();
    for row in ROWS.iter().filter(|row| row.rule == rule) {
        let Some(who) = row.lacking.who(definition) else { continue };
        each(definition.spec, row.at, &mut |at, node| {
            if let Some(message) = row.counts.says(&at, node, &who) {
                report.value(at, message, row.instead);
            }
        });
    }
}

impl Lacking {
    /// In words, where this definition is concerned.
    fn who(&self, definition: &TaskDefinition<'_>) -> Option<String> {
        let mode = definition.network_mode();
        match self {
            On(launch) => definition.runs_on(*launch).then(|| format!("on {}", launch.as_str())),
            Except(launch) => {
                let says = definition.runs_on(Launch::Ec2) || definition.runs_on(Launch::External);
                (says && !definition.runs_on(*launch)).then(|| format!("on anything but {}", launch.as_str()))
            }
            With(lacking) => (mode == *lacking).then(|| format!("with networkMode: {mode}")),
            ExceptWith(having) => (mode != *having).then(|| format!("with networkMode: {mode}")),
        }
    }
}

impl Counts {
    fn says(&self, at: &Path, node: &Tree, who: &str) -> Option<String> {
        let member = at.0.iter().rev().find_map(|segment| match segment {
            Segment::Name(name) => Some(name.as_str()),
            Segment::Index(_) => None,
        })?;
        match (self, node) {
            (Set, node) => (!node.is_empty()).then(|| format!("{member} is not available {who}")),
            (True, node) => (*node == Tree::Bool(true)).then(|| format!("{member} is not available {who}")),
            (OtherThan(fine), Tree::Text(text)) => {
                (!fine.contains(&&**text)).then(|| format!("{text} is not available {who}; there is {}", one_of(fine)))
            }
            (OtherThan(_), _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ROWS, RULES};

    #[test]
    fn every_row_has_a_rule_and_every_rule_a_row() {
        for row in ROWS {
            assert!(RULES.iter().any(|rule| rule.name == row.rule), "{}", row.rule);
        }
        for rule in RULES {
            assert!(ROWS.iter().any(|row| row.rule == rule.name), "{}", rule.name);
        }
    }
}
