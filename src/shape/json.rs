//! Trees as JSON, to the byte: the awsJson protocols, plan files, logs.

use std::collections::BTreeMap;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Name, Tree};

/// Reads one JSON value. Duplicate members are refused: which one was meant can't be known.
///
/// # Errors
/// What is wrong, with line and column.
pub fn read(bytes: &[u8]) -> Result<Tree, serde_json::Error> {
    serde_json::from_slice(bytes)
}

/// Writes a tree without spaces, members in the order of their names.
pub fn write(tree: &Tree) -> String {
    serde_json::to_string(tree).unwrap_or_default()
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(bool) => serializer.serialize_bool(*bool),
            Self::Int(int) => serializer.serialize_i64(*int),
            Self::Float(float) => serializer.serialize_f64(*float),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(name, value)| map.serialize_entry(name.as_str(), value))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value that AWS's JSON can carry")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: Error>(self, bool: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(bool))
    }

    fn visit_i64<E: Error>(self, int: i64) -> Result<Tree, E> {
        Ok(Tree::Int(int))
    }

    fn visit_u64<E: Error>(self, int: u64) -> Result<Tree, E> {
        i64::try_from(int).map(Tree::Int).map_err(|_| E::custom(format!("the integer {int} is too large")))
    }

    fn visit_f64<E: Error>(self, float: f64) -> Result<Tree, E> {
        Ok(Tree::Float(float))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(Reader)? {
            items.push(item);
        }
        items.shrink_to_fit();
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(name) = map.next_key::<Name>()? {
            if entries.contains_key(&name) {
                return Err(A::Error::custom(format!("duplicate member {name:?}")));
            }
            let value = map.next_value_seed(Reader)?;
            entries.insert(name, value);
        }
        Ok(Tree::Map(entries.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn reads_what_it_writes() {
        let tree =
            tree! { "b" => vec![1, 2], "a" => tree! { "f" => 1.5, "n" => Tree::Null, "t" => true }, "s" => "é\"" };
        assert_eq!(write(&tree), r#"{"a":{"f":1.5,"n":null,"t":true},"b":[1,2],"s":"é\""}"#);
        assert_eq!(read(write(&tree).as_bytes()).unwrap(), tree);
    }

    #[test]
    fn refuses_what_can_not_be_meant() {
        for (text, why) in [
            (r#"{"a":1,"a":2}"#, "duplicate member \"a\" at line 1 column 10"),
            ("18446744073709551615", "the integer 18446744073709551615 is too large"),
            ("{} x", "trailing characters at line 1 column 4"),
        ] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(why), "{text}: {error}");
        }
    }
}
