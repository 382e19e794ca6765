//! Whether the container instances have room for the tasks that a rollout starts (docs/ecs.md §2.1, §3.5, §9.1).
//! Must not know: addresses, routes.
//!
//! Tasks of one service are alike, so how many fit is counted and not guessed; what others take meanwhile, and what an
//! instance does not show, makes two counts of it: so many surely, so many at most. "Can not" is said by the second.

use crate::check::Report;
use crate::check::rule::Rule;
use crate::shape::{Path, Tree};

use super::facts::{Claim, Size};
use super::{Case, DESIRED, Due, Fact, Platform, row};

pub const RULES: &[Rule] = &[
    row!(
        "preflight-capacity",
        Error,
        Wait,
        short,
        "On EC2 a task is started where an ACTIVE, connected container instance has the CPU, memory, host ports, GPUs and \
         network interfaces left, and the attributes, that it needs. A creation or a scale-out needs room for all its \
         tasks; a rollout that may stop none first needs room for one (ECS: was unable to place a task because no \
         container instance met all of its requirements)."
    ),
    row!(
        "preflight-capacity-claimed",
        Warning,
        Wait,
        claimed_short,
        "The rollouts of other services hold room on the container instances twice for a while, and give half of it back \
         when they are over: what finds no room while they go on waits for them."
    ),
    row!(
        "preflight-capacity-tight",
        Warning,
        Warn,
        tight,
        "Where the container instances have less room than maximumPercent lets tasks be started, a rollout goes in \
         smaller steps, and what others start at the same time may stop it altogether."
    ),
    row!(
        "preflight-capacity-grows",
        Warning,
        Warn,
        grows,
        "Where a capacity provider with managed scaling has too little room, tasks wait in PROVISIONING until it has \
         started instances: a rollout takes that much longer."
    ),
];

/// Which of an instance's resources is short, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    Cpu,
    Memory,
    Gpu,
    Port,
    Interface,
    Distinct,
}

impl Lack {
    fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Memory => "memory",
            Self::Gpu => "GPUs",
            Self::Port => "its host port",
            Self::Interface => "network interfaces",
            Self::Distinct => "distinctInstance",
        }
    }
}

/// How many tasks an instance takes.
struct Room<'a> {
    instance: &'a Tree,
    least: i64,
    most: i64,
    lack: Option<Lack>,
}

/// What is known of the room for a service's tasks.
struct Capacity<'a> {
    rooms: Vec<Room<'a>>,
    /// Instances that are ACTIVE and connected, and do not suit; each with why.
    unfit: Vec<(&'a Tree, String)>,
    least: i64,
    most: i64,
}

/// Beyond this nobody counts.
const PLENTY: i64 = 100_000;

fn capacity<'a>(case: &Case<'a>) -> Result<Option<Capacity<'a>>, String> {
    if case.platform() != Platform::Ec2 {
        return Ok(None);
    }
    let known = |why: &str| why.to_owned();
    let Some(instances) = case.facts.instances.get(case.cluster_name) else { return Ok(None) };
    let instances = instances.known().map_err(known)?;
    let definition = case.definition.known().map_err(known)?;
    let size = Size::of(definition);
    let (mut rooms, mut unfit) = (Vec::new(), Vec::new());
    for instance in instances {
        match misfit(case, instance, definition) {
            Some(why) => unfit.push((instance, why)),
            None => rooms.push(room(case, instance, &size)),
        }
    }
    let sum = |of: fn(&Room<'_>) -> i64| rooms.iter().map(of).sum::<i64>().min(PLENTY);
    let mut most = sum(|room| room.most);
    if is_distinct(case) {
        let taken = if case.due == Due::Create { 0 } else { case.present() };
        most = most.min((count(rooms.len()) - taken).max(0));
    }
    let lost: i64 = others(case).map(|claim| claim.tasks.saturating_mul(lost_to(claim, &size))).sum();
    let blind = constraints(case, "memberOf");
    let least = if blind { 0 } else { (sum(|room| room.least).min(most) - lost).max(0) };
    Ok(Some(Capacity { rooms, unfit, least, most }))
}

/// What else rolls in the cluster.
fn others<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Claim> + use<'a> {
    let cluster = case.cluster_name;
    case.claims.iter().filter(move |claim| claim.cluster == cluster)
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn constraints(case: &Case<'_>, kind: &str) -> bool {
    let all = case.member("placementConstraints").and_then(Tree::as_list).unwrap_or_default();
    let own = case.definition.known().map(|definition| definition.list("placementConstraints")).unwrap_or_default();
    all.iter().chain(own).any(|one| one.text("type") == Some(kind))
}

fn is_distinct(case: &Case<'_>) -> bool {
    constraints(case, "distinctInstance") || case.is_daemon()
}

/// How many places of ours one task of another service may take: as many as it is larger in the worst of its sizes.
fn lost_to(claim: &Claim, ours: &Size) -> i64 {
    let Some(other) = &claim.size else { return PLENTY };
    let times = |other: i64, ours: i64| if ours > 0 { (other + ours - 1) / ours } else { 0 };
    let ports =
        ours.tcp.iter().any(|port| other.tcp.contains(port)) || ours.udp.iter().any(|port| other.udp.contains(port));
    let sizes = [times(other.cpu, ours.cpu), times(other.memory, ours.memory), times(other.gpus, ours.gpus)];
    let whole = [i64::from(ports), i64::from(ours.interface && other.interface)];
    sizes.into_iter().chain(whole).max().unwrap_or(0)
}

/// The value of an instance's attribute; "" for one that has none.
fn attribute<'a>(instance: &'a Tree, name: &str) -> Option<&'a str> {
    let found = instance.list("attributes").iter().find(|one| one.text("name") == Some(name))?;
    Some(found.text("value").unwrap_or_default())
}

/// Why an instance can't take tasks of the service at all.
fn misfit(case: &Case<'_>, instance: &Tree, definition: &Tree) -> Option<String> {
    if instance.text("status") != Some("ACTIVE") {
        return Some(format!("is {}", instance.text("status").unwrap_or("in no state")));
    }
    if instance.bool("agentConnected") != Some(true) {
        return Some("its agent is not connected".to_owned());
    }
    if attribute(instance, "ecs.capability.external").is_some() {
        return Some("is external".to_owned());
    }
    let strategy = case.strategy();
    let provider = instance.text("capacityProviderName");
    let of_strategy = |item: &Tree| item.text("capacityProvider") == provider && provider.is_some();
    if !strategy.is_empty() && !strategy.iter().any(of_strategy) {
        return Some("belongs to no capacity provider of the service".to_owned());
    }
    for (name, wanted) in wanted(definition) {
        match attribute(instance, &name) {
            Some(has) if wanted.as_ref().is_none_or(|wanted| wanted == has) => {}
            Some(has) => return Some(format!("has {name} {has}, not {}", wanted.unwrap_or_default())),
            None => return Some(format!("lacks the attribute {name}")),
        }
    }
    let zones: Vec<&str> = case.subnets().filter_map(|(_, id)| zone_of(case, id)).collect();
    let zone = attribute(instance, "ecs.availability-zone").filter(|zone| !zones.is_empty() && !zones.contains(zone));
    zone.map(|zone| format!("is in {zone}, where the service has no subnet"))
}

fn zone_of<'a>(case: &Case<'a>, subnet: &str) -> Option<&'a str> {
    case.facts.network.subnet(subnet).ok().flatten()?.text("AvailabilityZone")
}

/// Attributes that a definition asks for: those that ECS has computed, and what is plain to see in a manifest.
fn wanted(definition: &Tree) -> Vec<(String, Option<String>)> {
    let computed = definition.list("requiresAttributes").iter().filter_map(|one| {
        Some((one.text("name")?.to_owned(), one.text("value").filter(|value| !value.is_empty()).map(str::to_owned)))
    });
    let platform = |name: &str| definition.at(&["runtimePlatform", name]).and_then(Tree::as_text);
    let cpu = match platform("cpuArchitecture") {
        Some("ARM64") => Some("arm64"),
        Some("X86_64") => Some("x86_64"),
        _ => None,
    };
    let system =
        platform("operatingSystemFamily").map(|os| if os.starts_with("WINDOWS") { "windows" } else { "linux" });
    let seen = [("ecs.cpu-architecture", cpu), ("ecs.os-type", system)];
    let seen = seen.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Some(value?.to_owned()))));
    computed.chain(seen).collect()
}

fn resource<'a>(instance: &'a Tree, name: &str) -> Option<&'a Tree> {
    instance.list("remainingResources").iter().find(|one| one.text("name") == Some(name))
}

fn room<'a>(case: &Case<'_>, instance: &'a Tree, size: &Size) -> Room<'a> {
    let left = |name: &str| resource(instance, name).and_then(|one| one.int("integerValue")).unwrap_or(0).max(0);
    let gpus = resource(instance, "GPU").map_or(0, |one| count(one.list("stringSetValue").len()));
    let by = |left: i64, each: i64| if each > 0 { left / each } else { PLENTY };
    // The ports that it shows are those in use.
    let used = |name: &str, port: &i64| {
        let ports = resource(instance, name).map(|one| one.list("stringSetValue")).unwrap_or_default();
        ports.iter().any(|one| one.as_text() == Some(port.to_string().as_str()))
    };
    let busy = size.tcp.iter().any(|port| used("PORTS", port)) || size.udp.iter().any(|port| used("PORTS_UDP", port));
    let ports = if busy {
        0
    } else if size.has_static_ports() {
        1
    } else {
        PLENTY
    };
    let (interfaces_least, interfaces_most) =
        if size.interface { interfaces(case, instance) } else { (PLENTY, PLENTY) };
    let alone = if is_distinct(case) { 1 } else { PLENTY };
    let (cpu, memory, gpu) = (by(left("CPU"), size.cpu), by(left("MEMORY"), size.memory), by(gpus, size.gpus));
    let ways = [
        (cpu, Lack::Cpu),
        (memory, Lack::Memory),
        (gpu, Lack::Gpu),
        (ports, Lack::Port),
        (interfaces_most, Lack::Interface),
        (alone, Lack::Distinct),
    ];
    let narrowest = ways.into_iter().min_by_key(|(room, _)| *room);
    let (most, lack) = narrowest.map_or((PLENTY, None), |(room, lack)| (room, Some(lack)));
    let mut least = most.min(interfaces_least);
    let tasks = instance.int("runningTasksCount").unwrap_or(0) + instance.int("pendingTasksCount").unwrap_or(0);
    if is_distinct(case) && tasks > 0 {
        // One of them may be ours.
        least = 0;
    }
    Room { instance, least, most, lack }
}

/// How many more tasks with interfaces of their own: surely, and at most; that of its tasks which have one does not
/// show. Trunks carry more than the machine's own number, and how many is no fact that EC2 tells.
fn interfaces(case: &Case<'_>, instance: &Tree) -> (i64, i64) {
    if attribute(instance, "ecs.awsvpc-trunk-id").is_some() {
        return (PLENTY, PLENTY);
    }
    let kind = attribute(instance, "ecs.instance-type").unwrap_or_default();
    let Some(most) = case.facts.interfaces.known().ok().and_then(|known| known.get(kind)) else { return (0, PLENTY) };
    let tasks = instance.int("runningTasksCount").unwrap_or(0) + instance.int("pendingTasksCount").unwrap_or(0);
    // One is the machine's own.
    ((most - 1 - tasks).max(0), (most - 1).max(0))
}

/// How the room stands to what is due.
enum Fit {
    /// Surely.
    Yes,
    /// Less than is wanted at once; or nobody can be sure.
    Tight,
    No,
}

struct Judged<'a> {
    fit: Fit,
    needed: i64,
    capacity: Capacity<'a>,
    grows: Vec<String>,
}

fn judged<'a>(case: &Case<'a>) -> Result<Option<Judged<'a>>, String> {
    let Some(course) = case.course().filter(|_| !case.is_daemon() || case.due == Due::Create) else { return Ok(None) };
    let Some(capacity) = capacity(case)? else { return Ok(None) };
    let needed = if case.is_daemon() { count(capacity.rooms.len()) } else { course.surge() };
    // With room for one, or one that may be stopped, a rollout moves.
    let moves = case.due == Due::Rollout && (capacity.most > 0 || course.from > course.bounds.lower);
    let fit = match () {
        () if capacity.least >= needed => Fit::Yes,
        () if capacity.most >= needed || moves || case.is_daemon() => Fit::Tight,
        () => Fit::No,
    };
    Ok(Some(Judged { fit, needed, grows: growing(case), capacity }))
}

/// The service's capacity providers that start instances by themselves; all of them where nobody knows.
fn growing(case: &Case<'_>) -> Vec<String> {
    let named: Vec<&str> = case.strategy().iter().filter_map(|item| item.text("capacityProvider")).collect();
    let providers = case.facts.providers.get(case.cluster_name);
    match providers.map(Fact::known) {
        Some(Ok(known)) => {
            let managed = |one: &&Tree| {
                let scaling = one.at(&["autoScalingGroupProvider", "managedScaling", "status"]).and_then(Tree::as_text);
                scaling == Some("ENABLED") || one.get("managedInstancesProvider").is_some()
            };
            let ours = known.iter().filter(|one| one.text("name").is_some_and(|name| named.contains(&name)));
            ours.filter(managed).filter_map(|one| one.text("name")).map(str::to_owned).collect()
        }
        Some(Err(_)) | None => named.into_iter().map(str::to_owned).collect(),
    }
}

impl Judged<'_> {
    /// There is no room, and nobody makes any.
    fn is_full(&self) -> bool {
        matches!(self.fit, Fit::No) && self.grows.is_empty()
    }

    fn room(&self) -> String {
        match (self.capacity.least, self.capacity.most) {
            (least, most) if least == most => format!("room for {most}"),
            (least, most) if most >= PLENTY => format!("room for {least} or more"),
            (least, most) => format!("room for {least} to {most}"),
        }
    }

    fn message(&self, case: &Case<'_>) -> String {
        let instances = self.capacity.rooms.len();
        let other = self.capacity.unfit.len();
        let suit = if instances == 1 { "1 instance suits".to_owned() } else { format!("{instances} instances suit") };
        let apart = if other > 0 { format!(", {other} do not") } else { String::new() };
        format!(
            "the {} starts {} more at once, and there is {}: {suit}{apart}",
            case.due.as_str(),
            self.needed,
            self.room()
        )
    }

    fn evidence(&self) -> Vec<String> {
        let name = |instance: &Tree| {
            let id = instance.text("ec2InstanceId").or_else(|| instance.text("containerInstanceArn")).unwrap_or("?");
            let zone = attribute(instance, "ecs.availability-zone").unwrap_or("no zone");
            format!("{id} ({zone})")
        };
        let left = |room: &Room<'_>| {
            let of = |what: &str| resource(room.instance, what).and_then(|one| one.int("integerValue")).unwrap_or(0);
            let lack =
                room.lack.filter(|_| room.most < self.needed).map(|lack| format!(", short of {}", lack.as_str()));
            let (cpu, memory) = (of("CPU"), of("MEMORY"));
            let lack = lack.unwrap_or_default();
            format!("{}: {cpu} CPU units and {memory} MiB left, room for {}{lack}", name(room.instance), room.most)
        };
        let suits = self.capacity.rooms.iter().map(left);
        let others = self.capacity.unfit.iter().map(|(instance, why)| format!("{}: {why}", name(instance)));
        let mut lines: Vec<String> = suits.chain(others).collect();
        if lines.len() > LINES {
            let more = lines.len() - LINES;
            lines.truncate(LINES);
            lines.push(format!("and {more} more"));
        }
        lines
    }
}

/// Instances that are told of one by one.
const LINES: usize = 8;

fn short(case: &Case<'_>, report: &mut Report<'_>) {
    match judged(case) {
        Err(why) => report.unknown(DESIRED, "whether the container instances have room is not known", &why),
        Ok(Some(judged)) if judged.is_full() && others(case).next().is_none() => {
            let stop = case.due == Due::Rollout;
            let other = if stop { ", or lower minimumHealthyPercent so that a task is stopped first" } else { "" };
            report.value(at(case), judged.message(case), format!("add container instances{other}"));
            report.evidence(judged.evidence());
        }
        Ok(_) => {}
    }
}

fn claimed_short(case: &Case<'_>, report: &mut Report<'_>) {
    let Ok(Some(judged)) = judged(case) else { return };
    let names: Vec<&str> = others(case).map(|claim| claim.of.as_str()).collect();
    if judged.is_full() && !names.is_empty() {
        let remedy = format!("wait until the rollouts of {} are over", names.join(", "));
        report.value(at(case), judged.message(case), remedy);
        report.evidence(judged.evidence());
    }
}

fn tight(case: &Case<'_>, report: &mut Report<'_>) {
    let Ok(Some(judged)) = judged(case) else { return };
    if !matches!(judged.fit, Fit::Tight) || !judged.grows.is_empty() {
        return;
    }
    let blind = constraints(case, "memberOf");
    if blind && judged.capacity.most >= judged.needed {
        return report.unknown(at(case), judged.message(case), "what memberOf leaves of the instances is not counted");
    }
    report.value(
        at(case),
        judged.message(case),
        "it may go in smaller steps, or stand; more container instances avoid that",
    );
    report.evidence(judged.evidence());
}

fn grows(case: &Case<'_>, report: &mut Report<'_>) {
    let Ok(Some(judged)) = judged(case) else { return };
    if matches!(judged.fit, Fit::Yes) || judged.grows.is_empty() {
        return;
    }
    let names = judged.grows.join(", ");
    let message = format!("{}; {names} may start instances", judged.message(case));
    report.value(at(case), message, "allow for the minutes that takes in reconcile.rollout.progressDeadline");
    report.evidence(judged.evidence());
}

/// The count, or, where the manifest leaves it to others, the spec as a whole.
fn at(case: &Case<'_>) -> Path {
    if case.spec.get(DESIRED).is_some() { Path::from(DESIRED) } else { Path::root() }
}
