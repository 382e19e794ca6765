//! What services' tags tell about task definitions, so that a restart describes none of them.

use std::collections::BTreeMap;

use crate::kinds::service;
use crate::kinds::tags::Attempt;
use crate::kinds::{Key, Kind, Object, task_definition};
use crate::shape::Tree;

/// The revisions (`family:revision`) that are known to have the declared content: a service's attempt tag names the
/// revision, and its deploy hash covers the content.
pub fn revisions<'a>(
    objects: &BTreeMap<Key, Object>,
    shown: impl Fn(&Key) -> Option<&'a Tree>,
) -> BTreeMap<(Key, String), String> {
    let mut known = BTreeMap::new();
    for object in objects.values().filter(|object| object.key.kind == Kind::Service) {
        let Some(key) = service::task_definition(object).manifest() else { continue };
        let Some(declared) = objects.get(&key) else { continue };
        let shown = shown(&object.key);
        let Some(attempt) = shown.and_then(|shown| Attempt::read(shown.list("tags"))) else { continue };
        let content = task_definition::content_hash(declared);
        // A tag that is ahead of what runs is a plan, and no witness.
        let runs = shown.and_then(|shown| shown.text("taskDefinition")).map(task_definition::short);
        let is_live = runs == Some(attempt.task_definition.as_str());
        if is_live && attempt.hash == service::deploy_hash(object, &content) {
            known.insert((key, content), attempt.task_definition);
        }
    }
    known
}
