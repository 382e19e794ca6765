//! Exit codes: one enum, printed in every `--help`.

use std::process::ExitCode;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done: converged, or nothing to do.
    Done,
    /// It could not be done: bad input, a call that failed, an object that is not ours.
    Error,
    /// `plan --detailed-exitcode`: there is something to do.
    Changes,
    /// `apply --wait`: a rollout failed and is held.
    RolledBack,
    /// `apply --wait`: not converged in time.
    TimedOut,
}

/// For `--help`.
pub const HELP: &str = "\
Exit codes:
  0  done: converged, or nothing to do
  1  error: bad input, a failed call, an object that is not ours
  2  plan --detailed-exitcode: there is something to do
  3  apply --wait: a rollout failed and is held
  4  apply --wait: not converged in time";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Error => 1,
            Exit::Changes => 2,
            Exit::RolledBack => 3,
            Exit::TimedOut => 4,
        })
    }
}
