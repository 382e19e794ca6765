//! Hashes of canonical trees: caches of equality, never reasons to write.

use std::fmt::Write;

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
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a String can't fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex.truncate(digits);
    hex
}
