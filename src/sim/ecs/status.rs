//! What services and container instances have in common: their life in three states (ecs-semantics §1.3). Must not
//! know: either of them.

/// ACTIVE, then DRAINING, then INACTIVE. An instance may come back from DRAINING, and is never seen REGISTERING: the
/// embedded ECS registers at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Active,
    Draining,
    Inactive,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
            Self::Inactive => "INACTIVE",
        }
    }
}
