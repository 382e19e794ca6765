//! Whatever is run, stopped, protected, interrupted and retired, in whatever order: addresses and volumes are given
//! back, counts agree, decisions keep the bounds, and the same seed gives the same world.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::rig::Rig;
use crate::shape::Tree;
use crate::sim::ecs::service::Decision;
use crate::sim::ecs::task::{LastStatus, interruption, retirement};
use crate::sim::world::Settings;
use crate::tree;

#[derive(Clone, Debug)]
enum Act {
    Wait(u64),
    Run { count: i64, spot: bool, kept: bool, token: Option<u8> },
    Stop(usize),
    Protect { task: usize, on: bool, minutes: i64 },
    Interrupt(usize),
    Retire { task: Option<usize>, days: u64 },
    Scale(i64),
    Deploy,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1..400u64).prop_map(Act::Wait),
        3 => (1..5i64, any::<bool>(), any::<bool>(), proptest::option::of(0..3u8))
            .prop_map(|(count, spot, kept, token)| Act::Run { count, spot, kept, token }),
        2 => (0..20usize).prop_map(Act::Stop),
        3 => (0..20usize, any::<bool>(), 1..120i64).prop_map(|(task, on, minutes)| Act::Protect { task, on, minutes }),
        1 => (0..20usize).prop_map(Act::Interrupt),
        1 => (proptest::option::of(0..20usize), 0..2u64).prop_map(|(task, days)| Act::Retire { task, days }),
        1 => (0..5i64).prop_map(Act::Scale),
        1 => Just(Act::Deploy),
    ]
}

fn volumes(kept: bool) -> Vec<Tree> {
    let policy = tree! { "deleteOnTermination" => !kept };
    let ebs = tree! { "roleArn" => "arn:aws:iam::1:role/r", "sizeInGiB" => 1, "terminationPolicy" => policy };
    vec![tree! { "name" => "data", "managedEBSVolume" => ebs }]
}

fn chosen(rig: &Rig, place: usize) -> Option<String> {
    let arns = rig.world.ecs.tasks.values().map(|task| task.arn.clone()).collect::<Vec<_>>();
    arns.get(place % arns.len().max(1)).cloned()
}

fn perform(rig: &mut Rig, act: &Act) {
    match act {
        Act::Wait(secs) => rig.wait(*secs),
        Act::Run { count, spot, kept, token } => {
            let more = tree! { "count" => *count, "volumeConfigurations" => volumes(*kept) };
            let spot = spot.then(|| vec![tree! { "capacityProvider" => "FARGATE_SPOT", "weight" => 1 }]);
            let more = more.with_some("capacityProviderStrategy", spot);
            let more = more.with_some("clientToken", token.map(|token| format!("t{token}")));
            if let Err(fault) = rig.call("RunTask", super::rig::running(more)) {
                assert_eq!(fault.code, "ConflictException");
            }
        }
        Act::Stop(place) => {
            let Some(task) = chosen(rig, *place) else { return };
            rig.ask("StopTask", tree! { "task" => task });
        }
        Act::Protect { task, on, minutes } => {
            let Some(task) = chosen(rig, *task) else { return };
            let input = tree! { "cluster" => "default", "tasks" => vec![task], "protectionEnabled" => *on };
            rig.ask("UpdateTaskProtection", input.with_some("expiresInMinutes", on.then_some(*minutes)));
        }
        Act::Interrupt(place) => {
            let Some(task) = chosen(rig, *place) else { return };
            drop(interruption::by_hand(&mut rig.world, &task));
        }
        Act::Retire { task, days } => {
            let whose = match task.map(|place| chosen(rig, place)) {
                Some(Some(task)) => retirement::Whose::Task(task),
                _ => retirement::Whose::Service("default/web".into()),
            };
            drop(retirement::announce(&mut rig.world, &whose, Some(*days)));
        }
        Act::Scale(desired) => rig.update(tree! { "desiredCount" => *desired }),
        Act::Deploy => rig.update(tree! { "forceNewDeployment" => true }),
    }
}

/// What holds at any moment.
fn judge(rig: &Rig) {
    let ecs = &rig.world.ecs;
    let holding = || ecs.tasks.values().filter(|task| task.last < LastStatus::Stopped);
    let own =
        |task: &'_ super::super::Task| task.interface.as_ref().map(|one| (one.subnet.clone(), one.address.clone()));
    let addresses = holding().filter_map(own).collect::<BTreeSet<_>>();
    assert_eq!(addresses.len(), holding().count(), "no two tasks have one address");
    for task in ecs.tasks.values().filter(|task| task.last >= LastStatus::Stopped) {
        assert!(task.interface.as_ref().is_none_or(|one| one.status == "DELETED"));
        assert!(task.tags.is_empty() && task.protected_until.is_none());
        assert!(task.disks.iter().all(|disk| ecs.volumes.contains_key(&disk.volume) != disk.deleted_with_task));
    }
    let attached = ecs.volumes.values().filter_map(|volume| volume.attached_to.clone()).collect::<BTreeSet<_>>();
    assert_eq!(attached, holding().filter(|task| !task.disks.is_empty()).map(|task| task.key()).collect());
    for task in ecs.tasks.values() {
        assert!(task.protected_until.is_none() || task.service.is_some(), "only service tasks are protected");
        assert_eq!(task.wanted, task.stop.is_none());
    }
    let unlawful = ecs.decisions.iter().find(|decision| !Decision::is_lawful(decision));
    assert_eq!(unlawful, None);
}

fn play(seed: u64, acts: &[Act]) -> Rig {
    let mut rig = Rig::new(Settings { seed, ..Settings::default() });
    rig.define("app", &[], tree! { "volumes" => vec![tree! { "name" => "data", "configuredAtLaunch" => true }] });
    rig.serve(2, (50, 200), tree! { "volumeConfigurations" => service_volumes() });
    for act in acts {
        perform(&mut rig, act);
        judge(&rig);
    }
    rig
}

fn service_volumes() -> Vec<Tree> {
    let ebs = tree! { "roleArn" => "arn:aws:iam::1:role/r", "sizeInGiB" => 1 };
    vec![tree! { "name" => "data", "managedEBSVolume" => ebs }]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_is_given_back(seed in 0..1_000u64, acts in proptest::collection::vec(act(), 1..30)) {
        let mut rig = play(seed, &acts);
        let shown = rig.ask("DescribeClusters", tree! {}).list("clusters")[0].clone();
        let (running, pending) = (shown.int("runningTasksCount"), shown.int("pendingTasksCount"));
        let tasks = || rig.world.ecs.tasks.values();
        let count = |of: usize| i64::try_from(of).ok();
        prop_assert_eq!(running, count(tasks().filter(|task| task.is_running()).count()));
        prop_assert_eq!(pending, count(tasks().filter(|task| task.is_pending()).count()));

        rig.update(tree! { "desiredCount" => 0 });
        for place in 0..rig.world.ecs.tasks.len() {
            perform(&mut rig, &Act::Stop(place));
        }
        // Longer than any protection, and than anything takes to stop; the notices' dates are over, too.
        for _ in 0..60 {
            rig.wait(3_600);
            judge(&rig);
        }
        prop_assert!(rig.world.ecs.tasks.is_empty());
        prop_assert!(rig.world.ecs.volumes.values().all(|volume| volume.attached_to.is_none()));
    }

    #[test]
    fn the_same_seed_gives_the_same_world(seed in 0..1_000u64, acts in proptest::collection::vec(act(), 1..20)) {
        let (one, other) = (play(seed, &acts), play(seed, &acts));
        prop_assert_eq!(format!("{:?}", one.world.ecs.tasks), format!("{:?}", other.world.ecs.tasks));
        prop_assert_eq!(one.messages(), other.messages());
    }
}
