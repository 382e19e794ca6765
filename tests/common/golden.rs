//! Output that is compared with a file; `UPDATE_GOLDEN=1` writes the file anew, to be looked at before it is committed.

use std::fs;
use std::path::Path;

/// Compares with `tests/golden/NAME`, and names the first line that differs.
pub fn check(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|wanted| wanted == "1") {
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
