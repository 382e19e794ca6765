//! The identity of an object: `account/region/cluster/Kind/name`.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What can be declared in a manifest and kept by the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Cluster,
    SecurityGroup,
    TaskDefinition,
    Service,
}

impl Kind {
    /// All kinds, in the order in which one may refer to another.
    pub const ALL: [Self; 4] = [Self::Cluster, Self::SecurityGroup, Self::TaskDefinition, Self::Service];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::SecurityGroup => "SecurityGroup",
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

/// Whose account, and where: part of every key, asserted before the first call. Empty where it is not known, as when
/// manifests are looked at without AWS: nothing is in the wrong place then.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub account: String,
    pub region: String,
}

/// One object. Whatever is known of it lies under its key, so all copies of one share their texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<KeyParts>);

/// What a key says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyParts {
    pub place: Place,
    /// None for kinds that do not live in a cluster.
    pub cluster: Option<String>,
    pub kind: Kind,
    pub name: String,
}

impl Deref for Key {
    type Target = KeyParts;

    fn deref(&self) -> &KeyParts {
        &self.0
    }
}

impl Key {
    pub fn new(place: Place, cluster: Option<String>, kind: Kind, name: String) -> Self {
        Self(Arc::new(KeyParts { place, cluster, kind, name }))
    }

    /// As people write it where account and region are understood: `prod/Service/web`, `Cluster/prod`.
    pub fn short(&self) -> String {
        match &self.cluster {
            Some(cluster) => format!("{cluster}/{}/{}", self.kind, self.name),
            None => format!("{}/{}", self.kind, self.name),
        }
    }
}

/// Reads what [`Display`](fmt::Display) writes.
impl FromStr for Key {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let parts: Vec<&str> = text.split('/').collect();
        let (account, region, cluster, kind, name) = match parts.as_slice() {
            [account, region, kind, name] => (account, region, None, kind, name),
            [account, region, cluster, kind, name] => (account, region, Some((*cluster).to_owned()), kind, name),
            _ => return Err(NoKey),
        };
        let place = Place { account: (*account).to_owned(), region: (*region).to_owned() };
        Ok(Self::new(place, cluster, Kind::parse(kind).ok_or(NoKey)?, (*name).to_owned()))
    }
}

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key such as 123456789012/eu-west-1/prod/Service/web")]
pub struct NoKey;

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.place.account, self.place.region, self.short())
    }
}
