//! `run`: the operator.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cli::{Exit, args};
use crate::clock::Clock;
use crate::kinds::Place;
use crate::reconcile::Settings;
use crate::reconcile::conditions::REASONS;
use crate::serve::{self, Face};
use crate::source;
use crate::status::Status;

use super::operator::{Watched, operate, until};
use super::sim::bind;
use super::{Cloud, Election, Options, Trouble, assemble, stop};

/// Keeps AWS as the directory says, until asked to stop.
pub async fn run(flags: args::Run, clock: Clock) -> Result<Exit, Trouble> {
    if super::input::is_single(&flags.place.path) {
        let path = flags.place.path.display();
        return Err(Trouble::Input(format!("{path}: run follows a directory; `apply` takes a file or standard input")));
    }
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
        former: flags.take_over,
        grace: flags.grace,
        rollouts_max: flags.rollouts.into(),
        metrics_max_services: flags.metrics_max_services,
    };
    let nobody = crate::kinds::tags::Ownership { owner: String::new(), source: String::new() };
    let nowhere = Place { account: String::new(), region: String::new() };
    let mut shared = assemble(cloud, &clock, nobody, nowhere, &options, &status)?;
    let election = Election::of(&flags.election, &clock, &shared.metrics).await?;
    shared.leadership = election.leadership.clone();
    let metrics = Arc::clone(&shared.metrics);
    let face = Face { status: status.clone(), metrics, clock: clock.clone(), reasons: REASONS };
    let (listener, address) = bind(flags.listen).await?;
    tracing::info!(%address, "metrics and probes listen");
    // Probes and metrics outlive the loop: they are the last to go.
    let (ending, ended) = watch::channel(false);
    let mut served = JoinSet::new();
    if let Some(listen) = flags.probe_listen {
        let (listener, address) = bind(listen).await?;
        tracing::info!(%address, "probes listen");
        served.spawn(serve::probes(listener, status, until(ended.clone())));
    }
    served.spawn(serve::serve(listener, face, until(ended)));
    let watched = Watched {
        source: source::Options { poll: flags.poll, inotify: !flags.poll_only },
        settings: Settings {
            workers: flags.workers.into(),
            resync: flags.resync,
            active: flags.active,
            seed: flags.place.cloud.seed,
        },
        place: flags.place,
    };
    let ended = operate(watched, shared, election, published, stopped).await;
    ending.send_replace(true);
    while served.join_next().await.is_some() {}
    ended.map(|()| Exit::Done)
}
