//! The one Lease at the API server, over kube's client. Must not know: who leads, when it is asked.

use std::time::Duration;

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use kube::{Client, Config};
use serde_json::Value;

use crate::clock::Clock;

use super::record::Record;
use super::{ANSWER_BYTES, REQUEST_TIMEOUT};

/// Where the Lease is, and how it is reached.
#[derive(Clone)]
pub struct Leases {
    client: Client,
    clock: Clock,
    namespace: String,
    name: String,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("no API server is known, in a pod by its ServiceAccount or elsewhere by KUBECONFIG: {0}")]
    Unknown(String),
    #[error("the API server can't be talked to: {0}")]
    Client(String),
    #[error("{0:?} is no name of a {1}: small letters, digits, - and .")]
    Name(String, &'static str),
}

/// Why there is no answer, or not the wanted one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error("the API server does not answer in time")]
    Timeout,
    #[error("the API server was not reached: {0}")]
    Unreachable(String),
    /// Somebody was faster.
    #[error("the Lease was changed meanwhile")]
    Conflict,
    #[error("there is no such Lease")]
    Absent,
    #[error("the API server refuses: {0}: {1}")]
    Refused(u16, String),
    #[error("the API server's answer can't be read: {0}")]
    Garbage(String),
}

impl AskError {
    /// What a person can do about it, where that is known.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Refused(403, _) => Some("grant the ServiceAccount get and update of this Lease"),
            Self::Refused(401, _) => Some("is the ServiceAccount's token mounted, and of this cluster?"),
            Self::Absent => Some("make the Lease (the chart does), or grant the ServiceAccount create of leases"),
            Self::Timeout | Self::Unreachable(_) => Some("does a NetworkPolicy let the pod out to the API server?"),
            Self::Conflict | Self::Refused(..) | Self::Garbage(_) => None,
        }
    }
}

/// How much of what an API server says to a refusal is repeated.
const WORDS: usize = 200;

/// A client as the pod's ServiceAccount, or a kubeconfig, says; and the namespace that is theirs.
///
/// # Errors
/// Neither is there, or they can't be used.
pub async fn connect() -> Result<(Client, String), ConnectError> {
    let mut config = Config::infer().await.map_err(|error| ConnectError::Unknown(error.to_string()))?;
    // Retries and timeouts are ours: what is late is of no use.
    config.default_retry = false;
    config.connect_timeout = Some(REQUEST_TIMEOUT);
    let namespace = config.default_namespace.trim().to_owned();
    let client = Client::try_from(config).map_err(|error| ConnectError::Client(told(&error)))?;
    Ok((client, namespace))
}

impl Leases {
    /// # Errors
    /// A name that Kubernetes would not take, and that would be another path in a request.
    pub fn new(client: Client, clock: Clock, namespace: &str, name: &str) -> Result<Self, ConnectError> {
        for (given, what) in [(namespace, "namespace"), (name, "Lease")] {
            if !is_name(given) {
                return Err(ConnectError::Name(given.to_owned(), what));
            }
        }
        Ok(Self { client, clock, namespace: namespace.to_owned(), name: name.to_owned() })
    }

    /// `NAMESPACE/NAME`.
    pub fn place(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// The Lease as it would be made.
    pub(super) fn fresh(&self) -> Record {
        Record::fresh(&self.namespace, &self.name)
    }

    /// The Lease, where there is one.
    ///
    /// # Errors
    /// No answer `within` that time, or none that tells.
    pub(super) async fn get(&self, within: Duration) -> Result<Option<Record>, AskError> {
        match self.ask(Method::GET, &self.name, None, within).await {
            Ok(record) => Ok(Some(record)),
            Err(AskError::Absent) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Stores a Lease that is not there.
    ///
    /// # Errors
    /// As [`Leases::get`]; `Conflict` where it is there by now. After any other error it may be there all the same.
    pub(super) async fn create(&self, within: Duration, record: &Record) -> Result<Record, AskError> {
        self.ask(Method::POST, "", Some(record), within).await
    }

    /// Stores a record in place of the version that it was made from.
    ///
    /// # Errors
    /// As [`Leases::get`]; `Conflict` where it has changed since. After any other error it may be stored all the same.
    pub(super) async fn put(&self, within: Duration, record: &Record) -> Result<Record, AskError> {
        self.ask(Method::PUT, &self.name, Some(record), within).await
    }

    async fn ask(
        &self,
        method: Method,
        name: &str,
        record: Option<&Record>,
        within: Duration,
    ) -> Result<Record, AskError> {
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/{name}", self.namespace);
        let body = record.map(|record| record.object().to_string().into_bytes()).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path.trim_end_matches('/'))
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(Body::from(body))
            .map_err(|error| AskError::Unreachable(error.to_string()))?;
        self.clock.timeout(within, self.answer(request)).await.map_err(|_| AskError::Timeout)?
    }

    async fn answer(&self, request: Request<Body>) -> Result<Record, AskError> {
        let answer = self.client.send(request).await.map_err(|error| AskError::Unreachable(told(&error)))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await;
        let bytes = body.map_err(|error| AskError::Garbage(error.to_string()))?.to_bytes();
        match status {
            StatusCode::OK | StatusCode::CREATED => {
                let object: Value =
                    serde_json::from_slice(&bytes).map_err(|error| AskError::Garbage(error.to_string()))?;
                let record = Record::new(object);
                // Without a version nothing could be stored in its place.
                let whole = record.version().1.is_some_and(|version| !version.is_empty());
                whole.then_some(record).ok_or_else(|| AskError::Garbage("a Lease without a resourceVersion".into()))
            }
            StatusCode::NOT_FOUND => Err(AskError::Absent),
            StatusCode::CONFLICT => Err(AskError::Conflict),
            status => {
                let said: Option<Value> = serde_json::from_slice(&bytes).ok();
                let words = said.as_ref().and_then(|said| said.get("message")?.as_str()).unwrap_or("no reason given");
                Err(AskError::Refused(status.as_u16(), words.chars().take(WORDS).collect()))
            }
        }
    }
}

/// An error and its causes in words.
fn told(error: &dyn std::error::Error) -> String {
    let mut words = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    words.dedup();
    words.join(": ").chars().take(WORDS).collect()
}

/// Of what Kubernetes calls a DNS subdomain: nothing that means something in a path.
fn is_name(text: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-.".contains(letter);
    (1..=253).contains(&text.len()) && text.chars().all(fits) && !text.starts_with(['-', '.'])
}
