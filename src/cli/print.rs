//! Lines for whoever typed the command.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::kinds::Key;
use crate::shape::plain;
use crate::status::Status;

/// A line on standard output. `println!` would panic, in the middle of an apply, when whoever reads it has gone away.
///
/// Whoever has gone away does not want it; what can't be written for another reason is remembered, and no success.
pub fn out(line: impl Display) {
    match writeln!(io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => LOST.store(true, Ordering::Relaxed),
        Ok(()) | Err(_) => {}
    }
}

/// Some output could not be written.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether some output could not be written, though somebody waits for it.
pub fn is_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// The same on standard error.
pub fn err(line: impl Display) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// `1 problem`, `2 problems`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// One line for each object whose story has changed since the last picture.
pub fn progress(before: &Status, now: &Status) -> Vec<String> {
    let story = |status: &Status, key: &Key| {
        let ready = status.objects.get(key)?.conditions.ready()?.clone();
        let said = if ready.message.is_empty() { String::new() } else { format!(": {}", ready.message) };
        Some(plain(&format!("{}  {}{said}", key.short(), ready.reason)).into_owned())
    };
    now.objects.keys().filter(|key| story(before, key) != story(now, key)).filter_map(|key| story(now, key)).collect()
}
