//! Retention: deregisters the oldest revisions of our own beyond those that are to stay (`reconcile.keep`), where nothing
//! uses them. A chore for quiet times: few at a time, and no question is asked again before its answer can have changed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::aws::CallError;
use crate::check::Desired;
use crate::kinds::service::{self, Reference};
use crate::kinds::tags::Attempt;
use crate::kinds::{Keep, Kind, Object, Observed, task_definition};
use crate::lease::Claim;
use crate::observe::Everywhere;
use crate::plan::retention::{deregister, is_expendable, is_ours, old_enough_at};
use crate::shape::{Time, Tree};
use crate::telemetry::Action;

use super::pass::Shared;

/// So many are deregistered at a time, of all families together: the bucket is that of registrations, which go first.
pub const AT_ONCE: usize = 5;
/// So many families are looked at in one go.
const FAMILIES_AT_ONCE: usize = 50;
/// What is in use, or can't be looked at, is looked at again after this.
pub const AGAIN: Duration = Duration::from_secs(6 * 3600);
/// Nothing changes before another revision is registered.
const NEVER: Time = Time(i64::MAX);

/// The families that are due for a look, and how many of each stay.
fn due<'a>(shared: &Shared, desired: &'a Desired) -> Vec<(&'a Object, usize)> {
    let (now, known) = (shared.clock.now(), shared.known());
    let kept = |object: &'a Object| match object.reconcile.keep {
        Some(Keep::Newest(count)) if known.retained.get(&object.key).is_none_or(|again| *again <= now) => {
            Some((object, count))
        }
        Some(Keep::Newest(_) | Keep::All) | None => None,
    };
    let definitions =
        desired.objects.values().map(Arc::as_ref).filter(|object| object.key.kind == Kind::TaskDefinition);
    definitions.filter_map(kept).take(FAMILIES_AT_ONCE).collect()
}

/// Whether there is anything to look at.
pub fn is_due(shared: &Shared, desired: &Desired) -> bool {
    !shared.observe_only && !due(shared, desired).is_empty()
}

/// Looks at the families that are due, until as many revisions as may be at once are deregistered.
pub async fn round(shared: &Shared, desired: &Desired) {
    let Ok(claim) = shared.leadership.claim() else { return };
    let mut round = Round { shared, desired, everywhere: None, left: AT_ONCE, claim };
    for (object, keep) in due(shared, desired) {
        let again = match round.family(object, keep).await {
            Ok(again) => again,
            Err(error) => {
                shared.metrics.retention_failed(&object.key, &error.to_string());
                shared.clock.now().after(AGAIN)
            }
        };
        shared.known().retained.insert(object.key.clone(), again);
        if round.left == 0 {
            return;
        }
    }
}

struct Round<'a> {
    shared: &'a Shared,
    desired: &'a Desired,
    /// Asked for when the first revision could go.
    everywhere: Option<Everywhere>,
    left: usize,
    claim: Claim,
}

impl Round<'_> {
    /// Deregisters what is kept no longer; returns when to look again.
    async fn family(&mut self, object: &Object, keep: usize) -> Result<Time, CallError> {
        let family = object.aws_name();
        let numbers = self.shared.observer.active_revisions(family).await?;
        let older = self.beyond(family, &numbers, keep).await?;
        let (now, by_aws) = (self.shared.clock.now(), self.by_aws());
        let (mut again, mut used) = (NEVER, None);
        for reference in older {
            let Some(old_at) = self.old_at(&reference, false).await? else { continue };
            if old_at > by_aws {
                // Those that follow are younger.
                again = again.min(now.after(old_at.since(by_aws)));
                break;
            }
            if used.is_none() {
                used = Some(self.used(family).await?);
            }
            // While one of its services rolls, nothing of the family is touched.
            let Some(Some(used)) = &used else { return Ok(now.after(AGAIN / 6)) };
            if used.contains(&reference) || self.old_at(&reference, true).await?.is_none_or(|at| at > by_aws) {
                again = again.min(now.after(AGAIN));
                continue;
            }
            if self.left == 0 || self.shared.known().gone.contains(&object.key) {
                return Ok(now);
            }
            self.shared.aws.write(&deregister(&reference), || self.claim.enter()).await?;
            self.left -= 1;
            self.shared.metrics.change_applied(&object.key, Action::Deregistered);
        }
        Ok(again)
    }

    /// The time that AWS told last: ages of its timestamps end there.
    fn by_aws(&self) -> Time {
        let known = self.shared.known();
        known.clusters.newest().unwrap_or_else(|| self.shared.clock.now())
    }

    /// Our own revisions that are older than those that stay, and what is between them; oldest first.
    async fn beyond(&self, family: &str, numbers: &[i64], keep: usize) -> Result<Vec<String>, CallError> {
        let mut stays = 0;
        for (index, number) in numbers.iter().enumerate() {
            // What follows is too few to be more than may stay.
            if numbers.len() - index + stays <= keep {
                return Ok(vec![]);
            }
            let answer = self.shared.observer.task_definition(&format!("{family}:{number}"), false).await?;
            stays += usize::from(answer.present().is_some_and(|answer| is_ours(answer, &self.shared.us)));
            if stays == keep {
                let older = numbers.iter().skip(index + 1).rev();
                return Ok(older.map(|number| format!("{family}:{number}")).collect());
            }
        }
        Ok(vec![])
    }

    /// When the revision is old enough to go; none where it is not ours to deregister. Tags may have changed since it was
    /// last read, so before the call it is read anew.
    async fn old_at(&self, reference: &str, fresh: bool) -> Result<Option<Time>, CallError> {
        let us = &self.shared.us;
        Ok(match self.shared.observer.task_definition(reference, fresh).await? {
            Observed::Present(answer) if is_expendable(&answer, us) => old_enough_at(&answer),
            Observed::Present(_) | Observed::Absent | Observed::Unknown(_) => None,
        })
    }

    /// The revisions of a family that anything uses, names or would go back to; none while one of its services rolls.
    async fn used(&mut self, family: &str) -> Result<Option<BTreeSet<String>>, CallError> {
        let observer = &self.shared.observer;
        if self.everywhere.is_none() {
            self.everywhere = Some(observer.everywhere().await?);
        }
        let Some(everywhere) = &self.everywhere else { return Ok(None) };
        let mut used = self.named();
        for (cluster, service) in &everywhere.services {
            let runs = runs(service);
            let of_family = |reference: &String| task_definition::parts(reference).is_some_and(|(of, _)| of == family);
            let concerned = runs.iter().any(of_family);
            used.extend(runs);
            if !concerned {
                continue;
            }
            if service.list("deployments").len() > 1 {
                return Ok(None);
            }
            if service::controller(service) == service::ECS {
                let past = observer.past(cluster, service.text("serviceName").unwrap_or_default()).await?;
                if past.is_open {
                    return Ok(None);
                }
                used.extend(past.runs);
            }
        }
        for cluster in &everywhere.clusters {
            used.extend(observer.tasks_of(cluster, family).await?);
        }
        Ok(Some(used))
    }

    /// What manifests name, and what passes know to have a manifest's content.
    fn named(&self) -> BTreeSet<String> {
        let mut named: BTreeSet<String> = self.shared.known().revisions.values().cloned().collect();
        for object in self.desired.services() {
            if let Reference::Literal(reference) = service::task_definition(object) {
                named.insert(task_definition::short(&reference).to_owned());
            }
        }
        named
    }
}

/// What a described service runs, in all its deployments and task sets, and what we set out to make it run.
fn runs(service: &Tree) -> BTreeSet<String> {
    let parts = ["deployments", "taskSets"].into_iter().flat_map(|list| service.list(list));
    let all = parts.chain(std::iter::once(service)).filter_map(|one| one.text("taskDefinition"));
    let attempt = Attempt::read(service.list("tags")).map(|attempt| attempt.task_definition);
    all.map(|arn| task_definition::short(arn).to_owned()).chain(attempt).collect()
}
