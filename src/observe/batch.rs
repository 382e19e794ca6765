//! Looks at single objects, gathered for a moment and asked for together.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::kinds::{Kind, Observed, definition};

use super::{Observer, Seen, described};

/// How long a look waits for company.
pub const WINDOW: Duration = Duration::from_millis(100);

/// What can be asked for in one call.
type Group = (Kind, Option<String>);
/// Who waits for which name.
type Waiting = BTreeMap<String, Vec<oneshot::Sender<Seen>>>;

/// The open batches.
#[derive(Debug, Default)]
pub struct Batches(Mutex<BTreeMap<Group, Waiting>>);

pub async fn look(observer: &Observer, kind: Kind, cluster: Option<&str>, name: &str) -> Seen {
    let begun = observer.clock.now();
    let (answer, answered) = oneshot::channel();
    let group = (kind, cluster.map(str::to_owned));
    let first = {
        let mut open = observer.batches.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = !open.contains_key(&group);
        open.entry(group.clone()).or_default().entry(name.to_owned()).or_default().push(answer);
        first
    };
    if first {
        tokio::spawn(send(observer.clone(), group));
    }
    let lost = |_| observer.seen(Observed::Unknown("the batch was given up".into()), None, begun);
    answered.await.unwrap_or_else(lost)
}

async fn send(observer: Observer, group: Group) {
    observer.clock.sleep(WINDOW).await;
    let waiting = observer.batches.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&group).unwrap_or_default();
    let (kind, cluster) = group;
    let names: Vec<String> = waiting.keys().cloned().collect();
    let mut waiting = waiting;
    for chunk in names.chunks(definition(kind).describe.limit.max(1)) {
        for (name, seen) in described(&observer, kind, cluster.as_deref(), chunk).await {
            for answer in waiting.remove(&name).unwrap_or_default() {
                // Whoever asked may have been dropped.
                drop(answer.send(seen.clone()));
            }
        }
    }
}
