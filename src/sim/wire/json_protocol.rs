//! awsJson 1.1: the operation in a header, JSON in the bodies (docs/ecs.md §7.1). Must not know: any operation.

use crate::shape::{Map, Tree, json, table};

use super::super::Sim;
use super::super::ecs::Fault;
use super::{Request, Response, check_size, scope};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Answers a request that has a target, or should have one.
pub fn answer(sim: &Sim, request: &Request, target: Option<&str>) -> Response {
    match perform(sim, request, target) {
        Ok(output) => response(200, &output),
        Err(fault) => refusal(&fault),
    }
}

/// An error as a client reads it.
pub fn refusal(fault: &Fault) -> Response {
    response(fault.status, &error_body(fault))
}

fn response(status: u16, body: &Tree) -> Response {
    let body = json::write(body).into_bytes();
    let headers = [("content-type".to_owned(), CONTENT_TYPE.to_owned())].into();
    Response { status, headers, body }
}

fn perform(sim: &Sim, request: &Request, target: Option<&str>) -> Result<Tree, Fault> {
    check_size(request)?;
    let scope = scope::of(request)?;
    let (service, operation) = target.and_then(route).ok_or_else(Fault::unknown_operation)?;
    scope::check_region(sim, &scope)?;
    sim.call(service, operation, read_input(&request.body)?)
}

fn route(target: &str) -> Option<(&'static str, &str)> {
    let (prefix, operation) = target.split_once('.')?;
    let table = [table::ecs()].into_iter().find(|table| table.target == prefix)?;
    Some((table.service, operation))
}

/// An empty body counts as `{}`.
fn read_input(body: &[u8]) -> Result<Tree, Fault> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Tree::map());
    }
    match json::read(body) {
        Ok(Tree::Map(members)) => Ok(Tree::Map(members)),
        Ok(other) => Err(serialization(&format!("The request body is {}, not a structure.", other.noun()))),
        Err(problem) => Err(serialization(&format!("The request body is not JSON: {problem}"))),
    }
}

fn serialization(message: &str) -> Fault {
    Fault::new("SerializationException", message)
}

fn error_body(fault: &Fault) -> Tree {
    let mut members: Map = fault.members.clone();
    members.insert("__type", fault.code.into());
    members.insert("message", fault.message.as_str().into());
    Tree::Map(members)
}
