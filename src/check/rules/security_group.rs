//! Security groups: their names, and what their rules say (EC2 API: CreateSecurityGroup, IpPermission).

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Subject, items};
use crate::kinds::security_group::rules::Sort;
use crate::kinds::security_group::{EGRESS, INGRESS};
use crate::shape::{Path, Tree};

use super::row;

/// In characters, of names and descriptions alike.
const LENGTH_MAX: usize = 255;

pub const RULES: &[Rule] = &[
    row!(
        "security-group-name",
        Error,
        Look::SecurityGroup(names),
        "Names and descriptions of security groups and of their rules have at most 255 characters: letters, digits, \
         blanks and . _ - : / ( ) # , @ [ ] + = & ; { } ! $ *; a name does not begin with sg- (EC2: CreateSecurityGroup)."
    ),
    row!(
        "security-group-rule",
        Error,
        Look::SecurityGroup(permissions),
        "A rule says a protocol, with TCP and UDP the ports, and from where or to where (EC2: IpPermission)."
    ),
];

fn names(group: &Subject<'_>, report: &mut Report<'_>) {
    for member in ["GroupName", "Description"] {
        text(group.spec, member, &Path::root(), report);
    }
    if group.spec.text("GroupName").is_some_and(|name| name.starts_with("sg-")) {
        report.value("GroupName", "a name that begins with sg- is taken for an id", "choose another name");
    }
    for (at, permission) in permissions_of(group) {
        for (list, _) in Sort::ALL.map(Sort::members) {
            for (at, item) in items(permission, &at, list) {
                text(item, "Description", &at, report);
            }
        }
    }
}

fn text(tree: &Tree, member: &str, at: &Path, report: &mut Report<'_>) {
    let Some(text) = tree.text(member) else { return };
    let fine = |letter: char| letter.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(letter);
    let at = at.name(member);
    if text.chars().count() > LENGTH_MAX {
        report.value(at, format!("{member} has more than {LENGTH_MAX} characters"), "write less");
    } else if let Some(letter) = text.chars().find(|letter| !fine(*letter)) {
        report.value(at, format!("{member} with {letter:?}, which EC2 does not take"), "leave it out");
    }
}

fn permissions_of<'a>(group: &Subject<'a>) -> impl Iterator<Item = (Path, &'a Tree)> + use<'a> {
    let spec = group.spec;
    [&INGRESS, &EGRESS].into_iter().flat_map(move |direction| items(spec, &Path::root(), direction.list))
}

fn permissions(group: &Subject<'_>, report: &mut Report<'_>) {
    for (at, permission) in permissions_of(group) {
        match permission.text("IpProtocol") {
            None => report.value(at.clone(), "a rule without a protocol", "write IpProtocol: tcp, or \"-1\" for all"),
            Some(protocol) => one(protocol, permission, &at, report),
        }
        let mut empty = true;
        for sort in Sort::ALL {
            let (list, member) = sort.members();
            for (at, item) in items(permission, &at, list) {
                empty = false;
                source(sort, item.text(member).or_else(|| item.text("GroupName")), member, &at, report);
            }
        }
        if empty {
            let message = "a rule that names nobody lets nobody through";
            report.value(at, message, "add IpRanges, Ipv6Ranges, PrefixListIds or UserIdGroupPairs");
        }
    }
}

/// IANA's numbers, and the names that EC2 knows.
fn one(protocol: &str, permission: &Tree, at: &Path, report: &mut Report<'_>) {
    let name = protocol.to_ascii_lowercase();
    let known = ["tcp", "udp", "icmp", "icmpv6", "all", "-1"].contains(&name.as_str());
    if !known && !name.parse::<u8>().is_ok_and(|number| number.to_string() == name) {
        let message = format!("{protocol:?} is no protocol");
        return report.value(at.name("IpProtocol"), message, "write tcp, udp, icmp, icmpv6, -1 or a number");
    }
    if !["tcp", "udp", "6", "17"].contains(&name.as_str()) {
        return;
    }
    match (permission.int("FromPort"), permission.int("ToPort")) {
        (Some(-1), Some(-1)) => {}
        (Some(from), Some(to)) if (0..=65_535).contains(&from) && (from..=65_535).contains(&to) => {}
        (Some(from), Some(to)) => {
            report.value(at.clone(), format!("{from} to {to} is no range of ports"), "write ports from 0 to 65535");
        }
        _ => report.value(at.clone(), format!("{name} without its ports"), "write FromPort and ToPort"),
    }
}

fn source(sort: Sort, text: Option<&str>, member: &str, at: &Path, report: &mut Report<'_>) {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return report.value(at.clone(), format!("{member} is missing"), "");
    };
    let fits = |most: u32, is_address: fn(&str) -> bool| {
        let parts = text.split_once('/');
        parts.is_some_and(|(address, length)| is_address(address) && length.parse().is_ok_and(|n: u32| n <= most))
    };
    let (fits, example) = match sort {
        Sort::Ipv4 => (fits(32, |address| address.parse::<Ipv4Addr>().is_ok()), "10.0.0.0/8"),
        Sort::Ipv6 => (fits(128, |address| address.parse::<Ipv6Addr>().is_ok()), "2001:db8::/32"),
        Sort::PrefixList => (text.starts_with("pl-"), "pl-0123456789abcdef0"),
        Sort::Group => (true, ""),
    };
    if !fits {
        report.value(at.name(member), format!("{text:?} is no {member}"), format!("write one such as {example}"));
    }
}
