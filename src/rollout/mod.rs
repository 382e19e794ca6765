//! Rollouts, purely: percent arithmetic, how far a deployment is, what ECS's journal says became of one, the cause of
//! a failure. Must not know: the clock (time is an argument), kinds, calls.

mod course;
mod journal;
mod picture;
pub mod shift;
mod stopped;
mod timeline;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::shape::{Time, Tree};

pub use course::{Batch, Course};
pub use journal::{Entry, Journal, Outcome};
pub use picture::{DeploymentStatus, EventStatus, RolloutStatus};
pub use stopped::why_stopped;
pub use timeline::{REVISIONS_MAX, SAMPLES_MAX, Sample, Timeline};

/// Between which counts of tasks ECS keeps a service while it rolls (docs/ecs.md §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Healthy tasks are not stopped below this: ceil(desired × minimumHealthyPercent).
    pub lower: i64,
    /// Tasks are not started beyond this: floor(desired × maximumPercent).
    pub upper: i64,
}

impl Bounds {
    pub fn new(desired: i64, minimum_healthy_percent: i64, maximum_percent: i64) -> Self {
        Self { lower: (desired * minimum_healthy_percent + 99) / 100, upper: desired * maximum_percent / 100 }
    }
}

/// The deployment that ECS is bringing the service to.
pub fn primary(service: &Tree) -> Option<&Tree> {
    service.list("deployments").iter().find(|deployment| deployment.text("status") == Some("PRIMARY"))
}

/// How far the PRIMARY deployment is.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// Done, and as many tasks run as are wanted.
    Steady,
    /// Done, but tasks are being replaced, added or taken away.
    Settling { running: i64, desired: i64 },
    /// Rolling within its deadline.
    Rolling { running: i64, desired: i64 },
    /// ECS gave it up, or it has missed its deadline.
    Failed { cause: String, timed_out: bool },
}

/// Judges the PRIMARY deployment of a described service at `now`, which is AWS's time.
pub fn progress(service: &Tree, deadline: Duration, now: Time) -> Progress {
    let count = |tree: &Tree, name: &str| tree.int(name).unwrap_or(0);
    let (running, desired) = (count(service, "runningCount"), count(service, "desiredCount"));
    if controller(service) != ECS {
        return of_task_sets(service);
    }
    let Some(primary) = primary(service) else { return Progress::Rolling { running, desired } };
    let alone = service.list("deployments").len() == 1;
    let done = match primary.text("rolloutState") {
        Some("COMPLETED") => true,
        Some("FAILED") => return Progress::Failed { cause: cause(service), timed_out: false },
        // Behind a Classic Load Balancer ECS shows no state (docs/ecs.md §2.6).
        None => alone && running == desired,
        _ => false,
    };
    if done && alone && running == desired {
        return Progress::Steady;
    }
    if done {
        return Progress::Settling { running, desired };
    }
    let began = primary.get("createdAt").and_then(Time::from_tree).unwrap_or(now);
    // A rollback promotes the old deployment with the age it has (docs/ecs.md §2.6).
    let returns = primary.text("rolloutStateReason").is_some_and(|reason| reason.contains("rolling back"));
    // What waits on purpose is not late.
    let deadline = deadline.saturating_add(shift::waits(service));
    if now.since(began) > deadline && !returns {
        let late = format!("not done {} after it began; {}", minutes(deadline), cause(service));
        return Progress::Failed { cause: late, timed_out: true };
    }
    Progress::Rolling { running: count(primary, "runningCount"), desired }
}

/// Whether it runs what it is to run, and nothing else, however long that took.
pub fn is_steady(service: &Tree) -> bool {
    progress(service, NO_DEADLINE, Time::default()) == Progress::Steady
}

/// What misses its deadline may be followed all the same.
pub const NO_DEADLINE: Duration = Duration::from_secs(u64::MAX / 4000);

/// How far a service is that others deploy: its task sets are steady or settle, and whether one of them is a rollout
/// is theirs to say.
fn of_task_sets(service: &Tree) -> Progress {
    let sets: Vec<&Tree> = task_sets(service).collect();
    let sum = |name: &str| sets.iter().filter_map(|set| set.int(name)).sum::<i64>();
    let whole = |name: &str| service.int(name).unwrap_or(0);
    // Each set of an EXTERNAL service has its own share of the count, and there may be none.
    let (running, desired) = match controller(service) {
        EXTERNAL => (sum("runningCount"), sum("computedDesiredCount")),
        _ => (whole("runningCount"), whole("desiredCount")),
    };
    let steady = sets.iter().all(|set| set.text("stabilityStatus") == Some("STEADY_STATE"));
    if steady && running == desired { Progress::Steady } else { Progress::Settling { running, desired } }
}

/// The deployment controllers; ECS is that of a service that says none.
pub const ECS: &str = "ECS";
pub const CODE_DEPLOY: &str = "CODE_DEPLOY";
pub const EXTERNAL: &str = "EXTERNAL";

/// Who deploys a service, by its spec or by AWS's answer.
pub fn controller(service: &Tree) -> &str {
    service.at(&["deploymentController", "type"]).and_then(Tree::as_text).unwrap_or(ECS)
}

/// The task sets that are not on their way out.
fn task_sets(service: &Tree) -> impl Iterator<Item = &Tree> {
    service.list("taskSets").iter().filter(|set| set.text("status") != Some("DRAINING"))
}

/// Whether ECS or CodeDeploy is at a deployment; of an EXTERNAL service nobody can tell.
pub fn is_in_progress(service: &Tree) -> bool {
    match controller(service) {
        ECS => primary(service).is_some_and(|primary| primary.text("rolloutState") == Some("IN_PROGRESS")),
        CODE_DEPLOY => task_sets(service).count() > 1,
        _ => false,
    }
}

fn minutes(span: Duration) -> String {
    match span.as_secs() {
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

/// Words in service events that tell why tasks do not come up, most telling first.
const TELLING: [&str; 6] = ["unable to place", "deployment failed", "failed", "unhealthy", "unable to", "Reason:"];

/// Why a rollout fails, in one line: ECS's reason for the state, and the newest event that tells more.
pub fn cause(service: &Tree) -> String {
    let reason = primary(service).and_then(|primary| primary.text("rolloutStateReason")).unwrap_or_default();
    let parts = [Some(reason.to_owned()), telling_event(service)];
    let told = parts.into_iter().flatten().map(|part| part.trim_end_matches('.').to_owned());
    told.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

/// The newest event that tells why tasks do not come up, without the names that stand before it.
pub fn telling_event(service: &Tree) -> Option<String> {
    let events = || service.list("events").iter().filter_map(|event| event.text("message"));
    let mut told = TELLING.iter().find_map(|word| events().find(|message| message.contains(word)))?;
    for named in ["(service ", "(deployment "] {
        let bare = told.strip_prefix(named).and_then(|rest| rest.split_once(") "));
        told = bare.map_or(told, |(_, bare)| bare);
    }
    Some(told.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn bounds_round_to_the_safe_side() {
        for (desired, min, max, lower, upper) in [
            (1, 100, 200, 1, 2),
            (1, 0, 100, 0, 1),
            (1, 50, 150, 1, 1),
            (3, 100, 125, 3, 3),
            (5, 66, 133, 4, 6),
            (7, 90, 110, 7, 7),
            (10, 90, 110, 9, 11),
            (0, 100, 200, 0, 0),
        ] {
            let bounds = Bounds::new(desired, min, max);
            assert_eq!(bounds, Bounds { lower, upper }, "{desired} {min}/{max}");
        }
    }

    fn service(state: &str, running: i64, deployments: usize) -> Tree {
        let primary = tree! {
            "status" => "PRIMARY", "rolloutState" => state, "createdAt" => Time(0), "runningCount" => running,
            "rolloutStateReason" => "ECS deployment circuit breaker: task failed to start.",
        };
        let mut all = vec![primary];
        all.resize(deployments, tree! { "status" => "ACTIVE" });
        tree! {
            "desiredCount" => 2, "runningCount" => running, "deployments" => all,
            "events" => vec![tree! { "message" => "(service web) has started 1 tasks." }],
        }
    }

    #[test]
    fn only_a_completed_primary_alone_is_steady() {
        let deadline = Duration::from_secs(900);
        let soon = Time(1000);
        assert_eq!(progress(&service("COMPLETED", 2, 1), deadline, soon), Progress::Steady);
        let settling = Progress::Settling { running: 1, desired: 2 };
        assert_eq!(progress(&service("COMPLETED", 1, 1), deadline, soon), settling);
        let rolling = Progress::Rolling { running: 2, desired: 2 };
        assert_eq!(progress(&service("IN_PROGRESS", 2, 2), deadline, soon), rolling);
        let failed = progress(&service("FAILED", 0, 2), deadline, soon);
        assert!(matches!(failed, Progress::Failed { timed_out: false, .. }), "{failed:?}");
        let late = progress(&service("IN_PROGRESS", 0, 2), deadline, Time(901_000));
        let Progress::Failed { cause, timed_out: true } = late else { panic!("{late:?}") };
        assert!(cause.starts_with("not done 15 min after it began"), "{cause}");
    }

    #[test]
    fn task_sets_are_steady_or_settle_and_two_of_codedeploys_are_a_deployment() {
        let set = |status: &str, stability: &str, running: i64, computed: i64| {
            tree! {
                "status" => status, "stabilityStatus" => stability, "runningCount" => running,
                "computedDesiredCount" => computed,
            }
        };
        let steady = || set("PRIMARY", "STEADY_STATE", 4, 4);
        let settles = Progress::Settling { running: 3, desired: 4 };
        for (controller, running, sets, progresses, deploys) in [
            ("CODE_DEPLOY", 4, vec![steady()], Progress::Steady, false),
            ("CODE_DEPLOY", 3, vec![set("PRIMARY", "STABILIZING", 3, 4)], settles.clone(), false),
            (
                "CODE_DEPLOY",
                8,
                vec![steady(), set("ACTIVE", "STEADY_STATE", 4, 4)],
                Progress::Settling { running: 8, desired: 4 },
                true,
            ),
            ("CODE_DEPLOY", 4, vec![steady(), set("DRAINING", "STABILIZING", 0, 0)], Progress::Steady, false),
            ("EXTERNAL", 0, vec![], Progress::Steady, false),
            ("EXTERNAL", 3, vec![set("PRIMARY", "STABILIZING", 3, 4)], settles, false),
            ("EXTERNAL", 6, vec![steady(), set("ACTIVE", "STEADY_STATE", 2, 2)], Progress::Steady, false),
            ("EXTERNAL", 5, vec![steady(), set("DRAINING", "STABILIZING", 1, 0)], Progress::Steady, false),
        ] {
            let service = tree! {
                "deploymentController" => tree! { "type" => controller }, "desiredCount" => 4,
                "runningCount" => running, "taskSets" => sets,
            };
            assert_eq!(progress(&service, Duration::ZERO, Time(0)), progresses, "{service:?}");
            assert_eq!(is_in_progress(&service), deploys, "{service:?}");
        }
    }
}
