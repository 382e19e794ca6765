//! What there is, by kind and id, as it is described but for what is worked out when someone looks: tags, free
//! addresses, states that time brings. Must not know: requests.

use std::collections::{BTreeMap, BTreeSet};

use crate::shape::Tree;
use crate::sim::ecs::Fault;

use super::pool::Pool;
use super::token::Tokens;

/// A kind of resource: what its ids look like, and how EC2 says that one is not there.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// As TagSpecifications and DescribeTags name it.
    pub name: &'static str,
    /// What ids begin with, before the hyphen.
    pub prefix: &'static str,
    /// The member that holds the id.
    pub id: &'static str,
    pub missing: &'static str,
    /// `{}` stands for the id.
    pub words: &'static str,
}

const fn kind(
    name: &'static str,
    prefix: &'static str,
    id: &'static str,
    missing: &'static str,
    words: &'static str,
) -> Kind {
    Kind { name, prefix, id, missing, words }
}

pub const VPC: Kind = kind("vpc", "vpc", "VpcId", "InvalidVpcID.NotFound", "The vpc ID '{}' does not exist");
pub const SUBNET: Kind =
    kind("subnet", "subnet", "SubnetId", "InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist");
pub const GROUP: Kind =
    kind("security-group", "sg", "GroupId", "InvalidGroup.NotFound", "The security group '{}' does not exist");
pub const RULE: Kind = kind(
    "security-group-rule",
    "sgr",
    "SecurityGroupRuleId",
    "InvalidSecurityGroupRuleId.NotFound",
    "The security group rule ID '{}' does not exist",
);
pub const ROUTE_TABLE: Kind =
    kind("route-table", "rtb", "RouteTableId", "InvalidRouteTableID.NotFound", "The routeTable ID '{}' does not exist");
pub const INTERNET_GATEWAY: Kind = kind(
    "internet-gateway",
    "igw",
    "InternetGatewayId",
    "InvalidInternetGatewayID.NotFound",
    "The internetGateway ID '{}' does not exist",
);
pub const NAT_GATEWAY: Kind =
    kind("natgateway", "nat", "NatGatewayId", "NatGatewayNotFound", "The Nat Gateway {} was not found");
pub const ADDRESS: Kind = kind(
    "elastic-ip",
    "eipalloc",
    "AllocationId",
    "InvalidAllocationID.NotFound",
    "The allocation ID '{}' does not exist",
);
pub const ENDPOINT: Kind = kind(
    "vpc-endpoint",
    "vpce",
    "VpcEndpointId",
    "InvalidVpcEndpointId.NotFound",
    "The Vpc Endpoint Id '{}' does not exist",
);
pub const INTERFACE: Kind = kind(
    "network-interface",
    "eni",
    "NetworkInterfaceId",
    "InvalidNetworkInterfaceID.NotFound",
    "The networkInterface ID '{}' does not exist",
);
pub const INSTANCE: Kind =
    kind("instance", "i", "InstanceId", "InvalidInstanceID.NotFound", "The instance ID '{}' does not exist");
pub const NETWORK_ACL: Kind =
    kind("network-acl", "acl", "NetworkAclId", "InvalidNetworkAclID.NotFound", "The networkAcl ID '{}' does not exist");

/// All kinds that can carry tags.
pub const KINDS: &[Kind] = &[
    VPC,
    SUBNET,
    GROUP,
    RULE,
    ROUTE_TABLE,
    INTERNET_GATEWAY,
    NAT_GATEWAY,
    ADDRESS,
    ENDPOINT,
    INTERFACE,
    INSTANCE,
    NETWORK_ACL,
];

impl Kind {
    /// The kind of an id, by what it begins with.
    pub fn of(id: &str) -> Option<&'static Kind> {
        let (prefix, _) = id.split_once('-')?;
        KINDS.iter().find(|kind| kind.prefix == prefix)
    }

    /// One of this kind is not there.
    pub fn missing(&self, id: &str) -> Fault {
        Fault::new(self.missing, self.words.replace("{}", id))
    }
}

/// Sets EC2's chance apart from the world's: what is made here must not change what ECS does.
const CHANCE_SALT: u64 = 0x0065_6332_6563_3265;

/// All of EC2 in the account and region.
#[derive(Debug)]
pub struct Ec2 {
    pub account: String,
    pub region: String,
    kept: BTreeMap<&'static str, BTreeMap<String, Tree>>,
    /// By the id of what they are on.
    pub(super) tags: BTreeMap<String, BTreeMap<String, String>>,
    /// The addresses of each subnet.
    pub(super) pools: BTreeMap<String, Pool>,
    /// Ids that ECS was told of and that nobody made.
    pub(super) named: BTreeSet<String>,
    /// What was asked with client tokens.
    pub(super) tokens: Tokens,
    chance: fastrand::Rng,
}

impl Ec2 {
    /// Nothing at all, not even a default VPC.
    pub(super) fn empty(account: &str, region: &str, seed: u64) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            kept: BTreeMap::new(),
            tags: BTreeMap::new(),
            pools: BTreeMap::new(),
            named: BTreeSet::new(),
            tokens: Tokens::default(),
            chance: fastrand::Rng::with_seed(seed ^ CHANCE_SALT),
        }
    }

    /// All of a kind, in the order of their ids.
    pub fn all(&self, kind: &Kind) -> impl Iterator<Item = (&String, &Tree)> {
        self.kept.get(kind.name).into_iter().flatten()
    }

    /// One of a kind.
    pub fn find(&self, kind: &Kind, id: &str) -> Option<&Tree> {
        self.kept.get(kind.name)?.get(id)
    }

    /// One of a kind.
    ///
    /// # Errors
    /// The kind's own for one that is not there.
    pub fn get(&self, kind: &Kind, id: &str) -> Result<&Tree, Fault> {
        self.find(kind, id).ok_or_else(|| kind.missing(id))
    }

    /// One of a kind, to change it.
    ///
    /// # Errors
    /// The kind's own for one that is not there.
    pub fn get_mut(&mut self, kind: &Kind, id: &str) -> Result<&mut Tree, Fault> {
        self.kept.get_mut(kind.name).and_then(|all| all.get_mut(id)).ok_or_else(|| kind.missing(id))
    }

    pub fn keep(&mut self, kind: &Kind, id: &str, tree: Tree) {
        self.kept.entry(kind.name).or_default().insert(id.to_owned(), tree.with(kind.id, id));
    }

    pub fn drop(&mut self, kind: &Kind, id: &str) {
        if let Some(all) = self.kept.get_mut(kind.name) {
            all.remove(id);
        }
        self.tags.remove(id);
        self.pools.remove(id);
        self.named.remove(id);
    }

    /// A new id.
    pub fn id(&mut self, prefix: &str) -> String {
        format!("{prefix}-0{}", self.hex(16))
    }

    pub fn hex(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from_digit(self.chance.u32(0..16), 16).unwrap_or('0')).collect()
    }

    /// A new hardware address; locally administered, as EC2's are.
    pub fn mac(&mut self) -> String {
        let pairs = (0..5).map(|_| self.hex(2)).collect::<Vec<_>>();
        format!("0a:{}", pairs.join(":"))
    }

    /// `arn:aws:ec2:REGION:ACCOUNT:` + `resource`.
    pub fn arn(&self, resource: &str) -> String {
        format!("arn:aws:ec2:{}:{}:{resource}", self.region, self.account)
    }

    /// The tags of a resource, as they are described.
    pub fn tags_of(&self, id: &str) -> Vec<Tree> {
        let tags = self.tags.get(id).into_iter().flatten();
        tags.map(|(key, value)| crate::tree! { "Key" => key, "Value" => value }).collect()
    }

    /// The default VPC's id.
    ///
    /// # Errors
    /// `VPCIdNotSpecified` where it was deleted.
    pub fn default_vpc(&self) -> Result<String, Fault> {
        let found = self.all(&VPC).find(|(_, vpc)| vpc.bool("IsDefault") == Some(true));
        found.map(|(id, _)| id.clone()).ok_or_else(|| Fault::new("VPCIdNotSpecified", "No default VPC for this user"))
    }
}
