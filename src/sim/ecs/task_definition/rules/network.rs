//! What a network mode rules out (ecs-semantics §4.2, §4.3).

use crate::shape::Tree;

use super::{Draft, Rule, Verdict, has, refuse_if};

/// Members that a container can't have in a network of its own, and ECS's name for each.
const NOT_WITH_AWSVPC: &[(&str, &str)] = &[
    ("hostname", "hostname is"),
    ("extraHosts", "Extra hosts are"),
    ("dnsServers", "DNS servers are"),
    ("dnsSearchDomains", "DNS search domains are"),
    ("links", "Links are"),
];

/// What App Mesh's proxy can't do without, and how ECS says so (the words for AppPorts are observed, the others formed
/// after them: weak).
const PROXY_PROPERTIES: &[(&str, &str)] = &[
    ("ProxyIngressPort", "Proxy ingress port not found"),
    ("ProxyEgressPort", "Proxy egress port not found"),
    ("AppPorts", "App ports not found"),
    ("EgressIgnoredIPs", "Egress ignored IPs not found"),
];

pub const RULES: &[Rule] = &[
    Rule { name: "awsvpc: members of bridge", check: not_with_awsvpc },
    Rule { name: "awsvpc: networking", check: networking_is_on },
    Rule { name: "links need bridge", check: links_need_bridge },
    Rule { name: "external: network mode", check: external_network },
    Rule { name: "proxy needs awsvpc", check: proxy_needs_awsvpc },
    Rule { name: "proxy container exists", check: proxy_container_exists },
    Rule { name: "proxy properties", check: proxy_is_told_all },
];

fn not_with_awsvpc(draft: &Draft) -> Verdict {
    if draft.network_mode() != "awsvpc" {
        return Ok(());
    }
    NOT_WITH_AWSVPC.iter().try_for_each(|(member, words)| {
        let present = draft.containers().iter().any(|container| has(container, member));
        refuse_if(present, format!("{words} not supported on container when networkMode=awsvpc."))
    })
}

fn networking_is_on(draft: &Draft) -> Verdict {
    let off = draft.containers().iter().any(|container| container.bool("disableNetworking") == Some(true));
    let text = "Disable Networking is not supported on container when networkMode=awsvpc.";
    refuse_if(off && draft.network_mode() == "awsvpc", text)
}

/// Wording is ours.
fn links_need_bridge(draft: &Draft) -> Verdict {
    let linked = draft.containers().iter().any(|container| has(container, "links"));
    let mode = draft.network_mode();
    refuse_if(linked && mode != "bridge", format!("Links are not supported on container when networkMode={mode}."))
}

/// Wording is ours.
fn external_network(draft: &Draft) -> Verdict {
    let text = "External compatible task definitions do not support network mode 'awsvpc'.";
    refuse_if(draft.external && draft.network_mode() == "awsvpc", text)
}

fn proxy_needs_awsvpc(draft: &Draft) -> Verdict {
    let text = "APPMESH proxy configuration is only supported in networkMode=awsvpc";
    refuse_if(draft.input.get("proxyConfiguration").is_some() && draft.network_mode() != "awsvpc", text)
}

fn proxy_container_exists(draft: &Draft) -> Verdict {
    let Some(proxy) = draft.input.at(&["proxyConfiguration", "containerName"]).and_then(Tree::as_text) else {
        return Ok(());
    };
    refuse_if(draft.container(proxy).is_none(), format!("Proxy container [{proxy}] does not exist"))
}

fn proxy_is_told_all(draft: &Draft) -> Verdict {
    let Some(proxy) = draft.input.get("proxyConfiguration") else { return Ok(()) };
    let given = |name: &str| proxy.list("properties").iter().any(|property| property.text("name") == Some(name));
    PROXY_PROPERTIES.iter().try_for_each(|(name, text)| refuse_if(!given(name), *text))
}
