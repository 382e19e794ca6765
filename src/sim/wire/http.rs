//! The door on a socket: HTTP/1.1 without TLS, for the AWS CLI and every other client, and the world's own pages
//! below `/_sim/`. Must not know: protocols above HTTP.
//!
//! | page | what it does |
//! |---|---|
//! | `GET /` | what is here |
//! | `GET /_sim/state` | everything there is, as the Describe operations show it |
//! | `GET /_sim/calls` | the call log, oldest first: `at`, `service`, `operation`, `input`, `status` |
//! | `POST /_sim/advance` | puts the world ahead of its clock: `?seconds=60` or `{"seconds": 60}` |
//! | `POST /_sim/interrupt` | takes Spot capacity back: `?task=ARN`; or by chance, from new tasks: `?mean-life=SECONDS` |
//! | `POST /_sim/retire` | gives Fargate tasks notice: `?service=CLUSTER/NAME` or `?task=ARN`, `&wait=DAYS` |
//! | `POST /_sim/instances`, `POST /_sim/instances/ID` | machines join a cluster, and what becomes of them: see `machines` |
//! | `POST /_sim/reset` | an empty world with the same seed; its clock runs on |
//!
//! What the outside of ECS says (alarms, hooks' answers, pushed images) has pages of its own in `outside`.
//! The log shows inputs as they came, secrets included: a simulation has none that are worth hiding.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response as HttpResponse;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::connections::{self, Limits, WhenFull, within};
use crate::shape::{Tree, json};
use crate::tree;

use super::super::Sim;
use super::super::ecs::Fault;
use super::{BODY_LIMIT_BYTES, Request, Response, machines, refused, served, state, too_large, triggers};

/// The furthest one request may put the world ahead.
pub const ADVANCE_LIMIT_SECONDS: f64 = 366.0 * 24.0 * 3600.0;

/// What clients of the socket may take; a body may take as long as the headers.
pub const CONNECTIONS: Limits = Limits {
    connections: 256,
    when_full: WhenFull::Close,
    header_read: Duration::from_secs(10),
    header_bytes: 64 * 1024,
    life: Duration::from_secs(600),
    write_stall: Duration::from_secs(30),
    drain: Duration::from_secs(5),
};

/// For whoever comes with a browser.
const ABOUT: &str = "\
This is the embedded ECS of ecs-operator. AWS clients send their requests here: set AWS_ENDPOINT_URL.
GET  /_sim/state                what there is
GET  /_sim/calls                what was asked
POST /_sim/advance?seconds=60   puts the clock ahead
POST /_sim/interrupt?task=ARN   takes a Spot task's capacity back
POST /_sim/retire?service=C/N   gives a service's tasks on Fargate notice, or with task=ARN one task; wait=DAYS
POST /_sim/instances?type=m5.large&count=2          machines for a cluster
POST /_sim/instances/ID?state=terminated            and what becomes of them
POST /_sim/reset                an empty world
POST /_sim/alarm?name=X&state=ALARM          an alarm that deployments heed
POST /_sim/hook?target=ARN&answer=FAILED     what a lifecycle hook answers from now on
POST /_sim/push?image=X                      an image is pushed anew
POST /_sim/throttle?factor=1                 ECS's API has its published limits, times a factor; 0: none
";

/// Serves the world on a socket until `shutdown` resolves.
///
/// # Errors
/// When the socket can't be served any more.
pub async fn serve(
    listener: TcpListener,
    sim: Sim,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    connections::run(listener, router(sim), CONNECTIONS, shutdown).await
}

/// All pages of the socket's door.
pub fn router(sim: Sim) -> Router {
    Router::new()
        .route("/", post(aws).get(|| async { ABOUT }))
        .route("/_sim/state", get(show_state))
        .route("/_sim/calls", get(show_calls))
        .route("/_sim/advance", post(advance))
        .route("/_sim/interrupt", post(interrupt))
        .route("/_sim/retire", post(retire))
        .route("/_sim/instances", post(join))
        .route("/_sim/instances/{id}", post(change))
        .route("/_sim/groups", post(group))
        .route("/_sim/reset", post(reset))
        .merge(super::outside::pages())
        .fallback(|| async { (StatusCode::NOT_FOUND, ABOUT) })
        .with_state(sim)
}

/// An AWS request.
async fn aws(State(sim): State<Sim>, headers: HeaderMap, body: Body) -> HttpResponse {
    let declared = headers.get("content-length").and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    // One byte more than the protocols take, so that they can tell in their own words that it is too much.
    let body = match within(CONNECTIONS.header_read, to_bytes(body, BODY_LIMIT_BYTES + 1)).await {
        Some(Ok(body)) => body,
        Some(Err(_)) if declared.is_none_or(|length| length > BODY_LIMIT_BYTES) => {
            return write(refused(&sim, &too_large()));
        }
        Some(Err(_)) => return write(refused(&sim, &ended_early())),
        None => return write(refused(&sim, &too_slow())),
    };
    let headers = headers.iter().map(|(name, value)| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), text)
    });
    let request = Request { headers: headers.collect(), body: body.to_vec() };
    write(served(&sim, &request).await)
}

/// Wordings of these two are ours.
fn ended_early() -> Fault {
    Fault::new("SerializationException", "The request ended before its body did.")
}

fn too_slow() -> Fault {
    let text = format!("The request's body took more than {} seconds.", CONNECTIONS.header_read.as_secs());
    Fault { status: 408, ..Fault::new("RequestTimeoutException", text) }
}

async fn show_state(State(sim): State<Sim>) -> HttpResponse {
    page(StatusCode::OK, &state::all(&mut sim.world()))
}

async fn show_calls(State(sim): State<Sim>) -> HttpResponse {
    page(StatusCode::OK, &state::calls(&sim.world()))
}

async fn reset(State(sim): State<Sim>) -> HttpResponse {
    let mut world = sim.world();
    world.reset();
    page(StatusCode::OK, &tree! { "now" => world.now().to_string() })
}

async fn interrupt(State(sim): State<Sim>, RawQuery(query): RawQuery) -> HttpResponse {
    done(triggers::interrupt(&mut sim.world(), &query.unwrap_or_default()))
}

async fn retire(State(sim): State<Sim>, RawQuery(query): RawQuery) -> HttpResponse {
    done(triggers::retire(&mut sim.world(), &query.unwrap_or_default()))
}

fn done(outcome: Result<Tree, String>) -> HttpResponse {
    match outcome {
        Ok(answer) => page(StatusCode::OK, &answer),
        Err(problem) => refusal(StatusCode::BAD_REQUEST, &problem),
    }
}

async fn advance(State(sim): State<Sim>, RawQuery(query): RawQuery, body: Body) -> HttpResponse {
    let Some(Ok(body)) = within(CONNECTIONS.header_read, to_bytes(body, BODY_LIMIT_BYTES)).await else {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large, too slow, or it ended early.");
    };
    match read_span(query.as_deref(), &body) {
        Ok(span) => {
            let mut world = sim.world();
            world.skip(span);
            page(StatusCode::OK, &tree! { "now" => world.now().to_string() })
        }
        Err(problem) => refusal(StatusCode::BAD_REQUEST, &problem),
    }
}

async fn join(State(sim): State<Sim>, RawQuery(query): RawQuery) -> HttpResponse {
    told(machines::join(&mut sim.world(), query.as_deref().unwrap_or_default()))
}

async fn change(State(sim): State<Sim>, Path(id): Path<String>, RawQuery(query): RawQuery) -> HttpResponse {
    told(machines::change(&mut sim.world(), &id, query.as_deref().unwrap_or_default()))
}

async fn group(State(sim): State<Sim>, RawQuery(query): RawQuery) -> HttpResponse {
    told(machines::group(&mut sim.world(), query.as_deref().unwrap_or_default()))
}

fn told(answer: Result<Tree, String>) -> HttpResponse {
    match answer {
        Ok(tree) => page(StatusCode::OK, &tree),
        Err(problem) => refusal(StatusCode::BAD_REQUEST, &problem),
    }
}

/// The seconds to advance by, from `?seconds=` or a JSON body.
fn read_span(query: Option<&str>, body: &[u8]) -> Result<Duration, String> {
    let in_query = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("seconds=")));
    let seconds = match in_query {
        Some(text) => text.parse::<f64>().map_err(|_| format!("`seconds` is not a number: {text}"))?,
        None => match json::read(body).map(|tree| tree.get("seconds").cloned()) {
            Ok(Some(Tree::Int(seconds))) => seconds as f64,
            Ok(Some(Tree::Float(seconds))) => seconds,
            Ok(Some(other)) => return Err(format!("`seconds` must be a number, not {}.", other.noun())),
            Ok(None) | Err(_) => return Err("Say how far: `?seconds=60`, or `{\"seconds\": 60}` in the body.".into()),
        },
    };
    if (0.0..=ADVANCE_LIMIT_SECONDS).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(format!("`seconds` must lie between 0 and {ADVANCE_LIMIT_SECONDS}."))
    }
}

pub(super) fn refusal(status: StatusCode, problem: &str) -> HttpResponse {
    page(status, &tree! { "error" => problem })
}

pub(super) fn page(status: StatusCode, tree: &Tree) -> HttpResponse {
    let headers = [("content-type".to_owned(), "application/json".to_owned())].into();
    write(Response { status: status.as_u16(), headers, body: json::write(tree).into_bytes() })
}

fn write(response: Response) -> HttpResponse {
    let mut http = HttpResponse::new(Body::from(response.body));
    *http.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            http.headers_mut().insert(name, value);
        }
    }
    http
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_how_far_to_advance() {
        assert_eq!(read_span(Some("seconds=1.5"), b""), Ok(Duration::from_millis(1500)));
        assert_eq!(read_span(None, b"{\"seconds\": 60}"), Ok(Duration::from_secs(60)));
        let bad: [(Option<&str>, &[u8]); 6] = [
            (None, b""),
            (None, b"[]"),
            (None, b"{\"seconds\":\"1\"}"),
            (Some("seconds=x"), b""),
            (Some("seconds=NaN"), b""),
            (Some("seconds=-1"), b""),
        ];
        for (query, body) in bad {
            assert!(read_span(query, body).is_err(), "{query:?} {body:?}");
        }
    }
}
