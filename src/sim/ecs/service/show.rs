//! Services, deployments and revisions as AWS shows them (§2.6, §2.15, §5.1). Must not know: operations.

use crate::shape::Tree;
use crate::tree;

use super::super::super::world::World;
use super::super::task::Task;
use super::{Deployment, Revision, Service, Status, task_set, traffic};

/// RUNNING tasks, and those on their way there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub running: i64,
    pub pending: i64,
}

impl Counts {
    fn of<'a>(tasks: impl Iterator<Item = &'a Task>) -> Self {
        tasks.fold(Self::default(), |counts, task| Self {
            running: counts.running + i64::from(task.is_running()),
            pending: counts.pending + i64::from(task.is_pending()),
        })
    }
}

fn tasks<'a>(world: &'a World, service: &'a Service) -> impl Iterator<Item = &'a Task> {
    service.tasks.iter().filter_map(|id| world.ecs.tasks.get(&(service.cluster.clone(), id.clone())))
}

/// The counts of one deployment.
pub(super) fn counts(world: &World, service: &Service, deployment: &str) -> Counts {
    Counts::of(tasks(world, service).filter(|task| task.started_by.as_deref() == Some(deployment)))
}

/// A deployment's revision with its counts: `currentServiceRevisions[]`, `targetServiceRevision`.
pub(super) fn revision_counts(world: &World, service: &Service, deployment: &Deployment) -> Tree {
    let counts = counts(world, service, &deployment.id);
    let weights = traffic::weights(service, &deployment.id);
    tree! {
        "arn" => &deployment.revision,
        "requestedTaskCount" => deployment.desired,
        "runningTaskCount" => counts.running,
        "pendingTaskCount" => counts.pending,
    }
    .with_some("requestedTestTrafficWeight", weights.map(|weights| Tree::Float(weights.test)))
    .with_some("requestedProductionTrafficWeight", weights.map(|weights| Tree::Float(weights.production)))
}

/// A revision as it was shown, with the tasks that it has now: none when its deployment is gone.
pub(super) fn recounted(world: &World, service: &Service, shown: &Tree) -> Tree {
    let arn = shown.text("arn");
    let deployment = service.deployments.iter().find(|one| Some(one.revision.as_str()) == arn);
    let counts = deployment.map(|one| counts(world, service, &one.id)).unwrap_or_default();
    shown
        .clone()
        .with("requestedTaskCount", deployment.map_or(0, |one| one.desired))
        .with("runningTaskCount", counts.running)
        .with("pendingTaskCount", counts.pending)
}

/// The service as Create, Update, Delete and DescribeServices answer it.
pub(super) fn service(world: &World, service: &Service, with_tags: bool) -> Tree {
    let counts = Counts::of(tasks(world, service));
    let account = &world.settings.account;
    let (sets, deployments): (Vec<_>, Vec<_>) = service.deployments.iter().partition(|one| one.task_set.is_some());
    let sets = sets.iter().map(|one| task_set::shown(world, service, one, with_tags)).collect::<Vec<_>>();
    let sets = (service.controller() != "ECS").then_some(sets);
    let deployments = deployments.iter().map(|one| deployment(world, service, one)).collect::<Vec<_>>();
    let events = service.events.iter().map(|told| {
        tree! { "id" => &told.id, "createdAt" => told.at, "message" => &told.message }
    });
    let revised = service.deployments.iter().filter(|one| one.task_set.is_none());
    let revisions = revised.map(|one| revision_counts(world, service, one)).collect::<Vec<_>>();
    let current = service.journal.last().filter(|_| service.status == Status::Active).map(|entry| &entry.arn);
    let mut shown = service.settings.clone();
    // The other deploying members stand in deployments[] only.
    const ALSO_HERE: &[&str] = &[
        "taskDefinition",
        "launchType",
        "capacityProviderStrategy",
        "platformVersion",
        "platformFamily",
        "networkConfiguration",
        "loadBalancers",
        "serviceRegistries",
    ];
    copy(&service.spec, ALSO_HERE, &mut shown);
    shown
        .with("serviceArn", &service.arn)
        .with("serviceName", &service.name)
        .with("clusterArn", world.arn(&format!("cluster/{}", service.cluster)))
        .with("status", service.status.as_str())
        .with("desiredCount", service.desired)
        .with("runningCount", counts.running)
        .with("pendingCount", counts.pending)
        .with("deployments", deployments)
        .with("events", events.collect::<Vec<_>>())
        .with("createdAt", service.created)
        .with("createdBy", format!("arn:aws:iam::{account}:role/simulated"))
        .with("roleArn", role(account, service))
        .with("currentServiceRevisions", revisions)
        .with_some("currentServiceDeployment", current)
        .with_some("taskSets", sets)
        .with_some("tags", with_tags.then(|| service.tags.clone()))
}

/// The role that was given, else ECS's service-linked one (§5.1).
fn role(account: &str, service: &Service) -> String {
    match service.created_with.text("role") {
        Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
        Some(name) => format!("arn:aws:iam::{account}:role/{name}"),
        None => format!("arn:aws:iam::{account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"),
    }
}

fn copy(from: &Tree, names: &[&str], to: &mut Tree) {
    for name in names {
        if let Some(value) = from.get(name) {
            to.set(name, value);
        }
    }
}

fn deployment(world: &World, service: &Service, deployment: &Deployment) -> Tree {
    let counts = counts(world, service, &deployment.id);
    let mut shown = tree! {
        "id" => &deployment.id,
        "status" => if deployment.primary { "PRIMARY" } else { "ACTIVE" },
        "desiredCount" => deployment.desired,
        "runningCount" => counts.running,
        "pendingCount" => counts.pending,
        "failedTasks" => deployment.failed_tasks,
        "createdAt" => deployment.created,
        "updatedAt" => deployment.updated,
        "rolloutState" => deployment.rollout.as_str(),
        "rolloutStateReason" => &deployment.reason,
    };
    deploying(&deployment.spec, &mut shown);
    shown
}

/// The members that start a deployment and that it shows, as its revision does.
fn deploying(spec: &Tree, shown: &mut Tree) {
    const MEMBERS: &[&str] = &[
        "taskDefinition",
        "launchType",
        "capacityProviderStrategy",
        "platformFamily",
        "networkConfiguration",
        "serviceConnectConfiguration",
        "volumeConfigurations",
        "vpcLatticeConfigurations",
    ];
    copy(spec, MEMBERS, shown);
    if let Some(version) = resolved_platform(spec) {
        shown.set("platformVersion", version);
    }
}

/// The members that a task set shows.
pub(super) fn of_task_set(spec: &Tree, shown: &mut Tree) {
    copy(spec, &["loadBalancers", "serviceRegistries"], shown);
    copy(spec, &["taskDefinition", "launchType", "capacityProviderStrategy", "platformFamily"], shown);
    copy(spec, &["networkConfiguration"], shown);
    if let Some(version) = resolved_platform(spec) {
        shown.set("platformVersion", version);
    }
}

/// LATEST as it was resolved (§2.6).
pub(super) fn resolved_platform(spec: &Tree) -> Option<&str> {
    match (spec.text("platformVersion"), spec.text("platformFamily")) {
        (Some("LATEST"), Some("Windows")) => Some("1.0.0"),
        (Some("LATEST"), _) => Some("1.4.0"),
        (version, _) => version,
    }
}

/// A service revision as DescribeServiceRevisions answers it.
pub(super) fn revision(world: &World, service: &Service, revision: &Revision) -> Tree {
    let images = revision.definition.body.list("containerDefinitions").iter().map(|container| {
        let image = container.text("image").unwrap_or_default();
        let name = container.text("name").unwrap_or_default();
        tree! { "containerName" => name, "image" => image }.with_some("imageDigest", revision.digests.get(name))
    });
    let images = images.collect::<Vec<_>>();
    let mut shown = tree! {
        "serviceRevisionArn" => &revision.arn,
        "serviceArn" => &service.arn,
        "clusterArn" => world.arn(&format!("cluster/{}", service.cluster)),
        "containerImages" => images,
        "guardDutyEnabled" => false,
        "createdAt" => revision.created,
    };
    copy(&revision.spec, &["loadBalancers", "serviceRegistries"], &mut shown);
    deploying(&revision.spec, &mut shown);
    shown
}
