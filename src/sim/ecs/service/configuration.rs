//! The members of a service that don't start a deployment: percentages, breaker, grace, tags, placement (§2.1, §5).
//! Must not know: deployments.

use crate::shape::Tree;
use crate::tree;

use super::super::Fault;
use super::super::placement::check;
use super::{controller, early, traffic};

/// Echoed as given, and read when tasks are started or judged later.
const PLAIN: &[&str] = &[
    "placementConstraints",
    "placementStrategy",
    "healthCheckGracePeriodSeconds",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
];
/// Members of `deploymentConfiguration` that are taken as they are.
const COPIED: &[&str] = &[
    "maximumPercent",
    "minimumHealthyPercent",
    "strategy",
    "bakeTimeInMinutes",
    "alarms",
    "lifecycleHooks",
    "linearConfiguration",
    "canaryConfiguration",
    "earlySuccessCriteria",
];
/// What instances call their availability zone.
const ZONE: &str = "attribute:ecs.availability-zone";
const MOST_GRACE_SECS: i64 = 2_147_483_647;
const MOST_BAKE_MINUTES: i64 = 1_440;

/// The settings of a new service, every default filled in.
pub(super) fn of_create(input: &Tree, behind_balancer: bool) -> Result<Tree, Fault> {
    let strategy = input.text("schedulingStrategy").unwrap_or("REPLICA");
    let daemon = strategy == "DAEMON";
    let none = Vec::<Tree>::new;
    let mut settings = tree! {
        "schedulingStrategy" => strategy,
        "deploymentController" => tree! { "type" => controller::asked(input).unwrap_or("ECS") },
        "deploymentConfiguration" => tree! {
            // Of a DAEMON's defaults, those of the API (§2.1).
            "maximumPercent" => if daemon { 100 } else { 200 },
            "minimumHealthyPercent" => if daemon { 0 } else { 100 },
            "strategy" => "ROLLING",
            "bakeTimeInMinutes" => 0,
            "alarms" => tree! { "alarmNames" => none(), "rollback" => false, "enable" => false },
        },
        "placementConstraints" => none(),
        "placementStrategy" => none(),
        "enableECSManagedTags" => false,
        "propagateTags" => "NONE",
        "enableExecuteCommand" => false,
    };
    if behind_balancer {
        settings.set("healthCheckGracePeriodSeconds", 0);
    }
    overlay(&mut settings, input)?;
    let asked = given(input, "availabilityZoneRebalancing").and_then(Tree::as_text);
    let external = input.text("launchType") == Some("EXTERNAL") || controller::asked(&settings) == Some("EXTERNAL");
    let default = if can_rebalance(&settings) && !external && !is_classic(input) { "ENABLED" } else { "DISABLED" };
    settings.set("availabilityZoneRebalancing", asked.unwrap_or(default));
    judge(&settings, "created")?;
    judge_deployment(&settings, input, true)?;
    Ok(settings)
}

/// The settings after an update: what is absent keeps its value.
pub(super) fn of_update(settings: &Tree, input: &Tree) -> Result<Tree, Fault> {
    let strategy = |settings: &Tree| settings.at(&["deploymentConfiguration", "strategy"]).cloned();
    let before = strategy(settings);
    let mut settings = settings.clone();
    if let Some(to) = controller::asked(input) {
        let kind = controller::switch(controller::asked(&settings).unwrap_or("ECS"), to)?;
        settings.set("deploymentController", kind);
    }
    overlay(&mut settings, input)?;
    if let Some(asked) = given(input, "availabilityZoneRebalancing") {
        settings.set("availabilityZoneRebalancing", asked);
    }
    judge(&settings, "updated")?;
    judge_deployment(&settings, input, strategy(&settings) != before)?;
    Ok(settings)
}

/// A member that is there and not null: null means "as it is" (§5.2).
pub(super) fn given<'a>(input: &'a Tree, name: &str) -> Option<&'a Tree> {
    input.get(name).filter(|value| **value != Tree::Null)
}

/// Judges the settings beside what is deployed.
pub(super) fn judge_together(settings: &Tree, spec: &Tree) -> Result<(), Fault> {
    let deployment = settings.get("deploymentConfiguration").cloned().unwrap_or_default();
    if is_classic(spec) && settings.text("availabilityZoneRebalancing") == Some("ENABLED") {
        return Err(Fault::invalid("Availability Zone Rebalancing does not support Classic Load Balancers."));
    }
    traffic::judge_balancers(&deployment, spec)?;
    controller::judge(settings, spec)
}

fn judge_deployment(settings: &Tree, input: &Tree, changed: bool) -> Result<(), Fault> {
    let deployment = settings.get("deploymentConfiguration").cloned().unwrap_or_default();
    let alarms = deployment.get("alarms");
    if alarms.is_some_and(|one| one.bool("enable") == Some(true) && one.list("alarmNames").is_empty()) {
        return Err(Fault::invalid("alarmNames must not be empty when deployment alarms are enabled."));
    }
    early::judge(&deployment)?;
    traffic::judge(&deployment, input, changed)
}

fn overlay(settings: &mut Tree, input: &Tree) -> Result<(), Fault> {
    for name in PLAIN {
        if let Some(value) = given(input, name) {
            settings.set(name, value);
        }
    }
    let echoed = settings.list("placementStrategy").iter().map(check::echoed).collect::<Vec<_>>();
    settings.set("placementStrategy", echoed);
    let Some(asked) = given(input, "deploymentConfiguration").and_then(Tree::as_map) else { return Ok(()) };
    let mut merged = settings.get("deploymentConfiguration").cloned().unwrap_or_default();
    for (name, value) in asked.iter().filter(|(_, value)| **value != Tree::Null) {
        match name.as_str() {
            "deploymentCircuitBreaker" => merged.set(name, breaker(value)),
            _ if COPIED.contains(&name.as_str()) => merged.set(name, value),
            _ if value.is_empty() => {}
            _ => return Err(Fault::unsupported(&format!("deploymentConfiguration.{name}"))),
        }
    }
    traffic::fill(&mut merged);
    settings.set("deploymentConfiguration", merged);
    Ok(())
}

/// Switched off, the breaker is echoed with both members false (§2.9).
fn breaker(given: &Tree) -> Tree {
    let mut breaker = given.clone();
    for name in ["enable", "rollback"] {
        if breaker.bool(name).is_none() {
            breaker.set(name, false);
        }
    }
    breaker
}

fn judge(settings: &Tree, verb: &str) -> Result<(), Fault> {
    let refuse = |text: &str| Err(Fault::invalid(text));
    let deployment = settings.get("deploymentConfiguration").cloned().unwrap_or_default();
    let daemon = settings.text("schedulingStrategy") == Some("DAEMON");
    judge_placement(settings, daemon)?;
    let minimum = deployment.int("minimumHealthyPercent").unwrap_or(100);
    let maximum = deployment.int("maximumPercent").unwrap_or(200);
    if minimum > 100 {
        return refuse("minimumHealthyPercent must be at most 100");
    }
    if minimum < 0 {
        return refuse("minimumHealthyPercent must be at least 0");
    }
    if maximum < 100 {
        return refuse("maximumPercent must be at least 100");
    }
    if daemon && maximum > 100 {
        return refuse("The daemon scheduling strategy does not support values above 100 for maximumPercent");
    }
    if minimum == 100 && maximum == 100 && !daemon {
        return refuse("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments");
    }
    if !(0..=MOST_BAKE_MINUTES).contains(&deployment.int("bakeTimeInMinutes").unwrap_or(0)) {
        return refuse("bakeTimeInMinutes must be between 0 and 1440");
    }
    if !(0..=MOST_GRACE_SECS).contains(&settings.int("healthCheckGracePeriodSeconds").unwrap_or(0)) {
        return refuse("healthCheckGracePeriodSeconds must be between 0 and 2147483647");
    }
    if settings.text("availabilityZoneRebalancing") == Some("ENABLED") && !can_rebalance(settings) {
        let change = if maximum <= 100 {
            "Availability Zone Rebalancing does not support maximumPercent <= 100 % as deployment configuration."
        } else {
            "Availability Zone Rebalancing requires a spread by attribute:ecs.availability-zone as the first placement \
             strategy, or none, and no placement constraint on it."
        };
        return refuse(&format!("The service couldn't be {verb} because {change}"));
    }
    Ok(())
}

/// Behind a Classic Load Balancer.
fn is_classic(input: &Tree) -> bool {
    input.list("loadBalancers").iter().any(|one| one.text("loadBalancerName").is_some())
}

/// A DAEMON has no strategies: it is everywhere (§2.16; wording weak).
fn judge_placement(settings: &Tree, daemon: bool) -> Result<(), Fault> {
    check::constraints(settings.list("placementConstraints"))?;
    let strategies = settings.list("placementStrategy");
    if daemon && !strategies.is_empty() {
        return Err(Fault::invalid("The daemon scheduling strategy does not support placement strategies"));
    }
    check::strategies(strategies)
}

/// What availability zone rebalancing is compatible with (§2.12).
fn can_rebalance(settings: &Tree) -> bool {
    let maximum = settings.at(&["deploymentConfiguration", "maximumPercent"]).and_then(Tree::as_int).unwrap_or(200);
    let spreads = settings
        .list("placementStrategy")
        .first()
        .is_none_or(|first| first.text("type") == Some("spread") && first.text("field") == Some(ZONE));
    let names_zones = |one: &Tree| one.text("expression").is_some_and(|text| text.contains(ZONE));
    maximum > 100 && spreads && !settings.list("placementConstraints").iter().any(names_zones)
}
