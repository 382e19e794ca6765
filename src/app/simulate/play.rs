//! The plan applied to the copy in virtual time, and what is seen of each service meanwhile. Must not know: AWS.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::check::Desired;
use crate::check::preflight::Size;
use crate::cli::plan::{Forecast, Gap, Outcome, Played};
use crate::kinds::{Key, Kind, secrets, service, task_definition};
use crate::plan::{Plan, StepEffect};
use crate::rollout::{Progress, cause, primary, progress, why_stopped};
use crate::shape::{Path, Time, Tree};
use crate::sim::ecs::task::{LastStatus, Task};
use crate::tree;

use super::copy::{Copy, TICK};
use super::{Forecasts, Touched};

/// A rollout that replaces no task for so long replaces none any more: ECS's longest pause between tries is less.
const STALL: Duration = Duration::from_secs(3600);
/// Nothing is followed longer.
const LONGEST: Duration = Duration::from_secs(48 * 3600);
/// What misses its deadline is followed all the same: how late it is can be told then.
const NO_DEADLINE: Duration = Duration::from_secs(u64::MAX / 4000);

/// What came of it.
pub struct Outcomes {
    pub forecasts: Forecasts,
    pub gaps: Vec<Gap>,
}

/// Applies all plans to the copy, so many services at a time, and follows each to its end.
pub fn all(
    mut copy: Copy,
    desired: &Desired,
    plans: &[(Key, Plan)],
    touched: &[Touched<'_>],
    at_once: usize,
) -> Outcomes {
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
            match begin(&mut copy, one, &realised) {
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
            let ours = decisions.iter().filter(|one| one.cluster == watch.cluster && one.service == watch.name);
            watch.steps.extend(ours.map(|one| one.at));
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

fn begin<'a>(copy: &mut Copy, of: Touched<'a>, realised: &BTreeMap<Key, String>) -> Result<Watch<'a>, String> {
    let (cluster, name) = (service::cluster(of.object).to_owned(), of.object.aws_name().to_owned());
    let before = held(copy, &cluster, &name);
    let began = copy.world.now();
    let late = Path::from("taskDefinition");
    for step in &of.plan.steps {
        let mut input = step.call.input.clone();
        if step.late.contains(&late) {
            let key = service::task_definition(of.object).manifest();
            let reference = key.as_ref().and_then(|key| realised.get(key));
            input.set("taskDefinition", reference.ok_or("what it would run is not registered in the copy")?);
        }
        match copy.call(step.call.operation, &input) {
            Ok(_) => {}
            Err(_) if step.effect == StepEffect::Tags => {}
            Err(fault) => return Err(fault.message),
        }
    }
    let now = copy.world.now();
    Ok(Watch {
        of,
        cluster,
        name,
        began,
        before,
        peak: before,
        lowest: before.healthy,
        steps: BTreeSet::new(),
        best: (0, now),
        starts: Range::default(),
        healths: Range::default(),
        settled: BTreeMap::new(),
        agenda: (0, 0),
    })
}

/// What a service holds at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    tasks: i64,
    healthy: i64,
    addresses: i64,
    cpu: i64,
    memory: i64,
}

fn tasks<'a>(copy: &'a Copy, cluster: &'a str, name: &'a str) -> impl Iterator<Item = &'a Task> {
    let of = move |task: &&Task| task.service.as_deref() == Some(name);
    let begin = (cluster.to_owned(), String::new());
    copy.world.ecs.tasks.range(begin..).map_while(move |(key, task)| (key.0 == cluster).then_some(task)).filter(of)
}

fn held(copy: &Copy, cluster: &str, name: &str) -> Held {
    let mut held = Held::default();
    let mut sizes: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for task in tasks(copy, cluster, name).filter(|task| task.last < LastStatus::Stopped) {
        held.tasks += i64::from(task.is_counted());
        held.healthy += i64::from(task.is_healthy());
        held.addresses += i64::from(task.interface.as_ref().is_some_and(|one| !one.address.is_empty()));
        let size = || {
            let ecs = &copy.world.ecs;
            let body = ecs.families.values().flat_map(|family| family.revisions.values());
            let size = body.into_iter().find(|one| one.arn == task.definition).map(|one| Size::of(&one.body));
            size.map_or((0, 0), |size| (size.cpu, size.memory))
        };
        let (cpu, memory) = *sizes.entry(&task.definition).or_insert_with(size);
        held.cpu += cpu;
        held.memory += memory;
    }
    held
}

/// The least and the most of some spans, in seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Range(Option<(u64, u64)>);

impl Range {
    fn take(&mut self, span: Duration) {
        let seconds = (span.as_millis() as u64 + 500) / 1000;
        let (least, most) = self.0.unwrap_or((seconds, seconds));
        self.0 = Some((least.min(seconds), most.max(seconds)));
    }
}

/// One service on its way.
struct Watch<'a> {
    of: Touched<'a>,
    cluster: String,
    name: String,
    began: Time,
    before: Held,
    peak: Held,
    lowest: i64,
    steps: BTreeSet<Time>,
    /// The furthest it came, and when: new tasks that run and old ones that are gone.
    best: (i64, Time),
    starts: Range,
    healths: Range,
    /// New tasks that run, and whether they have been seen healthy.
    settled: BTreeMap<String, bool>,
    /// What was ever put on the agenda, and what is still to come.
    agenda: (u64, usize),
}

impl Watch<'_> {
    /// How it ended, if it did.
    fn look(&mut self, copy: &mut Copy) -> Option<(Outcome, String)> {
        let now = copy.world.now();
        let agenda = (copy.world.put_down(), copy.world.waiting());
        // Without an event since, all is as it was.
        if std::mem::replace(&mut self.agenda, agenda) == agenda && now.since(self.best.1) < STALL {
            return None;
        }
        self.measure(copy);
        let shown = copy.described(&self.cluster, Some(&self.name))?;
        let count = |tree: &Tree, name: &str| tree.int(name).unwrap_or(0);
        let new = primary(&shown).map_or(0, |primary| count(primary, "runningCount"));
        let come = new - (count(&shown, "runningCount") - new);
        if come > self.best.0 || self.best.1 <= self.began {
            self.best = (come, now);
        }
        match progress(&shown, NO_DEADLINE, now) {
            Progress::Steady => Some(self.done(copy, &shown)),
            Progress::Failed { cause, .. } => Some((Outcome::Failed, self.why(copy, cause))),
            Progress::Settling { .. } | Progress::Rolling { .. } => {
                let gives_up = now.since(self.best.1) >= STALL || now.since(self.began) >= LONGEST;
                let desired = count(&shown, "desiredCount");
                gives_up.then(|| {
                    let far = format!("{new} of {desired} new tasks run");
                    let why = self.why(copy, cause(&shown));
                    (Outcome::Stuck, if why.is_empty() { far } else { format!("{far}; {why}") })
                })
            }
        }
    }

    fn measure(&mut self, copy: &Copy) {
        let held = held(copy, &self.cluster, &self.name);
        self.lowest = self.lowest.min(held.healthy);
        self.peak = Held {
            tasks: self.peak.tasks.max(held.tasks),
            healthy: held.healthy,
            addresses: self.peak.addresses.max(held.addresses),
            cpu: self.peak.cpu.max(held.cpu),
            memory: self.peak.memory.max(held.memory),
        };
        let now = copy.world.now();
        for task in tasks(copy, &self.cluster, &self.name).filter(|task| task.created >= self.began) {
            let Some(started) = task.times.started else { continue };
            let seen = self.settled.entry(task.id.clone()).or_insert_with(|| {
                self.starts.take(started.since(task.created));
                false
            });
            if !*seen && task.is_healthy() {
                *seen = true;
                self.healths.take(now.since(started));
            }
        }
    }

    /// ECS is steady again: with what was wanted, or with what was there before.
    fn done(&self, copy: &mut Copy, shown: &Tree) -> (Outcome, String) {
        let ask = tree! { "cluster" => &self.cluster, "service" => &self.name };
        let listed = copy.call("ListServiceDeployments", &ask).unwrap_or_default();
        let newest = listed.list("serviceDeployments").first();
        let ours = newest.filter(|one| one.get("createdAt").and_then(Time::from_tree) >= Some(self.began));
        let status = ours.and_then(|one| one.text("status")).unwrap_or_default();
        if status.starts_with("ROLLBACK") || status.starts_with("STOP") {
            let reason = ours.and_then(|one| one.text("statusReason")).unwrap_or_default().to_owned();
            let why = self.why(copy, if reason.is_empty() { cause(shown) } else { reason });
            return (Outcome::Failed, format!("ECS takes it back: {why}"));
        }
        let (took, deadline) = (copy.world.now().since(self.began), self.of.object.reconcile.progress_deadline);
        match took > deadline {
            true => (Outcome::Late, format!("reconcile.rollout.progressDeadline is {} s", deadline.as_secs())),
            false => (Outcome::Done, String::new()),
        }
    }

    /// What the tasks say that stopped, else what ECS says.
    fn why(&self, copy: &mut Copy, said: String) -> String {
        let ask = tree! { "cluster" => &self.cluster, "serviceName" => &self.name, "desiredStatus" => "STOPPED" };
        let listed = copy.call("ListTasks", &ask).unwrap_or_default();
        let arns = listed.list("taskArns").to_vec();
        let stopped = match arns.is_empty() {
            true => Tree::Null,
            false => {
                let ask = tree! { "cluster" => &self.cluster, "tasks" => arns };
                copy.call("DescribeTasks", &ask).unwrap_or_default()
            }
        };
        let new: BTreeSet<&str> = tasks(copy, &self.cluster, &self.name)
            .filter(|task| task.created >= self.began)
            .map(|task| task_definition::short(&task.definition))
            .collect();
        let told = new.into_iter().find_map(|revision| why_stopped(stopped.list("tasks"), revision));
        told.unwrap_or(said)
    }

    fn played(&self, copy: &Copy) -> Played {
        let key = (self.cluster.clone(), self.name.clone());
        let bounds = copy.world.ecs.services.get(&key).map(crate::sim::ecs::service::Service::bounds);
        let end = if copy.world.now().since(self.best.1) >= STALL { self.best.1 } else { copy.world.now() };
        Played {
            before: self.before.tasks,
            lowest: self.lowest,
            lower: bounds.map_or(0, |bounds| bounds.lower),
            peak: self.peak.tasks,
            upper: bounds.map_or(0, |bounds| bounds.upper),
            steps: self.steps.len(),
            seconds: end.since(self.began).as_secs(),
            more_addresses: self.peak.addresses - self.before.addresses,
            more_cpu: self.peak.cpu - self.before.cpu,
            more_memory: self.peak.memory - self.before.memory,
            start_seconds: self.starts.0,
            healthy_seconds: self.healths.0,
        }
    }
}
