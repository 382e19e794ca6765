//! A service against its task definition, where both are manifests (docs/ecs.md §5.1).

use std::collections::BTreeSet;

use crate::check::Report;
use crate::check::rule::{Look, Rule};
use crate::check::subject::{Launch, Service, TaskDefinition, has, items};
use crate::kinds::service::EXTERNAL;
use crate::manifest::Severity;
use crate::shape::near::nearest;
use crate::shape::{Path, Tree};

use super::containers::which;
use super::{of_task_definition, row};

pub const RULES: &[Rule] = &[
    row!(
        "launch-type",
        Error,
        Look::Service(launch_type),
        "A service's launch type is one that its task definition can run on, whether or not the definition says so \
         itself in requiresCompatibilities (ECS: Task definition does not support launch_type)."
    ),
    row!(
        "network-configuration",
        Error,
        Look::Service(network),
        "Tasks with networkMode awsvpc, and so all on Fargate, need subnets; others have no network of their own to \
         configure (ECS: Network Configuration must be provided when networkMode 'awsvpc' is specified)."
    ),
    row!(
        "load-balancer-target",
        Error,
        Look::Service(target),
        "A load balancer sends to a port of a container of the task definition (ECS: The container X did not have a \
         container port Y defined)."
    ),
    row!(
        "service-connect-port",
        Error,
        Look::Service(connect_port),
        "Service Connect serves ports by their names in the task definition (ECS: portName does not refer to any named \
         PortMapping in the container definitions)."
    ),
    row!(
        "service-connect-aliases",
        Error,
        Look::Service(connect_aliases),
        "A service of Service Connect has one client alias (ECS: 2 clientAliases exceeds the max limit of 1)."
    ),
    row!(
        "service-connect-name",
        Error,
        Look::Service(connect_name),
        "Clients know a service of Service Connect by a DNS name, which has neither blanks nor marks but -, _ and . \
         (ECS: The DNS name that you provided is invalid)."
    ),
    row!(
        "registry-port",
        Warning,
        Look::Service(registry_port),
        "Under awsvpc a task has an address of its own, and only SRV records need a port; with A records ECS refuses one \
         (ECS: The values specified for serviceRegistries do not require a value for 'containerPort')."
    ),
    row!(
        "volume-not-configured",
        Warning,
        Look::Service(not_configured),
        "A volume that its task definition leaves open with configuredAtLaunch is configured by the service: without \
         that its tasks don't start (ECS: EBS volumes)."
    ),
    row!(
        "ebs-volume",
        Error,
        Look::Service(volume),
        "A service configures the volume that its task definition leaves open with configuredAtLaunch (ECS: The volume \
         name does not have a matching volume in your Task Definition)."
    ),
];

/// The first thing that keeps a definition from running where the service wants it; it was sound by itself.
fn launch_type(service: &Service<'_>, report: &mut Report<'_>) {
    let (Some(definition), Some(launch)) = (&service.definition, service.launch()) else { return };
    if definition.runs_on(launch) {
        return;
    }
    let first = service.launches.fault(definition.name, launch, || {
        let faults = of_task_definition(&definition.wanted_on(launch));
        faults.into_iter().find(|fault| fault.severity == Severity::Error)
    });
    if let Some(first) = first {
        let (name, launch) = (definition.name, launch.as_str());
        // Of the whole its message says enough.
        let place = if first.path == Path::from("spec") { String::new() } else { format!("{}, ", first.path) };
        let message = format!("the task definition {name} can't run on {launch}: {place}{}", first.message);
        let at = if has(service.spec, "launchType") { "launchType" } else { "capacityProviderStrategy" };
        report.value(at, message, format!("mend {name}, or use another launch type"));
    }
}

fn network(service: &Service<'_>, report: &mut Report<'_>) {
    let given = service.spec.at(&["networkConfiguration", "awsvpcConfiguration"]).is_some_and(|it| !it.is_empty())
        || !service.lookup.is_empty();
    let mode = service.definition.as_ref().map(TaskDefinition::network_mode);
    let fargate = service.launch() == Some(Launch::Fargate);
    // Under EXTERNAL each task set has its own.
    if !given && service.controller() != EXTERNAL && (fargate || mode == Some("awsvpc")) {
        let why = if fargate { "FARGATE" } else { "networkMode: awsvpc" };
        let remedy = "add networkConfiguration: { awsvpcConfiguration: { subnets: [subnet-…] } }";
        report.key("", format!("{why} needs a networkConfiguration"), remedy);
    } else if let (true, false, Some(mode)) = (given, fargate, mode.filter(|mode| *mode != "awsvpc")) {
        let message = format!("a networkConfiguration, and the task definition has networkMode: {mode}");
        report.key("networkConfiguration", message, "leave it out, or use networkMode: awsvpc");
    }
}

fn target(service: &Service<'_>, report: &mut Report<'_>) {
    let Some(definition) = &service.definition else { return };
    for (at, balancer) in service.items("loadBalancers") {
        if report.is_full() {
            break;
        }
        let Some(name) = balancer.text("containerName") else { continue };
        let Some(container) = definition.container(name) else {
            let message = format!("the task definition {} has no container {name}", definition.name);
            report.value(at.name("containerName"), message, which(definition, name));
            continue;
        };
        let Some(port) = balancer.int("containerPort") else { continue };
        let listens = |mapping: &Tree| match (mapping.int("containerPort"), mapping.text("containerPortRange")) {
            (Some(single), _) => single == port,
            (None, Some(range)) => range.split_once('-').is_some_and(|(from, to)| {
                let number = |text: &str| text.trim().parse::<i64>().unwrap_or(0);
                (number(from)..=number(to)).contains(&port)
            }),
            (None, None) => false,
        };
        if !container.list("portMappings").iter().any(listens) {
            let ports = container.list("portMappings").iter().filter_map(|mapping| mapping.int("containerPort"));
            let ports: Vec<String> = ports.map(|port| port.to_string()).collect();
            let remedy = match ports.is_empty() {
                true => format!("add portMappings: [{{ containerPort: {port} }}] to {name}"),
                false => format!("its ports are {}", ports.join(", ")),
            };
            report.value(at.name("containerPort"), format!("the container {name} has no port {port}"), remedy);
        }
    }
}

fn connect_port(service: &Service<'_>, report: &mut Report<'_>) {
    let (Some(definition), Some(connect)) = (&service.definition, service.connect()) else { return };
    let mappings = definition.containers().flat_map(|(_, container)| container.list("portMappings"));
    let names: BTreeSet<&str> = mappings.filter_map(|mapping| mapping.text("name")).collect();
    for (at, one) in items(connect, &"serviceConnectConfiguration".into(), "services") {
        if report.is_full() {
            break;
        }
        let Some(name) = one.text("portName").filter(|name| !names.contains(name)) else { continue };
        let remedy = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("add name: {name} to one of its portMappings"),
        };
        let message = format!("the task definition {} has no port called {name}", definition.name);
        report.value(at.name("portName"), message, remedy);
    }
}

fn connect_aliases(service: &Service<'_>, report: &mut Report<'_>) {
    let Some(connect) = service.connect() else { return };
    for (at, one) in items(connect, &"serviceConnectConfiguration".into(), "services") {
        let count = one.list("clientAliases").len();
        if count > 1 {
            report.key(at.name("clientAliases"), format!("{count} client aliases; there can be one"), "keep one");
        }
    }
}

fn connect_name(service: &Service<'_>, report: &mut Report<'_>) {
    let Some(connect) = service.connect() else { return };
    let wrong = |letter: char| letter.is_whitespace() || letter.is_ascii_punctuation() && !"-_.".contains(letter);
    for (at, one) in items(connect, &"serviceConnectConfiguration".into(), "services") {
        for (at, alias) in items(one, &at, "clientAliases") {
            if let Some(name) = alias.text("dnsName").filter(|name| name.contains(wrong)) {
                let remedy = "use letters, digits, - and .";
                report.value(at.name("dnsName"), format!("{name:?} is no DNS name"), remedy);
            }
        }
    }
}

fn registry_port(service: &Service<'_>, report: &mut Report<'_>) {
    let mode = service.definition.as_ref().map(TaskDefinition::network_mode);
    for (at, registry) in service.items("serviceRegistries").filter(|_| mode == Some("awsvpc")) {
        if let Some(member) = ["containerPort", "containerName"].into_iter().find(|member| has(registry, member)) {
            let message = format!("{member} in a service registry, under networkMode: awsvpc");
            report.key(at.name(member), message, "leave both out for A records; for SRV records write port");
        }
    }
}

/// The volumes that a definition leaves open, by name.
fn left_open<'a>(definition: &TaskDefinition<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    let at_launch = |(_, volume): &(_, &Tree)| volume.bool("configuredAtLaunch") == Some(true);
    definition.volumes().filter(at_launch).filter_map(|(_, volume)| volume.text("name"))
}

fn not_configured(service: &Service<'_>, report: &mut Report<'_>) {
    let Some(definition) = &service.definition else { return };
    let given: BTreeSet<&str> = service.items("volumeConfigurations").filter_map(|(_, one)| one.text("name")).collect();
    // Where there are others, the one of a wrong name has a finding of its own.
    for name in left_open(definition).filter(|_| given.is_empty()) {
        let message = format!("the task definition {} leaves the volume {name} open", definition.name);
        report.key("", message, format!("add volumeConfigurations: [{{ name: {name}, managedEBSVolume: … }}]"));
    }
}

fn volume(service: &Service<'_>, report: &mut Report<'_>) {
    let Some(definition) = &service.definition else { return };
    let open = || left_open(definition);
    for (at, one) in service.items("volumeConfigurations") {
        if report.is_full() {
            break;
        }
        let Some(name) = one.text("name").filter(|name| open().all(|known| known != *name)) else { continue };
        let remedy = match nearest(name, open()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("add {{ name: {name}, configuredAtLaunch: true }} to its volumes"),
        };
        let message = format!("the task definition {} leaves no volume {name} open", definition.name);
        report.value(at.name("name"), message, remedy);
    }
}
