//! `import`: manifests for what lives in clusters, or stands in other tools' files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use crate::cli::args::Output;
use crate::cli::{Exit, args, import as shown, print};
use crate::clock::Clock;
use crate::import::{self, Found, Imported, Live, Note, Spot, Ways, What};
use crate::kinds::{Adopt, Observed, Place, task_definition};
use crate::manifest;
use crate::observe::{Names, Observer, Seen};
use crate::shape::Tree;
use crate::source::{self, FileProblem, STDIN};
use crate::status::Status;

use super::{Cloud, Options, Trouble, assemble};

/// Reads, writes, and tells what could not be brought along.
pub async fn import(flags: args::Import, clock: Clock) -> Result<Exit, Trouble> {
    let printed = flags.out.as_os_str() == STDIN;
    if !printed {
        is_free(&flags.out, flags.force)?;
    }
    let (found, notes, place) = match flags.clusters.is_empty() {
        true => from_files(&flags)?,
        false => from_clusters(&flags, &clock).await?,
    };
    if found.is_empty() {
        let told: Vec<String> = notes.iter().map(told).collect();
        let lead = "there is nothing that could become a manifest";
        return Err(Trouble::Input(if told.is_empty() {
            lead.to_owned()
        } else {
            format!("{lead}: {}", told.join("; "))
        }));
    }
    let adopt = if flags.adopt { Adopt::IfUnowned } else { Adopt::Never };
    let imported = import::compose(found, notes, &Ways { redact_env: flags.redact_env, adopt, place });
    let out = (!printed).then(|| flags.out.display().to_string());
    match &out {
        Some(_) => write(&flags.out, &imported, flags.force)?,
        None => print::out(shown::stream(&imported).trim_end()),
    }
    let report = match flags.output {
        Output::Text => shown::text(&imported, out.as_deref()),
        Output::Json => shown::json(&imported, out.as_deref()),
    };
    if printed {
        print::err(report.trim_end())
    } else {
        print::out(report.trim_end())
    }
    Ok(if imported.is_whole() { Exit::Done } else { Exit::Blocked })
}

fn told(note: &Note) -> String {
    note.at.as_ref().map(|at| format!("{at}: ")).unwrap_or_default() + &note.message
}

type Source = (Vec<Found>, Vec<Note>, Place);

/// What was named, and what that names in turn.
fn from_files(flags: &args::Import) -> Result<Source, Trouble> {
    let load = |paths: &[PathBuf]| {
        let bytes_max = manifest::limits::FOREIGN_BYTES as u64;
        source::load_given(paths, bytes_max).map_err(|error| Trouble::Input(error.to_string()))
    };
    let snapshot = load(&flags.from)?;
    let mut texts = snapshot.files;
    if let Some(settings) = snapshot.settings {
        texts.insert(source::SETTINGS_FILE.to_owned(), settings);
    }
    let mut problems = snapshot.problems;
    // What is not there is told by who names it.
    let there = import::parts(&texts).into_iter().filter(|name| !texts.contains_key(name)).map(PathBuf::from);
    let there: Vec<PathBuf> = there.filter(|path| path.is_file()).collect();
    let more = load(&there)?;
    texts.extend(more.files);
    problems.extend(more.problems);
    let (found, mut notes) = import::from_files(&texts, &flags.parameters);
    for FileProblem { path, what } in problems {
        let spot = Spot { file: path, line: 1, column: 1 };
        notes.push(Note::new(What::Refused, what).at(spot));
    }
    Ok((found, notes, Place { account: String::new(), region: flags.cloud.region.clone().unwrap_or_default() }))
}

async fn from_clusters(flags: &args::Import, clock: &Clock) -> Result<Source, Trouble> {
    let cloud = Cloud::of(&flags.cloud, clock).await?;
    let (_, status) = watch::channel(Arc::new(Status::default()));
    let nobody = crate::kinds::tags::Ownership { owner: String::new(), source: String::new() };
    let nowhere = Place { account: String::new(), region: String::new() };
    let shared = assemble(cloud, clock, nobody, nowhere, &Options::default(), &status)?;
    let place = shared.aws.place().await?;
    let (live, mut notes) = live(&shared.observer, &flags.clusters).await?;
    let (found, more) = import::from_live(&live);
    notes.extend(more);
    Ok((found, notes, place))
}

/// Everything that lives in the clusters; notes of what could not be read.
///
/// # Errors
/// A cluster that is not there, or a read that failed.
pub async fn live(observer: &Observer, clusters: &[String]) -> Result<(Live, Vec<Note>), Trouble> {
    let names: BTreeSet<String> = clusters.iter().map(|name| task_definition::short(name).to_owned()).collect();
    let declared: Names = names.iter().map(|name| (name.clone(), BTreeSet::new())).collect();
    let sweep = observer.sweep(&declared, &Names::new(), &|_, seen| Some(seen)).await;
    let (mut live, mut notes) = (Live::default(), Vec::new());
    for name in &names {
        let shown = sweep.clusters.get(name).map(present).transpose()?.flatten();
        let shown = shown.filter(|shown| shown.text("status") != Some("INACTIVE"));
        let shown = shown.ok_or_else(|| Trouble::Input(format!("there is no cluster {name}")))?;
        let of = |(cluster, _): &&(String, String)| cluster == name;
        let seen = sweep.services.keys().filter(of).count();
        if shown
            .int("activeServicesCount")
            .and_then(|count| usize::try_from(count).ok())
            .is_some_and(|count| count > seen)
        {
            return Err(Trouble::Input(format!(
                "not all services of the cluster {name} could be listed; nothing is written"
            )));
        }
        live.clusters.push(shown);
    }
    for ((cluster, name), seen) in &sweep.services {
        match present(seen) {
            Ok(Some(shown)) => live.services.push((cluster.clone(), shown)),
            Ok(None) => {}
            Err(trouble) => notes.push(Note::new(What::Refused, format!("{cluster}/Service/{name}: {trouble}"))),
        }
    }
    let references: BTreeSet<String> = live
        .services
        .iter()
        .filter_map(|(_, shown)| shown.text("taskDefinition").map(task_definition::short))
        .map(str::to_owned)
        .collect();
    let families: BTreeSet<String> =
        references.iter().filter_map(|one| task_definition::parts(one)).map(|(family, _)| family.to_owned()).collect();
    for reference in references {
        if let Observed::Present(answer) = observer.task_definition(&reference, true).await? {
            live.revisions.insert(reference, answer);
        }
    }
    for family in families {
        if let Observed::Present(answer) = observer.task_definition(&family, true).await? {
            let number = answer.at(&["taskDefinition", "revision"]).and_then(Tree::as_int);
            live.newest.extend(number.map(|number| (family, number)));
        }
    }
    Ok((live, notes))
}

/// What was seen; nothing where it is not there.
fn present(seen: &Seen) -> Result<Option<Tree>, Trouble> {
    match (&seen.observed, &seen.failure) {
        (_, Some(failure)) => Err(Trouble::Call(failure.clone())),
        (Observed::Present(shown), None) => Ok(Some(shown.clone())),
        (Observed::Absent, None) => Ok(None),
        (Observed::Unknown(why), None) => Err(Trouble::Input(why.clone())),
    }
}

/// A directory that has files may hold somebody's work.
fn is_free(out: &Path, force: bool) -> Result<(), Trouble> {
    let taken = match fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(trouble(out, error)),
    };
    if taken && !force {
        let out = out.display();
        return Err(Trouble::Input(format!("{out} has files already; name another directory, or give --force")));
    }
    Ok(())
}

fn write(out: &Path, imported: &Imported, force: bool) -> Result<(), Trouble> {
    let mut texts = BTreeMap::new();
    for file in &imported.files {
        texts.insert(out.join(&file.path), &file.text);
    }
    for (path, text) in texts {
        let folder = path.parent().unwrap_or(out);
        fs::create_dir_all(folder).map_err(|error| trouble(folder, error))?;
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).create_new(!force);
        let mut file = options.open(&path).map_err(|error| trouble(&path, error))?;
        file.write_all(text.as_bytes()).map_err(|error| trouble(&path, error))?;
    }
    Ok(())
}

fn trouble(path: &Path, source: std::io::Error) -> Trouble {
    Trouble::Io { context: path.display().to_string(), source }
}
