//! Which AWS: the real one, an endpoint, or the embedded one.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::aws::{self, Aws};
use crate::cli::args;
use crate::clock::Clock;
use crate::sim::wire::Connector;
use crate::sim::{self, Sim};
use crate::telemetry::{CallEnded, CallOutcome, Metrics};

use super::Trouble;

/// The AWS that a command talks to, and the simulator behind it if it is that.
pub struct Cloud {
    settings: aws::Settings,
    pub sim: Option<Sim>,
}

impl Cloud {
    /// What the flags say.
    pub async fn of(flags: &args::Cloud, clock: &Clock) -> Result<Self, Trouble> {
        if flags.sim {
            if flags.endpoint_url.is_some() {
                return Err(Trouble::Input(
                    "--endpoint-url cannot be used with --sim: which of the two is meant?".into(),
                ));
            }
            let region = flags.region.as_deref();
            return Ok(Self::simulated(clock, flags.seed, region).share(flags.api_share));
        }
        let found = aws::account::find(flags.region.as_deref(), flags.endpoint_url.as_deref(), clock).await;
        let settings = found.ok_or_else(|| {
            Trouble::Input("no region: give --region, or set AWS_REGION, or configure one for AWS's tools".into())
        })?;
        Ok(Self { settings, sim: None }.share(flags.api_share))
    }

    /// An embedded ECS on the clock.
    pub fn simulated(clock: &Clock, seed: u64, region: Option<&str>) -> Self {
        let defaults = sim::world::Settings::default();
        let region = region.map_or_else(|| defaults.region.clone(), str::to_owned);
        let (now, sleeper) = (clock.clone(), clock.clone());
        let settings = sim::world::Settings { seed, region, ..defaults };
        let sleep = move |span| {
            let clock = sleeper.clone();
            async move { clock.sleep(span).await }
        };
        Self::on(Sim::new(settings, move || now.now()).with_sleep(sleep), clock)
    }

    /// An embedded ECS that is there already.
    pub fn on(sim: Sim, clock: &Clock) -> Self {
        let region = sim.world().settings.region.clone();
        let http = SharedHttpClient::new(Connector::new(sim.clone()));
        Self { settings: aws::Settings::simulated(&region, http, clock.clone()), sim: Some(sim) }
    }

    /// The same, with requests going through another client: how tests lose calls on the way.
    #[must_use]
    pub fn through(mut self, http: SharedHttpClient) -> Self {
        self.settings.http = http;
        self
    }

    fn share(mut self, percent: u8) -> Self {
        self.settings.share = f64::from(percent) / 100.0;
        self
    }

    /// The client, telling the metrics of each call.
    pub fn client(self, metrics: Arc<Metrics>) -> Aws {
        let ended: aws::client::Ended = Arc::new(move |call, result, took, waited| {
            metrics.call_ended(&CallEnded {
                service: call.service,
                operation: call.operation,
                outcome: CallOutcome::of(result.err().map(aws::CallError::category)),
                code: result.err().map_or("", |error| error.code.as_str()),
                duration: took,
                waited,
            });
        });
        Aws::new(aws::Settings { ended, ..self.settings })
    }
}
