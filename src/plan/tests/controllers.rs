//! What is decided for services that others deploy than ECS, row by row.

use super::*;

fn of(controller: &str, more: Tree) -> Object {
    let controller = tree! { "type" => controller };
    let mut object = desired(tree! { "desiredCount" => 2, "deploymentController" => controller });
    for (name, value) in more.as_map().unwrap() {
        object.spec.set(name, value.clone());
    }
    object
}

/// A service of that controller which runs `web:1` in steady task sets, after an attempt to bring it there.
fn shown(object: &Object, controller: &str, sets: usize) -> Tree {
    let set = tree! {
        "id" => "ecs-svc/1", "status" => "PRIMARY", "stabilityStatus" => "STEADY_STATE", "runningCount" => 2,
        "computedDesiredCount" => 2,
    };
    let content = if controller == "EXTERNAL" { "-" } else { "web:1" };
    live(object, "web:1", "web:1", content)
        .with("deploymentController", tree! { "type" => controller })
        .with("deployments", Tree::List(vec![]))
        .with("taskSets", vec![set; sets])
}

fn resolution(object: &Object, reference: &str) -> Resolution {
    if service::controller(&object.spec) == "EXTERNAL" { Resolution::NotNeeded } else { wants(reference) }
}

fn planned(object: &Object, live: &Tree, reference: &str) -> Plan {
    let wanted = resolution(object, reference);
    decide_with(object, Observed::Present(live.clone()), wanted, &Answers::default()).unwrap()
}

fn message(plan: &Plan) -> &str {
    match &plan.verdict {
        Verdict::Blocked(_, message) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_there_is_created_with_a_task_definition_only_where_it_has_one() {
    for (controller, runs) in [("CODE_DEPLOY", Some("web:1")), ("EXTERNAL", None)] {
        let object = of(controller, tree! {});
        let answers = if runs.is_some() { looked_ahead(&Answers::default()) } else { Answers::default() };
        let plan = decide_with(&object, Observed::Absent, resolution(&object, "web:1"), &answers).unwrap();
        assert_eq!(operations(&plan), [("CreateService", StepEffect::Create)]);
        let input = &plan.steps[0].call.input;
        assert_eq!((input.text("taskDefinition"), plan.is_late()), (runs, false));
        let noted = Attempt::read(input.list("tags")).unwrap();
        assert_eq!(noted.task_definition, runs.unwrap_or("-:0"));
    }
}

#[test]
fn what_is_as_it_should_be_is_converged_whatever_its_task_sets_have() {
    for (controller, sets) in [("CODE_DEPLOY", 1), ("EXTERNAL", 0), ("EXTERNAL", 2)] {
        let object = of(controller, tree! {});
        // What is left out of the manifest is who deploys' to say.
        let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-9"] } };
        let live =
            shown(&object, controller, sets).with("networkConfiguration", network).with("enableExecuteCommand", true);
        assert_eq!(planned(&object, &live, "web:1").verdict, Verdict::Converged, "{controller} {sets}");
    }
}

#[test]
fn task_sets_that_settle_are_waited_for() {
    let object = of("CODE_DEPLOY", tree! {});
    let settles = shown(&object, "CODE_DEPLOY", 1).with("runningCount", 1);
    assert!(matches!(planned(&object, &settles, "web:1").verdict, Verdict::Settling(_)));
}

#[test]
fn each_difference_is_made_in_place_or_told_and_never_deployed() {
    let configuration = tree! { "minimumHealthyPercent" => 50 };
    let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-1"] } };
    for (controller, member, value, in_place) in [
        ("CODE_DEPLOY", "desiredCount", Tree::Int(3), true),
        ("CODE_DEPLOY", "deploymentConfiguration", configuration.clone(), true),
        ("CODE_DEPLOY", "healthCheckGracePeriodSeconds", Tree::Int(30), true),
        ("CODE_DEPLOY", "placementConstraints", vec![tree! { "type" => "distinctInstance" }].into(), true),
        ("CODE_DEPLOY", "placementStrategy", vec![tree! { "type" => "random" }].into(), true),
        ("CODE_DEPLOY", "enableECSManagedTags", Tree::Bool(true), true),
        ("CODE_DEPLOY", "propagateTags", "SERVICE".into(), true),
        ("CODE_DEPLOY", "networkConfiguration", network, false),
        ("CODE_DEPLOY", "platformVersion", "1.3.0".into(), false),
        ("CODE_DEPLOY", "loadBalancers", vec![tree! { "targetGroupArn" => "t" }].into(), false),
        ("CODE_DEPLOY", "enableExecuteCommand", Tree::Bool(true), false),
        ("CODE_DEPLOY", "availabilityZoneRebalancing", "ENABLED".into(), false),
        ("EXTERNAL", "desiredCount", Tree::Int(3), true),
        ("EXTERNAL", "propagateTags", "SERVICE".into(), true),
        ("EXTERNAL", "deploymentConfiguration", configuration, false),
    ] {
        let before = of(controller, tree! {});
        let live = shown(&before, controller, 1);
        let after = of(controller, tree! {}.with(member, value));
        let plan = planned(&after, &live, "web:1");
        if in_place {
            assert_eq!((operations(&plan), &plan.verdict), (vec![IN_PLACE], &Verdict::Due), "{controller} {member}");
            assert_eq!(plan.steps[0].call.input.get("forceNewDeployment"), None);
            assert_eq!(plan.steps[0].call.input.as_map().unwrap().len(), 3, "{:?}", plan.steps[0].call.input);
        } else {
            assert_eq!((operations(&plan), reason(&plan)), (vec![], Some(Reason::ForeignController)), "{member}");
            assert!(message(&plan).starts_with(&format!("{member} changed, and {controller} deploys it")));
        }
    }
}

#[test]
fn another_task_definition_is_a_deployment_that_somebody_has_to_make() {
    let object = of("CODE_DEPLOY", tree! { "taskDefinition" => "web:2" });
    let plan = planned(&object, &shown(&object, "CODE_DEPLOY", 1), "web:2");
    assert_eq!((operations(&plan), reason(&plan)), (vec![], Some(Reason::ForeignController)));
    assert!(message(&plan).starts_with("taskDefinition (web:1 runs, web:2 in Git) changed"), "{}", message(&plan));
    // It keeps no scale-out waiting.
    let more = of("CODE_DEPLOY", tree! { "taskDefinition" => "web:2", "desiredCount" => 5 });
    let plan = planned(&more, &shown(&more, "CODE_DEPLOY", 1), "web:2");
    assert_eq!((operations(&plan), reason(&plan)), (vec![IN_PLACE], Some(Reason::ForeignController)));
}

#[test]
fn which_controller_may_follow_which() {
    for (from, to, does) in [
        ("CODE_DEPLOY", "ECS", Some(StepEffect::Deploys)),
        ("EXTERNAL", "ECS", Some(StepEffect::Deploys)),
        ("ECS", "EXTERNAL", Some(StepEffect::InPlace)),
        ("CODE_DEPLOY", "EXTERNAL", Some(StepEffect::InPlace)),
        ("ECS", "CODE_DEPLOY", None),
        ("EXTERNAL", "CODE_DEPLOY", None),
    ] {
        let before = of(from, tree! {});
        let running = if from == "ECS" { live(&before, "web:1", "web:1", "web:1") } else { shown(&before, from, 1) };
        let plan = planned(&of(to, tree! {}), &running, "web:1");
        let updates = plan.steps.iter().find(|step| step.call.operation == "UpdateService");
        assert_eq!(updates.map(|step| step.effect), does, "{from} to {to}: {plan:#?}");
        assert_eq!(does.is_none().then_some(Reason::ReplacementNeeded), reason(&plan), "{from} to {to}");
    }
}

#[test]
fn a_service_goes_over_only_while_nothing_is_deployed_and_nothing_is_in_the_way() {
    let (before, after) = (of("ECS", tree! {}), of("EXTERNAL", tree! {}));
    let running = live(&before, "web:1", "web:1", "web:1").with("availabilityZoneRebalancing", "ENABLED");
    let plan = planned(&after, &running, "-");
    assert_eq!(operations(&plan), [REMEMBERED, IN_PLACE], "the old wish is none any more");
    let sent = &plan.steps[1].call.input;
    assert_eq!(sent.text("availabilityZoneRebalancing"), Some("DISABLED"), "EXTERNAL does not take it");
    let primary = running.list("deployments")[0].clone();
    let rolls = running.clone().with("deployments", vec![primary.clone().with("rolloutState", "IN_PROGRESS")]);
    let plan = planned(&after, &rolls, "-");
    assert_eq!((operations(&plan), matches!(plan.verdict, Verdict::Rolling(_))), (vec![], true), "{plan:#?}");
    let connect = tree! { "enabled" => true, "namespace" => "n" };
    let connected = running.with("deployments", vec![primary.with("serviceConnectConfiguration", connect)]);
    let plan = planned(&after, &connected, "-");
    assert_eq!((operations(&plan), reason(&plan)), (vec![], Some(Reason::ReplacementNeeded)));
    let deploys = shown(&of("CODE_DEPLOY", tree! {}), "CODE_DEPLOY", 2);
    for to in [after, of("ECS", tree! {})] {
        let plan = planned(&to, &deploys, "web:1");
        assert_eq!((operations(&plan), matches!(plan.verdict, Verdict::Rolling(_))), (vec![], true), "{plan:#?}");
    }
}

#[test]
fn what_no_manifest_says_is_left_to_whoever_deploys() {
    let object = desired(tree! { "desiredCount" => 3 });
    let plan = planned(&object, &shown(&object, "CODE_DEPLOY", 1), "web:2");
    assert_eq!((operations(&plan), reason(&plan)), (vec![IN_PLACE], Some(Reason::ForeignController)));
}
