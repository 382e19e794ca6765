//! HTTP connections within limits: a client that stalls, floods or goes away holds up no other for long.
//! Must not know: what is served.

mod prompt;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tracing::debug;

use prompt::Prompt;

/// What connections to one listener may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// What becomes of further ones.
    pub when_full: WhenFull,
    /// How long a request's headers may take, and how long a connection may idle.
    pub header_read: Duration,
    /// Request line and headers together.
    pub header_bytes: usize,
    /// How long one connection lives, so that a client that reads slowly does not keep its place.
    pub life: Duration,
    /// How long a client may take no byte of an answer that waits for it.
    pub write_stall: Duration,
    /// How long answers under way may take once a connection or the server is to end.
    pub drain: Duration,
}

/// How long the connection lives on which a request came; in the request's extensions, for answers that go on.
#[derive(Clone, Debug)]
pub struct Life(watch::Sender<Duration>);

impl Life {
    /// Lets the connection live so long, from its beginning, instead of [`Limits::life`].
    pub fn lasts(&self, span: Duration) {
        self.0.send_replace(span);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// They wait in the kernel until another one ends.
    Wait,
    /// They are closed at once, which every client takes for a reason to try again.
    Close,
}

/// How long accepting rests after it failed; it fails when file descriptors run out, which time alone mends.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts and serves until `shutdown` ends, then lets answers under way finish.
///
/// # Errors
/// When the listener is none; a connection that fails harms no other.
pub async fn run(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    listener.local_addr()?; // a listener that is none fails here, not in a loop
    let places = Arc::new(Semaphore::new(limits.connections));
    let (end, ending) = watch::channel(false);
    let mut open = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = open.join_next() => {}
            accepted = accept(&listener, &places, limits.when_full) => match accepted {
                Ok(Some((stream, place))) => {
                    let (router, ending) = (router.clone(), ending.clone());
                    open.spawn(async move {
                        connection(stream, router, limits, ending).await;
                        drop(place);
                    });
                }
                Ok(None) => {}
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

/// The next connection, and its place, which is given back when it is dropped; none where all places are taken.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    when_full: WhenFull,
) -> io::Result<Option<(TcpStream, OwnedSemaphorePermit)>> {
    let places = Arc::clone(places);
    match when_full {
        WhenFull::Wait => {
            // The semaphore is never closed.
            let place = places.acquire_owned().await.map_err(io::Error::other)?;
            listener.accept().await.map(|(stream, _)| Some((stream, place)))
        }
        WhenFull::Close => {
            let (stream, _) = listener.accept().await?;
            Ok(places.try_acquire_owned().ok().map(|place| (stream, place)))
        }
    }
}

async fn connection(stream: TcpStream, router: Router, limits: Limits, mut ending: watch::Receiver<bool>) {
    let (life, lasts) = watch::channel(limits.life);
    let router = router.layer(Extension(Life(life)));
    let stream = Prompt::new(stream, limits.write_stall);
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_read)
            .max_buf_size(limits.header_bytes)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
    );
    let mut ended = tokio::select! {
        biased;
        ended = connection.as_mut() => Some(ended),
        _ = ending.wait_for(|ending| *ending) => None,
        () = outlived(lasts) => None,
    };
    if ended.is_none() {
        connection.as_mut().graceful_shutdown();
        ended = within(limits.drain, connection).await;
    }
    // What a client did wrong, or that it went away, is its own affair: hyper has answered or closed.
    if let Some(Err(error)) = ended {
        debug!(error = %error, "connection ended");
    }
}

/// Ends when a connection that begins now has lived long enough, whatever that comes to meanwhile.
#[allow(clippy::disallowed_methods, reason = "real clients on a real socket; simulated time has no part here")]
async fn outlived(mut lasts: watch::Receiver<Duration>) {
    let began = Instant::now();
    loop {
        let span = *lasts.borrow_and_update();
        if within(span.saturating_sub(began.elapsed()), lasts.changed()).await.is_none_or(|told| told.is_err()) {
            // Nobody can ask for more any more, or nobody has.
            return sleep(span.saturating_sub(began.elapsed())).await;
        }
    }
}

/// What comes in time.
#[allow(clippy::disallowed_methods, reason = "real clients on a real socket; simulated time has no part here")]
pub async fn within<F: Future>(span: Duration, what: F) -> Option<F::Output> {
    tokio::time::timeout(span, what).await.ok()
}

#[allow(clippy::disallowed_methods, reason = "real clients on a real socket; simulated time has no part here")]
async fn sleep(span: Duration) {
    tokio::time::sleep(span).await;
}
