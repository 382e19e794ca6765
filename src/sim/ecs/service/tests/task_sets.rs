//! Task sets and deployment controllers (ecs-semantics §2.13).

use super::*;

pub fn external(desired: i64) -> Tree {
    tree! {
        "serviceName" => "web", "desiredCount" => desired, "deploymentController" => tree! { "type" => "EXTERNAL" },
    }
}

pub fn set(definition: &str, percent: f64) -> Tree {
    let network = input(definition, 0).get("networkConfiguration").unwrap().clone();
    tree! {
        "cluster" => "default", "service" => "web", "taskDefinition" => definition, "launchType" => "FARGATE",
        "networkConfiguration" => network, "scale" => tree! { "value" => percent, "unit" => "PERCENT" },
    }
}

pub fn balanced(definition: &str, desired: i64) -> Tree {
    let group = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/blue/1";
    let balancer = tree! { "targetGroupArn" => group, "containerName" => "web", "containerPort" => 80 };
    input(definition, desired)
        .with("loadBalancers", vec![balancer])
        .with("deploymentController", tree! { "type" => "CODE_DEPLOY" })
}

fn of(arn: &Tree) -> Tree {
    tree! { "cluster" => "default", "service" => "web", "taskSet" => arn }
}

/// Everything that ECS shows agrees with everything else.
fn agree(rig: &mut Rig) {
    let shown = rig.shown();
    let sets = shown.list("taskSets");
    let sum = |name: &str| sets.iter().filter_map(|set| set.int(name)).sum::<i64>();
    assert_eq!(shown.int("runningCount"), Some(sum("runningCount")));
    assert_eq!(shown.int("pendingCount"), Some(sum("pendingCount")));
    assert_eq!(shown.list("deployments"), []);
    let answer = rig.call("DescribeTaskSets", &tree! { "cluster" => "default", "service" => "web" }).unwrap();
    assert_eq!(answer.list("taskSets"), sets);
}

#[test]
fn an_external_service_runs_what_its_task_sets_say() {
    let mut rig = Rig::new(7);
    let (one, two) = (rig.define(&[]), rig.define(&[]));
    let made = rig.call("CreateService", &external(4)).unwrap();
    let shown = made.get("service").unwrap();
    assert_eq!(
        (shown.get("taskSets"), shown.get("deployments")),
        (Some(&Tree::List(vec![])), Some(&Tree::List(vec![])))
    );
    assert_eq!((shown.get("taskDefinition"), shown.text("availabilityZoneRebalancing")), (None, Some("DISABLED")));
    rig.run(60);
    assert_eq!(rig.counts(), (0, 0), "nothing runs without a task set");

    let blue = rig.call("CreateTaskSet", &set(&one, 100.0).with("externalId", "x")).unwrap();
    let blue = blue.get("taskSet").unwrap();
    assert_eq!((blue.text("status"), blue.int("computedDesiredCount")), (Some("ACTIVE"), Some(4)));
    assert_eq!((blue.text("stabilityStatus"), blue.text("externalId")), (Some("STABILIZING"), Some("x")));
    let arn = blue.text("taskSetArn").unwrap();
    assert!(arn.starts_with("arn:aws:ecs:us-east-1:123456789012:task-set/default/web/ecs-svc/"), "{arn}");
    let primary = tree! { "cluster" => "default", "service" => "web", "primaryTaskSet" => arn };
    let promoted = rig.call("UpdateServicePrimaryTaskSet", &primary).unwrap();
    assert_eq!(promoted.at(&["taskSet", "status"]).and_then(Tree::as_text), Some("PRIMARY"));
    rig.run(180);
    agree(&mut rig);
    let sets = rig.shown().list("taskSets").to_vec();
    assert_eq!((sets[0].int("runningCount"), sets[0].text("stabilityStatus")), (Some(4), Some("STEADY_STATE")));
    assert!(rig.shown().text("taskDefinition").unwrap().ends_with(&one));
    let id = sets[0].text("id").unwrap().to_owned();
    let last = &rig.service().events[0].message;
    assert_eq!(*last, format!("(service web, taskSet {id}) has reached a steady state."));

    let green = rig.call("CreateTaskSet", &set(&two, 30.0)).unwrap();
    let green = green.at(&["taskSet", "taskSetArn"]).unwrap().clone();
    rig.run(180);
    agree(&mut rig);
    assert_eq!(rig.counts(), (6, 6), "4, and 30 % of 4 rounded up");
    rig.call("UpdateTaskSet", &of(&green).with("scale", tree! { "value" => 100.0, "unit" => "PERCENT" })).unwrap();
    rig.call("UpdateService", &tree! { "service" => "web", "desiredCount" => 3 }).unwrap();
    rig.run(300);
    assert_eq!(rig.counts(), (6, 6), "desired is shared by all");
    rig.call("UpdateServicePrimaryTaskSet", &primary.with("primaryTaskSet", &green)).unwrap();
    let refused = rig.call("DeleteTaskSet", &of(&Tree::from(arn))).unwrap_err();
    assert_eq!(refused.code, "InvalidParameterException");
    let gone = rig.call("DeleteTaskSet", &of(&Tree::from(arn)).with("force", true)).unwrap();
    assert_eq!(gone.at(&["taskSet", "status"]).and_then(Tree::as_text), Some("DRAINING"));
    rig.run(300);
    agree(&mut rig);
    assert_eq!((rig.counts(), rig.shown().list("taskSets").len()), ((3, 3), 1));
    assert!(rig.shown().text("taskDefinition").unwrap().ends_with(&two));
    rig.judge();
    rig.call("DeleteService", &tree! { "service" => "web", "force" => true }).unwrap();
    rig.run(300);
    assert_eq!((rig.counts(), rig.service().status), ((0, 0), crate::sim::ecs::service::Status::Inactive));
}

#[test]
fn task_sets_are_five_at_most_named_and_idempotent_by_token() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    rig.call("CreateService", &external(1)).unwrap();
    let first = rig.call("CreateTaskSet", &set(&web, 10.0).with("clientToken", "t")).unwrap();
    let again = rig.call("CreateTaskSet", &set(&web, 10.0).with("clientToken", "t")).unwrap();
    assert_eq!(first, again);
    assert!(rig.call("CreateTaskSet", &set(&web, 20.0).with("clientToken", "t")).is_err());
    for _ in 0..4 {
        rig.call("CreateTaskSet", &set(&web, 0.0)).unwrap();
    }
    let fault = rig.call("CreateTaskSet", &set(&web, 0.0)).unwrap_err();
    assert_eq!(fault.code, "LimitExceededException");
    for percent in [-1.0, 100.1] {
        assert!(rig.call("CreateTaskSet", &set(&web, percent)).is_err());
    }
    let none = Tree::from("ecs-svc/1");
    assert_eq!(rig.call("DeleteTaskSet", &of(&none)).unwrap_err().code, "TaskSetNotFoundException");
    let asked = tree! { "cluster" => "default", "service" => "web", "taskSets" => vec!["ecs-svc/1"] };
    let answer = rig.call("DescribeTaskSets", &asked).unwrap();
    assert_eq!(answer.list("failures")[0].text("reason"), Some("MISSING"));
    let arn = first.at(&["taskSet", "taskSetArn"]).unwrap().clone();
    let tags = vec![tree! { "key" => "a", "value" => "b" }];
    rig.call("TagResource", &tree! { "resourceArn" => &arn, "tags" => tags.clone() }).unwrap();
    let listed = rig.call("ListTagsForResource", &tree! { "resourceArn" => &arn }).unwrap();
    assert_eq!(listed.list("tags"), tags);
}

#[test]
fn controllers_refuse_in_ecss_words() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    let breaker = tree! { "deploymentCircuitBreaker" => tree! { "enable" => true, "rollback" => true } };
    let balancers = balanced(&web, 1).get("loadBalancers").unwrap().clone();
    for (given, text) in [
        (external(1).with("taskDefinition", &*web), "TaskDefinition must be blank"),
        (external(1).with("loadBalancers", balancers), "LoadBalancers must be empty or null"),
        (
            input(&web, 1).with("deploymentController", tree! { "type" => "CODE_DEPLOY" }),
            "the service requires an Application Load Balancer or Network Load Balancer",
        ),
        (balanced(&web, 1).with("deploymentConfiguration", breaker), "circuit breaker"),
        (external(1).with("availabilityZoneRebalancing", "ENABLED"), "Availability Zone Rebalancing"),
    ] {
        let fault = rig.call("CreateService", &given).unwrap_err();
        assert!(fault.code == "InvalidParameterException" && fault.message.contains(text), "{fault:?}");
    }
    rig.call("CreateService", &balanced(&web, 1)).unwrap();
    rig.call("CreateService", &external(1).with("serviceName", "other")).unwrap();
    rig.call("CreateService", &input(&web, 1).with("serviceName", "plain")).unwrap();
    let update = |service: &str, name: &str, value: Tree| tree! { "service" => service, name => value };
    for (given, text) in [
        (
            update("web", "taskDefinition", web.as_str().into()),
            "Unable to update task definition on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy \
             to trigger a new deployment.",
        ),
        (update("web", "forceNewDeployment", true.into()), "Use AWS CodeDeploy to trigger a new deployment."),
        (update("web", "loadBalancers", Tree::List(vec![])), "Unable to update load balancers"),
        (update("other", "taskDefinition", web.as_str().into()), "EXTERNAL deployment controller"),
        (update("other", "deploymentConfiguration", percents(50, 200)), "EXTERNAL deployment controller"),
        (update("plain", "deploymentController", tree! { "type" => "CODE_DEPLOY" }), "from ECS to CODE_DEPLOY"),
    ] {
        let fault = rig.call("UpdateService", &given).unwrap_err();
        assert!(fault.message.contains(text), "{} / {text}", fault.message);
    }
    for good in [update("web", "desiredCount", 2.into()), update("web", "deploymentConfiguration", percents(50, 200))] {
        rig.call("UpdateService", &good).unwrap();
    }
    rig.call("UpdateService", &update("other", "healthCheckGracePeriodSeconds", 5.into())).unwrap();
    rig.call("UpdateService", &update("other", "enableExecuteCommand", true.into())).unwrap();
    let on_old = set(&web, 100.0).with("service", "other").with("platformVersion", "1.3.0");
    assert_eq!(rig.call("CreateTaskSet", &on_old).unwrap_err().code, "PlatformTaskDefinitionIncompatibilityException");
    let on_ecs = set(&web, 100.0).with("service", "plain");
    assert_eq!(rig.call("CreateTaskSet", &on_ecs).unwrap_err().code, "InvalidParameterException");
}

#[test]
fn code_deploy_has_its_first_task_set_at_once() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    let shown = rig.call("CreateService", &balanced(&web, 2)).unwrap();
    let sets = shown.at(&["service", "taskSets"]).and_then(Tree::as_list).unwrap().to_vec();
    assert_eq!(
        (sets.len(), sets[0].text("status"), sets[0].int("computedDesiredCount")),
        (1, Some("PRIMARY"), Some(2))
    );
    rig.run(180);
    agree(&mut rig);
    assert_eq!(rig.counts(), (2, 2));
    // What CodeDeploy does next, with the calls it makes.
    let next = rig.define(&[]);
    let green = rig.call("CreateTaskSet", &set(&next, 100.0)).unwrap().get("taskSet").unwrap().clone();
    assert_eq!(green.text("startedBy"), Some("CODE_DEPLOY"));
    rig.run(180);
    assert_eq!(rig.counts(), (4, 4));
}

#[test]
fn controllers_follow_one_another_as_far_as_they_may() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    rig.create(&web, 2, Tree::map());
    let switch = |kind: &str| tree! { "service" => "web", "deploymentController" => tree! { "type" => kind } };
    assert!(rig.call("UpdateService", &switch("EXTERNAL")).unwrap_err().message.contains("in progress"));
    rig.run_until("steady", is_steady);
    let no_zones = switch("EXTERNAL").with("availabilityZoneRebalancing", "DISABLED");
    let shown = rig.call("UpdateService", &no_zones).unwrap();
    assert_eq!(shown.at(&["service", "taskSets"]).and_then(Tree::as_list).unwrap().len(), 1);
    rig.run(300);
    agree(&mut rig);
    assert_eq!(rig.counts(), (2, 2), "its tasks go on");
    let next = rig.define(&[]);
    rig.update(switch("ECS").with("taskDefinition", &next));
    rig.run_until("rolled", |service| is_steady(service) && service.deployments.len() == 1);
    assert!(rig.shown().text("taskDefinition").unwrap().ends_with(&next));
    assert_eq!((rig.counts(), rig.shown().get("taskSets")), ((2, 2), None));
}

#[test]
fn a_daemon_is_deployed_by_ecs_alone() {
    let mut rig = Rig::new(7);
    let daemon = |kind: &str| {
        tree! {
            "serviceName" => kind, "schedulingStrategy" => "DAEMON",
            "deploymentController" => tree! { "type" => kind },
        }
    };
    let refused = rig.call("CreateService", &daemon("EXTERNAL")).unwrap_err();
    assert!(refused.message.contains("DAEMON scheduling strategy is not supported"), "{}", refused.message);
}
