//! The configuration file (`--config`): flags by their long names, one a line. What it says counts for less than a flag or
//! an environment variable, and for more than a default.
//!
//! One file may serve many commands: a flag that only another command has is passed over.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Command;

use crate::manifest::{At, Fault, Finding, foreign};
use crate::shape::{Path, Tree};
use crate::source;

/// What the file can't say: itself, and what ends the program before it has begun.
const NOT_HERE: [&str; 4] = ["config", "print-config", "help", "version"];

/// What a configuration file says.
#[derive(Debug, Default)]
pub struct Config(BTreeMap<String, Said>);

#[derive(Debug)]
struct Said {
    values: Vec<String>,
    /// `file:line`.
    from: String,
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// One line for each thing that is wrong with it: it is not there, is no map of flags to their values, or names a
    /// flag that no command has.
    pub fn read(path: &PathBuf, commands: &Command) -> Result<Self, Vec<String>> {
        let snapshot = source::load_given(std::slice::from_ref(path), source::limits::FILE_BYTES)
            .map_err(|error| vec![error.to_string()])?;
        if !snapshot.problems.is_empty() {
            return Err(snapshot
                .problems
                .iter()
                .map(|problem| format!("{}: {}", problem.path, problem.what))
                .collect());
        }
        let name = path.display().to_string();
        let Some(text) = snapshot.files.values().chain(&snapshot.settings).next() else { return Ok(Self::default()) };
        let (documents, findings) = foreign(&name, text);
        if !findings.is_empty() {
            return Err(findings.iter().map(Finding::to_string).collect());
        }
        let mut config = Self::default();
        let mut wrong = Vec::new();
        for document in &documents {
            let places = document.places();
            let told = |fault: Fault| {
                let place = places.find(&fault.path);
                fault.placed(&name, place).to_string()
            };
            match entries(&document.tree, commands) {
                Ok(entries) => config.0.extend(entries.into_iter().map(|(flag, values)| {
                    let line = places.find(&Path::from(flag.as_str())).line;
                    (flag, Said { values, from: format!("{name}:{line}") })
                })),
                Err(faults) => wrong.extend(faults.into_iter().map(told)),
            }
        }
        if wrong.is_empty() { Ok(config) } else { Err(wrong) }
    }

    /// The commands with what the file says as their flags' defaults.
    pub fn defaults(&self, commands: Command) -> Command {
        let below: Vec<String> = commands.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        let commands = self.defaults_of(commands);
        below.iter().fold(commands, |commands, name| commands.mut_subcommand(name, |command| self.defaults_of(command)))
    }

    fn defaults_of(&self, command: Command) -> Command {
        let flags: Vec<String> = command.get_arguments().map(|flag| flag.get_id().to_string()).collect();
        flags.into_iter().fold(command, |command, flag| {
            command.mut_arg(flag, |flag| match flag.get_long().and_then(|long| self.0.get(long)) {
                Some(said) => flag.default_values(said.values.clone()).required(false),
                None => flag,
            })
        })
    }

    /// Where the file says something of this flag: `file:line`.
    pub fn says(&self, flag: &str) -> Option<&str> {
        self.0.get(flag).map(|said| said.from.as_str())
    }
}

/// The flags of all commands.
fn flags(commands: &Command) -> Vec<&str> {
    let below = commands.get_subcommands().flat_map(Command::get_arguments);
    let all = commands.get_arguments().chain(below).filter_map(clap::Arg::get_long);
    all.filter(|flag| !NOT_HERE.contains(flag)).collect()
}

fn entries(tree: &Tree, commands: &Command) -> Result<Vec<(String, Vec<String>)>, Vec<Fault>> {
    let map = match tree {
        Tree::Null => return Ok(Vec::new()),
        Tree::Map(map) => map,
        other => {
            let message = format!("the configuration is {}; it takes a map of flags to their values", other.noun());
            return Err(vec![Fault::new(Path::root(), At::Value, "configuration", message)]);
        }
    };
    let known = flags(commands);
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    for (flag, value) in map {
        let at = Path::from(flag.as_str());
        if !known.contains(&flag.as_str()) {
            let message = format!("no command has a flag --{flag} that a file could set");
            let fault = Fault::new(at, At::Key, "configuration", message).near(flag, known.iter().copied());
            faults.push(fault);
            continue;
        }
        match values(value) {
            Some(values) => entries.push((flag.to_string(), values)),
            None => {
                let message = format!("{flag} takes a value, a list of values, or a map of names to values");
                faults.push(Fault::new(at, At::Value, "configuration", message));
            }
        }
    }
    if faults.is_empty() { Ok(entries) } else { Err(faults) }
}

/// The words that would stand behind the flag: of a map, `NAME=VALUE` for each member.
fn values(value: &Tree) -> Option<Vec<String>> {
    match value {
        Tree::List(items) => items.iter().map(word).collect(),
        Tree::Map(map) => map.iter().map(|(name, value)| Some(format!("{name}={}", word(value)?))).collect(),
        one => word(one).map(|word| vec![word]),
    }
}

fn word(value: &Tree) -> Option<String> {
    match value {
        Tree::Bool(flag) => Some(flag.to_string()),
        Tree::Int(number) => Some(number.to_string()),
        Tree::Float(number) => Some(number.to_string()),
        Tree::Text(text) => Some(text.to_string()),
        Tree::Null | Tree::List(_) | Tree::Map(_) => None,
    }
}
