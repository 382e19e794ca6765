//! What several tests share.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail by panicking, and a process of its own runs in real time"
)]

#[cfg(feature = "kubernetes")]
pub mod api_server;
pub mod fleet;
pub mod git_sync;
pub mod golden;
pub mod harness;
pub mod judge;
pub mod lossy;
pub mod network;
pub mod process;
pub mod promql;
pub mod replacement;
pub mod trees;
pub mod world;
