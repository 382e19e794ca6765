//! `earlySuccessCriteria`: a rolling deployment that has succeeded before all its tasks are there (§2.10). Must not know:
//! which tasks are started and stopped.

use crate::shape::Tree;

use super::super::Fault;
use super::Service;

/// What makes a deployment a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Criteria {
    healthy_percent: i64,
    /// The tasks of the source revision may still be there.
    deferred: bool,
}

impl Criteria {
    /// How many healthy tasks it takes: `ceil(desired · percent)`, and one at least where any is wanted.
    fn goal(self, desired: i64) -> i64 {
        let share = desired.max(0).saturating_mul(self.healthy_percent).saturating_add(99) / 100;
        share.max(1).min(desired)
    }

    /// Whether a deployment with so many healthy tasks, and `others` of other ones, is a success.
    pub fn are_met(self, desired: i64, healthy: i64, others: i64) -> bool {
        healthy >= self.goal(desired) && (self.deferred || others == 0)
    }
}

/// The criteria of a service that has them enabled.
pub(super) fn criteria(service: &Service) -> Option<Criteria> {
    let given = service.deployment_configuration("earlySuccessCriteria").filter(|one| is_enabled(one))?;
    Some(Criteria {
        healthy_percent: given.int("healthyPercent")?,
        deferred: given.text("sourceServiceRevisionCleanup") == Some("DEFERRED"),
    })
}

/// Whether the old tasks are of no use any more, though not all new ones are there: enough of these are healthy, and a
/// cleanup that blocks is all that the success waits for (inferred: otherwise it would wait for the last new task).
pub(super) fn is_enough(service: &Service, healthy: i64) -> bool {
    criteria(service).is_some_and(|one| !one.deferred && healthy >= one.goal(service.desired))
}

/// Whether the criteria are switched on.
pub(super) fn is_enabled(criteria: &Tree) -> bool {
    criteria.bool("enable") == Some(true)
}

/// Judges `deploymentConfiguration` (its rules are documented, the wordings ours).
pub(super) fn judge(deployment: &Tree) -> Result<(), Fault> {
    let refuse = |text: String| Err(Fault::invalid(text));
    let Some(criteria) = deployment.get("earlySuccessCriteria").filter(|one| is_enabled(one)) else { return Ok(()) };
    if deployment.text("strategy").is_some_and(|strategy| strategy != "ROLLING") {
        return refuse("earlySuccessCriteria can only be enabled with the ROLLING deployment strategy.".into());
    }
    let (Some(percent), Some(_)) = (criteria.int("healthyPercent"), criteria.text("sourceServiceRevisionCleanup"))
    else {
        return refuse(
            "healthyPercent and sourceServiceRevisionCleanup must be specified when earlySuccessCriteria are enabled."
                .into(),
        );
    };
    let least = deployment.int("minimumHealthyPercent").unwrap_or(100);
    if !(least..=100).contains(&percent) {
        return refuse(format!(
            "healthyPercent of earlySuccessCriteria must be between minimumHealthyPercent ({least}) and 100."
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Criteria;

    #[test]
    fn the_goal_is_rounded_up_and_no_less_than_one_task() {
        for (desired, healthy_percent, goal) in
            [(2, 50, 1), (3, 50, 2), (10, 80, 8), (1, 0, 1), (10, 0, 1), (10, 1, 1), (10, 100, 10), (0, 50, 0)]
        {
            let criteria = Criteria { healthy_percent, deferred: false };
            assert_eq!(criteria.goal(desired), goal, "{desired} at {healthy_percent} %");
        }
    }
}
