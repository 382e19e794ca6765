//! Whatever people and containers do, in whatever order: every decision keeps the bounds, and the same seed gives the
//! same world.

use proptest::prelude::*;

use super::*;
use crate::sim::ecs::service::{State, Status};

/// Something a person does.
#[derive(Clone, Debug)]
enum Act {
    Wait(u64),
    Scale(i64),
    Deploy(usize),
    Force,
    Percents(i64, i64),
    StopTask,
    Recreate,
    StopDeployment,
}

/// Containers of every kind.
const BEHAVIOURS: &[(bool, &[(&str, &str)])] = &[
    (false, &[]),
    (true, &[]),
    (false, &[("exit-after", "20"), ("exit-code", "1")]),
    (false, &[("exit-after", "0")]),
    (false, &[("fail-to-start", "CannotPullContainerError: gone")]),
    (true, &[("unhealthy-after", "5")]),
    (true, &[("unhealthy-after", "90")]),
    (false, &[("slow-start", "200")]),
    (false, &[("stop-takes", "100")]),
];

fn percentages() -> impl Strategy<Value = (i64, i64)> {
    (0..=100i64, 100..=300i64).prop_filter("refused", |(minimum, maximum)| (*minimum, *maximum) != (100, 100))
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1..900u64).prop_map(Act::Wait),
        2 => (0..9i64).prop_map(Act::Scale),
        3 => (0..BEHAVIOURS.len()).prop_map(Act::Deploy),
        1 => Just(Act::Force),
        1 => percentages().prop_map(|(minimum, maximum)| Act::Percents(minimum, maximum)),
        1 => Just(Act::StopTask),
        1 => Just(Act::Recreate),
        1 => Just(Act::StopDeployment),
    ]
}

fn define(rig: &mut Rig, behaviour: usize) -> String {
    let (checked, labels) = BEHAVIOURS[behaviour];
    if checked { rig.define_checked(labels) } else { rig.define(labels) }
}

fn perform(rig: &mut Rig, act: &Act) {
    match act {
        Act::Wait(secs) => rig.run(*secs),
        Act::Scale(desired) => drop(rig.update(tree! { "desiredCount" => *desired })),
        Act::Deploy(behaviour) => {
            let next = define(rig, *behaviour);
            rig.update(tree! { "taskDefinition" => next });
        }
        Act::Force => drop(rig.update(tree! { "forceNewDeployment" => true })),
        Act::Percents(minimum, maximum) => {
            let input = tree! { "deploymentConfiguration" => percents(*minimum, *maximum) };
            rig.update(input.with("availabilityZoneRebalancing", "DISABLED"));
        }
        Act::Recreate => {
            rig.call("DeleteService", &tree! { "service" => "web", "force" => true }).unwrap();
            rig.run_until("inactive", |service| service.status == Status::Inactive);
            let web = define(rig, 0);
            rig.create(&web, 2, percents(50, 200));
        }
        Act::StopDeployment => {
            let arn = rig.service().journal.last().unwrap().arn.clone();
            if let Err(fault) = rig.call("StopServiceDeployment", &tree! { "serviceDeploymentArn" => arn }) {
                assert_eq!(fault.code, "ConflictException");
            }
        }
        Act::StopTask => {
            let id = rig.service().tasks.first().cloned();
            if let Some(id) = id {
                rig.call("StopTask", &tree! { "task" => id }).unwrap();
            }
        }
    }
}

fn story(seed: u64, desired: i64, configuration: &Tree, acts: &[Act]) -> Rig {
    let mut rig = Rig::new(seed);
    let web = define(&mut rig, 0);
    rig.create(&web, desired, configuration.clone());
    for act in acts {
        perform(&mut rig, act);
    }
    rig
}

fn configuration() -> impl Strategy<Value = Tree> {
    (percentages(), any::<bool>(), any::<bool>()).prop_map(|((minimum, maximum), enable, rollback)| {
        percents(minimum, maximum)
            .with("deploymentCircuitBreaker", tree! { "enable" => enable, "rollback" => rollback })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_decision_is_lawful_and_good_revisions_converge(
        seed in any::<u64>(),
        desired in 0..9i64,
        configuration in configuration(),
        acts in prop::collection::vec(act(), 1..12),
    ) {
        let mut rig = story(seed, desired, &configuration, &acts);
        rig.judge();
        // Faults stop: with room to move, a good revision arrives, whatever went before.
        rig.update(tree! { "deploymentConfiguration" => percents(50, 200) });
        let good = define(&mut rig, 0);
        rig.update(tree! { "taskDefinition" => &good });
        rig.run(3600);
        rig.judge();
        let service = rig.service();
        prop_assert!(is_steady(service), "{:#?}\n{:#?}", rig.messages(), service.deployments);
        prop_assert_eq!(service.deployments.len(), 1);
        prop_assert!(service.spec.text("taskDefinition").unwrap().ends_with(&good));
        prop_assert_eq!(rig.counts(), (service.desired, service.desired));
        prop_assert!(service.journal.iter().all(|entry| entry.finished.is_some()), "{:#?}", service.journal);
        prop_assert_eq!(service.journal.last().unwrap().status, State::Successful);
    }

    #[test]
    fn with_desired_constant_and_no_failures_the_counts_stay_inside(
        seed in any::<u64>(),
        desired in 1..12i64,
        (minimum, maximum) in percentages(),
        supersede_after in 1..120u64,
    ) {
        let mut rig = Rig::new(seed);
        let web = define(&mut rig, 0);
        rig.create(&web, desired, percents(minimum, maximum));
        rig.run_until("steady", is_steady);
        let bounds = rig.service().bounds();
        rig.update(tree! { "forceNewDeployment" => true });
        for second in 0..1200 {
            rig.run(1);
            let (total, healthy) = rig.counts();
            prop_assert!(total <= bounds.upper && healthy >= bounds.lower, "{total} {healthy} {bounds:?}");
            if second == supersede_after {
                rig.update(tree! { "forceNewDeployment" => true });
            }
        }
        rig.judge();
        let moves = bounds.lower < desired || bounds.upper > desired;
        prop_assert_eq!(rig.service().deployments.len(), if moves { 1 } else { rig.service().deployments.len() });
    }

    #[test]
    fn the_same_seed_gives_the_same_world(
        seed in any::<u64>(),
        configuration in configuration(),
        acts in prop::collection::vec(act(), 1..6),
    ) {
        let dump = || format!("{:?}", story(seed, 3, &configuration, &acts).world);
        prop_assert_eq!(dump(), dump());
    }
}
