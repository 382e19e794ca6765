//! BLUE_GREEN, LINEAR and CANARY: the new revision is brought to full size beside the old one, then traffic moves,
//! and only after the bake does the old one go (§2.14). Must not know: load balancers; traffic is two numbers.
//!
//! From RECONCILE_SERVICE to BAKE_TIME this is the scheduler of a service; CLEAN_UP is left to the rolling one, which
//! finds a PRIMARY with all it needs and an old deployment to retire.

mod hook;
mod operation;
mod rules;
mod stage;

use std::time::Duration;

use crate::shape::{Time, Tree};

use super::super::super::world::World;
use super::rollout::{self, Failure};
use super::round::{Round, Stand};
use super::{Bounds, Deployment, RolloutState, Service, alarms, journal, schedule};

use hook::Hook;
pub use hook::HookAnswer;
pub(super) use operation::proceed;
pub(super) use rules::{fill, judge, judge_balancers};
use stage::Stage;

/// Traffic is counted in tenths of a percent.
const ALL: i64 = 1_000;
/// When everything was where it belongs already, going back takes this long.
const AT_ONCE: Duration = Duration::from_secs(1);

/// How far a deployment has come.
#[derive(Clone, Debug)]
pub struct Shift {
    stage: Stage,
    entered: Time,
    /// What share of production it gets, step by step.
    steps: Vec<i64>,
    step: usize,
    step_bake: Duration,
    test: i64,
    production: i64,
    /// The deployment it takes over from.
    source: Option<String>,
    hooks: Vec<Hook>,
    configured: Vec<Tree>,
    behind_nlb: bool,
    /// It failed, and traffic is on its way back.
    back: Option<(Time, Failure)>,
}

impl Shift {
    /// It still decides what runs.
    pub(super) fn is_open(&self) -> bool {
        self.stage != Stage::CleanUp
    }
}

/// Percents of traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Weights {
    pub test: f64,
    pub production: f64,
}

/// Whether a service's strategy shifts traffic.
pub(super) fn is_chosen(service: &Service) -> bool {
    service.deployment_configuration("strategy").and_then(Tree::as_text).is_some_and(|one| one != "ROLLING")
}

/// The shift of a deployment that begins; none with the ROLLING strategy. `service` does not have it yet.
pub(super) fn begin(now: Time, service: &Service) -> Option<Shift> {
    let strategy = service.deployment_configuration("strategy").and_then(Tree::as_text)?;
    let part = |name: &str, member: &str| rules::number(service.deployment_configuration(name)?.get(member));
    // Percents lie between 0 and 100.
    let tenths = |percent: Option<f64>| ((percent.unwrap_or(100.0) * 10.0).round() as i64).clamp(1, ALL);
    let (mut steps, minutes) = match strategy {
        "LINEAR" => {
            let step = tenths(part("linearConfiguration", "stepPercent"));
            let steps = (1..=ALL / step).map(|number| number * step).collect::<Vec<_>>();
            (steps, part("linearConfiguration", "stepBakeTimeInMinutes"))
        }
        "CANARY" => {
            let first = tenths(part("canaryConfiguration", "canaryPercent"));
            (vec![first], part("canaryConfiguration", "canaryBakeTimeInMinutes"))
        }
        "BLUE_GREEN" => (vec![ALL], None),
        _ => return None,
    };
    if steps.last() != Some(&ALL) {
        steps.push(ALL);
    }
    let completed = service.completed.as_ref().map(|one| &one.id);
    let mut formers = service.deployments.iter();
    let source = formers.clone().find(|one| took_over(one)).or(formers.find(|one| Some(&one.id) == completed));
    let source = source.or(service.deployments.first());
    if source.is_none() {
        // Nobody has the traffic yet (inferred: the first deployment takes no steps).
        steps = vec![ALL];
    }
    let hooks = service.deployment_configuration("lifecycleHooks").and_then(Tree::as_list).unwrap_or_default();
    let rule = |one: &Tree| {
        one.at(&["advancedConfiguration", "productionListenerRule"]).and_then(Tree::as_text).map(str::to_owned)
    };
    let mut rules = service.spec.list("loadBalancers").iter().filter_map(rule);
    Some(Shift {
        stage: Stage::Reconcile,
        entered: now,
        steps,
        step: 0,
        step_bake: Duration::from_secs(minutes.map_or(0, |minutes| minutes.max(0.0) as u64) * 60),
        test: 0,
        production: 0,
        source: source.map(|one| one.id.clone()),
        hooks: Vec::new(),
        configured: hooks.to_vec(),
        behind_nlb: rules.any(|arn| arn.contains("/net/")),
        back: None,
    })
}

/// Has all the traffic, though what it replaced is not gone yet.
pub(super) fn took_over(one: &Deployment) -> bool {
    one.primary && one.rollout == RolloutState::InProgress && one.shift.as_ref().is_some_and(|shift| !shift.is_open())
}

/// Whether the tasks of a deployment that begins go to the alternate target groups: the other ones than its source's.
pub(super) fn stands_in_alternate(service: &Service, new: &Deployment) -> bool {
    let source = new.shift.as_ref().and_then(|shift| shift.source.as_ref());
    match source.and_then(|id| service.deployments.iter().find(|one| one.id == *id)) {
        Some(source) => !source.alternate,
        None => service.primary().is_some_and(|former| former.alternate),
    }
}

fn open(service: &Service) -> Option<&Shift> {
    service.primary()?.shift.as_ref().filter(|shift| shift.is_open())
}

fn open_mut(service: &mut Service) -> Option<&mut Shift> {
    service.primary_mut()?.shift.as_mut().filter(|shift| shift.is_open())
}

/// Whether a shift decides what runs, rather than the rolling scheduler.
pub(super) fn governs(service: &Service) -> bool {
    open(service).is_some()
}

/// A failed deployment's traffic goes back to where it came from, if that is still there; its tasks go after that.
pub(super) fn turn_back(world: &World, service: &mut Service, failure: Failure) -> bool {
    let now = world.now();
    let target = service.completed.as_ref().map(|one| one.id.clone());
    let Some(target) = service.deployments.iter().skip(1).find(|one| Some(&one.id) == target.as_ref()) else {
        return false;
    };
    let rollback = rollout::rollback(now, failure, &target.revision);
    let Some(shift) = open_mut(service) else { return false };
    let takes =
        if shift.production + shift.test > 0 { Stage::ProductionShift.takes(shift.behind_nlb) } else { AT_ONCE };
    shift.back = Some((now.after(takes), failure));
    shift.stage = Stage::ProductionShift;
    (shift.test, shift.production) = (0, 0);
    shift.hooks.clear();
    journal::rolls_back(world, service, rollback);
    true
}

/// One look at a service whose PRIMARY is taking over traffic. Returns when to look again.
pub(super) fn active(world: &mut World, service: &mut Service) -> Option<Time> {
    service.steady_again = None;
    let next = walk(world, service);
    if !governs(service) {
        // The rolling scheduler goes on from here.
        return Some(world.now().after(AT_ONCE));
    }
    let (stage, source) = open(service).map(|shift| (shift.stage, shift.source.clone()))?;
    let desired = service.desired;
    let grown = if stage >= Stage::ScaleUp { desired } else { 0 };
    for one in &mut service.deployments {
        one.desired = match (one.primary, Some(&one.id) == source.as_ref()) {
            (true, _) if one.rollout == RolloutState::Failed => one.desired,
            (true, _) => grown,
            (false, true) => desired,
            (false, false) => 0,
        };
    }
    let mut round = Round::new(world, service);
    // Both revisions at full size; the percentages rule how each replaces its own tasks (§2.1).
    round.bounds = Bounds { upper: round.bounds.upper.saturating_add(desired), ..round.bounds };
    round.wake_at(next);
    round.register();
    let mut replaced = 0;
    for place in (0..round.service.deployments.len()).rev() {
        schedule::trim(&mut round, place);
        let sick = round.of(place, &[Stand::Sick]);
        replaced += schedule::start(&mut round, place).min(sick);
    }
    round.tell(replaced);
    let left = |place| round.live(place) + round.of(place, &[Stand::Leaving]);
    let places = round.service.deployments.iter().enumerate().skip(1);
    let over = places.filter(|(place, one)| left(*place) == 0 && one.desired == 0).map(|(_, one)| one.id.clone());
    let over = over.collect::<Vec<_>>();
    round.service.deployments.retain(|one| !over.contains(&one.id) || Some(&one.id) == source.as_ref());
    round.wake
}

/// Goes through as many stages as are over. Returns when the present one may be.
fn walk(world: &mut World, service: &mut Service) -> Option<Time> {
    let now = world.now();
    loop {
        let shift = open_mut(service)?;
        if let Some((until, failure)) = shift.back {
            if now < until {
                return Some(until);
            }
            shift.stage = Stage::CleanUp;
            let target = service.completed.take()?;
            rollout::roll_back(world, service, target, failure);
            return None;
        }
        if service.primary()?.rollout != RolloutState::InProgress {
            return None;
        }
        match progress(world, service) {
            Progress::Waits(until) => return until,
            Progress::Fails(failure) => rollout::fail(world, service, failure),
            Progress::Over => go_on(world, service),
        }
    }
}

enum Progress {
    Waits(Option<Time>),
    Fails(Failure),
    Over,
}

/// How the present stage stands: its own work, its hooks, and the day that it may take.
fn progress(world: &World, service: &mut Service) -> Progress {
    let now = world.now();
    let desired = service.desired;
    let bake = alarms::bake(service);
    let Some(id) = service.primary().map(|one| one.id.clone()) else { return Progress::Waits(None) };
    let Some(shift) = open_mut(service) else { return Progress::Waits(None) };
    let (stage, entered) = (shift.stage, shift.entered);
    let mut wakes = shift.hooks.iter_mut().filter_map(|hook| hook.ask(world)).collect::<Vec<_>>();
    if shift.hooks.iter().any(Hook::has_failed) {
        return Progress::Fails(Failure::Hook);
    }
    let takes = match stage {
        Stage::StepBake => shift.step_bake,
        // There is nothing to go back to, so there is nothing to wait for (inferred).
        Stage::Bake if shift.source.is_some() => bake,
        _ => stage.takes(shift.behind_nlb),
    };
    let hooked = shift.hooks.iter().all(Hook::is_over);
    let pauses = shift.hooks.iter().any(|hook| hook.status == hook::Status::Awaiting);
    let grown = stage != Stage::ScaleUp || is_grown(world, service, &id, desired);
    let worked = entered.after(takes);
    if hooked && grown && now >= worked {
        return Progress::Over;
    }
    // A pause has its own limit, and a bake may take a day by itself.
    if !pauses && stage != Stage::Bake && stage != Stage::StepBake {
        let limit = entered.after(stage::LONGEST);
        if now >= limit {
            return Progress::Fails(Failure::Stage);
        }
        wakes.push(limit);
    }
    if now < worked {
        wakes.push(worked);
    }
    Progress::Waits(wakes.into_iter().min())
}

/// All tasks of the new revision are there, and healthy.
fn is_grown(world: &World, service: &Service, id: &str, desired: i64) -> bool {
    let tasks = service.tasks.iter().filter_map(|one| world.ecs.tasks.get(&(service.cluster.clone(), one.clone())));
    let of_it = tasks.filter(|task| task.started_by.as_deref() == Some(id) && task.wanted);
    let (mut all, mut healthy) = (0, 0);
    for task in of_it {
        all += 1;
        healthy += i64::from(task.is_healthy());
    }
    healthy == desired && all == desired
}

/// Enters the next stage, and does what it begins with.
fn go_on(world: &mut World, service: &mut Service) {
    let now = world.now();
    let Some(shift) = open_mut(service) else { return };
    let is_last = shift.step + 1 >= shift.steps.len();
    let next = match shift.stage {
        Stage::ProductionShift if is_last => Stage::PostProductionShift,
        Stage::StepBake => {
            shift.step += 1;
            Stage::PreProductionShift
        }
        stage => stage.following(),
    };
    shift.stage = next;
    shift.entered = now;
    match next {
        Stage::TestShift => shift.test = ALL,
        Stage::ProductionShift => shift.production = shift.steps.get(shift.step).copied().unwrap_or(ALL),
        _ => {}
    }
    let hooks = next.row().map(|row| hook::at(world, &shift.configured, row));
    shift.hooks = hooks.unwrap_or_default();
}

/// What traffic a deployment is to get; nobody says so where no strategy shifts it.
pub(super) fn weights(service: &Service, id: &str) -> Option<Weights> {
    let primary = service.primary()?;
    let shift = primary.shift.as_ref()?;
    let percent = |tenths: i64| tenths as f64 / 10.0;
    let weights = |test: i64, production: i64| Weights { test: percent(test), production: percent(production) };
    Some(match (primary.id == id, shift.source.as_deref() == Some(id)) {
        (true, _) => weights(shift.test, shift.production),
        (false, true) => weights(ALL - shift.test, ALL - shift.production),
        (false, false) => weights(0, 0),
    })
}

/// A service deployment with its stage and hooks.
pub(super) fn shown(deployment: &Deployment, shown: Tree) -> Tree {
    let Some(shift) = &deployment.shift else { return shown };
    let hooks = shift.hooks.iter().map(Hook::shown).collect::<Vec<_>>();
    shown
        .with_some("lifecycleStage", shift.stage.row().map(|row| row.shown))
        .with_some("lifecycleHookDetails", (!hooks.is_empty()).then_some(hooks))
}

/// A source revision of a service deployment, with the traffic it still gets.
pub(super) fn of_source(service: &Service, one: &Tree) -> Tree {
    let arn = one.text("arn");
    let id = service.deployments.iter().find(|deployment| Some(deployment.revision.as_str()) == arn);
    let weights = id.and_then(|deployment| weights(service, &deployment.id));
    one.clone()
        .with_some("requestedTestTrafficWeight", weights.map(|weights| weights.test))
        .with_some("requestedProductionTrafficWeight", weights.map(|weights| weights.production))
}
