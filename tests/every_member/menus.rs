//! Specs that together have every member there is, as people write them: a sound base, and members that may be added to
//! it, to its first container, or to neither.

use ecs_operator::kinds::Kind;
use ecs_operator::shape::{Tree, json};

pub struct Menu {
    pub name: &'static str,
    pub kind: Kind,
    pub base: &'static str,
    /// Of the spec; each stands for itself.
    pub members: &'static [&'static str],
    /// Of its first container.
    pub container: &'static [&'static str],
}

/// A tree, of a text of the menus.
pub fn read(text: &str) -> Tree {
    json::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Members laid over a tree; null takes one away.
pub fn lay(tree: &mut Tree, members: &str) {
    for (name, value) in read(&format!("{{{members}}}")).as_map().unwrap() {
        match value {
            Tree::Null => drop(tree.remove(name)),
            value => tree.set(name, value.clone()),
        }
    }
}

/// The task definition that a service of the menu runs.
pub const RUNS: &[(&str, &str)] = &[
    (
        "fargate",
        r#"{"requiresCompatibilities": ["FARGATE", "EC2"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "volumes": [{"name": "data", "configuredAtLaunch": true}],
        "containerDefinitions": [{"name": "web", "image": "nginx:1", "portMappings": [
            {"containerPort": 80, "name": "http", "appProtocol": "http"}, {"containerPort": 81, "name": "admin"}]}]}"#,
    ),
    (
        "bridge",
        r#"{"requiresCompatibilities": ["EC2"], "networkMode": "bridge", "containerDefinitions": [
            {"name": "web", "image": "nginx:1", "memory": 128, "portMappings": [{"containerPort": 80}]}]}"#,
    ),
];

pub const MENUS: &[Menu] = &[
    Menu {
        name: "cluster",
        kind: Kind::Cluster,
        base: "{}",
        members: &[
            r#""settings": [{"name": "containerInsights", "value": "enhanced"}]"#,
            r#""configuration": {"executeCommandConfiguration": {"kmsKeyId": "k", "logging": "OVERRIDE", "logConfiguration": {"cloudWatchLogGroupName": "g", "cloudWatchEncryptionEnabled": true, "s3BucketName": "b", "s3EncryptionEnabled": true, "s3KeyPrefix": "p"}}}"#,
            r#""configuration": {"executeCommandConfiguration": {"logging": "OVERRIDE", "logConfiguration": {"s3BucketName": "b"}}, "managedStorageConfiguration": {"kmsKeyId": "k", "fargateEphemeralStorageKmsKeyId": "l"}}"#,
            r#""capacityProviders": ["FARGATE_SPOT", "FARGATE"], "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "base": 1}, {"capacityProvider": "FARGATE_SPOT", "weight": 3}]"#,
            r#""serviceConnectDefaults": {"namespace": "arn:aws:servicediscovery:us-east-1:123456789012:namespace/ns-1"}"#,
            r#""tags": [{"key": "team", "value": "shop"}]"#,
        ],
        container: &[],
    },
    Menu {
        name: "fargate definition",
        kind: Kind::TaskDefinition,
        base: r#"{"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "512", "memory": "1024",
            "executionRoleArn": "arn:aws:iam::123456789012:role/execution", "containerDefinitions": [
            {"name": "web", "image": "nginx:1"}, {"name": "side", "image": "busybox:1", "essential": false,
            "healthCheck": {"command": ["CMD", "true"]}}]}"#,
        members: &[
            r#""cpu": ".5 vCPU", "memory": "1 GB""#,
            r#""cpu": "1 vCPU", "memory": "2GB""#,
            r#""requiresCompatibilities": ["EC2", "FARGATE"]"#,
            r#""runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}"#,
            r#""ephemeralStorage": {"sizeInGiB": 30}"#,
            r#""taskRoleArn": "arn:aws:iam::123456789012:role/task""#,
            r#""pidMode": "task""#,
            r#""enableFaultInjection": true"#,
            r#""volumes": [{"name": "data"}, {"name": "efs", "efsVolumeConfiguration": {"fileSystemId": "fs-12345678", "rootDirectory": "/", "transitEncryption": "ENABLED", "transitEncryptionPort": 2999, "authorizationConfig": {"accessPointId": "fsap-1", "iam": "ENABLED"}}}]"#,
            r#""volumes": [{"name": "data", "configuredAtLaunch": true}]"#,
            r#""volumes": [{"name": "data"}, {"name": "s3", "s3filesVolumeConfiguration": {"fileSystemArn": "arn:aws:s3files:us-east-1:123456789012:file-system/fs-1", "rootDirectory": "/d", "transitEncryptionPort": 2999}}]"#,
            r#""volumes": [{"name": "data"}, {"name": "s3", "s3filesVolumeConfiguration": {"fileSystemArn": "arn:aws:s3files:us-east-1:123456789012:file-system/fs-1", "accessPointArn": "arn:aws:s3files:us-east-1:123456789012:access-point/a"}}]"#,
            r#""proxyConfiguration": {"type": "APPMESH", "containerName": "side", "properties": [{"name": "ProxyIngressPort", "value": "15000"}, {"name": "AppPorts", "value": "80"}, {"name": "IgnoredUID", "value": "1337"}, {"name": "ProxyEgressPort", "value": "15001"}, {"name": "EgressIgnoredIPs", "value": "169.254.170.2"}]}"#,
            r#""tags": [{"key": "team", "value": "shop"}]"#,
        ],
        container: &[
            r#""cpu": 64"#,
            r#""memory": 256, "memoryReservation": 128"#,
            r#""environment": [{"name": "B", "value": "2"}, {"name": "A", "value": ""}]"#,
            r#""environmentFiles": [{"value": "arn:aws:s3:::bucket/a.env", "type": "s3"}, {"value": "arn:aws:s3:::bucket/b.env", "type": "s3"}]"#,
            r#""secrets": [{"name": "S", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/s"}, {"name": "R", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:r-a1B2c3"}]"#,
            r#""portMappings": [{"containerPort": 8080}, {"containerPort": 80, "hostPort": 80, "protocol": "tcp", "name": "http", "appProtocol": "http2"}]"#,
            r#""portMappings": [{"containerPortRange": "5000-5010", "protocol": "udp"}]"#,
            r#""healthCheck": {"command": ["CMD-SHELL", "exit 0"], "startPeriod": 5}"#,
            r#""healthCheck": {"command": ["CMD", "true"], "interval": 10, "retries": 5, "timeout": 6}"#,
            r#""ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}]"#,
            r#""systemControls": [{"namespace": "net.core.somaxconn", "value": "1024"}, {"namespace": "net.ipv4.tcp_keepalive_time", "value": "500"}]"#,
            r#""entryPoint": ["sh", "-c"]"#,
            r#""command": ["b", "a"]"#,
            r#""workingDirectory": "/srv", "user": "1000:1000""#,
            r#""dockerLabels": {"com.example/x": "y", "com.example/z": ""}"#,
            r#""logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}}"#,
            r#""logConfiguration": {"logDriver": "splunk", "options": {"splunk-url": "u"}, "secretOptions": [{"name": "splunk-token", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/t"}]}"#,
            r#""readonlyRootFilesystem": true, "privileged": false"#,
            r#""stopTimeout": 30, "startTimeout": 60"#,
            r#""linuxParameters": {"initProcessEnabled": true, "capabilities": {"add": ["SYS_PTRACE"], "drop": ["NET_RAW", "ALL"]}}"#,
            r#""restartPolicy": {"enabled": true, "ignoredExitCodes": [1, 0], "restartAttemptPeriod": 60}"#,
            r#""restartPolicy": {"enabled": true}"#,
            r#""pseudoTerminal": true, "interactive": false"#,
            r#""versionConsistency": "disabled""#,
            r#""dependsOn": [{"containerName": "side", "condition": "HEALTHY"}]"#,
            r#""volumesFrom": [{"sourceContainer": "side", "readOnly": true}]"#,
            r#""repositoryCredentials": {"credentialsParameter": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s"}"#,
        ],
    },
    Menu {
        name: "instances' definition",
        kind: Kind::TaskDefinition,
        base: r#"{"requiresCompatibilities": ["EC2"], "networkMode": "bridge", "executionRoleArn": "arn:aws:iam::123456789012:role/e",
            "volumes": [{"name": "data", "host": {"sourcePath": "/data"}}],
            "containerDefinitions": [{"name": "web", "image": "nginx:1", "memory": 128},
            {"name": "side", "image": "busybox:1", "memory": 64}, {"name": "log", "image": "log:1", "memory": 64}]}"#,
        members: &[
            r#""ipcMode": "host", "pidMode": "host""#,
            r#""placementConstraints": [{"type": "memberOf", "expression": "attribute:ecs.instance-type =~ t3.*"}, {"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}]"#,
            r#""volumes": [{"name": "data"}, {"name": "docker", "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": true, "driver": "local", "driverOpts": {"type": "nfs"}, "labels": {"a": "b"}}}]"#,
        ],
        container: &[
            r#""links": ["side:s", "log"]"#,
            r#""hostname": "h", "disableNetworking": false"#,
            r#""dnsServers": ["10.0.0.3", "10.0.0.2"], "dnsSearchDomains": ["b.example", "a.example"]"#,
            r#""extraHosts": [{"hostname": "b", "ipAddress": "10.0.0.2"}, {"hostname": "a", "ipAddress": "10.0.0.1"}]"#,
            r#""dockerSecurityOptions": ["no-new-privileges", "label:disable"], "privileged": true"#,
            r#""mountPoints": [{"sourceVolume": "data", "containerPath": "/data", "readOnly": true}, {"sourceVolume": "data", "containerPath": "/again"}]"#,
            r#""volumesFrom": [{"sourceContainer": "side"}, {"sourceContainer": "log", "readOnly": true}]"#,
            r#""linuxParameters": {"devices": [{"hostPath": "/dev/b", "containerPath": "/dev/c", "permissions": ["read", "write"]}, {"hostPath": "/dev/a"}], "tmpfs": [{"containerPath": "/t", "size": 64, "mountOptions": ["ro", "noexec"]}, {"containerPath": "/s", "size": 1}], "sharedMemorySize": 64, "maxSwap": 0, "swappiness": 60}"#,
            r#""resourceRequirements": [{"type": "GPU", "value": "1"}]"#,
            r#""portMappings": [{"containerPort": 53, "hostPort": 53, "protocol": "udp"}, {"containerPort": 53}]"#,
            r#""ulimits": [{"name": "nproc", "softLimit": 1, "hardLimit": 2}, {"name": "core", "softLimit": 0, "hardLimit": 0}]"#,
            r#""dependsOn": [{"containerName": "side", "condition": "START"}, {"containerName": "log", "condition": "START"}]"#,
            r#""logConfiguration": {"logDriver": "awsfirelens", "options": {"Name": "x"}, "secretOptions": [{"name": "b", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/b"}, {"name": "a", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/a"}]}, "firelensConfiguration": {"type": "fluentbit", "options": {"enable-ecs-log-metadata": "true"}}"#,
        ],
    },
    Menu {
        name: "windows definition",
        kind: Kind::TaskDefinition,
        base: r#"{"requiresCompatibilities": ["EC2"], "networkMode": "awsvpc", "executionRoleArn": "arn:aws:iam::123456789012:role/e",
            "runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"},
            "containerDefinitions": [{"name": "web", "image": "iis:1", "memory": 1024}]}"#,
        members: &[
            r#""volumes": [{"name": "fsx", "fsxWindowsFileServerVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "share", "authorizationConfig": {"credentialsParameter": "arn:aws:ssm:us-east-1:123456789012:parameter/c", "domain": "example.com"}}}]"#,
        ],
        container: &[r#""credentialSpecs": ["credentialspec:arn:aws:s3:::bucket/spec.json"]"#],
    },
    Menu {
        name: "fargate service",
        kind: Kind::Service,
        base: r#"{"taskDefinition": "fargate", "desiredCount": 2, "launchType": "FARGATE", "volumeConfigurations": [
            {"name": "data", "managedEBSVolume": {"roleArn": "arn:aws:iam::123456789012:role/ebs", "sizeInGiB": 10}}],
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}}"#,
        members: &[
            r#""desiredCount": 0"#,
            r#""deploymentConfiguration": {"maximumPercent": 250, "minimumHealthyPercent": 50, "bakeTimeInMinutes": 5, "strategy": "ROLLING", "alarms": {"alarmNames": ["b", "a"], "enable": true, "rollback": true}}"#,
            r#""deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true, "resetOnHealthyTask": false, "thresholdConfiguration": {"type": "COUNT", "value": 5}}}"#,
            r#""deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": false}}"#,
            r#""enableECSManagedTags": true, "propagateTags": "SERVICE", "enableExecuteCommand": true"#,
            r#""platformVersion": "LATEST""#,
            r#""platformVersion": "1.4.0""#,
            r#""schedulingStrategy": "REPLICA", "deploymentController": {"type": "ECS"}"#,
            r#""availabilityZoneRebalancing": "DISABLED""#,
            r#""availabilityZoneRebalancing": "ENABLED""#,
            r#""loadBalancers": [{"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/u/1", "containerName": "web", "containerPort": 81}, {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/0", "containerName": "web", "containerPort": 80}], "healthCheckGracePeriodSeconds": 30"#,
            r#""loadBalancers": [{"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/0", "containerName": "web", "containerPort": 80, "advancedConfiguration": {"alternateTargetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/u/1", "productionListenerRule": "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/a", "testListenerRule": "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/b", "roleArn": "arn:aws:iam::123456789012:role/elb"}}]"#,
            r#""serviceRegistries": [{"registryArn": "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1", "port": 80}]"#,
            r#""tags": [{"key": "team", "value": "shop"}, {"key": "stage", "value": ""}]"#,
            r#""networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef1", "subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef1", "sg-0123456789abcdef0"], "assignPublicIp": "ENABLED"}}"#,
            r#""serviceConnectConfiguration": {"enabled": true, "namespace": "ns", "services": [{"portName": "http", "discoveryName": "web", "clientAliases": [{"port": 80, "dnsName": "web.local"}], "ingressPortOverride": 8080, "timeout": {"idleTimeoutSeconds": 60, "perRequestTimeoutSeconds": 5}, "tls": {"issuerCertificateAuthority": {"awsPcaAuthorityArn": "arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/a"}, "kmsKey": "k", "roleArn": "arn:aws:iam::123456789012:role/tls"}}, {"portName": "admin"}], "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g"}, "secretOptions": [{"name": "a", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/a"}]}, "accessLogConfiguration": {"format": "JSON", "includeQueryParameters": "ENABLED"}}"#,
            r#""serviceConnectConfiguration": {"enabled": true, "namespace": "ns", "services": [{"portName": "http", "clientAliases": [{"port": 80, "testTrafficRules": {"header": {"name": "x-test", "value": {"exact": "1"}}}}]}], "containerConfigurations": [{"logLevel": "debug"}]}"#,
            r#""volumeConfigurations": [{"name": "data", "managedEBSVolume": {"roleArn": "arn:aws:iam::123456789012:role/ebs", "encrypted": true, "kmsKeyId": "k", "volumeType": "gp3", "sizeInGiB": 20, "snapshotId": "snap-0123456789abcdef0", "volumeInitializationRate": 100, "iops": 3000, "throughput": 125, "filesystemType": "ext4", "tagSpecifications": [{"resourceType": "volume", "propagateTags": "SERVICE", "tags": [{"key": "a", "value": "b"}]}]}}]"#,
            r#""vpcLatticeConfigurations": [{"roleArn": "arn:aws:iam::123456789012:role/lattice", "targetGroupArn": "arn:aws:vpc-lattice:us-east-1:123456789012:targetgroup/tg-1", "portName": "http"}]"#,
            r#""launchType": null, "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}, {"capacityProvider": "FARGATE", "base": 1}]"#,
        ],
        container: &[],
    },
    Menu {
        name: "service that CodeDeploy deploys",
        kind: Kind::Service,
        base: r#"{"taskDefinition": "bridge", "desiredCount": 2, "launchType": "EC2", "deploymentController": {"type": "CODE_DEPLOY"},
            "loadBalancers": [{"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/0", "containerName": "web", "containerPort": 80}]}"#,
        members: &[
            r#""desiredCount": 0"#,
            r#""deploymentConfiguration": {"maximumPercent": 250, "minimumHealthyPercent": 50}, "healthCheckGracePeriodSeconds": 30"#,
            r#""enableECSManagedTags": true, "propagateTags": "SERVICE", "enableExecuteCommand": true"#,
            r#""availabilityZoneRebalancing": "DISABLED""#,
            r#""serviceRegistries": [{"registryArn": "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1", "containerName": "web", "containerPort": 80}]"#,
        ],
        container: &[],
    },
    Menu {
        name: "service with task sets",
        kind: Kind::Service,
        base: r#"{"desiredCount": 2, "deploymentController": {"type": "EXTERNAL"}}"#,
        members: &[
            r#""desiredCount": 0"#,
            r#""deploymentConfiguration": {"maximumPercent": 250, "minimumHealthyPercent": 50}"#,
            r#""launchType": "FARGATE""#,
            r#""enableECSManagedTags": true, "propagateTags": "SERVICE", "enableExecuteCommand": true"#,
            r#""placementConstraints": [{"type": "distinctInstance"}], "placementStrategy": [{"type": "binpack", "field": "memory"}]"#,
        ],
        container: &[],
    },
    Menu {
        name: "service on instances",
        kind: Kind::Service,
        base: r#"{"taskDefinition": "bridge", "desiredCount": 1, "launchType": "EC2"}"#,
        members: &[
            r#""placementConstraints": [{"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}, {"type": "distinctInstance"}]"#,
            r#""placementStrategy": [{"type": "spread", "field": "host"}, {"type": "binpack", "field": "memory"}]"#,
            r#""desiredCount": null, "schedulingStrategy": "DAEMON""#,
            r#""desiredCount": null, "schedulingStrategy": "DAEMON", "deploymentConfiguration": {"minimumHealthyPercent": 50}"#,
            r#""loadBalancers": [{"loadBalancerName": "classic", "containerName": "web", "containerPort": 80}], "availabilityZoneRebalancing": "DISABLED""#,
            r#""serviceRegistries": [{"registryArn": "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1", "containerName": "web", "containerPort": 80}]"#,
        ],
        container: &[],
    },
    Menu {
        name: "service whose traffic is shifted",
        kind: Kind::Service,
        base: r#"{"taskDefinition": "fargate", "desiredCount": 1, "launchType": "FARGATE", "volumeConfigurations": [
            {"name": "data", "managedEBSVolume": {"roleArn": "arn:aws:iam::123456789012:role/ebs", "sizeInGiB": 10}}],
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}}"#,
        members: &[
            r#""deploymentConfiguration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5, "lifecycleHooks": [{"targetType": "AWS_LAMBDA", "hookTargetArn": "arn:aws:lambda:us-east-1:123456789012:function:f", "roleArn": "arn:aws:iam::123456789012:role/hook", "lifecycleStages": ["PRE_SCALE_UP", "POST_SCALE_UP"], "hookDetails": {"a": 1}, "timeoutConfiguration": {"timeoutInMinutes": 10, "action": "CONTINUE"}}]}"#,
            r#""deploymentConfiguration": {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 20.5, "stepBakeTimeInMinutes": 1}}"#,
            r#""deploymentConfiguration": {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 10.5, "canaryBakeTimeInMinutes": 2}}"#,
        ],
        container: &[],
    },
];

/// Members that no menu has, by the beginning of their place, and why not.
#[allow(dead_code, reason = "of the tests that share the menus one asks")]
pub const EXCUSED: &[(Kind, &str, &str)] = &[
    (Kind::TaskDefinition, "inferenceAccelerators", "Elastic Inference is at its end, and ECS takes no new ones"),
    (
        Kind::TaskDefinition,
        "containerDefinitions[].resourceRequirements[].sharingStrategy",
        "for managed instances, which the embedded ECS does not have",
    ),
    (
        Kind::Service,
        "deploymentConfiguration.earlySuccessCriteria",
        "the embedded ECS refuses it: what it does to a rollout is not known well enough",
    ),
    (Kind::Service, "vpcLatticeConfigurations[].advancedConfiguration", "for shifted traffic, as loadBalancers' own"),
];
