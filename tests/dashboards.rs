//! The dashboards: made by their script, of metrics that are there, and each panel shows something of a real operator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::process::{Child, get, have, node_parts, program, said, until, until_within};
use common::promql;
use serde_json::Value;
use tempfile::TempDir;

/// The demo's six acts, on a machine that is busy.
const ACTS: Duration = Duration::from_secs(300);

fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/ecs-operator")
}

/// Every dashboard, by the name of its file.
fn dashboards() -> Vec<(String, Value)> {
    let files = fs::read_dir(chart().join("files/dashboards")).unwrap().map(|entry| entry.unwrap().path());
    let read = |file: PathBuf| {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        (name, serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap())
    };
    let all: Vec<_> = files.map(read).collect();
    assert_eq!(all.len(), 2);
    all
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row")
}

/// Every query of every panel: whose it is, and the expression.
fn queries() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (file, dashboard) in dashboards() {
        for panel in panels(&dashboard) {
            let targets = panel["targets"].as_array().unwrap();
            assert!(!targets.is_empty(), "{file}: {} shows nothing", panel["title"]);
            for target in targets {
                let whose = format!("{file}: {} {}", panel["title"], target["refId"]);
                all.push((whose, target["expr"].as_str().unwrap().to_owned()));
            }
        }
    }
    all
}

/// The queries that fill variables: whose, the selector, the label.
fn choices() -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for (file, dashboard) in dashboards() {
        for variable in dashboard["templating"]["list"].as_array().unwrap() {
            let Some(query) = variable["query"]["query"].as_str() else { continue };
            let inside = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')).unwrap();
            let (selector, label) = inside.rsplit_once(", ").unwrap();
            all.push((format!("{file}: {}", variable["name"]), selector.to_owned(), label.to_owned()));
        }
    }
    all
}

/// An expression as Grafana sends it when every variable says "All".
fn sent(expression: &str) -> String {
    let mut text = expression.replace("$__rate_interval", "1m");
    for name in ["job", "cluster", "service", "focus"] {
        text = text.replace(&format!("\"${name}\""), "\".*\"");
    }
    assert!(!text.contains('$'), "{text}");
    text
}

#[test]
fn the_dashboards_are_what_their_script_makes() {
    if !have("the_dashboards_are_what_their_script_makes", "python3", Command::new("python3").arg("--version")) {
        return;
    }
    let told = said(Command::new("python3").arg(chart().join("dashboards.py")).arg("--check"));
    assert_eq!(told.code, 0, "{}", told.err);
}

#[test]
fn grafana_takes_the_dashboards() {
    let (parts, test) = (node_parts(), "grafana_takes_the_dashboards");
    let mut probe = Command::new("node");
    probe.args(["-e", "require('@grafana/schema'); require('typescript')"]).current_dir(&parts);
    if !have(test, "@grafana/schema or typescript (.ci/run parts)", &mut probe) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let types = include_str!("dashboards/panels.ts");
    fs::write(dir.path().join("panels.ts"), types).unwrap();
    symlink(parts.join("node_modules"), dir.path().join("node_modules")).unwrap();
    let judged = |name: &str, dashboard: &str| {
        let text = format!("import type {{ Given }} from './panels';\nexport const given: Given =\n{dashboard};\n");
        fs::write(dir.path().join(name), text).unwrap();
        let mut command = Command::new("node");
        command.arg(parts.join("node_modules/typescript/bin/tsc")).arg(name).current_dir(dir.path());
        said(
            command
                .args(["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--moduleResolution", "bundler"])
                .args(["--module", "es2022"]),
        )
    };
    for (file, dashboard) in dashboards() {
        let told = judged(&format!("{file}.ts"), &dashboard.to_string());
        assert_eq!(told.code, 0, "{file}: {}", told.out);
    }
    // What is wrong is seen, in the options, in what is said of fields and in the dashboard.
    let fleet = dashboards().into_iter().find(|(file, _)| file == "fleet.json").unwrap().1.to_string();
    for (right, wrong) in [
        ("\"graphMode\":\"none\"", "\"graphMode\":\"nothing\""),
        ("\"lineInterpolation\"", "\"interpolation\""),
        ("\"custom.lineStyle\"", "\"custom.linestyle\""),
        ("\"graphTooltip\":1", "\"graphTooltip\":7"),
    ] {
        assert!(fleet.contains(right), "{right}");
        assert_ne!(judged("wrong.ts", &fleet.replacen(right, wrong, 1)).code, 0, "{wrong}");
    }
}

#[test]
fn dashboards_ask_for_metrics_and_labels_that_are_there() {
    for (whose, expression) in queries() {
        assert!(promql::metrics(&expression) > 0, "{whose}: {expression}");
        let problems = promql::problems(&sent(&expression));
        assert!(problems.is_empty(), "{whose}: {problems:?}");
    }
    for (whose, selector, label) in choices() {
        let asks = format!("count by ({label}) ({})", sent(&selector));
        assert!(promql::problems(&asks).is_empty(), "{whose}: {:?}", promql::problems(&asks));
    }
}

#[test]
fn every_panel_says_what_it_shows_and_has_a_place_of_its_own() {
    for (file, dashboard) in dashboards() {
        let all: Vec<&Value> = dashboard["panels"].as_array().unwrap().iter().collect();
        let place = |panel: &Value, side: &str| panel["gridPos"][side].as_u64().unwrap();
        for (at, panel) in all.iter().enumerate() {
            assert!(place(panel, "x") + place(panel, "w") <= 24, "{file}: {}", panel["title"]);
            let apart = |other: &&Value| {
                let beside = |from: &str, size: &str| {
                    place(panel, from) + place(panel, size) <= place(other, from)
                        || place(other, from) + place(other, size) <= place(panel, from)
                };
                beside("x", "w") || beside("y", "h")
            };
            assert!(all[at + 1..].iter().all(apart), "{file}: {} lies on another", panel["title"]);
        }
        for panel in panels(&dashboard) {
            assert!(panel["description"].as_str().is_some_and(|text| text.ends_with('.')), "{}", panel["title"]);
            assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{}", panel["title"]);
            for target in panel["targets"].as_array().unwrap() {
                assert_eq!(target["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
                assert!(target["expr"].as_str().unwrap().contains("job=~"), "{} is not filtered", panel["title"]);
            }
        }
    }
}

/// Prometheus, scraping that address each second.
struct Prometheus {
    _child: Child,
    at: SocketAddr,
}

impl Prometheus {
    fn start(folder: &Path, scraped: SocketAddr) -> Self {
        let config = folder.join("prometheus.yaml");
        let text = format!(
            "global: {{ scrape_interval: 1s }}\nscrape_configs:\n  - job_name: ecs-operator\n    static_configs: \
             [{{ targets: [\"{scraped}\"] }}]\n"
        );
        fs::write(&config, text).unwrap();
        let child = Child::start(
            Command::new("prometheus")
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
                .arg("--web.listen-address=127.0.0.1:0"),
        );
        let at = until("Prometheus listens", || {
            let log = child.err();
            let (_, rest) = log.split_once("msg=\"Listening on\" address=")?;
            rest.split_whitespace().next()?.parse().ok()
        });
        // It listens before it has read what it keeps, and answers 503 until then.
        until("Prometheus is ready", || get(at, "/-/ready").filter(|answer| answer.status == 200));
        Self { _child: child, at }
    }

    /// How many results a question has, or why none.
    fn results(&self, path: &str) -> Result<usize, String> {
        let answer = get(self.at, path).ok_or("no answer")?;
        // Prometheus sends long answers in chunks; the JSON lies between the first and the last brace.
        let body = whole(&answer.body);
        let value: Value = serde_json::from_str(&body).map_err(|error| format!("{error}: {body}"))?;
        if value["status"] != "success" {
            return Err(value["error"].to_string());
        }
        let data = &value["data"];
        Ok(data["result"].as_array().or_else(|| data.as_array()).map_or(0, Vec::len))
    }
}

/// A body without the sizes of its chunks, where it has any.
fn whole(body: &str) -> String {
    if body.starts_with('{') {
        return body.to_owned();
    }
    let (mut rest, mut text) = (body, String::new());
    while let Some((size, after)) = rest.split_once("\r\n") {
        let (chunk, left) = after.split_at(usize::from_str_radix(size.trim(), 16).unwrap());
        text += chunk;
        rest = left.trim_start_matches("\r\n");
    }
    text
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        write!(all, "%{byte:02X}").unwrap();
        all
    })
}

#[test]
fn every_panel_shows_something_of_the_demo() {
    if !have("every_panel_shows_something_of_the_demo", "prometheus", Command::new("prometheus").arg("--version")) {
        return;
    }
    let demo = Child::start(
        program()
            .args(["demo", "--listen", "127.0.0.1:0", "--sim-listen", "127.0.0.1:0"])
            .args(["--time-scale", "2000"]),
    );
    let face: SocketAddr = until_within(ACTS, "the demo serves its metrics", || {
        let shown = demo.out();
        let (before, _) = shown.split_once("/metrics")?;
        before.rsplit_once("curl http://")?.1.parse().ok()
    });
    let folder = TempDir::new().unwrap();
    let prometheus = Prometheus::start(folder.path(), face);
    for (whose, expression) in queries() {
        let path = format!("/api/v1/query?query={}", encoded(&sent(&expression)));
        let mut last = Ok(0);
        // A rate has no value before the second scrape.
        until(&format!("{whose} shows something: {}", sent(&expression)), || {
            last = prometheus.results(&path);
            assert!(last.is_ok() || last == Err("no answer".to_owned()), "{whose}: {last:?}");
            last.as_ref().is_ok_and(|results| *results > 0).then_some(())
        });
    }
    for (whose, selector, label) in choices() {
        let path = format!("/api/v1/label/{label}/values?match[]={}", encoded(&sent(&selector)));
        assert!(prometheus.results(&path).unwrap() > 0, "{whose} offers nothing to choose");
    }
}
