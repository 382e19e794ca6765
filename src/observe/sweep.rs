//! Everything of some clusters at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::CallError;
use crate::kinds::{Kind, Observed, definition};
use crate::shape::{Call, Tree};

use super::{Observer, Seen, described};

/// Service names by cluster.
pub type Names = BTreeMap<String, BTreeSet<String>>;

/// Takes what a sweep sees of a service, by (cluster, name), or gives it back.
pub type Take<'a> = &'a (dyn Fn(&(String, String), Seen) -> Option<Seen> + Sync);

/// What a sweep saw, by name; services by (cluster, name), as far as nobody took them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sweep {
    pub clusters: BTreeMap<String, Seen>,
    pub services: BTreeMap<(String, String), Seen>,
    /// Clusters whose services could not be listed, and why: there may be more in them.
    pub unlisted: BTreeMap<String, String>,
}

impl Sweep {
    fn keep(&mut self, take: Take<'_>, name: (String, String), seen: Seen) {
        if let Some(seen) = take(&name, seen) {
            self.services.insert(name, seen);
        }
    }
}

/// More pages than ECS's quota of services in a cluster fills.
pub const PAGES_MAX: usize = 100;

/// Reads the clusters, the declared services in them, and those that are listed and not known to be `foreign`. What is
/// seen is handed on batch by batch: there is never twice as much of it as there are services.
pub async fn sweep(observer: &Observer, declared: &Names, foreign: &Names, take: Take<'_>) -> Sweep {
    let mut sweep = Sweep::default();
    let names: Vec<String> = declared.keys().cloned().collect();
    for chunk in names.chunks(definition(Kind::Cluster).describe.limit) {
        sweep.clusters.extend(described(observer, Kind::Cluster, None, chunk).await);
    }
    for (cluster, declared) in declared {
        let Some(seen) = sweep.clusters.get(cluster).cloned() else { continue };
        if seen.observed.present().is_none_or(|shown| shown.text("status") == Some("INACTIVE")) {
            // What an absent cluster holds is absent; what an unknown one holds is unknown.
            let hollow = Seen { observed: hollow(&seen.observed), ..seen };
            for name in declared {
                sweep.keep(take, (cluster.clone(), name.clone()), hollow.clone());
            }
            continue;
        }
        // A list that fails hides what is new for once; what is declared is described all the same.
        let mut names = list(observer, Kind::Service, cluster).await.unwrap_or_else(|error| {
            sweep.unlisted.insert(cluster.clone(), error.to_string());
            BTreeSet::new()
        });
        names.retain(|name| foreign.get(cluster).is_none_or(|foreign| !foreign.contains(name)));
        names.extend(declared.iter().cloned());
        let names: Vec<String> = names.into_iter().collect();
        for chunk in names.chunks(definition(Kind::Service).describe.limit) {
            for (name, seen) in described(observer, Kind::Service, Some(cluster), chunk).await {
                sweep.keep(take, (cluster.clone(), name), seen);
            }
        }
    }
    sweep
}

fn hollow(cluster: &Observed) -> Observed {
    match cluster {
        Observed::Unknown(why) => Observed::Unknown(why.clone()),
        Observed::Absent | Observed::Present(_) => Observed::Absent,
    }
}

/// The names of all objects of a kind in a cluster, page by page.
async fn list(observer: &Observer, kind: Kind, cluster: &str) -> Result<BTreeSet<String>, CallError> {
    let Some(row) = &definition(kind).list else { return Ok(BTreeSet::new()) };
    let mut names = BTreeSet::new();
    let mut token: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let input = crate::tree! { "cluster" => cluster, "maxResults" => row.page }.with_some("nextToken", token);
        let page = observer.aws.read(&Call::ecs(row.operation, input)).await?.tree;
        let arns = page.list(row.answer).iter().filter_map(Tree::as_text);
        names.extend(arns.filter_map(|arn| arn.rsplit('/').next()).map(str::to_owned));
        token = page.text("nextToken").map(str::to_owned);
        if token.is_none() {
            return Ok(names);
        }
    }
    Ok(names)
}
