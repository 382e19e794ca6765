//! Services that CodeDeploy deploys, or people with task sets: what ECS refuses there (docs/ecs.md §2.13).

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Service, has};
use crate::kinds::service::rows::IN_TASK_SETS;
use crate::kinds::service::{CODE_DEPLOY, EXTERNAL};
use crate::shape::{Path, Tree};

use super::row;

pub const RULES: &[Rule] = &[row!(
    "deployment-controller",
    Error,
    Look::Service(look),
    "CodeDeploy shifts traffic between target groups, so a service of it has a load balancer; under EXTERNAL each task \
     set says what runs and where, so the service does not; what belongs to ECS's own deployments is for neither (ECS: \
     TaskDefinition must be blank, and others)."
)];

/// What makes a row true of a service.
#[derive(Clone, Copy)]
enum When {
    Missing,
    Given,
    /// A switch is on.
    On,
    Is(&'static str),
    Not(&'static str),
}

/// What ECS refuses under some controllers.
#[derive(Clone, Copy)]
struct Row {
    under: &'static [&'static str],
    member: &'static str,
    when: When,
    what: &'static str,
    remedy: &'static str,
}

const BOTH: &[&str] = &[CODE_DEPLOY, EXTERNAL];
const ITS_OWN: &str = "leave it out: each task set has its own";
const TO_ECS: &str =
    "leave it out, or write deploymentController: { type: ECS }, which takes a live service over in place";

fn in_task_sets(member: &'static str) -> Row {
    Row { under: &[EXTERNAL], member, when: When::Given, what: member, remedy: ITS_OWN }
}

const fn of_ecs(member: &'static str, when: When, what: &'static str) -> Row {
    Row { under: BOTH, member, when, what, remedy: TO_ECS }
}

const ROWS: &[Row] = &[
    Row {
        under: &[CODE_DEPLOY],
        member: "loadBalancers",
        when: When::Missing,
        what: "no loadBalancers",
        remedy: "name the target group that CodeDeploy shifts traffic from, or write deploymentController: { type: ECS }",
    },
    of_ecs("deploymentConfiguration.deploymentCircuitBreaker.enable", When::On, "a deployment circuit breaker"),
    of_ecs("deploymentConfiguration.alarms.enable", When::On, "deployment alarms"),
    of_ecs("deploymentConfiguration.earlySuccessCriteria.enable", When::On, "early success criteria"),
    of_ecs("deploymentConfiguration.strategy", When::Not("ROLLING"), "a strategy of ECS's own"),
    of_ecs("serviceConnectConfiguration.enabled", When::On, "Service Connect"),
    of_ecs("vpcLatticeConfigurations", When::Given, "VPC Lattice"),
    of_ecs("schedulingStrategy", When::Is("DAEMON"), "DAEMON"),
    Row {
        under: &[EXTERNAL],
        member: "availabilityZoneRebalancing",
        when: When::Is("ENABLED"),
        what: "rebalancing between zones",
        remedy: "leave it out",
    },
];

fn look(service: &Service<'_>, report: &mut Report<'_>) {
    let controller = service.controller();
    let in_task_sets = IN_TASK_SETS.iter().map(|member| in_task_sets(member));
    for row in in_task_sets.chain(ROWS.iter().copied()).filter(|row| row.under.contains(&controller)) {
        let at = Path::from(row.member);
        let said = service.spec.find(&at);
        let text = || said.and_then(Tree::as_text);
        let holds = match row.when {
            When::Missing => !has(service.spec, row.member),
            When::Given => has(service.spec, row.member),
            When::On => said.and_then(Tree::as_bool) == Some(true),
            When::Is(value) => text() == Some(value),
            When::Not(value) => text().is_some_and(|text| text != value),
        };
        if holds {
            let message = format!("{} under the deployment controller {controller}", row.what);
            match row.when {
                When::Missing | When::Given => report.key(at, message, row.remedy),
                When::On | When::Is(_) | When::Not(_) => report.value(at, message, row.remedy),
            }
        }
    }
}
