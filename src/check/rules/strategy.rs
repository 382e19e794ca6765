//! Strategies that shift traffic: what ECS asks of BLUE_GREEN, LINEAR and CANARY (docs/ecs.md §2.14).

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Service, items, one_of};
use crate::shape::{Path, Tree};

use super::row;

const CONFIGURATION: &str = "deploymentConfiguration";
const MINUTES_MAX: i64 = 1_440;

pub const RULES: &[Rule] = &[
    row!(
        "strategy-breaker",
        Error,
        Look::Service(breaker),
        "The circuit breaker is for rolling updates; a deployment that shifts traffic is ended by alarms and hooks (ECS: \
         the deployment circuit breaker is not supported with the strategy)."
    ),
    row!(
        "strategy-bake",
        Error,
        Look::Service(bake),
        "BLUE_GREEN says how long both revisions stay up after the traffic has moved (ECS: bakeTimeInMinutes must be \
         specified)."
    ),
    row!(
        "strategy-steps",
        Error,
        Look::Service(steps),
        "LINEAR moves 3 to 100 percent a step, CANARY 0.1 to 100 at first, in tenths; each waits 0 to 1440 minutes, and \
         has its settings to itself."
    ),
    row!(
        "strategy-hooks",
        Error,
        Look::Service(hooks),
        "A lifecycle hook calls a Lambda function, with a role to call it, or pauses; not every stage has hooks, and \
         while traffic shifts nothing pauses."
    ),
    row!(
        "strategy-balancer",
        Error,
        Look::Service(balancer),
        "Traffic shifts from one target group to another: a load balancer names the second, the rule that sends \
         production's traffic, and the role to change it (ECS: advancedConfiguration must be specified)."
    ),
];

/// Stages with hooks, and whether a PAUSE may be there.
const STAGES: [(&str, bool); 8] = [
    ("RECONCILE_SERVICE", true),
    ("PRE_SCALE_UP", true),
    ("POST_SCALE_UP", true),
    ("TEST_TRAFFIC_SHIFT", false),
    ("POST_TEST_TRAFFIC_SHIFT", true),
    ("PRE_PRODUCTION_TRAFFIC_SHIFT", true),
    ("PRODUCTION_TRAFFIC_SHIFT", false),
    ("POST_PRODUCTION_TRAFFIC_SHIFT", true),
];

fn strategy<'a>(service: &Service<'a>) -> &'a str {
    service.spec.at(&[CONFIGURATION, "strategy"]).and_then(Tree::as_text).unwrap_or("ROLLING")
}

fn at(member: &str) -> Path {
    Path::from(CONFIGURATION).below(&Path::from(member))
}

fn breaker(service: &Service<'_>, report: &mut Report<'_>) {
    let enabled = service.spec.at(&[CONFIGURATION, "deploymentCircuitBreaker", "enable"]).and_then(Tree::as_bool);
    if strategy(service) != "ROLLING" && enabled == Some(true) {
        let message = format!("a circuit breaker with the strategy {}", strategy(service));
        report.value(at("deploymentCircuitBreaker.enable"), message, "leave it out, and give it alarms or hooks");
    }
}

fn bake(service: &Service<'_>, report: &mut Report<'_>) {
    let said = service.spec.at(&[CONFIGURATION, "bakeTimeInMinutes"]).is_some();
    if strategy(service) == "BLUE_GREEN" && !said {
        report.value(at("strategy"), "BLUE_GREEN without bakeTimeInMinutes", "say how long: bakeTimeInMinutes: 5");
    }
}

fn steps(service: &Service<'_>, report: &mut Report<'_>) {
    for (part, of, percent, minutes, least) in [
        ("linearConfiguration", "LINEAR", "stepPercent", "stepBakeTimeInMinutes", 3.0),
        ("canaryConfiguration", "CANARY", "canaryPercent", "canaryBakeTimeInMinutes", 0.1),
    ] {
        let Some(said) = service.spec.at(&[CONFIGURATION, part]).filter(|said| !said.is_empty()) else { continue };
        if strategy(service) != of {
            let message = format!("{part} with the strategy {}", strategy(service));
            report.key(at(part), message, format!("leave it out, or write strategy: {of}"));
            continue;
        }
        let share = match said.get(percent) {
            Some(Tree::Float(value)) => Some(*value),
            other => other.and_then(Tree::as_int).map(|value| value as f64),
        };
        let in_tenths = |share: f64| (share * 10.0 - (share * 10.0).round()).abs() < 1e-6;
        if let Some(share) = share.filter(|share| !(least..=100.0).contains(share) || !in_tenths(*share)) {
            let message = format!("{percent} is {share}");
            report.value(at(part).name(percent), message, format!("{least} to 100, in tenths"));
        }
        if let Some(wait) = said.int(minutes).filter(|wait| !(0..=MINUTES_MAX).contains(wait)) {
            let message = format!("{minutes} is {wait}");
            report.value(at(part).name(minutes), message, format!("0 to {MINUTES_MAX}"));
        }
    }
}

fn hooks(service: &Service<'_>, report: &mut Report<'_>) {
    let Some(configuration) = service.spec.get(CONFIGURATION) else { return };
    for (at, hook) in items(configuration, &Path::from(CONFIGURATION), "lifecycleHooks") {
        let pauses = hook.text("targetType") == Some("PAUSE");
        let stages = hook.list("lifecycleStages");
        if stages.is_empty() {
            report.value(at.clone(), "a hook without a stage", "name some under lifecycleStages");
        }
        for (index, stage) in stages.iter().enumerate() {
            let stage = stage.as_text().unwrap_or_default();
            let known = STAGES.iter().find(|(name, _)| *name == stage);
            if known.is_none_or(|(_, may_pause)| pauses && !may_pause) {
                let fit = STAGES.iter().filter(|(_, may_pause)| *may_pause || !pauses).map(|(name, _)| *name);
                let what = if pauses { "nothing pauses" } else { "there are no hooks" };
                let remedy = one_of(&fit.collect::<Vec<_>>());
                report.value(at.name("lifecycleStages").index(index), format!("{what} at the stage {stage}"), remedy);
            }
        }
        let target = hook.text("hookTargetArn");
        let is_function = |arn: &str| arn.starts_with("arn:") && arn.contains(":lambda:") && arn.contains(":function:");
        match pauses {
            true if target.is_some() => {
                report.key(at.name("hookTargetArn"), "a PAUSE hook with a target", "leave it out");
            }
            true => {}
            // What a variable stands for is in place by now.
            false if !target.is_some_and(is_function) => {
                report.value(at, "a hook without the ARN of a Lambda function", "write it as hookTargetArn");
            }
            false if hook.text("roleArn").is_none() => {
                report.value(at, "a hook without the role that may call it", "write it as roleArn");
            }
            false => {}
        }
    }
}

fn balancer(service: &Service<'_>, report: &mut Report<'_>) {
    if strategy(service) == "ROLLING" {
        return;
    }
    for (at, balancer) in service.items("loadBalancers") {
        for name in ["alternateTargetGroupArn", "productionListenerRule", "roleArn"] {
            if balancer.at(&["advancedConfiguration", name]).and_then(Tree::as_text).is_none() {
                let message = format!("a load balancer without advancedConfiguration.{name}");
                report.value(at.clone(), message, format!("{} shifts by it: write it", strategy(service)));
                break;
            }
        }
    }
}
