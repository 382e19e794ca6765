//! Digests held for a deployment (§2.11), zones brought into balance (§2.12).

use super::*;
use crate::sim::ecs::task;
use crate::sim::ecs::task::zone_of;

/// The digests that running tasks have.
fn digests(rig: &Rig) -> Vec<String> {
    let running = rig.world.ecs.tasks.values().filter(|task| task.is_running() && task.wanted);
    let mut found =
        running.flat_map(|task| task.containers.iter().filter_map(|one| one.digest.clone())).collect::<Vec<_>>();
    found.sort();
    found.dedup();
    found
}

fn revision(rig: &mut Rig) -> Tree {
    let arn = rig.primary().revision.clone();
    let answer = rig.call("DescribeServiceRevisions", &tree! { "serviceRevisionArns" => vec![arn] }).unwrap();
    answer.list("serviceRevisions")[0].list("containerImages")[0].clone()
}

#[test]
fn a_deployments_tasks_have_one_digest_though_the_tag_moves() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    rig.create(&web, 2, Tree::map());
    rig.run_until("steady", is_steady);
    let first = digests(&rig);
    assert_eq!(first.len(), 1);
    assert_eq!(revision(&mut rig).text("imageDigest"), Some(first[0].as_str()));
    task::push(&mut rig.world.ecs.outside.pushes, "nginx:1");
    rig.update(tree! { "desiredCount" => 4 });
    rig.run_until("scaled", |service| is_steady(service) && service.tasks.len() == 4);
    assert_eq!(digests(&rig), first, "the deployment holds it");
    rig.update(tree! { "forceNewDeployment" => true });
    rig.run_until("rolled", |service| is_steady(service) && service.deployments.len() == 1);
    let second = digests(&rig);
    assert_eq!(second.len(), 1);
    assert_ne!(second, first, "a new deployment looks again");
    assert_eq!(revision(&mut rig).text("imageDigest"), Some(second[0].as_str()));
}

#[test]
fn a_container_may_opt_out_and_zero_tasks_resolve_nothing() {
    let mut rig = Rig::new(7);
    let loose = rig.define_with(&[], tree! { "versionConsistency" => "disabled" });
    rig.create(&loose, 0, Tree::map());
    rig.run(60);
    assert_eq!(revision(&mut rig).text("imageDigest"), None);
    rig.update(tree! { "desiredCount" => 1 });
    rig.run(120);
    task::push(&mut rig.world.ecs.outside.pushes, "nginx:1");
    rig.update(tree! { "desiredCount" => 2 });
    rig.run(120);
    assert_eq!(digests(&rig).len(), 2);
}

/// Subnets of one zone, and one of another.
fn lopsided(rig: &Rig) -> Vec<String> {
    let zone = |name: &String| zone_of(&rig.world, name);
    let names = (0..).map(|number| format!("subnet-{number}"));
    let mut names = names.take(60).collect::<Vec<_>>();
    let other = names.iter().position(|name| zone(name) != zone(&names[0])).unwrap();
    let other = names.remove(other);
    let home = zone(&names[0]);
    let mut chosen = names.into_iter().filter(|name| zone(name) == home).take(3).collect::<Vec<_>>();
    chosen.push(other);
    chosen
}

/// Two of the other zone's tasks stand in the first: there was no capacity in theirs when they came.
fn create_lopsided(rig: &mut Rig, desired: i64, zones: &str) {
    let web = rig.define(&[]);
    let subnets = lopsided(rig);
    let (home, other) = (zone_of(&rig.world, &subnets[0]), zone_of(&rig.world, subnets.last().unwrap()));
    let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => subnets } };
    let given = input(&web, desired).with("networkConfiguration", network).with("availabilityZoneRebalancing", zones);
    rig.call("CreateService", &given).unwrap();
    rig.run_until("started", |service| service.tasks.len() == 8);
    let strayed = rig.world.ecs.tasks.values_mut().filter(|task| task.zone == other).take(2);
    strayed.for_each(|task| task.zone.clone_from(&home));
}

fn by_zone(rig: &Rig) -> Vec<i64> {
    let mut zones = std::collections::BTreeMap::<String, i64>::new();
    for task in rig.world.ecs.tasks.values().filter(|task| task.is_healthy()) {
        *zones.entry(task.zone.clone()).or_default() += 1;
    }
    let mut counts = zones.into_values().collect::<Vec<_>>();
    counts.sort_unstable();
    counts
}

#[test]
fn zones_are_brought_into_balance_within_the_bounds() {
    let mut rig = Rig::new(7);
    create_lopsided(&mut rig, 8, "ENABLED");
    rig.run_until("steady", is_steady);
    assert_eq!(by_zone(&rig), [2, 6]);
    for _ in 0..1800 {
        rig.run(1);
        let (total, healthy) = rig.counts();
        assert!(total <= 16 && healthy >= 8, "start first, then stop: {total} {healthy}");
    }
    assert_eq!(by_zone(&rig), [4, 4]);
    assert!(is_steady(rig.service()));
    rig.judge();
    let told = rig.messages();
    let count = |words: &str| told.iter().filter(|text| text.contains(words)).count();
    assert_eq!(count("is not AZ balanced with"), 1, "{told:#?}");
    assert_eq!((count("to AZ Rebalance: T."), count("due to AZ rebalancing: T.")), (2, 2), "{told:#?}");
    assert_eq!(count("is AZ balanced with 4 tasks in"), 1, "{told:#?}");
    let decisions = rig.world.ecs.decisions.len();
    rig.run(24 * 3600);
    assert_eq!(rig.world.ecs.decisions.len(), decisions, "what is balanced stays as it is");
}

#[test]
fn zones_stay_as_they_are_where_nobody_wants_it_otherwise_or_a_rollout_comes() {
    let mut rig = Rig::new(7);
    create_lopsided(&mut rig, 8, "DISABLED");
    rig.run(3600);
    assert_eq!(by_zone(&rig), [2, 6]);
    rig.update(tree! { "availabilityZoneRebalancing" => "ENABLED" });
    rig.run_until("moving", |service| service.tasks.len() == 9);
    rig.update(tree! { "forceNewDeployment" => true });
    rig.run(3600);
    assert_eq!((by_zone(&rig), rig.counts()), (vec![4, 4], (8, 8)));
    rig.judge();
}
