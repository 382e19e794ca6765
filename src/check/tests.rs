//! Broken documents, and what stays in force.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::rules::work::DONE;
use super::{Desired, desired};
use crate::kinds::Place;
use crate::manifest::{self, Input, Variables, limits};
use crate::shape::near::work;

fn read(files: &[(&str, &str)], previous: Option<&Desired>) -> Desired {
    let files: BTreeMap<String, Arc<str>> = files.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    let variables = Variables::default();
    let input = Input { files: &files, settings: None, unreadable: &BTreeMap::new(), variables: &variables };
    let place = Place { account: "123456789012".into(), region: "us-east-1".into() };
    desired(&manifest::read(&input), &place, "r1", previous)
}

const TASK: &str = "apiVersion: ecs-operator.io/v1
kind: TaskDefinition
metadata: { name: web }
spec:
  containerDefinitions:
    - { name: web, image: nginx, memory: 128 }
";

fn service(spec: &str) -> String {
    format!("apiVersion: ecs-operator.io/v1\nkind: Service\nmetadata: {{ name: web, cluster: prod }}\nspec: {spec}\n")
}

fn says(desired: &Desired) -> Vec<String> {
    desired.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn good_documents_become_objects_with_their_names_filled_in() {
    let found = read(&[("a.yaml", TASK), ("b.yaml", &service("{ desiredCount: 2 }"))], None);
    assert_eq!(says(&found), Vec::<String>::new());
    let names: Vec<String> = found.objects.keys().map(|key| key.short()).collect();
    assert_eq!(names, ["TaskDefinition/web", "prod/Service/web"]);
    assert!(found.objects.values().all(|object| object.aws_name() == "web"));
}

#[test]
fn each_mistake_is_named_at_its_place() {
    for (spec, says_this) in [
        ("{ desiredCont: 2 }", "b.yaml:4:9: unknown member \"desiredCont\" in spec (did you mean desiredCount?)"),
        ("{ desiredCount: two }", "b.yaml:4:23: spec.desiredCount must be an integer, but is a string"),
        ("{ cluster: prod }", "b.yaml:4:9: spec.cluster is not for manifests (write metadata.cluster)"),
        ("{ taskDefinition: nowhere }", "b.yaml:4:25: there is no TaskDefinition \"nowhere\" in the manifests"),
        (
            "{ taskDefinition: 'arn:aws:ecs:r:a:task-definition/web' }",
            "b.yaml:4:25: \"arn:aws:ecs:r:a:task-definition/web\" names no",
        ),
        ("{ launchType: FARGAT }", "b.yaml:4:21: spec.launchType must be one of EC2, FARGATE, EXTERNAL"),
        (
            "{ deploymentController: { type: EXTERNAL }, taskDefinition: web }",
            "b.yaml:4:51: taskDefinition under the deployment controller EXTERNAL (leave it out: each task set has",
        ),
        ("{ schedulingStrategy: DAEMON, desiredCount: 1 }", "b.yaml:4:51: ECS counts a DAEMON service's tasks itself"),
        ("{ tags: [{ key: ecs-operator/x, value: y }] }", "b.yaml:4:23: tags under ecs-operator/ are"),
    ] {
        let found = read(&[("a.yaml", TASK), ("b.yaml", &service(spec))], None);
        let all = says(&found);
        assert_eq!(all.len(), 1, "{spec}: {all:?}");
        assert!(all[0].starts_with(says_this), "{spec}: {all:?}");
        assert_eq!((found.objects.len(), found.rejected), (1, 1), "the rest goes on");
    }
}

/// Where the rule of controllers finds something.
fn of_controller(controller: &str, members: &str) -> Vec<String> {
    let spec = format!("{{ deploymentController: {{ type: {controller} }}, {members} }}");
    let found = read(&[("a.yaml", TASK), ("b.yaml", &service(&spec))], None);
    let of_it = found.findings.iter().filter(|one| one.rule == "deployment-controller");
    of_it.map(|one| one.path.to_string()).collect()
}

#[test]
fn what_goes_with_no_other_controller_is_refused_at_its_place() {
    let balanced = "loadBalancers: [{ targetGroupArn: 'arn:aws:t', containerName: web, containerPort: 80 }]";
    for (controller, sound) in [("CODE_DEPLOY", balanced), ("EXTERNAL", "launchType: EC2")] {
        let with = |members: &str| of_controller(controller, &format!("{sound}, {members}"));
        for (members, at) in [
            (
                "deploymentConfiguration: { deploymentCircuitBreaker: { enable: true, rollback: true } }",
                "deploymentConfiguration.deploymentCircuitBreaker.enable",
            ),
            (
                "deploymentConfiguration: { alarms: { enable: true, rollback: true, alarmNames: [a] } }",
                "deploymentConfiguration.alarms.enable",
            ),
            (
                "deploymentConfiguration: { strategy: BLUE_GREEN, bakeTimeInMinutes: 1 }",
                "deploymentConfiguration.strategy",
            ),
            ("serviceConnectConfiguration: { enabled: true }", "serviceConnectConfiguration.enabled"),
            (
                "vpcLatticeConfigurations: [{ roleArn: 'arn:r', targetGroupArn: 'arn:t', portName: p }]",
                "vpcLatticeConfigurations",
            ),
            ("schedulingStrategy: DAEMON", "schedulingStrategy"),
        ] {
            assert_eq!(with(members), [format!("spec.{at}")], "{controller}");
            assert_eq!(of_controller("ECS", &format!("{sound}, {members}")), Vec::<String>::new());
        }
        for members in ["deploymentConfiguration: { strategy: ROLLING }", "enableECSManagedTags: true"] {
            assert_eq!(with(members), Vec::<String>::new(), "{controller} {members}");
        }
    }
    assert_eq!(of_controller("CODE_DEPLOY", "taskDefinition: 'web:1'"), ["spec.loadBalancers"]);
    assert_eq!(of_controller("CODE_DEPLOY", balanced), Vec::<String>::new(), "what it runs is CodeDeploy's to say");
    for (members, at) in [
        ("taskDefinition: web", "taskDefinition"),
        (balanced, "loadBalancers"),
        ("serviceRegistries: [{ registryArn: 'arn:aws:r' }]", "serviceRegistries"),
        ("networkConfiguration: { awsvpcConfiguration: { subnets: [subnet-1] } }", "networkConfiguration"),
        ("networkConfiguration: { subnetSelectorTerms: [{ id: subnet-1 }] }", "networkConfiguration"),
        ("platformVersion: LATEST", "platformVersion"),
        ("capacityProviderStrategy: [{ capacityProvider: FARGATE, weight: 1 }]", "capacityProviderStrategy"),
        ("availabilityZoneRebalancing: ENABLED", "availabilityZoneRebalancing"),
    ] {
        assert_eq!(of_controller("EXTERNAL", members), [format!("spec.{at}")]);
    }
}

#[test]
fn a_broken_document_keeps_its_last_good_state_and_a_removed_one_is_gone() {
    let good = read(&[("a.yaml", TASK), ("b.yaml", &service("{ desiredCount: 2 }"))], None);
    for broken in [service("{ desiredCount: [ }"), service("{ desiredCount: x }"), service("")] {
        let found = read(&[("a.yaml", TASK), ("b.yaml", &broken)], Some(&good));
        let kept: Vec<i64> = found.objects.values().filter_map(|object| object.spec.int("desiredCount")).collect();
        if broken.contains('{') && broken.contains("desiredCount") {
            assert_eq!(kept, [2], "{broken}: {:?}", found.findings);
            assert_eq!(found.kept.len(), 1);
        }
    }
    let found = read(&[("a.yaml", TASK)], Some(&good));
    assert_eq!(found.objects.len(), 1);
}

#[test]
fn two_documents_for_one_object_are_both_named_and_neither_is_in_force() {
    let one = service("{ desiredCount: 2 }");
    let good = read(&[("a.yaml", TASK), ("b.yaml", &one)], None);
    let found = read(&[("a.yaml", TASK), ("b.yaml", &one), ("c.yaml", &service("{ desiredCount: 9 }"))], Some(&good));
    let all = says(&found);
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all[0].contains("prod/Service/web is declared a second time at c.yaml:3"), "{all:?}");
    assert_eq!(found.objects.values().filter_map(|object| object.spec.int("desiredCount")).collect::<Vec<_>>(), [2]);
}

#[test]
fn two_names_for_one_service_are_one_object() {
    let named = |name: &str| service("{ serviceName: shop }").replace("name: web,", &format!("name: {name},"));
    let found = read(&[("a.yaml", TASK), ("b.yaml", &named("web")), ("c.yaml", &named("api"))], None);
    // The second has no task definition of its name either; it never gets that far.
    assert_eq!(found.findings.iter().filter(|one| one.rule == "duplicate-object").count(), 2, "{:?}", says(&found));
    assert_eq!(found.objects.len(), 1);
}

#[test]
fn only_clusters_of_the_directory_are_let_in() {
    let files: BTreeMap<String, Arc<str>> = [
        ("a.yaml", TASK.to_owned()),
        ("b.yaml", service("{}")),
        (
            "c.yaml",
            service("{}")
                .replace("name: web, cluster: prod", "name: api")
                .replace("spec: {}", "spec: { taskDefinition: web }"),
        ),
        ("d.yaml", "apiVersion: ecs-operator.io/v1\nkind: Cluster\nmetadata: { name: other }\n".to_owned()),
    ]
    .map(|(name, text)| (name.to_owned(), Arc::from(text)))
    .into();
    let settings: Arc<str> = Arc::from("owner: a\nclusters: [prod]\n");
    let variables = Variables::default();
    let input = Input { files: &files, settings: Some(&settings), unreadable: &BTreeMap::new(), variables: &variables };
    let place = Place { account: "123456789012".into(), region: "us-east-1".into() };
    let found = desired(&manifest::read(&input), &place, "r1", None);
    assert_eq!(found.objects.len(), 2, "{:?}", found.objects.keys());
    assert_eq!(
        found.findings.iter().map(|one| one.rule).collect::<Vec<_>>(),
        ["cluster", "cluster"],
        "{:?}",
        says(&found)
    );
}

#[test]
fn what_belongs_elsewhere_is_skipped() {
    let other = TASK.replace("{ name: web }", "{ name: web, region: eu-west-1 }");
    let found = read(&[("a.yaml", &other)], None);
    assert_eq!((found.objects.len(), found.skipped, found.findings.len()), (0, 1, 0));
}

/// A name that is not far from any other of these.
fn alike(number: usize) -> String {
    format!("the-same-long-name-{number:04}")
}

#[test]
fn what_was_meant_is_looked_for_only_as_often_as_someone_reads_it() {
    let mounts = |count: usize| {
        let volumes: String = (0..count).map(|number| format!("    - {{ name: {} }}\n", alike(number))).collect();
        let point = |number| format!("        - {{ sourceVolume: {}, containerPath: /x }}\n", alike(number + 5000));
        let points: String = (0..count).map(point).collect();
        let open = TASK.replace(
            "- { name: web, image: nginx, memory: 128 }",
            "- name: web\n      image: nginx\n      memory: 128",
        );
        let text = format!("{open}      mountPoints:\n{points}  volumes:\n{volumes}");
        work::of(|| assert_eq!(read(&[("a.yaml", &text)], None).findings.len(), limits::FINDINGS))
    };
    let (some, many) = (mounts(limits::FINDINGS), mounts(10 * limits::FINDINGS));
    assert!(0 < some && many <= 10 * some, "{some} {many}: as many mounts, ten times the volumes");
    let references = |count: usize| {
        let task = |number| format!("---\n{}", TASK.replace("name: web }", &format!("name: {} }}", alike(number))));
        let tasks: String = (0..count).map(task).collect();
        let one = |number: usize| {
            let wrong = service(&format!("{{ taskDefinition: {} }}", alike(number + 5000)));
            format!("---\n{}", wrong.replace("name: web,", &format!("name: s{number},")))
        };
        let services: String = (0..count).map(one).collect();
        work::of(|| assert_eq!(read(&[("a.yaml", &tasks), ("b.yaml", &services)], None).findings.len(), count))
    };
    let (some, many) = (references(limits::FINDINGS), references(6 * limits::FINDINGS));
    assert!(0 < some && many <= 6 * some, "{some} {many}: as many references, six times the names");
}

#[test]
fn a_definition_is_tried_once_on_each_launch_type() {
    let fargate = service(
        "{ taskDefinition: web, launchType: FARGATE, networkConfiguration: { awsvpcConfiguration: { subnets: [s] } } }",
    );
    let services: String =
        (0..20).map(|number| format!("---\n{}", fargate.replace("name: web,", &format!("name: s{number},")))).collect();
    let before = DONE.get();
    let found = read(&[("a.yaml", TASK), ("b.yaml", &services)], None);
    assert_eq!(found.findings.iter().filter(|one| one.rule == "launch-type").count(), 20, "{:?}", says(&found));
    assert!(!found.findings[0].message.contains("spec,"), "{:?}", found.findings[0].message);
    assert_eq!(DONE.get() - before, 2, "by itself, and on Fargate");
}

#[test]
fn one_name_here_for_two_in_aws_is_twice_too() {
    let named = |kind: &str, member: &str, name: &str| match kind {
        "Service" => service(&format!("{{ taskDefinition: it:1, {member}: {name} }}")),
        _ => TASK.replace("spec:\n", &format!("spec:\n  {member}: {name}\n")),
    };
    for (kind, member) in [("TaskDefinition", "family"), ("Service", "serviceName")] {
        let (one, two) = (named(kind, member, "shop"), named(kind, member, "till"));
        let found = read(&[("a.yaml", &one), ("b.yaml", &two)], None);
        let rules: Vec<&str> = found.findings.iter().map(|one| one.rule).collect();
        assert_eq!(rules, ["duplicate-object"; 2], "{kind}: {:?}", says(&found));
        assert_eq!((found.objects.len(), found.rejected), (0, 2), "{kind}");
    }
}

#[test]
fn three_declarations_are_each_told_once() {
    let one = service("{ taskDefinition: it:1 }");
    let found = read(&[("a.yaml", &one), ("b.yaml", &one), ("c.yaml", &one)], None);
    let files: Vec<&str> = found.findings.iter().map(|one| one.file.as_str()).collect();
    assert_eq!((files, found.rejected, found.objects.len()), (vec!["a.yaml", "b.yaml", "c.yaml"], 3, 0));
    assert!(says(&found)[0].contains("a second time at b.yaml:3:19 (keep one of them"), "{:?}", says(&found));
    assert!(says(&found)[2].contains("a second time at a.yaml:3:19"), "{:?}", says(&found));
}

#[test]
fn a_misspelt_kind_may_be_any() {
    let of = |task: &str, previous| read(&[("a.yaml", task), ("b.yaml", &service("{}"))], previous);
    let good = of(TASK, None);
    let misspelt = TASK.replace("kind: TaskDefinition", "kind: taskdefinition");
    for broken in [misspelt.clone(), misspelt + "  x: [\n"] {
        let found = of(&broken, Some(&good));
        assert_eq!((found.findings.len(), found.rejected), (1, 1), "{:?}", says(&found));
        assert_eq!((found.objects.len(), found.kept.len()), (2, 1), "{broken}");
    }
    let defaults = "apiVersion: ecs-operator.io/v1\nkind: Defaults\nmetadata: { name: web }\nvars: [ }\n";
    assert_eq!(read(&[("a.yaml", defaults)], Some(&good)).kept.len(), 0, "it is no object");
}

#[test]
fn what_another_document_has_taken_over_is_not_kept() {
    let good = read(&[("b.yaml", &service("{ taskDefinition: it:1 }"))], None);
    let renamed = service("{ taskDefinition: it:1, serviceName: web }").replace("name: web,", "name: api,");
    let found = read(&[("b.yaml", &renamed), ("c.yaml", "]")], Some(&good));
    let names: Vec<String> = found.objects.keys().map(|key| key.short()).collect();
    assert_eq!((names, found.kept.len()), (vec!["prod/Service/api".to_owned()], 0));
}

#[test]
fn rejected_documents_are_counted_each() {
    let broken = service("{ desiredCount: x }");
    let other = broken.replace("cluster: prod", "cluster: test");
    assert_eq!(read(&[("b.yaml", &broken), ("c.yaml", &other)], None).rejected, 2);
}

/// The rules that a task definition of these members breaks, whatever their severity; common ones aside.
fn broken_by(members: &str) -> Vec<&'static str> {
    let head = "apiVersion: ecs-operator.io/v1\nkind: TaskDefinition\nmetadata: { name: web }\nspec: ";
    let found = read(&[("a.yaml", &format!("{head}{members}\n"))], None);
    found.findings.iter().chain(&found.warnings).map(|one| one.rule).filter(|rule| *rule != "image-tag").collect()
}

#[test]
fn what_ecs_takes_is_no_error() {
    let windows = "runtimePlatform: { operatingSystemFamily: WINDOWS_SERVER_2022_CORE }, cpu: '256', memory: '512'";
    let container = "name: web, image: nginx, memory: 128";
    let of = |members: &str| format!("{{ containerDefinitions: [{{ {container}, {members} }}] }}");
    let tags: String = (0..40).map(|number| format!("{{ key: k{number}, value: {} }},", "x".repeat(250))).collect();
    let environment: String =
        (0..100).map(|number| format!("{{ name: N{number}, value: {} }},", "x".repeat(560))).collect();
    let log =
        "logDriver: awslogs, options: { awslogs-region: r }, secretOptions: [{ name: awslogs-group, valueFrom: s }]";
    let volume = "efsVolumeConfiguration: { fileSystemId: fs-1 }, host: { sourcePath: '' }";
    for (members, rules) in [
        (format!("{{ {windows}, containerDefinitions: [{{ name: web, image: w, cpu: 512, memory: 1024 }}] }}"), vec![]),
        (of("portMappings: [{ containerPortRange: 80-90, hostPort: 0 }]"), vec![]),
        (of("portMappings: [{ containerPortRange: 80-90, hostPort: 80 }]"), vec!["port-range"]),
        (of(&format!("logConfiguration: {{ {log} }}")), vec!["secrets-role"]),
        (of("environment: [{ name: A=b, value: c }]"), vec!["environment-equals"]),
        (format!("{{ volumes: [{{ name: a, {volume} }}], containerDefinitions: [{{ {container} }}] }}"), vec![]),
        (
            format!("{{ tags: [{tags}], containerDefinitions: [{{ {container}, environment: [{environment}] }}] }}"),
            vec![],
        ),
        (of("").replace("nginx", "'nginx@sha512:12'"), vec![]),
        (of("").replace("nginx", "'nginx@sha256:12'"), vec!["image-reference"]),
        (
            of(
                "portMappings: [{ containerPort: 80, hostPort: 80 }, { containerPort: 81, hostPort: 80, protocol: udp }]",
            ),
            vec![],
        ),
        (
            of("portMappings: [{ containerPort: 80, hostPort: 80 }, { containerPort: 81, hostPort: 80 }]"),
            vec!["host-port-twice"],
        ),
    ] {
        assert_eq!(broken_by(&members), rules, "{members:.200}");
    }
}

#[test]
fn service_connect_is_looked_at_where_it_is_on() {
    for (enabled, errors) in [("true", 1), ("false", 0)] {
        let spec =
            format!("{{ serviceConnectConfiguration: {{ enabled: {enabled}, services: [{{ portName: x }}] }} }}");
        let found = read(&[("a.yaml", TASK), ("b.yaml", &service(&spec))], None);
        assert_eq!(found.findings.len(), errors, "{enabled}: {:?}", says(&found));
    }
}

#[test]
fn what_the_examples_do_not_show_is_refused_too() {
    let cluster = |spec: &str| {
        format!("apiVersion: ecs-operator.io/v1\nkind: Cluster\nmetadata: {{ name: prod }}\nspec: {spec}\n")
    };
    let base = |name: &str, base: i64| format!("{{ capacityProvider: {name}, weight: 1, base: {base} }}");
    let exec =
        |members: &str| cluster(&format!("{{ configuration: {{ executeCommandConfiguration: {{ {members} }} }} }}"));
    let strategy =
        |items: &[String]| cluster(&format!("{{ defaultCapacityProviderStrategy: [{}] }}", items.join(", ")));
    for (text, rules) in [
        (exec("logConfiguration: { s3BucketName: b }"), vec!["exec-logging"]),
        (exec("logging: OVERRIDE, logConfiguration: { s3EncryptionEnabled: true }"), vec!["exec-logging"]),
        (exec("logging: DEFAULT"), vec![]),
        (strategy(&[base("FARGATE", 1), base("FARGATE_SPOT", 2)]), vec!["default-strategy"]),
        (strategy(&[base("FARGATE", 1), base("FARGATE_SPOT", 0)]), vec![]),
        (
            service("{ taskDefinition: it:1, placementStrategy: [{ type: random, field: cpu }] }"),
            vec!["placement-field"],
        ),
        (service("{ taskDefinition: it:1, placementStrategy: [{ type: random }] }"), vec![]),
        (
            service(
                "{ taskDefinition: it:1, deploymentConfiguration: { minimumHealthyPercent: 0, maximumPercent: 99 } }",
            ),
            vec!["percent-range"],
        ),
        (
            service(
                "{ taskDefinition: it:1, desiredCount: 9, deploymentConfiguration: { minimumHealthyPercent: 0, maximumPercent: 100 } }",
            ),
            vec![],
        ),
    ] {
        let found = read(&[("a.yaml", &text)], None);
        assert_eq!(found.findings.iter().map(|one| one.rule).collect::<Vec<_>>(), rules, "{text}: {:?}", says(&found));
    }
}
