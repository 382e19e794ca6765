//! SecurityGroup: who may reach what, as EC2 shows it. Must not know: which services use it.

pub mod rules;

use std::borrow::Cow;

use crate::shape::{Call, Tree};
use crate::tree;

use super::lookup::Item;
use super::normalise::{Row, named, owned};
use super::tags::{self, Ownership};
use super::{Definition, Describe, Effect, Kind, Object, Prune};
use rules::{Rules, Sort};

pub static DEFINITION: Definition = Definition {
    kind: Kind::SecurityGroup,
    service: "ec2",
    spec: "SecurityGroup",
    create: "CreateSecurityGroup",
    name_member: "GroupName",
    shown_as: &["SecurityGroup"],
    assigned: &["GroupId", "OwnerId", "SecurityGroupArn"],
    required: &["Description", "VpcId"],
    in_cluster: false,
    reserved: &[],
    tags: &tags::EC2,
    rows: ROWS,
    effects: &[
        ("GroupName", Effect::Replaces),
        ("Description", Effect::Replaces),
        ("VpcId", Effect::Replaces),
        ("Tags", Effect::Tags),
    ],
    describe: Describe {
        operation: "DescribeSecurityGroups",
        names: "GroupIds",
        limit: 1000,
        include: &[],
        answer: "SecurityGroups",
        shortened: &[],
    },
    list: None,
};

const ROWS: &[Row] = &[
    owned("GroupId"),
    owned("OwnerId"),
    owned("SecurityGroupArn"),
    owned("Tags"),
    named(INGRESS.list, rules::items),
    named(EGRESS.list, rules::items),
];

/// Which way rules look: the list that holds them, and what changes them.
#[derive(Debug, PartialEq)]
pub struct Direction {
    pub list: &'static str,
    authorize: &'static str,
    revoke: &'static str,
    describe: &'static str,
}

pub static INGRESS: Direction = Direction {
    list: "IpPermissions",
    authorize: "AuthorizeSecurityGroupIngress",
    revoke: "RevokeSecurityGroupIngress",
    describe: "UpdateSecurityGroupRuleDescriptionsIngress",
};

pub static EGRESS: Direction = Direction {
    list: "IpPermissionsEgress",
    authorize: "AuthorizeSecurityGroupEgress",
    revoke: "RevokeSecurityGroupEgress",
    describe: "UpdateSecurityGroupRuleDescriptionsEgress",
};

/// So many rules go into one call. Weak: EC2 names no bound; a group has 60 each way by default.
const BATCH: usize = 50;

/// The group among those that EC2 shows: by its VPC and name, or by our tag where either was changed.
pub fn find<'a>(object: &Object, us: &Ownership, items: &'a [Item]) -> Option<&'a Item> {
    let vpc = object.spec.text("VpcId").unwrap_or_default();
    let by_name = |item: &&Item| item.vpc == vpc && item.name.as_deref() == Some(object.aws_name());
    let (owner, name) = (us.to_string(), &object.key.name);
    let by_tag = |item: &&Item| item.tags.get(tags::OWNER) == Some(&owner) && item.tags.get(tags::OBJECT) == Some(name);
    items.iter().find(by_name).or_else(|| items.iter().find(by_tag))
}

/// Whether rules name groups by their names.
pub fn names_groups(object: &Object) -> bool {
    [&INGRESS, &EGRESS]
        .into_iter()
        .any(|direction| rules::read(object.spec.list(direction.list)).keys().any(|key| key.unknown_group().is_some()))
}

/// The object with the groups that its rules name by their names known by their ids, as far as they are there.
pub fn with_ids<'a>(object: &'a Object, items: &[Item]) -> Cow<'a, Object> {
    let vpc = object.spec.text("VpcId").unwrap_or_default();
    let id = |name: &str| items.iter().find(|item| item.vpc == vpc && item.name.as_deref() == Some(name));
    let mut changed = object.clone();
    for direction in [&INGRESS, &EGRESS] {
        let Some(Tree::List(permissions)) = changed.spec.as_map_mut().and_then(|spec| spec.get_mut(direction.list))
        else {
            continue;
        };
        for pair in permissions.iter_mut().flat_map(pairs) {
            let named = pair.get("GroupId").is_none().then(|| pair.text("GroupName")).flatten();
            if let Some(item) = named.and_then(id) {
                pair.set("GroupId", &item.id);
            }
        }
    }
    Cow::Owned(changed)
}

fn pairs(permission: &mut Tree) -> impl Iterator<Item = &mut Tree> {
    let list = permission.as_map_mut().and_then(|members| members.get_mut(Sort::Group.members().0));
    let items = match list {
        Some(Tree::List(items)) => Some(items.iter_mut()),
        _ => None,
    };
    items.into_iter().flatten()
}

/// The spec with what absent egress means: all may go out, as after creation (EC2 API: CreateSecurityGroup). A VPC with
/// IPv6 lets that out as well, which is seen by what is shown.
pub fn filled(spec: &Tree, shown: &Tree) -> Tree {
    if spec.get(EGRESS.list).is_some_and(|egress| *egress != Tree::Null) {
        return spec.clone();
    }
    let live = rules::read(shown.list(EGRESS.list));
    let everything = [Sort::Ipv4, Sort::Ipv6]
        .into_iter()
        .filter(|sort| *sort == Sort::Ipv4 || live.contains_key(&rules::Key::everything(Sort::Ipv6)));
    let permissions: Vec<Tree> = everything.map(|sort| rules::Key::everything(sort).permission(None)).collect();
    spec.clone().with(EGRESS.list, permissions)
}

/// What has to be done to rules so that they are what is wanted.
#[derive(Debug, Default, PartialEq)]
pub struct Moves {
    pub authorize: Rules,
    pub describe: Rules,
    pub revoke: Rules,
    /// Groups that rules name and that are not there yet.
    pub unknown: Vec<String>,
}

impl Moves {
    /// From what is shown to what is wanted, in one direction.
    pub fn between(direction: &Direction, wanted: &Tree, shown: &Tree) -> Self {
        let (wanted, live) = (rules::read(wanted.list(direction.list)), rules::read(shown.list(direction.list)));
        let mut moves = Self::default();
        for (key, description) in &wanted {
            match live.get(key) {
                _ if key.unknown_group().is_some() => moves.unknown.extend(key.unknown_group().map(str::to_owned)),
                None => drop(moves.authorize.insert(key.clone(), description.clone())),
                Some(other) if other != description => drop(moves.describe.insert(key.clone(), description.clone())),
                Some(_) => {}
            }
        }
        moves.revoke = live.into_iter().filter(|(key, _)| !wanted.contains_key(key)).collect();
        moves
    }

    /// The calls: what is let through more comes before what is let through no more, so that nothing is cut off
    /// between.
    pub fn calls(&self, direction: &Direction, group: &str) -> Vec<Call> {
        let batches = |operation: &'static str, rules: &Rules, described: bool| {
            let permission = |(key, description): (&rules::Key, &Option<String>)| {
                key.permission(description.as_deref().filter(|_| described))
            };
            let all: Vec<Tree> = rules.iter().map(permission).collect();
            let call = move |some: &[Tree]| {
                Call::ec2(operation, tree! { "GroupId" => group, "IpPermissions" => some.to_vec() })
            };
            all.chunks(BATCH).map(call).collect::<Vec<_>>()
        };
        let mut calls = batches(direction.authorize, &self.authorize, true);
        calls.extend(batches(direction.describe, &self.describe, true));
        calls.extend(batches(direction.revoke, &self.revoke, false));
        calls
    }
}

/// Creates it with its tags in the same call. Its rules follow when its id is known.
pub fn create(object: &Object, us: &Ownership) -> Call {
    let mut ours = vec![tags::tag(tags::OWNER, &us.to_string()), tags::tag(tags::OBJECT, &object.key.name)];
    ours.extend(memory(object).into_iter().filter_map(|(key, value)| Some(tags::tag(key, &value?))));
    let all = in_ec2s_words(object.tags().iter().chain(&ours));
    let tags = tree! { "ResourceType" => "security-group", "Tags" => all };
    let input = tree! { "GroupName" => object.aws_name(), "TagSpecifications" => vec![tags] }
        .with_some("Description", object.spec.get("Description"))
        .with_some("VpcId", object.spec.get("VpcId"));
    Call::ec2("CreateSecurityGroup", input)
}

/// Adds or changes tags.
pub fn tag(group: &str, missing: &[Tree]) -> Call {
    Call::ec2("CreateTags", tree! { "Resources" => vec![group], "Tags" => in_ec2s_words(missing.iter()) })
}

/// Takes tags away, whatever their values.
pub fn untag(group: &str, keys: &[&str]) -> Call {
    let tags: Vec<Tree> = keys.iter().map(|key| tree! { "Key" => *key }).collect();
    Call::ec2("DeleteTags", tree! { "Resources" => vec![group], "Tags" => tags })
}

pub fn delete(group: &str) -> Call {
    Call::ec2("DeleteSecurityGroup", tree! { "GroupId" => group })
}

/// Our memory of what the manifest says beside its rules: what each of these tags is to be, if anything.
pub fn memory(object: &Object) -> [(&'static str, Option<String>); 2] {
    let prune = (object.reconcile.prune == Prune::Delete).then(|| Prune::Delete.as_str().to_owned());
    [(tags::PRUNE, prune), (tags::DECLARED, tags::declared(object.tags()))]
}

/// Whether rules of a group name another by its id.
pub fn refers_to(shown: &Tree, id: &str) -> bool {
    let permissions = [&INGRESS, &EGRESS].into_iter().flat_map(|direction| shown.list(direction.list));
    permissions.flat_map(|one| one.list(Sort::Group.members().0)).any(|pair| pair.text("GroupId") == Some(id))
}

fn in_ec2s_words<'a>(all: impl Iterator<Item = &'a Tree>) -> Vec<Tree> {
    let all: Vec<Tree> = all.cloned().collect();
    tags::read(&all).into_iter().map(|(key, value)| tree! { "Key" => key, "Value" => value }).collect()
}
