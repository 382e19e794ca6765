//! Deployments that shift traffic (BLUE_GREEN, LINEAR, CANARY; docs/ecs.md §2.14): how long they take by what is
//! declared, and at which stage one is. Must not know: load balancers, functions.

use std::time::Duration;

use crate::shape::Tree;

/// A shift behind a Network Load Balancer takes so much longer.
const NLB_SHIFT: Duration = Duration::from_secs(600);
/// How long a PAUSE hook waits unless it says.
const PAUSE_MINUTES: i64 = 20_160;

/// Whether a described service's deployments shift traffic.
pub fn is_chosen(service: &Tree) -> bool {
    strategy(service).is_some_and(|strategy| strategy != "ROLLING")
}

fn strategy(service: &Tree) -> Option<&str> {
    service.at(&["deploymentConfiguration", "strategy"]).and_then(Tree::as_text)
}

/// How long a deployment of this service waits on purpose: bakes, steps, people. It makes no progress meanwhile, and is
/// not late for that.
pub fn waits(service: &Tree) -> Duration {
    let Some(configuration) = service.get("deploymentConfiguration") else { return Duration::ZERO };
    let minutes = |tree: &Tree, name: &str, usual: i64| {
        Duration::from_secs(u64::try_from(tree.int(name).unwrap_or(usual)).unwrap_or(0).saturating_mul(60))
    };
    let bake = minutes(configuration, "bakeTimeInMinutes", 0);
    if !is_chosen(service) {
        return bake;
    }
    let none = Tree::map();
    let part = |name: &str| configuration.get(name).unwrap_or(&none);
    let steps = match strategy(service) {
        Some("LINEAR") => {
            let linear = part("linearConfiguration");
            let pauses = (100.0 / number(linear, "stepPercent").unwrap_or(10.0).max(0.1)).ceil() - 1.0;
            minutes(linear, "stepBakeTimeInMinutes", 6).saturating_mul(pauses.clamp(0.0, 1_000.0) as u32)
        }
        Some("CANARY") => minutes(part("canaryConfiguration"), "canaryBakeTimeInMinutes", 10),
        _ => Duration::ZERO,
    };
    let pause = |hook: &Tree| {
        let timeout = hook.get("timeoutConfiguration").unwrap_or(&none);
        let times = u32::try_from(hook.list("lifecycleStages").len()).unwrap_or(1);
        minutes(timeout, "timeoutInMinutes", PAUSE_MINUTES).saturating_mul(times)
    };
    let hooks = configuration.list("lifecycleHooks").iter().filter(|hook| hook.text("targetType") == Some("PAUSE"));
    let rule = |one: &Tree| one.at(&["advancedConfiguration", "productionListenerRule"])?.as_text().map(str::to_owned);
    let behind_nlb = service.list("loadBalancers").iter().filter_map(rule).any(|arn| arn.contains("/net/"));
    // Traffic moves twice: the test's, and production's.
    let nlb = if behind_nlb { NLB_SHIFT * 2 } else { Duration::ZERO };
    hooks.map(pause).fold(bake + steps + nlb, Duration::saturating_add)
}

fn number(tree: &Tree, name: &str) -> Option<f64> {
    match tree.get(name)? {
        Tree::Float(value) => Some(*value),
        other => other.as_int().map(|value| value as f64),
    }
}

/// Where a service deployment stands, as DescribeServiceDeployments shows it: its stage, the new tasks' share of the
/// traffic, and the hooks that are asked or waited for.
pub fn story(deployment: &Tree) -> Option<String> {
    let stage = deployment.text("lifecycleStage")?;
    let share = deployment.get("targetServiceRevision").and_then(|one| number(one, "requestedProductionTrafficWeight"));
    let share = share.map(|share| format!("{share} % of production traffic on the new tasks"));
    let hook = |hook: &Tree| match (hook.text("status"), hook.text("targetType"), hook.text("hookId")) {
        (Some("AWAITING_ACTION"), _, Some(id)) => Some(format!(
            "the hook {id} waits for a person: aws ecs continue-service-deployment --service-deployment-arn {} --hook-id \
             {id} --action CONTINUE, or ROLLBACK",
            deployment.text("serviceDeploymentArn").unwrap_or_default()
        )),
        (Some("IN_PROGRESS"), _, _) => {
            Some(format!("the hook {} is asked", hook.text("targetArn").unwrap_or("of this stage")))
        }
        _ => None,
    };
    let hooks = deployment.list("lifecycleHookDetails").iter().filter_map(hook);
    Some([stage.to_owned()].into_iter().chain(share).chain(hooks).collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn what_a_deployment_waits_for_on_purpose_is_not_lateness() {
        let linear = tree! { "stepPercent" => 30.0, "stepBakeTimeInMinutes" => 2 };
        let pause = tree! { "targetType" => "PAUSE", "lifecycleStages" => vec!["POST_SCALE_UP", "PRE_SCALE_UP"] };
        let pause = pause.with("timeoutConfiguration", tree! { "timeoutInMinutes" => 5 });
        for (configuration, minutes) in [
            (tree! {}, 0),
            (tree! { "strategy" => "ROLLING", "bakeTimeInMinutes" => 3 }, 3),
            (tree! { "strategy" => "BLUE_GREEN", "bakeTimeInMinutes" => 30 }, 30),
            (tree! { "strategy" => "LINEAR", "linearConfiguration" => linear }, 6),
            (tree! { "strategy" => "LINEAR" }, 54),
            (tree! { "strategy" => "CANARY", "bakeTimeInMinutes" => 1 }, 11),
            (tree! { "strategy" => "BLUE_GREEN", "lifecycleHooks" => vec![pause] }, 10),
        ] {
            let service = tree! { "deploymentConfiguration" => &configuration };
            assert_eq!(waits(&service), Duration::from_secs(minutes * 60), "{configuration:?}");
        }
    }

    #[test]
    fn the_stage_is_told_with_whom_it_waits_for() {
        let hook = tree! { "hookId" => "h1", "targetType" => "PAUSE", "status" => "AWAITING_ACTION" };
        let deployment = tree! {
            "serviceDeploymentArn" => "arn:it", "lifecycleStage" => "POST_SCALE_UP",
            "targetServiceRevision" => tree! { "requestedProductionTrafficWeight" => 2.5 },
            "lifecycleHookDetails" => vec![hook],
        };
        let told = story(&deployment).unwrap();
        assert!(told.starts_with("POST_SCALE_UP; 2.5 % of production traffic on the new tasks; the hook h1"), "{told}");
        assert!(told.contains("--hook-id h1"), "{told}");
        assert_eq!(story(&tree! {}), None);
    }
}
