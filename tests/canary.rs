//! Values of variables, commands, options of logs and labels reach nothing that the program prints, logs or serves, at
//! whatever level, unless someone asks for them with `--show-values`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::path::Path;

use common::process::{Operator, Said, Sim, get, image, program, said, until, write_hello};
use tempfile::TempDir;

/// In every value that may be secret.
const CANARY: &str = "hunter2canary";

/// A definition of another tool's, with canaries too.
const DEFINITION: &str = r#"{"family": "web", "containerDefinitions": [{"name": "web", "image": "nginx:1", "memory": 128,
    "command": ["VALUE"], "environment": [{"name": "A", "value": "VALUE"}], "dockerLabels": {"a": "VALUE"},
    "logConfiguration": {"logDriver": "splunk", "options": {"splunk-url": "VALUE", "splunk-token": "VALUE"}}}]}"#;

/// The shipped manifests with a canary wherever there is room for one; a turn's differ from another's.
fn write(into: &Path, turn: usize) {
    let canary = |of: &str| format!("{CANARY}-{of}-{turn}");
    let [variable, command, entry, label, option] = ["variable", "command", "entry", "label", "option"].map(canary);
    let container = format!(
        "      environment: [{{ name: TOKEN, value: {variable} }}]\n      command: [serve, {command}]\n      entryPoint: [{entry}]\n      \
         dockerLabels: {{ team: {label} }}\n      healthCheck: {{ command: [CMD, {command}] }}\n      logConfiguration:"
    );
    write_hello(into, |text| {
        let text = text.replace("      logConfiguration:", &container);
        text.replace("awslogs-stream-prefix: web", &format!("awslogs-stream-prefix: {option}"))
    });
}

/// What a command says, with everything logged that can be.
fn told(arguments: &[&str]) -> Said {
    said(program().args(arguments).args(["--log", "trace", "--log-format", "json"]))
}

fn assert_silent(what: &str, text: &str) {
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(CANARY)).collect();
    assert!(lines.is_empty(), "{what} tells a secret:\n{}", lines.join("\n"));
}

fn silent(arguments: &[&str]) -> Said {
    let told = told(arguments);
    let what = arguments.join(" ");
    assert_silent(&what, &told.out);
    assert_silent(&format!("the log of {what}"), &told.err);
    assert!(!told.out.is_empty() || told.code == 0, "{what}: {told:?}");
    told
}

#[test]
fn no_command_tells_a_secret_that_it_is_not_asked_for() {
    let (sim, folder) = (Sim::start("60"), TempDir::new().unwrap());
    let (url, manifests) = (sim.world.url(), folder.path().join("manifests"));
    let (at, dir) = (["--endpoint-url", &url], manifests.to_str().unwrap());
    for turn in 0..2 {
        write(&manifests, turn);
        for form in ["text", "json", "github"] {
            silent(&["validate", dir, "-o", form]);
        }
        for form in ["text", "json", "markdown"] {
            let planned = silent(&["plan", dir, "-o", form, at[0], at[1]]);
            assert!(planned.code == 0 && planned.out.contains("hello-world"), "{planned:?}");
        }
        for form in ["text", "json"] {
            silent(&["preflight", dir, "-o", form, at[0], at[1]]);
        }
        let asked = told(&["plan", dir, "--show-values", at[0], at[1]]);
        assert!(asked.out.contains(CANARY), "what changes is shown where it is asked for: {asked:?}");
        let applied = silent(&["apply", dir, "--wait", at[0], at[1]]);
        assert_eq!(applied.code, 0, "{applied:?}");
    }
    for form in ["text", "json"] {
        let out = folder.path().join(form);
        let imported =
            silent(&["import", "--cluster", "hello", "--out", out.to_str().unwrap(), "-o", form, at[0], at[1]]);
        assert_eq!(imported.code, 0, "{imported:?}");
        let written = std::fs::read_to_string(out.join("task-definitions/hello-world.yaml")).unwrap();
        assert!(written.contains(CANARY), "what was imported is whole");
        let (file, out) = (folder.path().join("task.json"), folder.path().join(format!("from-{form}")));
        std::fs::write(&file, DEFINITION.replace("VALUE", CANARY)).unwrap();
        let (file, out) = (file.to_str().unwrap(), out.to_str().unwrap());
        let imported = silent(&["import", "--from", file, "--out", out, "-o", form]);
        assert_eq!(imported.code, 0, "{imported:?}");
    }
}

#[test]
fn an_operator_tells_no_secret_to_anybody() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), 0);
    let operator = Operator::start(folder.path(), &["--time-scale", "60", "--log", "trace"]);
    operator.until_runs("hello-world", &image("1.28"));
    write(folder.path(), 1);
    until("the other secrets are rolled out", || {
        let state = operator.world.state();
        let service = state["services"].as_array()?.first()?.clone();
        let second = service["taskDefinition"].as_str()?.ends_with(":2");
        (second && service["deployments"].as_array()?.len() == 1).then_some(())
    });
    for path in ["/metrics", "/api/v1/status", "/", "/healthz", "/readyz"] {
        let answer = until(path, || get(operator.face, path));
        assert_silent(path, &answer.body);
    }
    let server = format!("http://{}", operator.face);
    for form in ["text", "json"] {
        let shown = silent(&["status", "--server", &server, "-o", form]);
        assert!(shown.out.contains("hello-world"), "{shown:?}");
        silent(&["status", "hello/Service/hello-world", "--server", &server, "-o", form]);
    }
    let log = operator.child.err();
    assert!(log.contains("\"level\":\"DEBUG\"") || log.contains("\"level\":\"TRACE\""), "all is logged");
    assert_silent("the log", &log);
}
