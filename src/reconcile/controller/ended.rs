//! What follows from a pass that ended: when to look again, who is woken, what is told and shown.

use std::time::Duration;

use crate::kinds::{Key, Kind, service};
use crate::plan::{Reason as Why, Verdict};
use crate::rollout::RolloutStatus;
use crate::shape::Tree;
use crate::telemetry::{PassEnded, PassResult, Priority, Reason};

use super::super::backoff::Schedule;
use super::super::pass::{Ended, Failure};
use super::super::{conditions, history};
use super::settled::is_given_up;
use super::{Controller, InHand, Passed};
use crate::status::{ConditionType, TaskCounts};

impl Controller {
    pub(super) fn ended(&mut self, passed: Result<(tokio::task::Id, Passed), tokio::task::JoinError>) {
        let id = match &passed {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(pass) = self.in_hand.remove(&id) else { return };
        let key = pass.key.clone();
        let lane = self.lane(&key);
        lane.busy = lane.busy.saturating_sub(1);
        lane.queue.done(&key);
        let (ended, result, memory) = match passed {
            Ok((_, Passed { memory, ended })) => {
                let result = result(&ended);
                (ended, result, Some(memory))
            }
            Err(_) => (panicked(), PassResult::Panic, None),
        };
        self.tell(&pass, &ended, result);
        if self.now_desired.objects.contains_key(&key) {
            if let Some(mut memory) = memory {
                let status = self.status.object_mut(&key);
                memory.happened.drain(..).for_each(|happening| status.history.add(happening));
                status.drift.clone_from(&memory.drift);
                self.care(&key).memory = memory;
            }
            self.requeue(&pass, &ended);
            if matches!(ended, Ended::Drifted) && self.is_braked(&key) {
                // The round will say the same again; until then the story stays.
                self.passed_in_round(&key);
                return;
            }
            let before = self.status.objects.get(&key).and_then(|one| one.rollout.as_ref()?.primary().cloned());
            self.show(&key, &ended, pass.generation);
            self.ask_why(&pass, &ended, before.as_ref());
            let decided = matches!(ended, Ended::Stands(Verdict::Converged)) || is_given_up(&ended);
            self.care(&key).last = Some(ended);
            if decided {
                self.wake_dependents(&key);
            }
            if self.waits_for(&key, Why::RolloutLimit) {
                self.wait_for_room.insert(key.clone());
            }
        } else {
            self.shared.known().rolling.remove(&key);
        }
        self.wake_for_room();
        self.passed_in_round(&key);
    }

    fn tell(&self, pass: &InHand, ended: &Ended, result: PassResult) {
        let (category, message, changes) = match ended {
            Ended::Failed(failure) => (Some(failure.category), failure.message.as_str(), 0),
            Ended::Resting(failure) => (None, failure.message.as_str(), 0),
            Ended::Applied { changes, .. } => (None, "", *changes),
            Ended::Drifted => (None, "", 0),
            Ended::Stands(verdict) => (None, message(verdict), 0),
        };
        self.shared.metrics.pass_ended(&PassEnded {
            key: &pass.key,
            reason: pass.entry.reason,
            result,
            category,
            message,
            changes,
            revision: &self.now_desired.revision,
            duration: self.shared.clock.now().since(pass.began),
        });
    }

    /// When to look at the key again.
    fn requeue(&mut self, pass: &InHand, ended: &Ended) {
        let key = &pass.key;
        let now = self.shared.clock.now();
        let settings = self.settings.clone();
        let care = self.care(key);
        if !matches!(ended, Ended::Failed(_) | Ended::Resting(_)) {
            care.failures = 0;
        }
        let again = match ended {
            // Git has changed since: another pass waits already, and this failure is not its.
            Ended::Failed(_) if pass.began < care.fresh_after => None,
            Ended::Failed(failure) => {
                care.failures += 1;
                care.fresh_after = now;
                if failure.refused {
                    // Rounds go on looking; only the write rests.
                    care.refuse(failure, now);
                }
                let wait = Schedule::after(failure.class, key_seed(settings.seed, key), care.failures - 1);
                wait.filter(|_| failure.retried).map(|wait| (wait, Reason::Retry))
            }
            Ended::Applied { .. } => {
                care.anew();
                care.may_drift = false;
                let at_once = matches!(key.kind, Kind::SecurityGroup | Kind::TaskDefinition);
                let wait = if at_once { Duration::ZERO } else { settings.active };
                Some((wait, Reason::Rollout))
            }
            // Woken when that has happened, or looked at in the next round; until then nothing needs to be asked.
            Ended::Stands(Verdict::Waiting(Why::DependencyNotReady | Why::LookupUnobserved | Why::RolloutLimit, _)) => {
                None
            }
            Ended::Stands(Verdict::Rolling(_) | Verdict::Settling(_) | Verdict::Waiting(..) | Verdict::Due) => {
                care.fresh_after = now;
                Some((care.patience(now, &settings), Reason::Rollout))
            }
            Ended::Stands(Verdict::Converged | Verdict::Blocked(..)) => {
                if matches!(ended, Ended::Stands(Verdict::Converged)) {
                    care.converged();
                }
                care.anew();
                care.may_drift = false;
                None
            }
            Ended::Drifted | Ended::Resting(_) => None,
        };
        if matches!(ended, Ended::Drifted) {
            self.drifting.insert(key.clone());
        }
        let rests = self.is_standby() && !matches!(ended, Ended::Failed(_));
        if let Some((wait, reason)) = again.filter(|_| !rests) {
            self.add(key.clone(), wait, Priority::Normal, reason);
        }
    }

    /// What waits for this object is due now, and so is what is just finding out that it would have to wait.
    fn wake_dependents(&mut self, key: &Key) {
        let in_hand = |of: &Key| self.lanes.iter().any(|lane| lane.queue.is_in_hand(of));
        let waits = |of: &&Key| self.waits_for(of, Why::DependencyNotReady) || in_hand(of);
        let due: Vec<Key> = self.dependents.get(key).into_iter().flatten().filter(waits).cloned().collect();
        for key in due {
            self.add(key, Duration::ZERO, Priority::Normal, Reason::Revision);
        }
    }

    /// As many of those that wait for room as there is room for.
    fn wake_for_room(&mut self) {
        let room = self.shared.rollouts_max.saturating_sub(self.shared.known().rolling.len());
        for _ in 0..room {
            let Some(key) = self.wait_for_room.pop_first() else { return };
            self.add(key, Duration::ZERO, Priority::Normal, Reason::Rollout);
        }
    }

    fn is_braked(&self, key: &Key) -> bool {
        matches!(self.last(key), Some(Ended::Stands(Verdict::Blocked(Why::MassChange, _))))
    }

    pub(super) fn waits_for(&self, key: &Key, why: Why) -> bool {
        matches!(self.last(key), Some(Ended::Stands(Verdict::Waiting(reason, _))) if *reason == why)
    }

    /// Brings the object's status up to date; `generation` is the one that was acted on.
    pub(super) fn show(&mut self, key: &Key, ended: &Ended, generation: u64) {
        let now = self.shared.clock.now();
        let tasks = self.tasks(key);
        let status = self.status.object_mut(key);
        let before = status.conditions.ready().map(|ready| ready.reason.clone());
        conditions::update(status, ended, now);
        status.last_reconcile = Some(now);
        let is_new = status.conditions.ready().map(|ready| &ready.reason) != before.as_ref();
        if is_new {
            history::turn(status, now);
        }
        self.tell_why(key, ended);
        let status = self.status.object_mut(key);
        if let Some(ready) = status.conditions.ready().filter(|_| is_new) {
            let troubled =
                status.conditions.holds(ConditionType::Degraded) || status.conditions.holds(ConditionType::Stalled);
            self.shared.metrics.story_changed(
                key,
                status.conditions.holds(ConditionType::Ready),
                troubled,
                &ready.reason,
                &ready.message,
            );
        }
        let is_followed = tasks.as_ref().is_some_and(|(_, rollout)| history::follow(status, rollout));
        (status.tasks, status.rollout) = tasks.map(|(tasks, rollout)| (tasks, Box::new(rollout))).unzip();
        if !matches!(ended, Ended::Failed(_) | Ended::Resting(_) | Ended::Drifted) {
            status.observed_generation = generation;
        }
        if is_followed {
            history::forget_old(&mut self.status.objects);
        }
        self.changed = true;
    }

    /// A service's tasks and deployments, by the newest look.
    fn tasks(&self, key: &Key) -> Option<(TaskCounts, RolloutStatus)> {
        if key.kind != Kind::Service {
            return None;
        }
        let known = self.shared.known();
        let seen = known.seen.get(key)?;
        let shown = seen.observed.present()?;
        let mut rollout = RolloutStatus::read(shown, seen.date);
        if let (Some(event), Some(object)) = (rollout.event.as_mut(), self.now_desired.objects.get(key)) {
            event.message = service::redact(object, &self.now_desired.objects, &event.message);
        }
        Some((counts(shown)?, rollout))
    }
}

/// Keys that fail together are not tried again together.
fn key_seed(seed: u64, key: &Key) -> u64 {
    let name = key.to_string();
    name.bytes().fold(seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()))
}

fn counts(shown: &Tree) -> Option<TaskCounts> {
    Some(TaskCounts {
        desired: shown.int("desiredCount")?,
        running: shown.int("runningCount")?,
        pending: shown.int("pendingCount")?,
    })
}

fn panicked() -> Ended {
    Ended::Failed(Failure {
        class: crate::aws::Class::Transient,
        category: "Panic",
        message: "the pass ended by a fault of the program; please report it".into(),
        retried: true,
        refused: false,
    })
}

fn result(ended: &Ended) -> PassResult {
    match ended {
        Ended::Failed(failure) if failure.category == "Timeout" => PassResult::Timeout,
        Ended::Failed(failure) if failure.retried => PassResult::Retry,
        Ended::Failed(_) => PassResult::Terminal,
        Ended::Resting(_) => PassResult::Blocked,
        Ended::Applied { .. } => PassResult::Changed,
        Ended::Stands(Verdict::Converged) => PassResult::Unchanged,
        Ended::Stands(Verdict::Blocked(Why::Suspended, _)) => PassResult::Suspended,
        Ended::Stands(Verdict::Blocked(..)) => PassResult::Blocked,
        Ended::Drifted
        | Ended::Stands(Verdict::Rolling(_) | Verdict::Settling(_) | Verdict::Waiting(..) | Verdict::Due) => {
            PassResult::Waiting
        }
    }
}

fn message(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Converged | Verdict::Due => "",
        Verdict::Rolling(message)
        | Verdict::Settling(message)
        | Verdict::Waiting(_, message)
        | Verdict::Blocked(_, message) => message,
    }
}
