//! What the rolling scheduler decides in one look at a service (§2.3, §2.4). Must not know: how tasks live.

use std::time::Duration;

use crate::shape::Time;

use super::super::super::world::World;
use super::super::task::{self, LastStatus};
use super::hooks::{self, IMPAIRED_LEVEL};
use super::places::{self, Unplaced};
use super::rollout::{self, Judgement, Standing};
use super::round::{Round, Stand};
use super::{Deployment, RolloutState, Service, Status, early, events, journal, rebalance, task_set, traffic};

/// Tasks started in one look, and the pause before the next: 500 a minute (§7.5).
const START_BATCH: i64 = 10;
const START_PAUSE: Duration = Duration::from_millis(1_200);
/// An INACTIVE service can be described so long (§1.3, inferred).
const RETENTION: Duration = Duration::from_secs(3600);

const PRIMARY: usize = 0;

/// One look of the scheduler at a service. A look that an earlier one made superfluous does nothing.
pub fn pass(world: &mut World, cluster: &str, name: &str) {
    let key = (cluster.to_owned(), name.to_owned());
    // Taken out and put back, so that the world can be changed beside it.
    let Some(mut service) = world.ecs.services.remove(&key) else { return };
    let mut stays = true;
    if service.next_pass == Some(world.now()) {
        service.next_pass = None;
        stays = look(world, &mut service);
    }
    if stays {
        world.ecs.services.insert(key, service);
    }
}

/// Returns whether there is still a service.
fn look(world: &mut World, service: &mut Service) -> bool {
    let now = world.now();
    let next = match service.status {
        Status::Active => active(world, service),
        Status::Draining => drain(world, service),
        Status::Inactive => service.retired.map(|retired| retired.after(RETENTION)),
    };
    match next {
        Some(due) if due <= now && service.status == Status::Inactive => return false,
        Some(due) => hooks::look_at(world, service, due.max(Time(now.0.saturating_add(1)))),
        None => {}
    }
    true
}

/// Stops everything; INACTIVE once every task is STOPPING at least (§1.3).
fn drain(world: &mut World, service: &mut Service) -> Option<Time> {
    let mut round = Round::new(world, service);
    for deployment in 0..round.service.deployments.len() {
        for stand in [Stand::Pending, Stand::Young, Stand::Sick, Stand::Healthy] {
            round.stop(deployment, stand, i64::MAX);
        }
    }
    round.tell(0);
    for deployment in &mut service.deployments {
        deployment.desired = 0;
    }
    let now = world.now();
    let key = |id: &String| (service.cluster.clone(), id.clone());
    let gone = |task: &task::Task| task.last >= LastStatus::Stopping;
    if !service.tasks.iter().all(|id| world.ecs.tasks.get(&key(id)).is_none_or(gone)) {
        return None;
    }
    service.status = Status::Inactive;
    service.retired = Some(now);
    service.deployments.clear();
    service.completed = None;
    service.journal.clear();
    service.revisions.clear();
    Some(now.after(RETENTION))
}

fn active(world: &mut World, service: &mut Service) -> Option<Time> {
    journal::advance(world, service);
    if task_set::governs(service) {
        tell_misplaced(world, service);
        return task_set::active(world, service);
    }
    let verdict = match rollout::judge(world, service) {
        // What follows from a failure is done in the next look, as the trace of §2.6 shows.
        Judgement::Failed => return Some(world.now().after(Duration::from_secs(2))),
        Judgement::Pending(at) => Some(at),
        Judgement::Unchanged => None,
    };
    tell_misplaced(world, service);
    if traffic::governs(service) {
        return traffic::active(world, service);
    }
    if service.is_daemon() {
        service.desired = places::recount(world, service);
    }
    let desired = service.desired;
    if let Some(primary) = service.primary_mut().filter(|one| one.rollout != RolloutState::Failed) {
        primary.desired = desired;
    }
    let mut round = Round::new(world, service);
    round.wake_at(verdict);
    round.register();
    rebalance::finish(&mut round);
    for deployment in (1..round.service.deployments.len()).rev() {
        retire(&mut round, deployment);
    }
    for deployment in (0..round.service.deployments.len()).rev() {
        evacuate(&mut round, deployment);
    }
    for deployment in (0..round.service.deployments.len()).rev() {
        trim(&mut round, deployment);
    }
    let mut replaced = 0;
    for deployment in (0..round.service.deployments.len()).rev() {
        let sick = round.failing(deployment);
        replaced += start(&mut round, deployment).min(sick);
    }
    block(&mut round);
    hold(&mut round);
    round.tell(replaced);
    tell_unplaced(&mut round);
    conclude(round)
}

fn tell_misplaced(world: &mut World, service: &mut Service) {
    if let Some(why) = service.misplaced.take() {
        let text = format!("was unable to place a task. Reason: {why}.");
        events::tell_once(world, service, events::MISPLACED, &text);
    }
}

fn is(round: &Round<'_>, deployment: usize, state: RolloutState) -> bool {
    round.service.deployments.get(deployment).is_some_and(|one| one.rollout == state)
}

fn stands_alone(round: &Round<'_>, deployment: usize) -> bool {
    round.service.deployments.get(deployment).is_some_and(Deployment::stands_alone)
}

fn is_established(round: &Round<'_>, deployment: usize) -> bool {
    round.service.deployments.get(deployment).is_some_and(|one| one.established)
}

/// How many tasks a deployment is to have: all for the PRIMARY, ever fewer for an old one.
fn target(round: &Round<'_>, deployment: usize) -> i64 {
    match deployment {
        PRIMARY if !stands_alone(round, PRIMARY) => round.service.desired + i64::from(round.service.rebalancing),
        _ => round.service.deployments.get(deployment).map_or(0, |one| one.desired),
    }
}

/// When a deployment that can't start tasks tries again.
fn held_back(round: &Round<'_>, deployment: usize) -> Option<Time> {
    let until = round.service.deployments.get(deployment).and_then(|one| one.backoff.until);
    until.filter(|until| *until > round.world.now())
}

/// How many tasks a deployment lacks; sick ones are to be replaced, and those whose instances are to be left.
fn lacks(round: &Round<'_>, deployment: usize) -> i64 {
    let displaced = round.displaced(deployment, &[Stand::Pending, Stand::Young, Stand::Healthy]);
    let fit = round.live(deployment) - round.of(deployment, &[Stand::Sick]) - displaced;
    (target(round, deployment) - fit).max(0)
}

/// Makes way for the PRIMARY: stops tasks of an old deployment, those first that cost nothing (§2.3).
fn retire(round: &mut Round<'_>, deployment: usize) {
    let desired = round.service.desired;
    let stalled = is(round, PRIMARY, RolloutState::Failed);
    let established = is_established(round, deployment);
    let live = round.live(deployment);
    // What is still of use: as many as the PRIMARY has not replaced by healthy ones.
    let replaced = round.of(PRIMARY, &[Stand::Healthy]);
    let enough = !stalled && early::is_enough(round.service, replaced);
    let needed = if enough { 0 } else { (desired - replaced).max(0) };
    let surplus = (live - needed).max(0);
    let (free, healthy) = if stalled {
        (surplus, surplus)
    } else if established {
        let waiting = if held_back(round, PRIMARY).is_some() { 0 } else { lacks(round, PRIMARY) };
        let short = waiting - round.room().max(0) - round.leaving();
        (surplus.max(short), live)
    } else {
        (live, live)
    };
    let mut stopped = 0;
    for stand in [Stand::Pending, Stand::Young, Stand::Sick] {
        stopped += round.stop(deployment, stand, free - stopped);
    }
    round.stop(deployment, Stand::Healthy, healthy - stopped);
    let live_now = round.live(deployment);
    if let Some(old) = round.service.deployments.get_mut(deployment) {
        old.desired = match established {
            true => (old.desired - (live - live_now)).clamp(0, needed),
            false => live_now,
        };
    }
}

/// Empties instances that are to be left: what is PENDING at once, what runs as the bounds allow (§2.17).
fn evacuate(round: &mut Round<'_>, deployment: usize) {
    for stand in [Stand::Pending, Stand::Young, Stand::Healthy] {
        // The displaced ones are chosen first.
        let displaced = round.displaced(deployment, &[stand]);
        round.stop(deployment, stand, displaced);
    }
}

/// Within one deployment: unhealthy tasks whose replacements are there, and tasks beyond its target (§2.4).
pub(super) fn trim(round: &mut Round<'_>, deployment: usize) {
    let target = target(round, deployment);
    let stalled = is(round, deployment, RolloutState::Failed);
    let staying = |stands: &[Stand]| round.of(deployment, stands) - round.displaced(deployment, stands);
    let coming = staying(&[Stand::Pending, Stand::Young]);
    let healthy = staying(&[Stand::Healthy]);
    let sick = round.of(deployment, &[Stand::Sick]);
    let mut superfluous = (sick - (target - healthy).max(0)).max(0);
    if superfluous == 0 && sick > 0 && coming == 0 && round.leaving() == 0 && !stalled {
        // Every replacement has turned out unhealthy too: back to the target. Or there is no room for one: one at a time.
        superfluous = (round.live(deployment) - target).max(i64::from(round.room() <= 0));
    }
    for _ in 0..superfluous {
        round.stop_sick(deployment);
    }
    let mut surplus = coming + healthy - target;
    for stand in [Stand::Pending, Stand::Young, Stand::Healthy] {
        surplus -= round.stop(deployment, stand, surplus);
    }
}

/// Starts what a deployment lacks. A FAILED one launches nothing, an old one replaces its own tasks only.
pub(super) fn start(round: &mut Round<'_>, deployment: usize) -> i64 {
    let lacking = lacks(round, deployment);
    let may = deployment == PRIMARY || is_established(round, deployment);
    if lacking == 0 || !may || is(round, deployment, RolloutState::Failed) {
        return 0;
    }
    if let Some(until) = held_back(round, deployment) {
        let level = round.service.deployments.get(deployment).map_or(0, |one| one.backoff.level);
        if level >= IMPAIRED_LEVEL {
            events::tell_once(round.world, round.service, events::IMPAIRED, events::IMPAIRED_TEXT);
        }
        round.wake_at(Some(until));
        return 0;
    }
    let started = round.start(deployment, lacking.min(START_BATCH));
    if started < lacking && round.room() > 0 && round.unplaced.is_none() {
        let pause = round.world.now().after(START_PAUSE);
        round.wake_at(Some(pause));
    }
    started
}

/// Tells that a task has no place; the service looks again when an instance has room (§2.8).
fn tell_unplaced(round: &mut Round<'_>) {
    match round.unplaced.take() {
        Some(Unplaced::Because(cause, text)) => {
            let again = events::tell_once(round.world, round.service, cause, &text);
            round.wake_at(Some(again));
        }
        Some(Unplaced::Wait) | None => events::clear_placement(round.service),
    }
}

/// Tells when the percentages leave a rollout no room to move (§2.1).
fn block(round: &mut Round<'_>) {
    let in_progress = is(round, PRIMARY, RolloutState::InProgress);
    let waits = lacks(round, PRIMARY) > 0 && held_back(round, PRIMARY).is_none() && round.room() <= 0;
    let coming = (0..round.service.deployments.len()).any(|one| round.of(one, &[Stand::Pending, Stand::Young]) > 0);
    let protected = (1..round.service.deployments.len()).any(|one| round.protected(one) > 0);
    if in_progress && waits && !protected && !coming && round.leaving() == 0 && !round.acted() {
        let again = events::tell_once(round.world, round.service, events::BLOCKED, events::BLOCKED_TEXT);
        round.wake_at(Some(again));
    } else {
        events::clear(round.service, events::BLOCKED);
    }
}

/// Tells when protected tasks are what keeps a deployment from scaling in (§2.18).
fn hold(round: &mut Round<'_>) {
    let full = round.of(PRIMARY, &[Stand::Healthy]) >= round.service.desired || round.room() <= 0;
    let beyond = round.live(PRIMARY) - round.service.desired;
    let held = (0..round.service.deployments.len()).find_map(|one| {
        let protected = round.protected(one);
        let kept = if one == PRIMARY { protected.min(beyond) } else { protected };
        let id = round.service.deployments.get(one).map(|one| one.id.clone())?;
        (kept > 0 && (one == PRIMARY || full)).then(|| events::protected_text(&id, kept))
    });
    match held {
        Some(text) => {
            let again = events::tell_once(round.world, round.service, events::PROTECTED, &text);
            round.wake_at(Some(again));
        }
        None => events::clear(round.service, events::PROTECTED),
    }
}

/// Completes the rollout, drops deployments that are over, tells the steady state. Returns when to look again.
fn conclude(mut round: Round<'_>) -> Option<Time> {
    let standing = Standing {
        healthy: round.of(PRIMARY, &[Stand::Healthy]) - round.displaced(PRIMARY, &[Stand::Healthy]),
        live: round.live(PRIMARY),
        others: round.others(PRIMARY),
    };
    let mut over = Vec::new();
    for (index, one) in round.service.deployments.iter().enumerate().skip(1) {
        let stays = round.live(index) + round.of(index, &[Stand::Leaving]) > 0 || (one.established && one.desired > 0);
        if !stays {
            over.push(one.id.clone());
        }
    }
    round.service.deployments.retain(|one| !over.contains(&one.id));
    let baked = rollout::complete(round.world, round.service, standing);
    round.wake_at(baked);
    let desired = round.service.desired;
    let alone = round.service.deployments.len() == 1 && is(&round, PRIMARY, RolloutState::Completed);
    if alone && standing.healthy == desired && standing.live == desired && round.leaving() == 0 {
        events::clear(round.service, events::MISPLACED);
        let again = events::tell_steady(round.world, round.service);
        round.wake_at(Some(again));
        rebalance::begin(&mut round);
    } else {
        round.service.steady_again = None;
    }
    round.wake
}
