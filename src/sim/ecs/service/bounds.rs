//! The arithmetic of a rollout, and the record by which every decision can be judged. Must not know: tasks.

use crate::shape::{Time, Tree};

/// How many tasks a service must keep healthy, and how many it may have (§2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub lower: i64,
    pub upper: i64,
}

impl Bounds {
    /// `ceil(desired · minimum %)` and `floor(desired · maximum %)`, in whole numbers.
    pub fn of(desired: i64, minimum_percent: i64, maximum_percent: i64) -> Self {
        let desired = desired.max(0);
        Self {
            lower: desired.saturating_mul(minimum_percent).saturating_add(99) / 100,
            upper: desired.saturating_mul(maximum_percent) / 100,
        }
    }
}

/// The breaker's default threshold: half of desired, at least 3, at most 200 (§2.9).
const BREAKER_PERCENT: i64 = 50;
const BREAKER_LEAST: i64 = 3;
const BREAKER_MOST: i64 = 200;

/// How many failures the circuit breaker allows; `configuration` is `deploymentCircuitBreaker`, with the newer
/// member `thresholdConfiguration` or without.
pub fn threshold(desired: i64, configuration: &Tree) -> i64 {
    let chosen = configuration.get("thresholdConfiguration");
    let value = chosen.and_then(|one| one.int("value"));
    let percent = |percent: i64| desired.max(0).saturating_mul(percent).saturating_add(99) / 100;
    match (chosen.and_then(|one| one.text("type")), value) {
        (Some("COUNT"), Some(count)) => count.max(1),
        (Some("UNBOUNDED_PERCENT"), Some(value)) => percent(value).max(1),
        (_, value) => percent(value.unwrap_or(BREAKER_PERCENT)).clamp(BREAKER_LEAST, BREAKER_MOST),
    }
}

/// What a scheduler decided about one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Start,
    Stop { healthy: bool },
}

/// One decision, with the counts before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub at: Time,
    pub cluster: String,
    pub service: String,
    pub kind: Kind,
    /// Tasks up to STOPPING.
    pub total: i64,
    /// Tasks that count for the lower bound.
    pub healthy: i64,
    pub lower: i64,
    pub upper: i64,
    pub desired: i64,
}

impl Decision {
    /// A task is started only while total + 1 ≤ upper; a healthy task is stopped only while healthy − 1 ≥ lower.
    pub fn is_lawful(&self) -> bool {
        match self.kind {
            Kind::Start => self.total < self.upper,
            Kind::Stop { healthy: true } => self.healthy > self.lower,
            Kind::Stop { healthy: false } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    /// Appendix C: desired, minimum, maximum, lower, upper, may start first, may stop first.
    const VECTORS: &[(i64, i64, i64, i64, i64, i64, i64)] = &[
        (1, 100, 200, 1, 2, 1, 0),
        (1, 0, 100, 0, 1, 0, 1),
        (1, 50, 150, 1, 1, 0, 0),
        (1, 50, 200, 1, 2, 1, 0),
        (2, 100, 150, 2, 3, 1, 0),
        (2, 75, 200, 2, 4, 2, 0),
        (2, 50, 100, 1, 2, 0, 1),
        (3, 100, 125, 3, 3, 0, 0),
        (3, 100, 134, 3, 4, 1, 0),
        (3, 50, 150, 2, 4, 1, 1),
        (4, 50, 100, 2, 4, 0, 2),
        (4, 100, 200, 4, 8, 4, 0),
        (4, 50, 200, 2, 8, 4, 2),
        (5, 66, 133, 4, 6, 1, 1),
        (7, 90, 110, 7, 7, 0, 0),
        (10, 90, 110, 9, 11, 1, 1),
        (10, 100, 125, 10, 12, 2, 0),
        (0, 100, 200, 0, 0, 0, 0),
    ];

    #[test]
    fn bounds_are_as_the_vectors_say() {
        for (desired, minimum, maximum, lower, upper, start, stop) in VECTORS.iter().copied() {
            let bounds = Bounds::of(desired, minimum, maximum);
            assert_eq!(bounds, Bounds { lower, upper }, "{desired} at {minimum}/{maximum}");
            assert_eq!((upper - desired).min(desired), start, "{desired} at {minimum}/{maximum}");
            assert_eq!(desired - lower, stop, "{desired} at {minimum}/{maximum}");
        }
    }

    #[test]
    fn the_breaker_allows_half_of_desired_between_3_and_200() {
        let vectors = [1, 2, 5, 6, 7, 10, 25, 100, 399, 400, 800];
        let expected = [3, 3, 3, 3, 4, 5, 13, 50, 200, 200, 200];
        assert_eq!(vectors.map(|desired| threshold(desired, &Tree::map())), expected);
    }

    #[test]
    fn newer_thresholds_are_understood() {
        let chosen = |kind: &str, value: i64| {
            tree! { "thresholdConfiguration" => tree! { "type" => kind, "value" => value } }
        };
        assert_eq!(threshold(100, &chosen("COUNT", 1)), 1);
        assert_eq!(threshold(100, &chosen("UNBOUNDED_PERCENT", 1)), 1);
        assert_eq!(threshold(1000, &chosen("UNBOUNDED_PERCENT", 50)), 500);
        assert_eq!(threshold(10, &chosen("BOUNDED_PERCENT", 80)), 8);
    }
}
