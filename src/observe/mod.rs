//! What AWS shows, asked for in as few calls as its batches allow. Must not know: why someone asks.
//!
//! A sweep reads everything of some clusters; a look reads one object, together with whatever else is looked at in
//! the same moment. Task definition revisions are immutable: once read they cost nothing.

mod batch;
mod ground;
mod network;
mod sightings;
mod stopped;
mod sweep;
mod usage;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::aws::{Aws, CallError};
use crate::clock::Clock;
use crate::kinds::{Kind, Object, Observed, service, task_definition};
use crate::rollout::Journal;
use crate::shape::{Call, Packed, Time, Tree};

pub use batch::WINDOW as BATCH_WINDOW;
pub use ground::{AGAIN as GROUND_AGAIN, FRESH as GROUND_FRESH, Ground, Machines, Named};
pub use network::{AGAIN as NETWORK_AGAIN, FRESH as NETWORK_FRESH};
pub use sightings::Sightings;
pub use sweep::{Names, PAGES_MAX, Sweep, Take};
pub use usage::{Everywhere, LIST_PAGES_MAX, Past};

/// So many task definition revisions are remembered; then memory begins anew.
pub const REVISIONS_MAX: usize = 20_000;

/// One observation.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub observed: Observed,
    /// AWS's time of the answer; ours, where AWS told none.
    pub date: Time,
    /// Our time when the question was put: what we wrote before, the answer may know.
    pub begun: Time,
    /// Why nothing was observed, where the question itself failed.
    pub failure: Option<CallError>,
}

/// Asks AWS; clones share caches and open batches.
#[derive(Clone)]
pub struct Observer {
    aws: Aws,
    clock: Clock,
    batches: Arc<batch::Batches>,
    revisions: Arc<Mutex<BTreeMap<String, Packed>>>,
    networks: Arc<network::Networks>,
    grounds: Arc<ground::Grounds>,
    batch_sent: Arc<dyn Fn(usize) + Send + Sync>,
}

impl Observer {
    /// `batch_sent` is told the size of each batch.
    pub fn new(aws: Aws, clock: Clock, batch_sent: impl Fn(usize) + Send + Sync + 'static) -> Self {
        let (batches, revisions) = (Arc::default(), Arc::default());
        let (networks, grounds) = (Arc::default(), Arc::default());
        Self { aws, clock, batches, revisions, networks, grounds, batch_sent: Arc::new(batch_sent) }
    }

    /// The clusters, the services declared in them, and whatever else is new there: `ceil(C/100)` calls, and for each
    /// cluster of N services `ceil(N/100) + ceil(N/10)`. What is known to be `foreign` is not described again.
    pub async fn sweep(&self, declared: &Names, foreign: &Names, take: Take<'_>) -> Sweep {
        sweep::sweep(self, declared, foreign, take).await
    }

    /// One object, in one batch with what others look at now. Kinds that are found otherwise are Absent.
    pub async fn look(&self, object: &Object) -> Seen {
        match object.key.kind {
            Kind::SecurityGroup | Kind::TaskDefinition => self.seen(Observed::Absent, None, self.clock.now()),
            kind => batch::look(self, kind, object.key.cluster.as_deref(), object.aws_name()).await,
        }
    }

    /// A service by its name, in one batch with what others look at now.
    pub async fn service(&self, cluster: &str, name: &str) -> Seen {
        batch::look(self, Kind::Service, Some(cluster), name).await
    }

    /// A cluster, in one batch with what others look at now.
    pub async fn cluster(&self, name: &str) -> Seen {
        batch::look(self, Kind::Cluster, None, name).await
    }

    /// DescribeTaskDefinition's whole answer. A revision's content never changes, so unless `fresh` is asked for it
    /// is read once.
    ///
    /// # Errors
    /// What AWS answered, other than that there is none.
    pub async fn task_definition(&self, reference: &str, fresh: bool) -> Result<Observed, CallError> {
        let cached = || self.revisions.lock().unwrap_or_else(PoisonError::into_inner).get(reference).map(Packed::tree);
        if let Some(answer) = (!fresh).then(cached).flatten() {
            return Ok(Observed::Present(answer));
        }
        match self.aws.read(&task_definition::describe(reference)).await {
            Ok(reply) => {
                if task_definition::parts(reference).is_some() {
                    let mut revisions = self.revisions.lock().unwrap_or_else(PoisonError::into_inner);
                    if revisions.len() >= REVISIONS_MAX {
                        revisions.clear();
                    }
                    revisions.insert(reference.to_owned(), Packed::of(&reply.tree));
                }
                Ok(Observed::Present(reply.tree))
            }
            // ECS's words for a family or revision it does not have (docs/ecs.md §1.3).
            Err(error) if error.message.contains("Unable to describe task definition") => Ok(Observed::Absent),
            Err(error) => Err(error),
        }
    }

    /// The service's deployments since `at`, and what they run: one call, and a second where there are any.
    ///
    /// # Errors
    /// What AWS answered.
    pub async fn journal(&self, object: &Object, at: Time) -> Result<Journal, CallError> {
        let listed = self.aws.read(&service::list_deployments(object, at)).await?.tree;
        let revisions = match service::revisions_of(&listed) {
            Some(call) => self.aws.read(&call).await?.tree,
            None => Tree::Null,
        };
        Ok(Journal::read(&listed, &revisions))
    }

    /// A service deployment by its ARN; without permission to ask it is not known, and nothing depends on it.
    pub async fn deployment(&self, arn: &str) -> Observed {
        match self.aws.read(&service::describe_deployment(arn)).await {
            Ok(reply) => match reply.tree.list("serviceDeployments").first() {
                Some(deployment) => Observed::Present(deployment.clone()),
                None => Observed::Absent,
            },
            Err(error) => Observed::Unknown(error.to_string()),
        }
    }

    fn seen(&self, observed: Observed, date: Option<Time>, begun: Time) -> Seen {
        Seen { observed, date: date.unwrap_or_else(|| self.clock.now()), begun, failure: None }
    }
}

/// The call that describes these names.
pub fn describe(kind: Kind, cluster: Option<&str>, names: &[String]) -> Call {
    let row = &crate::kinds::definition(kind).describe;
    let mut input = crate::tree! { row.names => names.to_vec(), "include" => row.include.to_vec() };
    if let Some(cluster) = cluster {
        input.set("cluster", cluster);
    }
    Call::ecs(row.operation, input)
}

/// Describes up to a batch of names, each found in the answer, among its failures, or not known.
async fn described(observer: &Observer, kind: Kind, cluster: Option<&str>, names: &[String]) -> BTreeMap<String, Seen> {
    let begun = observer.clock.now();
    (observer.batch_sent)(names.len());
    let answer = observer.aws.read(&describe(kind, cluster, names)).await;
    let observe = |name: &String| {
        let observed = match &answer {
            Ok(reply) => find(kind, &reply.tree, name),
            Err(error) => Observed::Unknown(error.to_string()),
        };
        let date = answer.as_ref().ok().and_then(|reply| reply.date);
        let failure = answer.as_ref().err().cloned();
        (name.clone(), Seen { failure, ..observer.seen(observed, date, begun) })
    };
    names.iter().map(observe).collect()
}

/// What such an answer says of one of them.
pub fn find(kind: Kind, answer: &Tree, name: &str) -> Observed {
    let definition = crate::kinds::definition(kind);
    let named = |one: &&Tree| one.text(definition.name_member) == Some(name);
    if let Some(found) = answer.list(definition.describe.answer).iter().find(named) {
        let mut found = found.clone();
        for (list, kept) in definition.describe.shortened {
            if let Some(Tree::List(items)) = found.as_map_mut().and_then(|members| members.get_mut(list)) {
                items.truncate(*kept);
            }
        }
        return Observed::Present(found);
    }
    let failed = |one: &&Tree| one.text("arn").is_some_and(|arn| arn.rsplit('/').next() == Some(name));
    match answer.list("failures").iter().find(failed).and_then(|failure| failure.text("reason")) {
        Some("MISSING") => Observed::Absent,
        Some(reason) => Observed::Unknown(reason.to_owned()),
        None => Observed::Unknown("AWS's answer does not mention it".to_owned()),
    }
}
