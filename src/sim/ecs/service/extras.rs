//! Service Connect, service registries, volumes and the platform of a service, judged (§5.1, §4.2). Must not know: what they do.

use crate::shape::Tree;

use super::super::Fault;
use super::super::task::platform;
use super::input::Wanted;
use super::{Service, capacity, show};

/// Client aliases of one Service Connect service.
const MOST_ALIASES: usize = 1;
const LONGEST_DISCOVERY_NAME: usize = 64;
const LONGEST_DNS_NAME: usize = 127;

/// Judges what a service, or a task set, has besides its load balancers. `cluster_namespace` is the cluster's default.
pub(super) fn judge(spec: &Tree, definition: &Tree, cluster_namespace: Option<&str>) -> Result<(), Fault> {
    judge_connect(spec, definition, cluster_namespace)?;
    spec.list("serviceRegistries").iter().try_for_each(|one| judge_registry(one, definition))?;
    spec.list("volumeConfigurations").iter().try_for_each(|one| judge_volume(one, definition))
}

fn containers(definition: &Tree) -> impl Iterator<Item = &Tree> {
    definition.list("containerDefinitions").iter()
}

fn judge_connect(spec: &Tree, definition: &Tree, cluster_namespace: Option<&str>) -> Result<(), Fault> {
    let refuse = |text: String| Err(Fault::invalid(text));
    let Some(connect) = spec.get("serviceConnectConfiguration").filter(|one| one.bool("enabled") == Some(true)) else {
        return Ok(());
    };
    if connect.text("namespace").or(cluster_namespace).is_none_or(str::is_empty) {
        return refuse("Namespace is missing".into());
    }
    if !matches!(definition.text("networkMode"), None | Some("awsvpc" | "bridge")) {
        return refuse("Service Connect is only supported with the network modes awsvpc and bridge.".into());
    }
    let ports = || containers(definition).flat_map(|one| one.list("portMappings")).filter_map(|one| one.text("name"));
    for service in connect.list("services") {
        let port = service.text("portName").unwrap_or_default();
        if !ports().any(|name| name == port) {
            return refuse(format!(
                "portName({port}) does not refer to any named PortMapping in the container definitions"
            ));
        }
        let aliases = service.list("clientAliases");
        if aliases.len() > MOST_ALIASES {
            return refuse(format!("{} clientAliases exceeds the max limit of {MOST_ALIASES}", aliases.len()));
        }
        let good = |name: &str| name.len() <= LONGEST_DNS_NAME && is_dns(name);
        if aliases.iter().filter_map(|one| one.text("dnsName")).any(|name| !good(name)) {
            return refuse("The DNS name that you provided is invalid".into());
        }
        let discovery = service.text("discoveryName").unwrap_or("a");
        if discovery.len() > LONGEST_DISCOVERY_NAME || !discovery.bytes().all(is_name_byte) || discovery.is_empty() {
            return refuse(format!("The discovery name {discovery} is invalid"));
        }
    }
    let mut names =
        connect.list("services").iter().filter_map(|one| one.text("discoveryName").or(one.text("portName")));
    let mut seen = std::collections::BTreeSet::new();
    match names.find(|name| !seen.insert(*name)) {
        Some(name) => refuse(format!("The discovery name {name} is used more than once")),
        None => Ok(()),
    }
}

/// An endpoint of Service Connect keeps its protocol for as long as it is one (§5.2; wording weak).
pub(super) fn judge_endpoints(service: &Service, wanted: &Wanted) -> Result<(), Fault> {
    let Some(primary) = service.primary() else { return Ok(()) };
    let endpoints = |spec: &Tree| {
        let connect = spec.get("serviceConnectConfiguration").filter(|one| one.bool("enabled") == Some(true));
        let names = connect.map(|one| one.list("services")).unwrap_or_default().iter();
        names.filter_map(|one| one.text("portName").map(str::to_owned)).collect::<Vec<_>>()
    };
    let protocols = |definition: &Tree, port: &str| {
        let mut ports = containers(definition).flat_map(|one| one.list("portMappings"));
        let found = ports.find(|one| one.text("name") == Some(port));
        found.map(|one| (one.text("protocol").map(str::to_owned), one.text("appProtocol").map(str::to_owned)))
    };
    let before = endpoints(&service.spec);
    for port in endpoints(&wanted.spec).iter().filter(|port| before.contains(port)) {
        let old = protocols(&primary.definition.body, port);
        if old.is_some() && old != protocols(&wanted.definition.body, port) {
            return Err(Fault::invalid(format!(
                "The protocol and appProtocol of the Service Connect endpoint {port} cannot be changed."
            )));
        }
    }
    Ok(())
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
}

fn is_dns(name: &str) -> bool {
    let label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        !label.is_empty() && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    !name.is_empty() && name.split('.').all(label)
}

fn judge_registry(registry: &Tree, definition: &Tree) -> Result<(), Fault> {
    let refuse = |text: String| Err(Fault::invalid(text));
    let awsvpc = definition.text("networkMode") == Some("awsvpc");
    if registry.text("registryArn").is_none_or(|arn| !arn.starts_with("arn:") || !arn.contains(":servicediscovery:")) {
        return refuse("registryArn must be the ARN of a service discovery service.".into());
    }
    let name = registry.text("containerName");
    let port = registry.int("containerPort");
    if awsvpc && port.is_some() && name.is_none() {
        return refuse("The values specified for serviceRegistries do not require a value for 'containerPort'".into());
    }
    if port.is_some() && registry.int("port").is_some() {
        return refuse("Only one of 'port' and 'containerPort' can be specified for serviceRegistries.".into());
    }
    let Some(name) = name else {
        return match awsvpc {
            true => Ok(()),
            false => {
                refuse("When using network mode bridge or host, serviceRegistries require 'containerName'.".into())
            }
        };
    };
    let Some(container) = containers(definition).find(|one| one.text("name") == Some(name)) else {
        return refuse(format!("The container {name} does not exist in the task definition."));
    };
    let mut ports = container.list("portMappings").iter().filter_map(|one| one.int("containerPort"));
    match port {
        Some(port) if !ports.any(|mapped| mapped == port) => {
            refuse(format!("The container {name} did not have a container port {port} defined."))
        }
        _ => Ok(()),
    }
}

/// Sizes in GiB by volume type (§4.2).
const SIZES: &[(&str, i64, i64)] = &[
    ("gp2", 1, 16_384),
    ("gp3", 1, 16_384),
    ("io1", 4, 16_384),
    ("io2", 4, 16_384),
    ("st1", 125, 16_384),
    ("sc1", 125, 16_384),
    ("standard", 1, 1_024),
];

fn judge_volume(volume: &Tree, definition: &Tree) -> Result<(), Fault> {
    let name = volume.text("name").unwrap_or_default();
    let declared = definition.list("volumes").iter().find(|one| one.text("name") == Some(name));
    if declared.is_none_or(|one| one.bool("configuredAtLaunch") != Some(true)) {
        return Err(Fault::invalid(format!(
            "The volume name '{name}' in your request does not have a matching volume in your Task Definition"
        )));
    }
    let Some(ebs) = volume.get("managedEBSVolume") else { return Ok(()) };
    let refuse = |kind: &str, what: String| {
        Err(Fault::invalid(format!("ECS managed EBS volume configuration was invalid. {kind}: {what}")))
    };
    let kind = ebs.text("volumeType").unwrap_or("gp3");
    let (size, iops) = (ebs.int("sizeInGiB"), ebs.int("iops"));
    if size.is_none() && ebs.text("snapshotId").is_none() {
        return refuse("MissingParameter", "either sizeInGiB or snapshotId must be specified".into());
    }
    if iops.is_none() && matches!(kind, "io1" | "io2") {
        return refuse("MissingParameter", format!("iops must be specified for the volume type {kind}"));
    }
    let Some((_, least, most)) = SIZES.iter().find(|(one, ..)| *one == kind) else {
        return refuse("InvalidParameterValue", format!("the volume type {kind} is unknown"));
    };
    if size.is_some_and(|size| !(*least..=*most).contains(&size)) {
        return refuse("InvalidParameterValue", format!("sizeInGiB must be between {least} and {most} for {kind}"));
    }
    let range = match kind {
        "gp3" => Some(3_000..=16_000),
        "io1" => Some(100..=64_000),
        "io2" => Some(100..=256_000),
        _ => None,
    };
    if let Some(iops) = iops.filter(|iops| !range.is_some_and(|range| range.contains(iops))) {
        return refuse("InvalidParameterCombination", format!("iops {iops} is not supported for {kind}"));
    }
    let throughput = ebs.int("throughput");
    if throughput.is_some_and(|value| kind != "gp3" || !(1..=1_000).contains(&value)) {
        return refuse("InvalidParameterCombination", format!("this throughput is not supported for {kind}"));
    }
    if ebs.int("volumeInitializationRate").is_some() && ebs.text("snapshotId").is_none() {
        return refuse("InvalidParameterCombination", "volumeInitializationRate needs a snapshotId".into());
    }
    Ok(())
}

/// Judges what tasks of a service, or of a task set, want of an older platform of Fargate.
pub(super) fn judge_platform(spec: &Tree, settings: &Tree, definition: &Tree) -> Result<(), Fault> {
    if !capacity::is_fargate(spec) {
        return Ok(());
    }
    let version = show::resolved_platform(spec).unwrap_or_default();
    let volumes = !spec.list("volumeConfigurations").is_empty();
    platform::judge(version, definition, volumes, settings.bool("enableExecuteCommand") == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn definition() -> Tree {
        let ports = vec![tree! { "containerPort" => 80, "name" => "http" }];
        tree! {
            "networkMode" => "awsvpc",
            "containerDefinitions" => vec![tree! { "name" => "web", "portMappings" => ports }],
            "volumes" => vec![tree! { "name" => "data", "configuredAtLaunch" => true }, tree! { "name" => "plain" }],
        }
    }

    fn said(spec: &Tree) -> String {
        judge(spec, &definition(), None).map_or_else(|fault| fault.message, |()| String::new())
    }

    fn connect(service: Tree) -> Tree {
        let inner = tree! { "enabled" => true, "namespace" => "shop", "services" => vec![service] };
        tree! { "serviceConnectConfiguration" => inner }
    }

    #[test]
    fn service_connect_is_judged_in_ecss_words() {
        let bare = tree! { "serviceConnectConfiguration" => tree! { "enabled" => true } };
        assert_eq!(said(&bare), "Namespace is missing");
        assert!(judge(&bare, &definition(), Some("shop")).is_ok());
        let alias = |name: &str| tree! { "port" => 80, "dnsName" => name };
        for (service, text) in [
            (
                tree! { "portName" => "none" },
                "portName(none) does not refer to any named PortMapping in the container definitions",
            ),
            (
                tree! { "portName" => "http", "clientAliases" => vec![alias("a"), alias("b")] },
                "2 clientAliases exceeds the max limit of 1",
            ),
            (
                tree! { "portName" => "http", "clientAliases" => vec![alias("-a")] },
                "The DNS name that you provided is invalid",
            ),
            (tree! { "portName" => "http", "clientAliases" => vec![alias("web.shop")] }, ""),
        ] {
            assert_eq!(said(&connect(service)), text);
        }
    }

    #[test]
    fn registries_name_what_the_network_mode_needs() {
        let registry = |more: Tree| {
            let arn = "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1";
            let one = more
                .as_map()
                .unwrap()
                .iter()
                .fold(tree! { "registryArn" => arn }, |one, (name, value)| one.with(name, value));
            tree! { "serviceRegistries" => vec![one] }
        };
        assert_eq!(said(&registry(Tree::map())), "");
        assert_eq!(
            said(&registry(tree! { "containerPort" => 80 })),
            "The values specified for serviceRegistries do not require a value for 'containerPort'"
        );
        let missing = tree! { "containerName" => "db", "containerPort" => 80 };
        assert_eq!(said(&registry(missing)), "The container db does not exist in the task definition.");
        assert_eq!(said(&registry(tree! { "containerName" => "web", "containerPort" => 80 })), "");
    }

    #[test]
    fn volumes_match_the_definition_and_ebs() {
        let volume = |name: &str, ebs: Tree| {
            tree! { "volumeConfigurations" => vec![tree! { "name" => name, "managedEBSVolume" => ebs }] }
        };
        for (spec, text) in [
            (volume("data", tree! { "sizeInGiB" => 10 }), ""),
            (volume("plain", tree! { "sizeInGiB" => 10 }), "does not have a matching volume"),
            (volume("data", Tree::map()), "MissingParameter"),
            (volume("data", tree! { "sizeInGiB" => 10, "volumeType" => "io1" }), "MissingParameter"),
            (
                volume("data", tree! { "sizeInGiB" => 10, "volumeType" => "gp2", "iops" => 3000 }),
                "InvalidParameterCombination",
            ),
            (volume("data", tree! { "sizeInGiB" => 1, "volumeType" => "st1" }), "InvalidParameterValue"),
        ] {
            assert!(said(&spec).contains(text), "{} / {text}", said(&spec));
        }
    }
}
