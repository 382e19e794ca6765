//! Texts that are kept beside the tests and compared to the letter. `UPDATE_GOLDEN=1` writes them anew, to be read in
//! the change.

use std::fs;
use std::path::Path;

/// Compares with `tests/golden/NAME`.
pub fn check(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, actual).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, kept, "tests/golden/{name} differs; UPDATE_GOLDEN=1 writes it anew");
}
