//! The demo tells the truth: its acts pass, its numbers are the call log's, it repeats itself, and it fails when an act does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::fs;
use std::path::Path;

use common::golden;
use common::process::{Child, PATIENCE, get, program, until, until_within};
use ecs_operator::app::demo::{Screen, Script, Tally, play};
use ecs_operator::cli::{Exit, Terminal};
use tempfile::TempDir;

const GOLDEN: &str = "demo.txt";
/// What the golden file was drawn on.
const TERMINAL: Terminal = Terminal { width: 100, unicode: true, ..Terminal::PLAIN };

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_acts_pass_and_what_is_printed_is_what_the_call_log_says() {
    let outcome = play(Script::default(), Screen::kept(TERMINAL)).await.unwrap();
    assert_eq!(outcome.exit(), Exit::Done, "{}", outcome.text);
    golden::check(GOLDEN, &outcome.text);
    // The creation and six acts.
    assert_eq!(outcome.acts.len(), 7);
    let sum = |of: fn(&Tally) -> usize| outcome.acts.iter().map(|act| of(&act.tally)).sum::<usize>();
    let (reads, writes) = (sum(|tally| tally.reads), sum(|tally| tally.writes));
    assert_eq!(reads + writes + 1, outcome.logged, "every call is counted once, and one is the person's");
    for act in &outcome.acts {
        let printed = format!("PASS  {}", said(&act.tally, &act.least));
        assert!(outcome.text.contains(&printed), "no {printed:?} in\n{}", outcome.text);
        assert_eq!((act.tally.writes, act.tally.registrations), (act.least.writes, act.least.registrations));
    }
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rollout.svg");
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|wanted| wanted == "1") {
        fs::write(&picture, &outcome.picture).unwrap();
    }
    assert!(
        fs::read_to_string(&picture).unwrap() == outcome.picture,
        "`demo --once --svg docs/rollout.svg` draws it anew"
    );
    assert!(outcome.picture.len() < 20_000);
}

fn said(tally: &Tally, least: &Tally) -> String {
    let one = |count: usize, least: usize, what: &str| {
        let s = if count == 1 { "" } else { "s" };
        format!("{count} {what}{s} (least {least})")
    };
    let reads = one(tally.reads, least.reads, "read");
    let writes = one(tally.writes, least.writes, "write");
    format!("{reads}, {writes}, {}", one(tally.registrations, least.registrations, "registration"))
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_act_that_goes_otherwise_fails_the_demo() {
    let script = Script { crash: false, ..Script::default() };
    let outcome = play(script, Screen::kept(TERMINAL)).await.unwrap();
    assert_eq!(outcome.exit(), Exit::Error);
    let failed: Vec<usize> = outcome.acts.iter().filter(|act| !act.passed).map(|act| act.number).collect();
    assert_eq!(failed.first(), Some(&2), "{}", outcome.text);
    assert!(
        outcome.text.contains("✖ RolledBack: told, and held") && outcome.text.contains("\nFAIL "),
        "{}",
        outcome.text
    );
}

#[test]
fn the_program_plays_it_once_and_says_the_same() {
    let folder = TempDir::new().unwrap();
    let mut command = program();
    command.args(["demo", "--once", "--svg", "picture.svg"]).current_dir(folder.path());
    command.env("LC_ALL", "C.UTF-8").env("COLUMNS", "100").env("TMPDIR", folder.path());
    let mut demo = Child::start(&mut command);
    let status = demo.ended_within(4 * PATIENCE);
    assert_eq!((status.code(), demo.err().as_str()), (Some(0), ""), "{}", demo.out());
    let acts: String = {
        let mut lines = String::new();
        // What follows is of this run alone.
        demo.out().lines().take_while(|line| !line.starts_with("Wall clock: ")).for_each(|line| {
            lines.push_str(line);
            lines.push('\n');
        });
        lines
    };
    golden::check(GOLDEN, &acts);
    assert!(folder.path().join("picture.svg").exists());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "it leaves no folder behind");
}

#[test]
fn afterwards_the_stage_stays_open_on_free_ports() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    let mut command = program();
    command.args(["demo", "--sim-listen", &port, "--listen", "127.0.0.1:0"]).env("LC_ALL", "C");
    let mut demo = Child::start(&mut command);
    let said = || Some(demo.out()).filter(|out| out.contains("ecs-operator status"));
    let out = until_within(4 * PATIENCE, "the acts", said);
    assert!(out.is_ascii(), "{out}");
    assert!(out.contains(&format!("can't listen on {port}")), "{out}");
    let after = |mark: &str| out.split(mark).nth(1).unwrap().split(['/', ' ', '\n']).next().unwrap().parse().unwrap();
    let state = until("the embedded ECS", || get(after("AWS_ENDPOINT_URL=http://"), "/_sim/state"));
    assert!(state.body.contains("hello-world:4"), "{}", state.body);
    let metrics = until("the metrics", || get(after("curl http://"), "/metrics"));
    assert!(metrics.body.contains("hello-world"), "{}", metrics.body);
    let page = until("the page", || get(after("\n  http://"), "/"));
    assert!(page.body.contains("<b>hello-world</b>") && page.body.contains("<svg xmlns"), "{}", page.body);
    demo.signal("INT");
    assert_eq!(demo.ended_within(PATIENCE).code(), Some(0), "{}", demo.err());
}
