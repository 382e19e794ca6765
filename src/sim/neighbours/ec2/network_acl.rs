//! Network ACLs: the default one of each VPC, which lets everything through. Must not know: others.

use crate::shape::Tree;
use crate::sim::ecs::coverage::{Entry, partial};
use crate::sim::ecs::spread;
use crate::tree;

use super::listing::Listing;
use super::store::{Ec2, NETWORK_ACL, SUBNET};

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[partial(
    "DescribeNetworkAcls",
    |world, input| LISTING.answer(world, input),
    "ACLs other than the default ones, which let everything through",
)];

const LISTING: Listing = Listing {
    ids: "NetworkAclIds",
    missing: |id| NETWORK_ACL.missing(id),
    id: "NetworkAclId",
    filter: "Filters",
    list: "NetworkAcls",
    filters: &[
        ("association.association-id", "Associations.NetworkAclAssociationId"),
        ("association.network-acl-id", "Associations.NetworkAclId"),
        ("association.subnet-id", "Associations.SubnetId"),
        ("default", "IsDefault"),
        ("entry.cidr", "Entries.CidrBlock"),
        ("entry.egress", "Entries.Egress"),
        ("entry.protocol", "Entries.Protocol"),
        ("entry.rule-action", "Entries.RuleAction"),
        ("entry.rule-number", "Entries.RuleNumber"),
        ("network-acl-id", "NetworkAclId"),
        ("owner-id", "OwnerId"),
        ("vpc-id", "VpcId"),
    ],
    all: |world| world.ec2.all(&NETWORK_ACL).map(|(id, one)| show(&world.ec2, id, one)).collect(),
};

/// The rule that stands behind all others.
const LAST: i64 = 32_767;

/// The ACL that a VPC comes with.
pub fn make(ec2: &mut Ec2, vpc: &str) {
    let id = ec2.id("acl");
    ec2.keep(&NETWORK_ACL, &id, tree! { "VpcId" => vpc, "IsDefault" => true });
}

fn entries() -> Vec<Tree> {
    let entry = |egress: bool, number: i64, action: &str| {
        tree! {
            "CidrBlock" => "0.0.0.0/0",
            "Egress" => egress,
            "Protocol" => "-1",
            "RuleAction" => action,
            "RuleNumber" => number,
        }
    };
    let both = |egress| [entry(egress, 100, "allow"), entry(egress, LAST, "deny")];
    [true, false].into_iter().flat_map(both).collect()
}

fn show(ec2: &Ec2, id: &str, acl: &Tree) -> Tree {
    let own = ec2.all(&SUBNET).filter(|(_, subnet)| subnet.get("VpcId") == acl.get("VpcId"));
    let association = |(subnet, _): (&String, &Tree)| {
        tree! {
            "NetworkAclAssociationId" => format!("aclassoc-0{:016x}", spread(&format!("{id}/{subnet}"))),
            "NetworkAclId" => id,
            "SubnetId" => subnet,
        }
    };
    let associations = own.map(association).collect::<Vec<_>>();
    acl.clone()
        .with("Associations", associations)
        .with("Entries", entries())
        .with("OwnerId", &ec2.account)
        .with("Tags", ec2.tags_of(id))
}
