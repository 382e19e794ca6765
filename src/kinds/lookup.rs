//! Subnets and security groups that a service names by selector terms, in Karpenter's words: a list of terms of which
//! any may match, each a set of conditions that all have to. Pure: what there is comes as an argument. Must not know:
//! who asked EC2, or when.

use std::collections::{BTreeMap, BTreeSet};

use crate::shape::near::nearest;
use crate::shape::{Call, Name, Path, Segment, Tree, json};
use crate::tree;

use super::hash;

/// A list of `awsvpcConfiguration` that terms may stand for, as a row.
#[derive(Debug)]
pub struct Sort {
    /// The member of `networkConfiguration` that holds the terms.
    pub terms: &'static str,
    /// The member of `awsvpcConfiguration` that they fill.
    pub list: &'static str,
    pub noun: &'static str,
    /// So many ECS takes (docs/ecs.md §9.4).
    pub most: usize,
    /// How EC2 describes them, and which members tell a term what it asks for.
    operation: &'static str,
    pub answer: &'static str,
    id: &'static str,
    /// Absent: the tag `Name`.
    name: Option<&'static str>,
    zone: Option<&'static str>,
}

pub static SUBNETS: Sort = Sort {
    terms: "subnetSelectorTerms",
    list: "subnets",
    noun: "subnet",
    most: 16,
    operation: "DescribeSubnets",
    answer: "Subnets",
    id: "SubnetId",
    name: None,
    zone: Some("AvailabilityZone"),
};

pub static GROUPS: Sort = Sort {
    terms: "securityGroupSelectorTerms",
    list: "securityGroups",
    noun: "security group",
    most: 5,
    operation: "DescribeSecurityGroups",
    answer: "SecurityGroups",
    id: "GroupId",
    name: Some("GroupName"),
    zone: None,
};

pub static SORTS: [&Sort; 2] = [&SUBNETS, &GROUPS];

/// EC2's largest page of both (EC2 API reference).
const PAGE: i64 = 1000;

impl Sort {
    /// The call that describes all there are. One for all services, whatever their terms: EC2's filters can't say "or"
    /// across tags, and what is not there can be told only by what is.
    pub fn describe(&self) -> Call {
        Call::ec2(self.operation, tree! { "MaxResults" => PAGE })
    }

    /// `2 subnets`.
    fn counted(&self, count: usize) -> String {
        format!("{count} {}{}", self.noun, if count == 1 { "" } else { "s" })
    }
}

/// A subnet or security group, as EC2 shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub id: String,
    pub name: Option<String>,
    pub vpc: String,
    pub zone: Option<String>,
    pub tags: BTreeMap<String, String>,
    /// All that EC2 shows of it.
    pub shown: Tree,
}

/// Reads an answer's list; a subnet that is not there yet, or not any more, is left out.
pub fn items(sort: &Sort, shown: &[Tree]) -> Vec<Item> {
    let usable = |one: &&Tree| one.text("State").is_none_or(|state| state == "available");
    let item = |one: &Tree| {
        let tag = |tag: &Tree| Some((tag.text("Key")?.to_owned(), tag.text("Value").unwrap_or_default().to_owned()));
        let tags: BTreeMap<String, String> = one.list("Tags").iter().filter_map(tag).collect();
        let name = match sort.name {
            Some(member) => one.text(member).map(str::to_owned),
            None => tags.get("Name").cloned(),
        };
        Some(Item {
            id: one.text(sort.id)?.to_owned(),
            name,
            vpc: one.text("VpcId").unwrap_or_default().to_owned(),
            zone: sort.zone.and_then(|member| one.text(member)).map(str::to_owned),
            tags,
            shown: one.clone(),
        })
    };
    let mut items: Vec<Item> = shown.iter().filter(usable).filter_map(item).collect();
    items.sort_by(|a, b| (&a.zone, &a.id).cmp(&(&b.zone, &b.id)));
    items
}

/// The terms of a service, as they are declared; absent where it names ids itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lookup {
    pub subnets: Option<Box<Tree>>,
    pub groups: Option<Box<Tree>>,
    /// All security groups, where some are named as SecurityGroups of the manifests.
    pub named: Option<Box<Tree>>,
}

impl Lookup {
    /// Takes the terms out of a spec, which then is as AWS's API takes it.
    pub fn take_from(spec: &mut Tree) -> Self {
        let network = spec.as_map_mut().and_then(|spec| spec.get_mut("networkConfiguration"));
        let Some(network) = network.filter(|network| matches!(network, Tree::Map(_))) else { return Self::default() };
        let (subnets, groups) = (network.remove(SUBNETS.terms), network.remove(GROUPS.terms));
        let named = groups.is_none().then(|| take_named(network)).flatten();
        let lookup = Self { subnets: subnets.map(Box::new), groups: groups.map(Box::new), named: named.map(Box::new) };
        if !lookup.is_empty() && network.get("awsvpcConfiguration").is_none() {
            network.set("awsvpcConfiguration", Tree::map());
        }
        lookup
    }

    pub fn of(&self, sort: &Sort) -> Option<&Tree> {
        if sort.terms == SUBNETS.terms { self.subnets.as_deref() } else { self.groups.as_deref() }
    }

    pub fn is_empty(&self) -> bool {
        self.subnets.is_none() && self.groups.is_none() && self.named.is_none()
    }

    /// Whether the list is filled by what is found out.
    fn fills(&self, sort: &Sort) -> bool {
        self.of(sort).is_some() || (sort.list == GROUPS.list && self.named.is_some())
    }

    /// The security groups that are named as manifests.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let all = self.named.as_deref().and_then(Tree::as_list).unwrap_or_default();
        all.iter().filter_map(Tree::as_text).filter(|name| !is_id(name))
    }

    /// Whether what there is of that sort must be known. Groups have to lie where the subnets do, so they ask for both.
    pub fn needs(&self, sort: &Sort) -> bool {
        self.groups.is_some() || self.of(sort).is_some()
    }

    /// The terms with an order that means nothing taken away; null without any.
    pub fn canonical(&self) -> Tree {
        let sorted = |terms: &Tree| {
            let mut all: Vec<String> = terms.as_list().unwrap_or_default().iter().map(json::write).collect();
            all.sort();
            Tree::from(all)
        };
        if self.is_empty() {
            return Tree::Null;
        }
        Tree::map()
            .with_some(SUBNETS.terms, self.subnets.as_deref().map(sorted))
            .with_some(GROUPS.terms, self.groups.as_deref().map(sorted))
            .with_some(GROUPS.list, self.named.as_deref().map(sorted))
    }
}

/// Takes the security groups where one of them is no id.
fn take_named(network: &mut Tree) -> Option<Tree> {
    let awsvpc = network.as_map_mut()?.get_mut("awsvpcConfiguration")?;
    let named = awsvpc.list(GROUPS.list).iter().filter_map(Tree::as_text).any(|name| !is_id(name));
    if named { awsvpc.remove(GROUPS.list) } else { None }
}

/// Whether it names a security group of EC2, and not of the manifests.
pub fn is_id(name: &str) -> bool {
    name.starts_with("sg-")
}

/// One term: all of it has to match.
#[derive(Clone, Debug, Default, PartialEq)]
struct Term {
    id: Option<String>,
    name: Option<String>,
    tags: BTreeMap<String, String>,
}

/// A tag's value that stands for any.
const ANY: &str = "*";

impl Term {
    fn of(tree: &Tree) -> Self {
        let text = |member: &str| tree.text(member).map(str::to_owned);
        let tags = tree.get("tags").and_then(Tree::as_map).into_iter().flatten();
        let tag = |(key, value): (&Name, &Tree)| Some((key.to_string(), value.as_text()?.to_owned()));
        Self { id: text("id"), name: text("name"), tags: tags.filter_map(tag).collect() }
    }

    fn matches(&self, item: &Item) -> bool {
        let has =
            |(key, value): (&String, &String)| item.tags.get(key).is_some_and(|theirs| value == ANY || theirs == value);
        let says = self.id.is_some() || self.name.is_some() || !self.tags.is_empty();
        says && self.id.as_ref().is_none_or(|id| *id == item.id)
            && self.name.as_ref().is_none_or(|name| item.name.as_ref() == Some(name))
            && self.tags.iter().all(has)
    }

    /// What comes nearest to it of what there is.
    fn nearest(&self, sort: &Sort, items: &[Item]) -> String {
        let known = |key: &str| items.iter().filter_map(|item| item.tags.get(key)).map(String::as_str).collect();
        let (what, there): (String, BTreeSet<&str>) = match (&self.id, &self.name, self.missed_tag(items)) {
            (Some(id), ..) => (format!("the id {id}"), items.iter().map(|item| item.id.as_str()).collect()),
            (None, Some(name), _) if !items.iter().any(|item| item.name.as_ref() == Some(name)) => {
                (format!("the name {name}"), items.iter().filter_map(|item| item.name.as_deref()).collect())
            }
            (_, _, Some((key, value))) if items.iter().any(|item| item.tags.contains_key(key)) => {
                (format!("the tag {key}: {value}"), known(key))
            }
            (_, _, Some((key, _))) => {
                let keys = items.iter().flat_map(|item| item.tags.keys()).map(String::as_str).collect();
                (format!("the tag {key}"), keys)
            }
            (..) => return format!("each part of it matches a {}, and none matches all", sort.noun),
        };
        let wanted = what.rsplit(' ').next().unwrap_or_default();
        match (nearest(wanted, there.iter().copied()), there.is_empty()) {
            (Some(near), _) => format!("{what} is on none; did you mean {near}?"),
            (None, true) => format!("{what} is on none, and there is nothing like it"),
            (None, false) => format!("{what} is on none; there are {}", some(there.into_iter())),
        }
    }

    /// The first tag that no item has so.
    fn missed_tag(&self, items: &[Item]) -> Option<(&str, &str)> {
        let has = |key: &str, value: &str| {
            items.iter().filter_map(|item| item.tags.get(key)).any(|theirs| value == ANY || theirs == value)
        };
        self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).find(|(key, value)| !has(key, value))
    }
}

/// More names than this tell nobody more.
const NAMED: usize = 8;

fn some<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    let left = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let told = names.join(", ");
    if left == 0 { told } else { format!("{told} and {left} more") }
}

/// What there is, as far as it was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct There<'a> {
    pub subnets: &'a [Item],
    pub groups: &'a [Item],
}

impl<'a> There<'a> {
    fn of(&self, sort: &Sort) -> &'a [Item] {
        if sort.terms == SUBNETS.terms { self.subnets } else { self.groups }
    }
}

/// What a service's terms stand for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolved {
    pub subnets: Option<Vec<Item>>,
    pub groups: Option<Vec<Item>>,
    pub named: Option<Vec<NamedGroup>>,
}

/// A security group by its id, or by its name in the manifests, whose id may not be known yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedGroup {
    pub name: Option<String>,
    pub id: Option<String>,
}

impl Resolved {
    pub fn of(&self, sort: &Sort) -> Option<&[Item]> {
        if sort.terms == SUBNETS.terms { self.subnets.as_deref() } else { self.groups.as_deref() }
    }

    /// The spec with the ids in their places.
    pub fn fill(&self, spec: &Tree) -> Tree {
        let mut spec = spec.clone();
        for sort in SORTS {
            if let Some(items) = self.of(sort) {
                set(&mut spec, sort, items.iter().map(|item| Tree::from(&item.id)).collect());
            }
        }
        if let Some(named) = &self.named {
            let ids = named.iter().filter_map(|group| group.id.as_ref());
            set(&mut spec, &GROUPS, ids.map(Tree::from).collect());
        }
        spec
    }

    /// The named groups that are not there yet.
    pub fn late(&self) -> impl Iterator<Item = &str> {
        let late = |group: &&NamedGroup| group.id.is_none();
        self.named.iter().flatten().filter(late).filter_map(|group| group.name.as_deref())
    }
}

/// The spec with what is live in place of what terms stand for: nothing differs there.
pub fn as_live(lookup: &Lookup, spec: &Tree, shown: &Tree) -> Tree {
    let mut spec = spec.clone();
    let live = shown.at(&["networkConfiguration", "awsvpcConfiguration"]).cloned().unwrap_or_default();
    for sort in SORTS.into_iter().filter(|sort| lookup.fills(sort)) {
        set(&mut spec, sort, live.list(sort.list).to_vec());
    }
    spec
}

/// A hash of the ids that terms have come to; `None` without terms.
pub fn hash(lookup: &Lookup, spec: &Tree) -> Option<String> {
    let network = spec.at(&["networkConfiguration", "awsvpcConfiguration"]).unwrap_or(&Tree::Null);
    let ids = SORTS.into_iter().filter(|sort| lookup.fills(sort)).map(|sort| {
        let mut ids: Vec<&str> = network.list(sort.list).iter().filter_map(Tree::as_text).collect();
        ids.sort_unstable();
        ids.join(",")
    });
    (!lookup.is_empty()).then(|| hash::short(&ids.collect::<Vec<_>>().join(" "), 8))
}

/// The spec without what terms stand for.
pub fn without(lookup: &Lookup, spec: &Tree) -> Tree {
    let mut spec = spec.clone();
    for sort in SORTS.into_iter().filter(|sort| lookup.fills(sort)) {
        if let Some(network) = awsvpc(&mut spec) {
            network.remove(sort.list);
        }
    }
    spec
}

/// Where the terms are declared that a value at this path stands for; none where it is no list of theirs.
pub fn terms_of(lookup: &Lookup, path: &Path) -> Option<Path> {
    let [Segment::Name(network), Segment::Name(awsvpc), Segment::Name(list), ..] = path.0.as_slice() else {
        return None;
    };
    let ours = network == "networkConfiguration" && awsvpc == "awsvpcConfiguration";
    let sort = SORTS.into_iter().find(|sort| ours && sort.list == list && lookup.of(sort).is_some())?;
    Some(Path::from("networkConfiguration").name(sort.terms))
}

fn set(spec: &mut Tree, sort: &Sort, ids: Vec<Tree>) {
    if let Some(network) = awsvpc(spec) {
        network.set(sort.list, ids);
    }
}

fn awsvpc(spec: &mut Tree) -> Option<&mut Tree> {
    let network = spec.as_map_mut()?.get_mut("networkConfiguration")?;
    network.as_map_mut()?.get_mut("awsvpcConfiguration")
}

/// The groups that a service names, by what is known of the manifests' ids.
pub fn named(lookup: &Lookup, id: impl Fn(&str) -> Option<String>) -> Option<Vec<NamedGroup>> {
    let one = |name: &str| match is_id(name) {
        true => NamedGroup { name: None, id: Some(name.to_owned()) },
        false => NamedGroup { name: Some(name.to_owned()), id: id(name) },
    };
    let all = lookup.named.as_ref()?.as_list().unwrap_or_default();
    Some(all.iter().filter_map(Tree::as_text).map(one).collect())
}

/// Whether the groups that a service names as manifests lie in one VPC, and in that of the subnets that its terms stand
/// for; `vpc` is what the manifest of a name says.
///
/// # Errors
/// In words for people, where ECS would not take them together.
pub fn fit<'a>(lookup: &Lookup, subnets: &[Item], vpc: impl Fn(&str) -> Option<&'a str>) -> Result<(), String> {
    let mut groups = lookup.names().filter_map(|name| Some((name, vpc(name)?)));
    let subnet = subnets.first().map(|subnet| (format!("the subnet {}", subnet.id), subnet.vpc.as_str()));
    let first = subnet.or_else(|| groups.next().map(|(name, vpc)| (format!("SecurityGroup/{name}"), vpc)));
    let Some((what, here)) = first else { return Ok(()) };
    match groups.find(|(_, vpc)| *vpc != here) {
        Some((name, other)) => Err(format!("SecurityGroup/{name} is of {other}, and {what} is of {here}")),
        None => Ok(()),
    }
}

/// What the terms of a service stand for. `spec` may name ids of the other sort itself.
///
/// # Errors
/// In words for people, when they stand for nothing that ECS would take; with what there is instead.
pub fn resolve(lookup: &Lookup, spec: &Tree, there: There<'_>) -> Result<Resolved, String> {
    let find = |sort: &Sort| lookup.of(sort).map(|terms| matching(sort, terms, there.of(sort))).transpose();
    let resolved = Resolved { subnets: find(&SUBNETS)?, groups: find(&GROUPS)?, named: None };
    let named: Vec<&str> = match spec.at(&["networkConfiguration", "awsvpcConfiguration"]) {
        Some(network) => network.list(SUBNETS.list).iter().filter_map(Tree::as_text).collect(),
        None => Vec::new(),
    };
    let subnets: Vec<&Item> = match &resolved.subnets {
        Some(items) => items.iter().collect(),
        None => there.subnets.iter().filter(|item| named.contains(&item.id.as_str())).collect(),
    };
    if resolved.subnets.is_some() {
        one_vpc(&SUBNETS, subnets.iter().copied())?;
    }
    let Some(groups) = &resolved.groups else { return Ok(resolved) };
    one_vpc(&GROUPS, groups.iter())?;
    match (subnets.first(), groups.first()) {
        (Some(subnet), Some(group)) if subnet.vpc != group.vpc => Err(format!(
            "{} leads to {} in {}, and the subnets are in {}",
            GROUPS.terms, group.id, group.vpc, subnet.vpc
        )),
        _ => Ok(resolved),
    }
}

/// The items that any of the terms matches, by zone and id.
fn matching(sort: &Sort, terms: &Tree, items: &[Item]) -> Result<Vec<Item>, String> {
    let terms: Vec<Term> = terms.as_list().unwrap_or_default().iter().map(Term::of).collect();
    let found: Vec<Item> = items.iter().filter(|item| terms.iter().any(|term| term.matches(item))).cloned().collect();
    if found.len() > sort.most {
        let count = sort.counted(found.len());
        return Err(format!("{} matches {count}; ECS takes at most {}", sort.terms, sort.most));
    }
    if !found.is_empty() {
        return Ok(found);
    }
    if items.is_empty() {
        return Err(format!("{} matches no {}: there is none at all", sort.terms, sort.noun));
    }
    let told: BTreeSet<String> = terms.iter().map(|term| term.nearest(sort, items)).collect();
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    Err(format!("{} matches none of {}: {}", sort.terms, sort.counted(items.len()), told.join("; ")))
}

fn one_vpc<'a>(sort: &Sort, items: impl Iterator<Item = &'a Item>) -> Result<(), String> {
    let mut vpcs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for item in items {
        vpcs.entry(&item.vpc).or_default().push(&item.id);
    }
    if vpcs.len() <= 1 {
        return Ok(());
    }
    let told: Vec<String> = vpcs.iter().map(|(vpc, ids)| format!("{} in {vpc}", some(ids.iter().copied()))).collect();
    Err(format!("{} matches {}s of {} VPCs: {}", sort.terms, sort.noun, vpcs.len(), told.join("; ")))
}

#[cfg(test)]
mod tests;
