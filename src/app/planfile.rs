//! Plan files: what `plan --out` writes, and how `apply` finds out whether all is as it was. Must not know: what a plan
//! file holds.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::cli::plan::Secrets;
use crate::cli::{Exit, args, print};
use crate::clock::Clock;
use crate::kinds::{Key, Kind, Observed};
use crate::plan::file::{BYTES_MAX, MARK, PlanFile, Planned, Seal};
use crate::plan::{Approved, Plan, StepEffect};
use crate::source::STDIN;

use super::plan::{Ready, all, prepare_for};
use super::{Trouble, apply};

/// What other versions are told apart by.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");
/// For whoever made the plan: it says what lives where, and a short secret could be tried against its hash.
const MODE: u32 = 0o600;
/// Names that the reader of a directory takes for manifests.
const MANIFESTS: [&str; 3] = ["yaml", "yml", "json"];
/// More has hardly moved at once by itself, and nobody reads it.
const TOLD_MOST: usize = 20;

/// Whether it begins as plan files do: no manifest has that beginning.
pub fn is_one(path: &Path) -> bool {
    let begins = || -> io::Result<bool> {
        let mut start = Vec::new();
        File::open(path)?.take(MARK.len() as u64).read_to_end(&mut start)?;
        Ok(start == MARK.as_bytes())
    };
    // Nothing is taken out of a pipe.
    path.is_file() && begins().unwrap_or(false)
}

/// Keeps the plans in a file, which is there whole or not at all.
///
/// # Errors
/// A file that is there and is no plan; one that would be read as a manifest; or one that can't be written.
pub async fn write(out: &Path, manifests: &Path, ready: &Ready, plans: &[(Key, Plan)]) -> Result<(), Trouble> {
    may_be_written(out, manifests)?;
    let Secrets::Hashed(key) = Secrets::hashed() else { return Err(Trouble::Input("there is no key".into())) };
    let manifests = match manifests.as_os_str() == STDIN {
        true => manifests.to_owned(),
        false => std::path::absolute(manifests).map_err(|source| trouble(manifests, source))?,
    };
    let file = of(ready, plans, &manifests.display().to_string(), Seal::new(&key)).await?;
    let text = file.text();
    if text.len() > BYTES_MAX {
        return Err(Trouble::Input(format!("the plan has more than {BYTES_MAX} bytes, and no file is written")));
    }
    let name = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let new = out.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = fill(&new, &text).and_then(|()| fs::rename(&new, out));
    written.map_err(|source| {
        drop(fs::remove_file(&new));
        trouble(out, source)
    })
}

fn fill(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Whatever else has the name must not be lost; and a plan among the manifests would be one of them.
fn may_be_written(out: &Path, manifests: &Path) -> Result<(), Trouble> {
    if out.exists() && !is_one(out) {
        let message = format!("{} is there already and is no plan; it is left alone", out.display());
        return Err(Trouble::Input(message));
    }
    let is_manifest = out.extension().is_some_and(|extension| MANIFESTS.iter().any(|one| extension == *one));
    let folder = |path: &Path| fs::canonicalize(if path.as_os_str().is_empty() { Path::new(".") } else { path }).ok();
    let inside = folder(out.parent().unwrap_or(Path::new(""))).zip(folder(manifests));
    if is_manifest && inside.is_some_and(|(out, manifests)| out.starts_with(manifests)) {
        let message = format!("{} would be read as one of the manifests; name it otherwise", out.display());
        return Err(Trouble::Input(message));
    }
    Ok(())
}

fn trouble(path: &Path, source: io::Error) -> Trouble {
    Trouble::Io { context: path.display().to_string(), source }
}

fn read(path: &Path) -> Result<PlanFile, Trouble> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|source| trouble(path, source))?;
    PlanFile::read(&bytes, PROGRAM)
        .map_err(|error| Trouble::Input(format!("the plan in {} can't be applied: {error}", path.display())))
}

/// The plans as a file holds them.
///
/// # Errors
/// A read that failed.
pub async fn of(ready: &Ready, plans: &[(Key, Plan)], manifests: &str, seal: Seal) -> Result<PlanFile, Trouble> {
    let Ready { shared, desired, .. } = ready;
    let us = shared.us.to_string();
    let mut file = PlanFile::new(PROGRAM, manifests, &desired.revision, &shared.place, &us, seal);
    for (key, plan) in plans {
        let Some(object) = desired.objects.get(key) else { continue };
        let observed = shared.known().seen.get(key).map(|seen| seen.observed);
        let registers = plan.steps.iter().any(|step| step.effect == StepEffect::Register);
        let newest = match key.kind == Kind::TaskDefinition && registers {
            true => shared.observer.task_definition(object.aws_name(), true).await?,
            false => Observed::Absent,
        };
        let arn = newest.present().and_then(|answer| answer.at(&["taskDefinition", "taskDefinitionArn"])?.as_text());
        let newest = arn.map(crate::kinds::task_definition::short).or(plan.realised.as_deref());
        let observed = observed.unwrap_or(Observed::Absent);
        file.add(&Planned { key, object, observed: &observed, newest, plan });
    }
    Ok(file)
}

/// Applies exactly what the file holds, where all is as it was.
pub async fn apply(mut flags: args::Apply, clock: Clock) -> Result<Exit, Trouble> {
    let path = std::mem::take(&mut flags.place.path);
    let file = read(&path)?;
    if flags.manifests.is_none() && file.manifests == STDIN {
        let message = "the plan was made from standard input; name the manifests again: --manifests PATH";
        return Err(Trouble::Input(message.into()));
    }
    flags.place.path = flags.manifests.take().unwrap_or_else(|| PathBuf::from(&file.manifests));
    let owner = file.owner.split('/').next();
    let Some(mut ready) = prepare_for(&flags.place, flags.take_over.clone(), &clock, owner).await? else {
        return Ok(Exit::Error);
    };
    let plans = all(&ready.shared, &ready.desired).await?;
    let now = of(&ready, &plans, &file.manifests, file.seal.clone()).await?;
    let moved = file.moved(&now);
    if !moved.is_empty() {
        for one in moved.iter().take(TOLD_MOST) {
            print::err(format_args!("moved: {one}"));
        }
        if let Some(more) = moved.len().checked_sub(TOLD_MOST).filter(|more| *more > 0) {
            print::err(format_args!("moved: {more} more"));
        }
        let path = path.display();
        print::err(format_args!("The plan in {path} is out of date, and nothing was changed; plan anew."));
        return Ok(Exit::Moved);
    }
    ready.shared.approved = Some(Approved::of(&plans));
    // What the passes know has to be newer than this look.
    ready.shared.known = std::sync::Mutex::default();
    apply::carry_out(ready, &flags, &clock).await
}
