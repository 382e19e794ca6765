//! What people type and read: arguments, exit codes, plain output. Must not know: how anything is done.

pub mod args;
mod config;
pub mod draw;
pub mod exit;
pub mod findings;
mod help;
pub mod import;
pub mod ink;
pub mod live;
pub mod plan;
pub mod preflight;
pub mod print;
pub mod terminal;

pub use args::{Args, Command};
pub use exit::Exit;
pub use terminal::Terminal;
