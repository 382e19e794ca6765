//! Taking over a new desired state.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::check::Desired;
use crate::kinds::{Key, Kind, service};
use crate::plan::{Reason as Why, Verdict};
use crate::telemetry::{Priority, Reason};

use super::super::before;
use super::super::pass::Ended;
use super::Controller;

impl Controller {
    /// Takes the newest desired state over: what changed is due now.
    pub(super) fn absorb(&mut self) {
        let new = self.desired.borrow_and_update().clone();
        let old = std::mem::replace(&mut self.now_desired, new);
        self.dependents = dependents(&self.now_desired);
        for key in old.objects.keys() {
            if !self.now_desired.objects.contains_key(key) {
                self.forget(key);
            }
        }
        let due = self.changed_since(&old);
        // A task definition's change is its services' change.
        let built_on = due.iter().filter(|key| key.kind == Kind::TaskDefinition);
        let also: Vec<Key> = built_on.filter_map(|key| self.dependents.get(key)).flatten().cloned().collect();
        let now = self.shared.clock.now();
        for key in due.into_iter().chain(also) {
            self.care(&key).declared(now);
            self.add(key, Duration::ZERO, Priority::High, Reason::Revision);
        }
        if old.revision != self.now_desired.revision {
            self.shared.observer.network_outdated();
            self.release_the_brake();
        }
        self.changed = true;
    }

    /// Keys that are new or declared otherwise; another generation each.
    fn changed_since(&mut self, old: &Desired) -> Vec<Key> {
        let mut due = Vec::new();
        for (key, object) in &self.now_desired.objects {
            let before = old.objects.get(key);
            let same = before.is_some_and(|one| Arc::ptr_eq(one, object) || one.fingerprint() == object.fingerprint());
            if !same {
                self.status.object_mut(key).generation += 1;
                due.push(key.clone());
            }
        }
        let mut known = self.shared.known();
        for key in &due {
            if let (Some(before), Some(now)) = (old.objects.get(key), self.now_desired.objects.get(key)) {
                before::renamed(&mut known, before, now);
            }
            known.gone.remove(key);
            known.retained.remove(key);
        }
        // Their tags may have changed, which no content hash tells: they are looked for anew.
        known.revisions.retain(|(of, _), _| due.binary_search(of).is_err());
        due
    }

    fn forget(&mut self, key: &Key) {
        self.lane(key).queue.forget(key);
        self.care.remove(key);
        self.status.objects.remove(key);
        self.round.remove(key);
        self.drifting.remove(key);
        self.wait_for_room.remove(key);
        self.causes.forget(key);
        let mut known = self.shared.known();
        known.rolling.remove(key);
        known.replacing.remove(key);
        known.before.remove(key);
        known.started.remove(key);
        known.retained.remove(key);
        known.gone.insert(key.clone());
    }

    /// Whatever the brake held back, somebody has looked at the directory since.
    fn release_the_brake(&mut self) {
        let now = self.shared.clock.now();
        self.let_go.clear();
        let held =
            |ended: &Ended| matches!(ended, Ended::Drifted | Ended::Stands(Verdict::Blocked(Why::MassChange, _)));
        let held: Vec<Key> = self.lasts().filter(|(_, ended)| held(ended)).map(|(key, _)| key.clone()).collect();
        for key in held {
            self.drifting.remove(&key);
            self.care(&key).let_drift(now);
            self.add(key, Duration::ZERO, Priority::High, Reason::Revision);
        }
    }
}

fn dependents(desired: &Desired) -> BTreeMap<Key, Vec<Key>> {
    let mut dependents: BTreeMap<Key, Vec<Key>> = BTreeMap::new();
    let clusters: BTreeMap<&str, &Key> = desired.clusters().map(|object| (object.aws_name(), &object.key)).collect();
    for object in desired.services() {
        let task_definition = service::task_definition(object).manifest();
        let groups = object.lookup.names().map(|name| service::security_group(object, name));
        let cluster = clusters.get(service::cluster(object)).map(|key| (*key).clone());
        for key in task_definition.into_iter().chain(groups).chain(cluster) {
            // What is declared already is not kept twice.
            let key = desired.objects.get_key_value(&key).map_or(key, |(declared, _)| declared.clone());
            dependents.entry(key).or_default().push(object.key.clone());
        }
    }
    dependents
}
