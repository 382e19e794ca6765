//! Services by themselves (docs/ecs.md §5.1); with their task definitions: `pairs`.

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Launch, Service, has};
use crate::shape::Tree;

use super::row;

const TARGET_GROUPS_MAX: usize = 5;
const SUBNETS_MAX: usize = 16;
const SECURITY_GROUPS_MAX: usize = 5;
const GRACE_MAX_SECS: i64 = 2_147_483_647;
const STRATEGY_ITEMS_MAX: usize = 20;

pub const RULES: &[Rule] = &[
    row!(
        "desired-count",
        Error,
        Look::Service(desired_count),
        "A service has no tasks or some; a DAEMON service has one on each instance, and its count is not said (ECS: \
         The daemon scheduling strategy does not support a desired count)."
    ),
    row!(
        "daemon-on-fargate",
        Error,
        Look::Service(daemon_on_fargate),
        "DAEMON means one task on each instance, and Fargate has none (ECS: service parameters)."
    ),
    row!(
        "daemon-rebalancing",
        Error,
        Look::Service(daemon_rebalancing),
        "A DAEMON service's tasks are where the instances are: there is nothing to balance between zones (ECS: \
         availability zone rebalancing is for REPLICA services)."
    ),
    row!(
        "public-ip-on-ec2",
        Error,
        Look::Service(public_ip),
        "With the launch type EC2 a task's network interface has no public address (ECS: Assign public IP is not \
         supported for this launch type)."
    ),
    row!(
        "registry-count",
        Error,
        Look::Service(registry_count),
        "A service is in at most one service registry (ECS: service parameters)."
    ),
    row!(
        "external-networking",
        Warning,
        Look::Service(external_networking),
        "Outside AWS there are neither load balancers nor service discovery (ECS: ECS Anywhere)."
    ),
    row!(
        "launch-and-strategy",
        Error,
        Look::Service(launch_and_strategy),
        "A service has a launch type or a capacity provider strategy (ECS: Specifying both a launch type and capacity \
         provider strategy is not supported)."
    ),
    row!(
        "capacity-strategy",
        Error,
        Look::Service(strategy),
        "A capacity provider strategy has at most 20 items, one of them with a base, and not all with the weight 0; \
         FARGATE and FARGATE_SPOT don't mix with instances (ECS: capacity providers)."
    ),
    row!(
        "platform-version",
        Error,
        Look::Service(platform_version),
        "Platform versions are Fargate's (ECS: The platform version must be null when specifying an EC2 launch type)."
    ),
    row!(
        "subnets",
        Error,
        Look::Service(subnets),
        "A service with a network configuration has 1 to 16 subnets and at most 5 security groups (ECS: subnets can \
         not be empty)."
    ),
    row!(
        "load-balancer",
        Error,
        Look::Service(load_balancer),
        "An entry of loadBalancers has the ARN of a target group or the name of a Classic Load Balancer (ECS: \
         loadBalancerName and targetGroupArn cannot both be specified); a service has at most 5."
    ),
    row!(
        "load-balancer-container",
        Error,
        Look::Service(balancer_container),
        "A target group sends to a port of a container, so an entry of loadBalancers names both (ECS: service \
         parameters)."
    ),
    row!(
        "classic-load-balancer",
        Error,
        Look::Service(classic),
        "Fargate and Classic Load Balancers don't go together (ECS: Classic Load Balancers are not supported with \
         Fargate)."
    ),
    row!(
        "grace-period",
        Error,
        Look::Service(grace),
        "healthCheckGracePeriodSeconds is 0 to 2,147,483,647 (ECS: service parameters)."
    ),
    row!(
        "grace-without-balancer",
        Warning,
        Look::Service(grace_without_balancer),
        "A grace period puts off a load balancer's health checks; without a load balancer there is nothing to put \
         off."
    ),
    row!(
        "no-circuit-breaker",
        Warning,
        Look::Service(circuit_breaker),
        "Without the deployment circuit breaker ECS starts tasks that fail for ever, and without rollback nothing \
         brings the last good version back."
    ),
];

fn desired_count(service: &Service<'_>, report: &mut Report<'_>) {
    let Some(count) = service.spec.int("desiredCount") else { return };
    if service.is_daemon() {
        let remedy = "leave desiredCount out";
        report.value("desiredCount", "ECS counts a DAEMON service's tasks itself", remedy);
    } else if count < 0 {
        report.value("desiredCount", format!("{count} tasks can't run"), "write 0 or more");
    }
}

fn daemon_on_fargate(service: &Service<'_>, report: &mut Report<'_>) {
    if service.is_daemon() && service.launch() == Some(Launch::Fargate) {
        report.value("schedulingStrategy", "DAEMON on FARGATE, which has no instances", "use REPLICA, or EC2");
    }
}

fn daemon_rebalancing(service: &Service<'_>, report: &mut Report<'_>) {
    let at = "availabilityZoneRebalancing";
    if service.is_daemon() && service.spec.text(at) == Some("ENABLED") {
        report.value(at, "rebalancing between zones for a DAEMON service", "leave it out, or use REPLICA");
    }
}

fn public_ip(service: &Service<'_>, report: &mut Report<'_>) {
    let asked = service.spec.at(&["networkConfiguration", "awsvpcConfiguration", "assignPublicIp"]);
    if service.launch() == Some(Launch::Ec2) && asked.and_then(Tree::as_text) == Some("ENABLED") {
        let at = "networkConfiguration.awsvpcConfiguration.assignPublicIp";
        report.value(at, "a public address with the launch type EC2", "leave it out, and use a NAT gateway");
    }
}

fn registry_count(service: &Service<'_>, report: &mut Report<'_>) {
    let count = service.spec.list("serviceRegistries").len();
    if count > 1 {
        report.key("serviceRegistries", format!("{count} service registries; there can be one"), "keep one");
    }
}

fn external_networking(service: &Service<'_>, report: &mut Report<'_>) {
    for list in ["loadBalancers", "serviceRegistries"] {
        if service.launch() == Some(Launch::External) && has(service.spec, list) {
            report.key(list, format!("{list} with the launch type EXTERNAL"), "leave it out");
        }
    }
}

fn balancer_container(service: &Service<'_>, report: &mut Report<'_>) {
    for (at, balancer) in service.items("loadBalancers").filter(|(_, one)| has(one, "targetGroupArn")) {
        let missing: Vec<&str> =
            ["containerName", "containerPort"].into_iter().filter(|member| !has(balancer, member)).collect();
        if !missing.is_empty() {
            let message = format!("a target group without {}", missing.join(" and "));
            report.value(at, message, "say which container's port it sends to");
        }
    }
}

fn launch_and_strategy(service: &Service<'_>, report: &mut Report<'_>) {
    if has(service.spec, "launchType") && has(service.spec, "capacityProviderStrategy") {
        report.key("launchType", "launchType beside a capacityProviderStrategy", "keep one of them");
    }
}

fn strategy(service: &Service<'_>, report: &mut Report<'_>) {
    let at = "capacityProviderStrategy";
    let items = service.spec.list(at);
    let number = |item: &Tree, member: &str| item.int(member).unwrap_or(0);
    let on_fargate = |item: &&Tree| matches!(item.text("capacityProvider"), Some("FARGATE" | "FARGATE_SPOT"));
    let fargate = items.iter().filter(on_fargate).count();
    if items.len() > STRATEGY_ITEMS_MAX {
        report.key(at, format!("{} items; a strategy has at most {STRATEGY_ITEMS_MAX}", items.len()), "remove some");
    } else if items.iter().filter(|item| number(item, "base") > 0).count() > 1 {
        report.key(at, "more than one item with a base", "keep the base of one");
    } else if items.len() > 1 && items.iter().all(|item| number(item, "weight") == 0) {
        report.key(at, "no item has a weight, so no task would be placed", "give one of them weight: 1");
    } else if fargate > 0 && fargate < items.len() {
        report.key(at, "Fargate's capacity providers beside others", "use either, or two services");
    }
}

fn platform_version(service: &Service<'_>, report: &mut Report<'_>) {
    let launch = service.spec.text("launchType").filter(|launch| ["EC2", "EXTERNAL"].contains(launch));
    if let Some(launch) = launch.filter(|_| has(service.spec, "platformVersion")) {
        report.key("platformVersion", format!("{launch} has no platform versions"), "leave it out");
    }
}

fn subnets(service: &Service<'_>, report: &mut Report<'_>) {
    let Some(vpc) = service.spec.at(&["networkConfiguration", "awsvpcConfiguration"]) else { return };
    let at = |member: &str| format!("networkConfiguration.awsvpcConfiguration.{member}");
    let named = service.lookup.named.as_deref().and_then(Tree::as_list).unwrap_or_default().len();
    let (subnets, groups) = (vpc.list("subnets").len(), vpc.list("securityGroups").len() + named);
    if subnets == 0 && service.lookup.subnets.is_none() {
        report.key(at("subnets").as_str(), "there is no subnet", "name at least one; better one a zone");
    } else if subnets > SUBNETS_MAX {
        report.key(at("subnets").as_str(), format!("{subnets} subnets; there can be {SUBNETS_MAX}"), "remove some");
    }
    if groups > SECURITY_GROUPS_MAX {
        let message = format!("{groups} security groups; there can be {SECURITY_GROUPS_MAX}");
        report.key(at("securityGroups").as_str(), message, "merge their rules");
    }
}

fn load_balancer(service: &Service<'_>, report: &mut Report<'_>) {
    let count = service.spec.list("loadBalancers").len();
    if count > TARGET_GROUPS_MAX {
        report.key("loadBalancers", format!("{count} load balancers; there can be {TARGET_GROUPS_MAX}"), "remove some");
    }
    for (at, balancer) in service.items("loadBalancers") {
        match (has(balancer, "targetGroupArn"), has(balancer, "loadBalancerName")) {
            (true, true) => {
                let message = "loadBalancerName beside targetGroupArn";
                report.key(at.name("loadBalancerName"), message, "keep targetGroupArn");
            }
            (false, false) => report.value(at, "a load balancer without a target group", "give it a targetGroupArn"),
            _ => {}
        }
    }
}

fn classic(service: &Service<'_>, report: &mut Report<'_>) {
    for (at, balancer) in service.items("loadBalancers").filter(|_| service.launch() == Some(Launch::Fargate)) {
        if has(balancer, "loadBalancerName") && !has(balancer, "targetGroupArn") {
            let message = "a Classic Load Balancer on FARGATE";
            report.key(at.name("loadBalancerName"), message, "use a target group of an ALB or NLB");
        }
    }
}

fn grace(service: &Service<'_>, report: &mut Report<'_>) {
    let at = "healthCheckGracePeriodSeconds";
    if let Some(seconds) = service.spec.int(at).filter(|seconds| !(0..=GRACE_MAX_SECS).contains(seconds)) {
        report.value(at, format!("{seconds} seconds of grace can't be given"), "write 0 or more");
    }
}

fn grace_without_balancer(service: &Service<'_>, report: &mut Report<'_>) {
    let behind = ["loadBalancers", "vpcLatticeConfigurations"].into_iter().any(|list| has(service.spec, list));
    // ECS waits for a container's own health check too.
    let Some(definition) = &service.definition else { return };
    let checked = definition.containers().any(|(_, container)| has(container, "healthCheck"));
    let grace = service.spec.int("healthCheckGracePeriodSeconds").is_some_and(|seconds| seconds > 0);
    if grace && !behind && !checked {
        let message = "a grace period, and neither a load balancer nor a container's health check to wait for";
        report.key("healthCheckGracePeriodSeconds", message, "leave it out, or add the load balancer");
    }
}

fn circuit_breaker(service: &Service<'_>, report: &mut Report<'_>) {
    let configuration = service.spec.get("deploymentConfiguration");
    let strategy = configuration.and_then(|it| it.text("strategy")).unwrap_or("ROLLING");
    let on = |name: &str| configuration.and_then(|it| it.get(name)).and_then(|it| it.bool("enable")) == Some(true);
    let rolls_back = |name: &str| {
        on(name) && configuration.and_then(|it| it.get(name)).and_then(|it| it.bool("rollback")) == Some(true)
    };
    if service.controller() != "ECS" || strategy != "ROLLING" || rolls_back("alarms") {
        return;
    }
    let remedy = "write deploymentCircuitBreaker: { enable: true, rollback: true }";
    if !on("deploymentCircuitBreaker") {
        let message = "no deployment circuit breaker: a deployment that fails goes on for ever";
        match configuration {
            Some(_) => report.key("deploymentConfiguration", message, remedy),
            None => report.key("", message, format!("under deploymentConfiguration {remedy}")),
        }
    } else if !rolls_back("deploymentCircuitBreaker") {
        let message = "the circuit breaker stops a deployment that fails, and does not roll it back";
        report.key("deploymentConfiguration.deploymentCircuitBreaker", message, "write rollback: true");
    }
}
