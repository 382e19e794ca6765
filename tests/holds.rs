//! A deploy hash that failed is held: not tried again, for a day and across the loss of all memory, while all that needs
//! no deployment still reaches the live revision.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use common::harness::{DAY, HOUR, MINUTE, Rig, Wanted, cluster, converged, key, task, web};
use ecs_operator::sim::ecs::service::State;
use ecs_operator::tree;

const BROKEN: &[(&str, &str)] = &[("fail-to-start", "CannotPullContainerError: gone")];

fn failures(rig: &Rig) -> usize {
    rig.service("web", |service| service.journal.iter().filter(|entry| entry.status != State::Successful).count())
}

/// A converged service, and then an image that never starts; waits until ECS has given up.
async fn after_a_failed_update(rig: &mut Rig) {
    web(rig);
    rig.start();
    rig.converge(HOUR).await;
    rig.write("task.yaml", task("web", "nginx:broken", BROKEN));
    rig.commit();
    assert!(rig.until(2 * HOUR, |rig| rig.reason(&key("web")) == "RolledBack").await, "{:#?}", rig.stories());
    rig.run(10 * MINUTE).await;
    assert_eq!(failures(rig), 1);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_rolled_back_image_is_left_alone_for_a_day_scales_and_gives_way_to_a_good_one() {
    let mut rig = Rig::new(3);
    after_a_failed_update(&mut rig).await;
    let failed = rig.mark();
    rig.run(8 * HOUR).await;
    assert_eq!(rig.operations_since(failed), Vec::<String>::new());

    let scaled = rig.mark();
    rig.write("service.yaml", Wanted::of("web", 4).text("web")).commit();
    rig.run(10 * MINUTE).await;
    let writes = rig.writes_since(scaled);
    assert_eq!(writes.len(), 1, "{writes:#?}");
    assert_eq!((writes[0].operation.as_str(), writes[0].input.int("desiredCount")), ("UpdateService", Some(4)));
    assert_eq!(writes[0].input.get("taskDefinition"), None);
    assert_eq!(rig.live("web"), "web:1");
    assert_eq!(rig.reason(&key("web")), "RolledBack");

    let lost = rig.mark();
    rig.start();
    rig.run(8 * HOUR).await;
    rig.start();
    rig.run(8 * HOUR).await;
    assert_eq!(rig.operations_since(lost), Vec::<String>::new());
    assert_eq!((failures(&rig), rig.reason(&key("web")).as_str()), (1, "RolledBack"));

    rig.write("task.yaml", task("web", "nginx:good", &[])).commit();
    rig.converge(HOUR).await;
    assert_eq!((rig.live("web").as_str(), failures(&rig)), ("web:3", 1));
    rig.assert_lawful();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn another_restarted_at_tries_a_held_image_once_more() {
    let mut rig = Rig::new(3);
    after_a_failed_update(&mut rig).await;
    let wanted = Wanted { restarted_at: Some("again".into()), ..Wanted::of("web", 2) };
    rig.write("service.yaml", wanted.text("web")).commit();
    rig.run(2 * HOUR).await;
    assert_eq!((failures(&rig), rig.reason(&key("web")).as_str()), (2, "RolledBack"));
    let held = rig.mark();
    rig.start();
    rig.run(DAY).await;
    assert_eq!(rig.operations_since(held), Vec::<String>::new());
    assert_eq!(rig.registrations().values().max(), Some(&1));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_held_image_stays_held_when_a_person_restarts_the_service() {
    let mut rig = Rig::new(3);
    after_a_failed_update(&mut rig).await;
    rig.update_by_hand("web", tree! { "forceNewDeployment" => true }).await;
    let mark = rig.mark();
    rig.run(DAY).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert_eq!((rig.live("web").as_str(), failures(&rig)), ("web:1", 1));
    rig.start();
    rig.run(3 * HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_stopped_deployment_is_held() {
    let mut rig = converged(3).await;
    rig.write("task.yaml", task("web", "nginx:slow", &[("slow-start", "10m")])).commit();
    rig.run(MINUTE).await;
    let arn = rig.service("web", |service| service.journal.last().unwrap().arn.clone());
    rig.by_hand("StopServiceDeployment", tree! { "serviceDeploymentArn" => arn, "stopType" => "ROLLBACK" }).await;
    let mark = rig.mark();
    rig.run(6 * HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert_eq!((rig.live("web").as_str(), rig.reason(&key("web")).as_str()), ("web:1", "RolledBack"));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_first_deployment_that_fails_is_held() {
    let mut rig = Rig::new(4);
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:broken", BROKEN));
    rig.write("service.yaml", Wanted::of("web", 2).text("web")).commit();
    rig.start();
    assert!(rig.until(2 * HOUR, |rig| rig.reason(&key("web")) == "RolloutFailed").await, "{:#?}", rig.stories());
    let mark = rig.mark();
    rig.run(DAY).await;
    rig.start();
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert_eq!(rig.reason(&key("web")), "RolloutFailed");
    rig.write("task.yaml", task("web", "nginx:good", &[])).commit();
    rig.converge(HOUR).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_a_breaker_the_deadline_tells_and_nothing_is_written() {
    let mut rig = Rig::new(5);
    let wanted = Wanted { breaker: false, deadline: "20m", ..Wanted::of("web", 2) };
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    rig.write("service.yaml", wanted.text("web")).commit();
    rig.start();
    rig.converge(HOUR).await;
    rig.write("task.yaml", task("web", "nginx:broken", BROKEN)).commit();
    rig.run(19 * MINUTE).await;
    assert_eq!(rig.reason(&key("web")), "RolloutInProgress");
    rig.run(3 * MINUTE).await;
    assert_eq!(rig.reason(&key("web")), "RolloutTimedOut");
    let mark = rig.mark();
    rig.run(DAY).await;
    rig.start();
    rig.run(HOUR).await;
    assert_eq!(rig.reason(&key("web")), "RolloutTimedOut");
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    // Out of it: another count in place, and another image by a deployment.
    rig.write("service.yaml", Wanted { count: 3, ..wanted }.text("web")).commit();
    rig.run(MINUTE).await;
    assert_eq!(rig.operations_since(mark), ["UpdateService"]);
    rig.write("task.yaml", task("web", "nginx:good", &[])).commit();
    rig.converge(HOUR).await;
    rig.assert_lawful();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_failed_is_held_even_when_ecs_no_longer_remembers() {
    let mut rig = Rig::new(3);
    after_a_failed_update(&mut rig).await;
    rig.settings.resync = HOUR;
    rig.start();
    rig.run(MINUTE).await;
    let mark = rig.mark();
    rig.run(89 * DAY).await;
    rig.service("web", |service| assert_eq!(service.journal.len(), 2));
    rig.run(2 * DAY).await;
    // ECS forgets what is older than 90 days.
    let (cluster, name) = ("prod".to_owned(), "web".to_owned());
    rig.sim.world().ecs.services.get_mut(&(cluster, name)).unwrap().journal.clear();
    rig.start();
    rig.run(DAY).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn going_back_to_the_live_image_ends_the_hold_without_a_deployment() {
    let mut rig = Rig::new(3);
    after_a_failed_update(&mut rig).await;
    let mark = rig.mark();
    rig.write("task.yaml", task("web", "nginx:1", &[])).commit();
    rig.converge(HOUR).await;
    assert!(!rig.operations_since(mark).contains(&"UpdateService".to_owned()), "{:?}", rig.operations_since(mark));
    rig.start();
    rig.converge(HOUR).await;
    let mark = rig.mark();
    rig.run(DAY).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert_eq!(rig.registrations().values().max(), Some(&1));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_definition_that_ecs_refuses_keeps_no_scale_out_waiting_and_is_not_asked_for_all_the_time() {
    let mut rig = converged(9).await;
    let mark = rig.mark();
    // What the embedded ECS refuses on Fargate, and the rules are not sure that ECS does.
    let limits = "image: nginx:2\n      ulimits: [{ name: core, softLimit: 0, hardLimit: 0 }]\n";
    let refused = task("web", "nginx:2", &[]).replace("image: nginx:2\n", limits);
    rig.write("task.yaml", refused).write("service.yaml", Wanted::of("web", 4).text("web")).commit();
    rig.run(4 * HOUR).await;
    let count = |operation: &str| rig.operations_since(mark).iter().filter(|one| *one == operation).count();
    assert_eq!((count("UpdateService"), count("RegisterTaskDefinition")), (1, 4), "{:?}", rig.operations_since(mark));
    assert_eq!(rig.live("web"), "web:1");
    assert_eq!(rig.reason(&key("web")), "DependencyNotReady");
    rig.write("task.yaml", task("web", "nginx:3", &[])).commit();
    rig.converge(HOUR).await;
    assert_eq!(rig.live("web"), "web:2");
}
