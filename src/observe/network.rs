//! Subnets and security groups: all of them, asked for once for all services, however many look.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::aws::CallError;
use crate::kinds::lookup::{self, Item, Sort};
use crate::shape::Time;

use super::Observer;

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

#[derive(Clone, Debug, Default)]
struct Known {
    /// The last good answer, and when it was asked for.
    items: Option<(Arc<Vec<Item>>, Time)>,
    /// The failure since, and when that was.
    failed: Option<(CallError, Time)>,
}

impl Known {
    fn since(&self, after: Time) -> Option<Arc<Vec<Item>>> {
        self.items.as_ref().filter(|(_, begun)| *begun >= after).map(|(items, _)| Arc::clone(items))
    }
}

impl Observer {
    /// All subnets, or all security groups, that there are: from memory while that is fresh, else in one call a
    /// thousand. A failure that follows a fresh answer says nothing new.
    ///
    /// # Errors
    /// What AWS answered, now or just before, when there is no fresh answer.
    pub async fn network(&self, sort: &'static Sort) -> Result<Arc<Vec<Item>>, CallError> {
        self.network_since(sort, Time::default()).await
    }

    /// The same, asked for since the call, whatever is remembered.
    ///
    /// # Errors
    /// The same.
    pub async fn network_anew(&self, sort: &'static Sort) -> Result<Arc<Vec<Item>>, CallError> {
        self.network_since(sort, self.clock.now()).await
    }

    /// People may have changed what there is: it is asked for anew, once, when somebody needs it.
    pub fn network_outdated(&self) {
        *self.networks.outdated.lock().unwrap_or_else(PoisonError::into_inner) = self.clock.now();
    }

    async fn network_since(&self, sort: &'static Sort, since: Time) -> Result<Arc<Vec<Item>>, CallError> {
        let one_at_a_time = self.networks.asking.lock().await;
        let begun = self.clock.now();
        let (mut known, outdated) = (self.networks.of(sort), self.networks.outdated());
        let fresh = Time(begun.0.saturating_sub(Time(0).after(FRESH).0));
        if let Some(items) = known.since(fresh.max(since).max(outdated)) {
            return Ok(items);
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
                Ok(items)
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
