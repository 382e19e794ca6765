//! A service of four tasks that another is to replace: on Fargate, with machines beside it.

use ecs_operator::sim::ecs::instance::{Wish, add};
use ecs_operator::sim::ecs::service::Status;

use super::harness::{HOUR, Rig, Wanted, cluster, task};

pub const START: &str = "replace: [launchType], replaceHow: StartFirst, ";
pub const STOP: &str = "replace: [launchType], replaceHow: StopFirst, ";

/// A task that runs on either; its labels tell how it behaves.
pub fn either(image: &str, labels: &[(&str, &str)]) -> String {
    let ports = "portMappings: [{ containerPort: 80 }]\n      healthCheck";
    task("web", image, labels).replace("[FARGATE]", "[FARGATE, EC2]").replace("healthCheck", ports)
}

/// Behind a target group, of four tasks, with these members of `reconcile`.
pub fn service(reconcile: &str, launch: &str, name: &str) -> String {
    let group = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef";
    let balancer = format!("{{ targetGroupArn: \"{group}\", containerName: web, containerPort: 80 }}");
    let more = format!("  serviceName: {name}\n  loadBalancers: [{balancer}]\n");
    let text = Wanted { more, ..Wanted::of("web", 4) }.text("web");
    text.replace("reconcile: { ", &format!("reconcile: {{ {reconcile}"))
        .replace("launchType: FARGATE", &format!("launchType: {launch}"))
}

/// A converged service on Fargate, and machines for another.
pub async fn fargate(seed: u64) -> Rig {
    let mut rig = Rig::new(seed);
    rig.write("cluster.yaml", cluster("prod")).write("task.yaml", either("nginx:1", &[]));
    rig.write("service.yaml", service("", "FARGATE", "web")).commit();
    rig.start();
    rig.converge(HOUR).await;
    for _ in 0..3 {
        let wish = Wish { kind: Some("m5.large".into()), ..Wish::default() };
        add(&mut rig.sim.world(), "prod", wish).unwrap();
    }
    rig
}

/// The members that make the story, and the name.
pub fn changed(how: &str) -> String {
    if how == START { service(how, "EC2", "web-2") } else { service(how, "EC2", "web") }
}

pub fn status(rig: &Rig, name: &str) -> Option<Status> {
    let world = rig.sim.world();
    world.ecs.services.get(&("prod".to_owned(), name.to_owned())).map(|service| service.status)
}
