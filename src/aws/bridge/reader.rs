//! Tree → SDK type: answers the generated deserialisers from a tree.

use aws_smithy_schema::Schema;
use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};
use aws_smithy_types::{BigDecimal, BigInteger, Blob, DateTime, Document, Number};

use crate::shape::{Map, Name, Time, Tree};

type Read<T> = Result<T, SerdeError>;

/// Reads a tree that has passed `shape::check`. Null and unknown members are skipped, as AWS would.
pub struct TreeReader<'a> {
    here: &'a Tree,
}

impl<'a> TreeReader<'a> {
    pub fn new(tree: &'a Tree) -> Self {
        Self { here: tree }
    }

    fn map(&self) -> Read<&'a Map> {
        self.here.as_map().ok_or_else(|| self.unfit("a map"))
    }

    fn int<T: TryFrom<i64>>(&self, expected: &str) -> Read<T> {
        self.here.as_int().and_then(|int| T::try_from(int).ok()).ok_or_else(|| self.unfit(expected))
    }

    fn number(&self) -> Read<f64> {
        match self.here {
            Tree::Int(int) => Ok(*int as f64),
            Tree::Float(float) => Ok(*float),
            _ => Err(self.unfit("a number")),
        }
    }

    fn unfit(&self, expected: &str) -> SerdeError {
        SerdeError::custom(format!("expected {expected}, found {}", self.here.noun()))
    }
}

impl<'a> ShapeDeserializer for TreeReader<'a> {
    fn read_struct(
        &mut self,
        schema: &Schema<'_>,
        member: &mut dyn FnMut(&Schema<'_>, &mut dyn ShapeDeserializer) -> Read<()>,
    ) -> Read<()> {
        let known =
            |(name, value): &(&'a Name, &'a Tree)| **value != Tree::Null && schema.member_schema(name).is_some();
        for (name, value) in self.map()?.iter().filter(known) {
            if let Some(inner) = schema.member_schema(name) {
                member(inner, &mut TreeReader::new(value))?;
            }
        }
        Ok(())
    }

    fn read_list(&mut self, _: &Schema<'_>, item: &mut dyn FnMut(&mut dyn ShapeDeserializer) -> Read<()>) -> Read<()> {
        let items = self.here.as_list().ok_or_else(|| self.unfit("a list"))?;
        items.iter().try_for_each(|value| item(&mut TreeReader::new(value)))
    }

    fn read_map(
        &mut self,
        _: &Schema<'_>,
        entry: &mut dyn FnMut(String, &mut dyn ShapeDeserializer) -> Read<()>,
    ) -> Read<()> {
        self.map()?.iter().try_for_each(|(name, value)| entry(name.to_string(), &mut TreeReader::new(value)))
    }

    fn read_boolean(&mut self, _: &Schema<'_>) -> Read<bool> {
        self.here.as_bool().ok_or_else(|| self.unfit("true or false"))
    }

    fn read_byte(&mut self, _: &Schema<'_>) -> Read<i8> {
        self.int("an 8-bit integer")
    }

    fn read_short(&mut self, _: &Schema<'_>) -> Read<i16> {
        self.int("a 16-bit integer")
    }

    fn read_integer(&mut self, _: &Schema<'_>) -> Read<i32> {
        self.int("a 32-bit integer")
    }

    fn read_long(&mut self, _: &Schema<'_>) -> Read<i64> {
        self.int("an integer")
    }

    fn read_float(&mut self, _: &Schema<'_>) -> Read<f32> {
        self.number().map(|float| float as f32)
    }

    fn read_double(&mut self, _: &Schema<'_>) -> Read<f64> {
        self.number()
    }

    fn read_big_integer(&mut self, _: &Schema<'_>) -> Read<BigInteger> {
        Err(self.unfit("a number that trees do not carry"))
    }

    fn read_big_decimal(&mut self, _: &Schema<'_>) -> Read<BigDecimal> {
        Err(self.unfit("a number that trees do not carry"))
    }

    fn read_string(&mut self, _: &Schema<'_>) -> Read<String> {
        self.here.as_text().map(str::to_owned).ok_or_else(|| self.unfit("a string"))
    }

    fn read_blob(&mut self, _: &Schema<'_>) -> Read<Blob> {
        let text = self.here.as_text().ok_or_else(|| self.unfit("base64 text"))?;
        aws_smithy_types::base64::decode(text).map(Blob::new).map_err(|_| self.unfit("base64 text"))
    }

    fn read_timestamp(&mut self, _: &Schema<'_>) -> Read<DateTime> {
        let at = Time::from_tree(self.here).ok_or_else(|| self.unfit("epoch seconds"))?;
        Ok(DateTime::from_millis(at.0))
    }

    fn read_document(&mut self, _: &Schema<'_>) -> Read<Document> {
        Ok(document(self.here))
    }

    fn is_null(&self) -> bool {
        *self.here == Tree::Null
    }

    fn container_size(&self) -> Option<usize> {
        None
    }
}

fn document(tree: &Tree) -> Document {
    match tree {
        Tree::Null => Document::Null,
        Tree::Bool(bool) => Document::Bool(*bool),
        Tree::Int(int) => Document::Number(u64::try_from(*int).map_or(Number::NegInt(*int), Number::PosInt)),
        Tree::Float(float) => Document::Number(Number::Float(*float)),
        Tree::Text(text) => Document::String(text.to_string()),
        Tree::List(items) => Document::Array(items.iter().map(document).collect()),
        Tree::Map(map) => {
            Document::Object(map.iter().map(|(name, value)| (name.to_string(), document(value))).collect())
        }
    }
}
