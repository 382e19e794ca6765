//! What one look at unchanged services costs, counted in instructions and not in time, so that a busy machine counts the
//! same: from what was observed to the empty diff in at most three times what `serde_json` takes to read the bytes.
//!
//! The pure folders are built by themselves, optimised as they are shipped: the SDK beside them would take minutes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::harness::{HOUR, MINUTE, Rig, Wanted, cluster, task};
use common::process::have;
use ecs_operator::shape::{Tree, json};
use ecs_operator::tree;

/// So many services: each costs the same.
const SERVICES: usize = 100;

/// To find no difference costs at most so many times what it takes to read what was observed as JSON.
const DIFF_TIMES: f64 = 3.0;
/// To plan that nothing is to be done, with the hashes of what the service runs and of what it wants.
const PLAN_TIMES: f64 = 5.0;

/// What the pure folders need.
const DEPENDENCIES: [&str; 7] =
    ["serde", "serde_json", "serde_yaml", "saphyr-parser", "sha2", "xmlparser", "thiserror"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The package of `measured.rs`: our dependencies, our profile, our locked versions.
fn package(folder: &Path) {
    let ours = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let is_needed = |line: &&str| DEPENDENCIES.iter().any(|name| line.starts_with(&format!("{name} = ")));
    let dependencies: Vec<&str> = ours.lines().filter(is_needed).collect();
    assert_eq!(dependencies.len(), DEPENDENCIES.len(), "{dependencies:#?}");
    let (_, profile) = ours.split_once("[profile.release]").unwrap();
    let profile = profile.split("\n[").next().unwrap();
    let source = root().join("tests/instructions/measured.rs");
    let text = format!(
        "[workspace]\n[package]\nname = \"measured\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[[bin]]\nname = \
         \"measured\"\npath = {source:?}\n[dependencies]\n{}\n[profile.release]\n{profile}",
        dependencies.join("\n")
    );
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("Cargo.toml"), text).unwrap();
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

/// Builds it, and gives the program.
fn built() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("instructions");
    package(&folder);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--release", "--offline", "--manifest-path"]).arg(folder.join("Cargo.toml"));
    cargo.arg("--target-dir").arg(folder.join("target")).env("RUSTFLAGS", "-Awarnings");
    let said = cargo.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    folder.join("target/release/measured")
}

/// Services as the embedded ECS shows them once they stand, and their manifests. ECS's events are left out: they are
/// read, and never compared.
async fn write_world(folder: &Path) {
    let mut rig = Rig::new(1);
    let definition = task("web", "nginx:1", &[]) + "      portMappings: [{ containerPort: 80 }]\n";
    let balancer = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/0123456789abcdef";
    let more = format!(
        "  loadBalancers: [{{ targetGroupArn: \"{balancer}\", containerName: web, containerPort: 80 }}]\n  \
         healthCheckGracePeriodSeconds: 30\n  enableECSManagedTags: true\n  propagateTags: SERVICE\n  tags: [{{ key: \
         team, value: shop }}, {{ key: stage, value: prod }}]\n"
    );
    let service = Wanted { more, ..Wanted::of("web", 2) }.text("s000");
    let texts = [cluster("prod"), definition, service.clone()];
    for (nth, text) in texts.iter().enumerate() {
        rig.write(&format!("{nth}.yaml"), text.clone());
    }
    rig.commit();
    rig.start();
    rig.converge(HOUR).await;
    rig.run(2 * MINUTE).await;
    let ask = tree! { "cluster" => "prod", "services" => vec!["s000"], "include" => vec!["TAGS"] };
    let mut shown = rig.sim.call("ecs", "DescribeServices", ask).unwrap().list("services")[0].clone();
    shown.set("events", Tree::List(vec![]));
    let ask = tree! { "clusters" => vec!["prod"], "include" => vec!["TAGS"] };
    let clusters = rig.sim.call("ecs", "DescribeClusters", ask).unwrap();
    let (one, name) = (json::write(&shown), |nth: usize| format!("s{nth:03}"));
    let all: Vec<String> = (0..SERVICES).map(|nth| one.replace("s000", &name(nth))).collect();
    let manifests = (0..SERVICES).map(|nth| service.replace("s000", &name(nth)));
    let manifests: Vec<String> = texts.iter().take(2).cloned().chain(manifests).collect();
    fs::write(folder.join("services.json"), format!("{{\"services\":[{}]}}", all.join(","))).unwrap();
    fs::write(folder.join("manifests.yaml"), manifests.join("---\n")).unwrap();
    fs::write(folder.join("cluster.json"), json::write(&clusters.list("clusters")[0])).unwrap();
}

/// Instructions that the program takes from its beginning to its end.
fn instructions(program: &Path, what: &str, folder: &Path) -> f64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program).arg(what).arg(folder);
    let said = valgrind.output().unwrap();
    let told = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{told}");
    let (_, counted) = told.split_once("Collected : ").unwrap_or_else(|| panic!("{told}"));
    counted.split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_look_at_unchanged_services_costs_no_more_than_to_read_them_three_times() {
    let test = "a_look_at_unchanged_services_costs_no_more_than_to_read_them_three_times";
    if !have(test, "valgrind", Command::new("valgrind").arg("--version")) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write_world(folder.path()).await;
    let program = built();
    let counted = |what: &str| instructions(&program, what, folder.path());
    let ready = counted("nothing");
    let [parse, diff, plan] = ["parse", "diff", "plan"].map(|what| counted(what) - ready);
    let each = |all: f64| all / SERVICES as f64;
    println!("a service: parse {:.0}, diff {:.0}, plan {:.0} instructions", each(parse), each(diff), each(plan));
    println!("diff is {:.2} times the parse, plan {:.2} times", diff / parse, plan / parse);
    assert!(diff <= DIFF_TIMES * parse && plan <= PLAN_TIMES * parse);
}
