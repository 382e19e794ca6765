//! Services that CodeDeploy deploys, or people with task sets: created as declared, changed in place where ECS lets them
//! be, and otherwise left to who deploys them, with not one call; and how a service comes over from one to another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use common::harness::{HOUR, MINUTE, Rig, Wanted, cluster, key, tag, task};
use ecs_operator::app::Assumed;
use ecs_operator::cli::plan::Outcome;
use ecs_operator::shape::Tree;
use ecs_operator::tree;

const NETWORK: &str = "  networkConfiguration: { awsvpcConfiguration: { subnets: [subnet-0123456789abcdef0], securityGroups: \
     [sg-0123456789abcdef0] } }\n";
const BALANCER: &str = "  loadBalancers: [{ containerName: web, containerPort: 80, targetGroupArn: \
                        \"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/blue/0123456789abcdef\" }]\n";
const TAKE_OVER: &str = "declare deploymentController: { type: ECS }";

/// A service of that controller with more members, one a line.
fn service(controller: &str, more: &str) -> String {
    let of = match controller {
        "EXTERNAL" => String::new(),
        _ => format!("  launchType: FARGATE\n{NETWORK}{BALANCER}"),
    };
    format!(
        "apiVersion: ecs-operator.io/v1\nkind: Service\nmetadata: {{ name: web, cluster: prod }}\nspec:\n  \
         deploymentController: {{ type: {controller} }}\n{of}{more}"
    )
}

/// Web, with a port for a load balancer.
fn web(image: &str) -> String {
    task("web", image, &[]) + "      portMappings: [{ containerPort: 80 }]\n"
}

fn rig(seed: u64) -> Rig {
    let mut rig = Rig::new(seed);
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", web("nginx:1"));
    rig
}

async fn converged(seed: u64, controller: &str, more: &str) -> Rig {
    let mut rig = rig(seed);
    rig.write("service.yaml", service(controller, more)).commit();
    rig.start();
    rig.converge(HOUR).await;
    rig
}

/// Neither a running operator nor a new one writes anything more.
async fn is_quiet(rig: &mut Rig) {
    let mark = rig.mark();
    rig.run(3 * HOUR).await;
    rig.start();
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
}

async fn described(rig: &Rig) -> Tree {
    let ask = tree! { "cluster" => "prod", "services" => vec!["web"] };
    rig.by_hand("DescribeServices", ask).await.list("services")[0].clone()
}

fn of_web(input: Tree) -> Tree {
    input.with("cluster", "prod").with("service", "web")
}

/// What who deploys does: a new task set of a revision takes the place of those before.
async fn deploy(rig: &Rig, revision: &str) {
    let before: Vec<String> =
        described(rig).await.list("taskSets").iter().map(|set| set.text("id").unwrap().to_owned()).collect();
    let network = tree! { "awsvpcConfiguration" => tree! {
        "subnets" => vec!["subnet-0123456789abcdef0"], "securityGroups" => vec!["sg-0123456789abcdef0"],
    } };
    let balancer = tree! {
        "targetGroupArn" => "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/blue/0123456789abcdef",
        "containerName" => "web", "containerPort" => 80,
    };
    let input = tree! {
        "taskDefinition" => revision, "launchType" => "FARGATE", "networkConfiguration" => network,
        "loadBalancers" => vec![balancer], "scale" => tree! { "value" => 100.0, "unit" => "PERCENT" },
    };
    let made = rig.by_hand("CreateTaskSet", of_web(input)).await;
    let id = made.at(&["taskSet", "id"]).and_then(Tree::as_text).unwrap().to_owned();
    rig.run(5 * MINUTE).await;
    rig.by_hand("UpdateServicePrimaryTaskSet", of_web(tree! { "primaryTaskSet" => id })).await;
    for old in before {
        rig.by_hand("DeleteTaskSet", of_web(tree! { "taskSet" => old, "force" => true })).await;
    }
    rig.run(10 * MINUTE).await;
}

/// A revision of web that no manifest has.
async fn register(rig: &Rig, image: &str) {
    let container =
        tree! { "name" => "web", "image" => image, "portMappings" => vec![tree! { "containerPort" => 80 }] };
    let input = tree! {
        "family" => "web", "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
        "requiresCompatibilities" => vec!["FARGATE"], "containerDefinitions" => vec![container],
    };
    rig.by_hand("RegisterTaskDefinition", input).await;
}

/// Lets it stand blocked for a while; what it says.
async fn refused(rig: &Rig) -> String {
    assert!(rig.until(HOUR, |rig| rig.reason(&key("web")) == "ForeignController").await, "{:#?}", rig.stories());
    rig.run(HOUR).await;
    let (reason, message) = rig.stories().remove(&key("web")).unwrap();
    assert_eq!(reason, "ForeignController", "{message}");
    assert!(message.contains(TAKE_OVER), "{message}");
    message
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn each_is_created_as_it_is_declared_and_then_left_alone() {
    let with_definition = ["CreateCluster", "RegisterTaskDefinition", "CreateService"];
    for (controller, more, sets) in
        [("CODE_DEPLOY", "  desiredCount: 2\n  taskDefinition: web\n", 1), ("EXTERNAL", "  desiredCount: 2\n", 0)]
    {
        let mut rig = converged(1, controller, more).await;
        let mut made = rig.operations_since(0);
        made.sort_by_key(|operation| with_definition.iter().position(|one| one == operation));
        assert_eq!(made, with_definition);
        let creation = rig.writes_since(0).into_iter().find(|call| call.operation == "CreateService").unwrap();
        assert_eq!(creation.input.get("taskDefinition").is_some(), controller == "CODE_DEPLOY");
        let shown = described(&rig).await;
        assert_eq!((shown.list("taskSets").len(), shown.list("deployments").len()), (sets, 0));
        assert_eq!(shown.int("runningCount"), Some(2 * sets as i64));
        assert_eq!(rig.reason(&key("web")), "Converged");
        is_quiet(&mut rig).await;
        assert_eq!(rig.reason(&key("web")), "Converged");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_ecs_changes_in_place_is_changed_and_nothing_is_deployed() {
    let plain = "  enableECSManagedTags: true\n  propagateTags: SERVICE\n  tags: [{ key: team, value: shop }]\n";
    let rolled = "  deploymentConfiguration: { minimumHealthyPercent: 50 }\n  healthCheckGracePeriodSeconds: 30\n";
    let members = ["enableECSManagedTags", "propagateTags", "desiredCount"];
    for (controller, runs, rolled, more) in [
        (
            "CODE_DEPLOY",
            "  taskDefinition: web\n",
            rolled,
            &["deploymentConfiguration", "healthCheckGracePeriodSeconds"][..],
        ),
        ("EXTERNAL", "", "", &[]),
    ] {
        let mut rig = converged(2, controller, &format!("{runs}  desiredCount: 2\n")).await;
        let mark = rig.mark();
        rig.write("service.yaml", service(controller, &format!("{runs}{rolled}{plain}  desiredCount: 3\n"))).commit();
        rig.run(MINUTE).await;
        rig.converge(HOUR).await;
        let writes = rig.writes_since(mark);
        let updates: Vec<&Tree> =
            writes.iter().filter(|call| call.operation == "UpdateService").map(|call| &call.input).collect();
        assert_eq!(updates.len(), 1, "{controller}: {updates:#?}");
        let mut sent: Vec<&str> = updates[0].as_map().unwrap().keys().map(|name| name.as_str()).collect();
        sent.retain(|name| !["cluster", "service"].contains(name));
        sent.sort_unstable();
        let mut expected: Vec<&str> = members.iter().chain(more).copied().collect();
        expected.sort_unstable();
        assert_eq!(sent, expected);
        assert!(writes.iter().all(|call| call.status == 200));
        let tags = rig.service("web", |service| service.tags.clone());
        assert_eq!(tag(&tags, "team").as_deref(), Some("shop"));
        assert_eq!(rig.service("web", |service| service.desired), 3);
        is_quiet(&mut rig).await;
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_codedeploy_has_to_deploy_is_told_and_not_one_call_is_made() {
    let text = |runs: &str, more: &str| service("CODE_DEPLOY", &format!("  taskDefinition: {runs}\n{more}"));
    let count = "  desiredCount: 2\n";
    let mut rig = rig(3);
    rig.by_hand(
        "CreateCluster",
        tree! { "clusterName" => "prod", "tags" => vec![tree! {
            "key" => "ecs-operator/owner", "value" => "us/test",
        }] },
    )
    .await;
    rig.remove("task.yaml");
    register(&rig, "nginx:1").await;
    register(&rig, "nginx:2").await;
    rig.write("service.yaml", text("web:1", count)).commit();
    rig.start();
    rig.converge(HOUR).await;
    let mark = rig.mark();
    for (change, named) in [
        (text("web:2", count), "taskDefinition (web:1 runs, web:2 in Git)"),
        (
            text("web:1", count).replace("[subnet-0123456789abcdef0]", "[subnet-0123456789abcdef1]"),
            "networkConfiguration",
        ),
        (text("web:1", count).replace("targetgroup/blue", "targetgroup/green"), "loadBalancers"),
        (text("web:1", &format!("{count}  enableExecuteCommand: true\n")), "enableExecuteCommand"),
        (text("web:1", count).replace("spec:", "reconcile: { restartedAt: now }\nspec:"), "reconcile.restartedAt"),
    ] {
        rig.write("service.yaml", change).commit();
        let message = refused(&rig).await;
        assert!(message.starts_with(&format!("{named} changed, and CODE_DEPLOY deploys it: ")), "{message}");
        assert!(message.contains("with CodeDeploy"), "{message}");
        // A new operator says the same.
        rig.start();
        assert_eq!(refused(&rig).await, message);
        assert_eq!(rig.operations_since(mark), Vec::<String>::new(), "{named}");
        rig.write("service.yaml", text("web:1", count)).commit();
        rig.converge(HOUR).await;
    }
    // What may be changed is, meanwhile.
    rig.write("service.yaml", text("web:2", "  desiredCount: 3\n")).commit();
    refused(&rig).await;
    let updates = rig.writes_since(mark);
    assert_eq!((updates.len(), updates[0].input.int("desiredCount")), (1, Some(3)));
    assert_eq!(updates[0].input.as_map().unwrap().len(), 3, "{:?}", updates[0].input);
    // And once somebody deploys, it is as Git wants it.
    deploy(&rig, "web:2").await;
    let mark = rig.mark();
    rig.converge(HOUR).await;
    assert_eq!(rig.live("web"), "web:2");
    is_quiet(&mut rig).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_manifests_revision_is_registered_for_who_deploys_it() {
    let mut rig = converged(4, "CODE_DEPLOY", "  taskDefinition: web\n  desiredCount: 1\n").await;
    let mark = rig.mark();
    rig.write("task.yaml", web("nginx:2")).commit();
    let message = refused(&rig).await;
    assert!(message.contains("taskDefinition (web:1 runs, web:2 in Git)"), "{message}");
    assert_eq!(rig.operations_since(mark), ["RegisterTaskDefinition"]);
    deploy(&rig, "web:2").await;
    rig.converge(HOUR).await;
    assert_eq!(
        (rig.live("web").as_str(), rig.operations_since(mark).len()),
        ("web:2", 4),
        "one of ours, three of theirs"
    );
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_a_task_definition_whatever_codedeploy_deploys_is_as_it_should_be() {
    let mut rig = rig(5);
    let nothing = service("CODE_DEPLOY", "  desiredCount: 1\n");
    rig.write("service.yaml", &nothing).commit();
    rig.start();
    rig.run(10 * MINUTE).await;
    let (reason, message) = rig.stories().remove(&key("web")).unwrap();
    assert!(reason == "DependencyNotReady" && message.contains("name a TaskDefinition"), "{reason}: {message}");
    rig.write("service.yaml", service("CODE_DEPLOY", "  desiredCount: 1\n  taskDefinition: web\n")).commit();
    rig.converge(HOUR).await;
    rig.write("service.yaml", &nothing).commit();
    rig.converge(HOUR).await;
    register(&rig, "nginx:9").await;
    deploy(&rig, "web:2").await;
    rig.converge(HOUR).await;
    is_quiet(&mut rig).await;
    assert_eq!((rig.live("web").as_str(), rig.reason(&key("web")).as_str()), ("web:2", "Converged"));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn task_sets_come_and_go_and_are_nobody_elses_business() {
    let mut rig = converged(6, "EXTERNAL", "  desiredCount: 2\n").await;
    register(&rig, "nginx:2").await;
    let mark = rig.mark();
    let theirs = |rig: &Rig| rig.operations_since(mark).iter().all(|operation| operation.contains("TaskSet"));
    for revision in ["web:1", "web:2"] {
        deploy(&rig, revision).await;
        rig.converge(HOUR).await;
        assert!(theirs(&rig), "{:?}", rig.operations_since(mark));
        assert_eq!(rig.live("web"), revision);
    }
    // Its own count decides how many tasks a set has.
    rig.write("service.yaml", service("EXTERNAL", "  desiredCount: 4\n")).commit();
    assert!(rig.until(HOUR, |rig| rig.reason(&key("web")) == "Settling").await, "{:#?}", rig.stories());
    rig.converge(HOUR).await;
    assert_eq!(described(&rig).await.int("runningCount"), Some(4));
    is_quiet(&mut rig).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn ecs_takes_over_in_place_and_by_a_deployment() {
    let runs = "  taskDefinition: web\n  desiredCount: 2\n";
    for controller in ["CODE_DEPLOY", "EXTERNAL"] {
        let more = if controller == "EXTERNAL" { "  desiredCount: 2\n" } else { runs };
        let mut rig = converged(7, controller, more).await;
        if controller == "EXTERNAL" {
            deploy(&rig, "web:1").await;
            rig.converge(HOUR).await;
        }
        let arn = described(&rig).await.text("serviceArn").unwrap().to_owned();
        let mark = rig.mark();
        rig.write("task.yaml", web("nginx:2")).write("service.yaml", service("ECS", runs)).commit();
        rig.run(MINUTE).await;
        rig.converge(HOUR).await;
        assert_eq!(rig.live("web"), "web:2");
        let writes = rig.writes_since(mark);
        assert!(writes.iter().all(|call| call.status == 200), "{writes:#?}");
        assert_eq!(writes.iter().filter(|call| call.operation == "UpdateService").count(), 1);
        let shown = described(&rig).await;
        assert_eq!((shown.text("serviceArn"), shown.list("deployments").len()), (Some(arn.as_str()), 1));
        assert_eq!(shown.at(&["deploymentController", "type"]).and_then(Tree::as_text), Some("ECS"));
        is_quiet(&mut rig).await;
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn ecs_takes_over_when_codedeploy_has_done() {
    let runs = "  taskDefinition: web\n  desiredCount: 2\n";
    let mut rig = converged(8, "CODE_DEPLOY", runs).await;
    register(&rig, "nginx:2").await;
    let set = tree! { "taskDefinition" => "web:2", "launchType" => "FARGATE", "networkConfiguration" => tree! {
        "awsvpcConfiguration" => tree! { "subnets" => vec!["subnet-0123456789abcdef0"] },
    } };
    let made = rig.by_hand("CreateTaskSet", of_web(set)).await;
    let mark = rig.mark();
    rig.write("service.yaml", service("ECS", runs)).commit();
    rig.run(HOUR).await;
    let (reason, message) = rig.stories().remove(&key("web")).unwrap();
    assert!(reason == "RolloutInProgress" && message.contains("CodeDeploy"), "{reason}: {message}");
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    let id = made.at(&["taskSet", "id"]).and_then(Tree::as_text).unwrap().to_owned();
    rig.by_hand("DeleteTaskSet", of_web(tree! { "taskSet" => id, "force" => true })).await;
    rig.converge(HOUR).await;
    assert_eq!(described(&rig).await.list("deployments").len(), 1);
}

/// A service of ECS's own with all that EXTERNAL does not have, but can switch off.
fn of_ecs() -> String {
    let text = Wanted::of("web", 2).text("web") + "  deploymentController: { type: ECS }\n";
    text.replace("availabilityZoneRebalancing: DISABLED", "availabilityZoneRebalancing: ENABLED")
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_service_goes_over_to_external_with_what_runs() {
    let code_deploy = service("CODE_DEPLOY", "  taskDefinition: web\n  desiredCount: 2\n");
    for before in [of_ecs(), code_deploy] {
        let mut rig = rig(9);
        rig.write("service.yaml", before).commit();
        rig.start();
        rig.converge(HOUR).await;
        let tasks = rig.service("web", |service| service.tasks.clone());
        let mark = rig.mark();
        rig.write("service.yaml", service("EXTERNAL", "  desiredCount: 2\n")).commit();
        rig.run(MINUTE).await;
        rig.converge(HOUR).await;
        let writes = rig.writes_since(mark);
        assert_eq!(rig.operations_since(mark), ["TagResource", "UpdateService"]);
        assert_eq!((writes[1].status, writes[1].input.bool("forceNewDeployment")), (200, None));
        let shown = described(&rig).await;
        assert_eq!(shown.at(&["deploymentController", "type"]).and_then(Tree::as_text), Some("EXTERNAL"));
        assert_eq!(rig.service("web", |service| service.tasks.clone()), tasks, "no task is replaced");
        is_quiet(&mut rig).await;
        // And back again.
        rig.write("service.yaml", of_ecs()).commit();
        rig.run(MINUTE).await;
        rig.converge(HOUR).await;
        is_quiet(&mut rig).await;
        assert_eq!(described(&rig).await.list("deployments").len(), 1);
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_deployment_is_let_end_before_a_service_goes_over_to_external() {
    let mut rig = rig(10);
    rig.write("service.yaml", of_ecs()).commit();
    rig.start();
    rig.converge(HOUR).await;
    rig.write("task.yaml", web("nginx:2")).commit();
    assert!(rig.until(HOUR, |rig| rig.reason(&key("web")) == "RolloutInProgress").await);
    let mark = rig.mark();
    rig.write("service.yaml", service("EXTERNAL", "  desiredCount: 2\n")).commit();
    rig.run(MINUTE / 2).await;
    assert_eq!((rig.reason(&key("web")).as_str(), rig.operations_since(mark).len()), ("RolloutInProgress", 0));
    rig.converge(HOUR).await;
    assert_eq!(rig.live("web"), "web:2");
    assert_eq!(rig.operations_since(mark), ["TagResource", "UpdateService"]);
    assert!(rig.writes_since(mark).iter().all(|call| call.status == 200));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn to_codedeploy_only_another_service_comes() {
    let runs = "  taskDefinition: web\n  desiredCount: 2\n";
    let mut rig = rig(11);
    rig.write("service.yaml", service("ECS", runs)).commit();
    rig.start();
    rig.converge(HOUR).await;
    let mark = rig.mark();
    rig.write("service.yaml", service("CODE_DEPLOY", runs)).commit();
    rig.run(HOUR).await;
    let (reason, message) = rig.stories().remove(&key("web")).unwrap();
    assert!(
        reason == "ReplacementNeeded" && message.contains("replace: [deploymentController]"),
        "{reason}: {message}"
    );
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    let permitted = service("CODE_DEPLOY", &format!("{runs}  serviceName: web-2\n"))
        .replace("spec:", "reconcile: { replace: [deploymentController] }\nspec:");
    rig.write("service.yaml", permitted).commit();
    rig.converge(2 * HOUR).await;
    let writes = rig.writes_since(mark);
    assert!(writes.iter().all(|call| call.status == 200), "{writes:#?}");
    let world = |rig: &Rig, name: &str| {
        rig.sim.world().ecs.services[&("prod".to_owned(), name.to_owned())].status.as_str().to_owned()
    };
    assert_eq!((world(&rig, "web-2"), world(&rig, "web")), ("ACTIVE".to_owned(), "INACTIVE".to_owned()));
    is_quiet(&mut rig).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_looked_at_ahead_says_nothing_of_what_others_do() {
    let runs = "  taskDefinition: web\n";
    let assumed = Assumed::default();
    let mut rig = converged(12, "CODE_DEPLOY", &format!("{runs}  desiredCount: 2\n")).await;
    rig.write("service.yaml", service("CODE_DEPLOY", &format!("{runs}  desiredCount: 3\n"))).commit();
    rig.lose_operator();
    let view = rig.simulated(&assumed).await;
    let forecast = view.forecast(&key("web")).unwrap();
    assert_eq!((forecast.outcome, forecast.course.unwrap().peak), (Outcome::Done, 3), "{forecast:?}");
    let mut rig = converged(13, "EXTERNAL", "  desiredCount: 2\n").await;
    deploy(&rig, "web:1").await;
    rig.write("service.yaml", service("EXTERNAL", "  desiredCount: 3\n")).commit();
    rig.lose_operator();
    let view = rig.simulated(&assumed).await;
    let forecast = view.forecast(&key("web")).unwrap();
    assert_eq!(forecast.outcome, Outcome::Unknown, "{forecast:?}");
    let ahead = rig.ahead().await;
    assert!(ahead.iter().all(|(_, ahead)| ahead.findings().is_empty()), "nothing is found out of what is not known");
}
