//! Reads everything at once, so that the passes that follow need no calls to observe.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Desired;
use crate::kinds::{Key, Kind, lookup, service, tags};
use crate::observe::{Names, Seen, Sweep};
use crate::plan::known;

use super::pass::{Known, Shared, rolls};
use super::{before, lookups};

/// Observes all clusters the desired state speaks of, and what is in them.
pub async fn sweep(shared: &Shared, desired: &Desired) {
    let (names, keys) = declared(desired);
    let foreign = shared.known().foreign.clone();
    let take = |name: &(String, String), seen: Seen| match keys.get(name) {
        Some(key) => {
            let rolls = desired.objects.get(key).is_some_and(|object| rolls(object, &seen));
            let mut known = shared.known();
            // Rollouts that an operator before us began, or someone else did, count as well.
            if known.seen.see(key, &seen) && rolls && !known.gone.contains(key) {
                known.rolling.insert(key.clone());
            }
            None
        }
        None => Some(seen),
    };
    let (swept, ()) = tokio::join!(shared.observer.sweep(&names, &foreign, &take), networks(shared, desired));
    let mut groups = Vec::new();
    for object in desired.security_groups() {
        groups.push((object.key.clone(), lookups::security_group(shared, object, true).await));
    }
    let mut known = shared.known();
    for (key, seen) in groups {
        known.seen.see(&key, &seen);
    }
    undeclared(shared, desired, &mut known, &keys, &swept);
    for object in desired.clusters() {
        if let Some(seen) = swept.clusters.get(object.aws_name()) {
            known.seen.see(&object.key, seen);
        }
    }
    for (name, seen) in &swept.clusters {
        known.clusters.see(name, seen);
    }
    known.seen.retain(|key| desired.objects.contains_key(key));
    // Whose the revisions of a former owner are, only they themselves tell.
    if !known.seeded && shared.former.is_none() {
        known.seeded = true;
        let revisions = known::revisions(&desired.objects, |key| known.seen.shown(key));
        for (content, revision) in revisions {
            known.revisions.entry(content).or_insert(revision);
        }
    }
}

/// What selector terms may match: nothing is asked where there are none. Who needs it is told of a failure.
async fn networks(shared: &Shared, desired: &Desired) {
    for sort in lookup::SORTS {
        let groups = sort.list == lookup::GROUPS.list && desired.security_groups().next().is_some();
        if groups || desired.services().any(|service| service.lookup.needs(sort)) {
            drop(shared.observer.network_anew(sort).await);
        }
    }
}

/// The names of what is declared, by cluster, and the keys they stand for.
fn declared(desired: &Desired) -> (Names, BTreeMap<(String, String), Key>) {
    let (mut names, mut keys) = (Names::new(), BTreeMap::new());
    for object in desired.objects.values() {
        match object.key.kind {
            Kind::Cluster => drop(names.entry(object.aws_name().to_owned()).or_default()),
            Kind::Service => {
                let (cluster, name) = (service::cluster(object).to_owned(), object.aws_name().to_owned());
                names.entry(cluster.clone()).or_default().insert(name.clone());
                keys.insert((cluster, name), object.key.clone());
            }
            Kind::SecurityGroup | Kind::TaskDefinition => {}
        }
    }
    (names, keys)
}

/// Services that nobody declares: ours are orphans, and told of; the others are not looked at again.
fn undeclared(
    shared: &Shared,
    desired: &Desired,
    known: &mut Known,
    keys: &BTreeMap<(String, String), Key>,
    swept: &Sweep,
) {
    let (mut orphans, mut of_objects) = (BTreeSet::new(), BTreeMap::<Key, before::Names>::new());
    for ((cluster, name), seen) in &swept.services {
        let Some(shown) = seen.observed.present().filter(|shown| shown.text("status") == Some("ACTIVE")) else {
            continue;
        };
        let key = before::key_of(desired, cluster, shown, &shared.us);
        let goes = key.as_ref().and_then(|key| desired.objects.get(key));
        let goes = goes.is_some_and(|object| !object.reconcile.replace.is_empty());
        if let Some(key) = key {
            of_objects.entry(key).or_default().insert(name.clone(), Some(seen.clone()));
        }
        if goes {
            // Its object takes its place.
        } else if tags::owner(shown.list("tags"), &shared.us) == tags::Owner::Us {
            orphans.insert(format!("{cluster}/{name}"));
        } else {
            known.foreign.entry(cluster.clone()).or_default().insert(name.clone());
        }
    }
    for (cluster, name) in keys.keys() {
        if let Some(names) = known.foreign.get_mut(cluster) {
            names.remove(name);
        }
    }
    known.orphans = orphans;
    before::swept(known, of_objects, swept.unlisted.clone());
}
