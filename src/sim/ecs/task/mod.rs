//! Tasks: from PROVISIONING to DELETED, one agenda event a step (ecs-semantics §3). Must not know: how a service
//! decides what to start and stop.
//!
//! What a task's containers do is said by docker labels of its definition; see [`behaviour`].

pub mod behaviour;
mod exec;
pub mod interruption;
mod launch;
mod life;
mod network;
mod operations;
mod overrides;
pub mod platform;
mod protection;
mod pull;
mod report;
mod request;
pub mod retirement;
mod run;
mod show;
#[cfg(test)]
mod tests;
mod tokens;
pub mod volumes;
pub mod waiting;

use std::sync::Arc;
use std::time::Duration;

use crate::shape::{Time, Tree};

use super::super::neighbours::ec2::reach::Needs;
use super::coverage::{Entry, full, partial};
use super::instance::Held;

use behaviour::Behaviour;
pub use launch::{Order, launch, launch_on, spread, zone_by_name, zone_of};
pub use life::{Pushes, begin_stop, digest, lose, push, step};
pub use show::{show, zone_domain};
pub use tokens::Remembered;

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    full("DescribeTasks", operations::describe),
    full("ExecuteCommand", exec::execute),
    full("GetTaskProtection", protection::get),
    full("ListTasks", operations::list),
    full("RunTask", run::run),
    full("StartTask", run::start),
    full("StopTask", operations::stop),
    full("SubmitAttachmentStateChanges", report::attachments),
    full("SubmitContainerStateChange", report::container),
    partial("SubmitTaskStateChange", report::task, "of managed agents, the embedded ECS tells itself"),
    full("UpdateTaskProtection", protection::update),
];

/// Where a task stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LastStatus {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
    Deleted,
}

impl LastStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Activating => "ACTIVATING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
            Self::Deleted => "DELETED",
        }
    }
}

/// What the container health checks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Unknown,
    Healthy,
    Unhealthy,
}

impl Health {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Healthy => "HEALTHY",
            Self::Unhealthy => "UNHEALTHY",
        }
    }
}

/// Why a task stops, or stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// `TaskFailedToStart`, `EssentialContainerExited`, `UserInitiated`, `ServiceSchedulerInitiated`,
    /// `SpotInterruption`, `TerminationNotice`.
    pub code: &'static str,
    pub reason: String,
}

/// When what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub connectivity: Option<Time>,
    pub pull_started: Option<Time>,
    pub pull_stopped: Option<Time>,
    pub started: Option<Time>,
    pub stopping: Option<Time>,
    pub execution_stopped: Option<Time>,
    pub stopped: Option<Time>,
}

/// One container of a task.
#[derive(Clone, Debug)]
pub struct Container {
    pub name: String,
    pub arn: String,
    pub image: String,
    /// The digest its service holds the image at (§2.11).
    pub pinned: Option<String>,
    /// Known once the image is pulled.
    pub digest: Option<String>,
    pub runtime_id: Option<String>,
    pub essential: bool,
    /// Seconds between checks, where the definition has a health check.
    pub check_interval_secs: Option<i64>,
    pub stop_timeout_secs: i64,
    pub last_status: &'static str,
    pub exit_code: Option<i64>,
    pub reason: Option<String>,
    pub behaviour: Behaviour,
    /// `cpu`, `memory`, `memoryReservation` as text.
    pub sizes: Tree,
}

/// The elastic network interface of an awsvpc task.
#[derive(Clone, Debug)]
pub struct Interface {
    pub attachment_id: String,
    pub id: String,
    pub subnet: String,
    pub mac: String,
    /// Empty where EC2 refused to make the interface.
    pub address: String,
    /// EC2's code, where it refused.
    pub refused: Option<&'static str>,
    pub public: Option<String>,
    /// The ids of its security groups.
    pub groups: Vec<String>,
    pub status: &'static str,
}

/// Where a task runs that is not on Fargate, and what it holds there.
#[derive(Clone, Debug)]
pub struct Host {
    /// The container instance's id, and its ARN.
    pub instance: String,
    pub arn: String,
    pub held: Held,
    /// Containers share the host's addresses: `networkBindings` tell which ports.
    pub binds: bool,
}

/// A task.
#[derive(Clone, Debug)]
pub struct Task {
    pub id: String,
    pub arn: String,
    /// The cluster's name.
    pub cluster: String,
    pub group: String,
    /// A service's task: the id of the deployment that started it.
    pub started_by: Option<String>,
    /// The service's name, where it belongs to one.
    pub service: Option<String>,
    /// The task definition's ARN.
    pub definition: String,
    pub capacity_provider: Option<String>,
    pub last: LastStatus,
    /// `desiredStatus` RUNNING; otherwise STOPPED.
    pub wanted: bool,
    pub health: Health,
    /// Counts as healthy for a service's lower bound (§2.2).
    pub settled: bool,
    /// Its checks fail; whether that matters yet is for the service's grace period to say.
    pub sick: bool,
    /// Target groups it is registered with.
    pub targets: Vec<String>,
    /// Passes through ACTIVATING: it has a service registry, or several target groups (§3.1).
    pub activates: bool,
    /// Its service has told that it is registered with them.
    pub registered: bool,
    pub created: Time,
    pub times: Times,
    pub stop: Option<Stop>,
    pub containers: Vec<Container>,
    /// In awsvpc mode.
    pub interface: Option<Interface>,
    /// `None` on Fargate, and while it waits for an instance.
    pub host: Option<Host>,
    /// It waits in PROVISIONING for its capacity provider.
    pub waits: Option<Arc<waiting::Wait>>,
    pub zone: String,
    /// How long the pull of its images takes.
    pub pull: Duration,
    /// What else its start takes from its network.
    pub needs: Needs,
    /// Its managed EBS volumes.
    pub disks: Vec<volumes::Disk>,
    /// A service's scheduler must not stop it before (§2.18).
    pub protected_until: Option<Time>,
    /// Its platform is to be replaced, and the date has come (§8).
    pub retiring: bool,
    pub tags: Vec<Tree>,
    pub version: i64,
    /// The members that never change: sizes, platform, overrides.
    pub body: Tree,
}

impl Task {
    /// `lastStatus` RUNNING.
    pub fn is_running(&self) -> bool {
        self.last == LastStatus::Running
    }

    /// On its way to RUNNING.
    pub fn is_pending(&self) -> bool {
        self.last < LastStatus::Running
    }

    /// Takes up room below a service's upper bound: everything up to STOPPING (§2.1).
    pub fn is_counted(&self) -> bool {
        self.last <= LastStatus::Stopping
    }

    /// Counts above a service's lower bound (§2.2).
    pub fn is_healthy(&self) -> bool {
        self.is_running() && self.wanted && self.settled
    }

    /// Whether it is protected from its service's scheduler (§2.18).
    pub fn is_protected(&self, now: Time) -> bool {
        self.protected_until.is_some_and(|until| now < until)
    }

    /// The key it is kept under.
    pub fn key(&self) -> (String, String) {
        (self.cluster.clone(), self.id.clone())
    }

    /// Moves on, which raises `version`.
    fn enter(&mut self, last: LastStatus) {
        if self.last != last {
            self.last = last;
            self.version += 1;
        }
    }

    fn set_interface(&mut self, status: &'static str) {
        if let Some(interface) = &mut self.interface {
            interface.status = status;
        }
    }

    /// Whether it will never reach RUNNING.
    fn fails_to_start(&self) -> bool {
        self.containers.iter().any(|one| one.behaviour.fail_to_start.is_some())
    }

    /// Whether an essential container has a health check.
    fn is_checked(&self) -> bool {
        self.containers.iter().any(|one| one.essential && one.check_interval_secs.is_some())
    }
}

/// What a task does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The network interface is attached: PENDING.
    Attach,
    /// The images are there.
    Pulled,
    /// RUNNING, or the failure to get there.
    Start,
    /// It has been running, or passing its checks, long enough to count as healthy.
    Settle,
    /// Its checks begin to fail.
    Sicken,
    /// A container exits by itself.
    Exit { container: usize },
    /// The order to stop has arrived: DEACTIVATING, or STOPPING at once.
    Stop,
    /// SIGTERM: STOPPING.
    Quit,
    /// All containers are gone: DEPROVISIONING.
    Release,
    /// STOPPED.
    End,
    /// DELETED, an hour later.
    Delete,
    /// No trace is left.
    Purge,
    /// Fargate takes Spot capacity back.
    Interrupt,
    /// The date of its retirement has come.
    Retire,
    /// Its service had time enough to replace it.
    Overdue,
    /// Its capacity provider had time enough to bring an instance.
    GiveUp,
}
