//! `validate`: what is wrong with manifests, all at once, without AWS.

use std::collections::BTreeSet;

use crate::check;
use crate::cli::args::FindingsOutput;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, args, findings, print};
use crate::kinds::Place;
use crate::manifest::{Document, Finding, Variables};

use super::Trouble;
use super::desired::read;
use super::input::Given;

/// What `${aws.account}` and `${aws.region}` become where nobody says which they are.
const ANY_ACCOUNT: &str = "000000000000";
const ANY_REGION: &str = "us-east-1";

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

/// Looks at all documents, whichever place they are for: what says that it belongs to another one is looked at as it
/// would be there.
fn look(given: &Given, flags: &args::Validate) -> Looked {
    let unsaid =
        Place { account: flags.account.clone().unwrap_or_default(), region: flags.region.clone().unwrap_or_default() };
    let mut looked = Looked { findings: Vec::new(), documents: 0 };
    let mut known = BTreeSet::from([unsaid.clone()]);
    let mut places = vec![unsaid.clone()];
    while let Some(place) = places.pop() {
        let or = |said: &str, any: &str| Some(if said.is_empty() { any.to_owned() } else { said.to_owned() });
        let variables = Variables {
            region: or(&place.region, ANY_REGION),
            account: or(&place.account, ANY_ACCOUNT),
            overrides: flags.variables.iter().cloned().collect(),
        };
        let reading = read(&given.snapshot, &variables);
        for document in &reading.documents {
            let said = place_of(document, &unsaid);
            if known.insert(said.clone()) {
                places.push(said);
            }
        }
        looked.documents = looked.documents.max(reading.documents.len() + reading.broken.len());
        let desired = check::desired(&reading, &place, "", None);
        let is_here = |finding: &Finding| {
            let before = |one: &&Document| one.file == finding.file && one.start.line <= finding.line;
            reading.documents.iter().rev().find(before).is_none_or(|document| place_of(document, &unsaid) == place)
        };
        looked.findings.extend(desired.findings.into_iter().chain(desired.warnings).filter(is_here));
    }
    looked
}

/// The place that a document is for.
fn place_of(document: &Document, unsaid: &Place) -> Place {
    let of = |member: &str, unsaid: &String| document.metadata.text(member).unwrap_or(unsaid).to_owned();
    Place { account: of("account", &unsaid.account), region: of("region", &unsaid.region) }
}
