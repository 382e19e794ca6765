//! Attributes of container instances: those they come with, and PutAttributes, DeleteAttributes, ListAttributes
//! (ecs-semantics §1.2, §3.5, §6.4). Must not know: what placement makes of them.

use std::collections::BTreeMap;

use crate::shape::Tree;
use crate::tree;

use super::super::super::neighbours::ec2;
use super::super::super::world::World;
use super::super::service::{cluster_of, page};
use super::super::{Answer, Fault};
use super::{Instance, id_of, in_cluster};

/// Of one request, and of one resource's own attributes (§1.2, §7.2).
const MOST_AT_ONCE: usize = 10;
const MOST_CUSTOM: usize = 10;
const MOST_LETTERS: usize = 128;
const MOST_PAGE: usize = 100;

/// What an agent can do, as it registers it. Weak: from memory of a current agent on Amazon Linux.
const CAPABILITIES: &[&str] = &[
    "com.amazonaws.ecs.capability.docker-remote-api.1.17",
    "com.amazonaws.ecs.capability.docker-remote-api.1.18",
    "com.amazonaws.ecs.capability.docker-remote-api.1.19",
    "com.amazonaws.ecs.capability.docker-remote-api.1.20",
    "com.amazonaws.ecs.capability.docker-remote-api.1.21",
    "com.amazonaws.ecs.capability.docker-remote-api.1.22",
    "com.amazonaws.ecs.capability.docker-remote-api.1.23",
    "com.amazonaws.ecs.capability.docker-remote-api.1.24",
    "com.amazonaws.ecs.capability.docker-remote-api.1.25",
    "com.amazonaws.ecs.capability.ecr-auth",
    "com.amazonaws.ecs.capability.logging-driver.awsfirelens",
    "com.amazonaws.ecs.capability.logging-driver.awslogs",
    "com.amazonaws.ecs.capability.logging-driver.fluentd",
    "com.amazonaws.ecs.capability.logging-driver.gelf",
    "com.amazonaws.ecs.capability.logging-driver.journald",
    "com.amazonaws.ecs.capability.logging-driver.json-file",
    "com.amazonaws.ecs.capability.logging-driver.splunk",
    "com.amazonaws.ecs.capability.logging-driver.syslog",
    "com.amazonaws.ecs.capability.privileged-container",
    "com.amazonaws.ecs.capability.task-iam-role",
    "com.amazonaws.ecs.capability.task-iam-role-network-host",
    "ecs.capability.aws-appmesh",
    "ecs.capability.container-health-check",
    "ecs.capability.container-ordering",
    "ecs.capability.docker-plugin.local",
    "ecs.capability.efs",
    "ecs.capability.efsAuth",
    "ecs.capability.env-files.s3",
    "ecs.capability.execution-role-awslogs",
    "ecs.capability.execution-role-ecr-pull",
    "ecs.capability.firelens.fluentbit",
    "ecs.capability.firelens.fluentd",
    "ecs.capability.pid-ipc-namespace-sharing",
    "ecs.capability.private-registry-authentication.secretsmanager",
    "ecs.capability.secrets.asm.environment-variables",
    "ecs.capability.secrets.ssm.environment-variables",
    "ecs.capability.task-eni",
];
/// What an external instance can't do: network interfaces, EFS, App Mesh (§6.6).
const NOT_EXTERNAL: &[&str] =
    &["ecs.capability.task-eni", "ecs.capability.efs", "ecs.capability.efsAuth", "ecs.capability.aws-appmesh"];

/// What an instance is like.
pub(super) struct Nature<'a> {
    pub kind: &'a str,
    pub zone: &'a str,
    pub arm: bool,
    pub external: bool,
    pub trunk: Option<&'a str>,
    /// The subnet it stands in, and that one's VPC.
    pub network: Option<(&'a str, &'a str)>,
}

/// The attributes that every instance has (§3.5).
pub(super) fn usual(nature: &Nature<'_>) -> BTreeMap<String, Option<String>> {
    let able = |name: &&&str| !(nature.external && NOT_EXTERNAL.contains(name));
    let mut all: BTreeMap<String, Option<String>> =
        CAPABILITIES.iter().filter(able).map(|name| ((*name).to_owned(), None)).collect();
    let mut set = |name: &str, value: &str| drop(all.insert(name.to_owned(), Some(value.to_owned())));
    set("ecs.os-type", "linux");
    set("ecs.os-family", "LINUX");
    set("ecs.cpu-architecture", if nature.arm { "arm64" } else { "x86_64" });
    if nature.external {
        all.insert("ecs.capability.external".to_owned(), None);
        return all;
    }
    set("ecs.ami-id", ec2::image(nature.arm));
    set("ecs.availability-zone", nature.zone);
    set("ecs.instance-type", nature.kind);
    if let Some((subnet, vpc)) = nature.network {
        set("ecs.vpc-id", vpc);
        set("ecs.subnet-id", subnet);
    }
    if let Some(trunk) = nature.trunk {
        set("ecs.awsvpc-trunk-id", trunk);
    }
    all
}

/// Names are of letters, digits and `-_./\`; wordings weak.
fn judge(attribute: &Tree) -> Result<(), Fault> {
    let name = attribute.text("name").unwrap_or_default();
    let right = |c: char| c.is_ascii_alphanumeric() || "-_./\\".contains(c);
    if !(1..=MOST_LETTERS).contains(&name.len()) || !name.chars().all(right) {
        return Err(Fault::invalid(format!(
            "Attribute names must have 1 to {MOST_LETTERS} letters, digits, and -_./\\, but one is {name}"
        )));
    }
    let Some(value) = attribute.text("value") else { return Ok(()) };
    let right = |c: char| c.is_ascii_alphanumeric() || "-_./\\@: ".contains(c);
    if !(1..=MOST_LETTERS).contains(&value.len()) || !value.chars().all(right) || value.trim() != value {
        return Err(Fault::invalid(format!(
            "Attribute values must have 1 to {MOST_LETTERS} letters, digits, spaces within, and -_./\\@:, but the one \
             of {name} is {value}"
        )));
    }
    Ok(())
}

/// Adds attributes to an instance: all of them, or none.
pub(super) fn overlay(instance: &mut Instance, given: &[Tree]) -> Result<(), Fault> {
    let (mut all, mut custom) = (instance.attributes.clone(), instance.custom.clone());
    for attribute in given {
        judge(attribute)?;
        let name = attribute.text("name").unwrap_or_default();
        // An agent repeats its capabilities; they are no custom attributes.
        if !all.contains_key(name) {
            custom.insert(name.to_owned());
        }
        all.insert(name.to_owned(), attribute.text("value").map(str::to_owned));
    }
    let own = |name: &&String| !name.starts_with("ecs.") && !name.starts_with("com.amazonaws.ecs.");
    if custom.iter().filter(own).count() > MOST_CUSTOM {
        return Err(Fault::new(
            "AttributeLimitExceededException",
            format!("You can apply up to {MOST_CUSTOM} custom attributes for each resource."),
        ));
    }
    instance.attributes = all;
    instance.custom = custom;
    Ok(())
}

/// The instance that an attribute is for: `targetId` is an ARN, or an id beside its `targetType`.
fn target(world: &World, cluster: &str, attribute: &Tree) -> Result<(String, String), Fault> {
    let reference = attribute.text("targetId").unwrap_or_default();
    if !reference.starts_with("arn:") && attribute.text("targetType").is_none() {
        return Err(Fault::invalid("targetType must be specified when targetId is not an ARN."));
    }
    let key = (cluster.to_owned(), id_of(world, cluster, reference)?);
    match world.ecs.instances.get(&key) {
        Some(instance) if instance.is_registered() => Ok(key),
        _ => Err(Fault::new("TargetNotFoundException", format!("The specified target was not found: {reference}"))),
    }
}

fn few(input: &Tree) -> Result<&[Tree], Fault> {
    let given = input.list("attributes");
    match given.len() {
        1..=MOST_AT_ONCE => Ok(given),
        _ => Err(Fault::invalid(format!("Specify 1 to {MOST_AT_ONCE} attributes."))),
    }
}

pub(super) fn put(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let mut changed: BTreeMap<(String, String), Instance> = BTreeMap::new();
    let mut shown = Vec::new();
    for attribute in few(input)? {
        let key = target(world, &cluster, attribute)?;
        let known = changed.remove(&key).or_else(|| world.ecs.instances.get(&key).cloned());
        let Some(mut instance) = known else { continue };
        let name = attribute.text("name").unwrap_or_default();
        if instance.attributes.contains_key(name) && !instance.custom.contains(name) {
            return Err(Fault::invalid(format!("The attribute {name} is set by Amazon ECS and can not be changed.")));
        }
        overlay(&mut instance, std::slice::from_ref(attribute))?;
        shown.push(attribute.clone());
        changed.insert(key, instance);
    }
    world.ecs.instances.extend(changed);
    super::super::service::capacity_changed(world, &cluster);
    Ok(tree! { "attributes" => shown })
}

pub(super) fn delete(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let given = few(input)?;
    let keys = given.iter().map(|one| target(world, &cluster, one)).collect::<Result<Vec<_>, _>>()?;
    for (key, attribute) in keys.iter().zip(given) {
        let Some(instance) = world.ecs.instances.get_mut(key) else { continue };
        let name = attribute.text("name").unwrap_or_default();
        // With a value, only that one is meant.
        let meant = attribute
            .text("value")
            .is_none_or(|value| instance.attributes.get(name).and_then(Option::as_deref) == Some(value));
        if meant && instance.custom.remove(name) {
            instance.attributes.remove(name);
        }
    }
    super::super::service::capacity_changed(world, &cluster);
    Ok(tree! { "attributes" => given.to_vec() })
}

pub(super) fn list(world: &mut World, input: &Tree) -> Answer {
    let cluster = cluster_of(world, input)?;
    let (wanted, value) = (input.text("attributeName"), input.text("attributeValue"));
    let mut rows = Vec::new();
    for instance in in_cluster(&world.ecs, &cluster).filter(|one| one.is_registered()) {
        for (name, is) in &instance.attributes {
            if wanted.is_some_and(|wanted| wanted != name) || value.is_some_and(|value| is.as_deref() != Some(value)) {
                continue;
            }
            let shown = tree! { "name" => name, "targetId" => &instance.arn }.with_some("value", is.as_ref());
            rows.push((format!("{}/{name}", instance.id), shown));
        }
    }
    let (attributes, next) = page(rows, input, MOST_PAGE, MOST_PAGE)?;
    Ok(tree! { "attributes" => attributes }.with_some("nextToken", next))
}
