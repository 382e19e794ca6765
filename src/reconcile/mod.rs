//! The loop that brings observed to desired state and keeps it there. Must not know: SDK types, files, HTTP.

mod apply;
pub mod backoff;
mod before;
pub mod conditions;
pub mod controller;
mod facts;
mod heals;
mod history;
pub mod lookups;
pub mod pass;
pub mod preflight;
pub mod prune;
pub mod queue;
pub mod retention;
mod rollouts;
pub mod sweep;
pub mod why;
pub mod witness;

pub use controller::{Controller, Settings, Until};
pub use facts::{NEEDS_MAX, resolution};
pub use pass::{Ended, Shared};
