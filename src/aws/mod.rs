//! AWS: runs a [`Call`](crate::shape::Call) through the SDK. The only place that awaits AWS and names the SDK's
//! types. Must not know: manifests, plans.

pub mod account;
pub mod bridge;
pub mod budget;
pub mod client;
pub mod ec2;
pub mod error;
pub mod operations;
pub mod pages;

pub use client::{ATTEMPT_TIMEOUT, Aws, Settings, alone};
pub use error::{CATEGORIES, CallError, Class};
pub use operations::Reply;
