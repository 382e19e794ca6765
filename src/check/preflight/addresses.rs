//! Whether the subnets have a free address for each task that a rollout starts, zone by zone (docs/ecs.md §9.1).
//! Must not know: routes, instances.
//!
//! ECS starts tasks in the zone that has the fewest of the service (documented) and does not look at addresses first
//! (inferred): a zone that is full fails its share of the tasks, whatever the others have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::check::Report;
use crate::check::rule::Rule;
use crate::rollout::Course;
use crate::shape::Tree;

use super::{Case, Due, SUBNETS, row};

pub const RULES: &[Rule] = &[
    row!(
        "preflight-addresses",
        Error,
        Wait,
        short,
        "Each task in awsvpc mode takes an address of its subnet, and a rollout has both old and new tasks for a while: \
         the subnets need as many free addresses as maximumPercent starts tasks beyond those that run, in each zone its \
         share (EC2: InsufficientFreeAddressesInSubnet)."
    ),
    row!(
        "preflight-addresses-claimed",
        Warning,
        Wait,
        claimed_short,
        "What the rollouts of other services are about to take is not free, and how much that will be is an estimate: \
         where there are enough free addresses only without them, a rollout waits until they are over."
    ),
    row!(
        "preflight-addresses-tight",
        Warning,
        Warn,
        tight,
        "A task that has stopped keeps its address for some seconds, and tasks are not always spread evenly: where \
         there are only just enough free addresses, some tasks may fail to start and be tried again."
    ),
];

/// The subnets of one zone, and what is asked of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Zone {
    pub name: String,
    /// Free addresses of each subnet.
    pub subnets: BTreeMap<String, i64>,
    /// Of them, what other services' rollouts are about to take.
    pub claimed: i64,
    /// The zone's share of the tasks that are started.
    pub needed: i64,
}

impl Zone {
    /// Addresses that nobody else is about to take.
    pub fn free(&self) -> i64 {
        self.subnets.values().sum::<i64>() - self.claimed
    }
}

/// `us-east-1a: 2 needed, 11 free (subnet-1 11)`.
impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subnets: Vec<String> = self.subnets.iter().map(|(id, free)| format!("{id} {free}")).collect();
        let (needed, free) = (self.needed, self.free().max(0));
        write!(f, "{}: {needed} needed, {free} free ({}", self.name, subnets.join(", "))?;
        match self.claimed {
            0 => f.write_str(")"),
            claimed => write!(f, ", {claimed} of them claimed by other rollouts)"),
        }
    }
}

/// How what is not divided evenly is divided.
#[derive(Clone, Copy)]
enum Share {
    /// What a zone gets at least.
    Least,
    /// What it may get.
    Most,
}

impl Share {
    fn of(self, count: i64, parts: usize) -> i64 {
        let parts = i64::try_from(parts).unwrap_or(i64::MAX).max(1);
        match self {
            Self::Least => count.max(0) / parts,
            Self::Most => (count.max(0) + parts - 1) / parts,
        }
    }
}

/// The zones of the service's subnets; none where tasks have no interfaces of their own, or nobody knows.
pub fn zones(case: &Case<'_>) -> Vec<Zone> {
    let needed = case.course().map_or(0, |course| course.surge());
    divided(case, needed, Share::Most)
}

fn divided(case: &Case<'_>, needed: i64, share: Share) -> Vec<Zone> {
    let mut zones: BTreeMap<&str, BTreeMap<String, i64>> = BTreeMap::new();
    for (_, id) in case.subnets() {
        let Ok(Some(subnet)) = case.facts.network.subnet(id) else { continue };
        let free = subnet.int("AvailableIpAddressCount").unwrap_or(0);
        zones.entry(zone(subnet)).or_default().insert(id.to_owned(), free);
    }
    let parts = zones.len();
    let one = |(name, subnets): (&str, BTreeMap<String, i64>)| Zone {
        claimed: claimed(case, name, &subnets, share),
        needed: share.of(needed, parts),
        name: name.to_owned(),
        subnets,
    };
    zones.into_iter().map(one).collect()
}

fn zone(subnet: &Tree) -> &str {
    subnet.text("AvailabilityZone").unwrap_or_default()
}

/// What others are about to take of these subnets: their zone's share, if a subnet of theirs is among these.
fn claimed(case: &Case<'_>, name: &str, subnets: &BTreeMap<String, i64>, share: Share) -> i64 {
    let zone_of = |id: &String| case.facts.network.subnet(id).ok().flatten().map(zone);
    // In how many zones those are that name these subnets, if they may take of ours.
    let parts = |theirs: &[String]| {
        let zones: BTreeSet<&str> = theirs.iter().filter_map(zone_of).collect();
        let here: Vec<&String> = theirs.iter().filter(|id| zone_of(id) == Some(name)).collect();
        let meets = here.iter().filter(|id| subnets.contains_key(**id)).count();
        // Which of several subnets in the zone it takes is not known.
        let all = meets == here.len() || matches!(share, Share::Most);
        (meets > 0 && all).then_some(zones.len())
    };
    // Thousands of services may begin at once, and most name the same subnets.
    let mut known: BTreeMap<&[String], Option<usize>> = BTreeMap::new();
    let taken = case.claims.iter().filter_map(|claim| {
        let parts = (*known.entry(&claim.subnets).or_insert_with_key(|theirs| parts(theirs)))?;
        Some(match share {
            Share::Least => share.of(claim.tasks, parts),
            // Those that are stopped on the way may all have been in one zone, and others then all start there.
            Share::Most => share.of(claim.held, if claim.held > claim.tasks { 1 } else { parts }),
        })
    });
    taken.sum()
}

/// Why a course lacks addresses, and how they stand.
struct Short {
    message: String,
    zones: Vec<Zone>,
}

/// Why the course lacks addresses whatever others do: what they will take is never sure.
fn lack_surely(case: &Case<'_>, course: &Course) -> Option<Short> {
    lack(&Case { claims: &[], ..*case }, course)
}

/// Why it does with what others are about to take.
fn lack(case: &Case<'_>, course: &Course) -> Option<Short> {
    let needed = course.surge();
    let zones = divided(case, needed, Share::Least);
    let free: i64 = zones.iter().map(Zone::free).sum();
    // Others' shares were rounded down; all together they take what they take.
    let all_of = |claim: &&super::Claim| {
        let ours = |id: &String| case.subnets().any(|(_, own)| own == id);
        !claim.subnets.is_empty() && claim.subnets.iter().all(ours)
    };
    let claimed: i64 = case.claims.iter().filter(all_of).map(|claim| claim.tasks).sum();
    let free = free.min(zones.iter().flat_map(|zone| zone.subnets.values()).sum::<i64>() - claimed);
    let starts = |count: i64| if count == 1 { "1 task".to_owned() } else { format!("{count} tasks") };
    if needed > free && !zones.is_empty() {
        let free = free.max(0);
        let message =
            format!("the {} starts {} more, and {free} addresses are free", case.due.as_str(), starts(needed));
        return Some(Short { message, zones: divided(case, needed, Share::Most) });
    }
    // Where tasks are stopped in the same moment, the others may all be started where those were.
    let first = course.first_started();
    let full = divided(case, first, Share::Least).into_iter().find(|zone| zone.free() < zone.needed)?;
    let message = format!(
        "the {} starts {} at first, at least {} of them in {}, where {} addresses are free",
        case.due.as_str(),
        starts(first),
        full.needed,
        full.name,
        full.free().max(0)
    );
    Some(Short { message, zones: divided(case, needed, Share::Most) })
}

fn short(case: &Case<'_>, report: &mut Report<'_>) {
    let Some(course) = case.course().filter(|course| course.surge() > 0) else { return };
    if let Err(why) = case.facts.network.subnets.known() {
        if case.subnets().next().is_some() {
            report.unknown(SUBNETS, format!("whether {} addresses are free is not known", course.surge()), why);
        }
        return;
    }
    let Some(Short { message, zones }) = lack_surely(case, &course) else { return };
    report.value(SUBNETS, message, remedy(case, &course));
    report.evidence(zones.iter().map(Zone::to_string).collect());
}

fn claimed_short(case: &Case<'_>, report: &mut Report<'_>) {
    let surge = |course: &Course| course.surge() > 0 && lack_surely(case, course).is_none();
    let Some(course) = case.course().filter(surge) else { return };
    let Some(Short { message, zones }) = lack(case, &course) else { return };
    let others: Vec<&str> = case.claims.iter().filter(|claim| claim.held > 0).map(|claim| claim.of.as_str()).collect();
    let message = format!("{message} beside what other rollouts are about to take");
    report.value(SUBNETS, message, format!("wait until the rollouts of {} are over", others.join(", ")));
    report.evidence(zones.iter().map(Zone::to_string).collect());
}

/// The largest maximumPercent that fits and still moves, if there is one.
fn remedy(case: &Case<'_>, course: &Course) -> String {
    let more = "give it subnets with more free addresses";
    let (Due::Rollout, Some((minimum, maximum))) = (case.due, course.percents) else {
        return format!("{more}, or free some");
    };
    let with = |maximum: i64| Course::rolling(course.from, course.desired, minimum, maximum);
    let fits = |course: &Course| !course.blocked && lack(case, course).is_none();
    let easy = |course: &Course| fits(course) && strained(case, course).is_none();
    let largest = |fits: &dyn Fn(&Course) -> bool| (100..maximum).rev().find(|percent| fits(&with(*percent)));
    match (largest(&easy), largest(&fits)) {
        (Some(easy), Some(fits)) if easy < fits => {
            return format!("{more}, or lower maximumPercent to {easy}, to {fits} at the most");
        }
        (_, Some(fits)) => return format!("{more}, or lower maximumPercent to {fits}"),
        (_, None) => {}
    }
    let less = (course.desired - 1).max(0) * 100 / course.desired.max(1);
    let first = Course::rolling(course.from, course.desired, less, 100);
    if fits(&first) {
        return format!("{more}, or stop tasks first: minimumHealthyPercent {less}, maximumPercent 100");
    }
    format!("{more}, or free some")
}

fn tight(case: &Case<'_>, report: &mut Report<'_>) {
    let Some(course) = case.course().filter(|course| lack(case, course).is_none()) else { return };
    let Some(Short { message, zones }) = strained(case, &course) else { return };
    report.value(SUBNETS, message, "some tasks may fail to start and be tried again; subnets with more room avoid it");
    report.evidence(zones.iter().map(Zone::to_string).collect());
}

/// Why a course may lack addresses for a while.
fn strained(case: &Case<'_>, course: &Course) -> Option<Short> {
    let needed = course.surge_held();
    let spread = course.spread().max(needed);
    let mut zones = divided(case, spread, Share::Most);
    zones.iter_mut().for_each(|zone| zone.needed = zone.needed.min(needed));
    // Old tasks make two subnets of a zone look alike that are not: one more may go to either.
    let more = i64::from(spread > course.first_started());
    let few = |zone: &&Zone| {
        let each = (Share::Most.of(zone.needed, zone.subnets.len()) + more).min(zone.needed);
        // Others may take all of theirs from any one of them.
        zone.free() < zone.needed || zone.subnets.values().any(|free| free - zone.claimed < each)
    };
    let full = zones.iter().filter(|_| needed > 0).find(few)?;
    let message = format!(
        "up to {needed} tasks more than now hold addresses at a time, up to {} of them in {}, where {} are free",
        full.needed,
        full.name,
        full.free().max(0)
    );
    Some(Short { message, zones })
}
