//! Drift in the loop: healed, told of or left, as Git says; left where another program has the say; and never fought over
//! without a rest. What controllers and launch types allow is done in place, what they refuse is not tried.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use common::harness::{HOUR, MINUTE, Rig, Wanted, cluster, converged, key, tag, task, web};
use ecs_operator::cli::plan::text;
use ecs_operator::cli::terminal::Terminal;
use ecs_operator::shape::Tree;
use ecs_operator::tree;

/// The service `web` whose drift is treated so.
fn treated(how: &str, wanted: Wanted) -> String {
    wanted.text("web").replace("reconcile: { ", &format!("reconcile: {{ {how}, "))
}

async fn web_with(how: &str) -> Rig {
    let mut rig = Rig::new(1);
    web(&mut rig);
    rig.write("service.yaml", treated(how, Wanted::of("web", 2))).commit();
    rig.start();
    rig.converge(HOUR).await;
    rig
}

fn desired(rig: &Rig) -> i64 {
    rig.service("web", |service| service.desired)
}

fn setting(rig: &Rig, name: &str) -> Option<Tree> {
    rig.service("web", |service| service.settings.get(name).cloned())
}

fn network(public: &str, group: &str) -> Tree {
    tree! { "networkConfiguration" => tree! { "awsvpcConfiguration" => tree! {
        "subnets" => vec!["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "securityGroups" => vec![group], "assignPublicIp" => public,
    } } }
}

const GROUP: &str = "sg-0123456789abcdef0";

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_only_warned_of_is_told_and_left_and_git_still_has_its_way() {
    let mut rig = web_with("drift: Warn").await;
    let settled = rig.mark();
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(settled), Vec::<String>::new());
    rig.update_by_hand("web", tree! { "desiredCount" => 5, "enableExecuteCommand" => true }).await;
    let mark = rig.mark();
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    let (reason, message) = rig.stories().remove(&key("web")).unwrap();
    assert_eq!(reason, "DriftKept");
    assert!(message.contains("desiredCount, enableExecuteCommand differ from Git"), "{message}");
    let shown = text(&rig.view().await, &Terminal::PLAIN);
    assert!(shown.contains("desiredCount: 5 -> 2") && shown.contains("held back"), "{shown}");

    // Another member changes in Git, and a restart forgets nothing.
    for restart in [false, true] {
        let minimum = if restart { 60 } else { 50 };
        if restart {
            rig.lose_operator();
        }
        rig.write("service.yaml", treated("drift: Warn", Wanted { minimum, ..Wanted::of("web", 2) })).commit();
        if restart {
            rig.start();
        }
        rig.run(10 * MINUTE).await;
        let live = setting(&rig, "deploymentConfiguration").unwrap();
        assert_eq!((desired(&rig), live.int("minimumHealthyPercent")), (5, Some(minimum.into())));
        assert_eq!(rig.reason(&key("web")), "DriftKept");
    }
    // A new image is deployed, and the count is still others'.
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    rig.run(20 * MINUTE).await;
    assert_eq!((rig.live("web").as_str(), desired(&rig)), ("web:2", 5));
    // What Git says anew of the very member is done.
    rig.write("service.yaml", treated("drift: Warn", Wanted { minimum: 60, ..Wanted::of("web", 3) })).commit();
    rig.run(10 * MINUTE).await;
    assert_eq!((desired(&rig), setting(&rig, "enableExecuteCommand")), (3, Some(true.into())));
    // And all of it once drift is healed again.
    rig.write("service.yaml", Wanted { minimum: 60, ..Wanted::of("web", 3) }.text("web")).commit();
    rig.converge(HOUR).await;
    assert_eq!(setting(&rig, "enableExecuteCommand"), Some(false.into()));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_ignored_is_left_without_a_word_whether_or_not_it_deploys() {
    let mut rig = web_with("drift: Ignore").await;
    rig.update_by_hand("web", network("ENABLED", GROUP).with("desiredCount", 4)).await;
    let mark = rig.mark();
    rig.run(3 * HOUR).await;
    rig.converge(HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    let shown = text(&rig.view().await, &Terminal::PLAIN);
    assert!(shown.starts_with("Nothing to do"), "{shown}");
    rig.start();
    rig.converge(HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    // Git's next image is deployed as Git has all of it that deploys: that is one attempt.
    rig.write("task.yaml", task("web", "nginx:2", &[])).commit();
    rig.converge(HOUR).await;
    assert_eq!((rig.live("web").as_str(), desired(&rig)), ("web:2", 4));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_deployment_by_hand_is_left_where_drift_is_only_warned_of() {
    let rig = web_with("drift: Warn").await;
    rig.update_by_hand("web", network("ENABLED", GROUP)).await;
    let mark = rig.mark();
    rig.run(6 * HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    let (reason, message) = rig.stories().remove(&key("web")).unwrap();
    assert_eq!(reason, "DriftKept");
    assert!(message.contains("assignPublicIp"), "{message}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_rollout_that_fails_is_held_and_no_drift() {
    for how in ["drift: Warn", "drift: Ignore", "ignore: [/networkConfiguration/awsvpcConfiguration/securityGroups]"] {
        let mut rig = web_with(how).await;
        rig.write("task.yaml", task("web", "nginx:bad", &[("fail-to-start", "CannotPullContainerError: gone")]));
        rig.commit();
        let held = rig.until(2 * HOUR, |rig| rig.reason(&key("web")) == "RolledBack").await;
        assert!(held, "{how}: {:#?}", rig.stories());
        let mark = rig.mark();
        rig.run(2 * HOUR).await;
        assert_eq!((rig.operations_since(mark), rig.reason(&key("web"))), (vec![], "RolledBack".to_owned()), "{how}");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_pointer_leaves_one_member_to_others_until_git_says_something_else_of_it() {
    let mut rig = web_with("ignore: [/desiredCount, /tags/cost]").await;
    let with = |count: u32, minimum: u32| {
        treated("ignore: [/desiredCount, /tags/cost]", Wanted { minimum, ..Wanted::of("web", count) })
    };
    rig.update_by_hand("web", tree! { "desiredCount" => 6 }).await;
    let mark = rig.mark();
    rig.converge(HOUR).await;
    rig.start();
    rig.converge(HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    // Other members are healed, and changed, without it.
    rig.update_by_hand("web", tree! { "enableExecuteCommand" => true }).await;
    rig.run(3 * MINUTE).await;
    rig.write("service.yaml", with(2, 50)).commit();
    rig.converge(HOUR).await;
    assert_eq!((desired(&rig), setting(&rig, "enableExecuteCommand")), (6, Some(false.into())));
    // What Git says anew is done, even if the operator was away when it did.
    rig.lose_operator();
    rig.write("service.yaml", with(3, 50)).commit();
    rig.start();
    rig.converge(HOUR).await;
    assert_eq!(desired(&rig), 3);
    rig.update_by_hand("web", tree! { "desiredCount" => 7 }).await;
    rig.converge(HOUR).await;
    assert_eq!(desired(&rig), 7);
    // The commit that begins to ignore it changes nothing of it.
    let mut rig = converged(2).await;
    rig.lose_operator();
    rig.update_by_hand("web", tree! { "desiredCount" => 5 }).await;
    rig.write("service.yaml", with(2, 100)).commit();
    rig.start();
    rig.converge(HOUR).await;
    assert_eq!(desired(&rig), 5);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_pointer_may_lead_to_what_a_deployment_changes_and_to_tags() {
    let how = "ignore: [/networkConfiguration/awsvpcConfiguration/securityGroups, /tags/cost]";
    let mut rig = Rig::new(1);
    web(&mut rig);
    let more = "  tags: [{ key: cost, value: a }, { key: team, value: shop }]\n".to_owned();
    rig.write("service.yaml", treated(how, Wanted { more: more.clone(), ..Wanted::of("web", 2) })).commit();
    rig.start();
    rig.converge(HOUR).await;
    let arn = rig.service("web", |service| service.arn.clone());
    rig.update_by_hand("web", network("DISABLED", "sg-0123456789abcdef7")).await;
    rig.tag_by_hand(&arn, "cost", "b").await;
    rig.run(10 * MINUTE).await;
    rig.tag_by_hand(&arn, "team", "other").await;
    let mark = rig.mark();
    rig.converge(HOUR).await;
    assert_eq!(rig.operations_since(mark), ["TagResource"]);
    let tags = rig.service("web", |service| service.tags.clone());
    assert_eq!((tag(&tags, "cost").as_deref(), tag(&tags, "team").as_deref()), (Some("b"), Some("shop")));
    // Git's own change of the group is deployed.
    let text = treated(how, Wanted { more, ..Wanted::of("web", 2) });
    rig.write("service.yaml", text.replace(&format!("[{GROUP}]"), "[sg-0123456789abcdef9]")).commit();
    rig.converge(HOUR).await;
    rig.service("web", |service| {
        let groups = service.spec.at(&["networkConfiguration", "awsvpcConfiguration", "securityGroups"]).cloned();
        assert_eq!(groups, Some(vec!["sg-0123456789abcdef9"].into()));
    });
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_clusters_drift_is_left_too() {
    let mut rig = Rig::new(1);
    let settings = |how: &str, value: &str| {
        let spec = format!("spec: {{ settings: [{{ name: containerInsights, value: {value} }}] }}\n");
        format!("{}reconcile: {{ {how} }}\n{spec}", cluster("prod"))
    };
    rig.write("cluster.yaml", settings("drift: Warn", "enabled")).commit();
    rig.start();
    rig.converge(HOUR).await;
    let change = tree! { "cluster" => "prod", "settings" => vec![tree! { "name" => "containerInsights", "value" => "disabled" }] };
    rig.by_hand("UpdateClusterSettings", change.clone()).await;
    let mark = rig.mark();
    rig.run(HOUR).await;
    assert_eq!((rig.operations_since(mark), rig.reason("Cluster/prod")), (vec![], "DriftKept".to_owned()));
    rig.write("cluster.yaml", settings("drift: Ignore", "enabled")).commit();
    rig.converge(HOUR).await;
    rig.write("cluster.yaml", settings("ignore: [/settings/containerInsights/value]", "enhanced")).commit();
    rig.converge(HOUR).await;
    let live =
        |rig: &Rig| rig.sim.world().ecs.clusters["prod"].body.list("settings")[0].text("value").unwrap().to_owned();
    assert_eq!(live(&rig), "disabled", "the commit that begins with a pointer changes nothing there");
    rig.write("cluster.yaml", settings("drift: Heal", "enhanced")).commit();
    rig.converge(HOUR).await;
    assert_eq!(live(&rig), "enhanced");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_fight_is_fought_ever_more_seldom_and_told_of() {
    let mut rig = converged(1).await;
    let mark = rig.mark();
    let mut told = 0;
    for _ in 0..(6 * 60) {
        rig.update_by_hand("web", tree! { "desiredCount" => 9 }).await;
        rig.run(MINUTE).await;
        let (reason, message) = rig.stories().remove(&key("web")).unwrap();
        if reason == "Contended" {
            told += 1;
            assert!(message.contains("desiredCount (live 9, in Git 2) was healed"), "{message}");
        }
    }
    let heals = |rig: &Rig, mark: usize| {
        let is_ours = |call: &&ecs_operator::sim::world::LoggedCall| {
            call.operation == "UpdateService" && call.input.int("desiredCount") == Some(2)
        };
        rig.writes_since(mark).iter().filter(is_ours).count()
    };
    // Three at once, after 5, 10, 20 and 40 minutes, and then once an hour.
    assert!((8..=11).contains(&heals(&rig, mark)), "{} heals", heals(&rig, mark));
    assert!(told > 300, "told {told} times");
    // Other members are healed meanwhile.
    rig.update_by_hand("web", tree! { "desiredCount" => 9, "enableExecuteCommand" => true }).await;
    rig.run(3 * MINUTE).await;
    assert_eq!((desired(&rig), setting(&rig, "enableExecuteCommand")), (9, Some(false.into())));
    // Git has its way at once.
    rig.write("service.yaml", Wanted::of("web", 3).text("web")).commit();
    rig.converge(HOUR).await;
    assert_eq!(desired(&rig), 3);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_launch_type_becomes_a_strategy_and_a_strategy_the_launch_type_again() {
    let mut rig = converged(1).await;
    rig.write("cluster.yaml", cluster("prod") + "spec: { capacityProviders: [FARGATE, FARGATE_SPOT] }\n");
    let launch = "  launchType: FARGATE\n";
    let strategy = "  capacityProviderStrategy: [{ capacityProvider: FARGATE_SPOT, weight: 1 }]\n";
    let text = Wanted::of("web", 2).text("web");
    for (now, launched) in [(strategy, None), (launch, Some("FARGATE")), (strategy, None)] {
        let mark = rig.mark();
        rig.write("service.yaml", text.replace(launch, now)).commit();
        rig.lose_operator();
        let shown = ecs_operator::cli::plan::text(&rig.view().await, &Terminal::PLAIN);
        assert!(shown.contains("starts a deployment") && !shown.contains("held back"), "{shown}");
        rig.start();
        rig.converge(HOUR).await;
        let updates = rig.writes_since(mark).into_iter().filter(|call| call.operation == "UpdateService");
        let forced: Vec<_> = updates.map(|call| call.input.bool("forceNewDeployment")).collect();
        assert_eq!(forced, [Some(true)]);
        rig.service("web", |service| assert_eq!(service.spec.text("launchType"), launched));
    }
    rig.assert_lawful();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_another_controller_deploys_is_left_to_it_until_the_manifest_takes_over() {
    for controller in ["CODE_DEPLOY", "EXTERNAL"] {
        let mut rig = Rig::new(1);
        let owner = vec![tree! { "key" => "ecs-operator/owner", "value" => "us/test" }];
        rig.by_hand("CreateCluster", tree! { "clusterName" => "prod", "tags" => owner.clone() }).await;
        let container =
            tree! { "name" => "web", "image" => "httpd", "portMappings" => vec![tree! { "containerPort" => 80 }] };
        let definition = tree! {
            "family" => "other", "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
            "requiresCompatibilities" => vec!["FARGATE"], "containerDefinitions" => vec![container],
        };
        rig.by_hand("RegisterTaskDefinition", definition).await;
        let service = tree! {
            "cluster" => "prod", "serviceName" => "web", "desiredCount" => 1, "tags" => owner,
            "deploymentController" => tree! { "type" => controller },
        };
        let balancer = tree! {
            "targetGroupArn" => "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/0",
            "containerName" => "web", "containerPort" => 80,
        };
        let service = match controller {
            "CODE_DEPLOY" => {
                let service = service.with("taskDefinition", "other").with("launchType", "FARGATE");
                let network = network("DISABLED", GROUP).get("networkConfiguration").cloned();
                service.with_some("networkConfiguration", network).with("loadBalancers", vec![balancer])
            }
            _ => service.with("launchType", "FARGATE"),
        };
        rig.by_hand("CreateService", service).await;
        let definition = task("web", "nginx:1", &[]) + "      portMappings: [{ containerPort: 80 }]\n";
        rig.write("cluster.yaml", cluster("prod")).write("task.yaml", definition);
        let text = Wanted { breaker: false, ..Wanted::of("web", 2) }.text("web").replace("  launchType: FARGATE\n", "");
        rig.write("service.yaml", &text).commit();
        let mark = rig.mark();
        rig.start();
        rig.run(2 * HOUR).await;
        let (reason, message) = rig.stories().remove(&key("web")).unwrap();
        assert_eq!(reason, "ForeignController", "{message}");
        assert!(message.contains("declare deploymentController"), "{message}");
        let refused: Vec<_> = rig.writes_since(mark).into_iter().filter(|call| call.status != 200).collect();
        assert_eq!((desired(&rig), refused.len()), (2, 0), "{controller}: {refused:#?}");
        let mark = rig.mark();
        rig.run(2 * HOUR).await;
        assert_eq!(rig.operations_since(mark), Vec::<String>::new());
        let more = "  deploymentController: { type: ECS }\n";
        rig.write("service.yaml", text + more).commit();
        rig.run(2 * HOUR).await;
        rig.converge(HOUR).await;
        assert_eq!(rig.live("web"), "web:1");
        rig.service("web", |service| assert_eq!(service.deployments.len(), 1));
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_strategy_that_someone_set_goes_back_to_rolling() {
    let mut rig = Rig::new(1);
    web(&mut rig);
    rig.write("service.yaml", Wanted { breaker: false, ..Wanted::of("web", 2) }.text("web")).commit();
    rig.start();
    rig.converge(HOUR).await;
    let hook = tree! {
        "targetType" => "AWS_LAMBDA", "hookTargetArn" => "arn:aws:lambda:us-east-1:123456789012:function:f",
        "roleArn" => "arn:aws:iam::123456789012:role/hook", "lifecycleStages" => vec!["PRE_SCALE_UP"],
    };
    for configuration in [
        tree! { "strategy" => "BLUE_GREEN", "bakeTimeInMinutes" => 5, "lifecycleHooks" => vec![hook] },
        tree! { "strategy" => "LINEAR", "linearConfiguration" => tree! { "stepPercent" => 20.5 } },
        tree! { "strategy" => "CANARY", "canaryConfiguration" => tree! { "canaryPercent" => 20.5 } },
    ] {
        let mark = rig.mark();
        rig.update_by_hand("web", tree! { "deploymentConfiguration" => configuration }).await;
        rig.run(3 * MINUTE).await;
        rig.converge(HOUR).await;
        let live = setting(&rig, "deploymentConfiguration").unwrap();
        assert_eq!((live.text("strategy"), live.int("bakeTimeInMinutes")), (Some("ROLLING"), Some(0)), "{live:?}");
        assert_eq!(rig.operations_since(mark), ["UpdateService", "UpdateService"]);
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_arn_and_family_with_revision_are_one() {
    let mut rig = converged(1).await;
    let arn = rig.service("web", |service| service.deployments[0].definition.arn.clone());
    for reference in ["web:1", arn.as_str()] {
        rig.write("service.yaml", Wanted::of(&format!("\"{reference}\""), 2).text("web")).commit();
        let mark = rig.mark();
        rig.converge(HOUR).await;
        assert!(!rig.operations_since(mark).contains(&"UpdateService".to_owned()), "{reference}");
    }
}
