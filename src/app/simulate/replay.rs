//! A replacement on the copy: at the operator's looks its own planner decides from what the copy shows, and its calls
//! are made there. Must not know: AWS, the order of a replacement.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::check::Desired;
use crate::check::preflight::Preflight;
use crate::cli::plan::Outcome;
use crate::kinds::adopt::Former;
use crate::kinds::tags::Ownership;
use crate::kinds::{Key, Kind, Object, Observed, ReplaceHow, service, task_definition};
use crate::plan::{self, Answers, Before, Facts, Need, Plan, Reason, Replacement, Resolution, Verdict};
use crate::reconcile::{NEEDS_MAX, Settings};
use crate::rollout::{Journal, cause};
use crate::shape::{Call, Time};
use crate::sim::ecs::service::{Service, Status};
use crate::sim::ecs::task::Task;

use super::copy::Copy;
use super::gauge::{Gauge, Held, held, tasks};
use super::play::{LONGEST, STALL};
use super::rollout::{NOT_REGISTERED, done_within};

/// Whose planner decides.
#[derive(Clone, Copy)]
pub struct Operator<'a> {
    pub us: &'a Ownership,
    pub former: Option<&'a Former>,
    pub desired: &'a Desired,
}

/// A service that takes the place of others, as the operator knows it.
#[derive(Debug)]
pub struct Replaced {
    /// With what its selector terms stand for.
    pub object: Object,
    pub runs: Resolution,
    pub replacement: Replacement,
}

/// How far it is.
pub struct Replay<'a> {
    operator: &'a Operator<'a>,
    object: &'a Object,
    replacement: &'a Replacement,
    /// Registered in the copy.
    runs: Resolution,
    settings: Settings,
    /// What the others held before.
    old: Held,
    /// When the operator looks next, when a round has it look anyway, and since when it only looks.
    next: Time,
    round: Time,
    at_it_since: Option<Time>,
    /// It has missed its deadline.
    late: bool,
    /// Looks that something was done at.
    acts: usize,
    /// The furthest it came, and when: what was done, new tasks that run and old ones that are gone.
    best: ((usize, i64), Time),
}

impl<'a> Replay<'a> {
    /// Brings about what the copy has only now.
    pub fn begin(
        copy: &mut Copy,
        operator: &'a Operator<'a>,
        declared: &Object,
        of: &'a Replaced,
        realised: &BTreeMap<Key, String>,
    ) -> Result<Self, String> {
        let Replaced { object, replacement, .. } = of;
        let runs = match of.runs.clone() {
            Resolution::Late { content, object } => {
                let reference = realised.get(&object.key).ok_or(NOT_REGISTERED)?.clone();
                Resolution::Realised { reference, content, object: Some(object) }
            }
            other => other,
        };
        let (old, now) = (held(copy, service::cluster(object), &replacement.old), copy.world.now());
        for call in copy.opening.remove(&declared.key.short()).unwrap_or_default() {
            copy.call(call.operation, &call.input).map_err(|fault| fault.message)?;
        }
        let settings = Settings::default();
        // Rounds are taken to begin with it; when they do, no copy tells.
        let round = now.after(settings.resync);
        Ok(Self {
            operator,
            object,
            replacement,
            runs,
            settings,
            old,
            next: now,
            round,
            at_it_since: None,
            late: false,
            acts: 0,
            best: ((0, i64::MIN), now),
        })
    }

    pub fn furthest(&self) -> Time {
        self.best.1
    }

    /// Started first, the old tasks' count is kept, as far as so many are wanted, and both may be there; stopped first,
    /// none need be.
    pub fn bounds(&self, copy: &Copy, gauge: &Gauge) -> (i64, i64) {
        let new = self.coming(copy, gauge);
        let (desired, upper) = new.map_or((0, 0), |new| (new.desired, new.bounds().upper));
        match self.replacement.how {
            ReplaceHow::StartFirst => (self.old.healthy.min(desired), self.old.tasks + upper),
            ReplaceHow::StopFirst => (0, self.old.tasks.max(upper)),
        }
    }

    /// How it ended, if it did, and whether something was done.
    pub fn look(&mut self, copy: &mut Copy, gauge: &Gauge) -> (Option<(Outcome, String)>, bool) {
        let now = copy.world.now();
        if now < self.next {
            return (None, false);
        }
        let plan = match self.plan(copy) {
            Ok(plan) => plan,
            Err(why) => return (Some((Outcome::Unknown, why)), false),
        };
        if !plan.waits() && !plan.steps.is_empty() {
            let made =
                plan.steps.iter().try_for_each(|step| copy.call(step.call.operation, &step.call.input).map(drop));
            self.acts += 1;
            self.at_it_since = None;
            self.look_after(self.settings.active);
            return (made.err().map(|fault| (Outcome::Unknown, fault.message)), true);
        }
        let far = (self.acts, far(copy, gauge));
        if far > self.best.0 {
            self.best = (far, now);
        }
        (self.judge(copy, gauge, plan.verdict), false)
    }

    fn judge(&mut self, copy: &mut Copy, gauge: &Gauge, verdict: Verdict) -> Option<(Outcome, String)> {
        match verdict {
            Verdict::Converged | Verdict::Blocked(Reason::DriftKept, _) => {
                // The deadline is the new service's, not that of all the acts.
                let took = if self.late { Duration::MAX } else { Duration::ZERO };
                Some(done_within(took, self.object.reconcile.progress_deadline))
            }
            // It may be done yet, and then goes on.
            Verdict::Blocked(Reason::RolloutTimedOut, why) => {
                (self.late, self.at_it_since) = (true, None);
                self.wait(copy, gauge, self.settings.resync, why)
            }
            Verdict::Blocked(Reason::RolloutFailed | Reason::RolledBack, why) => {
                Some((Outcome::Failed, self.told(copy, gauge, why)))
            }
            Verdict::Blocked(_, why) => Some((Outcome::Stuck, format!("{why}; {}", self.left(copy, gauge)))),
            Verdict::Rolling(why) | Verdict::Settling(why) | Verdict::Waiting(_, why) => {
                let spent = self.next.since(*self.at_it_since.get_or_insert(self.next));
                self.wait(copy, gauge, self.settings.patience(spent), why)
            }
            Verdict::Due => self.wait(copy, gauge, self.settings.active, String::new()),
        }
    }

    /// Looks again after `span`, unless it goes no further.
    fn wait(&mut self, copy: &mut Copy, gauge: &Gauge, span: Duration, why: String) -> Option<(Outcome, String)> {
        let now = copy.world.now();
        self.look_after(span);
        let gives_up = now.since(self.best.1) >= STALL || now.since(gauge.began) >= LONGEST;
        gives_up.then(|| {
            let new = self.coming(copy, gauge).map(|new| (new.desired, running(copy, gauge, &new.name)));
            let far = new.map(|(desired, running)| format!("{running} of {desired} new tasks run; "));
            (Outcome::Stuck, format!("{}{}", far.unwrap_or_default(), self.told(copy, gauge, why)))
        })
    }

    /// Counted from when the look was due: the copy's time goes in whole ticks.
    fn look_after(&mut self, span: Duration) {
        self.next = self.next.after(span).min(self.round);
        if self.next == self.round {
            self.round = self.round.after(self.settings.resync);
        }
    }

    /// The service that comes, where it is there.
    fn coming<'b>(&self, copy: &'b Copy, gauge: &Gauge) -> Option<&'b Service> {
        let name = &self.replacement.new;
        let service = copy.world.ecs.services.get(&(gauge.cluster.clone(), name.clone()))?;
        let is_old = self.replacement.old.contains(name) && service.created < gauge.began;
        (!is_old && service.status == Status::Active).then_some(service)
    }

    /// Why the new service does not come up, else what is waited for, and what is left of the old.
    fn told(&self, copy: &mut Copy, gauge: &Gauge, why: String) -> String {
        let name = self.coming(copy, gauge).map(|new| new.name.clone());
        let shown = name.and_then(|name| copy.described(&gauge.cluster, Some(&name)));
        let said = shown.map(|shown| cause(&shown)).filter(|said| !said.is_empty());
        let why = gauge.why(copy, said.unwrap_or(why));
        format!("{why}; {}", self.left(copy, gauge))
    }

    fn left(&self, copy: &Copy, gauge: &Gauge) -> String {
        let Replacement { old, .. } = self.replacement;
        let stays = |one: &Service| {
            let is_old = one.cluster == gauge.cluster && old.contains(&one.name) && one.created < gauge.began;
            is_old && one.status == Status::Active && one.desired > 0
        };
        let (names, healthy) = (old.join(", "), |names: &[String]| held(copy, &gauge.cluster, names).healthy);
        match copy.world.ecs.services.values().any(stays) {
            true => format!("{names} stays as it is, with {} healthy tasks", healthy(old)),
            false => format!("{names} is stopped by then, and {} tasks are healthy", healthy(&gauge.names)),
        }
    }

    /// What the operator would do next.
    fn plan(&self, copy: &mut Copy) -> Result<Plan, String> {
        let (object, cluster) = (self.object, service::cluster(self.object));
        let observed = copy.observed(Kind::Service, Some(cluster), object.aws_name());
        let in_cluster = object.key.cluster.as_deref();
        let cluster_seen = in_cluster.map_or(Observed::Absent, |name| copy.observed(Kind::Cluster, None, name));
        let others = self.replacement.old.iter().filter(|old| *old != object.aws_name());
        let others = others.filter_map(|old| copy.observed(Kind::Service, Some(cluster), old).present().cloned());
        let before = Before { services: others.collect(), unknown: None };
        let mut answers = Answers::default();
        for _ in 0..NEEDS_MAX {
            let facts = Facts {
                us: self.operator.us,
                former: self.operator.former,
                observed: &observed,
                date: copy.world.now(),
                cluster: &cluster_seen,
                cluster_declared: self.operator.desired.clusters().any(|one| Some(one.aws_name()) == in_cluster),
                task_definition: self.runs.clone(),
                // What is held back was known when the plan was made, and so was who else is at it: nobody in the copy.
                held: None,
                grace: Duration::ZERO,
                answers: &answers,
                before: &before,
            };
            match plan::plan(object, &facts) {
                Ok(plan) => return Ok(plan),
                Err(need) => answer(copy, object, need, &mut answers),
            }
        }
        Err("it asks for more than there is".to_owned())
    }
}

fn answer(copy: &mut Copy, object: &Object, need: Need, answers: &mut Answers) {
    let mut ask = |call: Call| copy.call(call.operation, &call.input).ok();
    match need {
        Need::TaskDefinition(reference) => {
            let found = ask(task_definition::describe(&reference)).map_or(Observed::Absent, Observed::Present);
            answers.task_definitions.insert(reference, found);
        }
        Need::Journal(at) => {
            let listed = ask(service::list_deployments(object, at)).unwrap_or_default();
            let revisions = service::revisions_of(&listed).and_then(ask);
            answers.journal = Some(Journal::read(&listed, &revisions.unwrap_or_default()));
        }
        Need::Deployment(arn) => {
            let found = ask(service::describe_deployment(&arn));
            let found = found.and_then(|answer| answer.list("serviceDeployments").first().cloned());
            answers.deployment = Some(found.map_or(Observed::Absent, Observed::Present));
        }
        // What preflight could find on the copy, the copy shows.
        Need::Preflight(due) => {
            answers.preflight.insert(due, Preflight::none(due));
        }
    }
}

fn is_new(task: &Task, gauge: &Gauge) -> bool {
    task.created >= gauge.began
}

fn running(copy: &Copy, gauge: &Gauge, name: &str) -> usize {
    let names = [name.to_owned()];
    tasks(copy, &gauge.cluster, &names).filter(|task| task.is_running() && task.wanted).count()
}

/// New tasks that run, less old ones that do.
fn far(copy: &Copy, gauge: &Gauge) -> i64 {
    let running = tasks(copy, &gauge.cluster, &gauge.names).filter(|task| task.is_running());
    running.map(|task| if is_new(task, gauge) { 1 } else { -1 }).sum()
}
