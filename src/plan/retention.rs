//! Which revisions of a family are kept no longer. Must not know: what uses a revision.

use std::time::Duration;

use crate::kinds::tags::{self, Owner, Ownership};
use crate::shape::{Call, Time, Tree};
use crate::tree;

/// A revision younger than this is not deregistered: whoever names it elsewhere (a schedule, a pipeline, a script) may not
/// have moved on yet.
pub const AGE_MIN: Duration = Duration::from_secs(7 * 24 * 3600);

/// Whether we registered, or adopted, the revision that is described so, and nobody asks for it to stay.
pub fn is_expendable(answer: &Tree, us: &Ownership) -> bool {
    let all = tags::read(answer.list("tags"));
    is_ours(answer, us) && !all.contains_key(tags::KEEP)
}

/// Whether it counts among our own: it carries our owner's tag and the hash of a content that a manifest had.
pub fn is_ours(answer: &Tree, us: &Ownership) -> bool {
    let all = answer.list("tags");
    let active = answer.at(&["taskDefinition", "status"]).and_then(Tree::as_text) == Some("ACTIVE");
    active && tags::owner(all, us) == Owner::Us && tags::read(all).contains_key(tags::CONTENT)
}

/// When a revision is old enough; never, where ECS does not tell its age.
pub fn old_enough_at(answer: &Tree) -> Option<Time> {
    let registered = answer.at(&["taskDefinition", "registeredAt"]).and_then(Time::from_tree);
    registered.map(|at| at.after(AGE_MIN))
}

/// Makes a revision INACTIVE: what runs goes on, and nothing new is started with it.
pub fn deregister(reference: &str) -> Call {
    Call::ecs("DeregisterTaskDefinition", tree! { "taskDefinition" => reference })
}
