//! Instance types, as far as placement sees them (docs/ecs.md §9.1). Must not know: instances.
//!
//! A small table, from memory of EC2's and ECS's own; a type that is not in it can't be asked for by name.

/// What a machine of one type brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Type {
    pub name: &'static str,
    pub vcpus: i64,
    pub memory_gib: i64,
    /// Network interfaces, the machine's own included.
    pub interfaces: i64,
    /// Tasks with an interface of their own where `awsvpcTrunking` is on; none where the type has no trunk.
    pub trunked: Option<i64>,
    pub gpus: usize,
    pub arm: bool,
}

/// Of a machine's memory, an agent registers what the kernel leaves (inferred; it varies by type and image).
const USABLE_PERCENT: i64 = 96;

impl Type {
    const fn new(name: &'static str, vcpus: i64, memory_gib: i64, interfaces: i64) -> Self {
        Self { name, vcpus, memory_gib, interfaces, trunked: None, gpus: 0, arm: false }
    }

    const fn trunk(self, tasks: i64) -> Self {
        Self { trunked: Some(tasks), ..self }
    }

    const fn gpu(self, gpus: usize) -> Self {
        Self { gpus, ..self }
    }

    const fn arm(self) -> Self {
        Self { arm: true, ..self }
    }

    /// CPU units.
    pub fn cpu(&self) -> i64 {
        self.vcpus * 1024
    }

    /// MiB, as the agent registers them.
    pub fn memory(&self) -> i64 {
        self.memory_gib * 1024 * USABLE_PERCENT / 100
    }

    /// How many tasks can have an interface of their own: all but the machine's, or what the trunk carries (§9.1).
    pub fn task_interfaces(&self, trunking: bool) -> i64 {
        self.trunked.filter(|_| trunking).unwrap_or(self.interfaces - 1)
    }
}

/// The types there are.
pub const ALL: &[Type] = &[
    Type::new("t3.micro", 2, 1, 2),
    Type::new("t3.small", 2, 2, 3),
    Type::new("t3.medium", 2, 4, 3),
    Type::new("t3.large", 2, 8, 3),
    Type::new("t3.xlarge", 4, 16, 4),
    Type::new("t3.2xlarge", 8, 32, 4),
    Type::new("t4g.small", 2, 2, 3).arm(),
    Type::new("t4g.medium", 2, 4, 3).arm(),
    Type::new("t4g.large", 2, 8, 3).arm(),
    Type::new("m5.large", 2, 8, 3).trunk(10),
    Type::new("m5.xlarge", 4, 16, 4).trunk(20),
    Type::new("m5.2xlarge", 8, 32, 4).trunk(40),
    Type::new("m5.4xlarge", 16, 64, 8).trunk(60),
    Type::new("m5.12xlarge", 48, 192, 8).trunk(60),
    Type::new("m5.24xlarge", 96, 384, 15).trunk(120),
    Type::new("m6i.large", 2, 8, 3).trunk(10),
    Type::new("m6i.xlarge", 4, 16, 4).trunk(20),
    Type::new("m6i.2xlarge", 8, 32, 4).trunk(40),
    Type::new("m6g.medium", 1, 4, 2).trunk(4).arm(),
    Type::new("m6g.large", 2, 8, 3).trunk(10).arm(),
    Type::new("m6g.xlarge", 4, 16, 4).trunk(20).arm(),
    Type::new("c5.large", 2, 4, 3).trunk(10),
    Type::new("c5.xlarge", 4, 8, 4).trunk(20),
    Type::new("c5.2xlarge", 8, 16, 4).trunk(40),
    Type::new("c5.4xlarge", 16, 32, 8).trunk(60),
    Type::new("c6g.large", 2, 4, 3).trunk(10).arm(),
    Type::new("c6g.xlarge", 4, 8, 4).trunk(20).arm(),
    Type::new("r5.large", 2, 16, 3).trunk(10),
    Type::new("r5.xlarge", 4, 32, 4).trunk(20),
    Type::new("r5.2xlarge", 8, 64, 4).trunk(40),
    Type::new("g4dn.xlarge", 4, 16, 3).trunk(40).gpu(1),
    Type::new("g4dn.12xlarge", 48, 192, 8).trunk(60).gpu(4),
    Type::new("p3.2xlarge", 8, 61, 4).trunk(40).gpu(1),
    Type::new("p3.8xlarge", 32, 244, 8).trunk(60).gpu(4),
];

/// What an instance is unless its type is said.
pub const USUAL: &str = "m5.large";

/// The type of that name.
pub fn find(name: &str) -> Option<&'static Type> {
    ALL.iter().find(|one| one.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trunk_carries_more() {
        let c5 = find("c5.large").unwrap();
        assert_eq!((c5.cpu(), c5.task_interfaces(false), c5.task_interfaces(true)), (2048, 2, 10));
        let t3 = find("t3.medium").unwrap();
        assert_eq!((t3.task_interfaces(false), t3.task_interfaces(true)), (2, 2), "no trunk to be had");
    }

    #[test]
    fn names_are_unique() {
        for (at, one) in ALL.iter().enumerate() {
            assert!(ALL.iter().skip(at + 1).all(|other| other.name != one.name), "{}", one.name);
            assert!(one.memory() > 0 && one.interfaces > 1);
        }
    }
}
