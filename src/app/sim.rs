//! `sim`: the embedded ECS for any client.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::cli::{Exit, args, print};
use crate::clock::Clock;
use crate::sim::{Sim, wire};

use super::{Cloud, Trouble, stop};

/// Serves until stopped.
pub async fn sim(flags: args::Sim, clock: Clock) -> Result<Exit, Trouble> {
    let cloud = Cloud::simulated(&clock, flags.seed, Some(&flags.region));
    let Some(sim) = cloud.sim else { return Ok(Exit::Error) };
    sim.world().settings.networks_must_exist = flags.networks_must_exist;
    sim.world().settings.throttle = flags.throttle;
    sim.world().settings.spot_life = flags.spot_life;
    let (listener, at) = bind(flags.listen).await?;
    let (region, scale) = (&flags.region, flags.time_scale);
    print::out(format_args!("The embedded ECS listens on http://{at} ({region}, {scale} times real time)."));
    let keys = format_args!("AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_DEFAULT_REGION={region}");
    print::out(format_args!("  AWS_ENDPOINT_URL=http://{at} {keys} aws ecs list-clusters"));
    let more = "(also /_sim/calls; POST /_sim/reset, /_sim/advance?seconds=60)";
    print::out(format_args!("  curl http://{at}/_sim/state   {more}"));
    serve(listener, sim, stop::asked()).await?;
    Ok(Exit::Done)
}

/// A listener, and the address it got: port 0 takes any that is free.
pub async fn bind(listen: SocketAddr) -> Result<(TcpListener, SocketAddr), Trouble> {
    let explain = |source| Trouble::Io { context: format!("can't listen on {listen}"), source };
    let listener = TcpListener::bind(listen).await.map_err(explain)?;
    let address = listener.local_addr().map_err(explain)?;
    Ok((listener, address))
}

pub async fn serve(
    listener: TcpListener,
    sim: Sim,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Trouble> {
    let served = wire::serve(listener, sim, stop).await;
    served.map_err(|source| Trouble::Io { context: "the simulator's door".into(), source })
}
