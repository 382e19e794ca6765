//! Hashes of canonical trees: caches of equality, never reasons to write.

use sha2::{Digest, Sha256};

use crate::shape::{Tree, json};

/// Hex digits kept: 128 bits tell any two contents apart.
const DIGITS: usize = 32;

/// A hash of the tree's JSON.
pub fn hash(tree: &Tree) -> String {
    short(&json::write(tree), DIGITS)
}

/// The first hex digits of a text's SHA-256.
pub fn short(text: &str, digits: usize) -> String {
    let bytes = Sha256::digest(text.as_bytes());
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().chars().take(digits).collect()
}
