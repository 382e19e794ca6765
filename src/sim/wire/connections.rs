//! Connections of the socket's door within limits: a client that stalls, floods or goes away holds up no other for long.
//! Must not know: what is served.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Connections at a time; further ones are closed at once, which every client takes for a reason to try again.
pub const CONNECTIONS_MAX: usize = 256;
/// How long a request's headers may take, how long its body, and how long a connection may idle.
pub const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Request line and headers together.
pub const HEADER_BYTES_MAX: usize = 64 * 1024;
/// How long one connection lives, so that a client that reads slowly does not keep its place.
pub const CONNECTION_LIFE: Duration = Duration::from_secs(600);
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
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = open.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
                    let (router, ending) = (router.clone(), ending.clone());
                    open.spawn(async move {
                        connection(stream, router, ending).await;
                        drop(place);
                    });
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(listener);
    end.send_replace(true);
    while open.join_next().await.is_some() {}
    Ok(())
}

async fn connection(stream: TcpStream, router: Router, mut ending: watch::Receiver<bool>) {
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(READ_TIMEOUT)
            .max_buf_size(HEADER_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
    );
    // What a client did wrong, or that it went away, is its own affair: hyper has answered or closed.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        _ = ending.wait_for(|ending| *ending) => {}
        () = sleep(CONNECTION_LIFE) => {}
    }
    connection.as_mut().graceful_shutdown();
    drop(within(DRAIN, connection).await);
}

/// What comes in time.
#[allow(clippy::disallowed_methods, reason = "real clients on a real socket; simulated time has no part here")]
pub(super) async fn within<F: Future>(span: Duration, what: F) -> Option<F::Output> {
    tokio::time::timeout(span, what).await.ok()
}

#[allow(clippy::disallowed_methods, reason = "real clients on a real socket; simulated time has no part here")]
async fn sleep(span: Duration) {
    tokio::time::sleep(span).await;
}
