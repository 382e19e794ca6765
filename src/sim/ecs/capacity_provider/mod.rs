//! Capacity providers: FARGATE and FARGATE_SPOT, which every account has, and those of Auto Scaling groups
//! (ecs-semantics §6.3). Must not know: what runs on them.
//!
//! `auto_scaling` is a group and its machines, `scaling` how many ECS wants it to have, `fargate` what Fargate has to give.

pub mod association;
pub mod auto_scaling;
pub mod fargate;
mod group;
mod operations;
pub mod scaling;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::shape::{Time, Tree};
use crate::tree;

use super::super::world::World;
use super::coverage::{Entry, full, partial};
use super::task::waiting;
use super::{Ecs, Event};

/// The capacity providers of every account.
pub const FARGATE: &[&str] = &["FARGATE", "FARGATE_SPOT"];

/// From a change of what there is until those who wait for it hear of it. Inferred.
const HEARD: Duration = Duration::from_secs(1);

/// How long an update or a deletion takes. Inferred.
const CHANGE_TIME: Duration = Duration::from_secs(5);

/// What providers lack.
const LACKING: &str = "an Auto Scaling group is there when a provider names it; managed instances";

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[
    partial("CreateCapacityProvider", operations::create, LACKING),
    full("DeleteCapacityProvider", operations::delete),
    full("DescribeCapacityProviders", operations::describe),
    partial("UpdateCapacityProvider", operations::update, LACKING),
];

/// What was last done to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    None,
    Update,
    Delete,
}

/// A capacity provider of an Auto Scaling group.
#[derive(Clone, Debug)]
pub struct Provider {
    name: String,
    /// `autoScalingGroupProvider`, defaults filled in.
    group: Tree,
    pub tags: Vec<Tree>,
    change: Change,
    changed: Time,
}

impl Provider {
    /// ACTIVE until its deletion is over.
    pub fn is_active(&self, now: Time) -> bool {
        !(self.change == Change::Delete && self.is_settled(now))
    }

    fn is_settled(&self, now: Time) -> bool {
        now >= self.changed.after(CHANGE_TIME)
    }

    /// Whether ECS scales the group; then it can be of one cluster only (§6.2).
    fn is_managed(&self) -> bool {
        self.group.at(&["managedScaling", "status"]).and_then(Tree::as_text) == Some("ENABLED")
    }

    fn is_drained(&self) -> bool {
        self.group.text("managedDraining") == Some("ENABLED")
    }

    /// Machines with tasks are not to be terminated by the group.
    fn protects(&self) -> bool {
        self.group.text("managedTerminationProtection") == Some("ENABLED")
    }

    fn group_name(&self) -> &str {
        auto_scaling::name_in(self.group.text("autoScalingGroupArn").unwrap_or_default())
    }

    fn update_status(&self, now: Time) -> Option<&'static str> {
        match (self.change, self.is_settled(now)) {
            (Change::None, _) => None,
            (Change::Update, false) => Some("UPDATE_IN_PROGRESS"),
            (Change::Update, true) => Some("UPDATE_COMPLETE"),
            (Change::Delete, false) => Some("DELETE_IN_PROGRESS"),
            (Change::Delete, true) => Some("DELETE_COMPLETE"),
        }
    }

    fn show(&self, world: &World, tags: bool) -> Tree {
        let now = world.now();
        let shown = tree! {
            "capacityProviderArn" => arn(world, &self.name),
            "name" => &self.name,
            "status" => if self.is_active(now) { "ACTIVE" } else { "INACTIVE" },
            "autoScalingGroupProvider" => &self.group,
            "tags" => if tags { self.tags.clone() } else { Vec::new() },
            "type" => "EC2_AUTOSCALING",
        };
        shown.with_some("updateStatus", self.update_status(now))
    }
}

fn arn(world: &World, name: &str) -> String {
    world.arn(&format!("capacity-provider/{name}"))
}

/// The name in a name or ARN; an ARN of elsewhere names nothing here.
fn name_of<'a>(world: &World, reference: &'a str) -> Option<&'a str> {
    match reference.split_once(":capacity-provider/") {
        Some((_, name)) => (reference == arn(world, name)).then_some(name),
        None => Some(reference),
    }
}

/// The provider of that name, while it is ACTIVE.
fn active<'a>(ecs: &'a Ecs, name: &str, now: Time) -> Option<&'a Provider> {
    ecs.providers.get(name).filter(|one| one.is_active(now))
}

/// Whether tasks of a provider wait for machines where there are none for them: its managed scaling is on.
pub fn brings_machines(world: &World, name: &str) -> bool {
    active(&world.ecs, name, world.now()).is_some_and(Provider::is_managed)
}

/// The groups behind a cluster's providers.
fn groups_of(ecs: &Ecs, cluster: &str) -> Vec<String> {
    let names = ecs.clusters.get(cluster).map(|one| one.body.list("capacityProviders")).unwrap_or_default();
    let providers = names.iter().filter_map(|name| ecs.providers.get(name.as_text()?));
    providers.map(|one| one.group_name().to_owned()).collect()
}

/// Machines, tasks, providers or groups of a cluster changed: whoever waits hears of it soon, and the groups are seen to.
pub fn changed(world: &mut World, cluster: &str) {
    if world.ecs.stirred.contains(cluster) || groups_of(&world.ecs, cluster).is_empty() {
        return;
    }
    world.ecs.stirred.insert(cluster.to_owned());
    world.after(HEARD, Event::Capacity { cluster: cluster.to_owned() });
}

/// Sees to a cluster's groups, and to the tasks that wait for them.
pub fn see_to(world: &mut World, cluster: &str) {
    world.ecs.stirred.remove(cluster);
    let groups = groups_of(&world.ecs, cluster);
    for name in &groups {
        auto_scaling::tend(world, name);
    }
    waiting::place_all(world, cluster);
    for name in &groups {
        scaling::wake(world, name);
    }
}
