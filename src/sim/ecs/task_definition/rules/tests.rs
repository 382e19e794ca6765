//! Every rule, with a definition that it refuses and that definition's nearest good neighbour.

mod network;

use std::collections::BTreeSet;

use super::*;
use crate::shape::json;

const ECR: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1";

/// Laid over a definition: members that are structures are merged, all others replaced; null takes away.
fn lay(base: &mut Tree, over: Tree) {
    let Tree::Map(members) = over else { return *base = over };
    for (name, value) in members {
        match (base.as_map_mut().and_then(|map| map.get_mut(&name)), value) {
            (_, Tree::Null) => drop(base.remove(&name)),
            (Some(old @ Tree::Map(_)), value @ Tree::Map(_)) => lay(old, value),
            (_, value) => base.set(&name, value),
        }
    }
}

fn read(text: &str) -> Tree {
    json::read(text.as_bytes()).unwrap_or_else(|problem| panic!("{problem}: {text}"))
}

/// A good definition for instances, or for Fargate, with one container `a`.
fn base(kind: &str) -> Tree {
    match kind {
        "fargate" => read(
            r#"{"family":"f","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512",
            "containerDefinitions":[{"name":"a","image":"i"}]}"#,
        ),
        "external" => read(
            r#"{"family":"f","requiresCompatibilities":["EXTERNAL"],"containerDefinitions":[{"name":"a","image":"i","memory":64}]}"#,
        ),
        "awsvpc" => read(
            r#"{"family":"f","networkMode":"awsvpc","containerDefinitions":[{"name":"a","image":"i","memory":64}]}"#,
        ),
        _ => read(r#"{"family":"f","containerDefinitions":[{"name":"a","image":"i","memory":64}]}"#),
    }
}

/// Text in single quotes is easier to read here; and `{ … }` at the start is one container laid over `a`.
fn definition(kind: &str, over: &str) -> Tree {
    let (mut tree, text) = (base(kind), over.replace('\'', "\"").replace("ECR", ECR));
    match text.strip_prefix("a:") {
        Some(container) => {
            let mut first = tree.list("containerDefinitions")[0].clone();
            lay(&mut first, read(container));
            tree.set("containerDefinitions", vec![first]);
        }
        None => lay(&mut tree, read(&text)),
    }
    tree
}

/// Kind of definition, what is laid over it to make it bad, and good, and what ECS says to the bad one.
type Row = (&'static str, &'static str, &'static str, &'static str);

const NAMES_11: &str = "{'containerDefinitions':[N0,N1,N2,N3,N4,N5,N6,N7,N8,N9,N10]}";
const NAMES_10: &str = "{'containerDefinitions':[N0,N1,N2,N3,N4,N5,N6,N7,N8,N9]}";

const CONTAINERS: &[Row] = &[
    ("ec2", "{'family':null}", "{'family':'a_b-C9'}", "Family should not be null or empty."),
    ("ec2", "{'family':'a.b'}", "{'family':'ab'}", "Family contains invalid characters."),
    ("ec2", "{'containerDefinitions':[]}", "{}", "Container list cannot be empty."),
    ("ec2", NAMES_11, NAMES_10, "Too many containers."),
    ("ec2", "a:{'name':null}", "a:{'name':'b'}", "Container.name should not be null or empty."),
    ("ec2", "a:{'name':'b c'}", "a:{'name':'b_c'}", "Container.name contains invalid characters."),
    ("ec2", "a:{'image':''}", "a:{'image':'i:1'}", "Container.image should not be null or empty."),
    ("ec2", "a:{'image':'i@sha256:12'}", "a:{'image':'i'}", "Container.image contains invalid characters."),
    (
        "ec2",
        "{'containerDefinitions':[{'name':'a','image':'i','memory':64},{'name':'a','image':'i','memory':64}]}",
        "{'containerDefinitions':[{'name':'a','image':'i','memory':64},{'name':'b','image':'i','memory':64}]}",
        "Container names must be unique within a task definition.",
    ),
    ("ec2", "a:{'essential':false}", "a:{'essential':true}", "Task definition doesn't have any essential container."),
    (
        "ec2",
        "a:{'healthCheck':{'command':['x'],'interval':4}}",
        "a:{'healthCheck':{'command':['x'],'interval':5}}",
        "Health check interval of container 'a' must be between 5 and 300.",
    ),
    (
        "ec2",
        "a:{'healthCheck':{'command':[]}}",
        "a:{'healthCheck':{'command':['x']}}",
        "Health check command of container 'a' should not be empty.",
    ),
    (
        "ec2",
        "a:{'restartPolicy':{'enabled':true,'restartAttemptPeriod':59}}",
        "a:{'restartPolicy':{'enabled':true,'restartAttemptPeriod':60}}",
        "restartAttemptPeriod of container 'a' must be between 60 and 1800.",
    ),
    (
        "ec2",
        "a:{'environmentFiles':[F,F,F,F,F,F,F,F,F,F,F]}",
        "a:{'environmentFiles':[F,F,F,F,F,F,F,F,F,F]}",
        "The maximum number of environment files was exceeded. Specify ten or less and try again",
    ),
    (
        "ec2",
        "a:{'environmentFiles':[{'type':'s3','value':'s3://b/a.env'}]}",
        "a:{'environmentFiles':[F]}",
        "Invalid arn syntax",
    ),
    (
        "ec2",
        "{'placementConstraints':[P,P,P,P,P,P,P,P,P,P,P]}",
        "{'placementConstraints':[P,P,P,P,P,P,P,P,P,P]}",
        "A task definition can have at most 10 placementConstraints.",
    ),
    (
        "ec2",
        "a:{'credentialSpecs':['credentialspec:a','credentialspec:b']}",
        "a:{'credentialSpecs':['credentialspec:a']}",
        "Container 'a' can have only one credentialSpec.",
    ),
];

const SIZES: &[Row] = &[
    (
        "ec2",
        "{'memory':'32','cpu':'128'}",
        "{'memory':'32','cpu':'128','runtimePlatform':{'operatingSystemFamily':'WINDOWS_SERVER_2022_CORE'}}",
        "The 'memory' setting for container 'a' is greater than for the task",
    ),
    ("ec2", "{'cpu':'x'}", "{'cpu':'1 vCPU'}", "Invalid 'cpu' setting for task."),
    ("ec2", "{'memory':'1 TB'}", "{'memory':'1 GB'}", "Invalid 'memory' setting for task."),
    ("ec2", "{'cpu':'127'}", "{'cpu':'128'}", "Invalid 'cpu' setting for task."),
    (
        "ec2",
        "a:{'memory':null}",
        "a:{'memory':null,'memoryReservation':64}",
        "Invalid setting for container 'a'. At least one of 'memory' or 'memoryReservation' must be specified.",
    ),
    ("ec2", "a:{'memory':3}", "a:{'memory':4}", "Invalid 'memory' setting for container 'a'. It must be at least 4."),
    ("ec2", "a:{'cpu':-1}", "a:{'cpu':0}", "Invalid 'cpu' setting for container 'a'."),
    (
        "awsvpc",
        "a:{'portMappings':[{'containerPortRange':'80-90'},{'containerPort':85}]}",
        "a:{'portMappings':[{'containerPortRange':'80-90'},{'containerPort':91}]}",
        "container port is used multiple times in task",
    ),
    (
        "awsvpc",
        "a:{'portMappings':[{'containerPortRange':'80-90'},{'containerPortRange':'90-95'}]}",
        "a:{'portMappings':[{'containerPortRange':'80-90'},{'containerPortRange':'80-90','protocol':'udp'}]}",
        "container port is used multiple times in task",
    ),
    (
        "ec2",
        "a:{'memoryReservation':65}",
        "a:{'memoryReservation':64}",
        "Invalid setting for container 'a'. 'memory' must be greater than or equal to 'memoryReservation'",
    ),
    (
        "fargate",
        "a:{'memory':513}",
        "a:{'memory':512}",
        "The 'memory' setting for container 'a' is greater than for the task",
    ),
    (
        "fargate",
        "a:{'cpu':257}",
        "a:{'cpu':256}",
        "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
    ),
    (
        "fargate",
        "{'ephemeralStorage':{'sizeInGiB':20}}",
        "{'ephemeralStorage':{'sizeInGiB':21}}",
        "EphemeralStorage size should be at least 21",
    ),
    (
        "fargate",
        "{'ephemeralStorage':{'sizeInGiB':201}}",
        "{'ephemeralStorage':{'sizeInGiB':200}}",
        "EphemeralStorage size should be at most 200",
    ),
];

const FARGATE: &[Row] = &[
    ("fargate", "{'networkMode':'bridge'}", "{}", "Fargate only supports network mode ‘awsvpc’."),
    ("fargate", "{'networkMode':null}", "{}", "Fargate only supports network mode ‘awsvpc’."),
    ("fargate", "{'cpu':null}", "{}", "Fargate requires that 'cpu' be defined at the task level."),
    ("fargate", "{'memory':null}", "{}", "Fargate requires that 'memory' be defined at the task level."),
    (
        "fargate",
        "{'cpu':'4096','memory':'4096'}",
        "{'cpu':'4096','memory':'8192'}",
        "No Fargate configuration exists for given values: 4096 CPU, 4096 memory. See the Amazon ECS documentation for \
         the valid values.",
    ),
    (
        "fargate",
        "a:{'privileged':true}",
        "a:{'privileged':false}",
        "Fargate requires that the 'privileged' setting be 'false'",
    ),
    (
        "fargate",
        "a:{'linuxParameters':{'capabilities':{'add':['NET_ADMIN']}}}",
        "a:{'linuxParameters':{'capabilities':{'add':['SYS_PTRACE']}}}",
        "NET_ADMIN is not allowed on Fargate.",
    ),
    (
        "fargate",
        "a:{'linuxParameters':{'sharedMemorySize':64}}",
        "a:{'linuxParameters':{'initProcessEnabled':true}}",
        "Fargate compatible task definitions do not support sharedMemorySize",
    ),
    (
        "fargate",
        "a:{'dockerSecurityOptions':['label:x']}",
        "a:{'dockerSecurityOptions':[]}",
        "Fargate compatible task definitions do not support dockerSecurityOptions",
    ),
    ("fargate", "a:{'links':['a']}", "a:{'links':[]}", "Fargate compatible task definitions do not support links"),
    (
        "fargate",
        "a:{'resourceRequirements':[{'type':'GPU','value':'1'}]}",
        "a:{'resourceRequirements':[]}",
        "Fargate compatible task definitions do not support resourceRequirements",
    ),
    (
        "fargate",
        "{'volumes':[{'name':'v','host':{'sourcePath':'/x'}}]}",
        "{'volumes':[{'name':'v','host':{}}]}",
        "Fargate compatible task definitions do not support sourcePath",
    ),
    (
        "fargate",
        "{'volumes':[{'name':'v','dockerVolumeConfiguration':{'scope':'task'}}]}",
        "{'volumes':[{'name':'v'}]}",
        "Fargate compatible task definitions do not support dockerVolumeConfiguration",
    ),
    (
        "fargate",
        "{'placementConstraints':[{'type':'memberOf','expression':'x'}]}",
        "{'placementConstraints':[]}",
        "Fargate compatible task definitions do not support constraints",
    ),
    (
        "fargate",
        "{'pidMode':'host'}",
        "{'pidMode':'task'}",
        "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'.",
    ),
    ("fargate", "{'ipcMode':'task'}", "{}", "Fargate compatible task definitions do not support ipcMode"),
    (
        "fargate",
        "a:{'logConfiguration':{'logDriver':'journald'}}",
        "a:{'logConfiguration':{'logDriver':'splunk'}}",
        "Fargate compatible task definitions do not support the log driver journald",
    ),
    (
        "fargate",
        "{'executionRoleArn':'r','containerDefinitions':[LOGS_WITHOUT_PREFIX]}",
        "{'executionRoleArn':'r','containerDefinitions':[LOGS]}",
        "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.",
    ),
    (
        "fargate",
        "a:{'ulimits':[{'name':'core','softLimit':1,'hardLimit':1}]}",
        "a:{'ulimits':[{'name':'nofile','softLimit':1,'hardLimit':1}]}",
        "Fargate compatible task definitions do not support the ulimit core",
    ),
    (
        "fargate",
        "a:{'stopTimeout':121}",
        "a:{'stopTimeout':120}",
        "Fargate requires that the 'stopTimeout' of container 'a' be between 2 and 120.",
    ),
    (
        "fargate",
        "a:{'image':'ECR'}",
        "{'executionRoleArn':'r','containerDefinitions':[{'name':'a','image':'ECR'}]}",
        "Fargate requires task definition to have execution role ARN to support ECR images.",
    ),
    (
        "fargate",
        "{'containerDefinitions':[LOGS]}",
        "{'executionRoleArn':'r','containerDefinitions':[LOGS]}",
        "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
    ),
    (
        "ec2",
        "{'requiresCompatibilities':['EC2'],'ephemeralStorage':{'sizeInGiB':30}}",
        "{'requiresCompatibilities':['EC2']}",
        "ephemeralStorage is only supported by Fargate compatible task definitions.",
    ),
];

const VOLUMES: &[Row] = &[
    (
        "ec2",
        "{'volumes':[{'name':'v'},{'name':'v'}]}",
        "{'volumes':[{'name':'v'},{'name':'w'}]}",
        "Volume names must be unique within a task definition: 'v'.",
    ),
    (
        "ec2",
        "{'volumes':[{'name':'v','host':{'sourcePath':'/x'},'efsVolumeConfiguration':{'fileSystemId':'fs-1'}}]}",
        "{'volumes':[{'name':'v','host':{},'efsVolumeConfiguration':{'fileSystemId':'fs-1'}}]}",
        "Volume 'v' has more than one configuration.",
    ),
    (
        "ec2",
        "{'volumes':[{'name':'v','configuredAtLaunch':true},{'name':'w','configuredAtLaunch':true}]}",
        "{'volumes':[{'name':'v','configuredAtLaunch':true},{'name':'w','configuredAtLaunch':false}]}",
        "Only one volume can be configured at launch.",
    ),
    (
        "ec2",
        "{'containerDefinitions':[MOUNT_V]}",
        "{'volumes':[{'name':'v'}],'containerDefinitions':[MOUNT_V]}",
        "Unknown volume 'v'.",
    ),
    (
        "ec2",
        "a:{'volumesFrom':[{'sourceContainer':'b'}]}",
        "a:{'volumesFrom':[{'sourceContainer':'a'}]}",
        "Unknown source container 'b'.",
    ),
    (
        "ec2",
        "{'volumes':[{'name':'v','efsVolumeConfiguration':{'fileSystemId':'fs-1','authorizationConfig':{'iam':'ENABLED'}}}]}",
        "{'volumes':[{'name':'v','efsVolumeConfiguration':{'fileSystemId':'fs-1','transitEncryption':'ENABLED','authorizationConfig':{'iam':'ENABLED'}}}]}",
        "EFS IAM authorization requires TransitEncryption to be enabled",
    ),
    (
        "ec2",
        "{'volumes':[{'name':'v','efsVolumeConfiguration':{'fileSystemId':'fs-1','transitEncryptionPort':2999}}]}",
        "{'volumes':[{'name':'v','efsVolumeConfiguration':{'fileSystemId':'fs-1','transitEncryption':'ENABLED','transitEncryptionPort':2999}}]}",
        "TransitEncryptionPort requires that TransitEncryption is enabled",
    ),
    (
        "ec2",
        "{'volumes':[{'name':'v','efsVolumeConfiguration':{'fileSystemId':'fs-1','rootDirectory':'/x','transitEncryption':'ENABLED','authorizationConfig':{'accessPointId':'fsap-1'}}}]}",
        "{'volumes':[{'name':'v','efsVolumeConfiguration':{'fileSystemId':'fs-1','rootDirectory':'/','transitEncryption':'ENABLED','authorizationConfig':{'accessPointId':'fsap-1'}}}]}",
        "When using an EFS access point, the root directory must either be set to \"/\" or be omitted",
    ),
    (
        "ec2",
        "{'runtimePlatform':{'operatingSystemFamily':'WINDOWS_SERVER_2022_CORE'},'volumes':[{'name':'v','efsVolumeConfiguration':{'fileSystemId':'fs-1'}}]}",
        "{'runtimePlatform':{'operatingSystemFamily':'LINUX'},'volumes':[{'name':'v','efsVolumeConfiguration':{'fileSystemId':'fs-1'}}]}",
        "efsVolumeConfiguration is not supported on Windows.",
    ),
    (
        "ec2",
        "{'runtimePlatform':{'operatingSystemFamily':'LINUX'},'volumes':[{'name':'v','fsxWindowsFileServerVolumeConfiguration':{'fileSystemId':'fs-1','rootDirectory':'x','authorizationConfig':{'credentialsParameter':'c','domain':'d'}}}]}",
        "{'volumes':[{'name':'v','fsxWindowsFileServerVolumeConfiguration':{'fileSystemId':'fs-1','rootDirectory':'x','authorizationConfig':{'credentialsParameter':'c','domain':'d'}}}]}",
        "fsxWindowsFileServerVolumeConfiguration is only supported on Windows.",
    ),
    (
        "external",
        "{'volumes':[{'name':'v','efsVolumeConfiguration':{'fileSystemId':'fs-1'}}]}",
        "{'volumes':[{'name':'v'}]}",
        "External compatible task definitions do not support efsVolumeConfiguration",
    ),
];

const OTHERS: &[Row] = &[
    (
        "ec2",
        "a:{'logConfiguration':{'logDriver':'awslogs'}}",
        "a:{'logConfiguration':{'logDriver':'awslogs','options':{'awslogs-region':'r','awslogs-group':'g'}}}",
        "Log driver awslogs requires options: awslogs-region, awslogs-group",
    ),
    (
        "ec2",
        "a:{'logConfiguration':{'logDriver':'awslogs','options':{'awslogs-region':'r','awslogs-group':'g','awslogs-endpoint':'e'}}}",
        "a:{'logConfiguration':{'logDriver':'awslogs','options':{'awslogs-region':'r','awslogs-group':'g','mode':'blocking'}}}",
        "Log driver awslogs disallows options: awslogs-endpoint",
    ),
    (
        "ec2",
        "a:{'logConfiguration':{'logDriver':'awsfirelens'}}",
        "a:{'logConfiguration':{'logDriver':'awsfirelens'},'firelensConfiguration':{'type':'fluentbit'}}",
        "When awsfirelens log driver is specified in log configuration, a firelens configuration object must be \
         specified.",
    ),
    (
        "ec2",
        "a:{'secrets':[{'name':'A','valueFrom':'/a'}]}",
        "a:{'secrets':[]}",
        "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
    ),
    (
        "ec2",
        "a:{'repositoryCredentials':{'credentialsParameter':'arn:x'}}",
        "{}",
        "When you are specifying repositoryCredentials, you must also specify a value for 'executionRoleArn'.",
    ),
    (
        "ec2",
        "{'executionRoleArn':'r','containerDefinitions':[SECRET_A]}",
        "{'executionRoleArn':'r','containerDefinitions':[SECRET_B]}",
        "The secret name must be unique and not shared with any new or existing environment variables set on the \
         container, such as 'A'.",
    ),
    (
        "ec2",
        "{'containerDefinitions':[ON_B_START]}",
        "{'containerDefinitions':[ON_B_START,B]}",
        "Cannot depend on container b because it does not exist",
    ),
    (
        "ec2",
        "{'containerDefinitions':[ON_B_SUCCESS,B]}",
        "{'containerDefinitions':[ON_B_SUCCESS,B_OPTIONAL]}",
        "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
    ),
    (
        "ec2",
        "{'containerDefinitions':[ON_B_HEALTHY,B]}",
        "{'containerDefinitions':[ON_B_HEALTHY,B_CHECKED]}",
        "A dependency container with HEALTHY condition must have health check configured",
    ),
    (
        "ec2",
        "{'containerDefinitions':[ON_B_START,B_ON_A]}",
        "{'containerDefinitions':[ON_B_START,B]}",
        "Container dependencies have a cycle: a, b.",
    ),
    ("ec2", "a:{'links':['b']}", "{'containerDefinitions':[LINKED,B]}", "Unknown link 'b'."),
];

/// Containers that several rows use.
const SHORT: &[(&str, &str)] = &[
    (
        "LOGS_WITHOUT_PREFIX",
        "{'name':'a','image':'i','logConfiguration':{'logDriver':'awslogs','options':{'awslogs-region':'r','awslogs-group':'g'}}}",
    ),
    (
        "LOGS",
        "{'name':'a','image':'i','logConfiguration':{'logDriver':'awslogs','options':{'awslogs-region':'r','awslogs-group':'g','awslogs-stream-prefix':'p'}}}",
    ),
    ("PORT_80", "{'name':'a','image':'i','memory':64,'portMappings':[{'containerPort':80}]}"),
    ("LINKED", "{'name':'a','image':'i','memory':64,'links':['b:alias']}"),
    ("MOUNT_V", "{'name':'a','image':'i','memory':64,'mountPoints':[{'sourceVolume':'v','containerPath':'/v'}]}"),
    (
        "SECRET_A",
        "{'name':'a','image':'i','memory':64,'environment':[{'name':'A','value':'1'}],'secrets':[{'name':'A','valueFrom':'/a'}]}",
    ),
    (
        "BOUND_UDP",
        "{'name':'a','image':'i','memory':64,'portMappings':[{'containerPort':53,'hostPort':53,'protocol':'udp'}]}",
    ),
    (
        "BOUND_TWICE",
        "{'name':'b','image':'i','memory':64,'portMappings':[{'containerPort':53,'hostPort':53,'protocol':'udp'}]}",
    ),
    (
        "PROXIED",
        "'properties':[{'name':'ProxyIngressPort','value':'1'},{'name':'ProxyEgressPort','value':'2'},NO_APP_PORTS]",
    ),
    ("NO_APP_PORTS", "APP_PORTS,{'name':'EgressIgnoredIPs','value':'169.254.170.2'}"),
    ("APP_PORTS", "{'name':'AppPorts','value':'80'}"),
    (
        "SECRET_B",
        "{'name':'a','image':'i','memory':64,'environment':[{'name':'A','value':'1'}],'secrets':[{'name':'B','valueFrom':'/a'}]}",
    ),
    ("ON_B_START", "{'name':'a','image':'i','memory':64,'dependsOn':[{'containerName':'b','condition':'START'}]}"),
    ("ON_B_SUCCESS", "{'name':'a','image':'i','memory':64,'dependsOn':[{'containerName':'b','condition':'SUCCESS'}]}"),
    ("ON_B_HEALTHY", "{'name':'a','image':'i','memory':64,'dependsOn':[{'containerName':'b','condition':'HEALTHY'}]}"),
    ("B_ON_A", "{'name':'b','image':'i','memory':64,'dependsOn':[{'containerName':'a','condition':'START'}]}"),
    ("B_OPTIONAL", "{'name':'b','image':'i','memory':64,'essential':false}"),
    ("B_CHECKED", "{'name':'b','image':'i','memory':64,'healthCheck':{'command':['x']}}"),
    ("[P,", "[{'type':'memberOf','expression':'x'},"),
    (",P", ",{'type':'memberOf','expression':'x'}"),
    (",B]", ",{'name':'b','image':'i','memory':64}]"),
    ("[F]", "[{'type':'s3','value':'arn:aws:s3:::b/a.env'}]"),
    ("[F,", "[{'type':'s3','value':'arn:aws:s3:::b/a.env'},"),
    ("F,", "{'type':'s3','value':'arn:aws:s3:::b/a.env'},"),
    (",F]", ",{'type':'s3','value':'arn:aws:s3:::b/a.env'}]"),
];

fn written_out(over: &str) -> String {
    let mut text = SHORT.iter().fold(over.to_owned(), |text, (short, long)| text.replace(short, long));
    for number in (0..=10).rev() {
        let container = format!("{{'name':'c{number}','image':'i','memory':64}}");
        text = text.replace(&format!("N{number}"), &container);
    }
    text
}

fn outcome(kind: &str, over: &str) -> Option<(&'static str, Fault)> {
    let tree = definition(kind, &written_out(over));
    first_failure(&Draft::new(&tree, "us-east-1"))
}

#[test]
fn every_rule_refuses_the_bad_and_takes_the_good() {
    let mut spoke = BTreeSet::new();
    for (kind, bad, good, message) in
        [CONTAINERS, SIZES, FARGATE, network::PORTS, network::NETWORK, VOLUMES, OTHERS].into_iter().flatten()
    {
        let (rule, fault) = outcome(kind, bad).unwrap_or_else(|| panic!("not refused: {bad}"));
        assert_eq!((fault.code, fault.message.as_str()), ("ClientException", *message), "{bad}");
        assert_eq!(outcome(kind, good).map(|(_, fault)| fault.message), None, "{good}");
        spoke.insert(rule);
    }
    // Only this one takes too much text to stand in a row.
    let long = "x".repeat(64 * 1024);
    let (rule, fault) = outcome("ec2", &format!("a:{{'command':['{long}']}}")).unwrap();
    assert!(fault.message.ends_with("Max allowed length is '65536' bytes."), "{}", fault.message);
    spoke.insert(rule);
    let silent: Vec<&str> =
        RULES.iter().copied().flatten().map(|rule| rule.name).filter(|name| !spoke.contains(name)).collect();
    assert_eq!(silent, Vec::<&str>::new());
}
