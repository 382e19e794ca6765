//! What becomes of security groups of ours that no manifest declares any more (design D7a). Must not know: clients.
//!
//! A group is deleted only where its own tag says so, nothing uses it, and all that is declared has been read.

use crate::check::Desired;
use crate::kinds::lookup::Item;
use crate::kinds::{Kind, Prune, security_group, tags, tags::Owner, tags::Ownership};

use super::{Reason, brake};

/// A group of ours that is declared no more.
#[derive(Clone, Debug, PartialEq)]
pub struct Undeclared {
    /// As the manifest was called.
    pub name: String,
    pub id: String,
    /// Its tag asks for its deletion; else it is left.
    pub deletes: bool,
    /// Why it is not deleted now.
    pub held: Option<(Reason, String)>,
}

impl Undeclared {
    /// `SecurityGroup/web`.
    pub fn key(&self) -> String {
        format!("{}/{}", Kind::SecurityGroup, self.name)
    }

    /// Whether it is to be deleted now.
    pub fn is_due(&self) -> bool {
        self.deletes && self.held.is_none()
    }
}

/// The groups of ours among all there are that nobody declares; `users` tells what uses one, in words. None where
/// something of what is declared could not be read. `let_go`: many may be deleted at once.
pub fn undeclared(
    desired: &Desired,
    us: &Ownership,
    items: &[Item],
    users: impl Fn(&str) -> Vec<String>,
    let_go: bool,
) -> Vec<Undeclared> {
    if !desired.is_whole {
        return Vec::new();
    }
    let ours: Vec<&Item> = items.iter().filter(|item| is_ours(item, us)).collect();
    let found: Vec<&str> = desired
        .security_groups()
        .filter_map(|object| security_group::find(object, us, items))
        .map(|item| item.id.as_str())
        .collect();
    let name = |item: &Item| item.tags.get(tags::OBJECT).or(item.name.as_ref()).cloned().unwrap_or_default();
    // One whose manifest now says another VPC is still the manifest's.
    let declared = |item: &Item| {
        found.contains(&item.id.as_str()) || desired.security_groups().any(|object| object.key.name == name(item))
    };
    let gone: Vec<&Item> = ours.iter().filter(|item| !declared(item)).copied().collect();
    let deletes = |item: &Item| item.tags.get(tags::PRUNE).map(String::as_str) == Some(Prune::Delete.as_str());
    let (doomed, all) = (gone.iter().filter(|item| deletes(item)).count(), ours.len());
    let mass = !let_go && brake::is_mass_change(doomed, all);
    let one = |item: &&Item| {
        let held = deletes(item).then(|| held(item, items, &users)).flatten();
        let braked = || {
            let message = format!("{doomed} of {all} security groups would be deleted; commit anything to let it");
            (mass && deletes(item)).then_some((Reason::MassChange, message))
        };
        Undeclared { name: name(item), id: item.id.clone(), deletes: deletes(item), held: braked().or(held) }
    };
    gone.iter().map(one).collect()
}

fn is_ours(item: &Item, us: &Ownership) -> bool {
    tags::owner(item.shown.list("Tags"), us) == Owner::Us
}

/// Why a group that nobody declares has to stay for now.
fn held(item: &Item, items: &[Item], users: impl Fn(&str) -> Vec<String>) -> Option<(Reason, String)> {
    if item.tags.contains_key(tags::SUSPEND) {
        return Some((Reason::Suspended, format!("the tag {} is set", tags::SUSPEND)));
    }
    let refers = |other: &&Item| other.id != item.id && security_group::refers_to(&other.shown, &item.id);
    let rules = items.iter().filter(refers).map(|other| {
        let name = other.name.as_deref().unwrap_or_default();
        format!("the rules of {} ({name})", other.id)
    });
    let all: Vec<String> = users(&item.id).into_iter().chain(rules).collect();
    (!all.is_empty()).then(|| (Reason::DependencyNotReady, format!("it is in use by {}", all.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::lookup::{self, GROUPS};
    use crate::shape::Tree;
    use crate::tree;

    fn group(number: usize, owner: &str, prune: Option<&str>) -> Tree {
        let tag = |key: &str, value: &str| tree! { "Key" => key, "Value" => value };
        let name = format!("web-{number}");
        let mut all = vec![tag(tags::OWNER, owner), tag(tags::OBJECT, &name)];
        all.extend(prune.map(|prune| tag(tags::PRUNE, prune)));
        tree! { "GroupId" => format!("sg-{number}"), "GroupName" => name, "VpcId" => "vpc-1", "Tags" => all }
    }

    fn decide(is_whole: bool, let_go: bool, groups: Vec<Tree>) -> Vec<(String, bool, Option<Reason>)> {
        let us = Ownership { owner: "acme".into(), source: "prod".into() };
        let desired = Desired { is_whole, ..Desired::default() };
        let users = |id: &str| if id == "sg-9" { vec!["prod/Service/web".to_owned()] } else { vec![] };
        let all = undeclared(&desired, &us, &lookup::items(&GROUPS, &groups), users, let_go);
        all.into_iter().map(|one| (one.id.clone(), one.is_due(), one.held.map(|(reason, _)| reason))).collect()
    }

    #[test]
    fn only_what_is_ours_asks_for_it_and_is_used_by_nothing_is_deleted() {
        let groups = vec![
            group(1, "acme/prod", Some("Delete")),
            group(2, "acme/prod", None),
            group(3, "acme/prod", Some("Orphan")),
            group(4, "acme/test", Some("Delete")),
            group(9, "acme/prod", Some("Delete")),
        ];
        assert_eq!(
            decide(true, false, groups.clone()),
            [
                ("sg-1".to_owned(), true, None),
                ("sg-2".to_owned(), false, None),
                ("sg-3".to_owned(), false, None),
                ("sg-9".to_owned(), false, Some(Reason::DependencyNotReady)),
            ]
        );
        assert_eq!(decide(false, true, groups.clone()), [], "what was not read as a whole deletes nothing");
        let pair = tree! { "IpProtocol" => "-1", "UserIdGroupPairs" => vec![tree! { "GroupId" => "sg-1" }] };
        let referring = group(4, "acme/test", None).with("IpPermissions", vec![pair]);
        let told = decide(true, false, vec![groups[0].clone(), referring]);
        assert_eq!(told, [("sg-1".to_owned(), false, Some(Reason::DependencyNotReady))]);
    }

    #[test]
    fn many_are_deleted_only_when_somebody_has_looked() {
        let groups: Vec<Tree> = (10..16).map(|number| group(number, "acme/prod", Some("Delete"))).collect();
        assert!(
            decide(true, false, groups.clone()).iter().all(|(_, due, held)| !due && *held == Some(Reason::MassChange))
        );
        assert!(decide(true, true, groups.clone()).iter().all(|(_, due, _)| *due));
        assert!(decide(true, false, groups[..5].to_vec()).iter().all(|(_, due, _)| *due));
    }
}
