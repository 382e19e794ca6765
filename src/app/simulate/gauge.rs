//! What the services of one object hold while they are played: the least, the most, and for how long nothing serves.
//! Must not know: what is done to them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::check::preflight::Size;
use crate::cli::plan::Played;
use crate::kinds::task_definition;
use crate::rollout::why_stopped;
use crate::shape::{Time, Tree};
use crate::sim::ecs::service::Decision;
use crate::sim::ecs::task::{LastStatus, Task};
use crate::tree;

use super::copy::Copy;

/// What services hold at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Held {
    pub tasks: i64,
    pub healthy: i64,
    addresses: i64,
    cpu: i64,
    memory: i64,
}

/// The tasks of these services.
pub fn tasks<'a>(copy: &'a Copy, cluster: &'a str, names: &'a [String]) -> impl Iterator<Item = &'a Task> {
    let of = move |task: &&Task| task.service.as_ref().is_some_and(|name| names.contains(name));
    let begin = (cluster.to_owned(), String::new());
    copy.world.ecs.tasks.range(begin..).map_while(move |(key, task)| (key.0 == cluster).then_some(task)).filter(of)
}

pub fn held(copy: &Copy, cluster: &str, names: &[String]) -> Held {
    let mut held = Held::default();
    let mut sizes: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for task in tasks(copy, cluster, names).filter(|task| task.last < LastStatus::Stopped) {
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

/// What is measured from the beginning on.
pub struct Gauge {
    pub cluster: String,
    /// The services that are measured together.
    pub names: Vec<String>,
    pub began: Time,
    pub before: Held,
    peak: Held,
    lowest: i64,
    steps: BTreeSet<Time>,
    starts: Range,
    healths: Range,
    /// New tasks that run, and whether they have been seen healthy.
    settled: BTreeMap<String, bool>,
    /// Since when no task is healthy, and how long none was before that.
    empty_since: Option<Time>,
    empty: Duration,
}

impl Gauge {
    pub fn new(copy: &Copy, cluster: &str, names: Vec<String>) -> Self {
        let before = held(copy, cluster, &names);
        let began = copy.world.now();
        Self {
            cluster: cluster.to_owned(),
            names,
            began,
            before,
            peak: before,
            lowest: before.healthy,
            steps: BTreeSet::new(),
            starts: Range::default(),
            healths: Range::default(),
            settled: BTreeMap::new(),
            empty_since: (before.healthy == 0).then_some(began),
            empty: Duration::ZERO,
        }
    }

    /// Takes in what the scheduler has done.
    pub fn take(&mut self, decisions: &[Decision]) {
        let ours = |one: &&Decision| one.cluster == self.cluster && self.names.contains(&one.service);
        self.steps.extend(decisions.iter().filter(ours).map(|one| one.at));
    }

    pub fn measure(&mut self, copy: &Copy) {
        let held = held(copy, &self.cluster, &self.names);
        let now = copy.world.now();
        self.lowest = self.lowest.min(held.healthy);
        self.peak = Held {
            tasks: self.peak.tasks.max(held.tasks),
            healthy: held.healthy,
            addresses: self.peak.addresses.max(held.addresses),
            cpu: self.peak.cpu.max(held.cpu),
            memory: self.peak.memory.max(held.memory),
        };
        match (held.healthy, self.empty_since) {
            (0, None) => self.empty_since = Some(now),
            (1.., Some(since)) => {
                self.empty += now.since(since);
                self.empty_since = None;
            }
            _ => {}
        }
        for task in tasks(copy, &self.cluster, &self.names).filter(|task| task.created >= self.began) {
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

    /// What the new tasks say that stopped, else what was said.
    pub fn why(&self, copy: &mut Copy, said: String) -> String {
        let mut stopped = Vec::new();
        for name in &self.names {
            let ask = tree! { "cluster" => &self.cluster, "serviceName" => name, "desiredStatus" => "STOPPED" };
            let listed = copy.call("ListTasks", &ask).unwrap_or_default();
            let arns = listed.list("taskArns").to_vec();
            if !arns.is_empty() {
                let ask = tree! { "cluster" => &self.cluster, "tasks" => arns };
                let described = copy.call("DescribeTasks", &ask).unwrap_or_default();
                stopped.extend(described.list("tasks").to_vec());
            }
        }
        stopped.retain(|one: &Tree| one.get("createdAt").and_then(Time::from_tree) >= Some(self.began));
        let new: BTreeSet<&str> = tasks(copy, &self.cluster, &self.names)
            .filter(|task| task.created >= self.began)
            .map(|task| task_definition::short(&task.definition))
            .collect();
        new.into_iter().find_map(|revision| why_stopped(&stopped, revision)).unwrap_or(said)
    }

    /// What was seen until then, within these bounds.
    pub fn played(&self, (lower, upper): (i64, i64), end: Time) -> Played {
        let empty = self.empty_since.map_or(Duration::ZERO, |since| end.since(since));
        Played {
            before: self.before.tasks,
            lowest: self.lowest,
            lower,
            peak: self.peak.tasks,
            upper,
            steps: self.steps.len(),
            seconds: end.since(self.began).as_secs(),
            dip_seconds: Some((self.empty + empty).as_secs()),
            dip_estimate: None,
            more_addresses: self.peak.addresses - self.before.addresses,
            more_cpu: self.peak.cpu - self.before.cpu,
            more_memory: self.peak.memory - self.before.memory,
            start_seconds: self.starts.0,
            healthy_seconds: self.healths.0,
        }
    }
}
