//! From what Describe operations showed to an embedded ECS that shows the same: each answer becomes the call that makes
//! it, by the members that the two have in common in the shape table. Must not know: where answers are from.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::cli::plan::Gap;
use crate::kinds::{Kind, Observed, secrets, service, task_definition};
use crate::shape::{Call, Time, Tree, table};
use crate::sim::ecs::capacity_provider::auto_scaling;
use crate::sim::ecs::instance::{self, Wish};
use crate::sim::ecs::{self, Fault};
use crate::sim::neighbours::ec2::named;
use crate::sim::world::{Settings, World};
use crate::tree;
use crate::{observe, rollout};

use super::live::{Live, Part, Service};

/// So long the copies of running services have to come up.
const COME_UP: Duration = Duration::from_secs(2 * 3600);
pub const TICK: Duration = Duration::from_secs(1);

/// The embedded ECS with all that could be copied.
pub struct Copy {
    pub world: World,
    pub gaps: Vec<Gap>,
    /// Services that could not be copied, by the short keys of their objects, and why.
    pub missing: BTreeMap<String, String>,
    /// What is called when the play of an object begins, by its short key.
    pub opening: BTreeMap<String, Vec<Call>>,
}

/// Copies it, and waits until it stands.
pub fn copy(live: Live, settings: Settings, now: Time) -> Copy {
    let world = World::new(settings, now);
    let mut copy = Copy { world, gaps: Vec::new(), missing: BTreeMap::new(), opening: BTreeMap::new() };
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
    let stand: Vec<&Service> = live.services.iter().filter(|one| copy.service(one)).collect();
    copy.come_up(stand);
    live.services.iter().for_each(|one| copy.tell(one));
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

    /// Whether it stands in the copy, or will.
    fn service(&mut self, one: &Service) -> bool {
        let shown = &one.shown;
        let mut input = given("CreateService", &service::shown(shown)).with("cluster", &one.cluster);
        for member in ["clientToken", "role"] {
            input.remove(member);
        }
        if service::is_daemon(shown) {
            input.remove("desiredCount");
        }
        if input.int("healthCheckGracePeriodSeconds") == Some(0) {
            input.remove("healthCheckGracePeriodSeconds");
        }
        let reference = shown.text("taskDefinition").map(task_definition::short).unwrap_or_default();
        input.set("taskDefinition", reference);
        match &one.part {
            Part::Stands => {}
            Part::Comes => {
                self.opening.entry(one.of.clone()).or_default().push(Call::ecs("CreateService", input));
                return false;
            }
            Part::Goes(call) => {
                if !service::is_daemon(shown) {
                    input.set("desiredCount", one.left());
                }
                self.opening.entry(one.of.clone()).or_default().push(call.clone());
            }
        }
        let made = self.call("CreateService", &input);
        if let Err(fault) = &made {
            self.gap(&one.label(), fault.message.clone());
            self.missing.insert(one.of.clone(), fault.message.clone());
        }
        made.is_ok()
    }

    /// Lets the copies of running services become steady, or tells which do not.
    fn come_up(&mut self, mut waiting: Vec<&Service>) {
        let end = self.world.now().after(COME_UP);
        while !waiting.is_empty() && self.world.now() < end {
            let next = self.world.now().after(TICK);
            self.world.advance_to(next);
            waiting.retain(|one| {
                let described = self.described(&one.cluster, Some(one.name()));
                !described.is_some_and(|shown| rollout::is_steady(&shown))
            });
        }
        for one in waiting {
            let of = self.described(&one.cluster, Some(one.name()));
            let why = of.and_then(|shown| rollout::telling_event(&shown)).unwrap_or_default();
            self.gap(&one.label(), format!("its tasks do not all run in the copy: {why}"));
        }
    }

    /// Tells what a service has otherwise in the copy.
    fn tell(&mut self, one: &Service) {
        let (running, wanted) = (one.count("runningCount"), one.count("desiredCount"));
        let what = match one.part {
            Part::Comes => format!("{running} of its {wanted} tasks run; in the copy all are started anew"),
            Part::Goes(_) if one.left() > 0 => format!("{} tasks of it go; in the copy they begin to anew", one.left()),
            Part::Stands if running < wanted => format!("only {running} of its {wanted} tasks run; in the copy all do"),
            Part::Stands | Part::Goes(_) => String::new(),
        };
        let rolls = one.shown.list("deployments").len() > 1 || rollout::is_in_progress(&one.shown);
        if rolls && matches!(one.part, Part::Stands) {
            self.gap(&one.label(), "a deployment is in progress; the copy begins when it is done");
        }
        if !what.is_empty() {
            self.gap(&one.label(), what);
        }
    }

    /// As the operator would see it.
    pub fn observed(&mut self, kind: Kind, cluster: Option<&str>, name: &str) -> Observed {
        let call = observe::describe(kind, cluster, &[name.to_owned()]);
        match self.call(call.operation, &call.input) {
            Ok(answer) => observe::find(kind, &answer, name),
            Err(fault) => Observed::Unknown(fault.message),
        }
    }

    pub fn described(&mut self, cluster: &str, name: Option<&str>) -> Option<Tree> {
        let ask = tree! { "cluster" => cluster, "services" => vec![name?] };
        self.call("DescribeServices", &ask).ok()?.list("services").first().cloned()
    }
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
