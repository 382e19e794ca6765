//! Texts without the secrets they may hold. Must not know: what is wrong with them.
//!
//! Letters are replaced one by one, so that columns stay what they are. Where a document can be read, what it says decides:
//! all below a member whose values are never shown is hidden, but for the names of members and variables. Where it can't
//! be read, nothing behind the first word that may be such a member is shown, but for the names of members.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use crate::kinds::secrets;
use crate::manifest::{Outline, Piece, What, outline};
use crate::shape::near::nearest;
use crate::shape::table::{self, Shape};
use crate::shape::{Path, Segment};

use super::Sources;

/// What a hidden letter becomes.
const HIDDEN: char = '*';
/// Variables of a `Defaults` document, for any value of any object.
const VARS: &str = "vars";
/// What people write who come from other tools, or are a level off.
const FOREIGN: [&str; 6] = ["env", "envs", "variables", "args", "cmd", "labels"];
const VALUE: &str = "value";
/// Lists whose items have values that everybody may see.
const OPEN: [&str; 4] = ["tags", "settings", "resourceRequirements", "systemControls"];
/// Maps whose names people choose.
const MAPS: [&str; 5] = ["options", "dockerLabels", "driverOpts", "labels", VARS];
/// The envelope's members; the others are in the table of AWS's shapes.
const ENVELOPE: [&str; 13] = [
    "apiVersion",
    "kind",
    "metadata",
    "reconcile",
    "spec",
    "name",
    "cluster",
    "region",
    "account",
    "labels",
    VARS,
    "restartedAt",
    "rollout",
];

/// The names of all members that a manifest can have.
static KNOWN: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let members = table::ecs().shapes.values().filter_map(|shape| match shape {
        Shape::Structure(structure) => Some(structure.members.keys().copied()),
        _ => None,
    });
    members.flatten().chain(ENVELOPE).collect()
});

/// Sources as they may be shown; each is looked at once, when it is asked for.
pub struct Masked<'a> {
    sources: &'a Sources,
    lines: BTreeMap<&'a str, Vec<String>>,
}

impl<'a> Masked<'a> {
    pub fn new(sources: &'a Sources) -> Self {
        Self { sources, lines: BTreeMap::new() }
    }

    /// The line (from 1) of a file; empty where there is none.
    pub fn line(&mut self, file: &str, number: usize) -> &str {
        let Some((file, text)) = self.sources.get_key_value(file) else { return "" };
        let lines = self.lines.entry(file).or_insert_with(|| lines(file, text));
        number.checked_sub(1).and_then(|index| lines.get(index)).map_or("", String::as_str)
    }
}

fn lines(file: &str, text: &Arc<str>) -> Vec<String> {
    masked(file, text).lines().map(str::to_owned).collect()
}

fn masked(file: &str, text: &str) -> String {
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    // Nobody knows where a broken document ends: what follows it may be more of it.
    let mut seen = false;
    for Outline { range, pieces } in outline(file, text) {
        shown.push_str(text.get(at..range.start).unwrap_or_default());
        let document = text.get(range.clone()).unwrap_or_default();
        match pieces {
            Some(pieces) => {
                shown.push_str(&by_structure(document, &pieces));
                seen = false;
            }
            None => shown.push_str(&by_words(document, &mut seen)),
        }
        at = range.end;
    }
    shown + text.get(at..).unwrap_or_default()
}

fn hidden(letter: char) -> char {
    if letter.is_alphanumeric() || !(letter.is_ascii() || letter.is_whitespace()) { HIDDEN } else { letter }
}

/// All below secret members is hidden, and what aliases there stand for; then names are shown again.
fn by_structure(text: &str, pieces: &[Piece]) -> String {
    let mut letters: Vec<(char, bool)> = text.chars().map(|letter| (letter, false)).collect();
    let mut mark = |from: usize, to: usize, hide: bool| {
        letters.iter_mut().take(to).skip(from).for_each(|(_, hidden)| *hidden = hide);
    };
    let secret = |(at, piece): (usize, &Piece)| (piece.what == What::Key && hides(&piece.path)).then_some(at + 1);
    let mut values: Vec<usize> = pieces.iter().enumerate().filter_map(secret).collect();
    let mut known = BTreeSet::new();
    let mut end = 0;
    while let Some(value) = values.pop() {
        let Some(piece) = pieces.get(value).filter(|_| known.insert(value)) else { continue };
        let key = value.checked_sub(1).and_then(|key| pieces.get(key)).filter(|key| key.what == What::Key);
        let from = key.map_or(piece.range.start, |key| key.range.end);
        end = pieces.get(piece.next).map_or(usize::MAX, |next| next.range.start);
        mark(from, end, true);
        let within = pieces.iter().take(piece.next).skip(value);
        values.extend(within.filter_map(|piece| if let What::Alias(target) = piece.what { target } else { None }));
    }
    if known.is_empty() && end == 0 {
        return text.to_owned();
    }
    let plain: Vec<char> = text.chars().collect();
    for (at, piece) in pieces.iter().enumerate().filter(|(at, piece)| is_shown(*at, piece, pieces)) {
        let written: String = plain.iter().take(piece.range.end).skip(piece.range.start).collect();
        let said = match (&piece.what, piece.path.0.last()) {
            (What::Scalar(text), _) => text,
            (What::Key, Some(Segment::Name(name))) => name,
            _ => continue,
        };
        // The place of a scalar that is quoted or folded in an odd way is not certain.
        if written.trim_matches(['"', '\'']) == said && at > 0 {
            mark(piece.range.start, piece.range.end, false);
        }
    }
    letters.into_iter().map(|(letter, hide)| if hide { hidden(letter) } else { letter }).collect()
}

/// Whether a key's value is never shown.
fn hides(path: &Path) -> bool {
    let [above @ .., Segment::Name(name)] = path.0.as_slice() else { return false };
    let named = |segment: Option<&Segment>| match segment {
        Some(Segment::Name(name)) => Some(name.clone()),
        _ => None,
    };
    match (name.as_str(), above) {
        (VARS, []) => true,
        // One that has slipped out of its place is a variable's all the same.
        (VALUE, [.., list, Segment::Index(_)]) => !named(Some(list)).is_some_and(|list| OPEN.contains(&list.as_str())),
        (VALUE, _) => true,
        (name, above) => secrets::is_member(named(above.last()).as_deref(), name) || is_slip(name),
    }
}

/// A name that no member has, and that may be meant for one whose values are never shown.
fn is_slip(name: &str) -> bool {
    let meant = || secrets::MEMBERS.into_iter().chain([VARS]);
    !KNOWN.contains(name) && (FOREIGN.contains(&name.to_lowercase().as_str()) || nearest(name, meant()).is_some())
}

/// Names of members and variables, wherever they stand.
fn is_shown(at: usize, piece: &Piece, pieces: &[Piece]) -> bool {
    match (&piece.what, piece.path.0.as_slice()) {
        (What::Scalar(_), _) => secrets::is_name(&piece.path),
        (What::Key, [.., Segment::Name(name)]) if KNOWN.contains(name.as_str()) => true,
        (What::Key, [.., Segment::Name(map), Segment::Name(_)]) => {
            // A comma in a value that is not quoted makes a name of what follows it.
            let empty =
                pieces.get(at + 1).is_none_or(|value| matches!(&value.what, What::Scalar(text) if text.is_empty()));
            MAPS.contains(&map.as_str()) && !empty
        }
        _ => false,
    }
}

/// Behind the first word that may be a secret member's name, names of members alone are shown.
fn by_words(text: &str, seen: &mut bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let between = rest.find(|letter| !is_between(letter)).unwrap_or(rest.len());
        let (before, after) = rest.split_at_checked(between).unwrap_or((rest, ""));
        let length = word(after);
        let (word, after) = after.split_at_checked(length).unwrap_or((after, ""));
        shown.push_str(before);
        let is_key = after.trim_start_matches(['"', '\'']).trim_start().starts_with(':');
        if *seen && !(is_key && KNOWN.contains(word)) {
            shown.extend(word.chars().map(hidden));
        } else {
            shown.push_str(word);
        }
        *seen |= word.split(|letter: char| !letter.is_ascii_alphanumeric()).any(may_hide) || word.contains(['&', '\\']);
        rest = after;
    }
    shown
}

fn may_hide(word: &str) -> bool {
    let inner = secrets::MEMBERS_IN.iter().any(|(_, name)| *name == word);
    secrets::MEMBERS.contains(&word) || inner || [VARS, VALUE].contains(&word) || (!word.is_empty() && is_slip(word))
}

fn is_between(letter: char) -> bool {
    letter.is_whitespace() || "{}[],:\"'".contains(letter)
}

/// To what ends a word: a space, a comma, a bracket, a quote, or a colon before any of them.
fn word(text: &str) -> usize {
    let ends = |(at, letter): &(usize, char)| match letter {
        ':' => text.get(at + 1..).and_then(|after| after.chars().next()).is_none_or(is_between),
        letter => is_between(*letter),
    };
    text.char_indices().find(ends).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(file: &str, text: &str, number: usize) -> String {
        let sources = Sources::from([(file.to_owned(), Arc::from(text))]);
        Masked::new(&sources).line(file, number).to_owned()
    }

    const TEXT: &str = "\
spec:
  image: nginx:1.28
  environment:
    - name: TOKEN
      value: hunter2 and more
    - { name: OTHER, value: \"s3:cret\" }
  command: [serve, --key=abc]
  entryPoint:
  - sh
  - -c
  options: { awslogs-group: /ecs/web }
  cpu: 256
";

    #[test]
    fn only_what_may_be_secret_is_hidden_and_columns_stay() {
        for (number, shown) in [
            (2, "  image: nginx:1.28"),
            (4, "    - name: TOKEN"),
            (5, "      value: ******* *** ****"),
            (6, "    - { name: OTHER, value: \"**:****\" }"),
            (7, "  command: [*****, --***=***]"),
            (9, "  - **"),
            (11, "  options: { awslogs-group: /***/*** }"),
            (12, "  cpu: 256"),
            (13, ""),
        ] {
            assert_eq!(line("a.yaml", TEXT, number), shown);
        }
    }

    #[test]
    fn json_and_broken_text_are_hidden_too() {
        let minified = r#"{"environment":[{"name":"TOKEN","value":"hunter2"}],"image":"nginx"}"#;
        let shown = r#"{"environment":[{"name":"TOKEN","value":"*******"}],"image":"nginx"}"#;
        assert_eq!(line("a.json", minified, 1), shown);
        let pretty = "{\n\"command\": [\n    \"hunter2\",\n\"s3cret\n";
        assert_eq!(line("a.json", pretty, 3), "    \"*******\",");
        assert_eq!(line("a.json", pretty, 4), "\"******");
        let shown = "environment: [{ name: *, value: '*******";
        assert_eq!(line("a.yaml", "environment: [{ name: A, value: 'hunter2", 1), shown);
    }

    #[test]
    fn no_way_to_write_it_shows_a_secret() {
        for text in [
            "environment:\n# note\n\n  - name: TOKEN\n\n    value: hunter2\nimage: nginx\n",
            "command:\n- \"a\nhunter2: \\\"abc\n  hunter2\"\nimage: nginx\n",
            "command: [a,\nhunter2,\nhunter2: \"abc hunter2\"]\nimage: nginx\n",
            "? environment\n: - name: TOKEN\n    value: hunter2 # hunter2\nimage: nginx\n",
            "command: |\n  name: hunter2\n  image: hunter2\nimage: nginx\n",
            "command:\n - |-\n  hunter2\n - >\n  hunter2\n\n# hunter2\nimage: nginx\n",
            "kind: Defaults\nvars:\n  A: hunter2\n  B: [hunter2]\n  C:\n    name: hunter2\n",
            "dockerLabels: { name: [hunter2] }\nimage: nginx\n",
            "options: { name: hunter2, b: 'a,hunter2', c: d,hunter2 }\nimage: nginx\n",
            "environment: [{ name: [hunter2], value: a,hunter2 }, { hunter2: 1 }]\nimage: nginx\n",
            "x: &a hunter2\ny: &b { z: [*a, hunter2] }\ncommand: [*b]\nimage: nginx\n",
            "environment:\n- name: TOKEN\nvalue: hunter2\nimage: nginx\n",
            "enviroment: [{ name: A, value: hunter2 }]\nCommand: hunter2\nenv: { A: hunter2 }\nimage: nginx\n",
            "dockerVolumeConfiguration: { labels: { a: hunter2 }, driverOpts: { o: hunter2 } }\nimage: nginx\n",
            "proxyConfiguration: { properties: [{ name: IgnoredUID, value: hunter2 }] }\nimage: nginx\n",
        ] {
            for (file, text) in [
                ("a.yaml", text.to_owned()),
                ("a.yaml", format!("{text}broken: [")),
                ("a.yaml", format!("{text}---\nbroken: [\n---\n'x")),
                ("a.yaml", text.replace('\n', "\r\n")),
            ] {
                let shown = masked(file, &text);
                assert!(!shown.contains("hunter2"), "{text}\n{shown}");
                assert_eq!(shown.chars().count(), text.chars().count());
                assert_eq!(shown.lines().count(), text.lines().count());
                // One parser takes what goes on at the line's beginning, the other does not.
                let odd = ["broken", "\nhunter2,"].iter().any(|odd| text.contains(odd));
                assert!(odd || !text.contains("nginx") || shown.contains("image: nginx"), "{shown}");
            }
        }
    }
}
