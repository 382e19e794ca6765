//! Answers that take time to make and memory until they are read: so many at once, however many ask and however slowly
//! they read. Must not know: what is answered.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use crate::connections::within;

/// Answers at a time, from the first look until the last byte has gone.
pub const ANSWERS: usize = 8;
/// How long a question waits for its turn.
pub const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// As much is handed to the connection at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// The places there are.
#[derive(Clone, Debug)]
pub struct Answers(Arc<Semaphore>);

impl Default for Answers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ANSWERS)))
    }
}

impl Answers {
    /// What `make` makes, off the runtime's threads: thousands of services take a while, and probes shall not wait.
    pub async fn answer(
        &self,
        kind: &'static str,
        make: impl FnOnce() -> Result<String, String> + Send + 'static,
    ) -> Response {
        let Some(Ok(place)) = within(ANSWER_WAIT, Arc::clone(&self.0).acquire_owned()).await else {
            let again = [(header::RETRY_AFTER, "5")];
            return (StatusCode::SERVICE_UNAVAILABLE, again, "too many ask at once\n").into_response();
        };
        match spawn_blocking(make).await {
            Ok(Ok(text)) => {
                ([(header::CONTENT_TYPE, kind)], Body::new(Held { text: text.into(), _place: place })).into_response()
            }
            Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the answer broke off\n").into_response(),
        }
    }
}

/// A text that keeps its place until it has been read.
struct Held {
    text: Bytes,
    _place: OwnedSemaphorePermit,
}

impl hyper::body::Body for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.text.is_empty() {
            return Poll::Ready(None);
        }
        let next = self.text.len().min(CHUNK_BYTES);
        // A copy: a slice would keep the whole text for as long as a slow reader has not read its part.
        let chunk = Bytes::copy_from_slice(&self.text.split_to(next));
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.text.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.text.len()).unwrap_or(u64::MAX))
    }
}
