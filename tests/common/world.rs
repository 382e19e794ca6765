//! What tasks hold of subnets and of machines, counted from the tasks alone.

use std::collections::{BTreeMap, BTreeSet};

use ecs_operator::shape::Tree;
use ecs_operator::sim::ecs::{Ecs, instance};

/// Whether a task that is shown so still holds what it was given.
fn holds(task: &Tree) -> bool {
    !matches!(task.text("lastStatus"), Some("STOPPED" | "DELETED"))
}

/// Every awsvpc task that lives has an address of its subnet, which no other has; one that stopped has none.
pub fn addresses(ecs: &Ecs) {
    let mut given: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for task in ecs.tasks.values() {
        let Some(interface) = &task.interface else { continue };
        let gone = matches!(task.last.as_str(), "STOPPED" | "DELETED");
        assert_eq!(interface.status == "DELETED", gone, "{}: {interface:?}", task.arn);
        if !gone {
            let new = given.entry(&interface.subnet).or_default().insert(&interface.address);
            assert!(new && !interface.address.is_empty(), "{} is given twice", interface.address);
        }
    }
}

fn resource<'a>(machine: &'a Tree, which: &str, name: &str) -> Option<&'a Tree> {
    machine.list(which).iter().find(|one| one.text("name") == Some(name))
}

fn number(machine: &Tree, which: &str, name: &str) -> i64 {
    resource(machine, which, name).and_then(|one| one.int("integerValue")).unwrap_or(0)
}

fn set(machine: &Tree, which: &str, name: &str) -> BTreeSet<String> {
    let found = resource(machine, which, name).map(|one| one.list("stringSetValue").to_vec()).unwrap_or_default();
    found.iter().filter_map(Tree::as_text).map(str::to_owned).collect()
}

/// What remains of a container instance is what was registered without what the tasks on it hold, and its counts are
/// theirs.
pub fn machine(machine: &Tree, tasks: &[Tree], ecs: &Ecs) {
    let arn = machine.text("containerInstanceArn").unwrap();
    let own: Vec<&Tree> =
        tasks.iter().filter(|task| task.text("containerInstanceArn") == Some(arn) && holds(task)).collect();
    let size = |name: &str| own.iter().map(|task| task.text(name).unwrap().parse::<i64>().unwrap()).sum::<i64>();
    for (resource, held) in [("CPU", size("cpu")), ("MEMORY", size("memory"))] {
        let (all, left) =
            (number(machine, "registeredResources", resource), number(machine, "remainingResources", resource));
        assert_eq!(all - held, left, "{resource} of {arn}");
        assert!(left >= 0, "{resource} of {arn} is given out twice");
    }
    let of =
        |state: &[&str]| own.iter().filter(|task| state.contains(&task.text("lastStatus").unwrap())).count() as i64;
    assert_eq!(machine.int("runningTasksCount"), Some(of(&["RUNNING"])), "{arn}");
    assert_eq!(machine.int("pendingTasksCount"), Some(of(&["PROVISIONING", "PENDING", "ACTIVATING"])), "{arn}");
    let instance = ecs.instances.values().find(|one| one.arn == arn).unwrap();
    let living = ecs.tasks.values().filter(|task| task.host.as_ref().is_some_and(|host| host.arn == arn));
    let living: Vec<_> = living.filter(|task| !matches!(task.last.as_str(), "STOPPED" | "DELETED")).collect();
    let interfaces = living.iter().filter(|task| task.interface.is_some()).count() as i64;
    assert!(interfaces <= instance.capacity.interfaces, "{arn} has too few interfaces");
    assert_eq!(instance::free(ecs, instance).interfaces, instance.capacity.interfaces - interfaces, "{arn}");
    for (name, udp) in [("PORTS", false), ("PORTS_UDP", true)] {
        let mut used = set(machine, "registeredResources", name);
        let ports = living.iter().flat_map(|task| &task.host.as_ref().unwrap().held.ports);
        for port in ports.filter(|port| port.udp == udp) {
            assert!(used.insert(port.outside.to_string()), "port {} of {arn} is given out twice", port.outside);
        }
        assert_eq!(set(machine, "remainingResources", name), used, "{name} of {arn}");
    }
    let mut gpus = set(machine, "registeredResources", "GPU");
    for task in &own {
        for gpu in task.list("containers").iter().flat_map(|one| one.list("gpuIds")) {
            assert!(gpus.remove(gpu.as_text().unwrap()), "{gpu:?} of {arn} is given out twice");
        }
    }
    assert_eq!(set(machine, "remainingResources", "GPU"), gpus, "{arn}");
}
