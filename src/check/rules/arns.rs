//! ARNs in specs: one operator serves one account and region, and ECS takes roles of its own account only.

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Subject, each};
use crate::shape::Tree;

use super::row;

pub const RULES: &[Rule] = &[
    row!(
        "foreign-arn",
        Error,
        Look::Spec(foreign),
        "What a service or task uses by ARN lies where the service is: a role in its account, a task definition or a \
         target group in its account and region (IAM: PassRole; ECS: service parameters)."
    ),
    row!(
        "role-arn",
        Error,
        Look::Spec(role),
        "A role is named whole, as arn:PARTITION:iam::ACCOUNT:role/NAME: a wildcard names none, and another kind of \
         ARN is none (ECS: task definition parameters)."
    ),
];

/// What of an ARN has to be ours.
enum Ours {
    Account,
    Region,
    Both,
}

const ROLES: &[&str] = &[
    "executionRoleArn",
    "taskRoleArn",
    "role",
    "loadBalancers[].advancedConfiguration.roleArn",
    "vpcLatticeConfigurations[].roleArn",
    "volumeConfigurations[].managedEBSVolume.roleArn",
    "serviceConnectConfiguration.services[].tls.roleArn",
    "deploymentConfiguration.lifecycleHooks[].roleArn",
];

const OTHERS: &[(&str, Ours)] = &[
    ("taskDefinition", Ours::Both),
    // A target group can be shared with other accounts' load balancers, not with other regions'.
    ("loadBalancers[].targetGroupArn", Ours::Region),
    ("loadBalancers[].advancedConfiguration.alternateTargetGroupArn", Ours::Region),
    ("serviceRegistries[].registryArn", Ours::Region),
];

/// Region and account of an ARN.
fn parts(text: &str) -> Option<(&str, &str)> {
    let mut parts = text.strip_prefix("arn:")?.split(':').skip(2);
    Some((parts.next()?, parts.next()?))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn foreign(subject: &Subject<'_>, report: &mut Report<'_>) {
    let (region, account) = (&subject.place.region, &subject.place.account);
    let roles = ROLES.iter().map(|at| (*at, &Ours::Account));
    for (pattern, ours) in roles.chain(OTHERS.iter().map(|(at, ours)| (*at, ours))) {
        each(subject.spec, pattern, &mut |at, node| {
            let Some((its_region, its_account)) = node.as_text().and_then(parts) else { return };
            // Where the place is not known, nothing is elsewhere.
            let asks_region = !region.is_empty() && !matches!(ours, Ours::Account);
            let asks_account = !account.is_empty() && !matches!(ours, Ours::Region) && is_account(its_account);
            if asks_account && its_account != account {
                let remedy = format!("use one of account {account}, or ${{aws.account}}");
                report.value(at, format!("this ARN is of account {its_account}; the operator's is {account}"), remedy);
            } else if asks_region && !its_region.is_empty() && its_region != region {
                let remedy = format!("use one of region {region}, or ${{aws.region}}");
                report.value(at, format!("this ARN is of region {its_region}; the operator's is {region}"), remedy);
            }
        });
    }
}

fn role(subject: &Subject<'_>, report: &mut Report<'_>) {
    for pattern in ROLES {
        each(subject.spec, pattern, &mut |at, node: &Tree| {
            let Some(text) = node.as_text() else { return };
            let remedy = "write arn:aws:iam::${aws.account}:role/NAME";
            if text.contains(['*', '?']) {
                report.value(at, format!("{text:?} is a pattern, and names no role"), remedy);
            } else if text.starts_with("arn:") && !(text.contains(":iam:") && text.contains(":role/")) {
                report.value(at, format!("{text:?} is not the ARN of a role"), remedy);
            }
        });
    }
}
