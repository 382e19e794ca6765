//! Taking over what is there: by tags alone where nobody keeps it, beside another tool where that keeps it, from another
//! owner where the command says so; and not at all otherwise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::time::Duration;

use common::harness::{DAY, HOUR, MINUTE, Rig, Wanted, cluster, key, tag, task};
use common::lossy::{Position, mutates};
use common::network::Network;
use ecs_operator::cli::plan::text;
use ecs_operator::cli::terminal::Terminal;
use ecs_operator::kinds::adopt::Former;
use ecs_operator::shape::{Tree, json};
use ecs_operator::tree;

/// What somebody has made by hand: a cluster, a revision with the content of [`task`], and a service that has left two
/// defaults, one of them in a block of which a part is declared.
async fn made_by_hand(rig: &Rig, tags: &[(&str, &str)]) {
    rig.by_hand("CreateCluster", tree! { "clusterName" => "prod" }).await;
    register(rig, "web", "nginx:1").await;
    create(rig, "web", "web:1").await;
    rig.run(5 * MINUTE).await;
    let mut world = rig.sim.world();
    let tags =
        |all: &mut Vec<Tree>| all.extend(tags.iter().map(|(key, value)| tree! { "key" => *key, "value" => *value }));
    let service = world.ecs.services.get_mut(&("prod".to_owned(), "web".to_owned())).unwrap();
    tags(&mut service.tags);
}

async fn register(rig: &Rig, family: &str, image: &str) {
    let health = tree! { "command" => vec!["CMD", "true"] };
    let container = tree! { "name" => "web", "image" => image, "healthCheck" => health };
    let input = tree! {
        "family" => family, "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
        "requiresCompatibilities" => vec!["FARGATE"], "containerDefinitions" => vec![container],
    };
    rig.by_hand("RegisterTaskDefinition", input).await;
}

async fn create(rig: &Rig, name: &str, reference: &str) {
    let vpc = tree! {
        "subnets" => vec!["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "securityGroups" => vec!["sg-0123456789abcdef0"], "assignPublicIp" => "ENABLED",
    };
    let breaker = tree! { "enable" => true, "rollback" => true };
    let configuration =
        tree! { "maximumPercent" => 200, "minimumHealthyPercent" => 100, "deploymentCircuitBreaker" => breaker };
    let input = tree! {
        "cluster" => "prod", "serviceName" => name, "taskDefinition" => reference, "launchType" => "FARGATE",
        "desiredCount" => 2, "availabilityZoneRebalancing" => "DISABLED", "enableExecuteCommand" => true,
        "networkConfiguration" => tree! { "awsvpcConfiguration" => vpc }, "deploymentConfiguration" => configuration,
    };
    rig.by_hand("CreateService", input).await;
}

fn asked(text: String, adopt: &str) -> String {
    match text.contains("reconcile: {") {
        true => text.replace("reconcile: {", &format!("reconcile: {{ adopt: {adopt},")),
        false => format!("{text}reconcile: {{ adopt: {adopt} }}\n"),
    }
}

/// The same, declared, and asked for.
fn declared(rig: &mut Rig, image: &str, count: u32, adopt: &str) {
    rig.write("cluster.yaml", asked(cluster("prod"), adopt));
    rig.write("task.yaml", asked(task("web", image, &[]), adopt));
    rig.write("service.yaml", asked(Wanted::of("web", count).text("web"), adopt));
    rig.commit();
}

fn service_tag(rig: &Rig, name: &str) -> Option<String> {
    rig.service("web", |service| tag(&service.tags, name))
}

fn setting(rig: &Rig, path: &[&str]) -> Option<Tree> {
    let shown = rig.sim.call("ecs", "DescribeServices", tree! { "cluster" => "prod", "services" => vec!["web"] });
    shown.unwrap().list("services")[0].at(path).cloned()
}

const PUBLIC: [&str; 3] = ["networkConfiguration", "awsvpcConfiguration", "assignPublicIp"];

/// The object of a plan's JSON.
async fn planned(rig: &Rig, key: &str) -> Tree {
    let view = json::read(rig.view().await.json().as_bytes()).unwrap();
    view.list("objects").iter().find(|one| one.text("key") == Some(key)).unwrap().clone()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_nobody_keeps_becomes_ours_by_its_tags_alone() {
    let mut rig = Rig::new(1);
    made_by_hand(&rig, &[]).await;
    declared(&mut rig, "nginx:1", 3, "IfUnowned");
    let shown = planned(&rig, &key("web")).await;
    assert_eq!(shown.text("action"), Some("adopt"));
    assert_eq!(shown.list("calls"), [Tree::from("TagResource")]);
    let change = |path: &str| shown.list("changes").iter().find(|one| one.text("path") == Some(path)).unwrap().clone();
    assert_eq!(change("tags[ecs-operator/owner]").text("effect"), Some("adopt"));
    assert_eq!(change("desiredCount").get("planned"), Some(&Tree::Bool(false)));
    let public = change("networkConfiguration.awsvpcConfiguration.assignPublicIp");
    assert_eq!((public.get("declared"), public.get("planned")), (Some(&Tree::Bool(false)), Some(&Tree::Bool(false))));
    assert!(public.get("accept").is_some(), "{public:?}");

    let mark = rig.mark();
    rig.start();
    // The first pass of each writes its tags, and nothing else.
    assert!(rig.until(MINUTE, |rig| service_tag(rig, "ecs-operator/owner").is_some()).await);
    let writes = rig.writes_since(mark);
    assert!(writes.iter().all(|call| call.operation == "TagResource"), "{writes:#?}");
    assert_eq!(rig.service("web", |one| one.desired), 2);
    assert!(rig.until(Duration::from_secs(2), |rig| rig.reason(&key("web")) == "Adopted").await, "{:?}", rig.stories());

    // What is declared follows; what is not stays as it was found, however often it is looked at and by whom.
    assert!(rig.until(MINUTE, |rig| rig.service("web", |one| one.desired == 3)).await);
    rig.run(HOUR).await;
    rig.start();
    rig.run(HOUR).await;
    let (reason, message) = rig.stories().remove(&key("web")).unwrap();
    assert_eq!(reason, "Adopted");
    for path in ["assignPublicIp", "enableExecuteCommand"] {
        assert!(message.contains(path), "{message}");
    }
    assert_eq!(setting(&rig, &PUBLIC), Some("ENABLED".into()));
    let others: Vec<String> = rig.operations_since(mark).into_iter().filter(|one| one != "TagResource").collect();
    assert_eq!(others, ["UpdateService"], "one for the count; no revision is registered, nothing is deployed");

    // Accepted or declared otherwise, it is like anything else.
    let accepted = Wanted { more: "  enableExecuteCommand: false\n".to_owned(), ..Wanted::of("web", 3) }.text("web");
    let accepted = accepted.replace("      securityGroups", "      assignPublicIp: ENABLED\n      securityGroups");
    rig.write("service.yaml", accepted).commit();
    rig.converge(HOUR).await;
    assert_eq!(
        (setting(&rig, &PUBLIC), setting(&rig, &["enableExecuteCommand"])),
        (Some("ENABLED".into()), Some(false.into()))
    );
    // And what drifts then is healed.
    rig.update_by_hand("web", tree! { "enableExecuteCommand" => true, "propagateTags" => "SERVICE" }).await;
    rig.run(3 * MINUTE).await;
    assert_eq!(setting(&rig, &["enableExecuteCommand"]), Some(false.into()));
    assert_eq!(setting(&rig, &["propagateTags"]), Some("NONE".into()));
    rig.assert_lawful();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_another_keeps_is_refused_and_the_remedy_named() {
    let theirs: [(&[(&str, &str)], &str); 4] = [
        (&[], "reconcile.adopt: IfUnowned"),
        (&[("aws:cloudformation:stack-name", "shop"), ("aws:cloudformation:logical-id", "Web")], "stack shop"),
        (&[("copilot-application", "shop"), ("copilot-environment", "prod")], "Copilot"),
        (&[("ecs-operator/owner", "them/prod")], "--take-over them/prod"),
    ];
    for (tags, named) in theirs {
        let mut rig = Rig::new(2);
        made_by_hand(&rig, tags).await;
        declared(&mut rig, "nginx:1", 3, if tags.is_empty() { "Never" } else { "IfUnowned" });
        let mark = rig.mark();
        rig.start();
        rig.run(HOUR).await;
        let (reason, message) = rig.stories().remove(&key("web")).unwrap();
        assert!(reason == "NotOwned" && message.contains(named), "{reason}: {message}");
        let arn = rig.service("web", |one| one.arn.clone());
        let touched = rig
            .writes_since(mark)
            .iter()
            .any(|call| call.operation == "UpdateService" || call.input.text("resourceArn") == Some(arn.as_str()));
        assert!(!touched, "{tags:?} {:#?}", rig.writes_since(mark));
        assert_eq!(planned(&rig, &key("web")).await.text("action"), Some("blocked"));
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_shared_service_is_changed_where_it_is_declared_and_nowhere_else() {
    let mut rig = Rig::new(3);
    made_by_hand(&rig, &[("aws:cloudformation:stack-name", "shop")]).await;
    let text = "apiVersion: ecs-operator.io/v1\nkind: Service\nmetadata: { name: web, cluster: prod }\n\
                reconcile: { adopt: Shared }\nspec:\n  desiredCount: 3\n  deploymentConfiguration:\n    \
                minimumHealthyPercent: 50\n";
    rig.write("service.yaml", text).commit();
    let shown = planned(&rig, &key("web")).await;
    let paths: Vec<&str> = shown.list("changes").iter().filter_map(|one| one.text("path")).collect();
    assert_eq!(paths, ["deploymentConfiguration.minimumHealthyPercent", "desiredCount"]);
    let mark = rig.mark();
    rig.start();
    rig.converge(HOUR).await;
    let writes = rig.writes_since(mark);
    assert_eq!(rig.operations_since(mark), ["UpdateService"], "no tag is written, and nothing is deployed");
    let sent = writes[0].input.get("deploymentConfiguration").unwrap();
    let breaker = sent.at(&["deploymentCircuitBreaker", "enable"]);
    assert_eq!((sent.int("minimumHealthyPercent"), breaker), (Some(50), Some(&Tree::Bool(true))), "the block is whole");
    assert_eq!(setting(&rig, &PUBLIC), Some("ENABLED".into()));

    // The other tool deploys and changes what it keeps: that is its affair.
    register(&rig, "web", "nginx:2").await;
    rig.update_by_hand("web", tree! { "taskDefinition" => "web:2", "propagateTags" => "SERVICE" }).await;
    let mark = rig.mark();
    rig.run(3 * HOUR).await;
    assert_eq!((rig.live("web"), rig.reason(&key("web"))), ("web:2".to_owned(), "Converged".to_owned()));
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    // What is declared is healed.
    rig.update_by_hand("web", tree! { "desiredCount" => 1 }).await;
    rig.run(3 * MINUTE).await;
    assert_eq!((rig.service("web", |one| one.desired), setting(&rig, &["propagateTags"])), (3, Some("SERVICE".into())));

    // It is never created anew.
    rig.by_hand("DeleteService", tree! { "cluster" => "prod", "service" => "web", "force" => true }).await;
    let mark = rig.mark();
    rig.run(HOUR).await;
    assert_eq!((rig.reason(&key("web")), rig.operations_since(mark)), ("SharedAbsent".to_owned(), vec![]));
    create(&rig, "web", "web:1").await;
    rig.run(10 * MINUTE).await;
    assert_eq!((rig.service("web", |one| one.desired), rig.reason(&key("web"))), (3, "Converged".to_owned()));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_shared_service_is_deployed_to_what_is_declared_and_a_failure_is_held() {
    let mut rig = Rig::new(4);
    made_by_hand(&rig, &[]).await;
    let shared = |task: &str| {
        format!(
            "apiVersion: ecs-operator.io/v1\nkind: Service\nmetadata: {{ name: web, cluster: prod }}\n\
             reconcile: {{ adopt: Shared }}\nspec:\n  taskDefinition: {task}\n"
        )
    };
    rig.write("task.yaml", task("app", "nginx:2", &[])).write("service.yaml", shared("app"));
    rig.commit();
    rig.start();
    rig.converge(2 * HOUR).await;
    assert_eq!((rig.live("web").as_str(), service_tag(&rig, "ecs-operator/owner")), ("app:1", None));
    rig.write("task.yaml", task("app", "nginx:3", &[("fail-to-start", "CannotPullContainerError: gone")])).commit();
    rig.run(2 * HOUR).await;
    assert_eq!((rig.reason(&key("web")), rig.live("web")), ("RolledBack".to_owned(), "app:1".to_owned()));
    let mark = rig.mark();
    rig.start();
    rig.run(DAY).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new(), "the memory of it is in the service");
    rig.assert_lawful();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn another_owners_objects_are_taken_over_where_the_command_says_so() {
    let mut rig = Rig::new(5);
    rig.owner = "them";
    common::harness::web(&mut rig);
    rig.start();
    rig.converge(HOUR).await;
    rig.write("other.yaml", Wanted::of("web", 1).text("other")).commit();
    rig.converge(HOUR).await;
    rig.lose_operator();
    rig.owner = "us";
    // Only what is declared here is taken over.
    rig.write("other.yaml", "");
    rig.options.former = Some(Former("them/test".to_owned()));
    let shown = planned(&rig, &key("web")).await;
    assert_eq!(shown.text("action"), Some("adopt"));
    let told = text(&rig.view().await, &Terminal::PLAIN);
    assert!(told.contains("\"them/test\" -> \"us/test\"") && told.contains("3 to adopt"), "{told}");
    let mark = rig.mark();
    rig.start();
    rig.converge(HOUR).await;
    assert_eq!(rig.operations_since(mark), ["TagResource"; 3], "{:#?}", rig.writes_since(mark));
    assert_eq!(service_tag(&rig, "ecs-operator/owner").as_deref(), Some("us/test"));
    let world = rig.sim.world();
    let other = &world.ecs.services[&("prod".to_owned(), "other".to_owned())];
    assert_eq!(tag(&other.tags, "ecs-operator/owner").as_deref(), Some("them/test"));
}

/// An adoption that is broken off at any of its calls is gone on with, and ends as one that was not.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_crash_between_the_steps_is_made_good() {
    let whole = adopted_with_loss(None).await;
    assert_eq!(whole.1.iter().filter(|one| *one == "RegisterTaskDefinition").count(), 1);
    // What is lost between two reads is no other than what is lost after the first.
    let writes = whole.2.iter().enumerate().filter(|(_, operation)| mutates(operation)).map(|(call, _)| call);
    for call in writes.flat_map(|call| [call, call + 1]) {
        for position in Position::ALL {
            let broken = adopted_with_loss(Some((call, position))).await;
            assert_eq!(broken.0, whole.0, "lost at call {call}, {position:?}");
            let registered = broken.1.iter().filter(|one| *one == "RegisterTaskDefinition").count();
            assert!(registered <= 1, "lost at call {call}, {position:?}: {:?}", broken.1);
        }
    }
}

/// The world, what was written, and the calls that the first operator made.
async fn adopted_with_loss(lose_at: Option<(usize, Position)>) -> (Tree, Vec<String>, Vec<String>) {
    let mut rig = Rig::new(6);
    made_by_hand(&rig, &[]).await;
    rig.settings.active = Duration::from_secs(12);
    rig.run(2 * HOUR).await;
    declared(&mut rig, "nginx:2", 3, "IfUnowned");
    let mark = rig.mark();
    let way = rig.start();
    way.way().lose_at = lose_at;
    let over = |rig: &Rig| {
        let runs = rig.live("web") == "web:2" && rig.service("web", |one| one.desired == 3 && one.tasks.len() == 3);
        runs && rig.reason(&key("web")) == "Adopted"
    };
    let lost = way.clone();
    rig.until(20 * MINUTE, |rig| lost.way().lost || over(rig)).await;
    let calls = way.way().calls.clone();
    if lose_at.is_some() {
        rig.start();
        assert!(rig.until(HOUR, over).await, "{:#?}", rig.stories());
    }
    (rig.picture(), rig.operations_since(mark), calls)
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_world_that_moved_since_the_plan_is_looked_at_again() {
    let mut rig = Rig::new(7);
    made_by_hand(&rig, &[]).await;
    declared(&mut rig, "nginx:1", 3, "IfUnowned");
    assert_eq!(planned(&rig, &key("web")).await.text("action"), Some("adopt"));
    let arn = rig.service("web", |one| one.arn.clone());
    rig.tag_by_hand(&arn, "ecs-operator/owner", "them/prod").await;
    rig.start();
    rig.run(HOUR).await;
    assert_eq!(rig.reason(&key("web")), "NotOwned");
    assert_eq!(service_tag(&rig, "ecs-operator/owner").as_deref(), Some("them/prod"));
    // Nor is what was ours and is another's now.
    let mut rig = Rig::new(7);
    made_by_hand(&rig, &[]).await;
    declared(&mut rig, "nginx:1", 3, "IfUnowned");
    rig.start();
    assert!(rig.until(MINUTE, |rig| service_tag(rig, "ecs-operator/owner").is_some()).await);
    let mark = rig.mark();
    rig.tag_by_hand(&arn, "ecs-operator/owner", "them/prod").await;
    rig.run(HOUR).await;
    let updates = rig.operations_since(mark).into_iter().filter(|one| one == "UpdateService").count();
    assert_eq!((rig.reason(&key("web")), updates), ("NotOwned".to_owned(), 0));
    rig.write("service.yaml", asked(Wanted::of("web", 3).text("web"), "Shared")).commit();
    rig.run(HOUR).await;
    assert_eq!(rig.reason(&key("web")), "NotOwned", "two of us would fight for its memory");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_suspended_is_not_adopted() {
    let mut rig = Rig::new(8);
    made_by_hand(&rig, &[("ecs-operator/suspend", "yes")]).await;
    declared(&mut rig, "nginx:1", 3, "IfUnowned");
    rig.start();
    rig.run(HOUR).await;
    assert_eq!((rig.reason(&key("web")), service_tag(&rig, "ecs-operator/owner")), ("Suspended".to_owned(), None));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_security_group_is_adopted_with_the_rules_that_nobody_declared() {
    let mut rig = Rig::new(9);
    let network = Network::new(&rig);
    let input = tree! { "GroupName" => "web", "Description" => "the web", "VpcId" => network.vpc.as_str() };
    let id = network.call("CreateSecurityGroup", input).text("GroupId").unwrap().to_owned();
    let ranges = vec![tree! { "CidrIp" => "10.0.0.0/8" }];
    let rule = tree! { "IpProtocol" => "tcp", "FromPort" => 80, "ToPort" => 80, "IpRanges" => ranges };
    let input = tree! { "GroupId" => id.as_str(), "IpPermissions" => vec![rule] };
    network.call("AuthorizeSecurityGroupIngress", input);
    let text = |spec: &str| {
        format!(
            "apiVersion: ecs-operator.io/v1\nkind: SecurityGroup\nmetadata: {{ name: web }}\nreconcile: {{ adopt: \
             IfUnowned }}\nspec: {{ Description: the web, VpcId: {}{spec} }}\n",
            network.vpc
        )
    };
    rig.write("group.yaml", text("")).commit();
    let mark = rig.mark();
    rig.start();
    rig.run(HOUR).await;
    assert_eq!(
        (rig.reason("SecurityGroup/web"), rig.operations_since(mark)),
        ("Adopted".into(), vec!["CreateTags".into()])
    );
    rig.write("group.yaml", text(", IpPermissions: []")).commit();
    rig.converge(HOUR).await;
    let all = network.call("DescribeSecurityGroups", tree! { "GroupIds" => vec![id] });
    assert_eq!(all.list("SecurityGroups")[0].list("IpPermissions"), []);
}

#[test]
fn what_makes_no_sense_is_refused_with_a_finding() {
    let rig = |text: &str| {
        let mut rig = Rig::new(1);
        rig.write("one.yaml", text);
        rig.judged().findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let found = rig(&asked(task("web", "nginx:1", &[]), "Shared"));
    assert!(found.contains("one.yaml:") && found.contains("registered as a whole"), "{found}");
    let found =
        rig("apiVersion: ecs-operator.io/v1\nkind: SecurityGroup\nmetadata: { name: web }\nreconcile: { adopt: \
                     Shared }\nspec: { Description: d, VpcId: vpc-0123456789abcdef0 }\n");
    assert!(found.contains("rules of a security group are declared as a whole"), "{found}");
    assert!(rig(&asked(cluster("prod"), "Always")).contains("adopt takes Never, IfUnowned or Shared"));
    assert!(rig(&format!("{}reconcile: {{ keep: 3 }}\n", cluster("prod"))).contains("keep is for the revisions"));
    assert!(
        rig(&format!("{}reconcile: {{ keep: 0 }}\n", task("web", "nginx:1", &[]))).contains("from 1 to 10000, or All")
    );
}
