//! One service takes another's place where ECS can't change it: only as Git permits, in its order, within the bounds, and
//! whatever happens to the operator meanwhile.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::time::Duration;

use common::harness::{HOUR, MINUTE, Rig, Wanted, cluster, key};
use common::lossy::{Faults, Position, mutates};
use common::replacement::{START, STOP, changed, either, fargate, service, status};
use ecs_operator::shape::Tree;
use ecs_operator::sim::ecs::service::Status;
use ecs_operator::tree;

const SECOND: Duration = Duration::from_secs(1);
/// Of services of four tasks that keep all of them.
const FLOOR: usize = 4;

/// Tasks that run, over all services.
fn running(rig: &Rig) -> usize {
    let world = rig.sim.world();
    let of = world.ecs.services.values().flat_map(|service| &service.tasks);
    of.filter(|id| world.ecs.tasks.get(&("prod".to_owned(), (*id).clone())).is_some_and(|task| task.is_running()))
        .count()
}

/// Runs until it is so; the fewest tasks that ran meanwhile, and for how many seconds none did.
async fn watched(rig: &Rig, span: Duration, so: impl Fn(&Rig) -> bool) -> (usize, u64) {
    let (mut fewest, mut none) = (running(rig), 0);
    let began = rig.clock.now();
    while !so(rig) {
        assert!(rig.clock.now() < began.after(span), "not in {span:?}: {:#?}", rig.stories());
        rig.run(SECOND).await;
        fewest = fewest.min(running(rig));
        none += u64::from(running(rig) == 0);
    }
    (fewest, none)
}

fn converged(since: ecs_operator::shape::Time) -> impl Fn(&Rig) -> bool {
    move |rig| rig.is_ready(since)
}

/// Nothing is written any more, by this operator or by a new one.
async fn is_quiet(rig: &mut Rig) {
    for _ in 0..2 {
        let mark = rig.mark();
        rig.run(5 * MINUTE).await;
        assert_eq!(rig.operations_since(mark), Vec::<String>::new());
        rig.start();
        rig.converge(HOUR).await;
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn started_first_it_never_runs_fewer_tasks_than_the_floor_and_the_old_service_goes() {
    let mut rig = fargate(1).await;
    let mark = rig.mark();
    rig.write("service.yaml", service(START, "EC2", "web-2")).commit();
    let (fewest, _) = watched(&rig, 2 * HOUR, converged(rig.clock.now())).await;
    assert!(fewest >= FLOOR, "{fewest}");
    assert_eq!(rig.operations_since(mark), ["CreateService", "UpdateService", "DeleteService"]);
    assert_eq!((status(&rig, "web"), status(&rig, "web-2")), (Some(Status::Inactive), Some(Status::Active)));
    rig.assert_lawful();
    is_quiet(&mut rig).await;
    // And once more: it is still known for the same object.
    rig.write("service.yaml", service(START, "FARGATE", "web-3")).commit();
    let (fewest, _) = watched(&rig, 2 * HOUR, converged(rig.clock.now())).await;
    assert!(fewest >= FLOOR, "{fewest}");
    assert_eq!((status(&rig, "web-2"), status(&rig, "web-3")), (Some(Status::Inactive), Some(Status::Active)));
    is_quiet(&mut rig).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn stopped_first_it_comes_back_under_its_name_within_the_dip_that_was_foretold() {
    let mut rig = fargate(2).await;
    let mark = rig.mark();
    rig.write("service.yaml", service(STOP, "EC2", "web")).commit();
    rig.lose_operator();
    let view = ecs_operator::shape::json::read(rig.view().await.json().as_bytes()).unwrap();
    let planned = view.list("objects").iter().find(|one| one.text("key") == Some(&key("web"))).unwrap().clone();
    assert_eq!(planned.text("action"), Some("replace"));
    let foretold = planned.at(&["replacement", "dip", "seconds"]).and_then(Tree::as_int).unwrap();
    rig.start();
    let (fewest, none) = watched(&rig, 2 * HOUR, converged(rig.clock.now())).await;
    // A target takes no new connections from when it begins to go; its task runs until it has let go.
    assert_eq!(fewest, 0);
    let none = i64::try_from(none).unwrap();
    assert!((1..=foretold).contains(&none), "{none} of {foretold}");
    assert_eq!(rig.operations_since(mark), ["TagResource", "UpdateService", "DeleteService", "CreateService"]);
    rig.service("web", |service| assert_eq!(service.spec.text("launchType"), Some("EC2")));
    rig.assert_lawful();
    is_quiet(&mut rig).await;
}

/// How it ends, with or without the loss of the operator at one of its calls; the calls up to there.
async fn tell(how: &str, lose_at: Option<(usize, Position)>) -> (Tree, Vec<String>, Vec<String>) {
    let mut rig = fargate(3).await;
    // Looks that only wait are all alike.
    rig.settings.active = Duration::from_secs(40);
    rig.lose_operator();
    let mark = rig.mark();
    rig.write("service.yaml", changed(how)).commit();
    let first = rig.start();
    first.way().lose_at = lose_at;
    let since = rig.clock.now();
    let ended = |rig: &Rig| first.way().lost || rig.is_ready(since);
    let (mut fewest, _) = watched(&rig, 2 * HOUR, ended).await;
    let calls = first.way().calls.clone();
    if lose_at.is_some() {
        assert!(first.way().lost, "{how} {lose_at:?} was not reached");
        rig.start();
        fewest = fewest.min(watched(&rig, 2 * HOUR, converged(rig.clock.now())).await.0);
    }
    assert!(how == STOP || fewest >= FLOOR, "{how} {lose_at:?}: {fewest}");
    let writes = rig.operations_since(mark);
    let settled = rig.mark();
    rig.run(5 * MINUTE).await;
    assert_eq!(rig.operations_since(settled), Vec::<String>::new(), "{how} {lose_at:?} is not quiet");
    rig.assert_lawful();
    (rig.picture(), writes, calls)
}

async fn exhaust(how: &str) {
    let (picture, writes, calls) = tell(how, None).await;
    let mut points = 0;
    for (k, call) in calls.iter().enumerate() {
        // A question that was lost was not asked, whoever lost it.
        let positions = if mutates(call) { &Position::ALL[..] } else { &[Position::AfterReply] };
        for position in positions.iter().copied() {
            points += 1;
            let (end, again, _) = tell(how, Some((k, position))).await;
            let what = format!("{how} {k} {position:?}: {again:?} after {writes:?}");
            assert_eq!(end, picture, "{what}");
            assert!(again.len() <= writes.len() + usize::from(position != Position::AfterReply), "{what}");
        }
    }
    println!("{how}: {points} crash points, writes {writes:?}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_operator_may_be_lost_at_any_call_of_a_replacement_that_starts_first() {
    exhaust(START).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_operator_may_be_lost_at_any_call_of_a_replacement_that_stops_first() {
    exhaust(STOP).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn calls_may_go_wrong_and_answers_may_be_old() {
    for (seed, how) in (0..6).zip([START, STOP].into_iter().cycle()) {
        let mut rig = fargate(seed).await;
        let way = rig.start();
        rig.converge(HOUR).await;
        way.way().faults = Some(Faults { rng: fastrand::Rng::with_seed(seed), per_mille: 250 });
        way.way().stale = Some((fastrand::Rng::with_seed(seed), MINUTE));
        rig.write("service.yaml", changed(how)).commit();
        let done = |rig: &Rig| how == STOP || status(rig, "web") == Some(Status::Inactive);
        let since = rig.clock.now();
        let (fewest, _) = watched(&rig, 6 * HOUR, |rig| done(rig) && rig.is_ready(since)).await;
        way.way().faults = None;
        way.way().stale = None;
        rig.converge(HOUR).await;
        assert!(how == STOP || fewest >= FLOOR, "{how}, seed {seed}: {fewest}");
        rig.assert_lawful();
        is_quiet(&mut rig).await;
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_permission_it_says_which_member_and_both_remedies_and_scales_all_the_same() {
    for (reconcile, name, member, remedies) in [
        (
            "",
            "web",
            "launchType (live \"FARGATE\", in Git \"EC2\")",
            ["replace: [launchType]", "spec.serviceName: web-2"],
        ),
        ("replace: [schedulingStrategy], ", "web", "launchType", ["replace: [launchType]", "StopFirst"]),
        ("", "web-2", "launchType", ["replace: [launchType]", "delete the service web by hand"]),
        (START, "web", "launchType", ["another spec.serviceName", "StopFirst"]),
    ] {
        let mut rig = fargate(4).await;
        let mark = rig.mark();
        rig.write("service.yaml", service(reconcile, "EC2", name)).commit();
        rig.run(HOUR).await;
        let (reason, message) = rig.stories().remove(&key("web")).unwrap();
        assert_eq!(reason, "ReplacementNeeded", "{message}");
        for part in remedies.iter().chain([&member]) {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert_eq!(rig.operations_since(mark), Vec::<String>::new());
        if name == "web" {
            rig.write("service.yaml", service(reconcile, "EC2", name).replace("desiredCount: 4", "desiredCount: 6"));
            rig.commit();
            rig.run(MINUTE).await;
            assert_eq!(rig.operations_since(mark), ["UpdateService"]);
            rig.service("web", |service| assert_eq!(service.desired, 6));
        }
        // Taken back, all is well.
        rig.write("service.yaml", service("", "FARGATE", "web")).commit();
        rig.converge(HOUR).await;
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn another_name_alone_is_a_replacement_too() {
    let mut rig = fargate(5).await;
    let mark = rig.mark();
    rig.write("service.yaml", service("", "FARGATE", "shop")).commit();
    rig.run(HOUR).await;
    assert_eq!((rig.reason(&key("web")).as_str(), rig.operations_since(mark).len()), ("ReplacementNeeded", 0));
    // An operator that knows nothing of what was declared before finds the same.
    rig.start();
    rig.run(HOUR).await;
    assert_eq!((rig.reason(&key("web")).as_str(), rig.operations_since(mark).len()), ("ReplacementNeeded", 0));
    rig.write("service.yaml", service("replace: [serviceName], ", "FARGATE", "shop")).commit();
    let (fewest, _) = watched(&rig, 2 * HOUR, converged(rig.clock.now())).await;
    assert!(fewest >= FLOOR, "{fewest}");
    assert_eq!((status(&rig, "web"), status(&rig, "shop")), (Some(Status::Inactive), Some(Status::Active)));
    is_quiet(&mut rig).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_new_service_that_does_not_come_up_is_held_and_the_old_one_stays() {
    let mut rig = fargate(6).await;
    rig.write("task.yaml", either("nginx:bad", &[("fail-to-start", "CannotPullContainerError: gone")]));
    rig.write("service.yaml", service(START, "EC2", "web-2")).commit();
    let failed = |rig: &Rig| rig.reason(&key("web")) == "RolloutFailed";
    let (fewest, _) = watched(&rig, 4 * HOUR, failed).await;
    assert!(fewest >= FLOOR);
    let mark = rig.mark();
    rig.run(6 * HOUR).await;
    rig.start();
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert_eq!(status(&rig, "web"), Some(Status::Active));
    // A good one, and it goes on.
    rig.write("task.yaml", either("nginx:2", &[])).commit();
    let (fewest, _) = watched(&rig, 2 * HOUR, converged(rig.clock.now())).await;
    assert!(fewest >= FLOOR);
    assert_eq!(status(&rig, "web"), Some(Status::Inactive));
    is_quiet(&mut rig).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_taken_back_half_way_is_as_it_was() {
    // Before the new one is Ready, and after the old one was drained.
    for (how, wait) in [(START, "CreateService"), (START, "UpdateService"), (STOP, "UpdateService")] {
        let mut rig = fargate(7).await;
        let mark = rig.mark();
        rig.write("service.yaml", changed(how)).commit();
        let there = |rig: &Rig| rig.operations_since(mark).iter().any(|operation| operation == wait);
        assert!(rig.until(2 * HOUR, there).await, "{:?}", rig.operations_since(mark));
        rig.write("service.yaml", service(START, "FARGATE", "web")).commit();
        rig.converge(2 * HOUR).await;
        rig.service("web", |service| assert_eq!((service.desired, service.status), (4, Status::Active)));
        assert_ne!(status(&rig, "web-2"), Some(Status::Active));
        is_quiet(&mut rig).await;
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_suspended_or_not_ours_is_left() {
    for (how, suspended) in [(START, true), (STOP, true), (START, false)] {
        let mut rig = fargate(8).await;
        let arn = rig.service("web", |service| service.arn.clone());
        match suspended {
            true => rig.tag_by_hand(&arn, "ecs-operator/suspend", "us").await,
            false => rig.tag_by_hand(&arn, "ecs-operator/owner", "them/test").await,
        }
        rig.lose_operator();
        let mark = rig.mark();
        rig.write("service.yaml", changed(how)).commit();
        rig.start();
        rig.run(2 * HOUR).await;
        rig.service("web", |service| assert_eq!((service.desired, service.status), (4, Status::Active)));
        let writes = rig.operations_since(mark);
        assert_eq!(writes, if suspended { vec![] } else { vec!["CreateService"] });
        if suspended {
            assert_eq!(rig.reason(&key("web")), "Suspended");
            let tags = tree! { "resourceArn" => arn, "tagKeys" => vec!["ecs-operator/suspend"] };
            rig.by_hand("UntagResource", tags).await;
            rig.converge(2 * HOUR).await;
        }
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_old_service_is_not_drained_while_it_is_suspended() {
    let mut rig = fargate(9).await;
    let arn = rig.service("web", |service| service.arn.clone());
    rig.write("service.yaml", service(START, "EC2", "web-2")).commit();
    rig.run(20 * SECOND).await;
    rig.tag_by_hand(&arn, "ecs-operator/suspend", "us").await;
    let mark = rig.mark();
    rig.run(2 * HOUR).await;
    assert_eq!((rig.reason(&key("web")).as_str(), rig.operations_since(mark)), ("Suspended", Vec::new()));
    rig.by_hand("UntagResource", tree! { "resourceArn" => arn, "tagKeys" => vec!["ecs-operator/suspend"] }).await;
    rig.converge(2 * HOUR).await;
    assert_eq!(status(&rig, "web"), Some(Status::Inactive));
}

/// So many services, each recreated by a person as what only another service could be.
async fn many_recreated(rig: &mut Rig, count: usize) -> Vec<String> {
    let names: Vec<String> = (0..count).map(|at| format!("s{at:02}")).collect();
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", either("nginx:1", &[]));
    let one = |name: &str| {
        let text = Wanted::of("web", 1).text(name);
        text.replace("reconcile: { ", &format!("reconcile: {{ {STOP}"))
    };
    for name in &names {
        rig.write(&format!("{name}.yaml"), one(name));
    }
    rig.commit();
    rig.start();
    rig.converge(HOUR).await;
    rig.lose_operator();
    for name in &names {
        let mut world = rig.sim.world();
        let service = world.ecs.services.get_mut(&("prod".to_owned(), name.clone())).unwrap();
        service.spec.set("launchType", "EC2");
    }
    rig.run(2 * HOUR).await;
    names
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn many_replacements_that_nobody_asked_for_wait_for_a_commit_and_few_go_on() {
    let mut rig = Rig::new(10);
    let names = many_recreated(&mut rig, 7).await;
    let mark = rig.mark();
    rig.start();
    rig.run(2 * HOUR).await;
    rig.start();
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert!(names.iter().all(|name| rig.reason(&key(name)) == "MassChange"), "{:#?}", rig.stories());
    rig.write("note.yaml", "").commit();
    rig.converge(4 * HOUR).await;
    let deleted = rig.operations_since(mark).iter().filter(|one| *one == "DeleteService").count();
    assert_eq!(deleted, 7);
    let mut rig = Rig::new(11);
    let names = many_recreated(&mut rig, 2).await;
    rig.start();
    rig.converge(4 * HOUR).await;
    for name in &names {
        rig.service(name, |service| assert_eq!(service.spec.text("launchType"), Some("FARGATE")));
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn no_more_services_are_replaced_at_a_time_than_may_roll() {
    let mut rig = Rig::new(12);
    rig.options.rollouts_max = 2;
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", either("nginx:1", &[]));
    let names: Vec<String> = (0..6).map(|at| format!("s{at}")).collect();
    let one = |reconcile: &str, name: &str, aws: &str| {
        let more = format!("  serviceName: {aws}\n");
        let text = Wanted { more, ..Wanted::of("web", 1) }.text(name);
        text.replace("reconcile: { ", &format!("reconcile: {{ {reconcile}"))
    };
    for name in &names {
        rig.write(&format!("{name}.yaml"), one("", name, name));
    }
    rig.commit();
    rig.start();
    rig.converge(HOUR).await;
    for name in &names {
        rig.write(&format!("{name}.yaml"), one("replace: [serviceName], ", name, &format!("{name}-2")));
    }
    rig.commit();
    let since = rig.clock.now();
    let mut most = 0;
    let both = |rig: &Rig| {
        let there = |name: &&String| {
            let runs = |name: &str| status(rig, name) == Some(Status::Active);
            runs(name) && runs(&format!("{name}-2"))
        };
        names.iter().filter(there).count()
    };
    while !rig.is_ready(since) {
        assert!(rig.clock.now() < since.after(4 * HOUR), "{:#?}", rig.stories());
        rig.run(SECOND).await;
        most = most.max(both(&rig));
    }
    assert!((1..=2).contains(&most), "{most}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_replacement_of_a_plan_file_goes_to_its_end() {
    let mut rig = fargate(21).await;
    rig.lose_operator();
    let mark = rig.mark();
    rig.write("service.yaml", service(START, "EC2", "web-2")).commit();
    rig.approve().await;
    rig.start();
    rig.converge(2 * HOUR).await;
    assert_eq!(rig.operations_since(mark), ["CreateService", "UpdateService", "DeleteService"]);
}
