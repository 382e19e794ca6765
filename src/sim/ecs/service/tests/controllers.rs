//! Services that change their deployment controller (ecs-semantics §2.13).

use super::task_sets::{balanced, external, set};
use super::*;
use crate::sim::ecs::service::State;

fn switch(kind: &str) -> Tree {
    tree! { "service" => "web", "deploymentController" => tree! { "type" => kind } }
}

fn refused(rig: &mut Rig, given: &Tree) -> String {
    rig.call("UpdateService", given).unwrap_err().message
}

/// What the service shows agrees, and one deployment of that definition runs what is wanted.
fn is_ecss(rig: &mut Rig, definition: &str, desired: i64) {
    rig.run_until("rolled", |service| is_steady(service) && service.deployments.len() == 1);
    let shown = rig.shown();
    assert_eq!(shown.at(&["deploymentController", "type"]).and_then(Tree::as_text), Some("ECS"));
    assert_eq!(shown.get("taskSets"), None);
    assert!(shown.text("taskDefinition").unwrap().ends_with(definition), "{shown:?}");
    let deployments = shown.list("deployments");
    assert_eq!((deployments.len(), deployments[0].text("rolloutState")), (1, Some("COMPLETED")));
    assert_eq!((deployments[0].int("runningCount"), shown.int("runningCount")), (Some(desired), Some(desired)));
    assert_eq!(rig.counts(), (desired, desired));
    assert_eq!(rig.service().journal.last().unwrap().status, State::Successful);
    rig.judge();
}

#[test]
fn code_deploys_task_sets_are_replaced_by_ecs() {
    let mut rig = Rig::new(7);
    let (one, two) = (rig.define(&[]), rig.define(&[]));
    rig.call("CreateService", &balanced(&one, 2)).unwrap();
    rig.run(180);
    rig.call("CreateTaskSet", &set(&two, 100.0)).unwrap();
    rig.run(180);
    assert_eq!(rig.counts(), (4, 4), "blue and green");
    rig.world.ecs.decisions.clear();
    rig.update(switch("ECS"));
    is_ecss(&mut rig, &one, 2);
    // From here on it rolls as all services of ECS do, and back.
    let bad = rig.define(&[("fail-to-start", "CannotPullContainerError: gone")]);
    rig.update(tree! { "taskDefinition" => bad, "deploymentConfiguration" => breaker(true) });
    rig.run_until("rolled back", |service| service.journal.last().unwrap().status == State::RollbackSuccessful);
    assert!(rig.shown().text("taskDefinition").unwrap().ends_with(&one));
    assert_eq!(rig.call("CreateTaskSet", &set(&two, 100.0)).unwrap_err().code, "InvalidParameterException");
}

#[test]
fn code_deploys_service_goes_on_with_blue_green_of_ecs() {
    let mut rig = Rig::new(7);
    let one = rig.define(&[]);
    let given = balanced(&one, 2);
    rig.call("CreateService", &given).unwrap();
    rig.run(180);
    let next = rig.define(&[]);
    let advanced = tree! {
        "alternateTargetGroupArn" => "arn:green", "productionListenerRule" => "arn:rule/app/x", "roleArn" => "arn:role",
    };
    let balancer = given.list("loadBalancers")[0].clone().with("advancedConfiguration", advanced);
    let over = switch("ECS")
        .with("taskDefinition", &*next)
        .with("loadBalancers", vec![balancer])
        .with("deploymentConfiguration", tree! { "strategy" => "BLUE_GREEN", "bakeTimeInMinutes" => 1 });
    rig.update(over);
    rig.run(45);
    let old = rig.service().deployments.last().unwrap().id.clone();
    assert_ne!(rig.primary().id, old);
    let blue = rig.world.ecs.tasks.values().filter(|task| task.started_by.as_ref() == Some(&old) && task.is_healthy());
    assert_eq!(blue.count(), 2, "what CodeDeploy deployed is the source");
    is_ecss(&mut rig, &next, 2);
    let groups = rig.world.ecs.tasks.values().filter(|task| task.is_healthy()).flat_map(|task| task.targets.clone());
    assert_eq!(groups.collect::<Vec<_>>(), ["arn:green", "arn:green"]);
}

#[test]
fn an_external_service_is_taken_over_with_its_task_sets_or_without() {
    for sets in 0..3 {
        let mut rig = Rig::new(7);
        let (one, two) = (rig.define(&[]), rig.define(&[]));
        rig.call("CreateService", &external(2).with("launchType", "FARGATE")).unwrap();
        for definition in [&one, &two].into_iter().take(sets) {
            let made = rig.call("CreateTaskSet", &set(definition, 100.0)).unwrap();
            let arn = made.at(&["taskSet", "taskSetArn"]).unwrap().clone();
            let primary = tree! { "cluster" => "default", "service" => "web", "primaryTaskSet" => arn };
            rig.call("UpdateServicePrimaryTaskSet", &primary).unwrap();
            rig.run(180);
        }
        assert_eq!(rig.counts().1, 2 * i64::try_from(sets).unwrap());
        rig.world.ecs.decisions.clear();
        let network = input(&two, 0).get("networkConfiguration").unwrap().clone();
        if sets == 0 {
            assert_eq!(refused(&mut rig, &switch("ECS")), "TaskDefinition cannot be blank");
            let bare = switch("ECS").with("taskDefinition", &*two);
            assert!(refused(&mut rig, &bare).contains("Network Configuration must be provided"));
            rig.update(bare.with("networkConfiguration", network));
        } else {
            rig.update(switch("ECS").with("taskDefinition", &*two));
        }
        is_ecss(&mut rig, &two, 2);
    }
}

#[test]
fn a_service_may_go_from_code_deploy_to_external_and_ecs_takes_what_fits() {
    let mut rig = Rig::new(7);
    let one = rig.define(&[]);
    rig.call("CreateService", &balanced(&one, 1)).unwrap();
    rig.run(180);
    let off = |given: Tree| given.with("availabilityZoneRebalancing", "DISABLED");
    rig.update(off(switch("EXTERNAL")));
    rig.run(180);
    assert_eq!((rig.shown().list("taskSets").len(), rig.counts()), (1, (1, 1)));
    assert!(refused(&mut rig, &switch("CODE_DEPLOY")).contains("from EXTERNAL to CODE_DEPLOY"));
    rig.update(switch("ECS"));
    is_ecss(&mut rig, &one, 1);
    // A breaker has to be switched off before ECS is left.
    rig.update(tree! { "deploymentConfiguration" => breaker(true) });
    assert!(refused(&mut rig, &off(switch("EXTERNAL"))).contains("circuit breaker is not supported"));
    let without = tree! { "deploymentCircuitBreaker" => tree! { "enable" => false, "rollback" => false } };
    rig.update(off(switch("EXTERNAL")).with("deploymentConfiguration", without));
}
