//! When retention is at work: while nothing else is.

use std::sync::Arc;

use crate::plan::Verdict;

use super::super::pass::Ended;
use super::super::retention;
use super::{Controller, Until};

impl Controller {
    /// Lets retention look, where the world has come to rest and there is something to look at.
    pub(super) fn retain_if_idle(&mut self) {
        let at_work = self.retaining.as_ref().is_some_and(|handle| !handle.is_finished());
        if self.until != Until::Stopped || at_work || !self.is_at_rest() {
            return;
        }
        if retention::is_due(&self.shared, &self.now_desired) {
            let (shared, desired) = (Arc::clone(&self.shared), Arc::clone(&self.now_desired));
            self.retaining = Some(tokio::spawn(async move { retention::round(&shared, &desired).await }));
        }
    }

    fn is_at_rest(&self) -> bool {
        let rests = |ended: &Ended| match ended {
            Ended::Stands(Verdict::Converged | Verdict::Blocked(..) | Verdict::Waiting(..)) | Ended::Resting(_) => true,
            Ended::Stands(Verdict::Due | Verdict::Rolling(_) | Verdict::Settling(_)) => false,
            Ended::Applied { .. } | Ended::Drifted | Ended::Failed(_) => false,
        };
        let all = self.now_desired.objects.keys().all(|key| self.last(key).is_some_and(rests));
        all && self.shared.known().rolling.is_empty()
    }
}
