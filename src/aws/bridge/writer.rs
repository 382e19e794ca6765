//! SDK type → tree: takes down what the generated serialisers say.

use aws_smithy_schema::Schema;
use aws_smithy_schema::serde::{SerdeError, SerializableStruct, ShapeSerializer};
use aws_smithy_types::{BigDecimal, BigInteger, Blob, DateTime, Document, Number};

use crate::shape::{Map, Time, Tree};

type Written = Result<(), SerdeError>;

/// Any input, output or error of the SDK as a tree.
///
/// # Errors
/// A value that trees do not carry (big numbers); ECS has none.
pub fn write(schema: &Schema<'_>, value: &dyn SerializableStruct) -> Result<Tree, SerdeError> {
    let mut writer = TreeWriter { open: vec![Open::List(Vec::new())] };
    writer.write_struct(schema, value)?;
    match writer.open.pop() {
        Some(Open::List(mut written)) => written.pop().ok_or_else(|| SerdeError::custom("nothing was written")),
        _ => Err(SerdeError::custom("a structure was left open")),
    }
}

/// A container that is being filled.
enum Open {
    Structure(Map),
    List(Vec<Tree>),
    /// Entries, and the name of the one whose value is due.
    Map(Map, Option<String>),
}

struct TreeWriter {
    open: Vec<Open>,
}

impl TreeWriter {
    fn put(&mut self, schema: &Schema<'_>, value: Tree) -> Written {
        match self.open.last_mut() {
            Some(Open::Structure(members)) => {
                let name = schema.member_name().ok_or_else(|| SerdeError::custom("a member without a name"))?;
                members.insert(name.to_owned(), value);
            }
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(entries, name)) => {
                let name = name.take().ok_or_else(|| SerdeError::custom("a map entry without a name"))?;
                entries.insert(name, value);
            }
            None => return Err(SerdeError::custom("a value outside of everything")),
        }
        Ok(())
    }

    fn close(&mut self, schema: &Schema<'_>) -> Written {
        let value = match self.open.pop() {
            Some(Open::Structure(members) | Open::Map(members, _)) => Tree::Map(members),
            Some(Open::List(items)) => Tree::List(items),
            None => return Err(SerdeError::custom("nothing is open")),
        };
        self.put(schema, value)
    }
}

impl ShapeSerializer for TreeWriter {
    fn write_struct(&mut self, schema: &Schema<'_>, value: &dyn SerializableStruct) -> Written {
        self.open.push(Open::Structure(Map::new()));
        value.serialize_members(self)?;
        self.close(schema)
    }

    fn write_list(&mut self, schema: &Schema<'_>, items: &dyn Fn(&mut dyn ShapeSerializer) -> Written) -> Written {
        self.open.push(Open::List(Vec::new()));
        items(self)?;
        self.close(schema)
    }

    fn write_map(&mut self, schema: &Schema<'_>, entries: &dyn Fn(&mut dyn ShapeSerializer) -> Written) -> Written {
        self.open.push(Open::Map(Map::new(), None));
        entries(self)?;
        self.close(schema)
    }

    fn write_boolean(&mut self, schema: &Schema<'_>, value: bool) -> Written {
        self.put(schema, value.into())
    }

    fn write_byte(&mut self, schema: &Schema<'_>, value: i8) -> Written {
        self.put(schema, i64::from(value).into())
    }

    fn write_short(&mut self, schema: &Schema<'_>, value: i16) -> Written {
        self.put(schema, i64::from(value).into())
    }

    fn write_integer(&mut self, schema: &Schema<'_>, value: i32) -> Written {
        self.put(schema, value.into())
    }

    fn write_long(&mut self, schema: &Schema<'_>, value: i64) -> Written {
        self.put(schema, value.into())
    }

    fn write_float(&mut self, schema: &Schema<'_>, value: f32) -> Written {
        self.put(schema, f64::from(value).into())
    }

    fn write_double(&mut self, schema: &Schema<'_>, value: f64) -> Written {
        self.put(schema, value.into())
    }

    fn write_big_integer(&mut self, _: &Schema<'_>, _: &BigInteger) -> Written {
        Err(SerdeError::custom("trees do not carry big integers"))
    }

    fn write_big_decimal(&mut self, _: &Schema<'_>, _: &BigDecimal) -> Written {
        Err(SerdeError::custom("trees do not carry big decimals"))
    }

    fn write_string(&mut self, schema: &Schema<'_>, value: &str) -> Written {
        if let Some(Open::Map(_, name @ None)) = self.open.last_mut() {
            *name = Some(value.to_owned());
            return Ok(());
        }
        self.put(schema, value.into())
    }

    fn write_blob(&mut self, schema: &Schema<'_>, value: Blob) -> Written {
        self.put(schema, aws_smithy_types::base64::encode(value).into())
    }

    fn write_timestamp(&mut self, schema: &Schema<'_>, value: &DateTime) -> Written {
        // The SDK reads 1.759 s as 1.758999943: what AWS says in milliseconds is meant in milliseconds.
        let millis = (value.as_nanos() + 500_000).div_euclid(1_000_000);
        let millis = i64::try_from(millis).map_err(|error| SerdeError::custom(error.to_string()))?;
        self.put(schema, Time(millis).into())
    }

    fn write_document(&mut self, schema: &Schema<'_>, value: &Document) -> Written {
        self.put(schema, tree(value))
    }

    fn write_null(&mut self, schema: &Schema<'_>) -> Written {
        self.put(schema, Tree::Null)
    }
}

fn tree(document: &Document) -> Tree {
    match document {
        Document::Null => Tree::Null,
        Document::Bool(bool) => Tree::Bool(*bool),
        Document::Number(Number::PosInt(int)) => i64::try_from(*int).map_or(Tree::Float(*int as f64), Tree::Int),
        Document::Number(Number::NegInt(int)) => Tree::Int(*int),
        Document::Number(Number::Float(float)) => Tree::Float(*float),
        Document::String(text) => Tree::from(text),
        Document::Array(items) => Tree::List(items.iter().map(tree).collect()),
        Document::Object(map) => Tree::Map(map.iter().map(|(name, value)| (name.clone(), tree(value))).collect()),
    }
}
