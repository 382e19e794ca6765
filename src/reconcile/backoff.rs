//! How long to wait after a failure: a seeded schedule without an end, behind the `backoff` crate's trait.
//!
//! Of that crate only the trait is used: its own schedule gives up after fifteen minutes, reads the machine's clock
//! and can't be seeded.

use std::time::Duration;

use backoff::backoff::Backoff;

use crate::aws::Class;

/// Doubles from `first` to `most`, a fifth more or less by chance.
#[derive(Debug, Clone)]
pub struct Schedule {
    first: Duration,
    most: Duration,
    failures: u32,
    rng: fastrand::Rng,
}

/// The share of a wait that chance may add or take away.
const JITTER: f64 = 0.2;

impl Schedule {
    /// The schedule of a class of errors; `None` where trying again makes no sense before the input changes.
    pub fn of(class: Class, seed: u64) -> Option<Self> {
        let (first, most) = match class {
            Class::Transient => (1, 300),
            Class::Throttled => (5, 300),
            Class::Conflict => (1, 60),
            Class::Terminal => return None,
        };
        let (first, most) = (Duration::from_secs(first), Duration::from_secs(most));
        Some(Self { first, most, failures: 0, rng: fastrand::Rng::with_seed(seed) })
    }

    /// The wait after so many failures in a row.
    pub fn after(class: Class, seed: u64, failures: u32) -> Option<Duration> {
        let mut schedule = Self::of(class, seed.wrapping_add(failures.into()))?;
        schedule.failures = failures;
        schedule.next_backoff()
    }
}

impl Backoff for Schedule {
    fn reset(&mut self) {
        self.failures = 0;
    }

    fn next_backoff(&mut self) -> Option<Duration> {
        let doubled = self.first.saturating_mul(1_u32.checked_shl(self.failures.min(20)).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        let chance = 1.0 + JITTER * (2.0 * self.rng.f64() - 1.0);
        Some(doubled.min(self.most).mul_f64(chance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_a_limit_and_never_ends() {
        let mut schedule = Schedule::of(Class::Transient, 7).unwrap();
        let waits: Vec<u64> = (0..40).filter_map(|_| schedule.next_backoff()).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits.len(), 40);
        assert!(waits[0] <= 1 && waits[3] >= 6 && waits[3] <= 9, "{waits:?}");
        assert!(waits[20..].iter().all(|wait| (240..=360).contains(wait)), "{waits:?}");
    }

    #[test]
    fn one_seed_one_schedule_and_no_retry_of_what_can_not_work() {
        assert_eq!(Schedule::after(Class::Throttled, 3, 4), Schedule::after(Class::Throttled, 3, 4));
        assert_eq!(Schedule::after(Class::Terminal, 3, 0), None);
    }
}
