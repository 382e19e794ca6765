//! `plan --simulate`: the services that a plan touches, copied into an embedded ECS, and the plan applied there in
//! virtual time. Asks AWS by reads alone. Must not know: what ECS does.

mod copy;
mod gauge;
mod live;
mod play;
mod replay;
mod rollout;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::check::Desired;
use crate::cli::plan::{Forecast, Gap, Outcome, Simulation};
use crate::kinds::{Key, Kind, Object, service};
use crate::plan::{Plan, Reason, Step, StepEffect, Verdict};
use crate::reconcile::Shared;
use crate::sim::world::{Pace, Settings};

use super::Trouble;

/// What a forecast goes by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Assumed {
    pub seed: u64,
    /// From a task's creation to RUNNING.
    pub start: Option<Duration>,
    /// From RUNNING until it counts as healthy.
    pub healthy: Option<Duration>,
}

/// A service that the plan creates, deploys, scales or puts in the place of another.
#[derive(Clone, Copy)]
struct Touched<'a> {
    object: &'a Object,
    plan: &'a Plan,
}

/// Plays the plans on a copy of what they touch.
///
/// # Errors
/// A read that failed.
pub async fn simulate(
    shared: &Shared,
    desired: &Desired,
    plans: &[(Key, Plan)],
    assumed: &Assumed,
) -> Result<Simulation, Trouble> {
    let mut simulation = Simulation {
        seed: assumed.seed,
        start_time: assumed.start.map(|span| span.as_secs()),
        healthy_after: assumed.healthy.map(|span| span.as_secs()),
        ..Simulation::default()
    };
    let services = || plans.iter().filter(|(key, _)| key.kind == Kind::Service);
    let mut touched = Vec::new();
    for (key, plan) in services() {
        let Some(object) = desired.objects.get(key) else { continue };
        let live = shared.known().seen.shown(key);
        if moves(plan) && live.is_some_and(|shown| service::controller(&shown) == service::EXTERNAL) {
            let what = "its task sets start and stop its tasks, and they are not copied";
            simulation.forecasts.insert(key.short(), Forecast::only(Outcome::Unknown, what));
            continue;
        }
        match (&plan.verdict, moves(plan)) {
            (_, true) => touched.push(Touched { object, plan }),
            (
                Verdict::Blocked(Reason::PreflightBlocked, why) | Verdict::Waiting(Reason::PreflightWaiting, why),
                false,
            ) => drop(simulation.forecasts.insert(key.short(), Forecast::only(Outcome::Held, why))),
            (_, false) => {}
        }
    }
    if touched.is_empty() {
        return Ok(simulation);
    }
    let mut live = live::look(shared, desired, &touched).await?;
    let settings = Settings {
        account: shared.place.account.clone(),
        region: shared.place.region.clone(),
        seed: assumed.seed,
        pace: Pace { start: assumed.start, healthy: assumed.healthy },
        ..Settings::default()
    };
    let now = shared.clock.now();
    let operator = replay::Operator { us: &shared.us, former: shared.former.as_ref(), desired };
    let (replaced, at_once) = (std::mem::take(&mut live.replaced), shared.rollouts_max);
    let scene = play::Scene { operator, plans, touched: &touched, replaced, at_once };
    let played = play::all(copy::copy(live, settings, now), &scene);
    simulation.forecasts.extend(played.forecasts);
    let mut gaps: Vec<Gap> = played.gaps;
    gaps.sort();
    gaps.dedup();
    simulation.not_copied = gaps;
    Ok(simulation)
}

/// Whether it starts or stops tasks.
fn moves(plan: &Plan) -> bool {
    let one = |step: &Step| match step.effect {
        StepEffect::Create | StepEffect::Deploys => true,
        StepEffect::InPlace => step.call.input.get("desiredCount").is_some(),
        StepEffect::Register
        | StepEffect::Tags
        | StepEffect::Memory
        | StepEffect::Adopt
        | StepEffect::Drains
        | StepEffect::Deletes => false,
    };
    match &plan.replacement {
        // What is waited for in the middle of it goes on as well.
        Some(_) => !matches!(plan.verdict, Verdict::Blocked(..) | Verdict::Waiting(Reason::PreflightWaiting, _)),
        None => plan.steps.iter().any(one),
    }
}

/// Forecasts by the short keys of their objects.
type Forecasts = BTreeMap<String, Forecast>;
