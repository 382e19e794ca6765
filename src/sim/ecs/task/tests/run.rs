//! RunTask, StartTask and what looks at their tasks (docs/ecs.md §3).

use std::collections::BTreeSet;

use super::rig::{Rig, network, running};
use crate::shape::{Tree, json};
use crate::sim::world::Settings;
use crate::tree;

fn names<'a>(list: &'a [Tree], member: &str) -> Vec<&'a str> {
    list.iter().filter_map(|one| one.text(member)).collect()
}

fn pair(key: &str, value: &str) -> Tree {
    tree! { "key" => key, "value" => value }
}

#[test]
fn the_answer_has_the_documented_shape() {
    let mut rig = Rig::with(&[]);
    let input = running(tree! {
        "count" => 2, "startedBy" => "nightly/1", "tags" => vec![pair("team", "shop")], "enableECSManagedTags" => true,
    });
    let answer = rig.ask("RunTask", input);
    assert_eq!((answer.list("tasks").len(), answer.list("failures").len()), (2, 0));
    let task = &answer.list("tasks")[0];
    for (name, value) in [
        ("lastStatus", "PROVISIONING"),
        ("desiredStatus", "RUNNING"),
        ("group", "family:app"),
        ("startedBy", "nightly/1"),
        ("launchType", "FARGATE"),
        ("platformVersion", "1.4.0"),
        ("platformFamily", "Linux"),
        ("cpu", "256"),
        ("memory", "512"),
    ] {
        assert_eq!(task.text(name), Some(value), "{name}");
    }
    assert_eq!(task.int("version"), Some(1));
    assert_eq!(task.at(&["ephemeralStorage", "sizeInGiB"]), Some(&Tree::Int(20)));
    assert_eq!(task.at(&["fargateEphemeralStorage", "sizeInGiB"]), Some(&Tree::Int(20)));
    assert_eq!(task.list("tags"), [pair("team", "shop"), pair("aws:ecs:clusterName", "default")]);
    let attachment = &task.list("attachments")[0];
    assert_eq!(
        (attachment.text("type"), attachment.text("status")),
        (Some("ElasticNetworkInterface"), Some("PRECREATED"))
    );
    assert_eq!(names(attachment.list("details"), "name"), ["subnetId"]);
    let container = &task.list("containers")[0];
    assert_eq!((container.text("lastStatus"), container.text("cpu")), (Some("PENDING"), Some("0")));
    assert_eq!(container.list("networkInterfaces").len(), 0);
    let overrides = tree! {
        "containerOverrides" => vec![tree! { "name" => "app" }],
        "inferenceAcceleratorOverrides" => Vec::<Tree>::new(),
    };
    assert_eq!(task.get("overrides"), Some(&overrides));
    for absent in ["healthStatus", "startedAt", "connectivity", "capacityProviderName"] {
        assert_eq!(task.get(absent), None, "{absent}");
    }
}

#[test]
fn a_standalone_task_runs_is_stopped_and_is_not_replaced() {
    let mut rig = Rig::with(&[]);
    let arn = rig.run_tasks(tree! {}).remove(0);
    rig.wait(60);
    assert_eq!(rig.describe(&arn).text("lastStatus"), Some("RUNNING"));
    let stopped = rig.ask("StopTask", tree! { "task" => &arn, "reason" => "enough" });
    assert_eq!(stopped.at(&["task", "desiredStatus"]), Some(&"STOPPED".into()));
    rig.wait(60);
    let task = rig.describe(&arn);
    let told = ["lastStatus", "stopCode", "stoppedReason"].map(|name| task.text(name).unwrap());
    assert_eq!(told, ["STOPPED", "UserInitiated", "enough"]);
    assert_eq!(rig.ask("ListTasks", tree! {}).list("taskArns").len(), 0);
    assert_eq!(rig.ask("ListTasks", tree! { "desiredStatus" => "STOPPED" }).list("taskArns").len(), 1);
    let again = rig.ask("StopTask", tree! { "task" => &arn });
    assert_eq!(again.at(&["task", "stoppedReason"]), Some(&"enough".into()), "the first order stands");
    rig.wait(3_700);
    assert_eq!(
        rig.ask("DescribeTasks", tree! { "tasks" => vec![&arn] }).list("failures")[0].text("reason"),
        Some("MISSING")
    );
}

#[test]
fn strategies_are_split_over_the_count() {
    let mut rig = Rig::with(&[]);
    let item = |name: &str, base: i64, weight: i64| {
        tree! { "capacityProvider" => name, "base" => base, "weight" => weight }
    };
    let strategy = vec![item("FARGATE", 2, 1), item("FARGATE_SPOT", 0, 3)];
    let answer = rig.ask("RunTask", running(tree! { "count" => 10, "capacityProviderStrategy" => strategy }));
    let spot = answer.list("tasks").iter().filter(|task| task.text("capacityProviderName") == Some("FARGATE_SPOT"));
    assert_eq!(spot.count(), 6);
    let subnets = answer
        .list("tasks")
        .iter()
        .map(|task| task.list("attachments")[0].list("details")[0].text("value").unwrap().to_owned());
    assert_eq!(subnets.collect::<BTreeSet<_>>().len(), 3, "all subnets are used");
}

#[test]
fn without_a_launch_type_the_clusters_default_strategy_counts_or_ec2() {
    let mut rig = Rig::with(&[]);
    let plain = || tree! { "taskDefinition" => "app", "networkConfiguration" => network() };
    let fault = rig.refused("RunTask", plain());
    assert_eq!(
        (fault.code, fault.message.as_str()),
        ("InvalidParameterException", "No Container Instances were found in your cluster.",)
    );
    let default = vec![tree! { "capacityProvider" => "FARGATE_SPOT", "weight" => 1 }];
    rig.ask(
        "PutClusterCapacityProviders",
        tree! {
            "cluster" => "default", "capacityProviders" => vec!["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategy" => default,
        },
    );
    let answer = rig.ask("RunTask", plain());
    assert_eq!(answer.list("tasks")[0].text("capacityProviderName"), Some("FARGATE_SPOT"));
}

#[test]
fn overrides_are_applied_and_echoed() {
    let mut rig = Rig::with(&[]);
    let one = tree! {
        "name" => "app", "command" => vec!["migrate"], "cpu" => 128, "memory" => 300,
        "environment" => vec![tree! { "name" => "A", "value" => "1" }],
    };
    let overrides = tree! {
        "containerOverrides" => vec![one.clone()], "cpu" => "1 vCPU", "memory" => "2048",
        "taskRoleArn" => "arn:aws:iam::123456789012:role/other", "ephemeralStorage" => tree! { "sizeInGiB" => 50 },
    };
    let answer = rig.ask("RunTask", running(tree! { "overrides" => overrides, "enableExecuteCommand" => true }));
    let task = &answer.list("tasks")[0];
    assert_eq!((task.text("cpu"), task.text("memory")), (Some("1024"), Some("2048")));
    assert_eq!(task.at(&["fargateEphemeralStorage", "sizeInGiB"]), Some(&Tree::Int(50)));
    let container = &task.list("containers")[0];
    assert_eq!((container.text("cpu"), container.text("memory")), (Some("128"), Some("300")));
    assert_eq!(task.at(&["overrides", "containerOverrides"]), Some(&vec![one].into()));
    let role = task.at(&["overrides", "taskRoleArn"]).and_then(Tree::as_text);
    assert_eq!(role, Some("arn:aws:iam::123456789012:role/other"));
    assert_eq!(task.bool("enableExecuteCommand"), Some(true));
}

/// What RunTask is given beyond what is good, and what it answers: `InvalidParameterException` unless said otherwise.
const REFUSED: &[(&str, &str)] = &[
    ("{'count':0}", "count must be between 1 and 10."),
    ("{'count':11}", "count must be between 1 and 10."),
    ("{'cluster':'none'}", "ClusterNotFoundException Cluster not found."),
    ("{'taskDefinition':'none'}", "ClientException TaskDefinition not found."),
    ("{'taskDefinition':'old:1'}", "TaskDefinition is inactive"),
    ("{'networkConfiguration':null}", "Network Configuration must be provided when networkMode 'awsvpc' is specified."),
    ("{'networkConfiguration':{'awsvpcConfiguration':{'subnets':[]}}}", "subnets can not be empty."),
    ("{'launchType':'EC2'}", "No Container Instances were found in your cluster."),
    ("{'launchType':'EXTERNAL'}", "No Container Instances were found in your cluster."),
    (
        "{'launchType':'FARGATE','capacityProviderStrategy':[{'capacityProvider':'FARGATE','weight':1}]}",
        "Specifying both a launch type and capacity provider strategy is not supported",
    ),
    ("{'startedBy':'a*b'}", "startedBy can have at most 128"),
    ("{'group':'service:web'}", "Invalid namespace for group."),
    ("{'group':''}", "group must have 1 to 255 characters."),
    ("{'propagateTags':'SERVICE'}", "propagateTags can't be SERVICE"),
    ("{'tags':[{'key':'aws:x','value':''}]}", "reserved"),
    ("{'platformVersion':'9.9.9'}", "PlatformUnknownException The specified platform does not exist."),
    (
        "{'platformVersion':'1.3.0','overrides':{'ephemeralStorage':{'sizeInGiB':30}}}",
        "PlatformTaskDefinitionIncompatibilityException ephemeralStorage requires the platform version 1.4.0",
    ),
    (
        "{'overrides':{'containerOverrides':[{'name':'other'}]}}",
        "Override for container named other is not a container in the TaskDefinition.",
    ),
    ("{'overrides':{'containerOverrides':[{'name':'app','cpu':512}]}}", "The sum of all container 'cpu' values"),
    ("{'overrides':{'containerOverrides':[{'name':'app','memory':513}]}}", "is greater than for the task"),
    ("{'overrides':{'containerOverrides':[{'name':'app','memory':5}]}}", "It must be at least 6."),
    ("{'overrides':{'cpu':'4096','memory':'4096'}}", "No Fargate configuration exists for given values"),
    ("{'overrides':{'cpu':'much'}}", "Invalid 'cpu' setting for task."),
    ("{'overrides':{'ephemeralStorage':{'sizeInGiB':20}}}", "EphemeralStorage size should be at least 21"),
    ("{'overrides':{'ephemeralStorage':{'sizeInGiB':201}}}", "EphemeralStorage size should be at most 200"),
    ("{'enableExecuteCommand':true}", "a valid taskRoleArn is not being used"),
    ("{'placementConstraints':[{'type':'distinctInstance'}]}", "are not supported with FARGATE launch type."),
    ("{'clientToken':'a b'}", "clientToken must have"),
];

#[test]
fn refuses_what_ecs_refuses() {
    let mut rig = Rig::with(&[]);
    rig.define("old", &[], Tree::map());
    rig.ask("DeregisterTaskDefinition", tree! { "taskDefinition" => "old:1" });
    let good = running(tree! {});
    for (more, words) in REFUSED {
        let more = json::read(more.replace('\'', "\"").as_bytes()).unwrap();
        let input = more.as_map().unwrap().iter().fold(good.clone(), |input, (name, value)| input.with(name, value));
        let fault = rig.refused("RunTask", input);
        let (code, words) = match words.split_once(' ') {
            Some((code, words)) if code.ends_with("Exception") => (code, words),
            _ => ("InvalidParameterException", *words),
        };
        assert!(fault.code == code && fault.message.contains(words), "{more:?} {fault:?}");
    }
    for (member, length) in [("startedBy", 129), ("group", 256), ("clientToken", 65), ("referenceId", 1_025)] {
        let input = good.clone().with(member, "x".repeat(length));
        assert_eq!(rig.refused("RunTask", input).code, "InvalidParameterException", "{member}");
    }
    let long = tree! { "taskRoleArn" => "r".repeat(8_200) };
    let fault = rig.refused("RunTask", good.with("overrides", long));
    assert_eq!(fault.message, "Container Overrides length must be at most 8192");
    assert!(rig.world.ecs.tasks.is_empty(), "nothing was started");
}

#[test]
fn a_token_gives_the_same_tasks_again() {
    let mut rig = Rig::with(&[]);
    let input = |count: i64| running(tree! { "count" => count, "clientToken" => "t-1" });
    let first = rig.ask("RunTask", input(2));
    rig.wait(60);
    let again = rig.ask("RunTask", input(2));
    assert_eq!(names(again.list("tasks"), "taskArn"), names(first.list("tasks"), "taskArn"));
    assert_eq!(again.list("tasks")[0].text("lastStatus"), Some("RUNNING"));
    let fault = rig.refused("RunTask", input(3));
    assert_eq!(fault.code, "ConflictException");
    assert_eq!(fault.members.get("resourceIds").unwrap().as_list().unwrap().len(), 2);
    rig.wait(25 * 3600);
    assert_eq!(rig.run_tasks(tree! { "count" => 3, "clientToken" => "t-1" }).len(), 3, "a day later it is new");
}

#[test]
fn start_task_finds_no_instance() {
    let mut rig = Rig::with(&[]);
    let input = |more: Tree| {
        let input = tree! { "taskDefinition" => "app", "networkConfiguration" => network() };
        more.as_map().unwrap().iter().fold(input, |input, (name, value)| input.with(name, value))
    };
    let answer = rig.ask("StartTask", input(tree! { "containerInstances" => vec!["abc"] }));
    let failure = &answer.list("failures")[0];
    assert_eq!((failure.text("reason"), answer.list("tasks").len()), (Some("MISSING"), 0));
    assert!(failure.text("arn").unwrap().ends_with(":container-instance/default/abc"));
    for more in [
        tree! { "containerInstances" => Vec::<String>::new() },
        tree! { "containerInstances" => vec!["a"; 11] },
        tree! { "containerInstances" => vec!["a"], "startedBy" => "s".repeat(37) },
        tree! { "containerInstances" => vec!["a"], "propagateTags" => "SERVICE" },
    ] {
        assert_eq!(rig.refused("StartTask", input(more)).code, "InvalidParameterException");
    }
}

#[test]
fn tags_come_from_the_definition_when_asked_for() {
    let mut rig = Rig::new(Settings::default());
    rig.define("app", &[], tree! { "tags" => vec![pair("team", "shop"), pair("tier", "1")] });
    let own = tree! { "propagateTags" => "TASK_DEFINITION", "tags" => vec![pair("tier", "2")] };
    let answer = rig.ask("RunTask", running(own));
    assert_eq!(answer.list("tasks")[0].list("tags"), [pair("tier", "2"), pair("team", "shop")]);
    assert_eq!(rig.ask("RunTask", running(tree! {})).list("tasks")[0].list("tags").len(), 0);
}

#[test]
fn lists_are_filtered_and_paged() {
    let mut rig = Rig::with(&[]);
    rig.define("other", &[], Tree::map());
    rig.run_tasks(tree! { "count" => 5, "startedBy" => "me" });
    rig.run_tasks(tree! { "count" => 2, "taskDefinition" => "other" });
    rig.serve(1, (100, 200), tree! {});
    let count = |rig: &mut Rig, input: Tree| rig.ask("ListTasks", input).list("taskArns").len();
    for (input, expected) in [
        (tree! {}, 8),
        (tree! { "family" => "app" }, 6),
        (tree! { "family" => "other" }, 2),
        (tree! { "startedBy" => "me" }, 5),
        (tree! { "startedBy" => "me", "desiredStatus" => "STOPPED" }, 0),
        (tree! { "serviceName" => "web" }, 1),
        (tree! { "launchType" => "FARGATE" }, 8),
        (tree! { "launchType" => "EC2" }, 0),
        (tree! { "desiredStatus" => "STOPPED" }, 0),
    ] {
        assert_eq!(count(&mut rig, input.clone()), expected, "{input:?}");
    }
    for member in ["family", "serviceName"] {
        let input = tree! { "startedBy" => "me" }.with(member, "web");
        assert_eq!(rig.refused("ListTasks", input).code, "InvalidParameterException");
    }
    let (mut seen, mut token) = (BTreeSet::new(), None::<String>);
    for _ in 0..3 {
        let input = tree! { "maxResults" => 3 }.with_some("nextToken", token.as_ref());
        let page = rig.ask("ListTasks", input);
        seen.extend(page.list("taskArns").iter().filter_map(Tree::as_text).map(str::to_owned));
        token = page.text("nextToken").map(str::to_owned);
    }
    assert_eq!((seen.len(), token), (8, None));
    assert_eq!(rig.refused("ListTasks", tree! { "maxResults" => 101 }).code, "InvalidParameterException");
}

#[test]
fn a_command_is_executed_where_it_can_be() {
    let mut rig = Rig::new(Settings::default());
    rig.define("app", &[], tree! { "taskRoleArn" => "arn:aws:iam::123456789012:role/task" });
    let arn = rig.run_tasks(tree! { "enableExecuteCommand" => true }).remove(0);
    let plain = rig.run_tasks(tree! {}).remove(0);
    let input = |task: &str| tree! { "task" => task, "command" => "/bin/sh", "interactive" => true };
    assert!(rig.refused("ExecuteCommand", input(&arn)).message.contains("was not enabled when the task was run or"));
    let agent = |task: &Tree| task.list("containers")[0].list("managedAgents").first().cloned();
    assert_eq!(agent(&rig.describe(&arn)).unwrap().text("lastStatus"), Some("PENDING"));
    rig.wait(60);
    let shown = agent(&rig.describe(&arn)).unwrap();
    assert_eq!((shown.text("name"), shown.text("lastStatus")), (Some("ExecuteCommandAgent"), Some("RUNNING")));
    assert!(shown.get("lastStartedAt").is_some());
    assert_eq!(agent(&rig.describe(&plain)), None);
    let answer = rig.ask("ExecuteCommand", input(&arn));
    assert_eq!((answer.text("containerName"), answer.bool("interactive")), (Some("app"), Some(true)));
    let session = answer.get("session").unwrap();
    assert!(session.text("sessionId").unwrap().starts_with("ecs-execute-command-"));
    assert!(session.text("streamUrl").unwrap().starts_with("wss://ssmmessages.us-east-1."));
    assert!(session.text("tokenValue").is_some());
    for (input, words) in [
        (input(&arn).with("interactive", false), "Interactive is the only mode supported currently."),
        (input(&arn).with("container", "none"), "does not exist"),
        (input(&plain), "was not enabled"),
        (input("abc"), "not found"),
    ] {
        let fault = rig.refused("ExecuteCommand", input);
        assert!(fault.code == "InvalidParameterException" && fault.message.contains(words), "{fault:?}");
    }
}

fn with_volume(rig: &mut Rig) {
    let volume = tree! { "name" => "data", "configuredAtLaunch" => true };
    rig.define("app", &[], tree! { "volumes" => vec![volume] });
}

fn ebs(more: Tree) -> Vec<Tree> {
    let ebs = tree! { "roleArn" => "arn:aws:iam::123456789012:role/ecsInfrastructureRole", "sizeInGiB" => 10 };
    let ebs = more.as_map().unwrap().iter().fold(ebs, |ebs, (name, value)| ebs.with(name, value));
    vec![tree! { "name" => "data", "managedEBSVolume" => ebs }]
}

#[test]
fn a_volume_goes_with_its_task_or_is_kept() {
    for (policy, kept) in
        [(tree! {}, 0), (tree! { "terminationPolicy" => tree! { "deleteOnTermination" => false } }, 1)]
    {
        let mut rig = Rig::new(Settings::default());
        with_volume(&mut rig);
        let arn = rig.run_tasks(tree! { "volumeConfigurations" => ebs(policy) }).remove(0);
        let attachment = |task: &Tree| task.list("attachments")[1].clone();
        let first = attachment(&rig.describe(&arn));
        assert_eq!((first.text("type"), first.text("status")), (Some("AmazonElasticBlockStorage"), Some("CREATED")));
        assert!(names(first.list("details"), "name").starts_with(&["roleArn", "volumeName", "deleteOnTermination"]));
        rig.wait(60);
        let running = attachment(&rig.describe(&arn));
        assert_eq!(running.text("status"), Some("ATTACHED"));
        assert!(names(running.list("details"), "name").contains(&"volumeId"));
        assert_eq!(rig.world.ecs.volumes.len(), 1);
        rig.ask("StopTask", tree! { "task" => &arn });
        rig.wait(120);
        assert_eq!(rig.world.ecs.volumes.len(), kept);
        let status = if kept == 1 { "DETACHED" } else { "DELETED" };
        assert_eq!(attachment(&rig.describe(&arn)).text("status"), Some(status));
        assert!(rig.world.ecs.volumes.values().all(|volume| volume.attached_to.is_none()));
    }
}

#[test]
fn a_services_volumes_are_deleted_with_its_tasks() {
    let mut rig = Rig::new(Settings::default());
    with_volume(&mut rig);
    rig.serve(2, (100, 200), tree! { "volumeConfigurations" => ebs(tree! {}) });
    assert_eq!(rig.world.ecs.volumes.len(), 2);
    rig.update(tree! { "desiredCount" => 0 });
    rig.wait(300);
    assert_eq!(rig.world.ecs.volumes.len(), 0);
}

#[test]
fn volumes_are_judged() {
    let mut rig = Rig::new(Settings::default());
    with_volume(&mut rig);
    rig.define("plain", &[], Tree::map());
    let fault =
        rig.refused("RunTask", running(tree! { "taskDefinition" => "plain", "volumeConfigurations" => ebs(tree! {}) }));
    assert!(fault.message.contains("does not have a matching volume in your Task Definition"), "{fault:?}");
    assert!(rig.refused("RunTask", running(tree! {})).message.contains("configure it"));
    for more in [
        tree! { "sizeInGiB" => Tree::Null },
        tree! { "sizeInGiB" => 0 },
        tree! { "sizeInGiB" => 16_385 },
        tree! { "volumeType" => "st1" },
        tree! { "volumeType" => "gp9" },
        tree! { "volumeType" => "standard" },
        tree! { "volumeType" => "io2" },
        tree! { "volumeType" => "gp2", "iops" => 3_000 },
        tree! { "iops" => 100 },
        tree! { "volumeType" => "gp2", "throughput" => 200 },
        tree! { "throughput" => 1_001 },
        tree! { "volumeInitializationRate" => 100 },
    ] {
        let fault = rig.refused("RunTask", running(tree! { "volumeConfigurations" => ebs(more.clone()) }));
        assert!(fault.message.starts_with("ECS managed EBS volume configuration was invalid"), "{more:?} {fault:?}");
    }
    let good = [tree! { "volumeType" => "io2", "iops" => 100_000 }, tree! { "iops" => 3_000, "throughput" => 500 }];
    for more in good {
        rig.run_tasks(tree! { "volumeConfigurations" => ebs(more) });
    }
}

#[test]
fn large_images_take_their_time() {
    let mut rig = Rig::with(&[("image-size", "400MB")]);
    let arn = rig.run_tasks(tree! {}).remove(0);
    rig.wait(90);
    let times = &rig.task(&arn).times;
    let pull = times.pull_stopped.unwrap().since(times.pull_started.unwrap());
    assert_eq!(pull.as_millis(), 40_900);
}
