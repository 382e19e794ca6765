//! Directories that are wrong, as a user meets them at the command line: each is named with its place, nothing is
//! written, and neither time nor memory runs away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail by panicking, and processes run in real time"
)]

#[path = "bad_inputs/numbered.rs"]
mod numbered;

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::process::{Child, Said, Sim, clean, program, said, skipped, write_hello};
use common::{golden, judge};
use ecs_operator::check::Desired;
use ecs_operator::manifest::{self, Finding, Input, Variables};
use ecs_operator::{check, source};
use numbered::{Bad, Wanted};
use tempfile::TempDir;

/// Far above what reading takes (some 30 MiB), far below what a bomb would.
const RESIDENT_MAX_KIB: u64 = 200 * 1024;
/// So much address space would do for any number of honest manifests.
const ADDRESS_SPACE_KIB: u64 = 4 * 1024 * 1024;
const TIME_MAX: Duration = Duration::from_secs(60);

/// A directory that is wrong, and what must be said about it.
struct Wrong {
    name: &'static str,
    make: Box<dyn Fn(&Path)>,
    /// Where it is wrong, as `file:line:column`.
    place: &'static str,
    words: &'static [&'static str],
}

fn wrong(
    name: &'static str,
    place: &'static str,
    words: &'static [&'static str],
    make: impl Fn(&Path) + 'static,
) -> Wrong {
    Wrong { name, make: Box::new(make), place, words }
}

/// A file beside the shipped manifests.
fn beside(text: impl Into<String>) -> impl Fn(&Path) + 'static {
    let text = text.into();
    move |dir: &Path| fs::write(dir.join("x.yaml"), &text).unwrap()
}

/// The shipped service, edited.
fn edited(from: &'static str, to: &'static str) -> impl Fn(&Path) + 'static {
    move |dir: &Path| {
        for name in ["service.yaml", "task-definition.yaml"] {
            let text = fs::read_to_string(dir.join(name)).unwrap();
            fs::write(dir.join(name), text.replacen(from, to, 1)).unwrap();
        }
    }
}

const HEAD: &str = "apiVersion: ecs-operator.io/v1\nkind: Cluster\nmetadata: { name: x }\n";

/// 40 KB that would be hundreds of megabytes: one list of many strings, named again and again.
fn quadratic_bomb() -> String {
    let mut text = format!("{HEAD}spec:\n  a: &a [{}]\n  b: [", vec!["lol"; 4_000].join(","));
    text.push_str(&vec!["*a"; 6_000].join(","));
    text + "]\n"
}

fn exponential_bomb() -> String {
    let mut text = format!("{HEAD}spec:\n  a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n");
    for n in 1..30 {
        writeln!(text, "  a{n}: &a{n} [{}]", vec![format!("*a{}", n - 1); 9].join(",")).unwrap();
    }
    text
}

fn texts() -> Vec<Wrong> {
    vec![
        wrong("half-written", "x.yaml:4:", &[], beside(format!("{HEAD}spec: {{ clusterName: \"x"))),
        wrong("an alias bomb, quadratic", "x.yaml:", &["values"], beside(quadratic_bomb())),
        wrong("an alias bomb, exponential", "x.yaml:", &[], beside(exponential_bomb())),
        wrong(
            "deep nesting, 100,000 brackets",
            "x.yaml:4:",
            &["inside each other"],
            beside(format!("{HEAD}spec: {}", "[".repeat(100_000))),
        ),
        wrong(
            "deep nesting, by indentation",
            "x.yaml:",
            &["inside each other"],
            beside((0..200).fold(format!("{HEAD}spec:\n"), |text, n| text + &" ".repeat(n + 1) + "a:\n")),
        ),
        wrong(
            "a long string",
            "x.yaml:",
            &[],
            beside(format!("{HEAD}spec: {{ clusterName: {} }}", "x".repeat(900_000))),
        ),
        wrong("too large a file", "x.yaml:1:1", &["bytes"], beside("#".repeat(2_000_000))),
        wrong("a self-referring alias", "x.yaml:", &[], beside(format!("{HEAD}spec: &a {{ b: *a }}"))),
        wrong("an alias to nothing", "x.yaml:4:", &["a"], beside(format!("{HEAD}spec: *a"))),
        wrong("another tag", "x.yaml:4:", &["!Ref"], beside(format!("{HEAD}spec: {{ clusterName: !Ref X }}"))),
        wrong("a duplicate key", "x.yaml:5:", &["kind"], beside(format!("{HEAD}spec: {{}}\nkind: Cluster\n"))),
        wrong(
            "an unknown kind",
            "x.yaml:2:7",
            &["Clutser", "did you mean Cluster"],
            beside(HEAD.replace("Cluster", "Clutser")),
        ),
        wrong("no manifest", "x.yaml:1:1", &["not a manifest"], beside("services: {}\n")),
        wrong("another version", "x.yaml:1:13", &["ecs-operator.io/v1"], beside(HEAD.replace("/v1", "/v2"))),
        wrong("a bare document", "x.yaml:1:1", &[], beside("hello\n")),
        wrong("invalid UTF-8", "x.yaml:", &["UTF-8"], |dir| fs::write(dir.join("x.yaml"), b"a: \xff\xfe\n").unwrap()),
        wrong("UTF-16", "x.yaml:", &[], |dir| fs::write(dir.join("x.yaml"), b"\xff\xfea\0:\0").unwrap()),
        wrong("NUL", "x.yaml:", &[], |dir| fs::write(dir.join("x.yaml"), b"a: \0\n").unwrap()),
        wrong(
            "two documents for one object",
            "cluster.yaml:4:",
            &["x.yaml:3:"],
            beside(HEAD.replace("name: x", "name: hello")),
        ),
    ]
}

fn members() -> Vec<Wrong> {
    vec![
        wrong("a null list", "task-definition.yaml:", &["containerDefinitions"], |dir| {
            let text = fs::read_to_string(dir.join("task-definition.yaml")).unwrap();
            let (head, _) = text.split_once("containerDefinitions:").unwrap();
            fs::write(dir.join("task-definition.yaml"), format!("{head}containerDefinitions:\n")).unwrap();
        }),
        wrong("a null in a list", "service.yaml:17:", &["subnets"], edited("[\"${var.SUBNET_A}\", ", "[~, ")),
        wrong(
            "a misspelt member",
            "service.yaml:10:3",
            &["desiredCont", "did you mean desiredCount"],
            edited("desiredCount:", "desiredCont:"),
        ),
        wrong(
            "a fraction of a task",
            "service.yaml:10:17",
            &["desiredCount"],
            edited("desiredCount: 2", "desiredCount: 2.5"),
        ),
        wrong(
            "a word for a number",
            "service.yaml:10:17",
            &["desiredCount"],
            edited("desiredCount: 2", "desiredCount: two"),
        ),
        wrong(
            "an unknown value",
            "service.yaml:9:15",
            &["FARGAET", "FARGATE"],
            edited("launchType: FARGATE", "launchType: FARGAET"),
        ),
        wrong(
            "a reference to nothing",
            "service.yaml:8:19",
            &["there is no TaskDefinition \"gone\""],
            edited("taskDefinition: hello-world", "taskDefinition: gone"),
        ),
        wrong("a variable that nobody set", "service.yaml:", &["SUBNET_C"], edited("var.SUBNET_A", "var.SUBNET_C")),
        wrong("a bad duration", "service.yaml:6:", &["progressDeadline"], edited("15m", "15")),
        wrong(
            "a reserved tag",
            "service.yaml:8:",
            &["ecs-operator/"],
            edited("  taskDefinition: hello-world", "  tags: [{ key: ecs-operator/owner, value: me }]"),
        ),
        wrong("a broken settings file", "ecs-operator.yaml:1:", &["ownr", "did you mean owner"], |dir| {
            fs::write(dir.join("ecs-operator.yaml"), "ownr: me\n").unwrap();
        }),
    ]
}

fn files() -> Vec<Wrong> {
    let outside = |dir: &Path| symlink("/etc/hostname", dir.join("x.yaml")).unwrap();
    vec![
        wrong("a link out of the root", "x.yaml:1:1", &["leaves the directory"], outside),
        wrong("a link to nothing", "x.yaml:1:1", &[], |dir| symlink("gone.yaml", dir.join("x.yaml")).unwrap()),
        wrong("a link to itself", "x.yaml:1:1", &[], |dir| symlink("x.yaml", dir.join("x.yaml")).unwrap()),
        wrong("a named pipe", "x.yaml:1:1", &["a named pipe"], |dir| {
            assert!(Command::new("mkfifo").arg(dir.join("x.yaml")).status().unwrap().success());
        }),
        wrong("a socket", "x.yaml:1:1", &["a socket"], |dir| {
            drop(std::os::unix::net::UnixListener::bind(dir.join("x.yaml")).unwrap());
        }),
    ]
}

/// Runs the program with a bound on its address space, watching its resident memory.
fn bounded(arguments: &[&str]) -> (Said, u64, Duration) {
    let mut command = Command::new("sh");
    let limit = format!("ulimit -v {ADDRESS_SPACE_KIB} && exec \"$0\" \"$@\"");
    command.args(["-c", &limit, env!("CARGO_BIN_EXE_ecs-operator")]).args(arguments);
    clean(&mut command);
    // Each worker reserves address space.
    command.env("TOKIO_WORKER_THREADS", "2");
    let began = Instant::now();
    let mut child = Child::start(&mut command);
    let mut most = 0;
    while child.is_running() && began.elapsed() < TIME_MAX {
        most = most.max(child.resident_max_kib().unwrap_or(0));
        std::thread::sleep(Duration::from_millis(1));
    }
    let status = child.ended_within(Duration::ZERO.max(TIME_MAX.saturating_sub(began.elapsed())));
    (Said { code: status.code().unwrap_or(-1), out: child.out(), err: child.err() }, most, began.elapsed())
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_nothing_is_written() {
    let sim = Sim::start("1");
    let mut faults = Vec::new();
    for case in texts().into_iter().chain(members()).chain(files()) {
        let root = TempDir::new().unwrap();
        write_hello(root.path(), str::to_owned);
        (case.make)(root.path());
        let dir = root.path().to_str().unwrap().to_owned();
        for command in ["plan", "apply"] {
            let (said, resident, took) = bounded(&[command, &dir, "--endpoint-url", &sim.world.url()]);
            eprintln!("{command}, {}: {} MiB, {took:?}\n{}", case.name, resident / 1024, said.err);
            // The remedy may stand behind the caret, below the place.
            let named = case.words.iter().all(|word| said.err.contains(word));
            let here = said.err.lines().filter_map(|line| line.strip_prefix(&format!("{dir}/")));
            let mut lines = here.filter(|line| line.starts_with(case.place));
            let placed = |line: &str| {
                let mut parts = line.split(':').skip(1);
                let number = |part: Option<&str>| part.is_some_and(|part| part.parse::<usize>().is_ok());
                number(parts.next()) && number(parts.next())
            };
            if said.code != 1 || !named || !lines.any(placed) || !said.out.is_empty() {
                faults.push(format!("{command}, {}: {said:?}", case.name));
            }
            let longest = said.err.lines().map(str::len).max().unwrap_or(0);
            if longest > 1_000 || said.err.lines().count() > 60 {
                faults.push(format!("{command}, {}: a flood, {longest} bytes in a line", case.name));
            }
            if resident > RESIDENT_MAX_KIB {
                faults.push(format!("{command}, {}: {resident} KiB resident", case.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(sim.world.writes(), vec![]);
}

#[test]
fn a_directory_that_is_no_source_is_named() {
    let sim = Sim::start("1");
    let root = TempDir::new().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::create_dir(at("empty")).unwrap();
    fs::create_dir(at("settings-only")).unwrap();
    fs::write(at("settings-only").join("ecs-operator.yaml"), "owner: me\n").unwrap();
    fs::write(at("file"), "").unwrap();
    symlink("gone", at("dangling")).unwrap();
    symlink("loop", at("loop")).unwrap();
    for (name, words) in [
        ("missing", "has the first sync finished"),
        ("dangling", "gone does not exist"),
        ("loop", "symbolic links"),
        ("file", "holds no manifest"),
        ("empty", "holds no manifest"),
        ("settings-only", "holds no manifest"),
    ] {
        for command in ["plan", "apply"] {
            let mut asked = program();
            asked.arg(command).arg(at(name)).args(["--owner", "me", "--endpoint-url", &sim.world.url()]);
            let said = said(&mut asked);
            let path = at(name).display().to_string();
            assert_eq!((said.code, said.out.as_str()), (1, ""), "{command} {name}: {said:?}");
            assert!(said.err.contains(&path) && said.err.contains(words), "{command} {name}: {}", said.err);
        }
    }
    assert_eq!(sim.world.writes(), vec![]);
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    let root = TempDir::new().unwrap();
    write_hello(root.path(), str::to_owned);
    let shut = root.path().join("x.yaml");
    fs::write(&shut, HEAD).unwrap();
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&shut).is_ok() {
        skipped("a_file_that_may_not_be_read_is_named", "root may read everything");
        return;
    }
    let said = said(program().arg("plan").arg(root.path()).arg("--sim"));
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("x.yaml:1:1") && said.err.contains("ermission denied"), "{}", said.err);
}

/// So long one directory may take, however it was made; all but the very large ones take milliseconds.
const ONE_TIME_MAX: Duration = Duration::from_secs(10);

/// Reads, parses and judges a directory.
fn judged(dir: &Path) -> Result<Desired, String> {
    let snapshot = source::load(dir).map_err(|error| error.to_string())?;
    let unreadable: BTreeMap<String, String> =
        snapshot.problems.iter().map(|problem| (problem.path.clone(), problem.what.clone())).collect();
    let place = judge::home();
    let variables =
        Variables { region: Some(place.region.clone()), account: Some(place.account.clone()), ..Variables::default() };
    let reading = manifest::read(&Input {
        files: &snapshot.files,
        settings: snapshot.settings.as_ref(),
        unreadable: &unreadable,
        variables: &variables,
    });
    Ok(check::desired(&reading, &place, &snapshot.revision, None))
}

/// What is not as it has to be.
fn fault(case: &Bad) -> Option<String> {
    let around = TempDir::new().unwrap();
    let dir = around.path().join("root");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("good.yaml"), numbered::CLUSTER.replace("name: x", "name: good")).unwrap();
    (case.make)(&dir);
    let began = Instant::now();
    let desired = match (judged(&dir), &case.wanted) {
        (Err(error), Wanted::Refused(words)) if error.contains(words) => return None,
        (Err(error), _) => return Some(error),
        (Ok(desired), _) => desired,
    };
    let took = began.elapsed();
    let all: Vec<&Finding> = desired.findings.iter().chain(&desired.warnings).collect();
    let lines: Vec<String> = all.iter().map(|finding| golden::line(finding)).collect();
    let only = |rule: &str, place: &str, findings: &[Finding]| {
        let here = |finding: &Finding| format!("{}:{}:{}", finding.file, finding.line, finding.column) == place;
        all.len() == findings.len() && all.iter().all(|it| it.rule == rule) && findings.iter().any(here)
    };
    let told = match case.wanted {
        Wanted::Error(rule, place) => only(rule, place, &desired.findings),
        Wanted::Warning(rule, place) => only(rule, place, &desired.warnings),
        Wanted::Legal => all.is_empty(),
        Wanted::Refused(_) | Wanted::Elsewhere(..) => false,
    };
    let good = desired.objects.keys().any(|key| key.name == "good");
    let flood = all.iter().any(|finding| finding.to_string().len() > 1_000) || all.len() > 60;
    let secret = lines.iter().any(|line| line.contains("hunter2") || line.contains("8675309"));
    let wrong = !told || !good || secret || took > ONE_TIME_MAX || flood;
    wrong.then(|| format!("{:?} in {took:?}\n    {}", case.wanted, lines.join("\n    ")))
}

#[test]
fn each_bad_input_has_its_number_and_its_finding() {
    let themes =
        [numbered::files, numbered::texts, numbered::yaml, numbered::values, numbered::meaning, numbered::dangers];
    let all: Vec<Bad> = themes.into_iter().flat_map(|theme| theme()).collect();
    let numbers: std::collections::BTreeSet<u8> = all.iter().map(|case| case.number).collect();
    assert_eq!(numbers, (1..=75).collect(), "a number is missing");
    let mut faults = Vec::new();
    for case in &all {
        if let Wanted::Elsewhere(file, test) = case.wanted {
            let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
            assert!(text.contains(&format!("fn {test}()")), "{}: no {test} in {file}", case.name);
            continue;
        }
        if let Some(fault) = fault(case) {
            faults.push(format!("{} {}: wanted {fault}", case.number, case.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
