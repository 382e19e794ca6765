//! `demo`: the shipped manifests on the embedded ECS, one change, its rollout printed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::aws::Aws;
use crate::cli::{Exit, args, print};
use crate::clock::Clock;
use crate::kinds::{Place, tags::Ownership};
use crate::plan::Verdict;
use crate::reconcile::{Ended, Settings, Until};
use crate::rollout::Bounds;
use crate::shape::{Call, Time, Tree};
use crate::sim::Sim;
use crate::source::Snapshot;
use crate::status::Status;
use crate::tree;

use super::desired::{ownership, reading};
use super::{Cloud, Options, Trouble, apply, assemble, plan, stop};

/// The manifests that come with the program: `manifests/hello-world`.
const FILES: [(&str, &str); 4] = [
    ("cluster.yaml", include_str!("../../manifests/hello-world/cluster.yaml")),
    ("defaults.yaml", include_str!("../../manifests/hello-world/defaults.yaml")),
    ("service.yaml", include_str!("../../manifests/hello-world/service.yaml")),
    ("task-definition.yaml", include_str!("../../manifests/hello-world/task-definition.yaml")),
];
const SETTINGS: &str = include_str!("../../manifests/hello-world/ecs-operator.yaml");

/// The one change.
const BEFORE: &str = "nginx:1.28";
const AFTER: &str = "nginx:1.29";

/// How often the rollout is drawn.
const DRAWN_EVERY: Duration = Duration::from_secs(2);

/// Applies the manifests, changes the image, and applies them again.
pub async fn demo(flags: args::Demo, clock: Clock) -> Result<Exit, Trouble> {
    let scene = Scene::new(flags, clock)?;
    let scale = scene.flags.time_scale;
    print::out(format_args!("1. manifests/hello-world on an embedded ECS, at {scale} times real time:\n"));
    let first = scene.act("1", |text| text.to_owned()).await?;
    print::out(format_args!("\n2. The image becomes {AFTER}:\n"));
    let second = scene.act("2", |text| text.replace(BEFORE, AFTER)).await?;
    let (reads, writes) = scene.calls();
    let took = scene.clock.now().since(scene.began);
    let (took, seed) = (took.as_secs(), scene.flags.seed);
    print::out(format_args!("\n{took} simulated seconds, {reads} reads and {writes} writes, seed {seed}."));
    print::out("Next: cargo run -- sim, and in another terminal");
    print::out("      cargo run -- apply manifests/hello-world --wait --endpoint-url http://127.0.0.1:4566");
    Ok(if first && second { Exit::Done } else { Exit::Error })
}

struct Scene {
    flags: args::Demo,
    clock: Clock,
    sim: Sim,
    began: Time,
}

impl Scene {
    fn new(flags: args::Demo, clock: Clock) -> Result<Self, Trouble> {
        let sim = Cloud::simulated(&clock, flags.seed, None).sim;
        let sim = sim.ok_or_else(|| Trouble::Input("the embedded ECS did not start".into()))?;
        let began = clock.now();
        Ok(Self { flags, clock, sim, began })
    }

    /// Plans and applies one revision of the manifests; whether everything converged.
    async fn act(&self, revision: &str, edit: impl Fn(&str) -> String) -> Result<bool, Trouble> {
        let snapshot = snapshot(revision, edit);
        let (_, status) = watch::channel(Arc::new(Status::default()));
        let nobody = Ownership { owner: String::new(), source: String::new() };
        let nowhere = Place { account: String::new(), region: String::new() };
        let cloud = Cloud::on(self.sim.clone(), &self.clock);
        let mut shared = assemble(cloud, &self.clock, nobody, nowhere, &Options::default(), &status)?;
        shared.place = shared.aws.place().await?;
        let flags = place_flags();
        let read = reading(&snapshot, &flags, &shared.place);
        shared.us = ownership(&flags, read.settings.as_ref(), None)?;
        let desired = crate::check::desired(&read, &shared.place, &snapshot.revision, None);
        print::out(print::plans(&plan::all(&shared, &desired).await?));
        let aws = shared.aws.clone();
        let settings = Settings { seed: self.flags.seed, active: DRAWN_EVERY, ..Settings::default() };
        let until = Until::Settled { rolled_out: true };
        let loops = apply::Loop { shared: Arc::new(shared), desired: Arc::new(desired), settings, until };
        let screen = std::sync::Mutex::new(crate::cli::live::Live::default());
        let work = async { loops.run(&screen, stop::asked()).await.0 };
        let ended = tokio::select! {
            biased;
            ended = work => ended,
            () = draw(&aws, &self.clock) => BTreeMap::new(),
        };
        let converged = |ended: &Ended| matches!(ended, Ended::Stands(Verdict::Converged));
        Ok(!ended.is_empty() && ended.values().all(converged))
    }

    /// Calls so far: those that only looked, and those that changed something. The drawing is not the operator's.
    fn calls(&self) -> (usize, usize) {
        let world = self.sim.world();
        let mutates = |operation: &str| !["Describe", "List", "Get"].iter().any(|verb| operation.starts_with(verb));
        let writes = world.calls().iter().filter(|call| mutates(&call.operation)).count();
        (world.calls().len() - writes, writes)
    }
}

fn snapshot(revision: &str, edit: impl Fn(&str) -> String) -> Snapshot {
    Snapshot {
        revision: revision.to_owned(),
        content: String::new(),
        files: FILES.iter().map(|(name, text)| ((*name).to_owned(), Arc::from(edit(text)))).collect(),
        settings: Some(Arc::from(SETTINGS)),
        problems: Vec::new(),
    }
}

fn place_flags() -> args::Place {
    let cloud = args::Cloud { region: None, endpoint_url: None, sim: true, time_scale: 1.0, seed: 1, api_share: 50 };
    args::Place { path: "manifests/hello-world".into(), owner: None, variables: Vec::new(), cloud }
}

/// Draws the service's deployments whenever they change, within the bounds ECS keeps.
async fn draw(aws: &Aws, clock: &Clock) {
    let began = clock.now();
    let input = tree! { "cluster" => "hello", "services" => vec!["hello-world"] };
    let mut drawn = String::new();
    loop {
        clock.sleep(DRAWN_EVERY).await;
        let Ok(reply) = aws.call(&Call::ecs("DescribeServices", input.clone())).await else { continue };
        let Some(service) = reply.tree.list("services").first().cloned() else { continue };
        let now = deployments(&service);
        if now != drawn {
            print::out(format_args!("{:>6} s  {now}", clock.now().since(began).as_secs()));
            drawn = now;
        }
    }
}

fn deployments(service: &Tree) -> String {
    let count = |tree: &Tree, name: &str| tree.int(name).unwrap_or(0);
    let percent = |name: &str| service.at(&["deploymentConfiguration", name]).and_then(Tree::as_int).unwrap_or(100);
    let bounds =
        Bounds::new(count(service, "desiredCount"), percent("minimumHealthyPercent"), percent("maximumPercent"));
    let one = |deployment: &Tree| {
        let name = deployment.text("taskDefinition").and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
        let (running, pending) = (count(deployment, "runningCount"), count(deployment, "pendingCount"));
        let bar: String =
            "█".repeat(usize::try_from(running).unwrap_or(0)) + &"░".repeat(usize::try_from(pending).unwrap_or(0));
        let state = deployment.text("rolloutState").unwrap_or_default();
        format!("{name} {state:<11} {bar:<4} {running} running, {pending} pending")
    };
    let all: Vec<String> = service.list("deployments").iter().map(one).collect();
    format!("[{}..{}]  {}", bounds.lower, bounds.upper, all.join("   |   "))
}
