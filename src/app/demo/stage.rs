//! What the acts play on: a directory, the embedded ECS, and the operator between them. Must not know: the acts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::operator::{Watched, operate};
use crate::app::{Cloud, Election, Options, Trouble, assemble};
use crate::aws::alone;
use crate::cli::args;
use crate::clock::Clock;
use crate::kinds::{Key, Kind, Place, tags::Ownership};
use crate::reconcile::Settings;
use crate::rollout::RolloutStatus;
use crate::shape::{Call, Time, Tree};
use crate::sim::Sim;
use crate::sim::ecs;
use crate::sim::world::LoggedCall;
use crate::source;
use crate::status::{ConditionType, ObjectStatus, Status};
use crate::telemetry::Metrics;
use crate::tree;

use super::line::Line;
use super::repo::Repo;

/// The manifests that come with the program.
const FILES: [(&str, &str); 5] = [
    ("cluster.yaml", include_str!("../../../manifests/hello-world/cluster.yaml")),
    ("defaults.yaml", include_str!("../../../manifests/hello-world/defaults.yaml")),
    ("ecs-operator.yaml", include_str!("../../../manifests/hello-world/ecs-operator.yaml")),
    ("service.yaml", include_str!("../../../manifests/hello-world/service.yaml")),
    ("task-definition.yaml", include_str!("../../../manifests/hello-world/task-definition.yaml")),
];
/// Where they put the service.
pub const CLUSTER: &str = "hello";
pub const SERVICE: &str = "hello-world";

/// Not a multiple of anything else that happens from time to time, so that no two things happen in the same instant.
const POLL: Duration = Duration::from_millis(7300);
/// A request's way there and back.
const LATENCY: Duration = Duration::from_millis(40);

/// The world, the directory, and at most one operator.
pub struct Stage {
    pub clock: Clock,
    pub sim: Sim,
    pub began: Time,
    repo: Repo,
    seed: u64,
    operator: Option<Operator>,
    /// What the person asked for; everything else in the call log is the operator's.
    by_hand: Vec<(String, Tree)>,
}

/// A running operator.
struct Operator {
    line: Line,
    status: watch::Receiver<Arc<Status>>,
    metrics: Arc<Metrics>,
    task: JoinHandle<Result<(), Trouble>>,
    _running: watch::Sender<bool>,
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.line.cut();
        self.task.abort();
    }
}

/// The operator's calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub reads: usize,
    pub writes: usize,
    /// Of the writes.
    pub registrations: usize,
}

impl Stage {
    pub fn new(clock: Clock, seed: u64) -> Result<Self, Trouble> {
        let sim = Cloud::simulated(&clock, seed, None).sim;
        let sim = sim.ok_or_else(|| Trouble::Input("the embedded ECS did not start".into()))?;
        {
            let mut world = sim.world();
            world.settings.latency = LATENCY;
            world.ecs.watched = true;
        }
        let began = clock.now();
        Ok(Self { clock, sim, began, repo: Repo::new()?, seed, operator: None, by_hand: Vec::new() })
    }

    /// Publishes the shipped manifests, edited; returns the commit.
    pub fn publish(&mut self, edit: impl Fn(&str) -> String) -> Result<String, Trouble> {
        let files = FILES.iter().map(|(name, text)| ((*name).to_owned(), edit(text))).collect();
        self.repo.publish(&files)
    }

    /// Publishes a commit without a single file.
    pub fn publish_nothing(&mut self) -> Result<String, Trouble> {
        self.repo.publish(&BTreeMap::new())
    }

    /// Begins an operator that knows nothing but the directory, as `run` does.
    pub fn start(&mut self) -> Result<(), Trouble> {
        let line = Line::new(&self.sim);
        let (published, status) = watch::channel(Arc::new(Status::default()));
        let (running, stopped) = watch::channel(false);
        let cloud = Cloud::on(self.sim.clone(), &self.clock).through(line.http());
        let nobody = Ownership { owner: String::new(), source: String::new() };
        let nowhere = Place { account: String::new(), region: String::new() };
        let shared = assemble(cloud, &self.clock, nobody, nowhere, &Options::default(), &status)?;
        let metrics = Arc::clone(&shared.metrics);
        let flags = args::Cloud {
            region: None,
            endpoint_url: None,
            sim: true,
            time_scale: 1.0,
            seed: self.seed,
            api_share: 50,
        };
        let place = args::Place { path: self.repo.link(), owner: None, variables: Vec::new(), cloud: flags };
        let source = source::Options { poll: POLL, inotify: false };
        let settings = Settings { seed: self.seed, ..Settings::default() };
        let watched = Watched { place, source, settings };
        let election = Election::none(&shared.metrics);
        let task = tokio::spawn(operate(watched, shared, election, published, stopped));
        self.operator = Some(Operator { line, status, metrics, task, _running: running });
        Ok(())
    }

    /// Cuts the operator's line behind the next call of that operation.
    pub fn cut_after(&self, operation: &'static str) {
        if let Some(operator) = &self.operator {
            operator.line.cut_after(operation);
        }
    }

    pub fn is_cut(&self) -> bool {
        self.operator.as_ref().is_none_or(|operator| operator.line.is_cut())
    }

    /// Kills the operator where it stands.
    pub fn kill(&mut self) {
        self.operator = None;
    }

    /// What the operator shows to Prometheus and to people.
    pub fn face(&self) -> Option<(watch::Receiver<Arc<Status>>, Arc<Metrics>)> {
        self.operator.as_ref().map(|operator| (operator.status.clone(), Arc::clone(&operator.metrics)))
    }

    pub fn status(&self) -> Arc<Status> {
        self.operator.as_ref().map(|operator| operator.status.borrow().clone()).unwrap_or_default()
    }

    /// The operator's word for where the service stands.
    pub fn reason(&self) -> String {
        let status = self.status();
        let ready = |one: &ObjectStatus| one.conditions.ready().map(|ready| ready.reason.to_string());
        let service = status.objects.iter().find(|(key, _)| key.kind == Kind::Service);
        service.and_then(|(_, one)| ready(one)).unwrap_or_else(|| "Unknown".to_owned())
    }

    /// The key of the one service, once the operator has read it.
    pub fn service(&self) -> Option<(Key, ObjectStatus)> {
        let status = self.status();
        let found = status.objects.iter().find(|(key, _)| key.kind == Kind::Service)?;
        Some((found.0.clone(), ObjectStatus::clone(found.1)))
    }

    /// The problems that the operator has with the directory, without where that happens to be.
    pub fn problems(&self) -> Vec<String> {
        let here = self.repo.link().display().to_string();
        self.status().source.problems.iter().map(|problem| problem.replace(&here, "current")).collect()
    }

    /// The operator is at that commit, and everything is Ready by a look newer than `since`.
    pub fn is_ready(&self, commit: &str, since: Time) -> bool {
        let status = self.status();
        let ready = |one: &Arc<ObjectStatus>| {
            one.conditions.holds(ConditionType::Ready) && one.last_reconcile.is_some_and(|at| at > since)
        };
        status.source.revision == commit && !status.objects.is_empty() && status.objects.values().all(ready)
    }

    /// The service as DescribeServices shows it, beside the call log.
    pub fn look(&self) -> Option<RolloutStatus> {
        let mut world = self.sim.world();
        let at = world.now();
        let these = tree! { "cluster" => CLUSTER, "services" => vec![SERVICE] };
        let answer = ecs::call(&mut world, "ecs", "DescribeServices", &these).ok()?;
        Some(RolloutStatus::read(answer.list("services").first()?, at))
    }

    /// The stopped tasks that ECS still knows, beside the call log.
    pub fn stopped_tasks(&self) -> Vec<Tree> {
        let mut world = self.sim.world();
        let these = tree! { "cluster" => CLUSTER, "desiredStatus" => "STOPPED" };
        let listed = ecs::call(&mut world, "ecs", "ListTasks", &these).unwrap_or_default();
        let these = tree! { "cluster" => CLUSTER, "tasks" => listed.list("taskArns").to_vec() };
        let told = ecs::call(&mut world, "ecs", "DescribeTasks", &these).unwrap_or_default();
        told.list("tasks").to_vec()
    }

    /// Healthy tasks of the service by revision (`family:revision`), and all of its tasks that are not gone.
    pub fn tasks(&self) -> (BTreeMap<String, i64>, i64) {
        let world = self.sim.world();
        let (mut healthy, mut total) = (BTreeMap::new(), 0);
        for task in world.ecs.tasks.values().filter(|task| task.service.as_deref() == Some(SERVICE)) {
            total += i64::from(task.is_counted());
            if task.is_healthy() {
                let revision = task.definition.rsplit('/').next().unwrap_or_default().to_owned();
                *healthy.entry(revision).or_default() += 1;
            }
        }
        (healthy, total)
    }

    /// How many decisions ECS's scheduler made so far, and how many of them broke the bounds.
    pub fn decisions(&self) -> (usize, usize) {
        let world = self.sim.world();
        let all = &world.ecs.decisions;
        (all.len(), all.iter().filter(|one| !one.is_lawful()).count())
    }

    /// How many deployments ECS has made of the service.
    pub fn deployments(&self) -> usize {
        let key = (CLUSTER.to_owned(), SERVICE.to_owned());
        self.sim.world().ecs.services.get(&key).map_or(0, |service| service.journal.len())
    }

    /// The service's `networkConfiguration`.
    pub fn network(&self) -> Tree {
        let key = (CLUSTER.to_owned(), SERVICE.to_owned());
        let world = self.sim.world();
        let service = world.ecs.services.get(&key);
        service.and_then(|service| service.spec.get("networkConfiguration").cloned()).unwrap_or_default()
    }

    /// What a person does to the service with a client of their own.
    pub async fn update_by_hand(&mut self, change: Tree) -> Result<(), Trouble> {
        let (_, status) = watch::channel(Arc::new(Status::default()));
        let metrics = Metrics::new(status, 1)?;
        let person = Cloud::on(self.sim.clone(), &self.clock).client(Arc::new(metrics));
        let input = change.with("cluster", CLUSTER).with("service", SERVICE);
        self.by_hand.push(("UpdateService".to_owned(), input.clone()));
        person.write(&Call::ecs("UpdateService", input), alone).await?;
        Ok(())
    }

    /// Where the call log stands.
    pub fn mark(&self) -> usize {
        self.sim.world().calls().len()
    }

    /// The operator's calls since a mark that changed something, or tried to.
    pub fn writes_since(&self, mark: usize) -> Vec<LoggedCall> {
        self.calls_since(mark).into_iter().filter(|call| mutates(&call.operation)).collect()
    }

    /// The operator's calls since a mark, counted.
    pub fn tally_since(&self, mark: usize) -> Tally {
        let calls = self.calls_since(mark);
        let writes = calls.iter().filter(|call| mutates(&call.operation)).count();
        let registrations = calls.iter().filter(|call| call.operation == "RegisterTaskDefinition").count();
        Tally { reads: calls.len() - writes, writes, registrations }
    }

    fn calls_since(&self, mark: usize) -> Vec<LoggedCall> {
        let asked = |call: &&LoggedCall| {
            self.by_hand.iter().any(|(name, input)| *name == call.operation && *input == call.input)
        };
        self.sim.world().calls().iter().skip(mark).filter(|call| !asked(call)).cloned().collect()
    }

    pub async fn sleep(&self, span: Duration) {
        self.clock.sleep(span).await;
    }
}

fn mutates(operation: &str) -> bool {
    !["Describe", "List", "Get"].iter().any(|verb| operation.starts_with(verb))
}
