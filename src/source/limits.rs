//! Every bound on what is read from the directory, in one place.

use std::time::Duration;

/// Manifest files in one snapshot.
pub const FILES: usize = 10_000;
/// Names looked at below the root, whatever they are.
pub const ENTRIES: usize = 200_000;
/// One file.
pub const FILE_BYTES: u64 = 1024 * 1024;
/// All files of one snapshot.
pub const TOTAL_BYTES: u64 = 64 * 1024 * 1024;
/// Directories below each other.
pub const DEPTH: usize = 16;
/// Symbolic links followed on the way to one path; the kernel's own limit.
pub const LINKS: usize = 40;
/// Reads of a directory that changes while it is read, before it counts as unreadable.
pub const ATTEMPTS: usize = 4;
/// Pause before such a read is repeated.
pub const ATTEMPT_PAUSE: Duration = Duration::from_millis(25);
/// Reads of a file that grows while it is read.
pub const FILE_ATTEMPTS: usize = 3;
/// Files changed so shortly before they were read could change again without a visible trace.
pub const RACY: Duration = Duration::from_secs(2);
/// How often the directory is looked at without any hint.
pub const POLL: Duration = Duration::from_secs(5);
/// Silence that ends a burst of file events.
pub const DEBOUNCE_IDLE: Duration = Duration::from_millis(200);
/// The longest that a burst of file events is waited for.
pub const DEBOUNCE_CAP: Duration = Duration::from_secs(2);
