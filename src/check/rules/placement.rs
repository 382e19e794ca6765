//! Where on instances the tasks of a service go (docs/ecs.md §3.5, §5.1).

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Service, TaskDefinition, has, items};
use crate::shape::Path;

use super::row;

const STRATEGIES_MAX: usize = 5;
const CONSTRAINTS_MAX: usize = 10;
/// In characters.
const EXPRESSION_MAX: usize = 2000;

pub const RULES: &[Rule] = &[
    row!(
        "placement-on-fargate",
        Error,
        Look::Service(on_fargate),
        "On Fargate there are no instances to choose from (ECS: placement constraints and strategies are not supported \
         with FARGATE)."
    ),
    row!(
        "daemon-placement",
        Error,
        Look::Service(daemon),
        "A DAEMON service has a task on each instance: there is nothing to choose by a strategy (ECS: placement \
         strategies)."
    ),
    row!(
        "placement-count",
        Error,
        Look::Service(count),
        "A service has at most 5 placement strategies and 10 placement constraints (ECS: service parameters)."
    ),
    row!(
        "placement-field",
        Error,
        Look::Service(field),
        "binpack fills instances by cpu or memory; spread needs what it spreads over, such as \
         attribute:ecs.availability-zone or instanceId; random has no field (ECS: placement strategies)."
    ),
    row!(
        "placement-expression",
        Error,
        Look::Service(expression),
        "memberOf needs an expression in the cluster query language, of at most 2000 characters; distinctInstance has \
         none (ECS: placement constraints)."
    ),
    row!(
        "task-placement-count",
        Error,
        Look::TaskDefinition(task_count),
        "A task definition has at most 10 placement constraints (ECS: task definition parameters)."
    ),
];

fn on_fargate(service: &Service<'_>, report: &mut Report<'_>) {
    for list in ["placementConstraints", "placementStrategy"] {
        if service.spec.text("launchType") == Some("FARGATE") && has(service.spec, list) {
            let remedy = "leave it out: Fargate spreads tasks over the subnets' zones";
            report.key(list, format!("{list} is not available on FARGATE"), remedy);
        }
    }
}

fn daemon(service: &Service<'_>, report: &mut Report<'_>) {
    if service.is_daemon() && has(service.spec, "placementStrategy") {
        let remedy = "leave it out, or use placementConstraints";
        report.key("placementStrategy", "a placement strategy for a DAEMON service", remedy);
    }
}

fn count(service: &Service<'_>, report: &mut Report<'_>) {
    for (list, max) in [("placementStrategy", STRATEGIES_MAX), ("placementConstraints", CONSTRAINTS_MAX)] {
        let count = service.spec.list(list).len();
        if count > max {
            report.key(list, format!("{count} items in {list}; there can be {max}"), "remove some");
        }
    }
}

fn field(service: &Service<'_>, report: &mut Report<'_>) {
    for (at, strategy) in service.items("placementStrategy") {
        let field = strategy.text("field").filter(|field| !field.is_empty());
        let lower = field.map(str::to_ascii_lowercase);
        match (strategy.text("type"), lower.as_deref()) {
            (Some("binpack"), Some("cpu" | "memory")) => {}
            (Some("binpack"), Some(_)) => {
                let message = format!("binpack by {}", field.unwrap_or_default());
                report.value(at.name("field"), message, "write field: cpu or field: memory");
            }
            (Some("binpack"), None) => report.value(at, "binpack by nothing", "add field: cpu or field: memory"),
            (Some("spread"), None) => {
                report.value(at, "spread over nothing", "add field: attribute:ecs.availability-zone, or instanceId");
            }
            (Some("random"), Some(_)) => report.key(at.name("field"), "random with a field", "leave field out"),
            (None, _) => report.value(at, "a placement strategy without a type", "add type: spread, binpack or random"),
            _ => {}
        }
    }
}

fn expression(service: &Service<'_>, report: &mut Report<'_>) {
    for (at, constraint) in service.items("placementConstraints") {
        let expression = constraint.text("expression").filter(|text| !text.is_empty());
        let length = expression.map_or(0, |text| text.chars().count());
        match (constraint.text("type"), expression) {
            (Some("memberOf"), None) => report.value(at, "memberOf without an expression", "add expression"),
            (Some("distinctInstance"), Some(_)) => {
                report.key(at.name("expression"), "distinctInstance with an expression", "leave expression out");
            }
            _ if length > EXPRESSION_MAX => {
                let message = format!("the expression has {length} characters; ECS takes {EXPRESSION_MAX}");
                report.value(at.name("expression"), message, "shorten it");
            }
            _ => {}
        }
    }
}

fn task_count(definition: &TaskDefinition<'_>, report: &mut Report<'_>) {
    let count = items(definition.spec, &Path::root(), "placementConstraints").count();
    if count > CONSTRAINTS_MAX {
        let message = format!("{count} placement constraints; there can be {CONSTRAINTS_MAX}");
        report.key("placementConstraints", message, "join some with and");
    }
}
