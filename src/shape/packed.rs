//! Trees that are only kept: in a quarter of the memory, to be looked into once in a while.

use super::{Map, Name, Tree};

/// A tree at rest. Equal trees are equal bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed(Box<[u8]>);

// The first byte of a value.
const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const FLOAT: u8 = 4;
const TEXT: u8 = 5;
const LIST: u8 = 6;
const MAP: u8 = 7;

impl Packed {
    pub fn of(tree: &Tree) -> Self {
        let mut bytes = Vec::new();
        write(tree, &mut bytes);
        Self(bytes.into())
    }

    pub fn tree(&self) -> Tree {
        // Nobody else writes them.
        Reader(&self.0).tree().unwrap_or_default()
    }
}

fn write(tree: &Tree, bytes: &mut Vec<u8>) {
    match tree {
        Tree::Null => bytes.push(NULL),
        Tree::Bool(false) => bytes.push(FALSE),
        Tree::Bool(true) => bytes.push(TRUE),
        Tree::Int(int) => {
            bytes.push(INT);
            // Small numbers of either sign in few bytes.
            write_number(((int << 1) ^ (int >> 63)).cast_unsigned(), bytes);
        }
        Tree::Float(float) => {
            bytes.push(FLOAT);
            bytes.extend(float.to_bits().to_le_bytes());
        }
        Tree::Text(text) => {
            bytes.push(TEXT);
            write_text(text, bytes);
        }
        Tree::List(items) => {
            bytes.push(LIST);
            write_number(items.len() as u64, bytes);
            items.iter().for_each(|item| write(item, bytes));
        }
        Tree::Map(map) => {
            bytes.push(MAP);
            write_number(map.len() as u64, bytes);
            for (name, value) in map {
                match name.number() {
                    Some(number) => write_number(number as u64 + 1, bytes),
                    None => {
                        write_number(0, bytes);
                        write_text(name, bytes);
                    }
                }
                write(value, bytes);
            }
        }
    }
}

fn write_text(text: &str, bytes: &mut Vec<u8>) {
    write_number(text.len() as u64, bytes);
    bytes.extend(text.as_bytes());
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn write_number(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn tree(&mut self) -> Option<Tree> {
        Some(match self.byte()? {
            FALSE => Tree::Bool(false),
            TRUE => Tree::Bool(true),
            INT => {
                let bits = self.number()?;
                Tree::Int((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed())
            }
            FLOAT => Tree::Float(f64::from_bits(u64::from_le_bytes(self.take(8)?.try_into().ok()?))),
            TEXT => Tree::from(self.text()?),
            LIST => {
                let length = self.number()?;
                Tree::List((0..length).map(|_| self.tree()).collect::<Option<_>>()?)
            }
            MAP => {
                let length = self.number()?;
                Tree::Map((0..length).map(|_| Some((self.name()?, self.tree()?))).collect::<Option<Map>>()?)
            }
            _ => Tree::Null,
        })
    }

    fn name(&mut self) -> Option<Name> {
        match usize::try_from(self.number()?).ok()? {
            0 => self.text().map(Name::from),
            number => Name::of_number(number - 1),
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    fn number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
            shift += 7;
        }
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tree;

    fn any_tree() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            Just(Tree::Null),
            any::<bool>().prop_map(Tree::Bool),
            prop_oneof![any::<i64>(), -70_i64..70].prop_map(Tree::Int),
            any::<f64>().prop_filter("a number equals itself", |float| !float.is_nan()).prop_map(Tree::Float),
            ".{0,200}".prop_map(Tree::from),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            let name = prop_oneof![Just("desiredCount".to_owned()), Just("tags".to_owned()), ".{0,8}"];
            let map = prop::collection::btree_map(name, inner.clone(), 0..6);
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(Tree::List),
                map.prop_map(|members| Tree::Map(members.into()))
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_out_as_it_was(tree in any_tree()) {
            prop_assert_eq!(Packed::of(&tree).tree(), tree);
        }
    }

    #[test]
    fn a_member_of_ecs_costs_little_beside_its_value() {
        let packed = Packed::of(&tree! { "deploymentConfiguration" => tree! { "maximumPercent" => 200 } });
        assert!(packed.0.len() <= 12, "{} bytes", packed.0.len());
    }
}
