//! Forms: `Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1` and the tree that it means.

use std::collections::BTreeMap;

use super::super::table::{Shape, Structure, Table};
use super::super::{Map, Tree};
use super::{DEPTH_MAX, scalar, text};

/// Parameters by their names, decoded.
pub type Form = BTreeMap<String, String>;

/// What a form has that its operation can't mean.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    #[error("The parameter {0} is not recognized")]
    Unknown(String),
    #[error("Invalid value '{value}' for {name}. It should be {expected}.")]
    Invalid { name: String, value: String, expected: &'static str },
    #[error("The parameter {0} has more than {DEPTH_MAX} levels.")]
    Deep(String),
}

/// One parameter on its way down: the rest of its name, its whole name and its value.
type Parameter<'a> = (&'a str, &'a str, &'a str);

/// The input that a form holds. Numbers of list items may have gaps, as EC2 lets them; their order counts.
///
/// # Errors
/// The first parameter that the structure has no place for, or whose value is of another type.
pub fn read_form(table: &Table, input: &Structure, form: &Form) -> Result<Tree, FormError> {
    let parameters: Vec<Parameter> =
        form.iter().map(|(name, value)| (name.as_str(), name.as_str(), value.as_str())).collect();
    structure(table, input, &parameters, DEPTH_MAX).map(Tree::Map)
}

fn structure(table: &Table, shape: &Structure, parameters: &[Parameter], depth: usize) -> Result<Map, FormError> {
    let known: BTreeMap<&str, (&str, &str)> =
        shape.members.iter().map(|(name, member)| (member.in_form(name), (*name, member.shape))).collect();
    let mut members = Map::new();
    for (head, below) in by_head(parameters) {
        let unknown = || FormError::Unknown(whole(&below));
        let (name, shape) = known.get(head).ok_or_else(unknown)?;
        members.insert((*name).to_owned(), value(table, shape, &below, depth)?);
    }
    Ok(members)
}

fn value(table: &Table, shape: &str, parameters: &[Parameter], depth: usize) -> Result<Tree, FormError> {
    let depth = depth.checked_sub(1).ok_or_else(|| FormError::Deep(whole(parameters)))?;
    let unknown = || FormError::Unknown(whole(parameters));
    match table.shapes.get(shape).ok_or_else(unknown)? {
        Shape::Structure(shape) => structure(table, shape, parameters, depth).map(Tree::Map),
        Shape::List { item } => {
            let mut items = BTreeMap::new();
            for (head, below) in by_head(parameters) {
                let number: u32 = head.parse().map_err(|_| FormError::Unknown(whole(&below)))?;
                items.insert(number, value(table, item, &below, depth)?);
            }
            Ok(Tree::List(items.into_values().collect()))
        }
        Shape::Map { .. } | Shape::Document => Err(unknown()),
        shape => match parameters {
            [("", name, value)] => scalar(shape, value).map_err(|expected| FormError::Invalid {
                name: (*name).to_owned(),
                value: (*value).to_owned(),
                expected,
            }),
            _ => Err(unknown()),
        },
    }
}

/// The parameters by the first part of what is left of their names.
fn by_head<'a>(parameters: &[Parameter<'a>]) -> BTreeMap<&'a str, Vec<Parameter<'a>>> {
    let mut heads: BTreeMap<&str, Vec<Parameter>> = BTreeMap::new();
    for (rest, name, value) in parameters {
        let (head, rest) = rest.split_once('.').unwrap_or((rest, ""));
        heads.entry(head).or_default().push((rest, name, value));
    }
    heads
}

/// The name that an error tells: the first one's.
fn whole(parameters: &[Parameter]) -> String {
    parameters.first().map(|(_, name, _)| (*name).to_owned()).unwrap_or_default()
}

/// The form of an input; what the structure does not know is left out, and so are empty lists and structures, which a
/// form can't carry.
pub fn write_form(table: &Table, input: &Structure, tree: &Tree) -> Form {
    let mut form = Form::new();
    put_structure(table, input, tree, "", &mut form);
    form
}

fn put_structure(table: &Table, shape: &Structure, tree: &Tree, prefix: &str, form: &mut Form) {
    for (name, value) in tree.as_map().into_iter().flatten() {
        if let Some((name, member)) = shape.members.get_key_value(name.as_str()) {
            put(table, member.shape, value, format!("{prefix}{}", member.in_form(name)), form);
        }
    }
}

fn put(table: &Table, shape: &str, tree: &Tree, name: String, form: &mut Form) {
    match table.shapes.get(shape) {
        Some(Shape::Structure(shape)) => put_structure(table, shape, tree, &format!("{name}."), form),
        Some(Shape::List { item }) => {
            for (number, value) in (1..).zip(tree.as_list().unwrap_or_default()) {
                put(table, item, value, format!("{name}.{number}"), form);
            }
        }
        Some(Shape::Map { .. } | Shape::Document) | None => {}
        Some(shape) => {
            if let Some(text) = text(shape, tree) {
                form.insert(name, text);
            }
        }
    }
}
