//! What a task's subnet can reach: the internet, and the services that starting a task takes (ecs-semantics §9.2,
//! §9.3). Must not know: tasks.

use std::collections::BTreeSet;

use crate::shape::Tree;
use crate::sim::world::World;

use super::store::{ROUTE_TABLE, SUBNET};
use super::{endpoint, named, nat_gateway, route_table};

/// What starting a task takes, besides its images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// `secretsmanager`, `ssm`.
    pub secrets: BTreeSet<&'static str>,
    /// The `awslogs` driver.
    pub logs: bool,
}

impl Needs {
    /// Reads a task definition.
    pub fn of(definition: &Tree) -> Self {
        let mut needs = Self::default();
        for container in definition.list("containerDefinitions") {
            let log = container.get("logConfiguration");
            needs.logs |= log.and_then(|log| log.text("logDriver")) == Some("awslogs");
            let of_log = log.map(|log| log.list("secretOptions")).unwrap_or_default();
            let secrets = container.list("secrets").iter().chain(of_log);
            let from = secrets
                .filter_map(|secret| secret.text("valueFrom"))
                .map(|from| if from.contains(":secretsmanager:") { "secretsmanager" } else { "ssm" });
            needs.secrets.extend(from);
            if container.get("repositoryCredentials").is_some() {
                needs.secrets.insert("secretsmanager");
            }
        }
        needs
    }
}

/// Where a task stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub subnet: &'a str,
    /// It has a public address.
    pub public: bool,
}

/// The way that a subnet's traffic to the internet takes: the default route of its table.
fn way_out(world: &World, subnet: &str) -> Option<Tree> {
    let id = route_table::table_of(&world.ec2, subnet)?;
    let table = world.ec2.find(&ROUTE_TABLE, id)?;
    let mut routes = route_table::routes(world, id, table).into_iter();
    routes
        .find(|route| route.text("DestinationCidrBlock") == Some("0.0.0.0/0") && route.text("State") == Some("active"))
}

/// Whether a subnet is public: its default route leads to an internet gateway.
pub fn has_gateway(world: &World, subnet: &str) -> bool {
    way_out(world, subnet).is_some_and(|route| route.text("GatewayId").is_some_and(|id| id.starts_with("igw-")))
}

fn reaches_internet(world: &World, place: Place) -> bool {
    let Some(route) = way_out(world, place.subnet) else { return false };
    match (route.text("GatewayId"), route.text("NatGatewayId")) {
        (Some(_), _) => place.public && has_gateway(world, place.subnet),
        (None, Some(nat)) => nat_gateway::reaches_out(world, nat),
        // Somebody's own machine forwards it.
        (None, None) => true,
    }
}

/// An image's registry, as its host.
fn registry(image: &str) -> (&str, &str) {
    match image.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        _ => ("registry-1.docker.io", image),
    }
}

/// Why a task can't start here, in the words of its stopped reason; none where nothing is in its way.
///
/// Wordings after <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html>, the
/// addresses in them left out.
pub fn problem(world: &World, place: Place, images: &[&str], needs: &Needs) -> Option<String> {
    let ec2 = &world.ec2;
    if named::is_named(ec2, place.subnet) || reaches_internet(world, place) {
        return None;
    }
    let vpc = ec2.find(&SUBNET, place.subnet)?.text("VpcId")?;
    let table = route_table::table_of(ec2, place.subnet).unwrap_or_default();
    let reaches = |service: &str| endpoint::reaches(world, vpc, table, service);
    let region = &ec2.region;
    let private = |image: &&&str| {
        let (host, _) = registry(image);
        host.contains(".dkr.ecr.") && host.ends_with(&format!(".{region}.amazonaws.com"))
    };
    let from_ecr = images.iter().find(private);
    if from_ecr.is_some() && !reaches("ecr.api") {
        return Some(unretrieved("ecr registry auth", &format!("https://api.ecr.{region}.amazonaws.com/"), 3));
    }
    if let Some(service) = needs.secrets.iter().find(|service| !reaches(service)) {
        let what = if *service == "ssm" { "secrets from ssm" } else { "secret from asm" };
        return Some(unretrieved(what, &format!("https://{service}.{region}.amazonaws.com/"), 5));
    }
    if let Some(image) = images.iter().find(|image| !private(image)) {
        return Some(unpulled(image));
    }
    if let Some(image) = from_ecr.filter(|_| !reaches("ecr.dkr")) {
        return Some(unpulled(image));
    }
    if from_ecr.is_some() && !reaches("s3") {
        return Some(format!(
            "CannotPullContainerError: ref pull has been retried 5 time(s): failed to copy: httpReadSeeker: failed open: \
             failed to do request: Get \"https://prod-{region}-starport-layer-bucket.s3.{region}.amazonaws.com/\": dial \
             tcp: i/o timeout"
        ));
    }
    (needs.logs && !reaches("logs")).then(|| {
        format!(
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed \
             to create Cloudwatch log stream: RequestError: send request failed caused by: Post \
             \"https://logs.{region}.amazonaws.com/\": dial tcp: i/o timeout : exit status 1"
        )
    })
}

fn unretrieved(what: &str, url: &str, times: u32) -> String {
    format!(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable \
         to retrieve {what}: service call has been retried {times} time(s): RequestError: send request failed caused by: \
         Post \"{url}\": dial tcp: i/o timeout. Please check your task network configuration."
    )
}

fn unpulled(image: &str) -> String {
    let (host, path) = registry(image);
    let (name, tag) = match path.rsplit_once(['@', ':']) {
        Some((name, tag)) => (name, tag),
        None => (path, "latest"),
    };
    let name =
        if host == "registry-1.docker.io" && !name.contains('/') { format!("library/{name}") } else { name.to_owned() };
    let shown = if host == "registry-1.docker.io" { "docker.io" } else { host };
    format!(
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref \
         {shown}/{name}:{tag}: failed to do request: Head \"https://{host}/v2/{name}/manifests/{tag}\": dial tcp: i/o \
         timeout"
    )
}
