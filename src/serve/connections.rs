//! Connections within limits, so that no client can hold up another for long. Must not know: what is served.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing::debug;

/// Connections at a time; further ones wait in the kernel.
pub const CONNECTIONS_MAX: usize = 64;
/// How long a request's headers may take, and how long a connection may idle.
pub const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(5);
/// Request line and headers together.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;
/// How long one connection lives, so that a client that reads slowly does not keep its place.
pub const CONNECTION_LIFE: Duration = Duration::from_secs(60);
/// How long answers under way may take once a connection or the server is to end.
pub const DRAIN: Duration = Duration::from_secs(5);

/// How long accepting rests after it failed; it fails when file descriptors run out, which time alone mends.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts and serves until `shutdown` ends, then lets answers under way finish.
pub(super) async fn run(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    listener.local_addr()?; // a listener that is none fails here, not in a loop
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (end, ending) = watch::channel(false);
    let mut open = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            // The semaphore is never closed; a place is given back when the connection's task ends.
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            listener.accept().await.map(|(stream, _)| (place, stream))
        };
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = open.join_next() => {}
            accepted = accepted => match accepted {
                Ok((place, stream)) => {
                    let (router, ending) = (router.clone(), ending.clone());
                    open.spawn(async move {
                        connection(stream, router, ending).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    debug!(error = %error, "accept failed");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    end.send_replace(true);
    while open.join_next().await.is_some() {}
    Ok(())
}

async fn connection(stream: TcpStream, router: Router, mut ending: watch::Receiver<bool>) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        async move { Ok::<_, Infallible>(answer(router, request).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_READ_TIMEOUT)
            .max_buf_size(HEADER_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => Some(ended),
        _ = ending.wait_for(|ending| *ending) => None,
        () = sleep(CONNECTION_LIFE) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                biased;
                ended = connection => ended,
                () = sleep(DRAIN) => return,
            }
        }
    };
    if let Err(error) = ended {
        debug!(error = %error, "connection ended");
    }
}

/// Refuses bodies before anything looks at them.
async fn answer(router: TowerToHyperService<Router>, request: Request<Incoming>) -> Response {
    use hyper::body::Body as _;
    use hyper::service::Service as _;
    if !request.body().is_end_stream() {
        return (StatusCode::PAYLOAD_TOO_LARGE, "no bodies here\n").into_response();
    }
    match router.call(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[allow(clippy::disallowed_methods, reason = "real clients on a real socket; simulated time has no part here")]
async fn sleep(span: Duration) {
    tokio::time::sleep(span).await;
}
