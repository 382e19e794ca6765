//! What a task needs of the network to start, and of an instance to be put on it, by its definition. Must not know:
//! what there is.

use std::collections::BTreeSet;

use crate::shape::Tree;

use super::facts::Size;

/// Something outside that a task must reach from its own interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reach {
    /// The AWS service, as VPC endpoints are named: `ecr.api`; absent where only the internet leads there.
    pub endpoint: Option<&'static str>,
    /// What for, in words.
    pub what: String,
}

/// Interface endpoints, and S3's, that is a gateway: image layers are not fetched through an interface (§9.3).
pub const GATEWAY: &str = "s3";

/// What a Fargate task reaches before it runs (ecs-semantics §9.3). On EC2 image, logs and secrets are the agent's
/// business, which has the machine's network (§9.2).
pub fn reached_on_fargate(definition: &Tree) -> BTreeSet<Reach> {
    let mut all = BTreeSet::new();
    for container in definition.list("containerDefinitions") {
        let image = container.text("image").unwrap_or_default();
        let mut need = |endpoint: &'static str, what: String| all.insert(Reach { endpoint: Some(endpoint), what });
        if is_private_ecr(image) {
            for endpoint in ["ecr.api", "ecr.dkr", GATEWAY] {
                need(endpoint, format!("the image {image}"));
            }
        }
        if container.at(&["logConfiguration", "logDriver"]).and_then(Tree::as_text) == Some("awslogs") {
            need("logs", "the log driver awslogs".to_owned());
        }
        for secret in secrets(container) {
            need(secret, "secrets".to_owned());
        }
        if !container.list("environmentFiles").is_empty() {
            need(GATEWAY, "environment files".to_owned());
        }
        if !image.is_empty() && !is_private_ecr(image) {
            all.insert(Reach { endpoint: None, what: format!("the image {image}") });
        }
    }
    all
}

/// What execute command reaches, from inside the task whatever it runs on.
pub fn session() -> Reach {
    Reach { endpoint: Some("ssmmessages"), what: "execute command".to_owned() }
}

/// `ACCOUNT.dkr.ecr.REGION.amazonaws.com/…`, or the same in another partition.
fn is_private_ecr(image: &str) -> bool {
    let host = image.split('/').next().unwrap_or_default();
    host.contains(".dkr.ecr.") || host.contains(".dkr-ecr.")
}

/// Where the secrets of a container come from: values, registry credentials, log options.
fn secrets(container: &Tree) -> BTreeSet<&'static str> {
    let of = |value: &str| if value.contains(":secretsmanager:") { "secretsmanager" } else { "ssm" };
    let options = container.get("logConfiguration").map(|log| log.list("secretOptions")).unwrap_or_default();
    let listed = container.list("secrets").iter().chain(options).filter_map(|secret| secret.text("valueFrom"));
    let registry = container.at(&["repositoryCredentials", "credentialsParameter"]).and_then(Tree::as_text);
    listed.chain(registry).map(of).collect()
}

/// More than any machine has.
const MOST_GPUS: i64 = 64;

impl Size {
    /// Task sizes go before the sum of the containers'; a container counts with its reservation, where it has one
    /// (ecs-semantics §3.1, §3.5).
    pub fn of(definition: &Tree) -> Self {
        let containers = definition.list("containerDefinitions");
        let task = |name: &str| definition.text(name).and_then(|text| text.trim().parse::<i64>().ok());
        let sum = |of: &dyn Fn(&Tree) -> Option<i64>| containers.iter().filter_map(of).sum::<i64>();
        let mode = definition.text("networkMode").unwrap_or("bridge");
        let published = !matches!(mode, "awsvpc" | "none");
        let mut size = Self {
            cpu: task("cpu").unwrap_or_else(|| sum(&|one| one.int("cpu"))),
            memory: task("memory")
                .unwrap_or_else(|| sum(&|one| one.int("memoryReservation").or_else(|| one.int("memory")))),
            gpus: containers.iter().map(gpus).sum(),
            interface: mode == "awsvpc",
            ..Self::default()
        };
        for mapping in containers.iter().flat_map(|one| one.list("portMappings")).filter(|_| published) {
            let inside = mapping.int("containerPort");
            let port = if mode == "host" { inside } else { mapping.int("hostPort") };
            let Some(port) = port.filter(|port| *port > 0) else { continue };
            if mapping.text("protocol") == Some("udp") { size.udp.push(port) } else { size.tcp.push(port) }
        }
        size
    }

    /// Two of these never stand on one machine.
    pub fn has_static_ports(&self) -> bool {
        !self.tcp.is_empty() || !self.udp.is_empty()
    }
}

fn gpus(container: &Tree) -> i64 {
    let needs = container.list("resourceRequirements").iter().filter(|one| one.text("type") == Some("GPU"));
    needs.filter_map(|one| one.text("value")?.parse::<i64>().ok()).map(|one| one.clamp(0, MOST_GPUS)).sum()
}
