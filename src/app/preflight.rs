//! `preflight`: whether each service could roll now, and nothing done.

use crate::check::Desired;
use crate::cli::args::FindingsOutput;
use crate::cli::preflight::{Ahead, json, text};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, args, findings, print};
use crate::clock::Clock;
use crate::kinds::{Key, Object, Origin, lookup};
use crate::manifest::{Fault, Finding, Place, Reading};
use crate::reconcile::{Shared, preflight, sweep};
use crate::shape::Path;

use super::Trouble;
use super::plan::prepare;

/// Looks ahead for all services and prints what is found.
pub async fn preflight(flags: args::Preflight, clock: Clock) -> Result<Exit, Trouble> {
    let Some(ready) = prepare(&flags.place, None, &clock).await? else { return Ok(Exit::Error) };
    let all = ahead(&ready.shared, &ready.desired, &ready.reading, |file| ready.given.name(file)).await?;
    match flags.output {
        FindingsOutput::Text => print::out(text(&all, &ready.given.sources(), &Terminal::of_stdout())),
        FindingsOutput::Json => print::out(json(&all)),
        FindingsOutput::Github => {
            let found: Vec<Finding> = all.iter().flat_map(|(_, ahead)| ahead.findings().to_vec()).collect();
            print::out(findings::github(&found).trim_end());
        }
    }
    Ok(if all.iter().any(|(_, ahead)| ahead.is_held()) { Exit::Blocked } else { Exit::Done })
}

/// What preflight says of every declared service; `name` is how people find a file.
///
/// # Errors
/// A read that failed.
pub async fn ahead(
    shared: &Shared,
    desired: &Desired,
    reading: &Reading,
    name: impl Fn(&str) -> String,
) -> Result<Vec<(Key, Ahead)>, Trouble> {
    sweep::sweep(shared, desired).await;
    let mut all = Vec::new();
    for object in desired.services() {
        let said = preflight::ahead(shared, desired, object).await?;
        all.push((object.key.clone(), Ahead::of(&said, |fault| placed(reading, object, fault, &name))));
    }
    Ok(all)
}

/// A finding at the line of its manifest; what selector terms stand for, at the terms.
pub fn placed(reading: &Reading, object: &Object, fault: &Fault, name: impl Fn(&str) -> String) -> Finding {
    let spec = Path::from("spec");
    let below = Path(fault.path.0.iter().skip(spec.0.len()).cloned().collect());
    let path = lookup::terms_of(&object.lookup, &below).map_or(fault.path.clone(), |terms| terms.below(&spec));
    let Origin { file, document } = &object.origin;
    let document = reading.documents.iter().find(|one| one.file == *file && one.index == *document);
    let place = document.map_or(Place { line: 1, column: 1 }, |document| document.locator().find(&path, fault.at));
    Fault { path, ..fault.clone() }.placed(&name(file), place)
}
