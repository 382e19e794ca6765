//! The doors: protocols in, protocols out. Must not know: what an operation does.
//!
//! Both doors, HTTP on a socket (`http`) and the SDK's connector inside the process (`connector`), go through
//! one function: `served`. One port serves all services; a request's headers tell which one it means:
//!
//! | the request has | protocol | service |
//! |---|---|---|
//! | `X-Amz-Target: AmazonEC2ContainerServiceV20141113.Op` | awsJson 1.1 | ecs |
//! | a form with `Action` and `Version` | Query or EC2's own, answers in XML | the one its signature is scoped to |
//!
//! A signature must be there and in form; it is never verified, since any credentials will do in a simulation.

pub mod connector;
pub mod http;
mod json_protocol;
mod machines;
mod outside;
mod query;
mod scope;
mod state;
mod triggers;

use std::collections::BTreeMap;

use aws_smithy_types::date_time::{DateTime, Format};

use crate::shape::Time;

use super::Sim;
use super::ecs::Fault;
pub use connector::Connector;
pub use http::{CONNECTIONS, serve};

/// The largest request body taken. Weak: ECS publishes only that a task definition may have 64 KiB.
pub const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// Header names, in lower case, and their values.
pub type Headers = BTreeMap<String, String>;

/// A request to `/`, whatever door it came through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    pub headers: Headers,
    pub body: Vec<u8>,
}

/// What goes back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn is_form(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
    }
}

/// Answers one request after its way here and before its way back.
async fn served(sim: &Sim, request: &Request) -> Response {
    sim.travel().await;
    let response = answer(sim, request);
    sim.travel().await;
    response
}

/// Answers one request of any protocol, at once.
pub fn answer(sim: &Sim, request: &Request) -> Response {
    let id = sim.world().request_id();
    let mut response = match (request.header("x-amz-target"), request.is_form()) {
        (None, true) => query::answer(sim, request, &id),
        (target, _) => json_protocol::answer(sim, request, target),
    };
    sign(sim, &mut response, id);
    response
}

/// Answers a request that did not come whole, in the form that most clients read.
fn refused(sim: &Sim, fault: &Fault) -> Response {
    let mut response = json_protocol::refusal(fault);
    let id = sim.world().request_id();
    sign(sim, &mut response, id);
    response
}

fn sign(sim: &Sim, response: &mut Response, id: String) {
    // Ages that begin with an AWS timestamp end at this date, so it is the world's own time.
    response.headers.insert("date".into(), http_date(sim.world().now()));
    response.headers.insert("x-amzn-requestid".into(), id);
}

/// RFC 1123, as HTTP wants it: `Sun, 22 Nov 2026 09:46:39 GMT`.
fn http_date(at: Time) -> String {
    DateTime::from_secs(at.epoch_secs()).fmt(Format::HttpDate).unwrap_or_default()
}

/// The request is larger than any the service takes.
fn check_size(request: &Request) -> Result<(), Fault> {
    if request.body.len() <= BODY_LIMIT_BYTES { Ok(()) } else { Err(too_large()) }
}

fn too_large() -> Fault {
    let text = format!("The request body has more than {BODY_LIMIT_BYTES} bytes.");
    Fault { status: 413, ..Fault::new("RequestEntityTooLargeException", text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_in_http_form() {
        assert_eq!(http_date(Time(1_772_323_200_999)), "Sun, 01 Mar 2026 00:00:00 GMT");
    }
}
