//! Rollouts that failed, told to a person: what the status knows, and why the tasks stopped. Must not know: decisions.

use std::collections::BTreeMap;

use crate::check::Desired;
use crate::cli::{Terminal, draw, print};
use crate::kinds::tags::Attempt;
use crate::kinds::{Key, Object, service};
use crate::plan::{Reason, Verdict};
use crate::reconcile::{Ended, Shared};
use crate::rollout::why_stopped;
use crate::status::Status;

/// So many failed rollouts are told at length: each costs two reads, and nobody reads more.
const TOLD_MOST: usize = 5;

/// A block for each rollout that failed.
pub async fn tell(shared: &Shared, desired: &Desired, ended: &BTreeMap<Key, Ended>, status: &Status) {
    let terminal = Terminal::of_stdout();
    for (object, reason, message) in desired.services().filter_map(|object| failure(object, ended)).take(TOLD_MOST) {
        let shown = status.objects.get(&object.key);
        let revision = attempted(shared, object);
        let cause = match &revision {
            Some(revision) => cause(shared, desired, object, revision).await,
            None => None,
        };
        let failure = draw::Failure {
            key: &object.key,
            reason: reason.as_str(),
            message,
            task_definition: revision.as_deref(),
            cause: cause.as_deref(),
            rollout: shown.and_then(|one| one.rollout.as_ref()),
        };
        draw::failure(&terminal, &failure).iter().for_each(print::out);
    }
}

fn failure<'a>(object: &'a Object, ended: &'a BTreeMap<Key, Ended>) -> Option<(&'a Object, Reason, &'a str)> {
    let Some(Ended::Stands(Verdict::Blocked(reason, message))) = ended.get(&object.key) else { return None };
    let failed = [Reason::RolledBack, Reason::RolloutFailed, Reason::RolloutTimedOut].contains(reason);
    failed.then_some((object, *reason, message.as_str()))
}

/// The revision that we set out to deploy, as it is noted on the service.
fn attempted(shared: &Shared, object: &Object) -> Option<String> {
    let known = shared.known();
    let shown = known.seen.get(&object.key)?.observed.present()?;
    Some(Attempt::read(shown.list("tags"))?.task_definition)
}

/// Why its tasks stopped. A person who may not read tasks is told the rest.
async fn cause(shared: &Shared, desired: &Desired, object: &Object, revision: &str) -> Option<String> {
    let tasks = shared.observer.stopped_tasks(object).await.ok()?;
    Some(service::redact(object, &desired.objects, &why_stopped(&tasks, revision)?))
}
