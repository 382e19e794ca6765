//! What the world outside ECS says, told by whoever tries things: pages below `/_sim/`. Must not know: ECS's operations.
//!
//! | page | what it does |
//! |---|---|
//! | `POST /_sim/alarm?name=X&state=ALARM` | a CloudWatch alarm goes to ALARM, OK or INSUFFICIENT_DATA |
//! | `POST /_sim/hook?target=ARN&answer=FAILED` | what a lifecycle hook's function answers from now on: SUCCEEDED, FAILED, IN_PROGRESS |
//! | `POST /_sim/push?image=X` | someone pushes an image: its tag stands for another digest |
//! | `POST /_sim/fargate?vcpus=6` | how many vCPUs tasks on FARGATE may have at once; `spot-vcpus=N` on FARGATE_SPOT; `none` for no quota |
//! | `POST /_sim/fargate?zone=us-east-1a&capacity=off` | Fargate has no capacity in a zone, or with `provider=FARGATE_SPOT` none for Spot; `on` gives it back |
//! | `POST /_sim/throttle?factor=1` | ECS's API is throttled, by the published buckets times a factor; `factor=0`: not at all |

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;

use crate::shape::Tree;
use crate::tree;

use super::super::Sim;
use super::super::ecs::capacity_provider;
use super::super::ecs::service::alarms;
use super::super::ecs::service::traffic::HookAnswer;
use super::super::ecs::{task, throttle};
use super::http::{page, refusal};
use super::query::read_query;

/// These pages.
pub fn pages() -> Router<Sim> {
    Router::new()
        .route("/_sim/alarm", post(|State(sim): State<Sim>, RawQuery(query)| async move { answer(&sim, query, alarm) }))
        .route("/_sim/hook", post(|State(sim): State<Sim>, RawQuery(query)| async move { answer(&sim, query, hook) }))
        .route(
            "/_sim/fargate",
            post(|State(sim): State<Sim>, RawQuery(query)| async move { answer(&sim, query, fargate) }),
        )
        .route(
            "/_sim/throttle",
            post(|State(sim): State<Sim>, RawQuery(query)| async move { answer(&sim, query, set_throttle) }),
        )
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

/// A quota, or `none`.
fn quota(text: &str) -> Result<Option<u32>, String> {
    match text {
        "none" => Ok(None),
        number => {
            number.parse().map(Some).map_err(|_| format!("A quota is a number of vCPUs, or none, not `{number}`."))
        }
    }
}

fn fargate(sim: &Sim, query: &Tree) -> Result<Tree, String> {
    const SAY: &str = "Say `?vcpus=6`, `?spot-vcpus=6`, or `?zone=us-east-1a&capacity=off` or \
                       `?provider=FARGATE_SPOT&capacity=off`.";
    let text = |name: &str| query.text(name).filter(|text| !text.is_empty());
    let (vcpus, spot) = (text("vcpus").map(quota).transpose()?, text("spot-vcpus").map(quota).transpose()?);
    let off = match text("capacity") {
        None => None,
        Some("off") => Some(true),
        Some("on") => Some(false),
        Some(other) => return Err(format!("`capacity` is on or off, not `{other}`.")),
    };
    let region = sim.world().settings.region.clone();
    if let Some(zone) = text("zone").filter(|zone| zone.strip_prefix(region.as_str()).is_none_or(str::is_empty)) {
        return Err(format!("`zone` must be of {region}, such as {region}a, not `{zone}`."));
    }
    let place = match (text("zone"), text("provider")) {
        (Some(zone), None) => Some(zone),
        (None, Some("FARGATE_SPOT")) => Some("FARGATE_SPOT"),
        (None, None) => None,
        _ => return Err(SAY.to_owned()),
    };
    let mut world = sim.world();
    match (place, off) {
        (Some(place), Some(true)) => drop(world.ecs.outside.closed.insert(place.to_owned())),
        (Some(place), Some(false)) => drop(world.ecs.outside.closed.remove(place)),
        (None, None) if vcpus.is_some() || spot.is_some() => {}
        _ => return Err(SAY.to_owned()),
    }
    world.settings.fargate_vcpus = vcpus.unwrap_or(world.settings.fargate_vcpus);
    world.settings.fargate_spot_vcpus = spot.unwrap_or(world.settings.fargate_spot_vcpus);
    capacity_provider::fargate::changed(&mut world);
    let closed = world.ecs.outside.closed.iter().map(String::as_str).collect::<Vec<_>>();
    Ok(tree! { "closed" => closed }
        .with_some("vcpus", world.settings.fargate_vcpus.map(i64::from))
        .with_some("spotVcpus", world.settings.fargate_spot_vcpus.map(i64::from)))
}

/// The largest factor: at ten thousand times its buckets nobody is throttled.
const FACTOR_MOST: f64 = 10_000.0;

fn set_throttle(sim: &Sim, query: &Tree) -> Result<Tree, String> {
    let text = needed(query, "factor", "factor=1")?;
    let factor = text.parse::<f64>().ok().filter(|factor| (0.0..=FACTOR_MOST).contains(factor));
    let factor = factor.ok_or_else(|| format!("`factor` must be a number from 0 to {FACTOR_MOST}, not {text}."))?;
    let mut world = sim.world();
    throttle::set(&mut world, (factor > 0.0).then_some(factor));
    Ok(throttle::shown(&world))
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
        assert!(set_throttle(&sim, &query("factor=0.5")).is_ok());
        assert_eq!(sim.world().settings.throttle, Some(0.5));
        for wrong in ["", "factor=x", "factor=-1", "factor=NaN", "factor=inf"] {
            assert!(set_throttle(&sim, &query(wrong)).is_err(), "{wrong}");
        }
        assert!(set_throttle(&sim, &query("factor=0")).is_ok());
        assert_eq!(sim.world().settings.throttle, None);
        let digest = |image: &str| task::digest(&sim.world().ecs.outside.pushes, image);
        let (plain, other) = (digest("nginx"), digest("nginx:1"));
        assert!(push(&sim, &query("image=nginx:latest")).is_ok());
        assert_ne!(digest("nginx"), plain, "no tag means latest");
        assert_eq!(digest("nginx:1"), other);
        assert_eq!(digest("nginx@sha256:0"), "sha256:0");
        for wrong in ["", "vcpus=x", "zone=us-east-1a", "zone=us-east-1a&capacity=no", "provider=FARGATE&capacity=off"]
        {
            assert!(fargate(&sim, &query(wrong)).is_err(), "{wrong}");
        }
        let told = fargate(&sim, &query("zone=us-east-1a&capacity=off&vcpus=6")).unwrap();
        assert_eq!((told.int("vcpus"), told.list("closed").len()), (Some(6), 1));
        let told = fargate(&sim, &query("zone=us-east-1a&capacity=on&vcpus=none")).unwrap();
        assert_eq!((told.int("vcpus"), told.list("closed").len()), (None, 0));
    }
}
