//! The README's tables are made from the code: what it tells of is what there is. `UPDATE_GOLDEN=1` writes them anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::CommandFactory;
use common::golden;
use ecs_operator::check;
use ecs_operator::cli::{Args, exit};
use ecs_operator::manifest::Severity;
use ecs_operator::reconcile::conditions::REASONS;
use ecs_operator::sim::ecs::coverage;
use ecs_operator::sim::neighbours::ec2;
use ecs_operator::telemetry::catalogue;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(head.iter().map(|cell| (*cell).to_owned()).collect());
    writeln!(text, "|{}", "---|".repeat(head.len())).unwrap();
    text + &rows.map(line).collect::<String>()
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn commands() -> String {
    let mut args = Args::command();
    args.build();
    let rows = args.get_subcommands().map(|command| {
        let takes: Vec<String> = command
            .get_positionals()
            .map(|one| {
                if one.is_required_set() {
                    one.to_string()
                } else {
                    format!("[{}]", one.get_id().as_str().to_uppercase())
                }
            })
            .collect();
        let name = format!("{} {}", command.get_name(), takes.join(" "));
        vec![format!("`{}`", name.trim()), cell(&command.get_about().unwrap().to_string())]
    });
    table(&["command", "does"], rows)
}

fn exit_codes() -> String {
    let codes: String = exit::HELP.lines().skip(1).map(|line| format!("{}\n", line.trim_start())).collect();
    format!("```text\n{codes}```\n")
}

/// Every flag, once for each meaning that it has, and the commands that take it so.
fn flags() -> String {
    let mut args = Args::command();
    args.build();
    let mut rows: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for command in args.get_subcommands() {
        for flag in command.get_arguments().filter(|flag| flag.get_env().is_some()) {
            let defaults: Vec<_> = flag.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
            let default = match (defaults.join(","), flag.get_action().takes_values()) {
                (value, true) if !value.is_empty() => format!("`{value}`"),
                _ => String::new(),
            };
            let name = flag.get_long().unwrap();
            let takes = flag.get_value_names().filter(|_| flag.get_action().takes_values());
            let takes = takes.map_or(String::new(), |names| format!(" {}", names[0]));
            let help = flag.get_help().unwrap().to_string();
            let row = vec![format!("`--{name}{}`", takes.replace('|', "\\|")), default, cell(&help)];
            let command = format!("`{}`", command.get_name());
            match rows.iter_mut().find(|(known, _)| *known == row) {
                Some((_, commands)) => commands.push(command),
                None => rows.push((row, vec![command])),
            }
        }
    }
    let all = args.get_subcommands().count();
    let rows = rows.into_iter().map(|(mut row, commands)| {
        row.push(if commands.len() == all { "all".to_owned() } else { commands.join(", ") });
        row
    });
    table(&["flag", "default", "does", "commands"], rows)
}

fn limits() -> String {
    table(&["limit", "value"], ecs_operator::app::limits().map(|(name, value)| vec![format!("`{name}`"), value]))
}

fn reasons() -> String {
    table(&["reason", "means"], REASONS.iter().map(|(reason, means)| vec![format!("`{reason}`"), cell(means)]))
}

fn counts() -> String {
    let count = |severity: Severity| check::rules().filter(|rule| rule.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    format!("There are [{} rules](docs/rules.md): {errors} errors, {warnings} warnings.\n", errors + warnings)
}

fn rules() -> String {
    let row = |rule: &check::Rule| vec![format!("`{}`", rule.name), rule.severity.to_string(), cell(rule.summary)];
    table(&["rule", "severity", "asks for"], check::rules().map(row))
}

fn metrics() -> String {
    let row = |row: &ecs_operator::telemetry::Row| {
        let labels: Vec<String> = row.labels.iter().map(|label| format!("`{label}`")).collect();
        vec![format!("`{}`", row.name), row.kind.as_str().to_owned(), labels.join(", "), cell(row.help)]
    };
    table(&["metric", "type", "labels", "help"], catalogue().iter().map(row))
}

/// Every operation of ECS, and how much of it the embedded one has.
fn operations() -> String {
    let all: Vec<_> =
        coverage::all().into_iter().flat_map(|(name, rows)| rows.into_iter().map(move |row| (name, row))).collect();
    let count = |kind: &str| all.iter().filter(|(_, row)| row.as_str() == kind).count();
    let (full, partial, lacking) = (count("full"), count("partial"), count("lacking"));
    let counts = format!("Of {} operations {full} are full, {partial} partial and {lacking} lacking.\n\n", all.len());
    let rows = all.iter().map(|(name, row)| vec![format!("`{name}`"), row.as_str().to_owned(), cell(row.words())]);
    counts + &table(&["operation", "there is", "what is lacking"], rows)
}

/// Every operation of EC2 that the embedded one has.
fn ec2_operations() -> String {
    let rows = ec2::coverage().into_iter().collect::<BTreeMap<_, _>>();
    let full = rows.values().filter(|row| row.as_str() == "full").count();
    let counts = format!("{} operations, {full} of them full.\n\n", rows.len());
    let rows = rows.iter().map(|(name, row)| vec![format!("`{name}`"), row.as_str().to_owned(), cell(row.words())]);
    counts + &table(&["operation", "there is", "what is lacking"], rows)
}

/// The reason of a dependency stands in Cargo.toml: above it, or above the group that it is in, or behind it.
fn dependencies() -> String {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let (mut reason, mut fresh, mut rows) = (String::new(), false, Vec::new());
    for line in section.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(comment) = line.strip_prefix("# ") {
            reason = if fresh { format!("{reason} {comment}") } else { comment.to_owned() };
            fresh = true;
            continue;
        }
        fresh = false;
        let (name, rest) = line.split_once('=').unwrap();
        let why = rest.split_once(" # ").map_or(reason.as_str(), |(_, why)| why);
        rows.push(vec![format!("`{}`", name.trim()), cell(why)]);
    }
    table(&["crate", "why"], rows.into_iter())
}

/// Puts what is made between its marks, and compares.
fn keep(file: &str, parts: &[(&str, String)]) {
    let path = root().join(file);
    let mut text = fs::read_to_string(&path).unwrap();
    for (name, made) in parts {
        let begin = format!("<!-- generated: {name} -->\n");
        let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{file} has no {begin:?}"));
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        text = format!("{before}{begin}{made}<!-- end -->{after}");
    }
    if golden::updates() {
        fs::write(&path, &text).unwrap();
    }
    assert!(text == fs::read_to_string(&path).unwrap(), "{file} is out of date; UPDATE_GOLDEN=1 writes it anew");
}

#[test]
fn the_tables_are_made_from_the_code() {
    let parts = [
        ("commands", commands()),
        ("exit-codes", exit_codes()),
        ("reasons", reasons()),
        ("rules", counts()),
        ("metrics", metrics()),
        ("dependencies", dependencies()),
    ];
    keep("README.md", &parts);
    keep("docs/configuration.md", &[("flags", flags()), ("limits", limits())]);
    keep("docs/rules.md", &[("rules", rules())]);
    keep("docs/embedded-ecs.md", &[("operations", operations()), ("ec2-operations", ec2_operations())]);
}

#[test]
fn every_link_leads_to_a_file() {
    let files = [
        "README.md",
        "docs/configuration.md",
        "docs/embedded-ecs.md",
        "docs/install.md",
        "docs/plan.md",
        "docs/repository.md",
        "docs/rules.md",
        "docs/runbooks/README.md",
        "docs/status.md",
    ];
    for file in files {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let here = root().join(file).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(link.contains("://") || here.join(link).exists(), "{file}: {link} is not there");
        }
    }
}

#[test]
fn the_documented_status_is_the_status() {
    let documented = fs::read_to_string(root().join("docs/status.md")).unwrap();
    let status = include_str!("../src/status.rs").to_owned() + include_str!("../src/rollout/picture.rs");
    let members = status.lines().filter_map(|line| line.strip_prefix("    pub ")?.split_once(':'));
    for (member, _) in members.filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')) {
        let mut words = member.split('_');
        let first = words.next().unwrap().to_owned();
        let capital = |word: &str| {
            let (head, tail) = word.split_at_checked(1).unwrap();
            head.to_uppercase() + tail
        };
        let name = words.fold(first, |name, word| name + &capital(word));
        assert!(documented.contains(&format!("`{name}`")), "docs/status.md does not tell of {name}");
    }
}
