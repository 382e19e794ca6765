//! Subnets of random sizes in random zones, filled by other services, some of them rolling at the same moment; then a
//! service is created and rolled with random percentages.

use ecs_operator::check::preflight::Due;
use ecs_operator::tree;

use crate::world::{Outcome, Percents, Tally, Wish, World};

/// One or two small public subnets in each of one to three zones.
fn build(world: &mut World) -> Vec<String> {
    let [vpc, table, gateway] = world.network();
    world.default_route(&table, "GatewayId", &gateway);
    let mut subnets = Vec::new();
    for zone in ["a", "b", "c"].into_iter().take(world.rng.usize(1..=3)) {
        for _ in 0..if world.rng.u8(0..4) == 0 { 2 } else { 1 } {
            let bits = if world.rng.bool() { 28 } else { 27 };
            subnets.push(world.subnet(&vpc, &format!("10.0.{}.0/{bits}", subnets.len()), zone));
        }
    }
    subnets
}

fn wish(world: &mut World, subnets: &[String], most: i64) -> Wish {
    let rng = &mut world.rng;
    let percents = Percents::draw(rng);
    let mut subnets = subnets.to_vec();
    rng.shuffle(&mut subnets);
    subnets.truncate(rng.usize(1..=subnets.len()));
    let network = tree! { "awsvpcConfiguration" => tree! { "subnets" => subnets, "assignPublicIp" => "ENABLED" } };
    let container = tree! { "name" => "web", "image" => "nginx:1" };
    Wish {
        spec: tree! {
            "desiredCount" => rng.i64(1..=most), "launchType" => "FARGATE",
            "availabilityZoneRebalancing" => "DISABLED", "deploymentConfiguration" => percents.tree(),
            "networkConfiguration" => network,
        },
        definition: tree! {
            "networkMode" => "awsvpc", "cpu" => "256", "memory" => "512",
            "requiresCompatibilities" => vec!["FARGATE"], "containerDefinitions" => vec![container],
        },
    }
}

/// One world, from its subnets to the end of a rollout.
pub fn play(seed: u64, tally: &mut Tally) {
    let mut world = World::new(seed);
    let subnets = build(&mut world);
    let mut others = Vec::new();
    for number in 0..world.rng.usize(0..=2) {
        let (name, wish) = (format!("other-{number}"), wish(&mut world, &subnets, 9));
        world.create(&name, &wish);
        others.push((name, wish));
    }
    world.wait(300);
    let wish = wish(&mut world, &subnets, 12);
    let said = world.foretell(Due::Create, &wish, None, &[]);
    world.create("web", &wish);
    if tally.judge(seed, Due::Create, &world, &wish, &said) != Outcome::Completed {
        return;
    }
    // Whoever lacks addresses goes on trying, and takes them when it may; that is not foretold.
    if !others.iter().all(|(name, _)| world.is_steady(name)) {
        return;
    }
    let claims = world.roll_others(&others, |other| other.spec.int("desiredCount").is_some_and(|count| count % 3 == 0));
    let shown = world.service("web");
    let said = world.foretell(Due::Rollout, &wish, Some(&shown), &claims);
    world.roll("web", &wish);
    tally.judge(seed, Due::Rollout, &world, &wish, &said);
}
