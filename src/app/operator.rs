//! Putting the loop together.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::kinds::{Place, tags::Ownership};
use crate::observe::Observer;
use crate::reconcile::Shared;
use crate::status::Status;
use crate::telemetry::Metrics;

use super::{Cloud, Trouble};

/// How the operator treats what it finds.
#[derive(Clone, Debug)]
pub struct Options {
    pub observe_only: bool,
    pub grace: Duration,
    pub rollouts_max: usize,
    pub metrics_max_services: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            observe_only: false,
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
        grace: options.grace,
        rollouts_max: options.rollouts_max,
        known: std::sync::Mutex::default(),
    })
}
