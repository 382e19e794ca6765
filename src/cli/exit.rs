//! Exit codes: one enum, printed in every `--help`.

use std::process::ExitCode;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done: converged, or nothing to do.
    Done,
    /// It could not be done: bad input, a call that failed.
    Error,
    /// `plan --detailed-exitcode`: there is something to do.
    Changes,
    /// `validate`: it could not look.
    Unread,
    /// `apply`: a rollout failed and is held.
    RolledBack,
    /// `apply`: not done in time, or detached before it was.
    TimedOut,
    /// `apply`: something must not be written: not ours, suspended, overridden, a cluster that is not there.
    /// `preflight`: a rollout would be held.
    /// `import`: something could not be brought along.
    Blocked,
    /// `apply FILE`: something has moved since the plan was made.
    Moved,
    /// Stopped at once, by a second signal.
    Interrupted,
}

/// For `--help`.
pub const HELP: &str = "\
Exit codes:
  0  done: converged, or nothing to do
  1  error: bad flags or manifests, a failed call
  2  plan --detailed-exitcode: there is something to do, or in the way of it; validate: it could not look
  3  apply: a rollout failed and is held
  4  apply: a rollout, or all of it, was not done in time, or you detached
  5  apply: blocked: not ours, suspended, overridden, held by preflight, to be replaced by hand, or nothing to build on;
     preflight: something would be held, or would have to wait;
     import: written, and something could not be brought along
  6  apply FILE: the manifests or what lives in AWS have moved since the plan was made
  130  stopped at once, by a second signal";

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::Changes | Self::Unread => 2,
            Self::RolledBack => 3,
            Self::TimedOut => 4,
            Self::Blocked => 5,
            Self::Moved => 6,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
