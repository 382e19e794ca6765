//! What a rollout would stand on: the subnets, routes, gateways, endpoints and groups that services name, and the
//! container instances of a cluster. Asked for only when something is due, and then for all services at once: the
//! number of calls grows with the VPCs and subnets there are, not with the services.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::aws::CallError;
use crate::kinds::Observed;
use crate::shape::{Call, Time, Tree};
use crate::tree;

use super::Observer;

/// For so long an answer serves all who look; what was started meanwhile, they count themselves.
pub const FRESH: Duration = Duration::from_secs(5);
/// After a refusal nobody asks again so soon.
pub const AGAIN: Duration = Duration::from_secs(60);
/// So many values EC2 takes in one filter.
const FILTER_VALUES: usize = 200;
/// So many ECS takes in one call (docs/ecs.md §7.2), and EC2 types of instances.
const INSTANCES: usize = 100;
/// More pages of container instances than ECS's quota of 5,000 a cluster fills.
const PAGES_MAX: usize = 100;

type Answer<T> = Result<T, CallError>;

/// What EC2 shows of the network, each part or why not.
#[derive(Clone, Debug)]
pub struct Ground {
    pub subnets: Answer<Vec<Tree>>,
    pub groups: Answer<Vec<Tree>>,
    pub route_tables: Answer<Vec<Tree>>,
    pub nat_gateways: Answer<Vec<Tree>>,
    pub internet_gateways: Answer<Vec<Tree>>,
    pub endpoints: Answer<Vec<Tree>>,
}

impl Ground {
    /// The first question that had no answer.
    pub fn failure(&self) -> Option<&CallError> {
        let Self { subnets, groups, route_tables, nat_gateways, internet_gateways, endpoints } = self;
        let all = [subnets, groups, route_tables, nat_gateways, internet_gateways, endpoints];
        all.into_iter().find_map(|answer| answer.as_ref().err())
    }
}

/// The machines of a cluster.
#[derive(Clone, Debug)]
pub struct Machines {
    /// ACTIVE container instances.
    pub instances: Answer<Vec<Tree>>,
    pub providers: Answer<Vec<Tree>>,
    /// How many network interfaces a type of machine can have.
    pub interfaces: Answer<BTreeMap<String, i64>>,
}

/// The ids that services name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Named {
    pub subnets: BTreeSet<String>,
    pub groups: BTreeSet<String>,
}

impl Named {
    /// Adds those of a spec, or of a described service.
    pub fn take(&mut self, spec: &Tree) {
        let Some(vpc) = spec.at(&["networkConfiguration", "awsvpcConfiguration"]) else { return };
        let ids = |list: &str| vpc.list(list).iter().filter_map(Tree::as_text).map(str::to_owned).collect::<Vec<_>>();
        self.subnets.extend(ids("subnets"));
        self.groups.extend(ids("securityGroups"));
    }

    fn holds(&self, other: &Self) -> bool {
        other.subnets.is_subset(&self.subnets) && other.groups.is_subset(&self.groups)
    }
}

/// The newest answers.
#[derive(Debug, Default)]
pub struct Grounds {
    ground: tokio::sync::Mutex<Option<(Named, Arc<Ground>, Time)>>,
    machines: tokio::sync::Mutex<BTreeMap<String, (Arc<Machines>, Time)>>,
    /// Types never change.
    types: Mutex<BTreeMap<String, i64>>,
}

impl Observer {
    /// The network that `needed` stands on, with all that `everyone` names besides where it has to be asked for. The
    /// second is true when it was.
    pub async fn ground(&self, needed: &Named, everyone: impl FnOnce() -> Named) -> (Arc<Ground>, bool) {
        let mut newest = self.grounds.ground.lock().await;
        let now = self.clock.now();
        let fresh = |(named, ground, begun): &(Named, Arc<Ground>, Time)| {
            let span = if ground.subnets.is_err() { AGAIN } else { FRESH };
            (named.holds(needed) && now.since(*begun) < span).then(|| Arc::clone(ground))
        };
        if let Some(ground) = newest.as_ref().and_then(fresh) {
            return (ground, false);
        }
        let mut named = everyone();
        // Those of selector terms are known only to who looks: what was asked for not long ago stays in, or two services
        // with different subnets would have everything asked anew in turns.
        if let Some((before, _, _)) = newest.as_ref().filter(|(_, _, begun)| now.since(*begun) < AGAIN) {
            named.subnets.extend(before.subnets.iter().cloned());
            named.groups.extend(before.groups.iter().cloned());
        }
        named.subnets.extend(needed.subnets.iter().cloned());
        named.groups.extend(needed.groups.iter().cloned());
        let ground = Arc::new(self.look_at_ground(&named).await);
        *newest = Some((named, Arc::clone(&ground), now));
        (ground, true)
    }

    async fn look_at_ground(&self, named: &Named) -> Ground {
        let subnets = self.ec2("DescribeSubnets", "subnet-id", &named.subnets, "Subnets").await;
        let vpcs: Answer<BTreeSet<String>> = match &subnets {
            Ok(subnets) => Ok(subnets.iter().filter_map(|one| one.text("VpcId")).map(str::to_owned).collect()),
            Err(error) => Err(error.clone()),
        };
        let of = |operation: &'static str, filter: &'static str, answer: &'static str| {
            let vpcs = vpcs.clone();
            async move { self.ec2(operation, filter, &vpcs?, answer).await }
        };
        let (route_tables, nat_gateways, internet_gateways, endpoints) = tokio::join!(
            of("DescribeRouteTables", "vpc-id", "RouteTables"),
            of("DescribeNatGateways", "vpc-id", "NatGateways"),
            of("DescribeInternetGateways", "attachment.vpc-id", "InternetGateways"),
            of("DescribeVpcEndpoints", "vpc-id", "VpcEndpoints"),
        );
        let mut groups = named.groups.clone();
        for endpoint in endpoints.iter().flatten() {
            groups.extend(endpoint.list("Groups").iter().filter_map(|one| one.text("GroupId")).map(str::to_owned));
        }
        let groups = match &subnets {
            Ok(_) => self.ec2("DescribeSecurityGroups", "group-id", &groups, "SecurityGroups").await,
            Err(error) => Err(error.clone()),
        };
        Ground { subnets, groups, route_tables, nat_gateways, internet_gateways, endpoints }
    }

    /// Everything that a filter lets through, so many values at a time: what is not there is no error.
    async fn ec2(
        &self,
        operation: &'static str,
        filter: &str,
        values: &BTreeSet<String>,
        answer: &str,
    ) -> Answer<Vec<Tree>> {
        let mut all = Vec::new();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        for chunk in values.chunks(FILTER_VALUES) {
            let filters = vec![tree! { "Name" => filter, "Values" => chunk.to_vec() }];
            // EC2 has it in the singular there.
            let member = if operation == "DescribeNatGateways" { "Filter" } else { "Filters" };
            let mut reply = self.aws.pages(&Call::ec2(operation, tree! { member => filters }), answer).await?;
            if let Some(Tree::List(items)) = reply.tree.remove(answer) {
                all.extend(items);
            }
        }
        Ok(all)
    }

    /// The machines of a cluster, as it is described.
    pub async fn machines(&self, cluster: &str, shown: &Observed) -> Arc<Machines> {
        let mut newest = self.grounds.machines.lock().await;
        let now = self.clock.now();
        if let Some((machines, _)) = newest.get(cluster).filter(|(_, begun)| now.since(*begun) < FRESH) {
            return Arc::clone(machines);
        }
        let (instances, providers) = tokio::join!(self.container_instances(cluster), self.providers(shown));
        let interfaces = match &instances {
            Ok(instances) => self.interfaces(instances).await,
            Err(error) => Err(error.clone()),
        };
        let machines = Arc::new(Machines { instances, providers, interfaces });
        newest.insert(cluster.to_owned(), (Arc::clone(&machines), now));
        machines
    }

    async fn container_instances(&self, cluster: &str) -> Answer<Vec<Tree>> {
        let (mut arns, mut token) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let input = tree! { "cluster" => cluster, "status" => "ACTIVE", "maxResults" => INSTANCES };
            let page = self.aws.read(&Call::ecs("ListContainerInstances", input.with_some("nextToken", token))).await?;
            arns.extend(page.tree.list("containerInstanceArns").to_vec());
            token = page.tree.text("nextToken").map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        let mut all = Vec::new();
        for chunk in arns.chunks(INSTANCES) {
            let input = tree! { "cluster" => cluster, "containerInstances" => chunk.to_vec() };
            let reply = self.aws.read(&Call::ecs("DescribeContainerInstances", input)).await?;
            all.extend(reply.tree.list("containerInstances").to_vec());
        }
        Ok(all)
    }

    async fn providers(&self, cluster: &Observed) -> Answer<Vec<Tree>> {
        let named = cluster.present().map(|shown| shown.list("capacityProviders")).unwrap_or_default();
        let fargate = |name: &&Tree| matches!(name.as_text(), Some("FARGATE" | "FARGATE_SPOT"));
        let names: Vec<Tree> = named.iter().filter(|name| !fargate(name)).cloned().collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let reply =
            self.aws.read(&Call::ecs("DescribeCapacityProviders", tree! { "capacityProviders" => names })).await?;
        Ok(reply.tree.list("capacityProviders").to_vec())
    }

    /// How many interfaces the instances' types can have; each type is asked for once and for all.
    async fn interfaces(&self, instances: &[Tree]) -> Answer<BTreeMap<String, i64>> {
        let kind = |instance: &Tree| {
            let kind = instance.list("attributes").iter().find(|one| one.text("name") == Some("ecs.instance-type"));
            kind.and_then(|one| one.text("value")).map(str::to_owned)
        };
        let known = || self.grounds.types.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted: BTreeSet<String> = instances.iter().filter_map(kind).collect();
        let new: Vec<String> = wanted.iter().filter(|kind| !known().contains_key(*kind)).cloned().collect();
        for chunk in new.chunks(INSTANCES) {
            let call = Call::ec2("DescribeInstanceTypes", tree! { "InstanceTypes" => chunk.to_vec() });
            for one in self.aws.read(&call).await?.tree.list("InstanceTypes") {
                let most = one.at(&["NetworkInfo", "MaximumNetworkInterfaces"]).and_then(Tree::as_int);
                if let (Some(kind), Some(most)) = (one.text("InstanceType"), most) {
                    known().insert(kind.to_owned(), most);
                }
            }
        }
        Ok(known().clone())
    }
}
