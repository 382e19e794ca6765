//! Files.
use super::{Found, Note};
pub fn read() -> (Vec<Found>, Vec<Note>) { (vec![], vec![]) }
