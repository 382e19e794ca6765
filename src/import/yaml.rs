//! Trees as YAML that a person would write: members in an order that reads, short things on one line, long texts in
//! blocks, quotes where YAML would make something else of a text. Must not know: kinds, manifests.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::shape::{Map, Path, Tree};

use super::order;

/// Comments by the path of what they stand above; the root's stand above all.
pub type Remarks = BTreeMap<Path, Vec<String>>;

/// What fits on one line.
const WIDTH: usize = 100;
/// How wide the lines of a folded text become.
const FOLD: usize = 90;
/// So many members of a map may stand on one line.
const FLOW_MEMBERS: usize = 3;

/// A map as a YAML document, without marks around it.
pub fn write(tree: &Tree, remarks: &Remarks) -> String {
    let mut writer = Writer { remarks, text: String::new() };
    writer.remark(&Path::root(), 0);
    match tree {
        Tree::Map(map) => writer.map(map, &Path::root(), 0),
        other => writer.line(0, &flow(other)),
    }
    writer.text
}

/// A text as comment lines; nothing in it ends the comment.
pub fn comment(text: &str, indent: usize) -> String {
    let line = |line: &str| {
        let shown = crate::shape::plain(line);
        let lead = if shown.is_empty() { "#" } else { "# " };
        format!("{:indent$}{lead}{shown}\n", "")
    };
    text.lines().map(line).collect()
}

struct Writer<'a> {
    remarks: &'a Remarks,
    text: String,
}

impl Writer<'_> {
    fn line(&mut self, indent: usize, text: &str) {
        self.text.push_str(&format!("{:indent$}{text}\n", ""));
    }

    fn remark(&mut self, path: &Path, indent: usize) {
        for text in self.remarks.get(path).into_iter().flatten() {
            self.text.push_str(&comment(text, indent));
        }
    }

    fn remarked_below(&self, path: &Path) -> bool {
        self.remarks.keys().any(|at| at.0.len() > path.0.len() && at.0.starts_with(&path.0))
    }

    fn map(&mut self, map: &Map, path: &Path, indent: usize) {
        for (name, value) in order::members(map) {
            let at = path.name(name);
            self.remark(&at, indent);
            let lead = format!("{:indent$}{}:", "", key(name));
            self.value(&lead, value, &at, indent);
        }
    }

    /// A value behind `name:` or below it.
    fn value(&mut self, lead: &str, value: &Tree, at: &Path, indent: usize) {
        let one_line = flow(value);
        let width = lead.chars().count() + 1 + one_line.chars().count();
        let fits = width <= WIDTH && !self.remarked_below(at);
        match value {
            Tree::Map(map) if !(map.is_empty() || fits && is_small(map)) => {
                self.text.push_str(&format!("{lead}\n"));
                self.map(map, at, indent + 2);
            }
            Tree::List(items) if !(items.is_empty() || fits && items.iter().all(is_scalar)) => {
                self.text.push_str(&format!("{lead}\n"));
                self.items(items, at, indent + 2);
            }
            Tree::Text(text) => self.text_value(lead, text, indent + 2),
            _ => self.text.push_str(&format!("{lead} {one_line}\n")),
        }
    }

    fn items(&mut self, items: &[Tree], path: &Path, indent: usize) {
        for (index, item) in items.iter().enumerate() {
            let at = path.index(index);
            self.remark(&at, indent);
            let lead = format!("{:indent$}-", "");
            match item {
                Tree::Map(map) if !map.is_empty() => {
                    let one_line = flow(item);
                    let fits = indent + 2 + one_line.chars().count() <= WIDTH;
                    if fits && is_small(map) && !self.remarked_below(&at) {
                        self.text.push_str(&format!("{lead} {one_line}\n"));
                    } else {
                        self.item(map, &at, indent);
                    }
                }
                other => self.value(&lead, other, &at, indent),
            }
        }
    }

    /// A map behind a dash: its first member stands on the dash's line.
    fn item(&mut self, map: &Map, at: &Path, indent: usize) {
        let begun = self.text.len();
        self.map(map, at, indent + 2);
        let written = self.text.split_off(begun);
        // A remark of the first member would tear the dash from it.
        let (comments, members): (String, String) = match written.find(|letter| letter != ' ') {
            Some(first) if written.get(first..).is_some_and(|rest| rest.starts_with('#')) => leading_comments(&written),
            _ => (String::new(), written),
        };
        for line in comments.lines() {
            self.line(indent, line.trim_start());
        }
        let dash = format!("{:indent$}- ", "");
        self.text.push_str(&dash);
        self.text.push_str(members.get(indent + 2..).unwrap_or_default());
    }

    fn text_value(&mut self, lead: &str, text: &str, indent: usize) {
        let quoted = scalar(text);
        let width = lead.chars().count() + 1 + quoted.chars().count();
        if text.contains('\n') && is_block(text) {
            let end = match text.trim_end_matches('\n').len() {
                kept if kept == text.len() => "-",
                kept if kept + 1 == text.len() => "",
                _ => "+",
            };
            self.text.push_str(&format!("{lead} |{end}\n"));
            let body = text.strip_suffix('\n').unwrap_or(text);
            for line in body.split('\n') {
                let indent = if line.is_empty() { 0 } else { indent };
                self.text.push_str(&format!("{:indent$}{line}\n", ""));
            }
        } else if width > WIDTH && is_foldable(text) {
            self.text.push_str(&format!("{lead} >-\n"));
            for line in folded(text) {
                self.text.push_str(&format!("{:indent$}{line}\n", ""));
            }
        } else {
            self.text.push_str(&format!("{lead} {quoted}\n"));
        }
    }
}

/// The comment lines that a text begins with, and the rest.
fn leading_comments(text: &str) -> (String, String) {
    let lines = text.split_inclusive('\n');
    let comments: usize = lines.take_while(|line| line.trim_start().starts_with('#')).map(str::len).sum();
    let (comments, rest) = text.split_at_checked(comments).unwrap_or(("", text));
    (comments.to_owned(), rest.to_owned())
}

/// What may stand on one line with others; a text of several lines reads better as a block.
fn is_scalar(tree: &Tree) -> bool {
    match tree {
        Tree::List(_) | Tree::Map(_) => false,
        Tree::Text(text) => !(text.contains('\n') && is_block(text)),
        _ => true,
    }
}

/// A few scalars: `{ name: LEVEL, value: info }`.
fn is_small(map: &Map) -> bool {
    map.len() <= FLOW_MEMBERS && map.values().all(is_scalar)
}

/// On one line.
fn flow(tree: &Tree) -> String {
    match tree {
        Tree::Null => "null".to_owned(),
        Tree::Bool(bool) => bool.to_string(),
        Tree::Int(int) => int.to_string(),
        Tree::Float(float) => crate::shape::json::write(&Tree::Float(*float)),
        Tree::Text(text) => scalar(text),
        Tree::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Tree::Map(map) if map.is_empty() => "{}".to_owned(),
        Tree::Map(map) => {
            let members =
                order::members(map).into_iter().map(|(name, value)| format!("{}: {}", key(name), flow(value)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

fn key(name: &str) -> String {
    scalar(name)
}

/// A text, in quotes where it could be taken for something else, inside brackets or outside.
fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Words that some reader of YAML takes for true, false or nothing.
const WORDS: [&str; 11] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "~", "none"];

/// Letters that mean themselves wherever they stand in a text.
fn is_harmless(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_-./@+=()$".contains(letter)
}

fn is_plain(text: &str) -> bool {
    let first = text.chars().next();
    let begins = first.is_some_and(|first| first.is_ascii_alphabetic() || first == '/' || first == '_');
    let letters: Vec<char> = text.chars().collect();
    let inside = letters.iter().enumerate().all(|(at, letter)| match (letter, letters.get(at + 1)) {
        (':', Some(next)) => is_harmless(*next) || *next == ':',
        (' ', Some(next)) => is_harmless(*next),
        (letter, _) => is_harmless(*letter),
    });
    begins && inside && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// In double quotes, with escapes for what could not be seen.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            letter if is_visible(letter) => out.push(letter),
            letter => drop(write!(out, "\\U{:08x}", u32::from(letter))),
        }
    }
    out.push('"');
    out
}

/// Whether YAML takes the character as it is, and a reader sees it.
fn is_visible(letter: char) -> bool {
    let noncharacter = matches!(u32::from(letter) & 0xffff, 0xfffe | 0xffff);
    let odd = matches!(letter, '\u{feff}' | '\u{e000}'..='\u{f8ff}');
    let signed = matches!(crate::shape::plain(letter.encode_utf8(&mut [0; 4])), Cow::Owned(_));
    !noncharacter && !odd && !signed
}

/// Whether a text of several lines can stand as it is, each line indented.
fn is_block(text: &str) -> bool {
    let begins = text.chars().next().is_some_and(|first| !first.is_whitespace());
    begins && text.split('\n').all(|line| line.chars().all(is_visible) && (line.is_empty() || !line.trim().is_empty()))
}

/// Whether a text of one line can be broken at its spaces.
fn is_foldable(text: &str) -> bool {
    let ends = |letter: Option<char>| letter.is_some_and(|letter| !letter.is_whitespace());
    let visible = text.chars().all(|letter| is_visible(letter) && (letter == ' ' || !letter.is_whitespace()));
    visible && ends(text.chars().next()) && ends(text.chars().last()) && folded(text).len() > 1
}

/// The lines of a text that is broken where single spaces stand.
fn folded(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let words: Vec<&str> = text.split(' ').collect();
    for (at, word) in words.iter().enumerate() {
        // Neither side of a break may begin or end with a space.
        let single = !word.is_empty() && at > 0 && words.get(at - 1).is_some_and(|before| !before.is_empty());
        let Some(line) = lines.last_mut() else { break };
        if single && line.chars().count() + 1 + word.chars().count() > FOLD {
            lines.push((*word).to_owned());
        } else {
            if at > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn reads_like_written_by_hand() {
        let container = tree! {
            "image" => "nginx:1.29", "name" => "web", "essential" => false, "command" => vec!["sh", "-c", "echo \"$HOME\""],
            "environment" => vec![tree! { "name" => "LEVEL", "value" => "on" }, tree! { "name" => "PORT", "value" => "80" }],
            "entryPoint" => vec!["set -e\nexec \"$@\"\n"],
        };
        let tree = tree! {
            "kind" => "TaskDefinition", "apiVersion" => "ecs-operator.io/v1", "metadata" => tree! { "name" => "web" },
            "spec" => tree! { "cpu" => "256", "containerDefinitions" => vec![container], "tags" => Tree::List(vec![]) },
        };
        let at = Path::from("spec").name("containerDefinitions").index(0).name("image");
        let remarks = Remarks::from([(Path::root(), vec!["From here.".into()]), (at, vec!["of the month".into()])]);
        let wanted = "\
# From here.
apiVersion: ecs-operator.io/v1
kind: TaskDefinition
metadata: { name: web }
spec:
  cpu: \"256\"
  containerDefinitions:
    - name: web
      # of the month
      image: nginx:1.29
      essential: false
      entryPoint:
        - |
          set -e
          exec \"$@\"
      command: [sh, \"-c\", \"echo \\\"$HOME\\\"\"]
      environment:
        - { name: LEVEL, value: \"on\" }
        - { name: PORT, value: \"80\" }
  tags: []
";
        assert_eq!(write(&tree, &remarks), wanted);
    }

    #[test]
    fn long_texts_are_folded_at_single_spaces() {
        let text = format!("{}  {}", "word ".repeat(15).trim_end(), "more ".repeat(15).trim_end());
        let written = write(&tree! { "a" => text }, &Remarks::new());
        assert!(written.starts_with("a: >-\n") && written.lines().count() == 3, "{written}");
    }
}
