//! A rollout on the copy: ECS is asked once, and leads it there. Must not know: AWS.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::plan::Outcome;
use crate::kinds::{Key, service};
use crate::plan::StepEffect;
use crate::rollout::{NO_DEADLINE, Progress, cause, primary, progress};
use crate::shape::{Path, Time, Tree};
use crate::sim::ecs::service::Service;
use crate::tree;

use super::Touched;
use super::copy::Copy;
use super::gauge::Gauge;
use super::play::{LONGEST, STALL};

/// How far it is.
pub struct Rollout {
    name: String,
    /// The furthest it came, and when: new tasks that run and old ones that are gone.
    best: (i64, Time),
}

impl Rollout {
    /// Makes the plan's calls.
    pub fn begin(copy: &mut Copy, of: Touched<'_>, realised: &BTreeMap<Key, String>) -> Result<Self, String> {
        let late = Path::from("taskDefinition");
        for step in &of.plan.steps {
            let mut input = step.call.input.clone();
            if step.late.contains(&late) {
                let key = service::task_definition(of.object).manifest();
                let reference = key.as_ref().and_then(|key| realised.get(key));
                input.set("taskDefinition", reference.ok_or(NOT_REGISTERED)?);
            }
            match copy.call(step.call.operation, &input) {
                Ok(_) => {}
                Err(_) if step.effect == StepEffect::Tags => {}
                Err(fault) => return Err(fault.message),
            }
        }
        Ok(Self { name: of.object.aws_name().to_owned(), best: (0, copy.world.now()) })
    }

    pub fn furthest(&self) -> Time {
        self.best.1
    }

    /// Those of its service.
    pub fn bounds(&self, copy: &Copy, gauge: &Gauge) -> (i64, i64) {
        let key = (gauge.cluster.clone(), self.name.clone());
        let bounds = copy.world.ecs.services.get(&key).map(Service::bounds);
        bounds.map_or((0, 0), |bounds| (bounds.lower, bounds.upper))
    }

    /// How it ended, if it did; `quiet` where nothing has happened.
    pub fn look(
        &mut self,
        copy: &mut Copy,
        gauge: &Gauge,
        deadline: Duration,
        quiet: bool,
    ) -> Option<(Outcome, String)> {
        let now = copy.world.now();
        if quiet && now.since(self.best.1) < STALL {
            return None;
        }
        let shown = copy.described(&gauge.cluster, Some(&self.name))?;
        let count = |tree: &Tree, name: &str| tree.int(name).unwrap_or(0);
        let new = primary(&shown).map_or(0, |primary| count(primary, "runningCount"));
        let come = new - (count(&shown, "runningCount") - new);
        if come > self.best.0 || self.best.1 <= gauge.began {
            self.best = (come, now);
        }
        // What misses its deadline is followed all the same: how late it is can be told then.
        match progress(&shown, NO_DEADLINE, now) {
            Progress::Steady => Some(self.done(copy, gauge, &shown, deadline)),
            Progress::Failed { cause, .. } => Some((Outcome::Failed, gauge.why(copy, cause))),
            Progress::Settling { .. } | Progress::Rolling { .. } => {
                let gives_up = now.since(self.best.1) >= STALL || now.since(gauge.began) >= LONGEST;
                let desired = count(&shown, "desiredCount");
                gives_up.then(|| {
                    let far = format!("{new} of {desired} new tasks run");
                    let why = gauge.why(copy, cause(&shown));
                    (Outcome::Stuck, if why.is_empty() { far } else { format!("{far}; {why}") })
                })
            }
        }
    }

    /// ECS is steady again: with what was wanted, or with what was there before.
    fn done(&self, copy: &mut Copy, gauge: &Gauge, shown: &Tree, deadline: Duration) -> (Outcome, String) {
        let ask = tree! { "cluster" => &gauge.cluster, "service" => &self.name };
        let listed = copy.call("ListServiceDeployments", &ask).unwrap_or_default();
        let newest = listed.list("serviceDeployments").first();
        let ours = newest.filter(|one| one.get("createdAt").and_then(Time::from_tree) >= Some(gauge.began));
        let status = ours.and_then(|one| one.text("status")).unwrap_or_default();
        if status.starts_with("ROLLBACK") || status.starts_with("STOP") {
            let reason = ours.and_then(|one| one.text("statusReason")).unwrap_or_default().to_owned();
            let why = gauge.why(copy, if reason.is_empty() { cause(shown) } else { reason });
            return (Outcome::Failed, format!("ECS takes it back: {why}"));
        }
        done_within(copy.world.now().since(gauge.began), deadline)
    }
}

pub const NOT_REGISTERED: &str = "what it would run is not registered in the copy";

/// It is done, in time or not.
pub fn done_within(took: Duration, deadline: Duration) -> (Outcome, String) {
    match took > deadline {
        true => (Outcome::Late, format!("reconcile.rollout.progressDeadline is {} s", deadline.as_secs())),
        false => (Outcome::Done, String::new()),
    }
}
