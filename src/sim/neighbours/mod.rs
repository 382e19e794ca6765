//! The services around ECS, as far as ECS and its clients need them. Must not know: protocols, ECS.

pub mod sts;
