//! Rollouts that failed, told to a person: what the status knows, and why the tasks stopped. Must not know: decisions.

use std::collections::BTreeMap;

use crate::check::Desired;
use crate::cli::{Terminal, draw, print};
use crate::kinds::{Key, Object};
use crate::plan::{Reason, Verdict};
use crate::reconcile::why::{self, Attempted};
use crate::reconcile::{Ended, Shared};
use crate::status::Status;

/// So many failed rollouts are told at length: each costs two reads, and nobody reads more.
const TOLD_MOST: usize = 5;

/// A block for each rollout that failed.
pub async fn tell(shared: &Shared, desired: &Desired, ended: &BTreeMap<Key, Ended>, status: &Status) {
    let terminal = Terminal::of_stdout();
    for (object, reason, message) in desired.services().filter_map(|object| failure(object, ended)).take(TOLD_MOST) {
        let shown = status.objects.get(&object.key);
        let attempted = attempted(shared, object, ended);
        let cause = match &attempted {
            // A person who may not read tasks is told the rest.
            Some(attempted) => why::ask(shared, desired, object, attempted).await.unwrap_or_default(),
            None => None,
        };
        let failure = draw::Failure {
            key: &object.key,
            reason: reason.as_str(),
            message,
            task_definition: attempted.as_ref().map(|attempted| attempted.task_definition.as_str()),
            cause: cause.as_deref(),
            rollout: shown.and_then(|one| one.rollout.as_deref()),
        };
        draw::failure(&terminal, &failure).iter().for_each(print::out);
    }
}

fn failure<'a>(object: &'a Object, ended: &'a BTreeMap<Key, Ended>) -> Option<(&'a Object, Reason, &'a str)> {
    let Some(Ended::Stands(Verdict::Blocked(reason, message))) = ended.get(&object.key) else { return None };
    let failed = [Reason::RolledBack, Reason::RolloutFailed, Reason::RolloutTimedOut].contains(reason);
    failed.then_some((object, *reason, message.as_str()))
}

/// What was set out for, as it is noted on the service.
fn attempted(shared: &Shared, object: &Object, ended: &BTreeMap<Key, Ended>) -> Option<Attempted> {
    Attempted::of(ended.get(&object.key)?, &shared.known().seen.shown(&object.key)?)
}
