//! STS: whose account is this. Its one operation needs no permission and always answers.

use crate::tree;

use super::super::ecs::{Answer, Fault};
use super::super::world::World;

/// The user id that goes with [`World::caller`]; the form of an IAM user's.
const USER_ID: &str = "AIDASIMULATION0000001";

/// Answers one request.
///
/// # Errors
/// `InvalidAction` for everything but GetCallerIdentity.
pub fn call(world: &World, operation: &str) -> Answer {
    match operation {
        "GetCallerIdentity" => Ok(tree! {
            "Account" => &world.settings.account,
            "Arn" => world.caller(),
            "UserId" => USER_ID,
        }),
        other => Err(Fault::new("InvalidAction", format!("Could not find operation {other} for version 2011-06-15"))),
    }
}
