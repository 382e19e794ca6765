//! Files of other tools, told apart by their shape. Must not know: how they were read.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::manifest::{self, Foreign};
use crate::shape::{Path, Tree};

use super::{Found, Note, Spot, What, cfn, copilot, ecs, ecspresso, terraform};

/// The texts by their names, and the values that a template's parameters are given.
pub type Texts = BTreeMap<String, Arc<str>>;

/// The objects of files, and what could not be brought along.
pub fn read(texts: &Texts, parameters: &[(String, String)]) -> (Vec<Found>, Vec<Note>) {
    let (mut found, mut notes) = (Vec::new(), Vec::new());
    let within = ecspresso::parts(texts);
    for (file, text) in texts.iter().filter(|(file, _)| !within.contains(*file)) {
        for document in documents(file, &ecspresso::prepared(text), &mut notes) {
            match () {
                () if cfn::is(&document.tree) => found.extend(cfn::found(&document, parameters, &mut notes)),
                () if terraform::is(&document.tree) => found.extend(terraform::found(&document, &mut notes)),
                () if ecspresso::is(&document.tree) => found.extend(ecspresso::found(&document, texts, &mut notes)),
                () if copilot::is(&document.tree) => found.extend(copilot::found(&document, &mut notes)),
                () if ecs::is(&document.tree) => found.extend(ecs::found(&document, &mut notes)),
                () => notes.push(stranger(&document)),
            }
        }
    }
    ecs::join(&mut found);
    (found, notes)
}

/// The documents of a file; what can't be read is among the notes.
pub fn documents(file: &str, text: &Arc<str>, notes: &mut Vec<Note>) -> Vec<Foreign> {
    let (documents, findings) = manifest::foreign(file, text);
    for finding in findings {
        let spot = Spot { file: finding.file.clone(), line: finding.line, column: finding.column };
        notes.push(Note::new(What::Refused, finding.short()).at(spot));
    }
    documents
}

fn stranger(document: &Foreign) -> Note {
    let at = document.places().find(&Path::root());
    let what = match &document.tree {
        Tree::Map(_) => {
            "none of ECS's JSON, an ecspresso.yml, a CloudFormation template, a Terraform state, a Copilot manifest"
                .to_owned()
        }
        other => format!("{}, and a map is wanted", other.noun()),
    };
    Note::new(What::Refused, format!("this is {what}")).at(Spot::new(&document.file, at))
}
