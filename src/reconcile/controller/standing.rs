//! Becoming leader, and becoming a standby again.

use crate::lease::Standing;
use crate::status::LeaseStatus;

use super::{Care, Controller};

impl Controller {
    /// Shows what this replica is now; a new leader looks at everything anew before it writes.
    pub(super) fn take_standing(&mut self) {
        let standing = self.shared.leadership.standing();
        let now = self.shared.clock.now();
        let leads = matches!(standing, Standing::Leading(_));
        let before = self.status.lease.as_ref().filter(|before| before.leads == leads);
        let since = before.map_or(now, |before| before.since);
        let leader = standing.leader().map(str::to_owned);
        self.status.lease = match &standing {
            Standing::Alone => None,
            Standing::Standby { .. } | Standing::Leading(_) => Some(LeaseStatus { leads, leader, since }),
        };
        self.changed = true;
        if leads {
            self.take_over();
        }
    }

    /// What was seen before the lease was won may have been another leader's work half done. One sweep looks at
    /// everything again; passes that are begun before it ends have no claim, or look for themselves.
    fn take_over(&mut self) {
        if let Some(sweeping) = self.sweeping.take() {
            sweeping.abort();
        }
        self.swept = false;
        self.next_resync = self.shared.clock.now();
        self.round.clear();
        self.drifting.clear();
        for Care { memory, .. } in self.care.values_mut().map(Box::as_mut) {
            // Of our own writes of an earlier term: others have written since.
            (memory.witness, memory.in_place) = (None, None);
        }
    }

    /// A standby looks once a round: who leads looks closer, and both take from one API budget.
    pub(super) fn is_standby(&self) -> bool {
        matches!(self.shared.leadership.standing(), Standing::Standby { .. })
    }
}
