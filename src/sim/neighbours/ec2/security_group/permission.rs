//! Permissions, as requests give them and groups show them, and the rules they stand for: one rule a source. Must not
//! know: what rules there are.

use std::collections::BTreeMap;

use crate::shape::Tree;
use crate::sim::ecs::Fault;
use crate::tree;

use super::super::cidr::{Block, canonical_v6};
use super::super::listing::missing_parameter;
use super::super::store::{Ec2, GROUP};
use super::super::{invalid, required};

/// Characters of a rule's description.
const LONGEST: usize = 255;
const LETTERS: &str = "._-:/()#,@[]+=&;{}!$* ";
const ALL: &str = "-1";

/// The members of an input that stand for a single permission.
const FLAT: &[&str] = &["IpProtocol", "CidrIp", "SourceSecurityGroupName", "SourceSecurityGroupOwnerId"];

/// The rules that a request stands for, in EC2's canonical form.
///
/// # Errors
/// `InvalidParameterValue`, `MissingParameter`, `InvalidGroup.NotFound`.
pub fn read(ec2: &Ec2, vpc: &str, input: &Tree) -> Result<Vec<Tree>, Fault> {
    let flat = FLAT.iter().any(|name| input.get(name).is_some());
    let permissions = match (flat, input.list("IpPermissions")) {
        (true, []) => vec![unfolded(input)],
        (true, _) => {
            let text = "The parameter ipPermissions may not be used in combination with ipProtocol";
            return Err(Fault::new("InvalidParameterCombination", text));
        }
        (false, []) => return Err(missing_parameter("IpPermissions")),
        (false, permissions) => permissions.to_vec(),
    };
    let mut rules = Vec::new();
    for permission in &permissions {
        rules.extend(one(ec2, vpc, permission)?);
    }
    Ok(rules)
}

fn unfolded(input: &Tree) -> Tree {
    let range = input.text("CidrIp").map(|cidr| vec![tree! { "CidrIp" => cidr }]);
    let group = input.text("SourceSecurityGroupName").map(|name| {
        let owner = input.text("SourceSecurityGroupOwnerId");
        vec![tree! { "GroupName" => name }.with_some("UserId", owner)]
    });
    Tree::map()
        .with_some("IpProtocol", input.get("IpProtocol").or(Some(&Tree::from(ALL))))
        .with_some("FromPort", input.get("FromPort"))
        .with_some("ToPort", input.get("ToPort"))
        .with_some("IpRanges", range)
        .with_some("UserIdGroupPairs", group)
}

fn one(ec2: &Ec2, vpc: &str, permission: &Tree) -> Result<Vec<Tree>, Fault> {
    let base = traffic(permission)?;
    let mut rules = Vec::new();
    let described = |rule: Tree, source: &Tree| {
        let text = source.text("Description");
        text.map_or(Ok(()), judge_description).map(|()| rule.with_some("Description", text))
    };
    for range in permission.list("IpRanges") {
        rules.push(described(base.clone().with("CidrIpv4", v4(required(range, "CidrIp")?)?), range)?);
    }
    for range in permission.list("Ipv6Ranges") {
        rules.push(described(base.clone().with("CidrIpv6", v6(required(range, "CidrIpv6")?)?), range)?);
    }
    for list in permission.list("PrefixListIds") {
        rules.push(described(base.clone().with("PrefixListId", required(list, "PrefixListId")?), list)?);
    }
    for pair in permission.list("UserIdGroupPairs") {
        rules.push(described(base.clone().with("ReferencedGroupInfo", referenced(ec2, vpc, pair)?), pair)?);
    }
    Ok(rules)
}

/// Protocol and ports in canonical form: `-1` and protocols without ports have none.
fn traffic(permission: &Tree) -> Result<Tree, Fault> {
    let protocol = protocol(required(permission, "IpProtocol")?)?;
    let (from, to) = (permission.int("FromPort"), permission.int("ToPort"));
    let (from, to) = match protocol.as_str() {
        ALL => (-1, -1),
        "tcp" | "udp" => ports(from, to)?,
        "icmp" | "icmpv6" => (from.unwrap_or(-1), to.unwrap_or(-1)),
        _ => (-1, -1),
    };
    if !(-1..=65_535).contains(&from) || !(-1..=65_535).contains(&to) {
        return Err(invalid(format!("ICMP code ({to}) or type ({from}) out of range")));
    }
    Ok(tree! { "IpProtocol" => protocol, "FromPort" => from, "ToPort" => to })
}

fn ports(from: Option<i64>, to: Option<i64>) -> Result<(i64, i64), Fault> {
    let (Some(from), Some(to)) = (from, to) else {
        let text = "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.";
        return Err(invalid(text));
    };
    if (0..=65_535).contains(&from) && (from..=65_535).contains(&to) {
        Ok((from, to))
    } else {
        Err(invalid(format!("Invalid TCP/UDP port range ({from}:{to})")))
    }
}

/// EC2's name of a protocol: numbers become names where there is one.
fn protocol(text: &str) -> Result<String, Fault> {
    let unknown = || invalid(format!("Invalid value '{text}' for IP protocol. Unknown protocol."));
    let small = text.to_lowercase();
    let name = match small.as_str() {
        ALL | "all" => ALL,
        "tcp" | "6" => "tcp",
        "udp" | "17" => "udp",
        "icmp" | "1" => "icmp",
        "icmpv6" | "58" => "icmpv6",
        number => {
            number.parse::<u8>().map_err(|_| unknown())?;
            number
        }
    };
    Ok(name.to_owned())
}

fn v4(text: &str) -> Result<String, Fault> {
    let block = Block::read(text).ok_or_else(|| invalid(format!("CIDR block {text} is malformed")))?;
    Ok(block.to_string())
}

fn v6(text: &str) -> Result<String, Fault> {
    canonical_v6(text).ok_or_else(|| invalid(format!("CIDR block {text} is malformed")))
}

fn referenced(ec2: &Ec2, vpc: &str, pair: &Tree) -> Result<Tree, Fault> {
    let owner = pair.text("UserId").unwrap_or(&ec2.account).to_owned();
    let id = match (pair.text("GroupId"), pair.text("GroupName")) {
        (Some(id), _) => id.to_owned(),
        (None, Some(name)) => super::by_name(ec2, vpc, name).ok_or_else(|| GROUP.missing(name))?,
        (None, None) => return Err(missing_parameter("GroupId")),
    };
    // Another account's group can't be looked up.
    if owner == ec2.account {
        ec2.get(&GROUP, &id)?;
    }
    Ok(tree! { "GroupId" => id, "UserId" => owner })
}

pub fn judge_description(text: &str) -> Result<(), Fault> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || LETTERS.contains(letter);
    if text.chars().count() <= LONGEST && text.chars().all(allowed) {
        return Ok(());
    }
    Err(invalid(
        "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  \
         a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
    ))
}

/// What two rules of a direction must not both have.
pub fn essence(rule: &Tree) -> Tree {
    let mut bare = Tree::map();
    for name in ["IpProtocol", "FromPort", "ToPort", "CidrIpv4", "CidrIpv6", "PrefixListId"] {
        bare = bare.with_some(name, rule.get(name));
    }
    bare.with_some("Group", rule.at(&["ReferencedGroupInfo", "GroupId"]))
}

/// The rule as EC2's messages write it: `peer: 10.0.0.0/8, TCP, from port: 443, to port: 443, ALLOW`.
pub fn worded(rule: &Tree) -> String {
    let group = rule.at(&["ReferencedGroupInfo", "GroupId"]).and_then(Tree::as_text);
    let peers = ["CidrIpv4", "CidrIpv6", "PrefixListId"].iter().find_map(|name| rule.text(name));
    let peer = peers.or(group).unwrap_or_default();
    let protocol = rule.text("IpProtocol").unwrap_or_default();
    if protocol == ALL {
        return format!("peer: {peer}, ALL, ALLOW");
    }
    let port = |name| rule.int(name).unwrap_or(-1);
    let (protocol, from, to) = (protocol.to_uppercase(), port("FromPort"), port("ToPort"));
    format!("peer: {peer}, {protocol}, from port: {from}, to port: {to}, ALLOW")
}

/// Rules as a group shows them: one permission for each protocol and range of ports.
pub fn grouped<'a>(rules: impl Iterator<Item = &'a Tree>) -> Vec<Tree> {
    let mut permissions: BTreeMap<(String, i64, i64), [Vec<Tree>; 4]> = BTreeMap::new();
    for rule in rules {
        let port = |name| rule.int(name).unwrap_or(-1);
        let key = (rule.text("IpProtocol").unwrap_or(ALL).to_owned(), port("FromPort"), port("ToPort"));
        let [ranges, ranges_v6, lists, pairs] = permissions.entry(key).or_default();
        let described = |tree: Tree| tree.with_some("Description", rule.get("Description"));
        if let Some(cidr) = rule.get("CidrIpv4") {
            ranges.push(described(tree! { "CidrIp" => cidr }));
        } else if let Some(cidr) = rule.get("CidrIpv6") {
            ranges_v6.push(described(tree! { "CidrIpv6" => cidr }));
        } else if let Some(list) = rule.get("PrefixListId") {
            lists.push(described(tree! { "PrefixListId" => list }));
        } else if let Some(group) = rule.get("ReferencedGroupInfo") {
            pairs.push(described(group.clone()));
        }
    }
    let shown = |((protocol, from, to), [ranges, ranges_v6, lists, pairs]): ((String, i64, i64), [Vec<Tree>; 4])| {
        let ported = matches!(protocol.as_str(), "tcp" | "udp" | "icmp" | "icmpv6");
        tree! {
            "IpProtocol" => protocol,
            "IpRanges" => ranges,
            "Ipv6Ranges" => ranges_v6,
            "PrefixListIds" => lists,
            "UserIdGroupPairs" => pairs,
        }
        .with_some("FromPort", ported.then_some(from))
        .with_some("ToPort", ported.then_some(to))
    };
    permissions.into_iter().map(shown).collect()
}
