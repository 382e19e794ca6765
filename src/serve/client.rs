//! Asking a running operator. Must not know: what is done with the answer.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::clock::Clock;

use super::{Report, STATUS_PATH};

/// Far more than ten thousand services take.
pub const STATUS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// An operator answers at once, or is not there.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("{0}: write http://HOST:PORT")]
    Server(String),
    #[error("no operator answers at {server}: {why}; `ecs-operator run` serves its status on --listen")]
    NoAnswer { server: String, why: String },
    #[error("{server} is no operator of this version: {why}")]
    OtherAnswer { server: String, why: String },
}

/// The whole status of the operator at `server` (`http://HOST:PORT`).
///
/// # Errors
/// Nobody is there, or somebody else.
pub async fn status(server: &str, clock: &Clock) -> Result<Report, AskError> {
    let authority = server.strip_prefix("http://").unwrap_or(server).trim_end_matches('/');
    if authority.is_empty() || authority.contains('/') {
        return Err(AskError::Server(server.to_owned()));
    }
    let no_answer = |why: String| AskError::NoAnswer { server: server.to_owned(), why };
    let other = |why: String| AskError::OtherAnswer { server: server.to_owned(), why };
    let asked = clock.timeout(ANSWERED_WITHIN, ask(authority)).await;
    let (code, bytes) = asked.map_err(|_| no_answer("not in time".to_owned()))?.map_err(no_answer)?;
    if code != StatusCode::OK {
        return Err(other(format!("it says {code}")));
    }
    serde_json::from_slice(&bytes).map_err(|error| other(error.to_string()))
}

async fn ask(authority: &str) -> Result<(StatusCode, Vec<u8>), String> {
    let told = |error: &dyn std::error::Error| error.to_string();
    let port = if authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) { "" } else { ":80" };
    let stream = TcpStream::connect(format!("{authority}{port}")).await.map_err(|error| told(&error))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| told(&error))?;
    let driven = tokio::spawn(connection);
    let request = Request::get(STATUS_PATH).header(header::HOST, authority).body(Body::empty());
    let answer = sender.send_request(request.map_err(|error| told(&error))?).await.map_err(|error| told(&error))?;
    let code = answer.status();
    let body = axum::body::to_bytes(Body::new(answer.into_body()), STATUS_BYTES_MAX).await;
    driven.abort();
    Ok((code, body.map_err(|error| told(&error))?.to_vec()))
}
