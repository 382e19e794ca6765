//! Services: what people set, what the rolling scheduler makes of it, and the record it leaves (ecs-semantics §2, §5).
//! Must not know: protocols, the operator.
//!
//! Offered: REPLICA and DAEMON services on Fargate and on container instances, by all three controllers. The rest is
//! refused by name. `places` asks where tasks can run. `create`, `update`, `delete`, `read`, `journal` and `task_set`
//! answer operations; `schedule` and `round` are the rolling scheduler, `traffic` the strategies that shift traffic,
//! `task_set` the controllers that leave rollouts to others; `rollout` is the fate of deployments, `alarms` what may end
//! them, `rebalance` what follows.
//!
//! Nothing ticks: whatever changes puts one look at the service on the agenda, 1 to 3 s later, and in the steady state
//! only the event of every six hours remains. A look that an earlier one has made superfluous does nothing.

pub mod alarms;
mod bounds;
mod capacity;
mod configuration;
mod controller;
mod create;
mod delete;
mod early;
mod events;
mod extras;
mod hooks;
mod input;
mod journal;
mod names;
mod namespace;
mod pin;
mod places;
mod read;
mod rebalance;
mod rollout;
mod round;
mod schedule;
mod show;
mod task_set;
#[cfg(test)]
mod tests;
pub mod traffic;
mod update;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::shape::{Time, Tree};

use super::Ecs;
use super::coverage::{Entry, full, partial};
use super::task_definition::TaskDefinition;

pub use super::status::Status;
pub use bounds::{Bounds, Decision, Kind, threshold};
pub use capacity::{choose as choose_capacity, is_fargate, set_launch_type};
pub use hooks::{capacity_changed, is_held_up, poke, task_failed_to_start, task_is_gone, task_is_healthy, task_runs};
pub use input::{judge_fargate, judge_network, network_defaults};
pub use journal::State;
pub use names::{asks_for_tags, cluster_of, page, service_name};
pub use pin::Outside;
pub use places::kept_for_daemons;
pub use schedule::pass;

/// What services lack.
const SERVICE: &str = "load balancers, namespaces and volumes are taken as they are named: there are none to look at";

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    partial("CreateService", create::create, SERVICE),
    partial("UpdateService", update::update, SERVICE),
    full("DeleteService", delete::delete),
    full("DescribeServices", read::describe),
    full("ListServices", read::list),
    partial("ListServicesByNamespace", namespace::list, "a namespace is there when a cluster or a service names it"),
    full("ListServiceDeployments", journal::list),
    full("DescribeServiceDeployments", journal::describe),
    full("StopServiceDeployment", journal::stop),
    full("DescribeServiceRevisions", journal::describe_revisions),
    full("ContinueServiceDeployment", traffic::proceed),
    full("CreateTaskSet", task_set::create),
    full("UpdateTaskSet", task_set::update),
    full("DeleteTaskSet", task_set::delete),
    full("DescribeTaskSets", task_set::describe),
    full("UpdateServicePrimaryTaskSet", task_set::promote),
];

/// `rolloutState` of a deployment (§2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutState {
    InProgress,
    Completed,
    Failed,
}

impl RolloutState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// One entry of `deployments[]`.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// `ecs-svc/` and 19 digits.
    pub id: String,
    /// PRIMARY; the others are ACTIVE.
    pub primary: bool,
    pub created: Time,
    pub updated: Time,
    pub desired: i64,
    pub rollout: RolloutState,
    pub reason: String,
    /// `failedTasks`: tasks that failed to start, until one runs.
    pub failed_tasks: i64,
    /// What it runs: the members of the service that start a deployment when they change.
    pub spec: Tree,
    pub definition: Arc<TaskDefinition>,
    /// The ARN of its service revision.
    pub revision: String,
    /// It was COMPLETED once: its tasks are replaced even while another deployment takes over.
    established: bool,
    /// A task of it has been RUNNING: the breaker's second stage (§2.9).
    ran: bool,
    /// The breaker's count.
    failures: i64,
    /// When the breaker, at its threshold, will be judged.
    verdict: Option<Time>,
    backoff: Backoff,
    /// When its bake time is over.
    baked: Option<Time>,
    /// It is a task set: its scale is set by people, and no rollout moves it (§2.13).
    pub task_set: Option<task_set::TaskSet>,
    /// How far a BLUE_GREEN, LINEAR or CANARY deployment has come (§2.14).
    shift: Option<traffic::Shift>,
    /// Its tasks stand in the alternate target groups (§2.14).
    alternate: bool,
    /// The digests that its images stand for, by container, from its first start on (§2.11).
    digests: BTreeMap<String, String>,
    /// An alarm was in ALARM when it began: it heeds none (§2.10).
    deaf: bool,
}

impl Deployment {
    /// Has a count of its own, rather than what a rolling update leaves it.
    fn stands_alone(&self) -> bool {
        self.task_set.is_some() || self.shift.as_ref().is_some_and(traffic::Shift::is_open)
    }

    /// The target groups its tasks are registered with, and the ports behind them.
    fn target_groups(&self) -> impl Iterator<Item = (&str, i64)> {
        self.spec.list("loadBalancers").iter().filter_map(|one| {
            let other = one.at(&["advancedConfiguration", "alternateTargetGroupArn"]).and_then(Tree::as_text);
            let group = other.filter(|_| self.alternate).or(one.text("targetGroupArn"))?;
            Some((group, one.int("containerPort").unwrap_or(0)))
        })
    }
}

/// How long a deployment waits before it tries another start (§2.5).
#[derive(Clone, Debug, Default)]
struct Backoff {
    level: usize,
    until: Option<Time>,
}

/// One service event.
#[derive(Clone, Debug)]
pub struct Told {
    pub id: String,
    pub at: Time,
    pub message: String,
}

/// An immutable snapshot of what a deployment runs.
#[derive(Clone, Debug)]
pub struct Revision {
    pub arn: String,
    pub created: Time,
    pub spec: Tree,
    pub definition: Arc<TaskDefinition>,
    /// By container; see [`Deployment`].
    digests: BTreeMap<String, String>,
}

/// One entry of the service's journal: a service deployment (§2.15).
#[derive(Clone, Debug)]
pub struct ServiceDeployment {
    pub arn: String,
    /// The `ecs-svc/…` it stands for.
    pub deployment: String,
    pub status: State,
    pub status_reason: Option<String>,
    pub created: Time,
    pub started: Option<Time>,
    pub stopped: Option<Time>,
    pub finished: Option<Time>,
    pub updated: Time,
    /// The revisions that were running when it began, with their task counts then; once it is over, at its end.
    pub sources: Vec<Tree>,
    pub target: String,
    /// `deploymentConfiguration` as it was.
    pub configuration: Tree,
    pub rollback: Option<Tree>,
    /// What target, breaker and alarms had come to when it ended, or turned back.
    pub ended_with: Option<Tree>,
}

/// A service.
#[derive(Clone, Debug)]
pub struct Service {
    pub name: String,
    /// The cluster's name.
    pub cluster: String,
    pub arn: String,
    pub status: Status,
    pub desired: i64,
    pub created: Time,
    pub tags: Vec<Tree>,
    /// Members that start a deployment when they change, as AWS echoes them; always those of the PRIMARY.
    pub spec: Tree,
    /// Members that don't.
    pub settings: Tree,
    /// PRIMARY first, then newer before older.
    pub deployments: Vec<Deployment>,
    /// Newest first.
    pub events: VecDeque<Told>,
    /// Oldest first.
    pub journal: Vec<ServiceDeployment>,
    /// Oldest first.
    pub revisions: Vec<Revision>,
    /// The ids of its tasks up to DEPROVISIONING.
    pub tasks: BTreeSet<String>,
    /// CreateService's input: what an idempotent repetition must equal.
    created_with: Tree,
    /// The launch type before a capacity provider strategy took over (§5.2).
    original_launch: Option<String>,
    /// The newest COMPLETED deployment: what a rollback goes back to.
    completed: Option<Deployment>,
    /// Why Fargate could not set up a task, until that is told.
    misplaced: Option<String>,
    next_pass: Option<Time>,
    /// When which persistent cause was last told.
    notices: BTreeMap<&'static str, Time>,
    /// When the steady state will be told again.
    steady_again: Option<Time>,
    /// When it became INACTIVE.
    retired: Option<Time>,
    /// The task set that events are about, while its turn lasts (§2.8).
    speaker: Option<String>,
    /// A task beyond desired is on its way to another zone (§2.12).
    rebalancing: bool,
    /// Since when it has been seen steady, but for such moves.
    steady_since: Option<Time>,
}

impl Service {
    /// The key it is kept under.
    pub fn key(&self) -> (String, String) {
        (self.cluster.clone(), self.name.clone())
    }

    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    /// Where its tasks run: EC2, FARGATE or EXTERNAL.
    pub fn launch_type(&self) -> &str {
        if capacity::is_fargate(&self.spec) { "FARGATE" } else { self.spec.text("launchType").unwrap_or("EC2") }
    }

    /// One task on each instance (§2.16).
    pub fn is_daemon(&self) -> bool {
        self.settings.text("schedulingStrategy") == Some("DAEMON")
    }

    /// Its bounds with the present configuration.
    pub fn bounds(&self) -> Bounds {
        let percent = |name, default| self.deployment_configuration(name).and_then(Tree::as_int).unwrap_or(default);
        Bounds::of(self.desired, percent("minimumHealthyPercent", 100), percent("maximumPercent", 200))
    }

    fn deployment_configuration(&self, name: &str) -> Option<&Tree> {
        self.settings.at(&["deploymentConfiguration", name])
    }

    /// `deploymentController.type` (§2.13).
    fn controller(&self) -> &str {
        self.settings.at(&["deploymentController", "type"]).and_then(Tree::as_text).unwrap_or("ECS")
    }

    fn breaker(&self) -> Option<&Tree> {
        self.deployment_configuration("deploymentCircuitBreaker").filter(|one| one.bool("enable") == Some(true))
    }

    fn primary(&self) -> Option<&Deployment> {
        self.deployments.first().filter(|one| one.primary)
    }

    fn primary_mut(&mut self) -> Option<&mut Deployment> {
        self.deployments.first_mut().filter(|one| one.primary)
    }

    fn deployment_mut(&mut self, id: &str) -> Option<&mut Deployment> {
        self.deployments.iter_mut().find(|one| one.id == id)
    }

    /// The journal's entry that is still open, or the last one.
    fn current_entry_mut(&mut self) -> Option<&mut ServiceDeployment> {
        self.journal.last_mut()
    }
}

/// Whether a service, a deployment or a task still uses a task definition (§1.3: until then it can't be gone).
pub fn is_in_use(ecs: &Ecs, definition: &str) -> bool {
    let deployed = ecs.services.values().flat_map(|service| service.deployments.iter().chain(&service.completed));
    deployed.into_iter().any(|one| one.definition.arn == definition)
        || ecs.tasks.values().any(|task| task.definition == definition && task.last < super::task::LastStatus::Stopped)
}
