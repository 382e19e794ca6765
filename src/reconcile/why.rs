//! Why the tasks of a rollout stopped that fails, or has failed: which rollout that is, and what its tasks say. Must not
//! know: when they are asked, where it is told.

use crate::aws::CallError;
use crate::check::Desired;
use crate::kinds::tags::Attempt;
use crate::kinds::{Object, service, task_definition};
use crate::plan::{Reason, Verdict};
use crate::rollout::{self, DeploymentStatus, why_stopped};
use crate::shape::{Time, Tree};

use super::pass::{Ended, Shared};

/// How far a rollout has come, when it does not come to a good end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// ECS is at it.
    Rolling,
    /// It has missed its deadline; ECS may still be at it.
    Late,
    /// ECS gave it up, or rolled it back.
    Over,
}

/// A rollout whose tasks can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// Tells it from the next, even of the same revision.
    pub id: String,
    /// The revision it is to bring, `family:revision`.
    pub task_definition: String,
    /// What was created before is none of its tasks. AWS's time.
    pub since: Time,
    pub stage: Stage,
}

impl Attempted {
    /// The one that a pass's end tells of, by the service as it was seen.
    pub fn of(ended: &Ended, shown: &Tree) -> Option<Self> {
        let Ended::Stands(verdict) = ended else { return None };
        let (stage, is_back) = match verdict {
            Verdict::Rolling(_) => (Stage::Rolling, false),
            Verdict::Blocked(Reason::RolloutTimedOut, _) => (Stage::Late, false),
            Verdict::Blocked(Reason::RolloutFailed, _) => (Stage::Over, false),
            Verdict::Blocked(Reason::RolledBack, _) => (Stage::Over, true),
            Verdict::Converged | Verdict::Due | Verdict::Settling(_) | Verdict::Waiting(..) | Verdict::Blocked(..) => {
                return None;
            }
        };
        let primary = rollout::primary(shown);
        let runs = primary.and_then(|primary| primary.text("taskDefinition")).map(task_definition::short);
        let ours = Attempt::read(shown.list("tags")).filter(|ours| is_back || runs == Some(&ours.task_definition));
        if let Some(ours) = ours {
            let (id, since) = (ours.to_string(), ours.at);
            return Some(Self { id, task_definition: ours.task_definition, since, stage });
        }
        // What rolls and is not what we set out for is on its way back, or somebody else's.
        let primary = primary.filter(|_| !is_back && stage != Stage::Rolling)?;
        let since = primary.get("createdAt").and_then(Time::from_tree).unwrap_or_default();
        Some(Self { id: primary.text("id")?.to_owned(), task_definition: runs?.to_owned(), since, stage })
    }
}

/// Whether tasks of the newest deployment are seen to have stopped: ECS counts those that never ran; where fewer run than
/// at the look before, though no fewer are wanted, they stopped afterwards.
pub fn tasks_stop(before: Option<&DeploymentStatus>, now: Option<&DeploymentStatus>) -> bool {
    let Some(now) = now else { return false };
    let lost = |before: &DeploymentStatus| {
        before.task_definition == now.task_definition && before.running > now.running && before.desired <= now.desired
    };
    now.failed > 0 || before.is_some_and(lost)
}

/// What the tasks say that stopped, without what is secret in the manifests; none where ECS knows of none any more.
/// One call, and a second where any stopped.
///
/// # Errors
/// What AWS answers; most of all that reading tasks is not allowed.
pub async fn ask(
    shared: &Shared,
    desired: &Desired,
    object: &Object,
    attempted: &Attempted,
) -> Result<Option<String>, CallError> {
    let mut tasks = shared.observer.stopped_tasks(object).await?;
    let created = |task: &Tree| task.get("createdAt").and_then(Time::from_tree);
    tasks.retain(|task| created(task).is_none_or(|at| at >= attempted.since));
    let said = why_stopped(&tasks, &attempted.task_definition);
    Ok(said.map(|said| service::redact(object, &desired.objects, &said)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::tags::tag;
    use crate::tree;

    fn service(attempt: Option<&str>, runs: &str) -> Tree {
        let primary = tree! {
            "status" => "PRIMARY", "id" => "ecs-svc/7", "createdAt" => Time(7000),
            "taskDefinition" => format!("arn:aws:ecs:us-east-1:1:task-definition/{runs}"),
        };
        let tags: Vec<Tree> = attempt.map(|attempt| tag(crate::kinds::tags::ATTEMPT, attempt)).into_iter().collect();
        tree! { "deployments" => vec![primary], "tags" => tags }
    }

    #[test]
    fn it_is_the_attempt_that_is_noted_or_what_ecs_is_at() {
        let blocked = |reason| Ended::Stands(Verdict::Blocked(reason, String::new()));
        let rolling = || Ended::Stands(Verdict::Rolling(String::new()));
        let (two, again) = ("v1:h:web:2:5000:-", "v1:h:web:2:6000:r");
        for (ended, attempt, runs, expected) in [
            (blocked(Reason::RolledBack), Some(two), "web:1", Some((two, "web:2", 5000, Stage::Over))),
            (blocked(Reason::RolledBack), Some(again), "web:1", Some((again, "web:2", 6000, Stage::Over))),
            (blocked(Reason::RolledBack), None, "web:1", None),
            (blocked(Reason::RolloutFailed), Some(two), "web:2", Some((two, "web:2", 5000, Stage::Over))),
            (blocked(Reason::RolloutFailed), Some(two), "web:3", Some(("ecs-svc/7", "web:3", 7000, Stage::Over))),
            (blocked(Reason::RolloutTimedOut), None, "web:3", Some(("ecs-svc/7", "web:3", 7000, Stage::Late))),
            (rolling(), Some(two), "web:2", Some((two, "web:2", 5000, Stage::Rolling))),
            (rolling(), Some(two), "web:1", None),
            (blocked(Reason::Suspended), Some(two), "web:2", None),
            (Ended::Stands(Verdict::Converged), Some(two), "web:2", None),
            (Ended::Drifted, Some(two), "web:2", None),
        ] {
            let expected = expected.map(|(id, task_definition, since, stage)| Attempted {
                id: id.into(),
                task_definition: task_definition.into(),
                since: Time(since),
                stage,
            });
            assert_eq!(Attempted::of(&ended, &service(attempt, runs)), expected, "{ended:?} {attempt:?} {runs}");
        }
    }

    #[test]
    fn tasks_stop_where_ecs_counts_them_or_fewer_run() {
        let one = |revision: &str, desired, running, failed| DeploymentStatus {
            status: "PRIMARY".into(),
            task_definition: revision.into(),
            state: "IN_PROGRESS".into(),
            desired,
            running,
            pending: 0,
            failed,
        };
        for (before, now, stop) in [
            (None, one("web:2", 2, 0, 0), false),
            (None, one("web:2", 2, 0, 1), true),
            (Some(one("web:2", 2, 1, 0)), one("web:2", 2, 1, 0), false),
            (Some(one("web:2", 2, 1, 0)), one("web:2", 2, 0, 0), true),
            (Some(one("web:2", 2, 2, 0)), one("web:2", 1, 1, 0), false),
            (Some(one("web:1", 2, 2, 0)), one("web:2", 2, 0, 0), false),
        ] {
            assert_eq!(tasks_stop(before.as_ref(), Some(&now)), stop, "{before:?} {now:?}");
        }
        assert!(!tasks_stop(None, None));
    }
}
