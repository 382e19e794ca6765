//! Winning, keeping and losing the lease. Must not know: what a leader does.
//!
//! client-go's rules, and three that are stricter. A Lease that is absent, new or cleared by hand is waited out like one
//! that is held: whoever held it may still write. A leader begins no write after its renew deadline, counted from when
//! the last good renewal was sent; and a write that is under way ends before the lease can be another's.

use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::shape::Time;

use super::kubernetes::{AskError, Leases};
use super::record::{Holder, Record};
use super::{Claim, JITTER, RELEASE_WITHIN, RENEW_DEADLINE, REQUEST_TIMEOUT, RETRY_PERIOD, Standing};

/// Who takes part.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Nobody else's, not even of this replica's last start.
    pub identity: String,
    /// What jitter is drawn from.
    pub seed: u64,
}

/// What happened, for logs and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// This replica leads.
    Won,
    /// It leads no more, and why.
    Lost(&'static str),
    /// Another leads, or nobody that is known.
    Leader(Option<String>),
    /// The API server did not do what it was asked for. Told again each time.
    Failed { leading: bool, error: AskError },
    /// The lease was given back.
    Released,
}

/// Takes part in the election for one replica.
pub struct Elector {
    leases: Leases,
    clock: Clock,
    identity: String,
    rng: fastrand::Rng,
    standing: watch::Sender<Standing>,
    told: Box<dyn Fn(Event) + Send>,
    seen: Option<Sight>,
    claim: Option<Claim>,
    /// What was sent last that would make the lease ours, while nobody knows what became of it.
    unsure: Option<Record>,
    leader: Option<String>,
}

/// The record as it was last seen, and when it was first seen so.
struct Sight {
    record: Record,
    at: Time,
}

impl Sight {
    /// Until when a holder may be at work.
    fn until(&self) -> Time {
        self.at.after(self.record.duration())
    }
}

/// So much of a holder's name is repeated.
const NAME_SHOWN: usize = 128;

impl Elector {
    pub fn new(
        leases: Leases,
        clock: Clock,
        settings: Settings,
        standing: watch::Sender<Standing>,
        told: impl Fn(Event) + Send + 'static,
    ) -> Self {
        Self {
            leases,
            clock,
            identity: settings.identity,
            rng: fastrand::Rng::with_seed(settings.seed),
            standing,
            told: Box::new(told),
            seen: None,
            claim: None,
            unsure: None,
            leader: None,
        }
    }

    /// Takes part until stopped; then begins no write any more, lets those under way end, and gives the lease back.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let began = self.clock.now();
            let attempt = tokio::select! {
                biased;
                () = &mut stop => break,
                attempt = self.attempt() => attempt,
            };
            // That another was faster is how it should be.
            if let Err(error) = attempt
                && error != AskError::Conflict
            {
                (self.told)(Event::Failed { leading: self.claim.is_some(), error });
            }
            let next = self.settle(began);
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = self.clock.sleep_until(next) => {}
            }
        }
        self.step_down().await;
    }

    /// Renews the lease, or takes it where it is free, or looks who has it.
    async fn attempt(&mut self) -> Result<(), AskError> {
        if self.claim.is_some()
            && let Some(record) = self.seen.as_ref().map(|seen| seen.record.clone())
        {
            match self.take(&record).await {
                // Somebody has written to it, or deleted it: look.
                Err(AskError::Conflict | AskError::Absent) => {}
                other => return other,
            }
        }
        let found = self.leases.get(self.patience()).await?;
        let Some(record) = found else { return self.create().await };
        let expired = self.see(record.clone());
        match record.holder() {
            Holder::Nobody => self.take(&record).await,
            Holder::Held(name) if name == self.identity && (self.claim.is_some() || self.has_sent(&record)) => {
                self.take(&record).await
            }
            Holder::Unclear if self.claim.is_some() => self.take(&record).await,
            Holder::Held(_) | Holder::Unclear if expired => self.take(&record).await,
            Holder::Held(_) if self.claim.is_some() => {
                self.lose("another holds the lease");
                Ok(())
            }
            Holder::Held(_) | Holder::Unclear => Ok(()),
        }
    }

    /// Takes note of what there is; when it is as before, it is as old as before. Whether that is long enough ago.
    fn see(&mut self, record: Record) -> bool {
        let now = self.clock.now();
        match &self.seen {
            Some(seen) if seen.record.version() == record.version() => seen.until() <= now,
            _ => {
                self.seen = Some(Sight { record, at: now });
                false
            }
        }
    }

    async fn take(&mut self, record: &Record) -> Result<(), AskError> {
        let sent = self.clock.now();
        let next = record.taken(&self.identity, self.clock.wall());
        let answer = self.leases.put(self.patience(), &next).await;
        self.hold(answer, next, sent)
    }

    /// The answer to what made it so was lost. A hand that writes our name has not ended another's writes.
    fn has_sent(&self, record: &Record) -> bool {
        self.unsure.as_ref().is_some_and(|sent| sent.object().get("spec") == record.object().get("spec"))
    }

    /// Makes the Lease that is not there: ours where we lead, else nobody's, to be waited out from now on. That it is
    /// not there says nothing of who held it a moment ago.
    async fn create(&mut self) -> Result<(), AskError> {
        let sent = self.clock.now();
        let fresh = self.leases.fresh();
        if self.claim.is_none() {
            let stored = self.leases.create(self.patience(), &fresh).await?;
            self.see(stored);
            return Ok(());
        }
        let next = fresh.taken(&self.identity, self.clock.wall());
        let answer = self.leases.create(self.patience(), &next).await;
        self.hold(answer, next, sent)
    }

    /// The record is ours, if the answer to `next`, which was sent then, says so.
    fn hold(&mut self, answer: Result<Record, AskError>, next: Record, sent: Time) -> Result<(), AskError> {
        let stored = match answer {
            Ok(stored) => stored,
            Err(error) => {
                let told = matches!(error, AskError::Conflict | AskError::Absent | AskError::Refused(400..500, _));
                self.unsure = (!told).then_some(next);
                return Err(error);
            }
        };
        self.unsure = None;
        let now = self.clock.now();
        self.see(stored);
        let until = sent.after(RENEW_DEADLINE);
        match &self.claim {
            Some(claim) => claim.renew(until),
            None => {
                let claim = Claim::new(self.clock.clone(), self.identity.clone(), now, until);
                self.standing.send_replace(Standing::Leading(claim.clone()));
                self.claim = Some(claim);
                self.leader = Some(self.identity.clone());
                (self.told)(Event::Won);
            }
        }
        Ok(())
    }

    /// How long a request may take: after the renew deadline its answer is worth nothing.
    fn patience(&self) -> Duration {
        let until = self.claim.as_ref().and_then(Claim::until);
        until.map_or(REQUEST_TIMEOUT, |until| until.since(self.clock.now()).min(REQUEST_TIMEOUT))
    }

    fn lose(&mut self, why: &'static str) {
        if let Some(claim) = self.claim.take() {
            claim.end();
            self.leader = None;
            self.standing.send_replace(Standing::Standby { leader: None });
            (self.told)(Event::Lost(why));
        }
    }

    /// Brings what is told up to date, and says when to look again.
    fn settle(&mut self, began: Time) -> Time {
        if self.claim.as_ref().is_some_and(|claim| !claim.is_current()) {
            self.lose("the lease was not renewed in time");
        }
        let now = self.clock.now();
        let due = began.after(RETRY_PERIOD.mul_f64(1.0 + JITTER * self.rng.f64()));
        if let Some(until) = self.claim.as_ref().and_then(Claim::until) {
            return due.min(until);
        }
        let expiry = self.seen.as_ref().map(Sight::until).filter(|until| *until > now);
        let leader = self.seen.as_ref().filter(|_| expiry.is_some()).and_then(|seen| match seen.record.holder() {
            Holder::Held(name) => Some(name.chars().take(NAME_SHOWN).collect::<String>()),
            Holder::Nobody | Holder::Unclear => None,
        });
        if leader != self.leader {
            self.leader.clone_from(&leader);
            self.standing.send_replace(Standing::Standby { leader: leader.clone() });
            (self.told)(Event::Leader(leader));
        }
        expiry.map_or(due, |expiry| due.min(expiry))
    }

    /// Ends the term: once nothing is being written any more, others need not wait.
    async fn step_down(&mut self) {
        let Some(claim) = self.claim.take() else { return };
        let until = claim.until().unwrap_or_default();
        claim.end();
        self.standing.send_replace(Standing::Standby { leader: None });
        (self.told)(Event::Lost("this replica stops"));
        // No write takes longer than this.
        let rest = until.after(super::WRITE_WITHIN).since(self.clock.now());
        if self.clock.timeout(rest, claim.idle()).await.is_err() {
            return;
        }
        let clock = self.clock.clone();
        match clock.timeout(RELEASE_WITHIN, self.release()).await {
            Ok(Ok(())) => (self.told)(Event::Released),
            Ok(Err(error)) => (self.told)(Event::Failed { leading: true, error }),
            Err(_) => (self.told)(Event::Failed { leading: true, error: AskError::Timeout }),
        }
    }

    async fn release(&mut self) -> Result<(), AskError> {
        let known = self.seen.as_ref().map(|seen| seen.record.clone());
        let mut record = known.filter(|record| record.holder() == Holder::Held(&self.identity));
        loop {
            if let Some(record) = &record {
                match self.leases.put(RELEASE_WITHIN, &record.given_back(self.clock.wall())).await {
                    Err(AskError::Conflict) => {}
                    other => return other.map(drop),
                }
            }
            // A renewal of ours may have been stored whose answer was not waited for.
            record = self.leases.get(RELEASE_WITHIN).await?;
            if record.as_ref().is_none_or(|record| record.holder() != Holder::Held(&self.identity)) {
                return Ok(());
            }
        }
    }
}
