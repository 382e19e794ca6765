//! What a plan tells of values that may be secret. Must not know: which values these are.

use std::hash::{BuildHasher, RandomState};

use sha2::{Digest, Sha256};

use crate::shape::{Tree, json};

/// Hex digits of a hash that are shown: enough to tell two values apart.
const DIGITS: usize = 8;

/// Whether secrets are shown, and else what stands in their place.
///
/// A hash is made with a key that is drawn anew for each plan and thrown away with it: who reads the plan can't try
/// short values against it, nor tell whether two places, or two plans, have the same value.
#[derive(Clone, Debug)]
pub enum Secrets {
    Shown,
    Hashed(Vec<u8>),
}

impl Secrets {
    /// Kept back, with a new key.
    pub fn hashed() -> Self {
        // The standard library's own generator of keys that nobody can guess; each hasher has others.
        let key = (0_u8..4).flat_map(|part| RandomState::new().hash_one(part).to_be_bytes());
        Self::Hashed(key.collect())
    }

    pub fn are_shown(&self) -> bool {
        matches!(self, Self::Shown)
    }

    /// What stands for the value at this place; `None` where values are shown.
    pub fn hash(&self, place: &str, value: &Tree) -> Option<String> {
        let Self::Hashed(key) = self else { return None };
        let (place, value) = (Sha256::digest(place), Sha256::digest(json::write(value)));
        let bytes = Sha256::new().chain_update(key).chain_update(place).chain_update(value).finalize();
        Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().chars().take(DIGITS).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_tells_values_apart_and_nothing_else() {
        let (one, other) = (Secrets::hashed(), Secrets::hashed());
        let hash = |of: &Secrets, place: &str, value: &str| of.hash(place, &value.into()).unwrap();
        assert_eq!(hash(&one, "a", "x"), hash(&one, "a", "x"));
        for (a, b) in [
            (hash(&one, "a", "x"), hash(&one, "a", "y")),
            (hash(&one, "a", "x"), hash(&one, "b", "x")),
            (hash(&one, "a", "x"), hash(&other, "a", "x")),
        ] {
            assert_ne!(a, b);
        }
        assert_eq!(Secrets::Shown.hash("a", &"x".into()), None);
    }
}
