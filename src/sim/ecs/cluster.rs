//! Clusters (ecs-semantics §1.3, §6.1, §6.2).
//!
//! FARGATE and FARGATE_SPOT attach at once; what Auto Scaling groups need is told by `capacity_provider/`.

use crate::shape::{Time, Tree};
use crate::tree;

use super::super::world::World;
use super::capacity_provider::{self, association};
use super::coverage::{Entry, full};
use super::instance::{self, Instance};
use super::page::{HUNDRED, Order, Row, page};
use super::service::Service;
use super::task::{Task, volumes};
use super::{Answer, Ecs, Fault, setting, tag};

/// How many names DescribeClusters takes (§7.2).
const DESCRIBE_LIMIT: usize = 100;

/// What `containerInsights` may be set to (§6.1).
const INSIGHTS: &[&str] = &["enabled", "disabled", "enhanced"];

/// A cluster, ACTIVE or INACTIVE.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub name: String,
    pub arn: String,
    pub active: bool,
    pub created_at: Time,
    /// The members that CreateCluster and UpdateCluster set: settings, configuration, strategies, …
    pub body: Tree,
    pub tags: Vec<Tree>,
}

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    full("CreateCluster", create),
    full("DeleteCluster", delete),
    full("DescribeClusters", describe),
    full("ListClusters", list),
    full("PutClusterCapacityProviders", put_capacity_providers),
    full("UpdateCluster", update),
    full("UpdateClusterSettings", update),
];

/// The name in a cluster's name or ARN; `default` when there is none (§1.1).
pub fn name_of(reference: Option<&str>) -> &str {
    let reference = reference.filter(|text| !text.is_empty()).unwrap_or("default");
    reference.split_once(":cluster/").map_or(reference, |(_, name)| name)
}

/// The ACTIVE cluster that a request means.
///
/// # Errors
/// `ClusterNotFoundException`.
pub fn find<'a>(ecs: &'a Ecs, reference: Option<&str>) -> Result<&'a Cluster, Fault> {
    ecs.clusters.get(name_of(reference)).filter(|cluster| cluster.active).ok_or_else(not_found)
}

fn not_found() -> Fault {
    Fault::new("ClusterNotFoundException", "Cluster not found.")
}

/// What PutClusterCapacityProviders says to an INACTIVE cluster; weak for the other updates.
fn not_active() -> Fault {
    Fault::client("Cluster was not ACTIVE.")
}

fn check_name(name: &str) -> Result<(), Fault> {
    if is_name(name) {
        return Ok(());
    }
    Err(Fault::invalid(format!("Cluster must match ^[a-zA-Z0-9\\-_]{{1,255}}$, but was {name}")))
}

/// 1 to 255 of `[A-Za-z0-9_-]`: clusters, services, families and containers (§1.2).
pub fn is_name(name: &str) -> bool {
    (1..=255).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn create(world: &mut World, input: &Tree) -> Answer {
    let name = input.text("clusterName").unwrap_or("default").to_owned();
    check_name(&name)?;
    // A name in use gives the cluster that has it, unchanged (§1.3).
    if let Some(cluster) = world.ecs.clusters.get(&name).filter(|cluster| cluster.active) {
        return Ok(tree! { "cluster" => shown(&world.ecs, cluster, &ALL) });
    }
    tag::check_new(input.list("tags"))?;
    check_body(input)?;
    let providers = association::checked(world, &name, input.list("capacityProviders"))?;
    let mut body = tree! {
        "settings" => default_settings(world),
        "capacityProviders" => Tree::List(Vec::new()),
        "defaultCapacityProviderStrategy" => Tree::List(Vec::new()),
    };
    take_over(&mut body, input);
    association::check_strategy(&providers, body.list("defaultCapacityProviderStrategy"))?;
    body.set("capacityProviders", providers.clone());
    let cluster = Cluster {
        arn: world.arn(&format!("cluster/{name}")),
        active: true,
        created_at: world.now(),
        body,
        tags: input.list("tags").to_vec(),
        name: name.clone(),
    };
    // What an INACTIVE cluster of this name left behind is not the new one's.
    world.ecs.services.retain(|(of, _), _| *of != name);
    volumes::forget_cluster(&mut world.ecs, &name);
    world.ecs.tasks.retain(|(of, _), _| *of != name);
    world.ecs.attachments.remove(&name);
    association::attach(world, &name, &providers);
    world.ecs.instances.retain(|(of, _), _| *of != name);
    let answer = tree! { "cluster" => shown(&world.ecs, &cluster, &ALL) };
    world.ecs.clusters.insert(name.clone(), cluster);
    capacity_provider::changed(world, &name);
    Ok(answer)
}

fn default_settings(world: &World) -> Vec<Tree> {
    vec![tree! { "name" => "containerInsights", "value" => setting::container_insights(world) }]
}

/// Takes the members of a request that a cluster keeps.
fn take_over(body: &mut Tree, input: &Tree) {
    for member in ["configuration", "serviceConnectDefaults", "capacityProviders"] {
        if let Some(value) = input.get(member) {
            body.set(member, value);
        }
    }
    // An empty namespace takes the default away.
    if body.at(&["serviceConnectDefaults", "namespace"]).is_some_and(Tree::is_empty) {
        body.remove("serviceConnectDefaults");
    }
    if let Some(strategy) = input.get("defaultCapacityProviderStrategy").and_then(Tree::as_list) {
        body.set("defaultCapacityProviderStrategy", filled_strategy(strategy));
    }
    // A setting not named keeps its value.
    let mut settings = body.list("settings").to_vec();
    for new in input.list("settings") {
        match settings.iter_mut().find(|old| old.text("name") == new.text("name")) {
            Some(old) => *old = new.clone(),
            None => settings.push(new.clone()),
        }
    }
    body.set("settings", settings);
}

/// `weight` and `base` read back as 0 when they were left out.
fn filled_strategy(strategy: &[Tree]) -> Vec<Tree> {
    let filled = |item: &Tree| {
        let (weight, base) = (item.int("weight").unwrap_or(0), item.int("base").unwrap_or(0));
        item.clone().with("weight", weight).with("base", base)
    };
    strategy.iter().map(filled).collect()
}

fn check_body(input: &Tree) -> Result<(), Fault> {
    for setting in input.list("settings") {
        if !setting.text("value").is_some_and(|value| INSIGHTS.contains(&value)) {
            let text = format!("Invalid value for containerInsights. Valid values: {}.", INSIGHTS.join(", "));
            return Err(Fault::invalid(text));
        }
    }
    let command = input.at(&["configuration", "executeCommandConfiguration"]);
    let destination = |name| command.is_some_and(|it| it.at(&["logConfiguration", name]).is_some());
    let overrides = command.and_then(|it| it.text("logging")) == Some("OVERRIDE");
    if overrides && !destination("cloudWatchLogGroupName") && !destination("s3BucketName") {
        return Err(Fault::invalid(
            "A CloudWatch log group name or S3 bucket name must be specified when overriding the default log \
             configuration",
        ));
    }
    Ok(())
}

fn update(world: &mut World, input: &Tree) -> Answer {
    check_body(input)?;
    let cluster = find_to_change(&mut world.ecs, input)?;
    take_over(&mut cluster.body, input);
    let cluster = cluster.clone();
    Ok(tree! { "cluster" => shown(&world.ecs, &cluster, &ALL) })
}

fn find_to_change<'a>(ecs: &'a mut Ecs, input: &Tree) -> Result<&'a mut Cluster, Fault> {
    let cluster = ecs.clusters.get_mut(name_of(input.text("cluster"))).ok_or_else(not_found)?;
    if cluster.active { Ok(cluster) } else { Err(not_active()) }
}

fn put_capacity_providers(world: &mut World, input: &Tree) -> Answer {
    let strategy = input.list("defaultCapacityProviderStrategy");
    let name = find_to_change(&mut world.ecs, input)?.name.clone();
    association::settle(world);
    association::check_settled(world, &name)?;
    let providers = association::checked(world, &name, input.list("capacityProviders"))?;
    association::check_strategy(&providers, strategy)?;
    check_unused(&world.ecs, &name, &providers)?;
    association::attach(world, &name, &providers);
    let cluster = find_to_change(&mut world.ecs, input)?;
    // Both lists are replaced as wholes (§6.2).
    cluster.body.set("capacityProviders", providers);
    cluster.body.set("defaultCapacityProviderStrategy", filled_strategy(strategy));
    capacity_provider::changed(world, &name);
    let ecs = &world.ecs;
    let cluster = ecs.clusters.get(&name).ok_or_else(not_found)?;
    Ok(tree! { "cluster" => shown(ecs, cluster, &ALL) })
}

/// What a service's strategy or a task uses must stay (§6.2; wording weak).
fn check_unused(ecs: &Ecs, cluster: &str, staying: &[Tree]) -> Result<(), Fault> {
    let strategies = services(ecs, cluster).filter(|service| service.is_active());
    let by_services = strategies.flat_map(|service| service.spec.list("capacityProviderStrategy"));
    let by_services = by_services.filter_map(|item| item.text("capacityProvider"));
    let by_tasks = tasks(ecs, cluster).filter(|task| task.is_counted());
    let by_tasks = by_tasks.filter_map(|task| task.capacity_provider.as_deref());
    let mut used = by_services.chain(by_tasks);
    match used.find(|name| !staying.iter().any(|one| one.as_text() == Some(name))) {
        Some(name) => Err(Fault::new(
            "ResourceInUseException",
            format!("The specified capacity provider is in use and cannot be removed: {name}"),
        )),
        None => Ok(()),
    }
}

fn delete(world: &mut World, input: &Tree) -> Answer {
    let name = name_of(input.text("cluster")).to_owned();
    association::check_settled(world, &name)?;
    let has_services = services(&world.ecs, &name).any(Service::is_active);
    let has_tasks = tasks(&world.ecs, &name).any(Task::is_counted);
    let has_instances = instance::in_cluster(&world.ecs, &name).any(Instance::is_registered);
    let cluster = world.ecs.clusters.get_mut(&name).ok_or_else(not_found)?;
    if has_services {
        let text = "The Cluster cannot be deleted while Services are active.";
        return Err(Fault::new("ClusterContainsServicesException", text));
    }
    if has_tasks {
        let text = "The Cluster cannot be deleted while Tasks are active.";
        return Err(Fault::new("ClusterContainsTasksException", text));
    }
    if has_instances {
        let text = "The Cluster cannot be deleted while Container Instances are active or draining.";
        return Err(Fault::new("ClusterContainsContainerInstancesException", text));
    }
    cluster.active = false;
    let cluster = cluster.clone();
    Ok(tree! { "cluster" => shown(&world.ecs, &cluster, &ALL) })
}

/// What goes on in a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    instances: usize,
    active_services: usize,
    /// In the order of [`LAUNCH_TYPES`], as the other two are.
    services: [usize; 3],
    running: [usize; 3],
    pending: [usize; 3],
}

/// Where things run, as statistics name it.
const LAUNCH_TYPES: [&str; 3] = ["EC2", "FARGATE", "EXTERNAL"];

impl Counts {
    fn of(ecs: &Ecs, cluster: &str) -> Self {
        let launched = |task: &&Task, launch: &str| task.body.text("launchType") == Some(launch);
        let active = || services(ecs, cluster).filter(|service| service.is_active());
        Self {
            instances: instance::in_cluster(ecs, cluster).filter(|one| one.is_registered()).count(),
            active_services: active().count(),
            services: LAUNCH_TYPES.map(|launch| active().filter(|one| one.launch_type() == launch).count()),
            running: LAUNCH_TYPES
                .map(|launch| tasks(ecs, cluster).filter(|task| task.is_running() && launched(task, launch)).count()),
            pending: LAUNCH_TYPES
                .map(|launch| tasks(ecs, cluster).filter(|task| task.is_pending() && launched(task, launch)).count()),
        }
    }
}

/// The first key of a cluster's services and tasks: their maps are ordered by cluster.
fn from(cluster: &str) -> (String, String) {
    (cluster.to_owned(), String::new())
}

fn services<'a>(ecs: &'a Ecs, cluster: &'a str) -> impl Iterator<Item = &'a Service> {
    ecs.services.range(from(cluster)..).take_while(move |((of, _), _)| of == cluster).map(|(_, service)| service)
}

fn tasks<'a>(ecs: &'a Ecs, cluster: &'a str) -> impl Iterator<Item = &'a Task> {
    ecs.tasks.range(from(cluster)..).take_while(move |((of, _), _)| of == cluster).map(|(_, task)| task)
}

/// Everything that `include` can ask for.
const ALL: [&str; 5] = ["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"];

/// A cluster as answers show it. What was not asked for is an empty list, or absent (§1.4, §6.1).
fn shown(ecs: &Ecs, cluster: &Cluster, include: &[&str]) -> Tree {
    let asked = |part: &str| include.contains(&part);
    let none = || Tree::List(Vec::new());
    let part = |name: &str, asked: bool| if asked { cluster.body.get(name).cloned() } else { None };
    let counts = Counts::of(ecs, &cluster.name);
    let tags = if asked("TAGS") { Tree::List(cluster.tags.clone()) } else { none() };
    let body = tree! {
        "clusterArn" => &cluster.arn,
        "clusterName" => &cluster.name,
        "status" => if cluster.active { "ACTIVE" } else { "INACTIVE" },
        "registeredContainerInstancesCount" => counts.instances,
        "runningTasksCount" => counts.running.iter().sum::<usize>(),
        "pendingTasksCount" => counts.pending.iter().sum::<usize>(),
        "activeServicesCount" => counts.active_services,
        "statistics" => if asked("STATISTICS") { statistics(counts) } else { none() },
        "settings" => part("settings", asked("SETTINGS")).unwrap_or_else(none),
        "capacityProviders" => part("capacityProviders", true).unwrap_or_else(none),
        "defaultCapacityProviderStrategy" => part("defaultCapacityProviderStrategy", true).unwrap_or_else(none),
        "tags" => tags,
    }
    .with_some("configuration", part("configuration", asked("CONFIGURATIONS")))
    .with_some("serviceConnectDefaults", part("serviceConnectDefaults", true));
    association::shown(ecs, &cluster.name, body, asked("ATTACHMENTS"))
}

/// The counts once more, by where things run; those of external instances only where there are any.
fn statistics(counts: Counts) -> Tree {
    let mut rows = Vec::new();
    for (at, name) in ["EC2", "Fargate", "External"].into_iter().enumerate() {
        let of = |counts: [usize; 3]| counts.get(at).copied().unwrap_or(0);
        let numbers = [of(counts.running), of(counts.pending), of(counts.services)];
        if name == "External" && numbers == [0, 0, 0] {
            continue;
        }
        let names = [
            format!("running{name}TasksCount"),
            format!("pending{name}TasksCount"),
            format!("active{name}ServiceCount"),
        ];
        rows.extend(names.into_iter().zip(numbers).enumerate().map(|(kind, row)| (kind, at, row)));
    }
    // Running first, then pending, then services, each by where.
    rows.sort_by_key(|(kind, at, _)| (*kind, *at));
    let row = |(_, _, (name, count)): (usize, usize, (String, usize))| {
        tree! { "name" => name, "value" => count.to_string() }
    };
    Tree::List(rows.into_iter().map(row).collect())
}

fn describe(world: &mut World, input: &Tree) -> Answer {
    let mut references: Vec<&str> = input.list("clusters").iter().filter_map(Tree::as_text).collect();
    if references.len() > DESCRIBE_LIMIT {
        return Err(Fault::invalid(format!("Clusters cannot exceed {DESCRIBE_LIMIT} elements.")));
    }
    if references.is_empty() {
        references.push("default");
    }
    association::settle(world);
    let include: Vec<&str> = input.list("include").iter().filter_map(Tree::as_text).collect();
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for reference in references {
        let name = name_of(Some(reference));
        let arn = if reference == name { world.arn(&format!("cluster/{name}")) } else { reference.to_owned() };
        match world.ecs.clusters.get(name).filter(|cluster| cluster.arn == arn) {
            Some(cluster) => clusters.push(shown(&world.ecs, cluster, &include)),
            None => failures.push(tree! { "arn" => arn, "reason" => "MISSING" }),
        }
    }
    Ok(tree! { "clusters" => clusters, "failures" => failures })
}

fn list(world: &mut World, input: &Tree) -> Answer {
    let active = world.ecs.clusters.values().filter(|cluster| cluster.active);
    let rows = active.map(|cluster| Row { key: cluster.name.clone(), shown: cluster.arn.clone() });
    page(rows.collect(), Order::Ascending, input, "clusterArns", HUNDRED)
}

#[cfg(test)]
mod tests {
    use super::super::call;
    use super::*;
    use crate::sim::world::Settings;

    fn world() -> World {
        World::new(Settings::default(), Time(0))
    }

    fn ask(world: &mut World, operation: &str, input: Tree) -> Answer {
        call(world, "ecs", operation, &input)
    }

    #[test]
    fn a_cluster_reads_back_what_it_was_given() {
        let mut world = world();
        let input = tree! {
            "clusterName" => "a",
            "settings" => vec![tree! { "name" => "containerInsights", "value" => "enabled" }],
            "capacityProviders" => vec!["FARGATE"],
            "defaultCapacityProviderStrategy" => vec![tree! { "capacityProvider" => "FARGATE", "weight" => 1 }],
        };
        let made = ask(&mut world, "CreateCluster", input).unwrap();
        let strategy = tree! { "capacityProvider" => "FARGATE", "weight" => 1, "base" => 0 };
        assert_eq!(made.at(&["cluster", "defaultCapacityProviderStrategy"]), Some(&vec![strategy].into()));
        let brief = ask(&mut world, "DescribeClusters", tree! { "clusters" => vec!["a"] }).unwrap();
        assert_eq!(brief.list("clusters")[0].list("settings").len(), 0, "settings only when asked for");
        let again = ask(&mut world, "CreateCluster", tree! { "clusterName" => "a" }).unwrap();
        assert_eq!(again, made, "a name in use gives the cluster that has it");
    }

    #[test]
    fn no_name_means_default() {
        let mut world = world();
        ask(&mut world, "CreateCluster", tree! {}).unwrap();
        let found = ask(&mut world, "DescribeClusters", tree! {}).unwrap();
        assert_eq!(found.list("clusters")[0].text("clusterName"), Some("default"));
        assert_eq!(find(&world.ecs, None).unwrap().name, "default");
        assert_eq!(
            find(&world.ecs, Some("arn:aws:ecs:us-east-1:123456789012:cluster/default")).unwrap().name,
            "default"
        );
    }

    #[test]
    fn a_deleted_cluster_is_inactive_and_its_name_is_free() {
        let mut world = world();
        ask(&mut world, "CreateCluster", tree! { "clusterName" => "a" }).unwrap();
        for _ in 0..2 {
            let gone = ask(&mut world, "DeleteCluster", tree! { "cluster" => "a" }).unwrap();
            assert_eq!(gone.at(&["cluster", "status"]), Some(&"INACTIVE".into()));
        }
        assert_eq!(ask(&mut world, "ListClusters", tree! {}).unwrap().list("clusterArns").len(), 0);
        let shown = ask(&mut world, "DescribeClusters", tree! { "clusters" => vec!["a"] }).unwrap();
        assert_eq!(shown.list("clusters")[0].text("status"), Some("INACTIVE"));
        let refused = ask(&mut world, "UpdateCluster", tree! { "cluster" => "a" }).unwrap_err();
        assert_eq!(refused.message, "Cluster was not ACTIVE.");
        let made = ask(&mut world, "CreateCluster", tree! { "clusterName" => "a" }).unwrap();
        assert_eq!(made.at(&["cluster", "status"]), Some(&"ACTIVE".into()));
    }

    #[test]
    fn updates_replace_what_they_name() {
        let mut world = world();
        ask(&mut world, "CreateCluster", tree! { "clusterName" => "a", "capacityProviders" => vec!["FARGATE"] })
            .unwrap();
        let on = vec![tree! { "name" => "containerInsights", "value" => "enhanced" }];
        let input = tree! { "cluster" => "a", "settings" => on.clone() };
        let set = ask(&mut world, "UpdateClusterSettings", input).unwrap();
        assert_eq!(set.at(&["cluster", "settings"]), Some(&on.into()));
        let none = || Tree::List(Vec::new());
        let input =
            tree! { "cluster" => "a", "capacityProviders" => none(), "defaultCapacityProviderStrategy" => none() };
        let put = ask(&mut world, "PutClusterCapacityProviders", input).unwrap();
        assert_eq!(put.at(&["cluster", "capacityProviders"]), Some(&none()));
    }

    #[test]
    fn refuses_what_ecs_refuses() {
        let mut world = world();
        let strategy = |name: &str| vec![tree! { "capacityProvider" => name, "base" => 1 }];
        let command = tree! { "executeCommandConfiguration" => tree! { "logging" => "OVERRIDE" } };
        for (input, words) in [
            (tree! { "clusterName" => "a b" }, "Cluster must match ^[a-zA-Z0-9\\-_]{1,255}$, but was a b"),
            (tree! { "capacityProviders" => vec!["mine"] }, "was not found"),
            (tree! { "defaultCapacityProviderStrategy" => strategy("FARGATE") }, "not associated with the cluster"),
            (
                tree! { "settings" => vec![tree! { "name" => "containerInsights", "value" => "on" }] },
                "Valid values: enabled, disabled, enhanced",
            ),
            (tree! { "configuration" => command }, "must be specified when overriding"),
            (tree! { "tags" => vec![tree! { "key" => "aws:x", "value" => "" }] }, "reserved"),
        ] {
            let fault = ask(&mut world, "CreateCluster", input).unwrap_err();
            assert_eq!(fault.code, "InvalidParameterException");
            assert!(fault.message.contains(words), "{}", fault.message);
        }
        assert!(world.ecs.clusters.is_empty());
        let many = tree! { "clusters" => vec!["a"; DESCRIBE_LIMIT + 1] };
        assert_eq!(ask(&mut world, "DescribeClusters", many).unwrap_err().code, "InvalidParameterException");
    }
}
