//! Every metric there is: name, type, labels, help, buckets. Must not know: where values come from.

/// What a metric is to Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    Counter,
    Gauge,
    Histogram,
}

impl RowKind {
    /// As the text format's TYPE line says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub name: &'static str,
    pub kind: RowKind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
    /// Upper bounds; histograms only.
    pub buckets: &'static [f64],
}

/// Every metric of the operator itself; `process_*` come besides. For documentation.
pub fn catalogue() -> &'static [Row] {
    ALL
}

macro_rules! rows {
    ($($id:ident = $kind:ident $name:literal [$($label:literal),*] $(buckets $buckets:expr,)? $help:literal;)+) => {
        $(pub(super) const $id: Row = Row {
            name: concat!("ecs_operator_", $name),
            kind: RowKind::$kind,
            labels: &[$($label),*],
            help: $help,
            buckets: { #[allow(unused_mut, unused_assignments, reason = "only histograms have buckets")]
                { let mut buckets: &'static [f64] = &[]; $(buckets = $buckets;)? buckets } },
        };)+
        const ALL: &[Row] = &[$($id),+];
    };
}

const LOAD: &[f64] = &[0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
const PASS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];
const STAGE: &[f64] = &[0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 30.0];
const WAIT: &[f64] = &[0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 600.0];
const CALL: &[f64] = &[0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const BATCH: &[f64] = &[1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 25.0, 50.0, 100.0];
const ROLLOUT: &[f64] = &[15.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 900.0, 1800.0, 3600.0];

rows! {
    BUILD_INFO = Gauge "build_info" ["version"] "The running program; always 1.";

    LEADER = Gauge "leader" [] "1 where this replica may write: it holds the lease, or is the only one; 0 in a standby.";
    LEASE_TRANSITIONS = Counter "lease_transitions_total" [] "Times that this replica became leader.";
    LEASE_FAILURES = Counter "lease_failures_total" []
        "Times that the API server did not do what it was asked for with the Lease.";

    SOURCE_INFO = Gauge "source_info" ["revision"] "The revision in force; always 1, and exactly one series.";
    SOURCE_LAST_SUCCESS = Gauge "source_last_success_timestamp_seconds" []
        "When a read of the directory last succeeded, changed or not.";
    SOURCE_REVISION_SINCE = Gauge "source_revision_timestamp_seconds" [] "When the revision in force was taken over.";
    SOURCE_LOADS = Counter "source_loads_total" ["result"] "Reads of the directory, by how they ended.";
    SOURCE_EVENTS = Counter "source_events_total" ["kind"] "What made the directory be looked at: proves that the watcher lives.";
    SOURCE_LOAD_DURATION = Histogram "source_load_duration_seconds" [] buckets LOAD, "Duration of one read of the directory.";
    MANIFESTS = Gauge "manifests" ["state"]
        "Documents in force (accepted), with problems, whose last good state stays in force (rejected), and of other accounts and regions (skipped).";

    SYNCED = Gauge "synced" [] "1 once a first pass over every object has ended.";
    ORPHANS = Gauge "orphaned_services" [] "Services of ours that no manifest declares any more; nothing deletes them.";
    OBJECTS = Gauge "objects" ["kind", "ready"] "Objects by kind and by what their Ready condition says.";
    OBJECT_CONDITIONS = Gauge "object_conditions" ["type", "reason"] "Objects for which a condition holds, by its reason.";

    RECONCILE = Counter "reconcile_total" ["result"] "Passes, by how they ended.";
    RECONCILE_DURATION = Histogram "reconcile_duration_seconds" [] buckets PASS, "Duration of one pass over one object.";
    RECONCILE_STAGE_DURATION = Histogram "reconcile_stage_duration_seconds" ["stage"] buckets STAGE,
        "Duration of one stage of a pass.";
    RECONCILE_ERRORS = Counter "reconcile_errors_total" ["category"] "Passes that failed, by the category of the error.";

    QUEUE_DEPTH = Gauge "queue_depth" ["priority"] "Keys that are due and wait for a worker.";
    QUEUE_ADDS = Counter "queue_adds_total" ["reason"] "Keys queued, by what made them.";
    QUEUE_WAIT = Histogram "queue_wait_seconds" ["priority"] buckets WAIT, "How long a due key waited for a worker.";
    WORKERS_ACTIVE = Gauge "workers_active" [] "Workers with a pass in hand.";
    WORKERS_MAX = Gauge "workers_max" [] "Workers there are.";

    AWS_CALLS = Counter "aws_api_calls_total" ["service", "operation", "outcome"] "Calls to AWS, by how they ended.";
    AWS_CALL_DURATION = Histogram "aws_api_call_duration_seconds" ["service"] buckets CALL, "Duration of one call to AWS.";
    AWS_WAIT = Counter "aws_rate_limit_wait_seconds_total" [] "Time spent waiting for the operator's own API budget.";
    BATCH_SIZE = Histogram "describe_batch_size" [] buckets BATCH, "Objects asked for in one describing call.";
    CACHE_REQUESTS = Counter "cache_requests_total" ["result"] "Observations asked for, by what the cache answered.";

    PREFLIGHTS = Counter "preflights_total" ["result"] "Looks at whether what is due can work, by what they came to.";
    PREFLIGHT_BLIND = Counter "preflight_unobserved_total" []
        "Times that EC2 did not let preflight look: permissions are missing, or it asks for fewer calls.";

    CHANGES = Counter "changes_total" ["action"] "Changes made to AWS.";
    DRIFT = Counter "drift_detected_total" [] "Times an object was found changed by someone else.";
    ROLLOUTS = Counter "rollouts_total" ["result"] "Rollouts, by how they ended.";
    ROLLOUT_DURATION = Histogram "rollout_duration_seconds" [] buckets ROLLOUT, "Duration of one rollout, however it ended.";

    SERVICES_DROPPED = Gauge "metrics_services_dropped" []
        "Services without series of their own, since there are more than the cap; then none has any.";
    SERVICE_INFO = Gauge "service_info" ["cluster", "service", "ready", "reason", "suspended"]
        "What the Ready condition of a service says, and whether it is suspended; always 1.";
    SERVICE_DESIRED = Gauge "service_desired_tasks" ["cluster", "service"] "Tasks that ECS wants to run.";
    SERVICE_RUNNING = Gauge "service_running_tasks" ["cluster", "service"] "Tasks that run.";
    SERVICE_PENDING = Gauge "service_pending_tasks" ["cluster", "service"] "Tasks that are being started.";
    SERVICE_LOWER = Gauge "service_lower_bound_tasks" ["cluster", "service"]
        "Healthy tasks that a rollout keeps: minimumHealthyPercent of the desired, rounded up.";
    SERVICE_UPPER = Gauge "service_upper_bound_tasks" ["cluster", "service"]
        "Tasks, running and pending, that a rollout does not exceed: maximumPercent of the desired, rounded down.";
    SERVICE_GENERATION = Gauge "service_generation" ["cluster", "service"] "Grows when the service's manifest changes.";
    SERVICE_OBSERVED_GENERATION = Gauge "service_observed_generation" ["cluster", "service"]
        "The generation last acted on; one that stays behind is stuck.";
    SERVICE_CONDITION = Gauge "service_condition" ["cluster", "service", "type"] "A condition: 1 true, 0 false, -1 unknown.";
    SERVICE_READY_SINCE = Gauge "service_ready_transition_timestamp_seconds" ["cluster", "service"]
        "When the Ready condition last changed.";
    SERVICE_LAST_RECONCILE = Gauge "service_last_reconcile_timestamp_seconds" ["cluster", "service"]
        "When the last pass over the service ended.";
}
