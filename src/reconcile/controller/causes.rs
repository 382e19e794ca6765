//! When tasks are asked why they stopped: once for each stage of a rollout that fails, one service after the other, beside
//! the passes; and that what they say is told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};

use crate::aws::{CallError, Class};
use crate::check::Desired;
use crate::kinds::{Key, Kind};
use crate::rollout::DeploymentStatus;
use crate::shape::Time;

use super::super::pass::Ended;
use super::super::why::{self, Attempted, Stage};
use super::super::{conditions, history};
use super::{Controller, InHand, Until};
use crate::status::TasksStopped;

/// So often a stage is asked about, where answers do not come.
const TRIES_MAX: u32 = 3;
/// At a look at the service after so long.
const AGAIN: Duration = Duration::from_secs(30);

/// Who is asked, and what has been said, of the newest rollout of each service.
#[derive(Debug, Default)]
pub struct Causes {
    newest: BTreeMap<Key, Cause>,
    waiting: VecDeque<Question>,
    /// One at most: however many fail together, others get their part of the API budget.
    pub asking: JoinSet<Answer>,
}

#[derive(Debug)]
struct Cause {
    /// At the stage that was asked about last.
    attempted: Attempted,
    said: Option<String>,
    /// How often this stage was asked about.
    tries: u32,
    /// When it may be asked about again, where no answer came.
    again: Option<Time>,
    /// We may not ask.
    refused: bool,
}

#[derive(Clone, Debug)]
struct Question {
    key: Key,
    /// As it was when the rollout was seen: what is secret in it is what the tasks may repeat.
    desired: Arc<Desired>,
    attempted: Attempted,
}

/// What came of a question.
#[derive(Debug)]
pub struct Answer {
    key: Key,
    attempted: Attempted,
    said: Result<Option<String>, CallError>,
}

impl Causes {
    /// What its tasks have said.
    fn said(&self, key: &Key, attempted: &Attempted) -> Option<&str> {
        self.newest.get(key).filter(|cause| cause.attempted.id == attempted.id)?.said.as_deref()
    }

    /// Whether the tasks are to be asked now; it is noted that they are.
    fn is_due(&mut self, key: &Key, attempted: &Attempted, now: Time) -> bool {
        let known = self.newest.get_mut(key).filter(|cause| cause.attempted.id == attempted.id);
        let Some(cause) = known else {
            let attempted = attempted.clone();
            let cause = Cause { attempted, said: None, tries: 1, again: None, refused: false };
            self.newest.insert(key.clone(), cause);
            return true;
        };
        let worse = attempted.stage > cause.attempted.stage;
        let waited = attempted.stage == cause.attempted.stage && cause.again.is_some_and(|again| again <= now);
        let again = waited && cause.tries < TRIES_MAX;
        if cause.refused || !(worse || again) {
            return false;
        }
        cause.tries = if worse { 1 } else { cause.tries + 1 };
        (cause.attempted.stage, cause.again) = (attempted.stage, None);
        true
    }

    /// Takes down what was said; what is known already is not forgotten for want of an answer.
    fn take(&mut self, answer: &Answer, now: Time) {
        let known = self.newest.get_mut(&answer.key).filter(|cause| cause.attempted.id == answer.attempted.id);
        let Some(cause) = known else { return };
        match &answer.said {
            Ok(Some(said)) => cause.said = Some(said.clone()),
            Ok(None) => {}
            Err(error) if error.class() == Class::Terminal => cause.refused = true,
            Err(_) if cause.attempted.stage == answer.attempted.stage => cause.again = Some(now.after(AGAIN)),
            Err(_) => {}
        }
    }

    pub fn forget(&mut self, key: &Key) {
        self.newest.remove(key);
        self.waiting.retain(|question| question.key != *key);
    }
}

impl Controller {
    /// Has the tasks of a rollout asked that goes wrong; `before` is its newest deployment at the look before.
    pub(super) fn ask_why(&mut self, pass: &InHand, ended: &Ended, before: Option<&DeploymentStatus>) {
        if self.until != Until::Stopped {
            // Who waits for the end tells it all then.
            return;
        }
        let Some(attempted) = self.attempted(&pass.key, ended) else { return };
        let newest = self.status.objects.get(&pass.key).and_then(|one| one.rollout.as_ref()?.primary());
        let goes_wrong = attempted.stage != Stage::Rolling || why::tasks_stop(before, newest);
        if goes_wrong && self.causes.is_due(&pass.key, &attempted, self.shared.clock.now()) {
            let (key, desired) = (pass.key.clone(), Arc::clone(&pass.desired));
            self.causes.waiting.push_back(Question { key, desired, attempted });
            self.ask_next();
        }
    }

    /// The rollout that a pass's end tells of.
    fn attempted(&self, key: &Key, ended: &Ended) -> Option<Attempted> {
        if key.kind != Kind::Service {
            return None;
        }
        Attempted::of(ended, &self.shared.known().seen.shown(key)?)
    }

    fn ask_next(&mut self) {
        if !self.causes.asking.is_empty() {
            return;
        }
        let Some(Question { key, desired, attempted }) = self.causes.waiting.pop_front() else { return };
        let shared = Arc::clone(&self.shared);
        self.causes.asking.spawn(async move {
            let said = match desired.objects.get(&key) {
                Some(object) => why::ask(&shared, &desired, object, &attempted).await,
                None => Ok(None),
            };
            Answer { key, attempted, said }
        });
    }

    /// Tells what was said, and asks the next.
    pub(super) fn answered(&mut self, answer: Result<Answer, JoinError>) {
        self.ask_next();
        // A question that fell over is not asked again.
        let Ok(answer) = answer else { return };
        let now = self.shared.clock.now();
        self.causes.take(&answer, now);
        let Answer { key, attempted, said } = answer;
        match said {
            Ok(Some(said)) => self.shared.metrics.tasks_stopped(&key, &attempted.task_definition, &said),
            Ok(None) => return,
            Err(error) => return self.shared.metrics.tasks_unread(&key, error.category()),
        }
        if let Some(ended) = self.last(&key).cloned() {
            if let Some(status) = self.status.objects.get_mut(&key).map(Arc::make_mut) {
                conditions::update(status, &ended, now);
            }
            self.tell_why(&key, &ended);
            self.changed = true;
        }
    }

    /// Adds what the tasks have said to what is shown of the object.
    pub(super) fn tell_why(&mut self, key: &Key, ended: &Ended) {
        let attempted = self.attempted(key, ended);
        let said = attempted.and_then(|attempted| Some((self.causes.said(key, &attempted)?.to_owned(), attempted)));
        let Some(status) = self.status.objects.get_mut(key).map(Arc::make_mut) else { return };
        status.tasks_stopped = None;
        if let Some((why, attempted)) = said {
            conditions::because(status, &why);
            if attempted.stage != Stage::Rolling {
                history::because(status, attempted.since, &why);
            }
            status.tasks_stopped = Some(Box::new(TasksStopped { task_definition: attempted.task_definition, why }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Place;

    fn key() -> Key {
        let place = Place { account: "1".into(), region: "r".into() };
        Key::new(place, Some("c".into()), Kind::Service, "web".into())
    }

    fn attempted(id: &str, stage: Stage) -> Attempted {
        Attempted { id: id.into(), task_definition: "web:2".into(), since: Time(1), stage }
    }

    fn answer(attempted: Attempted, said: Result<Option<&str>, CallError>) -> Answer {
        Answer { key: key(), attempted, said: said.map(|said| said.map(str::to_owned)) }
    }

    #[test]
    fn each_stage_is_asked_about_once_and_what_was_said_stays() {
        let (mut causes, now) = (Causes::default(), Time(0));
        let (rolling, over) = (attempted("a", Stage::Rolling), attempted("a", Stage::Over));
        assert!(causes.is_due(&key(), &rolling, now) && !causes.is_due(&key(), &rolling, now));
        causes.take(&answer(rolling.clone(), Ok(Some("early"))), now);
        assert_eq!(causes.said(&key(), &over), Some("early"));
        assert!(causes.is_due(&key(), &over, now) && !causes.is_due(&key(), &over, now));
        assert!(!causes.is_due(&key(), &rolling, now), "no stage comes back");
        causes.take(&answer(over.clone(), Ok(None)), now);
        assert_eq!(causes.said(&key(), &over), Some("early"));
        let next = attempted("b", Stage::Over);
        assert_eq!(causes.said(&key(), &next), None);
        assert!(causes.is_due(&key(), &next, now));
        causes.take(&answer(over, Ok(Some("of the one before"))), now);
        assert_eq!(causes.said(&key(), &next), None);
        causes.forget(&key());
        assert!(causes.is_due(&key(), &next, now));
    }

    #[test]
    fn what_is_not_answered_is_asked_a_few_times_and_what_is_refused_once() {
        let (mut causes, mut now) = (Causes::default(), Time(0));
        let cut = |attempted| answer(attempted, Err(CallError::bad_answer("ListTasks", "cut")));
        let refused = |attempted| answer(attempted, Err(CallError::bad_input("ListTasks", "refused")));
        let rolling = attempted("a", Stage::Rolling);
        for _ in 0..TRIES_MAX {
            assert!(causes.is_due(&key(), &rolling, now));
            causes.take(&cut(rolling.clone()), now);
            assert!(!causes.is_due(&key(), &rolling, now), "not at once");
            now = now.after(AGAIN);
        }
        assert!(!causes.is_due(&key(), &rolling, now));
        let over = attempted("a", Stage::Over);
        assert!(causes.is_due(&key(), &over, now), "another stage is another question");
        causes.take(&refused(over.clone()), now);
        now = now.after(AGAIN);
        assert!(!causes.is_due(&key(), &over, now));
        assert!(causes.is_due(&key(), &attempted("b", Stage::Rolling), now));
        causes.take(&refused(attempted("b", Stage::Rolling)), now);
        assert!(!causes.is_due(&key(), &attempted("b", Stage::Over), now), "refused is refused");
    }
}
