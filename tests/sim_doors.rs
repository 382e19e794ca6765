//! The embedded ECS's doors, knocked on by the real SDK: inside the process under virtual time, and over a socket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "a test says what it expects, and waits in tokio's own time"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::operation::describe_task_definition::DescribeTaskDefinitionOutput;
use aws_sdk_ecs::types::{
    AwsVpcConfiguration, ClusterField, Compatibility, ContainerDefinition, LaunchType, NetworkConfiguration,
    NetworkMode, PortMapping, Tag, TaskDefinitionField,
};
use aws_sdk_ecs::{Client, Config};
use ecs_operator::clock::Clock;
use ecs_operator::shape::{Time, Tree, json};
use ecs_operator::sim::Sim;
use ecs_operator::sim::wire::{self, Connector, Request};
use ecs_operator::sim::world::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// 2026-03-01T00:00:00Z.
const START: Time = Time(1_772_323_200_000);

fn world(settings: Settings) -> Sim {
    let clock = Clock::simulated(START, 1.0);
    let waits = clock.clone();
    Sim::new(settings, move || clock.now()).with_sleep(move |span| {
        let clock = waits.clone();
        async move { clock.sleep(span).await }
    })
}

fn config(http: impl Into<SharedHttpClient>, endpoint: Option<&str>) -> Config {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
        .http_client(http.into())
        .retry_config(RetryConfig::disabled());
    match endpoint {
        Some(url) => config.endpoint_url(url).build(),
        None => config.build(),
    }
}

fn inside(sim: &Sim) -> Client {
    Client::from_conf(config(SharedHttpClient::new(Connector::new(sim.clone())), None))
}

fn container() -> ContainerDefinition {
    let port = PortMapping::builder().container_port(80).build();
    ContainerDefinition::builder().name("web").image("nginx:1").port_mappings(port).build()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn clusters_are_created_described_and_listed() {
    let sim = world(Settings::default());
    let ecs = inside(&sim);
    let tag = Tag::builder().key("team").value("shop").build();
    let made = ecs.create_cluster().cluster_name("prod").tags(tag).send().await.unwrap().cluster.unwrap();
    assert_eq!(made.cluster_arn(), Some("arn:aws:ecs:us-east-1:123456789012:cluster/prod"));
    for number in 0..4 {
        ecs.create_cluster().cluster_name(format!("c{number}")).send().await.unwrap();
    }

    let described = ecs.describe_clusters().clusters("prod").clusters("none").include(ClusterField::Tags);
    let described = described.send().await.unwrap();
    assert_eq!(described.clusters()[0].tags()[0].value(), Some("shop"));
    assert_eq!(described.clusters()[0].status(), Some("ACTIVE"));
    let failure = &described.failures()[0];
    assert_eq!(
        (failure.arn(), failure.reason()),
        (Some("arn:aws:ecs:us-east-1:123456789012:cluster/none"), Some("MISSING"))
    );

    let pages = ecs.list_clusters().max_results(2).into_paginator().send().try_collect().await.unwrap();
    let names: Vec<&str> = pages.iter().flat_map(|page| page.cluster_arns()).map(|arn| &arn[arn.len() - 4..]).collect();
    assert_eq!((pages.len(), names), (3, vec!["r/c0", "r/c1", "r/c2", "r/c3", "prod"]));
    assert_eq!(sim.world().now(), START, "answers take no time");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn task_definitions_are_registered_with_defaults_and_numbers() {
    let ecs = inside(&world(Settings::default()));
    let register = || {
        let call = ecs.register_task_definition().family("web").network_mode(NetworkMode::Awsvpc);
        let call = call.requires_compatibilities(Compatibility::Fargate).cpu(".25 vCPU").memory("1 GB");
        call.container_definitions(container()).tags(Tag::builder().key("k").value("v").build())
    };
    let first = register().send().await.unwrap().task_definition.unwrap();
    assert_eq!((first.cpu(), first.memory(), first.revision()), (Some("256"), Some("1024"), 1));
    assert_eq!(first.compatibilities(), [Compatibility::Ec2, Compatibility::Fargate]);
    assert_eq!(first.container_definitions()[0].port_mappings()[0].host_port(), Some(80));
    assert_eq!(first.registered_at().unwrap().as_secs_f64(), 1_772_323_200.0);
    let second = register().send().await.unwrap().task_definition.unwrap();
    assert_eq!(second.revision(), 2);

    let shown = ecs.describe_task_definition().task_definition("web").include(TaskDefinitionField::Tags);
    let shown = shown.send().await.unwrap();
    assert_eq!((shown.tags().len(), shown.task_definition().unwrap()), (1, &second));

    ecs.deregister_task_definition().task_definition("web:2").send().await.unwrap();
    let latest = ecs.describe_task_definition().task_definition("web").send().await.unwrap();
    assert_eq!(latest.task_definition().unwrap().revision(), 1);
    let deleted =
        ecs.delete_task_definitions().task_definitions("web:1").task_definitions("web:2").send().await.unwrap();
    assert!(deleted.failures()[0].reason().unwrap().contains("still in ACTIVE status"));
    assert_eq!(deleted.task_definitions()[0].status().unwrap().as_str(), "DELETE_IN_PROGRESS");
    let gone = ecs.describe_task_definition().task_definition("web:2").send().await.unwrap_err();
    assert_eq!(gone.message(), Some("Unable to describe task definition."));
    assert_eq!(
        register().send().await.unwrap().task_definition.unwrap().revision(),
        3,
        "numbers are never given again"
    );
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn errors_arrive_as_their_types() {
    let ecs = inside(&world(Settings::default()));
    let missing = ecs.delete_cluster().cluster("none").send().await.unwrap_err().into_service_error();
    assert!(missing.is_cluster_not_found_exception(), "{missing:?}");
    let empty = ecs.register_task_definition().family("web").send().await.unwrap_err().into_service_error();
    assert!(empty.is_client_exception(), "{empty:?}");
    assert_eq!(empty.message(), Some("Container list cannot be empty."));
    let bad = ecs.list_clusters().max_results(0).send().await.unwrap_err().into_service_error();
    assert!(bad.is_invalid_parameter_exception(), "{bad:?}");
    let later = ecs.describe_express_gateway_service().service_arn("arn").send().await.unwrap_err();
    assert_eq!(later.code(), Some("UnsupportedFeatureException"));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn sts_tells_whose_account_this_is() {
    let sim = world(Settings { account: "210987654321".into(), ..Settings::default() });
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
        .http_client(Connector::new(sim.clone()))
        .build();
    let who = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send().await.unwrap();
    assert_eq!((who.account(), who.arn()), (Some("210987654321"), Some("arn:aws:iam::210987654321:user/simulation")));
    let world = sim.world();
    let call = &world.calls()[0];
    assert_eq!((call.service.as_str(), call.operation.as_str(), call.status), ("sts", "GetCallerIdentity", 200));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn latency_is_virtual_and_the_effect_lies_in_its_middle() {
    let sim = world(Settings { latency: Duration::from_secs(10), ..Settings::default() });
    let ecs = inside(&sim);
    let call = tokio::time::timeout(Duration::from_secs(6), ecs.create_cluster().cluster_name("a").send());
    assert!(call.await.is_err(), "the answer is still on its way");
    assert!(sim.world().ecs.clusters.contains_key("a"), "but the request took effect");
    let call = tokio::time::timeout(Duration::from_secs(4), ecs.create_cluster().cluster_name("b").send());
    assert!(call.await.is_err());
    assert!(!sim.world().ecs.clusters.contains_key("b"));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn services_and_tasks_are_counted_tagged_and_kept() {
    let sim = world(Settings::default());
    let ecs = inside(&sim);
    ecs.create_cluster().send().await.unwrap();
    let definition = ecs.register_task_definition().family("web").network_mode(NetworkMode::Awsvpc);
    let definition = definition.requires_compatibilities(Compatibility::Fargate).cpu("256").memory("512");
    definition.container_definitions(container()).send().await.unwrap();
    let vpc = AwsVpcConfiguration::builder().subnets("subnet-1").build().unwrap();
    let network = NetworkConfiguration::builder().awsvpc_configuration(vpc).build();
    let service = ecs.create_service().service_name("web").task_definition("web").desired_count(2);
    let service = service.launch_type(LaunchType::Fargate).network_configuration(network);
    let service = service.send().await.unwrap().service.unwrap();
    tokio::time::sleep(Duration::from_secs(300)).await;

    let described = ecs.describe_clusters().send().await.unwrap();
    let cluster = &described.clusters()[0];
    let counts = (cluster.active_services_count(), cluster.running_tasks_count(), cluster.pending_tasks_count());
    assert_eq!(counts, (1, 2, 0));
    let refused = ecs.delete_cluster().cluster("default").send().await.unwrap_err().into_service_error();
    assert!(refused.is_cluster_contains_services_exception(), "{refused:?}");

    let tasks = ecs.list_tasks().send().await.unwrap();
    for arn in [service.service_arn().unwrap(), &tasks.task_arns()[0]] {
        let tag = Tag::builder().key("team").value("shop").build();
        ecs.tag_resource().resource_arn(arn).tags(tag).send().await.unwrap();
        let tags = ecs.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
        assert_eq!(tags.tags()[0].value(), Some("shop"), "{arn}");
    }

    ecs.deregister_task_definition().task_definition("web:1").send().await.unwrap();
    ecs.delete_task_definitions().task_definitions("web:1").send().await.unwrap();
    let status = |shown: DescribeTaskDefinitionOutput| shown.task_definition.unwrap().status.unwrap();
    let kept = ecs.describe_task_definition().task_definition("web:1").send().await.unwrap();
    assert_eq!(status(kept).as_str(), "DELETE_IN_PROGRESS", "a service uses it");
    ecs.delete_service().service("web").force(true).send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(ecs.describe_task_definition().task_definition("web:1").send().await.is_err(), "nothing uses it");

    ecs.delete_cluster().cluster("default").send().await.unwrap();
    ecs.create_cluster().send().await.unwrap();
    assert!(sim.world().ecs.services.is_empty(), "a new cluster has nothing of the old one's");
    tokio::time::sleep(Duration::from_secs(7200)).await;
    assert_eq!(ecs.list_services().send().await.unwrap().service_arns().len(), 0);
}

/// What a client sends, by hand.
fn by_hand(target: &str, body: &str) -> Request {
    let scope = "AWS4-HMAC-SHA256 Credential=AK/20260301/us-east-1/ecs/aws4_request, SignedHeaders=host, Signature=0";
    let headers = [("x-amz-target", target), ("authorization", scope), ("content-type", "application/x-amz-json-1.1")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Request { headers, body: body.into() }
}

fn ask(sim: &Sim, request: &Request) -> (u16, Tree, wire::Headers) {
    let response = wire::answer(sim, request);
    (response.status, json::read(&response.body).unwrap(), response.headers)
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_protocols_edges_are_ecss() {
    let sim = world(Settings::default());
    let target = |operation: &str| format!("AmazonEC2ContainerServiceV20141113.{operation}");
    for (target, body, status, code) in [
        (target("ListClusters"), "", 200, None),
        (target("ListClusters"), "{\"nextToken\":null}", 200, None),
        (target("ListClusters"), "{", 400, Some("SerializationException")),
        (target("ListClusters"), "[]", 400, Some("SerializationException")),
        (target("ListClusters"), "{\"maxResults\":\"x\"}", 400, Some("SerializationException")),
        (target("ListKlusters"), "{}", 400, Some("UnknownOperationException")),
        ("Logs_20140328.DescribeLogGroups".into(), "{}", 400, Some("UnknownOperationException")),
        (String::new(), "{}", 400, Some("UnknownOperationException")),
    ] {
        let (got, body, headers) = ask(&sim, &by_hand(&target, body));
        assert_eq!((got, body.text("__type")), (status, code), "{target}");
        assert_eq!(headers["content-type"], "application/x-amz-json-1.1");
        assert_eq!(headers["date"], "Sun, 01 Mar 2026 00:00:00 GMT");
        assert_eq!(headers["x-amzn-requestid"].len(), 36);
    }
    let mut unsigned = by_hand(&target("ListClusters"), "{}");
    unsigned.headers.remove("authorization");
    let (status, body, _) = ask(&sim, &unsigned);
    assert_eq!((status, body.text("__type")), (403, Some("MissingAuthenticationTokenException")));
    let large = by_hand(&target("ListClusters"), &" ".repeat(wire::BODY_LIMIT_BYTES + 1));
    assert_eq!(ask(&sim, &large).0, 413);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn forms_fail_in_xml() {
    let sim = world(Settings::default());
    let mut form = by_hand("", "Action=GetCallerIdentity&Version=2011-06-15");
    form.headers.remove("x-amz-target");
    form.headers.insert("content-type".into(), "application/x-www-form-urlencoded; charset=utf-8".into());
    let text = |form: &Request| String::from_utf8(wire::answer(&sim, form).body).unwrap();
    assert!(text(&form).contains("<Code>InvalidAction</Code>"), "signed for ecs, which has no forms");
    let signed = form.headers["authorization"].replace("/ecs/", "/sts/");
    form.headers.insert("authorization".into(), signed);
    assert!(text(&form).contains("<Account>123456789012</Account>"));
    form.headers.remove("authorization");
    assert!(text(&form).contains("<Code>MissingAuthenticationToken</Code>"));
}

/// The world on a socket, and what stops it.
async fn on_a_socket(sim: &Sim) -> (String, tokio::sync::oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = wire::serve(listener, sim.clone(), async move { drop(stopped.await) });
    (address, stop, tokio::spawn(async move { serving.await.unwrap() }))
}

async fn plain(address: &str, method: &str, page: &str, body: &str) -> (u16, Tree) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request =
        format!("{method} {page} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, json::read(body.as_bytes()).unwrap_or_default())
}

#[tokio::test]
async fn the_same_world_stands_behind_a_socket() {
    let sim = world(Settings::default());
    let (address, stop, serving) = on_a_socket(&sim).await;
    let http = aws_smithy_http_client::Builder::new().build_http();
    let ecs = Client::from_conf(config(http, Some(&format!("http://{address}"))));
    ecs.create_cluster().cluster_name("prod").send().await.unwrap();
    let error = ecs.delete_cluster().cluster("none").send().await.unwrap_err().into_service_error();
    assert!(error.is_cluster_not_found_exception());

    let (status, state) = plain(&address, "GET", "/_sim/state", "").await;
    assert_eq!((status, state.list("clusters")[0].text("clusterName")), (200, Some("prod")));
    let (_, calls) = plain(&address, "GET", "/_sim/calls", "").await;
    let row = &calls.as_list().unwrap()[1];
    assert_eq!((row.text("operation"), row.int("status")), (Some("DeleteCluster"), Some(400)));
    assert!(row.text("at").unwrap().starts_with("2026-03-01T00:00:0"), "{row:?}");

    let (status, joined) = plain(&address, "POST", "/_sim/instances?cluster=prod&type=m5.large&count=2", "").await;
    assert_eq!((status, joined.list("containerInstances").len()), (200, 2));
    let id = joined.list("containerInstances")[0].text("ec2InstanceId").unwrap();
    let (status, _) = plain(&address, "POST", &format!("/_sim/instances/{id}?connected=false"), "").await;
    let away = ecs.list_container_instances().cluster("prod").filter("agentConnected == false").send().await.unwrap();
    assert_eq!((status, away.container_instance_arns().len()), (200, 1));
    let (status, refused) = plain(&address, "POST", "/_sim/instances?cluster=none", "").await;
    assert_eq!((status, refused.text("error")), (400, Some("Cluster not found.")));

    let before = sim.world().now();
    let (status, _) = plain(&address, "POST", "/_sim/advance?seconds=3600", "").await;
    assert_eq!(status, 200);
    assert!(sim.world().now().since(before) >= Duration::from_secs(3600));
    let (status, answer) = plain(&address, "POST", "/_sim/advance", "{\"minutes\":1}").await;
    assert_eq!((status, answer.text("error").is_some()), (400, true));
    for page in ["/_sim/interrupt?task=none", "/_sim/interrupt", "/_sim/retire?service=prod/none", "/_sim/retire"] {
        let (status, answer) = plain(&address, "POST", page, "").await;
        assert_eq!((status, answer.text("error").is_some()), (400, true), "{page}");
    }
    assert_eq!(plain(&address, "POST", "/_sim/interrupt?mean-life=3600", "").await.0, 200);
    assert_eq!(sim.world().settings.spot_life, Some(Duration::from_secs(3600)));
    for (page, expected) in [
        ("/_sim/alarm?name=errors&state=ALARM", 200),
        ("/_sim/alarm?name=errors", 400),
        ("/_sim/hook?target=arn:aws:lambda:us-east-1:123456789012:function:f&answer=FAILED", 200),
        ("/_sim/hook?target=f&answer=PERHAPS", 400),
        ("/_sim/push?image=nginx%3A1", 200),
        ("/_sim/push", 400),
        ("/_sim/groups?name=web&type=m5.large&min=0&max=10&desired=2", 200),
        ("/_sim/groups?name=web&max=1&desired=2", 400),
        ("/_sim/fargate?vcpus=6", 200),
        ("/_sim/fargate?zone=us-east-1a&capacity=off", 200),
        ("/_sim/fargate?zone=us-east-1a", 400),
    ] {
        assert_eq!(plain(&address, "POST", page, "").await.0, expected, "{page}");
    }
    assert_eq!(plain(&address, "POST", "/_sim/reset", "").await.0, 200);
    assert_eq!(plain(&address, "GET", "/_sim/state", "").await.1.list("clusters").len(), 0);
    assert_eq!(plain(&address, "GET", "/_sim/nothing", "").await.0, 404);
    drop(stop);
    drop(ecs);
    tokio::time::timeout(Duration::from_secs(5), serving).await.expect("stops when asked").unwrap();
}

#[tokio::test(start_paused = true)]
async fn ec2s_own_sdk_reads_every_answer() {
    let sim = world(Settings::default());
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(aws_sdk_ec2::config::BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
        .http_client(SharedHttpClient::new(Connector::new(sim.clone())))
        .retry_config(RetryConfig::disabled());
    let ec2 = aws_sdk_ec2::Client::from_conf(config.build());
    let filter = aws_sdk_ec2::types::Filter::builder().name("default-for-az").values("true").build();
    let subnets = ec2.describe_subnets().filters(filter).send().await.unwrap();
    let zones = subnets.subnets().iter().filter_map(|subnet| subnet.availability_zone()).collect::<BTreeSet<_>>();
    assert_eq!(zones, BTreeSet::from(["us-east-1a", "us-east-1b", "us-east-1c"]));
    let nat = ec2.create_nat_gateway().subnet_id(subnets.subnets()[0].subnet_id().unwrap());
    let nat = nat.connectivity_type(aws_sdk_ec2::types::ConnectivityType::Private).send().await.unwrap();
    assert_eq!(nat.nat_gateway().unwrap().create_time().unwrap().secs(), START.epoch_secs());
    let missing = ec2.describe_security_groups().group_ids("sg-none").send().await.unwrap_err();
    let (code, message) = (missing.code(), missing.message());
    assert_eq!((code, message), (Some("InvalidGroup.NotFound"), Some("The security group 'sg-none' does not exist")));
}
