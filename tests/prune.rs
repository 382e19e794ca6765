//! Security groups that no manifest declares any more: deleted where their manifests asked for it, when nothing uses them
//! and all that is declared was read; and tags that Git takes away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use common::harness::{DAY, HOUR, MINUTE, Rig, Wanted, cluster, task};
use common::network::{Network, with_network};
use ecs_operator::cli::plan::text;
use ecs_operator::cli::terminal::Terminal;
use ecs_operator::kinds::tags;
use ecs_operator::shape::Tree;
use ecs_operator::tree;

const WHOLE: &str = "owner: us\n";

fn group(network: &Network, name: &str, reconcile: &str, tags: &str) -> String {
    format!(
        "apiVersion: ecs-operator.io/v1\nkind: SecurityGroup\nmetadata: {{ name: {name} }}\nreconcile: {reconcile}\nspec: \
         {{ VpcId: {}, Description: the {name}, Tags: {tags} }}\n",
        network.vpc
    )
}

const DELETE: &str = "{ prune: Delete }";

/// The names of the groups there are, without the VPCs' own.
fn there(network: &Network) -> Vec<String> {
    let all = network.call("DescribeSecurityGroups", tree! {});
    let names = all.list("SecurityGroups").iter().filter_map(|one| one.text("GroupName"));
    let mut names: Vec<String> = names.filter(|name| *name != "default").map(str::to_owned).collect();
    names.sort();
    names
}

fn tags_of(network: &Network, name: &str) -> Vec<Tree> {
    let all = network.call("DescribeSecurityGroups", tree! {});
    let found = all.list("SecurityGroups").iter().find(|one| one.text("GroupName") == Some(name)).cloned();
    found.unwrap().list("Tags").to_vec()
}

/// A directory with these groups, converged.
async fn with(rig: &mut Rig, network: &Network, groups: &[(&str, &str)]) {
    rig.write("ecs-operator.yaml", WHOLE).write("cluster.yaml", cluster("prod"));
    for (name, reconcile) in groups {
        rig.write(&format!("{name}.yaml"), group(network, name, reconcile, "[]"));
    }
    rig.commit();
    rig.start();
    rig.converge(HOUR).await;
}

async fn plan(rig: &Rig) -> String {
    text(&rig.view().await, &Terminal { width: 200, ..Terminal::PLAIN })
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_group_is_deleted_where_its_manifest_asked_for_it_and_left_otherwise() {
    let mut rig = Rig::new(1);
    let network = Network::new(&rig);
    let by_hand = network.group("by-hand");
    network.tag(&by_hand, tags::PRUNE, "Delete");
    with(&mut rig, &network, &[("gone", DELETE), ("left", "{}"), ("orphan", "{ prune: Orphan }"), ("stays", DELETE)])
        .await;
    rig.start();
    let mark = rig.mark();
    ["gone.yaml", "left.yaml", "orphan.yaml"].into_iter().for_each(|file| rig.remove(file));
    rig.commit();
    let shown = plan(&rig).await;
    assert!(shown.contains("- SecurityGroup/gone  is deleted") && shown.contains("1 to delete"), "{shown}");
    assert!(!shown.contains("SecurityGroup/left"), "{shown}");
    rig.run(5 * MINUTE).await;
    assert_eq!(rig.operations_since(mark), ["DeleteSecurityGroup"]);
    assert_eq!(there(&network), ["by-hand", "left", "orphan", "stays"]);
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark), ["DeleteSecurityGroup"]);
    // The last one goes too, though nothing else asks for groups then, and after the loss of all memory.
    rig.remove("stays.yaml");
    rig.commit();
    rig.start();
    rig.run(5 * MINUTE).await;
    assert_eq!(there(&network), ["by-hand", "left", "orphan"]);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn git_changes_its_mind_about_prune() {
    let mut rig = Rig::new(2);
    let network = Network::new(&rig);
    with(&mut rig, &network, &[("web", DELETE)]).await;
    rig.write("web.yaml", group(&network, "web", "{}", "[]")).commit();
    rig.converge(HOUR).await;
    assert!(!tags::read(&tags_of(&network, "web")).contains_key(tags::PRUNE));
    rig.remove("web.yaml");
    rig.commit();
    rig.run(HOUR).await;
    assert_eq!(there(&network), ["web"]);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_empty_unreadable_or_half_read_deletes_nothing() {
    let broken = "apiVersion: ecs-operator.io/v1\nkind: Cluster\nmetadata: { name: other }\nspec: { nonsense: 1 }\n";
    let cases: [fn(&mut Rig); 6] = [
        |rig| rig.remove("cluster.yaml"),
        |rig| _ = rig.write("cluster.yaml", "a: ["),
        |rig| _ = rig.write("other.yaml", "\u{0}"),
        |rig| _ = rig.write("ecs-operator.yaml", "owner: [us]\n"),
        |rig| _ = rig.write("ecs-operator.yaml", ""),
        |rig| rig.remove("ecs-operator.yaml"),
    ];
    for (number, case) in cases.into_iter().enumerate() {
        let mut rig = Rig::new(3);
        let network = Network::new(&rig);
        with(&mut rig, &network, &[("web", DELETE)]).await;
        rig.remove("web.yaml");
        case(&mut rig);
        rig.may_be_broken = true;
        rig.commit();
        rig.run(HOUR).await;
        assert_eq!(there(&network), ["web"], "case {number}");
        rig.start();
        rig.run(HOUR).await;
        assert_eq!(there(&network), ["web"], "case {number}, anew");
    }
    let mut rig = Rig::new(3);
    let network = Network::new(&rig);
    with(&mut rig, &network, &[("web", DELETE)]).await;
    rig.remove("web.yaml");
    rig.may_be_broken = true;
    rig.write("other.yaml", broken).commit();
    rig.run(HOUR).await;
    assert_eq!(there(&network), ["web"]);
    // Mended, it is read as a whole.
    rig.remove("other.yaml");
    rig.commit();
    rig.run(5 * MINUTE).await;
    assert_eq!(there(&network), Vec::<String>::new());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_group_in_use_waits_and_says_by_what() {
    let mut rig = Rig::new(4);
    let network = Network::new(&rig);
    let subnet = network.subnet(1, &[]);
    rig.write("task.yaml", task("web", "nginx:1", &[]));
    let vpc = |groups: &str| {
        format!(
            "    awsvpcConfiguration: {{ subnets: [{subnet}], securityGroups: [{groups}], assignPublicIp: ENABLED }}\n"
        )
    };
    let service = |groups: &str| with_network(&Wanted::of("web", 1).text("web"), &vpc(groups));
    rig.write("service.yaml", service("web"));
    with(&mut rig, &network, &[("web", DELETE)]).await;
    let id = network.call("DescribeSecurityGroups", tree! {});
    let id = id.list("SecurityGroups").iter().find(|one| one.text("GroupName") == Some("web")).cloned().unwrap();
    let id = id.text("GroupId").unwrap().to_owned();
    rig.remove("web.yaml");
    rig.write("service.yaml", service(&id)).commit();
    rig.run(5 * MINUTE).await;
    let told = rig.orphans();
    assert!(
        told.iter().any(|one| one.contains("SecurityGroup/web") && one.contains("in use by prod/Service/web")),
        "{told:?}"
    );
    assert!(plan(&rig).await.contains("in use by prod/Service/web"));
    // What only EC2 sees, EC2 says.
    rig.write("service.yaml", service("")).commit();
    let interface = tree! { "SubnetId" => subnet.as_str(), "Groups" => vec![id.as_str()] };
    let made = network.call("CreateNetworkInterface", interface);
    rig.converge(HOUR).await;
    rig.run(10 * MINUTE).await;
    let told = rig.orphans();
    assert!(told.iter().any(|one| one.contains("DependencyViolation")), "{told:?}");
    let interface = made.at(&["NetworkInterface", "NetworkInterfaceId"]).unwrap().clone();
    network.call("DeleteNetworkInterface", tree! { "NetworkInterfaceId" => interface });
    rig.run(5 * MINUTE).await;
    assert_eq!((there(&network), rig.orphans().len()), (Vec::<String>::new(), 0));
    rig.assert_lawful();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn many_are_deleted_after_another_commit() {
    let mut rig = Rig::new(5);
    let network = Network::new(&rig);
    let names: Vec<String> = (0..7).map(|at| format!("web-{at}")).collect();
    let groups: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), DELETE)).collect();
    with(&mut rig, &network, &groups).await;
    names[..6].iter().for_each(|name| rig.remove(&format!("{name}.yaml")));
    rig.commit();
    let mark = rig.mark();
    rig.run(HOUR).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert!(rig.orphans().iter().all(|one| one.contains("MassChange")));
    let shown = plan(&rig).await;
    assert!(shown.contains("MassChange: 6 of 7 security groups would be deleted"), "{shown}");
    rig.commit();
    rig.run(5 * MINUTE).await;
    assert_eq!(there(&network), ["web-6"]);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_tag_that_git_takes_away_is_taken_away_and_others_are_left() {
    let mut rig = Rig::new(6);
    let network = Network::new(&rig);
    rig.write("ecs-operator.yaml", WHOLE);
    let tagged = |tags: &str| group(&network, "web", "{}", tags);
    rig.write("web.yaml", tagged("[{ Key: team, Value: shop }, { Key: stage, Value: prod }]")).commit();
    rig.start();
    rig.converge(HOUR).await;
    let id = network.call("DescribeSecurityGroups", tree! {});
    let id = id.list("SecurityGroups").iter().find(|one| one.text("GroupName") == Some("web")).cloned().unwrap();
    network.tag(id.text("GroupId").unwrap(), "cost", "42");
    rig.write("web.yaml", tagged("[{ Key: team, Value: shop }]")).commit();
    let shown = plan(&rig).await;
    assert!(shown.contains("- tags[stage]"), "{shown}");
    let mark = rig.mark();
    rig.start();
    rig.converge(HOUR).await;
    assert_eq!(rig.operations_since(mark), ["DeleteTags", "CreateTags"]);
    let live = tags_of(&network, "web");
    let live = tags::read(&live);
    let declared: Vec<&str> = live.keys().copied().filter(|key| !key.starts_with(tags::PREFIX)).collect();
    assert_eq!(declared, ["cost", "team"]);
    rig.write("web.yaml", tagged("[]")).commit();
    rig.converge(HOUR).await;
    let mark = rig.mark();
    rig.run(DAY).await;
    assert_eq!(rig.operations_since(mark), Vec::<String>::new());
    assert!(!tags::read(&tags_of(&network, "web")).contains_key("team"));
}
