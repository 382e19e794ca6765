//! Clusters by themselves (docs/ecs.md §6.1).

use std::collections::BTreeSet;

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Subject, has, items};
use crate::shape::near::nearest;
use crate::shape::{Path, Tree};

use super::row;

pub const RULES: &[Rule] = &[
    row!(
        "exec-logging",
        Error,
        Look::Spec(exec_logging),
        "ECS Exec writes its sessions elsewhere with logging: OVERRIDE and a log group or bucket to write to, and one \
         makes no sense without the other (ECS: A CloudWatch log group name or S3 bucket name must be specified when \
         overriding the default log configuration)."
    ),
    row!(
        "default-strategy",
        Error,
        Look::Spec(default_strategy),
        "A cluster's default strategy names capacity providers of the cluster, and at most one of its items has a base \
         (ECS: capacity providers)."
    ),
];

fn exec_logging(subject: &Subject<'_>, report: &mut Report<'_>) {
    let Some(exec) = subject.spec.at(&["configuration", "executeCommandConfiguration"]) else { return };
    let at = Path::from("configuration.executeCommandConfiguration");
    let destination = exec.get("logConfiguration");
    let somewhere =
        destination.is_some_and(|log| ["cloudWatchLogGroupName", "s3BucketName"].iter().any(|member| has(log, member)));
    match exec.text("logging") {
        Some("OVERRIDE") if !somewhere => {
            let remedy = "add logConfiguration with cloudWatchLogGroupName or s3BucketName";
            report.value(at.name("logging"), "OVERRIDE, and no log group or bucket to write to", remedy);
        }
        Some("OVERRIDE") => {}
        _ if somewhere => {
            let message = "a logConfiguration, and logging is not OVERRIDE";
            report.key(at.name("logConfiguration"), message, "write logging: OVERRIDE, or leave it out");
        }
        _ => {}
    }
}

fn default_strategy(subject: &Subject<'_>, report: &mut Report<'_>) {
    let list = "defaultCapacityProviderStrategy";
    let strategy = || items(subject.spec, &Path::root(), list);
    let based = strategy().filter(|(_, item)| item.int("base").is_some_and(|base| base > 0)).count();
    if based > 1 {
        report.key(list, format!("{based} items with a base; there can be one"), "keep the base of one");
    }
    // Without a list here, another tool may have given the cluster its providers.
    let Some(Tree::List(known)) = subject.spec.get("capacityProviders") else { return };
    let known: BTreeSet<&str> = known.iter().filter_map(Tree::as_text).collect();
    for (at, item) in strategy() {
        if report.is_full() {
            return;
        }
        let Some(name) = item.text("capacityProvider").filter(|name| !known.contains(name)) else { continue };
        let remedy = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => "add it to capacityProviders".to_owned(),
        };
        report.value(at.name("capacityProvider"), format!("the cluster has no capacity provider {name}"), remedy);
    }
}
