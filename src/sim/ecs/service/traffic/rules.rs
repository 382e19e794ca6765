//! `deploymentConfiguration` of the strategies that shift traffic: defaults and rules (§2.14). Wordings are weak.
//! Must not know: deployments.

use crate::shape::Tree;
use crate::tree;

use super::super::super::Fault;
use super::stage::STAGES;

const MOST_MINUTES: i64 = 1_440;

/// A number that may come as either kind.
pub(super) fn number(tree: Option<&Tree>) -> Option<f64> {
    match tree? {
        Tree::Float(value) => Some(*value),
        other => other.as_int().map(|value| value as f64),
    }
}

/// The configuration with the chosen strategy's defaults, as AWS echoes it.
pub(in super::super) fn fill(configuration: &mut Tree) {
    let (name, defaults) = match configuration.text("strategy") {
        Some("LINEAR") => ("linearConfiguration", tree! { "stepPercent" => 10.0, "stepBakeTimeInMinutes" => 6 }),
        Some("CANARY") => ("canaryConfiguration", tree! { "canaryPercent" => 5.0, "canaryBakeTimeInMinutes" => 10 }),
        _ => return,
    };
    let given = configuration.get(name).cloned().unwrap_or_default();
    let merged = given.as_map().into_iter().flatten().fold(defaults, |all, (name, value)| all.with(name, value));
    configuration.set(name, merged);
}

/// Judges the configuration by itself; `input` is what was asked for now.
pub(in super::super) fn judge(configuration: &Tree, input: &Tree, changed: bool) -> Result<(), Fault> {
    let refuse = |text: &str| Err(Fault::invalid(text));
    let strategy = configuration.text("strategy").unwrap_or("ROLLING");
    for (name, of) in [("linearConfiguration", "LINEAR"), ("canaryConfiguration", "CANARY")] {
        let asked = input.at(&["deploymentConfiguration", name]).is_some_and(|one| !one.is_empty());
        if asked && strategy != of {
            return refuse(&format!("{name} can only be specified with the {of} deployment strategy."));
        }
    }
    let hooks = configuration.list("lifecycleHooks");
    // ECS takes hooks with ROLLING (aws/containers-roadmap#2664); their stages are those of shifting traffic, so there
    // is nothing to call them at (inferred).
    if strategy == "ROLLING" {
        return hooks.iter().try_for_each(judge_hook);
    }
    let bakes = input.at(&["deploymentConfiguration", "bakeTimeInMinutes"]).is_some();
    if strategy == "BLUE_GREEN" && changed && !bakes {
        return refuse("bakeTimeInMinutes must be specified with the BLUE_GREEN deployment strategy.");
    }
    if configuration.at(&["deploymentCircuitBreaker", "enable"]).and_then(Tree::as_bool) == Some(true) {
        return refuse(&format!(
            "The deployment circuit breaker is not supported with the {strategy} deployment strategy."
        ));
    }
    judge_steps(configuration)?;
    hooks.iter().try_for_each(judge_hook)
}

fn judge_steps(configuration: &Tree) -> Result<(), Fault> {
    let (part, percent, minutes, least) = match configuration.text("strategy") {
        Some("LINEAR") => ("linearConfiguration", "stepPercent", "stepBakeTimeInMinutes", 3.0),
        Some("CANARY") => ("canaryConfiguration", "canaryPercent", "canaryBakeTimeInMinutes", 0.1),
        _ => return Ok(()),
    };
    let part = configuration.get(part).cloned().unwrap_or_default();
    let share = number(part.get(percent)).unwrap_or(0.0);
    let in_tenths = (share * 10.0 - (share * 10.0).round()).abs() < 1e-6;
    if !(least..=100.0).contains(&share) || !in_tenths {
        return Err(Fault::invalid(format!("{percent} must be between {least:.1} and 100.0, in multiples of 0.1.")));
    }
    if !(0..=MOST_MINUTES).contains(&part.int(minutes).unwrap_or(0)) {
        return Err(Fault::invalid(format!("{minutes} must be between 0 and {MOST_MINUTES}.")));
    }
    Ok(())
}

fn judge_hook(hook: &Tree) -> Result<(), Fault> {
    let refuse = |text: String| Err(Fault::invalid(text));
    let pauses = hook.text("targetType") == Some("PAUSE");
    let stages = hook.list("lifecycleStages");
    if stages.is_empty() {
        return refuse("A lifecycle hook must have at least one lifecycle stage.".into());
    }
    for stage in stages.iter().filter_map(Tree::as_text) {
        let row = STAGES.iter().find(|row| row.hooked == Some(stage));
        match row {
            None => return refuse(format!("Lifecycle hooks are not supported at the stage {stage}.")),
            Some(row) if pauses && !row.pauses => {
                return refuse(format!("PAUSE lifecycle hooks are not supported at the stage {stage}."));
            }
            Some(_) => {}
        }
    }
    if pauses {
        return match hook.text("hookTargetArn") {
            Some(_) => refuse("hookTargetArn must not be specified for a PAUSE lifecycle hook.".into()),
            None => Ok(()),
        };
    }
    let is_function = |arn: &str| arn.starts_with("arn:") && arn.contains(":lambda:") && arn.contains(":function:");
    if !hook.text("hookTargetArn").is_some_and(is_function) {
        return refuse("hookTargetArn must be the ARN of a Lambda function.".into());
    }
    if hook.text("roleArn").is_none() {
        return refuse("roleArn must be specified for a lifecycle hook.".into());
    }
    Ok(())
}

/// Judges the load balancers: a shift needs somewhere to shift to.
pub(in super::super) fn judge_balancers(configuration: &Tree, spec: &Tree) -> Result<(), Fault> {
    let strategy = configuration.text("strategy").unwrap_or("ROLLING");
    if strategy == "ROLLING" {
        return Ok(());
    }
    for balancer in spec.list("loadBalancers") {
        for name in ["alternateTargetGroupArn", "productionListenerRule", "roleArn"] {
            if balancer.at(&["advancedConfiguration", name]).and_then(Tree::as_text).is_none() {
                return Err(Fault::invalid(format!(
                    "advancedConfiguration.{name} must be specified for a load balancer with the {strategy} deployment \
                     strategy."
                )));
            }
        }
    }
    Ok(())
}
