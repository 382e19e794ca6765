//! Tags of ECS resources: TagResource, UntagResource, ListTagsForResource (ecs-semantics §1.4).

/// The operations answered here.
pub const OPERATIONS: &[(&str, super::Operation)] = &[];
