//! The settings file `ecs-operator.yaml` at the root of the directory: whose objects these are.
//!
//! Must not know: what the settings bring about.

use super::envelope::unknown;
use super::finding::{At, Fault};
use crate::shape::{Path, Tree};

/// What the settings file says. An absent member is for the caller to default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Who owns the objects that are made from this directory.
    pub owner: Option<String>,
    /// Which of the owner's directories this is.
    pub source: Option<String>,
    /// The clusters that belong to this directory.
    pub clusters: Vec<String>,
    /// How many revisions of each task definition stay, where its manifest does not say.
    pub keep: Option<usize>,
}

const MEMBERS: [&str; 4] = ["owner", "source", "clusters", "keep"];
/// More revisions are kept by saying nothing.
pub const KEEP_MAX: usize = 10_000;
/// What will be settings; said as such, so that nobody relies on it or takes it for a slip.
const LATER: [&str; 3] = ["notify", "prune", "windows"];

/// Reads the settings out of the file's tree. Nothing is taken from settings that have a fault: half of them could mean
/// something else than all of them.
pub(super) fn read(tree: &Tree) -> Result<Settings, Vec<Fault>> {
    let mut settings = Settings::default();
    let mut faults = Vec::new();
    let map = match tree {
        Tree::Map(map) => map,
        Tree::Null => return Ok(settings),
        other => {
            let message = format!("the settings are {}; they take a map", other.noun());
            return Err(vec![Fault::new(Path::root(), At::Value, "settings", message)]);
        }
    };
    for later in LATER.into_iter().filter(|later| map.contains_key(later)) {
        let message = format!("{later} is not supported yet");
        faults.push(Fault::new(Path::from(later), At::Key, "not-supported-yet", message));
    }
    let known: Vec<&str> =
        MEMBERS.into_iter().chain(LATER.into_iter().filter(|later| map.contains_key(later))).collect();
    unknown(map, &Path::root(), &known, &mut faults);
    let mut wrong = |name: &str, value: &Tree, wanted: &str| {
        let message = format!("{name} is {}; it takes {wanted}", if value.is_empty() { "empty" } else { value.noun() });
        faults.push(Fault::new(Path::from(name), At::Value, "settings", message));
    };
    for (name, place) in [("owner", &mut settings.owner), ("source", &mut settings.source)] {
        match map.get(name) {
            Some(Tree::Text(text)) if !text.is_empty() => *place = Some(text.to_string()),
            Some(other) => wrong(name, other, "a string"),
            None => {}
        }
    }
    if let Some(value) = map.get("keep") {
        match value.as_int().and_then(|count| usize::try_from(count).ok()) {
            Some(count) if (1..=KEEP_MAX).contains(&count) => settings.keep = Some(count),
            _ => wrong("keep", value, "a number of revisions from 1 to 10000"),
        }
    }
    match map.get("clusters") {
        Some(Tree::List(names)) => {
            for name in names {
                match name {
                    Tree::Text(name) if !name.is_empty() => settings.clusters.push(name.to_string()),
                    other => wrong("clusters", other, "a list of names"),
                }
            }
        }
        Some(other) => wrong("clusters", other, "a list of names"),
        None => {}
    }
    if faults.is_empty() { Ok(settings) } else { Err(faults) }
}
