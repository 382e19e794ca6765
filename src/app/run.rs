//! `run`: the operator.

use std::sync::Arc;

use tokio::sync::watch;

use crate::cli::{Exit, args};
use crate::clock::Clock;
use crate::kinds::Place;
use crate::reconcile::{Controller, Settings, Shared, Until, backoff::Schedule};
use crate::serve::{self, Face};
use crate::source;
use crate::status::Status;

use super::feed::Feed;
use super::sim::bind;
use super::{Cloud, Options, Trouble, assemble, stop};

/// Keeps AWS as the directory says, until asked to stop.
pub async fn run(flags: args::Run, clock: Clock) -> Result<Exit, Trouble> {
    let (published, status) = watch::channel(Arc::new(Status::default()));
    let (stopping, stopped) = watch::channel(false);
    tokio::spawn(async move {
        stop::asked().await;
        stopping.send_replace(true);
    });
    let cloud = Cloud::of(&flags.place.cloud, &clock).await?;
    if let (Some(listen), Some(sim)) = (flags.sim_listen, cloud.sim.clone()) {
        let (listener, address) = bind(listen).await?;
        tracing::info!(%address, "the embedded ECS listens");
        tokio::spawn(super::sim::serve(listener, sim, until(stopped.clone())));
    }
    let options = Options {
        observe_only: flags.observe,
        grace: flags.grace,
        rollouts_max: flags.rollouts.into(),
        metrics_max_services: flags.metrics_max_services,
    };
    let nobody = crate::kinds::tags::Ownership { owner: String::new(), source: String::new() };
    let nowhere = Place { account: String::new(), region: String::new() };
    let shared = assemble(cloud, &clock, nobody, nowhere, &options, &status)?;
    let face = Face { status: status.clone(), metrics: Arc::clone(&shared.metrics) };
    let (listener, address) = bind(flags.listen).await?;
    tracing::info!(%address, "metrics and probes listen");
    // Probes and metrics outlive the loop: they are the last to go.
    let (ending, ended) = watch::channel(false);
    let served = tokio::spawn(serve::serve(listener, face, until(ended)));
    let exit = operate(&flags, shared, published, stopped).await;
    ending.send_replace(true);
    drop(served.await);
    exit
}

async fn until(mut told: watch::Receiver<bool>) {
    // A sender that is gone has no more to say than one that said so.
    drop(told.wait_for(|told| *told).await);
}

async fn operate(
    flags: &args::Run,
    mut shared: Shared,
    published: watch::Sender<Arc<Status>>,
    stopped: watch::Receiver<bool>,
) -> Result<Exit, Trouble> {
    let place = tokio::select! {
        biased;
        () = until(stopped.clone()) => return Ok(Exit::Done),
        place = place(&shared, flags.place.cloud.seed) => place,
    };
    shared.place = place.clone();
    let options = source::Options { poll: flags.poll, inotify: !flags.poll_only };
    let watching = source::watch(&flags.place.path, options);
    let mut feed = Feed::new(flags, place, shared.clock.clone(), Arc::clone(&shared.metrics), watching);
    let owner = tokio::select! {
        biased;
        () = until(stopped.clone()) => return Ok(Exit::Done),
        owner = feed.begin(&published) => owner?,
    };
    shared.us = owner;
    let settings = Settings {
        workers: flags.workers.into(),
        resync: flags.resync,
        active: flags.active,
        seed: flags.place.cloud.seed,
    };
    let (desired, source) = feed.subscribe();
    let mut feeding = tokio::spawn(feed.run());
    let controller = Controller::new(Arc::new(shared), settings, Until::Stopped, desired, source, published);
    let mut blind = false;
    let stop = async {
        tokio::select! {
            biased;
            () = until(stopped) => {}
            _ = &mut feeding => blind = true,
        }
    };
    controller.run(stop).await;
    feeding.abort();
    if blind {
        // Better started anew than to keep a state for ever that Git may have left long ago.
        return Err(Trouble::Input("the directory is no longer watched".into()));
    }
    Ok(Exit::Done)
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
