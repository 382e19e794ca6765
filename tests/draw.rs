//! What rollouts look like, at every width, with and without colours and signs beyond ASCII.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::golden;
use ecs_operator::cli::Terminal;
use ecs_operator::cli::draw::{self, Failure};
use ecs_operator::kinds::{Key, Kind, Place};
use ecs_operator::plan::HELD;
use ecs_operator::rollout::{Bounds, DeploymentStatus, EventStatus, RolloutStatus};
use ecs_operator::shape::Time;
use ecs_operator::status::{Condition, ConditionType, Happening, ObjectStatus, Status, What};

const WIDTHS: [usize; 4] = [60, 80, 120, 200];

fn key(name: &str) -> Key {
    let place = Place { account: "123456789012".into(), region: "us-east-1".into() };
    Key::new(place, Some("prod".into()), Kind::Service, name.into())
}

fn deployment(status: &str, revision: &str, state: &str, counts: [i64; 4]) -> DeploymentStatus {
    let [desired, running, pending, failed] = counts;
    let (status, task_definition, state) = (status.into(), revision.into(), state.into());
    DeploymentStatus { status, task_definition, state, desired, running, pending, failed }
}

fn rollout(desired: i64, bounds: (i64, i64), deployments: Vec<DeploymentStatus>) -> RolloutStatus {
    let sum = |of: fn(&DeploymentStatus) -> i64| deployments.iter().map(of).sum();
    let message = "(service checkout) has started 3 tasks: (task 0b1c9d2e4f5a6b7c8d9e0f1a2b3c4d5e) (task \
                   7f3a55d0aa11bb22cc33dd44ee55ff66) (task 12345678901234567890123456789012).";
    RolloutStatus {
        bounds: Bounds { lower: bounds.0, upper: bounds.1 },
        desired,
        running: sum(|one| one.running),
        pending: sum(|one| one.pending),
        since: Time(0),
        at: Time(98_000),
        event: Some(EventStatus { at: Time(91_000), message: message.into() }),
        deployments,
    }
}

fn status(reason: &'static str, holds: &[ConditionType], rollout: Option<RolloutStatus>) -> ObjectStatus {
    let one = |kind: &ConditionType| {
        let status = Some(holds.contains(kind));
        (*kind, Condition { status, reason: reason.into(), message: String::new(), since: Time(0) })
    };
    ObjectStatus {
        conditions: ConditionType::ALL.iter().map(one).collect(),
        rollout: rollout.map(Box::new),
        ..ObjectStatus::default()
    }
}

fn halfway() -> RolloutStatus {
    let new = deployment("PRIMARY", "checkout:42", "IN_PROGRESS", [8, 2, 3, 1]);
    rollout(8, (6, 12), vec![new, deployment("ACTIVE", "checkout:41", "COMPLETED", [8, 6, 0, 0])])
}

fn with_a_past() -> ObjectStatus {
    let mut one = status("RolledBack", &[ConditionType::Stalled], None);
    one.drift = vec!["desiredCount".into(), "networkConfiguration.awsvpcConfiguration.assignPublicIp".into()];
    one.history.add(Happening::new(Time(10_000), What::RolloutBegan, "checkout:42: taskDefinition changed"));
    let failed =
        "checkout:42 failed: Service deployment rolled back because the circuit breaker threshold was exceeded";
    let end = Happening::new(Time(75_000), What::RolloutRolledBack, failed);
    one.history.add(Happening { took_seconds: Some(65), ..end });
    one.history
        .because(|_| true, "Essential container in task exited; web: exited with 1 (3 of 3 stopped tasks say so)");
    (80..83).for_each(|at| one.history.add(Happening::new(Time(at * 1000), What::DriftHealed, "desiredCount")));
    one
}

/// All that is drawn, under what it is a picture of.
fn scenes(terminal: &Terminal) -> Vec<(&'static str, Vec<String>)> {
    let busy = [ConditionType::Reconciling];
    let draw = |name: &str, one: ObjectStatus| draw::service(terminal, &key(name), &one);
    let long = "a-service-whose-name-is-as-long-as-names-of-services-happen-to-be-in-practice";
    let family = format!("{long}-family:1234");
    let many = deployment("PRIMARY", &family, "FAILED", [1000, 0, 250, 12]);
    let many = rollout(1000, (900, 1250), vec![many, deployment("ACTIVE", &family, "COMPLETED", [1000, 900, 0, 0])]);
    let done = rollout(2, (2, 4), vec![deployment("PRIMARY", "checkout:42", "COMPLETED", [2, 2, 0, 0])]);
    let zero = rollout(0, (0, 0), vec![deployment("PRIMARY", "checkout:42", "COMPLETED", [0, 0, 0, 0])]);
    let message = format!(
        "checkout:42 failed: ROLLBACK_SUCCESSFUL Service deployment rolled back because the circuit breaker threshold \
         was exceeded.; ECS deployment ecs-svc/1234567890123456789 completed. {HELD}"
    );
    let checkout = key("checkout");
    let failure = Failure {
        key: &checkout,
        reason: "RolledBack",
        message: &message,
        task_definition: Some("checkout:42"),
        cause: Some("CannotPullContainerError: manifest for checkout:1.2 not found (4 of 4 stopped tasks say so)"),
        rollout: Some(&done),
    };
    vec![
        ("halfway", draw("checkout", status("RolloutInProgress", &busy, Some(halfway())))),
        ("many tasks, a long name, a failure", draw(long, status("RolledBack", &[ConditionType::Stalled], Some(many)))),
        ("done", draw("checkout", status("Converged", &[ConditionType::Ready], Some(done.clone())))),
        ("no task", draw("checkout", status("Converged", &[ConditionType::Ready], Some(zero)))),
        ("not seen yet", draw("checkout", status("Pending", &[], None))),
        ("in one line", vec![draw::line(&Terminal { live: true, ..*terminal }, &key("checkout"), &halfway())]),
        ("a failure", draw::failure(terminal, &failure)),
        ("in full, with drift and a past", draw::object(terminal, &checkout, &with_a_past(), Time(98_000))),
    ]
}

fn without_colours(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    first + &parts.map(|part| part.split_once('m').map_or("", |(_, rest)| rest)).collect::<String>()
}

#[test]
fn rollouts_fit_every_terminal() {
    let mut text = String::new();
    for width in WIDTHS {
        for (colour, unicode) in [(false, false), (false, true), (true, true)] {
            let terminal = Terminal { width, colour, unicode, ..Terminal::PLAIN };
            for (name, lines) in scenes(&terminal) {
                for line in &lines {
                    let plain = without_colours(line);
                    assert!(plain.chars().count() <= width, "{name} at {width}: {plain:?}");
                    assert!(unicode || line.is_ascii(), "{name}: {line:?}");
                    assert_eq!(line.contains('\x1b'), colour && *line != plain, "{name}: {line:?}");
                }
                text += &format!("== {width} columns, colour {colour}, unicode {unicode}: {name}\n");
                lines.iter().for_each(|line| text += &format!("{}\n", line.replace('\x1b', "ESC")));
            }
        }
    }
    golden::check("draw.txt", &text);
}

fn picture(rolling: usize) -> Status {
    let busy = [ConditionType::Reconciling];
    let one = |n: usize| (key(&format!("web-{n:02}")), status("RolloutInProgress", &busy, Some(halfway())).into());
    let mut objects: BTreeMap<Key, Arc<ObjectStatus>> = (0..rolling).map(one).collect();
    objects.insert(key("zebra"), status("Converged", &[ConditionType::Ready], None).into());
    Status { objects, ..Status::default() }
}

#[test]
fn a_screen_shows_what_fits_and_counts_the_rest() {
    let terminal = Terminal { height: 24, live: true, ..Terminal::PLAIN };
    for (rolling, lines, last) in [
        (0, 1, "1 of 1 object as the manifests say"),
        (2, 15, "1 of 3 objects as the manifests say"),
        (5, 6, "1 of 6 objects as the manifests say"),
        (40, 22, "1 of 41 objects as the manifests say, 19 rollouts more in progress"),
    ] {
        let screen = draw::screen(&terminal, &picture(rolling));
        assert_eq!((screen.len(), screen.last().map(String::as_str)), (lines, Some(last)), "{screen:#?}");
        assert!(screen.iter().all(|line| line.chars().count() <= terminal.width), "{screen:#?}");
    }
}

#[test]
fn only_what_changed_is_news() {
    let terminal = Terminal::PLAIN;
    let (before, mut now) = (picture(2), picture(2));
    assert_eq!(draw::news(&terminal, &before, &now), Vec::<String>::new(), "an unchanged picture prints nothing");
    let one = now.object_mut(&key("web-01")).rollout.as_mut().unwrap();
    one.at = Time(120_000);
    assert_eq!(draw::news(&terminal, &before, &now), Vec::<String>::new(), "that time has passed is no news");
    let one = now.object_mut(&key("web-01")).rollout.as_mut().unwrap();
    one.deployments[0].running += 1;
    let line = "prod/Service/web-01  [6..12]  PRIMARY checkout:42 in progress 3/8 +3 pending 1 failed  ACTIVE \
                checkout:41 completed 6/8";
    assert_eq!(draw::news(&terminal, &before, &now), [line]);
}
