//! What makes two services equal, and what changing one does (docs/ecs.md §5.1, §5.2, §2.7).

use crate::kinds::normalise::{
    Row, alike, bool, derived, int, list, owned, present, set, spelling, text, unmanaged, unsaid,
};
use crate::kinds::{Closer, Effect};
use crate::shape::Tree;

pub const ROWS: &[Row] = &[
    owned("serviceArn"),
    owned("clusterArn"),
    owned("status"),
    owned("runningCount"),
    owned("pendingCount"),
    owned("platformFamily"),
    owned("taskSets"),
    owned("deployments"),
    owned("events"),
    owned("roleArn"),
    owned("createdAt"),
    owned("createdBy"),
    owned("currentServiceDeployment"),
    owned("currentServiceRevisions"),
    owned("resourceManagementType"),
    // Compared by content and by tag, not as members.
    owned("taskDefinition"),
    owned("tags"),
    unmanaged("desiredCount"),
    unmanaged("launchType"),
    unmanaged("platformVersion"),
    unmanaged("availabilityZoneRebalancing"),
    unmanaged("volumeConfigurations"),
    unmanaged("loadBalancers"),
    unmanaged("serviceRegistries"),
    unmanaged("serviceConnectConfiguration"),
    unmanaged("vpcLatticeConfigurations"),
    unmanaged("capacityProviderStrategy"),
    text("schedulingStrategy", "REPLICA"),
    present("deploymentController"),
    text("deploymentController.type", "ECS"),
    present("deploymentConfiguration"),
    derived("deploymentConfiguration.maximumPercent", |whole, _| by_strategy(whole, 200, 100)),
    derived("deploymentConfiguration.minimumHealthyPercent", |whole, _| by_strategy(whole, 100, 0)),
    text("deploymentConfiguration.strategy", "ROLLING"),
    int("deploymentConfiguration.bakeTimeInMinutes", 0),
    // What a strategy that shifts traffic leaves behind means nothing to one that rolls, and can't be taken away.
    unmanaged("deploymentConfiguration.linearConfiguration"),
    unmanaged("deploymentConfiguration.canaryConfiguration"),
    derived("deploymentConfiguration.linearConfiguration.stepPercent", |_, _| Some(Tree::Float(10.0))),
    int("deploymentConfiguration.linearConfiguration.stepBakeTimeInMinutes", 6),
    derived("deploymentConfiguration.canaryConfiguration.canaryPercent", |_, _| Some(Tree::Float(5.0))),
    int("deploymentConfiguration.canaryConfiguration.canaryBakeTimeInMinutes", 10),
    list("deploymentConfiguration.lifecycleHooks"),
    present("deploymentConfiguration.deploymentCircuitBreaker"),
    bool("deploymentConfiguration.deploymentCircuitBreaker.enable", false),
    bool("deploymentConfiguration.deploymentCircuitBreaker.rollback", false),
    bool("deploymentConfiguration.deploymentCircuitBreaker.resetOnHealthyTask", true),
    present("deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration"),
    text("deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration.type", "BOUNDED_PERCENT"),
    int("deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration.value", 50),
    present("deploymentConfiguration.alarms"),
    list("deploymentConfiguration.alarms.alarmNames"),
    bool("deploymentConfiguration.alarms.enable", false),
    bool("deploymentConfiguration.alarms.rollback", false),
    int("healthCheckGracePeriodSeconds", 0),
    bool("enableECSManagedTags", false),
    bool("enableExecuteCommand", false),
    text("propagateTags", "NONE"),
    text("networkConfiguration.awsvpcConfiguration.assignPublicIp", "DISABLED"),
    alike("platformVersion", NEWEST_PLATFORMS),
    derived("serviceConnectConfiguration.services[].discoveryName", |_, service| service.get("portName").cloned()),
    unsaid("volumeConfigurations[].managedEBSVolume.filesystemType", FILESYSTEMS),
    spelling("placementStrategy[].field", placement_field),
    int("capacityProviderStrategy[].base", 0),
    int("capacityProviderStrategy[].weight", 0),
    set("networkConfiguration.awsvpcConfiguration.subnets", &[]),
    set("networkConfiguration.awsvpcConfiguration.securityGroups", &[]),
    set("capacityProviderStrategy", &["capacityProvider"]),
    set("loadBalancers", &["targetGroupArn", "loadBalancerName", "containerName", "containerPort"]),
    set("serviceRegistries", &["registryArn"]),
    set("serviceConnectConfiguration.services", &["portName"]),
    set("volumeConfigurations", &["name"]),
    set("placementConstraints", &["type", "expression"]),
    set("deploymentConfiguration.alarms.alarmNames", &[]),
];

/// LATEST and what it stands for today, on Linux and on Windows: some reads show the one, some the other (weak: of
/// recordings; wrong once there is a newer platform version).
const NEWEST_PLATFORMS: &[&str] = &["LATEST", "1.4.0", "1.0.0"];

/// What a managed volume has when nothing is said, on Linux and on Windows.
const FILESYSTEMS: &[&str] = &["xfs", "ntfs"];

/// What UpdateService does with a member, where it does not simply change it.
pub const EFFECTS: &[(&str, Effect)] = &[
    ("tags", Effect::Tags),
    ("taskDefinition", Effect::Deploys),
    ("networkConfiguration", Effect::Deploys),
    ("platformVersion", Effect::Deploys),
    ("loadBalancers", Effect::Deploys),
    ("serviceRegistries", Effect::Deploys),
    ("serviceConnectConfiguration", Effect::Deploys),
    ("volumeConfigurations", Effect::Deploys),
    ("vpcLatticeConfigurations", Effect::Deploys),
    ("capacityProviderStrategy", Effect::Deploys),
    ("serviceName", Effect::Replaces),
    ("launchType", Effect::Replaces),
    ("schedulingStrategy", Effect::Replaces),
    ("deploymentController", Effect::Replaces),
];

/// Changes with another effect than their member's: what there was and what is wanted decide (docs/ecs.md §2.13,
/// §5.2).
pub const CLOSER: &[Closer] = &[
    // From a capacity provider strategy back to the launch type.
    Closer { member: "launchType", when: |was, wanted| was.is_none() && wanted.is_some(), effect: Effect::Deploys },
    Closer {
        member: "deploymentController",
        when: |was, wanted| is(was, &["CODE_DEPLOY", "EXTERNAL"]) && is(wanted, &["ECS"]),
        effect: Effect::Deploys,
    },
    // What runs is kept as task sets.
    Closer {
        member: "deploymentController",
        when: |was, wanted| is(was, &["CODE_DEPLOY", "ECS"]) && is(wanted, &["EXTERNAL"]),
        effect: Effect::InPlace,
    },
];

fn is(side: Option<&Tree>, values: &[&str]) -> bool {
    side.and_then(Tree::as_text).is_some_and(|text| values.contains(&text))
}

/// The member of UpdateService that changes a member of the spec, where that is another.
pub fn sent_as(member: &str) -> &str {
    match member {
        // An empty strategy goes back to the launch type that the service had at first.
        "launchType" => "capacityProviderStrategy",
        member => member,
    }
}

/// What UpdateService changes in place under controllers other than ECS (docs/ecs.md §2.13).
pub fn allowed_under(controller: &str) -> &'static [&'static str] {
    const ALLOWED: &[&str] = &[
        "deploymentConfiguration",
        "desiredCount",
        "enableECSManagedTags",
        "healthCheckGracePeriodSeconds",
        "placementConstraints",
        "placementStrategy",
        "propagateTags",
    ];
    match (controller, ALLOWED) {
        // Task sets are scaled, not rolled.
        ("EXTERNAL", [_, rest @ ..]) => rest,
        (_, all) => all,
    }
}

/// What each task set of an EXTERNAL service says for itself, and the service does not (docs/ecs.md §2.13).
pub const IN_TASK_SETS: &[&str] = &[
    "taskDefinition",
    "loadBalancers",
    "serviceRegistries",
    "networkConfiguration",
    "platformVersion",
    "capacityProviderStrategy",
];

/// Members that start no deployment but decide what becomes of one.
pub const FATE: &[&str] = &["deploymentConfiguration", "healthCheckGracePeriodSeconds"];

/// Members that ECS changes only in a deployment that is asked for by name.
pub const FORCED: &[&str] = &["capacityProviderStrategy", "launchType"];

/// What to send for a member that the manifest does not have and AWS has no default for.
pub fn cleared(member: &str) -> Tree {
    match member {
        "networkConfiguration" | "serviceConnectConfiguration" => Tree::map(),
        _ => Tree::List(vec![]),
    }
}

/// ECS echoes these its own way (docs/ecs.md §5.2).
fn placement_field(field: &Tree) -> Option<Tree> {
    match field.as_text()?.to_lowercase().as_str() {
        "cpu" => Some("CPU".into()),
        "memory" => Some("MEMORY".into()),
        "host" | "instanceid" => Some("instanceId".into()),
        _ => None,
    }
}

/// The percentages' defaults depend on the scheduling strategy (docs/ecs.md §2.1).
fn by_strategy(service: &Tree, replica: i64, daemon: i64) -> Option<Tree> {
    Some(Tree::Int(if service.text("schedulingStrategy") == Some("DAEMON") { daemon } else { replica }))
}

#[cfg(test)]
mod tests {
    use crate::kinds::service::DEFINITION;
    use crate::shape::Tree;
    use crate::tree;

    fn members(desired: &Tree, observed: &Tree) -> Vec<String> {
        DEFINITION.differences(desired, observed).iter().map(|one| one.path.to_string()).collect()
    }

    #[test]
    fn old_and_new_read_backs_of_a_plain_service_are_one() {
        let desired = tree! {
            "serviceName" => "web", "desiredCount" => 2,
            "networkConfiguration" => tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["b", "a"] } },
        };
        let common = desired.clone().with("status", "ACTIVE").with("propagateTags", "NONE");
        let network = tree! { "awsvpcConfiguration" => tree! {
            "subnets" => vec!["a", "b"], "securityGroups" => Tree::List(vec![]), "assignPublicIp" => "DISABLED",
        } };
        let breaker = tree! { "enable" => false, "rollback" => false };
        let old = tree! { "maximumPercent" => 200, "minimumHealthyPercent" => 100 };
        let new = old
            .clone()
            .with("strategy", "ROLLING")
            .with("bakeTimeInMinutes", 0)
            .with("deploymentCircuitBreaker", breaker);
        for configuration in [old, new] {
            let shown = common
                .clone()
                .with("deploymentConfiguration", configuration)
                .with("networkConfiguration", network.clone())
                .with("availabilityZoneRebalancing", "ENABLED")
                .with("platformVersion", "LATEST");
            assert_eq!(members(&desired, &shown), Vec::<String>::new());
        }
    }

    #[test]
    fn a_count_left_out_is_not_ours_and_a_public_address_is_drift() {
        let desired = tree! { "serviceName" => "web" };
        assert_eq!(members(&desired, &desired.clone().with("desiredCount", 7)), Vec::<String>::new());
        let network = |public: &str| {
            tree! { "awsvpcConfiguration" => tree! { "subnets" => vec!["a"], "assignPublicIp" => public } }
        };
        let mut quiet = network("DISABLED");
        quiet.as_map_mut().unwrap().get_mut("awsvpcConfiguration").unwrap().remove("assignPublicIp");
        let found = members(
            &desired.clone().with("networkConfiguration", quiet),
            &desired.clone().with("networkConfiguration", network("ENABLED")),
        );
        assert_eq!(found, ["networkConfiguration.awsvpcConfiguration.assignPublicIp"]);
    }

    #[test]
    fn an_explicit_empty_list_takes_away_and_an_absent_one_does_not() {
        let balancers = vec![tree! { "targetGroupArn" => "tg", "containerName" => "web", "containerPort" => 80 }];
        let shown = tree! { "serviceName" => "web", "loadBalancers" => balancers };
        let desired = tree! { "serviceName" => "web" };
        assert_eq!(members(&desired, &shown), Vec::<String>::new());
        assert_eq!(members(&desired.with("loadBalancers", Tree::List(vec![])), &shown), ["loadBalancers"]);
    }
}
