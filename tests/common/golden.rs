//! Texts that are kept beside the tests and compared to the letter. `UPDATE_GOLDEN=1` writes them anew, to be read in
//! the change.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use ecs_operator::manifest::Finding;

/// `file:line:column: severity[rule]: message (remedy)`.
pub fn line(finding: &Finding) -> String {
    let Finding { file, line, column, severity, rule, message, evidence: _, remedy, path: _ } = finding;
    let remedy = remedy.as_ref().map(|remedy| format!(" ({remedy})")).unwrap_or_default();
    format!("{file}:{line}:{column}: {severity}[{rule}]: {message}{remedy}")
}

/// Whether what is kept shall be written anew.
pub fn updates() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some_and(|wanted| wanted == "1")
}

/// Compares with `tests/golden/NAME`, and names the first line that differs.
pub fn check(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if updates() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        return;
    }
    let golden = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut pairs = golden.lines().zip(text.lines()).enumerate();
    if let Some((number, (wanted, got))) = pairs.find(|(_, (wanted, got))| wanted != got) {
        panic!("{name}:{}:\n wanted {wanted:?}\n    got {got:?}\nUPDATE_GOLDEN=1 takes it over", number + 1);
    }
    assert!(golden == text, "{name}: {} lines wanted, {} got", golden.lines().count(), text.lines().count());
}

/// Compares each text with its file, and the files with the texts; `UPDATE_GOLDEN=1` writes them anew.
pub fn compare(folder: &Path, rows: impl Iterator<Item = (String, String)>) {
    let rows: BTreeMap<String, String> = rows.collect();
    let path = |name: &str| folder.join(format!("{name}.txt"));
    let there: BTreeSet<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let strangers: Vec<&String> = there.iter().filter(|name| !rows.contains_key(*name)).collect();
    if updates() {
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
