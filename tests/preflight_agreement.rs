//! Preflight against the embedded cloud: in many random worlds what it foretells comes true, and for each check there
//! is a world in which it fires and comes true, next to one in which it does not, and all goes well.
//!
//! Preflight says that it fits, and the service completes within its deadline; or it holds, and what it holds for
//! happens to whoever goes on all the same. Where it says that it may be tight, it claims nothing; how often it may do
//! so is bounded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

#[path = "preflight_agreement/addresses.rs"]
mod addresses;
#[path = "preflight_agreement/machines.rs"]
mod machines;
#[path = "preflight_agreement/pairs.rs"]
mod pairs;
#[path = "preflight_agreement/ways.rs"]
mod ways;
#[path = "preflight_agreement/world.rs"]
mod world;

use ecs_operator::check::preflight::Due;
use world::{Tally, Told};

/// How many worlds of each sort; `PREFLIGHT_WORLDS` says another number, up to [`MOST`].
const WORLDS: u64 = 250;
const MOST: u64 = 10_000;

/// Plays all worlds of a sort; of what is foretold, at most so much may be left open.
fn worlds(play: fn(u64, &mut Tally), open_percent: usize, dues: &[Due]) {
    let asked = std::env::var("PREFLIGHT_WORLDS").ok().and_then(|text| text.parse::<u64>().ok());
    let worlds = asked.map_or(WORLDS, |asked| asked.min(MOST));
    let mut tally = Tally::default();
    for seed in 0..worlds {
        play(seed, &mut tally);
    }
    println!("{worlds} worlds: {:?}", tally.0);
    for due in dues {
        let of = |told: Told| tally.0.get(&(due.as_str(), told)).copied().unwrap_or(0);
        let all = of(Told::Fits) + of(Told::Open) + of(Told::Held);
        assert!(of(Told::Fits) > 0 && of(Told::Held) > 0, "{:?}", tally.0);
        assert!(of(Told::Open) * 100 <= all * open_percent, "too much is left open: {:?}", tally.0);
    }
}

#[test]
fn addresses_and_percentages_are_as_foretold() {
    worlds(addresses::play, 40, &[Due::Create, Due::Rollout]);
}

#[test]
fn room_on_container_instances_is_as_foretold() {
    worlds(machines::play, 60, &[Due::Create, Due::Rollout]);
}

#[test]
fn ways_out_are_as_foretold() {
    worlds(ways::play, 20, &[Due::Create]);
}
