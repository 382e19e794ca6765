//! The status page in a real browser: what helps people who can't see, who have no mouse, no JavaScript, or a phone, and
//! that it follows the world.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail by panicking"
)]

mod common;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::process::{Child, Operator, get, have, image, node_parts, tagged, until, until_within, write_hello};
use tempfile::TempDir;

/// Everything that is looked at, on a machine that is busy.
const LOOKED: Duration = Duration::from_secs(300);

/// Another service of the shipped shape, edited.
fn beside(dir: &Path, name: &str, edit: impl Fn(&str) -> String) {
    for file in ["service.yaml", "task-definition.yaml"] {
        let text = fs::read_to_string(dir.join(file)).unwrap();
        let text = text.replace("name: hello-world", &format!("name: {name}"));
        let text = edit(&text.replace("taskDefinition: hello-world", &format!("taskDefinition: {name}")));
        fs::write(dir.join(format!("{name}-{file}")), text).unwrap();
    }
}

/// One service as Git says, one that never starts, and one that is long in coming.
fn world() -> (TempDir, Operator) {
    let dir = TempDir::new().unwrap();
    write_hello(dir.path(), tagged("1.1"));
    let label = |label: &'static str| {
        move |text: &str| text.replace("portMappings:", &format!("dockerLabels: {{ {label} }}\n      portMappings:"))
    };
    beside(dir.path(), "broken", label("ecs-operator.sim/fail-to-start: 'no such <image>'"));
    beside(dir.path(), "slow", label("ecs-operator.sim/slow-start: 50h"));
    fs::write(dir.path().join("bad.yaml"), "kind: [").unwrap();
    let operator = Operator::start(dir.path(), &["--time-scale", "20"]);
    operator.until_runs("hello-world", &image("1.1"));
    (dir, operator)
}

#[test]
fn people_can_use_the_page() {
    const TEST: &str = "people_can_use_the_page";
    let (modules, chromium) = (node_parts(), std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned()));
    let mut probe = Command::new("node");
    probe.args(["-e", "require('axe-core'); require('playwright-core')"]).current_dir(&modules);
    if !have(TEST, "chromium", Command::new(&chromium).arg("--version"))
        || !have(TEST, "playwright-core or axe-core (.ci/run parts)", &mut probe)
    {
        return;
    }
    let found = Command::new("sh").args(["-c", &format!("command -v {chromium}")]).output().unwrap();
    let chromium = String::from_utf8(found.stdout).unwrap();
    let (dir, operator) = world();
    let page = || get(operator.face, "/").map(|answer| answer.body);
    until("a failure, and all that is well", || {
        let page = page()?;
        (page.contains("RolloutFailed") && page.contains("Converged") && page.contains("bad.yaml:")).then_some(())
    });
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page/look.mjs")).arg(&modules);
    command.arg(chromium.trim()).arg(format!("http://{}", operator.face)).args(std::env::var_os("PICTURES"));
    let (told, mut tell) = std::io::pipe().unwrap();
    let mut looking = Child::start(command.stdin(Stdio::from(told)));
    let reaches = |looking: &Child, mark: &str| {
        until_within(LOOKED, mark, || {
            let (out, err) = (looking.out(), looking.err());
            assert!(err.is_empty(), "{out}\n{err}");
            out.lines().any(|line| line == mark).then_some(())
        });
    };
    reaches(&looking, "READY");
    write_hello(dir.path(), |text| tagged("1.2")(text).replace("desiredCount: 2", "desiredCount: 5"));
    tell.write_all(b"\n").unwrap();
    reaches(&looking, "ROLLS");
    drop(operator);
    tell.write_all(b"\n").unwrap();
    reaches(&looking, "END");
    looking.ended_within(LOOKED);
    let out = looking.out();
    let wrong: Vec<&str> = out.lines().filter(|line| line.starts_with("WRONG")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(out.lines().filter(|line| line.starts_with("ok")).count() >= 35, "{out}");
}
