//! The members of a service that start a deployment when they change (§2.7), read and judged (§5.1).
//! Must not know: what a deployment does with them.

use std::sync::Arc;

use crate::shape::Tree;
use crate::tree;

use super::super::super::neighbours::ec2::named;
use super::super::super::world::World;
use super::super::Fault;
use super::super::task::{behaviour, volumes};
use super::super::task_definition::{TaskDefinition, resolve};
use super::configuration::given;
use super::{capacity, extras};

/// Members that are replaced as a whole: absent or null keeps, `[]` clears.
const WHOLE: &[&str] = &[
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];
/// Members whose effect the embedded ECS doesn't have: refused rather than ignored.
const UNOFFERED: &[&str] = &["gatewayConnectors", "monitoring"];
const MOST_SUBNETS: usize = 16;
const MOST_SECURITY_GROUPS: usize = 5;
const MOST_TARGET_GROUPS: usize = 5;
const PLATFORM_VERSIONS: &[&str] = &["LATEST", "1.4.0", "1.3.0", "1.0.0"];

/// What a deployment runs: the members, and the task definition they name.
pub(super) struct Wanted {
    pub spec: Tree,
    pub definition: Arc<TaskDefinition>,
}

/// Reads CreateService's input.
pub(super) fn of_create(world: &World, cluster: &str, input: &Tree) -> Result<Wanted, Fault> {
    let Some(reference) = input.text("taskDefinition").filter(|text| !text.is_empty()) else {
        return Err(Fault::invalid("TaskDefinition cannot be blank"));
    };
    let none = Vec::<Tree>::new;
    let mut spec = tree! { "loadBalancers" => none(), "serviceRegistries" => none() };
    capacity::choose(world, cluster, input, &mut spec)?;
    finish(world, cluster, spec, definition(world, reference)?, input)
}

/// What an EXTERNAL service has of its own: nothing that runs (§2.13).
pub(super) fn of_external(input: &Tree) -> Tree {
    let none = Vec::<Tree>::new;
    tree! { "loadBalancers" => none(), "serviceRegistries" => none() }.with_some("launchType", input.text("launchType"))
}

/// Reads UpdateService's input on top of what there is.
pub(super) fn of_update(
    world: &World,
    service: &super::Service,
    current: Option<&Arc<TaskDefinition>>,
    input: &Tree,
) -> Result<Wanted, Fault> {
    let mut spec = service.spec.clone();
    if let Some(strategy) = given(input, "capacityProviderStrategy") {
        change_strategy(world, service, strategy, input, &mut spec)?;
    }
    let asked = input.text("taskDefinition").filter(|text| !text.is_empty());
    let definition = match (asked, current) {
        // The same revision again is no change, even when it was deregistered meanwhile.
        (Some(reference), Some(current)) if resolve(&world.ecs, reference).is_ok_and(|one| one.arn == current.arn) => {
            current.clone()
        }
        (Some(reference), _) => definition(world, reference)?,
        (None, Some(current)) => current.clone(),
        (None, None) => return Err(Fault::invalid("TaskDefinition cannot be blank")),
    };
    finish(world, &service.cluster, spec, definition, input)
}

/// `[]` goes back to the original launch type; any change must be forced (§5.2).
fn change_strategy(
    world: &World,
    service: &super::Service,
    strategy: &Tree,
    input: &Tree,
    spec: &mut Tree,
) -> Result<(), Fault> {
    if strategy.is_empty() {
        let launch = service.original_launch.as_deref().unwrap_or("EC2");
        capacity::set_launch_type(spec, launch)?;
    } else {
        capacity::set_strategy(world, &service.cluster, strategy, spec)?;
    }
    let same = ["launchType", "capacityProviderStrategy"].iter().all(|name| spec.get(name) == service.spec.get(name));
    if !same && input.bool("forceNewDeployment") != Some(true) {
        return Err(Fault::invalid(
            "When switching from launch type to capacity provider strategy on an existing service, or making a change \
             to a capacity provider strategy on a service that is already using one, you must force a new deployment.",
        ));
    }
    Ok(())
}

fn definition(world: &World, reference: &str) -> Result<Arc<TaskDefinition>, Fault> {
    let found = resolve(&world.ecs, reference)?;
    match found.active {
        true => Ok(Arc::new(found.clone())),
        false => Err(Fault::client("TaskDefinition is inactive")),
    }
}

/// Lays the plain members over, fills in defaults, judges the whole.
fn finish(
    world: &World,
    cluster: &str,
    mut spec: Tree,
    definition: Arc<TaskDefinition>,
    input: &Tree,
) -> Result<Wanted, Fault> {
    if let Some(name) = UNOFFERED.iter().find(|name| input.get(name).is_some_and(|value| !value.is_empty())) {
        return Err(Fault::unsupported(name));
    }
    spec.set("taskDefinition", &definition.arn);
    for name in WHOLE {
        if let Some(value) = given(input, name) {
            spec.set(name, value);
        }
    }
    if let Some(network) = given(input, "networkConfiguration") {
        spec.set("networkConfiguration", network_defaults(network));
    }
    if let Some(version) = given(input, "platformVersion") {
        spec.set("platformVersion", version);
    }
    let body = &definition.body;
    if capacity::is_fargate(&spec) {
        judge_fargate(&spec, body, input)?;
        let family = body.at(&["runtimePlatform", "operatingSystemFamily"]).and_then(Tree::as_text);
        let windows = family.is_some_and(|family| family.starts_with("WINDOWS"));
        spec.set("platformFamily", if windows { "Windows" } else { "Linux" });
        if spec.text("platformVersion").is_none() {
            spec.set("platformVersion", "LATEST");
        }
    } else if given(input, "platformVersion").is_some() {
        return Err(Fault::invalid("The platform version must be null when specifying an EC2 launch type."));
    } else {
        spec.remove("platformVersion");
        spec.remove("platformFamily");
    }
    judge_network(world, &spec, body)?;
    judge_balancers(&spec, body)?;
    volumes::judge(spec.list("volumeConfigurations"), body, capacity::is_fargate(&spec))?;
    let cluster = world.ecs.clusters.get(cluster).map(|one| &one.body);
    let namespace = cluster.and_then(|one| one.at(&["serviceConnectDefaults", "namespace"])).and_then(Tree::as_text);
    extras::judge(&spec, body, namespace)?;
    behaviour::judge(body, spec.list("loadBalancers").iter().any(|one| one.text("targetGroupArn").is_some()))?;
    Ok(Wanted { spec, definition })
}

pub fn network_defaults(network: &Tree) -> Tree {
    let mut inner = network.get("awsvpcConfiguration").cloned().unwrap_or_else(Tree::map);
    if inner.text("assignPublicIp").is_none() {
        inner.set("assignPublicIp", "DISABLED");
    }
    for name in ["subnets", "securityGroups"] {
        let items = inner.list(name).to_vec();
        inner.set(name, items);
    }
    tree! { "awsvpcConfiguration" => inner }
}

pub fn judge_fargate(spec: &Tree, definition: &Tree, input: &Tree) -> Result<(), Fault> {
    let compatibilities = definition.list("requiresCompatibilities");
    if !compatibilities.iter().any(|one| one.as_text() == Some("FARGATE")) {
        return Err(Fault::invalid("Task definition does not support launch_type FARGATE."));
    }
    for (name, noun) in [("placementConstraints", "constraints"), ("placementStrategy", "strategies")] {
        if !input.list(name).is_empty() {
            return Err(Fault::invalid(format!("Placement {noun} are not supported with FARGATE launch type.")));
        }
    }
    let version = spec.text("platformVersion");
    match version {
        Some(version) if !PLATFORM_VERSIONS.contains(&version) => {
            Err(Fault::new("PlatformUnknownException", "The specified platform does not exist."))
        }
        _ => Ok(()),
    }
}

pub fn judge_network(world: &World, spec: &Tree, definition: &Tree) -> Result<(), Fault> {
    let awsvpc = definition.text("networkMode") == Some("awsvpc");
    let network = spec.at(&["networkConfiguration", "awsvpcConfiguration"]);
    let refuse = |text: &str| Err(Fault::invalid(text));
    let Some(network) = network else {
        return match awsvpc {
            true => refuse("Network Configuration must be provided when networkMode 'awsvpc' is specified."),
            false => Ok(()),
        };
    };
    if !awsvpc {
        return refuse("Network Configuration is not valid for the given networkMode of this task definition.");
    }
    if network.list("subnets").is_empty() {
        return refuse("subnets can not be empty.");
    }
    if network.list("subnets").len() > MOST_SUBNETS {
        return refuse("subnets can have at most 16 items.");
    }
    if network.list("securityGroups").len() > MOST_SECURITY_GROUPS {
        return refuse("securityGroups can have at most 5 items.");
    }
    if network.text("assignPublicIp") == Some("ENABLED") && !capacity::is_fargate(spec) {
        return refuse("Assign public IP is not supported for this launch type.");
    }
    named::judge(world, network)
}

fn judge_balancers(spec: &Tree, definition: &Tree) -> Result<(), Fault> {
    let balancers = spec.list("loadBalancers");
    if balancers.len() > MOST_TARGET_GROUPS {
        return Err(Fault::invalid("loadBalancers can have at most 5 items."));
    }
    for balancer in balancers {
        let classic = balancer.text("loadBalancerName").is_some();
        if classic && balancer.text("targetGroupArn").is_some() {
            return Err(Fault::invalid("loadBalancerName and targetGroupArn cannot both be specified"));
        }
        if classic && capacity::is_fargate(spec) {
            return Err(Fault::invalid("Classic Load Balancers are not supported with Fargate"));
        }
        let name = balancer.text("containerName").unwrap_or_default();
        let mut containers = definition.list("containerDefinitions").iter();
        let Some(container) = containers.find(|one| one.text("name") == Some(name)) else {
            return Err(Fault::invalid(format!("The container {name} does not exist in the task definition.")));
        };
        let port = balancer.int("containerPort");
        let mut ports = container.list("portMappings").iter().map(|mapping| mapping.int("containerPort"));
        if !ports.any(|mapped| mapped.is_some() && mapped == port) {
            let port = port.map_or_else(|| "null".to_owned(), |port| port.to_string());
            return Err(Fault::invalid(format!("The container {name} did not have a container port {port} defined.")));
        }
    }
    Ok(())
}
