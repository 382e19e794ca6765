//! Two whole operators, one lease, one embedded ECS: whatever happens to the leader in the middle of its work, the end is
//! the one that a single undisturbed operator would have reached, and the standby writes nothing before its time.
#![cfg(feature = "kubernetes")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::time::Duration;

use common::api_server::{ApiServer, Way};
use common::harness::{HOUR, MINUTE, Operator, Rig, Wanted, key, task, web};
use ecs_operator::app::Election;
use ecs_operator::aws::alone;
use ecs_operator::lease::kubernetes::Leases;
use ecs_operator::lease::{LEASE_DURATION, RETRY_PERIOD};
use ecs_operator::shape::{Call, Tree};
use ecs_operator::tree;

/// What befalls the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    /// It is killed.
    Crash,
    /// It is asked to stop.
    Stop,
    /// It reaches AWS, and the API server no more.
    Cut,
    /// Somebody writes another holder into the Lease.
    Edit,
}

fn replica(rig: &Rig, server: &ApiServer, way: &Way, name: &str, seed: u64) -> Operator {
    rig.begin(|metrics| {
        let leases = Leases::new(server.client(way), rig.clock.clone(), "ecs", "ecs-operator").unwrap();
        Election::over(leases, &rig.clock, metrics, name.to_owned(), seed)
    })
}

fn leads(operator: &Operator) -> bool {
    operator.leadership.claim().is_ok()
}

/// A leader that has brought [`web`] about, and a standby that has seen it.
async fn pair(rig: &mut Rig, server: &ApiServer) -> (Operator, Way) {
    web(rig);
    let (way, other) = (Way::new(1), Way::new(2));
    let first = replica(rig, server, &way, "first", 1);
    assert!(rig.until(MINUTE, |_| leads(&first)).await, "nobody leads");
    rig.operator = Some(replica(rig, server, &other, "second", 2));
    rig.converge(HOUR).await;
    assert_eq!(rig.operator.as_ref().unwrap().writes(), 0, "the standby has written");
    (first, way)
}

/// How a story ended, and how many calls the first operator made.
struct End {
    picture: Tree,
    calls: usize,
}

/// A new image and another count; at the leader's call of that number from then on it is struck.
async fn tell(blow: Option<(usize, Blow)>) -> End {
    let mut rig = Rig::new(7);
    rig.settings.active = Duration::from_secs(12);
    let server = ApiServer::new(&rig.clock);
    let (first, way) = pair(&mut rig, &server).await;
    rig.write("task.yaml", task("web", "nginx:2", &[]));
    rig.write("service.yaml", Wanted { maximum: 150, ..Wanted::of("web", 3) }.text("web"));
    rig.commit();
    rig.tell(&first);
    let before = first.way.way().calls.len();
    let mut first = Some(first);
    if let Some((at, blow)) = blow {
        let reached = |_: &Rig| first.as_ref().unwrap().way.way().calls.len() - before >= at;
        assert!(rig.until(HOUR, reached).await, "{blow:?} {at} was not reached");
        strike(&rig, &server, &way, &mut first, blow).await;
    }
    let second_leads = || leads(rig.operator.as_ref().unwrap());
    let at_most = first.as_ref().filter(|_| second_leads()).map(Operator::writes);
    rig.converge(HOUR).await;
    let calls = first.as_ref().map_or(0, |first| first.way.way().calls.len() - before);
    let settled = rig.mark();
    rig.run(5 * MINUTE).await;
    assert_eq!(rig.operations_since(settled), Vec::<String>::new(), "{blow:?} is not quiet");
    rig.assert_lawful();
    let registrations = rig.registrations();
    assert!(registrations.values().all(|count| *count == 1), "{blow:?}: {registrations:?}");
    if let (Some(most), Some(first)) = (at_most, &first) {
        assert_eq!(first.writes(), most, "{blow:?}: it writes beside the other");
    }
    if blow.is_none() {
        assert_eq!(rig.operator.as_ref().unwrap().writes(), 0, "the standby has written");
    }
    End { picture: rig.picture(), calls }
}

async fn strike(rig: &Rig, server: &ApiServer, way: &Way, first: &mut Option<Operator>, blow: Blow) {
    let began = rig.clock.now();
    match blow {
        Blow::Crash => drop(first.take()),
        Blow::Stop => {
            first.take().unwrap().end().await;
            let took = rig.clock.now().since(began);
            assert!(took < Duration::from_secs(25), "it does not end in time: {took:?}");
        }
        Blow::Cut => way.weather().cut = true,
        Blow::Edit => server.edit(serde_json::json!({ "holderIdentity": "hand", "leaseDurationSeconds": 15 })),
    }
    // Whoever it is then: by hand the lease may come back to the first.
    let within = if blow == Blow::Stop { Duration::from_secs(3) } else { LEASE_DURATION + 3 * RETRY_PERIOD };
    let anybody = |rig: &Rig| {
        let second = leads(rig.operator.as_ref().unwrap());
        second || (blow == Blow::Edit && server.holder().as_deref() == Some("first"))
    };
    assert!(rig.until(within, anybody).await, "{blow:?}: nobody takes over within {within:?}");
}

async fn exhaust(blow: Blow) {
    let undisturbed = tell(None).await;
    assert!(undisturbed.calls > 8, "{} calls", undisturbed.calls);
    for at in (0..undisturbed.calls.min(24)).step_by(2) {
        let end = tell(Some((at, blow))).await;
        assert_eq!(end.picture, undisturbed.picture, "{blow:?} at call {at}");
    }
}

macro_rules! blows {
    ($($name:ident => $blow:expr,)*) => {$(
        #[tokio::test(flavor = "current_thread", start_paused = true)]
        async fn $name() {
            exhaust($blow).await;
        }
    )*};
}

blows! {
    a_leader_may_crash_at_any_call => Blow::Crash,
    a_leader_may_be_stopped_at_any_call => Blow::Stop,
    a_leader_may_lose_the_api_server_at_any_call => Blow::Cut,
    a_leader_may_be_written_out_of_its_lease_at_any_call => Blow::Edit,
}

/// Changes are due, and the standby says who makes them.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_standby_says_that_it_is_one_and_who_leads() {
    let mut rig = Rig::new(7);
    let server = ApiServer::new(&rig.clock);
    let (first, _way) = pair(&mut rig, &server).await;
    // It reaches the API server, and AWS no more.
    first.way.way().lost = true;
    rig.write("task.yaml", task("web", "nginx:2", &[]));
    rig.commit();
    rig.run(3 * MINUTE).await;
    let (reason, message) = rig.stories().remove("TaskDefinition/web").unwrap();
    assert_eq!(reason, "Standby", "{message}");
    assert!(message.contains("first leads"), "{message}");
    let told = |operator: &Operator| operator.status.borrow().lease.clone().unwrap();
    let second = rig.operator.as_ref().unwrap();
    assert_eq!((told(second).leads, told(second).leader.as_deref()), (false, Some("first")));
    assert_eq!((told(&first).leads, told(&first).leader.as_deref()), (true, Some("first")));
    assert_eq!(second.writes(), 0);
    drop(first);
    rig.converge(HOUR).await;
    assert_eq!(rig.reason(&key("web")), "Converged");
    assert!(told(rig.operator.as_ref().unwrap()).leads);
}

/// What was observed before the lease was won is not what is written on: somebody has changed the service meanwhile.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_new_leader_looks_before_it_writes() {
    let mut rig = Rig::new(7);
    let server = ApiServer::new(&rig.clock);
    let (first, _way) = pair(&mut rig, &server).await;
    drop(first);
    rig.write("service.yaml", Wanted::of("web", 4).text("web"));
    rig.commit();
    // Another operator, or the last write of the one that is gone, has done it already.
    rig.run(Duration::from_secs(5)).await;
    rig.update_by_hand("web", tree! { "desiredCount" => 4 }).await;
    let mark = rig.mark();
    rig.converge(HOUR).await;
    assert!(leads(rig.operator.as_ref().unwrap()));
    let writes = rig.operations_since(mark);
    assert!(!writes.contains(&"UpdateService".to_owned()), "{writes:?}: on an old observation");
}

/// The fence holds where calls are made: a leader that is cut off begins no write after its renew deadline.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_the_api_server_nothing_is_written() {
    let mut rig = Rig::new(7);
    let server = ApiServer::new(&rig.clock);
    let (first, _way) = pair(&mut rig, &server).await;
    server.state().away = true;
    rig.run(LEASE_DURATION).await;
    let mark = rig.mark();
    rig.write("task.yaml", task("web", "nginx:2", &[]));
    rig.commit();
    rig.tell(&first);
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    server.state().away = false;
    rig.converge(HOUR).await;
    assert_eq!(rig.live("web"), "web:2");
    drop(first);
}

/// Whoever writes has to say by what right: the way that reads go sends nothing else.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_reads_can_not_write() {
    let rig = Rig::new(8);
    let (person, mark) = (rig.person(), rig.mark());
    for call in [Call::ecs("UpdateService", tree! { "service" => "web" }), Call::ec2("DeleteSecurityGroup", tree! {})] {
        let refused = person.read(&call).await.unwrap_err();
        assert!(refused.message.contains("changes something"), "{refused}");
    }
    assert_eq!(rig.mark(), mark, "something was sent");
    person.write(&Call::ecs("CreateCluster", tree! { "clusterName" => "c" }), alone).await.unwrap();
    assert_eq!(rig.operations_since(mark), ["CreateCluster"]);
}
