//! From a snapshot of the directory to the desired state.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::args;
use crate::kinds::{Place, tags::Ownership};
use crate::manifest::{self, Input, Reading, Settings, Variables};
use crate::source::{self, Snapshot};

use super::Trouble;

/// The source id of directories that name none.
const SOURCE_DEFAULT: &str = "default";

/// Reads the manifests of a snapshot.
pub fn reading(snapshot: &Snapshot, flags: &args::Place, place: &Place) -> Reading {
    let variables = Variables {
        region: Some(place.region.clone()),
        account: Some(place.account.clone()),
        overrides: flags.variables.iter().cloned().collect(),
    };
    read(snapshot, &variables)
}

/// The same with variables from elsewhere.
pub fn read(snapshot: &Snapshot, variables: &Variables) -> Reading {
    let unreadable: BTreeMap<String, String> =
        snapshot.problems.iter().map(|problem| (problem.path.clone(), problem.what.clone())).collect();
    manifest::read(&Input {
        files: &snapshot.files,
        settings: snapshot.settings.as_ref(),
        unreadable: &unreadable,
        variables,
    })
}

/// What the settings file of a directory says, as far as it can be read.
pub fn settings(path: &Path) -> Option<Settings> {
    let mut snapshot = source::load(path).ok()?;
    snapshot.files.clear();
    read(&snapshot, &Variables::default()).settings
}

/// Whose objects these are: the flag, else the settings file; where both are silent, `default` if there is one.
pub fn ownership(
    flags: &args::Place,
    settings: Option<&Settings>,
    default: Option<&str>,
) -> Result<Ownership, Trouble> {
    let owner = flags.owner.clone().or_else(|| settings?.owner.clone()).or_else(|| default.map(str::to_owned));
    let owner = owner.ok_or_else(|| {
        let how = "give --owner NAME, or write `owner: NAME` into ecs-operator.yaml at the root of the directory";
        Trouble::Input(format!("nobody owns what this directory would make: {how}"))
    })?;
    let source = settings.and_then(|settings| settings.source.clone()).unwrap_or_else(|| SOURCE_DEFAULT.to_owned());
    let fits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-@".contains(c));
    if !fits(&owner) || !fits(&source) || owner.len() + source.len() > 200 {
        let message = format!("owner {owner:?} and source {source:?} go into a tag: letters, digits, _ . - @ only");
        return Err(Trouble::Input(message));
    }
    Ok(Ownership { owner, source })
}
