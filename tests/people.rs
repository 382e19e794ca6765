//! The third actor: what people do by hand is told, left alone for a grace, healed where it needs no deployment, and given
//! way to where they say so; what is not ours is not touched, and too much at once is not done at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use common::harness::{DAY, HOUR, MINUTE, Rig, Wanted, cluster, converged, key, tag, task, web};
use ecs_operator::shape::Tree;
use ecs_operator::tree;

/// A revision that nobody declared, as a person registers one.
async fn foreign_revision(rig: &Rig, family: &str, image: &str) -> String {
    let container = tree! { "name" => "web", "image" => image };
    let input = tree! {
        "family" => family, "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
        "requiresCompatibilities" => vec!["FARGATE"], "containerDefinitions" => vec![container],
    };
    let answer = rig.by_hand("RegisterTaskDefinition", input).await;
    answer.at(&["taskDefinition", "taskDefinitionArn"]).and_then(Tree::as_text).unwrap().to_owned()
}

fn network(public: &str) -> Tree {
    tree! { "networkConfiguration" => tree! { "awsvpcConfiguration" => tree! {
        "subnets" => vec!["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "securityGroups" => vec!["sg-0123456789abcdef0"], "assignPublicIp" => public,
    } } }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_deployment_by_hand_is_told_left_alone_for_an_hour_and_then_reverted() {
    let mut rig = converged(1).await;
    let other = foreign_revision(&rig, "other", "httpd").await;
    rig.update_by_hand("web", tree! { "taskDefinition" => other }).await;
    let mark = rig.mark();
    rig.run(3 * MINUTE).await;
    assert_eq!(rig.reason(&key("web")), "Overridden");
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());

    // What needs no deployment is healed all the same.
    rig.update_by_hand("web", tree! { "desiredCount" => 5, "enableExecuteCommand" => true }).await;
    let mark = rig.mark();
    rig.run(2 * MINUTE).await;
    let writes = rig.writes_since(mark);
    assert_eq!(writes.len(), 1, "{writes:#?}");
    assert_eq!((writes[0].input.int("desiredCount"), writes[0].input.get("taskDefinition")), (Some(2), None));

    // Nor does a restart of the operator end the grace.
    let mark = rig.mark();
    rig.start();
    rig.run(50 * MINUTE).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert_eq!((rig.live("web").as_str(), rig.reason(&key("web")).as_str()), ("other:1", "Overridden"));
    rig.run(7 * MINUTE).await;
    assert_eq!(rig.live("web"), "web:1");
    assert_eq!(rig.operations_since(mark), ["TagResource", "UpdateService"]);
    rig.converge(HOUR).await;
    rig.assert_lawful();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn git_wins_at_once_when_it_changes() {
    let mut rig = converged(1).await;
    let other = foreign_revision(&rig, "other", "httpd").await;
    rig.update_by_hand("web", tree! { "taskDefinition" => other }).await;
    rig.run(3 * MINUTE).await;
    assert_eq!(rig.reason(&key("web")), "Overridden");
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    rig.run(MINUTE / 4).await;
    assert_eq!(rig.live("web"), "web:2");
    rig.converge(HOUR).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_public_address_by_hand_is_an_override_too() {
    for restart in [false, true] {
        let mut rig = converged(1).await;
        rig.run(3 * MINUTE).await;
        rig.update_by_hand("web", network("ENABLED")).await;
        let mark = rig.mark();
        rig.run(2 * MINUTE).await;
        assert_eq!(rig.reason(&key("web")), "Overridden");
        if restart {
            rig.start();
        }
        rig.run(50 * MINUTE).await;
        assert_eq!(rig.operations_since(mark), Vec::<String>::new());
        rig.run(10 * MINUTE).await;
        assert_eq!(rig.operations_since(mark), ["TagResource", "UpdateService"]);
        rig.converge(HOUR).await;
        rig.service("web", |service| {
            let address = service.spec.at(&["networkConfiguration", "awsvpcConfiguration", "assignPublicIp"]).cloned();
            assert_eq!(address, Some("DISABLED".into()));
        });
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_override_has_its_grace_after_a_change_that_deployed_nothing() {
    // The percentages, and restartedAt taken away, are in the deploy hash and start no deployment.
    for restarted_at in [None, Some("once".to_owned())] {
        let mut rig = Rig::new(1);
        rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
        rig.write("service.yaml", Wanted { restarted_at: restarted_at.clone(), ..Wanted::of("web", 2) }.text("web"));
        rig.commit();
        rig.start();
        rig.converge(HOUR).await;
        let maximum = if restarted_at.is_some() { 200 } else { 150 };
        rig.write("service.yaml", Wanted { maximum, ..Wanted::of("web", 2) }.text("web")).commit();
        rig.converge(HOUR).await;
        rig.run(3 * MINUTE).await;
        let other = foreign_revision(&rig, "other", "httpd").await;
        rig.update_by_hand("web", tree! { "taskDefinition" => other }).await;
        let mark = rig.mark();
        rig.run(50 * MINUTE).await;
        assert_eq!(rig.operations_since(mark), Vec::<String>::new(), "{restarted_at:?}");
        assert_eq!(rig.reason(&key("web")), "Overridden");
        rig.run(12 * MINUTE).await;
        assert_eq!(rig.live("web"), "web:1");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_tag_suspends_a_service_and_a_cluster() {
    for on_cluster in [false, true] {
        let mut rig = converged(2).await;
        let arn = if on_cluster {
            rig.sim.world().arn("cluster/prod")
        } else {
            rig.service("web", |service| service.arn.clone())
        };
        rig.tag_by_hand(&arn, "ecs-operator/suspend", "yes").await;
        rig.update_by_hand("web", tree! { "desiredCount" => 7 }).await;
        let mark = rig.mark();
        rig.run(2 * MINUTE).await;
        rig.write("service.yaml", Wanted { maximum: 150, ..Wanted::of("web", 3) }.text("web")).commit();
        rig.run(DAY).await;
        rig.start();
        rig.run(HOUR).await;
        assert_eq!(rig.operations_since(mark), Vec::<String>::new());
        assert_eq!(rig.reason(&key("web")), "Suspended");
        let input = tree! { "resourceArn" => arn, "tagKeys" => vec!["ecs-operator/suspend"] };
        rig.by_hand("UntagResource", input).await;
        rig.converge(HOUR).await;
        rig.service("web", |service| assert_eq!(service.desired, 3));
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_not_ours_is_refused() {
    for owner in [Some("them/test"), Some("us/other"), None] {
        let mut rig = Rig::new(2);
        let tags = owner.map(|owner| vec![tree! { "key" => "ecs-operator/owner", "value" => owner }]);
        rig.by_hand("CreateCluster", tree! { "clusterName" => "prod" }.with_some("tags", tags.clone())).await;
        let foreign = foreign_revision(&rig, "web", "httpd").await;
        let input = network("DISABLED").with("cluster", "prod").with("serviceName", "web");
        let input = input.with("taskDefinition", foreign).with("launchType", "FARGATE").with("desiredCount", 1);
        rig.by_hand("CreateService", input.with_some("tags", tags)).await;
        web(&mut rig);
        let mark = rig.mark();
        rig.start();
        rig.run(HOUR).await;
        assert_eq!(rig.operations_since(mark), Vec::<String>::new(), "{owner:?}");
        for object in ["Cluster/prod", "TaskDefinition/web"] {
            assert_eq!(rig.reason(object), "NotOwned", "{owner:?} {object}");
        }
        assert_eq!(rig.reason(&key("web")), "NotOwned", "{owner:?} {:?}", rig.stories());
    }
}

/// So many services of one task definition.
fn many(rig: &mut Rig, count: usize) -> Vec<String> {
    let names: Vec<String> = (0..count).map(|at| format!("s{at:02}")).collect();
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    for name in &names {
        rig.write(&format!("{name}.yaml"), Wanted::of("web", 1).text(name));
    }
    rig.commit();
    names
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn many_overrides_at_once_wait_for_a_commit() {
    let mut rig = Rig::new(6);
    let names = many(&mut rig, 12);
    rig.start();
    rig.converge(HOUR).await;
    let other = foreign_revision(&rig, "other", "httpd").await;
    for name in &names {
        rig.update_by_hand(name, tree! { "taskDefinition" => &other }).await;
    }
    let mark = rig.mark();
    rig.run(4 * HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert!(names.iter().all(|name| rig.reason(&key(name)) == "MassChange"), "{:#?}", rig.stories());
    rig.start();
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert_eq!(rig.reason(&key("s00")), "MassChange");
    // Anything at all: somebody has looked.
    rig.commit();
    rig.converge(2 * HOUR).await;
    assert!(names.iter().all(|name| rig.live(name) == "web:1"));
    assert_eq!(rig.operations_since(mark).iter().filter(|operation| *operation == "UpdateService").count(), 12);
}

/// How many services roll, as ECS sees it.
fn rolling(rig: &Rig) -> usize {
    let world = rig.sim.world();
    world.ecs.services.values().filter(|service| service.deployments.len() > 1).count()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn no_more_than_five_roll_at_once() {
    // Undisturbed, and with the operator lost in the middle.
    for lost_every in [None, Some(20), Some(47)] {
        let mut rig = Rig::new(8);
        many(&mut rig, 20);
        rig.start();
        rig.converge(HOUR).await;
        rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
        let since = rig.clock.now();
        let mut most = 0;
        for second in 1..=3600 {
            rig.run(MINUTE / 60).await;
            most = most.max(rolling(&rig));
            if lost_every.is_some_and(|every| second % every == 0) && second < 1200 {
                rig.start();
            }
        }
        assert!(rig.is_ready(since), "{:#?}", rig.stories());
        assert_eq!(most, 5, "{lost_every:?}");
        rig.assert_lawful();
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_new_operator_counts_the_rollouts_it_finds() {
    let mut rig = Rig::new(8);
    let names = many(&mut rig, 20);
    rig.write("slow.yaml", task("slow", "nginx:slow", &[("slow-start", "5m")]));
    rig.write("fast.yaml", task("fast", "nginx:2", &[])).commit();
    rig.start();
    rig.converge(HOUR).await;
    for name in &names[15..] {
        rig.write(&format!("{name}.yaml"), Wanted::of("slow", 1).text(name));
    }
    rig.commit();
    rig.run(MINUTE).await;
    assert_eq!(rolling(&rig), 5);
    rig.lose_operator();
    for name in &names[..15] {
        rig.write(&format!("{name}.yaml"), Wanted::of("fast", 1).text(name));
    }
    rig.commit();
    rig.start();
    let mut most = 0;
    for _ in 0..3600 {
        rig.run(MINUTE / 60).await;
        most = most.max(rolling(&rig));
    }
    assert_eq!(most, 5);
    rig.converge(HOUR).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn rollouts_that_ecs_refuses_or_that_never_end_take_nobodys_place() {
    let mut rig = Rig::new(8);
    let names = many(&mut rig, 12);
    rig.start();
    rig.converge(HOUR).await;
    // Six are refused at every try, and six have nothing wrong with them.
    rig.write("bad.yaml", task("bad", "nginx:2", &[("no-such-label", "1")]));
    for name in &names[..6] {
        rig.write(&format!("{name}.yaml"), Wanted::of("bad", 1).text(name));
    }
    for name in &names[6..] {
        rig.write(&format!("{name}.yaml"), Wanted::of("good", 1).text(name));
    }
    rig.write("good.yaml", task("good", "nginx:2", &[])).commit();
    rig.run(HOUR).await;
    for name in &names[6..] {
        assert_eq!((rig.live(name).as_str(), rig.reason(&key(name)).as_str()), ("good:1", "Converged"), "{name}");
    }
    for name in &names[..6] {
        assert_eq!(rig.live(name), "web:1", "{name}");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_count_that_git_leaves_out_is_left_to_others() {
    let mut rig = converged(1).await;
    let text = Wanted::of("web", 2).text("web").replace("  desiredCount: 2\n", "");
    rig.write("service.yaml", text).commit();
    rig.converge(HOUR).await;
    rig.update_by_hand("web", tree! { "desiredCount" => 7 }).await;
    let mark = rig.mark();
    rig.converge(HOUR).await;
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    rig.converge(HOUR).await;
    rig.service("web", |service| assert_eq!(service.desired, 7));
    assert!(rig.writes_since(mark).iter().all(|call| call.input.get("desiredCount").is_none()));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_service_that_someone_deleted_comes_back_once() {
    let rig = converged(1).await;
    let mark = rig.mark();
    rig.by_hand("DeleteService", tree! { "cluster" => "prod", "service" => "web", "force" => true }).await;
    rig.run(10 * MINUTE).await;
    rig.converge(HOUR).await;
    assert_eq!(rig.operations_since(mark), ["DeleteService", "CreateService"]);
    assert_eq!(rig.registrations().values().max(), Some(&1));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn two_operators_at_once_do_no_harm() {
    for seed in 0..3 {
        let mut rig = converged(seed).await;
        rig.write("task.yaml", task("web", "nginx:2", &[])).write("service.yaml", Wanted::of("web", 3).text("web"));
        let twin = rig.operator.take().unwrap();
        rig.commit();
        rig.start();
        rig.run(MINUTE * u32::try_from(seed).unwrap() / 600).await;
        rig.tell(&twin);
        rig.converge(HOUR).await;
        assert!(rig.registrations().values().all(|times| *times <= 2), "{:?}", rig.registrations());
        rig.service("web", |service| assert!(service.journal.len() <= 3, "{:?}", service.journal.len()));
        let settled = rig.mark();
        rig.run(HOUR).await;
        assert_eq!(rig.operations_since(settled), Vec::<String>::new(), "seed {seed}");
        // A bad image: held by both.
        rig.write("task.yaml", task("web", "nginx:broken", &[("fail-to-start", "CannotPullContainerError: gone")]));
        rig.commit();
        rig.tell(&twin);
        rig.run(2 * HOUR).await;
        let settled = rig.mark();
        rig.run(HOUR).await;
        assert_eq!(rig.operations_since(settled), Vec::<String>::new(), "seed {seed}");
        assert_eq!(rig.reason(&key("web")), "RolledBack");
        rig.assert_lawful();
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_tag_that_a_definition_gains_reaches_its_revision_and_deploys_nothing() {
    let mut rig = converged(12).await;
    let mark = rig.mark();
    rig.write("task.yaml", task("web", "nginx:1", &[]) + "  tags: [{ key: team, value: shop }]\n").commit();
    rig.converge(HOUR).await;
    assert_eq!(rig.operations_since(mark), ["TagResource"]);
    assert_eq!(rig.live("web"), "web:1");
    let world = rig.sim.world();
    assert_eq!(tag(&world.ecs.families["web"].revisions[&1].tags, "team"), Some("shop".to_owned()));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_revision_that_someone_deregistered_is_registered_anew() {
    let mut rig = converged(13).await;
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    rig.converge(HOUR).await;
    assert_eq!(rig.live("web"), "web:2");
    rig.by_hand("DeregisterTaskDefinition", tree! { "taskDefinition" => "web:1" }).await;
    rig.write("task.yaml", task("web", "nginx:1", &[])).commit();
    rig.converge(HOUR).await;
    assert_eq!(rig.live("web"), "web:3");
}
