//! Answers: the elements of an output, and the tree that they mean.

use std::borrow::Cow;
use std::collections::BTreeMap;

use xmlparser::{ElementEnd, Token, Tokenizer};

use super::super::table::{Shape, Structure, Table};
use super::super::{Map, Tree};
use super::{DEPTH_MAX, XML_BYTES_MAX, scalar, text};

/// Why an answer can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    #[error("the answer has more than {XML_BYTES_MAX} bytes")]
    Large,
    #[error("the answer has more than {DEPTH_MAX} levels")]
    Deep,
    #[error("the answer is not XML: {0}")]
    Malformed(String),
    #[error("{path} must be {expected}, but is {value:?}")]
    Invalid { path: String, value: String, expected: &'static str },
}

/// The members of an output as elements, without the element around them that names the operation.
pub fn write_xml(table: &Table, output: &Structure, tree: &Tree) -> String {
    let mut xml = String::new();
    put_structure(table, output, tree, &mut xml);
    xml
}

fn put_structure(table: &Table, shape: &Structure, tree: &Tree, xml: &mut String) {
    for (name, value) in tree.as_map().into_iter().flatten() {
        if let Some(member) = shape.members.get(name.as_str()) {
            put(table, member.shape, value, &member.in_xml(name), xml);
        }
    }
}

fn put(table: &Table, shape: &str, tree: &Tree, name: &str, xml: &mut String) {
    let Some(shape) = table.shapes.get(shape) else { return };
    if *tree == Tree::Null {
        return;
    }
    let mut inner = String::new();
    match shape {
        Shape::Structure(shape) => put_structure(table, shape, tree, &mut inner),
        Shape::List { item } => {
            let items = tree.as_list().unwrap_or_default();
            items.iter().for_each(|value| put(table, item, value, "item", &mut inner));
        }
        shape => inner.push_str(&escape(&text(shape, tree).unwrap_or_default())),
    }
    if inner.is_empty() {
        xml.push_str(&format!("<{name}/>"));
    } else {
        xml.push_str(&format!("<{name}>{inner}</{name}>"));
    }
}

/// Text between tags. Characters that XML 1.0 has no place for become `�`.
pub fn escape(text: &str) -> Cow<'_, str> {
    let plain = |letter: char| !matches!(letter, '&' | '<' | '>' | '"') && !letter.is_control();
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            // A bare one would be read as a line's end.
            '\r' => escaped.push_str("&#xD;"),
            letter if u32::from(letter) < 0x20 => escaped.push(char::REPLACEMENT_CHARACTER),
            letter => escaped.push(letter),
        }
    }
    Cow::Owned(escaped)
}

/// An element as it was found: its children, and the text between them.
#[derive(Default)]
struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

/// The output in an answer, whatever its outermost element is called. Elements that the structure does not know are
/// passed over.
///
/// # Errors
/// XML that is not whole, too large or too deep, and values of another type than the structure's.
pub fn read_xml(table: &Table, output: &Structure, xml: &str) -> Result<Tree, XmlError> {
    let root = parse(xml)?;
    structure(table, output, &root, "").map(Tree::Map)
}

fn structure(table: &Table, shape: &Structure, element: &Element, path: &str) -> Result<Map, XmlError> {
    let known: BTreeMap<Cow<str>, (&str, &str)> =
        shape.members.iter().map(|(name, member)| (member.in_xml(name), (*name, member.shape))).collect();
    let mut members = Map::new();
    for child in &element.children {
        let Some((name, shape)) = known.get(child.name.as_str()) else { continue };
        let value = value(table, shape, child, &format!("{path}/{}", child.name))?;
        members.insert((*name).to_owned(), value);
    }
    Ok(members)
}

fn value(table: &Table, shape: &str, element: &Element, path: &str) -> Result<Tree, XmlError> {
    match table.shapes.get(shape) {
        Some(Shape::Structure(shape)) => structure(table, shape, element, path).map(Tree::Map),
        Some(Shape::List { item }) => {
            let items = element.children.iter().map(|child| value(table, item, child, path));
            items.collect::<Result<_, _>>().map(Tree::List)
        }
        Some(Shape::Map { .. } | Shape::Document) | None => Ok(Tree::Null),
        Some(shape) => scalar(shape, &element.text).map_err(|expected| XmlError::Invalid {
            path: path.to_owned(),
            value: element.text.clone(),
            expected,
        }),
    }
}

fn parse(xml: &str) -> Result<Element, XmlError> {
    if xml.len() > XML_BYTES_MAX {
        return Err(XmlError::Large);
    }
    // The first holds the outermost element.
    let mut open = vec![Element::default()];
    for token in Tokenizer::from(xml) {
        match token.map_err(|error| XmlError::Malformed(error.to_string()))? {
            Token::ElementStart { local, .. } if open.len() <= DEPTH_MAX => {
                open.push(Element { name: local.as_str().to_owned(), ..Element::default() });
            }
            Token::ElementStart { .. } => return Err(XmlError::Deep),
            Token::ElementEnd { end: ElementEnd::Open, .. } => {}
            Token::ElementEnd { end, .. } => close(&mut open, end)?,
            Token::Text { text } => add_text(&mut open, &unescape(text.as_str())?),
            Token::Cdata { text, .. } => add_text(&mut open, text.as_str()),
            Token::Declaration { .. } | Token::Comment { .. } | Token::Attribute { .. } => {}
            Token::ProcessingInstruction { .. } => {}
            Token::DtdStart { .. }
            | Token::EmptyDtd { .. }
            | Token::EntityDeclaration { .. }
            | Token::DtdEnd { .. } => {
                return Err(XmlError::Malformed("it declares a document type".to_owned()));
            }
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(mut top), true) => top.children.pop().ok_or_else(|| XmlError::Malformed("it has no element".to_owned())),
        (last, _) => {
            let name = last.map(|element| element.name).unwrap_or_default();
            Err(XmlError::Malformed(format!("<{name}> has no end")))
        }
    }
}

fn add_text(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn close(open: &mut Vec<Element>, end: ElementEnd) -> Result<(), XmlError> {
    let (element, parent) = (open.pop().unwrap_or_default(), open.last_mut());
    let ends = match end {
        ElementEnd::Close(_, local) => local.as_str() == element.name,
        ElementEnd::Open | ElementEnd::Empty => true,
    };
    match parent {
        Some(parent) if ends => {
            parent.children.push(element);
            Ok(())
        }
        _ => Err(XmlError::Malformed(format!("<{}> ends as another element", element.name))),
    }
}

fn unescape(text: &str) -> Result<Cow<'_, str>, XmlError> {
    if !text.contains('&') {
        return Ok(Cow::Borrowed(text));
    }
    let mut pieces = text.split('&');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let letter = |name: &str| match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            name => {
                let code = name.strip_prefix('#')?;
                let number =
                    code.strip_prefix('x').map_or_else(|| code.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok());
                char::from_u32(number?)
            }
        };
        let read = piece.split_once(';').and_then(|(name, rest)| Some((letter(name)?, rest)));
        let (letter, rest) = read.ok_or_else(|| XmlError::Malformed("a reference to no character".to_owned()))?;
        plain.push(letter);
        plain.push_str(rest);
    }
    Ok(Cow::Owned(plain))
}
