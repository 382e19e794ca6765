//! The JSON Schema: shipped as it is printed, and taken by a validator that is not ours.
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

use common::process::{have, hello, program, said, write_hello};
use tempfile::TempDir;

fn shipped() -> PathBuf {
    manifest("schema.json")
}

fn manifest(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests").join(name)
}

#[test]
fn the_shipped_schemas_are_those_that_are_printed() {
    for (name, kind) in [("schema.json", None), ("settings.schema.json", Some("Settings"))] {
        let printed = said(program().arg("schema").args(kind));
        assert_eq!(printed.code, 0, "{printed:?}");
        if common::golden::updates() {
            fs::write(manifest(name), &printed.out).unwrap();
        }
        let kept = fs::read_to_string(manifest(name)).unwrap();
        assert!(kept == printed.out, "manifests/{name} differs; UPDATE_GOLDEN=1 writes it anew");
    }
}

#[test]
fn every_shipped_file_names_its_schema() {
    for file in fs::read_dir(hello()).unwrap().map(|file| file.unwrap().path()) {
        let text = fs::read_to_string(&file).unwrap();
        let schema = text.lines().next().unwrap().strip_prefix("# yaml-language-server: $schema=");
        let schema = schema.unwrap_or_else(|| panic!("{}: no schema in its first line", file.display()));
        assert!(hello().join(schema).exists(), "{}: {schema} is not there", file.display());
    }
}

#[test]
fn a_kind_that_is_none_is_told() {
    let wrong = said(program().args(["schema", "Servce"]));
    assert_eq!((wrong.code, wrong.out.as_str()), (1, ""));
    assert!(wrong.err.contains("did you mean Service?"), "{}", wrong.err);
}

/// The manifests of a folder, settings aside.
fn manifests(dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| file.file_name().unwrap() != "ecs-operator.yaml").collect();
    files.sort();
    files
}

#[test]
fn a_real_validator_takes_what_is_sound_and_finds_what_is_not() {
    let test = "a_real_validator_takes_what_is_sound_and_finds_what_is_not";
    if !have(test, "check-jsonschema", Command::new("check-jsonschema").arg("--version")) {
        return;
    }
    let check = |more: &[&str]| said(Command::new("check-jsonschema").args(more));
    let schema = shipped().display().to_string();
    let names = |dir: &Path| -> Vec<String> { manifests(dir).iter().map(|file| file.display().to_string()).collect() };
    let with = |files: &[String]| {
        let mut all = vec!["--schemafile", schema.as_str()];
        all.extend(files.iter().map(String::as_str));
        check(&all)
    };
    let meta = check(&["--check-metaschema", &schema]);
    assert_eq!(meta.code, 0, "{meta:?}");
    let sound = with(&names(&hello()));
    assert_eq!(sound.code, 0, "{sound:?}");
    for (right, wrong) in [
        ("desiredCount: 2", "desiredCont: 2"),
        ("launchType: FARGATE", "launchType: FARGAET"),
        ("cpu: \"256\"", "cpu: 256"),
        ("kind: Service", "kind: Servce"),
        ("assignPublicIp: ENABLED", "assignPublicIp: true"),
        ("desiredCount: 2", "desiredCount: two"),
    ] {
        let root = TempDir::new().unwrap();
        write_hello(root.path(), |text| text.replace(right, wrong));
        let found = with(&names(root.path()));
        assert_eq!(found.code, 1, "{wrong}: {found:?}");
    }
    let root = TempDir::new().unwrap();
    write_hello(root.path(), |text| text.replace("desiredCount: 2", "desiredCount: ${var.COUNT}"));
    let variable = with(&names(root.path()));
    assert_eq!(variable.code, 0, "a variable may stand for a number: {variable:?}");
}
