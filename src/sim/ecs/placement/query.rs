//! The cluster query language: what memberOf constraints and the filter of ListContainerInstances are written in
//! (docs/ecs.md §3.5). Must not know: placement.
//!
//! `subject operator argument`, joined by `and`/`&&`, `or`/`||`, `not`/`!`, with parentheses. Subjects are
//! `attribute:NAME`, `agentConnected`, `agentVersion`, `ec2InstanceId`, `registeredAt`, `runningTasksCount` and
//! `task:group`.

mod judge;
mod lex;
mod parse;
#[cfg(test)]
mod tests;

use regex_lite::Regex;

pub use parse::read;

/// The longest expression (§1.2).
pub const LONGEST: usize = 2_000;

/// An expression that was understood.
#[derive(Clone, Debug)]
pub enum Query {
    All(Vec<Query>),
    Any(Vec<Query>),
    Not(Box<Query>),
    Test { subject: Subject, test: Test },
}

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    AgentConnected,
    AgentVersion,
    Attribute(String),
    MachineId,
    RegisteredAt,
    RunningTasks,
    TaskGroup,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Test {
    Exists,
    Compare(Comparison, String),
    In(Vec<String>),
    Matches(Regex),
}

/// Which way a value must compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}
