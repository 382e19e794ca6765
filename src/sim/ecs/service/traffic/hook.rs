//! Lifecycle hooks: functions that are asked, and pauses that people end (§2.14). Must not know: stages' work.

use crate::shape::{Time, Tree};
use crate::tree;

use std::time::Duration;

use super::super::super::super::world::World;
use super::stage::{self, Row};

/// What a hook's function answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookAnswer {
    Succeeded,
    Failed,
    InProgress,
}

/// How a hook stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Awaiting,
    InProgress,
    Succeeded,
    Failed,
    TimedOut,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Awaiting => "AWAITING_ACTION",
            Self::InProgress => "IN_PROGRESS",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
        }
    }
}

/// One hook at one stage.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    pub id: String,
    /// The function's ARN; a pause has none.
    target: Option<String>,
    pub status: Status,
    /// When the function answers next.
    due: Time,
    /// When nobody is waited for any more.
    expires: Time,
    continues: bool,
}

impl Hook {
    /// Whether nothing is to be awaited from it.
    pub fn is_over(&self) -> bool {
        self.status == Status::Succeeded || (self.status == Status::TimedOut && self.continues)
    }

    pub fn has_failed(&self) -> bool {
        self.status == Status::Failed || (self.status == Status::TimedOut && !self.continues)
    }

    pub fn shown(&self) -> Tree {
        let pauses = self.target.is_none();
        tree! {
            "hookId" => &self.id,
            "targetType" => if pauses { "PAUSE" } else { "AWS_LAMBDA" },
            "status" => self.status.as_str(),
            "expiresAt" => self.expires,
            "timeoutAction" => if self.continues { "CONTINUE" } else { "ROLLBACK" },
        }
        .with_some("targetArn", self.target.as_ref())
    }

    /// Lets time and the world answer; returns when to look again.
    pub fn ask(&mut self, world: &World) -> Option<Time> {
        let now = world.now();
        if !matches!(self.status, Status::Awaiting | Status::InProgress) {
            return None;
        }
        if now >= self.expires {
            self.status = Status::TimedOut;
            return None;
        }
        let Some(target) = &self.target else { return Some(self.expires) };
        if now >= self.due {
            match world.ecs.outside.hooks.get(target).copied().unwrap_or(HookAnswer::Succeeded) {
                HookAnswer::Succeeded => self.status = Status::Succeeded,
                HookAnswer::Failed => self.status = Status::Failed,
                HookAnswer::InProgress => self.due = now.after(stage::HOOK_AGAIN),
            }
        }
        (self.status == Status::InProgress).then(|| self.due.min(self.expires))
    }
}

/// The hooks that a stage has.
pub(super) fn at(world: &mut World, configured: &[Tree], row: &Row) -> Vec<Hook> {
    let Some(name) = row.hooked else { return Vec::new() };
    let has = |one: &&Tree| one.list("lifecycleStages").iter().any(|stage| stage.as_text() == Some(name));
    let now = world.now();
    let mut hooks = Vec::new();
    for one in configured.iter().filter(has) {
        let pauses = one.text("targetType") == Some("PAUSE");
        let timeout = one.get("timeoutConfiguration");
        let usual = if pauses { stage::PAUSE_MINUTES } else { 24 * 60 };
        let minutes = timeout.and_then(|one| one.int("timeoutInMinutes")).unwrap_or(usual);
        hooks.push(Hook {
            id: world.uuid(),
            target: one.text("hookTargetArn").filter(|_| !pauses).map(str::to_owned),
            status: if pauses { Status::Awaiting } else { Status::InProgress },
            due: now.after(stage::HOOK_ANSWERS),
            expires: now.after(Duration::from_secs(u64::try_from(minutes).unwrap_or(0) * 60)),
            // Without a word, going back is the safe end (inferred).
            continues: timeout.and_then(|one| one.text("action")) == Some("CONTINUE"),
        });
    }
    hooks
}
