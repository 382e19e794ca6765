//! The Lease object as it is read and written: every member may be missing, or nonsense. Must not know: HTTP, when.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::shape::Time;

use super::{DURATION_BELIEVED, LEASE_DURATION};

/// A Lease as it is stored; what is not ours in it stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record(Value);

/// Who holds a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder<'a> {
    /// It was given back: whoever comes first may have it.
    Nobody,
    /// Somebody, for a while after the record was seen to change.
    Held(&'a str),
    /// Nobody is named, and yet nobody gave it back: it is new, or a hand was at it. One who held it may still write.
    Unclear,
}

/// What a holder that steps down writes as its duration, as client-go does.
const GIVEN_BACK_SECS: u64 = 1;

impl Record {
    pub fn new(object: Value) -> Self {
        Self(object)
    }

    /// One that is not there yet.
    pub fn fresh(namespace: &str, name: &str) -> Self {
        Self(json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "namespace": namespace, "name": name },
        }))
    }

    pub fn object(&self) -> &Value {
        &self.0
    }

    /// Which version it is, of which object: that of one that was deleted and made anew differs.
    pub fn version(&self) -> (Option<&str>, Option<&str>) {
        let of = |name: &str| self.0.pointer(&format!("/metadata/{name}")).and_then(Value::as_str);
        (of("uid"), of("resourceVersion"))
    }

    pub fn holder(&self) -> Holder<'_> {
        let given_back = self.spec("leaseDurationSeconds").and_then(Value::as_u64) == Some(GIVEN_BACK_SECS);
        match self.spec("holderIdentity") {
            Some(Value::String(name)) if !name.is_empty() => Holder::Held(name),
            Some(Value::String(_) | Value::Null) | None if given_back => Holder::Nobody,
            _ => Holder::Unclear,
        }
    }

    /// How long after it was seen to change the record holds.
    pub fn duration(&self) -> Duration {
        let seconds = self.spec("leaseDurationSeconds").and_then(Value::as_u64).unwrap_or_default();
        Duration::from_secs(seconds).clamp(LEASE_DURATION, DURATION_BELIEVED)
    }

    fn spec(&self, name: &str) -> Option<&Value> {
        self.0.get("spec")?.get(name)
    }

    /// The same, held by `identity` from `wall` on; a new term where somebody else held it before.
    #[must_use]
    pub fn taken(&self, identity: &str, wall: Time) -> Self {
        let ours = self.holder() == Holder::Held(identity);
        let transitions = self.spec("leaseTransitions").and_then(Value::as_i64).filter(|count| *count >= 0);
        self.with(|spec| {
            spec.insert("holderIdentity".into(), identity.into());
            spec.insert("leaseDurationSeconds".into(), LEASE_DURATION.as_secs().into());
            spec.insert("renewTime".into(), micros(wall).into());
            if !ours {
                let count = transitions.map_or(0, |count| count.saturating_add(1).min(i64::from(i32::MAX)));
                spec.insert("leaseTransitions".into(), count.into());
                spec.insert("acquireTime".into(), micros(wall).into());
            }
        })
    }

    /// The same, given back.
    #[must_use]
    pub fn given_back(&self, wall: Time) -> Self {
        self.with(|spec| {
            spec.insert("holderIdentity".into(), "".into());
            spec.insert("leaseDurationSeconds".into(), GIVEN_BACK_SECS.into());
            spec.insert("renewTime".into(), micros(wall).into());
            spec.insert("acquireTime".into(), micros(wall).into());
        })
    }

    fn with(&self, change: impl FnOnce(&mut Map<String, Value>)) -> Self {
        let mut object = self.0.as_object().cloned().unwrap_or_default();
        let mut spec = object.get("spec").and_then(Value::as_object).cloned().unwrap_or_default();
        change(&mut spec);
        object.insert("spec".into(), spec.into());
        Self(object.into())
    }
}

/// As the API server wants it: with exactly six digits of a second.
fn micros(at: Time) -> String {
    at.to_string().replace('Z', "000Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ours_stays() {
        let stored = Record::new(json!({
            "metadata": { "name": "x", "uid": "u", "resourceVersion": "7", "labels": { "a": "b" } },
            "spec": { "holderIdentity": "a", "leaseDurationSeconds": 15, "leaseTransitions": 3, "strategy": "s" },
        }));
        let taken = stored.taken("b", Time(1_790_000_000_120));
        assert_eq!(taken.version(), (Some("u"), Some("7")));
        assert_eq!(taken.object().pointer("/metadata/labels/a"), Some(&json!("b")));
        assert_eq!(taken.object()["spec"]["strategy"], "s");
        assert_eq!(taken.object()["spec"]["leaseTransitions"], 4);
        assert_eq!(taken.object()["spec"]["renewTime"], "2026-09-21T14:13:20.120000Z");
        assert_eq!(taken.taken("b", Time(0)).object()["spec"]["leaseTransitions"], 4, "a renewal is no transition");
        let back = taken.given_back(Time(0));
        assert_eq!(back.holder(), Holder::Nobody);
        assert_eq!(back.object()["spec"]["leaseTransitions"], 4);
    }

    #[test]
    fn nonsense_is_held_by_nobody_that_is_known() {
        let holder = |spec: Value| {
            let record = Record::new(json!({ "spec": spec }));
            match record.holder() {
                Holder::Nobody => "nobody".to_owned(),
                Holder::Held(name) => name.to_owned(),
                Holder::Unclear => "?".to_owned(),
            }
        };
        assert_eq!(Record::new(Value::Null).holder(), Holder::Unclear);
        for (spec, expected) in [
            (json!(null), "?"),
            (json!({}), "?"),
            (json!([1]), "?"),
            (json!({ "holderIdentity": "" }), "?"),
            (json!({ "leaseDurationSeconds": 1 }), "nobody"),
            (json!({ "holderIdentity": "", "leaseDurationSeconds": 1 }), "nobody"),
            (json!({ "holderIdentity": "", "leaseDurationSeconds": 15 }), "?"),
            (json!({ "leaseDurationSeconds": "soon" }), "?"),
            (json!({ "holderIdentity": 7, "leaseDurationSeconds": 1 }), "?"),
            (json!({ "holderIdentity": "a" }), "a"),
        ] {
            assert_eq!(holder(spec.clone()), expected, "{spec}");
        }
        let seconds =
            |value: Value| Record::new(json!({ "spec": { "leaseDurationSeconds": value } })).duration().as_secs();
        for (value, expected) in [
            (json!(null), 15),
            (json!(1), 15),
            (json!(-3), 15),
            (json!(30), 30),
            (json!(i64::MAX), 60),
            (json!("x"), 15),
        ] {
            assert_eq!(seconds(value.clone()), expected, "{value}");
        }
        let wild = Record::new(json!({ "spec": { "leaseTransitions": i64::MAX, "holderIdentity": "x" } }));
        assert_eq!(wild.taken("a", Time(0)).object()["spec"]["leaseTransitions"], i32::MAX);
        assert_eq!(Record::new(json!("text")).taken("a", Time(0)).holder(), Holder::Held("a"));
    }
}
