//! Whether there is nothing left to do, for loops that end by themselves.

use crate::kinds::{Key, Kind, service};
use crate::plan::{Reason as Why, Verdict};

use super::super::pass::Ended;
use super::{Controller, Until};

impl Controller {
    pub(super) fn is_settled(&self) -> bool {
        let Until::Settled { rolled_out } = self.until else { return false };
        if !self.passes.is_empty() || !self.round.is_empty() || !self.drifting.is_empty() {
            return false;
        }
        let done = |key: &Key| match self.last(key) {
            None | Some(Ended::Applied { .. } | Ended::Drifted) => false,
            Some(Ended::Resting(_)) => true,
            Some(Ended::Failed(failure)) => !failure.retried,
            Some(Ended::Stands(Verdict::Rolling(_) | Verdict::Settling(_))) => !rolled_out,
            Some(Ended::Stands(Verdict::Waiting(Why::DependencyNotReady, _))) => self.waits_in_vain(key),
            Some(Ended::Stands(Verdict::Waiting(..) | Verdict::Due)) => false,
            Some(Ended::Stands(Verdict::Converged | Verdict::Blocked(..))) => true,
        };
        self.now_desired.objects.keys().all(done)
    }

    /// What it depends on will not come.
    pub(super) fn waits_in_vain(&self, key: &Key) -> bool {
        let Some(object) = self.now_desired.objects.get(key).filter(|object| object.key.kind == Kind::Service) else {
            return false;
        };
        let given_up = |key: &Key| self.last(key).is_some_and(is_given_up);
        let task_definition = service::task_definition(object).manifest().is_some_and(|key| given_up(&key));
        let group = object.lookup.names().any(|name| given_up(&service::security_group(object, name)));
        let cluster = self.now_desired.clusters().find(|cluster| cluster.aws_name() == service::cluster(object));
        task_definition || group || cluster.is_some_and(|cluster| given_up(&cluster.key))
    }
}

/// Nothing will come of it until somebody does something.
pub(super) fn is_given_up(ended: &Ended) -> bool {
    match ended {
        Ended::Failed(failure) => !failure.retried,
        Ended::Resting(_) | Ended::Stands(Verdict::Blocked(..)) => true,
        Ended::Applied { .. } | Ended::Drifted | Ended::Stands(_) => false,
    }
}
