//! What an Auto Scaling group's provider may say, and what it reads back as (docs/ecs.md §6.3). Must not know: when.

use crate::shape::Tree;
use crate::tree;

use super::super::Fault;

/// What managed scaling reads back as where it was left out.
const SCALING: &[(&str, i64)] = &[
    ("targetCapacity", 100),
    ("minimumScalingStepSize", 1),
    ("maximumScalingStepSize", 10_000),
    ("instanceWarmupPeriod", 300),
];

/// Members that a change replaces as they are.
const SWITCHES: &[&str] = &["managedTerminationProtection", "managedDraining"];

/// A new provider's group: what it says, and the defaults.
///
/// # Errors
/// `ClientException`.
pub fn new(given: &Tree) -> Result<Tree, Fault> {
    let arn = given.text("autoScalingGroupArn").unwrap_or_default();
    if !is_group(arn) {
        return Err(Fault::client(
            "The specified Auto Scaling group ARN is invalid. Specify a valid ARN and try again.",
        ));
    }
    let mut scaling = tree! { "status" => "DISABLED" };
    SCALING.iter().for_each(|(name, value)| scaling.set(name, *value));
    let start = tree! {
        "autoScalingGroupArn" => arn,
        "managedScaling" => scaling,
        "managedTerminationProtection" => "DISABLED",
        // Weak: on unless it is switched off.
        "managedDraining" => "ENABLED",
    };
    changed(start, given)
}

/// An ARN, or a group's name.
fn is_group(text: &str) -> bool {
    match text.strip_prefix("arn:") {
        Some(rest) => rest.contains(":autoscaling:") && rest.contains(":autoScalingGroupName/"),
        None => (1..=255).contains(&text.chars().count()),
    }
}

/// The group with what a request says of it; what it leaves out stays.
///
/// # Errors
/// `ClientException`.
pub fn changed(mut group: Tree, given: &Tree) -> Result<Tree, Fault> {
    if let (Some(said), Some(mut scaling)) =
        (given.get("managedScaling").and_then(Tree::as_map), group.get("managedScaling").cloned())
    {
        said.iter().for_each(|(name, value)| scaling.set(name, value));
        group.set("managedScaling", scaling);
    }
    for name in SWITCHES {
        if let Some(value) = given.get(name) {
            group.set(name, value);
        }
    }
    check(&group)?;
    Ok(group)
}

fn check(group: &Tree) -> Result<(), Fault> {
    let scaling = group.get("managedScaling").cloned().unwrap_or_default();
    let step = |name: &str| scaling.int(name).unwrap_or(1);
    if step("minimumScalingStepSize") > step("maximumScalingStepSize") {
        return Err(Fault::client("The minimum or maximum scaling step size value is invalid."));
    }
    let protected = group.text("managedTerminationProtection") == Some("ENABLED");
    if protected && scaling.text("status") != Some("ENABLED") {
        // Wording from memory.
        return Err(Fault::client(
            "The managed termination protection setting for the capacity provider is invalid. To enable managed \
             termination protection for a capacity provider, you must enable managed scaling.",
        ));
    }
    Ok(())
}
