//! What became of a deployment we set out to make, read from ECS's own journal: service deployments and revisions.

use crate::shape::{Time, Tree};

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
    /// Someone else has deployed since; ours may have failed before.
    Overridden {
        by: Entry,
        ours_failed: Option<String>,
    },
    /// ECS does not tell yet what a deployment brings.
    Unclear,
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

    /// What became of the attempt to bring `task_definition` (`family:revision`) to the service. Ours is the first
    /// that does: before each other deployment of ours stands another attempt, and so another journal.
    pub fn outcome(&self, task_definition: &str) -> Outcome {
        let mut from_ours = self.entries.iter().skip_while(|entry| entry.task_definition != task_definition);
        let (ours, next) = (from_ours.next(), from_ours.next());
        match (ours, next, self.entries.last()) {
            (None, ..) if self.entries.iter().any(|entry| entry.task_definition.is_empty()) => Outcome::Unclear,
            (None, _, None) => Outcome::NotMade,
            (None, _, Some(by)) => Outcome::Overridden { by: by.clone(), ours_failed: None },
            // What had failed before someone else came has failed all the same.
            (Some(ours), Some(next), Some(by)) if !ours.failed_before(next) => {
                let ours_failed = match judge(ours) {
                    Outcome::Failed { reason } => Some(reason),
                    _ => None,
                };
                Outcome::Overridden { by: by.clone(), ours_failed }
            }
            (Some(ours), ..) => judge(ours),
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
        status if entry.reason.is_empty() => Outcome::Failed { reason: status.to_owned() },
        _ => Outcome::Failed { reason: entry.reason.clone() },
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
        let failed = |status: &str| Outcome::Failed { reason: status.into() };
        let (by_hand, forced) = (entry(2, "web:9", "SUCCESSFUL"), entry(2, "web:2", "IN_PROGRESS"));
        let late = entry(20, "web:9", "SUCCESSFUL");
        let overridden = |by: &Entry, ours_failed: Option<&str>| Outcome::Overridden {
            by: by.clone(),
            ours_failed: ours_failed.map(str::to_owned),
        };
        for (entries, outcome) in [
            (vec![], Outcome::NotMade),
            (vec![entry(1, "web:2", "IN_PROGRESS")], Outcome::Rolling),
            (vec![entry(1, "web:2", "SUCCESSFUL")], Outcome::Succeeded),
            (vec![entry(1, "web:2", "ROLLBACK_SUCCESSFUL")], failed("ROLLBACK_SUCCESSFUL")),
            (vec![entry(1, "web:2", "SUCCESSFUL"), by_hand.clone()], overridden(&by_hand, None)),
            (vec![entry(1, "web:2", "STOPPED"), by_hand.clone()], overridden(&by_hand, Some("STOPPED"))),
            (vec![by_hand.clone()], overridden(&by_hand, None)),
            (vec![by_hand.clone(), entry(3, "web:2", "IN_PROGRESS")], Outcome::Rolling),
            (vec![entry(1, "web:2", "SUCCESSFUL"), forced.clone()], overridden(&forced, None)),
            (vec![entry(1, "", "PENDING")], Outcome::Unclear),
            (vec![entry(1, "web:2", "STOPPED"), late.clone()], failed("STOPPED")),
            (vec![entry(1, "web:2", "ROLLBACK_SUCCESSFUL"), late.clone()], failed("ROLLBACK_SUCCESSFUL")),
        ] {
            assert_eq!(Journal { entries: entries.clone() }.outcome("web:2"), outcome, "{entries:?}");
        }
    }
}
