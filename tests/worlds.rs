//! Worlds that releases left behind: each is as its manifests say for this release too, so that an upgrade writes
//! nothing.
//!
//! `worlds/VERSION.json` holds manifests of a release, and all that they came to as AWS describes it. Before a release
//! `WRITE_WORLD=1 cargo test --test worlds` writes the one of its version (docs/releasing.md).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

#[path = "worlds/answer.rs"]
mod answer;
mod common;
#[path = "every_member/menus.rs"]
mod menus;
#[path = "worlds/record.rs"]
mod record;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use answer::Captured;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use common::judge;
use common::process::skipped;
use ecs_operator::app::{Cloud, Options, assemble, view};
use ecs_operator::cli::plan::Secrets;
use ecs_operator::clock::Clock;
use ecs_operator::kinds::{Kind, Place, tags::Ownership};
use ecs_operator::shape::{Time, Tree, json};
use ecs_operator::status::Status;
use tokio::sync::watch;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds")
}

fn own() -> PathBuf {
    folder().join(format!("{}.json", env!("CARGO_PKG_VERSION")))
}

fn worlds() -> BTreeMap<String, Tree> {
    let paths = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| (path.display().to_string(), json::read(&fs::read(&path).unwrap()).unwrap());
    paths.filter(|path| path.extension().is_some_and(|it| it == "json")).map(read).collect()
}

/// What this release would do to a world, object by object; and what it asked for that no read answers.
async fn planned(world: &Tree) -> (Vec<Tree>, Vec<String>) {
    let clock = Clock::simulated(Time(world.int("at").unwrap()), 1.0);
    let place = Place { account: "123456789012".into(), region: "us-east-1".into() };
    let captured = Captured::new(world);
    let sim = Cloud::simulated(&clock, 1, Some(&place.region)).sim.unwrap();
    let cloud = Cloud::on(sim, &clock).through(SharedHttpClient::new(captured.clone()));
    let texts: Vec<(&str, &str)> =
        world.list("manifests").iter().map(|one| (one.text("file").unwrap(), one.text("text").unwrap())).collect();
    let (reading, desired) = (judge::read(&place, &texts), judge::desired_at(&place, &texts));
    assert!(desired.findings.is_empty(), "{:#?}", desired.findings);
    let text = |name: &str| world.text(name).unwrap().to_owned();
    let us = Ownership { owner: text("owner"), source: text("source") };
    let (_, status) = watch::channel(Arc::new(Status::default()));
    let shared = assemble(cloud, &clock, us, place, &Options::default(), &status).unwrap();
    let view = view(&shared, &desired, &reading, &Secrets::Shown, str::to_owned).await.unwrap();
    let objects = json::read(view.json().as_bytes()).unwrap().list("objects").to_vec();
    assert_eq!(objects.len(), texts.len());
    let refused = captured.refused.lock().unwrap().clone();
    (objects, refused)
}

fn is_left_alone(object: &Tree) -> bool {
    object.text("action") == Some("none") && object.list("calls").is_empty() && object.list("changes").is_empty()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn no_release_changes_what_another_left() {
    let worlds = worlds();
    let hint = "WRITE_WORLD=1 cargo test --test worlds writes the world of this version";
    assert!(own().is_file() || is_writing(), "{} is not there; {hint}", own().display());
    for (name, world) in worlds {
        let (objects, refused) = planned(&world).await;
        let touched: Vec<String> = objects.iter().filter(|one| !is_left_alone(one)).map(json::write).collect();
        assert!(touched.is_empty(), "{name}: {} are not left alone:\n{}", touched.len(), touched.join("\n"));
        assert_eq!(refused, Vec::<String>::new(), "{name}: asked for, and no read that a world answers");
    }
}

/// A world that has moved is not left alone, and neither is one whose hashes were made by other rules: the test above
/// can fail.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_moved_in_a_world_is_seen() {
    let moved = |service: &mut Tree| service.set("healthCheckGracePeriodSeconds", 7);
    let hashed = |service: &mut Tree| {
        let Some(Tree::List(tags)) = service.as_map_mut().unwrap().get_mut("tags") else { panic!("no tags") };
        let attempt = tags.iter_mut().find(|tag| tag.text("key") == Some("ecs-operator/attempt")).unwrap();
        let value = attempt.text("value").unwrap().replacen("v1:", "v1:0", 1);
        attempt.set("value", value);
    };
    for (name, world) in worlds() {
        for change in [&moved as &dyn Fn(&mut Tree), &hashed] {
            let mut world = world.clone();
            let Some(Tree::List(services)) = world.as_map_mut().unwrap().get_mut("services") else { panic!("{name}") };
            services.iter_mut().for_each(change);
            let count = services.len();
            let (objects, _) = planned(&world).await;
            let touched = objects.iter().filter(|one| !is_left_alone(one)).count();
            assert_eq!(touched, count, "{name}");
        }
    }
}

fn is_writing() -> bool {
    std::env::var_os("WRITE_WORLD").is_some_and(|wanted| wanted == "1")
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_world_has_every_kind_and_all_that_the_menus_have() {
    let (world, record::LeftOut(left_out)) = record::record().await;
    if is_writing() {
        fs::write(own(), record::write(&world)).unwrap();
        skipped("worlds", &format!("{} is written", own().display()));
    }
    println!("{} manifests, {} services", world.list("manifests").len(), world.list("services").len());
    assert!(left_out.is_empty(), "members that are in no world: {left_out:?}");
    let texts: Vec<&str> = world.list("manifests").iter().filter_map(|one| one.text("text")).collect();
    for kind in Kind::ALL {
        assert!(texts.iter().any(|text| text.contains(&format!("\nkind: {kind}\n"))), "{kind}");
    }
    let (objects, refused) = planned(&world).await;
    let touched: Vec<String> = objects.iter().filter(|one| !is_left_alone(one)).map(json::write).collect();
    assert!(touched.is_empty() && refused.is_empty(), "{refused:?} {}", touched.join("\n"));
}
