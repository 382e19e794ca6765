//! What an import has made, for people and for programs. Must not know: how it was made.

use std::collections::BTreeMap;

use crate::import::{Claim, File, Imported, Note};
use crate::shape::{Tree, json, plain};
use crate::tree;

use super::print::counted;

/// So many notes are told one by one; who has more has seen enough.
const NOTES_MAX: usize = 200;

/// Everything printed as one stream of documents, each with the name of its file.
pub fn stream(imported: &Imported) -> String {
    let document = |file: &File| format!("---\n# {}\n{}", file.path, file.text);
    imported.files.iter().map(document).collect()
}

/// The report for people; `out` is where the files are, none where they were printed.
pub fn text(imported: &Imported, out: Option<&str>) -> String {
    let mut text = String::new();
    let mut line = |line: &str| {
        text.push_str(&plain(line));
        text.push('\n');
    };
    for file in &imported.files {
        let object = file.object.as_deref().unwrap_or("values of variables");
        line(&format!("{}  {object}{}", file.path, if file.managed { "" } else { "  (commented out)" }));
    }
    for note in imported.notes.iter().take(NOTES_MAX) {
        line(&said(note));
    }
    if let Some(more) = imported.notes.len().checked_sub(NOTES_MAX).filter(|more| *more > 0) {
        line(&format!("and {} more", counted(more, "note")));
    }
    for said in warnings(imported) {
        line(&said);
    }
    for said in ending(&imported.claims) {
        line(&said);
    }
    if !imported.if_terraform.is_empty() {
        line("No tag tells of Terraform; should it keep these as well, its claim ends with:");
        imported.if_terraform.iter().for_each(|block| line(&format!("  {block}")));
    }
    line(&next(imported, out));
    text
}

fn said(note: &Note) -> String {
    let at = note.at.as_ref().map(|at| format!("{at}: ")).unwrap_or_default();
    let object = note.object.as_ref().map(|object| format!("{object}: ")).unwrap_or_default();
    format!("{at}{}: {object}{}", note.what.as_str(), note.message)
}

fn warnings(imported: &Imported) -> Vec<String> {
    let mut said = Vec::new();
    if imported.environment > 0 {
        let values = counted(imported.environment, "value");
        let (secrets, redact) = (imported.secrets, "--redact-env writes variables instead");
        said.push(format!(
            "warning: {values} of environment variables are written as they are, and {secrets} of them look like \
             secrets; {redact}"
        ));
    }
    for (name, variable) in &imported.variables {
        said.push(format!("variable: ${{var.{name}}} stands for {}", variable.why));
    }
    if imported.warnings > 0 {
        said.push(format!("{}: `ecs-operator validate` tells them", counted(imported.warnings, "more warning")));
    }
    said
}

/// What ends the other owners' claims, tool by tool.
fn ending(claims: &[(String, Claim)]) -> Vec<String> {
    let mut by_tool: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (object, claim) in claims {
        let lines = by_tool.entry(claim.tool()).or_default();
        lines.push(format!("  # {object}"));
        lines.extend(claim.ended_by().into_iter().map(|line| format!("  {line}")));
    }
    let told = |(tool, lines): (&str, Vec<String>)| {
        std::iter::once(format!("{tool} keeps these as well; its claim ends with:")).chain(lines).collect::<Vec<_>>()
    };
    by_tool.into_iter().flat_map(told).collect()
}

fn next(imported: &Imported, out: Option<&str>) -> String {
    let managed = imported.files.iter().filter(|file| file.managed && file.object.is_some()).count();
    let refused = imported.files.iter().filter(|file| !file.managed).count();
    let beside = if refused == 0 { String::new() } else { format!(", and {refused} commented out") };
    let objects = counted(managed, "object");
    match out {
        Some(out) => format!("{objects}{beside}, in {out}. Next: ecs-operator plan {out} --owner NAME"),
        None => format!("{objects}{beside}."),
    }
}

/// The report for programs.
pub fn json(imported: &Imported, out: Option<&str>) -> String {
    let file = |file: &File| {
        tree! { "path" => &file.path, "managed" => file.managed }.with_some("object", file.object.as_ref())
    };
    let note = |note: &Note| {
        let at = note.at.as_ref().map(|at| tree! { "file" => &at.file, "line" => at.line, "column" => at.column });
        tree! { "what" => note.what.as_str(), "message" => &note.message }
            .with_some("object", note.object.as_ref())
            .with_some("at", at)
    };
    let claim = |(object, claim): &(String, Claim)| {
        tree! { "object" => object, "tool" => claim.tool(), "claim" => claim.to_string(), "endedBy" => claim.ended_by() }
    };
    let variable = |(name, one): (&String, &crate::import::Variable)| tree! { "name" => name, "standsFor" => &one.why };
    let list = |items: Vec<Tree>| Tree::List(items);
    json::write(
        &tree! {
            "files" => list(imported.files.iter().map(file).collect()),
            "notes" => list(imported.notes.iter().map(note).collect()),
            "claims" => list(imported.claims.iter().map(claim).collect()),
            "variables" => list(imported.variables.iter().map(variable).collect()),
            "ifTerraform" => imported.if_terraform.clone(),
            "environmentValues" => imported.environment,
            "secrets" => imported.secrets,
            "warnings" => imported.warnings,
            "whole" => imported.is_whole(),
        }
        .with_some("out", out),
    )
}
