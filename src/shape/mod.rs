//! The currency: ordered trees in which absent, null, zero and "" differ, the table of AWS's
//! shapes they are judged by, and calls as values.
//!
//! Must not know: what any kind of resource means.

pub mod call;
pub mod check;
pub mod ec2_query;
pub mod json;
pub mod map;
pub mod name;
pub mod near;
pub mod packed;
pub mod plain;
pub mod table;
pub mod time;
pub mod tree;

pub use call::Call;
pub use map::Map;
pub use name::Name;
pub use packed::Packed;
pub use plain::plain;
pub use time::Time;
pub use tree::{Path, Segment, Tree};
