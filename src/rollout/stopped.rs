//! Why the tasks of a revision stopped, in one line, from what DescribeTasks shows. Must not know: who asks.

use std::collections::BTreeMap;

use crate::shape::Tree;

/// Stops that the scheduler or a person wanted say nothing of the revision.
const WANTED: [&str; 2] = ["ServiceSchedulerInitiated", "UserInitiated"];
/// How the scheduler begins, where it stops a task that fails its health checks.
const UNHEALTHY: &str = "Task failed ";

/// The reason that most stopped tasks of `revision` (`family:revision`) give.
pub fn why_stopped(tasks: &[Tree], revision: &str) -> Option<String> {
    let ours = |task: &&Tree| task.text("taskDefinitionArn").and_then(|arn| arn.rsplit('/').next()) == Some(revision);
    let unhealthy = |task: &Tree| task.text("stoppedReason").is_some_and(|reason| reason.starts_with(UNHEALTHY));
    let failed = |task: &&Tree| unhealthy(task) || !task.text("stopCode").is_some_and(|code| WANTED.contains(&code));
    let reasons: Vec<String> = tasks.iter().filter(ours).filter(failed).filter_map(reason).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in &reasons {
        *counts.entry(reason).or_default() += 1;
    }
    let (reason, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    Some(format!("{reason} ({count} of {} stopped tasks say so)", reasons.len()))
}

/// ECS's reason for the task, and the container's own, which tells more.
fn reason(task: &Tree) -> Option<String> {
    let whole = task.text("stoppedReason")?;
    let container = task.list("containers").iter().find_map(|container| {
        let name = container.text("name")?;
        let code = container.int("exitCode").filter(|code| *code != 0).map(|code| format!("exited with {code}"));
        let why = container.text("reason").filter(|why| *why != whole).map(str::to_owned);
        let said: Vec<String> = [code, why].into_iter().flatten().collect();
        (!said.is_empty()).then(|| format!("{name}: {}", said.join(", ")))
    });
    Some(match container {
        Some(container) => format!("{}; {container}", whole.trim_end_matches('.')),
        None => whole.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn task(revision: &str, code: &str, reason: &str, containers: Vec<Tree>) -> Tree {
        let arn = format!("arn:aws:ecs:us-east-1:1:task-definition/{revision}");
        tree! { "taskDefinitionArn" => arn, "stopCode" => code, "stoppedReason" => reason, "containers" => containers }
    }

    #[test]
    fn the_reason_of_most_is_told_and_wanted_stops_are_not() {
        let exited = || {
            let killed = tree! { "name" => "web", "exitCode" => 137, "reason" => "OutOfMemoryError" };
            let fine = tree! { "name" => "log", "exitCode" => 0 };
            task("web:2", "EssentialContainerExited", "Essential container in task exited", vec![fine, killed])
        };
        let tasks = [
            task("web:2", "TaskFailedToStart", "CannotPullContainerError: gone", vec![]),
            exited(),
            exited(),
            task("web:2", "ServiceSchedulerInitiated", "Scaling activity initiated by deployment", vec![]),
            task("web:1", "TaskFailedToStart", "another revision", vec![]),
        ];
        let why = why_stopped(&tasks, "web:2").unwrap();
        let said = "Essential container in task exited; web: exited with 137, OutOfMemoryError";
        assert_eq!(why, format!("{said} (2 of 3 stopped tasks say so)"));
        assert_eq!(why_stopped(&tasks, "web:9"), None);
    }

    #[test]
    fn a_task_that_failed_its_health_checks_was_not_wanted_to_stop() {
        let unhealthy = task("web:2", "ServiceSchedulerInitiated", "Task failed container health checks", vec![]);
        let scaled = task("web:2", "ServiceSchedulerInitiated", "Scaling activity initiated by (deployment d)", vec![]);
        let said = "Task failed container health checks (1 of 1 stopped tasks say so)";
        assert_eq!(why_stopped(&[unhealthy, scaled], "web:2").as_deref(), Some(said));
    }

    #[test]
    fn a_container_that_says_the_same_says_nothing() {
        let same = tree! { "name" => "web", "reason" => "CannotPullContainerError: gone" };
        let tasks = [task("web:2", "TaskFailedToStart", "CannotPullContainerError: gone", vec![same])];
        let said = "CannotPullContainerError: gone (1 of 1 stopped tasks say so)";
        assert_eq!(why_stopped(&tasks, "web:2").as_deref(), Some(said));
    }
}
