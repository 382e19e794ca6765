//! A request to AWS as a value: what a plan is made of, what `aws/` executes, what logs and the embedded cloud see.

use super::Tree;

/// One API call. Built purely by a kind; executed by `aws/`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The service, as in the shape tables: `ecs`.
    pub service: &'static str,
    /// The operation, as AWS names it: `UpdateService`.
    pub operation: &'static str,
    pub input: Tree,
}

impl Call {
    /// A call to Amazon ECS.
    pub fn ecs(operation: &'static str, input: Tree) -> Self {
        Self { service: "ecs", operation, input }
    }

    /// A call to Amazon EC2.
    pub fn ec2(operation: &'static str, input: Tree) -> Self {
        Self { service: "ec2", operation, input }
    }

    /// Whether the call can change anything, by AWS's naming convention for reads.
    pub fn mutates(&self) -> bool {
        !["Describe", "List", "Get", "Discover"].iter().any(|verb| self.operation.starts_with(verb))
    }
}
