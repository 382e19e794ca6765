//! Room on container instances, and its nearest neighbours.

use super::*;

fn instance(id: &str, cpu: i64, memory: i64) -> Tree {
    let left = |name: &str, count: i64| tree! { "name" => name, "integerValue" => count };
    let named = |name: &str, value: &str| tree! { "name" => name, "value" => value };
    let ports = tree! { "name" => "PORTS", "stringSetValue" => vec!["22"] };
    tree! {
        "ec2InstanceId" => id, "status" => "ACTIVE", "agentConnected" => true, "runningTasksCount" => 1,
        "remainingResources" => vec![left("CPU", cpu), left("MEMORY", memory), ports],
        "attributes" => vec![
            named("ecs.cpu-architecture", "x86_64"), named("ecs.os-type", "linux"),
            named("ecs.instance-type", "m5.large"), named("ecs.availability-zone", "a"),
        ],
    }
}

/// Four tasks of 256 CPU units and 512 MiB in bridge mode, on as many alike instances.
pub(super) fn on_ec2(instances: usize, cpu: i64, memory: i64) -> World {
    let all = (0..instances).map(|number| instance(&format!("i-{number}"), cpu, memory)).collect();
    let mut world = fargate().spec("launchType", "EC2").define("networkMode", "bridge");
    world.spec.remove("networkConfiguration");
    world.facts.instances.insert("prod".into(), Fact::Known(all));
    world.facts.interfaces = Fact::Known([("m5.large".to_owned(), 3)].into());
    world
}

const FULL: &[(&str, Severity)] = &[("preflight-capacity", ERROR)];
const TIGHT: &[(&str, Severity)] = &[("preflight-capacity-tight", WARNING)];

#[test]
fn a_rollout_that_stops_none_first_needs_room_for_one() {
    says(&on_ec2(1, 1024, 2048), &[]);
    says(&on_ec2(1, 256, 2048), TIGHT);
    says(&on_ec2(1, 255, 2048), FULL);
    says(&on_ec2(1, 2048, 511), FULL);
    says(&on_ec2(2, 255, 511).percents(4, 75, 200), TIGHT);
    says(&on_ec2(2, 255, 511).percents(4, 50, 100), &[]);
    assert_eq!(on_ec2(1, 255, 2048).look().hold().unwrap().policy, Policy::Wait);
}

#[test]
fn a_creation_needs_room_for_all() {
    let create = |world: World| World { due: Due::Create, shown: None, ..world };
    says(&create(on_ec2(2, 512, 1024)), &[]);
    says(&create(on_ec2(2, 512, 1023)), FULL);
    let out = World { due: Due::ScaleOut, ..on_ec2(1, 512, 1024) };
    says(&out.clone().spec("desiredCount", 6), &[]);
    says(&out.spec("desiredCount", 7), FULL);
}

#[test]
fn an_instance_counts_only_if_it_suits() {
    let change = |change: &dyn Fn(&mut Tree)| {
        let mut world = on_ec2(1, 4096, 8192);
        if let Some(Fact::Known(all)) = world.facts.instances.get_mut("prod") {
            all.iter_mut().for_each(change);
        }
        world
    };
    says(&change(&|_| ()), &[]);
    says(&change(&|one| one.set("status", "DRAINING")), FULL);
    says(&change(&|one| one.set("agentConnected", false)), FULL);
    let arm = tree! { "cpuArchitecture" => "ARM64", "operatingSystemFamily" => "LINUX" };
    let misfit = on_ec2(1, 4096, 8192).define("runtimePlatform", arm);
    says(&misfit, FULL);
    assert!(misfit.look().judged[0].fault.evidence[0].contains("has ecs.cpu-architecture x86_64, not arm64"));
    let plain = tree! { "cpuArchitecture" => "X86_64", "operatingSystemFamily" => "LINUX" };
    says(&on_ec2(1, 4096, 8192).define("runtimePlatform", plain), &[]);
    let needs = |name: &str| on_ec2(1, 4096, 8192).define("requiresAttributes", vec![tree! { "name" => name }]);
    says(&needs("ecs.os-type"), &[]);
    says(&needs("ecs.capability.efs"), FULL);
    let gpu = vec![tree! { "type" => "GPU", "value" => "1" }];
    let container = tree! { "name" => "web", "image" => "a", "resourceRequirements" => gpu };
    says(&on_ec2(1, 4096, 8192).define("containerDefinitions", vec![container.clone()]), FULL);
    let mut with = change(&|one| {
        let Some(Tree::List(left)) = one.as_map_mut().and_then(|map| map.get_mut("remainingResources")) else { return };
        left.push(tree! { "name" => "GPU", "stringSetValue" => vec!["0", "1", "2", "3"] });
    });
    with = with.define("containerDefinitions", vec![container]);
    says(&with, &[]);
}

#[test]
fn a_host_port_is_there_once_a_machine() {
    let port = |number: i64| {
        let mapping = tree! { "containerPort" => 80, "hostPort" => number };
        vec![tree! { "name" => "web", "image" => "a", "portMappings" => vec![mapping] }]
    };
    says(&on_ec2(4, 4096, 8192).define("containerDefinitions", port(0)), &[]);
    says(&on_ec2(4, 4096, 8192).define("containerDefinitions", port(8080)), &[]);
    says(&on_ec2(3, 4096, 8192).define("containerDefinitions", port(8080)), TIGHT);
    says(&on_ec2(4, 4096, 8192).define("containerDefinitions", port(22)), FULL);
}

#[test]
fn distinct_instances_are_counted_with_the_tasks_that_stay() {
    let distinct = |count: usize| {
        on_ec2(count, 4096, 8192).spec("placementConstraints", vec![tree! { "type" => "distinctInstance" }])
    };
    says(&distinct(4), FULL);
    says(&distinct(5), TIGHT);
    let somewhere = vec![tree! { "type" => "memberOf", "expression" => "attribute:x == y" }];
    let blind = on_ec2(4, 4096, 8192).spec("placementConstraints", somewhere);
    says(&blind, &[("preflight-capacity-tight", UNKNOWN)]);
}

#[test]
fn each_task_with_an_interface_takes_one_of_the_machines() {
    let awsvpc = |count: usize| on_ec2(count, 4096, 8192).define("networkMode", "awsvpc");
    // An m5.large has three: its own, perhaps one task's, and one or two left.
    says(&awsvpc(4), &[]);
    says(&awsvpc(3), TIGHT);
    let create = |count: usize| World { due: Due::Create, shown: None, ..awsvpc(count) };
    says(&create(1), FULL);
    let mut public = awsvpc(4).public("DISABLED");
    public.spec.set("launchType", "EC2");
    says(&public, &[("preflight-ec2-public-subnet", WARNING)]);
    let mut private = fargate().spec("launchType", "EC2");
    private.facts.instances = awsvpc(4).facts.instances;
    private.facts.interfaces = awsvpc(4).facts.interfaces;
    says(&private, &[]);
}

#[test]
fn what_others_start_takes_room_that_nobody_can_be_sure_of() {
    let claim = |cpu: i64| Claim {
        of: "prod/other".into(),
        cluster: "prod".into(),
        tasks: 2,
        held: 2,
        subnets: vec![],
        size: Some(Size { cpu, memory: 128, ..Size::default() }),
    };
    let with = |cpu: i64| World { claims: vec![claim(cpu)], ..on_ec2(2, 768, 4096) };
    says(&with(256), &[]);
    says(&with(512), TIGHT);
    // What is full while others roll may be so no more when they are over.
    let full = |held: i64| World { claims: vec![Claim { tasks: held, held, ..claim(128) }], ..on_ec2(2, 255, 511) };
    for held in [0, 2] {
        says(&full(held), &[("preflight-capacity-claimed", WARNING)]);
        assert_eq!(full(held).look().hold().unwrap().policy, Policy::Wait);
    }
    let elsewhere = Claim { cluster: "other".into(), ..claim(128) };
    says(&World { claims: vec![elsewhere], ..on_ec2(2, 255, 511) }, FULL);
}

#[test]
fn a_provider_that_starts_instances_is_only_told_of() {
    let strategy = vec![tree! { "capacityProvider" => "asg", "weight" => 1 }];
    let managed = |status: &str, cpu: i64| {
        let mut world = on_ec2(1, cpu, 8192).spec("capacityProviderStrategy", strategy.clone());
        world.spec.remove("launchType");
        if let Some(Fact::Known(all)) = world.facts.instances.get_mut("prod") {
            all.iter_mut().for_each(|one| one.set("capacityProviderName", "asg"));
        }
        let scaling = tree! { "managedScaling" => tree! { "status" => status } };
        let provider = tree! { "name" => "asg", "autoScalingGroupProvider" => scaling };
        world.facts.providers.insert("prod".into(), Fact::Known(vec![provider]));
        world
    };
    says(&managed("ENABLED", 100), &[("preflight-capacity-grows", WARNING)]);
    says(&managed("DISABLED", 100), FULL);
    says(&managed("ENABLED", 4096), &[]);
}
