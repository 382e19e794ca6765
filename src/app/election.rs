//! Whether this process is the only one, or one of several of which one leads.

use std::sync::Arc;

use tokio::sync::watch;

use crate::cli::args;
use crate::clock::Clock;
use crate::lease::Leadership;
use crate::telemetry::Metrics;

use super::Trouble;

/// The part that this process takes, and what it makes of it.
pub struct Election {
    pub leadership: Leadership,
    /// Nothing to do where there is only one.
    #[cfg(feature = "kubernetes")]
    elector: Option<crate::lease::Elector>,
}

impl Election {
    /// Of the only one there is.
    pub fn none(metrics: &Metrics) -> Self {
        metrics.leads_alone();
        Self {
            leadership: Leadership::alone(),
            #[cfg(feature = "kubernetes")]
            elector: None,
        }
    }

    /// What the flags say. Nobody is asked for the lease before [`Election::hold`].
    ///
    /// # Errors
    /// No API server is known, or this program can't talk to one.
    pub async fn of(flags: &args::Election, clock: &Clock, metrics: &Arc<Metrics>) -> Result<Self, Trouble> {
        if !flags.leader_election {
            return Ok(Self::none(metrics));
        }
        Self::elected(flags, clock, metrics).await
    }

    #[cfg(not(feature = "kubernetes"))]
    #[allow(clippy::unused_async, reason = "with the feature it waits")]
    async fn elected(_: &args::Election, _: &Clock, _: &Arc<Metrics>) -> Result<Self, Trouble> {
        let why = "--leader-election: this program was built without the feature `kubernetes`, and knows no Lease";
        Err(Trouble::Input(format!("{why}; run one replica without it, or use another build")))
    }

    #[cfg(feature = "kubernetes")]
    async fn elected(flags: &args::Election, clock: &Clock, metrics: &Arc<Metrics>) -> Result<Self, Trouble> {
        use crate::lease::kubernetes::{Leases, connect};
        let trouble =
            |error: crate::lease::kubernetes::ConnectError| Trouble::Input(format!("--leader-election: {error}"));
        let (client, home) = connect().await.map_err(trouble)?;
        let namespace = flags.lease_namespace.as_deref().unwrap_or(&home);
        let leases = Leases::new(client, clock.clone(), namespace, &flags.lease_name).map_err(trouble)?;
        let chance = chance();
        let pod = flags.lease_identity.clone().or_else(|| std::env::var("HOSTNAME").ok());
        let pod = pod.filter(|pod| !pod.is_empty()).unwrap_or_else(|| "ecs-operator".to_owned());
        // A container that starts again in its pod is not who it was: what that left undone is not known.
        Ok(Self::over(leases, clock, metrics, format!("{pod}_{:08x}", chance as u32), chance))
    }

    /// Over a Lease that can be reached.
    #[cfg(feature = "kubernetes")]
    pub fn over(
        leases: crate::lease::kubernetes::Leases,
        clock: &Clock,
        metrics: &Arc<Metrics>,
        identity: String,
        seed: u64,
    ) -> Self {
        use crate::lease::{Elector, Settings};
        let (standing, leadership) = Leadership::elected();
        let told = tell(Arc::clone(metrics), leases.place(), identity.clone());
        let elector = Elector::new(leases, clock.clone(), Settings { identity, seed }, standing, told);
        Self { leadership, elector: Some(elector) }
    }

    /// Takes part until told to leave, and then gives back what it holds. With only one there is nothing to do.
    pub async fn hold(self, leave: watch::Receiver<bool>) {
        let leave = super::operator::until(leave);
        #[cfg(feature = "kubernetes")]
        if let Some(elector) = self.elector {
            return elector.run(leave).await;
        }
        leave.await;
    }
}

/// Log lines and metrics of what happens.
#[cfg(feature = "kubernetes")]
fn tell(metrics: Arc<Metrics>, lease: String, identity: String) -> impl Fn(crate::lease::Event) + Send {
    use crate::lease::Event;
    use std::sync::Mutex;
    let last: Mutex<Option<String>> = Mutex::new(None);
    move |event| {
        let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match event {
            Event::Failed { leading, error } => {
                let why = error.to_string();
                let again = last.as_ref() == Some(&why);
                metrics.lease_failed(&lease, leading, again, &why, error.remedy().unwrap_or_default());
                *last = Some(why);
                return;
            }
            Event::Won => metrics.lease_won(&lease, &identity),
            Event::Lost(why) => metrics.lease_lost(&lease, &identity, why),
            Event::Leader(leader) => metrics.leader_seen(&lease, leader.as_deref()),
            Event::Released => metrics.lease_released(&lease),
        }
        *last = None;
    }
}

/// A number that no other process draws.
#[cfg(feature = "kubernetes")]
fn chance() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}
