//! `plan`: what would be done, and nothing done. Also what `apply` begins with.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;

use tokio::sync::watch;

use crate::check::Desired;
use crate::cli::args::PlanOutput;
use crate::cli::plan::{Input, Place, View, markdown, text};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, args, findings, print};
use crate::clock::Clock;
use crate::kinds::{Key, Kind, Object};
use crate::manifest::{At, Locator, Reading};
use crate::plan::Plan;
use crate::reconcile::{Shared, pass, sweep};
use crate::shape::Path;
use crate::status::Status;

use super::desired::{ownership, reading};
use super::input::Given;
use super::{Cloud, Options, Trouble, assemble};

/// Plans everything and prints it.
pub async fn plan(flags: args::Plan, clock: Clock) -> Result<Exit, Trouble> {
    let Some(ready) = prepare(&flags.place, &clock).await? else { return Ok(Exit::Error) };
    let view = ready.view().await?;
    let shown = match flags.output {
        PlanOutput::Text => text(&view, &Terminal::of_stdout()),
        PlanOutput::Json => view.json(),
        PlanOutput::Markdown => markdown(&view),
    };
    print::out(shown.trim_end());
    Ok(if view.is_something() && flags.detailed_exitcode { Exit::Changes } else { Exit::Done })
}

/// Manifests without errors, and an AWS to look at.
pub struct Ready {
    pub shared: Shared,
    pub desired: Desired,
    given: Given,
    reading: Reading,
}

/// Reads the directory and gets everything ready to look at AWS; `None` when the manifests have errors, which are
/// printed: nothing is planned or applied from half a directory.
pub async fn prepare(flags: &args::Place, clock: &Clock) -> Result<Option<Ready>, Trouble> {
    let given = given(&flags.path).await?;
    let cloud = Cloud::of(&flags.cloud, clock).await?;
    let (_, status) = watch::channel(Arc::new(Status::default()));
    // The place decides what variables mean, so it is asked for before anything is read.
    let nobody = crate::kinds::tags::Ownership { owner: String::new(), source: String::new() };
    let nowhere = crate::kinds::Place { account: String::new(), region: String::new() };
    let mut shared = assemble(cloud, clock, nobody, nowhere, &Options::default(), &status)?;
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
    shared.us = ownership(flags, reading.settings.as_ref(), flags.cloud.sim.then_some("sim"))?;
    Ok(Some(Ready { shared, desired, given, reading }))
}

/// Standard input may be long in coming; nothing else waits for it.
async fn given(path: &FilePath) -> Result<Given, Trouble> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || Given::at(&path)).await;
    read.unwrap_or_else(|broken| Err(Trouble::Input(format!("reading broke off: {broken}"))))
}

impl Ready {
    /// The plans of all objects, ready to be shown.
    pub async fn view(&self) -> Result<View, Trouble> {
        let plans = all(&self.shared, &self.desired).await?;
        let locators = RefCell::new(BTreeMap::new());
        Ok(View::new(&Input {
            revision: &self.desired.revision,
            owner: &self.shared.us,
            place: &self.shared.place,
            objects: &self.desired.objects,
            plans: &plans,
            locate: &|object, path| self.locate(&locators, object, path),
        }))
    }

    fn locate(&self, known: &RefCell<Locators>, object: &Object, path: &Path) -> Option<Place> {
        let origin = (object.origin.file.clone(), object.origin.document);
        let mut known = known.borrow_mut();
        let locator = match known.entry(origin) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                let (file, index) = new.key();
                let of = |document: &&crate::manifest::Document| document.file == *file && document.index == *index;
                let document = self.reading.documents.iter().find(of)?;
                new.insert(document.locator())
            }
        };
        let place = locator.find(path, At::Value);
        Some(Place { file: self.given.name(&object.origin.file), line: place.line, column: place.column })
    }
}

/// By file, and which of its documents.
type Locators = BTreeMap<(String, usize), Locator>;

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
