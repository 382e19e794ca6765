//! Service: so many tasks of a task definition, kept running and rolled within bounds. Must not know: why a change
//! is made.

pub mod rows;
pub mod succession;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::shape::{Call, Time, Tree};
use crate::tree;

use super::drift;
use super::normalise;
use super::tags::{self, Ownership};
use succession::Succession;

pub use crate::rollout::{CODE_DEPLOY, ECS, EXTERNAL, controller};

use super::{Adopt, Definition, Describe, Effect, Key, Kind, List, Object, hash, lookup, secrets};

pub static DEFINITION: Definition = Definition {
    kind: Kind::Service,
    service: "ecs",
    spec: "CreateServiceRequest",
    create: "CreateService",
    name_member: "serviceName",
    shown_as: &["Service", "Deployment"],
    assigned: &[],
    required: &[],
    in_cluster: true,
    reserved: &[("cluster", "metadata.cluster"), ("clientToken", "nothing: the operator makes its own")],
    tags: &tags::ECS,
    rows: rows::ROWS,
    effects: rows::EFFECTS,
    describe: Describe {
        operation: "DescribeServices",
        names: "services",
        limit: 10,
        include: &["TAGS"],
        answer: "services",
        shortened: &[("events", EVENTS_KEPT)],
    },
    list: Some(List { operation: "ListServices", answer: "serviceArns", page: 100 }),
};

/// Of a hundred events a service, the newest tell why it fails; ten thousand services' others would fill the memory.
const EVENTS_KEPT: usize = 10;

/// What `spec.taskDefinition` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A TaskDefinition of the manifests.
    Manifest(Key),
    /// `family:revision` or an ARN, taken as it stands.
    Literal(String),
    /// A service that says none, and is shared or deployed by CodeDeploy: what it runs is another's to say.
    Live,
    /// None: under the controller EXTERNAL each task set has its own.
    TaskSets,
}

impl Reference {
    /// The key of a TaskDefinition of the manifests.
    pub fn manifest(self) -> Option<Key> {
        match self {
            Self::Manifest(key) => Some(key),
            Self::Literal(_) | Self::Live | Self::TaskSets => None,
        }
    }
}

/// The task definition a service runs; its own name where it says none, unless that is another's to say.
pub fn task_definition(object: &Object) -> Reference {
    let controller = controller(&object.spec);
    if controller == EXTERNAL {
        return Reference::TaskSets;
    }
    let others = object.reconcile.adopt == Adopt::Shared || controller == CODE_DEPLOY;
    if others && object.spec.get("taskDefinition").is_none() {
        return Reference::Live;
    }
    let name = object.spec.text("taskDefinition").unwrap_or(&object.key.name);
    if name.contains(':') {
        return Reference::Literal(name.to_owned());
    }
    let place = object.key.place.clone();
    Reference::Manifest(Key::new(place, None, Kind::TaskDefinition, name.to_owned()))
}

/// The SecurityGroup of the manifests that a service names.
pub fn security_group(object: &Object, name: &str) -> Key {
    let place = object.key.place.clone();
    Key::new(place, None, Kind::SecurityGroup, name.to_owned())
}

/// What AWS says of a service and its tasks, without what it may repeat of the service or its task definition, as they
/// are declared: "exec: \"COMMAND\": executable file not found".
pub fn redact(object: &Object, objects: &BTreeMap<Key, Arc<Object>>, said: &str) -> String {
    let said = secrets::redact(&object.spec, said);
    let runs = task_definition(object).manifest().and_then(|key| objects.get(&key));
    runs.map_or(said.clone(), |runs| secrets::redact(&runs.spec, &said))
}

/// What is shown on the PRIMARY deployment only (docs/ecs.md, what ECS reads back), and so not where there is none.
pub const IN_DEPLOYMENTS: [&str; 3] =
    ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"];

/// The part of DescribeServices' answer that a spec can be compared with.
pub fn shown(service: &Tree) -> Cow<'_, Tree> {
    let primary = crate::rollout::primary(service);
    let more: Vec<(&str, &Tree)> =
        IN_DEPLOYMENTS.iter().filter_map(|member| Some((*member, primary?.get(member)?))).collect();
    if more.is_empty() {
        return Cow::Borrowed(service);
    }
    // No spec has these, and they are long.
    let rest =
        service.as_map().into_iter().flatten().filter(|(name, _)| !["deployments", "events"].contains(&name.as_str()));
    let all = rest.map(|(name, value)| (name.as_str(), value)).chain(more);
    Cow::Owned(Tree::Map(all.map(|(name, value)| (name.to_owned(), value.clone())).collect()))
}

/// The deploy hash (design D7): what starts a deployment, and what decides its fate. `content` stands for the task
/// definition: its content hash, or the literal reference. Selector terms stand for themselves, whatever they lead to:
/// another subnet in EC2 is not another wish in Git.
pub fn deploy_hash(object: &Object, content: &str) -> String {
    let spec = lookup::without(&object.lookup, &object.spec);
    let spec = normalise::canonical_alone(rows::ROWS, &spec);
    let mut parts = tree! { "taskDefinition" => content, "restart" => restart_hash(object) };
    if !object.lookup.is_empty() {
        parts.set("lookup", object.lookup.canonical());
    }
    let closer = |name: &str| rows::CLOSER.iter().any(|closer| closer.member == name);
    let decides = |name: &str| DEFINITION.effect(name) == Effect::Deploys || rows::FATE.contains(&name) || closer(name);
    for (name, value) in spec.as_map().into_iter().flatten().filter(|(name, _)| decides(name)) {
        if name != "taskDefinition" {
            parts.set(name, value.clone());
        }
    }
    // Another scheduling is another wish, though no deployment brings it about; the default is said by silence.
    if spec.text(SCHEDULING) == Some(DAEMON) {
        parts.set(SCHEDULING, DAEMON);
    }
    hash::hash(&parts)
}

const SCHEDULING: &str = "schedulingStrategy";
const DAEMON: &str = "DAEMON";

/// Whether one task runs on each instance; nobody says how many.
pub fn is_daemon(service: &Tree) -> bool {
    service.text(SCHEDULING) == Some(DAEMON)
}

/// What the attempt tag remembers of `reconcile.restartedAt`.
pub fn restart_hash(object: &Object) -> String {
    object.reconcile.restarted_at.as_deref().map_or("-".to_owned(), |text| hash::short(text, 8))
}

/// How many tasks to begin with where the manifest leaves the count to others; ECS asks for a number.
const DESIRED_COUNT_AT_CREATION: i64 = 1;

/// Creates the service with its tags and a token: a repeat of the same creation finds the first. `before` is the
/// creation time of an INACTIVE service of that name, whose creation this is no repeat of; `succeeds` what it takes over
/// from a service in whose place it comes.
pub fn create(
    object: &Object,
    task_definition: Option<&str>,
    us: &Ownership,
    attempt: &tags::Attempt,
    before: Option<Time>,
    succeeds: Option<&Succession>,
) -> Call {
    let mut all = object.tags().to_vec();
    all.extend([tags::tag(tags::OWNER, &us.to_string()), attempt.tag()]);
    all.extend(drift::said_at_creation(object));
    all.extend(succession::object_tag(object));
    all.extend(succeeds.map(Succession::tag));
    let mut input = object.spec.clone().with_some("taskDefinition", task_definition).with("tags", all);
    input.set("cluster", cluster(object));
    if input.get("desiredCount").is_none() && !is_daemon(&input) {
        let before = succeeds.and_then(|succeeds| succeeds.desired_count);
        input.set("desiredCount", before.unwrap_or(DESIRED_COUNT_AT_CREATION));
    }
    let incarnation = input.clone().with("key", object.key.to_string()).with_some("before", before);
    let token = hash::hash(&incarnation);
    Call::ecs("CreateService", input.with("clientToken", token))
}

/// Updates the named members to what the manifest, or AWS's default, says; whole blocks, as ECS wants them.
pub fn update(object: &Object, members: &[&str], task_definition: Option<&str>, force: bool) -> Call {
    let filled = normalise::filled(rows::ROWS, &object.spec);
    let mut input = tree! { "cluster" => cluster(object), "service" => object.aws_name() };
    for name in members.iter().filter(|name| **name != "taskDefinition") {
        let name = rows::sent_as(name);
        let value = filled.get(name).cloned().unwrap_or_else(|| rows::cleared(name));
        input.set(name, value);
    }
    if let Some(reference) = task_definition {
        input.set("taskDefinition", reference);
    }
    if force {
        input.set("forceNewDeployment", true);
    }
    if controller(&input) == EXTERNAL {
        // It is left as it is, and refused there (docs/ecs.md §2.12).
        input.set("availabilityZoneRebalancing", "DISABLED");
    }
    Call::ecs("UpdateService", input)
}

/// The deployments of a service since `at`, newest first. ECS leaves out what was created in the instant that is asked
/// for, so one before it is.
pub fn list_deployments(object: &Object, at: Time) -> Call {
    let at = Time(at.0.saturating_sub(1));
    let input = tree! {
        "cluster" => cluster(object), "service" => object.aws_name(),
        "createdAt" => tree! { "after" => at }, "maxResults" => JOURNAL_MAX,
    };
    Call::ecs("ListServiceDeployments", input)
}

/// What the target revisions of listed deployments run; nothing to ask where there are none.
pub fn revisions_of(listed: &Tree) -> Option<Call> {
    let deployments = listed.list("serviceDeployments").iter();
    let arns: BTreeSet<&str> = deployments.filter_map(|one| one.text("targetServiceRevisionArn")).collect();
    let input = |arns: Vec<&str>| tree! { "serviceRevisionArns" => arns };
    (!arns.is_empty()).then(|| Call::ecs("DescribeServiceRevisions", input(arns.into_iter().collect())))
}

/// One service deployment, with its stage and hooks.
pub fn describe_deployment(arn: &str) -> Call {
    Call::ecs("DescribeServiceDeployments", tree! { "serviceDeploymentArns" => vec![arn] })
}

/// How far back the journal is read; DescribeServiceRevisions takes no more.
pub const JOURNAL_MAX: i64 = 20;

/// The cluster of those who name none (docs/ecs.md §1.1).
pub const CLUSTER_DEFAULT: &str = "default";

/// The cluster's name as AWS takes it.
pub fn cluster(object: &Object) -> &str {
    object.key.cluster.as_deref().unwrap_or(CLUSTER_DEFAULT)
}
