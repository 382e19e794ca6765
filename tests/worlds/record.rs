//! What this release's manifests make of the embedded cloud, written down as AWS would describe it.

use std::collections::{BTreeMap, BTreeSet};

use ecs_operator::kinds::{Kind, definition};
use ecs_operator::shape::{Name, Tree, json};
use ecs_operator::tree;

use crate::common::harness::{HOUR, MINUTE, Rig};
use crate::common::network::Network;
use crate::menus::{MENUS, Menu, RUNS, lay, read};

/// What members of a menu need beside their base, or in its place, to come to rest in a cluster.
const STEADY: &str = r#"{"desiredCount": 0}"#;

/// Members that no manifest of this release may have; the reason is told by `check`.
pub struct LeftOut(pub Vec<&'static str>);

/// A world with every kind, in which all that the menus have stands side by side.
pub async fn record() -> (Tree, LeftOut) {
    let mut rig = Rig::new(1);
    let network = Network::new(&rig);
    let mut manifests = BTreeMap::new();
    manifests.insert("prod".to_owned(), prod());
    for (name, spec) in groups(&network) {
        manifests.insert(format!("group-{name}"), document(Kind::SecurityGroup, &name, "", &spec));
    }
    for (family, spec) in RUNS {
        manifests.insert((*family).to_owned(), document(Kind::TaskDefinition, family, "", &read(spec)));
    }
    let mut left_out = Vec::new();
    for menu in MENUS {
        for (nth, spec) in packed(menu, &manifests, &mut left_out).into_iter().enumerate() {
            let name = format!("{}-{nth}", menu.name.replace([' ', '\''], "-"));
            manifests.insert(name.clone(), of_menu(menu, &name, &spec));
        }
    }
    for (name, text) in &manifests {
        rig.write(&format!("{name}.yaml"), text.clone());
    }
    rig.commit();
    rig.start();
    rig.converge(4 * HOUR).await;
    rig.run(10 * MINUTE).await;
    (described(&rig, manifests), LeftOut(left_out))
}

/// JSON is YAML.
fn document(kind: Kind, name: &str, metadata: &str, spec: &Tree) -> String {
    let spec = json::write(spec);
    format!("apiVersion: ecs-operator.io/v1\nkind: {kind}\nmetadata: {{ name: {name}{metadata} }}\nspec: {spec}\n")
}

fn of_menu(menu: &Menu, name: &str, spec: &Tree) -> String {
    let metadata = if menu.kind == Kind::Service { ", cluster: prod" } else { "" };
    document(menu.kind, name, metadata, spec)
}

fn prod() -> String {
    let spec = tree! { "capacityProviders" => vec!["FARGATE", "FARGATE_SPOT"] };
    document(Kind::Cluster, "prod", "", &spec)
}

/// Two groups, of which one names the other.
fn groups(network: &Network) -> Vec<(String, Tree)> {
    let base = |name: &str| tree! { "VpcId" => network.vpc.as_str(), "Description" => format!("the {name}") };
    let rule = |port: i64, of: &str, items: Vec<Tree>| {
        tree! { "IpProtocol" => "tcp", "FromPort" => port, "ToPort" => port }.with(of, items)
    };
    let ranges =
        vec![tree! { "CidrIp" => "10.0.0.0/8", "Description" => "inside" }, tree! { "CidrIp" => "192.0.2.7/32" }];
    let ranges6 = vec![tree! { "CidrIpv6" => "2001:db8::/32" }];
    let front =
        base("front").with("IpPermissions", vec![rule(443, "IpRanges", ranges), rule(80, "Ipv6Ranges", ranges6)]);
    let pairs = vec![tree! { "GroupName" => "front" }];
    let back = base("back").with("IpPermissions", vec![rule(8080, "UserIdGroupPairs", pairs)]);
    let back = back.with("Tags", vec![tree! { "Key" => "team", "Value" => "shop" }]);
    vec![("front".to_owned(), front), ("back".to_owned(), back)]
}

/// A menu's members in as few specs as have none of them twice, and that this release takes.
fn packed(menu: &Menu, others: &BTreeMap<String, String>, left_out: &mut Vec<&'static str>) -> Vec<Tree> {
    let mut base = read(menu.base);
    if menu.name == "service on instances" {
        lay(&mut base, STEADY.trim_matches(['{', '}']));
    }
    let all = menu.members.iter().map(|one| (one, false)).chain(menu.container.iter().map(|one| (one, true)));
    let mut packs: Vec<(BTreeSet<(bool, String)>, Tree)> = vec![(BTreeSet::new(), base.clone())];
    for (members, of_container) in all {
        let names: BTreeSet<(bool, String)> = read(&format!("{{{members}}}"))
            .as_map()
            .unwrap()
            .keys()
            .map(|name| (of_container, name.to_string()))
            .collect();
        let with = |spec: &Tree| {
            let mut spec = spec.clone();
            match spec.as_map_mut().unwrap().get_mut("containerDefinitions") {
                Some(Tree::List(containers)) if of_container => lay(&mut containers[0], members),
                _ => lay(&mut spec, members),
            }
            spec
        };
        let taken = |spec: &Tree| is_taken(menu, spec, others);
        let fits = packs.iter().position(|(has, spec)| has.is_disjoint(&names) && taken(&with(spec)));
        match fits {
            Some(at) => {
                packs[at].1 = with(&packs[at].1);
                packs[at].0.extend(names);
            }
            None if taken(&with(&base)) => packs.push((names, with(&base))),
            None => left_out.push(members),
        }
    }
    packs.into_iter().map(|(_, spec)| spec).collect()
}

/// Whether the manifest has no findings, and ECS creates what it says.
fn is_taken(menu: &Menu, spec: &Tree, others: &BTreeMap<String, String>) -> bool {
    let mut rig = Rig::new(1);
    for (name, text) in others {
        rig.write(name, text.clone());
    }
    rig.write("it.yaml", of_menu(menu, "it", spec)).commit();
    if !rig.judged().findings.is_empty() {
        return false;
    }
    let call = |operation: &str, input: Tree| rig.sim.call("ecs", operation, input);
    call("CreateCluster", tree! { "clusterName" => "prod", "capacityProviders" => vec!["FARGATE", "FARGATE_SPOT"] })
        .unwrap();
    for (family, text) in RUNS {
        call("RegisterTaskDefinition", read(text).with("family", *family)).unwrap();
    }
    let definition = definition(menu.kind);
    let input = spec.clone().with(definition.name_member, "it");
    let input = input.with_some("cluster", (menu.kind == Kind::Service).then_some("prod"));
    call(definition.create, input).is_ok()
}

/// The world as AWS describes it.
fn described(rig: &Rig, manifests: BTreeMap<String, String>) -> Tree {
    let ask = |service: &str, operation: &str, input: Tree| rig.sim.call(service, operation, input).unwrap();
    let (clusters, services, revisions) = {
        let world = rig.sim.world();
        let clusters: Vec<String> = world.ecs.clusters.keys().cloned().collect();
        let services: Vec<(String, String)> = world.ecs.services.keys().cloned().collect();
        let all = world.ecs.families.values().flat_map(|family| family.revisions.values());
        let revisions: Vec<String> = all.map(|one| one.arn.clone()).collect();
        (clusters, services, revisions)
    };
    let include = |kind: Kind| definition(kind).describe.include.to_vec();
    let clusters =
        ask("ecs", "DescribeClusters", tree! { "clusters" => clusters, "include" => include(Kind::Cluster) });
    let service = |(cluster, name): (String, String)| {
        let input = tree! { "cluster" => cluster, "services" => vec![name], "include" => include(Kind::Service) };
        ask("ecs", "DescribeServices", input).list("services")[0].clone()
    };
    let revision = |arn: String| {
        let input = tree! { "taskDefinition" => arn, "include" => include(Kind::TaskDefinition) };
        ask("ecs", "DescribeTaskDefinition", input)
    };
    let texts: Vec<Tree> =
        manifests.into_iter().map(|(name, text)| tree! { "file" => format!("{name}.yaml"), "text" => text }).collect();
    tree! {
        "release" => env!("CARGO_PKG_VERSION"), "at" => rig.clock.now().0, "owner" => rig.owner, "source" => "test",
        "manifests" => texts,
        "clusters" => clusters.list("clusters").to_vec(),
        "services" => services.into_iter().map(service).collect::<Vec<_>>(),
        "taskDefinitions" => revisions.into_iter().map(revision).collect::<Vec<_>>(),
        "securityGroups" => ask("ec2", "DescribeSecurityGroups", tree! {}).list("SecurityGroups").to_vec(),
    }
}

/// One object a line, so that a difference between two worlds can be read.
pub fn write(world: &Tree) -> String {
    let member = |(name, value): (&Name, &Tree)| match value {
        Tree::List(items) => {
            let items: Vec<String> = items.iter().map(json::write).collect();
            format!("\"{name}\":[\n{}\n]", items.join(",\n"))
        }
        value => format!("\"{name}\":{}", json::write(value)),
    };
    let members: Vec<String> = world.as_map().unwrap().iter().map(member).collect();
    format!("{{\n{}\n}}\n", members.join(",\n"))
}
