//! The bounds of a rolling update, and whether they leave it room to move (docs/ecs.md §2.1).

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::Service;
use crate::shape::Tree;

use super::row;

const MAXIMUM: &str = "deploymentConfiguration.maximumPercent";
/// The least that ECS takes for maximumPercent.
const MAXIMUM_MIN: i64 = 100;
const MINIMUM: &str = "deploymentConfiguration.minimumHealthyPercent";

pub const RULES: &[Rule] = &[
    row!(
        "percent-range",
        Error,
        Look::Service(range),
        "minimumHealthyPercent is 0 to 100 and maximumPercent 100 or more (ECS: maximumPercent must be at least 100)."
    ),
    row!(
        "percent-blocked",
        Error,
        Look::Service(blocked),
        "With both percentages at 100 no task may be started before one is stopped and none stopped before one is \
         started (ECS: Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments)."
    ),
    row!(
        "percent-rounding",
        Warning,
        Look::Service(rounding),
        "ECS rounds the tasks that must stay up and those that may run down. Where the two meet, a deployment can \
         neither start nor stop a task: ECS takes such a service and never finishes its first update (ECS: service was \
         unable to stop or start tasks during a deployment because of the service deployment configuration)."
    ),
    row!(
        "daemon-percent",
        Error,
        Look::Service(daemon),
        "A DAEMON service has one task on each instance and never two, so its maximumPercent is 100 (ECS: The daemon \
         scheduling strategy does not support values above 100 for maximumPercent)."
    ),
];

/// Minimum and maximum percent of a rolling update, defaults filled in.
fn percents(service: &Service<'_>) -> (i64, i64) {
    let configuration = service.spec.get("deploymentConfiguration");
    let number = |name: &str| configuration.and_then(|it| it.int(name));
    (number("minimumHealthyPercent").unwrap_or(100), number("maximumPercent").unwrap_or(200))
}

fn says(service: &Service<'_>, name: &str) -> bool {
    service.spec.get("deploymentConfiguration").and_then(|it| it.get(name)).is_some()
}

/// The percentages of a REPLICA service that are sound each by itself.
fn sound(service: &Service<'_>) -> Option<(i64, i64)> {
    let (min, max) = percents(service);
    let sound = (0..=100).contains(&min) && max >= MAXIMUM_MIN;
    (sound && !service.is_daemon() && service.controller() == "ECS").then_some((min, max))
}

fn range(service: &Service<'_>, report: &mut Report<'_>) {
    let (min, max) = percents(service);
    if !(0..=100).contains(&min) {
        report.value(
            MINIMUM,
            format!("minimumHealthyPercent is {min}; it can be 0 to 100"),
            format!("write {}", min.clamp(0, 100)),
        );
    }
    // A DAEMON service's has a rule of its own.
    if max < MAXIMUM_MIN && !service.is_daemon() {
        let message = format!("maximumPercent is {max}; it can be {MAXIMUM_MIN} or more");
        report.value(MAXIMUM, message, "write 200, or 100 with a smaller minimumHealthyPercent");
    }
}

fn blocked(service: &Service<'_>, report: &mut Report<'_>) {
    if sound(service) == Some((100, 100)) {
        let remedy =
            "raise maximumPercent to 200 to start before stopping, or lower minimumHealthyPercent to stop first";
        report.value(MAXIMUM, "100 % must stay and at most 100 % may run: nothing can be stopped or started", remedy);
    }
}

/// How many tasks must stay healthy, and how many may run.
fn bounds(desired: i64, min: i64, max: i64) -> (i64, i64) {
    let lower = desired.saturating_mul(min).saturating_add(99) / 100;
    (lower, desired.saturating_mul(max) / 100)
}

/// A warning, since a scale-out must not be kept out of force by what only an update would meet.
fn rounding(service: &Service<'_>, report: &mut Report<'_>) {
    let Some(desired) = service.spec.int("desiredCount").filter(|count| *count > 0) else { return };
    let Some((min, max)) = sound(service).filter(|percents| *percents != (100, 100)) else { return };
    let (lower, upper) = bounds(desired, min, max);
    if lower < upper {
        return;
    }
    let part = |percent: i64| {
        let hundredths = desired.saturating_mul(percent);
        match hundredths % 100 {
            0 => (hundredths / 100).to_string(),
            rest if rest % 10 == 0 => format!("{}.{}", hundredths / 100, rest / 10),
            rest => format!("{}.{rest:02}", hundredths / 100),
        }
    };
    let message = format!(
        "desired {desired}, min {min}, max {max}: at least ceil({})={lower} must stay, at most floor({})={upper} may \
         run: nothing can be stopped or started",
        part(min),
        part(max)
    );
    // The smallest that lets one more start, and the largest that lets one be stopped.
    let more = lower.saturating_add(1).saturating_mul(100).saturating_add(desired - 1) / desired;
    let less = upper.saturating_sub(1).max(0).saturating_mul(100) / desired;
    let stop =
        if upper >= 1 { format!(", or minimumHealthyPercent to {less} to stop one first") } else { String::new() };
    let remedy = format!("raise maximumPercent to {more} to start one first{stop}");
    let at = if says(service, "maximumPercent") { MAXIMUM } else { MINIMUM };
    report.value(at, message, remedy);
}

fn daemon(service: &Service<'_>, report: &mut Report<'_>) {
    let max = service.spec.at(&["deploymentConfiguration", "maximumPercent"]).and_then(Tree::as_int);
    if let Some(max) = max.filter(|max| service.is_daemon() && *max != 100) {
        report.value(MAXIMUM, format!("maximumPercent is {max}; a DAEMON service's is 100"), "leave it out");
    }
}

#[cfg(test)]
mod tests {
    use super::bounds;

    /// docs/ecs.md, appendix C: desired, minimum, maximum, lower, upper.
    const VECTORS: &[(i64, i64, i64, i64, i64)] = &[
        (1, 100, 200, 1, 2),
        (1, 0, 100, 0, 1),
        (1, 50, 150, 1, 1),
        (1, 50, 200, 1, 2),
        (2, 100, 150, 2, 3),
        (2, 75, 200, 2, 4),
        (2, 50, 100, 1, 2),
        (3, 100, 125, 3, 3),
        (3, 100, 134, 3, 4),
        (3, 50, 150, 2, 4),
        (4, 50, 100, 2, 4),
        (4, 100, 200, 4, 8),
        (4, 50, 200, 2, 8),
        (5, 66, 133, 4, 6),
        (7, 90, 110, 7, 7),
        (10, 90, 110, 9, 11),
        (10, 100, 125, 10, 12),
        (0, 100, 200, 0, 0),
    ];

    #[test]
    fn bounds_are_as_the_vectors_say() {
        for (desired, min, max, lower, upper) in VECTORS.iter().copied() {
            assert_eq!(bounds(desired, min, max), (lower, upper), "{desired} at {min}/{max}");
        }
    }
}
