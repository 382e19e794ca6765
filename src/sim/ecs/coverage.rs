//! How much of each operation the embedded ECS has, as data: docs/embedded-ecs.md is made from it, and no operation of
//! the shape table may be without a row. Must not know: what an operation does.

use std::collections::BTreeMap;

use crate::shape::table::Table;

use super::{Fault, Operation};

/// How much of an operation there is, and in words what is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// What ECS documents of it.
    Full,
    /// It is answered; what the words name is refused or left out.
    Partial(&'static str),
    /// It is refused, with these words.
    Lacking(&'static str),
}

impl Coverage {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial(_) => "partial",
            Self::Lacking(_) => "lacking",
        }
    }

    /// What is lacking; nothing where there is everything.
    pub fn words(self) -> &'static str {
        match self {
            Self::Full => "",
            Self::Partial(words) | Self::Lacking(words) => words,
        }
    }
}

/// An operation that is answered, kept in the room that answers it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub name: &'static str,
    pub answer: Operation,
    pub coverage: Coverage,
}

/// An operation of which there is everything.
pub const fn full(name: &'static str, answer: Operation) -> Entry {
    Entry { name, answer, coverage: Coverage::Full }
}

/// An operation of which something is lacking.
pub const fn partial(name: &'static str, answer: Operation, lacking: &'static str) -> Entry {
    Entry { name, answer, coverage: Coverage::Partial(lacking) }
}

const DAEMONS: &str = "managed daemons, which run on managed instances";
const EXPRESS: &str = "Express Mode, which builds load balancers, certificates and scaling around a service";
const GATEWAYS: &str = "gateways";

/// Operations that nobody answers, and what they would need.
const LACKING: &[(&str, &str)] = &[
    ("AssociateGatewayWithCluster", GATEWAYS),
    ("CreateDaemon", DAEMONS),
    ("CreateExpressGatewayService", EXPRESS),
    ("CreateGateway", GATEWAYS),
    ("DeleteDaemon", DAEMONS),
    ("DeleteDaemonTaskDefinition", DAEMONS),
    ("DeleteExpressGatewayService", EXPRESS),
    ("DeleteGateway", GATEWAYS),
    ("DescribeDaemon", DAEMONS),
    ("DescribeDaemonDeployments", DAEMONS),
    ("DescribeDaemonRevisions", DAEMONS),
    ("DescribeDaemonTaskDefinition", DAEMONS),
    ("DescribeExpressGatewayService", EXPRESS),
    ("DescribeGateway", GATEWAYS),
    ("DescribeGatewayResources", GATEWAYS),
    ("DescribeGatewayRoute", GATEWAYS),
    ("DisassociateGatewayFromCluster", GATEWAYS),
    ("ListDaemonDeployments", DAEMONS),
    ("ListDaemonTaskDefinitions", DAEMONS),
    ("ListDaemons", DAEMONS),
    ("ListGatewayClusterAssociations", GATEWAYS),
    ("ListGatewayRoutes", GATEWAYS),
    ("ListGateways", GATEWAYS),
    ("RegisterDaemonTaskDefinition", DAEMONS),
    ("UpdateDaemon", DAEMONS),
    ("UpdateExpressGatewayService", EXPRESS),
    ("UpdateGateway", GATEWAYS),
];

/// Every row there is, by operation. An operation that has two keeps both, so that a test can tell.
pub fn all() -> BTreeMap<&'static str, Vec<Coverage>> {
    let answered = super::OPERATIONS.iter().copied().flatten().map(|row| (row.name, row.coverage));
    let lacking = LACKING.iter().map(|(name, words)| (*name, Coverage::Lacking(words)));
    let mut found: BTreeMap<&str, Vec<Coverage>> = BTreeMap::new();
    for (name, coverage) in answered.chain(lacking) {
        found.entry(name).or_default().push(coverage);
    }
    found
}

/// What an operation that nobody answers is answered: an error that the operation declares.
pub fn refusal(table: &Table, operation: &str) -> Fault {
    let words = LACKING.iter().find(|(name, _)| *name == operation).map_or("this operation", |(_, words)| words);
    let text = format!("The embedded ECS does not have {operation}: it lacks {words}.");
    let code = "UnsupportedFeatureException";
    let declared = table.operations.get(operation).is_some_and(|row| row.errors.contains(&code));
    if declared { Fault::new(code, text) } else { Fault::client(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::table::ecs;

    #[test]
    fn every_operation_has_one_row() {
        let rows = all();
        let strange: Vec<&&str> = rows.keys().filter(|name| !ecs().operations.contains_key(*name)).collect();
        assert!(strange.is_empty(), "the shape table does not have {strange:?}");
        for name in ecs().operations.keys() {
            let found = rows.get(name).map_or(0, Vec::len);
            assert_eq!(found, 1, "{name} has {found} rows: it is answered in a room, or it stands in LACKING");
        }
    }

    #[test]
    fn what_is_lacking_is_said_in_a_declared_error() {
        let lacking = all().into_iter().filter(|(_, rows)| matches!(rows.as_slice(), [Coverage::Lacking(_)]));
        for (name, rows) in lacking {
            let fault = refusal(ecs(), name);
            assert!(ecs().operations[name].errors.contains(&fault.code), "{name}: {fault:?}");
            assert!(fault.status == 400 && fault.message.contains(rows[0].words()), "{name}: {fault:?}");
        }
    }

    #[test]
    fn what_is_partial_says_what_is_lacking() {
        let rows = all().into_values().flatten();
        assert!(rows.into_iter().all(|row| row == Coverage::Full || row.words().len() > 5));
    }
}
