//! Putting the loop together.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cli::args;
use crate::clock::Clock;
use crate::kinds::{Place, adopt::Former, tags::Ownership};
use crate::lease::Leadership;
use crate::observe::Observer;
use crate::reconcile::{Controller, Settings, Shared, Until, backoff::Schedule};
use crate::source;
use crate::status::Status;
use crate::telemetry::Metrics;

use super::feed::Feed;
use super::{Cloud, Election, Trouble};

/// How the operator treats what it finds.
#[derive(Clone, Debug)]
pub struct Options {
    pub observe_only: bool,
    /// Whose objects become ours.
    pub former: Option<Former>,
    pub grace: Duration,
    pub rollouts_max: usize,
    pub metrics_max_services: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            observe_only: false,
            former: None,
            grace: Duration::from_secs(3600),
            rollouts_max: 5,
            metrics_max_services: crate::telemetry::MAX_SERVICES_DEFAULT,
        }
    }
}

/// What passes share, over a cloud.
///
/// # Errors
/// Metrics that can't be registered.
pub fn assemble(
    cloud: Cloud,
    clock: &Clock,
    us: Ownership,
    place: Place,
    options: &Options,
    status: &watch::Receiver<Arc<Status>>,
) -> Result<Shared, Trouble> {
    let metrics = Arc::new(Metrics::new(status.clone(), options.metrics_max_services)?);
    let aws = cloud.client(Arc::clone(&metrics));
    let told = Arc::clone(&metrics);
    Ok(Shared {
        observer: Observer::new(aws.clone(), clock.clone(), move |size| told.batch_sent(size)),
        aws,
        clock: clock.clone(),
        metrics,
        us,
        place,
        observe_only: options.observe_only,
        former: options.former.clone(),
        leadership: Leadership::alone(),
        grace: options.grace,
        rollouts_max: options.rollouts_max,
        approved: None,
        known: std::sync::Mutex::default(),
    })
}

/// Ends when it is told so.
pub async fn until(mut told: watch::Receiver<bool>) {
    // A sender that is gone has no more to say than one that said so.
    drop(told.wait_for(|told| *told).await);
}

/// A directory, and how the loop over it runs.
#[derive(Clone, Debug)]
pub struct Watched {
    pub place: args::Place,
    pub source: source::Options,
    pub settings: Settings,
}

/// Keeps AWS as the directory says, until stopped. Dropped, it leaves nothing behind that goes on by itself.
///
/// # Errors
/// Nobody owns what the directory would make, or it is no longer watched.
pub async fn operate(
    watched: Watched,
    mut shared: Shared,
    election: Election,
    published: watch::Sender<Arc<Status>>,
    stopped: watch::Receiver<bool>,
) -> Result<(), Trouble> {
    let Watched { place: flags, source: options, settings } = watched;
    let place = tokio::select! {
        biased;
        () = until(stopped.clone()) => return Ok(()),
        place = place(&shared, flags.cloud.seed) => place,
    };
    shared.place = place.clone();
    let poll = options.poll;
    let watching = source::watch(&flags.path, options);
    let mut feed = Feed::new(flags, poll, place, shared.clock.clone(), Arc::clone(&shared.metrics), watching);
    let owner = tokio::select! {
        biased;
        () = until(stopped.clone()) => return Ok(()),
        owner = feed.begin(&published) => owner?,
    };
    shared.us = owner;
    let (desired, source) = feed.subscribe();
    let mut feeding = JoinSet::new();
    feeding.spawn(feed.run());
    // Only now: who can't read what is to be done, or AWS, is no leader.
    let (leaving, leave) = watch::channel(false);
    let mut holding = JoinSet::new();
    holding.spawn(election.hold(leave));
    let controller = Controller::new(Arc::new(shared), settings, Until::Stopped, desired, source, published);
    let mut fault = None;
    let stop = async {
        tokio::select! {
            biased;
            () = until(stopped) => {}
            _ = feeding.join_next() => fault = Some("the directory is no longer watched"),
            _ = holding.join_next() => fault = Some("the election has ended by a fault of the program; please report it"),
        }
        // The lease goes back as soon as no write is under way, whatever else is still being ended.
        leaving.send_replace(true);
    };
    controller.run(stop).await;
    while holding.join_next().await.is_some() {}
    match fault {
        // Better started anew than to keep a state for ever that Git, or another replica, may have left long ago.
        Some(fault) => Err(Trouble::Input(fault.into())),
        None => Ok(()),
    }
}

/// Whose account it is, asked until there is an answer: nothing may be done before.
async fn place(shared: &Shared, seed: u64) -> Place {
    let mut failures = 0;
    loop {
        let error = match shared.aws.place().await {
            Ok(place) => return place,
            Err(error) => error,
        };
        tracing::warn!(error = %error, remedy = error.remedy().unwrap_or_default(), "AWS does not say whose account this is; nothing is done before it does");
        // Credentials may arrive late: a class that is hopeless for a call is not for a start.
        let class =
            if error.class() == crate::aws::Class::Terminal { crate::aws::Class::Transient } else { error.class() };
        shared.clock.sleep(Schedule::after(class, seed, failures).unwrap_or_default()).await;
        failures += 1;
    }
}
