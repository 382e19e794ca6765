//! ECS's errors, as they go over the wire.

use crate::shape::{Map, Tree};

/// An error answer: HTTP status, the exception's name, its message, and further members it carries.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    pub members: Map,
}

impl Fault {
    /// A client's error (HTTP 400).
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into(), members: Map::new() }
    }

    /// `ClientException`: what RegisterTaskDefinition answers to a bad definition (docs/ecs.md §7.1).
    pub fn client(message: impl Into<String>) -> Self {
        Self::new("ClientException", message)
    }

    /// `InvalidParameterException`: what service, cluster and task operations answer to bad input (§7.1).
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    /// The service's own failure (HTTP 500), which a client may try again (§7.1).
    pub fn server(message: impl Into<String>) -> Self {
        Self { status: 500, ..Self::new("ServerException", message) }
    }

    /// An operation that no service has (§7.1).
    pub fn unknown_operation() -> Self {
        Self::new("UnknownOperationException", "The requested operation is not one of the service's.")
    }

    /// A request that the embedded ECS can't answer truthfully.
    pub fn unsupported(operation: &str) -> Self {
        Self::new("UnsupportedFeatureException", format!("The embedded ECS does not have {operation} yet."))
    }

    /// The same error with one more member, such as `resourceIds`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Tree>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }
}
