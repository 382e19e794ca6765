//! Between trees and the SDK's types, with no ECS shape named by hand: the SDK's own schemas lead the way.

mod reader;
mod writer;

pub use reader::TreeReader;
pub use writer::write;
