//! Whether what the service names of its network is there, and in one VPC. Must not know: routes, counts.

use std::collections::BTreeSet;

use crate::check::Report;
use crate::check::rule::Rule;
use crate::shape::{Path, Tree};

use super::{Case, GROUPS, SUBNETS, row};

pub const RULES: &[Rule] = &[
    row!(
        "preflight-subnet-missing",
        Error,
        Block,
        subnets,
        "Every subnet that a service names exists in the account and region; ECS refuses others, or its tasks never get \
         an interface."
    ),
    row!("preflight-subnet-state", Error, Wait, state, "A subnet is available before tasks are put into it."),
    row!(
        "preflight-group-missing",
        Error,
        Block,
        groups,
        "Every security group that a service names exists in the account and region."
    ),
    row!(
        "preflight-one-vpc",
        Error,
        Block,
        one_vpc,
        "Subnets and security groups of a service belong to one VPC; ECS refuses a mixture (ECS: subnets and security \
         groups must be in the same VPC)."
    ),
];

fn item(list: &str, index: usize) -> Path {
    Path::from(list).index(index)
}

fn subnets(case: &Case<'_>, report: &mut Report<'_>) {
    let network = &case.facts.network;
    for (index, id) in case.subnets() {
        match network.subnet(id) {
            Err(why) => return report.unknown(SUBNETS, "whether the subnets exist is not known", why),
            Ok(Some(_)) => {}
            Ok(None) => {
                let message = format!("the subnet {id} does not exist in {}", case.place.region);
                report.value(item(SUBNETS, index), message, "name one that is there");
            }
        }
    }
}

fn state(case: &Case<'_>, report: &mut Report<'_>) {
    for (index, id) in case.subnets() {
        let Ok(Some(subnet)) = case.facts.network.subnet(id) else { continue };
        if let Some(state) = subnet.text("State").filter(|state| *state != "available") {
            report.value(item(SUBNETS, index), format!("the subnet {id} is {state}"), "wait until it is available");
        }
    }
}

/// A group that the service names: its place in the list, its id, and the group where there is one.
type Named<'a> = (usize, &'a str, Option<&'a Tree>);

/// The groups that the service names.
fn named<'a>(case: &Case<'a>) -> Result<Vec<Named<'a>>, &'a str> {
    let all = case.facts.network.groups.known()?;
    let listed = case.vpc().map(|vpc| vpc.list("securityGroups")).unwrap_or_default();
    let found = |id: &str| all.iter().find(|group| group.text("GroupId") == Some(id));
    let named = listed.iter().enumerate().filter_map(|(index, id)| Some((index, id.as_text()?)));
    Ok(named.map(|(index, id)| (index, id, found(id))).collect())
}

fn groups(case: &Case<'_>, report: &mut Report<'_>) {
    let named = match named(case) {
        Ok(named) => named,
        Err(_) if case.vpc().is_none_or(|vpc| vpc.list("securityGroups").is_empty()) => return,
        Err(why) => return report.unknown(GROUPS, "whether the security groups exist is not known", why),
    };
    for (index, id, _) in named.into_iter().filter(|(_, _, group)| group.is_none()) {
        let message = format!("the security group {id} does not exist in {}", case.place.region);
        report.value(item(GROUPS, index), message, "name one that is there");
    }
}

/// What could not be looked at has been told of by the other checks.
fn one_vpc(case: &Case<'_>, report: &mut Report<'_>) {
    let vpc_of = |id: &str| case.facts.network.subnet(id).ok().flatten()?.text("VpcId");
    let subnets: Vec<(usize, &str, &str)> =
        case.subnets().filter_map(|(index, id)| Some((index, id, vpc_of(id)?))).collect();
    let Some((_, first, vpc)) = subnets.first().copied() else { return };
    let vpcs: BTreeSet<&str> = subnets.iter().map(|(_, _, vpc)| *vpc).collect();
    let evidence = || subnets.iter().map(|(_, id, vpc)| format!("{id} is in {vpc}")).collect::<Vec<_>>();
    if vpcs.len() > 1 {
        let message = format!("the subnets are in {} VPCs: {}", vpcs.len(), words(&vpcs));
        report.value(SUBNETS, message, "name subnets of one VPC");
        report.evidence(evidence());
        return;
    }
    for (index, id, group) in named(case).unwrap_or_default() {
        let Some(other) = group.and_then(|group| group.text("VpcId")).filter(|other| *other != vpc) else { continue };
        let message = format!("the security group {id} is in {other}, and the subnet {first} in {vpc}");
        report.value(item(GROUPS, index), message, format!("name a group of {vpc}"));
    }
}

fn words(set: &BTreeSet<&str>) -> String {
    set.iter().copied().collect::<Vec<_>>().join(", ")
}
