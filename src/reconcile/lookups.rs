//! What selector terms stand for, for one pass. Must not know: what is planned with it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::aws::{CallError, Class};
use crate::check::Desired;
use crate::kinds::lookup::{self, GROUPS, Item, Resolved, SUBNETS, Sort, There};
use crate::kinds::{Key, Kind, Object, security_group, service};
use crate::observe::Seen;
use crate::plan::{Reason, Verdict};
use crate::shape::Tree;

use super::pass::Shared;

/// What an object's terms stand for, or why that is not known.
///
/// # Errors
/// Why nothing may be created or deployed.
pub async fn resolved(shared: &Shared, desired: &Desired, object: &Object) -> Result<Resolved, Verdict> {
    let (subnets, groups) = (there(shared, object, &SUBNETS).await?, there(shared, object, &GROUPS).await?);
    let there = There { subnets: &subnets, groups: &groups };
    let resolved = lookup::resolve(&object.lookup, &object.spec, there)
        .map_err(|message| Verdict::Blocked(Reason::LookupUnresolved, message))?;
    let vpc = |name: &str| desired.objects.get(&service::security_group(object, name))?.spec.text("VpcId");
    lookup::fit(&object.lookup, resolved.of(&SUBNETS).unwrap_or_default(), vpc)
        .map_err(|message| Verdict::Blocked(Reason::LookupUnresolved, message))?;
    let named = lookup::named(&object.lookup, |name| group_id(shared, &service::security_group(object, name)));
    Ok(Resolved { named, ..resolved })
}

/// The id of a group of the manifests, once it was seen.
fn group_id(shared: &Shared, key: &Key) -> Option<String> {
    shared.known().seen.shown(key)?.text("GroupId").map(str::to_owned)
}

/// A security group, as all of them were asked for; anew, unless `remembered` will do.
pub async fn security_group(shared: &Shared, object: &Object, remembered: bool) -> Seen {
    shared.observer.security_group(remembered, |items| security_group::find(object, &shared.us, items)).await
}

/// A security group with the groups that its rules name known by their ids, as far as they are.
async fn with_ids<'a>(shared: &Shared, object: &'a Object) -> Cow<'a, Object> {
    match security_group::names_groups(object) {
        true => match shared.observer.network(&GROUPS).await {
            Ok(items) => security_group::with_ids(object, &items),
            Err(_) => Cow::Borrowed(object),
        },
        false => Cow::Borrowed(object),
    }
}

async fn there(shared: &Shared, object: &Object, sort: &'static Sort) -> Result<Arc<Vec<Item>>, Verdict> {
    if !object.lookup.needs(sort) {
        return Ok(Arc::default());
    }
    shared.observer.network(sort).await.map_err(|error| unobserved(&error))
}

fn unobserved(error: &CallError) -> Verdict {
    let message = format!("what the selector terms match is not known: {}", error.told());
    match error.class() {
        Class::Terminal => Verdict::Blocked(Reason::LookupUnobserved, message),
        Class::Transient | Class::Throttled | Class::Conflict => Verdict::Waiting(Reason::LookupUnobserved, message),
    }
}

/// The object with what its terms stand for. Where that is not known, with what is live, so that what can be changed in
/// place is; and why nothing may be created or deployed.
pub async fn looked_up<'a>(
    shared: &Shared,
    desired: &Desired,
    object: &'a Object,
    seen: &Seen,
) -> (Cow<'a, Object>, Option<Verdict>) {
    if object.key.kind == Kind::SecurityGroup {
        return (with_ids(shared, object).await, None);
    }
    if object.lookup.is_empty() {
        return (Cow::Borrowed(object), None);
    }
    let held = match resolved(shared, desired, object).await {
        Ok(resolved) => match resolved.late().next() {
            None => {
                let spec = resolved.fill(&object.spec);
                return (Cow::Owned(Object { spec, ..object.clone() }), None);
            }
            Some(name) => {
                Verdict::Waiting(Reason::DependencyNotReady, format!("SecurityGroup/{name} is not there yet"))
            }
        },
        Err(held) => held,
    };
    let live = seen.observed.present().unwrap_or(&Tree::Null);
    let (spec, held) = (lookup::as_live(&object.lookup, &object.spec, live), Some(held));
    (Cow::Owned(Object { spec, ..object.clone() }), held)
}
