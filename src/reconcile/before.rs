//! Services that objects had under other names: found by the sweep, or known from what was declared before.
//! Must not know: what is done with them.

use std::collections::BTreeMap;

use crate::check::Desired;
use crate::kinds::service::{self, succession};
use crate::kinds::{Key, Kind, Object, Observed, tags};
use crate::observe::Seen;
use crate::plan::Before;
use crate::shape::{Time, Tree};

use super::pass::{Known, Shared};

/// By name, as last seen; not looked at yet, where what was declared before tells the name.
pub type Names = BTreeMap<String, Option<Seen>>;

/// The key of the declared object whose service this is, and not under its declared name.
pub fn key_of(desired: &Desired, cluster: &str, shown: &Tree, us: &tags::Ownership) -> Option<Key> {
    let name = succession::object_of(shown, us)?.to_owned();
    let place = desired.services().next()?.key.place.clone();
    let under = |cluster: Option<String>| {
        let key = Key::new(place.clone(), cluster, Kind::Service, name.clone());
        desired.objects.get_key_value(&key).map(|(declared, _)| declared.clone())
    };
    under(Some(cluster.to_owned())).or_else(|| if cluster == service::CLUSTER_DEFAULT { under(None) } else { None })
}

/// What was declared under another name may still be there.
pub fn renamed(known: &mut Known, old: &Object, new: &Object) {
    if old.key.kind == Kind::Service && old.aws_name() != new.aws_name() {
        known.before.entry(new.key.clone()).or_default().entry(old.aws_name().to_owned()).or_default();
    }
}

/// Takes in what a sweep found: a service that it does not list may still be on its way out.
pub fn swept(known: &mut Known, found: BTreeMap<Key, Names>, unlisted: BTreeMap<String, String>) {
    for (key, names) in found {
        known.before.entry(key).or_default().extend(names);
    }
    known.unlisted = unlisted;
}

/// The other services of an object, each by a look that is no older than `fresh_after`.
pub async fn of(shared: &Shared, desired: &Desired, object: &Object, fresh_after: Time) -> Before {
    if object.key.kind != Kind::Service {
        return Before::default();
    }
    let (names, unlisted) = {
        let known = shared.known();
        let unlisted = known.unlisted.get(service::cluster(object)).cloned();
        (known.before.get(&object.key).cloned().unwrap_or_default(), unlisted)
    };
    let mut before = Before { services: Vec::new(), unknown: unlisted };
    // What another object declares is that one's.
    let declared = |name: &str| {
        let is_it = |one: &Object| one.aws_name() == name && service::cluster(one) == service::cluster(object);
        desired.services().any(is_it)
    };
    for (name, seen) in names.into_iter().filter(|(name, _)| !declared(name)) {
        let seen = match seen.filter(|seen| seen.begun >= fresh_after) {
            Some(seen) => seen,
            None => shared.observer.service(service::cluster(object), &name).await,
        };
        let is_gone = match &seen.observed {
            Observed::Absent => true,
            Observed::Present(shown) => shown.text("status") == Some("INACTIVE"),
            Observed::Unknown(_) => false,
        };
        match &seen.observed {
            Observed::Present(shown) if !is_gone => before.services.push(shown.clone()),
            Observed::Unknown(why) => before.unknown = Some(why.clone()),
            Observed::Present(_) | Observed::Absent => {}
        }
        let mut known = shared.known();
        let names = known.before.entry(object.key.clone()).or_default();
        if is_gone {
            names.remove(&name);
        } else {
            names.insert(name, Some(seen));
        }
    }
    before
}
