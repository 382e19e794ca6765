//! Tags: how many, and with which keys (ecs-semantics §1.2).

use std::collections::BTreeMap;

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Subject, items};
use crate::shape::Path;

use super::row;

/// What ECS lets a resource carry.
const TAGS_MAX: usize = 50;
/// Of these, what the operator writes itself: the owner, and a content hash or an attempt.
const OURS: usize = 2;

pub const RULES: &[Rule] = &[
    row!(
        "tag-count",
        Error,
        Look::Spec(count),
        "A resource has at most 50 tags (ECS: tags), and the operator needs two of them."
    ),
    row!(
        "tag-key",
        Error,
        Look::Spec(key),
        "A tag has a key, and keys that begin with aws: are AWS's own, in any spelling (ECS: tags)."
    ),
    row!(
        "tag-letters",
        Warning,
        Look::Spec(letters),
        "Tags have letters, digits, blanks and + - = . _ : / @ (ECS: tags)."
    ),
    row!("tag-twice", Error, Look::Spec(twice), "A resource has each tag key once (ECS: tags)."),
];

fn count(subject: &Subject<'_>, report: &mut Report<'_>) {
    let (count, max) = (subject.spec.list(subject.tags.list).len(), TAGS_MAX - OURS);
    if count > max {
        report.key(subject.tags.list, format!("{count} tags; there is room for {max}"), "remove some");
    }
}

fn key(subject: &Subject<'_>, report: &mut Report<'_>) {
    for (at, tag) in items(subject.spec, &Path::root(), subject.tags.list) {
        match tag.text(subject.tags.key) {
            None | Some("") => report.value(at, "a tag without a key", "give it a key"),
            Some(key) if key.to_ascii_lowercase().starts_with("aws:") => {
                report.value(
                    at.name(subject.tags.key),
                    format!("the tag key {key} begins with aws:"),
                    "choose another key",
                );
            }
            Some(_) => {}
        }
    }
}

fn letters(subject: &Subject<'_>, report: &mut Report<'_>) {
    let fine = |letter: char| letter.is_alphanumeric() || letter == ' ' || "+-=._:/@".contains(letter);
    for (at, tag) in items(subject.spec, &Path::root(), subject.tags.list) {
        for member in [subject.tags.key, subject.tags.value] {
            if let Some(letter) = tag.text(member).and_then(|text| text.chars().find(|letter| !fine(*letter))) {
                let message = format!("a tag's {} with {letter:?}", member.to_lowercase());
                report.value(at.name(member), message, "use letters, digits, blanks and + - = . _ : / @");
            }
        }
    }
}

fn twice(subject: &Subject<'_>, report: &mut Report<'_>) {
    let mut seen = BTreeMap::new();
    for (at, tag) in items(subject.spec, &Path::root(), subject.tags.list) {
        let Some(key) = tag.text(subject.tags.key) else { continue };
        if let Some(first) = seen.insert(key, at.clone()) {
            report.value(
                at.name(subject.tags.key),
                format!("the tag key {key} is also at {first}"),
                "keep one of them",
            );
        }
    }
}
