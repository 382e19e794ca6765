//! The rules of a security group as a set: each with one protocol, one range of ports and one source, in the spelling
//! that EC2 shows (EC2 API: IpPermission). Must not know: how they are written to EC2.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::kinds::normalise::Named;
use crate::shape::Tree;
use crate::tree;

/// Whom a rule lets in or out: the list of an `IpPermission` that names it, and the member that does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    Ipv4,
    Ipv6,
    PrefixList,
    Group,
}

impl Sort {
    pub const ALL: [Self; 4] = [Self::Ipv4, Self::Ipv6, Self::PrefixList, Self::Group];

    /// The list, and the member of its items.
    pub fn members(self) -> (&'static str, &'static str) {
        match self {
            Self::Ipv4 => ("IpRanges", "CidrIp"),
            Self::Ipv6 => ("Ipv6Ranges", "CidrIpv6"),
            Self::PrefixList => ("PrefixListIds", "PrefixListId"),
            Self::Group => ("UserIdGroupPairs", "GroupId"),
        }
    }
}

/// What tells one rule from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, `-1` for all, or a number.
    protocol: String,
    /// Ports, or ICMP's type and code; none where the protocol has neither.
    range: Option<(i64, i64)>,
    sort: Sort,
    source: String,
}

/// What rules are made of: their keys, and what people say of them.
pub type Rules = BTreeMap<Key, Option<String>>;

/// The rules of a list of `IpPermission`s.
pub fn read(permissions: &[Tree]) -> Rules {
    let mut rules = Rules::new();
    for (_, key, description) in flat(permissions) {
        rules.entry(key).or_insert(description);
    }
    rules
}

/// Each rule of a list of permissions: its name, the index of the permission it is from, and what is said of it.
pub fn items(permissions: &[Tree]) -> Vec<Named> {
    let mut items = BTreeMap::new();
    for (index, key, description) in flat(permissions) {
        let name = key.to_string();
        let value = Tree::from(description.unwrap_or_else(|| name.clone()));
        items.entry(name.clone()).or_insert(Named { name, index, value });
    }
    items.into_values().collect()
}

fn flat(permissions: &[Tree]) -> Vec<(usize, Key, Option<String>)> {
    let mut found = Vec::new();
    for (index, permission) in permissions.iter().enumerate() {
        let protocol = protocol(permission);
        let range = range(&protocol, permission);
        for sort in Sort::ALL {
            let (list, member) = sort.members();
            for item in permission.list(list) {
                let Some(source) = item.text(member).or_else(|| item.text("GroupName")) else { continue };
                let (protocol, source) = (protocol.clone(), spelled(sort, source));
                let description = item.text("Description").filter(|text| !text.is_empty()).map(str::to_owned);
                found.push((index, Key { protocol, range, sort, source }, description));
            }
        }
    }
    found
}

/// By its name where it has one (EC2 API: IpProtocol).
fn protocol(permission: &Tree) -> String {
    let text = match permission.get("IpProtocol") {
        Some(Tree::Text(text)) => text.to_ascii_lowercase(),
        Some(Tree::Int(number)) => number.to_string(),
        _ => "-1".to_owned(),
    };
    match text.as_str() {
        "6" => "tcp".to_owned(),
        "17" => "udp".to_owned(),
        "1" => "icmp".to_owned(),
        "58" => "icmpv6".to_owned(),
        "all" => "-1".to_owned(),
        _ => text,
    }
}

/// Only TCP and UDP have ports, and ICMP a type and a code; -1 stands for all of these.
fn range(protocol: &str, permission: &Tree) -> Option<(i64, i64)> {
    let (from, to) = (permission.int("FromPort"), permission.int("ToPort"));
    match protocol {
        "tcp" | "udp" => match (from, to) {
            (None | Some(-1), None | Some(-1)) => Some((0, 65_535)),
            (from, to) => Some((from.or(to)?, to.or(from)?)),
        },
        "icmp" | "icmpv6" => Some((from.unwrap_or(-1), to.filter(|_| from != Some(-1)).unwrap_or(-1))),
        _ => None,
    }
}

/// As EC2 shows it: without the bits beyond the mask, IPv6 in its shortest form.
fn spelled(sort: Sort, source: &str) -> String {
    let network = || {
        let (address, length) = source.split_once('/')?;
        let length: u32 = length.parse().ok()?;
        match sort {
            Sort::Ipv4 => {
                let bits = u32::from(address.parse::<Ipv4Addr>().ok()?);
                let mask = u32::MAX.checked_shl(32_u32.checked_sub(length)?).unwrap_or(0);
                Some(format!("{}/{length}", Ipv4Addr::from(bits & mask)))
            }
            Sort::Ipv6 => {
                let bits = u128::from(address.parse::<Ipv6Addr>().ok()?);
                let mask = u128::MAX.checked_shl(128_u32.checked_sub(length)?).unwrap_or(0);
                Some(format!("{}/{length}", Ipv6Addr::from(bits & mask)))
            }
            Sort::PrefixList | Sort::Group => None,
        }
    };
    network().unwrap_or_else(|| source.to_owned())
}

impl Key {
    /// The rule as an `IpPermission` of its own.
    pub fn permission(&self, description: Option<&str>) -> Tree {
        let (list, member) = self.sort.members();
        let item = Tree::map().with(member, &self.source).with_some("Description", description);
        let permission = tree! { "IpProtocol" => &self.protocol }.with(list, vec![item]);
        match self.range {
            Some((from, to)) => permission.with("FromPort", from).with("ToPort", to),
            None => permission,
        }
    }

    /// The rule that a group has from its beginning, for either family of addresses.
    pub fn everything(sort: Sort) -> Self {
        let source = if sort == Sort::Ipv6 { "::/0" } else { "0.0.0.0/0" };
        Self { protocol: "-1".into(), range: None, sort, source: source.into() }
    }

    /// A group that is named and not known by its id.
    pub fn unknown_group(&self) -> Option<&str> {
        (self.sort == Sort::Group && !self.source.starts_with("sg-")).then_some(self.source.as_str())
    }
}

/// `tcp 443 10.0.0.0/8`, `icmp 8/-1 0.0.0.0/0`, `all sg-1`.
impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let protocol = if self.protocol == "-1" { "all" } else { &self.protocol };
        match self.range {
            None => write!(f, "{protocol} {}", self.source),
            Some((kind, code)) if protocol.starts_with("icmp") => {
                write!(f, "{protocol} {kind}/{code} {}", self.source)
            }
            Some((from, to)) if from == to => write!(f, "{protocol} {from} {}", self.source),
            Some((from, to)) => write!(f, "{protocol} {from}-{to} {}", self.source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(permission: Tree) -> Vec<String> {
        read(&[permission]).keys().map(ToString::to_string).collect()
    }

    fn range(protocol: impl Into<Tree>, from: i64, to: i64, cidr: &str) -> Tree {
        let ranges = vec![tree! { "CidrIp" => cidr }];
        tree! { "IpProtocol" => Into::<Tree>::into(protocol), "FromPort" => from, "ToPort" => to, "IpRanges" => ranges }
    }

    #[test]
    fn spellings_of_one_rule_are_one_rule() {
        for (one, other) in [
            (range("tcp", 80, 80, "10.1.2.3/8"), range("6", 80, 80, "10.0.0.0/8")),
            (range("UDP", 53, 53, "0.0.0.0/0"), range(17, 53, 53, "1.2.3.4/0")),
            (range("-1", 0, 65_535, "10.0.0.0/8"), range("all", -1, -1, "10.0.0.0/8")),
            (range("tcp", 0, 65_535, "10.0.0.0/8"), range("tcp", -1, -1, "10.0.0.0/8")),
            (range("icmp", -1, -1, "10.0.0.0/8"), range("1", -1, 0, "10.0.0.0/8")),
            (range("50", 1, 2, "10.0.0.0/8"), range(50, 0, 0, "10.0.0.0/8")),
            (
                tree! { "IpProtocol" => "58", "Ipv6Ranges" => vec![tree! { "CidrIpv6" => "2001:DB8:0:0::1/32" }] },
                tree! { "IpProtocol" => "icmpv6", "FromPort" => -1, "ToPort" => -1,
                "Ipv6Ranges" => vec![tree! { "CidrIpv6" => "2001:db8::/32" }] },
            ),
        ] {
            assert_eq!(told(one.clone()), told(other), "{one:?}");
        }
        assert_eq!(told(range("icmp", 8, 0, "0.0.0.0/0")), ["icmp 8/0 0.0.0.0/0"]);
        assert_eq!(told(range("tcp", 80, 90, "0.0.0.0/0")), ["tcp 80-90 0.0.0.0/0"]);
    }

    #[test]
    fn a_permission_with_several_sources_is_several_rules_and_one_that_is_said_twice_is_one() {
        let ranges =
            vec![tree! { "CidrIp" => "10.0.0.0/8", "Description" => "in" }, tree! { "CidrIp" => "10.9.9.9/8" }];
        let whole = tree! {
            "IpProtocol" => "tcp", "FromPort" => 443, "ToPort" => 443, "IpRanges" => ranges,
            "PrefixListIds" => vec![tree! { "PrefixListId" => "pl-1" }],
            "UserIdGroupPairs" => vec![tree! { "GroupId" => "sg-1", "UserId" => "123456789012" }, tree! { "GroupName" => "db" }],
        };
        let rules = read(std::slice::from_ref(&whole));
        let names: Vec<String> = rules.keys().map(ToString::to_string).collect();
        assert_eq!(names, ["tcp 443 10.0.0.0/8", "tcp 443 pl-1", "tcp 443 db", "tcp 443 sg-1"]);
        let apart: Vec<Tree> = rules.iter().rev().map(|(key, text)| key.permission(text.as_deref())).collect();
        assert_eq!(read(&apart).into_keys().collect::<Vec<_>>(), rules.into_keys().collect::<Vec<_>>());
        let items = items(&[range("udp", 1, 1, "10.0.0.0/8"), whole]);
        assert_eq!(items.iter().map(|one| one.index).collect::<Vec<_>>(), [1, 1, 1, 1, 0]);
        assert_eq!(items[0].value, "in".into());
    }
}
