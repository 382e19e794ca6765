//! Availability zone rebalancing: in the steady state a task starts in the emptiest zone, then one stops in the
//! fullest (§2.12). Must not know: rollouts; while there is one, nothing is rebalanced.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::shape::Tree;

use super::super::task;
use super::events;
use super::round::{Round, Stand};

const PRIMARY: usize = 0;
/// The cause of its events.
const UNBALANCED: &str = "unbalanced";
const UNABLE: &str = "unable to rebalance";
/// The steady state has lasted so long before anything is moved (inferred: "runs only after steady state").
const SETTLED: Duration = Duration::from_secs(600);
/// Zones differ by no more when they are balanced.
const MOST_APART: i64 = 1;

/// What stands where, of all zones that the service could be in.
fn zones(round: &Round<'_>) -> BTreeMap<String, i64> {
    let mut zones = round.zones();
    let network = round.service.spec.at(&["networkConfiguration", "awsvpcConfiguration"]);
    let subnets = network.map(|network| network.list("subnets")).unwrap_or_default();
    for subnet in subnets.iter().filter_map(Tree::as_text) {
        zones.entry(task::zone_of(round.world, subnet)).or_default();
    }
    zones
}

/// `3 tasks in us-east-1a, 1 tasks in us-east-1c`.
fn spelled(zones: &BTreeMap<String, i64>) -> String {
    zones.iter().map(|(zone, count)| format!("{count} tasks in {zone}")).collect::<Vec<_>>().join(", ")
}

fn is_enabled(round: &Round<'_>) -> bool {
    round.service.settings.text("availabilityZoneRebalancing") == Some("ENABLED")
}

/// In the steady state: begins to move one task, where zones are too far apart.
pub(super) fn begin(round: &mut Round<'_>) {
    let now = round.world.now();
    let zones = zones(round);
    let emptiest = zones.iter().min_by_key(|(_, count)| **count);
    let (Some((emptiest, least)), Some(most)) = (emptiest, zones.values().max()) else { return };
    if most - least <= MOST_APART || !is_enabled(round) {
        if round.service.notices.contains_key(UNBALANCED) {
            events::clear(round.service, UNBALANCED);
            let text = format!("is AZ balanced with {}.", spelled(&zones));
            events::tell(round.world, round.service, &text);
        }
        return;
    }
    let ripe = round.service.steady_since.get_or_insert(now).after(SETTLED);
    if now < ripe {
        round.wake_at(Some(ripe));
        return;
    }
    if round.room() <= 0 {
        let text = "was unable to AZ Rebalance because of the service deployment configuration. Update the \
                    maximumPercent value and try again.";
        let again = events::tell_once(round.world, round.service, UNABLE, text);
        round.wake_at(Some(again));
        return;
    }
    let text = format!("is not AZ balanced with {}. AZ Rebalancing in progress.", spelled(&zones));
    events::tell_once(round.world, round.service, UNBALANCED, &text);
    round.service.rebalancing = true;
    round.zone = Some(emptiest.clone());
    round.start(PRIMARY, 1);
    round.zone = None;
    let (_, started) = round.take_news();
    if started.is_empty() {
        round.service.rebalancing = false;
        return;
    }
    let text =
        format!("has started {} tasks in {emptiest} to AZ Rebalance: {}.", started.len(), events::task_list(&started));
    events::tell(round.world, round.service, &text);
}

/// The task that was started is healthy: one in the fullest zone stops. Or it is gone, and so is the reason.
pub(super) fn finish(round: &mut Round<'_>) {
    if !round.service.rebalancing {
        return;
    }
    let desired = round.service.desired;
    let alone = round.service.deployments.len() == 1;
    if !is_enabled(round) || !alone || round.live(PRIMARY) != desired + 1 {
        round.service.rebalancing = false;
        events::tell(round.world, round.service, "stopped AZ Rebalancing.");
        return;
    }
    if round.of(PRIMARY, &[Stand::Healthy]) != desired + 1 {
        return;
    }
    round.service.rebalancing = false;
    let fullest = zones(round).into_iter().max_by_key(|(_, count)| *count).map(|(zone, _)| zone).unwrap_or_default();
    round.stop(PRIMARY, Stand::Healthy, 1);
    let (stopped, _) = round.take_news();
    if !stopped.is_empty() {
        let list = events::task_list(&stopped);
        let text = format!("has stopped {} running tasks in {fullest} due to AZ rebalancing: {list}.", stopped.len());
        events::tell(round.world, round.service, &text);
    }
}
