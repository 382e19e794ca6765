//! Placement as other rooms call it, and what must hold whatever happens to instances and tasks.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::shape::Time;
use crate::sim::ecs::instance::{self, End, Wish};
use crate::sim::ecs::task::LastStatus;
use crate::sim::ecs::{Answer, call};
use crate::sim::world::{Settings, World};

fn world(seed: u64) -> World {
    let mut world = World::new(Settings { seed, ..Settings::default() }, Time(1_780_000_000_000));
    world.ecs.watched = true;
    ask(&mut world, "CreateCluster", tree! {}).unwrap();
    world
}

fn ask(world: &mut World, operation: &str, input: Tree) -> Answer {
    call(world, "ecs", operation, &input)
}

static NOTHING: BTreeMap<String, Vec<Claim>> = BTreeMap::new();

fn request<'a>(definition: &'a Tree, except: &'a BTreeSet<String>) -> Request<'a> {
    Request {
        definition,
        overrides: &Tree::Null,
        launch: Launch::Ec2,
        provider: None,
        group: "family:web",
        subnets: &[],
        constraints: &[],
        strategy: &[],
        except,
        kept: &NOTHING,
    }
}

#[test]
fn no_instance_is_no_failure_and_each_failure_names_its_instance() {
    let mut world = world(1);
    let container = tree! { "name" => "web", "image" => "i", "cpu" => 4096, "memory" => 64 };
    let definition = tree! { "networkMode" => "bridge", "containerDefinitions" => vec![container] };
    let none = BTreeSet::new();
    assert_eq!(place(&mut world, "default", &request(&definition, &none)), Err(Vec::new()));
    for kind in ["m5.large", "m5.xlarge"] {
        let wish = Wish { kind: Some(kind.into()), ..Wish::default() };
        instance::add(&mut world, "default", wish).unwrap();
    }
    let placed = place(&mut world, "default", &request(&definition, &none)).unwrap();
    assert_eq!(placed.held.cpu, 4096);
    let except = [placed.instance].into();
    let failures = place(&mut world, "default", &request(&definition, &except)).unwrap_err();
    assert_eq!(failures.len(), 1);
    let shown = failures[0].shown();
    assert_eq!(shown.text("reason"), Some("RESOURCE:CPU"));
    assert!(shown.text("arn").unwrap().ends_with(&failures[0].instance));
    assert!(event(&failures).unwrap().1.contains("insufficient CPU units"));
    let arm = definition.with("runtimePlatform", tree! { "cpuArchitecture" => "ARM64" });
    let failures = place(&mut world, "default", &request(&arm, &none)).unwrap_err();
    assert!(failures.iter().any(|one| one.lack == Lack::Attribute));
}

#[test]
fn random_draws_and_the_others_do_not() {
    let definition = tree! { "networkMode" => "none" };
    let none = BTreeSet::new();
    let mut world = world(1);
    for _ in 0..8 {
        instance::add(&mut world, "default", Wish::default()).unwrap();
    }
    let spread = request(&definition, &none);
    let first = place(&mut world, "default", &spread).unwrap();
    assert_eq!(place(&mut world, "default", &spread).unwrap(), first);
    let strategy = [tree! { "type" => "random" }];
    let random = Request { strategy: &strategy, ..spread };
    let drawn = (0..40).map(|_| place(&mut world, "default", &random).unwrap().instance).collect::<BTreeSet<_>>();
    assert!(drawn.len() > 4, "{drawn:?}");
}

/// Something that happens.
#[derive(Clone, Debug)]
enum Act {
    Wait(u64),
    Join(usize),
    Drain(usize, bool),
    Deregister(usize),
    Halt(usize, bool),
    Connect(usize, bool),
    Start(usize, usize),
    Stop(usize),
    Scale(i64),
    Deploy(usize),
}

const KINDS: &[&str] = &["t3.small", "m5.large", "g4dn.xlarge"];
const FAMILIES: usize = 4;

fn act() -> impl Strategy<Value = Act> {
    let which = || 0..8_usize;
    prop_oneof![
        4 => (1..400_u64).prop_map(Act::Wait),
        3 => (0..KINDS.len()).prop_map(Act::Join),
        2 => (which(), any::<bool>()).prop_map(|(at, drain)| Act::Drain(at, drain)),
        1 => which().prop_map(Act::Deregister),
        1 => (which(), any::<bool>()).prop_map(|(at, stop)| Act::Halt(at, stop)),
        2 => (which(), any::<bool>()).prop_map(|(at, connected)| Act::Connect(at, connected)),
        3 => (which(), 0..=FAMILIES).prop_map(|(at, family)| Act::Start(at, family)),
        2 => which().prop_map(Act::Stop),
        2 => (0..7_i64).prop_map(Act::Scale),
        1 => (0..FAMILIES).prop_map(Act::Deploy),
    ]
}

/// Definitions in bridge mode with dynamic ports, with a static one, with a GPU, and one that fails to start; beyond
/// them, one in awsvpc mode for StartTask.
fn define(world: &mut World) {
    let port = |host: i64| vec![tree! { "containerPort" => 80, "hostPort" => host }];
    let plain = tree! { "name" => "web", "image" => "nginx:1", "cpu" => 300, "memory" => 200 };
    let gpu = vec![tree! { "type" => "GPU", "value" => "1" }];
    let label = tree! { "ecs-operator.sim/fail-to-start" => "CannotPullContainerError: gone" };
    for (family, container) in [
        plain.clone().with("portMappings", port(0)),
        plain.clone().with("portMappings", port(8080)),
        plain.clone().with("resourceRequirements", gpu),
        plain.with("dockerLabels", label),
    ]
    .into_iter()
    .enumerate()
    {
        let input = tree! { "family" => format!("f{family}"), "containerDefinitions" => vec![container] };
        ask(world, "RegisterTaskDefinition", input).unwrap();
    }
    let own = tree! { "name" => "web", "image" => "nginx:1", "cpu" => 300, "memory" => 200 };
    let input = tree! {
        "family" => format!("f{FAMILIES}"), "networkMode" => "awsvpc", "containerDefinitions" => vec![own],
    };
    ask(world, "RegisterTaskDefinition", input).unwrap();
    for (name, strategy) in [("web", "REPLICA"), ("all", "DAEMON")] {
        let input = tree! {
            "serviceName" => name, "taskDefinition" => "f0", "launchType" => "EC2", "schedulingStrategy" => strategy,
        };
        let input = if name == "web" { input.with("desiredCount", 2) } else { input };
        ask(world, "CreateService", input).unwrap();
    }
}

/// Subnets enough to be in every zone.
fn everywhere() -> Tree {
    let subnets = (0..12).map(|number| format!("subnet-{number}")).collect::<Vec<_>>();
    tree! { "awsvpcConfiguration" => tree! { "subnets" => subnets } }
}

fn perform(world: &mut World, act: &Act) {
    let nth = |world: &World, at: usize| world.ecs.instances.keys().cycle().nth(at).cloned();
    let key = match act {
        Act::Drain(at, _) | Act::Deregister(at) | Act::Halt(at, _) | Act::Connect(at, _) | Act::Start(at, _) => {
            let Some(key) = nth(world, *at) else { return };
            key
        }
        _ => Default::default(),
    };
    match act {
        Act::Wait(secs) => {
            let until = world.now().after(Duration::from_secs(*secs));
            world.advance_to(until);
        }
        Act::Join(kind) => {
            let wish = Wish { kind: Some(KINDS[*kind].into()), ..Wish::default() };
            instance::add(world, "default", wish).unwrap();
        }
        Act::Drain(_, drain) => {
            let status = if *drain { "DRAINING" } else { "ACTIVE" };
            let input = tree! { "containerInstances" => vec![key.1.as_str()], "status" => status };
            ask(world, "UpdateContainerInstancesState", input).unwrap();
        }
        Act::Deregister(_) => {
            let input = tree! { "containerInstance" => key.1.as_str(), "force" => true };
            drop(ask(world, "DeregisterContainerInstance", input));
        }
        Act::Halt(_, stop) => instance::halt(world, &key, if *stop { End::Stopped } else { End::Terminated }),
        Act::Connect(_, connected) => instance::connect(world, &key, *connected),
        Act::Start(_, family) => {
            let input =
                tree! { "taskDefinition" => format!("f{family}"), "containerInstances" => vec![key.1.as_str()] };
            let input = if *family == FAMILIES { input.with("networkConfiguration", everywhere()) } else { input };
            ask(world, "StartTask", input).unwrap();
        }
        Act::Stop(at) => {
            let id = world.ecs.tasks.keys().cycle().nth(*at).map(|(_, id)| id.clone());
            if let Some(id) = id {
                ask(world, "StopTask", tree! { "task" => id }).unwrap();
            }
        }
        Act::Scale(desired) => {
            ask(world, "UpdateService", tree! { "service" => "web", "desiredCount" => *desired }).unwrap();
        }
        Act::Deploy(family) => {
            for service in ["web", "all"] {
                let input = tree! { "service" => service, "taskDefinition" => format!("f{family}") };
                ask(world, "UpdateService", input).unwrap();
            }
        }
    }
}

/// What must hold at every moment.
fn judge(world: &World) {
    for decision in &world.ecs.decisions {
        assert!(decision.is_lawful(), "{decision:?}");
    }
    for instance in world.ecs.instances.values() {
        let left = instance::free(&world.ecs, instance);
        let holding = world.ecs.tasks.values().filter(|task| task.last < LastStatus::Stopped);
        let holding = holding.filter(|task| task.host.as_ref().is_some_and(|host| host.instance == instance.id));
        let held = holding.clone().filter_map(|task| task.host.as_ref()).map(|host| &host.held).collect::<Vec<_>>();
        let ids = holding.map(|task| task.id.clone()).collect::<BTreeSet<_>>();
        assert_eq!(ids, instance.tasks, "the list is of those that hold something");
        let all = &instance.capacity;
        let sum = |of: fn(&Held) -> i64| held.iter().map(|one| of(one)).sum::<i64>();
        assert_eq!(left.cpu, all.cpu - sum(|one| one.cpu));
        assert_eq!(left.memory, all.memory - sum(|one| one.memory));
        assert_eq!(left.interfaces, all.interfaces - sum(|one| i64::from(one.interface)));
        assert!(left.cpu >= 0 && left.memory >= 0 && left.interfaces >= 0);
        let gpus = held.iter().map(|one| one.gpus.len()).sum::<usize>();
        assert_eq!(left.gpus.len(), all.gpus.len() - gpus, "no GPU is given out twice");
        let ports = held.iter().flat_map(|one| &one.ports).count();
        assert_eq!(left.tcp.len() + left.udp.len(), all.tcp.len() + all.udp.len() + ports, "nor a port");
        let daemons =
            ids.iter().filter(|id| world.ecs.tasks[&("default".into(), (*id).clone())].group == "service:all");
        assert!(daemons.count() <= 1, "a daemon is there once");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn instances_stay_true_to_their_tasks(seed in any::<u64>(), acts in prop::collection::vec(act(), 1..30)) {
        let mut world = world(seed);
        define(&mut world);
        for act in &acts {
            perform(&mut world, act);
            judge(&world);
        }
        // Whatever happened: with room and a good revision both services arrive, and all that was held is given back.
        for key in world.ecs.instances.keys().cloned().collect::<Vec<_>>() {
            instance::connect(&mut world, &key, true);
        }
        let standalone = world.ecs.tasks.values().filter(|task| task.service.is_none());
        for id in standalone.map(|task| task.id.clone()).collect::<Vec<_>>() {
            ask(&mut world, "StopTask", tree! { "task" => id }).unwrap();
        }
        for _ in 0..3 {
            perform(&mut world, &Act::Join(1));
        }
        perform(&mut world, &Act::Deploy(0));
        for _ in 0..60 {
            perform(&mut world, &Act::Wait(120));
            judge(&world);
        }
        for (key, service) in &world.ecs.services {
            let healthy = service.tasks.iter().filter(|id| {
                world.ecs.tasks[&(key.0.clone(), (*id).clone())].is_healthy()
            });
            let told = service.events.iter().take(6).collect::<Vec<_>>();
            prop_assert_eq!(healthy.count(), usize::try_from(service.desired).unwrap(), "{} {:#?}", &service.name, told);
            prop_assert_eq!(service.deployments.len(), 1);
        }
        let tasks = world.ecs.tasks.keys().map(|(_, id)| id.clone()).collect::<Vec<_>>();
        perform(&mut world, &Act::Scale(0));
        ask(&mut world, "DeleteService", tree! { "service" => "all" }).unwrap();
        for id in tasks {
            ask(&mut world, "StopTask", tree! { "task" => id }).unwrap();
        }
        perform(&mut world, &Act::Wait(900));
        for instance in world.ecs.instances.values() {
            prop_assert_eq!(&instance::free(&world.ecs, instance), &instance.capacity);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_world(seed in any::<u64>(), acts in prop::collection::vec(act(), 1..10)) {
        let dump = || {
            let mut world = world(seed);
            define(&mut world);
            acts.iter().for_each(|act| perform(&mut world, act));
            format!("{world:?}")
        };
        prop_assert_eq!(dump(), dump());
    }
}
