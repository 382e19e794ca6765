//! Our share of AWS's API limits: token buckets per account and region, shared by all callers (ecs-semantics §7.4).
//! EC2's are its documentation's.
//!
//! Must not know: what a call is for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::shape::{Call, Time};

/// A bucket of AWS's: so many calls at once, so many more a second.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Limit {
    name: &'static str,
    burst: f64,
    per_second: f64,
    service: &'static str,
    /// The operations that draw from it, as whole names or, ending in `*`, as prefixes.
    operations: &'static [&'static str],
}

/// The published buckets, most specific first.
const LIMITS: &[Limit] = &[
    Limit {
        name: "service read",
        burst: 100.0,
        per_second: 20.0,
        service: "ecs",
        operations: &["DescribeServices", "ListServices"],
    },
    Limit {
        name: "service modify",
        burst: 50.0,
        per_second: 5.0,
        service: "ecs",
        operations: &["CreateService", "UpdateService", "DeleteService"],
    },
    Limit {
        name: "service deployments",
        burst: 50.0,
        per_second: 20.0,
        service: "ecs",
        operations: &["ListServiceDeployments", "DescribeServiceDeployments", "StopServiceDeployment"],
    },
    Limit {
        name: "service revisions",
        burst: 50.0,
        per_second: 20.0,
        service: "ecs",
        operations: &["DescribeServiceRevisions"],
    },
    Limit {
        name: "task definition modify",
        burst: 20.0,
        per_second: 1.0,
        service: "ecs",
        operations: &["RegisterTaskDefinition", "DeregisterTaskDefinition"],
    },
    Limit {
        name: "task definition delete",
        burst: 5.0,
        per_second: 1.0,
        service: "ecs",
        operations: &["DeleteTaskDefinitions"],
    },
    Limit {
        name: "task definition read",
        burst: 50.0,
        per_second: 20.0,
        service: "ecs",
        operations: &["DescribeTaskDefinition", "ListTaskDefinition*"],
    },
    Limit {
        name: "cluster read",
        burst: 50.0,
        per_second: 20.0,
        service: "ecs",
        operations: &["DescribeClusters", "ListClusters"],
    },
    Limit {
        name: "cluster modify",
        burst: 20.0,
        per_second: 1.0,
        service: "ecs",
        operations: &["CreateCluster", "UpdateCluster*", "DeleteCluster", "PutClusterCapacityProviders"],
    },
    Limit { name: "tag read", burst: 50.0, per_second: 20.0, service: "ecs", operations: &["ListTagsForResource"] },
    Limit {
        name: "tag modify",
        burst: 20.0,
        per_second: 10.0,
        service: "ecs",
        operations: &["TagResource", "UntagResource"],
    },
    Limit {
        name: "cluster resource read",
        burst: 100.0,
        per_second: 20.0,
        service: "ecs",
        operations: &["DescribeTasks", "ListTasks", "DescribeContainerInstances", "ListContainerInstances"],
    },
    // Weak: EC2's tables of non-mutating and mutating actions and of tags, from memory.
    Limit { name: "ec2 read", burst: 100.0, per_second: 20.0, service: "ec2", operations: &["Describe*"] },
    Limit {
        name: "ec2 tags",
        burst: 100.0,
        per_second: 10.0,
        service: "ec2",
        operations: &["CreateTags", "DeleteTags"],
    },
    Limit { name: "ec2 modify", burst: 50.0, per_second: 5.0, service: "ec2", operations: &["*"] },
];

/// What no published bucket covers, at the narrowest published rate.
const REST: Limit = Limit { name: "everything else", burst: 10.0, per_second: 1.0, service: "", operations: &["*"] };

/// Which part of each bucket we allow ourselves by default; the rest is for people and other tools.
pub const SHARE_DEFAULT: f64 = 0.5;

/// Makes callers wait until their call fits into our share.
#[derive(Debug)]
pub struct Budget {
    clock: Clock,
    share: f64,
    levels: Mutex<BTreeMap<&'static str, Level>>,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    tokens: f64,
    at: Time,
}

impl Budget {
    /// `share` is a fraction of each bucket; it is kept between 1 % and 100 %.
    pub fn new(clock: Clock, share: f64) -> Self {
        Self { clock, share: share.clamp(0.01, 1.0), levels: Mutex::default() }
    }

    /// Waits for a token of the operation's bucket; returns how long that took.
    pub async fn acquire(&self, call: &Call) -> Duration {
        let wait = self.reserve(call);
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
        wait
    }

    /// AWS has throttled a call: others draw from the bucket too, so ours starts again from empty.
    pub fn throttled(&self, call: &Call) {
        let limit = limit(call.service, call.operation);
        let now = self.clock.now();
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        let level = levels.entry(limit.name).or_insert(Level { tokens: 0.0, at: now });
        *level = Level { tokens: level.tokens.min(0.0), at: now };
    }

    /// Takes a token, on credit if need be: callers queue up by how far the bucket is overdrawn.
    fn reserve(&self, call: &Call) -> Duration {
        let limit = limit(call.service, call.operation);
        let (burst, per_second) = ((limit.burst * self.share).max(1.0), limit.per_second * self.share);
        let now = self.clock.now();
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        let level = levels.entry(limit.name).or_insert(Level { tokens: burst, at: now });
        let refilled = level.tokens + now.since(level.at).as_secs_f64() * per_second;
        *level = Level { tokens: refilled.min(burst) - 1.0, at: now };
        Duration::from_secs_f64((-level.tokens / per_second).max(0.0))
    }
}

fn limit(service: &str, operation: &str) -> &'static Limit {
    let covers = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(prefix) => operation.starts_with(prefix),
        None => *pattern == operation,
    };
    LIMITS.iter().find(|limit| limit.service == service && limit.operations.iter().any(covers)).unwrap_or(&REST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Tree;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_free_and_the_rest_waits_at_our_share_of_the_rate() {
        let clock = Clock::simulated(Time(0), 1.0);
        let budget = Budget::new(clock.clone(), 0.5);
        let call = |operation| Call::ecs(operation, Tree::map());
        for _ in 0..10 {
            assert_eq!(budget.acquire(&call("RegisterTaskDefinition")).await, Duration::ZERO);
        }
        for _ in 0..5 {
            budget.acquire(&call("RegisterTaskDefinition")).await;
        }
        assert_eq!(clock.now().epoch_secs(), 10, "five more at half a call a second");
        assert_eq!(budget.acquire(&call("DescribeServices")).await, Duration::ZERO, "another bucket");
    }

    #[test]
    fn every_operation_has_its_bucket() {
        for (operation, bucket) in [
            ("DescribeServices", "service read"),
            ("ListTaskDefinitionFamilies", "task definition read"),
            ("UpdateClusterSettings", "cluster modify"),
            ("CreateDaemon", "everything else"),
        ] {
            assert_eq!(limit("ecs", operation).name, bucket);
        }
        for (operation, bucket) in
            [("DescribeSubnets", "ec2 read"), ("CreateTags", "ec2 tags"), ("CreateSecurityGroup", "ec2 modify")]
        {
            assert_eq!(limit("ec2", operation).name, bucket);
        }
    }
}
