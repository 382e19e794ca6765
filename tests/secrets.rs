//! However a secret is written in a manifest, and whatever is wrong around it: nothing that is shown has it. And
//! nothing from outside moves the terminal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;

use common::harness::{HOUR, Rig, Wanted, converged, task};
use ecs_operator::check;
use ecs_operator::cli::draw;
use ecs_operator::cli::findings::{self, Sources};
use ecs_operator::cli::plan::{Secrets, markdown, text};
use ecs_operator::cli::terminal::Terminal;
use ecs_operator::kinds::service;
use ecs_operator::manifest::Finding;
use ecs_operator::shape::Time;
use ecs_operator::status::Status;

const CANARY: &str = "hunter2secret";
const UNICODE: Terminal = Terminal { unicode: true, ..Terminal::PLAIN };

/// A task definition whose container has these lines too.
fn definition(lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("      {line}\n")).collect();
    task("web", "nginx:1", &[]).replace("      dockerLabels: {  }\n", "") + &lines
}

/// Ways to write a secret, each with something wrong somewhere.
fn manifests() -> Vec<(&'static str, String)> {
    let flush = |lines: &str| task("web", "nginx:1", &[]) + lines;
    let mut all = vec![
        ("a.yaml", definition("environment:\n#\n\n  - name: TOKEN\n    value: [hunter2secret]")),
        ("a.yaml", flush("      environment:\n# a note\n\n        - name: TOKEN\n# another\n          value: { a: hunter2secret }\n")),
        ("a.yaml", flush("      command: \"a\nhunter2secret: \\\"abc\n  hunter2secret\"\n")),
        ("a.yaml", flush("      command: [a,\nhunter2secret,\n[hunter2secret]]\n")),
        ("a.yaml", definition("? environment\n: - name: TOKEN\n    value: [hunter2secret]")),
        ("a.yaml", definition("command: |\n name: hunter2secret\n hunter2secret")),
        ("a.yaml", definition("dockerLabels: { name: [hunter2secret] }")),
        ("a.yaml", definition("logConfiguration: { logDriver: awslogs, options: { name: [hunter2secret] } }")),
        ("a.yaml", definition("environment: [{ name: TOKEN, value: a,hunter2secret }]")),
        ("a.yaml", definition("environment: { TOKEN: hunter2secret }")),
        ("a.yaml", definition("environment:\n- name: TOKEN\nvalue: hunter2secret")),
        ("a.yaml", definition("enviroment: [{ name: TOKEN, value: hunter2secret }]")),
        ("a.yaml", definition("command: [\"hunter2secret\"")),
        ("a.yaml", definition("command: [serve, 'hunter2secret ]\nimage: hunter2secret")),
        ("a.yaml", definition("command: [serve] # hunter2secret\nentryPoint: hunter2secret")),
        ("a.yaml", "apiVersion: ecs-operator.io/v1\nkind: Defaults\nvars:\n  A: [hunter2secret]\n  B: hunter2secret\n".into()),
        ("a.yaml", "apiVersion: ecs-operator.io/v1\nkind: Defaults\nvars: { name: hunter2secret, B: a,hunter2secret }\nx: [\n".into()),
        ("a.json", "{\"apiVersion\":\"ecs-operator.io/v1\",\"kind\":\"TaskDefinition\",\"metadata\":{\"name\":\"web\"},\"spec\":{\n\"containerDefinitions\":[{\n\"command\": [\n\"hunter2secret\",\n{}\n]}]}}".into()),
        ("a.json", "{\n\"kind\": \"TaskDefinition\",\n\"command\": [\n\"hunter2secret\",\n".into()),
        ("a.json", "{\"command\": [\"a\"}\n\"hunter2secret\"]}".into()),
        ("a.yaml", flush("") + "  volumes:\n    - name: v\n      dockerVolumeConfiguration:\n        labels: { a: [hunter2secret] }\n        driverOpts: { name: [hunter2secret] }\n"),
        ("a.yaml", flush("") + "  proxyConfiguration:\n    containerName: web\n    properties: [{ name: A, value: [hunter2secret] }]\n"),
    ];
    let broken: Vec<_> = all.iter().map(|(file, text)| (*file, format!("{text}\nbroken: ["))).collect();
    all.extend(broken);
    all
}

fn assert_silent(what: &str, text: &str, about: &str) {
    assert!(!text.contains(CANARY), "{what} tells the secret:\n{text}\n--- of\n{about}");
}

#[test]
fn no_finding_shows_a_secret_and_no_line_does() {
    for (file, text) in manifests() {
        let mut found = check::findings_of(file, &text);
        assert!(!found.is_empty(), "nothing is wrong with\n{text}");
        // Any line may come to have a finding.
        let line = |line: usize| Finding { line, ..Finding::in_file(file, "type", "wrong") };
        found.extend((1..=text.lines().count()).map(line));
        let sources = Sources::from([(file.to_owned(), Arc::from(text.as_str()))]);
        for terminal in [Terminal::PLAIN, Terminal { colour: true, width: 200, ..UNICODE }] {
            assert_silent("text", &findings::text(&found, &sources, &terminal), &text);
        }
        assert_silent("json", &findings::json(&found, 1), &text);
        assert_silent("github", &findings::github(&found), &text);
    }
}

#[test]
fn what_is_no_secret_stays_readable() {
    let text = definition(
        "environment:\n# a note\n  - name: TOKEN\n    value: hunter2secret\nportMappings: [{ containerPort: 80 }]",
    );
    let sources = Sources::from([("a.yaml".to_owned(), Arc::from(text.as_str()))]);
    let line = |line: usize| Finding { line, ..Finding::in_file("a.yaml", "type", "wrong") };
    let found: Vec<Finding> = (1..=text.lines().count()).map(line).collect();
    let shown = findings::text(&found, &sources, &UNICODE);
    for kept in ["image: nginx:1", "- name: TOKEN", "value: *************", "containerPort: 80", "networkMode: awsvpc"]
    {
        assert!(shown.contains(kept), "{kept}\n{shown}");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn no_plan_shows_a_secret_or_what_is_made_of_it() {
    let secret = |value: &str| {
        let lines = format!(
            "environment: [{{ name: TOKEN, value: {value} }}]\ncommand: [serve, {value}]\nentryPoint: [sh, {value}]\n\
             dockerLabels: {{ name: {value} }}\nlogConfiguration: {{ logDriver: splunk, options: {{ splunk-url: \
             'https://logs.example.com', splunk-token: {value} }} }}"
        );
        definition(&lines)
    };
    let mut rig = converged(1).await;
    for (before, after) in [("other", CANARY), (CANARY, "another"), (CANARY, "hunter2secret2")] {
        rig.write("task.yaml", secret(before)).commit();
        rig.start();
        rig.converge(HOUR).await;
        rig.lose_operator();
        rig.write("task.yaml", secret(after)).commit();
        let view = rig.view().await;
        let shown = [text(&view, &UNICODE), text(&view, &Terminal::PLAIN), view.json(), markdown(&view)];
        for text in &shown {
            assert_silent("the plan", text, before);
        }
        let told = shown[0].lines().find(|line| line.contains("[TOKEN].value: changed sha256:")).unwrap_or(&shown[0]);
        // The key is another each time, but for these tests.
        rig.secrets = Secrets::hashed();
        let again = text(&rig.view().await, &UNICODE);
        assert!(!again.contains(told) && again.contains("[TOKEN].value: changed sha256:"), "{told}\n{again}");
        assert!(shown[2].contains("\"change\": \"changed\""), "{}", shown[2]);
        rig.secrets = Secrets::Shown;
        let view = rig.view().await;
        let asked = format!("[TOKEN].value: \"{before}\" → \"{after}\"");
        assert!(text(&view, &UNICODE).contains(&asked) && view.json().contains(after), "{}", text(&view, &UNICODE));
        rig.secrets = Secrets::hashed();
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_ecs_repeats_of_a_command_is_not_told() {
    let mut rig = converged(1).await;
    let why = format!("exec: '{CANARY}': executable file not found");
    let text = task("web", "nginx:bad", &[("fail-to-start", &why)]) + &format!("      command: [{CANARY}]\n");
    rig.write("task.yaml", text).commit();
    assert!(rig.until(2 * HOUR, |rig| rig.reason("prod/Service/web") == "RolledBack").await, "{:#?}", rig.stories());
    assert_silent("status", &format!("{:?}", rig.operator.as_ref().unwrap().status.borrow()), "");
    let desired = rig.desired();
    let object = desired.services().next().unwrap();
    let said = service::redact(object, &desired.objects, &why);
    assert_eq!(said, "exec: '(redacted)': executable file not found");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn nothing_from_outside_moves_the_terminal_or_begins_a_line() {
    let forged =
        |text: &str| text.lines().any(|line| line.starts_with("forged") || line.starts_with("::error file=forged"));
    let acts = |text: &str| text.chars().any(|letter| letter.is_control() && letter != '\n');
    let odd = "\"a\\e[31m\\nforged\\n::error file=forged::x\"";
    for text in [definition(&format!("dockerLabels: {{ {odd}: 5 }}")), definition(&format!("{odd}: 5"))] {
        let found = check::findings_of("a.yaml", &text);
        assert!(!found.is_empty());
        let sources = Sources::from([("a.yaml".to_owned(), Arc::from(text.as_str()))]);
        for shown in [findings::text(&found, &sources, &UNICODE), findings::github(&found), findings::json(&found, 1)] {
            assert!(!acts(&shown) && !forged(&shown), "{shown:?}");
        }
    }
    let raw = "apiVersion: ecs-operator.io/v1\nkind: \"a\u{1b}[31m\"\n";
    let found = check::findings_of("a.yaml", raw);
    let sources = Sources::from([("a.yaml".to_owned(), Arc::from(raw))]);
    assert!(!acts(&findings::text(&found, &sources, &UNICODE)));
    let mut rig = Rig::new(1);
    common::harness::web(&mut rig);
    rig.write("task.yaml", definition(&format!("dockerLabels: {{ {odd}: x }}")));
    let tags = format!("  tags: [{{ key: team, value: {odd} }}]\n");
    rig.write("service.yaml", Wanted { more: tags, ..Wanted::of("web", 2) }.text("web")).commit();
    let view = rig.view().await;
    for shown in [text(&view, &UNICODE), markdown(&view)] {
        assert!(shown.contains("dockerLabels.a␛[31m␊forged"), "{shown}");
        assert!(!acts(&shown) && !forged(&shown), "{shown:?}");
    }
    let mut status = Status::default();
    status.source.revision = "a\u{1b}[31m\nforged".to_owned();
    status.source.problems = vec!["a\u{1b}[31m\nforged".to_owned()];
    let lines = draw::table(&UNICODE, &status, Time(0));
    assert!(lines.iter().all(|line| !line.contains('\u{1b}') && !line.starts_with("forged")), "{lines:#?}");
}
