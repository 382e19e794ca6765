//! EC2's protocol: forms in, XML out, and each back, by the shape table alone. Trees have the table's member names.
//!
//! The rules are those of <https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html>: lists in a form are
//! numbered (`Filter.1.Value.2`), in an answer their items are `item`; times are ISO 8601. Must not know: any operation.

mod form;
#[cfg(test)]
mod tests;
mod xml;

pub use form::{Form, FormError, read_form, write_form};
pub use xml::{XmlError, escape, read_xml, write_xml};

use super::table::Shape;
use super::{Time, Tree};

/// The deepest tree taken from a wire; the deepest shape of the table has ten levels.
pub const DEPTH_MAX: usize = 24;

/// The largest answer read; a page of a thousand network interfaces has three MiB.
pub const XML_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A text as the scalar that the shape wants; where it is none, what was due.
fn scalar(shape: &Shape, text: &str) -> Result<Tree, &'static str> {
    let integer = |fits: fn(i64) -> bool| text.trim().parse::<i64>().ok().filter(|number| fits(*number)).map(Tree::Int);
    match shape {
        Shape::Text(_) | Shape::Blob => Ok(Tree::from(text)),
        Shape::Integer(_) => integer(|number| i32::try_from(number).is_ok()).ok_or("a 32-bit integer"),
        Shape::Long(_) => integer(|_| true).ok_or("an integer"),
        Shape::Float(_) => {
            let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
            number.map(Tree::Float).ok_or("a number")
        }
        Shape::Boolean => match text.trim() {
            "true" => Ok(Tree::Bool(true)),
            "false" => Ok(Tree::Bool(false)),
            _ => Err("true or false"),
        },
        Shape::Timestamp => text.trim().parse::<Time>().map(Time::to_tree).map_err(|_| "an ISO 8601 time"),
        Shape::Structure(_) | Shape::List { .. } | Shape::Map { .. } | Shape::Document => Err("a structure or list"),
    }
}

/// A scalar as text; none for null and for what has parts.
fn text(shape: &Shape, tree: &Tree) -> Option<String> {
    match (shape, tree) {
        (Shape::Timestamp, tree) => Time::from_tree(tree).map(|time| time.to_string()),
        (_, Tree::Text(text)) => Some(text.to_string()),
        (_, Tree::Bool(value)) => Some(value.to_string()),
        (_, Tree::Int(value)) => Some(value.to_string()),
        (_, Tree::Float(value)) => Some(value.to_string()),
        (_, Tree::Null | Tree::List(_) | Tree::Map(_)) => None,
    }
}
