//! `plan`: what would be done, from the same observations and the same decisions as `run`.

use std::sync::Arc;

use tokio::sync::watch;

use crate::check::Desired;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, args, findings, print};
use crate::clock::Clock;
use crate::kinds::{Key, Kind};
use crate::plan::{Plan, Verdict};
use crate::reconcile::{Shared, pass, sweep};
use crate::status::Status;

use super::desired::{ownership, reading};
use super::input::Given;
use super::{Cloud, Options, Trouble, assemble};

/// Plans everything and prints it.
pub async fn plan(flags: args::Plan, clock: Clock) -> Result<Exit, Trouble> {
    let Some((shared, desired)) = prepare(&flags.place, &clock).await? else { return Ok(Exit::Error) };
    let plans = all(&shared, &desired).await?;
    print::out(print::plans(&plans).trim_end());
    let waits = |plan: &Plan| matches!(plan.verdict, Verdict::Blocked(..)) || !plan.steps.is_empty();
    let something = plans.iter().any(|(_, plan)| waits(plan));
    Ok(if something && flags.detailed_exitcode { Exit::Changes } else { Exit::Done })
}

/// Reads the directory and gets everything ready to look at AWS; `None` when the manifests have problems, which are
/// printed: nothing is planned or applied from half a directory.
pub async fn prepare(flags: &args::Place, clock: &Clock) -> Result<Option<(Shared, Desired)>, Trouble> {
    let given = Given::at(&flags.path)?;
    let snapshot = &given.snapshot;
    let cloud = Cloud::of(&flags.cloud, clock).await?;
    let (_, status) = watch::channel(Arc::new(Status::default()));
    // The place decides what variables mean, so it is asked for before anything is read.
    let nobody = crate::kinds::tags::Ownership { owner: String::new(), source: String::new() };
    let nowhere = crate::kinds::Place { account: String::new(), region: String::new() };
    let mut shared = assemble(cloud, clock, nobody, nowhere, &Options::default(), &status)?;
    shared.place = shared.aws.place().await?;
    let read = reading(snapshot, flags, &shared.place);
    let desired = crate::check::desired(&read, &shared.place, &snapshot.revision, None);
    if !desired.findings.is_empty() {
        let found = given.named(desired.findings);
        let text = findings::text(&found, &given.sources(), &Terminal::of_stderr());
        print::err(format_args!("{text}{}; nothing was done", findings::counted(&found)));
        return Ok(None);
    }
    shared.us = ownership(flags, read.settings.as_ref(), flags.cloud.sim.then_some("sim"))?;
    Ok(Some((shared, desired)))
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
