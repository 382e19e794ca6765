//! Text into documents: what is read, what is refused and where, and what a broken document leaves certain.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "bounds on real time are what is tested")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ecs_operator::manifest::{self, Input, Reading, Variables};
use ecs_operator::shape::{Path, Tree};
use ecs_operator::tree;

fn files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, Arc<str>> {
    files.into_iter().map(|(path, text)| (path.to_owned(), Arc::from(text))).collect()
}

fn read_with(texts: &[(&str, &str)], variables: &Variables) -> Reading {
    let files = files(texts.iter().copied());
    manifest::read(&Input { files: &files, settings: None, unreadable: &BTreeMap::new(), variables })
}

fn read(texts: &[(&str, &str)]) -> Reading {
    read_with(
        texts,
        &Variables { region: Some("eu-west-1".into()), account: Some("123456789012".into()), ..Default::default() },
    )
}

/// One document of which only the spec is of interest; the spec's text begins in line 4.
fn with_spec(spec: &str) -> String {
    format!("apiVersion: ecs-operator.io/v1\nkind: Service\nmetadata: {{name: web}}\n{spec}")
}

fn shown(reading: &Reading) -> Vec<String> {
    reading.findings.iter().map(ToString::to_string).collect()
}

fn names(reading: &Reading) -> Vec<&str> {
    reading.documents.iter().map(|document| document.name()).collect()
}

const API: &str = "apiVersion: ecs-operator.io/v1\n";

#[test]
fn values_are_read_as_yaml_1_2_says() {
    for (text, value) in [
        ("3", Tree::Int(3)),
        ("\"3\"", "3".into()),
        ("-1", Tree::Int(-1)),
        ("3.0", Tree::Float(3.0)),
        ("1e1", Tree::Float(10.0)),
        ("0x3", Tree::Int(3)),
        ("0o10", Tree::Int(8)),
        ("010", "010".into()),
        ("3_0", "3_0".into()),
        ("2147483648", Tree::Int(2_147_483_648)),
        ("9223372036854775807", Tree::Int(i64::MAX)),
        ("-9223372036854775808", Tree::Int(i64::MIN)),
        ("no", "no".into()),
        ("yes", "yes".into()),
        ("on", "on".into()),
        ("True", Tree::Bool(true)),
        ("~", Tree::Null),
        ("", Tree::Null),
        ("null", Tree::Null),
        ("2024-01-01", "2024-01-01".into()),
        ("22:22", "22:22".into()),
        ("!!str 123", "123".into()),
        ("!!int \"7\"", Tree::Int(7)),
        ("|\n    a\n    b\n", "a\nb\n".into()),
        ("${HOME}", "${HOME}".into()),
    ] {
        let reading = read(&[("a.yaml", &with_spec(&format!("spec:\n  x: {text}\n")))]);
        assert_eq!(shown(&reading), [""; 0], "{text}");
        assert_eq!(reading.documents[0].spec.get("x"), Some(&value), "{text}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (spec, wanted) in [
        ("spec:\n  a: 1\n  b: 2\n  a: 3\n", "a.yaml:7:3: a is here twice (remove one of them)"),
        ("spec:\n  e: {A: 1, A: 2}\n", "a.yaml:5:13: A is here twice (remove one of them)"),
        ("kind: Task\nspec: {}\n", "a.yaml:4:1: kind is here twice (remove one of them)"),
        (
            "spec:\n  p: .inf\n",
            "a.yaml:5:6: this is no number that AWS knows (write it in quotes if it is meant as text)",
        ),
        ("spec:\n  p: .nan\n", "a.yaml:5:6: this is no number that AWS knows"),
        ("spec:\n  - p: 9223372036854775808\n", "a.yaml:5:8: this is no number that AWS knows"),
        ("spec:\n  p: 1000000000000000000000000000000\n", "a.yaml:5:6: this is no number"),
        ("spec:\n  p: 1e300\n", "a.yaml:5:6: this is no number"),
        ("spec:\n  l:\n    80: x\n", "a.yaml:6:5: the key 80 is a number; keys are strings (write \"80\")"),
        ("spec:\n  true: x\n", "a.yaml:5:3: the key true is a boolean; keys are strings (write \"true\")"),
        ("spec:\n  ? [a]\n  : b\n", "a key is a list; keys are strings"),
        ("spec:\n  r: !Ref x\n", "the tag !Ref means nothing here"),
        ("spec:\n  r: !Sub [a, b]\n", "the tag !Sub means nothing here"),
        ("spec:\n  r: !!binary aGk=\n", "the tag !!binary means nothing here"),
        ("spec:\n  r: !!python/object:os.system {}\n", "the tag !!python/object:os.system means nothing here"),
        ("spec:\n  r: !<tag:x.org,2000:y> z\n", "means nothing here"),
        ("spec:\n\tx: 1\n", "a.yaml:5:1: a tab in the indentation (YAML indents with spaces)"),
        ("spec: {a: \"b\n", "a.yaml:"),
        ("spec: [a, b\n", "a.yaml:"),
        ("spec: *nowhere\n", "unknown anchor"),
        ("spec: &s {a: *s}\n", "more than 64 lists and maps inside each other"),
        ("spec:\n  <<: 3\n", "a.yaml:5:7: the merge key << takes maps, not an integer"),
        ("spec: {}\n]\n", "a.yaml:5:1: did not find expected"),
        ("spec:\n  a: b\u{0}c\n", "a.yaml:5:7: here is a NUL character"),
        ("spec:\n  a: b\u{1b}[0m\n", "a.yaml:5:7: here is the control character U+001B"),
        ("spec:\n  a: x\u{202e}y\n", "a.yaml:5:7: here is the character U+202E"),
        ("spec:\n  a: \u{feff}y\n", "a.yaml:5:6: here is a byte order mark"),
        ("spek: {}\n", "a.yaml:4:1: spek is not known here (did you mean spec?)"),
        (
            "status: {}\n",
            "a.yaml:4:1: status is not known here (known are apiVersion, kind, metadata, reconcile, spec)",
        ),
        ("reconcile:\n", "a.yaml:4:1: reconcile is null; it takes a map (remove it, or give it members)"),
        ("spec: []\n", "a.yaml:4:1: spec is a list; it takes a map"),
    ] {
        let reading = read(&[("a.yaml", &with_spec(spec))]);
        assert!(shown(&reading).iter().any(|problem| problem.contains(wanted)), "{spec:?}: {:?}", shown(&reading));
        assert!(reading.documents.is_empty() && reading.broken_files.contains("a.yaml"), "{spec:?}");
    }
}

#[test]
fn envelopes_are_complete() {
    for (text, wanted) in [
        ("a: 1\n", "a.yaml:1:1: not a manifest: apiVersion: ecs-operator.io/v1 and kind are missing"),
        ("[1]\n", "a.yaml:1:1: the document is a list"),
        ("just text\n", "a.yaml:1:1: the document is a string"),
        (
            "kind: Service\nmetadata: {name: a}\n",
            "a.yaml:1:1: apiVersion is missing (write apiVersion: ecs-operator.io/v1)",
        ),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", "a.yaml:1:13: apiVersion v1 is not known"),
        ("apiVersion: ecs-operator.io/v1\nmetadata: {name: a}\n", "a.yaml:1:1: kind is missing"),
        (
            "apiVersion: ecs-operator.io/v1\nkind: 3\nmetadata: {name: a}\n",
            "a.yaml:2:7: kind is an integer; it takes a name",
        ),
        ("apiVersion: ecs-operator.io/v1\nkind: S\n", "a.yaml:1:1: metadata is missing"),
        ("apiVersion: ecs-operator.io/v1\nkind: S\nmetadata:\n", "a.yaml:3:1: metadata is null; it takes a map"),
        ("apiVersion: ecs-operator.io/v1\nkind: S\nmetadata: {}\n", "a.yaml:3:1: metadata.name is missing"),
        (
            "apiVersion: ecs-operator.io/v1\nkind: S\nmetadata: {name: 123}\n",
            "a.yaml:3:18: metadata.name is an integer; it takes a string (write it in quotes)",
        ),
        ("apiVersion: ecs-operator.io/v1\nkind: S\nmetadata: {name: ~}\n", "a.yaml:3:18: metadata.name is null"),
        ("apiVersion: ecs-operator.io/v1\nkind: S\nmetadata: {name: ''}\n", "a.yaml:3:18: metadata.name is empty"),
        (
            "apiVersion: ecs-operator.io/v1\nkind: S\nmetadata: {name: a, clutser: b}\n",
            "a.yaml:3:21: metadata.clutser is not known here (did you mean cluster?)",
        ),
        (
            "apiVersion: ecs-operator.io/v1\nkind: S\nmetadata: {name: a, labels: }\n",
            "a.yaml:3:21: metadata.labels is null; it takes a map of strings",
        ),
        (
            "apiVersion: ecs-operator.io/v1\nkind: S\nmetadata: {name: a, labels: {v: 1.20}}\n",
            "a.yaml:3:33: metadata.labels.v is a number; it takes a string (write it in quotes)",
        ),
    ] {
        let reading = read(&[("a.yaml", text)]);
        assert!(shown(&reading).iter().any(|problem| problem.starts_with(wanted)), "{text:?}: {:?}", shown(&reading));
    }
    let text = format!("{API}kind: S\nmetadata: {{name: a, account: 123456789012, region: x, labels: {{a: b}}}}\n");
    let reading = read(&[("a.yaml", &text)]);
    assert_eq!(shown(&reading), [""; 0]);
    assert_eq!(reading.documents[0].metadata.text("account"), Some("123456789012"));
    assert_eq!((&reading.documents[0].spec, &reading.documents[0].reconcile), (&Tree::map(), &Tree::map()));
}

#[test]
fn empty_documents_are_no_documents() {
    for text in ["", "\n\n", "# only a comment\n", "---\n", "---\n---\n# x\n---\n...\n", "~\n", "null\n", "\u{feff}"] {
        let reading = read(&[("a.yaml", text), ("b.json", "")]);
        assert_eq!((shown(&reading), reading.documents.len(), reading.broken.len()), (vec![], 0, 0), "{text:?}");
    }
}

#[test]
fn line_ends_and_marks_of_all_editors() {
    let text = with_spec("spec:\n  x: 1\n---\n") + &with_spec("spec: {}\n").replace("web", "api");
    for text in [text.clone(), text.replace('\n', "\r\n"), text.replace('\n', "\r"), format!("\u{feff}{text}")] {
        let reading = read(&[("a.yaml", &text)]);
        assert_eq!((shown(&reading), names(&reading)), (vec![], vec!["web", "api"]), "{text:?}");
        assert_eq!(reading.documents[1].start.line, 6, "{text:?}");
    }
}

#[test]
fn one_bad_document_does_not_lose_its_neighbours() {
    let good = |name: &str| with_spec("spec: {}\n").replace("web", name);
    for bad in
        ["spec: {a: 1, a: 2}\n", "spec: [\n", "spec: !Ref x\n", "spec: \"open\n", "\tx: y\n", "spec: *gone\n", "}\n"]
    {
        let text = format!("{}---\n{}---\n{}", good("one"), with_spec(bad), good("three"));
        let reading = read(&[("a.yaml", &text)]);
        assert_eq!(names(&reading), ["one", "three"], "{bad:?}");
        assert_eq!(reading.broken.len(), 1, "{bad:?}");
        let broken = &reading.broken[0];
        assert_eq!(
            (broken.index, broken.identity.as_ref().map(|it| it.name.as_str())),
            (Some(1), Some("web")),
            "{bad:?}"
        );
        assert!(reading.findings.iter().all(|problem| (6..=10).contains(&problem.line)), "{:?}", shown(&reading));
        assert!(reading.may_describe("Service", "web") && !reading.may_describe("Service", "one"));
        assert_eq!(reading.documents[1].index, 2);
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once_and_in_order() {
    let spec = "spec:\n  r: !Ref x\n  a: 1\n  a: 2\n  n: .nan\n";
    let reading = read(&[("b.yaml", &with_spec(spec)), ("a.yaml", "x: 1\n")]);
    let places: Vec<_> = reading.findings.iter().map(|problem| (problem.file.as_str(), problem.line)).collect();
    assert_eq!(places, [("a.yaml", 1), ("b.yaml", 5), ("b.yaml", 7), ("b.yaml", 8)]);
}

#[test]
fn merge_keys_and_aliases_are_applied() {
    let spec = "spec:\n  base: &b {x: 1, y: 1}\n  more: &m {y: 2, z: 2}\n  one:\n    <<: *b\n    x: 9\n  two: {<<: [*b, *m]}\n  three: *b\n";
    let reading = read(&[("a.yaml", &with_spec(spec))]);
    assert_eq!(shown(&reading), [""; 0]);
    let spec = &reading.documents[0].spec;
    assert_eq!(spec.get("one"), Some(&tree! { "x" => 9, "y" => 1 }));
    assert_eq!(spec.get("two"), Some(&tree! { "x" => 1, "y" => 1, "z" => 2 }));
    let place = |path: &str| {
        let at = reading.documents[0].locator().find(&Path::from(path), manifest::At::Value);
        (at.line, at.column)
    };
    assert_eq!(place("spec.one.x"), (9, 8));
    assert_eq!(place("spec.one.y"), (5, 22), "where the merged member is written");
    assert_eq!(place("spec.two.z"), (6, 22));
    assert_eq!(place("spec.three.x"), (5, 16));
    assert_eq!(place("spec.two.none"), (10, 3), "the nearest above");
}

#[test]
fn json_is_read_strictly_and_in_any_number() {
    let document = |name: &str| {
        format!(
            "{{\"apiVersion\": \"ecs-operator.io/v1\",\n\t\"kind\": \"Service\", \"metadata\": {{\"name\": \"{name}\"}},\n \"spec\": {{\"t\": \"\\ud83d\\ude00\", \"<<\": 1}}}}"
        )
    };
    let text = format!("{}\n{}", document("a"), document("b"));
    let reading = read(&[
        ("a.json", &text),
        ("c.yaml", &document("c").replace("\\ud83d\\ude00", "\\U0001F600").replace("<<", "x")),
    ]);
    assert_eq!((shown(&reading), names(&reading)), (vec![], vec!["a", "b", "c"]));
    assert_eq!(reading.documents[0].spec, tree! { "t" => "😀", "<<" => 1 });
    let reading = read(&[("a.json", "{\"a\": 1,}")]);
    assert_eq!(shown(&reading), ["a.json:1:9: trailing comma"]);
    let reading = read(&[("a.json", &text.replace("\"t\"", "\"<<\""))]);
    assert_eq!(shown(&reading)[0], "a.json:3:33: << is here twice (remove one of them)");
    for (bad, wanted) in
        [("{", "EOF"), ("]", "expected value"), ("nonsense", "expected ident"), ("{\"a\": 1e999}", "out of range")]
    {
        let reading = read(&[("a.json", bad)]);
        assert!(shown(&reading)[0].contains(wanted), "{bad}: {:?}", shown(&reading));
    }
}

/// What reading about as much as a file may hold takes on this machine, as busy as it is.
fn honest() -> Duration {
    let text = format!("a: [{}]\n---\n", vec!["1"; 480].join(",")).repeat(1000);
    let began = Instant::now();
    read(&[("a.yaml", &text)]);
    began.elapsed()
}

/// What is bad takes no more than a few times as long as what is good.
fn in_time(honest: Duration, name: &str, text: &str, wanted: &str) {
    let began = Instant::now();
    let reading = read(&[("a.yaml", text)]);
    assert!(began.elapsed() < honest * 5, "{name}: {:?}, where an honest file takes {honest:?}", began.elapsed());
    assert!(shown(&reading).iter().any(|problem| problem.contains(wanted)), "{name}: {:?}", shown(&reading));
    assert!(reading.documents.is_empty(), "{name}");
}

#[test]
fn text_that_expands_ends_early() {
    let honest = honest();
    let mut laughs = "a: &a [1,1,1,1,1,1,1,1,1]\n".to_owned();
    for pair in "abcdefghi".as_bytes().windows(2) {
        let (before, next) = (char::from(pair[0]), char::from(pair[1]));
        laughs += &format!("{next}: &{next} [{}]\n", vec![format!("*{before}"); 9].join(","));
    }
    in_time(honest, "exponential", &laughs, "its aliases stand for far too many values");
    let quadratic = format!("a: &a [{}]\nb: [{}]\n", vec!["1"; 8000].join(","), vec!["*a"; 8000].join(","));
    in_time(honest, "quadratic", &quadratic, "more than 100000 values in this document");
    let long = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(500_000), vec!["*a"; 100_000].join(","));
    in_time(honest, "long text", &long, "more than 100000 values in this document");
    let merges = "a: &a {<<: [*a, *a]}\n".to_owned();
    in_time(honest, "circular merge", &merges, "a.yaml:1:");
    in_time(honest, "a million brackets", &"[".repeat(1_000_000), "more than 64 lists and maps");
    in_time(honest, "200,000 braces", &"{\"a\":".repeat(200_000), "more than 64 lists and maps");
    in_time(honest, "brackets between quotes", &"[\"]\",".repeat(100_000), "more than 64 lists and maps");
    in_time(honest, "depth 65", &("[".repeat(65) + &"]".repeat(65)), "more than 64 lists and maps");
    in_time(
        honest,
        "many members",
        &(0..60_000).map(|n| format!("k{n}: 1\n")).collect::<String>(),
        "more than 100000 values",
    );
    in_time(honest, "large", &format!("a: {}", "x".repeat(2 << 20)), "a file may have 1048576");
    in_time(honest, "1,001 documents", &"a: 1\n---\n".repeat(1001), "1001 documents; a file may have 1000");
    let many = format!("a: &a [{}]\nb: [{}]\n---\n", vec!["1"; 200].join(","), vec!["*a"; 200].join(",")).repeat(900);
    in_time(honest, "many small bombs", &many, "more than 500000 values in the documents of this file");
}

#[test]
fn a_thousand_documents_are_read() {
    let text: String = (0..1000).map(|n| with_spec("spec: {}\n---\n").replace("web", &format!("w{n}"))).collect();
    let reading = read(&[("a.yaml", &text)]);
    assert_eq!((shown(&reading), reading.documents.len()), (vec![], 1000));
    assert_eq!(reading.documents[999].start.line, 999 * 5);
}

#[test]
fn variables_come_from_the_nearest_defaults_or_the_caller() {
    let service = with_spec(
        "spec: {desiredCount: \"${var.COUNT}\", image: \"${var.REPO}:${var.TAG}\", at: \"${aws.region}/${aws.account}\"}\n",
    );
    let texts = [
        (
            "defaults.yaml",
            "apiVersion: ecs-operator.io/v1\nkind: Defaults\nvars: {COUNT: 1, REPO: \"${aws.account}.ecr\", TAG: \"1.20\"}\n",
        ),
        ("envs/prod/defaults.yaml", "apiVersion: ecs-operator.io/v1\nkind: Defaults\nvars: {COUNT: 4}\n"),
        ("envs/prod/shop/web.yaml", &service),
        ("envs/dev/web.yaml", &service),
    ];
    let mut variables =
        Variables { region: Some("eu-west-1".into()), account: Some("123456789012".into()), ..Default::default() };
    let reading = read_with(&texts, &variables);
    assert_eq!(shown(&reading), [""; 0]);
    let counts: Vec<_> = reading.documents.iter().map(|document| document.spec.text("desiredCount")).collect();
    assert_eq!(counts, [Some("1"), Some("4")]);
    let prod = &reading.documents[1];
    assert_eq!(
        (prod.spec.text("image"), prod.spec.text("at")),
        (Some("123456789012.ecr:1.20"), Some("eu-west-1/123456789012"))
    );
    assert_eq!(prod.variables, [(Path::from("spec.desiredCount"), "var.COUNT".to_owned())].into());
    variables.overrides.insert("COUNT".into(), "9".into());
    assert_eq!(read_with(&texts, &variables).documents[1].spec.text("desiredCount"), Some("9"));
}

#[test]
fn variables_that_are_not_there_are_problems() {
    let defaults = ("d.yaml", "apiVersion: ecs-operator.io/v1\nkind: Defaults\nvars: {IMAGE_TAG: x}\n");
    for (value, wanted) in [
        ("${var.IMAGE_TGA}", "s.yaml:4:11: ${var.IMAGE_TGA} is not defined (did you mean ${var.IMAGE_TAG}?)"),
        (
            "x${var.OTHER}",
            "s.yaml:4:11: ${var.OTHER} is not defined (define it under vars of a Defaults document, or with --var OTHER=VALUE)",
        ),
        ("${var.}", "does not name a variable"),
        ("${var.IMAGE_TAG:-y}", "a default value belongs under vars"),
        ("${aws.regions}", "${aws.regions} is not known (did you mean ${aws.region}?)"),
    ] {
        let reading = read(&[defaults, ("s.yaml", &with_spec(&format!("spec: {{x: \"{value}\"}}\n")))]);
        assert!(shown(&reading)[0].contains(wanted), "{value}: {:?}", shown(&reading));
        assert!(reading.may_describe("Service", "web"));
    }
    let named = with_spec("spec: {}\n").replace("web", "\"web-${var.NONE}\"");
    assert!(read(&[("s.yaml", &named)]).may_describe("Service", "anything"));
}

#[test]
fn defaults_hold_variables_only_so_far() {
    let head = format!("{API}kind: Defaults\n");
    for (members, wanted) in [
        ("include: [../base]\n", "d.yaml:3:1: include in a Defaults document is not supported yet; vars is"),
        ("metadata: {cluster: prod}\n", "d.yaml:3:1: metadata in a Defaults document is not supported yet"),
        ("defaults: {Service: {}}\n", "d.yaml:3:1: defaults in a Defaults document is not supported yet"),
        ("var: {A: 1}\n", "d.yaml:3:1: var is not known here (did you mean vars?)"),
        ("vars: [A]\n", "d.yaml:3:1: vars is a list; it takes a map"),
        ("vars: {A: 1.20}\n", "d.yaml:3:11: A: it is a number; a variable's value is a string (write it in quotes)"),
        ("vars: {A: \"${var.B}\"}\n", "d.yaml:3:11: A: a variable's value cannot name another variable"),
        ("vars: {\"a b\": x}\n", "d.yaml:3:8: \"a b\" is no name for a variable"),
    ] {
        let reading = read(&[("d.yaml", &format!("{head}{members}"))]);
        assert!(shown(&reading)[0].starts_with(wanted), "{members}: {:?}", shown(&reading));
    }
    let twice = format!("{head}vars: {{A: 1}}\n");
    let reading = read(&[("d.yaml", &twice), ("e.yaml", &twice), ("sub/d.yaml", &twice)]);
    assert_eq!(shown(&reading), ["e.yaml:3:8: A is also defined in d.yaml, for the same directory (keep one of them)"]);
}

#[test]
fn a_broken_defaults_does_not_let_values_from_further_up_through() {
    let service = with_spec("spec: {x: \"${var.A}\"}\n");
    let texts = [
        ("d.yaml", "apiVersion: ecs-operator.io/v1\nkind: Defaults\nvars: {A: dev-database}\n"),
        ("prod/d.yaml", "apiVersion: ecs-operator.io/v1\nkind: Defaults\nvars: {A: prod-database\n"),
        ("prod/s.yaml", &service),
    ];
    let reading = read(&texts);
    assert!(reading.documents.is_empty());
    assert!(shown(&reading)[1].contains("not certain while prod/d.yaml cannot be read"), "{:?}", shown(&reading));
    let files = files([texts[0], texts[2]]);
    let unreadable = [("prod/d.yaml".to_owned(), "permission denied".to_owned())].into();
    let variables = Variables::default();
    let reading =
        manifest::read(&Input { files: &files, settings: None, unreadable: &unreadable, variables: &variables });
    assert_eq!(shown(&reading)[0], "prod/d.yaml:1:1: permission denied");
    assert!(reading.documents.is_empty() && reading.is_broken("prod/d.yaml") && reading.may_describe("Service", "x"));
}

#[test]
fn folders_that_cannot_be_read_are_broken_with_all_below() {
    let unreadable = [("closed".to_owned(), "permission denied".to_owned())].into();
    let variables = Variables::default();
    let reading =
        manifest::read(&Input { files: &files([]), settings: None, unreadable: &unreadable, variables: &variables });
    assert!(reading.is_broken("closed/a/b.yaml") && !reading.is_broken("closed.yaml"));
}

#[test]
fn settings_are_all_or_nothing() {
    let read = |text: &str| {
        let (text, variables) = (Arc::from(text), Variables::default());
        let files = BTreeMap::new();
        manifest::read(&Input {
            files: &files,
            settings: Some(&text),
            unreadable: &BTreeMap::new(),
            variables: &variables,
        })
    };
    let good = read("owner: shop\nsource: main\nclusters: [prod, staging]\n").settings.unwrap();
    assert_eq!((good.owner.as_deref(), good.source.as_deref()), (Some("shop"), Some("main")));
    assert_eq!(good.clusters, ["prod", "staging"]);
    assert_eq!(read("# nothing\n").settings, Some(manifest::Settings::default()));
    for (text, wanted) in [
        ("owner: shop\nowners: x\n", "ecs-operator.yaml:2:1: owners is not known here (did you mean owner?)"),
        ("owner: 3\n", "ecs-operator.yaml:1:8: owner is an integer; it takes a string"),
        ("owner: ''\n", "ecs-operator.yaml:1:8: owner is empty; it takes a string"),
        ("clusters: prod\n", "ecs-operator.yaml:1:11: clusters is a string; it takes a list of names"),
        ("prune: true\n", "ecs-operator.yaml:1:1: prune is not supported yet"),
        ("owner: [\n", "ecs-operator.yaml:2:1: "),
        ("owner: a\n---\nowner: b\n", "ecs-operator.yaml:2:1: a second document"),
        ("- a\n", "ecs-operator.yaml:1:1: the settings are a list"),
    ] {
        let reading = read(text);
        assert!(shown(&reading)[0].starts_with(wanted), "{text}: {:?}", shown(&reading));
        assert_eq!(reading.settings, None, "{text}");
        assert!(!reading.may_describe("Service", "web"), "{text}: the settings describe no object");
    }
}
