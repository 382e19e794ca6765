//! What a definition reads back as: ECS's defaults, filled in (docs/ecs.md §4.4; recordings of live definitions).
//! Must not know: whether a definition is good.

use crate::shape::{Map, Tree};

use super::rules::sizes::{cpu_units, memory_mib};

/// What a member reads back as when it was left out.
type Default = fn() -> Tree;

fn zero() -> Tree {
    Tree::Int(0)
}

fn yes() -> Tree {
    Tree::Bool(true)
}

fn none() -> Tree {
    Tree::List(Vec::new())
}

/// Of the definition. `networkMode` and `requiresCompatibilities` stay absent.
const DEFINITION: &[(&str, Default)] = &[("placementConstraints", none), ("volumes", none)];

/// Of a container. All its other lists stay absent.
const CONTAINER: &[(&str, Default)] = &[
    ("cpu", zero),
    ("environment", none),
    ("essential", yes),
    ("mountPoints", none),
    ("portMappings", none),
    ("systemControls", none),
    ("volumesFrom", none),
];

/// Of a health check, once there is one. `startPeriod` stays absent.
const HEALTH_CHECK: &[(&str, Default)] =
    &[("interval", || Tree::Int(30)), ("retries", || Tree::Int(3)), ("timeout", || Tree::Int(5))];

/// Of linuxParameters and their capabilities, once there are any.
const LINUX_PARAMETERS: &[(&str, Default)] = &[("devices", none), ("tmpfs", none)];
const CAPABILITIES: &[(&str, Default)] = &[("add", none), ("drop", none)];

/// Of a restart policy, once there is one.
const RESTART_POLICY: &[(&str, Default)] = &[("restartAttemptPeriod", || Tree::Int(300))];

/// Lists of a container that come back in an order of ECS's own.
pub const UNORDERED: &[&str] = &["environment", "links", "portMappings", "volumesFrom"];

/// The definition as DescribeTaskDefinition shows it, without what ECS computes.
pub fn filled(input: &Tree) -> Tree {
    let mut body = input.clone();
    body.remove("tags");
    fill(&mut body, DEFINITION);
    canonical(&mut body, "cpu", cpu_units);
    canonical(&mut body, "memory", memory_mib);
    let mode = input.text("networkMode").unwrap_or("bridge");
    each_item(&mut body, "containerDefinitions", |container| fill_container(container, mode));
    each_item(&mut body, "volumes", |volume| {
        // A bare volume is an anonymous one of the host.
        if volume.as_map().is_some_and(|members| members.keys().all(|name| name == "name")) {
            volume.set("host", Tree::map());
        }
    });
    body
}

fn fill_container(container: &mut Tree, mode: &str) {
    fill(container, CONTAINER);
    each_item(container, "portMappings", |port| fill_port(port, mode));
    below(container, "healthCheck", |check| fill(check, HEALTH_CHECK));
    below(container, "restartPolicy", |policy| fill(policy, RESTART_POLICY));
    below(container, "linuxParameters", |linux| {
        fill(linux, LINUX_PARAMETERS);
        below(linux, "capabilities", |capabilities| fill(capabilities, CAPABILITIES));
    });
}

fn fill_port(port: &mut Tree, mode: &str) {
    fill(port, &[("protocol", || Tree::from("tcp"))]);
    let Some(number) = port.int("containerPort") else { return };
    let host = port.int("hostPort").unwrap_or(0);
    let own = ["awsvpc", "host"].contains(&mode);
    port.set("hostPort", if own && host == 0 { number } else { host });
}

fn fill(tree: &mut Tree, rows: &[(&str, Default)]) {
    if let Some(members) = tree.as_map_mut() {
        for (name, default) in rows {
            members.insert_if_absent(name, default);
        }
    }
}

/// A size in any spelling becomes a whole number in text.
fn canonical(body: &mut Tree, name: &str, read: fn(&str) -> Option<i64>) {
    if let Some(number) = body.text(name).and_then(read) {
        body.set(name, number.to_string());
    }
}

fn below(tree: &mut Tree, name: &str, change: impl FnOnce(&mut Tree)) {
    if let Some(member) = tree.as_map_mut().and_then(|members: &mut Map| members.get_mut(name)) {
        change(member);
    }
}

/// Changes every item of a list that is there.
pub fn each_item(tree: &mut Tree, name: &str, change: impl FnMut(&mut Tree)) {
    below(tree, name, |list| {
        if let Tree::List(items) = list {
            items.iter_mut().for_each(change);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::json;

    fn read(text: &str) -> Tree {
        json::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn fills_what_was_left_out() {
        let least =
            read(r#"{"family":"a","containerDefinitions":[{"name":"c","image":"i"}],"volumes":[{"name":"v"}]}"#);
        let expected = r#"{"family":"a","placementConstraints":[],"volumes":[{"name":"v","host":{}}],
            "containerDefinitions":[{"name":"c","image":"i","cpu":0,"essential":true,"environment":[],
            "mountPoints":[],"portMappings":[],"systemControls":[],"volumesFrom":[]}]}"#;
        assert_eq!(filled(&least), read(expected));
    }

    #[test]
    fn keeps_what_was_said() {
        let said = read(
            r#"{"family":"a","cpu":"256","memory":"512","networkMode":"bridge","placementConstraints":[],
            "volumes":[{"name":"v","efsVolumeConfiguration":{"fileSystemId":"fs-1"}}],
            "containerDefinitions":[{"name":"c","image":"i","cpu":7,"essential":false,
            "environment":[{"name":"A","value":"1"}],"mountPoints":[],"systemControls":[],"volumesFrom":[],
            "portMappings":[{"containerPort":80,"hostPort":8080,"protocol":"udp"}],
            "linuxParameters":{"devices":[],"tmpfs":[],"capabilities":{"add":["A"],"drop":["B"]}},
            "healthCheck":{"command":["x"],"interval":6,"retries":1,"timeout":2,"startPeriod":9}}]}"#,
        );
        assert_eq!(filled(&said), said);
    }

    #[test]
    fn fills_by_network_mode_and_presence() {
        for (mode, host) in [("bridge", 0), ("awsvpc", 80), ("host", 80)] {
            let text = format!(
                r#"{{"networkMode":"{mode}","containerDefinitions":[{{"portMappings":[{{"containerPort":80}}]}}]}}"#
            );
            let body = filled(&read(&text));
            let port = &body.list("containerDefinitions")[0].list("portMappings")[0];
            assert_eq!((port.int("hostPort"), port.text("protocol")), (Some(host), Some("tcp")), "{mode}");
        }
        let body = filled(&read(
            r#"{"cpu":".25 vCPU","memory":"1 GB","containerDefinitions":[{"healthCheck":{"command":["x"]},
            "linuxParameters":{"capabilities":{"add":["A"]}}}]}"#,
        ));
        assert_eq!((body.text("cpu"), body.text("memory")), (Some("256"), Some("1024")));
        let container = &body.list("containerDefinitions")[0];
        let expected = read(r#"{"command":["x"],"interval":30,"retries":3,"timeout":5}"#);
        assert_eq!(container.get("healthCheck"), Some(&expected));
        let expected = read(r#"{"devices":[],"tmpfs":[],"capabilities":{"add":["A"],"drop":[]}}"#);
        assert_eq!(container.get("linuxParameters"), Some(&expected));
    }
}
