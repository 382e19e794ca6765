//! What became of a deployment we set out to make, read from ECS's own journal: service deployments and revisions.

use std::time::Duration;

use crate::shape::{Time, Tree};

/// How long ECS remembers a service deployment (ecs-semantics §2.15).
pub const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// The deployments of a service since some point in time, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Journal {
    pub entries: Vec<Entry>,
}

/// One service deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub created_at: Time,
    pub finished_at: Option<Time>,
    /// ECS's word for where it stands.
    pub status: String,
    pub reason: String,
    /// `family:revision` of its target; empty when ECS did not tell.
    pub task_definition: String,
}

/// What became of our attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// No deployment since: we stopped before making it.
    NotMade,
    Rolling,
    /// It was made, and done.
    Succeeded,
    /// Rolled back, given up, or stopped by a person.
    Failed {
        reason: String,
    },
    /// Someone else has deployed since.
    Overridden {
        by: Entry,
    },
}

impl Journal {
    /// Joins the answers of ListServiceDeployments and DescribeServiceRevisions.
    pub fn read(deployments: &Tree, revisions: &Tree) -> Self {
        let runs = |arn: &str| {
            let revision =
                revisions.list("serviceRevisions").iter().find(|one| one.text("serviceRevisionArn") == Some(arn));
            let reference = revision.and_then(|one| one.text("taskDefinition")).unwrap_or_default();
            reference.rsplit('/').next().unwrap_or_default().to_owned()
        };
        let entry = |one: &Tree| Entry {
            created_at: one.get("createdAt").and_then(Time::from_tree).unwrap_or_default(),
            finished_at: one.get("finishedAt").and_then(Time::from_tree),
            status: one.text("status").unwrap_or_default().to_owned(),
            reason: one.text("statusReason").unwrap_or_default().to_owned(),
            task_definition: one.text("targetServiceRevisionArn").map(runs).unwrap_or_default(),
        };
        let mut entries: Vec<Entry> = deployments.list("serviceDeployments").iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.created_at);
        Self { entries }
    }

    /// What became of the attempt to bring `task_definition` (`family:revision`) to the service.
    pub fn outcome(&self, task_definition: &str) -> Outcome {
        let ours = self.entries.iter().position(|entry| entry.task_definition == task_definition);
        let Some(ours) = ours else {
            return match self.entries.last() {
                Some(by) => Outcome::Overridden { by: by.clone() },
                None => Outcome::NotMade,
            };
        };
        let (_, from_ours) = self.entries.split_at(ours);
        let Some((ours, later)) = from_ours.split_first() else { return Outcome::NotMade };
        // An attempt is made once: whatever came later, of the same task definition or not, is someone else's. What
        // had failed before that has failed all the same.
        match (later.first(), later.last()) {
            (Some(next), Some(by)) if !ours.failed_before(next) => Outcome::Overridden { by: by.clone() },
            _ => judge(ours),
        }
    }
}

impl Entry {
    /// It failed, and was not just superseded by the next.
    fn failed_before(&self, next: &Self) -> bool {
        match self.status.as_str() {
            "SUCCESSFUL" | "PENDING" | "IN_PROGRESS" => false,
            "STOPPED" | "STOP_REQUESTED" => self.finished_at.is_some_and(|at| at < next.created_at),
            _ => true,
        }
    }
}

fn judge(entry: &Entry) -> Outcome {
    match entry.status.as_str() {
        "SUCCESSFUL" => Outcome::Succeeded,
        "PENDING" | "IN_PROGRESS" => Outcome::Rolling,
        status => Outcome::Failed { reason: format!("{status} {}", entry.reason).trim_end().to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: i64, task_definition: &str, status: &str) -> Entry {
        Entry {
            created_at: Time(at),
            finished_at: Some(Time(at + 10)),
            status: status.into(),
            reason: String::new(),
            task_definition: task_definition.into(),
        }
    }

    #[test]
    fn tells_what_became_of_an_attempt() {
        let rolled_back = Outcome::Failed { reason: "ROLLBACK_SUCCESSFUL".into() };
        let by_hand = entry(2, "web:9", "SUCCESSFUL");
        let forced = entry(2, "web:2", "SUCCESSFUL");
        let late = entry(20, "web:9", "SUCCESSFUL");
        let stopped = Outcome::Failed { reason: "STOPPED".into() };
        for (entries, outcome) in [
            (vec![], Outcome::NotMade),
            (vec![entry(1, "web:2", "IN_PROGRESS")], Outcome::Rolling),
            (vec![entry(1, "web:2", "SUCCESSFUL")], Outcome::Succeeded),
            (vec![entry(1, "web:2", "ROLLBACK_SUCCESSFUL")], rolled_back.clone()),
            (vec![entry(1, "web:2", "SUCCESSFUL"), by_hand.clone()], Outcome::Overridden { by: by_hand.clone() }),
            (vec![entry(1, "web:2", "STOPPED"), by_hand.clone()], Outcome::Overridden { by: by_hand.clone() }),
            (vec![by_hand.clone()], Outcome::Overridden { by: by_hand.clone() }),
            (vec![entry(1, "web:2", "STOPPED"), late.clone()], stopped),
            (vec![entry(1, "web:2", "ROLLBACK_SUCCESSFUL"), late], rolled_back),
            (vec![entry(1, "web:2", "SUCCESSFUL"), forced.clone()], Outcome::Overridden { by: forced }),
        ] {
            assert_eq!(Journal { entries: entries.clone() }.outcome("web:2"), outcome, "{entries:?}");
        }
    }
}
