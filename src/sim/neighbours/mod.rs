//! The services around ECS, as far as ECS and its clients need them. Must not know: protocols.

pub mod ec2;
pub mod sts;
