//! The limits of ECS's API: a bucket of tokens for each group of operations, one for the whole account and region, and
//! one for Fargate's launches (ecs-semantics §7.4). Must not know: what an operation does.
//!
//! Off unless `Settings::throttle` is set. Buckets fill in virtual time, so the same calls at the same instants are
//! throttled the same way.

use std::collections::BTreeMap;

use crate::shape::{Time, Tree};
use crate::tree;

use super::super::world::World;
use super::Fault;

/// So many at once, so many more a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    pub name: &'static str,
    pub burst: f64,
    pub per_second: f64,
    /// The operations that draw from it, as whole names or, ending in `*`, as prefixes. The first row that fits counts.
    pub operations: &'static [&'static str],
}

const fn bucket(name: &'static str, burst: f64, per_second: f64, operations: &'static [&'static str]) -> Bucket {
    Bucket { name, burst, per_second, operations }
}

/// Every operation has one. Which operations belong to a group is published for most; for managed daemons, Express
/// Mode and gateways it is not: they draw from the last row.
pub const BUCKETS: &[Bucket] = &[
    bucket("service discovery read", 10.0, 1.0, &["ListServicesByNamespace"]),
    bucket(
        "service deployment",
        50.0,
        20.0,
        &[
            "ListServiceDeployments",
            "DescribeServiceDeployments",
            "StopServiceDeployment",
            "ContinueServiceDeployment", // weak: newer than the page that lists them
        ],
    ),
    bucket("service revision", 50.0, 20.0, &["DescribeServiceRevisions"]),
    bucket("service read", 100.0, 20.0, &["DescribeServices", "ListServices", "DescribeTaskSets"]),
    bucket(
        "service modify",
        50.0,
        5.0,
        &[
            "CreateService",
            "UpdateService",
            "DeleteService",
            "CreateTaskSet",
            "UpdateTaskSet",
            "DeleteTaskSet",
            "UpdateServicePrimaryTaskSet",
        ],
    ),
    bucket("task definition delete", 5.0, 1.0, &["DeleteTaskDefinitions"]),
    bucket("task definition modify", 20.0, 1.0, &["RegisterTaskDefinition", "DeregisterTaskDefinition"]),
    bucket("task definition read", 50.0, 20.0, &["DescribeTaskDefinition", "ListTaskDefinition*"]),
    bucket(
        "capacity provider modify",
        10.0,
        1.0,
        &["CreateCapacityProvider", "UpdateCapacityProvider", "DeleteCapacityProvider"],
    ),
    bucket("capacity provider read", 50.0, 20.0, &["DescribeCapacityProviders"]),
    bucket("tag modify", 20.0, 10.0, &["TagResource", "UntagResource"]),
    bucket("tag read", 50.0, 20.0, &["ListTagsForResource"]),
    bucket("setting modify", 10.0, 1.0, &["PutAccountSetting*", "DeleteAccountSetting"]),
    bucket("setting read", 50.0, 20.0, &["ListAccountSettings"]),
    bucket(
        "cluster modify",
        20.0,
        1.0,
        &["CreateCluster", "UpdateCluster*", "DeleteCluster", "PutClusterCapacityProviders"],
    ),
    bucket("cluster read", 50.0, 20.0, &["DescribeClusters", "ListClusters"]),
    bucket("task protection", 200.0, 80.0, &["UpdateTaskProtection", "GetTaskProtection"]),
    bucket("agent", 200.0, 120.0, &["Submit*", "DiscoverPollEndpoint"]),
    bucket(
        "cluster resource modify",
        100.0,
        40.0,
        &[
            "RunTask",
            "StartTask",
            "StopTask",
            "ExecuteCommand",
            "PutAttributes",
            "DeleteAttributes",
            "RegisterContainerInstance",
            "DeregisterContainerInstance",
            "UpdateContainer*",
        ],
    ),
    bucket(
        "cluster resource read",
        100.0,
        20.0,
        &["DescribeTasks", "ListTasks", "DescribeContainerInstances", "ListContainerInstances", "ListAttributes"],
    ),
    bucket("everything else", 10.0, 1.0, &["*"]),
];

/// Tasks that Fargate launches for an account, by services and by RunTask; newer Regions have 25 and 5.
pub const LAUNCHES: Bucket = bucket("Fargate task launch", 100.0, 20.0, &[]);

/// How full a bucket is, and when that was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    tokens: f64,
    at: Time,
}

/// The levels of those buckets that were drawn from.
pub type Levels = BTreeMap<&'static str, Level>;

/// The bucket that an operation draws from.
pub fn bucket_of(operation: &str) -> Option<&'static Bucket> {
    let covers = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(prefix) => operation.starts_with(prefix),
        None => *pattern == operation,
    };
    BUCKETS.iter().find(|row| row.operations.iter().any(covers))
}

/// Draws `count` tokens, all or none; whether they were there. Where nothing is throttled, they always are.
fn draw(world: &mut World, bucket: &Bucket, count: f64) -> bool {
    let Some(factor) = world.settings.throttle else { return true };
    let (burst, per_second) = ((bucket.burst * factor).max(1.0), bucket.per_second * factor);
    let now = world.now();
    let level = world.ecs.levels.entry(bucket.name).or_insert(Level { tokens: burst, at: now });
    let tokens = (level.tokens + now.since(level.at).as_secs_f64() * per_second).min(burst);
    let there = tokens >= count;
    *level = Level { tokens: if there { tokens - count } else { tokens }, at: now };
    there
}

/// Lets a request in, or refuses it before anyone looks at it.
///
/// # Errors
/// `ThrottlingException` (HTTP 400, §7.1).
pub fn admit(world: &mut World, operation: &str) -> Result<(), Fault> {
    match bucket_of(operation) {
        Some(bucket) if !draw(world, bucket, 1.0) => Err(exceeded()),
        _ => Ok(()),
    }
}

/// Whether Fargate launches so many tasks at this instant.
pub fn launches(world: &mut World, count: u32) -> bool {
    draw(world, &LAUNCHES, f64::from(count))
}

/// What whoever is throttled is told.
pub fn exceeded() -> Fault {
    Fault::new("ThrottlingException", "Rate exceeded")
}

/// The buckets as they are at this instant: how large, how fast they fill, and what is left in them.
pub fn shown(world: &World) -> Tree {
    let factor = world.settings.throttle;
    let row = |bucket: &Bucket| {
        let (burst, per_second) =
            ((bucket.burst * factor.unwrap_or(1.0)).max(1.0), bucket.per_second * factor.unwrap_or(1.0));
        let level = world.ecs.levels.get(bucket.name);
        let left =
            level.map_or(burst, |one| (one.tokens + world.now().since(one.at).as_secs_f64() * per_second).min(burst));
        tree! {
            "bucket" => bucket.name, "burst" => Tree::Float(burst), "perSecond" => Tree::Float(per_second),
            "tokens" => Tree::Float(left),
        }
    };
    let rows = BUCKETS.iter().chain([&LAUNCHES]).map(row).collect::<Vec<_>>();
    tree! { "throttled" => factor.is_some(), "factor" => factor.map_or(Tree::Null, Tree::Float), "buckets" => rows }
}

/// Turns throttling on, with the published buckets times a factor, or off; buckets begin full.
pub fn set(world: &mut World, factor: Option<f64>) {
    world.settings.throttle = factor;
    world.ecs.levels.clear();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::shape::table::ecs;
    use crate::sim::Sim;
    use crate::sim::world::Settings;

    fn world(throttle: Option<f64>) -> World {
        World::new(Settings { throttle, ..Settings::default() }, Time(0))
    }

    fn admitted(world: &mut World, operation: &str, calls: usize) -> usize {
        (0..calls).filter(|_| admit(world, operation).is_ok()).count()
    }

    #[test]
    fn every_row_names_operations_that_there_are_and_no_two_share_one() {
        for bucket in BUCKETS.iter().filter(|one| one.operations != ["*"]) {
            for name in bucket.operations {
                let fits = |operation: &str| match name.strip_suffix('*') {
                    Some(prefix) => operation.starts_with(prefix),
                    None => *name == operation,
                };
                let mut found = ecs().operations.keys().filter(|operation| fits(operation)).peekable();
                assert!(found.peek().is_some(), "{name}");
                assert!(found.all(|operation| bucket_of(operation) == Some(bucket)), "{name}");
            }
        }
        let names = BUCKETS.iter().map(|one| one.name).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(names.len(), BUCKETS.len());
        assert_eq!(bucket_of("RegisterDaemonTaskDefinition").map(|one| one.name), Some("everything else"));
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let mut world = world(Some(1.0));
        assert_eq!(admitted(&mut world, "UpdateService", 70), 50);
        assert_eq!(admitted(&mut world, "CreateTaskSet", 5), 0, "one bucket for all of its operations");
        assert_eq!(admitted(&mut world, "DescribeServices", 5), 5, "another one is full");
        world.skip(Duration::from_secs(2));
        assert_eq!(admitted(&mut world, "DeleteService", 70), 10);
        world.skip(Duration::from_secs(3600));
        assert_eq!(admitted(&mut world, "UpdateService", 70), 50, "no fuller than full");
    }

    #[test]
    fn a_factor_makes_all_buckets_smaller_and_none_useless() {
        let mut tenth = world(Some(0.1));
        assert_eq!(admitted(&mut tenth, "UpdateService", 70), 5);
        assert_eq!(admitted(&mut tenth, "DeleteTaskDefinitions", 70), 1, "never less than one call");
        let mut free = world(None);
        assert_eq!(admitted(&mut free, "UpdateService", 500), 500);
        assert!(free.ecs.levels.is_empty());
    }

    #[test]
    fn who_is_throttled_is_told_so_and_nothing_is_done() {
        let sim = Sim::new(Settings { throttle: Some(0.05), ..Settings::default() }, || Time(0));
        let make = |name: &str| sim.call("ecs", "CreateCluster", tree! { "clusterName" => name });
        assert!(make("a").is_ok());
        let fault = make("b").unwrap_err();
        assert_eq!((fault.status, fault.code, fault.message.as_str()), (400, "ThrottlingException", "Rate exceeded"));
        assert_eq!(sim.world().ecs.clusters.len(), 1);
        assert_eq!(sim.world().calls().last().map(|call| call.status), Some(400));
    }
}
