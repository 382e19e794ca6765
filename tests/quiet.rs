//! What is converged is left in peace, and looked at in as few calls as AWS's batches allow.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeMap;

use common::harness::{DAY, HOUR, MINUTE, Rig, Wanted, cluster, converged, task};
use common::lossy::{Lossy, mutates};

fn counted(way: &Lossy, from: usize) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for operation in way.way().calls.iter().skip(from) {
        *counted.entry(operation.clone()).or_default() += 1;
    }
    counted
}

fn writes(calls: &BTreeMap<String, usize>) -> Vec<(&str, usize)> {
    calls
        .iter()
        .filter(|(operation, _)| mutates(operation))
        .map(|(operation, count)| (operation.as_str(), *count))
        .collect()
}

/// Services of one task definition, so many in each of the clusters.
fn fleet(rig: &mut Rig, clusters: &[(&str, usize)]) {
    rig.write("task.yaml", task("web", "nginx:1", &[]));
    for (name, services) in clusters {
        rig.write(&format!("{name}.yaml"), cluster(name));
        for at in 0..*services {
            let wanted = Wanted { cluster: (*name).to_owned(), ..Wanted::of("web", 1) };
            rig.write(&format!("{name}/{at:03}.yaml"), wanted.text(&format!("s{at:03}")));
        }
    }
    rig.commit();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_day_passes_without_a_write() {
    let mut rig = converged(1).await;
    // Ones with behaviour of their own: replaced for ever by ECS, not by us.
    rig.write("dying-task.yaml", task("dying", "nginx:1", &[("exit-after", "5h")]));
    rig.write("dying.yaml", Wanted { minimum: 50, ..Wanted::of("dying", 3) }.text("dying")).commit();
    rig.converge(HOUR).await;
    let mark = rig.mark();
    rig.run(DAY / 2).await;
    rig.start();
    rig.run(DAY / 2).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
}

/// What looking at everything costs: `ceil(C/100)`, and for each cluster of N services `ceil(N/100) + ceil(N/10)`.
fn price(clusters: &[(&str, usize)]) -> BTreeMap<String, usize> {
    let sum = |batch: usize| clusters.iter().map(|(_, services)| services.div_ceil(batch)).sum::<usize>();
    let price =
        [("DescribeClusters", clusters.len().div_ceil(100)), ("ListServices", sum(100)), ("DescribeServices", sum(10))];
    price.into_iter().map(|(operation, count)| (operation.to_owned(), count)).collect()
}

async fn costs(clusters: &[(&str, usize)]) {
    let mut rig = Rig::new(2);
    fleet(&mut rig, clusters);
    let way = rig.start();
    let began = rig.clock.now();
    rig.converge(2 * HOUR).await;
    let services: usize = clusters.iter().map(|(_, services)| services).sum();
    let first = counted(&way, 0);
    let expected = [("CreateCluster", clusters.len()), ("CreateService", services), ("RegisterTaskDefinition", 1)];
    assert_eq!(writes(&first), expected);
    assert_eq!(first.get("DescribeTaskDefinition"), Some(&1), "is there one already");
    let took = rig.clock.now().since(began);
    println!("{services} services in {} clusters: {first:?} in {} s", clusters.len(), took.as_secs());

    rig.run(2 * MINUTE).await;
    let from = way.way().calls.len();
    rig.run(10 * rig.settings.resync).await;
    let ten: BTreeMap<String, usize> = price(clusters).into_iter().map(|(name, count)| (name, count * 10)).collect();
    assert_eq!(counted(&way, from), ten);

    // A new operator needs no more than that to know everything.
    let new = rig.start();
    let since = rig.clock.now();
    rig.run(MINUTE / 2).await;
    assert!(rig.is_ready(since));
    assert_eq!(counted(&new, 0), price(clusters));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_resync_costs_what_the_batches_allow() {
    for services in [1, 10, 11, 100, 101] {
        costs(&[("prod", services)]).await;
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn it_does_so_for_many_services_and_clusters() {
    costs(&[("prod", 250)]).await;
    costs(&[("blue", 1), ("green", 12), ("red", 101)]).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_commit_that_changes_nothing_writes_nothing() {
    let mut rig = Rig::new(3);
    fleet(&mut rig, &[("prod", 12)]);
    let way = rig.start();
    rig.converge(HOUR).await;
    rig.run(2 * MINUTE).await;
    let from = way.way().calls.len();
    rig.commit();
    rig.run(MINUTE / 2).await;
    let calls = counted(&way, from);
    assert_eq!(writes(&calls), []);
    assert_eq!(calls.get("DescribeServices"), None, "the next resync is soon enough");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_rollout_of_many_services_registers_once() {
    let mut rig = Rig::new(4);
    rig.options.rollouts_max = 100;
    fleet(&mut rig, &[("prod", 40)]);
    let way = rig.start();
    rig.converge(HOUR).await;
    let from = way.way().calls.len();
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    rig.converge(HOUR).await;
    let calls = counted(&way, from);
    println!("{calls:?}");
    assert_eq!(writes(&calls), [("RegisterTaskDefinition", 1), ("TagResource", 40), ("UpdateService", 40)]);
    assert_eq!(calls.get("ListServiceDeployments"), None);
    rig.assert_lawful();
}
