//! Everything of some clusters at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::{Kind, Observed, definition};
use crate::shape::{Call, Tree};

use super::{Observer, Seen, described};

/// What a sweep saw, by name; services by (cluster, name), those nobody declared included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sweep {
    pub clusters: BTreeMap<String, Seen>,
    pub services: BTreeMap<(String, String), Seen>,
    /// Clusters whose services could not all be listed, and why: nothing in them counts as absent by silence.
    pub unlisted: BTreeMap<String, String>,
}

/// More pages than ECS's quota of services in a cluster fills.
const PAGES_MAX: usize = 100;

pub async fn sweep(observer: &Observer, clusters: &BTreeSet<String>, services: &BTreeSet<(String, String)>) -> Sweep {
    let mut sweep = Sweep::default();
    let names: Vec<String> = clusters.iter().cloned().collect();
    for chunk in names.chunks(definition(Kind::Cluster).describe.limit) {
        sweep.clusters.extend(described(observer, Kind::Cluster, None, chunk).await);
    }
    for cluster in clusters {
        let declared = services.iter().filter(|(of, _)| of == cluster).map(|(_, name)| name.clone());
        let mut names: BTreeSet<String> = declared.collect();
        let Some(seen) = sweep.clusters.get(cluster).cloned() else { continue };
        if seen.observed.present().is_none_or(|shown| shown.text("status") == Some("INACTIVE")) {
            // What an absent cluster holds is absent; what an unknown one holds is unknown.
            let hollow = Seen { observed: hollow(&seen.observed), ..seen };
            let absent = |name: String| ((cluster.clone(), name), hollow.clone());
            sweep.services.extend(names.into_iter().map(absent));
            continue;
        }
        match list(observer, Kind::Service, cluster).await {
            Ok(listed) => names.extend(listed),
            Err(why) => drop(sweep.unlisted.insert(cluster.clone(), why)),
        }
        let names: Vec<String> = names.into_iter().collect();
        for chunk in names.chunks(definition(Kind::Service).describe.limit) {
            let seen = described(observer, Kind::Service, Some(cluster), chunk).await;
            sweep.services.extend(seen.into_iter().map(|(name, seen)| ((cluster.clone(), name), seen)));
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
async fn list(observer: &Observer, kind: Kind, cluster: &str) -> Result<BTreeSet<String>, String> {
    let Some(row) = &definition(kind).list else { return Ok(BTreeSet::new()) };
    let mut names = BTreeSet::new();
    let mut token: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let input = crate::tree! { "cluster" => cluster, "maxResults" => row.page }.with_some("nextToken", token);
        let page = observer.aws.call(&Call::ecs(row.operation, input)).await.map_err(|error| error.to_string())?.tree;
        let arns = page.list(row.answer).iter().filter_map(Tree::as_text);
        names.extend(arns.filter_map(|arn| arn.rsplit('/').next()).map(str::to_owned));
        token = page.text("nextToken").map(str::to_owned);
        if token.is_none() {
            return Ok(names);
        }
    }
    Err(format!("{} has more than {PAGES_MAX} pages", row.operation))
}
