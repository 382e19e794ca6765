//! Where moto does not do as ECS does. A row that moto has made good fails the test, and is taken out.

use ecs_operator::kinds::Kind;

/// Kind, where what moto shows differs from what was asked for, and why.
pub const GAPS: &[(Kind, &str, &str)] = &[
    (Kind::TaskDefinition, "enableFaultInjection", NOT_KEPT),
    (Kind::Service, "availabilityZoneRebalancing", NOT_KEPT),
    (Kind::Service, "capacityProviderStrategy", NOT_KEPT),
    (Kind::Service, "deploymentConfiguration.alarms", NOT_KEPT),
    (Kind::Service, "deploymentConfiguration.bakeTimeInMinutes", NOT_KEPT),
    (Kind::Service, "deploymentConfiguration.canaryConfiguration", NOT_KEPT),
    (Kind::Service, "deploymentConfiguration.deploymentCircuitBreaker", NOT_KEPT),
    (Kind::Service, "deploymentConfiguration.lifecycleHooks", NOT_KEPT),
    (Kind::Service, "deploymentConfiguration.linearConfiguration", NOT_KEPT),
    (Kind::Service, "deploymentConfiguration.maximumPercent", NOT_KEPT),
    (Kind::Service, "deploymentConfiguration.minimumHealthyPercent", NOT_KEPT),
    (Kind::Service, "deploymentConfiguration.strategy", NOT_KEPT),
    (Kind::Service, "enableECSManagedTags", NOT_KEPT),
    (Kind::Service, "enableExecuteCommand", NOT_KEPT),
    (Kind::Service, "healthCheckGracePeriodSeconds", NOT_KEPT),
    (Kind::Service, "placementConstraints", NOT_KEPT),
    (Kind::Service, "placementStrategy", NOT_KEPT),
    (Kind::Service, "serviceConnectConfiguration", NOT_KEPT),
    (Kind::Service, "volumeConfigurations", NOT_KEPT),
    (Kind::Service, "vpcLatticeConfigurations", NOT_KEPT),
];

const NOT_KEPT: &str = "it is taken, and not shown again";
