//! Intrinsic functions, as far as parameters, defaults, mappings and conditions tell what they give. What can't be known
//! becomes a variable. Must not know: ECS, but for what the name of one of its resources is.

use crate::import::Variable;
use crate::import::convert::Step;
use crate::import::limits;
use crate::import::names::placeholder;
use crate::kinds::definition;
use crate::shape::{Path, Tree};

use super::{kind, variable_of};

/// A value that is not known.
pub struct Open {
    pub name: String,
    pub at: Path,
    pub variable: Variable,
}

pub struct Resolver<'a> {
    template: &'a Tree,
    parameters: &'a [(String, String)],
    pub opened: Vec<Open>,
    depth: usize,
    steps: usize,
}

/// What a function gives.
enum Given {
    Value(Tree, Path),
    Absent,
    /// What it would have been, for a variable's name and its comment.
    Open(String, String),
}

impl<'a> Resolver<'a> {
    pub fn new(template: &'a Tree, parameters: &'a [(String, String)]) -> Self {
        Self { template, parameters, opened: Vec::new(), depth: 0, steps: 0 }
    }

    /// A value with the function at its top replaced by what it gives.
    pub fn step(&mut self, tree: &Tree, path: &Path) -> Step {
        let before = self.opened.len();
        let given = self.given(tree, path);
        let (tree, path) = match given {
            Given::Value(tree, path) => (tree, path),
            Given::Absent => return Step::Absent,
            Given::Open(name, why) => (Tree::from(self.open(name, why, path)), path.clone()),
        };
        let opened = self.opened.iter().skip(before).map(|open| open.variable.why.clone());
        let remark: Vec<String> = opened.collect();
        Step::Value(tree, path, (!remark.is_empty()).then(|| remark.join("; ")))
    }

    fn open(&mut self, name: String, why: String, at: &Path) -> String {
        let name = variable_of(&name);
        let text = placeholder(&name);
        self.opened.push(Open { name, at: at.clone(), variable: Variable { why, default: None, hidden: None } });
        text
    }

    fn given(&mut self, tree: &Tree, path: &Path) -> Given {
        self.steps += 1;
        if self.depth >= limits::FUNCTIONS_DEPTH || self.steps > limits::FUNCTIONS {
            return Given::Open("circle".to_owned(), "it leads in a circle, or too deep".to_owned());
        }
        self.depth += 1;
        let given = match function(tree) {
            Some((name, written, inner)) => self.call(name, inner, &path.name(written)),
            None => Given::Value(tree.clone(), path.clone()),
        };
        self.depth -= 1;
        given
    }

    fn call(&mut self, name: &str, inner: &Tree, at: &Path) -> Given {
        let open = |what: String| Given::Open(what.clone(), format!("!{name} {what}"));
        match (name, inner) {
            ("Ref", Tree::Text(name)) => self.reference(name),
            ("GetAtt", Tree::Text(name)) => open(name.to_string()),
            ("GetAtt", Tree::List(parts)) => open(parts.iter().filter_map(Tree::as_text).collect::<Vec<_>>().join(".")),
            ("Sub", Tree::Text(text)) => self.substitute(text, None, at),
            ("Sub", Tree::List(parts)) => match parts.as_slice() {
                [Tree::Text(text), names] => self.substitute(text, Some((names, at.index(1))), at),
                _ => open(String::new()),
            },
            ("Join", Tree::List(parts)) => match parts.as_slice() {
                [Tree::Text(between), list] => {
                    let Some(items) = self.list(list, &at.index(1)) else { return open("list".to_owned()) };
                    Given::Value(Tree::from(items.join(between)), at.clone())
                }
                _ => open("list".to_owned()),
            },
            ("Split", Tree::List(parts)) => match parts.as_slice() {
                [Tree::Text(between), text] if !between.is_empty() => {
                    let Some(text) = self.text(text, &at.index(1)) else { return open("text".to_owned()) };
                    Given::Value(text.split(&**between).collect::<Vec<_>>().into(), at.clone())
                }
                _ => open("text".to_owned()),
            },
            ("Select", Tree::List(parts)) => match parts.as_slice() {
                [index, list] => self.select(index, list, at),
                _ => open("list".to_owned()),
            },
            ("If", Tree::List(parts)) => match parts.as_slice() {
                [Tree::Text(name), yes, no] => match self.condition(name) {
                    Some(true) => self.given(yes, &at.index(1)),
                    Some(false) => self.given(no, &at.index(2)),
                    None => Given::Open(format!("If-{name}"), format!("!If {name}: whether it holds is not known")),
                },
                _ => open("condition".to_owned()),
            },
            ("FindInMap", Tree::List(parts)) => self.find_in_map(parts, at),
            ("ImportValue", inner) => {
                let name = self.text(inner, at).unwrap_or_default();
                open(name)
            }
            (name, _) => Given::Open(name.to_owned(), format!("!{name}")),
        }
    }

    fn reference(&mut self, name: &str) -> Given {
        let text = |text: &str| Given::Value(text.into(), Path::root());
        if let Some((_, value)) = self.parameters.iter().find(|(one, _)| one == name) {
            return self.typed(name, value);
        }
        match name {
            "AWS::NoValue" => return Given::Absent,
            "AWS::Region" => return text("${aws.region}"),
            "AWS::AccountId" => return text("${aws.account}"),
            "AWS::Partition" => return text("aws"),
            "AWS::URLSuffix" => return text("amazonaws.com"),
            _ => {}
        }
        let template = self.template;
        if let Some(parameter) = template.at(&["Parameters", name]) {
            return match parameter.get("Default") {
                Some(Tree::Text(value)) => self.typed(name, value),
                Some(value) => Given::Value(value.clone(), Path::from("Parameters").name(name)),
                None => Given::Open(name.to_owned(), format!("!Ref {name}, a parameter without a value")),
            };
        }
        let Some(resource) = template.at(&["Resources", name]) else {
            return Given::Open(name.to_owned(), format!("!Ref {name}, which the template does not have"));
        };
        let Some(kind) = kind(resource) else {
            let kind = resource.text("Type").unwrap_or("no type");
            return Given::Open(name.to_owned(), format!("!Ref {name}, of the stack ({kind})"));
        };
        // An ECS resource of the template is a manifest of that name.
        let member = definition(kind).name_member;
        let properties = resource.get("Properties").and_then(Tree::as_map).into_iter().flatten();
        let own = properties.into_iter().find(|(one, _)| one.eq_ignore_ascii_case(member));
        let at = Path::from("Resources").name(name).name("Properties").name(member);
        own.map_or_else(|| text(name), |(_, value)| self.given(value, &at))
    }

    /// A parameter's text as its type has it.
    fn typed(&self, name: &str, value: &str) -> Given {
        let of = self.template.at(&["Parameters", name]).and_then(|parameter| parameter.text("Type"));
        let at = Path::from("Parameters").name(name);
        match of {
            Some(of) if of.starts_with("List<") || of == "CommaDelimitedList" => {
                Given::Value(value.split(',').map(str::trim).collect::<Vec<_>>().into(), at)
            }
            _ => Given::Value(value.into(), at),
        }
    }

    /// A text; what is not known in it stands there as a variable. Nothing where it is no text.
    fn text(&mut self, tree: &Tree, at: &Path) -> Option<String> {
        match self.given(tree, at) {
            Given::Value(Tree::Text(text), _) => Some(text.into()),
            Given::Value(value @ (Tree::Int(_) | Tree::Bool(_) | Tree::Float(_)), _) => {
                Some(crate::shape::json::write(&value))
            }
            Given::Open(name, why) => Some(self.open(name, why, at)),
            Given::Value(..) | Given::Absent => None,
        }
    }

    fn list(&mut self, tree: &Tree, at: &Path) -> Option<Vec<String>> {
        let Given::Value(Tree::List(items), at) = self.given(tree, at) else { return None };
        let items: Vec<(usize, &Tree)> = items.iter().enumerate().collect();
        items.into_iter().map(|(index, item)| self.text(item, &at.index(index))).collect()
    }

    fn select(&mut self, index: &Tree, list: &Tree, at: &Path) -> Given {
        let index = self.text(index, &at.index(0)).and_then(|text| text.parse::<usize>().ok());
        let items = self.list(list, &at.index(1));
        match (index, items) {
            (Some(index), Some(items)) if index < items.len() => {
                Given::Value(Tree::from(items.get(index).cloned().unwrap_or_default()), at.clone())
            }
            _ => Given::Open("Select".to_owned(), "!Select from a list that is not known".to_owned()),
        }
    }

    fn find_in_map(&mut self, parts: &[Tree], at: &Path) -> Given {
        let mut names = Vec::new();
        for (index, part) in parts.iter().enumerate().take(3) {
            names.extend(self.text(part, &at.index(index)));
        }
        let template = self.template;
        let found = match names.as_slice() {
            [map, first, second] => template.at(&["Mappings", map, first, second]).cloned(),
            _ => None,
        };
        let what = names.join(".");
        match found {
            Some(value) => Given::Value(value, at.clone()),
            None => Given::Open(what.clone(), format!("!FindInMap {what}, which the mappings do not have")),
        }
    }

    /// `${Name}`, `${Resource.Attribute}`, and `${!Literal}`.
    fn substitute(&mut self, text: &str, names: Option<(&Tree, Path)>, at: &Path) -> Given {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((inside, after)) = after.split_once('}') else {
                out.push_str("${");
                rest = after;
                continue;
            };
            rest = after;
            let name = inside.trim();
            let own = names.as_ref().and_then(|(names, at)| Some((names.get(name)?.clone(), at.name(name))));
            let value = match (inside.strip_prefix('!'), own) {
                (Some(literal), _) => Some(format!("${{{literal}}}")),
                (None, Some((value, at))) => self.text(&value, &at),
                (None, None) if name.contains('.') => Some(self.open(name.to_owned(), format!("!GetAtt {name}"), at)),
                (None, None) => self.text(&crate::tree! { "Ref" => name }, at),
            };
            out.push_str(&value.unwrap_or_default());
        }
        out.push_str(rest);
        Given::Value(Tree::from(out), at.clone())
    }

    /// Whether a condition holds; nothing where that is not known.
    pub fn condition(&mut self, name: &str) -> Option<bool> {
        let template = self.template;
        let condition = template.at(&["Conditions", name])?;
        self.holds(condition, &Path::from("Conditions").name(name))
    }

    fn holds(&mut self, tree: &Tree, at: &Path) -> Option<bool> {
        if self.depth >= limits::FUNCTIONS_DEPTH {
            return None;
        }
        self.depth += 1;
        let before = self.opened.len();
        let holds = match tree {
            Tree::Map(map) if map.len() == 1 && map.contains_key("Condition") => {
                tree.text("Condition").and_then(|name| self.condition(name))
            }
            tree => self.holds_function(tree, at),
        };
        self.depth -= 1;
        // What is not known of a condition is told by the !If that asks.
        self.opened.truncate(before);
        holds
    }

    fn holds_function(&mut self, tree: &Tree, at: &Path) -> Option<bool> {
        let (name, written, inner) = function(tree)?;
        let at = at.name(written);
        if let ("Condition", Tree::Text(name)) = (name, inner) {
            return self.condition(name);
        }
        let parts = inner.as_list()?;
        let mut all = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            match name {
                "Equals" => {
                    let before = self.opened.len();
                    let text = self.text(part, &at.index(index));
                    all.push((text.filter(|_| self.opened.len() == before), None));
                }
                _ => all.push((None, self.holds(part, &at.index(index)))),
            }
        }
        let sides: Vec<Option<bool>> = all.iter().map(|(_, holds)| *holds).collect();
        match (name, all.as_slice()) {
            ("Equals", [(Some(a), _), (Some(b), _)]) => Some(a == b),
            ("Not", [(_, holds)]) => holds.map(|holds| !holds),
            ("And", _) if sides.contains(&Some(false)) => Some(false),
            ("Or", _) if sides.contains(&Some(true)) => Some(true),
            ("And" | "Or", _) if !sides.contains(&None) => Some(name == "And"),
            _ => None,
        }
    }
}

/// The function that a map is, its name as it is written, and what it takes.
fn function(tree: &Tree) -> Option<(&str, &str, &Tree)> {
    let map = tree.as_map().filter(|map| map.len() == 1)?;
    let (written, inner) = map.iter().next()?;
    let name = written.strip_prefix("Fn::").or_else(|| written.strip_prefix('!'));
    let name = name.or((written == "Ref").then_some("Ref"))?;
    Some((name, written, inner))
}
