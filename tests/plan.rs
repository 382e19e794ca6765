//! What `plan` shows, to the letter, for each shape a plan can have.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use common::golden;
use common::harness::{HOUR, MINUTE, Rig, Wanted, cluster, converged, task, web};
use ecs_operator::cli::plan::{markdown, text};
use ecs_operator::cli::terminal::Terminal;
use ecs_operator::shape::Tree;
use ecs_operator::tree;

const UNICODE: Terminal = Terminal { unicode: true, ..Terminal::PLAIN };

/// The plan as it stands now, as a wide terminal shows it.
async fn shown(rig: &mut Rig, name: &str) -> String {
    rig.commit();
    rig.lose_operator();
    let text = text(&rig.view().await, &UNICODE);
    golden::check(&format!("plan/{name}.txt"), &text);
    text
}

fn variables(level: &str, extra: &str) -> String {
    task("web", "nginx:1", &[])
        + &format!(
            "      environment:\n        - {{ name: LEVEL, value: {level} }}\n        - {{ name: A, value: a }}\n{extra}"
        )
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_not_there_is_shown_as_it_is_declared() {
    let mut rig = Rig::new(1);
    web(&mut rig);
    let tags = "  tags: [{ key: team, value: shop }]\n".to_owned();
    rig.write("service.yaml", Wanted { more: tags, ..Wanted::of("web", 2) }.text("web"));
    shown(&mut rig, "create").await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn nothing_to_do_is_one_line() {
    let mut rig = converged(1).await;
    assert_eq!(shown(&mut rig, "nothing").await, "Nothing to do: 3 objects are as the manifests say.\n");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn one_changed_variable_is_one_line_and_its_values_stay_hidden() {
    let mut rig = converged(1).await;
    rig.write("task.yaml", variables("info", "")).commit();
    rig.converge(HOUR).await;
    rig.write("task.yaml", variables("hunter2", ""));
    let text = shown(&mut rig, "variable").await;
    assert_eq!(text.lines().filter(|line| line.contains("environment")).count(), 1);
    assert!(!text.contains("hunter2"));
    golden::check("plan/variable.json", &format!("{}\n", rig.view().await.json()));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn containers_come_and_go_leaf_by_leaf() {
    let mut rig = converged(1).await;
    let sidecar = "    - name: log\n      image: fluent:1\n      essential: false\n      memory: 64\n";
    rig.write("task.yaml", variables("info", sidecar));
    shown(&mut rig, "container-added").await;
    rig.start();
    rig.converge(HOUR).await;
    rig.write("task.yaml", variables("info", ""));
    shown(&mut rig, "container-removed").await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_happens_in_place_and_what_by_a_deployment_is_told_apart() {
    let mut rig = converged(1).await;
    let wanted = Wanted { minimum: 50, ..Wanted::of("web", 3) }.text("web");
    rig.write("service.yaml", wanted.replace("[sg-0123456789abcdef0]", "[sg-0123456789abcdef9]"));
    rig.write("task.yaml", task("web", "nginx:2", &[]));
    shown(&mut rig, "both").await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_someone_switched_on_is_named_though_no_manifest_speaks_of_it() {
    let mut rig = converged(1).await;
    let network = tree! { "awsvpcConfiguration" => tree! {
        "subnets" => vec!["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "securityGroups" => vec!["sg-0123456789abcdef0"], "assignPublicIp" => "ENABLED",
    } };
    rig.lose_operator();
    rig.update_by_hand("web", tree! { "networkConfiguration" => network }).await;
    rig.run(2 * HOUR).await;
    let text = shown(&mut rig, "drift").await;
    assert!(text.contains("undeclared: has left its default"), "{text}");
    assert!(text.contains("to keep it, add to spec.networkConfiguration.awsvpcConfiguration"), "{text}");
    golden::check("plan/drift.json", &format!("{}\n", rig.view().await.json()));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_ecs_cannot_change_is_a_replacement() {
    let mut rig = converged(1).await;
    rig.write("service.yaml", Wanted::of("web", 2).text("web").replace("launchType: FARGATE", "launchType: EC2"));
    shown(&mut rig, "replace").await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_replacement_that_is_permitted_is_shown_step_by_step() {
    let mut rig = converged(1).await;
    let replaced = |how: &str, name: &str| {
        let text = Wanted { more: format!("  serviceName: {name}\n"), ..Wanted::of("web", 2) }.text("web");
        let permitted = format!("reconcile: {{ replace: [launchType], replaceHow: {how}, ");
        text.replace("reconcile: { ", &permitted).replace("launchType: FARGATE", "launchType: EC2")
    };
    let either = task("web", "nginx:1", &[]).replace("[FARGATE]", "[FARGATE, EC2]");
    rig.write("task.yaml", either).commit();
    rig.converge(HOUR).await;
    let wish = ecs_operator::sim::ecs::instance::Wish { kind: Some("m5.large".into()), ..Default::default() };
    ecs_operator::sim::ecs::instance::add(&mut rig.sim.world(), "prod", wish).unwrap();
    rig.write("service.yaml", replaced("StopFirst", "web"));
    let text = shown(&mut rig, "replace-stop-first").await;
    assert!(text.contains("no task serves for about"), "{text}");
    golden::check("plan/replace-stop-first.json", &format!("{}\n", rig.view().await.json()));
    rig.write("service.yaml", replaced("StartFirst", "web-2"));
    shown(&mut rig, "replace-start-first").await;
    golden::check("plan/replace-start-first.md", &markdown(&rig.view().await));
    rig.start();
    rig.run(MINUTE / 2).await;
    shown(&mut rig, "replace-under-way").await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_not_ours_or_suspended_or_held_is_blocked_with_the_reason() {
    let mut rig = converged(1).await;
    let arn = rig.service("web", |service| service.arn.clone());
    rig.write("service.yaml", Wanted::of("web", 3).text("web"));
    rig.tag_by_hand(&arn, "ecs-operator/suspend", "maintenance").await;
    shown(&mut rig, "suspended").await;
    rig.owner = "others";
    shown(&mut rig, "not-owned").await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_held_image_is_told_with_its_cause_and_a_scale_out_goes_on() {
    let mut rig = converged(1).await;
    rig.write("task.yaml", task("web", "nginx:bad", &[("fail-to-start", "CannotPullContainerError: no such image")]));
    rig.commit();
    assert!(rig.until(2 * HOUR, |rig| rig.reason("prod/Service/web") == "RolledBack").await, "{:#?}", rig.stories());
    rig.run(10 * MINUTE).await;
    rig.write("service.yaml", Wanted::of("web", 5).text("web"));
    let text = shown(&mut rig, "held").await;
    assert!(text.contains("RolledBack") && text.contains("desiredCount: 2 → 5"), "{text}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_service_without_its_cluster_says_what_to_do() {
    let mut rig = Rig::new(1);
    web(&mut rig);
    rig.write("cluster.yaml", cluster("other"));
    shown(&mut rig, "cluster-absent").await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn every_width_and_form_shows_the_same_plan() {
    let mut rig = converged(1).await;
    rig.lose_operator();
    rig.write("task.yaml", task("web", &format!("registry.example.com/{}:2", "deep/".repeat(30)), &[]));
    rig.write("service.yaml", Wanted { minimum: 50, ..Wanted::of("web", 3) }.text("web")).commit();
    let view = rig.view().await;
    for width in [60, 80, 120, 200] {
        let terminal = Terminal { width, ..Terminal::PLAIN };
        let shown = text(&view, &terminal);
        golden::check(&format!("plan/width-{width}.txt"), &shown);
        assert!(shown.is_ascii(), "{shown}");
        let long = shown.lines().filter(|line| line.chars().count() > width).count();
        assert_eq!(long, 0, "{shown}");
    }
    let coloured = text(&view, &Terminal { colour: true, ..UNICODE });
    golden::check("plan/colour.txt", &coloured.replace('\u{1b}', "ESC"));
    golden::check("plan/markdown.md", &markdown(&view));
    golden::check("plan/plan.json", &format!("{}\n", view.json()));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_preflight_holds_is_shown_with_why_and_how_it_would_go() {
    let mut rig = converged(1).await;
    rig.write("task.yaml", task("web", "nginx:2", &[]));
    let wanted = Wanted { maximum: 125, ..Wanted::of("web", 3) };
    rig.write("service.yaml", wanted.text("web"));
    let text = shown(&mut rig, "preflight").await;
    assert!(text.contains("PreflightBlocked") && text.contains("raise maximumPercent to 134"), "{text}");
    let view = rig.view().await;
    golden::check("plan/preflight.md", &markdown(&view));
    golden::check("plan/preflight.json", &format!("{}\n", view.json()));
    rig.write("service.yaml", Wanted { maximum: 134, ..wanted }.text("web"));
    let text = shown(&mut rig, "preflight-passed").await;
    assert!(text.contains("rollout of 2 to 3 tasks, 100-134 %: +2, -1, +1, -1"), "{text}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_changed_tag_shows_what_it_was_and_a_blocked_service_what_it_would_run() {
    let mut rig = converged(1).await;
    let tagged = |value: &str, launch: &str| {
        let tags = format!("  tags: [{{ key: team, value: {value} }}]\n");
        let text = Wanted { more: tags, ..Wanted::of("web", 2) }.text("web");
        text.replace("launchType: FARGATE", &format!("launchType: {launch}"))
    };
    rig.write("service.yaml", tagged("shop", "FARGATE")).commit();
    rig.converge(HOUR).await;
    rig.write("service.yaml", tagged("blog", "FARGATE"));
    let text = shown(&mut rig, "tag").await;
    assert!(text.contains("~ tags[team]: \"shop\" → \"blog\""), "{text}");
    rig.write("service.yaml", tagged("blog", "EC2")).write("task.yaml", task("web", "nginx:2", &[]));
    let text = shown(&mut rig, "replace-and-register").await;
    assert!(text.contains("~ taskDefinition: \"web:1\" → (known after apply)"), "{text}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_plan_of_many_asks_no_more_of_aws_than_a_look_and_fits_a_comment() {
    let mut rig = Rig::new(1);
    rig.write("cluster.yaml", cluster("prod"));
    rig.write("task.yaml", task("web", "nginx:1", &[]));
    for number in 0..400 {
        let name = format!("a-service-with-a-long-name-{number}");
        rig.write(&format!("{name}.yaml"), Wanted::of("web", 1).text(&name));
    }
    rig.commit();
    let view = rig.view().await;
    let calls = rig.sim.world().calls().iter().filter(|call| call.operation == "DescribeClusters").count();
    assert_eq!(calls, 1, "the cluster that is not there yet is looked for once");
    let text = markdown(&view);
    assert!(text.len() <= 65_536 && text.contains("more are too"), "{} bytes", text.len());
}

#[test]
fn the_documented_json_is_the_json() {
    let documented = include_str!("../docs/plan.md");
    let mut names = Vec::new();
    for kept in [
        "plan/plan",
        "plan/drift",
        "plan/variable",
        "plan/preflight",
        "plan/replace-stop-first",
        "plan/simulate",
        "preflight/addresses",
    ] {
        let file = format!("{}/tests/golden/{kept}.json", env!("CARGO_MANIFEST_DIR"));
        members(&ecs_operator::shape::json::read(&std::fs::read(file).unwrap()).unwrap(), &mut names);
    }
    // What subnets are called is nobody's to document.
    names.retain(|name| !name.starts_with("subnet-"));
    let missing: Vec<_> = names.iter().filter(|name| !documented.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/plan.md does not tell of {missing:?}");
}

fn members(tree: &Tree, names: &mut Vec<String>) {
    match tree {
        Tree::Map(map) => map.iter().for_each(|(name, value)| {
            names.push(name.to_string());
            members(value, names);
        }),
        Tree::List(items) => items.iter().for_each(|item| members(item, names)),
        _ => {}
    }
}
