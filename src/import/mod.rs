//! What lives in AWS, or stands in other tools' files, as manifests: trees and texts in, texts and notes out.
//! Must not know: clients, files, how anything is shown.
//!
//! Every source gives [`Found`] objects with what it could not bring along as [`Note`]s; [`compose`] makes files of
//! them, reads these as the operator would, and comments out what it would refuse.

mod cfn;
mod compose;
mod convert;
mod copilot;
mod ecs;
mod ecspresso;
mod files;
mod fit;
pub mod limits;
mod live;
mod minimal;
mod names;
mod order;
mod redact;
mod terraform;
mod yaml;

use std::collections::BTreeMap;

use crate::kinds::{Adopt, Kind, Place};
use crate::manifest;
use crate::shape::Tree;

pub use crate::kinds::claims::Claim;
pub use compose::compose;
pub use ecspresso::parts;
pub use files::{Texts, read as from_files};
pub use live::{Live, found as from_live};
pub use yaml::Remarks;

/// Where in a file, from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    pub file: String,
    pub line: usize,
    pub column: usize,
}

impl Spot {
    pub fn new(file: &str, place: manifest::Place) -> Self {
        Self { file: file.to_owned(), line: place.line, column: place.column }
    }
}

impl std::fmt::Display for Spot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One object that a source has.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub kind: Kind,
    /// What AWS calls it; may hold variables.
    pub name: String,
    /// Of a service; none is AWS's default cluster.
    pub cluster: Option<String>,
    /// As AWS's API takes it; may hold variables.
    pub spec: Tree,
    /// For people: `cluster prod`, `template.yaml:12:3 (WebService)`.
    pub from: String,
    /// Comments by the path in the spec.
    pub remarks: Remarks,
    /// Why it can't be managed, where that is known already.
    pub refused: Option<String>,
    /// Of a service: `family:revision` that it runs, to be named should its task definition be no manifest.
    pub runs: Option<String>,
    pub claim: Option<Claim>,
    pub variables: BTreeMap<String, Variable>,
}

impl Found {
    pub fn new(kind: Kind, name: impl Into<String>, spec: Tree, from: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            cluster: None,
            spec,
            from: from.into(),
            remarks: Remarks::new(),
            refused: None,
            runs: None,
            claim: None,
            variables: BTreeMap::new(),
        }
    }
}

/// A variable that stands in manifests where their source has a value that is not known, or not to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variable {
    /// What it stands for.
    pub why: String,
    /// The value, where the source has one; written down with the manifests.
    pub default: Option<String>,
    /// The value where it is known and not to be written.
    pub hidden: Option<String>,
}

/// What can be said of what was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// An object is not managed: its manifest is commented out, or there is none.
    Refused,
    /// A part of an object has no place in its manifest.
    LeftOut,
    /// A value is not known; a variable stands for it.
    Placeholder,
    /// It is there, and something about it should be known.
    Warning,
}

impl What {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::LeftOut => "left-out",
            Self::Placeholder => "placeholder",
            Self::Warning => "warning",
        }
    }
}

/// One thing that people should know. Never holds a value that may be secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    pub what: What,
    pub at: Option<Spot>,
    /// `prod/Service/web`.
    pub object: Option<String>,
    pub message: String,
}

impl Note {
    pub fn new(what: What, message: impl Into<String>) -> Self {
        Self { what, at: None, object: None, message: message.into() }
    }

    #[must_use]
    pub fn at(self, spot: Spot) -> Self {
        Self { at: Some(spot), ..self }
    }

    #[must_use]
    pub fn of(self, found: &Found) -> Self {
        Self { object: Some(names::short(found)), ..self }
    }
}

/// How manifests are to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Ways {
    /// Variables stand for the values of environment variables.
    pub redact_env: bool,
    /// What each manifest says of an object that is there and is not ours.
    pub adopt: Adopt,
    /// Empty where it is not known.
    pub place: Place,
}

/// One file of the result.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Relative, with slashes.
    pub path: String,
    pub text: String,
    /// `prod/Service/web`; none for variables.
    pub object: Option<String>,
    /// False where all of it is commented out.
    pub managed: bool,
}

/// What an import comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    pub files: Vec<File>,
    pub notes: Vec<Note>,
    /// Who else has the objects.
    pub claims: Vec<(String, Claim)>,
    /// What would end the claim of Terraform, should it keep what carries no mark: its tags do not tell.
    pub if_terraform: Vec<String>,
    /// Variables without a value in the files.
    pub variables: BTreeMap<String, Variable>,
    /// Values of environment variables that are written down, and how many of them look like secrets.
    pub environment: usize,
    pub secrets: usize,
    /// Warnings that `validate` would have.
    pub warnings: usize,
}

impl Imported {
    /// Whether something was read that the manifests do not have.
    pub fn is_whole(&self) -> bool {
        self.notes.iter().all(|note| note.what == What::Warning)
    }
}
