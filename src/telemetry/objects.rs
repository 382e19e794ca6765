//! Series that are read off the status at each scrape. Must not know: who writes the status, or when.
//!
//! An object that is gone is not in the status, so its series end without any code for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use prometheus::TextEncoder;
use prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};
use tokio::sync::watch;

use super::catalogue::{self as rows, Row};
use crate::kinds::{Key, Kind};
use crate::shape::Time;
use crate::status::{ObjectStatus, SourceStatus, Status};

/// Everything that is filled in here.
const ROWS: &[Row] = &[
    rows::SOURCE_INFO,
    rows::SOURCE_LAST_SUCCESS,
    rows::SOURCE_REVISION_SINCE,
    rows::MANIFESTS,
    rows::SYNCED,
    rows::ORPHANS,
    rows::OBJECTS,
    rows::OBJECT_CONDITIONS,
    rows::SERVICES_DROPPED,
    rows::SERVICE_INFO,
    rows::SERVICE_DESIRED,
    rows::SERVICE_RUNNING,
    rows::SERVICE_PENDING,
    rows::SERVICE_LOWER,
    rows::SERVICE_UPPER,
    rows::SERVICE_GENERATION,
    rows::SERVICE_OBSERVED_GENERATION,
    rows::SERVICE_CONDITION,
    rows::SERVICE_READY_SINCE,
    rows::SERVICE_LAST_RECONCILE,
];

/// Turns the status of the moment into series.
#[derive(Debug)]
pub(super) struct Objects {
    status: watch::Receiver<Arc<Status>>,
    max_services: usize,
}

impl Objects {
    pub(super) fn new(status: watch::Receiver<Arc<Status>>, max_services: usize) -> Self {
        Self { status, max_services }
    }

    /// Writes them out, metric by metric: all series of thousands of services at once would take more memory than
    /// everything else that is known of them.
    pub(super) fn write(&self, encoder: &TextEncoder, out: &mut String) -> prometheus::Result<()> {
        // Taken out of the channel at once: rendering must not hold up whoever writes the status.
        let status = Arc::clone(&self.status.borrow());
        for row in ROWS {
            let mut series = Series { row, metrics: Vec::new() };
            self.fill(&mut series, &status);
            if !series.metrics.is_empty() {
                encoder.encode_utf8(&[series.family()], out)?;
            }
        }
        Ok(())
    }

    fn fill(&self, series: &mut Series, status: &Status) {
        source(series, &status.source);
        series.add(&rows::SYNCED, &[], f64::from(u8::from(status.synced)));
        series.add(&rows::ORPHANS, &[], status.orphans.len() as f64);
        if [rows::OBJECTS.name, rows::OBJECT_CONDITIONS.name].contains(&series.row.name) {
            totals(series, status);
        }
        let services = || status.objects.iter().filter_map(|(key, object)| Some((service(key)?, object)));
        let count = services().count();
        let dropped = if count > self.max_services { count } else { 0 };
        series.add(&rows::SERVICES_DROPPED, &[], dropped as f64);
        if dropped == 0 && series.row.labels.contains(&"service") {
            for (names, object) in services() {
                per_service(series, names, object);
            }
        }
    }
}

fn service(key: &Key) -> Option<[&str; 2]> {
    if key.kind == Kind::Service { Some([key.cluster.as_deref()?, &key.name]) } else { None }
}

fn source(series: &mut Series, source: &SourceStatus) {
    if !source.revision.is_empty() {
        series.add(&rows::SOURCE_INFO, &[&source.revision], 1.0);
    }
    series.add_time(&rows::SOURCE_LAST_SUCCESS, &[], source.last_success);
    series.add_time(&rows::SOURCE_REVISION_SINCE, &[], source.revision_since);
    series.add(&rows::MANIFESTS, &["accepted"], source.accepted as f64);
    series.add(&rows::MANIFESTS, &["rejected"], source.rejected as f64);
    series.add(&rows::MANIFESTS, &["skipped"], source.skipped as f64);
}

fn totals(series: &mut Series, status: &Status) {
    let (mut objects, mut conditions) = (BTreeMap::new(), BTreeMap::new());
    for (key, object) in &status.objects {
        *objects.entry((key.kind.as_str(), readiness(object))).or_insert(0_u32) += 1;
        for (kind, condition) in object.conditions.iter() {
            if condition.status == Some(true) {
                *conditions.entry((kind.as_str(), condition.reason.as_ref())).or_insert(0_u32) += 1;
            }
        }
    }
    for ((kind, ready), count) in objects {
        series.add(&rows::OBJECTS, &[kind, ready], f64::from(count));
    }
    for ((kind, reason), count) in conditions {
        series.add(&rows::OBJECT_CONDITIONS, &[kind, reason], f64::from(count));
    }
}

fn readiness(object: &ObjectStatus) -> &'static str {
    match object.conditions.ready().and_then(|ready| ready.status) {
        Some(true) => "true",
        Some(false) => "false",
        None => "unknown",
    }
}

fn per_service(series: &mut Series, names: [&str; 2], object: &ObjectStatus) {
    let [cluster, service] = names;
    let ready = object.conditions.ready();
    let reason = ready.map_or("", |ready| ready.reason.as_ref());
    let suspended = if object.suspended { "true" } else { "false" };
    series.add(&rows::SERVICE_INFO, &[cluster, service, readiness(object), reason, suspended], 1.0);
    if let Some(tasks) = object.tasks {
        series.add(&rows::SERVICE_DESIRED, &names, tasks.desired as f64);
        series.add(&rows::SERVICE_RUNNING, &names, tasks.running as f64);
        series.add(&rows::SERVICE_PENDING, &names, tasks.pending as f64);
    }
    if let Some(rollout) = &object.rollout {
        series.add(&rows::SERVICE_LOWER, &names, rollout.bounds.lower as f64);
        series.add(&rows::SERVICE_UPPER, &names, rollout.bounds.upper as f64);
    }
    series.add(&rows::SERVICE_GENERATION, &names, object.generation as f64);
    series.add(&rows::SERVICE_OBSERVED_GENERATION, &names, object.observed_generation as f64);
    for (kind, condition) in object.conditions.iter() {
        let value = condition.status.map_or(-1.0, |holds| f64::from(u8::from(holds)));
        series.add(&rows::SERVICE_CONDITION, &[cluster, service, kind.as_str()], value);
    }
    series.add_time(&rows::SERVICE_READY_SINCE, &names, ready.map(|ready| ready.since));
    series.add_time(&rows::SERVICE_LAST_RECONCILE, &names, object.last_reconcile);
}

/// The series of one metric.
struct Series {
    row: &'static Row,
    metrics: Vec<Metric>,
}

impl Series {
    /// Takes a value that is this metric's.
    fn add(&mut self, row: &Row, values: &[&str], value: f64) {
        if row.name != self.row.name {
            return;
        }
        let pair = |(name, value): (&&str, &&str)| {
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value((*value).to_owned());
            pair
        };
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        let mut metric = Metric::from_label(row.labels.iter().zip(values).map(pair).collect());
        metric.set_gauge(gauge);
        self.metrics.push(metric);
    }

    fn add_time(&mut self, row: &Row, values: &[&str], at: Option<Time>) {
        if let Some(at) = at {
            self.add(row, values, at.0 as f64 / 1000.0);
        }
    }

    fn family(self) -> MetricFamily {
        let mut family = MetricFamily::default();
        family.set_name(self.row.name.to_owned());
        family.set_help(self.row.help.to_owned());
        family.set_field_type(MetricType::GAUGE);
        family.set_metric(self.metrics);
        family
    }
}
