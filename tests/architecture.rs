//! Holds the picture in src/lib.rs: which folder may import which, where each dependency lives, what is pure.
//!
//! Every path in src/**/*.rs is looked at: `use` lines and paths in expressions, `crate::`, `super::`, `self::` and
//! the names of dependencies. Every `select!` is to be `biased`, since tokio draws the order by chance. Code under
//! `#[cfg(test)]` is not looked at, nor are the files in tests/.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

#[path = "architecture/check.rs"]
mod check;
#[path = "architecture/scan.rs"]
mod scan;

use std::fs;
use std::path::{Path, PathBuf};

// ── The rules ───────────────────────────────────────────────────────────────────────────────────────────────────────

/// Who may import whom: a folder (or top-level file), and what it may name of others. `a::B` opens only that path.
const ARROWS: &[(&str, &[&str])] = &[
    ("shape", &[]),
    ("clock", &["shape"]),
    ("connections", &[]),
    ("source", &["shape", "clock"]),
    ("manifest", &["shape"]),
    ("rollout", &["shape"]),
    ("kinds", &["manifest", "shape", "rollout"]),
    ("check", &["kinds", "manifest", "rollout", "shape"]),
    ("plan", &["check", "kinds", "rollout", "manifest", "shape"]),
    ("import", &["check", "kinds", "manifest", "shape"]),
    ("aws", &["shape", "kinds::Place", "kinds::key::Place", "clock"]),
    ("lease", &["shape", "clock"]),
    ("observe", &["aws", "kinds", "rollout::Journal", "shape", "clock"]),
    (
        "reconcile",
        &[
            "plan",
            "check",
            "rollout",
            "kinds",
            "manifest",
            "shape",
            "observe",
            "aws",
            "lease",
            "clock",
            "telemetry",
            "status",
            "source::Snapshot",
            "source::snapshot::Snapshot",
        ],
    ),
    ("sim", &["shape", "connections"]),
    ("picture", &["rollout", "shape"]),
    ("status", &["kinds", "rollout::RolloutStatus", "rollout::Timeline", "shape"]),
    ("telemetry", &["kinds", "shape", "status"]),
    ("serve", &["status", "telemetry", "picture", "rollout", "kinds", "shape", "clock", "connections"]),
    ("cli", ALL_BUT_APP),
    ("app", EVERYTHING),
    ("main", &["cli", "app"]),
    ("lib", EVERYTHING),
];
const ALL_BUT_APP: &[&str] = &[
    "shape",
    "clock",
    "connections",
    "source",
    "manifest",
    "rollout",
    "kinds",
    "check",
    "plan",
    "import",
    "aws",
    "observe",
    "reconcile",
    "sim",
    "telemetry",
    "serve",
    "status",
];
const EVERYTHING: &[&str] = &["*"];

/// Macros stand at the root of the crate whatever folder declares them.
const MACROS: &[(&str, &str)] = &[("tree", "shape")];

/// No await, no clock, no randomness, no logs, ordered maps only: these can be called, replayed and tested anywhere.
const PURE: &[&str] = &["shape", "manifest", "kinds", "check", "rollout", "picture", "plan", "import"];
/// What purity forbids, as it is written in the source.
const IMPURE_WORDS: &[&str] =
    &["async", "await", "HashMap", "HashSet", "RandomState", "Instant", "SystemTime::now", ".elapsed", "thread::sleep"];

/// Where each dependency may be named; `*` at its end stands for a family of crates.
const HOMES: &[(&str, &[&str])] = &[
    ("aws_sdk_*", &["aws"]),
    ("aws_config", &["aws"]),
    ("aws_smithy_*", &["aws", "sim::wire", "clock", "app"]),
    ("notify", &["source"]),
    ("libc", &["source"]),
    ("serde_yaml", &["manifest"]),
    ("saphyr_parser", &["manifest"]),
    ("backoff", &["reconcile::backoff"]),
    ("prometheus", &["telemetry"]),
    ("tracing_subscriber", &["telemetry"]),
    ("tracing", NOT_PURE),
    ("tokio", NOT_PURE),
    ("fastrand", &["sim", "reconcile", "lease", "app"]),
    ("kube", &["lease"]),
    ("k8s_openapi", &["lease"]),
    ("http_body_util", &["lease"]),
    ("regex_lite", &["sim"]),
    ("xmlparser", &["shape"]),
    ("axum", &["connections", "serve", "sim::wire"]),
    ("http", &["serve", "sim::wire", "aws", "lease"]),
    ("hyper", &["connections", "serve"]),
    ("hyper_util", &["connections", "serve"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("annotate_snippets", &["cli::findings"]),
    ("terminal_size", &["cli::terminal"]),
    ("serde", EVERYTHING),
    ("serde_json", EVERYTHING),
    ("sha2", EVERYTHING),
    ("thiserror", EVERYTHING),
];
const NOT_PURE: &[&str] = &[
    "clock",
    "connections",
    "source",
    "aws",
    "observe",
    "reconcile",
    "lease",
    "sim",
    "telemetry",
    "serve",
    "cli",
    "app",
    "main",
];

/// Lines a file, tests included. A file whose first line says `@generated` has no limit.
const FILE_LINES: usize = 600;

// ── The tests ───────────────────────────────────────────────────────────────────────────────────────────────────────

fn rules() -> check::Rules {
    check::Rules {
        arrows: ARROWS,
        macros: MACROS,
        pure: PURE,
        impure_words: IMPURE_WORDS,
        homes: HOMES,
        file_lines: FILE_LINES,
    }
}

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn the_source_keeps_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    sources(&root.join("src"), &mut paths);
    assert!(paths.len() > 10, "src/ was not found");
    let files: Vec<(String, String)> = paths
        .iter()
        .map(|path| (path.strip_prefix(root).unwrap().display().to_string(), fs::read_to_string(path).unwrap()))
        .collect();
    let found: Vec<String> = check::all(&rules(), &files).iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{} violation(s):\n  {}", found.len(), found.join("\n  "));
}

#[test]
fn every_dependency_has_a_home() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let homeless: Vec<String> = check::dependencies(&manifest)
        .into_iter()
        .filter(|name| !HOMES.iter().any(|(pattern, _)| check::matches(pattern, name)))
        .collect();
    assert!(homeless.is_empty(), "give these a row in HOMES: {}", homeless.join(", "));
}

/// Each rule, broken once: file, source, what the violation says.
const BROKEN: &[(&str, &str, &str)] = &[
    ("src/shape/a.rs", "use crate::kinds::Key;", "src/shape/a.rs:1: shape may not import kinds::Key"),
    ("src/manifest/a.rs", "\nfn f() { crate::kinds::parse() }", "src/manifest/a.rs:2: manifest may not import"),
    ("src/plan/mod.rs", "use super::aws::Client;", "plan may not import aws::Client"),
    ("src/plan/deep/er.rs", "fn f(_: super::super::super::observe::Rows) {}", "plan may not import observe::Rows"),
    ("src/plan/mod.rs", "mod inner { use super::super::reconcile; }", "plan may not import reconcile"),
    ("src/plan/mod.rs", "use {crate::{shape::Tree, kinds::{self, Key}, aws}};", "plan may not import aws"),
    ("src/sim/a.rs", "use crate::kinds::Key;", "sim may not import kinds::Key"),
    ("src/aws/a.rs", "use crate::kinds::{Place, Key};", "aws may not import kinds::Key"),
    ("src/reconcile/a.rs", "use crate::source::watch;", "reconcile may not import source::watch"),
    ("src/telemetry/a.rs", "use crate::reconcile::queue::Queue;", "telemetry may not import reconcile::queue::Queue"),
    ("src/rollout/a.rs", "use crate::kinds::Key;", "rollout may not import kinds::Key"),
    ("src/serve/a.rs", "use crate::app::Settings;", "serve may not import app::Settings"),
    ("src/cli/a.rs", "use crate::app;", "cli may not import app"),
    ("src/main.rs", "fn main() { ecs_operator::sim::run() }", "main may not import sim::run"),
    ("src/aws/a.rs", "macro_rules! m { () => { $crate::plan::Step } }", "aws may not import plan::Step"),
    ("src/helpers/mod.rs", "", "src/helpers/mod.rs:1: helpers has no row in ARROWS"),
    ("src/shape/a.rs", "use crate::helpers::x;", "shape may not import helpers::x"),
    ("src/reconcile/a.rs", "use aws_sdk_ecs::Client;", "aws_sdk_ecs may be named only in aws"),
    ("src/reconcile/a.rs", "fn f(_: ::aws_sdk_sts::Client) {}", "aws_sdk_sts may be named only in aws"),
    ("src/reconcile/a.rs", "use notify::Watcher;", "notify may be named only in source"),
    ("src/kinds/a.rs", "use serde_yaml as yaml;", "serde_yaml may be named only in manifest"),
    ("src/reconcile/a.rs", "fn f() { prometheus::gather(); }", "prometheus may be named only in telemetry"),
    ("src/reconcile/queue.rs", "use backoff::backoff::Backoff;", "backoff may be named only in reconcile::backoff"),
    ("src/app/a.rs", "#[derive(clap::Parser)] struct A;", "clap may be named only in cli"),
    ("src/plan/a.rs", "use tokio::time::Duration;", "tokio may be named only in"),
    ("src/kinds/a.rs", "fn f() { tracing::info!(\"x\") }", "tracing may be named only in"),
    ("src/check/a.rs", "use fastrand::Rng;", "fastrand may be named only in"),
    ("src/plan/a.rs", "async fn f() {}", "plan is pure: no async"),
    ("src/plan/a.rs", "fn f() { g().await }", "plan is pure: no await"),
    ("src/shape/a.rs", "use std::collections::HashMap;", "shape is pure: no HashMap"),
    ("src/kinds/a.rs", "use std::collections::{BTreeMap, HashSet};", "kinds is pure: no HashSet"),
    ("src/rollout/a.rs", "use std::time::{Duration, Instant};", "rollout is pure: no Instant"),
    ("src/rollout/a.rs", "fn f() { std::time::SystemTime::now(); }", "rollout is pure: no SystemTime::now"),
    ("src/aws/a.rs", "async fn f() {\n tokio::select! { a = b => {} } }", "src/aws/a.rs:2: select! without `biased;`"),
    ("src/rollout/a.rs", "fn f(t: T) { t.elapsed(); }", "rollout is pure: no .elapsed"),
];

#[test]
fn each_broken_rule_is_found() {
    for (file, source, expected) in BROKEN {
        let found = check::all(&rules(), &[((*file).to_owned(), (*source).to_owned())]);
        let said: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|line| line.contains(expected)), "{source:?}: wanted {expected:?}, got {said:?}");
        assert_eq!(said.len(), 1, "{source:?}: {said:?}");
    }
    let long = "//\n".repeat(FILE_LINES + 1);
    let found = check::all(&rules(), &[("src/aws/a.rs".to_owned(), long)]);
    assert!(found[0].to_string().contains("601 lines; a file has at most 600"), "{}", found[0]);
}

/// What only looks like a violation.
const SOUND: &[(&str, &str)] = &[
    ("src/shape/a.rs", "// use crate::kinds;\n/* crate::aws /* nested */ HashMap */ //! async\n"),
    (
        "src/shape/a.rs",
        r##"const A: &str = "crate::aws"; const B: &str = r#"tokio::"x" HashMap"#; const C: char = '"';"##,
    ),
    ("src/shape/a.rs", r"fn f<'async_a>(x: &'async_a str) -> char { let _ = b'\''; '\'' } // crate::aws"),
    ("src/plan/a.rs", "#[cfg(test)]\nmod tests { use crate::sim::Sim; async fn f() { tokio::spawn(x).await } }"),
    ("src/plan/a.rs", "#[cfg(test)]\n#[allow(unused)]\nuse crate::sim::{Sim, World};\nuse crate::shape::Tree;"),
    ("src/shape/time.rs", "use std::time::{SystemTime, UNIX_EPOCH};"),
    ("src/sim/mod.rs", "use ecs::Fault; use crate::shape::Tree; use super::sim::world; use self::world::World;"),
    ("src/sim/a.rs", "fn f() -> T { crate::tree! { \"a\" => 1 } }"),
    ("src/aws/a.rs", "use crate::kinds::Place; use aws_sdk_ecs::Client; pub(crate) fn f() {}"),
    ("src/reconcile/backoff.rs", "use backoff::backoff::Backoff; use crate::source::Snapshot;"),
    ("src/serve/mod.rs", "use axum::Router; use crate::status::Status; fn f(notify: u8) { notify; }"),
    ("src/aws/a.rs", "async fn f() { tokio::select! { biased; a = b => {} } }"),
    ("src/shape/table.rs", "// @generated by the generator beside it\n"),
];

#[test]
fn what_only_looks_like_a_violation_is_let_through() {
    for (file, source) in SOUND {
        let found = check::all(&rules(), &[((*file).to_owned(), (*source).to_owned())]);
        assert!(found.is_empty(), "{source:?}: {}", found[0]);
    }
    let files = [
        ("src/plan/mod.rs".to_owned(), "#[cfg(test)]\nmod tests;".to_owned()),
        ("src/plan/tests.rs".to_owned(), "use crate::sim::Sim;".to_owned()),
    ];
    assert!(check::all(&rules(), &files).is_empty(), "tests in a file of their own are tests");
    let generated = format!("// @generated\n{}", "\n".repeat(FILE_LINES));
    assert!(check::all(&rules(), &[("src/shape/table.rs".to_owned(), generated)]).is_empty());
}
