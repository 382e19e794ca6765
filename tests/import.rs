//! `import`: what comes of a cluster is as it was, and its plan is empty; what comes of other tools' files is told where it
//! falls short.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;
#[path = "import/draw.rs"]
mod draw;

use std::sync::Arc;

use common::harness::Rig;
use draw::Draw;
use ecs_operator::app::live;
use ecs_operator::import::{self, Imported, Ways, What};
use ecs_operator::kinds::{Definition, Kind, Place, definition};
use ecs_operator::observe::Observer;
use ecs_operator::shape::{Tree, json, table};
use ecs_operator::tree;

fn ways(rig: &Rig) -> Ways {
    let world = rig.sim.world();
    let place = Place { account: world.settings.account.clone(), region: world.settings.region.clone() };
    Ways { redact_env: false, place }
}

async fn imported(rig: &Rig, clusters: &[&str], ways: &Ways) -> Imported {
    let observer = Observer::new(rig.person(), rig.clock.clone(), |_| ());
    let clusters: Vec<String> = clusters.iter().map(|name| (*name).to_owned()).collect();
    let (live, mut notes) = live(&observer, &clusters).await.unwrap();
    let (found, more) = import::from_live(&live);
    notes.extend(more);
    import::compose(found, notes, ways)
}

/// Puts the files into the directory and hands everything that was imported over to us.
async fn adopt(rig: &mut Rig, imported: &Imported) {
    for file in &imported.files {
        rig.write(&file.path, file.text.clone());
    }
    rig.commit();
    let arns: Vec<String> = {
        let world = rig.sim.world();
        let clusters = world.ecs.clusters.values().map(|one| one.arn.clone());
        let services = world.ecs.services.values().map(|one| one.arn.clone());
        let revisions =
            world.ecs.families.values().flat_map(|family| family.revisions.values()).map(|one| one.arn.clone());
        clusters.chain(services).chain(revisions).collect()
    };
    for arn in arns {
        rig.tag_by_hand(&arn, "ecs-operator/owner", "us/test").await;
    }
}

/// What a plan would do beyond remembering what runs.
async fn planned(rig: &Rig) -> Vec<String> {
    let view = json::read(rig.view().await.json().as_bytes()).unwrap();
    let memory = |change: &Tree| change.text("path").is_some_and(|path| path.starts_with("tags[ecs-operator/"));
    let idle = |one: &&Tree| {
        let calls: Vec<&str> = one.list("calls").iter().filter_map(Tree::as_text).collect();
        let only_notes = calls.iter().all(|call| *call == "TagResource") && one.list("changes").iter().all(memory);
        only_notes && matches!(one.text("action"), Some("none" | "wait" | "in-place"))
    };
    view.list("objects").iter().filter(|one| !idle(one)).map(json::write).collect()
}

fn call(rig: &Rig, operation: &str, input: Tree) -> Result<Tree, String> {
    rig.sim.call("ecs", operation, input).map_err(|fault| fault.message)
}

/// The property that counts.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_plan_of_what_was_imported_is_empty_whatever_lives_there() {
    let (mut accepted, mut refused) = (0, Vec::new());
    for seed in 0..25 {
        let mut rig = Rig::new(seed);
        let mut draw = Draw { rng: fastrand::Rng::with_seed(seed) };
        call(&rig, "CreateCluster", tree! { "clusterName" => "prod" }).unwrap();
        for nth in 0..6 {
            let family = format!("app{nth}");
            let definition = draw.definition(&family);
            let service = draw.service(&format!("web{nth}"), &definition);
            if let Err(error) = call(&rig, "RegisterTaskDefinition", definition.clone()) {
                refused.push(error);
                continue;
            }
            let service = service.with("cluster", "prod").with("taskDefinition", family.as_str());
            match call(&rig, "CreateService", service) {
                Ok(_) => accepted += 1,
                Err(error) => refused.push(error),
            }
        }
        rig.run(std::time::Duration::from_secs(600)).await;
        let ways = ways(&rig);
        let made = imported(&rig, &["prod"], &ways).await;
        let errors: Vec<_> = made.notes.iter().filter(|note| note.what != What::Warning).collect();
        assert!(errors.is_empty(), "seed {seed}: {errors:#?}");
        adopt(&mut rig, &made).await;
        let planned = planned(&rig).await;
        assert!(planned.is_empty(), "seed {seed}: {planned:#?}\n{}", texts(&made));
        is_minimal(&made);
    }
    assert!(accepted > 75, "{accepted} services; refused: {refused:#?}");
}

fn texts(imported: &Imported) -> String {
    imported.files.iter().map(|file| format!("--- {}\n{}", file.path, file.text)).collect()
}

/// No member could be left out of any manifest without changing what it means.
fn is_minimal(imported: &Imported) {
    for file in imported.files.iter().filter(|file| file.object.is_some()) {
        let (documents, findings) = ecs_operator::manifest::foreign(&file.path, &Arc::from(file.text.as_str()));
        assert!(findings.is_empty(), "{findings:?}");
        let kind = Kind::parse(documents[0].tree.text("kind").unwrap()).unwrap();
        let definition = definition(kind);
        let spec = documents[0].tree.get("spec").cloned().unwrap_or_else(Tree::map);
        for (name, value) in spec.as_map().unwrap() {
            let mut without = spec.clone();
            without.remove(name);
            let same = canonical(definition, &without) == canonical(definition, &spec);
            assert!(
                !same || name == "taskDefinition" || name == "tags",
                "{}: {name}: {}",
                file.path,
                json::write(value)
            );
        }
    }
}

fn canonical(definition: &Definition, spec: &Tree) -> Tree {
    let spec = table::ecs().with_zeros(definition.structure(), spec);
    ecs_operator::kinds::normalise::canonical_alone(definition.rows, &spec)
}
