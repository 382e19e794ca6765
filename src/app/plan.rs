//! `plan`: what would be done, and nothing done. Also what `apply` begins with.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path as FilePath;
use std::sync::Arc;

use tokio::sync::watch;

use crate::check::Desired;
use crate::cli::args::PlanOutput;
use crate::cli::plan::{Input, Place, Secrets, View, markdown, text};
use crate::cli::preflight::Ahead;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, args, findings, print};
use crate::clock::Clock;
use crate::kinds::adopt::Former;
use crate::kinds::lookup::Resolved;
use crate::kinds::{Key, Kind, Object, Origin};
use crate::manifest::{self, At, Reading};
use crate::plan::Plan;
use crate::reconcile::{Shared, lookups, pass, prune, sweep};
use crate::shape::Path;
use crate::status::Status;

use super::desired::{ownership, reading};
use super::input::Given;
use super::preflight::placed;
use super::simulate::{Assumed, simulate};
use super::{Cloud, Options, Trouble, assemble, planfile};

/// Plans everything and prints it.
pub async fn plan(flags: args::Plan, clock: Clock) -> Result<Exit, Trouble> {
    let Some(ready) = prepare(&flags.place, flags.take_over.clone(), &clock).await? else { return Ok(Exit::Error) };
    let secrets = if flags.show_values { Secrets::Shown } else { Secrets::hashed() };
    let plans = all(&ready.shared, &ready.desired).await?;
    let view =
        shown(&ready.shared, &ready.desired, &ready.reading, &secrets, |file| ready.given.name(file), &plans).await;
    let view = match flags.simulate {
        true => {
            let seed = flags.place.cloud.seed;
            let assumed = Assumed { seed, start: flags.start_time, healthy: flags.healthy_after };
            view.with(simulate(&ready.shared, &ready.desired, &plans, &assumed).await?)
        }
        false => view,
    };
    let shown = match flags.output {
        PlanOutput::Text => text(&view, &Terminal::of_stdout()),
        PlanOutput::Json => view.json(),
        PlanOutput::Markdown => markdown(&view),
    };
    print::out(shown.trim_end());
    if let Some(out) = &flags.out {
        planfile::write(out, &flags.place.path, &ready, &plans).await?;
        print::err(format_args!("The plan is in {0}; this applies it: ecs-operator apply {0}", out.display()));
    }
    Ok(if view.is_something() && flags.detailed_exitcode { Exit::Changes } else { Exit::Done })
}

/// Manifests without errors, and an AWS to look at.
pub struct Ready {
    pub shared: Shared,
    pub desired: Desired,
    pub given: Given,
    pub reading: Reading,
}

/// Reads the directory and gets everything ready to look at AWS; `None` when the manifests have errors, which are
/// printed: nothing is planned or applied from half a directory.
pub async fn prepare(flags: &args::Place, former: Option<Former>, clock: &Clock) -> Result<Option<Ready>, Trouble> {
    prepare_for(flags, former, clock, flags.cloud.sim.then_some("sim")).await
}

/// The same, where `owner` owns what nobody else is said to.
pub async fn prepare_for(
    flags: &args::Place,
    former: Option<Former>,
    clock: &Clock,
    owner: Option<&str>,
) -> Result<Option<Ready>, Trouble> {
    if planfile::is_one(&flags.path) {
        let message = format!("{} is a plan, and not made of manifests; `apply` takes it", flags.path.display());
        return Err(Trouble::Input(message));
    }
    let given = given(&flags.path).await?;
    let cloud = Cloud::of(&flags.cloud, clock).await?;
    let (_, status) = watch::channel(Arc::new(Status::default()));
    // The place decides what variables mean, so it is asked for before anything is read.
    let nobody = crate::kinds::tags::Ownership { owner: String::new(), source: String::new() };
    let nowhere = crate::kinds::Place { account: String::new(), region: String::new() };
    let mut shared = assemble(cloud, clock, nobody, nowhere, &Options { former, ..Options::default() }, &status)?;
    shared.place = shared.aws.place().await?;
    let reading = reading(&given.snapshot, flags, &shared.place);
    let desired = crate::check::desired(&reading, &shared.place, &given.snapshot.revision, None);
    let found = given.named(desired.findings.iter().chain(&desired.warnings).cloned());
    let told = findings::text(&found, &given.sources(), &Terminal::of_stderr());
    if !desired.findings.is_empty() {
        print::err(format_args!("{told}{}; nothing was done", findings::counted(&found)));
        return Ok(None);
    }
    if !told.is_empty() {
        print::err(told.trim_end());
    }
    shared.us = ownership(flags, reading.settings.as_ref(), owner)?;
    Ok(Some(Ready { shared, desired, given, reading }))
}

/// Standard input may be long in coming; nothing else waits for it.
async fn given(path: &FilePath) -> Result<Given, Trouble> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || Given::at(&path)).await;
    read.unwrap_or_else(|broken| Err(Trouble::Input(format!("reading broke off: {broken}"))))
}

/// The plans of all objects, ready to be shown; `name` is how people find a file.
///
/// # Errors
/// A read that failed.
pub async fn view(
    shared: &Shared,
    desired: &Desired,
    reading: &Reading,
    secrets: &Secrets,
    name: impl Fn(&str) -> String,
) -> Result<View, Trouble> {
    let plans = all(shared, desired).await?;
    Ok(shown(shared, desired, reading, secrets, name, &plans).await)
}

/// The same of plans that are made already.
pub async fn shown(
    shared: &Shared,
    desired: &Desired,
    reading: &Reading,
    secrets: &Secrets,
    name: impl Fn(&str) -> String,
    plans: &[(Key, Plan)],
) -> View {
    let undeclared = prune::look(shared, desired).await;
    let (objects, lookups) = looked_up(shared, desired).await;
    let aheads = aheads(plans, &objects, reading, &name);
    let known = RefCell::new(BTreeMap::new());
    let locate = |object: &Object, path: &Path| {
        let mut known = known.borrow_mut();
        let Origin { file, document } = &object.origin;
        let locator = match known.entry(object.origin.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let mut documents = reading.documents.iter();
                new.insert(documents.find(|one| one.file == *file && one.index == *document)?.locator())
            }
        };
        let manifest::Place { line, column } = locator.find(path, At::Value);
        Some(Place { file: name(file), line, column })
    };
    View::new(&Input {
        revision: &desired.revision,
        owner: &shared.us,
        place: &shared.place,
        objects: &objects,
        plans,
        undeclared: &undeclared,
        lookups: &lookups,
        aheads: &aheads,
        tags: &|key| {
            let shown = shared.known().seen.shown(key);
            let words = crate::kinds::definition(key.kind).tags;
            shown.map(|shown| shown.list(words.list).to_vec()).unwrap_or_default()
        },
        secrets,
        locate: &locate,
    })
}

/// What preflight says of what is due, with the places of its findings.
fn aheads(
    plans: &[(Key, Plan)],
    objects: &BTreeMap<Key, Arc<Object>>,
    reading: &Reading,
    name: &impl Fn(&str) -> String,
) -> BTreeMap<Key, Ahead> {
    let one = |(key, plan): &(Key, Plan)| {
        let (said, object) = (plan.preflight.as_ref()?, objects.get(key)?);
        Some((key.clone(), Ahead::of(said, |fault| placed(reading, object, fault, name))))
    };
    plans.iter().filter_map(one).collect()
}

/// The objects with what their selector terms stand for, as far as that is known.
async fn looked_up(shared: &Shared, desired: &Desired) -> (BTreeMap<Key, Arc<Object>>, BTreeMap<Key, Resolved>) {
    let (mut objects, mut found) = (desired.objects.clone(), BTreeMap::new());
    for (key, object) in objects.iter_mut().filter(|(_, object)| !object.lookup.is_empty()) {
        // Why it is not known, the plan tells.
        if let Ok(resolved) = lookups::resolved(shared, desired, object).await {
            Arc::make_mut(object).spec = resolved.fill(&object.spec);
            found.insert(key.clone(), resolved);
        }
    }
    (objects, found)
}

/// The plans of all objects, in the order in which one may refer to another.
pub async fn all(shared: &Shared, desired: &Desired) -> Result<Vec<(Key, Plan)>, Trouble> {
    sweep::sweep(shared, desired).await;
    let mut plans = Vec::new();
    for kind in Kind::ALL {
        for object in desired.objects.values().filter(|object| object.key.kind == kind) {
            let plan = pass::preview(shared, desired, object).await?;
            plans.push((object.key.clone(), plan));
        }
    }
    Ok(plans)
}
