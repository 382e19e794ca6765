//! Security groups: rules in whatever order and spelling are one set, a loss between the calls is made good, and
//! services wait for the groups they name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use common::harness::{DAY, HOUR, MINUTE, Rig, Wanted, cluster, key, task};
use common::lossy::Position;
use common::network::{Network, network_of, with_network};
use ecs_operator::cli::plan::text;
use ecs_operator::cli::terminal::Terminal;
use ecs_operator::shape::{Tree, json};
use ecs_operator::tree;

/// A manifest; JSON is YAML.
fn group(network: &Network, name: &str, more: &Tree) -> String {
    let mut spec = tree! { "VpcId" => network.vpc.as_str(), "Description" => format!("the {name}") };
    for (member, value) in more.as_map().unwrap() {
        spec.set(member, value.clone());
    }
    let spec = json::write(&spec);
    format!("apiVersion: ecs-operator.io/v1\nkind: SecurityGroup\nmetadata: {{ name: {name} }}\nspec: {spec}\n")
}

fn shown(network: &Network, name: &str) -> Tree {
    let all = network.call("DescribeSecurityGroups", tree! {});
    let found = all.list("SecurityGroups").iter().find(|one| one.text("GroupName") == Some(name));
    found.unwrap_or_else(|| panic!("there is no {name}")).clone()
}

fn tcp(port: i64, cidr: &str) -> Tree {
    let ranges = vec![tree! { "CidrIp" => cidr }];
    tree! { "IpProtocol" => "tcp", "FromPort" => port, "ToPort" => port, "IpRanges" => ranges }
}

fn shuffled<T>(rng: &mut fastrand::Rng, mut all: Vec<T>) -> Vec<T> {
    rng.shuffle(&mut all);
    all
}

/// Sixty rules, of which each address family sees fewer: written apart or together, in one spelling or another.
fn sixty(rng: &mut fastrand::Rng, other: &str) -> Vec<Tree> {
    let protocol = |rng: &mut fastrand::Rng, names: &[&str]| (*rng.choice(names).unwrap()).to_owned();
    let said = |rng: &mut fastrand::Rng, item: Tree, at: usize| match rng.bool() {
        true => item.with("Description", format!("rule {at}")),
        false => item,
    };
    let mut permissions = Vec::new();
    for port in 0..15_i64 {
        // Three sources of one port, in one permission or in three.
        let mut sources = Vec::new();
        for at in 0..2_usize {
            let host = if rng.bool() { 0 } else { rng.u8(1..255) };
            let item = tree! { "CidrIp" => format!("10.{port}.{at}.{host}/24") };
            sources.push(("IpRanges", said(rng, item, at)));
        }
        let spelled = [format!("2001:db8:{port:x}::/48"), format!("2001:0DB8:{port:04X}:0:0::/48")];
        let sixth = tree! { "CidrIpv6" => rng.choice(&spelled).unwrap() };
        sources.push(("Ipv6Ranges", said(rng, sixth, 2)));
        let pair = if rng.bool() {
            tree! { "GroupId" => other }
        } else {
            tree! { "GroupName" => "other" }
        };
        sources.push(("UserIdGroupPairs", said(rng, pair, 3)));
        let ported = |rng: &mut fastrand::Rng| {
            tree! { "IpProtocol" => protocol(rng, &["tcp", "6", "TCP"]), "FromPort" => 8000 + port, "ToPort" => 8000 + port }
        };
        let mut whole = ported(rng);
        for (list, item) in shuffled(rng, sources) {
            if rng.bool() {
                permissions.push(ported(rng).with(list, vec![item]));
            } else {
                let mut items = whole.list(list).to_vec();
                items.push(item);
                whole.set(list, items);
            }
        }
        if whole.as_map().unwrap().len() > 3 {
            permissions.push(whole);
        }
    }
    shuffled(rng, permissions)
}

fn rules(shown: &Tree, list: &str) -> usize {
    let lists = ["IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"];
    shown.list(list).iter().flat_map(|one| lists.map(|list| one.list(list).len())).sum()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn sixty_rules_in_whatever_order_and_spelling_are_applied_once() {
    for seed in 0..12 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut rig = Rig::new(seed);
        let network = Network::new(&rig);
        let other = network.group("other");
        let more = tree! {
            "IpPermissions" => sixty(&mut rng, &other),
            "IpPermissionsEgress" => vec![tcp(443, "0.0.0.0/0"), tree! { "IpProtocol" => "icmp", "FromPort" => -1,
                "ToPort" => rng.i64(-1..1), "IpRanges" => vec![tree! { "CidrIp" => "10.1.2.3/8" }] }],
            "Tags" => vec![tree! { "Key" => "team", "Value" => "shop" }],
        };
        rig.write("web.yaml", group(&network, "web", &more)).commit();
        rig.start();
        rig.converge(HOUR).await;
        let now = shown(&network, "web");
        assert_eq!((rules(&now, "IpPermissions"), rules(&now, "IpPermissionsEgress")), (60, 2), "{seed}");
        let mark = rig.mark();
        rig.run(if seed == 0 { DAY } else { HOUR }).await;
        assert_eq!(rig.operations_since(mark), Vec::<String>::new(), "{seed}");

        // What AWS shows is a manifest, and plans nothing.
        let mut pasted = now.clone();
        pasted.set("Tags", more.get("Tags").unwrap().clone());
        rig.write("web.yaml", group(&network, "web", &pasted)).commit();
        rig.run(10 * MINUTE).await;
        assert_eq!(rig.operations_since(mark), Vec::<String>::new(), "{seed}");

        // Another draw of the same rules differs in descriptions at most, which are changed where they are.
        let mut again = more.clone();
        again.set("IpPermissions", sixty(&mut rng, &other));
        rig.write("web.yaml", group(&network, "web", &again)).commit();
        rig.converge(HOUR).await;
        let changed = rig.operations_since(mark);
        assert!(changed.iter().all(|one| one == "UpdateSecurityGroupRuleDescriptionsIngress"), "{seed}: {changed:?}");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_loss_at_any_call_is_made_good() {
    let more =
        tree! { "IpPermissions" => vec![tcp(80, "0.0.0.0/0")], "IpPermissionsEgress" => vec![tcp(443, "0.0.0.0/0")] };
    let mut pictures = Vec::new();
    for k in 0..8 {
        for position in Position::ALL {
            let mut rig = Rig::new(1);
            let network = Network::new(&rig);
            rig.write("web.yaml", group(&network, "web", &more)).commit();
            let way = rig.start();
            way.way().lose_at = Some((k, position));
            rig.run(5 * MINUTE).await;
            rig.start();
            rig.converge(HOUR).await;
            let all = network.call("DescribeSecurityGroups", tree! {});
            assert_eq!(all.list("SecurityGroups").iter().filter(|one| one.text("GroupName") == Some("web")).count(), 1);
            let now = shown(&network, "web");
            pictures.push((now.get("IpPermissions").cloned(), now.get("IpPermissionsEgress").cloned()));
        }
    }
    assert!(pictures.windows(2).all(|pair| pair[0] == pair[1]), "{pictures:#?}");
    assert_eq!(pictures[0].0.as_ref().unwrap().as_list().unwrap().len(), 1);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn drift_is_healed_and_more_is_let_through_before_less() {
    let mut rig = Rig::new(2);
    let network = Network::new(&rig);
    let more = tree! { "IpPermissions" => vec![tcp(80, "0.0.0.0/0")] };
    rig.write("web.yaml", group(&network, "web", &more)).commit();
    rig.start();
    rig.converge(HOUR).await;
    let id = shown(&network, "web").text("GroupId").unwrap().to_owned();
    let by_hand = |operation: &str, rule: Tree| {
        network.call(operation, tree! { "GroupId" => &Tree::from(&id), "IpPermissions" => vec![rule] });
    };
    let mark = rig.mark();
    by_hand("RevokeSecurityGroupIngress", tcp(80, "0.0.0.0/0"));
    by_hand("AuthorizeSecurityGroupIngress", tcp(22, "0.0.0.0/0"));
    by_hand(
        "RevokeSecurityGroupEgress",
        tree! { "IpProtocol" => "-1", "IpRanges" => vec![tree! { "CidrIp" => "0.0.0.0/0" }] },
    );
    rig.run(10 * MINUTE).await;
    let healed = ["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"];
    assert_eq!(rig.operations_since(mark)[3..], healed, "without egress in the manifest all may go out");
    rig.converge(HOUR).await;

    let mark = rig.mark();
    let none = more.clone().with("IpPermissionsEgress", Vec::<Tree>::new());
    rig.write("web.yaml", group(&network, "web", &none)).commit();
    rig.converge(HOUR).await;
    assert_eq!(rig.operations_since(mark), ["RevokeSecurityGroupEgress"]);

    // What can't be changed is told, and a group of nobody's is not taken.
    let mark = rig.mark();
    rig.write("web.yaml", group(&network, "web", &none.with("Description", "another"))).commit();
    network.group("foreign");
    rig.write("foreign.yaml", group(&network, "foreign", &more)).commit();
    rig.run(10 * MINUTE).await;
    assert_eq!(rig.operations_since(mark), ["CreateSecurityGroup"], "the person's own");
    assert_eq!(rig.reason("SecurityGroup/web"), "ReplacementNeeded");
    assert_eq!(rig.reason("SecurityGroup/foreign"), "NotOwned");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_service_waits_for_the_group_it_names() {
    let mut rig = Rig::new(3);
    let network = Network::new(&rig);
    let subnet = network.subnet(0, &[]);
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    let block =
        format!("    awsvpcConfiguration: {{ subnets: [{subnet}], securityGroups: [web], assignPublicIp: ENABLED }}\n");
    rig.write("service.yaml", with_network(&Wanted::of("web", 1).text("web"), &block)).commit();
    let told: Vec<String> = rig.judged().findings.iter().map(ToString::to_string).collect();
    assert!(told[0].contains("there is no SecurityGroup \"web\" in the manifests"), "{told:?}");

    let more = tree! { "IpPermissions" => vec![tree! {
        "IpProtocol" => "-1", "UserIdGroupPairs" => vec![tree! { "GroupName" => "web" }, tree! { "GroupName" => "db" }],
    }] };
    rig.write("web.yaml", group(&network, "web", &more)).commit();
    let shown_plan = text(&rig.view().await, &Terminal { width: 200, ..Terminal::PLAIN });
    assert!(shown_plan.contains("securityGroups: [SecurityGroup/web (known after apply)]"), "{shown_plan}");
    assert!(shown_plan.contains("IpPermissions[all db]"), "{shown_plan}");

    rig.start();
    rig.run(10 * MINUTE).await;
    let (reason, message) = rig.stories().remove("SecurityGroup/web").unwrap();
    assert_eq!(
        (reason.as_str(), message.as_str()),
        ("DependencyNotReady", "its rules name groups that are not in its VPC: db")
    );
    rig.write("db.yaml", group(&network, "db", &tree! {})).commit();
    rig.converge(HOUR).await;
    let id = shown(&network, "web").text("GroupId").unwrap().to_owned();
    assert_eq!(network_of(&rig, "web").list("securityGroups"), [Tree::from(&id)]);
    let created = rig.sim.world().calls().iter().filter(|call| call.operation == "CreateService").count();
    assert_eq!((created, rig.reason(&key("web")).as_str()), (1, "Converged"));

    let mark = rig.mark();
    rig.start();
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_group_of_another_vpc_is_a_finding_by_its_name_too() {
    let mut rig = Rig::new(4);
    let (here, there) = (Network::new(&rig), Network::new(&rig));
    let subnet = here.subnet(0, &[("tier", "web")]);
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    let service = |network: &str| with_network(&Wanted::of("web", 1).text("web"), network);
    // Before it is there, where terms tell the subnets.
    let terms = "    subnetSelectorTerms: [{ tags: { tier: web } }]\n    awsvpcConfiguration: { securityGroups: [web], \
                 assignPublicIp: ENABLED }\n";
    rig.write("service.yaml", service(terms)).write("web.yaml", group(&there, "web", &tree! {})).commit();
    rig.start();
    rig.run(5 * MINUTE).await;
    let (reason, message) = rig.stories().remove(&key("web")).unwrap();
    let told = format!("SecurityGroup/web is of {}, and the subnet {subnet} is of {}", there.vpc, here.vpc);
    assert_eq!((reason.as_str(), message.as_str()), ("LookupUnresolved", told.as_str()));
    // And by its id, once it is.
    let ids =
        format!("    awsvpcConfiguration: {{ subnets: [{subnet}], securityGroups: [web], assignPublicIp: ENABLED }}\n");
    rig.write("service.yaml", service(&ids)).commit();
    rig.run(5 * MINUTE).await;
    let (reason, message) = rig.stories().remove(&key("web")).unwrap();
    assert!(reason == "PreflightBlocked" && message.contains(&format!("is in {}", there.vpc)), "{reason}: {message}");
    // Two that are named, of which one lies elsewhere.
    let both = format!(
        "    awsvpcConfiguration: {{ subnets: [{subnet}], securityGroups: [web, db], assignPublicIp: ENABLED }}\n"
    );
    rig.write("service.yaml", service(&both)).write("db.yaml", group(&here, "db", &tree! {})).commit();
    rig.run(5 * MINUTE).await;
    assert_eq!(rig.reason(&key("web")), "LookupUnresolved");
    assert!(rig.sim.world().ecs.services.is_empty());
    rig.write("service.yaml", service(&ids.replace("[web]", "[db]"))).commit();
    rig.remove("web.yaml");
    rig.commit();
    rig.converge(HOUR).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_group_of_a_plan_file_gets_its_rules_and_the_service_its_group() {
    let mut rig = Rig::new(11);
    let network = Network::new(&rig);
    let subnet = network.subnet(0, &[]);
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", task("web", "nginx:1", &[]));
    let block =
        format!("    awsvpcConfiguration: {{ subnets: [{subnet}], securityGroups: [web], assignPublicIp: ENABLED }}\n");
    rig.write("service.yaml", with_network(&Wanted::of("web", 1).text("web"), &block));
    let rule = tree! { "IpProtocol" => "tcp", "FromPort" => 80, "ToPort" => 80, "IpRanges" => vec![tree! { "CidrIp" => "0.0.0.0/0" }] };
    rig.write("web.yaml", group(&network, "web", &tree! { "IpPermissions" => vec![rule] })).commit();
    rig.approve().await;
    rig.start();
    rig.converge(HOUR).await;
    assert_eq!(shown(&network, "web").list("IpPermissions").len(), 1);
}
