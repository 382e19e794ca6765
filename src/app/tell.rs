//! What the program tells of itself: schemas, its version, completion scripts.

use std::io::Write as _;

use serde::Serialize;

use crate::check::{self, schema};
use crate::cli::args::Output;
use crate::cli::terminal::Terminal;
use crate::cli::{Args, Exit, args, findings, ink, print};
use crate::manifest::API_VERSION;
use crate::reconcile::conditions::REASONS;
use crate::shape::near::nearest;
use crate::shape::table;

use super::Trouble;

/// Prints what a rule asks for, or a reason means; without a name, all rules.
pub fn explain(flags: &args::Explain) -> Result<Exit, Trouble> {
    let terminal = Terminal::of_stdout();
    let Some(name) = flags.name.as_deref() else {
        let rules = check::rules().map(|rule| (rule.name, rule.severity, rule.summary));
        print::out(findings::rules(rules, &terminal));
        REASONS.iter().for_each(|(reason, _)| print::out(reason));
        return Ok(Exit::Done);
    };
    if let Some(rule) = check::rule(name) {
        print::out(findings::explanation(&check::explain(rule), &terminal).trim_end());
        return Ok(Exit::Done);
    }
    if let Some((reason, means)) = REASONS.iter().find(|(reason, _)| *reason == name) {
        let words = ink::wrap(&format!("{reason}: {means}"), terminal.width);
        words.iter().for_each(print::out);
        return Ok(Exit::Done);
    }
    let known = check::rules().map(|rule| rule.name).chain(REASONS.iter().map(|(reason, _)| *reason));
    let near = nearest(name, known).map_or_else(String::new, |near| format!("; did you mean {near}?"));
    Err(Trouble::Input(format!("no rule or reason {name:?}{near} (`ecs-operator explain` lists them)")))
}

/// Prints the schema of a kind, or of all.
pub fn schema(flags: &args::Schema) -> Result<Exit, Trouble> {
    let known = schema::NAMES;
    let wanted = flags.kind.as_deref();
    let Some(schema) = schema::schema(wanted) else {
        let wanted = wanted.unwrap_or_default();
        let near = nearest(wanted, known.iter().copied()).map(|near| format!("; did you mean {near}?"));
        let message = format!("no kind {wanted:?}; there are {}{}", known.join(", "), near.unwrap_or_default());
        return Err(Trouble::Input(message));
    };
    print::out(serde_json::to_string_pretty(&schema).unwrap_or_default());
    Ok(Exit::Done)
}

/// What `version -o json` prints; members are only ever added.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About {
    version: &'static str,
    /// Of the source, where the build was told.
    commit: Option<&'static str>,
    api_version: &'static str,
    /// Where the shapes of AWS's API are from.
    shapes: &'static str,
    debug: bool,
}

pub fn version(flags: &args::Version) -> Exit {
    let about = About {
        version: env!("CARGO_PKG_VERSION"),
        commit: option_env!("ECS_OPERATOR_COMMIT"),
        api_version: API_VERSION,
        shapes: table::source(),
        debug: cfg!(debug_assertions),
    };
    match flags.output {
        Output::Json => print::out(serde_json::to_string_pretty(&about).unwrap_or_default()),
        Output::Text => {
            let commit = about.commit.map(|commit| format!(" ({commit})")).unwrap_or_default();
            print::out(format_args!("ecs-operator {}{commit}", about.version));
            print::out(format_args!("manifests {}, shapes {}", about.api_version, about.shapes));
        }
    }
    Exit::Done
}

pub fn completion(flags: &args::Completion) -> Exit {
    // Whoever has closed the output does not want to read it.
    drop(std::io::stdout().lock().write_all(&Args::completion(flags.shell)));
    Exit::Done
}
