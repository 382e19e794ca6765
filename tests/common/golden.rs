//! What is said, in files that a reviewer reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use ecs_operator::manifest::Finding;

/// `file:line:column: severity[rule]: message (remedy)`.
pub fn line(finding: &Finding) -> String {
    let Finding { file, line, column, severity, rule, message, remedy, path: _ } = finding;
    let remedy = remedy.as_ref().map(|remedy| format!(" ({remedy})")).unwrap_or_default();
    format!("{file}:{line}:{column}: {severity}[{rule}]: {message}{remedy}")
}

/// Compares each text with its file, and the files with the texts; `UPDATE_GOLDEN=1` writes them anew.
pub fn compare(folder: &Path, rows: impl Iterator<Item = (String, String)>) {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some_and(|wanted| wanted == "1");
    let rows: BTreeMap<String, String> = rows.collect();
    let path = |name: &str| folder.join(format!("{name}.txt"));
    let there: BTreeSet<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let strangers: Vec<&String> = there.iter().filter(|name| !rows.contains_key(*name)).collect();
    if update {
        fs::create_dir_all(folder).unwrap();
        strangers.iter().for_each(|name| fs::remove_file(path(name)).unwrap());
        rows.iter().for_each(|(name, text)| fs::write(path(name), text).unwrap());
        return;
    }
    let mut wrong: Vec<String> = strangers.iter().map(|name| format!("{name}: a file of nothing")).collect();
    for (name, text) in &rows {
        let wanted = fs::read_to_string(path(name)).unwrap_or_default();
        if wanted != *text {
            wrong.push(format!("{name}:\n  was\n{wanted}  is\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n(UPDATE_GOLDEN=1 writes what is)", wrong.join("\n"));
}
