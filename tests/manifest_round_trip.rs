//! Whatever is written as YAML or JSON is read back as it was, and every place in it is found.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use ecs_operator::manifest::{self, At, Input, Place, Reading, Variables};
use ecs_operator::shape::{Path, Tree};
use proptest::prelude::*;

fn scalar() -> impl Strategy<Value = Tree> {
    prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::Bool),
        any::<i64>().prop_map(Tree::Int),
        (-1e15..1e15_f64).prop_map(Tree::Float),
        text().prop_map(Tree::from),
    ]
}

/// Printable text, and words that other readings of YAML take for something else.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -#%-~]{0,12}",
        "[a-zA-ZäöüéЖ中 \n\t\"'\\\\:#,\\[\\]{}&*!|>%@`-]{0,12}",
        prop::sample::select(vec![
            "no", "yes", "on", "~", "null", "010", "1e3", "0x1F", "---", "- a", "<<", "? x", "22:22", " x ", "${HOME}"
        ])
        .prop_map(str::to_owned),
    ]
}

fn key() -> impl Strategy<Value = String> {
    text().prop_filter("merge keys are no names", |key| key != "<<")
}

fn any_tree() -> impl Strategy<Value = Tree> {
    scalar().prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Tree::List),
            prop::collection::btree_map(key(), inner, 0..5).prop_map(|entries| Tree::Map(entries.into())),
        ]
    })
}

fn spec() -> impl Strategy<Value = Tree> {
    prop::collection::btree_map(key(), any_tree(), 0..5).prop_map(|entries| Tree::Map(entries.into()))
}

fn document(spec: &Tree) -> Tree {
    ecs_operator::tree! {
        "apiVersion" => "ecs-operator.io/v1",
        "kind" => "Anything",
        "metadata" => ecs_operator::tree! { "name" => "it" },
        "spec" => spec,
    }
}

fn json(tree: &Tree) -> serde_json::Value {
    match tree {
        Tree::Null => serde_json::Value::Null,
        Tree::Bool(bool) => (*bool).into(),
        Tree::Int(int) => (*int).into(),
        Tree::Float(float) => (*float).into(),
        Tree::Text(text) => (**text).into(),
        Tree::List(items) => items.iter().map(json).collect(),
        Tree::Map(map) => map.iter().map(|(name, value)| (name.clone(), json(value))).collect(),
    }
}

fn read(path: &str, text: &str) -> Reading {
    let files = BTreeMap::from([(path.to_owned(), Arc::from(text))]);
    manifest::read(&Input {
        files: &files,
        settings: None,
        unreadable: &BTreeMap::new(),
        variables: &Variables::default(),
    })
}

fn read_back(path: &str, text: &str) -> Tree {
    let reading = read(path, text);
    let problems: Vec<_> = reading.findings.iter().map(ToString::to_string).collect();
    assert_eq!(problems, [""; 0], "{text}");
    assert_eq!(reading.documents.len(), 1, "{text}");
    reading.documents[0].spec.clone()
}

/// Writes a tree in block style and notes where everything stands.
struct Writer {
    text: String,
    places: Vec<(Path, At, Place)>,
}

impl Writer {
    fn place(&self) -> Place {
        let line = self.text.matches('\n').count() + 1;
        let column = self.text.rsplit('\n').next().unwrap().chars().count() + 1;
        Place { line, column }
    }

    fn quoted(&mut self, tree: &Tree) {
        // JSON's scalars are YAML's.
        self.text += &json(tree).to_string();
    }

    fn value(&mut self, tree: &Tree, path: &Path, indent: usize) {
        match tree {
            Tree::Map(map) if !map.is_empty() => {
                for (name, value) in map {
                    self.text += "\n";
                    self.text += &" ".repeat(indent);
                    let at = path.name(name);
                    self.places.push((at.clone(), At::Key, self.place()));
                    self.quoted(&Tree::from(name.as_str()));
                    self.text += ": ";
                    self.value(value, &at, indent + 2);
                }
            }
            Tree::List(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    self.text += "\n";
                    self.text += &" ".repeat(indent);
                    self.text += "- ";
                    self.value(item, &path.index(index), indent + 2);
                }
            }
            leaf => {
                self.places.push((path.clone(), At::Value, self.place()));
                self.quoted(leaf);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn yaml_reads_back(spec in spec()) {
        let text = serde_yaml::to_string(&json(&document(&spec))).unwrap();
        prop_assert_eq!(read_back("a.yaml", &text), spec);
    }

    #[test]
    fn json_reads_back_from_both(spec in spec()) {
        let text = serde_json::to_string_pretty(&json(&document(&spec))).unwrap();
        prop_assert_eq!(read_back("a.json", &text), spec.clone());
        prop_assert_eq!(read_back("a.yaml", &text), spec);
    }

    #[test]
    fn every_place_is_found(spec in spec(), lines in 0..3_usize) {
        let mut writer = Writer { text: "# before\n".repeat(lines) + "---", places: Vec::new() };
        writer.value(&document(&spec), &Path::root(), 0);
        writer.text += "\n";
        let reading = read("a.yaml", &writer.text);
        prop_assert_eq!(reading.findings.len(), 0, "{:?}", reading.findings);
        let locator = reading.documents[0].locator();
        for (path, at, place) in writer.places {
            prop_assert_eq!(locator.find(&path, at), place, "{} in\n{}", path, writer.text);
        }
    }

    #[test]
    fn no_text_makes_it_fall_over(text in "[ -~\n\t]{0,200}", pieces in prop::collection::vec(prop::sample::select(
        vec!["a: ", "- ", "{", "}", "[", "]", "&a ", "*a", "<<: ", "\n", "\n---\n", "\"", "'", "|\n", "!t ", "!!int ", "? ", "  ", "kind: ", "${var.x}", "#", "\t", "..."]
    ), 0..40)) {
        for path in ["a.yaml", "a.json"] {
            for text in [text.clone(), pieces.concat()] {
                let reading = read(path, &text);
                let lines = text.lines().count() + 1;
                prop_assert!(reading.findings.iter().all(|problem| problem.line >= 1 && problem.line <= lines), "{:?}", reading.findings);
                prop_assert_eq!(reading.broken.is_empty(), reading.findings.is_empty());
            }
        }
    }
}
