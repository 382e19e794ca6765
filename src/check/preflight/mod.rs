//! Preflight: whether a service that is about to roll, to be created or scaled out, will find room, a way out and
//! percentages that let it move. Pure over facts that were observed before.
//!
//! Its arithmetic is its own and `rollout/`'s: the embedded ECS counts by itself, so that the two can be held against
//! each other. What could not be observed is never taken for sound. Must not know: clients, how facts were observed.

pub mod addresses;
pub mod capacity;
mod facts;
mod needs;
pub mod network;
pub mod percent;
mod verdict;
pub mod way_out;

#[cfg(test)]
mod tests;

use crate::kinds::{Object, Place, service};
use crate::rollout::Course;
use crate::shape::Tree;

pub use addresses::Zone;
pub use facts::{Claim, Fact, Facts, Network, Size};
pub use verdict::{Hold, Judged, Preflight, look};

/// What is about to happen to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    Create,
    Rollout,
    ScaleOut,
}

impl Due {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "creation",
            Self::Rollout => "rollout",
            Self::ScaleOut => "scale-out",
        }
    }
}

/// What tasks run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    Fargate,
    Ec2,
    External,
}

/// One service, and all that is known of where it would run.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    pub due: Due,
    /// As declared.
    pub spec: &'a Tree,
    pub place: &'a Place,
    pub cluster_name: &'a str,
    /// As DescribeServices shows it, where it is there.
    pub shown: Option<&'a Tree>,
    /// As DescribeClusters shows it.
    pub cluster: Option<&'a Tree>,
    /// The input of RegisterTaskDefinition, or what DescribeTaskDefinition shows of it.
    pub definition: &'a Fact<Tree>,
    pub facts: &'a Facts,
    /// What others are about to take.
    pub claims: &'a [Claim],
}

impl<'a> Case<'a> {
    /// A case of a declared service.
    pub fn of(object: &'a Object, due: Due, definition: &'a Fact<Tree>, facts: &'a Facts) -> Self {
        let (place, cluster_name) = (&object.key.place, service::cluster(object));
        Self {
            due,
            spec: &object.spec,
            place,
            cluster_name,
            shown: None,
            cluster: None,
            definition,
            facts,
            claims: &[],
        }
    }

    /// A member of the manifest or, where that leaves it to others, of the live service.
    pub fn member(&self, name: &str) -> Option<&'a Tree> {
        let said = self.spec.get(name).filter(|value| !value.is_empty());
        said.or_else(|| self.shown.and_then(|shown| shown.get(name)).filter(|value| !value.is_empty()))
    }

    pub fn is_daemon(&self) -> bool {
        self.member("schedulingStrategy").and_then(Tree::as_text) == Some("DAEMON")
    }

    /// Tasks that are there, running or on their way.
    pub fn present(&self) -> i64 {
        let count = |name: &str| self.shown.and_then(|shown| shown.int(name)).unwrap_or(0);
        count("runningCount") + count("pendingCount")
    }

    /// Tasks that are wanted; a new service of which nobody says so gets one (`kinds::service::create`).
    pub fn desired(&self) -> i64 {
        let live = self.shown.and_then(|shown| shown.int("desiredCount"));
        let instances = || self.facts.instances.get(self.cluster_name)?.known().ok();
        let daemons = || instances().filter(|_| self.is_daemon()).and_then(|all| i64::try_from(all.len()).ok());
        self.spec.int("desiredCount").or(live).or_else(daemons).unwrap_or(1).max(0)
    }

    pub fn controller(&self) -> &'a str {
        self.member("deploymentController").and_then(|it| it.text("type")).unwrap_or(service::ECS)
    }

    /// Minimum and maximum percent as the manifest says them, else the defaults (docs/ecs.md §2.1).
    pub fn percents(&self) -> (i64, i64) {
        let (usual_minimum, usual_maximum) = if self.is_daemon() { (0, 100) } else { (100, 200) };
        let configuration = self.spec.get("deploymentConfiguration");
        let number = |name: &str, usual: i64| configuration.and_then(|it| it.int(name)).unwrap_or(usual);
        (number("minimumHealthyPercent", usual_minimum), number("maximumPercent", usual_maximum))
    }

    /// How it goes; `None` where that is another's to say: CodeDeploy rolls, and task sets are scaled.
    pub fn course(&self) -> Option<Course> {
        match (self.controller(), self.due) {
            (service::ECS, _) | (service::CODE_DEPLOY, Due::Create | Due::ScaleOut) => {}
            _ => return None,
        }
        let (from, desired) = (self.present(), self.desired());
        let strategy = self.spec.at(&["deploymentConfiguration", "strategy"]).and_then(Tree::as_text);
        Some(match (self.due, strategy.unwrap_or("ROLLING")) {
            (Due::Create, _) => Course::adding(0, desired),
            (Due::ScaleOut, _) => Course::adding(from, desired),
            (Due::Rollout, "ROLLING") => {
                let (minimum, maximum) = self.percents();
                Course::rolling(from, desired, minimum, maximum)
            }
            (Due::Rollout, _) => Course::shifting(from, desired),
        })
    }

    /// Where its tasks run: by the manifest, the live service, or the cluster's default strategy (docs/ecs.md §3.5).
    pub fn platform(&self) -> Platform {
        let provides = |item: &Tree| matches!(item.text("capacityProvider"), Some("FARGATE" | "FARGATE_SPOT"));
        match self.launch() {
            Some("FARGATE") => Platform::Fargate,
            Some("EXTERNAL") => Platform::External,
            Some(_) => Platform::Ec2,
            None if self.strategy().iter().any(provides) => Platform::Fargate,
            None => Platform::Ec2,
        }
    }

    /// A manifest with a strategy has left the live service's launch type behind.
    fn launch(&self) -> Option<&'a str> {
        let declared = self.spec.get("launchType");
        let live = || self.shown.filter(|_| self.spec.list("capacityProviderStrategy").is_empty())?.get("launchType");
        declared.or_else(live).and_then(Tree::as_text).filter(|launch| !launch.is_empty())
    }

    /// The capacity providers it goes by; none with a launch type.
    pub fn strategy(&self) -> &'a [Tree] {
        if self.launch().is_some() {
            return &[];
        }
        let own = self.member("capacityProviderStrategy");
        let usual = || self.cluster?.get("defaultCapacityProviderStrategy");
        own.or_else(usual).and_then(Tree::as_list).unwrap_or_default()
    }

    /// `awsvpcConfiguration`, where its tasks have interfaces of their own.
    pub fn vpc(&self) -> Option<&'a Tree> {
        self.spec.at(&["networkConfiguration", "awsvpcConfiguration"])
    }

    /// The subnets with their places in the manifest's list.
    pub fn subnets(&self) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
        let subnets = self.vpc().map(|vpc| vpc.list("subnets")).unwrap_or_default();
        subnets.iter().enumerate().filter_map(|(index, subnet)| Some((index, subnet.as_text()?)))
    }
}

/// The places in a manifest that findings are about.
const SUBNETS: &str = "networkConfiguration.awsvpcConfiguration.subnets";
const GROUPS: &str = "networkConfiguration.awsvpcConfiguration.securityGroups";
const PUBLIC: &str = "networkConfiguration.awsvpcConfiguration.assignPublicIp";
const DESIRED: &str = "desiredCount";
const MAXIMUM: &str = "deploymentConfiguration.maximumPercent";

/// A row of a subject's table. No manifest alone can show what such a rule is about.
macro_rules! row {
    ($name:literal, $severity:ident, $policy:ident, $look:expr, $summary:expr $(,)?) => {
        $crate::check::rule::Rule {
            name: $name,
            severity: $crate::manifest::Severity::$severity,
            summary: $summary,
            look: $crate::check::rule::Look::Preflight($crate::kinds::Policy::$policy, $look),
            example: None,
        }
    };
}
use row;
