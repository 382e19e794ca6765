//! Logs and metrics: what people and Prometheus are told. Must not know: how anything is decided, HTTP, the time.
//!
//! One fact, one function: what is logged is counted in the same place, so that the two cannot disagree. Counters live
//! in [`Metrics`]; what can be read off the status is read off it at each scrape, so that an object that is gone leaves
//! no series behind.

mod catalogue;
mod facts;
mod labels;
mod lease;
mod logs;
mod metrics;
mod objects;
#[cfg(test)]
mod tests;

pub use catalogue::{Row, RowKind, catalogue};
pub use facts::{CallEnded, PassEnded, RolloutEnded, SourceLoaded};
pub use labels::{
    Action, CacheResult, CallOutcome, LoadResult, PassResult, PreflightResult, Priority, Reason, RolloutResult,
    SourceEvent, Stage,
};
pub use logs::{LogError, LogFormat, init_logs};
pub use metrics::{MAX_SERVICES_DEFAULT, Metrics, MetricsError};
