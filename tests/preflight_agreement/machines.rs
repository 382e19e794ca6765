//! Container instances of random types in random zones, with other services on them, some of them rolling at the same
//! moment; then a service of random size, network mode and ports is created and rolled.

use ecs_operator::check::preflight::Due;
use ecs_operator::shape::Tree;
use ecs_operator::sim::ecs::instance::{self, add};
use ecs_operator::tree;

use crate::world::{Outcome, Percents, Tally, Wish, World};

const TYPES: [&str; 5] = ["t3.medium", "t3.xlarge", "m5.large", "m5.xlarge", "c5.large"];

/// One to four machines, and a private subnet in each zone.
fn build(world: &mut World) -> Vec<String> {
    let [vpc, _, _] = world.network();
    for _ in 0..world.rng.usize(1..=4) {
        let (kind, zone) = (TYPES[world.rng.usize(0..TYPES.len())], ["a", "b", "c"][world.rng.usize(0..3)]);
        let wish =
            instance::Wish { kind: Some(kind.into()), zone: Some(format!("us-east-1{zone}")), ..Default::default() };
        add(&mut world.sim.world(), "default", wish).unwrap();
    }
    let mut subnets = Vec::new();
    for (number, zone) in ["a", "b", "c"].into_iter().enumerate() {
        subnets.push(world.subnet(&vpc, &format!("10.0.{number}.0/24"), zone));
    }
    subnets
}

fn wish(world: &mut World, subnets: &[String], most: i64) -> Wish {
    let rng = &mut world.rng;
    let percents = Percents::draw(rng);
    let mode = ["bridge", "host", "awsvpc"][rng.usize(0..3)];
    let port = match (mode, rng.u8(0..3)) {
        ("host", 0) => Some(tree! { "containerPort" => 8080 + rng.i64(0..2) }),
        ("bridge", 0) => Some(tree! { "containerPort" => 80, "hostPort" => 8080 + rng.i64(0..2) }),
        ("bridge", 1) => Some(tree! { "containerPort" => 80 }),
        _ => None,
    };
    let container = tree! {
        "name" => "web", "image" => "nginx:1", "cpu" => [128, 256, 512, 1024][rng.usize(0..4)],
        "memory" => [256, 512, 1024, 2048, 3000][rng.usize(0..5)],
        "portMappings" => port.into_iter().collect::<Vec<Tree>>(),
    };
    let spec = tree! {
        "desiredCount" => rng.i64(1..=most), "launchType" => "EC2", "availabilityZoneRebalancing" => "DISABLED",
        "deploymentConfiguration" => percents.tree(),
    };
    let spec = match mode {
        "awsvpc" => {
            let mut subnets = subnets.to_vec();
            rng.shuffle(&mut subnets);
            subnets.truncate(rng.usize(1..=subnets.len()));
            spec.with("networkConfiguration", tree! { "awsvpcConfiguration" => tree! { "subnets" => subnets } })
        }
        _ => spec,
    };
    let spec = match rng.u8(0..8) {
        0 => spec.with("placementConstraints", vec![tree! { "type" => "distinctInstance" }]),
        _ => spec,
    };
    Wish { spec, definition: tree! { "networkMode" => mode, "containerDefinitions" => vec![container] } }
}

/// One world, from its machines to the end of a rollout.
pub fn play(seed: u64, tally: &mut Tally) {
    let mut world = World::new(seed);
    let subnets = build(&mut world);
    let mut others = Vec::new();
    for number in 0..world.rng.usize(0..=2) {
        let (name, wish) = (format!("other-{number}"), wish(&mut world, &subnets, 4));
        world.create(&name, &wish);
        others.push((name, wish));
    }
    world.wait(300);
    let wish = wish(&mut world, &subnets, 6);
    // Whoever lacks room goes on trying, and takes it when it may; that is not foretold.
    let all_steady = |world: &World| others.iter().all(|(name, _)| world.is_steady(name));
    if !all_steady(&world) {
        return;
    }
    let said = world.foretell(Due::Create, &wish, None, &[]);
    world.create("web", &wish);
    if tally.judge(seed, Due::Create, &world, &wish, &said) != Outcome::Completed || !all_steady(&world) {
        return;
    }
    let claims = world.roll_others(&others, |other| other.spec.int("desiredCount").is_some_and(|count| count % 2 == 0));
    let shown = world.service("web");
    let said = world.foretell(Due::Rollout, &wish, Some(&shown), &claims);
    world.roll("web", &wish);
    tally.judge(seed, Due::Rollout, &world, &wish, &said);
}
