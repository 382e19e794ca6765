//! After the acts: time runs on as everywhere, and people may look around. Must not know: the acts.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app::operator::until;
use crate::app::{Trouble, sim, stop};
use crate::cli::{args, print};
use crate::reconcile::conditions::REASONS;
use crate::serve::{self, Face};

use super::stage::{CLUSTER, SERVICE, Stage};

/// Serves the embedded ECS, the metrics and the probes until stopped.
pub async fn stay_open(flags: &args::Demo, stage: &Stage) -> Result<(), Trouble> {
    // Sockets live in real time.
    tokio::time::resume();
    let (stopping, stopped) = watch::channel(false);
    let (listener, ecs) = bind_near(flags.sim_listen).await?;
    let door = tokio::spawn(sim::serve(listener, stage.sim.clone(), until(stopped.clone())));
    let (listener, face) = bind_near(flags.listen).await?;
    let faced = stage.face().map(|(status, metrics)| Face {
        status,
        metrics: Arc::clone(&metrics),
        clock: stage.clock.clone(),
        reasons: REASONS,
    });
    let served = faced.map(|shown| tokio::spawn(serve::serve(listener, shown, until(stopped))));
    let region = stage.sim.world().settings.region.clone();
    print::out("");
    print::out("The stage stays open, in real time, until Ctrl-C. Next, in another terminal:");
    let keys = format!(
        "AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_DEFAULT_REGION={region} AWS_ENDPOINT_URL=http://{ecs}"
    );
    print::out(format_args!("  {keys} aws ecs describe-services --cluster {CLUSTER} --services {SERVICE}"));
    print::out(format_args!("  http://{face}/  the status page, in a browser"));
    print::out(format_args!("  curl http://{face}/metrics"));
    print::out(format_args!("  ecs-operator status --server http://{face}"));
    stop::asked().await;
    stopping.send_replace(true);
    drop(door.await);
    if let Some(served) = served {
        drop(served.await);
    }
    Ok(())
}

/// A listener there; where that is taken, on any free port beside it.
async fn bind_near(wanted: SocketAddr) -> Result<(TcpListener, SocketAddr), Trouble> {
    match sim::bind(wanted).await {
        Ok(bound) => Ok(bound),
        Err(trouble) => {
            let (listener, address) = sim::bind(SocketAddr::new(wanted.ip(), 0)).await?;
            print::out(format_args!("{trouble}; {address} it is."));
            Ok((listener, address))
        }
    }
}
