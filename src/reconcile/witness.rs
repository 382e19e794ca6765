//! What an observation must show to be newer than our last write: AWS's reads may lag behind its writes for a while.
//! Must not know: what the write was for.

use std::time::Duration;

use crate::kinds::{Observed, tags};
use crate::rollout;
use crate::shape::{Call, Time, Tree};

/// How long AWS's answers may lag behind (AWS advises to allow for minutes); what then is still not shown is gone.
pub const LAG_MAX: Duration = Duration::from_secs(5 * 60);

/// What our last writes to a service left in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Witness {
    written: Time,
    attempt: Option<String>,
    deployment: Option<(String, Time)>,
}

impl Witness {
    /// Takes down what a call that AWS confirmed has left.
    pub fn take(&mut self, call: &Call, answer: &Tree, now: Time) {
        self.written = now;
        if let Some(attempt) = tags::read(call.input.list("tags")).get(tags::ATTEMPT) {
            self.attempt = Some((*attempt).to_owned());
        }
        let primary = answer.get("service").and_then(rollout::primary);
        let began = |primary: &Tree| Some((primary.text("id")?.to_owned(), created(primary)?));
        if let Some(deployment) = primary.and_then(began) {
            self.deployment = Some(deployment);
        }
    }

    /// Whether the observation does not know of our last write yet.
    pub fn is_missing_from(&self, observed: &Observed, now: Time) -> bool {
        if now.since(self.written) > LAG_MAX {
            return false;
        }
        let shown = match observed {
            Observed::Present(shown) => shown,
            Observed::Absent => return self.deployment.is_some(),
            Observed::Unknown(_) => return false,
        };
        let attempt = tags::read(shown.list("tags")).get(tags::ATTEMPT).copied();
        let forgets = self.attempt.as_deref().is_some_and(|ours| attempt != Some(ours));
        let precedes = self.deployment.as_ref().is_some_and(|(id, at)| {
            let there = shown.list("deployments").iter().any(|one| one.text("id") == Some(id));
            // After a rollback ours is gone, and the old one was touched later than ours began.
            !there && rollout::primary(shown).and_then(touched).is_some_and(|touched| touched < *at)
        });
        forgets || precedes
    }
}

fn created(deployment: &Tree) -> Option<Time> {
    deployment.get("createdAt").and_then(Time::from_tree)
}

fn touched(deployment: &Tree) -> Option<Time> {
    deployment.get("updatedAt").and_then(Time::from_tree).max(created(deployment))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn service(attempt: &str, id: &str, at: i64) -> Tree {
        let deployment = tree! { "id" => id, "status" => "PRIMARY", "createdAt" => Time(at) };
        tree! { "tags" => vec![tags::tag(tags::ATTEMPT, attempt)], "deployments" => vec![deployment] }
    }

    #[test]
    fn what_does_not_show_our_write_is_older_for_a_while() {
        let mut witness = Witness::default();
        let call = Call::ecs("TagResource", tree! { "tags" => vec![tags::tag(tags::ATTEMPT, "b")] });
        witness.take(&call, &Tree::map(), Time(10_000));
        let answer = tree! { "service" => service("b", "two", 11_000) };
        witness.take(&Call::ecs("UpdateService", Tree::map()), &answer, Time(11_000));
        let soon = Time(12_000);
        let mut rolled_back = service("b", "one", 1_000);
        let again = rolled_back.list("deployments")[0].clone().with("updatedAt", Time(11_800));
        rolled_back.set("deployments", vec![again]);
        for (observed, older) in [
            (Observed::Present(service("a", "one", 1_000)), true),
            (Observed::Present(service("b", "one", 1_000)), true),
            (Observed::Present(service("b", "two", 11_000)), false),
            (Observed::Present(service("b", "three", 11_500)), false),
            (Observed::Present(rolled_back.clone()), false),
            (Observed::Absent, true),
            (Observed::Unknown("throttled".into()), false),
        ] {
            assert_eq!(witness.is_missing_from(&observed, soon), older, "{observed:?}");
            assert!(!witness.is_missing_from(&observed, soon.after(LAG_MAX)), "{observed:?}");
        }
    }
}
