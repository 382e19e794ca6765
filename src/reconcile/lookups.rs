//! What selector terms stand for, for one pass. Must not know: what is planned with it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::aws::{CallError, Class};
use crate::kinds::Object;
use crate::kinds::lookup::{self, GROUPS, Item, Resolved, SUBNETS, Sort, There};
use crate::observe::Seen;
use crate::plan::{Reason, Verdict};
use crate::shape::Tree;

use super::pass::Shared;

/// What an object's terms stand for, or why that is not known.
///
/// # Errors
/// Why nothing may be created or deployed.
pub async fn resolved(shared: &Shared, object: &Object) -> Result<Resolved, Verdict> {
    let (subnets, groups) = (there(shared, object, &SUBNETS).await?, there(shared, object, &GROUPS).await?);
    let there = There { subnets: &subnets, groups: &groups };
    lookup::resolve(&object.lookup, &object.spec, there)
        .map_err(|message| Verdict::Blocked(Reason::LookupUnresolved, message))
}

async fn there(shared: &Shared, object: &Object, sort: &'static Sort) -> Result<Arc<Vec<Item>>, Verdict> {
    if !object.lookup.needs(sort) {
        return Ok(Arc::default());
    }
    shared.observer.network(sort).await.map_err(|error| unobserved(&error))
}

fn unobserved(error: &CallError) -> Verdict {
    let remedy = error.remedy().map(|remedy| format!(" ({remedy})")).unwrap_or_default();
    let message = format!("what the selector terms match is not known: {error}{remedy}");
    match error.class() {
        Class::Terminal => Verdict::Blocked(Reason::LookupUnobserved, message),
        Class::Transient | Class::Throttled | Class::Conflict => Verdict::Waiting(Reason::LookupUnobserved, message),
    }
}

/// The object with what its terms stand for. Where that is not known, with what is live, so that what can be changed in
/// place is; and why nothing may be created or deployed.
pub async fn looked_up<'a>(shared: &Shared, object: &'a Object, seen: &Seen) -> (Cow<'a, Object>, Option<Verdict>) {
    if object.lookup.is_empty() {
        return (Cow::Borrowed(object), None);
    }
    let (spec, held) = match resolved(shared, object).await {
        Ok(resolved) => (resolved.fill(&object.spec), None),
        Err(held) => {
            let live = seen.observed.present().unwrap_or(&Tree::Null);
            (lookup::as_live(&object.lookup, &object.spec, live), Some(held))
        }
    };
    (Cow::Owned(Object { spec, ..object.clone() }), held)
}
