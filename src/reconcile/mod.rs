//! The loop. Must not know: SDK types, files, HTTP.

pub mod status;
