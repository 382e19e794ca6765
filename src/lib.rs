//! GitOps for Amazon ECS.
//!
//! The folders stand in the order in which a change travels:
//!
//! ```text
//! git-synced dir → source/ → manifest/ → kinds/ → check/ → plan/ → reconcile/ ─→ aws/ ──→ ECS (or sim/, below the SDK)
//!                                           ↑                          │ ↑         │
//!                                           └───────── observe/ ←──────┼─┼─────────┘
//!                                              status → serve/ (metrics, health) · cli/
//! ```
#![forbid(unsafe_code)]

pub mod aws;
pub mod clock;
pub mod kinds;
pub mod reconcile;
pub mod shape;
pub mod sim;
