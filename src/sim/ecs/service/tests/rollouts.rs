//! Rollouts, one story a test (docs/ecs.md §2).

use super::*;
use crate::sim::ecs::service::{Kind, RolloutState, State, Status};

const PULL_FAILURE: (&str, &str) = ("fail-to-start", "CannotPullContainerError: manifest unknown");

fn steady(definition_labels: &[(&str, &str)], desired: i64, configuration: Tree) -> Rig {
    let mut rig = Rig::new(7);
    let web = rig.define(definition_labels);
    rig.create(&web, desired, configuration);
    rig.run_until("steady", is_steady);
    rig
}

#[test]
fn a_good_create_reaches_the_steady_state() {
    let mut rig = steady(&[], 2, Tree::map());
    assert_eq!(
        rig.messages(),
        ["has started 2 tasks: T T.", "(deployment D1) deployment completed.", "has reached a steady state."]
    );
    let shown = rig.shown();
    assert_eq!((shown.int("runningCount"), shown.int("pendingCount")), (Some(2), Some(0)));
    let deployment = &shown.list("deployments")[0];
    assert_eq!(deployment.text("rolloutState"), Some("COMPLETED"));
    assert_eq!(deployment.int("desiredCount"), Some(2));
    let reason = format!("ECS deployment {} completed.", rig.primary().id);
    assert_eq!(deployment.text("rolloutStateReason"), Some(reason.as_str()));
    assert_eq!(rig.service().journal[0].status, State::Successful);
}

#[test]
fn a_good_update_is_completed() {
    let mut rig = steady(&[], 1, Tree::map());
    let old = rig.primary().id.clone();
    let next = rig.define(&[]);
    let answer = rig.update(tree! { "taskDefinition" => &next });
    let listed = answer.list("deployments");
    assert_eq!(listed.len(), 2);
    assert_eq!((listed[0].text("status"), listed[0].int("desiredCount")), (Some("PRIMARY"), Some(0)));
    assert_eq!((listed[1].text("status"), listed[1].text("rolloutState")), (Some("ACTIVE"), Some("COMPLETED")));
    rig.run_until("steady", |service| is_steady(service) && service.deployments.len() == 1);
    assert_ne!(rig.primary().id, old);
    assert_eq!(
        rig.messages()[3..],
        [
            "has started 1 tasks: T.",
            "has stopped 1 running tasks: T.",
            "(deployment D2) deployment completed.",
            "has reached a steady state."
        ]
    );
    rig.judge();
}

#[test]
fn desired_zero_completes_at_once_and_costs_nothing() {
    let mut rig = steady(&[], 0, Tree::map());
    assert_eq!(rig.counts(), (0, 0));
    rig.update(tree! { "desiredCount" => 1 });
    rig.run_until("steady", |service| is_steady(service) && service.tasks.len() == 1);
    rig.update(tree! { "desiredCount" => 0 });
    rig.run(120);
    assert_eq!(rig.counts(), (0, 0));
    assert!(is_steady(rig.service()));
}

#[test]
fn worked_examples_of_what_may_stop_and_start_first() {
    // desired, minimum, maximum, started first, stopped first (§2.1).
    for (desired, minimum, maximum, starts, stops) in
        [(4, 50, 100, 0, 2), (2, 75, 200, 2, 0), (4, 100, 200, 4, 0), (4, 50, 200, 4, 2)]
    {
        let mut rig = steady(&[], desired, percents(minimum, maximum));
        rig.world.ecs.decisions.clear();
        rig.update(tree! { "forceNewDeployment" => true });
        rig.run(5);
        let count = |kind| rig.world.ecs.decisions.iter().filter(|one| one.kind == kind).count();
        assert_eq!(count(Kind::Start), starts, "{desired} at {minimum}/{maximum}");
        assert_eq!(count(Kind::Stop { healthy: true }), stops, "{desired} at {minimum}/{maximum}");
        rig.run_until("completed", |service| service.primary().unwrap().rollout == RolloutState::Completed);
        rig.judge();
    }
}

/// Appendix C, played: desired, minimum, maximum, started first, stopped first, whether it goes on.
#[test]
fn every_vector_deploys_or_blocks_as_the_table_says() {
    for (desired, minimum, maximum, starts, stops, goes) in [
        (1, 100, 200, 1, 0, true),
        (1, 0, 100, 0, 1, true),
        (1, 50, 150, 0, 0, false),
        (1, 50, 200, 1, 0, true),
        (2, 100, 150, 1, 0, true),
        (2, 75, 200, 2, 0, true),
        (2, 50, 100, 0, 1, true),
        (3, 100, 125, 0, 0, false),
        (3, 100, 134, 1, 0, true),
        (3, 50, 150, 1, 1, true),
        (4, 50, 100, 0, 2, true),
        (4, 100, 200, 4, 0, true),
        (4, 50, 200, 4, 2, true),
        (5, 66, 133, 1, 1, true),
        (7, 90, 110, 0, 0, false),
        (10, 90, 110, 1, 1, true),
        (10, 100, 125, 2, 0, true),
        (0, 100, 200, 0, 0, true),
    ] {
        let mut rig = steady(&[], desired, percents(minimum, maximum));
        rig.world.ecs.decisions.clear();
        rig.update(tree! { "forceNewDeployment" => true });
        rig.run(5);
        let count = |kind| rig.world.ecs.decisions.iter().filter(|one| one.kind == kind).count();
        let first = (count(Kind::Start), count(Kind::Stop { healthy: true }));
        assert_eq!(first, (starts, stops), "{desired} at {minimum}/{maximum}");
        rig.run(3600);
        let completed = rig.primary().rollout == RolloutState::Completed;
        assert_eq!(completed, goes, "{desired} at {minimum}/{maximum}");
        rig.judge();
    }
}

#[test]
fn percentages_without_room_block_and_say_so_every_six_hours() {
    for (desired, minimum, maximum) in [(1, 50, 150), (3, 100, 125), (7, 90, 110)] {
        let mut rig = steady(&[], desired, percents(minimum, maximum));
        rig.update(tree! { "forceNewDeployment" => true });
        rig.run(7 * 3600);
        let blocked =
            rig.messages().iter().filter(|text| text.starts_with("was unable to stop or start tasks")).count();
        assert_eq!(blocked, 2, "{desired} at {minimum}/{maximum}");
        assert_eq!(rig.service().deployments.len(), 2);
        assert_eq!(rig.primary().rollout, RolloutState::InProgress);
        // Room makes it move.
        rig.update(tree! { "deploymentConfiguration" => percents(0, 200) });
        rig.run_until("completed", |service| service.primary().unwrap().rollout == RolloutState::Completed);
        rig.judge();
    }
}

/// The trace of §2.6: desired 1, breaker with rollback.
#[test]
fn a_failing_rollout_goes_back_to_the_old_deployment() {
    let mut rig = steady(&[], 1, breaker(true));
    rig.run(10 * 24 * 3600);
    let (old, created) = (rig.primary().id.clone(), rig.primary().created);
    let old_definition = rig.service().spec.text("taskDefinition").unwrap().to_owned();
    let already = rig.messages().len();
    let bad = rig.define(&[PULL_FAILURE, ("slow-start", "262")]);
    let begun = rig.world.now();
    rig.update(tree! { "taskDefinition" => &bad });
    assert_ne!(rig.service().spec.text("taskDefinition"), Some(old_definition.as_str()));
    rig.run_until("rolling back", |service| service.primary().unwrap().id == old);
    let failed = &rig.service().deployments[1];
    assert_eq!((failed.rollout, failed.failed_tasks), (RolloutState::Failed, 3));
    assert_eq!(failed.reason, "ECS deployment circuit breaker: task failed to start.");
    let reason = format!("ECS deployment circuit breaker: rolling back to deploymentId {old}.");
    assert_eq!((rig.primary().rollout, rig.primary().reason.as_str()), (RolloutState::InProgress, reason.as_str()));
    assert_eq!(rig.primary().created, created);
    assert_eq!(rig.service().spec.text("taskDefinition"), Some(old_definition.as_str()));
    assert_eq!(rig.service().journal[1].status, State::RollbackInProgress);
    let took = rig.world.now().since(begun).as_secs();
    assert!((1100..1350).contains(&took), "the trace took 20.6 min, this {took} s");

    rig.run_until("completed", |service| service.primary().unwrap().rollout == RolloutState::Completed);
    assert_eq!(rig.service().deployments.len(), 1);
    assert_eq!((rig.primary().id.as_str(), rig.primary().created), (old.as_str(), created));
    assert_eq!(rig.service().journal[1].status, State::RollbackSuccessful);
    assert_eq!(
        rig.messages()[already..],
        [
            "has started 1 tasks: T.",
            "has started 1 tasks: T.",
            "has started 1 tasks: T.",
            "has started 1 tasks: T.",
            "(deployment D2) deployment failed: tasks failed to start.",
            "rolling back to deployment D1.",
            "stopped 1 pending tasks.",
            "(deployment D1) deployment completed.",
            "has reached a steady state.",
        ]
    );
    rig.judge();
    let arn = rig.service().journal[1].arn.clone();
    let answer = rig.call("DescribeServiceDeployments", &tree! { "serviceDeploymentArns" => vec![arn] }).unwrap();
    let entry = &answer.list("serviceDeployments")[0];
    assert_eq!(entry.text("status"), Some("ROLLBACK_SUCCESSFUL"));
    assert_eq!(
        entry.at(&["rollback", "serviceRevisionArn"]).and_then(Tree::as_text),
        Some(rig.primary().revision.as_str())
    );
    let triggered = tree! { "status" => "TRIGGERED", "failureCount" => 3, "threshold" => 3 };
    assert_eq!(entry.get("deploymentCircuitBreaker"), Some(&triggered));
}

#[test]
fn a_failure_without_rollback_leaves_both_deployments() {
    let mut rig = steady(&[], 2, breaker(false));
    let bad = rig.define(&[PULL_FAILURE]);
    rig.update(tree! { "taskDefinition" => &bad });
    rig.run_until("failed", |service| service.primary().unwrap().rollout == RolloutState::Failed);
    let starts = rig.world.ecs.decisions.len();
    rig.run(24 * 3600);
    assert_eq!(rig.service().deployments.len(), 2);
    assert_eq!(rig.counts(), (2, 2), "the old tasks keep running");
    assert_eq!(rig.world.ecs.decisions.len(), starts, "a FAILED deployment launches nothing");
    assert_eq!(rig.service().journal[1].status, State::Stopped);
    // A new deployment gets it going again.
    let good = rig.define(&[]);
    rig.update(tree! { "taskDefinition" => &good });
    rig.run_until("completed", |service| service.primary().unwrap().rollout == RolloutState::Completed);
    assert_eq!(rig.service().deployments.len(), 1);
    rig.judge();
}

#[test]
fn a_first_deployment_has_nothing_to_go_back_to() {
    let mut rig = Rig::new(7);
    let bad = rig.define(&[PULL_FAILURE]);
    rig.create(&bad, 1, breaker(true));
    rig.run(24 * 3600);
    assert_eq!(rig.primary().rollout, RolloutState::Failed);
    assert_eq!(rig.counts(), (0, 0));
    assert_eq!(rig.messages().last().unwrap(), "(deployment D1) deployment failed: tasks failed to start.");
}

#[test]
fn a_second_failure_in_a_row_finds_the_same_target() {
    let mut rig = steady(&[], 1, breaker(true));
    let old = rig.primary().id.clone();
    for _ in 0..2 {
        let bad = rig.define(&[PULL_FAILURE]);
        rig.update(tree! { "taskDefinition" => &bad });
        rig.run_until("back", |service| service.primary().unwrap().id == old && is_steady(service));
    }
    rig.judge();
}

#[test]
fn a_failing_health_check_is_the_breakers_second_stage() {
    let mut rig = Rig::new(7);
    let good = rig.define_checked(&[]);
    rig.create(&good, 2, breaker(true));
    rig.run_until("steady", is_steady);
    let old = rig.primary().id.clone();
    let sick = rig.define_checked(&[("unhealthy-after", "5")]);
    rig.update(tree! { "taskDefinition" => &sick });
    rig.run_until("failed", |service| service.deployments.iter().any(|one| one.rollout == RolloutState::Failed));
    rig.run_until("back", |service| service.primary().unwrap().id == old && is_steady(service));
    assert!(rig.messages().iter().any(|text| text == "T failed container health checks."));
    rig.judge();
}

#[test]
fn a_newer_deployment_supersedes() {
    let mut rig = steady(&[], 2, Tree::map());
    let second = rig.define(&[("slow-start", "600")]);
    rig.update(tree! { "taskDefinition" => &second });
    rig.run(30);
    let third = rig.define(&[]);
    let answer = rig.update(tree! { "taskDefinition" => &third });
    let statuses = answer.list("deployments").iter().filter_map(|one| one.text("status")).collect::<Vec<_>>();
    assert_eq!(statuses, ["PRIMARY", "ACTIVE", "ACTIVE"]);
    assert_eq!(rig.service().journal[1].status, State::StopRequested);
    rig.run_until("steady", |service| is_steady(service) && service.deployments.len() == 1);
    assert_eq!(rig.primary().definition.revision, 3);
    assert_eq!(rig.service().journal[1].status, State::Stopped);
    assert!(rig.messages().contains(&"stopped 2 pending tasks.".to_owned()));
    assert_eq!(rig.counts(), (2, 2));
    rig.judge();
}

#[test]
fn scaling_in_the_middle_of_a_rollout_changes_the_bounds_at_once() {
    for desired in [1, 5, 0] {
        let mut rig = steady(&[], 3, percents(100, 150));
        rig.update(tree! { "forceNewDeployment" => true });
        rig.run(25);
        rig.update(tree! { "desiredCount" => desired });
        assert_eq!(rig.service().journal.len(), 2, "scaling starts no deployment");
        rig.run_until("steady", |service| is_steady(service) && service.deployments.len() == 1);
        assert_eq!(rig.counts(), (desired, desired));
        rig.judge();
    }
}

#[test]
fn an_unhealthy_task_is_replaced_before_it_is_stopped_where_there_is_room() {
    let mut rig = Rig::new(7);
    let web = rig.define_checked(&[("unhealthy-after", "600")]);
    rig.create(&web, 1, Tree::map());
    rig.run_until("steady", is_steady);
    rig.world.ecs.decisions.clear();
    rig.run_until("replaced", |service| {
        service.events.iter().any(|told| told.message.contains("replaced 1 tasks due to an unhealthy status."))
    });
    rig.run(120);
    let kinds = rig.world.ecs.decisions.iter().map(|one| one.kind).collect::<Vec<_>>();
    assert_eq!(kinds, [Kind::Start, Kind::Stop { healthy: false }]);
    let stopped = rig.world.ecs.tasks.values().find(|task| !task.wanted).unwrap();
    assert_eq!(stopped.stop.as_ref().unwrap().reason, "Task failed container health checks");
}

#[test]
fn an_unhealthy_task_is_stopped_first_where_there_is_no_room() {
    let mut rig = Rig::new(7);
    let web = rig.define_checked(&[("unhealthy-after", "600")]);
    rig.create(&web, 2, percents(0, 100));
    rig.run_until("steady", is_steady);
    rig.world.ecs.decisions.clear();
    rig.run_until("sick", |service| service.events.iter().any(|told| told.message.contains("failed container")));
    rig.run(45);
    let kinds = rig.world.ecs.decisions.iter().map(|one| one.kind).collect::<Vec<_>>();
    assert_eq!(kinds, [Kind::Stop { healthy: false }, Kind::Start], "one at a time");
    rig.judge();
}

#[test]
fn during_a_rollout_a_task_is_replaced_with_its_own_revision() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[("exit-after", "300")]);
    rig.create(&web, 2, Tree::map());
    rig.run_until("steady", is_steady);
    let slow = rig.define(&[("slow-start", "2h")]);
    rig.update(tree! { "taskDefinition" => &slow });
    rig.run(600);
    let old = rig.service().deployments[1].id.clone();
    let launched = rig.world.ecs.tasks.values().filter(|task| task.started_by.as_ref() == Some(&old)).count();
    assert!(launched >= 4, "the old revision's tasks exit, and are replaced: {launched}");
    rig.judge();
}

#[test]
fn a_service_without_breaker_retries_for_ever_at_the_backoffs_pace() {
    let mut rig = Rig::new(7);
    let bad = rig.define(&[PULL_FAILURE]);
    rig.create(&bad, 2, Tree::map());
    rig.run(24 * 3600);
    let starts = rig.world.ecs.decisions.iter().filter(|one| one.kind == Kind::Start).count();
    // 27 minutes between waves of two, after the first few.
    assert!((90..=130).contains(&starts), "{starts}");
    assert_eq!(rig.primary().rollout, RolloutState::InProgress);
    assert_eq!(rig.primary().failed_tasks, starts as i64);
    let impaired = rig.messages().iter().filter(|text| text.starts_with("is unable to consistently")).count();
    assert!((3..=4).contains(&impaired), "every six hours: {impaired}");
    // A fixed revision is not held back.
    let good = rig.define(&[]);
    rig.update(tree! { "taskDefinition" => &good });
    rig.run(180);
    assert!(is_steady(rig.service()));
}

#[test]
fn the_steady_state_is_told_about_every_six_hours_and_nothing_else_happens() {
    let mut rig = steady(&[], 2, Tree::map());
    let before = rig.messages().len();
    let decisions = rig.world.ecs.decisions.len();
    rig.run(24 * 3600 + 300);
    assert_eq!(rig.messages().len(), before + 4);
    assert_eq!(rig.world.ecs.decisions.len(), decisions);
}

#[test]
fn deleting_drains_and_the_name_is_free_again() {
    let mut rig = steady(&[], 2, Tree::map());
    let refused = rig.call("DeleteService", &tree! { "service" => "web" }).unwrap_err();
    assert_eq!(refused.message, "The service cannot be stopped while it is scaled above 0.");
    let answer = rig.call("DeleteService", &tree! { "service" => "web", "force" => true }).unwrap();
    assert_eq!(answer.at(&["service", "status"]).and_then(Tree::as_text), Some("DRAINING"));
    assert_eq!(rig.call("ListServices", &Tree::map()).unwrap().list("serviceArns"), []);
    let again = rig.call("CreateService", &input("web:1", 1)).unwrap_err();
    assert_eq!(again.message, "Unable to Start a service that is still Draining.");
    let update = rig.call("UpdateService", &tree! { "service" => "web", "desiredCount" => 1 }).unwrap_err();
    assert_eq!((update.code, update.message.as_str()), ("ServiceNotActiveException", "Service was not ACTIVE."));
    rig.run_until("inactive", |service| service.status == Status::Inactive);
    let gone = rig.call("DeleteService", &tree! { "service" => "web" }).unwrap_err();
    assert_eq!(gone.code, "ServiceNotActiveException");
    let web = rig.define(&[]);
    let created = rig.create(&web, 1, Tree::map());
    assert_eq!(created.list("events"), []);
    rig.run_until("steady", is_steady);
    rig.judge();
}

#[test]
fn an_inactive_service_is_forgotten_in_the_end() {
    let mut rig = steady(&[], 1, Tree::map());
    rig.call("DeleteService", &tree! { "service" => "web", "force" => true }).unwrap();
    rig.run(2 * 3600);
    assert!(rig.world.ecs.services.is_empty());
    assert!(rig.world.ecs.tasks.is_empty());
}

#[test]
fn a_person_can_have_a_deployment_rolled_back() {
    let mut rig = steady(&[], 1, Tree::map());
    let old = rig.primary().id.clone();
    rig.update(tree! { "forceNewDeployment" => true });
    rig.run(5);
    let arn = rig.service().journal[1].arn.clone();
    rig.call("StopServiceDeployment", &tree! { "serviceDeploymentArn" => &arn }).unwrap();
    let again = rig.call("StopServiceDeployment", &tree! { "serviceDeploymentArn" => &arn }).unwrap_err();
    assert_eq!(again.code, "ConflictException");
    rig.run_until("back", |service| service.primary().unwrap().id == old && is_steady(service));
    assert_eq!(rig.service().journal[1].status, State::RollbackSuccessful);
    rig.judge();
}

#[test]
fn a_service_that_needs_instances_finds_none() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    let mut given = input(&web, 1);
    given.remove("launchType");
    rig.call("CreateService", &given).unwrap();
    rig.run(13 * 3600);
    let text = "was unable to place a task because no container instance met all of its requirements. Reason: No Container Instances were found in your cluster.";
    assert_eq!(rig.messages(), [text, text, text]);
    assert_eq!(rig.counts(), (0, 0));
}

#[test]
fn bake_time_holds_completion_back() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    rig.create(&web, 1, tree! { "bakeTimeInMinutes" => 10 });
    rig.run(300);
    assert_eq!((rig.primary().rollout, rig.counts()), (RolloutState::InProgress, (1, 1)));
    rig.run(600);
    assert_eq!(rig.primary().rollout, RolloutState::Completed);
}

#[test]
fn behind_a_target_group_tasks_are_drained_before_they_stop() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    let group = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef";
    let balancer = tree! { "targetGroupArn" => group, "containerName" => "web", "containerPort" => 80 };
    rig.call("CreateService", &input(&web, 1).with("loadBalancers", vec![balancer])).unwrap();
    rig.run_until("steady", is_steady);
    rig.update(tree! { "forceNewDeployment" => true });
    rig.run_until("completed", |service| {
        service.primary().unwrap().rollout == RolloutState::Completed && service.journal.len() == 2
    });
    let messages = rig.messages();
    assert!(messages.contains(&"has begun draining connections on 1 tasks.".to_owned()));
    assert!(messages.contains(&format!("registered 1 targets in (target-group {group})")), "{messages:#?}");
    assert!(messages.contains(&format!("deregistered 1 targets in (target-group {group})")));
}

#[test]
fn within_the_grace_period_failing_checks_kill_nothing() {
    let mut rig = Rig::new(7);
    let web = rig.define_checked(&[("unhealthy-after", "10")]);
    rig.call("CreateService", &input(&web, 1).with("healthCheckGracePeriodSeconds", 600)).unwrap();
    rig.run(580);
    assert_eq!(rig.world.ecs.decisions.len(), 1, "one start, and nothing since");
    rig.run(60);
    assert!(
        rig.messages()
            .contains(&"has started 1 tasks: T. Amazon ECS replaced 1 tasks due to an unhealthy status.".to_owned())
    );
}

#[test]
fn what_fargate_cannot_set_up_is_told_as_an_event() {
    let mut rig = Rig::new(7);
    let why = "ResourceInitializationError: unable to pull secrets or registry auth";
    let web = rig.define(&[("fail-to-start", why)]);
    rig.create(&web, 1, Tree::map());
    rig.run(3600);
    let told =
        rig.messages().iter().filter(|text| **text == format!("was unable to place a task. Reason: {why}.")).count();
    assert_eq!(told, 1, "the same again within six hours is no news");
}

#[test]
fn no_more_than_a_hundred_events_are_kept() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[("exit-after", "1")]);
    rig.create(&web, 1, Tree::map());
    rig.run(4 * 3600);
    assert_eq!(rig.service().events.len(), 100);
    assert!(
        rig.service().events.iter().zip(rig.service().events.iter().skip(1)).all(|(newer, older)| newer.at > older.at)
    );
}
