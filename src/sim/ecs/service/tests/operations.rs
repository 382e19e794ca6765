//! Operations of services and tasks: what they echo, refuse and page (ecs-semantics §5, §7.2).

use super::*;
use crate::sim::ecs::service::is_in_use;

#[test]
fn a_new_service_is_echoed_with_every_default() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    let shown = rig.call("CreateService", &input(&web, 2)).unwrap().get("service").unwrap().clone();
    for (name, value) in [
        ("status", Tree::from("ACTIVE")),
        ("serviceArn", Tree::from("arn:aws:ecs:us-east-1:123456789012:service/default/web")),
        ("taskDefinition", Tree::from("arn:aws:ecs:us-east-1:123456789012:task-definition/web:1")),
        ("desiredCount", Tree::from(2)),
        ("runningCount", Tree::from(0)),
        ("launchType", Tree::from("FARGATE")),
        ("platformVersion", Tree::from("LATEST")),
        ("platformFamily", Tree::from("Linux")),
        ("schedulingStrategy", Tree::from("REPLICA")),
        ("propagateTags", Tree::from("NONE")),
        ("enableECSManagedTags", Tree::from(false)),
        ("enableExecuteCommand", Tree::from(false)),
        ("availabilityZoneRebalancing", Tree::from("ENABLED")),
        ("events", Tree::List(vec![])),
        ("loadBalancers", Tree::List(vec![])),
    ] {
        assert_eq!(shown.get(name), Some(&value), "{name}");
    }
    let configuration = shown.get("deploymentConfiguration").unwrap();
    assert_eq!(configuration.int("maximumPercent"), Some(200));
    assert_eq!(configuration.int("minimumHealthyPercent"), Some(100));
    assert_eq!(configuration.text("strategy"), Some("ROLLING"));
    assert_eq!(configuration.int("bakeTimeInMinutes"), Some(0));
    assert_eq!(configuration.get("deploymentCircuitBreaker"), None);
    let network = shown.at(&["networkConfiguration", "awsvpcConfiguration"]).unwrap();
    assert_eq!(network.text("assignPublicIp"), Some("DISABLED"));
    let deployment = &shown.list("deployments")[0];
    assert_eq!((deployment.text("platformVersion"), deployment.int("desiredCount")), (Some("1.4.0"), Some(0)));
    assert!(shown.text("currentServiceDeployment").unwrap().contains(":service-deployment/default/web/"));
    assert_eq!(shown.list("currentServiceRevisions").len(), 1);
}

#[test]
fn creating_again_is_idempotent_or_refused() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    let first = rig.call("CreateService", &input(&web, 2).with("clientToken", "t")).unwrap();
    let second = rig.call("CreateService", &input(&web, 2).with("clientToken", "u")).unwrap();
    assert_eq!(first, second);
    for other in [input(&web, 3), input(&web, 2).with("serviceName", "other").with("clientToken", "t")] {
        assert_eq!(rig.call("CreateService", &other).unwrap_err().message, "Creation of service was not idempotent.");
    }
}

#[test]
fn what_ecs_refuses_is_refused_in_its_words() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    let bad_label = rig.define(&[("exit-after", "soon")]);
    let both = tree! { "capacityProvider" => "FARGATE", "weight" => 1 };
    let without = |name: &str| {
        let mut given = input(&web, 1);
        given.remove(name);
        given
    };
    let plain = || input(&web, 1);
    for (given, message) in [
        (
            plain().with("deploymentConfiguration", percents(100, 100)),
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments",
        ),
        (plain().with("deploymentConfiguration", percents(101, 200)), "minimumHealthyPercent must be at most 100"),
        (
            plain().with("capacityProviderStrategy", vec![both]),
            "Specifying both a launch type and capacity provider strategy is not supported",
        ),
        (
            without("networkConfiguration"),
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ),
        (plain().with("taskDefinition", "none"), "Unable to describe task definition."),
        (plain().with("cluster", "none"), "Cluster not found."),
        (plain().with("schedulingStrategy", "daemon scheduling strategy"), "DAEMON"),
        (
            plain().with("deploymentController", tree! { "type" => "CODE_DEPLOY" }),
            "the service requires an Application Load Balancer or Network Load Balancer",
        ),
        (plain().with("deploymentController", tree! { "type" => "EXTERNAL" }), "TaskDefinition must be blank"),
        (plain().with("taskDefinition", bad_label.as_str()), "ecs-operator.sim/exit-after"),
        (without("desiredCount"), "desired count"),
        (input(&web, 5_001), "limit of 5000 tasks"),
        (input(&web, 1_001).with("serviceRegistries", registries()), "limit of 1000 tasks"),
        (plain().with("platformVersion", "1.3.0").with("enableExecuteCommand", true), "platform version 1.4.0"),
        (
            plain().with("monitoring", tree! { "metricConfigurations" => Tree::List(Vec::new()) }),
            "does not have monitoring",
        ),
    ] {
        let fault = rig.call("CreateService", &given).unwrap_err();
        assert!(fault.message.contains(message), "{} / {message}", fault.message);
    }
    assert!(rig.world.ecs.services.is_empty(), "a refusal leaves nothing behind");
}

fn registries() -> Vec<Tree> {
    vec![tree! { "registryArn" => "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1" }]
}

#[test]
fn discovery_and_old_platforms_limit_updates_too() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    rig.call("CreateService", &input(&web, 1_001)).unwrap();
    let update = |name: &str, value: Tree| tree! { "service" => "web", name => value };
    let refused = |rig: &mut Rig, given: Tree| rig.call("UpdateService", &given).unwrap_err();
    let found = refused(&mut rig, update("serviceRegistries", Tree::List(registries())));
    assert!(found.message.contains("limit of 1000 tasks"), "{}", found.message);
    rig.update(update("serviceRegistries", Tree::List(registries())).with("desiredCount", 1_000));
    assert!(refused(&mut rig, update("desiredCount", 1_001.into())).message.contains("limit of 1000 tasks"));
    rig.update(update("desiredCount", 1.into()).with("platformVersion", "1.3.0"));
    let old = refused(&mut rig, update("enableExecuteCommand", true.into()));
    assert_eq!(old.code, "PlatformTaskDefinitionIncompatibilityException");
    rig.update(update("enableExecuteCommand", true.into()).with("platformVersion", "LATEST"));
    let old = refused(&mut rig, update("platformVersion", "1.3.0".into()));
    assert_eq!(old.code, "PlatformTaskDefinitionIncompatibilityException");
    let large = rig.define(&[]);
    let family = rig.world.ecs.families.get_mut("web").unwrap();
    family.revisions.get_mut(&family.last).unwrap().body.set("cpu", "8192");
    rig.update(update("enableExecuteCommand", false.into()).with("platformVersion", "1.3.0"));
    let old = refused(&mut rig, update("taskDefinition", large.as_str().into()));
    assert!(old.message.starts_with("cpu requires the platform version 1.4.0"), "{}", old.message);
}

#[test]
fn updates_keep_what_they_do_not_name_and_deploy_only_for_what_matters() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    rig.create(&web, 1, percents(50, 150));
    rig.run_until("steady", is_steady);
    let deploys = |rig: &Rig| rig.service().journal.len();
    let quiet = [
        tree! { "taskDefinition" => &web },
        tree! { "desiredCount" => 2 },
        tree! { "deploymentConfiguration" => tree! { "maximumPercent" => 180 } },
        tree! { "enableExecuteCommand" => true, "propagateTags" => "SERVICE", "enableECSManagedTags" => true },
        tree! { "networkConfiguration" => Tree::Null, "loadBalancers" => Tree::Null },
        tree! { "networkConfiguration" => input(&web, 1).get("networkConfiguration").unwrap() },
    ];
    for given in quiet {
        rig.update(given);
        assert_eq!(deploys(&rig), 1);
    }
    let configuration = rig.shown().get("deploymentConfiguration").cloned().unwrap();
    assert_eq!(
        (configuration.int("minimumHealthyPercent"), configuration.int("maximumPercent")),
        (Some(50), Some(180))
    );
    let subnets = tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-c"] } };
    rig.update(tree! { "networkConfiguration" => subnets });
    rig.update(tree! { "platformVersion" => "1.4.0" });
    rig.update(tree! { "forceNewDeployment" => true });
    assert_eq!(deploys(&rig), 4);
    let switch = tree! { "service" => "web", "capacityProviderStrategy" => vec![tree! { "capacityProvider" => "FARGATE", "weight" => 1 }] };
    let fault = rig.call("UpdateService", &switch).unwrap_err();
    assert!(fault.message.ends_with("you must force a new deployment."), "{}", fault.message);
    let shown = rig.call("UpdateService", &switch.with("forceNewDeployment", true)).unwrap();
    assert_eq!(shown.at(&["service", "launchType"]), None);
}

#[test]
fn an_inactive_definition_cannot_be_deployed_but_goes_on() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[("exit-after", "100")]);
    rig.create(&web, 1, Tree::map());
    rig.run(60);
    rig.world.ecs.families.get_mut("web").unwrap().revisions.get_mut(&1).unwrap().active = false;
    let fault = rig.call("CreateService", &input(&web, 1).with("serviceName", "two")).unwrap_err();
    assert_eq!((fault.code, fault.message.as_str()), ("ClientException", "TaskDefinition is inactive"));
    rig.update(tree! { "forceNewDeployment" => true });
    rig.run(600);
    assert!(rig.counts().0 > 0, "its service goes on replacing with it");
}

#[test]
fn services_are_listed_in_pages_and_described_ten_at_a_time() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    for n in 0..23 {
        rig.call("CreateService", &input(&web, 0).with("serviceName", format!("s{n:02}"))).unwrap();
    }
    let (mut all, mut input) = (Vec::new(), Tree::map());
    loop {
        let answer = rig.call("ListServices", &input).unwrap();
        all.extend(answer.list("serviceArns").to_vec());
        let Some(token) = answer.get("nextToken") else { break };
        input = tree! { "nextToken" => token };
    }
    assert_eq!(all.len(), 23);
    let eleven = Tree::List(all.iter().take(11).cloned().collect());
    assert_eq!(
        rig.call("DescribeServices", &tree! { "services" => eleven }).unwrap_err().code,
        "InvalidParameterException"
    );
    let answer = rig.call("DescribeServices", &tree! { "services" => vec!["s01", "none"] }).unwrap();
    assert_eq!(answer.list("services")[0].get("tags"), None);
    let missing = tree! { "arn" => "arn:aws:ecs:us-east-1:123456789012:service/default/none", "reason" => "MISSING" };
    assert_eq!(answer.list("failures"), [missing]);
}

#[test]
fn tasks_are_listed_described_and_stopped() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    let given =
        input(&web, 2).with("enableECSManagedTags", true).with("tags", vec![tree! { "key" => "a", "value" => "b" }]);
    rig.call("CreateService", &given.with("propagateTags", "SERVICE")).unwrap();
    rig.run_until("steady", is_steady);
    let arns = rig.call("ListTasks", &tree! { "serviceName" => "web" }).unwrap().list("taskArns").to_vec();
    assert_eq!(arns.len(), 2);
    let answer = rig.call("DescribeTasks", &tree! { "tasks" => arns.clone(), "include" => vec!["TAGS"] }).unwrap();
    let task = &answer.list("tasks")[0];
    assert_eq!((task.text("lastStatus"), task.text("group")), (Some("RUNNING"), Some("service:web")));
    assert_eq!(task.list("tags").len(), 3);
    let details = task.list("attachments")[0].list("details");
    assert!(details.iter().any(|one| one.text("name") == Some("privateIPv4Address")));
    let stopped = rig.call("StopTask", &tree! { "task" => &arns[0] }).unwrap();
    assert_eq!(stopped.at(&["task", "desiredStatus"]).and_then(Tree::as_text), Some("STOPPED"));
    rig.run(180);
    let answer = rig.call("DescribeTasks", &tree! { "tasks" => vec![&arns[0]] }).unwrap();
    let task = &answer.list("tasks")[0];
    assert_eq!(task.text("stopCode"), Some("UserInitiated"));
    assert_eq!(task.text("stoppedReason"), Some("Task stopped by user"));
    assert_eq!(task.list("tags"), []);
    assert_eq!(rig.counts(), (2, 2), "it was replaced");
    let listed = rig.call("ListTasks", &tree! { "desiredStatus" => "STOPPED" }).unwrap();
    assert_eq!(listed.list("taskArns").len(), 1);
    rig.run(2 * 3600);
    let answer = rig.call("DescribeTasks", &tree! { "tasks" => vec![&arns[0]] }).unwrap();
    assert_eq!(answer.list("failures")[0].text("reason"), Some("MISSING"));
    assert_eq!(rig.call("StopTask", &tree! { "task" => "none" }).unwrap_err().code, "InvalidParameterException");
}

#[test]
fn a_definition_is_in_use_until_its_last_task_is_gone() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    let arn = rig.world.arn("task-definition/web:1");
    assert!(!is_in_use(&rig.world.ecs, &arn));
    rig.create(&web, 1, Tree::map());
    rig.run(60);
    assert!(is_in_use(&rig.world.ecs, &arn));
    rig.call("DeleteService", &tree! { "service" => "web", "force" => true }).unwrap();
    rig.run(7200);
    assert!(!is_in_use(&rig.world.ecs, &arn));
}

#[test]
fn identifiers_of_other_clusters_are_refused() {
    let mut rig = Rig::new(7);
    let arn = "arn:aws:ecs:us-east-1:123456789012:service/other/web";
    let fault = rig.call("DescribeServices", &tree! { "services" => vec![arn] }).unwrap_err();
    assert_eq!(fault.message, "Identifier is for cluster other. Your cluster is default");
}

#[test]
fn the_journal_is_listed_newest_first_and_revisions_are_kept() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    rig.create(&web, 1, Tree::map());
    rig.run_until("steady", is_steady);
    rig.update(tree! { "forceNewDeployment" => true });
    rig.run(300);
    let listed = rig.call("ListServiceDeployments", &tree! { "service" => "web" }).unwrap();
    let rows = listed.list("serviceDeployments");
    assert_eq!(rows.len(), 2);
    assert!(Time::from_tree(rows[0].get("createdAt").unwrap()) > Time::from_tree(rows[1].get("createdAt").unwrap()));
    assert_eq!(rows[0].text("status"), Some("SUCCESSFUL"));
    let some = tree! { "service" => "web", "status" => vec!["STOPPED"] };
    assert_eq!(rig.call("ListServiceDeployments", &some).unwrap().list("serviceDeployments"), []);
    let arns = rows.iter().filter_map(|row| row.get("targetServiceRevisionArn").cloned()).collect::<Vec<_>>();
    let answer = rig.call("DescribeServiceRevisions", &tree! { "serviceRevisionArns" => arns }).unwrap();
    let revisions = answer.list("serviceRevisions");
    assert_eq!(revisions.len(), 2);
    assert!(revisions[0].list("containerImages")[0].text("imageDigest").unwrap().starts_with("sha256:"));
    let unknown = tree! { "serviceDeploymentArns" => vec!["arn:aws:ecs:us-east-1:123456789012:service-deployment/default/web/x"] };
    let answer = rig.call("DescribeServiceDeployments", &unknown).unwrap();
    assert_eq!(answer.list("failures")[0].text("reason"), Some("MISSING"));
}

#[test]
fn some_things_of_a_service_stay_as_they_are() {
    let mut rig = Rig::new(7);
    let ports = |protocol: &str| {
        vec![tree! { "containerPort" => 80, "name" => "http", "protocol" => "tcp", "appProtocol" => protocol }]
    };
    let web = rig.define_with(&[], tree! { "portMappings" => ports("http") });
    let other = rig.define_with(&[], tree! { "portMappings" => ports("grpc") });
    let connect = tree! {
        "enabled" => true, "namespace" => "shop", "services" => vec![tree! { "portName" => "http" }],
    };
    let given = input(&web, 1).with("role", "own").with("serviceConnectConfiguration", connect);
    rig.call("CreateService", &given).unwrap();
    rig.run_until("steady", is_steady);
    let windows = rig.define(&[]);
    let body = &mut rig.world.ecs.families.get_mut("web").unwrap().revisions.get_mut(&3).unwrap().body;
    body.set("runtimePlatform", tree! { "operatingSystemFamily" => "WINDOWS_SERVER_2022_CORE" });
    let group = tree! { "targetGroupArn" => "arn:group", "containerName" => "web", "containerPort" => 80 };
    let off = tree! { "enabled" => false };
    for (given, text) in [
        (tree! { "taskDefinition" => &other }, "appProtocol"),
        (tree! { "taskDefinition" => &windows, "serviceConnectConfiguration" => &off }, "from Linux to Windows"),
        (tree! { "loadBalancers" => vec![group] }, "service-linked role"),
        (tree! { "serviceConnectConfiguration" => tree! { "enabled" => true } }, "Namespace is missing"),
        (tree! { "desiredCount" => -1 }, "desiredCount"),
        (
            tree! { "availabilityZoneRebalancing" => "ENABLED", "placementConstraints" => vec![
                tree! { "type" => "memberOf", "expression" => "attribute:ecs.availability-zone == a" },
            ] },
            "",
        ),
    ] {
        let before = rig.shown();
        let fault = rig.call("UpdateService", &given.with("service", "web")).unwrap_err();
        assert!(fault.code == "InvalidParameterException" && fault.message.contains(text), "{fault:?}");
        assert_eq!(rig.shown(), before, "a refusal changes nothing");
    }
    rig.update(tree! { "taskDefinition" => &other, "serviceConnectConfiguration" => off });
    rig.run_until("rolled", |service| is_steady(service) && service.deployments.len() == 1);
}

#[test]
fn a_service_that_is_deleted_amid_a_deployment_drains_and_makes_room() {
    let mut rig = Rig::new(7);
    let web = rig.define(&[]);
    rig.create(&web, 2, tree! { "strategy" => "BLUE_GREEN", "bakeTimeInMinutes" => 30 });
    rig.run_until("steady", is_steady);
    rig.update(tree! { "forceNewDeployment" => true });
    rig.run(120);
    assert_eq!(rig.counts().0, 4);
    let refused = rig.call("DeleteService", &tree! { "service" => "web" }).unwrap_err();
    assert_eq!(refused.message, "The service cannot be stopped while it is scaled above 0.");
    let gone = rig.call("DeleteService", &tree! { "service" => "web", "force" => true }).unwrap();
    let gone = gone.get("service").unwrap();
    assert_eq!((gone.text("status"), gone.int("desiredCount")), (Some("DRAINING"), Some(0)));
    let again = rig.call("CreateService", &input(&web, 1)).unwrap_err();
    assert_eq!(again.message, "Unable to Start a service that is still Draining.");
    let late = rig.call("UpdateService", &tree! { "service" => "web", "desiredCount" => 1 }).unwrap_err();
    assert_eq!((late.code, late.message.as_str()), ("ServiceNotActiveException", "Service was not ACTIVE."));
    assert_eq!(rig.call("ListServices", &Tree::map()).unwrap().list("serviceArns"), []);
    rig.run(300);
    assert_eq!((rig.counts(), rig.shown().text("status")), ((0, 0), Some("INACTIVE")));
    let over = rig.call("DeleteService", &tree! { "service" => "web" }).unwrap_err();
    assert_eq!(over.code, "ServiceNotActiveException");
    let made = rig.call("CreateService", &input(&web, 1)).unwrap();
    assert_eq!(made.at(&["service", "events"]), Some(&Tree::List(vec![])));
}
