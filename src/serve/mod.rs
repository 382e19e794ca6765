//! What probes, Prometheus and people ask over HTTP. Must not know: how anything is decided or counted.
//!
//! Read only: `GET` and `HEAD` of `/metrics`, `/livez`, `/readyz`, `/api/v1/status`, and of the page for people at `/`.
//! Probes can have a listener of their own besides.
//!
//! No body is read, nothing is told but what the status and the metrics hold, and those hold no secrets.

pub mod answers;
mod client;
pub mod page;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::body::Body as _;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::connections::{self, Limits, WhenFull};
use crate::shape::Time;
use crate::status::Status;
use crate::telemetry::Metrics;

use answers::Answers;

pub use client::{AskError, STATUS_BYTES_MAX, status};

/// Where the server listens unless told otherwise: metrics name services, so loopback.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:8080";

/// What probes, Prometheus and whoever finds the port may take.
pub const CONNECTIONS: Limits = Limits {
    connections: 64,
    when_full: WhenFull::Wait,
    header_read: Duration::from_secs(5),
    header_bytes: 16 * 1024,
    life: Duration::from_secs(60),
    write_stall: Duration::from_secs(10),
    drain: Duration::from_secs(5),
};

/// What may be taken where probes alone are answered: an answer is two words, and a client that takes its time over it
/// none that may go on.
pub const PROBES: Limits = Limits {
    connections: 16,
    when_full: WhenFull::Wait,
    header_read: Duration::from_secs(1),
    header_bytes: 16 * 1024,
    life: Duration::from_secs(2),
    write_stall: Duration::from_secs(1),
    drain: Duration::from_secs(1),
};

/// Where the whole status is, as JSON (docs/status.md).
const STATUS_PATH: &str = "/api/v1/status";

/// What the server shows.
#[derive(Clone, Debug)]
pub struct Face {
    pub status: watch::Receiver<Arc<Status>>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    /// What the reasons of conditions mean, for people.
    pub reasons: &'static [(&'static str, &'static str)],
}

/// What is answered from.
#[derive(Clone)]
struct Shown {
    face: Face,
    answers: Answers,
}

/// The whole status, and the operator's time when it was asked.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub now: Time,
    #[serde(flatten)]
    pub status: Status,
}

/// Serves until `shutdown` ends; answers under way are finished.
///
/// # Errors
/// When the listener itself fails; a connection that fails harms no other.
pub async fn serve(listener: TcpListener, face: Face, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let (end, ending) = watch::channel(false);
    let shutdown = async move {
        shutdown.await;
        // Streams would never end by themselves.
        end.send_replace(true);
    };
    connections::run(listener, router(face, ending), CONNECTIONS, shutdown).await
}

/// Serves the probes alone, until `shutdown` ends.
///
/// # Errors
/// When the listener itself fails; a connection that fails harms no other.
pub async fn probes(
    listener: TcpListener,
    status: watch::Receiver<Arc<Status>>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let router = probing(status)
        .fallback(|| async { (StatusCode::NOT_FOUND, "there are /livez and /readyz\n") })
        .layer(middleware::from_fn(without_body));
    connections::run(listener, router, PROBES, shutdown).await
}

fn probing(status: watch::Receiver<Arc<Status>>) -> Router {
    Router::new().route("/livez", get(livez)).route("/readyz", get(readyz)).with_state(status)
}

fn router(face: Face, ending: watch::Receiver<bool>) -> Router {
    let answers = Answers::default();
    let page = page::router(face.clone(), answers.clone(), ending);
    let probes = probing(face.status.clone());
    Router::new()
        .route("/metrics", get(metrics))
        .route(STATUS_PATH, get(whole_status))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there are /, /metrics, /livez, /readyz and /api/v1/status\n") })
        .with_state(Shown { face, answers })
        .merge(probes)
        .merge(page)
        .layer(middleware::from_fn(without_body))
}

/// Refuses bodies before anything looks at them.
async fn without_body(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        next.run(request).await
    } else {
        (StatusCode::PAYLOAD_TOO_LARGE, "no bodies here\n").into_response()
    }
}

/// The process turns. Never depends on AWS or the directory: a restart mends neither.
async fn livez() -> &'static str {
    "ok\n"
}

/// Something to serve with: the directory was read once. A standby is ready, and so is an operator that AWS refuses.
async fn readyz(State(status): State<watch::Receiver<Arc<Status>>>) -> (StatusCode, &'static str) {
    let status = Arc::clone(&status.borrow());
    if status.synced || status.source.last_success.is_some() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "missing: the directory has not been read yet; the log says why\n")
    }
}

async fn whole_status(State(Shown { face, answers }): State<Shown>) -> Response {
    let write = move || {
        let status = Arc::clone(&face.status.borrow());
        let report = Report { now: face.clock.wall(), status: Arc::unwrap_or_clone(status) };
        serde_json::to_string(&report).map(|text| text + "\n").map_err(|error| error.to_string())
    };
    answers.answer("application/json", write).await
}

async fn metrics(State(Shown { face, answers }): State<Shown>) -> Response {
    let render = move || face.metrics.render().map_err(|error| error.to_string());
    answers.answer("text/plain; version=0.0.4; charset=utf-8", render).await
}
