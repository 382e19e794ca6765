//! The one clock: `now`, `sleep`, `timeout`, over tokio's time. Must not know: what time is spent on.
//!
//! With the embedded ECS, operator and simulator share a clock, so `--time-scale` speeds up both; under paused tokio
//! time it is virtual, and a day passes in milliseconds.
#![allow(clippy::disallowed_methods, reason = "this is the clock")]

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::shape::Time;

/// Tells the time and waits. Clones tell the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    /// `None`: the machine's own clock, which may be set and slewed; otherwise counted from `start`.
    start: Option<Time>,
    origin: Instant,
    scale: f64,
}

/// A [`Clock::timeout`] ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self { start: None, origin: Instant::now(), scale: 1.0 }
    }

    /// A clock that shows `start` now and runs `scale` times as fast as tokio's time.
    pub fn simulated(start: Time, scale: f64) -> Self {
        Self { start: Some(start), origin: Instant::now(), scale: scale.max(f64::MIN_POSITIVE) }
    }

    /// A simulated clock that starts at the present of the machine.
    pub fn simulated_from_now(scale: f64) -> Self {
        Self::simulated(wall(), scale)
    }

    pub fn now(&self) -> Time {
        match self.start {
            None => wall(),
            Some(start) => start.after(self.origin.elapsed().mul_f64(self.scale)),
        }
    }

    /// Waits for `span` of this clock's time.
    pub async fn sleep(&self, span: Duration) {
        tokio::time::sleep(self.real(span)).await;
    }

    /// Waits until this clock shows `at`; at once when that has passed.
    pub async fn sleep_until(&self, at: Time) {
        self.sleep(at.since(self.now())).await;
    }

    /// Gives `work` at most `span` of this clock's time.
    ///
    /// # Errors
    /// [`Elapsed`], with the work dropped where it stood.
    pub async fn timeout<T>(&self, span: Duration, work: impl Future<Output = T>) -> Result<T, Elapsed> {
        tokio::time::timeout(self.real(span), work).await.map_err(|_| Elapsed)
    }

    fn real(&self, span: Duration) -> Duration {
        span.div_f64(self.scale)
    }
}

fn wall() -> Time {
    SystemTime::now().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_scaled_clock_runs_faster_and_waits_shorter() {
        let clock = Clock::simulated(Time(0), 60.0);
        let began = Instant::now();
        clock.sleep(Duration::from_secs(600)).await;
        assert_eq!(began.elapsed().as_secs(), 10);
        assert_eq!(clock.now().epoch_secs(), 600);
        let never = clock.timeout(Duration::from_secs(60), std::future::pending::<()>()).await;
        assert_eq!(never, Err(Elapsed));
        assert_eq!(clock.now().epoch_secs(), 660);
    }
}
