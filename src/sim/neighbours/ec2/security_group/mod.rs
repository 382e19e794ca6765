//! Security groups (this file) and their rules (`rule`, `permission`). A group's permissions are worked out from its
//! rules. Must not know: who is in a group but for that someone is.

mod permission;
mod rule;

use crate::shape::Tree;
use crate::sim::ecs::coverage::{Entry, full, partial};
use crate::sim::ecs::{Answer, Fault};
use crate::sim::world::World;
use crate::tree;

use super::listing::Listing;
use super::store::{Ec2, GROUP, RULE, SUBNET, VPC};
use super::{dependency, interface, invalid, required, tag};

pub use rule::drop_rules;

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    full("AuthorizeSecurityGroupEgress", rule::authorize_egress),
    full("AuthorizeSecurityGroupIngress", rule::authorize_ingress),
    full("CreateSecurityGroup", create),
    full("DeleteSecurityGroup", delete),
    full("DescribeSecurityGroupRules", |world, input| rule::LISTING.answer(world, input)),
    full("DescribeSecurityGroups", describe),
    full("ModifySecurityGroupRules", rule::modify),
    full("RevokeSecurityGroupEgress", rule::revoke_egress),
    full("RevokeSecurityGroupIngress", rule::revoke_ingress),
    partial("UpdateSecurityGroupRuleDescriptionsEgress", rule::describe_egress, "a default VPC's groups by name"),
    partial("UpdateSecurityGroupRuleDescriptionsIngress", rule::describe_ingress, "a default VPC's groups by name"),
];

const LISTING: Listing = Listing {
    ids: "GroupIds",
    missing: |id| GROUP.missing(id),
    id: "GroupId",
    filter: "Filters",
    list: "SecurityGroups",
    filters: &[
        ("description", "Description"),
        ("egress.ip-permission.cidr", "IpPermissionsEgress.IpRanges.CidrIp"),
        ("egress.ip-permission.from-port", "IpPermissionsEgress.FromPort"),
        ("egress.ip-permission.group-id", "IpPermissionsEgress.UserIdGroupPairs.GroupId"),
        ("egress.ip-permission.ipv6-cidr", "IpPermissionsEgress.Ipv6Ranges.CidrIpv6"),
        ("egress.ip-permission.prefix-list-id", "IpPermissionsEgress.PrefixListIds.PrefixListId"),
        ("egress.ip-permission.protocol", "IpPermissionsEgress.IpProtocol"),
        ("egress.ip-permission.to-port", "IpPermissionsEgress.ToPort"),
        ("egress.ip-permission.user-id", "IpPermissionsEgress.UserIdGroupPairs.UserId"),
        ("group-id", "GroupId"),
        ("group-name", "GroupName"),
        ("ip-permission.cidr", "IpPermissions.IpRanges.CidrIp"),
        ("ip-permission.from-port", "IpPermissions.FromPort"),
        ("ip-permission.group-id", "IpPermissions.UserIdGroupPairs.GroupId"),
        ("ip-permission.ipv6-cidr", "IpPermissions.Ipv6Ranges.CidrIpv6"),
        ("ip-permission.prefix-list-id", "IpPermissions.PrefixListIds.PrefixListId"),
        ("ip-permission.protocol", "IpPermissions.IpProtocol"),
        ("ip-permission.to-port", "IpPermissions.ToPort"),
        ("ip-permission.user-id", "IpPermissions.UserIdGroupPairs.UserId"),
        ("owner-id", "OwnerId"),
        ("vpc-id", "VpcId"),
    ],
    all: |world| world.ec2.all(&GROUP).map(|(id, group)| show(&world.ec2, id, group)).collect(),
};

/// The name of the group that every VPC comes with.
pub const DEFAULT: &str = "default";
const LONGEST: usize = 255;
/// Letters of names and descriptions.
const LETTERS: &str = "._-:/()#,@[]+=&;{}!$* ";

fn show(ec2: &Ec2, id: &str, group: &Tree) -> Tree {
    group
        .clone()
        .with("OwnerId", &ec2.account)
        .with("SecurityGroupArn", ec2.arn(&format!("security-group/{id}")))
        .with("IpPermissions", permission::grouped(rule::of(ec2, id, false)))
        .with("IpPermissionsEgress", permission::grouped(rule::of(ec2, id, true)))
        .with("Tags", ec2.tags_of(id))
}

/// A group that lets everything out; returns its id.
pub fn make(ec2: &mut Ec2, id: &str, vpc: &str, name: &str, description: &str) {
    ec2.keep(&GROUP, id, tree! { "VpcId" => vpc, "GroupName" => name, "Description" => description });
    let all = tree! { "IpProtocol" => "-1", "FromPort" => -1, "ToPort" => -1, "CidrIpv4" => "0.0.0.0/0" };
    rule::add(ec2, id, true, all);
}

/// The group that every VPC comes with: its members reach each other.
pub fn make_default(ec2: &mut Ec2, vpc: &str) {
    let id = ec2.id("sg");
    make(ec2, &id, vpc, DEFAULT, "default VPC security group");
    let own = tree! { "GroupId" => &id, "UserId" => &ec2.account };
    let all = tree! { "IpProtocol" => "-1", "FromPort" => -1, "ToPort" => -1, "ReferencedGroupInfo" => own };
    rule::add(ec2, &id, false, all);
}

/// The default group of a VPC.
pub fn default_of(ec2: &Ec2, vpc: &str) -> Option<String> {
    by_name(ec2, vpc, DEFAULT)
}

fn by_name(ec2: &Ec2, vpc: &str, name: &str) -> Option<String> {
    let is = |group: &Tree| group.text("VpcId") == Some(vpc) && group.text("GroupName") == Some(name);
    ec2.all(&GROUP).find(|(_, group)| is(group)).map(|(id, _)| id.clone())
}

/// The group of that name in a VPC.
///
/// # Errors
/// `InvalidGroup.NotFound`.
pub fn named_in(ec2: &Ec2, vpc: &str, name: &str) -> Result<String, Fault> {
    by_name(ec2, vpc, name).ok_or_else(|| GROUP.missing(name))
}

/// The groups of a task's interface: those named, or the default one of the subnet's VPC.
pub fn of_task(ec2: &Ec2, subnet: &str, named: Vec<String>) -> Vec<String> {
    if named.is_empty() {
        let vpc = ec2.find(&SUBNET, subnet).and_then(|subnet| subnet.text("VpcId")).unwrap_or_default();
        return default_of(ec2, vpc).into_iter().collect();
    }
    named
}

/// Groups for an interface in a VPC: those named, or its default one.
///
/// # Errors
/// `InvalidGroup.NotFound`; `InvalidParameter` for one of another VPC.
pub fn for_interface(ec2: &Ec2, vpc: &str, named: &[&str]) -> Result<Vec<String>, Fault> {
    for id in named {
        if ec2.get(&GROUP, id)?.text("VpcId") != Some(vpc) {
            let text = format!("Security group {id} and subnet belong to different networks.");
            return Err(Fault::new("InvalidParameter", text));
        }
    }
    match named {
        [] => Ok(default_of(ec2, vpc).into_iter().collect()),
        named => Ok(named.iter().map(|id| (*id).to_owned()).collect()),
    }
}

/// Groups as interfaces and machines show them.
pub fn identifiers(ec2: &Ec2, groups: &[String]) -> Vec<Tree> {
    let one = |id: &String| {
        let name = ec2.find(&GROUP, id).and_then(|group| group.text("GroupName")).unwrap_or(id);
        tree! { "GroupId" => id, "GroupName" => name }
    };
    groups.iter().map(one).collect()
}

/// The group that a request means, by its id, or by its name in the default VPC.
fn meant(ec2: &Ec2, input: &Tree) -> Result<String, Fault> {
    match (input.text("GroupId"), input.text("GroupName")) {
        (Some(id), _) => ec2.get(&GROUP, id).map(|_| id.to_owned()),
        (None, Some(name)) => {
            let vpc = ec2.default_vpc()?;
            let missing = || {
                let text = format!("The security group '{name}' does not exist in default VPC '{vpc}'");
                Fault::new(GROUP.missing, text)
            };
            by_name(ec2, &vpc, name).ok_or_else(missing)
        }
        (None, None) => {
            Err(Fault::new("MissingParameter", "The request must contain the parameter groupName or groupId"))
        }
    }
}

fn describe(world: &mut World, input: &Tree) -> Answer {
    let mut input = input.clone();
    let names = input.remove("GroupNames").unwrap_or_default();
    let mut ids = input.list("GroupIds").to_vec();
    for name in names.as_list().unwrap_or_default() {
        ids.push(Tree::from(meant(&world.ec2, &tree! { "GroupName" => name })?));
    }
    LISTING.answer(world, &input.with("GroupIds", Tree::List(ids)))
}

fn judge(name: &str, description: &str) -> Result<(), Fault> {
    let right = |text: &str| {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || LETTERS.contains(letter);
        !text.is_empty() && text.len() <= LONGEST && text.chars().all(allowed)
    };
    if name == DEFAULT {
        return Err(invalid("Cannot use reserved security group name: default"));
    }
    if name.starts_with("sg-") {
        return Err(invalid(format!(
            "Invalid value '{name}' for groupName. Group names may not be in the format sg-*"
        )));
    }
    for (member, text) in [("groupName", name), ("GroupDescription", description)] {
        if !right(text) {
            return Err(invalid(format!(
                "Value ({text}) for parameter {member} is invalid. Character sets beyond ASCII are not supported."
            )));
        }
    }
    Ok(())
}

fn create(world: &mut World, input: &Tree) -> Answer {
    let tags = tag::on_create(input, &GROUP)?;
    let (name, description) = (required(input, "GroupName")?, required(input, "Description")?);
    judge(name, description)?;
    let ec2 = &mut world.ec2;
    let vpc = input.text("VpcId").map_or_else(|| ec2.default_vpc(), |id| Ok(id.to_owned()))?;
    ec2.get(&VPC, &vpc)?;
    if by_name(ec2, &vpc, name).is_some() {
        let text = format!("The security group '{name}' already exists for VPC '{vpc}'");
        return Err(Fault::new("InvalidGroup.Duplicate", text));
    }
    let id = ec2.id("sg");
    make(ec2, &id, &vpc, name, description);
    tag::put(ec2, &id, tags);
    let (arn, tags) = (ec2.arn(&format!("security-group/{id}")), ec2.tags_of(&id));
    Ok(tree! { "GroupId" => id, "SecurityGroupArn" => arn, "Tags" => tags })
}

fn delete(world: &mut World, input: &Tree) -> Answer {
    let id = meant(&world.ec2, input)?;
    let group = world.ec2.get(&GROUP, &id)?;
    if group.text("GroupName") == Some(DEFAULT) {
        let text = format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
        return Err(Fault::new("CannotDelete", text));
    }
    let names = |one: &Tree| one.at(&["ReferencedGroupInfo", "GroupId"]).and_then(Tree::as_text) == Some(id.as_str());
    let referenced = |one: &Tree| one.text("GroupId") != Some(id.as_str()) && names(one);
    let holds = |one: &Tree| one.list("Groups").iter().any(|group| group.text("GroupId") == Some(id.as_str()));
    if world.ec2.all(&RULE).any(|(_, one)| referenced(one)) || interface::all(world).iter().any(holds) {
        return Err(dependency(format!("resource {id} has a dependent object")));
    }
    drop_rules(&mut world.ec2, &id);
    world.ec2.drop(&GROUP, &id);
    Ok(tree! { "Return" => true, "GroupId" => id })
}
