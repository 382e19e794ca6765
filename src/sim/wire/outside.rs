//! What the world outside ECS says, told by whoever tries things: pages below `/_sim/`. Must not know: ECS's operations.
//!
//! | page | what it does |
//! |---|---|
//! | `POST /_sim/alarm?name=X&state=ALARM` | a CloudWatch alarm goes to ALARM, OK or INSUFFICIENT_DATA |
//! | `POST /_sim/hook?target=ARN&answer=FAILED` | what a lifecycle hook's function answers from now on: SUCCEEDED, FAILED, IN_PROGRESS |
//! | `POST /_sim/push?image=X` | someone pushes an image: its tag stands for another digest |

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;

use crate::shape::Tree;
use crate::tree;

use super::super::Sim;
use super::super::ecs::service::alarms;
use super::super::ecs::service::traffic::HookAnswer;
use super::super::ecs::task;
use super::http::{page, refusal};
use super::query::read_query;

/// These pages.
pub fn pages() -> Router<Sim> {
    Router::new()
        .route("/_sim/alarm", post(|State(sim): State<Sim>, RawQuery(query)| async move { answer(&sim, query, alarm) }))
        .route("/_sim/hook", post(|State(sim): State<Sim>, RawQuery(query)| async move { answer(&sim, query, hook) }))
        .route("/_sim/push", post(|State(sim): State<Sim>, RawQuery(query)| async move { answer(&sim, query, push) }))
}

fn answer(sim: &Sim, query: Option<String>, act: fn(&Sim, &Tree) -> Result<Tree, String>) -> Response {
    match act(sim, &read_query(query.unwrap_or_default().as_bytes())) {
        Ok(done) => page(StatusCode::OK, &done),
        Err(problem) => refusal(StatusCode::BAD_REQUEST, &problem),
    }
}

/// A parameter that must be there.
fn needed<'a>(query: &'a Tree, name: &str, example: &str) -> Result<&'a str, String> {
    query.text(name).filter(|text| !text.is_empty()).ok_or_else(|| format!("Say which: `?{example}`."))
}

fn alarm(sim: &Sim, query: &Tree) -> Result<Tree, String> {
    const EXAMPLE: &str = "name=X&state=ALARM";
    let (name, state) = (needed(query, "name", EXAMPLE)?, needed(query, "state", EXAMPLE)?);
    if !["ALARM", "OK", "INSUFFICIENT_DATA"].contains(&state) {
        return Err(format!("`state` must be ALARM, OK or INSUFFICIENT_DATA, not {state}."));
    }
    alarms::set(&mut sim.world(), name, state == "ALARM");
    Ok(tree! { "alarm" => name, "state" => state })
}

fn hook(sim: &Sim, query: &Tree) -> Result<Tree, String> {
    const EXAMPLE: &str = "target=ARN&answer=FAILED";
    let (target, said) = (needed(query, "target", EXAMPLE)?, needed(query, "answer", EXAMPLE)?);
    let answer = match said {
        "SUCCEEDED" => HookAnswer::Succeeded,
        "FAILED" => HookAnswer::Failed,
        "IN_PROGRESS" => HookAnswer::InProgress,
        other => return Err(format!("`answer` must be SUCCEEDED, FAILED or IN_PROGRESS, not {other}.")),
    };
    sim.world().ecs.outside.hooks.insert(target.to_owned(), answer);
    Ok(tree! { "target" => target, "answer" => said })
}

fn push(sim: &Sim, query: &Tree) -> Result<Tree, String> {
    let image = needed(query, "image", "image=nginx:1")?;
    let mut world = sim.world();
    let pushes = &mut world.ecs.outside.pushes;
    task::push(pushes, image);
    Ok(tree! { "image" => image, "imageDigest" => task::digest(pushes, image) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Time;
    use crate::sim::world::Settings;

    #[test]
    fn the_outside_is_told_or_refused() {
        let sim = Sim::new(Settings::default(), || Time(0));
        let query = |text: &str| read_query(text.as_bytes());
        assert!(alarm(&sim, &query("name=a%20b&state=ALARM")).is_ok());
        assert_eq!(sim.world().ecs.outside.alarms.get("a b"), Some(&true));
        assert!(alarm(&sim, &query("name=a")).is_err());
        assert!(alarm(&sim, &query("name=a&state=RED")).is_err());
        assert!(hook(&sim, &query("target=arn:x&answer=MAYBE")).is_err());
        let digest = |image: &str| task::digest(&sim.world().ecs.outside.pushes, image);
        let (plain, other) = (digest("nginx"), digest("nginx:1"));
        assert!(push(&sim, &query("image=nginx:latest")).is_ok());
        assert_ne!(digest("nginx"), plain, "no tag means latest");
        assert_eq!(digest("nginx:1"), other);
        assert_eq!(digest("nginx@sha256:0"), "sha256:0");
    }
}
