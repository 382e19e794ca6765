//! ContinueServiceDeployment: a person ends a pause (§2.14; error wordings weak). Must not know: stages.

use crate::shape::Tree;
use crate::tree;

use super::super::super::super::world::World;
use super::super::super::{Answer, Fault};
use super::super::{Service, State, hooks, journal};
use super::hook::Status;
use super::open_mut;

pub(in super::super) fn proceed(world: &mut World, input: &Tree) -> Answer {
    let arn = input.text("serviceDeploymentArn").unwrap_or_default();
    let id = input.text("hookId").unwrap_or_default();
    let goes_back = input.text("action") == Some("ROLLBACK");
    let missing = || Fault::new("ServiceDeploymentNotFoundException", "Service deployment not found.");
    let key = journal::service_of(world, arn).map(Service::key).ok_or_else(missing)?;
    let service = world.ecs.services.get_mut(&key).ok_or_else(missing)?;
    let entry = service.journal.iter().position(|entry| entry.arn == arn).ok_or_else(missing)?;
    let is_last = entry + 1 == service.journal.len();
    let in_progress = service.journal.get(entry).is_some_and(|entry| entry.status == State::InProgress);
    let waits = |hook: &&mut super::Hook| hook.id == id && hook.status == Status::Awaiting;
    let hook = open_mut(service).filter(|_| is_last && in_progress);
    let Some(hook) = hook.and_then(|shift| shift.hooks.iter_mut().find(waits)) else {
        return Err(Fault::invalid(format!(
            "The service deployment has no lifecycle hook {id} that awaits an action."
        )));
    };
    hook.status = if goes_back { Status::Failed } else { Status::Succeeded };
    hooks::poke(world, &key.0, &key.1);
    Ok(tree! { "serviceDeploymentArn" => arn })
}
