//! How much memory the program that is shipped holds while it looks after many services: the release build, against an
//! embedded ECS in another process. `ECS_OPERATOR_RELEASE` names the binary; without it, this is skipped by name.
//!
//! SERVICES and PASSES ask for more than is quick: `SERVICES=10000 PASSES=3`, `SERVICES=1000 PASSES=100`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail by panicking, and processes run in real time"
)]

mod common;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::fleet::{CLUSTERS, fleet};
use common::process::{Child, Operator, clean, get, logged_address, skipped, until, until_within};
use tempfile::TempDir;

const TEST: &str = "a_release_holds_what_it_may_and_no_more_with_time";
/// Long enough for what SERVICES may ask for; a machine that is busy takes several times as long as a free one.
const LONG: Duration = Duration::from_secs(3_600);
/// Between two readings; being asked for metrics is work, too.
const EACH: Duration = Duration::from_millis(500);

/// What is allowed, in MiB: by what few services need, and by what each of many adds.
fn allowed(services: usize) -> f64 {
    if services <= 1_000 { 40.0 } else { 40.0 + 80.0 * (services - 1_000) as f64 / 9_000.0 }
}

fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |given| given.parse().unwrap())
}

/// Pages that are in memory, in MiB: what the kernel counts as the process's own.
fn resident_mib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1_024.0
}

/// The sum of all series of a metric.
fn total(face: SocketAddr, name: &str) -> f64 {
    let answer = until("metrics", || get(face, "/metrics"));
    let values = answer.body.lines().filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        (series.split('{').next() == Some(name)).then(|| value.parse::<f64>().unwrap())
    });
    values.sum()
}

fn release(binary: &Path, root: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(binary);
    clean(&mut command);
    command.arg("run").arg(root).args(["--api-share", "100"]).args(more);
    command
}

#[test]
fn a_release_holds_what_it_may_and_no_more_with_time() {
    let Some(binary) = std::env::var_os("ECS_OPERATOR_RELEASE").map(PathBuf::from) else {
        return skipped(TEST, "ECS_OPERATOR_RELEASE names no release build");
    };
    let (services, passes) = (number("SERVICES", 1_000), number("PASSES", 10));
    let objects = (CLUSTERS + 2 * services) as f64;
    let root = TempDir::new().unwrap();
    for (file, text) in fleet(services) {
        fs::write(root.path().join(file), text).unwrap();
    }
    // It fills its ECS in fast time, and is asked to do nothing more once all is there: from then on it is just the ECS.
    // In faster time it would only look more often at what is under way.
    let fast = ["--time-scale", "25", "--resync", "24h"];
    let stage = Operator::starting(&mut release(&binary, root.path(), &fast));
    until_within(LONG, "everything is there", || {
        let ready = format!("ecs_operator_objects{{kind=\"Service\",ready=\"true\"}} {services}");
        get(stage.face, "/metrics")?.body.lines().any(|line| line == ready).then_some(())
    });
    let url = stage.world.url();
    let measured = ["--endpoint-url", &url, "--listen", "127.0.0.1:0", "--resync", "1s", "--log-format", "json"];
    let writes = stage.world.writes().len();
    let child = Child::start(&mut release(&binary, root.path(), &measured));
    let face = logged_address(&child, "metrics and probes listen");
    // What it holds from the end of one pass to that of another: it breathes with every answer, so this is what it holds
    // half of the time.
    let between = |first: usize, last: usize| {
        let mut seen = Vec::new();
        until_within(LONG, &format!("{last} passes"), || {
            let passes = total(face, "ecs_operator_reconcile_total") / objects;
            if passes >= first as f64 {
                seen.push(resident_mib(child.id()));
            }
            std::thread::sleep(EACH);
            (passes >= last as f64).then_some(())
        });
        seen.sort_by(f64::total_cmp);
        seen[seen.len() / 2]
    };
    let window = passes.min(10);
    let early = between(3, 3 + window);
    let late = between(3 + passes - window, 3 + passes);
    let (least, most) = (early.min(late), early.max(late));
    println!("{services} services: {early:.1} MiB after 3 passes, {late:.1} MiB after {passes} more");
    assert_eq!(stage.world.writes().len(), writes, "it had nothing to do");
    assert!(most <= allowed(services), "{most:.1} MiB for {services} services");
    assert!(most <= least * 1.01, "{early:.1} MiB became {late:.1} MiB in {passes} passes");
}
