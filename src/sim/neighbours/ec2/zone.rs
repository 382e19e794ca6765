//! Availability zones: every region has a, b and c. Must not know: what is in them.

use crate::shape::Tree;
use crate::sim::ecs::Fault;
use crate::sim::ecs::coverage::{Entry, full};
use crate::tree;

use super::listing::Listing;

/// The operations answered here.
pub const OPERATIONS: &[Entry] = &[full("DescribeAvailabilityZones", |world, input| {
    let by =
        if input.list("ZoneIds").is_empty() { LISTING } else { Listing { ids: "ZoneIds", id: "ZoneId", ..LISTING } };
    by.matching(world, input).map(|zones| tree! { "AvailabilityZones" => zones })
})];

const LISTING: Listing = Listing {
    ids: "ZoneNames",
    missing: |name| Fault::new("InvalidParameterValue", format!("Invalid availability zone: [{name}]")),
    id: "ZoneName",
    filter: "Filters",
    list: "AvailabilityZones",
    filters: &[
        ("group-name", "GroupName"),
        ("message", "Messages.Message"),
        ("opt-in-status", "OptInStatus"),
        ("region-name", "RegionName"),
        ("state", "State"),
        ("zone-id", "ZoneId"),
        ("zone-name", "ZoneName"),
        ("zone-type", "ZoneType"),
    ],
    all: |world| LETTERS.iter().map(|letter| show(&world.settings.region, letter)).collect(),
};

/// The zones' letters.
pub const LETTERS: &[&str] = &["a", "b", "c"];

fn show(region: &str, letter: &str) -> Tree {
    let name = format!("{region}{letter}");
    tree! {
        "ZoneId" => id(region, &name),
        "ZoneName" => name,
        "RegionName" => region,
        "GroupName" => format!("{region}-zg-1"),
        "NetworkBorderGroup" => region,
        "OptInStatus" => "opt-in-not-required",
        "State" => "available",
        "ZoneType" => "availability-zone",
        "Messages" => Vec::<Tree>::new(),
    }
}

/// `use1-az1` of `us-east-1a`. In this account the letters and the numbers agree.
pub fn id(region: &str, zone: &str) -> String {
    let number = zone.strip_prefix(region).and_then(|letter| LETTERS.iter().position(|known| *known == letter));
    let mut words = region.split('-');
    let geography = words.next().unwrap_or_default();
    let direction = |word: &str| match word {
        "northeast" => "ne".to_owned(),
        "northwest" => "nw".to_owned(),
        "southeast" => "se".to_owned(),
        "southwest" => "sw".to_owned(),
        word => word.chars().take(1).collect(),
    };
    let rest: String = words.map(direction).collect();
    format!("{geography}{rest}-az{}", number.unwrap_or(0) + 1)
}

/// The zone that a name or an id means.
///
/// # Errors
/// `InvalidParameterValue` for one that the region does not have.
pub fn read(region: &str, name: Option<&str>, zone_id: Option<&str>) -> Result<Option<String>, Fault> {
    let Some(wanted) = name.or(zone_id) else { return Ok(None) };
    let mut zones = LETTERS.iter().map(|letter| format!("{region}{letter}"));
    let found = zones.find(|zone| zone == wanted || (name.is_none() && id(region, zone) == wanted));
    let unknown = || {
        let all = LETTERS.iter().map(|letter| format!("{region}{letter}")).collect::<Vec<_>>().join(", ");
        Fault::new(
            "InvalidParameterValue",
            format!(
                "Value ({wanted}) for parameter availabilityZone is invalid. Subnets can currently only be created \
                     in the following availability zones: {all}."
            ),
        )
    };
    found.map(Some).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_their_ids() {
        for (region, zone, expected) in [
            ("us-east-1", "us-east-1a", "use1-az1"),
            ("eu-central-1", "eu-central-1c", "euc1-az3"),
            ("ap-southeast-2", "ap-southeast-2b", "apse2-az2"),
        ] {
            assert_eq!(id(region, zone), expected);
        }
        assert_eq!(read("us-east-1", None, Some("use1-az2")), Ok(Some("us-east-1b".to_owned())));
        assert!(read("us-east-1", Some("us-east-1z"), None).is_err());
    }
}
