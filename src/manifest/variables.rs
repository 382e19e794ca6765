//! `${var.NAME}`, `${aws.region}`, `${aws.account}`: where their values come from, and putting them in.
//!
//! Must not know: shapes. A scalar that is one variable and nothing else stays text here; who knows the shape reads it
//! again with [`retype`]. Every other `${…}` is literal, so that pasted commands keep working.

use std::collections::BTreeMap;

use super::finding::{At, Fault};
use super::limits;
use crate::shape::near::nearest;
use crate::shape::{Path, Tree};

/// What the caller knows about variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    /// `${aws.region}`.
    pub region: Option<String>,
    /// `${aws.account}`.
    pub account: Option<String>,
    /// `--var NAME=VALUE`: these win over all manifests.
    pub overrides: BTreeMap<String, String>,
}

/// The values that hold in each directory.
#[derive(Debug)]
pub(super) struct Scopes<'a> {
    given: &'a Variables,
    /// Directory (`""` is the root) → name → value, each with the file it comes from.
    defined: BTreeMap<String, BTreeMap<String, (String, String)>>,
    /// Directory → a file that could not be read there and may define anything.
    broken: BTreeMap<String, String>,
}

/// What became of one document's texts.
#[derive(Debug, Default)]
pub(super) struct Replaced {
    /// Where a scalar was one variable and nothing else, and which.
    pub whole: BTreeMap<Path, String>,
    pub faults: Vec<Fault>,
}

impl<'a> Scopes<'a> {
    pub fn new(given: &'a Variables) -> Self {
        Self { given, defined: BTreeMap::new(), broken: BTreeMap::new() }
    }

    /// A file that may have been meant to define variables for its directory and cannot be read. Taking a value from
    /// further up instead could deploy one environment's settings into another.
    pub fn break_at(&mut self, file: &str) {
        self.broken.entry(directory(file).to_owned()).or_insert_with(|| file.to_owned());
    }

    /// Takes in the `vars` of a `Defaults` document.
    pub fn define(&mut self, file: &str, vars: &Tree) -> Vec<Fault> {
        let at = Path::from("vars");
        let Some(vars) = vars.as_map() else {
            return vec![Fault::new(at, At::Key, "defaults", format!("vars is {}; it takes a map", vars.noun()))];
        };
        let mut faults = Vec::new();
        let scope = self.defined.entry(directory(file).to_owned()).or_default();
        for (name, value) in vars {
            let at = at.name(name);
            if !is_name(name) {
                let message = format!("{name:?} is no name for a variable: letters, digits, - and _");
                faults.push(Fault::new(at, At::Key, "defaults", message));
                continue;
            }
            let value = match text_of(value).and_then(|text| self.given.fill_in_aws(&text)) {
                Ok(text) => text,
                Err((message, remedy)) => {
                    faults.push(Fault::new(at, At::Value, "defaults", format!("{name}: {message}")).remedy(remedy));
                    continue;
                }
            };
            if let Some((_, other)) = scope.get(name.as_str()).filter(|(_, other)| other != file) {
                let message = format!("{name} is also defined in {other}, for the same directory");
                faults.push(Fault::new(at, At::Key, "defaults", message).remedy("keep one of them"));
                continue;
            }
            scope.insert(name.to_string(), (value, file.to_owned()));
        }
        faults
    }

    /// The value of `var.name` for a file: given by the caller, else of the nearest directory.
    fn value(&self, file: &str, name: &str) -> Result<&str, (String, String)> {
        if let Some(value) = self.given.overrides.get(name) {
            return Ok(value);
        }
        for directory in directories(file) {
            if let Some((value, _)) = self.defined.get(directory).and_then(|scope| scope.get(name)) {
                return Ok(value);
            }
            if let Some(broken) = self.broken.get(directory) {
                let message = format!("the value of ${{var.{name}}} is not certain while {broken} cannot be read");
                return Err((message, format!("repair {broken}, which may define it")));
            }
        }
        let known = directories(file).filter_map(|directory| self.defined.get(directory)).flat_map(BTreeMap::keys);
        let known = known.chain(self.given.overrides.keys()).map(String::as_str);
        let remedy = match nearest(name, known) {
            Some(near) => format!("did you mean ${{var.{near}}}?"),
            None => format!("define it under vars of a Defaults document, or with --var {name}=VALUE"),
        };
        Err((format!("${{var.{name}}} is not defined"), remedy))
    }

    /// Replaces the variables in all texts of a document.
    pub fn replace(&self, file: &str, tree: &mut Tree) -> Replaced {
        let mut replaced = Replaced::default();
        self.replace_below(file, tree, &Path::root(), &mut replaced);
        replaced
    }

    fn replace_below(&self, file: &str, tree: &mut Tree, path: &Path, replaced: &mut Replaced) {
        match tree {
            Tree::Text(text) if text.contains("${") => self.replace_in(file, text, path, replaced),
            Tree::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.replace_below(file, item, &path.index(index), replaced);
                }
            }
            Tree::Map(map) => {
                for (name, value) in map.iter_mut() {
                    self.replace_below(file, value, &path.name(name), replaced);
                }
            }
            Tree::Text(_) | Tree::Null | Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) => {}
        }
    }

    fn replace_in(&self, file: &str, text: &mut Box<str>, path: &Path, replaced: &mut Replaced) {
        // No more is told of one document, and it is not in force.
        if replaced.faults.len() >= limits::FINDINGS {
            return;
        }
        let mut fault = |(message, remedy): (String, String)| {
            replaced.faults.push(Fault::new(path.clone(), At::Value, "variable", message).remedy(remedy));
        };
        let mut out = String::with_capacity(text.len());
        for piece in pieces(text) {
            let value = match piece {
                Piece::Literal(literal) => Ok(literal),
                Piece::Variable(inside) => self.expression(file, inside),
            };
            match value {
                Ok(value) => out.push_str(value),
                Err(what) => return fault(what),
            }
            if out.len() > limits::EXPANDED_BYTES {
                let what = format!("more than {} bytes once its variables are replaced", limits::EXPANDED_BYTES);
                return fault((what, "use shorter values".to_owned()));
            }
        }
        if let [Piece::Variable(name)] = pieces(text).as_slice() {
            replaced.whole.insert(path.clone(), (*name).to_owned());
        }
        *text = out.into();
    }

    /// The value of what stands between `${` and `}`.
    fn expression(&self, file: &str, inside: &str) -> Result<&str, (String, String)> {
        match inside.strip_prefix("var.") {
            Some(name) if is_name(name) => self.value(file, name),
            Some(name) => {
                let what = format!("${{var.{name}}} does not name a variable: letters, digits, - and _");
                Err((what, "a default value belongs under vars of a Defaults document".to_owned()))
            }
            None => self.given.aws(inside),
        }
    }
}

impl Variables {
    fn aws(&self, inside: &str) -> Result<&str, (String, String)> {
        let (value, option) = match inside {
            "aws.region" => (&self.region, "--region or AWS_REGION"),
            "aws.account" => (&self.account, "--account"),
            _ => {
                let near = nearest(inside, AWS.into_iter()).unwrap_or("aws.region");
                return Err((format!("${{{inside}}} is not known"), format!("did you mean ${{{near}}}?")));
            }
        };
        value.as_deref().ok_or_else(|| (format!("${{{inside}}} is not known here"), format!("say it with {option}")))
    }

    /// A variable's value may name where it is, and no other variable.
    fn fill_in_aws(&self, text: &str) -> Result<String, (String, String)> {
        let filled = pieces(text).into_iter().map(|piece| match piece {
            Piece::Literal(literal) => Ok(literal),
            Piece::Variable(inside) if inside.starts_with("var.") => Err((
                "a variable's value cannot name another variable".to_owned(),
                "write the value itself; ${aws.region} and ${aws.account} are possible".to_owned(),
            )),
            Piece::Variable(inside) => self.aws(inside),
        });
        filled.collect()
    }
}

const AWS: [&str; 2] = ["aws.region", "aws.account"];

enum Piece<'a> {
    Literal(&'a str),
    /// What stands between `${` and `}`.
    Variable(&'a str),
}

/// Cuts a text at its variables. `${…}` that is not ours is part of a literal.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut literal, mut from) = (0, 0);
    while let Some(open) = text.get(from..).and_then(|rest| rest.find("${")).map(|at| from + at) {
        let inside = text.get(open + 2..).unwrap_or_default();
        let end = inside.find('}').unwrap_or(inside.len());
        let inside = inside.get(..end).unwrap_or_default();
        from = open + 2;
        if !is_ours(inside) {
            continue;
        }
        pieces.extend(text.get(literal..open).filter(|text| !text.is_empty()).map(Piece::Literal));
        pieces.push(Piece::Variable(inside));
        from = (open + 2 + end + 1).min(text.len());
        literal = from;
    }
    pieces.extend(text.get(literal..).filter(|text| !text.is_empty()).map(Piece::Literal));
    pieces
}

/// `var.` is ours whatever follows; of `aws.`, which other tools use too, the two names and slips of them.
fn is_ours(inside: &str) -> bool {
    inside.starts_with("var.") || (inside.starts_with("aws.") && nearest(inside, AWS.into_iter()).is_some())
}

fn is_name(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !name.is_empty() && name.len() <= 128 && name.bytes().all(letters)
}

fn text_of(value: &Tree) -> Result<String, (String, String)> {
    match value {
        Tree::Text(text) => Ok(text.to_string()),
        Tree::Int(int) => Ok(int.to_string()),
        Tree::Bool(bool) => Ok(bool.to_string()),
        // 1.20 has lost its zero by now.
        Tree::Float(_) => Err((wrong(value), "write it in quotes".to_owned())),
        Tree::Null => Err((wrong(value), "write \"\" for an empty one".to_owned())),
        Tree::List(_) | Tree::Map(_) => Err((wrong(value), "write one value".to_owned())),
    }
}

fn wrong(value: &Tree) -> String {
    format!("it is {}; a variable's value is a string", value.noun())
}

/// The directory of a file, without a slash at its end; `""` is the root.
fn directory(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The directory of a file and those above it, nearest first.
fn directories(file: &str) -> impl Iterator<Item = &str> {
    let mut next = Some(directory(file));
    std::iter::from_fn(move || {
        let here = next?;
        next = (!here.is_empty()).then(|| directory(here));
        Some(here)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_directory_wins_and_the_caller_over_all() {
        let given = Variables {
            region: Some("eu-west-1".into()),
            account: None,
            overrides: [("FORCED".to_owned(), "cli".to_owned())].into(),
        };
        let mut scopes = Scopes::new(&given);
        assert_eq!(
            scopes.define("d.yaml", &crate::tree! { "A" => "root", "B" => "at ${aws.region}", "FORCED" => 1 }),
            []
        );
        assert_eq!(scopes.define("envs/prod/d.yaml", &crate::tree! { "A" => 7 }), []);
        let text = |file: &str, text: &str| {
            let mut tree = Tree::from(text);
            let replaced = scopes.replace(file, &mut tree);
            replaced.faults.first().map_or_else(|| tree.as_text().unwrap().to_owned(), |fault| fault.message.clone())
        };
        for (file, from, to) in [
            ("envs/prod/web/s.yaml", "a${var.A}b${var.B}", "a7bat eu-west-1"),
            ("envs/dev/s.yaml", "${var.A}", "root"),
            ("s.yaml", "${var.FORCED}", "cli"),
            ("s.yaml", "${HOME} $${x} ${x:-${aws.region}} $", "${HOME} $${x} ${x:-eu-west-1} $"),
            ("s.yaml", "${aws.secretKey} ${aws.region", "${aws.secretKey} eu-west-1"),
            ("s.yaml", "${aws.regoin}", "${aws.regoin} is not known"),
            ("s.yaml", "${aws.account}", "${aws.account} is not known here"),
            ("s.yaml", "${var.NONE}", "${var.NONE} is not defined"),
            ("s.yaml", "${var.A:-x}", "${var.A:-x} does not name a variable: letters, digits, - and _"),
        ] {
            assert_eq!(text(file, from), to, "{from}");
        }
        let mut whole = crate::tree! { "n" => "${var.A}", "m" => "x${var.A}" };
        assert_eq!(scopes.replace("s.yaml", &mut whole).whole, [(Path::from("n"), "var.A".to_owned())].into());
    }

    #[test]
    fn a_broken_file_may_define_what_is_then_not_certain() {
        let given = Variables::default();
        let mut scopes = Scopes::new(&given);
        scopes.define("d.yaml", &crate::tree! { "A" => "root" });
        scopes.break_at("prod/broken.yaml");
        assert!(scopes.replace("prod/x/s.yaml", &mut Tree::from("${var.A}")).faults[0].message.contains("not certain"));
        assert_eq!(scopes.replace("dev/s.yaml", &mut Tree::from("${var.A}")).faults, []);
    }
}
