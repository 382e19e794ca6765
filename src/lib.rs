//! GitOps for Amazon ECS.
//!
//! The folders stand in the order in which a change travels:
//!
//! ```text
//! git-synced dir → source/ → manifest/ → kinds/ → check/ → plan/ → reconcile/ ─→ aws/ ──→ ECS (or sim/, below the SDK)
//!                                           ↑                          │ ↑         │
//!                                           └───────── observe/ ←──────┼─┼─────────┘
//!                                              status → serve/ (metrics, health, page) · cli/
//! live ECS, other tools' files → import/ → manifests
//! ```

pub mod app;
pub mod aws;
pub mod check;
pub mod cli;
pub mod clock;
pub mod connections;
pub mod import;
pub mod kinds;
pub mod lease;
pub mod manifest;
pub mod observe;
pub mod picture;
pub mod plan;
pub mod reconcile;
pub mod rollout;
pub mod serve;
pub mod shape;
pub mod sim;
pub mod source;
pub mod status;
pub mod telemetry;
