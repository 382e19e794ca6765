//! The rules applied: where a path leads, and whether it may.

use std::fmt;

use super::scan::{self, Named, Token};

/// The tables of tests/architecture.rs.
pub struct Rules {
    pub arrows: &'static [(&'static str, &'static [&'static str])],
    pub macros: &'static [(&'static str, &'static str)],
    pub pure: &'static [&'static str],
    pub impure_words: &'static [&'static str],
    pub homes: &'static [(&'static str, &'static [&'static str])],
    pub file_lines: usize,
}

/// A broken rule, and where.
pub struct Violation {
    file: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.rule)
    }
}

/// Looks at all files at once, since one file can say that another is a test.
pub fn all(rules: &Rules, files: &[(String, String)]) -> Vec<Violation> {
    let scanned: Vec<_> = files
        .iter()
        .map(|(file, source)| {
            let (tokens, tests) = scan::without_tests(&scan::tokens(source));
            (file, source, tokens, tests)
        })
        .collect();
    let tests: Vec<Vec<String>> = scanned
        .iter()
        .flat_map(|(file, _, _, tests)| {
            let module = module(file);
            tests.iter().map(move |test| [module.as_slice(), std::slice::from_ref(test)].concat())
        })
        .collect();
    let mut found = Vec::new();
    for (file, source, tokens, _) in &scanned {
        let module = module(file);
        if !tests.iter().any(|test| module.starts_with(test)) {
            one(rules, file, source, tokens, &module, &mut found);
        }
    }
    found
}

/// `src/plan/mod.rs` → [plan]; `src/plan/order.rs` → [plan, order]; the roots of the crates → [main], [lib].
fn module(file: &str) -> Vec<String> {
    let inside = file.trim_start_matches("src/").trim_end_matches(".rs");
    let mut segments: Vec<String> = inside.split('/').map(ToOwned::to_owned).collect();
    segments.pop_if(|last| last == "mod");
    segments
}

fn one(rules: &Rules, file: &str, source: &str, tokens: &[Token], module: &[String], found: &mut Vec<Violation>) {
    let mut add = |line: usize, rule: String| found.push(Violation { file: file.to_owned(), line, rule });
    let folder = module.first().map_or("", String::as_str);
    let lines = source.lines().count();
    if lines > rules.file_lines && !source.lines().next().is_some_and(|first| first.contains("@generated")) {
        add(lines, format!("{lines} lines; a file has at most {}", rules.file_lines));
    }
    let Some((_, allowed)) = rules.arrows.iter().find(|(from, _)| *from == folder) else {
        return add(1, format!("{folder} has no row in ARROWS"));
    };
    for path in scan::paths(tokens) {
        if let Some(target) = internal(rules, module, &path) {
            if target.first().is_some_and(|top| top != folder) && !opened(allowed, &target) {
                add(path.line, format!("{folder} may not import {}", target.join("::")));
            }
        } else if let Some((name, homes)) = external(rules, &path)
            && !opened(homes, module)
        {
            add(path.line, format!("{name} may be named only in {}", homes.join(", ")));
        }
    }
    for line in unbiased(tokens) {
        add(line, "select! without `biased;`: tokio draws the order of the branches by chance".to_owned());
    }
    if rules.pure.contains(&folder) {
        for word in rules.impure_words {
            for line in spoken(tokens, word) {
                add(line, format!("{folder} is pure: no {word}"));
            }
        }
    }
}

/// Where in this crate a path leads, from the crate's root; nothing for other paths.
fn internal(rules: &Rules, module: &[String], path: &Named) -> Option<Vec<String>> {
    let first = path.segments.first()?.as_str();
    let rest = &path.segments[1..];
    let mut target = match first {
        "crate" | "ecs_operator" => rest.to_vec(),
        "self" | "super" => {
            let ups = path.segments.iter().take_while(|segment| *segment == "super").count();
            let rest = &path.segments[ups.max(1)..];
            if ups <= path.depth {
                return None; // inside an inline module: still in this file
            }
            let keep = module.len().checked_sub(ups - path.depth)?;
            [&module[..keep], rest].concat()
        }
        _ => return None,
    };
    if let Some((_, home)) = rules.macros.iter().find(|(name, _)| target.first().is_some_and(|top| top == name)) {
        target.insert(0, (*home).to_owned());
    }
    (!target.is_empty()).then_some(target)
}

/// The dependency that a path names, and where it may.
fn external<'a>(rules: &Rules, path: &'a Named) -> Option<(&'a str, &'static [&'static str])> {
    let first = path.segments.first()?.as_str();
    rules.homes.iter().find(|(pattern, _)| matches(pattern, first)).map(|(_, homes)| (first, *homes))
}

/// Whether a row of HOMES speaks of that crate.
pub fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |family| name.starts_with(family))
}

fn opened(allowed: &[&str], target: &[String]) -> bool {
    allowed.iter().any(|open| {
        let open: Vec<&str> = open.split("::").collect();
        open == ["*"] || (open.len() <= target.len() && open.iter().zip(target).all(|(a, b)| a == b))
    })
}

/// The lines on which a word, or a row of tokens such as `SystemTime::now`, stands.
fn spoken(tokens: &[Token], word: &str) -> Vec<usize> {
    let wanted: Vec<String> = scan::tokens(word).into_iter().map(|token| token.text).collect();
    tokens
        .windows(wanted.len())
        .filter(|window| window.iter().map(|token| &token.text).eq(&wanted))
        .filter_map(|window| window.first().map(|token| token.line))
        .collect()
}

/// The lines on which a `select!` does not begin with `biased`.
fn unbiased(tokens: &[Token]) -> Vec<usize> {
    tokens
        .windows(4)
        .filter(|four| four[0].text == "select" && four[1].text == "!" && four[3].text != "biased")
        .map(|four| four[0].line)
        .collect()
}

/// The crates under `[dependencies]`, as they are named in source.
pub fn dependencies(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.trim() == "[dependencies]";
        } else if inside && let Some((name, _)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            names.push(name.trim().replace('-', "_"));
        }
    }
    names
}
