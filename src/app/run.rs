//! `run`: the operator.

use std::sync::Arc;

use tokio::sync::watch;

use crate::check::Desired;
use crate::cli::{Exit, args};
use crate::clock::Clock;
use crate::kinds::Place;
use crate::reconcile::status::{SourceStatus, Status};
use crate::reconcile::{Controller, Settings, Shared, Until, backoff::Schedule};
use crate::serve::{self, Face};
use crate::source::{self, Watching};
use crate::telemetry::{LoadResult, Metrics, SourceEvent, SourceLoaded};

use super::desired::{ownership, read, reading};
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
        tokio::spawn(super::sim::serve(bind(listen).await?, sim, until(stopped.clone())));
    }
    let options = Options {
        observe_only: flags.observe,
        grace: flags.grace,
        rollouts_max: flags.rollouts.into(),
        metrics_max_services: flags.metrics_max_services,
    };
    let nobody = crate::kinds::tags::Ownership { owner: String::new(), source: String::new() };
    let nowhere = Place { account: String::new(), region: String::new() };
    let mut shared = assemble(cloud, &clock, nobody, nowhere, &options, &status)?;
    let face = Face { status: status.clone(), metrics: Arc::clone(&shared.metrics) };
    let listener = bind(flags.listen).await?;
    // Probes and metrics outlive the loop: they are the last to go.
    let (ending, ended) = watch::channel(false);
    let served = tokio::spawn(serve::serve(listener, face, until(ended)));
    let exit = tokio::select! {
        biased;
        exit = operate(&flags, &mut shared, published, until(stopped.clone())) => exit,
    };
    ending.send_replace(true);
    drop(served.await);
    exit
}

async fn until(mut told: watch::Receiver<bool>) {
    // A sender that is gone has no more to say than one that said so.
    drop(told.wait_for(|told| *told).await);
}
