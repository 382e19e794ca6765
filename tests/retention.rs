//! Retention of task definition revisions: the oldest of our own go, few at a time and only when nothing else is to be
//! done; what anything uses, names, or would go back to stays, and so does what is not ours.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeSet;

use common::harness::{DAY, HOUR, Rig, Wanted, cluster, key, task};
use common::lossy::{Lossy, Position};
use ecs_operator::shape::Tree;
use ecs_operator::tree;

fn kept(image: &str, keep: &str) -> String {
    format!("{}reconcile: {{ keep: {keep} }}\n", task("web", image, &[]))
}

/// Revisions 1 to `count` of `web`, each deployed for a while; then the operator that keeps so many.
async fn with_revisions(rig: &mut Rig, count: usize, keep: &str) {
    // Days go by: fewer looks prove the same.
    rig.settings.resync = HOUR;
    rig.write("cluster.yaml", cluster("prod")).write("service.yaml", Wanted::of("web", 1).text("web"));
    for number in 1..=count {
        rig.write("task.yaml", task("web", &format!("nginx:{number}"), &[])).commit();
        if rig.operator.is_none() {
            rig.start();
        }
        rig.converge(2 * HOUR).await;
    }
    rig.write("task.yaml", kept(&format!("nginx:{count}"), keep)).commit();
    rig.converge(HOUR).await;
}

fn active(rig: &Rig, family: &str) -> BTreeSet<i64> {
    let world = rig.sim.world();
    let all = world.ecs.families[family].revisions.values();
    all.filter(|one| one.active).map(|one| one.revision).collect()
}

fn set(numbers: &[i64]) -> BTreeSet<i64> {
    numbers.iter().copied().collect()
}

fn deregistrations(way: &Lossy) -> usize {
    way.way().calls.iter().filter(|one| *one == "DeregisterTaskDefinition").count()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_oldest_go_when_they_are_old_enough_and_then_nothing_is_asked() {
    let mut rig = Rig::new(1);
    with_revisions(&mut rig, 12, "3").await;
    rig.run(6 * DAY).await;
    assert_eq!(active(&rig, "web").len(), 12, "not a week old");
    let mark = rig.mark();
    rig.run(2 * DAY).await;
    assert_eq!(active(&rig, "web"), set(&[10, 11, 12]));
    let gone = rig.writes_since(mark);
    let named: Vec<&str> = gone.iter().filter_map(|call| call.input.text("taskDefinition")).collect();
    let expected: Vec<String> = (1..=9).map(|number| format!("web:{number}")).collect();
    assert_eq!((named, gone.len()), (expected.iter().map(String::as_str).collect(), 9), "oldest first, and only these");
    let hours: BTreeSet<i64> = gone.iter().map(|call| call.at.0 / 3_600_000).collect();
    assert!(hours.len() > 1, "not all in one go: {gone:#?}");

    let way = rig.start();
    rig.run(3 * HOUR).await;
    let from = way.way().calls.len();
    rig.run(DAY).await;
    let calls: BTreeSet<String> = way.way().calls.iter().skip(from).cloned().collect();
    assert_eq!(
        calls,
        ["DescribeClusters", "DescribeServices", "ListServices"].map(str::to_owned).into(),
        "idle is idle"
    );
    let asked = way.way().calls.iter().filter(|one| *one == "ListTaskDefinitions").count();
    assert_eq!(asked, 1, "a new operator asks once");
    rig.assert_lawful();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_used_named_or_not_ours_stays() {
    let mut rig = Rig::new(2);
    with_revisions(&mut rig, 10, "2").await;
    // 1: another tool's service in a cluster of which no manifest speaks. 2: a task that somebody runs. 3: a person's mark.
    // 4: not ours any more. 5: a manifest names it. 6: a task set of somebody's.
    let vpc = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-0123456789abcdef0"] } };
    rig.by_hand("CreateCluster", tree! { "clusterName" => "theirs" }).await;
    let input = tree! {
        "cluster" => "theirs", "serviceName" => "old", "taskDefinition" => "web:1", "desiredCount" => 0,
        "launchType" => "FARGATE", "networkConfiguration" => vpc.clone(),
    };
    rig.by_hand("CreateService", input).await;
    let run =
        tree! { "cluster" => "theirs", "taskDefinition" => "web:2", "launchType" => "FARGATE", "startedBy" => "me" };
    rig.by_hand("RunTask", run.with("networkConfiguration", vpc.clone())).await;
    let arn = |number: i64| rig.sim.world().ecs.families["web"].revisions[&number].arn.clone();
    rig.tag_by_hand(&arn(3), "ecs-operator/keep", "the nightly schedule").await;
    rig.tag_by_hand(&arn(4), "ecs-operator/owner", "them/prod").await;
    let external = tree! { "type" => "EXTERNAL" };
    let input = tree! { "cluster" => "theirs", "serviceName" => "sets", "desiredCount" => 1, "deploymentController" => external };
    rig.by_hand("CreateService", input).await;
    let set_of =
        tree! { "cluster" => "theirs", "service" => "sets", "taskDefinition" => "web:6", "launchType" => "FARGATE" };
    rig.by_hand("CreateTaskSet", set_of.with("networkConfiguration", vpc)).await;
    rig.write("literal.yaml", Wanted { count: 0, ..Wanted::of("\"web:5\"", 0) }.text("literal")).commit();
    rig.run(10 * DAY).await;
    assert_eq!(active(&rig, "web"), set(&[1, 2, 3, 4, 5, 6, 9, 10]), "{:#?}", rig.stories());
    // When nothing uses them any more, they go.
    rig.by_hand("DeleteService", tree! { "cluster" => "theirs", "service" => "old", "force" => true }).await;
    rig.run(DAY).await;
    assert_eq!(active(&rig, "web"), set(&[2, 3, 4, 5, 6, 9, 10]));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_a_held_service_would_go_back_to_stays() {
    let mut rig = Rig::new(3);
    with_revisions(&mut rig, 4, "1").await;
    // Without a way back ECS leaves what failed as PRIMARY: the last good revision is in its journal alone.
    let service = Wanted { breaker: false, deadline: "5m", ..Wanted::of("web", 1) };
    rig.write("service.yaml", service.text("web")).commit();
    rig.converge(HOUR).await;
    let bad = task("web", "nginx:bad", &[("fail-to-start", "CannotPullContainerError: gone")]);
    rig.write("task.yaml", format!("{bad}reconcile: {{ keep: 1 }}\n")).commit();
    rig.run(9 * DAY).await;
    assert_eq!(active(&rig, "web").intersection(&set(&[4, 5])).count(), 2, "{:#?}", rig.stories());
    let told = rig.reason(&key("web"));
    assert!(["RolloutTimedOut", "RolledBack", "RolloutFailed"].contains(&told.as_str()), "{told}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_can_not_be_seen_is_never_taken_for_unused() {
    let mut rig = Rig::new(4);
    with_revisions(&mut rig, 4, "1").await;
    rig.lose_operator();
    rig.run(7 * DAY).await;
    for operation in ["ListClusters", "ListServices", "DescribeServices", "ListTasks", "ListServiceDeployments"] {
        let way = rig.start();
        way.way().refused.insert(operation, (400, "AccessDeniedException"));
        rig.run(8 * HOUR).await;
        assert_eq!((active(&rig, "web").len(), deregistrations(&way)), (4, 0), "{operation}");
    }
    rig.start();
    rig.run(8 * HOUR).await;
    assert_eq!(active(&rig, "web"), set(&[4]));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_loss_between_two_of_them_is_made_good_and_observing_deregisters_nothing() {
    let mut rig = Rig::new(5);
    with_revisions(&mut rig, 4, "2").await;
    rig.options.observe_only = true;
    let way = rig.start();
    rig.run(9 * DAY).await;
    assert_eq!((active(&rig, "web").len(), deregistrations(&way)), (4, 0));
    let undisturbed = lost_at(None).await;
    let at = undisturbed.iter().position(|one| one == "DeregisterTaskDefinition").unwrap();
    for (call, position) in Position::ALL.into_iter().flat_map(|position| [(at, position), (at + 1, position)]) {
        lost_at(Some((call, position))).await;
    }
}

/// The calls of an operator that finds two revisions to deregister, and is lost at one of them.
async fn lost_at(lose_at: Option<(usize, Position)>) -> Vec<String> {
    let mut rig = Rig::new(5);
    with_revisions(&mut rig, 4, "2").await;
    rig.lose_operator();
    rig.run(7 * DAY).await;
    let way = rig.start();
    way.way().lose_at = lose_at;
    rig.run(HOUR / 2).await;
    if lose_at.is_some() {
        assert!(way.way().lost, "{lose_at:?} was not reached");
        rig.start();
        rig.run(HOUR / 2).await;
    }
    assert_eq!(active(&rig, "web"), set(&[3, 4]), "{lose_at:?}");
    way.way().calls.clone()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_keep_every_revision_stays_and_all_says_so_against_the_settings() {
    let mut rig = Rig::new(6);
    with_revisions(&mut rig, 4, "All").await;
    let way = rig.start();
    rig.run(9 * DAY).await;
    assert_eq!(active(&rig, "web").len(), 4);
    let calls = way.way().calls.clone();
    assert!(!calls.iter().any(|one| one.starts_with("ListTask") || one == "ListClusters"), "{calls:?}");
}

/// The setting is a default: it holds where a manifest says nothing.
#[test]
fn the_settings_say_how_many_stay() {
    use ecs_operator::kinds::{Keep, Kind, Place};
    use ecs_operator::manifest::{self, Input, Variables};
    let texts = [("a.yaml", task("a", "nginx", &[])), ("b.yaml", kept("nginx", "All")), ("c.yaml", cluster("prod"))];
    let files = texts.iter().map(|(name, text)| ((*name).to_owned(), std::sync::Arc::from(text.as_str()))).collect();
    let read = |settings: &str| {
        let settings = std::sync::Arc::from(settings);
        let (unreadable, variables) = Default::default();
        let variables: Variables = variables;
        let input = Input { files: &files, settings: Some(&settings), unreadable: &unreadable, variables: &variables };
        let place = Place { account: String::new(), region: String::new() };
        ecs_operator::check::desired(&manifest::read(&input), &place, "r", None)
    };
    let desired = read("owner: us\nkeep: 7\n");
    let keeps: Vec<_> = desired.objects.values().map(|object| (object.key.kind, object.reconcile.keep)).collect();
    assert_eq!(
        keeps,
        [(Kind::Cluster, None), (Kind::TaskDefinition, Some(Keep::Newest(7))), (Kind::TaskDefinition, Some(Keep::All)),]
    );
    for wrong in ["keep: 0", "keep: many", "keep: 1.5", "keep: -1"] {
        let findings = read(wrong).findings;
        assert!(findings.iter().any(|one| one.to_string().contains("keep")), "{wrong}: {findings:?}");
    }
}

/// One content is registered once, in whatever spelling of it the manifest is written.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn another_spelling_is_no_other_revision() {
    let mut rig = Rig::new(7);
    rig.write("task.yaml", task("web", "nginx:1", &[])).commit();
    rig.start();
    rig.converge(HOUR).await;
    let spelled = task("web", "nginx:1", &[]).replace("\"256\"", ".25 vCPU").replace("\"512\"", "0.5 GB");
    let spelled = spelled.replace("      image:", "      essential: true\n      cpu: 0\n      image:");
    rig.write("task.yaml", spelled).commit();
    rig.converge(HOUR).await;
    rig.start();
    rig.converge(HOUR).await;
    let world = rig.sim.world();
    let revisions: Vec<&Tree> = world.ecs.families["web"].revisions.values().map(|one| &one.body).collect();
    assert_eq!(revisions.len(), 1, "{revisions:#?}");
}
