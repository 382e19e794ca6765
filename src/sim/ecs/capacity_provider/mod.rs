//! Capacity providers: FARGATE and FARGATE_SPOT, which every account has, and those of Auto Scaling groups
//! (ecs-semantics §6.3). Must not know: what runs on them.
//!
//! Auto Scaling itself is not here: a group is taken as it is named, and managed scaling scales nothing.

pub mod association;
mod group;
mod operations;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::shape::{Time, Tree};
use crate::tree;

use super::super::world::World;
use super::Ecs;
use super::coverage::{Entry, full, partial};

/// The capacity providers of every account.
pub const FARGATE: &[&str] = &["FARGATE", "FARGATE_SPOT"];

/// How long an update or a deletion takes. Inferred.
const CHANGE_TIME: Duration = Duration::from_secs(5);

/// What providers lack.
const LACKING: &str = "Auto Scaling groups are taken as they are named, and never scaled; managed instances";

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

    /// Whether ECS would scale the group; then it can be of one cluster only (§6.2).
    fn is_managed(&self) -> bool {
        self.group.at(&["managedScaling", "status"]).and_then(Tree::as_text) == Some("ENABLED")
    }

    fn is_drained(&self) -> bool {
        self.group.text("managedDraining") == Some("ENABLED")
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
