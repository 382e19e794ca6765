//! Subnets and security groups: all of them, asked for once for all services, however many look.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::aws::CallError;
use crate::kinds::Observed;
use crate::kinds::lookup::{self, GROUPS, Item, Sort};
use crate::shape::Time;

use super::{Observer, Seen};

/// What is older is asked for anew before anything is made of it.
pub const FRESH: Duration = Duration::from_secs(180);
/// After a failure nobody asks again so soon, whoever comes.
pub const AGAIN: Duration = Duration::from_secs(15);

/// What is known of each sort, by the member that holds its terms.
#[derive(Debug, Default)]
pub struct Networks {
    known: Mutex<BTreeMap<&'static str, Known>>,
    /// Those who come while one asks wait for its answer.
    asking: tokio::sync::Mutex<()>,
    /// What was asked for before this may not know what people have made since.
    outdated: Mutex<Time>,
}

/// What there is, and when it was asked for.
type Answer = (Arc<Vec<Item>>, Time);

#[derive(Clone, Debug, Default)]
struct Known {
    /// The last good answer, and when it was asked for.
    items: Option<Answer>,
    /// The failure since, and when that was.
    failed: Option<(CallError, Time)>,
}

impl Known {
    fn since(&self, after: Time) -> Option<Answer> {
        self.items.clone().filter(|(_, begun)| *begun >= after)
    }
}

impl Observer {
    /// All subnets, or all security groups, that there are: from memory while that is fresh, else in one call a
    /// thousand. A failure that follows a fresh answer says nothing new.
    ///
    /// # Errors
    /// What AWS answered, now or just before, when there is no fresh answer.
    pub async fn network(&self, sort: &'static Sort) -> Result<Arc<Vec<Item>>, CallError> {
        self.network_since(sort, Time::default()).await.map(|(items, _)| items)
    }

    /// The same, asked for since the call, whatever is remembered.
    ///
    /// # Errors
    /// The same.
    pub async fn network_anew(&self, sort: &'static Sort) -> Result<Arc<Vec<Item>>, CallError> {
        self.network_since(sort, self.clock.now()).await.map(|(items, _)| items)
    }

    /// One security group among all, as `find` finds it; asked for since the call, unless `remembered` will do.
    pub async fn security_group(&self, remembered: bool, find: impl Fn(&[Item]) -> Option<&Item>) -> Seen {
        let now = self.clock.now();
        match self.network_since(&GROUPS, if remembered { Time::default() } else { now }).await {
            Ok((items, begun)) => {
                let found = find(&items).map(|item| Observed::Present(item.shown.clone()));
                self.seen(found.unwrap_or(Observed::Absent), None, begun)
            }
            Err(error) => {
                Seen { failure: Some(error.clone()), ..self.seen(Observed::Unknown(error.to_string()), None, now) }
            }
        }
    }

    /// People may have changed what there is: it is asked for anew, once, when somebody needs it.
    pub fn network_outdated(&self) {
        *self.networks.outdated.lock().unwrap_or_else(PoisonError::into_inner) = self.clock.now();
    }

    async fn network_since(&self, sort: &'static Sort, since: Time) -> Result<Answer, CallError> {
        let one_at_a_time = self.networks.asking.lock().await;
        let begun = self.clock.now();
        let (mut known, outdated) = (self.networks.of(sort), self.networks.outdated());
        let fresh = Time(begun.0.saturating_sub(Time(0).after(FRESH).0));
        if let Some(answer) = known.since(fresh.max(since).max(outdated)) {
            return Ok(answer);
        }
        let failed = known.failed.take().filter(|(_, at)| begun.since(*at) < AGAIN && *at >= outdated.max(since));
        if let Some((error, _)) = failed {
            return known.since(fresh).ok_or(error);
        }
        let answer = self.aws.pages(&sort.describe(), sort.answer).await;
        let result = match answer {
            Ok(reply) => {
                let items = Arc::new(lookup::items(sort, reply.tree.list(sort.answer)));
                known.items = Some((Arc::clone(&items), begun));
                Ok((items, begun))
            }
            Err(error) => {
                known.failed = Some((error.clone(), self.clock.now()));
                known.since(fresh).ok_or(error)
            }
        };
        self.networks.known.lock().unwrap_or_else(PoisonError::into_inner).insert(sort.terms, known);
        drop(one_at_a_time);
        result
    }
}

impl Networks {
    fn of(&self, sort: &Sort) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(sort.terms).cloned().unwrap_or_default()
    }

    fn outdated(&self) -> Time {
        *self.outdated.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
