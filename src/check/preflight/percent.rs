//! Whether the percentages let a rollout move at all. Must not know: addresses, instances.

use crate::check::Report;
use crate::check::rule::Rule;

use super::{Case, Due, MAXIMUM, row};

pub const RULES: &[Rule] = &[row!(
    "preflight-percent",
    Error,
    Block,
    look,
    "Rounded to whole tasks, the percentages must leave room for at least one task to be started or stopped; else ECS \
     begins the rollout and never ends it (ECS: service was unable to stop or start tasks during a deployment because \
     of the service deployment configuration)."
)];

fn look(case: &Case<'_>, report: &mut Report<'_>) {
    let Some(course) = case.course().filter(|course| case.due == Due::Rollout && course.blocked) else { return };
    let (lower, upper, desired) = (course.bounds.lower, course.bounds.upper, course.desired);
    let message = format!("{course}: at least {lower} must stay healthy, and at most {upper} may run");
    // The smallest that lets one more start, and the largest that lets one be stopped.
    let more = ((lower.max(desired) + 1) * 100 + desired - 1).checked_div(desired).unwrap_or(200);
    let less = ((upper - 1).max(0) * 100).checked_div(desired).unwrap_or(0);
    let remedy = match case.is_daemon() {
        true => format!("lower minimumHealthyPercent to {less} to stop one first"),
        false => {
            format!("raise maximumPercent to {more} to start one first, or lower minimumHealthyPercent to {less}")
        }
    };
    report.value(MAXIMUM, message, remedy);
}
