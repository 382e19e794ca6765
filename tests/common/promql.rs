//! Which metrics and labels an expression of Prometheus names, and whether the operator has them.

use std::collections::BTreeMap;

use ecs_operator::telemetry::{RowKind, catalogue};

/// Labels that Prometheus adds when it scrapes, and the one of histograms' buckets.
const ADDED: [&str; 3] = ["job", "instance", "le"];

/// What is asked for besides the operator's own.
const OTHERS: [(&str, &[&str]); 5] = [
    ("process_cpu_seconds_total", &[]),
    ("process_resident_memory_bytes", &[]),
    ("process_open_fds", &[]),
    ("process_max_fds", &[]),
    ("git_sync_count_total", &["status"]),
];

/// Every name that can be asked for, with its labels.
fn families() -> BTreeMap<String, Vec<&'static str>> {
    let mut all: BTreeMap<String, Vec<&str>> =
        OTHERS.iter().map(|(name, labels)| ((*name).to_owned(), labels.to_vec())).collect();
    for row in catalogue() {
        if row.kind == RowKind::Histogram {
            for part in ["bucket", "sum", "count"] {
                all.insert(format!("{}_{part}", row.name), row.labels.to_vec());
            }
        } else {
            all.insert(row.name.to_owned(), row.labels.to_vec());
        }
    }
    all
}

/// What is wrong with an expression: names that no metric has, and labels that none of its metrics have.
pub fn problems(expression: &str) -> Vec<String> {
    let families = families();
    let mut known: Vec<&str> = ADDED.to_vec();
    let mut wrong = Vec::new();
    for (name, after) in words(expression).filter(|(name, _)| is_metric(name)) {
        let Some(labels) = families.get(name) else {
            wrong.push(format!("no metric {name}"));
            continue;
        };
        known.extend(labels);
        let matchers = after.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(inside, _)| inside);
        for label in matchers.split(',').filter_map(|one| one.split(['=', '!']).next()).map(str::trim) {
            if !label.is_empty() && !labels.contains(&label) && !ADDED.contains(&label) {
                wrong.push(format!("{name} has no label {label}"));
            }
        }
    }
    for group in ["by (", "on (", "without ("] {
        for list in expression.split(group).skip(1).filter_map(|rest| rest.split(')').next()) {
            wrong.extend(
                list.split(',')
                    .map(str::trim)
                    .filter(|label| !known.contains(label))
                    .map(|label| format!("no {label}")),
            );
        }
    }
    wrong
}

/// Whether it names any metric at all.
pub fn metrics(expression: &str) -> usize {
    words(expression).filter(|(name, _)| is_metric(name)).count()
}

fn is_metric(word: &str) -> bool {
    ["ecs_operator_", "process_", "git_sync_"].iter().any(|prefix| word.starts_with(prefix))
}

/// Each word, and what comes right after it.
fn words(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let begin = rest.find(|letter: char| letter.is_ascii_alphabetic() || letter == '_')?;
        let (_, from) = rest.split_at(begin);
        let end = from.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        rest = after;
        Some((word, after))
    })
}
