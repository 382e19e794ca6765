//! Reads everything at once, so that the passes that follow need no calls to observe.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Desired;
use crate::kinds::{Key, Kind};
use crate::plan::known;
use crate::rollout::{self, Progress};

use super::pass::Shared;

/// Observes all clusters the desired state speaks of, and all services in them.
pub async fn sweep(shared: &Shared, desired: &Desired) {
    let objects = &desired.objects;
    let mut clusters: BTreeSet<String> = objects.keys().filter_map(|key| key.cluster.clone()).collect();
    let declared = || objects.values().filter(|object| object.key.kind == Kind::Cluster);
    clusters.extend(declared().map(|object| object.aws_name().to_owned()));
    let in_cluster = objects.values().filter_map(|object| Some((object.key.cluster.clone()?, object)));
    let names: BTreeMap<(String, String), Key> =
        in_cluster.map(|(cluster, object)| ((cluster, object.aws_name().to_owned()), object.key.clone())).collect();
    let swept = shared.observer.sweep(&clusters, &names.keys().cloned().collect()).await;
    let mut known = shared.known();
    for (name, seen) in swept.services {
        if let Some(key) = names.get(&name) {
            known.see(key, seen);
        }
    }
    for object in declared() {
        if let Some(seen) = swept.clusters.get(object.aws_name()) {
            known.see(&object.key, seen.clone());
        }
    }
    for (name, seen) in swept.clusters {
        known.see_cluster(&name, seen);
    }
    known.seen.retain(|key, _| objects.contains_key(key));
    // Rollouts that an operator before us began, or someone else did, count as well.
    for object in objects.values().filter(|object| object.key.kind == Kind::Service) {
        let Some(seen) = known.seen.get(&object.key) else { continue };
        let Some(shown) = seen.observed.present().filter(|shown| shown.list("deployments").len() > 1) else { continue };
        let progress = rollout::progress(shown, object.reconcile.progress_deadline, seen.date);
        if matches!(progress, Progress::Rolling { .. } | Progress::Settling { .. }) {
            known.rolling.insert(object.key.clone());
        }
    }
    let observed = known.seen.iter().map(|(key, seen)| (key.clone(), seen.observed.clone())).collect();
    let revisions = known::revisions(objects, &observed);
    known.revisions.extend(revisions);
}
