//! What preflight looks at: answers of AWS as plain trees, each known or not. Must not know: what is made of them.

use std::collections::BTreeMap;

use crate::shape::Tree;

/// Something that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact<T> {
    Known(T),
    /// Nobody knows, and why.
    Unknown(String),
}

impl<T> Fact<T> {
    /// What is known.
    ///
    /// # Errors
    /// Why it is not.
    pub fn known(&self) -> Result<&T, &str> {
        match self {
            Self::Known(known) => Ok(known),
            Self::Unknown(why) => Err(why),
        }
    }
}

impl<T: Default> Default for Fact<T> {
    fn default() -> Self {
        Self::Known(T::default())
    }
}

/// A list of what EC2 or ECS describes.
pub type Listed = Fact<Vec<Tree>>;

/// All that was observed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    pub network: Network,
    /// ACTIVE container instances, by cluster.
    pub instances: BTreeMap<String, Listed>,
    /// Capacity providers, by cluster: those that it has.
    pub providers: BTreeMap<String, Listed>,
    /// How many network interfaces a machine of a type can have, its own included.
    pub interfaces: Fact<BTreeMap<String, i64>>,
}

/// What EC2 tells of the subnets that services name, and of their VPCs. The members are as EC2's answers name them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// Those of the subnets asked for that there are.
    pub subnets: Listed,
    /// Those of the groups asked for that there are, and those of the VPCs' endpoints.
    pub groups: Listed,
    pub route_tables: Listed,
    pub nat_gateways: Listed,
    pub internet_gateways: Listed,
    pub endpoints: Listed,
}

impl Network {
    /// The subnet of that id; `None` where there is none.
    ///
    /// # Errors
    /// Why nobody knows.
    pub fn subnet(&self, id: &str) -> Result<Option<&Tree>, &str> {
        Ok(self.subnets.known()?.iter().find(|subnet| subnet.text("SubnetId") == Some(id)))
    }

    /// The route table that a subnet goes by: its own, or its VPC's main one.
    ///
    /// # Errors
    /// Why nobody knows.
    pub fn route_table(&self, subnet: &str, vpc: &str) -> Result<Option<&Tree>, &str> {
        let tables = self.route_tables.known()?;
        let with =
            |fits: &dyn Fn(&Tree) -> bool| tables.iter().find(|table| table.list("Associations").iter().any(fits));
        let own = with(&|association| association.text("SubnetId") == Some(subnet));
        Ok(own.or_else(|| {
            let here = |table: &&Tree| table.text("VpcId") == Some(vpc);
            let main = |table: &&Tree| table.list("Associations").iter().any(|one| one.bool("Main") == Some(true));
            tables.iter().filter(here).find(main)
        }))
    }
}

/// What another service is about to take; nothing where its rollout only has to stop tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// `cluster/service`.
    pub of: String,
    pub cluster: String,
    /// Tasks that it starts beyond those that are seen.
    pub tasks: i64,
    /// The same with those that have stopped and still hold their addresses for a while: never fewer.
    pub held: i64,
    /// Where their interfaces are to be; none in other network modes.
    pub subnets: Vec<String>,
    /// What each takes of an instance; absent on Fargate, and where nobody knows.
    pub size: Option<Size>,
}

/// What a task takes of a container instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// In CPU units.
    pub cpu: i64,
    /// In MiB.
    pub memory: i64,
    pub gpus: i64,
    /// Host ports that it must have, TCP and UDP.
    pub tcp: Vec<i64>,
    pub udp: Vec<i64>,
    /// It has a network interface of its own.
    pub interface: bool,
}
