//! The counters, gauges and histograms, and their rendering. Must not know: when they are written (see facts).

use std::sync::Arc;
use std::time::Duration;

use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Counter, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};
use tokio::sync::watch;

use super::catalogue::{self as rows, Row};
use super::labels::{
    Action, CacheResult, LoadResult, PassResult, PreflightResult, Priority, Reason, RolloutResult, SourceEvent, Stage,
};
use super::objects::Objects;
use crate::status::Status;

/// Above so many services, none has series of its own: a part of them would lie.
pub const MAX_SERVICES_DEFAULT: usize = 2000;

/// Why metrics could not be set up or rendered.
#[derive(Debug, thiserror::Error)]
#[error("metrics: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

/// All metrics of one operator, in a registry of their own.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    objects: Objects,
    pub(super) leader: IntGauge,
    pub(super) lease_transitions: IntCounter,
    pub(super) lease_failures: IntCounter,
    pub(super) source_loads: IntCounterVec,
    pub(super) source_events: IntCounterVec,
    pub(super) source_load_duration: Histogram,
    pub(super) reconcile: IntCounterVec,
    pub(super) reconcile_duration: Histogram,
    pub(super) reconcile_stage_duration: HistogramVec,
    pub(super) reconcile_errors: IntCounterVec,
    pub(super) queue_depth: IntGaugeVec,
    pub(super) queue_adds: IntCounterVec,
    pub(super) queue_wait: HistogramVec,
    pub(super) workers_active: IntGauge,
    pub(super) workers_max: IntGauge,
    pub(super) aws_calls: IntCounterVec,
    pub(super) aws_call_duration: HistogramVec,
    pub(super) aws_wait: Counter,
    pub(super) batch_size: Histogram,
    pub(super) cache_requests: IntCounterVec,
    pub(super) preflights: IntCounterVec,
    pub(super) preflight_blind: IntCounter,
    pub(super) changes: IntCounterVec,
    pub(super) drift: IntCounter,
    pub(super) rollouts: IntCounterVec,
    pub(super) rollout_duration: Histogram,
}

impl Metrics {
    /// Metrics that read everything known about objects off `status` at each scrape.
    ///
    /// # Errors
    /// None in a program whose tests pass: a name that Prometheus refuses, or one that is used twice.
    pub fn new(status: watch::Receiver<Arc<Status>>, max_services: usize) -> Result<Self, MetricsError> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let build = gauges(&registry, &rows::BUILD_INFO)?;
        build.get_metric_with_label_values(&[env!("CARGO_PKG_VERSION")])?.set(1);
        let metrics = Self {
            leader: registered(&registry, IntGauge::with_opts(opts(&rows::LEADER)))?,
            lease_transitions: registered(&registry, IntCounter::with_opts(opts(&rows::LEASE_TRANSITIONS)))?,
            lease_failures: registered(&registry, IntCounter::with_opts(opts(&rows::LEASE_FAILURES)))?,
            source_loads: counters(&registry, &rows::SOURCE_LOADS)?,
            source_events: counters(&registry, &rows::SOURCE_EVENTS)?,
            source_load_duration: histogram(&registry, &rows::SOURCE_LOAD_DURATION)?,
            reconcile: counters(&registry, &rows::RECONCILE)?,
            reconcile_duration: histogram(&registry, &rows::RECONCILE_DURATION)?,
            reconcile_stage_duration: histograms(&registry, &rows::RECONCILE_STAGE_DURATION)?,
            reconcile_errors: counters(&registry, &rows::RECONCILE_ERRORS)?,
            queue_depth: gauges(&registry, &rows::QUEUE_DEPTH)?,
            queue_adds: counters(&registry, &rows::QUEUE_ADDS)?,
            queue_wait: histograms(&registry, &rows::QUEUE_WAIT)?,
            workers_active: registered(&registry, IntGauge::with_opts(opts(&rows::WORKERS_ACTIVE)))?,
            workers_max: registered(&registry, IntGauge::with_opts(opts(&rows::WORKERS_MAX)))?,
            aws_calls: counters(&registry, &rows::AWS_CALLS)?,
            aws_call_duration: histograms(&registry, &rows::AWS_CALL_DURATION)?,
            aws_wait: registered(&registry, Counter::with_opts(opts(&rows::AWS_WAIT)))?,
            batch_size: histogram(&registry, &rows::BATCH_SIZE)?,
            cache_requests: counters(&registry, &rows::CACHE_REQUESTS)?,
            preflights: counters(&registry, &rows::PREFLIGHTS)?,
            preflight_blind: registered(&registry, IntCounter::with_opts(opts(&rows::PREFLIGHT_BLIND)))?,
            changes: counters(&registry, &rows::CHANGES)?,
            drift: registered(&registry, IntCounter::with_opts(opts(&rows::DRIFT)))?,
            rollouts: counters(&registry, &rows::ROLLOUTS)?,
            rollout_duration: histogram(&registry, &rows::ROLLOUT_DURATION)?,
            objects: Objects::new(status, max_services),
            registry,
        };
        metrics.begin_at_zero()?;
        Ok(metrics)
    }

    /// What a scrape gets: the text format, version 0.0.4.
    ///
    /// # Errors
    /// When a metric has no name, that is, never in a program whose tests pass.
    pub fn render(&self) -> Result<String, MetricsError> {
        let encoder = TextEncoder::new();
        let mut text = encoder.encode_to_string(&self.registry.gather())?;
        self.objects.write(&encoder, &mut text)?;
        Ok(text)
    }

    /// Every value of a closed set has its series from the start, so that the first increase is seen by `rate()`.
    fn begin_at_zero(&self) -> Result<(), MetricsError> {
        zero(&self.source_loads, LoadResult::ALL, LoadResult::as_str)?;
        zero(&self.source_events, SourceEvent::ALL, SourceEvent::as_str)?;
        zero(&self.reconcile, PassResult::ALL, PassResult::as_str)?;
        zero(&self.queue_adds, Reason::ALL, Reason::as_str)?;
        zero(&self.cache_requests, CacheResult::ALL, CacheResult::as_str)?;
        zero(&self.preflights, PreflightResult::ALL, PreflightResult::as_str)?;
        zero(&self.changes, Action::ALL, Action::as_str)?;
        zero(&self.rollouts, RolloutResult::ALL, RolloutResult::as_str)?;
        for stage in Stage::ALL {
            self.reconcile_stage_duration.get_metric_with_label_values(&[stage.as_str()])?;
        }
        for priority in Priority::ALL {
            self.queue_depth.get_metric_with_label_values(&[priority.as_str()])?;
            self.queue_wait.get_metric_with_label_values(&[priority.as_str()])?;
        }
        Ok(())
    }
}

fn zero<L: Copy>(family: &IntCounterVec, values: &[L], text: impl Fn(L) -> &'static str) -> Result<(), MetricsError> {
    for value in values {
        family.get_metric_with_label_values(&[text(*value)])?;
    }
    Ok(())
}

fn opts(row: &Row) -> Opts {
    Opts::new(row.name, row.help)
}

fn registered<C>(registry: &Registry, made: prometheus::Result<C>) -> prometheus::Result<C>
where
    C: prometheus::core::Collector + Clone + 'static,
{
    let collector = made?;
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

fn counters(registry: &Registry, row: &Row) -> prometheus::Result<IntCounterVec> {
    registered(registry, IntCounterVec::new(opts(row), row.labels))
}

fn gauges(registry: &Registry, row: &Row) -> prometheus::Result<IntGaugeVec> {
    registered(registry, IntGaugeVec::new(opts(row), row.labels))
}

fn histogram(registry: &Registry, row: &Row) -> prometheus::Result<Histogram> {
    registered(registry, Histogram::with_opts(HistogramOpts::from(opts(row)).buckets(row.buckets.to_vec())))
}

fn histograms(registry: &Registry, row: &Row) -> prometheus::Result<HistogramVec> {
    registered(registry, HistogramVec::new(HistogramOpts::from(opts(row)).buckets(row.buckets.to_vec()), row.labels))
}

// `with_label_values` panics where the number of labels is wrong. These leave the fact uncounted instead; the test that
// exercises every fact finds it.

pub(super) fn count(family: &IntCounterVec, labels: &[&str]) {
    if let Ok(counter) = family.get_metric_with_label_values(labels) {
        counter.inc();
    }
}

pub(super) fn set(family: &IntGaugeVec, labels: &[&str], value: usize) {
    if let Ok(gauge) = family.get_metric_with_label_values(labels) {
        set_one(&gauge, value);
    }
}

pub(super) fn set_one(gauge: &IntGauge, value: usize) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}

pub(super) fn time(family: &HistogramVec, labels: &[&str], duration: Duration) {
    if let Ok(histogram) = family.get_metric_with_label_values(labels) {
        histogram.observe(duration.as_secs_f64());
    }
}
