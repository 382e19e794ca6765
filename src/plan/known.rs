//! What services' tags tell about task definitions, so that a restart describes none of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::kinds::service;
use crate::kinds::tags::Attempt;
use crate::kinds::{Key, Kind, Object, task_definition};
use crate::shape::Tree;

/// The revisions (`family:revision`) that are known to have the declared content: a service's attempt tag names the
/// revision, and its deploy hash covers the content.
pub fn revisions(
    objects: &BTreeMap<Key, Arc<Object>>,
    shown: impl Fn(&Key) -> Option<Tree>,
) -> BTreeMap<(Key, String), String> {
    let mut known = BTreeMap::new();
    for object in objects.values().filter(|object| object.key.kind == Kind::Service) {
        let named = service::task_definition(object).manifest();
        let Some((key, declared)) = named.and_then(|key| objects.get_key_value(&key)) else { continue };
        let shown = shown(&object.key);
        let Some(attempt) = shown.as_ref().and_then(|shown| Attempt::read(shown.list("tags"))) else { continue };
        let content = task_definition::content_hash(declared);
        // A tag that is ahead of what runs is a plan, and no witness.
        let runs = shown.as_ref().and_then(|shown| shown.text("taskDefinition")).map(task_definition::short);
        let is_live = runs == Some(attempt.task_definition.as_str());
        if is_live && attempt.hash == service::deploy_hash(object, &content) {
            known.insert((key.clone(), content), attempt.task_definition);
        }
    }
    known
}
