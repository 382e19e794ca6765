//! The identity of an object: `account/region/cluster/Kind/name`.

use std::fmt;

/// What can be declared in a manifest and kept by the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Cluster,
    TaskDefinition,
    Service,
}

impl Kind {
    /// All kinds, in the order in which one may refer to another.
    pub const ALL: [Self; 3] = [Self::Cluster, Self::TaskDefinition, Self::Service];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::TaskDefinition => "TaskDefinition",
            Self::Service => "Service",
        }
    }

    /// The kind of that name, exactly spelled.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose account, and where: part of every key, asserted before the first call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub account: String,
    pub region: String,
}

/// One object. Kinds that do not live in a cluster have none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub place: Place,
    pub cluster: Option<String>,
    pub kind: Kind,
    pub name: String,
}

impl Key {
    /// As people write it where account and region are understood: `prod/Service/web`, `Cluster/prod`.
    pub fn short(&self) -> String {
        match &self.cluster {
            Some(cluster) => format!("{cluster}/{}/{}", self.kind, self.name),
            None => format!("{}/{}", self.kind, self.name),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.place.account, self.place.region, self.short())
    }
}
