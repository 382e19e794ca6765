//! Whatever people do to a group and its tasks: it comes to rest with as many machines as its tasks need, and it takes
//! no task along.

use proptest::prelude::*;

use super::scaling::{Rig, was_lost};
use super::*;
use crate::sim::ecs::capacity_provider::auto_scaling::Said;
use crate::sim::ecs::instance::{End, halt};
use crate::sim::ecs::task::LastStatus;

/// Something a person does.
#[derive(Clone, Debug)]
enum Act {
    Wait(u64),
    Scale(i64),
    Run(i64),
    StopTask,
    Desire(i64),
    Drain,
    Terminate,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1..1_500u64).prop_map(Act::Wait),
        3 => (0..9i64).prop_map(Act::Scale),
        2 => (1..5i64).prop_map(Act::Run),
        2 => Just(Act::StopTask),
        1 => (0..7i64).prop_map(Act::Desire),
        1 => Just(Act::Drain),
        1 => Just(Act::Terminate),
    ]
}

/// The oldest machine that people may take away.
fn machine(rig: &Rig) -> Option<(String, String)> {
    rig.machines().iter().min_by_key(|one| one.registered).map(|one| one.key())
}

fn perform(rig: &mut Rig, act: &Act) {
    match act {
        Act::Wait(secs) => rig.pass(*secs),
        Act::Scale(desired) => rig.scale(*desired),
        Act::Run(count) => drop(rig.run("half", *count)),
        Act::StopTask => {
            let arn = rig.tasks(LastStatus::Running).first().map(|task| task.arn.clone());
            if let Some(arn) = arn {
                rig.ask("StopTask", tree! { "task" => arn });
            }
        }
        Act::Desire(desired) => rig.group(Said { desired: Some(*desired), ..Said::default() }),
        Act::Drain => {
            if let Some((_, id)) = machine(rig) {
                let input = tree! { "containerInstances" => vec![id], "status" => "DRAINING" };
                rig.ask("UpdateContainerInstancesState", input);
            }
        }
        Act::Terminate => {
            if let Some(key) = machine(rig) {
                halt(&mut rig.world, &key, End::Terminated);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn a_group_comes_to_rest_where_its_tasks_need_it(
        acts in prop::collection::vec(act(), 1..14),
        target in prop_oneof![Just(100i64), 30..100i64],
        protected in any::<bool>(),
    ) {
        let word = if protected { "ENABLED" } else { "DISABLED" };
        let scaling = tree! { "targetCapacity" => target };
        let mut rig = Rig::new(scaling, tree! { "managedTerminationProtection" => word });
        rig.serve("whole", 2);
        for act in &acts {
            perform(&mut rig, act);
        }
        let taken = acts.iter().any(|act| matches!(act, Act::Terminate));
        let lost = rig.world.ecs.tasks.values().filter(|task| was_lost(task)).count();
        prop_assert!(taken || lost == 0, "{} tasks were lost", lost);
        rig.pass(4 * 3_600);
        let wanted = rig.world.ecs.tasks.values().filter(|task| task.wanted).count();
        prop_assert_eq!(rig.running(), wanted, "{:#?}", rig.messages());
        let desired = rig.world.ecs.services.values().next().unwrap().desired;
        let serving = rig.tasks(LastStatus::Running).iter().filter(|task| task.service.is_some()).count();
        prop_assert_eq!(i64::try_from(serving).unwrap(), desired);
        // A machine on its way out may have a standalone task still.
        let group = &rig.world.ecs.groups["web"];
        let staying = group.staying(&rig.world.ecs).collect::<Vec<_>>();
        let busy = staying.iter().filter(|one| !one.tasks.is_empty()).count();
        let there = i64::try_from(staying.len()).unwrap();
        prop_assert_eq!(there, (i64::try_from(busy).unwrap() * 100 + target - 1) / target);
        prop_assert!(rig.is_quiet(), "it is looked at for ever");
    }
}
