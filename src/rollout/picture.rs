//! What a service's rollout looks like: its deployments, its tasks, and the bounds ECS keeps them in. Read off what
//! DescribeServices shows. Must not know: how it is drawn.

use serde::{Deserialize, Serialize};

use crate::shape::{Time, Tree};

use super::{Bounds, primary};

/// A service's tasks and deployments at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStatus {
    pub bounds: Bounds,
    /// Tasks that are wanted.
    pub desired: i64,
    /// Tasks that run. ECS does not tell how many of them are healthy.
    pub running: i64,
    /// Tasks on their way there.
    pub pending: i64,
    /// PRIMARY first, as ECS lists them.
    pub deployments: Vec<DeploymentStatus>,
    /// When the PRIMARY began; where it is over, or returns from a failure, when that was. AWS's time.
    pub since: Time,
    /// When all this was so. AWS's time.
    pub at: Time,
    /// The newest service event.
    pub event: Option<EventStatus>,
}

/// One deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentStatus {
    /// `PRIMARY` or `ACTIVE`.
    pub status: String,
    /// `family:revision`.
    pub task_definition: String,
    /// `IN_PROGRESS`, `COMPLETED`, `FAILED`; empty where ECS tells none.
    pub state: String,
    pub desired: i64,
    pub running: i64,
    pub pending: i64,
    pub failed: i64,
}

/// One service event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventStatus {
    pub at: Time,
    pub message: String,
}

impl RolloutStatus {
    /// Reads a described service; `at` is AWS's time of the answer.
    pub fn read(service: &Tree, at: Time) -> Self {
        let desired = count(service, "desiredCount");
        let percent = |name: &str, usual: i64| {
            service.at(&["deploymentConfiguration", name]).and_then(Tree::as_int).unwrap_or(usual)
        };
        let bounds = Bounds::new(desired, percent("minimumHealthyPercent", 100), percent("maximumPercent", 200));
        let event = service.list("events").first().and_then(|event| {
            let at = event.get("createdAt").and_then(Time::from_tree)?;
            Some(EventStatus { at, message: event.text("message")?.to_owned() })
        });
        Self {
            bounds,
            desired,
            running: count(service, "runningCount"),
            pending: count(service, "pendingCount"),
            deployments: service.list("deployments").iter().map(DeploymentStatus::read).collect(),
            since: since(service).unwrap_or(at),
            at,
            event,
        }
    }

    /// Tasks that run or are on their way there: what the upper bound counts.
    pub fn total(&self) -> i64 {
        self.running + self.pending
    }

    /// The deployment that ECS brings the service to, or has.
    pub fn primary(&self) -> Option<&DeploymentStatus> {
        self.deployments.iter().find(|one| one.status == "PRIMARY")
    }

    /// ECS is at work: there is more than one deployment, or the one there is has not ended.
    pub fn is_rolling(&self) -> bool {
        self.deployments.len() > 1 || self.primary().is_some_and(|one| one.state == "IN_PROGRESS")
    }
}

impl DeploymentStatus {
    fn read(deployment: &Tree) -> Self {
        let text = |name: &str| deployment.text(name).unwrap_or_default().to_owned();
        Self {
            status: text("status"),
            task_definition: text("taskDefinition").rsplit('/').next().unwrap_or_default().to_owned(),
            state: text("rolloutState"),
            desired: count(deployment, "desiredCount"),
            running: count(deployment, "runningCount"),
            pending: count(deployment, "pendingCount"),
            failed: count(deployment, "failedTasks"),
        }
    }
}

fn count(tree: &Tree, name: &str) -> i64 {
    tree.int(name).unwrap_or(0)
}

/// A rollback promotes the old deployment with the age it has (docs/ecs.md §2.6); only `updatedAt` tells.
fn since(service: &Tree) -> Option<Time> {
    let primary = primary(service)?;
    let returns = primary.text("rolloutStateReason").is_some_and(|reason| reason.contains("rolling back"));
    let fresh = primary.text("rolloutState") == Some("IN_PROGRESS") && !returns;
    let at = |name: &str| primary.get(name).and_then(Time::from_tree);
    if fresh { at("createdAt") } else { at("updatedAt").or_else(|| at("createdAt")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn deployment(status: &str, revision: &str, state: &str, running: i64, pending: i64) -> Tree {
        tree! {
            "status" => status, "taskDefinition" => format!("arn:aws:ecs:us-east-1:1:task-definition/{revision}"),
            "rolloutState" => state, "desiredCount" => 4, "runningCount" => running, "pendingCount" => pending,
            "failedTasks" => 1, "createdAt" => Time(10_000), "updatedAt" => Time(90_000),
        }
    }

    fn service(deployments: Vec<Tree>) -> Tree {
        let events = vec![
            tree! { "createdAt" => Time(95_000), "message" => "(service web) has started 4 tasks." },
            tree! { "createdAt" => Time(1_000), "message" => "older" },
        ];
        tree! {
            "desiredCount" => 4, "runningCount" => 5, "pendingCount" => 2, "events" => events,
            "deploymentConfiguration" => tree! { "minimumHealthyPercent" => 50, "maximumPercent" => 175 },
            "deployments" => deployments,
        }
    }

    #[test]
    fn a_rollout_is_read_with_its_bounds_and_its_newest_event() {
        let two =
            vec![deployment("PRIMARY", "web:2", "IN_PROGRESS", 1, 2), deployment("ACTIVE", "web:1", "COMPLETED", 4, 0)];
        let status = RolloutStatus::read(&service(two), Time(100_000));
        assert_eq!(status.bounds, Bounds { lower: 2, upper: 7 });
        assert_eq!((status.desired, status.running, status.pending, status.total()), (4, 5, 2, 7));
        assert_eq!((status.since, status.at), (Time(10_000), Time(100_000)));
        assert_eq!(status.event.as_ref().unwrap().message, "(service web) has started 4 tasks.");
        assert!(status.is_rolling());
        let new = status.primary().unwrap();
        assert_eq!((new.task_definition.as_str(), new.state.as_str()), ("web:2", "IN_PROGRESS"));
        assert_eq!((new.desired, new.running, new.pending, new.failed), (4, 1, 2, 1));
    }

    #[test]
    fn what_is_over_and_what_returns_began_when_it_was_last_updated() {
        let over = RolloutStatus::read(&service(vec![deployment("PRIMARY", "web:1", "COMPLETED", 4, 0)]), Time(0));
        assert_eq!((over.since, over.is_rolling()), (Time(90_000), false));
        let back = deployment("PRIMARY", "web:1", "IN_PROGRESS", 4, 0)
            .with("rolloutStateReason", "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.");
        let back = RolloutStatus::read(&service(vec![back]), Time(0));
        assert_eq!((back.since, back.is_rolling()), (Time(90_000), true));
    }

    #[test]
    fn what_ecs_leaves_out_is_not_made_up() {
        let empty = RolloutStatus::read(&tree! {}, Time(7));
        assert_eq!((empty.total(), empty.since, empty.event.clone()), (0, Time(7), None));
        assert!(empty.primary().is_none() && !empty.is_rolling());
    }
}
