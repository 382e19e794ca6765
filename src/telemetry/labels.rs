//! The closed sets of label values. Must not know: what they are counted for.
//!
//! A label value is one of these or a `&'static str` of the program: nothing that a manifest or AWS says can become a
//! new series, except the names of clusters, services and revisions, which have a cap of their own.

/// An enum whose values are label values.
macro_rules! label {
    ($(#[$doc:meta])* $name:ident { $($(#[$what:meta])* $variant:ident => $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$what])* $variant,)+ }

        impl $name {
            /// All values.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// As the label says it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

label! {
    /// How a read of the directory ended.
    LoadResult {
        /// A new revision is in force.
        Loaded => "loaded",
        /// The revision in force is still the newest.
        Unchanged => "unchanged",
        /// It was read, and documents have problems; their last good state stays in force.
        Invalid => "invalid",
        /// It could not be read whole; everything stays in force.
        Unreadable => "unreadable",
    }
}

label! {
    /// What made the directory be looked at.
    SourceEvent {
        Inotify => "inotify",
        Poll => "poll",
        Overflow => "overflow",
        Signal => "signal",
    }
}

label! {
    /// How a pass ended.
    PassResult {
        Unchanged => "unchanged",
        Changed => "changed",
        /// A rollout is in progress, or something it depends on is not there yet.
        Waiting => "waiting",
        /// It failed, and is tried again.
        Retry => "retry",
        /// It failed, and is not tried again until the input changes.
        Terminal => "terminal",
        Suspended => "suspended",
        /// Nothing is tried until the input changes or a person acts: held, overridden, not ours.
        Blocked => "blocked",
        Timeout => "timeout",
        Panic => "panic",
    }
}

label! {
    /// The parts of a pass.
    Stage {
        Observe => "observe",
        Plan => "plan",
        Apply => "apply",
    }
}

label! {
    /// Why a key was queued.
    Reason {
        Revision => "revision",
        Drift => "drift",
        Rollout => "rollout",
        Resync => "resync",
        User => "user",
        Retry => "retry",
    }
}

label! {
    /// Which of the queue's lanes a key waits in.
    Priority {
        High => "high",
        Normal => "normal",
        Low => "low",
    }
}

label! {
    /// How a call to AWS ended.
    CallOutcome {
        Ok => "ok",
        Throttled => "throttled",
        AccessDenied => "access_denied",
        NotFound => "not_found",
        Validation => "validation",
        Conflict => "conflict",
        Server => "server",
        Timeout => "timeout",
        Network => "network",
    }
}

impl CallOutcome {
    /// The outcome that an error's category stands for; no category is success.
    pub fn of(category: Option<&str>) -> Self {
        match category {
            None => Self::Ok,
            Some("Throttled") => Self::Throttled,
            Some("AccessDenied") => Self::AccessDenied,
            Some("NotFound") => Self::NotFound,
            Some("Invalid") => Self::Validation,
            Some("Conflict") => Self::Conflict,
            Some("Timeout") => Self::Timeout,
            Some("Network") => Self::Network,
            Some(_) => Self::Server,
        }
    }
}

label! {
    /// What the cache of observations answered.
    CacheResult {
        Hit => "hit",
        Miss => "miss",
        /// A fresh observation was asked for.
        Forced => "forced",
    }
}

label! {
    /// What was done to an object.
    Action {
        Created => "created",
        Updated => "updated",
        Deleted => "deleted",
        Adopted => "adopted",
        Registered => "registered",
        Deregistered => "deregistered",
    }
}

label! {
    /// How a rollout ended.
    RolloutResult {
        Completed => "completed",
        Failed => "failed",
        RolledBack => "rolled_back",
        /// Another deployment took its place.
        Superseded => "superseded",
        TimedOut => "timed_out",
    }
}

label! {
    /// What preflight came to.
    PreflightResult {
        Passed => "passed",
        /// It goes on, and something was found.
        Warned => "warned",
        /// It goes on, and something could not be looked at.
        Unknown => "unknown",
        /// It waits until it can work.
        Waiting => "waiting",
        /// It is not made before the input changes.
        Blocked => "blocked",
    }
}
