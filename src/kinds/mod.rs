//! What each kind of object means. Must not know: files, HTTP, the queue, clients.

pub mod key;

pub use key::{Key, Kind, Place};
