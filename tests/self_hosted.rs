//! The operator on ECS itself: its manifests are clean and run, and its role may do what the program calls, no more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::process::{program, said};
use ecs_operator::shape::table::{Table, ec2, ecs};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn manifests() -> PathBuf {
    root().join("manifests/self-hosted")
}

fn policy() -> Value {
    serde_json::from_str(&fs::read_to_string(manifests().join("task-role-policy.json")).unwrap()).unwrap()
}

/// One or many, as IAM has it.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(one) => vec![one],
        many => many.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect(),
    }
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push(path);
        }
    }
}

/// The operations that the operator's own folders name where they make calls, each with its service.
fn called() -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in ["kinds", "observe", "plan", "reconcile"] {
        sources(&root().join("src").join(folder), &mut files);
    }
    let mut all = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        for mark in [
            "Call::ecs(\"",
            "ec2(\"",
            " of(\"",
            "operation: \"",
            "create: \"",
            "authorize: \"",
            "describe: \"",
            "revoke: \"",
        ] {
            let names = text.split(mark).skip(1).filter_map(|rest| rest.split('"').next());
            for name in names {
                let of = |(service, table): &(&str, &Table)| {
                    table.operations.contains_key(name).then(|| format!("{service}:{name}"))
                };
                all.extend([("ecs", ecs()), ("ec2", ec2())].iter().find_map(of));
            }
        }
    }
    all
}

#[test]
fn the_manifests_are_clean() {
    let told = said(program().arg("validate").arg(manifests()));
    assert!(told.code == 0 && told.out.contains("nothing wrong"), "{}\n{}", told.out, told.err);
}

#[test]
fn it_is_stopped_before_it_is_started() {
    let text = fs::read_to_string(manifests().join("service.yaml")).unwrap();
    let service: Value = serde_yaml::from_str(&text).unwrap();
    let bounds = &service["spec"]["deploymentConfiguration"];
    assert_eq!((&bounds["minimumHealthyPercent"], &bounds["maximumPercent"]), (&0.into(), &100.into()));
    assert_eq!(service["spec"]["desiredCount"], 1);
}

#[test]
fn it_comes_to_run_on_the_embedded_ecs() {
    let told = said(program().arg("apply").arg(manifests()).args(["--sim", "--wait", "--time-scale", "200"]));
    assert_eq!(told.code, 0, "{}\n{}", told.out, told.err);
    assert!(told.out.contains("platform/Service/ecs-operator  Converged"), "{}", told.out);
}

/// Its own arguments, as the program itself reads them.
#[test]
fn the_program_understands_the_arguments_of_its_container() {
    let text = fs::read_to_string(manifests().join("task-definition.yaml")).unwrap();
    let definition: Value = serde_yaml::from_str(&text).unwrap();
    let container = &definition["spec"]["containerDefinitions"][0];
    let told = said(program().args(strings(&container["command"])).arg("--print-config"));
    assert_eq!(told.code, 0, "{}", told.err);
    let probe = strings(&container["healthCheck"]["command"]);
    assert_eq!(probe[..2], ["CMD", "/ecs-operator"]);
    let told = said(program().args(&probe[2..]).arg("--print-config"));
    assert_eq!(told.code, 0, "{}", told.err);
}

/// What `reconcile.keep` wants besides. The role has it not: IAM can't tie DeregisterTaskDefinition to a tag.
const OF_KEEP: &[&str] = &["ecs:DeregisterTaskDefinition", "ecs:ListClusters", "ecs:ListTaskDefinitions"];

#[test]
fn the_role_may_do_what_the_operator_calls_and_no_more() {
    let policy = policy();
    let granted: BTreeSet<String> = policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|statement| strings(&statement["Action"]))
        .filter(|action| *action != "iam:PassRole")
        .map(str::to_owned)
        .collect();
    assert!(!granted.is_empty() && granted.iter().all(|action| !action.contains('*')), "{granted:?}");
    let wanted: BTreeSet<String> = granted.iter().cloned().chain(OF_KEEP.iter().map(|&one| one.to_owned())).collect();
    assert_eq!(wanted, called());
    let guide = fs::read_to_string(root().join("docs/repository.md")).unwrap();
    for action in OF_KEEP {
        assert!(!granted.contains(*action) && guide.contains(action), "{action}");
    }
}

/// AWS itself keeps it off what is not its own: whatever writes asks for the owner's tag.
#[test]
fn every_write_asks_for_the_owners_tag() {
    let settings: Value =
        serde_yaml::from_str(&fs::read_to_string(manifests().join("ecs-operator.yaml")).unwrap()).unwrap();
    let owner = format!("{}/{}", settings["owner"].as_str().unwrap(), settings["source"].as_str().unwrap());
    for statement in policy()["Statement"].as_array().unwrap() {
        let actions = strings(&statement["Action"]);
        let condition = &statement["Condition"]["StringEquals"];
        let reads =
            |action: &&str| ["ecs:Describe", "ecs:List", "ec2:Describe"].iter().any(|verb| action.starts_with(verb));
        if actions.iter().all(reads) {
            continue;
        }
        assert!(!actions.iter().any(reads), "reads among writes: {actions:?}");
        let tagged = ["aws:RequestTag/ecs-operator/owner", "aws:ResourceTag/ecs-operator/owner"];
        let ours = tagged.iter().any(|tag| condition[tag] == owner.as_str());
        let while_making = condition["ecs:CreateAction"].is_array() && actions == ["ecs:TagResource"]
            || condition["ec2:CreateAction"] == "CreateSecurityGroup" && actions == ["ec2:CreateTags"];
        // A group is made in a VPC, which has no tag of ours.
        let in_a_vpc =
            actions == ["ec2:CreateSecurityGroup"] && statement["Resource"].as_str().unwrap().contains(":vpc/");
        let passing = actions == ["iam:PassRole"] && condition["iam:PassedToService"] == "ecs-tasks.amazonaws.com";
        assert!(ours || while_making || in_a_vpc || passing, "{statement}");
    }
}

/// cargo wants every target that Cargo.toml names; the image is built without benches, of stand-ins.
#[test]
fn the_dockerfile_stands_in_for_every_bench() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let (manifest, dockerfile) = (read("Cargo.toml"), read("Dockerfile"));
    for bench in manifest.split("[[bench]]\nname = \"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(dockerfile.contains(&format!(" benches/{bench}.rs")), "no stand-in for the bench {bench}");
    }
}
