//! Subnets and security groups by selector terms: what they come to is found out once for all services, what moves in
//! EC2 is drift, and what can't be found out changes nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeMap;

use common::harness::{DAY, HOUR, MINUTE, Rig, Wanted, cluster, key, task};
use common::lossy::Lossy;
use common::network::{Network, subnets_of};
use ecs_operator::cli::plan::text;
use ecs_operator::cli::terminal::Terminal;

/// A service of one task in the subnets of a tier, with the security group of a name.
fn service(name: &str, tier: &str, wanted: &Wanted) -> String {
    let terms = format!(
        "    subnetSelectorTerms: [{{ tags: {{ tier: {tier} }} }}]\n    securityGroupSelectorTerms: [{{ name: web }}]\n    \
         awsvpcConfiguration: {{ assignPublicIp: ENABLED }}\n"
    );
    common::network::with_network(&wanted.text(name), &terms)
}

fn fleet(rig: &mut Rig, count: usize) {
    fleet_of(rig, count, 1);
}

fn fleet_of(rig: &mut Rig, count: usize, tasks: u32) {
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    for at in 0..count {
        let (name, tier) = (format!("s{at:04}"), if at % 2 == 0 { "even" } else { "odd" });
        rig.write(&format!("{name}.yaml"), service(&name, tier, &Wanted::of("web", tasks)));
    }
    rig.commit();
}

/// A VPC with ten subnets of each tier.
fn network(rig: &Rig) -> Network {
    let network = Network::new(rig);
    for at in 0..20 {
        network.subnet(at, &[("tier", if at % 2 == 0 { "even" } else { "odd" })]);
    }
    network.group("web");
    network
}

fn asked(way: &Lossy, from: usize) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    let of_ec2 = |operation: &&String| operation.contains("Subnet") || operation.contains("SecurityGroup");
    for operation in way.way().calls.iter().skip(from).filter(of_ec2) {
        *counted.entry(operation.clone()).or_default() += 1;
    }
    counted
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_it_costs_does_not_grow_with_the_services() {
    let mut costs = Vec::new();
    for count in [10, 1000] {
        let mut rig = Rig::new(1);
        network(&rig);
        // Without tasks: what is counted here is how often EC2 is asked.
        fleet_of(&mut rig, count, 0);
        let way = rig.start();
        let began = rig.clock.now();
        rig.converge(2 * HOUR).await;
        // Preflight looks before creations, at all of them together: one look in five seconds, however many there are.
        let looks = usize::try_from(rig.clock.now().since(began).as_secs() / 5).unwrap() + 2;
        let first = asked(&way, 0);
        assert!(first.values().all(|calls| *calls <= looks + 2), "{first:?} in {looks} looks");
        let from = way.way().calls.len();
        rig.run(10 * rig.settings.resync).await;
        costs.push(asked(&way, from));
    }
    let ten = [("DescribeSecurityGroups", 10), ("DescribeSubnets", 10)];
    assert_eq!(costs[0], ten.into_iter().map(|(name, calls)| (name.to_owned(), calls)).collect());
    assert_eq!(costs[0], costs[1]);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_terms_nothing_is_asked_and_a_day_with_them_passes_without_a_write() {
    let mut rig = common::harness::converged(1).await;
    // What preflight asks before a creation is behind us.
    let way = rig.operator.as_ref().unwrap().way.clone();
    let from = way.way().calls.len();
    rig.run(HOUR).await;
    assert_eq!(asked(&way, from), BTreeMap::new());

    network(&rig);
    fleet(&mut rig, 3);
    rig.converge(HOUR).await;
    let mark = rig.mark();
    rig.run(DAY / 2).await;
    rig.start();
    rig.run(DAY / 2).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_moves_in_ec2_is_deployed_as_drift() {
    let mut rig = Rig::new(2);
    let network = network(&rig);
    fleet(&mut rig, 4);
    rig.start();
    rig.converge(HOUR).await;
    let before = subnets_of(&rig, "s0000");
    assert_eq!(before.len(), 10);

    let mark = rig.mark();
    let new = network.subnet(30, &[("tier", "even")]);
    rig.run(20 * MINUTE).await;
    rig.converge(HOUR).await;
    assert_eq!(rig.operations_since(mark).iter().filter(|one| *one == "UpdateService").count(), 2);
    assert!(subnets_of(&rig, "s0000").contains(&new) && !subnets_of(&rig, "s0001").contains(&new));

    // Moved back, it is moved back; and the same again after the loss of all memory.
    rig.start();
    network.tag(&new, "tier", "none");
    rig.run(20 * MINUTE).await;
    rig.converge(HOUR).await;
    assert_eq!(subnets_of(&rig, "s0000"), before);
    rig.assert_lawful();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_moves_under_many_services_waits_for_a_commit() {
    let mut rig = Rig::new(3);
    let network = network(&rig);
    fleet(&mut rig, 14);
    rig.start();
    rig.converge(HOUR).await;
    let new = network.subnet(30, &[("tier", "even")]);
    let mark = rig.mark();
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert_eq!((rig.reason(&key("s0000")), rig.reason(&key("s0001"))), ("MassChange".into(), "Converged".into()));
    rig.commit();
    rig.converge(2 * HOUR).await;
    assert!(subnets_of(&rig, "s0012").contains(&new));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_failed_image_is_held_whatever_moves_in_ec2() {
    let mut rig = Rig::new(4);
    let network = network(&rig);
    fleet(&mut rig, 1);
    rig.start();
    rig.converge(HOUR).await;
    let broken = [("fail-to-start", "CannotPullContainerError: gone")];
    rig.write("task.yaml", task("web", "nginx:broken", &broken)).commit();
    assert!(rig.until(2 * HOUR, |rig| rig.reason(&key("s0000")) == "RolledBack").await, "{:#?}", rig.stories());
    rig.run(10 * MINUTE).await;
    network.subnet(30, &[("tier", "even")]);
    let mark = rig.mark();
    rig.run(2 * HOUR).await;
    rig.start();
    rig.run(2 * HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert_eq!(rig.reason(&key("s0000")), "RolledBack");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn while_ec2_can_not_be_asked_nothing_is_deployed_and_changes_in_place_are_made() {
    let refusals = [(503, "RequestLimitExceeded"), (403, "UnauthorizedOperation"), (500, "InternalError")];
    for refusal in refusals {
        let mut rig = Rig::new(5);
        network(&rig);
        fleet(&mut rig, 2);
        let way = rig.start();
        rig.converge(HOUR).await;
        let mark = rig.mark();
        way.way().refused =
            ["DescribeSubnets", "DescribeSecurityGroups"].into_iter().map(|one| (one, refusal)).collect();
        rig.run(MINUTE).await;
        assert_eq!(rig.reason(&key("s0000")), "Converged", "one failure is no news: {refusal:?}");
        rig.run(20 * MINUTE).await;
        assert_eq!(rig.operations_since(mark), Vec::<String>::new(), "{refusal:?}");
        let (reason, message) = rig.stories().remove(&key("s0000")).unwrap();
        assert!(reason == "LookupUnobserved" && message.contains(refusal.1), "{reason}: {message}");
        let action = message.contains("grant the role ec2:DescribeSubnets");
        assert_eq!(action, refusal.1 == "UnauthorizedOperation", "{message}");

        rig.write("task.yaml", task("web", "nginx:2", &[]));
        rig.write("s0000.yaml", service("s0000", "even", &Wanted::of("web", 3))).commit();
        rig.run(20 * MINUTE).await;
        let writes = rig.operations_since(mark);
        assert_eq!(writes, ["RegisterTaskDefinition", "UpdateService"], "{refusal:?}");
        assert_eq!((rig.live("s0000").as_str(), rig.service("s0000", |one| one.desired)), ("web:1", 3));

        way.way().refused.clear();
        rig.converge(HOUR).await;
        assert_eq!((rig.live("s0000").as_str(), rig.live("s0001").as_str()), ("web:2", "web:2"));
        rig.assert_lawful();
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_matches_nothing_is_told_and_left() {
    let mut rig = Rig::new(6);
    let network = network(&rig);
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    rig.write("web.yaml", service("web", "evn", &Wanted::of("web", 1))).commit();
    rig.start();
    rig.run(10 * MINUTE).await;
    let (reason, message) = rig.stories().remove(&key("web")).unwrap();
    assert!(reason == "LookupUnresolved" && message.contains("did you mean even?"), "{reason}: {message}");
    assert!(rig.sim.world().ecs.services.is_empty());

    network.subnet(30, &[("tier", "evn")]);
    rig.converge(HOUR).await;
    // What is there already is left alone when all it stands for is gone.
    network.tag(&subnets_of(&rig, "web")[0], "tier", "gone");
    let mark = rig.mark();
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert_eq!(rig.reason(&key("web")), "LookupUnresolved");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_plan_shows_what_terms_come_to() {
    let mut rig = Rig::new(7);
    let network = network(&rig);
    let (here, there) = (network.subnet(39, &[("tier", "db")]), network.subnet(40, &[("tier", "db")]));
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    rig.write("web.yaml", service("web", "db", &Wanted::of("web", 1))).commit();
    let shown = text(&rig.view().await, &Terminal { width: 200, ..Terminal::PLAIN });
    let line = format!("      subnets: [{here} (us-east-1a), {there} (us-east-1b)]  # from subnetSelectorTerms\n");
    assert!(shown.contains(&line), "{shown}");
    assert!(shown.contains("(web)]  # from securityGroupSelectorTerms\n"), "{shown}");
    let place = "web.yaml:15:26";
    assert!(shown.contains(place), "{shown}");

    rig.start();
    rig.converge(HOUR).await;
    network.tag(&here, "tier", "none");
    let shown = text(&rig.view().await, &Terminal { width: 200, ..Terminal::PLAIN });
    assert!(shown.contains("drift") && shown.contains(&format!("subnets[{here}]")), "{shown}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn thousands_of_subnets_come_in_pages() {
    let mut rig = Rig::new(8);
    let network = Network::of(&rig, 28);
    let all: Vec<String> = (0..2100).map(|at| network.subnet(at, &[])).collect();
    network.group("web");
    network.tag(&all[0], "tier", "even");
    network.tag(&all[2099], "tier", "even");
    fleet(&mut rig, 1);
    let way = rig.start();
    rig.converge(HOUR).await;
    let mut expected = vec![all[0].clone(), all[2099].clone()];
    expected.sort();
    let mut found = subnets_of(&rig, "s0000");
    found.sort();
    assert_eq!(found, expected);
    let from = way.way().calls.len();
    rig.run(10 * rig.settings.resync).await;
    assert_eq!(asked(&way, from)["DescribeSubnets"], 30);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_same_seed_makes_the_same_calls() {
    let mut logs = Vec::new();
    for _ in 0..2 {
        let mut rig = Rig::new(9);
        let network = network(&rig);
        fleet(&mut rig, 6);
        rig.start();
        rig.converge(HOUR).await;
        network.subnet(30, &[("tier", "even")]);
        rig.run(HOUR).await;
        let calls = rig.sim.world().calls().iter().map(|call| format!("{call:?}")).collect::<Vec<_>>();
        logs.push(calls);
    }
    assert_eq!(logs[0], logs[1]);
}
