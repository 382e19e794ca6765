//! A replacement in its order: what is done, what is waited for, and for how long no task runs.
//! Must not know: when it is due.

use crate::kinds::ReplaceHow;
use crate::shape::Tree;

/// The services that an object had before under other names, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Before {
    /// As DescribeServices shows them.
    pub services: Vec<Tree>,
    /// Why there may be others.
    pub unknown: Option<String>,
}

/// One service that takes the place of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Replacement {
    pub how: ReplaceHow,
    /// The members for whose sake.
    pub members: Vec<String>,
    /// The names in AWS of those that go.
    pub old: Vec<String>,
    /// Of the one that comes.
    pub new: String,
    pub at: Act,
    /// How long no task runs, where none does for a while.
    pub dip: Option<Dip>,
}

/// What is done, or waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Create,
    /// Wait until the new service is Ready.
    Ready,
    /// Let the old one have no tasks.
    Drain,
    /// Wait until its tasks have stopped.
    Stopped,
    Delete,
    /// Wait until it is INACTIVE.
    Gone,
}

/// Where a step of a replacement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Done,
    Now,
    Later,
}

impl Standing {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Now => "now",
            Self::Later => "later",
        }
    }
}

impl Act {
    /// The call it is made by; none where it is waited for.
    pub fn operation(self) -> Option<&'static str> {
        match self {
            Self::Create => Some("CreateService"),
            Self::Drain => Some("UpdateService"),
            Self::Delete => Some("DeleteService"),
            Self::Ready | Self::Stopped | Self::Gone => None,
        }
    }
}

impl Replacement {
    /// All that is done, in its order.
    pub fn acts(&self) -> impl Iterator<Item = (Act, Standing)> {
        let order: &[Act] = match self.how {
            ReplaceHow::StartFirst => &[Act::Create, Act::Ready, Act::Drain, Act::Stopped, Act::Delete, Act::Gone],
            ReplaceHow::StopFirst => &[Act::Drain, Act::Stopped, Act::Delete, Act::Gone, Act::Create, Act::Ready],
        };
        let at = order.iter().position(|act| *act == self.at).unwrap_or(0);
        order.iter().enumerate().map(move |(index, act)| match index.cmp(&at) {
            std::cmp::Ordering::Less => (*act, Standing::Done),
            std::cmp::Ordering::Equal => (*act, Standing::Now),
            std::cmp::Ordering::Greater => (*act, Standing::Later),
        })
    }

    /// Whether something of it has been done.
    pub fn is_begun(&self) -> bool {
        self.acts().any(|(_, standing)| standing == Standing::Done)
    }

    /// An act in words.
    pub fn words(&self, act: Act) -> String {
        let (old, new) = (self.old.join(", "), &self.new);
        match act {
            Act::Create => format!("create {new}"),
            Act::Ready => format!("wait until {new} is Ready"),
            Act::Drain => format!("let {old} have no tasks"),
            Act::Stopped => format!("wait until the tasks of {old} have stopped"),
            Act::Delete => format!("delete {old}"),
            Act::Gone => format!("wait until {old} is INACTIVE"),
        }
    }

    /// What is done, in a few words.
    pub fn story(&self) -> String {
        let members = self.members.join(", ");
        let (old, new) = (self.old.join(", "), &self.new);
        match self.how {
            ReplaceHow::StartFirst => {
                format!("{new} takes the place of {old} ({members} changed), and is started first")
            }
            ReplaceHow::StopFirst if old == *new => format!("{members} changed: it is stopped and created anew"),
            ReplaceHow::StopFirst => {
                format!("{new} takes the place of {old} ({members} changed), which is stopped first")
            }
        }
    }
}

/// How long no task is there to serve, estimated from what is declared and from assumptions that are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dip {
    pub parts: Vec<(&'static str, u64)>,
}

/// ELB's default; what a target group really says, nobody has asked.
const DEREGISTRATION_S: u64 = 300;
/// docs/ecs.md §3.3.
const STOP_TIMEOUT_S: i64 = 30;
/// ECS takes the network interface back (weak).
const DEPROVISIONING_S: u64 = 10;
/// From CreateService to RUNNING, with the image's pull (weak).
const START_S: u64 = 60;
/// A container's health check (docs/ecs.md §3.4).
const INTERVAL_S: i64 = 30;
/// The operator looks every five seconds while it is at it, and has three things to see.
const LOOKS_S: u64 = 15;

impl Dip {
    /// Of a service as it is shown, which is to run `definition`.
    pub fn of(shown: &Tree, definition: Option<&Tree>) -> Self {
        let mut parts = Vec::new();
        let containers = definition.map(|definition| definition.list("containerDefinitions")).unwrap_or_default();
        let balanced = !shown.list("loadBalancers").is_empty();
        parts.extend(balanced.then_some(("until load balancers let go, by their default", DEREGISTRATION_S)));
        let stop = containers.iter().filter_map(|container| container.int("stopTimeout")).max();
        let stop = u64::try_from(stop.unwrap_or(STOP_TIMEOUT_S)).unwrap_or_default();
        parts.push(("until containers have stopped (stopTimeout)", stop));
        parts.push(("until ECS has taken the tasks down (assumed)", DEPROVISIONING_S));
        parts.push(("for the operator to look and act", LOOKS_S));
        parts.push(("until new tasks run (assumed)", START_S));
        let checked = containers.iter().filter_map(|container| container.get("healthCheck"));
        let check = |check: &Tree| check.int("startPeriod").unwrap_or(0) + check.int("interval").unwrap_or(INTERVAL_S);
        let healthy = checked.map(check).max().and_then(|seconds| u64::try_from(seconds).ok());
        parts.extend(healthy.map(|seconds| ("until health checks pass (startPeriod, interval)", seconds)));
        Self { parts }
    }

    pub fn seconds(&self) -> u64 {
        self.parts.iter().map(|(_, seconds)| seconds).sum()
    }

    /// `no task serves for about 115 s: 30 s until containers have stopped (stopTimeout), …`.
    pub fn story(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(|(what, seconds)| format!("{seconds} s {what}")).collect();
        format!("no task serves for about {} s: {}", self.seconds(), parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn what_was_done_is_before_what_is_due() {
        let of = |how, at| Replacement {
            how,
            members: vec!["launchType".into()],
            old: vec!["web".into()],
            new: "web-2".into(),
            at,
            dip: None,
        };
        for how in ReplaceHow::ALL {
            let first = of(how, Act::Create).acts().next().map(|(act, _)| act);
            for act in [Act::Create, Act::Ready, Act::Drain, Act::Stopped, Act::Delete, Act::Gone] {
                let one = of(how, act);
                let now: Vec<Act> =
                    one.acts().filter(|(_, standing)| *standing == Standing::Now).map(|(act, _)| act).collect();
                assert_eq!(now, [act]);
                assert_eq!(one.is_begun(), first != Some(act));
            }
        }
    }

    #[test]
    fn the_dip_names_what_it_is_made_of() {
        let container = tree! { "stopTimeout" => 90, "healthCheck" => tree! { "startPeriod" => 20, "interval" => 10 } };
        let definition = tree! { "containerDefinitions" => vec![container, tree! { "stopTimeout" => 5 }] };
        let bare = Dip::of(&tree! {}, None);
        assert_eq!(bare.seconds(), 30 + 10 + 15 + 60);
        let shown = tree! { "loadBalancers" => vec![tree! { "targetGroupArn" => "tg" }] };
        let dip = Dip::of(&shown, Some(&definition));
        assert_eq!(dip.seconds(), 300 + 90 + 10 + 15 + 60 + 30);
        assert!(dip.story().contains("90 s until containers have stopped (stopTimeout)"), "{}", dip.story());
    }
}
