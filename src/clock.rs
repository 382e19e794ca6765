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
    start: Time,
    origin: Instant,
    scale: f64,
    simulated: bool,
}

/// A [`Clock::timeout`] ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl Clock {
    /// Begins with the machine's time and then only goes forward: what is due must not move when that is set.
    pub fn system() -> Self {
        Self { start: machine(), origin: Instant::now(), scale: 1.0, simulated: false }
    }

    /// A clock that shows `start` now and runs `scale` times as fast as tokio's time.
    pub fn simulated(start: Time, scale: f64) -> Self {
        Self { start, origin: Instant::now(), scale: scale.max(f64::MIN_POSITIVE), simulated: true }
    }

    /// A simulated clock that starts at the present of the machine.
    pub fn simulated_from_now(scale: f64) -> Self {
        Self::simulated(machine(), scale)
    }

    pub fn now(&self) -> Time {
        self.start.after(self.origin.elapsed().mul_f64(self.scale))
    }

    /// The time for others to read: signatures and log lines. The machine's own, unless this clock is simulated.
    pub fn wall(&self) -> Time {
        if self.simulated { self.now() } else { machine() }
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

fn machine() -> Time {
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
