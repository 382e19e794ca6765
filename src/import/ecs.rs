//! ECS's own JSON.
