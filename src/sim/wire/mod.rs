//! The doors: protocols in, protocols out. Must not know: what an operation does.
