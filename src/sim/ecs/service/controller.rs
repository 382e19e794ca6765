//! What the deployment controllers ECS, CODE_DEPLOY and EXTERNAL allow (§2.13, §5.1). Must not know: task sets.

use crate::shape::Tree;
use crate::tree;

use super::super::Fault;
use super::configuration::given;

/// What UpdateService may not change where CodeDeploy, or somebody else, deploys; and how ECS calls it (the first
/// text is observed, the others are from memory).
const DEPLOYING: &[(&str, &str)] = &[
    ("taskDefinition", "task definition"),
    ("loadBalancers", "load balancers"),
    ("networkConfiguration", "network parameters"),
    ("platformVersion", "platform version"),
    ("capacityProviderStrategy", "capacity provider strategy"),
    ("serviceRegistries", "service registries"),
    ("serviceConnectConfiguration", "service connect configuration"),
    ("volumeConfigurations", "volume configurations"),
    ("vpcLatticeConfigurations", "VPC Lattice configurations"),
];
/// Further ones that an EXTERNAL service has no use for.
const NOT_EXTERNAL: &[(&str, &str)] = &[("deploymentConfiguration", "deployment configuration")];
/// What must be blank when an EXTERNAL service is created; see [`of_create`] for the first two.
const IN_TASK_SETS: &[(&str, &str)] = &[
    ("serviceRegistries", "ServiceRegistries must be empty or null"),
    ("networkConfiguration", "NetworkConfiguration must be blank"),
    ("platformVersion", "PlatformVersion must be blank"),
    ("capacityProviderStrategy", "CapacityProviderStrategy must be empty or null"),
];

/// The type that is asked for.
pub(super) fn asked(input: &Tree) -> Option<&str> {
    input.at(&["deploymentController", "type"]).and_then(Tree::as_text)
}

/// The rules of CreateService.
pub(super) fn of_create(input: &Tree) -> Result<(), Fault> {
    let refuse = |text: &str| Err(Fault::invalid(text));
    let has = |name: &str| given(input, name).is_some_and(|one| !one.is_empty());
    match asked(input).unwrap_or("ECS") {
        "CODE_DEPLOY" if !has("loadBalancers") => {
            return refuse("the service requires an Application Load Balancer or Network Load Balancer");
        }
        "EXTERNAL" => {
            if input.text("taskDefinition").is_some_and(|text| !text.is_empty()) {
                return refuse("TaskDefinition must be blank");
            }
            if has("loadBalancers") {
                return refuse("LoadBalancers must be empty or null");
            }
            if let Some((_, text)) = IN_TASK_SETS.iter().find(|(name, _)| has(name)) {
                return refuse(text);
            }
        }
        _ => {}
    }
    Ok(())
}

/// The rules of UpdateService while the controller stays.
pub(super) fn of_update(kind: &str, input: &Tree) -> Result<(), Fault> {
    if kind == "ECS" {
        return Ok(());
    }
    let elsewhere = match kind {
        "CODE_DEPLOY" => "Use AWS CodeDeploy to trigger a new deployment.",
        _ => "Use task sets to deploy.",
    };
    let article = if kind == "EXTERNAL" { "an" } else { "a" };
    let only_external = if kind == "EXTERNAL" { NOT_EXTERNAL } else { &[] };
    let mut deploying = DEPLOYING.iter().chain(only_external);
    if let Some((_, noun)) = deploying.find(|(name, _)| given(input, name).is_some()) {
        return Err(Fault::invalid(format!(
            "Unable to update {noun} on services with {article} {kind} deployment controller. {elsewhere}"
        )));
    }
    if input.bool("forceNewDeployment") == Some(true) {
        return Err(Fault::invalid(format!(
            "Cannot force a new deployment on services with {article} {kind} deployment controller. {elsewhere}"
        )));
    }
    Ok(())
}

/// What a service of such a controller can't have (§2.9, §2.12, §2.14, §2.16; the texts are weak).
pub(super) fn judge(settings: &Tree, spec: &Tree) -> Result<(), Fault> {
    let kind = asked(settings).unwrap_or("ECS");
    if kind == "ECS" {
        return Ok(());
    }
    let on =
        |name: &str| settings.at(&["deploymentConfiguration", name, "enable"]).and_then(Tree::as_bool) == Some(true);
    let strategy = settings.at(&["deploymentConfiguration", "strategy"]).and_then(Tree::as_text);
    let connected = spec.at(&["serviceConnectConfiguration", "enabled"]).and_then(Tree::as_bool) == Some(true);
    let what = if settings.text("schedulingStrategy") == Some("DAEMON") {
        "The DAEMON scheduling strategy is"
    } else if on("deploymentCircuitBreaker") {
        "The deployment circuit breaker is"
    } else if on("alarms") {
        "Deployment alarms are"
    } else if on("earlySuccessCriteria") {
        "Early success criteria are"
    } else if strategy.is_some_and(|one| one != "ROLLING") {
        "The deployment strategy is"
    } else if connected {
        "Service Connect is"
    } else if !spec.list("vpcLatticeConfigurations").is_empty() {
        "VPC Lattice is"
    } else if kind == "EXTERNAL" && settings.text("availabilityZoneRebalancing") == Some("ENABLED") {
        "Availability Zone Rebalancing is"
    } else {
        return Ok(());
    };
    Err(Fault::invalid(format!("{what} not supported with the {kind} deployment controller.")))
}

/// Whether one controller may follow another (§2.13).
pub(super) fn switch(from: &str, to: &str) -> Result<Tree, Fault> {
    match (from, to) {
        ("CODE_DEPLOY", "ECS" | "EXTERNAL") | ("ECS", "EXTERNAL") | ("EXTERNAL", "ECS") => Ok(tree! { "type" => to }),
        (from, to) if from == to => Ok(tree! { "type" => to }),
        _ => Err(Fault::invalid(format!(
            "The deployment controller of a service cannot be changed from {from} to {to}."
        ))),
    }
}
