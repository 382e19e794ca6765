//! What stands in a plan file for values that may be secret. Must not know: which values these are.

use crate::kinds::{hash, secrets};
use crate::shape::{Map, Name, Path, Tree, json};

/// What stands in a sealed value's place.
pub const SEALED: &str = "(sealed)";
/// Hex digits of a hash: 128 bits, so that no two values are taken for one.
const DIGITS: usize = 32;

/// Makes hashes by a key that each file has of its own, so that two files can't be laid side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal(String);

impl Seal {
    /// By a key that was drawn by chance.
    pub fn new(key: &[u8]) -> Self {
        Self(key.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// By a key out of a file.
    pub fn of_key(key: &str) -> Option<Self> {
        let is_hex = key.len() >= DIGITS && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| Self(key.to_owned()))
    }

    pub fn key(&self) -> &str {
        &self.0
    }

    /// What stands for this text.
    pub fn hash(&self, text: &str) -> String {
        hash::short(&format!("{} {}", self.0, hash::short(text, 64)), DIGITS)
    }

    /// The tree without its secret values, and one hash for all of them: whoever has the file has to guess them all at
    /// once.
    pub fn input(&self, tree: &Tree) -> (Tree, Option<String>) {
        let mut values = Map::new();
        let shown = take(tree, None, &Path::root(), &mut values);
        let sealed = (!values.is_empty()).then(|| self.hash(&json::write(&values.into())));
        (shown, sealed)
    }
}

fn take(tree: &Tree, within: Option<&str>, at: &Path, values: &mut Map) -> Tree {
    match tree {
        Tree::Map(map) => {
            let one = |(name, value): (&Name, &Tree)| {
                let at = at.name(name);
                let shown = match secrets::is_member(within, name) {
                    true => {
                        values.insert(at.to_string(), value.clone());
                        SEALED.into()
                    }
                    false => take(value, Some(name), &at, values),
                };
                (name.clone(), shown)
            };
            Tree::Map(map.iter().map(one).collect())
        }
        Tree::List(items) => {
            let one = |(index, item): (usize, &Tree)| take(item, None, &at.index(index), values);
            Tree::List(items.iter().enumerate().map(one).collect())
        }
        other => other.clone(),
    }
}
