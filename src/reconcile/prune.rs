//! Deletes security groups of ours that no manifest declares any more, where their tags ask for it. Must not know: why one
//! may be deleted.

use std::collections::BTreeMap;

use crate::check::Desired;
use crate::kinds::lookup::GROUPS;
use crate::kinds::{Key, Kind, security_group};
use crate::lease::Claim;
use crate::plan::Reason;
use crate::plan::prune::{Undeclared, undeclared};
use crate::shape::Tree;
use crate::telemetry::Action;

use super::pass::Shared;

/// What is remembered of groups that nobody declares. A cache: what it says can be found out again.
#[derive(Clone, Debug, Default)]
pub struct Pruning {
    /// The revision that was looked at last, and whether anything was left to do.
    looked: Option<(String, bool)>,
    /// The revision at which the brake held: another one lets go.
    braked: Option<String>,
    /// Groups of ours that are left, by the names of their manifests, and what is told of them.
    pub left: BTreeMap<String, String>,
}

/// The groups that nobody declares. Where none are declared, EC2 is asked once a revision, and while one is left to
/// delete; what can't be asked deletes nothing.
pub async fn look(shared: &Shared, desired: &Desired) -> Vec<Undeclared> {
    let looked = shared.known().pruning.looked.clone();
    let declared = desired.security_groups().next().is_some();
    let again = looked.is_none_or(|(revision, pending)| pending || revision != desired.revision);
    if !desired.is_whole || !(declared || again) {
        return Vec::new();
    }
    let Ok(items) = shared.observer.network(&GROUPS).await else { return Vec::new() };
    let let_go = shared.known().pruning.braked.as_ref().is_some_and(|held| *held != desired.revision);
    undeclared(desired, &shared.us, &items, |id| users(shared, id), let_go)
}

/// Services that are seen to use a group.
fn users(shared: &Shared, id: &str) -> Vec<String> {
    let known = shared.known();
    let uses = |shown: &Tree| {
        let network = shown.at(&["networkConfiguration", "awsvpcConfiguration"]);
        let active = shown.text("status") != Some("INACTIVE");
        active && network.is_some_and(|vpc| vpc.list("securityGroups").iter().any(|one| one.as_text() == Some(id)))
    };
    known.seen.all_shown().filter(|(_, shown)| uses(shown)).map(|(key, _)| key.short()).collect()
}

/// Deletes what is due, and remembers what is left, and why.
pub async fn prune(shared: &Shared, desired: &Desired) {
    // Asked for before anything is looked at, as in a pass.
    let claim = shared.leadership.claim().ok();
    let all = look(shared, desired).await;
    // A plan file has no deletions, so none is approved by it.
    let claim = claim.filter(|_| !shared.observe_only && shared.approved.is_none());
    let mut left = BTreeMap::new();
    for one in &all {
        let why = match &one.held {
            Some((reason, message)) => Some(format!("{}: {message}", reason.as_str())),
            None => match claim.as_ref().filter(|_| one.deletes) {
                Some(claim) => delete(shared, one, claim).await,
                None => Some("nobody declares it".to_owned()),
            },
        };
        if let Some(why) = why {
            left.insert(one.name.clone(), format!("{} ({}; {why})", one.key(), one.id));
        }
    }
    if !desired.is_whole {
        return;
    }
    let mut known = shared.known();
    let pruning = &mut known.pruning;
    let pending = all.iter().any(|one| one.deletes);
    pruning.looked = Some((desired.revision.clone(), pending));
    let braked = all.iter().any(|one| matches!(&one.held, Some((Reason::MassChange, _))));
    pruning.braked = match pruning.braked.take() {
        None if braked => Some(desired.revision.clone()),
        // What was let go stays so until it is done.
        held => held.filter(|_| pending),
    };
    pruning.left = left;
}

/// Why it could not be deleted; what is used by something that we don't see waits as well.
async fn delete(shared: &Shared, one: &Undeclared, claim: &Claim) -> Option<String> {
    match shared.aws.write(&security_group::delete(&one.id), || claim.enter()).await {
        Ok(_) => {
            let key = Key::new(shared.place.clone(), None, Kind::SecurityGroup, one.name.clone());
            shared.metrics.change_applied(&key, Action::Deleted);
            shared.observer.network_outdated();
            None
        }
        Err(error) => Some(error.told()),
    }
}
