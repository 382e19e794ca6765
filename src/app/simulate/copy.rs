//! From what Describe operations showed to an embedded ECS that shows the same: each answer becomes the call that makes
//! it, by the members that the two have in common in the shape table. Must not know: where answers are from.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::cli::plan::Gap;
use crate::kinds::{secrets, service, task_definition};
use crate::rollout;
use crate::shape::{Time, Tree, table};
use crate::sim::ecs::capacity_provider::auto_scaling;
use crate::sim::ecs::instance::{self, Wish};
use crate::sim::ecs::{self, Fault};
use crate::sim::neighbours::ec2::named;
use crate::sim::world::{Settings, World};
use crate::tree;

use super::live::Live;

/// So long the copies of running services have to come up.
const COME_UP: Duration = Duration::from_secs(2 * 3600);
pub const TICK: Duration = Duration::from_secs(1);

/// The embedded ECS with all that could be copied.
pub struct Copy {
    pub world: World,
    pub gaps: Vec<Gap>,
    /// Services that could not be copied, by the short keys of their objects, and why.
    pub missing: BTreeMap<String, String>,
}

/// Copies it, and waits until it stands.
pub fn copy(live: Live, settings: Settings, now: Time) -> Copy {
    let mut copy = Copy { world: World::new(settings, now), gaps: Vec::new(), missing: BTreeMap::new() };
    copy.world.ecs.watched = true;
    for subnet in &live.subnets {
        named::take_in(&mut copy.world, subnet);
    }
    copy.providers(&live.providers);
    for (name, shown) in &live.clusters {
        let made = copy.call("CreateCluster", &given("CreateCluster", shown));
        copy.note(&format!("Cluster/{name}"), made);
    }
    for (cluster, shown) in &live.instances {
        copy.machine(cluster, shown, &live.tasks);
    }
    for ((family, revision), answer) in &live.definitions {
        copy.definition(family, *revision, answer);
    }
    for (key, (cluster, shown)) in &live.services {
        copy.service(key, cluster, shown);
    }
    copy.come_up(&live.services);
    for subnet in &live.subnets {
        let free = subnet.int("AvailableIpAddressCount").and_then(|free| u64::try_from(free).ok());
        if let (Some(id), Some(free)) = (subnet.text("SubnetId"), free) {
            named::leave_free(&mut copy.world, id, free);
        }
    }
    copy.world.ecs.decisions.clear();
    copy.gaps.extend(live.gaps);
    copy
}

/// The members of an answer that the operation takes.
fn given(operation: &str, shown: &Tree) -> Tree {
    let structure = table::ecs().input(operation);
    let takes = |name: &str| structure.is_some_and(|structure| structure.members.contains_key(name));
    let members = shown.as_map().into_iter().flatten().filter(|(name, value)| takes(name) && **value != Tree::Null);
    Tree::Map(members.map(|(name, value)| (name.clone(), value.clone())).collect())
}

impl Copy {
    pub fn call(&mut self, operation: &str, input: &Tree) -> Result<Tree, Fault> {
        ecs::call(&mut self.world, "ecs", operation, input)
    }

    fn note(&mut self, of: &str, made: Result<Tree, Fault>) {
        if let Err(fault) = made {
            self.gap(of, fault.message);
        }
    }

    pub fn gap(&mut self, of: &str, what: impl Into<String>) {
        self.gaps.push(Gap { of: of.to_owned(), what: what.into() });
    }

    /// How large a group may become is nowhere in ECS's answers: it stays as it is.
    fn providers(&mut self, providers: &[Tree]) {
        for shown in providers {
            let name = shown.text("name").unwrap_or_default().to_owned();
            let made = self.call("CreateCapacityProvider", &given("CreateCapacityProvider", shown));
            self.note(&name, made);
            let arn = shown.at(&["autoScalingGroupProvider", "autoScalingGroupArn"]).and_then(Tree::as_text);
            if let Some(group) = arn.map(auto_scaling::name_in) {
                let none = auto_scaling::Said { max: Some(0), desired: Some(0), ..auto_scaling::Said::default() };
                drop(auto_scaling::set(&mut self.world, group, none));
                let what = "whether its Auto Scaling group can bring more instances; the copy has those that are there";
                self.gap(&name, what);
            }
        }
    }

    /// With what is left of it, and what the services hold that will stand on it anew.
    fn machine(&mut self, cluster: &str, shown: &Tree, tasks: &[Tree]) {
        let attribute = |name: &str| {
            let found = shown.list("attributes").iter().find(|one| one.text("name") == Some(name));
            found.and_then(|one| one.text("value")).map(str::to_owned)
        };
        let arn = shown.text("containerInstanceArn");
        let ours: Vec<&Tree> = tasks.iter().filter(|task| task.text("containerInstanceArn") == arn).collect();
        let told = given("RegisterContainerInstance", shown).with("totalResources", total(shown, &ours));
        let wish = Wish {
            kind: attribute("ecs.instance-type"),
            zone: attribute("ecs.availability-zone"),
            capacity_provider: shown.text("capacityProviderName").map(str::to_owned),
            external: attribute("ecs.instance-type").is_none(),
            machine: shown.text("ec2InstanceId").map(str::to_owned),
            arm: attribute("ecs.cpu-architecture").map(|text| text == "arm64"),
            told,
        };
        if let Err(fault) = instance::add(&mut self.world, cluster, wish) {
            self.gap(arn.unwrap_or(cluster), fault.message);
        }
    }

    /// Under its own number: revisions before it are none of the copy's business.
    fn definition(&mut self, family: &str, revision: i64, answer: &Tree) {
        self.world.ecs.families.entry(family.to_owned()).or_default().last = revision - 1;
        let shown = answer.get("taskDefinition").cloned().unwrap_or_default();
        let made = self.call("RegisterTaskDefinition", &given("RegisterTaskDefinition", &shown));
        if let Err(fault) = made {
            self.gap(&format!("{family}:{revision}"), secrets::redact(&shown, &fault.message));
        }
    }

    fn service(&mut self, key: &str, cluster: &str, shown: &Tree) {
        let mut input = given("CreateService", &service::shown(shown)).with("cluster", cluster);
        for member in ["clientToken", "role"] {
            input.remove(member);
        }
        if shown.text("schedulingStrategy") == Some("DAEMON") {
            input.remove("desiredCount");
        }
        if input.int("healthCheckGracePeriodSeconds") == Some(0) {
            input.remove("healthCheckGracePeriodSeconds");
        }
        let reference = shown.text("taskDefinition").map(task_definition::short).unwrap_or_default();
        if let Err(fault) = self.call("CreateService", &input.with("taskDefinition", reference)) {
            self.gap(key, fault.message.clone());
            self.missing.insert(key.to_owned(), fault.message);
        }
        if shown.list("deployments").len() > 1 || rollout::is_in_progress(shown) {
            self.gap(key, "a deployment is in progress; the copy begins when it is done");
        }
    }

    /// Lets the copies of running services become steady, or tells which do not.
    fn come_up(&mut self, services: &BTreeMap<String, (String, Tree)>) {
        let mut waiting: BTreeSet<&String> = services.keys().filter(|key| !self.missing.contains_key(*key)).collect();
        let end = self.world.now().after(COME_UP);
        while !waiting.is_empty() && self.world.now() < end {
            let next = self.world.now().after(TICK);
            self.world.advance_to(next);
            waiting.retain(|key| {
                let described =
                    services.get(*key).map(|(cluster, shown)| self.described(cluster, shown.text("serviceName")));
                let now = self.world.now();
                !described.flatten().is_some_and(|shown| is_steady(&shown, now))
            });
        }
        for key in waiting {
            let of = services.get(key).map(|(cluster, shown)| self.described(cluster, shown.text("serviceName")));
            let why = of.flatten().and_then(|shown| rollout::telling_event(&shown)).unwrap_or_default();
            self.gap(key, format!("its tasks do not all run in the copy: {why}"));
        }
        for (key, (_, shown)) in services {
            let count = |name: &str| shown.int(name).unwrap_or(0);
            if count("runningCount") < count("desiredCount") {
                let (running, wanted) = (count("runningCount"), count("desiredCount"));
                self.gap(key, format!("only {running} of its {wanted} tasks run; in the copy all do"));
            }
        }
    }

    pub fn described(&mut self, cluster: &str, name: Option<&str>) -> Option<Tree> {
        let ask = tree! { "cluster" => cluster, "services" => vec![name?] };
        self.call("DescribeServices", &ask).ok()?.list("services").first().cloned()
    }
}

fn is_steady(shown: &Tree, now: Time) -> bool {
    matches!(rollout::progress(shown, COME_UP, now), rollout::Progress::Steady)
}

/// `totalResources` of an instance in the copy: what remains, and what these tasks hold.
fn total(shown: &Tree, tasks: &[&Tree]) -> Vec<Tree> {
    let held = |name: &str| {
        let size = |task: &&Tree| task.text(name).and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        tasks.iter().map(size).sum::<i64>()
    };
    let bindings = || tasks.iter().flat_map(|task| task.list("containers")).flat_map(|one| one.list("networkBindings"));
    let ports: BTreeSet<String> =
        bindings().filter_map(|one| one.int("hostPort")).map(|port| port.to_string()).collect();
    let one = |resource: &Tree| match resource.text("name") {
        Some("CPU") => resource.clone().with("integerValue", resource.int("integerValue").unwrap_or(0) + held("cpu")),
        Some("MEMORY") => {
            resource.clone().with("integerValue", resource.int("integerValue").unwrap_or(0) + held("memory"))
        }
        Some("PORTS" | "PORTS_UDP") => {
            let theirs = resource.list("stringSetValue").iter().filter_map(Tree::as_text);
            let theirs: Vec<&str> = theirs.filter(|port| !ports.contains(*port)).collect();
            resource.clone().with("stringSetValue", theirs)
        }
        _ => resource.clone(),
    };
    shown.list("remainingResources").iter().map(one).collect()
}
