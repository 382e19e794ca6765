//! Fights over a member: what is healed and changed back, again and again, is healed ever more seldom, and told of.
//! Must not know: how it is healed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::kinds::{Difference, Object, secrets};
use crate::plan::{Plan, Reason, Step, StepEffect, Verdict};
use crate::shape::{Time, Tree, json};

/// So often a member is healed as soon as its drift is seen.
const FREE: u32 = 3;
/// Then so long after the last time, and twice as long each time; this is the fastest that a fight is fought.
const WAIT_FIRST: Duration = Duration::from_secs(5 * 60);
const WAIT_MOST: Duration = Duration::from_secs(3600);
/// After so long without another heal the fight is over.
const QUIET: Duration = Duration::from_secs(3 * 3600);

/// Heals in place of one object, by the path of what was healed. A cache: a new process fights [`FREE`] times anew.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heals(BTreeMap<String, Heal>);

#[derive(Clone, Debug, PartialEq)]
struct Heal {
    times: u32,
    last: Time,
}

impl Heal {
    /// When it may be healed again.
    fn again(&self) -> Time {
        match self.times.checked_sub(FREE) {
            None => self.last,
            Some(more) => {
                let doubled = WAIT_FIRST.saturating_mul(1_u32.checked_shl(more).unwrap_or(u32::MAX));
                self.last.after(doubled.min(WAIT_MOST))
            }
        }
    }
}

impl Heals {
    /// Takes out of the plan what is not to be healed yet; the verdict where nothing else is left to do.
    pub fn hold(&mut self, object: &Object, shown: Option<&Tree>, plan: &mut Plan, now: Time) -> Option<Verdict> {
        self.0.retain(|_, heal| now.since(heal.last) < QUIET);
        let held = |one: &&Difference| self.0.get(&one.path.to_string()).is_some_and(|heal| now < heal.again());
        let held: Vec<&Difference> = plan.differences.iter().filter(held).collect();
        if held.is_empty() {
            return None;
        }
        let stories: Vec<String> = held.iter().filter_map(|one| self.story(object, one, shown)).collect();
        let members: Vec<&str> = held.iter().map(|one| one.member()).collect();
        let before = plan.steps.len();
        plan.steps.retain_mut(|step| {
            let is_concerned = members.iter().any(|name| step.call.input.get(name).is_some());
            if !is_fought(step) || !is_concerned {
                return true;
            }
            // Other members of the same update go ahead; other calls take all that they write at once.
            let others = plan.differences.iter().map(Difference::member).filter(|name| !members.contains(name));
            let goes_on = step.call.operation == "UpdateService"
                && others.into_iter().any(|name| step.call.input.get(name).is_some());
            members.iter().for_each(|name| drop(step.call.input.remove(name)));
            goes_on
        });
        let nothing_left = plan.steps.is_empty() && before > 0;
        nothing_left.then(|| Verdict::Blocked(Reason::Contended, stories.join("; ")))
    }

    fn story(&self, object: &Object, one: &Difference, shown: Option<&Tree>) -> Option<String> {
        let heal = self.0.get(&one.path.to_string())?;
        let secret =
            secrets::is_secret(&one.path) || [&one.observed, &one.desired].into_iter().flatten().any(secrets::holds);
        let value = |side: &Option<Tree>| side.as_ref().map_or_else(|| "absent".to_owned(), json::write);
        let values = match secret {
            true => String::new(),
            false => format!(" (live {}, in Git {})", value(&one.observed), value(&one.desired)),
        };
        let newer = |event: &&Tree| event.get("createdAt").and_then(Time::from_tree).is_some_and(|at| at > heal.last);
        let event = shown.and_then(|shown| shown.list("events").iter().find(newer)?.text("message"));
        let since =
            event.map_or_else(String::new, |said| format!("; ECS since: {}", secrets::redact(&object.spec, said)));
        Some(format!(
            "{}{values} was healed {} times and changed back each time; not healed again before {}{since}",
            one.path,
            heal.times,
            heal.again()
        ))
    }

    /// The plan's steps were made; `is_drift` where nothing in Git asked for them.
    pub fn made(&mut self, plan: &Plan, is_drift: bool, now: Time) {
        let in_place = || plan.steps.iter().filter(|step| is_fought(step));
        for one in
            plan.differences.iter().filter(|one| in_place().any(|step| step.call.input.get(one.member()).is_some()))
        {
            let path = one.path.to_string();
            if is_drift || self.0.contains_key(&path) {
                let heal = self.0.entry(path).or_insert(Heal { times: 0, last: now });
                *heal = Heal { times: heal.times.saturating_add(1), last: now };
            }
        }
    }
}

/// Rules of security groups are healed at once, always: one call of EC2's has many of them.
fn is_fought(step: &Step) -> bool {
    step.effect == StepEffect::InPlace && step.call.service == "ecs"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_limit() {
        let heal = |times: u32| Heal { times, last: Time(0) };
        let waits: Vec<i64> = (1..=9).map(|times| heal(times).again().0 / 60_000).collect();
        assert_eq!(waits, [0, 0, 5, 10, 20, 40, 60, 60, 60]);
    }
}
