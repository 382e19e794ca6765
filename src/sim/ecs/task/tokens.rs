//! RunTask's client tokens (docs/ecs.md §1.2, §1.5). Must not know: what the request asks for.

use std::time::Duration;

use crate::shape::{Time, Tree};
use crate::tree;

use super::super::super::world::World;
use super::super::Fault;
use super::show;

const LONGEST: usize = 64;
/// How long a token is remembered (§1.5, inferred).
const MEMORY: Duration = Duration::from_secs(24 * 3600);

/// What one RunTask with a token was given and has answered.
#[derive(Clone, Debug)]
pub struct Remembered {
    at: Time,
    cluster: String,
    /// Without the token, and the cluster in whatever form.
    input: Tree,
    answer: Tree,
}

/// The first answer again, where the token is known: its tasks as they are now. `None` for a new token, or without one.
///
/// # Errors
/// `ConflictException` when other parameters came with it before.
pub(super) fn repeated(world: &mut World, cluster: &str, input: &Tree) -> Result<Option<Tree>, Fault> {
    let Some(token) = input.text("clientToken") else { return Ok(None) };
    let allowed = |byte: u8| (33..=126).contains(&byte);
    if token.is_empty() || token.len() > LONGEST || !token.bytes().all(allowed) {
        let text = format!("clientToken must have 1 to {LONGEST} ASCII characters without spaces.");
        return Err(Fault::invalid(text));
    }
    let now = world.now();
    world.ecs.run_tokens.retain(|_, one| now < one.at.after(MEMORY));
    let Some(known) = world.ecs.run_tokens.get(token) else { return Ok(None) };
    if known.cluster != cluster || known.input != plain(input) {
        let arns = known.answer.list("tasks").iter().filter_map(|task| task.text("taskArn")).collect::<Vec<_>>();
        let text = "The RunTask request could not be processed due to conflicts. Check resourceIds in the error \
                    response.";
        return Err(Fault::new("ConflictException", text).with("resourceIds", arns));
    }
    let tasks = known.answer.list("tasks").iter().map(|task| {
        let live = world.ecs.tasks.values().find(|one| Some(one.arn.as_str()) == task.text("taskArn"));
        live.map_or_else(|| task.clone(), |live| show(world, live, true))
    });
    let tasks = tasks.collect::<Vec<_>>();
    Ok(Some(tree! { "tasks" => tasks, "failures" => known.answer.list("failures").to_vec() }))
}

/// Keeps an answer under the request's token.
pub(super) fn remember(world: &mut World, cluster: &str, input: &Tree, answer: &Tree) {
    let Some(token) = input.text("clientToken") else { return };
    let known =
        Remembered { at: world.now(), cluster: cluster.to_owned(), input: plain(input), answer: answer.clone() };
    world.ecs.run_tokens.insert(token.to_owned(), known);
}

fn plain(input: &Tree) -> Tree {
    let mut rest = input.clone();
    rest.remove("clientToken");
    rest.remove("cluster");
    rest
}
