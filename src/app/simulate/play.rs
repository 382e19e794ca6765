//! The plan applied to the copy in virtual time, and what is seen of each service meanwhile. Must not know: AWS.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::cli::plan::{Forecast, Gap, Outcome, Played};
use crate::kinds::{Key, Kind, secrets, service, task_definition};
use crate::plan::replacement::Dip;
use crate::plan::{Plan, StepEffect};
use crate::shape::Tree;

use super::copy::{Copy, TICK};
use super::gauge::Gauge;
use super::replay::{Operator, Replaced, Replay};
use super::rollout::Rollout;
use super::{Forecasts, Touched};

/// A rollout that replaces no task for so long replaces none any more: ECS's longest pause between tries is less.
pub const STALL: Duration = Duration::from_secs(3600);
/// Nothing is followed longer.
pub const LONGEST: Duration = Duration::from_secs(48 * 3600);

/// What came of it.
pub struct Outcomes {
    pub forecasts: Forecasts,
    pub gaps: Vec<Gap>,
}

/// What is played, and by what.
pub struct Scene<'a> {
    pub operator: Operator<'a>,
    pub plans: &'a [(Key, Plan)],
    pub touched: &'a [Touched<'a>],
    /// By the short keys of their objects.
    pub replaced: BTreeMap<String, Replaced>,
    /// So many services at a time.
    pub at_once: usize,
}

/// Applies all plans to the copy, and follows each service to its end.
pub fn all(mut copy: Copy, scene: &Scene<'_>) -> Outcomes {
    let Scene { plans, touched, at_once, .. } = *scene;
    let desired = scene.operator.desired;
    let realised = prepare(&mut copy, plans, touched);
    let (mut forecasts, mut waiting) = (Forecasts::new(), VecDeque::new());
    for one in touched {
        match copy.missing.get(&one.object.key.short()) {
            Some(why) => drop(forecasts.insert(one.object.key.short(), Forecast::only(Outcome::Unknown, why))),
            None => waiting.push_back(*one),
        }
    }
    let mut rolling: Vec<Watch<'_>> = Vec::new();
    while !waiting.is_empty() || !rolling.is_empty() {
        while rolling.len() < at_once.max(1) {
            let Some(one) = waiting.pop_front() else { break };
            match begin(&mut copy, scene, one, &realised) {
                Ok(watch) => rolling.push(watch),
                Err(why) => {
                    let why = service::redact(one.object, &desired.objects, &why);
                    forecasts.insert(one.object.key.short(), Forecast::only(Outcome::Unknown, why));
                }
            }
        }
        let next = copy.world.now().after(TICK);
        copy.world.advance_to(next);
        let decisions = std::mem::take(&mut copy.world.ecs.decisions);
        for watch in &mut rolling {
            watch.gauge.take(&decisions);
        }
        rolling.retain_mut(|watch| match watch.look(&mut copy) {
            None => true,
            Some((outcome, why)) => {
                let message = service::redact(watch.of.object, &desired.objects, &why);
                let course = Some(watch.played(&copy));
                forecasts.insert(watch.of.object.key.short(), Forecast { course, ..Forecast::only(outcome, message) });
                false
            }
        });
    }
    Outcomes { forecasts, gaps: copy.gaps }
}

/// What comes before services: clusters that are new or change, and revisions. Returns the references of those.
fn prepare(copy: &mut Copy, plans: &[(Key, Plan)], touched: &[Touched<'_>]) -> BTreeMap<Key, String> {
    let clusters: BTreeSet<&str> = touched.iter().map(|one| service::cluster(one.object)).collect();
    let runs: BTreeSet<Key> =
        touched.iter().filter_map(|one| service::task_definition(one.object).manifest()).collect();
    let mut realised = BTreeMap::new();
    for (key, plan) in plans {
        let concerns = match key.kind {
            Kind::Cluster => clusters.contains(key.name.as_str()),
            Kind::TaskDefinition => runs.contains(key),
            Kind::SecurityGroup | Kind::Service => false,
        };
        for step in plan.steps.iter().filter(|step| concerns && step.call.service == "ecs") {
            match copy.call(step.call.operation, &step.call.input) {
                Ok(answer) => {
                    let arn = answer.at(&["taskDefinition", "taskDefinitionArn"]).and_then(Tree::as_text);
                    let reference = arn.map(task_definition::short);
                    realised.extend(reference.map(|reference| (key.clone(), reference.to_owned())));
                }
                // Tags of a revision that is not in the copy play no part there.
                Err(_) if step.effect == StepEffect::Tags => {}
                Err(fault) => copy.gap(&key.short(), secrets::redact(&step.call.input, &fault.message)),
            }
        }
    }
    realised
}

fn begin<'a>(
    copy: &mut Copy,
    scene: &'a Scene<'a>,
    of: Touched<'a>,
    realised: &BTreeMap<Key, String>,
) -> Result<Watch<'a>, String> {
    let (cluster, name) = (service::cluster(of.object), of.object.aws_name().to_owned());
    let (gauge, course) = match scene.replaced.get(&of.object.key.short()) {
        Some(replaced) => {
            let others = replaced.replacement.old.iter().filter(|old| **old != name).cloned();
            let gauge = Gauge::new(copy, cluster, [name.clone()].into_iter().chain(others).collect());
            let replay = Replay::begin(copy, &scene.operator, of.object, replaced, realised)?;
            (gauge, Course::Replacement(Box::new(replay)))
        }
        None => {
            let gauge = Gauge::new(copy, cluster, vec![name.clone()]);
            (gauge, Course::Rollout(Rollout::begin(copy, of, realised)?))
        }
    };
    Ok(Watch { of, gauge, course, agenda: (0, 0) })
}

/// One service on its way.
struct Watch<'a> {
    of: Touched<'a>,
    gauge: Gauge,
    course: Course<'a>,
    /// What was ever put on the agenda, and what is still to come.
    agenda: (u64, usize),
}

/// Who leads it there.
enum Course<'a> {
    /// ECS alone, once it was asked.
    Rollout(Rollout),
    /// The operator, act by act.
    Replacement(Box<Replay<'a>>),
}

impl Watch<'_> {
    /// How it ended, if it did.
    fn look(&mut self, copy: &mut Copy) -> Option<(Outcome, String)> {
        let agenda = (copy.world.put_down(), copy.world.waiting());
        // Without an event since, all is as it was.
        let quiet = std::mem::replace(&mut self.agenda, agenda) == agenda;
        if !quiet {
            self.gauge.measure(copy);
        }
        let deadline = self.of.object.reconcile.progress_deadline;
        let ended = match &mut self.course {
            Course::Rollout(rollout) => rollout.look(copy, &self.gauge, deadline, quiet),
            Course::Replacement(replay) => {
                let (ended, acted) = replay.look(copy, &self.gauge);
                if acted {
                    self.agenda = (0, 0);
                }
                ended
            }
        };
        if ended.is_some() {
            self.gauge.measure(copy);
        }
        ended
    }

    fn played(&self, copy: &Copy) -> Played {
        let now = copy.world.now();
        let (furthest, bounds) = match &self.course {
            Course::Rollout(rollout) => (rollout.furthest(), rollout.bounds(copy, &self.gauge)),
            Course::Replacement(replay) => (replay.furthest(), replay.bounds(copy, &self.gauge)),
        };
        let end = if now.since(furthest) >= STALL { furthest } else { now };
        let played = self.gauge.played(bounds, end);
        match &self.of.plan.replacement {
            Some(replacement) => Played { dip_estimate: replacement.dip.as_ref().map(Dip::seconds), ..played },
            // Where nothing served before, nothing stops to.
            None => Played { dip_seconds: played.dip_seconds.filter(|_| self.gauge.before.healthy > 0), ..played },
        }
    }
}
