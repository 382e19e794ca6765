//! The rules of security groups and their operations. Must not know: how permissions are read.

use std::collections::BTreeSet;

use crate::shape::{Tree, json};
use crate::sim::ecs::{Answer, Fault};
use crate::sim::world::World;
use crate::tree;

use super::super::listing::Listing;
use super::super::store::{Ec2, GROUP, RULE, VPC};
use super::super::{invalid, required, returned, tag, texts};
use super::{meant, permission};

pub const LISTING: Listing = Listing {
    ids: "SecurityGroupRuleIds",
    missing: |id| RULE.missing(id),
    id: "SecurityGroupRuleId",
    filter: "Filters",
    list: "SecurityGroupRules",
    filters: &[("group-id", "GroupId"), ("security-group-rule-id", "SecurityGroupRuleId")],
    all: |world| world.ec2.all(&RULE).map(|(id, rule)| show(&world.ec2, id, rule)).collect(),
};

/// Rules of one direction and one family of addresses.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>
const MOST: usize = 60;

fn show(ec2: &Ec2, id: &str, rule: &Tree) -> Tree {
    rule.clone()
        .with("GroupOwnerId", &ec2.account)
        .with("SecurityGroupRuleArn", ec2.arn(&format!("security-group-rule/{id}")))
        .with("Tags", ec2.tags_of(id))
}

/// The rules of a group in one direction.
pub fn of<'a>(ec2: &'a Ec2, group: &'a str, egress: bool) -> impl Iterator<Item = &'a Tree> {
    let all = ec2.all(&RULE).map(|(_, rule)| rule);
    all.filter(move |rule| rule.text("GroupId") == Some(group) && rule.bool("IsEgress") == Some(egress))
}

/// Gives a group one more rule; returns its id.
pub fn add(ec2: &mut Ec2, group: &str, egress: bool, rule: Tree) -> String {
    let id = ec2.id("sgr");
    ec2.keep(&RULE, &id, rule.with("GroupId", group).with("IsEgress", egress));
    id
}

/// Takes all rules of a group away.
pub fn drop_rules(ec2: &mut Ec2, group: &str) {
    let own = ec2.all(&RULE).filter(|(_, rule)| rule.text("GroupId") == Some(group));
    let own = own.map(|(id, _)| id.clone()).collect::<Vec<_>>();
    own.iter().for_each(|id| ec2.drop(&RULE, id));
}

fn vpc_of(ec2: &Ec2, group: &str) -> Result<String, Fault> {
    Ok(ec2.get(&GROUP, group)?.text("VpcId").unwrap_or_default().to_owned())
}

pub fn authorize_ingress(world: &mut World, input: &Tree) -> Answer {
    authorize(&mut world.ec2, input, false)
}

pub fn authorize_egress(world: &mut World, input: &Tree) -> Answer {
    authorize(&mut world.ec2, input, true)
}

fn authorize(ec2: &mut Ec2, input: &Tree, egress: bool) -> Answer {
    let group = meant(ec2, input)?;
    let rules = permission::read(ec2, &vpc_of(ec2, &group)?, input)?;
    let tags = tag::on_create(input, &RULE)?;
    let mut asked = BTreeSet::new();
    for rule in &rules {
        if !asked.insert(json::write(&permission::essence(rule))) {
            return Err(invalid("The same permission must not appear multiple times"));
        }
        judge_single(ec2, &group, egress, rule, None)?;
    }
    judge_count(ec2, &group, egress, &rules)?;
    let mut shown = Vec::new();
    for rule in rules {
        let id = add(ec2, &group, egress, rule);
        tag::put(ec2, &id, tags.clone());
        shown.push(show(ec2, &id, ec2.get(&RULE, &id)?));
    }
    Ok(tree! { "Return" => true, "SecurityGroupRules" => shown })
}

/// No two rules of a group say the same; the one that is being changed does not count.
fn judge_single(ec2: &Ec2, group: &str, egress: bool, rule: &Tree, except: Option<&str>) -> Result<(), Fault> {
    let mut others =
        of(ec2, group, egress).filter(|other| other.text("SecurityGroupRuleId") != except || except.is_none());
    let essence = permission::essence(rule);
    if others.any(|other| permission::essence(other) == essence) {
        let text = format!("the specified rule \"{}\" already exists", permission::worded(rule));
        return Err(Fault::new("InvalidPermission.Duplicate", text));
    }
    Ok(())
}

fn judge_count(ec2: &Ec2, group: &str, egress: bool, new: &[Tree]) -> Result<(), Fault> {
    let counts = |except: &str| {
        let counted = |rule: &&Tree| rule.get(except).is_none();
        of(ec2, group, egress).filter(counted).count() + new.iter().filter(counted).count()
    };
    // A rule without addresses counts in both families.
    if counts("CidrIpv6") > MOST || counts("CidrIpv4") > MOST {
        let text = "The maximum number of rules per security group has been reached.";
        return Err(Fault::new("RulesPerSecurityGroupLimitExceeded", text));
    }
    Ok(())
}

pub fn revoke_ingress(world: &mut World, input: &Tree) -> Answer {
    revoke(&mut world.ec2, input, false)
}

pub fn revoke_egress(world: &mut World, input: &Tree) -> Answer {
    revoke(&mut world.ec2, input, true)
}

fn revoke(ec2: &mut Ec2, input: &Tree, egress: bool) -> Answer {
    let group = meant(ec2, input)?;
    let (mut found, mut unknown) = (BTreeSet::new(), Vec::new());
    let ids = texts(input, "SecurityGroupRuleIds");
    for id in &ids {
        own(ec2, &group, egress, id)?;
        found.insert((*id).to_owned());
    }
    if ids.is_empty() {
        for rule in permission::read(ec2, &vpc_of(ec2, &group)?, input)? {
            match same(ec2, &group, egress, &rule) {
                Some(id) => drop(found.insert(id)),
                None => unknown.push(rule),
            }
        }
    }
    let default = ec2.get(&VPC, &vpc_of(ec2, &group)?)?.bool("IsDefault") == Some(true);
    if !unknown.is_empty() && !default {
        return Err(not_there());
    }
    let revoked = found.iter().filter_map(|id| ec2.find(&RULE, id)).map(shown_revoked).collect::<Vec<_>>();
    found.iter().for_each(|id| ec2.drop(&RULE, id));
    Ok(tree! {
        "Return" => unknown.is_empty(),
        "UnknownIpPermissions" => permission::grouped(unknown.iter()),
        "RevokedSecurityGroupRules" => revoked,
    })
}

/// In a default VPC, what is not there is told in the answer; elsewhere it is this error.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html>
fn not_there() -> Fault {
    Fault::new("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
}

fn shown_revoked(rule: &Tree) -> Tree {
    let mut shown = rule.clone();
    let group = shown.remove("ReferencedGroupInfo");
    shown.with_some("ReferencedGroupId", group.as_ref().and_then(|group| group.get("GroupId")))
}

fn same(ec2: &Ec2, group: &str, egress: bool, rule: &Tree) -> Option<String> {
    let essence = permission::essence(rule);
    let found = of(ec2, group, egress).find(|other| permission::essence(other) == essence);
    found.and_then(|rule| rule.text("SecurityGroupRuleId")).map(str::to_owned)
}

/// A rule of that group in that direction.
fn own<'a>(ec2: &'a Ec2, group: &str, egress: bool, id: &str) -> Result<&'a Tree, Fault> {
    let rule = ec2.get(&RULE, id)?;
    if rule.text("GroupId") == Some(group) && rule.bool("IsEgress") == Some(egress) {
        Ok(rule)
    } else {
        Err(RULE.missing(id))
    }
}

pub fn modify(world: &mut World, input: &Tree) -> Answer {
    let ec2 = &mut world.ec2;
    let group = meant(ec2, input)?;
    let vpc = vpc_of(ec2, &group)?;
    let mut changed = Vec::new();
    for update in input.list("SecurityGroupRules") {
        let id = required(update, "SecurityGroupRuleId")?.to_owned();
        let egress = ec2.get(&RULE, &id)?.bool("IsEgress") == Some(true);
        own(ec2, &group, egress, &id)?;
        let asked = update.get("SecurityGroupRule").cloned().unwrap_or_default();
        let rules = permission::read(ec2, &vpc, &tree! { "IpPermissions" => vec![folded(&asked)] })?;
        let [rule] = rules.as_slice() else {
            return Err(invalid("A security group rule must have exactly one source or destination."));
        };
        judge_single(ec2, &group, egress, rule, Some(&id))?;
        changed.push((id, rule.clone().with("GroupId", &group).with("IsEgress", egress)));
    }
    for (id, rule) in changed {
        ec2.keep(&RULE, &id, rule);
    }
    returned()
}

/// A rule's request as a permission.
fn folded(asked: &Tree) -> Tree {
    let described =
        |name: &str, value: &Tree| vec![tree! { name => value }.with_some("Description", asked.get("Description"))];
    let of = |member: &str, name: &str| asked.get(member).map(|value| described(name, value));
    Tree::map()
        .with_some("IpProtocol", asked.get("IpProtocol"))
        .with_some("FromPort", asked.get("FromPort"))
        .with_some("ToPort", asked.get("ToPort"))
        .with_some("IpRanges", of("CidrIpv4", "CidrIp"))
        .with_some("Ipv6Ranges", of("CidrIpv6", "CidrIpv6"))
        .with_some("PrefixListIds", of("PrefixListId", "PrefixListId"))
        .with_some("UserIdGroupPairs", of("ReferencedGroupId", "GroupId"))
}

pub fn describe_ingress(world: &mut World, input: &Tree) -> Answer {
    redescribe(&mut world.ec2, input, false)
}

pub fn describe_egress(world: &mut World, input: &Tree) -> Answer {
    redescribe(&mut world.ec2, input, true)
}

fn redescribe(ec2: &mut Ec2, input: &Tree, egress: bool) -> Answer {
    let group = meant(ec2, input)?;
    let mut texts = Vec::new();
    for one in input.list("SecurityGroupRuleDescriptions") {
        let id = required(one, "SecurityGroupRuleId")?;
        own(ec2, &group, egress, id)?;
        texts.push((id.to_owned(), one.text("Description").map(str::to_owned)));
    }
    if texts.is_empty() {
        for rule in permission::read(ec2, &vpc_of(ec2, &group)?, input)? {
            let id = same(ec2, &group, egress, &rule).ok_or_else(not_there)?;
            texts.push((id, rule.text("Description").map(str::to_owned)));
        }
    }
    texts.iter().filter_map(|(_, text)| text.as_deref()).try_for_each(permission::judge_description)?;
    for (id, text) in texts {
        let rule = ec2.get_mut(&RULE, &id)?;
        rule.remove("Description");
        if let Some(text) = text {
            rule.set("Description", text);
        }
    }
    returned()
}
