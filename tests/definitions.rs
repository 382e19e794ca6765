//! Definitions that other people wrote and published: a sound one validates, and of an unsound one exactly that is said
//! which is wrong with it; and the embedded ECS, which has rules of its own, agrees.
//!
//! They lie outside the repository, in the folder that the environment's DEFINITIONS names.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use common::process::skipped;
use common::{golden, judge};
use ecs_operator::kinds::{Kind, Place, definition, service};
use ecs_operator::manifest::{Finding, Severity};
use ecs_operator::shape::check::{Strictness, check};
use ecs_operator::shape::table::ecs;
use ecs_operator::shape::{Tree, json};
use ecs_operator::tree;

/// Folder by folder, what its files are.
const FOLDERS: &[(&str, &str)] = &[
    ("taskdef", "TaskDefinition"),
    ("from-cfn-taskdef", "TaskDefinition"),
    ("servicedef", "Service"),
    ("from-cfn-service", "Service"),
];

/// What stands for a template's parameter.
const PLACEHOLDER: &str = "placeholder";

fn folder(test: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/definitions");
    let folder = std::env::var_os("DEFINITIONS").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    skipped(test, &format!("there are no definitions at {}", folder.display()));
    None
}

/// A published definition.
struct Published {
    file: String,
    kind: &'static str,
    /// As it stands, cluster and task definition aside, which a manifest has elsewhere.
    spec: Tree,
}

fn published(folder: &Path) -> Vec<Published> {
    let mut all = Vec::new();
    for (name, kind) in FOLDERS {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|it| it == "json")) {
            let text = fs::read_to_string(path).unwrap();
            let read = json::read(text.as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let mut spec = filled(read);
            for member in ["cluster", "clientToken", "taskDefinition"] {
                if *kind == "Service" {
                    spec.remove(member);
                }
            }
            let file = format!("{name}/{}", path.file_name().unwrap().to_string_lossy());
            all.push(Published { file, kind, spec });
        }
    }
    all
}

/// The values of templates' parameters are not published; where any value is not as good as another, here is one.
fn filled(mut spec: Tree) -> Tree {
    for (member, value) in [("cpu", "1024"), ("memory", "2048")] {
        if spec.text(member) == Some(PLACEHOLDER) {
            spec.set(member, value);
        }
    }
    let network = spec.as_map_mut().and_then(|map| map.get_mut("networkConfiguration")?.as_map_mut());
    let vpc = network.and_then(|map| map.get_mut("awsvpcConfiguration")?.as_map_mut());
    if let Some(Tree::List(groups)) = vpc.and_then(|map| map.get_mut("securityGroups")) {
        // By itself it would be the name of a manifest.
        groups.iter_mut().filter(|group| group.as_text() == Some(PLACEHOLDER)).for_each(|group| *group = "sg-0".into());
    }
    if let Some(Tree::List(containers)) = spec.as_map_mut().and_then(|map| map.get_mut("containerDefinitions")) {
        for container in containers.iter_mut().filter_map(Tree::as_map_mut) {
            let Some(Tree::List(files)) = container.get_mut("environmentFiles") else { continue };
            for file in files.iter_mut().filter(|file| file.text("value") == Some(PLACEHOLDER)) {
                file.set("value", "arn:aws:s3:::bucket/key.env");
            }
        }
    }
    spec
}

/// Everything that is said of it, as a manifest of its own account and region.
fn said(one: &Published) -> Vec<Finding> {
    let place = place(&json::write(&one.spec));
    let mut spec = one.spec.clone();
    if one.kind == "Service" && !is_external(&spec) {
        spec.set("taskDefinition", "it:1");
    }
    let desired = judge::desired_at(&place, &[("it.json", &judge::document(one.kind, &spec))]);
    desired.findings.into_iter().chain(desired.warnings).collect()
}

/// Of a service with task sets each set says what it runs.
fn is_external(spec: &Tree) -> bool {
    spec.at(&["deploymentController", "type"]).and_then(Tree::as_text) == Some("EXTERNAL")
}

/// The account and region that the definition's own ARNs speak of.
fn place(text: &str) -> Place {
    let parts = |arn: &str| {
        let mut parts = arn.split([':', '"']).skip(1);
        Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
    };
    let arns: Vec<(String, String)> = text.split("arn:aws:").skip(1).filter_map(parts).collect();
    let account = arns.iter().map(|(_, account)| account).find(|it| it.len() == 12 && it.parse::<u64>().is_ok());
    let region = arns.iter().map(|(region, _)| region).find(|it| it.contains('-'));
    let home = judge::home();
    Place { account: account.cloned().unwrap_or(home.account), region: region.cloned().unwrap_or(home.region) }
}

/// What is said of so many that it is only counted: true, and no defect of the definition.
const COMMON: &[&str] = &["image-tag", "no-circuit-breaker"];

/// Sizes as numbers, which the API refuses, and members that say nothing: made for another tool than AWS's.
const OTHER_TOOL: &[(&str, &str)] = &[
    ("null", "spec.containerDefinitions[0].command"),
    ("type", "spec.cpu"),
    ("type", "spec.memory"),
    ("value", "spec.pidMode"),
];
const TYPED_COMMAND: &[(&str, &str)] = &[
    ("type", "spec.containerDefinitions[0].command"),
    ("type", "spec.cpu"),
    ("type", "spec.memory"),
    ("value", "spec.pidMode"),
];
/// For PipeCD, which takes the network out of it for the task sets.
const PIPECD: &[(&str, &str)] = &[("deployment-controller", "spec.networkConfiguration")];
const PIPECD_TEMPLATE: &[(&str, &str)] = &[PIPECD[0], ("tag-letters", "spec.tags[0].value")];
const PIPECD_DISCOVERED: &[(&str, &str)] = &[PIPECD[0], ("deployment-controller", "spec.serviceRegistries")];
const PROBE: &[(&str, &str)] = &[("health-check-form", "spec.containerDefinitions[0].healthCheck.command[0]")];
const ULIMIT: &[(&str, &str)] = &[
    ("missing-member", "spec.containerDefinitions[0].ulimits[0].name"),
    ("missing-member", "spec.containerDefinitions[0].ulimits[0].softLimit"),
];
const SLIP: (&str, &str) =
    ("unknown-member", "spec.containerDefinitions[0].linuxParameters.capabilities.?InitProcessEnabled");
const SAME_NAMES: &[(&str, &str)] = &[
    ("environment-twice", "spec.containerDefinitions[0].environment[1].name"),
    ("environment-twice", "spec.containerDefinitions[0].environment[2].name"),
    ("environment-twice", "spec.containerDefinitions[1].environment[1].name"),
    ("environment-twice", "spec.containerDefinitions[1].environment[2].name"),
    ("environment-twice", "spec.containerDefinitions[2].environment[1].name"),
    ("environment-twice", "spec.containerDefinitions[2].environment[2].name"),
];

/// A file, the rules it breaks at which members, and why that is right to say.
type Unsound = (&'static str, &'static [(&'static str, &'static str)], &'static str);

const UNSOUND: &[Unsound] = &[
    ("taskdef/0d39f7f027c1.json", OTHER_TOOL, "numbers for texts, and null"),
    ("taskdef/1175f5228c3c.json", &[("name", "spec.family")], "a shell's variable, not yet replaced"),
    ("taskdef/2a5435a03d6c.json", TYPED_COMMAND, "numbers for texts, a text for a list"),
    ("taskdef/2fd08ed37d21.json", OTHER_TOOL, "numbers for texts, and null"),
    ("taskdef/3072107b57a8.json", OTHER_TOOL, "numbers for texts, and null"),
    (
        "taskdef/395489272100.json",
        &[("host-root", "spec.volumes[0].host.sourcePath")],
        "an agent that watches the instance: works, and owns it",
    ),
    (
        "taskdef/3a980d39ae8c.json",
        &[("fargate-timeout", "spec.containerDefinitions[0].startTimeout"), PROBE[0]],
        "600 seconds on Fargate, and a command that no shell gets to see",
    ),
    (
        "taskdef/5ab91c556c5f.json",
        &[("type", "spec.containerDefinitions[1].portMappings")],
        "a map where a list of port mappings belongs",
    ),
    ("taskdef/6a63c9e0b75f.json", OTHER_TOOL, "numbers for texts, and null"),
    ("taskdef/702e6c039f07.json", OTHER_TOOL, "numbers for texts, and null"),
    ("taskdef/748704228ef8.json", PROBE, "Docker knows no such kind of check"),
    (
        "taskdef/892ea4fd17b6.json",
        &[("fargate-firelens-file", "spec.containerDefinitions[0].firelensConfiguration.options.config-file-type")],
        "registered, and no platform of Fargate's takes it",
    ),
    (
        "taskdef/c4548a58c259.json",
        &[("name", "spec.family"), ("value", "spec.ipcMode"), ("value", "spec.pidMode")],
        "a template, not yet filled in",
    ),
    ("taskdef/d6863c02fd34.json", OTHER_TOOL, "numbers for texts, and null"),
    (
        "taskdef/e25c4fcdc3d5.json",
        &[
            ("plain-secret", "spec.containerDefinitions[0].environment[12].value"),
            ("plain-secret", "spec.containerDefinitions[0].environment[17].value"),
        ],
        "an access key and a password for everyone to read",
    ),
    ("taskdef/ed37f7c5d00c.json", &[("name", "spec.family")], "a shell's variable, not yet replaced"),
    (
        "taskdef/ede4efae35a7.json",
        &[("type", "spec.containerDefinitions[1].logConfiguration.secretOptions")],
        "a map where a list of secrets belongs",
    ),
    ("taskdef/f04a85e519af.json", &[("value", "spec.networkMode")], "the API has no network mode default"),
    (
        "taskdef/f63842d062cf.json",
        &[("secrets-role", "spec.containerDefinitions[0].secrets")],
        "nobody who could read the secrets",
    ),
    ("taskdef/f99e80648876.json", OTHER_TOOL, "numbers for texts, and null"),
    (
        "from-cfn-taskdef/082addc88927.json",
        &[("mount-unknown", "spec.containerDefinitions[0].mountPoints[0].sourceVolume")],
        "its volumes are added elsewhere, or forgotten",
    ),
    (
        "from-cfn-taskdef/0cdd7cebc8cf.json",
        &[("value", "spec.containerDefinitions[1].portMappings[0].protocol")],
        "TCP in capitals",
    ),
    (
        "from-cfn-taskdef/1e22df1aaa80.json",
        &[ULIMIT[0], ULIMIT[1], SLIP],
        "a slip of the pen, and limits without names",
    ),
    ("from-cfn-taskdef/20e8c4f50688.json", PROBE, "Docker knows no such kind of check"),
    (
        "from-cfn-taskdef/2a59e131cbd4.json",
        &[("plain-secret", "spec.containerDefinitions[0].environment[10].value")],
        "a session's secret, even if it says it is none",
    ),
    (
        "from-cfn-taskdef/548879b2e8d9.json",
        &[("container-memory-least", "spec.containerDefinitions[0].memory")],
        "a template's parameter, published as 1",
    ),
    ("from-cfn-taskdef/817be276f2ac.json", PROBE, "Docker knows no such kind of check"),
    ("from-cfn-taskdef/8d8a062ad2b5.json", &[SLIP], "a slip of the pen"),
    ("from-cfn-taskdef/d4005deaa863.json", SAME_NAMES, "names from a template's parameters, all published as one"),
    ("from-cfn-taskdef/d73efbd99f98.json", ULIMIT, "limits without names"),
    ("from-cfn-taskdef/e50ff8e3b5ee.json", &[("fargate-network-mode", "spec.networkMode")], "bridge on Fargate"),
    ("servicedef/20f50da6bd24.json", PIPECD, "PipeCD's, not ECS's"),
    ("servicedef/2a53e2b717f9.json", PIPECD, "PipeCD's, not ECS's"),
    ("servicedef/42229e80893d.json", PIPECD, "PipeCD's, not ECS's"),
    ("servicedef/4c568665b91e.json", PIPECD, "PipeCD's, not ECS's"),
    ("servicedef/568cdca24b5a.json", PIPECD, "PipeCD's, not ECS's"),
    ("servicedef/66c9a8c2591d.json", PIPECD_DISCOVERED, "PipeCD's, not ECS's"),
    (
        "servicedef/827d55bb2100.json",
        &[("null", "spec.networkConfiguration.awsvpcConfiguration.securityGroups")],
        "null is neither absent nor empty",
    ),
    ("servicedef/aab8119da3c8.json", PIPECD, "PipeCD's, not ECS's"),
    ("servicedef/cc61551b0e4a.json", PIPECD_DISCOVERED, "PipeCD's, not ECS's"),
    ("servicedef/f08c2996eb45.json", PIPECD_TEMPLATE, "PipeCD's, not ECS's, and not yet filled in"),
    (
        "from-cfn-service/4728082c640d.json",
        &[("reference", "spec.networkConfiguration.awsvpcConfiguration.securityGroups[0]")],
        "ECS knows security groups by their ids; a name is a manifest's",
    ),
    (
        "from-cfn-service/10a3e438d2c8.json",
        &[("deployment-controller", "spec.deploymentConfiguration.deploymentCircuitBreaker.enable")],
        "CodeDeploy takes no circuit breaker",
    ),
];

#[test]
fn sound_definitions_validate_and_unsound_ones_are_told_why() {
    let Some(folder) = folder("sound_definitions_validate_and_unsound_ones_are_told_why") else { return };
    let mut wanted: BTreeMap<&str, BTreeSet<(String, String)>> = BTreeMap::new();
    for (file, members, _) in UNSOUND {
        let members = members.iter().map(|(rule, path)| ((*rule).to_owned(), (*path).to_owned()));
        assert!(wanted.insert(file, members.collect()).is_none(), "{file} is there twice");
    }
    let (mut wrong, mut clean) = (Vec::new(), 0);
    let all = published(&folder);
    for one in &all {
        let findings = said(one);
        let telling: Vec<&Finding> = findings.iter().filter(|it| !COMMON.contains(&it.rule)).collect();
        clean += usize::from(telling.is_empty());
        let found = telling.iter().map(|it| (it.rule.to_owned(), it.path.to_string())).collect();
        if wanted.remove(one.file.as_str()).unwrap_or_default() != found {
            let lines: Vec<String> = telling.iter().map(|it| golden::line(it)).collect();
            wrong.push(format!("{}:\n    {}", one.file, lines.join("\n    ")));
        }
    }
    eprintln!("{} definitions, {clean} with nothing to say of", all.len());
    assert!(wanted.is_empty(), "no such files: {wanted:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether what was given stands whole in what is shown: more may be there, in another order where lists have none.
fn is_in(given: &Tree, shown: &Tree) -> bool {
    match (given, shown) {
        (Tree::Null, _) => true,
        (Tree::Map(given), Tree::Map(shown)) => {
            given.iter().all(|(name, value)| match (name.as_str(), shown.get(name)) {
                // Under awsvpc and host 0 is the container's port.
                ("hostPort", Some(_)) if *value == Tree::Int(0) => true,
                (_, found) => *value == Tree::Null || found.is_some_and(|found| is_in(value, found)),
            })
        }
        (Tree::List(given), Tree::List(shown)) => {
            let holds = |one: &Tree| shown.iter().any(|other| is_in(one, other));
            given.len() == shown.len() && given.iter().all(holds)
        }
        (given, shown) => given == shown,
    }
}

#[test]
fn the_embedded_ecs_registers_and_describes_them_whole() {
    let Some(folder) = folder("the_embedded_ecs_registers_and_describes_them_whole") else { return };
    let (mut wrong, mut whole) = (Vec::new(), 0);
    for one in published(&folder).into_iter().filter(|one| one.kind == "TaskDefinition") {
        let Some((mut given, described)) = judge::describes(&one.spec) else { continue };
        whole += 1;
        // Some were published as DescribeTaskDefinition showed them.
        let input = ecs().input("RegisterTaskDefinition").unwrap();
        given.as_map_mut().unwrap().retain(|name, _| input.members.contains_key(name.as_str()));
        let shown = described.get("taskDefinition").unwrap();
        let misfits = check(ecs(), ecs().output("DescribeTaskDefinition").unwrap(), &described, Strictness::Full);
        let tags = given.remove("tags").unwrap_or_else(|| Tree::List(Vec::new()));
        // Sizes come back as numbers of units, in whatever way they were written.
        for size in ["cpu", "memory"] {
            assert_eq!(given.remove(size).is_some(), shown.text(size).is_some_and(|it| it.parse::<u32>().is_ok()));
        }
        let same_tags = *described.get("tags").unwrap() == tags;
        if !is_in(&given, shown) || !same_tags || !misfits.is_empty() {
            wrong.push(format!("{}: {misfits:?}\n  {}\n  {}", one.file, json::write(&given), json::write(shown)));
        }
    }
    eprintln!("{whole} definitions were described whole");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(whole > 100, "only {whole} were registered");
}

#[test]
fn what_ecs_shows_of_them_is_no_drift() {
    let Some(folder) = folder("what_ecs_shows_of_them_is_no_drift") else { return };
    let definition = definition(Kind::TaskDefinition);
    let (mut same, mut refused, mut wrong) = (0, 0, Vec::new());
    for one in published(&folder).into_iter().filter(|one| one.kind == "TaskDefinition") {
        let Some((mut given, described)) = judge::describes(&one.spec) else {
            // It is refused before: by a finding that names its place.
            let errors: Vec<Finding> = said(&one).into_iter().filter(|it| it.severity == Severity::Error).collect();
            assert!(errors.iter().any(|it| it.path.to_string().starts_with("spec")), "{}: {errors:?}", one.file);
            refused += 1;
            continue;
        };
        given.as_map_mut().unwrap().retain(|name, _| !definition.is_read_only(name) && name != "tags");
        let found = definition.differences(&given, described.get("taskDefinition").unwrap());
        same += usize::from(found.is_empty());
        if !found.is_empty() {
            wrong.push(format!("{}: {found:?}", one.file));
        }
    }
    eprintln!("{same} definitions are shown as they were given, {refused} are refused with the member");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A registry, where a template has a parameter.
const REGISTRY: &str = "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-0123456789abcdef";

/// A task definition that has all that a service names of one.
fn runs(service: &Tree) -> Tree {
    let mut ports: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    for item in service.list("loadBalancers").iter().chain(service.list("serviceRegistries")) {
        let container = item.text("containerName").unwrap_or("web").to_owned();
        let port = item.int("containerPort").or(item.int("port"));
        // No two containers of a task share a port.
        let taken = |port: &i64| ports.iter().any(|(name, ports)| *name != container && ports.contains(port));
        let port = port.filter(|port| !taken(port));
        ports.entry(container).or_default().extend(port);
    }
    if ports.is_empty() {
        ports.insert("web".to_owned(), BTreeSet::new());
    }
    let connected = service.get("serviceConnectConfiguration").map(|it| it.list("services")).unwrap_or_default();
    let mut names = connected.iter().filter_map(|one| one.text("portName")).map(str::to_owned);
    let container = |(name, ports): (&String, &BTreeSet<i64>)| {
        let ports: Vec<Tree> = ports.iter().map(|port| tree! { "containerPort" => *port }).collect();
        tree! { "name" => name, "image" => "image:1", "memory" => 128, "portMappings" => ports }
    };
    let mut containers: Vec<Tree> = ports.iter().map(container).collect();
    let mut free = 20_000..;
    if let Some(Tree::List(mappings)) = containers[0].as_map_mut().unwrap().get_mut("portMappings") {
        mappings.iter_mut().for_each(|one| names.next().into_iter().for_each(|name| one.set("name", name)));
        mappings.extend(names.zip(&mut free).map(|(name, port)| tree! { "containerPort" => port, "name" => name }));
    }
    let volume = |one: &Tree| tree! { "name" => one.text("name").unwrap_or("v"), "configuredAtLaunch" => true };
    let volumes: Vec<Tree> = service.list("volumeConfigurations").iter().map(volume).collect();
    let definition = tree! { "family" => "it", "containerDefinitions" => containers, "volumes" => volumes };
    match service.get("networkConfiguration") {
        Some(_) => definition
            .with("networkMode", "awsvpc")
            .with("requiresCompatibilities", vec!["EC2", "FARGATE"])
            .with("cpu", "256")
            .with("memory", "2048"),
        None => definition.with("networkMode", "bridge").with("requiresCompatibilities", vec!["EC2"]),
    }
}

#[test]
fn what_ecs_shows_of_services_is_no_drift() {
    let Some(folder) = folder("what_ecs_shows_of_services_is_no_drift") else { return };
    let definition = definition(Kind::Service);
    let (mut same, mut refused, mut wrong) = (0, BTreeMap::<String, usize>::new(), Vec::new());
    for one in published(&folder).into_iter().filter(|one| one.kind == "Service") {
        let sim = judge::sim();
        let call = |operation: &str, input: Tree| sim.call("ecs", operation, input).map_err(|fault| fault.message);
        call("CreateCluster", tree! { "capacityProviders" => vec!["FARGATE", "FARGATE_SPOT"] }).unwrap();
        let mut given = one.spec.clone();
        given.as_map_mut().unwrap().retain(|name, _| !definition.is_read_only(name) && name != "tags");
        if let Some(Tree::List(registries)) = given.as_map_mut().unwrap().get_mut("serviceRegistries") {
            let unknown = registries.iter_mut().filter(|one| one.text("registryArn") == Some(PLACEHOLDER));
            unknown.for_each(|one| one.set("registryArn", REGISTRY));
        }
        let named = (!is_external(&given)).then_some("it");
        let input = given.with("serviceName", "it").with_some("taskDefinition", named);
        let registered = call("RegisterTaskDefinition", runs(&one.spec));
        match registered.and_then(|_| call("CreateService", input.clone())) {
            Ok(_) => {
                let described = call("DescribeServices", tree! { "services" => vec!["it"] }).unwrap();
                let shown = service::shown(&described.list("services")[0]).into_owned();
                let found = definition.differences(&input, &shown);
                same += usize::from(found.is_empty());
                if !found.is_empty() {
                    wrong.push(format!("{}: {found:?}", one.file));
                }
            }
            Err(said) => *refused.entry(said).or_default() += 1,
        }
    }
    eprintln!(
        "{same} services are shown as they were given, {} are refused: {refused:#?}",
        refused.values().sum::<usize>()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(same > 30, "only {same} were created");
}

/// Definitions of which one says yes and the other no, and why that is right.
const DISAGREE: &[(&str, &str)] = &[];

#[test]
fn the_embedded_ecs_agrees_on_published_definitions() {
    let Some(folder) = folder("the_embedded_ecs_agrees_on_published_definitions") else { return };
    let mut wrong = Vec::new();
    for one in published(&folder).into_iter().filter(|one| one.kind == "TaskDefinition") {
        let errors: Vec<Finding> = said(&one).into_iter().filter(|it| it.severity == Severity::Error).collect();
        let answer = judge::registers(&one.spec);
        let known = DISAGREE.iter().any(|(file, _)| *file == one.file);
        if (errors.is_empty() == answer.is_ok()) == known {
            wrong.push(format!("{}: ECS {answer:?}, we {errors:?}", one.file));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
