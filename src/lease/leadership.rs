//! Whether this replica may write, and until when.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::shape::Time;

use super::WRITE_WITHIN;

/// What this replica is.
#[derive(Clone, Debug)]
pub enum Standing {
    /// There is no election: it writes.
    Alone,
    /// Another leads, or nobody that is known.
    Standby {
        leader: Option<String>,
    },
    Leading(Claim),
}

impl Standing {
    /// Who leads, as far as that is known.
    pub fn leader(&self) -> Option<&str> {
        match self {
            Self::Alone => None,
            Self::Standby { leader } => leader.as_deref(),
            Self::Leading(claim) => claim.term().map(|term| term.holder.as_str()),
        }
    }
}

/// Tells whether this replica may write; clones tell the same.
#[derive(Clone, Debug)]
pub struct Leadership {
    standing: watch::Receiver<Standing>,
}

impl Leadership {
    /// Of a process that is the only one.
    pub fn alone() -> Self {
        Self { standing: watch::channel(Standing::Alone).1 }
    }

    /// Of a replica that an election is held for; it begins as a standby.
    pub fn elected() -> (watch::Sender<Standing>, Self) {
        let (sender, standing) = watch::channel(Standing::Standby { leader: None });
        (sender, Self { standing })
    }

    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// Ends when the standing is another than it was last seen; never, where there is no election.
    pub async fn changed(&mut self) {
        if self.standing.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// The right to write, where this replica has it now.
    ///
    /// # Errors
    /// Who leads instead, as far as that is known.
    pub fn claim(&self) -> Result<Claim, Option<String>> {
        match &*self.standing.borrow() {
            Standing::Alone => Ok(Claim(None)),
            Standing::Leading(claim) if claim.is_current() => Ok(claim.clone()),
            standing => {
                Err(standing.leader().filter(|_| matches!(standing, Standing::Standby { .. })).map(str::to_owned))
            }
        }
    }
}

/// The right to write, from when it was won. It ends by itself when it is not renewed.
#[derive(Clone, Debug)]
pub struct Claim(Option<Arc<Term>>);

/// The time from winning a lease until losing it.
#[derive(Debug)]
pub struct Term {
    clock: Clock,
    holder: String,
    since: Time,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    /// Writes are begun before this.
    until: Time,
    ended: bool,
    writing: usize,
    /// Tells when the last write ends.
    idle: watch::Sender<bool>,
}

/// A write that is being made; dropped when it has ended.
#[derive(Debug)]
pub struct Writing(Option<Arc<Term>>);

impl Claim {
    /// A new term that holds until `until`.
    pub fn new(clock: Clock, holder: String, since: Time, until: Time) -> Self {
        let now = Now { until, ended: false, writing: 0, idle: watch::channel(true).0 };
        Self(Some(Arc::new(Term { clock, holder, since, now: Mutex::new(now) })))
    }

    fn term(&self) -> Option<&Arc<Term>> {
        self.0.as_ref()
    }

    /// Since when: what was observed before may be another leader's work undone. The beginning of time without election.
    pub fn since(&self) -> Time {
        self.term().map_or(Time::default(), |term| term.since)
    }

    /// Until when writes may be begun.
    pub fn until(&self) -> Option<Time> {
        self.term().map(|term| term.now().until)
    }

    pub fn is_current(&self) -> bool {
        self.term().is_none_or(|term| term.is_current(&term.now()))
    }

    /// Begins a write, right before it is sent: how long it may take, so that it ends before another leads. None, and
    /// nothing may be sent, once the claim is lost.
    pub fn enter(&self) -> Option<(Duration, Writing)> {
        let Some(term) = self.term() else { return Some((Duration::MAX, Writing(None))) };
        let mut now = term.now();
        if !term.is_current(&now) {
            return None;
        }
        now.writing += 1;
        now.idle.send_replace(false);
        let within = now.until.after(WRITE_WITHIN).since(term.clock.now());
        Some((within, Writing(Some(Arc::clone(term)))))
    }

    /// It holds until then.
    pub fn renew(&self, until: Time) {
        if let Some(term) = self.term() {
            let mut now = term.now();
            now.until = now.until.max(until);
        }
    }

    /// No write begins any more.
    pub fn end(&self) {
        if let Some(term) = self.term() {
            term.now().ended = true;
        }
    }

    /// Ends when no write is being made.
    pub async fn idle(&self) {
        let Some(term) = self.term() else { return };
        let mut idle = term.now().idle.subscribe();
        drop(idle.wait_for(|idle| *idle).await);
    }
}

impl Term {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_current(&self, now: &Now) -> bool {
        !now.ended && self.clock.now() < now.until
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let Some(term) = &self.0 else { return };
        let mut now = term.now();
        now.writing = now.writing.saturating_sub(1);
        if now.writing == 0 {
            now.idle.send_replace(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::RENEW_DEADLINE;

    #[tokio::test(start_paused = true)]
    async fn a_claim_ends_by_itself_and_leaves_a_write_time_to_end() {
        let clock = Clock::simulated(Time(0), 1.0);
        let claim = Claim::new(clock.clone(), "a".into(), Time(0), Time(0).after(RENEW_DEADLINE));
        clock.sleep(Duration::from_millis(9_900)).await;
        let (within, writing) = claim.enter().unwrap();
        assert_eq!(within, Duration::from_millis(4_100));
        clock.sleep(Duration::from_millis(100)).await;
        assert!(!claim.is_current() && claim.enter().is_none());
        assert_eq!(clock.timeout(Duration::from_secs(1), claim.idle()).await, Err(crate::clock::Elapsed));
        drop(writing);
        claim.idle().await;
        claim.renew(Time(0).after(RENEW_DEADLINE * 2));
        assert!(claim.enter().is_some());
        claim.end();
        claim.renew(Time(i64::MAX));
        assert!(claim.enter().is_none(), "what has ended is not renewed");
    }

    #[test]
    fn alone_everything_may_be_written() {
        let claim = Leadership::alone().claim().unwrap();
        assert!(claim.is_current() && claim.enter().is_some() && claim.since() == Time::default());
    }

    #[tokio::test(start_paused = true)]
    async fn a_standby_may_not_and_says_who_may() {
        let (standing, leadership) = Leadership::elected();
        assert_eq!(leadership.claim().unwrap_err(), None);
        standing.send_replace(Standing::Standby { leader: Some("b".into()) });
        assert_eq!(leadership.claim().unwrap_err().as_deref(), Some("b"));
        let clock = Clock::simulated(Time(0), 1.0);
        standing.send_replace(Standing::Leading(Claim::new(clock.clone(), "a".into(), Time(0), Time(1_000))));
        assert!(leadership.claim().is_ok());
        clock.sleep(Duration::from_secs(1)).await;
        assert_eq!(leadership.claim().unwrap_err(), None, "it has led; who leads now is not known");
    }
}
