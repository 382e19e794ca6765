//! `validate`: what is wrong with manifests, all at once, without AWS.

use std::collections::BTreeSet;

use crate::check;
use crate::cli::args::FindingsOutput;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, args, findings, print};
use crate::kinds::Place;
use crate::manifest::{Finding, Variables};

use super::Trouble;
use super::desired::read;
use super::input::Given;

/// What `${aws.account}` becomes where nobody says which account it is.
const ANY_ACCOUNT: &str = "000000000000";

/// Reads everything and prints all findings.
pub fn validate(flags: &args::Validate) -> Result<Exit, Trouble> {
    let given = match Given::all(&flags.paths) {
        Ok(given) => given,
        Err(trouble) => {
            print::err(format_args!("error: {trouble}"));
            return Ok(Exit::Unread);
        }
    };
    let (mut found, mut sources, mut documents) = (Vec::new(), findings::Sources::new(), 0);
    for given in &given {
        let looked = look(given, flags);
        documents += looked.documents;
        found.extend(given.named(looked.findings));
        sources.extend(given.sources());
    }
    found.sort();
    found.dedup();
    match flags.output {
        FindingsOutput::Text => {
            let text = findings::text(&found, &sources, &Terminal::of_stdout());
            print::out(format_args!("{text}{}", summary(&found, documents)));
        }
        FindingsOutput::Json => print::out(findings::json(&found, documents)),
        FindingsOutput::Github => print::out(findings::github(&found).trim_end()),
    }
    let wrong = found.iter().any(|finding| flags.strict || findings::is_error(finding));
    Ok(if wrong { Exit::Error } else { Exit::Done })
}

fn summary(found: &[Finding], documents: usize) -> String {
    let documents = print::counted(documents, "document");
    match found {
        [] => format!("{documents}, nothing wrong."),
        found => format!("{} in {documents}. `ecs-operator explain RULE` tells more.", findings::counted(found)),
    }
}

struct Looked {
    findings: Vec<Finding>,
    documents: usize,
}

/// Looks at all documents, whichever place they are for: what belongs to another one is looked at as it would be there.
fn look(given: &Given, flags: &args::Validate) -> Looked {
    let unplaced = Place { account: flags.account.clone().unwrap_or_default(), region: flags.region.clone() };
    let mut places = vec![unplaced.clone()];
    let mut looked = Looked { findings: Vec::new(), documents: 0 };
    let mut known = BTreeSet::from([unplaced]);
    while let Some(place) = places.pop() {
        let account = if place.account.is_empty() { ANY_ACCOUNT } else { &place.account };
        let variables = Variables {
            region: Some(place.region.clone()),
            account: Some(account.to_owned()),
            overrides: flags.variables.iter().cloned().collect(),
        };
        let reading = read(&given.snapshot, &variables);
        for document in &reading.documents {
            let of = |member: &str, default: &str| document.metadata.text(member).unwrap_or(default).to_owned();
            let place = Place { account: of("account", &place.account), region: of("region", &place.region) };
            if known.insert(place.clone()) {
                places.push(place);
            }
        }
        looked.documents = looked.documents.max(reading.documents.len() + reading.broken.len());
        let desired = check::desired(&reading, &place, "", None);
        looked.findings.extend(desired.findings.into_iter().chain(desired.warnings));
    }
    looked
}
